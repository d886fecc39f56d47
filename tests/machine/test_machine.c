/* SPDX-License-Identifier: MIT */
/* The machine by itself: choices, timers, DPCs, threads, traps, faults. */
#include "machine/internal.h"

#include "guest.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- choices ---- */

START_TEST(choices_repeat_by_seed)
{
    uint32_t first[64];
    int same = 0;

    start(7);
    for (int i = 0; i < 64; i++) {
        first[i] = machine_choose(CHOICE_THREAD, 1000);
        ck_assert_uint_lt(first[i], 1000);
    }
    choice_start(7);
    for (int i = 0; i < 64; i++) {
        ck_assert_uint_eq(machine_choose(CHOICE_THREAD, 1000), first[i]);
    }
    choice_start(8);
    for (int i = 0; i < 64; i++) {
        same += machine_choose(CHOICE_THREAD, 1000) == first[i];
    }
    ck_assert_int_lt(same, 8);
    ck_assert_uint_eq(machine_choose(CHOICE_THREAD, 1), 0);
    ck_assert_uint_eq(M->counters.choices, 192); /* one alternative is no choice */
}
END_TEST

/* ---- timers against a plain model ---- */

static struct machine_timer timers[200];
static uint64_t fired[400];
static uint32_t fired_count;

static void on_fire(struct machine_timer *timer)
{
    fired[fired_count++] = (uint64_t)(timer - timers);
}

START_TEST(timers_fire_by_due_time_then_by_order)
{
    bool set[200] = {false};
    uint64_t last_due = 0;
    uint64_t last_sequence = 0;
    uint32_t expected = 0;

    start(3);
    for (int i = 0; i < 2000; i++) {
        uint32_t t = machine_choose(CHOICE_SCENARIO, 200);

        timers[t].expire = on_fire;
        if (machine_choose(CHOICE_SCENARIO, 3) == 0) {
            ck_assert_int_eq(machine_timer_cancel(&timers[t]), set[t]);
            set[t] = false;
        } else {
            machine_timer_set(&timers[t], 1 + machine_choose(CHOICE_SCENARIO, 50));
            set[t] = true;
        }
    }
    for (int t = 0; t < 200; t++) {
        expected += set[t];
    }
    ck_assert_uint_gt(expected, 50);
    machine_time_pass(100);
    machine_raise(DISPATCH_LEVEL);
    clock_expire();
    ck_assert_uint_eq(fired_count, expected);
    for (uint32_t i = 0; i < fired_count; i++) {
        const struct machine_timer *timer = &timers[fired[i]];

        ck_assert(set[fired[i]]);
        ck_assert_uint_eq(timer->heap_index, 0);
        ck_assert(timer->due > last_due ||
                  (timer->due == last_due && (i == 0 || timer->sequence > last_sequence)));
        last_due = timer->due;
        last_sequence = timer->sequence;
    }
}
END_TEST

/* ---- threads and DPCs ---- */

static char order[64];

static void note(char c)
{
    size_t n = strlen(order);

    ck_assert_uint_lt(n, sizeof order - 1);
    order[n] = c;
}

static struct thread *sleeper;

static void sleeper_main(void *argument)
{
    (void)argument;
    note('a');
    machine_thread_wait();
    note('c');
}

static void waker_main(void *argument)
{
    (void)argument;
    while (sleeper->state != THREAD_WAITING) {
        machine_thread_yield();
    }
    note('b');
    machine_thread_ready(sleeper);
}

START_TEST(threads_wait_and_are_woken)
{
    start(1);
    sleeper = machine_thread_new(sleeper_main, NULL);
    ck_assert_ptr_nonnull(sleeper);
    ck_assert_ptr_nonnull(machine_thread_new(waker_main, NULL));
    run_all();
    ck_assert_str_eq(order, "abc");
}
END_TEST

static bool never(void *context)
{
    (void)context;
    return false;
}

START_TEST(a_thread_that_nobody_wakes_leaves_the_machine_idle)
{
    start(1);
    sleeper = machine_thread_new(sleeper_main, NULL);
    ck_assert_int_eq(machine_run(never, NULL, UINT64_MAX), RUN_STATE_IDLE);
    ck_assert_int_eq(machine_run(never, NULL, 5000), RUN_STATE_TIME);
    ck_assert_uint_eq(machine_time(), 5000);
    ck_assert_int_eq(sleeper->state, THREAD_WAITING);
}
END_TEST

static void nothing(void *argument)
{
    (void)argument;
}

START_TEST(stacks_and_structures_are_reused)
{
    uint32_t last_id = 0;

    start(1);
    for (uint32_t i = 0; i < 3 * THREAD_SLOTS; i++) {
        struct thread *thread = machine_thread_new(nothing, NULL);

        ck_assert_ptr_nonnull(thread);
        ck_assert_uint_gt(thread->id, last_id);
        last_id = thread->id;
        run_all();
        machine_thread_release(thread);
    }
    ck_assert_uint_le(M->thread_slots_used, 2);
}
END_TEST

