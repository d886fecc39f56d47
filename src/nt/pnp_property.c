/* SPDX-License-Identifier: MIT */
/*
 * What drivers ask of a physical device object: its properties, its keys in the registry, and that
 * plug and play look at it again.  Something that is no physical device object is bug check 0xCA,
 * but for IoOpenDeviceRegistryKey, which has a status for it.
 */
#include "nt/pnp_node.h"

#include <stdio.h>

#define BUGCHECK_PNP_DETECTED_FATAL 0xCAu
#define INVALID_PDO                 2u

#define REGKEY_DEVICE  1u
#define REGKEY_DRIVER  2u
#define REGKEY_PROFILE 4u
#define PROFILE_PATH   "\\Registry\\Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current"
#define MACHINE_PATH   "\\Registry\\Machine"

enum {
    DevicePropertyDeviceDescription,
    DevicePropertyHardwareID,
    DevicePropertyCompatibleIDs,
    DevicePropertyBootConfiguration,
    DevicePropertyBootConfigurationTranslated,
    DevicePropertyClassName,
    DevicePropertyClassGuid,
    DevicePropertyDriverKeyName,
    DevicePropertyManufacturer,
    DevicePropertyFriendlyName,
    DevicePropertyLocationInformation,
    DevicePropertyPhysicalDeviceObjectName,
    DevicePropertyBusTypeGuid,
    DevicePropertyLegacyBusType,
    DevicePropertyBusNumber,
    DevicePropertyEnumeratorName,
    DevicePropertyAddress,
    DevicePropertyUINumber,
    DevicePropertyInstallState,
    DevicePropertyRemovalPolicy,
    DevicePropertyResourceRequirements,
    DevicePropertyAllocatedResources,
    DevicePropertyContainerID
};

/* Properties that setup left in the device's key. */
static const char *const values[] = {
    [DevicePropertyDeviceDescription] = "DeviceDesc",
    [DevicePropertyHardwareID] = "HardwareID",
    [DevicePropertyCompatibleIDs] = "CompatibleIDs",
    [DevicePropertyClassName] = "Class",
    [DevicePropertyClassGuid] = "ClassGUID",
    [DevicePropertyDriverKeyName] = "Driver",
    [DevicePropertyManufacturer] = "Mfg",
    [DevicePropertyFriendlyName] = "FriendlyName",
    [DevicePropertyLocationInformation] = "LocationInformation",
    [DevicePropertyContainerID] = "ContainerID",
};

void pnp_no_pdo(uint64_t device, const char *what)
{
    (void)io_device_checked(device);
    machine_bugcheck(BUGCHECK_PNP_DETECTED_FATAL, INVALID_PDO, device, 0, 0, what);
}

static struct pnp_node *node_checked(uint64_t device, const char *what)
{
    struct pnp_node *node = pnp_node_of_pdo(device);

    if (node == NULL) {
        pnp_no_pdo(device, what);
    }
    return node;
}

/* ---- properties ---- */

struct buffer {
    uint64_t address;
    uint32_t bytes;
    uint32_t *needed;
};

