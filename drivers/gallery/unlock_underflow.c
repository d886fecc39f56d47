/* SPDX-License-Identifier: MIT */
/*
 * Mistake: create locks the section once; cleanup and close both unlock it.
 *
 * Fix: one unlock for each lock, in close, which comes last.
 *
 * Then: bug check 0x1A
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH ReadDispatch;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGEREAD, ReadDispatch)
#endif

static PVOID ReadSection;

NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return GallerySucceed(DeviceObject, Irp); /* at its end, always */
}

static NTSTATUS CreateDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ReadSection = MmLockPagableCodeSection(ReadDispatch);
    return GallerySucceed(DeviceObject, Irp);
}

static NTSTATUS CleanupDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
#ifndef FIXED
    MmUnlockPagableImageSection(ReadSection);
#endif
    return GallerySucceed(DeviceObject, Irp);
}

static NTSTATUS CloseDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    MmUnlockPagableImageSection(ReadSection); /* finding: unlock-underflow */
    return GallerySucceed(DeviceObject, Irp);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = CleanupDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CloseDispatch;
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return Status;
}
