/* SPDX-License-Identifier: MIT */
/*
 * Tokens of a routine's body to statements; see body.h.
 *
 * A macro may stand for anything, so the parser goes by shape: `NAME(...)` with a line's end and no
 * ';' behind it is a statement, with a '{' it is a block that nothing is known of.
 */
#include "source/body.h"

#include "base/assert.h"
#include "source/macros.h"

#define DEPTH_MAX 200u

struct parser {
    struct body *body;
    const struct unit *unit;
    uint32_t at, end; /* code tokens; end: the closing brace of the body */
    uint32_t depth;
};

static uint32_t parse_statement(struct parser *p, uint32_t parent);

static bool give_up(struct parser *p, const char *why)
{
    if (p->body->why == NULL) {
        p->body->why = why;
        p->body->why_line = p->unit->code[p->at].line;
    }
    return false;
}

static bool is(const struct parser *p, const char *word)
{
    return p->at < p->end && code_is(p->unit, p->at, word);
}

static bool is_punct(const struct parser *p, uint32_t code)
{
    return p->at < p->end && code_punct(p->unit, p->at, code);
}

static uint32_t open_statement(struct parser *p, enum statement_kind kind, uint32_t parent)
{
    uint32_t index = p->body->statement_count++;

    p->body->statements[index] = (struct statement){.kind = (uint8_t)kind,
                                                    .first = p->at,
                                                    .head_first = p->at,
                                                    .head_end = p->at,
                                                    .parent = parent,
                                                    .other = NONE,
                                                    .node = NONE};
    return index;
}

static uint32_t close_statement(struct parser *p, uint32_t index)
{
    p->body->statements[index].end = p->at;
    p->body->statements[index].last = p->body->statement_count - 1;
    return index;
}

/* `( ... )` after a keyword. */
static bool parse_head(struct parser *p, uint32_t index)
{
    struct statement *s = &p->body->statements[index];

    if (!is_punct(p, PUNCT('(')) || p->unit->match[p->at] == NONE) {
        return give_up(p, "a keyword without its condition");
    }
    s->head_first = p->at + 1;
    s->head_end = p->unit->match[p->at];
    p->at = s->head_end + 1;
    return true;
}

static bool is_literal(const struct parser *p, uint32_t first);

static bool parse_semicolon(struct parser *p)
{
    uint32_t first = p->at - 1;

    while (p->at < p->end && !is_punct(p, PUNCT(';')) && !is_punct(p, PUNCT('}')) &&
           (!is_punct(p, PUNCT('{')) || is_literal(p, first - 1))) {
        p->at = code_past(p->unit, p->at);
    }
    if (!is_punct(p, PUNCT(';'))) {
        return give_up(p, "a statement without its semicolon");
    }
    p->at++;
    return true;
}

static uint32_t parse_compound(struct parser *p, uint32_t parent)
{
    uint32_t index = open_statement(p, STATEMENT_COMPOUND, parent);
    uint32_t close = p->unit->match[p->at];

    if (close == NONE || close > p->end) {
        give_up(p, "braces that do not balance");
        return NONE;
    }
    p->at++;
    while (p->at < close) {
        if (parse_statement(p, index) == NONE) {
            return NONE;
        }
    }
    if (p->at != close) {
        give_up(p, "braces that do not balance");
        return NONE;
    }
    p->at = close + 1;
    return close_statement(p, index);
}

static uint32_t parse_if(struct parser *p, uint32_t parent)
{
    uint32_t index = open_statement(p, STATEMENT_IF, parent), other;

    p->at++;
    p->at += is(p, "constexpr");
    if (!parse_head(p, index) || parse_statement(p, index) == NONE) {
        return NONE;
    }
    if (is(p, "else")) {
        p->at++;
        other = parse_statement(p, index);
        if (other == NONE) {
            return NONE;
        }
        p->body->statements[index].other = other;
    }
    return close_statement(p, index);
}

static uint32_t parse_loop(struct parser *p, uint32_t parent, enum statement_kind kind)
{
    uint32_t index = open_statement(p, kind, parent);

    p->at++;
    if (!parse_head(p, index) || parse_statement(p, index) == NONE) {
        return NONE;
    }
    return close_statement(p, index);
}

static uint32_t parse_do(struct parser *p, uint32_t parent)
{
    uint32_t index = open_statement(p, STATEMENT_DO, parent);

    p->at++;
    if (parse_statement(p, index) == NONE) {
        return NONE;
    }
    if (!is(p, "while")) {
        give_up(p, "a do without its while");
        return NONE;
    }
    p->at++;
    if (!parse_head(p, index)) {
        return NONE;
    }
    p->at += is_punct(p, PUNCT(';'));
    return close_statement(p, index);
}

