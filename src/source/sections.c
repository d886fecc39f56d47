/* SPDX-License-Identifier: MIT */
/*
 * Pragmas about sections, and the section of each routine.
 *
 * The compiler's rules: __declspec(code_seg) on the routine decides; else what alloc_text says of
 * it by name; else the code_seg pragma in force where its body begins.
 */
#include "source/unit.h"

#include <string.h>

#define STACK_MAX 256u /* code_seg(push); deeper ones are counted, not kept */

/* "X", without its quotes. */
static struct range unquoted(const struct unit *unit, const struct token *token)
{
    struct range range = token_range(token);

    while (range.begin < range.end && unit->text[range.begin] != '"') {
        range.begin++; /* L */
    }
    range.begin += range.begin < range.end;
    range.end -= range.end > range.begin && unit->text[range.end - 1] == '"';
    return range;
}

/* `(PAGE, A, B)`, `("PAGE", A)` */
static void read_alloc_text(const struct unit *unit, struct lexer *lexer, struct pragma *out)
{
    struct token t;

    lexer_next(lexer, &t); /* '(' */
    lexer_next(lexer, &t);
    out->section = t.kind == TOKEN_STRING ? unquoted(unit, &t) : token_range(&t);
    if (t.kind == TOKEN_PUNCTUATION && t.code != PUNCT('.')) {
        out->section = (struct range){t.begin, t.begin};
    }
    lexer_next(lexer, &t);
    while (t.kind != TOKEN_END && t.code != PUNCT(',')) { /* .text$mn */
        out->section.end = t.end;
        lexer_next(lexer, &t);
    }
    out->names = (struct range){t.end, lexer->end};
}

/* `()`, `("PAGE")`, `(push)`, `(push, label, "PAGE", "CODE")`, `(pop)` */
static void read_seg(const struct unit *unit, struct lexer *lexer, struct pragma *out)
{
    struct token t;
    bool any = false;

    lexer_next(lexer, &t); /* '(' */
    for (lexer_next(lexer, &t); t.kind != TOKEN_END && t.code != PUNCT(')');
         lexer_next(lexer, &t)) {
        any = true;
        if (t.kind == TOKEN_STRING && !out->named) {
            out->section = unquoted(unit, &t);
            out->named = true;
        } else if (token_is(unit, &t, "push")) {
            out->push = true;
        } else if (token_is(unit, &t, "pop")) {
            out->pop = true;
        }
    }
    out->named = out->named || !any;
}

static bool read_pragma(const struct unit *unit, uint32_t index, struct pragma *out)
{
    const struct token *directive = &unit->all[index];
    struct lexer lexer;
    struct token t;

    lexer_start(&lexer, unit->text, directive->begin + 1, directive->end, directive->line, false);
    lexer_next(&lexer, &t);
    if (!token_is(unit, &t, "pragma")) {
        return false;
    }
    lexer_next(&lexer, &t);
    *out = (struct pragma){
        .line = directive->line, .begin = directive->begin, .branch = directive->branch};
    if (token_is(unit, &t, "alloc_text")) {
        out->kind = PRAGMA_ALLOC_TEXT;
        read_alloc_text(unit, &lexer, out);
        return true;
    }
    out->kind = token_is(unit, &t, "code_seg") ? PRAGMA_CODE_SEG : PRAGMA_DATA_SEG;
    if (out->kind == PRAGMA_CODE_SEG || token_is(unit, &t, "data_seg") ||
        token_is(unit, &t, "const_seg") || token_is(unit, &t, "bss_seg")) {
        read_seg(unit, &lexer, out);
        return true;
    }
    return false;
}

bool pragma_next_name(const struct unit *unit, const struct pragma *pragma, uint32_t *at,
                      struct range *name)
{
    struct lexer lexer;
    struct token t;

    if (*at < pragma->names.begin) {
        *at = pragma->names.begin;
    }
    if (*at >= pragma->names.end) {
        return false;
    }
    lexer_start(&lexer, unit->text, *at, pragma->names.end, pragma->line, false);
    do {
        lexer_next(&lexer, &t);
    } while (t.kind != TOKEN_END && t.kind != TOKEN_WORD);
    *name = token_range(&t);
    if (t.kind == TOKEN_END) {
        return false;
    }
    lexer_next(&lexer, &t);
    while (t.code == PUNCT2(':', ':')) { /* Class::Method, as one name */
        lexer_next(&lexer, &t);
        name->end = t.end;
        lexer_next(&lexer, &t);
    }
    *at = name->end;
    return true;
}

/* Section in a `code_seg("X")` among the bytes of a macro's body. */
static struct range section_in_body(const struct unit *unit, struct range body)
{
    struct lexer lexer;
    struct token t;
    bool seen = false;

    lexer_start(&lexer, unit->text, body.begin, body.end, 1, false);
    for (lexer_next(&lexer, &t); t.kind != TOKEN_END; lexer_next(&lexer, &t)) {
        seen = seen || token_is(unit, &t, "code_seg");
        if (seen && t.kind == TOKEN_STRING) {
            return unquoted(unit, &t);
        }
    }
    return (struct range){0, 0};
}

struct range section_of_header(const struct unit *unit, uint32_t first, uint32_t end)
{
    bool seen = false;

    for (uint32_t i = first; i < end; i++) {
        const struct macro *macro;

        seen = seen || code_is(unit, i, "code_seg");
        if (seen && unit->code[i].kind == TOKEN_STRING) {
            return unquoted(unit, &unit->code[i]);
        }
        macro = code_word(unit, i) ? macro_named(unit, token_range(&unit->code[i])) : NULL;
        if (macro != NULL && !macro->parameters) {
            struct range section = section_in_body(unit, macro->body);

            if (range_length(section) > 0) {
                return section;
            }
        }
    }
    return (struct range){0, 0};
}

