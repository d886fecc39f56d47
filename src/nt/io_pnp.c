/* SPDX-License-Identifier: MIT */
/*
 * Plug and play, power and WMI requests from outside, sent as the system sends them: from a system
 * thread in kernel mode, with STATUS_NOT_SUPPORTED as the status that a driver which knows nothing
 * of the request leaves as it is.
 *
 * The request's input is its Parameters (up to four pointers), but for WMI, where it is the buffer.
 */
#include "nt/io.h"

#include <string.h>

#define PNP_TAG IO_TAG('I', 'o', 'P', 'p')

struct pnp {
    const struct nt_request_desc *desc;
    uint64_t input, output;
    uint64_t memory; /* nonpaged, for the driver to write to; copied to `output` */
    uint32_t bytes;
};

static void default_parameters(struct pnp *p, struct io_stack_location *stack)
{
    if (p->desc->kind == NT_POWER && p->desc->minor != IRP_MN_WAIT_WAKE) {
        stack->Parameters.Power.Type = DevicePowerState;
        stack->Parameters.Power.State.DeviceState = PowerDeviceD0;
    }
    if (p->desc->kind == NT_PNP && p->desc->minor == IRP_MN_QUERY_CAPABILITIES) {
        struct device_capabilities *c = machine_pointer(p->memory);

        c->Size = sizeof *c;
        c->Version = 1;
        c->Address = UINT32_MAX;
        c->UINumber = UINT32_MAX;
        stack->Parameters.DeviceCapabilities.Capabilities = c;
    }
}

static uint32_t memory_bytes(const struct nt_request_desc *desc)
{
    if (desc->kind == NT_PNP && desc->minor == IRP_MN_QUERY_CAPABILITIES) {
        return sizeof(struct device_capabilities);
    }
    if (desc->kind != NT_SYSTEM_CONTROL) {
        return 0;
    }
    return desc->input_bytes > desc->output_bytes ? desc->input_bytes : desc->output_bytes;
}

static void set_parameters(struct pnp *p, struct io_stack_location *stack, uint64_t device)
{
    if (p->desc->kind == NT_SYSTEM_CONTROL) {
        io_copy(p->memory, p->input, p->desc->input_bytes);
        stack->Parameters.WMI.ProviderId = device;
        stack->Parameters.WMI.DataPath = machine_pointer(p->memory);
        stack->Parameters.WMI.BufferSize = p->bytes;
        stack->Parameters.WMI.Buffer = machine_pointer(p->memory);
        return;
    }
    default_parameters(p, stack);
    if (p->desc->input_bytes > 0) {
        size_t bytes = p->desc->input_bytes < sizeof stack->Parameters.Others
                           ? p->desc->input_bytes
                           : sizeof stack->Parameters.Others;

        memcpy(&stack->Parameters.Others, machine_pointer(p->input), bytes);
    }
}

uint32_t io_free_relations(uint64_t answer)
{
    const struct device_relations *relations = machine_pointer(answer);
    uint32_t count;

    if (ex_pool_find(answer) == NULL) {
        return 0;
    }
    machine_touch(answer, sizeof *relations, PAGER_READ);
    count = relations->Count;
    for (uint32_t i = 0; i < count; i++) {
        machine_touch((uint64_t)&relations->Objects[i], sizeof(void *), PAGER_READ);
        if (io_device_find((uint64_t)relations->Objects[i]) != NULL) {
            ob_dereference((uint64_t)relations->Objects[i]);
        }
    }
    ex_pool_free(answer);
    return count;
}

/* What a driver hands over with Information is the requester's to free. */
static void free_answer(const struct nt_request_desc *desc, ntstatus status, uint64_t answer)
{
    if (desc->kind != NT_PNP || !NT_SUCCESS(status) || ex_pool_find(answer) == NULL) {
        return;
    }
    if (desc->minor == IRP_MN_QUERY_DEVICE_RELATIONS) {
        io_free_relations(answer);
    } else {
        ex_pool_free(answer);
    }
}

static uint8_t major_of(enum nt_request_kind kind)
{
    return kind == NT_PNP ? IRP_MJ_PNP : kind == NT_POWER ? IRP_MJ_POWER : IRP_MJ_SYSTEM_CONTROL;
}

void io_pnp_request(const struct nt_request_desc *desc, uint64_t input, uint64_t output,
                    struct io_waiter *waiter, ntstatus *status, uint64_t *information)
{
    struct device_object *top = io_top_of_stack(machine_pointer(desc->device));
    struct pnp p = {desc, input, output, 0, memory_bytes(desc)};
    struct irp *irp = io_irp_new(top->StackSize, IO_IRP_REQUEST);

    if (p.bytes > 0) {
        p.memory = ex_pool_allocate(POOL_NONPAGED, p.bytes, PNP_TAG);
    }
    if (irp == NULL || (p.bytes > 0 && p.memory == 0)) {
        *status = STATUS_INSUFFICIENT_RESOURCES;
    } else {
        struct io_stack_location *stack = io_stack_next(irp);

        irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
        stack->MajorFunction = major_of(desc->kind);
        stack->MinorFunction = desc->minor;
        set_parameters(&p, stack, desc->device);
        *status = io_send_and_wait(top, irp, waiter);
        *information = waiter->information;
        free_answer(desc, *status, *information);
        if (output != 0 && p.memory != 0) {
            uint32_t bytes = p.bytes < desc->output_bytes ? p.bytes : desc->output_bytes;

            io_copy(output, p.memory, bytes);
            *information = desc->kind == NT_PNP ? bytes : *information;
        }
    }
    if (irp != NULL) {
        io_irp_free(irp);
    }
    if (p.memory != 0) {
        ex_pool_free(p.memory);
    }
}
