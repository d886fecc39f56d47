/* SPDX-License-Identifier: MIT */
/* The UART's registers, and what it sends. */
#include "uart_rig.h"

/* ---- registers ---- */

START_TEST(after_a_reset)
{
    start();
    ck_assert_uint_eq(in(IER), 0);
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(in(LCR), 0);
    ck_assert_uint_eq(in(MCR), 0);
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(in(MSR), 0);
    ck_assert_uint_eq(in(SCR), 0);
}
END_TEST

START_TEST(registers_keep_the_bits_that_they_have)
{
    start();
    for (unsigned value = 0; value < 256; value++) {
        uint8_t v = (uint8_t)value;

        out(SCR, v);
        ck_assert_uint_eq(in(SCR), v);
        out(LCR, v & 0x7f);
        ck_assert_uint_eq(in(LCR), v & 0x7f);
        out(IER, v);
        ck_assert_uint_eq(in(IER), v & 0x0f);
        out(MCR, v);
        ck_assert_uint_eq(in(MCR), v & 0x1f);
        out(LSR, v); /* cannot be written */
        out(MSR, v);
        ck_assert_uint_eq(in(LSR), 0x60);
    }
}
END_TEST

START_TEST(the_divisor_lies_behind_a_bit)
{
    start();
    out(IER, 0x05);
    out(LCR, 0x83);
    out(DLL, 0x34);
    out(DLM, 0x12);
    ck_assert_uint_eq(in(DLL), 0x34);
    ck_assert_uint_eq(in(DLM), 0x12);
    out(LCR, 0x03);
    ck_assert_uint_eq(in(IER), 0x05);
    ck_assert_uint_eq(uart_signals(uart).divisor, 0x1234);
}
END_TEST

START_TEST(a_wider_access_is_one_for_each_byte)
{
    start();
    io_port_write(PORT + SCR - 4, 2, 0x0b03, 0); /* LCR, MCR */
    ck_assert_uint_eq(in(LCR), 0x03);
    ck_assert_uint_eq(in(MCR), 0x0b);
    ck_assert_uint_eq(io_port_read(PORT + LCR, 2, 0), 0x0b03);
    ck_assert_uint_eq(io_port_read(PORT + LCR, 4, 0) & 0xffffff, 0x600b03);
}
END_TEST

START_TEST(memory_works_as_ports_do)
{
    struct uart *other;
    uint64_t base;

    start();
    other = uart_new_memory("uart5", 0xd0000000, 5);
    ck_assert_ptr_nonnull(other);
    base = machine_io_map(0xd0000000, 8);
    io_mapped_write(base + SCR, 1, 0x5a, 0);
    ck_assert_uint_eq(io_mapped_read(base + SCR, 1, 0), 0x5a);
    ck_assert_uint_eq(in(SCR), 0);
    ck_assert_int_eq(uart_hardware(other)->resources[0].kind, RESOURCE_MEMORY);
    ck_assert_ptr_null(uart_new_memory("uart6", 0xd0000004, 5));
    ck_assert_ptr_null(uart_new("uart7", PORT + 7, LINE));
    ck_assert_ptr_null(hardware_find("uart7"));
}
END_TEST

START_TEST(signals_say_what_the_chip_puts_out)
{
    struct uart_signals s;

    start();
    out(LCR, 0x1f); /* 8 bits, 2 stops, even */
    out(MCR, 0x03);
    s = uart_signals(uart);
    ck_assert(s.dtr && s.rts && !s.out1 && !s.out2 && !s.brk);
    ck_assert_uint_eq(s.data_bits, 8);
    ck_assert_uint_eq(s.half_stops, 4);
    ck_assert_int_eq(s.parity, 'E');
    out(LCR, 0x6c); /* 5 bits, 1.5 stops, mark, break */
    s = uart_signals(uart);
    ck_assert(s.brk);
    ck_assert_uint_eq(s.data_bits, 5);
    ck_assert_uint_eq(s.half_stops, 3);
    ck_assert_int_eq(s.parity, 'M');
    out(LCR, 0x08);
    ck_assert_int_eq(uart_signals(uart).parity, 'O');
    out(LCR, 0x38);
    ck_assert_int_eq(uart_signals(uart).parity, 'S');
}
END_TEST

/* ---- sending ---- */

/* The data sheet's arithmetic: so many bits of 16 * divisor clocks of 1.8432 MHz. */
static uint64_t units_of(uint8_t lcr, unsigned divisor)
{
    unsigned data = 5 + (lcr & 3), parity = lcr & 8 ? 1 : 0;
    unsigned half_stops = !(lcr & 4) ? 2 : (lcr & 3) == 0 ? 3 : 4;
    uint64_t clocks = (2 * (1 + data + parity) + half_stops) * 8ull * divisor;

    return (clocks * 10000000 + 1843199) / 1843200;
}

