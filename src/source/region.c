/* SPDX-License-Identifier: MIT */
/*
 * Which statements run with a lock held; see region.h.
 *
 * From the acquire along every way, up to the releases.  To be moved, these statements must be
 * reached through the acquire only, every way out must pass a release, and they must lie in the
 * block of the acquire.
 */
#include "source/region.h"

#include <string.h>

bool region_refuse(struct region *region, uint32_t line, const char *why, const char *hint)
{
    if (region->why == NULL) {
        region->why = why;
        region->hint = hint;
        region->why_line = line;
    }
    return false;
}

/* Text of code tokens without what lies between. */
static const char *squeeze(const struct work *work, const char *prefix, uint32_t first,
                           uint32_t end)
{
    struct text text = {0};
    const char *copy;

    text_put(&text, prefix);
    for (uint32_t i = first; i < end; i++) {
        const struct token *t = &work->unit->code[i];

        text_add(&text, work->unit->text + t->begin, t->end - t->begin);
    }
    if (text.failed) {
        work->arena->failed = true;
    }
    copy = text.length > 0 ? arena_copy(work->arena, text.bytes, text.length) : "";
    text_free(&text);
    return copy;
}

/* The local that tokens [first, end) are, with nothing around it. */
static uint32_t single_local(const struct work *work, uint32_t first, uint32_t end)
{
    uint32_t use = use_at(&work->locals, first);

    if (end != first + 1) {
        return NONE;
    }
    if (use < work->locals.use_count && work->locals.uses[use].at == first) {
        return work->locals.uses[use].local;
    }
    for (uint32_t i = 0; i < work->locals.count; i++) {
        if (work->locals.rows[i].name_at == first) {
            return i; /* KIRQL irql = KeRaiseIrqlToDpcLevel(); */
        }
    }
    return NONE;
}

static void keep_in(struct work *work, struct lock_call *call, uint32_t first, uint32_t end,
                    bool pointer)
{
    const char *prefix = "";

    strip_parentheses(work->unit, &first, &end);
    if (pointer && first < end && code_punct(work->unit, first, PUNCT('&'))) {
        first++;
        strip_parentheses(work->unit, &first, &end);
    } else if (pointer) {
        prefix = "*";
    }
    call->key = squeeze(work, prefix, first, end);
    call->keeper = *prefix == '\0' ? single_local(work, first, end) : NONE;
}

/* The local that `&x` is the address of. */
static uint32_t object_kept(const struct work *work, uint32_t first, uint32_t end)
{
    strip_parentheses(work->unit, &first, &end);
    if (first == end || !code_punct(work->unit, first, PUNCT('&'))) {
        return NONE;
    }
    first++;
    strip_parentheses(work->unit, &first, &end);
    return single_local(work, first, end);
}

/* `X = f(...)`: the tokens of X, before the call's name at `at`. */
static void keep_result(struct work *work, struct lock_call *call, const struct statement *s)
{
    uint32_t end = call->at - 1;

    if (call->at > s->first && code_punct(work->unit, end, PUNCT('='))) {
        uint32_t first = s->first;

        if (s->kind == STATEMENT_DECLARATION) {
            first = end - 1;
        }
        keep_in(work, call, first, end, false);
    }
}

static void read_call(struct work *work, const struct node *node, uint32_t index, uint32_t at,
                      const struct call_row *row)
{
    const struct unit *unit = work->unit;
    const struct statement *s = &work->body.statements[node->statement];
    struct lock_call *call = &work->calls[work->call_count++];
    uint32_t first, end, begin = at;
    bool there = call_argument(unit, at + 1, row->keeper, &first, &end);

    *call = (struct lock_call){.row = row, .at = at, .node = index, .key = "", .keeper = NONE};
    if (row->where == KEEPER_RESULT) {
        keep_result(work, call, s);
        begin = s->first;
    } else if (there) {
        keep_in(work, call, first, end, row->where == KEEPER_POINTER);
        if (row->where == KEEPER_OBJECT) { /* a lone name is a pointer, and keeps nothing itself */
            call->keeper = object_kept(work, first, end);
        }
    }
    while (begin > s->first && code_punct(unit, begin - 1, PUNCT(')')) &&
           unit->match[begin - 1] != NONE) {
        begin = unit->match[begin - 1]; /* (VOID) */
    }
    call->alone = (s->kind == STATEMENT_EXPRESSION || s->kind == STATEMENT_DECLARATION) &&
                  begin == s->first && unit->match[at + 1] + 2 == s->end;
}

