/* SPDX-License-Identifier: MIT */
/*
 * The text of a new routine and of its call.
 *
 * Lines that move are copied with their comments; only their indentation changes, and the names of
 * variables that are now behind a pointer.  A tail becomes `return N;` in the routine and a case in
 * the caller.
 */
#include "source/emit.h"

#include "source/macros.h"

enum exit_form exit_form(const struct region *region)
{
    bool chain = false, switches = false;

    for (uint32_t i = 0; i < region->tail_count; i++) {
        const struct tail *t = &region->tails[i];

        chain = chain || (!t->kept && (t->outer_break || t->flows != NONE));
        switches = switches || (!t->kept && t->inner_break);
    }
    if (region->exits == 0 || (region->exits == 1 && !region->falls_through && !switches)) {
        return EXIT_NONE;
    }
    if (region->exits == 1 && !switches) {
        return EXIT_IF;
    }
    return chain ? EXIT_CHAIN : EXIT_SWITCH;
}

static uint32_t token_begin(const struct emit *e, uint32_t at)
{
    return e->work->unit->code[at].begin;
}

/* Behind the token before `at`, and the comment behind it in its line. */
static uint32_t behind(const struct emit *e, uint32_t at)
{
    return behind_comment(e->work->unit, e->work->unit->code[at - 1].end);
}

struct range emit_replaced(const struct emit *e)
{
    return (struct range){token_begin(e, region_token_first(e->work, e->region)),
                          behind(e, region_token_end(e->work, e->region))};
}

/* Bytes of a tail, with the comments above it. */
static struct range tail_bytes(const struct emit *e, const struct tail *tail)
{
    const struct statement *s = e->work->body.statements;

    return (struct range){behind(e, s[tail->first].first), behind(e, s[tail->last].end)};
}

/* The same without the line end it begins with: what is copied. */
static struct range tail_text(const struct emit *e, const struct tail *tail)
{
    const struct unit *unit = e->work->unit;
    struct range r = tail_bytes(e, tail);

    while (r.begin < r.end && (unit->text[r.begin] == ' ' || unit->text[r.begin] == '\t' ||
                               unit->text[r.begin] == '\r' || unit->text[r.begin] == '\n')) {
        r.begin++;
    }
    return r;
}

/* ---- the routine ---- */

static void put_line_begin(struct emit *e, const char *indent, unsigned steps)
{
    text_put(&e->text, e->ending);
    text_put(&e->text, indent);
    while (steps-- > 0) {
        text_put(&e->text, e->unit);
    }
}

/* `return N;` in place of a tail. */
static void put_exit(struct emit *e, uint32_t number)
{
    if (e->form == EXIT_NONE) {
        text_put(&e->text, "return;");
    } else if (e->form == EXIT_IF) {
        text_put(&e->text, number != 0 ? "return TRUE;" : "return FALSE;");
    } else {
        text_print(&e->text, "return %u;", number);
    }
}

static const struct capture *pointer_at(const struct emit *e, uint32_t use)
{
    for (uint32_t i = 0; i < e->region->capture_count; i++) {
        const struct capture *c = &e->region->captures[i];

        if (c->kind == CAPTURE_POINTER && c->local == e->work->locals.uses[use].local) {
            return c;
        }
    }
    return NULL;
}

/* An argument of a macro, which may do more with it than with a value: FIELD(x). */
static bool in_macro(const struct unit *unit, uint32_t token)
{
    return code_punct(unit, token - 1, PUNCT('(')) && code_word(unit, token - 2) &&
           macro_argument(unit, token, token + 1) != ARGUMENT_READ;
}

/* A variable that is now behind a pointer: `&x` -> x, `x.a` -> x->a, else *x.  *at is behind what
 * was copied, and moves behind what this stands for. */
static void put_pointed(struct emit *e, uint32_t token, uint32_t *at)
{
    const struct unit *unit = e->work->unit;
    const struct token *t = &unit->code[token];
    uint32_t next = unit->code[token + 1].code;
    char before = e->text.length > 0 ? e->text.bytes[e->text.length - 1] : ' ';
    bool address =
        code_punct(unit, token - 1, PUNCT('&')) && before == '&' &&
        (code_punct(unit, token - 2, PUNCT('(')) || code_punct(unit, token - 2, PUNCT(',')) ||
         code_punct(unit, token - 2, PUNCT('='))) &&
        next != PUNCT('.') && next != PUNCT('[') && next != PUNCT2('-', '>');
    bool wrapped = next == PUNCT2('-', '>') || next == PUNCT('[') || next == PUNCT('(') ||
                   next == PUNCT2('+', '+') || next == PUNCT2('-', '-') || before == '*' ||
                   before == '/' || before == '&' || in_macro(unit, token);
    int length = (int)(t->end - t->begin);

    if (address) {
        e->text.length--;
        text_print(&e->text, "%.*s", length, unit->text + t->begin);
    } else if (next == PUNCT('.')) {
        text_print(&e->text, "%.*s->", length, unit->text + t->begin);
        *at = unit->code[token + 1].end;
        return;
    } else {
        text_print(&e->text, wrapped ? "(*%.*s)" : "*%.*s", length, unit->text + t->begin);
    }
    *at = t->end;
}

