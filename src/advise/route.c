/* SPDX-License-Identifier: MIT */
/*
 * The way through one function to an instruction at a class of IRQL.
 *
 * Points are the starts of blocks and the places after sites; a node is a point at a class.  From a
 * point the way goes to the next site of the block and past it, at a class that it can return at,
 * or from the end of the block to its successors.  Breadth first, so the way has the fewest sites
 * and blocks.
 */
#include "advise/witness.h"

#include <string.h>

#include "base/host.h"

struct search {
    const struct infer *infer;
    const struct function *f;
    const struct summary *s;
    unsigned entered;
    uint32_t micro; /* to be reached */
    irql_set at;
    uint32_t *parents; /* of each node: node + 1; 0: not reached */
    uint32_t *queue;
    uint32_t first, count;
};

void route_add(struct route *route, const struct infer_step *step)
{
    if (route->count == route->room) {
        memmove(route->steps, route->steps + 1, (route->room - 1) * sizeof *step);
        route->count--;
    }
    route->steps[route->count++] = *step;
}

uint32_t function_start(const struct infer *infer, uint32_t function)
{
    return infer->program->blocks[infer->program->functions[function].first_block].first_micro;
}

/* ---- points ---- */

static uint32_t node_of(uint32_t point, unsigned class)
{
    return point * IRQL_CLASSES + class;
}

static const struct infer_site *site_of(const struct search *search, uint32_t point)
{
    return &search->infer->sites[search->s->first_site + point - search->f->block_count];
}

/* Where a point is: the first instruction after it. */
static uint32_t micro_of(const struct search *search, uint32_t point)
{
    if (point < search->f->block_count) {
        return search->infer->program->blocks[search->f->first_block + point].first_micro;
    }
    return site_of(search, point)->micro + 1;
}

