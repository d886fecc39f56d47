/* SPDX-License-Identifier: MIT */
/* Zw routines for events, directories and symbolic links, and waits by handle. */
#include "nt/ex.h"

/* A handle for an object whose reference it takes; `status` is what making the object gave. */
static ntstatus give_handle(uint64_t object, ntstatus status, uint64_t *out)
{
    uint64_t handle;

    if (!NT_SUCCESS(status)) {
        return status;
    }
    handle = ob_handle(object);
    ob_dereference(object);
    if (handle == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *out = handle;
    return status;
}

static ntstatus open_object(uint64_t *handle, const struct object_attributes *guest,
                            enum nt_object_type type)
{
    struct ob_attributes attributes;
    uint64_t object = 0;
    ntstatus status;

    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    status = ob_capture(guest, &attributes);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    status = attributes.name.Buffer == NULL
                 ? STATUS_OBJECT_PATH_SYNTAX_BAD
                 : ob_parse(&attributes.name, type == OBJECT_SYMBOLIC_LINK, &object, NULL);
    if (status == STATUS_SUCCESS && ob_type(object) != (int)type) {
        status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (status == STATUS_SUCCESS) {
        ob_reference(object);
    }
    ob_release(&attributes);
    return give_handle(object, status, handle);
}

/* ---- events ---- */

static ntstatus ZwCreateEvent(uint64_t *handle, uint32_t access,
                              const struct object_attributes *guest, uint32_t type,
                              uint8_t signalled)
{
    struct ob_attributes attributes;
    uint64_t object = 0;
    ntstatus status;

    (void)access;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    if (type > SynchronizationEvent) {
        return STATUS_INVALID_PARAMETER;
    }
    status = ob_capture(guest, &attributes);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    status = ob_open_or_create(&attributes, OBJECT_EVENT, sizeof(struct kevent), &object);
    if (status == STATUS_SUCCESS) {
        ke_event_init(machine_pointer(object), type, signalled != 0);
    }
    ob_release(&attributes);
    return give_handle(object, status, handle);
}

static ntstatus ZwOpenEvent(uint64_t *handle, uint32_t access,
                            const struct object_attributes *guest)
{
    (void)access;
    return open_object(handle, guest, OBJECT_EVENT);
}

/* Sets the state of an event by handle; *previous (may be NULL) is a LONG of the driver's. */
static ntstatus change_event(uint64_t handle, int32_t *previous, bool set)
{
    uint64_t object;
    struct kevent *event;
    int32_t before;
    ntstatus status;

    if (previous != NULL) {
        machine_touch((uint64_t)previous, sizeof *previous, PAGER_WRITE);
    }
    status = ob_from_handle_typed(handle, OBJECT_EVENT, &object);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    event = machine_pointer(object);
    before = event->Header.SignalState;
    if (set) {
        ex_set_event(event);
    } else {
        event->Header.SignalState = 0;
    }
    ob_dereference(object);
    if (previous != NULL) {
        *previous = before;
    }
    return STATUS_SUCCESS;
}

static ntstatus ZwSetEvent(uint64_t handle, int32_t *previous)
{
    return change_event(handle, previous, true);
}

static ntstatus ZwResetEvent(uint64_t handle, int32_t *previous)
{
    return change_event(handle, previous, false);
}

static ntstatus ZwClearEvent(uint64_t handle)
{
    return change_event(handle, NULL, false);
}

/* ---- waits ---- */

/* What a wait for the object waits for: a file's event is inside it. */
static uint64_t waitable(uint64_t object)
{
    switch (ob_type(object)) {
    case OBJECT_FILE:
        return (uint64_t) & ((struct file_object *)machine_pointer(object))->Event;
    case OBJECT_EVENT:
    case OBJECT_MUTANT:
    case OBJECT_PROCESS:
    case OBJECT_SEMAPHORE:
    case OBJECT_THREAD:
    case OBJECT_TIMER:
        return object;
    default:
        return 0;
    }
}

static ntstatus ZwWaitForSingleObject(uint64_t handle, uint8_t alertable, const int64_t *timeout)
{
    uint64_t object;
    int64_t limit = 0;
    ntstatus status;

    (void)alertable;
    if (timeout != NULL) {
        machine_touch((uint64_t)timeout, sizeof *timeout, PAGER_READ);
        limit = *timeout;
    }
    status = ob_from_handle_typed(handle, -1, &object);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    status = waitable(object) == 0
                 ? STATUS_OBJECT_TYPE_MISMATCH
                 : ke_wait_for_object(waitable(object), timeout == NULL ? NULL : &limit);
    ob_dereference(object);
    return status;
}

/* ---- directories and links ---- */

static ntstatus ZwCreateDirectoryObject(uint64_t *handle, uint32_t access,
                                        const struct object_attributes *guest)
{
    struct ob_attributes attributes;
    uint64_t object = 0;
    ntstatus status;

    (void)access;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    status = ob_capture(guest, &attributes);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    status = ob_open_or_create(&attributes, OBJECT_DIRECTORY, 16, &object);
    ob_release(&attributes);
    return give_handle(object, status, handle);
}

static ntstatus ZwOpenDirectoryObject(uint64_t *handle, uint32_t access,
                                      const struct object_attributes *guest)
{
    (void)access;
    return open_object(handle, guest, OBJECT_DIRECTORY);
}

static ntstatus ZwOpenSymbolicLinkObject(uint64_t *handle, uint32_t access,
                                         const struct object_attributes *guest)
{
    (void)access;
    return open_object(handle, guest, OBJECT_SYMBOLIC_LINK);
}

static ntstatus ZwCreateSymbolicLinkObject(uint64_t *handle, uint32_t access,
                                           const struct object_attributes *guest,
                                           const struct unicode_string *target)
{
    struct ob_attributes attributes;
    struct unicode_string copy;
    uint64_t object = 0;
    ntstatus status;

    (void)access;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    status = ob_capture(guest, &attributes);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    copy = zw_capture_string(target);
    status = attributes.name.Buffer == NULL ? STATUS_OBJECT_PATH_SYNTAX_BAD
                                            : ob_link(&attributes.name, &copy);
    if (status == STATUS_SUCCESS) {
        status = ob_parse(&attributes.name, true, &object, NULL);
        PG_ASSERT(status == STATUS_SUCCESS);
        ob_find(object)->temporary = (attributes.attributes & OBJ_PERMANENT) == 0;
    }
    ex_heap_give(copy.Buffer);
    ob_release(&attributes);
    return give_handle(object, status, handle);
}

static ntstatus ZwQuerySymbolicLinkObject(uint64_t handle, struct unicode_string *out,
                                          uint32_t *needed)
{
    struct unicode_string target;
    uint64_t object;
    ntstatus status = ob_from_handle_typed(handle, OBJECT_SYMBOLIC_LINK, &object);

    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    if (needed != NULL) {
        machine_touch((uint64_t)needed, sizeof *needed, PAGER_WRITE);
    }
    if (status != STATUS_SUCCESS) {
        return status;
    }
    target = ob_link_target(object);
    if (needed != NULL) {
        *needed = target.Length;
    }
    if (target.Length > out->MaximumLength) {
        status = STATUS_BUFFER_TOO_SMALL;
    } else {
        machine_touch((uint64_t)out->Buffer, target.Length, PAGER_WRITE);
        ex_copy(out->Buffer, target.Buffer, target.Length);
        out->Length = target.Length;
    }
    ob_dereference(object);
    return status;
}

NT_CALL5(ZwCreateEvent, uint64_t *, uint32_t, const struct object_attributes *, uint32_t, uint8_t)
NT_CALL3(ZwOpenEvent, uint64_t *, uint32_t, const struct object_attributes *)
NT_CALL2(ZwSetEvent, uint64_t, int32_t *)
NT_CALL2(ZwResetEvent, uint64_t, int32_t *)
NT_CALL1(ZwClearEvent, uint64_t)
NT_CALL3(ZwWaitForSingleObject, uint64_t, uint8_t, const int64_t *)
NT_CALL3(ZwCreateDirectoryObject, uint64_t *, uint32_t, const struct object_attributes *)
NT_CALL3(ZwOpenDirectoryObject, uint64_t *, uint32_t, const struct object_attributes *)
NT_CALL3(ZwOpenSymbolicLinkObject, uint64_t *, uint32_t, const struct object_attributes *)
NT_CALL4(ZwCreateSymbolicLinkObject, uint64_t *, uint32_t, const struct object_attributes *,
         const struct unicode_string *)
NT_CALL3(ZwQuerySymbolicLinkObject, uint64_t, struct unicode_string *, uint32_t *)
