/* SPDX-License-Identifier: MIT */
/*
 * A computer with nothing but a printer port, and what a processor does to its registers.  There is
 * one computer per process: each test begins with start().
 */
#ifndef TESTS_PARALLEL_RIG_H
#define TESTS_PARALLEL_RIG_H

#include <check.h>

#include "device/printer.h"
#include "machine/hardware.h"
#include "machine/internal.h"

#define PORT    0x378
#define DATA    PORT
#define STATUS  (PORT + 1)
#define CONTROL (PORT + 2)
#define LINE    7u

/* Status, as it reads. */
#define NIRQ      0x04
#define NFAULT    0x08
#define SELECT    0x10
#define PERROR    0x20
#define NACK      0x40
#define NOT_BUSY  0x80
#define UNUSED    0x03
#define READY     (NOT_BUSY | NACK | SELECT | NFAULT | NIRQ | UNUSED)
#define UNPLUGGED (NACK | PERROR | SELECT | NFAULT | NIRQ | UNUSED)
#define UNPOWERED (NOT_BUSY | NIRQ | UNUSED)

/* Control. */
#define STROBE    0x01
#define AUTOFEED  0x02
#define NINIT     0x04
#define SELECT_IN 0x08
#define ENABLE    0x10
#define IDLE      (NINIT | SELECT_IN)

#define MICROSECOND 10u
#define MILLISECOND 10000u
#define ONE_SECOND  10000000u
#define ACCESS      MICROSECOND /* that every access to a port takes, before it has its effect */

extern struct printer *printer;
extern struct interrupt_service service; /* on the line; counts and reads status */
extern unsigned interrupts, claimed;
extern uint8_t seen; /* status, as the service routine read it last */

void start(void);
uint8_t in(uint16_t port);
void out(uint16_t port, uint8_t value);
/* The wires of status that are asked for. */
uint8_t status_of(uint8_t wires);
/* Virtual time, with nothing else going on. */
void pass(uint64_t units);

/* A byte as a driver sends it: data and nStrobe are on the wires a microsecond each. */
void send_as(uint8_t byte, uint8_t control);
void send(uint8_t byte);
/* As fast as the printer takes it; it has room for all. */
void send_all(const char *text);
/* All that was printed since the last time. */
void expect_output(const char *text);
const struct printer_counters *counters(void);

struct rig_test {
    const char *name;
    const TTest *test;
    int end; /* of a loop test; 0: once */
};
int rig_run(const char *suite, const struct rig_test *tests, size_t count);

#endif
