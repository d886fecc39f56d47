/* SPDX-License-Identifier: MIT */
/*
 * A trap: the guest (or the system on its behalf) was interrupted by the processor.
 *
 * The signal handler copies the interrupted context to the interrupted stack and returns into
 * trap_enter there; everything that a trap leads to (paging, emulation, switching threads, a bug
 * check) happens in that ordinary code.  The context is resumed from the copy.
 *
 * An access to a device that is known already and leads to nothing else is done in the handler
 * itself, which is what makes drivers that move data byte by byte bearable.
 */
#ifndef PAGABLE_MACHINE_TRAP_H
#define PAGABLE_MACHINE_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "pager/pager.h"

enum trap_cause {
    TRAP_PAGE,       /* address and access are set */
    TRAP_PROTECTION, /* general protection: a privileged instruction or a bad address */
    TRAP_INVALID,    /* invalid opcode */
    TRAP_DIVIDE,
    TRAP_BREAKPOINT, /* rip is behind the int3 */
    TRAP_STEP,
    TRAP_ALIGNMENT,
    TRAP_BUDGET, /* out of processor time */
    TRAP_STACK,  /* the stack has no room left, `address` is where */
    TRAP_CHOICE, /* the instruction is done, and something waits for the processor */
    TRAP_OTHER
};

struct trap {
    enum trap_cause cause;
    enum pager_access access;
    uint64_t address;
    uint64_t rip, rflags;
    uint64_t gpr[16]; /* in x64 encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
    int signal;
    uint32_t vector; /* the processor's number of the exception */
};

/* Ordinary code: handle the trap.  Returns when the context may be resumed with the registers as
 * they are in *trap then. */
void trap_handle(struct trap *trap);

#endif
