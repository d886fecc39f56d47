/* SPDX-License-Identifier: MIT */
/*
 * What each source gives, how sources add up, how paths are shown, where a PDB is looked for and
 * when it is refused, and running out of memory.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "load.h"
#include "support/run.h"
#include "support/scratch.h"
#include "symbols/child.h"
#include "symbols/path.h"
#include "symbols/table.h"

#define SYMBOL_PATH "_NT_SYMBOL_PATH"

static struct bytes text(const char *s)
{
    struct bytes b = {(const uint8_t *)s, strlen(s)};

    return b;
}

/* A folder that the test may fill; its contents are named by `in_scratch`. */
static char scratch[256];

static const char *in_scratch(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static void set_up(void)
{
    scratch_template(scratch, sizeof scratch, "pagable-symbols");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
    ck_assert_int_eq(unsetenv(SYMBOL_PATH), 0);
}

static void tear_down(void)
{
    char command[320];

    (void)snprintf(command, sizeof(command), "rm -rf %s", scratch);
    ck_assert_int_eq(system(command), 0);
}

static void copy(const char *from, const char *name)
{
    struct file file = file_load(from);

    file_save(in_scratch(name), file.bytes, file.size);
    free(file.bytes);
}

/* Line of the sample source that holds a text; it must be there exactly once. */
static uint32_t line_with(const char *source, const char *wanted)
{
    char path[512], line[256];
    uint32_t number = 0, found = 0;
    FILE *in;

    (void)snprintf(path, sizeof(path), "%s/%s", SAMPLE_SOURCES, source);
    in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    while (fgets(line, sizeof(line), in) != NULL) {
        number++;
        if (strstr(line, wanted) != NULL) {
            ck_assert_uint_eq(found, 0);
            found = number;
        }
    }
    (void)fclose(in);
    ck_assert_uint_ne(found, 0);
    return found;
}

static struct symbol_function find(const struct symbols *symbols, const char *name)
{
    struct symbol_function f = {NULL, 0, 0};

    ck_assert_msg(symbols_find(symbols, name, &f), "%s is not there", name);
    return f;
}

START_TEST(paths_are_shown_without_the_machine)
{
    static const struct {
        const char *path, *directory, *shown;
    } cases[] = {
        {"/b/drv/src/a.c", "/b/drv", "src/a.c"},
        {"/b/drv/a.c", "/b/drv/", "a.c"},
        {"/b/drv/../other/a.c", "/b/drv", "other/a.c"},
        {"/b/drv/./x//y/../a.c", "/b/drv", "x/a.c"},
        {"/b/drive/src/a.c", "/b/drv", "src/a.c"}, /* a prefix of text, not of folders */
        {"/usr/include/ddk/wdm.h", "/b/drv", "ddk/wdm.h"},
        {"/usr/include/ddk/wdm.h", "/", "ddk/wdm.h"},
        {"/a.c", "", "a.c"},
        {"/x/a.c", "", "x/a.c"},
        {"src/a.c", "/b", "src/a.c"},
        {"./src/a.c", ".", "src/a.c"},
        {"../src/a.c", "", "src/a.c"},
        {"a.c", "", "a.c"},
        {"D:\\build\\drv\\src\\a.c", "d:\\Build\\drv", "src/a.c"},
        {"D:\\build\\drv\\src\\a.c", "C:\\build\\drv", "src/a.c"},
        {"d:\\a.c", "", "a.c"},
        {"drivers\\a.c", "", "drivers/a.c"},
        {"/B/drv/src/a.c", "/b/drv", "src/a.c"},
        {"\\\\server\\share\\x\\a.c", "", "x/a.c"},
        {"..", "", ""},
        {"/", "/", ""},
        {"", "/b", ""},
    };
    char shown[PATH_ROOM];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = path_show(shown, text(cases[i].path), text(cases[i].directory));

        ck_assert_str_eq(shown, cases[i].shown);
        ck_assert_uint_eq(length, strlen(cases[i].shown));
    }
}
END_TEST

