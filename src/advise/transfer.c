/* SPDX-License-Identifier: MIT */
/*
 * One instruction: a state before it to the state after it.
 *
 * Nothing is silently kept: an instruction that is not understood makes what it writes unknown.
 */
#include "advise/solve.h"

#include <string.h>

enum {
    SLOT_BYTES = 8,
    HOME_BYTES = 0x28, /* return address and the home of the register arguments */
    WIDEST_STORE = 64,
};

/* ---- memory ---- */

struct value operand_address(const struct state *state, const struct micro *m, bool *indexed)
{
    struct value address, index;
    uint64_t number;

    *indexed = false;
    if (m->segment || m->base == MICRO_NO_REGISTER) {
        return value_unknown();
    }
    if (m->base == MICRO_RIP) {
        return value_symbol(VALUE_ADDRESS, 0, (uint32_t)m->displacement);
    }
    address = state->registers[m->base];
    if (m->index == MICRO_NO_REGISTER) {
        return value_add(&address, m->displacement);
    }
    index = state->registers[m->index];
    if (!value_is_place(&address) && value_is_place(&index) && m->scale <= 1) {
        struct value other = address;

        address = index;
        index = other;
        address = value_add(&address, m->displacement);
        if (!value_number(&index, SLOT_BYTES, &number)) {
            *indexed = true;
        } else {
            address = value_add(&address, (int64_t)number);
        }
    } else {
        address = value_add(&address, m->displacement);
        if (!value_number(&index, SLOT_BYTES, &number)) {
            *indexed = true;
        } else {
            address = value_add(&address, (int64_t)(number * m->scale));
        }
    }
    if (*indexed && address.kind != VALUE_ADDRESS) {
        return value_unknown();
    }
    return address;
}

/* Data of the image that nobody changes after the loader. */
static bool load_constant(const struct program *program, uint32_t rva, unsigned bytes,
                          struct value *out)
{
    const struct image_section *section = image_section_at(program->image, rva);
    uint32_t target;
    uint64_t number = 0;

    if (section == NULL || section->writable || program_import_at(program, rva) != NO_INDEX) {
        return false;
    }
    if (bytes == SLOT_BYTES && program_pointer_at(program, rva, &target)) {
        *out = value_symbol(VALUE_ADDRESS, 0, target);
        return true;
    }
    if (bytes > SLOT_BYTES || bytes == 0) {
        return false;
    }
    image_copy(program->image, rva, &number, bytes);
    *out = value_constant(number);
    return true;
}

struct value load_value(struct solver *solver, const struct state *state,
                        const struct value *address, unsigned bytes)
{
    struct value v;

    if (!value_is_place(address) || bytes == 0 || bytes > SLOT_BYTES) {
        return value_unknown();
    }
    if (state_load(state, address, bytes, &v)) {
        return v;
    }
    switch (address->kind) {
    case VALUE_STACK:
        if (address->number < HOME_BYTES || address->number % SLOT_BYTES != 0 ||
            address->number >= SLOT_BYTES * (INFER_ARGUMENTS + 1)) {
            return value_unknown();
        }
        v = value_symbol(VALUE_ARGUMENT, (uint32_t)(address->number / SLOT_BYTES) - 1, 0);
        return value_low(&v, bytes);
    case VALUE_ADDRESS:
        if (address->number >= 0 && address->number <= UINT32_MAX &&
            load_constant(solver->program, (uint32_t)address->number, bytes, &v)) {
            return v;
        }
        return path_value(solver, address, bytes);
    default:
        return path_value(solver, address, bytes);
    }
}

void note_reach(struct solver *solver, const struct value *pointer, uint32_t bytes)
{
    int64_t end = pointer->number + bytes;

    if (pointer->kind != VALUE_ARGUMENT || pointer->index >= REACHES || pointer->number < 0) {
        return;
    }
    if (end > UINT8_MAX) {
        end = UINT8_MAX;
    }
    if (solver->reach[pointer->index] < end) {
        solver->reach[pointer->index] = (uint8_t)end;
    }
}

static void store_value(struct solver *solver, struct state *state, uint32_t micro,
                        const struct value *address, unsigned bytes, const struct value *v)
{
    solver->records |= v->kind == VALUE_ADDRESS;
    if (solver->recording && v->kind == VALUE_ADDRESS) {
        record_store(solver, micro, address, v);
    }
    note_reach(solver, address, bytes);
    solver->writes |= address->kind != VALUE_STACK;
    if (!value_is_place(address)) {
        return;
    }
    if (bytes == 0 || bytes > SLOT_BYTES) {
        state_forget(state, address, bytes == 0 ? WIDEST_STORE : bytes);
    } else {
        state_store(state, address, bytes, v);
    }
}

/* ---- operands ---- */

/* The memory operand of the instruction at hand. */
struct operand {
    struct value address;
    bool indexed;
};

