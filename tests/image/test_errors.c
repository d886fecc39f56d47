/* SPDX-License-Identifier: MIT */
/*
 * One field of a valid image broken at a time: each must be refused with its status, the structure,
 * and a reason; and every shorter piece of the image too.
 */
#include "image/image.h"

#include "pe.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Where sections are in the page-aligned image of pe_build. */
#define FILE_OF(section)  (PE_HEADERS + PE_RAW * ((section) - ((section) > PE_BSS ? 1 : 0)))
#define RDATA(offset)     (FILE_OF(PE_RDATA) + (offset))
#define PDATA(index)      (FILE_OF(PE_PDATA) + 12u * (index))
#define RELOC(offset)     (FILE_OF(PE_RELOC) + (offset))
#define RVA_RDATA(offset) (0x5000u + (offset))
#define FILE_SIZE         FILE_OF(PE_SECTIONS)

#define NOWHERE 0x00300000u /* an rva behind the image */
#define IN_BSS  0x8000u

struct breakage {
    uint32_t place, width;
    uint64_t value;
    pg_status status;
    const char *structure, *reason; /* the latter a part of it */
};

static const struct breakage headers[] = {
    {0, 1, 'N', PG_E_UNSUPPORTED, "DOS header", "no MZ"},
    {0x3c, 4, 0x82, PG_E_FORMAT, "DOS header", "not 4-byte aligned"},
    {0x3c, 4, FILE_SIZE - 20, PG_E_TRUNCATED, "PE header", "ends at"},
    {0x3c, 4, 0xfffffffc, PG_E_TRUNCATED, "PE header", "ends at 0x100000014"},
    {0x3c, 4, 0x40, PG_E_UNSUPPORTED, "PE signature", "not a PE image (0x0)"},
    {PE_SIGNATURE, 2, 0x454e, PG_E_UNSUPPORTED, "PE signature", "not a PE image (0x454e)"},
    {PE_FILE, 2, 0x14c, PG_E_UNSUPPORTED, "file header", "0x14c (32-bit x86)"},
    {PE_FILE, 2, 0xaa64, PG_E_UNSUPPORTED, "file header", "(ARM64)"},
    {PE_FILE, 2, 0, PG_E_UNSUPPORTED, "file header", "machine 0x0;"},
    {PE_FILE + 2, 2, 0, PG_E_FORMAT, "file header", "no sections"},
    {PE_FILE + 2, 2, 97, PG_E_UNSUPPORTED, "file header", "97 sections; at most 96"},
    {PE_FILE + 2, 2, 96, PG_E_FORMAT, "optional header", "the section table ends at"},
    {PE_FILE + 8, 4, FILE_SIZE + 1, PG_E_TRUNCATED, "symbol table", "ends at"},
    {PE_FILE + 16, 2, 111, PG_E_FORMAT, "file header", "at least 112"},
    {PE_FILE + 16, 2, 112 + 127, PG_E_FORMAT, "optional header", "16 data directories"},
    {PE_FILE + 16, 2, 0xffff, PG_E_TRUNCATED, "section table", "ends at"},
    {PE_FILE + 18, 2, 0x20, PG_E_FORMAT, "file header", "linked"},
    {PE_OPTIONAL, 2, 0x10b, PG_E_UNSUPPORTED, "optional header", "0x10b is not PE32+"},
    {PE_OPTIONAL + 16, 4, 0x10, PG_E_FORMAT, "optional header", "entry point 0x10"},
    {PE_OPTIONAL + 16, 4, NOWHERE, PG_E_FORMAT, "optional header", "entry point 0x300000"},
    {PE_OPTIONAL + 24, 8, 0x140008000, PG_E_FORMAT, "optional header", "base 0x140008000"},
    {PE_OPTIONAL + 24, 8, 0xffffffffffff0000, PG_E_FORMAT, "optional header", "end of the address"},
    {PE_OPTIONAL + 32, 4, 0, PG_E_FORMAT, "optional header", "section alignment 0x0"},
    {PE_OPTIONAL + 32, 4, 0x1001, PG_E_FORMAT, "optional header", "section alignment 0x1001"},
    {PE_OPTIONAL + 32, 4, 0x800, PG_E_FORMAT, "optional header", "they must be the same"},
    {PE_OPTIONAL + 32, 4, 0x2000, PG_E_FORMAT, "section table entry 0", "no multiple of 0x2000"},
    {PE_OPTIONAL + 32, 4, 0x80000000, PG_E_FORMAT, "section table entry 0", "no multiple"},
    {PE_OPTIONAL + 36, 4, 0, PG_E_FORMAT, "optional header", "file alignment 0x0"},
    {PE_OPTIONAL + 36, 4, 0x300, PG_E_FORMAT, "optional header", "file alignment 0x300"},
    {PE_OPTIONAL + 36, 4, 0x100, PG_E_FORMAT, "optional header", "a sector"},
    {PE_OPTIONAL + 36, 4, 0x2000, PG_E_FORMAT, "optional header", "up to the section alignment"},
    {PE_OPTIONAL + 56, 4, 0, PG_E_FORMAT, "optional header", "an image of 0x0 bytes"},
    {PE_OPTIONAL + 56, 4, 0xffffffff, PG_E_FORMAT, "optional header", "an image of 0xffffffff"},
    {PE_OPTIONAL + 56, 4, 0xa000, PG_E_FORMAT, "section table entry 7", "the image has 0xa000"},
    {PE_OPTIONAL + 56, 4, 0xc000, PG_E_FORMAT, "section table", "the image ends at 0xc000"},
    {PE_OPTIONAL + 60, 4, 0x200, PG_E_FORMAT, "optional header", "the section table ends at"},
    {PE_OPTIONAL + 60, 4, FILE_SIZE + 1, PG_E_TRUNCATED, "headers", "ends at"},
    {PE_OPTIONAL + 60, 4, 0x1200, PG_E_FORMAT, "section table entry 0", "up to 0x2000"},
    {PE_OPTIONAL + 108, 4, 17, PG_OK, "", ""}, /* more than there are directories: not read */
    {PE_OPTIONAL + 108, 4, 0xffffffff, PG_OK, "", ""},
};

