/* SPDX-License-Identifier: MIT */
/*
 * pageable-at-raised-irql for code: raised code that is resident calls into a PAGE section, or the
 * system does.  The finding is at the routine that is called: that is what may not be there.
 *
 * irql-left-raised: a routine that the system calls returns higher than it was called.
 */
#include "advise/audit.h"

#include "base/host.h"

#define BLAME_DEPTH 16u /* how deep the blame for a raised return is handed on */

/* ---- calls into pageable code ---- */

/* The surest call of a pageable function from raised code; verdict VERDICT_COUNT: none. */
struct worst {
    uint8_t verdict;
    bool locked; /* some call is excused by a lock of the section */
    irql_set at;
    uint32_t caller;
};

/* True when the section is locked at a call, as far as is known; then the judgement is dropped. */
static bool excuse_call(const struct audit *audit, uint32_t site, uint32_t callee,
                        struct judgement *judged)
{
    switch (audit_lock_excuse(audit, audit->program->functions[callee].section,
                              audit->site_locks[site])) {
    case EXCUSE_LOCKED:
        judged->wrong = false;
        return true;
    case EXCUSE_CONDITION:
        judged->verdict = judged->verdict == VERDICT_DEFINITE ? VERDICT_POSSIBLE : judged->verdict;
        return true;
    default:
        return false;
    }
}

static void look_at_callers(struct audit *audit, uint32_t caller, struct worst *worst)
{
    const struct summary *summary = &audit->infer->summaries[caller];
    struct entered entered = audit_entered(audit, caller);

    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &audit->infer->sites[summary->first_site + i];
        uint32_t callee = audit_callee(audit, site);
        struct judgement judged;

        if (callee == NO_INDEX || !audit_fact(audit, callee, FACT_PAGEABLE)) {
            continue;
        }
        judged = audit_judge(&entered, site->before, site->vague, IRQL_RAISED);
        if (judged.wrong) {
            worst[callee].locked |= excuse_call(audit, summary->first_site + i, callee, &judged);
        }
        if (judged.wrong && judged.verdict < worst[callee].verdict) {
            worst[callee].verdict = (uint8_t)judged.verdict;
            worst[callee].at = judged.at;
            worst[callee].caller = caller;
        }
    }
}

/* True when a finding, or an excuse, was made of it. */
static bool report_called(struct audit *audit, uint32_t function, const struct worst *worst)
{
    const struct function *called = &audit->program->functions[function];

    if (worst->verdict >= VERDICT_COUNT) {
        audit->lock_excused += worst->locked;
        return worst->locked;
    }
    audit_report(audit, RULE_PAGEABLE_AT_RAISED_IRQL, (enum verdict)worst->verdict, function,
                 audit_first_micro(audit, function), worst->at,
                 advice_text(audit->builder,
                             "%s is in section %s, which is pageable, and %s calls "
                             "it at %s",
                             called->name, audit->image->sections[called->section].name,
                             audit->program->functions[worst->caller].name,
                             audit_set_name(worst->at)),
                 worst->locked ? audit_lock_condition(audit, function) : NULL);
    return true;
}

/* A pageable routine with a role that may come raised; roles that must be resident whatever they do
 * have a rule of their own. */
static void report_role(struct audit *audit, uint32_t function)
{
    const struct function *called = &audit->program->functions[function];
    const struct entry *entry = &audit->infer->entries[function];
    const struct role_text *role = role_text(entry->role);
    irql_set raised = role->possible & IRQL_RAISED;

    if (entry->role == ROLE_NONE || role->must_be_resident || raised == 0) {
        return;
    }
    if (entry->role == ROLE_DISPATCH_POWER || entry->role == ROLE_DISPATCH_TRANSFER) {
        return; /* see paging-path-pageable */
    }
    if (audit_may_be_locked(audit, called->section)) {
        audit->lock_excused++;
        return;
    }
    audit_report(audit, RULE_PAGEABLE_AT_RAISED_IRQL,
                 (role->certain & IRQL_PAGEABLE) == 0 && role->certain != 0 && !entry->role_inferred
                     ? VERDICT_DEFINITE
                     : VERDICT_POSSIBLE,
                 function, audit_first_micro(audit, function), raised,
                 advice_text(audit->builder,
                             "%s is in section %s, which is pageable, and may be "
                             "called at %s %s",
                             called->name, audit->image->sections[called->section].name,
                             audit_set_name(raised), audit_role_words(audit, function)),
                 "unless whoever calls it never is at DISPATCH_LEVEL");
}

