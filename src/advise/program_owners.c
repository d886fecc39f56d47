/* SPDX-License-Identifier: MIT */
/*
 * Whose a block is, and where it goes.
 *
 * A function holds all code from its start to the next one, and its parts of .pdata.  A jump to the
 * middle of another function makes a function of the target: the flow is then exact, as a tail
 * call, whoever else runs into that code.
 */
#include "advise/program_private.h"

#include "base/host.h"
#include "symbols/symbols.h"

#include <stdlib.h>
#include <string.h>

#define PROMOTION_ROUNDS 8u
#define NAME_BYTES       16u

/* While blocks still ascend by rva. */
struct owners {
    uint32_t *owner;  /* of each block: place of the start, then index of the function */
    uint32_t *begins; /* the start from here on, NO_PLACE: as before; then the block's new index */
    uint32_t *target; /* block at which a direct jump arrives, NO_INDEX */
    uint32_t *next;   /* block into which it runs on, NO_INDEX */
    uint32_t *seen;   /* the block (+ 1) that has this block as successor last */
};

static uint32_t place_of_block(const struct builder *builder, uint32_t block)
{
    return program_place(builder, builder->out->blocks[block].rva);
}

/* The parent of the part that begins at a place. */
static uint32_t parent_of(const struct builder *builder, uint32_t place)
{
    const struct place_pair *parts = builder->parts.items;
    uint32_t low = 0, high = builder->parts.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (parts[middle].from < place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return parts[low].to;
}

/* The start that marks between two blocks name; NO_PLACE: none. */
static uint32_t start_between(const struct builder *builder, uint32_t from, uint32_t place)
{
    uint32_t start = NO_PLACE;

    for (uint32_t at = from; at <= place; at++) {
        while (place - at >= 8 &&
               (program_eight(builder->sources + at) |
                (program_eight(builder->marks + at) & EIGHT_TIMES((uint64_t)MARK_PART))) == 0) {
            at += 8;
        }
        if (builder->sources[at] != 0) {
            start = at;
        } else if ((builder->marks[at] & MARK_PART) != 0) {
            start = parent_of(builder, at);
        }
    }
    return start;
}

/* A block that follows a start which is no code begins a function itself, and so does the first of
 * a section. */
static void find_starts_of_blocks(struct builder *builder, uint32_t *begins)
{
    uint32_t looked = 0;
    const struct area *area = NULL;

    for (uint32_t i = 0; i < builder->out->block_count; i++) {
        uint32_t place = place_of_block(builder, i);
        bool first = program_area(builder, place) != area;

        if (first) {
            area = program_area(builder, place);
            looked = area->place;
        }
        begins[i] = start_between(builder, looked, place);
        looked = place + 1;
        if (begins[i] == NO_PLACE ? first : (builder->marks[begins[i]] & MARK_START) == 0) {
            builder->sources[place] |= FROM_GAP;
            begins[i] = place;
        }
    }
}

static bool goes_on(const struct builder *builder, const struct block *block)
{
    const struct area *area;
    uint32_t next;

    switch ((enum micro_kind)block->ends) {
    case MICRO_RETURN:
    case MICRO_JUMP:
    case MICRO_JUMP_INDIRECT:
    case MICRO_STOP:
        return false;
    case MICRO_BREAK:
    case MICRO_CALL_INDIRECT:
        next = program_place(builder, block->rva) + block->bytes;
        area = program_area(builder, next - 1);
        return !program_ends_there(builder, program_last(builder->out, block),
                                   area->code + (next - area->place),
                                   area->place + area->bytes - next);
    default:
        return true;
    }
}

/* The block that each one jumps to, and the one that it goes on with. */
static void find_edges(struct builder *builder, struct owners *owners)
{
    const struct program *program = builder->out;

    for (uint32_t i = 0; i < program->block_count; i++) {
        const struct block *block = &program->blocks[i];

        owners->target[i] = owners->next[i] = NO_INDEX;
        if (block->ends == MICRO_JUMP || block->ends == MICRO_JUMP_IF) {
            owners->target[i] = program_block_at(builder, program_last(program, block)->target);
        }
        if (goes_on(builder, block) && i + 1 < program->block_count &&
            block[1].rva == block->rva + block->bytes) {
            owners->next[i] = i + 1;
        }
    }
}

static bool promote(struct builder *builder, struct owners *owners, uint32_t from, uint32_t to)
{
    uint32_t place;

    if (to == NO_INDEX || owners->owner[from] == owners->owner[to]) {
        return false;
    }
    place = place_of_block(builder, to);
    if (builder->sources[place] != 0) {
        return false;
    }
    builder->sources[place] |= FROM_CALL;
    owners->begins[to] = place;
    return true;
}

static void assign_owners(struct builder *builder, struct owners *owners)
{
    uint32_t start = NO_PLACE;

    for (uint32_t i = 0; i < builder->out->block_count; i++) {
        start = owners->begins[i] != NO_PLACE ? owners->begins[i] : start;
        owners->owner[i] = start;
    }
}

static void settle_starts(struct builder *builder, struct owners *owners)
{
    bool changed = true;

    find_starts_of_blocks(builder, owners->begins);
    find_edges(builder, owners);
    assign_owners(builder, owners);
    for (unsigned round = 0; changed && round < PROMOTION_ROUNDS; round++) {
        changed = false;
        for (uint32_t i = 0; i < builder->out->block_count; i++) {
            changed |= promote(builder, owners, i, owners->target[i]);
            changed |= promote(builder, owners, i, owners->next[i]);
        }
        assign_owners(builder, owners);
    }
}

/* ---- functions ---- */

/* "sub_1a40"; a large driver without symbols has a hundred thousand of them. */
static void make_name(char *name, uint32_t rva)
{
    unsigned shift = 28;

    memcpy(name, "sub_", 4);
    name += 4;
    while (shift != 0 && rva >> shift == 0) {
        shift -= 4;
    }
    for (; shift <= 28; shift -= 4) { /* wraps after the last digit */
        *name++ = "0123456789abcdef"[rva >> shift & 15u];
    }
    *name = '\0';
}

static void name_functions(struct builder *builder)
{
    struct program *program = builder->out;
    const struct symbols *symbols = program->symbols;
    uint32_t known = symbols != NULL ? symbols_count(symbols) : 0;
    char *free_name = program->names;

    for (uint32_t i = 0, symbol = 0; i < program->function_count; i++) {
        struct function *function = &program->functions[i];

        while (symbol < known && symbols_at(symbols, symbol).rva < function->rva) {
            symbol++;
        }
        if (symbol < known && symbols_at(symbols, symbol).rva == function->rva) {
            function->name = symbols_at(symbols, symbol).name;
        } else {
            make_name(free_name, function->rva);
            function->name = free_name;
            free_name += NAME_BYTES;
        }
    }
}

static void add_functions(struct builder *builder, uint32_t *owner)
{
    struct program *program = builder->out;
    uint32_t count = 0;

    for (uint32_t i = 0; i < program->block_count; i++) {
        count += owner[i] == place_of_block(builder, i);
    }
    program->functions = program_array(builder, count, sizeof(struct function));
    program->names = program_array(builder, count, NAME_BYTES);
    for (uint32_t i = 0; i < program->block_count && !builder->no_memory; i++) {
        uint32_t place = place_of_block(builder, i);

        if (owner[i] == place) {
            uint8_t sources = builder->sources[place];

            program->functions[program->function_count++] = (struct function){
                .rva = program->blocks[i].rva,
                .section = program_area(builder, place)->section,
                .sources = sources,
                .address_taken = (sources & (FROM_POINTER | FROM_GUARD | FROM_EXPORT)) != 0,
            };
        }
    }
}

/* owner[] from places to functions; blocks are counted. */
static void number_owners(struct builder *builder, uint32_t *owner)
{
    struct program *program = builder->out;
    uint32_t before = NO_PLACE, function = NO_INDEX;

    for (uint32_t i = 0; i < program->block_count; i++) {
        struct block *block = &program->blocks[i];

        if (owner[i] != before) {
            const struct area *area = program_area(builder, owner[i]);

            before = owner[i];
            function = program_function_at(program, area->rva + (before - area->place));
        }
        owner[i] = block->function = function;
        program->functions[function].block_count++;
        program->functions[function].bytes += block->bytes;
    }
}

static void add_range(struct builder *builder, const struct block *block)
{
    struct program_range *range;

    if (builder->ranges.count != 0) {
        range = (struct program_range *)builder->ranges.items + builder->ranges.count - 1;
        if (range->function == block->function) {
            range->end_rva = block->rva + block->bytes;
            return;
        }
    }
    range = list_add(builder, &builder->ranges, sizeof(*range));
    if (range != NULL) {
        *range = (struct program_range){block->rva, block->rva + block->bytes, block->function};
    }
}

/* New indices: all blocks of a function together, the one it begins with first. */
static void order_blocks(struct builder *builder, uint32_t *order)
{
    struct program *program = builder->out;
    uint32_t first = 0;

    for (uint32_t i = 0; i < program->function_count; i++) {
        struct function *function = &program->functions[i];

        function->first_block = first;
        first += function->block_count;
        function->block_count = 1; /* counts up again below; 0 is for the first */
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        struct function *function = &program->functions[program->blocks[i].function];

        add_range(builder, &program->blocks[i]);
        order[i] = function->first_block;
        if (program->blocks[i].rva != function->rva) {
            order[i] += function->block_count++;
        }
    }
}

/* ---- successors ---- */

static void add_successor(struct builder *builder, struct owners *owners, uint32_t from,
                          uint32_t to)
{
    struct program *program = builder->out;

    if (to == NO_INDEX || owners->owner[to] != owners->owner[from]) {
        return; /* a tail call, or nowhere */
    }
    if (owners->seen[to] != from + 1) {
        owners->seen[to] = from + 1;
        program->successors[program->successor_count++] = owners->begins[to];
        program->blocks[from].successor_count++;
    }
}

static void add_table(struct builder *builder, struct owners *owners, uint32_t block)
{
    struct program *program = builder->out;
    const struct jump_table *table = program_table_of(
        builder, program_place(builder, program_last(program, &program->blocks[block])->rva));

    if (table == NULL) {
        return; /* a tail call */
    }
    program->blocks[block].unresolved = table->count == 0;
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t to = program_block_at(builder, program_table_target(builder, table, i));

        if (to == NO_INDEX || owners->owner[to] != owners->owner[block]) {
            program->blocks[block].unresolved = true;
        }
        add_successor(builder, owners, block, to);
    }
}

