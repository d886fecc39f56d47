/* SPDX-License-Identifier: MIT */
/*
 * Mistake: an event lies in paged pool. The kernel signals and waits on it at DISPATCH_LEVEL, even
 * when the driver never leaves PASSIVE_LEVEL.
 *
 * Fix: dispatcher objects lie in nonpaged memory.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#define POOL_TAG 'veLG'

static NTSTATUS WaitControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
#ifdef FIXED
    PKEVENT Event = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Event), POOL_TAG);
#else
    PKEVENT Event = ExAllocatePoolWithTag(PagedPool, sizeof(*Event), POOL_TAG);
#endif

    UNREFERENCED_PARAMETER(DeviceObject);
    if (!Event) {
        return GalleryComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    KeInitializeEvent(Event, NotificationEvent, FALSE); /* finding: sync-object-pageable */
    KeSetEvent(Event, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(Event, Executive, KernelMode, FALSE, NULL);
    ExFreePoolWithTag(Event, POOL_TAG);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = WaitControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