static const struct breakage sections[] = {
    {PE_SECTION(PE_BSS) + 8, 4, 0, PG_E_FORMAT, "section table entry 5", "is empty"},
    {PE_SECTION(PE_PAGE) + 8, 4, 0x2001, PG_E_FORMAT, "section table entry 2", "overlaps"},
    {PE_SECTION(PE_RELOC) + 8, 4, 0x1001, PG_E_FORMAT, "section table entry 7", "ends at rva"},
    {PE_SECTION(PE_TEXT) + 8, 4, 0xffffffff, PG_E_FORMAT, "section table entry 0", "0x100000fff"},
    {PE_SECTION(PE_TEXT) + 12, 4, 0x1200, PG_E_FORMAT, "section table entry 0", "no multiple"},
    {PE_SECTION(PE_TEXT) + 12, 4, 0, PG_E_FORMAT, "section table entry 0", "overlaps"},
    {PE_SECTION(PE_INIT) + 12, 4, 0x1000, PG_E_FORMAT, "section table entry 2", "overlaps"},
    {PE_SECTION(PE_TEXT) + 12, 4, 0xfffff000, PG_E_FORMAT, "section table entry 0", "ends at rva"},
    {PE_SECTION(PE_RELOC) + 16, 4, PE_RAW + 1, PG_E_TRUNCATED, "section table entry 7", "the file"},
    {PE_SECTION(PE_TEXT) + 16, 4, 0xffffffff, PG_E_TRUNCATED, "section table entry 0", "the file"},
    {PE_SECTION(PE_TEXT) + 20, 4, 0xffffff00, PG_E_TRUNCATED, "section table entry 0", "the file"},
    {PE_SECTION(PE_TEXT) + 20, 4, 0x510, PG_E_FORMAT, "section table entry 0", "multiple of 0x200"},
};

