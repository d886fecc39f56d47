/* SPDX-License-Identifier: MIT */
/*
 * What a new routine needs of its caller's variables.
 *
 *  - used nowhere else, or neither wanted before nor after: declared anew in the routine;
 *  - only read: a parameter;
 *  - written and wanted afterwards: the result, if it is the only one and there is no exit code;
 *  - else, and whenever its address is known to somebody: a pointer.
 */
#include "source/region.h"

#include <string.h>

/* Things about one local and one region. */
struct facts {
    bool used;      /* in what moves */
    bool used_else; /* anywhere else */
    bool written;   /* in what moves */
    bool part;      /* used as x.y anywhere */
    bool whole;     /* in what moves: `&x` or sizeof x, which an array parameter does not answer */
    uint32_t line;  /* of a use that moves */
};

static struct facts gather(const struct work *work, const struct region *r, uint32_t local)
{
    struct facts f = {0};

    for (uint32_t i = 0; i < work->locals.use_count; i++) {
        const struct use *use = &work->locals.uses[i];

        if (use->local != local) {
            continue;
        }
        f.part = f.part || code_punct(work->unit, use->at + 1, PUNCT('.'));
        if (!region_moves(work, r, use->at)) {
            f.used_else = true;
            continue;
        }
        f.used = true;
        f.line = work->unit->code[use->at].line;
        f.written = f.written || use->kind != USE_READ;
        f.whole = f.whole || use->sized ||
                  (use->kind == USE_ADDRESS && !code_punct(work->unit, use->at + 1, PUNCT('[')));
    }
    return f;
}

static bool node_moves(const struct work *work, const struct region *r, uint32_t node)
{
    return work->body.nodes[node].end > work->body.nodes[node].first
               ? region_moves(work, r, work->body.nodes[node].first)
               : r->held[node];
}

/* Put the nodes behind `n` that move into the queue; false: one of its ways leaves what moves. */
static bool queue_next(struct work *work, const struct region *r, uint32_t n, bool *seen,
                       uint32_t *count)
{
    const struct node *node = &work->body.nodes[n];
    bool stays = true;

    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t to = work->body.edges[node->edges + i];

        if (!node_moves(work, r, to)) {
            stays = false;
        } else if (!seen[to]) {
            seen[to] = true;
            work->queue[(*count)++] = to;
        }
    }
    return stays;
}

/* The value that a local has before the region can come, along what moves, to a read of it (`out`
 * false) or to the end of the region (true). */
static bool value_reaches(struct work *work, const struct region *r, uint32_t local, bool *seen,
                          bool out)
{
    const struct body *b = &work->body;
    uint32_t count = 0;

    memset(seen, 0, b->node_count * sizeof *seen);
    seen[r->acquire->node] = true;
    work->queue[count++] = r->acquire->node;
    while (count > 0) {
        uint32_t n = work->queue[--count];

        if (!out && node_reads(b, &work->locals, n, local)) {
            return true;
        }
        if (!node_overwrites(b, &work->locals, n, local) && !queue_next(work, r, n, seen, &count) &&
            out) {
            return true;
        }
    }
    return false;
}

/* Somebody behind the region reads what it leaves in the local. */
static bool wanted_after(struct work *work, const struct region *r, uint32_t local, bool *live)
{
    const struct body *b = &work->body;

    local_live(b, &work->locals, local, live, work->queue);
    for (uint32_t n = 1; n < b->node_count; n++) {
        if (!work->reached[n] || !node_moves(work, r, n)) {
            continue;
        }
        for (uint32_t i = 0; i < b->nodes[n].count; i++) {
            uint32_t to = b->edges[b->nodes[n].edges + i];

            if (live[to] && !node_moves(work, r, to)) {
                return true;
            }
        }
        if (b->nodes[n].handler != NONE && live[b->nodes[n].handler]) {
            return true;
        }
    }
    return false;
}

/* It has a value when the region begins, as far as one sees: passing that on is no read of nothing.
 */
static bool has_value_before(const struct work *work, const struct region *r, uint32_t local)
{
    const struct local *l = &work->locals.rows[local];

    for (uint32_t i = 0; i < work->locals.use_count; i++) {
        const struct use *use = &work->locals.uses[i];

        if (use->local == local && use->kind == USE_WRITE &&
            use->at < region_token_first(work, r)) {
            return true;
        }
    }
    return l->parameter || l->value < l->value_end;
}

static bool is_keeper(const struct work *work, const struct region *r, uint32_t local)
{
    for (uint32_t i = 0; i < work->call_count; i++) {
        if (work->calls[i].keeper == local && region_moves(work, r, work->calls[i].at)) {
            return true;
        }
    }
    return false;
}

