/* SPDX-License-Identifier: MIT */
/*
 * Calls with Wait TRUE: KeSetEvent, KePulseEvent, KeReleaseMutex, KeReleaseSemaphore.
 *
 * They leave the thread at DISPATCH_LEVEL with the dispatcher locked, for the wait that must be its
 * next call; only that thread can run in between, and interrupts.  Two rules follow:
 *
 *   wait-true-in-pageable    the code between the two calls lies in an unlocked pageable section
 *   wait-true-without-wait   something else followed
 */
#include "verify/private.h"

static const struct {
    const char *name;
    uint8_t wait; /* argument */
} signals[] = {
    {"KeSetEvent", 2},
    {"KePulseEvent", 2},
    {"KeReleaseSemaphore", 3},
    {"KeReleaseMutex", 1},
};

static const char *const waits[] = {
    "KeWaitForSingleObject",
    "KeWaitForMutexObject",
    "KeWaitForMultipleObjects",
};

/* A wait that is owed; in the arena. */
static struct debt {
    uint32_t thread; /* 0: none is owed */
    uint64_t site;   /* return address of the call with Wait TRUE */
    const struct nt_export *signal;
    const struct nt_export *waits[sizeof waits / sizeof *waits];
} * debt;

static bool wants_wait(const struct nt_export *export, const uint64_t *arguments)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (verify_row_named(signals[i].name) == verify_row(export)) {
            return (uint8_t)arguments[signals[i].wait] != 0;
        }
    }
    return false;
}

static void in_pageable(const struct nt_export *export)
{
    struct pg_section_info info;
    uint64_t site = machine_caller();

    if (where_pageable(site, &info)) {
        machine_suspect_raised(
            machine_finding(RULE_WAIT_TRUE_IN_PAGEABLE, 0,
                            "%s with Wait TRUE returns at DISPATCH_LEVEL to section %s, which is "
                            "pageable and not locked",
                            export->name, info.desc->name),
            info.desc->base, (uint64_t)info.desc->pages * PG_PAGE_SIZE);
    }
}

static void check(const struct nt_export *export, const uint64_t *arguments)
{
    const struct thread *thread = machine_thread();

    if (thread == NULL || machine_irql() > APC_LEVEL || !wants_wait(export, arguments)) {
        return;
    }
    in_pageable(export);
    debt->thread = thread->id;
    debt->site = machine_caller();
    debt->signal = export;
}

void wait_true_start(void)
{
    debt = machine_allocate(sizeof *debt);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        verify_add_check(signals[i].name, check);
    }
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        debt->waits[i] = nt_export_find(waits[i]);
    }
}

/* What an interrupt does on the thread's stack meanwhile is none of its doing. */
static bool is_owed(void)
{
    const struct thread *thread = machine_thread();

    return debt->thread != 0 && thread != NULL && debt->thread == thread->id &&
           machine_irql() <= DISPATCH_LEVEL;
}

/* The site is a return address whose call is over: its line is that of the byte before it. */
static void report(const char *instead)
{
    debt->thread = 0;
    machine_suspect_raised(machine_finding_with(RULE_WAIT_TRUE_WITHOUT_WAIT, debt->site - 1, NULL,
                                                0, "%s was called with Wait TRUE, and %s followed",
                                                debt->signal->name, instead),
                           0, UINT64_MAX);
}

bool wait_true_pays(const struct nt_export *export)
{
    if (!is_owed()) {
        return false;
    }
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        if (export == debt->waits[i]) {
            debt->thread = 0;
            return true;
        }
    }
    report(export->name);
    return false;
}

bool wait_true_left(void)
{
    bool owed = is_owed();

    if (owed) {
        report("a return to the system");
    }
    return owed;
}
