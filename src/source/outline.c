/* SPDX-License-Identifier: MIT */
/*
 * Declarations and definitions at file scope, and macros.
 *
 * Without headers a type is a name like any other.  What makes a definition: a name, its
 * parentheses, and then only annotations (or the declarations of old-style parameters) before the
 * brace.  What is inside `extern "C" {` or a namespace counts as file scope.
 */
#include "source/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define SCOPE_MAX 64u /* nested namespaces and linkage blocks; those inside are passed over */

struct scope {
    uint32_t end; /* its closing brace */
    bool c_linkage;
};

struct outline {
    struct unit *unit;
    struct scope scopes[SCOPE_MAX];
    uint32_t depth;
    uint32_t first;   /* of what is being read */
    uint32_t c_macro; /* EXTERN_C_START that are open */
};

static bool opens_group(const struct unit *unit, uint32_t at)
{
    return code_punct(unit, at, PUNCT('(')) || code_punct(unit, at, PUNCT('['));
}

/* The next token that is not inside of parentheses or brackets. */
static uint32_t behind_group(const struct unit *unit, uint32_t at)
{
    return opens_group(unit, at) ? code_past(unit, at) : at + 1;
}

/* What follows a parameter list before the body: annotations, const, a trailing type. */
static bool is_suffix(const struct unit *unit, uint32_t at, uint32_t end)
{
    static const char *const words[] = {"const", "volatile", "override", "final", NULL};

    while (at < end) {
        struct range word = token_range(&unit->code[at]);

        if (code_punct(unit, at, PUNCT2('-', '>'))) {
            return true;
        }
        if (!code_word(unit, at) || !(is_annotation(unit, word) || range_in(unit, word, words) ||
                                      (at + 1 < end && code_punct(unit, at + 1, PUNCT('('))))) {
            return false;
        }
        at++;
        if (at < end && code_punct(unit, at, PUNCT('('))) {
            at = code_past(unit, at);
        }
    }
    return at == end;
}

/* A parameter list of names only, `(a, b)`, holds this one. */
static bool old_style_name(const struct unit *unit, uint32_t open, struct range name)
{
    bool found = false;

    for (uint32_t i = open + 1; i < unit->match[open]; i++) {
        if (code_word(unit, i)) {
            found = found || range_same(unit, token_range(&unit->code[i]), name);
        } else if (!code_punct(unit, i, PUNCT(','))) {
            return false;
        }
    }
    return found;
}

/* `int f(a, b) int a; char *b; {`: are [at, end) declarations of parameters? */
static bool is_old_style(const struct unit *unit, uint32_t open, uint32_t at, uint32_t end)
{
    uint32_t last = NONE;

    if (at >= end || !code_punct(unit, end - 1, PUNCT(';'))) {
        return false;
    }
    for (; at < end; at++) {
        if (code_word(unit, at)) {
            last = at;
        } else if (code_punct(unit, at, PUNCT(';')) || code_punct(unit, at, PUNCT(','))) {
            if (last == NONE || !old_style_name(unit, open, token_range(&unit->code[last]))) {
                return false;
            }
        } else if (code_punct(unit, at, PUNCT('='))) {
            return false;
        }
    }
    return true;
}

/* `(PDEV d, ...)` or `(void)` rather than the argument of a macro: two words side by side, or a
 * star, or nothing. */
static bool looks_like_parameters(const struct unit *unit, uint32_t open)
{
    uint32_t close = unit->match[open];

    if (close == open + 1 || (close == open + 2 && (code_is(unit, open + 1, "void") ||
                                                    code_is(unit, open + 1, "VOID")))) {
        return true;
    }
    for (uint32_t i = open + 1; i + 1 < close; i++) {
        if (code_word(unit, i) && (code_word(unit, i + 1) || code_punct(unit, i + 1, PUNCT('*')))) {
            return true;
        }
    }
    return false;
}

