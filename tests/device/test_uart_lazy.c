/* SPDX-License-Identifier: MIT */
/*
 * Time passes in a UART only when somebody looks, and a timer is set only for when its line may
 * rise.  So one that is left alone must be, at every moment, like one that is looked at all the
 * time: two of them get the same random accesses, characters and signals.
 */
#include <stdlib.h>

#include "device/uart_internal.h"
#include "support/run.h"
#include "uart_rig.h"

#define OTHER_PORT 0x2f8
#define STEPS      4000u
#define OPERATIONS 16u

static struct uart *watched;
static uint32_t state;

static uint32_t any(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

/* The same access to both at the same time. */
static void access_both(unsigned reg, bool write, uint8_t value)
{
    uint64_t time = M->time;
    uint8_t one, other;

    if (write) {
        out(reg, value);
        M->time = time;
        io_port_write((uint16_t)(OTHER_PORT + reg), 1, value, 0);
        return;
    }
    one = in(reg);
    M->time = time;
    other = (uint8_t)io_port_read((uint16_t)(OTHER_PORT + reg), 1, 0);
    ck_assert_msg(one == other, "register %u reads %02x, the watched one %02x", reg, one, other);
}

static void send_both(enum uart_damage damage)
{
    uint8_t data[40];
    size_t bytes = 1 + any(sizeof data);
    bool urgent;

    for (size_t i = 0; i < bytes; i++) {
        data[i] = (uint8_t)any(256);
    }
    urgent = any(4) == 0;
    ck_assert(uart_send(uart, data, bytes, damage, urgent));
    ck_assert(uart_send(watched, data, bytes, damage, urgent));
}

static void operate(void)
{
    uint32_t mode;

    switch (any(OPERATIONS)) {
    case 0:
        access_both(IER, true, (uint8_t)any(16));
        break;
    case 1:
        access_both(FCR, true, (uint8_t)(any(8) == 0 ? any(256) : 0x01 | any(4) << 6));
        break;
    case 2:
        access_both(LCR, true, (uint8_t)(any(8) == 0 ? any(0x80) : 3));
        break;
    case 3: /* mostly open to the interrupt line */
        access_both(MCR, true, (uint8_t)(any(6) == 0 ? any(32) : 0x08 | any(8)));
        break;
    case 4:
        mode = any(16);
        uart_modem(uart, 0xf0, (uint8_t)(mode << 4));
        uart_modem(watched, 0xf0, (uint8_t)(mode << 4));
        break;
    case 5:
        mode = any(4);
        uart_flow(uart, (enum uart_flow)mode);
        uart_flow(watched, (enum uart_flow)mode);
        break;
    case 6:
        mode = any(2);
        uart_echo(uart, mode != 0);
        uart_echo(watched, mode != 0);
        break;
    case 7:
        send_both(any(3) == 0 ? (enum uart_damage)any(5) : UART_GOOD);
        break;
    case 8:
        access_both(IIR, false, 0);
        break;
    case 9:
        access_both(LSR, false, 0);
        break;
    case 10:
        access_both(MSR, false, 0);
        break;
    case 11:
    case 12:
        for (uint32_t i = any(20); i > 0; i--) {
            access_both(DATA, false, 0);
        }
        break;
    default:
        for (uint32_t i = any(20); i > 0; i--) {
            access_both(DATA, true, (uint8_t)(any(4) == 0 ? 0x11 + 2 * any(2) : any(256)));
        }
        break;
    }
}

/* Let time pass, and look at one of them at every step of it. */
static void watch(uint64_t units)
{
    while (units > 0) {
        uint64_t step = units < 97 ? units : 97;

        pass(step);
        units -= step;
        (void)uart_available(watched);
        ck_assert_msg(uart->pin.asserted == watched->pin.asserted,
                      "the line is %d, that of the watched one %d", uart->pin.asserted,
                      watched->pin.asserted);
    }
}

START_TEST(who_does_not_look_misses_nothing)
{
    open_uart(0x01);
    watched = uart_new("uart2", OTHER_PORT, 3);
    ck_assert_ptr_nonnull(watched);
    access_both(LCR, true, 0x83);
    access_both(DLL, true, 1);
    access_both(DLM, true, 0);
    access_both(LCR, true, 0x03);
    access_both(FCR, true, 0x01);
    state = (uint32_t)_i;
    for (unsigned i = 0; i < STEPS; i++) {
        operate();
        ck_assert_int_eq(uart->pin.asserted, watched->pin.asserted);
        watch(any(3) == 0 ? any(30 * CHARACTER) : any(CHARACTER));
    }
    ck_assert_uint_eq(uart_counters(uart).sent, uart_counters(watched).sent);
    ck_assert_uint_eq(uart_counters(uart).received, uart_counters(watched).received);
    ck_assert_uint_eq(uart_counters(uart).overruns, uart_counters(watched).overruns);
    ck_assert_uint_eq(uart_counters(uart).interrupts, uart_counters(watched).interrupts);
    ck_assert_uint_eq(uart_available(uart), uart_available(watched));
    ck_assert_uint_gt(uart_counters(uart).interrupts, STEPS / 100);
    ck_assert_uint_gt(uart_counters(uart).overruns, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uart lazy");
    TCase *tcase = tcase_create("uart lazy");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, who_does_not_look_misses_nothing, 1, 9);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
