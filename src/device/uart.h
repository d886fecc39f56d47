/* SPDX-License-Identifier: MIT */
/*
 * A 16550A UART and what is on the other end of its wire.
 *
 * The chip is complete as a driver sees it: both FIFOs, the divisor, the four kinds of interrupt
 * with their priorities, the character timeout, loopback, break.  OUT2 opens the way to the
 * interrupt line, as on a PC; in loopback the chip holds that pin inactive, so the line is closed.
 * A character takes the time that the divisor and its format say, of virtual time.  The wire always
 * has the format and the speed that the chip has: both ends agree.  With the divisor 0, as after a
 * reset, nothing moves.
 *
 * Time passes in a UART only when somebody looks: each access, and each call below, first lets
 * happen what has happened since.  A timer is set only for the moment at which the interrupt line
 * may rise.
 */
#ifndef PAGABLE_DEVICE_UART_H
#define PAGABLE_DEVICE_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_REGISTERS 8u
#define UART_FIFO      16u
/* Limit on what waits to be sent, and on what was received and not taken: bytes of each. */
#define UART_QUEUE_MAX (64u << 20)

struct uart;
struct hardware;

/* Make a UART and add it to the computer's hardware ("ACPI\\PNP0501").  `name` stays the caller's
 * and must stay.  NULL when its ports or its memory are taken.  S. */
struct uart *uart_new(const char *name, uint16_t port, uint32_t line);
struct uart *uart_new_memory(const char *name, uint64_t physical, uint32_t line);

const struct hardware *uart_hardware(const struct uart *uart);

/* Master reset, as after a loss of power: the registers forget, the far end does not. */
void uart_reset(struct uart *uart);

/* ---- the far end ---- */

/* What may be wrong with a character that the far end sends. */
enum uart_damage { UART_GOOD = 0, UART_PARITY = 1, UART_FRAMING = 2, UART_BREAK = 4 };

/* Put characters behind those that wait to be sent, or before them when `urgent`.  A break holds
 * the wire for a character's time; its data does not count.  False, and nothing is
 * queued, beyond UART_QUEUE_MAX. */
bool uart_send(struct uart *uart, const uint8_t *data, size_t bytes, enum uart_damage damage,
               bool urgent);
/* How many characters wait to be sent, the one on the wire included. */
size_t uart_waiting(struct uart *uart);

/* Take what arrived at the far end. */
size_t uart_available(struct uart *uart);
size_t uart_take(struct uart *uart, uint8_t *data, size_t room);

/* What makes the far end stop sending: never; RTS or DTR inactive; XOFF until XON. */
enum uart_flow { UART_FLOW_NONE, UART_FLOW_RTS, UART_FLOW_DTR, UART_FLOW_XON };
void uart_flow(struct uart *uart, enum uart_flow flow);

/* Whether the far end sends back all that arrives, instead of keeping it. */
void uart_echo(struct uart *uart, bool on);

/* Inputs of the chip, as bits of its modem status register; both may be several. */
enum uart_inputs { UART_CTS = 0x10, UART_DSR = 0x20, UART_RI = 0x40, UART_DCD = 0x80 };
void uart_modem(struct uart *uart, uint8_t which, uint8_t active);

/* Outputs of the chip. */
struct uart_signals {
    bool dtr, rts, out1, out2, brk, loop;
    uint16_t divisor;
    uint8_t data_bits;
    char parity;        /* 'N', 'O', 'E', 'M', 'S' */
    uint8_t half_stops; /* stop bits, in halves */
    uint8_t modem;      /* its inputs: enum uart_inputs */
};
struct uart_signals uart_signals(struct uart *uart);

struct uart_counters {
    uint64_t sent;       /* characters that the far end put on the wire */
    uint64_t overruns;   /* of those, lost: the chip had no room */
    uint64_t received;   /* characters that arrived at the far end */
    uint64_t breaks;     /* breaks that the chip made */
    uint64_t discarded;  /* arrived, but nobody took them for too long, or went into a break */
    uint64_t interrupts; /* times that the line rose */
};
struct uart_counters uart_counters(struct uart *uart);

#endif
