/* SPDX-License-Identifier: MIT */
/*
 * Threads as fibers, and the loop that runs them.
 *
 * A thread runs until it waits, ends or gives way; control then goes back to the scheduler's stack,
 * which alone decides who is next.  Ready threads of the highest priority are alternatives of one
 * choice.  Thread structures are never freed while the computer lives, only reused (a new id each
 * time), so that a stale pointer can be told.
 *
 *   FREE --new--> READY --scheduled--> RUNNING --wait--> WAITING --ready--> READY
 *                                      RUNNING --yield--> READY
 *                                      RUNNING --end--> ENDED --release--> FREE
 */
#include "machine/internal.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBERS_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS_UNDER_ASAN 1
#endif
#endif

#ifdef FIBERS_UNDER_ASAN
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *restore, const void **bottom_old, size_t *size_old);
void __asan_unpoison_memory_region(const volatile void *address, size_t size);

/* A thread that ended left the marks of its last frames on the stack that is used again. */
static void clean_stack(uint64_t low, uint64_t high)
{
    __asan_unpoison_memory_region((void *)low, high - low);
}

static void leave_fiber(void **save, const void *bottom, size_t size)
{
    __sanitizer_start_switch_fiber(save, bottom, size);
}

static void enter_fiber(void *restore, const void **bottom_old, size_t *size_old)
{
    __sanitizer_finish_switch_fiber(restore, bottom_old, size_old);
}
#else
static void clean_stack(uint64_t low, uint64_t high)
{
    (void)low;
    (void)high;
}

static void leave_fiber(void **save, const void *bottom, size_t size)
{
    (void)save;
    (void)bottom;
    (void)size;
}

static void enter_fiber(void *restore, const void **bottom_old, size_t *size_old)
{
    (void)restore;
    (void)bottom_old;
    (void)size_old;
}
#endif

struct thread *machine_thread(void)
{
    return M->cpu.current;
}

/* ---- stacks ---- */

static uint64_t stack_slot_take(void)
{
    uint64_t low;

    if (M->slots_free_count > 0) {
        return M->slots_free[--M->slots_free_count];
    }
    if (M->thread_slots_used == THREAD_SLOTS) {
        return 0;
    }
    low = ARENA_STACKS + M->thread_slots_used * THREAD_STACK_SLOT;
    if (host.protect(low + PG_PAGE_SIZE, THREAD_STACK_SLOT - PG_PAGE_SIZE, HOST_READ | HOST_WRITE) <
        0) {
        return 0;
    }
    M->thread_slots_used++;
    return low;
}

static void stack_slot_give(struct thread *thread)
{
    M->slots_free[M->slots_free_count++] = thread->stack_low - PG_PAGE_SIZE;
}

/* ---- fibers ---- */

static void to_scheduler(struct thread *from, bool for_ever)
{
    leave_fiber(for_ever ? NULL : &from->sanitizer, M->scheduler_stack_low,
                M->scheduler_stack_bytes);
    thread_switch(&from->stack_pointer, M->scheduler_stack_pointer);
    enter_fiber(from->sanitizer, NULL, NULL);
}

/* First code of every fiber. */
static void thread_main(void)
{
    struct thread *thread;

    enter_fiber(NULL, &M->scheduler_stack_low, &M->scheduler_stack_bytes);
    thread = M->cpu.current;
    thread->entry(thread->argument);
    machine_thread_end();
}

/* The frame that thread_switch expects at the top of a stack it has not seen yet. */
static void prepare_stack(struct thread *thread)
{
    uint64_t *top = (uint64_t *)(thread->stack_high - 64);
    uint32_t mxcsr = 0x1f80;
    uint16_t x87 = 0x27f;

    memset(top - 8, 0, 8 * sizeof *top);
    top[-1] = 0;                     /* return address of thread_main: it never returns */
    top[-2] = (uint64_t)thread_main; /* popped into rcx */
    memcpy(&top[-9], &mxcsr, sizeof mxcsr);
    memcpy((char *)&top[-9] + 4, &x87, sizeof x87);
    thread->stack_pointer = (uint64_t)&top[-9];
}

