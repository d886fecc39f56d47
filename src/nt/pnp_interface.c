/* SPDX-License-Identifier: MIT */
/*
 * Device interfaces: a class (GUID) under which drivers and programs find a device.
 *
 * An interface is registered once for device, class and reference string, and stays registered.
 * While it is enabled its symbolic link leads to the physical device object, so that an open
 * through it reaches the top of the stack; a reference string follows the link as the file's name.
 *
 *   \??\ACPI#PNP0501#1#{4d36e978-...}            the link
 *   \??\ACPI#PNP0501#1#{4d36e978-...}\reference  the interface's name
 */
#include "nt/pnp_node.h"

#include <stdio.h>

#define INTERFACE_TAG     IO_TAG('P', 'n', 'I', 'f')
#define CLASSES_PATH      "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\DeviceClasses\\"
#define INCLUDE_NONACTIVE 0x1u
#define REFERENCE_UNITS   128u
#define GUID_CHARACTERS   38u

struct pnp_interface {
    struct pnp_node *node;
    struct guid class;
    struct unicode_string name;      /* with the reference string */
    struct unicode_string link;      /* its beginning, in the same memory */
    struct unicode_string reference; /* its end, without the backslash */
    bool enabled;
    struct pnp_interface *next; /* in the order of registration */
};

static void guid_text(const struct guid *g, char out[GUID_CHARACTERS + 1])
{
    (void)snprintf(out, GUID_CHARACTERS + 1, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
                   g->Data1, g->Data2, g->Data3, g->Data4[0], g->Data4[1], g->Data4[2], g->Data4[3],
                   g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
}

static bool same_class(const struct pnp_interface *i, const struct guid *class)
{
    return memcmp(&i->class, class, sizeof *class) == 0;
}

/* "ACPI#PNP0501#1#{...}" */
static void instance_text(const struct pnp_node *node, const struct guid *class, char *out,
                          size_t size)
{
    char guid[GUID_CHARACTERS + 1];

    guid_text(class, guid);
    (void)snprintf(out, size, "%s#%s#%s", node->id, node->instance, guid);
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '\\' ? '#' : *c;
    }
}

static struct pnp_interface *find(const struct pnp_node *node, const struct guid *class,
                                  const struct unicode_string *reference)
{
    struct pnp_interface *i = pnp->interfaces;

    while (i != NULL && (i->node != node || !same_class(i, class) ||
                         rtl_compare_unicode(&i->reference, reference, true) != 0)) {
        i = i->next;
    }
    return i;
}

static struct pnp_interface *find_name(const struct unicode_string *name)
{
    struct pnp_interface *i = pnp->interfaces;

    while (i != NULL && rtl_compare_unicode(&i->name, name, true) != 0) {
        i = i->next;
    }
    return i;
}

static struct pnp_interface *interface_new(struct pnp_node *node, const struct guid *class,
                                           const struct unicode_string *reference)
{
    struct pnp_interface *i = ex_heap_take(sizeof *i), **end = &pnp->interfaces;
    char text[PNP_PATH_MAX + 8], instance[PNP_PATH_MAX];
    uint16_t units[PNP_PATH_MAX + 8 + REFERENCE_UNITS];
    size_t count;

    instance_text(node, class, instance, sizeof instance);
    (void)snprintf(text, sizeof text, "\\??\\%s", instance);
    count = rtl_unicode(text, units, PNP_PATH_MAX + 8).Length / 2u;
    i->node = node;
    i->class = *class;
    i->link.Length = (uint16_t)(count * 2);
    if (reference->Length > 0) {
        units[count++] = '\\';
        memcpy(&units[count], reference->Buffer, reference->Length);
        count += reference->Length / 2u;
    }
    i->name = (struct unicode_string){(uint16_t)(count * 2), (uint16_t)(count * 2), units};
    i->name = zw_copy_string(&i->name);
    i->link.Buffer = i->name.Buffer;
    i->reference.Buffer = i->name.Buffer + count - reference->Length / 2u;
    i->reference.Length = reference->Length;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = i;
    return i;
}

