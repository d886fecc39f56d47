/* SPDX-License-Identifier: MIT */
/*
 * Ports open and close.  Both routines must be there when nothing else is: they are in PAGESRP0,
 * and run for a program's thread at PASSIVE_LEVEL.
 *
 * A port is open to one program at a time.  On the way in the code is made resident before anything
 * can call it: before the chip may interrupt, and before the program gets its handle.  On the way
 * out it is the reverse: requests are over (SerialCleanup), the chip is quiet, timers are
 * cancelled, DPC routines that were queued have run; only then may the code leave.
 */
#include "serial.h"

NTSTATUS SerialOpenPort(PSERIAL_PORT Port);
VOID SerialDrain(PSERIAL_PORT Port);
VOID SerialClosePort(PSERIAL_PORT Port);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGESRP0, SerialOpenPort)
#pragma alloc_text(PAGESRP0, SerialDrain)
#pragma alloc_text(PAGESRP0, SerialClosePort)
#pragma alloc_text(PAGESRP0, SerialCreate)
#pragma alloc_text(PAGESRP0, SerialClose)
#endif

/* Ports are locked. */
NTSTATUS SerialOpenPort(PSERIAL_PORT Port)
{
    NTSTATUS Status = STATUS_SUCCESS;

    PAGED_CODE();

    if (Port->Open) {
        return STATUS_ACCESS_DENIED;
    }
    if (Port->Pnp != SerialStarted || Port->Power != PowerDeviceD0) {
        return STATUS_DEVICE_NOT_READY;
    }
    Port->Ring = ExAllocatePoolWithTag(NonPagedPool, SERIAL_RING_BYTES, SERIAL_TAG);
    if (!Port->Ring) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Port->RingSize = SERIAL_RING_BYTES;

    SerialHoldCode(Port->Driver);
#ifdef SERIAL_ENTIRE
    /* All of the driver is resident now: an interrupt may come. */
    Status = SerialConnect(Port);
    if (!NT_SUCCESS(Status)) {
        SerialReleaseCode(Port->Driver);
        ExFreePoolWithTag(Port->Ring, SERIAL_TAG);
        return Status;
    }
#endif
    SerialSetDefaults(Port);
    KeSynchronizeExecution(Port->Interrupt, SerialProgram, Port);
    Port->Refusal = STATUS_SUCCESS;
    Port->Open = TRUE;
    return Status;
}

NTSTATUS SerialCreate(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    NTSTATUS Status;

    PAGED_CODE();

    Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);
    Irp->IoStatus.Information = 0;
    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Create.Options & FILE_DIRECTORY_FILE) {
        return SerialAnswer(Port, Irp, STATUS_NOT_A_DIRECTORY);
    }
    SerialLockPorts(Port->Driver);
    Status = SerialOpenPort(Port);
    SerialUnlockPorts(Port->Driver);
    return SerialAnswer(Port, Irp, Status);
}

/* What is in the chip's FIFO still goes out, before RTS and DTR fall: a character's time at a time,
 * for as long as a full FIFO can take and no longer. */
VOID SerialDrain(PSERIAL_PORT Port)
{
    LARGE_INTEGER Character;

    PAGED_CODE();

    /* Twelve bits at the most, in units of 100 ns, counted backwards: from now. */
    Character.QuadPart = -(12 * 1000 * SERIAL_MILLISECOND / (LONGLONG)Port->Baud + 1);
    for (ULONG i = 0; i <= SERIAL_FIFO_BYTES && !SerialIsDrained(Port); i++) {
        KeDelayExecutionThread(KernelMode, FALSE, &Character);
    }
}

/* Ports are locked. */
VOID SerialClosePort(PSERIAL_PORT Port)
{
    PAGED_CODE();

    if (Port->Interrupt) {
        KeSynchronizeExecution(Port->Interrupt, SerialQuiet, Port);
    }
    KeCancelTimer(&Port->Reads.Timer);
    KeCancelTimer(&Port->Writes.Timer);
    KeCancelTimer(&Port->IntervalTimer);
    KeCancelTimer(&Port->ToggleTimer);
    KeFlushQueuedDpcs();
#ifdef SERIAL_ENTIRE
    SerialDisconnect(Port);
#endif
    ExFreePoolWithTag(Port->Ring, SERIAL_TAG);
    Port->Ring = NULL;
    Port->Refusal = STATUS_DEVICE_NOT_READY;
    Port->Open = FALSE;
    SerialReleaseCode(Port->Driver);
}

NTSTATUS SerialClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;

    PAGED_CODE();

    /* No remove lock: the device stays for as long as a file on it is open. */
    SerialDrain(Port);
    SerialLockPorts(Port->Driver);
    SerialClosePort(Port);
    SerialUnlockPorts(Port->Driver);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
