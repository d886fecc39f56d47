/* SPDX-License-Identifier: MIT */
/*
 * The order of the inference: callees first.
 *
 * Functions are solved by strongly connected components of the call graph, as Tarjan's algorithm
 * hands them out, with its stack in memory of ours.  A component of several functions, or of one
 * that calls itself, is solved until its effects stay as they are, starting from "does not return".
 * When nothing in it can change the IRQL (large components are like that), it starts from "comes
 * back as everybody does", and once is enough.
 *
 * Calls through pointers become known while their function is solved, too late for the order.  The
 * functions that made them are looked at again at the end, and their callers when that changes
 * anything.
 */
#include "advise/solve.h"

#include <string.h>

#include "base/host.h"

enum { COMPONENT_ROUNDS = 12, LATE_ROUNDS = 3 };

/* Tarjan's bookkeeping for one function. */
struct node {
    uint32_t index;     /* order of discovery, from 1; 0: not seen */
    uint32_t low;       /* the lowest index that it leads back to */
    uint32_t next_call; /* the next edge to look at */
    bool on_stack;
};

struct walk {
    struct solver *solver;
    struct node *nodes;
    uint32_t *path;     /* functions being visited, the outermost first */
    uint32_t *stack;    /* Tarjan's: seen and not yet in a component */
    uint32_t *finished; /* all functions in the order in which they were solved */
    uint32_t path_count, stack_count, finished_count, seen;
};

/* ---- one component ---- */

/* With all its callees solved.  True: callers see another effect than before. */
static bool settle(struct solver *solver, uint32_t function)
{
    struct infer *infer = solver->infer;
    struct summary *s = &infer->summaries[function];
    const struct effect *effect = &solver->effects[function];
    bool changed;

    if (solver->no_memory) {
        return false;
    }
    s->first_site = infer->site_count;
    s->first_pointer = infer->pointer_count;
    s->first_access = infer->access_count;
    changed = solve_and_record(solver, function);
    s->site_count = infer->site_count - s->first_site;
    s->pointer_count = infer->pointer_count - s->first_pointer;
    s->access_count = infer->access_count - s->first_access;
    s->returns = s->vague = 0;
    for (unsigned i = 0; i < effect->outcome_count; i++) {
        s->returns |= effect->outcomes[i].relation;
        s->vague |= effect->outcomes[i].vague;
    }
    s->touches_irql = effect->touches_irql;
    return changed;
}

/* The rounds did not end: what was found so far may not be all. */
static void make_vague(struct solver *solver, uint32_t function)
{
    struct effect *effect = &solver->effects[function];
    struct outcome *outcomes;

    if (effect->outcome_count == 0) {
        return;
    }
    outcomes = arena_take(&solver->kept, effect->outcome_count * sizeof outcomes[0]);
    if (outcomes == NULL) {
        solver->no_memory = true;
        return;
    }
    memcpy(outcomes, effect->outcomes, effect->outcome_count * sizeof outcomes[0]);
    for (unsigned i = 0; i < effect->outcome_count; i++) {
        outcomes[i].vague = outcomes[i].relation;
    }
    effect->outcomes = outcomes;
}

static bool calls_itself(const struct program *program, uint32_t function)
{
    const struct function *f = &program->functions[function];

    for (uint32_t i = 0; i < f->call_count; i++) {
        const struct call *call = &program->calls[f->first_call + i];

        if (call->target == CALL_FUNCTION && call->index == function) {
            return true;
        }
    }
    return false;
}

static bool call_is_neutral(const struct solver *solver, const struct call *call)
{
    const struct contract *contract = program_contract(solver->program, call->target, call->index);

    if (call->target == CALL_FUNCTION) {
        return !solver->effects[call->index].touches_irql; /* one of the component: asked itself */
    }
    if (call->indirect && call->target != CALL_IMPORT) {
        return solver->program->wdf_table_rva == 0;
    }
    for (unsigned i = 0; contract != NULL && i < contract->case_count; i++) {
        if (contract->cases[i].effect != EFFECT_SAME) {
            return false;
        }
    }
    return true;
}

