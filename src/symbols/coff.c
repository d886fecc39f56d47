/* SPDX-License-Identifier: MIT */
#include "symbols/coff.h"

#include "image/image.h"

#define SYMBOL_SIZE    18u
#define CLASS_EXTERNAL 2u
#define CLASS_STATIC   3u
#define TYPE_FUNCTION  2u /* in the derived-type field, bits 4 and 5 */

/* The symbols, and the strings that follow them. */
static struct bytes symbol_table(const struct image *image, struct bytes *strings)
{
    struct bytes file = {image->bytes, image->size};
    size_t size = (size_t)image->symbol_count * SYMBOL_SIZE;
    struct bytes none = {NULL, 0};

    if (image->symbol_table_offset == 0) {
        *strings = none;
        return none;
    }
    *strings = bytes_part(file, image->symbol_table_offset + size, SIZE_MAX);
    *strings = bytes_part(*strings, 0, bytes_u32(*strings, 0));
    return bytes_part(file, image->symbol_table_offset, size);
}

struct bytes coff_section_name(const struct image *image, uint32_t index)
{
    const char *name = image->sections[index].name;
    struct bytes own = {(const uint8_t *)name, strlen(name)};
    struct bytes strings;
    uint32_t offset = 0;

    if (name[0] != '/' || name[1] == '\0') {
        return own;
    }
    for (const char *digit = name + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9') {
            return own;
        }
        offset = offset * 10 + (uint32_t)(*digit - '0');
    }
    (void)symbol_table(image, &strings);
    return offset < 4 || offset >= strings.size ? own : bytes_string(strings, offset);
}

static struct bytes symbol_name(struct bytes symbol, struct bytes strings)
{
    if (bytes_u32(symbol, 0) != 0) {
        return bytes_string(bytes_part(symbol, 0, 8), 0);
    }
    return bytes_string(strings, bytes_u32(symbol, 4));
}

void coff_read_symbols(const struct image *image, struct table *table)
{
    struct bytes strings;
    struct bytes symbols = symbol_table(image, &strings);

    for (size_t at = 0; bytes_have(symbols, at, SYMBOL_SIZE);) {
        struct bytes symbol = bytes_part(symbols, at, SYMBOL_SIZE);
        uint32_t value = bytes_u32(symbol, 8);
        uint16_t number = bytes_u16(symbol, 12);
        uint16_t type = bytes_u16(symbol, 14);
        uint16_t tail = bytes_u16(symbol, 16); /* storage class, count of auxiliary records */
        uint8_t class = tail & 0xff;
        struct bytes name = symbol_name(symbol, strings);

        at += SYMBOL_SIZE * (1 + (size_t)(tail >> 8));
        if ((type >> 4 & 3) != TYPE_FUNCTION || number == 0 || number > image->section_count ||
            (class != CLASS_EXTERNAL && class != CLASS_STATIC) || name.size == 0) {
            continue;
        }
        if (value < image->sections[number - 1].virtual_size) {
            table_add_function(table, SOURCE_COFF, name, image->sections[number - 1].rva + value,
                               0);
        }
    }
}

void coff_read_exports(const struct image *image, struct table *table)
{
    uint32_t count = image_export_count(image);

    for (uint32_t i = 0; i < count; i++) {
        struct image_export export;

        if (image_export_at(image, i, &export) && export.name != NULL && export.forwarder == NULL &&
            export.name[0] != '\0') {
            struct bytes name = {(const uint8_t *)export.name, strlen(export.name)};

            table_add_function(table, SOURCE_EXPORT, name, export.rva, 0);
        }
    }
}
