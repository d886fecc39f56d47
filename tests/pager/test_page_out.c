/* SPDX-License-Identifier: MIT */
/* Pages leave and come back: the paging file, pins and discards. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pager/checksum.h"
#include "fixture.h"

/* ---- page out ---- */

START_TEST(modified_pages_come_back)
{
    struct pager_region *region = add_file(PAGES, HOST_READ | HOST_WRITE);

    for (int round = 1; round <= 4; round++) {
        for (uint32_t i = 0; i < PAGES; i += 2) {
            write_at(i * PAGE + 5u * (unsigned)round, (uint8_t)(i + (unsigned)round));
        }
        ck_assert_int_eq(resident(region), PAGES / 2);
        ck_assert_uint_eq(pager_trim(pager, NULL), PAGES / 2);
        ck_assert_int_eq(resident(region), 0);
        ck_assert_int_eq(support_smaps_rss(BASE, sizeof file), 0);
        ck_assert_uint_eq(pager_counters(pager).write_backs, (uint64_t)round * PAGES / 2);
    }
    for (uint32_t i = 0; i < PAGES; i += 2) {
        for (uint32_t round = 1; round <= 4; round++) {
            ck_assert_uint_eq(read_at(i * PAGE + 5 * round), i + round);
        }
        ck_assert_uint_eq(read_at(i * PAGE + 999), file[i * PAGE + 999]);
        ck_assert_uint_eq(read_at((i + 1) * PAGE), file[(i + 1) * PAGE]);
    }
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES);
    ck_assert_uint_eq(calls_write, 0); /* read only since they came back: clean */
    ck_assert_uint_eq(calls_discard, 1);
}
END_TEST

START_TEST(trim_costs_what_came_in)
{
    add_file(PAGES, HOST_READ);
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(calls_discard + calls_protect + calls_read + calls_write, 0);
    read_at(1 * PAGE);
    read_at(2 * PAGE);
    read_at(5 * PAGE);
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), 3);
    ck_assert_uint_eq(calls_discard, 1);
    ck_assert_uint_eq(calls_protect + calls_read + calls_write, 0);
    ck_assert_uint_eq(discarded_at, BASE + PAGE);
    ck_assert_uint_eq(discarded_bytes, 5 * PAGE);
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(calls_discard, 1);
    ck_assert_uint_eq(pager_counters(pager).trims, 3);
    ck_assert_uint_eq(pager_counters(pager).pages_trimmed, 3);
    ck_assert_uint_eq(pager_counters(pager).page_outs, 3);
}
END_TEST

START_TEST(zero_pages_are_zero_again_and_again)
{
    struct pager_region *region = add_zero(4);

    ck_assert_uint_eq(read_at(17), 0);
    ck_assert_int_eq(resident(region), 1);
    write_at(2 * PAGE, 9);
    ck_assert_int_eq(resident(region), 2);
    ck_assert_uint_eq(pager_trim(pager, NULL), 2);
    ck_assert_uint_eq(pager_counters(pager).write_backs, 1);
    ck_assert_int_eq(resident(region), 0);
    ck_assert_uint_eq(read_at(2 * PAGE), 9);
    ck_assert_uint_eq(read_at(2 * PAGE + 1), 0);
    ck_assert_uint_eq(read_at(17), 0);
}
END_TEST

START_TEST(damage_in_the_paging_file_is_seen)
{
    uint8_t byte;

    add_zero(3);
    write_at(0, 1);
    write_at(PAGE, 2);
    pager_trim(pager, NULL);
    ck_assert_int_eq(pread(pager->swap_fd, &byte, 1, PAGE + 4000), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(pager->swap_fd, &byte, 1, PAGE + 4000), 1);
    read_fails(PAGE, PG_E_CORRUPT, true);
    ck_assert_uint_eq(support_failure.file_offset, PAGE);
    ck_assert_uint_ne(support_failure.expected, support_failure.actual);
    ck_assert_uint_eq(read_at(0), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(pager->swap_fd, &byte, 1, PAGE + 4000), 1);
    ck_assert_uint_eq(read_at(PAGE), 2);
    pager_trim(pager, NULL);
    ck_assert_int_eq(ftruncate(pager->swap_fd, PAGE + 1), 0);
    ck_assert_uint_eq(read_at(0), 1);
    read_fails(PAGE + 1, PG_E_TRUNCATED, true);
}
END_TEST

