/* SPDX-License-Identifier: MIT */
/*
 * Device queues: entries wait in order of arrival or of a key while the device is busy.
 *
 *   not busy --insert: not queued, becomes busy--> busy --remove from an empty queue--> not busy
 */
#include "nt/io.h"

static uint8_t lock(struct kdevice_queue *queue)
{
    machine_touch((uint64_t)queue, sizeof *queue, PAGER_WRITE);
    return ke_acquire_spin_lock(&queue->Lock);
}

static void unlock(struct kdevice_queue *queue, uint8_t irql)
{
    ke_release_spin_lock(&queue->Lock, irql);
}

static struct kdevice_queue_entry *entry_of(struct list_entry *link)
{
    return NT_CONTAINER(link, struct kdevice_queue_entry, DeviceListEntry);
}

/* In front of the first entry with a higher key: equal keys stay in the order of their arrival. */
static void insert_sorted(struct kdevice_queue *queue, struct kdevice_queue_entry *entry)
{
    struct list_entry *at = queue->DeviceListHead.Flink;

    while (at != &queue->DeviceListHead && entry_of(at)->SortKey <= entry->SortKey) {
        at = at->Flink;
    }
    nt_list_append(at, &entry->DeviceListEntry);
}

static bool insert(struct kdevice_queue *queue, struct kdevice_queue_entry *entry, bool sorted)
{
    machine_touch((uint64_t)entry, sizeof *entry, PAGER_WRITE);
    entry->Inserted = queue->Busy;
    if (!queue->Busy) {
        queue->Busy = 1;
    } else if (sorted) {
        insert_sorted(queue, entry);
    } else {
        nt_list_append(&queue->DeviceListHead, &entry->DeviceListEntry);
    }
    return entry->Inserted;
}

static struct kdevice_queue_entry *take(struct kdevice_queue *queue, struct list_entry *link)
{
    if (link == &queue->DeviceListHead) {
        link = queue->DeviceListHead.Flink;
    }
    if (nt_list_empty(&queue->DeviceListHead)) {
        queue->Busy = 0;
        return NULL;
    }
    nt_list_remove(link);
    entry_of(link)->Inserted = 0;
    return entry_of(link);
}

/* The first entry whose key is at least `key`; the head when there is none. */
static struct list_entry *at_key(struct kdevice_queue *queue, uint32_t key)
{
    struct list_entry *link = queue->DeviceListHead.Flink;

    while (link != &queue->DeviceListHead && entry_of(link)->SortKey < key) {
        link = link->Flink;
    }
    return link;
}

bool io_queue_insert(struct kdevice_queue *queue, struct kdevice_queue_entry *entry,
                     const uint32_t *key)
{
    uint8_t irql = lock(queue);
    bool inserted;

    if (key != NULL) {
        entry->SortKey = *key;
    }
    inserted = insert(queue, entry, key != NULL);
    unlock(queue, irql);
    return inserted;
}

struct kdevice_queue_entry *io_queue_remove(struct kdevice_queue *queue, const uint32_t *key)
{
    uint8_t irql = lock(queue);
    struct kdevice_queue_entry *entry =
        take(queue, key == NULL ? &queue->DeviceListHead : at_key(queue, *key));

    unlock(queue, irql);
    return entry;
}

/* ---- exports ---- */

static void KeInitializeDeviceQueue(struct kdevice_queue *queue)
{
    machine_touch((uint64_t)queue, sizeof *queue, PAGER_WRITE);
    queue->Type = DeviceQueueObject;
    queue->Size = sizeof *queue;
    nt_list_init(&queue->DeviceListHead);
    queue->Lock = 0;
    queue->BusyAndHint = 0;
}

static uint8_t KeInsertDeviceQueue(struct kdevice_queue *queue, struct kdevice_queue_entry *entry)
{
    return io_queue_insert(queue, entry, NULL);
}

static uint8_t KeInsertByKeyDeviceQueue(struct kdevice_queue *queue,
                                        struct kdevice_queue_entry *entry, uint32_t key)
{
    machine_touch((uint64_t)entry, sizeof *entry, PAGER_WRITE);
    return io_queue_insert(queue, entry, &key);
}

static struct kdevice_queue_entry *KeRemoveDeviceQueue(struct kdevice_queue *queue)
{
    return io_queue_remove(queue, NULL);
}

static struct kdevice_queue_entry *KeRemoveByKeyDeviceQueue(struct kdevice_queue *queue,
                                                            uint32_t key)
{
    return io_queue_remove(queue, &key);
}

static struct kdevice_queue_entry *KeRemoveByKeyDeviceQueueIfBusy(struct kdevice_queue *queue,
                                                                  uint32_t key)
{
    machine_touch((uint64_t)queue, sizeof *queue, PAGER_WRITE);
    return queue->Busy ? io_queue_remove(queue, &key) : NULL;
}

static uint8_t KeRemoveEntryDeviceQueue(struct kdevice_queue *queue,
                                        struct kdevice_queue_entry *entry)
{
    uint8_t irql = lock(queue), was;

    machine_touch((uint64_t)entry, sizeof *entry, PAGER_WRITE);
    was = entry->Inserted;
    if (was) {
        entry->Inserted = 0;
        nt_list_remove(&entry->DeviceListEntry);
    }
    unlock(queue, irql);
    return was;
}

NT_VOID1(KeInitializeDeviceQueue, struct kdevice_queue *)
NT_CALL2(KeInsertDeviceQueue, struct kdevice_queue *, struct kdevice_queue_entry *)
NT_CALL3(KeInsertByKeyDeviceQueue, struct kdevice_queue *, struct kdevice_queue_entry *, uint32_t)
NT_CALL1(KeRemoveDeviceQueue, struct kdevice_queue *)
NT_CALL2(KeRemoveByKeyDeviceQueue, struct kdevice_queue *, uint32_t)
NT_CALL2(KeRemoveByKeyDeviceQueueIfBusy, struct kdevice_queue *, uint32_t)
NT_CALL2(KeRemoveEntryDeviceQueue, struct kdevice_queue *, struct kdevice_queue_entry *)
