/* SPDX-License-Identifier: MIT */
/* What rules ask of the inference, and how they report. */
#include "advise/audit.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "symbols/symbols.h"

#define WITNESS_STEPS 24

/* ---- calls ---- */

static const struct call *call_of(const struct audit *audit, const struct infer_site *site)
{
    return site->call == NO_INDEX ? NULL : &audit->program->calls[site->call];
}

const struct contract *audit_contract_of(const struct audit *audit, uint32_t index)
{
    const struct call *call;

    if (index == NO_INDEX) {
        return NULL;
    }
    call = &audit->program->calls[index];
    return program_contract(audit->program, call->target, call->index);
}

uint32_t audit_callee(const struct audit *audit, const struct infer_site *site)
{
    const struct call *call = call_of(audit, site);

    return call != NULL && call->target == CALL_FUNCTION ? call->index : NO_INDEX;
}

/* An instruction that changes the IRQL without a call; see transfer.c. */
static const char *instruction_name(uint8_t kind)
{
    switch (kind) {
    case MICRO_CLI:
        return "a cli";
    case MICRO_STI:
        return "a sti";
    case MICRO_POP:
        return "a popf";
    default:
        return "a write to CR8";
    }
}

const char *audit_callee_name(const struct audit *audit, const struct infer_site *site)
{
    const struct call *call = call_of(audit, site);
    const struct contract *contract = audit_contract_of(audit, site->call);

    if (call == NULL) {
        return instruction_name(audit->program->micros[site->micro].kind);
    }
    if (contract != NULL) {
        return contract->name;
    }
    if (call->target == CALL_FUNCTION) {
        return audit->program->functions[call->index].name;
    }
    if (call->target == CALL_IMPORT && audit->program->imports[call->index].name != NULL) {
        return audit->program->imports[call->index].name;
    }
    return "a routine that is not known";
}

#define POOL_TYPE_PAGED 0x1u   /* PagedPool and its variants: odd POOL_TYPEs */
#define POOL_FLAG_PAGED 0x100u /* ExAllocatePool2 */

const char *audit_pool(const struct audit *audit, uint32_t function, const struct value *value,
                       bool *paged)
{
    const struct infer_site *site;
    const struct contract *contract;

    *paged = false;
    if (value->kind != VALUE_RESULT || value->index >= audit->program->call_count) {
        return NULL;
    }
    site = infer_site_at(audit->infer, function, audit->program->calls[value->index].micro);
    contract = site != NULL ? audit_contract(audit, site) : NULL;
    if (contract == NULL || strncmp(contract->name, "ExAllocatePool", 14) != 0) {
        return NULL;
    }
    if (site->arguments[0].kind == VALUE_CONSTANT) {
        bool flags = contract->name[14] == '2' || contract->name[14] == '3';

        *paged = ((uint64_t)site->arguments[0].number &
                  (flags ? POOL_FLAG_PAGED : POOL_TYPE_PAGED)) != 0;
    }
    return contract->name;
}

/* ---- sections ---- */

uint32_t audit_section(const struct audit *audit, uint32_t rva)
{
    const struct image_section *section = image_section_at(audit->image, rva);

    return section != NULL ? (uint32_t)(section - audit->image->sections) : NO_INDEX;
}

bool audit_section_pageable(const struct audit *audit, uint32_t section)
{
    return section < audit->image->section_count && audit->image->pageable &&
           audit->image->sections[section].class == PG_PAGEABLE;
}

/* A section of its own is what one locks; plain PAGE is for what is never locked, so a lock of an
 * unknown address is no excuse for it. */
bool audit_may_be_locked(const struct audit *audit, uint32_t section)
{
    if (section >= audit->image->section_count) {
        return false;
    }
    return (audit->section_facts[section] & SECTION_LOCKED_HERE) != 0 ||
           (audit->locks_unknown && strcmp(audit->image->sections[section].name, "PAGE") != 0);
}

/* ---- classes ---- */

const char *audit_class_name(unsigned irql)
{
    static const char *const names[IRQL_CLASSES] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL",
                                                    "above DISPATCH_LEVEL"};

    return irql < IRQL_CLASSES ? names[irql] : "an unknown IRQL";
}

const char *audit_set_name(irql_set set)
{
    unsigned irql = IRQL_CLASSES;

    while (irql > 0 && !(set & IRQL_BIT(irql - 1))) {
        irql--;
    }
    return audit_class_name(irql > 0 ? irql - 1 : IRQL_CLASSES);
}

/*
 * APC_LEVEL is possible for whatever may be called at PASSIVE_LEVEL and has not been seen for most;
 * counting on it would make a finding of every call that wants PASSIVE_LEVEL.  It counts where it
 * is certain.
 */
struct entered audit_entered(const struct audit *audit, uint32_t function)
{
    const struct entry *entry = &audit->infer->entries[function];
    struct entered entered = {
        .certain = entry->certain,
        .possible = entry->possible | entry->certain,
        .doubtful = entry->possible & (irql_set) ~(entry->exact | entry->certain),
        .unknown = entry->unknown,
        .inferred = entry->role_inferred,
    };
    bool pageable = audit_runs_pageable(audit, function);

