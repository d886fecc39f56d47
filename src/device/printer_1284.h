/* SPDX-License-Identifier: MIT */
/*
 * The device's side of IEEE 1284: negotiation, the device id in nibble mode, termination.  The
 * events have the numbers of the standard.  The wires are the printer's own again when `phase` is
 * COMPATIBLE.
 */
#ifndef PAGABLE_DEVICE_PRINTER_1284_H
#define PAGABLE_DEVICE_PRINTER_1284_H

#include "device/parallel.h"

enum printer_1284_phase {
    PRINTER_COMPATIBLE,
    PRINTER_NEGOTIATING, /* after event 2 */
    PRINTER_REVERSE,     /* after event 6: the host may ask for a nibble */
    PRINTER_NIBBLE,      /* after event 9: a nibble is on the wires */
    PRINTER_TERMINATING, /* after event 24 */
};

struct printer_1284 {
    enum printer_1284_phase phase;
    uint8_t levels; /* of the wires, unless COMPATIBLE */
    uint8_t request;
    bool strobed;           /* the request was read (event 3) */
    uint32_t sent, nibbles; /* of the answer */
    const char *id;         /* the answer, without the length before it */
};

/* The host changed its wires.  *acknowledged: nAck rose.  False: the wires mean what they mean to a
 * printer that knows nothing of this. */
bool printer_1284_drive(struct printer_1284 *state, const struct parallel_wires *wires,
                        bool *acknowledged);

#endif
