/* SPDX-License-Identifier: MIT */
/*
 * Work items of the I/O manager: a routine of a driver, run by a system thread at PASSIVE_LEVEL,
 * with its device or driver object referenced while it is queued and runs.
 */
#include "nt/io.h"

#include <string.h>

#define ITEM_TAG             IO_TAG('I', 'o', 'W', 'i')
#define BUGCHECK_WORKER      0xE4u
#define BUGCHECK_WORKER_IRQL 0xE1u

enum { ITEM_PLAIN, ITEM_EX };

/* A queued item; its address is the item's. */
struct queued {
    struct io_record record;
    struct ex_work work;
};

static void run(struct ex_work *work)
{
    struct queued *queued = work->context;
    struct io_workitem *item = machine_pointer(queued->record.address);
    uint64_t routine = (uint64_t)item->Routine, object = (uint64_t)item->IoObject;
    uint64_t context = (uint64_t)item->Context;

    machine_touch((uint64_t)item, sizeof *item, PAGER_WRITE);
    io_table_remove(&io_state->work_items, &queued->record);
    /* From here on the item is the driver's again: its routine may free it or queue it. */
    if (item->Type == ITEM_EX) {
        MACHINE_CALL(routine, object, context, (uint64_t)item);
    } else {
        MACHINE_CALL(routine, object, context);
    }
    if (machine_irql() != PASSIVE_LEVEL) {
        machine_bugcheck(BUGCHECK_WORKER_IRQL, routine, machine_irql(), context, (uint64_t)item,
                         "the routine of a work item returned at raised IRQL");
    }
    ob_dereference(object);
}

bool io_work_item_at(uint32_t index, uint64_t *routine)
{
    const struct io_record *record = io_state->work_items.first;

    while (record != NULL && index-- > 0) {
        record = record->next;
    }
    if (record == NULL) {
        return false;
    }
    *routine = (uint64_t)((const struct io_workitem *)machine_pointer(record->address))->Routine;
    return true;
}

static enum ex_work_queue queue_of(uint32_t type)
{
    return type == CriticalWorkQueue        ? EX_WORK_CRITICAL
           : type == HyperCriticalWorkQueue ? EX_WORK_HYPER_CRITICAL
                                            : EX_WORK_DELAYED;
}

static bool queue(struct io_workitem *item, uint64_t routine, uint32_t type, uint64_t context,
                  uint32_t kind)
{
    struct queued *queued;

    machine_touch((uint64_t)item, sizeof *item, PAGER_WRITE);
    if (io_table_find(&io_state->work_items, (uint64_t)item) != NULL) {
        return false;
    }
    if (ob_find((uint64_t)item->IoObject) == NULL) {
        machine_bugcheck(BUGCHECK_WORKER, 0, (uint64_t)item, 0, 0,
                         "a work item was queued that is freed, or whose device is deleted");
    }
    item->Routine = machine_pointer(routine);
    item->Context = machine_pointer(context);
    item->Type = kind;
    ob_reference((uint64_t)item->IoObject);
    queued = ex_heap_take(sizeof *queued);
    queued->record.address = (uint64_t)item;
    queued->work = (struct ex_work){.run = run, .context = queued};
    io_table_add(&io_state->work_items, &queued->record);
    ex_work_queue(queue_of(type), &queued->work);
    return true;
}

static void queue_once(struct io_workitem *item, uint64_t routine, uint32_t type, uint64_t context,
                       uint32_t kind)
{
    if (!queue(item, routine, type, context, kind)) {
        machine_bugcheck(BUGCHECK_WORKER, 1, (uint64_t)item, 0, 0,
                         "a work item was queued that is queued already");
    }
}

static void check_idle(const struct io_workitem *item)
{
    if (io_table_find(&io_state->work_items, (uint64_t)item) != NULL) {
        machine_bugcheck(BUGCHECK_WORKER, 2, (uint64_t)item, 0, 0,
                         "a work item was freed while it is queued");
    }
}

/* ---- exports ---- */

static uint32_t IoSizeofWorkItem(void)
{
    return sizeof(struct io_workitem);
}

static void IoInitializeWorkItem(uint64_t object, struct io_workitem *item)
{
    machine_touch((uint64_t)item, sizeof *item, PAGER_WRITE);
    memset(item, 0, sizeof *item);
    item->IoObject = machine_pointer(object);
}

static void IoUninitializeWorkItem(struct io_workitem *item)
{
    machine_touch((uint64_t)item, sizeof *item, PAGER_WRITE);
    check_idle(item);
    item->IoObject = NULL;
}

static struct io_workitem *IoAllocateWorkItem(uint64_t object)
{
    struct io_workitem *item;

    if (io_driver_find(object) == NULL) {
        io_device_checked(object);
    }
    item = machine_pointer(ex_pool_allocate(POOL_NONPAGED, sizeof *item, ITEM_TAG));
    if (item != NULL) {
        item->IoObject = machine_pointer(object);
    }
    return item;
}

static void IoFreeWorkItem(struct io_workitem *item)
{
    machine_touch((uint64_t)item, sizeof *item, PAGER_WRITE);
    check_idle(item);
    item->IoObject = NULL;
    ex_pool_free_checked((uint64_t)item, ITEM_TAG);
}

static void IoQueueWorkItem(struct io_workitem *item, uint64_t routine, uint32_t type,
                            uint64_t context)
{
    queue_once(item, routine, type, context, ITEM_PLAIN);
}

static void IoQueueWorkItemEx(struct io_workitem *item, uint64_t routine, uint32_t type,
                              uint64_t context)
{
    queue_once(item, routine, type, context, ITEM_EX);
}

static uint8_t IoTryQueueWorkItem(struct io_workitem *item, uint64_t routine, uint32_t type,
                                  uint64_t context)
{
    return queue(item, routine, type, context, ITEM_EX);
}

NT_CALL0(uint32_t, IoSizeofWorkItem)
NT_VOID2(IoInitializeWorkItem, uint64_t, struct io_workitem *)
NT_VOID1(IoUninitializeWorkItem, struct io_workitem *)
NT_CALL1(IoAllocateWorkItem, uint64_t)
NT_VOID1(IoFreeWorkItem, struct io_workitem *)
NT_VOID4(IoQueueWorkItem, struct io_workitem *, uint64_t, uint32_t, uint64_t)
NT_VOID4(IoQueueWorkItemEx, struct io_workitem *, uint64_t, uint32_t, uint64_t)
NT_CALL4(IoTryQueueWorkItem, struct io_workitem *, uint64_t, uint32_t, uint64_t)
