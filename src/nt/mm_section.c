/* SPDX-License-Identifier: MIT */
/*
 * Pageable sections of drivers: lock by address and by handle, unlock, paging of a whole driver.
 *
 * The counts and what they do are section core's; here are the consequences that Windows gives a
 * mistake, and who made each lock.  A handle given to a driver is section core's own.
 *
 *   lock, address in no image or in no section   finding, bug check 0x1A, P1 0x1234
 *   lock by a handle of an unloaded image        finding, 0x1A, P1 0x1234
 *   unlock at count zero                         finding, 0x1A, P1 0x1010
 *   unlock by a handle of an unloaded image      finding, 0x1A, P1 0x1010
 *   P2 handle or address, P3 section base, P4 count (Microsoft documents P1 only)
 *   section could not be read                    0x7A
 */
#include "nt/ex.h"

#include <stdio.h>
#include <string.h>

#define MEMORY_MANAGEMENT 0x1A
#define NO_SUCH_SECTION   0x1234
#define NOT_LOCKED        0x1010

/* Callers that locked one section since its count last was zero, in the order of their first lock.
 */
struct lock_site {
    uint64_t caller;
    struct lock_site *next;
};
struct section_sites {
    pg_handle handle;
    struct lock_site *sites;
    struct section_sites *next;
};
static struct section_sites **all_sites; /* one pointer, in the arena */

static struct section_sites *sites_of(pg_handle handle)
{
    struct section_sites *s = *all_sites;

    while (s != NULL && s->handle != handle) {
        s = s->next;
    }
    return s;
}

static void add_site(pg_handle handle, uint64_t caller)
{
    struct section_sites *s = sites_of(handle);
    struct lock_site **end;

    if (s == NULL) {
        s = ex_heap_take(sizeof *s);
        *s = (struct section_sites){.handle = handle, .next = *all_sites};
        *all_sites = s;
    }
    for (end = &s->sites; *end != NULL; end = &(*end)->next) {
        if ((*end)->caller == caller) {
            return;
        }
    }
    *end = ex_heap_take(sizeof **end);
    (*end)->caller = caller;
}

static void forget_sites(pg_handle handle)
{
    struct section_sites **link = all_sites;
    struct section_sites *s;

    while (*link != NULL && (*link)->handle != handle) {
        link = &(*link)->next;
    }
    s = *link;
    if (s == NULL) {
        return;
    }
    *link = s->next;
    while (s->sites != NULL) {
        struct lock_site *site = s->sites;

        s->sites = site->next;
        ex_heap_give(site);
    }
    ex_heap_give(s);
}

uint32_t mm_lock_sites(pg_handle handle, uint64_t *sites, uint32_t max)
{
    const struct section_sites *s = sites_of(handle);
    uint32_t count = 0;

    for (const struct lock_site *site = s == NULL ? NULL : s->sites; site != NULL;
         site = site->next) {
        if (count < max) {
            sites[count] = site->caller;
        }
        count++;
    }
    return count;
}

/* ---- handles that drivers were given, to tell a stale one from one that never was ---- */

struct given_handle {
    pg_handle handle;
    char section[9], module[MODULE_NAME_BYTES];
    struct given_handle *next;
};
static struct given_handle **given_handles; /* one pointer, in the arena */

static const struct given_handle *given_handle(pg_handle handle)
{
    const struct given_handle *given = *given_handles;

    while (given != NULL && given->handle != handle) {
        given = given->next;
    }
    return given;
}

static void remember_handle(pg_handle handle, const struct pg_section_info *info)
{
    const struct module *module = module_at(info->desc->base);
    struct given_handle *given;

    if (given_handle(handle) != NULL) {
        return;
    }
    PG_ASSERT(module != NULL);
    given = machine_allocate(sizeof *given);
    *given = (struct given_handle){.handle = handle, .next = *given_handles};
    memcpy(given->section, info->desc->name, sizeof given->section);
    memcpy(given->module, module->name, sizeof given->module);
    *given_handles = given;
}

/* ---- common to all of them ---- */

void mm_section_start(void)
{
    all_sites = machine_allocate(sizeof *all_sites);
    given_handles = machine_allocate(sizeof *given_handles);
}

/* The section of a live handle; false for a stale one. */
static bool describe(pg_handle handle, struct pg_section_info *info)
{
    struct pg_image *image;
    uint32_t section;

    return pg_handle_query(machine_sections(), handle, &image, &section) == PG_OK &&
           pg_section_query(image, section, info) == PG_OK;
}