static const struct breakage imports[] = {
    {PE_DIRECTORY(1), 4, NOWHERE, PG_E_FORMAT, "import table", "descriptor 0 at rva 0x300000"},
    {PE_DIRECTORY(1), 4, 0xfffffff8, PG_E_FORMAT, "import table", "the table has no end"},
    {RDATA(12), 4, 0, PG_E_FORMAT, "import descriptor 0", "has no name"},
    {RDATA(12), 4, NOWHERE, PG_E_FORMAT, "import descriptor 0", "lies outside of the file"},
    {RDATA(12), 4, IN_BSS, PG_E_FORMAT, "import descriptor 0", "lies outside of the file"},
    {RDATA(PE_MODULE_0), 1, 0, PG_E_FORMAT, "import descriptor 0", "is empty"},
    {RDATA(PE_MODULE_0), 1, 0x1f, PG_E_FORMAT, "import descriptor 0", "not printable"},
    {RDATA(PE_MODULE_1 + 3), 1, 0xe4, PG_E_FORMAT, "import descriptor 1", "not printable"},
    {RDATA(16), 4, 0, PG_E_FORMAT, "import descriptor 0", "has no slots"},
    {RDATA(16), 4, NOWHERE, PG_E_FORMAT, "import descriptor 0", "slot 0 at rva 0x300000"},
    {RDATA(16), 4, 0x80, PG_E_FORMAT, "import descriptor 0", "slot 0 at rva 0x80"},
    {RDATA(16), 4, 0xaff4, PG_E_FORMAT, "import descriptor 0", "slot 1 at rva 0xaffc"},
    {RDATA(16), 4, 0xfffffff8, PG_E_FORMAT, "import descriptor 0", "lies in no section"},
    {RDATA(0), 4, NOWHERE, PG_E_FORMAT, "import descriptor 0", "leave the section at entry 0"},
    {RDATA(0), 4, 0xfffffff8, PG_E_FORMAT, "import descriptor 0", "leave the section at entry 0"},
    {RDATA(PE_NAMES_0), 8, 0x8000000000010000, PG_E_FORMAT, "import descriptor 0 entry 0",
     "0x8000000000010000 is no ordinal"},
    {RDATA(PE_NAMES_0), 8, 0x0000000100005000, PG_E_FORMAT, "import descriptor 0 entry 0",
     "no rva"},
    {RDATA(PE_NAMES_0 + 8), 8, NOWHERE, PG_E_FORMAT, "import descriptor 0 entry 1", "lies outside"},
    {RDATA(PE_NAMES_0 + 8), 8, 0xfe, PG_E_FORMAT, "import descriptor 0 entry 1", "is empty"},
    {RDATA(PE_HINT_HAL + 2), 1, 0, PG_E_FORMAT, "import descriptor 1 entry 0", "is empty"},
    {RDATA(PE_HINT_HAL + 5), 1, 0x7f, PG_E_FORMAT, "import descriptor 1 entry 0", "not printable"},
};

static const struct breakage exports[] = {
    {PE_DIRECTORY(0), 4, NOWHERE, PG_E_FORMAT, "export directory", "rva 0x300000 lies outside"},
    {PE_DIRECTORY(0), 4, IN_BSS, PG_E_FORMAT, "export directory", "lies outside"},
    {PE_DIRECTORY(0), 4, 0x5000 + PE_RAW - 39, PG_E_FORMAT, "export directory", "lies outside"},
    {RDATA(PE_EXPORTS + 16), 4, 0x10000, PG_E_FORMAT, "export directory", "first ordinal 0x10000"},
    {RDATA(PE_EXPORTS + 20), 4, 16385, PG_E_UNSUPPORTED, "export directory", "16385 slots; at"},
    {RDATA(PE_EXPORTS + 20), 4, 0xffffffff, PG_E_UNSUPPORTED, "export directory", "4294967295 s"},
    {RDATA(PE_EXPORTS + 20), 4, 16384, PG_E_FORMAT, "export directory", "the table of 16384 slots"},
    {RDATA(PE_EXPORTS + 20), 4, 4, PG_E_FORMAT, "export name 2", "slot 4"},
    {RDATA(PE_EXPORTS + 24), 4, 16385, PG_E_UNSUPPORTED, "export directory", "16385 names"},
    {RDATA(PE_EXPORTS + 24), 4, 400, PG_E_FORMAT, "export directory", "the table of 400 names"},
    {RDATA(PE_EXPORTS + 28), 4, NOWHERE, PG_E_FORMAT, "export directory",
     "5 slots at rva 0x300000"},
    {RDATA(PE_EXPORTS + 32), 4, 0, PG_E_FORMAT, "export name 0", "lies outside"},
    {RDATA(PE_EXPORTS + 32), 4, NOWHERE, PG_E_FORMAT, "export directory", "4 names at rva"},
    {RDATA(PE_EXPORTS + 36), 4, IN_BSS, PG_E_FORMAT, "export directory", "4 slots of names"},
    {RDATA(PE_EXPORT_SLOTS), 4, 0xb000, PG_E_FORMAT, "export slot 0", "lies outside of the image"},
    {RDATA(PE_EXPORT_SLOTS), 4, 0, PG_E_FORMAT, "export name 0", "slot 0, which is empty"},
    {RDATA(PE_EXPORT_SLOTS + 12), 4, RVA_RDATA(PE_EXPORT_TEXT + 5), PG_E_FORMAT, "export slot 3",
     "does not read module.name"}, /* "sys" */
    {RDATA(PE_EXPORT_SLOTS + 12), 4, RVA_RDATA(PE_EXPORT_TEXT + 4), PG_E_FORMAT, "export slot 3",
     "does not read module.name"}, /* ".sys" */
    {RDATA(PE_FORWARDER + 6), 1, 0, PG_E_FORMAT, "export slot 3", "does not read module.name"},
    {RDATA(PE_FORWARDER), 1, 0, PG_E_FORMAT, "export slot 3", "is empty"},
    {RDATA(PE_FORWARDER), 1, 0x80, PG_E_FORMAT, "export slot 3", "not printable"},
    {RDATA(PE_EXPORT_NAMES + 4), 4, NOWHERE, PG_E_FORMAT, "export name 1", "lies outside"},
    {RDATA(PE_EXPORT_INDICES + 2), 2, 5, PG_E_FORMAT, "export name 1", "slot 5"},
    {RDATA(PE_EXPORT_INDICES + 2), 2, 0xffff, PG_E_FORMAT, "export name 1", "slot 65535"},
    {RDATA(PE_EXPORT_TEXT + 10), 1, 'Z', PG_E_FORMAT, "export name 1", "is out of order"},
};

