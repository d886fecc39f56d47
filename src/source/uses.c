/* SPDX-License-Identifier: MIT */
/*
 * Each place in a routine that names a local, what it does to it, and where its value is still
 * wanted.
 *
 * In doubt a use reads and does not overwrite: the value is then carried along although nobody
 * wants it, which is never wrong.
 */
#include "source/locals.h"

#include <string.h>

#include "source/calls.h"
#include "source/macros.h"

/* What ends an operand: a '&' or '*' behind it takes two. */
static bool ends_operand(const struct unit *unit, uint32_t at)
{
    const struct token *t = &unit->code[at];

    if (t->kind == TOKEN_WORD) {
        return !code_is(unit, at, "return") && !code_is(unit, at, "sizeof") &&
               !code_is(unit, at, "case");
    }
    return t->kind != TOKEN_PUNCTUATION || t->code == PUNCT(')') || t->code == PUNCT(']');
}

/* Behind `x.a.b[1]`: the token that says what is done to that part. */
static uint32_t behind_parts(const struct unit *unit, uint32_t at)
{
    while (code_punct(unit, at, PUNCT('.')) || code_punct(unit, at, PUNCT('['))) {
        at = code_punct(unit, at, PUNCT('.')) || unit->match[at] == NONE ? at + 2
                                                                         : unit->match[at] + 1;
    }
    return at;
}

/* What a use does, from the tokens around it. */
static enum use_kind kind_of(const struct unit *unit, uint32_t at, const struct local *local)
{
    uint32_t next = unit->code[at + 1].code, before = unit->code[at - 1].code;
    bool part = next == PUNCT('.') || (next == PUNCT('[') && local->array);
    bool own =
        next != PUNCT2('-', '>') && (next != PUNCT('[') || local->array) && next != PUNCT('(');

    if (part) {
        uint32_t behind = unit->code[behind_parts(unit, at + 1)].code;

        if (before == PUNCT('&') || behind == PUNCT('=') || code_changes(behind) ||
            before == PUNCT2('+', '+') || before == PUNCT2('-', '-')) {
            return before == PUNCT('&') ? USE_ADDRESS : USE_CHANGE;
        }
        return USE_READ;
    }
    if (before == PUNCT('&') && own &&
        (!ends_operand(unit, at - 2) || code_punct(unit, at - 2, PUNCT(')')))) {
        return USE_ADDRESS;
    }
    if (!own || (before == PUNCT('*') && !ends_operand(unit, at - 2))) {
        return USE_READ;
    }
    if (next == PUNCT('=')) {
        return USE_WRITE;
    }
    return code_changes(next) || before == PUNCT2('+', '+') || before == PUNCT2('-', '-')
               ? USE_CHANGE
               : USE_READ;
}

/* `&irql` of an acquire is where it puts the IRQL, not an address that is kept: USE_WRITE; the
 * queue handle of a release is read. */
static bool keeps_irql(const struct unit *unit, uint32_t at, enum use_kind *kind)
{
    uint32_t open = at - 1, first, end;
    const struct call_row *row;

    while (open > 0 && code_punct(unit, open, PUNCT('('))) {
        open--; /* &(x) */
    }
    if (open < 2 || !code_punct(unit, open, PUNCT('&'))) {
        return false;
    }
    open--; /* the '(' or ',' before the '&' */
    while (code_punct(unit, open, PUNCT('(')) && !code_word(unit, open - 1) && open > 1) {
        open--;
    }
    while (code_punct(unit, open, PUNCT(',')) || !code_punct(unit, open, PUNCT('('))) {
        if (code_punct(unit, open, PUNCT(';')) || code_punct(unit, open, PUNCT('{')) || open == 0) {
            return false;
        }
        open = unit->match[open] != NONE && unit->match[open] < open ? unit->match[open] : open;
        open--;
    }
    if (open == 0 || !code_word(unit, open - 1)) {
        return false;
    }
    row = call_named(unit, token_range(&unit->code[open - 1]));
    if (row == NULL || (row->where != KEEPER_POINTER && row->where != KEEPER_OBJECT) ||
        row->kind == CALL_WAIT_TRUE || !call_argument(unit, open, row->keeper, &first, &end)) {
        return false;
    }
    strip_parentheses(unit, &first, &end);
    if (!code_punct(unit, first, PUNCT('&'))) {
        return false;
    }
    first++;
    strip_parentheses(unit, &first, &end);
    if (first != at || first + 1 != end) {
        return false;
    }
    *kind = row->kind == CALL_ACQUIRE ? USE_WRITE : USE_READ;
    return true;
}

