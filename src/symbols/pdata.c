/* SPDX-License-Identifier: MIT */
/*
 * Functions from .pdata.  An entry with chained unwind information is a part of the function that
 * the chain leads to: one that follows it directly makes it longer, any other one is its cold part.
 */
#include "symbols/coff.h"

#include "image/image.h"

#include <stdio.h>

struct unit {
    uint32_t root; /* where its function begins */
    uint32_t begin, end;
};

/* Index of the last of the first `count` functions that begins at or before an rva, or -1. */
static int64_t function_before(const struct table *table, uint32_t count, uint32_t rva)
{
    const struct table_function *functions = table->functions.items;
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (functions[middle].rva <= rva) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (int64_t)low - 1;
}

static void add_cold(struct table *table, uint32_t count, const struct unit *unit)
{
    const struct table_function *functions = table->functions.items;
    int64_t index = function_before(table, count, unit->root);
    char name[TABLE_MAX_STRING + 1];
    struct bytes text = {(const uint8_t *)name, 0};
    int length;

    if (index >= 0 && functions[index].rva == unit->root) {
        length = snprintf(name, sizeof(name), "%s.cold", table_text(table, functions[index].name));
    } else {
        length = snprintf(name, sizeof(name), "sub_%x.cold", unit->root);
    }
    text.size = (size_t)length < sizeof(name) ? (size_t)length : sizeof(name) - 1;
    table_add_function(table, SOURCE_PDATA, text, unit->begin, unit->end - unit->begin);
}

/* `count` functions were known before .pdata was looked at. */
static void complete_unit(struct table *table, uint32_t count, const struct unit *unit)
{
    struct table_function *functions = table->functions.items;
    int64_t index = function_before(table, count, unit->begin);
    struct bytes nameless = {NULL, 0};

    if (index >= 0) {
        struct table_function *f = &functions[index];

        if (f->rva == unit->begin && f->size == 0) {
            f->size = unit->end - unit->begin;
        }
        if (f->rva == unit->begin || unit->begin - f->rva < f->size) {
            return;
        }
    }
    if (unit->root == unit->begin) {
        table_add_function(table, SOURCE_PDATA, nameless, unit->begin, unit->end - unit->begin);
    } else {
        add_cold(table, count, unit);
    }
}

void pdata_complete(const struct image *image, struct table *table)
{
    uint32_t count = table->functions.count;
    struct unit unit = {0, 0, 0};

    for (uint32_t i = 0; i < image->pdata_count; i++) {
        struct image_function entry = image_function_at(image, i);
        uint32_t root;

        if (entry.end_rva <= entry.begin_rva) {
            continue;
        }
        root = image_function_primary(image, &entry).begin_rva;
        if (root == unit.root && entry.begin_rva == unit.end) {
            unit.end = entry.end_rva;
            continue;
        }
        if (unit.end != 0) {
            complete_unit(table, count, &unit);
        }
        unit.root = root;
        unit.begin = entry.begin_rva;
        unit.end = entry.end_rva;
    }
    if (unit.end != 0) {
        complete_unit(table, count, &unit);
    }
    table_merge(table);
}
