/* SPDX-License-Identifier: MIT */
/*
 * A driver that leaves behind what it is asked to: control code function 0x800 + n, before it is
 * unloaded.  Its reinitialization routines tell their order.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;

enum { LeaveDevice, LeaveTimer, LeaveThread, LeaveRequest, LeaveLocked, LeaveNothing };

static ULONG Left;
static KTIMER Timer;
static KDPC Dpc;
static PDEVICE_OBJECT Device;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static VOID TimerDpc(PKDPC Object, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
}

static VOID SleepLong(PVOID Context)
{
    LARGE_INTEGER Hour;

    UNREFERENCED_PARAMETER(Context);
    Hour.QuadPart = -36000000000ll;
    KeDelayExecutionThread(KernelMode, FALSE, &Hour);
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* An IRP of the driver's own, to its own device, which keeps it. */
static VOID SendToSelf(void)
{
    PIRP Irp = IoAllocateIrp(Device->StackSize, FALSE);

    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL;
    IoCallDriver(Device, Irp);
}

static NTSTATUS Keep(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

static NTSTATUS Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    LARGE_INTEGER Due;
    HANDLE Thread;

    UNREFERENCED_PARAMETER(DeviceObject);
    Left = (Stack->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xff;
    switch (Left) {
    case LeaveTimer:
        Due.QuadPart = -36000000000ll;
        KeInitializeTimer(&Timer);
        KeInitializeDpc(&Dpc, TimerDpc, NULL);
        KeSetTimer(&Timer, Due, &Dpc);
        break;
    case LeaveThread:
        if (NT_SUCCESS(PsCreateSystemThread(&Thread, 0, NULL, NULL, NULL, SleepLong, NULL))) {
            ZwClose(Thread);
        }
        break;
    case LeaveRequest:
        SendToSelf();
        break;
    case LeaveLocked: {
        PMDL Mdl = IoAllocateMdl(&Timer, sizeof(Timer), FALSE, FALSE, NULL);

        MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
        break;
    }
    }
    return Complete(Irp, STATUS_SUCCESS);
}

static NTSTATUS OpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS);
}

static VOID Unload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    DbgPrint("unload\n");
    if (Left != LeaveDevice) {
        IoDeleteDevice(Device);
    }
}

static VOID Reinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    DbgPrint("reinitialize %s %lu, devices are %s\n", (const char *)Context, Count,
             Device->Flags & DO_DEVICE_INITIALIZING ? "not ready" : "ready");
    if (Count == 2) {
        IoRegisterDriverReinitialization(DriverObject, Reinitialize, "again");
    }
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\IoLeave");
    NTSTATUS Status;

    DbgPrint("entry %wZ %wZ\n", &DriverObject->DriverName, RegistryPath);
    Left = LeaveNothing;
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    IoRegisterDriverReinitialization(DriverObject, Reinitialize, "normal");
    IoRegisterBootDriverReinitialization(DriverObject, Reinitialize, "boot");
    DriverObject->DriverUnload = Unload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = OpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = OpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = NULL; /* the system fills it in */
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    DriverObject->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = Keep;
    return STATUS_SUCCESS;
}
