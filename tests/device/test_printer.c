/* SPDX-License-Identifier: MIT */
/* The printer behind the port: its buffer, its speed, and what keeps it from printing. */
#include <check.h>
#include <string.h>

#include "parallel_rig.h"

/* ---- the buffer and the speed of printing ---- */

START_TEST(test_buffer_fills_and_empties_at_the_rate)
{
    start();
    printer_set_rate(printer, 1000); /* a byte every millisecond */
    printer_set_buffer(printer, 4);
    send_all("1234");
    ck_assert_uint_eq(printer_buffered(printer), 3); /* the fourth is being taken */
    M->time += PRINTER_TAKE + PRINTER_ACK;
    ck_assert_uint_eq(printer_buffered(printer), 4);
    ck_assert_uint_eq(in(STATUS), READY & ~NOT_BUSY);
    expect_output("");
    pass(MILLISECOND);
    expect_output("1");
    ck_assert_uint_eq(in(STATUS), READY);
    pass(2 * MILLISECOND);
    expect_output("23");
    pass(9 * MILLISECOND);
    expect_output("4");
    ck_assert_uint_eq(counters()->printed, 4);
}
END_TEST

START_TEST(test_interrupt_when_there_is_room_again)
{
    start();
    printer_set_rate(printer, 100); /* a byte every 10 milliseconds */
    printer_set_buffer(printer, 1);
    send_as('1', IDLE | ENABLE);
    pass(9 * MILLISECOND);
    ck_assert_uint_eq(interrupts, 0);
    pass(MILLISECOND + PRINTER_TAKE + PRINTER_ACK);
    ck_assert_uint_eq(interrupts, 1);
    ck_assert_uint_eq(seen, READY & ~NIRQ);
    expect_output("1");
}
END_TEST

START_TEST(test_slower_in_the_middle)
{
    start();
    printer_set_rate(printer, PRINTER_RATE_MAX);
    send_all("abcdefgh");
    printer_set_rate(printer, 1);
    pass(500 * MILLISECOND);
    ck_assert_uint_eq(counters()->printed, 7);
    pass(ONE_SECOND);
    ck_assert_uint_eq(counters()->printed, 8);
    expect_output("abcdefgh");
}
END_TEST

START_TEST(test_more_than_one_sheet)
{
    static uint8_t got[20000];
    size_t n = 0;

    start();
    printer_set_rate(printer, PRINTER_RATE_MAX);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < sizeof got; i++) {
            send((uint8_t)(i * 7 + round));
            M->time += PRINTER_TAKE + PRINTER_ACK;
        }
        M->time += MILLISECOND;
        n = printer_take(printer, got, 100);
        ck_assert_uint_eq(n, 100);
        n += printer_take(printer, got + 100, sizeof got);
        ck_assert_uint_eq(n, sizeof got);
        for (unsigned i = 0; i < sizeof got; i++) {
            ck_assert_uint_eq(got[i], (uint8_t)(i * 7 + round));
        }
    }
    ck_assert_uint_eq(counters()->overruns, 0);
}
END_TEST

START_TEST(test_paper_ends)
{
    static uint8_t got[PRINTER_PAPER];

    start();
    printer_set_rate(printer, PRINTER_RATE_MAX);
    for (uint32_t i = 0; i < PRINTER_PAPER; i++) {
        ck_assert_uint_eq(in(STATUS), READY);
        send('p');
        M->time += 10 * MICROSECOND;
    }
    M->time += MILLISECOND;
    ck_assert_uint_eq(in(STATUS), NACK | PERROR | NIRQ | UNUSED);
    ck_assert_uint_eq(printer_take(printer, got, sizeof got), sizeof got);
    printer_set_paper(printer, true);
    M->time += MILLISECOND;
    ck_assert_uint_eq(in(STATUS), READY);
}
END_TEST

/* ---- conditions ---- */

static void offline(bool so)
{
    printer_set_offline(printer, so);
}

static void no_paper(bool so)
{
    printer_set_paper(printer, !so);
}

static void fault(bool so)
{
    printer_set_fault(printer, so);
}

static const struct {
    void (*set)(bool so);
    uint8_t status;
} conditions[] = {
    {offline, NACK | NIRQ | UNUSED},
    {no_paper, NACK | PERROR | NIRQ | UNUSED},
    {fault, NACK | NIRQ | UNUSED},
};

/* Whatever keeps it from printing: it says so, takes nothing, goes on afterwards, and acknowledges.
 */
START_TEST(test_condition)
{
    start();
    printer_set_rate(printer, 1000);
    out(CONTROL, IDLE | ENABLE);
    send_as('a', IDLE | ENABLE);
    pass(MICROSECOND * 20);
    ck_assert_uint_eq(interrupts, 1);
    conditions[_i].set(true);
    ck_assert_uint_eq(in(STATUS), conditions[_i].status);
    send_as('b', IDLE | ENABLE);
    ck_assert_uint_eq(counters()->overruns, 1);
    pass(ONE_SECOND);
    expect_output("");
    ck_assert_uint_eq(interrupts, 1);
    conditions[_i].set(false);
    pass(PRINTER_ACK);
    ck_assert_uint_eq(interrupts, 2);
    ck_assert_uint_eq(in(STATUS), READY);
    pass(MILLISECOND);
    expect_output("a");
}
END_TEST

/* A byte that is being taken when the printer goes off-line is taken, and acknowledged later. */
START_TEST(test_condition_with_a_byte_under_way)
{
    start();
    send_as('a', IDLE | ENABLE);
    conditions[_i].set(true);
    pass(ONE_SECOND);
    ck_assert_uint_eq(counters()->taken, 1);
    ck_assert_uint_eq(interrupts, 0);
    expect_output("");
    conditions[_i].set(false);
    pass(MILLISECOND);
    ck_assert_uint_eq(interrupts, 1);
    expect_output("a");
}
END_TEST

