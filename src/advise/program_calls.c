/* SPDX-License-Identifier: MIT */
/* The calls of all functions, and of each function its callers. */
#include "advise/program_private.h"

#include "base/host.h"

#define RAX 0

/* What a direct call or a jump out of the function arrives at. */
static void set_function(const struct program *program, uint32_t target, struct call *call)
{
    call->index = target == UINT32_MAX ? NO_INDEX : program_function_at(program, target);
    call->target = call->index == NO_INDEX ? CALL_UNRESOLVED : CALL_FUNCTION;
}

/* False: it calls nothing (the check of the guard). */
static bool set_indirect(const struct program *program, const struct micro *micro,
                         struct call *call)
{
    const struct image *image = program->image;
    uint32_t slot = NO_INDEX;

    call->indirect = true;
    call->target = CALL_UNRESOLVED;
    call->index = program_import_of(program, micro);
    if (call->index != NO_INDEX) {
        call->target = CALL_IMPORT;
        return true;
    }
    if (micro->second == MICRO_MEMORY && micro->base == MICRO_RIP &&
        micro->index == MICRO_NO_REGISTER && !micro->segment) {
        slot = (uint32_t)micro->displacement;
    }
    if (image->guard_dispatch_pointer_rva != 0 && slot == image->guard_dispatch_pointer_rva) {
        call->via = RAX;
    }
    return image->guard_check_pointer_rva == 0 || slot != image->guard_check_pointer_rva ||
           call->tail;
}

/* Whether a jump leaves its function: no successor of the block begins at its target. */
static bool leaves(const struct program *program, const struct block *block, uint32_t target)
{
    for (uint32_t i = 0; i < block->successor_count; i++) {
        if (program->blocks[program->successors[block->first_successor + i]].rva == target) {
            return false;
        }
    }
    return true;
}

static void append(struct builder *builder, struct list *calls, const struct call *call)
{
    struct call *added = list_add(builder, calls, sizeof(*added));

    if (added != NULL) {
        *added = *call;
    }
}

static void add_call(struct builder *builder, struct list *calls, const struct block *block,
                     uint32_t micro_index)
{
    const struct program *program = builder->out;
    const struct micro *micro = &program->micros[micro_index];
    struct call call = {.micro = micro_index,
                        .block = (uint32_t)(block - program->blocks),
                        .via = MICRO_NO_REGISTER};

    switch ((enum micro_kind)micro->kind) {
    case MICRO_CALL:
        set_function(program, micro->target, &call);
        break;
    case MICRO_JUMP:
    case MICRO_JUMP_IF:
        if (!leaves(program, block, micro->target)) {
            return;
        }
        call.tail = true;
        set_function(program, micro->target, &call);
        break;
    case MICRO_CALL_INDIRECT:
        if (!set_indirect(program, micro, &call)) {
            return;
        }
        break;
    case MICRO_JUMP_INDIRECT:
        if (block->successor_count != 0 || block->unresolved) {
            return; /* a table */
        }
        call.tail = true;
        (void)set_indirect(program, micro, &call);
        break;
    default:
        return;
    }
    append(builder, calls, &call);
}

/* A function that runs on into another one calls it. */
static void add_running_on(struct builder *builder, struct list *calls, const struct block *block)
{
    const struct program *program = builder->out;
    const struct micro *last = program_last(program, block);
    struct call call = {.micro = block->first_micro + block->micro_count - 1,
                        .block = (uint32_t)(block - program->blocks),
                        .tail = true,
                        .via = MICRO_NO_REGISTER};

    if (last->kind == MICRO_RETURN || last->kind == MICRO_STOP || last->kind == MICRO_BREAK ||
        last->kind == MICRO_JUMP || last->kind == MICRO_JUMP_INDIRECT || last->kind == MICRO_CALL ||
        last->kind == MICRO_CALL_INDIRECT || !leaves(program, block, last->rva + last->length)) {
        return;
    }
    set_function(program, last->rva + last->length, &call);
    if (call.target == CALL_FUNCTION) {
        append(builder, calls, &call);
    }
}

static void add_calls_of_block(struct builder *builder, struct list *calls,
                               const struct block *block)
{
    const struct program *program = builder->out;

    for (uint32_t i = 0; i < block->micro_count; i++) {
        uint32_t index = block->first_micro + i;
        uint8_t kind = program->micros[index].kind;

        if (kind >= MICRO_CALL && kind <= MICRO_JUMP_IF) {
            add_call(builder, calls, block, index);
        }
    }
    add_running_on(builder, calls, block);
}

/* The import that a function only jumps to, as import libraries have it; NO_INDEX: it is no thunk.
 */
