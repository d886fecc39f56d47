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
        .cfi_startproc
        movq    %rcx, 8(%rsp)
        movq    %rdx, 16(%rsp)
        movq    %r8, 24(%rsp)
        movq    %r9, 32(%rsp)
        movq    (%rsp), %r10            /* return address */
        leaq    8(%rsp), %r11           /* guest rsp after the return, and the arguments */
        subq    $152, %rsp              /* 32 home, 112 frame, 8 alignment */
        .cfi_adjust_cfa_offset 152
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
        addq    $152, %rsp
        .cfi_adjust_cfa_offset -152
        ret
        .cfi_endproc
        .size   call_entry, . - call_entry
        .section .note.GNU-stack, "", @progbits
