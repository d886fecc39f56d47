/* SPDX-License-Identifier: MIT */
/*
 * Routines stored into structures of the I/O system whose type nothing tells: what is stored beside
 * them, and how, does.
 *
 *   several into the table of major functions of one object        -> a DRIVER_OBJECT
 *   one as CompletionRoutine, and Control of the same location      -> IoSetCompletionRoutine
 *   one exchanged with an IRP's CancelRoutine                       -> IoSetCancelRoutine
 *   one that a function with a DRIVER_OBJECT takes the address of,
 *   beside stores that are wide or in a loop                        -> fills the major functions
 *   those in a table of the image whose address such a function
 *   stores where FastIoDispatch is                                  -> fast I/O routines
 *
 *   one stored where another function queues a work item: the same
 *   offset from a pointer                                           -> a work item
 *
 * All of these are only inferred: no finding that rests on one is definite.
 */
#include "advise/roles.h"

#include "advise/ddk.h"

enum {
    MAJORS_ENOUGH = 3,
    COMPLETION_TO_CONTROL = LOCATION_COMPLETION - LOCATION_CONTROL,
    COMPLETION_WINDOW = 16, /* instructions around the store */
    WIDE = 16,
    FAST_IO_WINDOW = 8, /* instructions between taking the table's address and storing it */
    TYPED = 4,
    QUEUED_ITEMS = 64, /* different places of work items that are told apart */
};

/* Bases of two stores that cannot be told apart. */
static bool same_base(const struct roles *roles, const struct infer_pointer *a,
                      const struct infer_pointer *b)
{
    const struct micro *micros = roles->infer->program->micros;

    if (a->base.kind != b->base.kind || a->base.index != b->base.index) {
        return false;
    }
    return a->base.kind != VALUE_UNKNOWN || micros[a->micro].base == micros[b->micro].base;
}

static int64_t position_of(const struct roles *roles, const struct infer_pointer *pointer)
{
    if (pointer->base.kind == VALUE_UNKNOWN) {
        return roles->infer->program->micros[pointer->micro].displacement;
    }
    return stored_position(pointer);
}

static bool is_open(const struct roles *roles, uint32_t p)
{
    const struct infer_pointer *pointer = &roles->infer->pointers[p];

    return pointer->call == NO_INDEX && !roles->used[p] && pointer->base.kind != VALUE_STACK &&
           pointer->base.kind != VALUE_ADDRESS;
}

/* Stores from `first` on, up to `end`, into one object. */
static void take_majors(struct roles *roles, uint32_t first, uint32_t end)
{
    uint32_t different = 0;
    uint64_t seen = 0;

    for (uint32_t p = first; p < end; p++) {
        int64_t at = position_of(roles, &roles->infer->pointers[p]);
        uint64_t bit;

        if (at < DRIVER_START_IO || at >= DRIVER_BYTES || at % 8 != 0) {
            continue;
        }
        bit = UINT64_C(1) << (at - DRIVER_START_IO) / 8;
        different += (seen & bit) == 0;
        seen |= bit;
    }
    if (different < MAJORS_ENOUGH) {
        return;
    }
    for (uint32_t p = first; p < end; p++) {
        const struct infer_pointer *pointer = &roles->infer->pointers[p];
        enum role role = object_role(OBJECT_DRIVER, position_of(roles, pointer));

        if (role == ROLE_NONE || !is_open(roles, p)) {
            continue;
        }
        role_add(roles, pointer->function, role, true);
        roles->used[p] = true;
    }
}

static void find_majors(struct roles *roles, const struct summary *summary)
{
    const struct infer_pointer *pointers = roles->infer->pointers;
    uint32_t end = summary->first_pointer + summary->pointer_count;
    uint32_t first = summary->first_pointer;

    for (uint32_t p = summary->first_pointer; p < end; p++) {
        if (is_open(roles, p) && same_base(roles, &pointers[first], &pointers[p])) {
            continue;
        }
        take_majors(roles, first, p);
        first = p;
    }
    take_majors(roles, first, end);
}