START_TEST(a_changed_image_file_is_seen)
{
    struct pager_failure failure;
    struct pager_region *region = add_file(PAGES, HOST_READ);
    uint8_t byte = file[3 * PAGE + 1] ^ 0x80;

    read_at(2 * PAGE);
    ck_assert_int_eq(pwrite(fd, &byte, 1, 3 * PAGE + 1), 1);
    read_fails(3 * PAGE, PG_E_CHANGED, false);
    ck_assert_uint_eq(support_failure.file_offset, 3 * PAGE);
    ck_assert_uint_eq(support_failure.expected, checksum_page(file + 3 * PAGE));
    ck_assert_uint_ne(support_failure.actual, support_failure.expected);
    ck_assert_uint_eq(read_at(4 * PAGE), file[4 * PAGE]);
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_CHANGED);
    ck_assert_uint_eq(failure.address, BASE + 3 * PAGE);
    ck_assert(!pager_region_pinned(region));
    ck_assert_int_eq(ftruncate(fd, 6 * PAGE + 5), 0);
    read_fails(6 * PAGE, PG_E_TRUNCATED, false);
    read_fails(7 * PAGE, PG_E_TRUNCATED, false);
    ck_assert_uint_eq(read_at(5 * PAGE), file[5 * PAGE]);
    ck_assert_int_eq(pwrite(fd, file, sizeof file, 0), (ssize_t)sizeof file);
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_OK);
    ck_assert_uint_eq(read_at(3 * PAGE + 1), file[3 * PAGE + 1]);
}
END_TEST

/* ---- pins and discards ---- */

START_TEST(a_pinned_region_comes_in_as_one_run)
{
    struct pager_region_desc desc = file_desc(BASE, 0, PAGES, HOST_READ);
    struct pager_region *region;

    desc.pinned = true;
    forget_calls();
    region = add(&desc);
    ck_assert_uint_eq(calls_read, 1);
    ck_assert_uint_eq(calls_protect, 2);
    ck_assert_int_eq(resident(region), PAGES);
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(pager_trim_region(pager, region, NULL), 0);
    ck_assert_uint_eq(read_at(PAGE), file[PAGE]);
    ck_assert_uint_eq(support_faults, 0);
    pager_unpin(pager, region);
    pager_unpin(pager, region);
    ck_assert_int_eq(resident(region), PAGES);
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES);
    ck_assert_int_eq(resident(region), 0);
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    ck_assert(pager_region_pinned(region));
    ck_assert_int_eq(resident(region), PAGES);
    ck_assert_uint_eq(read_at(7 * PAGE), file[7 * PAGE]);
    ck_assert_uint_eq(support_faults, 0);
}
END_TEST

START_TEST(pinned_data_never_faults)
{
    struct pager_region *region = add_file(PAGES, HOST_READ | HOST_WRITE);

    read_at(2 * PAGE);
    write_at(4 * PAGE, 1);
    support_faults = 0;
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    for (uint32_t i = 0; i < PAGES; i++) {
        write_at(i * PAGE + 3, (uint8_t)i);
    }
    ck_assert_uint_eq(support_faults, 0);
    pager_unpin(pager, region);
    ck_assert_uint_eq(pager_trim(pager, NULL), PAGES);
    for (uint32_t i = 0; i < PAGES; i++) {
        ck_assert_uint_eq(read_at(i * PAGE + 3), i);
    }
    ck_assert_uint_eq(read_at(4 * PAGE), 1);
}
END_TEST

START_TEST(a_large_region_moves_in_chunks)
{
    struct pager_region_desc desc = zero_desc(BASE, 50);
    struct pager_region *region = add(&desc);

    for (uint32_t i = 0; i < 50; i++) {
        write_at(i * PAGE + i, (uint8_t)(i + 1));
    }
    forget_calls();
    ck_assert_uint_eq(pager_trim(pager, NULL), 50);
    ck_assert_uint_eq(calls_write, 4);
    ck_assert_uint_eq(calls_discard, 1);
    forget_calls();
    ck_assert_int_eq(pager_pin(pager, region, NULL), PG_OK);
    ck_assert_uint_eq(calls_read, by_backend(1, 4)); /* to its place, or through a buffer */
    ck_assert_uint_eq(calls_protect, by_backend(1, 4));
    for (uint32_t i = 0; i < 50; i++) {
        ck_assert_uint_eq(read_at(i * PAGE + i), i + 1);
    }
}
END_TEST

START_TEST(discarded_is_for_ever)
{
    struct pager_region_desc desc = file_desc(BASE, 0, 4, HOST_READ | HOST_WRITE);
    struct pager_failure failure = {0};
    struct pager_region *region;
    uint8_t value;

    desc.pinned = _i == 0;
    region = add(&desc);
    write_at(0, 1);
    pager_discard(pager, region);
    pager_discard(pager, region);
    ck_assert(pager_region_discarded(region) && !pager_region_pinned(region));
    ck_assert_int_eq(resident(region), 0);
    ck_assert(!support_read(BASE, &value));
    ck_assert_int_eq(support_outcome, PAGER_DISCARDED);
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_E_DISCARDED);
    ck_assert_int_eq(failure.status, PG_E_DISCARDED);
    ck_assert_int_eq(pager_patch(pager, BASE, "x", 1), PG_E_DISCARDED);
    pager_unpin(pager, region);
    ck_assert_uint_eq(pager_trim(pager, NULL), 0);
    ck_assert_uint_eq(pager_trim_region(pager, region, NULL), 0);
    ck_assert(!pager_is_resident(pager, BASE));
    pager_remove(pager, region);
    ck_assert_int_eq(pager_fault(pager, BASE, PAGER_READ, NULL), PAGER_NOT_MINE);
}
END_TEST