static struct value read_register(const struct state *state, const struct micro *m, unsigned reg,
                                  unsigned bytes)
{
    if (m->high || reg >= STATE_REGISTERS) {
        return value_unknown();
    }
    return value_low(&state->registers[reg], bytes);
}

static struct value read_memory(struct solver *solver, const struct state *state,
                                const struct operand *memory, unsigned bytes)
{
    if (memory->indexed) {
        return value_unknown();
    }
    return load_value(solver, state, &memory->address, bytes);
}

static struct value read_first(struct solver *solver, const struct state *state,
                               const struct micro *m, const struct operand *memory)
{
    if (m->first == MICRO_REGISTER) {
        return read_register(state, m, m->first_register, m->first_bytes);
    }
    if (m->first == MICRO_MEMORY) {
        return read_memory(solver, state, memory, m->first_bytes);
    }
    return value_unknown();
}

static struct value read_second(struct solver *solver, const struct state *state,
                                const struct micro *m, const struct operand *memory)
{
    struct value v;

    switch (m->second) {
    case MICRO_REGISTER:
        return read_register(state, m, m->second_register, m->second_bytes);
    case MICRO_MEMORY:
        return read_memory(solver, state, memory, m->second_bytes);
    case MICRO_IMMEDIATE:
        v = value_constant((uint64_t)m->immediate);
        return value_low(&v, m->first != MICRO_NONE ? m->first_bytes : SLOT_BYTES);
    default:
        return value_unknown();
    }
}

static void write_register(struct state *state, const struct micro *m, unsigned reg, unsigned bytes,
                           const struct value *v)
{
    if (reg >= STATE_REGISTERS) {
        return;
    }
    if (m->high) {
        state->registers[reg] = value_unknown();
    } else if (bytes < 4) {
        state->registers[reg] = value_replace_low(&state->registers[reg], v, bytes);
    } else {
        state->registers[reg] = value_low(v, bytes);
    }
}

static void write_first(struct solver *solver, struct state *state, uint32_t micro,
                        const struct operand *memory, const struct value *v)
{
    const struct micro *m = &solver->program->micros[micro];

    if (m->first == MICRO_REGISTER) {
        write_register(state, m, m->first_register, m->first_bytes, v);
    } else if (m->first == MICRO_MEMORY && !memory->indexed) {
        store_value(solver, state, micro, &memory->address, m->first_bytes, v);
    }
}

/* ---- comparisons ---- */

static bool same_register(const struct micro *m)
{
    return m->first == MICRO_REGISTER && m->second == MICRO_REGISTER && !m->high &&
           m->first_register == m->second_register && m->first_bytes == m->second_bytes;
}

/* What is compared and not known gets a name, so that a second comparison finds what the first one
 * said. */
static struct value name_it(struct solver *solver, struct state *state, uint32_t micro,
                            const struct operand *memory, const struct value *right)
{
    const struct micro *m = &solver->program->micros[micro];
    struct value named;

    if (right->kind != VALUE_CONSTANT || m->high ||
        (m->first == MICRO_MEMORY && (memory->indexed || !value_is_place(&memory->address)))) {
        return value_unknown();
    }
    if (solver->revisit) {
        state_renew(state, VALUE_OPAQUE, micro);
    }
    named = value_symbol(VALUE_OPAQUE, micro, 0);
    named = value_low(&named, m->first_bytes);
    if (m->first == MICRO_REGISTER && m->first_register < STATE_REGISTERS) {
        state->registers[m->first_register] = named;
    } else if (m->first == MICRO_MEMORY) {
        state_store(state, &memory->address, m->first_bytes, &named);
    }
    return named;
}

static void compare(struct solver *solver, struct state *state, uint32_t micro,
                    const struct operand *memory)
{
    const struct micro *m = &solver->program->micros[micro];
    struct value left = read_first(solver, state, m, memory);
    struct value right = read_second(solver, state, m, memory);

    if (m->kind == MICRO_TEST && same_register(m)) {
        right = value_constant(UINT64_MAX);
        right = value_low(&right, m->first_bytes);
    }
    if (left.kind == VALUE_UNKNOWN && solver->sees_irql) {
        left = name_it(solver, state, micro, memory, &right);
    }
    state->flags = (struct flags){
        .kind = m->kind == MICRO_TEST ? FLAGS_TEST : FLAGS_COMPARE,
        .bytes = m->first_bytes,
        .left = left,
        .right = right,
    };
}

/* ---- arithmetic ---- */

