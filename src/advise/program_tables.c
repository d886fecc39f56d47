/* SPDX-License-Identifier: MIT */
/*
 * Jump tables: where an indirect jump goes, from the straight line of instructions before it.
 *
 *   lea   base, [table]                   the compiler of Microsoft: base is the image's,
 *   mov   entry, [base + index * 4 + d]   and entries are rvas
 *   add   entry, base
 *   jmp   entry
 *
 * or a table of addresses, jmp [table + index * 8].  The number of entries comes from the
 * comparison that guards the jump (cmp index, last; ja elsewhere) or from a mask; without either
 * the jump stays unresolved, and so it does when any entry is no place of code.  What does not look
 * like a table at all is a tail call through a pointer.
 */
#include "advise/program_private.h"

#include <stdlib.h>

#define ENTRIES_MAX 65536u
#define TABLE_TRIES 64u /* tables before one that are looked through for its twin */

/* A register or a slot of the stack. */
struct location {
    bool memory;
    uint8_t gpr, index; /* memory: base and index */
    int32_t displacement;
};

/* The way back from the instruction that uses an index. */
struct search {
    const struct trail *trail;
    struct location index;    /* holds the index at this point */
    struct location compared; /* was compared */
    uint64_t count;           /* that comparison lets through; 0: none was seen */
    bool awaits_above, awaits_not_below;
    uint32_t table_rva; /* of bytes that are the index; 0: none */
};

static const struct micro *at(const struct trail *trail, uint32_t number)
{
    return &trail->first[number];
}

static uint32_t oldest(const struct trail *trail)
{
    return trail->count > WINDOW ? trail->count - WINDOW : 0;
}

/* Number of the last instruction before `number` that writes a register; NO_INDEX. */
static uint32_t writer(const struct trail *trail, uint32_t number, uint8_t gpr)
{
    while (number-- > oldest(trail)) {
        if ((at(trail, number)->writes >> gpr & 1u) != 0) {
            return number;
        }
        if (at(trail, number)->kind == MICRO_CALL ||
            at(trail, number)->kind == MICRO_CALL_INDIRECT) {
            return NO_INDEX;
        }
    }
    return NO_INDEX;
}

/* The address that a register holds before an instruction. */
static bool address_in(const struct trail *trail, uint32_t number, uint8_t gpr, uint32_t *rva)
{
    uint32_t found;

    if (gpr > 15) {
        return false;
    }
    found = writer(trail, number, gpr);
    if (found == NO_INDEX) {
        *rva = trail->known.address[gpr];
        return (trail->known.registers >> gpr & 1u) != 0;
    }
    *rva = (uint32_t)at(trail, found)->displacement;
    return at(trail, found)->kind == MICRO_LEA && at(trail, found)->base == MICRO_RIP &&
           at(trail, found)->index == MICRO_NO_REGISTER;
}

/* ---- how many ---- */

static bool same(const struct location *a, const struct location *b)
{
    return a->memory == b->memory && a->gpr == b->gpr &&
           (!a->memory || (a->index == b->index && a->displacement == b->displacement));
}

static bool location_of(const struct micro *micro, bool first, struct location *out)
{
    uint8_t operand = first ? micro->first : micro->second;

    *out = (struct location){0};
    if (operand == MICRO_REGISTER && !micro->high) {
        out->gpr = first ? micro->first_register : micro->second_register;
        return true;
    }
    if (operand == MICRO_MEMORY && !micro->segment) {
        *out = (struct location){true, micro->base, micro->index, micro->displacement};
        return true;
    }
    return false;
}

/* A location before an instruction that writes it; false: it is not known any more. */
static bool step_location(const struct micro *micro, struct location *location)
{
    struct location written, source;
    bool writes_register = !location->memory && (micro->writes >> location->gpr & 1u) != 0;

    if (location->memory && !micro->stores) {
        return true; /* of its base register nothing is asked: frames do not move within a block */
    }
    if (!location->memory && !writes_register) {
        return true;
    }
    if (!location_of(micro, true, &written) || !same(&written, location)) {
        return location->memory; /* another slot */
    }
    if (micro->kind != MICRO_MOVE || !location_of(micro, false, &source)) {
        return false;
    }
    *location = source;
    return true;
}

/* movzx index, byte [table + index]: the entry's number comes from a table of bytes. */
static bool step_bytes(struct search *search, uint32_t number)
{
    const struct micro *micro = at(search->trail, number);
    uint32_t base;

    if (micro->kind != MICRO_MOVE || micro->second != MICRO_MEMORY || micro->second_bytes != 1 ||
        micro->sign_extend || micro->segment || search->table_rva != 0 || micro->base > 15) {
        return false;
    }
    if (micro->index != MICRO_NO_REGISTER && micro->scale == 1) {
        if (address_in(search->trail, number, micro->base, &base)) {
            search->index = (struct location){.gpr = micro->index};
        } else if (address_in(search->trail, number, micro->index, &base)) {
            search->index = (struct location){.gpr = micro->base};
        } else {
            return false;
        }
        search->table_rva = base + (uint32_t)micro->displacement;
        return search->table_rva != 0;
    }
    return false;
}