/* `address` lies in the section, or in the driver, that the call is about. */
static void check_irql(const char *what, uint64_t address)
{
    if (machine_irql() > APC_LEVEL) {
        machine_finding_about(RULE_LOCK_AT_RAISED_IRQL, 0, address,
                              "%s was called at IRQL %u; its highest is 1", what, machine_irql());
    }
}

static void check_irql_by_handle(const char *what, pg_handle handle)
{
    struct pg_section_info info;

    check_irql(what, describe(handle, &info) ? info.desc->base : 0);
}

static _Noreturn void no_section(uint64_t address, const char *what)
{
    char words[160];

    machine_blame(machine_finding(RULE_LOCK_UNKNOWN_ADDRESS, 0,
                                  "%s of address 0x%llx, which lies in no section of a driver",
                                  what, (unsigned long long)address));
    snprintf(words, sizeof words, "%s of address 0x%llx, which lies in no section of a driver",
             what, (unsigned long long)address);
    machine_bugcheck(MEMORY_MANAGEMENT, NO_SUCH_SECTION, address, 0, 0, words);
}

static _Noreturn void stale_handle(pg_handle handle, uint32_t p1, const char *what)
{
    const struct given_handle *given = given_handle(handle);
    char words[160];

    if (given != NULL) {
        machine_blame(machine_finding(RULE_HANDLE_AFTER_UNLOAD, 0,
                                      "%s with the handle of section %s of %s, which was unloaded",
                                      what, given->section, given->module));
    } else {
        machine_blame(machine_finding(RULE_LOCK_UNKNOWN_ADDRESS, 0,
                                      "%s with handle 0x%llx, which no lock ever returned", what,
                                      (unsigned long long)handle));
    }
    snprintf(words, sizeof words,
             "%s with handle 0x%llx, which belongs to no section of a loaded driver", what,
             (unsigned long long)handle);
    machine_bugcheck(MEMORY_MANAGEMENT, p1, handle, 0, 0, words);
}

/* Never returns for a failure. */
static void check_lock(pg_status status, uint64_t what_was_locked, pg_handle handle)
{
    struct pg_section_info info;

    switch (status) {
    case PG_OK:
        return;
    case PG_E_NO_IMAGE:
    case PG_E_NO_SECTION:
        no_section(what_was_locked, "lock");
    case PG_E_STALE:
        stale_handle(what_was_locked, NO_SUCH_SECTION, "lock");
    case PG_E_DISCARDED:
        machine_blame(machine_finding(RULE_INIT_CALLED_LATE, 0,
                                      "lock of an INIT section that was discarded"));
        machine_bugcheck(MEMORY_MANAGEMENT, NO_SUCH_SECTION, what_was_locked, 0, 0,
                         "lock of an INIT section that was discarded");
    case PG_E_OVERFLOW:
        PG_ASSERT(handle == 0 || describe(handle, &info));
        machine_bugcheck(MEMORY_MANAGEMENT, NO_SUCH_SECTION, what_was_locked,
                         handle == 0 ? 0 : info.desc->base, PG_LOCK_COUNT_MAX,
                         "a section was locked more often than its count can hold");
    default:
        machine_section_page_in_failed();
    }
}

/* Whether the section, as it is before the lock, could have left memory. */
static bool is_pageable(const struct pg_section_info *before)
{
    return before->desc->class == PG_PAGEABLE || before->pageable_now;
}

static bool pageable_at(uint64_t address)
{
    const struct pg_image *image = pg_image_find(machine_sections(), address);
    struct pg_section_info info;
    int64_t section;

    if (image == NULL) {
        return false;
    }
    section = pg_section_find(image, address);
    return section >= 0 && pg_section_query(image, (uint32_t)section, &info) == PG_OK &&
           is_pageable(&info);
}

/* `address` is 0 for a lock by handle. */
static void locked(pg_handle handle, uint64_t address, bool pageable)
{
    struct pg_section_info info;

    PG_ASSERT(describe(handle, &info));
    add_site(handle, machine_caller());
    if (address != 0) {
        remember_handle(handle, &info);
    }
    machine_section_event(address != 0 ? EVENT_LOCK : EVENT_LOCK_HANDLE, handle, info.lock_count,
                          machine_caller());
    machine_note_lock(handle, address != 0 ? FINDING_LOCK : FINDING_LOCK_BY_HANDLE,
                      info.lock_count);
    if (nt_hooks.section_locked != NULL) {
        nt_hooks.section_locked(handle);
    }
    /* A resident section that is locked already may be one of a driver that is paged as a whole. */
    if (!pageable && info.lock_count == 1) {
        machine_finding_about(RULE_LOCK_NONPAGED, 0, info.desc->base,
                              "section %s is not pageable: the lock has no effect",
                              info.desc->name);
    }
}

