/* SPDX-License-Identifier: MIT */
/*
 * lock-leak and unlock-underflow: how often a section lock is taken and given back.
 *
 * A lock is followed by its handle: what MmLockPagableCodeSection returned, used in the same
 * function, or kept in a global that other functions use.  What is said is of ways that certainly
 * are one lock short or over.
 */
#include "advise/lock_flow.h"

#include <string.h>

#include "advise/ddk.h"
#include "base/host.h"

#define GLOBALS_MAX 32u /* handles that are followed; a driver has one per section */

#define HELPER_ROUNDS 3 /* levels of helpers whose changes are counted */

struct balance {
    struct audit *audit;
    struct lock_flow flow;
    uint8_t *delta; /* per function: counts that it may change the handle by, as a set */
};

/* ---- handles used where they were given ---- */

static void report_leak(const struct balance *balance, uint32_t function, uint32_t lock,
                        bool always)
{
    const struct audit *audit = balance->audit;

    audit_report(audit, RULE_LOCK_LEAK, always ? VERDICT_DEFINITE : VERDICT_POSSIBLE, function,
                 audit->infer->sites[lock].micro, 0,
                 advice_text(audit->builder, "%s %s", audit->program->functions[function].name,
                             always ? "locks a section, and nothing unlocks it"
                                    : "has a way out on which the section that it locked stays "
                                      "locked"),
                 NULL);
}

/* Whether a block is left with the lock for certain on a way that meets no unlock any more. */
static bool leaves_with_lock(const struct balance *balance, uint32_t function, uint32_t index)
{
    const struct program *program = balance->audit->program;
    const struct function *body = &program->functions[function];
    const struct block *block = &program->blocks[body->first_block + index];

    if (balance->flow.in[index] == 0 ||
        lock_flow_leave(&balance->flow, function, block, balance->flow.in[index]) != HELD) {
        return false;
    }
    for (uint32_t i = 0; i < block->successor_count; i++) {
        uint32_t next = program->successors[block->first_successor + i] - body->first_block;

        if (!balance->flow.leads[next]) {
            return true;
        }
    }
    return block->returns || block->successor_count == 0;
}

/* Ways that have the lock for certain and meet no unlock any more; and unlocks without a lock. */
static void look_at_flow(struct balance *balance, uint32_t function, uint32_t lock)
{
    const struct audit *audit = balance->audit;
    const struct function *body = &audit->program->functions[function];
    const struct summary *summary = &audit->infer->summaries[function];
    bool leak = false;

    lock_flow_leads(&balance->flow, function);
    for (uint32_t i = 0; i < body->block_count; i++) {
        const struct block *block = &audit->program->blocks[body->first_block + i];
        unsigned counts = balance->flow.in[i];

        leak |= leaves_with_lock(balance, function, i);
        for (uint32_t k = infer_first_site(audit->infer, summary, block->first_micro);
             k < summary->first_site + summary->site_count &&
             lock_in_block(block, audit->infer->sites[k].micro);
             k++) {
            if (balance->flow.weights[k] < 0 && counts == FREE) {
                audit_report(audit, RULE_UNLOCK_UNDERFLOW, VERDICT_DEFINITE, function,
                             audit->infer->sites[k].micro, 0,
                             advice_text(audit->builder, "%s unlocks a section a second time",
                                         audit->program->functions[function].name),
                             NULL);
            }
            counts = lock_shift(counts, balance->flow.weights[k]);
        }
    }
    if (leak) {
        report_leak(balance, function, lock, false);
    }
}

static void look_at_lock(struct balance *balance, uint32_t function, uint32_t lock,
                         uint32_t *globals, uint32_t *count)
{
    struct lock_fate fate = lock_fate(&balance->flow, function, lock);
    bool unsure;
    uint32_t unlocks = lock_weigh(&balance->flow, function, lock, &unsure);

    if (fate.global != NO_INDEX && !fate.escapes) {
        bool known = false;

        for (uint32_t i = 0; i < *count; i++) {
            known |= globals[i] == fate.global;
        }
        if (!known && *count < GLOBALS_MAX) {
            globals[(*count)++] = fate.global;
        }
    } else if (!fate.escapes && !unsure && unlocks == 0) {
        report_leak(balance, function, lock, true);
    } else if (!fate.escapes && !unsure) {
        lock_flow_run(&balance->flow, function);
        look_at_flow(balance, function, lock);
    }
    lock_weigh_none(&balance->flow, function);
}