static const struct breakage relocations[] = {
    {PE_DIRECTORY(5), 4, NOWHERE, PG_E_FORMAT, "relocation directory", "0x1c bytes at rva"},
    {PE_DIRECTORY(5) + 4, 4, 0xffffffff, PG_E_FORMAT, "relocation directory", "lie outside"},
    {PE_DIRECTORY(5) + 4, 4, 28 + 8, PG_E_FORMAT, "relocation block", "a size of 0x0"},
    {PE_DIRECTORY(5) + 4, 4, 28 + 4, PG_E_FORMAT, "relocation block", "0x4 bytes left"},
    {PE_DIRECTORY(5) + 4, 4, 26, PG_E_FORMAT, "relocation block", "a size of 0xc with 0xa"},
    {RELOC(4), 4, 0, PG_E_FORMAT, "relocation block", "a size of 0x0"},
    {RELOC(4), 4, 6, PG_E_FORMAT, "relocation block", "a size of 0x6"},
    {RELOC(4), 4, 15, PG_E_FORMAT, "relocation block", "a size of 0xf"},
    {RELOC(4), 4, 0xfffffff0, PG_E_FORMAT, "relocation block", "a size of 0xfffffff0"},
    {RELOC(0), 4, NOWHERE, PG_E_FORMAT, "relocation", "rva 0x300000 lies in no section"},
    {RELOC(0), 4, 0, PG_E_FORMAT, "relocation", "rva 0x0 lies in no section"},
    {RELOC(0), 4, 0xfffffffc, PG_E_FORMAT, "relocation", "rva 0xfffffffc lies"},
    {RELOC(0), 4, 0xffc, PG_E_FORMAT, "relocation", "rva 0xffc lies in no section"},
    {RELOC(16), 4, 0xb000 - (PE_LOAD_CONFIG + 0x58) - 7, PG_E_FORMAT, "relocation", "0xaff9"},
    {RELOC(8), 2, 0x3000, PG_E_UNSUPPORTED, "relocation", "type 3 at rva 0x6000"},
    {RELOC(10), 2, 0xf008, PG_E_UNSUPPORTED, "relocation", "type 15 at rva 0x6008"},
};

