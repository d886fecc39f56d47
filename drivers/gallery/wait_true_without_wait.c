/* SPDX-License-Identifier: MIT */
/*
 * Mistake: KeSetEvent is told that a wait follows, and none does. The thread goes on at
 * DISPATCH_LEVEL, with the dispatcher locked.
 *
 * Fix: Wait FALSE.
 *
 * Seen: Windows-driver-samples tools/sdv, SDV-FailDriver-WDM
 *
 * Then: bug check 0x4A
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KEVENT Done;

#ifdef FIXED
#define WAIT_FOLLOWS FALSE
#else
#define WAIT_FOLLOWS TRUE
#endif

static NTSTATUS FinishControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    KeSetEvent(&Done, IO_NO_INCREMENT, WAIT_FOLLOWS); /* finding: wait-true-without-wait */
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = FinishControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
