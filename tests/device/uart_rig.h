/* SPDX-License-Identifier: MIT */
/*
 * A computer with one UART, as a processor sees it through the ports, in virtual time.  There is
 * one computer per process, so each test makes its own.
 */
#ifndef PAGABLE_TESTS_DEVICE_UART_RIG_H
#define PAGABLE_TESTS_DEVICE_UART_RIG_H

#include <check.h>

#include "device/uart.h"
#include "machine/hardware.h"
#include "machine/internal.h"

#define PORT 0x3f8
#define LINE 4u

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = 2, DLL = 0, DLM = 1 };

/* What the interrupt identification register reads, as the data sheet has it. */
#define NONE    0x01
#define MODEM   0x00
#define EMPTY   0x02
#define READY   0x04
#define STATUS  0x06
#define TIMEOUT 0x0c
#define FIFOS   0xc0

/* 8N1 at 115200 baud: 10 bits of 86.8 units. */
#define CHARACTER 869u

extern struct uart *uart;

/* An access takes ten units of time, as all do. */
uint8_t in(unsigned reg);
void out(unsigned reg, uint8_t value);
void pass(uint64_t units);

void start(void);
void set_divisor(uint16_t divisor);
/* start(), 8N1 at 115200 baud */
void open_uart(uint8_t fcr);

void far_sends(const char *text);
void far_damages(const char *text, enum uart_damage damage);
void expect_arrived(const char *text);

/* Run tests, each in a process of its own; the exit status of main. */
int run_tests(const char *name, const TTest *const tests[], size_t count);

#endif
