/* SPDX-License-Identifier: MIT */
/* Private to source/: the text of new routines and of what calls them. */
#ifndef PAGABLE_SOURCE_EMIT_H
#define PAGABLE_SOURCE_EMIT_H

#include "source/edit.h"
#include "source/region.h"

/* How the caller learns which tail to run. */
enum exit_form {
    EXIT_NONE,   /* there is no tail, or all ways lead to one: it follows the call */
    EXIT_IF,     /* one tail: TRUE */
    EXIT_SWITCH, /* its number */
    EXIT_CHAIN,  /* its number, asked for by if: a switch would catch a break */
};

struct emit {
    struct work *work;
    struct region *region;
    const char *ending;    /* of lines */
    const char *unit;      /* one step of indentation */
    const char *exit_name; /* of a variable for the exit code: no other name of the file */
    enum exit_form form;
    bool declaring; /* a local, not a parameter */
    struct text text;
};

enum exit_form exit_form(const struct region *region);

/* `static DECLSPEC_NOINLINE T Name(...)`, without what follows. (emit_type.c) */
void emit_signature(struct emit *emit);
/* `T x;` of what is declared anew. */
void emit_declaration(struct emit *emit, const struct capture *capture);
/* `a, &b` */
void emit_arguments(struct emit *emit);

/* (emit.c) */
void emit_routine(struct emit *emit); /* the whole definition */
void emit_call(struct emit *emit);    /* what replaces the region */
/* The bytes that emit_call's text replaces. */
struct range emit_replaced(const struct emit *emit);

#endif
