/* SPDX-License-Identifier: MIT */
/*
 * Mistake: one way out of the routine returns with the spin lock held, at DISPATCH_LEVEL.
 *
 * Fix: release it on every way out.
 *
 * Then: bug check 0x4A
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KSPIN_LOCK SettingsLock;
static UCHAR Mode;

static NTSTATUS ModeControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{ /* finding: irql-left-raised */
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.InputBufferLength;
    const UCHAR *Input = Irp->AssociatedIrp.SystemBuffer;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&SettingsLock, &Irql);
    if (Length < 1 || Input[0] == Mode) {
#ifdef FIXED
        KeReleaseSpinLock(&SettingsLock, Irql);
#endif
        return GalleryComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    Mode = Input[0];
    KeReleaseSpinLock(&SettingsLock, Irql);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&SettingsLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ModeControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
