/* SPDX-License-Identifier: MIT */
/* Private to witness.c and route.c: the steps of a witness, and the way through one function. */
#ifndef PAGABLE_ADVISE_WITNESS_H
#define PAGABLE_ADVISE_WITNESS_H

#include "advise/infer.h"

/* Steps so far; the oldest leave when there is no room. */
struct route {
    struct infer_step *steps;
    uint32_t count, room;
};
void route_add(struct route *route, const struct infer_step *step);

/* The index of a function's first instruction. */
uint32_t function_start(const struct infer *infer, uint32_t function);

/*
 * Add the steps from the entry of a function, at class `entered`, to an instruction of it at one of
 * the classes `at`: what changes the IRQL, branches that decide, and the arrival (with `call`, that
 * calls a function; NO_INDEX: the place itself).  *found false: there is no such way.
 * PG_E_NO_MEMORY: *found is false.
 */
pg_status route_find(const struct infer *infer, struct route *route, uint32_t function,
                     unsigned entered, uint32_t micro, irql_set at, uint32_t call, bool *found);

#endif
