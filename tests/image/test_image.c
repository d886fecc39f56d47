/* SPDX-License-Identifier: MIT */
/*
 * What the reader says of valid images.
 */
#include "image/image.h"

#include "pe.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct pe pe;
static struct image image;

static void open_pe(void)
{
    struct image_error error;
    pg_status status = image_open(pe.bytes, pe.size, &image, &error);

    ck_assert_msg(status == PG_OK, "%s: %s", error.structure, error.reason);
    ck_assert_int_eq(error.status, PG_OK);
}

static void build(void)
{
    pe_build(&pe, NULL);
    open_pe();
}

START_TEST(headers)
{
    build();
    ck_assert_uint_eq(image.preferred_base, 0x140000000u);
    ck_assert_uint_eq(image.image_size, 0xb000);
    ck_assert_uint_eq(image.header_size, PE_HEADERS);
    ck_assert_uint_eq(image.entry_rva, pe.rva[PE_INIT] + 0x10);
    ck_assert_uint_eq(image.section_alignment, 0x1000);
    ck_assert_uint_eq(image.file_alignment, 0x200);
    ck_assert_uint_eq(image.timestamp, 0x12345678);
    ck_assert_uint_eq(image.subsystem, 1);
    ck_assert(image.pageable);
    ck_assert(!image.relocations_stripped);
    ck_assert_uint_eq(image.symbol_table_offset, 0);
}
END_TEST

START_TEST(sections)
{
    static const enum pg_class classes[PE_SECTIONS] = {PG_RESIDENT, PG_PAGEABLE, PG_DISCARDABLE,
                                                       PG_RESIDENT, PG_RESIDENT, PG_RESIDENT,
                                                       PG_RESIDENT, PG_RESIDENT};
    static const uint32_t pages[PE_SECTIONS] = {1, 2, 1, 1, 2, 1, 1, 1};

    build();
    ck_assert_uint_eq(image.section_count, PE_SECTIONS);
    for (unsigned i = 0; i < PE_SECTIONS; i++) {
        const struct image_section *section = &image.sections[i];

        ck_assert_int_eq(section->class, classes[i]);
        ck_assert_uint_eq(section->pages, pages[i]);
        ck_assert_uint_eq(section->rva, pe.rva[i]);
        ck_assert_uint_eq(section->raw_offset, pe.raw[i]);
        ck_assert_uint_eq(section->raw_size, i == PE_BSS ? 0 : PE_RAW);
        ck_assert(!section->flags_disagree);
        ck_assert(section->readable);
        ck_assert_int_eq(section->writable, i == PE_DATA || i == PE_BSS);
        ck_assert_int_eq(section->executable, i <= PE_INIT);
    }
    ck_assert_str_eq(image.sections[PE_PAGE].name, "PAGEABCD"); /* eight bytes, not terminated */
}
END_TEST

START_TEST(section_lookup)
{
    build();
    ck_assert_ptr_null(image_section_at(&image, 0));
    ck_assert_ptr_null(image_section_at(&image, 0xfff));
    ck_assert_ptr_eq(image_section_at(&image, 0x1000), &image.sections[PE_TEXT]);
    ck_assert_ptr_eq(image_section_at(&image, 0x1fff),
                     &image.sections[PE_TEXT]); /* its last page */
    ck_assert_ptr_eq(image_section_at(&image, 0x3fff), &image.sections[PE_PAGE]);
    ck_assert_ptr_null(image_section_at(&image, 0xb000));
    ck_assert_ptr_null(image_section_at(&image, UINT32_MAX));
}
END_TEST

START_TEST(section_gap)
{
    /* .data made smaller by a page: the addresses up to .bss belong to nobody. */
    pe_build(&pe, NULL);
    pe_put(&pe, PE_DIRECTORY(5) + 4, 4, 0); /* there was a relocation */
    pe_put(&pe, PE_SECTION(PE_DATA) + 8, 4, 0x100);
    open_pe();
    ck_assert_uint_eq(image.sections[PE_DATA].pages, 1);
    ck_assert_ptr_null(image_section_at(&image, pe.rva[PE_DATA] + 0x1000));
}
END_TEST

