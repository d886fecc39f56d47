/* SPDX-License-Identifier: MIT */
/*
 * A call from a state: who is called, with what, and what comes back.
 *
 * Calls that cannot be resolved are taken to leave the IRQL as it is, which is what the convention
 * of NT asks of everybody but lock routines.
 */
#include "advise/solve.h"

enum { SHADOW_BYTES = 0x20, SLOT_BYTES = 8, REGISTER_ARGUMENTS = 4, MAY_POINT_TO = 8 };

static const uint8_t argument_registers[REGISTER_ARGUMENTS] = {1, 2, 8, 9};

void call_arguments(const struct state *state, bool tail, struct value arguments[INFER_ARGUMENTS])
{
    struct value stack = state->registers[MICRO_RSP];

    for (unsigned i = 0; i < INFER_ARGUMENTS; i++) {
        arguments[i] =
            i < REGISTER_ARGUMENTS ? state->registers[argument_registers[i]] : value_unknown();
    }
    if (stack.kind != VALUE_STACK) {
        return;
    }
    stack = value_add(&stack, SHADOW_BYTES + (tail ? SLOT_BYTES : 0));
    for (uint32_t i = 0; i < state->cell_count; i++) {
        const struct cell *cell = &state->cells[i];
        struct value base = cell_base(cell);
        int64_t at = base.number - stack.number;
        struct value v = cell->value;

        if (base.kind > VALUE_STACK) {
            break; /* cells are in the order of their kinds */
        }
        if (base.kind != VALUE_STACK || at < 0 || at % SLOT_BYTES != 0 ||
            at / SLOT_BYTES + REGISTER_ARGUMENTS >= INFER_ARGUMENTS) {
            continue;
        }
        if (value_is_constant(&v) && cell->bytes < SLOT_BYTES) {
            v.bytes = cell->bytes;
        }
        arguments[at / SLOT_BYTES + REGISTER_ARGUMENTS] = v;
    }
}

/* ---- who ---- */

/* The pointer that was loaded from a place: an import, or an entry of the KMDF table. */
static struct resolved loaded_from(const struct solver *solver, const struct value *place)
{
    const struct program *program = solver->program;
    struct resolved unresolved = {CALL_UNRESOLVED, NO_INDEX};

    if (place->kind == VALUE_ADDRESS) {
        uint32_t import = program_import_at(program, (uint32_t)place->number);

        return import == NO_INDEX ? unresolved : (struct resolved){CALL_IMPORT, import};
    }
    if (place->kind == VALUE_MEMBER && program->wdf_table_rva != 0) {
        const struct value *table = &solver->infer->paths[place->index];

        if (table->kind == VALUE_ADDRESS && table->number == program->wdf_table_rva &&
            place->number >= 0 && place->number % SLOT_BYTES == 0 &&
            contract_wdf((uint32_t)(place->number / SLOT_BYTES)) != NULL) {
            return (struct resolved){CALL_WDF, (uint32_t)(place->number / SLOT_BYTES)};
        }
    }
    return unresolved;
}

static struct resolved resolve_value(const struct solver *solver, const struct value *v)
{
    if (v->kind == VALUE_ADDRESS && v->number >= 0 && v->number <= UINT32_MAX) {
        uint32_t function = program_function_at(solver->program, (uint32_t)v->number);

        if (function != NO_INDEX) {
            return (struct resolved){CALL_FUNCTION, function};
        }
    }
    if (v->kind == VALUE_MEMBER && v->bytes == 0 && v->number == 0) {
        return loaded_from(solver, &solver->infer->paths[v->index]);
    }
    return (struct resolved){CALL_UNRESOLVED, NO_INDEX};
}

struct resolved resolve_call(struct solver *solver, const struct state *state, uint32_t call)
{
    const struct call *c = &solver->program->calls[call];
    const struct micro *m = &solver->program->micros[c->micro];
    struct value target = value_unknown();
    struct resolved to;
    bool indexed;

