/* SPDX-License-Identifier: MIT */
/*
 * Private to source/: the body of one routine as statements, and the ways through it.
 *
 * Statements are numbered in the order of the file, a statement before those inside of it: what is
 * inside of s has the numbers s + 1 .. last.  Nodes are what is executed at once: a simple
 * statement, or the condition of one that is not.
 */
#ifndef PAGABLE_SOURCE_BODY_H
#define PAGABLE_SOURCE_BODY_H

#include "source/unit.h"

enum statement_kind {
    STATEMENT_COMPOUND,
    STATEMENT_IF,
    STATEMENT_WHILE,
    STATEMENT_DO,
    STATEMENT_FOR,
    STATEMENT_SWITCH,
    STATEMENT_CASE,  /* with default; the labelled statement is inside */
    STATEMENT_LABEL, /* the same */
    STATEMENT_GOTO,
    STATEMENT_BREAK,
    STATEMENT_CONTINUE,
    STATEMENT_RETURN,
    STATEMENT_LEAVE,
    STATEMENT_DECLARATION,
    STATEMENT_EXPRESSION,
    STATEMENT_EMPTY,
    STATEMENT_TRY,    /* both forms, C++ too: the block, then its handlers */
    STATEMENT_OPAQUE, /* assembly, a macro with a block of its own: what it does is not known */
};

struct statement {
    uint8_t kind;
    uint32_t first, end;           /* code tokens */
    uint32_t head_first, head_end; /* condition; label's or goto's name; case's value */
    uint32_t parent, last;         /* statements; parent of the body itself: NONE */
    uint32_t other;                /* IF: the else; CASE: 0 for default; else NONE */
    uint32_t node;                 /* the first of its own nodes, or NONE */
};

struct node {
    uint32_t statement;
    uint32_t first, end;   /* code tokens */
    uint32_t edges, count; /* successors, in body.edges */
    uint32_t handler;      /* where an exception goes; NONE: out */
};

#define NODE_EXIT 0u /* the end of the routine */

struct body {
    const struct unit *unit;
    const struct function *function;
    struct arena *arena;
    struct statement *statements;
    uint32_t statement_count;
    struct node *nodes;
    uint32_t node_count;
    uint32_t *edges;
    uint32_t edge_count;
    uint32_t entry;
    uint32_t *back,
        *back_first; /* predecessors of node n: back[back_first[n] .. back_first[n + 1]) */
    const char *why; /* what could not be understood; NULL: nothing */
    uint32_t why_line;
};

/* Statements and nodes of a routine whose end is known.  False when they cannot be made out: `why`
 * says it, or there is no memory (arena->failed). */
bool body_read(const struct unit *unit, const struct function *function, struct arena *arena,
               struct body *out);
/* (flow.c) */
bool flow_read(struct body *body);

/* Is `inner` the statement `outer` or inside of it? */
static inline bool statement_inside(const struct body *body, uint32_t inner, uint32_t outer)
{
    return inner >= outer && inner <= body->statements[outer].last;
}
/* The next statement in the same block; NONE. */
uint32_t statement_next(const struct body *body, uint32_t statement);

#endif
