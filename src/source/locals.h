/* SPDX-License-Identifier: MIT */
/* Private to source/: parameters and local variables of one routine, and each use of them. */
#ifndef PAGABLE_SOURCE_LOCALS_H
#define PAGABLE_SOURCE_LOCALS_H

#include "source/body.h"

struct local {
    struct range name;
    uint32_t name_at;                    /* code token */
    uint32_t scope, scope_end;           /* code tokens in which it is visible */
    uint32_t statement;                  /* the declaration; NONE: a parameter, or in a for */
    uint32_t specifiers, specifiers_end; /* tokens of the type before the stars */
    uint32_t declarator, declarator_end; /* stars, name, array bounds */
    uint32_t value, value_end;           /* initializer; empty: none */
    bool parameter, is_static, array, function_pointer, is_volatile, is_const, own_type;
    bool is_type; /* no variable: a type, or a constant of an enumeration */
    bool address; /* its address is taken, other than for keeping the IRQL */
    bool escapes; /* and not only for a call */
};

enum use_kind {
    USE_READ,
    USE_WRITE,   /* all of it, and nothing of the old value */
    USE_CHANGE,  /* reads and writes, or writes a part */
    USE_ADDRESS, /* its address is taken: who knows */
};

struct use {
    uint32_t at; /* code token */
    uint32_t local;
    uint32_t node; /* in which it is; NONE: in none (a name in a label's place) */
    uint8_t kind;  /* enum use_kind */
    bool sized;    /* given to sizeof or the like: its type matters */
};

#define LOCALS_MAX 1024u

struct locals {
    struct local *rows;
    uint32_t count;
    struct use *uses; /* in the order of the file; the names in declarations are none */
    uint32_t use_count, use_capacity;
    const char *why; /* what is too much; NULL: nothing */
};

/* Memory from the body's arena; false: none, or `why`. */
bool locals_read(const struct body *body, struct locals *out);
/* (uses.c) Fill in the uses and what they say of each local. */
bool uses_read(const struct body *body, struct locals *locals);

/* Nodes before which the value of a local may still be read: live[node].  `live` and `work` have a
 * row for every node. */
void local_live(const struct body *body, const struct locals *locals, uint32_t local, bool *live,
                uint32_t *work);
/* Does node read / certainly overwrite the local?  Declarations without a value overwrite too. */
bool node_reads(const struct body *body, const struct locals *locals, uint32_t node,
                uint32_t local);
bool node_overwrites(const struct body *body, const struct locals *locals, uint32_t node,
                     uint32_t local);

/* The first use at or behind a code token. */
uint32_t use_at(const struct locals *locals, uint32_t token);

#endif
