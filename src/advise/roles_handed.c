/* SPDX-License-Identifier: MIT */
/*
 * Routines that are handed to the system in calls: as arguments, and in structures.
 *
 * A structure is one of the image (its pointers are relocated, or stored at run time), or one on
 * the stack or behind a pointer, which the function fills before it hands it over.  An array inside
 * a structure that is not in the image is not followed: what else the function stores on its stack
 * is taken for it, and is only inferred.
 */
#include "advise/roles.h"

#include "advise/ddk.h"

enum {
    ARRAY_ELEMENTS = 64, /* at most in an array of the image */
    STACK_ELEMENTS = 8,  /* at most in an array on the stack */
    STORES = 64,         /* at most to one place: more are no program that somebody wrote */
    SWEEPS = 4,          /* over all that a function stores */
};

/* The function that begins at an address of the image. */
static uint32_t function_of(const struct roles *roles, const struct value *v)
{
    if (v->kind != VALUE_ADDRESS || v->number < 0 || v->number >= UINT32_MAX) {
        return NO_INDEX;
    }
    return program_function_at(roles->infer->program, (uint32_t)v->number);
}

static void add_stored(struct roles *roles, uint32_t first, uint32_t count, enum role role,
                       bool inferred)
{
    for (uint32_t i = first; i < first + (count < STORES ? count : STORES); i++) {
        const uint32_t pointer = roles->stored[i].pointer;

        role_add(roles, roles->infer->pointers[pointer].function, role, inferred);
        roles->used[pointer] = true;
    }
}

/* The pointer at an rva, as the loader leaves it. */
static void add_static(struct roles *roles, int64_t rva, enum role role, bool inferred)
{
    uint32_t target, function;

    if (rva < 0 || rva >= UINT32_MAX ||
        !program_pointer_at(roles->infer->program, (uint32_t)rva, &target)) {
        return;
    }
    function = program_function_at(roles->infer->program, target);
    if (function != NO_INDEX) {
        role_add(roles, function, role, inferred);
        roles->used_static[program_pointer_index(roles->infer->program, (uint32_t)rva)] = true;
    }
}

void role_add_member(struct roles *roles, uint32_t function, const struct value *structure,
                     int64_t offset, enum role role, bool inferred)
{
    uint32_t first, count = stored_at(roles, function, structure, offset, &first);

    add_stored(roles, first, count, role, inferred);
    if (structure->kind == VALUE_ADDRESS) {
        add_static(roles, structure->number + offset, role, inferred);
    }
}

/* The role of an element: a row of FLT_OPERATION_REGISTRATION begins with the major function. */
static enum role role_of_element(const struct roles *roles, int64_t rva,
                                 const struct contract_role *row)
{
    uint8_t major;

    if (row->role != ROLE_POST_OPERATION) {
        return row->role;
    }
    image_copy(roles->infer->program->image, (uint32_t)rva, &major, sizeof major);
    return major == IRP_MJ_CREATE ? ROLE_PASSIVE : ROLE_POST_OPERATION;
}

/* An array of the image ends with the first element that has no pointer in it. */
static void add_static_array(struct roles *roles, int64_t rva, const struct contract_role *row)
{
    const struct program *program = roles->infer->program;
    uint32_t target;

    for (uint32_t i = 0; i < ARRAY_ELEMENTS; i++, rva += row->stride) {
        bool pointers = false;

        for (uint32_t at = 0; at + 8u <= row->stride && !pointers; at += 8) {
            pointers = rva >= 0 && rva + at < UINT32_MAX &&
                       program_pointer_at(program, (uint32_t)(rva + at), &target);
        }
        if (!pointers) {
            return;
        }
        add_static(roles, rva + row->offset, role_of_element(roles, rva, row), row->conditional);
    }
}

static void add_array(struct roles *roles, uint32_t function, const struct value *array,
                      const struct contract_role *row)
{
    if (array->kind == VALUE_ADDRESS) {
        add_static_array(roles, array->number, row);
        return;
    }
    for (int64_t i = 0; i < STACK_ELEMENTS; i++) {
        role_add_member(roles, function, array, i * row->stride + row->offset, row->role,
                        row->conditional);
    }
}

