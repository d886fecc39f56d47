/* SPDX-License-Identifier: MIT */
/*
 * Cancel-safe queues.  The queue itself, its lock and its order are the driver's; here is only what
 * makes insertion, removal and cancellation agree on who has a packet: whoever clears its cancel
 * routine.
 *
 * DriverContext[3] of a queued packet points to the queue, or to the IO_CSQ_IRP_CONTEXT that does.
 */
#include "nt/io.h"

enum { CSQ_IRP_CONTEXT = 1, CSQ = 2, CSQ_EX = 3 };

static uint8_t acquire(struct io_csq *csq)
{
    /* The driver writes the IRQL: somewhere it may write to. */
    uint64_t cell = ex_pool_allocate(POOL_NONPAGED, sizeof(uint64_t), IO_TAG('C', 's', 'q', ' '));
    uint8_t irql;

    PG_ASSERT(cell != 0);
    MACHINE_CALL_CHANGING_IRQL((uint64_t)csq->CsqAcquireLock, (uint64_t)csq, cell);
    irql = *(const uint8_t *)machine_pointer(cell);
    ex_pool_free(cell);
    return irql;
}

static void release(struct io_csq *csq, uint8_t irql)
{
    MACHINE_CALL_CHANGING_IRQL((uint64_t)csq->CsqReleaseLock, (uint64_t)csq, irql);
}

static void cancel_of(struct io_csq *csq, struct irp *irp)
{
    MACHINE_CALL((uint64_t)csq->CsqCompleteCanceledIrp, (uint64_t)csq, (uint64_t)irp);
}

static void take_out(struct io_csq *csq, struct irp *irp)
{
    MACHINE_CALL((uint64_t)csq->CsqRemoveIrp, (uint64_t)csq, (uint64_t)irp);
}

/* A packet that is taken out belongs to nobody's context any more. */
static void disown(struct irp *irp)
{
    struct io_csq_irp_context *context = irp->Tail.Overlay.DriverContext[3];

    if (context != NULL && context->Type == CSQ_IRP_CONTEXT) {
        context->Irp = NULL;
    }
    irp->Tail.Overlay.DriverContext[3] = NULL;
}

static void set_up(struct io_csq *csq, uint32_t type, const uint64_t routines[6])
{
    machine_touch((uint64_t)csq, sizeof *csq, PAGER_WRITE);
    csq->Type = type;
    csq->CsqInsertIrp = machine_pointer(routines[0]);
    csq->CsqRemoveIrp = machine_pointer(routines[1]);
    csq->CsqPeekNextIrp = machine_pointer(routines[2]);
    csq->CsqAcquireLock = machine_pointer(routines[3]);
    csq->CsqReleaseLock = machine_pointer(routines[4]);
    csq->CsqCompleteCanceledIrp = machine_pointer(routines[5]);
    csq->ReservePointer = NULL;
}

static ntstatus insert(struct io_csq *csq, struct irp *irp, struct io_csq_irp_context *context,
                       uint64_t insert_context)
{
    ntstatus status = STATUS_SUCCESS;
    uint8_t irql;

    io_irp_check(irp);
    machine_touch((uint64_t)csq, sizeof *csq, PAGER_WRITE);
    if (context != NULL) {
        machine_touch((uint64_t)context, sizeof *context, PAGER_WRITE);
        *context = (struct io_csq_irp_context){CSQ_IRP_CONTEXT, irp, csq};
    }
    irp->Tail.Overlay.DriverContext[3] = context != NULL ? (void *)context : (void *)csq;
    irql = acquire(csq);
    io_stack_current(irp)->Control |= SL_PENDING_RETURNED;
    if (csq->Type == CSQ_EX) {
        status = (ntstatus)MACHINE_CALL((uint64_t)csq->CsqInsertIrp, (uint64_t)csq, (uint64_t)irp,
                                        insert_context);
    } else {
        MACHINE_CALL((uint64_t)csq->CsqInsertIrp, (uint64_t)csq, (uint64_t)irp);
    }
    if (!NT_SUCCESS(status)) {
        io_stack_current(irp)->Control &= (uint8_t)~SL_PENDING_RETURNED;
        disown(irp);
        release(csq, irql);
        return status;
    }
    irp->CancelRoutine = machine_pointer(nt_export_address("IopCsqCancelRoutine"));
    if (irp->Cancel) { /* cancelled before: nobody else will do it */
        irp->CancelRoutine = NULL;
        take_out(csq, irp);
        disown(irp);
        release(csq, irql);
        cancel_of(csq, irp);
        return status;
    }
    release(csq, irql);
    return status;
}

