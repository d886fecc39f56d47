/* SPDX-License-Identifier: MIT */
/*
 * Requests of an open port: what can be answered at once is, what needs the printer waits in a
 * cancel-safe queue for the port's thread.
 *
 * The routines of the queue run with its spin lock held, at DISPATCH_LEVEL, and the system calls
 * them when it cancels a request.  They are in a pageable section all the same: there is a request
 * only while the port is open, and then the section is locked.
 */
#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEPARW, ParWrite)
#pragma alloc_text(PAGEPARW, ParDeviceControl)
#pragma alloc_text(PAGEPARW, ParControlNow)
#pragma alloc_text(PAGEPARW, ParQueueRequest)
#pragma alloc_text(PAGEPARW, ParQueueInsert)
#pragma alloc_text(PAGEPARW, ParQueueRemove)
#pragma alloc_text(PAGEPARW, ParQueuePeek)
#pragma alloc_text(PAGEPARW, ParQueueAcquire)
#pragma alloc_text(PAGEPARW, ParQueueRelease)
#pragma alloc_text(PAGEPARW, ParQueueCancelled)
#pragma alloc_text(PAGEPARW, ParQueueInitialize)
#pragma alloc_text(PAGEPARW, ParQueueDrain)
#endif

#define PAR_OF_QUEUE(Of) CONTAINING_RECORD(Of, struct par_extension, Queue)

VOID ParQueueInsert(PIO_CSQ Queue, PIRP Irp)
{
    InsertTailList(&PAR_OF_QUEUE(Queue)->Requests, &Irp->Tail.Overlay.ListEntry);
}

VOID ParQueueRemove(PIO_CSQ Queue, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Queue);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The first behind `Irp` (NULL: of all), of that file (NULL: of any). */
PIRP ParQueuePeek(PIO_CSQ Queue, PIRP Irp, PVOID FileObject)
{
    PLIST_ENTRY Head = &PAR_OF_QUEUE(Queue)->Requests;
    PLIST_ENTRY Entry = Irp ? Irp->Tail.Overlay.ListEntry.Flink : Head->Flink;

    for (; Entry != Head; Entry = Entry->Flink) {
        PIRP Next = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);

        if (!FileObject || IoGetCurrentIrpStackLocation(Next)->FileObject == FileObject) {
            return Next;
        }
    }
    return NULL;
}

VOID ParQueueAcquire(PIO_CSQ Queue, PKIRQL Irql)
{
    PAGED_CODE_LOCKED();
    KeAcquireSpinLock(&PAR_OF_QUEUE(Queue)->RequestsLock, Irql);
}

VOID ParQueueRelease(PIO_CSQ Queue, KIRQL Irql)
{
    PAGED_CODE_LOCKED();
    KeReleaseSpinLock(&PAR_OF_QUEUE(Queue)->RequestsLock, Irql);
}

VOID ParQueueCancelled(PIO_CSQ Queue, PIRP Irp)
{
    ParComplete(PAR_OF_QUEUE(Queue), Irp, STATUS_CANCELLED, 0);
}

VOID ParQueueInitialize(struct par_extension *Port)
{
    InitializeListHead(&Port->Requests);
    KeInitializeSpinLock(&Port->RequestsLock);
    KeInitializeSemaphore(&Port->Work, 0, MAXLONG);
    IoCsqInitialize(&Port->Queue, ParQueueInsert, ParQueueRemove, ParQueuePeek, ParQueueAcquire,
                    ParQueueRelease, ParQueueCancelled);
}

/* Cancels what a file asked for and the thread has not begun. */
VOID ParQueueDrain(struct par_extension *Port, PFILE_OBJECT FileObject)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&Port->Queue, FileObject)) != NULL) {
        ParComplete(Port, Irp, STATUS_CANCELLED, 0);
    }
}

/* The request may be finished, and its memory gone, as soon as it is in the queue. */
NTSTATUS ParQueueRequest(struct par_extension *Port, PIRP Irp)
{
    IoCsqInsertIrp(&Port->Queue, Irp, NULL);
    KeReleaseSemaphore(&Port->Work, IO_PARALLEL_INCREMENT, 1, FALSE);
    return STATUS_PENDING;
}

NTSTATUS ParWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;
    NTSTATUS Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);

    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    if (!IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length) {
        return ParComplete(Port, Irp, STATUS_SUCCESS, 0);
    }
    return ParQueueRequest(Port, Irp);
}

