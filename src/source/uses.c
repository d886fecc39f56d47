/* SPDX-License-Identifier: MIT */
/*
 * Each place in a routine that names a local, what it does to it, and where its value is still
 * wanted.
 *
 * In doubt a use reads and does not overwrite: the value is then carried along although nobody
 * wants it, which is never wrong.
 */
#include "source/locals.h"

#include "source/calls.h"

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

static bool is_assignment(uint32_t code)
{
    switch (code) {
    case PUNCT2('+', '='):
    case PUNCT2('-', '='):
    case PUNCT2('*', '='):
    case PUNCT2('/', '='):
    case PUNCT2('%', '='):
    case PUNCT2('&', '='):
    case PUNCT2('|', '='):
    case PUNCT2('^', '='):
    case PUNCT3('<', '<', '='):
    case PUNCT3('>', '>', '='):
    case PUNCT2('+', '+'):
    case PUNCT2('-', '-'):
        return true;
    default:
        return false;
    }
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

        if (before == PUNCT('&') || behind == PUNCT('=') || is_assignment(behind) ||
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
    return is_assignment(next) || before == PUNCT2('+', '+') || before == PUNCT2('-', '-')
               ? USE_CHANGE
               : USE_READ;
}

/* `&irql` of an acquire is where it puts the IRQL, not an address that is kept: USE_WRITE; the
 * queue handle of a release is read. */
static bool keeps_irql(const struct unit *unit, uint32_t at, enum use_kind *kind)
{
    uint32_t open = at - 1, first, end;
    const struct call_row *row;

    if (open < 2 || !code_punct(unit, at - 1, PUNCT('&'))) {
        return false;
    }
    open = at - 2; /* the '(' or ',' before the '&' */
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
        row->kind == CALL_WAIT_TRUE || !call_argument(unit, open, row->keeper, &first, &end) ||
        first + 2 != end || first + 1 != at) {
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
static uint32_t find_local(const struct unit *unit, const struct locals *locals, uint32_t at)
{
    struct range name = token_range(&unit->code[at]);
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

bool uses_read(const struct body *body, struct locals *locals)
{
    const struct unit *unit = body->unit;
    uint32_t first = body->function->body, end = body->function->body_end;
    uint32_t *nodes = paint_nodes(body);

    locals->uses = arena_array(body->arena, end - first + 1, sizeof *locals->uses);
    if (body->arena->failed) {
        return false;
    }
    for (uint32_t i = first + 1; i < end; i++) {
        struct use use = {.at = i, .node = nodes[i - first]};
        enum use_kind kind;

        if (!code_word(unit, i) || is_other_name(unit, i)) {
            continue;
        }
        use.local = find_local(unit, locals, i);
        if (use.local == NONE) {
            continue;
        }
        kind = kind_of(unit, i, &locals->rows[use.local]);
        keeps_irql(unit, i, &kind);
        use.kind = (uint8_t)kind;
        use.sized = asks_size(unit, i);
        locals->rows[use.local].address = locals->rows[use.local].address || kind == USE_ADDRESS;
        locals->uses[locals->use_count++] = use;
    }
    return true;
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

/* `a && (x = b)` may not come to the write. */
static bool may_skip(const struct body *body, const struct node *n)
{
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
