/* SPDX-License-Identifier: MIT */
/*
 * One step up an x64 stack, by .pdata: from the registers inside a routine to those of its caller.
 *
 * Code is read from the file, never from memory, where it may be paged out; only the stack is,
 * through the caller's function.  Any thread.
 */
#ifndef PAGABLE_IMAGE_UNWIND_H
#define PAGABLE_IMAGE_UNWIND_H

#include "image/image.h"

#define UNWIND_RSP 4 /* index of rsp in gpr */

struct unwind_registers {
    uint64_t rip;
    uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15: the order of the encoding */
};

/* Read the 8 bytes of the stack at an address; false when that cannot be done. */
typedef bool (*unwind_read)(void *context, uint64_t address, uint64_t *word);

enum unwind_result {
    UNWIND_OK,
    UNWIND_MACHINE_FRAME, /* as OK, but the new rip is an interrupted instruction, no return address
                           */
    UNWIND_NOT_HERE,      /* rip lies outside of the image */
    UNWIND_NO_STACK,      /* the stack could not be read */
    UNWIND_BAD_INFO,      /* an unwind info further up a chain is malformed */
};

/* What is known of the frame that was left. */
struct unwind_frame {
    bool leaf;                      /* no entry in .pdata: it changed no register but rsp's pop */
    bool in_body;                   /* neither in the prologue nor in an epilogue: handlers count */
    struct image_function function; /* of .pdata, unless leaf; may be a fragment */
    uint64_t establisher;           /* what its handlers know the frame by */
};

/*
 * Step from *registers, whose rip is in the image loaded at image_base, to the caller.  Nonvolatile
 * registers get the values that the frame saved; xmm registers are not followed.  On failure
 * nothing is changed.  *frame may be NULL; it is set for OK and MACHINE_FRAME.
 */
enum unwind_result image_unwind_frame(const struct image *image, uint64_t image_base,
                                      struct unwind_registers *registers, unwind_read read,
                                      void *context, struct unwind_frame *frame);

enum unwind_result image_unwind(const struct image *image, uint64_t image_base,
                                struct unwind_registers *registers, unwind_read read,
                                void *context);

#endif