/* What a buffer of a control request must hold at least; input and output are the same buffer. */
struct par_control {
    ULONG Code;
    ULONG Input, Output;
    BOOLEAN Queued;
};

static const struct par_control ParControls[] = {
    {IOCTL_PAR_QUERY_INFORMATION, 0, sizeof(PAR_QUERY_INFORMATION), FALSE},
    {IOCTL_PAR_SET_INFORMATION, sizeof(PAR_SET_INFORMATION), 0, TRUE},
    {IOCTL_PAR_QUERY_DEVICE_ID, 0, 1, TRUE},
    {IOCTL_PAR_QUERY_RAW_DEVICE_ID, 0, 1, TRUE},
    {IOCTL_PAR_QUERY_DEVICE_ID_SIZE, 0, sizeof(PAR_DEVICE_ID_SIZE_INFORMATION), TRUE},
    {IOCTL_SERIAL_SET_TIMEOUTS, sizeof(SERIAL_TIMEOUTS), 0, FALSE},
    {IOCTL_SERIAL_GET_TIMEOUTS, 0, sizeof(SERIAL_TIMEOUTS), FALSE},
    {IOCTL_PARPORT_SET_WAY, sizeof(ULONG), 0, FALSE},
    {IOCTL_PARPORT_QUERY_STATISTICS, 0, sizeof(struct parport_statistics), FALSE},
};

/* Those that need not wait for their turn. */
NTSTATUS ParControlNow(struct par_extension *Port, PIRP Irp)
{
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG Way;
    NTSTATUS Status;

    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_PAR_QUERY_INFORMATION:
        Status = ParQueryStatus(Port, &((PPAR_QUERY_INFORMATION)Buffer)->Status);
        return ParComplete(Port, Irp, Status,
                           NT_SUCCESS(Status) ? sizeof(PAR_QUERY_INFORMATION) : 0);
    case IOCTL_SERIAL_SET_TIMEOUTS:
        Port->WriteTimeout = ((PSERIAL_TIMEOUTS)Buffer)->WriteTotalTimeoutConstant;
        return ParComplete(Port, Irp, STATUS_SUCCESS, 0);
    case IOCTL_SERIAL_GET_TIMEOUTS:
        RtlZeroMemory(Buffer, sizeof(SERIAL_TIMEOUTS));
        ((PSERIAL_TIMEOUTS)Buffer)->WriteTotalTimeoutConstant = Port->WriteTimeout;
        return ParComplete(Port, Irp, STATUS_SUCCESS, sizeof(SERIAL_TIMEOUTS));
    case IOCTL_PARPORT_SET_WAY:
        Way = *(PULONG)Buffer;
        if (Way != PARPORT_POLLED && Way != PARPORT_INTERRUPT) {
            return ParComplete(Port, Irp, STATUS_INVALID_PARAMETER, 0);
        }
        if (Way == PARPORT_INTERRUPT && !Port->Interrupt) {
            return ParComplete(Port, Irp, STATUS_NOT_SUPPORTED, 0);
        }
        Port->Polled = Way == PARPORT_POLLED;
        return ParComplete(Port, Irp, STATUS_SUCCESS, 0);
    default: /* IOCTL_PARPORT_QUERY_STATISTICS */
        Port->Statistics.Way =
            Port->Polled || !Port->Interrupt ? PARPORT_POLLED : PARPORT_INTERRUPT;
        *(struct parport_statistics *)Buffer = Port->Statistics;
        return ParComplete(Port, Irp, STATUS_SUCCESS, sizeof(struct parport_statistics));
    }
}

NTSTATUS ParDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct par_extension *Port = DeviceObject->DeviceExtension;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = IoAcquireRemoveLock(&Port->RemoveLock, Irp);

    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    for (ULONG i = 0; i < RTL_NUMBER_OF(ParControls); i++) {
        const struct par_control *Control = &ParControls[i];

        if (Control->Code != Stack->Parameters.DeviceIoControl.IoControlCode) {
            continue;
        }
        if (Stack->Parameters.DeviceIoControl.InputBufferLength < Control->Input ||
            Stack->Parameters.DeviceIoControl.OutputBufferLength < Control->Output) {
            return ParComplete(Port, Irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        return Control->Queued ? ParQueueRequest(Port, Irp) : ParControlNow(Port, Irp);
    }
    return ParComplete(Port, Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}
