/* SPDX-License-Identifier: MIT */
/*
 * States: registers, known memory, facts; and when two are one.
 *
 * A cell's key is, from the top: kind of the base (4 bits), 1 for a lock handle, index of the base
 * (27 bits), offset + 2^31 (32 bits).  So all cells of one base are neighbours in the order of
 * their offsets, and joining two states is one walk through both.  Bases that do not fit are not
 * tracked.
 */
#include "advise/state.h"

#include <string.h>

enum { INDEX_BITS = 27, INDEX_SHIFT = 32, HANDLE_SHIFT = 59, KIND_SHIFT = 60, WIDEST_CELL = 8 };

static bool key_of(const struct value *base, bool handle, uint64_t *key)
{
    if (base->index >> INDEX_BITS != 0 || base->number < INT32_MIN || base->number > INT32_MAX) {
        return false;
    }
    *key = (uint64_t)base->kind << KIND_SHIFT | (uint64_t)handle << HANDLE_SHIFT |
           (uint64_t)base->index << INDEX_SHIFT | (uint64_t)(base->number - INT32_MIN);
    return true;
}

struct value cell_base(const struct cell *cell)
{
    uint64_t key = cell->key;

    return value_symbol((enum value_kind)(key >> KIND_SHIFT),
                        (uint32_t)(key >> INDEX_SHIFT) & ((1u << INDEX_BITS) - 1),
                        (int64_t)(key & UINT32_MAX) + INT32_MIN);
}