/* ---- pages that stay, out of reach ---- */

START_TEST(closed_pages_stay_and_are_seen_to_be_used)
{
    struct pager_region *region = add_file(PAGES, HOST_READ | HOST_WRITE);

    write_at(1 * PAGE, 7);
    read_at(2 * PAGE);
    read_at(5 * PAGE);
    forget_calls();
    pager_close(pager);
    ck_assert_uint_eq(calls_protect, 2); /* one a run */
    ck_assert_uint_eq(calls_discard + calls_read + calls_write, 0);
    ck_assert_int_eq(resident(region), 3);
    pager_close(pager);
    ck_assert_uint_eq(calls_protect, 2); /* nothing is open */
    support_faults = 0;
    ck_assert_uint_eq(read_at(1 * PAGE), 7);
    ck_assert_uint_eq(support_faults, 1);
    write_at(1 * PAGE, 8);
    ck_assert_uint_eq(support_faults, 1); /* dirty as before: open for writing */
    ck_assert_uint_eq(read_at(2 * PAGE + 3), file[2 * PAGE + 3]);
    ck_assert_uint_eq(support_faults, 2);
    ck_assert_uint_eq(pager_counters(pager).page_ins, 3);
    pager_close(pager);
    ck_assert(pager_is_valid(pager));
    ck_assert_uint_eq(pager_trim(pager, NULL), 3);
    ck_assert_uint_eq(read_at(1 * PAGE), 8);
}
END_TEST

START_TEST(what_may_leave)
{
    struct pager_region_desc pinned = zero_desc(BASE + PAGES * PAGE, 2);
    struct pager_region *region = add_file(PAGES, HOST_READ);
    struct pager_failure failure;

    pinned.pinned = true;
    add(&pinned);
    ck_assert(!pager_may_leave(pager, BASE)); /* it is out */
    read_at(0);
    ck_assert(pager_may_leave(pager, BASE) && pager_may_leave(pager, BASE + PAGE - 1));
    ck_assert(!pager_may_leave(pager, BASE + PAGE));
    ck_assert(!pager_may_leave(pager, BASE + PAGES * PAGE)); /* pinned */
    ck_assert(!pager_may_leave(pager, BASE - 1));
    ck_assert(!pager_may_leave(pager, BASE + (PAGES + 2) * PAGE));
    ck_assert_int_eq(pager_hold(pager, BASE, 1, &failure), PG_OK);
    ck_assert(!pager_may_leave(pager, BASE)); /* held */
    pager_release(pager, BASE, 1);
    ck_assert(pager_may_leave(pager, BASE));
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_OK);
    ck_assert(!pager_may_leave(pager, BASE));
}
END_TEST

START_TEST(held_and_pinned_pages_are_not_closed)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);
    struct pager_failure failure;

    read_at(0);
    ck_assert_int_eq(pager_hold(pager, BASE, 1, &failure), PG_OK);
    support_faults = 0;
    pager_close(pager);
    read_at(0);
    ck_assert_uint_eq(support_faults, 0);
    pager_release(pager, BASE, 1);
    pager_close(pager);
    ck_assert_int_eq(pager_pin(pager, region, &failure), PG_OK); /* opens it again */
    pager_close(pager);
    read_at(0);
    read_at(3 * PAGE);
    ck_assert_uint_eq(support_faults, 0);
    ck_assert(pager_is_valid(pager));
}
END_TEST

START_TEST(a_refused_close_changes_nothing)
{
    struct pager_region *region = add_file(PAGES, HOST_READ);

    read_at(0);
    refuse_protects = 1;
    support_faults = 0;
    pager_close(pager);
    ck_assert_uint_eq(read_at(0), file[0]);
    ck_assert_uint_eq(support_faults, 0);
    ck_assert_int_eq(resident(region), 1);
    ck_assert(pager_is_valid(pager));
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, closed_pages_stay_and_are_seen_to_be_used);
    tcase_add_test(t, what_may_leave);
    tcase_add_test(t, held_and_pinned_pages_are_not_closed);
    tcase_add_test(t, a_refused_close_changes_nothing);
    tcase_add_test(t, modified_pages_come_back);
    tcase_add_test(t, trim_costs_what_came_in);
    tcase_add_test(t, zero_pages_are_zero_again_and_again);
    tcase_add_test(t, damage_in_the_paging_file_is_seen);
    tcase_add_test(t, a_changed_image_file_is_seen);
    tcase_add_test(t, a_pinned_region_comes_in_as_one_run);
    tcase_add_test(t, pinned_data_never_faults);
    tcase_add_test(t, a_large_region_moves_in_chunks);
    tcase_add_loop_test(t, discarded_is_for_ever, 0, 2);
}

int main(int argc, char **argv)
{
    return pager_suite(argc, argv, "page out", add_tests, NULL);
}
