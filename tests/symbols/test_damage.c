/* SPDX-License-Identifier: MIT */
/*
 * Damaged files: cut off, and with bytes changed, one at a time.  Whatever is left of the symbols
 * has to hold together; what was not used is told.  Which bytes are changed is fixed, so a failure
 * comes back.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host.h"
#include "load.h"
#include "support/always.h"
#include "support/run.h"
#include "symbols/pdb.h"
#include "symbols/wire.h"

static const uint8_t changes[] = {0xff, 0x01, 0x80};

/* What symbols_open does with a PDB, from bytes. */
static pg_status read_pdb(const struct image *image, struct bytes pdb, bool *told)
{
    struct image_pdb record;
    struct table table;
    char why[160] = "";
    pg_status status;

    ALWAYS(image_pdb_reference(image, &record));
    table_init(&table, image);
    status = pdb_read(pdb, &record, image, &table, why, sizeof(why));
    *told = why[0] != '\0';
    ALWAYS(!table.no_memory);
    ALWAYS(status == PG_OK || (*told && table.functions.count == 0));
    table_merge(&table);
    for (uint32_t i = 0; i < table.functions.count; i++) {
        const struct table_function *f = (const struct table_function *)table.functions.items + i;

        ALWAYS(i == 0 || (f->rva > f[-1].rva && f->rva - f[-1].rva >= f[-1].size));
        ALWAYS(table_text(&table, f->name)[0] != '\0');
    }
    for (uint32_t i = 0; i < table.lines.count; i++) {
        const struct table_line *row = (const struct table_line *)table.lines.items + i;

        ALWAYS(i == 0 || row->rva > row[-1].rva);
        ALWAYS(row->rva <= image->image_size);
        ALWAYS((row->line == 0) == (table_text(&table, row->file)[0] == '\0'));
    }
    table_release(&table);
    return status;
}

static struct file open_image(const char *path, struct image *image)
{
    struct file file = file_load(path);
    struct image_error error;

    ck_assert_int_eq(image_open(file.bytes, file.size, image, &error), PG_OK);
    return file;
}

START_TEST(a_cut_off_pdb_is_refused)
{
    struct image image;
    struct file sys = open_image(SAMPLES "/pdb.sys", &image);
    struct file pdb = file_load(SAMPLES "/pdb.pdb");
    bool told;

    for (size_t size = 1; size < pdb.size; size += 61) {
        uint8_t *exact = malloc(size); /* so that a read beyond its end is seen */
        struct bytes part = {exact, size};

        ck_assert_ptr_nonnull(exact);
        memcpy(exact, pdb.bytes, size);
        ck_assert_int_ne(read_pdb(&image, part, &told), PG_OK);
        free(exact);
    }
    ck_assert_int_eq(read_pdb(&image, (struct bytes){pdb.bytes, pdb.size}, &told), PG_OK);
    ck_assert(!told);
    free(pdb.bytes);
    free(sys.bytes);
}
END_TEST

/* Every byte of the headers, and one of each `step` of the rest. */
START_TEST(a_pdb_with_a_changed_byte_is_survived)
{
    struct image image;
    struct file sys = open_image(SAMPLES "/pdb.sys", &image);
    struct file pdb = file_load(SAMPLES "/pdb.pdb");
    struct bytes all = {pdb.bytes, pdb.size};
    unsigned refused = 0, told_of = 0;
    const size_t step = 29;

    for (size_t at = 0; at < pdb.size; at += at < 128 ? 1 : step) {
        bool told;

        pdb.bytes[at] ^= changes[_i];
        refused += read_pdb(&image, all, &told) != PG_OK;
        told_of += told;
        pdb.bytes[at] ^= changes[_i];
    }
    ck_assert_uint_gt(refused, 32); /* at least the magic */
    ck_assert_uint_ge(told_of, refused);
    free(pdb.bytes);
    free(sys.bytes);
}
END_TEST

/* Words of 32 bits, many of them counts or offsets, become huge or just too large. */
START_TEST(a_pdb_with_a_changed_word_is_survived)
{
    static const uint32_t values[] = {0xffffffffu, 0x7fffffffu, 0x00010001u};
    struct image image;
    struct file sys = open_image(SAMPLES "/pdb.sys", &image);
    struct file pdb = file_load(SAMPLES "/pdb.pdb");
    struct bytes all = {pdb.bytes, pdb.size};
    bool told;

    for (size_t at = 0; at + 4 <= pdb.size; at += 44) {
        uint8_t before[4];

        memcpy(before, pdb.bytes + at, 4);
        memcpy(pdb.bytes + at, &values[_i], 4);
        (void)read_pdb(&image, all, &told);
        memcpy(pdb.bytes + at, before, 4);
    }
    free(pdb.bytes);
    free(sys.bytes);
}
END_TEST

/* True when the image was accepted. */
static bool try_image(const struct file *file)
{
    struct image image;
    struct image_error error;
    struct symbols *symbols;

    if (image_open(file->bytes, file->size, &image, &error) != PG_OK) {
        return false;
    }
    ck_assert_int_eq(symbols_open(NULL, &image, &symbols), PG_OK);
    check_sound(&image, symbols);
    symbols_close(symbols);
    return true;
}

