/* SPDX-License-Identifier: MIT */
/*
 * Routines for the unwinder's test, run one instruction at a time on the real processor: every kind of
 * prologue, epilogue and unwind operation that can be run.  Each takes and returns what it likes; all
 * that counts is that the caller's registers can be found at every instruction.
 */
        .intel_syntax noprefix
        .text

        .macro routine name
        .globl  \name
        .def    \name; .scl 2; .type 32; .endef
        .p2align 4
        .seh_proc \name
\name:
        .endm

        /* What the others call: a leaf without unwind info. */
        .globl  leaf
        .def    leaf; .scl 2; .type 32; .endef
        .p2align 4
leaf:
        mov     eax, 1
        ret

        routine small
        push    rbx
        .seh_pushreg rbx
        push    r12
        .seh_pushreg r12
        sub     rsp, 0x28
        .seh_stackalloc 0x28
        .seh_endprologue
        mov     rbx, 0x1111
        mov     r12, 0x2222
        call    leaf
        nop
        add     rsp, 0x28
        pop     r12
        pop     rbx
        ret
        .seh_endproc

        /* Every register that a callee must keep, all of them destroyed. */
        routine all_registers
        push    rbx
        .seh_pushreg rbx
        push    rbp
        .seh_pushreg rbp
        push    rsi
        .seh_pushreg rsi
        push    rdi
        .seh_pushreg rdi
        push    r12
        .seh_pushreg r12
        push    r13
        .seh_pushreg r13
        push    r14
        .seh_pushreg r14
        push    r15
        .seh_pushreg r15
        sub     rsp, 0x58
        .seh_stackalloc 0x58
        movaps  [rsp + 0x20], xmm6
        .seh_savexmm xmm6, 0x20
        movaps  [rsp + 0x30], xmm15
        .seh_savexmm xmm15, 0x30
        .seh_endprologue
        xor     ebx, ebx
        xor     ebp, ebp
        xor     esi, esi
        xor     edi, edi
        xor     r12d, r12d
        xor     r13d, r13d
        xor     r14d, r14d
        xor     r15d, r15d
        call    small
        movaps  xmm6, [rsp + 0x20]
        movaps  xmm15, [rsp + 0x30]
        add     rsp, 0x58
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rdi
        pop     rsi
        pop     rbp
        pop     rbx
        ret
        .seh_endproc

        /* Registers saved by moves, in the caller's space and below it. */
        routine saved_by_moves
        mov     [rsp + 8], rbx
        sub     rsp, 0x1008
        .seh_stackalloc 0x1008
        .seh_savereg rbx, 0x1010
        mov     [rsp + 0x40], rsi
        .seh_savereg rsi, 0x40
        mov     [rsp + 0x48], r15
        .seh_savereg r15, 0x48
        .seh_endprologue
        mov     rbx, 3
        mov     rsi, 4
        mov     r15, 5
        call    leaf
        mov     rbx, [rsp + 0x1010]
        mov     rsi, [rsp + 0x40]
        mov     r15, [rsp + 0x48]
        add     rsp, 0x1008
        ret
        .seh_endproc

        /* The three-word forms: a frame of a megabyte and a register saved at its far end. */
        routine huge
        sub     rsp, 0x100008
        .seh_stackalloc 0x100008
        mov     [rsp + 0xf0000], rdi
        .seh_savereg rdi, 0xf0000
        movaps  [rsp + 0xf0010], xmm7
        .seh_savexmm xmm7, 0xf0010
        .seh_endprologue
        mov     rdi, 6
        call    small
        mov     rdi, [rsp + 0xf0000]
        add     rsp, 0x100008
        ret
        .seh_endproc

        /* Frame registers, one after the other: rsp moves in the body, the epilogue is lea. */
        .macro  framed name, register, distance, out
        routine \name
        push    \register
        .seh_pushreg \register
        push    rsi
        .seh_pushreg rsi
        sub     rsp, 0x128
        .seh_stackalloc 0x128
        lea     \register, [rsp + \distance]
        .seh_setframe \register, \distance
        mov     [rsp + 0x30], rdi
        .seh_savereg rdi, 0x30
        .seh_endprologue
        sub     rsp, 0x330
        mov     rsi, 7
        mov     rdi, 8
        call    small
        mov     rdi, [\register + 0x30 - \distance]
        lea     rsp, [\register + \out]
        pop     rsi
        pop     \register
        ret
        .seh_endproc
        .endm

        framed  frame_rbp, rbp, 0x80, 0xa8
        framed  frame_r13, r13, 0xf0, 0x38
        framed  frame_rbx, rbx, 0, 0x128
        framed  frame_r12, r12, 0x20, 0x108

        /* Tail calls of each form, and odd returns. */
        .macro  tail name, prefix, jump:vararg
        routine \name
        push    rdi
        .seh_pushreg rdi
        sub     rsp, 0x20
        .seh_stackalloc 0x20
        .seh_endprologue
        lea     rax, [rip + small]
        mov     rdi, 9
        call    leaf
        lea     rax, [rip + small]
        add     rsp, 0x20
        pop     rdi
        \prefix
        \jump
        .seh_endproc
        .endm

        tail    tail_relative, , jmp small
        tail    tail_register, rex64, jmp rax
        tail    tail_memory, , jmp [rip + small_pointer]
        tail    tail_memory_marked, rex64, jmp [rip + small_pointer]
        tail    return_repeated, rep, ret
        tail    return_plain, , ret

        /* Jumps that look like ends but are not: within the function, and by a table. */
        routine jumps
        push    rbx
        .seh_pushreg rbx
        sub     rsp, 0x20
        .seh_stackalloc 0x20
        .seh_endprologue
        mov     ebx, 3
        jmp     2f
