/* SPDX-License-Identifier: MIT */
/*
 * As what the system calls the routines of a driver.
 *
 * A routine gets a role when its address is stored where the system looks for one, or handed over
 * in a call.  Where a store goes is known when the type of the object is, and types follow from
 * roles: DriverEntry has the DRIVER_OBJECT, what it stores in there are dispatch routines, what
 * those store in a stack location is a completion routine.  So it goes round until nothing new is
 * found.
 */
#include "advise/roles.h"

#include <stdlib.h>
#include <string.h>

#include "base/host.h"

enum {
    ROUNDS = 16, /* longest chain of roles and types that is followed */
    STUBS = 3,   /* entry points around DriverEntry: GsDriverEntry, FxDriverEntry and its worker */
    STUB_CALLS = 3,     /* calls of one that only prepares */
    DEFAULT_MAJORS = 8, /* a routine in so many places of the table is there for all others */
};

/* Called raised, or while nothing can be paged in, when the driver is on the paging path. */
#define PAGING_PATH_ROLES                                                                          \
    (ROLE_BIT(ROLE_DISPATCH_TRANSFER) | ROLE_BIT(ROLE_DISPATCH_POWER) | ROLE_BIT(ROLE_POWER_UP))

/* ---- stores by place ---- */

int64_t stored_position(const struct infer_pointer *pointer)
{
    return (int64_t)((uint64_t)pointer->base.number + (uint64_t)pointer->offset);
}

