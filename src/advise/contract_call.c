/* SPDX-License-Identifier: MIT */
/*
 * A call of a routine of the system, by its contract.
 *
 * Every case that may apply gives a state of its own; they stay apart as long as their IRQLs
 * differ. A condition that no image shows holds for a lock's release as it held for its acquire:
 * the release finds what the acquire saved, or it does not.
 */
#include "advise/solve.h"

enum { KIRQL_BYTES = 1, SLOT_BYTES = 8, HALF_BYTES = 4 };
/* More are refused by tools/make-contracts. */
enum { CASES = 8 };

static enum answer opposite(enum answer answer)
{
    if (answer == ANSWER_MAYBE) {
        return answer;
    }
    return answer == ANSWER_YES ? ANSWER_NO : ANSWER_YES;
}

/* Does the argument point to a 64-bit zero?  NULL does not. */
static enum answer points_to_zero(struct solver *solver, const struct state *state,
                                  const struct value *pointer)
{
    struct value low, high, second;
    enum answer answer;

    if (value_is_zero(state, pointer, SLOT_BYTES, 0) == ANSWER_YES) {
        return ANSWER_NO;
    }
    if (!value_is_place(pointer)) {
        return ANSWER_MAYBE;
    }
    low = load_value(solver, state, pointer, SLOT_BYTES);
    answer = value_is_zero(state, &low, SLOT_BYTES, 0);
    if (answer != ANSWER_MAYBE) {
        return answer;
    }
    second = value_add(pointer, HALF_BYTES); /* LowPart and HighPart, stored apart */
    if (!state_load(state, pointer, HALF_BYTES, &low) ||
        !state_load(state, &second, HALF_BYTES, &high)) {
        return ANSWER_MAYBE;
    }
    answer = value_is_zero(state, &low, HALF_BYTES, 0);
    if (answer != ANSWER_YES) {
        return answer;
    }
    return value_is_zero(state, &high, HALF_BYTES, 0);
}

/* An external condition is settled by what the acquire left, where there is a release. */
static enum answer external(const struct state *state, const struct contract_case *c,
                            const struct value *arguments)
{
    struct value saved;

    if (c->effect != EFFECT_RESTORE || c->place != PLACE_HANDLE) {
        return ANSWER_MAYBE;
    }
    if (irql_restrict(state->now, c->entry) == 0) {
        return ANSWER_NO; /* nothing was raised */
    }
    return state_load_handle(state, &arguments[c->place_argument], &saved) ? ANSWER_YES
                                                                           : ANSWER_MAYBE;
}

static enum answer case_applies(struct solver *solver, const struct state *state,
                                const struct contract_case *c, const struct value *arguments)
{
    const struct value *argument;

    if (c->condition == WHEN_ALWAYS) {
        return ANSWER_YES;
    }
    if (c->condition == WHEN_RETURNS_NOT_ZERO) {
        return ANSWER_MAYBE;
    }
    if (c->condition == WHEN_EXTERNAL) {
        return external(state, c, arguments);
    }
    if (c->condition_argument >= INFER_ARGUMENTS) {
        return ANSWER_MAYBE;
    }
    argument = &arguments[c->condition_argument];
    switch (c->condition) {
    case WHEN_ARGUMENT_NOT_ZERO:
        return opposite(value_is_zero(state, argument, c->condition_bytes, c->condition_mask));
    case WHEN_POINTEE_ZERO:
        return points_to_zero(solver, state, argument);
    default:
        return ANSWER_MAYBE;
    }
}

/* ---- effects ---- */

static void put_saved(struct solver *solver, struct state *state, const struct contract_case *c,
                      const struct value *arguments, const struct value *saved,
                      struct value *result)
{
    const struct value *place;

    if (c->place == PLACE_RETURN) {
        *result = *saved;
    }
    if (c->place_argument >= INFER_ARGUMENTS) {
        return;
    }
    place = &arguments[c->place_argument];
    if (c->place == PLACE_POINTEE) {
        note_reach(solver, place, KIRQL_BYTES);
        state_store(state, place, KIRQL_BYTES, saved);
    } else if (c->place == PLACE_HANDLE) {
        state_store_handle(state, place, saved);
    }
}

static void restore(struct solver *solver, struct state *state, const struct contract_case *c,
                    const struct value *arguments)
{
    struct value place = value_unknown(), saved = value_unknown();

    if (c->place_argument < INFER_ARGUMENTS) {
        place = arguments[c->place_argument];
    }
    switch (c->place) {
    case PLACE_VALUE:
        saved = place;
        break;
    case PLACE_POINTEE:
        saved = load_value(solver, state, &place, KIRQL_BYTES);
        break;
    case PLACE_HANDLE:
        if (!state_load_handle(state, &place, &saved)) {
            saved = handle_value(solver, &place);
        }
        break;
    default:
        break;
    }
    irql_install(state, &saved, IRQL_AT_MOST);
}

