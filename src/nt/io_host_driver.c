/* SPDX-License-Identifier: MIT */
/*
 * Drivers of the system itself.
 *
 * Every entry of such a driver's MajorFunction table is the address of IopHostDispatch, a routine
 * inside the pseudo-image, so that a request reaches it like any other: through IofCallDriver, a
 * call of the table's entry, from the I/O manager.  From there the device's driver says which host
 * routine it is.  IopHostCancel is the same for cancellation: which host routine is remembered with
 * the packet's record.
 *
 * What a guest gives to these two is checked as exports check it.
 */
#include "nt/host_driver.h"

#define NAME_UNITS 128u

struct host_driver {
    struct io_driver *driver;
    host_dispatch dispatch[IRP_MJ_MAXIMUM_FUNCTION + 1];
};

/* What the guest sees of it, in one block. */
struct host_block {
    struct driver_object driver;
    struct driver_extension extension;
    uint16_t name[NAME_UNITS];
};

/* ---- making them ---- */

static void on_delete(uint64_t object)
{
    struct io_driver *driver = io_driver_find(object);

    ex_heap_give(driver->host);
    io_table_remove(&io_state->drivers, &driver->record);
}

static void fill(struct host_block *block, const char *name)
{
    struct driver_object *driver = &block->driver;
    uint64_t entry = nt_export_address("IopHostDispatch");

    driver->Type = IO_TYPE_DRIVER;
    driver->Size = sizeof *driver;
    driver->Flags = DRVO_BUILTIN_DRIVER | DRVO_INITIALIZED;
    driver->DriverExtension = &block->extension;
    driver->DriverName = rtl_unicode(name, block->name, NAME_UNITS);
    for (size_t i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        driver->MajorFunction[i] = machine_pointer(entry);
    }
    block->extension.DriverObject = driver;
}

struct host_driver *host_driver_new(const char *name,
                                    const host_dispatch dispatch[IRP_MJ_MAXIMUM_FUNCTION + 1])
{
    struct host_block *block = machine_pointer(ob_create(OBJECT_DRIVER, sizeof *block, on_delete));
    struct host_driver *host;
    struct io_driver *driver;

    if (block == NULL) {
        return NULL;
    }
    fill(block, name);
    host = ex_heap_take(sizeof *host);
    driver = ex_heap_take(sizeof *driver);
    memcpy(host->dispatch, dispatch, sizeof host->dispatch);
    host->driver = driver;
    driver->record.address = (uint64_t)block;
    driver->host = host;
    driver->entered = true;
    io_table_add(&io_state->drivers, &driver->record);
    /* A driver under test may have taken the name; nobody then finds this one by it. */
    (void)ob_name((uint64_t)block, &block->driver.DriverName);
    return host;
}

struct device_object *host_device_new(struct host_driver *driver, const char *name, uint32_t type,
                                      uint32_t flags, void *context)
{
    uint16_t units[NAME_UNITS];
    struct unicode_string wide;
    struct device_object *device;
    ntstatus status;

    if (name != NULL) {
        wide = rtl_unicode(name, units, NAME_UNITS);
    }
    status = io_device_create(machine_pointer(driver->driver->record.address), 0,
                              name == NULL ? NULL : &wide, type, 0, false, &device);
    if (!NT_SUCCESS(status)) {
        return NULL;
    }
    device->Flags = (device->Flags & ~DO_DEVICE_INITIALIZING) | flags;
    io_device_find((uint64_t)device)->host_context = context;
    return device;
}

void *host_device_context(const struct device_object *device)
{
    return io_device_find((uint64_t)device)->host_context;
}

void *host_device_context_of(const struct host_driver *driver, uint64_t device)
{
    const struct io_device *record = io_device_find(device);

    return record == NULL || record->driver != driver->driver ? NULL : record->host_context;
}

void host_device_delete(struct device_object *device)
{
    io_device_delete(device);
}

/* ---- requests ---- */

ntstatus host_complete(struct irp *irp, ntstatus status, uint64_t information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    io_complete_request(irp);
    return status;
}

ntstatus host_pend(struct irp *irp)
{
    io_stack_current(irp)->Control |= SL_PENDING_RETURNED;
    return STATUS_PENDING;
}