pg_status rules_paged_calls(struct audit *audit)
{
    uint32_t count = audit->program->function_count;
    struct worst *worst = host.allocate(sizeof *worst * (count + (size_t)1));

    if (worst == NULL) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        worst[i].verdict = VERDICT_COUNT;
    }
    /* What a pageable routine calls while it is raised follows from its being raised. */
    for (uint32_t i = 0; i < count; i++) {
        if (!audit_runs_pageable(audit, i)) {
            look_at_callers(audit, i, worst);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (audit_fact(audit, i, FACT_PAGEABLE) && !report_called(audit, i, &worst[i])) {
            report_role(audit, i);
        }
    }
    host.release(worst);
    return PG_OK;
}

/* ---- returning raised ---- */

/* Classes above the one at which a role enters that its return may be at. */
static irql_relation above(irql_relation returns)
{
    irql_relation high = 0;

    for (unsigned irql = 0; irql < IRQL_CLASSES; irql++) {
        irql_set row = IRQL_ROW(returns, irql) & (irql_set)(IRQL_ANY << (irql + 1));

        high |= (irql_relation)((row & IRQL_RAISED) << (4 * irql));
    }
    return high;
}

/* What a function does to the IRQL, as its sites show it. */
static void look_for_change(const struct audit *audit, uint32_t function, bool *lowers,
                            uint32_t *raiser)
{
    const struct summary *summary = &audit->infer->summaries[function];

    *lowers = false;
    *raiser = NO_INDEX;
    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &audit->infer->sites[summary->first_site + i];
        irql_set before = IRQL_ROW(site->before, IRQL_P), after = IRQL_ROW(site->after, IRQL_P);

        *lowers |= (before & IRQL_RAISED) != 0 && (after & IRQL_RAISED) == 0 && after != 0;
        if (*raiser == NO_INDEX && (before & IRQL_RAISED) == 0 && (after & IRQL_RAISED) != 0) {
            *raiser = audit_callee(audit, site);
        }
    }
}

/*
 * Whose mistake a raised return is: the role's routine, or a helper that it left the raising and
 * the lowering to.  A routine that lowers anything itself is one that should have lowered.
 */
static uint32_t to_blame(const struct audit *audit, uint32_t function)
{
    for (unsigned depth = 0; depth < BLAME_DEPTH; depth++) {
        bool lowers;
        uint32_t raiser;

        look_for_change(audit, function, &lowers, &raiser);
        if (lowers || raiser == NO_INDEX || audit->infer->entries[raiser].role != ROLE_NONE) {
            break;
        }
        function = raiser;
    }
    return function;
}

/* The last instruction of a block that returns; what the witness leads to. */
static uint32_t return_micro(const struct audit *audit, uint32_t function, irql_set at)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    uint32_t last = audit_first_micro(audit, function);

    for (uint32_t i = 0; i < body->block_count; i++) {
        const struct block *block = &program->blocks[body->first_block + i];
        uint32_t micro = block->first_micro + block->micro_count - 1;
        struct infer_step step;
        uint32_t steps;

        if (block->returns && block->micro_count > 0) {
            last = micro;
            if (infer_witness(audit->infer, function, micro, at, &step, 1, &steps) != PG_OK) {
                advice_fail(audit->builder);
            }
            if (steps != 0) {
                break;
            }
        }
    }
    return last;
}

/* Whether a call may release the cancel spin lock: what lowers does, and so may whoever is not
 * known. */
static bool may_release(const struct audit *audit, const struct call *call)
{
    const struct contract *contract =
        call->target == CALL_IMPORT ? audit->program->imports[call->index].contract : NULL;

    if (contract == NULL) {
        return true;
    }
    for (unsigned i = 0; i < contract->case_count; i++) {
        if (contract->cases[i].effect != EFFECT_SAME) {
            return true;
        }
    }
    return (contract->traits & (TRAIT_SPIN_RELEASE | TRAIT_LOWER)) != 0;
}

