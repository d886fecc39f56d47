/* SPDX-License-Identifier: MIT */
/*
 * Interrupts, ports and registers, end to end: a toy device, and a driver of its own (hw_probe.sys)
 * that runs its checks in a computer made here.
 */
#include "base/host.h"
#include "machine/hardware.h"
#include "nt/nt.h"
#include "nt/pnp.h"
#include "nt/requests.h"

#include "support/run.h"
#include "toy.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the model ---- */

struct toy {
    struct interrupt_pin pin;
    struct machine_timer timer;
    struct io_range ports, registers;
    uint8_t next;
    uint32_t sum;
    uint8_t bytes[TOY_BYTES];
    struct hardware hardware;
};

static void fire(struct machine_timer *timer)
{
    struct toy *toy = timer->context;

    interrupt_pin_set(&toy->pin, true);
}

static void fire_in(struct toy *toy, uint64_t hundreds_of_us)
{
    if (hundreds_of_us == 0) {
        interrupt_pin_set(&toy->pin, true);
    } else {
        machine_timer_set(&toy->timer, machine_time() + hundreds_of_us * 1000);
    }
}

static uint64_t read_port(void *context, uint32_t offset, unsigned bytes)
{
    struct toy *toy = context;

    (void)bytes;
    switch (offset) {
    case TOY_DATA:
        return toy->next++;
    case TOY_STATUS:
        return toy->pin.asserted;
    case TOY_SUM:
        return toy->sum;
    default:
        return UINT64_MAX;
    }
}

static void write_port(void *context, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct toy *toy = context;

    (void)bytes;
    switch (offset) {
    case TOY_DATA:
        toy->sum += (uint32_t)value;
        break;
    case TOY_STATUS:
        interrupt_pin_set(&toy->pin, false);
        break;
    case TOY_FIRE:
        fire_in(toy, value);
        break;
    case TOY_SUM:
        toy->sum = (uint32_t)value;
        break;
    default:
        break;
    }
}

static uint64_t read_register(void *context, uint32_t offset, unsigned bytes)
{
    struct toy *toy = context;
    uint64_t value = 0;

    memcpy(&value, &toy->bytes[offset], bytes);
    return value;
}

static void write_register(void *context, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct toy *toy = context;

    if (offset >= TOY_SCRATCH && offset + bytes <= TOY_SCRATCH + 16) {
        memcpy(&toy->bytes[offset], &value, bytes);
    } else if (offset == TOY_CONTROL && (value & 1) != 0) {
        fire_in(toy, 0);
    }
}

static struct toy *toy_new(const char *name, uint16_t port)
{
    struct toy *toy = machine_allocate(sizeof *toy);
    uint32_t id = TOY_ID_IS;

    toy->ports = (struct io_range){read_port, write_port, toy};
    toy->timer = (struct machine_timer){.expire = fire, .context = toy, .hardware = true};
    memcpy(&toy->bytes[TOY_ID], &id, sizeof id);
    interrupt_pin_attach(&toy->pin, TOY_LINE);
    ck_assert(machine_ports_claim(port, TOY_PORTS, &toy->ports));
    toy->hardware = (struct hardware){
        .name = name,
        .ids = "TOY\\0001\0",
        .description = "Toy",
        .resources = {{RESOURCE_PORTS, port, TOY_PORTS}, {RESOURCE_INTERRUPT, TOY_LINE, 1}},
        .resource_count = 2,
        .present = true};
    return toy;
}

/* ---- the computer ---- */

static struct channel *channel;
static struct image image;
static struct module *module;
static struct nt_file *file;
static void *image_bytes;

static int open_image(void)
{
    const char *path = PAGABLE_DRIVERS "/hw_probe.sys";
    int fd = host.open_read(path);
    struct image_error error;
    int64_t size;

    ck_assert_int_ge(fd, 0);
    size = host.file_size(fd);
    ck_assert_int_gt(size, 0);
    image_bytes = malloc((size_t)size);
    ck_assert_int_eq(host.read_at(fd, image_bytes, (size_t)size, 0), size);
    ck_assert_int_eq(image_open(image_bytes, (size_t)size, &image, &error), PG_OK);
    return fd;
}

