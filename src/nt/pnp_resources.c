/* SPDX-License-Identifier: MIT */
/*
 * What a device decodes and which interrupt it has, in Windows' forms: the resource list of a start
 * (raw: as the bus numbers them; translated: as the processor does) and the list of requirements,
 * each with exactly one choice, since nothing here can be moved.
 *
 * Interrupts are level-sensitive and shared.
 */
#include "nt/pnp_node.h"

#define RESOURCE_TAG IO_TAG('P', 'n', 'R', 's')

static uint32_t count_of(const struct pnp_node *node)
{
    return node->hardware == NULL ? 0 : node->hardware->resource_count;
}

static void describe(const struct hardware_resource *resource, bool translated,
                     struct cm_partial_resource *out)
{
    out->ShareDisposition = CmResourceShareDeviceExclusive;
    out->u.Generic.Start = resource->start;
    out->u.Generic.Length = resource->length;
    switch (resource->kind) {
    case RESOURCE_PORTS:
        out->Type = CmResourceTypePort;
        out->Flags = CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE;
        break;
    case RESOURCE_MEMORY:
        out->Type = CmResourceTypeMemory;
        out->Flags = CM_RESOURCE_MEMORY_READ_WRITE;
        break;
    case RESOURCE_INTERRUPT: {
        uint32_t line = (uint32_t)resource->start;

        out->Type = CmResourceTypeInterrupt;
        out->ShareDisposition = CmResourceShareShared;
        out->Flags = CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
        out->u.Interrupt.Level = translated ? interrupt_line_irql(line) : line;
        out->u.Interrupt.Vector = translated ? interrupt_line_vector(line) : line;
        out->u.Interrupt.Affinity = 1;
        break;
    }
    }
}

struct cm_resource_list *pnp_resources(const struct pnp_node *node, bool translated,
                                       uint32_t *bytes)
{
    uint32_t count = count_of(node);
    struct cm_resource_list *list;
    struct cm_partial_resource_list *partial;

    *bytes = (uint32_t)(offsetof(struct cm_resource_list, List[0].PartialResourceList) +
                        offsetof(struct cm_partial_resource_list, PartialDescriptors) +
                        count * sizeof(struct cm_partial_resource));
    if (count == 0) {
        return NULL;
    }
    list = machine_pointer(ex_pool_take(POOL_PAGED, *bytes, RESOURCE_TAG, EX_POOL_ZERO));
    if (list == NULL) {
        return NULL;
    }
    list->Count = 1;
    list->List[0].InterfaceType = InterfaceTypeIsa;
    partial = &list->List[0].PartialResourceList;
    partial->Version = 1;
    partial->Revision = 1;
    partial->Count = count;
    for (uint32_t i = 0; i < count; i++) {
        describe(&node->hardware->resources[i], translated, &partial->PartialDescriptors[i]);
    }
    return list;
}

static void require(const struct hardware_resource *resource, struct io_resource *out)
{
    struct cm_partial_resource as_assigned = {0};

    describe(resource, false, &as_assigned);
    out->Type = as_assigned.Type;
    out->ShareDisposition = as_assigned.ShareDisposition;
    out->Flags = as_assigned.Flags;
    if (resource->kind == RESOURCE_INTERRUPT) {
        out->u.Interrupt.MinimumVector = (uint32_t)resource->start;
        out->u.Interrupt.MaximumVector = (uint32_t)resource->start;
        return;
    }
    out->u.Generic.Length = resource->length;
    out->u.Generic.Alignment = 1;
    out->u.Generic.MinimumAddress = resource->start;
    out->u.Generic.MaximumAddress = resource->start + resource->length - 1;
}

struct io_resource_requirements *pnp_requirements(const struct pnp_node *node)
{
    uint32_t count = count_of(node);
    uint32_t bytes = (uint32_t)(offsetof(struct io_resource_requirements, List) +
                                offsetof(struct io_resource_list, Descriptors) +
                                count * sizeof(struct io_resource));
    struct io_resource_requirements *list =
        count == 0 ? NULL
                   : machine_pointer(ex_pool_take(POOL_PAGED, bytes, RESOURCE_TAG, EX_POOL_ZERO));

    if (list == NULL) {
        return NULL;
    }
    list->ListSize = bytes;
    list->InterfaceType = InterfaceTypeIsa;
    list->AlternativeLists = 1;
    list->List[0].Version = 1;
    list->List[0].Revision = 1;
    list->List[0].Count = count;
    for (uint32_t i = 0; i < count; i++) {
        require(&node->hardware->resources[i], &list->List[0].Descriptors[i]);
    }
    return list;
}