    if (!c->indirect && c->target != CALL_UNRESOLVED) {
        return (struct resolved){c->target, c->index};
    }
    if (c->target == CALL_IMPORT) {
        return (struct resolved){c->target, c->index};
    }
    if (c->via != MICRO_NO_REGISTER) {
        target = state->registers[c->via];
    } else if (m->second == MICRO_REGISTER && m->second_register < STATE_REGISTERS) {
        target = state->registers[m->second_register];
    } else if (m->second == MICRO_MEMORY) {
        struct value address = operand_address(state, m, &indexed);

        if (!indexed) {
            target = load_value(solver, state, &address, SLOT_BYTES);
        }
    }
    to = resolve_value(solver, &target);
    if (to.target == CALL_FUNCTION) { /* the guard's pointer in a register, for one */
        uint8_t via = program_thunk_register(solver->program, to.index);

        if (via != MICRO_NO_REGISTER) {
            to = resolve_value(solver, &state->registers[via]);
        }
    }
    return to;
}

/* ---- what comes back ---- */

/* Memory that is not ours alone, but for what locks saved: a driver that keeps an old IRQL in its
 * extension has nobody else write it. */
void forget_shared(struct state *state)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < state->cell_count; i++) {
        const struct cell *cell = &state->cells[i];

        if (cell_base(cell).kind == VALUE_STACK || cell->value.kind == VALUE_IRQL) {
            state->cells[kept++] = *cell;
        }
    }
    state->cell_count = (uint8_t)kept;
    state_age_memory_facts(state);
}

void finish_call(struct solver *solver, struct state *state, uint32_t call,
                 const struct value *result)
{
    for (unsigned reg = 0, left = VOLATILE_REGISTERS; left != 0; reg++, left >>= 1) {
        if (left & 1) {
            state->registers[reg] = value_unknown();
        }
    }
    state->flags.kind = FLAGS_UNKNOWN;
    if (solver->revisit) { /* the symbol may be that of the last time around */
        state_renew(state, VALUE_RESULT, call);
    }
    state->registers[0] =
        result->kind == VALUE_UNKNOWN ? value_symbol(VALUE_RESULT, call, 0) : *result;
}

static void follow_unknown(struct solver *solver, const struct state *state, uint32_t call,
                           uint32_t reach, const struct value *arguments)
{
    static struct value unknown;
    struct state *after = &solver->work;

    state_copy(after, state);
    for (unsigned i = 0; i < MAY_POINT_TO; i++) {
        note_reach(solver, &arguments[i], reach);
        state_forget(after, &arguments[i], reach);
    }
    solver->writes = true;
    forget_shared(after);
    finish_call(solver, after, call, &unknown);
    state_set_add(solver->next, after);
}

/* A callee that was found through a pointer may come later in the order: it is taken for neutral
 * now, and this function is looked at again. */
static void note_late(struct solver *solver, uint32_t callee)
{
    struct late_call *late =
        grow(solver->late, solver->late_count, &solver->late_room, sizeof solver->late[0]);

    if (late == NULL) {
        solver->no_memory = true;
        return;
    }
    solver->late = late;
    late[solver->late_count++] = (struct late_call){solver->function, callee};
}

static void follow_function(struct solver *solver, const struct state *state, uint32_t call,
                            uint32_t callee, const struct value *arguments)
{
    const struct effect *effect = &solver->effects[callee];

    if (!effect->solved) {
        note_late(solver, callee);
        follow_unknown(solver, state, call, REACH_UNKNOWN, arguments);
        return;
    }
    solver->touches_irql |= effect->touches_irql;
    solver->writes |= effect->writes;
    follow_outcomes(solver, state, call, effect, arguments);
}

void follow_call(struct solver *solver, const struct state *state, uint32_t call)
{
    const struct call *c = &solver->program->calls[call];
    struct value arguments[INFER_ARGUMENTS];
    const struct contract *contract;
    struct resolved to;

    to = resolve_call(solver, state, call);
    contract = program_contract(solver->program, to.target, to.index);
    call_arguments(state, c->tail, arguments);
    if (solver->recording) {
        record_call_before(solver, state, call, &to, arguments);
    }
    if (contract != NULL) {
        follow_contract(solver, state, call, contract, arguments);
    } else if (to.target == CALL_FUNCTION) {
        follow_function(solver, state, call, to.index, arguments);
    } else {
        follow_unknown(solver, state, call,
                       to.target == CALL_UNRESOLVED ? REACH_UNKNOWN : REACH_IMPORT, arguments);
    }
}
