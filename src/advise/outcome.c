/* SPDX-License-Identifier: MIT */
/*
 * Outcomes: in which ways a function returns, and what each means to a caller.
 *
 * An outcome is kept for every IRQL that a function can leave, up to OUTCOMES, with the constant
 * that it returns then: so "it returns TRUE and holds the lock, or FALSE and does not" stays two
 * states in the caller, of which its test of the result leaves one.
 */
#include "advise/solve.h"

#include <string.h>

enum { SLOT_BYTES = 8 };

/* ---- into the caller's terms ---- */

/* Recursion ends: a path's base is shorter than the path (PATH_DEPTH). */
static struct value translate(struct solver *solver, const struct state *state, uint32_t micro,
                              const struct value *arguments, const struct value *v)
{
    struct value base, out;

    switch (v->kind) {
    case VALUE_CONSTANT:
    case VALUE_ADDRESS:
        return *v;
    case VALUE_IRQL: {
        irql_relation both = irql_compose(state->now, v->relation);
        irql_relation exact = irql_compose(state->now & (irql_relation)~state->vague,
                                           v->relation & (irql_relation) ~(irql_relation)v->number);

        return value_irql(both, both & (irql_relation)~exact, micro);
    }
    case VALUE_ARGUMENT:
        if (v->index >= INFER_ARGUMENTS) {
            return value_unknown();
        }
        out = value_add(&arguments[v->index], v->number);
        return v->bytes == 0 ? out : value_low(&out, v->bytes);
    case VALUE_MEMBER:
        base = solver->infer->paths[v->index];
        if (base.bytes == PATH_HANDLE) {
            base.bytes = 0;
            base = translate(solver, state, micro, arguments, &base);
            return state_load_handle(state, &base, &out) ? out : handle_value(solver, &base);
        }
        base = translate(solver, state, micro, arguments, &base);
        out = load_value(solver, state, &base, v->bytes == 0 ? SLOT_BYTES : v->bytes);
        return value_add(&out, v->number);
    default:
        return value_unknown();
    }
}

/* ---- following ---- */

static void run_irql(struct solver *solver, struct state *after, const struct state *before,
                     uint32_t micro, const struct outcome *o, const struct value *arguments)
{
    struct value v;

    irql_run(after, o->relation, o->vague);
    if (o->restored.kind != VALUE_UNKNOWN) {
        bool lowers = (o->relation & ~IRQL_AT_MOST) == 0;

        v = translate(solver, before, micro, arguments, &o->restored);
        if (v.kind == VALUE_IRQL || v.kind == VALUE_CONSTANT ||
            (lowers && before->saved.kind == VALUE_IRQL)) {
            after->now = before->now & irql_rows(after->now);
            after->vague = before->vague & after->now;
            irql_install(after, &v, IRQL_AT_MOST);
            irql_run(after, o->since, 0);
        } else {
            bool symbol = v.kind == VALUE_ARGUMENT || v.kind == VALUE_MEMBER;

            after->vague = after->now;
            after->restored = symbol ? v : value_unknown();
            after->since = symbol ? o->since : 0;
        }
    } else if (o->relation != IRQL_IDENTITY && after->now != before->now) {
        after->saved = irql_save(before, micro);
    }
    if (o->waited && before->wait.kind == VALUE_IRQL) {
        irql_install(after, &before->wait, IRQL_AT_MOST);
        after->wait = value_unknown();
    } else if (o->waited) {
        after->waited = true;
    }
    if (o->wait.kind == VALUE_IRQL) {
        after->wait = translate(solver, before, micro, arguments, &o->wait);
    }
}