START_TEST(long_paths_keep_their_end)
{
    char path[2 * PATH_ROOM], shown[PATH_ROOM];

    memset(path, 'x', sizeof(path));
    ck_assert_uint_lt(path_show(shown, bytes_part(text("/"), 0, 1), text("")), 1);
    path_join(shown, text("/folder"), (struct bytes){(const uint8_t *)path, sizeof(path)});
    ck_assert_uint_eq(strlen(shown), PATH_ROOM - 1);
    for (size_t i = 0; i < sizeof(path); i += 2) {
        path[i] = '/';
    }
    memcpy(path + sizeof(path) - 4, "/a.c", 4);
    ck_assert_uint_ne(
        path_show(shown, (struct bytes){(const uint8_t *)path, sizeof(path)}, text("")), 0);
    ck_assert_str_eq(shown, "x/a.c");
}
END_TEST

START_TEST(strings_are_held_once_and_are_printable)
{
    static const struct {
        const char *given, *held;
    } cases[] = {
        {"plain", "plain"},
        {"a\x1b[31mb\nc\x7f", "a?[31mb?c?"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc0\xaf\xe0\x80\xaf\xed\xa0\x80", "????????"}, /* overlong; a surrogate */
        {"\xf4\x90\x80\x80\xff\xc2\x85", "???????"},
        {"cut \xe2\x82", "cut ??"},
    };
    struct image image = {0};
    struct table table;
    uint32_t first;
    char name[32];

    table_init(&table, &image);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        first = table_string(&table, cases[i].given, strlen(cases[i].given));
        ck_assert_str_eq(table_text(&table, first), cases[i].held);
        ck_assert_uint_eq(table_string(&table, cases[i].held, strlen(cases[i].held)), first);
    }
    ck_assert_uint_eq(table_string(&table, "", 0), 0);
    for (unsigned i = 0; i < 5000; i++) { /* through several sizes of the hash */
        (void)table_string(&table, name, (size_t)snprintf(name, sizeof(name), "name%u", i));
    }
    first = table.pool.count;
    for (unsigned i = 0; i < 5000; i++) {
        int length = snprintf(name, sizeof(name), "name%u", i);

        ck_assert_str_eq(table_text(&table, table_string(&table, name, (size_t)length)), name);
    }
    ck_assert_uint_eq(table.pool.count, first);
    ck_assert_str_eq(table_text(&table, UINT32_MAX), "");
    table_release(&table);
}
END_TEST

/* One executable section at 0x1000. */
static void make_image(struct image *image)
{
    memset(image, 0, sizeof(*image));
    image->image_size = 0x3000;
    image->section_count = 1;
    memcpy(image->sections[0].name, ".text", 5);
    image->sections[0].rva = 0x1000;
    image->sections[0].virtual_size = 0x1000;
    image->sections[0].pages = 1;
    image->sections[0].executable = true;
}

static void expect_functions(const struct table *table, const char *expected)
{
    const struct table_function *f = table->functions.items;
    char got[512] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < table->functions.count; i++) {
        used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%x+%x %s", i == 0 ? "" : ", ",
                                 f[i].rva, f[i].size, table_text(table, f[i].name));
    }
    ck_assert_str_eq(got, expected);
}