/*
 * From the first debug section on, to the end of the file: DWARF, COFF symbols, names.  The DWARF
 * is read in a child; which of the bytes a test changes depends on the index, so that all tests
 * together see each kind of section.
 */
START_TEST(dwarf_with_a_changed_byte_is_survived)
{
    static const char *const paths[] = {SAMPLES "/dwarf4.sys", SAMPLES "/dwarf5.sys"};
    struct image image;
    struct file file = open_image(paths[_i % 2], &image);
    const size_t step = 211;
    size_t first = file.size;
    unsigned accepted = 0;

    for (uint32_t i = 0; i < image.section_count; i++) {
        if (image.sections[i].name[0] == '/' && image.sections[i].raw_offset < first) {
            first = image.sections[i].raw_offset;
        }
    }
    ck_assert_uint_lt(first, file.size);
    for (size_t at = first + (size_t)_i * 35; at < file.size; at += step) {
        uint8_t before = file.bytes[at];

        file.bytes[at] ^= changes[_i % 3];
        accepted += try_image(&file);
        file.bytes[at] = before;
    }
    ck_assert_uint_gt(accepted, 10);
    free(file.bytes);
}
END_TEST

/* COFF symbols, exports and .pdata: read without a child, so every byte of the file can be tried.
 */
START_TEST(an_image_with_a_changed_byte_is_survived)
{
    static const char *const paths[] = {SAMPLES "/coff.sys", SAMPLES "/bare.sys"};
    struct file file = file_load(paths[_i]);
    unsigned accepted = 0;

    for (size_t at = 0; at < file.size; at += 7) {
        file.bytes[at] ^= changes[at % 3];
        accepted += try_image(&file);
        file.bytes[at] ^= changes[at % 3];
    }
    ck_assert_uint_gt(accepted, file.size / 14);
    free(file.bytes);
}
END_TEST

START_TEST(a_cut_off_image_is_survived)
{
    static const char *const paths[] = {SAMPLES "/dwarf4.sys", SAMPLES "/coff.sys",
                                        SAMPLES "/bare.sys"};
    struct file file = file_load(paths[_i]);

    ck_assert(try_image(&file));
    for (size_t size = 1; size < file.size; size += 64) {
        struct file part = {malloc(size), size};

        ck_assert_ptr_nonnull(part.bytes);
        memcpy(part.bytes, file.bytes, size);
        (void)try_image(&part);
        free(part.bytes);
    }
    free(file.bytes);
}
END_TEST

struct sink {
    uint8_t bytes[4096];
    size_t used;
};

static bool put(void *context, const void *data, size_t size)
{
    struct sink *sink = context;

    ck_assert_uint_le(size, sizeof(sink->bytes) - sink->used);
    if (size != 0) {
        memcpy(sink->bytes + sink->used, data, size);
    }
    sink->used += size;
    return true;
}

/* A message from the child that read DWARF, which may have been overrun. */
START_TEST(a_damaged_message_is_survived)
{
    struct image image;
    struct file file = open_image(SAMPLES "/bare.sys", &image);
    struct sink sink = {{0}, 0};
    struct table table;
    char note[WIRE_NOTE_ROOM] = "told";
    uint32_t rva = image.entry_rva;

    table_init(&table, &image);
    table_add_function(&table, SOURCE_DWARF, (struct bytes){(const uint8_t *)"name", 4}, rva, 16);
    table_add_line(&table, rva, table_string(&table, "a.c", 3), 7);
    table_add_inline(&table, rva + 4, rva + 8, table_string(&table, "b.c", 3), 9);
    ck_assert(wire_send(&table, note, put, &sink));
    table_release(&table);
    for (size_t at = 0; at <= sink.used; at++) {
        table_init(&table, &image);
        if (at < sink.used) {
            ck_assert(!wire_receive((struct bytes){sink.bytes, at}, &table, note));
            ck_assert_uint_eq(table.functions.count, 0);
            sink.bytes[at] ^= 0xff;
            (void)wire_receive((struct bytes){sink.bytes, sink.used}, &table, note);
            sink.bytes[at] ^= 0xff;
        } else {
            ck_assert(wire_receive((struct bytes){sink.bytes, sink.used}, &table, note));
            ck_assert_str_eq(note, "told");
            ck_assert_uint_eq(table.functions.count, 1);
            ck_assert_uint_eq(table.lines.count, 1);
            ck_assert_uint_eq(table.inlines.count, 1);
        }
        table_order_lines(&table);
        table_merge(&table);
        table_release(&table);
    }
    free(file.bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("damaged symbols");
    TCase *damage = tcase_create("damage");

    tcase_set_timeout(damage, 250);
    tcase_add_test(damage, a_cut_off_pdb_is_refused);
    tcase_add_loop_test(damage, a_pdb_with_a_changed_byte_is_survived, 0, 3);
    tcase_add_loop_test(damage, a_pdb_with_a_changed_word_is_survived, 0, 3);
    tcase_add_loop_test(damage, dwarf_with_a_changed_byte_is_survived, 0, 6);
    tcase_add_loop_test(damage, an_image_with_a_changed_byte_is_survived, 0, 2);
    tcase_add_loop_test(damage, a_cut_off_image_is_survived, 0, 3);
    tcase_add_test(damage, a_damaged_message_is_survived);
    suite_add_tcase(suite, damage);
    return run_suite(suite);
}
