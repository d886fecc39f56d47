/* SPDX-License-Identifier: MIT */
/* The parallel port, register by register, and a byte on its way to the printer. */
#include <check.h>
#include <string.h>

#include "parallel_rig.h"

/* ---- the port ---- */

START_TEST(test_resources)
{
    struct hardware *hardware;

    start();
    hardware = hardware_find("lpt1");
    ck_assert_ptr_nonnull(hardware);
    ck_assert_ptr_eq(hardware, printer_hardware(printer));
    ck_assert_str_eq(hardware->ids, "ACPI\\PNP0400");
    ck_assert_str_eq(hardware->ids + strlen(hardware->ids) + 1, "*PNP0400");
    ck_assert_uint_eq(hardware->resource_count, 2);
    ck_assert_int_eq(hardware->resources[0].kind, RESOURCE_PORTS);
    ck_assert_uint_eq(hardware->resources[0].start, PORT);
    ck_assert_uint_eq(hardware->resources[0].length, 3);
    ck_assert_int_eq(hardware->resources[1].kind, RESOURCE_INTERRUPT);
    ck_assert_uint_eq(hardware->resources[1].start, LINE);
    ck_assert(hardware->present);
}
END_TEST

START_TEST(test_ports_that_are_taken)
{
    struct printer *second;

    start();
    ck_assert_ptr_null(printer_new("lpt2", PORT + 2, LINE));
    ck_assert_ptr_null(hardware_find("lpt2"));
    second = printer_new("lpt2", PORT + 3, 5);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_eq(hardware_find("lpt2"), printer_hardware(second));
    io_port_write(PORT + 3, 1, 0x42, 0);
    ck_assert_uint_eq(io_port_read(PORT + 3, 1, 0), 0x42);
    ck_assert_uint_eq(in(DATA), 0); /* each has registers of its own */
}
END_TEST

START_TEST(test_registers_read_back)
{
    start();
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert_uint_eq(in(CONTROL), 0xe0 | IDLE);
    for (unsigned value = 0; value < 256; value++) {
        out(DATA, (uint8_t)value);
        ck_assert_uint_eq(in(DATA), value);
    }
    out(CONTROL, 0xff & ~STROBE);
    ck_assert_uint_eq(in(CONTROL), 0xff & ~STROBE);
    out(CONTROL, IDLE);
    ck_assert_uint_eq(in(CONTROL), 0xe0 | IDLE);
    out(STATUS, 0);
    ck_assert_uint_eq(in(STATUS), READY);
}
END_TEST

START_TEST(test_wide_accesses_are_bytes)
{
    start();
    io_port_write(DATA, 2, 0x4155, 0); /* the upper byte goes to status, which takes nothing */
    ck_assert_uint_eq(in(DATA), 0x55);
    ck_assert_uint_eq(io_port_read(DATA, 2, 0), (uint64_t)READY << 8 | 0x55);
    ck_assert_uint_eq(io_port_read(STATUS, 2, 0), (uint64_t)(0xe0 | IDLE) << 8 | READY);
    ck_assert_uint_eq(io_port_read(STATUS, 4, 0),
                      0xffff0000u | (uint64_t)(0xe0 | IDLE) << 8 | READY);
}
END_TEST

