/* SPDX-License-Identifier: MIT */
/*
 * Follows the flow from the starts that are known, and finds others on the way.
 *
 * Every instruction is decoded here once, so the work is linear in the bytes of code whatever they
 * are: a place that was marked is never walked again.
 */
#include "advise/program_private.h"

uint32_t program_import_of(const struct program *program, const struct micro *micro)
{
    if ((micro->kind != MICRO_CALL_INDIRECT && micro->kind != MICRO_JUMP_INDIRECT) ||
        micro->second != MICRO_MEMORY || micro->base != MICRO_RIP ||
        micro->index != MICRO_NO_REGISTER || micro->segment) {
        return NO_INDEX;
    }
    return program_import_at(program, (uint32_t)micro->displacement);
}

bool program_ends_there(const struct builder *builder, const struct micro *micro,
                        const uint8_t *next, uint32_t left)
{
    uint32_t import;

    if (micro->kind == MICRO_BREAK) {
        return left == 0 || *next == 0xcc;
    }
    import = program_import_of(builder->out, micro);
    return import != NO_INDEX && builder->out->imports[import].contract != NULL &&
           (builder->out->imports[import].contract->traits & TRAIT_NO_RETURN) != 0;
}

/* The first `count` <= 8 of eight bytes. */
static uint64_t first_of_eight(unsigned count)
{
    return count < 8 ? (UINT64_C(1) << count * 8) - 1 : UINT64_MAX;
}

/* Marks the bytes of an instruction; false when some of them are taken. */
static bool claim(struct builder *builder, uint32_t place, unsigned length)
{
    uint8_t *marks = builder->marks + place;
    uint64_t ours = first_of_eight(length), eight = program_eight(marks);

    if ((eight & EIGHT_TIMES(MARK_TAKEN) & ours) != 0) {
        return false;
    }
    if (length > 8) {
        uint64_t more = program_eight(marks + 8), rest = first_of_eight(length - 8);

        if ((more & EIGHT_TIMES(MARK_TAKEN) & rest) != 0) {
            return false;
        }
        more |= EIGHT_TIMES(MARK_BODY) & rest;
        memcpy(marks + 8, &more, sizeof(more));
    }
    eight |= (EIGHT_TIMES(MARK_BODY) ^ MARK_BODY ^ MARK_START) & ours;
    memcpy(marks, &eight, sizeof(eight));
    return true;
}

/* The newest `count` instructions are a flow from `place` on. */
static void add_flow(struct builder *builder, uint32_t place, uint32_t count)
{
    uint32_t *chunk = &builder->chunk_flows[place / CHUNK_BYTES];
    struct flow *flow;

    if (count == 0) {
        return;
    }
    flow = list_add(builder, &builder->flows, sizeof(*flow));
    if (flow != NULL) {
        *flow = (struct flow){place, builder->found.count - count, count, *chunk};
        *chunk = builder->flows.count - 1;
    }
}

static void add_span(struct builder *builder, uint32_t a, uint32_t b)
{
    struct place_pair *span = list_add(builder, &builder->spans, sizeof(*span));

    if (span != NULL) {
        *span = a < b ? (struct place_pair){a, b} : (struct place_pair){b, a};
    }
}

void program_add_label(struct builder *builder, uint32_t place, const struct known *known)
{
    struct label *label;

    if ((builder->marks[place] & (MARK_TAKEN | MARK_BAD)) != 0) {
        if ((builder->marks[place] & MARK_START) != 0) {
            builder->marks[place] |= MARK_LEADER;
        }
        return;
    }
    label = list_add(builder, &builder->labels, sizeof(*label));
    if (label != NULL) {
        label->place = place;
        label->known = *known;
    }
}

/* A jump to the start of a function, or out of .pdata or into it, calls; any other stays inside. */
static void jump(struct builder *builder, uint32_t from, uint32_t target_rva,
                 const struct known *known)
{
    uint32_t place = program_place(builder, target_rva);
    uint8_t differ;

    if (place == NO_PLACE || builder->sources[place] != 0) {
        return;
    }
    differ = builder->marks[from] ^ builder->marks[place];
    if ((differ & MARK_PDATA) != 0) {
        program_add_start(builder, place, FROM_CALL);
        return;
    }
    if ((builder->marks[from] & MARK_PDATA) == 0) {
        add_span(builder, from, place);
    }
    program_add_label(builder, place, known);
}

static void point(struct builder *builder, uint32_t rva)
{
    uint32_t place = program_place(builder, rva);

    if (place != NO_PLACE) {
        list_add_place(builder, &builder->pointed, place);
    }
}

/* What an instruction refers to.  False: the flow ends with it. */
static bool follow(struct builder *builder, const struct trail *trail, uint32_t place)
{
    const struct micro *micro = &trail->first[trail->count - 1];

    switch ((enum micro_kind)micro->kind) {
    case MICRO_LEA:
        if (micro->base == MICRO_RIP && micro->index == MICRO_NO_REGISTER && !micro->segment) {
            point(builder, (uint32_t)micro->displacement);
        }
        return true;
    case MICRO_CALL:
        program_add_start(builder, program_place(builder, micro->target), FROM_CALL);
        return true;
    case MICRO_JUMP_IF:
    case MICRO_JUMP:
        jump(builder, place, micro->target, &trail->known);
        return micro->kind == MICRO_JUMP_IF;
    case MICRO_JUMP_INDIRECT:
        if (program_import_of(builder->out, micro) == NO_INDEX) {
            program_follow_table(builder, trail, place);
        }
        return false;
    case MICRO_RETURN:
    case MICRO_STOP:
        return false;
    default:
        return true;
    }
}

