/* SPDX-License-Identifier: MIT */
/*
 * Building a device stack and starting it.
 *
 *   AddDevice of lower filters, driver, upper filters; then to the stack, as Windows does:
 *   FILTER_RESOURCE_REQUIREMENTS, START_DEVICE, QUERY_CAPABILITIES, QUERY_PNP_DEVICE_STATE,
 *   QUERY_DEVICE_RELATIONS (bus)
 *
 * What a driver makes of its requirements is looked at by nobody: the hardware cannot be moved.
 */
#include "nt/pnp_node.h"

#include <strings.h>

#define START_TAG IO_TAG('P', 'n', 'S', 't')

/* ---- AddDevice ---- */

static uint64_t add_device_of(const struct io_driver *driver)
{
    const struct driver_object *object = machine_pointer(driver->record.address);

    if (driver->module == NULL || !driver->entered ||
        machine_would_fault((uint64_t)object->DriverExtension, PAGER_READ)) {
        return 0;
    }
    return (uint64_t)object->DriverExtension->AddDevice;
}

bool nt_pnp_is_wdm(const struct module *module)
{
    return module->nt != NULL && add_device_of(module->nt) != 0;
}

static ntstatus call_add_device(const struct io_driver *driver, struct pnp_node *node)
{
    uint64_t routine = add_device_of(driver);
    const struct device_object *top;
    ntstatus status;

    pnp->now = (struct pnp_now){node, NULL, 0, routine};
    status = (ntstatus)MACHINE_CALL(routine, driver->record.address, (uint64_t)node->pdo);
    pnp->now = (struct pnp_now){0};
    top = io_top_of_stack(node->pdo);

    if (!NT_SUCCESS(status)) {
        machine_finding(RULE_DEVICE_START_FAILED, routine, "AddDevice of %s returned 0x%08x for %s",
                        driver->module->name, (unsigned)status, node->name);
    } else if (top->Flags & DO_DEVICE_INITIALIZING) {
        machine_notice("%s: AddDevice left DO_DEVICE_INITIALIZING set: no other driver can attach "
                       "above its device",
                       driver->module->name);
    }
    return status;
}

static struct io_driver *service(const uint16_t *units, size_t count)
{
    char name[sizeof((struct module *)0)->base_name];

    for (size_t i = 0; i < count && count < sizeof name; i++) {
        name[i] = units[i] < 0x80 ? (char)units[i] : '?';
        name[i + 1] = '\0';
    }
    for (struct io_record *r = io_state->drivers.first;
         r != NULL && count > 0 && count < sizeof name; r = r->next) {
        struct io_driver *driver = (struct io_driver *)r;

        if (add_device_of(driver) != 0 && strcasecmp(driver->module->base_name, name) == 0) {
            return driver;
        }
    }
    return NULL;
}

/* Walks the drivers that a node's key names as its filters; `each` returns false to stop. */
static bool for_filters(const struct pnp_node *node, const char *value,
                        bool (*each)(struct io_driver *driver, void *context), void *context)
{
    uint16_t units[16];
    struct unicode_string name = rtl_unicode(value, units, sizeof units / sizeof *units);
    const struct zw_key *key = zw_registry_key(node->key, false);
    const struct zw_value *list = key == NULL ? NULL : zw_value_find(key, &name);
    const uint16_t *text = list == NULL ? NULL : list->data;
    size_t total = list == NULL || list->type != REG_MULTI_SZ ? 0 : list->bytes / sizeof *text;

    for (size_t at = 0, count; at < total; at += count + 1) {
        struct io_driver *driver;

        for (count = 0; at + count < total && text[at + count] != 0;) {
            count++;
        }
        driver = service(text + at, count);
        if (driver != NULL && !each(driver, context)) {
            return false;
        }
    }
    return true;
}

struct building {
    struct pnp_node *node;
    ntstatus status;
};

static bool add_filter(struct io_driver *driver, void *context)
{
    struct building *building = context;

    building->status = call_add_device(driver, building->node);
    return NT_SUCCESS(building->status);
}

static bool is_other(struct io_driver *driver, void *context)
{
    return driver->module != context;
}

bool pnp_names_filter(const struct pnp_node *node, struct module *module)
{
    return !for_filters(node, "LowerFilters", is_other, module) ||
           !for_filters(node, "UpperFilters", is_other, module);
}

ntstatus pnp_build_stack(struct pnp_node *node)
{
    struct building building = {node, STATUS_SUCCESS};

    (void)for_filters(node, "LowerFilters", add_filter, &building);
    if (NT_SUCCESS(building.status)) {
        building.status = call_add_device(node->module->nt, node);
    }
    if (NT_SUCCESS(building.status)) {
        (void)for_filters(node, "UpperFilters", add_filter, &building);
    }
    node->state = PNP_ADDED;
    if (!NT_SUCCESS(building.status)) {
        pnp_remove_now(node); /* whatever was attached */
    }
    return building.status;
}

/* ---- START ---- */

