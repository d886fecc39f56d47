/* SPDX-License-Identifier: MIT */
/*
 * Mistake: cleanup unlocks the section and finishes the read that is outstanding afterwards. In
 * between its data may arrive, in a DPC that runs in the section.
 *
 * Fix: finish what is outstanding, then unlock.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
ULONG CopyOut(PIRP Irp, const UCHAR *From, ULONG Length);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGEREAD, CopyOut)
#endif

static PVOID ReadSection;
static KSPIN_LOCK ReadingLock;
static PIRP Reading; /* at most one; nobody cancels it but cleanup */

/* Called with ReadingLock held: what came from the line goes to the read that waits for it. */
DECLSPEC_NOINLINE ULONG CopyOut(PIRP Irp, const UCHAR *From, ULONG Length)
{
    ULONG Room = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;

    Length = min(Length, Room);
    RtlCopyMemory(Irp->AssociatedIrp.SystemBuffer, From, Length);
    return Length;
}

/* Ends the outstanding read, if there is one, with data or with STATUS_CANCELLED. */
static VOID EndRead(const UCHAR *Data, ULONG Length)
{
    KIRQL Irql;
    PIRP Irp;

    KeAcquireSpinLock(&ReadingLock, &Irql);
    Irp = Reading;
    if (Irp && !IoSetCancelRoutine(Irp, NULL)) {
        Irp = NULL; /* CancelRead is about to end it */
    }
    if (Irp) {
        Reading = NULL;
        Length = Data ? CopyOut(Irp, Data, Length) : 0;
    }
    KeReleaseSpinLock(&ReadingLock, Irql);
    if (Irp) {
        GalleryComplete(Irp, Data ? STATUS_SUCCESS : STATUS_CANCELLED, Length);
    }
}

static VOID CancelRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&ReadingLock, &Irql);
    Reading = NULL;
    KeReleaseSpinLock(&ReadingLock, Irql);
    GalleryComplete(Irp, STATUS_CANCELLED, 0);
}

static NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status = STATUS_PENDING;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    KeAcquireSpinLock(&ReadingLock, &Irql);
    if (Reading) {
        KeReleaseSpinLock(&ReadingLock, Irql);
        return GalleryComplete(Irp, STATUS_DEVICE_BUSY, 0);
    }
    IoSetCancelRoutine(Irp, CancelRead);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL)) {
        Status = STATUS_CANCELLED;
    } else {
        IoMarkIrpPending(Irp);
        Reading = Irp;
    }
    KeReleaseSpinLock(&ReadingLock, Irql);
    return Status == STATUS_PENDING ? Status : GalleryComplete(Irp, Status, 0);
}

/* What is written comes back to whoever reads. */
static NTSTATUS WriteDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;

    UNREFERENCED_PARAMETER(DeviceObject);
    EndRead(Irp->AssociatedIrp.SystemBuffer, Length);
    return GalleryComplete(Irp, STATUS_SUCCESS, Length);
}

static NTSTATUS CreateDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ReadSection = MmLockPagableCodeSection(CopyOut);
    return GallerySucceed(DeviceObject, Irp);
}

static NTSTATUS CleanupDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
#ifdef FIXED
    EndRead(NULL, 0);
    MmUnlockPagableImageSection(ReadSection);
#else
    MmUnlockPagableImageSection(ReadSection); /* finding: unlock-with-requests-outstanding */
    EndRead(NULL, 0);
#endif
    return GallerySucceed(DeviceObject, Irp);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&ReadingLock);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = CleanupDispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = WriteDispatch;
    return Status;
}
