/* SPDX-License-Identifier: MIT */
/* Rules about bodies of routines, and the order in which all rules are asked; see source.h. */
#include "source/rules.h"

#include "source/calls.h"

static const char locked_condition[] = "unless callers lock the section in memory first";

const char *check_text(struct check *check, struct range range)
{
    return advice_text(check->builder, "%.*s", (int)range_length(range),
                       check->unit->text + range.begin);
}

static void report(struct check *check, enum rule rule, const struct function *f, uint32_t line,
                   const char *message, enum verdict verdict, const char *condition)
{
    struct advice_finding finding = {
        .rule = rule,
        .verdict = verdict,
        .place = {.function = f != NULL ? check_text(check, f->name) : "",
                  .section = f != NULL ? check_text(check, f->section) : "",
                  .file = check->file,
                  .line = line},
        .message = message,
        .condition = condition,
    };

    if ((check->rules & RULE_BIT(rule)) != 0) {
        advice_add_finding(check->builder, &finding);
    }
}

void check_report(struct check *check, enum rule rule, const struct function *f, uint32_t line,
                  const char *message, const char *condition)
{
    report(check, rule, f, line, message, condition != NULL ? VERDICT_UNKNOWN : VERDICT_DEFINITE,
           condition);
}

/* PAGED_CODE or PAGED_CODE_LOCKED in a body: how often, and where. */
struct paged_code {
    uint32_t first, second; /* code tokens; NONE */
};

static struct paged_code find_paged_code(const struct unit *unit, const struct function *f)
{
    struct paged_code found = {NONE, NONE};
    uint32_t end = f->body_end != NONE ? f->body_end : unit->code_count;

    for (uint32_t i = f->body + 1; i < end; i++) {
        if (!code_is(unit, i, "PAGED_CODE_LOCKED") && !code_is(unit, i, "PAGED_CODE")) {
            continue;
        }
        if (found.first == NONE) {
            found.first = i;
        } else if (found.second == NONE &&
                   !branches_exclude(unit, unit->code[found.first].branch, unit->code[i].branch)) {
            found.second = i;
        }
    }
    return found;
}

/* An assertion of one's own about the IRQL does what PAGED_CODE does. */
static bool asserts_irql(const struct unit *unit, const struct function *f)
{
    static const char *const words[] = {"ASSERT",    "NT_ASSERT",  "NT_VERIFY",
                                        "ASSERTMSG", "WIN_ASSERT", NULL};
    uint32_t end = f->body_end != NONE ? f->body_end : unit->code_count;

    for (uint32_t i = f->body + 1; i < end; i++) {
        if (!range_in(unit, token_range(&unit->code[i]), words) ||
            !code_punct(unit, i + 1, PUNCT('(')) || unit->match[i + 1] == NONE) {
            continue;
        }
        for (uint32_t j = i + 2; j < unit->match[i + 1]; j++) {
            if (code_is(unit, j, "KeGetCurrentIrql")) {
                return true;
            }
        }
    }
    return false;
}

static bool is_locked(const struct check *check, struct range section)
{
    for (uint32_t i = 0; i < check->locked_count; i++) {
        if (range_same(check->unit, check->locked[i], section)) {
            return true;
        }
    }
    return false;
}

/* The file locks the section of a routine whose address it gives. */
static void note_locked(struct check *check, uint32_t first, uint32_t end)
{
    const struct unit *unit = check->unit;

    for (; first < end; first++) {
        const struct function *f =
            code_word(unit, first) ? function_named(unit, token_range(&unit->code[first])) : NULL;

        if (f != NULL && check->locked_count < LOCKED_MAX && !is_locked(check, f->section)) {
            check->locked[check->locked_count++] = f->section;
        }
    }
}

static void find_locked(struct check *check)
{
    static const char *const locks[] = {"MmLockPagableCodeSection", "MmLockPagableDataSection",
                                        "MmLockPageableCodeSection", NULL};
    const struct unit *unit = check->unit;

    for (uint32_t i = 0; i < unit->code_count; i++) {
        uint32_t first, end;

        if (range_begins(unit, token_range(&unit->code[i]), "MmLock") &&
            range_in(unit, token_range(&unit->code[i]), locks) &&
            code_punct(unit, i + 1, PUNCT('(')) && call_argument(unit, i + 1, 0, &first, &end)) {
            note_locked(check, first, end);
        }
    }
}

