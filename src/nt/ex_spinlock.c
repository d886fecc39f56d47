/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer spin locks (EX_SPIN_LOCK): the low 31 bits count readers, the top bit is the
 * writer.
 *
 * On one processor a lock that cannot be had at once is never had: the processor would spin for
 * ever, so it is the bug check of a lock that is owned already.
 */
#include "nt/ex.h"

#define WRITER 0x80000000u

static void touch(uint32_t *lock)
{
    machine_touch((uint64_t)lock, sizeof *lock, PAGER_WRITE);
}

static _Noreturn void spins_for_ever(const uint32_t *lock)
{
    machine_bugcheck(0x0F, (uint64_t)lock, 0, 0, 0,
                     "a reader-writer spin lock was acquired that is held already: on real "
                     "hardware the processor spins for ever");
}

static void own_exclusive(uint32_t *lock)
{
    machine_counters()->spin_locks_acquired++;
    touch(lock);
    if (*lock != 0) {
        spins_for_ever(lock);
    }
    *lock = WRITER;
}

static void own_shared(uint32_t *lock)
{
    machine_counters()->spin_locks_acquired++;
    touch(lock);
    if (*lock & WRITER) {
        spins_for_ever(lock);
    }
    ++*lock;
}

static void disown_exclusive(uint32_t *lock)
{
    touch(lock);
    if (*lock != WRITER) {
        machine_bugcheck(0x10, (uint64_t)lock, 0, 0, 0,
                         "a reader-writer spin lock was released that is not held exclusively");
    }
    *lock = 0;
}

static void disown_shared(uint32_t *lock)
{
    touch(lock);
    if (*lock == 0 || (*lock & WRITER)) {
        machine_bugcheck(0x10, (uint64_t)lock, 0, 0, 0,
                         "a reader-writer spin lock was released that is not held shared");
    }
    --*lock;
}

static uint8_t to_dispatch_level(void)
{
    if (machine_irql() < DISPATCH_LEVEL) {
        return machine_raise(DISPATCH_LEVEL);
    }
    machine_trim_by_policy();
    return machine_irql();
}

static void from_dispatch_level(uint8_t irql)
{
    if (irql > machine_irql()) {
        machine_bugcheck(0x0A, irql, machine_irql(), 0, machine_caller(),
                         "a spin lock was released to a higher IRQL than the current one");
    }
    machine_lower(irql);
}

static uint8_t ExAcquireSpinLockExclusive(uint32_t *lock)
{
    uint8_t old = to_dispatch_level();

    own_exclusive(lock);
    return old;
}

static uint8_t ExAcquireSpinLockShared(uint32_t *lock)
{
    uint8_t old = to_dispatch_level();

    own_shared(lock);
    return old;
}

static void ExReleaseSpinLockExclusive(uint32_t *lock, uint8_t irql)
{
    disown_exclusive(lock);
    from_dispatch_level(irql);
}

static void ExReleaseSpinLockShared(uint32_t *lock, uint8_t irql)
{
    disown_shared(lock);
    from_dispatch_level(irql);
}

static void ExAcquireSpinLockExclusiveAtDpcLevel(uint32_t *lock)
{
    machine_trim_by_policy();
    own_exclusive(lock);
}

static void ExAcquireSpinLockSharedAtDpcLevel(uint32_t *lock)
{
    machine_trim_by_policy();
    own_shared(lock);
}

static void ExReleaseSpinLockExclusiveFromDpcLevel(uint32_t *lock)
{
    disown_exclusive(lock);
}

static void ExReleaseSpinLockSharedFromDpcLevel(uint32_t *lock)
{
    disown_shared(lock);
}

static uint32_t ExTryConvertSharedSpinLockExclusive(uint32_t *lock)
{
    touch(lock);
    if (*lock == 0 || (*lock & WRITER)) {
        machine_bugcheck(0x10, (uint64_t)lock, 0, 0, 0,
                         "a reader-writer spin lock was converted that is not held shared");
    }
    if (*lock != 1) {
        return 0;
    }
    *lock = WRITER;
    return 1;
}

NT_CALL1(ExAcquireSpinLockExclusive, uint32_t *)
NT_CALL1(ExAcquireSpinLockShared, uint32_t *)
NT_VOID2(ExReleaseSpinLockExclusive, uint32_t *, uint8_t)
NT_VOID2(ExReleaseSpinLockShared, uint32_t *, uint8_t)
NT_VOID1(ExAcquireSpinLockExclusiveAtDpcLevel, uint32_t *)
NT_VOID1(ExAcquireSpinLockSharedAtDpcLevel, uint32_t *)
NT_VOID1(ExReleaseSpinLockExclusiveFromDpcLevel, uint32_t *)
NT_VOID1(ExReleaseSpinLockSharedFromDpcLevel, uint32_t *)
NT_CALL1(ExTryConvertSharedSpinLockExclusive, uint32_t *)