START_TEST(bytes)
{
    uint8_t buffer[64];

    build();
    ck_assert_ptr_eq(image_at(&image, 0, PE_HEADERS), pe.bytes);
    ck_assert_ptr_null(image_at(&image, 0, PE_HEADERS + 1));
    ck_assert_ptr_null(image_at(&image, 0, 0));
    ck_assert_ptr_null(image_at(&image, PE_HEADERS, 1));
    ck_assert_ptr_eq(image_at(&image, 0x1000, PE_RAW), pe.bytes + pe.raw[PE_TEXT]);
    ck_assert_ptr_null(image_at(&image, 0x1000 + PE_RAW - 1, 2));
    ck_assert_ptr_null(image_at(&image, pe.rva[PE_BSS], 1));
    ck_assert_ptr_null(image_at(&image, 0x1000, UINT32_MAX));
    ck_assert_ptr_null(image_at(&image, UINT32_MAX, UINT32_MAX));
    memset(buffer, 0xee, sizeof(buffer));
    image_copy(&image, 0x1000 + PE_RAW - 32, buffer,
               sizeof(buffer)); /* half of it beyond the file */
    ck_assert_mem_eq(buffer, pe.bytes + pe.raw[PE_TEXT] + PE_RAW - 32, 32);
    for (unsigned i = 32; i < 64; i++) {
        ck_assert_uint_eq(buffer[i], 0);
    }
}
END_TEST

START_TEST(copy_all)
{
    uint8_t *mapped;

    build();
    mapped = malloc(image.image_size + 0x1000);
    image_copy(&image, 0, mapped, image.image_size + 0x1000);
    ck_assert_mem_eq(mapped, pe.bytes, PE_HEADERS);
    for (unsigned i = 0; i < PE_SECTIONS; i++) {
        if (i != PE_BSS) {
            ck_assert_mem_eq(mapped + pe.rva[i], pe.bytes + pe.raw[i], PE_RAW);
        }
        ck_assert_uint_eq(mapped[pe.rva[i] + PE_RAW], 0);
    }
    ck_assert_uint_eq(mapped[image.image_size], 0);
    image_copy(&image, UINT32_MAX - 3, mapped, 64); /* runs over the end of what an rva can say */
    ck_assert_uint_eq(mapped[63], 0);
    free(mapped);
}
END_TEST

START_TEST(raw_data_larger_than_section)
{
    /* Only what falls into the pages of the section is part of it. */
    pe_build(&pe, NULL);
    pe_put(&pe, PE_SECTION(PE_TEXT) + 16, 4, 0x2000);
    open_pe();
    ck_assert_uint_eq(image.sections[PE_TEXT].raw_size, 0x1000);
    ck_assert_ptr_nonnull(image_at(&image, 0x1fff, 1));
    ck_assert_ptr_eq(image_at(&image, 0x2000, 1), pe.bytes + pe.raw[PE_PAGE]);
}
END_TEST

START_TEST(virtual_size_zero)
{
    pe_build(&pe, NULL);
    pe_put(&pe, PE_SECTION(PE_TEXT) + 8, 4, 0);
    open_pe();
    ck_assert_uint_eq(image.sections[PE_TEXT].virtual_size, PE_RAW);
}
END_TEST

START_TEST(odd_section_name)
{
    pe_build(&pe, NULL);
    pe_put(&pe, PE_SECTION(PE_TEXT), 8, 0x000041ff0a2f2200u | '.');
    open_pe();
    ck_assert_str_eq(image.sections[PE_TEXT].name, ".\"/??A");
}
END_TEST

