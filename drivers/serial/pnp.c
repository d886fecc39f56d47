/* SPDX-License-Identifier: MIT */
/*
 * Plug and play.  All of it runs at PASSIVE_LEVEL in a system thread and is always pageable: what
 * it does to the chip it has done by routines that are resident.
 */
#include "serial.h"

NTSTATUS SerialStart(PSERIAL_PORT Port, PIRP Irp);
NTSTATUS SerialTakeResources(PSERIAL_PORT Port, PCM_RESOURCE_LIST List);
NTSTATUS SerialProbe(PSERIAL_PORT Port);
VOID SerialStop(PSERIAL_PORT Port);
VOID SerialSurprise(PSERIAL_PORT Port);
NTSTATUS SerialRemove(PSERIAL_PORT Port, PIRP Irp);
NTSTATUS SerialQueryStop(PSERIAL_PORT Port);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGESRP0, SerialPnp)
#pragma alloc_text(PAGESRP0, SerialAnswer)
#pragma alloc_text(PAGESRP0, SerialPass)
#pragma alloc_text(PAGESRP0, SerialSystemControl)
#pragma alloc_text(PAGESRP0, SerialInternalControl)
#pragma alloc_text(PAGESRP0, SerialStart)
#pragma alloc_text(PAGESRP0, SerialTakeResources)
#pragma alloc_text(PAGESRP0, SerialProbe)
#pragma alloc_text(PAGESRP0, SerialConnect)
#pragma alloc_text(PAGESRP0, SerialDisconnect)
#pragma alloc_text(PAGESRP0, SerialStop)
#pragma alloc_text(PAGESRP0, SerialSurprise)
#pragma alloc_text(PAGESRP0, SerialRemove)
#pragma alloc_text(PAGESRP0, SerialQueryStop)
#endif

/* ---- resources ---- */

