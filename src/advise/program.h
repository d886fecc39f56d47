/* SPDX-License-Identifier: MIT */
/*
 * Private to advise/: a driver's code as functions, blocks and instructions.
 *
 * Functions come from every source that the image has (.pdata with chained parts joined, the entry
 * point, exports, symbols, the guard table, relocated pointers into code, targets of calls and of
 * jumps out of a function), and the gaps between them are decoded too.  Code that two functions
 * share belongs to the first; a jump into another function is a tail call.
 *
 * Invariants after program_build: functions ascend by rva and do not overlap (parts of one function
 * elsewhere, as .pdata chains them, are blocks of it); blocks of a function are together in
 * `blocks`, ascending by rva, its first block is the one at the function's rva; every successor is
 * a block of the same function; instructions of a block are together in `micros`, which ascend by
 * rva through the whole image; calls of a function are together in `calls`, in the order of its
 * blocks.  Memory grows linearly with the image.
 *
 * Three kinds of calls may surprise.  A conditional jump out of a function is a tail call at a
 * MICRO_JUMP_IF, and its block still has the successor that follows it.  A function that runs on
 * into the next one ends in a tail call whose `micro` is its last instruction, which is no jump.
 * A call through the guard *check* pointer has no record: it comes back with nothing changed.
 * Blocks without predecessors exist: handlers of exceptions, and code that nobody is known to
 * reach.
 */
#ifndef PAGABLE_ADVISE_PROGRAM_H
#define PAGABLE_ADVISE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <pagable/status.h>

#include "advise/contracts.h"
#include "decode/micro.h"
#include "image/image.h"

struct symbols;

#define NO_INDEX UINT32_MAX

struct program_import {
    const char *name; /* name NULL: by ordinal */
    uint32_t slot_rva;
    const struct contract *contract; /* NULL: nothing is known about it */
};

enum call_target {
    CALL_FUNCTION,   /* `index`: function of this image */
    CALL_IMPORT,     /* `index`: import */
    CALL_WDF,        /* `index`: entry of the KMDF table; only infer.c finds these */
    CALL_UNRESOLVED, /* through a register or memory whose value is not known */
};

struct call {
    uint32_t micro; /* index of the instruction */
    uint32_t block;
    uint8_t target; /* enum call_target; infer.c resolves indirect ones as values become known */
    bool tail;      /* a jump: the callee returns to our caller */
    bool indirect;  /* as written; what it calls may be resolved none the less */
    uint8_t via; /* register that has the target, where the instruction does not say so: rax of the
                  * guard dispatch pointer, any of a retpoline; else MICRO_NO_REGISTER */
    uint32_t index;
};

struct block {
    uint32_t rva, bytes;
    uint32_t first_micro, micro_count;
    uint32_t function;
    uint32_t first_successor, successor_count; /* in `successors`: the fall-through one first */
    uint8_t ends;                              /* enum micro_kind of its last instruction */
    bool returns;    /* ends in a return (a tail call is a call that ends the function) */
    bool unresolved; /* ends in a jump table that could not be read */
};

/* Where a function was learned from; a set. */
enum function_source {
    FROM_PDATA = 1,
    FROM_ENTRY = 2,
    FROM_EXPORT = 4,
    FROM_SYMBOL = 8,
    FROM_GUARD = 16,
    FROM_POINTER = 32, /* its address is in data, or taken by an instruction (lea) */
    FROM_CALL = 64,
    FROM_GAP = 128,
};

struct function {
    uint32_t rva, bytes; /* bytes: of all its parts, padding left out */
    const char *name;    /* of the symbols, or "sub_1a40" */
    uint8_t section;     /* index into the image's sections */
    uint8_t sources;     /* set of enum function_source */
    bool address_taken; /* a pointer to it exists or it is exported: somebody unknown may call it */
    bool incomplete;    /* an invalid instruction or an unresolved jump in it */
    uint32_t first_block, block_count;
    uint32_t first_call, call_count;
    uint32_t first_caller, caller_count; /* in `callers`: indices of calls, direct ones only */
};

/* Code of one function: all of it, or one of its parts. */
struct program_range {
    uint32_t rva, end_rva;
    uint32_t function;
};

struct program {
    const struct image *image;
    const struct symbols *symbols;
    struct function *functions;
    uint32_t function_count;
    struct block *blocks;
    uint32_t block_count;
    struct micro *micros;
    uint32_t micro_count;
    uint32_t *successors; /* block indices */
    uint32_t successor_count;
    struct call *calls;
    uint32_t call_count;
    uint32_t *callers;
    struct program_import *imports;
    uint32_t import_count;
    uint32_t wdf_table_rva; /* the variable that holds the pointer to the KMDF table; 0: none */
    /* Of executable sections, without padding between functions; jump tables among the code count
     * as decoded. */
    uint64_t bytes_executable, bytes_decoded;
    uint32_t jumps_unresolved;
    struct program_range *ranges; /* ascending, apart from each other */
    uint32_t range_count;
    uint32_t *pointers; /* rvas of all relocated 64-bit addresses, ascending */
    uint32_t pointer_count;
    char *names; /* of functions that the symbols do not know */
};

/* PG_E_NO_MEMORY only; whatever is in the image, there is a program. */
pg_status program_build(const struct image *image, const struct symbols *symbols,
                        struct program *out);
void program_release(struct program *program);

/* The function that begins at an rva, or that holds it (a part elsewhere included); NO_INDEX. */
uint32_t program_function_at(const struct program *program, uint32_t rva);
uint32_t program_function_holding(const struct program *program, uint32_t rva);
/* The import whose slot is at an rva; NO_INDEX. */
uint32_t program_import_at(const struct program *program, uint32_t slot_rva);
/* The 64-bit pointer in initialized, relocated data as an rva; false when there is none. */
bool program_pointer_at(const struct program *program, uint32_t rva, uint32_t *target_rva);
/* Its place in `pointers`; NO_INDEX when there is none. */
uint32_t program_pointer_index(const struct program *program, uint32_t rva);
/* The register that has the address of what a function only jumps to: that function is a retpoline,
 * or what the guard leaves in an image; MICRO_NO_REGISTER: it is a function like others. */
uint8_t program_thunk_register(const struct program *program, uint32_t function);
/* The contract of what a call goes to, `target` and `index` as a call has them; NULL: it has none.
 */
const struct contract *program_contract(const struct program *program, enum call_target target,
                                        uint32_t index);
const struct image_section *program_section(const struct program *program,
                                            const struct function *function);

#endif
