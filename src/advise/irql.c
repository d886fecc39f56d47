/* SPDX-License-Identifier: MIT */
/*
 * What raising, lowering and restoring do to a state.
 *
 * A saved IRQL is the relation at the save.  To give it back is to make that relation the current
 * one, for the classes of entry that are still possible here.  A value that only the caller knows
 * (an argument, a member of a structure that came from outside) is kept as it is: `restored` and
 * `since` let every caller put its own knowledge in, and `now` has an estimate for places inside.
 */
#include "advise/solve.h"

struct value irql_save(const struct state *state, uint32_t micro)
{
    return value_irql(state->now, state->vague, micro);
}

static void forget_restored(struct state *state)
{
    state->restored = value_unknown();
    state->since = 0;
}

void irql_raise(struct state *state, irql_set to)
{
    state->now = irql_become(state->now, to);
    state->vague = 0; /* whatever it was before */
    forget_restored(state);
}

/* Rows of `saved` for the entries that are possible now; `fallback` where it has none. */
static irql_relation rows_of(irql_relation saved, irql_relation now, irql_relation fallback)
{
    irql_relation there = irql_rows(now) & irql_rows(saved);

    return (irql_relation)((saved & there) | (fallback & ~there & irql_rows(now)));
}

static void install_saved(struct state *state, irql_relation saved, irql_relation vague)
{
    irql_relation fallback = irql_compose(state->now, IRQL_AT_MOST);
    irql_relation rows = irql_rows(saved);

    state->now = rows_of(saved, state->now, fallback);
    state->vague = (irql_relation)(state->now & (vague | ~rows));
    forget_restored(state);
}

void irql_install(struct state *state, const struct value *v, irql_relation estimate)
{
    irql_relation guess;
    uint64_t level;

    if (v->kind == VALUE_IRQL) {
        install_saved(state, v->relation, (irql_relation)v->number);
        return;
    }
    if (value_number(v, 1, &level)) {
        irql_raise(state, IRQL_BIT(irql_class_of(level)));
        return;
    }
    if (state->saved.kind == VALUE_IRQL && estimate != IRQL_AT_LEAST) {
        install_saved(state, state->saved.relation, 0);
        guess = state->now;
    } else {
        guess = irql_compose(state->now, estimate);
    }
    state->now = guess;
    state->vague = guess;
    forget_restored(state);
    if (v->kind == VALUE_ARGUMENT || v->kind == VALUE_MEMBER) {
        state->restored = *v;
        state->restored.bytes = 1; /* a KIRQL is the low byte, however it came */
        state->since = IRQL_IDENTITY;
    }
}

void irql_run(struct state *state, irql_relation relation, irql_relation vague)
{
    irql_relation exact =
        irql_compose(state->now & (irql_relation)~state->vague, relation & (irql_relation)~vague);

    state->now = irql_compose(state->now, relation);
    state->vague = state->now & (irql_relation)~exact;
    if (state->restored.kind != VALUE_UNKNOWN) {
        state->since = irql_compose(state->since, relation);
    }
}
