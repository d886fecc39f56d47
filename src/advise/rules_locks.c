/* SPDX-License-Identifier: MIT */
/*
 * Locks of sections: what is locked, and in which order with other things.  How often is in
 * lock_balance.c, and at which IRQL in rules_irql.c.
 */
#include "advise/audit.h"

/* ---- what is locked ---- */

static void look_at_address(const struct audit *audit, uint32_t function,
                            const struct infer_site *site)
{
    const struct value *address = &site->arguments[0];
    const char *name = audit->program->functions[function].name, *pool;
    const char *callee = audit_callee_name(audit, site);
    uint32_t section;
    bool paged;

    pool = audit_pool(audit, function, address, &paged);
    if (pool != NULL || address->kind == VALUE_STACK) {
        audit_report(audit, RULE_LOCK_UNKNOWN_ADDRESS, VERDICT_DEFINITE, function, site->micro, 0,
                     advice_text(audit->builder, "%s gives %s memory %s%s, which is in no image",
                                 name, callee, pool != NULL ? "from " : "on its stack",
                                 pool != NULL ? pool : ""),
                     NULL);
        return;
    }
    if (address->kind != VALUE_ADDRESS || address->bytes != 0) {
        return;
    }
    section = audit_section(audit, (uint32_t)address->number);
    if (section == NO_INDEX) {
        audit_report(
            audit, RULE_LOCK_UNKNOWN_ADDRESS, VERDICT_DEFINITE, function, site->micro, 0,
            advice_text(audit->builder, "%s gives %s an address in no section", name, callee),
            NULL);
    } else if (audit->image->sections[section].class != PG_PAGEABLE) {
        audit_report(audit, RULE_LOCK_NONPAGED, VERDICT_DEFINITE, function, site->micro, 0,
                     advice_text(audit->builder, "%s locks section %s, which is not pageable", name,
                                 audit->image->sections[section].name),
                     NULL);
    }
}

/* ---- order ---- */

/* Whether an earlier site of the function locks a section by address, or may: a helper, or a way
 * through a pointer. */
static bool locked_before(const struct audit *audit, uint32_t function, uint32_t site)
{
    const struct summary *summary = &audit->infer->summaries[function];

    for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
        const struct infer_site *other = &audit->infer->sites[i];
        const struct contract *contract = audit_contract(audit, other);
        uint32_t callee = audit_callee(audit, other);

        if (i == site) {
            break;
        }
        if (contract != NULL && (contract->traits & TRAIT_SECTION_LOCK) != 0) {
            return true;
        }
        if (callee == NO_INDEX) {
            continue;
        }
        for (uint32_t k = 0; k < audit->infer->summaries[callee].site_count; k++) {
            const struct contract *deeper = audit_contract(
                audit, &audit->infer->sites[audit->infer->summaries[callee].first_site + k]);

            if (deeper != NULL && (deeper->traits & TRAIT_SECTION_LOCK) != 0) {
                return true;
            }
        }
    }
    return false;
}

/* A handle is what a lock by address gave: DriverEntry, the first to run, has none before. */
static void look_at_handle(const struct audit *audit, uint32_t function, uint32_t site)
{
    if (audit->infer->entries[function].role != ROLE_DRIVER_ENTRY ||
        locked_before(audit, function, site)) {
        return;
    }
    audit_report(audit, RULE_HANDLE_AFTER_UNLOAD, VERDICT_POSSIBLE, function,
                 audit->infer->sites[site].micro, 0,
                 advice_text(audit->builder,
                             "%s locks by handle before it has locked any section by address",
                             audit->program->functions[function].name),
                 "unless the handle is of another driver that is still loaded");
}

/*
 * MmPageEntireDriver, and then IoDisconnectInterrupt: in between the interrupt was connected.  From
 * the first on, over all ways of the function, until something that changes either.
 */
static bool disconnects_after(const struct audit *audit, uint32_t function, uint32_t site)
{
    const struct program *program = audit->program;
    const struct summary *summary = &audit->infer->summaries[function];
    uint32_t block = program->calls[audit->infer->sites[site].call].block;

    for (uint32_t steps = 0; steps < program->functions[function].block_count; steps++) {
        for (uint32_t i = site + 1; i < summary->first_site + summary->site_count; i++) {
            const struct infer_site *other = &audit->infer->sites[i];
            const struct contract *contract = audit_contract(audit, other);

            if (contract == NULL || program->calls[other->call].block != block) {
                continue;
            }
            if (contract->traits & (TRAIT_RESET_PAGING | TRAIT_CONNECTS_INTERRUPT)) {
                return false;
            }
            if (contract->traits & TRAIT_DISCONNECTS_INTERRUPT) {
                return true;
            }
        }
        if (program->blocks[block].successor_count == 0) {
            return false;
        }
        block = program->successors[program->blocks[block].first_successor];
    }
    return false;
}

static void look_at_page_entire(const struct audit *audit, uint32_t function, uint32_t site)
{
    if (disconnects_after(audit, function, site)) {
        audit_report(audit, RULE_PAGE_ENTIRE_WITH_INTERRUPT, VERDICT_DEFINITE, function,
                     audit->infer->sites[site].micro, 0,
                     advice_text(audit->builder,
                                 "%s makes the whole driver pageable, and disconnects its "
                                 "interrupt only then",
                                 audit->program->functions[function].name),
                     NULL);
    }
}

void rules_locks(struct audit *audit)
{
    for (uint32_t f = 0; f < audit->program->function_count; f++) {
        const struct summary *summary = &audit->infer->summaries[f];

        for (uint32_t i = summary->first_site; i < summary->first_site + summary->site_count; i++) {
            const struct contract *contract = audit_contract(audit, &audit->infer->sites[i]);

            if (contract == NULL) {
                continue;
            }
            if (contract->traits & TRAIT_SECTION_LOCK) {
                look_at_address(audit, f, &audit->infer->sites[i]);
            }
            if (contract->traits & TRAIT_SECTION_LOCK_HANDLE) {
                look_at_handle(audit, f, i);
            }
            if (contract->traits & TRAIT_PAGE_ENTIRE) {
                look_at_page_entire(audit, f, i);
            }
        }
    }
}
