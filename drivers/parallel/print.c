/* SPDX-License-Identifier: MIT */
/*
 * The thread of an open port: takes requests from the queue, one after the other, and moves bytes.
 *
 * All of this is in the section that is locked while a port is open.  For the most part it runs at
 * PASSIVE_LEVEL and could be paged in as it goes; ParBurst could not: it raises the IRQL so that
 * nothing comes between the edges of nStrobe.
 */
#include "parallel.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGEPARW, ParThread)
#pragma alloc_text(PAGEPARW, ParServe)
#pragma alloc_text(PAGEPARW, ParPrint)
#pragma alloc_text(PAGEPARW, ParSend)
#pragma alloc_text(PAGEPARW, ParSendByInterrupt)
#pragma alloc_text(PAGEPARW, ParSendPolled)
#pragma alloc_text(PAGEPARW, ParBurst)
#pragma alloc_text(PAGEPARW, ParCondition)
#pragma alloc_text(PAGEPARW, ParTakeHardware)
#pragma alloc_text(PAGEPARW, ParSleep)
#pragma alloc_text(PAGEPARW, ParResetPrinter)
#pragma alloc_text(PAGEPARW, ParQueryStatus)
#endif

#define PAR_UNITS_PER_MS 10000 /* of 100 ns */

#define PAR_RUN_MAX   4096 /* bytes sent before the hardware is offered to others */
#define PAR_BURST_MAX 8    /* bytes sent without a preemption */

VOID ParSleep(ULONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)Milliseconds * PAR_UNITS_PER_MS};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

/* What keeps a printer from taking a byte.  A cable with nothing at its end reads as ones, which no
 * printer shows: one that is out of paper drops Select or nFault.  A printer without power drives
 * nothing up. */
NTSTATUS ParCondition(UCHAR Status)
{
    switch (Status & PAR_WIRES) {
    case PAR_WIRES & ~PAR_STATUS_NOT_BUSY: /* Busy reads inverted */
        return STATUS_DEVICE_NOT_CONNECTED;
    case PAR_STATUS_NOT_BUSY:
        return STATUS_DEVICE_POWERED_OFF;
    default:
        break;
    }
    if (Status & PAR_STATUS_PERROR) {
        return STATUS_DEVICE_PAPER_EMPTY;
    }
    if (!(Status & PAR_STATUS_SELECT) || !(Status & PAR_STATUS_NFAULT)) {
        return STATUS_DEVICE_OFF_LINE;
    }
    return PAR_IS_READY(Status) ? STATUS_SUCCESS : STATUS_DEVICE_BUSY;
}

/*
 * The mutex Hardware, once the port may be used.  A request that the thread has begun is in no
 * queue any more, so nobody can cancel it but the thread itself: it looks here, before each run,
 * whether it should.  FALSE: *Status says why the request has to end.
 */
BOOLEAN ParTakeHardware(struct par_extension *Port, PIRP Irp, PNTSTATUS Status)
{
    LARGE_INTEGER Patience = {.QuadPart = -PAR_PATIENCE * PAR_UNITS_PER_MS};

    for (;;) {
        if (Irp->Cancel || Port->Abandon) {
            *Status = STATUS_CANCELLED;
            return FALSE;
        }
        KeWaitForSingleObject(&Port->Available, Executive, KernelMode, FALSE, &Patience);
        ExAcquireFastMutex(&Port->Hardware);
        if (Port->Removed) {
            ExReleaseFastMutex(&Port->Hardware);
            *Status = STATUS_DEVICE_REMOVED;
            return FALSE;
        }
        if (Port->Started && Port->Powered) {
            return TRUE;
        }
        ExReleaseFastMutex(&Port->Hardware);
    }
}

