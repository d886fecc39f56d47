/* SPDX-License-Identifier: MIT */
/*
 * One function: the states at the start of each of its blocks, until nothing changes.
 *
 * A block keeps up to INFER_STATES states.  One that arrives is joined with that of its kind, and
 * values only ever become less known, so it ends; functions that take long for that go on with the
 * IRQL alone (`coarse`), which has few steps to go.  Blocks that nothing in the function leads to
 * (handlers of exceptions, targets of jumps that could not be followed) are begun with what is
 * always so, and all of that is vague.
 */
#include "advise/solve.h"

#include <string.h>

#include "base/assert.h"
#include "base/host.h"

enum { VISITS_PER_BLOCK = 24, VISITS_AT_LEAST = 512 };

bool solve_begin(struct solver *solver)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i < solver->program->function_count; i++) {
        if (solver->program->functions[i].block_count > most) {
            most = solver->program->functions[i].block_count;
        }
    }
    solver->at = host.allocate(most * sizeof solver->at[0]);
    solver->order = host.allocate(most * sizeof solver->order[0]);
    solver->position = host.allocate(most * sizeof solver->position[0]);
    solver->stack = host.allocate(2 * (size_t)most * sizeof solver->stack[0]);
    solver->pending = host.allocate((most + SLOT_BITS - 1) / SLOT_BITS * sizeof(uint64_t));
    solver->here = &solver->sets[0];
    solver->next = &solver->sets[1];
    return solver->at != NULL && solver->order != NULL && solver->position != NULL &&
           solver->stack != NULL && solver->pending != NULL;
}

/* ---- pending blocks ---- */

static void make_pending(struct solver *solver, uint32_t block)
{
    uint32_t position = solver->position[block];

    solver->pending[position / SLOT_BITS] |= UINT64_C(1) << position % SLOT_BITS;
    if (position < solver->cursor) {
        solver->cursor = position;
    }
}

static uint32_t next_pending(struct solver *solver, uint32_t count)
{
    for (uint32_t slot = solver->cursor / SLOT_BITS; slot * SLOT_BITS < count; slot++) {
        uint64_t bits = solver->pending[slot];

        if (bits != 0) {
            uint32_t position = slot * SLOT_BITS + (uint32_t)__builtin_ctzll(bits);

            solver->pending[slot] = bits & (bits - 1);
            solver->cursor = position;
            return solver->order[position];
        }
    }
    solver->cursor = count;
    return NO_INDEX;
}

/* ---- arrival ---- */

/* Nothing is left but the IRQL and the frame. */
static void strip(struct state *state)
{
    for (uint32_t i = 0; i < STATE_REGISTERS; i++) {
        if (i != MICRO_RSP) {
            state->registers[i] = value_unknown();
        }
    }
    state->cell_count = 0;
    state->fact_count = 0;
    state->flags = (struct flags){.kind = FLAGS_UNKNOWN};
    state->wait = state->masked = state->saved = state->restored = value_unknown();
    state->since = 0;
    state->vague = state->now;
}

static void add_state(struct solver *solver, struct block_states *at, const struct state *state)
{
    struct state *kept = arena_take(&solver->scratch, state_bytes(state));

    if (kept == NULL) {
        solver->no_memory = true;
        return;
    }
    state_copy(kept, state);
    at->changed |= (uint8_t)(1u << at->count);
    at->states[at->count++] = kept;
}

/* What a loop writes is known at its start the first time only: to forget it at once saves
 * following the loop again.  Constants and saved IRQLs are what tells ways apart, where there is an
 * IRQL. */
static void forget_loop(const struct solver *solver, unsigned writes, struct state *state)
{
    for (unsigned reg = 0; writes != 0; reg++, writes >>= 1) {
        uint8_t kind = state->registers[reg].kind;

        if ((writes & 1) != 0 &&
            !(solver->sees_irql && (kind == VALUE_CONSTANT || kind == VALUE_IRQL))) {
            state->registers[reg] = value_unknown();
        }
    }
}

static void arrive(struct solver *solver, uint32_t block, struct state *state)
{
    struct block_states *at = &solver->at[block];
    uint32_t room = solver->coarse ? 1 : INFER_STATES, slot;

    if (state->now == 0) {
        return;
    }
    if (solver->coarse) {
        strip(state);
    }
    forget_loop(solver, at->loop_writes, state);
    for (slot = 0; slot < at->count; slot++) {
        if (solver->coarse || state_same_kind(at->states[slot], state)) {
            break;
        }
    }
    if (slot == at->count && at->count < room) {
        add_state(solver, at, state);
        make_pending(solver, block);
        return;
    }
    if (slot == at->count) {
        slot = at->count - 1;
    }
    if (state_join(at->states[slot], state)) {
        if (solver->coarse) {
            strip(at->states[slot]);
        }
        at->changed |= (uint8_t)(1u << slot);
        make_pending(solver, block);
    }
}

