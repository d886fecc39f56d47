/* SPDX-License-Identifier: MIT */
/* Many threads lock, use, unlock and trim the same sections. */
#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/run.h"
#include "support_linux.h"

enum { THREADS = 6, ROUNDS = 1000, LOADS = 200 };

static _Atomic unsigned wrong;
static _Atomic bool over;

static const void *const places[] = {(const void *)paged_routine, paged_const, paged_data};

static void *worker(void *context)
{
    uint64_t state = (uintptr_t)context * 2654435761u + 1;

    for (unsigned round = 0; round < ROUNDS; round++) {
        const void *place;
        struct pagable_info info;
        pg_handle handle;

        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        place = places[state % 3];
        if (pagable_lock_data(place, &handle) != PG_OK || pagable_lock(handle) != PG_OK ||
            pagable_check_locked(place) != PG_OK || pagable_query(handle, &info) != PG_OK ||
            info.resident_pages != info.pages || pagable_unlock(handle) != PG_OK ||
            pagable_unlock(handle) != PG_OK) {
            wrong++;
        }
    }
    return NULL;
}

static void *trimmer(void *context)
{
    (void)context;
    while (!over) {
        if (pagable_trim_all(NULL) != PG_OK) {
            wrong++;
        }
    }
    return NULL;
}

/* Objects come and go, locked, and none says so: the plug-in has no destructor of ours. */
static void *loader(void *context)
{
    (void)context;
    for (unsigned round = 0; round < LOADS; round++) {
        void *plugin = dlopen(PLUGIN, RTLD_NOW);
        const void *work = plugin != NULL ? dlsym(plugin, "plugin_work") : NULL;
        pg_handle handle;

        if (work == NULL || pagable_lock_code(work, &handle) != PG_OK ||
            pagable_check_locked(work) != PG_OK || dlclose(plugin) != 0 ||
            pagable_trim(handle, NULL) != PG_E_STALE || pagable_lock(handle) != PG_E_STALE) {
            wrong++;
        }
    }
    return NULL;
}

static void run_all(void)
{
    pthread_t workers[THREADS], trims, loads;

    ck_assert_int_eq(pthread_create(&loads, NULL, loader, NULL), 0);
    ck_assert_int_eq(pthread_create(&trims, NULL, trimmer, NULL), 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&workers[i], NULL, worker, (void *)(i + 1)), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(workers[i], NULL), 0);
    }
    ck_assert_int_eq(pthread_join(loads, NULL), 0);
    over = true;
    ck_assert_int_eq(pthread_join(trims, NULL), 0);
    ck_assert_uint_eq(wrong, 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(query(handle_of(places[i])).lock_count, 0);
    }
    ck_assert_uint_eq(kernel_locked(), 0);
}

START_TEST(lock_use_unlock_trim)
{
    run_all();
}
END_TEST

START_TEST(the_same_with_tracking)
{
    size_t count;

    pagable_track(true);
    run_all();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pagable_holders(handle_of(places[i]), NULL, 0, &count), PG_OK);
        ck_assert_uint_eq(count, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("threads");
    TCase *tests = tcase_create("threads");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, lock_use_unlock_trim);
    tcase_add_test(tests, the_same_with_tracking);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
