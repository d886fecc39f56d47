/* SPDX-License-Identifier: MIT */
/* Asks the sources in their order, and answers from what they gave. */
#include "symbols/symbols.h"

#include "base/host.h"
#include "image/image.h"
#include "symbols/coff.h"
#include "symbols/dwarf.h"
#include "symbols/pdb.h"
#include "symbols/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_ROOM 256u

/* All constant after symbols_open.  Functions ascend and do not overlap. */
struct symbols {
    struct table table;
    uint32_t count;
    uint32_t *ends; /* per function: where its code ends at the latest */
    uint32_t name_count;
    const struct table_function **names; /* functions and aliases by name, then rva */
    const char *kind;
    uint32_t note; /* offset into the table's pool; 0: none */
};

static const struct table_function *functions_of(const struct symbols *symbols)
{
    return symbols->table.functions.items;
}

static const char *best_kind(const struct table *table)
{
    static const char *const kinds[SOURCE_COUNT] = {
        [SOURCE_DWARF] = "dwarf", [SOURCE_PDB] = "pdb",        [SOURCE_PDB_PUBLIC] = "pdb",
        [SOURCE_COFF] = "coff",   [SOURCE_EXPORT] = "exports", [SOURCE_PDATA] = ".pdata",
    };

    for (unsigned source = 0; source < SOURCE_COUNT; source++) {
        if (table_count(table, (enum table_source)source) != 0) {
            return kinds[source];
        }
    }
    return "none";
}

/* Ask every source; false when one ran out of memory. */
static bool gather(struct symbols *symbols, const char *sys_path, const struct image *image)
{
    struct table *table = &symbols->table;
    char note[2 * NOTE_ROOM + 2], first[NOTE_ROOM] = "", second[NOTE_ROOM] = "";

    read_dwarf(image, table, first, sizeof(first));
    if (table_count(table, SOURCE_DWARF) == 0) {
        pdb_find(sys_path, image, table, second, sizeof(second));
    }
    (void)snprintf(note, sizeof(note), "%s%s%s", first,
                   first[0] != '\0' && second[0] != '\0' ? "; " : "", second);
    symbols->note = table_string(table, note, strlen(note));
    coff_read_symbols(image, table);
    coff_read_exports(image, table);
    table_merge(table);
    pdata_complete(image, table);
    symbols->kind = best_kind(table);
    return !table->no_memory;
}

static bool find_ends(struct symbols *symbols, const struct image *image)
{
    struct table_function *f = symbols->table.functions.items;

    symbols->count = symbols->table.functions.count;
    symbols->ends = host.allocate((symbols->count + 1) * sizeof(uint32_t));
    if (symbols->ends == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < symbols->count; i++) {
        const struct image_section *section = image_section_at(image, f[i].rva);
        uint32_t end = section->rva + section->virtual_size;

        if (i + 1 < symbols->count && f[i + 1].rva < end) {
            end = f[i + 1].rva;
        }
        if (f[i].size > end - f[i].rva) {
            f[i].size = end - f[i].rva;
        }
        symbols->ends[i] = f[i].size == 0 ? end : f[i].rva + f[i].size;
    }
    return true;
}

static int compare_names(const void *a, const void *b, void *context)
{
    const struct table_function *x = *(const struct table_function *const *)a;
    const struct table_function *y = *(const struct table_function *const *)b;
    int order = strcmp(table_text(context, x->name), table_text(context, y->name));

    return order != 0 ? order : (x->rva > y->rva) - (x->rva < y->rva);
}

static bool order_names(struct symbols *symbols)
{
    const struct table_function *functions = symbols->table.functions.items;
    const struct table_function *aliases = symbols->table.aliases.items;
    uint32_t count = symbols->count + symbols->table.aliases.count;

    symbols->names = host.allocate(((size_t)count + 1) * sizeof(symbols->names[0]));
    if (symbols->names == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < symbols->count; i++) {
        symbols->names[symbols->name_count++] = &functions[i];
    }
    for (uint32_t i = 0; i < symbols->table.aliases.count; i++) {
        symbols->names[symbols->name_count++] = &aliases[i];
    }
    qsort_r(symbols->names, count, sizeof(symbols->names[0]), compare_names, &symbols->table);
    return true;
}

pg_status symbols_open(const char *sys_path, const struct image *image, struct symbols **out)
{
    struct symbols *symbols = host.allocate(sizeof(*symbols));

    *out = NULL;
    if (symbols == NULL) {
        return PG_E_NO_MEMORY;
    }
    table_init(&symbols->table, image);
    if (!gather(symbols, sys_path, image) || !find_ends(symbols, image) || !order_names(symbols)) {
        symbols_close(symbols);
        return PG_E_NO_MEMORY;
    }
    symbols->table.image = NULL; /* may go away now */
    *out = symbols;
    return PG_OK;
}

void symbols_close(struct symbols *symbols)
{
    if (symbols != NULL) {
        table_release(&symbols->table);
        host.release(symbols->ends);
        host.release(symbols->names);
        host.release(symbols);
    }
}

const char *symbols_kind(const struct symbols *symbols)
{
    return symbols->kind;
}

const char *symbols_note(const struct symbols *symbols)
{
    return symbols->note == 0 ? NULL : table_text(&symbols->table, symbols->note);
}

uint32_t symbols_count(const struct symbols *symbols)
{
    return symbols->count;
}

static struct symbol_function shown(const struct symbols *symbols, const struct table_function *f)
{
    struct symbol_function function = {table_text(&symbols->table, f->name), f->rva, f->size};

    return function;
}

struct symbol_function symbols_at(const struct symbols *symbols, uint32_t index)
{
    return shown(symbols, &functions_of(symbols)[index]);
}

/* How many of `count` items of `size` bytes, ascending by the rva that they begin with, begin at or
 * before an rva. */
static uint32_t count_until(const void *items, uint32_t count, size_t size, uint32_t rva)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t there;

        memcpy(&there, (const char *)items + middle * size, sizeof(there));
        if (there <= rva) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool symbols_lookup(const struct symbols *symbols, uint32_t rva, struct symbol_place *out)
{
    const struct table_function *functions = functions_of(symbols);
    const struct table_line *lines = symbols->table.lines.items;
    uint32_t f = count_until(functions, symbols->count, sizeof(*functions), rva);
    uint32_t l;

    memset(out, 0, sizeof(*out));
    if (f == 0 || rva >= symbols->ends[f - 1]) {
        return false;
    }
    out->function = table_text(&symbols->table, functions[f - 1].name);
    out->offset = rva - functions[f - 1].rva;
    l = count_until(lines, symbols->table.lines.count, sizeof(*lines), rva);
    if (l != 0 && lines[l - 1].line != 0 && lines[l - 1].rva >= functions[f - 1].rva) {
        out->file = table_text(&symbols->table, lines[l - 1].file);
        out->line = lines[l - 1].line;
    }
    return true;
}

bool symbols_find(const struct symbols *symbols, const char *name, struct symbol_function *out)
{
    uint32_t low = 0, high = symbols->name_count;

    while (low < high) { /* the first that is not smaller */
        uint32_t middle = low + (high - low) / 2;

        if (strcmp(table_text(&symbols->table, symbols->names[middle]->name), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == symbols->name_count ||
        strcmp(table_text(&symbols->table, symbols->names[low]->name), name) != 0) {
        return false;
    }
    *out = shown(symbols, symbols->names[low]);
    return true;
}