/* From one block to another; what was seen of memory does not last around a loop. */
static void go_to(struct solver *solver, uint32_t from, uint32_t to, struct state *state)
{
    if (solver->position[to] <= solver->position[from]) {
        state_forget_memory_facts(state);
    }
    arrive(solver, to, state);
}

/* ---- the end of a block ---- */

/* Where no IRQL depends on it only ways that cannot be taken are of interest. */
static bool may_go(const struct solver *solver, struct state *state, unsigned condition)
{
    if (condition >= MICRO_IF_UNKNOWN) {
        return true;
    }
    return solver->sees_irql ? refine(state, condition)
                             : condition_holds(state, condition) != ANSWER_NO;
}

/* The last way out may change the state: nobody needs it any more. */
static void leave_by_branch(struct solver *solver, uint32_t block, struct state *state,
                            const struct block *b, const struct micro *m)
{
    const struct function *f = &solver->program->functions[solver->function];
    const uint32_t *to = &solver->program->successors[b->first_successor];
    bool same = b->successor_count == 2 && to[0] == to[1];

    for (uint32_t i = 0; i < b->successor_count; i++) {
        bool taken = solver->program->blocks[to[i]].rva == m->target;
        bool last = same || i + 1 == b->successor_count;
        struct state *edge = last ? state : &solver->work;

        if (same && i != 0) {
            break;
        }
        if (!last) {
            state_copy(edge, state);
        }
        if (same || may_go(solver, edge, taken ? m->condition : m->condition ^ 1u)) {
            go_to(solver, block, to[i] - f->first_block, edge);
        }
    }
}

static void leave_block(struct solver *solver, uint32_t block, struct state *state)
{
    const struct function *f = &solver->program->functions[solver->function];
    const struct block *b = &solver->program->blocks[f->first_block + block];
    const struct micro *m = &solver->program->micros[b->first_micro + b->micro_count - 1];

    if (b->returns) {
        add_outcome(solver, state);
    }
    if (b->unresolved) {
        add_outcome(solver, state); /* wherever it goes, it comes back as everybody does */
    }
    if (solver->replaying) {
        return;
    }
    if (m->kind == MICRO_JUMP_IF) {
        leave_by_branch(solver, block, state, b, m);
        return;
    }
    for (uint32_t i = 0; i < b->successor_count; i++) {
        bool last = i + 1 == b->successor_count;

        if (!last) {
            state_copy(&solver->work, state);
        }
        go_to(solver, block, solver->program->successors[b->first_successor + i] - f->first_block,
              last ? state : &solver->work);
    }
}

/* ---- through a block ---- */

static void swap_sets(struct solver *solver)
{
    struct state_set *after = solver->next;

    solver->next = solver->here;
    solver->here = after;
}

/* A jump to another function: what it returns with is what we return with.  When the jump is
 * conditional the states that do not take it go on. */
static void leave_by_tail_call(struct solver *solver, uint32_t call)
{
    const struct micro *m = &solver->program->micros[solver->program->calls[call].micro];
    struct state_set *here = solver->here;
    uint32_t kept = 0;

    solver->next->count = 0;
    for (uint32_t i = 0; i < here->count; i++) {
        struct state *state = &here->states[i];

        if (m->kind != MICRO_JUMP_IF) {
            follow_call(solver, state, call);
            continue;
        }
        state_copy(&solver->edge, state);
        if (may_go(solver, &solver->edge, m->condition)) {
            follow_call(solver, &solver->edge, call);
        }
        if (kept != i) {
            state_copy(&here->states[kept], state);
        }
        kept++;
    }
    here->count = kept;
    if (solver->recording) {
        record_call_after(solver, call);
    }
    for (uint32_t i = 0; i < solver->next->count; i++) {
        add_outcome(solver, &solver->next->states[i]);
    }
}

static void through_call(struct solver *solver, uint32_t call)
{
    struct state_set *here = solver->here;

    solver->records = true;
    if (here->count != 0) {
        solver->frame = here->states[0].registers[MICRO_RSP];
    }
    if (solver->program->calls[call].tail) {
        leave_by_tail_call(solver, call);
        return;
    }
    solver->next->count = 0;
    for (uint32_t i = 0; i < here->count; i++) {
        follow_call(solver, &here->states[i], call);
    }
    if (solver->recording) {
        record_call_after(solver, call);
    }
    swap_sets(solver);
}

