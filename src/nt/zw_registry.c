/* SPDX-License-Identifier: MIT */
/*
 * The registry: a tree of keys with values, in memory only.  It begins with the keys that drivers
 * expect and nothing in them; whoever loads a driver adds its service key, scenarios add the rest.
 * CurrentControlSet is a link to ControlSet001.
 * Names are compared without regard to case; keys and values keep the order of their creation.
 */
#include "nt/ex.h"

#include <stdio.h>
#include <string.h>

static struct zw_key *root; /* \Registry */

static struct unicode_string copy_string(const uint16_t *units, size_t count)
{
    struct unicode_string copy = {(uint16_t)(count * 2), (uint16_t)(count * 2), NULL};

    if (count > 0) {
        copy.Buffer = memcpy(ex_heap_take(count * 2), units, count * 2);
    }
    return copy;
}

struct unicode_string zw_copy_string(const struct unicode_string *string)
{
    return copy_string(string->Buffer, string->Length / 2u);
}

static void stamp(struct zw_key *key)
{
    key->last_write = MACHINE_BOOT_SYSTEM_TIME + machine_time();
}

/* ---- keys ---- */

/* The child with a name, or what the link with this name leads to. */
static struct zw_key *find_child(const struct zw_key *key, const uint16_t *units, size_t count)
{
    struct zw_key *child = key->children;

    while (child != NULL && rtl_compare_units(child->name.Buffer, child->name.Length / 2u, units,
                                              count, true) != 0) {
        child = child->next;
    }
    return child != NULL && child->link != NULL ? child->link : child;
}

static struct zw_key *add_child(struct zw_key *parent, const uint16_t *units, size_t count)
{
    struct zw_key **end = &parent->children;
    struct zw_key *key = ex_heap_take(sizeof *key);

    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = key;
    key->name = copy_string(units, count);
    key->parent = parent;
    stamp(key);
    stamp(parent);
    return key;
}

/* The next component of a path: skips one backslash; false at the end. */
static bool component(const struct unicode_string *path, size_t *at, const uint16_t **units,
                      size_t *count)
{
    size_t total = path->Length / 2u;

    if (*at < total && path->Buffer[*at] == '\\') {
        ++*at;
    }
    if (*at >= total) {
        return false;
    }
    *units = path->Buffer + *at;
    for (*count = 0; *at < total && path->Buffer[*at] != '\\'; ++*at) {
        ++*count;
    }
    return true;
}

static bool at_end(const struct unicode_string *path, size_t at)
{
    const uint16_t *units;
    size_t count;

    return !component(path, &at, &units, &count);
}

static const uint16_t registry_name[] = {'R', 'e', 'g', 'i', 's', 't', 'r', 'y'};
#define REGISTRY_UNITS (sizeof registry_name / sizeof *registry_name)

ntstatus zw_key_walk(struct zw_key *from, const struct unicode_string *path, bool create,
                     struct zw_key **out, bool *created)
{
    struct zw_key *key = from;
    const uint16_t *units;
    size_t count, at = 0;

    *created = false;
    if (from == NULL) {
        if (path->Length == 0 || path->Buffer[0] != '\\') {
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        }
        if (!component(path, &at, &units, &count) ||
            rtl_compare_units(units, count, registry_name, REGISTRY_UNITS, true) != 0) {
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        key = root;
    } else if (path->Length > 0 && path->Buffer[0] == '\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    while (component(path, &at, &units, &count)) {
        struct zw_key *child = find_child(key, units, count);

        if (child == NULL) {
            if (!create || !at_end(path, at) || count == 0) {
                return STATUS_OBJECT_NAME_NOT_FOUND;
            }
            child = add_child(key, units, count);
            *created = true;
        }
        key = child;
    }
    *out = key;
    return STATUS_SUCCESS;
}

void zw_key_delete(struct zw_key *key)
{
    struct zw_key **link = &key->parent->children;

    PG_ASSERT(!key->deleted && key->children == NULL);
    while (*link != key) {
        link = &(*link)->next;
    }
    *link = key->next;
    stamp(key->parent);
    key->deleted = true;
    if (key->open == 0) {
        zw_key_release(key);
    }
}

/* Of a deleted key that no object stands for any more. */
void zw_key_release(struct zw_key *key)
{
    PG_ASSERT(key->deleted && key->open == 0);
    while (key->values != NULL) {
        zw_value_delete(key, &key->values->name);
    }
    ex_heap_give(key->name.Buffer);
    ex_heap_give(key->class.Buffer);
    ex_heap_give(key);
}

struct unicode_string zw_key_path(const struct zw_key *key)
{
    size_t bytes = 0;
    uint8_t *memory, *at;

    for (const struct zw_key *k = key; k != NULL; k = k->parent) {
        bytes += k->name.Length + 2u;
    }
    memory = ex_heap_take(bytes);
    at = memory + bytes;
    for (const struct zw_key *k = key; k != NULL; k = k->parent) {
        at -= k->name.Length;
        ex_copy(at, k->name.Buffer, k->name.Length);
        at -= 2;
        at[0] = '\\';
    }
    return (struct unicode_string){(uint16_t)bytes, (uint16_t)bytes, (uint16_t *)memory};
}

/* ---- values ---- */

static struct zw_value **value_link(struct zw_key *key, const struct unicode_string *name)
{
    struct zw_value **link = &key->values;

