/* SPDX-License-Identifier: MIT */
/*
 * Private to advise/: at which IRQL each place of a program can run.
 *
 * Bottom-up, one relation per function: entered at class E, the classes C at which it may be at a
 * place, and at which it returns.  A relation needs no knowledge of the callers, so each function
 * is looked at once (recursion: until nothing changes), and every caller uses the result exactly
 * for the classes at which it calls.  Saved IRQLs are values that remember the relation at the
 * save: giving one back restores it exactly, through registers, stack slots, structure members,
 * lock handles, arguments and results.  Inside a function states whose relations differ are kept
 * apart, each with what it knows of values, up to INFER_STATES per block; beyond that they are
 * joined and the rows that grew are marked vague.
 *
 * Top-down afterwards: with the roles of routines known, the classes at which each function really
 * is entered, from whom, and whether that is all.
 */
#ifndef PAGABLE_ADVISE_INFER_H
#define PAGABLE_ADVISE_INFER_H

#include "advise/program.h"

#define INFER_STATES    8
#define INFER_ARGUMENTS 8 /* argument values that a call record keeps */

/* Row e, column c: bit 4 * e + c: entered at class e it may be at class c here.  An empty row: it
 * cannot be here when entered at e. */
typedef uint16_t irql_relation;
#define IRQL_IDENTITY  ((irql_relation)0x8421)
#define IRQL_ROW(r, e) ((irql_set)((r) >> (4 * (e)) & 0xf))
irql_relation irql_compose(irql_relation first, irql_relation then);
/* Classes that may be here when entered at one of a set. */
irql_set irql_apply(irql_relation relation, irql_set entered);

/* ---- values ---- */

enum value_kind {
    VALUE_UNKNOWN,
    VALUE_CONSTANT, /* number */
    VALUE_ADDRESS,  /* number: rva in the image */
    VALUE_STACK,    /* number: offset from the stack pointer at entry */
    VALUE_ARGUMENT, /* argument `index` of the function as it was at entry, plus number */
    VALUE_MEMBER,   /* loaded from the address infer.paths[index], plus number */
    VALUE_IRQL,     /* a saved IRQL: `relation` at the save; number: the vague bits of it */
    VALUE_RESULT,   /* what call `index` returned, plus number */
    VALUE_OPAQUE,   /* something that the instruction `index` was the first to compare */
};

struct value {
    uint8_t kind;   /* enum value_kind */
    uint8_t object; /* enum object_type that base and index point to, where known */
    union {
        irql_relation relation; /* VALUE_IRQL */
        uint16_t bytes;         /* others: how many low bytes are known to be it; 0: all of it */
    };
    uint32_t index;
    int64_t number;
};

/* ---- what happens where ---- */

/* A call, or an instruction that sets the IRQL, with what holds there.  One per site; where several
 * states reach it, relations are the union and values that differ are unknown. */
struct infer_site {
    uint32_t micro;
    uint32_t call;        /* index of the call; NO_INDEX: mov cr8, cli, sti, popf */
    irql_relation before; /* entry class -> class here */
    irql_relation after;  /* where it returns to here */
    irql_relation vague;  /* bits of before that come from joined states or unknown restores */
    uint8_t cases;        /* import or KMDF call: set of cases of its contract that may apply */
    bool cases_certain;   /* exactly one applies, on all paths */
    struct value arguments[INFER_ARGUMENTS];
};

/* A routine of the image handed over or stored where the system or someone calls it.  Structures on
 * the stack are stored to as well: base is VALUE_STACK then. */
struct infer_pointer {
    uint32_t function; /* whose address it is */
    uint32_t micro;    /* the store or the call */
    uint32_t call;     /* handed over in this call; NO_INDEX: a store */
    uint8_t argument;  /* call: which */
    int64_t offset;    /* store: from `base`; 0 where that is an address of the image */
    struct value base; /* store: where to */
};

/* An access to memory of the image: [rva] read, written, or its address taken. */
struct infer_access {
    uint32_t micro, rva;
    bool writes, address_only;
    irql_relation at; /* entry class -> class at the access */
    irql_relation vague;
};

