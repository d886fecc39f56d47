/* SPDX-License-Identifier: MIT */
/* Gates are mutexes of pthreads: a waiter sleeps, and race detectors understand them. */
#include "native/gate.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/assert.h"

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct native_gate), "room for a mutex");
_Static_assert(_Alignof(pthread_mutex_t) <= _Alignof(struct native_gate), "aligned for a mutex");

static pthread_mutex_t *mutex_of(struct native_gate *gate)
{
    return (pthread_mutex_t *)(void *)gate->opaque;
}

void native_gate_init(struct native_gate *gate)
{
    PG_ASSERT(pthread_mutex_init(mutex_of(gate), NULL) == 0);
}

void native_gate_enter(struct native_gate *gate)
{
    PG_ASSERT(pthread_mutex_lock(mutex_of(gate)) == 0);
}

void native_gate_leave(struct native_gate *gate)
{
    PG_ASSERT(pthread_mutex_unlock(mutex_of(gate)) == 0);
}

void native_yield(void)
{
    (void)sched_yield();
}

unsigned long native_thread(void)
{
    return (unsigned long)gettid();
}
