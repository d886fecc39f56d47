/* SPDX-License-Identifier: MIT */
/* Routines whose role alone says that they must be resident. */
#include "advise/audit.h"

/* An ISR may come at any time, so no lock of its section is an excuse for it. */
static bool excused(struct audit *audit, uint32_t function, enum role role)
{
    if (role == ROLE_ISR || audit_fact(audit, function, FACT_INIT) ||
        !audit_may_be_locked(audit, audit->program->functions[function].section)) {
        return false;
    }
    audit->lock_excused++;
    return true;
}

static void look_at_role(struct audit *audit, uint32_t function)
{
    const struct function *body = &audit->program->functions[function];
    const struct entry *entry = &audit->infer->entries[function];
    const struct role_text *role = role_text(entry->role);

    if (entry->role == ROLE_NONE || !audit_fact(audit, function, FACT_PAGEABLE | FACT_INIT)) {
        return;
    }
    if (role->must_be_resident && !excused(audit, function, entry->role)) {
        audit_report(audit, RULE_MUST_BE_RESIDENT_ROLE,
                     entry->role_inferred ? VERDICT_POSSIBLE : VERDICT_DEFINITE, function,
                     audit_first_micro(audit, function), 0,
                     advice_text(audit->builder, "%s is in section %s, and the system calls it %s",
                                 body->name, audit->image->sections[body->section].name,
                                 audit_role_words(audit, function)),
                     NULL);
    } else if (audit_serves_paging(audit, function) && audit_fact(audit, function, FACT_PAGEABLE) &&
               !excused(audit, function, entry->role)) {
        audit_report(audit, RULE_PAGING_PATH_PAGEABLE,
                     entry->role_inferred ? VERDICT_POSSIBLE : VERDICT_DEFINITE, function,
                     audit_first_micro(audit, function), 0,
                     advice_text(audit->builder, "%s is in section %s, and serves paging I/O %s",
                                 body->name, audit->image->sections[body->section].name,
                                 audit_role_words(audit, function)),
                     NULL);
    }
}

void rules_roles(struct audit *audit)
{
    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        look_at_role(audit, i);
    }
}
