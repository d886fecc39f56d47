/* SPDX-License-Identifier: MIT */
/* Events, semaphores and mutexes. */
#include "nt/ke.h"

#include <string.h>

static void set_header(struct dispatcher_header *header, uint8_t type, size_t bytes, int32_t state)
{
    memset(header, 0, sizeof *header);
    header->Type = type;
    header->Size = (uint8_t)(bytes / sizeof(int32_t));
    header->SignalState = state;
    header->WaitListHead.Flink = &header->WaitListHead;
    header->WaitListHead.Blink = &header->WaitListHead;
}

/* ---- events ---- */

void ke_event_init(struct kevent *event, uint32_t type, bool signalled)
{
    machine_touch((uint64_t)event, sizeof *event, PAGER_WRITE);
    set_header(&event->Header, type == 0 ? EventNotificationObject : EventSynchronizationObject,
               sizeof *event, signalled);
}

static void KeInitializeEvent(struct kevent *event, uint32_t type, uint8_t signalled)
{
    ke_event_init(event, type, signalled != 0);
}

static int32_t KeSetEvent(struct kevent *event, int32_t increment, uint8_t wait)
{
    uint8_t irql = ke_lock((uint64_t)event, sizeof *event);
    int32_t old = event->Header.SignalState;

    (void)increment;
    event->Header.SignalState = 1;
    ke_signal((uint64_t)event);
    ke_unlock_wait(irql, wait != 0);
    return old;
}

static int32_t KePulseEvent(struct kevent *event, int32_t increment, uint8_t wait)
{
    uint8_t irql = ke_lock((uint64_t)event, sizeof *event);
    int32_t old = event->Header.SignalState;

    (void)increment;
    event->Header.SignalState = 1;
    ke_signal((uint64_t)event);
    event->Header.SignalState = 0;
    ke_unlock_wait(irql, wait != 0);
    return old;
}

static int32_t KeResetEvent(struct kevent *event)
{
    uint8_t irql = ke_lock((uint64_t)event, sizeof *event);
    int32_t old = event->Header.SignalState;

    event->Header.SignalState = 0;
    ke_unlock(irql);
    return old;
}

static void KeClearEvent(struct kevent *event)
{
    machine_touch((uint64_t)event, sizeof *event, PAGER_WRITE);
    event->Header.SignalState = 0;
}

static int32_t read_state(const struct dispatcher_header *header)
{
    machine_touch((uint64_t)header, sizeof *header, PAGER_READ);
    return header->SignalState;
}

static int32_t KeReadStateEvent(struct kevent *event)
{
    return read_state(&event->Header);
}

NT_VOID3(KeInitializeEvent, struct kevent *, uint32_t, uint8_t)
NT_CALL3(KeSetEvent, struct kevent *, int32_t, uint8_t)
NT_CALL3(KePulseEvent, struct kevent *, int32_t, uint8_t)
NT_CALL1(KeResetEvent, struct kevent *)
NT_VOID1(KeClearEvent, struct kevent *)
NT_CALL1(KeReadStateEvent, struct kevent *)

/* ---- semaphores ---- */

static void KeInitializeSemaphore(struct ksemaphore *semaphore, int32_t count, int32_t limit)
{
    machine_touch((uint64_t)semaphore, sizeof *semaphore, PAGER_WRITE);
    set_header(&semaphore->Header, SemaphoreObject, sizeof *semaphore, count);
    semaphore->Limit = limit;
}

static int32_t KeReleaseSemaphore(struct ksemaphore *semaphore, int32_t increment,
                                  int32_t adjustment, uint8_t wait)
{
    uint8_t irql = ke_lock((uint64_t)semaphore, sizeof *semaphore);
    int32_t old = semaphore->Header.SignalState;
    int64_t now = (int64_t)old + adjustment;

    (void)increment;
    if (now > semaphore->Limit || now < old) {
        machine_bugcheck(0x1E, (uint64_t)(int64_t)(int32_t)0xC0000047u, machine_caller(), 0,
                         (uint64_t)semaphore, "a semaphore was released beyond its limit");
    }
    semaphore->Header.SignalState = (int32_t)now;
    ke_signal((uint64_t)semaphore);
    ke_unlock_wait(irql, wait != 0);
    return old;
}

static int32_t KeReadStateSemaphore(struct ksemaphore *semaphore)
{
    return read_state(&semaphore->Header);
}

NT_VOID3(KeInitializeSemaphore, struct ksemaphore *, int32_t, int32_t)
NT_CALL4(KeReleaseSemaphore, struct ksemaphore *, int32_t, int32_t, uint8_t)
NT_CALL1(KeReadStateSemaphore, struct ksemaphore *)

/* ---- mutexes: signal state 1 free, 0 and below: owned, that many times more ---- */

static void KeInitializeMutex(struct kmutant *mutex, uint32_t level)
{
    (void)level;
    machine_touch((uint64_t)mutex, sizeof *mutex, PAGER_WRITE);
    memset(mutex, 0, sizeof *mutex);
    set_header(&mutex->Header, MutantObject, sizeof *mutex, 1);
    mutex->ApcDisable = 1;
}

static int32_t KeReleaseMutex(struct kmutant *mutex, uint8_t wait)
{
    uint8_t irql = ke_lock((uint64_t)mutex, sizeof *mutex);
    struct ke_thread *current = ke_current();
    int32_t old = mutex->Header.SignalState;

    if ((uint64_t)mutex->OwnerThread != current->object || old > 0) {
        machine_bugcheck(0x1E, (uint64_t)(int64_t)(int32_t)0xC0000046u, machine_caller(), 0,
                         (uint64_t)mutex, "a mutex was released by a thread that does not own it");
    }
    mutex->Header.SignalState = old + 1;
    if (old + 1 == 1) {
        mutex->OwnerThread = NULL;
        current->normal_apc_disable -= mutex->ApcDisable;
        ke_signal((uint64_t)mutex);
    }
    ke_unlock_wait(irql, wait != 0);
    return old;
}

static int32_t KeReadStateMutex(struct kmutant *mutex)
{
    return read_state(&mutex->Header);
}

NT_VOID2(KeInitializeMutex, struct kmutant *, uint32_t)
NT_CALL2(KeReleaseMutex, struct kmutant *, uint8_t)
NT_CALL1(KeReadStateMutex, struct kmutant *)
