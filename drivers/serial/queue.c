/* SPDX-License-Identifier: MIT */
/*
 * Requests: how they come in, wait, and end.
 *
 * A request that waits can be cancelled.  Whoever ends one takes its cancel routine away first; who
 * finds none there is too late, and leaves the request to the cancel routine, which is waiting for
 * the lock.  A request that is in no queue any more is linked to itself, so that it can be taken
 * out once more.
 *
 * All of this runs for open ports only.  The dispatch routines in PAGESER are entered with a handle
 * to an open port.  Should another driver send a request without one, the page comes in, since that
 * is at PASSIVE_LEVEL, and the request is refused before a lock is taken.
 */
#include "serial.h"

VOID SerialDetach(PSERIAL_PORT Port, PSERIAL_QUEUE Queue, PIRP Irp);

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialEnter)
#pragma alloc_text(PAGESER, SerialFinish)
#pragma alloc_text(PAGESER, SerialAppend)
#pragma alloc_text(PAGESER, SerialCurrent)
#pragma alloc_text(PAGESER, SerialEnd)
#pragma alloc_text(PAGESER, SerialEndAll)
#pragma alloc_text(PAGESER, SerialComplete)
#pragma alloc_text(PAGESER, SerialSetDeadline)
#pragma alloc_text(PAGESER, SerialIsOver)
#pragma alloc_text(PAGESER, SerialAbort)
#pragma alloc_text(PAGESER, SerialCancel)
#pragma alloc_text(PAGESER, SerialDetach)
#pragma alloc_text(PAGESER, SerialCleanup)
#endif
#endif

/* Where a waiting request keeps the queue that it is in. */
#define QUEUE_OF(Irp) (*(PSERIAL_QUEUE *)&(Irp)->Tail.Overlay.DriverContext[0])

BOOLEAN SerialEnter(PSERIAL_PORT Port, PIRP Irp, PNTSTATUS Status)
{
    *Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);
    Irp->IoStatus.Information = 0;
    if (!NT_SUCCESS(*Status)) {
        Irp->IoStatus.Status = *Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return FALSE;
    }
    if (!Port->Open || !NT_SUCCESS(Port->Refusal)) {
        *Status = Port->Open ? Port->Refusal : STATUS_DEVICE_NOT_READY;
        SerialFinish(Port, Irp, *Status, 0);
        return FALSE;
    }
    return TRUE;
}

NTSTATUS SerialFinish(PSERIAL_PORT Port, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}

VOID SerialAppend(PSERIAL_PORT Port, PSERIAL_QUEUE Queue, PIRP Irp, PLIST_ENTRY Done)
{
    IoMarkIrpPending(Irp);
    Irp->IoStatus.Status = Port->Refusal;
    Irp->IoStatus.Information = 0;
    if (!NT_SUCCESS(Port->Refusal)) {
        InsertTailList(Done, &Irp->Tail.Overlay.ListEntry);
        return;
    }
    QUEUE_OF(Irp) = Queue;
    IoSetCancelRoutine(Irp, SerialCancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL)) {
        Irp->IoStatus.Status = STATUS_CANCELLED;
        InsertTailList(Done, &Irp->Tail.Overlay.ListEntry);
        return;
    }
    InsertTailList(&Queue->Irps, &Irp->Tail.Overlay.ListEntry);
}

PIRP SerialCurrent(PSERIAL_QUEUE Queue)
{
    if (IsListEmpty(&Queue->Irps)) {
        return NULL;
    }
    return CONTAINING_RECORD(Queue->Irps.Flink, IRP, Tail.Overlay.ListEntry);
}

VOID SerialEnd(PSERIAL_QUEUE Queue, PLIST_ENTRY Done, NTSTATUS Status)
{
    PIRP Irp = SerialCurrent(Queue);
    PLIST_ENTRY Entry = &Irp->Tail.Overlay.ListEntry;

    Queue->Started = FALSE;
    if (Queue->Deadline) {
        Queue->Deadline = 0;
        KeCancelTimer(&Queue->Timer);
    }
    RemoveEntryList(Entry);
    InitializeListHead(Entry);
    Irp->IoStatus.Status = Status;
    if (IoSetCancelRoutine(Irp, NULL)) {
        InsertTailList(Done, Entry);
    }
}

