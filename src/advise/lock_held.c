/* SPDX-License-Identifier: MIT */
/*
 * Whether a section that the driver locks is locked when its routines run.
 *
 * Where every lock is undone in the function that made it, the section is locked exactly inside
 * such functions and what they call: from the roots, which nobody has locked it for, through all
 * calls, to its routines.  Where a handle is kept, as from create to close, the image does not say
 * when it is locked, and its routines are left alone.
 */
#include "advise/lock_flow.h"

#include <string.h>

#include "base/host.h"

struct held {
    struct audit *audit;
    struct lock_flow flow;
    uint8_t *state; /* per function: set of enum lock_state, for the section being followed */
    uint8_t *done;  /* per function: what of it has been passed on */
    uint8_t *taken; /* per function: its address is used for more than locking its section */
    uint32_t *stack;
    uint32_t depth;
};

/* ---- sections whose locks are all undone where they were made ---- */

static bool is_lock_of(const struct audit *audit, const struct infer_site *site, uint32_t section)
{
    const struct contract *contract = audit_contract(audit, site);

    return contract != NULL && (contract->traits & TRAIT_SECTION_LOCK) != 0 &&
           site->arguments[0].kind == VALUE_ADDRESS &&
           audit_section(audit, (uint32_t)site->arguments[0].number) == section;
}

/* A handle that never leaves its function can be locked again only there. */
static bool locks_by_handle(const struct audit *audit, uint32_t function)
{
    const struct summary *summary = &audit->infer->summaries[function];

    for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
        const struct contract *contract = audit_contract(audit, &audit->infer->sites[i]);

        if (contract != NULL && (contract->traits & TRAIT_SECTION_LOCK_HANDLE) != 0) {
            return true;
        }
    }
    return false;
}

/* Weigh all locks of a section; false when one is kept. */
static bool weigh_section(struct held *held, uint32_t section)
{
    const struct audit *audit = held->audit;

    for (uint32_t f = 0; f < audit->program->function_count; f++) {
        const struct summary *summary = &audit->infer->summaries[f];

        for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
            struct lock_fate fate;
            bool unsure;

            if (!is_lock_of(audit, &audit->infer->sites[i], section)) {
                continue;
            }
            fate = lock_fate(&held->flow, f, i);
            if (fate.escapes || fate.global != NO_INDEX || locks_by_handle(audit, f) ||
                lock_weigh(&held->flow, f, i, &unsure) == 0 || unsure) {
                return false;
            }
        }
    }
    return true;
}

/* ---- through the calls ---- */

static void enter(struct held *held, uint32_t function, unsigned state)
{
    if ((state & ~(unsigned)held->state[function]) != 0) {
        held->state[function] |= (uint8_t)state;
        held->stack[held->depth++] = function;
    }
}

/* A lock takes the address of a routine, and does not call it. */
static void find_taken(struct held *held)
{
    const struct audit *audit = held->audit;

    for (uint32_t i = 0; i < audit->infer->pointer_count; i++) {
        const struct infer_pointer *pointer = &audit->infer->pointers[i];
        const struct contract *contract = audit_contract_of(audit, pointer->call);

        held->taken[pointer->function] |=
            contract == NULL || (contract->traits & TRAIT_SECTION_LOCK) == 0;
    }
    for (uint32_t i = 0; i < audit->program->pointer_count; i++) {
        uint32_t target, function;

        if (program_pointer_at(audit->program, audit->program->pointers[i], &target)) {
            function = program_function_at(audit->program, target);
            if (function != NO_INDEX) {
                held->taken[function] = 1;
            }
        }
    }
}

static bool is_root(const struct held *held, uint32_t function)
{
    const struct audit *audit = held->audit;
    const struct entry *entry = &audit->infer->entries[function];
    const struct function *body = &audit->program->functions[function];

    return entry->role != ROLE_NONE || held->taken[function] || body->caller_count == 0 ||
           (body->sources & FROM_EXPORT) != 0;
}

/* What a call made with these counts enters its callee with.  Two counts: whoever locks under a
 * condition is trusted to call under the same one. */
static unsigned state_of(unsigned counts)
{
    return counts == FREE ? LOCK_FREE : LOCK_HELD;
}

