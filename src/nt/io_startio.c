/* SPDX-License-Identifier: MIT */
/*
 * StartIo: one request of a device at a time, in DEVICE_OBJECT.CurrentIrp, the others in its queue.
 * The StartIo routine runs at DISPATCH_LEVEL.
 */
#include "nt/io.h"

static struct irp *irp_of(struct kdevice_queue_entry *entry)
{
    return NT_CONTAINER(entry, struct irp, Tail.Overlay.DeviceQueueEntry);
}

/* At DISPATCH_LEVEL, without the cancel spin lock. */
static void call_start_io(struct io_device *record, struct device_object *device)
{
    struct irp *irp = device->CurrentIrp;

    record->start_io_running = true;
    MACHINE_CALL((uint64_t)device->DriverObject->DriverStartIo, (uint64_t)device, (uint64_t)irp);
    record->start_io_running = false;
}

static void start_next(struct io_device *record, struct device_object *device, bool cancelable,
                       const uint32_t *key)
{
    struct kdevice_queue_entry *entry;
    uint8_t irql = cancelable ? io_cancel_lock() : machine_raise(DISPATCH_LEVEL);

    device->CurrentIrp = NULL;
    entry = io_queue_remove(&device->DeviceQueue, key);
    if (entry != NULL) {
        device->CurrentIrp = irp_of(entry);
        if (cancelable && record->start_io_noncancelable) {
            device->CurrentIrp->CancelRoutine = NULL;
        }
    }
    if (cancelable) {
        io_cancel_unlock(DISPATCH_LEVEL);
    }
    if (entry != NULL) {
        call_start_io(record, device);
    }
    machine_lower(irql);
}

/* A driver that asked for it gets the next packet after its StartIo routine returned, not inside.
 */
static void next_packet(struct device_object *device, bool cancelable, const uint32_t *key)
{
    struct io_device *record = io_device_checked((uint64_t)device);

    if (!record->start_io_deferred) {
        start_next(record, device, cancelable, key);
        return;
    }
    record->start_io_waiting++;
    record->start_io_cancelable = cancelable;
    record->start_io_by_key = key != NULL;
    record->start_io_key = key == NULL ? 0 : *key;
    while (!record->start_io_running && record->start_io_waiting > 0) {
        record->start_io_waiting--;
        start_next(record, device, record->start_io_cancelable,
                   record->start_io_by_key ? &record->start_io_key : NULL);
    }
}

/* What came while StartIo ran. */
static void drain(struct io_device *record, struct device_object *device)
{
    while (record->start_io_deferred && record->start_io_waiting > 0) {
        record->start_io_waiting--;
        start_next(record, device, record->start_io_cancelable,
                   record->start_io_by_key ? &record->start_io_key : NULL);
    }
}

/* Cancelled before it was queued: the cancel routine has it now.  Called with the cancel lock. */
static bool cancelled_while_queued(struct device_object *device, struct irp *irp, uint8_t irql)
{
    void *cancel = irp->CancelRoutine;

    if (!irp->Cancel || cancel == NULL) {
        return false;
    }
    irp->CancelIrql = irql;
    irp->CancelRoutine = NULL;
    /* It releases the lock. */
    MACHINE_CALL_CHANGING_IRQL((uint64_t)cancel, (uint64_t)device, (uint64_t)irp);
    return true;
}

static void IoStartPacket(struct device_object *device, struct irp *irp, const uint32_t *key,
                          uint64_t cancel)
{
    struct io_device *record = io_device_checked((uint64_t)device);
    uint32_t sort = 0;
    uint8_t irql;
    bool queued;

    io_irp_check(irp);
    if (key != NULL) {
        machine_touch((uint64_t)key, sizeof *key, PAGER_READ);
        sort = *key;
    }
    irql = machine_irql();
    if (cancel != 0) {
        irql = io_cancel_lock();
        irp->CancelRoutine = machine_pointer(cancel);
    } else if (irql < DISPATCH_LEVEL) {
        machine_raise(DISPATCH_LEVEL);
    }
    queued = io_queue_insert(&device->DeviceQueue, &irp->Tail.Overlay.DeviceQueueEntry,
                             key == NULL ? NULL : &sort);
    if (queued && cancel != 0 && cancelled_while_queued(device, irp, irql)) {
        return;
    }
    if (!queued) {
        device->CurrentIrp = irp;
        if (cancel != 0 && record->start_io_noncancelable) {
            irp->CancelRoutine = NULL;
        }
    }
    if (cancel != 0) {
        io_cancel_unlock(DISPATCH_LEVEL);
    }
    if (!queued) {
        call_start_io(record, device);
        drain(record, device);
    }
    machine_lower(irql);
}

static void IoStartNextPacket(struct device_object *device, uint8_t cancelable)
{
    next_packet(device, cancelable, NULL);
}

static void IoStartNextPacketByKey(struct device_object *device, uint8_t cancelable, uint32_t key)
{
    next_packet(device, cancelable, &key);
}

static void IoSetStartIoAttributes(struct device_object *device, uint8_t deferred,
                                   uint8_t noncancelable)
{
    struct io_device *record = io_device_checked((uint64_t)device);

    record->start_io_deferred = deferred;
    record->start_io_noncancelable = noncancelable;
}

NT_VOID4(IoStartPacket, struct device_object *, struct irp *, const uint32_t *, uint64_t)
NT_VOID2(IoStartNextPacket, struct device_object *, uint8_t)
NT_VOID3(IoStartNextPacketByKey, struct device_object *, uint8_t, uint32_t)
NT_VOID3(IoSetStartIoAttributes, struct device_object *, uint8_t, uint8_t)
