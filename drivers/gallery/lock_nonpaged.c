/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the pragma is missing, so the routine that the driver locks and unlocks so carefully is
 * in .text and never leaves. Nothing breaks, and nothing is saved.
 *
 * Fix: #pragma alloc_text.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
ULONG Transfer(PUCHAR To, ULONG Length);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifdef FIXED
#pragma alloc_text(PAGEXFER, Transfer)
#endif
#endif

DECLSPEC_NOINLINE ULONG Transfer(PUCHAR To, ULONG Length)
{
    for (ULONG i = 0; i < Length; i++) {
        To[i] = (UCHAR)i;
    }
    return Length;
}

static NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;
    PVOID Section = MmLockPagableCodeSection(Transfer); /* finding: lock-nonpaged */

    UNREFERENCED_PARAMETER(DeviceObject);
    Length = Transfer(Irp->AssociatedIrp.SystemBuffer, Length);
    MmUnlockPagableImageSection(Section);
    return GalleryComplete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
