/* SPDX-License-Identifier: MIT */
/*
 * Dispatcher objects: waiting and being woken.
 *
 * The signal state of an object is in the driver's memory, as drivers expect; who waits for it is
 * known here only.  Waiters are served in the order in which they began to wait.
 */
#include "nt/ke.h"

#include <string.h>

uint8_t ke_lock(uint64_t object, size_t bytes)
{
    uint8_t old =
        machine_irql() < DISPATCH_LEVEL ? machine_raise_quietly(DISPATCH_LEVEL) : machine_irql();

    if (bytes > 0) {
        machine_touch(object, bytes, PAGER_WRITE);
    }
    return old;
}

void ke_unlock(uint8_t irql)
{
    if (irql < machine_irql()) {
        machine_lower(irql);
    }
}

void ke_unlock_wait(uint8_t irql, bool wait)
{
    struct ke_thread *current;

    if (!wait || machine_in_dpc()) {
        ke_unlock(irql);
        return;
    }
    current = ke_current();
    if (!current->wait_next) { /* a second such call keeps the IRQL of the first */
        current->wait_irql = irql;
    }
    current->wait_next = true;
    machine_counters()->irql_raises++;
    machine_event(EVENT_IRQL, irql, DISPATCH_LEVEL, 0);
    machine_note_irql(irql, DISPATCH_LEVEL);
    machine_trim_by_policy();
}

/* ---- objects ---- */

static struct dispatcher_header *header(uint64_t object)
{
    return machine_pointer(object);
}

static bool is_mutant(uint64_t object)
{
    return (header(object)->Type & 0x7f) == MutantObject;
}

static void touch_object(uint64_t object)
{
    machine_touch(object, sizeof(struct dispatcher_header), PAGER_WRITE);
    if (is_mutant(object)) {
        machine_touch(object, sizeof(struct kmutant), PAGER_WRITE);
    }
}

static bool signalled_for(uint64_t object, const struct ke_thread *waiter)
{
    const struct kmutant *mutant;

    if (!is_mutant(object)) {
        return header(object)->SignalState > 0;
    }
    mutant = machine_pointer(object);
    return mutant->Header.SignalState > 0 || (uint64_t)mutant->OwnerThread == waiter->object;
}

static void take_mutant(struct kmutant *mutant, struct ke_thread *taker)
{
    if (mutant->Header.SignalState == INT32_MIN) {
        machine_bugcheck(0x1E, (uint64_t)(int64_t)(int32_t)0xC0000191u, machine_caller(), 0, 0,
                         "a mutex was acquired too often by its owner");
    }
    if (--mutant->Header.SignalState == 0) {
        mutant->OwnerThread = machine_pointer(taker->object);
        taker->normal_apc_disable += mutant->ApcDisable;
    }
}

/* A satisfied wait consumes the object, as its type says. */
static void take(uint64_t object, struct ke_thread *taker)
{
    switch (header(object)->Type & 0x7f) {
    case EventSynchronizationObject:
    case TimerSynchronizationObject:
        header(object)->SignalState = 0;
        break;
    case SemaphoreObject:
        header(object)->SignalState--;
        break;
    case MutantObject:
        take_mutant(machine_pointer(object), taker);
        break;
    default: /* notification objects and threads stay signalled */
        break;
    }
}

static void check_object(uint64_t object)
{
    switch (header(object)->Type & 0x7f) {
    case EventNotificationObject:
    case EventSynchronizationObject:
    case MutantObject:
    case ProcessObject:
    case SemaphoreObject:
    case ThreadObject:
    case TimerNotificationObject:
    case TimerSynchronizationObject:
        return;
    default:
        machine_bugcheck(0x1E, (uint64_t)(int64_t)(int32_t)0xC0000024u, machine_caller(), 0, object,
                         "a wait for memory that is no initialized dispatcher object");
    }
}

/* ---- waiting ---- */