static bool sets_flags(uint8_t kind)
{
    return (kind >= MICRO_ADD && kind <= MICRO_BIT_TEST && kind != MICRO_NOT) ||
           kind == MICRO_OTHER;
}

static void step_comparison(struct search *search, const struct micro *micro)
{
    if (micro->kind == MICRO_JUMP_IF && search->count == 0) {
        if (micro->condition == MICRO_IF_ABOVE) {
            search->awaits_above = true;
        } else if (micro->condition == MICRO_IF_ABOVE_EQUAL) {
            search->awaits_not_below = true;
        }
        return;
    }
    if (!sets_flags(micro->kind) || (!search->awaits_above && !search->awaits_not_below)) {
        return;
    }
    if ((micro->kind == MICRO_COMPARE || micro->kind == MICRO_SUBTRACT) &&
        micro->second == MICRO_IMMEDIATE && micro->immediate >= 0 &&
        location_of(micro, true, &search->compared)) {
        search->count = (uint64_t)micro->immediate + (search->awaits_above ? 1 : 0);
    }
    search->awaits_above = search->awaits_not_below = false;
}

/* One instruction back.  False: the search is over, with or without a count. */
static bool step(struct search *search, uint32_t number)
{
    const struct micro *micro = at(search->trail, number);
    bool compares;

    if (micro->kind == MICRO_CALL || micro->kind == MICRO_CALL_INDIRECT) {
        search->count = 0;
        return false;
    }
    compares = search->count == 0;
    step_comparison(search, micro);
    compares = compares && search->count != 0;
    if (micro->kind == MICRO_AND && micro->second == MICRO_IMMEDIATE && micro->immediate >= 0 &&
        !search->index.memory && micro->first == MICRO_REGISTER &&
        micro->first_register == search->index.gpr) {
        search->count = (uint64_t)micro->immediate + 1;
        return false;
    }
    /* A subtraction that compares had its operand before it. */
    if (search->count != 0 && !compares && !step_location(micro, &search->compared)) {
        search->count = 0;
    }
    if (!step_location(micro, &search->index) ||
        (search->index.memory && micro->kind == MICRO_MOVE && micro->second_bytes == 1)) {
        if (!step_bytes(search, number)) {
            search->count = 0;
            return false;
        }
    }
    return search->count == 0 || !same(&search->index, &search->compared);
}

/* How many values a register may have at an instruction; 0: not known. */
static uint64_t values_of(const struct trail *trail, uint32_t number, uint8_t gpr,
                          struct search *search)
{
    *search = (struct search){.trail = trail, .index = {.gpr = gpr}};
    while (number-- > oldest(trail)) {
        if (!step(search, number)) {
            return search->count;
        }
    }
    return 0;
}

/* ---- the table ---- */

/* Entry at [table + index * bytes] that an instruction reads. */
static bool read_table(const struct trail *trail, uint32_t number, struct jump_table *table,
                       uint8_t *index)
{
    const struct micro *load = at(trail, number);
    uint32_t base;

    if (load->second != MICRO_MEMORY || load->segment || load->index == MICRO_NO_REGISTER ||
        load->scale != table->bytes || !address_in(trail, number, load->base, &base)) {
        return false;
    }
    table->rva = base + (uint32_t)load->displacement;
    *index = load->index;
    return true;
}

/* Whether an instruction makes a sum of two registers, which are then in terms[]. */
static bool is_sum(const struct micro *sum, uint8_t terms[2])
{
    if (sum->kind == MICRO_ADD && sum->second == MICRO_REGISTER) {
        terms[0] = sum->first_register;
        terms[1] = sum->second_register;
        return true;
    }
    terms[0] = sum->base;
    terms[1] = sum->index;
    return sum->kind == MICRO_LEA && sum->index != MICRO_NO_REGISTER && sum->base < 16 &&
           sum->scale == 1 && sum->displacement == 0;
}

/* jmp register: the instructions that made it.  *number becomes that of the load; table->bytes is 4
 * when it is a sum, which no pointer to a routine is, whether or not the rest could be read. */
static bool read_sum(const struct trail *trail, uint32_t *number, uint8_t gpr,
                     struct jump_table *table, uint8_t *index)
{
    uint32_t made = writer(trail, trail->count - 1, gpr);
    const struct micro *sum;
    uint8_t terms[2];

    if (made == NO_INDEX) {
        return false;
    }
    sum = at(trail, made);
    if (sum->kind == MICRO_MOVE && sum->second_bytes == 8) {
        table->bytes = 8;
        *number = made;
        return read_table(trail, made, table, index);
    }
    if (!is_sum(sum, terms)) {
        return false;
    }
    table->bytes = 4;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t load = writer(trail, made, terms[i]);

        if (load != NO_INDEX && at(trail, load)->kind == MICRO_MOVE &&
            at(trail, load)->second_bytes == 4 &&
            address_in(trail, made, terms[1 - i], &table->base_rva) &&
            read_table(trail, load, table, index)) {
            *number = load;
            return true;
        }
    }
    return false;
}

