/* SPDX-License-Identifier: MIT */
/*
 * What a conditional branch says of a state.
 *
 * Three things are learned: that a way cannot be taken (both sides are constants, or an earlier
 * branch said so); which classes of IRQL are left, from a comparison of the current or a saved one
 * with a constant; and facts about symbols, so that what is tested twice comes out the same twice.
 */
#include "advise/solve.h"

enum { CONDITION_SIGN = 8, CONDITION_COUNT = 16, LEVELS = 16 };

/* ---- numbers ---- */

struct bits {
    bool carry, zero, sign, overflow;
};

static struct bits bits_of(unsigned kind, uint64_t left, uint64_t right, unsigned bytes)
{
    uint64_t mask = value_mask(bytes), top = mask ^ mask >> 1;
    uint64_t result = (kind == FLAGS_COMPARE ? left - right : left & right) & mask;

    left &= mask;
    right &= mask;
    return (struct bits){
        .carry = kind == FLAGS_COMPARE && left < right,
        .zero = result == 0,
        .sign = (result & top) != 0,
        .overflow = kind == FLAGS_COMPARE && ((left ^ right) & (left ^ result) & top) != 0,
    };
}

/* Parity is told from no number: it is asked for after floating point only. */
static enum answer evaluate(unsigned condition, unsigned kind, uint64_t left, uint64_t right,
                            unsigned bytes)
{
    struct bits b = bits_of(kind, left, right, bytes);
    bool holds;

    switch (condition / 2) {
    case 0:
        holds = b.overflow;
        break;
    case 1:
        holds = b.carry;
        break;
    case 2:
        holds = b.zero;
        break;
    case 3:
        holds = b.carry || b.zero;
        break;
    case 4:
        holds = b.sign;
        break;
    case 6:
        holds = b.sign != b.overflow;
        break;
    case 7:
        holds = b.zero || b.sign != b.overflow;
        break;
    default:
        return ANSWER_MAYBE;
    }
    return holds != (condition % 2 != 0) ? ANSWER_YES : ANSWER_NO;
}

/* ---- the IRQL ---- */

/* Classes of the saved IRQL for which the condition may hold.  `mirrored`: the constant is on the
 * left. */
static irql_set classes_that_may(unsigned condition, const struct flags *flags, uint64_t constant,
                                 bool mirrored)
{
    irql_set may = 0;

    for (uint64_t level = 0; level < LEVELS; level++) {
        enum answer holds = evaluate(condition, flags->kind, mirrored ? constant : level,
                                     mirrored ? level : constant, flags->bytes);

        if (holds != ANSWER_NO) {
            may |= IRQL_BIT(irql_class_of(level));
        }
    }
    return may;
}

static void narrow_value(struct value *v, const struct value *tested, irql_set may)
{
    if (v->kind != VALUE_IRQL || !value_equal(v, tested)) {
        return;
    }
    v->relation = irql_restrict(v->relation, may);
    v->number &= v->relation;
}

/* The saved IRQL is in a set: rows for which it cannot be are impossible here. */
static bool narrow_irql(struct state *state, const struct value *tested, irql_set may)
{
    struct value saved = *tested;
    irql_relation possible = irql_restrict(saved.relation, may);
    irql_relation rows = irql_rows(possible) | (irql_relation)~irql_rows(saved.relation);

    if (state->now == saved.relation) {
        state->now = irql_restrict(state->now, may);
    }
    state->now &= rows;
    state->vague &= state->now;
    for (uint32_t i = 0; i < STATE_REGISTERS; i++) {
        narrow_value(&state->registers[i], &saved, may);
    }
    for (uint32_t i = 0; i < state->cell_count; i++) {
        narrow_value(&state->cells[i].value, &saved, may);
    }
    narrow_value(&state->saved, &saved, may);
    narrow_value(&state->flags.left, &saved, may);
    narrow_value(&state->flags.right, &saved, may);
    return state->now != 0;
}