/* Whether a block may release it, or does not come back. */
static bool is_settled(const struct audit *audit, const struct block *block, uint32_t function)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    bool tail = false;

    for (uint32_t i = body->first_call; i < body->first_call + body->call_count; i++) {
        const struct call *call = &program->calls[i];

        if (&program->blocks[call->block] == block) {
            if (may_release(audit, call)) {
                return true;
            }
            tail |= call->tail;
        }
    }
    for (uint32_t i = block->first_micro; i < block->first_micro + block->micro_count; i++) {
        if (program->micros[i].kind == MICRO_WRITE_CR8) {
            return true;
        }
    }
    return block->unresolved || (!block->returns && block->successor_count == 0 && !tail);
}

/* A Cancel routine is entered with the cancel spin lock and releases it on every way. */
static void look_at_cancel(struct audit *audit, uint32_t function)
{
    const struct function *body = &audit->program->functions[function];
    const struct entry *entry = &audit->infer->entries[function];
    bool never = true;

    if (entry->role_inferred || entry->role_count != 1 || body->incomplete ||
        body->block_count == 0 || body->block_count > WAYS_MAX ||
        audit_on_every_way(audit, function, is_settled, function)) {
        return;
    }
    for (uint32_t i = body->first_call; i < body->first_call + body->call_count; i++) {
        never &= !may_release(audit, &audit->program->calls[i]);
    }
    audit_report(audit, RULE_IRQL_LEFT_RAISED, never ? VERDICT_DEFINITE : VERDICT_POSSIBLE,
                 function, audit_first_micro(audit, function), IRQL_BIT(IRQL_D),
                 advice_text(audit->builder,
                             never
                                 ? "%s returns with the cancel spin lock, which it was called with"
                                 : "%s has a way out on which the cancel spin lock, which it was "
                                   "called with, stays held",
                             body->name),
                 NULL);
}

static void look_at_return(struct audit *audit, uint32_t function, uint8_t *blamed)
{
    const struct entry *entry = &audit->infer->entries[function];
    const struct summary *summary = &audit->infer->summaries[function];
    struct entered entered = audit_entered(audit, function);
    irql_set at = 0, blurred = 0;
    bool always = true;
    uint32_t blame;
    enum verdict verdict;

    if (entry->role == ROLE_CANCEL) {
        look_at_cancel(audit, function);
    }
    if (entry->role == ROLE_NONE || role_text(entry->role)->changes_irql ||
        audit_fact(audit, function, FACT_WAIT_ALONE | FACT_RAISES | FACT_AFTERMATH)) {
        return;
    }
    for (unsigned irql = 0; irql < IRQL_CLASSES; irql++) {
        irql_set high = IRQL_ROW(above(summary->returns), irql);

        if ((entered.possible & IRQL_BIT(irql)) != 0) {
            at |= high & (irql_set)~IRQL_ROW(summary->vague, irql);
            blurred |= high & IRQL_ROW(summary->vague, irql);
            always &= high == IRQL_ROW(summary->returns, irql) &&
                      (high & IRQL_ROW(summary->vague, irql)) == 0;
        }
    }
    if ((at | blurred) == 0) {
        return;
    }
    blame = to_blame(audit, function);
    if (blamed[blame] || audit_fact(audit, blame, FACT_WAIT_ALONE | FACT_RAISES | FACT_AFTERMATH)) {
        return;
    }
    blamed[blame] = 1;
    verdict = at == 0                       ? VERDICT_UNKNOWN
              : always && !entered.inferred ? VERDICT_DEFINITE
                                            : VERDICT_POSSIBLE;
    at = at != 0 ? at : blurred;
    audit_report_way(audit, RULE_IRQL_LEFT_RAISED, verdict, blame, audit_first_micro(audit, blame),
                     return_micro(audit, blame, at), at,
                     advice_text(audit->builder, "%s %s at %s%s%s",
                                 audit->program->functions[blame].name,
                                 always ? "returns" : "has a way out that returns",
                                 audit_set_name(at), blame != function ? ", below " : "",
                                 blame != function ? audit->program->functions[function].name : ""),
                     NULL);
}

pg_status rules_returns(struct audit *audit)
{
    uint32_t count = audit->program->function_count;
    uint8_t *blamed = host.allocate(count + (size_t)1);

    if (blamed == NULL) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        look_at_return(audit, i, blamed);
    }
    host.release(blamed);
    return PG_OK;
}
