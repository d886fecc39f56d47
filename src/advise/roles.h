/* SPDX-License-Identifier: MIT */
/*
 * Private to the parts of roles.c: what is known so far of every function's roles.
 *
 *   roles.c           the order of things, and what becomes of them in entries[]
 *   roles_types.c     types of arguments, from roles, callers and what is done with them
 *   roles_handed.c    routines handed over in calls, by themselves or in structures
 *   roles_patterns.c  routines stored where nothing else tells what the structure is
 *
 * Types and roles only ever grow, so going over them again ends.
 */
#ifndef PAGABLE_ADVISE_ROLES_H
#define PAGABLE_ADVISE_ROLES_H

#include "advise/infer.h"

/* A set of enum role. */
typedef uint64_t role_set;
#define ROLE_BIT(role) (UINT64_C(1) << (role))
_Static_assert(ROLE_COUNT <= 64, "a set of roles is 64 bits");

/* A routine's address stored somewhere, for look-up by place.  `function` is where it is stored;
 * NO_INDEX for a place in the image, which all functions share. */
struct stored {
    uint32_t function;
    uint8_t kind; /* enum value_kind of the base */
    uint32_t index;
    int64_t position; /* from that base */
    uint32_t pointer; /* in infer.pointers */
};

struct roles {
    struct infer *infer;
    role_set *sure;        /* one per function */
    role_set *inferred;    /* the same, by less than proof */
    uint8_t *majors;       /* the same: in how many places of a DRIVER_OBJECT it is, up to 255 */
    bool *used;            /* one per pointer: it has led to a role */
    bool *used_static;     /* one per relocated pointer of the image: the same */
    bool *stale;           /* one per function: types its calls depend on have changed */
    struct stored *stored; /* ascending by all fields, in their order */
    uint32_t stored_count;
    bool changed;
    uint32_t
        sweeps; /* roles_handed.c: how often the stores of the function at hand were gone over */
};

/* Give a routine a role; roles of no routine are left out. */
void role_add(struct roles *roles, uint32_t function, enum role role, bool inferred);

/* Arguments are typed; an argument that has been two things is OBJECT_TYPE_COUNT until
 * types_finish makes it unknown. */
void types_of_role(struct roles *roles, uint32_t function, enum role role);
void types_propagate(struct roles *roles); /* over the functions that are stale */
void types_finish(struct roles *roles);
/* What the base of a value points to, in a function. */
enum object_type type_of(const struct roles *roles, uint32_t function, const struct value *v);

/* The contract of a call, by its index; NULL: it has none. */
static inline const struct contract *roles_contract(const struct roles *roles, uint32_t call)
{
    const struct program *program = roles->infer->program;

    return program_contract(program, program->calls[call].target, program->calls[call].index);
}

/* Stored at base + offset of a function, from *first on; how many. */
uint32_t stored_at(const struct roles *roles, uint32_t function, const struct value *base,
                   int64_t offset, uint32_t *first);
/* Where the store of a pointer goes: offset from its base. */
int64_t stored_position(const struct infer_pointer *pointer);

/* Give the routines that a structure has at an offset a role; the structure is one of the image, or
 * one that `function` fills. */
void role_add_member(struct roles *roles, uint32_t function, const struct value *structure,
                     int64_t offset, enum role role, bool inferred);

void roles_of_calls(struct roles *roles);
void roles_of_patterns(struct roles *roles);

#endif
