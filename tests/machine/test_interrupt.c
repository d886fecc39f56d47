/* SPDX-License-Identifier: MIT */
/* Interrupt lines: when services are called, in which order, and what hardware does meanwhile. */
#include "machine/hardware.h"

#include "guest.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char order[128];

static void note(char c)
{
    size_t n = strlen(order);

    ck_assert_uint_lt(n, sizeof order - 1);
    order[n] = c;
    order[n + 1] = '\0';
}

/* A device that holds its line until it was served. */
struct toy {
    struct interrupt_pin pin;
    struct interrupt_service service;
    struct machine_timer timer;
    char name;
    uint32_t served;
    void (*inside)(struct toy *toy); /* what the service does besides; NULL: nothing */
};

static bool serve(struct interrupt_service *service)
{
    struct toy *toy = service->context;

    ck_assert_uint_eq(machine_irql(), service->irql);
    note(toy->name);
    if (!toy->pin.asserted) {
        return false;
    }
    toy->served++;
    if (toy->inside != NULL) {
        toy->inside(toy);
    }
    interrupt_pin_set(&toy->pin, false);
    note((char)(toy->name - 'a' + 'A'));
    return true;
}

static void toy_connect(struct toy *toy, char name, uint32_t line)
{
    toy->name = name;
    toy->service = (struct interrupt_service){
        .line = line, .irql = interrupt_line_irql(line), .service = serve, .context = toy};
    interrupt_pin_attach(&toy->pin, line);
    interrupt_connect(&toy->service);
}

static struct toy a, b, c;

static void run(void (*body)(void *argument))
{
    ck_assert_ptr_nonnull(machine_thread_new(body, NULL));
    run_all();
}

START_TEST(irqls_fall_with_the_number_and_vectors_are_unique)
{
    uint32_t line;

    ck_assert_uint_eq(interrupt_line_irql(0), 11);
    ck_assert_uint_eq(interrupt_line_irql(INTERRUPT_LINES - 1), 3);
    for (uint32_t i = 0; i < INTERRUPT_LINES; i++) {
        ck_assert(i == 0 || interrupt_line_irql(i) <= interrupt_line_irql(i - 1));
        ck_assert(interrupt_vector_line(interrupt_line_vector(i), &line));
        ck_assert_uint_eq(line, i);
    }
    ck_assert(!interrupt_vector_line(0, &line));
    ck_assert(!interrupt_vector_line(0x1ff, &line));
}
END_TEST

/* ---- when ---- */

static void at_every_irql(void *argument)
{
    uint8_t irql = interrupt_line_irql(4);

    (void)argument;
    for (uint8_t now = HIGH_LEVEL; now > irql; now--) {
        machine_raise(now);
        interrupt_pin_set(&a.pin, true);
        machine_choice_point();
        ck_assert_uint_eq(a.served, 0);
        machine_lower(irql); /* as high as the line: not yet */
        ck_assert_uint_eq(a.served, 0);
        machine_lower((uint8_t)(irql - 1));
        ck_assert_uint_eq(a.served, 1);
        ck_assert_uint_eq(machine_irql(), irql - 1);
        a.served = 0;
    }
    machine_lower(PASSIVE_LEVEL);
    interrupt_pin_set(&a.pin, true);
    ck_assert_uint_eq(a.served, 0); /* not before the next choice point */
    machine_choice_point();
    ck_assert_uint_eq(a.served, 1);
    ck_assert_uint_eq(machine_irql(), PASSIVE_LEVEL);
}

START_TEST(a_line_waits_for_an_irql_below_its_own)
{
    start(1);
    toy_connect(&a, 'a', 4);
    run(at_every_irql);
    ck_assert_uint_eq(M->counters.interrupts, 16u - interrupt_line_irql(4));
    ck_assert_uint_eq(M->counters.trims, 1); /* by the test's first raise: interrupts do not */
}
END_TEST

