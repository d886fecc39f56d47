/* SPDX-License-Identifier: MIT */
/*
 * Rules about sites: what raises the IRQL in pageable code, and what is called at an IRQL that it
 * does not allow.
 */
#include "advise/audit.h"

#include <string.h>

#define HELPER_DEPTH 16u /* how deep a helper is followed for what raises in it */
#define NAMED_MAX    32u /* calls of one function that are remembered against saying them twice */

/* Columns of a relation whose class is pageable. */
#define COLUMNS_PAGEABLE ((irql_relation)0x3333)

/* One function being looked at. */
struct look {
    struct audit *audit;
    uint32_t function;
    struct entered entered;
    bool pageable;
    bool raised;     /* a finding says that it raises the IRQL in pageable code */
    bool acquires;   /* it takes a spin lock somewhere */
    bool locks_late; /* a finding says that it locks a section raised */
    bool wait_alone; /* a finding says that it waits with Wait TRUE and then does not */
    struct {
        enum rule rule;
        uint64_t callee;
        uint32_t line;
    } named[NAMED_MAX];
    unsigned named_count;
};

/* ---- one mistake, one finding ---- */

/* Whether this was said of the same source line already: the compiler may have made two calls of
 * one.  Remembers it. */
static bool named_before(struct look *look, enum rule rule, const struct infer_site *site)
{
    const struct call *call =
        site->call != NO_INDEX ? &look->audit->program->calls[site->call] : NULL;
    uint64_t callee = call != NULL ? (uint64_t)call->target << 32 | call->index : UINT64_MAX;
    uint32_t line = audit_micro_place(look->audit, site->micro).line;

    for (unsigned i = 0; i < look->named_count && line != 0; i++) {
        if (look->named[i].rule == rule && look->named[i].callee == callee &&
            look->named[i].line == line) {
            return true;
        }
    }
    if (look->named_count < NAMED_MAX) {
        look->named[look->named_count].rule = rule;
        look->named[look->named_count].callee = callee;
        look->named[look->named_count++].line = line;
    }
    return false;
}

/* ---- the IRQL raised in pageable code ---- */

/* The cases of a call's contract that set the IRQL and may apply; 0: none. */
static unsigned raising_cases(const struct contract *contract, const struct infer_site *site)
{
    unsigned cases = 0;

    for (unsigned i = 0; i < contract->case_count; i++) {
        const struct contract_case *one = &contract->cases[i];

        if ((site->cases & 1u << i) != 0 &&
            ((one->effect == EFFECT_SET && (IRQL_BIT(one->level) & IRQL_RAISED) != 0) ||
             one->effect == EFFECT_SET_VALUE)) {
            cases |= 1u << i;
        }
    }
    return cases;
}

static enum rule rule_of_traits(uint32_t traits)
{
    if (traits & TRAIT_SPIN_ACQUIRE) {
        return RULE_SPIN_LOCK_IN_PAGEABLE;
    }
    return traits & TRAIT_WAIT_TRUE ? RULE_WAIT_TRUE_IN_PAGEABLE : RULE_RAISE_IN_PAGEABLE;
}

/* Whether a site takes a function that was entered at <= APC_LEVEL above it. */
static bool site_raises(const struct infer_site *site)
{
    for (unsigned irql = IRQL_P; irql <= IRQL_A; irql++) {
        if ((IRQL_ROW(site->before, irql) & IRQL_PAGEABLE) != 0 &&
            (IRQL_ROW(site->after, irql) & IRQL_RAISED & ~IRQL_ROW(site->before, irql)) != 0) {
            return true;
        }
    }
    return false;
}

