/* SPDX-License-Identifier: MIT */
/*
 * Callback objects: routines of several drivers that are told of something, in the order in which
 * they were registered.
 *
 * A registration that is being called stays until the call returns, and whoever unregisters it
 * waits for that.
 */
#include "nt/ex.h"

#include <string.h>

#define CALLBACK_TAG   0x626c6c43u /* "Cllb" */
#define CALLBACK_BYTES 64u

struct registration {
    struct callback *callback;
    uint64_t routine, context;
    uint32_t running;
    bool removed;
    struct ex_wait_queue waiters; /* for running == 0 */
    struct registration *next;
};

struct callback {
    uint64_t object;
    bool multiple;
    struct registration *first;
    struct callback *next;
};
static struct callback **callbacks; /* one pointer, in the arena */

static struct callback *callback_of(uint64_t object)
{
    struct callback *callback = *callbacks;

    while (callback != NULL && callback->object != object) {
        callback = callback->next;
    }
    if (callback == NULL) {
        machine_bugcheck(0x18, object, object, 0, 0,
                         "a callback was used that is no callback object");
    }
    return callback;
}

static void on_delete(uint64_t object)
{
    struct callback **link = callbacks;
    struct callback *callback;

    while ((*link)->object != object) {
        link = &(*link)->next;
    }
    callback = *link;
    *link = callback->next;
    ex_heap_give(callback);
}

static uint64_t create(bool multiple)
{
    uint64_t object = ob_create(OBJECT_CALLBACK, CALLBACK_BYTES, on_delete);
    struct callback *callback;

    if (object == 0) {
        return 0;
    }
    callback = ex_heap_take(sizeof *callback);
    *callback = (struct callback){.object = object, .multiple = multiple, .next = *callbacks};
    *callbacks = callback;
    return object;
}

void ex_callback_start(void)
{
    static const char *const names[] = {"\\Callback\\SetSystemTime", "\\Callback\\PowerState",
                                        "\\Callback\\ProcessorAdd"};

    callbacks = machine_allocate(sizeof *callbacks);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint16_t buffer[64];
        struct unicode_string name = rtl_unicode(names[i], buffer, 64);

        PG_ASSERT(ob_name(create(true), &name) == STATUS_SUCCESS);
    }
}

static ntstatus open_or_create(const struct ob_attributes *attributes, bool make, bool multiple,
                               uint64_t *object)
{
    ntstatus status = STATUS_SUCCESS;

    *object = attributes->name.Buffer != NULL ? ob_lookup(&attributes->name) : 0;
    if (*object != 0) {
        if (ob_type(*object) != OBJECT_CALLBACK) {
            return STATUS_OBJECT_TYPE_MISMATCH;
        }
        ob_reference(*object);
        return STATUS_SUCCESS;
    }
    if (!make) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    *object = create(multiple);
    if (*object == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (attributes->name.Buffer != NULL) {
        status = ob_name(*object, &attributes->name);
        if (status != STATUS_SUCCESS) {
            ob_dereference(*object);
        }
    }
    return status;
}

static ntstatus ExCreateCallback(uint64_t *out, const struct object_attributes *guest, uint8_t make,
                                 uint8_t multiple)
{
    struct ob_attributes attributes;
    uint64_t object;
    ntstatus status = ob_capture(guest, &attributes);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    status = open_or_create(&attributes, make != 0, multiple != 0, &object);
    if (status == STATUS_SUCCESS) {
        *out = object;
    }
    ob_release(&attributes);
    return status;
}

static struct registration *ExRegisterCallback(uint64_t object, uint64_t routine, uint64_t context)
{
    struct callback *callback = callback_of(object);
    struct registration **end = &callback->first;
    struct registration *registration;

    if (!callback->multiple && callback->first != NULL) {
        return NULL;
    }
    registration = ex_heap_take(sizeof *registration);
    *registration =
        (struct registration){.callback = callback, .routine = routine, .context = context};
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = registration;
    ob_reference(object);
    return registration;
}

static void forget(struct registration *registration)
{
    struct registration **link = &registration->callback->first;
    uint64_t object = registration->callback->object;

    while (*link != registration) {
        link = &(*link)->next;
    }
    *link = registration->next;
    ex_heap_give(registration);
    ob_dereference(object);
}

/* A registration of some callback; drivers hold its address as an opaque pointer. */
static bool is_registered(const struct registration *registration)
{
    for (const struct callback *c = *callbacks; c != NULL; c = c->next) {
        for (const struct registration *r = c->first; r != NULL; r = r->next) {
            if (r == registration) {
                return true;
            }
        }
    }
    return false;
}

static void ExUnregisterCallback(struct registration *registration)
{
    if (!is_registered(registration) || registration->removed) {
        machine_bugcheck(0x18, 0, (uint64_t)registration, 0, 0,
                         "a callback was unregistered that is not registered");
    }
    registration->removed = true;
    if (registration->running > 0) {
        ex_wait(&registration->waiters, 0);
    }
    forget(registration);
}

static void ExNotifyCallback(uint64_t object, uint64_t argument1, uint64_t argument2)
{
    struct callback *callback = callback_of(object);
    struct registration *next;

    for (struct registration *r = callback->first; r != NULL; r = next) {
        if (!r->removed) {
            r->running++;
            MACHINE_CALL(r->routine, r->context, argument1, argument2);
            r->running--;
        }
        next = r->next; /* a waiter that unregisters it runs only later */
        if (r->removed && r->running == 0) {
            ex_wake(&r->waiters);
        }
    }
}

NT_CALL4(ExCreateCallback, uint64_t *, const struct object_attributes *, uint8_t, uint8_t)
NT_CALL3(ExRegisterCallback, uint64_t, uint64_t, uint64_t)
NT_VOID1(ExUnregisterCallback, struct registration *)
NT_VOID3(ExNotifyCallback, uint64_t, uint64_t, uint64_t)