static ntstatus give(const struct buffer *to, const void *data, uint32_t bytes)
{
    *to->needed = bytes;
    if (to->bytes < bytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    machine_touch(to->address, bytes, PAGER_WRITE);
    memcpy(machine_pointer(to->address), data, bytes);
    return STATUS_SUCCESS;
}

static ntstatus give_number(const struct buffer *to, uint32_t number)
{
    return give(to, &number, sizeof number);
}

static ntstatus give_value(const struct buffer *to, const struct pnp_node *node, const char *value)
{
    uint16_t units[32];
    struct unicode_string name = rtl_unicode(value, units, sizeof units / sizeof *units);
    const struct zw_key *key = zw_registry_key(node->key, false);
    const struct zw_value *found = key == NULL ? NULL : zw_value_find(key, &name);

    return found == NULL ? STATUS_OBJECT_NAME_NOT_FOUND : give(to, found->data, found->bytes);
}

static ntstatus give_pdo_name(const struct buffer *to, const struct pnp_node *node)
{
    struct unicode_string name = ob_name_of((uint64_t)node->pdo);
    uint16_t units[64] = {0};

    PG_ASSERT(name.Length + 2u <= sizeof units); /* pnp_tree.c made it */
    memcpy(units, name.Buffer, name.Length);
    return give(to, units, name.Length + 2u);
}

static ntstatus give_enumerator(const struct buffer *to, const struct pnp_node *node)
{
    uint16_t units[PNP_ID_MAX + 1] = {0};
    uint32_t count = 0;

    for (; node->id[count] != '\\' && node->id[count] != '\0'; count++) {
        units[count] = (uint8_t)node->id[count];
    }
    return give(to, units, (count + 1) * (uint32_t)sizeof *units);
}

/* A list that nobody has is a property that is not there. */
static ntstatus give_list(const struct buffer *to, void *list, uint32_t bytes)
{
    ntstatus status;

    if (list == NULL) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    status = give(to, list, bytes);
    ex_pool_free((uint64_t)list);
    return status;
}

static ntstatus give_resources(const struct buffer *to, const struct pnp_node *node,
                               bool translated)
{
    uint32_t bytes;
    struct cm_resource_list *list = pnp_resources(node, translated, &bytes);

    return give_list(to, list, bytes);
}

static ntstatus give_requirements(const struct buffer *to, const struct pnp_node *node)
{
    struct io_resource_requirements *list = pnp_requirements(node);

    return give_list(to, list, list == NULL ? 0 : list->ListSize);
}

static ntstatus property(const struct buffer *to, const struct pnp_node *node, uint32_t which)
{
    enum { INSTALLED = 0, EXPECT_NO_REMOVAL = 1 };
    struct pnp_bus_information bus = pnp_bus(node);

    if (which < sizeof values / sizeof *values && values[which] != NULL) {
        return give_value(to, node, values[which]);
    }
    switch (which) {
    case DevicePropertyBootConfiguration:
    case DevicePropertyAllocatedResources:
        return give_resources(to, node, false);
    case DevicePropertyBootConfigurationTranslated:
        return give_resources(to, node, true);
    case DevicePropertyResourceRequirements:
        return give_requirements(to, node);
    case DevicePropertyPhysicalDeviceObjectName:
        return give_pdo_name(to, node);
    case DevicePropertyBusTypeGuid:
        return give(to, &bus.BusTypeGuid, sizeof bus.BusTypeGuid);
    case DevicePropertyLegacyBusType:
        return give_number(to, bus.LegacyBusType);
    case DevicePropertyBusNumber:
        return give_number(to, bus.BusNumber);
    case DevicePropertyEnumeratorName:
        return give_enumerator(to, node);
    case DevicePropertyInstallState:
        return give_number(to, INSTALLED);
    case DevicePropertyRemovalPolicy:
        return give_number(to, EXPECT_NO_REMOVAL);
    case DevicePropertyAddress: /* the bus numbers neither devices nor slots */
    case DevicePropertyUINumber:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    default:
        return STATUS_INVALID_PARAMETER_2;
    }
}

static ntstatus IoGetDeviceProperty(uint64_t device, uint32_t which, uint32_t bytes,
                                    uint64_t buffer, uint32_t *needed)
{
    const struct pnp_node *node =
        node_checked(device, "IoGetDeviceProperty needs a physical device object");

    machine_touch((uint64_t)needed, sizeof *needed, PAGER_WRITE);
    *needed = 0;
    return property(&(struct buffer){buffer, bytes, needed}, node, which);
}

/* ---- keys ---- */

static ntstatus IoOpenDeviceRegistryKey(uint64_t device, uint32_t type, uint32_t access,
                                        uint64_t *handle)
{
    const struct pnp_node *node = pnp_node_of_pdo(io_device_checked(device)->record.address);
    bool driver = (type & ~REGKEY_PROFILE) == REGKEY_DRIVER;
    char path[2 * PNP_PATH_MAX];
    const char *tail;
    struct zw_key *key;

    (void)access;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    *handle = 0;
    if (node == NULL) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!driver && (type & ~REGKEY_PROFILE) != REGKEY_DEVICE) {
        return STATUS_INVALID_PARAMETER;
    }
    tail = driver ? node->driver_key : node->key;
    (void)snprintf(path, sizeof path, "%s%s%s", type & REGKEY_PROFILE ? PROFILE_PATH : "",
                   type & REGKEY_PROFILE ? tail + sizeof MACHINE_PATH - 1 : tail,
                   driver ? "" : "\\Device Parameters");
    key = zw_registry_key(path, true);
    *handle = key == NULL ? 0 : zw_key_handle(key);
    return *handle == 0 ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

/* ---- another look ---- */

static void IoInvalidateDeviceRelations(uint64_t device, uint32_t type)
{
    struct pnp_node *node =
        node_checked(device, "IoInvalidateDeviceRelations needs a physical device object");

    if (type == BusRelations) {
        pnp_later(pnp_query_children, node);
    }
}

static void IoInvalidateDeviceState(uint64_t device)
{
    pnp_later(pnp_query_state,
              node_checked(device, "IoInvalidateDeviceState needs a physical device object"));
}

static void eject(struct pnp_node *node)
{
    if (node->state != PNP_STARTED) {
        return;
    }
    if (!NT_SUCCESS(pnp_remove_orderly(node))) {
        machine_notice("%s was not ejected: its driver refused, or a file on it is open",
                       node->name);
    }
}

static void IoRequestDeviceEject(uint64_t device)
{
    pnp_later(eject, node_checked(device, "IoRequestDeviceEject needs a physical device object"));
}

NT_CALL5(IoGetDeviceProperty, uint64_t, uint32_t, uint32_t, uint64_t, uint32_t *)
NT_CALL4(IoOpenDeviceRegistryKey, uint64_t, uint32_t, uint32_t, uint64_t *)
NT_VOID2(IoInvalidateDeviceRelations, uint64_t, uint32_t)
NT_VOID1(IoInvalidateDeviceState, uint64_t)
NT_VOID1(IoRequestDeviceEject, uint64_t)
