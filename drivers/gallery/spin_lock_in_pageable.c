/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a spin lock is taken in a routine of PAGE. KeAcquireSpinLock returns at DISPATCH_LEVEL
 * into a page that may be gone.
 *
 * Fix: the lines under the lock become a resident routine; the rest may stay pageable.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH CountControl;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, CountControl)
#endif

static KSPIN_LOCK CountLock;
static ULONG Count;

#ifdef FIXED
/* noinline: a copy in its caller would be in PAGE again. */
static DECLSPEC_NOINLINE ULONG CountOne(VOID)
{
    KIRQL Irql;
    ULONG Now;

    KeAcquireSpinLock(&CountLock, &Irql);
    Now = ++Count;
    KeReleaseSpinLock(&CountLock, Irql);
    return Now;
}
#endif

NTSTATUS CountControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Now;

    PAGED_CODE();
    UNREFERENCED_PARAMETER(DeviceObject);
#ifdef FIXED
    Now = CountOne();
#else
    KIRQL Irql;

    KeAcquireSpinLock(&CountLock, &Irql); /* finding: spin-lock-in-pageable */
    Now = ++Count;
    KeReleaseSpinLock(&CountLock, Irql);
#endif
    return GalleryComplete(Irp, Now ? STATUS_SUCCESS : STATUS_INTEGER_OVERFLOW, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&CountLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CountControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