/* Pass on what is new of a function, and note it at calls into the section. */
static void pass_on(struct held *held, uint32_t function, uint32_t section, unsigned state)
{
    const struct audit *audit = held->audit;
    const struct function *body = &audit->program->functions[function];
    const struct summary *summary = &audit->infer->summaries[function];

    if (state & LOCK_FREE) {
        lock_flow_run(&held->flow, function);
    }
    for (uint32_t b = 0; b < body->block_count; b++) {
        const struct block *block = &audit->program->blocks[body->first_block + b];
        unsigned counts = held->flow.in[b];

        for (uint32_t i = infer_first_site(audit->infer, summary, block->first_micro);
             i < summary->first_site + summary->site_count &&
             lock_in_block(block, audit->infer->sites[i].micro);
             i++) {
            uint32_t callee = audit_callee(audit, &audit->infer->sites[i]);
            unsigned entered = state & LOCK_HELD;

            if ((state & LOCK_FREE) != 0 && counts != 0) {
                entered |= state_of(counts);
            }
            counts = lock_shift(counts, held->flow.weights[i]);
            if (callee == NO_INDEX || entered == 0) {
                continue;
            }
            if (audit->program->functions[callee].section == section) {
                held->audit->site_locks[i] |= (uint8_t)entered;
            }
            enter(held, callee, entered);
        }
    }
}

static void follow(struct held *held, uint32_t section)
{
    const struct program *program = held->audit->program;

    memset(held->state, 0, program->function_count);
    memset(held->done, 0, program->function_count);
    held->depth = 0;
    for (uint32_t i = 0; i < program->function_count; i++) {
        if (is_root(held, i)) {
            enter(held, i, LOCK_FREE);
        }
    }
    while (held->depth > 0) {
        uint32_t function = held->stack[--held->depth];
        unsigned fresh = held->state[function] & ~(unsigned)held->done[function];

        held->done[function] |= (uint8_t)fresh;
        pass_on(held, function, section, fresh);
    }
    for (uint32_t i = 0; i < program->function_count; i++) {
        if (program->functions[i].section == section) {
            held->audit->function_locks[i] = held->state[i];
        }
    }
}

static void look_at_sections(struct held *held)
{
    struct audit *audit = held->audit;

    find_taken(held);
    for (uint32_t s = 0; s < audit->image->section_count; s++) {
        if ((audit->section_facts[s] & SECTION_LOCKED_HERE) == 0 || audit->locks_unknown) {
            continue;
        }
        if (weigh_section(held, s)) {
            audit->section_facts[s] |= SECTION_LOCKED_LOCALLY;
            follow(held, s);
        }
        memset(held->flow.weights, 0, audit->infer->site_count);
    }
}

pg_status audit_lock_states(struct audit *audit)
{
    size_t count = audit->program->function_count + (size_t)1;
    struct held held = {.audit = audit};
    pg_status status = lock_flow_begin(audit, &held.flow);

    held.state = host.allocate(count);
    held.done = host.allocate(count);
    held.taken = host.allocate(count);
    held.stack = host.allocate(sizeof *held.stack * count * 2);
    audit->function_locks = host.allocate(count);
    audit->site_locks = host.allocate(audit->infer->site_count + (size_t)1);
    if (held.state == NULL || held.done == NULL || held.taken == NULL || held.stack == NULL ||
        audit->function_locks == NULL || audit->site_locks == NULL) {
        status = PG_E_NO_MEMORY;
    }
    if (status == PG_OK) {
        look_at_sections(&held);
    }
    host.release(held.state);
    host.release(held.done);
    host.release(held.taken);
    host.release(held.stack);
    lock_flow_end(&held.flow);
    return status;
}

enum lock_excuse audit_lock_excuse(const struct audit *audit, uint32_t section, unsigned state)
{
    if (!audit_may_be_locked(audit, section)) {
        return EXCUSE_NONE;
    }
    if ((audit->section_facts[section] & SECTION_LOCKED_LOCALLY) == 0 || (state & LOCK_FREE) == 0) {
        return EXCUSE_LOCKED;
    }
    return (state & LOCK_HELD) != 0 ? EXCUSE_CONDITION : EXCUSE_NONE;
}

bool audit_runs_pageable(const struct audit *audit, uint32_t function)
{
    return audit_fact(audit, function, FACT_PAGEABLE) &&
           audit_lock_excuse(audit, audit->program->functions[function].section,
                             audit->function_locks[function]) != EXCUSE_LOCKED;
}

const char *audit_lock_condition(const struct audit *audit, uint32_t function)
{
    return advice_text(audit->builder, "unless %s is locked then",
                       audit->image->sections[audit->program->functions[function].section].name);
}
