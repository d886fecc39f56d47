/* SPDX-License-Identifier: MIT */
/* A shared object with a section of two huge pages and a bit, and another one right behind. */
#include <stddef.h>

__asm__(".pushsection PAGEhuge,\"ax\",@progbits\n\t.p2align 21\n\t"
        ".globl huge_code\n"
        "huge_code: .fill 0x403000, 1, 0x90\n\t.popsection\n\t"
        ".pushsection PAGEnext,\"ax\",@progbits\n\t.p2align 12\n\t"
        ".globl huge_next\n"
        "huge_next: .fill 0x3000, 1, 0x91\n\t.popsection");

extern const unsigned char huge_code[], huge_next[];
extern const unsigned char *const huge_places[2];

const unsigned char *const huge_places[2] = {huge_code, huge_next};
