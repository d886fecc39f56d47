/* SPDX-License-Identifier: MIT */
/*
 * Private to program*.c: a program while it is built.
 *
 * Executable bytes of the file are numbered through all sections: a *place*.  For each place there
 * is one byte of marks and one with the set of enum function_source, by which a function begins
 * there.  Discovery (program_starts.c, _walk.c, _tables.c, _gaps.c) only sets marks; no instruction
 * is marked twice and none overlaps another.  What was decoded is kept flow by flow, and then put
 * into the order of places (program_blocks.c); blocks get their functions (program_owners.c), and
 * calls are collected (program_calls.c).
 */
#ifndef PAGABLE_ADVISE_PROGRAM_PRIVATE_H
#define PAGABLE_ADVISE_PROGRAM_PRIVATE_H

#include <string.h>

#include "advise/program.h"

enum mark {
    MARK_START = 1,  /* first byte of an instruction */
    MARK_BODY = 2,   /* another byte of it */
    MARK_LEADER = 4, /* a block begins */
    MARK_TABLE = 8,  /* a jump table */
    MARK_PDATA = 16, /* in the range of an entry of .pdata */
    MARK_PART = 32,  /* a chained entry of .pdata begins */
    MARK_BAD = 64,   /* no instruction */
    MARK_PADDING = 128,
};
#define MARK_TAKEN (MARK_START | MARK_BODY | MARK_TABLE)

/* Eight bytes of marks or sources at once: most places are passed over. */
#define EIGHT_TIMES(byte) ((byte)*UINT64_C(0x0101010101010101))
static inline uint64_t program_eight(const uint8_t *bytes)
{
    uint64_t eight;

    memcpy(&eight, bytes, sizeof(eight));
    return eight;
}

#define NO_PLACE    UINT32_MAX
#define CHUNK_BYTES 64u
#define MARKS_BEYOND                                                                               \
    8u /* there are marks after the last place, so that eight can be read anywhere */

/* The part of an executable section that is in the file. */
struct area {
    uint32_t rva, bytes, place;
    const uint8_t *code;
    uint8_t section;
};

/* A growing array of items of one size. */
struct list {
    void *items;
    uint32_t count, room;
};

struct place_pair {
    uint32_t from, to;
};

/* What an indirect jump goes through; count 0: a table whose entries are not known. */
struct jump_table {
    uint32_t place; /* of the jump */
    uint32_t rva;
    uint32_t count;
    uint32_t base_rva; /* entries of 4 bytes are relative to it */
    uint8_t bytes;     /* of an entry: 4, or 8 for an address */
};

#define WINDOW 24u /* instructions before an indirect jump that are looked at */

/* Registers that hold an address of the image, on the way on which a place was reached first. */
struct known {
    uint16_t registers;
    uint32_t address[16]; /* rva */
};

struct label {
    uint32_t place;
    struct known known;
};

/* Instructions that follow each other, as they were found. */
struct flow {
    uint32_t place;                    /* of the first */
    uint32_t first_micro, micro_count; /* in `found` */
    uint32_t next;                     /* another one of the same chunk, NO_INDEX */
};

/* What was decoded on the way to an instruction, in a straight line. */
struct trail {
    const struct micro *first; /* the oldest; the newest is first[count - 1] */
    uint32_t count;
    struct known known;
};

struct builder {
    struct program *out;
    const struct image *image;
    struct micro_decoder decoder;
    struct area areas[IMAGE_MAX_SECTIONS];
    uint32_t area_count, bytes;
    uint8_t *marks, *sources;
    struct list pending;    /* uint32_t: starts that are not walked yet */
    struct list labels;     /* struct label: of the function that is walked */
    struct list found;      /* struct micro: each marked instruction, by flows */
    struct list flows;      /* struct flow */
    uint32_t *chunk_flows;  /* of CHUNK_BYTES places each: the newest flow that begins there */
    struct list pointed;    /* uint32_t: places whose address is somewhere */
    struct list spans;      /* struct place_pair: jumps outside of .pdata, low to high */
    struct list parts;      /* struct place_pair: chained entry, its primary; ascending */
    struct list tables;     /* struct jump_table, ascending once discovery is over */
    struct list ranges;     /* struct program_range */
    uint32_t table_entries; /* of all tables */
    uint32_t *chunks; /* of CHUNK_BYTES places each: the first block that begins there or later */
    bool no_memory;
};

