/* SPDX-License-Identifier: MIT */
/*
 * Power.  The dispatch routine is pageable, since the device is (DO_POWER_PAGABLE); what must wait
 * for other drivers is called back at up to DISPATCH_LEVEL, is therefore resident, and only queues
 * the rest as work at PASSIVE_LEVEL.
 *
 *   the system goes down  the port first: D3, then the system's request goes on
 *   the system comes up   the system's request goes on, then D0
 *   D3                    the chip's registers are known anyway, so it just is not touched any more
 *   D0                    once those below are up, the chip gets its registers back
 */
#include "serial.h"

/* A request whose rest is done at PASSIVE_LEVEL. */
typedef struct _SERIAL_POWER_WORK {
    PIO_WORKITEM Item;
    PSERIAL_PORT Port;
    PIRP Irp;
} SERIAL_POWER_WORK, *PSERIAL_POWER_WORK;

PSERIAL_POWER_WORK SerialMakePowerWork(PSERIAL_PORT Port, PIRP Irp);
VOID SerialEndPowerWork(PSERIAL_POWER_WORK Work);
NTSTATUS SerialPassPower(PSERIAL_PORT Port, PIRP Irp);
NTSTATUS SerialPowerUp(PSERIAL_PORT Port, PIRP Irp);
VOID SerialPowerDown(PSERIAL_PORT Port);
NTSTATUS SerialSystemPower(PSERIAL_PORT Port, PIRP Irp, SYSTEM_POWER_STATE State);
IO_WORKITEM_ROUTINE SerialPowerIsUp, SerialSystemIsUp, SerialMayGoDown;
IO_COMPLETION_ROUTINE SerialLowerIsUp, SerialSystemLowerIsUp;
REQUEST_POWER_COMPLETE SerialIsDown;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGESRP0, SerialMakePowerWork)
#pragma alloc_text(PAGESRP0, SerialEndPowerWork)
#pragma alloc_text(PAGESRP0, SerialPassPower)
#pragma alloc_text(PAGESRP0, SerialPowerUp)
#pragma alloc_text(PAGESRP0, SerialPowerDown)
#pragma alloc_text(PAGESRP0, SerialSystemPower)
#pragma alloc_text(PAGESRP0, SerialPowerIsUp)
#pragma alloc_text(PAGESRP0, SerialSystemIsUp)
#pragma alloc_text(PAGESRP0, SerialMayGoDown)
#pragma alloc_text(PAGESRP0, SerialPower)
#endif

PSERIAL_POWER_WORK SerialMakePowerWork(PSERIAL_PORT Port, PIRP Irp)
{
    PSERIAL_POWER_WORK Work;

    PAGED_CODE();

    Work = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Work), SERIAL_TAG);
    if (!Work) {
        return NULL;
    }
    Work->Item = IoAllocateWorkItem(Port->Device);
    if (!Work->Item) {
        ExFreePoolWithTag(Work, SERIAL_TAG);
        return NULL;
    }
    Work->Port = Port;
    Work->Irp = Irp;
    SerialHoldCallbacks(Port->Driver);
    return Work;
}

VOID SerialEndPowerWork(PSERIAL_POWER_WORK Work)
{
    PAGED_CODE();

    SerialReleaseCallbacks(Work->Port->Driver);
    IoFreeWorkItem(Work->Item);
    ExFreePoolWithTag(Work, SERIAL_TAG);
}

NTSTATUS SerialPassPower(PSERIAL_PORT Port, PIRP Irp)
{
    NTSTATUS Status;

    PAGED_CODE();

    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    Status = PoCallDriver(Port->Lower, Irp);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}

/* ---- called back ---- */

