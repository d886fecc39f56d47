/* SPDX-License-Identifier: MIT */
/* Private to source/: changes to a text by byte positions, and how the text is laid out. */
#ifndef PAGABLE_SOURCE_EDIT_H
#define PAGABLE_SOURCE_EDIT_H

#include "source/unit.h"

struct edit {
    uint32_t begin, end; /* what is replaced; empty: an insertion */
    const char *text;
    size_t length;
    uint32_t order; /* of those at the same place */
};

struct edits {
    struct arena *arena;
    struct edit *rows;
    uint32_t count, capacity;
};

void edit_add(struct edits *edits, uint32_t begin, uint32_t end, const char *text, size_t length);
/* Put all of them into effect.  They do not overlap.  False: no memory. */
bool edits_apply(struct edits *edits, const char *text, uint32_t bytes, struct text *out);

/* ---- layout ---- */

/* Begin of the line that a byte is in. */
uint32_t line_begin(const struct unit *unit, uint32_t byte);
/* Behind the end of its line. */
uint32_t line_next(const struct unit *unit, uint32_t byte);
/* Spaces and tabs at the begin of its line. */
struct range indent_of(const struct unit *unit, uint32_t byte);
/* Nothing but spaces before it in its line. */
bool is_first_in_line(const struct unit *unit, uint32_t byte);
/* The line holds nothing. */
bool is_blank_line(const struct unit *unit, uint32_t byte);
/* Behind the comment that follows in the same line; `byte` when there is none, or when something
 * follows that. */
uint32_t behind_comment(const struct unit *unit, uint32_t byte);
/* Begin of the comment that stands right above what begins at `byte`, no further back than `limit`.
 */
uint32_t above_comment(const struct unit *unit, uint32_t limit, uint32_t byte);
const char *line_ending(const struct unit *unit); /* "\n" or "\r\n" */

/* Copy bytes [begin, end); lines (but the first) that are indented by `from` get `to` instead.
 * Lines inside of strings and directives stay. */
void copy_indented(const struct unit *unit, struct text *out, uint32_t begin, uint32_t end,
                   struct range from, const char *to);

#endif