static void start(uint64_t seed)
{
    struct machine_options options = {.seed = seed, .trim = TRIM_IRQL, .rules = RULE_SET_ALL};
    static struct toy *first, *second;
    char what[200] = "";
    const char *why = "";
    uint32_t added, started;
    int32_t status;

    ck_assert_int_eq(machine_start(&options, channel, &why), PG_OK);
    ck_assert_int_eq(nt_start(), PG_OK);
    first = toy_new("toy1", TOY_PORT);
    second = toy_new("toy2", TOY_PORT + TOY_PORTS);
    first->registers = (struct io_range){read_register, write_register, first};
    ck_assert(machine_memory_claim(TOY_REGISTERS, TOY_BYTES, &first->registers));
    hardware_add(&first->hardware);
    (void)second;
    ck_assert_msg(module_load("hw_probe.sys", &image, open_image(), nt_resolve_import, &module,
                              what, sizeof what) == PG_OK,
                  "%s", what);
    ck_assert(nt_driver_start(module, &status));
    ck_assert_int_eq(status, 0);
    ck_assert(nt_pnp_add(module, "TOY\\0001\0", &added, &started));
    ck_assert_uint_eq(started, 1);
}

static struct nt_request *send(const struct nt_request_desc *desc)
{
    struct nt_request *request = nt_request_start(desc);

    ck_assert_ptr_nonnull(request);
    ck_assert(nt_request_wait(request, 600000000));
    return request;
}

static void open_device(void)
{
    struct nt_request *request = send(&(struct nt_request_desc){
        .kind = NT_CREATE, .device = nt_device_find("\\Device\\HwProbe")});

    ck_assert_int_eq(nt_request_status(request), 0);
    file = nt_request_file(request);
    nt_request_release(request);
}

static void close_device(void)
{
    nt_request_release(send(&(struct nt_request_desc){.kind = NT_CLEANUP, .file = file}));
    nt_request_release(send(&(struct nt_request_desc){.kind = NT_CLOSE, .file = file}));
}

/* The driver's answer: the line of hw_probe.c that failed. */
static uint32_t order(enum toy_order order)
{
    struct nt_request *request =
        send(&(struct nt_request_desc){.kind = NT_DEVICE_CONTROL,
                                       .file = file,
                                       .control_code = 0x220000u | (0x800u + order) << 2,
                                       .output_bytes = 4});
    uint32_t bytes, answer = UINT32_MAX;
    const void *output = nt_request_output(request, &bytes);

    ck_assert_int_eq(nt_request_status(request), 0);
    ck_assert_uint_eq(bytes, 4);
    memcpy(&answer, output, 4);
    nt_request_release(request);
    return answer;
}

static void setup(void)
{
    ck_assert_int_eq(channel_open(4u << 20, &channel), PG_OK);
    start(1);
    open_device();
}

START_TEST(the_drivers_checks_hold)
{
    enum toy_order n = (enum toy_order)_i;
    uint64_t interrupts;
    uint32_t line;

    setup();
    interrupts = machine_counters()->interrupts;
    line = order(n);
    ck_assert_msg(line == 0, "check %d fails at hw_probe.c:%u", n, line);
    line = order(n); /* nothing was left behind */
    ck_assert_msg(line == 0, "check %d fails the second time at hw_probe.c:%u", n, line);
    if (n != ToyVector && n != ToyConnect && n != ToyStrings && n != ToyPoll && n != ToyBus) {
        ck_assert_uint_gt(machine_counters()->interrupts, interrupts);
    }
    close_device();
    ck_assert(nt_pnp_remove(module));
    ck_assert_int_eq(nt_driver_stop(module), NT_UNLOADED);
}
END_TEST

START_TEST(checks_hold_for_many_seeds)
{
    ck_assert_int_eq(channel_open(4u << 20, &channel), PG_OK);
    start((uint64_t)_i + 2);
    open_device();
    for (int n = 0; n < ToyChecks; n++) {
        uint32_t line = order((enum toy_order)n);

        ck_assert_msg(line == 0, "check %d fails at hw_probe.c:%u", n, line);
    }
    ck_assert_uint_gt(machine_counters()->executions_synchronized, 0);
}
END_TEST

/* ---- what verify sees ---- */

static uint32_t told;

static void connected(const struct nt_interrupt *interrupt)
{
    told++;
    ck_assert_uint_eq(interrupt->line, TOY_LINE);
    ck_assert_uint_eq(interrupt->irql, interrupt_line_irql(TOY_LINE));
    ck_assert(interrupt->routine >= module->base &&
              interrupt->routine < module->base + module->bytes);
}