NTSTATUS SerialLowerIsUp(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PSERIAL_POWER_WORK Work = Context;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    IoQueueWorkItem(Work->Item, SerialPowerIsUp, DelayedWorkQueue, Work);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS SerialSystemLowerIsUp(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PSERIAL_POWER_WORK Work = Context;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    IoQueueWorkItem(Work->Item, SerialSystemIsUp, DelayedWorkQueue, Work);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

VOID SerialIsDown(PDEVICE_OBJECT Device, UCHAR MinorFunction, POWER_STATE State, PVOID Context,
                  PIO_STATUS_BLOCK IoStatus)
{
    PSERIAL_POWER_WORK Work = Context;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(MinorFunction);
    UNREFERENCED_PARAMETER(State);
    UNREFERENCED_PARAMETER(IoStatus);
    IoQueueWorkItem(Work->Item, SerialMayGoDown, DelayedWorkQueue, Work);
}

/* ---- what they left to do ---- */

VOID SerialPowerIsUp(PDEVICE_OBJECT Device, PVOID Context)
{
    PSERIAL_POWER_WORK Work = Context;
    PSERIAL_PORT Port = Work->Port;
    PIRP Irp = Work->Irp;
    POWER_STATE State = {.DeviceState = PowerDeviceD0};

    PAGED_CODE();

    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        SerialLockPorts(Port->Driver);
        Port->Power = PowerDeviceD0;
        if (Port->Open && Port->Interrupt) {
            KeSynchronizeExecution(Port->Interrupt, SerialProgram, Port);
        }
        SerialUnlockPorts(Port->Driver);
        PoSetPowerState(Device, DevicePowerState, State);
    }
    SerialEndPowerWork(Work);
    PoStartNextPowerIrp(Irp);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
}

VOID SerialSystemIsUp(PDEVICE_OBJECT Device, PVOID Context)
{
    PSERIAL_POWER_WORK Work = Context;
    PSERIAL_PORT Port = Work->Port;
    PIRP Irp = Work->Irp;
    POWER_STATE State = {.DeviceState = PowerDeviceD0};

    PAGED_CODE();

    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        /* The system need not wait for the port. */
        PoRequestPowerIrp(Device, IRP_MN_SET_POWER, State, NULL, NULL, NULL);
    }
    SerialEndPowerWork(Work);
    PoStartNextPowerIrp(Irp);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
}

VOID SerialMayGoDown(PDEVICE_OBJECT Device, PVOID Context)
{
    PSERIAL_POWER_WORK Work = Context;
    PSERIAL_PORT Port = Work->Port;
    PIRP Irp = Work->Irp;

    PAGED_CODE();

    UNREFERENCED_PARAMETER(Device);
    SerialEndPowerWork(Work);
    SerialPassPower(Port, Irp);
}

/* ---- dispatch ---- */

NTSTATUS SerialPowerUp(PSERIAL_PORT Port, PIRP Irp)
{
    PSERIAL_POWER_WORK Work;

    PAGED_CODE();

    Work = SerialMakePowerWork(Port, Irp);
    if (!Work) {
        PoStartNextPowerIrp(Irp);
        return SerialAnswer(Port, Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    IoMarkIrpPending(Irp);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SerialLowerIsUp, Work, TRUE, TRUE, TRUE);
    PoCallDriver(Port->Lower, Irp);
    return STATUS_PENDING;
}

/* What the chip was sending is lost with its power; what it was to be given waits. */
VOID SerialPowerDown(PSERIAL_PORT Port)
{
    POWER_STATE State = {.DeviceState = PowerDeviceD3};

    PAGED_CODE();

    SerialLockPorts(Port->Driver);
    if (Port->Open && Port->Interrupt) {
        KeSynchronizeExecution(Port->Interrupt, SerialQuiet, Port);
    }
    Port->Power = PowerDeviceD3;
    SerialUnlockPorts(Port->Driver);
    PoSetPowerState(Port->Device, DevicePowerState, State);
}

NTSTATUS SerialSystemPower(PSERIAL_PORT Port, PIRP Irp, SYSTEM_POWER_STATE State)
{
    POWER_STATE Down = {.DeviceState = PowerDeviceD3};
    PSERIAL_POWER_WORK Work;
    NTSTATUS Status;

    PAGED_CODE();

    Work = SerialMakePowerWork(Port, Irp);
    if (!Work) {
        PoStartNextPowerIrp(Irp);
        return SerialAnswer(Port, Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    IoMarkIrpPending(Irp);
    if (State == PowerSystemWorking) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, SerialSystemLowerIsUp, Work, TRUE, TRUE, TRUE);
        PoCallDriver(Port->Lower, Irp);
        return STATUS_PENDING;
    }
    Status = PoRequestPowerIrp(Port->Device, IRP_MN_SET_POWER, Down, SerialIsDown, Work, NULL);
    if (!NT_SUCCESS(Status)) {
        SerialMayGoDown(Port->Device, Work);
    }
    return STATUS_PENDING;
}

NTSTATUS SerialPower(PDEVICE_OBJECT Device, PIRP Irp)
{
    PSERIAL_PORT Port = Device->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    POWER_STATE State = Stack->Parameters.Power.State;
    NTSTATUS Status;

    PAGED_CODE();

    Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);
    if (!NT_SUCCESS(Status)) {
        PoStartNextPowerIrp(Irp);
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    if (Stack->MinorFunction == IRP_MN_SET_POWER) {
        if (Stack->Parameters.Power.Type == SystemPowerState) {
            return SerialSystemPower(Port, Irp, State.SystemState);
        }
        if (State.DeviceState == PowerDeviceD0) {
            return SerialPowerUp(Port, Irp);
        }
        SerialPowerDown(Port);
    }
    return SerialPassPower(Port, Irp);
}