static void set_value(struct state *state, const struct contract *contract,
                      const struct contract_case *c, const struct value *arguments)
{
    struct value v = value_unknown();

    if (c->level_argument < INFER_ARGUMENTS) {
        v = arguments[c->level_argument];
    }
    irql_install(state, &v, contract->traits & TRAIT_RAISE ? IRQL_AT_LEAST : IRQL_AT_MOST);
}

static void wait(struct state *state)
{
    if (state->wait.kind == VALUE_IRQL) {
        irql_install(state, &state->wait, IRQL_AT_MOST);
    } else {
        state->waited = true;
    }
    state->wait = value_unknown();
}

static void take_effect(struct solver *solver, struct state *state, uint32_t micro,
                        const struct contract *contract, const struct contract_case *c,
                        const struct value *arguments, struct value *result)
{
    struct value before = irql_save(state, micro);

    if (c->effect != EFFECT_SAME && c->effect != EFFECT_WAIT) {
        solver->touches_irql = true;
    }
    switch (c->effect) {
    case EFFECT_SET:
        irql_raise(state, IRQL_BIT(c->level));
        put_saved(solver, state, c, arguments, &before, result);
        if (contract->traits & TRAIT_WAIT_TRUE) {
            state->wait = before;
        } else {
            state->saved = before;
        }
        break;
    case EFFECT_SET_VALUE:
        set_value(state, contract, c, arguments);
        put_saved(solver, state, c, arguments, &before, result);
        if (contract->traits & TRAIT_RAISE) {
            state->saved = before;
        }
        break;
    case EFFECT_RESTORE:
        restore(solver, state, c, arguments);
        break;
    case EFFECT_WAIT:
        wait(state);
        break;
    default:
        break;
    }
}

/* Objects that pointers were handed over of may have been written to; locks only hold what the
 * contract says. */
static void forget_pointees(struct solver *solver, struct state *state,
                            const struct contract *contract, const struct value *arguments)
{
    const uint32_t locks = TRAIT_SPIN_ACQUIRE | TRAIT_SPIN_RELEASE | TRAIT_RAISE | TRAIT_LOWER |
                           TRAIT_CURRENT_IRQL | TRAIT_WAIT;
    unsigned count =
        contract->argument_count == CONTRACT_ARGUMENTS_UNKNOWN ? REACHES : contract->argument_count;

    if (contract->traits & locks) {
        return;
    }
    solver->writes = true;
    state_age_memory_facts(state);
    for (unsigned i = 0; i < count && i < INFER_ARGUMENTS; i++) {
        note_reach(solver, &arguments[i], REACH_IMPORT);
        state_forget(state, &arguments[i], REACH_IMPORT);
    }
}

static void follow_case(struct solver *solver, const struct state *state, uint32_t call,
                        const struct contract *contract, const struct contract_case *c,
                        bool returns_zero, const struct value *arguments)
{
    struct state *after = &solver->work;
    struct value result = value_unknown();
    uint32_t micro = solver->program->calls[call].micro;

    state_copy(after, state);
    forget_pointees(solver, after, contract, arguments);
    if (contract->traits & TRAIT_CURRENT_IRQL) {
        result = irql_save(after, micro);
    }
    take_effect(solver, after, micro, contract, c, arguments, &result);
    if (c->condition == WHEN_RETURNS_NOT_ZERO) {
        result = value_constant(1);
    } else if (returns_zero) {
        result = value_constant(0);
    }
    finish_call(solver, after, call, &result);
    after->registers[0].object = contract->result;
    state_set_add(solver->next, after);
}

void follow_contract(struct solver *solver, const struct state *state, uint32_t call,
                     const struct contract *contract, const struct value *arguments)
{
    bool certain = true, depends_on_result = false;
    uint8_t cases = 0;

    for (unsigned i = 0; i < contract->case_count && i < CASES; i++) {
        const struct contract_case *c = &contract->cases[i];
        enum answer applies = case_applies(solver, state, c, arguments);

        if (applies == ANSWER_NO) {
            continue;
        }
        cases |= (uint8_t)(1u << i);
        certain &= applies == ANSWER_YES;
        if (!(contract->traits & TRAIT_NO_RETURN)) {
            follow_case(solver, state, call, contract, c, depends_on_result, arguments);
        }
        depends_on_result |= c->condition == WHEN_RETURNS_NOT_ZERO;
        if (applies == ANSWER_YES) {
            break;
        }
    }
    if (solver->recording) {
        record_case(solver, cases, certain);
    }
}
