/* SPDX-License-Identifier: MIT */
/* Patches, and what leaves when frames are limited. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

/* ---- patches ---- */

START_TEST(patches_are_there_after_every_page_in)
{
    struct pager_region *region = add_file(4, HOST_READ);
    uint8_t text[3 * PG_PAGE_SIZE];

    support_noise(text, sizeof text, 7);
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE - 3, "abcdefg", 7), PG_OK); /* out */
    ck_assert_int_eq(resident(region), 0);
    read_at(2 * PAGE);
    ck_assert_int_eq(pager_patch(pager, BASE + 3 * PAGE - 2, "12345", 5), PG_OK); /* half in */
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE - 1, "C", 1), PG_OK);         /* replaces */
    ck_assert_int_eq(pager_patch(pager, BASE + PAGE + 3, "GH", 2), PG_OK);        /* overlaps */
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 9; i++) {
            uint8_t expected = i < 8 ? (uint8_t) "abCdefGH"[i] : file[PAGE - 3 + i];

            ck_assert_uint_eq(read_at(PAGE - 3 + i), expected);
        }
        ck_assert_uint_eq(read_at(3 * PAGE - 2), '1');
        ck_assert_uint_eq(read_at(3 * PAGE), '3');
        ck_assert_uint_eq(read_at(3 * PAGE + 3), file[3 * PAGE + 3]);
        ck_assert(!support_write(BASE + 2 * PAGE, 1)); /* still read-only */
        pager_trim(pager, NULL);
    }
    ck_assert_uint_eq(pager_counters(pager).write_backs, 0);
    ck_assert_int_eq(pager_patch(pager, BASE, text, 257), PG_E_LIMIT);
    ck_assert_uint_eq(read_at(0), file[0]);
}
END_TEST

START_TEST(a_patch_meets_pages_in_every_state)
{
    struct pager_region *region = add_file(5, HOST_READ | HOST_WRITE);

    read_at(0 * PAGE);     /* clean */
    write_at(1 * PAGE, 1); /* dirty */
    write_at(2 * PAGE, 2); /* in the paging file and out */
    write_at(3 * PAGE, 3); /* in the paging file, in and clean */
    ck_assert_uint_eq(pager_trim_region(pager, region, NULL), 4);
    read_at(0 * PAGE);
    write_at(1 * PAGE, 1);
    read_at(3 * PAGE);
    for (uint32_t i = 0; i < 5; i++) { /* page 4 was never in */
        ck_assert_int_eq(pager_patch(pager, BASE + i * PAGE + 8, "patch", 5), PG_OK);
        ck_assert(pager_is_valid(pager));
    }
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5; i++) {
            ck_assert_uint_eq(read_at(i * PAGE + 8), 'p');
            ck_assert_uint_eq(read_at(i * PAGE + 12), 'h');
            ck_assert_uint_eq(read_at(i * PAGE + 13), file[i * PAGE + 13]);
        }
        for (uint32_t i = 1; i < 4; i++) {
            ck_assert_uint_eq(read_at(i * PAGE), i);
        }
        pager_trim(pager, NULL);
    }
    write_at(4 * PAGE + 8, 'w'); /* a later write is not undone by the patch */
    pager_trim(pager, NULL);
    ck_assert_uint_eq(read_at(4 * PAGE + 8), 'w');
}
END_TEST

START_TEST(patches_go_with_their_region)
{
    struct pager_region_desc one = file_desc(BASE, 0, 2, HOST_READ),
                             two = file_desc(BASE + 2 * PAGE, 2, 2, HOST_READ);
    struct pager_region *a = add(&one), *b = add(&two);
    char text[65];

    memset(text, 'z', sizeof text);
    for (uint32_t i = 0; i < 3; i++) { /* records of both, in turn; 192 of 256 bytes */
        ck_assert_int_eq(pager_patch(pager, BASE + i * 100, text, 32), PG_OK);
        ck_assert_int_eq(pager_patch(pager, BASE + 2 * PAGE + i * 100, text, 32), PG_OK);
    }
    ck_assert_int_eq(pager_patch(pager, BASE + 3 * PAGE, text, 65), PG_E_LIMIT);
    pager_remove(pager, a);
    ck_assert(pager_is_valid(pager));
    ck_assert_int_eq(pager_patch(pager, BASE + 3 * PAGE, text, 65), PG_OK);
    a = add(&one);
    ck_assert_uint_eq(read_at(0), file[0]);
    ck_assert_uint_eq(read_at(2 * PAGE + 200), 'z');
    ck_assert_uint_eq(read_at(3 * PAGE + 64), 'z');
    pager_remove(pager, b);
    ck_assert_uint_eq(pager->patch_words, 1);
}
END_TEST

