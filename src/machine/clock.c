/* SPDX-License-Identifier: MIT */
/*
 * Virtual time and its timers: two binary heaps ordered by due time, ties by the order of setting.
 * NT's timers expire where a clock interrupt gets through, those of device models at once.
 * Slot 0 of a heap is unused, so that heap_index 0 means "not set".
 */
#include "machine/internal.h"

void clock_start(void)
{
    M->timers.at = machine_allocate(TIMER_MAX * sizeof(struct machine_timer *));
    M->hardware_timers.at = machine_allocate(HARDWARE_TIMER_MAX * sizeof(struct machine_timer *));
}

uint64_t machine_time(void)
{
    return M->time;
}

void machine_time_pass(uint64_t units)
{
    M->time += units;
}

static bool before(const struct machine_timer *a, const struct machine_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->sequence < b->sequence;
}

static void put(struct timer_heap *heap, uint32_t index, struct machine_timer *timer)
{
    heap->at[index] = timer;
    timer->heap_index = index;
}

static void sift_up(struct timer_heap *heap, uint32_t index, struct machine_timer *timer)
{
    while (index > 1 && before(timer, heap->at[index / 2])) {
        put(heap, index, heap->at[index / 2]);
        index /= 2;
    }
    put(heap, index, timer);
}

static void sift_down(struct timer_heap *heap, uint32_t index, struct machine_timer *timer)
{
    for (;;) {
        uint32_t child = index * 2;

        if (child > heap->count) {
            break;
        }
        if (child < heap->count && before(heap->at[child + 1], heap->at[child])) {
            child++;
        }
        if (!before(heap->at[child], timer)) {
            break;
        }
        put(heap, index, heap->at[child]);
        index = child;
    }
    put(heap, index, timer);
}

static struct timer_heap *heap_of(const struct machine_timer *timer)
{
    return timer->hardware ? &M->hardware_timers : &M->timers;
}

bool machine_timer_cancel(struct machine_timer *timer)
{
    struct timer_heap *heap = heap_of(timer);
    uint32_t index = timer->heap_index;
    struct machine_timer *last;

    if (index == 0) {
        return false;
    }
    PG_ASSERT(index <= heap->count && heap->at[index] == timer);
    timer->heap_index = 0;
    last = heap->at[heap->count--];
    if (last != timer) {
        if (index > 1 && before(last, heap->at[index / 2])) {
            sift_up(heap, index, last);
        } else {
            sift_down(heap, index, last);
        }
    }
    return true;
}

void machine_timer_set(struct machine_timer *timer, uint64_t due)
{
    struct timer_heap *heap = heap_of(timer);

    machine_timer_cancel(timer);
    PG_ASSERT(heap->count + 1 < (timer->hardware ? HARDWARE_TIMER_MAX : TIMER_MAX));
    timer->due = due;
    timer->sequence = M->sequence++;
    sift_up(heap, ++heap->count, timer);
}

bool clock_next_due(uint64_t *due)
{
    uint64_t next = UINT64_MAX;

    if (M->timers.count > 0) {
        next = M->timers.at[1]->due;
    }
    if (M->hardware_timers.count > 0 && M->hardware_timers.at[1]->due < next) {
        next = M->hardware_timers.at[1]->due;
    }
    *due = next;
    return M->timers.count > 0 || M->hardware_timers.count > 0;
}

static bool is_due(const struct timer_heap *heap)
{
    return heap->count > 0 && heap->at[1]->due <= M->time;
}

static void expire(struct timer_heap *heap)
{
    while (is_due(heap)) {
        struct machine_timer *timer = heap->at[1];

        machine_timer_cancel(timer);
        timer->expire(timer);
    }
}

bool clock_is_due(void)
{
    return is_due(&M->timers);
}

bool clock_hardware_is_due(void)
{
    return is_due(&M->hardware_timers);
}

void clock_expire(void)
{
    PG_ASSERT(M->cpu.irql >= DISPATCH_LEVEL);
    expire(&M->timers);
}

void clock_expire_hardware(void)
{
    expire(&M->hardware_timers);
}
