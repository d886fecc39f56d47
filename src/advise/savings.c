/* SPDX-License-Identifier: MIT */
/*
 * could-be-pageable and isolate: resident routines that nobody needs raised.
 *
 * PROVEN: every caller and every role is at APC_LEVEL at most, and nothing in it raises the IRQL.
 * ASSUMED: the same, but transfer or power requests lead to it, which some drivers get raised, or
 * it calls through pointers that could not be followed. EVIDENCE: somebody unknown may call it, but
 * every way through it calls what is only allowed at APC_LEVEL or below, so that no correct caller
 * is above.
 */
#include "advise/savings.h"

#include <string.h>

#include "base/host.h"

#define SMALLEST 16u /* bytes of a routine that is worth a word */

/* ---- evidence ---- */

/* The contract that a site holds its callers to: allowed at <= APC_LEVEL only, and what is called
 * raised would be called raised here. */
static const struct contract *proof_at(const struct audit *audit, const struct infer_site *site)
{
    const struct contract *contract = audit_contract(audit, site);

    if (contract == NULL || !contract->documented || contract->disputed || !site->cases_certain ||
        (contract->traits & (TRAIT_SPIN_RELEASE | TRAIT_LOWER)) != 0 ||
        IRQL_ROW(site->before, IRQL_D) != IRQL_BIT(IRQL_D) || IRQL_ROW(site->vague, IRQL_D) != 0) {
        return NULL;
    }
    for (unsigned i = 0; i < contract->case_count; i++) {
        if ((site->cases & 1u << i) != 0 && (contract->cases[i].entry & IRQL_RAISED) != 0) {
            return NULL;
        }
    }
    return contract;
}

/* Mark the blocks of a function that hold a proof; the first contract, or NULL. */
static const struct contract *mark_proofs(const struct audit *audit, uint32_t function,
                                          uint8_t *marked)
{
    const struct function *body = &audit->program->functions[function];
    const struct summary *summary = &audit->infer->summaries[function];
    const struct contract *first = NULL;

    memset(marked, 0, body->block_count);
    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &audit->infer->sites[summary->first_site + i];
        const struct contract *contract = proof_at(audit, site);

        if (contract != NULL) {
            marked[audit->program->calls[site->call].block - body->first_block] = 1;
            first = first != NULL ? first : contract;
        }
    }
    return first;
}

/* A routine that every way through a function calls at <= APC_LEVEL; NULL: there is a way without.
 * `scratch` as isolate_region has it. */
static const struct contract *proof_of(const struct audit *audit, uint32_t function, void *scratch)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    uint32_t *stack = scratch;
    uint8_t *seen = (uint8_t *)scratch + sizeof(uint32_t) * body->block_count;
    const struct contract *proof = mark_proofs(audit, function, seen);
    uint32_t depth = 0;

    if (proof == NULL || seen[0]) {
        return proof;
    }
    stack[depth++] = 0;
    seen[0] = 1;
    while (depth > 0) {
        const struct block *block = &program->blocks[body->first_block + stack[--depth]];

        if (block->returns || block->unresolved || block->successor_count == 0) {
            return NULL; /* out, without any */
        }
        for (uint32_t i = 0; i < block->successor_count; i++) {
            uint32_t next = program->successors[block->first_successor + i] - body->first_block;

            if (!seen[next]) {
                seen[next] = 1;
                stack[depth++] = next;
            }
        }
    }
    return proof;
}

/* ---- who calls it ---- */

/* The pageable section that all callers of a function are in and that is never locked; NO_INDEX. */
static uint32_t section_of_callers(const struct audit *audit, uint32_t function)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    uint32_t section = NO_INDEX;

    for (uint32_t i = 0; i < body->caller_count; i++) {
        const struct call *call = &program->calls[program->callers[body->first_caller + i]];
        uint32_t from = program->functions[program->blocks[call->block].function].section;

        if (!audit_section_pageable(audit, from) || (section != NO_INDEX && section != from)) {
            return NO_INDEX;
        }
        section = from;
    }
    return audit->infer->entries[function].role != ROLE_NONE ? NO_INDEX : section;
}

