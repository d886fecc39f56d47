/* SPDX-License-Identifier: MIT */
/*
 * Plug and play as drivers ask for it.  This computer has no bus that enumerates: there is no
 * physical device object, no device interface, and nothing ever arrives or leaves.  So
 * notifications may be registered and are never sent, and whatever needs a physical device object
 * gets what Windows gives to any other device: a status where one is documented, else bug check
 * 0xCA.
 */
#include "nt/io.h"

#define NOTIFY_TAG                  IO_TAG('P', 'n', 'N', 't')
#define INTERFACE_TAG               IO_TAG('P', 'n', 'I', 'f')
#define BUGCHECK_PNP_DETECTED_FATAL 0xCAu
#define INVALID_PDO                 2u

enum { EventCategoryHardwareProfileChange = 1, EventCategoryTargetDeviceChange = 3 };

struct notification {
    struct io_record record; /* address: what the driver got */
    struct io_driver *driver;
};

static _Noreturn void no_pdo(uint64_t device, const char *what)
{
    (void)io_device_checked(device);
    machine_bugcheck(BUGCHECK_PNP_DETECTED_FATAL, INVALID_PDO, device, 0, 0, what);
}

/* ---- exports ---- */

static ntstatus IoRegisterPlugPlayNotification(uint32_t category, uint32_t flags, uint64_t data,
                                               uint64_t driver, uint64_t callback, uint64_t context,
                                               uint64_t *entry)
{
    struct notification *notification;
    uint64_t address;

    (void)flags;
    (void)callback;
    (void)context;
    machine_touch((uint64_t)entry, sizeof *entry, PAGER_WRITE);
    *entry = 0;
    if (category < EventCategoryHardwareProfileChange ||
        category > EventCategoryTargetDeviceChange) {
        return STATUS_INVALID_PARAMETER;
    }
    if (category == EventCategoryTargetDeviceChange && ob_type(data) != OBJECT_FILE) {
        return STATUS_INVALID_PARAMETER;
    }
    if (io_driver_find(driver) == NULL) {
        machine_bugcheck(0x18, 0, driver, 0, 0,
                         "IoRegisterPlugPlayNotification got something that is no driver object");
    }
    address = ex_pool_allocate(POOL_NONPAGED, sizeof(uint64_t), NOTIFY_TAG);
    if (address == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    notification = ex_heap_take(sizeof *notification);
    notification->record.address = address;
    notification->driver = io_driver_find(driver);
    io_table_add(&io_state->notifications, &notification->record);
    *entry = address;
    return STATUS_SUCCESS;
}

static ntstatus unregister(uint64_t entry)
{
    struct notification *notification = io_table_find(&io_state->notifications, entry);

    if (notification == NULL) {
        machine_bugcheck(0xC2, 0x7, 0, 0, entry,
                         "a plug and play notification was unregistered that is not registered");
    }
    io_table_remove(&io_state->notifications, &notification->record);
    ex_pool_free(entry);
    return STATUS_SUCCESS;
}

static ntstatus IoUnregisterPlugPlayNotification(uint64_t entry)
{
    return unregister(entry);
}

static ntstatus IoUnregisterPlugPlayNotificationEx(uint64_t entry)
{
    return unregister(entry);
}

uint32_t io_notifications_of(const struct io_driver *driver)
{
    uint32_t count = 0;

    for (const struct io_record *r = io_state->notifications.first; r != NULL; r = r->next) {
        count += ((const struct notification *)r)->driver == driver;
    }
    return count;
}

static ntstatus IoRegisterDeviceInterface(uint64_t device, const struct guid *class,
                                          const struct unicode_string *reference,
                                          struct unicode_string *link)
{
    machine_touch((uint64_t) class, sizeof *class, PAGER_READ);
    machine_touch((uint64_t)link, sizeof *link, PAGER_WRITE);
    if (reference != NULL) {
        rtl_touch_unicode(reference);
    }
    (void)io_device_checked(device);
    return STATUS_INVALID_DEVICE_REQUEST;
}

static ntstatus IoSetDeviceInterfaceState(const struct unicode_string *link, uint8_t enable)
{
    (void)enable;
    rtl_touch_unicode(link);
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

/* A list of no names: one character. */
static ntstatus IoGetDeviceInterfaces(const struct guid *class, uint64_t device, uint32_t flags,
                                      uint16_t **list)
{
    uint64_t memory;

    (void)flags;
    machine_touch((uint64_t) class, sizeof *class, PAGER_READ);
    machine_touch((uint64_t)list, sizeof *list, PAGER_WRITE);
    *list = NULL;
    if (device != 0) {
        (void)io_device_checked(device);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    memory = ex_pool_take(POOL_PAGED, sizeof **list, INTERFACE_TAG, EX_POOL_ZERO);
    if (memory == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *list = machine_pointer(memory);
    return STATUS_SUCCESS;
}

static ntstatus IoOpenDeviceRegistryKey(uint64_t device, uint32_t type, uint32_t access,
                                        uint64_t *handle)
{
    (void)type;
    (void)access;
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    (void)io_device_checked(device);
    return STATUS_INVALID_DEVICE_REQUEST;
}

static ntstatus IoGetDeviceProperty(uint64_t device, uint32_t property, uint32_t bytes,
                                    uint64_t buffer, uint32_t *length)
{
    (void)property;
    (void)bytes;
    (void)buffer;
    (void)length;
    no_pdo(device, "IoGetDeviceProperty needs a physical device object");
}

static void IoInvalidateDeviceRelations(uint64_t device, uint32_t type)
{
    (void)type;
    no_pdo(device, "IoInvalidateDeviceRelations needs a physical device object");
}

static void IoInvalidateDeviceState(uint64_t device)
{
    no_pdo(device, "IoInvalidateDeviceState needs a physical device object");
}

static void IoRequestDeviceEject(uint64_t device)
{
    no_pdo(device, "IoRequestDeviceEject needs a physical device object");
}

NT_CALL7(IoRegisterPlugPlayNotification, uint32_t, uint32_t, uint64_t, uint64_t, uint64_t, uint64_t,
         uint64_t *)
NT_CALL1(IoUnregisterPlugPlayNotification, uint64_t)
NT_CALL1(IoUnregisterPlugPlayNotificationEx, uint64_t)
NT_CALL4(IoRegisterDeviceInterface, uint64_t, const struct guid *, const struct unicode_string *,
         struct unicode_string *)
NT_CALL2(IoSetDeviceInterfaceState, const struct unicode_string *, uint8_t)
NT_CALL4(IoGetDeviceInterfaces, const struct guid *, uint64_t, uint32_t, uint16_t **)
NT_CALL4(IoOpenDeviceRegistryKey, uint64_t, uint32_t, uint32_t, uint64_t *)
NT_CALL5(IoGetDeviceProperty, uint64_t, uint32_t, uint32_t, uint64_t, uint32_t *)
NT_VOID2(IoInvalidateDeviceRelations, uint64_t, uint32_t)
NT_VOID1(IoInvalidateDeviceState, uint64_t)
NT_VOID1(IoRequestDeviceEject, uint64_t)