/* The block that an instruction of the function is in. */
static uint32_t block_of(const struct search *search, uint32_t micro)
{
    uint32_t low = 0, high = search->f->block_count;
    const struct block *blocks = &search->infer->program->blocks[search->f->first_block];

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (blocks[middle].first_micro <= micro) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- what a site does ---- */

/* Classes after a site that is reached at a class. */
static irql_set after_site(const struct search *search, const struct infer_site *site,
                           unsigned class)
{
    irql_set any = IRQL_ROW(site->after, search->entered), set = 0;
    const struct program *program = search->infer->program;
    const struct contract *contract;
    const struct call *call;

    if (site->call == NO_INDEX) {
        return any;
    }
    call = &program->calls[site->call];
    if (call->target == CALL_FUNCTION) {
        const struct summary *callee = &search->infer->summaries[call->index];

        if (callee->touches_irql) { /* what it restores is for this call to know */
            return any & (IRQL_ROW(callee->returns, class) | (callee->vague != 0 ? any : 0));
        }
        return any & IRQL_BIT(class);
    }
    contract = program_contract(program, call->target, call->index);
    if (contract == NULL) {
        return any & IRQL_BIT(class);
    }
    for (unsigned i = 0; i < contract->case_count; i++) {
        const struct contract_case *c = &contract->cases[i];

        if (!(site->cases >> i & 1)) {
            continue;
        }
        if (c->effect == EFFECT_SET) {
            set |= IRQL_BIT(c->level);
        } else if (c->effect == EFFECT_SAME) {
            set |= IRQL_BIT(class);
        } else {
            set |= any;
        }
    }
    return any & set;
}

/* ---- the search ---- */

static void reach(struct search *search, uint32_t node, uint32_t from)
{
    if (search->parents[node] != 0) {
        return;
    }
    search->parents[node] = from + 1;
    search->queue[search->count++] = node;
}

/* From one node on; true when the place is before anything else. */
static bool expand(struct search *search, uint32_t node)
{
    const struct program *program = search->infer->program;
    uint32_t point = node / IRQL_CLASSES, start = micro_of(search, point);
    unsigned class = node % IRQL_CLASSES;
    uint32_t block = point < search->f->block_count ? point : block_of(search, start - 1);
    const struct block *b = &program->blocks[search->f->first_block + block];
    uint32_t end = b->first_micro + b->micro_count;
    uint32_t site = infer_first_site(search->infer, search->s, start) - search->s->first_site;
    const struct infer_site *next = NULL;

    if (site < search->s->site_count) {
        next = &search->infer->sites[search->s->first_site + site];
    }
    if (next != NULL && next->micro >= end) {
        next = NULL;
    }
    if (search->micro >= start && search->micro < end &&
        (next == NULL || search->micro <= next->micro) && (search->at & IRQL_BIT(class)) != 0) {
        return true;
    }
    if (next != NULL) {
        irql_set after = 0;

        if ((IRQL_ROW(next->before, search->entered) & IRQL_BIT(class)) != 0) {
            after = after_site(search, next, class);
        }
        for (unsigned to = 0; to < IRQL_CLASSES; to++) {
            if (after & IRQL_BIT(to)) {
                reach(search, node_of(search->f->block_count + site, to), node);
            }
        }
        return false;
    }
    for (uint32_t i = 0; i < b->successor_count; i++) {
        reach(search,
              node_of(program->successors[b->first_successor + i] - search->f->first_block, class),
              node);
    }
    return false;
}

static uint32_t find(struct search *search)
{
    reach(search, node_of(0, search->entered), node_of(0, search->entered));
    while (search->first < search->count) {
        uint32_t node = search->queue[search->first++];

        if (expand(search, node)) {
            return node;
        }
    }
    return NO_INDEX;
}

/* ---- telling it ---- */

/* A conditional branch that was taken to this block, or not: the last instruction of `from`. */
static bool is_branch(const struct search *search, uint32_t from, uint32_t *micro)
{
    uint32_t block =
        from < search->f->block_count ? from : block_of(search, micro_of(search, from) - 1);
    const struct block *b = &search->infer->program->blocks[search->f->first_block + block];

    *micro = b->first_micro + b->micro_count - 1;
    return b->successor_count > 1;
}

static void tell(const struct search *search, struct route *route, uint32_t node, uint32_t from,
                 bool branches)
{
    uint32_t point = node / IRQL_CLASSES;
    unsigned class = node % IRQL_CLASSES, before = from % IRQL_CLASSES;
    struct infer_step step = {
        .function = (uint32_t)(search->f - search->infer->program->functions),
        .irql = (uint8_t) class,
        .call = NO_INDEX,
    };

    if (point < search->f->block_count) {
        if (!branches || !is_branch(search, from / IRQL_CLASSES, &step.micro)) {
            return;
        }
        step.what = STEP_BRANCHES;
    } else {
        if (class == before) {
            return;
        }
        step.micro = site_of(search, point)->micro;
        step.call = site_of(search, point)->call;
        step.what = class > before ? STEP_RAISES : STEP_LOWERS;
    }
    route_add(route, &step);
}

/* Turn the parents around: afterwards each node of the way says what comes next. */
static void turn(struct search *search, uint32_t last)
{
    uint32_t next = last, node = last, start = node_of(0, search->entered);

    for (;;) {
        uint32_t parent = search->parents[node] - 1;

        search->parents[node] = next + 1;
        if (node == start) {
            return;
        }
        next = node;
        node = parent;
    }
}

pg_status route_find(const struct infer *infer, struct route *route, uint32_t function,
                     unsigned entered, uint32_t micro, irql_set at, uint32_t call, bool *found)
{
    struct search search = {
        .infer = infer,
        .f = &infer->program->functions[function],
        .s = &infer->summaries[function],
        .entered = entered,
        .micro = micro,
        .at = at,
    };
    size_t nodes = ((size_t)search.f->block_count + search.s->site_count) * IRQL_CLASSES;
    uint32_t last = NO_INDEX;
    bool no_memory;

    search.parents = host.allocate(nodes * sizeof search.parents[0]);
    search.queue = host.allocate(nodes * sizeof search.queue[0]);
    no_memory = search.parents == NULL || search.queue == NULL;
    if (!no_memory) {
        last = find(&search);
    }
    if (last != NO_INDEX) {
        const struct infer_site *site = infer_site_at(infer, function, micro);
        irql_set row = site == NULL ? at : IRQL_ROW(site->before, entered);
        bool branches = (row & ~at) != 0; /* other ways are at other classes there */

        turn(&search, last);
        for (uint32_t node = node_of(0, entered); node != last;) {
            uint32_t next = search.parents[node] - 1;

            tell(&search, route, next, node, branches);
            node = next;
        }
        route_add(route, &(struct infer_step){.function = function,
                                              .micro = micro,
                                              .irql = (uint8_t)(last % IRQL_CLASSES),
                                              .what = call == NO_INDEX ? STEP_REACHES : STEP_CALLS,
                                              .call = call});
    }
    host.release(search.parents);
    host.release(search.queue);
    *found = last != NO_INDEX;
    return no_memory ? PG_E_NO_MEMORY : PG_OK;
}
