/* SPDX-License-Identifier: MIT */
/*
 * Switching fibers: callee-saved registers, mxcsr and the x87 control word go to the old stack.
 *
 *   void thread_switch(uint64_t *save, uint64_t to)
 *     rdi  where the old stack pointer goes
 *     rsi  stack pointer that an earlier thread_switch saved, or that thread_new prepared
 *
 * Ends with a jump rather than a return: the return predictor knows nothing of the new stack.
 */
        .text
        .globl  thread_switch
        .type   thread_switch, @function
thread_switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $8, %rsp
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        addq    $8, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        popq    %rcx
        jmp     *%rcx
        .size   thread_switch, . - thread_switch
        .section .note.GNU-stack, "", @progbits