START_TEST(running_out_of_stacks_is_no_disaster)
{
    uint32_t made = 0;
    struct thread *thread;

    start(1);
    while (machine_thread_new(nothing, NULL) != NULL) {
        made++;
        ck_assert_uint_le(made, THREAD_SLOTS);
    }
    ck_assert_uint_eq(made, THREAD_SLOTS - 1); /* one is the idle thread's */
    run_all();
    machine_thread_release(machine_thread_next(NULL));
    thread = machine_thread_new(nothing, NULL);
    ck_assert_ptr_nonnull(thread);
}
END_TEST

static void dpc_note(uint64_t object, const uint64_t argument[2])
{
    ck_assert_uint_eq(machine_irql(), DISPATCH_LEVEL);
    ck_assert(machine_in_dpc());
    ck_assert_uint_eq(argument[0], object * 2);
    note((char)object);
}

static void queue(char name, bool at_head)
{
    uint64_t arguments[2] = {(uint64_t)name * 2, 0};

    ck_assert(machine_dpc_queue((uint64_t)name, dpc_note, arguments, at_head));
    ck_assert(!machine_dpc_queue((uint64_t)name, dpc_note, arguments, at_head));
}

static void dpc_user(void *argument)
{
    (void)argument;
    machine_raise(DISPATCH_LEVEL);
    queue('x', false);
    queue('y', false);
    queue('z', true);
    queue('w', false);
    ck_assert(machine_dpc_remove('y'));
    ck_assert(!machine_dpc_remove('y'));
    note('1');
    machine_lower(PASSIVE_LEVEL);
    note('2');
}

START_TEST(dpcs_run_in_order_when_the_irql_drops)
{
    start(1);
    machine_thread_new(dpc_user, NULL);
    run_all();
    ck_assert_str_eq(order, "1zxw2");
    ck_assert_uint_eq(M->counters.dpcs, 3);
}
END_TEST

static struct machine_timer alarm_timer;

static void on_alarm(struct machine_timer *timer)
{
    (void)timer;
    ck_assert_uint_eq(machine_irql(), DISPATCH_LEVEL);
    machine_thread_ready(sleeper);
}

START_TEST(time_jumps_to_the_next_timer)
{
    start(1);
    sleeper = machine_thread_new(sleeper_main, NULL);
    alarm_timer.expire = on_alarm;
    machine_timer_set(&alarm_timer, 3600ull * 10000000ull);
    run_all();
    ck_assert_str_eq(order, "ac");
    ck_assert_uint_ge(machine_time(), 3600ull * 10000000ull);
}
END_TEST

/* ---- traps ---- */

START_TEST(cr8_is_trapped_in_both_directions)
{
    start(1);
    make_module(true);
    /* mov rax, cr8; mov r11, rax; mov cr8, rcx; mov rax, cr8; mov cr8, r11; shl rax, 8;
       mov rdx, cr8; or rax, rdx; ret */
    run_guest(EMIT(0x44, 0x0f, 0x20, 0xc0, 0x49, 0x89, 0xc3, 0x44, 0x0f, 0x22, 0xc1, 0x44, 0x0f,
                   0x20, 0xc0, 0x45, 0x0f, 0x22, 0xc3, 0x48, 0xc1, 0xe0, 0x08, 0x44, 0x0f, 0x20,
                   0xc2, 0x48, 0x09, 0xd0, 0xc3),
              DISPATCH_LEVEL);
    ck_assert_uint_eq(guest_result, DISPATCH_LEVEL << 8);
    ck_assert_uint_eq(M->counters.irql_raises, 1);
    ck_assert_uint_eq(M->counters.trims, 1);
    ck_assert_uint_eq(M->counters.trapped_instructions, 5);
}
END_TEST

START_TEST(the_red_zone_and_vector_registers_survive_a_trap)
{
    start(1);
    make_module(true);
    /* movq xmm5, rcx; mov [rsp-8], rcx; mov [rsp-128], rcx; mov rax, cr8; mov rax, [rsp-8];
       add rax, [rsp-128]; movq rdx, xmm5; add rax, rdx; ret */
    run_guest(EMIT(0x66, 0x48, 0x0f, 0x6e, 0xe9, 0x48, 0x89, 0x4c, 0x24, 0xf8, 0x48, 0x89, 0x4c,
                   0x24, 0x80, 0x44, 0x0f, 0x20, 0xc0, 0x48, 0x8b, 0x44, 0x24, 0xf8, 0x48, 0x03,
                   0x44, 0x24, 0x80, 0x66, 0x48, 0x0f, 0x7e, 0xea, 0x48, 0x01, 0xd0, 0xc3),
              0x1111);
    ck_assert_uint_eq(guest_result, 3 * 0x1111);
}
END_TEST