static void masked(void *argument)
{
    (void)argument;
    interrupt_pin_attach(&a.pin, 4);
    interrupt_spurious(4); /* lost */
    interrupt_pin_set(&a.pin, true);
    machine_choice_point();
    ck_assert_uint_eq(M->counters.interrupts, 0);
    a.name = 'a';
    a.service = (struct interrupt_service){
        .line = 4, .irql = interrupt_line_irql(4), .service = serve, .context = &a};
    interrupt_connect(&a.service);
    interrupt_set_active(&a.service, false);
    machine_choice_point();
    ck_assert_str_eq(order, "");
    interrupt_set_active(&a.service, true);
    machine_choice_point();
    ck_assert_str_eq(order, "aA"); /* the level was still there */
    interrupt_spurious(4);
    machine_choice_point();
    machine_choice_point();
    ck_assert_str_eq(order, "aAa"); /* once, and nobody's */
    interrupt_disconnect(&a.service);
    interrupt_pin_set(&a.pin, true);
    machine_choice_point();
    ck_assert_str_eq(order, "aAa");
    interrupt_pin_detach(&a.pin);
    ck_assert_uint_eq(M->interrupts_pending, 0);
}

START_TEST(a_line_without_an_active_service_is_masked)
{
    start(1);
    run(masked);
    ck_assert_uint_eq(M->counters.interrupts, 2);
}
END_TEST

static void flag_off(void *argument)
{
    (void)argument;
    M->cpu.interrupts_enabled = false;
    interrupt_pin_set(&a.pin, true);
    machine_choice_point();
    ck_assert_uint_eq(a.served, 0);
    M->cpu.interrupts_enabled = true;
    machine_choice_point();
    ck_assert_uint_eq(a.served, 1);
}

START_TEST(the_interrupt_flag_holds_everything_back)
{
    start(1);
    toy_connect(&a, 'a', 4);
    run(flag_off);
}
END_TEST

static struct thread *sleeper;

static void wake(struct toy *toy)
{
    (void)toy;
    ck_assert_ptr_eq(machine_thread(), machine_idle_thread());
    machine_thread_ready(sleeper);
}

static void assert_pin(struct machine_timer *timer)
{
    struct toy *toy = timer->context;

    interrupt_pin_set(&toy->pin, true);
}

static void sleep_with_flag_off(void *argument)
{
    (void)argument;
    M->cpu.interrupts_enabled = false;
    machine_thread_wait();
    ck_assert(M->cpu.interrupts_enabled);
    note('w');
}

START_TEST(a_wait_turns_interrupts_on)
{
    start(1);
    toy_connect(&a, 'a', 4);
    a.inside = wake;
    a.timer = (struct machine_timer){.expire = assert_pin, .context = &a, .hardware = true};
    machine_timer_set(&a.timer, 1000);
    sleeper = machine_thread_new(sleep_with_flag_off, NULL);
    run_all();
    ck_assert_str_eq(order, "aAw");
}
END_TEST

START_TEST(cli_and_sti_of_the_guest_count)
{
    uint64_t routine;

    start(1);
    make_module(true);
    toy_connect(&a, 'a', 4);
    interrupt_pin_set(&a.pin, true);
    /* cli; mov rax, cr8; sti; mov rax, cr8; ret: the thread starts with the line asserted */
    routine = EMIT(0xfa, 0x44, 0x0f, 0x20, 0xc0, 0xfb, 0x44, 0x0f, 0x20, 0xc0, 0xc3);
    run_guest(routine, 0);
    ck_assert_uint_eq(a.served, 1);
    ck_assert(M->cpu.interrupts_enabled);
}
END_TEST

/* ---- in which order ---- */

static void assert_second(void *argument)
{
    (void)argument;
    interrupt_pin_set(&b.pin, true);
    machine_choice_point();
    ck_assert_str_eq(order, "abB");
    interrupt_pin_set(&a.pin, true);
    interrupt_pin_set(&b.pin, true);
    machine_choice_point(); /* the first claims; the line stays; then the first has nothing to do */
    ck_assert_str_eq(order, "abBaAabB");
}

START_TEST(services_of_a_line_are_asked_in_the_order_of_connecting)
{
    start(1);
    toy_connect(&a, 'a', 7);
    toy_connect(&b, 'b', 7);
    ck_assert_ptr_eq(interrupt_service_at(7, 0), &a.service);
    ck_assert_ptr_eq(interrupt_service_at(7, 1), &b.service);
    ck_assert_ptr_null(interrupt_service_at(7, 2));
    run(assert_second);
    ck_assert_uint_eq(M->counters.interrupts, 3);
}
END_TEST

