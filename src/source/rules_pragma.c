/* SPDX-License-Identifier: MIT */
/* Rules about pragmas: what alloc_text may name and where it may stand, and names of sections. */
#include "source/rules.h"

#include <strings.h>

#define NAME_MAX_BYTES 8u /* of a section in an image */

/* The routine in whose body a byte is. */
static const struct function *around(const struct unit *unit, uint32_t byte)
{
    uint32_t low = 0, high = unit->function_count;
    const struct function *f;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (unit->code[unit->functions[middle].body].begin < byte) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    f = &unit->functions[low - 1];
    return f->body_end != NONE && byte < unit->code[f->body_end].begin ? f : NULL;
}

static void check_section_name(struct check *check, struct range name, uint32_t line,
                               const struct function *f)
{
    const struct unit *unit = check->unit;
    uint32_t length = 0; /* the part behind a '$' only orders */
    const char *text = check_text(check, name);

    while (length < range_length(name) && unit->text[name.begin + length] != '$') {
        length++;
    }
    if (length > NAME_MAX_BYTES) {
        check_report(check, RULE_SECTION_NAME, f, line,
                     advice_text(check->builder,
                                 "section name %s has %u characters, eight are kept", text, length),
                     NULL);
    } else if (length >= 4 && strncasecmp(unit->text + name.begin, "PAGE", 4) == 0 &&
               !section_pageable(unit, name)) {
        check_report(
            check, RULE_SECTION_NAME, f, line,
            advice_text(check->builder, "section %s is resident: PAGE must be in capitals", text),
            NULL);
    }
}

/* The first declaration of a name that has C linkage, or that may have it. */
static bool has_c_linkage(const struct function *f, const struct declaration *declared)
{
    return (f != NULL && f->c_linkage) || (declared != NULL && declared->c_linkage);
}

static void report_linkage(struct check *check, const struct pragma *p, struct range name,
                           const struct function *f, const char *why, const char *condition)
{
    check_report(
        check, RULE_ALLOC_TEXT_LINKAGE, f, p->line,
        advice_text(check->builder, "alloc_text names %s, which %s", check_text(check, name), why),
        condition);
}

/* That a header of the driver declares the routine is not worth a word: most do. */
static void check_order(struct check *check, const struct pragma *p, struct range name,
                        const struct function *f, const struct declaration *declared)
{
    const struct unit *unit = check->unit;
    uint32_t defined = f != NULL ? unit->code[f->name_at].begin : UINT32_MAX;
    const char *text = check_text(check, name);

    if (defined < p->begin) {
        if (!branches_exclude(unit, unit->code[f->name_at].branch, p->branch)) {
            check_report(check, RULE_ALLOC_TEXT_ORDER, f, p->line,
                         advice_text(check->builder,
                                     "alloc_text for %s stands behind its definition in line %u",
                                     text, f->line),
                         NULL);
        }
    } else if ((declared == NULL || unit->code[declared->at].begin > p->begin) &&
               !unit->own_headers) {
        check_report(
            check, RULE_ALLOC_TEXT_ORDER, f, p->line,
            advice_text(check->builder, "alloc_text for %s stands before its declaration", text),
            NULL);
    }
}

static void check_name(struct check *check, const struct pragma *p, struct range name)
{
    const struct unit *unit = check->unit;
    const struct function *f = function_named(unit, name);
    const struct declaration *declared = declaration_named(unit, name);
    bool member = false;

    for (uint32_t i = name.begin; i < name.end; i++) {
        member = member || unit->text[i] == ':';
    }
    if (member) {
        report_linkage(check, p, name, NULL, "is a member of a class or namespace", NULL);
        return;
    }
    if (f == NULL) {
        report_linkage(check, p, name, NULL,
                       declared != NULL ? "is declared here but not defined"
                                        : "is neither declared nor defined here",
                       unit->own_headers ? "unless an included file or a macro defines it" : NULL);
        return;
    }
    if (unit->cplusplus && !has_c_linkage(f, declared)) {
        report_linkage(check, p, name, f, "has C++ linkage: it is not declared extern \"C\"",
                       declared == NULL && unit->own_headers
                           ? "unless a header declares it extern \"C\""
                           : NULL);
    }
    check_order(check, p, name, f, declared);
}

static void check_alloc_text(struct check *check, const struct pragma *p)
{
    const struct function *f = around(check->unit, p->begin);
    struct range name;

    if (f != NULL) {
        check_report(check, RULE_ALLOC_TEXT_ORDER, f, p->line,
                     advice_text(check->builder, "alloc_text stands inside of %s",
                                 check_text(check, f->name)),
                     NULL);
        return;
    }
    for (uint32_t at = 0; pragma_next_name(check->unit, p, &at, &name);) {
        check_name(check, p, name);
    }
}

void check_pragmas(struct check *check)
{
    const struct unit *unit = check->unit;

    for (uint32_t i = 0; i < unit->pragma_count; i++) {
        const struct pragma *p = &unit->pragmas[i];

        check_section_name(check, p->section, p->line, NULL);
        if (p->kind == PRAGMA_ALLOC_TEXT) {
            check_alloc_text(check, p);
        }
    }
    for (uint32_t i = 0; i < unit->function_count; i++) {
        const struct function *f = &unit->functions[i];

        if (f->means == SECTION_DECLSPEC) {
            check_section_name(check, f->section, f->section_line, f);
        }
    }
}
