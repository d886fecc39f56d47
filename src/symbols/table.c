/* SPDX-License-Identifier: MIT */
/* Adding to the table: growth, limits, strings held once each. */
#include "symbols/table.h"

#include "base/host.h"
#include "image/image.h"

#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 64u

void table_init(struct table *table, const struct image *image)
{
    memset(table, 0, sizeof(*table));
    table->image = image;
    (void)table_grow(table, &table->pool, 1, TABLE_MAX_POOL); /* the empty string */
}

void table_release(struct table *table)
{
    host.release(table->functions.items);
    host.release(table->aliases.items);
    host.release(table->lines.items);
    host.release(table->inlines.items);
    host.release(table->pool.items);
    host.release(table->hash.items);
    memset(table, 0, sizeof(*table));
}

/* Room for `more` items beyond the count. */
static bool reserve(struct table *table, struct table_array *array, size_t size, uint32_t more,
                    uint32_t limit)
{
    uint64_t wanted = (uint64_t)array->count + more;
    uint64_t capacity = array->capacity == 0 ? FIRST_CAPACITY : array->capacity;
    void *items;

    if (wanted > limit) {
        return false;
    }
    if (wanted <= array->capacity) {
        return true;
    }
    while (capacity < wanted) {
        capacity *= 2;
    }
    items = host.allocate(capacity * size);
    if (items == NULL) {
        table->no_memory = true;
        return false;
    }
    if (array->items != NULL) {
        memcpy(items, array->items, array->count * size);
        host.release(array->items);
    }
    array->items = items;
    array->capacity = (uint32_t)capacity;
    return true;
}

void *table_grow(struct table *table, struct table_array *array, size_t size, uint32_t limit)
{
    if (!reserve(table, array, size, 1, limit)) {
        return NULL;
    }
    return (char *)array->items + size * array->count++;
}

const char *table_text(const struct table *table, uint32_t offset)
{
    return offset < table->pool.count ? (const char *)table->pool.items + offset : "";
}

static uint32_t hash_of(const char *text, size_t length)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    }
    return hash;
}

/* The slot of a string, taken or free. */
static uint32_t *hash_slot(const struct table *table, const char *text, size_t length)
{
    uint32_t *slots = table->hash.items;
    uint32_t mask = table->hash.capacity - 1;
    uint32_t i = hash_of(text, length) & mask;

    while (slots[i] != 0) {
        const char *there = table_text(table, slots[i] - 1);

        if (strncmp(there, text, length) == 0 && there[length] == '\0') {
            break;
        }
        i = (i + 1) & mask;
    }
    return &slots[i];
}

/* Keep the hash at most half full. */
static bool hash_reserve(struct table *table)
{
    struct table_array old = table->hash;
    const uint32_t *slots = old.items;
    uint32_t capacity = old.capacity == 0 ? 1024 : old.capacity * 2;

    if (old.capacity != 0 && table->strings < old.capacity / 2) {
        return true;
    }
    table->hash.items = host.allocate(capacity * sizeof(uint32_t));
    if (table->hash.items == NULL) {
        table->hash = old;
        table->no_memory = true;
        return false;
    }
    table->hash.capacity = capacity;
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (slots[i] != 0) {
            const char *text = table_text(table, slots[i] - 1);

            *hash_slot(table, text, strlen(text)) = slots[i];
        }
    }
    host.release(old.items);
    return true;
}

/* Bytes of the printable UTF-8 sequence at text, 0 when there is none. */
static size_t printable(const uint8_t *text, size_t length)
{
    uint8_t c = text[0];
    size_t bytes = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : (c & 0xf0) == 0xe0 ? 3 : 4;

    if (c < 0x80) {
        return c >= 0x20 && c != 0x7f;
    }
    if (c < 0xc2 || c > 0xf4 || bytes > length) {
        return 0;
    }
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong forms, surrogates, beyond U+10FFFF, and the control characters U+0080..U+009F. */
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f) ||
        (c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] > 0x8f) ||
        (c == 0xc2 && text[1] < 0xa0)) {
        return 0;
    }
    return bytes;
}

static size_t make_printable(char *out, const uint8_t *text, size_t length)
{
    size_t used = 0;

    for (size_t i = 0; i < length;) {
        size_t bytes = printable(text + i, length - i);

        if (bytes == 0) {
            out[used++] = '?';
            i++;
            continue;
        }
        memcpy(out + used, text + i, bytes);
        used += bytes;
        i += bytes;
    }
    return used;
}

uint32_t table_string(struct table *table, const void *text, size_t length)
{
    char clean[TABLE_MAX_STRING + 1];
    uint32_t *slot;
    uint32_t offset;

    if (length == 0) {
        return 0;
    }
    length = make_printable(clean, text, length < TABLE_MAX_STRING ? length : TABLE_MAX_STRING);
    if (!hash_reserve(table)) {
        return 0;
    }
    slot = hash_slot(table, clean, length);
    if (*slot != 0) {
        return *slot - 1;
    }
    if (!reserve(table, &table->pool, 1, (uint32_t)length + 1, TABLE_MAX_POOL)) {
        return 0;
    }
    offset = table->pool.count;
    memcpy((char *)table->pool.items + offset, clean, length); /* the memory is zeroed behind it */
    table->pool.count += (uint32_t)length + 1;
    *slot = offset + 1;
    table->strings++;
    return offset;
}

void table_add_function(struct table *table, enum table_source source, struct bytes name,
                        uint32_t rva, uint32_t size)
{
    const struct image_section *section = image_section_at(table->image, rva);
    struct table_function *function;
    char generated[16];

    if (section == NULL || !section->executable || rva - section->rva >= section->virtual_size) {
        return;
    }
    if (size > section->virtual_size - (rva - section->rva)) {
        size = section->virtual_size - (rva - section->rva);
    }
    if (name.size == 0) {
        name.size = (size_t)snprintf(generated, sizeof(generated), "sub_%x", rva);
        name.at = (const uint8_t *)generated;
    }
    function = table_grow(table, &table->functions, sizeof(*function), TABLE_MAX_FUNCTIONS);
    if (function == NULL) {
        return;
    }
    function->rva = rva;
    function->size = size;
    function->name = table_string(table, name.at, name.size);
    function->sequence = table->functions.count;
    function->source = (uint8_t)source;
    if (function->name == 0) {
        table->functions.count--;
        memset(function, 0, sizeof(*function));
    }
}

void table_add_line(struct table *table, uint32_t rva, uint32_t file, uint32_t line)
{
    struct table_line *row;

    if (rva > table->image->image_size || (line != 0 && file == 0)) {
        return;
    }
    row = table_grow(table, &table->lines, sizeof(*row), TABLE_MAX_LINES);
    if (row != NULL) {
        row->rva = rva;
        row->line = line;
        row->file = line == 0 ? 0 : file;
        row->sequence = table->lines.count;
    }
}

void table_add_inline(struct table *table, uint32_t rva, uint32_t end, uint32_t file, uint32_t line)
{
    struct table_inline *range;

    if (rva >= end || end > table->image->image_size) {
        return;
    }
    range = table_grow(table, &table->inlines, sizeof(*range), TABLE_MAX_LINES);
    if (range != NULL) {
        range->rva = rva;
        range->end = end;
        range->file = file;
        range->line = file == 0 ? 0 : line;
        range->sequence = table->inlines.count;
    }
}

uint32_t table_count(const struct table *table, enum table_source source)
{
    const struct table_function *functions = table->functions.items;
    uint32_t count = 0;

    for (uint32_t i = 0; i < table->functions.count; i++) {
        count += functions[i].source == source;
    }
    return count;
}