    if (pageable && entered.possible != 0 && (entered.possible & IRQL_PAGEABLE) == 0) {
        return (struct entered){.certain = 0}; /* only ever raised: its finding is that it is */
    }
    if (pageable) {
        entered.certain &= IRQL_PAGEABLE;
        if (entered.certain == 0) {
            entered.certain = IRQL_BIT(IRQL_P);
        }
        entered.possible = (entered.possible & IRQL_PAGEABLE) | entered.certain;
        entered.unknown = false; /* whoever calls it, it is called at that */
        entered.inferred = false;
    }
    if (!(entered.certain & IRQL_BIT(IRQL_A)) && entered.possible != IRQL_BIT(IRQL_A)) {
        entered.possible &= (irql_set)~IRQL_BIT(IRQL_A);
    }
    return entered;
}

struct judgement audit_judge(const struct entered *entered, irql_relation here, irql_relation vague,
                             irql_set bad)
{
    irql_set from = entered->possible;
    irql_set clear = 0, blurred = 0;
    bool always = true, certain = false, each = true;
    struct judgement judged = {.wrong = false};

    if (entered->unknown) {
        from |= (irql_set)(IRQL_ANY & ~IRQL_BIT(IRQL_H));
    }
    for (unsigned irql = 0; irql < IRQL_CLASSES; irql++) {
        irql_set row = IRQL_ROW(here, irql);
        irql_set doubt = (entered->doubtful & IRQL_BIT(irql)) != 0 ? row : IRQL_ROW(vague, irql);
        bool known = (entered->possible & IRQL_BIT(irql)) != 0;

        if (!(from & IRQL_BIT(irql)) || row == 0) {
            continue;
        }
        always &= (row & ~bad) == 0 && (row & doubt) == 0;
        each &= (row & bad & ~doubt) != 0;
        if (known || entered->possible == 0) {
            clear |= row & bad & (irql_set)~doubt;
            blurred |= row & bad & doubt;
            certain |= (entered->certain & IRQL_BIT(irql)) != 0 || entered->possible == 0;
        }
    }
    /* Nobody known enters it: only what is wrong however it is entered is worth a word. */
    if (entered->possible == 0 && !each) {
        return judged;
    }
    judged.wrong = (clear | blurred) != 0;
    judged.at = clear != 0 ? clear : blurred;
    judged.verdict = clear == 0                                ? VERDICT_UNKNOWN
                     : always && certain && !entered->inferred ? VERDICT_DEFINITE
                                                               : VERDICT_POSSIBLE;
    return judged;
}

/* Blocks of one routine that are still to be looked at, each once. */
struct ways {
    uint64_t seen[WAYS_MAX / 64];
    uint8_t stack[WAYS_MAX];
    uint32_t depth;
};

static void ways_push(struct ways *ways, uint32_t block)
{
    if ((ways->seen[block / 64] & UINT64_C(1) << block % 64) == 0) {
        ways->seen[block / 64] |= UINT64_C(1) << block % 64;
        ways->stack[ways->depth++] = (uint8_t)block;
    }
}

bool audit_on_every_way(const struct audit *audit, uint32_t function,
                        bool (*passes)(const struct audit *audit, const struct block *block,
                                       uint32_t argument),
                        uint32_t argument)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    struct ways ways = {.depth = 0};

    if (body->block_count == 0 || body->block_count > WAYS_MAX) {
        return false;
    }
    ways_push(&ways, 0);
    while (ways.depth > 0) {
        const struct block *block = &program->blocks[body->first_block + ways.stack[--ways.depth]];

        if (passes(audit, block, argument)) {
            continue;
        }
        if (block->returns || block->unresolved || block->successor_count == 0) {
            return false; /* out, without it */
        }
        for (uint32_t i = 0; i < block->successor_count; i++) {
            ways_push(&ways, program->successors[block->first_successor + i] - body->first_block);
        }
    }
    return true;
}

/* ---- words ---- */

static const char *const major_names[] = {
    "CREATE",
    "CREATE_NAMED_PIPE",
    "CLOSE",
    "READ",
    "WRITE",
    "QUERY_INFORMATION",
    "SET_INFORMATION",
    "QUERY_EA",
    "SET_EA",
    "FLUSH_BUFFERS",
    "QUERY_VOLUME_INFORMATION",
    "SET_VOLUME_INFORMATION",
    "DIRECTORY_CONTROL",
    "FILE_SYSTEM_CONTROL",
    "DEVICE_CONTROL",
    "INTERNAL_DEVICE_CONTROL",
    "SHUTDOWN",
    "LOCK_CONTROL",
    "CLEANUP",
    "CREATE_MAILSLOT",
    "QUERY_SECURITY",
    "SET_SECURITY",
    "POWER",
    "SYSTEM_CONTROL",
    "DEVICE_CHANGE",
    "QUERY_QUOTA",
    "SET_QUOTA",
    "PNP",
};

