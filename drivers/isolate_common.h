/* SPDX-License-Identifier: MIT */
/*
 * What the three isolate_*.sys drivers share.
 *
 * Each driver makes two devices.  The *upper* one is what a program opens; a device control on it
 * runs IsolateMount, the routine that "Isolating Pageable Code" (Windows driver documentation)
 * takes as its example.  The *lower* one is the device that the routine sends its request to; it
 * pends the request and completes it later from a DPC, as a device would.
 *
 * The drivers differ in one thing: in which section IsolateMount and the lines under the spin lock
 * lie.
 */
#ifndef ISOLATE_COMMON_H
#define ISOLATE_COMMON_H

#include <ntddk.h>

/* Gives the driver's own reference to the lower device back; any other code runs IsolateMount. */
#define IOCTL_ISOLATE_RETIRE CTL_CODE(FILE_DEVICE_UNKNOWN, 0x8ff, METHOD_BUFFERED, FILE_ANY_ACCESS)

enum isolate_role { IsolateUpper, IsolateLower };

/* Device extensions come from nonpaged pool, so everything here may be touched at any IRQL. */
struct isolate_extension {
    enum isolate_role Role;

    /* Upper device only. */
    PDEVICE_OBJECT Lower; /* NULL once retired; under IsolateDatabaseLock */

    /*
     * Lower device only.  A driver may not change DEVICE_OBJECT.ReferenceCount, which is the I/O
     * manager's, so the count of the documents' fragment lives here: one reference for as long as
     * the driver offers the device, one for each mount that uses it.
     */
    LONG ReferenceCount; /* under IsolateDatabaseLock */
    KSPIN_LOCK QueueLock;
    LIST_ENTRY Queue; /* pended requests, oldest first; under QueueLock */
    KDPC CompletionDpc;
};

/* The fragment's IopDatabaseLock: guards who refers to which lower device. */
extern KSPIN_LOCK IsolateDatabaseLock;

/* Creates both devices and fills the dispatch table; for DriverEntry. */
NTSTATUS IsolateInitialize(PDRIVER_OBJECT DriverObject, PCWSTR DeviceName, PCWSTR LinkName);

/* Takes a reference that IsolateMount drops; NULL if the lower device was retired. */
PDEVICE_OBJECT IsolateReferenceLower(PDEVICE_OBJECT Upper);

/*
 * The documents' routine, in a file of each driver's own.  Runs at PASSIVE_LEVEL; uses up one
 * reference to DeviceObject and deletes the device if that was the last one.
 */
NTSTATUS IsolateMount(PDEVICE_OBJECT DeviceObject);

#endif