1:      lea     rax, [rip + 3f]
        jmp     rax
2:      dec     ebx
        jnz     1b
        jmp     4f
3:      jmp     2b
4:      add     rsp, 0x20
        pop     rbx
        ret
        .seh_endproc

        /* A tail call of itself, ecx times: a short jump to the first instruction. */
        routine itself
        push    rbx
        .seh_pushreg rbx
        sub     rsp, 0x20
        .seh_stackalloc 0x20
        .seh_endprologue
        mov     ebx, ecx
        call    leaf
        mov     ecx, ebx
        sub     ecx, 1
        jbe     1f
        add     rsp, 0x20
        pop     rbx
        jmp     itself
1:      add     rsp, 0x20
        pop     rbx
        ret
        .seh_endproc

        /*
         * A function in two pieces: the second, elsewhere, saves two registers more and is chained to
         * the first.  By hand, since the assembler's own directives make ranges that overlap.
         */
        .globl  pieces
        .def    pieces; .scl 2; .type 32; .endef
        .p2align 4
pieces:
        push    rbx
        sub     rsp, 0x40
        mov     rbx, 10
        call    leaf
        jmp     second_piece
first_piece_again:
        mov     rbx, 13
        add     rsp, 0x40
        pop     rbx
        ret
pieces_end:
        .p2align 4
        ret
        .p2align 4
second_piece:
        mov     [rsp + 0x30], rsi
        mov     [rsp + 0x38], r14
        mov     rsi, 11
        mov     r14, 12
        call    small
        mov     rsi, [rsp + 0x30]
        mov     r14, [rsp + 0x38]
        jmp     first_piece_again
second_piece_end:

        .section .xdata, "dr"
        .p2align 2
pieces_info:
        .byte   0x01, 5, 2, 0, 5, 0x72, 1, 0x30
second_piece_info:
        .byte   0x21, 10, 4, 0, 10, 0xe4, 7, 0, 5, 0x64, 6, 0
        .rva    pieces, pieces_end, pieces_info
        .section .pdata, "dr"
        .rva    pieces, pieces_end, pieces_info
        .rva    second_piece, second_piece_end, second_piece_info

        .section .rdata, "dr"
        .p2align 3
small_pointer:
        .quad   small
        .section .drectve, "yn"
        .ascii  " /export:small /export:all_registers /export:saved_by_moves /export:huge"
        .ascii  " /export:frame_rbp /export:frame_r13 /export:frame_rbx /export:frame_r12"
        .ascii  " /export:tail_relative /export:tail_register /export:tail_memory"
        .ascii  " /export:tail_memory_marked /export:return_repeated /export:return_plain"
        .ascii  " /export:jumps /export:itself /export:pieces"
