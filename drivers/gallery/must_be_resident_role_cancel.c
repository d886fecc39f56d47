/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a cancel routine is in PAGE. It is called with the cancel spin lock held.
 *
 * Fix: cancel routines are resident.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_CANCEL CancelRead;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, CancelRead)
#endif
#endif

VOID CancelRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{ /* finding: must-be-resident-role */
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    GalleryComplete(Irp, STATUS_CANCELLED, 0);
}

/* Nothing ever arrives: a read lasts until it is cancelled. */
static NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    IoAcquireCancelSpinLock(&Irql);
    if (Irp->Cancel) {
        IoReleaseCancelSpinLock(Irql);
        GalleryComplete(Irp, STATUS_CANCELLED, 0);
    } else {
        IoSetCancelRoutine(Irp, CancelRead);
        IoReleaseCancelSpinLock(Irql);
    }
    return STATUS_PENDING;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
