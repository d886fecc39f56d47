/* SPDX-License-Identifier: MIT */
/*
 * The system sends an IRP of its own and waits for it, in a thread that nothing else needs.
 *
 * The requester's part of the completion (buffers, MDLs, the packet itself) runs in this thread: at
 * once when the dispatch routine says that it is done, else when the completion wakes it.  The IRP
 * has IRP_DEFER_IO_COMPLETION: a driver that returns STATUS_PENDING for a packet that it did not
 * mark pending leaves the thread waiting for ever, one that marks it and returns something else has
 * it finished twice.  Both as on Windows.
 */
#include "nt/io.h"

ntstatus io_send_and_wait(struct device_object *device, struct irp *irp, struct io_waiter *waiter)
{
    struct io_irp *record = io_irp_find(irp);
    ntstatus status;

    PG_ASSERT(record != NULL && !waiter->completed && !waiter->done);
    record->waiter = waiter;
    irp->Flags |= IRP_DEFER_IO_COMPLETION;
    irp->Tail.Overlay.Thread = machine_pointer(ex_current_thread());
    status = io_call_driver(device, irp);
    if (status == STATUS_PENDING) {
        if (waiter->done && !waiter->completed) {
            machine_notice(
                "a driver returned STATUS_PENDING for a request that it completed without "
                "IoMarkIrpPending: its thread waits for ever");
        }
        while (!waiter->completed) {
            ex_wait(&waiter->queue, 0);
        }
    } else if (waiter->completed) {
        machine_bugcheck(0x44, (uint64_t)irp, 0, 0, 0,
                         "a request was marked pending, but its dispatch routine returned a status "
                         "other than STATUS_PENDING: it is completed twice");
    }
    /* A driver that neither completed nor pended it loses it here, and uses freed memory later. */
    status = irp->IoStatus.Status;
    waiter->information = irp->IoStatus.Information;
    io_finish_buffers(irp);
    return status;
}
