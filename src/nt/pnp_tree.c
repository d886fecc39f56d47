/* SPDX-License-Identifier: MIT */
/*
 * Device nodes: one for each piece of hardware that somebody asked for, and one for each driver
 * whose hardware is not there.  They are never freed; their device objects are.
 *
 * A node's keys in the registry are made with it, as setup leaves them: Enum\<id>\<instance> with
 * description, ids and class, its "Device Parameters" with the name of a port, and the driver's key
 * below Control\Class.  Values that are there already (a scenario's) stay.
 */
#include "nt/disk.h"
#include "nt/pnp_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define ENUM_PATH  "\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\"
#define CLASS_PATH "\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\"
#define UNITS_MAX  512u

struct pnp_state_all *pnp;

void pnp_state_start(void)
{
    pnp = machine_allocate(sizeof *pnp);
}

/* ---- the registry's view of a node ---- */

/* A setup class: which one a device has follows from its id. */
struct setup_class {
    const char *id; /* part of a hardware id */
    const char *name, *guid;
    const char *port, *model; /* of ports: "COM" for hardware "uart1" is COM1 */
};

static const struct setup_class classes[] = {
    {"PNP05", "Ports", "{4d36e978-e325-11ce-bfc1-08002be10318}", "COM", "uart"},
    {"PNP04", "Ports", "{4d36e978-e325-11ce-bfc1-08002be10318}", "LPT", "lpt"},
    {"GenDisk", "DiskDrive", "{4d36e967-e325-11ce-bfc1-08002be10318}", NULL, NULL},
    {"", "Unknown", "{4d36e97e-e325-11ce-bfc1-08002be10318}", NULL, NULL}};

static const struct setup_class *class_of(const char *id)
{
    const struct setup_class *found = classes;

    while (strstr(id, found->id) == NULL) {
        found++;
    }
    return found;
}

static void set_default(const char *path, const char *value, uint32_t type, const void *data,
                        uint32_t bytes)
{
    uint16_t units[UNITS_MAX];
    struct unicode_string name = rtl_unicode(value, units, UNITS_MAX);
    const struct zw_key *key = zw_registry_key(path, true);

    if (key != NULL && zw_value_find(key, &name) == NULL) {
        (void)zw_registry_set(path, value, type, data, bytes);
    }
}

static void set_text(const char *path, const char *value, const char *text)
{
    uint16_t units[UNITS_MAX] = {0};
    struct unicode_string wide = rtl_unicode(text, units, UNITS_MAX - 1);

    set_default(path, value, REG_SZ, wide.Buffer, wide.Length + 2u);
}

/* A list of strings, each terminated, with an empty one at its end. */
static void set_list(const char *path, const char *value, const char *list)
{
    size_t bytes = 1;
    uint16_t *units;

    for (const char *s = list; *s != '\0'; s += strlen(s) + 1) {
        bytes += strlen(s) + 1;
    }
    units = ex_heap_take(bytes * sizeof *units);
    for (size_t i = 0; i + 1 < bytes; i++) {
        units[i] = (uint8_t)list[i];
    }
    set_default(path, value, REG_MULTI_SZ, units, (uint32_t)(bytes * sizeof *units));
    ex_heap_give(units);
}

static void set_port(const struct pnp_node *node, const struct setup_class *class)
{
    char path[PNP_PATH_MAX + 32], text[64];
    unsigned number;

    (void)snprintf(path, sizeof path, "%s\\Device Parameters", node->key);
    (void)zw_registry_key(path, true);
    if (class->port == NULL || node->hardware == NULL ||
        strncmp(node->name, class->model, strlen(class->model)) != 0) {
        return;
    }
    number = (unsigned)strtoul(node->name + strlen(class->model), NULL, 10);
    (void)snprintf(text, sizeof text, "%s%u", class->port, number);
    set_text(path, "PortName", text);
    (void)snprintf(text, sizeof text, "%s (%s%u)", node->hardware->description, class->port,
                   number);
    set_text(node->key, "FriendlyName", text);
}

static void make_keys(struct pnp_node *node, const char *description)
{
    const struct setup_class *class = class_of(node->ids);
    char driver[64];

    (void)snprintf(node->key, sizeof node->key, ENUM_PATH "%s\\%s", node->id, node->instance);
    (void)snprintf(driver, sizeof driver, "%s\\%04u", class->guid, pnp->class_count++);
    (void)snprintf(node->driver_key, sizeof node->driver_key, CLASS_PATH "%s", driver);
    set_text(node->key, "DeviceDesc", description);
    set_list(node->key, "HardwareID", node->ids);
    set_text(node->key, "Class", class->name);
    set_text(node->key, "ClassGUID", class->guid);
    set_text(node->key, "Driver", driver);
    set_text(node->driver_key, "DriverDesc", description);
    set_port(node, class);
}

/* ---- nodes ---- */

static bool start_bus(void)
{
    if (pnp->bus == NULL) {
        pnp->bus = host_driver_new("\\Driver\\PnpManager", pnp_pdo_table);
    }
    return pnp->bus != NULL;
}

/* The number of this node among those with the same id. */
static void count_instance(struct pnp_node *node, const char *format, unsigned first)
{
    for (const struct pnp_node *n = pnp->first; n != NULL; n = n->next) {
        first += strcasecmp(n->id, node->id) == 0;
    }
    (void)snprintf(node->instance, sizeof node->instance, format, first);
}

