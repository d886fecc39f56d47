/* SPDX-License-Identifier: MIT */
/*
 * The protocol of a section's word, in every order in which two or three threads can take its
 * atomic steps (explore.h; the core is compiled with step.h).  In every state:
 *
 *   - while a lock is held that was granted, every page of the section is resident; so a second
 *     locker that came while the first one brought the section in returned only after that;
 *   - page_in is called only when the pages are out, allow_out only when no lock is held;
 *
 * and at every end: the counts are what was granted less what was given back, the validator is
 * content, and a section that nobody holds is out (if it may be).  That each state leads to an end
 * rules out a lost wake-up and a livelock.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "section/internal.h"
#include "support/run.h"

#define BASE UINT64_C(0x140000000)

enum { TEXT, CODE, INIT, SECTIONS, PAGES = 2, OPERATIONS = 4 };

enum operation {
    END,
    LOCK,          /* by handle */
    LOCK_ADDRESS,  /* somewhere in the section */
    UNLOCK,        /* what this thread locked; nothing when it was refused */
    UNLOCK_ANYHOW, /* whoever locked it: may be one too many */
    PAGE_ENTIRE,
    RESET,
    DISCARD,
    CHURN, /* another image comes, or goes */
};

struct plan {
    const char *name;
    uint32_t threads, section;
    uint32_t count;    /* locks held before the threads begin, one of them by thread 0 */
    uint32_t failures; /* page_in may fail so often */
    bool paged;        /* pg_page_entire was called before */
    bool rogue;        /* a thread unlocks what others locked: no lock is anybody's to rely on */
    enum operation operations[EXPLORE_THREADS][OPERATIONS];
};

/* clang-format off */
static const struct plan plans[] = {
    {"two lockers", 2, CODE, 0, 0, false, false,
     {{LOCK, UNLOCK, LOCK, UNLOCK}, {LOCK, UNLOCK, LOCK, UNLOCK}}},
    {"three lockers", 3, CODE, 0, 0, false, false, {{LOCK, UNLOCK}, {LOCK, UNLOCK}, {LOCK, UNLOCK}}},
    {"page_in fails", 3, CODE, 0, 2, false, false, {{LOCK, UNLOCK}, {LOCK, UNLOCK}, {LOCK, UNLOCK}}},
    {"by address", 2, CODE, 0, 1, false, false, {{LOCK_ADDRESS, UNLOCK}, {LOCK_ADDRESS, UNLOCK}}},
    {"last unlock meets a locker", 3, CODE, 1, 0, false, false,
     {{UNLOCK}, {LOCK, UNLOCK}, {LOCK}}},
    {"an unlock too many", 3, CODE, 0, 0, false, true, {{LOCK, UNLOCK}, {UNLOCK_ANYHOW}, {LOCK}}},
    {"the count is full", 3, CODE, PG_LOCK_COUNT_MAX - 1, 0, false, false, {{LOCK}, {LOCK, UNLOCK}, {LOCK}}},
    {"paged under a locker", 3, TEXT, 0, 0, false, false, {{LOCK, UNLOCK}, {PAGE_ENTIRE}, {LOCK}}},
    {"reset under a locker", 3, TEXT, 0, 1, true, false, {{LOCK, UNLOCK}, {RESET}, {LOCK, UNLOCK}}},
    {"paged and reset at once", 3, TEXT, 1, 1, false, false, {{UNLOCK, LOCK}, {RESET}, {PAGE_ENTIRE}}},
    {"discarded under lockers", 3, INIT, 0, 0, true, false, {{LOCK, UNLOCK}, {DISCARD}, {LOCK, UNLOCK}}},
    {"images come and go", 2, CODE, 1, 0, false, false, {{LOCK_ADDRESS}, {CHURN, CHURN}}},
};
/* clang-format on */

static const struct pg_section_desc sections[SECTIONS] = {
    [TEXT] = {".text", PG_RESIDENT, BASE + 0x1000, PAGES},
    [CODE] = {"PAGE", PG_PAGEABLE, BASE + 0x3000, PAGES},
    [INIT] = {"INIT", PG_DISCARDABLE, BASE + 0x5000, PAGES},
};
static const struct pg_section_desc others[] = {{"PAGE", PG_PAGEABLE, BASE - 0x10000, 1},
                                                {"PAGE", PG_PAGEABLE, BASE - 0xe000, 1}};

static const struct plan *plan;

/* All that the threads share: this is what the search copies and restores. */
static struct world {
    _Alignas(128) char memory[4096];
    struct pg_space *space;
    struct pg_image *image, *other;
    bool in[SECTIONS][PAGES], gone;
    uint32_t failures;
    uint32_t granted; /* locks that were returned, less unlocks that were */
    uint32_t held;    /* of these, by threads that did not begin to unlock */
    bool mine[EXPLORE_THREADS];
} world;

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "interleaving \"%s\": %s\n", plan->name, what);
        abort();
    }
}
#define REQUIRE(e) require((e), #e)

/* ---- the host ---- */

static pg_status page_in(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    REQUIRE(!world.in[section][0] && !world.in[section][1]);
    if (world.failures > 0 && explore_choose()) {
        world.failures--;
        return PG_E_IO;
    }
    for (uint32_t i = 0; i < PAGES; i++) {
        step();
        world.in[section][i] = true;
    }
    step();
    return PG_OK;
}

static void allow_out(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    for (uint32_t i = 0; i < PAGES; i++) {
        step();
        REQUIRE(world.in[section][i]);
        REQUIRE(section != plan->section || world.held == 0);
        world.in[section][i] = false;
    }
    step();
}

