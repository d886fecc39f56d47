/* SPDX-License-Identifier: MIT */
/* Around the regions that move: prototypes, pragmas, PAGED_CODE, and declarations; see isolate.h.
 */
#include "source/isolate.h"

static void insert(struct session *s, uint32_t at, const struct text *text)
{
    if (text->failed) {
        s->result->arena.failed = true;
    } else if (text->length > 0) {
        edit_add(&s->edits, at, at, text->bytes, text->length);
    }
}

/* Where the head begins that is declared: behind MODULE(x), alone in its line without a ';'. */
static uint32_t head_begin(const struct unit *unit, const struct function *f)
{
    uint32_t at = f->first;

    while (code_word(unit, at) && code_punct(unit, at + 1, PUNCT('(')) && at < f->name_at &&
           !is_annotation(unit, token_range(&unit->code[at])) && unit->match[at + 1] != NONE &&
           unit->match[at + 1] + 1 < f->name_at &&
           (unit->code[unit->match[at + 1] + 1].flags & TOKEN_FIRST) != 0) {
        at = unit->match[at + 1] + 1;
    }
    return unit->code[at].begin;
}

/* Its prototype, from the definition, when nothing in the file declares it before. */
static void put_own_prototype(struct session *s, const struct work *w, struct text *out)
{
    const struct function *f = w->function;
    const struct declaration *d = declaration_named(&s->unit, f->name);
    uint32_t begin = s->unit.code[f->first].begin;

    if (d == NULL || s->unit.code[d->at].begin > begin) {
        begin = head_begin(&s->unit, f);
        if (code_punct(&s->unit, f->body - 1, PUNCT(';'))) { /* f(a) int a; {: f() goes with it */
            text_add(out, s->unit.text + begin, s->unit.code[f->open].end - begin);
            text_put(out, ")");
        } else {
            text_add(out, s->unit.text + begin, s->unit.code[f->close].end - begin);
        }
        text_print(out, ";%s", line_ending(&s->unit));
    }
}

static void put_pragma(struct session *s, const struct work *w, struct text *out)
{
    const char *end = line_ending(&s->unit), *name = session_name_of(s, w->function);
    const char *section = s->options->section != NULL ? s->options->section : "PAGE";

    if (!w->function->c_linkage) {
        text_print(out, "#pragma code_seg(push)%s#pragma code_seg(\"%s\")%s%s", end, section, end,
                   end);
        return;
    }
    text_print(out, "#ifdef ALLOC_PRAGMA%s#pragma alloc_text(%s, %s)%s#endif%s%s", end, section,
               name, end, end, end);
}

static void emit_before(struct session *s, const struct work *w, const struct text *prototypes,
                        bool pageable)
{
    const struct function *f = w->function;
    const char *end = line_ending(&s->unit);
    uint32_t begin = s->unit.code[f->first].begin, at, before;
    struct text text = {0};

    before = all_at(&s->unit, begin);
    at = above_comment(&s->unit, before > 0 ? s->unit.all[before - 1].end : 0, begin);
    if (pageable && w->function->c_linkage) {
        put_own_prototype(s, w, &text);
    }
    text_add(&text, prototypes->bytes, prototypes->length);
    text_put(&text, end);
    if (pageable) {
        put_pragma(s, w, &text);
    }
    text.failed = text.failed || prototypes->failed;
    insert(s, at, &text);
    text_free(&text);
}

static void emit_after(struct session *s, const struct work *w, const struct text *routines,
                       bool pageable)
{
    const struct function *f = w->function;
    const char *end = line_ending(&s->unit);
    uint32_t at = s->unit.code[f->body_end].end;
    struct text text = {0};

    at = behind_comment(&s->unit, at);
    text_put(&text, end);
    if (pageable && !f->c_linkage) {
        text_print(&text, "%s#pragma code_seg(pop)%s", end, end);
    }
    if (f->means == SECTION_CODE_SEG) {
        text_print(&text, "%s#pragma code_seg(push)%s#pragma code_seg()%s", end, end, end);
    }
    text_add(&text, routines->bytes, routines->length);
    if (f->means == SECTION_CODE_SEG) {
        text_print(&text, "%s#pragma code_seg(pop)%s", end, end);
    }
    /* The line that the brace ends has its own end already. */
    while (text.length > 0 &&
           (text.bytes[text.length - 1] == '\n' || text.bytes[text.length - 1] == '\r')) {
        text.length--;
    }
    text.failed = text.failed || routines->failed;
    insert(s, at, &text);
    text_free(&text);
}

/* ---- PAGED_CODE and declarations ---- */

/* Behind the declarations that the body begins with: there old compilers want the first statement.
 */
