/* SPDX-License-Identifier: MIT */
/*
 * unlock-with-requests-outstanding: a section's lock count goes to 0 while a request that needs the
 * section has not been completed.
 *
 * A request is outstanding when a driver has it and holds it: its dispatch routine returned
 * STATUS_PENDING or marked it so, and it is not what this thread is dispatching now.  It needs the
 * section when
 *   - its completion, cancel or dispatch routine, at any driver that will see it again, lies there;
 * or
 *   - it is a transfer or a control of a device on whose account the section was locked since its
 *     count was last 0, or of the device whose request the unlock serves.
 * So a driver may unlock, through a control device, what other devices of it do not need.
 */
#include "nt/io.h"
#include "verify/private.h"

#include <stdio.h>

/* Devices whose requests locked a section that is locked now. */
struct locker {
    pg_handle section;
    uint64_t device;
    struct locker *next;
};
static struct locker **lockers; /* one pointer, in the arena */

void outstanding_start(void)
{
    lockers = machine_allocate(sizeof *lockers);
}

static const struct dispatch *innermost(void)
{
    const struct thread *thread = machine_thread();

    return thread == NULL ? NULL : thread->verify;
}

static bool locked_for(pg_handle section, uint64_t device)
{
    for (const struct locker *l = *lockers; l != NULL; l = l->next) {
        if (l->section == section && l->device == device) {
            return true;
        }
    }
    return false;
}

void outstanding_locked(pg_handle handle)
{
    const struct dispatch *dispatch = innermost();
    struct locker *locker;

    if (dispatch == NULL || locked_for(handle, (uint64_t)dispatch->device)) {
        return;
    }
    locker = ex_heap_take(sizeof *locker);
    *locker = (struct locker){handle, (uint64_t)dispatch->device, *lockers};
    *lockers = locker;
}

static void forget(pg_handle handle)
{
    struct locker **link = lockers;

    while (*link != NULL) {
        struct locker *locker = *link;

        if (locker->section == handle) {
            *link = locker->next;
            ex_heap_give(locker);
        } else {
            link = &locker->next;
        }
    }
}

/* ---- a section, as the questions need it ---- */

struct released {
    pg_handle handle;
    const struct module *module;
    struct pg_section_info info;
};

static bool holds(const struct released *section, uint64_t address)
{
    return address - section->info.desc->base < (uint64_t)section->info.desc->pages * PG_PAGE_SIZE;
}

/* ---- requests ---- */

static bool dispatched_here(const struct irp *irp)
{
    for (const struct dispatch *d = innermost(); d != NULL; d = d->outer) {
        if (d->irp == irp) {
            return true;
        }
    }
    return false;
}

/* Whether what a driver may have overwritten still describes stack locations inside of the packet.
 */
static bool is_sound(const struct irp *irp, uint32_t bytes)
{
    uint64_t first = (uint64_t)(irp + 1);
    uint64_t current = (uint64_t)io_stack_current(irp);

    return irp->CurrentLocation >= 1 && irp->CurrentLocation <= irp->StackCount &&
           sizeof *irp + (size_t)irp->StackCount * sizeof(struct io_stack_location) <= bytes &&
           current == first + (size_t)(irp->CurrentLocation - 1) * sizeof(struct io_stack_location);
}

static bool is_outstanding(const struct io_irp *record)
{
    const struct irp *irp = machine_pointer(record->record.address);

    if (!is_sound(irp, record->bytes) || dispatched_here(irp)) {
        return false;
    }
    return record->holder != 0 || (io_stack_current(irp)->Control & SL_PENDING_RETURNED) != 0;
}

static bool is_transfer(uint8_t major)
{
    return major != IRP_MJ_PNP && major != IRP_MJ_POWER && major != IRP_MJ_SYSTEM_CONTROL;
}

static bool serves(const struct released *section, uint64_t device)
{
    for (const struct dispatch *d = innermost(); d != NULL; d = d->outer) {
        if ((uint64_t)d->device == device) {
            const struct io_driver *driver = io_driver_find((uint64_t)d->device->DriverObject);

            return driver != NULL && driver->module == section->module;
        }
    }
    return false;
}

