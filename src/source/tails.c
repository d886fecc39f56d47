/* SPDX-License-Identifier: MIT */
/*
 * Code of a region that runs after a release: it stays in the caller.
 *
 * A tail is a run of statements in one block that begins behind a statement with the lock and holds
 * none itself.  What leaves it must be a jump out of the region, the end of the region, or another
 * tail that follows it.
 */
#include "source/region.h"

struct walk {
    struct work *work;
    struct region *region;
    const uint32_t *before; /* before[s]: nodes with the lock in statements before s */
};

static bool any_held(const struct walk *w, uint32_t statement)
{
    return w->before[w->work->body.statements[statement].last + 1] != w->before[statement];
}

static uint32_t line_of(const struct walk *w, uint32_t statement)
{
    return w->work->unit->code[w->work->body.statements[statement].first].line;
}

static bool add_tail(struct walk *w, uint32_t first, uint32_t last)
{
    struct region *r = w->region;

    if (r->tail_count == TAILS_MAX) {
        return region_refuse(r, line_of(w, first), "too many ways out of the region",
                             "split it by hand");
    }
    r->tails[r->tail_count++] = (struct tail){.first = first, .last = last, .flows = NONE};
    return true;
}

/* `{ }` runs nowhere: neither with the lock nor without. */
static bool is_nothing(const struct body *b, uint32_t statement)
{
    return statement == b->statements[statement].last &&
           b->statements[statement].kind == STATEMENT_COMPOUND;
}

static bool walk_children(struct walk *w, uint32_t child, uint32_t stop);

static bool walk_inside(struct walk *w, uint32_t statement)
{
    return statement == w->work->body.statements[statement].last ||
           walk_children(w, statement + 1, NONE);
}

/* The statements from `child` on, up to and with `stop`.  Recursion is as deep as
 * statements are nested. */
static bool walk_children(struct walk *w, uint32_t child, uint32_t stop)
{
    const struct body *b = &w->work->body;
    uint32_t run = NONE, run_last = NONE;
    bool held_before = false;

    for (;;) {
        uint32_t next = child == stop ? NONE : statement_next(b, child);

        if (any_held(w, child)) {
            if ((run != NONE && !add_tail(w, run, run_last)) || !walk_inside(w, child)) {
                return false;
            }
            run = NONE;
            held_before = true;
        } else if (held_before && !is_nothing(b, child)) {
            run = run == NONE ? child : run;
            run_last = child;
        }
        if (next == NONE) {
            return run == NONE || add_tail(w, run, run_last);
        }
        child = next;
    }
}

const struct tail *region_tail_of(const struct region *region, const struct body *body,
                                  uint32_t statement)
{
    for (uint32_t i = 0; i < region->tail_count; i++) {
        if (statement >= region->tails[i].first &&
            statement <= body->statements[region->tails[i].last].last) {
            return &region->tails[i];
        }
    }
    return NULL;
}

static bool in_region(const struct walk *w, uint32_t statement)
{
    return statement >= w->region->first &&
           statement <= w->work->body.statements[w->region->last].last;
}

/* The loop or switch that a break leaves. */
static uint32_t bound_to(const struct body *b, uint32_t statement)
{
    uint32_t s = b->statements[statement].parent;

    while (s != NONE && b->statements[s].kind != STATEMENT_SWITCH &&
           b->statements[s].kind != STATEMENT_WHILE && b->statements[s].kind != STATEMENT_DO &&
           b->statements[s].kind != STATEMENT_FOR) {
        s = b->statements[s].parent;
    }
    return s;
}

static void note_breaks(struct walk *w, struct tail *tail)
{
    const struct body *b = &w->work->body;

    for (uint32_t s = tail->first; s <= b->statements[tail->last].last; s++) {
        uint32_t bound = b->statements[s].kind == STATEMENT_BREAK ? bound_to(b, s) : NONE;

        if (bound == NONE || (bound >= tail->first && bound <= b->statements[tail->last].last)) {
            continue;
        }
        if (in_region(w, bound)) {
            tail->inner_break = true;
        } else {
            tail->outer_break = true;
        }
    }
    tail->kept = tail->inner_break && tail->first == tail->last &&
                 b->statements[tail->first].kind == STATEMENT_BREAK;
}

static bool unclear(struct walk *w, uint32_t statement)
{
    return region_refuse(w->region, line_of(w, statement),
                         arena_print(w->work->arena,
                                     "the code behind the release is left in more ways than one "
                                     "from line %u",
                                     line_of(w, statement)),
                         "let each branch end in one jump, or fall through");
}