START_TEST(better_sources_name_the_code)
{
    struct image image;
    struct table table;
    const struct table_function *aliases;

    make_image(&image);
    table_init(&table, &image);
    table_add_function(&table, SOURCE_EXPORT, text("inside"), 0x1010, 0);
    table_add_function(&table, SOURCE_EXPORT, text("second_name"), 0x1000, 0);
    table_add_function(&table, SOURCE_EXPORT, text("only_exported"), 0x1100, 0);
    table_add_function(&table, SOURCE_COFF, text("wide"), 0x10c0, 0x80); /* up to the next one */
    table_add_function(&table, SOURCE_DWARF, text("late"), 0x10f0, 8);
    table_add_function(&table, SOURCE_DWARF, text("first"), 0x1000, 0x20);
    table_add_function(&table, SOURCE_PDATA, text(""), 0x1200,
                       0x1000000); /* to the section's end */
    table_add_function(&table, SOURCE_DWARF, text("outside"), 0x2000, 8);
    table_add_function(&table, SOURCE_DWARF, text("headers"), 0x10, 8);
    table_merge(&table);
    expect_functions(&table, "1000+20 first, 10c0+30 wide, 10f0+8 late, 1100+0 only_exported, "
                             "1200+e00 sub_1200");
    aliases = table.aliases.items;
    ck_assert_uint_eq(table.aliases.count, 2);
    ck_assert_str_eq(table_text(&table, aliases[0].name), "second_name");
    ck_assert_uint_eq(aliases[0].rva, 0x1000);
    ck_assert_str_eq(table_text(&table, aliases[1].name), "inside");
    table_merge(&table); /* nothing changes any more */
    ck_assert_uint_eq(table.functions.count, 5);
    ck_assert_uint_eq(table.aliases.count, 2);
    table_release(&table);
}
END_TEST

START_TEST(an_unknown_size_is_taken_from_another_source)
{
    struct image image;
    struct table table;

    make_image(&image);
    table_init(&table, &image);
    table_add_function(&table, SOURCE_DWARF, text("a"), 0x1000, 0);
    table_add_function(&table, SOURCE_DWARF, text("b"), 0x1040, 0);
    table_add_function(&table, SOURCE_COFF, text("a"), 0x1000, 0x100);
    table_merge(&table);
    expect_functions(&table, "1000+40 a, 1040+0 b");
    ck_assert_uint_eq(table.aliases.count, 0); /* the same name is no second one */
    table_release(&table);
}
END_TEST

static void expect_lines(const struct table *table, const char *expected)
{
    const struct table_line *rows = table->lines.items;
    char got[512] = "";
    size_t used = 0;

    for (uint32_t i = 0; i < table->lines.count; i++) {
        used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%x:%u", i == 0 ? "" : " ",
                                 rows[i].rva, rows[i].line);
    }
    ck_assert_str_eq(got, expected);
}

START_TEST(inlined_code_has_the_line_of_the_call)
{
    struct image image;
    struct table table;
    uint32_t file;

    make_image(&image);
    table_init(&table, &image);
    file = table_string(&table, "a.c", 3);
    table_add_line(&table, 0x1030, 0, 0); /* an end; another run begins there */
    table_add_line(&table, 0x1030, file, 30);
    table_add_line(&table, 0x1000, file, 10);
    table_add_line(&table, 0x1008, file, 900); /* inlined */
    table_add_line(&table, 0x100c, file, 901); /* up to 0x1010, in whose middle line 11 begins */
    table_add_line(&table, 0x100e, file, 11);
    table_add_line(&table, 0x1018, file, 12);
    table_add_line(&table, 0x1018, file, 13); /* the last one at an rva counts */
    table_add_line(&table, 0x1040, 0, 0);
    table_add_inline(&table, 0x1008, 0x1010, file, 77);
    table_add_inline(&table, 0x1009, 0x100b, file, 78); /* inside another: broken, no effect */
    table_add_inline(&table, 0x1018, 0x1020, 0, 0);     /* the line of the call is not known */
    table_add_inline(&table, 0x1038, 0x1040, file, 79);
    table_add_inline(&table, 0x1050, 0x1040, file, 80); /* ends before it begins */
    table_order_lines(&table);
    expect_lines(&table, "1000:10 1008:77 1010:11 1020:13 1030:30 1038:79 1040:0");
    table_release(&table);
}
END_TEST