/* Bytes [begin, end) of the region, with the names behind pointers put right. */
static void put_moved(struct emit *e, uint32_t begin, uint32_t end, struct range from)
{
    const struct locals *locals = &e->work->locals;
    uint32_t use = use_at(locals, region_token_first(e->work, e->region));

    for (; use < locals->use_count; use++) {
        uint32_t at = token_begin(e, locals->uses[use].at);

        if (at >= end) {
            break;
        }
        if (at < begin || pointer_at(e, use) == NULL) {
            continue;
        }
        copy_indented(e->work->unit, &e->text, begin, at, from, e->unit);
        put_pointed(e, locals->uses[use].at, &begin);
    }
    copy_indented(e->work->unit, &e->text, begin, end, from, e->unit);
}

/* Where the statement of the tail stands, seen from the region's own indentation. */
static void put_tail_indent(struct emit *e, const struct tail *tail, struct range from)
{
    const struct unit *unit = e->work->unit;
    uint32_t at = token_begin(e, e->work->body.statements[tail->first].first);
    struct range own = indent_of(unit, at);

    text_put(&e->text, e->ending);
    text_put(&e->text, e->unit);
    if (range_length(own) > range_length(from)) {
        text_add(&e->text, unit->text + own.begin + range_length(from),
                 range_length(own) - range_length(from));
    }
}

static void put_region(struct emit *e)
{
    const struct unit *unit = e->work->unit;
    struct range bytes = emit_replaced(e), from = indent_of(unit, bytes.begin);
    uint32_t at = bytes.begin, number = 0;

    for (uint32_t i = 0; i < e->region->tail_count; i++) {
        const struct tail *t = &e->region->tails[i];
        struct range gone = tail_bytes(e, t);

        if (t->kept) {
            continue;
        }
        put_moved(e, at, gone.begin, from);
        number++;
        put_tail_indent(e, t, from);
        put_exit(e, number);
        at = gone.end;
    }
    put_moved(e, at, bytes.end, from);
}

static void put_locals(struct emit *e)
{
    bool any = false;

    for (uint32_t i = 0; i < e->region->capture_count; i++) {
        const struct capture *c = &e->region->captures[i];

        if (c->kind == CAPTURE_LOCAL || (c->kind == CAPTURE_RESULT && !c->value_too)) {
            put_line_begin(e, "", 1);
            emit_declaration(e, c);
            any = true;
        }
    }
    if (any) {
        text_put(&e->text, e->ending);
    }
}

static void put_comment(struct emit *e)
{
    const struct range caller = e->work->function->name;

    text_print(&e->text,
               "/*%s * Resident, and kept out of line: it runs at raised IRQL, where %.*s, "
               "being pageable,%s * may not be.",
               e->ending, (int)range_length(caller), e->work->unit->text + caller.begin, e->ending);
    if (e->form == EXIT_IF) {
        text_put(&e->text, "  TRUE: the caller does what follows the release.");
    } else if (e->form != EXIT_NONE) {
        text_put(&e->text, "  Returns which way the caller goes on.");
    }
    text_print(&e->text, "%s */%s", e->ending, e->ending);
}

void emit_routine(struct emit *e)
{
    const struct capture *result = region_result(e->region);

    put_comment(e);
    emit_signature(e);
    text_print(&e->text, "%s{", e->ending);
    put_locals(e);
    put_line_begin(e, "", 1);
    put_region(e);
    if (result != NULL) {
        const struct local *l = &e->work->locals.rows[result->local];

        put_line_begin(e, "", 1);
        text_print(&e->text, "return %.*s;", (int)range_length(l->name),
                   e->work->unit->text + l->name.begin);
    } else if (e->form != EXIT_NONE && e->region->falls_through) {
        put_line_begin(e, "", 1);
        put_exit(e, 0);
    }
    text_print(&e->text, "%s}%s", e->ending, e->ending);
}

/* ---- the call ---- */

static void put_tail(struct emit *e, const struct tail *tail, const char *indent, unsigned steps)
{
    const struct unit *unit = e->work->unit;
    struct range bytes = tail_text(e, tail);
    struct text to = {0};

    text_put(&to, indent);
    for (unsigned i = 0; i < steps; i++) {
        text_put(&to, e->unit);
    }
    text_put(&e->text, e->ending);
    text_add(&e->text, to.bytes, to.length);
    copy_indented(unit, &e->text, bytes.begin, bytes.end, indent_of(unit, bytes.begin),
                  to.bytes != NULL ? to.bytes : "");
    e->text.failed = e->text.failed || to.failed;
    text_free(&to);
}

