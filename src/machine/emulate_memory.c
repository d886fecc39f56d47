/* SPDX-License-Identifier: MIT */
/*
 * An operation between a register or an immediate and an operand that is no memory: the registers
 * of a device, or the page that the system shares with user mode.
 */
#include "machine/emulate.h"

enum {
    FLAG_CARRY = 0x001,
    FLAG_PARITY = 0x004,
    FLAG_ADJUST = 0x010,
    FLAG_ZERO = 0x040,
    FLAG_SIGN = 0x080,
    FLAG_OVERFLOW = 0x800
};
#define FLAGS_RESULT     (FLAG_PARITY | FLAG_ZERO | FLAG_SIGN)
#define FLAGS_ARITHMETIC (FLAGS_RESULT | FLAG_CARRY | FLAG_ADJUST | FLAG_OVERFLOW)

static uint64_t mask_of(unsigned bytes)
{
    return bytes == 8 ? UINT64_MAX : (1ull << 8 * bytes) - 1;
}

uint64_t emulate_get_register(const struct trap *trap, const struct decoded *decoded)
{
    uint64_t value = trap->gpr[decoded->gpr];

    return (decoded->gpr_high ? value >> 8 : value) & mask_of(decoded->gpr_bytes);
}

void emulate_set_register(struct trap *trap, const struct decoded *decoded, uint64_t value)
{
    uint64_t *gpr = &trap->gpr[decoded->gpr];
    uint64_t mask = mask_of(decoded->gpr_bytes);

    if (decoded->gpr_high) {
        *gpr = (*gpr & ~0xff00ull) | (value & 0xffu) << 8;
    } else if (decoded->gpr_bytes == 4) { /* the upper half becomes zero */
        *gpr = value & mask;
    } else {
        *gpr = (*gpr & ~mask) | (value & mask);
    }
}

/* ---- results and flags ---- */

/* Two operands of a width, their result, and the flags as they were and will be. */
struct sum {
    uint64_t a, b, mask, sign;
    uint64_t flags;
};

static uint64_t finish(struct sum *sum, uint64_t result, uint64_t flags, uint64_t changed)
{
    result &= sum->mask;
    if (result == 0) {
        flags |= FLAG_ZERO;
    }
    if ((result & sum->sign) != 0) {
        flags |= FLAG_SIGN;
    }
    if (__builtin_parity((unsigned)result & 0xffu) == 0) {
        flags |= FLAG_PARITY;
    }
    sum->flags = (sum->flags & ~changed) | (flags & changed);
    return result;
}

static uint64_t add(struct sum *sum, uint64_t changed)
{
    uint64_t result = (sum->a + sum->b) & sum->mask;
    uint64_t flags = (sum->a ^ sum->b ^ result) & FLAG_ADJUST;

    if (result < sum->a) {
        flags |= FLAG_CARRY;
    }
    if ((~(sum->a ^ sum->b) & (sum->a ^ result) & sum->sign) != 0) {
        flags |= FLAG_OVERFLOW;
    }
    return finish(sum, result, flags, changed);
}

static uint64_t subtract(struct sum *sum, uint64_t changed)
{
    uint64_t result = (sum->a - sum->b) & sum->mask;
    uint64_t flags = (sum->a ^ sum->b ^ result) & FLAG_ADJUST;

    if (sum->a < sum->b) {
        flags |= FLAG_CARRY;
    }
    if (((sum->a ^ sum->b) & (sum->a ^ result) & sum->sign) != 0) {
        flags |= FLAG_OVERFLOW;
    }
    return finish(sum, result, flags, changed);
}

