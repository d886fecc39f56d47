/* SPDX-License-Identifier: MIT */
/*
 * Physical device objects: the bottom of every device stack, and what the bus driver answers there.
 *
 * A request that the bus driver does not know is completed with the status that it came with, as
 * the documents ask of every bus driver.
 */
#include "nt/pnp_node.h"

#include <stdio.h>

#define ANSWER_TAG IO_TAG('P', 'n', 'A', 'n')

static struct pnp_node *node_of(const struct device_object *device)
{
    return host_device_context(device);
}

static ntstatus leave(struct irp *irp)
{
    return host_complete(irp, irp->IoStatus.Status, irp->IoStatus.Information);
}

static ntstatus leave_alone(struct device_object *device, struct irp *irp)
{
    (void)device;
    return leave(irp);
}

/* `bytes` of the host in paged pool, as the answer. */
static ntstatus answer(struct irp *irp, const void *data, size_t bytes)
{
    uint64_t memory = ex_pool_take(POOL_PAGED, bytes, ANSWER_TAG, EX_POOL_ZERO);

    if (memory == 0) {
        return host_complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    memcpy(machine_pointer(memory), data, bytes);
    return host_complete(irp, STATUS_SUCCESS, memory);
}

/* A string, or a list of strings with an empty one at its end. */
static ntstatus answer_text(struct irp *irp, const char *text, bool list)
{
    uint16_t units[1024] = {0};
    size_t count = 0;

    do {
        for (; *text != '\0' && count + 2 < sizeof units / sizeof *units; text++) {
            units[count++] = (uint8_t)*text;
        }
        count++; /* the terminator */
        text++;
    } while (list && *text != '\0' && count + 2 < sizeof units / sizeof *units);
    return answer(irp, units, (count + list) * sizeof *units);
}

static ntstatus query_id(const struct pnp_node *node, struct irp *irp)
{
    switch (io_stack_current(irp)->Parameters.QueryId.IdType) {
    case BusQueryDeviceID:
        return answer_text(irp, node->id, false);
    case BusQueryHardwareIDs:
        return answer_text(irp, node->ids, true);
    case BusQueryInstanceID:
        return answer_text(irp, node->instance, false);
    default:
        return leave(irp);
    }
}

static ntstatus query_text(const struct pnp_node *node, struct irp *irp)
{
    const char *text = node->hardware == NULL ? NULL : node->hardware->description;

    if (text == NULL ||
        io_stack_current(irp)->Parameters.QueryDeviceText.DeviceTextType != DeviceTextDescription) {
        return leave(irp);
    }
    return answer_text(irp, text, false);
}

static ntstatus query_resources(const struct pnp_node *node, struct irp *irp, bool requirements)
{
    uint32_t bytes;
    uint64_t list;

    if (node->hardware == NULL || node->hardware->resource_count == 0) {
        return leave(irp);
    }
    list = requirements ? (uint64_t)pnp_requirements(node)
                        : (uint64_t)pnp_resources(node, false, &bytes);
    return host_complete(irp, list == 0 ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS, list);
}

static ntstatus query_capabilities(struct irp *irp)
{
    struct device_capabilities *c =
        io_stack_current(irp)->Parameters.DeviceCapabilities.Capabilities;

    machine_touch((uint64_t)c, sizeof *c, PAGER_WRITE);
    if (c->Version != 1 || c->Size < sizeof *c) {
        return host_complete(irp, STATUS_UNSUCCESSFUL, 0);
    }
    c->Flags |= CAPABILITY_UNIQUE_ID;
    c->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (unsigned i = PowerSystemSleeping1; i < PowerSystemMaximum; i++) {
        c->DeviceState[i] = PowerDeviceD3;
    }
    c->SystemWake = PowerSystemUnspecified;
    c->DeviceWake = PowerDeviceUnspecified;
    return host_complete(irp, STATUS_SUCCESS, irp->IoStatus.Information);
}

struct pnp_bus_information pnp_bus(const struct pnp_node *node)
{
    static const struct pnp_bus_information
        isa = {{0xe676f854, 0xd87d, 0x11d0, {0x92, 0xb2, 0x00, 0xa0, 0xc9, 0x05, 0x5f, 0xc5}},
               InterfaceTypeIsa,
               0},
        internal = {{0x1530ea73, 0x086b, 0x11d1, {0xa0, 0x9f, 0x00, 0xc0, 0x4f, 0xc3, 0x40, 0xb1}},
                    InterfaceTypeInternal,
                    0};

    return node->hardware != NULL && node->hardware->resource_count > 0 ? isa : internal;
}

static ntstatus query_bus(const struct pnp_node *node, struct irp *irp)
{
    const struct pnp_bus_information information = pnp_bus(node);

    return answer(irp, &information, sizeof information);
}

/* A bus driver answers only for the device itself; what hangs below it is its driver's to say. */
static ntstatus query_relations(struct device_object *device, struct irp *irp)
{
    struct device_relations relations = {1, {device}};

    if (io_stack_current(irp)->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation) {
        return leave(irp);
    }
    ob_reference((uint64_t)device); /* whoever asked drops it */
    return answer(irp, &relations, sizeof relations);
}

static ntstatus pnp_dispatch(struct device_object *device, struct irp *irp)
{
    const struct pnp_node *node = node_of(device);

    switch (io_stack_current(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
    case IRP_MN_REMOVE_DEVICE: /* the device object itself is the manager's to delete */
        return host_complete(irp, STATUS_SUCCESS, 0);
    case IRP_MN_QUERY_ID:
        return query_id(node, irp);
    case IRP_MN_QUERY_DEVICE_TEXT:
        return query_text(node, irp);
    case IRP_MN_QUERY_RESOURCES:
        return query_resources(node, irp, false);
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
        return query_resources(node, irp, true);
    case IRP_MN_QUERY_CAPABILITIES:
        return query_capabilities(irp);
    case IRP_MN_QUERY_BUS_INFORMATION:
        return query_bus(node, irp);
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        return query_relations(device, irp);
    case IRP_MN_QUERY_PNP_DEVICE_STATE:
        return host_complete(irp, STATUS_SUCCESS, irp->IoStatus.Information);
    default:
        return leave(irp);
    }
}

/* The bus keeps power on for whoever asks; nothing here wakes the computer. */
static ntstatus power_dispatch(struct device_object *device, struct irp *irp)
{
    const struct io_stack_location *stack = io_stack_current(irp);

    if (stack->MinorFunction != IRP_MN_SET_POWER && stack->MinorFunction != IRP_MN_QUERY_POWER) {
        return leave(irp);
    }
    if (stack->MinorFunction == IRP_MN_SET_POWER &&
        stack->Parameters.Power.Type == DevicePowerState) {
        node_of(device)->power = stack->Parameters.Power.State.DeviceState;
    }
    return host_complete(irp, STATUS_SUCCESS, 0);
}

const host_dispatch pnp_pdo_table[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_PNP] = pnp_dispatch,
    [IRP_MJ_POWER] = power_dispatch,
    [IRP_MJ_SYSTEM_CONTROL] = leave_alone,
};