static const struct block *block_of(const struct program *program, uint32_t function,
                                    uint32_t micro)
{
    const struct block *blocks = program->blocks + program->functions[function].first_block;
    uint32_t low = 0, high = program->functions[function].block_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (blocks[middle].rva <= program->micros[micro].rva) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &blocks[low];
}

/* Is the byte Control stored in the stack location that the routine was stored into? */
static bool sets_control(const struct program *program, uint32_t function, uint32_t micro)
{
    const struct micro *store = &program->micros[micro];
    const struct block *block = block_of(program, function, micro);
    uint32_t first = block->first_micro, end = first + block->micro_count;

    if (store->base == MICRO_NO_REGISTER || store->base == MICRO_RIP) {
        return false;
    }
    if (micro - first > COMPLETION_WINDOW) {
        first = micro - COMPLETION_WINDOW;
    }
    if (end - micro > COMPLETION_WINDOW) {
        end = micro + COMPLETION_WINDOW;
    }
    for (uint32_t i = first; i < end; i++) {
        const struct micro *m = &program->micros[i];

        if (m->kind == MICRO_MOVE && m->stores && m->first == MICRO_MEMORY && m->first_bytes == 1 &&
            m->base == store->base && m->index == MICRO_NO_REGISTER &&
            m->displacement == store->displacement - COMPLETION_TO_CONTROL) {
            return true;
        }
    }
    return false;
}

static void find_single(struct roles *roles, uint32_t function, uint32_t p)
{
    const struct program *program = roles->infer->program;
    const struct infer_pointer *pointer = &roles->infer->pointers[p];
    const struct micro *m = &program->micros[pointer->micro];
    enum role role = ROLE_NONE;

    if (m->kind == MICRO_EXCHANGE && position_of(roles, pointer) == IRP_CANCEL_ROUTINE) {
        role = ROLE_CANCEL;
    } else if (m->kind == MICRO_MOVE && sets_control(program, function, pointer->micro)) {
        role = ROLE_COMPLETION;
    }
    if (role == ROLE_NONE) {
        return;
    }
    role_add(roles, pointer->function, role, true);
    roles->used[p] = true;
}

static bool has_driver_object(const struct roles *roles, uint32_t function)
{
    for (uint32_t k = 0; k < TYPED; k++) {
        if (roles->infer->entries[function].argument_types[k] == OBJECT_DRIVER) {
            return true;
        }
    }
    return false;
}

/* Fills memory by more than one plain store at a time. */
static bool fills(const struct micro *m)
{
    return m->kind == MICRO_STRING ||
           (m->stores && (m->first_bytes >= WIDE || m->index != MICRO_NO_REGISTER));
}

/* The table of the image whose address this instruction takes is stored as FastIoDispatch. */
static bool stored_as_fast_io(const struct program *program, const struct block *block,
                              uint32_t micro)
{
    const struct micro *lea = &program->micros[micro];
    uint32_t end = block->first_micro + block->micro_count;

    if (end - micro > FAST_IO_WINDOW) {
        end = micro + FAST_IO_WINDOW;
    }
    for (uint32_t i = micro + 1; i < end; i++) {
        const struct micro *m = &program->micros[i];

        if (m->kind == MICRO_MOVE && m->first == MICRO_MEMORY && m->first_bytes == 8 &&
            m->second == MICRO_REGISTER && m->second_register == lea->first_register &&
            m->base != MICRO_RIP && m->displacement == DRIVER_FAST_IO) {
            return true;
        }
    }
    return false;
}

static void take_fast_io(struct roles *roles, uint32_t table)
{
    struct value base = {.kind = VALUE_ADDRESS, .number = table};

    for (uint32_t offset = 0; offset < FAST_IO_BYTES; offset += 8) {
        enum role role = object_role(OBJECT_FAST_IO, offset);

        if (role != ROLE_NONE) {
            role_add_member(roles, NO_INDEX, &base, offset, role, true);
        }
    }
}

