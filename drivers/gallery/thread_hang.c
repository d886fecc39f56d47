/* SPDX-License-Identifier: MIT */
/*
 * Mistake: unload waits for the driver's thread, and nobody told the thread to end.
 *
 * Fix: tell it, then wait.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
KSTART_ROUTINE PollThread;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, PollThread)
#endif

static KEVENT Stop;
static PVOID Thread;
static ULONG Polls;

VOID PollThread(PVOID Context)
{
    LARGE_INTEGER Second = {.QuadPart = -10000000};

    PAGED_CODE();
    UNREFERENCED_PARAMETER(Context);
    while (KeWaitForSingleObject(&Stop, Executive, KernelMode, FALSE, &Second) == STATUS_TIMEOUT) {
        Polls++;
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static VOID PollUnload(PDRIVER_OBJECT DriverObject)
{
#ifdef FIXED
    KeSetEvent(&Stop, IO_NO_INCREMENT, FALSE);
#endif
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, NULL); /* finding: thread-hang */
    ObDereferenceObject(Thread);
    GalleryUnload(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HANDLE Handle;
    NTSTATUS Status = GalleryCreate(DriverObject, 0, NULL);

    UNREFERENCED_PARAMETER(RegistryPath);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(&Stop, NotificationEvent, FALSE);
    Status = PsCreateSystemThread(&Handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, PollThread, NULL);
    if (!NT_SUCCESS(Status)) {
        GalleryUnload(DriverObject);
        return Status;
    }
    ObReferenceObjectByHandle(Handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Thread, NULL);
    ZwClose(Handle);
    DriverObject->DriverUnload = PollUnload;
    return STATUS_SUCCESS;
}
