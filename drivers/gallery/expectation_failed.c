/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the driver answers a read and says that it gave no bytes, so the program gets none. No
 * rule of Windows is broken; the scenario, which knows what the driver is for, expects more.
 *
 * Fix: IoStatus.Information is the count of bytes.
 *
 * finding: expectation-failed about expectation_failed.lua:4
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;

    UNREFERENCED_PARAMETER(DeviceObject);
    RtlFillMemory(Irp->AssociatedIrp.SystemBuffer, Length, 'x');
#ifdef FIXED
    return GalleryComplete(Irp, STATUS_SUCCESS, Length);
#else
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
