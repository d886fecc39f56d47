/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a name is converted with a spin lock held. The conversion uses tables that are pageable,
 * so its limit is PASSIVE_LEVEL.
 *
 * Fix: convert first, take the lock for the copy.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KSPIN_LOCK NameLock;
static WCHAR NameBuffer[32];
static UNICODE_STRING Name = {0, sizeof(NameBuffer), NameBuffer}; /* guarded by NameLock */

static NTSTATUS NameControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.InputBufferLength;
    ANSI_STRING New = {.Buffer = Irp->AssociatedIrp.SystemBuffer};
    NTSTATUS Status;
    KIRQL Irql;

    UNREFERENCED_PARAMETER(DeviceObject);
    New.Length = New.MaximumLength = (USHORT)min(Length, RTL_NUMBER_OF(NameBuffer) / 2);
#ifdef FIXED
    WCHAR Buffer[RTL_NUMBER_OF(NameBuffer)];
    UNICODE_STRING Converted = {0, sizeof(Buffer), Buffer};

    Status = RtlAnsiStringToUnicodeString(&Converted, &New, FALSE);
    KeAcquireSpinLock(&NameLock, &Irql);
    if (NT_SUCCESS(Status)) {
        RtlCopyMemory(NameBuffer, Buffer, Converted.Length);
        Name.Length = Converted.Length;
    }
#else
    KeAcquireSpinLock(&NameLock, &Irql);
    Status = RtlAnsiStringToUnicodeString(&Name, &New, FALSE); /* finding: api-irql */
#endif
    KeReleaseSpinLock(&NameLock, Irql);
    return GalleryComplete(Irp, Status, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&NameLock);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = NameControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