/* sizeof(x), ARRAYSIZE(x): the type of x matters, and a pointer has another one. */
static bool asks_size(const struct unit *unit, uint32_t at)
{
    static const char *const words[] = {"sizeof",   "RTL_NUMBER_OF",    "ARRAYSIZE", "ARRAY_SIZE",
                                        "_countof", "RTL_NUMBER_OF_V2", "typeof",    "__typeof__",
                                        "_alignof", "TYPE_ALIGNMENT",   NULL};
    uint32_t before = at - 1;

    while (before > 0 &&
           (code_punct(unit, before, PUNCT('(')) || code_punct(unit, before, PUNCT('*')))) {
        before--;
    }
    return code_word(unit, before) && range_in(unit, token_range(&unit->code[before]), words);
}

/* The innermost local of this name that is visible. */
static uint32_t find_local(const struct unit *unit, const struct locals *locals, struct range name,
                           uint32_t at)
{
    uint32_t found = NONE;

    for (uint32_t i = 0; i < locals->count; i++) {
        const struct local *l = &locals->rows[i];

        if (at >= l->scope && at < l->scope_end && range_same(unit, l->name, name) &&
            (found == NONE || l->scope > locals->rows[found].scope)) {
            found = i;
        }
    }
    return found;
}

/* A member's name, a label, the name that a declaration gives. */
static bool is_other_name(const struct unit *unit, uint32_t at)
{
    return code_punct(unit, at - 1, PUNCT('.')) || code_punct(unit, at - 1, PUNCT2('-', '>')) ||
           code_is(unit, at - 1, "goto") || code_is(unit, at - 1, "struct") ||
           code_is(unit, at - 1, "enum") || code_is(unit, at - 1, "union");
}

/* Node of each token: nodes do not overlap, so the ranges are painted. */
static uint32_t *paint_nodes(const struct body *body)
{
    uint32_t first = body->function->body, count = body->function->body_end - first + 1;
    uint32_t *nodes = arena_array(body->arena, count, sizeof *nodes);

    for (uint32_t i = 0; nodes != NULL && i < count; i++) {
        nodes[i] = NONE;
    }
    for (uint32_t n = 1; nodes != NULL && n < body->node_count; n++) {
        for (uint32_t i = body->nodes[n].first; i < body->nodes[n].end; i++) {
            nodes[i - first] = n;
        }
    }
    return nodes;
}

struct reader {
    const struct body *body;
    struct locals *locals;
    uint32_t *nodes; /* of the tokens from the body's first on */
    uint32_t at;     /* code token */
    uint32_t left;   /* tokens of macros that are still looked at */
};

static void add_use(struct reader *r, uint32_t local, enum use_kind kind)
{
    struct locals *locals = r->locals;
    struct use *use;

    if (locals->use_count == locals->use_capacity) {
        uint32_t capacity = locals->use_capacity * 2 + 64;
        struct use *rows = arena_array(r->body->arena, capacity, sizeof *rows);

        if (rows == NULL) {
            return;
        }
        if (locals->use_count > 0) {
            memcpy(rows, locals->uses, locals->use_count * sizeof *rows);
        }
        locals->uses = rows;
        locals->use_capacity = capacity;
    }
    use = &locals->uses[locals->use_count++];
    *use = (struct use){.at = r->at,
                        .local = local,
                        .node = r->nodes[r->at - r->body->function->body],
                        .kind = (uint8_t)kind};
    locals->rows[local].address = locals->rows[local].address || kind == USE_ADDRESS;
}

/* A macro of this file names a local: it may do anything with it. */
static bool note_hidden(void *context, const struct macro_token *t)
{
    struct reader *r = context;
    uint32_t local;

    if (r->left == 0) {
        r->locals->why = "macros that are too long to be looked through";
        return false;
    }
    r->left--;
    if (t->token.kind != TOKEN_WORD || t->parameter || t->before == PUNCT('.') ||
        t->before == PUNCT2('-', '>')) {
        return true;
    }
    local = find_local(r->body->unit, r->locals, token_range(&t->token), r->at);
    if (local != NONE) {
        add_use(r, local, t->before == PUNCT('&') ? USE_ADDRESS : USE_CHANGE);
    }
    return true;
}

/* `&x` that is not merely handed to a call. */
static bool is_kept_address(const struct unit *unit, uint32_t at)
{
    uint32_t before = at - 1;

    while (before > 1 &&
           (code_punct(unit, before, PUNCT('(')) || code_punct(unit, before, PUNCT('&')))) {
        before--;
    }
    return !code_word(unit, before) && !code_punct(unit, before, PUNCT(','));
}

static void note_use(struct reader *r, uint32_t local)
{
    const struct unit *unit = r->body->unit;
    struct local *l = &r->locals->rows[local];
    enum use_kind kind = kind_of(unit, r->at, l);
    uint32_t end = behind_parts(unit, r->at + 1);
    bool sized = asks_size(unit, r->at) || (l->array && macro_asks_size(unit, r->at, end));

    keeps_irql(unit, r->at, &kind);
    if (kind == USE_READ && !l->is_const) {
        enum argument_use argument = macro_argument(unit, r->at, end);

        kind = argument == ARGUMENT_WRITTEN ? USE_CHANGE : kind;
        kind = argument == ARGUMENT_ADDRESS ? USE_ADDRESS : kind;
    }
    l->escapes = l->escapes || (kind == USE_ADDRESS && is_kept_address(unit, r->at));
    add_use(r, local, kind);
    if (r->locals->use_count > 0) {
        r->locals->uses[r->locals->use_count - 1].sized = sized;
    }
}