/* A name and flags against the class and whether they disagree. */
static const struct {
    const char *name;
    uint32_t flags;
    enum pg_class class;
    bool disagree;
} flag_cases[] = {
    {"PAGE", 0x60000020, PG_PAGEABLE, false},    {"PAGE", 0x68000020, PG_PAGEABLE, true},
    {"PAGEDATA", 0xc8000040, PG_PAGEABLE, true}, {"PAGE", 0x62000020, PG_PAGEABLE, false},
    {"INIT", 0x62000020, PG_DISCARDABLE, false}, {"INIT", 0x60000020, PG_DISCARDABLE, false},
    {".text", 0x62000020, PG_RESIDENT, true},    {"INITX", 0x62000020, PG_RESIDENT, true},
    {"NONPAGED", 0x62000020, PG_RESIDENT, true}, {"NONPAGED", 0x60000020, PG_RESIDENT, false},
    {".PAGE", 0x68000020, PG_RESIDENT, false},   {"Page", 0x68000020, PG_RESIDENT, false},
    {".reloc", 0x42000040, PG_RESIDENT, false},
};

START_TEST(flags)
{
    uint8_t name[9] = {0};

    pe_build(&pe, NULL);
    memcpy(name, flag_cases[_i].name, strlen(flag_cases[_i].name));
    memcpy(pe.bytes + PE_SECTION(PE_TEXT), name, 8);
    pe_put(&pe, PE_SECTION(PE_TEXT) + 36, 4, flag_cases[_i].flags);
    open_pe();
    ck_assert_int_eq(image.sections[PE_TEXT].class, flag_cases[_i].class);
    ck_assert_int_eq(image.sections[PE_TEXT].flags_disagree, flag_cases[_i].disagree);
    ck_assert_int_eq(image_section_note(&image, &image.sections[PE_TEXT]) != NULL,
                     flag_cases[_i].disagree);
    ck_assert_uint_eq(image.sections[PE_TEXT].flags, flag_cases[_i].flags);
}
END_TEST

START_TEST(flat_image)
{
    struct pe_options options = {.flat = true, .base = 0x10000};
    struct image_pdb pdb;

    pe_build(&pe, &options);
    open_pe();
    ck_assert(!image.pageable);
    ck_assert_uint_eq(image.preferred_base, 0x10000);
    ck_assert_uint_eq(image.image_size % 0x1000, 0);
    ck_assert(image.sections[PE_PAGE].flags_disagree);
    ck_assert_uint_eq(image.sections[PE_TEXT].pages, 1);
    ck_assert_uint_eq(image.sections[PE_PAGE].pages, 3); /* begins and ends amid pages */
    ck_assert_uint_eq(image.sections[PE_TEXT].raw_size, 0x180);
    ck_assert_ptr_null(image_section_at(&image, pe.rva[PE_TEXT] + 0x180));
    ck_assert_uint_eq(image.reloc_count, PE_RELOCATIONS);
    ck_assert_uint_eq(image.pdata_count, PE_FUNCTIONS);
    ck_assert_uint_eq(image.security_cookie_rva, pe.rva[PE_DATA] + 0x40);
    ck_assert(image_pdb_reference(&image, &pdb));
}
END_TEST

/* Linkers leave out of the file what is zero, also where sections are not page aligned. */
START_TEST(flat_image_packed)
{
    struct pe_options options = {.flat = true};

    pe_build(&pe, &options);
    memcpy(pe.bytes + PE_HEADERS, pe.bytes + pe.raw[PE_RELOC], PE_RAW);
    pe_put(&pe, PE_SECTION(PE_RELOC) + 20, 4, PE_HEADERS);
    open_pe();
    ck_assert_uint_eq(image.reloc_count, PE_RELOCATIONS);
    ck_assert_ptr_eq(image_at(&image, pe.rva[PE_RELOC], 1), pe.bytes + PE_HEADERS);
}
END_TEST

