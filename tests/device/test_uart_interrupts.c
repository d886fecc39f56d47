/* SPDX-License-Identifier: MIT */
/* The UART's interrupts, and what it receives. */
#include "uart_rig.h"

static struct interrupt_service service;
static unsigned interrupts;

static bool serve(struct interrupt_service *self)
{
    (void)self;
    interrupts++;
    out(MCR, 0); /* closes the line: each test looks at the cause itself */
    return true;
}

/* ---- the interrupt of the empty transmitter ---- */

START_TEST(empty_is_told_when_it_is_enabled)
{
    open_uart(0);
    ck_assert_uint_eq(in(IIR), NONE);
    out(IER, 0x02);
    ck_assert_uint_eq(in(IIR), EMPTY);
    ck_assert_uint_eq(in(IIR), NONE); /* reading it was the answer */
    out(IER, 0x02);
    ck_assert_uint_eq(in(IIR), NONE); /* it was enabled already */
    out(IER, 0x00);
    out(IER, 0x02);
    ck_assert_uint_eq(in(IIR), EMPTY);
}
END_TEST

START_TEST(empty_without_fifos)
{
    open_uart(0);
    out(IER, 0x02);
    out(DATA, 'a'); /* into the shift register at once */
    ck_assert_uint_eq(in(IIR), EMPTY);
    out(DATA, 'b');
    ck_assert_uint_eq(in(IIR), NONE);
    pass(CHARACTER);
    ck_assert_uint_eq(in(IIR), EMPTY);
}
END_TEST

START_TEST(empty_is_late_for_single_characters)
{
    open_uart(0x01);
    out(IER, 0x02);
    ck_assert_uint_eq(in(IIR), FIFOS | EMPTY);
    out(DATA, 'a');
    ck_assert_uint_eq(in(LSR), 0x20);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    pass(782 - 20 - 11); /* nine bits of a character, less two accesses, less one to come */
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    ck_assert_uint_eq(in(IIR), FIFOS | EMPTY);
    /* Two at a time, and it comes as soon as the last has left the FIFO. */
    pass(CHARACTER);
    out(DATA, 'a');
    out(DATA, 'b');
    out(DATA, 'c');
    pass(2 * CHARACTER - 40);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    pass(20);
    ck_assert_uint_eq(in(IIR), FIFOS | EMPTY);
}
END_TEST

START_TEST(emptying_the_transmitter_is_told)
{
    open_uart(0x01);
    out(IER, 0x02);
    for (int i = 0; i < 10; i++) {
        out(DATA, 'a');
    }
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    out(FCR, 0x05);
    ck_assert_uint_eq(in(LSR), 0x20); /* what is being shifted goes on */
    ck_assert_uint_eq(in(IIR), FIFOS | EMPTY);
    pass(CHARACTER);
    expect_arrived("a");
}
END_TEST

/* ---- receiving ---- */

START_TEST(receiving_without_fifos)
{
    open_uart(0);
    out(IER, 0x01);
    far_sends("a");
    pass(CHARACTER - 20);
    ck_assert_uint_eq(in(LSR), 0x60);
    pass(20);
    ck_assert_uint_eq(in(LSR), 0x61);
    ck_assert_uint_eq(in(IIR), READY);
    ck_assert_uint_eq(in(DATA), 'a');
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(in(DATA), 'a'); /* the latch keeps it */
    far_sends("bc");
    pass(3 * CHARACTER);
    ck_assert_uint_eq(in(LSR), 0x63); /* c came over b */
    ck_assert_uint_eq(in(LSR), 0x61);
    ck_assert_uint_eq(in(DATA), 'c');
    ck_assert_uint_eq(uart_counters(uart).overruns, 1);
}
END_TEST