START_TEST(test_pulled_out_port_reads_ones)
{
    start();
    out(CONTROL, IDLE | ENABLE);
    send_as('x', IDLE | ENABLE);
    printer_hardware(printer)->present = false;
    ck_assert_uint_eq(in(DATA), 0xff);
    ck_assert_uint_eq(in(STATUS), 0xff);
    ck_assert_uint_eq(in(CONTROL), 0xff);
    out(CONTROL, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(interrupts, 0); /* no edge gets through any more */
    ck_assert_uint_eq(counters()->inits, 0);
}
END_TEST

START_TEST(test_pulled_out_with_interrupt_pending)
{
    start();
    interrupt_disconnect(&service);
    out(CONTROL, IDLE | ENABLE);
    send_as('x', IDLE | ENABLE);
    pass(MILLISECOND);
    printer_hardware(printer)->present = false;
    interrupt_connect(&service);
    pass(MILLISECOND);
    ck_assert_uint_eq(interrupts, 1); /* whose reading of ones lets go of the line */
    ck_assert_uint_eq(claimed, 0);
}
END_TEST

/* ---- one byte ---- */

START_TEST(test_handshake)
{
    uint64_t strobed;

    start();
    out(DATA, 'A');
    out(CONTROL, IDLE | STROBE);
    ck_assert_uint_eq(in(STATUS), READY & ~NOT_BUSY); /* at once */
    out(CONTROL, IDLE);
    strobed = machine_time();
    while (machine_time() + ACCESS < strobed + PRINTER_TAKE) {
        ck_assert_uint_eq(in(STATUS), READY & ~NOT_BUSY);
    }
    while (machine_time() + ACCESS < strobed + PRINTER_TAKE + PRINTER_ACK) {
        ck_assert_uint_eq(in(STATUS), READY & ~(NOT_BUSY | NACK));
    }
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert_uint_eq(counters()->taken, 1);
    ck_assert_uint_eq(counters()->acks, 1);
    ck_assert_uint_eq(interrupts, 0); /* not enabled */
    pass(MILLISECOND);
    expect_output("A");
    expect_output("");
}
END_TEST

/* Set-up, width and hold, at the shortest that is allowed and one unit below. */
START_TEST(test_times_of_strobe)
{
    const unsigned below = (unsigned)_i & 1, which = (unsigned)_i / 2;
    const uint8_t old = 'o', new = 'n', late = 'l';
    uint64_t setup = PRINTER_SETUP, width = PRINTER_STROBE, hold = PRINTER_HOLD;
    uint64_t *varied[] = {&setup, &width, &hold};
    const struct printer_counters *c;
    char got;

    start();
    *varied[which] -= below;
    /* An access takes its time before it has its effect: wind the clock back by that. */
    out(DATA, old);
    pass(MILLISECOND);
    out(DATA, new);
    M->time += setup - ACCESS;
    out(CONTROL, IDLE | STROBE);
    M->time += width - ACCESS;
    out(CONTROL, IDLE);
    M->time += hold - ACCESS;
    out(DATA, late);
    pass(10 * MILLISECOND);

    c = counters();
    ck_assert_uint_eq(c->short_setups, below && which == 0);
    ck_assert_uint_eq(c->short_strobes, below && which == 1);
    ck_assert_uint_eq(c->short_holds, below && which == 2);
    ck_assert_uint_eq(in(STATUS), READY);
    if (below && which == 1) {
        ck_assert_uint_eq(printer_take(printer, &got, 1), 0);
        return;
    }
    ck_assert_uint_eq(printer_take(printer, &got, 1), 1);
    ck_assert_int_eq(got, !below ? new : which == 0 ? old : late);
}
END_TEST

START_TEST(test_data_during_strobe)
{
    start();
    out(DATA, 'a');
    out(CONTROL, IDLE | STROBE);
    out(DATA, 'b');
    out(CONTROL, IDLE);
    pass(MILLISECOND);
    expect_output("b");
    ck_assert_uint_eq(counters()->short_holds, 1);
}
END_TEST

START_TEST(test_strobe_while_busy_is_lost)
{
    start();
    send('1');
    send('2');
    pass(MILLISECOND);
    expect_output("1");
    ck_assert_uint_eq(counters()->overruns, 1);
    send('3');
    pass(MILLISECOND);
    expect_output("3");
}
END_TEST

START_TEST(test_strobe_unselected_is_lost)
{
    start();
    printer_set_ieee1284(printer, false);
    out(CONTROL, NINIT);
    send_as('1', NINIT);
    pass(MILLISECOND);
    expect_output("");
    ck_assert_uint_eq(counters()->unselected, 1);
    ck_assert_uint_eq(in(STATUS), READY);
    send('2');
    pass(MILLISECOND);
    expect_output("2");
}
END_TEST

START_TEST(test_autofeed)
{
    start();
    send_all("a\r");
    pass(MILLISECOND);
    expect_output("a\r");
    out(CONTROL, IDLE | AUTOFEED);
    ck_assert_uint_eq(in(STATUS), READY);
    send_as('b', IDLE | AUTOFEED);
    pass(MILLISECOND);
    send_as('\r', IDLE | AUTOFEED);
    pass(MILLISECOND);
    expect_output("b\r\n");
}
END_TEST

/* ---- interrupts ---- */

START_TEST(test_interrupt_at_the_end_of_ack)
{
    start();
    out(CONTROL, IDLE | ENABLE);
    send_as('a', IDLE | ENABLE);
    pass(PRINTER_TAKE + PRINTER_ACK - 1);
    ck_assert_uint_eq(interrupts, 0);
    pass(1);
    ck_assert_uint_eq(interrupts, 1);
    ck_assert_uint_eq(seen, READY & ~NIRQ);
    ck_assert_uint_eq(in(STATUS), READY); /* reading took it back */
    pass(MILLISECOND);
    ck_assert_uint_eq(interrupts, 1);
}
END_TEST

START_TEST(test_interrupt_enable_gates)
{
    start();
    interrupt_disconnect(&service);
    send('a');
    pass(MILLISECOND);
    out(CONTROL, IDLE | ENABLE);
    ck_assert_uint_eq(in(STATUS), READY); /* the edge was before */
    send_as('b', IDLE | ENABLE);
    pass(MILLISECOND);
    out(CONTROL, IDLE);
    ck_assert_uint_eq(in(STATUS), READY); /* disabling took it back */
    send('c');
    out(CONTROL, IDLE | ENABLE); /* in time for the edge */
    pass(MILLISECOND);
    ck_assert_uint_eq(in(STATUS), READY & ~NIRQ);
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert_uint_eq(counters()->acks, 3);
}
END_TEST

START_TEST(test_line_stays_asserted_until_status_is_read)
{
    start();
    interrupt_disconnect(&service);
    send_as('a', IDLE | ENABLE);
    pass(MILLISECOND);
    interrupt_connect(&service); /* the line was masked */
    pass(1);
    ck_assert_uint_eq(interrupts, 1);
    ck_assert_uint_eq(claimed, 1);
}
END_TEST

START_TEST(test_spurious_interrupt_is_nobodys)
{
    start();
    out(CONTROL, IDLE | ENABLE);
    interrupt_spurious(LINE);
    pass(1);
    ck_assert_uint_eq(interrupts, 1);
    ck_assert_uint_eq(claimed, 0);
    ck_assert_uint_eq(seen, READY);
}
END_TEST

START_TEST(test_printer_without_ack)
{
    start();
    printer_set_ack(printer, false);
    out(CONTROL, IDLE | ENABLE);
    send_as('a', IDLE | ENABLE);
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(in(STATUS) | NOT_BUSY, READY);
    }
    ck_assert_uint_eq(in(STATUS), READY);
    pass(MILLISECOND);
    ck_assert_uint_eq(interrupts, 0);
    ck_assert_uint_eq(counters()->acks, 0);
    expect_output("a");
}
END_TEST

int main(void)
{
    const struct rig_test tests[] = {
        {"resources", test_resources, 0},
        {"taken", test_ports_that_are_taken, 0},
        {"registers", test_registers_read_back, 0},
        {"wide", test_wide_accesses_are_bytes, 0},
        {"pulled out", test_pulled_out_port_reads_ones, 0},
        {"pulled out pending", test_pulled_out_with_interrupt_pending, 0},
        {"handshake", test_handshake, 0},
        {"times", test_times_of_strobe, 6},
        {"data during strobe", test_data_during_strobe, 0},
        {"overrun", test_strobe_while_busy_is_lost, 0},
        {"unselected", test_strobe_unselected_is_lost, 0},
        {"autofeed", test_autofeed, 0},
        {"interrupt", test_interrupt_at_the_end_of_ack, 0},
        {"enable", test_interrupt_enable_gates, 0},
        {"level", test_line_stays_asserted_until_status_is_read, 0},
        {"spurious", test_spurious_interrupt_is_nobodys, 0},
        {"no ack", test_printer_without_ack, 0},
    };

    return rig_run("parallel", tests, sizeof tests / sizeof *tests);
}
