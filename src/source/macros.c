/* SPDX-License-Identifier: MIT */
/* What macros do, from their text; see macros.h. */
#include "source/macros.h"

#include "source/calls.h"

#define NESTED_MAX     8u
#define PARAMETERS_MAX 32u

/* A macro's text, cut at its parameters. */
struct text_of {
    struct range parameters[PARAMETERS_MAX];
    uint32_t count;
    struct lexer lexer; /* at the begin of the replacement */
};

static void open_text(const struct unit *unit, const struct macro *macro, struct text_of *out)
{
    struct token t;

    out->count = 0;
    lexer_start(&out->lexer, unit->text, macro->body.begin, macro->body.end, macro->line, false);
    if (!macro->parameters) {
        return;
    }
    do {
        lexer_next(&out->lexer, &t);
        if (t.kind == TOKEN_WORD && out->count < PARAMETERS_MAX) {
            out->parameters[out->count++] = token_range(&t);
        }
    } while (t.kind != TOKEN_END && t.code != PUNCT(')'));
}

static uint32_t parameter_index(const struct unit *unit, const struct text_of *text,
                                struct range word)
{
    for (uint32_t i = 0; i < text->count; i++) {
        if (range_same(unit, text->parameters[i], word)) {
            return i;
        }
    }
    return NONE;
}

struct walk {
    const struct unit *unit;
    bool (*each)(void *context, const struct macro_token *token);
    void *context;
    uint32_t left;
    const struct macro *open[NESTED_MAX]; /* a macro is not looked into inside of itself */
    uint32_t depth;
};

static bool is_open(const struct walk *w, const struct macro *macro)
{
    for (uint32_t i = 0; i < w->depth; i++) {
        if (w->open[i] == macro) {
            return true;
        }
    }
    return false;
}

static bool walk_text(struct walk *w, const struct macro *macro)
{
    struct text_of text;
    struct token t, next;
    struct macro_token out = {.before = 0};

    if (w->depth == NESTED_MAX) {
        return false;
    }
    w->open[w->depth++] = macro;
    open_text(w->unit, macro, &text);
    for (lexer_next(&text.lexer, &t); t.kind != TOKEN_END; t = next) {
        const struct macro *inner;

        lexer_next(&text.lexer, &next);
        out.token = t;
        out.behind = next.code;
        out.parameter =
            t.kind == TOKEN_WORD && parameter_index(w->unit, &text, token_range(&t)) != NONE;
        if (w->left-- == 0 || !w->each(w->context, &out)) {
            return false;
        }
        inner = t.kind == TOKEN_WORD && !out.parameter && out.before != PUNCT('.') &&
                        out.before != PUNCT2('-', '>')
                    ? macro_named(w->unit, token_range(&t))
                    : NULL;
        if (inner != NULL && !is_open(w, inner) && !walk_text(w, inner)) {
            return false;
        }
        out.before = t.code;
        out.after_goto = token_is(w->unit, &t, "goto");
    }
    w->depth--;
    return true;
}

bool macro_walk(const struct unit *unit, const struct macro *macro,
                bool (*each)(void *context, const struct macro_token *token), void *context)
{
    struct walk w = {.unit = unit, .each = each, .context = context, .left = MACRO_TOKENS_MAX};

    return walk_text(&w, macro);
}

const struct macro *macro_used(const struct unit *unit, uint32_t at)
{
    const struct macro *macro = unit->macro_count > 0 && code_word(unit, at)
                                    ? macro_named(unit, token_range(&unit->code[at]))
                                    : NULL;

    if (macro == NULL || (macro->parameters && !code_punct(unit, at + 1, PUNCT('('))) ||
        (at > 0 &&
         (code_punct(unit, at - 1, PUNCT('.')) || code_punct(unit, at - 1, PUNCT2('-', '>'))))) {
        return NULL;
    }
    return macro;
}

bool macro_is_empty(const struct unit *unit, const struct macro *macro)
{
    struct text_of text;
    struct token t;

    open_text(unit, macro, &text);
    lexer_next(&text.lexer, &t);
    return t.kind == TOKEN_END;
}