/* ---- handles kept in globals ---- */

static bool loads_global(const struct infer *infer, const struct value *value, uint32_t global)
{
    const struct value *path =
        value->kind == VALUE_MEMBER && value->index < infer->path_count && value->number == 0
            ? &infer->paths[value->index]
            : NULL;

    return path != NULL && path->kind == VALUE_ADDRESS && path->number == global;
}

/* Whether an unlock's handle is what a lock returned that stored it in the global as well. */
static bool returned_for(const struct balance *balance, uint32_t function,
                         const struct value *handle, uint32_t global)
{
    const struct infer *infer = balance->audit->infer;
    uint32_t micro = balance->audit->program->calls[handle->index].micro;
    const struct infer_site *lock = infer_site_at(infer, function, micro);

    return lock != NULL &&
           lock_fate(&balance->flow, function, (uint32_t)(lock - infer->sites)).global == global;
}

/* What a site does to the count of the section whose handle is in a global. */
static int8_t weight_of(const struct balance *balance, uint32_t function, uint32_t site_index,
                        uint32_t global)
{
    const struct infer_site *site = &balance->audit->infer->sites[site_index];
    const struct contract *contract = audit_contract(balance->audit, site);
    uint32_t traits = contract != NULL ? contract->traits : 0;
    const struct value *handle = &site->arguments[0];

    if (traits & TRAIT_SECTION_LOCK) {
        return lock_fate(&balance->flow, function, site_index).global == global;
    }
    if (traits & TRAIT_SECTION_LOCK_HANDLE) {
        return loads_global(balance->audit->infer, handle, global);
    }
    if (traits & TRAIT_SECTION_UNLOCK) {
        bool same = handle->kind == VALUE_RESULT
                        ? returned_for(balance, function, handle, global)
                        : loads_global(balance->audit->infer, handle, global);

        return same ? -1 : 0;
    }
    return balance->flow.weights[site_index];
}

/* Weigh all sites of the image for one global. */
static void weigh_global(struct balance *balance, uint32_t global)
{
    for (uint32_t f = 0; f < balance->audit->program->function_count; f++) {
        const struct summary *summary = &balance->audit->infer->summaries[f];

        for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
            balance->flow.weights[i] = weight_of(balance, f, i, global);
        }
    }
}

/* Weigh calls by what the callees do to the count.  True: something in the function changes it. */
static bool weigh_callees(struct balance *balance, uint32_t function)
{
    const struct audit *audit = balance->audit;
    const struct summary *summary = &audit->infer->summaries[function];
    bool any = false;

    for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
        uint32_t callee = audit_callee(audit, &audit->infer->sites[i]);
        unsigned delta = callee != NO_INDEX ? balance->delta[callee] : 0;

        if (delta != 0 && (delta & (delta - 1)) == 0 && delta != COUNT_WILD) {
            balance->flow.weights[i] = (int8_t)(__builtin_ctz(delta) - COUNT_LOW);
        }
        any |= balance->flow.weights[i] != 0;
    }
    return any;
}

/* How each function changes the count, through what it calls too.  A helper that has helpers is
 * looked at again when those are known; what is too deep for that counts for nothing. */
static void change_of_functions(struct balance *balance)
{
    for (unsigned round = 0; round < HELPER_ROUNDS; round++) {
        for (uint32_t f = 0; f < balance->audit->program->function_count; f++) {
            if (weigh_callees(balance, f)) {
                lock_flow_run(&balance->flow, f);
                balance->delta[f] = (uint8_t)lock_flow_return(&balance->flow, f);
            }
        }
    }
}

/* The change of the routine of a major function, of several that were stored the one that changes
 * anything; false: not one and the same count on every way. */