static void write_memory(struct solver *solver, struct state *after, const struct state *before,
                         uint32_t micro, const struct outcome *o, const struct effect *effect,
                         const struct value *arguments)
{
    for (unsigned i = 0; i < REACHES; i++) {
        if (effect->reach[i] != 0) {
            note_reach(solver, &arguments[i], effect->reach[i]);
            state_forget(after, &arguments[i], effect->reach[i]);
        }
    }
    if (effect->writes) {
        forget_shared(after);
    }
    for (unsigned i = 0; i < o->store_count; i++) {
        struct value place = translate(solver, before, micro, arguments, &o->stores[i].place);
        struct value content = translate(solver, before, micro, arguments, &o->stores[i].content);

        if (o->stores[i].bytes == STATE_CELL_IRQL_HANDLE) {
            state_store_handle(after, &place, &content);
        } else {
            state_store(after, &place, o->stores[i].bytes, &content);
        }
    }
}

/* The conditions of an outcome in the caller's terms.  False when the caller knows better: it is
 * not this way that the callee returns. */
static bool conditions_hold(struct solver *solver, const struct state *state, uint32_t micro,
                            const struct outcome *o, const struct value *arguments,
                            struct fact facts[OUTCOME_FACTS])
{
    for (unsigned i = 0; i < o->fact_count; i++) {
        struct fact *fact = &facts[i];
        uint64_t number;

        *fact = o->facts[i];
        fact->symbol = translate(solver, state, micro, arguments, &fact->symbol);
        if (value_number(&fact->symbol, 1, &number)) { /* the mask is within what is known */
            uint64_t all = fact->symbol.bytes == 0 ? UINT64_MAX : 0xff;

            if ((fact->mask & ~all) == 0 &&
                (((uint64_t)fact->symbol.number & fact->mask) == fact->number) != fact->equal) {
                return false;
            }
        } else if (fact_answer(state, fact, true) == ANSWER_NO) {
            return false;
        }
    }
    return true;
}

static void add_conditions(struct state *after, const struct outcome *o,
                           const struct fact facts[OUTCOME_FACTS])
{
    for (unsigned i = 0; i < o->fact_count; i++) {
        if (facts[i].symbol.kind == VALUE_ARGUMENT || facts[i].symbol.kind == VALUE_MEMBER ||
            facts[i].symbol.kind == VALUE_OPAQUE || facts[i].symbol.kind == VALUE_RESULT) {
            state_add_fact(after, &facts[i]);
        }
    }
}

void follow_outcomes(struct solver *solver, const struct state *state, uint32_t call,
                     const struct effect *effect, const struct value *arguments)
{
    uint32_t micro = solver->program->calls[call].micro;
    struct state *after = &solver->work;

    for (unsigned i = 0; i < effect->outcome_count; i++) {
        const struct outcome *o = &effect->outcomes[i];
        struct value result = translate(solver, state, micro, arguments, &o->result);
        struct fact facts[OUTCOME_FACTS];

        if (!conditions_hold(solver, state, micro, o, arguments, facts)) {
            continue;
        }
        state_copy(after, state);
        run_irql(solver, after, state, micro, o, arguments);
        if (after->now == 0) {
            continue;
        }
        write_memory(solver, after, state, micro, o, effect, arguments);
        finish_call(solver, after, call, &result);
        add_conditions(after, o, facts);
        state_set_add(solver->next, after);
    }
}

/* ---- collecting ---- */

static bool callers_know(const struct value *v)
{
    return v->kind == VALUE_CONSTANT || v->kind == VALUE_ADDRESS || v->kind == VALUE_ARGUMENT ||
           v->kind == VALUE_MEMBER || v->kind == VALUE_IRQL;
}

static void add_store(struct outcome *o, const struct cell *cell)
{
    struct value place = cell_base(cell);

    if (o->store_count == OUTCOME_STORES || place.kind == VALUE_STACK ||
        place.kind == VALUE_RESULT || place.kind == VALUE_OPAQUE) {
        return;
    }
    o->stores[o->store_count].place = place;
    o->stores[o->store_count].content = cell->value;
    o->stores[o->store_count].bytes = cell->bytes;
    o->store_count++;
}