/* Whether the driver at one stack location needs the section for the request. */
static bool location_needs(const struct released *section, const struct io_stack_location *stack)
{
    const struct device_object *device = stack->DeviceObject;

    if (holds(section, (uint64_t)stack->CompletionRoutine)) {
        return true;
    }
    if (device == NULL || io_device_find((uint64_t)device) == NULL ||
        stack->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION) {
        return false;
    }
    if (holds(section, (uint64_t)device->DriverObject->MajorFunction[stack->MajorFunction])) {
        return true;
    }
    return is_transfer(stack->MajorFunction) &&
           (locked_for(section->handle, (uint64_t)device) || serves(section, (uint64_t)device));
}

/* The stack location on whose account the request needs the section; NULL: it does not. */
static const struct io_stack_location *needs(const struct released *section,
                                             const struct io_irp *record)
{
    const struct irp *irp = machine_pointer(record->record.address);
    const struct io_stack_location *stack = io_stack_current(irp);

    if (holds(section, (uint64_t)irp->CancelRoutine)) {
        return stack;
    }
    for (int8_t left = (int8_t)(irp->StackCount - irp->CurrentLocation); left >= 0;
         left--, stack++) {
        if (location_needs(section, stack)) {
            return stack;
        }
    }
    return NULL;
}

/* ---- the finding ---- */

static const char *kind_of(uint8_t major)
{
    switch (major) {
    case IRP_MJ_CREATE:
        return "create";
    case IRP_MJ_READ:
        return "read";
    case IRP_MJ_WRITE:
        return "write";
    case IRP_MJ_FLUSH_BUFFERS:
        return "flush";
    case IRP_MJ_DEVICE_CONTROL:
    case IRP_MJ_INTERNAL_DEVICE_CONTROL:
        return "device-control";
    default:
        return "further";
    }
}

static void report(const struct released *section, const struct io_stack_location *stack)
{
    char device[80] = "";
    struct unicode_string name;

    if (stack->DeviceObject != NULL && io_device_find((uint64_t)stack->DeviceObject) != NULL) {
        name = ob_name_of((uint64_t)stack->DeviceObject);
        io_ascii(&name, device, sizeof device);
    }
    machine_suspect(machine_finding_about(RULE_UNLOCK_WITH_REQUESTS, 0, section->info.desc->base,
                                          "section %s was unlocked while a %s request%s%s that "
                                          "needs it is pending",
                                          section->info.desc->name, kind_of(stack->MajorFunction),
                                          device[0] != '\0' ? " of " : "", device),
                    section->info.desc->base, (uint64_t)section->info.desc->pages * PG_PAGE_SIZE);
}

void outstanding_released(pg_handle handle)
{
    struct released section = {.handle = handle};
    struct pg_image *image;
    uint32_t index;

    if (machine_rule_on(RULE_UNLOCK_WITH_REQUESTS) &&
        pg_handle_query(machine_sections(), handle, &image, &index) == PG_OK &&
        pg_section_query(image, index, &section.info) == PG_OK && section.info.pageable_now) {
        section.module = pg_image_owner(image);
        for (const struct io_irp *r = io_irp_next(NULL); r != NULL; r = io_irp_next(r)) {
            const struct io_stack_location *stack = is_outstanding(r) ? needs(&section, r) : NULL;

            if (stack != NULL) {
                report(&section, stack);
                break;
            }
        }
    }
    forget(handle);
}

/* A dispatch routine came back: what holds the request now must be resident. */
void outstanding_returned(const struct irp *irp)
{
    const struct io_irp *record = io_irp_find(irp);

    if (record != NULL && record->holder != 0 && irp->CurrentLocation >= 1 &&
        irp->CurrentLocation <= irp->StackCount) {
        roles_check((uint64_t)irp->CancelRoutine, "the cancel routine of a pending request");
    }
}