static const struct breakage functions[] = {
    {PE_DIRECTORY(3), 4, NOWHERE, PG_E_FORMAT, "function table", "lie outside of the file"},
    {PE_DIRECTORY(3) + 4, 4, 0xfffffffc, PG_E_FORMAT, "function table", "lie outside of the file"},
    {PE_DIRECTORY(3) + 4, 4, 59, PG_E_FORMAT, "function table", "no multiple of 12"},
    {PDATA(0), 4, 0x1040, PG_E_FORMAT, "function table entry 0", "an empty range"},
    {PDATA(0) + 4, 4, 0, PG_E_FORMAT, "function table entry 0", "an empty range"},
    {PDATA(4) + 4, 4, 0xb001, PG_E_FORMAT, "function table entry 4", "outside of the image"},
    {PDATA(1), 4, 0x103f, PG_E_FORMAT, "function table entry 1", "out of order"},
    {PDATA(2), 4, 0x1001, PG_E_FORMAT, "function table entry 2", "out of order"},
    {PDATA(0) + 8, 4, NOWHERE, PG_E_FORMAT, "function table entry 0", "lies outside of the file"},
    {PDATA(0) + 8, 4, IN_BSS, PG_E_FORMAT, "function table entry 0", "lies outside of the file"},
    {PDATA(0) + 8, 4, RVA_RDATA(PE_UNWIND_PLAIN + 2), PG_E_FORMAT, "function table entry 0",
     "not 4-byte aligned"},
    {PDATA(0) + 8, 4, NOWHERE + 1, PG_E_FORMAT, "function table entry 0", "names an entry outside"},
    {PDATA(0) + 8, 4, RVA_RDATA(PE_RAW - 4), PG_E_FORMAT, "function table entry 0", "version"},
    {RDATA(PE_UNWIND_PLAIN), 1, 0, PG_E_FORMAT, "function table entry 0", "unknown version"},
    {RDATA(PE_UNWIND_PLAIN), 1, 3, PG_E_FORMAT, "function table entry 0", "unknown version"},
    {RDATA(PE_UNWIND_PLAIN), 1, 0x41, PG_E_FORMAT, "function table entry 0", "impossible flags"},
    {RDATA(PE_UNWIND_PLAIN), 1, 0x29, PG_E_FORMAT, "function table entry 0", "impossible flags"},
    {RDATA(PE_UNWIND_PLAIN + 5), 1, 0x36, PG_E_FORMAT, "function table entry 0", "unknown or cut"},
    {RDATA(PE_UNWIND_PLAIN + 5), 1, 0x3f, PG_E_FORMAT, "function table entry 0", "unknown or cut"},
    {RDATA(PE_UNWIND_PLAIN + 5), 1, 0x21, PG_E_FORMAT, "function table entry 0", "unknown or cut"},
    {RDATA(PE_UNWIND_PLAIN + 5), 1, 0x03, PG_E_FORMAT, "function table entry 0", "unknown or cut"},
    {RDATA(PE_UNWIND_PLAIN + 5), 1, 0x2a, PG_E_FORMAT, "function table entry 0", "unknown or cut"},
    {RDATA(PE_UNWIND_PLAIN + 7), 1, 0x34, PG_E_FORMAT, "function table entry 0", "unknown or cut"},
    {RDATA(PE_UNWIND_PLAIN + 5), 1, 0x35, PG_E_FORMAT, "function table entry 0", "unknown or cut"},
    {RDATA(PE_UNWIND_HANDLER + 8), 4, 0, PG_E_FORMAT, "function table entry 1", "no section"},
    {RDATA(PE_UNWIND_HANDLER + 8), 4, NOWHERE, PG_E_FORMAT, "function table entry 1", "no section"},
    {RDATA(PE_UNWIND_CHAINED + 8), 4, NOWHERE, PG_E_FORMAT, "function table entry 2",
     "chained to an impossible range"},
    {RDATA(PE_UNWIND_CHAINED + 12), 4, NOWHERE, PG_E_FORMAT, "function table entry 2",
     "chained to an impossible range"},
    {RDATA(PE_UNWIND_CHAINED + 16), 4, NOWHERE, PG_E_FORMAT, "function table entry 2",
     "chained to a malformed one"},
    {RDATA(PE_UNWIND_CHAINED + 16), 4, RVA_RDATA(PE_UNWIND_CHAINED), PG_E_FORMAT,
     "function table entry 2", "chained without an end"},
};