static void arithmetic(struct solver *solver, struct state *state, uint32_t micro,
                       const struct operand *memory)
{
    const struct micro *m = &solver->program->micros[micro];
    unsigned bytes = m->first_bytes, kind = m->kind;
    struct value left, right, result;

    if (bytes == 0 || bytes > SLOT_BYTES) {
        result = value_unknown();
        write_first(solver, state, micro, memory, &result);
        state->flags.kind = FLAGS_UNKNOWN;
        return;
    }
    left = read_first(solver, state, m, memory);
    right = read_second(solver, state, m, memory);
    if (kind == MICRO_INCREMENT || kind == MICRO_DECREMENT) {
        right = value_constant(1);
        kind = kind == MICRO_INCREMENT ? MICRO_ADD : MICRO_SUBTRACT;
    } else if (kind == MICRO_NEGATE) {
        right = left;
        left = value_constant(0);
        kind = MICRO_SUBTRACT;
    } else if (kind == MICRO_NOT) {
        right = value_constant(UINT64_MAX);
        kind = MICRO_XOR;
    }
    if ((kind == MICRO_XOR || kind == MICRO_SUBTRACT) && same_register(m) && m->kind == kind) {
        result = value_constant(0);
    } else {
        result = value_combine(kind, &left, &right, bytes);
    }
    write_first(solver, state, micro, memory, &result);
    if (m->kind == MICRO_NOT) {
        return; /* leaves the flags alone */
    }
    if (m->kind == MICRO_SUBTRACT && !same_register(m)) {
        state->flags = (struct flags){FLAGS_COMPARE, (uint8_t)bytes, left, right};
    } else if (m->kind == MICRO_AND) {
        state->flags = (struct flags){FLAGS_TEST, (uint8_t)bytes, left, right};
    } else {
        state->flags = (struct flags){FLAGS_RESULT, (uint8_t)bytes, result, value_unknown()};
    }
}

/* ---- the rest ---- */

static void push(struct solver *solver, struct state *state, uint32_t micro, const struct value *v)
{
    struct value *stack = &state->registers[MICRO_RSP];

    *stack = value_add(stack, -SLOT_BYTES);
    store_value(solver, state, micro, stack, SLOT_BYTES, v);
}

static struct value pop(struct solver *solver, struct state *state)
{
    struct value *stack = &state->registers[MICRO_RSP];
    struct value v = load_value(solver, state, stack, SLOT_BYTES);

    *stack = value_add(stack, SLOT_BYTES);
    return v;
}

static void exchange(struct solver *solver, struct state *state, uint32_t micro,
                     const struct operand *memory)
{
    const struct micro *m = &solver->program->micros[micro];
    struct value first = read_first(solver, state, m, memory);
    struct value second = read_second(solver, state, m, memory);

    write_first(solver, state, micro, memory, &second);
    if (m->second == MICRO_REGISTER) {
        write_register(state, m, m->second_register, m->second_bytes, &first);
    } else if (m->second == MICRO_MEMORY && !memory->indexed) {
        store_value(solver, state, micro, &memory->address, m->second_bytes, &first);
    }
}

static void choose(struct solver *solver, struct state *state, uint32_t micro,
                   const struct operand *memory)
{
    const struct micro *m = &solver->program->micros[micro];
    enum answer holds = condition_holds(state, m->condition);
    struct value second, first;

    if (m->kind == MICRO_SET_IF) {
        second = holds == ANSWER_MAYBE ? value_unknown() : value_constant(holds == ANSWER_YES);
        write_first(solver, state, micro, memory, &second);
        return;
    }
    second = read_second(solver, state, m, memory);
    first = read_first(solver, state, m, memory);
    if (holds == ANSWER_MAYBE) {
        second = value_join(&first, &second);
    } else if (holds == ANSWER_NO) {
        second = first;
    }
    write_first(solver, state, micro, memory, &second);
}

static void interrupts(struct solver *solver, struct state *state, uint32_t micro)
{
    bool off = solver->program->micros[micro].kind == MICRO_CLI; /* else sti, popf */

    solver->touches_irql = solver->records = true;
    if (solver->recording) {
        record_irql_before(solver, state, micro);
    }
    if (off && state->masked.kind == VALUE_UNKNOWN) {
        state->masked = irql_save(state, micro);
        irql_raise(state, IRQL_BIT(IRQL_H));
    } else if (!off && state->masked.kind == VALUE_IRQL) {
        irql_install(state, &state->masked, IRQL_AT_MOST);
        state->masked = value_unknown();
    }
    if (solver->recording) {
        record_irql_after(solver, state);
    }
}

static void write_cr8(struct solver *solver, struct state *state, uint32_t micro)
{
    const struct micro *m = &solver->program->micros[micro];
    struct value v = read_register(state, m, m->second_register, SLOT_BYTES);
    struct value before = irql_save(state, micro);

    if (v.kind == VALUE_UNKNOWN) { /* the low byte may be known */
        v = read_register(state, m, m->second_register, 1);
    }
    solver->touches_irql = solver->records = true;
    if (solver->recording) {
        record_irql_before(solver, state, micro);
    }
    irql_install(state, &v, IRQL_EVERYTHING);
    if (v.kind == VALUE_CONSTANT) {
        state->saved = before;
    }
    if (solver->recording) {
        record_irql_after(solver, state);
    }
}

