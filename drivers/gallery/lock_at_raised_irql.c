/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a section is locked with a spin lock held. Locking may have to read the disk and wait.
 *
 * Fix: lock the section first, take the spin lock then.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
ULONG Scale(ULONG Value);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGESCAL, Scale)
#endif

static KSPIN_LOCK ValueLock;
static ULONG Value;

DECLSPEC_NOINLINE ULONG Scale(ULONG Old)
{
    return 3 * Old + 1;
}

static NTSTATUS ScaleControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PVOID Section;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
#ifdef FIXED
    Section = MmLockPagableCodeSection(Scale);
    KeAcquireSpinLock(&ValueLock, &Irql);
#else
    KeAcquireSpinLock(&ValueLock, &Irql);
    Section = MmLockPagableCodeSection(Scale); /* finding: lock-at-raised-irql */
#endif
    Value = Scale(Value);
    KeReleaseSpinLock(&ValueLock, Irql);
    MmUnlockPagableImageSection(Section);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&ValueLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ScaleControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
