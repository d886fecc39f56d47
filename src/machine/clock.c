/* SPDX-License-Identifier: MIT */
/*
 * Virtual time and its timers: a binary heap ordered by due time, ties by the order of setting.
 * Slot 0 of the heap is unused, so that heap_index 0 means "not set".
 */
#include "machine/internal.h"

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

static void put(uint32_t index, struct machine_timer *timer)
{
    M->timers[index] = timer;
    timer->heap_index = index;
}

static void sift_up(uint32_t index, struct machine_timer *timer)
{
    while (index > 1 && before(timer, M->timers[index / 2])) {
        put(index, M->timers[index / 2]);
        index /= 2;
    }
    put(index, timer);
}

static void sift_down(uint32_t index, struct machine_timer *timer)
{
    for (;;) {
        uint32_t child = index * 2;

        if (child > M->timer_count) {
            break;
        }
        if (child < M->timer_count && before(M->timers[child + 1], M->timers[child])) {
            child++;
        }
        if (!before(M->timers[child], timer)) {
            break;
        }
        put(index, M->timers[child]);
        index = child;
    }
    put(index, timer);
}

bool machine_timer_cancel(struct machine_timer *timer)
{
    uint32_t index = timer->heap_index;
    struct machine_timer *last;

    if (index == 0) {
        return false;
    }
    PG_ASSERT(index <= M->timer_count && M->timers[index] == timer);
    timer->heap_index = 0;
    last = M->timers[M->timer_count--];
    if (last != timer) {
        if (index > 1 && before(last, M->timers[index / 2])) {
            sift_up(index, last);
        } else {
            sift_down(index, last);
        }
    }
    return true;
}

void machine_timer_set(struct machine_timer *timer, uint64_t due)
{
    machine_timer_cancel(timer);
    PG_ASSERT(M->timer_count + 1 < TIMER_MAX);
    timer->due = due;
    timer->sequence = M->sequence++;
    sift_up(++M->timer_count, timer);
}

bool clock_next_due(uint64_t *due)
{
    if (M->timer_count == 0) {
        return false;
    }
    *due = M->timers[1]->due;
    return true;
}

bool clock_is_due(void)
{
    return M->timer_count > 0 && M->timers[1]->due <= M->time;
}

void clock_expire(void)
{
    PG_ASSERT(M->cpu.irql >= DISPATCH_LEVEL);
    while (clock_is_due()) {
        struct machine_timer *timer = M->timers[1];

        machine_timer_cancel(timer);
        timer->expire(timer);
    }
}