START_TEST(patches_are_checked)
{
    add_file(2, HOST_READ);
    ck_assert_int_eq(pager_patch(pager, BASE + 2 * PAGE, "x", 1), PG_E_ARG);
    ck_assert_int_eq(pager_patch(pager, BASE + 2 * PAGE - 1, "xy", 2), PG_E_ARG);
    ck_assert_int_eq(pager_patch(pager, BASE - 1, "xy", 2), PG_E_ARG);
    ck_assert_int_eq(pager_patch(pager, BASE, "x", 0), PG_OK);
    for (uint32_t i = 0; i < 256; i++) { /* as many as there are bytes, none next to another */
        ck_assert_int_eq(pager_patch(pager, BASE + 2 * i, "x", 1), PG_OK);
    }
    ck_assert_int_eq(pager_patch(pager, BASE + 1, "x", 1), PG_E_LIMIT);
    for (uint32_t i = 0; i < 1000; i++) { /* again at the same place costs nothing */
        ck_assert_int_eq(pager_patch(pager, BASE + 4, i % 2 ? "y" : "z", 1), PG_OK);
    }
    ck_assert_uint_eq(read_at(4), 'y');
    ck_assert_uint_eq(read_at(510), 'x');
    ck_assert_uint_eq(read_at(511), file[511]);
}
END_TEST

/* ---- frames ---- */

START_TEST(the_clock_spares_what_is_used)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    pager_set_frames(pager, 3);
    read_at(0 * PAGE);
    read_at(1 * PAGE);
    read_at(2 * PAGE);
    ck_assert_int_eq(resident(region), 3);
    read_at(3 * PAGE); /* all were used: one round, then the first leaves */
    ck_assert_int_eq(resident(region), 3);
    ck_assert(!pager_is_resident(pager, BASE));
    forget_calls();
    read_at(1 * PAGE); /* the hand had passed: a fault that reads nothing */
    ck_assert_uint_eq(calls_read, 0);
    ck_assert_uint_eq(calls_protect, 1);
    read_at(4 * PAGE); /* page 1 was used since, page 2 was not */
    ck_assert(pager_is_resident(pager, BASE + PAGE));
    ck_assert(!pager_is_resident(pager, BASE + 2 * PAGE));
    ck_assert_uint_eq(pager_counters(pager).evictions, 2);
    ck_assert_uint_eq(read_at(2 * PAGE), file[2 * PAGE]);
    ck_assert_int_eq(resident(region), 3);
}
END_TEST

START_TEST(evicted_pages_come_back)
{
    struct pager_region *region = add_zero(40);

    pager_set_policy(pager, (enum pager_policy)_i);
    pager_set_frames(pager, 5);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 40; i++) {
            uint32_t page = i * 7 % 40;

            ck_assert_uint_eq(read_at(page * PAGE), round == 0 ? 0 : page + round - 1);
            write_at(page * PAGE, (uint8_t)(page + round));
            ck_assert_int_le(resident(region), 5);
        }
        ck_assert(pager_is_valid(pager));
    }
    ck_assert_uint_ge(pager_counters(pager).evictions, 3 * 40 - 5);
}
END_TEST

START_TEST(fifo_takes_the_oldest)
{
    add_file(PAGES, HOST_READ);
    pager_set_policy(pager, PAGER_FIFO);
    pager_set_frames(pager, 2);
    read_at(5 * PAGE);
    read_at(1 * PAGE);
    read_at(5 * PAGE);
    read_at(2 * PAGE);
    ck_assert(!pager_is_resident(pager, BASE + 5 * PAGE));
    ck_assert(pager_is_resident(pager, BASE + PAGE));
    read_at(5 * PAGE);
    ck_assert(!pager_is_resident(pager, BASE + PAGE));
}
END_TEST

START_TEST(trim_all_takes_everything)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    pager_set_policy(pager, PAGER_TRIM_ALL);
    pager_set_frames(pager, 4);
    for (uint32_t i = 0; i < 4; i++) {
        read_at(i * PAGE);
    }
    ck_assert_int_eq(resident(region), 4);
    read_at(4 * PAGE);
    ck_assert_int_eq(resident(region), 1);
    ck_assert(pager_is_resident(pager, BASE + 4 * PAGE));
}
END_TEST

