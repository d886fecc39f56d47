/* SPDX-License-Identifier: MIT */
/*
 * Private to source/: bytes of C or C++ to tokens.  Nothing is expanded and nothing is refused:
 * every byte is part of a token or of what lies between tokens (spaces, comments, joined lines).
 */
#ifndef PAGABLE_SOURCE_LEXER_H
#define PAGABLE_SOURCE_LEXER_H

#include <stdbool.h>
#include <stdint.h>

enum token_kind {
    TOKEN_END,
    TOKEN_WORD, /* names and keywords */
    TOKEN_NUMBER,
    TOKEN_STRING, /* with its prefix: L"x", R"(x)" */
    TOKEN_CHARACTER,
    TOKEN_PUNCTUATION,
    TOKEN_DIRECTIVE, /* from '#' to the end of the line and of those joined to it */
};

#define TOKEN_FIRST 1u /* nothing but spaces and comments before it in its line */

struct token {
    uint32_t begin, end; /* bytes */
    uint32_t line;       /* of begin; 1 is the first */
    uint32_t code;       /* punctuation: its bytes, see PUNCT; else 0 */
    uint32_t branch;     /* of conditional compilation; filled in by conditions.c */
    uint8_t kind;        /* enum token_kind */
    uint8_t flags;
};

#define PUNCT(a)        ((uint32_t)(a))
#define PUNCT2(a, b)    (PUNCT(a) | (uint32_t)(b) << 8)
#define PUNCT3(a, b, c) (PUNCT2(a, b) | (uint32_t)(c) << 16)

struct lexer {
    const char *text;
    uint32_t at, end, line;
    bool directives; /* '#' at the begin of a line starts one; false inside of one */
    bool first;      /* nothing in this line yet */
};

/* Tokens of text[begin, end); `line` is that of begin. */
void lexer_start(struct lexer *lexer, const char *text, uint32_t begin, uint32_t end, uint32_t line,
                 bool directives);
/* The next one; TOKEN_END (empty, at the end) from then on.  Always progresses. */
void lexer_next(struct lexer *lexer, struct token *out);

#endif
