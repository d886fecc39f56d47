/* SPDX-License-Identifier: MIT */
/*
 * What the arguments of functions point to.
 *
 * A type comes from the role (argument 1 of a dispatch routine is an IRP), from a caller that
 * passes something typed, and from what the function itself hands to a routine of the system
 * (IofCallDriver's argument 1 is an IRP, so it was one before).  A function that is given two types
 * in one place has none there.
 */
#include "advise/roles.h"

enum { TYPED = 4, CHAIN = 8 };

/* What a function's arguments are matters for its own calls, and for the callers' arguments. */
static void look_again(struct roles *roles, uint32_t function)
{
    const struct program *program = roles->infer->program;
    const struct function *f = &program->functions[function];

    roles->stale[function] = true;
    for (uint32_t i = 0; i < f->caller_count; i++) {
        const struct call *call = &program->calls[program->callers[f->first_caller + i]];

        roles->stale[program->blocks[call->block].function] = true;
    }
}

static void set_type(struct roles *roles, uint32_t function, uint32_t argument,
                     enum object_type type)
{
    uint8_t *old;

    if (type == OBJECT_UNKNOWN || type == OBJECT_TYPE_COUNT || argument >= TYPED) {
        return;
    }
    old = &roles->infer->entries[function].argument_types[argument];
    if (*old == type || *old == OBJECT_TYPE_COUNT) {
        return;
    }
    *old = *old == OBJECT_UNKNOWN ? (uint8_t)type : (uint8_t)OBJECT_TYPE_COUNT;
    roles->changed = true;
    look_again(roles, function);
}

void types_of_role(struct roles *roles, uint32_t function, enum role role)
{
    for (uint32_t k = 0; k < TYPED; k++) {
        set_type(roles, function, k, role_argument(role, k));
    }
}

static enum object_type type_of_root(const struct roles *roles, uint32_t function,
                                     const struct value *v)
{
    const struct contract *contract;

    if (v->object != OBJECT_UNKNOWN) {
        return v->object;
    }
    switch (v->kind) {
    case VALUE_ARGUMENT:
        return v->index < TYPED ? roles->infer->entries[function].argument_types[v->index]
                                : OBJECT_UNKNOWN;
    case VALUE_RESULT:
        if (v->index >= roles->infer->program->call_count) {
            return OBJECT_UNKNOWN;
        }
        contract = roles_contract(roles, v->index);
        return contract != NULL ? contract->result : OBJECT_UNKNOWN;
    default:
        return OBJECT_UNKNOWN;
    }
}

enum object_type type_of(const struct roles *roles, uint32_t function, const struct value *v)
{
    int64_t offsets[CHAIN];
    uint32_t count = 0;
    enum object_type type;

    while (v->kind == VALUE_MEMBER && v->object == OBJECT_UNKNOWN) {
        if (count == CHAIN || v->bytes != 0) {
            return OBJECT_UNKNOWN;
        }
        v = &roles->infer->paths[v->index];
        offsets[count++] = v->number;
    }
    if (v->bytes != 0) {
        return OBJECT_UNKNOWN;
    }
    type = type_of_root(roles, function, v);
    while (count > 0) {
        type = object_member(type, offsets[--count]);
    }
    return type;
}

/* The argument of the caller that a value is, unchanged; NO_INDEX: none. */
static uint32_t passed_on(const struct value *v)
{
    return v->kind == VALUE_ARGUMENT && v->number == 0 && v->bytes == 0 ? v->index : NO_INDEX;
}

static void types_of_call(struct roles *roles, uint32_t caller, const struct infer_site *site)
{
    const struct call *call = &roles->infer->program->calls[site->call];
    const struct contract *contract = roles_contract(roles, site->call);

    if (contract != NULL) {
        for (uint32_t k = 0; k < CONTRACT_TYPES; k++) {
            set_type(roles, caller, passed_on(&site->arguments[k]), contract->types[k]);
        }
        return;
    }
    if (call->target != CALL_FUNCTION) {
        return;
    }
    for (uint32_t k = 0; k < TYPED; k++) {
        const struct value *v = &site->arguments[k];

        if (v->number == 0) {
            set_type(roles, call->index, k, type_of(roles, caller, v));
        }
        set_type(roles, caller, passed_on(v), roles->infer->entries[call->index].argument_types[k]);
    }
}

void types_propagate(struct roles *roles)
{
    const struct infer *infer = roles->infer;

    for (uint32_t f = 0; f < infer->program->function_count; f++) {
        const struct summary *summary = &infer->summaries[f];

        if (!roles->stale[f]) {
            continue;
        }
        roles->stale[f] = false;
        for (uint32_t i = 0; i < summary->site_count; i++) {
            const struct infer_site *site = &infer->sites[summary->first_site + i];

            if (site->call != NO_INDEX) {
                types_of_call(roles, f, site);
            }
        }
    }
}

void types_finish(struct roles *roles)
{
    for (uint32_t f = 0; f < roles->infer->program->function_count; f++) {
        for (uint32_t k = 0; k < TYPED; k++) {
            uint8_t *type = &roles->infer->entries[f].argument_types[k];

            if (*type == OBJECT_TYPE_COUNT) {
                *type = OBJECT_UNKNOWN;
            }
        }
    }
}
