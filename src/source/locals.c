/* SPDX-License-Identifier: MIT */
/* Declarations of one routine taken apart: specifiers, declarators, initializers; see locals.h. */
#include "source/locals.h"

/* End of the declarator that begins at `at`: its ',' or `end`. */
static uint32_t declarator_end(const struct unit *unit, uint32_t at, uint32_t end)
{
    while (at < end && !code_punct(unit, at, PUNCT(','))) {
        at = code_past(unit, at);
    }
    return at < end ? at : end;
}

/* `(*name)` or `(CALL *name)`, from its '(': the name; NONE when it is something else. */
static uint32_t name_in_parentheses(const struct unit *unit, uint32_t open)
{
    uint32_t close = unit->match[open];

    for (uint32_t i = open + 1; i < close; i++) {
        if (code_punct(unit, i, PUNCT('*')) && code_word(unit, close - 1)) {
            return close - 1;
        }
    }
    return NONE;
}

/* The name in a declarator of [first, end); *pointer: it is `(*name)(...)` or `(*name)[...]`. */
static uint32_t declared_name(const struct unit *unit, uint32_t first, uint32_t end, bool *pointer)
{
    uint32_t last = NONE;

    *pointer = false;
    for (uint32_t i = first; i < end; i = code_past(unit, i)) {
        uint32_t inner;

        if (code_punct(unit, i, PUNCT('=')) || code_punct(unit, i, PUNCT('[')) ||
            code_punct(unit, i, PUNCT(':'))) {
            break;
        }
        if (code_word(unit, i) && !is_annotation(unit, token_range(&unit->code[i]))) {
            last = i;
        }
        if (!code_punct(unit, i, PUNCT('(')) || unit->match[i] == NONE) {
            continue;
        }
        inner = name_in_parentheses(unit, i);
        if (inner != NONE) {
            *pointer = true;
            return inner;
        }
        if (last != NONE && !is_annotation(unit, token_range(&unit->code[i - 1]))) {
            break; /* T x(1); or a prototype */
        }
    }
    return last;
}

/* Tokens of the type: up to the stars before the name. */
static uint32_t specifiers_end(const struct unit *unit, uint32_t first, uint32_t name, bool pointer)
{
    static const char *const qualifiers[] = {"const", "volatile", "restrict", NULL};
    uint32_t end = name;

    if (pointer) {
        while (end > first && !code_punct(unit, end, PUNCT('('))) {
            end--;
        }
        return end;
    }
    for (uint32_t i = name; i > first; i--) {
        if (code_punct(unit, i - 1, PUNCT('*'))) {
            end = i - 1;
        } else if (!range_in(unit, token_range(&unit->code[i - 1]), qualifiers)) {
            break;
        }
    }
    return end;
}

static bool has_word(const struct unit *unit, uint32_t first, uint32_t end, const char *word)
{
    for (uint32_t i = first; i < end; i++) {
        if (code_is(unit, i, word)) {
            return true;
        }
    }
    return false;
}

static void note_kind(const struct unit *unit, struct local *l)
{
    l->is_static = has_word(unit, l->specifiers, l->specifiers_end, "static") ||
                   has_word(unit, l->specifiers, l->specifiers_end, "extern");
    l->is_type = code_is(unit, l->specifiers, "typedef");
    l->is_const = has_word(unit, l->declarator, l->name_at, "const") ||
                  (has_word(unit, l->specifiers, l->specifiers_end, "const") &&
                   !code_punct(unit, l->declarator, PUNCT('*')));
    l->is_volatile = has_word(unit, l->specifiers, l->specifiers_end, "volatile");
    for (uint32_t i = l->specifiers; i < l->specifiers_end; i++) {
        l->own_type = l->own_type || code_punct(unit, i, PUNCT('{'));
    }
    l->array = code_punct(unit, l->name_at + 1, PUNCT('[')) && l->name_at + 1 < l->declarator_end;
}

