/* SPDX-License-Identifier: MIT */
/* Sending an IRP down: the next stack location becomes the current one, its driver is called. */
#include "nt/io.h"

/* IRPs whose driver's image is gone or whose table was never filled end in a fault at address 0, as
 * on Windows. */
ntstatus io_call_driver(struct device_object *device, struct irp *irp)
{
    struct io_stack_location *stack;
    struct io_irp *record;
    uint64_t routine, sequence;
    ntstatus status;

    io_irp_check(irp);
    if (--irp->CurrentLocation <= 0) {
        machine_bugcheck(
            0x35, (uint64_t)irp, 0, 0, 0,
            "IoCallDriver with no stack location left: the IRP was allocated with fewer "
            "than the device stack needs, or sent once too often");
    }
    io_device_checked((uint64_t)device);
    stack = --irp->Tail.Overlay.CurrentStackLocation;
    machine_touch((uint64_t)stack, sizeof *stack, PAGER_WRITE);
    stack->DeviceObject = device;
    routine = stack->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION
                  ? io_invalid_request()
                  : (uint64_t)device->DriverObject->MajorFunction[stack->MajorFunction];
    record = io_irp_find(irp);
    sequence = record == NULL ? 0 : record->record.sequence;
    if (nt_hooks.dispatch_begins != NULL) {
        nt_hooks.dispatch_begins(device, irp, routine);
    }
    status = (ntstatus)MACHINE_CALL(routine, (uint64_t)device, (uint64_t)irp);
    if (status == STATUS_PENDING) {
        record = io_irp_find(irp); /* the driver below may have freed it */
        if (record != NULL && record->record.sequence == sequence &&
            routine != io_invalid_request()) {
            record->holder = routine;
        }
    }
    if (nt_hooks.dispatch_ended != NULL) {
        nt_hooks.dispatch_ended(device, irp);
    }
    return status;
}

/* ---- exports ---- */

static ntstatus IofCallDriver(struct device_object *device, struct irp *irp)
{
    return io_call_driver(device, irp);
}

static ntstatus IoCallDriver(struct device_object *device, struct irp *irp)
{
    return io_call_driver(device, irp);
}

/* What the dispatch table holds where a driver set nothing. */
static ntstatus IopInvalidDeviceRequest(struct device_object *device, struct irp *irp)
{
    (void)device;
    io_irp_check(irp);
    irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    irp->IoStatus.Information = 0;
    io_complete_request(irp);
    return STATUS_INVALID_DEVICE_REQUEST;
}

/* Completion routine of IoForwardIrpSynchronously: its context is an event on the caller's stack.
 */
static ntstatus IopForwardCompletion(struct device_object *device, struct irp *irp,
                                     struct kevent *event)
{
    (void)device;
    if (irp->PendingReturned) {
        ex_set_event(event);
    }
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static uint8_t IoForwardIrpSynchronously(struct device_object *device, struct irp *irp)
{
    struct io_stack_location *here, *next;
    struct kevent *event;

    io_irp_check(irp);
    if (irp->CurrentLocation <= 1) {
        return 0;
    }
    event =
        machine_pointer(ex_pool_allocate(POOL_NONPAGED, sizeof *event, IO_TAG('I', 'o', 'F', 'w')));
    if (event == NULL) {
        return 0;
    }
    ke_event_init(event, NotificationEvent, false);
    here = io_stack_current(irp);
    next = io_stack_next(irp);
    *next = *here;
    next->CompletionRoutine = machine_pointer(nt_export_address("IopForwardCompletion"));
    next->Context = event;
    next->Control = SL_INVOKE_ON_CANCEL | SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR;
    if (io_call_driver(device, irp) == STATUS_PENDING) {
        ke_wait_for_object((uint64_t)event, NULL);
    }
    ex_pool_free((uint64_t)event);
    return 1;
}

NT_CALL2(IofCallDriver, struct device_object *, struct irp *)
NT_CALL2(IoCallDriver, struct device_object *, struct irp *)
NT_CALL2(IopInvalidDeviceRequest, struct device_object *, struct irp *)
NT_CALL3(IopForwardCompletion, struct device_object *, struct irp *, struct kevent *)
NT_CALL2(IoForwardIrpSynchronously, struct device_object *, struct irp *)