/* An instruction that calls or jumps: there is nothing else to it.  A function that runs on into
 * the next one calls it at an instruction that does something of its own. */
static bool is_flow(const struct program *program, uint32_t micro)
{
    uint8_t kind = program->micros[micro].kind;

    return kind >= MICRO_CALL && kind <= MICRO_JUMP_IF;
}

/* solver->here from the start of the block to its end. */
static void through_block(struct solver *solver, uint32_t block)
{
    const struct program *program = solver->program;
    const struct function *f = &program->functions[solver->function];
    const struct block *b = &program->blocks[f->first_block + block];
    uint32_t call = solver->at[block].first_call, end_call = solver->at[block].end_call;

    for (uint32_t i = 0; i < b->micro_count && solver->here->count != 0; i++) {
        uint32_t micro = b->first_micro + i;

        if (call >= end_call || program->calls[call].micro != micro || !is_flow(program, micro)) {
            for (uint32_t s = 0; s < solver->here->count; s++) {
                transfer(solver, &solver->here->states[s], micro);
            }
        }
        for (; call < end_call && program->calls[call].micro == micro; call++) {
            through_call(solver, call);
        }
    }
    for (uint32_t s = 0; s < solver->here->count; s++) {
        leave_block(solver, block, &solver->here->states[s]);
    }
}

static bool ends_function(const struct solver *solver, uint32_t block)
{
    const struct function *f = &solver->program->functions[solver->function];
    const struct block *b = &solver->program->blocks[f->first_block + block];
    const struct block_states *at = &solver->at[block];

    return b->returns || b->unresolved ||
           (at->end_call != 0 && solver->program->calls[at->end_call - 1].tail);
}

static void follow_block(struct solver *solver, uint32_t block, uint8_t which)
{
    struct block_states *at = &solver->at[block];
    struct state_set *here = solver->here;

    here->count = 0;
    at->changed = 0;
    at->visits++;
    for (uint32_t i = 0; i < at->count; i++) {
        if (which >> i & 1) {
            state_copy(&here->states[here->count++], at->states[i]);
        }
    }
    if (at->visits > 1 && ends_function(solver, block)) {
        solver->again = true;
    }
    solver->revisit = at->visits > 1;
    solver->records = false;
    through_block(solver, block);
    at->records |= solver->records;
}

static void follow_pending(struct solver *solver, uint32_t count)
{
    uint32_t block;

    while (!solver->no_memory && (block = next_pending(solver, count)) != NO_INDEX) {
        if (solver->budget-- == 0) {
            solver->coarse = true;
        }
        follow_block(solver, block, solver->at[block].changed);
    }
}

/* ---- the function ---- */

static void seed(struct solver *solver, uint32_t block)
{
    struct state *state = &solver->edge;

    state_begin(state);
    strip(state);
    state->registers[MICRO_RSP] = solver->frame;
    arrive(solver, block, state);
}

/* May it change the IRQL?  Calls through pointers to whom nobody knows do not. */
static bool may_touch_irql(const struct solver *solver, const struct function *f)
{
    const struct program *program = solver->program;

    for (uint32_t i = 0; i < f->call_count; i++) {
        const struct call *call = &program->calls[f->first_call + i];
        const struct contract *contract = program_contract(program, call->target, call->index);

        if (contract != NULL &&
            (contract->case_count > 1 || contract->cases[0].effect != EFFECT_SAME)) {
            return true;
        }
        if (call->target == CALL_FUNCTION &&
            (!solver->effects[call->index].solved || solver->effects[call->index].touches_irql)) {
            return true;
        }
        if (call->indirect && program->wdf_table_rva != 0) {
            return true;
        }
    }
    return solver->effects[solver->function].touches_irql;
}

static void begin(struct solver *solver, uint32_t function)
{
    const struct function *f = &solver->program->functions[function];

    solver->function = function;
    solver->cursor = 0;
    solver->sees_irql = may_touch_irql(solver, f);
    solver->budget = VISITS_PER_BLOCK * f->block_count + VISITS_AT_LEAST;
    solver->coarse = solver->again = solver->recording = solver->replaying = false;
    solver->frame = value_unknown();
    solver->outcome_count = 0;
    solver->touches_irql = solver->writes = false;
    memset(solver->reach, 0, sizeof solver->reach);
    arena_reset(&solver->scratch);
    order_blocks(solver); /* finds out the rest about sees_irql */
    state_begin(&solver->edge);
    if (f->rva == solver->program->image->entry_rva) {
        solver->edge.registers[1].object = OBJECT_DRIVER;
    }
    arrive(solver, 0, &solver->edge);
}

/* Blocks that end the function were followed more than once: earlier outcomes may be of states that
 * are no more. */