static bool change_of_major(const struct balance *balance, unsigned major, int *change,
                            uint32_t *function)
{
    *change = 0;
    *function = NO_INDEX;
    for (uint32_t f = 0; f < balance->audit->program->function_count; f++) {
        unsigned delta = balance->delta[f];

        if (!(balance->audit->majors[f] & 1u << major) || delta == 0) {
            continue;
        }
        if ((delta & (delta - 1)) != 0 || delta == COUNT_WILD || *function != NO_INDEX) {
            return false;
        }
        *change = __builtin_ctz(delta) - COUNT_LOW;
        *function = f;
    }
    return true;
}

/* The site in a function that changes the count by one. */
static uint32_t changing_site(const struct balance *balance, uint32_t function, int change)
{
    const struct summary *summary = &balance->audit->infer->summaries[function];

    for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
        if (balance->flow.weights[i] == change) {
            return balance->audit->infer->sites[i].micro;
        }
    }
    return audit_first_micro(balance->audit, function);
}

/* Whether any other entry of the driver changes the count: then create and close are not all. */
static bool others_change(const struct balance *balance)
{
    const struct audit *audit = balance->audit;
    const uint32_t mine = 1u << IRP_MJ_CREATE | 1u << IRP_MJ_CLEANUP | 1u << IRP_MJ_CLOSE;

    for (uint32_t f = 0; f < audit->program->function_count; f++) {
        if (balance->delta[f] != 0 && balance->delta[f] != FREE &&
            audit->infer->entries[f].role != ROLE_NONE && (audit->majors[f] & mine) == 0) {
            return true;
        }
    }
    return false;
}

/* Create, cleanup and close of a file object: one each, in this order. */
static void look_at_file(const struct balance *balance)
{
    const struct audit *audit = balance->audit;
    uint32_t create, cleanup, close;
    int created, cleaned, closed, sum;

    if (others_change(balance) || !change_of_major(balance, IRP_MJ_CREATE, &created, &create) ||
        !change_of_major(balance, IRP_MJ_CLEANUP, &cleaned, &cleanup) ||
        !change_of_major(balance, IRP_MJ_CLOSE, &closed, &close) || created <= 0) {
        return;
    }
    sum = created + cleaned + closed;
    if (sum < 0) {
        uint32_t at = close != NO_INDEX && closed < 0 ? close : cleanup;

        audit_report(
            audit, RULE_UNLOCK_UNDERFLOW, VERDICT_DEFINITE, at, changing_site(balance, at, -1), 0,
            advice_text(audit->builder,
                        "%s unlocks a section that create has locked %s and that is "
                        "unlocked already",
                        audit->program->functions[at].name, created == 1 ? "once" : "less often"),
            NULL);
    } else if (sum > 0) {
        audit_report(audit, RULE_LOCK_LEAK, VERDICT_POSSIBLE, create,
                     changing_site(balance, create, 1), 0,
                     advice_text(audit->builder,
                                 "%s locks a section, and cleanup and close do not unlock it",
                                 audit->program->functions[create].name),
                     NULL);
    }
}

static void look_at_global(struct balance *balance, uint32_t global)
{
    weigh_global(balance, global);
    memset(balance->delta, 0, balance->audit->program->function_count);
    change_of_functions(balance);
    look_at_file(balance);
    memset(balance->flow.weights, 0, balance->audit->infer->site_count);
}

/* ---- all ---- */

static void look_at_all(struct balance *balance)
{
    const struct infer *infer = balance->audit->infer;
    uint32_t globals[GLOBALS_MAX], count = 0;

    for (uint32_t f = 0; f < balance->audit->program->function_count; f++) {
        const struct summary *summary = &infer->summaries[f];

        for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
            const struct contract *contract = audit_contract(balance->audit, &infer->sites[i]);

            if (contract != NULL && (contract->traits & TRAIT_SECTION_LOCK) != 0) {
                look_at_lock(balance, f, i, globals, &count);
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        look_at_global(balance, globals[i]);
    }
}

pg_status rules_lock_balance(struct audit *audit)
{
    struct balance balance = {.audit = audit};
    pg_status status = lock_flow_begin(audit, &balance.flow);

    balance.delta = host.allocate(audit->program->function_count + (size_t)1);
    if (balance.delta == NULL) {
        status = PG_E_NO_MEMORY;
    }
    if (status == PG_OK) {
        look_at_all(&balance);
    }
    lock_flow_end(&balance.flow);
    host.release(balance.delta);
    return status;
}