static void raise_others(struct toy *toy)
{
    (void)toy;
    interrupt_pin_set(&a.pin, true); /* more urgent than b */
    interrupt_pin_set(&c.pin, true); /* less urgent */
    machine_choice_point();
}

static void nest(void *argument)
{
    (void)argument;
    interrupt_pin_set(&b.pin, true);
    machine_choice_point();
    ck_assert_str_eq(order, "baABcC");
    ck_assert_uint_eq(machine_irql(), PASSIVE_LEVEL);
    order[0] = '\0';
    b.inside = NULL;
    interrupt_pin_set(&c.pin, true);
    interrupt_pin_set(&b.pin, true);
    interrupt_pin_set(&a.pin, true);
    machine_choice_point();
    ck_assert_str_eq(order, "aAbBcC");
}

START_TEST(interrupts_nest_by_irql)
{
    start(1);
    toy_connect(&a, 'a', 1);
    toy_connect(&b, 'b', 9);
    toy_connect(&c, 'c', 20);
    b.inside = raise_others;
    run(nest);
}
END_TEST

static void one_irql(void *argument)
{
    (void)argument;
    interrupt_pin_set(&b.pin, true);
    interrupt_pin_set(&a.pin, true);
    machine_choice_point();
    ck_assert_str_eq(order, "aAbB");
}

START_TEST(lines_of_one_irql_go_by_number)
{
    start(1);
    toy_connect(&b, 'b', 4);
    toy_connect(&a, 'a', 3);
    ck_assert_uint_eq(interrupt_line_irql(3), interrupt_line_irql(4));
    run(one_irql);
}
END_TEST

/* A service at a higher IRQL than its line's keeps lines in between out. */
static void synchronize_high(void *argument)
{
    (void)argument;
    interrupt_pin_set(&b.pin, true);
    machine_choice_point();
    ck_assert_str_eq(order, "bBaAcC");
}

START_TEST(a_service_may_run_above_its_line)
{
    start(1);
    toy_connect(&a, 'a', 1);
    toy_connect(&b, 'b', 9);
    toy_connect(&c, 'c', 20);
    interrupt_disconnect(&b.service);
    b.service.irql = interrupt_line_irql(1);
    interrupt_connect(&b.service);
    b.inside = raise_others;
    run(synchronize_high);
}
END_TEST

/* ---- and DPCs ---- */

static void dpc(uint64_t object, const uint64_t argument[2])
{
    (void)argument;
    ck_assert_uint_eq(machine_irql(), DISPATCH_LEVEL);
    note((char)object);
    if (object == '1') {
        interrupt_pin_set(&a.pin, true); /* its service queues nothing new */
        a.inside = NULL;
        machine_choice_point();
        note('!');
    }
}

static void queue_dpc(struct toy *toy)
{
    (void)toy;
    ck_assert(machine_dpc_queue('1', dpc, (const uint64_t[2]){0, 0}, false));
}

static void interrupted_in_dpc(void *argument)
{
    (void)argument;
    interrupt_pin_set(&a.pin, true);
    machine_choice_point();
    ck_assert_str_eq(order, "aA1aA!");
    ck_assert_uint_eq(machine_irql(), PASSIVE_LEVEL);
    order[0] = '\0';
    a.inside = queue_dpc;
    machine_raise(DISPATCH_LEVEL);
    interrupt_pin_set(&a.pin, true);
    machine_choice_point();
    note('-');
    machine_lower(PASSIVE_LEVEL);
    ck_assert_str_eq(order, "aA-1aA!");
    order[0] = '\0';
    a.inside = queue_dpc;
    machine_raise(HIGH_LEVEL);
    interrupt_pin_set(&a.pin, true);
    ck_assert(machine_dpc_queue('2', dpc, (const uint64_t[2]){0, 0}, false));
    machine_lower(PASSIVE_LEVEL); /* the interrupt first: it is above DISPATCH_LEVEL */
    ck_assert_str_eq(order, "aA21aA!");
}

START_TEST(dpcs_run_on_the_way_back_and_can_be_interrupted)
{
    start(1);
    toy_connect(&a, 'a', 4);
    a.inside = queue_dpc;
    run(interrupted_in_dpc);
    ck_assert_uint_eq(M->counters.dpcs, 4);
}
END_TEST

