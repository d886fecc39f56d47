/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the StartIo routine is in PAGE. The I/O manager calls it at DISPATCH_LEVEL.
 *
 * Fix: it is resident.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_STARTIO StartWrite;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, StartWrite)
#endif
#endif

VOID StartWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{ /* finding: must-be-resident-role */
    GalleryComplete(Irp, STATUS_SUCCESS,
                    IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length);
    IoStartNextPacket(DeviceObject, FALSE);
}

static NTSTATUS WriteDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    IoMarkIrpPending(Irp);
    IoStartPacket(DeviceObject, Irp, NULL, NULL);
    return STATUS_PENDING;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverStartIo = StartWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = WriteDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