/* What raises in a helper that returns raised: followed through what it calls. */
static enum rule rule_of_helper(const struct audit *audit, uint32_t function)
{
    for (unsigned depth = 0; depth < HELPER_DEPTH; depth++) {
        const struct summary *summary = &audit->infer->summaries[function];
        const struct infer_site *raises = NULL;
        const struct contract *contract;

        for (uint32_t i = 0; i < summary->site_count && raises == NULL; i++) {
            if (site_raises(&audit->infer->sites[summary->first_site + i])) {
                raises = &audit->infer->sites[summary->first_site + i];
            }
        }
        if (raises == NULL) {
            break;
        }
        contract = audit_contract(audit, raises);
        if (contract != NULL) {
            return rule_of_traits(contract->traits);
        }
        if (audit_callee(audit, raises) == NO_INDEX) {
            break;
        }
        function = audit_callee(audit, raises);
    }
    return RULE_RAISE_IN_PAGEABLE;
}

/* Whether the site itself raises, by what it calls, and which rule that breaks. */
static bool raising_rule(const struct look *look, const struct infer_site *site, irql_set before,
                         irql_set after, enum rule *rule)
{
    const struct contract *contract = audit_contract(look->audit, site);
    uint32_t callee = audit_callee(look->audit, site);

    if (contract != NULL) {
        *rule = rule_of_traits(contract->traits);
        return (contract->traits & TRAIT_SPIN_ACQUIRE) != 0 ||
               (raising_cases(contract, site) != 0 && (after & IRQL_RAISED) != 0);
    }
    if (callee != NO_INDEX) {
        irql_relation returns = look->audit->infer->summaries[callee].returns;

        *rule = rule_of_helper(look->audit, callee);
        return !audit_fact(look->audit, callee, FACT_PAGEABLE) &&
               (irql_apply(returns, before & IRQL_PAGEABLE) & IRQL_RAISED & after) != 0;
    }
    *rule = RULE_RAISE_IN_PAGEABLE;
    return (after & IRQL_RAISED & ~before) != 0;
}

static const char *external_condition(const struct contract *contract,
                                      const struct infer_site *site)
{
    for (unsigned i = 0; contract != NULL && i < contract->case_count; i++) {
        if ((site->cases & 1u << i) != 0 && contract->cases[i].condition == WHEN_EXTERNAL &&
            contract->cases[i].condition_text != NULL) {
            return contract->cases[i].condition_text;
        }
    }
    return NULL;
}

/* How surely the code goes on raised. */
static enum verdict raise_verdict(const struct look *look, const struct infer_site *site,
                                  irql_set before, irql_set after, const char **condition)
{
    const struct contract *contract = audit_contract(look->audit, site);
    bool at_level = contract != NULL && (contract->traits & TRAIT_SPIN_ACQUIRE) != 0 &&
                    raising_cases(contract, site) == 0;
    bool vague = false;

    for (unsigned irql = IRQL_P; irql <= IRQL_A; irql++) {
        vague |= (IRQL_ROW(site->vague, irql) & IRQL_PAGEABLE) != 0;
    }
    *condition = NULL;
    if (contract != NULL && !site->cases_certain && raising_cases(contract, site) != 0) {
        *condition = external_condition(contract, site);
        if (*condition == NULL && (contract->traits & TRAIT_WAIT_TRUE) != 0) {
            *condition = "if Wait is TRUE there, which is not known";
            return VERDICT_UNKNOWN;
        }
        return VERDICT_POSSIBLE;
    }
    if (vague || (before & IRQL_RAISED) != 0 || (!at_level && (after & IRQL_PAGEABLE) != 0)) {
        return VERDICT_POSSIBLE;
    }
    return VERDICT_DEFINITE;
}

/* Whether a site of a pageable function raises, or is raised already: nothing more is said of it.
 */
static bool raises_in_pageable(const struct look *look, const struct infer_site *site)
{
    irql_set before = irql_apply(site->before, look->entered.possible);
    irql_set after = irql_apply(site->after, look->entered.possible);
    enum rule rule;

    return (before & IRQL_PAGEABLE) == 0 || raising_rule(look, site, before, after, &rule);
}

