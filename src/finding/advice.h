/* SPDX-License-Identifier: MIT */
/*
 * What the advisor says about one file: plain data between the room that finds it and whoever
 * prints it.  Findings carry the same rules as those of a run, so that the two can be joined.
 *
 * Verdicts are never blended.  DEFINITE: wrong on every path from an entry that is allowed.
 * POSSIBLE: wrong on some path, the one that is shown, or under `condition`.  UNKNOWN: depends on
 * something that the image does not say (an unresolved call, a caller outside).
 */
#ifndef PAGABLE_FINDING_ADVICE_H
#define PAGABLE_FINDING_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "finding/rules.h"

enum verdict { VERDICT_DEFINITE, VERDICT_POSSIBLE, VERDICT_UNKNOWN, VERDICT_COUNT };
const char *verdict_name(enum verdict verdict); /* "definite", "possible", "unknown" */

/* Text is printable UTF-8, owned by the advice; never NULL but where said. */
struct advice_place {
    const char *function; /* "": not in a function (source: file scope; image: data) */
    const char *section;  /* of the image, or that a pragma names; "": unknown */
    const char *file;     /* NULL: unknown */
    uint32_t rva;         /* 0 for places in source */
    uint32_t line;        /* 0: unknown */
};

#define ADVICE_IRQL_UNKNOWN 0xff
#define ADVICE_IRQL_ABOVE   3 /* some IRQL above DISPATCH_LEVEL */

/* One step of a witness: where, and the IRQL when it has been done. */
struct advice_step {
    struct advice_place place;
    uint8_t irql;     /* 0, 1, 2, ADVICE_IRQL_ABOVE or ADVICE_IRQL_UNKNOWN */
    const char *what; /* "entered at <= APC_LEVEL", "calls KeAcquireSpinLockRaiseToDpc" */
};

struct advice_finding {
    enum rule rule;
    enum finding_severity severity; /* of the rule */
    enum verdict verdict;
    struct advice_place place; /* what is at fault: the call, the access, the line */
    const char *message;       /* one sentence */
    const char *condition;     /* what it depends on; NULL: nothing */
    const struct advice_step *path;
    uint32_t path_count;
    uint64_t fingerprint; /* the same for the same mistake in the next build: without addresses */
    bool observed;        /* also seen by a run that was joined */
};

/* How a saving is known: PROVEN, every caller and role is at most APC_LEVEL; EVIDENCE, it calls
 * what only works there, but somebody unknown may call it; ASSUMED, as proven, but for requests
 * that come raised to a driver that serves paging I/O, or from some drivers above, or but for calls
 * through pointers that could not be followed, which may raise. */
enum advice_class { ADVICE_PROVEN, ADVICE_EVIDENCE, ADVICE_ASSUMED };

enum advice_saving_kind {
    SAVING_MOVE,    /* could-be-pageable: the whole routine can be moved into a PAGE section */
    SAVING_ISOLATE, /* isolate: all but its raised region can */
};

struct advice_saving {
    enum advice_saving_kind kind;
    enum advice_class class;
    struct advice_place place; /* of the routine */
    const char *evidence;      /* "called from PAGE routines only"; the call that proves it */
    uint32_t bytes;            /* that become pageable */
    uint32_t pages;            /* resident pages less when this alone is done */
    const char *target;        /* section to move it to, "PAGE" or one that it is used with */
    uint32_t set;              /* index into sets; ADVICE_NO_SET: pays on its own or not at all */
    /* SAVING_ISOLATE: what stays resident */
    struct advice_place region_begin, region_end;
    uint32_t region_bytes;
};

#define ADVICE_NO_SET UINT32_MAX

/* Routines that should move together, so that whole pages are won. */
struct advice_set {
    const char *from, *target; /* sections */
    uint32_t bytes, pages;     /* of all; pages won */
    uint32_t routines;
};

/* What the report does not cover, in figures. */
struct advice_coverage {
    uint64_t bytes_executable, bytes_decoded;
    uint32_t functions, functions_incomplete; /* some of it could not be decoded or followed */
    uint32_t calls, calls_unresolved;         /* of them indirect ones with unknown targets */
    uint32_t imports, imports_without_contract;
    uint32_t jumps_unresolved; /* jump tables without a bound */
};

struct advice {
    const char *file;                /* as given */
    const char *kind;                /* "image" or "source" */
    const char *symbols;             /* where names come from, as symbols_kind; "" for source */
    const char *symbols_note;        /* NULL: nothing to tell */
    struct advice_finding *findings; /* in the order of rule, section, rva or line */
    uint32_t finding_count;
    struct advice_saving *savings; /* most bytes first */
    uint32_t saving_count;
    struct advice_set *sets;
    uint32_t set_count;
    struct advice_coverage coverage;
    const char *const *limits; /* what could not be known, one sentence each */
    uint32_t limit_count;
    const char *alloc_text; /* pragmas that put the savings into effect; "": there are none */
};

/*
 * Making one.  Everything is copied into the builder's own memory; what runs out of memory is
 * remembered and told at the end, so that calls need no checks between.  One thread at a time.
 */
struct advice_builder;
struct advice_builder *advice_begin(const char *file, const char *kind); /* NULL: no memory */
/* Printable text in the builder's memory; what is not printable UTF-8 becomes '?'.  Never NULL. */
const char *advice_text(struct advice_builder *builder, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for a text of several lines, whose line feeds stay: for alloc_text.  Never NULL. */
const char *advice_lines(struct advice_builder *builder, const char *text);
/* Texts in the structures must be the builder's or constant; `path` is copied.  severity and
 * fingerprint are filled in here. */
void advice_add_finding(struct advice_builder *builder, const struct advice_finding *finding);
void advice_add_saving(struct advice_builder *builder, const struct advice_saving *saving);
uint32_t advice_add_set(struct advice_builder *builder, const struct advice_set *set); /* index */
void advice_add_limit(struct advice_builder *builder, const char *sentence);
/* Memory ran out where the caller made something for the advice: advice_finish tells. */
void advice_fail(struct advice_builder *builder);
/* Coverage, symbols, alloc_text are the caller's to set here. */
struct advice *advice_draft(struct advice_builder *builder);
/* Sorts, and hands over; the builder is gone.  NULL: memory ran out somewhere on the way. */
struct advice *advice_finish(struct advice_builder *builder);
void advice_abandon(struct advice_builder *builder); /* NULL is fine */
void advice_close(struct advice *advice);            /* NULL is fine */

#endif