/* Whatever routine the function stores on its stack, and nothing else explains. */
static void add_rest_of_stack(struct roles *roles, uint32_t function, enum role role)
{
    const struct summary *summary = &roles->infer->summaries[function];

    if (roles->sweeps++ >= SWEEPS) {
        return;
    }
    for (uint32_t i = 0; i < summary->pointer_count; i++) {
        const uint32_t p = summary->first_pointer + i;
        const struct infer_pointer *pointer = &roles->infer->pointers[p];

        if (pointer->call == NO_INDEX && pointer->base.kind == VALUE_STACK && !roles->used[p]) {
            role_add(roles, pointer->function, role, true);
        }
    }
}

static void add_array_pointed_to(struct roles *roles, const struct value *structure,
                                 const struct contract_role *row)
{
    int64_t rva = structure->number + row->array_offset;
    uint32_t array;

    if (structure->kind == VALUE_ADDRESS && rva >= 0 && rva < UINT32_MAX &&
        program_pointer_at(roles->infer->program, (uint32_t)rva, &array)) {
        add_static_array(roles, array, row);
    }
}

/* The callbacks of a queue run at what its own lock raises to; one that is no spin lock raises to
 * less than DISPATCH_LEVEL, and then nothing is said about them. */
static bool csq_lock_raises(const struct roles *roles, const struct infer_site *site)
{
    const unsigned acquire_argument = 4;
    uint32_t acquire = function_of(roles, &site->arguments[acquire_argument]);
    irql_set held;

    if (acquire == NO_INDEX) {
        return true;
    }
    held = irql_apply(roles->infer->summaries[acquire].returns, IRQL_PAGEABLE | IRQL_BIT(IRQL_D));
    return held == 0 || held == IRQL_BIT(IRQL_D);
}

static void add_row(struct roles *roles, uint32_t function, const struct infer_site *site,
                    const struct contract_role *row)
{
    const struct value *v = &site->arguments[row->argument];
    uint32_t routine;

    if (row->array_pointed_to) {
        add_array_pointed_to(roles, v, row);
    } else if (row->stride != 0) {
        add_array(roles, function, v, row);
    } else if (row->in_structure) {
        role_add_member(roles, function, v, row->offset, row->role, row->conditional);
    } else {
        routine = function_of(roles, v);
        if (routine != NO_INDEX) {
            role_add(roles, routine, row->role, row->conditional);
        }
    }
}

/* What add_row could not follow. */
static void add_row_by_rest(struct roles *roles, uint32_t function, const struct infer_site *site,
                            const struct contract_role *row)
{
    const struct value *v = &site->arguments[row->argument];

    if (row->array_pointed_to
            ? v->kind != VALUE_ADDRESS
            : !row->in_structure && row->stride == 0 && v->kind == VALUE_UNKNOWN) {
        add_rest_of_stack(roles, function, row->role);
    }
}

static void roles_of_call(struct roles *roles, uint32_t function, const struct infer_site *site,
                          bool rest)
{
    const struct contract *contract = roles_contract(roles, site->call);

    for (uint32_t i = 0; contract != NULL && i < contract->role_count; i++) {
        const struct contract_role *row = &contract->roles[i];

        if (row->argument >= INFER_ARGUMENTS ||
            ((row->role == ROLE_CSQ_RAISED || row->role == ROLE_CSQ_RELEASE) &&
             !csq_lock_raises(roles, site))) {
            continue;
        }
        if (rest) {
            add_row_by_rest(roles, function, site, row);
        } else {
            add_row(roles, function, site, row);
        }
    }
}

static void roles_of_function(struct roles *roles, uint32_t function, bool rest)
{
    const struct summary *summary = &roles->infer->summaries[function];

    roles->sweeps = 0;
    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &roles->infer->sites[summary->first_site + i];

        if (site->call != NO_INDEX) {
            roles_of_call(roles, function, site, rest);
        }
    }
}

/* Whatever can be followed first: what is left over is only inferred. */
void roles_of_calls(struct roles *roles)
{
    for (unsigned rest = 0; rest < 2; rest++) {
        for (uint32_t f = 0; f < roles->infer->program->function_count; f++) {
            roles_of_function(roles, f, rest != 0);
        }
    }
}
