/* SPDX-License-Identifier: MIT */
/* Private to source/: what routines of the system do to the IRQL, as source calls them. */
#ifndef PAGABLE_SOURCE_CALLS_H
#define PAGABLE_SOURCE_CALLS_H

#include "source/unit.h"

enum call_kind {
    CALL_ACQUIRE,   /* raises to DISPATCH_LEVEL or above and remembers the IRQL */
    CALL_RELEASE,   /* goes back to the IRQL that was remembered */
    CALL_WAIT_TRUE, /* raises when argument `wait` is TRUE */
};

/* Where the old IRQL is. */
enum irql_keeper {
    KEEPER_RESULT,  /* returned (acquire) */
    KEEPER_POINTER, /* argument `keeper` points to it */
    KEEPER_VALUE,   /* argument `keeper` is it (release) */
    KEEPER_OBJECT,  /* inside of the lock that argument `keeper` names */
};

struct call_row {
    const char *name;
    uint8_t kind, where, keeper; /* enum call_kind, enum irql_keeper, number of the argument */
    uint8_t wait;
    bool raises; /* KeRaiseIrql and the like: no lock is taken */
};

/* What is known of a routine; NULL: nothing. */
const struct call_row *call_named(const struct unit *unit, struct range name);
/* What the code token `at` calls must be called at APC_LEVEL at most, so never with a spin lock
 * held.  What depends on more than source shows passes. */
bool call_needs_low_irql(const struct unit *unit, uint32_t at);
/* Does not return. */
bool call_ends(const struct unit *unit, struct range name);

/* Code tokens of argument `number` of the call whose '(' is at `open`; false: there is none. */
bool call_argument(const struct unit *unit, uint32_t open, unsigned number, uint32_t *first,
                   uint32_t *end);

#endif