START_TEST(imports)
{
    static const struct {
        const char *module, *name;
        uint32_t ordinal, slot;
    } expected[] = {{"ntoskrnl.exe", "KeSetEvent", 0, PE_SLOTS_0},
                    {"ntoskrnl.exe", "DbgPrint", 0, PE_SLOTS_0 + 8},
                    {"ntoskrnl.exe", NULL, 7, PE_SLOTS_0 + 16},
                    {"HAL.dll", "HalMakeBeep", 0, PE_SLOTS_1}};
    struct image_import_cursor cursor = {0, 0, 0};
    struct image_import import;

    build();
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(image_next_import(&image, &cursor, &import));
        ck_assert_str_eq(import.module, expected[i].module);
        ck_assert_pstr_eq(import.name, expected[i].name);
        ck_assert_uint_eq(import.ordinal, expected[i].ordinal);
        ck_assert_uint_eq(import.slot_rva, pe.rva[PE_RDATA] + expected[i].slot);
        ck_assert_uint_eq(cursor.module_index, i == 3);
    }
    ck_assert(!image_next_import(&image, &cursor, &import));
    ck_assert(!image_next_import(&image, &cursor, &import));
    ck_assert_uint_eq(image.import_rva, pe.rva[PE_RDATA]);
    ck_assert_uint_eq(image.import_size, 60);
}
END_TEST

START_TEST(import_of_nothing)
{
    struct image_import_cursor cursor = {0, 0, 0};
    struct image_import import;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_NAMES_0, 8, 0); /* the first module's list is empty */
    open_pe();
    ck_assert(image_next_import(&image, &cursor, &import));
    ck_assert_str_eq(import.module, "HAL.dll");
    ck_assert_uint_eq(cursor.module_index, 1);
    ck_assert(!image_next_import(&image, &cursor, &import));
}
END_TEST

START_TEST(import_end_in_zeros)
{
    /* The list of slots at the very end of the file's part: its end is a zero that is not there. */
    struct image_import_cursor cursor = {0, 0, 0};
    struct image_import import;
    uint32_t last;

    pe_build(&pe, NULL);
    last = pe.rva[PE_RDATA] + PE_RAW - 8;
    pe_put(&pe, pe.raw[PE_RDATA] + PE_RAW - 8, 8, pe.rva[PE_RDATA] + PE_HINT_HAL);
    pe_put(&pe, pe.raw[PE_RDATA] + 36, 4, last);
    open_pe();
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(image_next_import(&image, &cursor, &import));
    }
    ck_assert_uint_eq(import.slot_rva, last);
    ck_assert(!image_next_import(&image, &cursor, &import));
}
END_TEST

START_TEST(exports)
{
    static const struct {
        const char *name;
        uint32_t ordinal;
        bool forwarded;
    } expected[] = {{"Alpha", 5, false},
                    {"Beta", 8, true},
                    {"Gamma", 9, false},
                    {"Zeta", 9, false},
                    {NULL, 7, false}};
    struct image_export export, found;

    build();
    ck_assert_uint_eq(image_export_count(&image), 5);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert(image_export_at(&image, i, &export));
        ck_assert_pstr_eq(export.name, expected[i].name);
        ck_assert_uint_eq(export.ordinal, expected[i].ordinal);
        ck_assert_pstr_eq(export.forwarder, expected[i].forwarded ? "other.Target" : NULL);
        ck_assert(image_export_find_ordinal(&image, export.ordinal, &found));
        ck_assert_uint_eq(found.rva, export.rva);
        if (export.name != NULL) {
            ck_assert(image_export_find(&image, export.name, &found));
            ck_assert_uint_eq(found.ordinal, export.ordinal);
        }
    }
    ck_assert_uint_eq(export.rva, pe.rva[PE_DATA] + 0x20);
    ck_assert(!image_export_at(&image, 5, &export));
    ck_assert(!image_export_at(&image, UINT32_MAX, &export));
    ck_assert(!image_export_find(&image, "Alph", &export));
    ck_assert(!image_export_find(&image, "Alphab", &export));
    ck_assert(!image_export_find(&image, "alpha", &export));
    ck_assert(!image_export_find(&image, "", &export));
    ck_assert(!image_export_find(&image, "Zeta2", &export));
    ck_assert(!image_export_find_ordinal(&image, 6, &export)); /* an empty slot */
    ck_assert(!image_export_find_ordinal(&image, 4, &export));
    ck_assert(!image_export_find_ordinal(&image, 10, &export));
}
END_TEST