START_TEST(data_is_told_at_the_trigger)
{
    static const unsigned levels[] = {1, 4, 8, 14};

    open_uart(0x01);
    out(IER, 0x01);
    for (unsigned i = 0; i < 4; i++) {
        out(FCR, (uint8_t)(i << 6 | 0x03));
        far_sends("abcdefghijklmn");
        for (unsigned n = 0; n < levels[i]; n++) {
            ck_assert_uint_eq(in(IIR), FIFOS | NONE);
            pass(CHARACTER - 10);
        }
        pass(10);
        ck_assert_uint_eq(in(IIR), FIFOS | READY);
        pass((14 - levels[i]) * CHARACTER);
        for (unsigned n = 0; n < 14; n++) {
            bool below = 14 - n < levels[i];

            ck_assert_uint_eq(in(IIR), below ? FIFOS | NONE : FIFOS | READY);
            ck_assert_uint_eq(in(DATA), 'a' + n);
        }
        ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    }
}
END_TEST

START_TEST(silence_is_told_after_four_characters)
{
    open_uart(0xc1);
    out(IER, 0x01);
    far_sends("abc");
    pass(3 * CHARACTER + 4 * CHARACTER - 20);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    pass(20);
    ck_assert_uint_eq(in(IIR), FIFOS | TIMEOUT);
    ck_assert_uint_eq(in(IIR), FIFOS | TIMEOUT); /* only reading the data is an answer */
    ck_assert_uint_eq(in(DATA), 'a');
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    pass(4 * CHARACTER);
    ck_assert_uint_eq(in(IIR), FIFOS | TIMEOUT);
    ck_assert_uint_eq(in(DATA), 'b');
    ck_assert_uint_eq(in(DATA), 'c');
    pass(8 * CHARACTER);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE); /* nothing is left to be told */
}
END_TEST

START_TEST(a_full_fifo_keeps_what_it_has)
{
    open_uart(0xc1);
    out(IER, 0x04);
    far_sends("abcdefghijklmnopQRS");
    pass(16 * CHARACTER);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    pass(3 * CHARACTER);
    ck_assert_uint_eq(in(IIR), FIFOS | STATUS);
    ck_assert_uint_eq(in(LSR), 0x63);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    for (unsigned n = 0; n < 16; n++) {
        ck_assert_uint_eq(in(DATA), 'a' + n);
    }
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(uart_counters(uart).overruns, 3);
}
END_TEST

START_TEST(errors_belong_to_their_characters)
{
    open_uart(0x01);
    out(IER, 0x04);
    far_sends("a");
    far_damages("b", UART_PARITY);
    far_damages("c", UART_FRAMING);
    far_damages("-", UART_BREAK);
    far_sends("d");
    pass(5 * CHARACTER);
    ck_assert_uint_eq(in(LSR), 0xe1); /* somewhere in the FIFO, but not in front */
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    ck_assert_uint_eq(in(DATA), 'a');
    ck_assert_uint_eq(in(IIR), FIFOS | STATUS);
    ck_assert_uint_eq(in(LSR), 0xe5);
    ck_assert_uint_eq(in(LSR), 0xe1); /* told; two more are behind */
    ck_assert_uint_eq(in(DATA), 'b');
    ck_assert_uint_eq(in(LSR), 0xe9);
    ck_assert_uint_eq(in(DATA), 'c');
    ck_assert_uint_eq(in(LSR), 0xf9); /* a break is no stop bit either */
    ck_assert_uint_eq(in(LSR), 0x61);
    in(DATA);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
    ck_assert_uint_eq(in(LSR), 0x61);
    ck_assert_uint_eq(in(DATA), 'd');
}
END_TEST

START_TEST(an_error_that_nobody_read_stays)
{
    open_uart(0x01);
    far_damages("b", UART_PARITY);
    pass(CHARACTER);
    in(DATA);
    ck_assert_uint_eq(in(LSR), 0x64);
    ck_assert_uint_eq(in(LSR), 0x60);
}
END_TEST

START_TEST(fifos_are_emptied)
{
    open_uart(0x01);
    far_sends("abc");
    pass(3 * CHARACTER);
    out(FCR, 0x02); /* counts only with the enabling bit: and this switches them off */
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(in(LSR), 0x60);
    out(FCR, 0x01);
    far_sends("de");
    pass(2 * CHARACTER);
    ck_assert_uint_eq(in(LSR), 0x61);
    out(FCR, 0x03);
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
}
END_TEST

/* ---- modem ---- */

