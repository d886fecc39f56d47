/* SPDX-License-Identifier: MIT */
/*
 * Power: off while the system sleeps, on while it works.
 *
 * DO_POWER_PAGABLE is set, so the dispatch routine runs at PASSIVE_LEVEL and is in PAGE. Completion
 * routines and callbacks may run at DISPATCH_LEVEL and are resident.
 */
#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, ParPower)
#pragma alloc_text(PAGE, ParSetDevicePower)
#pragma alloc_text(PAGE, ParSystemPower)
#endif

/* The device is where the system wants it: the system's request goes on. */
VOID ParDevicePowerDone(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE State,
                        PVOID Context, PIO_STATUS_BLOCK IoStatus)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;
    PIRP Irp = Context;

    UNREFERENCED_PARAMETER(MinorFunction);
    UNREFERENCED_PARAMETER(State);
    PoStartNextPowerIrp(Irp);
    ParComplete(Port, Irp, IoStatus->Status, 0);
}

/* The drivers below know of the system's new state: now the device's, which is ours to say. */
NTSTATUS ParSystemPowerDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct par_extension *Port = Context;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = Irp->IoStatus.Status;
    POWER_STATE State;

    UNREFERENCED_PARAMETER(DeviceObject);
    State.DeviceState = Stack->Parameters.Power.State.SystemState == PowerSystemWorking
                            ? PowerDeviceD0
                            : PowerDeviceD3;
    if (NT_SUCCESS(Status)) {
        Status =
            PoRequestPowerIrp(Port->Self, IRP_MN_SET_POWER, State, ParDevicePowerDone, Irp, NULL);
    }
    if (NT_SUCCESS(Status)) { /* pending: ParDevicePowerDone completes it */
        return STATUS_MORE_PROCESSING_REQUIRED;
    }
    PoStartNextPowerIrp(Irp);
    Irp->IoStatus.Status = Status;
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return STATUS_CONTINUE_COMPLETION;
}

NTSTATUS ParSystemPower(struct par_extension *Port, PIRP Irp)
{
    PAGED_CODE();
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, ParSystemPowerDone, Port, TRUE, TRUE, TRUE);
    PoCallDriver(Port->Lower, Irp);
    return STATUS_PENDING;
}

/* On the way down the port is left alone before its power goes; on the way up it is used after its
 * power has come back, with its control register as it was. */
NTSTATUS ParSetDevicePower(struct par_extension *Port, PIRP Irp, DEVICE_POWER_STATE DeviceState)
{
    POWER_STATE State = {.DeviceState = DeviceState};
    BOOLEAN On = DeviceState == PowerDeviceD0;
    NTSTATUS Status;

    PAGED_CODE();
    if (On) {
        Status = ParForwardAndWait(Port, Irp);
        if (!NT_SUCCESS(Status)) {
            PoStartNextPowerIrp(Irp);
            return ParComplete(Port, Irp, Status, 0);
        }
    }
    ExAcquireFastMutex(&Port->Hardware);
    if (On && Port->Started) {
        PAR_WRITE(Port, PAR_CONTROL, Port->Control);
    }
    Port->Powered = On;
    ParSetAvailable(Port);
    ExReleaseFastMutex(&Port->Hardware);
    PoSetPowerState(Port->Self, DevicePowerState, State);
    PoStartNextPowerIrp(Irp);
    if (On) {
        return ParComplete(Port, Irp, STATUS_SUCCESS, 0);
    }
    Irp->IoStatus.Status = STATUS_SUCCESS;
    IoSkipCurrentIrpStackLocation(Irp);
    Status = PoCallDriver(Port->Lower, Irp);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}

NTSTATUS ParPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);

    PAGED_CODE();
    if (!NT_SUCCESS(Status)) {
        PoStartNextPowerIrp(Irp);
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    if (Stack->MinorFunction == IRP_MN_SET_POWER) {
        if (Stack->Parameters.Power.Type == SystemPowerState) {
            return ParSystemPower(Port, Irp);
        }
        return ParSetDevicePower(Port, Irp, Stack->Parameters.Power.State.DeviceState);
    }
    if (Stack->MinorFunction == IRP_MN_QUERY_POWER) { /* writes wait: any state will do */
        Irp->IoStatus.Status = STATUS_SUCCESS;
    }
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    Status = PoCallDriver(Port->Lower, Irp);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}