START_TEST(many_unnamed_exports)
{
    /* 200 routines without a name, every third slot empty, in the zeros of .text. */
    struct image_export export;
    uint32_t index = 0;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_EXPORTS + 20, 4, 200);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_EXPORTS + 24, 4, 0);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_EXPORTS + 28, 4, pe.rva[PE_PAGE]);
    for (uint32_t i = 0; i < 200; i++) {
        pe_put(&pe, pe.raw[PE_PAGE] + 4 * i, 4, i % 3 == 0 ? 0 : pe.rva[PE_TEXT] + i);
    }
    open_pe();
    for (uint32_t i = 0; i < 200; i++) {
        if (i % 3 == 0) {
            continue;
        }
        ck_assert(image_export_at(&image, index++, &export));
        ck_assert_ptr_null(export.name);
        ck_assert_uint_eq(export.ordinal, 5 + i);
        ck_assert_uint_eq(export.rva, pe.rva[PE_TEXT] + i);
    }
    ck_assert_uint_eq(image_export_count(&image), index);
}
END_TEST

START_TEST(relocations)
{
    uint32_t rvas[PE_RELOCATIONS + 1];

    build();
    ck_assert_uint_eq(image.reloc_count, PE_RELOCATIONS);
    rvas[PE_RELOCATIONS] = 0xdeadbeef;
    image_relocations(&image, rvas);
    ck_assert_uint_eq(rvas[0], pe.rva[PE_DATA]);
    ck_assert_uint_eq(rvas[1], pe.rva[PE_DATA] + 8);
    ck_assert_uint_eq(rvas[2], pe.rva[PE_DATA] + 0xffc); /* over two pages */
    ck_assert_uint_eq(rvas[3], pe.rva[PE_RDATA] + PE_LOAD_CONFIG + 0x58);
    ck_assert_uint_eq(rvas[PE_RELOCATIONS], 0xdeadbeef);
}
END_TEST

START_TEST(relocation_over_two_sections)
{
    uint32_t rvas[PE_RELOCATIONS];

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RELOC], 4, pe.rva[PE_DATA] + 0x1000);
    open_pe();
    image_relocations(&image, rvas);
    ck_assert_uint_eq(rvas[2] + 4, pe.rva[PE_BSS]);
}
END_TEST

START_TEST(functions)
{
    static const uint32_t starts[] = {PE_FN_PLAIN, PE_FN_HANDLER, PE_FN_CHAINED, PE_FN_MACHINE};
    struct image_function function;
    struct image_handler handler;

    build();
    ck_assert_uint_eq(image.pdata_count, PE_FUNCTIONS);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t begin = pe.rva[PE_TEXT] + starts[i];

        ck_assert_uint_eq(image_function_at(&image, i).begin_rva, begin);
        ck_assert(image_function_find(&image, begin, &function));
        ck_assert_uint_eq(function.begin_rva, begin);
        ck_assert_uint_eq(image_function_primary(&image, &function).begin_rva,
                          pe.rva[PE_TEXT] + (i == 2 ? PE_FN_PLAIN : starts[i]));
        ck_assert_int_eq(image_function_handler(&image, &function, &handler), i == 1);
        ck_assert(image_function_find(&image, function.end_rva - 1, &function));
        ck_assert_uint_eq(function.begin_rva, begin);
    }
    function = image_function_at(&image, 1);
    ck_assert(image_function_handler(&image, &function, &handler));
    ck_assert_uint_eq(handler.rva, pe.rva[PE_TEXT] + PE_FN_PLAIN);
    ck_assert_uint_eq(handler.data_rva, pe.rva[PE_RDATA] + PE_UNWIND_HANDLER + 12);
    ck_assert(handler.exception && handler.termination);
    ck_assert(!image_function_find(&image, pe.rva[PE_TEXT] + PE_FN_PLAIN - 1, &function));
    ck_assert(!image_function_find(&image, pe.rva[PE_TEXT] + 0xc0, &function));
    ck_assert(!image_function_find(&image, UINT32_MAX, &function));
}
END_TEST

