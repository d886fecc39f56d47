/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the pragma that ends a pageable data section stands one line too low, so the spin lock
 * of the statistics is in it. Spin locks are touched at DISPATCH_LEVEL by definition.
 *
 * Fix: end the section before the lock.
 *
 * Then: bug check 0xD3
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#pragma data_seg("PAGEDATA")
static ULONG Limits[64] = {1, 10, 100, 1000};
#ifdef FIXED
#pragma data_seg()
#endif
static KSPIN_LOCK StatisticsLock = 0;
#pragma data_seg()
static ULONG64 Requests;

static NTSTATUS LimitControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Limit = *(volatile ULONG *)&Limits[3];
    BOOLEAN Few;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&StatisticsLock, &Irql); /* finding: sync-object-pageable */
    Few = ++Requests < Limit;
    KeReleaseSpinLock(&StatisticsLock, Irql);
    return GalleryComplete(Irp, Few ? STATUS_SUCCESS : STATUS_QUOTA_EXCEEDED, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&StatisticsLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = LimitControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
