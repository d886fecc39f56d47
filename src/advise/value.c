/* SPDX-License-Identifier: MIT */
/*
 * Values: constants, addresses, saved IRQLs, and symbols for what only a caller or a callee knows.
 *
 * Compilers move a BOOLEAN by its low byte and leave the rest of the register as it was, so a value
 * may be known in its low bytes only.  A symbol that was narrowed stays the symbol: to compare it
 * is to compare its low bytes.
 */
#include "advise/state.h"

struct value value_constant(uint64_t number)
{
    return (struct value){.kind = VALUE_CONSTANT, .number = (int64_t)number};
}

struct value value_irql(irql_relation relation, irql_relation vague, uint32_t micro)
{
    return (struct value){
        .kind = VALUE_IRQL, .relation = relation, .index = micro, .number = vague};
}

struct value value_symbol(enum value_kind kind, uint32_t index, int64_t number)
{
    return (struct value){.kind = (uint8_t)kind, .index = index, .number = number};
}

struct value value_join(const struct value *a, const struct value *b)
{
    if (value_equal(a, b)) {
        struct value both = *a;

        if (a->object != b->object) {
            both.object = OBJECT_UNKNOWN;
        }
        return both;
    }
    if (a->kind == VALUE_IRQL && b->kind == VALUE_IRQL) {
        return value_irql(a->relation | b->relation, (irql_relation)(a->number | b->number),
                          a->index == b->index ? a->index : NO_INDEX);
    }
    return value_unknown();
}

bool value_number(const struct value *v, unsigned bytes, uint64_t *number)
{
    if (v->kind != VALUE_CONSTANT || (v->bytes != 0 && v->bytes < bytes)) {
        return false;
    }
    *number = (uint64_t)v->number & value_mask(bytes);
    return true;
}

struct value value_low(const struct value *v, unsigned bytes)
{
    struct value low = *v;
    uint64_t number;

    if (bytes >= 8) {
        return low;
    }
    switch (v->kind) {
    case VALUE_CONSTANT:
        return value_number(v, bytes, &number) ? value_constant(number) : value_unknown();
    case VALUE_IRQL:
        return low;
    case VALUE_ARGUMENT:
    case VALUE_RESULT:
    case VALUE_MEMBER:
    case VALUE_OPAQUE:
        if (v->number != 0) {
            return value_unknown();
        }
        if (low.bytes == 0 || low.bytes > bytes) {
            low.bytes = (uint16_t)bytes;
        }
        return low;
    default:
        return value_unknown();
    }
}

struct value value_low_signed(const struct value *v, unsigned bytes, unsigned wide)
{
    uint64_t number;

    if (v->kind != VALUE_CONSTANT) {
        return value_low(v, bytes);
    }
    if (!value_number(v, bytes, &number)) {
        return value_unknown();
    }
    if (bytes < 8 && (number >> (8 * bytes - 1) & 1) != 0) {
        number |= ~value_mask(bytes);
    }
    return value_constant(number & value_mask(wide));
}

struct value value_replace_low(const struct value *v, const struct value *low, unsigned bytes)
{
    uint64_t number;
    struct value out;

    if (!value_number(low, bytes, &number)) {
        return value_low(low, bytes);
    }
    if (v->kind == VALUE_CONSTANT && (v->bytes == 0 || v->bytes > bytes)) {
        out = *v;
        out.number = (int64_t)(((uint64_t)v->number & ~value_mask(bytes)) | number);
        return out;
    }
    out = value_constant(number);
    out.bytes = (uint16_t)bytes;
    return out;
}

struct value value_add(const struct value *v, int64_t delta)
{
    struct value sum = *v;

    if (delta == 0) {
        return sum;
    }
    if (v->kind == VALUE_UNKNOWN || v->kind == VALUE_IRQL || v->kind == VALUE_OPAQUE ||
        v->bytes != 0) {
        return value_unknown();
    }
    sum.number = (int64_t)((uint64_t)v->number + (uint64_t)delta);
    return sum;
}