static const struct {
    const char *path, *kind;
    const char *first, *second; /* how sample.c and inner/other.c are shown */
} samples[] = {
    {SAMPLES "/dwarf4.sys", "dwarf", "sample/sample.c", "inner/other.c"},
    {SAMPLES "/dwarf5.sys", "dwarf", "sample.c", "inner/other.c"},
    {SAMPLES "/pdb.sys", "pdb", "sample/sample.c", "sample/inner/other.c"},
    {SAMPLES "/coff.sys", "coff", NULL, NULL},
    {SAMPLES "/bare.sys", "exports", NULL, NULL},
};
#define SAMPLE_COUNT ((int)(sizeof(samples) / sizeof(samples[0])))

START_TEST(each_kind_names_functions)
{
    static const char *const in_all[] = {"sample_exported"};
    static const char *const in_tables[] = {
        "DriverEntry", "twice",        "paged_routine",    "guarded",
        "same_name",   "sample_other", "sample_plain",     "sample_alias",
        "sample_pure", "sample_parts", "sample_parts.cold"};
    struct loaded l;
    struct symbol_place place;

    load(&l, samples[_i].path);
    check_sound(&l.image, l.symbols);
    ck_assert_str_eq(symbols_kind(l.symbols), samples[_i].kind);
    ck_assert_ptr_null(symbols_note(l.symbols));
    for (size_t i = 0; i < sizeof(in_all) / sizeof(in_all[0]); i++) {
        ck_assert_uint_gt(find(l.symbols, in_all[i]).size, 0);
    }
    for (size_t i = 0; i < sizeof(in_tables) / sizeof(in_tables[0]); i++) {
        struct symbol_function f;

        ck_assert_int_eq(symbols_find(l.symbols, in_tables[i], &f),
                         strcmp(samples[_i].kind, "exports") != 0);
    }
    ck_assert(symbols_lookup(l.symbols, l.image.entry_rva, &place));
    ck_assert_uint_eq(place.offset, 0);
    unload(&l);
}
END_TEST

/* The routine in PAGESMPL, whose loop is mostly inlined from two files. */
START_TEST(lines_are_those_of_the_function)
{
    struct loaded l;
    struct symbol_function f;
    struct symbol_place place;
    uint32_t call = line_with("sample.c", "sum += outer_inline(i)"), calls = 0;
    uint32_t begin = line_with("sample.c", "int paged_routine(int value)");
    uint32_t end = line_with("sample.c", "return sum;") + 1;

    load(&l, samples[_i].path);
    f = find(l.symbols, "paged_routine");
    ck_assert_str_eq(image_section_at(&l.image, f.rva)->name, "PAGESMPL");
    for (uint32_t at = 0; at < f.size; at++) {
        ck_assert(symbols_lookup(l.symbols, f.rva + at, &place));
        ck_assert_str_eq(place.function, "paged_routine");
        ck_assert_uint_eq(place.offset, at);
        ck_assert_str_eq(place.file, samples[_i].first);
        ck_assert(place.line >= begin && place.line <= end);
        calls += place.line == call;
    }
    ck_assert_uint_gt(calls, f.size / 2);
    f = find(l.symbols, "sample_other");
    ck_assert(symbols_lookup(l.symbols, f.rva, &place));
    ck_assert_str_eq(place.file, samples[_i].second);
    ck_assert_uint_eq(place.line, line_with("inner/other.c", "int sample_other(int value);") + 9);
    f = find(l.symbols, "sample_plain"); /* from an assembler file without line information */
    ck_assert(symbols_lookup(l.symbols, f.rva, &place));
    ck_assert_ptr_null(place.file);
    ck_assert_uint_eq(place.line, 0);
    unload(&l);
}
END_TEST

