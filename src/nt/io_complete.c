/* SPDX-License-Identifier: MIT */
/*
 * Completing an IRP.
 *
 * First the drivers' part, in the context of whoever completes: completion routines from the last
 * driver up to the first, until one of them says STATUS_MORE_PROCESSING_REQUIRED.  Then the
 * requester's part, in the requester's thread: data back from the system buffer, status block,
 * event, and the packet and its MDLs are freed.
 */
#include "nt/io.h"

#include <string.h>

/* The requester's part of a packet whose thread is not waiting for it in io_send_and_wait. */
struct finish {
    struct io_apc apc;
    struct irp *irp;
};

static bool wants_call(const struct io_stack_location *stack, const struct irp *irp)
{
    uint8_t wanted = NT_SUCCESS(irp->IoStatus.Status) ? SL_INVOKE_ON_SUCCESS : SL_INVOKE_ON_ERROR;

    if (irp->Cancel) {
        wanted |= SL_INVOKE_ON_CANCEL;
    }
    return stack->CompletionRoutine != NULL && (stack->Control & wanted) != 0;
}

/* A location that was left: what a driver put there is gone. */
static void wipe(struct io_stack_location *stack)
{
    stack->MinorFunction = 0;
    stack->Flags = 0;
    stack->Control = 0;
    memset(&stack->Parameters, 0, sizeof stack->Parameters);
    stack->FileObject = NULL;
}

/* Walks up; false when a completion routine keeps the packet. */
static bool walk_up(struct irp *irp)
{
    struct io_stack_location *stack = io_stack_current(irp);

    while (irp->CurrentLocation <= irp->StackCount) {
        uint64_t routine = (uint64_t)stack->CompletionRoutine;
        uint64_t context = (uint64_t)stack->Context;
        struct io_stack_location *upper = stack + 1;
        bool top = ++irp->CurrentLocation > irp->StackCount;
        bool call = wants_call(stack, irp);

        irp->Tail.Overlay.CurrentStackLocation = upper;
        irp->PendingReturned = (stack->Control & SL_PENDING_RETURNED) != 0;
        wipe(stack);
        if (call) {
            uint64_t device = top ? 0 : (uint64_t)upper->DeviceObject;

            if ((ntstatus)MACHINE_CALL(routine, device, (uint64_t)irp, context) ==
                STATUS_MORE_PROCESSING_REQUIRED) {
                return false;
            }
        } else if (irp->PendingReturned && !top) {
            upper->Control |= SL_PENDING_RETURNED;
        }
        stack = upper;
    }
    irp->CurrentLocation = (int8_t)(irp->StackCount + 2);
    irp->Tail.Overlay.CurrentStackLocation = stack + 1;
    return true;
}

static void free_mdls(struct irp *irp)
{
    struct mdl *next;

    for (struct mdl *mdl = irp->MdlAddress; mdl != NULL; mdl = next) {
        next = mdl->Next;
        io_mdl_free(mdl);
    }
    irp->MdlAddress = NULL;
}

static void unlock_mdls(const struct irp *irp)
{
    for (struct mdl *mdl = irp->MdlAddress; mdl != NULL; mdl = mdl->Next) {
        if (mdl->MdlFlags & MDL_PAGES_LOCKED) {
            io_mdl_unlock(mdl);
        }
    }
}

void io_finish_buffers(struct irp *irp)
{
    const struct io_irp *record = io_irp_find(irp);
    uint64_t bytes = irp->IoStatus.Information;

    if ((irp->Flags & IRP_BUFFERED_IO) && irp->AssociatedIrp.SystemBuffer != NULL) {
        if ((irp->Flags & IRP_INPUT_OPERATION) && !NT_ERROR(irp->IoStatus.Status)) {
            if (bytes > record->output_bytes) {
                bytes =
                    record->output_bytes; /* what a driver counts beyond the buffer is not there */
            }
            machine_touch(record->user_output, bytes, PAGER_WRITE);
            io_copy(record->user_output, (uint64_t)irp->AssociatedIrp.SystemBuffer, bytes);
        }
        if (irp->Flags & IRP_DEALLOCATE_BUFFER) {
            ex_pool_free_checked((uint64_t)irp->AssociatedIrp.SystemBuffer, 0);
        }
        irp->AssociatedIrp.SystemBuffer = NULL;
        irp->Flags &= ~(IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER);
    }
    free_mdls(irp);
}

static void finish(struct io_apc *apc)
{
    struct irp *irp = ((struct finish *)apc)->irp;
    struct io_status_block *iosb = irp->UserIosb;
    struct kevent *event = irp->UserEvent;

    ex_heap_give(apc);
    io_irp_check(irp);
    io_finish_buffers(irp);
    if (iosb != NULL) {
        machine_touch((uint64_t)iosb, sizeof *iosb, PAGER_WRITE);
        *iosb = irp->IoStatus;
    }
    io_irp_free(irp);
    if (event != NULL) {
        ex_set_event(event);
    }
}

static void complete_associated(struct irp *irp)
{
    struct irp *master = irp->AssociatedIrp.MasterIrp;

    io_irp_check(master);
    free_mdls(irp);
    io_irp_free(irp);
    if (--master->AssociatedIrp.IrpCount == 0) {
        io_complete_request(master);
    }
}

static void requester_part(struct irp *irp)
{
    struct io_irp *record = io_irp_find(irp);
    struct finish *work;

    if (record != NULL && record->waiter != NULL) {
        struct io_waiter *waiter = record->waiter;

        waiter->done = true;
        if (irp->PendingReturned) {
            waiter->completed = true;
            ex_wake(&waiter->queue);
        }
        return;
    }
    if (irp->Tail.Overlay.Thread == NULL || record == NULL) {
        machine_bugcheck(0x0A, 0, DISPATCH_LEVEL, 0, nt_export_address("IofCompleteRequest"),
                         "an IRP that a driver allocated was completed to the end: its completion "
                         "routine must return STATUS_MORE_PROCESSING_REQUIRED");
    }
    work = ex_heap_take(sizeof *work);
    *work = (struct finish){.apc = {.thread = (uint64_t)irp->Tail.Overlay.Thread, .run = finish},
                            .irp = irp};
    io_apc_queue(&work->apc);
}

void io_complete_request(struct irp *irp)
{
    struct io_irp *record;

    io_irp_check(irp);
    if (irp->CurrentLocation > irp->StackCount + 1) {
        machine_bugcheck(0x44, (uint64_t)irp, 0, 0, 0, "an IRP was completed twice");
    }
    machine_touch((uint64_t)irp, irp->Size, PAGER_WRITE);
    record = io_irp_find(irp);
    if (record != NULL) {
        record->completing = true;
    }
    if (!walk_up(irp)) {
        return; /* the packet may be gone */
    }
    if (nt_hooks.completed != NULL) {
        nt_hooks.completed(irp);
    }
    if (irp->Flags & IRP_ASSOCIATED_IRP) {
        complete_associated(irp);
        return;
    }
    unlock_mdls(irp);
    requester_part(irp);
}

/* ---- exports ---- */

static void IofCompleteRequest(struct irp *irp, int8_t boost)
{
    (void)boost;
    io_complete_request(irp);
}

static void IoCompleteRequest(struct irp *irp, int8_t boost)
{
    (void)boost;
    io_complete_request(irp);
}

NT_VOID2(IofCompleteRequest, struct irp *, int8_t)
NT_VOID2(IoCompleteRequest, struct irp *, int8_t)
