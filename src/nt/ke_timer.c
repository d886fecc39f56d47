/* SPDX-License-Identifier: MIT */
/* Timers, and the clocks that drivers read. */
#include "nt/ke.h"

#include <string.h>

#define UNITS_PER_MS  10000ull
#define TICK_UNITS    156250u /* 15.625 ms */
#define UNITS_PER_US  10ull
#define COUNTER_HERTZ 10000000ull

static struct ke_timer **find(uint64_t object)
{
    struct ke_timer **link = &ke_state->timers;

    while (*link != NULL && (*link)->object != object) {
        link = &(*link)->next;
    }
    return link;
}

static void forget(struct ke_timer **link)
{
    struct ke_timer *timer = *link;

    machine_timer_cancel(&timer->timer);
    *link = timer->next;
    timer->next = ke_state->free_timers;
    ke_state->free_timers = timer;
}

static struct ke_timer *append(uint64_t object)
{
    struct ke_timer **link = find(object);
    struct ke_timer *timer = ke_state->free_timers;

    PG_ASSERT(*link == NULL);
    if (timer != NULL) {
        ke_state->free_timers = timer->next;
        memset(timer, 0, sizeof *timer);
    } else {
        timer = machine_allocate(sizeof *timer);
    }
    timer->object = object;
    *link = timer;
    return timer;
}

bool ke_timer_at(uint32_t index, uint64_t *object, uint64_t *routine)
{
    const struct ke_timer *timer = ke_state->timers;

    while (timer != NULL && index-- > 0) {
        timer = timer->next;
    }
    if (timer == NULL) {
        return false;
    }
    *object = timer->object;
    *routine = 0;
    if (timer->dpc != 0 && !machine_would_fault(timer->dpc, PAGER_READ)) {
        *routine = (uint64_t)((const struct kdpc *)machine_pointer(timer->dpc))->DeferredRoutine;
    }
    return true;
}

/* At DISPATCH_LEVEL. */
static void expire(struct machine_timer *machine_timer)
{
    struct ke_timer *timer = machine_timer->context;
    struct ktimer *object = machine_pointer(timer->object);
    uint64_t dpc = timer->dpc;

    machine_touch(timer->object, sizeof *object, PAGER_WRITE);
    if (timer->period != 0) {
        machine_timer_set(&timer->timer, timer->timer.due + timer->period);
    } else {
        forget(find(timer->object));
    }
    object->Header.SignalState = 1;
    ke_signal((uint64_t)object);
    if (dpc != 0) {
        ke_queue_dpc(machine_pointer(dpc), 0, 0);
    }
}

static void KeInitializeTimerEx(struct ktimer *timer, uint32_t type)
{
    machine_touch((uint64_t)timer, sizeof *timer, PAGER_WRITE);
    memset(timer, 0, sizeof *timer);
    timer->Header.Type = type == 0 ? TimerNotificationObject : TimerSynchronizationObject;
    timer->Header.Size = sizeof *timer / sizeof(int32_t);
    timer->Header.WaitListHead.Flink = &timer->Header.WaitListHead;
    timer->Header.WaitListHead.Blink = &timer->Header.WaitListHead;
}

static void KeInitializeTimer(struct ktimer *timer)
{
    KeInitializeTimerEx(timer, 0);
}

static uint8_t KeSetTimerEx(struct ktimer *object, int64_t due, int32_t period_ms, uint64_t dpc)
{
    uint8_t irql = ke_lock((uint64_t)object, sizeof *object);
    struct ke_timer **old = find((uint64_t)object);
    uint8_t was_set = *old != NULL;
    struct ke_timer *timer;

    if (was_set) {
        forget(old);
    }
    object->Header.SignalState = 0;
    object->DueTime = ke_due_time(due);
    object->Period = (uint32_t)period_ms;
    object->Dpc = machine_pointer(dpc);
    timer = append((uint64_t)object);
    timer->dpc = dpc;
    timer->period = period_ms > 0 ? (uint64_t)period_ms * UNITS_PER_MS : 0;
    timer->timer.expire = expire;
    timer->timer.context = timer;
    machine_timer_set(&timer->timer, ke_due_time(due));
    ke_unlock(irql);
    return was_set;
}

static uint8_t KeSetTimer(struct ktimer *timer, int64_t due, uint64_t dpc)
{
    return KeSetTimerEx(timer, due, 0, dpc);
}

static uint8_t KeCancelTimer(struct ktimer *object)
{
    uint8_t irql = ke_lock((uint64_t)object, sizeof *object);
    struct ke_timer **link = find((uint64_t)object);
    uint8_t was_set = *link != NULL;

    if (was_set) {
        forget(link);
    }
    ke_unlock(irql);
    return was_set;
}

static uint8_t KeReadStateTimer(const struct ktimer *timer)
{
    machine_touch((uint64_t)timer, sizeof *timer, PAGER_READ);
    return timer->Header.SignalState != 0;
}

NT_VOID1(KeInitializeTimer, struct ktimer *)
NT_VOID2(KeInitializeTimerEx, struct ktimer *, uint32_t)
NT_CALL3(KeSetTimer, struct ktimer *, int64_t, uint64_t)
NT_CALL4(KeSetTimerEx, struct ktimer *, int64_t, int32_t, uint64_t)
NT_CALL1(KeCancelTimer, struct ktimer *)
NT_CALL1(KeReadStateTimer, const struct ktimer *)

/* ---- clocks: a query takes a little time, so that a loop that polls one ends ---- */

static void put_time(int64_t *at, uint64_t value)
{
    machine_touch((uint64_t)at, sizeof *at, PAGER_WRITE);
    *at = (int64_t)value;
}

static void KeQuerySystemTime(int64_t *time)
{
    put_time(time, MACHINE_BOOT_SYSTEM_TIME + machine_time());
}

static void KeQuerySystemTimePrecise(int64_t *time)
{
    KeQuerySystemTime(time);
}

static uint64_t KeQueryInterruptTime(void)
{
    return machine_time();
}

static void KeQueryTickCount(int64_t *count)
{
    put_time(count, machine_time() / TICK_UNITS);
}

static uint32_t KeQueryTimeIncrement(void)
{
    return TICK_UNITS;
}

static uint64_t KeQueryPerformanceCounter(int64_t *frequency)
{
    if (frequency != NULL) {
        put_time(frequency, COUNTER_HERTZ);
    }
    return machine_time();
}

static void KeStallExecutionProcessor(uint32_t microseconds)
{
    machine_stall((uint64_t)microseconds * UNITS_PER_US);
}

NT_VOID1(KeQuerySystemTime, int64_t *)
NT_VOID1(KeQuerySystemTimePrecise, int64_t *)
NT_CALL0(uint64_t, KeQueryInterruptTime)
NT_VOID1(KeQueryTickCount, int64_t *)
NT_CALL0(uint32_t, KeQueryTimeIncrement)
NT_CALL1(KeQueryPerformanceCounter, int64_t *)
NT_VOID1(KeStallExecutionProcessor, uint32_t)