    while (*link != NULL && rtl_compare_unicode(&(*link)->name, name, true) != 0) {
        link = &(*link)->next;
    }
    return link;
}

struct zw_value *zw_value_find(const struct zw_key *key, const struct unicode_string *name)
{
    struct zw_value *value = key->values;

    while (value != NULL && rtl_compare_unicode(&value->name, name, true) != 0) {
        value = value->next;
    }
    return value;
}

void zw_value_set(struct zw_key *key, const struct unicode_string *name, uint32_t type,
                  const void *data, uint32_t bytes)
{
    struct zw_value **link = value_link(key, name);
    void *copy = bytes == 0 ? NULL : memcpy(ex_heap_take(bytes), data, bytes);

    if (*link == NULL) {
        *link = ex_heap_take(sizeof **link);
        (*link)->name = copy_string(name->Buffer, name->Length / 2u);
    } else {
        ex_heap_give((*link)->data);
    }
    (*link)->type = type;
    (*link)->data = copy;
    (*link)->bytes = bytes;
    stamp(key);
}

bool zw_value_delete(struct zw_key *key, const struct unicode_string *name)
{
    struct zw_value **link = value_link(key, name);
    struct zw_value *value = *link;

    if (value == NULL) {
        return false;
    }
    *link = value->next;
    ex_heap_give(value->name.Buffer);
    ex_heap_give(value->data);
    ex_heap_give(value);
    stamp(key);
    return true;
}

/* ---- by path of the system's own ---- */

#define PATH_UNITS 512u

struct zw_key *zw_registry_key(const char *path, bool create)
{
    uint16_t buffer[PATH_UNITS];
    struct unicode_string name = rtl_unicode(path, buffer, PATH_UNITS);
    const uint16_t *units;
    size_t count, at = 0;
    struct zw_key *key = root;

    if (!component(&name, &at, &units, &count) ||
        rtl_compare_units(units, count, registry_name, REGISTRY_UNITS, true) != 0) {
        return NULL;
    }
    while (key != NULL && component(&name, &at, &units, &count)) {
        struct zw_key *child = find_child(key, units, count);

        key = child == NULL && create ? add_child(key, units, count) : child;
    }
    return key;
}

bool zw_registry_set(const char *path, const char *value, uint32_t type, const void *data,
                     uint32_t bytes)
{
    uint16_t buffer[PATH_UNITS];
    struct unicode_string name = rtl_unicode(value, buffer, PATH_UNITS);
    struct zw_key *key = zw_registry_key(path, true);

    if (key == NULL) {
        return false;
    }
    zw_value_set(key, &name, type, data, bytes);
    return true;
}

#define SERVICES "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

static void set_number(struct zw_key *key, const char *value, uint32_t number)
{
    uint16_t buffer[PATH_UNITS];
    struct unicode_string name = rtl_unicode(value, buffer, PATH_UNITS);

    zw_value_set(key, &name, REG_DWORD, &number, sizeof number);
}

void zw_registry_service(const char *service, const char *file)
{
    enum { KERNEL_DRIVER = 1, DEMAND_START = 3, ERROR_NORMAL = 1 };
    char path[PATH_UNITS];
    uint16_t name_buffer[PATH_UNITS], image_buffer[PATH_UNITS];
    struct unicode_string name = rtl_unicode("ImagePath", name_buffer, PATH_UNITS);
    struct unicode_string image;
    struct zw_key *key;

    snprintf(path, sizeof path, SERVICES "%s", service);
    key = zw_registry_key(path, true);
    PG_ASSERT(key != NULL);
    set_number(key, "Type", KERNEL_DRIVER);
    set_number(key, "Start", DEMAND_START);
    set_number(key, "ErrorControl", ERROR_NORMAL);
    snprintf(path, sizeof path, "System32\\drivers\\%s", file);
    image = rtl_unicode(path, image_buffer, PATH_UNITS);
    zw_value_set(key, &name, REG_EXPAND_SZ, image.Buffer, image.Length + 2u);
}

void zw_registry_start(void)
{
    static const char *const keys[] = {
        "\\Registry\\Machine\\System\\ControlSet001\\Services",
        "\\Registry\\Machine\\System\\ControlSet001\\Control\\Class",
        "\\Registry\\Machine\\System\\ControlSet001\\Control\\DeviceClasses",
        "\\Registry\\Machine\\System\\ControlSet001\\Enum",
        "\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
        "\\Registry\\Machine\\Hardware\\DeviceMap",
        "\\Registry\\Machine\\Hardware\\Description\\System",
        "\\Registry\\User\\.Default"};

    root = ex_heap_take(sizeof *root);
    root->name = copy_string(registry_name, REGISTRY_UNITS);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        PG_ASSERT(zw_registry_key(keys[i], true) != NULL);
    }
    zw_registry_key("\\Registry\\Machine\\System\\CurrentControlSet", true)->link =
        zw_registry_key("\\Registry\\Machine\\System\\ControlSet001", false);
}
