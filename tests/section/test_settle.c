/* SPDX-License-Identifier: MIT */
/* Threads that vanish inside a lock or an unlock, as in a forked child, and what is left of it. */
#include <check.h>
#include <setjmp.h>

#include "section/internal.h"
#include "support/run.h"

#define BASE UINT64_C(0x140000000)

static const struct pg_section_desc sections[] = {
    {".text", PG_RESIDENT, BASE + 0x1000, 2},
    {"PAGEaaaa", PG_PAGEABLE, BASE + 0x3000, 3},
    {"PAGE", PG_PAGEABLE, BASE + 0x7000, 1},
    {"INIT", PG_DISCARDABLE, BASE + 0x8000, 1},
};
enum { TEXT, AAAA, PAGE, INIT, SECTION_COUNT };

static _Alignas(64) char memory[1 << 16];
static struct pg_space *space;
static struct pg_image *image;
static jmp_buf gone;
static bool vanish;

static pg_status page_in(void *context, struct pg_image *of, uint32_t section)
{
    (void)context;
    (void)of;
    (void)section;
    if (vanish) {
        longjmp(gone, 1);
    }
    return PG_OK;
}

static void leave(void *context, struct pg_image *of, uint32_t section)
{
    (void)page_in(context, of, section);
}

static void setup(void)
{
    static const struct pg_services services = {
        .page_in = page_in, .allow_out = leave, .discard = leave};

    vanish = false;
    ck_assert_int_eq(pg_space_init(memory, sizeof memory, 4, 16, &services, &space), PG_OK);
    ck_assert_int_eq(pg_image_add(space, BASE, 0x9000, sections, SECTION_COUNT, NULL, &image),
                     PG_OK);
}

static void teardown(void)
{
    ck_assert(pg_space_is_valid(space));
}

static uint64_t word_now(uint32_t section)
{
    return word_load(space, image->first_slot + section);
}

static uint32_t count_of(uint32_t section)
{
    struct pg_section_info info;

    ck_assert_int_eq(pg_section_query(image, section, &info), PG_OK);
    return info.lock_count;
}

static pg_handle lock(uint64_t address)
{
    pg_handle handle = 0;

    ck_assert_int_eq(pg_lock_address(space, address, &handle), PG_OK);
    return handle;
}

/* Of two threads: one has begun the first lock, the other one has added to the count. */
START_TEST(a_lock_that_nobody_ends)
{
    pg_handle handle;

    vanish = true;
    if (setjmp(gone) == 0) {
        (void)pg_lock_address(space, BASE + 0x3000, &handle);
    }
    vanish = false;
    atomic_fetch_add(word_of(space, image->first_slot + AAAA), WORD_ONE);
    ck_assert_int_eq(word_state(word_now(AAAA)), SLOT_BUSY);
    ck_assert(!pg_section_settle(image, AAAA));
    ck_assert(pg_space_is_valid(space));
    handle = lock(BASE + 0x3000);
    ck_assert_uint_eq(count_of(AAAA), 1);
    ck_assert_int_eq(pg_unlock(space, handle), PG_OK);
}
END_TEST

/* It had added where the section was out, and not yet taken that back: no lock would ever end. */
START_TEST(an_addition_that_nobody_takes_back)
{
    atomic_fetch_add(word_of(space, image->first_slot + AAAA), WORD_ONE);
    ck_assert(!pg_section_settle(image, AAAA));
    ck_assert(pg_space_is_valid(space));
    (void)lock(BASE + 0x3000);
    ck_assert_uint_eq(count_of(AAAA), 1);
}
END_TEST

START_TEST(an_unlock_that_nobody_ends)
{
    pg_handle handle = lock(BASE + 0x3000);

    vanish = true;
    if (setjmp(gone) == 0) {
        (void)pg_unlock(space, handle);
    }
    vanish = false;
    ck_assert_int_eq(word_state(word_now(AAAA)), SLOT_BUSY);
    ck_assert(!pg_section_settle(image, AAAA));
    ck_assert_int_eq(pg_unlock(space, handle), PG_E_UNDERFLOW);
    ck_assert_int_eq(pg_lock_handle(space, handle), PG_OK);
    ck_assert_int_eq(pg_unlock(space, handle), PG_OK);
}
END_TEST

START_TEST(the_others_stay_as_they_are)
{
    pg_handle handle = lock(BASE + 0x3000);

    (void)lock(BASE + 0x8000);
    pg_discard_init(image);
    for (uint32_t i = 0; i < SECTION_COUNT; i++) {
        uint64_t before = word_now(i);

        ck_assert(pg_section_settle(image, i) == (i != PAGE));
        ck_assert_uint_eq(word_now(i), before);
    }
    ck_assert_uint_eq(count_of(AAAA), 1);
    ck_assert_uint_eq(count_of(INIT), 1);
    ck_assert_int_eq(pg_unlock(space, handle), PG_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settle");
    TCase *tests = tcase_create("settle");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_lock_that_nobody_ends);
    tcase_add_test(tests, an_addition_that_nobody_takes_back);
    tcase_add_test(tests, an_unlock_that_nobody_ends);
    tcase_add_test(tests, the_others_stay_as_they_are);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
