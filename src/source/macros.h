/* SPDX-License-Identifier: MIT */
/*
 * Private to source/: what the macros of a file do when they are used, as far as their text shows
 * it.  Macros inside of macros are looked into.
 */
#ifndef PAGABLE_SOURCE_MACROS_H
#define PAGABLE_SOURCE_MACROS_H

#include "source/unit.h"

/* One token of a macro's body, or of the body of a macro that it uses. */
struct macro_token {
    struct token token;
    uint32_t before, behind; /* `code` of the tokens beside it; 0: a word, or nothing */
    bool after_goto;         /* the word `goto` is before it */
    bool parameter;          /* a name that stands for an argument */
};

/* Tokens of a macro and those inside of it, one after the other, until `each` says false.  False
 * as well when they are more than MACRO_TOKENS_MAX. */
#define MACRO_TOKENS_MAX        4096u
#define MACRO_TOKENS_OF_ROUTINE (1u << 20) /* looked at for all macros of a routine */
bool macro_walk(const struct unit *unit, const struct macro *macro,
                bool (*each)(void *context, const struct macro_token *token), void *context);

/* The macro that a code token uses: one like a function only with its '('.  NULL: none. */
const struct macro *macro_used(const struct unit *unit, uint32_t at);

/* It stands for nothing. */
bool macro_is_empty(const struct unit *unit, const struct macro *macro);

/* A use of it acquires, releases, raises or lowers. */
bool macro_locks(const struct unit *unit, const struct macro *macro);

enum argument_use { ARGUMENT_READ, ARGUMENT_WRITTEN, ARGUMENT_ADDRESS };

/* What may become of a variable at code token `at` which, with nothing around it, is an argument of
 * a macro: those of this file are looked into; one of a header, told by its capitals, may write. */
enum argument_use macro_argument(const struct unit *unit, uint32_t at, uint32_t end);
/* The same question about sizeof. */
bool macro_asks_size(const struct unit *unit, uint32_t at, uint32_t end);

#endif
