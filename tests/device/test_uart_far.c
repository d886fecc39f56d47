/* SPDX-License-Identifier: MIT */
/* The far end of the UART's wire. */
#include <stdlib.h>

#include "uart_rig.h"

/* ---- the far end ---- */

START_TEST(the_far_end_stops_for_rts_or_dtr)
{
    static const struct {
        enum uart_flow flow;
        uint8_t bit, other;
    } cases[] = {{UART_FLOW_RTS, 0x02, 0x01}, {UART_FLOW_DTR, 0x01, 0x02}};

    open_uart(0x01);
    for (unsigned i = 0; i < 2; i++) {
        out(MCR, cases[i].other);
        uart_flow(uart, cases[i].flow);
        far_sends("abc");
        pass(5 * CHARACTER);
        ck_assert_uint_eq(uart_waiting(uart), 3);
        out(MCR, cases[i].bit);
        pass(CHARACTER / 2);
        out(MCR, 0); /* what is on the wire arrives */
        pass(5 * CHARACTER);
        ck_assert_uint_eq(uart_waiting(uart), 2);
        ck_assert_uint_eq(in(DATA), 'a');
        out(MCR, cases[i].bit);
        pass(2 * CHARACTER);
        ck_assert_uint_eq(in(DATA), 'b');
        ck_assert_uint_eq(in(DATA), 'c');
    }
}
END_TEST

START_TEST(the_far_end_stops_for_xoff)
{
    open_uart(0x01);
    uart_flow(uart, UART_FLOW_XON);
    far_sends("abcd");
    out(DATA, 0x13);
    pass(6 * CHARACTER);
    ck_assert_uint_eq(uart_waiting(uart), 2); /* one went beside it, one had begun */
    out(DATA, 0x11);
    pass(3 * CHARACTER);
    ck_assert_uint_eq(uart_waiting(uart), 0);
    expect_arrived(""); /* it keeps these to itself */
}
END_TEST

START_TEST(urgent_goes_first)
{
    open_uart(0x01);
    far_sends("abc");
    ck_assert(uart_send(uart, (const uint8_t *)"12", 2, UART_GOOD, true));
    pass(5 * CHARACTER);
    ck_assert_uint_eq(in(DATA), 'a'); /* was on the wire */
    ck_assert_uint_eq(in(DATA), '1');
    ck_assert_uint_eq(in(DATA), '2');
    ck_assert_uint_eq(in(DATA), 'b');
}
END_TEST

START_TEST(an_echo_comes_back)
{
    open_uart(0x01);
    uart_echo(uart, true);
    out(DATA, 'a');
    out(DATA, 'b');
    pass(2 * CHARACTER);
    ck_assert_uint_eq(in(DATA), 'a');
    pass(CHARACTER);
    ck_assert_uint_eq(in(DATA), 'b');
    expect_arrived("");
}
END_TEST

START_TEST(one_that_was_pulled_out_is_not_there)
{
    open_uart(0x01);
    out(IER, 0x01);
    out(MCR, 0x08);
    far_sends("a");
    pass(CHARACTER);
    hardware_find("uart1")->present = false;
    for (unsigned reg = 0; reg < 8; reg++) {
        ck_assert_uint_eq(in(reg), 0xff);
        out(reg, 0);
        ck_assert_uint_eq(in(reg), 0xff);
    }
    ck_assert_uint_eq(M->interrupts_pending, 0);
    far_sends("b");
    uart_modem(uart, UART_CTS, UART_CTS);
    uart_reset(uart);
    ck_assert_uint_eq(uart_take(uart, (uint8_t[1]){0}, 1), 0);
}
END_TEST

START_TEST(a_loss_of_power_forgets)
{
    open_uart(0x01);
    out(IER, 0x0f);
    out(MCR, 0x0b);
    out(SCR, 0x5a);
    far_sends("ab");
    out(DATA, 'x');
    pass(CHARACTER / 2);
    uart_reset(uart);
    ck_assert_uint_eq(in(IER), 0);
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(in(LCR), 0);
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(uart_signals(uart).divisor, 0);
    expect_arrived("");
    ck_assert_uint_ge(uart_waiting(uart), 1); /* the far end has its own power */
}
END_TEST

START_TEST(the_queues_have_a_limit)
{
    uint8_t *much = calloc(1, UART_QUEUE_MAX);

    ck_assert_ptr_nonnull(much);
    start();
    ck_assert(uart_send(uart, much, UART_QUEUE_MAX - 1, UART_GOOD, false));
    ck_assert(!uart_send(uart, much, 2, UART_GOOD, false));
    ck_assert(uart_send(uart, much, 1, UART_GOOD, true));
    ck_assert_uint_eq(uart_waiting(uart), UART_QUEUE_MAX);
    free(much);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_far_end_stops_for_rts_or_dtr,
                                  the_far_end_stops_for_xoff,
                                  urgent_goes_first,
                                  an_echo_comes_back,
                                  one_that_was_pulled_out_is_not_there,
                                  a_loss_of_power_forgets,
                                  the_queues_have_a_limit};

    return run_tests("uart far end", tests, sizeof tests / sizeof *tests);
}
