/* SPDX-License-Identifier: MIT */
/*
 * Private to source/: one file, read without its headers: tokens, the outline (declarations and
 * definitions at file scope), macros, pragmas, and the section in which each routine ends up.
 *
 * Two views of the tokens.  `all` has every one, `code` those that shape the file: no directives,
 * and of conditional compilation both branches, but for branches that would unbalance the braces
 * (the first is taken then) and those that no driver compiles (`#if 0`, `__cplusplus` in C).
 */
#ifndef PAGABLE_SOURCE_UNIT_H
#define PAGABLE_SOURCE_UNIT_H

#include <pagable/status.h>

#include "source/lexer.h"
#include "source/memory.h"

#define NONE UINT32_MAX

/* A run of bytes of the file. */
struct range {
    uint32_t begin, end;
};

/* One branch of a conditional; 0 is the file itself. */
struct branch {
    uint32_t parent, group; /* group: branches of one #if */
    uint32_t next;          /* of the group; 0: the last */
    uint32_t depth;
    int64_t braces; /* opened less closed */
    bool hidden;
};

/* How a routine came into its section. */
enum section_means { SECTION_NOT_NAMED, SECTION_ALLOC_TEXT, SECTION_CODE_SEG, SECTION_DECLSPEC };

struct function {
    struct range name;
    uint32_t first; /* code tokens: first of the definition */
    uint32_t name_at;
    uint32_t open, close;    /* the parentheses of the parameters */
    uint32_t body, body_end; /* the braces; body_end is NONE when the file ends before it */
    uint32_t line;
    bool is_static, is_inline, c_linkage, method;
    bool odd_header; /* holds a word that may be a macro about sections */
    enum section_means means;
    struct range section; /* empty: .text */
    uint32_t section_line;
};

/* What is declared, not defined, at file scope: prototypes, and whatever else has a name. */
struct declaration {
    struct range name;
    uint32_t at; /* code token */
    bool c_linkage;
    struct range section; /* __declspec(code_seg(...)) */
};

struct macro {
    struct range name, body; /* body: with the parameters of one like a function */
    uint32_t line;
    bool parameters;
};

enum pragma_kind { PRAGMA_ALLOC_TEXT, PRAGMA_CODE_SEG, PRAGMA_DATA_SEG };

struct pragma {
    enum pragma_kind kind;
    uint32_t line, begin; /* bytes */
    struct range section; /* without quotes; empty: the default one */
    struct range names;   /* ALLOC_TEXT: what follows the section */
    bool push, pop;       /* CODE_SEG */
    bool named;           /* CODE_SEG: says a section, or "()" for the default one */
    uint32_t branch;
};

struct unit {
    const char *text;
    uint32_t bytes;
    bool cplusplus;
    struct arena arena;

    struct token *all, *code; /* each with a TOKEN_END behind the last */
    uint32_t all_count, code_count;
    uint32_t *match; /* of brackets in code: the other one, or NONE */
    struct branch *branches;
    uint32_t branch_count;

    struct function *functions; /* in the order of the file */
    uint32_t function_count;
    struct declaration *declarations;
    uint32_t declaration_count;
    struct macro *macros;
    uint32_t macro_count;
    struct pragma *pragmas;
    uint32_t pragma_count;
    uint32_t *by_name; /* functions in the order of names, then of the file */
    uint32_t *declarations_by_name, *macros_by_name;
    bool own_headers; /* includes what may be a header of the driver */
};

/* Read a file.  PG_OK, PG_E_NO_MEMORY, or PG_E_LIMIT (2 GiB).  `text` must outlive the unit.  `out`
 * is to be freed in any case. */
pg_status unit_read(const char *file, const char *text, size_t bytes, struct unit *out);
void unit_free(struct unit *unit);

/* ---- looking at tokens ---- */

bool range_is(const struct unit *unit, struct range range, const char *word);
bool range_same(const struct unit *unit, struct range a, struct range b);
bool range_begins(const struct unit *unit, struct range range, const char *prefix);
static inline struct range token_range(const struct token *token)
{
    return (struct range){token->begin, token->end};
}
static inline uint32_t range_length(struct range range)
{
    return range.end - range.begin;
}
bool token_is(const struct unit *unit, const struct token *token, const char *word);
static inline bool code_is(const struct unit *unit, uint32_t at, const char *word)
{
    return at < unit->code_count && token_is(unit, &unit->code[at], word);
}
static inline bool code_punct(const struct unit *unit, uint32_t at, uint32_t code)
{
    return at < unit->code_count && unit->code[at].code == code;
}
static inline bool code_word(const struct unit *unit, uint32_t at)
{
    return at < unit->code_count && unit->code[at].kind == TOKEN_WORD;
}
/* Behind the bracket that closes the one at `at`; `at` + 1 when nothing does. */
static inline uint32_t code_past(const struct unit *unit, uint32_t at)
{
    uint32_t match = unit->match[at];

    return match != NONE && match > at ? match + 1 : at + 1;
}
/* Parentheses around all of [first, end) say nothing. */
void strip_parentheses(const struct unit *unit, uint32_t *first, uint32_t *end);
/* `+=` and the like, `++` and `--`. */
bool code_changes(uint32_t code);
/* It says PAGED_CODE, or PAGED_CODE_LOCKED where that counts too. */
bool says_paged_code(const struct unit *unit, const struct function *f, bool locked_too);
/* One of a list of words that ends with NULL. */
bool range_in(const struct unit *unit, struct range range, const char *const *words);
/* Of two tokens, at most one is compiled. */
bool branches_exclude(const struct unit *unit, uint32_t a, uint32_t b);
/* First token of `all` that begins at or behind a byte. */
uint32_t all_at(const struct unit *unit, uint32_t byte);
/* "_In_", "__declspec", "DECLSPEC_NOINLINE": may stand about a declaration, names nothing. */
bool is_annotation(const struct unit *unit, struct range word);

/* ---- by name; NULL when there is none ---- */

struct function *function_named(const struct unit *unit, struct range name);
/* The first declaration of a name in the file. */
const struct declaration *declaration_named(const struct unit *unit, struct range name);
const struct macro *macro_named(const struct unit *unit, struct range name);

/* The section is pageable: its name begins with PAGE. */
bool section_pageable(const struct unit *unit, struct range section);

/* ---- the steps of unit_read ---- */

void conditions_read(struct unit *unit);
void outline_read(struct unit *unit);
void macros_read(struct unit *unit);
void sections_read(struct unit *unit);

/* A name in a pragma's list: *at is where to look, and moves on; false at the end. */
bool pragma_next_name(const struct unit *unit, const struct pragma *pragma, uint32_t *at,
                      struct range *name);
/* Section in a `code_seg("X")` among code tokens [first, end), macros looked into; empty: none. */
struct range section_of_header(const struct unit *unit, uint32_t first, uint32_t end);

#endif
