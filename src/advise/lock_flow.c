/* SPDX-License-Identifier: MIT */
/* The flow of section locks through one function, and what becomes of a lock's handle. */
#include "advise/lock_flow.h"

#include <string.h>

#include "base/host.h"

#define LEAD_ROUNDS 64u /* over a function; more take only jumps back in jumps back */

#define COUNTS 0x1fu /* bits of -2 to 2 */

/* ---- memory ---- */

pg_status lock_flow_begin(struct audit *audit, struct lock_flow *flow)
{
    size_t blocks = 1;

    *flow = (struct lock_flow){.audit = audit};
    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        uint32_t count = audit->program->functions[i].block_count;

        blocks = count > blocks ? count : blocks;
    }
    flow->in = host.allocate(blocks * 3);
    flow->stack = host.allocate(sizeof *flow->stack * blocks);
    flow->weights = host.allocate(audit->infer->site_count + (size_t)1);
    if (flow->in == NULL || flow->stack == NULL || flow->weights == NULL) {
        return PG_E_NO_MEMORY;
    }
    flow->queued = flow->in + blocks;
    flow->leads = flow->queued + blocks;
    return PG_OK;
}

void lock_flow_end(struct lock_flow *flow)
{
    host.release(flow->in);
    host.release(flow->stack);
    host.release(flow->weights);
}

unsigned lock_shift(unsigned counts, int by)
{
    unsigned shifted = by >= 0 ? (counts & COUNTS) << by : (counts & COUNTS) >> -by;

    if (by < 0 && (counts & ((1u << -by) - 1)) != 0) {
        shifted |= COUNT_WILD;
    }
    return (shifted & COUNTS) | ((shifted & ~COUNTS) != 0 ? COUNT_WILD : 0) | (counts & COUNT_WILD);
}

/* ---- the flow of one function ---- */

bool lock_in_block(const struct block *block, uint32_t micro)
{
    return micro >= block->first_micro && micro < block->first_micro + block->micro_count;
}

/* Sites ascend by instruction; blocks have theirs together. */
unsigned lock_flow_leave(const struct lock_flow *flow, uint32_t function, const struct block *block,
                         unsigned counts)
{
    const struct summary *summary = &flow->audit->infer->summaries[function];

    for (uint32_t i = infer_first_site(flow->audit->infer, summary, block->first_micro);
         i < summary->first_site + summary->site_count &&
         lock_in_block(block, flow->audit->infer->sites[i].micro);
         i++) {
        counts = lock_shift(counts, flow->weights[i]);
    }
    return counts;
}

void lock_flow_run(struct lock_flow *flow, uint32_t function)
{
    const struct program *program = flow->audit->program;
    const struct function *body = &program->functions[function];
    uint32_t depth = 1;

    memset(flow->in, 0, body->block_count);
    memset(flow->queued, 0, body->block_count);
    flow->in[0] = 1u << COUNT_LOW;
    flow->stack[0] = 0;
    while (depth > 0) {
        uint32_t index = flow->stack[--depth];
        const struct block *block = &program->blocks[body->first_block + index];
        unsigned out = lock_flow_leave(flow, function, block, flow->in[index]);

        flow->queued[index] = 0;
        for (uint32_t i = 0; i < block->successor_count; i++) {
            uint32_t next = program->successors[block->first_successor + i] - body->first_block;

            if ((out & ~(unsigned)flow->in[next]) == 0) {
                continue;
            }
            flow->in[next] |= (uint8_t)out;
            if (!flow->queued[next]) {
                flow->queued[next] = 1;
                flow->stack[depth++] = next;
            }
        }
    }
}

/* Counts with which a function returns, as a set. */
unsigned lock_flow_return(const struct lock_flow *flow, uint32_t function)
{
    const struct program *program = flow->audit->program;
    const struct function *body = &program->functions[function];
    unsigned counts = 0;

    for (uint32_t i = 0; i < body->block_count; i++) {
        const struct block *block = &program->blocks[body->first_block + i];

        if (block->returns || block->successor_count == 0) {
            counts |= flow->in[i] != 0 ? lock_flow_leave(flow, function, block, flow->in[i]) : 0;
        }
    }
    return counts;
}

/* Mark the blocks from which a site of negative weight can be reached; from the last block to the
 * first, again until nothing changes, which for code as it is laid out is soon. */
void lock_flow_leads(struct lock_flow *flow, uint32_t function)
{
    const struct program *program = flow->audit->program;
    const struct function *body = &program->functions[function];
    const struct summary *summary = &flow->audit->infer->summaries[function];
    bool changed = true;

    memset(flow->leads, 0, body->block_count);
    for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
        if (flow->weights[i] < 0) {
            flow->leads[program->calls[flow->audit->infer->sites[i].call].block -
                        body->first_block] = 1;
        }
    }
    for (unsigned round = 0; changed && round < LEAD_ROUNDS; round++) {
        changed = false;
        for (uint32_t i = body->block_count; i-- > 0;) {
            const struct block *block = &program->blocks[body->first_block + i];

            for (uint32_t k = 0; k < block->successor_count && !flow->leads[i]; k++) {
                uint32_t next = program->successors[block->first_successor + k];

                flow->leads[i] = flow->leads[next - body->first_block];
                changed |= flow->leads[i];
            }
        }
    }
    if (changed) {
        memset(flow->leads, 1, body->block_count); /* too tangled: nothing will be said */
    }
}