/* The statement that a label or case stands before; in a block an empty one, and what follows is
 * another statement of the block. */
static uint32_t parse_labelled(struct parser *p, uint32_t index)
{
    uint32_t parent = p->body->statements[index].parent;

    if (is_punct(p, PUNCT('}')) || p->at >= p->end ||
        (parent != NONE && p->body->statements[parent].kind == STATEMENT_COMPOUND)) {
        close_statement(p, open_statement(p, STATEMENT_EMPTY, index));
    } else if (parse_statement(p, index) == NONE) {
        return NONE;
    }
    return close_statement(p, index);
}

static uint32_t parse_case(struct parser *p, uint32_t parent)
{
    uint32_t index = open_statement(p, STATEMENT_CASE, parent), questions = 0;
    bool is_default = is(p, "default");

    p->at++;
    p->body->statements[index].head_first = p->at;
    while (p->at < p->end && (!is_punct(p, PUNCT(':')) || questions > 0)) {
        questions += is_punct(p, PUNCT('?'));
        questions -= questions > 0 && is_punct(p, PUNCT(':'));
        if (is_punct(p, PUNCT(';')) || is_punct(p, PUNCT('{')) || is_punct(p, PUNCT('}'))) {
            give_up(p, "a case without its colon");
            return NONE;
        }
        p->at = code_past(p->unit, p->at);
    }
    p->body->statements[index].head_end = p->at;
    p->body->statements[index].other = is_default ? 0 : NONE;
    p->at++;
    return parse_labelled(p, index);
}

static uint32_t parse_label(struct parser *p, uint32_t parent)
{
    uint32_t index = open_statement(p, STATEMENT_LABEL, parent);

    p->body->statements[index].head_end = p->at + 1;
    p->at += 2;
    return parse_labelled(p, index);
}

static uint32_t parse_jump(struct parser *p, uint32_t parent, enum statement_kind kind)
{
    uint32_t index = open_statement(p, kind, parent);

    p->at++;
    p->body->statements[index].head_first = p->at;
    if (!parse_semicolon(p)) {
        return NONE;
    }
    p->body->statements[index].head_end = p->at - 1;
    return close_statement(p, index);
}

static uint32_t parse_try(struct parser *p, uint32_t parent)
{
    uint32_t index = open_statement(p, STATEMENT_TRY, parent);

    p->at++;
    if (!is_punct(p, PUNCT('{'))) {
        give_up(p, "a try without its block");
        return NONE;
    }
    if (parse_compound(p, index) == NONE) {
        return NONE;
    }
    while (is(p, "__except") || is(p, "_except") || is(p, "except") || is(p, "catch") ||
           is(p, "__finally") || is(p, "_finally") || is(p, "finally")) {
        p->at++;
        if (is_punct(p, PUNCT('('))) {
            p->at = code_past(p->unit, p->at);
        }
        if (!is_punct(p, PUNCT('{'))) {
            give_up(p, "a handler without its block");
            return NONE;
        }
        if (parse_compound(p, index) == NONE) {
            return NONE;
        }
    }
    return close_statement(p, index);
}

/* ---- what looks like a declaration ---- */

static bool is_type_word(const struct unit *unit, uint32_t at)
{
    static const char *const words[] = {
        "const",    "volatile",   "static",  "register", "struct", "union",  "enum",
        "class",    "unsigned",   "signed",  "int",      "char",   "short",  "long",
        "void",     "float",      "double",  "_Bool",    "bool",   "auto",   "typedef",
        "extern",   "__int64",    "__int32", "__int16",  "__int8", "typeof", "__typeof__",
        "_Alignas", "__declspec", NULL};

    return code_word(unit, at) && range_in(unit, token_range(&unit->code[at]), words);
}

static bool is_operator_word(const struct unit *unit, uint32_t at)
{
    static const char *const words[] = {"sizeof", "new",       "delete",   "throw",
                                        "else",   "co_return", "co_await", NULL};

    return code_word(unit, at) && range_in(unit, token_range(&unit->code[at]), words);
}

/* `(*f)(`, `(CALL *f)(`, `(*a)[` behind a type, from the '(' on. */
static bool declares_pointer(const struct parser *p, uint32_t open)
{
    const struct unit *unit = p->unit;
    uint32_t at = open + 1 + code_word(unit, open + 1), close = unit->match[open];

    if (close == NONE || !code_punct(unit, at, PUNCT('*'))) {
        return false;
    }
    while (at < close && (code_punct(unit, at, PUNCT('*')) || is_type_word(unit, at))) {
        at++;
    }
    if (!code_word(unit, at)) {
        return false;
    }
    at++;
    at = code_punct(unit, at, PUNCT('[')) ? code_past(p->unit, at) : at;
    return at == close &&
           (code_punct(unit, close + 1, PUNCT('(')) || code_punct(unit, close + 1, PUNCT('[')));
}

