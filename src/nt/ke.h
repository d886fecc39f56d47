/* SPDX-License-Identifier: MIT */
/* Private to ke_*.c: what the system keeps of each thread and its wait. */
#ifndef PAGABLE_NT_KE_H
#define PAGABLE_NT_KE_H

#include "nt/nt.h"

#include "base/assert.h"
#include "nt/exports_ke.h"

#define KE_DECLARE_CALL(name, module, state, irql, arguments)                                      \
    uint64_t call_##name(const uint64_t *a);
NT_EXPORTS_KE(KE_DECLARE_CALL)
#undef KE_DECLARE_CALL

#define KE_WAIT_OBJECTS_MAX 64u

/* nt's state of a thread; thread->nt. */
struct ke_thread {
    struct thread *thread;
    uint64_t object; /* guest KTHREAD */
    void (*entry)(void *argument);
    void *argument;

    /* The wait; valid while `waiting`. */
    bool waiting;
    bool woken;
    bool all; /* WaitAll */
    uint32_t count;
    uint64_t objects[KE_WAIT_OBJECTS_MAX];
    int32_t result;
    uint64_t wait_since; /* order of waiting: first come, first served */
    struct machine_timer timeout;

    /* After a call with Wait TRUE the thread is at DISPATCH_LEVEL until its next wait. */
    bool wait_next;
    uint8_t wait_irql;

    uint32_t normal_apc_disable; /* critical regions and owned mutexes */
    uint32_t all_apc_disable;    /* guarded regions */
    int32_t priority;            /* as the driver set it: 0..31 */
    struct ke_thread *next_free;
};

/* A timer that is set; found by the address of its KTIMER. */
struct ke_timer {
    struct machine_timer timer;
    uint64_t object; /* guest KTIMER */
    uint64_t dpc;    /* guest KDPC, 0: none */
    uint64_t period; /* in units of virtual time, 0: once */
    struct ke_timer *next;
};

struct ke_state {
    uint64_t waits; /* numbers waits in the order of their beginning */
    struct ke_timer *timers, *free_timers;
    struct ke_thread *free_threads;
};
extern struct ke_state *ke_state; /* in the arena */

struct ke_thread *ke_current(void); /* asserts that there is a current thread */

/* ke_dispatcher.c */

/*
 * The dispatcher works at DISPATCH_LEVEL, so that an object in memory that is out is the bug check
 * that Windows gives.  ke_lock touches [object, object + bytes) for writing there; returns the IRQL
 * to give to ke_unlock.
 */
uint8_t ke_lock(uint64_t object, size_t bytes);
void ke_unlock(uint8_t irql);
/* End of a call with a Wait argument: TRUE leaves the thread at DISPATCH_LEVEL. */
void ke_unlock_wait(uint8_t irql, bool wait);

/* ke_dpc.c: queue a guest KDPC; false when it is queued already. */
bool ke_queue_dpc(struct kdpc *dpc, uint64_t argument1, uint64_t argument2);

#endif