START_TEST(parts_and_gaps)
{
    struct loaded l;
    struct symbol_function plain, parts, cold, nameless;
    struct symbol_place place;
    char name[32];

    load(&l, SAMPLES "/coff.sys");
    plain = find(l.symbols, "sample_plain");
    parts = find(l.symbols, "sample_parts");
    cold = find(l.symbols, "sample_parts.cold");
    ck_assert_uint_gt(parts.size, 6); /* the second part was added to the first */
    ck_assert(symbols_lookup(l.symbols, cold.rva + 2, &place));
    ck_assert_str_eq(place.function, "sample_parts.cold");
    ck_assert_uint_eq(place.offset, 2);
    ck_assert_uint_eq(find(l.symbols, "sample_alias").rva, plain.rva);
    ck_assert_uint_ne(plain.size, 0);
    ck_assert(!symbols_lookup(l.symbols, plain.rva + plain.size, &place)); /* padding */
    ck_assert_ptr_null(place.function);
    ck_assert(!symbols_lookup(l.symbols, 0, &place));
    ck_assert(!symbols_lookup(l.symbols, UINT32_MAX, &place));
    for (uint32_t i = 0; i < l.image.section_count; i++) {
        if (!l.image.sections[i].executable) {
            ck_assert(!symbols_lookup(l.symbols, l.image.sections[i].rva, &place));
        }
    }
    nameless.rva = (find(l.symbols, "sample_pure").rva | 15) + 1;
    (void)snprintf(name, sizeof(name), "sub_%x", nameless.rva);
    ck_assert_uint_gt(find(l.symbols, name).size, 0);
    ck_assert(!symbols_find(l.symbols, "", &nameless));
    ck_assert(!symbols_find(l.symbols, "no_such_routine", &nameless));
    unload(&l);
}
END_TEST

START_TEST(of_equal_names_the_lowest_is_found)
{
    struct loaded l;
    uint32_t count = 0, lowest = UINT32_MAX;

    load(&l, samples[_i].path);
    for (uint32_t i = 0; i < symbols_count(l.symbols); i++) {
        struct symbol_function f = symbols_at(l.symbols, i);

        if (strcmp(f.name, "same_name") == 0) {
            count++;
            lowest = f.rva < lowest ? f.rva : lowest;
        }
    }
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(find(l.symbols, "same_name").rva, lowest);
    unload(&l);
}
END_TEST

/* Open an image from bytes; its debug directory etc. may have been changed by the caller. */
static struct symbols *open_image(struct image *image, const struct file *file, const char *path)
{
    struct image_error error;
    struct symbols *symbols;

    ck_assert_int_eq(image_open(file->bytes, file->size, image, &error), PG_OK);
    ck_assert_int_eq(symbols_open(path, image, &symbols), PG_OK);
    return symbols;
}

#define DIRECTORY_EXPORT 0u
#define DIRECTORY_PDATA  3u

static void drop_directory(struct file *file, uint32_t which)
{
    struct bytes b = {file->bytes, file->size};

    memset(file->bytes + bytes_u32(b, 0x3c) + 24 + 112 + 8 * (size_t)which, 0, 8);
}

START_TEST(without_symbols_there_are_functions)
{
    struct file file = file_load(SAMPLES "/bare.sys");
    struct image image;
    struct symbols *symbols;
    struct symbol_place place;

    drop_directory(&file, DIRECTORY_EXPORT);
    symbols = open_image(&image, &file, NULL);
    check_sound(&image, symbols);
    ck_assert_str_eq(symbols_kind(symbols), ".pdata");
    ck_assert_uint_gt(symbols_count(symbols), 5);
    for (uint32_t i = 0; i < symbols_count(symbols); i++) {
        ck_assert_int_eq(strncmp(symbols_at(symbols, i).name, "sub_", 4), 0);
    }
    symbols_close(symbols);
    drop_directory(&file, DIRECTORY_PDATA);
    symbols = open_image(&image, &file, NULL);
    ck_assert_str_eq(symbols_kind(symbols), "none");
    ck_assert_uint_eq(symbols_count(symbols), 0);
    ck_assert(!symbols_lookup(symbols, image.entry_rva, &place));
    symbols_close(symbols);
    symbols_close(NULL);
    free(file.bytes);
}
END_TEST

static struct symbols *open_copy(const char *name)
{
    struct loaded l;

