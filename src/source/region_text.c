/* SPDX-License-Identifier: MIT */
/* What the text of a region must not hold: what may not run with a lock, and what cannot be moved.
 */
#include "source/region.h"

#define MACRO_TOKENS_MAX 4096u

static bool check_statements(struct work *work, struct region *r)
{
    const struct body *b = &work->body;

    for (uint32_t s = r->first; s <= b->statements[r->last].last; s++) {
        const struct tail *tail = region_tail_of(r, b, s);
        uint32_t line = work->unit->code[b->statements[s].first].line;

        if (tail != NULL && !tail->kept) {
            continue;
        }
        if (b->statements[s].kind == STATEMENT_TRY) {
            return region_refuse(work, r, line, "the region holds a __try",
                                 "handle exceptions outside of the code with the lock");
        }
        if (b->statements[s].kind == STATEMENT_OPAQUE) {
            return region_refuse(work, r, line,
                                 "the region holds assembly, or a macro that opens a block",
                                 "write the block out, or move it out of the code with the lock");
        }
        if (b->statements[s].kind == STATEMENT_DECLARATION &&
            code_is(work->unit, b->statements[s].first, "typedef")) {
            return region_refuse(work, r, line, "the region declares a type",
                                 "declare the type at file scope");
        }
    }
    return true;
}

/* ---- calls ---- */

static bool check_call(struct work *work, struct region *r, uint32_t at)
{
    static const char *const stack[] = {"alloca", "_alloca", "_malloca", "__builtin_alloca", NULL};
    const struct unit *unit = work->unit;
    struct range name = token_range(&unit->code[at]);
    const struct function *f = function_named(unit, name);
    const char *text = arena_copy(work->arena, unit->text + name.begin, range_length(name));
    uint32_t line = unit->code[at].line;

    if (range_in(unit, name, stack)) {
        return region_refuse(work, r, line,
                             arena_print(work->arena,
                                         "%s in line %u: the memory would be gone when "
                                         "the new routine returns",
                                         text, line),
                             "allocate before the lock is taken");
    }
    if (call_needs_low_irql(unit, name)) {
        return region_refuse(work, r, line,
                             arena_print(work->arena,
                                         "%s in line %u may not be called with a lock "
                                         "held: that is a mistake already",
                                         text, line),
                             "release the lock first");
    }
    if (f != NULL && section_pageable(unit, f->section)) {
        return region_refuse(work, r, line,
                             arena_print(work->arena,
                                         "%s, called with the lock in line %u, is itself "
                                         "in a PAGE section",
                                         text, line),
                             "make it resident, or isolate it first");
    }
    return true;
}

static bool check_calls(struct work *work, struct region *r)
{
    uint32_t end = region_token_end(work, r);

    for (uint32_t i = region_token_first(work, r); i < end; i++) {
        if (code_word(work->unit, i) && region_moves(work, r, i) &&
            (code_punct(work->unit, i + 1, PUNCT('(')) || code_is(work->unit, i, "PAGED_CODE")) &&
            !check_call(work, r, i)) {
            return false;
        }
    }
    return true;
}

/* ---- macros of this file ---- */

static bool names_local(const struct work *work, struct range word)
{
    for (uint32_t i = 0; i < work->locals.count; i++) {
        if (range_same(work->unit, work->locals.rows[i].name, word)) {
            return true;
        }
    }
    return false;
}

/* Why a macro's body may not be moved unseen; NULL: it may. */
static const char *macro_trouble(const struct work *work, const struct macro *macro)
{
    static const char *const jumps[] = {"return", "goto", "break", "continue", "__leave", NULL};
    const struct unit *unit = work->unit;
    struct lexer lexer;
    struct token t;
    int braces = 0;
    uint32_t before = 0;

    lexer_start(&lexer, unit->text, macro->body.begin, macro->body.end, macro->line, false);
    for (uint32_t n = 0; n < MACRO_TOKENS_MAX; n++) {
        const struct call_row *row;

        lexer_next(&lexer, &t);
        if (t.kind == TOKEN_END) {
            return braces != 0 ? "opens or closes a brace" : NULL;
        }
        braces += (t.code == PUNCT('{')) - (int)(t.code == PUNCT('}'));
        if (t.kind == TOKEN_WORD && before != PUNCT('.') && before != PUNCT2('-', '>')) {
            row = call_named(unit, token_range(&t));
            if (range_in(unit, token_range(&t), jumps)) {
                return "jumps";
            }
            if (row != NULL && row->kind != CALL_WAIT_TRUE) {
                return "acquires or releases a lock";
            }
            if (!macro->parameters && names_local(work, token_range(&t))) {
                return "uses a local variable";
            }
        }
        before = t.code;
    }
    return "is too long to be looked through";
}