const char *audit_role_words(const struct audit *audit, uint32_t function)
{
    const struct entry *entry = &audit->infer->entries[function];
    uint32_t majors = audit->majors[function];

    if (majors != 0) {
        unsigned first = (unsigned)__builtin_ctz(majors);

        return advice_text(audit->builder, "as the dispatch routine of IRP_MJ_%s%s",
                           major_names[first], (majors & (majors - 1)) != 0 ? " and others" : "");
    }
    if (entry->role == ROLE_NONE || entry->role >= ROLE_COUNT) {
        return "";
    }
    return advice_text(audit->builder, "as %s%s", role_text(entry->role)->name,
                       entry->role_count > 1 ? " and others" : "");
}

/* ---- findings ---- */

bool audit_wants(const struct audit *audit, enum rule rule)
{
    return (audit->options->rules & RULE_BIT(rule)) != 0;
}

struct advice_place audit_place(const struct audit *audit, uint32_t rva)
{
    uint32_t function = program_function_holding(audit->program, rva);
    const struct image_section *section = image_section_at(audit->image, rva);
    struct symbol_place known;
    struct advice_place place = {
        .function = function != NO_INDEX ? advice_text(audit->builder, "%s",
                                                       audit->program->functions[function].name)
                                         : "",
        .section = section != NULL ? advice_text(audit->builder, "%s", section->name) : "",
        .rva = rva,
    };

    if (audit->symbols != NULL && symbols_lookup(audit->symbols, rva, &known) &&
        known.file != NULL) {
        place.file = advice_text(audit->builder, "%s", known.file);
        place.line = known.line;
    }
    return place;
}

struct advice_place audit_section_place(const struct audit *audit, uint32_t section)
{
    const struct image_section *at = &audit->image->sections[section];

    return (struct advice_place){
        .function = "",
        .section = advice_text(audit->builder, "%s", at->name),
        .rva = at->rva,
    };
}

uint32_t audit_first_micro(const struct audit *audit, uint32_t function)
{
    return audit->program->blocks[audit->program->functions[function].first_block].first_micro;
}

struct advice_place audit_micro_place(const struct audit *audit, uint32_t micro)
{
    return audit_place(audit, audit->program->micros[micro].rva);
}

static const char *step_words(const struct audit *audit, const struct infer_step *step)
{
    struct infer_site site = {.micro = step->micro, .call = step->call};
    const char *role;

    switch (step->what) {
    case STEP_ENTERED:
        role = audit_role_words(audit, step->function);
        if (role[0] == '\0' && audit_fact(audit, step->function, FACT_PAGEABLE)) {
            return "entered at <= APC_LEVEL, as every pageable routine";
        }
        return advice_text(audit->builder, "entered at %s%s%s", audit_class_name(step->irql),
                           role[0] != '\0' ? " " : "", role);
    case STEP_CALLS:
        return advice_text(audit->builder, "calls %s", audit_callee_name(audit, &site));
    case STEP_RAISES:
        return advice_text(audit->builder, "%s raises to %s", audit_callee_name(audit, &site),
                           audit_class_name(step->irql));
    case STEP_LOWERS:
        return advice_text(audit->builder, "%s lowers to %s", audit_callee_name(audit, &site),
                           audit_class_name(step->irql));
    case STEP_BRANCHES:
        return "takes the branch that decides";
    default:
        return advice_text(audit->builder, "is here at %s", audit_class_name(step->irql));
    }
}

void audit_report(const struct audit *audit, enum rule rule, enum verdict verdict,
                  uint32_t function, uint32_t micro, irql_set at, const char *message,
                  const char *condition)
{
    audit_report_way(audit, rule, verdict, function, micro, micro, at, message, condition);
}

void audit_report_way(const struct audit *audit, enum rule rule, enum verdict verdict,
                      uint32_t function, uint32_t micro, uint32_t to, irql_set at,
                      const char *message, const char *condition)
{
    struct infer_step way[WITNESS_STEPS];
    struct advice_step steps[WITNESS_STEPS];
    uint32_t count = 0;
    struct advice_finding finding = {
        .rule = rule,
        .verdict = verdict,
        .place = audit_micro_place(audit, micro),
        .message = message,
        .condition = condition,
        .path = steps,
    };

    if (!audit_wants(audit, rule)) {
        return;
    }
    if (at != 0 &&
        infer_witness(audit->infer, function, to, at, way, WITNESS_STEPS, &count) != PG_OK) {
        advice_fail(audit->builder);
    }
    for (uint32_t i = 0; i < count; i++) {
        steps[i].place = audit_micro_place(audit, way[i].micro);
        steps[i].irql = way[i].irql;
        steps[i].what = step_words(audit, &way[i]);
    }
    finding.path_count = count;
    advice_add_finding(audit->builder, &finding);
}

void audit_report_at(const struct audit *audit, enum rule rule, enum verdict verdict,
                     struct advice_place place, const char *message)
{
    struct advice_finding finding = {
        .rule = rule,
        .verdict = verdict,
        .place = place,
        .message = message,
    };

    if (audit_wants(audit, rule)) {
        advice_add_finding(audit->builder, &finding);
    }
}