static enum answer irql_answer(const struct state *state, unsigned condition,
                               const struct value *saved, uint64_t constant, bool mirrored)
{
    irql_set may = classes_that_may(condition, &state->flags, constant, mirrored);
    irql_set may_not = classes_that_may(condition ^ 1, &state->flags, constant, mirrored);

    if (irql_restrict(saved->relation, may) == 0) {
        return ANSWER_NO;
    }
    return irql_restrict(saved->relation, may_not) == 0 ? ANSWER_YES : ANSWER_MAYBE;
}

/* ---- symbols ---- */

static bool is_symbol(const struct value *v)
{
    return v->number == 0 && (v->kind == VALUE_ARGUMENT || v->kind == VALUE_RESULT ||
                              v->kind == VALUE_MEMBER || v->kind == VALUE_OPAQUE);
}

static uint64_t symbol_mask(const struct value *symbol, unsigned bytes)
{
    return value_mask(bytes) & value_mask(symbol->bytes);
}

/* What the condition says of (symbol & mask) and a number, when it is about equality. */
static bool fact_of(const struct state *state, unsigned condition, struct fact *out)
{
    const struct flags *flags = &state->flags;
    uint64_t right = 0;
    bool right_known = value_number(&flags->right, flags->bytes, &right);

    if (!is_symbol(&flags->left) || (flags->kind != FLAGS_RESULT && !right_known)) {
        return false;
    }
    *out = (struct fact){.symbol = flags->left};
    out->mask = symbol_mask(&flags->left, flags->bytes);
    out->number = flags->kind == FLAGS_COMPARE ? right & value_mask(flags->bytes) : 0;
    if (flags->kind == FLAGS_TEST) {
        out->mask &= right;
    }
    if (flags->kind == FLAGS_COMPARE && (condition | 1) == MICRO_IF_ABOVE_EQUAL && right == 1) {
        out->number = 0; /* below 1 is 0 */
        out->equal = condition == MICRO_IF_BELOW;
        return true;
    }
    if ((flags->kind == FLAGS_COMPARE && (condition | 1) == MICRO_IF_ABOVE && right == 0) ||
        (condition | 1) == MICRO_IF_NOT_EQUAL) {
        out->equal = (condition & 1) == 0;
        return true;
    }
    return false;
}

enum answer fact_answer(const struct state *state, const struct fact *asked, bool stale_too)
{
    const struct fact *known = state_fact(state, &asked->symbol, asked->mask);

    if (known == NULL || (known->stale && !stale_too)) {
        return ANSWER_MAYBE;
    }
    if (known->equal) {
        return (known->number == asked->number) == asked->equal ? ANSWER_YES : ANSWER_NO;
    }
    if (known->number == asked->number) {
        return asked->equal ? ANSWER_NO : ANSWER_YES;
    }
    return ANSWER_MAYBE;
}

/* A symbol that is known to be a number, in any comparison. */
static enum answer number_answer(const struct state *state, unsigned condition)
{
    const struct flags *flags = &state->flags;
    const struct fact *known;
    uint64_t right;

    if (!is_symbol(&flags->left) || flags->kind == FLAGS_RESULT ||
        !value_number(&flags->right, flags->bytes, &right)) {
        return ANSWER_MAYBE;
    }
    known = state_fact(state, &flags->left, symbol_mask(&flags->left, flags->bytes));
    if (known == NULL || !known->equal || known->stale) {
        return ANSWER_MAYBE;
    }
    return evaluate(condition, flags->kind, known->number, right, flags->bytes);
}

/* ---- both ---- */

/* Left and right are places of ours: never NULL. */
static bool never_zero(const struct value *v)
{
    return v->bytes == 0 &&
           (v->kind == VALUE_STACK || (v->kind == VALUE_ADDRESS && v->number != 0));
}

static enum answer place_answer(const struct flags *flags, unsigned condition)
{
    uint64_t right = 0;
    bool whole = flags->bytes == 8 && never_zero(&flags->left);

