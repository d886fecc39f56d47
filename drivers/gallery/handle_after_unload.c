/* SPDX-License-Identifier: MIT */
/*
 * Mistake: locking by handle is faster than by address, so the driver keeps the handle in the
 * registry for the next time that it is loaded. The handle died with the image it came from.
 *
 * Fix: a handle is good until the image is unloaded. The first lock after loading is by address.
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

static VOID UnlockUnload(PDRIVER_OBJECT DriverObject)
{
    MmUnlockPagableImageSection(ReadSection);
    GalleryUnload(DriverObject);
}

#ifndef FIXED
static NTSTATUS NTAPI KeptHandle(PWSTR Name, ULONG Type, PVOID Data, ULONG Length, PVOID Context,
                                 PVOID EntryContext)
{
    UNREFERENCED_PARAMETER(Name);
    UNREFERENCED_PARAMETER(Context);
    if (Type == REG_BINARY && Length == sizeof(PVOID)) {
        RtlCopyMemory(EntryContext, Data, Length);
    }
    return STATUS_SUCCESS;
}
#endif

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
#ifndef FIXED
    RTL_QUERY_REGISTRY_TABLE Table[2] = {
        {.QueryRoutine = KeptHandle, .Name = L"Handle", .EntryContext = &ReadSection}};

    RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, GalleryKey(RegistryPath), Table, NULL, NULL);
    if (ReadSection) {
        MmLockPagableSectionByHandle(ReadSection); /* finding: handle-after-unload */
    }
#endif
    if (!ReadSection) {
        ReadSection = MmLockPagableCodeSection(ReadDispatch);
    }
#ifndef FIXED
    RtlWriteRegistryValue(RTL_REGISTRY_ABSOLUTE, GalleryKey(RegistryPath), L"Handle", REG_BINARY,
                          &ReadSection, sizeof(ReadSection));
#endif
    DriverObject->DriverUnload = UnlockUnload;
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
    return STATUS_SUCCESS;
}
