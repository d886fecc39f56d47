/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a comment says that PAGESER is locked while a port is open, and nothing locks it. The
 * DPC of an open port runs in it.
 *
 * Fix: create locks the section, close unlocks it.
 *
 * Seen: Windows-driver-samples serial
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
ULONG TakeCharacters(PUCHAR To, ULONG Room);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGESER, TakeCharacters)
#endif

static KDPC ReceiveDpc;

/* Called by the DPC of a port that is open, so PAGESER is locked. */
DECLSPEC_NOINLINE ULONG TakeCharacters(PUCHAR To, ULONG Room)
{ /* finding: pageable-at-raised-irql */
    for (ULONG i = 0; i < Room; i++) {
        To[i] = (UCHAR)('A' + i % 26);
    }
    return Room;
}

static VOID Received(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    PIRP Irp = Argument1;
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    UNREFERENCED_PARAMETER(Argument2);
    GalleryComplete(Irp, STATUS_SUCCESS, TakeCharacters(Irp->AssociatedIrp.SystemBuffer, Length));
}

static NTSTATUS ReadDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    IoMarkIrpPending(Irp);
    if (!KeInsertQueueDpc(&ReceiveDpc, Irp, NULL)) { /* as the interrupt would */
        GalleryComplete(Irp, STATUS_DEVICE_BUSY, 0);
    }
    return STATUS_PENDING;
}

#ifdef FIXED
static PVOID SerialSection;

static NTSTATUS CreateDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    SerialSection = MmLockPagableCodeSection(TakeCharacters);
    return GallerySucceed(DeviceObject, Irp);
}

static NTSTATUS CloseDispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    MmUnlockPagableImageSection(SerialSection);
    return GallerySucceed(DeviceObject, Irp);
}
#endif

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    DriverObject->DeviceObject->Flags |= DO_EXCLUSIVE;
    KeInitializeDpc(&ReceiveDpc, Received, NULL);
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadDispatch;
#ifdef FIXED
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateDispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CloseDispatch;
#endif
    return STATUS_SUCCESS;
}