struct lock_question {
    const struct unit *unit;
    bool locks;
};

static bool ask_lock(void *context, const struct macro_token *t)
{
    struct lock_question *q = context;
    const struct call_row *row =
        t->token.kind == TOKEN_WORD ? call_named(q->unit, token_range(&t->token)) : NULL;

    q->locks = row != NULL && row->kind != CALL_WAIT_TRUE;
    return !q->locks;
}

bool macro_locks(const struct unit *unit, const struct macro *macro)
{
    struct lock_question q = {unit, false};

    macro_walk(unit, macro, ask_lock, &q);
    return q.locks;
}

/* ---- arguments ---- */

/* An operand that is a whole argument. */
struct argument {
    struct range callee;
    const struct macro *macro; /* NULL: not of this file */
    uint32_t number;
};

/* `f(.., x, ..)` of the operand [at, end), which may have parentheses of its own. */
static bool find_argument(const struct unit *unit, uint32_t at, uint32_t end, struct argument *out)
{
    uint32_t open, number = 0;

    while (code_punct(unit, at - 1, PUNCT('(')) && unit->match[at - 1] == end &&
           !code_word(unit, at - 2)) {
        at--;
        end++;
    }
    if ((!code_punct(unit, end, PUNCT(',')) && !code_punct(unit, end, PUNCT(')'))) ||
        (!code_punct(unit, at - 1, PUNCT(',')) && !code_punct(unit, at - 1, PUNCT('(')))) {
        return false;
    }
    for (open = at - 1; open > 0 && !code_punct(unit, open, PUNCT('(')); open--) {
        number += code_punct(unit, open, PUNCT(','));
        if (unit->match[open] != NONE && unit->match[open] < open) {
            open = unit->match[open];
        } else if (code_punct(unit, open, PUNCT('{')) || code_punct(unit, open, PUNCT('[')) ||
                   code_punct(unit, open, PUNCT(';'))) {
            return false;
        }
    }
    if (open == 0 || !code_word(unit, open - 1) || unit->match[open] == NONE) {
        return false;
    }
    *out = (struct argument){.callee = token_range(&unit->code[open - 1]), .number = number};
    out->macro = macro_used(unit, open - 1);
    return true;
}

/* Macros of the kits' headers that write to an argument, whatever their case. */
static bool is_writer(const struct unit *unit, struct range name)
{
    static const char *const names[] = {"SetFlag", "ClearFlag", "SetFlagOn", "va_start",
                                        "va_arg",  "va_end",    "va_copy",   NULL};

    return range_in(unit, name, names);
}

/* In capitals, and none of those that are known to read only. */
static bool may_write(const struct unit *unit, struct range name)
{
    static const char *const readers[] = {"NT_SUCCESS",
                                          "NT_ERROR",
                                          "NT_WARNING",
                                          "NT_INFORMATION",
                                          "NT_ASSERT",
                                          "NT_VERIFY",
                                          "ASSERT",
                                          "ASSERTMSG",
                                          "WIN_ASSERT",
                                          "NT_FRE_ASSERT",
                                          "FLT_ASSERT",
                                          "CONTAINING_RECORD",
                                          "KDPRINT",
                                          "MIN",
                                          "MAX",
                                          "FIELD_OFFSET",
                                          "ARRAYSIZE",
                                          "RTL_NUMBER_OF",
                                          "RTL_FIELD_SIZE",
                                          "UNREFERENCED_PARAMETER",
                                          "LOWORD",
                                          "HIWORD",
                                          "LOBYTE",
                                          "HIBYTE",
                                          "MAKEWORD",
                                          "ALIGN_UP",
                                          "ALIGN_DOWN",
                                          "ROUND_TO_PAGES",
                                          "PAGE_ALIGN",
                                          "BYTE_OFFSET",
                                          "BYTES_TO_PAGES",
                                          "ADDRESS_AND_SIZE_TO_SPAN_PAGES",
                                          "VOID",
                                          "UINT",
                                          "ULONG",
                                          "UNREFERENCED_LOCAL_VARIABLE",
                                          "METHOD_FROM_CTL_CODE",
                                          "DEVICE_TYPE_FROM_CTL_CODE",
                                          NULL};
    uint32_t capitals = 0;

    for (uint32_t i = name.begin; i < name.end; i++) {
        if (unit->text[i] >= 'a' && unit->text[i] <= 'z') {
            return false;
        }
        capitals += unit->text[i] >= 'A' && unit->text[i] <= 'Z';
    }
    return capitals > 1 && !range_in(unit, name, readers) &&
           !range_begins(unit, name, "READ_REGISTER_") &&
           !range_begins(unit, name, "WRITE_REGISTER_") &&
           !range_begins(unit, name, "READ_PORT_") && !range_begins(unit, name, "WRITE_PORT_");
}

