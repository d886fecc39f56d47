/* SPDX-License-Identifier: MIT */
/*
 * paging-path-pageable: a device that may hold a paging file, under pageable dispatch routines.
 *
 * A device is on the path from the moment a usage notification for a paging file (InPath TRUE) that
 * its driver was given succeeds, until one with InPath FALSE does.  The routines that bringing a
 * page in needs are those of its driver and of every driver attached above.  They are looked at
 * when the notification succeeds, when somebody attaches, and when a section is unlocked or a
 * driver paged as a whole.
 */
#include "nt/io.h"
#include "nt/pnp_types.h"
#include "verify/private.h"

/* A device that a notification reached. */
struct on_path {
    uint64_t device;
    uint32_t files; /* paging files that go through it */
    struct on_path *next;
};

/* A notification under way has reached this device. */
struct reached {
    uint64_t irp, device;
    bool in_path;
    struct reached *next;
};

static struct {
    struct on_path *devices;
    struct reached *reached;
} * state;

static const struct {
    uint8_t major;
    const char *name;
} needed[] = {
    {IRP_MJ_READ, "read"},
    {IRP_MJ_WRITE, "write"},
    {IRP_MJ_DEVICE_CONTROL, "device-control"},
    {IRP_MJ_POWER, "power"},
};

/* ---- looking ---- */

static void look_at_routine(const struct driver_object *driver, uint64_t routine, const char *name)
{
    const struct io_driver *record = io_driver_find((uint64_t)driver);
    struct pg_section_info info;
    uint64_t base, bytes;

    if (record == NULL || record->module == NULL || !where_pageable(routine, &info)) {
        return;
    }
    where_function(routine, &base, &bytes);
    machine_suspect(machine_finding(RULE_PAGING_PATH_PAGEABLE, routine,
                                    "the %s dispatch routine of %s is on the way to a paging file "
                                    "and lies in section %s, which is pageable and not locked",
                                    name, record->module->name, info.desc->name),
                    base, bytes);
}

static void look_at_device(const struct device_object *device, bool flags)
{
    const struct driver_object *driver = device->DriverObject;

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        look_at_routine(driver, (uint64_t)driver->MajorFunction[needed[i].major], needed[i].name);
    }
    if (flags && (device->Flags & DO_POWER_PAGABLE) != 0 &&
        module_at((uint64_t)driver->MajorFunction[IRP_MJ_PNP]) != NULL) {
        machine_finding(RULE_PAGING_PATH_PAGEABLE, (uint64_t)driver->MajorFunction[IRP_MJ_PNP],
                        "a device on the way to a paging file still has DO_POWER_PAGABLE set");
    }
}

/* From a device to the top of its stack. */
static void look_up_from(uint64_t address, bool flags)
{
    const struct io_device *record = io_device_find(address);

    while (record != NULL) {
        const struct device_object *device = machine_pointer(record->record.address);

        look_at_device(device, flags);
        record = io_device_find((uint64_t)device->AttachedDevice);
    }
}

static void look_at_all(void)
{
    for (const struct on_path *p = state->devices; p != NULL; p = p->next) {
        look_up_from(p->device, false);
    }
}

void paging_path_changed(void)
{
    if (state->devices != NULL && machine_rule_on(RULE_PAGING_PATH_PAGEABLE)) {
        look_at_all();
    }
}

static bool is_on_path(uint64_t device)
{
    for (const struct on_path *p = state->devices; p != NULL; p = p->next) {
        if (p->device == device) {
            return true;
        }
    }
    return false;
}

/* The flags of a device that is only being attached are not final yet. */
void paging_path_attached(const struct device_object *device)
{
    const struct io_device *below = io_device_find((uint64_t)device);

    if (state->devices == NULL || !machine_rule_on(RULE_PAGING_PATH_PAGEABLE)) {
        return;
    }
    while (below != NULL && below->attached_to != 0) {
        below = io_device_find(below->attached_to);
        if (below != NULL && is_on_path(below->record.address)) {
            look_at_device(device, false);
            return;
        }
    }
}

/* ---- notifications ---- */

void paging_path_dispatched(const struct device_object *device, const struct irp *irp)
{
    const struct io_stack_location *stack = io_stack_current(irp);
    struct reached *reached;

    if (stack->MajorFunction != IRP_MJ_PNP ||
        stack->MinorFunction != IRP_MN_DEVICE_USAGE_NOTIFICATION ||
        stack->Parameters.UsageNotification.Type != DeviceUsageTypePaging) {
        return;
    }
    reached = ex_heap_take(sizeof *reached);
    *reached = (struct reached){(uint64_t)irp, (uint64_t)device,
                                stack->Parameters.UsageNotification.InPath != 0, state->reached};
    state->reached = reached;
}

static void enter(uint64_t device)
{
    struct on_path *p = state->devices;

    while (p != NULL && p->device != device) {
        p = p->next;
    }
    if (p == NULL) {
        p = ex_heap_take(sizeof *p);
        *p = (struct on_path){.device = device, .next = state->devices};
        state->devices = p;
    }
    p->files++;
}

static void leave(uint64_t device)
{
    struct on_path **link = &state->devices;

    while (*link != NULL && (*link)->device != device) {
        link = &(*link)->next;
    }
    if (*link != NULL && --(*link)->files == 0) {
        struct on_path *gone = *link;

        *link = gone->next;
        ex_heap_give(gone);
    }
}

void paging_path_completed(const struct irp *irp)
{
    struct reached **link = &state->reached;
    bool entered = false;

    while (*link != NULL) {
        struct reached *reached = *link;

        if (reached->irp != (uint64_t)irp) {
            link = &reached->next;
            continue;
        }
        *link = reached->next;
        if (NT_SUCCESS(irp->IoStatus.Status) && reached->in_path) {
            enter(reached->device);
            entered = true;
        } else if (NT_SUCCESS(irp->IoStatus.Status)) {
            leave(reached->device);
        }
        ex_heap_give(reached);
    }
    if (entered && machine_rule_on(RULE_PAGING_PATH_PAGEABLE)) {
        for (const struct on_path *p = state->devices; p != NULL; p = p->next) {
            look_up_from(p->device, true);
        }
    }
}

void paging_path_start(void)
{
    state = machine_allocate(sizeof *state);
}
