/* SPDX-License-Identifier: MIT */
/* What the text of a region must not hold: what may not run with a lock, and what cannot be moved.
 */
#include "source/macros.h"
#include "source/region.h"

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
            return region_refuse(r, line, "the region holds a __try",
                                 "handle exceptions outside of the code with the lock");
        }
        if (b->statements[s].kind == STATEMENT_OPAQUE) {
            return region_refuse(r, line,
                                 "the region holds assembly, or a macro that opens a block",
                                 "write the block out, or move it out of the code with the lock");
        }
        if (b->statements[s].kind == STATEMENT_DECLARATION &&
            code_is(work->unit, b->statements[s].first, "typedef")) {
            return region_refuse(r, line, "the region declares a type",
                                 "declare the type at file scope");
        }
    }
    return true;
}

/* Does a word stand in what moves? */
static bool names_word(const struct work *work, const struct region *r, uint32_t begin,
                       uint32_t end, struct range word)
{
    for (uint32_t i = begin; i < end; i++) {
        if (code_word(work->unit, i) &&
            range_same(work->unit, token_range(&work->unit->code[i]), word) &&
            region_moves(work, r, i)) {
            return true;
        }
    }
    return false;
}

/* ---- calls ---- */

static bool check_call(struct work *work, struct region *r, uint32_t at)
{
    static const char *const stack[] = {"alloca", "_alloca", "_malloca", "__builtin_alloca", NULL};
    static const char *const frame[] = {"va_start",          "setjmp",  "_setjmp",
                                        "_ReturnAddress",    "longjmp", "_AddressOfReturnAddress",
                                        "RtlCaptureContext", NULL};
    const struct unit *unit = work->unit;
    struct range name = token_range(&unit->code[at]);
    const struct function *f = function_named(unit, name);
    const struct declaration *declared = declaration_named(unit, name);
    const char *text = arena_copy(work->arena, unit->text + name.begin, range_length(name));
    uint32_t line = unit->code[at].line;

    if (range_in(unit, name, stack)) {
        return region_refuse(r, line,
                             arena_print(work->arena,
                                         "%s in line %u: the memory would be gone when "
                                         "the new routine returns",
                                         text, line),
                             "allocate before the lock is taken");
    }
    if (range_in(unit, name, frame)) {
        return region_refuse(r, line,
                             arena_print(work->arena,
                                         "%s in line %u is about the frame of the routine itself",
                                         text, line),
                             "call it before the lock is taken");
    }
    if (call_needs_low_irql(unit, at)) {
        return region_refuse(r, line,
                             arena_print(work->arena,
                                         "%s in line %u may not be called with a lock "
                                         "held: that is a mistake already",
                                         text, line),
                             "release the lock first");
    }
    if ((f != NULL && section_pageable(unit, f->section)) ||
        (f == NULL && declared != NULL && section_pageable(unit, declared->section))) {
        return region_refuse(r, line,
                             arena_print(work->arena,
                                         "%s, called with the lock in line %u, is itself "
                                         "in a PAGE section",
                                         text, line),
                             "make it resident, or isolate it first");
    }
    if (f != NULL && says_paged_code(unit, f, false)) {
        return region_refuse(r, line,
                             arena_print(work->arena,
                                         "%s, called with the lock in line %u, says PAGED_CODE",
                                         text, line),
                             "call it before the lock is taken, or drop its PAGED_CODE");
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

/* What is found in a macro's text, and in that of the macros that it uses. */
struct trouble {
    const struct work *work;
    const char *found;
    int braces;
};

static bool look_at(void *context, const struct macro_token *t)
{
    static const char *const jumps[] = {"return", "goto", "break", "continue", "__leave", NULL};
    struct trouble *trouble = context;
    const struct unit *unit = trouble->work->unit;
    const struct call_row *row;

    trouble->braces += (t->token.code == PUNCT('{')) - (int)(t->token.code == PUNCT('}'));
    if (t->token.kind != TOKEN_WORD || t->parameter || t->before == PUNCT('.') ||
        t->before == PUNCT2('-', '>')) {
        return true;
    }
    row = call_named(unit, token_range(&t->token));
    if (range_in(unit, token_range(&t->token), jumps)) {
        trouble->found = "jumps";
    } else if (row != NULL && row->kind != CALL_WAIT_TRUE) {
        trouble->found = "acquires or releases a lock";
    } else if (names_local(trouble->work, token_range(&t->token))) {
        trouble->found = "uses a local variable";
    }
    return trouble->found == NULL;
}

/* Why a macro's body may not be moved unseen; NULL: it may. */
static const char *macro_trouble(const struct work *work, const struct macro *macro)
{
    struct trouble trouble = {.work = work};

    if (!macro_walk(work->unit, macro, look_at, &trouble)) {
        return trouble.found != NULL ? trouble.found : "is too long to be looked through";
    }
    return trouble.braces != 0 ? "opens or closes a brace" : NULL;
}

/* RETURN_IF(x) of a header: its name says that it jumps. */
static bool is_named_jump(const struct unit *unit, uint32_t at)
{
    static const char *const words[] = {"RETURN", "GOTO", "LEAVE", "BREAK_IF", "CONTINUE_IF", NULL};
    struct range name = token_range(&unit->code[at]);

    if (!code_word(unit, at) || !code_punct(unit, at + 1, PUNCT('('))) {
        return false;
    }
    for (uint32_t i = name.begin; i < name.end; i++) {
        if (unit->text[i] >= 'a' && unit->text[i] <= 'z') {
            return false;
        }
    }
    for (; name.begin < name.end; name.begin++) {
        for (unsigned i = 0; words[i] != NULL; i++) {
            if (range_begins(unit, name, words[i])) {
                return true;
            }
        }
    }
    return false;
}

static bool check_macros(struct work *work, struct region *r)
{
    const struct unit *unit = work->unit;
    uint32_t end = region_token_end(work, r);

    for (uint32_t i = region_token_first(work, r); i < end; i++) {
        const struct macro *macro = macro_used(unit, i);
        const char *trouble = macro != NULL ? macro_trouble(work, macro) : NULL;
        struct range name = token_range(&unit->code[i]);

        if (macro == NULL && is_named_jump(unit, i)) {
            trouble = "jumps, as its name says";
        }
        if (trouble != NULL && region_moves(work, r, i)) {
            return region_refuse(r, unit->code[i].line,
                                 arena_print(work->arena, "the macro %.*s in line %u %s",
                                             (int)range_length(name), unit->text + name.begin,
                                             unit->code[i].line, trouble),
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
            return region_refuse(r, t->line,
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
            return region_refuse(r, work->unit->code[b->statements[t->first].first].line,
                                 "code behind a release is compiled under a condition of its own",
                                 "keep #if out of the code with the lock");
        }
    }
    if (work->unit->code[region_token_first(work, r)].branch !=
        work->unit->code[work->function->body].branch) {
        return region_refuse(r, r->line_begin, "the region is compiled under a condition",
                             "keep #if out of the code with the lock");
    }
    if (work->unit->code[region_token_end(work, r) - 1].branch !=
        work->unit->code[region_token_first(work, r)].branch) {
        return region_refuse(r, r->line_end, "conditional compilation ends inside of the region",
                             "keep #if out of the code with the lock");
    }
    return true;
}

/* ---- names that end with the routine ---- */

/* `struct x {` or an enumeration in the routine, before the region, is used in it. */
static bool check_tags(struct work *work, struct region *r)
{
    const struct unit *unit = work->unit;
    uint32_t begin = region_token_first(work, r), end = region_token_end(work, r);

    for (uint32_t i = work->function->body; i < begin; i++) {
        bool tagged =
            code_is(unit, i, "struct") || code_is(unit, i, "union") || code_is(unit, i, "enum");
        uint32_t open = i + 1 + code_word(unit, i + 1);

        if (!tagged || !code_punct(unit, open, PUNCT('{')) || unit->match[open] == NONE) {
            continue;
        }
        for (uint32_t j = i + 1; j < unit->match[open]; j++) {
            bool constant =
                code_is(unit, i, "enum") && j > open && !code_punct(unit, j - 1, PUNCT('='));

            if (code_word(unit, j) && (j < open || constant) &&
                (names_word(work, r, begin, end, token_range(&unit->code[j])))) {
                return region_refuse(r, unit->code[i].line,
                                     arena_print(work->arena,
                                                 "a type that the routine itself declares in line "
                                                 "%u is used with the lock held",
                                                 unit->code[i].line),
                                     "declare the type at file scope");
            }
        }
    }
    return true;
}

/* A macro that ends, or begins to be, between the head of the routine and what is put behind it. */
static bool check_macro_scope(struct work *work, struct region *r)
{
    const struct unit *unit = work->unit;
    uint32_t begin = region_token_first(work, r), end = region_token_end(work, r);
    uint32_t stop = unit->code[work->function->body_end].begin;

    for (uint32_t i = all_at(unit, unit->code[begin].begin);
         i < unit->all_count && unit->all[i].begin < stop; i++) {
        const struct token *t = &unit->all[i];
        struct lexer lexer;
        struct token name;

        if (t->kind != TOKEN_DIRECTIVE ||
            !(is_directive(unit, t, "undef") || is_directive(unit, t, "define"))) {
            continue;
        }
        lexer_start(&lexer, unit->text, t->begin + 1, t->end, t->line, false);
        lexer_next(&lexer, &name);
        lexer_next(&lexer, &name);
        if (names_word(work, r, begin, end, token_range(&name))) {
            return region_refuse(r, t->line,
                                 arena_print(work->arena,
                                             "the macro %.*s, which line %u changes, is used with "
                                             "the lock held",
                                             (int)(name.end - name.begin), unit->text + name.begin,
                                             t->line),
                                 "define it before the routine, and leave it defined");
        }
    }
    return true;
}

/* ({ return; }) */
static bool check_expressions(struct work *work, struct region *r)
{
    const struct unit *unit = work->unit;
    const struct body *b = &work->body;

    for (uint32_t n = 1; n < b->node_count; n++) {
        for (uint32_t i = b->nodes[n].first + 1; i < b->nodes[n].end; i++) {
            if (is_jump_or_lock(unit, &unit->code[i]) &&
                call_named(unit, token_range(&unit->code[i])) == NULL && region_moves(work, r, i) &&
                b->statements[b->nodes[n].statement].kind != STATEMENT_CASE) {
                return region_refuse(r, unit->code[i].line,
                                     arena_print(work->arena,
                                                 "an expression in line %u holds statements",
                                                 unit->code[i].line),
                                     "write them out");
            }
        }
    }
    return true;
}

bool region_check_text(struct work *work, struct region *region)
{
    return check_statements(work, region) && check_expressions(work, region) &&
           check_tags(work, region) && check_macro_scope(work, region) &&
           check_calls(work, region) && check_macros(work, region) &&
           check_directives(work, region);
}
