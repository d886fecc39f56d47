/* SPDX-License-Identifier: MIT */
/*
 * Handles: one table for the whole computer, small multiples of 4.
 *
 * A slot that was closed is used again as late as possible, so that a stale handle is an invalid
 * one for a while.  An open handle is a reference of the object.
 */
#include "nt/ex.h"

#include <string.h>

#define HANDLES_MAX     16384u
#define CURRENT_PROCESS ((uint64_t)-1)
#define CURRENT_THREAD  ((uint64_t)-2)

struct handle_state {
    uint64_t objects[HANDLES_MAX]; /* 0: free */
    uint32_t cursor, open;
};
static struct handle_state *state;

void ob_handle_start(void)
{
    state = machine_allocate(sizeof *state);
}

static uint64_t *slot_of(uint64_t handle)
{
    if (handle == 0 || handle % 4 != 0 || handle / 4 > HANDLES_MAX ||
        state->objects[handle / 4 - 1] == 0) {
        return NULL;
    }
    return &state->objects[handle / 4 - 1];
}

uint64_t ob_handle(uint64_t object)
{
    uint32_t index;

    if (state->open == HANDLES_MAX) {
        return 0;
    }
    while (state->objects[state->cursor] != 0) {
        state->cursor = (state->cursor + 1) % HANDLES_MAX;
    }
    index = state->cursor;
    state->cursor = (state->cursor + 1) % HANDLES_MAX;
    ob_reference(object);
    ob_find(object)->handles++;
    state->objects[index] = object;
    state->open++;
    return ((uint64_t)index + 1) * 4;
}

uint64_t ob_from_handle(uint64_t handle)
{
    const uint64_t *slot;

    if (handle == CURRENT_PROCESS) {
        return ps_system_process();
    }
    if (handle == CURRENT_THREAD) {
        return ex_current_thread();
    }
    slot = slot_of(handle);
    return slot == NULL ? 0 : *slot;
}

bool ob_close(uint64_t handle)
{
    uint64_t *slot = slot_of(handle);
    struct ob_object *object;

    if (slot == NULL) {
        return false;
    }
    object = ob_find(*slot);
    *slot = 0;
    state->open--;
    if (--object->handles == 0) {
        if (ob_on_last_handle[object->type] != NULL) {
            ob_on_last_handle[object->type](object->address);
        }
        if (object->temporary) {
            ob_unname(object->address);
        }
    }
    ob_dereference(object->address);
    return true;
}

bool ob_handle_next(uint64_t *handle, uint64_t *object)
{
    for (uint64_t i = *handle / 4; i < HANDLES_MAX; i++) {
        if (state->objects[i] != 0) {
            *handle = (i + 1) * 4;
            *object = state->objects[i];
            return true;
        }
    }
    return false;
}

