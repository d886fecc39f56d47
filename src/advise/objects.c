/* SPDX-License-Identifier: MIT */
/*
 * What the system calls the routines of a driver as, at which IRQL, and in which structures it
 * looks for them.
 *
 * `certain` is what a finding may be sure of: classes at which every system calls such a routine. A
 * completion routine runs where the lower driver completes, which is DISPATCH_LEVEL for most
 * hardware, but no fact of this image.  The offsets are those of x64; the tests compile the DDK's
 * headers to compare.
 */
#include "advise/contracts.h"

#include <stddef.h>

#include "advise/ddk.h"
#include "base/assert.h"

#define P IRQL_BIT(IRQL_P)
#define A IRQL_BIT(IRQL_A)
#define D IRQL_BIT(IRQL_D)
#define H IRQL_BIT(IRQL_H)

static const struct role_text role_texts[ROLE_COUNT] = {
    [ROLE_NONE] = {.name = "routine"},
    [ROLE_DRIVER_ENTRY] = {.name = "DriverEntry", .certain = P, .possible = P},
    [ROLE_UNLOAD] = {.name = "Unload routine", .certain = P, .possible = P},
    [ROLE_ADD_DEVICE] = {.name = "AddDevice routine", .certain = P, .possible = P},
    [ROLE_REINITIALIZE] = {.name = "Reinitialize routine", .certain = P, .possible = P},
    [ROLE_DISPATCH] = {.name = "dispatch routine", .certain = P, .possible = P},
    [ROLE_DISPATCH_TRANSFER] = {.name = "dispatch routine for transfers",
                                .certain = P,
                                .possible = P | A},
    [ROLE_DISPATCH_POWER] = {.name = "dispatch routine for power",
                             .certain = P,
                             .possible = P | A | D},
    [ROLE_STARTIO] = {.name = "StartIo routine",
                      .certain = D,
                      .possible = D,
                      .must_be_resident = true},
    /* It releases the cancel spin lock, which it is entered with. */
    [ROLE_CANCEL] = {.name = "Cancel routine",
                     .certain = D,
                     .possible = D,
                     .must_be_resident = true,
                     .changes_irql = true},
    [ROLE_COMPLETION] = {.name = "IoCompletion routine",
                         .possible = P | A | D,
                         .must_be_resident = true},
    [ROLE_DPC] = {.name = "DPC", .certain = D, .possible = D, .must_be_resident = true},
    [ROLE_THREADED_DPC] = {.name = "threaded DPC",
                           .certain = P,
                           .possible = P | D,
                           .must_be_resident = true},
    [ROLE_TIMER] = {.name = "timer routine", .certain = D, .possible = D, .must_be_resident = true},
    [ROLE_ISR] = {.name = "interrupt service routine",
                  .certain = H,
                  .possible = H,
                  .must_be_resident = true},
    [ROLE_SYNCHRONIZE] = {.name = "SynchCritSection routine",
                          .certain = H,
                          .possible = H,
                          .must_be_resident = true},
    [ROLE_IPI] = {.name = "IPI routine", .certain = H, .possible = H, .must_be_resident = true},
    [ROLE_WORK_ITEM] = {.name = "work item", .certain = P, .possible = P},
    [ROLE_THREAD] = {.name = "system thread", .certain = P, .possible = P},
    [ROLE_APC] = {.name = "kernel APC", .certain = A, .possible = A},
    [ROLE_NOTIFY_PASSIVE] = {.name = "notification", .certain = P, .possible = P | A},
    [ROLE_FAST_IO] = {.name = "fast I/O routine", .certain = P, .possible = P | A},
    [ROLE_CSQ_RAISED] = {.name = "IoCsq callback under the queue's lock",
                         .certain = D,
                         .possible = D,
                         .must_be_resident = true},
    [ROLE_CSQ_ACQUIRE] = {.name = "CsqAcquireLock routine",
                          .possible = P | A | D,
                          .changes_irql = true},
    [ROLE_CSQ_RELEASE] = {.name = "CsqReleaseLock routine",
                          .certain = D,
                          .possible = D,
                          .must_be_resident = true,
                          .changes_irql = true},
    [ROLE_BUGCHECK] = {.name = "bug check callback",
                       .certain = H,
                       .possible = H,
                       .must_be_resident = true},
    [ROLE_ANY_IRQL] = {.name = "callback at <= DISPATCH_LEVEL", .possible = P | A | D},
    [ROLE_POST_OPERATION] = {.name = "post-operation callback", .possible = P | A | D},
    [ROLE_POWER_UP] = {.name = "power callback",
                       .certain = P,
                       .possible = P,
                       .better_resident = true},
    [ROLE_PASSIVE] = {.name = "callback at PASSIVE_LEVEL", .certain = P, .possible = P},
    [ROLE_APC_AT_MOST] = {.name = "callback at <= APC_LEVEL", .certain = P, .possible = P | A},
    [ROLE_RAISED] = {.name = "callback at DISPATCH_LEVEL",
                     .certain = D,
                     .possible = D,
                     .must_be_resident = true},
};

