/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a filter above a disk says DO_POWER_PAGABLE, and still says so when the paging file is
 * put on that disk. Its power requests are then sent at an IRQL at which paging needs the disk.
 *
 * Fix: clear the flag when the notification comes, and set it again when it did not succeed or the
 * paging file has gone.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static PDEVICE_OBJECT Lower; /* the disk's device, which ours is attached to */
#ifdef FIXED
static LONG PagingFiles;
#endif

static NTSTATUS PassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Lower, Irp);
}

static NTSTATUS PassPowerDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Lower, Irp);
}

static NTSTATUS PnpDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
#ifdef FIXED
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN InPath = Stack->Parameters.UsageNotification.InPath;
    NTSTATUS Status;

    if (Stack->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION &&
        Stack->Parameters.UsageNotification.Type == DeviceUsageTypePaging) {
        if (InPath) {
            DeviceObject->Flags &= ~DO_POWER_PAGABLE; /* before it takes effect below */
        }
        IoForwardIrpSynchronously(Lower, Irp);
        Status = Irp->IoStatus.Status;
        if (NT_SUCCESS(Status)) {
            PagingFiles += InPath ? 1 : -1;
        }
        if (PagingFiles == 0) {
            DeviceObject->Flags |= DO_POWER_PAGABLE;
        }
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
#endif
    return PassDown(DeviceObject, Irp); /* finding: paging-path-pageable */
}

static VOID FilterUnload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(Lower);
    GalleryUnload(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Disk = RTL_CONSTANT_STRING(L"\\Device\\Harddisk0\\DR0");
    PDEVICE_OBJECT Filter;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_DISK, 0, FALSE, &Filter);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (ULONG i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        DriverObject->MajorFunction[i] = PassDown;
    }
    DriverObject->MajorFunction[IRP_MJ_POWER] = PassPowerDown;
    DriverObject->MajorFunction[IRP_MJ_PNP] = PnpDispatch;
    DriverObject->DriverUnload = FilterUnload;
    Status = IoAttachDevice(Filter, &Disk, &Lower);
    if (!NT_SUCCESS(Status)) {
        GalleryUnload(DriverObject);
        return Status;
    }
    Filter->Flags |= DO_POWER_PAGABLE | (Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO));
    return STATUS_SUCCESS;
}