static bool make_pdo(struct pnp_node *node)
{
    char name[32];

    (void)snprintf(name, sizeof name, "\\Device\\%08x", ++io_state->auto_names);
    node->pdo =
        host_device_new(pnp->bus, name, FILE_DEVICE_UNKNOWN, DO_BUS_ENUMERATED_DEVICE, node);
    return node->pdo != NULL;
}

/* A disk's device is there already, with the system's own driver for it. */
static bool adopt_disk(struct pnp_node *node)
{
    node->pdo = machine_pointer(nt_disk_device(node->hardware));
    node->state = PNP_STARTED;
    return node->pdo != NULL;
}

static struct pnp_node *append(struct pnp_node *node)
{
    io_device_find((uint64_t)node->pdo)->node = node;
    *(pnp->last != NULL ? &pnp->last->next : &pnp->first) = node;
    pnp->last = node;
    return node;
}

static struct pnp_node *node_new(const char *id)
{
    struct pnp_node *node = ex_heap_take(sizeof *node);

    node->power = PowerDeviceD0;
    (void)snprintf(node->id, sizeof node->id, "%s", id);
    return node;
}

struct pnp_node *pnp_node_of(const struct hardware *hardware)
{
    return hardware->nt;
}

struct pnp_node *pnp_node_for(struct hardware *hardware)
{
    struct pnp_node *node = hardware->nt;
    char id[PNP_ID_MAX + 1];

    if (node != NULL) {
        return node;
    }
    if (!start_bus()) {
        return NULL;
    }
    /* An id without an enumerator's name is the root's. */
    (void)snprintf(id, sizeof id, "%s%s", strchr(hardware->ids, '\\') != NULL ? "" : "ROOT\\",
                   hardware->ids);
    node = node_new(id);
    node->hardware = hardware;
    node->ids = hardware->ids;
    node->name = hardware->name;
    if (hardware->block != NULL ? !adopt_disk(node) : !make_pdo(node)) {
        ex_heap_give(node);
        return NULL;
    }
    count_instance(node, "%u", 1);
    hardware->nt = node;
    make_keys(node, hardware->description != NULL ? hardware->description : hardware->name);
    return append(node);
}

static char *copy_list(const char *list)
{
    const char *end = list;

    while (*end != '\0') {
        end += strlen(end) + 1;
    }
    return memcpy(ex_heap_take((size_t)(end - list) + 1), list, (size_t)(end - list) + 1);
}

static char id_character(char c)
{
    if (c >= 'a' && c <= 'z') {
        return (char)(c - 'a' + 'A');
    }
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? c : '_';
}

/* "ROOT\\NAME", and room for a second terminator: a list of one. */
static void root_id(const struct module *module, char *id, size_t size)
{
    size_t at = (size_t)snprintf(id, size, "ROOT\\");

    for (const char *s = module->base_name; *s != '\0' && at + 2 < size; s++) {
        id[at++] = id_character(*s);
    }
    id[at] = '\0';
    id[at + 1] = '\0';
}

struct pnp_node *pnp_node_root(const struct module *module, const char *ids)
{
    char id[64];
    struct pnp_node *node;

    if (!start_bus()) {
        return NULL;
    }
    root_id(module, id, sizeof id);
    node = node_new(id);
    node->ids = copy_list(ids != NULL && *ids != '\0' ? ids : id);
    node->name = ex_heap_string(module->base_name);
    if (!make_pdo(node)) {
        ex_heap_give((void *)node->ids);
        ex_heap_give((void *)node->name);
        ex_heap_give(node);
        return NULL;
    }
    count_instance(node, "%04u", 0);
    make_keys(node, node->name);
    return append(node);
}

/* ---- finding them ---- */

struct pnp_node *pnp_node_of_pdo(uint64_t device)
{
    const struct io_device *record = io_device_find(device);

    /* A device that is gone from its node may still be referenced. */
    return record == NULL || record->node == NULL || (uint64_t)record->node->pdo != device
               ? NULL
               : record->node;
}

struct pnp_node *pnp_node_of_stack(uint64_t device)
{
    return io_device_find(device) == NULL
               ? NULL
               : pnp_node_of_pdo((uint64_t)io_bottom_of_stack(machine_pointer(device)));
}

/* The device above, as far as it is one. */
static const struct device_object *above(const struct device_object *device)
{
    return io_device_find((uint64_t)device->AttachedDevice) == NULL ? NULL : device->AttachedDevice;
}

bool pnp_is_open(const struct pnp_node *node)
{
    const struct device_object *d = node->pdo;

    while (d != NULL && d->ReferenceCount == 0) {
        d = above(d);
    }
    return d != NULL;
}

bool pnp_in_stack(const struct pnp_node *node, const struct module *module)
{
    for (const struct device_object *d = node->pdo; d != NULL; d = above(d)) {
        if (io_device_find((uint64_t)d)->driver->module == module) {
            return true;
        }
    }
    return false;
}

/* ---- from outside ---- */

uint64_t nt_pnp_device(const struct hardware *hardware)
{
    const struct pnp_node *node = pnp_node_of(hardware);
    uint64_t device = node != NULL ? (uint64_t)node->pdo : nt_disk_device(hardware);

    return device == 0 ? 0 : (uint64_t)io_top_of_stack(machine_pointer(device));
}

struct hardware *nt_pnp_hardware(uint64_t device)
{
    const struct pnp_node *node = pnp_node_of_stack(device);

    return node == NULL ? NULL : node->hardware;
}

uint64_t nt_pnp_physical_device(struct hardware *hardware)
{
    const struct pnp_node *node = pnp_node_for(hardware);

    return node == NULL ? 0 : (uint64_t)node->pdo;
}
