/* SPDX-License-Identifier: MIT */
/* From what the sources said to functions that do not overlap and one line per instruction. */
#include "symbols/table.h"

#include "base/host.h"
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

static int in_order(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

/* Ends before beginnings at one rva, so that of two runs that touch the second one counts. */
static int compare_lines(const void *a, const void *b)
{
    const struct table_line *x = a, *y = b;
    int order = in_order(x->rva, y->rva);

    if (order == 0) {
        order = in_order(x->line != 0, y->line != 0);
    }
    return order != 0 ? order : in_order(x->sequence, y->sequence);
}

/* Of two that begin together the longer one first: it is the outer one. */
static int compare_inlines(const void *a, const void *b)
{
    const struct table_inline *x = a, *y = b;
    int order = in_order(x->rva, y->rva);

    if (order == 0) {
        order = in_order(y->end, x->end);
    }
    return order != 0 ? order : in_order(x->sequence, y->sequence);
}

static int compare_functions(const void *a, const void *b)
{
    const struct table_function *x = a, *y = b;
    int order = in_order(x->rva, y->rva);

    if (order == 0) {
        order = in_order(x->source, y->source);
    }
    return order != 0 ? order : in_order(x->sequence, y->sequence);
}

static void sort(struct table_array *array, size_t size, int (*compare)(const void *, const void *))
{
    if (array->count > 1) {
        qsort(array->items, array->count, size, compare);
    }
}

/* Keep the last row of each rva.  Rows that only repeat the one before stay: a function's first
 * row says that its line does not come from the function before it. */
static void thin_lines(struct table_array *lines)
{
    struct table_line *rows = lines->items;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < lines->count; i++) {
        if (i + 1 == lines->count || rows[i + 1].rva != rows[i].rva) {
            rows[kept++] = rows[i];
        }
    }
    lines->count = kept;
}

static void put_line(struct table *table, struct table_array *out, uint32_t rva, uint32_t line,
                     uint32_t file)
{
    struct table_line *row = table_grow(table, out, sizeof(*row), TABLE_MAX_LINES);

    if (row != NULL) {
        row->rva = rva;
        row->line = line;
        row->file = file;
        row->sequence = out->count;
    }
}

/*
 * Replace the rows of [range->rva, range->end) by one of the call; `next` is the first row that has
 * not been written to `out`, `current` the row in effect before it.  Both move behind the range.
 */
static void lay_over(struct table *table, struct table_array *out, const struct table_inline *range,
                     uint32_t *next, struct table_line *current)
{
    const struct table_line *rows = table->lines.items;
    uint32_t count = table->lines.count;

    for (; *next < count && rows[*next].rva < range->rva; ++*next) {
        *current = rows[*next];
        put_line(table, out, current->rva, current->line, current->file);
    }
    if (range->line != 0) {
        put_line(table, out, range->rva, range->line, range->file);
    }
    for (; *next < count && rows[*next].rva < range->end; ++*next) {
        *current = rows[*next];
    }
    if (*next == count || rows[*next].rva != range->end) {
        put_line(table, out, range->end, current->line, current->file);
    }
}

static void lay_inlines(struct table *table)
{
    const struct table_inline *ranges = table->inlines.items;
    const struct table_line *rows = table->lines.items;
    struct table_array out = {NULL, 0, 0};
    struct table_line current = {0, 0, 0, 0};
    uint32_t next = 0, end = 0;

    for (uint32_t i = 0; i < table->inlines.count; i++) {
        struct table_inline range = ranges[i];

        if (range.rva < end) { /* siblings never overlap, unless the file is broken */
            range.rva = end;
        }
        if (range.rva < range.end) {
            lay_over(table, &out, &range, &next, &current);
            end = range.end;
        }
    }
    for (; next < table->lines.count; next++) {
        put_line(table, &out, rows[next].rva, rows[next].line, rows[next].file);
    }
    host.release(table->lines.items);
    table->lines = out;
}

void table_order_lines(struct table *table)
{
    sort(&table->lines, sizeof(struct table_line), compare_lines);
    thin_lines(&table->lines);
    if (table->inlines.count != 0 && table->lines.count != 0) {
        sort(&table->inlines, sizeof(struct table_inline), compare_inlines);
        lay_inlines(table);
        sort(&table->lines, sizeof(struct table_line), compare_lines);
        thin_lines(&table->lines);
    }
    host.release(table->inlines.items);
    memset(&table->inlines, 0, sizeof(table->inlines));
}

static void add_alias(struct table *table, const struct table_function *function)
{
    struct table_function *alias =
        table_grow(table, &table->aliases, sizeof(*alias), TABLE_MAX_FUNCTIONS);

    if (alias != NULL) {
        *alias = *function;
    }
}

/* True when `b`, which begins at or after `a`, belongs to the code of `a`. */
static bool covers(const struct table_function *a, const struct table_function *b)
{
    return a->rva == b->rva || b->rva - a->rva < a->size;
}

/* Take the functions of one source into functions[0, accepted), which are ascending and disjoint.
 */
static uint32_t accept(struct table *table, uint32_t accepted, unsigned source)
{
    struct table_function *functions = table->functions.items;
    uint32_t kept = 0, end = accepted;
    struct table_function *last = NULL;

    while (end < table->functions.count && functions[end].source == source) {
        end++;
    }
    qsort(functions, end, sizeof(*functions), compare_functions);
    for (uint32_t i = 0; i < end; i++) {
        struct table_function *f = &functions[i];

        if (last == NULL || !covers(last, f)) {
            functions[kept] = *f;
            last = &functions[kept++];
        } else if (f->source < source) {
            last->size = f->rva - last->rva; /* accepted before: it stays whole */
            functions[kept] = *f;
            last = &functions[kept++];
        } else {
            if (f->rva == last->rva && last->size == 0) {
                last->size = f->size;
            }
            if (f->name != last->name) {
                add_alias(table, f);
            }
        }
    }
    /* Close the gap; what follows has not been looked at. */
    memmove(functions + kept, functions + end, (table->functions.count - end) * sizeof(*functions));
    table->functions.count -= end - kept;
    return kept;
}

static int compare_sources(const void *a, const void *b)
{
    const struct table_function *x = a, *y = b;
    int order = in_order(x->source, y->source);

    return order != 0 ? order : in_order(x->sequence, y->sequence);
}

void table_merge(struct table *table)
{
    uint32_t accepted = 0;

    if (table->functions.count == 0) {
        return;
    }
    sort(&table->functions, sizeof(struct table_function), compare_sources);
    for (unsigned source = 0; source < SOURCE_COUNT; source++) {
        accepted = accept(table, accepted, source);
    }
    for (uint32_t i = 0; i + 1 < accepted; i++) { /* a size taken over may reach too far */
        struct table_function *f = (struct table_function *)table->functions.items + i;

        if (f->size > f[1].rva - f->rva) {
            f->size = f[1].rva - f->rva;
        }
    }
}