/* The name before the parameters of what [first, end) declares; NONE when it is no function. */
static uint32_t function_name(const struct unit *unit, uint32_t first, uint32_t end)
{
    static const char *const never[] = {"if",       "while",  "for",    "switch",
                                        "return",   "sizeof", "typeof", "__asm__",
                                        "decltype", "asm",    "__asm",  NULL};
    uint32_t found = NONE;

    for (uint32_t i = first; i < end;) {
        if (code_punct(unit, i, PUNCT('=')) || code_punct(unit, i, PUNCT('{')) ||
            code_punct(unit, i, PUNCT(':'))) {
            break;
        }
        if (code_word(unit, i) && i + 1 < end && code_punct(unit, i + 1, PUNCT('(')) &&
            unit->match[i + 1] != NONE && !is_annotation(unit, token_range(&unit->code[i])) &&
            !range_in(unit, token_range(&unit->code[i]), never)) {
            /* f(T x) ACQUIRES(lock): what follows parameters at once is a macro about them. */
            if (found != NONE && unit->match[found + 1] + 1 == i &&
                looks_like_parameters(unit, found + 1)) {
                return found;
            }
            found = i;
            i++;
        }
        i = behind_group(unit, i);
    }
    return found;
}

/* Ends of a header: the ':' before the initializers of a constructor, or `end`. */
static uint32_t header_end(const struct unit *unit, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i = behind_group(unit, i)) {
        if (code_punct(unit, i, PUNCT(':'))) {
            return i;
        }
    }
    return end;
}

static bool has_word(const struct unit *unit, uint32_t first, uint32_t end, const char *word)
{
    for (uint32_t i = first; i < end; i = behind_group(unit, i)) {
        if (code_is(unit, i, word)) {
            return true;
        }
    }
    return false;
}

static bool has_assignment(const struct unit *unit, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i = behind_group(unit, i)) {
        if (code_punct(unit, i, PUNCT('='))) {
            return true;
        }
    }
    return false;
}

/* `extern "C"`, or the macro that stands for it. */
static bool says_c(const struct unit *unit, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i = behind_group(unit, i)) {
        if (code_is(unit, i, "EXTERN_C") ||
            (code_is(unit, i, "extern") && unit->code[i + 1].kind == TOKEN_STRING)) {
            return true;
        }
    }
    return false;
}

static bool in_c(const struct outline *o, uint32_t first, uint32_t end)
{
    bool c = !o->unit->cplusplus || o->c_macro > 0 || says_c(o->unit, first, end);

    for (uint32_t i = 0; i < o->depth; i++) {
        c = c || o->scopes[i].c_linkage;
    }
    return c;
}

static bool add_function(struct outline *o, uint32_t brace)
{
    struct unit *unit = o->unit;
    uint32_t end = header_end(unit, o->first, brace);
    uint32_t name = function_name(unit, o->first, end), close;
    struct function *f;

    if (name == NONE || code_is(unit, o->first, "typedef")) {
        return false;
    }
    close = unit->match[name + 1];
    if (!is_suffix(unit, close + 1, end) && !is_old_style(unit, name + 1, close + 1, end)) {
        return false;
    }
    f = &unit->functions[unit->function_count++];
    *f = (struct function){
        .name = token_range(&unit->code[name]),
        .first = o->first,
        .name_at = name,
        .open = name + 1,
        .close = close,
        .body = brace,
        .body_end = unit->match[brace],
        .line = unit->code[name].line,
        .is_static = has_word(unit, o->first, name, "static"),
        .c_linkage = in_c(o, o->first, name),
        .method = name > 0 && code_punct(unit, name - 1, PUNCT2(':', ':')),
    };
    for (uint32_t i = o->first; i < name; i++) {
        static const char *const inlines[] = {"inline",        "__inline",    "__inline__",
                                              "__forceinline", "FORCEINLINE", "CFORCEINLINE",
                                              "INLINE",        "template",    NULL};

        f->is_inline = f->is_inline || range_in(unit, token_range(&unit->code[i]), inlines);
        f->odd_header = f->odd_header || range_begins(unit, token_range(&unit->code[i]), "PAGE") ||
                        range_begins(unit, token_range(&unit->code[i]), "Page");
    }
    return true;
}

static void add_declaration(struct outline *o, uint32_t at, uint32_t end)
{
    struct unit *unit = o->unit;

    unit->declarations[unit->declaration_count++] = (struct declaration){
        .name = token_range(&unit->code[at]),
        .at = at,
        .c_linkage = in_c(o, o->first, end),
        .section = section_of_header(unit, o->first, end),
    };
}

