/* SPDX-License-Identifier: MIT */
/*
 * One way to be at an instruction at some class of IRQL.
 *
 * First up: breadth first from (function, class at its entry) to callers, until one is entered from
 * outside at that class.  Then down again: inside each function of that chain, breadth first
 * through its blocks (route.c).  Both take only steps that the inference found possible for the
 * class at entry, so what is shown does arise, as far as the inference can tell paths apart.
 */
#include "advise/witness.h"

#include "base/assert.h"

enum { LINKS = 512, STEPS = 512 };

/* A function entered at a class, and the call in it that leads on towards the place. */
struct link {
    uint32_t function;
    uint32_t micro, call; /* of that call; for the first link the place itself, NO_INDEX */
    uint16_t towards;     /* link of the callee */
    irql_set at;          /* classes at which it is to be there */
    uint8_t entered;
};

struct chain {
    const struct infer *infer;
    struct link links[LINKS];
    uint32_t count;
};

static void add_link(struct chain *chain, const struct link *link)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        if (chain->links[i].function == link->function &&
            chain->links[i].entered == link->entered) {
            return;
        }
    }
    if (chain->count < LINKS) {
        chain->links[chain->count++] = *link;
    }
}

/* ---- who enters ---- */

static bool entered_at(const struct infer *infer, uint32_t function, unsigned class)
{
    const struct entry *entry = &infer->entries[function];

    return entry->unknown || (entry->possible & IRQL_BIT(class)) != 0;
}

static bool has_caller(const struct infer *infer, uint32_t function)
{
    return infer->program->functions[function].caller_count != 0;
}

/* The system enters it at this class, or what is known of it ends here. */
static bool entered_from_outside(const struct infer *infer, uint32_t function, unsigned class,
                                 bool known_only)
{
    const struct entry *entry = &infer->entries[function];

    if (entry->role != ROLE_NONE &&
        (role_text((enum role)entry->role)->possible & IRQL_BIT(class)) != 0) {
        return true;
    }
    if (!has_caller(infer, function) && (entry->possible & IRQL_BIT(class)) != 0) {
        return true;
    }
    return !known_only && entry->unknown;
}

static void add_callers_through(struct chain *chain, uint32_t towards, uint32_t call)
{
    const struct infer *infer = chain->infer;
    const struct program *program = infer->program;
    const struct link *callee = &chain->links[towards];
    uint32_t micro = program->calls[call].micro;
    uint32_t caller = program->blocks[program->calls[call].block].function;
    const struct infer_site *site = infer_site_at(infer, caller, micro);

    if (site == NULL) {
        return;
    }
    for (unsigned class = 0; class < IRQL_CLASSES; class ++) {
        if ((IRQL_ROW(site->before, class) & IRQL_BIT(callee->entered)) != 0 &&
            entered_at(infer, caller, class)) {
            add_link(chain, &(struct link){.function = caller,
                                           .micro = micro,
                                           .call = call,
                                           .towards = (uint16_t)towards,
                                           .at = IRQL_BIT(callee->entered),
                                           .entered = (uint8_t) class});
        }
    }
}

static void add_callers(struct chain *chain, uint32_t towards)
{
    const struct infer *infer = chain->infer;
    const struct program *program = infer->program;
    uint32_t callee = chain->links[towards].function;
    const struct function *f = &program->functions[callee];

    for (uint32_t i = 0; i < f->caller_count; i++) {
        add_callers_through(chain, towards, program->callers[f->first_caller + i]);
    }
    for (uint32_t i = 0; i < infer->resolved_call_count; i++) {
        if (program->calls[infer->resolved_calls[i]].index == callee) {
            add_callers_through(chain, towards, infer->resolved_calls[i]);
        }
    }
}

/* The link that the way begins with; NO_INDEX: nobody gets there. */
static uint32_t find_begin(struct chain *chain)
{
    uint32_t fallback = NO_INDEX;

    for (uint32_t i = 0; i < chain->count; i++) {
        const struct link *link = &chain->links[i];

        if (entered_from_outside(chain->infer, link->function, link->entered, true)) {
            return i;
        }
        if (fallback == NO_INDEX &&
            entered_from_outside(chain->infer, link->function, link->entered, false)) {
            fallback = i;
        }
        add_callers(chain, i);
    }
    return fallback;
}

/* ---- the place ---- */

/* Classes at the place when entered at one; all that the block allows where nothing is recorded. */
static irql_set classes_at(const struct infer *infer, uint32_t function, uint32_t micro,
                           unsigned entered)
{
    const struct infer_site *site = infer_site_at(infer, function, micro);
    const struct summary *s = &infer->summaries[function];

    if (site != NULL) {
        return IRQL_ROW(site->before, entered);
    }
    for (uint32_t i = 0; i < s->access_count; i++) {
        if (infer->accesses[s->first_access + i].micro == micro) {
            return IRQL_ROW(infer->accesses[s->first_access + i].at, entered);
        }
    }
    return IRQL_ANY;
}

pg_status infer_witness(const struct infer *infer, uint32_t function, uint32_t micro, irql_set at,
                        struct infer_step *steps, uint32_t room, uint32_t *count)
{
    struct chain chain = {.infer = infer};
    struct infer_step all[STEPS];
    struct route route = {.steps = all, .room = STEPS};
    uint32_t begin, kept;

    *count = 0;
    for (unsigned class = 0; class < IRQL_CLASSES; class ++) {
        if (entered_at(infer, function, class) &&
            (classes_at(infer, function, micro, class) & at) != 0) {
            add_link(&chain, &(struct link){.function = function,
                                            .micro = micro,
                                            .call = NO_INDEX,
                                            .towards = UINT16_MAX,
                                            .at = at,
                                            .entered = (uint8_t) class});
        }
    }
    begin = find_begin(&chain);
    if (begin == NO_INDEX) {
        return PG_OK;
    }
    for (uint32_t i = begin; i != UINT16_MAX; i = chain.links[i].towards) {
        const struct link *link = &chain.links[i];
        pg_status status;
        bool found;

        if (i == begin) {
            route_add(&route, &(struct infer_step){.function = link->function,
                                                   .micro = function_start(infer, link->function),
                                                   .irql = link->entered,
                                                   .what = STEP_ENTERED,
                                                   .call = NO_INDEX});
        }
        status = route_find(infer, &route, link->function, link->entered, link->micro, link->at,
                            link->call, &found);
        if (status != PG_OK || !found) {
            return status;
        }
    }
    PG_ASSERT(route.count <= STEPS);
    kept = route.count < room ? route.count : room;
    for (uint32_t i = 0; i < kept; i++) {
        steps[i] = all[route.count - kept + i];
    }
    *count = kept;
    return PG_OK;
}