    if (!whole || (condition | 1) != MICRO_IF_NOT_EQUAL) {
        return ANSWER_MAYBE;
    }
    if (flags->kind == FLAGS_COMPARE && (!value_number(&flags->right, 8, &right) || right != 0)) {
        return ANSWER_MAYBE;
    }
    if (flags->kind == FLAGS_TEST &&
        (!value_number(&flags->right, 8, &right) || right != UINT64_MAX)) {
        return ANSWER_MAYBE;
    }
    return condition == MICRO_IF_EQUAL ? ANSWER_NO : ANSWER_YES;
}

enum answer condition_holds(const struct state *state, unsigned condition)
{
    const struct flags *flags = &state->flags;
    uint64_t left = 0, right = 0;
    bool left_known, right_known;
    struct fact fact;
    enum answer answer;

    if (flags->kind == FLAGS_UNKNOWN || condition >= CONDITION_COUNT) {
        return ANSWER_MAYBE;
    }
    left_known = value_number(&flags->left, flags->bytes, &left);
    if (flags->kind == FLAGS_RESULT) {
        unsigned group = condition & ~1u;

        if (left_known && (group == MICRO_IF_EQUAL || group == CONDITION_SIGN)) {
            return evaluate(condition, FLAGS_TEST, left, UINT64_MAX, flags->bytes);
        }
        if (left_known) {
            return ANSWER_MAYBE;
        }
    }
    right_known = value_number(&flags->right, flags->bytes, &right);
    if (left_known && right_known) {
        return evaluate(condition, flags->kind, left, right, flags->bytes);
    }
    if (flags->left.kind == VALUE_IRQL && right_known && flags->kind != FLAGS_RESULT) {
        return irql_answer(state, condition, &flags->left, right, false);
    }
    if (flags->right.kind == VALUE_IRQL && left_known && flags->kind != FLAGS_RESULT) {
        return irql_answer(state, condition, &flags->right, left, true);
    }
    answer = number_answer(state, condition);
    if (answer == ANSWER_MAYBE && fact_of(state, condition, &fact)) {
        answer = fact_answer(state, &fact, false);
    }
    return answer == ANSWER_MAYBE ? place_answer(flags, condition) : answer;
}

bool refine(struct state *state, unsigned condition)
{
    const struct flags *flags = &state->flags;
    uint64_t constant;
    struct fact fact;

    if (condition_holds(state, condition) == ANSWER_NO) {
        return false;
    }
    if (flags->kind == FLAGS_UNKNOWN || condition >= CONDITION_COUNT) {
        return true;
    }
    if (flags->kind != FLAGS_RESULT && flags->left.kind == VALUE_IRQL &&
        value_number(&flags->right, flags->bytes, &constant)) {
        return narrow_irql(state, &flags->left,
                           classes_that_may(condition, flags, constant, false));
    }
    if (flags->kind != FLAGS_RESULT && flags->right.kind == VALUE_IRQL &&
        value_number(&flags->left, flags->bytes, &constant)) {
        return narrow_irql(state, &flags->right,
                           classes_that_may(condition, flags, constant, true));
    }
    if (fact_of(state, condition, &fact)) {
        /* The other way when the lock was taken: possible, but hardly what is meant. */
        if (fact_answer(state, &fact, true) == ANSWER_NO && (state->now & ~IRQL_IDENTITY) != 0) {
            state->vague = state->now;
        }
        state_add_fact(state, &fact);
    }
    return true;
}

enum answer value_is_zero(const struct state *state, const struct value *v, unsigned bytes,
                          uint64_t mask)
{
    struct fact asked = {.symbol = *v, .equal = true};
    uint64_t number;

    if (mask == 0) {
        mask = value_mask(bytes);
    }
    if (value_number(v, bytes, &number)) {
        return (number & mask) == 0 ? ANSWER_YES : ANSWER_NO;
    }
    if (never_zero(v) && bytes == 8 && mask == UINT64_MAX) {
        return ANSWER_NO;
    }
    if (!is_symbol(v)) {
        return ANSWER_MAYBE;
    }
    asked.mask = symbol_mask(v, bytes) & mask;
    return fact_answer(state, &asked, false);
}