/* [first, end) up to a ';': a prototype, or names with commas between. */
static void end_declaration(struct outline *o, uint32_t end)
{
    struct unit *unit = o->unit;
    uint32_t name, last = NONE;

    if (o->first >= end || code_is(unit, o->first, "typedef")) {
        return;
    }
    name = has_assignment(unit, o->first, end) ? NONE : function_name(unit, o->first, end);
    if (name != NONE) {
        add_declaration(o, name, end);
        return;
    }
    for (uint32_t i = o->first; i <= end; i++) {
        if (code_word(unit, i)) {
            last = i;
        } else if (i == end || code_punct(unit, i, PUNCT(',')) || code_punct(unit, i, PUNCT('=')) ||
                   code_punct(unit, i, PUNCT('['))) {
            if (last != NONE) {
                add_declaration(o, last, end);
            }
            last = NONE;
        }
        if (i < end && (opens_group(unit, i) || code_punct(unit, i, PUNCT('{')))) {
            i = code_past(unit, i) - 1;
        }
    }
}

/* `f(a, b) int a;` has come to its first ';': does the body follow? */
static bool awaits_body(const struct outline *o, uint32_t semicolon)
{
    const struct unit *unit = o->unit;
    uint32_t name = function_name(unit, o->first, semicolon);

    return name != NONE && unit->match[name + 1] + 1 < semicolon &&
           is_old_style(unit, name + 1, unit->match[name + 1] + 1, semicolon + 1);
}

/* A '{' at file scope: where to go on. */
static uint32_t take_brace(struct outline *o, uint32_t at)
{
    struct unit *unit = o->unit;
    uint32_t end = code_past(unit, at);
    bool c = o->first + 1 < at && code_is(unit, o->first, "extern") &&
             unit->code[o->first + 1].kind == TOKEN_STRING && o->first + 2 == at;

    if (c || has_word(unit, o->first, at, "namespace")) {
        if (unit->match[at] != NONE && o->depth < SCOPE_MAX) {
            o->scopes[o->depth++] = (struct scope){unit->match[at], c};
            end = at + 1;
        }
        o->first = end;
        return end;
    }
    if (add_function(o, at)) {
        o->first = unit->match[at] == NONE ? unit->code_count : end;
        return o->first;
    }
    if (!has_assignment(unit, o->first, at) && !has_word(unit, o->first, at, "struct") &&
        !has_word(unit, o->first, at, "union") && !has_word(unit, o->first, at, "enum") &&
        !has_word(unit, o->first, at, "class")) {
        o->first = end; /* a block of nobody's */
    }
    return end;
}

/* Macros of the headers that stand for `extern "C" {` and its brace. */
static bool take_c_macro(struct outline *o, uint32_t at)
{
    bool start = code_is(o->unit, at, "EXTERN_C_START") || code_is(o->unit, at, "__BEGIN_DECLS");

    if (!start && !code_is(o->unit, at, "EXTERN_C_END") && !code_is(o->unit, at, "__END_DECLS")) {
        return false;
    }
    o->c_macro += start;
    o->c_macro -= !start && o->c_macro > 0;
    o->first = at + 1;
    return true;
}

static void walk(struct outline *o)
{
    struct unit *unit = o->unit;

    for (uint32_t i = 0; i < unit->code_count;) {
        uint32_t code = unit->code[i].code;

        if (o->first == i && take_c_macro(o, i)) {
            i++;
            continue;
        }
        if (code == PUNCT('{')) {
            i = take_brace(o, i);
            continue;
        }
        if (code == PUNCT('}')) {
            o->depth -= o->depth > 0 && o->scopes[o->depth - 1].end == i;
            o->first = i + 1;
        } else if (code == PUNCT(';') && !awaits_body(o, i)) {
            end_declaration(o, i);
            o->first = i + 1;
        }
        i = behind_group(unit, i);
    }
}

/* ---- by name ---- */

static int compare_names(const struct unit *unit, struct range a, struct range b)
{
    uint32_t x = range_length(a), y = range_length(b);
    int order = memcmp(unit->text + a.begin, unit->text + b.begin, x < y ? x : y);

    if (order != 0) {
        return order;
    }
    return x != y ? (x < y ? -1 : 1) : 0;
}

/* Any table whose rows begin with their name. */
struct table {
    const struct unit *unit;
    const char *rows;
    size_t size;
};

static struct range row_name(const struct table *table, uint32_t row)
{
    struct range name;

    memcpy(&name, table->rows + row * table->size, sizeof name);
    return name;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct table *table = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = compare_names(table->unit, row_name(table, x), row_name(table, y));

    if (order != 0) {
        return order;
    }
    return x < y ? -1 : x > y;
}