static void describe(const struct state *state, struct outcome *o)
{
    memset(o, 0, sizeof *o);
    o->relation = state->now;
    o->vague = state->vague;
    o->since = state->since;
    o->restored = state->restored;
    o->waited = state->waited;
    if (state->wait.kind == VALUE_IRQL) {
        o->wait = state->wait;
    }
    if (callers_know(&state->registers[0])) {
        o->result = state->registers[0];
    }
    for (unsigned i = 0; i < state->cell_count; i++) {
        if (state->cells[i].value.kind == VALUE_IRQL) {
            add_store(o, &state->cells[i]);
        }
    }
    for (unsigned i = 0; i < state->cell_count; i++) {
        if (state->cells[i].value.kind == VALUE_CONSTANT &&
            cell_base(&state->cells[i]).kind == VALUE_ARGUMENT) {
            add_store(o, &state->cells[i]);
        }
    }
    for (unsigned i = 0; i < state->fact_count && o->fact_count < OUTCOME_FACTS; i++) {
        if (state->facts[i].symbol.kind == VALUE_ARGUMENT ||
            state->facts[i].symbol.kind == VALUE_MEMBER) {
            o->facts[o->fact_count++] = state->facts[i];
        }
    }
}

bool same_fact(const struct fact *a, const struct fact *b)
{
    return value_equal(&a->symbol, &b->symbol) && a->mask == b->mask && a->number == b->number &&
           a->equal == b->equal;
}

static void join_conditions(struct outcome *into, const struct outcome *from)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < into->fact_count; i++) {
        for (unsigned j = 0; j < from->fact_count; j++) {
            if (same_fact(&into->facts[i], &from->facts[j])) {
                into->facts[kept] = into->facts[i];
                into->facts[kept++].stale |= from->facts[j].stale;
                break;
            }
        }
    }
    into->fact_count = (uint8_t)kept;
}

static bool leave_the_same(const struct outcome *a, const struct outcome *b)
{
    return a->relation == b->relation && a->since == b->since &&
           value_equal(&a->restored, &b->restored) && value_equal(&a->wait, &b->wait) &&
           a->waited == b->waited;
}

/* What both store. */
static void join_stores(struct outcome *into, const struct outcome *from)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < into->store_count; i++) {
        for (unsigned j = 0; j < from->store_count; j++) {
            if (!value_equal(&into->stores[i].place, &from->stores[j].place) ||
                into->stores[i].bytes != from->stores[j].bytes) {
                continue;
            }
            into->stores[kept] = into->stores[i];
            into->stores[kept].content =
                value_join(&into->stores[i].content, &from->stores[j].content);
            if (into->stores[kept].content.kind != VALUE_UNKNOWN) {
                kept++;
            }
            break;
        }
    }
    into->store_count = (uint8_t)kept;
}

static void join_outcome(struct outcome *into, const struct outcome *from)
{
    irql_relation grown = irql_rows(into->relation ^ from->relation);

    into->relation |= from->relation;
    into->vague |= from->vague | (into->relation & grown);
    if (into->since != from->since || !value_equal(&into->restored, &from->restored)) {
        into->restored = value_unknown();
        into->since = 0;
        into->vague = into->relation;
    }
    into->wait = value_join(&into->wait, &from->wait);
    into->waited |= from->waited;
    into->result = value_join(&into->result, &from->result);
    join_stores(into, from);
    join_conditions(into, from);
}

void add_outcome(struct solver *solver, const struct state *state)
{
    struct outcome new;

    if (solver->replaying) {
        return;
    }
    describe(state, &new);
    for (uint32_t i = 0; i < solver->outcome_count; i++) {
        if (leave_the_same(&solver->outcomes[i], &new)) {
            join_outcome(&solver->outcomes[i], &new);
            return;
        }
    }
    if (solver->outcome_count < OUTCOMES) {
        solver->outcomes[solver->outcome_count++] = new;
    } else {
        join_outcome(&solver->outcomes[OUTCOMES - 1], &new);
    }
}