START_TEST(test_all_conditions_at_once)
{
    start();
    offline(true);
    no_paper(true);
    fault(true);
    offline(false);
    fault(false);
    pass(MILLISECOND);
    ck_assert_uint_eq(in(STATUS), NACK | PERROR | NIRQ | UNUSED);
    no_paper(false);
    pass(MILLISECOND);
    ck_assert_uint_eq(in(STATUS), READY);
}
END_TEST

START_TEST(test_power)
{
    start();
    printer_set_rate(printer, 1);
    send_all("ab");
    M->time += 10 * MICROSECOND;
    printer_set_power(printer, false);
    ck_assert_uint_eq(in(STATUS), UNPOWERED);
    ck_assert_uint_eq(counters()->discarded, 2);
    send('c');
    pass(MILLISECOND);
    ck_assert_uint_eq(in(STATUS), UNPOWERED);
    printer_set_power(printer, true);
    printer_set_power(printer, true);
    ck_assert_uint_eq(in(STATUS), READY & ~NOT_BUSY);
    pass(PRINTER_WAKE + PRINTER_ACK);
    ck_assert_uint_eq(in(STATUS), READY);
    printer_set_rate(printer, 1000);
    send('d');
    pass(10 * MILLISECOND);
    expect_output("d");
}
END_TEST

START_TEST(test_unplugged)
{
    start();
    printer_set_rate(printer, 1000);
    send_all("ab");
    M->time += 10 * MICROSECOND;
    printer_set_plugged(printer, false);
    ck_assert_uint_eq(in(STATUS), UNPLUGGED);
    send('c');
    out(CONTROL, 0); /* nor does nInit get through */
    pass(MILLISECOND);
    out(CONTROL, IDLE);
    pass(10 * MILLISECOND);
    expect_output("ab"); /* it goes on with what it has */
    printer_set_plugged(printer, true);
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert_uint_eq(counters()->inits, 0);
    send('d');
    pass(10 * MILLISECOND);
    expect_output("d");
}
END_TEST

START_TEST(test_init)
{
    start();
    printer_set_rate(printer, 1);
    send_all("abc");
    M->time += 10 * MICROSECOND;
    out(CONTROL, SELECT_IN);
    ck_assert_uint_eq(in(STATUS), READY & ~NOT_BUSY);
    M->time += PRINTER_INIT - 2 * ACCESS - 1;
    out(CONTROL, IDLE);
    ck_assert_uint_eq(counters()->short_inits, 1);
    ck_assert_uint_eq(counters()->inits, 0);
    ck_assert_uint_eq(printer_buffered(printer), 3);
    ck_assert_uint_eq(in(STATUS), READY);

    out(CONTROL, SELECT_IN);
    M->time += PRINTER_INIT - ACCESS;
    out(CONTROL, IDLE);
    ck_assert_uint_eq(counters()->inits, 1);
    ck_assert_uint_eq(counters()->discarded, 3);
    ck_assert_uint_eq(printer_buffered(printer), 0);
    ck_assert_uint_eq(in(STATUS), READY & ~NOT_BUSY);
    pass(PRINTER_WAKE + PRINTER_ACK);
    ck_assert_uint_eq(in(STATUS), READY);
    printer_set_rate(printer, 1000);
    send('d');
    pass(2 * MILLISECOND);
    expect_output("d");
}
END_TEST

START_TEST(test_init_while_a_byte_is_taken)
{
    start();
    out(DATA, 'a');
    out(CONTROL, IDLE | STROBE);
    out(CONTROL, SELECT_IN | STROBE);
    pass(MILLISECOND);
    out(CONTROL, IDLE);
    pass(10 * MILLISECOND);
    ck_assert_uint_eq(in(STATUS), READY);
    expect_output("");
}
END_TEST

/* What nAutoFd was when a carriage return came is what counts, not what it is when that is printed;
 * the line feed has room even in a full buffer. */
START_TEST(test_autofeed_and_the_buffer)
{
    start();
    printer_set_rate(printer, 1000);
    printer_set_buffer(printer, 1);
    printer_set_ieee1284(printer, false);
    out(CONTROL, IDLE | AUTOFEED);
    send_as('\r', IDLE | AUTOFEED);
    out(CONTROL, IDLE);
    pass(MILLISECOND / 2);
    ck_assert_uint_eq(printer_buffered(printer), 2);
    pass(10 * MILLISECOND);
    expect_output("\r\n");
    send('\r');
    out(CONTROL, NINIT | AUTOFEED);
    pass(10 * MILLISECOND);
    expect_output("\r");
    ck_assert_uint_eq(counters()->taken, 2);
    ck_assert_uint_eq(counters()->printed, 3);
}
END_TEST

int main(void)
{
    const struct rig_test tests[] = {
        {"buffer", test_buffer_fills_and_empties_at_the_rate, 0},
        {"room again", test_interrupt_when_there_is_room_again, 0},
        {"slower", test_slower_in_the_middle, 0},
        {"sheets", test_more_than_one_sheet, 0},
        {"autofeed", test_autofeed_and_the_buffer, 0},
        {"paper ends", test_paper_ends, 0},
        {"condition", test_condition, 3},
        {"condition under way", test_condition_with_a_byte_under_way, 3},
        {"conditions", test_all_conditions_at_once, 0},
        {"power", test_power, 0},
        {"unplugged", test_unplugged, 0},
        {"init", test_init, 0},
        {"init under way", test_init_while_a_byte_is_taken, 0},
    };

    return rig_run("printer", tests, sizeof tests / sizeof *tests);
}
