/* SPDX-License-Identifier: MIT */
/*
 * must-be-resident-role: routines that the system calls at raised IRQL at a moment of its own.
 *
 * They are looked at when they are handed over for use (queued, set, connected, sent), not when the
 * structure that names them is initialized: their section may be locked in between.  An ISR is
 * never fine in INIT, and neither is any other routine there, since the call may come after
 * DriverEntry.
 */
#include "nt/io.h"
#include "verify/private.h"

#include <stdio.h>

static bool in_init(uint64_t routine)
{
    const struct module *module = module_at(routine);
    int64_t section = module == NULL ? -1 : pg_section_find(module->sections, routine);
    struct pg_section_info info;

    return section >= 0 && pg_section_query(module->sections, (uint32_t)section, &info) == PG_OK &&
           info.desc->class == PG_DISCARDABLE;
}

void roles_check(uint64_t routine, const char *what)
{
    struct pg_section_info info;
    uint64_t base, bytes;
    bool pageable;

    if (routine == 0 || !machine_rule_on(RULE_MUST_BE_RESIDENT_ROLE)) {
        return;
    }
    pageable = where_pageable(routine, &info);
    if (!pageable && !in_init(routine)) {
        return;
    }
    where_function(routine, &base, &bytes);
    machine_suspect(
        machine_finding(RULE_MUST_BE_RESIDENT_ROLE, routine, "%s lies in section %s, which is %s",
                        what, machine_section_name(routine),
                        pageable ? "pageable and not locked" : "discarded after initialization"),
        base, bytes);
}

/* ---- DPCs, also of timers ---- */

static void dpc_at(uint64_t address, const char *what)
{
    struct kdpc dpc;

    if (where_peek(address, &dpc, sizeof dpc)) {
        roles_check((uint64_t)dpc.DeferredRoutine, what);
    }
}

static void queues_dpc(const struct nt_export *export, const uint64_t *arguments)
{
    (void)export;
    dpc_at(arguments[0], "a DPC routine that is queued");
}

static void sets_timer(const struct nt_export *export, const uint64_t *arguments)
{
    /* The DPC is the last argument. */
    dpc_at(arguments[export->argument_count - 1], "the DPC routine of a timer that is set");
}

/* ---- requests ---- */

static void sends(const struct nt_export *export, const uint64_t *arguments)
{
    struct io_stack_location next;
    struct irp irp;

    (void)export;
    if (where_peek(arguments[1], &irp, sizeof irp) && irp.CurrentLocation > 1 &&
        where_peek((uint64_t)(irp.Tail.Overlay.CurrentStackLocation - 1), &next, sizeof next) &&
        (next.Control & (SL_INVOKE_ON_CANCEL | SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR)) != 0) {
        roles_check((uint64_t)next.CompletionRoutine, "the completion routine of a request");
    }
}

static void starts_packet(const struct nt_export *export, const uint64_t *arguments)
{
    struct device_object device;
    struct driver_object driver;

    (void)export;
    roles_check(arguments[3], "the cancel routine of a request");
    if (where_peek(arguments[0], &device, sizeof device) &&
        where_peek((uint64_t)device.DriverObject, &driver, sizeof driver)) {
        roles_check((uint64_t)driver.DriverStartIo, "the StartIo routine of a device");
    }
}

static void starts_timer(const struct nt_export *export, const uint64_t *arguments)
{
    (void)export;
    if (io_device_find(arguments[0]) != NULL) {
        roles_check(io_timer_routine(machine_pointer(arguments[0])),
                    "the timer routine of a device");
    }
}

/* ---- interrupts ---- */

static void connected(const struct nt_interrupt *interrupt)
{
    roles_check(interrupt->routine, "an interrupt service routine that is connected");
}

static void synchronizes(const struct nt_export *export, const uint64_t *arguments)
{
    (void)export;
    roles_check(arguments[1], "a routine that KeSynchronizeExecution calls");
}

void roles_start(void)
{
    static const char *const timers[] = {"KeSetTimer", "KeSetTimerEx"};
    static const char *const senders[] = {"IofCallDriver", "IoCallDriver", "PoCallDriver"};

    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        verify_add_check(timers[i], sets_timer);
    }
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        verify_add_check(senders[i], sends);
    }
    verify_add_check("KeInsertQueueDpc", queues_dpc);
    verify_add_check("IoStartPacket", starts_packet);
    verify_add_check("IoStartTimer", starts_timer);
    verify_add_check("KeSynchronizeExecution", synchronizes);
    nt_hooks.interrupt_connected = connected;
}
