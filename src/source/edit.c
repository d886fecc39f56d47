/* SPDX-License-Identifier: MIT */
/* Changes to a text by byte positions, and how the text is laid out; see edit.h. */
#include "source/edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

void edit_add(struct edits *edits, uint32_t begin, uint32_t end, const char *text, size_t length)
{
    if (edits->count == edits->capacity) {
        uint32_t capacity = edits->capacity == 0 ? 32 : edits->capacity * 2;
        struct edit *rows = arena_array(edits->arena, capacity, sizeof *rows);

        if (rows == NULL) {
            return;
        }
        if (edits->count > 0) {
            memcpy(rows, edits->rows, edits->count * sizeof *rows);
        }
        edits->rows = rows;
        edits->capacity = capacity;
    }
    edits->rows[edits->count] =
        (struct edit){begin, end, arena_copy(edits->arena, text, length), length, edits->count};
    edits->count++;
}

static int compare(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;

    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if ((x->begin == x->end) != (y->begin == y->end)) {
        return x->begin == x->end ? -1 : 1; /* what is inserted before what is replaced */
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

bool edits_apply(struct edits *edits, const char *text, uint32_t bytes, struct text *out)
{
    uint32_t at = 0;

    if (edits->arena->failed) {
        return false;
    }
    if (edits->count > 0) {
        qsort(edits->rows, edits->count, sizeof *edits->rows, compare);
    }
    for (uint32_t i = 0; i < edits->count; i++) {
        const struct edit *e = &edits->rows[i];

        PG_ASSERT(e->begin >= at && e->end >= e->begin && e->end <= bytes);
        text_add(out, text + at, e->begin - at);
        text_add(out, e->text, e->length);
        at = e->end;
    }
    text_add(out, text + at, bytes - at);
    return !out->failed;
}

uint32_t line_begin(const struct unit *unit, uint32_t byte)
{
    while (byte > 0 && unit->text[byte - 1] != '\n') {
        byte--;
    }
    return byte;
}

uint32_t line_next(const struct unit *unit, uint32_t byte)
{
    while (byte < unit->bytes && unit->text[byte] != '\n') {
        byte++;
    }
    return byte < unit->bytes ? byte + 1 : byte;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

struct range indent_of(const struct unit *unit, uint32_t byte)
{
    struct range range = {line_begin(unit, byte), 0};

    range.end = range.begin;
    while (range.end < byte && is_space(unit->text[range.end])) {
        range.end++;
    }
    return range;
}

bool is_first_in_line(const struct unit *unit, uint32_t byte)
{
    return indent_of(unit, byte).end == byte;
}

bool is_blank_line(const struct unit *unit, uint32_t byte)
{
    uint32_t end = line_next(unit, byte);

    for (byte = line_begin(unit, byte); byte < end; byte++) {
        if (!is_space(unit->text[byte]) && unit->text[byte] != '\n' && unit->text[byte] != '\r') {
            return false;
        }
    }
    return true;
}

static bool at_line_end(const struct unit *unit, uint32_t byte)
{
    return byte >= unit->bytes || unit->text[byte] == '\n' || unit->text[byte] == '\r';
}

uint32_t behind_comment(const struct unit *unit, uint32_t byte)
{
    uint32_t at = byte, begin = byte;

    while (at < unit->bytes) {
        while (at < unit->bytes && is_space(unit->text[at])) {
            at++;
        }
        if (at_line_end(unit, at) || unit->bytes - at < 2) {
            break;
        }
        if (unit->text[at] == '/' && unit->text[at + 1] == '/') {
            while (!at_line_end(unit, at)) {
                at++;
            }
            return at;
        }
        if (unit->text[at] != '/' || unit->text[at + 1] != '*') {
            return byte;
        }
        for (at += 2;
             at + 1 < unit->bytes && (unit->text[at] != '*' || unit->text[at + 1] != '/');) {
            at++;
        }
        at = at + 2 < unit->bytes ? at + 2 : unit->bytes;
        begin = at;
    }
    return at_line_end(unit, at) ? begin : byte;
}

/* Behind the comment that begins at `at`, or `limit`; `at` itself when none does. */
static uint32_t past_comment(const struct unit *unit, uint32_t at, uint32_t limit)
{
    if (limit - at < 2 || unit->text[at] != '/') {
        return at;
    }
    if (unit->text[at + 1] == '/') {
        while (at < limit && unit->text[at] != '\n') {
            at++;
        }
    } else if (unit->text[at + 1] == '*') {
        for (at += 2; at < limit && (unit->text[at - 1] != '/' || unit->text[at - 2] != '*');) {
            at++;
        }
    }
    return at;
}

uint32_t above_comment(const struct unit *unit, uint32_t limit, uint32_t byte)
{
    uint32_t start = byte, at = limit;

    if (limit > 0) {
        at = line_next(unit, limit); /* what follows in the same line belongs there */
    }
    while (at < byte) {
        uint32_t behind = past_comment(unit, at, byte);

        if (behind > at) {
            start = start == byte ? line_begin(unit, at) : start;
            at = behind;
        } else if (unit->text[at] == '\n') {
            at++;
            start = at < byte && is_blank_line(unit, at) ? byte : start;
        } else if (is_space(unit->text[at]) || unit->text[at] == '\r') {
            at++;
        } else {
            return byte;
        }
    }
    return start;
}

const char *line_ending(const struct unit *unit)
{
    const char *end = memchr(unit->text, '\n', unit->bytes);

    return end != NULL && end > unit->text && end[-1] == '\r' ? "\r\n" : "\n";
}

/* Is the begin of this line inside of a token that goes over several? */
static bool inside_token(const struct unit *unit, uint32_t byte)
{
    uint32_t next = all_at(unit, byte);

    return next > 0 && unit->all[next - 1].end > byte;
}

void copy_indented(const struct unit *unit, struct text *out, uint32_t begin, uint32_t end,
                   struct range from, const char *to)
{
    uint32_t length = range_length(from);

    while (begin < end) {
        uint32_t stop = line_next(unit, begin);

        stop = stop < end ? stop : end;
        text_add(out, unit->text + begin, stop - begin);
        begin = stop;
        if (begin < end && unit->text[begin - 1] == '\n' && end - begin >= length &&
            memcmp(unit->text + begin, unit->text + from.begin, length) == 0 &&
            !is_blank_line(unit, begin) && unit->text[begin + length] != '#' &&
            !inside_token(unit, begin)) {
            text_put(out, to);
            begin += length;
        }
    }
}
