/* SPDX-License-Identifier: MIT */
/* Threads as NT objects, their priorities, and the processor as drivers ask for it. */
#include "nt/ke.h"

#include <string.h>

struct ke_state *ke_state;

struct ke_thread *ke_current(void)
{
    struct thread *thread = machine_thread();

    PG_ASSERT(thread != NULL && thread->nt != NULL);
    return thread->nt;
}

uint64_t ke_thread_object(struct thread *thread)
{
    return thread->object;
}

struct thread *ke_thread_of(uint64_t object)
{
    struct thread *thread = machine_thread_next(NULL);

    while (thread != NULL && thread->object != object) {
        thread = machine_thread_next(thread);
    }
    return thread;
}

static void init_object(uint64_t object)
{
    struct kthread *kthread = machine_pointer(object);

    kthread->Header.Type = ThreadObject;
    kthread->Header.SignalState = 0;
    kthread->Header.WaitListHead.Flink = &kthread->Header.WaitListHead;
    kthread->Header.WaitListHead.Blink = &kthread->Header.WaitListHead;
}

_Noreturn void ke_thread_exit(int32_t status)
{
    struct ke_thread *current = ke_current();
    struct kthread *kthread = machine_pointer(current->object);

    (void)status;
    if (machine_irql() >= DISPATCH_LEVEL) {
        machine_bugcheck(0x20, 0, 0, machine_irql(), 0, "a thread ended at raised IRQL");
    }
    kthread->Header.SignalState = 1;
    machine_raise_quietly(DISPATCH_LEVEL);
    ke_signal(current->object);
    machine_lower(PASSIVE_LEVEL);
    machine_thread_end();
}

static void ke_thread_main(void *argument)
{
    struct ke_thread *self = argument;

    self->entry(self->argument);
    ke_thread_exit(0);
}

/* Threads that ended give back their stacks and their reference to the object. */
static void reap(void)
{
    struct thread *next;

    for (struct thread *t = machine_thread_next(NULL); t != NULL; t = next) {
        struct ke_thread *k = t->nt;

        next = machine_thread_next(t);
        if (t->state == THREAD_ENDED && t != machine_thread()) {
            machine_thread_release(t);
            k->next_free = ke_state->free_threads;
            ke_state->free_threads = k;
            ob_dereference(k->object);
        }
    }
}

static struct ke_thread *take_structure(void)
{
    struct ke_thread *k = ke_state->free_threads;

    if (k == NULL) {
        return machine_allocate(sizeof *k);
    }
    ke_state->free_threads = k->next_free;
    memset(k, 0, sizeof *k);
    return k;
}

static void attach(struct thread *thread, struct ke_thread *k, uint64_t object)
{
    k->thread = thread;
    k->object = object;
    k->priority = 8;
    init_object(object);
    thread->object = object;
    thread->nt = k;
}

struct thread *ke_thread_new(void (*entry)(void *), void *argument)
{
    struct ke_thread *k;
    struct thread *thread;
    uint64_t object;

    reap();
    object = ob_create(OBJECT_THREAD, sizeof(struct kthread), NULL);
    if (object == 0) {
        return NULL;
    }
    k = take_structure();
    k->entry = entry;
    k->argument = argument;
    thread = machine_thread_new(ke_thread_main, k);
    if (thread == NULL) {
        k->next_free = ke_state->free_threads;
        ke_state->free_threads = k;
        ob_dereference(object);
        return NULL;
    }
    attach(thread, k, object);
    return thread;
}

pg_status ke_start(void)
{
    struct thread *idle = machine_idle_thread();
    uint64_t object = ob_create(OBJECT_THREAD, sizeof(struct kthread), NULL);

    ke_state = machine_allocate(sizeof *ke_state);
    if (object == 0) {
        return PG_E_NO_MEMORY;
    }
    attach(idle, take_structure(), object);
    *(uint8_t *)nt_data("KeNumberProcessors") = 1;
    return PG_OK;
}

/* ---- exports ---- */

static uint64_t KeGetCurrentThread(void)
{
    return machine_thread()->object;
}

/* Priority of a driver's thread, 8 being normal, is the scheduler's too. */
static int32_t KeSetPriorityThread(uint64_t object, int32_t priority)
{
    struct thread *thread = ke_thread_of(object);
    int32_t old;

    if (thread == NULL) {
        return 0;
    }
    old = thread->priority;
    thread->priority = priority;
    return old;
}

static int32_t KeQueryPriorityThread(uint64_t object)
{
    struct thread *thread = ke_thread_of(object);

    return thread == NULL ? 0 : thread->priority;
}

static int32_t KeSetBasePriorityThread(uint64_t object, int32_t increment)
{
    struct thread *thread = ke_thread_of(object);
    int32_t old;

    if (thread == NULL) {
        return 0;
    }
    old = thread->priority - 8;
    thread->priority = 8 + increment;
    return old;
}

static uint32_t KeQueryActiveProcessorCount(uint64_t *affinity)
{
    if (affinity != NULL) {
        machine_touch((uint64_t)affinity, sizeof *affinity, PAGER_WRITE);
        *affinity = 1;
    }
    return 1;
}

static uint32_t KeQueryActiveProcessorCountEx(uint16_t group)
{
    return group == 0 || group == 0xffff;
}

static uint32_t KeQueryMaximumProcessorCount(void)
{
    return 1;
}

static uint64_t KeQueryActiveProcessors(void)
{
    return 1;
}

static uint32_t KeGetCurrentProcessorNumberEx(uint32_t *number)
{
    if (number != NULL) {
        machine_touch((uint64_t)number, sizeof *number, PAGER_WRITE);
        *number = 0; /* group 0, number 0 */
    }
    return 0;
}

NT_CALL0(uint64_t, KeGetCurrentThread)
NT_CALL2(KeSetPriorityThread, uint64_t, int32_t)
NT_CALL1(KeQueryPriorityThread, uint64_t)
NT_CALL2(KeSetBasePriorityThread, uint64_t, int32_t)
NT_CALL1(KeQueryActiveProcessorCount, uint64_t *)
NT_CALL1(KeQueryActiveProcessorCountEx, uint16_t)
NT_CALL0(uint32_t, KeQueryMaximumProcessorCount)
NT_CALL0(uint64_t, KeQueryActiveProcessors)
NT_CALL1(KeGetCurrentProcessorNumberEx, uint32_t *)
