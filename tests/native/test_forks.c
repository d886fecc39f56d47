/* SPDX-License-Identifier: MIT */
/*
 * Forks while other threads are inside first locks and last unlocks: the child, which has none of
 * these threads, finds every section usable.  A child that hangs is ended by its alarm.
 */
#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native/native.h"
#include "support/run.h"
#include "support_linux.h"

enum { THREADS = 3, FORKS = 300, PLACES = 4, CHILD_SECONDS = 20 };

static const void *places[PLACES] = {(const void *)paged_routine, paged_const, paged_data};
static _Atomic bool over;
static _Atomic unsigned wrong;

static void *worker(void *context)
{
    for (uintptr_t i = (uintptr_t)context; !over; i++) {
        pg_handle handle;

        if (pagable_lock_data(places[i % PLACES], &handle) != PG_OK ||
            pagable_unlock(handle) != PG_OK) {
            wrong++;
        }
    }
    return NULL;
}

static bool all_are_resident(pg_handle handle)
{
    struct pagable_info info;

    return pagable_query(handle, &info) == PG_OK && info.resident_pages == info.pages &&
           !info.unpinned;
}

/* Locks of threads that are gone stay, as they may be anybody's; so the count need not end at 0. */
static int child(void)
{
    if (!pg_space_is_valid(native_space())) {
        return 1;
    }
    for (unsigned i = 0; i < PLACES; i++) {
        struct pagable_info info;
        pg_handle handle;

        if (pagable_find(places[i], &handle) != PG_OK || pagable_query(handle, &info) != PG_OK ||
            info.unpinned) {
            return 2;
        }
        if ((info.lock_count == 0) != (pagable_check_locked(places[i]) == PG_E_UNDERFLOW)) {
            return 3;
        }
        if (pagable_lock(handle) != PG_OK || pagable_check_locked(places[i]) != PG_OK ||
            !all_are_resident(handle)) {
            return 4;
        }
        for (uint32_t n = 0; n <= info.lock_count; n++) {
            if (pagable_unlock(handle) != PG_OK) {
                return 5;
            }
        }
        if (pagable_unlock(handle) != PG_E_UNDERFLOW) {
            return 6;
        }
    }
    return kernel_locked() == 0 && pagable_trim_all(NULL) == PG_OK ? 0 : 7;
}

static void fork_once(void)
{
    pid_t pid = fork();
    int ended;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)alarm(CHILD_SECONDS);
        _exit(child());
    }
    ck_assert_int_eq(waitpid(pid, &ended, 0), pid);
    ck_assert_msg(ended == 0, "child: exit code %d, signal %d", WEXITSTATUS(ended),
                  WIFSIGNALED(ended) ? WTERMSIG(ended) : 0);
}

static void fork_often(void)
{
    pthread_t workers[THREADS];
    void *plugin = dlopen(PLUGIN, RTLD_NOW); /* its locks ask the loader whether it is there */

    ck_assert_ptr_nonnull(plugin);
    places[PLACES - 1] = dlsym(plugin, "plugin_work");
    ck_assert_ptr_nonnull(places[PLACES - 1]);
    over = false;
    (void)handle_of(places[0]); /* forks are followed from the first use on */
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&workers[i], NULL, worker, (void *)i), 0);
    }
    for (unsigned i = 0; i < FORKS; i++) {
        fork_once();
    }
    over = true;
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(workers[i], NULL), 0);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert(pg_space_is_valid(native_space()));
    ck_assert_uint_eq(kernel_locked(), 0);
}

START_TEST(children_can_lock)
{
    fork_often();
}
END_TEST

START_TEST(children_can_lock_with_tracking)
{
    pagable_track(true);
    fork_often();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("forks");
    TCase *tests = tcase_create("forks");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, children_can_lock);
    tcase_add_test(tests, children_can_lock_with_tracking);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