/* Names that are no uses: those that declarations give, and labels. */
static bool *names_given(const struct body *body, const struct locals *locals)
{
    uint32_t first = body->function->body, count = body->function->body_end - first + 1;
    bool *given = arena_array(body->arena, count, sizeof *given);

    for (uint32_t i = 0; given != NULL && i < locals->count; i++) {
        if (locals->rows[i].name_at >= first) {
            given[locals->rows[i].name_at - first] = true;
        }
    }
    for (uint32_t s = 0; given != NULL && s < body->statement_count; s++) {
        if (body->statements[s].kind == STATEMENT_LABEL) {
            given[body->statements[s].head_first - first] = true;
        }
    }
    return given;
}

bool uses_read(const struct body *body, struct locals *locals)
{
    const struct unit *unit = body->unit;
    uint32_t first = body->function->body, end = body->function->body_end;
    struct reader r = {body, locals, paint_nodes(body), 0, MACRO_TOKENS_OF_ROUTINE};
    const bool *given = names_given(body, locals);

    if (body->arena->failed) {
        return false;
    }
    for (r.at = first + 1; r.at < end && locals->why == NULL; r.at++) {
        const struct macro *macro;
        uint32_t local;

        if (!code_word(unit, r.at) || is_other_name(unit, r.at) || given[r.at - first]) {
            continue;
        }
        local = find_local(unit, locals, token_range(&unit->code[r.at]), r.at);
        macro = macro_used(unit, r.at);
        if (local != NONE) {
            note_use(&r, local);
        }
        if (macro != NULL) {
            macro_walk(unit, macro, note_hidden, &r);
        }
    }
    return locals->why == NULL && !body->arena->failed;
}

uint32_t use_at(const struct locals *locals, uint32_t token)
{
    uint32_t low = 0, high = locals->use_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (locals->uses[middle].at < token) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool node_reads(const struct body *body, const struct locals *locals, uint32_t node, uint32_t local)
{
    const struct node *n = &body->nodes[node];

    for (uint32_t i = use_at(locals, n->first);
         i < locals->use_count && locals->uses[i].at < n->end; i++) {
        if (locals->uses[i].local == local && locals->uses[i].kind != USE_WRITE) {
            return true;
        }
    }
    return false;
}

/* `a && (x = b)` may not come to the write, nor code that some compiler leaves out, nor the body of
 * a loop that a macro makes. */
static bool may_skip(const struct body *body, const struct node *n)
{
    if (body->statements[n->statement].kind == STATEMENT_OPAQUE ||
        body->unit->code[n->first].branch != body->unit->code[body->function->body].branch) {
        return true;
    }
    for (uint32_t i = n->first; i < n->end; i++) {
        uint32_t code = body->unit->code[i].code;

        if (code == PUNCT('?') || code == PUNCT2('&', '&') || code == PUNCT2('|', '|')) {
            return true;
        }
    }
    return false;
}

bool node_overwrites(const struct body *body, const struct locals *locals, uint32_t node,
                     uint32_t local)
{
    const struct node *n = &body->nodes[node];
    uint32_t at = locals->rows[local].name_at;

    if (at >= n->first && at < n->end) {
        return true; /* its declaration: there is no value before it */
    }
    for (uint32_t i = use_at(locals, n->first);
         i < locals->use_count && locals->uses[i].at < n->end; i++) {
        if (locals->uses[i].local == local && locals->uses[i].kind == USE_WRITE) {
            return !may_skip(body, n);
        }
    }
    return false;
}

void local_live(const struct body *body, const struct locals *locals, uint32_t local, bool *live,
                uint32_t *work)
{
    uint32_t count = 0;

    for (uint32_t n = 0; n < body->node_count; n++) {
        live[n] = false;
    }
    for (uint32_t i = 0; i < locals->use_count; i++) {
        const struct use *use = &locals->uses[i];

        if (use->local == local && use->kind != USE_WRITE && use->node != NONE &&
            !live[use->node]) {
            live[use->node] = true;
            work[count++] = use->node;
        }
    }
    while (count > 0) {
        uint32_t node = work[--count];

        for (uint32_t i = body->back_first[node]; i < body->back_first[node + 1]; i++) {
            uint32_t before = body->back[i];

            if (!live[before] && !node_overwrites(body, locals, before, local)) {
                live[before] = true;
                work[count++] = before;
            }
        }
    }
}
