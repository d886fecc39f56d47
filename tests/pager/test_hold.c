/* SPDX-License-Identifier: MIT */
/* Holds of single pages: counted, whatever happens to the region's other pages. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "support/run.h"

enum { PAGES = 8 };

static uint8_t file[PAGES * PG_PAGE_SIZE];
static int fd;
static struct pager *pager;
static struct host_calls saved;
static unsigned refuse_after; /* calls that give access until one is refused; 0: none */

static int refusing_protect(uint64_t address, uint64_t bytes, unsigned protection)
{
    if (refuse_after > 0 && --refuse_after == 0) {
        return -12; /* ENOMEM */
    }
    return saved.protect(address, bytes, protection);
}

static int refusing_fill(int with, uint64_t address, const void *content, uint64_t bytes,
                         int guarded)
{
    if (refuse_after > 0 && --refuse_after == 0) {
        return -12;
    }
    return saved.missing_fill(with, address, content, bytes, guarded);
}

static void setup(void)
{
    saved = host;
    host.protect = refusing_protect;
    host.missing_fill = refusing_fill;
    support_noise(file, sizeof file, 7);
    fd = support_file(file, sizeof file);
    pager = support_pager(8, 64, 256, NULL);
    support_serve(pager);
}

static void teardown(void)
{
    ck_assert(pager_is_valid(pager));
    support_serve(NULL);
    support_fini(pager);
    host = saved;
    close(fd);
}

static struct pager_region *add(uint64_t base, uint32_t pages, bool from_file)
{
    struct pager_region_desc desc = {
        .base = base,
        .pages = pages,
        .protection = HOST_READ | HOST_WRITE,
        .backing = {.fd = from_file ? fd : -1, .file_bytes = from_file ? pages * PAGE : 0}};
    struct pager_region *region;

    ck_assert_int_eq(pager_add(pager, &desc, &region), PG_OK);
    return region;
}

static bool in(uint64_t address)
{
    return pager_is_resident(pager, address);
}

START_TEST(held_pages_stay_and_their_neighbours_leave)
{
    struct pager_region *region = add(BASE, PAGES, true);
    uint8_t value;

    ck_assert_int_eq(pager_hold(pager, BASE + 2 * PAGE + 5, PAGE, NULL), PG_OK); /* pages 2 and 3 */
    ck_assert_int_eq(pager_region_resident_pages(pager, region), 2);
    for (uint32_t i = 0; i < PAGES; i++) {
        ck_assert(support_write(BASE + i * PAGE, (uint8_t)i));
    }
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES - 2);
    ck_assert(pager_is_valid(pager));
    ck_assert_int_eq(pager_region_resident_pages(pager, region), 2);
    ck_assert(in(BASE + 2 * PAGE) && in(BASE + 3 * PAGE) && !in(BASE + PAGE) &&
              !in(BASE + 4 * PAGE));
    for (uint32_t i = 0; i < PAGES; i++) {
        ck_assert(support_read(BASE + i * PAGE, &value));
        ck_assert_uint_eq(value, i);
    }
    pager_release(pager, BASE + 2 * PAGE + 5, PAGE);
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES);
}
END_TEST

START_TEST(holds_are_counted)
{
    (void)add(BASE, PAGES, false);
    ck_assert_int_eq(pager_hold(pager, BASE, 3 * PAGE, NULL), PG_OK);
    ck_assert_int_eq(pager_hold(pager, BASE + PAGE, 1, NULL), PG_OK);
    pager_release(pager, BASE, 3 * PAGE);
    pager_trim(pager, NULL);
    ck_assert(!in(BASE) && in(BASE + PAGE) && !in(BASE + 2 * PAGE));
    pager_release(pager, BASE + PAGE, 1);
    pager_trim(pager, NULL);
    ck_assert(!in(BASE + PAGE));
    pager_release(pager, BASE + PAGE, 1); /* more often than held: nothing */
    for (uint32_t i = 0; i < UINT16_MAX; i++) {
        ck_assert_int_eq(pager_hold(pager, BASE, 0, NULL), PG_OK);
    }
    ck_assert_int_eq(pager_hold(pager, BASE, 1, NULL), PG_E_LIMIT);
}
END_TEST

