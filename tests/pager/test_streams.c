/* SPDX-License-Identifier: MIT */
/* Random streams against the model, and what notices damage. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pager/checksum.h"
#include "stream.h"
#include "fixture.h"

START_TEST(the_validator_sees_damage)
{
    struct pager_region *region = add_zero(4);
    struct page *page = &pager->pages[region->slot];

    write_at(0, 1);
    read_at(PAGE);
    for (unsigned bit = 0; bit < 8; bit++) {
        uint8_t flag = (uint8_t)(1u << bit);

        if ((flag & (PAGE_IN | PAGE_STUCK)) != 0) {
            page[0].flags ^= flag;
            ck_assert(!pager_is_valid(pager));
            page[0].flags ^= flag;
        }
        if ((flag & (PAGE_IN | PAGE_OPEN | PAGE_DIRTY)) != 0) {
            page[2].flags ^= flag; /* a page that is out */
            ck_assert(!pager_is_valid(pager));
            page[2].flags ^= flag;
        }
    }
    pager->evictable_count++;
    ck_assert(!pager_is_valid(pager));
    pager->evictable_count--;
    ck_assert_int_eq(saved.discard(BASE + PAGE, PAGE), 0); /* the kernel disagrees */
    ck_assert(!pager_is_valid(pager));
    pager_trim(pager, NULL);
    ck_assert(pager_is_valid(pager));
}
END_TEST

START_TEST(checksums_notice_every_bit)
{
    uint8_t page[PG_PAGE_SIZE];
    uint64_t sum;

    support_noise(page, sizeof page, 3);
    sum = checksum_page(page);
    for (uint32_t bit = 0; bit < sizeof page * 8; bit++) {
        page[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        ck_assert_uint_ne(checksum_page(page), sum);
        page[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    ck_assert_uint_eq(checksum_page(page), sum);
    for (uint32_t i = 0; i + 16 <= sizeof page; i += 8) { /* words that changed places */
        uint8_t copy[PG_PAGE_SIZE];

        memcpy(copy, page, sizeof page);
        memcpy(copy + i, page + i + 8, 8);
        memcpy(copy + i + 8, page + i, 8);
        ck_assert_uint_ne(checksum_page(copy), sum);
    }
}
END_TEST

START_TEST(random_streams_agree_with_the_model)
{
    uint8_t bytes[3000];

    for (uint64_t seed = 0; seed < 20; seed++) {
        support_noise(bytes, sizeof bytes, (uint64_t)_i * 1000 + seed);
        pager_stream_run(bytes, sizeof bytes);
    }
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, the_validator_sees_damage);
    tcase_add_test(t, checksums_notice_every_bit);
}

static void add_streams(Suite *suite)
{
    TCase *streams = tcase_create("streams");

    tcase_set_timeout(streams, 240);
    tcase_add_loop_test(streams, random_streams_agree_with_the_model, 0, 8);
    suite_add_tcase(suite, streams);
}

int main(int argc, char **argv)
{
    return pager_suite(argc, argv, "streams", add_tests, add_streams);
}