/* True: nothing more is to be said of this site. */
static bool look_at_raise(struct look *look, const struct infer_site *site)
{
    irql_set before = irql_apply(site->before, look->entered.possible);
    irql_set after = irql_apply(site->after, look->entered.possible);
    const struct audit *audit = look->audit;
    const char *name = audit_callee_name(audit, site), *condition;
    enum lock_excuse excuse;
    enum verdict verdict;
    enum rule rule;

    if ((before & IRQL_PAGEABLE) == 0) {
        return true; /* follows from what raised it */
    }
    if (!raising_rule(look, site, before, after, &rule)) {
        return false;
    }
    look->raised = true;
    excuse = audit_lock_excuse(audit, audit->program->functions[look->function].section,
                               audit->function_locks[look->function]);
    verdict = raise_verdict(look, site, before, after, &condition);
    if (excuse == EXCUSE_CONDITION && verdict == VERDICT_DEFINITE) {
        verdict = VERDICT_POSSIBLE;
        condition = audit_lock_condition(audit, look->function);
    }
    if (!named_before(look, rule, site)) {
        audit_report(
            audit, rule, verdict, look->function, site->micro, before & IRQL_PAGEABLE,
            advice_text(audit->builder,
                        rule == RULE_SPIN_LOCK_IN_PAGEABLE
                            ? "%s%s %s, and goes on in section %s, which is pageable"
                            : "%s%s %s, and goes on raised in section %s, which is pageable",
                        audit->program->functions[look->function].name,
                        audit_callee(audit, site) != NO_INDEX ? " calls" : "",
                        audit_callee(audit, site) != NO_INDEX
                            ? advice_text(audit->builder, "%s, which returns at %s", name,
                                          audit_set_name(after & IRQL_RAISED))
                        : rule == RULE_SPIN_LOCK_IN_PAGEABLE
                            ? advice_text(audit->builder, "takes a spin lock with %s", name)
                        : rule == RULE_WAIT_TRUE_IN_PAGEABLE
                            ? advice_text(audit->builder, "calls %s with Wait TRUE", name)
                            : advice_text(audit->builder, "raises the IRQL with %s", name),
                        audit_micro_place(audit, site->micro).section),
            condition);
    }
    return true;
}

/* ---- Wait TRUE ---- */

static bool is_wait_true(const struct audit *audit, const struct infer_site *site, bool *certain)
{
    const struct contract *contract = audit_contract(audit, site);

    *certain = site->cases_certain;
    return contract != NULL && (contract->traits & TRAIT_WAIT_TRUE) != 0 &&
           raising_cases(contract, site) != 0;
}

/* Whether a helper waits, itself or one deeper. */
static bool waits(const struct audit *audit, uint32_t function, unsigned depth)
{
    const struct summary *summary = &audit->infer->summaries[function];

    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &audit->infer->sites[summary->first_site + i];
        const struct contract *contract = audit_contract(audit, site);
        uint32_t callee = audit_callee(audit, site);

        if ((contract != NULL && (contract->traits & TRAIT_WAIT) != 0) ||
            (callee != NO_INDEX && depth > 0 && waits(audit, callee, depth - 1))) {
            return true;
        }
    }
    return false;
}

/*
 * Whether every way on from a site calls a wait next.  Only the rest of its block, and the blocks
 * that follow it without a call, are looked at: a wait belongs right after.
 */
