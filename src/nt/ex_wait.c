/* SPDX-License-Identifier: MIT */
/*
 * Threads that wait for something of the system's own: resources, rundown protection, work.  Who
 * was first in a queue is woken first.
 */
#include "nt/ex.h"

uint64_t ex_current_thread(void)
{
    struct thread *thread = machine_thread();

    return thread == NULL ? 0 : ke_thread_object(thread);
}

void ex_wait(struct ex_wait_queue *queue, uint64_t mode)
{
    struct ex_waiter waiter = {.thread = machine_thread(), .mode = mode};

    PG_ASSERT(waiter.thread != NULL);
    if (machine_irql() >= DISPATCH_LEVEL || machine_in_dpc()) {
        machine_bugcheck(0xB8, ex_current_thread(), 0, 0, 0,
                         "a thread was to wait at DISPATCH_LEVEL or above");
    }
    *(queue->last != NULL ? &queue->last->next : &queue->first) = &waiter;
    /* cppcheck-suppress autoVariables ; the waiter leaves the queue before this function does */
    queue->last = &waiter;
    queue->count++;
    while (!waiter.woken) {
        machine_thread_wait();
    }
}

bool ex_wake(struct ex_wait_queue *queue)
{
    struct ex_waiter *waiter = queue->first;

    if (waiter == NULL) {
        return false;
    }
    queue->first = waiter->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->count--;
    waiter->woken = true;
    machine_thread_ready(waiter->thread);
    return true;
}

void ex_set_event(struct kevent *event)
{
    uint8_t old = machine_irql();

    if (old < DISPATCH_LEVEL) {
        machine_raise_quietly(DISPATCH_LEVEL);
    }
    machine_touch((uint64_t)event, sizeof *event, PAGER_WRITE);
    event->Header.SignalState = 1;
    ke_signal((uint64_t)event);
    machine_lower(old);
}