/* Whether the function runs into what is no code; after a call that may be meant. */
static bool is_cut(const struct builder *builder, const struct owners *owners, uint32_t block)
{
    const struct block *this = &builder->out->blocks[block];

    return owners->next[block] == NO_INDEX && this->ends != MICRO_CALL &&
           this->ends != MICRO_CALL_INDIRECT && this->ends != MICRO_BREAK && goes_on(builder, this);
}

static void connect(struct builder *builder, struct owners *owners)
{
    struct program *program = builder->out;

    for (uint32_t i = 0; i < program->block_count; i++) {
        struct block *block = &program->blocks[i];

        block->first_successor = program->successor_count;
        add_successor(builder, owners, i, owners->next[i]);
        if (block->ends == MICRO_JUMP_INDIRECT) {
            add_table(builder, owners, i);
        }
        add_successor(builder, owners, i, owners->target[i]);
        program->functions[block->function].incomplete |=
            block->unresolved || is_cut(builder, owners, i);
        program->jumps_unresolved += block->unresolved;
    }
}

static void move_blocks(struct builder *builder, const uint32_t *order)
{
    struct program *program = builder->out;
    struct block *moved = program_array(builder, program->block_count, sizeof(*moved));

    if (moved == NULL) {
        return;
    }
    for (uint32_t i = 0; i < program->block_count; i++) {
        moved[order[i]] = program->blocks[i];
    }
    host.release(program->blocks);
    program->blocks = moved;
}

static void build(struct builder *builder, struct owners *owners)
{
    struct program *program = builder->out;
    const struct jump_table *tables = builder->tables.items;
    uint32_t most = 2 * program->block_count;

    settle_starts(builder, owners);
    add_functions(builder, owners->owner);
    if (builder->no_memory) {
        return;
    }
    number_owners(builder, owners->owner);
    order_blocks(builder, owners->begins);
    name_functions(builder);
    for (uint32_t i = 0; i < builder->tables.count; i++) {
        most += tables[i].count;
    }
    program->successors = program_array(builder, most, sizeof(uint32_t));
    if (!builder->no_memory) {
        connect(builder, owners);
        move_blocks(builder, owners->begins);
    }
    program->ranges = builder->ranges.items;
    program->range_count = builder->ranges.count;
    builder->ranges = (struct list){0};
}

void program_make_functions(struct builder *builder)
{
    size_t count = builder->out->block_count;
    uint32_t *words = program_array(builder, (uint32_t)count, 5 * sizeof(*words));
    struct owners owners;

    if (words == NULL) {
        return;
    }
    owners = (struct owners){words, words + count, words + 2 * count, words + 3 * count,
                             words + 4 * count};
    build(builder, &owners);
    host.release(words);
}
