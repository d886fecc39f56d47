/* SPDX-License-Identifier: MIT */
/*
 * What the last pass over a function writes down: calls and changes of the IRQL, routines whose
 * addresses leave the function, and accesses to data of the image.
 *
 * The states at an instruction are followed one after the other before the next instruction, so the
 * record of an instruction is open while it happens and closed by the next one.
 */
#include "advise/solve.h"

/* ---- sites ---- */

/* A function may run on into the next one at an instruction that is recorded itself. */
static bool is_open(const struct solver *solver, uint32_t micro, uint32_t call)
{
    const struct infer *infer = solver->infer;

    return solver->open_micro == micro && infer->sites[infer->site_count - 1].call == call;
}

static struct infer_site *open_site(struct solver *solver, uint32_t micro, uint32_t call)
{
    struct infer *infer = solver->infer;
    struct infer_site *sites, *site;

    if (is_open(solver, micro, call)) {
        return &infer->sites[infer->site_count - 1];
    }
    sites = grow(infer->sites, infer->site_count, &solver->site_room, sizeof *sites);
    if (sites == NULL) {
        solver->no_memory = true;
        return NULL;
    }
    infer->sites = sites;
    site = &sites[infer->site_count++];
    *site = (struct infer_site){.micro = micro, .call = call};
    solver->open_micro = micro;
    solver->exact = 0;
    return site;
}

static void add_before(struct solver *solver, struct infer_site *site, const struct state *state)
{
    site->before |= state->now;
    solver->exact |= state->now & (irql_relation)~state->vague;
    site->vague = site->before & (irql_relation)~solver->exact;
}

void record_irql_before(struct solver *solver, const struct state *state, uint32_t micro)
{
    struct infer_site *site = open_site(solver, micro, NO_INDEX);

    if (site != NULL) {
        add_before(solver, site, state);
    }
}

void record_irql_after(struct solver *solver, const struct state *state)
{
    if (!solver->no_memory) {
        solver->infer->sites[solver->infer->site_count - 1].after |= state->now;
    }
}

void record_call_before(struct solver *solver, const struct state *state, uint32_t call,
                        const struct resolved *to, const struct value *arguments)
{
    uint32_t micro = solver->program->calls[call].micro;
    bool first = !is_open(solver, micro, call);
    struct infer_site *site = open_site(solver, micro, call);

    if (site == NULL) {
        return;
    }
    add_before(solver, site, state);
    if (first) {
        solver->open_target = *to;
        site->cases_certain = true;
    } else if (solver->open_target.target != to->target || solver->open_target.index != to->index) {
        solver->open_target = (struct resolved){CALL_UNRESOLVED, NO_INDEX};
    }
    for (unsigned i = 0; i < INFER_ARGUMENTS; i++) {
        site->arguments[i] = first ? arguments[i] : value_join(&site->arguments[i], &arguments[i]);
    }
}

void record_case(struct solver *solver, uint8_t cases, bool certain)
{
    struct infer_site *site;

    if (solver->no_memory) {
        return;
    }
    site = &solver->infer->sites[solver->infer->site_count - 1];
    site->cases |= cases;
    site->cases_certain &= certain && (site->cases & (site->cases - 1)) == 0;
}

/* ---- pointers ---- */

static uint32_t routine_of(const struct solver *solver, const struct value *v)
{
    if (v->kind != VALUE_ADDRESS || v->number < 0 || v->number >= UINT32_MAX) {
        return NO_INDEX;
    }
    return program_function_at(solver->program, (uint32_t)v->number);
}

static void add_pointer(struct solver *solver, const struct infer_pointer *pointer)
{
    struct infer *infer = solver->infer;
    struct infer_pointer *pointers =
        grow(infer->pointers, infer->pointer_count, &solver->pointer_room, sizeof *pointers);

    if (pointers == NULL) {
        solver->no_memory = true;
        return;
    }
    infer->pointers = pointers;
    pointers[infer->pointer_count++] = *pointer;
}

void record_store(struct solver *solver, uint32_t micro, const struct value *address,
                  const struct value *v)
{
    const struct infer *infer = solver->infer;
    struct infer_pointer pointer = {
        .function = routine_of(solver, v),
        .micro = micro,
        .call = NO_INDEX,
        .base = *address,
    };

    if (pointer.function == NO_INDEX) {
        return;
    }
    if (address->kind != VALUE_ADDRESS) {
        pointer.offset = address->number;
        pointer.base.number = 0;
    }
    if (infer->pointer_count != 0) { /* by another state just before */
        const struct infer_pointer *last = &infer->pointers[infer->pointer_count - 1];

        if (last->micro == micro && last->function == pointer.function &&
            last->offset == pointer.offset && value_equal(&last->base, &pointer.base)) {
            return;
        }
    }
    add_pointer(solver, &pointer);
}

/* ---- the end of a call ---- */

void record_call_after(struct solver *solver, uint32_t index)
{
    struct call *call = &solver->program->calls[index];
    struct infer_site *site;

    if (solver->no_memory || !is_open(solver, call->micro, index)) {
        return;
    }
    site = &solver->infer->sites[solver->infer->site_count - 1];
    solver->open_micro = NO_INDEX;
    for (uint32_t i = 0; i < solver->next->count; i++) {
        site->after |= solver->next->states[i].now;
    }
    if (call->indirect) {
        call->target = solver->open_target.target;
        call->index = solver->open_target.index;
    }
    for (unsigned i = 0; i < INFER_ARGUMENTS; i++) {
        uint32_t routine = routine_of(solver, &site->arguments[i]);

        if (routine != NO_INDEX) {
            add_pointer(solver, &(struct infer_pointer){.function = routine,
                                                        .micro = site->micro,
                                                        .call = site->call,
                                                        .argument = (uint8_t)i});
        }
    }
}

/* ---- accesses ---- */

void record_access(struct solver *solver, const struct state *state, uint32_t micro,
                   const struct value *address, bool writes, bool address_only)
{
    struct infer *infer = solver->infer;
    struct infer_access *accesses, *last;

    if (address->number < 0 || address->number >= solver->program->image->image_size) {
        return;
    }
    if (infer->access_count != 0) {
        last = &infer->accesses[infer->access_count - 1];
        if (last->micro == micro && last->rva == (uint32_t)address->number) {
            irql_relation exact =
                (irql_relation)((last->at & ~last->vague) | (state->now & ~state->vague));

            last->at |= state->now;
            last->vague = last->at & (irql_relation)~exact;
            return;
        }
    }
    accesses = grow(infer->accesses, infer->access_count, &solver->access_room, sizeof *accesses);
    if (accesses == NULL) {
        solver->no_memory = true;
        return;
    }
    infer->accesses = accesses;
    accesses[infer->access_count++] = (struct infer_access){
        .micro = micro,
        .rva = (uint32_t)address->number,
        .writes = writes,
        .address_only = address_only,
        .at = state->now,
        .vague = state->vague,
    };
}