START_TEST(handler_kinds)
{
    struct image_function function;
    struct image_handler handler;

    for (unsigned kinds = 1; kinds <= 3; kinds++) {
        pe_build(&pe, NULL);
        pe_put(&pe, pe.raw[PE_RDATA] + PE_UNWIND_HANDLER, 1, kinds << 3 | 1);
        open_pe();
        function = image_function_at(&image, 1);
        ck_assert(image_function_handler(&image, &function, &handler));
        ck_assert_int_eq(handler.exception, kinds & 1);
        ck_assert_int_eq(handler.termination, kinds >> 1);
    }
}
END_TEST

START_TEST(handler_of_fragment)
{
    struct image_function function;
    struct image_handler handler;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_UNWIND_CHAINED + 8, 4, pe.rva[PE_TEXT] + PE_FN_HANDLER);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_UNWIND_CHAINED + 12, 4, pe.rva[PE_TEXT] + PE_FN_CHAINED);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_UNWIND_CHAINED + 16, 4, pe.rva[PE_RDATA] + PE_UNWIND_HANDLER);
    open_pe();
    function = image_function_at(&image, 2);
    ck_assert(image_function_handler(&image, &function, &handler));
    ck_assert_uint_eq(handler.data_rva, pe.rva[PE_RDATA] + PE_UNWIND_HANDLER + 12);
}
END_TEST

START_TEST(function_by_other_entry)
{
    /* Entry 1 names entry 0 instead of an unwind info. */
    struct image_function function;
    struct image_handler handler;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_PDATA] + 12 + 8, 4, pe.rva[PE_PDATA] + 1);
    open_pe();
    function = image_function_at(&image, 1);
    ck_assert(!image_function_handler(&image, &function, &handler));
}
END_TEST

START_TEST(function_table_padding)
{
    pe_build(&pe, NULL);
    pe_put(&pe, PE_DIRECTORY(3) + 4, 4, 12 * (PE_FUNCTIONS + 3));
    open_pe();
    ck_assert_uint_eq(image.pdata_count, PE_FUNCTIONS);
}
END_TEST

START_TEST(load_config)
{
    build();
    ck_assert_uint_eq(image.security_cookie_rva, pe.rva[PE_DATA] + 0x40);
    ck_assert_uint_eq(image.guard_check_pointer_rva, pe.rva[PE_RDATA] + 0x500);
    ck_assert_uint_eq(image.guard_dispatch_pointer_rva, pe.rva[PE_RDATA] + 0x508);
    ck_assert_uint_eq(image.guard_flags, 0x100);
}
END_TEST

/* Sizes of the load configuration and which fields each has. */
static const struct {
    uint32_t size;
    bool cookie, check, dispatch, flags;
} config_cases[] = {
    {0x94, true, true, true, true},     {0x93, true, true, true, false},
    {0x80, true, true, true, false},    {0x7f, true, true, false, false},
    {0x78, true, true, false, false},   {0x77, true, false, false, false},
    {0x60, true, false, false, false},  {0x5f, false, false, false, false},
    {0x04, false, false, false, false},
};

