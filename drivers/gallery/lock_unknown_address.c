/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the section lock is given an address in pool, as if it could lock any memory. It takes
 * an address inside of a driver's image.
 *
 * Fix: name the variable or routine whose section is meant. Memory of one's own that must stay is
 * allocated from nonpaged pool.
 *
 * Then: bug check 0x1A
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#pragma data_seg("PAGEDATA")
static ULONG Settings[16] = {9600, 8, 1};
#pragma data_seg()

#define POOL_TAG 'koLG'

static NTSTATUS SettingsControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG *Copy = ExAllocatePoolWithTag(PagedPool, sizeof(Settings), POOL_TAG);
    PVOID Section;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (!Copy) {
        return GalleryComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
#ifdef FIXED
    Section = MmLockPagableDataSection(Settings);
#else
    Section = MmLockPagableDataSection(Copy); /* finding: lock-unknown-address */
#endif
    RtlCopyMemory(Copy, Settings, sizeof(Settings));
    MmUnlockPagableImageSection(Section);
    ExFreePoolWithTag(Copy, POOL_TAG);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SettingsControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
