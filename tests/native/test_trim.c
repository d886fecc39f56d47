/* SPDX-License-Identifier: MIT */
/* Trim, discard, and what must never be lost; the n-th host call failing. */
#include <check.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/host.h"
#include "support/run.h"
#include "support_linux.h"

static struct pagable_trimmed trim(const void *address)
{
    struct pagable_trimmed trimmed = {0};
    pg_status status = pagable_trim(handle_of(address), &trimmed);

    ck_assert_msg(status == PG_OK, "%s", pagable_error());
    return trimmed;
}

static void touch_const(void)
{
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(*(volatile const char *)&paged_const[i * 4096], i == 0 ? 'c' : 0);
    }
}

START_TEST(constants_come_and_go)
{
    pg_handle handle = handle_of(paged_const);

    touch_const();
    ck_assert_uint_eq(query(handle).resident_pages, 3);
    ck_assert_uint_eq(trim(paged_const).given_back, 3);
    ck_assert_uint_eq(query(handle).resident_pages, 0);
    touch_const();
    ck_assert_uint_eq(query(handle).resident_pages, 3);
}
END_TEST

/* A debugger's breakpoint: a page of code that is no longer the file's. */
START_TEST(modified_code_stays)
{
    volatile char *page = (volatile char *)(uintptr_t)paged_const;

    touch_const();
    ck_assert_int_eq(mprotect((void *)(uintptr_t)paged_const, 4096, PROT_READ | PROT_WRITE), 0);
    page[100] = 'B';
    ck_assert_int_eq(mprotect((void *)(uintptr_t)paged_const, 4096, PROT_READ), 0);
    touch_const();
    ck_assert_uint_eq(trim(paged_const).kept, 1);
    ck_assert_int_eq(page[100], 'B');
    ck_assert_uint_eq(query(handle_of(paged_const)).resident_pages, 1);
}
END_TEST

/* As programs do that move their text to huge pages: the file is not behind it any more. */
START_TEST(text_moved_to_anonymous_memory_stays)
{
    void *from = (void *)(uintptr_t)paged_const;
    char *copy = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct pagable_trimmed trimmed;
    pg_handle handle;

    ck_assert_ptr_ne(copy, MAP_FAILED);
    memcpy(copy, from, 3 * 4096);
    copy[2 * 4096] = 'z';
    ck_assert_int_eq(mprotect(copy, 3 * 4096, PROT_READ), 0);
    ck_assert_ptr_eq(mremap(copy, 3 * 4096, 3 * 4096, MREMAP_MAYMOVE | MREMAP_FIXED, from), from);
    trimmed = trim(paged_const);
    ck_assert_uint_eq(trimmed.given_back, 0);
    ck_assert_uint_eq(trimmed.kept, 3);
    ck_assert_int_eq(*(volatile const char *)&paged_const[2 * 4096], 'z');
    ck_assert_int_eq(pagable_lock_data(paged_const, &handle), PG_OK);
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
}
END_TEST

START_TEST(modified_data_stays)
{
    memset(paged_data, 'm', sizeof paged_data);
    (void)trim(paged_data);
    for (unsigned i = 0; i < sizeof paged_data; i++) {
        ck_assert_int_eq(paged_data[i], 'm');
    }
}
END_TEST

START_TEST(memory_locked_by_others_is_busy)
{
    touch_const();
    ck_assert_int_eq(syscall(SYS_mlock, paged_const, 3 * 4096), 0); /* not a sanitizer's */
    ck_assert_int_eq(pagable_trim(handle_of(paged_const), NULL), PG_E_BUSY);
    ck_assert_ptr_nonnull(strstr(pagable_error(), "by other means"));
}
END_TEST

START_TEST(locked_sections_are_passed_over)
{
    struct pagable_trimmed trimmed = {0};
    pg_handle handle;

    ck_assert_int_eq(pagable_lock_data(paged_const, &handle), PG_OK);
    ck_assert_int_eq(pagable_trim(handle, NULL), PG_E_BUSY);
    ck_assert_int_eq(pagable_trim_all(&trimmed), PG_OK);
    ck_assert_uint_eq(trimmed.locked, 1);
    ck_assert_uint_ge(trimmed.sections, 2);
    ck_assert_uint_eq(query(handle).resident_pages, 3);
}
END_TEST

static int (*real_open)(const char *path);