ntstatus ob_from_handle_typed(uint64_t handle, int type, uint64_t *object)
{
    *object = ob_from_handle(handle);
    if (*object == 0) {
        return STATUS_INVALID_HANDLE;
    }
    if (type >= 0 && ob_type(*object) != type) {
        *object = 0;
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ob_reference(*object);
    return STATUS_SUCCESS;
}

/* ---- OBJECT_ATTRIBUTES ---- */

static struct unicode_string join(const struct unicode_string *a, const struct unicode_string *b)
{
    size_t bytes = (size_t)a->Length + 2 + b->Length;
    uint8_t *memory = ex_heap_take(bytes + 2);
    size_t at = a->Length;

    ex_copy(memory, a->Buffer, a->Length);
    if (at >= 2 && a->Buffer[at / 2 - 1] != '\\') {
        memory[at] = '\\';
        at += 2;
    }
    ex_copy(memory + at, b->Buffer, b->Length);
    at += b->Length;
    return (struct unicode_string){(uint16_t)at, (uint16_t)(at + 2), (uint16_t *)memory};
}

/* A name below a directory becomes a full path; below anything else its object keeps the root. */
static ntstatus capture_root(const struct object_attributes *from, struct ob_attributes *to)
{
    struct unicode_string root;

    to->root = ob_from_handle((uint64_t)from->RootDirectory);
    if (to->root == 0) {
        return STATUS_INVALID_HANDLE;
    }
    if (ob_type(to->root) == OBJECT_DIRECTORY && to->name.Buffer != NULL) {
        struct unicode_string relative = to->name;

        root = ob_name_of(to->root);
        if ((size_t)root.Length + relative.Length + 2 > UINT16_MAX - 2u) {
            return STATUS_NAME_TOO_LONG;
        }
        to->name = join(&root, &relative);
        ex_heap_give(relative.Buffer);
        to->root = 0;
    }
    return STATUS_SUCCESS;
}

ntstatus ob_capture(const struct object_attributes *from, struct ob_attributes *to)
{
    ntstatus status = STATUS_SUCCESS;

    memset(to, 0, sizeof *to);
    if (from == NULL) {
        return STATUS_SUCCESS;
    }
    machine_touch((uint64_t)from, sizeof *from, PAGER_READ);
    if (from->Length != sizeof *from) {
        return STATUS_INVALID_PARAMETER;
    }
    to->attributes = from->Attributes;
    if (from->ObjectName != NULL) {
        const struct unicode_string *name = from->ObjectName;

        rtl_touch_unicode(name);
        if (name->Length > 0) {
            to->name = (struct unicode_string){name->Length, name->Length,
                                               ex_heap_take((size_t)name->Length + 2)};
            ex_copy(to->name.Buffer, name->Buffer, name->Length);
        }
    }
    if (from->RootDirectory != NULL) {
        status = capture_root(from, to);
    }
    if (status != STATUS_SUCCESS) {
        ob_release(to);
    }
    return status;
}

void ob_release(struct ob_attributes *attributes)
{
    ex_heap_give(attributes->name.Buffer);
    memset(attributes, 0, sizeof *attributes);
}

static ntstatus open_named(const struct ob_attributes *attributes, int type, uint64_t *object)
{
    ntstatus status = ob_parse(&attributes->name, type == OBJECT_SYMBOLIC_LINK, object, NULL);

    if (status == STATUS_SUCCESS && type >= 0 && ob_type(*object) != type) {
        status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (status == STATUS_SUCCESS) {
        ob_reference(*object);
    } else {
        *object = 0;
    }
    return status;
}

ntstatus ob_open_or_create(const struct ob_attributes *attributes, enum nt_object_type type,
                           size_t bytes, uint64_t *object)
{
    ntstatus status;

    if (attributes->name.Buffer != NULL && (attributes->attributes & OBJ_OPENIF)) {
        status = open_named(attributes, (int)type, object);
        if (status != STATUS_OBJECT_NAME_NOT_FOUND) {
            return status == STATUS_SUCCESS ? STATUS_OBJECT_NAME_EXISTS : status;
        }
    }
    *object = ob_create(type, bytes, NULL);
    if (*object == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ob_find(*object)->temporary = (attributes->attributes & OBJ_PERMANENT) == 0;
    if (attributes->name.Buffer == NULL) {
        return STATUS_SUCCESS;
    }
    status = ob_name(*object, &attributes->name);
    if (status != STATUS_SUCCESS) {
        ob_dereference(*object);
        *object = 0;
    }
    return status;
}

/* ---- exports ---- */

struct handle_information {
    uint32_t attributes, access;
};

static ntstatus reference_by_handle(uint64_t handle, uint64_t type_pointer, uint64_t *object,
                                    struct handle_information *information)
{
    int type = type_pointer == 0 ? -1 : ob_type_of_pointer(type_pointer);
    uint64_t found;
    ntstatus status;

    machine_touch((uint64_t)object, sizeof *object, PAGER_WRITE);
    if (information != NULL) {
        machine_touch((uint64_t)information, sizeof *information, PAGER_WRITE);
    }
    status = ob_from_handle_typed(handle, -1, &found);
    if (status == STATUS_SUCCESS && type_pointer != 0 && ob_type(found) != type) {
        ob_dereference(found);
        found = 0;
        status = STATUS_OBJECT_TYPE_MISMATCH;
    }
    *object = found;
    if (status == STATUS_SUCCESS && information != NULL) {
        *information = (struct handle_information){0, 0x1fffff /* everything */};
    }
    return status;
}

static ntstatus ObReferenceObjectByHandle(uint64_t handle, uint32_t access, uint64_t type,
                                          uint8_t mode, uint64_t *object,
                                          struct handle_information *information)
{
    (void)access; /* every handle grants everything */
    (void)mode;
    return reference_by_handle(handle, type, object, information);
}

static ntstatus ObReferenceObjectByHandleWithTag(uint64_t handle, uint32_t access, uint64_t type,
                                                 uint8_t mode, uint32_t tag, uint64_t *object,
                                                 struct handle_information *information)
{
    (void)tag;
    return ObReferenceObjectByHandle(handle, access, type, mode, object, information);
}

/* Gives a handle for a referenced object, whose reference it takes. */
static ntstatus handle_for(uint64_t object, uint64_t *out)
{
    uint64_t handle = ob_handle(object);

    ob_dereference(object);
    if (handle == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *out = handle;
    return STATUS_SUCCESS;
}

static ntstatus ObOpenObjectByPointer(uint64_t object, uint32_t attributes, uint64_t access_state,
                                      uint32_t access, uint64_t type, uint8_t mode,
                                      uint64_t *handle)
{
    (void)attributes;
    (void)access_state;
    (void)access;
    (void)mode;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    if (ob_find(object) == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (type != 0 && ob_type_of_pointer(type) != ob_type(object)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ob_reference(object);
    return handle_for(object, handle);
}

static ntstatus ObOpenObjectByName(const struct object_attributes *guest, uint64_t type,
                                   uint8_t mode, uint64_t access_state, uint32_t access,
                                   uint64_t context, uint64_t *handle)
{
    struct ob_attributes attributes;
    uint64_t object = 0;
    ntstatus status;

    (void)mode;
    (void)access_state;
    (void)access;
    (void)context;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    status = ob_capture(guest, &attributes);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    if (attributes.name.Buffer == NULL) {
        status = STATUS_OBJECT_PATH_SYNTAX_BAD;
    } else {
        status = open_named(&attributes, type == 0 ? -1 : ob_type_of_pointer(type), &object);
    }
    ob_release(&attributes);
    return status == STATUS_SUCCESS ? handle_for(object, handle) : status;
}

static ntstatus ObReferenceObjectByName(const struct unicode_string *name, uint32_t flags,
                                        uint64_t access_state, uint32_t access, uint64_t type,
                                        uint8_t mode, uint64_t context, uint64_t *object)
{
    struct ob_attributes attributes = {0};
    uint64_t found;
    ntstatus status;

    (void)flags;
    (void)access_state;
    (void)access;
    (void)mode;
    (void)context;
    rtl_touch_unicode(name);
    machine_touch((uint64_t)object, sizeof *object, PAGER_WRITE);
    attributes.name = *name;
    status = open_named(&attributes, type == 0 ? -1 : ob_type_of_pointer(type), &found);
    if (status == STATUS_SUCCESS) {
        *object = found;
    }
    return status;
}

/* OBJECT_NAME_INFORMATION: the string, then its characters with a terminator. */
static ntstatus ObQueryNameString(uint64_t object, struct unicode_string *out, uint32_t bytes,
                                  uint32_t *needed)
{
    struct unicode_string name = ob_name_of(object);
    uint32_t size = (uint32_t)sizeof *out + (name.Length > 0 ? name.Length + 2u : 0);

    machine_touch((uint64_t)needed, sizeof *needed, PAGER_WRITE);
    if (bytes < size) {
        *needed = size;
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    machine_touch((uint64_t)out, size, PAGER_WRITE);
    *needed = size;
    if (name.Length == 0) {
        *out = (struct unicode_string){0, 0, NULL};
        return STATUS_SUCCESS;
    }
    out->Length = name.Length;
    out->MaximumLength = (uint16_t)(name.Length + 2);
    out->Buffer = (uint16_t *)(out + 1);
    ex_copy(out->Buffer, name.Buffer, name.Length);
    out->Buffer[name.Length / 2] = 0;
    return STATUS_SUCCESS;
}

static ntstatus close_handle(uint64_t handle)
{
    if (handle == CURRENT_PROCESS || handle == CURRENT_THREAD) {
        return STATUS_SUCCESS;
    }
    return ob_close(handle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

static ntstatus ObCloseHandle(uint64_t handle, uint8_t mode)
{
    (void)mode;
    return close_handle(handle);
}

static ntstatus ZwClose(uint64_t handle)
{
    return close_handle(handle);
}

static ntstatus NtClose(uint64_t handle)
{
    return close_handle(handle);
}

static ntstatus ZwMakeTemporaryObject(uint64_t handle)
{
    uint64_t address = ob_from_handle(handle);

    if (address == 0) {
        return STATUS_INVALID_HANDLE;
    }
    ob_find(address)->temporary = true;
    return STATUS_SUCCESS;
}

NT_CALL6(ObReferenceObjectByHandle, uint64_t, uint32_t, uint64_t, uint8_t, uint64_t *,
         struct handle_information *)
NT_CALL7(ObReferenceObjectByHandleWithTag, uint64_t, uint32_t, uint64_t, uint8_t, uint32_t,
         uint64_t *, struct handle_information *)
NT_CALL7(ObOpenObjectByPointer, uint64_t, uint32_t, uint64_t, uint32_t, uint64_t, uint8_t,
         uint64_t *)
NT_CALL7(ObOpenObjectByName, const struct object_attributes *, uint64_t, uint8_t, uint64_t,
         uint32_t, uint64_t, uint64_t *)
NT_CALL8(ObReferenceObjectByName, const struct unicode_string *, uint32_t, uint64_t, uint32_t,
         uint64_t, uint8_t, uint64_t, uint64_t *)
NT_CALL4(ObQueryNameString, uint64_t, struct unicode_string *, uint32_t, uint32_t *)
NT_CALL2(ObCloseHandle, uint64_t, uint8_t)
NT_CALL1(ZwClose, uint64_t)
NT_CALL1(NtClose, uint64_t)
NT_CALL1(ZwMakeTemporaryObject, uint64_t)
