/* SPDX-License-Identifier: MIT */
/* Pages come in: their bytes, protection and relocations. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

/* ---- page in ---- */

START_TEST(pages_come_in_one_by_one)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    ck_assert_int_eq(resident(region), 0);
    ck_assert_int_eq(support_smaps_rss(BASE, sizeof file), 0);
    forget_calls();
    ck_assert_uint_eq(read_at(3 * PAGE + 7), file[3 * PAGE + 7]);
    ck_assert_uint_eq(calls_read, 1);
    ck_assert_uint_eq(calls_protect, by_backend(2, 1));
    ck_assert_int_eq(resident(region), 1);
    ck_assert_int_eq(support_smaps_rss(BASE, sizeof file), 4);
    ck_assert(pager_is_resident(pager, BASE + 3 * PAGE) && !pager_is_resident(pager, BASE));
    ck_assert_uint_eq(support_faults, 1);
    ck_assert_uint_eq(read_at(4 * PAGE - 1), file[4 * PAGE - 1]);
    ck_assert_uint_eq(support_faults, 1);
    for (uint32_t i = 0; i < sizeof file; i++) {
        ck_assert_uint_eq(read_at(i), file[i]);
    }
    ck_assert_uint_eq(pager_counters(pager).page_ins, PAGES);
    ck_assert_uint_eq(pager_counters(pager).faults_served, PAGES);
}
END_TEST

START_TEST(protection_is_kept)
{
    struct pager_region *region = add_file(2, HOST_READ);
    int value;

    read_at(0);
    ck_assert(!support_write(BASE, 1));
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert(!support_write(BASE + PAGE, 1)); /* out, and not to be written anyway */
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert(!support_call(BASE, &value));
    ck_assert_int_eq(support_outcome, PAGER_DENIED);
    ck_assert_int_eq(pager_fault(pager, BASE + 2 * PAGE, PAGER_READ, NULL), PAGER_NOT_MINE);
    ck_assert_int_eq(pager_fault(pager, BASE - 1, PAGER_READ, NULL), PAGER_NOT_MINE);
    ck_assert_uint_eq(pager_region_protection(region), HOST_READ);
    ck_assert_ptr_eq(pager_region_owner(region), file);
    ck_assert_ptr_eq(pager_region_at(pager, BASE + 2 * PAGE - 1), region);
    ck_assert_ptr_null(pager_region_at(pager, BASE + 2 * PAGE));
}
END_TEST

START_TEST(code_runs_where_it_was_paged_in)
{
    static const uint8_t code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    struct pager_region *region;
    int value = 0;

    memcpy(file + PAGE + 16, code, sizeof code);
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
    region = add_file(2, HOST_READ | HOST_EXECUTE);
    for (int round = 1; round <= 3; round++) {
        ck_assert(support_call(BASE + PAGE + 16, &value));
        ck_assert_int_eq(value, 42);
        ck_assert_uint_eq(support_faults, (unsigned)round);
        ck_assert_uint_eq(pager_trim(pager, NULL), 1);
        ck_assert_int_eq(resident(region), 0);
    }
}
END_TEST

START_TEST(the_end_of_the_file_part_is_zero)
{
    struct pager_region_desc desc = file_desc(BASE, 1, 3, HOST_READ | HOST_WRITE);

    desc.backing.file_bytes = PAGE + 10;
    add(&desc);
    ck_assert_uint_eq(read_at(PAGE + 9), file[2 * PAGE + 9]);
    ck_assert_uint_eq(read_at(PAGE + 10), 0);
    ck_assert_uint_eq(read_at(3 * PAGE - 1), 0);
}
END_TEST

static ssize_t short_read(int from, void *buffer, size_t bytes, uint64_t offset)
{
    return saved.read_at(from, buffer, bytes > 700 ? 700 : bytes, offset);
}

static ssize_t short_write(int to, const void *buffer, size_t bytes, uint64_t offset)
{
    return saved.write_at(to, buffer, bytes > 300 ? 300 : bytes, offset);
}

START_TEST(short_counts_are_no_errors)
{
    host.read_at = short_read;
    host.write_at = short_write;
    add_file(4, HOST_READ | HOST_WRITE);
    write_at(100, 1);
    ck_assert_uint_eq(pager_trim(pager, NULL), 1);
    ck_assert_uint_eq(read_at(100), 1);
    ck_assert_uint_eq(read_at(3 * PAGE), file[3 * PAGE]);
}
END_TEST

