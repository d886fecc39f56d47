/* SPDX-License-Identifier: MIT */
/*
 * Where functions begin, as the image itself says.
 *
 * .pdata is believed before everything else: what lies within one of its entries is no start of its
 * own unless something calls it.  Pointers are the weakest evidence, since they may point to labels
 * of jump tables: they are looked at once everything else is decoded (program_walk.c).
 */
#include "advise/program_private.h"

#include "symbols/symbols.h"

#include <string.h>

void program_add_start(struct builder *builder, uint32_t place, enum function_source source)
{
    if (place == NO_PLACE || (builder->marks[place] & (MARK_BODY | MARK_TABLE | MARK_BAD)) != 0) {
        return;
    }
    if (builder->sources[place] == 0) {
        builder->marks[place] |= MARK_LEADER;
        list_add_place(builder, &builder->pending, place);
    }
    builder->sources[place] |= (uint8_t)source;
}

static bool is_inside(const struct builder *builder, uint32_t place)
{
    return (builder->marks[place] & MARK_PDATA) != 0 && (builder->sources[place] & FROM_PDATA) == 0;
}

/* A start unless it lies within an entry of .pdata. */
static void add_plain(struct builder *builder, uint32_t rva, enum function_source source)
{
    uint32_t place = program_place(builder, rva);

    if (place != NO_PLACE && !is_inside(builder, place)) {
        program_add_start(builder, place, source);
    }
}

static void add_pointed(struct builder *builder, uint32_t rva)
{
    uint32_t place = program_place(builder, rva);

    if (place != NO_PLACE) {
        list_add_place(builder, &builder->pointed, place);
    }
}

/* gcc moves unlikely code away without chaining it; its symbol tells. */
static uint32_t cold_parent(const struct builder *builder, uint32_t rva)
{
    const struct symbols *symbols = builder->out->symbols;
    struct symbol_function found;
    struct symbol_place at;
    char name[256];
    size_t length;

    if (symbols == NULL || !symbols_lookup(symbols, rva, &at) || at.offset != 0) {
        return NO_PLACE;
    }
    length = strlen(at.function);
    if (length < 6 || length >= sizeof(name) || strcmp(at.function + length - 5, ".cold") != 0) {
        return NO_PLACE;
    }
    memcpy(name, at.function, length - 5);
    name[length - 5] = 0;
    return symbols_find(symbols, name, &found) ? program_place(builder, found.rva) : NO_PLACE;
}

static void add_pdata(struct builder *builder)
{
    for (uint32_t i = 0; i < builder->image->pdata_count; i++) {
        struct image_function entry = image_function_at(builder->image, i);
        struct image_function primary = image_function_primary(builder->image, &entry);
        uint32_t place = program_place(builder, entry.begin_rva);
        uint32_t parent = program_place(builder, primary.begin_rva);
        const struct area *area;
        struct place_pair *part;
        uint32_t end;

        if (place == NO_PLACE) {
            continue;
        }
        area = program_area(builder, place);
        end = entry.end_rva - area->rva < area->bytes ? entry.end_rva - area->rva : area->bytes;
        for (uint32_t at = place; at < area->place + end; at++) {
            builder->marks[at] |= MARK_PDATA;
        }
        if (parent == place) {
            parent = cold_parent(builder, entry.begin_rva);
        }
        if (parent == place || parent == NO_PLACE) {
            program_add_start(builder, place, FROM_PDATA);
            continue;
        }
        part = list_add(builder, &builder->parts, sizeof(*part));
        if (part != NULL) {
            *part = (struct place_pair){place, parent};
            builder->marks[place] |= MARK_PART | MARK_LEADER;
        }
    }
}

/* A part whose parent never became a start (nonsense, or a chain of parts) is one itself. */
static void check_parts(struct builder *builder)
{
    const struct place_pair *parts = builder->parts.items;

    for (uint32_t i = 0; i < builder->parts.count; i++) {
        if ((builder->sources[parts[i].to] & FROM_PDATA) == 0) {
            builder->marks[parts[i].from] &= (uint8_t)~MARK_PART;
            program_add_start(builder, parts[i].from, FROM_PDATA);
        }
    }
}

static void add_exports(struct builder *builder)
{
    struct image_export export;

    for (uint32_t i = 0; image_export_at(builder->image, i, &export); i++) {
        if (export.forwarder == NULL) {
            add_plain(builder, export.rva, FROM_EXPORT);
        }
    }
}

static void add_symbols(struct builder *builder)
{
    const struct symbols *symbols = builder->out->symbols;

    for (uint32_t i = 0; symbols != NULL && i < symbols_count(symbols); i++) {
        add_plain(builder, symbols_at(symbols, i).rva, FROM_SYMBOL);
    }
}

static void add_pointers(struct builder *builder)
{
    uint32_t target;

    for (uint32_t i = 0; i < builder->out->pointer_count; i++) {
        if (program_pointer_at(builder->out, builder->out->pointers[i], &target)) {
            add_pointed(builder, target);
        }
    }
}

void program_find_starts(struct builder *builder)
{
    add_pdata(builder);
    check_parts(builder);
    if (builder->image->entry_rva != 0) {
        program_add_start(builder, program_place(builder, builder->image->entry_rva), FROM_ENTRY);
    }
    add_exports(builder);
    add_symbols(builder);
    for (uint32_t i = 0; i < builder->image->guard_table_count; i++) {
        add_plain(builder, image_guard_function_at(builder->image, i), FROM_GUARD);
    }
    add_pointers(builder);
}