/* Takes what satisfies the wait and says how it ended; false: nothing does yet. */
static bool try_satisfy(struct ke_thread *waiter)
{
    if (waiter->all) {
        for (uint32_t i = 0; i < waiter->count; i++) {
            if (!signalled_for(waiter->objects[i], waiter)) {
                return false;
            }
        }
        for (uint32_t i = 0; i < waiter->count; i++) {
            take(waiter->objects[i], waiter);
        }
        waiter->result = STATUS_WAIT_0;
        return true;
    }
    for (uint32_t i = 0; i < waiter->count; i++) {
        if (signalled_for(waiter->objects[i], waiter)) {
            take(waiter->objects[i], waiter);
            waiter->result = STATUS_WAIT_0 + (int32_t)i;
            return true;
        }
    }
    return false;
}

static void wake(struct ke_thread *waiter)
{
    machine_timer_cancel(&waiter->timeout);
    waiter->waiting = false;
    waiter->woken = true;
    if (waiter->thread->state == THREAD_WAITING) {
        machine_thread_ready(waiter->thread);
    }
}

static bool waits_for(const struct ke_thread *waiter, uint64_t object)
{
    for (uint32_t i = 0; i < waiter->count; i++) {
        if (waiter->objects[i] == object) {
            return true;
        }
    }
    return false;
}

/* The first waiter for the object that began after `since`. */
static struct ke_thread *next_waiter(uint64_t object, uint64_t since)
{
    struct ke_thread *best = NULL;

    for (struct thread *t = machine_thread_next(NULL); t != NULL; t = machine_thread_next(t)) {
        struct ke_thread *k = t->nt;

        if (k != NULL && k->waiting && k->wait_since > since && waits_for(k, object) &&
            (best == NULL || k->wait_since < best->wait_since)) {
            best = k;
        }
    }
    return best;
}

void ke_signal(uint64_t object)
{
    uint64_t since = 0;
    struct ke_thread *waiter;

    while ((waiter = next_waiter(object, since)) != NULL) {
        since = waiter->wait_since;
        for (uint32_t i = 0; i < waiter->count; i++) {
            touch_object(waiter->objects[i]);
        }
        if (try_satisfy(waiter)) {
            wake(waiter);
        }
    }
}

static void on_timeout(struct machine_timer *timer)
{
    struct ke_thread *waiter = timer->context;

    waiter->result = STATUS_TIMEOUT;
    wake(waiter);
}

uint64_t ke_due_time(int64_t timeout)
{
    uint64_t now = machine_time();
    uint64_t due;

    if (timeout < 0) {
        due = now + (uint64_t)-timeout;
        return due < now ? UINT64_MAX - 1 : due;
    }
    if ((uint64_t)timeout <= MACHINE_BOOT_SYSTEM_TIME + now) {
        return now;
    }
    return (uint64_t)timeout - MACHINE_BOOT_SYSTEM_TIME;
}

/* The IRQL to which the wait returns; afterwards the dispatcher is locked. */
static uint8_t begin_wait(struct ke_thread *current)
{
    uint8_t old;

    if (current->wait_next) {
        current->wait_next = false;
        return current->wait_irql;
    }
    old = machine_irql();
    if (old < DISPATCH_LEVEL) {
        machine_raise_quietly(DISPATCH_LEVEL);
    }
    return old;
}

static void block(struct ke_thread *current, uint8_t irql, const int64_t *timeout)
{
    if (irql >= DISPATCH_LEVEL || machine_in_dpc()) {
        machine_bugcheck(0xB8, current->object, 0, 0, 0,
                         "a thread was to wait at DISPATCH_LEVEL or above");
    }
    current->waiting = true;
    current->woken = false;
    current->wait_since = ++ke_state->waits;
    current->timeout.expire = on_timeout;
    current->timeout.context = current;
    if (timeout != NULL) {
        machine_timer_set(&current->timeout, ke_due_time(*timeout));
    }
    machine_lower(irql); /* DPCs that run here may already wake this thread */
    while (!current->woken) {
        if (!io_deliver_apcs()) {
            machine_thread_wait();
        }
    }
}