/* One declarator of [first, end), with the specifiers from the first of its declaration. */
static struct local *add_local(const struct body *body, struct locals *locals, uint32_t specifiers,
                               uint32_t first, uint32_t end)
{
    const struct unit *unit = body->unit;
    bool pointer;
    uint32_t name = declared_name(unit, first, end, &pointer);
    struct local *l;

    if (name == NONE) {
        return NULL;
    }
    if (locals->count == LOCALS_MAX) {
        locals->why = "more local variables than are looked at";
        return NULL;
    }
    l = &locals->rows[locals->count++];
    *l = (struct local){.name = token_range(&unit->code[name]),
                        .name_at = name,
                        .statement = NONE,
                        .specifiers = specifiers,
                        .specifiers_end = specifiers_end(unit, first, name, pointer),
                        .declarator = first,
                        .declarator_end = end,
                        .value = end,
                        .value_end = end,
                        .function_pointer = pointer};
    for (uint32_t i = name; i < end; i = code_past(unit, i)) {
        if (code_punct(unit, i, PUNCT('='))) {
            l->declarator_end = i;
            l->value = i + 1;
            break;
        }
    }
    l->declarator = first == specifiers ? l->specifiers_end : first;
    return l;
}

/* `T a = 1, *b;` in [first, end): the scope of each begins behind it. */
static void add_declaration(const struct body *body, struct locals *locals, uint32_t statement,
                            uint32_t first, uint32_t end, uint32_t scope_end)
{
    const struct unit *unit = body->unit;
    uint32_t type_end = first;

    for (uint32_t at = first; at < end;) {
        uint32_t stop = declarator_end(unit, at, end);
        struct local *l = add_local(body, locals, first, at, stop);

        if (l != NULL) {
            type_end = at == first ? l->specifiers_end : type_end;
            l->specifiers_end = type_end;
            l->statement = statement;
            l->scope = l->name_at + 1;
            l->scope_end = scope_end;
            note_kind(unit, l);
        }
        at = stop + 1;
    }
}

static void add_parameters(const struct body *body, struct locals *locals)
{
    const struct function *f = body->function;
    const struct unit *unit = body->unit;

    for (uint32_t at = f->open + 1; at < f->close;) {
        uint32_t stop = declarator_end(unit, at, f->close);
        bool pointer;
        uint32_t name = declared_name(unit, at, stop, &pointer);

        /* A lone word is a type (void), or a name whose declaration follows the parentheses. */
        if (name != NONE && name > at && specifiers_end(unit, at, name, pointer) > at) {
            struct local *l = add_local(body, locals, at, at, stop);

            if (l != NULL) {
                l->parameter = true;
                l->scope = f->body;
                l->scope_end = f->body_end;
                note_kind(unit, l);
            }
        }
        at = stop + 1;
    }
    for (uint32_t at = f->close + 1; at < f->body;) {
        uint32_t stop = at, before = locals->count;

        while (stop < f->body && !code_punct(unit, stop, PUNCT(';'))) {
            stop++;
        }
        if (stop < f->body) {
            add_declaration(body, locals, NONE, at, stop, f->body_end);
        }
        for (; before < locals->count; before++) {
            locals->rows[before].parameter = true;
            locals->rows[before].scope = f->body;
        }
        at = stop + 1;
    }
}

/* Where the block ends that a statement is in. */
static uint32_t block_end(const struct body *body, uint32_t statement)
{
    uint32_t parent = body->statements[statement].parent;

    while (parent != NONE && body->statements[parent].kind != STATEMENT_COMPOUND) {
        parent = body->statements[parent].parent;
    }
    return parent != NONE ? body->statements[parent].end : body->function->body_end;
}

/* `for (T i = 0; ...)` declares when a name follows another. */
static void add_for(const struct body *body, struct locals *locals, uint32_t statement)
{
    const struct statement *s = &body->statements[statement];
    const struct node *start = &body->nodes[s->node];
    uint32_t first = start->first;

    if (start->end > first + 1 && code_word(body->unit, first) &&
        (code_word(body->unit, first + 1) || code_punct(body->unit, first + 1, PUNCT('*')))) {
        add_declaration(body, locals, NONE, first, start->end, s->end);
    }
}

bool locals_read(const struct body *body, struct locals *out)
{
    *out = (struct locals){0};
    out->rows = arena_array(body->arena, LOCALS_MAX, sizeof *out->rows);
    if (out->rows == NULL) {
        return false;
    }
    add_parameters(body, out);
    for (uint32_t i = 0; i < body->statement_count; i++) {
        const struct statement *s = &body->statements[i];

        if (s->kind == STATEMENT_DECLARATION) {
            uint32_t end =
                s->end - (s->end > s->first && code_punct(body->unit, s->end - 1, PUNCT(';')));

            add_declaration(body, out, i, s->first, end, block_end(body, i));
        } else if (s->kind == STATEMENT_FOR) {
            add_for(body, out, i);
        }
    }
    return out->why == NULL && uses_read(body, out);
}