START_TEST(a_character_takes_its_time)
{
    static const uint16_t divisors[] = {1, 2, 3, 12, 96, 0x900};

    start();
    for (uint8_t lcr = 0; lcr < 0x10; lcr++) {
        for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++) {
            uint64_t units = units_of(lcr, divisors[i]);

            out(LCR, lcr);
            set_divisor(divisors[i]);
            out(DATA, 0x1f);
            pass(units - 1);
            ck_assert_uint_eq(uart_available(uart), 0);
            pass(1);
            expect_arrived("\x1f");
        }
    }
}
END_TEST

START_TEST(nothing_drifts)
{
    uint8_t many[1000];
    uint64_t begin;

    open_uart(0x01);
    uart_echo(uart, true); /* what it sends is what it got, all at full speed */
    memset(many, 'x', sizeof many);
    begin = machine_time();
    ck_assert(uart_send(uart, many, sizeof many, UART_GOOD, false));
    pass(1000 * 10 * 10000000ull / 115200);
    ck_assert_uint_eq(uart_waiting(uart), 1);
    pass(1);
    ck_assert_uint_eq(uart_waiting(uart), 0);
    ck_assert_uint_eq(machine_time() - begin, 868056);
}
END_TEST

START_TEST(a_divisor_of_zero_stands_still)
{
    start();
    out(LCR, 3);
    out(DATA, 'a');
    far_sends("b");
    pass(100000000);
    ck_assert_uint_eq(uart_available(uart), 0);
    ck_assert_uint_eq(in(LSR), 0); /* it waits in the holding register */
    set_divisor(1);
    pass(CHARACTER);
    expect_arrived("a");
    ck_assert_uint_eq(in(DATA), 'b');
}
END_TEST

START_TEST(without_fifos_one_waits_and_one_goes)
{
    open_uart(0);
    out(DATA, 'a');
    ck_assert_uint_eq(in(LSR), 0x20); /* the holding register is free again */
    out(DATA, 'b');
    ck_assert_uint_eq(in(LSR), 0x00);
    out(DATA, 'c'); /* too early: b is lost */
    pass(3 * CHARACTER);
    expect_arrived("ac");
    ck_assert_uint_eq(in(LSR), 0x60);
}
END_TEST

START_TEST(the_fifo_holds_sixteen_and_one_goes)
{
    open_uart(0x01);
    for (char c = 'a'; c < 'a' + 19; c++) {
        out(DATA, (uint8_t)c);
    }
    ck_assert_uint_eq(in(LSR), 0x00);
    pass(16 * CHARACTER);
    ck_assert_uint_eq(in(LSR), 0x20);
    pass(2 * CHARACTER);
    ck_assert_uint_eq(in(LSR), 0x60);
    expect_arrived("abcdefghijklmnopq");
}
END_TEST

START_TEST(upper_bits_are_not_sent)
{
    open_uart(0x01);
    out(LCR, 0x02); /* seven data bits */
    out(DATA, 0x80 | 'a');
    far_sends("\xe2");
    pass(CHARACTER);
    expect_arrived("a");
    ck_assert_uint_eq(in(DATA), 'b');
}
END_TEST

START_TEST(a_break_spoils_what_is_sent)
{
    open_uart(0x01);
    out(DATA, 'a');
    out(DATA, 'b');
    pass(CHARACTER);
    out(LCR, 0x43);
    ck_assert(uart_signals(uart).brk);
    pass(CHARACTER);
    out(LCR, 0x03);
    out(DATA, 'c');
    pass(CHARACTER);
    expect_arrived("ac");
    ck_assert_uint_eq(uart_counters(uart).breaks, 1);
    ck_assert_uint_eq(uart_counters(uart).discarded, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {after_a_reset,
                                  registers_keep_the_bits_that_they_have,
                                  the_divisor_lies_behind_a_bit,
                                  a_wider_access_is_one_for_each_byte,
                                  memory_works_as_ports_do,
                                  signals_say_what_the_chip_puts_out,
                                  a_character_takes_its_time,
                                  nothing_drifts,
                                  a_divisor_of_zero_stands_still,
                                  without_fifos_one_waits_and_one_goes,
                                  the_fifo_holds_sixteen_and_one_goes,
                                  upper_bits_are_not_sent,
                                  a_break_spoils_what_is_sent};

    return run_tests("uart", tests, sizeof tests / sizeof *tests);
}