/* What a function does, entered at each class. */
struct summary {
    irql_relation returns; /* entry class -> class when it returns; empty: it does not */
    irql_relation vague;
    bool touches_irql;                     /* itself or deeper */
    uint32_t first_site, site_count;       /* in `sites`, in the order of micros */
    uint32_t first_pointer, pointer_count; /* in `pointers` */
    uint32_t first_access, access_count;   /* in `accesses` */
};

/* How a function is entered, all callers and roles together. */
struct entry {
    irql_set certain;  /* it is entered at these (as far as its caller is) */
    irql_set possible; /* it may be entered at these, by what is known */
    irql_set exact;    /* of possible: without anything vague on the way */
    bool unknown;      /* somebody unknown may enter it, at any class */
    /* What nothing above tells of: raised entries that only some drivers have (transfers and power
     * on the paging path), and those by whoever finds its address where no role has it. */
    irql_set paging, elsewhere;
    uint8_t role;       /* enum role */
    uint8_t role_count; /* how many different roles it has */
    bool role_inferred; /* from a pattern only, or a setting that is not looked at may change it */
    uint8_t argument_types[4]; /* enum object_type of what its arguments point to; roles.c */
};

struct infer {
    struct program *program;
    struct summary *summaries; /* one per function */
    struct entry *entries;     /* one per function; after infer_enter */
    struct infer_site *sites;
    uint32_t site_count;
    struct infer_pointer *pointers;
    uint32_t pointer_count;
    struct infer_access *accesses;
    uint32_t access_count;
    /* What VALUE_MEMBER was loaded from: an argument, an address, a result or another member, plus
     * a number; no two are equal, and a member's own path has a lower index.
     * bytes == 1: not what is at the address, but what the lock or lock handle there saved. */
    struct value *paths;
    uint32_t path_count;
    /* Calls through pointers that turned out to be of functions of the image. */
    uint32_t *resolved_calls;
    uint32_t resolved_call_count;
};

/* Bottom-up: resolves indirect calls of the program on the way.  PG_E_NO_MEMORY. */
pg_status infer_run(struct program *program, struct infer *out);
void infer_release(struct infer *infer);

/* roles.c: give every routine that the image hands to the system its role (entries[].role), and its
 * certain and possible classes from it. */
pg_status infer_roles(struct infer *infer);

/* doubt.c: mark what follows from a lock that may be taken and may be given back as vague, in sites
 * and summaries; between infer_run and infer_enter. */
void infer_doubt(struct infer *infer);

/* Top-down: from the roles, through all calls, to entries[].  A routine in a PAGE section counts as
 * entered at <= APC_LEVEL even when nobody is known to call it. */
pg_status infer_enter(struct infer *infer);

/* Index in `sites` of a function's first site at or after an instruction; the end of its sites when
 * there is none. */
uint32_t infer_first_site(const struct infer *infer, const struct summary *function,
                          uint32_t micro);
/* The saved site of an instruction; NULL: none. */
const struct infer_site *infer_site_at(const struct infer *infer, uint32_t function,
                                       uint32_t micro);

/* ---- witnesses ---- */

struct infer_step {
    uint32_t function, micro;
    uint8_t irql;  /* class afterwards */
    uint8_t what;  /* enum infer_step_kind */
    uint32_t call; /* CALLS, RETURNS: which; else NO_INDEX */
};
enum infer_step_kind {
    STEP_ENTERED,  /* by its role, or by nobody known */
    STEP_CALLS,    /* a function of the image; the next step is in it */
    STEP_RAISES,   /* a call or instruction that changes the IRQL upwards */
    STEP_LOWERS,   /* ... downwards */
    STEP_BRANCHES, /* takes a conditional branch that decides (only where states were kept apart) */
    STEP_REACHES,  /* the place itself */
};

/*
 * One way to be at an instruction at a class: from an entry that is possible, through callers,
 * changes of the IRQL in between, to the place.  At most `room` steps, the nearest when more;
 * *count says how many, 0: there is no such way.  PG_E_NO_MEMORY: *count is 0.
 */
pg_status infer_witness(const struct infer *infer, uint32_t function, uint32_t micro, irql_set at,
                        struct infer_step *steps, uint32_t room, uint32_t *count);

#endif
