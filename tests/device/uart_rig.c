/* SPDX-License-Identifier: MIT */
#include "support/run.h"
#include "uart_rig.h"

#include <stdlib.h>
#include <string.h>

struct uart *uart;
static struct channel *channel; /* lives as long as its process */

uint8_t in(unsigned reg)
{
    return (uint8_t)io_port_read((uint16_t)(PORT + reg), 1, 0);
}

void out(unsigned reg, uint8_t value)
{
    io_port_write((uint16_t)(PORT + reg), 1, value, 0);
}

void pass(uint64_t units)
{
    (void)machine_run(NULL, NULL, machine_time() + units);
}

void start(void)
{
    const struct machine_options options = {.seed = 1, .rules = RULE_SET_ALL};
    const char *what = "";

    ck_assert_int_eq(channel_open(1u << 20, &channel), PG_OK);
    ck_assert_int_eq(machine_start(&options, channel, &what), PG_OK);
    uart = uart_new("uart1", PORT, LINE);
    ck_assert_ptr_nonnull(uart);
}

void set_divisor(uint16_t divisor)
{
    uint8_t lcr = in(LCR);

    out(LCR, lcr | 0x80);
    out(DLL, (uint8_t)divisor);
    out(DLM, (uint8_t)(divisor >> 8));
    out(LCR, lcr);
}

void open_uart(uint8_t fcr)
{
    start();
    out(LCR, 0x03);
    set_divisor(1);
    out(FCR, fcr);
}

void far_damages(const char *text, enum uart_damage damage)
{
    ck_assert(uart_send(uart, (const uint8_t *)text, strlen(text), damage, false));
}

void far_sends(const char *text)
{
    far_damages(text, UART_GOOD);
}

void expect_arrived(const char *text)
{
    char buffer[64] = "";

    ck_assert_uint_eq(uart_take(uart, (uint8_t *)buffer, sizeof buffer - 1), strlen(text));
    ck_assert_str_eq(buffer, text);
}

int run_tests(const char *name, const TTest *const tests[], size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    for (size_t i = 0; i < count; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    tcase_set_timeout(tcase, 120); /* a hang ends, a slow computer does not fail */
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
