/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a routine of a PAGE section is called with a spin lock held. As long as its page happens
 * to be in memory, it works.
 *
 * Fix: the section is locked while it may be called like that.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
ULONG Checksum(const UCHAR *Bytes, ULONG Length);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGESUM, Checksum)
#endif

static KSPIN_LOCK LogLock;
static ULONG Log[16], Logged;

DECLSPEC_NOINLINE ULONG Checksum(const UCHAR *Bytes, ULONG Length)
{
    ULONG Sum = 0;

    for (ULONG i = 0; i < Length; i++) { /* finding: pageable-at-raised-irql */
        Sum = (Sum << 1 | Sum >> 31) ^ Bytes[i];
    }
    return Sum;
}

static NTSTATUS WriteDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
#ifdef FIXED
    PVOID Section = MmLockPagableCodeSection(Checksum);
#endif
    KeAcquireSpinLock(&LogLock, &Irql);
    Log[Logged++ % RTL_NUMBER_OF(Log)] = Checksum(Irp->AssociatedIrp.SystemBuffer, Length);
    KeReleaseSpinLock(&LogLock, Irql);
#ifdef FIXED
    MmUnlockPagableImageSection(Section);
#endif
    return GalleryComplete(Irp, STATUS_SUCCESS, Length);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&LogLock);
    DriverObject->MajorFunction[IRP_MJ_WRITE] = WriteDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
