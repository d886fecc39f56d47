/* SPDX-License-Identifier: MIT */
/* Programs of bytes that mean harm, without memory, and of all sample drivers. */
#include "advise/program.h"
#include "check_program.h"
#include "support/file.h"
#include "support/no_memory.h"
#include "support/random.h"
#include "support/run.h"
#include "symbols/symbols.h"
#include "tiny_image.h"

#include <check.h>
#include <glob.h>
#include <stdlib.h>

static struct tiny tiny;
static struct image image;
static struct program program;

/* Code at random, with entries of .pdata, pointers and tables at random. */
START_TEST(random_code)
{
    struct image_error error;
    uint64_t state = (uint64_t)_i;

    for (unsigned round = 0; round < 300; round++) {
        uint32_t begin = 0x1000;

        tiny_begin(&tiny);
        for (uint32_t at = 0x1000; at < 0x1ffc; at += 4) {
            tiny_put32(&tiny, at, (uint32_t)random_next(&state));
        }
        for (unsigned i = 0; i < 40; i++) { /* jumps, calls and tables that arrive somewhere */
            uint32_t at = 0x1000 + random_below(&state, 0xf00);

            tiny_put(&tiny, at,
                     i % 4 == 0   ? "e800000000"
                     : i % 4 == 1 ? "0f8400000000"
                     : i % 4 == 2 ? "83f90377cc 89c8488d0d00000000486304814801c8ffe0"
                                  : "e900000000");
            tiny_relative(&tiny,
                          at + (i % 4 == 2   ? 10
                                : i % 4 == 1 ? 2
                                             : 1),
                          i % 4 == 2 ? 0x1000 + random_below(&state, 0x1400)
                                     : 0x1000 + random_below(&state, 0x1000));
        }
        for (unsigned i = 0; i < round % 20; i++) {
            uint32_t end = begin + 1 + random_below(&state, 0x80);

            tiny_function(&tiny, begin, end,
                          random_below(&state, 4) == 0 ? TINY_CHAINED : TINY_UNWIND);
            begin = end + random_below(&state, 0x20);
        }
        tiny_put32(&tiny, TINY_PARENT, 0x1000 + random_below(&state, 0x800));
        tiny_put32(&tiny, TINY_PARENT + 4, 0x1f00);
        tiny_put32(&tiny, TINY_PARENT + 8, TINY_UNWIND);
        for (unsigned i = 0; i < round % 16; i++) {
            tiny_pointer(&tiny, TINY_DATA + 8 * i, 0x1000 + random_below(&state, 0x1000));
        }
        tiny_end(&tiny);
        ck_assert_int_eq(image_open(tiny.bytes, sizeof(tiny.bytes), &image, &error), PG_OK);
        ck_assert_int_eq(program_build(&image, NULL, &program), PG_OK);
        check_program(&program);
        program_release(&program);
    }
}
END_TEST

static pg_status build(void *context)
{
    pg_status status = program_build(&image, NULL, &program);

    (void)context;
    if (status == PG_OK) {
        program_release(&program);
    } else {
        ck_assert_ptr_null(program.functions);
    }
    return status;
}

START_TEST(no_memory)
{
    struct image_error error;

    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "83f903 774b 89c8 488d0d00000000 48630481 4801c8 ffe0");
    tiny_relative(&tiny, 0x100a, 0x2100);
    for (uint32_t i = 0; i < 4; i++) {
        tiny_put32(&tiny, 0x2100 + 4 * i, 0x1050 - 0x2100);
    }
    tiny_put(&tiny, 0x1050, "c3");
    tiny_put(&tiny, 0x1060, "ffc1 7400 c3");
    tiny_pointer(&tiny, TINY_DATA, 0x1060);
    tiny_end(&tiny);
    ck_assert_int_eq(image_open(tiny.bytes, sizeof(tiny.bytes), &image, &error), PG_OK);
    no_memory_anywhere(build, NULL, 11);
}
END_TEST

/* ---- the sample drivers ---- */

/* Each entry of .pdata that is no part begins a function, and all code is decoded. */
static void check_driver(const char *path)
{
    struct image_error error;
    struct symbols *symbols;
    size_t size;
    uint8_t *bytes = file_read(path, &size);

    ck_assert_msg(image_open(bytes, size, &image, &error) == PG_OK, "%s is refused", path);
    ck_assert_int_eq(symbols_open(path, &image, &symbols), PG_OK);
    ck_assert_int_eq(program_build(&image, symbols, &program), PG_OK);
    check_program(&program);
    for (uint32_t i = 0; i < image.pdata_count; i++) {
        struct image_function entry = image_function_at(&image, i);

        ck_assert_uint_ne(program_function_holding(&program, entry.begin_rva), NO_INDEX);
    }
    ck_assert_msg(program.bytes_decoded == program.bytes_executable, "%s: %lu of %lu bytes", path,
                  (unsigned long)program.bytes_decoded, (unsigned long)program.bytes_executable);
    ck_assert_msg(program.jumps_unresolved == 0, "%s: %u jumps", path, program.jumps_unresolved);
    ck_assert_uint_ne(program_function_at(&program, image.entry_rva), NO_INDEX);
    program_release(&program);
    symbols_close(symbols);
    free(bytes);
}

START_TEST(drivers)
{
    static const char *const patterns[] = {PAGABLE_DRIVERS "/*.sys", PAGABLE_DRIVERS "/*/*.sys"};
    glob_t found = {0};

    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        glob(patterns[i], i == 0 ? 0 : GLOB_APPEND, NULL, &found);
    }
    ck_assert_uint_gt(found.gl_pathc, 10);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        check_driver(found.gl_pathv[i]);
    }
    globfree(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("program_harm");
    TCase *harm = tcase_create("harm");

    tcase_set_timeout(harm, 120);
    tcase_add_loop_test(harm, random_code, 0, 4);
    tcase_add_test(harm, no_memory);
    tcase_add_test(harm, drivers);
    suite_add_tcase(suite, harm);
    return run_suite(suite);
}
