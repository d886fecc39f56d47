/* SPDX-License-Identifier: MIT */
/*
 * IRQL and spin locks.
 *
 * On one processor a spin lock is its IRQL and a mark in the driver's memory; spinning on a lock
 * that is held would never end, so it is the bug check of a lock that is owned already.
 */
#include "nt/ke.h"

static uint8_t KeGetCurrentIrql(void)
{
    return machine_irql();
}

static uint8_t KfRaiseIrql(uint8_t irql)
{
    uint8_t now = machine_irql();

    if (irql < now || irql > HIGH_LEVEL) {
        machine_bugcheck(0x09, now, irql, 0, machine_caller(),
                         "KeRaiseIrql to a lower or impossible IRQL");
    }
    return machine_raise(irql);
}

static uint8_t KeRaiseIrqlToDpcLevel(void)
{
    return KfRaiseIrql(DISPATCH_LEVEL);
}

static void KeLowerIrql(uint8_t irql)
{
    uint8_t now = machine_irql();

    if (irql > now) {
        machine_bugcheck(0x0A, irql, now, 0, machine_caller(), "KeLowerIrql to a higher IRQL");
    }
    machine_lower(irql);
}

NT_CALL0(uint8_t, KeGetCurrentIrql)
NT_CALL1(KfRaiseIrql, uint8_t)
NT_CALL0(uint8_t, KeRaiseIrqlToDpcLevel)
NT_VOID1(KeLowerIrql, uint8_t)

/* ---- spin locks ---- */

static void KeInitializeSpinLock(uint64_t *lock)
{
    machine_touch((uint64_t)lock, sizeof *lock, PAGER_WRITE);
    *lock = 0;
}

void ke_take_spin_lock(uint64_t *lock)
{
    machine_touch((uint64_t)lock, sizeof *lock, PAGER_WRITE);
    if (*lock != 0) {
        machine_bugcheck(0x0F, (uint64_t)lock, 0, 0, 0,
                         "a spin lock was acquired that is held already: on real hardware the "
                         "processor spins for ever");
    }
    *lock = 1;
}

static void own(uint64_t *lock)
{
    machine_counters()->spin_locks_acquired++;
    ke_take_spin_lock(lock);
}

void ke_give_spin_lock(uint64_t *lock)
{
    machine_touch((uint64_t)lock, sizeof *lock, PAGER_WRITE);
    if (*lock == 0) {
        machine_bugcheck(0x10, (uint64_t)lock, 0, 0, 0,
                         "a spin lock was released that nobody holds");
    }
    *lock = 0;
}

uint8_t ke_acquire_spin_lock(uint64_t *lock)
{
    uint8_t old = machine_irql();

    if (old < DISPATCH_LEVEL) {
        machine_raise(DISPATCH_LEVEL);
    } else {
        machine_trim_by_policy();
    }
    own(lock);
    return old;
}

void ke_release_spin_lock(uint64_t *lock, uint8_t irql)
{
    uint8_t now = machine_irql();

    ke_give_spin_lock(lock);
    if (irql > now) {
        machine_bugcheck(0x0A, irql, now, 0, machine_caller(),
                         "a spin lock was released to a higher IRQL than the current one");
    }
    machine_lower(irql);
}

static uint8_t KeAcquireSpinLockRaiseToDpc(uint64_t *lock)
{
    return ke_acquire_spin_lock(lock);
}

static void KeReleaseSpinLock(uint64_t *lock, uint8_t irql)
{
    ke_release_spin_lock(lock, irql);
}

static void KeAcquireSpinLockAtDpcLevel(uint64_t *lock)
{
    machine_trim_by_policy();
    own(lock);
}

static void KeReleaseSpinLockFromDpcLevel(uint64_t *lock)
{
    ke_give_spin_lock(lock);
}

static uint8_t KeTryToAcquireSpinLockAtDpcLevel(uint64_t *lock)
{
    machine_touch((uint64_t)lock, sizeof *lock, PAGER_WRITE);
    if (*lock != 0) {
        return 0;
    }
    machine_trim_by_policy();
    own(lock);
    return 1;
}

static uint8_t KeTestSpinLock(uint64_t *lock)
{
    machine_touch((uint64_t)lock, sizeof *lock, PAGER_READ);
    return *lock == 0;
}

/* In a threaded DPC these may stay at PASSIVE_LEVEL; here every DPC runs at DISPATCH_LEVEL. */
static uint8_t KeAcquireSpinLockForDpc(uint64_t *lock)
{
    return ke_acquire_spin_lock(lock);
}

