/* SPDX-License-Identifier: MIT */
/*
 * Plug and play notifications: of interfaces that come and go, and of what happens to the device
 * below an open file.  Hardware profiles never change here, so those who ask for that are never
 * called.
 *
 * Callbacks run at PASSIVE_LEVEL: of interfaces in a thread of their own, as its turn comes; of a
 * device in the thread that is about to remove it, which waits for their answers.
 */
#include "nt/pnp_node.h"

#define NOTIFY_TAG IO_TAG('P', 'n', 'N', 't')

enum {
    EventCategoryHardwareProfileChange = 1,
    EventCategoryDeviceInterfaceChange = 2,
    EventCategoryTargetDeviceChange = 3
};
#define INCLUDE_EXISTING_INTERFACES 0x1u

struct notification {
    struct io_record record; /* address: what the driver got */
    struct io_driver *driver;
    uint32_t category;
    uint64_t callback, context;
    struct guid class;        /* of interfaces */
    struct file_object *file; /* of a target device; not referenced, as the driver closes it ... */
    const struct pnp_node *node; /* ... when its device goes.  NULL: no device of plug and play */
};

#define EVENT_GUID(first)                                                                          \
    {                                                                                              \
        first, 0x46f0, 0x11d0,                                                                     \
        {                                                                                          \
            0xb0, 0x8f, 0x00, 0x60, 0x97, 0x13, 0x05, 0x3f                                         \
        }                                                                                          \
    }
static const struct guid interface_arrival = EVENT_GUID(0xcb3a4004);
static const struct guid interface_removal = EVENT_GUID(0xcb3a4005);
static const struct guid target_events[] = {[PNP_QUERY_REMOVE] = EVENT_GUID(0xcb3a4006),
                                            [PNP_REMOVE_CANCELLED] = EVENT_GUID(0xcb3a4007),
                                            [PNP_REMOVE_COMPLETE] = EVENT_GUID(0xcb3a4008)};

/* The next registration after one that may be gone; none made later than the walk began. */
static struct notification *next_after(uint64_t sequence, uint64_t last)
{
    for (struct io_record *r = io_state->notifications.first; r != NULL; r = r->next) {
        if (r->sequence > sequence) {
            return r->sequence > last ? NULL : (struct notification *)r;
        }
    }
    return NULL;
}

/* ---- interfaces ---- */

/* The structure and the link's name, in one block. */
struct interface_block {
    struct device_interface_change change;
    struct unicode_string link;
    uint16_t units[];
};

static void call_interface(const struct notification *notification, const struct pnp_change *change)
{
    size_t bytes = sizeof(struct interface_block) + change->link->Length + 2u;
    struct interface_block *block =
        machine_pointer(ex_pool_take(POOL_PAGED, bytes, NOTIFY_TAG, EX_POOL_ZERO));

    if (block == NULL) {
        return;
    }
    memcpy(block->units, change->link->Buffer, change->link->Length);
    block->link = (struct unicode_string){change->link->Length,
                                          (uint16_t)(change->link->Length + 2), block->units};
    block->change.Version = 1;
    block->change.Size = sizeof block->change;
    block->change.Event = change->arrival ? interface_arrival : interface_removal;
    block->change.InterfaceClassGuid = change->class;
    block->change.SymbolicLinkName = &block->link;
    (void)MACHINE_CALL(notification->callback, (uint64_t)block, notification->context);
    ex_pool_free((uint64_t)block);
}

/* A change that waits for its thread; the link is a copy. */
struct waiting_change {
    struct pnp_change change;
    struct unicode_string link;
};

static void interface_main(void *argument)
{
    struct waiting_change *waiting = argument;
    uint64_t last, sequence = 0;
    struct notification *n;

    pnp_enter();
    last = io_state->sequence;
    while ((n = next_after(sequence, last)) != NULL) {
        sequence = n->record.sequence;
        if (n->category == EventCategoryDeviceInterfaceChange &&
            memcmp(&n->class, &waiting->change.class, sizeof n->class) == 0) {
            call_interface(n, &waiting->change);
        }
    }
    pnp_leave();
    ex_heap_give(waiting->link.Buffer);
    ex_heap_give(waiting);
}

