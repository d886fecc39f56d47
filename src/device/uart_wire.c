/* SPDX-License-Identifier: MIT */
/* Characters on the wire, in time: what has happened by now, and when the line may rise next. */
#include "device/uart_internal.h"

static unsigned stop_half_bits(const struct uart *uart)
{
    if ((uart->lcr & LCR_STOPS) == 0) {
        return 2;
    }
    return (uart->lcr & LCR_BITS) == 0 ? 3 : 4; /* one and a half with five data bits */
}

uint64_t uart_char_ticks(const struct uart *uart)
{
    unsigned data_bits = 5u + (uart->lcr & LCR_BITS);
    unsigned parity_bits = (uart->lcr & LCR_PARITY) != 0;
    unsigned half_bits = 2 * (1 + data_bits + parity_bits) + stop_half_bits(uart);

    return (uint64_t)half_bits * uart->divisor * UART_HALF_BIT_TICKS;
}

/* ---- the receiver ---- */

void uart_restart_timeout(struct uart *uart)
{
    if (uart_has_fifos(uart) && uart->rx_count > 0 && !uart->rx_timeout) {
        uart->rx_quiet_at = uart->now + UART_TIMEOUT_LENGTHS * uart_char_ticks(uart);
    } else {
        uart->rx_quiet_at = UART_NEVER;
    }
}

void uart_reveal(struct uart *uart)
{
    uint8_t damage = uart->rx_count > 0 ? UART_DAMAGE_OF(uart->rx[0]) : UART_GOOD;

    if (damage & UART_PARITY) {
        uart->line_errors |= LSR_PARITY;
    }
    if (damage & UART_FRAMING) {
        uart->line_errors |= LSR_FRAMING;
    }
    if (damage & UART_BREAK) { /* where the stop bit should be there is none either */
        uart->line_errors |= LSR_BREAK | LSR_FRAMING;
    }
}

/* A character is complete in the receiver's shift register. */
static void receive(struct uart *uart, uart_char c)
{
    uint8_t mask = (uint8_t)(0xff >> (3 - (uart->lcr & LCR_BITS)));

    c = (uart_char)(c & (0xff00u | mask));
    if (uart->rx_count == uart_room(uart)) {
        uart->line_errors |= LSR_OVERRUN;
        uart->counters.overruns++;
        if (!uart_has_fifos(uart)) { /* the new one takes the old one's place */
            uart->rx[0] = c;
            uart_reveal(uart);
        }
    } else {
        uart->rx[uart->rx_count++] = c;
        if (uart->rx_count == 1) {
            uart_reveal(uart);
        }
    }
    uart_restart_timeout(uart);
}

/* ---- the transmitter ---- */

/* The last character left for the shift register.  With FIFOs the interrupt is late by a character
 * less its stop bits, unless there had been two at a time: a driver that writes single characters
 * is not called for each of them. */
static void transmitter_empty(struct uart *uart)
{
    if (uart_has_fifos(uart) && !uart->tx_crowded) {
        uart->tx_empty_at = uart->now + uart_char_ticks(uart) -
                            (uint64_t)stop_half_bits(uart) * uart->divisor * UART_HALF_BIT_TICKS;
    } else {
        uart->tx_empty = true;
    }
    uart->tx_crowded = false;
}

void uart_start_shifting(struct uart *uart)
{
    if (uart->tx_shifting || uart->tx_count == 0 || uart->divisor == 0) {
        return;
    }
    uart->tx_shift = uart->tx[0];
    uart->tx_count--;
    for (unsigned i = 0; i < uart->tx_count; i++) {
        uart->tx[i] = uart->tx[i + 1];
    }
    uart->tx_shifting = true;
    uart->tx_in_break = (uart->lcr & LCR_BREAK) != 0;
    uart->tx_done = uart->now + uart_char_ticks(uart);
    if (uart->tx_count == 0) {
        transmitter_empty(uart);
    }
}

static void shifted(struct uart *uart)
{
    uint8_t mask = (uint8_t)(0xff >> (3 - (uart->lcr & LCR_BITS)));
    uint8_t c = uart->tx_shift & mask;

    uart->tx_shifting = false;
    if (uart->tx_in_break) {
        uart->counters.discarded++;
    } else if (uart->mcr & MCR_LOOP) {
        receive(uart, c);
    } else {
        uart_far_receive(uart, c);
    }
    uart_start_shifting(uart);
}

/* ---- the far end's transmitter ---- */