static const char *proven_words(const struct audit *audit, uint32_t function, uint32_t section)
{
    const struct entry *entry = &audit->infer->entries[function];

    if (section != NO_INDEX) {
        return advice_text(audit->builder, "only section %s calls it",
                           audit->image->sections[section].name);
    }
    if (entry->role != ROLE_NONE) {
        return advice_text(
            audit->builder, "entered at <= APC_LEVEL %s%s", audit_role_words(audit, function),
            audit->program->functions[function].caller_count != 0 ? " and by its callers" : "");
    }
    return "every caller is at <= APC_LEVEL";
}

static bool early_only(const struct audit *audit, uint32_t function)
{
    const struct function *body = &audit->program->functions[function];

    return !audit_fact(audit, function, FACT_LATE) && !body->address_taken &&
           (body->caller_count != 0 || audit->infer->entries[function].role == ROLE_DRIVER_ENTRY);
}

/* ---- candidates ---- */

bool savings_raised_inside(const struct audit *audit, uint32_t function)
{
    const struct summary *summary = &audit->infer->summaries[function];
    irql_set raised = 0;

    for (unsigned irql = IRQL_P; irql <= IRQL_A; irql++) {
        for (uint32_t i = 0; i < summary->site_count; i++) {
            const struct infer_site *site = &audit->infer->sites[summary->first_site + i];

            raised |= IRQL_ROW(site->before, irql) | IRQL_ROW(site->after, irql);
        }
        raised |= IRQL_ROW(summary->returns, irql);
    }
    return (raised & IRQL_RAISED) != 0;
}

static bool may_move(const struct audit *audit, uint32_t function)
{
    const struct function *body = &audit->program->functions[function];
    const struct entry *entry = &audit->infer->entries[function];
    const struct image_section *section = &audit->image->sections[body->section];

    return audit->image->pageable && section->class == PG_RESIDENT && section->executable &&
           !body->incomplete && body->bytes >= SMALLEST && body->block_count != 0 &&
           !role_text(entry->role)->must_be_resident && !role_text(entry->role)->better_resident &&
           !audit_fact(audit, function, FACT_PAGING_PATH) &&
           ((entry->possible | entry->certain) & IRQL_RAISED) == 0;
}

/* Whether it calls somebody who is not known, who may even be what raises. */
static bool calls_unknown(const struct audit *audit, uint32_t function)
{
    const struct function *body = &audit->program->functions[function];

    for (uint32_t i = 0; i < body->call_count; i++) {
        if (audit->program->calls[body->first_call + i].target == CALL_UNRESOLVED) {
            return true;
        }
    }
    return false;
}

/* What has to be so for a routine that is not proven to be pageable all the same. */
static const char *assumption(const struct audit *audit, uint32_t function)
{
    const struct entry *entry = &audit->infer->entries[function];

    if (calls_unknown(audit, function)) {
        return "what it calls through pointers does not raise the IRQL";
    }
    return entry->role == ROLE_DISPATCH_POWER
               ? "all devices have DO_POWER_PAGABLE and none is on the paging path"
               : "the driver serves no paging I/O and no driver above calls it raised";
}

static bool classify(const struct audit *audit, uint32_t function, void *scratch,
                     struct candidate *candidate)
{
    const struct entry *entry = &audit->infer->entries[function];
    uint32_t section = section_of_callers(audit, function);

    candidate->target =
        section != NO_INDEX && !audit_may_be_locked(audit, section)
            ? advice_text(audit->builder, "%s", audit->image->sections[section].name)
            : "PAGE";
    const struct contract *proof;
    bool known = !entry->unknown && !entry->role_inferred && entry->possible != 0 &&
                 (entry->elsewhere & IRQL_RAISED) == 0;