START_TEST(a_hold_of_nothing_holds_nothing)
{
    struct pager_failure failure = {0};
    struct pager_region *gone;

    (void)add(BASE, 2, false);
    gone = add(BASE + 2 * PAGE, 1, false);
    ck_assert_int_eq(pager_hold(pager, BASE, 3 * PAGE + 1, &failure), PG_E_ARG);
    ck_assert_uint_eq(failure.address, BASE + 3 * PAGE);
    pager_discard(pager, gone);
    ck_assert_int_eq(pager_hold(pager, BASE, 3 * PAGE, &failure), PG_E_DISCARDED);
    pager_trim(pager, NULL);
    ck_assert(!in(BASE) && !in(BASE + PAGE));
    refuse_after = 2;
    ck_assert_int_eq(pager_hold(pager, BASE, 2 * PAGE, &failure), PG_E_NO_MEMORY);
    refuse_after = 0;
    pager_trim(pager, NULL);
    ck_assert(!in(BASE) && !in(BASE + PAGE));
}
END_TEST

START_TEST(holds_and_pins_mix)
{
    struct pager_region *region = add(BASE, 4, true);

    ck_assert_int_eq(pager_hold(pager, BASE, 1, NULL), PG_OK);
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    ck_assert_int_eq(pager_hold(pager, BASE + PAGE, 1, NULL), PG_OK);
    ck_assert(pager_is_valid(pager));
    pager_release(pager, BASE, 1);
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    pager_unpin(pager, region);
    ck_assert_uint_eq(pager_trim(pager, NULL), 3);
    ck_assert(in(BASE + PAGE));
    pager_discard(pager, region); /* whoever holds it */
    ck_assert(!in(BASE + PAGE));
    pager_release(pager, BASE + PAGE, 1);
    pager_remove(pager, region);
    pager_release(pager, BASE + PAGE, 1);
}
END_TEST

START_TEST(held_pages_are_no_frames_of_the_limit)
{
    uint8_t value;

    (void)add(BASE, PAGES, true);
    pager_set_policy(pager, (enum pager_policy)_i);
    pager_set_frames(pager, 2);
    ck_assert_int_eq(pager_hold(pager, BASE, 3 * PAGE, NULL), PG_OK);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < PAGES; i++) {
            ck_assert(support_read(BASE + i * PAGE, &value));
            ck_assert_uint_eq(value, file[i * PAGE]);
        }
    }
    ck_assert(in(BASE) && in(BASE + PAGE) && in(BASE + 2 * PAGE));
    pager_release(pager, BASE, 3 * PAGE);
    ck_assert(pager_region_resident_pages(pager, pager_region_at(pager, BASE)) <= 2);
}
END_TEST

/* Holds, releases, writes and trims at random, against counts in an array. */
START_TEST(random_holds_agree_with_counts)
{
    uint32_t counts[PAGES] = {0};
    uint8_t written[PAGES] = {0}, value;
    uint64_t state = 0x9e3779b97f4a7c15ull * (uint64_t)(_i + 1);

    (void)add(BASE, PAGES, false);
    for (uint32_t step = 0; step < 3000; step++) {
        uint32_t page, pages;

        state = state * 6364136223846793005ull + 1442695040888963407ull;
        page = (uint32_t)(state >> 33) % PAGES;
        pages = 1 + (uint32_t)(state >> 40) % (PAGES - page);
        switch ((state >> 60) % 4) {
        case 0:
            ck_assert_int_eq(pager_hold(pager, BASE + page * PAGE, pages * PAGE, NULL), PG_OK);
            for (uint32_t i = page; i < page + pages; i++) {
                counts[i]++;
            }
            break;
        case 1:
            for (uint32_t i = page; i < page + pages; i++) {
                if (counts[i] > 0) {
                    counts[i]--;
                    pager_release(pager, BASE + i * PAGE, 1);
                }
            }
            break;
        case 2:
            written[page] = (uint8_t)step;
            ck_assert(support_write(BASE + page * PAGE, written[page]));
            break;
        default:
            pager_trim(pager, NULL);
            for (uint32_t i = 0; i < PAGES; i++) {
                ck_assert_int_eq(in(BASE + i * PAGE), counts[i] > 0);
            }
        }
    }
    for (uint32_t i = 0; i < PAGES; i++) {
        ck_assert(support_read(BASE + i * PAGE, &value));
        ck_assert_uint_eq(value, written[i]);
    }
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("holds");
    TCase *t = tcase_create("holds");

    if (!support_choose_backend(argc, argv)) {
        return SUPPORT_SKIPPED;
    }
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, held_pages_stay_and_their_neighbours_leave);
    tcase_add_test(t, holds_are_counted);
    tcase_add_test(t, a_hold_of_nothing_holds_nothing);
    tcase_add_test(t, holds_and_pins_mix);
    tcase_add_loop_test(t, held_pages_are_no_frames_of_the_limit, 0, 3);
    tcase_add_loop_test(t, random_holds_agree_with_counts, 0, 8);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