START_TEST(the_shared_page_tells_virtual_time)
{
    start(1);
    make_module(true);
    machine_time_pass(123456789);
    /* mov rax, 0xfffff78000000014; mov rax, [rax]; ret */
    run_guest(EMIT(0x48, 0xb8, 0x14, 0, 0, 0, 0x80, 0xf7, 0xff, 0xff, 0x48, 0x8b, 0x00, 0xc3), 0);
    ck_assert_uint_eq(guest_result, MACHINE_BOOT_SYSTEM_TIME + machine_time());
}
END_TEST

START_TEST(gs_finds_processor_and_thread)
{
    start(1);
    make_module(true);
    /* mov rax, gs:[0x20]; sub rax, gs:[0x18]; ret */
    run_guest(EMIT(0x65, 0x48, 0x8b, 0x04, 0x25, 0x20, 0, 0, 0, 0x65, 0x48, 0x2b, 0x04, 0x25, 0x18,
                   0, 0, 0, 0xc3),
              0);
    ck_assert_uint_eq(guest_result, 0x180);
}
END_TEST

START_TEST(pageable_code_comes_in_when_it_runs)
{
    uint64_t routine;
    int64_t resident;

    start(1);
    make_module(false);
    routine = emit("\x48\x8d\x41\x05\xc3", 5); /* lea rax, [rcx+5]; ret: comes in by this write */
    ck_assert_uint_eq(machine_trim_now(), 1);
    ck_assert_int_eq(pager_region_resident_pages(M->pager, code), 0);
    ck_assert_uint_eq(run_guest(routine, 37), 42);
    resident = pager_region_resident_pages(M->pager, code);
    ck_assert_int_eq(resident, 1);
}
END_TEST

/* ---- bug checks ---- */

static uint64_t paged_routine;

static void run_paged_at_dispatch(void)
{
    make_module(false);
    /* mov eax, 2; mov cr8, rax; ret: the raise pages the routine itself out */
    paged_routine = EMIT(0xb8, 2, 0, 0, 0, 0x44, 0x0f, 0x22, 0xc0, 0xc3);
    run_guest(paged_routine, 0);
}

START_TEST(pageable_code_at_dispatch_level_is_0xd1)
{
    struct bugcheck_report report = bugcheck_of(run_paged_at_dispatch);

    ck_assert_uint_eq(report.code, 0xD1);
    ck_assert_uint_eq(report.parameters[0], CODE_BASE + 9);
    ck_assert_uint_eq(report.parameters[1], DISPATCH_LEVEL);
    ck_assert_uint_eq(report.parameters[2], 8);
    ck_assert_uint_eq(report.parameters[3], CODE_BASE + 9);
    ck_assert_str_eq(report.place.module, "test.sys");
    ck_assert_uint_eq(report.place.rva, 9);
    ck_assert_int_eq(report.finding, 0);
}
END_TEST

static void overflow_the_stack(void)
{
    make_module(true);
    run_guest(EMIT(0x48, 0x83, 0xec, 0x28, 0xe8, 0xf7, 0xff, 0xff, 0xff), 0); /* calls itself */
}

START_TEST(a_stack_overflow_is_0x7f)
{
    struct bugcheck_report report = bugcheck_of(overflow_the_stack);

    ck_assert_uint_eq(report.code, 0x7F);
    ck_assert_uint_eq(report.parameters[0], 8);
    ck_assert_str_eq(report.place.module, "test.sys");
}
END_TEST

static void execute_nothing(void)
{
    make_module(true);
    run_guest(EMIT(0x31, 0xc0, 0xff, 0xe0), 0); /* xor eax, eax; jmp rax */
}

START_TEST(a_jump_to_zero_is_0x1e)
{
    struct bugcheck_report report = bugcheck_of(execute_nothing);

    ck_assert_uint_eq(report.code, 0x1E);
    ck_assert_uint_eq(report.parameters[0], 0xffffffffc0000005ull);
    ck_assert_uint_eq(report.parameters[2], 8);
    ck_assert_uint_eq(report.parameters[3], 0);
}
END_TEST

static void invalid_instruction(void)
{
    make_module(true);
    run_guest(EMIT(0x0f, 0x0b), 0);
}

static void divide_by_zero(void)
{
    make_module(true);
    run_guest(EMIT(0x31, 0xc0, 0x31, 0xd2, 0xf7, 0xf0), 0);
}

static void fast_fail(void)
{
    make_module(true);
    run_guest(EMIT(0xcd, 0x29), 3);
}

static void breakpoint(void)
{
    make_module(true);
    run_guest(EMIT(0xcc), 0);
}

