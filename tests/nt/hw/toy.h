/* SPDX-License-Identifier: MIT */
/*
 * The toy: a device that exists in these tests only.  Its model (test_hw.c) and its driver
 * (hw_probe.c) share this file, which therefore includes nothing.
 *
 * Two of them, TOY_PORT and TOY_PORT + 16, hold one interrupt line; the first also has registers.
 */
#ifndef PAGABLE_TESTS_NT_HW_TOY_H
#define PAGABLE_TESTS_NT_HW_TOY_H

#define TOY_PORT      0x300
#define TOY_PORTS     16
#define TOY_LINE      5
#define TOY_REGISTERS 0xfed00010 /* physical; not on a page boundary */
#define TOY_BYTES     64

/* Ports. */
#define TOY_DATA   0 /* read: the next of 0, 1, 2 ...; written: the sum of all that was */
#define TOY_STATUS 1 /* bit 0: it wants to interrupt; a write lets it go */
#define TOY_FIRE   2 /* written n: wants to interrupt in n * 100 us, 0: at once */
#define TOY_SUM    4 /* the sum, 32 bits; a write sets it */

/* Registers, 32 bits each. */
#define TOY_ID      0x00
#define TOY_ID_IS   0x21594f54
#define TOY_SCRATCH 0x04 /* four of them */
#define TOY_CONTROL 0x20 /* bit 0 set: as a write of 0 to TOY_FIRE */

/* What the driver does when asked: device control function 0x800 + n. */
enum toy_order {
    ToyVector,
    ToyConnect,
    ToyInterrupt,
    ToyShared,
    ToyNested,
    ToySynchronize,
    ToySpinLock,
    ToyStrings,
    ToyRegisters,
    ToyInactive,
    ToyExtended,
    ToyLineBased,
    ToyPoll,
    ToyBus,
    ToyChecks, /* from here on: mistakes */
    ToyDisconnectTwice = ToyChecks,
    ToySynchronizeTooHigh,
    ToyDeadlock,
    ToyReturnsHigh,
    ToyUnmapOther,
    ToyStorm,
    ToyLeave,
    ToyPagedLock,
    ToyOrders
};

#endif