/* Headers of the kits: they declare nothing of the driver. */
static bool of_the_kit(const struct unit *unit, struct range name)
{
    static const char *const names[] = {
        "<ntddk.h>",   "<wdm.h>",       "<ntifs.h>",       "<wdf.h>",     "<ntstrsafe.h>",
        "<ndis.h>",    "<initguid.h>",  "<storport.h>",    "<ntddser.h>", "<ntdddisk.h>",
        "<stdarg.h>",  "<stddef.h>",    "<string.h>",      "<ntdef.h>",   "<wmilib.h>",
        "<wmistr.h>",  "<fltKernel.h>", "<usb.h>",         "\"ntddk.h\"", "\"wdm.h\"",
        "\"ntifs.h\"", "\"wdf.h\"",     "\"ntstrsafe.h\"", NULL};

    return range_in(unit, name, names);
}

static bool includes_own(const struct unit *unit, const struct token *directive)
{
    struct lexer lexer;
    struct token t;
    struct range name;

    lexer_start(&lexer, unit->text, directive->begin + 1, directive->end, directive->line, false);
    lexer_next(&lexer, &t);
    if (!token_is(unit, &t, "include")) {
        return false;
    }
    lexer_next(&lexer, &t);
    name = token_range(&t);
    while (t.kind != TOKEN_END && t.code != PUNCT('>')) {
        name.end = t.end;
        lexer_next(&lexer, &t);
    }
    name.end = t.code == PUNCT('>') ? t.end : name.end;
    return !of_the_kit(unit, name);
}

struct seg {
    struct range section;
    uint32_t line;
};

struct seg_stack {
    struct seg rows[STACK_MAX], now;
    uint32_t depth;
};

static void take_seg(struct seg_stack *stack, const struct pragma *p)
{
    if (p->push) {
        stack->rows[stack->depth < STACK_MAX ? stack->depth : STACK_MAX - 1] = stack->now;
        stack->depth++;
    }
    if (p->pop && stack->depth > 0) {
        stack->depth--;
        stack->now = stack->rows[stack->depth < STACK_MAX ? stack->depth : STACK_MAX - 1];
    }
    if (p->named) {
        stack->now = (struct seg){p->section, p->line};
    }
}

static void apply_seg(const struct unit *unit, struct function *f, const struct seg *now)
{
    const struct declaration *earlier = declaration_named(unit, f->name);
    struct range own = section_of_header(unit, f->first, f->open);

    if (range_length(own) == 0 && earlier != NULL) {
        own = earlier->section;
    }
    if (range_length(own) > 0) {
        f->means = SECTION_DECLSPEC;
        f->section = own;
        f->section_line = f->line;
    } else if (range_length(now->section) > 0) {
        f->means = SECTION_CODE_SEG;
        f->section = now->section;
        f->section_line = now->line;
    }
}

/* What the code_seg pragmas and declspecs say, in the order of the file. */
static void apply_segs(struct unit *unit)
{
    struct seg_stack stack = {.depth = 0};
    uint32_t next = 0;

    for (uint32_t i = 0; i < unit->function_count; i++) {
        struct function *f = &unit->functions[i];
        uint32_t body = unit->code[f->body].begin;

        for (; next < unit->pragma_count && unit->pragmas[next].begin < body; next++) {
            if (unit->pragmas[next].kind == PRAGMA_CODE_SEG) {
                take_seg(&stack, &unit->pragmas[next]);
            }
        }
        apply_seg(unit, f, &stack.now);
    }
}

static void apply_alloc_text(struct unit *unit)
{
    for (uint32_t i = 0; i < unit->pragma_count; i++) {
        const struct pragma *p = &unit->pragmas[i];
        struct range name;

        for (uint32_t at = 0;
             p->kind == PRAGMA_ALLOC_TEXT && pragma_next_name(unit, p, &at, &name);) {
            struct function *f = function_named(unit, name);

            if (f != NULL && f->means != SECTION_DECLSPEC) {
                f->means = SECTION_ALLOC_TEXT;
                f->section = p->section;
                f->section_line = p->line;
            }
        }
    }
}

/* Definitions of the same name in other branches are in the section of the first. */
static void apply_to_twins(struct unit *unit)
{
    for (uint32_t i = 1; i < unit->function_count; i++) {
        struct function *f = &unit->functions[unit->by_name[i]];
        const struct function *before = &unit->functions[unit->by_name[i - 1]];

        if (before->means == SECTION_ALLOC_TEXT && f->means == SECTION_NOT_NAMED &&
            range_same(unit, before->name, f->name)) {
            f->means = before->means;
            f->section = before->section;
            f->section_line = before->section_line;
        }
    }
}

void sections_read(struct unit *unit)
{
    struct pragma pragma;
    uint32_t count = 0;

    for (uint32_t i = 0; i < unit->all_count; i++) {
        count += unit->all[i].kind == TOKEN_DIRECTIVE && read_pragma(unit, i, &pragma);
    }
    unit->pragmas = arena_array(&unit->arena, (size_t)count + 1, sizeof *unit->pragmas);
    for (uint32_t i = 0; !unit->arena.failed && i < unit->all_count; i++) {
        if (unit->all[i].kind != TOKEN_DIRECTIVE || unit->branches[unit->all[i].branch].hidden) {
            continue;
        }
        if (read_pragma(unit, i, &pragma)) {
            unit->pragmas[unit->pragma_count++] = pragma;
        }
        unit->own_headers = unit->own_headers || includes_own(unit, &unit->all[i]);
    }
    if (!unit->arena.failed) {
        apply_segs(unit);
        apply_alloc_text(unit);
        apply_to_twins(unit);
    }
}
