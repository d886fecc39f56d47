/* SPDX-License-Identifier: MIT */
/*
 * Mistake: KeAcquireSpinLockAtDpcLevel at PASSIVE_LEVEL. It does not raise the IRQL, so whoever
 * holds the lock can be interrupted by a DPC that spins on it for ever.
 *
 * Fix: KeAcquireSpinLock, which raises.
 *
 * Seen: haxm #48
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KSPIN_LOCK VmLock;
static ULONG Machines;

static NTSTATUS CreateMachine(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
#ifdef FIXED
    KIRQL Irql;

    KeAcquireSpinLock(&VmLock, &Irql);
    Machines++;
    KeReleaseSpinLock(&VmLock, Irql);
#else
    KeAcquireSpinLockAtDpcLevel(&VmLock); /* finding: api-irql */
    Machines++;
    KeReleaseSpinLockFromDpcLevel(&VmLock);
#endif
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&VmLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CreateMachine;
    return GalleryCreate(DriverObject, 0, NULL);
}
