/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic of values: constants are computed, pointers move by constants, a saved IRQL survives a
 * mask that takes none of its bits.  Everything else is unknown.
 */
#include "advise/state.h"

#include "decode/micro.h"

enum { SLOT_BYTES = 8 };

static uint64_t compute(unsigned kind, uint64_t left, uint64_t right, unsigned bytes)
{
    unsigned bits = 8 * bytes, count = (unsigned)(right & (bits == 64 ? 63 : 31));

    switch (kind) {
    case MICRO_ADD:
        return left + right;
    case MICRO_SUBTRACT:
        return left - right;
    case MICRO_AND:
        return left & right;
    case MICRO_OR:
        return left | right;
    case MICRO_XOR:
        return left ^ right;
    case MICRO_SHIFT_LEFT:
        return left << count;
    case MICRO_SHIFT_RIGHT:
        return left >> count;
    default: /* MICRO_SHIFT_RIGHT_SIGNED: of the sign-extended left */
        left <<= 64 - bits;
        return (uint64_t)((int64_t)left >> (64 - bits) >> (count < bits ? count : bits - 1));
    }
}

/* No level of the classes that a saved IRQL may have loses a bit. */
static bool keeps_irql(const struct value *saved, uint64_t mask)
{
    irql_set classes = irql_apply(saved->relation, IRQL_ANY);
    uint64_t bits = classes & IRQL_BIT(IRQL_H) ? 0xf : 0;

    bits |= classes & IRQL_BIT(IRQL_D) ? 2 : 0;
    bits |= classes & IRQL_BIT(IRQL_A) ? 1 : 0;
    return (mask & bits) == bits;
}

static struct value combine_and(const struct value *left, uint64_t mask, unsigned bytes)
{
    unsigned known = left->bytes != 0 && left->kind != VALUE_IRQL ? left->bytes : bytes;
    uint64_t full = known >= SLOT_BYTES ? UINT64_MAX : (UINT64_C(1) << 8 * known) - 1;
    struct value v = *left;

    if (mask == 0) {
        return value_constant(0);
    }
    if (left->kind == VALUE_STACK) { /* alignment of the frame */
        v.number &= (int64_t)mask;
        return v;
    }
    if ((mask & full) == full || (left->kind == VALUE_IRQL && keeps_irql(left, mask))) {
        return v;
    }
    return value_unknown();
}

static struct value combine_subtract(const struct value *left, const struct value *right,
                                     bool right_known, uint64_t number, unsigned bytes)
{
    if (left->kind != VALUE_UNKNOWN && value_equal(left, right) && left->kind != VALUE_IRQL) {
        return value_constant(0);
    }
    return bytes == SLOT_BYTES && right_known ? value_add(left, (int64_t)(0 - number))
                                              : value_unknown();
}

static struct value same_or_unknown(const struct value *left, const struct value *right)
{
    return value_equal(left, right) ? *left : value_unknown();
}

struct value value_combine(unsigned kind, const struct value *left, const struct value *right,
                           unsigned bytes)
{
    uint64_t a = 0, b = 0;
    bool left_known = value_number(left, bytes, &a), right_known = value_number(right, bytes, &b);
    struct value v;

    if (left_known && right_known) {
        v = value_constant(compute(kind, a, b, bytes));
        return value_low(&v, bytes);
    }
    if (left_known && kind != MICRO_SUBTRACT) { /* the same the other way round */
        return value_combine(kind, right, left, bytes);
    }
    switch (kind) {
    case MICRO_ADD:
        return bytes == SLOT_BYTES && right_known ? value_add(left, (int64_t)b) : value_unknown();
    case MICRO_SUBTRACT:
        return combine_subtract(left, right, right_known, b, bytes);
    case MICRO_AND:
        return right_known ? combine_and(left, b, bytes) : same_or_unknown(left, right);
    case MICRO_OR:
        return right_known && b == 0 ? *left : same_or_unknown(left, right);
    default:
        return value_unknown();
    }
}
