/* SPDX-License-Identifier: MIT */
/*
 * A filter above the first disk whose read routine lies in a section that control requests lock and
 * unlock: what test_rules.py needs to see when a routine on the way to a paging file is looked at.
 *
 *   control 0x800  lock the section      0x802  attach another device above
 *           0x801  unlock it             0x803  fail usage notifications
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD PathUnload;
static DRIVER_DISPATCH PathPass;
static DRIVER_DISPATCH PathPower;
static DRIVER_DISPATCH PathPnp;
static DRIVER_DISPATCH PathControl;
DRIVER_DISPATCH PathRead;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGEREAD, PathRead)
#endif

#define CONTROL(n) CTL_CODE(FILE_DEVICE_UNKNOWN, n, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct {
    PDEVICE_OBJECT Lower; /* NULL: the control device */
} EXTENSION, *PEXTENSION;

static PVOID Section;
static BOOLEAN FailUsage;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* Out of line: what was inlined into PathRead would have to stay resident with it. */
static DECLSPEC_NOINLINE NTSTATUS PathPass(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PEXTENSION Extension = DeviceObject->DeviceExtension;

    if (!Extension->Lower) {
        return Complete(Irp, STATUS_SUCCESS);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Extension->Lower, Irp);
}

static NTSTATUS PathPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    return PathPass(DeviceObject, Irp);
}

static NTSTATUS PathPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (FailUsage &&
        IoGetCurrentIrpStackLocation(Irp)->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION) {
        return Complete(Irp, STATUS_UNSUCCESSFUL);
    }
    return PathPass(DeviceObject, Irp);
}

NTSTATUS PathRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return PathPass(DeviceObject, Irp);
}

static NTSTATUS Attach(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING Disk = RTL_CONSTANT_STRING(L"\\Device\\Harddisk0\\DR0");
    PDEVICE_OBJECT Filter;
    NTSTATUS Status;

    Status =
        IoCreateDevice(DriverObject, sizeof(EXTENSION), NULL, FILE_DEVICE_DISK, 0, FALSE, &Filter);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoAttachDevice(Filter, &Disk, &((PEXTENSION)Filter->DeviceExtension)->Lower);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(Filter);
        return Status;
    }
    Filter->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

static NTSTATUS PathControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (((PEXTENSION)DeviceObject->DeviceExtension)->Lower) {
        return PathPass(DeviceObject, Irp);
    }
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case CONTROL(0x800):
        Section = MmLockPagableCodeSection(PathRead);
        break;
    case CONTROL(0x801):
        MmUnlockPagableImageSection(Section);
        break;
    case CONTROL(0x802):
        Status = Attach(DeviceObject->DriverObject);
        break;
    case CONTROL(0x803):
        FailUsage = TRUE;
        break;
    }
    return Complete(Irp, Status);
}

/* Devices were made from the bottom up: the list begins with the uppermost. */
static VOID PathUnload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject) {
        PEXTENSION Extension = DriverObject->DeviceObject->DeviceExtension;

        if (Extension->Lower) {
            IoDetachDevice(Extension->Lower);
        }
        IoDeleteDevice(DriverObject->DeviceObject);
    }
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\Path");
    PDEVICE_OBJECT Control;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        DriverObject->MajorFunction[i] = PathPass;
    }
    DriverObject->MajorFunction[IRP_MJ_POWER] = PathPower;
    DriverObject->MajorFunction[IRP_MJ_PNP] = PathPnp;
    DriverObject->MajorFunction[IRP_MJ_READ] = PathRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = PathControl;
    DriverObject->DriverUnload = PathUnload;
    Status = IoCreateDevice(DriverObject, sizeof(EXTENSION), &Name, FILE_DEVICE_UNKNOWN, 0, FALSE,
                            &Control);
    if (NT_SUCCESS(Status)) {
        Status = Attach(DriverObject);
    }
    if (!NT_SUCCESS(Status)) {
        PathUnload(DriverObject);
    }
    return Status;
}
