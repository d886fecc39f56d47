/* SPDX-License-Identifier: MIT */
/*
 * Reinitialization routines: called once for each registration after DriverEntry succeeded, in the
 * order of registration, those for boot drivers first; one that registers again is called again.
 * INIT sections stay until the last one returned.
 */
#include "nt/io.h"

struct reinit {
    struct io_driver *driver;
    uint64_t routine, context;
    bool boot;
    struct reinit *next;
};

static struct reinit **queue(void)
{
    return (struct reinit **)&io_state->reinits;
}

static struct reinit *take(const struct io_driver *driver, bool boot)
{
    struct reinit **link = queue();
    struct reinit *r;

    while (*link != NULL && ((*link)->driver != driver || (*link)->boot != boot)) {
        link = &(*link)->next;
    }
    r = *link;
    if (r != NULL) {
        *link = r->next;
    }
    return r;
}

static void run(struct io_driver *driver, bool boot)
{
    struct driver_object *object = machine_pointer(driver->record.address);
    struct reinit *r;

    while ((r = take(driver, boot)) != NULL) {
        uint64_t routine = r->routine, context = r->context;

        ex_heap_give(r);
        object->Flags &= ~(boot ? DRVO_BOOTREINIT_REGISTERED : DRVO_REINIT_REGISTERED);
        object->DriverExtension->Count++;
        MACHINE_CALL(routine, (uint64_t)object, context, object->DriverExtension->Count);
    }
}

void io_run_reinitialization(struct io_driver *driver)
{
    run(driver, true);
    run(driver, false);
}

void io_forget_reinitialization(const struct io_driver *driver)
{
    struct reinit *r;

    while ((r = take(driver, true)) != NULL || (r = take(driver, false)) != NULL) {
        ex_heap_give(r);
    }
}

static void add(struct driver_object *object, uint64_t routine, uint64_t context, bool boot)
{
    struct io_driver *driver = io_driver_find((uint64_t)object);
    struct reinit **end = queue();
    struct reinit *r;

    if (driver == NULL) {
        machine_bugcheck(0x18, 0, (uint64_t)object, 0, 0,
                         "a reinitialization routine was registered for no driver object");
    }
    r = ex_heap_take(sizeof *r);
    *r = (struct reinit){driver, routine, context, boot, NULL};
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = r;
    object->Flags |= boot ? DRVO_BOOTREINIT_REGISTERED : DRVO_REINIT_REGISTERED;
}

static void IoRegisterDriverReinitialization(struct driver_object *driver, uint64_t routine,
                                             uint64_t context)
{
    add(driver, routine, context, false);
}

static void IoRegisterBootDriverReinitialization(struct driver_object *driver, uint64_t routine,
                                                 uint64_t context)
{
    add(driver, routine, context, true);
}

NT_VOID3(IoRegisterDriverReinitialization, struct driver_object *, uint64_t, uint64_t)
NT_VOID3(IoRegisterBootDriverReinitialization, struct driver_object *, uint64_t, uint64_t)
