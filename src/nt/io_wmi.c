/* SPDX-License-Identifier: MIT */
/*
 * WMI as providers see it: a device registers, is asked in a system thread what it has
 * (IRP_MN_REGINFO_EX), and may write events.  Nobody in this computer reads any of that, so what it
 * answers is looked at by nobody and events are thrown away, as on Windows when nobody asked.
 */
#include "nt/io.h"

#define WMI_TAG      IO_TAG('I', 'o', 'W', 'm')
#define ANSWER_BYTES 0x1000u

enum {
    WMI_REGISTER = 1,
    WMI_DEREGISTER,
    WMI_REREGISTER,
    WMI_UPDATE_GUIDS,
    WMI_BLOCK_IRPS,
    WMI_ACTION_MASK = 0xffff
};
enum { DATA_PATH_REGISTER, DATA_PATH_UPDATE };

struct question {
    struct device_object *device; /* referenced */
    uint64_t data_path;
};

static void ask(struct device_object *device, uint64_t data_path)
{
    struct device_object *top = io_top_of_stack(device);
    uint64_t buffer = ex_pool_allocate(POOL_NONPAGED, ANSWER_BYTES, WMI_TAG);
    struct irp *irp = buffer == 0 ? NULL : io_irp_new(top->StackSize, IO_IRP_SYSTEM);
    struct io_waiter waiter = {0};

    if (irp != NULL) {
        struct io_stack_location *stack = io_stack_next(irp);

        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        stack->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
        stack->MinorFunction = IRP_MN_REGINFO_EX;
        stack->Parameters.WMI.ProviderId = (uint64_t)device;
        stack->Parameters.WMI.DataPath = machine_pointer(data_path);
        stack->Parameters.WMI.BufferSize = ANSWER_BYTES;
        stack->Parameters.WMI.Buffer = machine_pointer(buffer);
        (void)io_send_and_wait(top, irp, &waiter);
        io_irp_free(irp);
    }
    if (buffer != 0) {
        ex_pool_free(buffer);
    }
}

static void question_main(void *argument)
{
    struct question question = *(struct question *)argument;
    const struct io_device *record = io_device_find((uint64_t)question.device);

    ex_heap_give(argument);
    if (record->wmi_registered && !record->deleted) {
        ask(question.device, question.data_path);
    }
    ob_dereference((uint64_t)question.device);
}

static ntstatus ask_later(struct device_object *device, uint64_t data_path)
{
    struct question *question = ex_heap_take(sizeof *question);

    *question = (struct question){device, data_path};
    ob_reference((uint64_t)device);
    if (ke_thread_new(question_main, question) == NULL) {
        ob_dereference((uint64_t)device);
        ex_heap_give(question);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

/* ---- exports ---- */

static ntstatus IoWMIRegistrationControl(struct device_object *device, uint32_t action)
{
    struct io_device *record = io_device_checked((uint64_t)device);
    bool was = record->wmi_registered;

    switch (action & WMI_ACTION_MASK) {
    case WMI_REGISTER:
    case WMI_REREGISTER:
        record->wmi_registered = true;
        return ask_later(device, DATA_PATH_REGISTER);
    case WMI_DEREGISTER:
        record->wmi_registered = false;
        return was ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    case WMI_UPDATE_GUIDS:
        return was ? ask_later(device, DATA_PATH_UPDATE) : STATUS_INVALID_PARAMETER;
    case WMI_BLOCK_IRPS: /* nobody sends any */
        return was ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static uint32_t IoWMIDeviceObjectToProviderId(struct device_object *device)
{
    return (uint32_t)io_device_checked((uint64_t)device)->record.sequence;
}

/* Success means that the block is the system's to free. */
static ntstatus IoWMIWriteEvent(uint64_t event)
{
    if (ex_pool_find(event) == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    ex_pool_free_checked(event, 0);
    return STATUS_SUCCESS;
}

NT_CALL2(IoWMIRegistrationControl, struct device_object *, uint32_t)
NT_CALL1(IoWMIDeviceObjectToProviderId, struct device_object *)
NT_CALL1(IoWMIWriteEvent, uint64_t)
