/* SPDX-License-Identifier: MIT */
/*
 * Where every export stub jumps to, with the export's index in eax.
 *
 * The Microsoft convention gives each callee 32 bytes of home space above its return address: the
 * four register arguments are stored there, so that they and the stack arguments form one array.
 * Below the return address goes a struct call_frame with the caller's registers, so that a stack
 * walk can continue in the guest.
 *
 * Frame offsets follow struct call_frame (asserted in call.c).
 */
        .text
        .globl  call_entry
        .type   call_entry, @function
call_entry:
        movq    %rcx, 8(%rsp)
        movq    %rdx, 16(%rsp)
        movq    %r8, 24(%rsp)
        movq    %r9, 32(%rsp)
        movq    (%rsp), %r10            /* return address */
        leaq    8(%rsp), %r11           /* guest rsp after the return, and the arguments */
        subq    $152, %rsp              /* 32 home, 112 frame, 8 alignment */
        andq    $-16, %rsp              /* also for a caller that did not keep it aligned */
        movq    %r10, 48(%rsp)
        movq    %r11, 56(%rsp)
        movq    %rbx, 64(%rsp)
        movq    %rbp, 72(%rsp)
        movq    %rsi, 80(%rsp)
        movq    %rdi, 88(%rsp)
        movq    %r12, 96(%rsp)
        movq    %r13, 104(%rsp)
        movq    %r14, 112(%rsp)
        movq    %r15, 120(%rsp)
        leaq    32(%rsp), %rcx
        movl    %eax, %edx
        movq    %r11, %r8
        cld
        call    call_dispatch
        movq    56(%rsp), %rsp          /* as it was, with the return address below */
        subq    $8, %rsp
        ret
        .size   call_entry, . - call_entry
/*
 * uint64_t call_guest(uint64_t routine, const uint64_t *arguments, struct call_frame *frame,
 *                     uint64_t *damage)
 *
 * The Microsoft convention, with 12 arguments.  What the routine must keep is recorded in the frame
 * before and compared after; the stack pointer comes back from the frame whatever the routine did.
 */
        .globl  call_guest
        .type   call_guest, @function
call_guest:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rcx
        pushq   %rdx
        movq    %rsp, 24(%rdx)
        movq    %rbx, 32(%rdx)
        movq    %rbp, 40(%rdx)
        movq    %rsi, 48(%rdx)
        movq    %rdi, 56(%rdx)
        movq    %r12, 64(%rdx)
        movq    %r13, 72(%rdx)
        movq    %r14, 80(%rdx)
        movq    %r15, 88(%rdx)
        subq    $104, %rsp              /* 32 home, 64 stack arguments, 8 alignment */
        .irp    i, 4, 5, 6, 7, 8, 9, 10, 11
        movq    8 * \i(%rsi), %rax
        movq    %rax, 8 * \i(%rsp)
        .endr
        movq    (%rsi), %rcx
        movq    8(%rsi), %rdx
        movq    16(%rsi), %r8
        movq    24(%rsi), %r9
        call    *%rdi
        movabsq $0x200000000000, %r10   /* ARENA_STATE: struct machine_state begins with the frame */
        movq    (%r10), %r10
        movq    24(%r10), %r11
        leaq    -104(%r11), %rdx
        xorq    %rsp, %rdx
        xorq    32(%r10), %rbx
        orq     %rbx, %rdx
        xorq    40(%r10), %rbp
        orq     %rbp, %rdx
        xorq    48(%r10), %rsi
        orq     %rsi, %rdx
        xorq    56(%r10), %rdi
        orq     %rdi, %rdx
        xorq    64(%r10), %r12
        orq     %r12, %rdx
        xorq    72(%r10), %r13
        orq     %r13, %rdx
        xorq    80(%r10), %r14
        orq     %r14, %rdx
        xorq    88(%r10), %r15
        orq     %r15, %rdx
        movq    %r11, %rsp
        cld
        addq    $8, %rsp
        popq    %rcx
        movq    %rdx, (%rcx)
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   call_guest, . - call_guest
        .section .note.GNU-stack, "", @progbits
