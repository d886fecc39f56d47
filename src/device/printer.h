/* SPDX-License-Identifier: MIT */
/*
 * A printer behind a parallel port: Centronics signals (IEEE 1284 compatibility mode), a buffer
 * that empties at the speed of printing, and a device id in nibble mode.
 *
 * A byte is taken at the leading edge of nStrobe and becomes what the data wires were for the
 * set-up time before it; a strobe that is too short, that comes while the printer is busy or not
 * selected, is not seen.  Data that change before the hold time is over change the byte.  Busy then
 * rises, and falls with the trailing edge of an nAck pulse as soon as the printer can take the next
 * byte: it stays up while the buffer is full and while the printer cannot print (off-line, out of
 * paper, fault).
 *
 * Time that nobody looks at is made up for at the next look; there is a timer only while somebody
 * waits for the edge of nAck.
 */
#ifndef PAGABLE_DEVICE_PRINTER_H
#define PAGABLE_DEVICE_PRINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times of the wires, in machine_time's units of 100 ns. */
#define PRINTER_SETUP  5u     /* data before nStrobe */
#define PRINTER_STROBE 5u     /* nStrobe */
#define PRINTER_HOLD   5u     /* data after nStrobe */
#define PRINTER_TAKE   50u    /* busy with a byte, before nAck */
#define PRINTER_ACK    20u    /* nAck */
#define PRINTER_INIT   500u   /* nInit, at least */
#define PRINTER_WAKE   10000u /* from the end of nInit, or power on, until it can take a byte */

#define PRINTER_BUFFER_MAX 65536u
#define PRINTER_RATE_MAX   1000000u
#define PRINTER_PAPER      (1u << 20) /* bytes until the paper is at its end */

struct printer;
struct hardware;

/* Make a parallel port with a printer at it, which is on, on-line and has paper, and add the port
 * to the computer's hardware.  `name` stays the caller's and must stay.  S. */
struct printer *printer_new(const char *name, uint16_t port, uint32_t line);
struct hardware *printer_hardware(struct printer *printer);

/* Take what was printed: at most `size` bytes; how many. */
size_t printer_take(struct printer *printer, void *to, size_t size);

/* What somebody does to the printer. */
void printer_set_offline(struct printer *printer, bool offline);
void printer_set_paper(struct printer *printer, bool paper); /* true: also a new stack of it */
void printer_set_fault(struct printer *printer, bool fault);
void printer_set_power(struct printer *printer, bool on); /* off: what is in the buffer is lost */
void printer_set_plugged(struct printer *printer, bool plugged);

/* What kind of printer it is. */
void printer_set_rate(struct printer *printer, uint32_t bytes_per_second); /* 1..RATE_MAX */
void printer_set_buffer(struct printer *printer, uint32_t bytes);          /* 1..BUFFER_MAX */
void printer_set_ack(struct printer *printer, bool gives_ack);  /* false: nAck is not wired */
void printer_set_ieee1284(struct printer *printer, bool knows); /* whether it negotiates */

struct printer_counters {
    uint64_t taken; /* bytes that went into the buffer */
    uint64_t printed;
    uint64_t discarded; /* lost from the buffer by nInit or power */
    uint64_t acks;      /* pulses of nAck */
    uint64_t inits;     /* resets by nInit */
    uint64_t negotiations;
    /* What the host did wrong. */
    uint64_t overruns;      /* strobes while busy */
    uint64_t unselected;    /* strobes while not selected */
    uint64_t short_strobes; /* not seen */
    uint64_t short_inits;   /* not seen */
    uint64_t short_setups, short_holds;
};
/* As of now. */
const struct printer_counters *printer_counters(struct printer *printer);
/* Bytes in the buffer now. */
uint32_t printer_buffered(struct printer *printer);

#endif