/* KeRaiseIrql(APC_LEVEL, ...) leaves the IRQL where page faults are served. */
static bool is_harmless(const struct unit *unit, const struct call_row *row, uint32_t open)
{
    uint32_t first, end;

    return row->raises && row->kind == CALL_ACQUIRE && call_argument(unit, open, 0, &first, &end) &&
           end == first + 1 &&
           (code_is(unit, first, "APC_LEVEL") || code_is(unit, first, "PASSIVE_LEVEL"));
}

static void read_calls(struct work *work)
{
    const struct body *b = &work->body;

    for (uint32_t n = 1; n < b->node_count; n++) {
        for (uint32_t i = b->nodes[n].first; i < b->nodes[n].end; i++) {
            const struct call_row *row;

            if (!code_word(work->unit, i) || !code_punct(work->unit, i + 1, PUNCT('(')) ||
                work->unit->match[i + 1] == NONE) {
                continue;
            }
            row = call_named(work->unit, token_range(&work->unit->code[i]));
            if (row != NULL && row->kind != CALL_WAIT_TRUE &&
                !is_harmless(work->unit, row, i + 1)) {
                read_call(work, &b->nodes[n], n, i, row);
            }
        }
    }
}

static void read_reached(struct work *work)
{
    const struct body *b = &work->body;
    uint32_t count = 0;

    work->reached[b->entry] = true;
    work->queue[count++] = b->entry;
    while (count > 0) {
        const struct node *node = &b->nodes[work->queue[--count]];

        for (uint32_t i = 0; i < node->count + (node->handler != NONE); i++) {
            uint32_t to = i < node->count ? b->edges[node->edges + i] : node->handler;

            if (!work->reached[to]) {
                work->reached[to] = true;
                work->queue[count++] = to;
            }
        }
    }
}

bool work_read(const struct unit *unit, const struct function *function, struct arena *arena,
               struct work *out)
{
    uint32_t tokens = function->body_end - function->body;

    *out = (struct work){.unit = unit, .function = function, .arena = arena};
    if (!body_read(unit, function, arena, &out->body)) {
        return false;
    }
    if (!locals_read(&out->body, &out->locals)) {
        out->body.why = out->locals.why;
        out->body.why_line = function->line;
        return false;
    }
    out->calls = arena_array(arena, (size_t)tokens / 3 + 1, sizeof *out->calls);
    out->reached = arena_array(arena, out->body.node_count, sizeof *out->reached);
    out->queue = arena_array(arena, (size_t)out->body.node_count + 1, sizeof *out->queue);
    if (arena->failed) {
        return false;
    }
    read_calls(out);
    read_reached(out);
    return !arena->failed;
}

/* Does this node give back what `acquire` saved? */
static const struct lock_call *release_in(const struct work *work, uint32_t node,
                                          const struct lock_call *acquire)
{
    for (uint32_t i = 0; i < work->call_count; i++) {
        const struct lock_call *call = &work->calls[i];

        if (call->node == node && call->row->kind == CALL_RELEASE && acquire->key[0] != '\0' &&
            (call->row->where == KEEPER_OBJECT) == (acquire->row->where == KEEPER_OBJECT) &&
            strcmp(call->key, acquire->key) == 0) {
            return call;
        }
    }
    return NULL;
}

static uint32_t line_of(const struct work *work, uint32_t node)
{
    return work->unit->code[work->body.nodes[node].first].line;
}

/* held[n] for every node between the acquire and its releases, these too.  False with the node from
 * which the routine ends, or from which the acquire is reached again, in *bad. */
static bool spread(const struct work *work, const struct lock_call *acquire, bool *held,
                   uint32_t *bad)
{
    const struct body *b = &work->body;
    uint32_t count = 0;

    work->queue[count++] = acquire->node;
    while (count > 0) {
        uint32_t n = work->queue[--count];
        const struct node *node = &b->nodes[n];

        if (n != acquire->node && release_in(work, n, acquire) != NULL) {
            continue;
        }
        for (uint32_t i = 0; i < node->count; i++) {
            uint32_t to = b->edges[node->edges + i];

            if (to == NODE_EXIT || to == acquire->node) {
                *bad = n;
                return false;
            }
            if (!held[to]) {
                held[to] = true;
                work->queue[count++] = to;
            }
        }
    }
    held[acquire->node] = true;
    return true;
}

static bool find_held(struct work *work, struct region *r)
{
    uint32_t bad = 0;

    if (spread(work, r->acquire, r->held, &bad)) {
        return true;
    }
    return region_refuse(r, line_of(work, bad),
                         arena_print(work->arena,
                                     "the lock is still held on a path through line %u",
                                     line_of(work, bad)),
                         "release it in the routine that acquires it, on every path");
}

