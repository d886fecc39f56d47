/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a read is left pending without a cancel routine. The program that asked can never be
 * ended.
 *
 * Fix: what may pend for long gets a cancel routine.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#ifdef FIXED
static VOID CancelRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    GalleryComplete(Irp, STATUS_CANCELLED, 0);
}
#endif

/* Nothing ever arrives. */
static NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp); /* finding: irp-not-cancellable */
#ifdef FIXED
    IoSetCancelRoutine(Irp, CancelRead);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL)) { /* cancelled before there was a routine */
        GalleryComplete(Irp, STATUS_CANCELLED, 0);
    }
#endif
    return STATUS_PENDING;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
