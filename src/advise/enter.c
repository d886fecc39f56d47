/* SPDX-License-Identifier: MIT */
/*
 * At which IRQLs functions are entered: from their roles down through all calls.
 *
 * Sets only grow, so a list of functions whose sets have grown, taken in order, ends.  A function
 * that somebody unknown may enter passes on what does not depend on that: when a call is made at
 * the same classes whatever the entry was, the callee's entry is known though the caller's is not.
 */
#include "advise/infer.h"

#include <string.h>

#include "base/host.h"

struct queue {
    struct infer *infer;
    uint32_t *functions; /* a ring with room for every function */
    bool *waiting;
    uint32_t first, count;
};

static void push(struct queue *queue, uint32_t function)
{
    uint32_t room = queue->infer->program->function_count;

    if (queue->waiting[function]) {
        return;
    }
    queue->waiting[function] = true;
    queue->functions[(queue->first + queue->count) % room] = function;
    queue->count++;
}

static uint32_t pop(struct queue *queue)
{
    uint32_t function = queue->functions[queue->first];

    queue->first = (queue->first + 1) % queue->infer->program->function_count;
    queue->count--;
    queue->waiting[function] = false;
    return function;
}

/* Only the sets of `more` matter. */
static void add_entry(struct queue *queue, uint32_t function, const struct entry *more)
{
    struct entry *entry = &queue->infer->entries[function];
    struct entry before = *entry;

    entry->certain |= more->certain;
    entry->possible |= more->certain | more->possible;
    entry->exact |= more->certain | more->exact;
    entry->unknown |= more->unknown;
    entry->paging |= more->paging;
    entry->elsewhere |= more->elsewhere;
    if (before.certain != entry->certain || before.possible != entry->possible ||
        before.exact != entry->exact || before.unknown != entry->unknown ||
        before.paging != entry->paging || before.elsewhere != entry->elsewhere) {
        push(queue, function);
    }
}

/* Classes that are in every row that is not empty. */
static irql_set in_all_rows(irql_relation relation)
{
    irql_set all = IRQL_ANY;

    for (unsigned class = 0; class < IRQL_CLASSES; class ++) {
        if (IRQL_ROW(relation, class) != 0) {
            all &= IRQL_ROW(relation, class);
        }
    }
    return relation == 0 ? 0 : all;
}

static void pass_on(struct queue *queue, const struct entry *caller, const struct infer_site *site,
                    uint32_t callee)
{
    irql_relation exact = site->before & (irql_relation)~site->vague;
    struct entry more = {
        .certain = irql_apply(exact, caller->certain),
        .possible = irql_apply(site->before, caller->possible),
        .exact = irql_apply(exact, caller->exact),
        .paging = irql_apply(site->before, caller->paging),
        .elsewhere = irql_apply(site->before, caller->elsewhere),
    };

    if (caller->unknown) {
        irql_set always = in_all_rows(site->before);

        more.possible |= always;
        more.exact |= always & in_all_rows(exact);
        more.unknown = irql_apply(site->before, IRQL_ANY) != always;
    }
    add_entry(queue, callee, &more);
}

static void pass_on_all(struct queue *queue, uint32_t function)
{
    const struct infer *infer = queue->infer;
    const struct summary *s = &infer->summaries[function];

    for (uint32_t i = 0; i < s->site_count; i++) {
        const struct infer_site *site = &infer->sites[s->first_site + i];
        const struct call *call;

        if (site->call == NO_INDEX) {
            continue;
        }
        call = &infer->program->calls[site->call];
        if (call->target == CALL_FUNCTION) {
            pass_on(queue, &infer->entries[function], site, call->index);
        }
    }
}

static bool in_page(const struct program *program, const struct function *f)
{
    const struct image_section *section = program_section(program, f);

    return section != NULL && section->class == PG_PAGEABLE;
}

/* Of a routine in PAGE that others may call. */
static const struct entry pageable_entry = {
    .certain = IRQL_BIT(IRQL_P), .possible = IRQL_PAGEABLE, .exact = IRQL_PAGEABLE};

/* Who may call it but those that we see? */
static bool open_to_others(const struct infer *infer, uint32_t function, bool called)
{
    const struct function *f = &infer->program->functions[function];

    if (infer->entries[function].role != ROLE_NONE) {
        return false;
    }
    if (f->sources & FROM_EXPORT) {
        return strcmp(f->name, "DllInitialize") != 0 && strcmp(f->name, "DllUnload") != 0;
    }
    return f->address_taken || !called;
}

static void enter_from_outside(struct queue *queue, const bool *called)
{
    const struct infer *infer = queue->infer;
    const struct program *program = infer->program;

    for (uint32_t i = 0; i < program->function_count; i++) {
        const struct function *f = &program->functions[i];
        struct entry *entry = &infer->entries[i];
        bool others = open_to_others(infer, i, called[i]);

        entry->possible |= entry->certain;
        entry->exact = entry->possible;
        if (entry->possible != 0) {
            push(queue, i);
        }
        if (others && in_page(program, f)) {
            add_entry(queue, i, &pageable_entry);
            entry->unknown |= f->address_taken;
        } else if (others) {
            add_entry(queue, i, &(struct entry){.unknown = true});
        } else if (entry->role == ROLE_NONE && (f->sources & FROM_EXPORT)) {
            add_entry(queue, i, &(struct entry){.certain = IRQL_BIT(IRQL_P)});
        }
    }
}

static void drain(struct queue *queue)
{
    while (queue->count != 0) {
        pass_on_all(queue, pop(queue));
    }
}

/* Functions of PAGE that are only called by code that nobody is known to enter. */
static void enter_rest(struct queue *queue)
{
    const struct program *program = queue->infer->program;

    for (uint32_t i = 0; i < program->function_count; i++) {
        const struct entry *entry = &queue->infer->entries[i];

        if (entry->possible != 0 || !in_page(program, &program->functions[i])) {
            continue;
        }
        add_entry(queue, i, &pageable_entry);
        drain(queue);
    }
    for (uint32_t i = 0; i < program->function_count; i++) {
        const struct entry *entry = &queue->infer->entries[i];

        if (entry->possible == 0 && !entry->unknown) {
            add_entry(queue, i, &(struct entry){.unknown = true}); /* cycles that nobody enters */
            drain(queue);
        }
    }
}

static void find_called(const struct infer *infer, bool *called)
{
    for (uint32_t i = 0; i < infer->site_count; i++) {
        const struct infer_site *site = &infer->sites[i];

        if (site->call != NO_INDEX && infer->program->calls[site->call].target == CALL_FUNCTION) {
            called[infer->program->calls[site->call].index] = true;
        }
    }
}

pg_status infer_enter(struct infer *infer)
{
    uint32_t count = infer->program->function_count;
    struct queue queue = {.infer = infer};
    bool *called;
    pg_status status = PG_E_NO_MEMORY;

    if (count == 0) {
        return PG_OK;
    }
    queue.functions = host.allocate(count * sizeof queue.functions[0]);
    queue.waiting = host.allocate(count);
    called = host.allocate(count);
    if (queue.functions != NULL && queue.waiting != NULL && called != NULL) {
        find_called(infer, called);
        enter_from_outside(&queue, called);
        drain(&queue);
        enter_rest(&queue);
        status = PG_OK;
    }
    host.release(queue.functions);
    host.release(queue.waiting);
    host.release(called);
    return status;
}
