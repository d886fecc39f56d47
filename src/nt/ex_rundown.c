/* SPDX-License-Identifier: MIT */
/*
 * Rundown protection: references to something that goes away when the last one is dropped.
 *
 * EX_RUNDOWN_REF counts references in steps of two; the low bit says that rundown has begun, after
 * which nobody gets a new one.  Who waits for the last reference is known here, by the address.
 * A cache-aware reference is the same with one counter: there is one processor.
 */
#include "nt/ex.h"

#define ACTIVE              1u
#define STEP                2u
#define SIZE_OF_CACHE_AWARE 64u

struct rundown_waiters {
    uint64_t address;
    struct ex_wait_queue queue;
    struct rundown_waiters *next;
};
static struct rundown_waiters **waiting; /* one pointer, in the arena */

static struct rundown_waiters **waiters_of(const struct ex_rundown_ref *ref)
{
    struct rundown_waiters **link;

    if (waiting == NULL) {
        waiting = machine_allocate(sizeof *waiting);
    }
    for (link = waiting; *link != NULL && (*link)->address != (uint64_t)ref;) {
        link = &(*link)->next;
    }
    return link;
}

static void touch(const struct ex_rundown_ref *ref)
{
    machine_touch((uint64_t)ref, sizeof *ref, PAGER_WRITE);
}

static void initialize(struct ex_rundown_ref *ref, uint64_t count)
{
    touch(ref);
    ref->Count = count;
}

static uint8_t acquire(struct ex_rundown_ref *ref, uint32_t references)
{
    touch(ref);
    if (ref->Count & ACTIVE) {
        return 0;
    }
    ref->Count += (uint64_t)references * STEP;
    return 1;
}

static void release(struct ex_rundown_ref *ref, uint32_t references)
{
    touch(ref);
    ref->Count -= (uint64_t)references * STEP;
    if (ref->Count == ACTIVE) {
        struct rundown_waiters **link = waiters_of(ref);

        while (*link != NULL && ex_wake(&(*link)->queue)) {
        }
    }
}

static void wait_for_release(struct ex_rundown_ref *ref)
{
    struct rundown_waiters **link;

    touch(ref);
    ref->Count |= ACTIVE;
    if (ref->Count == ACTIVE) {
        return;
    }
    link = waiters_of(ref);
    if (*link == NULL) {
        *link = ex_heap_take(sizeof **link);
        (*link)->address = (uint64_t)ref;
    }
    ex_wait(&(*link)->queue, 0);
    /* Of several that were woken together the first one forgets the queue. */
    link = waiters_of(ref);
    if (*link != NULL && (*link)->queue.count == 0) {
        struct rundown_waiters *done = *link;

        *link = done->next;
        ex_heap_give(done);
    }
}

static void ExInitializeRundownProtection(struct ex_rundown_ref *ref)
{
    initialize(ref, 0);
}

static void ExReInitializeRundownProtection(struct ex_rundown_ref *ref)
{
    initialize(ref, 0);
}

static void ExRundownCompleted(struct ex_rundown_ref *ref)
{
    initialize(ref, ACTIVE);
}

static uint8_t ExAcquireRundownProtection(struct ex_rundown_ref *ref)
{
    return acquire(ref, 1);
}

static uint8_t ExAcquireRundownProtectionEx(struct ex_rundown_ref *ref, uint32_t count)
{
    return acquire(ref, count);
}

static void ExReleaseRundownProtection(struct ex_rundown_ref *ref)
{
    release(ref, 1);
}

static void ExReleaseRundownProtectionEx(struct ex_rundown_ref *ref, uint32_t count)
{
    release(ref, count);
}

static void ExWaitForRundownProtectionRelease(struct ex_rundown_ref *ref)
{
    wait_for_release(ref);
}

/* ---- cache-aware ---- */

static size_t ExSizeOfRundownProtectionCacheAware(void)
{
    return SIZE_OF_CACHE_AWARE;
}

static void ExInitializeRundownProtectionCacheAware(struct ex_rundown_ref *ref, size_t bytes)
{
    machine_touch((uint64_t)ref, bytes, PAGER_WRITE);
    initialize(ref, 0);
}

static uint64_t ExAllocateCacheAwareRundownProtection(uint32_t type, uint32_t tag)
{
    uint64_t arguments[] = {type, SIZE_OF_CACHE_AWARE, tag};
    uint64_t ref = call_ExAllocatePoolWithTag(arguments);

    if (ref != 0) {
        initialize(machine_pointer(ref), 0);
    }
    return ref;
}

static void ExFreeCacheAwareRundownProtection(uint64_t ref)
{
    ex_pool_free_checked(ref, 0);
}

static uint8_t ExAcquireRundownProtectionCacheAware(struct ex_rundown_ref *ref)
{
    return acquire(ref, 1);
}

static uint8_t ExAcquireRundownProtectionCacheAwareEx(struct ex_rundown_ref *ref, uint32_t count)
{
    return acquire(ref, count);
}

static void ExReleaseRundownProtectionCacheAware(struct ex_rundown_ref *ref)
{
    release(ref, 1);
}

static void ExReleaseRundownProtectionCacheAwareEx(struct ex_rundown_ref *ref, uint32_t count)
{
    release(ref, count);
}

static void ExWaitForRundownProtectionReleaseCacheAware(struct ex_rundown_ref *ref)
{
    wait_for_release(ref);
}

static void ExReInitializeRundownProtectionCacheAware(struct ex_rundown_ref *ref)
{
    initialize(ref, 0);
}

static void ExRundownCompletedCacheAware(struct ex_rundown_ref *ref)
{
    initialize(ref, ACTIVE);
}

NT_VOID1(ExInitializeRundownProtection, struct ex_rundown_ref *)
NT_VOID1(ExReInitializeRundownProtection, struct ex_rundown_ref *)
NT_VOID1(ExRundownCompleted, struct ex_rundown_ref *)
NT_CALL1(ExAcquireRundownProtection, struct ex_rundown_ref *)
NT_CALL2(ExAcquireRundownProtectionEx, struct ex_rundown_ref *, uint32_t)
NT_VOID1(ExReleaseRundownProtection, struct ex_rundown_ref *)
NT_VOID2(ExReleaseRundownProtectionEx, struct ex_rundown_ref *, uint32_t)
NT_VOID1(ExWaitForRundownProtectionRelease, struct ex_rundown_ref *)
NT_CALL0(size_t, ExSizeOfRundownProtectionCacheAware)
NT_VOID2(ExInitializeRundownProtectionCacheAware, struct ex_rundown_ref *, size_t)
NT_CALL2(ExAllocateCacheAwareRundownProtection, uint32_t, uint32_t)
NT_VOID1(ExFreeCacheAwareRundownProtection, uint64_t)
NT_CALL1(ExAcquireRundownProtectionCacheAware, struct ex_rundown_ref *)
NT_CALL2(ExAcquireRundownProtectionCacheAwareEx, struct ex_rundown_ref *, uint32_t)
NT_VOID1(ExReleaseRundownProtectionCacheAware, struct ex_rundown_ref *)
NT_VOID2(ExReleaseRundownProtectionCacheAwareEx, struct ex_rundown_ref *, uint32_t)
NT_VOID1(ExWaitForRundownProtectionReleaseCacheAware, struct ex_rundown_ref *)
NT_VOID1(ExReInitializeRundownProtectionCacheAware, struct ex_rundown_ref *)
NT_VOID1(ExRundownCompletedCacheAware, struct ex_rundown_ref *)