void uart_start_far(struct uart *uart)
{
    if (!uart->far_sending && uart->to_chip.count > 0 && uart->divisor != 0 &&
        uart_far_may_send(uart)) {
        uart->far_char = uart_queue_take(&uart->to_chip);
        uart->far_sending = true;
        uart->far_done = uart->now + uart_char_ticks(uart);
    }
}

static void far_sent(struct uart *uart)
{
    uart->far_sending = false;
    uart->counters.sent++;
    if ((uart->mcr & MCR_LOOP) == 0) { /* in loopback the input is cut off */
        receive(uart, uart->far_char);
    }
    uart_start_far(uart);
}

/* ---- time ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_event(const struct uart *uart)
{
    uint64_t at = earlier(uart->rx_quiet_at, uart->tx_empty_at);

    at = uart->tx_shifting ? earlier(at, uart->tx_done) : at;
    return uart->far_sending ? earlier(at, uart->far_done) : at;
}

void uart_catch_up(struct uart *uart)
{
    uint64_t until = machine_time() * UART_TICKS_PER_UNIT;

    for (uint64_t at = next_event(uart); at <= until; at = next_event(uart)) {
        uart->now = at;
        if (uart->tx_shifting && uart->tx_done == at) {
            shifted(uart);
        } else if (uart->far_sending && uart->far_done == at) {
            far_sent(uart);
        } else if (uart->tx_empty_at == at) {
            uart->tx_empty = true;
            uart->tx_empty_at = UART_NEVER;
        } else {
            uart->rx_timeout = true;
            uart->rx_quiet_at = UART_NEVER;
        }
    }
    uart->now = until;
}

/* ---- what may come ----
 *
 * Each of these is a time before which a kind of interrupt cannot come, and the very time when
 * nothing interferes; an early one only costs a look. */

/* How many characters are sure to follow each other on the wire. */
static size_t coming(const struct uart *uart)
{
    size_t waiting = uart_far_may_send(uart) ? uart->to_chip.count : 0;

    return waiting + uart->far_sending;
}

/* The n-th arrival from now, n >= 1. */
static uint64_t arrival(const struct uart *uart, uint64_t n)
{
    uint64_t length = uart_char_ticks(uart);

    if (uart->far_sending && (n <= coming(uart) || uart->echo)) {
        return uart->far_done + (n - 1) * length;
    }
    return uart->echo && uart->tx_shifting ? uart->tx_done + n * length : UART_NEVER;
}

/* The timeout: silence after the last that is in the FIFO, or that will be. */
static uint64_t next_silence(const struct uart *uart)
{
    uint64_t length = uart_char_ticks(uart), silence = UART_TIMEOUT_LENGTHS * length;
    size_t stream = coming(uart);

    if (stream > 0 && uart->far_done <= uart->rx_quiet_at) { /* it starts anew with each of them */
        return uart->far_done + (stream - 1) * length + silence;
    }
    if (stream == 0 && uart->echo && uart->tx_shifting) {
        return earlier(uart->rx_quiet_at, uart->tx_done + length + silence);
    }
    return uart->rx_quiet_at;
}

static uint64_t next_data(const struct uart *uart)
{
    uint64_t at = arrival(uart, (uint64_t)uart_trigger(uart) - uart->rx_count);

    return uart_has_fifos(uart) ? earlier(at, next_silence(uart)) : at;
}

static uint64_t next_error(const struct uart *uart)
{
    uint64_t overrun = arrival(uart, (uint64_t)uart_room(uart) - uart->rx_count + 1);
    bool damaged = uart->to_chip.damaged > 0 || UART_DAMAGE_OF(uart->far_char) != 0;

    return uart->far_sending && damaged ? uart->far_done : overrun;
}

static uint64_t next_empty(const struct uart *uart)
{
    if (uart->tx_count > 0 && uart->tx_shifting) {
        return uart->tx_done + (uint64_t)(uart->tx_count - 1) * uart_char_ticks(uart);
    }
    return uart->tx_empty_at;
}

uint64_t uart_next_rise(const struct uart *uart)
{
    uint64_t at = UART_NEVER;

    /* An XOFF or XON on its way may stop the stream, or start it. */
    if ((uart->ier & (IER_DATA | IER_LINE)) && uart->flow == UART_FLOW_XON && uart->tx_shifting) {
        at = uart->tx_done;
    }
    if (uart->ier & IER_DATA) {
        at = earlier(at, next_data(uart));
    }
    if (uart->ier & IER_LINE) {
        at = earlier(at, next_error(uart));
    }
    if (uart->ier & IER_EMPTY) {
        at = earlier(at, next_empty(uart));
    }
    return at;
}