void pnp_notify_interface(const struct pnp_change *change)
{
    struct waiting_change *waiting = ex_heap_take(sizeof *waiting);

    waiting->link = zw_copy_string(change->link);
    waiting->change = *change;
    waiting->change.link = &waiting->link;
    if (ke_thread_new(interface_main, waiting) == NULL) {
        machine_notice("no thread is left to tell drivers of a device interface");
        ex_heap_give(waiting->link.Buffer);
        ex_heap_give(waiting);
    }
}

/* ---- target devices ---- */

ntstatus pnp_notify_target(const struct pnp_node *node, enum pnp_target event)
{
    uint64_t last = io_state->sequence, sequence = 0;
    struct notification *n;
    ntstatus answer = STATUS_SUCCESS;

    while ((n = next_after(sequence, last)) != NULL && NT_SUCCESS(answer)) {
        struct target_device_removal *block;
        ntstatus status;

        sequence = n->record.sequence;
        if (n->category != EventCategoryTargetDeviceChange || n->node != node) {
            continue;
        }
        block = machine_pointer(ex_pool_take(POOL_PAGED, sizeof *block, NOTIFY_TAG, EX_POOL_ZERO));
        if (block == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        block->Version = 1;
        block->Size = sizeof *block;
        block->Event = target_events[event];
        block->FileObject = n->file;
        status = (ntstatus)MACHINE_CALL(n->callback, (uint64_t)block, n->context);
        answer = event == PNP_QUERY_REMOVE ? status : STATUS_SUCCESS;
        ex_pool_free((uint64_t)block);
    }
    return answer;
}

/* A driver's own event; `block` is a copy of its structure, whose file is each listener's. */
static void call_custom(const struct pnp_node *node, struct target_device_custom *block)
{
    uint64_t last = io_state->sequence, sequence = 0;
    struct notification *n;

    while ((n = next_after(sequence, last)) != NULL) {
        sequence = n->record.sequence;
        if (n->category == EventCategoryTargetDeviceChange && n->node == node) {
            block->FileObject = n->file;
            (void)MACHINE_CALL(n->callback, (uint64_t)block, n->context);
        }
    }
}

/* A copy in pool of what a driver wants to tell; a status when it may not. */
static ntstatus copy_custom(const struct target_device_custom *guest,
                            struct target_device_custom **copy)
{
    machine_touch((uint64_t)guest, offsetof(struct target_device_custom, CustomDataBuffer),
                  PAGER_READ);
    if (guest->Version != 1 ||
        guest->Size < offsetof(struct target_device_custom, CustomDataBuffer)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    for (size_t i = 0; i < sizeof target_events / sizeof *target_events; i++) {
        if (memcmp(&guest->Event, &target_events[i], sizeof guest->Event) == 0) {
            return STATUS_INVALID_DEVICE_REQUEST;
        }
    }
    machine_touch((uint64_t)guest, guest->Size, PAGER_READ);
    *copy = machine_pointer(ex_pool_allocate(POOL_NONPAGED, guest->Size, NOTIFY_TAG));
    if (*copy == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(*copy, guest, guest->Size);
    return STATUS_SUCCESS;
}

struct custom {
    const struct pnp_node *node;
    struct target_device_custom *block;
    uint64_t callback, context;
};

static void custom_main(void *argument)
{
    struct custom custom = *(struct custom *)argument;

    ex_heap_give(argument);
    pnp_enter();
    call_custom(custom.node, custom.block);
    pnp_leave();
    ex_pool_free((uint64_t)custom.block);
    if (custom.callback != 0) {
        (void)MACHINE_CALL(custom.callback, custom.context);
    }
}

/* ---- exports ---- */

static struct pnp_node *reported_node(uint64_t pdo)
{
    struct pnp_node *node = pnp_node_of_pdo(pdo);

    if (node == NULL) {
        pnp_no_pdo(pdo, "a change was reported for something that is no physical device object");
    }
    return node;
}

static ntstatus IoReportTargetDeviceChange(uint64_t pdo, const struct target_device_custom *guest)
{
    const struct pnp_node *node = reported_node(pdo);
    struct target_device_custom *block;
    ntstatus status = copy_custom(guest, &block);

    if (status == STATUS_SUCCESS) {
        call_custom(node, block);
        ex_pool_free((uint64_t)block);
    }
    return status;
}

static ntstatus IoReportTargetDeviceChangeAsynchronous(uint64_t pdo,
                                                       const struct target_device_custom *guest,
                                                       uint64_t callback, uint64_t context)
{
    struct custom custom = {.node = reported_node(pdo), .callback = callback, .context = context};
    ntstatus status = copy_custom(guest, &custom.block);
    struct custom *shared;

    if (status != STATUS_SUCCESS) {
        return status;
    }
    shared = ex_heap_take(sizeof *shared);
    *shared = custom;
    if (ke_thread_new(custom_main, shared) == NULL) {
        ex_heap_give(shared);
        ex_pool_free((uint64_t)custom.block);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_PENDING;
}

/* Fills in what a registration is for; false when `data` is not what its category takes. */
static bool describe(struct notification *n, uint64_t data)
{
    switch (n->category) {
    case EventCategoryHardwareProfileChange:
        return true;
    case EventCategoryDeviceInterfaceChange:
        machine_touch(data, sizeof n->class, PAGER_READ);
        memcpy(&n->class, machine_pointer(data), sizeof n->class);
        return true;
    case EventCategoryTargetDeviceChange:
        if (ob_type(data) != OBJECT_FILE) {
            return false;
        }
        n->file = machine_pointer(data);
        n->node = pnp_node_of_stack((uint64_t)n->file->DeviceObject);
        return true;
    default:
        return false;
    }
}

static void call_existing(const struct notification *n)
{
    struct pnp_change change = {.class = n->class, .arrival = true};

    for (uint32_t i = 0; (change.link = pnp_interface_at(&n->class, i)) != NULL; i++) {
        call_interface(n, &change);
    }
}

static ntstatus IoRegisterPlugPlayNotification(uint32_t category, uint32_t flags, uint64_t data,
                                               uint64_t driver, uint64_t callback, uint64_t context,
                                               uint64_t *entry)
{
    struct notification described = {
        .category = category, .callback = callback, .context = context};
    struct notification *n;

    machine_touch((uint64_t)entry, sizeof *entry, PAGER_WRITE);
    *entry = 0;
    if (!describe(&described, data)) {
        return STATUS_INVALID_PARAMETER;
    }
    described.driver = io_driver_find(driver);
    if (described.driver == NULL) {
        machine_bugcheck(0x18, 0, driver, 0, 0,
                         "IoRegisterPlugPlayNotification got something that is no driver object");
    }
    described.record.address = ex_pool_allocate(POOL_NONPAGED, sizeof(uint64_t), NOTIFY_TAG);
    if (described.record.address == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    n = ex_heap_take(sizeof *n);
    *n = described;
    io_table_add(&io_state->notifications, &n->record);
    *entry = n->record.address;
    if (category == EventCategoryDeviceInterfaceChange && (flags & INCLUDE_EXISTING_INTERFACES)) {
        call_existing(n);
    }
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

NT_CALL7(IoRegisterPlugPlayNotification, uint32_t, uint32_t, uint64_t, uint64_t, uint64_t, uint64_t,
         uint64_t *)
NT_CALL1(IoUnregisterPlugPlayNotification, uint64_t)
NT_CALL1(IoUnregisterPlugPlayNotificationEx, uint64_t)
NT_CALL2(IoReportTargetDeviceChange, uint64_t, const struct target_device_custom *)
NT_CALL4(IoReportTargetDeviceChangeAsynchronous, uint64_t, const struct target_device_custom *,
         uint64_t, uint64_t)