static int no_pagemap(const char *path)
{
    return strcmp(path, "/proc/self/pagemap") == 0 ? -13 : real_open(path);
}

static int no_proc(const char *path)
{
    return strncmp(path, "/proc/self/pagemap", 18) == 0 ||
                   strncmp(path, "/proc/self/smaps", 16) == 0
               ? -13
               : real_open(path);
}

START_TEST(without_pagemap_smaps_will_do)
{
    struct pagable_info info;

    real_open = host.open_read;
    host.open_read = no_pagemap;
    touch_const();
    info = query(handle_of(paged_const));
    ck_assert(info.estimated);
    ck_assert_uint_eq(info.resident_pages, 3);
    (void)trim(paged_const);
    host.open_read = real_open;
    ck_assert_uint_eq(query(handle_of(paged_const)).resident_pages, 0);
}
END_TEST

START_TEST(without_both_nothing_is_trimmed)
{
    pg_handle handle = handle_of(paged_const);
    struct pagable_info info;

    real_open = host.open_read;
    host.open_read = no_proc;
    ck_assert_int_eq(pagable_trim(handle, NULL), PG_E_UNSUPPORTED);
    ck_assert_int_eq(pagable_query(handle, &info), PG_E_UNSUPPORTED);
}
END_TEST

/* Daemons close every descriptor, and get the numbers again for files of their own. */
START_TEST(descriptors_closed_by_the_program)
{
    pg_handle handle = handle_of(paged_const);
    int fds[64];

    touch_const();
    ck_assert_uint_eq(query(handle).resident_pages, 3);
    for (int fd = 3; fd < 64; fd++) {
        (void)close(fd);
    }
    for (int i = 0; i < 64; i++) {
        fds[i] = open("/dev/zero", O_RDONLY); /* every page looks absent */
    }
    ck_assert_uint_eq(query(handle).resident_pages, 3);
    for (int i = 0; i < 64; i++) {
        (void)close(fds[i]);
    }
}
END_TEST

START_TEST(init_is_given_back)
{
    pg_handle code = handle_of((void *)init_routine), data = handle_of(init_data);

    ck_assert_int_eq(init_routine(1), 8);
    init_data[4096] = 'x';
    ck_assert_uint_ge(query(data).resident_pages, 1);
    ck_assert_int_eq(pagable_discard_init((void *)init_routine), PG_OK);
    ck_assert(query(code).discarded && query(data).discarded);
    ck_assert_uint_eq(query(data).resident_pages, 0);
    ck_assert_int_eq(pagable_trim(code, NULL), PG_E_DISCARDED);
    ck_assert_int_eq(pagable_lock(code), PG_E_DISCARDED);
    ck_assert_int_eq(pagable_discard_init((void *)init_routine), PG_OK);
}
END_TEST

START_TEST(late_call_ends_the_process)
{
    ck_assert_int_eq(pagable_discard_init((void *)init_routine), PG_OK);
    (void)init_routine(1);
}
END_TEST

static sigjmp_buf way_out;
static volatile sig_atomic_t handled;

static void old_handler(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    handled = info->si_addr == (void *)&init_data[4096] ? 1 : 2;
    siglongjmp(way_out, 1);
}

static void plain_handler(int number)
{
    handled = number;
    siglongjmp(way_out, 1);
}

/* Captures what the report says, and survives by the handler that was there first. */
static void late_with_handler(const struct sigaction *action, int expected)
{
    char text[512] = "";
    int ends[2], saved = dup(STDERR_FILENO);

    ck_assert_int_eq(sigaction(SIGSEGV, action, NULL), 0);
    ck_assert_int_eq(pagable_discard_init(init_data), PG_OK);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    if (sigsetjmp(way_out, 1) == 0) {
        init_data[4096] = 1;
    }
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    ck_assert_int_eq(handled, expected);
    ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
    ck_assert_msg(strncmp(text, "pagable: init_data+0x1000 in INITdata of /", 42) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "by the instruction at 0x"));
}

START_TEST(the_old_handler_goes_on)
{
    struct sigaction action = {.sa_sigaction = old_handler, .sa_flags = SA_SIGINFO};

    late_with_handler(&action, 1);
}
END_TEST

START_TEST(the_old_plain_handler_goes_on)
{
    struct sigaction action = {.sa_handler = plain_handler};

    late_with_handler(&action, SIGSEGV);
}
END_TEST

