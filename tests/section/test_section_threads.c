/* SPDX-License-Identifier: MIT */
/*
 * The section core under many threads.  The host's side is a flag per section, raised by page_in
 * and lowered by allow_out: whoever holds a lock must see it raised, whatever the others do.  Run
 * it under a race detector too: nothing here but the core orders the threads.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "section/internal.h"
#include "support/run.h"

enum { THREADS = 6, FEW = 3, STABLE = 40, CHURNING = 4, SECTIONS = 4, ROUNDS = 10000 };

#define BASE UINT64_C(0x200000000000)
#define STEP UINT64_C(0x100000)

struct host_image {
    struct pg_section_desc desc[SECTIONS];
    _Atomic int in[SECTIONS];
    uint64_t written[SECTIONS]; /* plain data: page_in writes it, holders read it */
};

static struct pg_space *space;
static void *memory;
static struct host_image stable[STABLE], churning[CHURNING];
static struct pg_image *images[STABLE];
static uint32_t stables; /* how many are loaded: few, so that threads meet, or many */
static _Atomic uint32_t page_ins, failures, broken;
static _Atomic int stop;

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

static pg_status page_in(void *context, struct pg_image *image, uint32_t section)
{
    struct host_image *h = pg_image_owner(image);
    uint32_t nth = atomic_fetch_add(&page_ins, 1);

    (void)context;
    if (atomic_load(&h->in[section]) != 0) {
        atomic_fetch_add(&broken, 1); /* two at a time, or not out */
    }
    sched_yield();
    if (nth % 16 == 15) {
        atomic_fetch_add(&failures, 1);
        return PG_E_IO;
    }
    h->written[section]++;
    atomic_store_explicit(&h->in[section], 1, memory_order_relaxed);
    return PG_OK;
}

static void allow_out(void *context, struct pg_image *image, uint32_t section)
{
    struct host_image *h = pg_image_owner(image);

    (void)context;
    if (atomic_exchange_explicit(&h->in[section], 0, memory_order_relaxed) != 1) {
        atomic_fetch_add(&broken, 1);
    }
    h->written[section]++;
    sched_yield();
}

static void discard(void *context, struct pg_image *image, uint32_t section)
{
    (void)context;
    (void)image;
    (void)section;
}

static void relax(void *context)
{
    (void)context;
    sched_yield();
}

static void describe(struct host_image *h, uint64_t base)
{
    for (uint32_t i = 0; i < SECTIONS; i++) {
        h->desc[i] = (struct pg_section_desc){
            .class = i == 0 ? PG_RESIDENT : PG_PAGEABLE, .base = base + i * 0x10000u, .pages = 16};
        atomic_store(&h->in[i], h->desc[i].class == PG_RESIDENT);
    }
}

static pg_status add(struct host_image *h, uint64_t base, struct pg_image **out)
{
    describe(h, base);
    return pg_image_add(space, base, STEP / 2, h->desc, SECTIONS, h, out);
}

static _Atomic int64_t balance;

static void setup(uint32_t count)
{
    static const struct pg_services services = {
        .page_in = page_in, .allow_out = allow_out, .discard = discard, .relax = relax};
    size_t bytes = (pg_space_bytes(64, 256) + 15) & ~(size_t)15;

    memory = aligned_alloc(16, bytes);
    ck_assert_int_eq(pg_space_init(memory, bytes, 64, 256, &services, &space), PG_OK);
    stables = count;
    atomic_store(&stop, 0);
    atomic_store(&balance, 0);
    for (uint32_t i = 0; i < stables; i++) { /* every other place: images come and go between */
        ck_assert_int_eq(add(&stable[i], BASE + 2 * i * STEP, &images[i]), PG_OK);
    }
}

static void *hold_and_look(void *argument)
{
    uint64_t state = (uintptr_t)argument * 77 + 1, sum = 0;

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t i = draw(&state) % stables, s = draw(&state) % SECTIONS;
        struct host_image *h = &stable[i];
        uint64_t address = BASE + 2 * i * STEP + s * 0x10000u + draw(&state) % 0x10000;
        pg_handle handle;
        pg_status status = pg_lock_address(space, address, &handle);

        if (status == PG_OK) {
            status = pg_lock_handle(space, handle);
            if (status != PG_OK || atomic_load_explicit(&h->in[s], memory_order_relaxed) != 1) {
                atomic_fetch_add(&broken, 1);
            }
            sum += h->written[s];
            if (pg_unlock(space, handle) != PG_OK) {
                atomic_fetch_add(&broken, 1);
            }
            if (draw(&state) % 8 == 0) {
                sched_yield();
            }
            if (atomic_load_explicit(&h->in[s], memory_order_relaxed) != 1 ||
                pg_unlock(space, handle) != PG_OK) {
                atomic_fetch_add(&broken, 1);
            }
        } else if (status != PG_E_IO) {
            atomic_fetch_add(&broken, 1);
        }
    }
    return (void *)(uintptr_t)(sum & 1);
}