static bool refuse_local(struct work *work, struct region *r, const struct local *l, uint32_t line,
                         const char *what, const char *hint)
{
    return region_refuse(r, line,
                         arena_print(work->arena, "%.*s %s", (int)range_length(l->name),
                                     work->unit->text + l->name.begin, what),
                         hint);
}

static bool add(struct region *r, uint32_t local, enum capture_kind kind, bool value_too)
{
    r->captures[r->capture_count++] = (struct capture){local, kind, value_too};
    return true;
}

/* Declared in what moves: then it must be used there only, and nobody may hold its address when
 * the new routine returns. */
static bool capture_own(struct work *work, struct region *r, uint32_t local, const struct facts *f)
{
    const struct local *l = &work->locals.rows[local];
    uint32_t line = work->unit->code[l->name_at].line;

    if (l->escapes && l->statement != NONE &&
        work->body.statements[l->statement].parent == r->block) {
        return refuse_local(work, r, l, line,
                            "is declared between acquire and release, and its address is kept",
                            "declare it before the lock is taken");
    }
    return !f->used_else ||
           refuse_local(work, r, l, line,
                        "is declared between acquire and release and used after the release",
                        "declare it before the lock is taken");
}

/* `struct x {` in the routine. */
static bool declares_tag(const struct work *work, struct range name)
{
    const struct unit *unit = work->unit;

    for (uint32_t i = work->function->body + 1; i + 1 < work->function->body_end; i++) {
        if (code_punct(unit, i + 1, PUNCT('{')) && code_word(unit, i) &&
            range_same(unit, name, token_range(&unit->code[i])) &&
            (code_is(unit, i - 1, "struct") || code_is(unit, i - 1, "union") ||
             code_is(unit, i - 1, "enum"))) {
            return true;
        }
    }
    return false;
}

/* A type, or the size of an array, that only the routine itself knows. */
static bool has_type_of_its_own(const struct work *work, const struct local *l)
{
    for (uint32_t i = l->specifiers; i < l->declarator_end; i++) {
        uint32_t use;

        i = i == l->specifiers_end && l->declarator > i ? l->declarator : i;
        use = i != l->name_at ? use_at(&work->locals, i) : NONE;
        if ((use < work->locals.use_count && work->locals.uses[use].at == i) ||
            ((code_is(work->unit, i, "struct") || code_is(work->unit, i, "union") ||
              code_is(work->unit, i, "enum")) &&
             declares_tag(work, token_range(&work->unit->code[i + 1])))) {
            return true;
        }
    }
    return false;
}

/* The branches that the declaration is in are around the region, too. */
static bool is_always_declared(const struct work *work, const struct region *r,
                               const struct local *l)
{
    uint32_t branch = work->unit->code[region_token_first(work, r)].branch;
    uint32_t declared = work->unit->code[l->name_at].branch;

    while (branch != declared && branch != 0) {
        branch = work->unit->branches[branch].parent;
    }
    return branch == declared;
}

static bool check_local(struct work *work, struct region *r, const struct local *l,
                        const struct facts *f)
{
    if (l->is_static) {
        return refuse_local(work, r, l, f->line, "is a static local",
                            "make it static at file scope");
    }
    if (!is_always_declared(work, r, l)) {
        return refuse_local(work, r, l, f->line, "is declared under a condition of the compiler",
                            "declare it without #if");
    }
    if (l->is_type) {
        return refuse_local(work, r, l, f->line, "is declared by the routine itself",
                            "declare the type at file scope");
    }
    if (has_type_of_its_own(work, l)) {
        return refuse_local(work, r, l, f->line,
                            "has a type or size that the routine itself declares",
                            "declare the type at file scope, the size as a constant");
    }
    if (l->own_type) {
        return refuse_local(work, r, l, f->line, "has a type that the routine itself declares",
                            "declare the type at file scope");
    }
    if (l->array && f->whole && !l->parameter &&
        (l->function_pointer || code_punct(work->unit, l->name_at + 2, PUNCT(']')))) {
        return refuse_local(work, r, l, f->line,
                            "is an array whose size or address is asked for with the lock held",
                            "put the size into a variable or a constant");
    }
    if (l->function_pointer && l->address) {
        return refuse_local(work, r, l, f->line, "is a pointer to a routine whose address is taken",
                            "give its type a name");
    }
    return true;
}

static bool has_handler(const struct work *work, const struct region *r)
{
    return work->body.nodes[r->acquire->node].handler != NONE;
}

