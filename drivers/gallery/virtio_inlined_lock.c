/* SPDX-License-Identifier: MIT */
/*
 * Mistake: the helper that takes the lock is declared inline, so it becomes part of its caller, and
 * the caller is in PAGE. The source reads as if the lock were somewhere else.
 *
 * Fix: DECLSPEC_NOINLINE keeps the helper a routine of its own, in .text.
 *
 * Seen: virtio-win #1018, Windows-driver-samples #313
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH QueueControl;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, QueueControl)
#endif

static KSPIN_LOCK QueueLock;
static LIST_ENTRY Queue, Free;
static LIST_ENTRY Buffers[4];

#ifdef FIXED
static DECLSPEC_NOINLINE PLIST_ENTRY TakeFirst(PLIST_ENTRY From)
#else
FORCEINLINE PLIST_ENTRY TakeFirst(PLIST_ENTRY From)
#endif
{
    PLIST_ENTRY First = NULL;
    KIRQL Irql;

    KeAcquireSpinLock(&QueueLock, &Irql);
    if (!IsListEmpty(From)) {
        First = RemoveHeadList(From);
        InsertTailList(&Queue, First);
    }
    KeReleaseSpinLock(&QueueLock, Irql);
    return First;
}

/* Gives the device one more buffer. */
NTSTATUS QueueControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PLIST_ENTRY Taken;

    PAGED_CODE();
    UNREFERENCED_PARAMETER(DeviceObject);
    Taken = TakeFirst(&Free); /* finding: spin-lock-in-pageable */
    return GalleryComplete(Irp, Taken ? STATUS_SUCCESS : STATUS_DEVICE_BUSY, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&QueueLock);
    InitializeListHead(&Queue);
    InitializeListHead(&Free);
    for (ULONG i = 0; i < RTL_NUMBER_OF(Buffers); i++) {
        InsertTailList(&Free, &Buffers[i]);
    }
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = QueueControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