START_TEST(changes_of_the_modem_are_told)
{
    open_uart(0);
    out(IER, 0x08);
    uart_modem(uart, UART_CTS | UART_DSR, UART_CTS | UART_DSR);
    ck_assert_uint_eq(in(IIR), MODEM);
    ck_assert_uint_eq(in(MSR), 0x33);
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(in(MSR), 0x30);
    uart_modem(uart, UART_RI, UART_RI); /* the beginning of a ring is nothing */
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(in(MSR), 0x70);
    uart_modem(uart, UART_RI, 0);
    ck_assert_uint_eq(in(MSR), 0x34);
    uart_modem(uart, UART_DCD, UART_DCD);
    uart_modem(uart, UART_DCD, 0); /* there and back is a change */
    ck_assert_uint_eq(in(MSR), 0x38);
    uart_modem(uart, UART_CTS, UART_CTS);
    ck_assert_uint_eq(in(MSR), 0x30);
}
END_TEST

/* ---- the interrupt line ---- */

START_TEST(the_most_urgent_cause_comes_first)
{
    open_uart(0x01);
    uart_modem(uart, UART_CTS, UART_CTS);
    far_damages("a", UART_PARITY);
    pass(CHARACTER);
    out(IER, 0x0f);
    ck_assert_uint_eq(in(IIR), FIFOS | STATUS);
    in(LSR);
    ck_assert_uint_eq(in(IIR), FIFOS | READY);
    in(DATA);
    ck_assert_uint_eq(in(IIR), FIFOS | EMPTY);
    ck_assert_uint_eq(in(IIR), FIFOS | MODEM);
    in(MSR);
    ck_assert_uint_eq(in(IIR), FIFOS | NONE);
}
END_TEST

START_TEST(out2_opens_the_line)
{
    open_uart(0x01);
    service.line = LINE;
    service.irql = interrupt_line_irql(LINE);
    service.service = serve;
    interrupt_connect(&service);
    out(IER, 0x01);
    far_sends("a");
    pass(2 * CHARACTER);
    ck_assert_uint_eq(interrupts, 0);
    out(MCR, 0x08);
    pass(1);
    ck_assert_uint_eq(interrupts, 1);
    out(MCR, 0x18); /* in loopback the pin is held inactive */
    pass(1);
    ck_assert_uint_eq(interrupts, 1);
    in(DATA);
    out(MCR, 0x08);
    pass(10 * CHARACTER);
    ck_assert_uint_eq(interrupts, 1);
    far_sends("b"); /* and nobody has to look for it to come */
    pass(CHARACTER);
    ck_assert_uint_eq(interrupts, 2);
}
END_TEST

START_TEST(in_loopback_it_hears_itself)
{
    open_uart(0x01);
    uart_modem(uart, UART_DCD, UART_DCD);
    in(MSR);
    out(MCR, 0x10);
    ck_assert_uint_eq(in(MSR), 0x08); /* carrier seems to be lost */
    out(MCR, 0x1f);
    ck_assert_uint_eq(in(MSR), 0xfb); /* a ring that begins is no change */
    out(MCR, 0x1b);
    ck_assert_uint_eq(in(MSR), 0xb4);
    ck_assert(!uart_signals(uart).rts && !uart_signals(uart).dtr);
    far_sends("x"); /* the wire is cut off */
    out(DATA, 'a');
    pass(CHARACTER);
    ck_assert_uint_eq(in(DATA), 'a');
    ck_assert_uint_eq(in(LSR), 0x60);
    expect_arrived("");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {empty_is_told_when_it_is_enabled,
                                  empty_without_fifos,
                                  empty_is_late_for_single_characters,
                                  emptying_the_transmitter_is_told,
                                  receiving_without_fifos,
                                  data_is_told_at_the_trigger,
                                  silence_is_told_after_four_characters,
                                  a_full_fifo_keeps_what_it_has,
                                  errors_belong_to_their_characters,
                                  an_error_that_nobody_read_stays,
                                  fifos_are_emptied,
                                  changes_of_the_modem_are_told,
                                  the_most_urgent_cause_comes_first,
                                  out2_opens_the_line,
                                  in_loopback_it_hears_itself};

    return run_tests("uart interrupts", tests, sizeof tests / sizeof *tests);
}