START_TEST(interrupts_of_a_module_are_listed)
{
    struct nt_interrupt interrupt;

    setup();
    nt_hooks.interrupt_connected = connected;
    ck_assert(!nt_interrupt_of(module, 0, &interrupt));
    ck_assert_uint_eq(order(ToyLeave), 0);
    ck_assert_uint_eq(told, 1);
    ck_assert(nt_interrupt_of(module, 0, &interrupt));
    connected(&interrupt);
    ck_assert(interrupt.active);
    ck_assert_uint_eq(interrupt.synchronize_irql, interrupt.irql);
    ck_assert(!nt_interrupt_of(module, 1, &interrupt));
}
END_TEST

/* ---- mistakes ---- */

/* Give the order in a child; its records are in `channel` afterwards. */
static void order_in_child(enum toy_order mistake)
{
    pid_t child;
    int status;

    ck_assert_int_eq(channel_open(4u << 20, &channel), PG_OK);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        channel_be_writer(channel);
        start(1);
        open_device();
        (void)order(mistake);
        close_device();
        ck_assert(nt_pnp_remove(module));
        (void)nt_driver_stop(module);
        machine_stop(RUN_DONE, NULL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child status 0x%x", status);
    channel_be_reader(channel);
}

static bool find(enum record_kind wanted, void *payload, size_t size)
{
    char buffer[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    while (channel_take(channel, &kind, buffer, &bytes, 0) == CHANNEL_RECORD) {
        if (kind == wanted && bytes == size) {
            memcpy(payload, buffer, size);
            return true;
        }
    }
    return false;
}

START_TEST(mistakes_are_the_bug_checks_of_windows)
{
    static const struct {
        enum toy_order mistake;
        uint32_t code;
        const char *words;
    } cases[] = {
        {ToyDisconnectTwice, 0x18, "disconnected or never was one"},
        {ToySynchronizeTooHigh, 0x09, "from above its synchronize IRQL"},
        {ToyDeadlock, 0x0F, "held already"},
        {ToyReturnsHigh, 0xC8, "returned at another IRQL"},
        {ToyUnmapOther, 0xDA, "did not map"},
        {ToyPagedLock, 0x0A, "paged pool"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bugcheck_report report;

        order_in_child(cases[i].mistake);
        ck_assert_msg(find(RECORD_BUGCHECK, &report, sizeof report), "mistake %zu", i);
        ck_assert_uint_eq(report.code, cases[i].code);
        ck_assert_msg(strstr(report.message, cases[i].words) != NULL, "%s", report.message);
        channel_close(channel);
    }
}
END_TEST

START_TEST(a_storm_names_the_service_routine)
{
    struct finding finding;
    struct run_end end;

    order_in_child(ToyStorm);
    ck_assert(find(RECORD_FINDING, &finding, sizeof finding));
    ck_assert_int_eq(finding.rule, RULE_BUDGET_EXHAUSTED);
    ck_assert_str_eq(finding.place.module, "hw_probe.sys");
    ck_assert_ptr_nonnull(strstr(finding.message, "interrupt line 5"));
    ck_assert(find(RECORD_END, &end, sizeof end));
    ck_assert_int_eq(end.outcome, RUN_STOPPED);
}
END_TEST

START_TEST(an_interrupt_that_stays_connected_is_found_at_unload)
{
    struct finding finding;
    struct run_end end;

    order_in_child(ToyLeave);
    ck_assert(find(RECORD_FINDING, &finding, sizeof finding));
    ck_assert_int_eq(finding.rule, RULE_UNLOAD_LEFT_BEHIND);
    ck_assert_ptr_nonnull(strstr(finding.message, "1 connected interrupt"));
    ck_assert(find(RECORD_END, &end, sizeof end));
    ck_assert_int_eq(end.outcome, RUN_DONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw");
    TCase *tests = tcase_create("hw");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, the_drivers_checks_hold, 0, ToyChecks);
    tcase_add_loop_test(tests, checks_hold_for_many_seeds, 0, 10);
    tcase_add_test(tests, interrupts_of_a_module_are_listed);
    tcase_add_test(tests, mistakes_are_the_bug_checks_of_windows);
    tcase_add_test(tests, a_storm_names_the_service_routine);
    tcase_add_test(tests, an_interrupt_that_stays_connected_is_found_at_unload);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
