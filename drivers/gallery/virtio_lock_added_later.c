/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the routine was pageable and right for years; then somebody guarded its statistics by a
 * lock. PAGED_CODE says nothing: it looks at the IRQL on entry, which is still PASSIVE_LEVEL.
 *
 * Fix: the routine leaves PAGE, together with its PAGED_CODE.
 *
 * Seen: virtio-win #99
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH WriteDispatch;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, WriteDispatch)
#endif
#endif

static KSPIN_LOCK StatisticsLock;
static struct {
    ULONG64 Writes, Bytes;
} Statistics;

NTSTATUS WriteDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    KLOCK_QUEUE_HANDLE Handle;

#ifndef FIXED
    PAGED_CODE();
#endif
    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireInStackQueuedSpinLock(&StatisticsLock, &Handle); /* finding: spin-lock-in-pageable */
    Statistics.Writes++;
    Statistics.Bytes += Length;
    KeReleaseInStackQueuedSpinLock(&Handle);
    return GalleryComplete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&StatisticsLock);
    DriverObject->MajorFunction[IRP_MJ_WRITE] = WriteDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
