/* SPDX-License-Identifier: MIT */
/*
 * What nobody is known to reach: handlers of exceptions, routines that only tables computed at run
 * time name, and routines without any caller.  Padding is told from code here, and data by trying:
 * a gap becomes code only if it decodes to an instruction that ends the flow.
 *
 * A gap within an entry of .pdata, or between the jumps of a routine that has none, belongs to that
 * routine; any other begins a function.
 */
#include "advise/program_private.h"

#include <stdlib.h>

#define FUNCTION_ALIGNMENT 16u

static int compare_pairs(const void *a, const void *b)
{
    const struct place_pair *left = a, *right = b;

    return left->from != right->from ? (left->from < right->from ? -1 : 1)
                                     : (left->to > right->to) - (left->to < right->to);
}

/* Whether code begins here.  *end: the place up to which was looked. */
static bool is_code(const struct builder *builder, const struct area *area, uint32_t place,
                    uint32_t *end)
{
    uint32_t last = area->place + area->bytes;
    uint8_t before = MICRO_INVALID;

    while (place < last && (builder->marks[place] & (MARK_TAKEN | MARK_BAD)) == 0) {
        const uint8_t *code = area->code + (place - area->place);
        struct micro micro;

        micro_decode(&builder->decoder, code, last - place, area->rva + (place - area->place),
                     &micro);
        *end = place;
        if (micro.kind == MICRO_INVALID || (code[0] == 0 && last - place > 1 && code[1] == 0)) {
            return false;
        }
        for (unsigned i = 1; i < micro.length; i++) {
            if ((builder->marks[place + i] & MARK_TAKEN) != 0) {
                return false;
            }
        }
        if (program_always_ends(micro.kind)) {
            return true;
        }
        if (program_ends_flow(builder, &micro, code + micro.length, last - place - micro.length)) {
            /* Into padding: from a call that never returns, or such a call itself. */
            return micro.kind != MICRO_BREAK || before == MICRO_CALL ||
                   before == MICRO_CALL_INDIRECT;
        }
        before = micro.kind;
        place += micro.length;
    }
    /* Into code that is known: likely, but into a function only after a call that never returns. */
    *end = place;
    return place < last && (builder->marks[place] & MARK_START) != 0 &&
           (builder->sources[place] == 0 || before == MICRO_CALL || before == MICRO_CALL_INDIRECT);
}

/* Bytes of padding at a place, 0: it is none. */
static unsigned padding(const struct builder *builder, const struct area *area, uint32_t place)
{
    uint32_t left = area->place + area->bytes - place;
    const uint8_t *code = area->code + (place - area->place);
    struct micro micro;

    if (*code == 0xcc || *code == 0) {
        return 1;
    }
    micro_decode(&builder->decoder, code, left, 0, &micro);
    if (micro.kind != MICRO_NOTHING || *code == 0xf3) { /* endbr64 begins a routine */
        return 0;
    }
    for (unsigned i = 1; i < micro.length; i++) {
        if ((builder->marks[place + i] & MARK_TAKEN) != 0) {
            return 0;
        }
    }
    return micro.length;
}

static void walk_gap(struct builder *builder, const struct area *area, uint32_t place, bool inside)
{
    uint32_t end, last = area->place + area->bytes;

    if (!is_code(builder, area, place, &end)) {
        /* On with the next routine, wherever the bytes at fault end. */
        end = end + 1 - area->place;
        end = area->place + ((end + FUNCTION_ALIGNMENT - 1) & ~(FUNCTION_ALIGNMENT - 1));
        for (uint32_t at = place; at < end && at < last; at++) {
            if ((builder->marks[at] & MARK_TAKEN) == 0) {
                builder->marks[at] |= MARK_BAD;
            }
        }
    } else if (inside) {
        program_walk_label(builder, place);
    } else {
        program_add_start(builder, place, FROM_GAP);
        program_walk(builder);
    }
    if ((builder->marks[place] & MARK_TAKEN) == 0) {
        builder->marks[place] |= MARK_BAD;
    }
}

/* Whether each of eight marks says code, a table or that there is none. */
static bool all_known(uint64_t marks)
{
    return ((marks / MARK_START | marks / MARK_BODY | marks / MARK_TABLE | marks / MARK_BAD) &
            EIGHT_TIMES(1)) == EIGHT_TIMES(1);
}

/* The first place from here on that nobody knows.  *start and *inside become the last start on the
 * way there: what lies inside the function before it no longer counts. */
static uint32_t next_gap(const struct builder *builder, uint32_t place, uint32_t last,
                         uint32_t *start, uint32_t *inside)
{
    for (; place < last; place++) {
        while (last - place >= 8 && program_eight(builder->sources + place) == 0 &&
               all_known(program_eight(builder->marks + place))) {
            place += 8;
        }
        if (place == last) {
            break;
        }
        if (builder->sources[place] != 0) {
            *start = *inside = place;
        }
        if ((builder->marks[place] & (MARK_TAKEN | MARK_BAD)) == 0) {
            break;
        }
    }
    return place;
}

/* *span: the first of `spans` that is not looked at yet. */
static void walk_area(struct builder *builder, const struct area *area, const struct list *spans,
                      uint32_t *span)
{
    uint32_t last = area->place + area->bytes, start = 0, inside = 0;

    for (uint32_t place = area->place; !builder->no_memory;) {
        unsigned bytes;

        place = next_gap(builder, place, last, &start, &inside);
        if (place >= last) {
            break;
        }
        for (; *span < spans->count; ++*span) {
            const struct place_pair *pair = (const struct place_pair *)spans->items + *span;

            if (pair->from > place) {
                break;
            }
            if (pair->from >= start && pair->to > inside && pair->to < last) {
                inside = pair->to;
            }
        }
        bytes = padding(builder, area, place);
        if (bytes == 0) {
            walk_gap(builder, area, place,
                     (builder->marks[place] & MARK_PDATA) != 0 || place < inside);
            continue;
        }
        for (; bytes != 0; bytes--) {
            builder->marks[place++] |= MARK_PADDING;
        }
    }
}

void program_walk_gaps(struct builder *builder)
{
    struct list spans = builder->spans; /* those of the gaps themselves come too late to count */
    uint32_t span = 0;

    builder->spans = (struct list){0};
    if (spans.count != 0) {
        qsort(spans.items, spans.count, sizeof(struct place_pair), compare_pairs);
    }
    for (uint32_t i = 0; i < builder->area_count; i++) {
        walk_area(builder, &builder->areas[i], &spans, &span);
    }
    list_release(&spans);
}
