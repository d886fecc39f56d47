/* SPDX-License-Identifier: MIT */
/* Counted locks of a program's own sections: counts, shared pages, limits, forks, tracking. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "support/run.h"
#include "support_linux.h"

#define LOCK(address, out)                                                                         \
    ck_assert_msg(pagable_lock_data((address), (out)) == PG_OK, "%s", pagable_error())

/* Two small sections that no linker puts on pages of their own. */
PAGABLE_DATA("PAGEa") static char small_a[16] = "a";
PAGABLE_DATA("PAGEb") static char small_b[16] = "b";

START_TEST(counts_nest)
{
    size_t before = kernel_locked();
    pg_handle handle;

    LOCK(paged_data, &handle);
    ck_assert_int_eq(pagable_lock(handle), PG_OK);
    ck_assert_int_eq(pagable_lock(handle), PG_OK);
    ck_assert_uint_eq(query(handle).lock_count, 3);
    ck_assert_uint_eq(kernel_locked(), before + 4 * 4096);
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
    ck_assert_uint_eq(kernel_locked(), before + 4 * 4096);
    ck_assert_uint_eq(query(handle).resident_pages, 4);
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
    ck_assert_uint_eq(kernel_locked(), before);
    ck_assert_int_eq(pagable_unlock(handle), PG_E_UNDERFLOW);
    ck_assert_ptr_nonnull(strstr(pagable_error(), "PAGEdata of /"));
    ck_assert_uint_eq(query(handle).lock_count, 0);
}
END_TEST

START_TEST(shared_pages_stay_for_the_other)
{
    size_t before = kernel_locked(), both;
    pg_handle a, b;

    LOCK(small_a, &a);
    LOCK(small_b, &b);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_eq(query(a).base / 4096, query(b).base / 4096);
    both = kernel_locked();
    ck_assert_uint_eq(both, before + 4096);
    ck_assert_int_eq(pagable_unlock(a), PG_OK);
    ck_assert_uint_eq(kernel_locked(), both);
    ck_assert_int_eq(pagable_lock(a), PG_OK);
    ck_assert_int_eq(pagable_unlock(b), PG_OK);
    ck_assert_uint_eq(kernel_locked(), both);
    ck_assert_int_eq(pagable_unlock(a), PG_OK);
    ck_assert_uint_eq(kernel_locked(), before);
}
END_TEST

START_TEST(wrong_addresses)
{
    pg_handle handle = 77;
    char *heap = malloc(64);

    ck_assert_int_eq(pagable_lock_data(heap, &handle), PG_E_NO_IMAGE);
    ck_assert_ptr_nonnull(strstr(pagable_error(), "no loaded program"));
    ck_assert_int_eq(pagable_lock_data(NULL, &handle), PG_E_NO_IMAGE);
    ck_assert_int_eq(pagable_lock_code(paged_data, &handle), PG_E_ARG);
    ck_assert_uint_eq(query(handle_of(paged_data)).lock_count, 0);
    ck_assert_uint_eq(handle, 77);
    ck_assert_int_eq(pagable_lock(0), PG_E_STALE);
    ck_assert_int_eq(pagable_unlock(UINT64_MAX), PG_E_STALE);
    ck_assert_int_eq(pagable_detach(heap, NULL), PG_E_NO_IMAGE);
    free(heap);
}
END_TEST

/* The ELF header is in the object and in none of its sections. */
START_TEST(address_between_sections)
{
    extern const char __ehdr_start[] __attribute__((visibility("hidden")));
    pg_handle handle;

    ck_assert_int_eq(pagable_lock_data(__ehdr_start, &handle), PG_E_NO_SECTION);
    ck_assert_int_eq(pagable_find(__ehdr_start, &handle), PG_E_NO_SECTION);
}
END_TEST

START_TEST(limit_zero)
{
    pg_handle handle;

    limit_locks(0);
    ck_assert_int_eq(pagable_lock_data(paged_data, &handle), PG_E_LIMIT);
    ck_assert_msg(strstr(pagable_error(),
                         "RLIMIT_MEMLOCK is 0 bytes, 0 are locked already, and "
                         "this needs 16384 more; raise it to 16384 (ulimit -l 16)") != NULL,
                  "%s", pagable_error());
    ck_assert_uint_eq(query(handle_of(paged_data)).lock_count, 0);
    ck_assert_uint_eq(kernel_locked(), 0);
}
END_TEST

START_TEST(limit_reached_changes_nothing)
{
    pg_handle data, other;

    limit_locks(5 * 4096);
    LOCK(paged_data, &data);
    ck_assert_int_eq(pagable_lock_data(paged_const, &other), PG_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(pagable_error(), "is 20480 bytes, 16384 are locked already"));
    ck_assert_uint_eq(kernel_locked(), 4 * 4096);
    ck_assert_int_eq(pagable_check_locked(paged_const), PG_E_UNDERFLOW);
    ck_assert_int_eq(pagable_unlock(data), PG_OK);
    LOCK(paged_const, &other);
    ck_assert_int_eq(pagable_unlock(other), PG_OK);
}
END_TEST

START_TEST(tables_are_limited)
{
    pg_handle handle;

    ck_assert_int_eq(pagable_limits(0, 1), PG_E_ARG);
    ck_assert_int_eq(pagable_limits(1, 1u << 21), PG_E_ARG);
    ck_assert_int_eq(pagable_limits(1, 5), PG_OK);
    ck_assert_int_eq(pagable_lock_data(paged_data, &handle), PG_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(pagable_error(), "1 objects with 5 sections in all are allowed"));
    ck_assert_int_eq(pagable_limits(1, 500), PG_E_BUSY);
}
END_TEST