static uint32_t import_behind(const struct program *program, const struct function *function)
{
    const struct call *only = &program->calls[function->first_call];

    return function->block_count == 1 && function->call_count == 1 && only->tail &&
                   only->target == CALL_IMPORT &&
                   only->micro == program->blocks[function->first_block].first_micro
               ? only->index
               : NO_INDEX;
}

/* The first block of a function; NULL: it has none. */
static const struct block *first_block(const struct program *program, uint32_t function)
{
    const struct function *body = &program->functions[function];

    return body->block_count == 0 ? NULL : &program->blocks[body->first_block];
}

/* A retpoline begins with a call that never comes back: what that calls puts the register where the
 * return address was. */
static uint8_t retpoline_register(const struct program *program, uint32_t target)
{
    uint32_t callee = program_function_at(program, target);
    const struct block *block = callee == NO_INDEX ? NULL : first_block(program, callee);
    const struct micro *micros;

    if (block == NULL || block->micro_count != 2) {
        return MICRO_NO_REGISTER;
    }
    micros = &program->micros[block->first_micro];
    return micros[0].kind == MICRO_MOVE && micros[0].first == MICRO_MEMORY &&
                   micros[0].base == MICRO_RSP && micros[0].index == MICRO_NO_REGISTER &&
                   micros[0].displacement == 0 && micros[0].second == MICRO_REGISTER &&
                   micros[0].second_bytes == 8 && micros[1].kind == MICRO_RETURN
               ? micros[0].second_register
               : MICRO_NO_REGISTER;
}

uint8_t program_thunk_register(const struct program *program, uint32_t function)
{
    const struct block *block = first_block(program, function);
    const struct micro *micro;
    struct call guard = {.via = MICRO_NO_REGISTER};

    if (block == NULL) {
        return MICRO_NO_REGISTER;
    }
    micro = &program->micros[block->first_micro];
    if (micro->kind == MICRO_CALL) {
        return retpoline_register(program, micro->target);
    }
    if (micro->kind != MICRO_JUMP_INDIRECT) {
        return MICRO_NO_REGISTER;
    }
    if (micro->second == MICRO_REGISTER) {
        return micro->second_register;
    }
    (void)set_indirect(program, micro, &guard);
    return guard.via;
}

/* What is called through a thunk is the import, or what a register has: only so are its arguments
 * and its results those of the call. */
static void see_through_thunks(struct program *program)
{
    for (uint32_t i = 0; i < program->call_count; i++) {
        struct call *call = &program->calls[i];
        uint32_t import;

        if (call->target != CALL_FUNCTION) {
            continue;
        }
        import = import_behind(program, &program->functions[call->index]);
        if (import != NO_INDEX) {
            call->target = CALL_IMPORT;
            call->index = import;
            continue;
        }
        call->via = program_thunk_register(program, call->index);
        if (call->via != MICRO_NO_REGISTER) {
            call->indirect = true;
            call->target = CALL_UNRESOLVED;
            call->index = NO_INDEX;
        }
    }
}

/* callers: calls sorted by the function that they call. */
static void make_callers(struct builder *builder)
{
    struct program *program = builder->out;
    uint32_t first = 0;

    program->callers = program_array(builder, program->call_count, sizeof(uint32_t));
    if (program->callers == NULL) {
        return;
    }
    for (uint32_t i = 0; i < program->call_count; i++) {
        if (program->calls[i].target == CALL_FUNCTION) {
            program->functions[program->calls[i].index].caller_count++;
        }
    }
    for (uint32_t i = 0; i < program->function_count; i++) {
        program->functions[i].first_caller = first;
        first += program->functions[i].caller_count;
        program->functions[i].caller_count = 0;
    }
    for (uint32_t i = 0; i < program->call_count; i++) {
        if (program->calls[i].target == CALL_FUNCTION) {
            struct function *callee = &program->functions[program->calls[i].index];

            program->callers[callee->first_caller + callee->caller_count++] = i;
        }
    }
}

void program_make_calls(struct builder *builder)
{
    struct program *program = builder->out;
    struct list calls = {0};

    for (uint32_t i = 0; i < program->function_count && !builder->no_memory; i++) {
        struct function *function = &program->functions[i];

        function->first_call = calls.count;
        for (uint32_t b = 0; b < function->block_count; b++) {
            add_calls_of_block(builder, &calls, &program->blocks[function->first_block + b]);
        }
        function->call_count = calls.count - function->first_call;
    }
    program->calls = calls.items;
    program->call_count = calls.count;
    if (!builder->no_memory) {
        see_through_thunks(program);
        make_callers(builder);
    }
}