static const struct breakage others[] = {
    {PE_DIRECTORY(10), 4, NOWHERE, PG_E_FORMAT, "load configuration", "at rva 0x300000"},
    {RDATA(PE_LOAD_CONFIG), 4, 3, PG_E_FORMAT, "load configuration", "0x3 bytes"},
    {RDATA(PE_LOAD_CONFIG), 4, PE_RAW, PG_E_FORMAT, "load configuration", "0x600 bytes"},
    {RDATA(PE_LOAD_CONFIG), 4, 0xffffffff, PG_E_FORMAT, "load configuration", "0xffffffff bytes"},
    {RDATA(PE_LOAD_CONFIG + 0x58), 8, 1, PG_E_FORMAT, "load configuration",
     "security cookie at 0x1 lies"},
    {RDATA(PE_LOAD_CONFIG + 0x58), 8, 0x14000affc, PG_E_FORMAT, "load configuration",
     "0x14000affc"},
    {RDATA(PE_LOAD_CONFIG + 0x58), 8, 0x240006000, PG_E_FORMAT, "load configuration",
     "0x240006000"},
    {RDATA(PE_LOAD_CONFIG + 0x58), 8, 0x13ffff000, PG_E_FORMAT, "load configuration", "no section"},
    {RDATA(PE_LOAD_CONFIG + 0x70), 8, 0x140000010, PG_E_FORMAT, "load configuration",
     "guard check pointer"},
    {RDATA(PE_LOAD_CONFIG + 0x78), 8, 0x140300000, PG_E_FORMAT, "load configuration",
     "guard dispatch pointer"},
    {PE_DIRECTORY(6), 4, NOWHERE, PG_E_FORMAT, "debug directory", "0x38 bytes at rva 0x300000"},
    {PE_DIRECTORY(6) + 4, 4, 0xffffffff, PG_E_FORMAT, "debug directory", "lie outside"},
};

static struct pe pe;
static struct image image;
static struct image_error error;

static void break_it(const struct breakage *breakage)
{
    pg_status status;

    pe_build(&pe, NULL);
    ck_assert_uint_eq(pe.size, FILE_SIZE);
    ck_assert_uint_ne(pe_get(&pe, breakage->place, breakage->width), breakage->value);
    pe_put(&pe, breakage->place, breakage->width, breakage->value);
    status = image_open(pe.bytes, pe.size, &image, &error);
    ck_assert_msg(status == breakage->status && strcmp(error.structure, breakage->structure) == 0 &&
                      strstr(error.reason, breakage->reason) != NULL,
                  "place 0x%x value 0x%lx: %s, %s: %s", breakage->place,
                  (unsigned long)breakage->value, pg_status_name(status), error.structure,
                  error.reason);
    ck_assert_int_eq(error.status, status);
    ck_assert_uint_le(error.offset, pe.size);
}

#define TEST_OF(table)                                                                             \
    START_TEST(break_##table)                                                                      \
    {                                                                                              \
        break_it(&table[_i]);                                                                      \
    }                                                                                              \
    END_TEST
TEST_OF(headers)
TEST_OF(sections)
TEST_OF(imports)
TEST_OF(exports)
TEST_OF(relocations)
TEST_OF(functions)
TEST_OF(others)

/* The error names the place of the field itself. */
START_TEST(places)
{
    static const struct {
        uint32_t place;
        uint64_t value;
        uint64_t offset;
    } cases[] = {
        {PE_SECTION(3) + 12, 0x5001, PE_SECTION(3) + 12},
        {PE_SECTION(7) + 16, 0x10000, PE_SECTION(7) + 16},
        {RELOC(4), 0, RELOC(0)},
        {RELOC(10), 0x30000000, RELOC(12)},
        {PDATA(1), 0x1001, PDATA(1)},
        {RDATA(12), NOWHERE, RDATA(12)},
        {RDATA(PE_LOAD_CONFIG + 0x58), 5, RDATA(PE_LOAD_CONFIG + 0x58)},
        {PE_DIRECTORY(5), NOWHERE, PE_DIRECTORY(5)},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pe_build(&pe, NULL);
        pe_put(&pe, cases[i].place, 4, cases[i].value);
        ck_assert_int_ne(image_open(pe.bytes, pe.size, &image, &error), PG_OK);
        ck_assert_uint_eq(error.offset, cases[i].offset);
    }
}
END_TEST

START_TEST(no_bytes)
{
    ck_assert_int_eq(image_open(NULL, 0, &image, &error), PG_E_TRUNCATED);
    ck_assert_str_eq(error.reason, "the file is empty");
    ck_assert_int_eq(image_open("M", 1, &image, &error), PG_E_UNSUPPORTED);
    ck_assert_int_eq(image_open("MZ", 2, &image, &error), PG_E_TRUNCATED);
    ck_assert_int_eq(image_open("\177ELF", 4, &image, &error), PG_E_UNSUPPORTED);
}
END_TEST

START_TEST(every_shorter_file)
{
    pe_build(&pe, NULL);
    for (size_t size = 2; size < pe.size; size++) {
        ck_assert_int_eq(image_open(pe.bytes, size, &image, &error), PG_E_TRUNCATED);
    }
    ck_assert_int_eq(image_open(pe.bytes, pe.size, &image, &error), PG_OK);
}
END_TEST

START_TEST(texts_without_end)
{
    struct image_import_cursor cursor = {0, 0, 0};
    struct image_import import;
    size_t last = RDATA(PE_RAW - 1);

    pe_build(&pe, NULL); /* a name of one letter, the last byte of its part of the file */
    pe_put(&pe, RDATA(12), 4, RVA_RDATA(PE_RAW - 2));
    pe_put(&pe, last - 1, 1, 'x');
    ck_assert_int_eq(image_open(pe.bytes, pe.size, &image, &error), PG_OK);
    ck_assert(image_next_import(&image, &cursor, &import));
    ck_assert_str_eq(import.module, "x");
    pe_put(&pe, last, 1, 'y');
    ck_assert_int_eq(image_open(pe.bytes, pe.size, &image, &error), PG_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.reason, "is not terminated"));
}
END_TEST