static bool wait_follows(const struct audit *audit, uint32_t function,
                         const struct infer_site *site)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    const struct call *call = &program->calls[site->call];
    uint32_t block = call->block;
    uint32_t next = site->call + 1;

    if (call->tail) {
        return false;
    }
    for (uint32_t steps = 0; steps < body->block_count; steps++) {
        if (next < body->first_call + body->call_count && program->calls[next].block == block) {
            const struct infer_site *other =
                infer_site_at(audit->infer, function, program->calls[next].micro);
            const struct contract *contract = other != NULL ? audit_contract(audit, other) : NULL;

            return program->calls[next].target == CALL_FUNCTION
                       ? waits(audit, program->calls[next].index, 1)
                       : contract != NULL && (contract->traits & TRAIT_WAIT) != 0;
        }
        if (program->blocks[block].successor_count != 1) {
            return program->blocks[block].successor_count > 1;
        }
        block = program->successors[program->blocks[block].first_successor];
        next = body->first_call;
        while (next < body->first_call + body->call_count && program->calls[next].block != block) {
            next++;
        }
    }
    return true;
}

static void look_at_wait(struct look *look, const struct infer_site *site)
{
    const struct audit *audit = look->audit;
    bool certain;

    if (!is_wait_true(audit, site, &certain) || !certain ||
        wait_follows(audit, look->function, site)) {
        return;
    }
    look->wait_alone = true;
    if (!named_before(look, RULE_WAIT_TRUE_WITHOUT_WAIT, site)) {
        audit_report(audit, RULE_WAIT_TRUE_WITHOUT_WAIT, VERDICT_DEFINITE, look->function,
                     site->micro, irql_apply(site->before, look->entered.possible),
                     advice_text(audit->builder, "%s calls %s with Wait TRUE, and no wait follows",
                                 audit->program->functions[look->function].name,
                                 audit_callee_name(audit, site)),
                     NULL);
    }
}

/* ---- limits ---- */

/* The classes at which a call may be made: under every case that may apply, and under any. */
static void limits_of(const struct look *look, const struct contract *contract,
                      const struct infer_site *site, irql_set *all, irql_set *any)
{
    *all = IRQL_ANY;
    *any = 0;
    for (unsigned i = 0; i < contract->case_count; i++) {
        irql_set entry = contract->cases[i].entry;

        if (site->cases != 0 && !(site->cases & 1u << i)) {
            continue;
        }
        if (contract->cases[i].effect == EFFECT_WAIT &&
            audit_fact(look->audit, look->function, FACT_WAIT_TRUE)) {
            entry = IRQL_ANY;
        }
        *all &= entry;
        *any |= entry;
    }
}

#define SECTION_LOCKS                                                                              \
    (TRAIT_SECTION_LOCK | TRAIT_SECTION_LOCK_HANDLE | TRAIT_SECTION_UNLOCK | TRAIT_PAGE_ENTIRE |   \
     TRAIT_RESET_PAGING)

/* A release goes with its acquire: where that was wrong, or in another routine, it says nothing. */
static bool release_is_moot(const struct look *look, const struct contract *contract,
                            const struct judgement *judged)
{
    bool releases = (contract->traits & (TRAIT_SPIN_RELEASE | TRAIT_LOWER)) != 0;

    for (unsigned i = 0; i < contract->case_count; i++) {
        releases |= contract->cases[i].effect == EFFECT_RESTORE;
    }
    return releases && (look->acquires || judged->verdict != VERDICT_DEFINITE);
}

static void report_limit(struct look *look, const struct contract *contract,
                         const struct infer_site *site, const struct judgement *judged,
                         irql_set allowed, const char *condition)
{
    bool lock = (contract->traits & SECTION_LOCKS) != 0;
    enum rule rule = lock ? RULE_LOCK_AT_RAISED_IRQL : RULE_API_IRQL;
    const struct audit *audit = look->audit;
    bool low = judged->at < (allowed & (irql_set)-allowed);

    if ((lock && look->locks_late) || named_before(look, rule, site)) {
        return;
    }
    look->locks_late |= lock;
    audit_report(audit, rule, judged->verdict, look->function, site->micro, judged->at,
                 advice_text(audit->builder, "%s calls %s at %s, which needs %s %s",
                             audit->program->functions[look->function].name, contract->name,
                             audit_set_name(judged->at), low ? ">=" : "<=",
                             low ? audit_class_name((unsigned)__builtin_ctz(allowed))
                                 : audit_set_name(allowed)),
                 condition);
}

