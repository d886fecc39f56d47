/* SPDX-License-Identifier: MIT */
/*
 * Fast mutexes and guarded mutexes.
 *
 * Count is 1 when free, 0 when owned, below that when threads wait; a release hands the mutex to
 * the first waiter through the event inside it.  The owner of a fast mutex is at APC_LEVEL, that of
 * a guarded mutex in a guarded region at the IRQL it had.  Neither may be acquired twice by one
 * thread: as on Windows, it then waits for itself.
 */
#include "nt/ex.h"

/* The part that both kinds of mutex have in common. */
struct mutex {
    int32_t *count;
    struct kthread **owner;
    uint32_t *contention;
    struct kevent *event;
};

static struct mutex of_fast(struct fast_mutex *mutex)
{
    machine_touch((uint64_t)mutex, sizeof *mutex, PAGER_WRITE);
    return (struct mutex){&mutex->Count, &mutex->Owner, &mutex->Contention, &mutex->Event};
}

/* Drivers see a gate; it is an event that wakes one thread. */
static struct mutex of_guarded(struct kguarded_mutex *mutex)
{
    machine_touch((uint64_t)mutex, sizeof *mutex, PAGER_WRITE);
    return (struct mutex){&mutex->Count, &mutex->Owner, &mutex->Contention,
                          (struct kevent *)&mutex->Gate};
}

static bool try_acquire(const struct mutex *mutex)
{
    if (*mutex->count != 1) {
        return false;
    }
    *mutex->count = 0;
    *mutex->owner = machine_pointer(ex_current_thread());
    return true;
}

static void acquire(const struct mutex *mutex)
{
    if (try_acquire(mutex)) {
        return;
    }
    --*mutex->count;
    ++*mutex->contention;
    ke_wait_for_object((uint64_t)mutex->event, NULL);
    *mutex->owner = machine_pointer(ex_current_thread());
}

static void release(const struct mutex *mutex)
{
    *mutex->owner = NULL;
    if (++*mutex->count <= 0) {
        ex_set_event(mutex->event);
    }
}

/* Above APC_LEVEL, where nobody may call this, the IRQL stays as it is. */
static uint8_t to_apc_level(void)
{
    return machine_irql() < APC_LEVEL ? machine_raise(APC_LEVEL) : machine_irql();
}

static void from_apc_level(uint32_t irql)
{
    if (irql < machine_irql()) {
        machine_lower((uint8_t)irql);
    }
}

static void ExAcquireFastMutex(struct fast_mutex *fast)
{
    struct mutex mutex = of_fast(fast);
    uint8_t old = to_apc_level();

    acquire(&mutex);
    fast->OldIrql = old;
}

static uint8_t ExTryToAcquireFastMutex(struct fast_mutex *fast)
{
    struct mutex mutex = of_fast(fast);
    uint8_t old = to_apc_level();

    if (!try_acquire(&mutex)) {
        from_apc_level(old);
        return 0;
    }
    fast->OldIrql = old;
    return 1;
}

static void ExReleaseFastMutex(struct fast_mutex *fast)
{
    struct mutex mutex = of_fast(fast);
    uint32_t old = fast->OldIrql;

    release(&mutex);
    from_apc_level(old);
}

static void ExAcquireFastMutexUnsafe(struct fast_mutex *fast)
{
    struct mutex mutex = of_fast(fast);

    acquire(&mutex);
}

static void ExReleaseFastMutexUnsafe(struct fast_mutex *fast)
{
    struct mutex mutex = of_fast(fast);

    release(&mutex);
}

static void KeInitializeGuardedMutex(struct kguarded_mutex *guarded)
{
    struct mutex mutex = of_guarded(guarded);

    *mutex.count = 1;
    *mutex.owner = NULL;
    *mutex.contention = 0;
    ke_event_init(mutex.event, SynchronizationEvent, false);
    guarded->CombinedApcDisable = 0;
}

static void KeAcquireGuardedMutex(struct kguarded_mutex *guarded)
{
    struct mutex mutex = of_guarded(guarded);

    call_KeEnterGuardedRegion(NULL);
    acquire(&mutex);
}

static uint8_t KeTryToAcquireGuardedMutex(struct kguarded_mutex *guarded)
{
    struct mutex mutex = of_guarded(guarded);

    call_KeEnterGuardedRegion(NULL);
    if (!try_acquire(&mutex)) {
        call_KeLeaveGuardedRegion(NULL);
        return 0;
    }
    return 1;
}

static void KeReleaseGuardedMutex(struct kguarded_mutex *guarded)
{
    struct mutex mutex = of_guarded(guarded);

    release(&mutex);
    call_KeLeaveGuardedRegion(NULL);
}

static void KeAcquireGuardedMutexUnsafe(struct kguarded_mutex *guarded)
{
    struct mutex mutex = of_guarded(guarded);

    acquire(&mutex);
}

static void KeReleaseGuardedMutexUnsafe(struct kguarded_mutex *guarded)
{
    struct mutex mutex = of_guarded(guarded);

    release(&mutex);
}

NT_VOID1(ExAcquireFastMutex, struct fast_mutex *)
NT_CALL1(ExTryToAcquireFastMutex, struct fast_mutex *)
NT_VOID1(ExReleaseFastMutex, struct fast_mutex *)
NT_VOID1(ExAcquireFastMutexUnsafe, struct fast_mutex *)
NT_VOID1(ExReleaseFastMutexUnsafe, struct fast_mutex *)
NT_VOID1(KeInitializeGuardedMutex, struct kguarded_mutex *)
NT_VOID1(KeAcquireGuardedMutex, struct kguarded_mutex *)
NT_CALL1(KeTryToAcquireGuardedMutex, struct kguarded_mutex *)
NT_VOID1(KeReleaseGuardedMutex, struct kguarded_mutex *)
NT_VOID1(KeAcquireGuardedMutexUnsafe, struct kguarded_mutex *)
NT_VOID1(KeReleaseGuardedMutexUnsafe, struct kguarded_mutex *)
