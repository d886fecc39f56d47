/* SPDX-License-Identifier: MIT */
/*
 * Instructions for analysis: what moves values, what changes the flow, what raises the IRQL.
 *
 * One decoded instruction is one `struct micro`.  What the analysis has no use for is MICRO_OTHER,
 * with the registers that it overwrites in `writes`: nothing is ever silently kept.
 */
#ifndef PAGABLE_DECODE_MICRO_H
#define PAGABLE_DECODE_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum micro_kind {
    MICRO_INVALID, /* no instruction of x64; length 1 */
    /* Only `writes` and `stores` matter, and the memory operand: `first` when it is stored
     * to, else `second`. */
    MICRO_OTHER,
    MICRO_NOTHING, /* nop, endbr64, prefetch, int3 padding is not this but MICRO_BREAK */

    /* first <- second; see `first_bytes`, `second_bytes`, `sign_extend` */
    MICRO_MOVE,
    MICRO_LEA, /* first (register) <- address of the memory operand */

    /* first <- first OP second; INCREMENT.. have no second */
    MICRO_ADD,
    MICRO_SUBTRACT,
    MICRO_AND,
    MICRO_OR,
    MICRO_XOR,
    MICRO_SHIFT_LEFT,
    MICRO_SHIFT_RIGHT,
    MICRO_SHIFT_RIGHT_SIGNED,
    MICRO_INCREMENT,
    MICRO_DECREMENT,
    MICRO_NEGATE,
    MICRO_NOT,
    MICRO_COMPARE, /* flags of first - second */
    MICRO_TEST,    /* flags of first & second */
    MICRO_BIT_TEST,

    MICRO_EXCHANGE, /* also with lock or in memory */
    MICRO_SET_IF,   /* first (1 byte) <- condition */
    MICRO_MOVE_IF,  /* first <- second when condition */
    MICRO_PUSH,     /* of `second`; the flags: MICRO_NONE */
    MICRO_POP,      /* into `first`; the flags: MICRO_NONE */
    MICRO_LEAVE,
    /* movs, stos, lods, scas, cmps, ins, outs: `writes` says the registers (rcx among them: it is
     * repeated), `first_bytes` the width of one element, `base` what is stored to or else read. */
    MICRO_STRING,

    MICRO_CALL,          /* target */
    MICRO_CALL_INDIRECT, /* second: register or memory */
    MICRO_JUMP,          /* target */
    MICRO_JUMP_INDIRECT, /* second */
    MICRO_JUMP_IF,       /* condition, target; also loop and jrcxz, with MICRO_IF_UNKNOWN */
    MICRO_RETURN,
    MICRO_STOP,  /* ud2, int 29h, hlt, iret: does not go on */
    MICRO_BREAK, /* int3, int 2c/2d: goes on, padding when nothing falls into it */

    MICRO_READ_CR8,  /* first (register) <- cr8 */
    MICRO_WRITE_CR8, /* cr8 <- second (register) */
    MICRO_CLI,
    MICRO_STI,
    MICRO_SYSTEM, /* other privileged instructions */
    MICRO_KIND_COUNT,
};

/* As the processor numbers them: jo 0, jno 1, jb 2, jae 3, je 4, jne 5, jbe 6, ja 7, js 8, jns 9,
 * jp 10, jnp 11, jl 12, jge 13, jle 14, jg 15. */
enum micro_condition {
    MICRO_IF_BELOW = 2,
    MICRO_IF_ABOVE_EQUAL = 3,
    MICRO_IF_EQUAL = 4,
    MICRO_IF_NOT_EQUAL = 5,
    MICRO_IF_ABOVE = 7,
    MICRO_IF_UNKNOWN = 16,
};

enum micro_operand { MICRO_NONE, MICRO_REGISTER, MICRO_MEMORY, MICRO_IMMEDIATE };

#define MICRO_NO_REGISTER 0xff
#define MICRO_RIP         0x10 /* base of a memory operand: `displacement` is then the rva itself */
#define MICRO_RSP         4
#define MICRO_RBP         5

struct micro {
    uint32_t rva;
    uint8_t length; /* bytes */
    uint8_t kind;
    uint8_t condition;
    uint8_t first, second; /* enum micro_operand */
    uint8_t first_bytes,
        second_bytes; /* widths: 1, 2, 4, 8; 0: none; 16 and more: vectors; 255: that or more */
    uint8_t first_register, second_register; /* rax 0, rcx 1, ... r15 15 */
    uint8_t base, index, scale; /* of the one memory operand; MICRO_NO_REGISTER: none */
    bool high : 1;              /* a register operand is ah, ch, dh or bh: treat as unknown */
    bool sign_extend : 1;       /* MOVE: movsx, movsxd; else zero extension */
    bool segment : 1; /* the memory operand is relative to gs or fs, or its address is cut to 32
                       * bits: what it refers to is not known */
    bool stores : 1;  /* writes its memory operand */
    uint16_t
        writes; /* general registers that it writes, one bit each; calls: by convention, not here */
    int32_t displacement; /* RIP: rva of the target */
    union {
        int64_t immediate; /* sign-extended to 64 bits */
        uint32_t target;   /* CALL, JUMP, JUMP_IF: rva; UINT32_MAX: outside of the image */
    };
};

/* A decoder; it holds no memory and any number of threads may share it. */
struct micro_decoder {
    _Alignas(8) uint8_t opaque[64];
};
void micro_decoder_init(struct micro_decoder *decoder);

/*
 * Decode the instruction at `bytes` (at most 15 are used), whose address is `rva`.  Always fills
 * *out; MICRO_INVALID with length 1 when there is no instruction or it is cut off by `size`.
 * Returns the length in bytes, at least 1.
 */
unsigned micro_decode(const struct micro_decoder *decoder, const uint8_t *bytes, size_t size,
                      uint32_t rva, struct micro *out);

#endif