static bool has_micro(const struct audit *audit, const struct block *block, uint32_t micro)
{
    (void)audit;
    return micro - block->first_micro < block->micro_count;
}

/* What needs DISPATCH_LEVEL is called on some ways only, by a callback that may be called there:
 * often an argument says so (NDIS_SEND_FLAGS_DISPATCH_LEVEL). */
static bool may_depend_on_caller(const struct look *look, const struct infer_site *site,
                                 const struct judgement *judged, irql_set allowed)
{
    enum role role = look->audit->infer->entries[look->function].role;

    return (role == ROLE_ANY_IRQL || role == ROLE_POST_OPERATION) &&
           judged->verdict == VERDICT_POSSIBLE && judged->at < (allowed & (irql_set)-allowed) &&
           !audit_on_every_way(look->audit, look->function, has_micro, site->micro);
}

static void look_at_limit(struct look *look, const struct infer_site *site)
{
    const struct contract *contract = audit_contract(look->audit, site);
    irql_relation here = site->before;
    irql_set all, any;
    struct judgement judged;
    const char *condition = NULL;

    if (contract == NULL || !contract->documented ||
        audit_fact(look->audit, look->function, FACT_WAIT_ALONE | FACT_AFTERMATH)) {
        return;
    }
    if (look->pageable) {
        here &= COLUMNS_PAGEABLE;
    }
    limits_of(look, contract, site, &all, &any);
    judged = audit_judge(&look->entered, here, site->vague, IRQL_ANY & (irql_set)~any);
    if (!judged.wrong) {
        judged = audit_judge(&look->entered, here, site->vague, IRQL_ANY & (irql_set)~all);
        judged.verdict = VERDICT_UNKNOWN;
        any = all;
        condition = external_condition(contract, site);
        condition = condition != NULL ? condition : "depends on an argument that is not known";
    } else if (may_depend_on_caller(look, site, &judged, any)) {
        judged.verdict = VERDICT_UNKNOWN;
        condition = "unless its caller says at which IRQL it calls";
    } else if (contract->disputed && judged.verdict == VERDICT_DEFINITE) {
        judged.verdict = VERDICT_POSSIBLE;
        condition = "Microsoft's documents differ about its limit";
    }
    if (judged.wrong && any != 0 && !release_is_moot(look, contract, &judged)) {
        report_limit(look, contract, site, &judged, any, condition);
    }
}

/* ---- PAGED_CODE that the compiler left in ---- */

#define PAGED_CODE_TEXT  "Pageable code called at IRQL"
#define PAGED_CODE_BYTES 96u

static bool says_paged_code(const struct audit *audit, const struct value *value)
{
    char text[PAGED_CODE_BYTES + 1];

    if (value->kind != VALUE_ADDRESS || audit_section(audit, (uint32_t)value->number) == NO_INDEX) {
        return false;
    }
    image_copy(audit->image, (uint32_t)value->number, text, PAGED_CODE_BYTES);
    text[PAGED_CODE_BYTES] = '\0';
    return strstr(text, PAGED_CODE_TEXT) != NULL;
}

static void look_at_paged_code(struct look *look, const struct infer_site *site)
{
    const struct audit *audit = look->audit;
    struct judgement judged;

    if (site->call == NO_INDEX || look->pageable ||
        audit->program->calls[site->call].target != CALL_IMPORT ||
        !(says_paged_code(audit, &site->arguments[0]) ||
          says_paged_code(audit, &site->arguments[2]))) {
        return;
    }
    judged = audit_judge(&look->entered, site->before, site->vague, IRQL_RAISED);
    if (judged.wrong && !named_before(look, RULE_PAGED_CODE_FAILED, site)) {
        audit_report(
            audit, RULE_PAGED_CODE_FAILED, judged.verdict, look->function, site->micro, judged.at,
            advice_text(audit->builder, "PAGED_CODE of %s fails: it is called at %s",
                        audit->program->functions[look->function].name, audit_set_name(judged.at)),
            NULL);
    }
}