/* At most PAR_BURST_MAX bytes, as long as the printer takes them at once. */
ULONG ParBurst(struct par_extension *Port, PUCHAR Bytes, ULONG Length)
{
    ULONG Sent = 0, Looks = 0;
    KIRQL Irql;

    PAGED_CODE_LOCKED(); /* PAGED_CODE would be true here, and no help two lines down */
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    while (Sent < Length && Sent < PAR_BURST_MAX && Looks < PAR_LOOKS_MAX) {
        if (PAR_IS_READY(PAR_READ(Port, PAR_STATUS))) {
            ParStrobe(Port, Bytes[Sent++], Port->Control);
            Looks = 0;
        } else {
            KeStallExecutionProcessor(1);
            Looks++;
        }
    }
    KeLowerIrql(Irql);
    return Sent;
}

ULONG ParSendPolled(struct par_extension *Port, PUCHAR Bytes, ULONG Length)
{
    ULONG Sent = 0, Burst;

    do {
        Burst = ParBurst(Port, Bytes + Sent, Length - Sent);
        Sent += Burst;
    } while (Burst > 0 && Sent < Length);
    Port->Statistics.PolledBytes += Sent;
    return Sent;
}

/*
 * The service routine does the work, while we wait for at most PAR_PATIENCE.  A printer that has
 * taken a byte and is ready for the next one, but never gave nAck, will not do so later either:
 * from then on the port is polled.
 */
ULONG ParSendByInterrupt(struct par_extension *Port, PUCHAR Bytes, ULONG Length)
{
    LARGE_INTEGER Patience = {.QuadPart = -PAR_PATIENCE * PAR_UNITS_PER_MS};

    Port->Run = (struct par_run){.Next = Bytes, .Left = Length};
    KeClearEvent(&Port->RunDone);
    if (!KeSynchronizeExecution(Port->Interrupt, ParBeginRun, Port)) {
        return 0;
    }
    KeWaitForSingleObject(&Port->RunDone, Executive, KernelMode, FALSE, &Patience);
    if (KeSynchronizeExecution(Port->Interrupt, ParEndRun, Port) && Port->Run.Sent > 0 &&
        Port->Run.Acknowledged == 0 && PAR_IS_READY(PAR_READ(Port, PAR_STATUS))) {
        Port->Polled = TRUE;
        Port->Statistics.FellBack++;
    }
    return Port->Run.Sent;
}

/* A run of bytes, with Hardware.  When the printer took none, the status says why. */
NTSTATUS ParSend(struct par_extension *Port, PUCHAR Bytes, ULONG Length, PULONG Sent)
{
    if (Length > PAR_RUN_MAX) {
        Length = PAR_RUN_MAX;
    }
    if (Port->Polled || !Port->Interrupt) {
        *Sent = ParSendPolled(Port, Bytes, Length);
    } else {
        *Sent = ParSendByInterrupt(Port, Bytes, Length);
    }
    return *Sent > 0 ? STATUS_SUCCESS : ParCondition(PAR_READ(Port, PAR_STATUS));
}

/* A write: until all is sent, or the printer has taken nothing for the time that the program gives
 * it, not counting the time that the port could not be used. */