NTSTATUS SerialTakeResources(PSERIAL_PORT Port, PCM_RESOURCE_LIST List)
{
    PCM_PARTIAL_RESOURCE_LIST Partial;
    BOOLEAN HaveRegisters = FALSE, HaveInterrupt = FALSE;

    PAGED_CODE();

    if (!List || List->Count == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Partial = &List->List[0].PartialResourceList;
    for (ULONG i = 0; i < Partial->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR Part = &Partial->PartialDescriptors[i];

        switch (Part->Type) {
        case CmResourceTypePort:
            if (!HaveRegisters && Part->u.Port.Length >= SERIAL_REGISTERS) {
                Port->Base = (PUCHAR)(ULONG_PTR)Part->u.Port.Start.QuadPart;
                Port->InMemory = FALSE;
                HaveRegisters = TRUE;
            }
            break;
        case CmResourceTypeMemory:
            if (!HaveRegisters && Part->u.Memory.Length >= SERIAL_REGISTERS) {
                Port->Base = MmMapIoSpace(Part->u.Memory.Start, Part->u.Memory.Length, MmNonCached);
                Port->InMemory = TRUE;
                Port->MappedBytes = Port->Base ? Part->u.Memory.Length : 0;
                HaveRegisters = Port->Base != NULL;
            }
            break;
        case CmResourceTypeInterrupt:
            Port->Vector = Part->u.Interrupt.Vector;
            Port->Irql = (KIRQL)Part->u.Interrupt.Level;
            Port->Affinity = Part->u.Interrupt.Affinity;
            Port->Mode = Part->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
            Port->Shared = Part->ShareDisposition == CmResourceShareShared;
            HaveInterrupt = TRUE;
            break;
        default:
            break;
        }
    }
    return HaveRegisters && HaveInterrupt ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* Whether there is a chip: the interrupt enable register keeps what is written, in its lower half.
 */
NTSTATUS SerialProbe(PSERIAL_PORT Port)
{
    UCHAR On, Off;

    PAGED_CODE();

    SerialOut(Port, SERIAL_LCR, 0);
    SerialOut(Port, SERIAL_MCR, 0); /* the way to the interrupt line stays shut */
    SerialOut(Port, SERIAL_IER, IER_ALL);
    On = SerialIn(Port, SERIAL_IER);
    SerialOut(Port, SERIAL_IER, 0);
    Off = SerialIn(Port, SERIAL_IER);
    return On == IER_ALL && Off == 0 ? STATUS_SUCCESS : STATUS_NO_SUCH_DEVICE;
}

/* ---- the interrupt ---- */

NTSTATUS SerialConnect(PSERIAL_PORT Port)
{
    PAGED_CODE();

    return IoConnectInterrupt(&Port->Interrupt, SerialInterrupt, Port, NULL, Port->Vector,
                              Port->Irql, Port->Irql, Port->Mode, Port->Shared, Port->Affinity,
                              FALSE);
}

/* Requests that are under way keep the interrupt out by its lock, and hold Port->Lock for that: so
 * nobody is inside when it goes.  The chip is quiet or gone. */
VOID SerialDisconnect(PSERIAL_PORT Port)
{
    PKINTERRUPT Interrupt = Port->Interrupt;

    PAGED_CODE();

    if (Interrupt) {
        SerialForgetInterrupt(Port);
        IoDisconnectInterrupt(Interrupt);
    }
}

/* ---- start, stop, removal ---- */

NTSTATUS SerialStart(PSERIAL_PORT Port, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status;

    PAGED_CODE();

    /* Those below first: there is no bus without them. */
    if (!IoForwardIrpSynchronously(Port->Lower, Irp)) {
        return STATUS_UNSUCCESSFUL;
    }
    Status = Irp->IoStatus.Status;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = SerialTakeResources(Port, Stack->Parameters.StartDevice.AllocatedResourcesTranslated);
    if (NT_SUCCESS(Status)) {
        Status = SerialProbe(Port);
    }
#ifndef SERIAL_ENTIRE
    /* Interrupts come from now on, for other ports on the line if not for this one. */
    if (NT_SUCCESS(Status)) {
        Status = SerialConnect(Port);
    }
#endif
    if (NT_SUCCESS(Status) && !Port->Named) {
        Status = SerialName(Port);
    }
    if (!NT_SUCCESS(Status)) {
        SerialStop(Port);
        return Status;
    }
    Port->Pnp = SerialStarted;
    return STATUS_SUCCESS;
}

/* Give the resources back.  The port is closed, or its hardware is gone. */
VOID SerialStop(PSERIAL_PORT Port)
{
    PAGED_CODE();

    SerialLockPorts(Port->Driver);
    SerialDisconnect(Port);
    SerialUnlockPorts(Port->Driver);
    if (Port->MappedBytes) {
        MmUnmapIoSpace(Port->Base, Port->MappedBytes);
        Port->MappedBytes = 0;
    }
    Port->Base = NULL;
    if (Port->Pnp == SerialStarted) {
        Port->Pnp = SerialStopped;
    }
}

NTSTATUS SerialQueryStop(PSERIAL_PORT Port)
{
    NTSTATUS Status;

    PAGED_CODE();

    SerialLockPorts(Port->Driver);
    Status = Port->Open ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
    SerialUnlockPorts(Port->Driver);
    return Status;
}

/*
 * The hardware is gone.  A program may still have the port open: what it waits for ends now, and
 * what it asks for later is refused.  The code for open ports stays until it closes the port.
 */
VOID SerialSurprise(PSERIAL_PORT Port)
{
    PAGED_CODE();

    Port->Pnp = SerialSurprised;
    SerialUnname(Port);
    SerialLockPorts(Port->Driver);
    if (Port->Open) {
        SerialAbort(Port, STATUS_DEVICE_REMOVED);
    }
    SerialDisconnect(Port);
    SerialUnlockPorts(Port->Driver);
}

NTSTATUS SerialRemove(PSERIAL_PORT Port, PIRP Irp)
{
    PDEVICE_OBJECT Device = Port->Device, Lower = Port->Lower;
    NTSTATUS Status;

    PAGED_CODE();

    IoReleaseRemoveLockAndWait(&Port->RemoveLock, Irp);
    SerialUnname(Port);
    SerialStop(Port);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Lower, Irp);
    IoDetachDevice(Lower);
    IoDeleteDevice(Device);
    return Status;
}

/* ---- dispatch ---- */

NTSTATUS SerialAnswer(PSERIAL_PORT Port, PIRP Irp, NTSTATUS Status)
{
    PAGED_CODE();

    Irp->IoStatus.Status = Status;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}

NTSTATUS SerialPass(PSERIAL_PORT Port, PIRP Irp)
{
    NTSTATUS Status;

    PAGED_CODE();

    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Port->Lower, Irp);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}

NTSTATUS SerialPnp(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    NTSTATUS Status;

    PAGED_CODE();

    Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    switch (IoGetCurrentIrpStackLocation(Irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        Status = SerialStart(Port, Irp);
        return SerialAnswer(Port, Irp, Status);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
        Status = SerialQueryStop(Port);
        if (!NT_SUCCESS(Status)) {
            return SerialAnswer(Port, Irp, Status);
        }
        break;
    case IRP_MN_STOP_DEVICE:
        SerialStop(Port);
        break;
    case IRP_MN_SURPRISE_REMOVAL:
        SerialSurprise(Port);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return SerialRemove(Port, Irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        break;
    default: /* as it is: what we do not know is for those below */
        return SerialPass(Port, Irp);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    return SerialPass(Port, Irp);
}

NTSTATUS SerialSystemControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    NTSTATUS Status;

    PAGED_CODE();

    Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    return SerialPass(Port, Irp);
}

/* Other drivers may send these whether the port is open or not, so it is not in PAGESER; there is
 * none that we know. */
NTSTATUS SerialInternalControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    PAGED_CODE();

    UNREFERENCED_PARAMETER(Device);
    Irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}
