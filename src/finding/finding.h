/* SPDX-License-Identifier: MIT */
/*
 * A finding: something wrong with a driver, and where.  Plain data of fixed size, because it
 * crosses from the computer's process to the one that prints.  Places are module + rva; names and
 * lines are looked up by whoever prints.
 */
#ifndef PAGABLE_FINDING_FINDING_H
#define PAGABLE_FINDING_FINDING_H

#include "base/name.h"
#include "finding/rules.h"

#define FINDING_FRAMES 24
#define FINDING_IRQLS  8
#define FINDING_LOCKS  8

/* A place in code: module "" when the address lies in no module (rva then holds the address). */
struct code_place {
    char module[MODULE_NAME_BYTES];
    uint64_t rva;
};

/* A change of a thread's IRQL: where the driver was when it happened. */
struct finding_irql_change {
    uint64_t time;
    struct code_place place;
    uint8_t old_irql, new_irql;
};

/* What was done to a section's lock count, or to the paging of its whole driver. */
enum finding_lock {
    FINDING_LOCK,           /* by address */
    FINDING_LOCK_BY_HANDLE, /* once more, or again */
    FINDING_UNLOCK,
    FINDING_PAGE_ENTIRE,  /* MmPageEntireDriver */
    FINDING_RESET_PAGING, /* MmResetDriverPaging */
};
struct finding_lock_change {
    uint64_t time;
    struct code_place place;
    enum finding_lock what;
    uint32_t count; /* afterwards */
};
const char *finding_lock_name(enum finding_lock what); /* "lock", "lock-by-handle", ... */

struct finding {
    enum rule rule;
    enum finding_severity severity;
    struct code_place place; /* the instruction or the caller at fault */
    char section[9];         /* section of the place, or the section at fault */
    uint8_t irql;
    uint64_t time; /* virtual, 100 ns units */
    char message[240];
    uint32_t frame_count;
    struct code_place frames[FINDING_FRAMES]; /* innermost first; frames[0] is `place` when known */
    uint32_t irql_count;
    struct finding_irql_change
        irqls[FINDING_IRQLS]; /* of the thread; the last ones, oldest first */
    char locked_module[MODULE_NAME_BYTES],
        locked_section[9]; /* whose locks these are; "": no section's */
    uint32_t lock_count;
    struct finding_lock_change locks[FINDING_LOCKS]; /* the last ones, oldest first; none: never */
};

/* A bug check of the simulated computer. */
struct bugcheck_report {
    uint32_t code;
    uint64_t parameters[4];
    struct code_place place; /* P4's or the caller's place: what is to blame */
    char section[9];
    uint8_t irql;
    uint64_t time;
    char message[240]; /* the same in words: what was done to which address of which section */
    int32_t finding;   /* index of the finding that names the mistake, -1: none */
    uint32_t frame_count;
    struct code_place frames[FINDING_FRAMES];
};

/*
 * What is publicly documented about bug checks, in our words (bugcheck.c); static storage.
 *   name         "IRQL_NOT_LESS_OR_EQUAL"; NULL for a code that the table does not have
 *   explanation  one sentence; "" for a code that the table does not have
 *   meaning      of one parameter (0..3); some codes say by their first parameter what the others
 *                are.  "" when nothing is known.
 */
const char *bugcheck_name(uint32_t code);
const char *bugcheck_explanation(uint32_t code);
const char *bugcheck_meaning(uint32_t code, const uint64_t parameters[4], unsigned parameter);
/* The same when the parameters are not known. */
const char *bugcheck_parameter_meaning(uint32_t code, unsigned parameter);

#endif
