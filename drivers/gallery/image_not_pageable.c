/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the driver is linked with /align:512 to be small on the disk. Two sections then share a
 * page of memory, so none can be paged on its own, and none is.
 *
 * Fix: the linker's default alignment of 4096 (CMakeLists.txt: the sources do not differ).
 *
 * finding: image-not-pageable about 0x200 bytes, less than a page
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH ReadDispatch;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, ReadDispatch)
#endif

NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    return GallerySucceed(DeviceObject, Irp); /* at its end, always */
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return GalleryCreate(DriverObject, 0, NULL);
}