/* A variable that the region writes and that the code after it wants: a result, if it can be. */
static bool capture_written(struct work *work, struct region *r, uint32_t local, bool needed,
                            bool *flags)
{
    bool passes;

    if (has_handler(work, r)) { /* which sees what was written before the exception */
        return add(r, local, CAPTURE_POINTER, false);
    }
    passes = value_reaches(work, r, local, flags, true);
    if (passes && !needed && !has_value_before(work, r, local)) {
        return add(r, local, CAPTURE_POINTER, false); /* written on some paths only */
    }
    return add(r, local, CAPTURE_RESULT, needed || passes);
}

static bool capture_local(struct work *work, struct region *r, uint32_t local, bool *flags)
{
    const struct local *l = &work->locals.rows[local];
    struct facts f = gather(work, r, local);
    bool needed, wanted, kept;

    if (region_moves(work, r, l->name_at)) {
        return capture_own(work, r, local, &f);
    }
    if (!f.used) {
        return true;
    }
    if (!check_local(work, r, l, &f)) {
        return false;
    }
    needed = value_reaches(work, r, local, flags, false);
    wanted = f.written && wanted_after(work, r, local, flags);
    kept = is_keeper(work, r, local);
    if (kept && (needed || wanted)) {
        return refuse_local(work, r, l, f.line,
                            needed ? "holds an IRQL or a lock from before the acquire"
                                   : "is the saved IRQL, and is used after the region",
                            "give each lock a variable of its own");
    }
    if (!l->parameter && !needed && !wanted && !l->escapes &&
        !(l->address && f.used_else && !kept)) {
        return add(r, local, CAPTURE_LOCAL, false);
    }
    if (l->array || (l->function_pointer && !wanted)) {
        return add(r, local, l->array && f.whole && !l->parameter ? CAPTURE_POINTER : CAPTURE_VALUE,
                   false);
    }
    if (l->address || l->is_volatile || (f.written && f.part)) {
        return l->function_pointer
                   ? refuse_local(work, r, l, f.line, "is written with the lock held",
                                  "give its type a name")
                   : add(r, local, CAPTURE_POINTER, false);
    }
    if (!wanted) {
        return add(r, local, CAPTURE_VALUE, false);
    }
    if (l->function_pointer) {
        return refuse_local(work, r, l, f.line, "is written with the lock held",
                            "give its type a name");
    }
    return capture_written(work, r, local, needed, flags);
}

/* One result at most, and none beside an exit code. */
static void settle_results(struct region *r)
{
    uint32_t results = 0;

    for (uint32_t i = 0; i < r->capture_count; i++) {
        results += r->captures[i].kind == CAPTURE_RESULT;
    }
    for (uint32_t i = 0; i < r->capture_count; i++) {
        struct capture *c = &r->captures[i];

        if (c->kind == CAPTURE_RESULT && (results > 1 || r->exits > 0)) {
            c->kind = CAPTURE_POINTER;
        }
    }
}

/* DECLARE_X(name, ...) declares what no parser sees. */
static bool check_hidden_names(struct work *work, struct region *r)
{
    const struct unit *unit = work->unit;

    for (uint32_t s = 0; s < work->body.statement_count; s++) {
        const struct statement *at = &work->body.statements[s];
        struct range name;

        if (at->kind != STATEMENT_EXPRESSION || region_moves(work, r, at->first) ||
            !range_begins(unit, token_range(&unit->code[at->first]), "DECLARE_") ||
            !code_word(unit, at->first + 2)) {
            continue;
        }
        name = token_range(&unit->code[at->first + 2]);
        for (uint32_t i = region_token_first(work, r); i < region_token_end(work, r); i++) {
            if (code_word(unit, i) && range_same(unit, name, token_range(&unit->code[i])) &&
                region_moves(work, r, i)) {
                return region_refuse(r, unit->code[i].line,
                                     "a variable that a macro declares is used in the region",
                                     "declare it without the macro");
            }
        }
    }
    return true;
}

bool region_capture(struct work *work, struct region *region)
{
    bool *flags = arena_array(work->arena, work->body.node_count, sizeof *flags);

    region->captures =
        arena_array(work->arena, (size_t)work->locals.count + 1, sizeof *region->captures);
    if (work->arena->failed || !check_hidden_names(work, region)) {
        return false;
    }
    for (uint32_t i = 0; i < work->locals.count; i++) {
        if (!capture_local(work, region, i, flags)) {
            return false;
        }
    }
    settle_results(region);
    return true;
}
