/* SPDX-License-Identifier: MIT */
/*
 * How pageable sections are cut: too small, torn apart, mixed.  Notes; nothing breaks.
 *
 * Unless small savings are asked for, only what is about a page or more is worth one.
 */
#include "advise/savings.h"

#include "base/host.h"

/* What is summed up per section, or per pair of sections. */
struct pile {
    uint32_t bytes, routines;
    uint32_t first; /* function */
};

static bool worth_it(const struct audit *audit, uint32_t bytes)
{
    return bytes >= PAGE_BYTES || (audit->options->small && bytes > 0);
}

static bool is_pageable_code(const struct audit *audit, uint32_t section)
{
    return audit_section_pageable(audit, section) && audit->image->sections[section].executable;
}

/* ---- one section ---- */

/* A small section is of no use where there is another to merge it with; alone, only when asked. */
static void small_sections(const struct audit *audit)
{
    uint32_t pageable = 0;

    for (uint32_t i = 0; i < audit->image->section_count; i++) {
        pageable += is_pageable_code(audit, i) && !audit_may_be_locked(audit, i);
    }
    for (uint32_t i = 0; i < audit->image->section_count; i++) {
        const struct image_section *section = &audit->image->sections[i];

        if (is_pageable_code(audit, i) && section->virtual_size < PAGE_BYTES &&
            !audit_may_be_locked(audit, i) && (pageable > 1 || audit->options->small)) {
            audit_report_at(audit, RULE_LAYOUT_SMALL_SECTION, VERDICT_DEFINITE,
                            audit_section_place(audit, i),
                            advice_text(audit->builder, "section %s has %u bytes, less than a page",
                                        section->name, section->virtual_size));
        }
    }
}

static void code_and_data(const struct audit *audit)
{
    for (uint32_t i = 0; i < audit->image->section_count; i++) {
        const struct image_section *section = &audit->image->sections[i];

        if (is_pageable_code(audit, i) && section->writable) {
            audit_report_at(audit, RULE_LAYOUT_CODE_AND_DATA, VERDICT_DEFINITE,
                            audit_section_place(audit, i),
                            advice_text(audit->builder, "section %s holds code and can be written",
                                        section->name));
        }
    }
}

/* ---- routines in the wrong section ---- */

/* Needs no lock, ever: nobody enters it raised, and it does not raise. */
static bool always_pageable(const struct audit *audit, uint32_t function)
{
    const struct entry *entry = &audit->infer->entries[function];

    return !entry->unknown && !entry->role_inferred && entry->possible != 0 &&
           ((entry->possible | entry->paging | entry->elsewhere) & IRQL_RAISED) == 0 &&
           !role_text(entry->role)->must_be_resident && !role_text(entry->role)->better_resident &&
           !audit->program->functions[function].incomplete &&
           !savings_raised_inside(audit, function);
}

static void add_to(struct pile *pile, const struct audit *audit, uint32_t function)
{
    if (pile->routines++ == 0) {
        pile->first = function;
    }
    pile->bytes += audit->program->functions[function].bytes;
}

static void tell_pile(const struct audit *audit, enum rule rule, const struct pile *pile,
                      uint32_t section, const char *what)
{
    const struct function *first = &audit->program->functions[pile->first];

    audit_report_at(audit, rule, VERDICT_DEFINITE, audit_place(audit, first->rva),
                    advice_text(audit->builder, "%u bytes of section %s %s: %s%s", pile->bytes,
                                audit->image->sections[section].name, what, first->name,
                                pile->routines > 1 ? " and others" : ""));
}

static void mixed_locking(const struct audit *audit)
{
    struct pile piles[IMAGE_MAX_SECTIONS] = {{0}};

    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        uint32_t section = audit->program->functions[i].section;

        if (audit_fact(audit, i, FACT_PAGEABLE) &&
            (audit->section_facts[section] & SECTION_LOCKED_HERE) != 0 &&
            always_pageable(audit, i)) {
            add_to(&piles[section], audit, i);
        }
    }
    for (uint32_t i = 0; i < audit->image->section_count; i++) {
        if (worth_it(audit, piles[i].bytes)) {
            tell_pile(audit, RULE_LAYOUT_MIXED_LOCKING, &piles[i], i,
                      "need no lock and are locked with the rest of it");
        }
    }
}

/* The one other pageable section that all callers of a routine are in; NO_INDEX. */
static uint32_t used_from(const struct audit *audit, uint32_t function)
{
    const struct program *program = audit->program;
    const struct function *body = &program->functions[function];
    uint32_t from = NO_INDEX;

    if (body->address_taken || audit->infer->entries[function].role != ROLE_NONE ||
        !audit_fact(audit, function, FACT_PAGEABLE)) {
        return NO_INDEX;
    }
    for (uint32_t i = 0; i < body->caller_count; i++) {
        const struct call *call = &program->calls[program->callers[body->first_caller + i]];
        uint32_t section = program->functions[program->blocks[call->block].function].section;

        if ((from != NO_INDEX && from != section) || !is_pageable_code(audit, section)) {
            return NO_INDEX;
        }
        from = section;
    }
    if (from == NO_INDEX || from == body->section ||
        audit_may_be_locked(audit, from) != audit_may_be_locked(audit, body->section)) {
        return NO_INDEX;
    }
    return from;
}

static pg_status belong_together(const struct audit *audit)
{
    uint32_t sections = audit->image->section_count;
    struct pile *piles = host.allocate(sizeof *piles * (sections * (size_t)sections + 1));

    if (piles == NULL) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        uint32_t from = used_from(audit, i);

        if (from != NO_INDEX) {
            add_to(&piles[audit->program->functions[i].section * sections + from], audit, i);
        }
    }
    for (uint32_t i = 0; i < sections * sections; i++) {
        if (worth_it(audit, piles[i].bytes)) {
            tell_pile(audit, RULE_LAYOUT_BELONG_TOGETHER, &piles[i], i / sections,
                      advice_text(audit->builder, "are used from section %s only",
                                  audit->image->sections[i % sections].name));
        }
    }
    host.release(piles);
    return PG_OK;
}

pg_status advise_layout(struct audit *audit)
{
    if (audit->program->function_count == 0) {
        return PG_OK;
    }
    small_sections(audit);
    code_and_data(audit);
    mixed_locking(audit);
    return belong_together(audit);
}
