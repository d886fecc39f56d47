# SPDX-License-Identifier: MIT
# Routines without debug information: with unwind information, two names and a prologue; a leaf; one
# that only its .pdata entry knows; one in three parts, of which the second follows the first and the
# third lies elsewhere.
    .text
    .globl sample_alias
    .def sample_alias; .scl 2; .type 32; .endef
    .globl sample_plain
    .def sample_plain; .scl 2; .type 32; .endef
    .p2align 4
sample_plain:
sample_alias:
    .seh_proc sample_plain
    subq $40, %rsp
    .seh_stackalloc 40
    .seh_endprologue
    callq .Lnameless
    callq sample_parts
    addq $40, %rsp
    retq
    .seh_endproc

    .globl sample_pure
    .def sample_pure; .scl 2; .type 32; .endef
    .p2align 4
sample_pure:
    leal 1(%rcx), %eax
    retq

    .p2align 4
.Lnameless:
    subq $24, %rsp
.Lnameless_prologue:
    leal 2(%rcx), %eax
    addq $24, %rsp
    retq
.Lnameless_end:

    .globl sample_parts
    .def sample_parts; .scl 2; .type 32; .endef
    .p2align 4
sample_parts:
    subq $24, %rsp
.Lparts_prologue:
    testl %ecx, %ecx
.Lparts_second:
    js .Lparts_third
    addq $24, %rsp
    retq
.Lparts_second_end:

    .globl __C_specific_handler
    .def __C_specific_handler; .scl 2; .type 32; .endef
    .p2align 4
__C_specific_handler:
    movl $1, %eax
    retq

    .p2align 4
.Lparts_third:
    movl $-1, %eax
    addq $24, %rsp
    retq
.Lparts_third_end:

    .section .xdata,"dr"
    .p2align 2
.Lnameless_unwind: # version, prologue, codes, frame; allocate 24 bytes
    .byte 1, .Lnameless_prologue-.Lnameless, 1, 0
    .byte .Lnameless_prologue-.Lnameless, 0x22, 0, 0
.Lparts_unwind:
    .byte 1, .Lparts_prologue-sample_parts, 1, 0
    .byte .Lparts_prologue-sample_parts, 0x22, 0, 0
.Lchained_unwind: # chained to the first part
    .byte 0x21, 0, 0, 0
    .rva sample_parts, .Lparts_second, .Lparts_unwind

    .section .pdata,"dr"
    .p2align 2
    .rva .Lnameless, .Lnameless_end, .Lnameless_unwind
    .rva sample_parts, .Lparts_second, .Lparts_unwind
    .rva .Lparts_second, .Lparts_second_end, .Lchained_unwind
    .rva .Lparts_third, .Lparts_third_end, .Lchained_unwind
