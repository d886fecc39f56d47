# SPDX-License-Identifier: MIT
# Routines without debug information: one with unwind information and a global name, one leaf, one
# that only its .pdata entry knows.
    .text
    .globl sample_plain
    .def sample_plain; .scl 2; .type 32; .endef
    .p2align 4
sample_plain:
    .seh_proc sample_plain
    subq $40, %rsp
    .seh_stackalloc 40
    .seh_endprologue
    callq Lnameless
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
Lnameless:
    .seh_proc Lnameless
    subq $24, %rsp
    .seh_stackalloc 24
    .seh_endprologue
    leal 2(%rcx), %eax
    addq $24, %rsp
    retq
    .seh_endproc

    .globl __C_specific_handler
    .def __C_specific_handler; .scl 2; .type 32; .endef
    .p2align 4
__C_specific_handler:
    movl $1, %eax
    retq
