/* SPDX-License-Identifier: MIT */
/*
 * Zw routines for registry keys.  An open key is an object; information is put together in the
 * system's own memory and then copied, as much as fits:
 *   not even the fixed part fits   STATUS_BUFFER_TOO_SMALL, nothing copied
 *   not all of it fits             STATUS_BUFFER_OVERFLOW, what fits
 */
#include "nt/ex.h"

#include <string.h>

#define KEY_BYTES 64u

struct open_key {
    uint64_t object;
    struct zw_key *key;
    struct open_key *next;
};
static struct open_key **open_keys; /* one pointer, in the arena */

struct unicode_string zw_capture_string(const struct unicode_string *string)
{
    struct unicode_string copy = {0, 0, NULL};

    if (string == NULL) {
        return copy;
    }
    rtl_touch_unicode(string);
    copy.Length = string->Length & 0xfffeu;
    copy.MaximumLength = copy.Length;
    copy.Buffer = ex_heap_take((size_t)copy.Length + 2);
    ex_copy(copy.Buffer, string->Buffer, copy.Length);
    return copy;
}

static struct open_key **link_of(uint64_t object)
{
    struct open_key **link;

    if (open_keys == NULL) {
        open_keys = machine_allocate(sizeof *open_keys);
    }
    for (link = open_keys; *link != NULL && (*link)->object != object;) {
        link = &(*link)->next;
    }
    return link;
}

static void on_delete(uint64_t object)
{
    struct open_key **link = link_of(object);
    struct open_key *open = *link;

    *link = open->next;
    if (--open->key->open == 0 && open->key->deleted) {
        zw_key_release(open->key);
    }
    ex_heap_give(open);
}

uint64_t zw_key_handle(struct zw_key *key)
{
    uint64_t object = ob_create(OBJECT_KEY, KEY_BYTES, on_delete);
    struct open_key **link;
    uint64_t handle;

    if (object == 0) {
        return 0;
    }
    link = link_of(0);
    *link = ex_heap_take(sizeof **link);
    (*link)->object = object;
    (*link)->key = key;
    key->open++;
    handle = ob_handle(object);
    ob_dereference(object);
    return handle;
}

static struct zw_key *key_of_object(uint64_t object)
{
    struct open_key *open;

    if (ob_type(object) != OBJECT_KEY) {
        return NULL;
    }
    open = *link_of(object);
    PG_ASSERT(open != NULL);
    return open->key;
}

ntstatus zw_key_of_handle(uint64_t handle, struct zw_key **key)
{
    uint64_t object = ob_from_handle(handle);

    if (object == 0) {
        return STATUS_INVALID_HANDLE;
    }
    *key = key_of_object(object);
    if (*key == NULL) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    return (*key)->deleted ? STATUS_KEY_DELETED : STATUS_SUCCESS;
}

/* ---- open, create, delete ---- */

static ntstatus walk(const struct object_attributes *guest, bool create, struct zw_key **key,
                     bool *created)
{
    struct ob_attributes attributes;
    struct zw_key *from = NULL;
    ntstatus status = ob_capture(guest, &attributes);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    if (attributes.root != 0) {
        from = key_of_object(attributes.root);
        status = from == NULL    ? STATUS_OBJECT_TYPE_MISMATCH
                 : from->deleted ? STATUS_KEY_DELETED
                                 : STATUS_SUCCESS;
    }
    if (status == STATUS_SUCCESS) {
        status = zw_key_walk(from, &attributes.name, create, key, created);
    }
    ob_release(&attributes);
    return status;
}