static bool check_macros(struct work *work, struct region *r)
{
    const struct unit *unit = work->unit;
    uint32_t end = region_token_end(work, r);

    for (uint32_t i = region_token_first(work, r); unit->macro_count > 0 && i < end; i++) {
        const struct macro *macro =
            code_word(unit, i) ? macro_named(unit, token_range(&unit->code[i])) : NULL;
        const char *trouble = macro != NULL ? macro_trouble(work, macro) : NULL;

        if (trouble != NULL && region_moves(work, r, i)) {
            return region_refuse(work, r, unit->code[i].line,
                                 arena_print(work->arena, "the macro %.*s in line %u %s",
                                             (int)range_length(macro->name),
                                             unit->text + macro->name.begin, unit->code[i].line,
                                             trouble),
                                 "write it out");
        }
    }
    return true;
}

/* ---- preprocessor ---- */

static bool is_jump_or_lock(const struct unit *unit, const struct token *t)
{
    static const char *const jumps[] = {"return", "goto",    "break", "continue",
                                        "case",   "default", NULL};
    const struct call_row *row;

    if (t->kind != TOKEN_WORD) {
        return false;
    }
    row = call_named(unit, token_range(t));
    return (row != NULL && row->kind != CALL_WAIT_TRUE) || range_in(unit, token_range(t), jumps);
}

static bool is_directive(const struct unit *unit, const struct token *t, const char *word)
{
    struct lexer lexer;
    struct token first;

    lexer_start(&lexer, unit->text, t->begin + 1, t->end, t->line, false);
    lexer_next(&lexer, &first);
    return token_is(unit, &first, word);
}

/* The branch a directive belongs to is around the tokens [first, end) or wholly among them: its
 * #if and its #endif are there together. */
static bool check_directives_in(struct work *work, struct region *r, uint32_t first, uint32_t end)
{
    const struct unit *unit = work->unit;
    uint32_t from = all_at(unit, unit->code[first].begin);
    uint32_t outer = unit->all[from].branch;
    uint32_t base = unit->branches[outer].depth;

    for (uint32_t i = from; i < unit->all_count && unit->all[i].begin < unit->code[end - 1].end;
         i++) {
        const struct token *t = &unit->all[i];
        bool conditional = unit->branches[t->branch].depth > base;
        bool crossing = unit->branches[t->branch].depth < base ||
                        (unit->branches[t->branch].depth == base && t->branch != outer);

        crossing = crossing || (t->kind == TOKEN_DIRECTIVE && (is_directive(unit, t, "define") ||
                                                               is_directive(unit, t, "undef") ||
                                                               is_directive(unit, t, "include")));
        if (crossing || (conditional && is_jump_or_lock(unit, t)) ||
            unit->branches[t->branch].hidden) {
            return region_refuse(work, r, t->line,
                                 arena_print(work->arena,
                                             "conditional compilation in line %u decides "
                                             "about the lock or the way through the region",
                                             t->line),
                                 "keep #if, #define and #include out of the code with the lock");
        }
    }
    return true;
}

static bool check_directives(struct work *work, struct region *r)
{
    const struct body *b = &work->body;

    if (!check_directives_in(work, r, region_token_first(work, r), region_token_end(work, r))) {
        return false;
    }
    for (uint32_t i = 0; i < r->tail_count; i++) {
        const struct tail *t = &r->tails[i];

        if (!t->kept && !check_directives_in(work, r, b->statements[t->first].first,
                                             b->statements[t->last].end)) {
            return false;
        }
        if (!t->kept && work->unit->code[b->statements[t->first].first].branch !=
                            work->unit->code[region_token_first(work, r)].branch) {
            return region_refuse(work, r, work->unit->code[b->statements[t->first].first].line,
                                 "code behind a release is compiled under a condition of its own",
                                 "keep #if out of the code with the lock");
        }
    }
    if (work->unit->code[region_token_end(work, r) - 1].branch !=
        work->unit->code[region_token_first(work, r)].branch) {
        return region_refuse(work, r, r->line_end,
                             "conditional compilation ends inside of the region",
                             "keep #if out of the code with the lock");
    }
    return true;
}

bool region_check_text(struct work *work, struct region *region)
{
    return check_statements(work, region) && check_calls(work, region) &&
           check_macros(work, region) && check_directives(work, region);
}