static uint32_t *sort_rows(struct unit *unit, const void *rows, size_t size, uint32_t count)
{
    struct table table = {unit, rows, size};
    uint32_t *order = arena_array(&unit->arena, (size_t)count + 1, sizeof *order);

    for (uint32_t i = 0; order != NULL && i < count; i++) {
        order[i] = i;
    }
    if (order != NULL) {
        qsort_r(order, count, sizeof *order, compare_rows, &table);
    }
    return order;
}

/* The first row of this name, or NONE. */
static uint32_t find_row(const struct unit *unit, const void *rows, size_t size,
                         const uint32_t *order, uint32_t count, struct range name)
{
    struct table table = {unit, rows, size};
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare_names(unit, row_name(&table, order[middle]), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && range_same(unit, row_name(&table, order[low]), name) ? order[low] : NONE;
}

struct function *function_named(const struct unit *unit, struct range name)
{
    uint32_t row = find_row(unit, unit->functions, sizeof *unit->functions, unit->by_name,
                            unit->function_count, name);

    return row != NONE ? &unit->functions[row] : NULL;
}

const struct declaration *declaration_named(const struct unit *unit, struct range name)
{
    uint32_t row = find_row(unit, unit->declarations, sizeof *unit->declarations,
                            unit->declarations_by_name, unit->declaration_count, name);

    return row != NONE ? &unit->declarations[row] : NULL;
}

const struct macro *macro_named(const struct unit *unit, struct range name)
{
    uint32_t row = find_row(unit, unit->macros, sizeof *unit->macros, unit->macros_by_name,
                            unit->macro_count, name);

    return row != NONE ? &unit->macros[row] : NULL;
}

_Static_assert(offsetof(struct function, name) == 0 && offsetof(struct declaration, name) == 0 &&
                   offsetof(struct macro, name) == 0,
               "tables are sorted by what their rows begin with");

void outline_read(struct unit *unit)
{
    struct outline outline = {.unit = unit};
    uint32_t braces = 0;

    for (uint32_t i = 0; i < unit->code_count; i++) {
        braces += unit->code[i].code == PUNCT('{');
    }
    unit->functions = arena_array(&unit->arena, (size_t)braces + 1, sizeof *unit->functions);
    /* A name is followed by something, so there are at most half as many as tokens. */
    unit->declarations =
        arena_array(&unit->arena, (size_t)unit->code_count / 2 + 2, sizeof *unit->declarations);
    if (unit->arena.failed) {
        return;
    }
    walk(&outline);
    PG_ASSERT(unit->function_count <= braces);
    PG_ASSERT(unit->declaration_count <= unit->code_count / 2 + 2);
    unit->by_name = sort_rows(unit, unit->functions, sizeof *unit->functions, unit->function_count);
    unit->declarations_by_name =
        sort_rows(unit, unit->declarations, sizeof *unit->declarations, unit->declaration_count);
}

/* ---- macros ---- */

static bool read_macro(const struct unit *unit, const struct token *directive, struct macro *out)
{
    struct lexer lexer;
    struct token t;

    lexer_start(&lexer, unit->text, directive->begin + 1, directive->end, directive->line, false);
    lexer_next(&lexer, &t);
    if (!token_is(unit, &t, "define")) {
        return false;
    }
    lexer_next(&lexer, &t);
    *out = (struct macro){.name = token_range(&t), .line = directive->line};
    out->body = (struct range){t.end, directive->end};
    out->parameters = t.end < directive->end && unit->text[t.end] == '(';
    return t.kind == TOKEN_WORD;
}

void macros_read(struct unit *unit)
{
    struct macro macro;
    uint32_t count = 0;

    for (uint32_t i = 0; i < unit->all_count; i++) {
        count += unit->all[i].kind == TOKEN_DIRECTIVE && read_macro(unit, &unit->all[i], &macro);
    }
    unit->macros = arena_array(&unit->arena, (size_t)count + 1, sizeof *unit->macros);
    for (uint32_t i = 0; unit->macros != NULL && i < unit->all_count; i++) {
        if (unit->all[i].kind == TOKEN_DIRECTIVE && read_macro(unit, &unit->all[i], &macro)) {
            unit->macros[unit->macro_count++] = macro;
        }
    }
    unit->macros_by_name = sort_rows(unit, unit->macros, sizeof *unit->macros, unit->macro_count);
}