/* ---- exports ---- */

static pg_handle lock_address(uint64_t address, const char *what)
{
    bool pageable = pageable_at(address);
    pg_handle handle = 0;

    check_irql(what, address);
    check_lock(pg_lock_address(machine_sections(), address, &handle), address, 0);
    machine_counters()->section_locks_by_address++;
    locked(handle, address, pageable);
    return handle;
}

static pg_handle MmLockPagableDataSection(uint64_t address)
{
    return lock_address(address, "MmLockPagableDataSection");
}

static pg_handle MmLockPagableCodeSection(uint64_t address)
{
    return lock_address(address, "MmLockPagableCodeSection");
}

static void MmLockPagableSectionByHandle(pg_handle handle)
{
    struct pg_section_info before;
    bool pageable = describe(handle, &before) && is_pageable(&before);

    check_irql_by_handle("MmLockPagableSectionByHandle", handle);
    check_lock(pg_lock_handle(machine_sections(), handle), handle, handle);
    machine_counters()->section_locks_by_handle++;
    locked(handle, 0, pageable);
}

static _Noreturn void underflow(pg_handle handle)
{
    struct pg_section_info info;
    char words[160];

    PG_ASSERT(describe(handle, &info));
    machine_blame(machine_finding_about(RULE_UNLOCK_UNDERFLOW, 0, info.desc->base,
                                        "section %s was unlocked while its lock count was 0",
                                        info.desc->name));
    snprintf(words, sizeof words, "section %s was unlocked while its lock count was 0",
             info.desc->name);
    machine_bugcheck(MEMORY_MANAGEMENT, NOT_LOCKED, handle, info.desc->base, 0, words);
}

static void MmUnlockPagableImageSection(pg_handle handle)
{
    struct pg_section_info info;
    pg_status status;

    check_irql_by_handle("MmUnlockPagableImageSection", handle);
    status = pg_unlock(machine_sections(), handle);
    if (status == PG_E_UNDERFLOW) {
        underflow(handle);
    }
    if (status == PG_E_STALE) {
        stale_handle(handle, NOT_LOCKED, "unlock");
    }
    PG_ASSERT(status == PG_OK && describe(handle, &info));
    machine_counters()->section_unlocks++;
    machine_section_event(EVENT_UNLOCK, handle, info.lock_count, machine_caller());
    machine_note_lock(handle, FINDING_UNLOCK, info.lock_count);
    if (info.lock_count == 0) {
        forget_sites(handle);
        if (nt_hooks.section_released != NULL) {
            nt_hooks.section_released(handle);
        }
    }
}

static uint64_t MmPageEntireDriver(uint64_t address)
{
    uint64_t base = 0;

    check_irql("MmPageEntireDriver", address);
    if (pg_page_entire(machine_sections(), address, &base) != PG_OK) {
        no_section(address, "MmPageEntireDriver");
    }
    machine_module_event(EVENT_PAGE_ENTIRE, address, machine_caller());
    machine_note_paging(address, FINDING_PAGE_ENTIRE);
    if (nt_hooks.driver_paged != NULL) {
        nt_hooks.driver_paged(address);
    }
    return base;
}

static void MmResetDriverPaging(uint64_t address)
{
    pg_status status;

    check_irql("MmResetDriverPaging", address);
    status = pg_reset_paging(machine_sections(), address);
    if (status == PG_E_NO_IMAGE) {
        no_section(address, "MmResetDriverPaging");
    }
    if (status != PG_OK) {
        machine_section_page_in_failed();
    }
    machine_module_event(EVENT_RESET_PAGING, address, machine_caller());
    machine_note_paging(address, FINDING_RESET_PAGING);
}

NT_CALL1(MmLockPagableDataSection, uint64_t)
NT_CALL1(MmLockPagableCodeSection, uint64_t)
NT_VOID1(MmLockPagableSectionByHandle, pg_handle)
NT_VOID1(MmUnlockPagableImageSection, pg_handle)
NT_CALL1(MmPageEntireDriver, uint64_t)
NT_VOID1(MmResetDriverPaging, uint64_t)