START_TEST(load_config_sizes)
{
    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_LOAD_CONFIG, 4, config_cases[_i].size);
    open_pe();
    ck_assert_int_eq(image.security_cookie_rva != 0, config_cases[_i].cookie);
    ck_assert_int_eq(image.guard_check_pointer_rva != 0, config_cases[_i].check);
    ck_assert_int_eq(image.guard_dispatch_pointer_rva != 0, config_cases[_i].dispatch);
    ck_assert_int_eq(image.guard_flags != 0, config_cases[_i].flags);
}
END_TEST

START_TEST(load_config_size_from_directory)
{
    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_LOAD_CONFIG, 4, 0);
    pe_put(&pe, PE_DIRECTORY(10) + 4, 4, 0x70);
    open_pe();
    ck_assert_uint_ne(image.security_cookie_rva, 0);
    ck_assert_uint_eq(image.guard_check_pointer_rva, 0);
}
END_TEST

START_TEST(pdb)
{
    struct image_pdb reference;

    build();
    ck_assert(image_pdb_reference(&image, &reference));
    ck_assert_uint_eq(reference.guid[0], 0xa0);
    ck_assert_uint_eq(reference.guid[15], 0xaf);
    ck_assert_uint_eq(reference.age, 3);
    ck_assert_str_eq(reference.path, "test.pdb");
}
END_TEST

START_TEST(pdb_not_mapped)
{
    struct image_pdb reference;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_DEBUG + 28 + 20, 4, 0);
    open_pe();
    ck_assert(image_pdb_reference(&image, &reference));
    ck_assert_str_eq(reference.path, "test.pdb");
}
END_TEST

/* A field of the debug directory or of the record, and a value that takes the reference away. */
static const struct {
    uint32_t place, width;
    uint64_t value;
} pdb_cases[] = {
    {PE_DEBUG + 28 + 12, 4, 1},          /* another kind of record */
    {PE_DEBUG + 28 + 16, 4, 24},         /* no room for a path */
    {PE_DEBUG + 28 + 16, 4, 24 + 8},     /* a path without its end */
    {PE_DEBUG + 28 + 16, 4, UINT32_MAX}, /* larger than the file */
    {PE_DEBUG + 28 + 20, 4, 0x00f00000}, /* outside of the image */
    {PE_RSDS, 1, 'N'},                   /* no RSDS */
};

START_TEST(pdb_malformed)
{
    struct image_pdb reference;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + pdb_cases[_i].place, pdb_cases[_i].width, pdb_cases[_i].value);
    open_pe();
    ck_assert(!image_pdb_reference(&image, &reference));
}
END_TEST

START_TEST(pdb_place_beyond_file)
{
    struct image_pdb reference;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_DEBUG + 28 + 20, 4, 0);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_DEBUG + 28 + 24, 4, UINT32_MAX);
    open_pe();
    ck_assert(!image_pdb_reference(&image, &reference));
}
END_TEST

START_TEST(checksum)
{
    pe_build(&pe, NULL);
    for (unsigned odd = 0; odd < 2; odd++) {
        pe.size += odd;
        pe.bytes[pe.size - 1] = 0x5a;
        pe_put(&pe, PE_OPTIONAL + 64, 4, 0);
        open_pe();
        ck_assert(image_checksum_ok(&image)); /* none */
        pe_put(&pe, PE_OPTIONAL + 64, 4, image_checksum(&image));
        open_pe();
        ck_assert(image.checksum != 0);
        ck_assert(image_checksum_ok(&image));
        pe.bytes[pe.size - 1] ^= 1;
        ck_assert(!image_checksum_ok(&image));
    }
}
END_TEST