/* `T x`, `T *x;`, `N::T x`, `T (*f)(`, or a word that only declarations have. */
static bool looks_declared(const struct parser *p)
{
    const struct unit *unit = p->unit;
    uint32_t at = p->at, stars = 0;

    while (code_word(unit, at) && is_annotation(unit, token_range(&unit->code[at])) &&
           !code_is(unit, at, "__declspec")) {
        at = code_punct(unit, at + 1, PUNCT('(')) ? code_past(p->unit, at + 1) : at + 1;
    }
    if (is_type_word(unit, at)) {
        return true;
    }
    if (at == p->end || !code_word(unit, at) || is_operator_word(unit, at)) {
        return false;
    }
    at++;
    while (code_punct(unit, at, PUNCT2(':', ':')) && code_word(unit, at + 1)) {
        at += 2;
    }
    if (code_word(unit, at)) {
        return !is_operator_word(unit, at);
    }
    if (code_punct(unit, at, PUNCT('('))) {
        return declares_pointer(p, at);
    }
    for (; code_punct(unit, at, PUNCT('*')) || is_type_word(unit, at); at++) {
        stars++;
    }
    return stars > 0 && code_word(unit, at) &&
           (code_punct(unit, at + 1, PUNCT('=')) || code_punct(unit, at + 1, PUNCT(';')) ||
            code_punct(unit, at + 1, PUNCT(',')) || code_punct(unit, at + 1, PUNCT('[')));
}

/* `NAME(...)` at `at` and then the end of a line: a macro that brings its own ';'. */
static bool is_bare_macro(const struct parser *p, uint32_t first, uint32_t after)
{
    const struct unit *unit = p->unit;

    return code_word(unit, first) && after > first + 1 && code_punct(unit, first + 1, PUNCT('(')) &&
           code_past(p->unit, first + 1) == after && after <= p->end &&
           (unit->code[after].flags & TOKEN_FIRST) != 0 &&
           (code_word(unit, after) || code_punct(unit, after, PUNCT('}')));
}

/* TRACE_ENTER, alone in its line, and the next line is no part of it. */
static bool is_macro_line(const struct parser *p)
{
    const struct unit *unit = p->unit;
    const struct macro *macro = macro_used(unit, p->at);
    uint32_t next = p->at + 1;

    if (!code_word(unit, p->at) || next >= p->end || (unit->code[next].flags & TOKEN_FIRST) == 0 ||
        code_punct(unit, next, PUNCT(';'))) {
        return false;
    }
    if (macro == NULL || macro->parameters) {
        return false;
    }
    for (uint32_t i = macro->body.begin; i < macro->body.end; i++) {
        char c = unit->text[i];

        if (c == '(' || c == ';' || c == '{') {
            return true;
        }
    }
    return macro_is_empty(unit, macro);
}

/* `(T){1, 2}` rather than `FOR_EACH(x) {`: what the parentheses before the brace stand behind. */
static bool is_literal(const struct parser *p, uint32_t first)
{
    const struct unit *unit = p->unit;
    uint32_t open = code_punct(unit, p->at - 1, PUNCT(')')) ? unit->match[p->at - 1] : NONE;

    return open != NONE && open > first &&
           (unit->code[open - 1].kind == TOKEN_PUNCTUATION || code_is(unit, open - 1, "return")) &&
           !code_punct(unit, open - 1, PUNCT(')'));
}

static uint32_t parse_simple(struct parser *p, uint32_t parent)
{
    bool declared = looks_declared(p) && !is_macro_line(p);
    uint32_t first = p->at,
             index =
                 open_statement(p, declared ? STATEMENT_DECLARATION : STATEMENT_EXPRESSION, parent);

    if (!declared && is_macro_line(p)) {
        p->at++;
        return close_statement(p, index);
    }
    while (p->at < p->end && !is_punct(p, PUNCT(';'))) {
        bool value =
            p->at > first && (code_punct(p->unit, p->at - 1, PUNCT('=')) ||
                              code_punct(p->unit, p->at - 1, PUNCT(',')) || declared ||
                              code_punct(p->unit, p->at - 1, PUNCT(']')) || is_literal(p, first));

        if (is_punct(p, PUNCT('}')) || is_bare_macro(p, first, p->at)) {
            return close_statement(p, index);
        }
        if (is_punct(p, PUNCT('{')) && !value) { /* FOR_EACH(x) { ... } */
            p->body->statements[index].kind = STATEMENT_OPAQUE;
            p->at = code_past(p->unit, p->at);
            return close_statement(p, index);
        }
        p->at = code_past(p->unit, p->at);
    }
    p->at += p->at < p->end;
    return close_statement(p, index);
}

