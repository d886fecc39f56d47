/* SPDX-License-Identifier: MIT */
/*
 * A parallel port of a PC: the three registers, the interrupt, and the connector.
 *
 *     +0  data     what was written last is on the wires and reads back
 *     +1  status   the five wires of the device; Busy reads inverted.  Bit 2 is 0 while an
 * interrupt is pending (as on the PS/2): nAck rose while bit 4 of control was set.  Reading takes
 *                  the interrupt back.  Bits 0 and 1 read as ones
 *     +2  control  nStrobe, nAutoFd, nInit, nSelectIn (all but nInit inverted), bit 4 enables the
 *                  interrupt.  The upper bits read as ones
 *
 * The line is level-triggered, as plug and play reports it: asserted from the edge of nAck until
 * the status register was read or the interrupt was disabled.  One port claims three ports of the
 * bus; the registers of EPP and ECP are not there.
 */
#ifndef PAGABLE_DEVICE_PARALLEL_H
#define PAGABLE_DEVICE_PARALLEL_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/hardware.h"

#define PARALLEL_PORTS 3u
#define PARALLEL_NAME  32u /* bytes of a name, its terminator among them */

/* Wires of the device, where the status register has them, as levels at the connector. */
enum {
    PARALLEL_NFAULT = 0x08,
    PARALLEL_SELECT = 0x10,
    PARALLEL_PERROR = 0x20,
    PARALLEL_NACK = 0x40,
    PARALLEL_BUSY = 0x80,
};

/* Wires of the host.  The four are true while the wire is asserted, which is low for each. */
struct parallel_wires {
    uint8_t data;
    bool strobe, autofeed, init, select_in;
};

/* What hangs on the connector. */
struct parallel_device {
    /* Levels of its wires now. */
    uint8_t (*levels)(void *context);
    /* The host changed its wires.  `watched`: it waits for the edge of nAck, which then has to be
     * told when it comes (parallel_acknowledge); otherwise a device may be late until it is looked
     * at. */
    void (*drive)(void *context, const struct parallel_wires *wires, bool watched);
    void *context;
};

struct parallel {
    struct parallel_device device;
    struct hardware hardware;
    struct interrupt_pin pin;
    char name[PARALLEL_NAME];
    uint8_t data, control;
    bool pending;   /* the interrupt that bit 2 of status shows */
    bool unplugged; /* nothing is on the connector */
};

/* Put a port at its resources; zeroed memory at a stable address; `name` is copied.  False when
 * other hardware is there.  S, before any driver. */
bool parallel_start(struct parallel *parallel, const char *name, uint16_t port, uint32_t line,
                    const struct parallel_device *device);

/* nAck rose. */
void parallel_acknowledge(struct parallel *parallel);

/* Pull the cable out, or put it back. */
void parallel_plug(struct parallel *parallel, bool plugged);

#endif