/* ---- cancellation ---- */

/* A request that waits with a cancel routine of the host's.  Kept here: an address of the host's
 * code has no place in a packet. */
struct host_pending {
    const struct irp *irp;
    struct device_object *device;
    host_cancel cancel;
    struct host_pending *next;
};

/* Takes the entry of a packet out; false when there is none. */
static bool take_pending(const struct irp *irp, struct host_pending *out)
{
    struct host_pending **link = &io_state->host_pending;
    struct host_pending *pending;

    while (*link != NULL && (*link)->irp != irp) {
        link = &(*link)->next;
    }
    pending = *link;
    if (pending == NULL) {
        return false;
    }
    *out = *pending;
    *link = pending->next;
    ex_heap_give(pending);
    return true;
}

ntstatus host_pend_cancelable(struct irp *irp, host_cancel cancel)
{
    struct host_pending *pending;
    uint8_t irql = io_cancel_lock();

    if (irp->Cancel) {
        io_cancel_unlock(irql);
        return host_complete(irp, STATUS_CANCELLED, 0);
    }
    pending = ex_heap_take(sizeof *pending);
    *pending = (struct host_pending){irp, io_stack_current(irp)->DeviceObject, cancel,
                                     io_state->host_pending};
    io_state->host_pending = pending;
    irp->CancelRoutine = machine_pointer(nt_export_address("IopHostCancel"));
    host_pend(irp);
    io_cancel_unlock(irql);
    return STATUS_PENDING;
}

bool host_pend_end(struct irp *irp)
{
    uint8_t irql = io_cancel_lock();
    struct host_pending pending;
    bool found = take_pending(irp, &pending);

    if (found) {
        irp->CancelRoutine = NULL;
    }
    io_cancel_unlock(irql);
    return found;
}

/* The cancel routine of every such request; called with the cancel spin lock held. */
static void IopHostCancel(const struct device_object *device, struct irp *irp)
{
    struct host_pending pending;

    (void)device; /* what the caller says; the entry knows it */
    io_irp_check(irp);
    if (irp->CancelIrql > DISPATCH_LEVEL || !take_pending(irp, &pending)) {
        machine_bugcheck(0x48, (uint64_t)irp, nt_export_address("IopHostCancel"), 0, 0,
                         "a cancel routine of the system was called for a request that waits "
                         "for nothing");
    }
    io_cancel_unlock(irp->CancelIrql);
    pending.cancel(pending.device, irp);
}

/* ---- the entry of every dispatch table ---- */

/* The packet's current location, or bug check: whoever calls a dispatch routine by hand must have
 * set it up. */
static const struct io_stack_location *location_checked(const struct irp *irp)
{
    const struct io_stack_location *first = (const struct io_stack_location *)(irp + 1);

    io_irp_check(irp);
    if (irp->CurrentLocation < 1 || irp->CurrentLocation > irp->StackCount ||
        io_stack_current(irp) != &first[irp->CurrentLocation - 1]) {
        machine_bugcheck(0x44, (uint64_t)irp, 0, 0, 0,
                         "a dispatch routine of the system was called with a packet that has no "
                         "stack location for it");
    }
    machine_touch((uint64_t)io_stack_current(irp), sizeof(struct io_stack_location), PAGER_WRITE);
    return io_stack_current(irp);
}

static ntstatus IopHostDispatch(struct device_object *device, struct irp *irp)
{
    const struct io_device *record = io_device_checked((uint64_t)device);
    const struct io_stack_location *stack = location_checked(irp);
    const struct host_driver *host = record->driver->host;
    host_dispatch routine = NULL;

    if (host == NULL) {
        machine_bugcheck(0x18, 0, (uint64_t)device, 0, 0,
                         "a dispatch routine of the system was called for another driver's device");
    }
    if (stack->MajorFunction <= IRP_MJ_MAXIMUM_FUNCTION) {
        routine = host->dispatch[stack->MajorFunction];
    }
    if (routine == NULL) {
        return host_complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    return routine(device, irp);
}

NT_VOID2(IopHostCancel, const struct device_object *, struct irp *)
NT_CALL2(IopHostDispatch, struct device_object *, struct irp *)