uint32_t program_table_target(const struct builder *builder, const struct jump_table *table,
                              uint32_t index)
{
    uint8_t bytes[8] = {0};
    uint64_t value = 0;

    image_copy(builder->image, table->rva + index * table->bytes, bytes, table->bytes);
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    if (table->bytes == 4) {
        return table->base_rva + (uint32_t)value;
    }
    value -= builder->image->preferred_base;
    return value < builder->image->image_size ? (uint32_t)value : UINT32_MAX;
}

/* The largest entry number that a table of bytes gives, plus one; 0: it is not in the file. */
static uint64_t entries_named(const struct builder *builder, uint32_t rva, uint64_t bytes)
{
    const uint8_t *table =
        bytes <= ENTRIES_MAX ? image_at(builder->image, rva, (uint32_t)bytes) : NULL;
    uint64_t most = 0;

    for (uint64_t i = 0; table != NULL && i < bytes; i++) {
        most = table[i] >= most ? table[i] + 1u : most;
    }
    return most;
}

static void mark_table(struct builder *builder, uint32_t rva, uint32_t bytes)
{
    uint32_t place = program_place(builder, rva), last = program_place(builder, rva + bytes - 1);

    if (place == NO_PLACE || last == NO_PLACE) {
        return;
    }
    for (; place <= last; place++) {
        if ((builder->marks[place] & MARK_TAKEN) == 0) {
            builder->marks[place] |= MARK_TABLE;
        }
    }
}

/* Every entry is code, within .pdata when the jump is. */
static bool is_table(const struct builder *builder, const struct jump_table *table)
{
    if (image_at(builder->image, table->rva, table->count * table->bytes) == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t place = program_place(builder, program_table_target(builder, table, i));

        if (place == NO_PLACE ||
            ((builder->marks[place] ^ builder->marks[table->place]) & MARK_PDATA) != 0) {
            return false;
        }
    }
    return true;
}

/* How many entries the table has, by the instructions before the load of one; 0: not known. */
static uint32_t count_entries(struct builder *builder, const struct trail *trail, uint32_t number,
                              uint8_t index)
{
    struct search search;
    uint64_t count = values_of(trail, number, index, &search);

    if (count != 0 && search.table_rva != 0) {
        uint64_t bytes = count;

        count = entries_named(builder, search.table_rva, bytes);
        if (count != 0) {
            mark_table(builder, search.table_rva, (uint32_t)bytes);
        }
    }
    return count <= ENTRIES_MAX && builder->table_entries + count <= builder->image->size / 4
               ? (uint32_t)count
               : 0;
}

/* A loop that was turned around ends in a second jump through the table, with the index as it was
 * checked at the first one. */
static uint32_t count_again(const struct builder *builder, const struct jump_table *table)
{
    const struct jump_table *tables = builder->tables.items;

    for (uint32_t i = builder->tables.count, tries = 0; i-- > 0 && tries < TABLE_TRIES; tries++) {
        if (tables[i].rva == table->rva && tables[i].bytes == table->bytes &&
            tables[i].base_rva == table->base_rva &&
            builder->table_entries + tables[i].count <= builder->image->size / 4) {
            return tables[i].count;
        }
    }
    return 0;
}

void program_follow_table(struct builder *builder, const struct trail *trail, uint32_t place)
{
    const struct micro *jump = at(trail, trail->count - 1);
    struct jump_table table = {.place = place, .bytes = 8}, *added;
    uint32_t number = trail->count - 1;
    uint8_t index;
    bool found = jump->second == MICRO_REGISTER
                     ? read_sum(trail, &number, jump->second_register, &table, &index)
                     : read_table(trail, number, &table, &index);

    if (found) {
        table.count = count_entries(builder, trail, number, index);
        if (table.count == 0) {
            table.count = count_again(builder, &table);
        }
        if (!is_table(builder, &table)) {
            table.count = 0;
        }
    }
    if (table.count == 0 && table.bytes == 8) {
        return; /* a call through a pointer */
    }
    added = list_add(builder, &builder->tables, sizeof(*added));
    if (added == NULL) {
        return;
    }
    *added = table;
    if (table.count == 0) {
        return;
    }
    builder->table_entries += table.count;
    mark_table(builder, table.rva, table.count * table.bytes);
    for (uint32_t i = 0; i < table.count; i++) {
        program_add_label(builder, program_place(builder, program_table_target(builder, &table, i)),
                          &trail->known);
    }
}

static int compare_tables(const void *a, const void *b)
{
    const struct jump_table *left = a, *right = b;

    return (left->place > right->place) - (left->place < right->place);
}

void program_sort_tables(struct builder *builder)
{
    if (builder->tables.count != 0) {
        qsort(builder->tables.items, builder->tables.count, sizeof(struct jump_table),
              compare_tables);
    }
}

const struct jump_table *program_table_of(const struct builder *builder, uint32_t place)
{
    struct jump_table key = {.place = place};

    return builder->tables.count == 0 ? NULL
                                      : bsearch(&key, builder->tables.items, builder->tables.count,
                                                sizeof(key), compare_tables);
}