static void add_paged_code(struct session *s, const struct work *w, uint32_t dropped)
{
    const struct body *b = &w->body;
    const char *end = line_ending(&s->unit);
    uint32_t last = w->function->body, at, first = b->statement_count > 1 ? 1 : NONE;
    uint32_t leading = 0;
    struct range indent = {0, 0};
    struct text text = {0};

    if (first != NONE) {
        indent = indent_of(&s->unit, s->unit.code[b->statements[first].first].begin);
    }
    for (; first != NONE && b->statements[first].kind == STATEMENT_DECLARATION &&
           first != w->regions[0].first;
         first = statement_next(b, first)) {
        last = b->statements[first].end - 1;
        leading++;
    }
    at = behind_comment(&s->unit, s->unit.code[last].end);
    if (s->unit.text[at] != '\n' && s->unit.text[at] != '\r') {
        return; /* all in one line: it is left as it is */
    }
    at = line_next(&s->unit, at);
    if (leading > dropped) {
        text_put(&text, end);
    }
    text_add(&text, s->unit.text + indent.begin, range_length(indent));
    text_print(&text, "PAGED_CODE();%s", end);
    if (!is_blank_line(&s->unit, at)) {
        text_put(&text, end);
    }
    insert(s, at, &text);
    text_free(&text);
}

/* Every use is in what moves, and some region declares it anew. */
static bool is_left_over(const struct work *w, uint32_t local)
{
    bool anew = false;

    for (uint32_t j = 0; j < w->region_count; j++) {
        for (uint32_t i = 0; i < w->regions[j].capture_count; i++) {
            const struct capture *c = &w->regions[j].captures[i];

            if (c->local == local && c->kind != CAPTURE_LOCAL) {
                return false;
            }
            anew = anew || c->local == local;
        }
    }
    for (uint32_t i = 0; anew && i < w->locals.use_count; i++) {
        bool moves = false;

        for (uint32_t j = 0; j < w->region_count; j++) {
            moves = moves || region_moves(w, &w->regions[j], w->locals.uses[i].at);
        }
        if (w->locals.uses[i].local == local && !moves) {
            return false;
        }
    }
    return anew;
}

static bool calls_something(const struct work *w, const struct local *l)
{
    for (uint32_t i = l->value; i < l->value_end; i++) {
        if (code_punct(w->unit, i, PUNCT('('))) {
            return true;
        }
    }
    return false;
}

/* Bytes of the whole declaration, with its line when there is nothing else in it. */
static void drop_declaration(struct session *s, const struct work *w, uint32_t statement,
                             bool alone)
{
    const struct statement *d = &w->body.statements[statement];
    uint32_t begin = s->unit.code[d->first].begin;
    uint32_t end = behind_comment(&s->unit, s->unit.code[d->end - 1].end);

    if (is_first_in_line(&s->unit, begin) &&
        (s->unit.text[end] == '\n' || s->unit.text[end] == '\r')) {
        begin = line_begin(&s->unit, begin);
        end = line_next(&s->unit, end);
        if (alone && code_punct(&s->unit, d->first - 1, PUNCT('{')) &&
            is_blank_line(&s->unit, end)) {
            end = line_next(&s->unit, end); /* it set the declarations apart: there are none left */
        }
    }
    edit_add(&s->edits, begin, end, "", 0);
}

/* One declarator of several: with the comma before it, or behind it for the first. */
static void drop_declarator(struct session *s, const struct local *l)
{
    const struct unit *unit = &s->unit;
    uint32_t end = l->value_end > l->declarator_end ? l->value_end : l->declarator_end;

    if (code_punct(unit, l->declarator - 1, PUNCT(','))) {
        edit_add(&s->edits, unit->code[l->declarator - 2].end, unit->code[end - 1].end, "", 0);
    } else if (code_punct(unit, end, PUNCT(','))) {
        edit_add(&s->edits, unit->code[l->declarator].begin, unit->code[end + 1].begin, "", 0);
    }
}

/* The number of declarations that are gone as a whole. */
static uint32_t drop_declarations(struct session *s, const struct work *w)
{
    uint32_t dropped = 0;

    for (uint32_t i = 0; i < w->locals.count; i++) {
        uint32_t statement = w->locals.rows[i].statement, all = 0, gone = 0, first = 0;

        if (statement == NONE || (i > 0 && w->locals.rows[i - 1].statement == statement)) {
            continue;
        }
        for (uint32_t j = i; j < w->locals.count && w->locals.rows[j].statement == statement; j++) {
            bool left = is_left_over(w, j) && !calls_something(w, &w->locals.rows[j]);

            all++;
            first = left && gone == 0 ? j : first;
            gone += left;
        }
        if (gone == all) {
            drop_declaration(s, w, statement, says_paged_code(w->unit, w->function, true));
            dropped++;
        } else if (gone == 1) {
            drop_declarator(s, &w->locals.rows[first]);
        }
    }
    return dropped;
}

void surround(struct session *s, const struct work *w, const struct text *prototypes,
              const struct text *routines, bool pageable, bool all)
{
    uint32_t dropped;

    emit_before(s, w, prototypes, pageable);
    emit_after(s, w, routines, pageable);
    dropped = drop_declarations(s, w);
    if (all && !says_paged_code(w->unit, w->function, true)) {
        add_paged_code(s, w, dropped);
    }
}