/* Where a tail's nodes lead: nowhere inside of the region but to the begin of another tail. */
static bool check_ways(struct walk *w, struct tail *tail)
{
    const struct body *b = &w->work->body;
    bool passes = false;

    for (uint32_t n = 1; n < b->node_count; n++) {
        uint32_t from = b->nodes[n].statement;

        if (!w->work->reached[n] || region_tail_of(w->region, b, from) != tail) {
            continue;
        }
        for (uint32_t i = 0; i < b->nodes[n].count; i++) {
            uint32_t target = b->edges[b->nodes[n].edges + i], to = b->nodes[target].statement;
            uint8_t kind = b->statements[from].kind;
            const struct tail *other;

            if (target == NODE_EXIT || !in_region(w, to)) {
                passes = passes || (kind != STATEMENT_RETURN && kind != STATEMENT_GOTO &&
                                    kind != STATEMENT_BREAK && kind != STATEMENT_CONTINUE &&
                                    kind != STATEMENT_LEAVE);
                continue;
            }
            other = region_tail_of(w->region, b, to);
            if (other == tail) {
                continue;
            }
            if (other == NULL || other->kept || kind == STATEMENT_GOTO || tail->inner_break ||
                b->statements[other->first].kind == STATEMENT_LABEL) {
                return unclear(w, from);
            }
            tail->flows = (uint32_t)(other - w->region->tails);
            passes = true;
        }
    }
    tail->ends = !passes;
    return true;
}

/* One form of the caller's code must suit all breaks. */
static bool check_breaks(struct walk *w)
{
    bool inner = false, other = false;

    for (uint32_t i = 0; i < w->region->tail_count; i++) {
        const struct tail *t = &w->region->tails[i];

        if (!t->kept) {
            inner = inner || t->inner_break;
            other = other || t->outer_break || t->flows != NONE;
        }
    }
    return !(inner && other) || unclear(w, w->region->first);
}

static bool leads_out(const struct walk *w, uint32_t node)
{
    const struct body *b = &w->work->body;

    for (uint32_t i = 0; i < b->nodes[node].count; i++) {
        uint32_t to = b->edges[b->nodes[node].edges + i];

        if (to == NODE_EXIT || !in_region(w, b->nodes[to].statement)) {
            return true;
        }
    }
    return false;
}

static void note_ends(struct walk *w)
{
    const struct body *b = &w->work->body;

    for (uint32_t n = 1; n < b->node_count; n++) {
        const struct tail *tail = region_tail_of(w->region, b, b->nodes[n].statement);

        if (w->work->reached[n] && in_region(w, b->nodes[n].statement) &&
            (tail == NULL || tail->kept) && leads_out(w, n)) {
            w->region->falls_through = true;
        }
    }
    for (uint32_t i = 0; i < w->region->tail_count; i++) {
        w->region->exits += !w->region->tails[i].kept;
    }
}

static bool refuse_goto(struct walk *w, uint32_t statement, const char *what)
{
    uint32_t line = line_of(w, statement);

    return region_refuse(w->region, line,
                         arena_print(w->work->arena, "the goto in line %u %s", line, what),
                         "place the label outside of the code with the lock");
}

/* A goto from outside may not lead into the region, nor one of a tail into another. */
static bool check_gotos(struct walk *w)
{
    const struct body *b = &w->work->body;

    for (uint32_t s = 0; s < b->statement_count; s++) {
        const struct statement *from = &b->statements[s];
        uint32_t to;

        if (from->kind != STATEMENT_GOTO) {
            continue;
        }
        to = b->nodes[b->edges[b->nodes[from->node].edges]].statement;
        if (in_region(w, to) &&
            region_tail_of(w->region, b, to) != region_tail_of(w->region, b, s)) {
            return refuse_goto(w, s, "crosses the border of the region");
        }
        if (in_region(w, to) && !in_region(w, s)) {
            return refuse_goto(w, s, "leads into the region");
        }
    }
    return true;
}

bool region_find_tails(struct work *work, struct region *region)
{
    const struct body *b = &work->body;
    uint32_t *before = arena_array(work->arena, (size_t)b->statement_count + 2, sizeof *before);
    struct walk w = {work, region, before};

    if (before == NULL) {
        return false;
    }
    for (uint32_t n = 1; n < b->node_count; n++) {
        before[b->nodes[n].statement + 1] += region->held[n];
    }
    for (uint32_t s = 0; s < b->statement_count; s++) {
        before[s + 1] += before[s];
    }
    if (!walk_children(&w, region->first, region->last)) {
        return false;
    }
    for (uint32_t i = 0; i < region->tail_count; i++) {
        note_breaks(&w, &region->tails[i]);
    }
    for (uint32_t i = 0; i < region->tail_count; i++) {
        if (!region->tails[i].kept && !check_ways(&w, &region->tails[i])) {
            return false;
        }
    }
    note_ends(&w);
    return check_gotos(&w) && check_breaks(&w);
}
