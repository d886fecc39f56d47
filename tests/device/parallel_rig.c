/* SPDX-License-Identifier: MIT */
/* See parallel_rig.h. */
#include "parallel_rig.h"
#include "support/run.h"

#include <stdlib.h>
#include <string.h>

struct printer *printer;
struct interrupt_service service;
unsigned interrupts, claimed;
uint8_t seen;

uint8_t in(uint16_t port)
{
    return (uint8_t)io_port_read(port, 1, 0);
}

void out(uint16_t port, uint8_t value)
{
    io_port_write(port, 1, value, 0);
}

uint8_t status_of(uint8_t wires)
{
    return in(STATUS)&wires;
}

static bool serve(struct interrupt_service *self)
{
    bool ours;

    (void)self;
    interrupts++;
    seen = in(STATUS);
    ours = (seen & NIRQ) == 0;
    claimed += ours;
    return ours;
}

void start(void)
{
    const struct machine_options options = {.seed = 1, .rules = RULE_SET_ALL};
    static struct channel *channel; /* stays reachable: nobody closes it */
    const char *what = "";

    ck_assert_int_eq(channel_open(1u << 20, &channel), PG_OK);
    ck_assert_int_eq(machine_start(&options, channel, &what), PG_OK);
    printer = printer_new("lpt1", PORT, LINE);
    service.line = LINE;
    service.irql = interrupt_line_irql(LINE);
    service.service = serve;
    interrupt_connect(&service);
}

void pass(uint64_t units)
{
    (void)machine_run(NULL, NULL, machine_time() + units);
}

void send_as(uint8_t byte, uint8_t control)
{
    out(DATA, byte);
    out(CONTROL, control | STROBE);
    out(CONTROL, control);
}

void send(uint8_t byte)
{
    send_as(byte, IDLE);
}

void send_all(const char *text)
{
    while (*text != '\0') {
        for (int tries = 0; status_of(NOT_BUSY) == 0; tries++) {
            ck_assert_int_lt(tries, 1000);
        }
        send((uint8_t)*text++);
    }
}

void expect_output(const char *text)
{
    char got[256] = "";
    size_t n;

    ck_assert_uint_lt(strlen(text), sizeof got - 1);
    n = printer_take(printer, got, sizeof got - 1);
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_mem_eq(got, text, n);
}

const struct printer_counters *counters(void)
{
    return printer_counters(printer);
}

int rig_run(const char *suite_name, const struct rig_test *tests, size_t count)
{
    Suite *suite = suite_create(suite_name);

    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(tests[i].name);

        tcase_set_timeout(tcase, 120);
        if (tests[i].end > 0) {
            tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].end);
        } else {
            tcase_add_test(tcase, tests[i].test);
        }
        suite_add_tcase(suite, tcase);
    }
    return run_suite(suite);
}
