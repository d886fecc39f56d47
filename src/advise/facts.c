/* SPDX-License-Identifier: MIT */
/*
 * What the rules have in common, found once: in which kind of section each function is, of which
 * major functions it is the dispatch routine, whether it runs after DriverEntry, and which sections
 * the driver locks.
 */
#include "advise/audit.h"

#include "advise/ddk.h"
#include "base/host.h"

/* Read, write, device control, power: what paging I/O comes by. */
#define PAGING_PATH_MAJORS                                                                         \
    (1u << IRP_MJ_READ | 1u << IRP_MJ_WRITE | 1u << IRP_MJ_DEVICE_CONTROL | 1u << IRP_MJ_POWER)

/* ---- sections ---- */

static void note_address(struct audit *audit, const struct value *address)
{
    uint32_t section =
        address->kind == VALUE_ADDRESS ? audit_section(audit, (uint32_t)address->number) : NO_INDEX;

    if (section != NO_INDEX) {
        audit->section_facts[section] |= SECTION_LOCKED_HERE;
    } else {
        audit->locks_unknown = true;
    }
}

/* What the callers of a helper give it; a helper of a helper is not followed. */
static void note_callers(struct audit *audit, uint32_t function, uint32_t argument)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];

    for (uint32_t i = 0; i < body->caller_count; i++) {
        const struct call *call = &program->calls[program->callers[body->first_caller + i]];
        const struct infer_site *site =
            infer_site_at(audit->infer, program->blocks[call->block].function, call->micro);

        if (site != NULL && argument < INFER_ARGUMENTS) {
            note_address(audit, &site->arguments[argument]);
        }
    }
    audit->locks_unknown |= body->address_taken || (body->sources & FROM_EXPORT) != 0;
}

static void note_lock(struct audit *audit, uint32_t function, const struct infer_site *site)
{
    const struct contract *contract = audit_contract(audit, site);
    const struct value *address = &site->arguments[0];

    if (contract == NULL) {
        return;
    }
    audit->paged_whole |= (contract->traits & TRAIT_PAGE_ENTIRE) != 0;
    if ((contract->traits & TRAIT_SECTION_LOCK) == 0) {
        return;
    }
    if (address->kind == VALUE_ARGUMENT && address->bytes == 0) {
        note_callers(audit, function, address->index);
    } else {
        note_address(audit, address);
    }
}

static void note_locks(struct audit *audit)
{
    for (uint32_t f = 0; f < audit->program->function_count; f++) {
        const struct summary *summary = &audit->infer->summaries[f];

        for (uint32_t i = 0; i < summary->site_count; i++) {
            note_lock(audit, f, &audit->infer->sites[summary->first_site + i]);
        }
    }
}

/* ---- functions ---- */

static void note_sections(struct audit *audit)
{
    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        uint32_t section = audit->program->functions[i].section;

        if (audit_section_pageable(audit, section)) {
            audit->facts[i] |= FACT_PAGEABLE;
        } else if (section < audit->image->section_count &&
                   audit->image->sections[section].class == PG_DISCARDABLE) {
            audit->facts[i] |= FACT_INIT;
        }
    }
}

static bool is_dispatch(enum role role)
{
    return role == ROLE_DISPATCH || role == ROLE_DISPATCH_TRANSFER || role == ROLE_DISPATCH_POWER;
}

static void note_majors(struct audit *audit)
{
    for (uint32_t i = 0; i < audit->infer->pointer_count; i++) {
        const struct infer_pointer *pointer = &audit->infer->pointers[i];
        int64_t place = (int64_t)((uint64_t)pointer->base.number + (uint64_t)pointer->offset) -
                        DRIVER_MAJOR_FUNCTION;

        if (pointer->call == NO_INDEX && place >= 0 && place < 8 * MAJOR_FUNCTIONS &&
            place % 8 == 0 && is_dispatch(audit->infer->entries[pointer->function].role)) {
            audit->majors[pointer->function] |= 1u << (place / 8);
        }
    }
}

bool audit_serves_paging(const struct audit *audit, uint32_t function)
{
    enum role role = audit->infer->entries[function].role;

    return audit->options->paging_path &&
           ((audit->majors[function] & PAGING_PATH_MAJORS) != 0 || role == ROLE_DISPATCH_TRANSFER ||
            role == ROLE_DISPATCH_POWER);
}