START_TEST(other_faults_are_not_reported)
{
    char *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_sigaction = old_handler, .sa_flags = SA_SIGINFO};

    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
    ck_assert_int_eq(pagable_discard_init(init_data), PG_OK);
    if (sigsetjmp(way_out, 1) == 0) {
        *(volatile char *)nowhere = 1;
    }
    ck_assert_int_eq(handled, 2);
}
END_TEST

START_TEST(a_sent_signal_still_ends_the_process)
{
    ck_assert_int_eq(pagable_discard_init(init_data), PG_OK);
    (void)raise(SIGSEGV);
}
END_TEST

/* Everything once; returns the first failure.  Locks what it managed to lock are undone. */
static pg_status everything(void)
{
    struct pagable_trimmed trimmed = {0};
    struct pagable_info info;
    pg_handle code = 0, data = 0;
    size_t holders;
    pg_status status;

    pagable_track(true);
    status = pagable_lock_code((void *)paged_routine, &code);
    if (status == PG_OK) {
        status = pagable_page_entire((void *)paged_routine);
    }
    if (status == PG_OK) {
        status = pagable_lock_data(paged_data, &data);
    }
    if (status == PG_OK) {
        status = pagable_holders(data, NULL, 0, &holders);
    }
    if (status == PG_OK) {
        status = pagable_query(data, &info);
    }
    if (data != 0) {
        ck_assert_int_eq(pagable_unlock(data), PG_OK);
    }
    if (code != 0) {
        ck_assert_int_eq(pagable_unlock(code), PG_OK);
    }
    pagable_track(false);
    if (status == PG_OK) {
        status = pagable_trim_all(&trimmed);
    }
    if (status == PG_OK) {
        status = pagable_reset_paging((void *)paged_routine);
    }
    return status == PG_OK ? pagable_discard_init(init_data) : status;
}

/* Whatever fails, nothing has changed: the same again succeeds, and no lock is left. */
START_TEST(the_nth_call_fails)
{
    unsigned failures = 0;

    host_fail_nth((unsigned)_i + 1);
    if (everything() != PG_OK) {
        failures++;
        ck_assert_str_ne(pagable_error(), "");
    }
    ck_assert(host_fail_hit() || failures == 0);
    host_fail_nth(0);
    ck_assert_msg(everything() == PG_OK, "call %d: %s", _i + 1, pagable_error());
    (void)pagable_trim_all(NULL); /* an unlock that was refused is done here */
    ck_assert_uint_eq(kernel_locked(), 0);
    ck_assert(query(handle_of(init_data)).discarded);
    ck_assert_int_eq(paged_routine(2), 6);
}
END_TEST

/* How many calls there are in all: the loop above must reach past the last one. */
START_TEST(the_loop_is_long_enough)
{
    host_fail_nth((unsigned)_i + 1);
    ck_assert_int_eq(everything(), PG_OK);
    ck_assert(!host_fail_hit());
}
END_TEST

enum { CALLS = 120 };

int main(void)
{
    Suite *suite = suite_create("trim");
    TCase *tests = tcase_create("trim");

    tcase_add_test(tests, constants_come_and_go);
    tcase_add_test(tests, modified_code_stays);
    tcase_add_test(tests, text_moved_to_anonymous_memory_stays);
    tcase_add_test(tests, modified_data_stays);
    tcase_add_test(tests, memory_locked_by_others_is_busy);
    tcase_add_test(tests, locked_sections_are_passed_over);
    tcase_add_test(tests, without_pagemap_smaps_will_do);
    tcase_add_test(tests, without_both_nothing_is_trimmed);
    tcase_add_test(tests, descriptors_closed_by_the_program);
    tcase_add_test(tests, init_is_given_back);
    tcase_add_test_raise_signal(tests, late_call_ends_the_process, SIGSEGV);
    tcase_add_test(tests, the_old_handler_goes_on);
    tcase_add_test(tests, the_old_plain_handler_goes_on);
    tcase_add_test(tests, other_faults_are_not_reported);
    tcase_add_test_raise_signal(tests, a_sent_signal_still_ends_the_process, SIGSEGV);
    tcase_add_loop_test(tests, the_nth_call_fails, 0, CALLS);
    tcase_add_loop_test(tests, the_loop_is_long_enough, CALLS, CALLS + 1);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
