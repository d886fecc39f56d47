/* SPDX-License-Identifier: MIT */
/*
 * What a driver left behind when its unload routine had returned: everything that would call into
 * its image, or use memory of it, after the image is gone.
 */
#include "nt/io_interrupt.h"

#include <stdio.h>

static bool inside(const struct module *module, uint64_t address)
{
    return address >= module->base && address < module->base + module->bytes;
}

static void report(const struct io_driver *driver, uint64_t place, const char *what)
{
    const struct driver_object *object = machine_pointer(driver->record.address);
    uint64_t unload = (uint64_t)object->DriverUnload;

    if (!inside(driver->module, place)) {
        place = unload != 0 ? unload : (uint64_t)object->DriverInit;
    }
    machine_finding(RULE_UNLOAD_LEFT_BEHIND, place, "%s unloaded and left %s behind",
                    driver->module->name, what);
}

static void ascii(const struct unicode_string *name, char *out, size_t size)
{
    size_t n = 0;

    for (; n < name->Length / 2u && n + 1 < size; n++) {
        out[n] = name->Buffer[n] < 0x7f && name->Buffer[n] >= ' ' ? (char)name->Buffer[n] : '?';
    }
    out[n] = '\0';
}

static void devices(const struct io_driver *driver)
{
    const struct driver_object *object = machine_pointer(driver->record.address);
    uint32_t count = 0;
    char what[120], name[64] = "";

    for (const struct device_object *d = object->DeviceObject; d != NULL; d = d->NextDevice) {
        struct unicode_string full = ob_name_of((uint64_t)d);

        if (name[0] == '\0' && full.Length > 0) {
            ascii(&full, name, sizeof name);
        }
        count++;
    }
    if (count > 0) {
        snprintf(what, sizeof what, "%u device%s%s%s", count, count == 1 ? "" : "s",
                 name[0] != '\0' ? ", such as " : "", name);
        report(driver, 0, what);
    }
}

static void dpcs(const struct io_driver *driver)
{
    uint64_t object;

    for (uint32_t i = 0; (object = machine_dpc_at(i)) != 0; i++) {
        const struct kdpc *dpc = machine_pointer(object);

        if (machine_would_fault(object, PAGER_READ)) {
            continue;
        }
        if (inside(driver->module, object) ||
            inside(driver->module, (uint64_t)dpc->DeferredRoutine)) {
            report(driver, (uint64_t)dpc->DeferredRoutine, "a queued DPC");
        }
    }
}

static void timers(const struct io_driver *driver)
{
    uint64_t timer, routine;

    for (uint32_t i = 0; ke_timer_at(i, &timer, &routine); i++) {
        if (inside(driver->module, timer) || inside(driver->module, routine)) {
            report(driver, routine, "a timer that is set");
        }
    }
}

uint64_t io_place_in_image(const struct module *module, const struct thread *thread)
{
    uint64_t entered = 0;

    for (const struct call_frame *f = thread->calls; f != NULL; f = f->previous) {
        if (f->kind == CALL_EXPORT && inside(module, f->return_address)) {
            return f->return_address - 1;
        }
        if (f->kind == CALL_GUEST && inside(module, f->stub)) {
            entered = f->stub;
        }
    }
    return entered;
}

static void threads(const struct io_driver *driver)
{
    for (const struct thread *t = machine_thread_next(NULL); t != NULL;
         t = machine_thread_next(t)) {
        uint64_t place = t->state == THREAD_ENDED ? 0 : io_place_in_image(driver->module, t);

        if (place != 0) {
            report(driver, place, "a thread that still runs its code");
        }
    }
}

static void requests(const struct io_driver *driver)
{
    for (const struct io_irp *irp = io_irp_next(NULL); irp != NULL; irp = io_irp_next(irp)) {
        if (!irp->completing && inside(driver->module, irp->holder)) {
            report(driver, irp->holder, "a pending request");
        }
    }
}

static void work_items(const struct io_driver *driver)
{
    uint64_t routine;

    for (uint32_t i = 0; io_work_item_at(i, &routine); i++) {
        if (inside(driver->module, routine)) {
            report(driver, routine, "a queued work item");
        }
    }
}

static void locked_pages(const struct io_driver *driver)
{
    uint64_t caller = 0;
    uint32_t count = io_mdl_locked_by(driver->module->base, driver->module->bytes, &caller);
    char what[80];

    if (count > 0) {
        snprintf(what, sizeof what, "pages of %u MDL%s locked", count, count == 1 ? "" : "s");
        report(driver, caller, what);
    }
}

static void notifications(const struct io_driver *driver)
{
    uint32_t count = io_notifications_of(driver);
    char what[80];

    if (count > 0) {
        snprintf(what, sizeof what, "%u plug and play notification%s", count,
                 count == 1 ? "" : "s");
        report(driver, 0, what);
    }
}

static void interrupts(const struct io_driver *driver)
{
    uint64_t routine = 0;
    uint32_t count = io_interrupts_abandon(driver->module, &routine);
    char what[80];

    if (count > 0) {
        snprintf(what, sizeof what, "%u connected interrupt%s", count, count == 1 ? "" : "s");
        report(driver, routine, what);
    }
}

void io_report_leftovers(const struct io_driver *driver)
{
    devices(driver);
    dpcs(driver);
    timers(driver);
    threads(driver);
    requests(driver);
    work_items(driver);
    locked_pages(driver);
    notifications(driver);
    interrupts(driver);
}