static struct thread *take_structure(void)
{
    struct thread *thread = M->thread_pool;

    if (thread != NULL) {
        M->thread_pool = thread->next;
        memset(thread, 0, sizeof *thread);
        return thread;
    }
    return machine_allocate(sizeof *thread);
}

static void append(struct thread *thread)
{
    struct thread **end = &M->threads;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    thread->next = NULL;
    *end = thread;
}

struct thread *machine_thread_new(void (*entry)(void *), void *argument)
{
    uint64_t slot = stack_slot_take();
    struct thread *thread;

    if (slot == 0) {
        return NULL;
    }
    thread = take_structure();
    thread->id = ++M->thread_next_id;
    thread->stack_low = slot + PG_PAGE_SIZE;
    thread->stack_high = slot + THREAD_STACK_SLOT;
    clean_stack(thread->stack_low, thread->stack_high);
    thread->priority = 8;
    thread->entry = entry;
    thread->argument = argument;
    prepare_stack(thread);
    append(thread);
    machine_thread_ready(thread);
    return thread;
}

static void enqueue(struct thread *thread)
{
    thread->state = THREAD_READY;
    thread->ready_next = NULL;
    if (M->ready_first == NULL) {
        M->ready_first = thread;
    } else {
        M->ready_last->ready_next = thread;
    }
    M->ready_last = thread;
}

static void dequeue(struct thread *thread)
{
    struct thread **link = &M->ready_first;
    struct thread *before = NULL;

    while (*link != thread) {
        before = *link;
        link = &before->ready_next;
    }
    *link = thread->ready_next;
    if (M->ready_last == thread) {
        M->ready_last = before;
    }
}

void machine_thread_ready(struct thread *thread)
{
    PG_ASSERT(thread->state == THREAD_FREE || thread->state == THREAD_WAITING);
    enqueue(thread);
}

void machine_thread_wait(void)
{
    struct thread *thread = M->cpu.current;

    PG_ASSERT(thread != NULL && M->cpu.irql < DISPATCH_LEVEL && M->cpu.dpc_depth == 0);
    thread->state = THREAD_WAITING;
    to_scheduler(thread, false);
}

void machine_thread_yield(void)
{
    struct thread *thread = M->cpu.current;

    PG_ASSERT(thread != NULL && M->cpu.irql < DISPATCH_LEVEL && M->cpu.dpc_depth == 0);
    enqueue(thread);
    to_scheduler(thread, false);
}

_Noreturn void machine_thread_end(void)
{
    struct thread *thread = M->cpu.current;

    PG_ASSERT(thread != NULL);
    thread->state = THREAD_ENDED;
    to_scheduler(thread, true);
    PG_ASSERT(!"an ended thread runs");
    for (;;) {
    }
}

struct thread *machine_thread_next(const struct thread *after)
{
    struct thread *thread = after == NULL ? M->threads : after->next;

    while (thread != NULL && thread->system) {
        thread = thread->next;
    }
    return thread;
}

void machine_thread_release(struct thread *thread)
{
    struct thread **link = &M->threads;

    PG_ASSERT(thread->state == THREAD_ENDED);
    while (*link != thread) {
        link = &(*link)->next;
    }
    *link = thread->next;
    stack_slot_give(thread);
    thread->state = THREAD_FREE;
    thread->next = M->thread_pool;
    M->thread_pool = thread;
}

/* ---- scheduling ---- */

/* How many ready threads have the highest ready priority. */
static uint32_t ready_candidates(int32_t *priority)
{
    uint32_t count = 0;

    for (struct thread *t = M->ready_first; t != NULL; t = t->ready_next) {
        if (count == 0 || t->priority > *priority) {
            *priority = t->priority;
            count = 1;
        } else if (t->priority == *priority) {
            count++;
        }
    }
    return count;
}

