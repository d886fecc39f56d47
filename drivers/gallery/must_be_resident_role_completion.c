/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a completion routine is in PAGE. The driver below completes where it likes, most often
 * in a DPC; that this one does so at PASSIVE_LEVEL is its own business and may change.
 *
 * Fix: completion routines are resident.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
IO_COMPLETION_ROUTINE ReadDone;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, ReadDone)
#endif
#endif

static PDEVICE_OBJECT Lower, Upper; /* Upper is attached to Lower */
static LONG64 BytesRead;

NTSTATUS ReadDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    InterlockedExchangeAdd64(
        Context, (LONG64)Irp->IoStatus.Information); /* finding: must-be-resident-role */
    if (Irp->PendingReturned) {
        IoMarkIrpPending(Irp);
    }
    return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;

    if (DeviceObject == Upper) {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, ReadDone, &BytesRead, TRUE, FALSE, FALSE);
        return IoCallDriver(Lower, Irp);
    }
    RtlZeroMemory(Irp->AssociatedIrp.SystemBuffer, Length);
    return GalleryComplete(Irp, STATUS_SUCCESS, Length);
}

static VOID FilterUnload(PDRIVER_OBJECT DriverObject)
{
    IoDetachDevice(Lower);
    GalleryUnload(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Lower = DriverObject->DeviceObject;
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Upper);
    if (!NT_SUCCESS(Status)) {
        GalleryUnload(DriverObject);
        return Status;
    }
    Upper->Flags |= Lower->Flags & DO_BUFFERED_IO;
    Lower->Flags &= ~DO_DEVICE_INITIALIZING; /* nobody can attach before */
    if (!IoAttachDeviceToDeviceStack(Upper, Lower)) {
        GalleryUnload(DriverObject);
        return STATUS_NO_SUCH_DEVICE;
    }
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    DriverObject->DriverUnload = FilterUnload;
    return STATUS_SUCCESS;
}
