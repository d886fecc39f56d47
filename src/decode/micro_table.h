/* SPDX-License-Identifier: MIT */
/*
 * Private to decode/: how the instructions that compilers emit are encoded.
 *
 * Two opcode maps, the one-byte one and that behind 0f.  What is not in them (kind and shape 0) is
 * Zydis' to decode: a row is here because it is frequent or because the analysis has a kind for it.
 */
#ifndef PAGABLE_DECODE_MICRO_TABLE_H
#define PAGABLE_DECODE_MICRO_TABLE_H

#include "decode/micro.h"

/* Where the operands are.  E: register or memory by ModRM; G: its register field; R: the low bits
 * of the opcode; A: rax; the one that comes first is `first` of the micro. */
enum shape {
    SHAPE_ELSEWHERE, /* Zydis knows */
    SHAPE_NONE,
    SHAPE_E_G,
    SHAPE_G_E,
    SHAPE_E,        /* the only one, `first` */
    SHAPE_E_SECOND, /* the only one, `second` */
    SHAPE_E_I8,     /* immediate of one byte, sign-extended */
    SHAPE_E_IMMEDIATE,
    SHAPE_E_1,
    SHAPE_E_CL,
    SHAPE_A_IMMEDIATE,
    SHAPE_A_R,
    SHAPE_R,
    SHAPE_R_SECOND,
    SHAPE_R_IMMEDIATE, /* of the full operand size, 8 bytes with REX.W */
    SHAPE_I8_SECOND,
    SHAPE_IMMEDIATE_SECOND,
    SHAPE_SKIP_16, /* an immediate that says nothing here: ret n */
    SHAPE_REL8,
    SHAPE_REL32,
    SHAPE_INTERRUPT,
    SHAPE_STRING,
    SHAPE_CONTROL_READ,
    SHAPE_CONTROL_WRITE,
    SHAPE_WIDEN,      /* cbw, cwde, cdqe */
    SHAPE_VECTOR_G_E, /* G is a vector register */
    SHAPE_VECTOR_E_G, /* G is a vector register, E is stored to */
};

enum {
    FLAG_BYTE = 1,   /* operands of one byte */
    FLAG_QUAD = 2,   /* operands of eight bytes unless 66 says two: push, call, ... */
    FLAG_FROM_8 = 4, /* width of `second`, where it differs */
    FLAG_FROM_16 = 8,
    FLAG_FROM_32 = 16,
    FLAG_SIGN = 32,
    FLAG_PREFIXES = 64, /* vectors: only with the prefixes in `width` */
};

struct opcode {
    uint8_t kind;  /* enum micro_kind; with `group`: by the register field of ModRM */
    uint8_t shape; /* enum shape */
    uint8_t flags;
    uint8_t group;    /* enum opcode_group */
    uint8_t width[4]; /* vectors: bytes in memory without prefix, with 66, f3, f2; 0: Zydis knows */
};

enum opcode_group {
    GROUP_NONE,
    GROUP_ARITHMETIC,
    GROUP_SHIFT,
    GROUP_UNARY,  /* f6, f7: test has an immediate */
    GROUP_STEP,   /* fe */
    GROUP_BRANCH, /* ff */
    GROUP_POP,
    GROUP_MOVE,
    GROUP_BITS,
};

extern const struct opcode opcodes_one_byte[256];
extern const struct opcode opcodes_two_bytes[256]; /* after 0f */
/* Member of a group: what replaces the row of the opcode. */
struct opcode opcode_of_group(const struct opcode *row, unsigned member);

/* For what the table does not know: everything from Zydis, with the kinds OTHER, NOTHING, STOP, ...
 * or INVALID.  As micro_decode. */
unsigned micro_decode_elsewhere(const struct micro_decoder *decoder, const uint8_t *bytes,
                                size_t size, uint32_t rva, struct micro *out);
/* Length that Zydis finds, 0: no instruction. */
unsigned micro_length(const struct micro_decoder *decoder, const uint8_t *bytes, size_t size);

#endif
