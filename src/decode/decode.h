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

enum decoded_kind {
    DECODED_INVALID,   /* no instruction of x64 */
    DECODED_OTHER,     /* an instruction that is none of the below; `text` names it */
    DECODED_READ_CR8,  /* mov gpr, cr8 */
    DECODED_WRITE_CR8, /* mov cr8, gpr */
    DECODED_CLI,
    DECODED_STI,
    DECODED_LOAD,      /* mov, movzx, movsx, movsxd from memory to a register */
    DECODED_READ_TSC,  /* rdtsc, rdtscp */
    DECODED_INTERRUPT, /* int n: `immediate` is n */
    DECODED_FLUSH,     /* wbinvd, invlpg: nothing to do in a simulated computer */
};

struct decoded {
    enum decoded_kind kind;
    uint8_t length;       /* bytes */
    uint8_t gpr;          /* register operand, x64 number (rax 0, rcx 1, ... r15 15) */
    uint8_t gpr_bytes;    /* width of the register operand: 1, 2, 4, 8 */
    bool gpr_high;        /* ah, ch, dh, bh */
    uint8_t memory_bytes; /* DECODED_LOAD */
    bool sign_extend;     /* DECODED_LOAD */
    bool has_processor;   /* rdtscp: ecx gets the processor number */
    bool privileged;      /* needs the kernel's privilege, or is an I/O instruction */
    uint8_t immediate;
    char text[48]; /* "rdmsr": mnemonic and operands, for messages */
};

/* Decode the instruction at `address` from its bytes (at most 15 are used).  Any thread. */
void decode_instruction(const void *bytes, size_t size, uint64_t address, struct decoded *out);

#endif
