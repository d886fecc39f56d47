/* SPDX-License-Identifier: MIT */
/*
 * The registry by paths relative to well-known keys, and RtlQueryRegistryValues, which walks a
 * table of the driver's.
 *
 * Names and data that a query routine gets lie in paged pool of this call's own.
 */
#include "nt/ex.h"

#include <string.h>

enum {
    RELATIVE_ABSOLUTE,
    RELATIVE_SERVICES,
    RELATIVE_CONTROL,
    RELATIVE_WINDOWS_NT,
    RELATIVE_DEVICEMAP,
    RELATIVE_USER,
    RELATIVE_COUNT,
    RELATIVE_MASK = 0xff
};
#define RELATIVE_HANDLE   0x40000000u
#define RELATIVE_OPTIONAL 0x80000000u

static const char *const bases[RELATIVE_COUNT] = {
    [RELATIVE_SERVICES] = "\\Registry\\Machine\\System\\CurrentControlSet\\Services",
    [RELATIVE_CONTROL] = "\\Registry\\Machine\\System\\CurrentControlSet\\Control",
    [RELATIVE_WINDOWS_NT] = "\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
    [RELATIVE_DEVICEMAP] = "\\Registry\\Machine\\Hardware\\DeviceMap",
    [RELATIVE_USER] = "\\Registry\\User\\.Default"};

/* The key that (RelativeTo, Path) names. */
static ntstatus key_of_path(uint32_t relative, uint64_t path, bool create, struct zw_key **key)
{
    struct unicode_string name;
    struct zw_key *from = NULL;
    size_t units;
    bool created;
    ntstatus status;

    if (relative & RELATIVE_HANDLE) {
        return zw_key_of_handle(path, key);
    }
    relative &= RELATIVE_MASK;
    if (relative >= RELATIVE_COUNT) {
        return STATUS_INVALID_PARAMETER;
    }
    if (relative != RELATIVE_ABSOLUTE) {
        from = zw_registry_key(bases[relative], true);
    }
    units = path == 0 ? 0 : rtl_touch_wide(machine_pointer(path));
    if (units > UINT16_MAX / 2u) {
        return STATUS_NAME_TOO_LONG;
    }
    name = (struct unicode_string){(uint16_t)(units * 2), (uint16_t)(units * 2),
                                   ex_heap_take(units * 2 + 2)};
    ex_copy(name.Buffer, machine_pointer(path), units * 2);
    status = zw_key_walk(from, &name, create, key, &created);
    ex_heap_give(name.Buffer);
    return status;
}

static struct unicode_string value_name(const uint16_t *name)
{
    size_t units = name == NULL ? 0 : rtl_touch_wide(name);

    return (struct unicode_string){(uint16_t)(units * 2), (uint16_t)(units * 2),
                                   (uint16_t *)(uint64_t)name};
}

static ntstatus RtlCheckRegistryKey(uint32_t relative, uint64_t path)
{
    struct zw_key *key;

    return key_of_path(relative, path, false, &key);
}

static ntstatus RtlCreateRegistryKey(uint32_t relative, uint64_t path)
{
    struct zw_key *key;

    return key_of_path(relative, path, true, &key);
}

static ntstatus RtlWriteRegistryValue(uint32_t relative, uint64_t path, const uint16_t *guest,
                                      uint32_t type, const void *data, uint32_t bytes)
{
    struct unicode_string name = value_name(guest);
    struct zw_key *key;
    ntstatus status;

    machine_touch((uint64_t)data, bytes, PAGER_READ);
    status = key_of_path(relative, path, true, &key);
    if (status == STATUS_SUCCESS) {
        zw_value_set(key, &name, type, data, bytes);
    }
    return status;
}

