/* SPDX-License-Identifier: MIT */
/*
 * Private to advise/: what could leave resident memory.
 *
 * savings.c finds candidates, isolate.c the raised region of one that has such, sets.c counts pages
 * and drops what does not pay, pragmas.c says how to put the rest into effect.
 */
#ifndef PAGABLE_ADVISE_SAVINGS_H
#define PAGABLE_ADVISE_SAVINGS_H

#include "advise/audit.h"

/* The raised part of a routine. */
struct region {
    uint32_t begin, end; /* first and last instruction (indices), by address */
    uint32_t bytes;      /* of instructions that may run raised, acquires and releases included */
};

struct candidate {
    uint32_t function;
    uint8_t kind;  /* enum advice_saving_kind */
    uint8_t class; /* enum advice_class */
    bool kept;     /* it pays; see sets.c */
    uint32_t from; /* section index */
    uint32_t bytes, pages;
    uint32_t set; /* in the advice; ADVICE_NO_SET */
    const char *target;
    const char *evidence;
    struct region region; /* SAVING_ISOLATE */
};

struct candidates {
    struct candidate *items; /* ascending by function */
    uint32_t count;
};

#define PAGE_BYTES 4096u

/* Pages that a section of so many bytes takes. */
static inline uint32_t pages_of(uint32_t bytes)
{
    return bytes / PAGE_BYTES + (bytes % PAGE_BYTES != 0);
}

/* Whether a function that is entered at <= APC_LEVEL is raised anywhere, or returns so. */
bool savings_raised_inside(const struct audit *audit, uint32_t function);

/*
 * The raised region of a function that is entered at PASSIVE_LEVEL.  `scratch` holds 2 bytes and 4
 * bytes of stack per block of the largest function (see isolate_scratch).  False: nothing in it is
 * raised, or what is cannot be told for sure.
 */
bool isolate_region(const struct audit *audit, uint32_t function, void *scratch,
                    struct region *region);
/* Bytes of scratch for any function of a program. */
size_t isolate_scratch(const struct program *program);

/* Count pages, give each candidate its set, and mark those that pay. */
pg_status savings_sets(const struct audit *audit, struct candidates *candidates);

/* The pragmas for what is kept, into the draft. */
pg_status savings_pragmas(const struct audit *audit, const struct candidates *candidates);

#endif