static void lose_a_register(void)
{
    make_module(true);
    run_guest(EMIT(0x48, 0xc7, 0xc3, 1, 0, 0, 0, 0xc3), 0); /* mov rbx, 1; ret */
}

static void lose_the_stack(void)
{
    make_module(true);
    run_guest(EMIT(0x48, 0x83, 0xc4, 0x10, 0xff, 0x64, 0x24, 0xf0),
              0); /* add rsp, 16; jmp [rsp-16] */
}

static void overflow_trap(void)
{
    make_module(true);
    /* A floating-point exception that is not masked: ldmxcsr [rip+5]; divps of zeros */
    run_guest(
        EMIT(0x0f, 0xae, 0x15, 0x07, 0, 0, 0, 0x0f, 0x57, 0xc0, 0x0f, 0x5e, 0xc0, 0xc3, 0, 0, 0, 0),
        0);
}

static void touch_system_address(void)
{
    make_module(true);
    /* mov rax, 0xffff800000000000; mov [rax], ecx; ret */
    run_guest(EMIT(0x48, 0xb8, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff, 0x89, 0x08, 0xc3), 0);
}

START_TEST(exceptions_are_bug_checks)
{
    static const struct {
        void (*body)(void);
        uint32_t code;
        uint64_t p1;
    } cases[] = {
        {invalid_instruction, 0x1E, 0xffffffffc000001dull},
        {divide_by_zero, 0x1E, 0xffffffffc0000094ull},
        {breakpoint, 0x1E, 0xffffffff80000003ull},
        {fast_fail, 0x139, 3},
        {touch_system_address, 0x50, 0xffff800000000000ull},
        {lose_a_register, 0x1E, 0xffffffffc0000028ull},
        {lose_the_stack, 0x1E, 0xffffffffc0000028ull},
        {overflow_trap, 0x7F, 19},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bugcheck_report report = bugcheck_of(cases[i].body);

        ck_assert_uint_eq(report.code, cases[i].code);
        ck_assert_uint_eq(report.parameters[0], cases[i].p1);
    }
}
END_TEST

/* ---- start under failing host calls ---- */

static int refuse_missing_open(void)
{
    return -1;
}

START_TEST(start_does_without_userfaultfd)
{
    static const enum machine_pager wanted[] = {MACHINE_PAGER_AUTO, MACHINE_PAGER_USERFAULT};
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct machine_options options = {.seed = 1, .pager = wanted[_i]};
        const char *what = NULL;

        host.missing_open = refuse_missing_open;
        if (channel_open(1u << 16, &channel) != PG_OK) {
            _exit(60);
        }
        _exit(machine_start(&options, channel, &what) == PG_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(start_survives_each_host_failure)
{
    unsigned n = 1;

    for (;; n++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            struct machine_options options = {.seed = 1, .pager = MACHINE_PAGER_PROTECT};
            const char *what = NULL;
            pg_status result;

            if (channel_open(1u << 16, &channel) != PG_OK) {
                _exit(60);
            }
            host_fail_nth(n);
            result = machine_start(&options, channel, &what);
            if (!host_fail_hit()) {
                _exit(result == PG_OK ? 1 : 61);
            }
            _exit(result != PG_OK && what != NULL ? 0 : 62);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
        ck_assert_int_le(WEXITSTATUS(status), 1);
        if (WEXITSTATUS(status) == 1) {
            break;
        }
    }
    ck_assert_uint_gt(n, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("machine");
    TCase *tests = tcase_create("machine");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, choices_repeat_by_seed);
    tcase_add_test(tests, timers_fire_by_due_time_then_by_order);
    tcase_add_test(tests, threads_wait_and_are_woken);
    tcase_add_test(tests, a_thread_that_nobody_wakes_leaves_the_machine_idle);
    tcase_add_test(tests, stacks_and_structures_are_reused);
    tcase_add_test(tests, running_out_of_stacks_is_no_disaster);
    tcase_add_test(tests, dpcs_run_in_order_when_the_irql_drops);
    tcase_add_test(tests, time_jumps_to_the_next_timer);
    tcase_add_test(tests, cr8_is_trapped_in_both_directions);
    tcase_add_test(tests, the_red_zone_and_vector_registers_survive_a_trap);
    tcase_add_test(tests, the_shared_page_tells_virtual_time);
    tcase_add_test(tests, gs_finds_processor_and_thread);
    tcase_add_test(tests, pageable_code_comes_in_when_it_runs);
    tcase_add_test(tests, pageable_code_at_dispatch_level_is_0xd1);
    tcase_add_test(tests, a_stack_overflow_is_0x7f);
    tcase_add_test(tests, a_jump_to_zero_is_0x1e);
    tcase_add_test(tests, exceptions_are_bug_checks);
    tcase_add_test(tests, start_survives_each_host_failure);
    tcase_add_loop_test(tests, start_does_without_userfaultfd, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