    /* What is called from PAGE only would be wrong there already if it came raised. */
    if (known && !calls_unknown(audit, function) &&
        ((entry->paging & IRQL_RAISED) == 0 ||
         (section != NO_INDEX && !audit_may_be_locked(audit, section)))) {
        candidate->class = ADVICE_PROVEN;
        candidate->evidence = proven_words(audit, function, section);
        if (early_only(audit, function)) {
            candidate->target = "INIT";
            candidate->evidence = "only DriverEntry leads to it";
        }
        return true;
    }
    proof = proof_of(audit, function, scratch);
    if (proof != NULL) {
        candidate->class = ADVICE_EVIDENCE;
        candidate->evidence = advice_text(audit->builder,
                                          "every way through it calls %s, which is only allowed at "
                                          "<= APC_LEVEL",
                                          proof->name);
    } else if (known) {
        candidate->class = ADVICE_ASSUMED;
        candidate->evidence =
            advice_text(audit->builder, "%s, as long as %s", proven_words(audit, function, section),
                        assumption(audit, function));
    }
    return proof != NULL || known;
}

static bool consider(const struct audit *audit, uint32_t function, void *scratch,
                     struct candidate *candidate)
{
    const struct function *body = &audit->program->functions[function];

    *candidate = (struct candidate){
        .function = function,
        .kind = SAVING_MOVE,
        .from = body->section,
        .bytes = body->bytes,
        .set = ADVICE_NO_SET,
    };
    if (!may_move(audit, function) || !classify(audit, function, scratch, candidate)) {
        return false;
    }
    if (!savings_raised_inside(audit, function)) {
        return audit_wants(audit, RULE_COULD_BE_PAGEABLE);
    }
    candidate->kind = SAVING_ISOLATE;
    if (!audit_wants(audit, RULE_ISOLATE) || strcmp(candidate->target, "INIT") == 0 ||
        !isolate_region(audit, function, scratch, &candidate->region) ||
        candidate->region.bytes > body->bytes / 2) {
        return false;
    }
    candidate->bytes = body->bytes - candidate->region.bytes;
    return candidate->bytes >= SMALLEST;
}

/* ---- all ---- */

static void add_savings(const struct audit *audit, const struct candidates *candidates)
{
    for (uint32_t i = 0; i < candidates->count; i++) {
        const struct candidate *one = &candidates->items[i];
        struct advice_saving saving = {
            .kind = (enum advice_saving_kind)one->kind,
            .class = (enum advice_class)one->class,
            .evidence = one->evidence,
            .bytes = one->bytes,
            .pages = one->pages,
            .target = one->target,
            .set = one->set,
        };

        if (!one->kept) {
            continue;
        }
        saving.place = audit_place(audit, audit->program->functions[one->function].rva);
        saving.region_begin = saving.region_end =
            (struct advice_place){.function = "", .section = ""};
        if (one->kind == SAVING_ISOLATE) {
            saving.region_begin = audit_micro_place(audit, one->region.begin);
            saving.region_end = audit_micro_place(audit, one->region.end);
            saving.region_bytes = one->region.bytes;
        }
        advice_add_saving(audit->builder, &saving);
    }
}

pg_status advise_savings(struct audit *audit)
{
    uint32_t functions = audit->program->function_count;
    struct candidates candidates = {
        .items = host.allocate(sizeof *candidates.items * (functions + (size_t)1)),
    };
    void *scratch = host.allocate(isolate_scratch(audit->program));
    pg_status status = PG_E_NO_MEMORY;

    if (candidates.items != NULL && scratch != NULL) {
        for (uint32_t i = 0; i < functions; i++) {
            candidates.count += consider(audit, i, scratch, &candidates.items[candidates.count]);
        }
        status = savings_sets(audit, &candidates);
        if (status == PG_OK) {
            add_savings(audit, &candidates);
            status = savings_pragmas(audit, &candidates);
        }
    }
    host.release(scratch);
    host.release(candidates.items);
    return status;
}