/* The first cell whose key is at least this. */
static uint32_t lower_bound(const struct state *state, uint64_t key)
{
    uint32_t low = 0, high = state->cell_count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (state->cells[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void state_begin(struct state *state)
{
    static const uint8_t order[] = {1, 2, 8, 9}; /* rcx, rdx, r8, r9 */

    memset(state, 0, offsetof(struct state, cells));
    state->now = IRQL_IDENTITY;
    for (uint32_t i = 0; i < sizeof order; i++) {
        state->registers[order[i]] = value_symbol(VALUE_ARGUMENT, i, 0);
    }
    state->registers[MICRO_RSP] = value_symbol(VALUE_STACK, 0, 0);
}

size_t state_bytes(const struct state *state)
{
    return offsetof(struct state, cells) + state->cell_count * sizeof state->cells[0];
}

void state_copy(struct state *to, const struct state *from)
{
    memcpy(to, from, state_bytes(from));
}

/* ---- memory ---- */

static void remove_cells(struct state *state, uint32_t at, uint32_t count)
{
    memmove(&state->cells[at], &state->cells[at + count],
            (state->cell_count - at - count) * sizeof state->cells[0]);
    state->cell_count = (uint8_t)(state->cell_count - count);
}

/* The cell that is least missed: saved IRQLs and constants decide, pointers are only convenient. */
static uint32_t least_missed(const struct state *state)
{
    uint32_t constant = STATE_CELLS;

    for (uint32_t i = 0; i < STATE_CELLS; i++) {
        uint8_t kind = state->cells[i].value.kind;

        if (kind != VALUE_IRQL && kind != VALUE_CONSTANT) {
            return i;
        }
        if (kind == VALUE_CONSTANT && constant == STATE_CELLS) {
            constant = i;
        }
    }
    return constant < STATE_CELLS ? constant : 0;
}

static void insert(struct state *state, uint64_t key, unsigned bytes, const struct value *v)
{
    uint32_t at;

    if (state->cell_count == STATE_CELLS) {
        remove_cells(state, least_missed(state), 1);
    }
    at = lower_bound(state, key);
    memmove(&state->cells[at + 1], &state->cells[at],
            (state->cell_count - at) * sizeof state->cells[0]);
    state->cells[at] = (struct cell){.key = key, .bytes = (uint8_t)bytes, .value = *v};
    state->cell_count++;
}

bool state_load(const struct state *state, const struct value *base, unsigned bytes,
                struct value *out)
{
    uint64_t key;
    uint32_t at;

    if (!value_is_place(base) || !key_of(base, false, &key)) {
        return false;
    }
    at = lower_bound(state, key);
    if (at == state->cell_count || state->cells[at].key != key || state->cells[at].bytes < bytes) {
        return false;
    }
    *out = value_low(&state->cells[at].value, bytes);
    return true;
}

void state_forget(struct state *state, const struct value *base, uint32_t bytes)
{
    uint64_t key, base_bits, from;
    uint32_t at, kept;

    if (!value_is_place(base) || !key_of(base, false, &key)) {
        return;
    }
    base_bits = key >> INDEX_SHIFT;
    from = (key & UINT32_MAX) < WIDEST_CELL ? key & ~(uint64_t)UINT32_MAX : key - WIDEST_CELL + 1;
    at = kept = lower_bound(state, from);
    for (; at < state->cell_count; at++) {
        struct cell *cell = &state->cells[at];
        bool outside = cell->key >> INDEX_SHIFT != base_bits || cell->key >= key + bytes;

        if (outside) {
            break;
        }
        if (cell->key + cell->bytes <= key ||
            (cell->value.kind != VALUE_CONSTANT && cell->key > key && bytes > WIDEST_CELL)) {
            state->cells[kept++] = *cell;
        }
    }
    remove_cells(state, kept, at - kept);
}

void state_store(struct state *state, const struct value *base, unsigned bytes,
                 const struct value *v)
{
    uint64_t key;

    state_forget(state, base, bytes);
    if (v->kind == VALUE_UNKNOWN || bytes > WIDEST_CELL || !value_is_place(base) ||
        !key_of(base, false, &key)) {
        return;
    }
    insert(state, key, bytes, v);
}

bool state_load_handle(const struct state *state, const struct value *base, struct value *out)
{
    uint64_t key;
    uint32_t at;

    if (!key_of(base, true, &key)) {
        return false;
    }
    at = lower_bound(state, key);
    if (at == state->cell_count || state->cells[at].key != key) {
        return false;
    }
    *out = state->cells[at].value;
    return true;
}

void state_store_handle(struct state *state, const struct value *base, const struct value *irql)
{
    uint64_t key;
    uint32_t at;

    if (!key_of(base, true, &key)) {
        return;
    }
    at = lower_bound(state, key);
    if (at < state->cell_count && state->cells[at].key == key) {
        state->cells[at].value = *irql;
    } else {
        insert(state, key, STATE_CELL_IRQL_HANDLE, irql);
    }
}

/* ---- facts ---- */

static bool same_symbol(const struct value *a, const struct value *b)
{
    return a->kind == b->kind && a->index == b->index && a->number == b->number;
}

static void remove_fact(struct state *state, uint32_t at)
{
    state->facts[at] = state->facts[--state->fact_count];
}

void state_add_fact(struct state *state, const struct fact *fact)
{
    for (uint32_t i = 0; i < state->fact_count; i++) {
        if (same_symbol(&state->facts[i].symbol, &fact->symbol) &&
            state->facts[i].mask == fact->mask) {
            if (fact->equal || !state->facts[i].equal || state->facts[i].stale) {
                state->facts[i] = *fact;
            }
            return;
        }
    }
    if (state->fact_count == STATE_FACTS) { /* the oldest goes */
        memmove(state->facts, state->facts + 1, (STATE_FACTS - 1) * sizeof state->facts[0]);
        state->fact_count--;
    }
    state->facts[state->fact_count++] = *fact;
}

const struct fact *state_fact(const struct state *state, const struct value *symbol, uint64_t mask)
{
    for (uint32_t i = 0; i < state->fact_count; i++) {
        if (same_symbol(&state->facts[i].symbol, symbol) && state->facts[i].mask == mask) {
            return &state->facts[i];
        }
    }
    return NULL;
}

void state_renew(struct state *state, enum value_kind kind, uint32_t index)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < state->fact_count;) {
        if (state->facts[i].symbol.kind == kind && state->facts[i].symbol.index == index) {
            remove_fact(state, i);
        } else {
            i++;
        }
    }
    for (uint32_t i = 0; i < STATE_REGISTERS; i++) {
        if (state->registers[i].kind == kind && state->registers[i].index == index) {
            state->registers[i] = value_unknown();
        }
    }
    for (uint32_t i = 0; i < state->cell_count; i++) {
        if (state->cells[i].value.kind != kind || state->cells[i].value.index != index) {
            state->cells[kept++] = state->cells[i];
        }
    }
    state->cell_count = (uint8_t)kept;
}

void state_age_memory_facts(struct state *state)
{
    for (uint32_t i = 0; i < state->fact_count; i++) {
        state->facts[i].stale |= state->facts[i].symbol.kind == VALUE_MEMBER;
    }
}

void state_forget_memory_facts(struct state *state)
{
    for (uint32_t i = 0; i < state->fact_count;) {
        if (state->facts[i].symbol.kind == VALUE_MEMBER) {
            remove_fact(state, i);
        } else {
            i++;
        }
    }
}

/* ---- joining ---- */

bool state_same_kind(const struct state *a, const struct state *b)
{
    return a->now == b->now && a->since == b->since && value_equal(&a->restored, &b->restored) &&
           value_equal(&a->wait, &b->wait) && value_equal(&a->masked, &b->masked);
}

static bool join_value(struct value *into, const struct value *from)
{
    struct value joined;
    bool changed;

    if (into->kind == VALUE_UNKNOWN || memcmp(into, from, sizeof *into) == 0) {
        return false; /* as it is most often */
    }
    joined = value_join(into, from);
    changed = !value_equal(&joined, into);
    *into = joined;
    return changed;
}

static bool join_cells(struct state *into, const struct state *from)
{
    uint32_t kept = 0, other = 0;
    bool changed = false;

    for (uint32_t i = 0; i < into->cell_count; i++) {
        struct cell cell = into->cells[i];

        while (other < from->cell_count && from->cells[other].key < cell.key) {
            other++;
        }
        if (other == from->cell_count || from->cells[other].key != cell.key ||
            from->cells[other].bytes != cell.bytes) {
            changed = true;
            continue;
        }
        changed |= join_value(&cell.value, &from->cells[other].value);
        if (cell.value.kind != VALUE_UNKNOWN) {
            into->cells[kept++] = cell;
        }
    }
    into->cell_count = (uint8_t)kept;
    return changed;
}

static bool join_facts(struct state *into, const struct state *from)
{
    bool changed = false;

    for (uint32_t i = 0; i < into->fact_count;) {
        struct fact *mine = &into->facts[i];
        const struct fact *theirs = state_fact(from, &mine->symbol, mine->mask);

        if (theirs != NULL && theirs->equal == mine->equal && theirs->number == mine->number) {
            changed |= theirs->stale && !mine->stale;
            mine->stale |= theirs->stale;
            i++;
            continue;
        }
        remove_fact(into, i);
        changed = true;
    }
    return changed;
}

/* Rows that differ hold what either allows, and are vague for it. */
static bool join_irql(struct state *into, const struct state *from)
{
    irql_relation now = into->now | from->now;
    irql_relation vague = into->vague | from->vague | (now & irql_rows(into->now ^ from->now));
    bool same = into->since == from->since && value_equal(&into->restored, &from->restored);
    bool changed = now != into->now || vague != into->vague;

    if (!same && into->restored.kind != VALUE_UNKNOWN) {
        into->restored = value_unknown();
        into->since = 0;
        changed = true;
    }
    if (!same && vague != now) { /* one of the two was but an estimate */
        vague = now;
        changed = true;
    }
    into->now = now;
    into->vague = vague;
    changed |= join_value(&into->wait, &from->wait);
    changed |= join_value(&into->masked, &from->masked);
    changed |= join_value(&into->saved, &from->saved);
    if (from->waited && !into->waited) {
        into->waited = changed = true;
    }
    return changed;
}

static bool join_flags(struct flags *into, const struct flags *from)
{
    if (into->kind == FLAGS_UNKNOWN ||
        (into->kind == from->kind && into->bytes == from->bytes &&
         value_equal(&into->left, &from->left) && value_equal(&into->right, &from->right))) {
        return false;
    }
    *into = (struct flags){.kind = FLAGS_UNKNOWN};
    return true;
}

bool state_join(struct state *into, const struct state *from)
{
    bool changed = join_irql(into, from);

    changed |= join_flags(&into->flags, &from->flags);
    if (memcmp(into->registers, from->registers, sizeof into->registers) != 0) {
        for (uint32_t i = 0; i < STATE_REGISTERS; i++) {
            changed |= join_value(&into->registers[i], &from->registers[i]);
        }
    }
    changed |= join_cells(into, from);
    changed |= join_facts(into, from);
    return changed;
}

void state_set_add(struct state_set *set, const struct state *state)
{
    if (state->now == 0) {
        return;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (state_same_kind(&set->states[i], state)) {
            state_join(&set->states[i], state);
            return;
        }
    }
    if (set->count < INFER_STATES) {
        state_copy(&set->states[set->count++], state);
    } else {
        state_join(&set->states[set->count - 1], state);
    }
}