START_TEST(nothing_optional)
{
    /* No directory at all: no imports, no exports, no relocations, no functions. */
    struct image_import_cursor cursor = {0, 0, 0};
    struct image_import import;
    struct image_export export;
    struct image_function function;
    struct image_pdb reference;

    pe_build(&pe, NULL);
    memset(pe.bytes + PE_DIRECTORY(0), 0, 128);
    pe_put(&pe, PE_OPTIONAL + 108, 4, 0);
    pe_put(&pe, PE_OPTIONAL + 16, 4, 0);
    open_pe();
    ck_assert(!image_next_import(&image, &cursor, &import));
    ck_assert_uint_eq(image_export_count(&image), 0);
    ck_assert(!image_export_at(&image, 0, &export));
    ck_assert(!image_export_find(&image, "Alpha", &export));
    ck_assert(!image_export_find_ordinal(&image, 5, &export));
    ck_assert_uint_eq(image.reloc_count, 0);
    image_relocations(&image, NULL);
    ck_assert(!image_function_find(&image, pe.rva[PE_TEXT] + PE_FN_PLAIN, &function));
    ck_assert(!image_pdb_reference(&image, &reference));
    ck_assert_uint_eq(image.entry_rva, 0);
    ck_assert_uint_eq(image.security_cookie_rva, 0);
}
END_TEST

START_TEST(empty_directories)
{
    pe_build(&pe, NULL);
    pe_put(&pe, PE_DIRECTORY(3) + 4, 4, 0);
    pe_put(&pe, PE_DIRECTORY(5) + 4, 4, 0);
    pe_put(&pe, PE_DIRECTORY(6) + 4, 4, 0);
    open_pe();
    ck_assert_uint_eq(image.pdata_count, 0);
    ck_assert_uint_eq(image.reloc_count, 0);
    ck_assert_uint_eq(image.debug_size, 0);
}
END_TEST

START_TEST(symbols_and_stripped)
{
    pe_build(&pe, NULL);
    pe_put(&pe, PE_FILE + 8, 4, pe.size - 36);
    pe_put(&pe, PE_FILE + 12, 4, 2);
    pe_put(&pe, PE_FILE + 18, 2, 0x23);
    open_pe();
    ck_assert_uint_eq(image.symbol_table_offset, pe.size - 36);
    ck_assert_uint_eq(image.symbol_count, 2);
    ck_assert(image.relocations_stripped);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
    Suite *suite = suite_create("image");
    TCase *tests = tcase_create("valid images");

    tcase_add_test(tests, headers);
    tcase_add_test(tests, sections);
    tcase_add_test(tests, section_lookup);
    tcase_add_test(tests, section_gap);
    tcase_add_test(tests, bytes);
    tcase_add_test(tests, copy_all);
    tcase_add_test(tests, raw_data_larger_than_section);
    tcase_add_test(tests, virtual_size_zero);
    tcase_add_test(tests, odd_section_name);
    tcase_add_loop_test(tests, flags, 0, COUNT(flag_cases));
    tcase_add_test(tests, flat_image);
    tcase_add_test(tests, flat_image_packed);
    tcase_add_test(tests, imports);
    tcase_add_test(tests, import_of_nothing);
    tcase_add_test(tests, import_end_in_zeros);
    tcase_add_test(tests, exports);
    tcase_add_test(tests, many_unnamed_exports);
    tcase_add_test(tests, relocations);
    tcase_add_test(tests, relocation_over_two_sections);
    tcase_add_test(tests, functions);
    tcase_add_test(tests, handler_kinds);
    tcase_add_test(tests, handler_of_fragment);
    tcase_add_test(tests, function_by_other_entry);
    tcase_add_test(tests, function_table_padding);
    tcase_add_test(tests, load_config);
    tcase_add_loop_test(tests, load_config_sizes, 0, COUNT(config_cases));
    tcase_add_test(tests, load_config_size_from_directory);
    tcase_add_test(tests, pdb);
    tcase_add_test(tests, pdb_not_mapped);
    tcase_add_loop_test(tests, pdb_malformed, 0, COUNT(pdb_cases));
    tcase_add_test(tests, pdb_place_beyond_file);
    tcase_add_test(tests, checksum);
    tcase_add_test(tests, nothing_optional);
    tcase_add_test(tests, empty_directories);
    tcase_add_test(tests, symbols_and_stripped);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
