/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a routine that says PAGED_CODE is called with a spin lock held. It is in .text for now,
 * so nothing happens; the checked build says what will when it moves to PAGE.
 *
 * Fix: call it before the lock is taken.
 *
 * Then: bug check 0x1E
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KSPIN_LOCK NameLock;
static WCHAR Name[16];
static volatile ULONG Number;

static DECLSPEC_NOINLINE WCHAR NextLetter(VOID)
{
    PAGED_CODE(); /* finding: paged-code-failed */
    return (WCHAR)('A' + Number++ % 26);
}

static NTSTATUS NameControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
#ifdef FIXED
    WCHAR Letter = NextLetter();

    KeAcquireSpinLock(&NameLock, &Irql);
    Name[0] = Letter;
#else
    KeAcquireSpinLock(&NameLock, &Irql);
    Name[0] = NextLetter();
#endif
    KeReleaseSpinLock(&NameLock, Irql);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&NameLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = NameControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