static void remember(struct trail *trail, const struct micro *micro)
{
    enum { KEPT_BY_CALLS = 0xf0e8 };

    struct known *known = &trail->known;

    trail->count++;
    known->registers &= (uint16_t)~micro->writes;
    if (micro->kind == MICRO_LEA && micro->base == MICRO_RIP && micro->index == MICRO_NO_REGISTER &&
        micro->first_bytes == 8) {
        known->registers |= (uint16_t)(1u << micro->first_register);
        known->address[micro->first_register] = (uint32_t)micro->displacement;
    } else if (micro->kind == MICRO_CALL || micro->kind == MICRO_CALL_INDIRECT) {
        known->registers &= KEPT_BY_CALLS;
    }
}

/* Whether what comes next is no longer of this flow: another function, or out of .pdata or into it.
 */
static bool is_border(const struct builder *builder, uint32_t place)
{
    return builder->sources[place] != 0 ||
           ((builder->marks[place] ^ builder->marks[place - 1]) & MARK_PDATA) != 0;
}

/* Decodes and marks the next instruction of a flow.  NULL: there is none. */
static const struct micro *take_next(struct builder *builder, const struct area *area,
                                     uint32_t place, struct trail *trail)
{
    uint32_t at = place - area->place;
    struct micro *micro = list_add(builder, &builder->found, sizeof(*micro));

    if (micro == NULL) {
        return NULL;
    }
    micro_decode(&builder->decoder, area->code + at, area->bytes - at, area->rva + at, micro);
    if (micro->kind == MICRO_INVALID || !claim(builder, place, micro->length)) {
        builder->marks[place] |= MARK_BAD;
        builder->found.count--;
        return NULL;
    }
    trail->first = micro - trail->count; /* the list may have moved */
    remember(trail, micro);
    return micro;
}

/* From a label to the end of the flow, or to code that is known. */
static void walk_flow(struct builder *builder, const struct label *label)
{
    const struct area *area = program_area(builder, label->place);
    uint32_t place = label->place, end = area->place + area->bytes;
    struct trail trail;

    trail.count = 0;
    trail.known = label->known;

    builder->marks[place] |= MARK_LEADER;
    while (place < end && (builder->marks[place] & (MARK_TAKEN | MARK_BAD)) == 0 &&
           (trail.count == 0 || !is_border(builder, place))) {
        const struct micro *micro = take_next(builder, area, place, &trail);
        uint32_t next;

        if (micro == NULL) {
            break;
        }
        next = place + micro->length;
        if (!follow(builder, &trail, place) ||
            program_ends_flow(builder, micro, area->code + (next - area->place), end - next)) {
            break;
        }
        if (micro->kind == MICRO_JUMP_IF && next < end) {
            builder->marks[next] |= MARK_LEADER;
        }
        place = next;
    }
    add_flow(builder, label->place, trail.count);
}

static uint32_t take(struct list *list)
{
    return ((const uint32_t *)list->items)[--list->count];
}

static void walk_labels(struct builder *builder)
{
    while (builder->labels.count != 0 && !builder->no_memory) {
        struct label label = ((const struct label *)builder->labels.items)[--builder->labels.count];

        if ((builder->marks[label.place] & MARK_START) != 0) {
            builder->marks[label.place] |= MARK_LEADER;
        } else if ((builder->marks[label.place] & (MARK_TAKEN | MARK_BAD)) == 0) {
            walk_flow(builder, &label);
        }
    }
}

static void walk_pending(struct builder *builder)
{
    while (builder->pending.count != 0 && !builder->no_memory) {
        program_add_label(builder, take(&builder->pending), &(struct known){0});
        walk_labels(builder);
    }
}

/* Whether what a pointer names can be a routine: not padding, not a label of code that is known. */
static bool is_plausible(const struct builder *builder, uint32_t place)
{
    const struct area *area = program_area(builder, place);
    uint32_t at = place - area->place;
    struct micro micro;

    if (builder->sources[place] != 0) {
        return true;
    }
    if ((builder->marks[place] & MARK_PDATA) != 0 || (builder->marks[place] & MARK_TAKEN) != 0) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) { /* enough to tell most data */
        micro_decode(&builder->decoder, area->code + at, area->bytes - at, 0, &micro);
        if (micro.kind == MICRO_INVALID || micro.kind == MICRO_BREAK ||
            (area->code[at] == 0 && micro.length == 2 && area->code[at + 1] == 0)) {
            return false;
        }
        at += micro.length;
        if (micro.kind == MICRO_RETURN || micro.kind == MICRO_JUMP ||
            micro.kind == MICRO_JUMP_INDIRECT || micro.kind == MICRO_STOP || at >= area->bytes) {
            break;
        }
    }
    return true;
}

void program_walk(struct builder *builder)
{
    walk_pending(builder);
    while (builder->pointed.count != 0 && !builder->no_memory) {
        uint32_t place = take(&builder->pointed);

        if (is_plausible(builder, place)) {
            program_add_start(builder, place, FROM_POINTER);
            walk_pending(builder);
        }
    }
}

void program_walk_label(struct builder *builder, uint32_t place)
{
    program_add_label(builder, place, &(struct known){0});
    walk_labels(builder);
    program_walk(builder);
}