static ntstatus give_handle(struct zw_key *key, uint64_t *out)
{
    uint64_t handle = zw_key_handle(key);

    if (handle == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *out = handle;
    return STATUS_SUCCESS;
}

static ntstatus ZwOpenKey(uint64_t *handle, uint32_t access, const struct object_attributes *guest)
{
    struct zw_key *key;
    bool created;
    ntstatus status;

    (void)access;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    status = walk(guest, false, &key, &created);
    return status == STATUS_SUCCESS ? give_handle(key, handle) : status;
}

static ntstatus ZwOpenKeyEx(uint64_t *handle, uint32_t access,
                            const struct object_attributes *guest, uint32_t options)
{
    (void)options;
    return ZwOpenKey(handle, access, guest);
}

#define OPTION_VOLATILE 1u
enum { CREATED_NEW_KEY = 1, OPENED_EXISTING_KEY = 2 };

static ntstatus ZwCreateKey(uint64_t *handle, uint32_t access,
                            const struct object_attributes *guest, uint32_t title,
                            const struct unicode_string *class, uint32_t options,
                            uint32_t *disposition)
{
    struct zw_key *key;
    bool created;
    ntstatus status;

    (void)access;
    (void)title;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    if (disposition != NULL) {
        machine_touch((uint64_t)disposition, sizeof *disposition, PAGER_WRITE);
    }
    if (class != NULL) {
        rtl_touch_unicode(class);
    }
    status = walk(guest, true, &key, &created);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    if (created) {
        key->is_volatile = (options & OPTION_VOLATILE) != 0;
        if (!key->is_volatile && key->parent->is_volatile) {
            zw_key_delete(key);
            return STATUS_CHILD_MUST_BE_VOLATILE;
        }
        key->class = zw_capture_string(class);
    }
    status = give_handle(key, handle);
    if (status == STATUS_SUCCESS && disposition != NULL) {
        *disposition = created ? CREATED_NEW_KEY : OPENED_EXISTING_KEY;
    }
    return status;
}

static ntstatus ZwDeleteKey(uint64_t handle)
{
    struct zw_key *key;
    ntstatus status = zw_key_of_handle(handle, &key);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    if (key->children != NULL || key->parent == NULL) {
        return STATUS_CANNOT_DELETE;
    }
    zw_key_delete(key);
    return STATUS_SUCCESS;
}

/* There is no file behind the registry. */
static ntstatus ZwFlushKey(uint64_t handle)
{
    struct zw_key *key;

    return zw_key_of_handle(handle, &key);
}

/* ---- information ---- */

/* The answer while it is put together. */
struct answer {
    uint8_t *memory;
    size_t bytes, fixed;
};

static struct answer answer_new(size_t fixed, size_t rest)
{
    return (struct answer){ex_heap_take(fixed + rest + 8), fixed + rest, fixed};
}

static void put32(struct answer *answer, size_t at, uint32_t value)
{
    ex_copy(answer->memory + at, &value, sizeof value);
}

static void put64(struct answer *answer, size_t at, uint64_t value)
{
    ex_copy(answer->memory + at, &value, sizeof value);
}

static void put_string(struct answer *answer, size_t at, const struct unicode_string *string)
{
    if (string->Length > 0) {
        ex_copy(answer->memory + at, string->Buffer, string->Length);
    }
}

static ntstatus answer_give(struct answer *answer, void *out, uint32_t room, uint32_t *needed)
{
    size_t bytes = answer->bytes < room ? answer->bytes : room;

    if (needed != NULL) {
        machine_touch((uint64_t)needed, sizeof *needed, PAGER_WRITE);
    }
    if (room >= answer->fixed) {
        machine_touch((uint64_t)out, bytes, PAGER_WRITE);
        ex_copy(out, answer->memory, bytes);
    }
    if (needed != NULL) {
        *needed = (uint32_t)answer->bytes;
    }
    ex_heap_give(answer->memory);
    if (room < answer->fixed) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    return room < answer->bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

enum { KEY_BASIC, KEY_NODE, KEY_FULL, KEY_NAME };

static uint32_t longest(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void full_information(struct answer *answer, const struct zw_key *key)
{
    uint32_t children = 0, values = 0, name = 0, class = 0, value_name = 0, data = 0;

    for (const struct zw_key *k = key->children; k != NULL; k = k->next) {
        children++;
        name = longest(name, k->name.Length);
        class = longest(class, k->class.Length);
    }
    for (const struct zw_value *v = key->values; v != NULL; v = v->next) {
        values++;
        value_name = longest(value_name, v->name.Length);
        data = longest(data, v->bytes);
    }
    *answer = answer_new(44, key->class.Length);
    put64(answer, 0, key->last_write);
    put32(answer, 12, key->class.Length > 0 ? 44 : 0xffffffffu);
    put32(answer, 16, key->class.Length);
    put32(answer, 20, children);
    put32(answer, 24, name);
    put32(answer, 28, class);
    put32(answer, 32, values);
    put32(answer, 36, value_name);
    put32(answer, 40, data);
    put_string(answer, 44, &key->class);
}

static bool key_information(struct answer *answer, const struct zw_key *key, uint32_t kind)
{
    struct unicode_string path;
    size_t class_at;

    switch (kind) {
    case KEY_BASIC:
        *answer = answer_new(16, key->name.Length);
        put64(answer, 0, key->last_write);
        put32(answer, 12, key->name.Length);
        put_string(answer, 16, &key->name);
        return true;
    case KEY_NODE:
        class_at = 24u + (key->name.Length + 3u) / 4 * 4;
        *answer = answer_new(24, class_at - 24 + key->class.Length);
        put64(answer, 0, key->last_write);
        put32(answer, 12, key->class.Length > 0 ? (uint32_t)class_at : 0xffffffffu);
        put32(answer, 16, key->class.Length);
        put32(answer, 20, key->name.Length);
        put_string(answer, 24, &key->name);
        put_string(answer, class_at, &key->class);
        return true;
    case KEY_FULL:
        full_information(answer, key);
        return true;
    case KEY_NAME:
        path = zw_key_path(key);
        *answer = answer_new(4, path.Length);
        put32(answer, 0, path.Length);
        put_string(answer, 4, &path);
        ex_heap_give(path.Buffer);
        return true;
    default:
        return false;
    }
}

static ntstatus ZwQueryKey(uint64_t handle, uint32_t kind, void *out, uint32_t room,
                           uint32_t *needed)
{
    struct answer answer;
    struct zw_key *key;
    ntstatus status = zw_key_of_handle(handle, &key);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    return key_information(&answer, key, kind) ? answer_give(&answer, out, room, needed)
                                               : STATUS_INVALID_PARAMETER;
}

static ntstatus ZwEnumerateKey(uint64_t handle, uint32_t index, uint32_t kind, void *out,
                               uint32_t room, uint32_t *needed)
{
    struct answer answer;
    struct zw_key *key;
    const struct zw_key *child;
    ntstatus status = zw_key_of_handle(handle, &key);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    for (child = key->children; child != NULL && index > 0; index--) {
        child = child->next;
    }
    if (child == NULL) {
        return STATUS_NO_MORE_ENTRIES;
    }
    if (kind == KEY_NAME || !key_information(&answer, child, kind)) {
        return STATUS_INVALID_PARAMETER;
    }
    return answer_give(&answer, out, room, needed);
}

enum { VALUE_BASIC, VALUE_FULL, VALUE_PARTIAL, VALUE_FULL_ALIGN64, VALUE_PARTIAL_ALIGN64 };

static void put_data(struct answer *answer, size_t at, const struct zw_value *value)
{
    if (value->bytes > 0) {
        ex_copy(answer->memory + at, value->data, value->bytes);
    }
}

static bool value_information(struct answer *answer, const struct zw_value *value, uint32_t kind)
{
    size_t data_at;

    switch (kind) {
    case VALUE_BASIC:
        *answer = answer_new(12, value->name.Length);
        put32(answer, 4, value->type);
        put32(answer, 8, value->name.Length);
        put_string(answer, 12, &value->name);
        return true;
    case VALUE_FULL:
        data_at = 20u + (value->name.Length + 3u) / 4 * 4;
        *answer = answer_new(20, data_at - 20 + value->bytes);
        put32(answer, 4, value->type);
        put32(answer, 8, (uint32_t)data_at);
        put32(answer, 12, value->bytes);
        put32(answer, 16, value->name.Length);
        put_string(answer, 20, &value->name);
        put_data(answer, data_at, value);
        return true;
    case VALUE_PARTIAL:
        *answer = answer_new(12, value->bytes);
        put32(answer, 4, value->type);
        put32(answer, 8, value->bytes);
        put_data(answer, 12, value);
        return true;
    case VALUE_PARTIAL_ALIGN64:
        *answer = answer_new(8, value->bytes);
        put32(answer, 0, value->type);
        put32(answer, 4, value->bytes);
        put_data(answer, 8, value);
        return true;
    default:
        return false;
    }
}

static ntstatus ZwQueryValueKey(uint64_t handle, const struct unicode_string *guest, uint32_t kind,
                                void *out, uint32_t room, uint32_t *needed)
{
    struct unicode_string name;
    const struct zw_value *value;
    struct answer answer;
    struct zw_key *key;
    ntstatus status = zw_key_of_handle(handle, &key);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    name = zw_capture_string(guest);
    value = zw_value_find(key, &name);
    ex_heap_give(name.Buffer);
    if (value == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return value_information(&answer, value, kind) ? answer_give(&answer, out, room, needed)
                                                   : STATUS_INVALID_PARAMETER;
}

static ntstatus ZwEnumerateValueKey(uint64_t handle, uint32_t index, uint32_t kind, void *out,
                                    uint32_t room, uint32_t *needed)
{
    const struct zw_value *value;
    struct answer answer;
    struct zw_key *key;
    ntstatus status = zw_key_of_handle(handle, &key);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    for (value = key->values; value != NULL && index > 0; index--) {
        value = value->next;
    }
    if (value == NULL) {
        return STATUS_NO_MORE_ENTRIES;
    }
    return value_information(&answer, value, kind) ? answer_give(&answer, out, room, needed)
                                                   : STATUS_INVALID_PARAMETER;
}

#define VALUE_BYTES_MAX 0x100000u /* one MiB: what the documents allow a value */

static ntstatus ZwSetValueKey(uint64_t handle, const struct unicode_string *guest, uint32_t title,
                              uint32_t type, const void *data, uint32_t bytes)
{
    struct unicode_string name;
    struct zw_key *key;
    ntstatus status = zw_key_of_handle(handle, &key);

    (void)title;
    if (status != STATUS_SUCCESS) {
        return status;
    }
    if (bytes > VALUE_BYTES_MAX) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    machine_touch((uint64_t)data, bytes, PAGER_READ);
    name = zw_capture_string(guest);
    zw_value_set(key, &name, type, data, bytes);
    ex_heap_give(name.Buffer);
    return STATUS_SUCCESS;
}

static ntstatus ZwDeleteValueKey(uint64_t handle, const struct unicode_string *guest)
{
    struct unicode_string name;
    struct zw_key *key;
    ntstatus status = zw_key_of_handle(handle, &key);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    name = zw_capture_string(guest);
    status = zw_value_delete(key, &name) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
    ex_heap_give(name.Buffer);
    return status;
}

NT_CALL3(ZwOpenKey, uint64_t *, uint32_t, const struct object_attributes *)
NT_CALL4(ZwOpenKeyEx, uint64_t *, uint32_t, const struct object_attributes *, uint32_t)
NT_CALL7(ZwCreateKey, uint64_t *, uint32_t, const struct object_attributes *, uint32_t,
         const struct unicode_string *, uint32_t, uint32_t *)
NT_CALL1(ZwDeleteKey, uint64_t)
NT_CALL1(ZwFlushKey, uint64_t)
NT_CALL5(ZwQueryKey, uint64_t, uint32_t, void *, uint32_t, uint32_t *)
NT_CALL6(ZwEnumerateKey, uint64_t, uint32_t, uint32_t, void *, uint32_t, uint32_t *)
NT_CALL6(ZwQueryValueKey, uint64_t, const struct unicode_string *, uint32_t, void *, uint32_t,
         uint32_t *)
NT_CALL6(ZwEnumerateValueKey, uint64_t, uint32_t, uint32_t, void *, uint32_t, uint32_t *)
NT_CALL6(ZwSetValueKey, uint64_t, const struct unicode_string *, uint32_t, uint32_t, const void *,
         uint32_t)
NT_CALL2(ZwDeleteValueKey, uint64_t, const struct unicode_string *)
