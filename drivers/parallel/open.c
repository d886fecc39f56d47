/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing, and the section that an open port needs.
 *
 * Each open port holds one lock on PAGEPARW.  The memory manager counts: the section stays in
 * memory until the last port is closed.  The first lock is by address, which makes the memory
 * manager search for the section; what it returns then stands for the section for as long as the
 * driver is loaded, locked or not, and every later lock is by that handle.
 *
 * The locks are taken and given back at IRQL <= APC_LEVEL (they may wait for the disk), so what
 * serialises them is a fast mutex and never a spin lock.
 *
 * Everything here is in PAGE: by the time PAGEPARW may leave memory, none of its code runs and
 * nothing is left that could call it: the thread has ended, and with the last request its queue is
 * empty.
 */
#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, ParCreate)
#pragma alloc_text(PAGE, ParCleanup)
#pragma alloc_text(PAGE, ParClose)
#pragma alloc_text(PAGE, ParLockSection)
#pragma alloc_text(PAGE, ParUnlockSection)
#pragma alloc_text(PAGE, ParOpenPort)
#pragma alloc_text(PAGE, ParClosePort)
#endif

/* With ParSection.Mutex. */
VOID ParLockSection(VOID)
{
    PAGED_CODE();
    if (ParSection.Handle) {
        MmLockPagableSectionByHandle(ParSection.Handle);
    } else {
        ParSection.Handle = MmLockPagableCodeSection((PVOID)(ULONG_PTR)ParThread);
    }
}

VOID ParUnlockSection(VOID)
{
    PAGED_CODE();
    MmUnlockPagableImageSection(ParSection.Handle);
}

/* The port is ours (Open is set, the section is locked): give it its thread. */
NTSTATUS ParOpenPort(struct par_extension *Port)
{
    OBJECT_ATTRIBUTES Attributes;
    NTSTATUS Status;
    HANDLE Thread;

    PAGED_CODE();
    Port->Closing = FALSE;
    Port->Abandon = FALSE;
    Port->Polled = !ParDefaults.UseInterrupt;
    Port->WriteTimeout = ParDefaults.WriteTimeout;
    ParQueueInitialize(Port);
    InitializeObjectAttributes(&Attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    Status =
        PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, &Attributes, NULL, NULL, ParThread, Port);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    /* The thread cannot end before it is told to, so its handle is good. */
    Status = ObReferenceObjectByHandle(Thread, THREAD_ALL_ACCESS, NULL, KernelMode,
                                       (PVOID *)&Port->Thread, NULL);
    NT_ASSERT(NT_SUCCESS(Status));
    ZwClose(Thread);
    return STATUS_SUCCESS;
}

/* Ends the thread, and waits until it has: it runs code of the section until its very end. */
VOID ParClosePort(struct par_extension *Port)
{
    PAGED_CODE();
    Port->Closing = TRUE;
    KeReleaseSemaphore(&Port->Work, IO_NO_INCREMENT, 1, FALSE);
    KeWaitForSingleObject(Port->Thread, Executive, KernelMode, FALSE, NULL);
    ObDereferenceObject(Port->Thread);
    Port->Thread = NULL;
}

/* A port is for one at a time. */
NTSTATUS ParCreate(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);

    PAGED_CODE();
    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Create.Options & FILE_DIRECTORY_FILE) {
        return ParComplete(Port, Irp, STATUS_NOT_A_DIRECTORY, 0);
    }
    ExAcquireFastMutex(&ParSection.Mutex);
    if (Port->Removed || !Port->Offered) {
        Status = Port->Removed ? STATUS_DELETE_PENDING : STATUS_DEVICE_NOT_READY;
    } else if (Port->Open) {
        Status = STATUS_ACCESS_DENIED;
    } else {
        Port->Open = TRUE;
        ParLockSection();
    }
    ExReleaseFastMutex(&ParSection.Mutex);
    if (!NT_SUCCESS(Status)) {
        return ParComplete(Port, Irp, Status, 0);
    }
    Status = ParOpenPort(Port);
    if (!NT_SUCCESS(Status)) {
        ExAcquireFastMutex(&ParSection.Mutex);
        ParUnlockSection();
        Port->Open = FALSE;
        ExReleaseFastMutex(&ParSection.Mutex);
    }
    return ParComplete(Port, Irp, Status, 0);
}

/* The program's last handle is gone: so is its interest in what it asked for.  Every request is
 * finished when this returns, and the section may be unlocked once the close comes. */
NTSTATUS ParCleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;

    PAGED_CODE();
    Port->Abandon = TRUE;
    ParQueueDrain(Port, IoGetCurrentIrpStackLocation(Irp)->FileObject);
    KeWaitForSingleObject(&Port->Idle, Executive, KernelMode, FALSE, NULL);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* No remove lock in these two: a device with an open file is not removed. */
NTSTATUS ParClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;

    PAGED_CODE();
    ParClosePort(Port);
    ExAcquireFastMutex(&ParSection.Mutex);
    ParUnlockSection();
    Port->Open = FALSE;
    ExReleaseFastMutex(&ParSection.Mutex);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}
