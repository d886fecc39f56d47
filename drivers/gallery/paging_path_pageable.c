/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a filter above a disk has its read routine in PAGE. When the paging file is on that
 * disk, the page with the routine can only be read by the routine.
 *
 * Fix: read, write, device control and power of whatever may lie on the paging path are resident.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH CountRead;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, CountRead)
#endif
#endif

static PDEVICE_OBJECT Lower; /* the disk's device, which ours is attached to */
static LONG Reads;

static DECLSPEC_NOINLINE NTSTATUS PassDown(PDEVICE_OBJECT DeviceObject, PIRP Irp)
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

NTSTATUS CountRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    InterlockedIncrement(&Reads); /* finding: paging-path-pageable */
    return PassDown(DeviceObject, Irp);
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
    DriverObject->MajorFunction[IRP_MJ_READ] = CountRead;
    DriverObject->DriverUnload = FilterUnload;
    Status = IoAttachDevice(Filter, &Disk, &Lower);
    if (!NT_SUCCESS(Status)) {
        GalleryUnload(DriverObject);
        return Status;
    }
    Filter->Flags |= Lower->Flags & (DO_DIRECT_IO | DO_BUFFERED_IO);
    return STATUS_SUCCESS;
}