const struct unicode_string *pnp_interface_at(const struct guid *class, uint32_t index)
{
    for (const struct pnp_interface *i = pnp->interfaces; i != NULL; i = i->next) {
        if (i->enabled && same_class(i, class) && index-- == 0) {
            return &i->name;
        }
    }
    return NULL;
}

/* ---- on and off ---- */

/* Interfaces that differ in their reference strings only share a link. */
static bool link_in_use(const struct pnp_interface *than)
{
    for (const struct pnp_interface *i = pnp->interfaces; i != NULL; i = i->next) {
        if (i != than && i->enabled && i->node == than->node && same_class(i, &than->class)) {
            return true;
        }
    }
    return false;
}

static ntstatus enable(struct pnp_interface *i)
{
    struct unicode_string target;

    if (i->enabled) {
        return STATUS_OBJECT_NAME_EXISTS;
    }
    if (i->node->pdo == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    target = ob_name_of((uint64_t)i->node->pdo);
    if (!link_in_use(i)) {
        ntstatus status = ob_link(&i->link, &target);

        if (!NT_SUCCESS(status)) {
            return status;
        }
    }
    i->enabled = true;
    pnp_notify_interface(
        &(struct pnp_change){.class = i->class, .link = &i->name, .arrival = true});
    return STATUS_SUCCESS;
}

static ntstatus disable(struct pnp_interface *i)
{
    if (!i->enabled) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    i->enabled = false;
    if (!link_in_use(i)) {
        (void)ob_unlink(&i->link);
    }
    pnp_notify_interface(
        &(struct pnp_change){.class = i->class, .link = &i->name, .arrival = false});
    return STATUS_SUCCESS;
}

void pnp_disable_interfaces(struct pnp_node *node)
{
    for (struct pnp_interface *i = pnp->interfaces; i != NULL; i = i->next) {
        if (i->node == node) {
            (void)disable(i);
        }
    }
}

/* ---- exports ---- */

/* A name for the driver, which frees it: in paged pool, terminated. */
static ntstatus give_name(const struct unicode_string *name, struct unicode_string *out)
{
    uint64_t memory = ex_pool_take(POOL_PAGED, name->Length + 2u, INTERFACE_TAG, EX_POOL_ZERO);

    if (memory == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ex_copy(machine_pointer(memory), name->Buffer, name->Length);
    *out = (struct unicode_string){name->Length, (uint16_t)(name->Length + 2),
                                   machine_pointer(memory)};
    return STATUS_SUCCESS;
}

static bool good_reference(const struct unicode_string *reference)
{
    for (size_t i = 0; i < reference->Length / 2u; i++) {
        if (reference->Buffer[i] == '\\' || reference->Buffer[i] == '/') {
            return false;
        }
    }
    return reference->Length % 2 == 0 && reference->Length / 2u < REFERENCE_UNITS;
}

static ntstatus IoRegisterDeviceInterface(uint64_t device, const struct guid *class,
                                          const struct unicode_string *reference,
                                          struct unicode_string *out)
{
    static const struct unicode_string none;
    struct pnp_node *node;
    struct pnp_interface *i;

    machine_touch((uint64_t) class, sizeof *class, PAGER_READ);
    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    if (reference != NULL) {
        rtl_touch_unicode(reference);
    } else {
        reference = &none;
    }
    node = pnp_node_of_pdo((uint64_t)io_device_checked(device)->record.address);
    if (node == NULL || !good_reference(reference)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    i = find(node, class, reference);
    if (i == NULL) {
        i = interface_new(node, class, reference);
    }
    return give_name(&i->name, out);
}

static ntstatus IoSetDeviceInterfaceState(const struct unicode_string *name, uint8_t on)
{
    struct pnp_interface *i;

    rtl_touch_unicode(name);
    i = find_name(name);
    if (i == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    return on ? enable(i) : disable(i);
}

static bool wanted(const struct pnp_interface *i, const struct guid *class,
                   const struct pnp_node *node, uint32_t flags)
{
    return same_class(i, class) && (node == NULL || i->node == node) &&
           (i->enabled || (flags & INCLUDE_NONACTIVE));
}

/* A list of names, each terminated, with an empty one at its end. */
static ntstatus IoGetDeviceInterfaces(const struct guid *class, uint64_t device, uint32_t flags,
                                      uint16_t **list)
{
    const struct pnp_node *node = NULL;
    size_t units = 1, at = 0;
    uint64_t memory;

    machine_touch((uint64_t) class, sizeof *class, PAGER_READ);
    machine_touch((uint64_t)list, sizeof *list, PAGER_WRITE);
    *list = NULL;
    if (device != 0) {
        node = pnp_node_of_pdo(io_device_checked(device)->record.address);
        if (node == NULL) {
            return STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    for (const struct pnp_interface *i = pnp->interfaces; i != NULL; i = i->next) {
        units += wanted(i, class, node, flags) ? i->name.Length / 2u + 1 : 0;
    }
    memory = ex_pool_take(POOL_PAGED, units * sizeof **list, INTERFACE_TAG, EX_POOL_ZERO);
    if (memory == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *list = machine_pointer(memory);
    for (const struct pnp_interface *i = pnp->interfaces; i != NULL; i = i->next) {
        if (wanted(i, class, node, flags)) {
            memcpy(*list + at, i->name.Buffer, i->name.Length);
            at += i->name.Length / 2u + 1;
        }
    }
    return STATUS_SUCCESS;
}

static ntstatus IoGetDeviceInterfaceAlias(const struct unicode_string *name,
                                          const struct guid *class, struct unicode_string *out)
{
    const struct pnp_interface *i;

    rtl_touch_unicode(name);
    machine_touch((uint64_t) class, sizeof *class, PAGER_READ);
    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    i = find_name(name);
    i = i == NULL ? NULL : find(i->node, class, &i->reference);
    return i == NULL ? STATUS_OBJECT_NAME_NOT_FOUND : give_name(&i->name, out);
}

static ntstatus IoOpenDeviceInterfaceRegistryKey(const struct unicode_string *name, uint32_t access,
                                                 uint64_t *handle)
{
    char guid[GUID_CHARACTERS + 1], instance[PNP_PATH_MAX], path[2 * PNP_PATH_MAX];
    char reference[REFERENCE_UNITS] = "";
    const struct pnp_interface *i;
    struct zw_key *key;

    (void)access;
    rtl_touch_unicode(name);
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    i = find_name(name);
    if (i == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    guid_text(&i->class, guid);
    instance_text(i->node, &i->class, instance, sizeof instance);
    for (size_t u = 0; u < i->reference.Length / 2u; u++) {
        reference[u] = i->reference.Buffer[u] < 0x80 ? (char)i->reference.Buffer[u] : '?';
        reference[u + 1] = '\0';
    }
    (void)snprintf(path, sizeof path, CLASSES_PATH "%s\\##?#%s\\#%s\\Device Parameters", guid,
                   instance, reference);
    key = zw_registry_key(path, true);
    *handle = key == NULL ? 0 : zw_key_handle(key);
    return *handle == 0 ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

NT_CALL4(IoRegisterDeviceInterface, uint64_t, const struct guid *, const struct unicode_string *,
         struct unicode_string *)
NT_CALL2(IoSetDeviceInterfaceState, const struct unicode_string *, uint8_t)
NT_CALL4(IoGetDeviceInterfaces, const struct guid *, uint64_t, uint32_t, uint16_t **)
NT_CALL3(IoGetDeviceInterfaceAlias, const struct unicode_string *, const struct guid *,
         struct unicode_string *)
NT_CALL3(IoOpenDeviceInterfaceRegistryKey, const struct unicode_string *, uint32_t, uint64_t *)