/* The n-th candidate in the order in which they became ready. */
static struct thread *nth_ready(int32_t priority, uint32_t n)
{
    struct thread *t = M->ready_first;

    while (t->priority != priority || n-- > 0) {
        t = t->ready_next;
        PG_ASSERT(t != NULL);
    }
    return t;
}

static struct thread *pick(void)
{
    int32_t priority = 0;
    uint32_t count = ready_candidates(&priority);
    struct thread *thread;

    if (count == 0) {
        return NULL;
    }
    thread = nth_ready(priority, machine_choose(CHOICE_THREAD, count));
    dequeue(thread);
    return thread;
}

bool thread_other_ready(int32_t at_least)
{
    int32_t priority = 0;

    return ready_candidates(&priority) > 0 && priority >= at_least;
}

bool thread_higher_ready(int32_t than)
{
    int32_t priority = 0;

    return ready_candidates(&priority) > 0 && priority > than;
}

static void run_thread(struct thread *thread)
{
    thread->state = THREAD_RUNNING;
    M->cpu.current = thread;
    M->cpu.irql = thread->irql;
    M->guest_frame = thread->guest_frame;
    processor_set_thread(thread->object);
    if (thread != M->cpu.idle) {
        M->counters.thread_switches++;
        machine_event(EVENT_THREAD_SWITCH, thread->id, 0, 0);
    }
    leave_fiber(&M->scheduler_sanitizer, (const void *)thread->stack_low,
                thread->stack_high - thread->stack_low);
    thread_switch(&M->scheduler_stack_pointer, thread->stack_pointer);
    enter_fiber(M->scheduler_sanitizer, NULL, NULL);
    thread->guest_frame = M->guest_frame;
    M->guest_frame = NULL;
    thread->irql = M->cpu.irql;
    M->cpu.current = NULL;
    M->cpu.irql = PASSIVE_LEVEL;
    M->cpu.interrupts_enabled = true; /* who waits with interrupts off gets them back on */
}

/* The idle thread: interrupts, due timers and DPCs when no other thread is there to be interrupted.
 */
static void idle_main(void *argument)
{
    (void)argument;
    for (;;) {
        interrupt_deliver();
        if (M->cpu.dpc_count > 0 || clock_is_due()) {
            uint8_t old = machine_raise(DISPATCH_LEVEL);

            clock_expire();
            machine_lower(old);
        }
        machine_thread_wait();
    }
}

pg_status thread_start(void)
{
    M->cpu.idle = machine_thread_new(idle_main, NULL);
    if (M->cpu.idle == NULL) {
        return PG_E_NO_MEMORY;
    }
    dequeue(M->cpu.idle); /* it is never among those that may be picked */
    M->cpu.idle->system = true;
    M->cpu.idle->state = THREAD_WAITING;
    return PG_OK;
}

struct thread *machine_idle_thread(void)
{
    return M->cpu.idle;
}

static bool idle_work(void)
{
    return M->cpu.dpc_count > 0 || clock_is_due() || interrupt_is_due();
}

enum run_state machine_run(bool (*done)(void *), void *context, uint64_t until)
{
    PG_ASSERT(M->cpu.current == NULL);
    for (;;) {
        struct thread *thread;
        uint64_t due;

        processor_check_budget();
        clock_expire_hardware();
        if (done != NULL && done(context)) {
            return RUN_STATE_DONE;
        }
        if (M->time > until) {
            return RUN_STATE_TIME;
        }
        thread = idle_work() ? M->cpu.idle : pick();
        if (thread != NULL) {
            run_thread(thread);
            continue;
        }
        if (!clock_next_due(&due)) {
            if (until == UINT64_MAX) {
                return RUN_STATE_IDLE;
            }
            due = until + 1;
        }
        if (due > until) {
            M->time = until > M->time ? until : M->time;
            return RUN_STATE_TIME;
        }
        M->time = due;
    }
}
