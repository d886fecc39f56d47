/* SPDX-License-Identifier: MIT */
/*
 * What every driver of the gallery needs and none is about: one device, requests that succeed, an
 * unload routine.  All of it is resident.
 */
#ifndef GALLERY_H
#define GALLERY_H

#include <ntddk.h>

/* Never copied into a caller: it would land in the caller's section. */
#define GALLERY_RESIDENT static __inline DECLSPEC_NOINLINE

GALLERY_RESIDENT NTSTATUS GalleryComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

GALLERY_RESIDENT NTSTATUS GallerySucceed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

GALLERY_RESIDENT VOID GalleryUnload(PDRIVER_OBJECT DriverObject)
{
    while (DriverObject->DeviceObject) {
        IoDeleteDevice(DriverObject->DeviceObject);
    }
}

/* The driver's key, terminated as the Rtl registry routines want it; cut when it is longer than any
 * service's. */
GALLERY_RESIDENT PCWSTR GalleryKey(PUNICODE_STRING RegistryPath)
{
    static WCHAR Key[256];

    RtlCopyMemory(Key, RegistryPath->Buffer,
                  min(RegistryPath->Length, sizeof(Key) - sizeof(UNICODE_NULL)));
    return Key;
}

/* The device \Device\Gallery, which can be opened and closed.  *Extension is its extension, zeroed;
 * the driver sets the dispatch routines that it is about. */
GALLERY_RESIDENT NTSTATUS GalleryCreate(PDRIVER_OBJECT DriverObject, ULONG ExtensionBytes,
                                        PVOID *Extension)
{
    UNICODE_STRING Name;
    PDEVICE_OBJECT Device;
    NTSTATUS Status;

    RtlInitUnicodeString(&Name, L"\\Device\\Gallery");
    Status = IoCreateDevice(DriverObject, ExtensionBytes, &Name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Device->Flags |= DO_BUFFERED_IO;
    DriverObject->DriverUnload = GalleryUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = GallerySucceed;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = GallerySucceed;
    if (Extension) {
        *Extension = Device->DeviceExtension;
    }
    return STATUS_SUCCESS;
}

#endif