    load(&l, in_scratch(name));
    check_sound(&l.image, l.symbols);
    free(l.file.bytes);
    return l.symbols;
}

static void expect_open(const char *name, const char *kind, const char *note)
{
    struct symbols *symbols = open_copy(name);
    const char *got = symbols_note(symbols);

    ck_assert_str_eq(symbols_kind(symbols), kind);
    if (note == NULL) {
        ck_assert_msg(got == NULL, "unexpected: %s", got);
    } else {
        ck_assert_msg(got != NULL && strstr(got, note) != NULL, "not \"%s\": %s", note,
                      got == NULL ? "nothing" : got);
    }
    symbols_close(symbols);
}

START_TEST(a_pdb_is_found_beside_the_image)
{
    copy(SAMPLES "/pdb.sys", "renamed.sys");
    expect_open("renamed.sys", "exports", NULL);
    copy(SAMPLES "/pdb.pdb", "renamed.pdb"); /* the image's own name */
    expect_open("renamed.sys", "pdb", NULL);
    ck_assert_int_eq(unlink(in_scratch("renamed.pdb")), 0);
    copy(SAMPLES "/pdb.pdb", "pdb.pdb"); /* the name in the image */
    expect_open("renamed.sys", "pdb", NULL);
    ck_assert_int_eq(chdir(scratch), 0);
    copy(SAMPLES "/pdb.sys", "bare");
    {
        struct loaded l;

        load(&l, "bare"); /* no folder, no extension */
        ck_assert_str_eq(symbols_kind(l.symbols), "pdb");
        unload(&l);
    }
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

static void identity_folder(char out[64])
{
    struct file file = file_load(SAMPLES "/pdb.sys");
    struct image image;
    struct image_error error;
    struct image_pdb record;
    struct bytes g = {record.guid, 16};
    int used;

    ck_assert_int_eq(image_open(file.bytes, file.size, &image, &error), PG_OK);
    ck_assert(image_pdb_reference(&image, &record));
    used = snprintf(out, 64, "%08X%04X%04X", bytes_u32(g, 0), bytes_u16(g, 4), bytes_u16(g, 6));
    for (int i = 8; i < 16; i++) {
        used += snprintf(out + used, 64 - (size_t)used, "%02X", record.guid[i]);
    }
    (void)snprintf(out + used, 64 - (size_t)used, "%X", record.age);
    free(file.bytes);
}

START_TEST(a_pdb_is_found_on_the_symbol_path)
{
    char value[512], identity[64], name[256];

    copy(SAMPLES "/pdb.sys", "x.sys");
    ck_assert_int_eq(mkdir(in_scratch("plain"), 0700), 0);
    copy(SAMPLES "/pdb.pdb", "plain/pdb.pdb");
    (void)snprintf(value, sizeof(value), "/nowhere;;%s/plain", scratch);
    ck_assert_int_eq(setenv(SYMBOL_PATH, value, 1), 0);
    expect_open("x.sys", "pdb", NULL);
    ck_assert_int_eq(setenv(SYMBOL_PATH, "srv*https://host.invalid/symbols;\\\\host\\share", 1), 0);
    expect_open("x.sys", "exports", NULL);

    identity_folder(identity);
    ck_assert_int_eq(mkdir(in_scratch("store"), 0700), 0);
    ck_assert_int_eq(mkdir(in_scratch("store/pdb.pdb"), 0700), 0);
    (void)snprintf(name, sizeof(name), "store/pdb.pdb/%s", identity);
    ck_assert_int_eq(mkdir(in_scratch(name), 0700), 0);
    (void)snprintf(name, sizeof(name), "store/pdb.pdb/%s/pdb.pdb", identity);
    copy(SAMPLES "/pdb.pdb", name);
    (void)snprintf(value, sizeof(value), "srv*%s/store*https://host.invalid/symbols", scratch);
    ck_assert_int_eq(setenv(SYMBOL_PATH, value, 1), 0);
    expect_open("x.sys", "pdb", NULL);
}
END_TEST

/* A byte of the RSDS record: 4 + i is the GUID, 20 the age, 24 the path. */
static void change_record(const char *name, size_t offset, uint8_t value)
{
    struct file file = file_load(SAMPLES "/pdb.sys");
    uint8_t *record = memmem(file.bytes, file.size, "RSDS", 4);

    ck_assert_ptr_nonnull(record);
    ck_assert_uint_ne(record[offset], value);
    record[offset] = value;
    file_save(in_scratch(name), file.bytes, file.size);
    free(file.bytes);
}

START_TEST(a_foreign_pdb_is_not_used)
{
    struct file file = file_load(SAMPLES "/pdb.pdb");

    copy(SAMPLES "/pdb.pdb", "pdb.pdb");
    change_record("guid.sys", 4 + 15, 0x5a);
    expect_open("guid.sys", "exports", "it belongs to another image (its GUID is ");
    change_record("age.sys", 20, 9);
    expect_open("age.sys", "exports", "another link of the image (its age is 1, not 9)");
    copy(SAMPLES "/pdb.pdb", "guid.pdb");
    expect_open("guid.sys", "exports", "another image");

    copy(SAMPLES "/pdb.sys", "x.sys");
    expect_open("x.sys", "pdb", NULL);
    file_save(in_scratch("pdb.pdb"), "no such thing", 13);
    expect_open("x.sys", "exports", "pdb.pdb: it is not a PDB");
    file_save(in_scratch("pdb.pdb"), file.bytes, file.size / 2);
    expect_open("x.sys", "exports", "pdb.pdb: its directory is malformed");
    copy(SAMPLES "/pdb.pdb", "x.pdb"); /* the better one is tried too, and nothing needs telling */
    expect_open("x.sys", "pdb", NULL);
    ck_assert_int_eq(unlink(in_scratch("x.pdb")), 0);
    ck_assert_int_eq(unlink(in_scratch("pdb.pdb")), 0);
    ck_assert_int_eq(mkdir(in_scratch("pdb.pdb"), 0700), 0);
    expect_open("x.sys", "exports", "pdb.pdb: it cannot be read");
    free(file.bytes);
}
END_TEST

/* A path in the image leads nowhere but to its last part. */
START_TEST(the_recorded_path_is_only_a_name)
{
    struct file file = file_load(SAMPLES "/pdb.sys");
    uint8_t *record = memmem(file.bytes, file.size, "RSDS", 4);
    static const char *const paths[] = {"..", ".", "/", "x/..", "C:\\tmp\\.."};

    ck_assert_ptr_nonnull(record);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        (void)snprintf((char *)record + 24, 12, "%s", paths[i]);
        file_save(in_scratch("x.sys"), file.bytes, file.size);
        ck_assert_int_eq(setenv(SYMBOL_PATH, scratch, 1), 0);
        expect_open("x.sys", "exports", NULL);
    }
    free(file.bytes);
}
END_TEST

