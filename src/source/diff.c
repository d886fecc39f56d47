/* SPDX-License-Identifier: MIT */
/*
 * Unified diff of two texts.
 *
 * Shortest edit scripts by the greedy walk along diagonals (Myers, 1986): v[k] is how far the best
 * path with d edits gets on diagonal k, and one copy of v per d is kept to walk back.  Beyond
 * EDITS_MAX, where that memory would grow too large, what differs is one block.
 */
#include "source/source.h"

#include <string.h>

#include "base/host.h"
#include "source/memory.h"

#define CONTEXT   3u
#define EDITS_MAX 2000

struct line {
    const char *bytes;
    size_t length; /* with its end */
};

struct side {
    struct line *lines;
    uint32_t count;
    bool *changed; /* deleted, or inserted */
};

static void split(struct arena *arena, const char *text, size_t bytes, struct side *out)
{
    uint32_t count = 0;

    for (size_t i = 0; i < bytes; i++) {
        count += text[i] == '\n' || i + 1 == bytes;
    }
    out->lines = arena_array(arena, (size_t)count + 1, sizeof *out->lines);
    out->changed = arena_array(arena, (size_t)count + 1, sizeof *out->changed);
    for (size_t at = 0; !arena->failed && at < bytes;) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t length = end != NULL ? (size_t)(end - (text + at)) + 1 : bytes - at;

        out->lines[out->count++] = (struct line){text + at, length};
        at += length;
    }
}

static bool same(const struct side *a, uint32_t i, const struct side *b, uint32_t j)
{
    return a->lines[i].length == b->lines[j].length &&
           memcmp(a->lines[i].bytes, b->lines[j].bytes, a->lines[i].length) == 0;
}

static void mark_all(struct side *side, uint32_t first, uint32_t end)
{
    for (; first < end; first++) {
        side->changed[first] = true;
    }
}

/* The part of both texts that is not the same at the ends. */
struct middle {
    struct side *a, *b;
    uint32_t first, a_end, b_end;
};

/* v of each number of edits, in one array: row d has 2d + 1 diagonals, -d .. d. */
static int *row(int *rows, int d)
{
    return rows + (size_t)d * (size_t)d + d; /* the middle of row d */
}

/* From the ends of both back to their begins, one edit at a time. */
static void walk_back(const struct middle *m, int *rows, int d, int x, int y)
{
    for (; d > 0; d--) {
        const int *before = row(rows, d - 1);
        int k = x - y;
        bool down =
            k == -d ||
            (k != d && (k - 1 < -(d - 1) || (k + 1 <= d - 1 && before[k - 1] < before[k + 1])));
        int from = down ? k + 1 : k - 1;

        x = before[from];
        y = x - from;
        if (down) {
            m->b->changed[m->first + (uint32_t)y] = true;
        } else {
            m->a->changed[m->first + (uint32_t)x] = true;
        }
    }
}

/* How far diagonal k gets with d edits. */
static int furthest(const struct middle *m, int *rows, int d, int k)
{
    int n = (int)(m->a_end - m->first), limit = (int)(m->b_end - m->first), x = 0, y;

    if (d > 0) {
        const int *before = row(rows, d - 1);
        bool down =
            k == -d ||
            (k != d && (k - 1 < -(d - 1) || (k + 1 <= d - 1 && before[k - 1] < before[k + 1])));

        x = down ? before[k + 1] : before[k - 1] + 1;
    }
    y = x - k;
    while (x < n && y < limit && y >= 0 &&
           same(m->a, m->first + (uint32_t)x, m->b, m->first + (uint32_t)y)) {
        x++;
        y++;
    }
    return x;
}

static void compare(const struct middle *m, int *rows)
{
    int n = (int)(m->a_end - m->first), limit = (int)(m->b_end - m->first);

    for (int d = 0; d <= EDITS_MAX; d++) {
        for (int k = -d; k <= d; k += 2) {
            int x = furthest(m, rows, d, k);

            row(rows, d)[k] = x;
            if (x >= n && x - k >= limit) {
                walk_back(m, rows, d, x, x - k);
                return;
            }
        }
    }
    mark_all(m->a, m->first, m->a_end);
    mark_all(m->b, m->first, m->b_end);
}