/* ---- all sites ---- */

static struct look look_begin(struct audit *audit, uint32_t function)
{
    return (struct look){
        .audit = audit,
        .function = function,
        .entered = audit_entered(audit, function),
        .pageable = audit_runs_pageable(audit, function),
    };
}

/* First what raises, and waits that do not follow: what is wrong later may follow from them. */
static void look_for_raises(struct audit *audit, uint32_t function)
{
    const struct summary *summary = &audit->infer->summaries[function];
    struct look look = look_begin(audit, function);
    bool excused = false, certain;

    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &audit->infer->sites[summary->first_site + i];

        if (is_wait_true(audit, site, &certain)) {
            audit->facts[function] |= FACT_WAIT_TRUE;
        }
        if (look.pageable && look_at_raise(&look, site)) {
            continue;
        }
        excused |=
            !look.pageable && audit_fact(audit, function, FACT_PAGEABLE) && site_raises(site);
        look_at_wait(&look, site);
    }
    audit->lock_excused += excused;
    audit->facts[function] |=
        (uint8_t)((look.raised ? FACT_RAISES : 0) | (look.wait_alone ? FACT_WAIT_ALONE : 0));
}

/* Then what is called at an IRQL that it does not allow. */
static void look_for_limits(struct audit *audit, uint32_t function)
{
    const struct summary *summary = &audit->infer->summaries[function];
    struct look look = look_begin(audit, function);

    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct contract *contract =
            audit_contract(audit, &audit->infer->sites[summary->first_site + i]);

        look.acquires |= contract != NULL && (contract->traits & TRAIT_SPIN_ACQUIRE) != 0;
    }
    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &audit->infer->sites[summary->first_site + i];

        if (!look.pageable || !raises_in_pageable(&look, site)) {
            look_at_paged_code(&look, site);
            look_at_limit(&look, site);
        }
    }
}

/* Callers of what returns raised by a mistake that is told are raised by the same mistake. */
static bool spread_aftermath(struct audit *audit, uint32_t function)
{
    const unsigned cause = FACT_WAIT_ALONE | FACT_RAISES | FACT_AFTERMATH;
    const struct summary *summary = &audit->infer->summaries[function];

    for (uint32_t i = 0; i < summary->site_count && !audit_fact(audit, function, cause); i++) {
        uint32_t callee = audit_callee(audit, &audit->infer->sites[summary->first_site + i]);

        if (callee != NO_INDEX && audit_fact(audit, callee, cause) &&
            (IRQL_ROW(audit->infer->summaries[callee].returns, IRQL_P) & IRQL_RAISED) != 0) {
            audit->facts[function] |= FACT_AFTERMATH;
            return true;
        }
    }
    return false;
}

/* A jump to an import, and what is called through it is looked at where it is called. */
static bool is_thunk(const struct program *program, uint32_t function)
{
    const struct function *body = &program->functions[function];

    return body->block_count == 1 && program->blocks[body->first_block].micro_count == 1;
}

#define AFTERMATH_DEPTH 8u /* callers of callers that are spared */

void rules_irql(struct audit *audit)
{
    uint32_t count = audit->program->function_count;
    bool changed = true;

    for (uint32_t i = 0; i < count; i++) {
        if (!is_thunk(audit->program, i)) {
            look_for_raises(audit, i);
        }
    }
    for (unsigned round = 0; round < AFTERMATH_DEPTH && changed; round++) {
        changed = false;
        for (uint32_t i = 0; i < count; i++) {
            changed |= spread_aftermath(audit, i);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!is_thunk(audit->program, i)) {
            look_for_limits(audit, i);
        }
    }
}