/* Runs `body` in a forked child and expects it to end with 0. */
static void in_child(void (*body)(pg_handle), pg_handle handle)
{
    pid_t child = fork();
    int ended;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        body(handle);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert_int_eq(ended, 0);
}

static void child_has_locks(pg_handle handle)
{
    struct pagable_info info;

    if (kernel_locked() != 4 * 4096 || pagable_check_locked(paged_data) != PG_OK ||
        pagable_query(handle, &info) != PG_OK || info.unpinned || info.lock_count != 2) {
        _exit(1);
    }
    if (pagable_unlock(handle) != PG_OK || pagable_unlock(handle) != PG_OK ||
        kernel_locked() != 0 || pagable_unlock(handle) != PG_E_UNDERFLOW ||
        pagable_trim(handle, NULL) != PG_OK) {
        _exit(2);
    }
}

START_TEST(fork_locks_again)
{
    pg_handle handle;

    LOCK(paged_data, &handle);
    LOCK(paged_data, &handle);
    in_child(child_has_locks, handle);
    ck_assert_uint_eq(query(handle).lock_count, 2);
    ck_assert_uint_eq(kernel_locked(), 4 * 4096);
}
END_TEST

static void child_lost_locks(pg_handle handle)
{
    struct pagable_info info;

    if (kernel_locked() != 0 || pagable_check_locked(paged_data) != PG_E_UNDERFLOW ||
        strstr(pagable_error(), "after fork") == NULL || pagable_query(handle, &info) != PG_OK ||
        !info.unpinned || info.lock_count != 1) {
        _exit(1);
    }
    if (pagable_unlock(handle) != PG_OK || pagable_query(handle, &info) != PG_OK || info.unpinned) {
        _exit(2);
    }
}

START_TEST(fork_that_cannot_lock_says_so)
{
    pg_handle handle;

    LOCK(paged_data, &handle);
    limit_locks(0);
    in_child(child_lost_locks, handle);
    ck_assert_int_eq(pagable_check_locked(paged_data), PG_OK);
}
END_TEST

static bool has_holder(pg_handle handle, uint32_t count)
{
    struct pagable_holder holders[8];
    size_t there;

    ck_assert_int_eq(pagable_holders(handle, holders, 8, &there), PG_OK);
    for (size_t i = 0; i < there; i++) {
        if (holders[i].count == count && holders[i].thread == (uint64_t)gettid() &&
            holders[i].site != NULL) {
            return true;
        }
    }
    return false;
}

START_TEST(tracking_names_the_sites)
{
    pg_handle handle;
    size_t count;

    LOCK(paged_data, &handle);
    ck_assert_int_eq(pagable_holders(handle, NULL, 0, &count), PG_OK);
    ck_assert_uint_eq(count, 0);
    pagable_track(true);
    LOCK(paged_data, &handle);
    for (volatile int i = 0; i < 2; i++) { /* one site, not two copies of the call */
        ck_assert_int_eq(pagable_lock(handle), PG_OK);
    }
    ck_assert_int_eq(pagable_holders(handle, NULL, 0, &count), PG_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert(has_holder(handle, 1));
    ck_assert(has_holder(handle, 2));
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
    ck_assert(!has_holder(handle, 2));
    host_fail_nth(1);
    ck_assert_int_eq(pagable_lock(handle), PG_OK); /* a new site: one record more */
    ck_assert(host_fail_hit());
    ck_assert_uint_eq(query(handle).untracked_locks, 1);
    ck_assert_uint_eq(query(handle).lock_count, 4);
    pagable_track(false);
    ck_assert_int_eq(pagable_holders(handle, NULL, 0, &count), PG_OK);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(detach_undoes_locks)
{
    pg_handle handle;
    uint32_t left;

    LOCK(paged_data, &handle);
    LOCK(paged_data, &handle);
    ck_assert_int_eq(pagable_detach(paged_data, &left), PG_OK);
    ck_assert_uint_eq(left, 2);
    ck_assert_uint_eq(kernel_locked(), 0);
    ck_assert_int_eq(pagable_unlock(handle), PG_E_STALE);
    ck_assert_int_eq(pagable_detach(paged_data, &left), PG_E_NO_IMAGE);
    LOCK(paged_data, &handle);
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
}
END_TEST

START_TEST(assertion_names_the_place)
{
    pagable_assert_locked(paged_data);
}
END_TEST

static bool see(const struct pagable_info *info, void *context)
{
    uint64_t *last = context;

    ck_assert_uint_gt(info->base, *last);
    *last = info->base;
    return strcmp(info->name, "PAGEdata") != 0;
}

START_TEST(each_goes_up)
{
    uint64_t last = 0;

    ck_assert_int_eq(pagable_each(paged_data, see, &last), PG_OK);
    ck_assert_uint_eq(last, (uintptr_t)paged_data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("locks");
    TCase *tests = tcase_create("locks");

    tcase_add_test(tests, counts_nest);
    tcase_add_test(tests, shared_pages_stay_for_the_other);
    tcase_add_test(tests, wrong_addresses);
    tcase_add_test(tests, address_between_sections);
    tcase_add_test(tests, limit_zero);
    tcase_add_test(tests, limit_reached_changes_nothing);
    tcase_add_test(tests, tables_are_limited);
    tcase_add_test(tests, fork_locks_again);
    tcase_add_test(tests, fork_that_cannot_lock_says_so);
    tcase_add_test(tests, tracking_names_the_sites);
    tcase_add_test(tests, detach_undoes_locks);
    tcase_add_test(tests, each_goes_up);
    tcase_add_test_raise_signal(tests, assertion_names_the_place, 6);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