START_TEST(limits_and_policies_change_while_pages_are_in)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    for (uint32_t i = 0; i < PAGES; i++) {
        read_at(i * PAGE);
    }
    pager_set_frames(pager, 6);
    ck_assert_int_eq(resident(region), 6);
    pager_set_policy(pager, PAGER_FIFO);
    pager_set_frames(pager, 3);
    ck_assert_int_eq(resident(region), 3);
    ck_assert(pager_is_resident(pager, BASE + 7 * PAGE));
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK); /* pinned pages do not count */
    ck_assert_int_eq(resident(region), PAGES);
    pager_unpin(pager, region);
    ck_assert_int_eq(resident(region), 3);
    pager_set_frames(pager, 0);
    for (uint32_t i = 0; i < PAGES; i++) {
        read_at(i * PAGE);
    }
    ck_assert_int_eq(resident(region), PAGES);
}
END_TEST

static int no_scratch(void)
{
    return -EMFILE;
}

START_TEST(a_page_that_cannot_be_written_stays)
{
    struct pager_failure failure = {0};
    struct pager_region *region = add_zero(6);
    uint8_t value;

    host.open_scratch = no_scratch;
    write_at(0, 1);
    read_at(PAGE);
    write_at(2 * PAGE, 2);
    read_at(5 * PAGE);
    ck_assert_uint_eq(pager_trim(pager, &failure), 2); /* the clean ones */
    ck_assert_int_eq(failure.status, PG_E_IO);
    ck_assert(failure.paging_file);
    ck_assert_int_eq(resident(region), 2);
    ck_assert(pager_is_valid(pager));
    pager_set_policy(pager, (enum pager_policy)_i);
    pager_set_frames(pager, 2);
    ck_assert(!support_read(BASE + 3 * PAGE, &value)); /* nothing can make room */
    ck_assert_int_eq(support_outcome, PAGER_FAILED);
    ck_assert_int_eq(support_failure.status, PG_E_IO);
    ck_assert(support_failure.paging_file);
    host.open_scratch = saved.open_scratch;
    ck_assert_uint_eq(read_at(3 * PAGE), 0);
    ck_assert_uint_eq(read_at(0), 1);
    ck_assert_uint_eq(read_at(2 * PAGE), 2);
    ck_assert_int_le(resident(region), 2);
}
END_TEST

static uint32_t choose_pattern(void *context, uint32_t n)
{
    uint32_t *count = context;

    ck_assert_uint_eq(n, 2);
    return ++*count % 3 != 0;
}

START_TEST(random_trims_ask_for_each_page)
{
    uint32_t asked = 0;
    struct pager_region *region = add_file(PAGES, HOST_READ);

    pager->hooks = (struct pager_hooks){.context = &asked, .choose = choose_pattern};
    for (uint32_t i = 0; i < PAGES; i++) {
        if (i != 4) {
            read_at(i * PAGE);
        }
    }
    forget_calls();
    ck_assert_uint_eq(pager_trim_random(pager, NULL),
                      5); /* of 0 1 2 3 5 6 7, not the 3rd and 6th */
    ck_assert_uint_eq(asked, 7);
    ck_assert_uint_eq(calls_discard, 4);
    ck_assert(pager_is_resident(pager, BASE + 2 * PAGE) &&
              pager_is_resident(pager, BASE + 6 * PAGE));
    ck_assert_int_eq(resident(region), 2);
    pager->hooks.choose = NULL;
    ck_assert_uint_eq(pager_trim_random(pager, NULL), 2);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, patches_are_there_after_every_page_in);
    tcase_add_test(t, a_patch_meets_pages_in_every_state);
    tcase_add_test(t, patches_go_with_their_region);
    tcase_add_test(t, patches_are_checked);
    tcase_add_test(t, the_clock_spares_what_is_used);
    tcase_add_loop_test(t, evicted_pages_come_back, 0, 3);
    tcase_add_test(t, fifo_takes_the_oldest);
    tcase_add_test(t, trim_all_takes_everything);
    tcase_add_test(t, limits_and_policies_change_while_pages_are_in);
    tcase_add_loop_test(t, a_page_that_cannot_be_written_stays, 0, 3);
    tcase_add_test(t, random_trims_ask_for_each_page);
}

int main(int argc, char **argv)
{
    return pager_suite(argc, argv, "frames", add_tests, NULL);
}