/* More room in a full list; false (and no_memory): there is none. */
bool list_grow(struct builder *builder, struct list *list, size_t size);
/* Append room for one item of `size` bytes; NULL (and no_memory) when there is none. */
static inline void *list_add(struct builder *builder, struct list *list, size_t size)
{
    if (list->count == list->room && !list_grow(builder, list, size)) {
        return NULL;
    }
    return (uint8_t *)list->items + (size_t)list->count++ * size;
}
/* Room for `count` items in a list that is empty.  False (and no_memory): there is none. */
bool list_reserve(struct builder *builder, struct list *list, uint32_t count, size_t size);
void list_release(struct list *list);
static inline void list_add_place(struct builder *builder, struct list *list, uint32_t place)
{
    uint32_t *item = list_add(builder, list, sizeof(*item));

    if (item != NULL) {
        *item = place;
    }
}
void program_add_label(struct builder *builder, uint32_t place, const struct known *known);
/* Memory for an array, zeroed; count 0 gives some too.  NULL (and no_memory): none. */
void *program_array(struct builder *builder, uint32_t count, size_t size);

uint32_t program_place(const struct builder *builder, uint32_t rva); /* NO_PLACE: not code */
const struct area *program_area(const struct builder *builder, uint32_t place);

/* program_starts.c: marks of .pdata; strong starts; places that pointers name. */
void program_find_starts(struct builder *builder);
/* A function begins here, unless bytes of something else are there. */
void program_add_start(struct builder *builder, uint32_t place, enum function_source source);

/* program_walk.c */
/* Everything that is reached from pending starts, their calls included. */
void program_walk(struct builder *builder);
/* Code of a label; then as above. */
void program_walk_label(struct builder *builder, uint32_t place);
/* Whether the flow never goes on behind an instruction of this kind. */
static inline bool program_always_ends(uint8_t kind)
{
    return kind == MICRO_RETURN || kind == MICRO_JUMP || kind == MICRO_JUMP_INDIRECT ||
           kind == MICRO_STOP;
}
/* Whether the flow ends after an instruction that could go on: int3 before another one (`next`, of
 * which `left` bytes are there), and calls of imports that never return. */
bool program_ends_there(const struct builder *builder, const struct micro *micro,
                        const uint8_t *next, uint32_t left);
static inline bool program_ends_flow(const struct builder *builder, const struct micro *micro,
                                     const uint8_t *next, uint32_t left)
{
    return (micro->kind == MICRO_BREAK || micro->kind == MICRO_CALL_INDIRECT) &&
           program_ends_there(builder, micro, next, left);
}
/* The import that a call or jump goes through; NO_INDEX. */
uint32_t program_import_of(const struct program *program, const struct micro *micro);

/* program_tables.c: resolve the indirect jump that is the newest instruction, at `place`; its
 * targets become labels. */
void program_follow_table(struct builder *builder, const struct trail *trail, uint32_t place);
void program_sort_tables(struct builder *builder);
/* Target of an entry as an rva. */
uint32_t program_table_target(const struct builder *builder, const struct jump_table *table,
                              uint32_t index);
const struct jump_table *program_table_of(const struct builder *builder, uint32_t place);

/* program_gaps.c: what nobody reached. */
void program_walk_gaps(struct builder *builder);

/* program_blocks.c: micros and blocks, in the order of places; no successors yet.  Gives back what
 * discovery decoded. */
void program_make_blocks(struct builder *builder);
/* Index of the block that begins at an rva, while blocks ascend; NO_INDEX. */
uint32_t program_block_at(const struct builder *builder, uint32_t rva);
/* The jump, call or whatever ends a block. */
static inline const struct micro *program_last(const struct program *program,
                                               const struct block *block)
{
    return &program->micros[block->first_micro + block->micro_count - 1];
}

/* program_owners.c: functions; blocks sorted by them; successors. */
void program_make_functions(struct builder *builder);
/* program_calls.c */
void program_make_calls(struct builder *builder);

/* program_wdf.c */
uint32_t program_find_wdf_table(const struct program *program);

#endif