/* `__asm { ... }`, `__asm mov eax, 1` to the end of its line, `asm(...);` */
static uint32_t parse_assembly(struct parser *p, uint32_t parent)
{
    uint32_t index = open_statement(p, STATEMENT_OPAQUE, parent);

    p->at++;
    if (is_punct(p, PUNCT('{'))) {
        p->at = code_past(p->unit, p->at);
    } else {
        while (p->at < p->end && !is_punct(p, PUNCT(';')) && !is_punct(p, PUNCT('}')) &&
               (p->unit->code[p->at].flags & TOKEN_FIRST) == 0) {
            p->at = code_past(p->unit, p->at);
        }
    }
    p->at += is_punct(p, PUNCT(';'));
    return close_statement(p, index);
}

static uint32_t parse_by_keyword(struct parser *p, uint32_t parent)
{
    const struct unit *unit = p->unit;

    if (is(p, "if")) {
        return parse_if(p, parent);
    }
    if (is(p, "while")) {
        return parse_loop(p, parent, STATEMENT_WHILE);
    }
    if (is(p, "for")) {
        return parse_loop(p, parent, STATEMENT_FOR);
    }
    if (is(p, "switch")) {
        return parse_loop(p, parent, STATEMENT_SWITCH);
    }
    if (is(p, "do")) {
        return parse_do(p, parent);
    }
    if (is(p, "case") || is(p, "default")) {
        return parse_case(p, parent);
    }
    if (is(p, "goto")) {
        return parse_jump(p, parent, STATEMENT_GOTO);
    }
    if (is(p, "break")) {
        return parse_jump(p, parent, STATEMENT_BREAK);
    }
    if (is(p, "continue")) {
        return parse_jump(p, parent, STATEMENT_CONTINUE);
    }
    if (is(p, "return")) {
        return parse_jump(p, parent, STATEMENT_RETURN);
    }
    if (is(p, "__leave") || is(p, "leave")) {
        return parse_jump(p, parent, STATEMENT_LEAVE);
    }
    if (is(p, "__try") || is(p, "_try") ||
        (is(p, "try") && code_punct(unit, p->at + 1, PUNCT('{')))) {
        return parse_try(p, parent);
    }
    if (is(p, "__asm") || is(p, "_asm") || is(p, "asm") || is(p, "__asm__")) {
        return parse_assembly(p, parent);
    }
    if (code_word(unit, p->at) && code_punct(unit, p->at + 1, PUNCT(':')) && p->at + 1 < p->end) {
        return parse_label(p, parent);
    }
    return parse_simple(p, parent);
}

static uint32_t parse_statement(struct parser *p, uint32_t parent)
{
    uint32_t index, before = p->at;

    if (p->at >= p->end || is_punct(p, PUNCT('}')) || is(p, "else")) {
        give_up(p, "a statement is missing");
        return NONE;
    }
    if (++p->depth > DEPTH_MAX) {
        give_up(p, "statements that are nested too deeply");
        return NONE;
    }
    if (is_punct(p, PUNCT('{'))) {
        index = parse_compound(p, parent);
    } else if (is_punct(p, PUNCT(';'))) {
        index = open_statement(p, STATEMENT_EMPTY, parent);
        p->at++;
        close_statement(p, index);
    } else {
        index = parse_by_keyword(p, parent);
    }
    p->depth--;
    PG_ASSERT(index == NONE || p->at > before);
    return index;
}

uint32_t statement_next(const struct body *body, uint32_t statement)
{
    uint32_t next = body->statements[statement].last + 1;

    return next < body->statement_count &&
                   body->statements[next].parent == body->statements[statement].parent
               ? next
               : NONE;
}

bool body_read(const struct unit *unit, const struct function *function, struct arena *arena,
               struct body *out)
{
    struct parser parser = {out, unit, function->body, function->body_end, 0};

    PG_ASSERT(function->body_end != NONE);
    *out = (struct body){.unit = unit, .function = function, .arena = arena};
    /* Each statement has a token of its own, but for the empty one after a label's colon. */
    out->statements = arena_array(arena, (size_t)(function->body_end - function->body) * 2 + 4,
                                  sizeof *out->statements);
    if (arena->failed) {
        return false;
    }
    parser.end = function->body_end + 1;
    if (parse_compound(&parser, NONE) == NONE) {
        return false;
    }
    return flow_read(out);
}