/* Images of its own between the stable ones: added, found, locked, removed; handles kept to be
 * stale. */
static void *come_and_go(void *argument)
{
    struct pg_image *mine[CHURNING] = {NULL};
    pg_handle handles[CHURNING] = {0}, stale = 0;
    uint64_t state = 12345;

    (void)argument;
    while (!atomic_load(&stop)) {
        uint32_t i = draw(&state) % CHURNING;
        uint64_t base = BASE + (2 * i + 1) * STEP;

        if (mine[i] == NULL) {
            if (add(&churning[i], base, &mine[i]) != PG_OK ||
                pg_image_find(space, base + 5) != mine[i] ||
                pg_lock_address(space, base, &handles[i]) != PG_OK ||
                pg_lock_handle(space, stale) != PG_E_STALE ||
                pg_unlock(space, stale) != PG_E_STALE) {
                atomic_fetch_add(&broken, 1);
                break;
            }
        } else {
            if (pg_image_remove(mine[i]) != 1 || pg_image_find(space, base) != NULL) {
                atomic_fetch_add(&broken, 1);
            }
            mine[i] = NULL;
            stale = handles[i];
        }
    }
    for (uint32_t i = 0; i < CHURNING; i++) {
        if (mine[i] != NULL) {
            pg_image_remove(mine[i]);
        }
    }
    return NULL;
}

static void *page_and_reset(void *argument)
{
    uint64_t state = 999;

    (void)argument;
    while (!atomic_load(&stop)) {
        uint64_t address = BASE + 2 * (draw(&state) % stables) * STEP, base = 0;

        if (pg_page_entire(space, address, &base) != PG_OK || base != address) {
            atomic_fetch_add(&broken, 1);
        }
        sched_yield();
        while (pg_reset_paging(space, address) == PG_E_IO) {
        }
    }
    return NULL;
}

START_TEST(a_lock_means_resident)
{
    pthread_t holders[THREADS], churn, pager;

    setup(_i == 0 ? FEW : STABLE);
    ck_assert_int_eq(pthread_create(&churn, NULL, come_and_go, NULL), 0);
    ck_assert_int_eq(pthread_create(&pager, NULL, page_and_reset, NULL), 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&holders[i], NULL, hold_and_look, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(holders[i], NULL);
    }
    atomic_store(&stop, 1);
    pthread_join(churn, NULL);
    pthread_join(pager, NULL);
    ck_assert_uint_eq(atomic_load(&broken), 0);
    ck_assert_uint_gt(atomic_load(&failures), 0);
    ck_assert(pg_space_is_valid(space));
    for (uint32_t i = 0; i < stables; i++) {
        for (uint32_t s = 0; s < SECTIONS; s++) {
            struct pg_section_info info;

            ck_assert_int_eq(pg_section_query(images[i], s, &info), PG_OK);
            ck_assert_uint_eq(info.lock_count, 0);
            ck_assert_int_eq(atomic_load(&stable[i].in[s]), !info.pageable_now);
        }
    }
    free(memory);
}
END_TEST

/* Locks and unlocks with no thought of whose lock it is: too many unlocks are refused, and what was
 * accepted adds up. */
static void *lock_or_unlock(void *argument)
{
    pg_handle handle = *(const pg_handle *)argument;
    uint64_t state = (uintptr_t)pthread_self() | 1;
    int64_t mine = 0;

    for (int round = 0; round < ROUNDS * 6; round++) {
        pg_status status;

        if (draw(&state) % 2 == 0) {
            status = pg_lock_handle(space, handle);
            mine += status == PG_OK;
            if (status != PG_OK && status != PG_E_IO) {
                atomic_fetch_add(&broken, 1);
            }
        } else {
            status = pg_unlock(space, handle);
            mine -= status == PG_OK;
            if (status != PG_OK && status != PG_E_UNDERFLOW) {
                atomic_fetch_add(&broken, 1);
            }
        }
    }
    atomic_fetch_add(&balance, mine);
    return NULL;
}

START_TEST(counts_add_up_whoever_unlocks)
{
    pthread_t threads[THREADS];
    struct pg_section_info info;
    pg_handle handle;

    setup(FEW);
    ck_assert_int_eq(pg_section_query(images[0], (uint32_t)_i, &info), PG_OK);
    handle = info.handle;
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, lock_or_unlock, &handle), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(atomic_load(&broken), 0);
    ck_assert(pg_space_is_valid(space));
    ck_assert_int_eq(pg_section_query(images[0], (uint32_t)_i, &info), PG_OK);
    ck_assert_int_eq(info.lock_count, atomic_load(&balance));
    free(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("section under threads");
    TCase *tests = tcase_create("threads");

    tcase_set_timeout(tests, 250);
    tcase_add_loop_test(tests, a_lock_means_resident, 0, 2);
    tcase_add_loop_test(tests, counts_add_up_whoever_unlocks, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