bool audit_role_is_late(enum role role)
{
    switch (role) {
    case ROLE_NONE:
    case ROLE_DRIVER_ENTRY:
    case ROLE_REINITIALIZE: /* INIT stays until it has run */
    case ROLE_SYNCHRONIZE:  /* what runs before the call that it is handed to returns */
    case ROLE_IPI:
    case ROLE_ANY_IRQL: /* what may */
    case ROLE_POST_OPERATION:
    case ROLE_POWER_UP:
    case ROLE_PASSIVE:
    case ROLE_APC_AT_MOST:
    case ROLE_RAISED:
        return false;
    default:
        return true;
    }
}

static unsigned late_root(const struct audit *audit, uint32_t function)
{
    const struct function *body = &audit->program->functions[function];
    const struct entry *entry = &audit->infer->entries[function];

    if (audit_fact(audit, function, FACT_INIT)) {
        return 0;
    }
    if (audit_role_is_late(entry->role)) {
        return entry->role_inferred ? FACT_LATE : FACT_LATE | FACT_LATE_SURELY;
    }
    if (entry->role == ROLE_DRIVER_ENTRY) {
        return 0;
    }
    return entry->role != ROLE_NONE || entry->unknown || body->address_taken ||
                   (body->sources & FROM_EXPORT) != 0
               ? FACT_LATE
               : 0;
}

/* Where paging I/O enters, or may: a call through a pointer leads to some routine that others enter
 * too, for all that is known. */
static unsigned paging_root(const struct audit *audit, uint32_t function)
{
    return audit_serves_paging(audit, function) ||
                   (audit->options->paging_path && audit->infer->entries[function].unknown)
               ? FACT_PAGING_PATH
               : 0;
}

/* From the roots through calls, but not through INIT: what is called from there runs early, or is
 * wrong for another reason. */
static void spread(struct audit *audit, uint32_t *stack, unsigned fact,
                   unsigned (*root)(const struct audit *audit, uint32_t function))
{
    const struct program *program = audit->program;
    uint32_t depth = 0;

    for (uint32_t i = 0; i < program->function_count; i++) {
        if ((root(audit, i) & fact) != 0) {
            audit->facts[i] |= (uint16_t)fact;
            stack[depth++] = i;
        }
    }
    while (depth > 0) {
        const struct function *body = &program->functions[stack[--depth]];

        for (uint32_t i = 0; i < body->call_count; i++) {
            const struct call *call = &program->calls[body->first_call + i];

            if (call->target == CALL_FUNCTION &&
                !audit_fact(audit, call->index, fact | FACT_INIT)) {
                audit->facts[call->index] |= (uint16_t)fact;
                stack[depth++] = call->index;
            }
        }
    }
}

pg_status audit_begin(struct audit *audit)
{
    size_t count = audit->program->function_count + (size_t)1, sites = audit->infer->site_count;
    uint32_t *stack = host.allocate(sizeof *stack * count);

    audit->facts = host.allocate(sizeof *audit->facts * count);
    audit->majors = host.allocate(sizeof *audit->majors * count);
    audit->contracts = host.allocate(sizeof(*audit->contracts) * (sites + 1));
    if (stack == NULL || audit->facts == NULL || audit->majors == NULL ||
        audit->contracts == NULL) {
        host.release(stack);
        return PG_E_NO_MEMORY;
    }
    for (size_t i = 0; i < sites; i++) {
        audit->contracts[i] = audit_contract_of(audit, audit->infer->sites[i].call);
    }
    note_locks(audit);
    note_sections(audit);
    note_majors(audit);
    spread(audit, stack, FACT_LATE, late_root);
    spread(audit, stack, FACT_LATE_SURELY, late_root);
    spread(audit, stack, FACT_PAGING_PATH, paging_root);
    host.release(stack);
    return audit_lock_states(audit);
}

void audit_end(struct audit *audit)
{
    host.release(audit->facts);
    host.release(audit->majors);
    host.release(audit->function_locks);
    host.release(audit->site_locks);
    host.release(audit->contracts);
}
