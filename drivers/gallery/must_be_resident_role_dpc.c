/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a DPC's routine is in PAGE. It runs at DISPATCH_LEVEL, whoever queued it.
 *
 * Fix: it is resident, as every DPC's routine whose section is not locked while it may be queued.
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
KDEFERRED_ROUTINE FinishDpc;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, FinishDpc)
#endif
#endif

static KDPC Dpc;

VOID FinishDpc(PKDPC Object, PVOID Context, PVOID Irp, PVOID Argument)
{ /* finding: must-be-resident-role */
    UNREFERENCED_PARAMETER(Object);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument);
    GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS StartControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    if (!KeInsertQueueDpc(&Dpc, Irp, NULL)) {
        GalleryComplete(Irp, STATUS_DEVICE_BUSY, 0);
    }
    return STATUS_PENDING;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeDpc(&Dpc, FinishDpc, NULL);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = StartControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
