/* SPDX-License-Identifier: MIT */
/*
 * Private to advise/: how often a section is locked, along the ways of one function.
 *
 * Each site has a weight: what it adds to the count.  At each block the set of counts that it can
 * have there, from -2 to 2, one bit each.  Where ways meet that differ the set has two members, and
 * nothing more is said: a lock that depends on a condition usually is undone under the same one.
 */
#ifndef PAGABLE_ADVISE_LOCK_FLOW_H
#define PAGABLE_ADVISE_LOCK_FLOW_H

#include "advise/audit.h"

#define COUNT_LOW  2                       /* bit of count 0 */
#define FREE       (1u << COUNT_LOW)       /* certainly not locked */
#define HELD       (1u << (COUNT_LOW + 1)) /* certainly locked once */
#define COUNT_WILD 0x80u                   /* anything */

struct lock_flow {
    struct audit *audit;
    uint8_t *in, *queued, *leads; /* per block of the largest function */
    uint32_t *stack;
    int8_t *weights; /* per site of the image: +1, -1 or 0 */
};

/* PG_E_NO_MEMORY; lock_flow_end in either case. */
pg_status lock_flow_begin(struct audit *audit, struct lock_flow *flow);
void lock_flow_end(struct lock_flow *flow);

/* A set of counts, all changed by `by`. */
unsigned lock_shift(unsigned counts, int by);
bool lock_in_block(const struct block *block, uint32_t micro);

/* Fill in[] for a function that is entered with count 0. */
void lock_flow_run(struct lock_flow *flow, uint32_t function);
/* Counts at the end of a block that is entered with `counts`. */
unsigned lock_flow_leave(const struct lock_flow *flow, uint32_t function, const struct block *block,
                         unsigned counts);
/* Counts with which the function returns. */
unsigned lock_flow_return(const struct lock_flow *flow, uint32_t function);
/* Fill leads[]: whether a site of negative weight can be reached from a block. */
void lock_flow_leads(struct lock_flow *flow, uint32_t function);

/* Weigh a lock (index of its site) and the unlocks of its handle in the same function; how many
 * unlocks there are.  *unsure: an unlock of something that may be it. */
uint32_t lock_weigh(struct lock_flow *flow, uint32_t function, uint32_t lock, bool *unsure);
void lock_weigh_none(struct lock_flow *flow, uint32_t function);

/* What becomes of a lock's result in its function. */
struct lock_fate {
    bool escapes;    /* returned, passed on, or stored where it is not followed */
    uint32_t global; /* the variable that it is stored in; NO_INDEX */
};
struct lock_fate lock_fate(const struct lock_flow *flow, uint32_t function, uint32_t lock);

#endif