static void forget_writes(struct solver *solver, struct state *state, const struct micro *m,
                          const struct operand *memory)
{
    for (unsigned reg = 0, left = m->writes; left != 0 && reg < STATE_REGISTERS;
         reg++, left >>= 1) {
        if (left & 1) {
            state->registers[reg] = value_unknown();
        }
    }
    if (m->stores) {
        unsigned bytes = m->first == MICRO_MEMORY ? m->first_bytes : m->second_bytes;

        if (bytes == 0 || bytes > WIDEST_STORE || m->kind == MICRO_STRING) {
            bytes = WIDEST_STORE;
        }
        note_reach(solver, &memory->address, bytes);
        solver->writes |= memory->address.kind != VALUE_STACK;
        state_forget(state, &memory->address, bytes);
    }
}

static void note_access(struct solver *solver, const struct state *state, uint32_t micro,
                        const struct operand *memory)
{
    const struct micro *m = &solver->program->micros[micro];

    solver->records = true;
    if (solver->recording) {
        record_access(solver, state, micro, &memory->address, m->stores, m->kind == MICRO_LEA);
    }
}

static void transfer_other(struct solver *solver, struct state *state, uint32_t micro,
                           const struct operand *memory)
{
    const struct micro *m = &solver->program->micros[micro];
    struct value v;

    switch (m->kind) {
    case MICRO_PUSH:
        v = read_second(solver, state, m, memory);
        push(solver, state, micro, &v);
        break;
    case MICRO_POP:
        v = pop(solver, state);
        write_first(solver, state, micro, memory, &v);
        if (m->first == MICRO_NONE && state->masked.kind == VALUE_IRQL) {
            interrupts(solver, state, micro); /* flags saved before the cli */
        }
        break;
    case MICRO_LEAVE:
        state->registers[MICRO_RSP] = state->registers[MICRO_RBP];
        state->registers[MICRO_RBP] = pop(solver, state);
        break;
    case MICRO_EXCHANGE:
        exchange(solver, state, micro, memory);
        break;
    case MICRO_SET_IF:
    case MICRO_MOVE_IF:
        choose(solver, state, micro, memory);
        break;
    case MICRO_READ_CR8:
        v = irql_save(state, micro);
        write_register(state, m, m->first_register, SLOT_BYTES, &v);
        break;
    case MICRO_WRITE_CR8:
        write_cr8(solver, state, micro);
        break;
    case MICRO_CLI:
    case MICRO_STI:
        interrupts(solver, state, micro);
        break;
    default:
        forget_writes(solver, state, m, memory);
        state->flags.kind = FLAGS_UNKNOWN;
        break;
    }
}

void transfer(struct solver *solver, struct state *state, uint32_t micro)
{
    const struct micro *m = &solver->program->micros[micro];
    struct operand memory = {.indexed = false};
    struct value v;

    if (m->base != MICRO_NO_REGISTER || m->index != MICRO_NO_REGISTER) {
        memory.address = operand_address(state, m, &memory.indexed);
        if (memory.address.kind == VALUE_ADDRESS) {
            note_access(solver, state, micro, &memory);
        }
    }
    switch (m->kind) {
    case MICRO_NOTHING:
    case MICRO_BREAK:
    case MICRO_JUMP:
    case MICRO_JUMP_IF:
    case MICRO_JUMP_INDIRECT:
    case MICRO_RETURN:
    case MICRO_STOP:
        break;
    case MICRO_MOVE:
        v = read_second(solver, state, m, &memory);
        if (m->sign_extend) {
            v = value_low_signed(&v, m->second_bytes, m->first_bytes);
        }
        write_first(solver, state, micro, &memory, &v);
        break;
    case MICRO_LEA:
        v = memory.indexed ? value_unknown() : memory.address;
        write_first(solver, state, micro, &memory, &v);
        break;
    case MICRO_COMPARE:
    case MICRO_TEST:
        compare(solver, state, micro, &memory);
        break;
    case MICRO_ADD:
    case MICRO_SUBTRACT:
    case MICRO_AND:
    case MICRO_OR:
    case MICRO_XOR:
    case MICRO_SHIFT_LEFT:
    case MICRO_SHIFT_RIGHT:
    case MICRO_SHIFT_RIGHT_SIGNED:
    case MICRO_INCREMENT:
    case MICRO_DECREMENT:
    case MICRO_NEGATE:
    case MICRO_NOT:
        arithmetic(solver, state, micro, &memory);
        break;
    default:
        transfer_other(solver, state, micro, &memory);
        break;
    }
}