/* What the operation makes of first and second operand. */
static uint64_t operate(enum decoded_operation operation, struct sum *sum)
{
    switch (operation) {
    case OPERATION_ADD:
    case OPERATION_EXCHANGE_ADD:
        return add(sum, FLAGS_ARITHMETIC);
    case OPERATION_SUBTRACT:
    case OPERATION_COMPARE:
    case OPERATION_COMPARE_EXCHANGE:
        return subtract(sum, FLAGS_ARITHMETIC);
    case OPERATION_AND:
    case OPERATION_TEST:
        return finish(sum, sum->a & sum->b, 0, FLAGS_ARITHMETIC);
    case OPERATION_OR:
        return finish(sum, sum->a | sum->b, 0, FLAGS_ARITHMETIC);
    case OPERATION_XOR:
        return finish(sum, sum->a ^ sum->b, 0, FLAGS_ARITHMETIC);
    case OPERATION_INCREMENT:
        sum->b = 1;
        return add(sum, FLAGS_ARITHMETIC & ~(uint64_t)FLAG_CARRY);
    case OPERATION_DECREMENT:
        sum->b = 1;
        return subtract(sum, FLAGS_ARITHMETIC & ~(uint64_t)FLAG_CARRY);
    case OPERATION_NEGATE:
        sum->b = sum->a;
        sum->a = 0;
        return subtract(sum, FLAGS_ARITHMETIC);
    case OPERATION_NOT:
        return ~sum->a & sum->mask;
    case OPERATION_MOVE:
    case OPERATION_EXCHANGE:
        return sum->b;
    }
    PG_ASSERT(!"an operation that is not in the list");
    return 0;
}

/* ---- the instruction ---- */

static bool writes_memory(const struct decoded *decoded)
{
    switch (decoded->operation) {
    case OPERATION_COMPARE:
    case OPERATION_TEST:
        return false;
    case OPERATION_EXCHANGE:
    case OPERATION_EXCHANGE_ADD:
        return true;
    default:
        return decoded->to_memory;
    }
}

static bool reads_memory(const struct decoded *decoded)
{
    return decoded->operation != OPERATION_MOVE || !decoded->to_memory;
}

static uint64_t sign_extend(uint64_t value, unsigned bytes)
{
    unsigned unused = 64u - 8u * bytes;

    return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* The accumulator against memory: equal, memory becomes the register; else it becomes memory's. */
static uint64_t compare_exchange(struct trap *trap, const struct decoded *decoded, uint64_t memory,
                                 uint64_t other)
{
    struct decoded accumulator = {.gpr = 0, .gpr_bytes = decoded->memory_bytes};
    uint64_t mask = mask_of(decoded->memory_bytes);
    struct sum sum = {emulate_get_register(trap, &accumulator), memory, mask, mask ^ mask >> 1,
                      trap->rflags};
    uint64_t difference = operate(OPERATION_COMPARE, &sum);

    trap->rflags = sum.flags;
    if (difference == 0) {
        return other;
    }
    emulate_set_register(trap, &accumulator, memory);
    return memory; /* the processor writes it back */
}

bool emulate_memory(struct trap *trap, const struct decoded *decoded, uint64_t address,
                    const struct operand_space *space)
{
    unsigned bytes = decoded->memory_bytes;
    uint64_t mask = mask_of(bytes);
    uint64_t memory = 0;
    uint64_t other = 0;
    uint64_t result;
    struct sum sum = {.mask = mask, .sign = mask ^ mask >> 1, .flags = trap->rflags};

    if (writes_memory(decoded) && space->write == NULL) {
        return false;
    }
    if (reads_memory(decoded)) {
        memory = space->read(address, bytes, trap->rip);
    }
    if (decoded->has_immediate) {
        other = decoded->immediate & mask;
    } else if (decoded->gpr_bytes != 0) {
        other = emulate_get_register(trap, decoded);
    }
    if (decoded->operation == OPERATION_COMPARE_EXCHANGE) {
        result = compare_exchange(trap, decoded, memory, other);
    } else {
        sum.a = decoded->to_memory ? memory : other;
        sum.b = decoded->to_memory ? other : memory;
        if (decoded->operation == OPERATION_EXCHANGE) {
            sum.b = other; /* symmetric: memory gets the register whatever the order */
        }
        result = operate(decoded->operation, &sum);
        trap->rflags = sum.flags;
    }
    if (writes_memory(decoded)) {
        space->write(address, bytes, result, trap->rip);
    }
    if (decoded->operation == OPERATION_EXCHANGE || decoded->operation == OPERATION_EXCHANGE_ADD) {
        emulate_set_register(trap, decoded, memory);
    } else if (!decoded->to_memory && decoded->operation != OPERATION_COMPARE &&
               decoded->operation != OPERATION_TEST) {
        emulate_set_register(trap, decoded,
                             decoded->sign_extend ? sign_extend(result, bytes) : result);
    }
    trap->rip += decoded->length;
    return true;
}