static void KeReleaseSpinLockForDpc(uint64_t *lock, uint8_t irql)
{
    ke_release_spin_lock(lock, irql);
}

NT_VOID1(KeInitializeSpinLock, uint64_t *)
NT_CALL1(KeAcquireSpinLockRaiseToDpc, uint64_t *)
NT_VOID2(KeReleaseSpinLock, uint64_t *, uint8_t)
NT_VOID1(KeAcquireSpinLockAtDpcLevel, uint64_t *)
NT_VOID1(KeReleaseSpinLockFromDpcLevel, uint64_t *)
NT_CALL1(KeTryToAcquireSpinLockAtDpcLevel, uint64_t *)
NT_CALL1(KeTestSpinLock, uint64_t *)
NT_CALL1(KeAcquireSpinLockForDpc, uint64_t *)
NT_VOID2(KeReleaseSpinLockForDpc, uint64_t *, uint8_t)

/* ---- queued spin locks: the handle keeps the lock and the old IRQL ---- */

static void fill_handle(struct klock_queue_handle *handle, uint64_t *lock, uint8_t irql)
{
    handle->LockQueue.Next = NULL;
    handle->LockQueue.Lock = lock;
    handle->OldIrql = irql;
}

static void KeAcquireInStackQueuedSpinLock(uint64_t *lock, struct klock_queue_handle *handle)
{
    uint8_t old;

    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    old = ke_acquire_spin_lock(lock);
    fill_handle(handle, lock, old);
}

static void KeReleaseInStackQueuedSpinLock(struct klock_queue_handle *handle)
{
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_READ);
    ke_release_spin_lock(handle->LockQueue.Lock, handle->OldIrql);
}

static void KeAcquireInStackQueuedSpinLockAtDpcLevel(uint64_t *lock,
                                                     struct klock_queue_handle *handle)
{
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    machine_trim_by_policy();
    own(lock);
    fill_handle(handle, lock, DISPATCH_LEVEL);
}

static void KeReleaseInStackQueuedSpinLockFromDpcLevel(struct klock_queue_handle *handle)
{
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_READ);
    ke_give_spin_lock(handle->LockQueue.Lock);
}

NT_VOID2(KeAcquireInStackQueuedSpinLock, uint64_t *, struct klock_queue_handle *)
NT_VOID1(KeReleaseInStackQueuedSpinLock, struct klock_queue_handle *)
NT_VOID2(KeAcquireInStackQueuedSpinLockAtDpcLevel, uint64_t *, struct klock_queue_handle *)
NT_VOID1(KeReleaseInStackQueuedSpinLockFromDpcLevel, struct klock_queue_handle *)

/* ---- critical and guarded regions ---- */

static void KeEnterCriticalRegion(void)
{
    ke_current()->normal_apc_disable++;
}

static void leave(uint32_t *count, const char *words)
{
    if (*count == 0) {
        machine_bugcheck(0x01, machine_caller(), 0, 0, 0, words);
    }
    (*count)--;
}

static void KeLeaveCriticalRegion(void)
{
    leave(&ke_current()->normal_apc_disable, "a critical region was left that was not entered");
}

static void KeEnterGuardedRegion(void)
{
    ke_current()->all_apc_disable++;
}

static void KeLeaveGuardedRegion(void)
{
    leave(&ke_current()->all_apc_disable, "a guarded region was left that was not entered");
}

static uint8_t KeAreAllApcsDisabled(void)
{
    return ke_current()->all_apc_disable > 0 || machine_irql() >= APC_LEVEL;
}

bool ke_normal_apcs_disabled(void)
{
    return ke_current()->normal_apc_disable > 0 || KeAreAllApcsDisabled();
}

static uint8_t KeAreApcsDisabled(void)
{
    return ke_normal_apcs_disabled();
}

NT_VOID0(KeEnterCriticalRegion)
NT_VOID0(KeLeaveCriticalRegion)
NT_VOID0(KeEnterGuardedRegion)
NT_VOID0(KeLeaveGuardedRegion)
NT_CALL0(uint8_t, KeAreAllApcsDisabled)
NT_CALL0(uint8_t, KeAreApcsDisabled)

static void KeBugCheckEx(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4)
{
    machine_bugcheck(code, p1, p2, p3, p4, "the driver itself called KeBugCheckEx");
}

static void KeBugCheck(uint32_t code)
{
    machine_bugcheck(code, 0, 0, 0, 0, "the driver itself called KeBugCheck");
}

NT_VOID5(KeBugCheckEx, uint32_t, uint64_t, uint64_t, uint64_t, uint64_t)
NT_VOID1(KeBugCheck, uint32_t)