static void check_paged_code(struct check *check, const struct function *f, bool locked)
{
    const struct unit *unit = check->unit;
    struct paged_code paged = find_paged_code(unit, f);
    bool pageable = section_pageable(unit, f->section);
    bool plain = range_is(unit, f->section, "PAGE");
    const char *name = check_text(check, f->name);

    if (pageable && paged.first == NONE && !locked && !f->is_inline && !asserts_irql(unit, f)) {
        check_report(check, RULE_PAGED_CODE_MISSING, f, f->line,
                     advice_text(check->builder, "%s is in section %s and does not begin with %s",
                                 name, check_text(check, f->section),
                                 plain ? "PAGED_CODE" : "PAGED_CODE or PAGED_CODE_LOCKED"),
                     plain ? NULL : locked_condition);
    }
    if (paged.first != NONE && range_length(f->section) == 0 && !f->is_inline) {
        check_report(check, RULE_PAGED_CODE_IN_RESIDENT, f, unit->code[paged.first].line,
                     advice_text(check->builder,
                                 "%s says PAGED_CODE, but no pragma of this file makes it pageable",
                                 name),
                     f->method || f->odd_header ? "unless a header puts it into a section" : NULL);
    }
    if (paged.second != NONE) {
        check_report(check, RULE_PAGED_CODE_TWICE, f, unit->code[paged.second].line,
                     advice_text(check->builder,
                                 "%s says PAGED_CODE a second time, first in line %u", name,
                                 unit->code[paged.first].line),
                     NULL);
    }
}

/* KeRaiseIrql(APC_LEVEL, ...) raises to where page faults are still served. */
static bool raises_high(const struct unit *unit, const struct call_row *row, uint32_t open)
{
    uint32_t first, end;

    if (!row->raises || !call_argument(unit, open, 0, &first, &end) || end != first + 1) {
        return true;
    }
    return !code_is(unit, first, "APC_LEVEL") && !code_is(unit, first, "PASSIVE_LEVEL");
}

static bool waits(const struct unit *unit, const struct call_row *row, uint32_t open)
{
    uint32_t first, end;

    return call_argument(unit, open, row->wait, &first, &end) && end == first + 1 &&
           (code_is(unit, first, "TRUE") || code_is(unit, first, "true") ||
            (unit->code[first].kind == TOKEN_NUMBER &&
             range_is(unit, token_range(&unit->code[first]), "1")));
}

/* Calls that leave a pageable routine at raised IRQL, as far as one sees them. */
static void check_calls(struct check *check, const struct function *f)
{
    const struct unit *unit = check->unit;

    for (uint32_t i = f->body + 1; i < f->body_end; i++) {
        const struct call_row *row = code_word(unit, i) && code_punct(unit, i + 1, PUNCT('('))
                                         ? call_named(unit, token_range(&unit->code[i]))
                                         : NULL;
        enum rule rule = RULE_SPIN_LOCK_IN_PAGEABLE;

        if (row == NULL || row->kind == CALL_RELEASE) {
            continue;
        }
        if (row->kind == CALL_WAIT_TRUE ? !waits(unit, row, i + 1)
                                        : !raises_high(unit, row, i + 1)) {
            continue;
        }
        if (row->kind == CALL_WAIT_TRUE) {
            rule = RULE_WAIT_TRUE_IN_PAGEABLE;
        } else if (row->raises) {
            rule = RULE_RAISE_IN_PAGEABLE;
        }
        report(check, rule, f, unit->code[i].line,
               advice_text(check->builder, "%s calls %s%s and is in section %s",
                           check_text(check, f->name), row->name,
                           row->kind == CALL_WAIT_TRUE ? " with Wait TRUE" : "",
                           check_text(check, f->section)),
               VERDICT_POSSIBLE, locked_condition);
    }
}

static void check_functions(struct check *check)
{
    const struct unit *unit = check->unit;

    find_locked(check);
    for (uint32_t i = 0; i < unit->function_count; i++) {
        const struct function *f = &unit->functions[i];
        bool locked = is_locked(check, f->section);

        check_paged_code(check, f, locked);
        if (f->body_end != NONE && !locked &&
            (range_is(unit, f->section, "PAGE") ||
             (section_pageable(unit, f->section) && find_paged_code(unit, f).first != NONE))) {
            check_calls(check, f);
        }
    }
}

pg_status source_advise(const char *file, const char *text, size_t bytes,
                        const struct source_options *options, struct advice **out)
{
    struct unit unit;
    struct check check = {.unit = &unit, .rules = options->rules};
    pg_status status = unit_read(file, text, bytes, &unit);

    *out = NULL;
    if (status == PG_OK) {
        check.builder = advice_begin(file, "source");
        status = check.builder != NULL ? PG_OK : PG_E_NO_MEMORY;
    }
    if (status == PG_OK) {
        check.file = advice_text(check.builder, "%s", file);
        check_pragmas(&check);
        check_functions(&check);
        advice_draft(check.builder)->symbols = "";
        advice_add_limit(check.builder, "headers were not read and macros not expanded");
        *out = advice_finish(check.builder);
        status = *out != NULL ? PG_OK : PG_E_NO_MEMORY;
    }
    unit_free(&unit);
    return status;
}
