/* SPDX-License-Identifier: MIT */
/*
 * Private to the UART: the chip's state, and what its three parts offer each other.
 *
 *   uart.c       registers and interrupts
 *   uart_wire.c  characters on the wire, in time
 *   uart_far.c   the far end
 *   uart_queue.c characters that wait
 *
 * Time is counted in ticks of 1/72 of the machine's 100 ns: half a bit at divisor d is exactly
 * 3125 * d of them (the chip's clock is 1.8432 MHz, a bit 16 clocks at divisor 1), so nothing is
 * rounded and nothing drifts.
 */
#ifndef PAGABLE_DEVICE_UART_INTERNAL_H
#define PAGABLE_DEVICE_UART_INTERNAL_H

#include "device/uart.h"
#include "machine/hardware.h"
#include "machine/machine.h"

#define UART_TICKS_PER_UNIT  72u
#define UART_HALF_BIT_TICKS  3125u
#define UART_NEVER           UINT64_MAX
#define UART_TIMEOUT_LENGTHS 4u /* characters of silence until the timeout interrupt */

enum uart_register {
    UART_DATA = 0, /* receiver buffer, transmitter holding; divisor low */
    UART_IER = 1,  /* divisor high */
    UART_IIR = 2,  /* read */
    UART_FCR = 2,  /* write */
    UART_LCR = 3,
    UART_MCR = 4,
    UART_LSR = 5,
    UART_MSR = 6,
    UART_SCR = 7
};

enum {
    IER_DATA = 0x01,
    IER_EMPTY = 0x02,
    IER_LINE = 0x04,
    IER_MODEM = 0x08,
    IIR_MODEM = 0x00,
    IIR_NONE = 0x01,
    IIR_EMPTY = 0x02,
    IIR_DATA = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFOS = 0xc0,
    FCR_ENABLE = 0x01,
    FCR_CLEAR_RECEIVER = 0x02,
    FCR_CLEAR_TRANSMITTER = 0x04,
    LCR_BITS = 0x03,
    LCR_STOPS = 0x04,
    LCR_PARITY = 0x08,
    LCR_EVEN = 0x10,
    LCR_STICK = 0x20,
    LCR_BREAK = 0x40,
    LCR_DIVISOR = 0x80,
    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    LSR_READY = 0x01,
    LSR_OVERRUN = 0x02,
    LSR_PARITY = 0x04,
    LSR_FRAMING = 0x08,
    LSR_BREAK = 0x10,
    LSR_ERRORS = 0x1e,
    LSR_EMPTY = 0x20,
    LSR_IDLE = 0x40,
    LSR_FIFO_ERROR = 0x80
};

/* A character with what is wrong with it: enum uart_damage in the upper byte. */
typedef uint16_t uart_char;
#define UART_DAMAGE_OF(c) ((uint8_t)((c) >> 8))

#define UART_BLOCK_CHARS 2040u
struct uart_block {
    struct uart_block *next;
    uint32_t first, end;
    uart_char chars[UART_BLOCK_CHARS];
};
struct uart_queue {
    struct uart_block *head, *tail;
    size_t count;
    size_t damaged; /* characters among them that are not good */
};
void uart_queue_put(struct uart_queue *queue, uart_char c);
void uart_queue_put_first(struct uart_queue *queue, uart_char c);
uart_char uart_queue_take(struct uart_queue *queue);

struct uart {
    struct hardware hardware;
    struct interrupt_pin pin;
    struct machine_timer timer;
    uint64_t now; /* up to where everything has happened */

    uint8_t ier, fcr, lcr, mcr, scr;
    uint16_t divisor;
    uint8_t line_errors; /* LSR_ERRORS that were not read yet */
    uint8_t modem;       /* inputs, enum uart_inputs */
    uint8_t modem_delta; /* low half of the modem status register */

    uart_char rx[UART_FIFO]; /* oldest first; one place without FIFOs */
    uint8_t rx_count;
    bool rx_timeout;      /* the timeout interrupt is on */
    uint64_t rx_quiet_at; /* when it comes unless something happens; UART_NEVER */

    uint8_t tx[UART_FIFO];
    uint8_t tx_count;
    bool tx_shifting;
    bool tx_in_break; /* the character on the wire was spoiled by a break */
    uint8_t tx_shift;
    uint64_t tx_done;
    bool tx_empty;        /* the interrupt of the empty transmitter is latched */
    bool tx_crowded;      /* two characters were in the FIFO since it was last empty */
    uint64_t tx_empty_at; /* when a delayed one comes; UART_NEVER */

    /* the far end */
    struct uart_queue to_chip, from_chip;
    bool far_sending;
    uart_char far_char;
    uint64_t far_done;
    enum uart_flow flow;
    bool far_xoffed, echo;
    struct uart_counters counters;
};

/* uart.c */
bool uart_has_fifos(const struct uart *uart);
uint8_t uart_room(const struct uart *uart);    /* characters that the receiver holds */
uint8_t uart_trigger(const struct uart *uart); /* characters at which data is announced */
bool uart_line_open(const struct uart *uart);  /* an interrupt gets out */
/* After anything changed: the line, and the timer for when it may change. */
void uart_update(struct uart *uart);

/* uart_wire.c */
uint64_t uart_char_ticks(const struct uart *uart);
void uart_catch_up(struct uart *uart);
/* The receiver's silence starts anew. */
void uart_restart_timeout(struct uart *uart);
/* The oldest character comes to where the line status register shows its errors. */
void uart_reveal(struct uart *uart);
/* Put the next character on the wire if there is one and nothing is on it. */
void uart_start_shifting(struct uart *uart);
void uart_start_far(struct uart *uart);
/* The earliest time at which the line may rise by itself; UART_NEVER. */
uint64_t uart_next_rise(const struct uart *uart);

/* uart_far.c */
/* A character arrived at the far end. */
void uart_far_receive(struct uart *uart, uint8_t c);
bool uart_far_may_send(const struct uart *uart);

#endif
