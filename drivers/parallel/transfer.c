/* SPDX-License-Identifier: MIT */
/*
 * The resident part: what runs when the hardware wants it to, not when somebody opened the port.
 *
 * None of this may be pageable, whatever the port's state is.  The line may be shared, so the
 * service routine is called for the interrupts of others; it may also be called for nothing at all.
 * It is connected from start to stop, so that is true for a closed port as well.
 */
#include "parallel.h"

/* Sends a byte: set-up time, nStrobe, hold time, each a microsecond, twice what a printer may ask
 * for.  At DISPATCH_LEVEL or above, or a preemption would stretch the pulse. */
VOID ParStrobe(struct par_extension *Port, UCHAR Byte, UCHAR Control)
{
    PAR_WRITE(Port, PAR_DATA, Byte);
    KeStallExecutionProcessor(1);
    PAR_WRITE(Port, PAR_CONTROL, Control | PAR_CONTROL_STROBE);
    KeStallExecutionProcessor(1);
    PAR_WRITE(Port, PAR_CONTROL, Control);
    KeStallExecutionProcessor(1);
}

/* The next byte of the run, at the interrupt's IRQL. */
static VOID ParSendNext(struct par_extension *Port)
{
    struct par_run *Run = &Port->Run;

    ParStrobe(Port, *Run->Next++, Port->Control | PAR_CONTROL_IRQ);
    Run->Left--;
    Run->Sent++;
}

static VOID ParFinishRun(struct par_extension *Port)
{
    Port->Run.Active = FALSE;
    PAR_WRITE(Port, PAR_CONTROL, Port->Control);
}

/* The printer has taken a byte.  Give it the next one; when there is none, or it wants none, the
 * thread goes on. */
BOOLEAN ParInterrupt(PKINTERRUPT Interrupt, PVOID Context)
{
    struct par_extension *Port = Context;
    UCHAR Status;

    UNREFERENCED_PARAMETER(Interrupt);
    Status = PAR_READ(Port, PAR_STATUS);
    if (Status & PAR_STATUS_NIRQ) {
        Port->Statistics.Foreign++;
        return FALSE;
    }
    Port->Statistics.Interrupts++;
    if (!Port->Run.Active) {
        return TRUE;
    }
    Port->Run.Acknowledged++;
    if (Port->Run.Left > 0 && PAR_IS_READY(Status)) {
        ParSendNext(Port);
        Port->Statistics.InterruptBytes++;
    } else {
        ParFinishRun(Port);
        IoRequestDpc(Port->Self, NULL, Port);
    }
    return TRUE;
}

/* Nobody can say when an interrupt queues this: resident, as the service routine is. */
VOID ParRunDone(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    struct par_extension *Port = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    KeSetEvent(&Port->RunDone, IO_PARALLEL_INCREMENT, FALSE);
}

/*
 * Starts a run, under KeSynchronizeExecution.  A printer that is busy with the byte before will
 * give its nAck: the interrupt is enabled before the look at status, so that the edge comes either
 * before the look, which then finds the printer ready, or after it.  FALSE: the printer is not
 * ready, and no interrupt will change that.
 */
BOOLEAN ParBeginRun(PVOID Context)
{
    struct par_extension *Port = Context;
    UCHAR Status;

    PAR_WRITE(Port, PAR_CONTROL, Port->Control | PAR_CONTROL_IRQ);
    Status = PAR_READ(Port, PAR_STATUS);
    Port->Run.Active = TRUE;
    if (PAR_IS_READY(Status)) {
        ParSendNext(Port);
        return TRUE;
    }
    if ((Status & PAR_STATUS_SELECT) && (Status & PAR_STATUS_NFAULT) &&
        !(Status & PAR_STATUS_PERROR)) {
        return TRUE;
    }
    ParFinishRun(Port);
    return FALSE;
}

/* Ends one that is still going on, under KeSynchronizeExecution; whether it was. */
BOOLEAN ParEndRun(PVOID Context)
{
    struct par_extension *Port = Context;
    BOOLEAN WasActive = Port->Run.Active;

    if (WasActive) {
        ParFinishRun(Port);
    }
    return WasActive;
}

/* Completes a request of ours.  Requests are completed in PAGE as well as in PAGEPARW. */
NTSTATUS ParComplete(struct par_extension *Port, PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, NT_SUCCESS(Status) ? IO_PARALLEL_INCREMENT : IO_NO_INCREMENT);
    IoReleaseRemoveLock(&Port->RemoveLock, Irp);
    return Status;
}