/* A case may not begin with a declaration, nor hold one that the next case jumps over. */
static bool needs_braces(const struct emit *e, const struct tail *tail)
{
    const struct body *b = &e->work->body;

    for (uint32_t s = tail->first; s != NONE && s <= tail->last; s = statement_next(b, s)) {
        if (b->statements[s].kind == STATEMENT_DECLARATION) {
            return true;
        }
    }
    return false;
}

static void put_switch(struct emit *e, const char *indent)
{
    uint32_t number = 0;

    text_put(&e->text, "switch (");
    emit_arguments(e);
    text_put(&e->text, ") {");
    for (uint32_t i = 0; i < e->region->tail_count; i++) {
        const struct tail *t = &e->region->tails[i];
        bool braces = needs_braces(e, t);

        if (t->kept) {
            continue;
        }
        number++;
        put_line_begin(e, indent, 0);
        if (number == e->region->exits && !e->region->falls_through) {
            text_put(&e->text, "default:");
        } else {
            text_print(&e->text, "case %u:", number);
        }
        text_put(&e->text, braces ? " {" : "");
        put_tail(e, t, indent, 1);
        if (!t->ends) {
            put_line_begin(e, indent, 1);
            text_put(&e->text, "break;");
        }
        if (braces) {
            put_line_begin(e, indent, 0);
            text_put(&e->text, "}");
        }
    }
    if (e->region->falls_through) {
        put_line_begin(e, indent, 0);
        text_put(&e->text, "default:");
        put_line_begin(e, indent, 1);
        text_put(&e->text, "break;");
    }
    put_line_begin(e, indent, 0);
    text_put(&e->text, "}");
}

/* Does tail `from` come, one after the other, to tail `to`? */
static bool flows_to(const struct region *r, uint32_t from, uint32_t to)
{
    for (uint32_t steps = 0; from != NONE && steps <= r->tail_count; steps++) {
        if (from == to) {
            return true;
        }
        from = r->tails[from].ends ? NONE : r->tails[from].flows;
    }
    return false;
}

static uint32_t number_of(const struct region *r, uint32_t tail)
{
    uint32_t number = 0;

    for (uint32_t i = 0; i <= tail; i++) {
        number += !r->tails[i].kept;
    }
    return number;
}

static void put_chain(struct emit *e, const char *indent)
{
    const struct region *r = e->region;

    text_put(&e->text, "{");
    put_line_begin(e, indent, 1);
    text_print(&e->text, "ULONG %s = ", e->exit_name);
    emit_arguments(e);
    text_print(&e->text, ";%s", e->ending);
    for (uint32_t i = 0; i < r->tail_count; i++) {
        bool first = true;

        if (r->tails[i].kept) {
            continue;
        }
        put_line_begin(e, indent, 1);
        text_put(&e->text, "if (");
        for (uint32_t j = 0; j <= i; j++) {
            if (!r->tails[j].kept && flows_to(r, j, i)) {
                text_print(&e->text, "%s%s == %u", first ? "" : " || ", e->exit_name,
                           number_of(r, j));
                first = false;
            }
        }
        text_put(&e->text, ") {");
        put_tail(e, &r->tails[i], indent, 2);
        put_line_begin(e, indent, 1);
        text_put(&e->text, "}");
    }
    put_line_begin(e, indent, 0);
    text_put(&e->text, "}");
}

/* The first tail that leaves the routine's text; there is one. */
static const struct tail *first_tail(const struct region *r)
{
    uint32_t i = 0;

    while (r->tails[i].kept) {
        i++;
    }
    return &r->tails[i];
}

void emit_call(struct emit *e)
{
    const struct unit *unit = e->work->unit;
    struct range own = indent_of(unit, emit_replaced(e).begin);
    const char *indent = arena_copy(e->work->arena, unit->text + own.begin, range_length(own));
    const struct capture *result = region_result(e->region);

    if (result != NULL) {
        const struct local *l = &e->work->locals.rows[result->local];

        text_print(&e->text, "%.*s = ", (int)range_length(l->name), unit->text + l->name.begin);
    }
    switch (e->form) {
    case EXIT_NONE:
        emit_arguments(e);
        text_put(&e->text, ";");
        if (e->region->exits > 0) {
            put_tail(e, first_tail(e->region), indent, 0);
        }
        return;
    case EXIT_IF:
        text_put(&e->text, "if (");
        emit_arguments(e);
        text_put(&e->text, ") {");
        put_tail(e, first_tail(e->region), indent, 1);
        put_line_begin(e, indent, 0);
        text_put(&e->text, "}");
        return;
    case EXIT_SWITCH:
        put_switch(e, indent);
        return;
    case EXIT_CHAIN:
        put_chain(e, indent);
        return;
    }
}
