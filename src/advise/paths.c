/* SPDX-License-Identifier: MIT */
/*
 * Symbols for what memory holds that no store of the function explains: "what [argument 0 + 64]
 * points to".  The same address gives the same symbol everywhere, so that two functions that are
 * handed one device extension speak of one lock.
 *
 * Interned by open addressing; a path's base has a lower index than the path.  Chains end at
 * PATH_DEPTH, which also ends walks along lists.
 */
#include "advise/solve.h"

#include <string.h>

#include "base/host.h"

enum { FIRST_SLOTS = 1024 };

static uint32_t hash_of(const struct value *v)
{
    uint64_t h = (uint64_t)v->number * UINT64_C(0x9fb21c651e98df25);

    h ^= ((uint64_t)v->kind << 32 | v->index) * UINT64_C(0xc2b2ae3d27d4eb4f);
    return (uint32_t)(h ^ h >> 32);
}

bool paths_begin(struct solver *solver)
{
    solver->path_slot_count = FIRST_SLOTS;
    solver->path_slots = host.allocate(FIRST_SLOTS * sizeof solver->path_slots[0]);
    return solver->path_slots != NULL;
}

static uint32_t *slot_of(uint32_t *slots, uint32_t count, const struct value *paths,
                         const struct value *base)
{
    uint32_t at = hash_of(base) & (count - 1);

    while (slots[at] != 0 && !value_equal(&paths[slots[at] - 1], base)) {
        at = (at + 1) & (count - 1);
    }
    return &slots[at];
}

static bool enlarge(struct solver *solver)
{
    uint32_t count = solver->path_slot_count * 2;
    uint32_t *slots = host.allocate(count * sizeof slots[0]);

    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < solver->infer->path_count; i++) {
        *slot_of(slots, count, solver->infer->paths, &solver->infer->paths[i]) = i + 1;
    }
    host.release(solver->path_slots);
    solver->path_slots = slots;
    solver->path_slot_count = count;
    return true;
}

static bool add_path(struct solver *solver, const struct value *base, uint8_t depth)
{
    struct infer *infer = solver->infer;
    struct value *paths = grow(infer->paths, infer->path_count, &solver->path_room, sizeof *paths);
    uint8_t *depths;

    if (paths == NULL) {
        return false;
    }
    infer->paths = paths;
    depths = grow(solver->path_depths, infer->path_count, &solver->depth_room, sizeof *depths);
    if (depths == NULL) {
        return false;
    }
    solver->path_depths = depths;
    paths[infer->path_count] = *base;
    depths[infer->path_count] = depth;
    infer->path_count++;
    return true;
}

static uint32_t intern(struct solver *solver, const struct value *base)
{
    struct infer *infer = solver->infer;
    uint8_t depth = base->kind == VALUE_MEMBER ? solver->path_depths[base->index] + 1 : 1;
    uint32_t *slot = slot_of(solver->path_slots, solver->path_slot_count, infer->paths, base);

    if (*slot != 0) {
        return *slot - 1;
    }
    if (depth > PATH_DEPTH) {
        return NO_INDEX;
    }
    if (2 * infer->path_count >= solver->path_slot_count) {
        if (!enlarge(solver)) {
            solver->no_memory = true;
            return NO_INDEX;
        }
        slot = slot_of(solver->path_slots, solver->path_slot_count, infer->paths, base);
    }
    if (!add_path(solver, base, depth)) {
        solver->no_memory = true;
        return NO_INDEX;
    }
    *slot = infer->path_count;
    return *slot - 1;
}

struct value handle_value(struct solver *solver, const struct value *address)
{
    struct value base = *address;
    uint32_t index;

    if (!value_is_place(address) || address->kind == VALUE_STACK) {
        return value_unknown();
    }
    base.bytes = PATH_HANDLE;
    index = intern(solver, &base);
    return index == NO_INDEX ? value_unknown() : value_symbol(VALUE_MEMBER, index, 0);
}

struct value path_value(struct solver *solver, const struct value *address, unsigned bytes)
{
    struct value v;
    uint32_t index;

    if (!value_is_place(address) || address->kind == VALUE_STACK) {
        return value_unknown();
    }
    index = intern(solver, address);
    if (index == NO_INDEX) {
        return value_unknown();
    }
    v = value_symbol(VALUE_MEMBER, index, 0);
    v.object = (uint8_t)object_member((enum object_type)address->object, address->number);
    return value_low(&v, bytes);
}