NTSTATUS ParPrint(struct par_extension *Port, PIRP Irp)
{
    ULONG Length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    PUCHAR Bytes = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONGLONG Idle = 0;
    ULONG Done = 0, Pause = PAR_PAUSE, Sent;

    if (!Bytes) {
        return ParComplete(Port, Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    while (Done < Length && ParTakeHardware(Port, Irp, &Status)) {
        ULONGLONG Began = KeQueryInterruptTime();
        ULONGLONG Timeout = (ULONGLONG)Port->WriteTimeout * PAR_UNITS_PER_MS;

        Status = ParSend(Port, Bytes + Done, Length - Done, &Sent);
        ExReleaseFastMutex(&Port->Hardware);
        Done += Sent;
        if (Sent > 0) {
            Idle = 0;
            Pause = PAR_PAUSE;
            continue;
        }
        ParSleep(Pause);
        Pause = min(2 * Pause, PAR_PAUSE_MAX);
        Idle += KeQueryInterruptTime() - Began;
        if (Timeout > 0 && Idle >= Timeout && Status != STATUS_SUCCESS) {
            break;
        }
    }
    return ParComplete(Port, Irp, Done == Length ? STATUS_SUCCESS : Status, Done);
}

/* IOCTL_PAR_SET_INFORMATION: a pulse of nInit, which has a least time (50 us) and no greatest. */
NTSTATUS ParResetPrinter(struct par_extension *Port, PIRP Irp)
{
    UCHAR Init = ((PPAR_SET_INFORMATION)Irp->AssociatedIrp.SystemBuffer)->Init;
    NTSTATUS Status;

    if (!(Init & PARALLEL_INIT) || (Init & ~(PARALLEL_INIT | PARALLEL_AUTOFEED))) {
        return ParComplete(Port, Irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (!ParTakeHardware(Port, Irp, &Status)) {
        return ParComplete(Port, Irp, Status, 0);
    }
    Port->Control = PAR_CONTROL_NINIT | PAR_CONTROL_SELECT_IN;
    if (Init & PARALLEL_AUTOFEED) {
        Port->Control |= PAR_CONTROL_AUTOFEED;
    }
    PAR_WRITE(Port, PAR_CONTROL, Port->Control & ~PAR_CONTROL_NINIT);
    ParSleep(1);
    PAR_WRITE(Port, PAR_CONTROL, Port->Control);
    ExReleaseFastMutex(&Port->Hardware);
    return ParComplete(Port, Irp, STATUS_SUCCESS, 0);
}

/* IOCTL_PAR_QUERY_INFORMATION.  Reading status takes a pending interrupt back, so not during a run.
 */
NTSTATUS ParQueryStatus(struct par_extension *Port, PUCHAR Flags)
{
    NTSTATUS Status = STATUS_SUCCESS;
    UCHAR Wires = 0;

    ExAcquireFastMutex(&Port->Hardware);
    if (Port->Removed) {
        Status = STATUS_DEVICE_REMOVED;
    } else if (!Port->Started || !Port->Powered) {
        Status = STATUS_DEVICE_NOT_READY;
    } else {
        Wires = PAR_READ(Port, PAR_STATUS);
    }
    ExReleaseFastMutex(&Port->Hardware);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    switch (ParCondition(Wires)) {
    case STATUS_DEVICE_NOT_CONNECTED:
        *Flags = PARALLEL_NOT_CONNECTED;
        return STATUS_SUCCESS;
    case STATUS_DEVICE_POWERED_OFF:
        *Flags = PARALLEL_POWER_OFF;
        return STATUS_SUCCESS;
    default:
        break;
    }
    *Flags = (Wires & PAR_STATUS_PERROR ? PARALLEL_PAPER_EMPTY : 0) |
             (Wires & PAR_STATUS_SELECT ? PARALLEL_SELECTED : PARALLEL_OFF_LINE) |
             (Wires & PAR_STATUS_NOT_BUSY ? 0 : PARALLEL_BUSY);
    return STATUS_SUCCESS;
}

VOID ParServe(struct par_extension *Port, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    if (Stack->MajorFunction == IRP_MJ_WRITE) {
        ParPrint(Port, Irp);
    } else if (Stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_PAR_SET_INFORMATION) {
        ParResetPrinter(Port, Irp);
    } else {
        ParDeviceId(Port, Irp);
    }
}

/* Idle is cleared before a request leaves the queue: whoever empties the queue and then waits for
 * Idle has seen every request end. */
VOID ParThread(PVOID Context)
{
    struct par_extension *Port = Context;
    PIRP Irp;

    for (;;) {
        KeWaitForSingleObject(&Port->Work, Executive, KernelMode, FALSE, NULL);
        if (Port->Closing) {
            break;
        }
        KeClearEvent(&Port->Idle);
        Irp = IoCsqRemoveNextIrp(&Port->Queue, NULL);
        if (Irp) { /* else it was cancelled */
            ParServe(Port, Irp);
        }
        KeSetEvent(&Port->Idle, IO_NO_INCREMENT, FALSE);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}