START_TEST(texts_too_long)
{
    pe_build(&pe, NULL);
    pe_put(&pe, PE_SECTION(PE_DATA) + 8, 4, 0x1100);
    memset(pe.bytes + FILE_OF(PE_TEXT) + 0x100, 'a', IMAGE_MAX_NAME);
    pe_put(&pe, FILE_OF(PE_TEXT) + 0x100 + IMAGE_MAX_NAME, 1, 0);
    pe_put(&pe, RDATA(12), 4, 0x1100);
    ck_assert_int_eq(image_open(pe.bytes, pe.size, &image, &error), PG_OK);
    pe_put(&pe, FILE_OF(PE_TEXT) + 0x100 + IMAGE_MAX_NAME, 1, 'a');
    ck_assert_int_eq(image_open(pe.bytes, pe.size, &image, &error), PG_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.reason, "is too long"));
}
END_TEST

/*
 * Tables that point at each other so that reading them naively takes for ever.  A large .text
 * carries them; whatever the reader answers, it must do so at once (the harness has a time limit).
 */
#define LARGE_BYTES (8u << 20)

static uint8_t *large_image(size_t *size)
{
    uint8_t *bytes;

    pe_build(&pe, NULL); /* .reloc, last in the file and in memory, grows */
    *size = FILE_OF(PE_RELOC) + LARGE_BYTES;
    pe_put(&pe, PE_SECTION(PE_RELOC) + 8, 4, LARGE_BYTES);
    pe_put(&pe, PE_SECTION(PE_RELOC) + 16, 4, LARGE_BYTES);
    pe_put(&pe, PE_OPTIONAL + 56, 4, 0xa000 + LARGE_BYTES);
    pe_put(&pe, PE_DIRECTORY(5), 8, 0);
    bytes = calloc(1, *size);
    ck_assert_ptr_nonnull(bytes);
    return bytes;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    memcpy(bytes, &value, 4);
}

START_TEST(hostile_imports)
{
    size_t size;
    uint8_t *bytes = large_image(&size);
    uint8_t *own = bytes + FILE_OF(PE_RELOC);

    /* 1000 descriptors, all with one list of half a million names. */
    pe_put(&pe, PE_DIRECTORY(1), 4, 0xa000);
    memcpy(bytes, pe.bytes, FILE_OF(PE_RELOC));
    for (uint32_t i = 0; i < 1000; i++) {
        put32(own + 20 * i, 0xa000 + 0x10000);
        put32(own + 20 * i + 12, RVA_RDATA(PE_MODULE_0));
        put32(own + 20 * i + 16, 0xa000 + 0x10000);
    }
    for (uint32_t i = 0; i < 500000; i++) {
        put32(own + 0x10000 + 8 * i, RVA_RDATA(PE_HINT_KESET));
    }
    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.reason, "more than 16384 imports"));
    memset(own + 0x10000, 0, 8); /* now each has none */
    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_OK);
    for (uint32_t i = 0; i < 1100; i++) {
        put32(own + 20 * i + 12, RVA_RDATA(PE_MODULE_0));
        put32(own + 20 * i + 16, 0xa000 + 0x10000);
    }
    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.reason, "more than 1024 modules"));
    free(bytes);
}
END_TEST

