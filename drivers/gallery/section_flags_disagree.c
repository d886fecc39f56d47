/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the linker is told that a section is not paged, and its name says that it is. The name
 * decides, so the section leaves memory although somebody thought that it would not.
 *
 * Fix: a section that must stay has a name that does not start with PAGE.
 *
 * finding: section-flags-disagree about PAGEKEEP
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH ReadDispatch;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifdef FIXED
#pragma alloc_text(KEEP, ReadDispatch)
#else
#pragma alloc_text(PAGEKEEP, ReadDispatch)
#endif
#endif

NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    return GallerySucceed(DeviceObject, Irp); /* at its end, always */
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
