/* SPDX-License-Identifier: MIT */
/*
 * System worker threads.
 *
 * Each queue is served by threads of its own, made when work comes in and none of them is idle, up
 * to a limit; so one routine that waits for another does not stop the queue.  An idle worker does
 * not count as a thread that waits for ever.
 */
#include "nt/ex.h"

#include <stdio.h>

#define WORKERS_MAX 8u /* per queue */

struct work_queue {
    struct ex_work *first, *last;
    struct ex_wait_queue idle;
    uint32_t workers;
};

struct work_state {
    struct work_queue queues[EX_WORK_QUEUES];
};
static struct work_state *state;

static struct ex_work *take(struct work_queue *queue)
{
    struct ex_work *work = queue->first;

    queue->first = work->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    return work;
}

static void worker_main(void *argument)
{
    struct work_queue *queue = argument;

    for (;;) {
        while (queue->first != NULL) {
            struct ex_work *work = take(queue);

            work->run(work);
        }
        machine_thread()->system = true;
        ex_wait(&queue->idle, 0);
        machine_thread()->system = false;
    }
}

void ex_work_queue(enum ex_work_queue which, struct ex_work *work)
{
    struct work_queue *queue;

    if (state == NULL) {
        state = machine_allocate(sizeof *state);
    }
    queue = &state->queues[which];
    work->next = NULL;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = work;
    queue->last = work;
    if (!ex_wake(&queue->idle) && queue->workers < WORKERS_MAX &&
        ke_thread_new(worker_main, queue) != NULL) {
        queue->workers++;
    }
}

/* ---- work items of drivers ---- */

static void run_item(struct ex_work *work)
{
    struct work_queue_item *item = work->context;
    uint64_t routine, parameter;

    ex_heap_give(work);
    /* From here on the item is the driver's again: its routine may free it. */
    machine_touch((uint64_t)item, sizeof *item, PAGER_WRITE);
    routine = (uint64_t)item->WorkerRoutine;
    parameter = (uint64_t)item->Parameter;
    item->List.Flink = NULL;
    MACHINE_CALL(routine, parameter);
    if (machine_irql() != PASSIVE_LEVEL) {
        machine_bugcheck(0xE1, routine, machine_irql(), parameter, (uint64_t)item,
                         "the routine of a work item returned at raised IRQL");
    }
}

/* Types of the old enumeration; the rest are priorities of the custom queue. */
static enum ex_work_queue queue_of(uint32_t type)
{
    return type < EX_WORK_QUEUES ? (enum ex_work_queue)type : EX_WORK_DELAYED;
}

static void ExQueueWorkItem(struct work_queue_item *item, uint32_t type)
{
    struct ex_work *work;

    machine_touch((uint64_t)item, sizeof *item, PAGER_WRITE);
    if (item->List.Flink != NULL) {
        machine_bugcheck(0xE4, 1, (uint64_t)item, 0, 0,
                         "a work item was queued that is queued already, or was not initialized");
    }
    item->List.Flink = &item->List;
    work = ex_heap_take(sizeof *work);
    *work = (struct ex_work){.run = run_item, .context = item};
    ex_work_queue(queue_of(type), work);
}

NT_VOID2(ExQueueWorkItem, struct work_queue_item *, uint32_t)