/* ---- one lock ---- */

static bool uses_handle(const struct infer_site *site, uint32_t call)
{
    return site->arguments[0].kind == VALUE_RESULT && site->arguments[0].index == call &&
           site->arguments[0].number == 0;
}

/* Set the weights for the handle of one lock; how many unlocks there are.  *unsure: an unlock of
 * something that may be it. */
uint32_t lock_weigh(struct lock_flow *flow, uint32_t function, uint32_t lock, bool *unsure)
{
    const struct infer *infer = flow->audit->infer;
    const struct summary *summary = &infer->summaries[function];
    uint32_t unlocks = 0;

    *unsure = false;
    flow->weights[lock] = 1;

    for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
        const struct contract *contract = audit_contract(flow->audit, &infer->sites[i]);

        if (contract == NULL || (contract->traits & TRAIT_SECTION_UNLOCK) == 0) {
            continue;
        }
        if (uses_handle(&infer->sites[i], infer->sites[lock].call)) {
            flow->weights[i] = -1;
            unlocks++;
        } else {
            *unsure |= infer->sites[i].arguments[0].kind != VALUE_RESULT;
        }
    }
    return unlocks;
}

void lock_weigh_none(struct lock_flow *flow, uint32_t function)
{
    const struct summary *summary = &flow->audit->infer->summaries[function];

    memset(&flow->weights[summary->first_site], 0, summary->site_count);
}

/* ---- where a handle goes ---- */

#define VOLATILE_REGISTERS 0x0f07u /* rax, rcx, rdx, r8 to r11 */
#define SPILLS_MAX         4u

struct taint {
    uint16_t registers;
    int32_t spills[SPILLS_MAX];
    unsigned spill_count;
};

static bool on_stack(const struct micro *micro)
{
    return micro->base == MICRO_RSP || micro->base == MICRO_RBP;
}

static void follow_store(struct taint *taint, const struct micro *micro, struct lock_fate *fate)
{
    if (on_stack(micro) && taint->spill_count < SPILLS_MAX) {
        taint->spills[taint->spill_count++] = micro->displacement;
    } else if (micro->base == MICRO_RIP && micro->index == MICRO_NO_REGISTER) {
        fate->global = (uint32_t)micro->displacement;
    } else {
        fate->escapes = true;
    }
}

static void follow_micro(struct taint *taint, const struct micro *micro, struct lock_fate *fate)
{
    bool from = micro->second == MICRO_REGISTER && micro->second_register < 16 &&
                (taint->registers & 1u << micro->second_register) != 0;

    if (micro->kind == MICRO_CALL || micro->kind == MICRO_CALL_INDIRECT) {
        taint->registers &= (uint16_t)~VOLATILE_REGISTERS;
        return;
    }
    if (micro->kind == MICRO_RETURN) {
        fate->escapes |= (taint->registers & 1u) != 0;
        return;
    }
    if (micro->kind == MICRO_MOVE && micro->second == MICRO_MEMORY && on_stack(micro)) {
        for (unsigned i = 0; i < taint->spill_count; i++) {
            from |= taint->spills[i] == micro->displacement;
        }
    }
    taint->registers &= (uint16_t)~micro->writes;
    if (!from) {
        return;
    }
    if ((micro->kind == MICRO_MOVE || micro->kind == MICRO_MOVE_IF) &&
        micro->first == MICRO_REGISTER && micro->first_register < 16) {
        taint->registers |= (uint16_t)(1u << micro->first_register);
    } else if (micro->kind == MICRO_MOVE && micro->first == MICRO_MEMORY) {
        follow_store(taint, micro, fate);
    } else if (micro->kind == MICRO_EXCHANGE || (micro->first == MICRO_MEMORY && micro->stores)) {
        fate->escapes = true;
    }
}

/* How many arguments of a call to look at: those on the stack are locals where there are none. */
static unsigned arguments_of(const struct contract *contract)
{
    unsigned count = contract == NULL || contract->argument_count == CONTRACT_ARGUMENTS_UNKNOWN
                         ? 4
                         : contract->argument_count;

    return count < INFER_ARGUMENTS ? count : INFER_ARGUMENTS;
}

/* In the order of the code, not of its ways: what it misses is only which way. */
struct lock_fate lock_fate(const struct lock_flow *flow, uint32_t function, uint32_t lock)
{
    const struct program *program = flow->audit->program;
    const struct infer *infer = flow->audit->infer;
    const struct function *body = &program->functions[function];
    const struct summary *summary = &infer->summaries[function];
    struct taint taint = {.registers = 1};
    struct lock_fate fate = {.global = NO_INDEX};

    fate.escapes = program->calls[infer->sites[lock].call].tail;
    for (uint32_t b = 0; b < body->block_count; b++) {
        const struct block *block = &program->blocks[body->first_block + b];

        for (uint32_t i = 0; i < block->micro_count; i++) {
            if (block->first_micro + i > infer->sites[lock].micro) {
                follow_micro(&taint, &program->micros[block->first_micro + i], &fate);
            }
        }
    }
    for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
        const struct contract *contract = audit_contract(flow->audit, &infer->sites[i]);

        for (unsigned k = 0; k < arguments_of(contract); k++) {
            fate.escapes |= infer->sites[i].arguments[k].kind == VALUE_RESULT &&
                            infer->sites[i].arguments[k].index == infer->sites[lock].call &&
                            (contract == NULL || k != 0);
        }
    }
    return fate;
}