/* ---- hardware's own time ---- */

static void sleep_main(void *argument)
{
    (void)argument;
    machine_thread_wait();
    note('w');
}

START_TEST(the_idle_thread_takes_interrupts_when_nobody_runs)
{
    start(1);
    toy_connect(&a, 'a', 4);
    a.inside = wake;
    a.timer = (struct machine_timer){.expire = assert_pin, .context = &a, .hardware = true};
    machine_timer_set(&a.timer, 777777);
    sleeper = machine_thread_new(sleep_main, NULL);
    run_all();
    ck_assert_str_eq(order, "aAw");
    ck_assert_uint_eq(machine_time(), 777777);
}
END_TEST

static void every_100_us(struct machine_timer *timer)
{
    assert_pin(timer);
    machine_timer_set(timer, timer->due + 1000);
}

static void stall(void *argument)
{
    uint64_t before = machine_time();

    (void)argument;
    machine_stall(10000);
    ck_assert_uint_eq(machine_time(), before + 10000);
    ck_assert_uint_eq(a.served, 10);
    machine_raise(HIGH_LEVEL);
    machine_stall(5500);
    ck_assert_uint_eq(a.served, 10);
    ck_assert(a.pin.asserted); /* the timer went on */
    ck_assert_uint_eq(a.timer.due, 16000);
    machine_lower(PASSIVE_LEVEL);
    ck_assert_uint_eq(a.served, 11); /* one level, however often it was asserted */
}

START_TEST(hardware_works_while_the_processor_stalls)
{
    start(1);
    toy_connect(&a, 'a', 4);
    a.timer = (struct machine_timer){.expire = every_100_us, .context = &a, .hardware = true};
    machine_timer_set(&a.timer, 1000);
    run(stall);
}
END_TEST

static bool ready;

static void get_ready(struct machine_timer *timer)
{
    (void)timer;
    ready = true;
}

static uint64_t read_status(void *context, uint32_t offset, unsigned bytes)
{
    (void)context;
    (void)offset;
    (void)bytes;
    return ready;
}

static struct machine_timer soon = {.expire = get_ready, .hardware = true};

START_TEST(a_driver_that_polls_at_any_irql_sees_the_device_become_ready)
{
    static const uint8_t irqls[] = {PASSIVE_LEVEL, DISPATCH_LEVEL, 8, HIGH_LEVEL};
    struct io_range range = {.read = read_status};
    uint64_t routine;

    start(1);
    make_module(true);
    ck_assert(machine_ports_claim(0x379, 1, &range));
    /* mov r8, cr8; mov cr8, rcx; mov edx, 379h; again: in al, dx; test al, al; jz again;
       mov cr8, r8; ret */
    routine = EMIT(0x45, 0x0f, 0x20, 0xc0, 0x44, 0x0f, 0x22, 0xc1, 0xba, 0x79, 0x03, 0, 0, 0xec,
                   0x84, 0xc0, 0x74, 0xfb, 0x45, 0x0f, 0x22, 0xc0, 0xc3);
    for (size_t i = 0; i < sizeof irqls; i++) {
        ready = false;
        machine_timer_set(&soon, machine_time() + 1000); /* 100 us: about 100 reads */
        M->counters.port_accesses = 0;
        run_guest(routine, irqls[i]);
        ck_assert(ready);
        ck_assert_uint_eq(M->counters.port_accesses, 100 + 1);
    }
}
END_TEST

START_TEST(timers_of_both_kinds_expire_in_their_own_places)
{
    static struct machine_timer nt;

    start(1);
    nt.expire = get_ready;
    machine_timer_set(&nt, 100);
    a.pin.line = 4;
    toy_connect(&a, 'a', 4);
    a.timer = (struct machine_timer){.expire = assert_pin, .context = &a, .hardware = true};
    machine_timer_set(&a.timer, 200);
    machine_time_pass(300);
    clock_expire_hardware(); /* on the scheduler's stack, at PASSIVE_LEVEL */
    ck_assert(a.pin.asserted);
    ck_assert(!ready && nt.heap_index != 0);
    ck_assert(!machine_timer_cancel(&a.timer));
    machine_timer_set(&a.timer, 500);
    ck_assert(machine_timer_cancel(&a.timer));
    machine_raise(DISPATCH_LEVEL);
    clock_expire();
    ck_assert(ready);
}
END_TEST