static int compare(const struct stored *a, const struct stored *b)
{
    if (a->function != b->function) {
        return a->function < b->function ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    if (a->position != b->position) {
        return a->position < b->position ? -1 : 1;
    }
    return (a->pointer > b->pointer) - (a->pointer < b->pointer);
}

static int compare_stored(const void *a, const void *b)
{
    return compare(a, b);
}

static struct stored key_of(uint32_t function, const struct value *base, int64_t position)
{
    bool shared = base->kind == VALUE_ADDRESS;

    return (struct stored){.function = shared ? NO_INDEX : function,
                           .kind = base->kind,
                           .index = shared ? 0 : base->index,
                           .position = position};
}

uint32_t stored_at(const struct roles *roles, uint32_t function, const struct value *base,
                   int64_t offset, uint32_t *first)
{
    struct stored key =
        key_of(function, base, (int64_t)((uint64_t)base->number + (uint64_t)offset));
    uint32_t low = 0, high = roles->stored_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare(&roles->stored[middle], &key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *first = low;
    while (high < roles->stored_count && roles->stored[high].function == key.function &&
           roles->stored[high].kind == key.kind && roles->stored[high].index == key.index &&
           roles->stored[high].position == key.position) {
        high++;
    }
    return high - low;
}

static void collect_stores(struct roles *roles)
{
    const struct infer *infer = roles->infer;

    for (uint32_t f = 0; f < infer->program->function_count; f++) {
        const struct summary *summary = &infer->summaries[f];

        for (uint32_t i = 0; i < summary->pointer_count; i++) {
            const uint32_t p = summary->first_pointer + i;
            const struct infer_pointer *pointer = &infer->pointers[p];
            struct stored *stored = &roles->stored[roles->stored_count];

            if (pointer->call != NO_INDEX || pointer->base.kind == VALUE_UNKNOWN ||
                pointer->base.bytes != 0) {
                continue;
            }
            *stored = key_of(f, &pointer->base, stored_position(pointer));
            stored->pointer = p;
            roles->stored_count++;
        }
    }
    qsort(roles->stored, roles->stored_count, sizeof roles->stored[0], compare_stored);
}

/* ---- roles ---- */

void role_add(struct roles *roles, uint32_t function, enum role role, bool inferred)
{
    role_set *set = inferred ? &roles->inferred[function] : &roles->sure[function];

    if (role == ROLE_NONE || (*set & ROLE_BIT(role)) != 0) {
        return;
    }
    *set |= ROLE_BIT(role);
    roles->changed = true;
    types_of_role(roles, function, role);
}

static void roles_of_stores(struct roles *roles)
{
    const struct infer *infer = roles->infer;

    for (uint32_t f = 0; f < infer->program->function_count; f++) {
        const struct summary *summary = &infer->summaries[f];

        for (uint32_t i = 0; i < summary->pointer_count; i++) {
            const uint32_t p = summary->first_pointer + i;
            const struct infer_pointer *pointer = &infer->pointers[p];
            enum object_type type;
            enum role role;

            if (pointer->call != NO_INDEX || roles->used[p]) {
                continue;
            }
            type = type_of(roles, f, &pointer->base);
            role = object_role(type, stored_position(pointer));
            if (role == ROLE_NONE) {
                continue;
            }
            if (type == OBJECT_DRIVER && roles->majors[pointer->function] < UINT8_MAX) {
                roles->majors[pointer->function]++;
            }
            role_add(roles, pointer->function, role, false);
            roles->used[p] = true;
        }
    }
}

/* ---- DriverEntry ---- */

static bool binds_to_kmdf(const struct program *program, uint32_t f)
{
    const struct function *function = &program->functions[f];

    for (uint32_t i = 0; i < function->call_count; i++) {
        const struct call *call = &program->calls[function->first_call + i];

        if (call->target == CALL_IMPORT && program->imports[call->index].name != NULL &&
            strcmp(program->imports[call->index].name, "WdfVersionBind") == 0) {
            return true;
        }
    }
    return false;
}

static bool passes_both(const struct infer_site *site)
{
    for (uint32_t k = 0; k < 2; k++) {
        const struct value *v = &site->arguments[k];

        if (v->kind != VALUE_ARGUMENT || v->index != k || v->number != 0 || v->bytes != 0) {
            return false;
        }
    }
    return true;
}

/* The function that an entry point hands its arguments on to, when that is all it is there for: it
 * makes few calls and registers nothing, or binds to KMDF.  Of several such calls the last is
 * meant: what comes before prepares. */
static uint32_t entry_behind(const struct roles *roles, uint32_t f)
{
    const struct infer *infer = roles->infer;
    const struct program *program = infer->program;
    const struct summary *summary = &infer->summaries[f];
    uint32_t behind = NO_INDEX;

    if ((program->functions[f].call_count > STUB_CALLS || summary->pointer_count != 0) &&
        !binds_to_kmdf(program, f)) {
        return NO_INDEX;
    }
    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &infer->sites[summary->first_site + i];
        const struct call *call = site->call == NO_INDEX ? NULL : &program->calls[site->call];

        if (call != NULL && call->target == CALL_FUNCTION && call->index != f &&
            program->functions[call->index].caller_count == 1 && passes_both(site)) {
            behind = call->index;
        }
    }
    return behind;
}

static void find_entry(struct roles *roles)
{
    const struct program *program = roles->infer->program;
    uint32_t entry = program->image->entry_rva == 0
                         ? NO_INDEX
                         : program_function_at(program, program->image->entry_rva);

    for (unsigned stubs = 0; entry != NO_INDEX && stubs <= STUBS; stubs++) {
        role_add(roles, entry, ROLE_DRIVER_ENTRY, false);
        entry = entry_behind(roles, entry);
    }
}

/* ---- all together ---- */

/* Of several roles the one that demands most gives the name: residence first, proof second. */
static enum role leading_role(role_set sure, role_set all)
{
    enum role leading = ROLE_NONE;
    unsigned best = 0;

    for (unsigned role = ROLE_NONE + 1; role < ROLE_COUNT; role++) {
        unsigned weight;

        if ((all & ROLE_BIT(role)) == 0) {
            continue;
        }
        weight = 1 + 4 * role_text(role)->must_be_resident + 2 * role_text(role)->better_resident +
                 ((sure & ROLE_BIT(role)) != 0);
        if (weight > best) {
            best = weight;
            leading = role;
        }
    }
    return leading;
}

static void finish_entry(struct entry *entry, role_set sure, role_set inferred)
{
    role_set all = sure | inferred;

    entry->role = (uint8_t)leading_role(sure, all);
    entry->role_inferred = entry->role != ROLE_NONE && (sure & ROLE_BIT(entry->role)) == 0;
    entry->role_count = (uint8_t)__builtin_popcountll(all);
    entry->paging = (all & PAGING_PATH_ROLES) != 0 ? IRQL_BIT(IRQL_D) : 0;
    for (unsigned role = ROLE_NONE + 1; role < ROLE_COUNT; role++) {
        if ((sure & ROLE_BIT(role)) != 0) {
            entry->certain |= role_text(role)->certain;
        }
        if ((all & ROLE_BIT(role)) != 0) {
            entry->possible |= role_text(role)->possible;
        }
    }
}

/* Drivers fill the whole table with one routine and then set some places: where that is done in
 * another function, the routine for power is the one that is not everywhere. */
static void settle_default(struct roles *roles)
{
    const role_set power = ROLE_BIT(ROLE_DISPATCH_POWER);
    uint32_t functions = roles->infer->program->function_count;
    bool own = false;

    for (uint32_t f = 0; f < functions; f++) {
        own = own || ((roles->sure[f] & power) != 0 && roles->majors[f] < DEFAULT_MAJORS);
    }
    for (uint32_t f = 0; own && f < functions; f++) {
        if (roles->majors[f] >= DEFAULT_MAJORS) {
            roles->sure[f] &= ~power;
        }
    }
}

static void solve(struct roles *roles)
{
    memset(roles->stale, 1, roles->infer->program->function_count);
    find_entry(roles);
    for (unsigned round = 0; round < ROUNDS; round++) {
        roles->changed = false;
        if (round == 0) {
            roles_of_calls(roles);
        }
        types_propagate(roles);
        roles_of_stores(roles);
        if (!roles->changed) {
            break;
        }
    }
    roles_of_patterns(roles);
    types_propagate(roles);
    roles_of_stores(roles);
    types_finish(roles);
    settle_default(roles);
}

/* ---- addresses that no role explains ---- */

/* Stored where nobody is known to look, or handed to somebody who is not known.  A local variable
 * is no such place, and neither is the rest of a DRIVER_OBJECT that is filled in a loop. */
static bool is_unexplained(const struct roles *roles, uint32_t p)
{
    const struct infer_pointer *pointer = &roles->infer->pointers[p];

    if (roles->used[p]) {
        return false;
    }
    if (pointer->call == NO_INDEX) {
        return pointer->base.kind != VALUE_STACK && pointer->base.kind != VALUE_UNKNOWN;
    }
    return roles_contract(roles, pointer->call) == NULL;
}

static void note_elsewhere(struct roles *roles)
{
    const struct program *program = roles->infer->program;
    struct entry *entries = roles->infer->entries;
    uint32_t target;

    for (uint32_t p = 0; p < roles->infer->pointer_count; p++) {
        if (is_unexplained(roles, p)) {
            entries[roles->infer->pointers[p].function].elsewhere = IRQL_ANY;
        }
    }
    for (uint32_t i = 0; i < program->pointer_count; i++) {
        if (!roles->used_static[i] && program_pointer_at(program, program->pointers[i], &target)) {
            uint32_t function = program_function_at(program, target);

            if (function != NO_INDEX) {
                entries[function].elsewhere = IRQL_ANY;
            }
        }
    }
}

pg_status infer_roles(struct infer *infer)
{
    uint32_t functions = infer->program->function_count;
    struct roles roles = {.infer = infer};
    pg_status status = PG_E_NO_MEMORY;

    roles.sure = host.allocate((functions + 1u) * sizeof roles.sure[0]);
    roles.inferred = host.allocate((functions + 1u) * sizeof roles.inferred[0]);
    roles.majors = host.allocate((functions + 1u) * sizeof roles.majors[0]);
    roles.stale = host.allocate((functions + 1u) * sizeof roles.stale[0]);
    roles.used = host.allocate((infer->pointer_count + 1u) * sizeof roles.used[0]);
    roles.used_static =
        host.allocate((infer->program->pointer_count + 1u) * sizeof roles.used_static[0]);
    roles.stored = host.allocate((infer->pointer_count + 1u) * sizeof roles.stored[0]);
    if (roles.sure != NULL && roles.inferred != NULL && roles.majors != NULL &&
        roles.stale != NULL && roles.used != NULL && roles.used_static != NULL &&
        roles.stored != NULL) {
        collect_stores(&roles);
        solve(&roles);
        for (uint32_t f = 0; f < functions; f++) {
            finish_entry(&infer->entries[f], roles.sure[f], roles.inferred[f]);
        }
        note_elsewhere(&roles);
        status = PG_OK;
    }
    host.release(roles.stored);
    host.release(roles.used_static);
    host.release(roles.used);
    host.release(roles.stale);
    host.release(roles.majors);
    host.release(roles.inferred);
    host.release(roles.sure);
    return status;
}
