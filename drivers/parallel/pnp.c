/* SPDX-License-Identifier: MIT */
/*
 * Plug and play: the port comes, moves and goes.
 *
 * A write may be under way at any of these moments.  Whoever has the mutex Hardware may touch the
 * port; the thread has it for a run of bytes at a time, so here it is waited for, and the thread
 * finds out what has changed before its next run: it waits (stopped), or fails its requests (gone).
 */
#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, ParPnp)
#pragma alloc_text(PAGE, ParSystemControl)
#pragma alloc_text(PAGE, ParForwardAndWait)
#pragma alloc_text(PAGE, ParStartDevice)
#pragma alloc_text(PAGE, ParStopDevice)
#pragma alloc_text(PAGE, ParVanish)
#pragma alloc_text(PAGE, ParRemoveDevice)
#pragma alloc_text(PAGE, ParConnect)
#pragma alloc_text(PAGE, ParSetAvailable)
#endif

/* Completion routine: resident, since a lower driver may complete at DISPATCH_LEVEL. */
NTSTATUS ParSignal(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned) {
        KeSetEvent(Context, IO_NO_INCREMENT, FALSE);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Down the stack and back: the request is ours again.  For power requests as well. */
NTSTATUS ParForwardAndWait(struct par_extension *Port, PIRP Irp)
{
    BOOLEAN Power = IoGetCurrentIrpStackLocation(Irp)->MajorFunction == IRP_MJ_POWER;
    NTSTATUS Status;
    KEVENT Done;

    PAGED_CODE();
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, ParSignal, &Done, TRUE, TRUE, TRUE);
    Status = Power ? PoCallDriver(Port->Lower, Irp) : IoCallDriver(Port->Lower, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
        Status = Irp->IoStatus.Status;
    }
    return Status;
}

/* With Hardware. */
VOID ParSetAvailable(struct par_extension *Port)
{
    PAGED_CODE();
    if (Port->Removed || (Port->Started && Port->Powered)) {
        KeSetEvent(&Port->Available, IO_NO_INCREMENT, FALSE);
    } else {
        KeClearEvent(&Port->Available);
    }
}

/* A port without an interrupt is polled: no failure. */
VOID ParConnect(struct par_extension *Port, PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt)
{
    PKINTERRUPT Connected;
    NTSTATUS Status;

    PAGED_CODE();
    Status = IoConnectInterrupt(
        &Connected, ParInterrupt, Port, NULL, Interrupt->u.Interrupt.Vector,
        (KIRQL)Interrupt->u.Interrupt.Level, (KIRQL)Interrupt->u.Interrupt.Level,
        Interrupt->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive,
        Interrupt->ShareDisposition == CmResourceShareShared, Interrupt->u.Interrupt.Affinity,
        FALSE);
    Port->Interrupt = NT_SUCCESS(Status) ? Connected : NULL;
}

NTSTATUS ParStartDevice(struct par_extension *Port, PCM_RESOURCE_LIST Resources)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Interrupt = NULL;
    PCM_PARTIAL_RESOURCE_LIST List;

    PAGED_CODE();
    Port->Base = NULL;
    if (!Resources || Resources->Count != 1) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    List = &Resources->List[0].PartialResourceList;
    for (ULONG i = 0; i < List->Count; i++) {
        PCM_PARTIAL_RESOURCE_DESCRIPTOR Resource = &List->PartialDescriptors[i];

        if (Resource->Type == CmResourceTypePort && Resource->u.Port.Length >= PAR_PORTS &&
            !Port->Base) {
            Port->Base = (PUCHAR)(ULONG_PTR)Resource->u.Port.Start.QuadPart;
        } else if (Resource->Type == CmResourceTypeInterrupt) {
            Interrupt = Resource;
        }
    }
    if (!Port->Base) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    PAR_WRITE(Port, PAR_CONTROL, Port->Control); /* no interrupt before it is connected */
    Port->Interrupt = NULL;
    if (Interrupt) {
        ParConnect(Port, Interrupt);
    }
    ExAcquireFastMutex(&Port->Hardware);
    Port->Started = TRUE;
    ParSetAvailable(Port);
    ExReleaseFastMutex(&Port->Hardware);
    ParOffer(Port);
    return STATUS_SUCCESS;
}

/* Gives the hardware up; requests wait for the next start.  Nothing when it was not started. */
VOID ParStopDevice(struct par_extension *Port)
{
    BOOLEAN Started;

    PAGED_CODE();
    ExAcquireFastMutex(&Port->Hardware);
    Started = Port->Started;
    Port->Started = FALSE;
    ParSetAvailable(Port);
    ExReleaseFastMutex(&Port->Hardware);
    if (Started && Port->Interrupt) {
        IoDisconnectInterrupt(Port->Interrupt);
        Port->Interrupt = NULL;
    }
}

/* The port is gone, or about to go: from now on requests fail, the ones that wait as well. */
VOID ParVanish(struct par_extension *Port)
{
    PAGED_CODE();
    ExAcquireFastMutex(&Port->Hardware);
    Port->Removed = TRUE;
    ParSetAvailable(Port);
    ExReleaseFastMutex(&Port->Hardware);
    ParStopDevice(Port);
    ParWithdraw(Port);
}

NTSTATUS ParRemoveDevice(struct par_extension *Port, PIRP Irp)
{
    PDEVICE_OBJECT Lower = Port->Lower;
    NTSTATUS Status;

    PAGED_CODE();
    ParVanish(Port);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Lower, Irp);
    IoReleaseRemoveLockAndWait(&Port->RemoveLock, Irp);
    /* The interrupt is disconnected; a DPC that it queued may still be about to look at the device.
     */
    KeFlushQueuedDpcs();
    IoDetachDevice(Lower);
    ParDeleteDevice(Port);
    return Status;
}

NTSTATUS ParPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);

    PAGED_CODE();
    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    switch (Stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        Status = ParForwardAndWait(Port, Irp);
        if (NT_SUCCESS(Status)) {
            Status =
                ParStartDevice(Port, Stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        }
        return ParComplete(Port, Irp, Status, 0);
    case IRP_MN_QUERY_REMOVE_DEVICE:
        if (Port->Open) { /* somebody is printing */
            return ParComplete(Port, Irp, STATUS_DEVICE_BUSY, 0);
        }
        break;
    case IRP_MN_STOP_DEVICE:
        ParStopDevice(Port);
        break;
    case IRP_MN_SURPRISE_REMOVAL:
        ParVanish(Port);
        break;
    case IRP_MN_REMOVE_DEVICE:
        return ParRemoveDevice(Port, Irp);
    case IRP_MN_QUERY_STOP_DEVICE: /* requests wait while it is stopped, so it may be at any time */
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        break;
    default: /* not ours: the status stays what it is */
        IoSkipCurrentIrpStackLocation(Irp);
        Status = IoCallDriver(Port->Lower, Irp);
        IoReleaseRemoveLock(&Port->RemoveLock, Irp);
        return Status;
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Port->Lower, Irp);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}

NTSTATUS ParSystemControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);

    PAGED_CODE();
    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    IoSkipCurrentIrpStackLocation(Irp);
    Status = IoCallDriver(Port->Lower, Irp);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}