/* The current request leaves before its time. */
VOID SerialDetach(PSERIAL_PORT Port, PSERIAL_QUEUE Queue, PIRP Irp)
{
    if (!Queue->Started || Irp != SerialCurrent(Queue)) {
        return;
    }
    if (Queue == &Port->Writes) {
        SerialWithdrawWrite(Port);
    } else if (Queue == &Port->Immediates) {
        SerialWithdrawImmediate(Port);
    }
    Queue->Started = FALSE;
    if (Queue->Deadline) {
        Queue->Deadline = 0;
        KeCancelTimer(&Queue->Timer);
    }
}

VOID SerialEndAll(PSERIAL_PORT Port, PSERIAL_QUEUE Queue, PLIST_ENTRY Done, NTSTATUS Status)
{
    for (PIRP Irp = SerialCurrent(Queue); Irp; Irp = SerialCurrent(Queue)) {
        SerialDetach(Port, Queue, Irp);
        SerialEnd(Queue, Done, Status);
    }
}

VOID SerialComplete(PSERIAL_PORT Port, PLIST_ENTRY Done)
{
    while (!IsListEmpty(Done)) {
        PLIST_ENTRY Entry = RemoveHeadList(Done);
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);

        IoCompleteRequest(Irp, IO_SERIAL_INCREMENT);
        IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    }
}

VOID SerialCancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    PSERIAL_QUEUE Queue = QUEUE_OF(Irp);
    LIST_ENTRY Done;
    KIRQL Irql;

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    SerialDetach(Port, Queue, Irp);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    Irp->IoStatus.Status = STATUS_CANCELLED;
    InsertTailList(&Done, &Irp->Tail.Overlay.ListEntry);
    if (Queue == &Port->Reads) {
        SerialServeReads(Port, &Done);
    } else if (Queue == &Port->Writes) {
        SerialServeWrites(Port, &Done);
    }
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
}

/* A timer whose DPC was already queued when its request ended fires for the next one: so each looks
 * whether it is time. */
VOID SerialSetDeadline(PSERIAL_QUEUE Queue, ULONG64 Milliseconds)
{
    LARGE_INTEGER Due;

    Due.QuadPart = -(LONGLONG)(Milliseconds * SERIAL_MILLISECOND);
    Queue->Deadline = KeQueryInterruptTime() + Milliseconds * SERIAL_MILLISECOND;
    KeSetTimer(&Queue->Timer, Due, &Queue->Dpc);
}

BOOLEAN SerialIsOver(ULONG64 Deadline)
{
    return Deadline && KeQueryInterruptTime() >= Deadline;
}

VOID SerialAbort(PSERIAL_PORT Port, NTSTATUS Status)
{
    LIST_ENTRY Done;
    KIRQL Irql, InterruptIrql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    Port->Refusal = Status;
    if (Status == STATUS_DEVICE_REMOVED) {
        InterruptIrql = SerialLockInterrupt(Port);
        Port->Powered = FALSE;
        SerialUnlockInterrupt(Port, InterruptIrql);
    }
    SerialEndAll(Port, &Port->Reads, &Done, Status);
    SerialEndAll(Port, &Port->Writes, &Done, Status);
    SerialEndAll(Port, &Port->Immediates, &Done, Status);
    SerialEndAll(Port, &Port->Waits, &Done, Status);
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
}

/* The program's last handle is closed: nobody waits for an answer any more. */
NTSTATUS SerialCleanup(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;

    if (Port->Open) {
        SerialAbort(Port, NT_SUCCESS(Port->Refusal) ? STATUS_CANCELLED : Port->Refusal);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
