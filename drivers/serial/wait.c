/* SPDX-License-Identifier: MIT */
/* Waiting for events on the line: a mask of those that count, and one request that is told. */
#include "serial.h"

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialWaitOnMask)
#pragma alloc_text(PAGESER, SerialServeWaits)
#pragma alloc_text(PAGESER, SerialSetWaitMask)
#pragma alloc_text(PAGESER, SerialGetWaitMask)
#endif
#endif

/* Also those that this chip never has, such as a printer's errors. */
#define EVENTS 0x1fff

NTSTATUS SerialWaitOnMask(PSERIAL_PORT Port, PIRP Irp)
{
    LIST_ENTRY Done;
    KIRQL Irql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    if (!Port->WaitMask || SerialCurrent(&Port->Waits)) {
        KeReleaseSpinLock(&Port->Lock, Irql);
        return SerialFinish(Port, Irp, STATUS_INVALID_PARAMETER, 0);
    }
    SerialAppend(Port, &Port->Waits, Irp, &Done);
    SerialServeWaits(Port, &Done);
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
    return STATUS_PENDING;
}

VOID SerialServeWaits(PSERIAL_PORT Port, PLIST_ENTRY Done)
{
    PIRP Irp = SerialCurrent(&Port->Waits);
    ULONG Events;
    KIRQL Irql;

    if (!Irp) {
        return;
    }
    Irql = SerialLockInterrupt(Port);
    Events = Port->Events;
    Port->Events = 0;
    SerialUnlockInterrupt(Port, Irql);
    if (Events) {
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = Events;
        Irp->IoStatus.Information = sizeof(ULONG);
        SerialEnd(&Port->Waits, Done, STATUS_SUCCESS);
    }
}

/* What happened under the old mask is forgotten; who waits for it is told that nothing did. */
NTSTATUS SerialSetWaitMask(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    ULONG Mask = *(PULONG)Buffer;
    PIRP Irp = SerialCurrent(&Port->Waits);
    KIRQL Irql;

    if (Mask & ~EVENTS) {
        return STATUS_INVALID_PARAMETER;
    }
    Irql = SerialLockInterrupt(Port);
    Port->WaitMask = Mask;
    Port->Events = 0;
    SerialUnlockInterrupt(Port, Irql);
    if (Irp) {
        *(PULONG)Irp->AssociatedIrp.SystemBuffer = 0;
        Irp->IoStatus.Information = sizeof(ULONG);
        SerialEnd(&Port->Waits, Done, STATUS_SUCCESS);
    }
    return STATUS_SUCCESS;
}

NTSTATUS SerialGetWaitMask(PSERIAL_PORT Port, PVOID Buffer, PLIST_ENTRY Done)
{
    UNREFERENCED_PARAMETER(Done);
    *(PULONG)Buffer = Port->WaitMask;
    return STATUS_SUCCESS;
}
