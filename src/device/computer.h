/* SPDX-License-Identifier: MIT */
/*
 * Hardware models, and the computer that they make up when nobody says otherwise: four UARTs and a
 * parallel port with a printer at the resources that a PC has them, and four disks.
 *
 * One interface towards the machine (machine/hardware.h): claim ports or memory, attach a pin to an
 * interrupt line, set timers, add a struct hardware.  What is on the other side of a device (the
 * far end of a wire, paper, the platter) is each model's own header, for scenarios.
 *
 * All state lies in the arena (machine_allocate); models are made before drivers start and stay.
 */
#ifndef PAGABLE_DEVICE_COMPUTER_H
#define PAGABLE_DEVICE_COMPUTER_H

#define COMPUTER_UARTS    4u
#define COMPUTER_PRINTERS 1u
#define COMPUTER_DISKS    4u

struct uart;
struct printer;
struct disk;

/* Make the usual computer.  After machine_start, before any driver.  S. */
void computer_start(void);

/* The n-th of it, from 0; NULL beyond the last. */
struct uart *computer_uart(unsigned n);
struct printer *computer_printer(unsigned n);
struct disk *computer_disk(unsigned n);

#endif