/* ---- relocations ---- */

static uint64_t word_at(uint64_t offset)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < 8; i++) {
        word |= (uint64_t)read_at(offset + i) << (8 * i);
    }
    return word;
}

static void put_word(uint32_t offset, uint64_t word)
{
    memcpy(file + offset, &word, sizeof word);
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
}

/* In which order the pages come in must not matter; nor in one region or two. */
START_TEST(words_that_straddle_are_relocated)
{
    static const uint32_t words[] = {0x10, 0xffd, 0x1ff8, 0x2fff};
    static const uint64_t value = UINT64_C(0x00000000ffffffff), delta = UINT64_C(0x1ffffff01);
    bool two = (_i & 1) != 0, downwards = (_i & 2) != 0, pinned = (_i & 4) != 0;

    for (unsigned i = 0; i < 4; i++) {
        put_word(words[i], value);
    }
    for (uint32_t part = 0; part < (two ? 4u : 1u); part++) {
        struct pager_region_desc desc =
            file_desc(BASE + part * PAGE, part, two ? 1 : 4, HOST_READ | HOST_EXECUTE);

        desc.backing.relocations = words;
        desc.backing.relocation_count = 4;
        desc.backing.delta = delta;
        desc.pinned = pinned;
        add(&desc);
    }
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 4; i++) {
            read_at((downwards ? 3 - i : i) * PAGE);
        }
        for (unsigned i = 0; i < 4; i++) {
            ck_assert_uint_eq(word_at(words[i]), value + delta);
        }
        ck_assert_uint_eq(read_at(0x18), file[0x18]);
        ck_assert_uint_eq(read_at(0x1005), file[0x1005]);
        pager_trim(pager, NULL);
    }
}
END_TEST

/* The failure of a neighbour names the neighbour's page. */
static void read_fails_below(uint64_t offset, pg_status status)
{
    uint8_t value;

    ck_assert(!support_read(BASE + offset, &value));
    ck_assert_int_eq(support_outcome, PAGER_FAILED);
    ck_assert_int_eq(support_failure.status, status);
    ck_assert_uint_eq(support_failure.address, BASE + offset / PAGE * PAGE - PAGE);
}

START_TEST(the_other_half_comes_from_the_file)
{
    static const uint32_t words[] = {0xffe};
    struct pager_region_desc desc = file_desc(BASE, 0, 2, HOST_READ | HOST_WRITE);

    put_word(0xffe, UINT64_C(0xffff));
    desc.backing.relocations = words;
    desc.backing.relocation_count = 1;
    desc.backing.delta = 1;
    add(&desc);
    write_at(0xffe,
             0x77); /* the low half is the driver's now, in memory and then in the paging file */
    ck_assert_uint_eq(pager_trim(pager, NULL), 1);
    ck_assert_uint_eq(read_at(0x1000), 1); /* the carry all the same */
    ck_assert_uint_eq(read_at(0xffe), 0x77);
    pager_trim(pager, NULL);
    file[0xfff] ^= 1; /* a neighbour that changed cannot be trusted */
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
    read_fails_below(0x1000, PG_E_CHANGED);
    ck_assert(!pager_is_resident(pager, BASE + PAGE));
}
END_TEST

START_TEST(a_word_may_begin_below_the_image)
{
    static const uint32_t words[] = {0x0ffc, 0x1ffc};
    struct pager_region_desc desc = file_desc(BASE, 1, 1, HOST_READ);

    put_word(0x0ffc, UINT64_C(0x1111111100000000)); /* 0x0ffc lies in no region: a gap of zeros */
    desc.backing.relocations = words;
    desc.backing.relocation_count = 2;
    desc.backing.delta = UINT64_C(0x100000000);
    add(&desc);
    ck_assert_uint_eq(read_at(0), 0x12);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, pages_come_in_one_by_one);
    tcase_add_test(t, protection_is_kept);
    tcase_add_test(t, code_runs_where_it_was_paged_in);
    tcase_add_test(t, the_end_of_the_file_part_is_zero);
    tcase_add_test(t, short_counts_are_no_errors);
    tcase_add_loop_test(t, words_that_straddle_are_relocated, 0, 8);
    tcase_add_test(t, the_other_half_comes_from_the_file);
    tcase_add_test(t, a_word_may_begin_below_the_image);
}

int main(int argc, char **argv)
{
    return pager_suite(argc, argv, "page in", add_tests, NULL);
}
