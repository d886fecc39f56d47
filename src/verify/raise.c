/* SPDX-License-Identifier: MIT */
/*
 * spin-lock-in-pageable and raise-in-pageable: code that goes to DISPATCH_LEVEL and goes on in an
 * unlocked pageable section.  Reported when it does so, whether or not its pages are out.
 */
#include "verify/private.h"

#include <string.h>

/* Each goes to DISPATCH_LEVEL at least, or is called there. */
static const char *const acquires[] = {
    "ExAcquireSpinLockExclusive",       "ExAcquireSpinLockExclusiveAtDpcLevel",
    "ExAcquireSpinLockShared",          "ExAcquireSpinLockSharedAtDpcLevel",
    "IoAcquireCancelSpinLock",          "IoAcquireVpbSpinLock",
    "KeAcquireInStackQueuedSpinLock",   "KeAcquireInStackQueuedSpinLockAtDpcLevel",
    "KeAcquireInterruptSpinLock",       "KeAcquireSpinLockAtDpcLevel",
    "KeAcquireSpinLockForDpc",          "KeAcquireSpinLockRaiseToDpc",
    "KeTryToAcquireSpinLockAtDpcLevel",
};

/* The finding, unless what follows from the last one is not over yet. */
static void goes_up(enum rule rule, uint64_t place, const char *what)
{
    struct pg_section_info info;
    const struct thread *thread = machine_thread();
    int finding;

    if (!machine_rule_on(rule) || !where_pageable(place, &info) || thread == NULL ||
        machine_suspected(place) >= 0) {
        return;
    }
    finding = machine_finding(rule, place,
                              "after %s the code goes on at raised IRQL in section %s, which is "
                              "pageable and not locked",
                              what, info.desc->name);
    machine_suspect_raised(finding, info.desc->base, (uint64_t)info.desc->pages * PG_PAGE_SIZE);
}

static void acquire(const struct nt_export *export, const uint64_t *arguments)
{
    (void)arguments;
    /* Below its lowest IRQL it does not raise: that is another mistake, api-irql. */
    if (machine_irql() >= verify_row(export)->lowest) {
        goes_up(RULE_SPIN_LOCK_IN_PAGEABLE, machine_caller(), export->name);
    }
}

static void raise_to_argument(const struct nt_export *export, const uint64_t *arguments)
{
    if ((uint8_t)arguments[0] >= DISPATCH_LEVEL && (uint8_t)arguments[0] <= HIGH_LEVEL) {
        goes_up(RULE_RAISE_IN_PAGEABLE, machine_caller(), export->name);
    }
}

static void raise(const struct nt_export *export, const uint64_t *arguments)
{
    (void)arguments;
    goes_up(RULE_RAISE_IN_PAGEABLE, machine_caller(), export->name);
}

void raise_inline(uint64_t place, uint8_t irql)
{
    (void)irql;
    goes_up(RULE_RAISE_IN_PAGEABLE, place, "a write to CR8");
}

void raise_start(void)
{
    for (size_t i = 0; i < sizeof acquires / sizeof *acquires; i++) {
        verify_add_check(acquires[i], acquire);
    }
    verify_add_check("KfRaiseIrql", raise_to_argument);
    verify_add_check("KeRaiseIrqlToDpcLevel", raise);
}