static bool function_is_neutral(const struct solver *solver, uint32_t function)
{
    const struct program *program = solver->program;
    const struct function *f = &program->functions[function];

    for (uint32_t i = 0; i < f->call_count; i++) {
        if (!call_is_neutral(solver, &program->calls[f->first_call + i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < f->block_count; i++) {
        const struct block *b = &program->blocks[f->first_block + i];

        for (uint32_t m = b->first_micro; m < b->first_micro + b->micro_count; m++) {
            if (program->micros[m].kind >= MICRO_READ_CR8 && program->micros[m].kind <= MICRO_STI) {
                return false;
            }
        }
    }
    return true;
}

static bool solve_neutral(struct solver *solver, const uint32_t *members, uint32_t count)
{
    static const struct outcome neutral = {.relation = IRQL_IDENTITY};

    for (uint32_t i = 0; i < count; i++) {
        if (!function_is_neutral(solver, members[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        struct effect *effect = &solver->effects[members[i]];

        *effect = (struct effect){
            .outcomes = &neutral, .outcome_count = 1, .solved = true, .writes = true};
        memset(effect->reach, REACH_UNKNOWN, sizeof effect->reach);
    }
    for (uint32_t i = count; i-- > 0;) {
        settle(solver, members[i]);
    }
    return true;
}

static void solve_component(struct solver *solver, const uint32_t *members, uint32_t count)
{
    bool changed = true;

    if (count == 1 && !calls_itself(solver->program, members[0])) {
        settle(solver, members[0]);
        return;
    }
    if (solve_neutral(solver, members, count)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        solver->effects[members[i]].solved = true; /* with no outcome: it does not return yet */
    }
    for (unsigned round = 0; changed && round < COMPONENT_ROUNDS; round++) {
        changed = false;
        for (uint32_t i = 0; i < count && !solver->no_memory; i++) {
            changed |= solve_function(solver, members[i]);
        }
    }
    for (uint32_t i = 0; changed && i < count; i++) {
        make_vague(solver, members[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        settle(solver, members[i]);
    }
}

/* ---- all components ---- */

static void enter_node(struct walk *walk, uint32_t function)
{
    struct node *node = &walk->nodes[function];

    node->index = node->low = ++walk->seen;
    node->on_stack = true;
    walk->path[walk->path_count++] = function;
    walk->stack[walk->stack_count++] = function;
}

/* The next callee of a function that the walk has to go into; NO_INDEX: there is none. */
static uint32_t next_callee(struct walk *walk, uint32_t function)
{
    const struct program *program = walk->solver->program;
    const struct function *f = &program->functions[function];
    struct node *node = &walk->nodes[function];

    while (node->next_call < f->call_count) {
        const struct call *call = &program->calls[f->first_call + node->next_call++];
        const struct node *callee;

        if (call->target != CALL_FUNCTION) {
            continue;
        }
        callee = &walk->nodes[call->index];
        if (callee->index == 0) {
            return call->index;
        }
        if (callee->on_stack && callee->index < node->low) {
            node->low = callee->index;
        }
    }
    return NO_INDEX;
}

static void leave_node(struct walk *walk, uint32_t function)
{
    const struct node *node = &walk->nodes[function];
    uint32_t first;

    walk->path_count--;
    if (walk->path_count != 0) {
        struct node *caller = &walk->nodes[walk->path[walk->path_count - 1]];

        if (node->low < caller->low) {
            caller->low = node->low;
        }
    }
    if (node->low != node->index) {
        return;
    }
    first = walk->stack_count;
    do {
        walk->nodes[walk->stack[--first]].on_stack = false;
    } while (walk->stack[first] != function);
    solve_component(walk->solver, &walk->stack[first], walk->stack_count - first);
    while (walk->stack_count > first) {
        walk->finished[walk->finished_count++] = walk->stack[--walk->stack_count];
    }
}

static void walk_from(struct walk *walk, uint32_t root)
{
    enter_node(walk, root);
    while (walk->path_count != 0 && !walk->solver->no_memory) {
        uint32_t function = walk->path[walk->path_count - 1];
        uint32_t callee = next_callee(walk, function);

        if (callee != NO_INDEX) {
            enter_node(walk, callee);
        } else {
            leave_node(walk, function);
        }
    }
}

/* ---- calls that became known late ---- */

static void mark_callers(const struct solver *solver, uint32_t function, bool *dirty)
{
    const struct program *program = solver->program;
    const struct function *f = &program->functions[function];

    for (uint32_t i = 0; i < f->caller_count; i++) {
        uint32_t call = program->callers[f->first_caller + i];

        dirty[program->blocks[program->calls[call].block].function] = true;
    }
    for (uint32_t i = 0; i < solver->late_count; i++) {
        if (solver->late[i].callee == function) {
            dirty[solver->late[i].caller] = true;
        }
    }
}

/* Callers included, as they know too little too.  Their number. */
static uint32_t mark_all_callers(const struct walk *walk, bool *dirty)
{
    uint32_t count = 0, before;

    do {
        before = count;
        count = 0;
        for (uint32_t i = 0; i < walk->finished_count; i++) {
            if (dirty[walk->finished[i]]) {
                mark_callers(walk->solver, walk->finished[i], dirty);
                count++;
            }
        }
    } while (count != before);
    return count;
}

/* The rounds are over: as with a component that does not come to rest. */
static void give_up(struct walk *walk, bool *dirty)
{
    if (mark_all_callers(walk, dirty) == 0) {
        return;
    }
    for (uint32_t i = 0; i < walk->finished_count; i++) {
        if (dirty[walk->finished[i]]) {
            make_vague(walk->solver, walk->finished[i]);
        }
    }
    for (uint32_t i = 0; i < walk->finished_count; i++) {
        if (dirty[walk->finished[i]]) {
            settle(walk->solver, walk->finished[i]);
        }
    }
}

static pg_status solve_late(struct walk *walk)
{
    struct solver *solver = walk->solver;
    bool *dirty;

    if (solver->late_count == 0) {
        return PG_OK;
    }
    dirty = host.allocate(solver->program->function_count);
    if (dirty == NULL) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < solver->late_count; i++) {
        dirty[solver->late[i].caller] = true;
    }
    for (unsigned round = 0; round < LATE_ROUNDS; round++) {
        for (uint32_t i = 0; i < walk->finished_count && !solver->no_memory; i++) {
            uint32_t function = walk->finished[i];

            if (!dirty[function]) {
                continue;
            }
            dirty[function] = false;
            if (settle(solver, function)) {
                mark_callers(solver, function, dirty);
            }
        }
    }
    give_up(walk, dirty);
    host.release(dirty);
    return PG_OK;
}

/* ---- the records, in the order of the functions ---- */

struct kind_of_record {
    size_t first, count; /* where a summary says which are its function's */
    size_t bytes;
};

static uint32_t *member(struct summary *summary, size_t offset)
{
    return (uint32_t *)(void *)((char *)summary + offset);
}

/* Functions that were looked at twice left records behind that nobody refers to. */
static pg_status gather(struct infer *infer, void **records, uint32_t *count,
                        const struct kind_of_record *kind)
{
    uint32_t total = 0;
    char *moved;

    for (uint32_t f = 0; f < infer->program->function_count; f++) {
        total += *member(&infer->summaries[f], kind->count);
    }
    moved = host.allocate((size_t)total * kind->bytes + 1);
    if (moved == NULL) {
        return PG_E_NO_MEMORY;
    }
    *count = 0;
    for (uint32_t f = 0; f < infer->program->function_count; f++) {
        uint32_t *first = member(&infer->summaries[f], kind->first);
        uint32_t mine = *member(&infer->summaries[f], kind->count);

        if (mine != 0) {
            memcpy(moved + *count * kind->bytes, (char *)*records + *first * kind->bytes,
                   mine * kind->bytes);
        }
        *first = *count;
        *count += mine;
    }
    host.release(*records);
    *records = moved;
    return PG_OK;
}

static pg_status gather_all(struct infer *infer)
{
    static const struct kind_of_record site = {offsetof(struct summary, first_site),
                                               offsetof(struct summary, site_count),
                                               sizeof(struct infer_site)};
    static const struct kind_of_record pointer = {offsetof(struct summary, first_pointer),
                                                  offsetof(struct summary, pointer_count),
                                                  sizeof(struct infer_pointer)};
    static const struct kind_of_record access = {offsetof(struct summary, first_access),
                                                 offsetof(struct summary, access_count),
                                                 sizeof(struct infer_access)};
    void *sites = infer->sites, *pointers = infer->pointers, *accesses = infer->accesses;
    pg_status status = gather(infer, &sites, &infer->site_count, &site);

    infer->sites = sites;
    if (status == PG_OK) {
        status = gather(infer, &pointers, &infer->pointer_count, &pointer);
    }
    infer->pointers = pointers;
    if (status == PG_OK) {
        status = gather(infer, &accesses, &infer->access_count, &access);
    }
    infer->accesses = accesses;
    return status;
}

static pg_status gather_resolved(struct infer *infer)
{
    const struct program *program = infer->program;

    infer->resolved_calls =
        host.allocate((program->call_count + 1) * sizeof infer->resolved_calls[0]);
    if (infer->resolved_calls == NULL) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < program->call_count; i++) {
        if (program->calls[i].indirect && program->calls[i].target == CALL_FUNCTION) {
            infer->resolved_calls[infer->resolved_call_count++] = i;
        }
    }
    return PG_OK;
}

/* ---- all of it ---- */

static bool walk_begin(struct walk *walk, struct solver *solver)
{
    uint32_t count = solver->program->function_count + 1;

    *walk = (struct walk){.solver = solver};
    walk->nodes = host.allocate(count * sizeof walk->nodes[0]);
    walk->path = host.allocate(count * sizeof walk->path[0]);
    walk->stack = host.allocate(count * sizeof walk->stack[0]);
    walk->finished = host.allocate(count * sizeof walk->finished[0]);
    return walk->nodes != NULL && walk->path != NULL && walk->stack != NULL &&
           walk->finished != NULL;
}

static void walk_end(struct walk *walk)
{
    host.release(walk->nodes);
    host.release(walk->path);
    host.release(walk->stack);
    host.release(walk->finished);
}

static struct solver *solver_begin(struct infer *infer)
{
    struct solver *solver = host.allocate(sizeof *solver);

    if (solver == NULL) {
        return NULL;
    }
    solver->infer = infer;
    solver->program = infer->program;
    solver->open_micro = NO_INDEX;
    solver->effects = host.allocate((infer->program->function_count + 1) * sizeof(struct effect));
    /* Most calls get a site: so they are written where they stay. */
    solver->site_room = infer->program->call_count + 1;
    infer->sites = host.allocate((size_t)solver->site_room * sizeof infer->sites[0]);
    solver->no_memory = solver->effects == NULL || infer->sites == NULL || !solve_begin(solver) ||
                        !paths_begin(solver);
    return solver;
}

static void solver_end(struct solver *solver)
{
    if (solver == NULL) {
        return;
    }
    arena_release(&solver->kept);
    arena_release(&solver->scratch);
    host.release(solver->effects);
    host.release(solver->path_slots);
    host.release(solver->path_depths);
    host.release(solver->at);
    host.release(solver->order);
    host.release(solver->position);
    host.release(solver->pending);
    host.release(solver->stack);
    host.release(solver->late);
    host.release(solver);
}

static pg_status solve_all(struct solver *solver)
{
    struct walk walk;
    pg_status status = PG_E_NO_MEMORY;

    if (walk_begin(&walk, solver)) {
        for (uint32_t f = 0; f < solver->program->function_count && !solver->no_memory; f++) {
            if (walk.nodes[f].index == 0) {
                walk_from(&walk, f);
            }
        }
        status = solver->no_memory ? PG_E_NO_MEMORY : solve_late(&walk);
    }
    walk_end(&walk);
    return solver->no_memory ? PG_E_NO_MEMORY : status;
}

pg_status infer_run(struct program *program, struct infer *out)
{
    struct solver *solver = NULL;
    pg_status status = PG_E_NO_MEMORY;
    bool twice = false; /* functions were looked at again */

    *out = (struct infer){.program = program};
    out->summaries = host.allocate((program->function_count + 1) * sizeof out->summaries[0]);
    out->entries = host.allocate((program->function_count + 1) * sizeof out->entries[0]);
    if (out->summaries != NULL && out->entries != NULL) {
        solver = solver_begin(out);
    }
    if (solver != NULL && !solver->no_memory) {
        status = solve_all(solver);
    }
    twice = solver != NULL && solver->late_count != 0;
    solver_end(solver);
    if (status == PG_OK && twice) {
        status = gather_all(out);
    }
    if (status == PG_OK) {
        status = gather_resolved(out);
    }
    if (status != PG_OK) {
        infer_release(out);
    }
    return status;
}

void infer_release(struct infer *infer)
{
    host.release(infer->summaries);
    host.release(infer->entries);
    host.release(infer->sites);
    host.release(infer->pointers);
    host.release(infer->accesses);
    host.release(infer->paths);
    host.release(infer->resolved_calls);
    *infer = (struct infer){.program = NULL};
}

uint32_t infer_first_site(const struct infer *infer, const struct summary *function, uint32_t micro)
{
    uint32_t low = function->first_site, high = low + function->site_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (infer->sites[middle].micro < micro) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct infer_site *infer_site_at(const struct infer *infer, uint32_t function, uint32_t micro)
{
    const struct summary *s = &infer->summaries[function];
    uint32_t found = infer_first_site(infer, s, micro);

    return found < s->first_site + s->site_count && infer->sites[found].micro == micro
               ? &infer->sites[found]
               : NULL;
}
