/* SPDX-License-Identifier: MIT */
/*
 * Power: what state a driver says its device is in, and power IRPs that drivers ask for.
 *
 * Power IRPs need no starting of the next one since Windows Vista: PoStartNextPowerIrp does nothing
 * there, and nothing here.  A device with DO_POWER_PAGABLE gets its power IRPs at PASSIVE_LEVEL:
 * one that is sent above it waits for a worker thread.  Others get theirs at the sender's IRQL.
 */
#include "nt/io.h"

/* PoRequestPowerIrp: from the request to the callback.  Found by its IRP: what a driver can reach
 * of it is not believed. */
struct power_request {
    struct power_request *next;
    const struct irp *irp;
    uint64_t device, callback, context;
    uint32_t state;
    uint8_t minor;
};

static void PoStartNextPowerIrp(struct irp *irp)
{
    io_irp_check(irp);
}

static uint32_t PoSetPowerState(struct device_object *device, uint32_t type, uint32_t state)
{
    struct io_device *record = io_device_checked((uint64_t)device);
    uint32_t *slot = type == SystemPowerState ? &record->system_power : &record->device_power;
    uint32_t old = *slot != 0                 ? *slot
                   : type == SystemPowerState ? PowerSystemWorking
                                              : PowerDeviceD0;

    *slot = state;
    return old;
}

/* ---- sending ---- */

struct power_call {
    struct ex_work work;
    struct device_object *device;
    struct irp *irp;
};

static void call_later(struct ex_work *work)
{
    struct power_call call = *(struct power_call *)work;

    ex_heap_give(work);
    (void)io_call_driver(call.device, call.irp);
}

static ntstatus send(struct device_object *device, struct irp *irp)
{
    struct power_call *call;

    io_irp_check(irp);
    io_device_checked((uint64_t)device);
    if (machine_irql() == PASSIVE_LEVEL || !(device->Flags & DO_POWER_PAGABLE) ||
        irp->CurrentLocation <= 1) {
        return io_call_driver(device, irp);
    }
    /* The sender sees STATUS_PENDING; the location says so to whoever completes it. */
    io_stack_next(irp)->Control |= SL_PENDING_RETURNED;
    call = ex_heap_take(sizeof *call);
    *call = (struct power_call){.work = {.run = call_later}, .device = device, .irp = irp};
    ex_work_queue(EX_WORK_CRITICAL, &call->work);
    return STATUS_PENDING;
}

static ntstatus PoCallDriver(struct device_object *device, struct irp *irp)
{
    return send(device, irp);
}

/* ---- requests of drivers ---- */

/* Takes the request of an IRP out of the list. */
static struct power_request *take_request(const struct irp *irp)
{
    struct power_request **link = &io_state->power_requests;
    struct power_request *request;

    while (*link != NULL && (*link)->irp != irp) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        machine_bugcheck(0x1E, (uint64_t)(int64_t)STATUS_INVALID_PARAMETER, machine_caller(), 0,
                         (uint64_t)irp,
                         "the completion of a power request was called for an IRP that is none");
    }
    request = *link;
    *link = request->next;
    return request;
}

/* The last location of a requested power IRP. */
static ntstatus IopPowerCompletion(struct device_object *device, struct irp *irp, void *context)
{
    struct power_request *request = take_request(irp);

    (void)device;
    (void)context;
    if (request->callback != 0) {
        MACHINE_CALL(request->callback, request->device, request->minor, request->state,
                     request->context, (uint64_t)&irp->IoStatus);
    }
    ob_dereference(request->device);
    ex_heap_give(request);
    io_irp_free(irp);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static ntstatus PoRequestPowerIrp(struct device_object *device, uint8_t minor, uint32_t state,
                                  uint64_t callback, uint64_t context, struct irp **out)
{
    struct power_request *request;
    struct device_object *top;
    struct io_stack_location *stack;
    struct irp *irp;

    io_device_checked((uint64_t)device);
    if (out != NULL) {
        machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    }
    if (minor != IRP_MN_QUERY_POWER && minor != IRP_MN_SET_POWER && minor != IRP_MN_WAIT_WAKE) {
        return STATUS_INVALID_PARAMETER_2;
    }
    top = io_top_of_stack(device);
    irp = io_irp_new(top->StackSize, IO_IRP_SYSTEM);
    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    request = ex_heap_take(sizeof *request);
    *request = (struct power_request){.next = io_state->power_requests,
                                      .irp = irp,
                                      .device = (uint64_t)device,
                                      .callback = callback,
                                      .context = context,
                                      .state = state,
                                      .minor = minor};
    io_state->power_requests = request;
    ob_reference((uint64_t)device);
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    stack = io_stack_next(irp);
    stack->MajorFunction = IRP_MJ_POWER;
    stack->MinorFunction = minor;
    if (minor == IRP_MN_WAIT_WAKE) {
        stack->Parameters.WaitWake.PowerState = state;
    } else {
        stack->Parameters.Power.Type = DevicePowerState;
        stack->Parameters.Power.State.DeviceState = state;
    }
    stack->CompletionRoutine = machine_pointer(nt_export_address("IopPowerCompletion"));
    stack->Context = NULL;
    stack->Control = SL_INVOKE_ON_CANCEL | SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR;
    if (out != NULL) {
        *out = irp;
    }
    (void)send(top, irp);
    return STATUS_PENDING;
}

NT_CALL2(PoCallDriver, struct device_object *, struct irp *)
NT_VOID1(PoStartNextPowerIrp, struct irp *)
NT_CALL3(PoSetPowerState, struct device_object *, uint32_t, uint32_t)
NT_CALL3(IopPowerCompletion, struct device_object *, struct irp *, void *)
NT_CALL6(PoRequestPowerIrp, struct device_object *, uint8_t, uint32_t, uint64_t, uint64_t,
         struct irp **)
