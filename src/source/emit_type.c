/* SPDX-License-Identifier: MIT */
/* Types, parameters and arguments of new routines: copied from the declarations, since what a type
 * means is in headers that were not read. */
#include "source/emit.h"

#include <string.h>

#define COLUMNS 100u

/* DECLSPEC_ALIGN(16), __declspec(align(16)): no parameter may have it. */
static bool is_alignment(const struct unit *unit, uint32_t at)
{
    struct range word = token_range(&unit->code[at]);

    return range_begins(unit, word, "DECLSPEC_ALIGN") || range_is(unit, word, "_Alignas") ||
           range_is(unit, word, "alignas") ||
           (code_punct(unit, at + 1, PUNCT('(')) &&
            (code_is(unit, at + 2, "align") || code_is(unit, at + 3, "aligned")));
}

/* Words about a parameter that say nothing of a copy of it; `local`: a copy that is declared. */
static bool is_left_out(const struct unit *unit, uint32_t at, bool local)
{
    static const char *const words[] = {"register", NULL};
    struct range word = token_range(&unit->code[at]);

    return code_word(unit, at) &&
           ((is_annotation(unit, word) && !(local && is_alignment(unit, at))) ||
            range_in(unit, word, words));
}

static bool joins(const struct unit *unit, uint32_t before, uint32_t at)
{
    bool word = unit->code[before].kind == TOKEN_WORD || unit->code[before].kind == TOKEN_NUMBER;

    return !(word &&
             (code_word(unit, at) || code_punct(unit, at, PUNCT('*')) ||
              (code_punct(unit, at, PUNCT('(')) && code_punct(unit, at + 1, PUNCT('*'))))) &&
           !(code_punct(unit, before, PUNCT(',')));
}

static void emit_tokens(struct emit *emit, uint32_t first, uint32_t end)
{
    const struct unit *unit = emit->work->unit;
    uint32_t before = NONE;

    for (uint32_t i = first; i < end; i++) {
        if (is_left_out(unit, i, emit->declaring)) {
            if (code_punct(unit, i + 1, PUNCT('(')) && unit->match[i + 1] != NONE) {
                i = unit->match[i + 1];
            }
            continue;
        }
        if (before != NONE && !joins(unit, before, i)) {
            text_put(&emit->text, " ");
        }
        text_add(&emit->text, unit->text + unit->code[i].begin,
                 unit->code[i].end - unit->code[i].begin);
        before = i;
    }
}

static bool ends_with_star(const struct emit *emit)
{
    return emit->text.length > 0 && emit->text.bytes[emit->text.length - 1] == '*';
}

/* `T *` of the local; then `*x` or `x`. */
static void put_variable(struct emit *emit, const struct local *l, bool pointer)
{
    const struct unit *unit = emit->work->unit;

    emit_tokens(emit, l->specifiers, l->specifiers_end);
    text_put(&emit->text, " ");
    if (!pointer) {
        emit_tokens(emit, l->declarator, l->declarator_end);
        return;
    }
    emit_tokens(emit, l->declarator, l->name_at);
    if (l->name_at > l->declarator && !ends_with_star(emit)) {
        text_put(&emit->text, " "); /* T *const x */
    }
    text_put(&emit->text, l->array ? "(*" : "*");
    text_add(&emit->text, unit->text + l->name.begin, range_length(l->name));
    if (l->array) {
        text_put(&emit->text, ")");
        emit_tokens(emit, l->name_at + 1, l->declarator_end);
    }
}

/* The type of a result: the declaration without the name. */
static void put_type(struct emit *emit, const struct local *l)
{
    emit_tokens(emit, l->specifiers, l->specifiers_end);
    text_put(&emit->text, " ");
    emit_tokens(emit, l->declarator, l->name_at);
}

static bool is_passed(const struct capture *c)
{
    return c->kind == CAPTURE_VALUE || c->kind == CAPTURE_POINTER ||
           (c->kind == CAPTURE_RESULT && c->value_too);
}