const struct role_text *role_text(enum role role)
{
    PG_ASSERT((unsigned)role < ROLE_COUNT);
    return &role_texts[role];
}

/* ---- DRIVER_OBJECT, DRIVER_EXTENSION, FAST_IO_DISPATCH ---- */

static enum role driver_role(int64_t offset)
{
    if (offset == DRIVER_START_IO) {
        return ROLE_STARTIO;
    }
    if (offset == DRIVER_UNLOAD) {
        return ROLE_UNLOAD;
    }
    if (offset < DRIVER_MAJOR_FUNCTION || offset >= DRIVER_BYTES || offset % 8 != 0) {
        return ROLE_NONE;
    }
    switch ((offset - DRIVER_MAJOR_FUNCTION) / 8) {
    case IRP_MJ_READ:
    case IRP_MJ_WRITE:
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return ROLE_DISPATCH_TRANSFER;
    case IRP_MJ_POWER:
        return ROLE_DISPATCH_POWER;
    default:
        return ROLE_DISPATCH;
    }
}

/* ---- DEVICE_OBJECT, IRP, IO_STACK_LOCATION ---- */

#define LOCATIONS_LOOKED_AT 4 /* how many below the one that a pointer points to */

enum role object_role(enum object_type type, int64_t offset)
{
    switch (type) {
    case OBJECT_DRIVER:
        return driver_role(offset);
    case OBJECT_DRIVER_EXTENSION:
        return offset == EXTENSION_ADD_DEVICE ? ROLE_ADD_DEVICE : ROLE_NONE;
    case OBJECT_DEVICE:
        return offset == DEVICE_DPC_ROUTINE ? ROLE_DPC : ROLE_NONE;
    case OBJECT_IRP:
        return offset == IRP_CANCEL_ROUTINE ? ROLE_CANCEL : ROLE_NONE;
    case OBJECT_STACK_LOCATION:
        for (int below = 0; below <= LOCATIONS_LOOKED_AT; below++) {
            if (offset == LOCATION_COMPLETION - below * LOCATION_BYTES) {
                return ROLE_COMPLETION;
            }
        }
        return ROLE_NONE;
    case OBJECT_FAST_IO:
        return offset >= FAST_IO_FIRST && offset < FAST_IO_BYTES && offset % 8 == 0 ? ROLE_FAST_IO
                                                                                    : ROLE_NONE;
    case OBJECT_UNKNOWN:
    case OBJECT_TYPE_COUNT:
        break;
    }
    return ROLE_NONE;
}

static const struct {
    uint8_t type;
    uint8_t member_type;
    uint16_t offset;
} members[] = {
    {OBJECT_DRIVER, OBJECT_DEVICE, DRIVER_DEVICE},
    {OBJECT_DRIVER, OBJECT_DRIVER_EXTENSION, DRIVER_EXTENSION},
    {OBJECT_DRIVER, OBJECT_FAST_IO, DRIVER_FAST_IO},
    {OBJECT_DRIVER_EXTENSION, OBJECT_DRIVER, EXTENSION_DRIVER},
    {OBJECT_DEVICE, OBJECT_DRIVER, DEVICE_DRIVER},
    {OBJECT_DEVICE, OBJECT_DEVICE, DEVICE_NEXT},
    {OBJECT_DEVICE, OBJECT_DEVICE, DEVICE_ATTACHED},
    {OBJECT_DEVICE, OBJECT_IRP, DEVICE_CURRENT_IRP},
    {OBJECT_IRP, OBJECT_STACK_LOCATION, IRP_STACK_LOCATION},
    {OBJECT_STACK_LOCATION, OBJECT_DEVICE, LOCATION_DEVICE},
};

enum object_type object_member(enum object_type type, int64_t offset)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (members[i].type == type && members[i].offset == offset) {
            return members[i].member_type;
        }
    }
    return OBJECT_UNKNOWN;
}

enum object_type role_argument(enum role role, unsigned argument)
{
    switch (role) {
    case ROLE_DRIVER_ENTRY:
    case ROLE_UNLOAD:
    case ROLE_REINITIALIZE:
        return argument == 0 ? OBJECT_DRIVER : OBJECT_UNKNOWN;
    case ROLE_ADD_DEVICE:
        if (argument == 0) {
            return OBJECT_DRIVER;
        }
        return argument == 1 ? OBJECT_DEVICE : OBJECT_UNKNOWN;
    case ROLE_DISPATCH:
    case ROLE_DISPATCH_TRANSFER:
    case ROLE_DISPATCH_POWER:
    case ROLE_STARTIO:
    case ROLE_CANCEL:
    case ROLE_COMPLETION:
        if (argument == 0) {
            return OBJECT_DEVICE;
        }
        return argument == 1 ? OBJECT_IRP : OBJECT_UNKNOWN;
    default:
        return OBJECT_UNKNOWN;
    }
}
