/* SPDX-License-Identifier: MIT */
/*
 * Private to source/: a region that is to be moved: all that runs between an acquire and the
 * releases that give back what it saved.
 *
 * It is a run of statements of one block, [first, last].  Inside of it some code runs after a
 * release; such a run is a *tail* and stays with the caller, who is told by an exit code which one
 * to run.
 */
#ifndef PAGABLE_SOURCE_REGION_H
#define PAGABLE_SOURCE_REGION_H

#include "source/calls.h"
#include "source/locals.h"
#include "source/source.h"

/* A call that keeps or gives back the IRQL. */
struct lock_call {
    const struct call_row *row;
    uint32_t at; /* code token of the name */
    uint32_t node;
    bool alone;      /* the whole statement: `f(...);` or `irql = f(...);` */
    const char *key; /* where the IRQL is kept, "Irql", "&Handle"; "": nowhere */
    uint32_t keeper; /* the local that it is kept in; NONE: none, or only inside of something */
};

#define TAILS_MAX 64u

struct tail {
    uint32_t first, last; /* statements */
    uint32_t flows;       /* index of the tail that follows it; NONE: what follows the region */
    bool inner_break;     /* holds a break that leaves a statement of the region */
    bool outer_break;     /* holds a break that leaves a statement around the region */
    bool ends;            /* never comes to its end: its last statement is a jump */
    bool kept;            /* nothing but such an inner break: it stays where it is */
};

enum capture_kind {
    CAPTURE_LOCAL,   /* declared anew in the new routine */
    CAPTURE_VALUE,   /* a parameter */
    CAPTURE_POINTER, /* a pointer to it is */
    CAPTURE_RESULT,  /* returned */
};

struct capture {
    uint32_t local;
    enum capture_kind kind;
    bool value_too; /* RESULT: its old value is needed */
};

struct region {
    const struct lock_call *acquire;
    uint32_t block, first, last; /* statements */
    bool *held;                  /* node -> runs with the lock, the releases too */
    struct tail tails[TAILS_MAX];
    uint32_t tail_count; /* kept ones too */
    uint32_t exits;      /* tails that are not kept */
    bool falls_through;  /* some release leads straight on behind the region */
    struct capture *captures;
    uint32_t capture_count;
    uint32_t line_begin, line_end;
    const char *why, *hint; /* NULL: it can be moved */
    uint32_t why_line;
    const char *name; /* of the new routine */
};

/* One routine that is looked at. */
struct work {
    const struct unit *unit;
    const struct function *function;
    struct arena *arena;
    struct body body;
    struct locals locals;
    struct lock_call *calls;
    uint32_t call_count;
    bool *reached; /* nodes that the entry leads to */
    uint32_t *queue;
    struct region *regions; /* in the order of the file */
    uint32_t region_count;
};

/* (calls in the body, reachability)  False: no memory, or body.why. */
bool work_read(const struct unit *unit, const struct function *function, struct arena *arena,
               struct work *out);
/* Find what belongs to an acquire; `why` says what stands against moving it. */
void region_read(struct work *work, const struct lock_call *acquire, struct region *out);
/* Refuse, unless it was already.  Always false. */
bool region_refuse(struct region *region, uint32_t line, const char *why, const char *hint);
/* (region_text.c) What the text of the region must not hold. */
bool region_check_text(struct work *work, struct region *region);
/* (tails.c) */
bool region_find_tails(struct work *work, struct region *region);
/* What the new routine returns; NULL: nothing. */
const struct capture *region_result(const struct region *region);
/* (capture.c) What the new routine is given, and gives back. */
bool region_capture(struct work *work, struct region *region);

/* The tail that a statement is in, kept ones too; NULL. */
const struct tail *region_tail_of(const struct region *region, const struct body *body,
                                  uint32_t statement);
/* Is a code token part of what moves? */
bool region_moves(const struct work *work, const struct region *region, uint32_t token);
static inline uint32_t region_token_first(const struct work *work, const struct region *region)
{
    return work->body.statements[region->first].first;
}
static inline uint32_t region_token_end(const struct work *work, const struct region *region)
{
    return work->body.statements[region->last].end;
}

#endif