static ntstatus RtlDeleteRegistryValue(uint32_t relative, uint64_t path, const uint16_t *guest)
{
    struct unicode_string name = value_name(guest);
    struct zw_key *key;
    ntstatus status = key_of_path(relative, path, false, &key);

    if (status == STATUS_SUCCESS && !zw_value_delete(key, &name)) {
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return status;
}

/* ---- RtlQueryRegistryValues ---- */

enum {
    QUERY_SUBKEY = 0x1,
    QUERY_TOPKEY = 0x2,
    QUERY_REQUIRED = 0x4,
    QUERY_NOVALUE = 0x8,
    QUERY_NOEXPAND = 0x10,
    QUERY_DIRECT = 0x20,
    QUERY_DELETE = 0x40,
    QUERY_TYPECHECK = 0x100
};

struct query_table {
    uint64_t QueryRoutine;
    uint32_t Flags;
    const uint16_t *Name;
    uint64_t EntryContext;
    uint32_t DefaultType;
    const void *DefaultData;
    uint32_t DefaultLength;
};
_Static_assert(sizeof(struct query_table) == 56, "RTL_QUERY_REGISTRY_TABLE, wdm.h");

#define QUERY_TAG 0x51676552u /* "RegQ" */

struct query {
    struct zw_key *top, *key; /* NULL: the key does not exist */
    uint64_t context;
    struct query_table entry;
};

/* Data as a query routine or a destination gets it. */
struct datum {
    const struct unicode_string *name;
    uint32_t type, bytes;
    const void *data;
};

static bool is_string(uint32_t type)
{
    return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

/* A value as it is now, whatever a query routine then does to the key. */
static struct datum copy_value(const struct unicode_string *name, const struct zw_value *value)
{
    struct datum datum = {name, value->type, value->bytes, NULL};
    void *copy = ex_heap_take(value->bytes + 1u);

    ex_copy(copy, value->data, value->bytes);
    datum.data = copy;
    return datum;
}

/* A copy in paged pool; 0 when there is none left. */
static uint64_t lend(const void *data, size_t bytes, size_t terminator)
{
    uint64_t memory = ex_pool_take(POOL_PAGED, bytes + terminator, QUERY_TAG, 0);

    if (memory != 0) {
        machine_touch(memory, bytes + terminator, PAGER_WRITE);
        if (bytes > 0) {
            ex_copy(machine_pointer(memory), data, bytes);
        }
        memset(machine_pointer(memory + bytes), 0, terminator);
    }
    return memory;
}

static ntstatus call_routine(const struct query *query, const struct datum *datum)
{
    uint64_t name = lend(datum->name->Buffer, datum->name->Length, 2);
    uint64_t data = datum->data == NULL ? 0 : lend(datum->data, datum->bytes, 0);
    ntstatus status = STATUS_INSUFFICIENT_RESOURCES;

    if (name != 0 && (data != 0 || datum->data == NULL)) {
        status = (ntstatus)MACHINE_CALL(query->entry.QueryRoutine, name, datum->type, data,
                                        datum->bytes, query->context, query->entry.EntryContext);
    }
    if (name != 0) {
        ex_pool_free(name);
    }
    if (data != 0) {
        ex_pool_free(data);
    }
    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : status;
}

/* Units of the string at the start of a datum, without its terminator. */
static size_t string_units(const uint8_t *data, size_t bytes)
{
    size_t n = 0;
    uint16_t unit;

    for (; (n + 1) * 2 <= bytes; n++) {
        ex_copy(&unit, data + n * 2, sizeof unit);
        if (unit == 0) {
            break;
        }
    }
    return n;
}

/* A list of strings is one call for each; they end with an empty one. */
static ntstatus call_for_each(const struct query *query, const struct datum *datum)
{
    const uint8_t *at = datum->data;
    size_t left = datum->bytes;
    ntstatus status = STATUS_SUCCESS;

    while (left >= 2 && status == STATUS_SUCCESS) {
        size_t bytes = string_units(at, left) * 2;
        struct datum one = {datum->name, REG_SZ, (uint32_t)bytes + 2, at};

        if (bytes == 0 || bytes + 2 > left) {
            break;
        }
        status = call_routine(query, &one);
        at += bytes + 2;
        left -= bytes + 2;
    }
    return status;
}

static ntstatus store_string(struct unicode_string *to, const struct datum *datum)
{
    size_t bytes = datum->type == REG_MULTI_SZ ? datum->bytes & ~1u
                                               : string_units(datum->data, datum->bytes) * 2;

    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    if (bytes > UINT16_MAX - 3u) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (to->Buffer == NULL) {
        uint64_t memory = lend(datum->data, bytes, 2);

        if (memory == 0) {
            return STATUS_NO_MEMORY;
        }
        *to = (struct unicode_string){(uint16_t)bytes, (uint16_t)(bytes + 2),
                                      machine_pointer(memory)};
        return STATUS_SUCCESS;
    }
    if (bytes + 2 > to->MaximumLength) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    machine_touch((uint64_t)to->Buffer, bytes + 2, PAGER_WRITE);
    ex_copy(to->Buffer, datum->data, bytes);
    memset((uint8_t *)to->Buffer + bytes, 0, 2);
    to->Length = (uint16_t)bytes;
    return STATUS_SUCCESS;
}

/* More than four bytes: the destination begins with its size; negative: data only. */
static ntstatus store_binary(uint64_t to, const struct datum *datum)
{
    int32_t size;
    uint32_t header[2] = {datum->bytes, datum->type};

    machine_touch(to, sizeof size, PAGER_WRITE);
    ex_copy(&size, machine_pointer(to), sizeof size);
    if (size < 0) {
        if (datum->bytes > 0u - (uint32_t)size) {
            return STATUS_BUFFER_TOO_SMALL;
        }
        machine_touch(to, datum->bytes, PAGER_WRITE);
        ex_copy(machine_pointer(to), datum->data, datum->bytes);
        return STATUS_SUCCESS;
    }
    if (datum->bytes + sizeof header > (uint32_t)size) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    machine_touch(to, datum->bytes + sizeof header, PAGER_WRITE);
    ex_copy(machine_pointer(to), header, sizeof header);
    ex_copy(machine_pointer(to + sizeof header), datum->data, datum->bytes);
    return STATUS_SUCCESS;
}

static ntstatus store_direct(const struct query *query, const struct datum *datum)
{
    uint64_t to = query->entry.EntryContext;

    if ((query->entry.Flags & QUERY_TYPECHECK) && query->entry.DefaultType >> 24 != datum->type) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (is_string(datum->type)) {
        return store_string(machine_pointer(to), datum);
    }
    if (datum->bytes <= sizeof(uint32_t)) {
        machine_touch(to, datum->bytes, PAGER_WRITE);
        if (datum->bytes > 0) {
            ex_copy(machine_pointer(to), datum->data, datum->bytes);
        }
        return STATUS_SUCCESS;
    }
    return store_binary(to, datum);
}

static ntstatus deliver(const struct query *query, const struct datum *datum)
{
    bool expand = (query->entry.Flags & QUERY_NOEXPAND) == 0;
    struct datum as_string = *datum;

    if (query->entry.Flags & QUERY_DIRECT) {
        return store_direct(query, datum);
    }
    if (query->entry.QueryRoutine == 0) {
        return STATUS_SUCCESS;
    }
    if (datum->type == REG_MULTI_SZ && expand) {
        return call_for_each(query, datum);
    }
    if (datum->type == REG_EXPAND_SZ && expand) {
        as_string.type = REG_SZ; /* no environment: nothing in it is replaced */
    }
    return call_routine(query, &as_string);
}

/* Bytes of default data whose length was left 0. */
static uint32_t default_length(const struct query_table *entry, uint32_t type)
{
    const uint16_t *data = entry->DefaultData;
    size_t units = 0;

    if (entry->DefaultLength != 0 || data == NULL || !is_string(type)) {
        return entry->DefaultLength;
    }
    if (type != REG_MULTI_SZ) {
        return (uint32_t)(rtl_touch_wide(data) + 1) * 2;
    }
    for (size_t n; (n = rtl_touch_wide(data + units)) > 0;) {
        units += n + 1;
    }
    return (uint32_t)(units + 1) * 2;
}

static ntstatus deliver_default(const struct query *query, const struct unicode_string *name)
{
    const struct query_table *entry = &query->entry;
    uint32_t type = entry->DefaultType & 0xffffffu;
    struct datum datum = {name, type, 0, entry->DefaultData};

    if (entry->Flags & QUERY_REQUIRED) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (type == REG_NONE) {
        return STATUS_SUCCESS;
    }
    datum.bytes = default_length(entry, type);
    machine_touch((uint64_t)datum.data, datum.bytes, PAGER_READ);
    if (!is_string(type) && entry->DefaultLength == 0) {
        return STATUS_SUCCESS; /* a type without data */
    }
    return deliver(query, &datum);
}

static ntstatus query_value(const struct query *query, const struct unicode_string *name)
{
    struct zw_value *value = query->key == NULL ? NULL : zw_value_find(query->key, name);
    struct unicode_string copy = zw_copy_string(name);
    ntstatus status;

    if (value == NULL) {
        status = deliver_default(query, &copy);
    } else {
        struct datum datum = copy_value(&copy, value);

        status = deliver(query, &datum);
        ex_heap_give((void *)datum.data);
        if (status == STATUS_SUCCESS && (query->entry.Flags & QUERY_DELETE)) {
            zw_value_delete(query->key, &copy);
        }
    }
    ex_heap_give(copy.Buffer);
    return status;
}

/* Every value of the key; a routine that changes the key meanwhile is not followed. */
static ntstatus query_all(const struct query *query)
{
    ntstatus status = STATUS_SUCCESS;
    uint32_t count = 0;

    for (const struct zw_value *v = query->key == NULL ? NULL : query->key->values;
         v != NULL && status == STATUS_SUCCESS;) {
        struct unicode_string name = zw_copy_string(&v->name);
        struct datum datum = copy_value(&name, v);

        status = deliver(query, &datum);
        ex_heap_give((void *)datum.data);
        ex_heap_give(name.Buffer);
        count++;
        v = query->key->values;
        for (uint32_t i = 0; v != NULL && i < count; i++) {
            v = v->next;
        }
    }
    return count == 0 && (query->entry.Flags & QUERY_REQUIRED) ? STATUS_OBJECT_NAME_NOT_FOUND
                                                               : status;
}

static ntstatus enter_subkey(struct query *query, const struct unicode_string *name)
{
    struct zw_key *key = NULL;
    bool created;

    if (query->top != NULL &&
        zw_key_walk(query->top, name, false, &key, &created) != STATUS_SUCCESS) {
        key = NULL;
    }
    query->key = key;
    if (key == NULL) {
        return query->entry.Flags & QUERY_REQUIRED ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
    }
    return query->entry.QueryRoutine != 0 ? query_all(query) : STATUS_SUCCESS;
}

static ntstatus query_entry(struct query *query)
{
    static const struct unicode_string no_name = {0, 0, NULL};
    struct unicode_string name = value_name(query->entry.Name);
    struct datum nothing = {&name, REG_NONE, 0, NULL};

    if (query->entry.Flags & QUERY_TOPKEY) {
        query->key = query->top;
    }
    if (query->entry.Flags & QUERY_SUBKEY) {
        return query->entry.Name == NULL ? STATUS_INVALID_PARAMETER : enter_subkey(query, &name);
    }
    if (query->entry.Flags & QUERY_NOVALUE) {
        nothing.name = query->entry.Name == NULL ? &no_name : &name;
        return query->entry.QueryRoutine == 0 ? STATUS_SUCCESS : call_routine(query, &nothing);
    }
    if (query->entry.Name == NULL) {
        return query_all(query);
    }
    return query_value(query, &name);
}

static ntstatus RtlQueryRegistryValues(uint32_t relative, uint64_t path,
                                       const struct query_table *table, uint64_t context,
                                       uint64_t environment)
{
    struct query query = {.context = context};
    ntstatus status = key_of_path(relative, path, false, &query.top);

    (void)environment;
    if (status != STATUS_SUCCESS) {
        if (!(relative & RELATIVE_OPTIONAL)) {
            return status;
        }
        query.top = NULL;
        status = STATUS_SUCCESS;
    }
    query.key = query.top;
    for (; status == STATUS_SUCCESS; table++) {
        machine_touch((uint64_t)table, sizeof *table, PAGER_READ);
        ex_copy(&query.entry, table, sizeof query.entry);
        if (query.entry.QueryRoutine == 0 && query.entry.Name == NULL) {
            break;
        }
        if ((query.entry.Flags & QUERY_DIRECT) &&
            (query.entry.QueryRoutine != 0 || query.entry.Name == NULL ||
             (query.entry.Flags & QUERY_SUBKEY))) {
            return STATUS_INVALID_PARAMETER;
        }
        status = query_entry(&query);
    }
    return status;
}

NT_CALL2(RtlCheckRegistryKey, uint32_t, uint64_t)
NT_CALL2(RtlCreateRegistryKey, uint32_t, uint64_t)
NT_CALL6(RtlWriteRegistryValue, uint32_t, uint64_t, const uint16_t *, uint32_t, const void *,
         uint32_t)
NT_CALL3(RtlDeleteRegistryValue, uint32_t, uint64_t, const uint16_t *)
NT_CALL5(RtlQueryRegistryValues, uint32_t, uint64_t, const struct query_table *, uint64_t, uint64_t)
