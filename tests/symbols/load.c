/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct file file_load(const char *path)
{
    struct file file = {NULL, 0};
    FILE *in = fopen(path, "rb");
    long size;

    ck_assert_msg(in != NULL, "%s cannot be opened", path);
    ck_assert_int_eq(fseek(in, 0, SEEK_END), 0);
    size = ftell(in);
    ck_assert_int_gt(size, 0);
    rewind(in);
    file.size = (size_t)size;
    file.bytes = malloc(file.size);
    ck_assert_ptr_nonnull(file.bytes);
    ck_assert_uint_eq(fread(file.bytes, 1, file.size, in), file.size);
    ck_assert_int_eq(fclose(in), 0);
    return file;
}

void file_save(const char *path, const void *bytes, size_t size)
{
    FILE *out = fopen(path, "wb");

    ck_assert_msg(out != NULL, "%s cannot be made", path);
    ck_assert_uint_eq(fwrite(bytes, 1, size, out), size);
    ck_assert_int_eq(fclose(out), 0);
}

void load(struct loaded *loaded, const char *path)
{
    struct image_error error;

    (void)snprintf(loaded->path, sizeof(loaded->path), "%s", path);
    loaded->file = file_load(path);
    ck_assert_int_eq(image_open(loaded->file.bytes, loaded->file.size, &loaded->image, &error),
                     PG_OK);
    ck_assert_int_eq(symbols_open(path, &loaded->image, &loaded->symbols), PG_OK);
}

void unload(struct loaded *loaded)
{
    symbols_close(loaded->symbols);
    free(loaded->file.bytes);
}

static void check_text(const char *text)
{
    ck_assert_ptr_nonnull(text);
    ck_assert_str_ne(text, "");
    for (const char *c = text; *c != '\0'; c++) {
        ck_assert_msg((unsigned char)*c >= 0x20 && *c != 0x7f, "unprintable: %s", text);
    }
}

static void check_place(const struct symbols *symbols, uint32_t rva, struct symbol_function f)
{
    struct symbol_place place;

    ck_assert(symbols_lookup(symbols, rva, &place));
    ck_assert_str_eq(place.function, f.name);
    ck_assert_uint_eq(place.offset, rva - f.rva);
    ck_assert_int_eq(place.file == NULL, place.line == 0);
    if (place.file != NULL) {
        check_text(place.file);
    }
}

void check_sound(const struct image *image, const struct symbols *symbols)
{
    uint32_t end = 0;

    check_text(symbols_kind(symbols));
    if (symbols_note(symbols) != NULL) {
        check_text(symbols_note(symbols));
    }
    for (uint32_t i = 0; i < symbols_count(symbols); i++) {
        struct symbol_function f = symbols_at(symbols, i), found;
        const struct image_section *section = image_section_at(image, f.rva);

        check_text(f.name);
        ck_assert_ptr_nonnull(section);
        ck_assert(section->executable);
        ck_assert_uint_le((uint64_t)f.rva + f.size, (uint64_t)section->rva + section->virtual_size);
        ck_assert_uint_ge(f.rva, end);
        end = f.rva + (f.size == 0 ? 1 : f.size);
        for (uint32_t rva = f.rva; rva < end; rva++) {
            check_place(symbols, rva, f);
        }
        ck_assert(symbols_find(symbols, f.name, &found));
        ck_assert_str_eq(found.name, f.name);
        ck_assert_uint_le(found.rva, f.rva);
    }
}