START_TEST(unprintable_names_are_made_printable)
{
    struct file file = file_load(SAMPLES "/coff.sys");
    struct image image;
    struct symbols *symbols;
    struct symbol_function f;
    uint8_t *name = memmem(file.bytes, file.size, "paged_routine", 14);

    ck_assert_ptr_nonnull(name);
    name[0] = 0x1b;
    name[5] = 0xff;
    symbols = open_image(&image, &file, NULL);
    check_sound(&image, symbols);
    ck_assert(symbols_find(symbols, "?aged?routine", &f));
    symbols_close(symbols);
    free(file.bytes);
}
END_TEST

/* Every host call fails once: memory is an error, a file that cannot be read a note. */
START_TEST(each_failure_of_the_host_is_survived)
{
    struct file file = file_load(samples[_i].path);
    struct image image;
    struct image_error error;
    unsigned n = 0, refused = 0;

    ck_assert_int_eq(image_open(file.bytes, file.size, &image, &error), PG_OK);
    for (;;) {
        struct symbols *symbols = NULL;
        pg_status status;

        host_fail_nth(++n);
        status = symbols_open(samples[_i].path, &image, &symbols);
        if (status == PG_OK) {
            bool done = !host_fail_hit();

            host_fail_nth(0);
            check_sound(&image, symbols);
            if (done) {
                ck_assert_str_eq(symbols_kind(symbols), samples[_i].kind);
                symbols_close(symbols);
                break;
            }
            ck_assert_ptr_nonnull(symbols_note(symbols));
            symbols_close(symbols);
        } else {
            ck_assert_int_eq(status, PG_E_NO_MEMORY);
            ck_assert_ptr_null(symbols);
            refused++;
        }
    }
    ck_assert_uint_gt(refused, 5);
    free(file.bytes);
}
END_TEST

