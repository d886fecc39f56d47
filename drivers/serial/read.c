/* SPDX-License-Identifier: MIT */
/*
 * Reads.  The service routine puts what comes into the ring; a read takes from there, when it comes
 * and whenever there is more, and ends when it is full or by one of its timeouts:
 *
 *   interval   so long after the last byte that it got
 *   total      so long after it became the current one: a constant, and a multiple of its length
 *   at once    interval MAXULONG and no total: with what is there
 *   first      interval and multiplier MAXULONG: with what is there, or with the first that comes
 *              within the constant
 */
#include "serial.h"

VOID SerialStartRead(PSERIAL_PORT Port, PIRP Irp);
BOOLEAN SerialFillRead(PSERIAL_PORT Port, PIRP Irp);
VOID SerialRestartInterval(PSERIAL_PORT Port);
VOID SerialExpireRead(PSERIAL_PORT Port, ULONG64 *Deadline);

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialRead)
#pragma alloc_text(PAGESER, SerialStartRead)
#pragma alloc_text(PAGESER, SerialFillRead)
#pragma alloc_text(PAGESER, SerialRestartInterval)
#pragma alloc_text(PAGESER, SerialServeReads)
#pragma alloc_text(PAGESER, SerialExpireRead)
#pragma alloc_text(PAGESER, SerialReadExpired)
#pragma alloc_text(PAGESER, SerialIntervalExpired)
#endif
#endif

NTSTATUS SerialRead(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    LIST_ENTRY Done;
    NTSTATUS Status;
    KIRQL Irql;

    if (!SerialEnter(Port, Irp, &Status)) {
        return Status;
    }
    if (Port->Aborted) {
        return SerialFinish(Port, Irp, STATUS_CANCELLED, 0);
    }
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length == 0) {
        return SerialFinish(Port, Irp, STATUS_SUCCESS, 0);
    }
    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    SerialAppend(Port, &Port->Reads, Irp, &Done);
    SerialServeReads(Port, &Done);
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
    return STATUS_PENDING;
}

VOID SerialStartRead(PSERIAL_PORT Port, PIRP Irp)
{
    const SERIAL_TIMEOUTS *Set = &Port->Timeouts;
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    ULONG64 Total =
        (ULONG64)Set->ReadTotalTimeoutMultiplier * Length + Set->ReadTotalTimeoutConstant;

    Port->Reads.Started = TRUE;
    Port->ReadMode = SerialReadAll;
    Port->ReadSeen = 0;
    Port->ReadInterval = Set->ReadIntervalTimeout;
    Port->IntervalDeadline = 0;
    if (Set->ReadIntervalTimeout == MAXULONG) {
        Port->ReadInterval = 0;
        if (Total == 0) {
            Port->ReadMode = SerialReadPresent;
        } else if (Set->ReadTotalTimeoutMultiplier == MAXULONG) {
            Port->ReadMode = SerialReadFirst;
            Total = Set->ReadTotalTimeoutConstant;
        }
    }
    if (Total) {
        SerialSetDeadline(&Port->Reads, Total);
    }
}

/* TRUE when that ends the read. */
BOOLEAN SerialFillRead(PSERIAL_PORT Port, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    PUCHAR To = Irp->AssociatedIrp.SystemBuffer;
    ULONG Buffered = SerialBuffered(Port);

    while (Irp->IoStatus.Information < Length && Buffered) {
        ULONG At = Port->Out & (Port->RingSize - 1);
        ULONG Count = Port->RingSize - At; /* up to where the ring closes */

        Count = Count < Buffered ? Count : Buffered;
        if (Count > Length - Irp->IoStatus.Information) {
            Count = Length - (ULONG)Irp->IoStatus.Information;
        }
        RtlCopyMemory(To + Irp->IoStatus.Information, Port->Ring + At, Count);
        Irp->IoStatus.Information += Count;
        Port->Out += Count;
        Buffered -= Count;
    }
    return Irp->IoStatus.Information == Length || Port->ReadMode == SerialReadPresent ||
           (Port->ReadMode == SerialReadFirst && Irp->IoStatus.Information);
}

VOID SerialRestartInterval(PSERIAL_PORT Port)
{
    ULONG64 Units = Port->ReadInterval * SERIAL_MILLISECOND;
    LARGE_INTEGER Due;

    Due.QuadPart = -(LONGLONG)Units;
    Port->IntervalDeadline = KeQueryInterruptTime() + Units;
    KeSetTimer(&Port->IntervalTimer, Due, &Port->IntervalDpc);
}

VOID SerialServeReads(PSERIAL_PORT Port, PLIST_ENTRY Done)
{
    KIRQL Irql;
    PIRP Irp;

    while ((Irp = SerialCurrent(&Port->Reads)) != NULL) {
        if (!Port->Reads.Started) {
            SerialStartRead(Port, Irp);
        }
        if (!SerialFillRead(Port, Irp)) {
            if (Port->ReadInterval && Port->ReadSeen != Irp->IoStatus.Information) {
                Port->ReadSeen = (ULONG)Irp->IoStatus.Information;
                SerialRestartInterval(Port);
            }
            break;
        }
        Port->IntervalDeadline = 0;
        SerialEnd(&Port->Reads, Done, STATUS_SUCCESS);
    }
    /* Without the lock of the interrupt: nobody but a reader makes room. */
    if (Port->InputHeld && SerialBuffered(Port) <= (ULONG)Port->HandFlow.XonLimit) {
        Irql = SerialLockInterrupt(Port);
        SerialReleaseInput(Port);
        SerialUnlockInterrupt(Port, Irql);
    }
}

/* A timer of the current read, or of one that is over by now. */
VOID SerialExpireRead(PSERIAL_PORT Port, ULONG64 *Deadline)
{
    LIST_ENTRY Done;
    KIRQL Irql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    SerialServeReads(Port, &Done); /* a byte may have come that nobody has seen */
    if (Port->Reads.Started && SerialIsOver(*Deadline)) {
        Port->IntervalDeadline = 0;
        SerialEnd(&Port->Reads, &Done, STATUS_TIMEOUT);
        SerialServeReads(Port, &Done);
    }
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
}

VOID SerialReadExpired(PSERIAL_PORT Port)
{
    SerialExpireRead(Port, &Port->Reads.Deadline);
}

VOID SerialIntervalExpired(PSERIAL_PORT Port)
{
    SerialExpireRead(Port, &Port->IntervalDeadline);
}
