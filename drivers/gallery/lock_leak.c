/* SPDX-License-Identifier: MIT */
/*
 * Mistake: one way out of the routine forgets to unlock. The section's memory stays locked after
 * the driver has gone, until the computer is started again.
 *
 * Fix: unlock on every way out.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
BOOLEAN Valid(const UCHAR *Bytes, ULONG Length);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGEWRIT, Valid)
#endif

DECLSPEC_NOINLINE BOOLEAN Valid(const UCHAR *Bytes, ULONG Length)
{
    return Length > 0 && Bytes[0] == 0x1b;
}

static NTSTATUS WriteDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    PVOID Section = MmLockPagableCodeSection(Valid); /* finding: lock-leak */

    UNREFERENCED_PARAMETER(DeviceObject);
    if (!Valid(Irp->AssociatedIrp.SystemBuffer, Length)) {
#ifdef FIXED
        MmUnlockPagableImageSection(Section);
#endif
        return GalleryComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    MmUnlockPagableImageSection(Section);
    return GalleryComplete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_WRITE] = WriteDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