static void collect_again(struct solver *solver, uint32_t count)
{
    if (!solver->again) {
        return;
    }
    solver->outcome_count = 0;
    for (uint32_t i = 0; i < count && !solver->no_memory; i++) {
        if (solver->at[i].count != 0 && ends_function(solver, i)) {
            follow_block(solver, i, UINT8_MAX);
        }
    }
}

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
    if (a->relation != b->relation || a->vague != b->vague || a->since != b->since ||
        !value_equal(&a->restored, &b->restored) || !value_equal(&a->wait, &b->wait) ||
        !value_equal(&a->result, &b->result) || a->waited != b->waited ||
        a->store_count != b->store_count || a->fact_count != b->fact_count) {
        return false;
    }
    for (unsigned i = 0; i < a->fact_count; i++) {
        if (!same_fact(&a->facts[i], &b->facts[i]) || a->facts[i].stale != b->facts[i].stale) {
            return false;
        }
    }
    for (unsigned i = 0; i < a->store_count; i++) {
        if (!value_equal(&a->stores[i].place, &b->stores[i].place) ||
            !value_equal(&a->stores[i].content, &b->stores[i].content) ||
            a->stores[i].bytes != b->stores[i].bytes) {
            return false;
        }
    }
    return true;
}

static bool same_effect(const struct solver *solver, const struct effect *effect)
{
    if (!effect->solved || effect->outcome_count != solver->outcome_count ||
        effect->touches_irql != solver->touches_irql || effect->writes != solver->writes ||
        memcmp(effect->reach, solver->reach, sizeof solver->reach) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < solver->outcome_count; i++) {
        if (!same_outcome(&effect->outcomes[i], &solver->outcomes[i])) {
            return false;
        }
    }
    return true;
}

static bool keep_effect(struct solver *solver, struct effect *effect)
{
    struct outcome *outcomes;

    if (same_effect(solver, effect)) {
        return false;
    }
    outcomes = arena_take(&solver->kept, solver->outcome_count * sizeof outcomes[0]);
    if (outcomes == NULL) {
        solver->no_memory = true;
        return false;
    }
    memcpy(outcomes, solver->outcomes, solver->outcome_count * sizeof outcomes[0]);
    effect->outcomes = outcomes;
    effect->outcome_count = (uint8_t)solver->outcome_count;
    effect->solved = true;
    effect->touches_irql = solver->touches_irql;
    effect->writes = solver->writes;
    memcpy(effect->reach, solver->reach, sizeof effect->reach);
    return true;
}

/* What aligns the block behind it: nobody comes there. */
static bool is_padding(const struct program *program, const struct block *b)
{
    for (uint32_t m = b->first_micro; m < b->first_micro + b->micro_count; m++) {
        if (program->micros[m].kind != MICRO_NOTHING) {
            return false;
        }
    }
    return true;
}

static void follow_function_body(struct solver *solver, const struct function *f)
{
    follow_pending(solver, f->block_count);
    for (uint32_t i = 1; i < f->block_count && !solver->no_memory; i++) {
        if (solver->at[i].count == 0 && !solver->at[i].led_to &&
            !is_padding(solver->program, &solver->program->blocks[f->first_block + i])) {
            seed(solver, i);
            follow_pending(solver, f->block_count);
        }
    }
    collect_again(solver, f->block_count);
}

static bool finish(struct solver *solver, const struct function *f)
{
    if (solver->outcome_count == 0 && f->incomplete) {
        state_begin(&solver->edge); /* it goes on where it was not decoded */
        add_outcome(solver, &solver->edge);
    }
    return keep_effect(solver, &solver->effects[solver->function]);
}

bool solve_function(struct solver *solver, uint32_t function)
{
    const struct function *f = &solver->program->functions[function];

    PG_ASSERT(f->block_count != 0);
    begin(solver, function);
    follow_function_body(solver, f);
    return finish(solver, f);
}

/* Once more through what has something to record. */
static void replay(struct solver *solver, const struct function *f)
{
    solver->recording = solver->replaying = true;
    for (uint32_t i = 0; i < f->block_count && !solver->no_memory; i++) {
        if (solver->at[i].records) {
            follow_block(solver, i, UINT8_MAX);
        }
    }
}

bool solve_and_record(struct solver *solver, uint32_t function)
{
    const struct function *f = &solver->program->functions[function];
    bool changed;

    PG_ASSERT(f->block_count != 0);
    begin(solver, function);
    solver->recording = solver->straight;
    follow_function_body(solver, f);
    solver->recording = false;
    changed = finish(solver, f);
    if (!solver->straight) {
        replay(solver, f);
    }
    solver->recording = false;
    return changed;
}