/* Everything that runs with the lock is reached with the lock. */
static bool check_entries(struct work *work, struct region *r)
{
    const struct body *b = &work->body;

    for (uint32_t n = 1; n < b->node_count; n++) {
        if (!r->held[n] || n == r->acquire->node) {
            continue;
        }
        for (uint32_t i = b->back_first[n]; i < b->back_first[n + 1]; i++) {
            uint32_t from = b->back[i];

            if (!work->reached[from] ||
                (r->held[from] &&
                 (from == r->acquire->node || release_in(work, from, r->acquire) == NULL))) {
                continue;
            }
            return region_refuse(
                r, line_of(work, n),
                arena_print(work->arena,
                            "line %u is reached with the lock and, by a label, loop or "
                            "condition, without it",
                            line_of(work, n)),
                "let the code with the lock have one way in, its acquire");
        }
    }
    return true;
}

/* Other locks that are taken in the region are given back in it. */
static bool check_nesting(struct work *work, struct region *r)
{
    const struct body *b = &work->body;
    bool *held = arena_array(work->arena, b->node_count, sizeof *held);

    for (uint32_t i = 0; held != NULL && i < work->call_count; i++) {
        const struct lock_call *call = &work->calls[i];
        uint32_t bad = 0;

        if (!r->held[call->node] || call->node == r->acquire->node) {
            continue;
        }
        if (!call->alone) {
            return region_refuse(
                r, line_of(work, call->node),
                arena_print(work->arena, "%s is part of a larger expression", call->row->name),
                "make the call a statement of its own");
        }
        if (call->row->kind != CALL_ACQUIRE) {
            continue;
        }
        memset(held, 0, b->node_count * sizeof *held);
        if (!spread(work, call, held, &bad)) {
            return region_refuse(r, line_of(work, call->node),
                                 "a second lock is still held when the first is released",
                                 "release locks in the opposite order");
        }
        for (uint32_t n = 0; n < b->node_count; n++) {
            if (held[n] && !r->held[n]) {
                return region_refuse(r, line_of(work, call->node),
                                     "a second lock is still held when the first is released",
                                     "release locks in the opposite order");
            }
        }
    }
    return held != NULL;
}

/* The statement of `block` that a statement is in; NONE. */
static uint32_t child_of(const struct body *b, uint32_t block, uint32_t statement)
{
    while (statement != NONE && b->statements[statement].parent != block) {
        statement = b->statements[statement].parent;
    }
    return statement;
}

static bool find_range(struct work *work, struct region *r)
{
    const struct body *b = &work->body;

    r->first = b->nodes[r->acquire->node].statement;
    r->last = r->first;
    r->block = b->statements[r->first].parent;
    if (r->block == NONE || b->statements[r->block].kind != STATEMENT_COMPOUND) {
        return region_refuse(r, line_of(work, r->acquire->node),
                             "the acquire depends on a condition or stands behind a label",
                             "give the code with the lock a block of its own");
    }
    for (uint32_t n = 1; n < b->node_count; n++) {
        uint32_t child = r->held[n] ? child_of(b, r->block, b->nodes[n].statement) : r->first;

        if (child == NONE || child < r->first) {
            return region_refuse(r, line_of(work, n),
                                 "the lock is released outside of the block that acquires it",
                                 "acquire and release it in the same block");
        }
        r->last = child > r->last ? child : r->last;
    }
    r->line_begin = work->unit->code[b->statements[r->first].first].line;
    r->line_end = work->unit->code[b->statements[r->last].end - 1].line;
    return true;
}

bool region_moves(const struct work *work, const struct region *region, uint32_t token)
{
    if (token < region_token_first(work, region) || token >= region_token_end(work, region)) {
        return false;
    }
    for (uint32_t i = 0; i < region->tail_count; i++) {
        const struct tail *t = &region->tails[i];

        if (!t->kept && token >= work->body.statements[t->first].first &&
            token < work->body.statements[t->last].end) {
            return false;
        }
    }
    return true;
}

const struct capture *region_result(const struct region *region)
{
    for (uint32_t i = 0; i < region->capture_count; i++) {
        if (region->captures[i].kind == CAPTURE_RESULT) {
            return &region->captures[i];
        }
    }
    return NULL;
}

void region_read(struct work *work, const struct lock_call *acquire, struct region *out)
{
    uint32_t line = line_of(work, acquire->node);

    *out = (struct region){.acquire = acquire, .line_begin = line, .line_end = line};
    out->held = arena_array(work->arena, work->body.node_count, sizeof *out->held);
    if (out->held == NULL) {
        return;
    }
    if (!acquire->alone) {
        region_refuse(
            out, line,
            arena_print(work->arena, "%s is part of a larger expression", acquire->row->name),
            "make the call a statement of its own");
        return;
    }
    if (find_held(work, out) && check_entries(work, out) && find_range(work, out) &&
        check_nesting(work, out) && region_find_tails(work, out) && region_check_text(work, out)) {
        region_capture(work, out);
    }
}
