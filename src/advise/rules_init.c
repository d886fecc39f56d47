/* SPDX-License-Identifier: MIT */
/*
 * init-called-late: INIT sections are given back when DriverEntry has returned.  Wrong is whatever
 * leads into them from code that runs later: a call, an access, a routine handed to the system, a
 * pointer in memory that later code calls through.
 */
#include "advise/audit.h"

#include <stdlib.h>

#include "base/host.h"

static void report(const struct audit *audit, bool sure, uint32_t function, uint32_t micro,
                   const char *message)
{
    audit_report(audit, RULE_INIT_CALLED_LATE, sure ? VERDICT_DEFINITE : VERDICT_POSSIBLE, function,
                 micro, 0, message,
                 sure ? NULL : "if the code that refers to it runs after DriverEntry");
}

/* ---- from code ---- */

static bool init_data(const struct audit *audit, uint32_t section)
{
    return section != NO_INDEX && audit->image->sections[section].class == PG_DISCARDABLE;
}

static void look_at_code(const struct audit *audit, uint32_t function)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    const struct summary *summary = &audit->infer->summaries[function];
    bool sure = audit_fact(audit, function, FACT_LATE_SURELY);

    for (uint32_t i = body->first_call; i < body->first_call + body->call_count; i++) {
        const struct call *call = &program->calls[i];

        if (call->target == CALL_FUNCTION && audit_fact(audit, call->index, FACT_INIT)) {
            report(audit, sure, function, call->micro,
                   advice_text(audit->builder, "%s calls %s, which is in INIT and gone by then",
                               body->name, program->functions[call->index].name));
        }
    }
    for (uint32_t i = 0; i < summary->access_count; i++) {
        const struct infer_access *access = &audit->infer->accesses[summary->first_access + i];

        if (!access->address_only && init_data(audit, audit_section(audit, access->rva)) &&
            program_function_at(program, access->rva) == NO_INDEX) {
            report(audit, sure, function, access->micro,
                   advice_text(audit->builder, "%s uses data of INIT, which is gone by then",
                               body->name));
            break;
        }
    }
}

/* ---- routines handed to the system ---- */

static void look_at_role(const struct audit *audit, uint32_t function)
{
    const struct entry *entry = &audit->infer->entries[function];

    if (!audit_role_is_late(entry->role) || role_text(entry->role)->must_be_resident) {
        return; /* the latter: must-be-resident-role */
    }
    report(audit, !entry->role_inferred, function, audit_first_micro(audit, function),
           advice_text(audit->builder, "%s is in INIT, and the system calls it later %s",
                       audit->program->functions[function].name,
                       audit_role_words(audit, function)));
}

/* ---- pointers in data ---- */

/* A pointer to a function of INIT.  `slots` ascend by rva, each is there once. */
struct slot {
    uint32_t rva;      /* where the pointer is */
    uint32_t function; /* in INIT, that it points to */
    bool read, surely; /* by a function that may, that is surely called late */
    uint32_t reader;   /* that function */
};

static void mark_slot(struct slot *slots, uint32_t count, uint32_t rva, uint32_t reader,
                      bool surely)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (slots[middle].rva < rva) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < count && slots[low].rva == rva &&
        (!slots[low].read || (surely && !slots[low].surely))) {
        slots[low].read = true;
        slots[low].surely = surely;
        slots[low].reader = reader;
    }
}

static void add_slot(const struct audit *audit, uint32_t rva, uint32_t function, struct slot *slots,
                     uint32_t *count)
{
    if (function != NO_INDEX && audit_fact(audit, function, FACT_INIT) &&
        !init_data(audit, audit_section(audit, rva))) {
        slots[(*count)++] = (struct slot){.rva = rva, .function = function};
    }
}

static int compare_slots(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;

    if (a->rva != b->rva) {
        return a->rva < b->rva ? -1 : 1;
    }
    return (a->function > b->function) - (a->function < b->function);
}

/* Pointers to INIT code in data that stays, from the start or stored there; ascending. */
static uint32_t find_slots(const struct audit *audit, struct slot *slots)
{
    const struct program *program = audit->program;
    uint32_t count = 0, kept = 0;

    for (uint32_t i = 0; i < program->pointer_count; i++) {
        uint32_t target;

        if (program_pointer_at(program, program->pointers[i], &target)) {
            add_slot(audit, program->pointers[i], program_function_at(program, target), slots,
                     &count);
        }
    }
    for (uint32_t i = 0; i < audit->infer->pointer_count; i++) {
        const struct infer_pointer *pointer = &audit->infer->pointers[i];

        if (pointer->call == NO_INDEX && pointer->base.kind == VALUE_ADDRESS) {
            add_slot(audit, (uint32_t)(pointer->base.number + pointer->offset), pointer->function,
                     slots, &count);
        }
    }
    qsort(slots, count, sizeof *slots, compare_slots);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || slots[kept - 1].rva != slots[i].rva) {
            slots[kept++] = slots[i];
        }
    }
    return kept;
}

/* What a late function reads, or calls through. */
static void mark_reads(const struct audit *audit, uint32_t function, struct slot *slots,
                       uint32_t count)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    const struct summary *summary = &audit->infer->summaries[function];
    bool surely = audit_fact(audit, function, FACT_LATE_SURELY);

    for (uint32_t i = 0; i < summary->access_count; i++) {
        const struct infer_access *access = &audit->infer->accesses[summary->first_access + i];

        if (!access->address_only && !access->writes) {
            mark_slot(slots, count, access->rva, function, surely);
        }
    }
    for (uint32_t i = body->first_call; i < body->first_call + body->call_count; i++) {
        const struct micro *micro = &program->micros[program->calls[i].micro];

        if (program->calls[i].indirect && micro->second == MICRO_MEMORY &&
            micro->base == MICRO_RIP && micro->index == MICRO_NO_REGISTER) {
            mark_slot(slots, count, (uint32_t)micro->displacement, function, surely);
        }
    }
}

static pg_status look_at_slots(const struct audit *audit)
{
    size_t room = audit->program->pointer_count + (size_t)audit->infer->pointer_count + 1;
    struct slot *slots = host.allocate(sizeof *slots * room);
    uint32_t count;

    if (slots == NULL) {
        return PG_E_NO_MEMORY;
    }
    count = find_slots(audit, slots);
    for (uint32_t f = 0; f < audit->program->function_count && count > 0; f++) {
        if (audit_fact(audit, f, FACT_LATE) && !audit_fact(audit, f, FACT_INIT)) {
            mark_reads(audit, f, slots, count);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i].read) {
            audit_report(audit, RULE_INIT_CALLED_LATE, VERDICT_POSSIBLE, slots[i].function,
                         audit_first_micro(audit, slots[i].function), 0,
                         advice_text(audit->builder,
                                     "%s is in INIT, and %s uses a pointer to it that stays",
                                     audit->program->functions[slots[i].function].name,
                                     audit->program->functions[slots[i].reader].name),
                         "unless the pointer has been replaced by then");
        }
    }
    host.release(slots);
    return PG_OK;
}

pg_status rules_init(struct audit *audit)
{
    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        if (audit_fact(audit, i, FACT_INIT)) {
            look_at_role(audit, i);
        } else if (audit_fact(audit, i, FACT_LATE)) {
            look_at_code(audit, i);
        }
    }
    return look_at_slots(audit);
}