/* ---- exports ---- */

/* Called by IoCancelIrp with the cancel spin lock. */
static void IopCsqCancelRoutine(struct device_object *device, struct irp *irp)
{
    struct io_csq_irp_context *context = irp->Tail.Overlay.DriverContext[3];
    struct io_csq *csq = context->Type == CSQ_IRP_CONTEXT ? context->Csq : (struct io_csq *)context;
    uint8_t irql;

    (void)device;
    io_cancel_unlock(irp->CancelIrql);
    irql = acquire(csq);
    take_out(csq, irp);
    disown(irp);
    release(csq, irql);
    cancel_of(csq, irp);
}

static ntstatus IoCsqInitialize(struct io_csq *csq, uint64_t insert_irp, uint64_t remove_irp,
                                uint64_t peek, uint64_t acquire_lock, uint64_t release_lock,
                                uint64_t complete)
{
    set_up(csq, CSQ,
           (const uint64_t[]){insert_irp, remove_irp, peek, acquire_lock, release_lock, complete});
    return STATUS_SUCCESS;
}

static ntstatus IoCsqInitializeEx(struct io_csq *csq, uint64_t insert_irp, uint64_t remove_irp,
                                  uint64_t peek, uint64_t acquire_lock, uint64_t release_lock,
                                  uint64_t complete)
{
    set_up(csq, CSQ_EX,
           (const uint64_t[]){insert_irp, remove_irp, peek, acquire_lock, release_lock, complete});
    return STATUS_SUCCESS;
}

static void IoCsqInsertIrp(struct io_csq *csq, struct irp *irp, struct io_csq_irp_context *context)
{
    (void)insert(csq, irp, context, 0);
}

static ntstatus IoCsqInsertIrpEx(struct io_csq *csq, struct irp *irp,
                                 struct io_csq_irp_context *context, uint64_t insert_context)
{
    return insert(csq, irp, context, insert_context);
}

static struct irp *IoCsqRemoveIrp(struct io_csq *csq, struct io_csq_irp_context *context)
{
    struct irp *irp = NULL;
    uint8_t irql;

    machine_touch((uint64_t)csq, sizeof *csq, PAGER_WRITE);
    machine_touch((uint64_t)context, sizeof *context, PAGER_WRITE);
    irql = acquire(csq);
    if (context->Irp != NULL && context->Irp->CancelRoutine != NULL) {
        irp = context->Irp;
        irp->CancelRoutine = NULL;
        take_out(csq, irp);
        disown(irp);
    }
    release(csq, irql);
    return irp;
}

static struct irp *IoCsqRemoveNextIrp(struct io_csq *csq, uint64_t peek_context)
{
    uint64_t peek = 0;
    struct irp *irp;
    uint8_t irql;

    machine_touch((uint64_t)csq, sizeof *csq, PAGER_WRITE);
    irql = acquire(csq);
    for (;;) {
        irp = machine_pointer(
            MACHINE_CALL((uint64_t)csq->CsqPeekNextIrp, (uint64_t)csq, peek, peek_context));
        /* One without a cancel routine is being cancelled: the canceller waits for the lock. */
        if (irp == NULL || irp->CancelRoutine != NULL) {
            break;
        }
        peek = (uint64_t)irp;
    }
    if (irp != NULL) {
        irp->CancelRoutine = NULL;
        take_out(csq, irp);
        disown(irp);
    }
    release(csq, irql);
    return irp;
}

NT_VOID2(IopCsqCancelRoutine, struct device_object *, struct irp *)
NT_CALL7(IoCsqInitialize, struct io_csq *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
         uint64_t)
NT_CALL7(IoCsqInitializeEx, struct io_csq *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
         uint64_t)
NT_VOID3(IoCsqInsertIrp, struct io_csq *, struct irp *, struct io_csq_irp_context *)
NT_CALL4(IoCsqInsertIrpEx, struct io_csq *, struct irp *, struct io_csq_irp_context *, uint64_t)
NT_CALL2(IoCsqRemoveIrp, struct io_csq *, struct io_csq_irp_context *)
NT_CALL2(IoCsqRemoveNextIrp, struct io_csq *, uint64_t)
