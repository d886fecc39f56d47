/* SPDX-License-Identifier: MIT */
/*
 * Decoding of single instructions that trapped: the one user of Zydis.
 */
#ifndef PAGABLE_DECODE_DECODE_H
#define PAGABLE_DECODE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DECODE_LENGTH_MAX 15
#define DECODE_TEXT_MAX   48

enum decoded_kind {
    DECODED_INVALID,   /* no instruction of x64 */
    DECODED_OTHER,     /* an instruction that is none of the below */
    DECODED_READ_CR8,  /* mov gpr, cr8 */
    DECODED_WRITE_CR8, /* mov cr8, gpr */
    DECODED_CLI,
    DECODED_STI,
    DECODED_MEMORY,    /* `operation` on a memory operand and a register or immediate */
    DECODED_STRING,    /* `string`: ins, outs, movs, stos, lods */
    DECODED_PORT_IN,   /* in al/ax/eax, dx or immediate */
    DECODED_PORT_OUT,  /* out dx or immediate, al/ax/eax */
    DECODED_READ_TSC,  /* rdtsc, rdtscp */
    DECODED_INTERRUPT, /* int n: `immediate` is n */
    DECODED_FLUSH,     /* wbinvd, invlpg: nothing to do in a simulated computer */
};

/* What an instruction does with its memory operand and the other one.  The destination is the first
 * operand, memory when `to_memory`; COMPARE and TEST have none but read in the same order. */
enum decoded_operation {
    OPERATION_MOVE, /* also movzx, movsx, movsxd, movnti */
    OPERATION_ADD,
    OPERATION_SUBTRACT,
    OPERATION_AND,
    OPERATION_OR,
    OPERATION_XOR,
    OPERATION_COMPARE,
    OPERATION_TEST,
    OPERATION_EXCHANGE,         /* both are written */
    OPERATION_EXCHANGE_ADD,     /* memory += register; register = what memory was */
    OPERATION_COMPARE_EXCHANGE, /* with the accumulator */
    OPERATION_INCREMENT,        /* these four have the memory operand only */
    OPERATION_DECREMENT,
    OPERATION_NOT,
    OPERATION_NEGATE,
};

enum decoded_string { STRING_INS, STRING_OUTS, STRING_MOVS, STRING_STOS, STRING_LODS };

struct decoded {
    enum decoded_kind kind;
    enum decoded_operation operation; /* MEMORY */
    enum decoded_string string;       /* STRING */
    uint8_t length;                   /* bytes */
    uint8_t gpr;                      /* register operand, x64 number (rax 0, rcx 1, ... r15 15) */
    uint8_t gpr_bytes;     /* width of the register operand: 1, 2, 4, 8; 0: there is none */
    bool gpr_high;         /* ah, ch, dh, bh */
    uint8_t memory_bytes;  /* MEMORY, STRING: of one element */
    bool to_memory;        /* MEMORY: the first operand is the one in memory */
    bool sign_extend;      /* MEMORY: movsx, movsxd */
    bool repeat;           /* STRING: count in rcx */
    uint8_t address_bytes; /* STRING: 8, or 4 for esi, edi, ecx */
    bool has_immediate;    /* MEMORY: instead of a register; PORT_*: the port, instead of dx */
    bool has_processor;    /* rdtscp: ecx gets the processor number */
    bool privileged;       /* needs the kernel's privilege, or is an I/O instruction */
    uint64_t immediate;    /* sign-extended */
};

/* Decode an instruction from its bytes (at most 15 are used).  Any thread. */
void decode_instruction(const void *bytes, size_t size, struct decoded *out);

/* The same instruction for people: "rdmsr", "mov rax, cr3".  At most `size` - 1 characters. */
void decode_text(const void *bytes, size_t size, uint64_t address, char *text, size_t text_size);

#endif