static void write_and_crash(void *context, int output)
{
    (void)context;
    (void)child_write(output, "partly", 6);
    __builtin_trap();
}

static void write_much(void *context, int output)
{
    static char block[65536];

    (void)context;
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 20; i++) {
        (void)child_write(output, block, sizeof(block));
    }
}

static void spin(void *context, int output)
{
    (void)context;
    (void)output;
    for (volatile unsigned i = 0;; i++) {
    }
}

static void run_child(child_work *work, struct child_result *result)
{
    child_run(work, NULL, result);
    for (size_t i = 0; i < result->output.size; i++) {
        ck_assert_int_ne(result->output.at[i], 0);
    }
    host.release((void *)(uintptr_t)result->output.at);
}

START_TEST(a_child_may_do_anything)
{
    struct child_result result;

    run_child(write_and_crash, &result);
    ck_assert_uint_eq(result.output.size, 6);
    ck_assert_ptr_nonnull(strstr(result.problem, "ended by signal"));
    run_child(write_much, &result);
    ck_assert_str_eq(result.problem, "");
    ck_assert_uint_eq(result.output.size, 20 * 65536);
    run_child(spin, &result);
    ck_assert_ptr_nonnull(strstr(result.problem, "processor time"));
    host_fail_nth(1);
    run_child(write_much, &result);
    host_fail_nth(0);
    ck_assert(result.no_memory);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("symbols");
    TCase *table = tcase_create("table");
    TCase *sources = tcase_create("sources");
    TCase *files = tcase_create("files");

    tcase_add_test(table, paths_are_shown_without_the_machine);
    tcase_add_test(table, long_paths_keep_their_end);
    tcase_add_test(table, strings_are_held_once_and_are_printable);
    tcase_add_test(table, better_sources_name_the_code);
    tcase_add_test(table, an_unknown_size_is_taken_from_another_source);
    tcase_add_test(table, inlined_code_has_the_line_of_the_call);
    suite_add_tcase(suite, table);
    tcase_set_timeout(sources, 120);
    tcase_add_loop_test(sources, each_kind_names_functions, 0, SAMPLE_COUNT);
    tcase_add_loop_test(sources, lines_are_those_of_the_function, 0, 3);
    tcase_add_test(sources, parts_and_gaps);
    tcase_add_loop_test(sources, of_equal_names_the_lowest_is_found, 0, 4);
    tcase_add_test(sources, without_symbols_there_are_functions);
    tcase_add_test(sources, unprintable_names_are_made_printable);
    tcase_add_loop_test(sources, each_failure_of_the_host_is_survived, 0, SAMPLE_COUNT);
    tcase_add_test(sources, a_child_may_do_anything);
    suite_add_tcase(suite, sources);
    tcase_set_timeout(files, 60);
    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, a_pdb_is_found_beside_the_image);
    tcase_add_test(files, a_pdb_is_found_on_the_symbol_path);
    tcase_add_test(files, a_foreign_pdb_is_not_used);
    tcase_add_test(files, the_recorded_path_is_only_a_name);
    suite_add_tcase(suite, files);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
