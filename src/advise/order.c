/* SPDX-License-Identifier: MIT */
/*
 * The order in which the blocks of a function are followed: reverse post-order, in which a block
 * comes after everything that leads to it but loops, so that code without loops is followed once.
 * Where each block leads only to later ones, as in most functions, that is the order they have.
 */
#include "advise/solve.h"

#include <string.h>

enum { RANGES_PER_BLOCK = 32 };

static void clear(struct solver *solver, const struct function *f)
{
    memset(solver->at, 0, f->block_count * sizeof solver->at[0]);
    memset(solver->pending, 0,
           (f->block_count + SLOT_BITS - 1) / SLOT_BITS * sizeof solver->pending[0]);
    for (uint32_t i = 0; i < f->block_count; i++) {
        solver->position[i] = NO_INDEX;
    }
}

static void find_calls(struct solver *solver, const struct function *f)
{
    const struct program *program = solver->program;

    for (uint32_t i = 0; i < f->call_count; i++) {
        uint32_t call = f->first_call + i;
        struct block_states *at = &solver->at[program->calls[call].block - f->first_block];

        if (at->end_call == 0) {
            at->first_call = call;
        }
        at->end_call = call + 1;
    }
}

/* Depth first from one block; `last` is the highest position that is free. */
static uint32_t number_from(struct solver *solver, const struct function *f, uint32_t start,
                            uint32_t last)
{
    const struct program *program = solver->program;
    uint32_t depth = 0, *stack = solver->stack;
    enum { ENTERED = NO_INDEX - 1 };

    solver->position[start] = ENTERED;
    stack[depth++] = start;
    stack[depth++] = 0;
    while (depth != 0) {
        uint32_t block = stack[depth - 2], next = stack[depth - 1];
        const struct block *b = &program->blocks[f->first_block + block];

        if (next == b->successor_count) {
            depth -= 2;
            solver->position[block] = last;
            solver->order[last--] = block;
            continue;
        }
        stack[depth - 1]++;
        next = program->successors[b->first_successor + next] - f->first_block;
        if (solver->position[next] != NO_INDEX) {
            continue;
        }
        solver->position[next] = ENTERED;
        stack[depth++] = next;
        stack[depth++] = 0;
    }
    return last;
}

/* ---- loops ---- */

static void find_writes(struct solver *solver, const struct function *f)
{
    const struct program *program = solver->program;

    for (uint32_t i = 0; i < f->block_count; i++) {
        const struct block *b = &program->blocks[f->first_block + i];
        unsigned writes = solver->at[i].end_call != 0 ? VOLATILE_REGISTERS : 0;

        for (uint32_t m = 0; m < b->micro_count; m++) {
            const struct micro *micro = &program->micros[b->first_micro + m];

            writes |= micro->writes;
            solver->sees_irql |= micro->kind >= MICRO_READ_CR8 && micro->kind <= MICRO_STI;
        }
        solver->at[i].writes = (uint16_t)(writes & ~(1u << MICRO_RSP));
    }
}

static bool leads_to_loop(const struct solver *solver, const struct function *f, uint32_t block,
                          uint32_t loop)
{
    const struct program *program = solver->program;
    const struct block *b = &program->blocks[f->first_block + block];

    for (uint32_t s = 0; s < b->successor_count; s++) {
        uint32_t to = program->successors[b->first_successor + s] - f->first_block;

        if (solver->at[to].loop == loop) {
            return true;
        }
    }
    return false;
}

/*
 * The blocks of a loop are those between its first one and the one that leads back, from which the
 * latter is reached: not the way out, which gives back saved registers.  Going backwards meets all
 * of them at once, but where there are loops inside.
 */
static void find_loop(struct solver *solver, const struct function *f, uint32_t first,
                      uint32_t last, uint32_t loop, uint64_t *work)
{
    uint32_t from = solver->position[first], to = solver->position[last];
    unsigned writes = solver->at[last].writes | solver->at[first].writes;
    bool changed = true;

    solver->at[last].loop = solver->at[first].loop = loop;
    while (changed) {
        if (to - from >= *work) {
            solver->at[first].loop_writes = (uint16_t) ~(1u << MICRO_RSP);
            return;
        }
        *work -= to - from;
        changed = false;
        for (uint32_t i = to; i-- > from + 1;) {
            uint32_t block = solver->order[i];

            if (solver->at[block].loop != loop && leads_to_loop(solver, f, block, loop)) {
                solver->at[block].loop = loop;
                writes |= solver->at[block].writes;
                changed = true;
            }
        }
    }
    solver->at[first].loop_writes |= (uint16_t)writes;
}

static void find_loops(struct solver *solver, const struct function *f)
{
    const struct program *program = solver->program;
    uint64_t work = (uint64_t)RANGES_PER_BLOCK * f->block_count;
    uint32_t loops = 0;

    for (uint32_t i = 0; i < f->block_count; i++) {
        const struct block *b = &program->blocks[f->first_block + i];

        for (uint32_t s = 0; s < b->successor_count; s++) {
            uint32_t to = program->successors[b->first_successor + s] - f->first_block;

            if (solver->position[to] <= solver->position[i]) {
                find_loop(solver, f, to, i, ++loops, &work);
            }
        }
    }
}

/* Also whether the function is straight. */
static void find_led_to(struct solver *solver, const struct function *f)
{
    const struct program *program = solver->program;

    solver->straight = true;
    for (uint32_t i = 0; i < f->block_count; i++) {
        const struct block *b = &program->blocks[f->first_block + i];

        solver->straight &= i == 0 || solver->at[i].led_to;
        for (uint32_t s = 0; s < b->successor_count; s++) {
            uint32_t to = program->successors[b->first_successor + s] - f->first_block;

            solver->at[to].led_to = true;
            solver->straight &= to > i;
        }
    }
}

static void number_all(struct solver *solver, const struct function *f)
{
    uint32_t last = f->block_count - 1;

    /* Later starts get the lower positions: the first block is to be before everything. */
    for (uint32_t i = f->block_count; i-- > 1;) {
        if (!solver->at[i].led_to && solver->position[i] == NO_INDEX) {
            last = number_from(solver, f, i, last);
        }
    }
    if (solver->position[0] == NO_INDEX) {
        last = number_from(solver, f, 0, last);
    }
    for (uint32_t i = f->block_count; i-- > 1;) {
        if (solver->position[i] == NO_INDEX) {
            last = number_from(solver, f, i, last);
        }
    }
}

void order_blocks(struct solver *solver)
{
    const struct function *f = &solver->program->functions[solver->function];

    clear(solver, f);
    find_calls(solver, f);
    find_led_to(solver, f);
    find_writes(solver, f);
    if (!solver->straight) {
        number_all(solver, f);
        find_loops(solver, f);
        return;
    }
    for (uint32_t i = 0; i < f->block_count; i++) {
        solver->order[i] = solver->position[i] = i;
    }
}