/* What stands beside a parameter that may be written to. */
static bool assigns(uint32_t code)
{
    return code_changes(code) || code == PUNCT('=') || code == PUNCT('.') || code == PUNCT('[') ||
           code == PUNCT2('#', '#');
}

/* What stands in front of a word in a macro's text. */
struct left_of {
    uint32_t code;       /* of the token, parentheses and commas passed over */
    struct range callee; /* in front of the last '(', if a word is there */
    struct range word;   /* directly in front */
};

static void step_left(struct left_of *left, const struct token *t)
{
    bool named = t->kind == TOKEN_WORD;

    if (t->code == PUNCT('(')) {
        left->callee = left->word;
    } else if (t->code != PUNCT(',')) {
        left->callee = named ? left->callee : (struct range){0, 0};
        left->code = t->code;
    }
    left->word = named ? token_range(t) : (struct range){0, 0};
}

static bool is_handed_on(const struct unit *unit, struct range callee)
{
    return range_length(callee) > 0 && (macro_named(unit, callee) != NULL ||
                                        is_writer(unit, callee) || may_write(unit, callee));
}

/*
 * What the text of a macro does to one of its parameters.  Parentheses around it are passed over;
 * one that is handed on to another macro counts as written.
 */
static enum argument_use in_text(const struct unit *unit, const struct argument *argument,
                                 bool *sized)
{
    enum argument_use found = ARGUMENT_READ;
    struct text_of text;
    struct token t;
    struct left_of left = {.code = 0};
    bool pending = false;

    open_text(unit, argument->macro, &text);
    for (lexer_next(&text.lexer, &t); t.kind != TOKEN_END; lexer_next(&text.lexer, &t)) {
        bool named = t.kind == TOKEN_WORD;
        uint32_t index = named ? parameter_index(unit, &text, token_range(&t)) : NONE;

        if (pending && t.code != PUNCT(')')) {
            found = assigns(t.code) && found == ARGUMENT_READ ? ARGUMENT_WRITTEN : found;
            pending = false;
        }
        *sized = *sized || (named && range_begins(unit, token_range(&t), "sizeof"));
        if (index == argument->number) {
            bool handed = is_handed_on(unit, left.callee);

            *sized = *sized || handed;
            if (left.code == PUNCT('&')) {
                return ARGUMENT_ADDRESS;
            }
            if (handed || left.code == PUNCT2('+', '+') || left.code == PUNCT2('-', '-') ||
                left.code == PUNCT2('#', '#')) {
                found = ARGUMENT_WRITTEN;
            }
            pending = true;
        }
        step_left(&left, &t);
    }
    return found;
}

enum argument_use macro_argument(const struct unit *unit, uint32_t at, uint32_t end)
{
    struct argument argument;
    bool sized = false;

    if (!find_argument(unit, at, end, &argument)) {
        return ARGUMENT_READ;
    }
    if (argument.macro != NULL) {
        return in_text(unit, &argument, &sized);
    }
    return is_writer(unit, argument.callee) || may_write(unit, argument.callee) ? ARGUMENT_WRITTEN
                                                                                : ARGUMENT_READ;
}

bool macro_asks_size(const struct unit *unit, uint32_t at, uint32_t end)
{
    struct argument argument;
    bool sized = false;

    if (!find_argument(unit, at, end, &argument)) {
        return false;
    }
    if (argument.macro != NULL) {
        in_text(unit, &argument, &sized);
        return sized;
    }
    return may_write(unit, argument.callee);
}