/* ---- mistakes ---- */

static bool never_lets_go(struct interrupt_service *service)
{
    (void)service;
    return true;
}

static struct interrupt_service bad = {.line = 5, .irql = 10, .service = never_lets_go};

static void wait_for_ever(void *argument)
{
    (void)argument;
    machine_choice_point();
}

static void storm(void)
{
    make_module(true);
    bad.routine = CODE_BASE + 0x123;
    interrupt_connect(&bad);
    interrupt_pin_attach(&a.pin, 5);
    interrupt_pin_set(&a.pin, true);
    run(wait_for_ever);
}

START_TEST(a_line_that_nobody_serves_ends_the_run)
{
    struct finding finding;
    struct run_end end = end_of(storm, &finding);

    ck_assert_int_eq(end.outcome, RUN_STOPPED);
    ck_assert_str_eq(end.reason, "interrupt line 5 is never let go");
    ck_assert_int_eq(finding.rule, RULE_BUDGET_EXHAUSTED);
    ck_assert_str_eq(finding.place.module, "test.sys");
    ck_assert_uint_eq(finding.place.rva, 0x123);
}
END_TEST

static bool comes_back_high(struct interrupt_service *service)
{
    (void)service;
    machine_raise(HIGH_LEVEL);
    return true;
}

static void wrong_irql(void)
{
    bad.service = comes_back_high;
    bad.routine = CODE_BASE;
    interrupt_connect(&bad);
    interrupt_spurious(5);
    run(wait_for_ever);
}

START_TEST(a_service_that_changes_the_irql_is_0xc8)
{
    struct bugcheck_report report = bugcheck_of(wrong_irql);

    ck_assert_uint_eq(report.code, 0xC8);
    ck_assert_uint_eq(report.parameters[0], (uint64_t)HIGH_LEVEL << 16 | 10u << 8 | 3);
    ck_assert_uint_eq(report.parameters[1], CODE_BASE);
}
END_TEST

START_TEST(hardware_is_found_in_the_order_of_adding)
{
    static struct hardware uart = {.name = "uart1"}, printer = {.name = "lpt1"};

    start(1);
    ck_assert_ptr_null(hardware_next(NULL));
    hardware_add(&uart);
    hardware_add(&printer);
    ck_assert_ptr_eq(hardware_next(NULL), &uart);
    ck_assert_ptr_eq(hardware_next(&uart), &printer);
    ck_assert_ptr_null(hardware_next(&printer));
    ck_assert_ptr_eq(hardware_find("lpt1"), &printer);
    ck_assert_ptr_null(hardware_find("lpt"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interrupt");
    TCase *tests = tcase_create("interrupt");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, irqls_fall_with_the_number_and_vectors_are_unique);
    tcase_add_test(tests, a_line_waits_for_an_irql_below_its_own);
    tcase_add_test(tests, a_line_without_an_active_service_is_masked);
    tcase_add_test(tests, the_interrupt_flag_holds_everything_back);
    tcase_add_test(tests, a_wait_turns_interrupts_on);
    tcase_add_test(tests, cli_and_sti_of_the_guest_count);
    tcase_add_test(tests, services_of_a_line_are_asked_in_the_order_of_connecting);
    tcase_add_test(tests, interrupts_nest_by_irql);
    tcase_add_test(tests, lines_of_one_irql_go_by_number);
    tcase_add_test(tests, a_service_may_run_above_its_line);
    tcase_add_test(tests, dpcs_run_on_the_way_back_and_can_be_interrupted);
    tcase_add_test(tests, the_idle_thread_takes_interrupts_when_nobody_runs);
    tcase_add_test(tests, hardware_works_while_the_processor_stalls);
    tcase_add_test(tests, a_driver_that_polls_at_any_irql_sees_the_device_become_ready);
    tcase_add_test(tests, timers_of_both_kinds_expire_in_their_own_places);
    tcase_add_test(tests, a_line_that_nobody_serves_ends_the_run);
    tcase_add_test(tests, a_service_that_changes_the_irql_is_0xc8);
    tcase_add_test(tests, hardware_is_found_in_the_order_of_adding);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