START_TEST(hostile_functions)
{
    size_t size;
    uint8_t *bytes = large_image(&size);
    uint8_t *own = bytes + FILE_OF(PE_RELOC);
    const uint32_t count = 600000, chain = 0xa000 + 12 * 600000;

    /* All with one chain of as many infos as are allowed, each with as many operations. */
    pe_put(&pe, PE_DIRECTORY(3), 4, 0xa000);
    pe_put(&pe, PE_DIRECTORY(3) + 4, 4, 12 * count);
    pe_put(&pe, PE_DIRECTORY(10), 4, 0);
    memcpy(bytes, pe.bytes, FILE_OF(PE_RELOC));
    for (uint32_t i = 0; i < count; i++) {
        put32(own + 12 * i, 0x1000 + i);
        put32(own + 12 * i + 4, 0x1001 + i);
        put32(own + 12 * i + 8, chain);
    }
    for (uint32_t i = 0; i <= IMAGE_MAX_CHAIN; i++) {
        uint8_t *info = own + 12 * count + 1024 * i;

        info[0] = i < IMAGE_MAX_CHAIN ? 0x21 : 0x01;
        info[2] = 254;
        for (uint32_t j = 0; j < 254; j++) {
            info[4 + 2 * j + 1] = 0x02;
        }
        put32(info + 4 + 508, 0x1000);
        put32(info + 4 + 508 + 4, 0x2000);
        put32(info + 4 + 508 + 8, chain + 1024 * (i + 1));
    }
    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_OK);
    ck_assert_uint_eq(image.pdata_count, count);
    own[12 * count + 1024 * IMAGE_MAX_CHAIN] = 0x21;
    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.reason, "chained without an end"));
    free(bytes);
}
END_TEST

START_TEST(hostile_exports)
{
    size_t size;
    uint8_t *bytes = large_image(&size);
    uint8_t *own = bytes + FILE_OF(PE_RELOC);
    struct image_export export;

    /* As many names as are allowed, all the same text of the greatest length, and all forwarded. */
    pe_put(&pe, RDATA(PE_EXPORTS + 20), 4, IMAGE_MAX_EXPORTS);
    pe_put(&pe, RDATA(PE_EXPORTS + 24), 4, IMAGE_MAX_EXPORTS);
    pe_put(&pe, RDATA(PE_EXPORTS + 28), 4, 0xa000);
    pe_put(&pe, RDATA(PE_EXPORTS + 32), 4, 0x1a000);
    pe_put(&pe, RDATA(PE_EXPORTS + 36), 4, 0x2a000);
    pe_put(&pe, PE_DIRECTORY(0) + 4, 4, LARGE_BYTES);
    memcpy(bytes, pe.bytes, FILE_OF(PE_RELOC));
    for (uint32_t i = 0; i < IMAGE_MAX_EXPORTS; i++) {
        put32(own + 4 * i, 0x3a000);
        put32(own + 0x10000 + 4 * i, 0x3a000);
    }
    memset(own + 0x30000, 'x', IMAGE_MAX_NAME);
    own[0x30000 + 9] = '.';
    ck_assert_int_eq(image_open(bytes, size, &image, &error), PG_OK);
    ck_assert_uint_eq(image_export_count(&image), 2 * IMAGE_MAX_EXPORTS - 1);
    ck_assert(image_export_at(&image, 2 * IMAGE_MAX_EXPORTS - 2, &export));
    ck_assert_uint_eq(export.ordinal, 5 + IMAGE_MAX_EXPORTS - 1);
    ck_assert_ptr_nonnull(export.forwarder);
    free(bytes);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
    Suite *suite = suite_create("image errors");
    TCase *tests = tcase_create("broken images");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, break_headers, 0, COUNT(headers));
    tcase_add_loop_test(tests, break_sections, 0, COUNT(sections));
    tcase_add_loop_test(tests, break_imports, 0, COUNT(imports));
    tcase_add_loop_test(tests, break_exports, 0, COUNT(exports));
    tcase_add_loop_test(tests, break_relocations, 0, COUNT(relocations));
    tcase_add_loop_test(tests, break_functions, 0, COUNT(functions));
    tcase_add_loop_test(tests, break_others, 0, COUNT(others));
    tcase_add_test(tests, places);
    tcase_add_test(tests, no_bytes);
    tcase_add_test(tests, every_shorter_file);
    tcase_add_test(tests, texts_without_end);
    tcase_add_test(tests, texts_too_long);
    tcase_add_test(tests, hostile_imports);
    tcase_add_test(tests, hostile_functions);
    tcase_add_test(tests, hostile_exports);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
