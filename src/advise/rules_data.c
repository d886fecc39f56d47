/* SPDX-License-Identifier: MIT */
/*
 * Data that may not be there when it is touched: in PAGE sections at raised IRQL, and objects of
 * the kernel in pageable memory.
 */
#include "advise/audit.h"

#include <string.h>

/* ---- accesses ---- */

/* A string or constant has no name of its own: the section says where it is. */
static void look_at_accesses(struct audit *audit, uint32_t function)
{
    const struct summary *summary = &audit->infer->summaries[function];
    struct entered entered = audit_entered(audit, function);
    uint8_t said[IMAGE_MAX_SECTIONS] = {0};

    for (uint32_t i = 0; i < summary->access_count; i++) {
        const struct infer_access *access = &audit->infer->accesses[summary->first_access + i];
        uint32_t section = audit_section(audit, access->rva);
        struct judgement judged;

        if (section == NO_INDEX || access->address_only || said[section] ||
            !audit_section_pageable(audit, section)) {
            continue;
        }
        judged = audit_judge(&entered, access->at, access->vague, IRQL_RAISED);
        if (!judged.wrong) {
            continue;
        }
        said[section] = 1;
        if (audit_may_be_locked(audit, section)) {
            audit->lock_excused++;
            continue;
        }
        audit_report(audit, RULE_PAGEABLE_AT_RAISED_IRQL, judged.verdict, function, access->micro,
                     judged.at,
                     advice_text(audit->builder,
                                 "%s %s data of section %s, which is pageable, at "
                                 "%s",
                                 audit->program->functions[function].name,
                                 access->writes ? "writes" : "reads",
                                 audit->image->sections[section].name, audit_set_name(judged.at)),
                     NULL);
    }
}

/* ---- objects of the kernel ---- */

/* A call that the kernel is given an object in, which it touches at DISPATCH_LEVEL. */
struct object_use {
    uint32_t function, micro;
    const char *callee;
    enum rule rule;
    uint32_t section; /* that the object is in; NO_INDEX: in paged pool */
    const char *pool; /* the routine that gave it */
    uint64_t object;  /* the same for the same object */
};

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* What argument 0 of a routine is, where it has to be resident. */
static bool takes_object(const struct contract *contract, enum rule *rule)
{
    if (begins(contract->name, "ExQueueWorkItem")) {
        *rule = RULE_WORK_ITEM_PAGEABLE;
        return true;
    }
    *rule = RULE_SYNC_OBJECT_PAGEABLE;
    return (contract->traits & (TRAIT_INITIALIZES_LOCK | TRAIT_SPIN_ACQUIRE | TRAIT_WAIT_TRUE)) !=
               0 &&
           !begins(contract->name, "Wdf") && !begins(contract->name, "IoAcquire");
}

static bool use_of_site(const struct audit *audit, uint32_t function, const struct infer_site *site,
                        struct object_use *use)
{
    const struct contract *contract = audit_contract(audit, site);
    struct value object = site->arguments[0];
    bool paged;

    if (contract == NULL || !takes_object(contract, &use->rule)) {
        return false;
    }
    use->function = function;
    use->micro = site->micro;
    use->callee = contract->name;
    if (object.kind == VALUE_ADDRESS) {
        use->section = audit_section(audit, (uint32_t)object.number);
        use->object = (uint32_t)object.number;
        return audit_section_pageable(audit, use->section);
    }
    use->section = NO_INDEX;
    use->object = (uint64_t)(object.index + 1) << 32 | (uint32_t)object.number;
    use->pool = audit_pool(audit, function, &object, &paged);
    return paged;
}

static void report_use(const struct audit *audit, const struct object_use *use)
{
    const char *what = use->rule == RULE_WORK_ITEM_PAGEABLE ? "a work item" : "an object";
    const char *name = audit->program->functions[use->function].name;

    audit_report(audit, use->rule, VERDICT_DEFINITE, use->function, use->micro, 0,
                 use->section != NO_INDEX
                     ? advice_text(audit->builder,
                                   "%s gives %s %s in section %s, which is pageable", name,
                                   use->callee, what, audit->image->sections[use->section].name)
                     : advice_text(audit->builder, "%s gives %s %s in paged pool (from %s)", name,
                                   use->callee, what, use->pool),
                 NULL);
}

/* Initializing an object comes first, whatever is done with it elsewhere; objects that are only
 * used are told of where they are used first in the image. */
static void look_at_objects(const struct audit *audit, bool initializing, uint64_t *told,
                            uint32_t room, uint32_t *count)
{
    for (uint32_t f = 0; f < audit->program->function_count; f++) {
        const struct summary *summary = &audit->infer->summaries[f];

        for (uint32_t i = 0; i < summary->site_count; i++) {
            const struct infer_site *site = &audit->infer->sites[summary->first_site + i];
            const struct contract *contract = audit_contract(audit, site);
            struct object_use use = {.rule = RULE_SYNC_OBJECT_PAGEABLE};
            bool known = false;

            if (contract == NULL ||
                ((contract->traits & TRAIT_INITIALIZES_LOCK) != 0) != initializing ||
                !use_of_site(audit, f, site, &use)) {
                continue;
            }
            for (uint32_t k = 0; k < *count && !known; k++) {
                known = told[k] == use.object;
            }
            if (!known && *count < room) {
                told[(*count)++] = use.object;
                report_use(audit, &use);
            }
        }
    }
}

#define OBJECTS_TOLD 256u /* findings of objects per image; nobody reads more */

void rules_data(struct audit *audit)
{
    uint64_t told[OBJECTS_TOLD];
    uint32_t count = 0;

    look_at_objects(audit, true, told, OBJECTS_TOLD, &count);
    look_at_objects(audit, false, told, OBJECTS_TOLD, &count);
    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        /* What a pageable routine does while it is raised follows from its being raised. */
        if (!audit_runs_pageable(audit, i)) {
            look_at_accesses(audit, i);
        }
    }
}
