/* SPDX-License-Identifier: MIT */
/* The far end of the wire: what it sends, what it keeps, and what makes it stop. */
#include "device/uart_internal.h"

#define XON  0x11
#define XOFF 0x13

bool uart_far_may_send(const struct uart *uart)
{
    /* Its view of the outputs: in loopback they are held inactive. */
    uint8_t outputs = uart->mcr & MCR_LOOP ? 0 : uart->mcr;

    switch (uart->flow) {
    case UART_FLOW_RTS:
        return (outputs & MCR_RTS) != 0;
    case UART_FLOW_DTR:
        return (outputs & MCR_DTR) != 0;
    case UART_FLOW_XON:
        return !uart->far_xoffed;
    default:
        return true;
    }
}

void uart_far_receive(struct uart *uart, uint8_t c)
{
    uart->counters.received++;
    if (uart->flow == UART_FLOW_XON && (c == XON || c == XOFF)) {
        uart->far_xoffed = c == XOFF;
        uart_start_far(uart);
        return;
    }
    if (uart->echo && uart->to_chip.count < UART_QUEUE_MAX) {
        uart_queue_put(&uart->to_chip, c);
        uart_start_far(uart);
    } else if (!uart->echo && uart->from_chip.count < UART_QUEUE_MAX) {
        uart_queue_put(&uart->from_chip, c);
    } else {
        uart->counters.discarded++;
    }
}

/* Each call from outside: first what has happened, afterwards what follows from the change. */
static void changed(struct uart *uart)
{
    uart_start_far(uart);
    uart_update(uart);
}

bool uart_send(struct uart *uart, const uint8_t *data, size_t bytes, enum uart_damage damage,
               bool urgent)
{
    uart_char flags = (uart_char)(damage << 8);

    if (bytes > UART_QUEUE_MAX - uart->to_chip.count) {
        return false;
    }
    uart_catch_up(uart);
    for (size_t i = 0; i < bytes; i++) {
        if (urgent) {
            uart_queue_put_first(&uart->to_chip, flags | data[bytes - 1 - i]);
        } else {
            uart_queue_put(&uart->to_chip, flags | data[i]);
        }
    }
    changed(uart);
    return true;
}

size_t uart_waiting(struct uart *uart)
{
    uart_catch_up(uart);
    uart_update(uart);
    return uart->to_chip.count + uart->far_sending;
}

size_t uart_available(struct uart *uart)
{
    uart_catch_up(uart);
    uart_update(uart);
    return uart->from_chip.count;
}

size_t uart_take(struct uart *uart, uint8_t *data, size_t room)
{
    size_t count = uart_available(uart);

    count = count < room ? count : room;
    for (size_t i = 0; i < count; i++) {
        data[i] = (uint8_t)uart_queue_take(&uart->from_chip);
    }
    return count;
}

void uart_flow(struct uart *uart, enum uart_flow flow)
{
    uart_catch_up(uart);
    uart->flow = flow;
    uart->far_xoffed = false;
    changed(uart);
}

void uart_echo(struct uart *uart, bool on)
{
    uart_catch_up(uart);
    uart->echo = on;
    changed(uart);
}

struct uart_signals uart_signals(struct uart *uart)
{
    static const char parities[] = "OEMS";
    uint8_t outputs = uart->mcr & MCR_LOOP ? 0 : uart->mcr;
    struct uart_signals signals = {
        .dtr = (outputs & MCR_DTR) != 0,
        .rts = (outputs & MCR_RTS) != 0,
        .out1 = (outputs & MCR_OUT1) != 0,
        .out2 = (outputs & MCR_OUT2) != 0,
        .brk = (uart->lcr & LCR_BREAK) != 0,
        .loop = (uart->mcr & MCR_LOOP) != 0,
        .divisor = uart->divisor,
        .data_bits = (uint8_t)(5 + (uart->lcr & LCR_BITS)),
        .parity = uart->lcr & LCR_PARITY ? parities[(uart->lcr & (LCR_EVEN | LCR_STICK)) / LCR_EVEN]
                                         : 'N',
        .modem = uart->modem,
    };

    signals.half_stops = 2;
    if (uart->lcr & LCR_STOPS) {
        signals.half_stops = signals.data_bits == 5 ? 3 : 4;
    }
    return signals;
}

struct uart_counters uart_counters(struct uart *uart)
{
    uart_catch_up(uart);
    uart_update(uart);
    return uart->counters;
}