/* The list belongs to whoever has it: a driver that replaced it has freed ours. */
static void filter_requirements(const struct pnp_node *node)
{
    struct io_resource_requirements *list = pnp_requirements(node);
    const struct ex_pool_block *block = ex_pool_find((uint64_t)list);
    uint64_t sequence, result = 0;
    struct io_stack_location parameters = {.MinorFunction = IRP_MN_FILTER_RESOURCE_REQUIREMENTS};

    if (list == NULL) {
        return;
    }
    sequence = block->sequence;
    parameters.Parameters.Others.Argument1 = list;
    (void)pnp_send(node, &parameters, &result);
    if (result != 0 && result != (uint64_t)list && ex_pool_find(result) != NULL) {
        ex_pool_free(result);
    }
    block = ex_pool_find((uint64_t)list);
    if (block != NULL && block->sequence == sequence) {
        ex_pool_free((uint64_t)list);
    }
}

static ntstatus send_start(const struct pnp_node *node)
{
    struct io_stack_location parameters = {.MinorFunction = IRP_MN_START_DEVICE};
    uint32_t bytes;
    struct cm_resource_list *raw = pnp_resources(node, false, &bytes);
    struct cm_resource_list *translated = pnp_resources(node, true, &bytes);
    ntstatus status = STATUS_INSUFFICIENT_RESOURCES;

    parameters.Parameters.StartDevice.AllocatedResources = raw;
    parameters.Parameters.StartDevice.AllocatedResourcesTranslated = translated;
    if ((raw != NULL && translated != NULL) || node->hardware == NULL ||
        node->hardware->resource_count == 0) {
        status = pnp_send(node, &parameters, NULL);
    }
    if (raw != NULL) {
        ex_pool_free((uint64_t)raw);
    }
    if (translated != NULL) {
        ex_pool_free((uint64_t)translated);
    }
    return status;
}

/* ---- after it ---- */

static void query_capabilities(const struct pnp_node *node)
{
    struct io_stack_location parameters = {.MinorFunction = IRP_MN_QUERY_CAPABILITIES};
    struct device_capabilities *c =
        machine_pointer(ex_pool_allocate(POOL_NONPAGED, sizeof *c, START_TAG));

    if (c == NULL) {
        return;
    }
    c->Size = sizeof *c;
    c->Version = 1;
    c->Address = UINT32_MAX;
    c->UINumber = UINT32_MAX;
    parameters.Parameters.DeviceCapabilities.Capabilities = c;
    (void)pnp_send(node, &parameters, NULL);
    ex_pool_free((uint64_t)c);
}

void pnp_query_state(struct pnp_node *node)
{
    const struct io_stack_location parameters = {.MinorFunction = IRP_MN_QUERY_PNP_DEVICE_STATE};
    uint64_t state = 0;

    if (node->state != PNP_STARTED || !NT_SUCCESS(pnp_send(node, &parameters, &state))) {
        return;
    }
    if (state & (PNP_DEVICE_FAILED | PNP_DEVICE_REMOVED)) {
        machine_notice("%s: its driver says that the device has failed: it is removed", node->name);
        pnp_surprise(node);
    }
}

void pnp_query_children(struct pnp_node *node)
{
    struct io_stack_location parameters = {.MinorFunction = IRP_MN_QUERY_DEVICE_RELATIONS};
    uint64_t relations = 0;
    uint32_t count;

    if (node->state != PNP_STARTED) {
        return;
    }
    parameters.Parameters.QueryDeviceRelations.Type = BusRelations;
    if (!NT_SUCCESS(pnp_send(node, &parameters, &relations)) || relations == 0) {
        return;
    }
    count = io_free_relations(relations);
    if (count > 0) {
        machine_notice("%s: its driver reports %u device%s below it, which get no driver",
                       node->name, count, count == 1 ? "" : "s");
    }
}

const char *pnp_driver_name(const struct pnp_node *node)
{
    return node->module == NULL ? "the system's driver" : node->module->name;
}

uint64_t pnp_routine(const struct pnp_node *node)
{
    const struct driver_object *object = node->pdo->DriverObject;

    if (node->module != NULL) {
        object = machine_pointer(((const struct io_driver *)node->module->nt)->record.address);
    }
    return (uint64_t)object->MajorFunction[IRP_MJ_PNP];
}

static void report_failure(const struct pnp_node *node, ntstatus status)
{
    machine_finding(RULE_DEVICE_START_FAILED, pnp_routine(node),
                    "IRP_MN_START_DEVICE of %s failed with 0x%08x for %s", pnp_driver_name(node),
                    (unsigned)status, node->name);
}

ntstatus pnp_start(struct pnp_node *node)
{
    ntstatus status;

    if (node->state == PNP_ADDED) {
        filter_requirements(node);
    }
    status = send_start(node);
    if (!NT_SUCCESS(status)) {
        report_failure(node, status);
        return status;
    }
    node->state = PNP_STARTED;
    query_capabilities(node);
    pnp_query_state(node);
    pnp_query_children(node);
    return status;
}