static void find_changes(struct arena *arena, struct side *a, struct side *b)
{
    struct middle m = {a, b, 0, a->count, b->count};
    uint32_t edits;
    int *rows;

    while (m.first < a->count && m.first < b->count && same(a, m.first, b, m.first)) {
        m.first++;
    }
    while (m.a_end > m.first && m.b_end > m.first && same(a, m.a_end - 1, b, m.b_end - 1)) {
        m.a_end--;
        m.b_end--;
    }
    edits = m.a_end - m.first + (m.b_end - m.first);
    if (m.a_end == m.first || m.b_end == m.first) {
        mark_all(a, m.first, m.a_end);
        mark_all(b, m.first, m.b_end);
        return;
    }
    edits = edits < EDITS_MAX ? edits : EDITS_MAX;
    rows = arena_array(arena, (size_t)(edits + 2) * (edits + 2), sizeof *rows);
    if (rows != NULL) {
        compare(&m, rows);
    }
}

/* ---- hunks ---- */

static void put_line(struct text *out, char sign, const struct line *line)
{
    text_add(out, &sign, 1);
    text_add(out, line->bytes, line->length);
    if (line->bytes[line->length - 1] != '\n') {
        text_put(out, "\n\\ No newline at end of file\n");
    }
}

static void put_range(struct text *out, uint32_t first, uint32_t count)
{
    if (count == 1) {
        text_print(out, "%u", first + 1);
    } else {
        text_print(out, "%u,%u", count == 0 ? first : first + 1, count);
    }
}

/* One change after the other: both sides stand at the same place between them. */
struct cursor {
    const struct side *a, *b;
    uint32_t i, j;
};

static bool at_change(const struct cursor *c)
{
    return (c->i < c->a->count && c->a->changed[c->i]) ||
           (c->j < c->b->count && c->b->changed[c->j]);
}

static bool at_end(const struct cursor *c)
{
    return c->i >= c->a->count && c->j >= c->b->count;
}

static void step(struct cursor *c)
{
    if (c->i < c->a->count && c->a->changed[c->i]) {
        c->i++;
    } else if (c->j < c->b->count && c->b->changed[c->j]) {
        c->j++;
    } else {
        c->i++;
        c->j++;
    }
}

/* Where the hunk ends that begins with the change at `from`: with what is common behind its last.
 */
static struct cursor hunk_end(struct cursor from)
{
    struct cursor end = from, look = from;
    uint32_t common = 0;

    while (!at_end(&look) && common <= 2 * CONTEXT) {
        bool change = at_change(&look);

        step(&look);
        common = change ? 0 : common + 1;
        end = change ? look : end;
    }
    for (uint32_t i = 0; i < CONTEXT && !at_end(&end); i++) {
        step(&end);
    }
    return end;
}

static void put_hunk(struct text *out, struct cursor from, const struct cursor *end)
{
    text_put(out, "@@ -");
    put_range(out, from.i, end->i - from.i);
    text_put(out, " +");
    put_range(out, from.j, end->j - from.j);
    text_put(out, " @@\n");
    while (from.i < end->i || from.j < end->j) {
        if (from.i < from.a->count && from.a->changed[from.i]) {
            put_line(out, '-', &from.a->lines[from.i]);
        } else if (from.j < from.b->count && from.b->changed[from.j]) {
            put_line(out, '+', &from.b->lines[from.j]);
        } else {
            put_line(out, ' ', &from.a->lines[from.i]);
        }
        step(&from);
    }
}

static void put_hunks(struct text *out, const char *file, const struct side *a,
                      const struct side *b)
{
    struct cursor at = {a, b, 0, 0};
    bool any = false;

    while (!at_end(&at)) {
        struct cursor from = at, end;
        uint32_t back;

        if (!at_change(&at)) {
            step(&at);
            continue;
        }
        if (!any) {
            text_print(out, "--- a/%s\n+++ b/%s\n", file, file);
            any = true;
        }
        end = hunk_end(at);
        back = at.i < CONTEXT ? at.i : CONTEXT;
        back = at.j < back ? at.j : back;
        from.i -= back;
        from.j -= back;
        put_hunk(out, from, &end);
        at = end;
    }
}

char *source_diff(const char *file, const char *old_text, size_t old_bytes, const char *new_text,
                  size_t new_bytes)
{
    struct arena arena = {0};
    struct side a = {0}, b = {0};
    struct text out = {0};

    split(&arena, old_text, old_bytes, &a);
    split(&arena, new_text, new_bytes, &b);
    if (!arena.failed) {
        find_changes(&arena, &a, &b);
    }
    if (!arena.failed) {
        put_hunks(&out, file, &a, &b);
    }
    if (arena.failed || out.failed) {
        text_free(&out);
    } else if (out.bytes == NULL) {
        out.bytes = host.allocate(1);
    }
    arena_free(&arena);
    return out.bytes;
}
