/* SPDX-License-Identifier: MIT */
/*
 * An exhaustive interleaver: runs up to EXPLORE_THREADS coroutines in every order of their steps.
 *
 * A state is what lies in the caller's memory and on the coroutines' stacks; a depth-first search
 * goes through all of them, each once, from copies of that memory.  So loops that wait for another
 * thread need no bound.  When the search is done, every state must lead to the end in some way:
 * nothing can deadlock, and nothing can only go round for ever.
 */
#ifndef PAGABLE_TESTS_SECTION_EXPLORE_H
#define PAGABLE_TESTS_SECTION_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXPLORE_THREADS = 3, EXPLORE_STATES_MAX = 1000000 };

struct exploration {
    void *memory; /* all that the threads share; copied and restored as a whole */
    size_t bytes;
    uint32_t threads;
    void (*thread)(uint32_t number);
    void (*always)(void);  /* after every step */
    void (*at_end)(void);  /* all threads are done; may change the memory */
    uint32_t states, ends; /* results */
};

/* Calls abort, after a line on standard error, for too many states or one without a way out. */
void explore(struct exploration *exploration);

/* For a thread: others may go on here; both answers are explored.  In nobody's thread: false. */
bool explore_choose(void);
/* The same without an answer. */
void step(void);

#endif
