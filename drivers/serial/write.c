/* SPDX-License-Identifier: MIT */
/*
 * Writes and flushes, and the immediate character.
 *
 * The service routine takes the bytes out of the current write's buffer; a write is over when the
 * last of them is in the chip.  A flush is over when it is current and the chip's FIFO is empty.
 */
#include "serial.h"

VOID SerialGiveWrite(PSERIAL_PORT Port, PIRP Irp);

#ifdef ALLOC_PRAGMA
#ifndef SERIAL_ENTIRE
#pragma alloc_text(PAGESER, SerialWrite)
#pragma alloc_text(PAGESER, SerialGiveWrite)
#pragma alloc_text(PAGESER, SerialServeWrites)
#pragma alloc_text(PAGESER, SerialWithdrawWrite)
#pragma alloc_text(PAGESER, SerialWriteExpired)
#pragma alloc_text(PAGESER, SerialImmediate)
#pragma alloc_text(PAGESER, SerialServeImmediates)
#pragma alloc_text(PAGESER, SerialWithdrawImmediate)
#pragma alloc_text(PAGESER, SerialToggleExpired)
#pragma alloc_text(PAGESER, SerialServe)
#endif
#endif

NTSTATUS SerialWrite(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    LIST_ENTRY Done;
    NTSTATUS Status;
    KIRQL Irql;

    if (!SerialEnter(Port, Irp, &Status)) {
        return Status;
    }
    if (Port->Aborted) {
        return SerialFinish(Port, Irp, STATUS_CANCELLED, 0);
    }
    if (Stack->MajorFunction == IRP_MJ_WRITE && Stack->Parameters.Write.Length == 0) {
        return SerialFinish(Port, Irp, STATUS_SUCCESS, 0);
    }
    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    SerialAppend(Port, &Port->Writes, Irp, &Done);
    SerialServeWrites(Port, &Done);
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
    return STATUS_PENDING;
}

VOID SerialGiveWrite(PSERIAL_PORT Port, PIRP Irp)
{
    const SERIAL_TIMEOUTS *Set = &Port->Timeouts;
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    ULONG64 Total =
        (ULONG64)Set->WriteTotalTimeoutMultiplier * Length + Set->WriteTotalTimeoutConstant;
    KIRQL Irql;

    Port->Writes.Started = TRUE;
    if (Total) {
        SerialSetDeadline(&Port->Writes, Total);
    }
    Irql = SerialLockInterrupt(Port);
    Port->Next = Irp->AssociatedIrp.SystemBuffer;
    Port->Left = Length;
    SerialKick(Port);
    SerialUnlockInterrupt(Port, Irql);
}

VOID SerialServeWrites(PSERIAL_PORT Port, PLIST_ENTRY Done)
{
    PIRP Irp;

    while ((Irp = SerialCurrent(&Port->Writes)) != NULL) {
        PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

        if (Stack->MajorFunction == IRP_MJ_FLUSH_BUFFERS) {
            if (!Port->Idle) {
                break;
            }
        } else {
            if (!Port->Writes.Started) {
                SerialGiveWrite(Port, Irp);
            }
            if (Port->Left) {
                break;
            }
            Irp->IoStatus.Information = Stack->Parameters.Write.Length;
        }
        SerialEnd(&Port->Writes, Done, STATUS_SUCCESS);
    }
}

VOID SerialWithdrawWrite(PSERIAL_PORT Port)
{
    PIRP Irp = SerialCurrent(&Port->Writes);
    KIRQL Irql = SerialLockInterrupt(Port);

    Irp->IoStatus.Information =
        IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length - Port->Left;
    Port->Left = 0;
    Port->Next = NULL;
    SerialUnlockInterrupt(Port, Irql);
}

VOID SerialWriteExpired(PSERIAL_PORT Port)
{
    LIST_ENTRY Done;
    KIRQL Irql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    SerialServeWrites(Port, &Done); /* the last byte may just have gone */
    if (Port->Writes.Started && SerialIsOver(Port->Writes.Deadline)) {
        SerialWithdrawWrite(Port);
        SerialEnd(&Port->Writes, &Done, STATUS_TIMEOUT);
        SerialServeWrites(Port, &Done);
    }
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
}