static void discard(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    REQUIRE(section == INIT && !world.gone);
    world.gone = true;
}

static void relax(void *context)
{
    (void)context;
    step();
}

static const struct pg_services services = {
    .page_in = page_in, .allow_out = allow_out, .discard = discard, .relax = relax};

/* ---- the threads ---- */

static pg_handle handle_of_section(void)
{
    struct pg_section_info info;

    REQUIRE(pg_section_query(world.image, plan->section, &info) == PG_OK);
    return info.handle;
}

static void lock(uint32_t thread, bool by_address)
{
    pg_handle handle = handle_make(world.image->first_slot + plan->section, 1), got = handle;
    pg_status status = by_address ? pg_lock_address(world.space, BASE + 0x4fff, &got)
                                  : pg_lock_handle(world.space, handle);

    REQUIRE(got == handle);
    if (status == PG_OK) {
        world.granted++;
        world.held += !plan->rogue;
        world.mine[thread] = true;
    } else {
        REQUIRE((status == PG_E_IO && plan->failures > 0) ||
                (status == PG_E_DISCARDED && world.gone) ||
                (status == PG_E_DISCARDED && plan->section == INIT) ||
                (status == PG_E_OVERFLOW && plan->count == PG_LOCK_COUNT_MAX - 1));
    }
}

static void unlock(uint32_t thread, bool anyhow)
{
    pg_handle handle = handle_make(world.image->first_slot + plan->section, 1);
    pg_status status;

    if (!anyhow && !world.mine[thread]) {
        return;
    }
    if (!anyhow) { /* from here on this lock keeps nothing in */
        world.held -= !plan->rogue;
        world.mine[thread] = false;
    }
    status = pg_unlock(world.space, handle);
    if (status == PG_OK) {
        REQUIRE(world.granted > 0);
        world.granted--;
    } else {
        REQUIRE(status == PG_E_UNDERFLOW && plan->rogue);
    }
}

static void churn(void)
{
    if (world.other != NULL) {
        struct pg_image *other = world.other;

        world.other = NULL;
        REQUIRE(pg_image_remove(other) == 0);
    } else {
        REQUIRE(pg_image_add(world.space, BASE - 0x10000, 0x8000, others, 2, NULL, &world.other) ==
                PG_OK);
    }
}

static void thread(uint32_t number)
{
    uint64_t base;

    for (uint32_t i = 0; i < OPERATIONS; i++) {
        switch (plan->operations[number][i]) {
        case LOCK:
        case LOCK_ADDRESS:
            lock(number, plan->operations[number][i] == LOCK_ADDRESS);
            break;
        case UNLOCK:
        case UNLOCK_ANYHOW:
            unlock(number, plan->operations[number][i] == UNLOCK_ANYHOW);
            break;
        case PAGE_ENTIRE:
            REQUIRE(pg_page_entire(world.space, BASE, &base) == PG_OK);
            break;
        case RESET: {
            pg_status status = pg_reset_paging(world.space, BASE);

            REQUIRE(status == PG_OK || (status == PG_E_IO && plan->failures > 0));
            break;
        }
        case DISCARD:
            pg_discard_init(world.image);
            break;
        case CHURN:
            churn();
            break;
        case END:
            return;
        }
    }
}

static void always(void)
{
    for (uint32_t i = 0; i < PAGES && world.held > 0 && !world.gone; i++) {
        REQUIRE(world.in[plan->section][i]);
    }
}

static void at_end(void)
{
    struct pg_section_info info;

    REQUIRE(pg_space_is_valid(world.space));
    REQUIRE(pg_section_query(world.image, plan->section, &info) == PG_OK);
    REQUIRE(info.lock_count == world.granted);
    REQUIRE(info.discarded == world.gone);
    REQUIRE(world.gone || world.in[plan->section][0] == !info.pageable_now);
    REQUIRE(world.in[plan->section][0] == world.in[plan->section][1]);
    REQUIRE(plan->count != PG_LOCK_COUNT_MAX - 1 || world.granted >= PG_LOCK_COUNT_MAX - 1);
}

static void setup(void)
{
    uint64_t base;

    memset(&world, 0, sizeof world);
    REQUIRE(pg_space_init(world.memory, sizeof world.memory, 2, 5, &services, &world.space) ==
            PG_OK);
    REQUIRE(pg_image_add(world.space, BASE, 0x7000, sections, SECTIONS, NULL, &world.image) ==
            PG_OK);
    for (uint32_t i = 0; i < PAGES; i++) {
        world.in[TEXT][i] = world.in[INIT][i] = true;
    }
    if (plan->paged) {
        REQUIRE(pg_page_entire(world.space, BASE, &base) == PG_OK);
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        REQUIRE(pg_lock_handle(world.space, handle_of_section()) == PG_OK);
    }
    world.granted = world.held = plan->count;
    world.mine[0] = plan->count > 0;
    world.failures = plan->failures;
}

START_TEST(every_order_keeps_the_promises)
{
    struct exploration all = {.memory = &world,
                              .bytes = sizeof world,
                              .thread = thread,
                              .always = always,
                              .at_end = at_end};

    plan = &plans[_i];
    all.threads = plan->threads;
    setup();
    explore(&all);
    printf("%-28s %8u states, %5u ends\n", plan->name, all.states, all.ends);
    ck_assert_uint_gt(all.ends, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interleavings");
    TCase *tests = tcase_create("word");

    tcase_set_timeout(tests, 250);
    tcase_add_loop_test(tests, every_order_keeps_the_promises, 0, sizeof plans / sizeof plans[0]);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
