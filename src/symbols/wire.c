/* SPDX-License-Identifier: MIT */
#include "symbols/wire.h"

#define WIRE_MAGIC 0x62617474u

/* Followed by the functions, lines, inlined ranges and the pool, as they are in memory: sender and
 * receiver are one program. */
struct header {
    uint32_t magic, no_memory;
    uint32_t functions, lines, inlines, pool;
    char note[WIRE_NOTE_ROOM];
};

bool wire_send(const struct table *table, const char note[WIRE_NOTE_ROOM],
               bool (*put)(void *context, const void *data, size_t size), void *context)
{
    struct header header = {WIRE_MAGIC,
                            table->no_memory,
                            table->functions.count,
                            table->lines.count,
                            table->inlines.count,
                            table->pool.count,
                            {0}};

    memcpy(header.note, note, WIRE_NOTE_ROOM);
    return put(context, &header, sizeof(header)) &&
           put(context, table->functions.items, header.functions * sizeof(struct table_function)) &&
           put(context, table->lines.items, header.lines * sizeof(struct table_line)) &&
           put(context, table->inlines.items, header.inlines * sizeof(struct table_inline)) &&
           put(context, table->pool.items, header.pool);
}

static struct bytes take(struct bytes *rest, uint32_t count, size_t size)
{
    struct bytes taken = bytes_part(*rest, 0, count * size);

    *rest = bytes_part(*rest, count * size, SIZE_MAX);
    return taken;
}

/* The bytes of the copy are not aligned: each item is copied out. */
static void add_functions(struct table *table, struct bytes items, struct bytes pool)
{
    struct table_function f;

    for (size_t at = 0; bytes_have(items, at, sizeof(f)); at += sizeof(f)) {
        memcpy(&f, items.at + at, sizeof(f));
        table_add_function(table, SOURCE_DWARF, bytes_string(pool, f.name), f.rva, f.size);
    }
}

static uint32_t add_string(struct table *table, struct bytes pool, uint32_t offset)
{
    struct bytes text = bytes_string(pool, offset);

    return table_string(table, text.at, text.size);
}

static void add_lines(struct table *table, struct bytes items, struct bytes pool)
{
    struct table_line row;
    uint32_t last = 0, file = 0; /* runs of rows share their file */

    for (size_t at = 0; bytes_have(items, at, sizeof(row)); at += sizeof(row)) {
        memcpy(&row, items.at + at, sizeof(row));
        if (row.file != last) {
            last = row.file;
            file = add_string(table, pool, row.file);
        }
        table_add_line(table, row.rva, file, row.line);
    }
}

static void add_inlines(struct table *table, struct bytes items, struct bytes pool)
{
    struct table_inline range;

    for (size_t at = 0; bytes_have(items, at, sizeof(range)); at += sizeof(range)) {
        memcpy(&range, items.at + at, sizeof(range));
        table_add_inline(table, range.rva, range.end, add_string(table, pool, range.file),
                         range.line);
    }
}

bool wire_receive(struct bytes message, struct table *table, char note[WIRE_NOTE_ROOM])
{
    struct header header;
    struct bytes functions, lines, inlines;
    uint64_t size = sizeof(header);

    if (!bytes_have(message, 0, sizeof(header))) {
        return false;
    }
    memcpy(&header, message.at, sizeof(header));
    size += (uint64_t)header.functions * sizeof(struct table_function);
    size += (uint64_t)header.lines * sizeof(struct table_line);
    size += (uint64_t)header.inlines * sizeof(struct table_inline);
    size += header.pool;
    if (header.magic != WIRE_MAGIC || size != message.size) {
        return false;
    }
    message = bytes_part(message, sizeof(header), SIZE_MAX);
    functions = take(&message, header.functions, sizeof(struct table_function));
    lines = take(&message, header.lines, sizeof(struct table_line));
    inlines = take(&message, header.inlines, sizeof(struct table_inline));
    add_functions(table, functions, message);
    add_lines(table, lines, message);
    add_inlines(table, inlines, message);
    table->no_memory |= header.no_memory != 0;
    memcpy(note, header.note, WIRE_NOTE_ROOM);
    note[WIRE_NOTE_ROOM - 1] = '\0';
    return true;
}