/* ---- a character before all writes ---- */

NTSTATUS SerialImmediate(PSERIAL_PORT Port, PIRP Irp, UCHAR Character)
{
    LIST_ENTRY Done;
    KIRQL Irql, InterruptIrql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    if (SerialCurrent(&Port->Immediates)) {
        KeReleaseSpinLock(&Port->Lock, Irql);
        return SerialFinish(Port, Irp, STATUS_INVALID_PARAMETER, 0);
    }
    SerialAppend(Port, &Port->Immediates, Irp, &Done);
    if (SerialCurrent(&Port->Immediates)) {
        Port->Immediates.Started = TRUE;
        InterruptIrql = SerialLockInterrupt(Port);
        Port->Immediate = Character;
        Port->ImmediatePending = TRUE;
        SerialKick(Port);
        SerialUnlockInterrupt(Port, InterruptIrql);
    }
    SerialServeImmediates(Port, &Done);
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
    return STATUS_PENDING;
}

VOID SerialServeImmediates(PSERIAL_PORT Port, PLIST_ENTRY Done)
{
    if (Port->Immediates.Started && !Port->ImmediatePending) {
        SerialEnd(&Port->Immediates, Done, STATUS_SUCCESS);
    }
}

VOID SerialWithdrawImmediate(PSERIAL_PORT Port)
{
    KIRQL Irql = SerialLockInterrupt(Port);

    Port->ImmediatePending = FALSE;
    SerialUnlockInterrupt(Port, Irql);
}

/* ---- what the DPC does ---- */

/* RTS falls when the last bit is out, for which there is no interrupt. */
VOID SerialToggleExpired(PSERIAL_PORT Port)
{
    BOOLEAN Again = FALSE;
    LARGE_INTEGER Character;
    KIRQL Irql, InterruptIrql;

    KeAcquireSpinLock(&Port->Lock, &Irql);
    InterruptIrql = SerialLockInterrupt(Port);
    if (Port->Powered && Port->Idle && !Port->Left &&
        (Port->HandFlow.FlowReplace & SERIAL_RTS_MASK) == SERIAL_TRANSMIT_TOGGLE) {
        UCHAR Lsr = SerialIn(Port, SERIAL_LSR);

        SerialLineStatus(Port, Lsr); /* what was read is forgotten by the chip */
        if (Lsr & LSR_IDLE) {
            SerialSetMcr(Port, Port->Mcr & ~MCR_RTS);
        } else {
            Again = TRUE;
        }
    }
    SerialUnlockInterrupt(Port, InterruptIrql);
    if (Again) {
        Character.QuadPart = -(12 * 1000 * SERIAL_MILLISECOND / (LONGLONG)Port->Baud + 1);
        KeSetTimer(&Port->ToggleTimer, Character, &Port->ToggleDpc);
    }
    KeReleaseSpinLock(&Port->Lock, Irql);
}

VOID SerialServe(PSERIAL_PORT Port, LONG Work)
{
    LIST_ENTRY Done;
    KIRQL Irql;

    InitializeListHead(&Done);
    KeAcquireSpinLock(&Port->Lock, &Irql);
    if (Work & SERIAL_WORK_ABORT) {
        SerialEndAll(Port, &Port->Reads, &Done, STATUS_CANCELLED);
        SerialEndAll(Port, &Port->Writes, &Done, STATUS_CANCELLED);
    }
    if (Work & SERIAL_WORK_RECEIVED) {
        SerialServeReads(Port, &Done);
    }
    if (Work & SERIAL_WORK_SENT) {
        SerialServeWrites(Port, &Done);
    }
    if (Work & SERIAL_WORK_IMMEDIATE) {
        SerialServeImmediates(Port, &Done);
    }
    if (Work & SERIAL_WORK_EVENT) {
        SerialServeWaits(Port, &Done);
    }
    KeReleaseSpinLock(&Port->Lock, Irql);
    SerialComplete(Port, &Done);
    if (Work & SERIAL_WORK_TOGGLE) {
        SerialToggleExpired(Port);
    }
}