static int32_t wait(uint32_t count, const uint64_t *objects, bool all, const int64_t *timeout)
{
    struct ke_thread *current = ke_current();
    uint8_t irql = begin_wait(current);

    current->count = count;
    current->all = all;
    for (uint32_t i = 0; i < count; i++) {
        touch_object(objects[i]);
        check_object(objects[i]);
        current->objects[i] = objects[i];
    }
    if (count > 0 && try_satisfy(current)) {
        ke_unlock(irql);
        return current->result;
    }
    if (timeout != NULL && *timeout == 0) {
        ke_unlock(irql);
        return STATUS_TIMEOUT;
    }
    block(current, irql, timeout);
    return current->result;
}

int32_t ke_wait_for_object(uint64_t object, const int64_t *timeout)
{
    return wait(1, &object, false, timeout);
}

/* ---- exports ---- */

/* The driver's timeout, copied before anything changes. */
static const int64_t *copy_timeout(const int64_t *timeout, int64_t *copy)
{
    if (timeout == NULL) {
        return NULL;
    }
    machine_touch((uint64_t)timeout, sizeof *timeout, PAGER_READ);
    *copy = *timeout;
    return copy;
}

static int32_t KeWaitForSingleObject(uint64_t object, uint32_t reason, uint8_t mode,
                                     uint8_t alertable, const int64_t *timeout)
{
    int64_t copy;

    (void)reason;
    (void)mode;
    (void)alertable; /* nobody alerts: there are no user APCs */
    return wait(1, &object, false, copy_timeout(timeout, &copy));
}

static int32_t KeWaitForMutexObject(uint64_t object, uint32_t reason, uint8_t mode,
                                    uint8_t alertable, const int64_t *timeout)
{
    return KeWaitForSingleObject(object, reason, mode, alertable, timeout);
}

#define THREAD_WAIT_OBJECTS 3u /* beyond this many the caller supplies wait blocks */

static int32_t KeWaitForMultipleObjects(uint32_t count, const uint64_t *objects, uint32_t type,
                                        uint32_t reason, uint8_t mode, uint8_t alertable,
                                        const int64_t *timeout, uint64_t wait_blocks)
{
    uint64_t list[KE_WAIT_OBJECTS_MAX];
    int64_t copy;

    (void)reason;
    (void)mode;
    (void)alertable;
    if (count == 0 || count > KE_WAIT_OBJECTS_MAX ||
        (wait_blocks == 0 && count > THREAD_WAIT_OBJECTS)) {
        machine_bugcheck(0x0C, count, 0, 0, 0, "a wait for too many objects");
    }
    machine_touch((uint64_t)objects, count * sizeof *objects, PAGER_READ);
    memcpy(list, objects, count * sizeof *list);
    return wait(count, list, type == 0 /* WaitAll */, copy_timeout(timeout, &copy));
}

static int32_t KeDelayExecutionThread(uint8_t mode, uint8_t alertable, const int64_t *interval)
{
    int64_t copy;

    (void)mode;
    (void)alertable;
    machine_touch((uint64_t)interval, sizeof *interval, PAGER_READ);
    copy = *interval;
    if (copy == 0) {
        if (machine_irql() < DISPATCH_LEVEL) {
            machine_thread_yield();
        }
        return 0;
    }
    wait(0, NULL, false, &copy);
    return 0;
}

NT_CALL5(KeWaitForSingleObject, uint64_t, uint32_t, uint8_t, uint8_t, const int64_t *)
NT_CALL5(KeWaitForMutexObject, uint64_t, uint32_t, uint8_t, uint8_t, const int64_t *)
NT_CALL8(KeWaitForMultipleObjects, uint32_t, const uint64_t *, uint32_t, uint32_t, uint8_t, uint8_t,
         const int64_t *, uint64_t)
NT_CALL3(KeDelayExecutionThread, uint8_t, uint8_t, const int64_t *)
