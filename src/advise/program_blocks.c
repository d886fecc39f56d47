/* SPDX-License-Identifier: MIT */
/*
 * From marks to instructions and blocks, in the order of addresses.
 *
 * Discovery kept the instructions flow by flow.  A flow ends where another one begins or where no
 * code is, so going through the marks meets each flow as a whole.
 */
#include "advise/program_private.h"

#include "base/assert.h"

/* Of eight bytes that are 0 or 1. */
static uint32_t count_ones(uint64_t eight)
{
    return (uint32_t)(EIGHT_TIMES(eight) >> 56);
}

/* Also the figures of coverage.  Padding is what lies between functions and does nothing. */
static uint32_t count_marks(struct builder *builder)
{
    uint32_t micros = 0, idle = 0, taken = 0;

    for (uint32_t place = 0; place < builder->bytes; place += 8) {
        uint32_t left = builder->bytes - place;
        uint64_t marks = 0, used;

        memcpy(&marks, builder->marks + place, left < 8 ? left : 8);
        used = (marks / MARK_START | marks / MARK_BODY | marks / MARK_TABLE) & EIGHT_TIMES(1);
        micros += count_ones(marks / MARK_START & EIGHT_TIMES(1));
        taken += count_ones(used);
        idle += count_ones(marks / MARK_PADDING & ~used & EIGHT_TIMES(1));
    }
    builder->out->bytes_decoded = taken;
    builder->out->bytes_executable = builder->bytes - idle;
    return micros;
}

static struct block *open_block(struct builder *builder, struct list *blocks, uint32_t rva)
{
    struct block *block = list_add(builder, blocks, sizeof(*block));

    if (block != NULL) {
        *block = (struct block){.rva = rva, .first_micro = builder->out->micro_count};
    }
    return block;
}

/* The flow that begins at a place where an instruction begins and no other flow goes on. */
static const struct flow *flow_at(const struct builder *builder, uint32_t place)
{
    const struct flow *flows = builder->flows.items;
    uint32_t flow = builder->chunk_flows[place / CHUNK_BYTES];

    PG_ASSERT(flow != NO_INDEX);
    while (flows[flow].place != place) {
        flow = flows[flow].next;
        PG_ASSERT(flow != NO_INDEX);
    }
    return &flows[flow];
}

/* The instructions of a flow, as blocks.  Returns the place behind it. */
static uint32_t add_instructions(struct builder *builder, const struct area *area,
                                 const struct flow *flow, struct block **current,
                                 struct list *blocks)
{
    const struct micro *found = (const struct micro *)builder->found.items + flow->first_micro;
    uint32_t place = flow->place, last = area->place + area->bytes;
    struct block *block = *current;

    for (uint32_t i = 0; i < flow->micro_count; i++) {
        const struct micro *micro = &found[i];

        if (block == NULL || (builder->marks[place] & (MARK_LEADER | MARK_PART)) != 0) {
            block = open_block(builder, blocks, micro->rva);
            if (block == NULL) {
                break;
            }
        }
        builder->out->micros[builder->out->micro_count++] = *micro;
        block->micro_count++;
        block->bytes += micro->length;
        block->ends = micro->kind;
        place += micro->length;
        if (micro->kind == MICRO_JUMP_IF || program_always_ends(micro->kind)) {
            block->returns = micro->kind == MICRO_RETURN;
            block = NULL;
        } else if (program_ends_flow(builder, micro, area->code + (place - area->place),
                                     last - place)) {
            block = NULL;
        }
    }
    *current = block;
    return place;
}

static void add_area(struct builder *builder, const struct area *area, struct list *blocks)
{
    uint32_t last = area->place + area->bytes;
    struct block *block = NULL;

    for (uint32_t place = area->place; place < last && !builder->no_memory;) {
        if ((builder->marks[place] & MARK_START) == 0) {
            block = NULL;
            place++;
            continue;
        }
        place = add_instructions(builder, area, flow_at(builder, place), &block, blocks);
    }
}

static void index_chunks(struct builder *builder)
{
    const struct program *program = builder->out;
    uint32_t count = builder->bytes / CHUNK_BYTES + 1, chunk = 0;

    builder->chunks = program_array(builder, count, sizeof(*builder->chunks));
    if (builder->chunks == NULL) {
        return;
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        uint32_t place = program_place(builder, program->blocks[i].rva);

        while (chunk <= place / CHUNK_BYTES) {
            builder->chunks[chunk++] = i;
        }
    }
    while (chunk < count) {
        builder->chunks[chunk++] = program->block_count;
    }
}

uint32_t program_block_at(const struct builder *builder, uint32_t rva)
{
    const struct program *program = builder->out;
    uint32_t place = program_place(builder, rva), block;

    if (place == NO_PLACE || (builder->marks[place] & MARK_START) == 0) {
        return NO_INDEX;
    }
    block = builder->chunks[place / CHUNK_BYTES];
    while (block < program->block_count && program->blocks[block].rva < rva) {
        block++;
    }
    return block < program->block_count && program->blocks[block].rva == rva ? block : NO_INDEX;
}

void program_make_blocks(struct builder *builder)
{
    struct list blocks = {0};
    uint32_t micros = count_marks(builder);

    builder->out->micros = program_array(builder, micros, sizeof(struct micro));
    for (uint32_t i = 0; i < builder->area_count && !builder->no_memory; i++) {
        add_area(builder, &builder->areas[i], &blocks);
    }
    list_release(&builder->found);
    list_release(&builder->flows);
    builder->out->blocks = blocks.items;
    builder->out->block_count = blocks.count;
    if (!builder->no_memory) {
        index_chunks(builder);
    }
}