/* Begin of the line that is being written. */
static size_t this_line(const struct emit *emit)
{
    size_t at = emit->text.length;

    while (at > 0 && emit->text.bytes[at - 1] != '\n') {
        at--;
    }
    return at;
}

/* Spaces up to a column. */
static void pad(struct emit *emit, size_t column)
{
    while (column-- > 0) {
        text_put(&emit->text, " ");
    }
}

/* One item of a list, on the next line when it does not fit. */
static void put_item(struct emit *emit, const struct text *item, bool first, size_t column)
{
    if (!first && emit->text.length - this_line(emit) + item->length + 4 > COLUMNS) {
        text_put(&emit->text, ",");
        text_put(&emit->text, emit->ending);
        pad(emit, column);
    } else if (!first) {
        text_put(&emit->text, ", ");
    }
    if (item->length > 0) {
        text_add(&emit->text, item->bytes, item->length);
    }
    emit->text.failed = emit->text.failed || item->failed;
}

/* What is passed, with commas; the text of each is put by `put`. */
static void put_list(struct emit *emit, const char *nothing,
                     void (*put)(struct emit *emit, const struct capture *capture))
{
    size_t column = emit->text.length - this_line(emit);
    bool first = true;

    for (uint32_t i = 0; i < emit->region->capture_count; i++) {
        const struct capture *c = &emit->region->captures[i];
        struct text whole = emit->text, item;

        if (!is_passed(c)) {
            continue;
        }
        emit->text = (struct text){0};
        put(emit, c);
        item = emit->text;
        emit->text = whole;
        put_item(emit, &item, first, column);
        text_free(&item);
        first = false;
    }
    if (first) {
        text_put(&emit->text, nothing);
    }
}

static void put_parameter(struct emit *emit, const struct capture *c)
{
    put_variable(emit, &emit->work->locals.rows[c->local], c->kind == CAPTURE_POINTER);
}

static void put_argument(struct emit *emit, const struct capture *c)
{
    const struct local *l = &emit->work->locals.rows[c->local];

    if (c->kind == CAPTURE_POINTER) {
        text_put(&emit->text, "&");
    }
    text_add(&emit->text, emit->work->unit->text + l->name.begin, range_length(l->name));
}

void emit_signature(struct emit *emit)
{
    const struct capture *result = region_result(emit->region);

    text_put(&emit->text, "static DECLSPEC_NOINLINE ");
    if (emit->form == EXIT_IF) {
        text_put(&emit->text, "BOOLEAN ");
    } else if (emit->form != EXIT_NONE) {
        text_put(&emit->text, "ULONG ");
    } else if (result != NULL) {
        put_type(emit, &emit->work->locals.rows[result->local]);
        if (!ends_with_star(emit) && emit->text.length > 0 &&
            emit->text.bytes[emit->text.length - 1] != ' ') {
            text_put(&emit->text, " ");
        }
    } else {
        text_put(&emit->text, "VOID ");
    }
    text_print(&emit->text, "%s(", emit->region->name);
    put_list(emit, "VOID", put_parameter);
    text_put(&emit->text, ")");
}

void emit_declaration(struct emit *emit, const struct capture *capture)
{
    const struct local *l = &emit->work->locals.rows[capture->local];

    const struct unit *unit = emit->work->unit;
    uint32_t last = l->value_end > l->declarator_end ? l->value_end : l->declarator_end;

    emit->declaring = true;
    put_variable(emit, l, false);
    emit->declaring = false;
    text_put(&emit->text, ";");
    if (l->statement != NONE && code_punct(unit, last, PUNCT(';')) &&
        emit->work->body.statements[l->statement].first == l->specifiers) {
        uint32_t end = unit->code[last].end; /* its comment comes along */

        text_add(&emit->text, unit->text + end, behind_comment(unit, end) - end);
    }
}

void emit_arguments(struct emit *emit)
{
    text_print(&emit->text, "%s(", emit->region->name);
    put_list(emit, "", put_argument);
    text_put(&emit->text, ")");
}