static void look_at_address(struct roles *roles, uint32_t f, const struct block *block,
                            uint32_t micro, bool filling)
{
    const struct program *program = roles->infer->program;
    const struct micro *m = &program->micros[micro];
    uint32_t routine;

    if (m->kind != MICRO_LEA || m->base != MICRO_RIP) {
        return;
    }
    routine = program_function_at(program, (uint32_t)m->displacement);
    if (routine == NO_INDEX) {
        if (stored_as_fast_io(program, block, micro)) {
            take_fast_io(roles, (uint32_t)m->displacement);
        }
    } else if (filling && routine != f && (roles->sure[routine] | roles->inferred[routine]) == 0) {
        role_add(roles, routine, ROLE_DISPATCH, true);
    }
}

static bool block_fills(const struct program *program, const struct block *block)
{
    for (uint32_t i = 0; i < block->micro_count; i++) {
        if (fills(&program->micros[block->first_micro + i])) {
            return true;
        }
    }
    return false;
}

/* A function that has a DRIVER_OBJECT: what it fills it with. */
static void find_filled(struct roles *roles, uint32_t f)
{
    const struct program *program = roles->infer->program;
    const struct function *function = &program->functions[f];
    const struct block *blocks = &program->blocks[function->first_block];
    bool filling = false;

    for (uint32_t b = 0; b < function->block_count; b++) {
        filling = filling || block_fills(program, &blocks[b]);
    }
    for (uint32_t b = 0; b < function->block_count; b++) {
        for (uint32_t i = 0; i < blocks[b].micro_count; i++) {
            look_at_address(roles, f, &blocks[b], blocks[b].first_micro + i, filling);
        }
    }
}

/* Where the routines of the work items are that are queued through pointers: offsets. */
static uint32_t collect_queued(const struct roles *roles, int64_t *offsets)
{
    const struct infer *infer = roles->infer;
    uint32_t count = 0;

    for (uint32_t i = 0; i < infer->site_count && count < QUEUED_ITEMS; i++) {
        const struct infer_site *site = &infer->sites[i];
        const struct contract *contract =
            site->call == NO_INDEX ? NULL : roles_contract(roles, site->call);

        for (uint32_t k = 0; contract != NULL && k < contract->role_count; k++) {
            const struct contract_role *row = &contract->roles[k];
            const struct value *v = &site->arguments[row->argument];

            if (row->role == ROLE_WORK_ITEM && row->in_structure && count < QUEUED_ITEMS &&
                (v->kind == VALUE_ARGUMENT || v->kind == VALUE_MEMBER || v->kind == VALUE_RESULT) &&
                v->number > 0) {
                offsets[count++] = v->number + row->offset;
            }
        }
    }
    return count;
}

static void find_work_items(struct roles *roles)
{
    const struct infer *infer = roles->infer;
    int64_t offsets[QUEUED_ITEMS];
    uint32_t count = collect_queued(roles, offsets);

    for (uint32_t p = 0; count > 0 && p < infer->pointer_count; p++) {
        if (!is_open(roles, p)) {
            continue;
        }
        for (uint32_t i = 0; i < count && !roles->used[p]; i++) {
            if (position_of(roles, &infer->pointers[p]) != offsets[i]) {
                continue;
            }
            role_add(roles, infer->pointers[p].function, ROLE_WORK_ITEM, true);
            roles->used[p] = true;
        }
    }
}

void roles_of_patterns(struct roles *roles)
{
    const struct infer *infer = roles->infer;

    for (uint32_t f = 0; f < infer->program->function_count; f++) {
        const struct summary *summary = &infer->summaries[f];

        if (summary->pointer_count != 0) {
            find_majors(roles, summary);
        }
        for (uint32_t i = 0; i < summary->pointer_count; i++) {
            if (is_open(roles, summary->first_pointer + i)) {
                find_single(roles, f, summary->first_pointer + i);
            }
        }
        if (has_driver_object(roles, f)) {
            find_filled(roles, f);
        }
    }
    find_work_items(roles);
}
