/* SPDX-License-Identifier: MIT */
/*
 * A writer of small PE32+ images for tests: one valid image with every structure that the reader
 * knows, each at a place with a name, so that a test can break one field.
 *
 * Sections: .text PAGEABCD INIT .rdata .data .bss .pdata .reloc, PE_RAW bytes in the file each but
 * for .bss (none); PAGEABCD and .data are two pages long, of which the file has only the first
 * bytes.
 */
#ifndef TESTS_IMAGE_PE_H
#define TESTS_IMAGE_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pe_section {
    PE_TEXT,
    PE_PAGE,
    PE_INIT,
    PE_RDATA,
    PE_DATA,
    PE_BSS,
    PE_PDATA,
    PE_RELOC,
    PE_SECTIONS
};

/* Places in the file: headers. */
#define PE_SIGNATURE    0x80u
#define PE_FILE         0x84u
#define PE_OPTIONAL     0x98u
#define PE_DIRECTORY(i) (0x108u + 8u * (i))
#define PE_SECTION(i)   (0x188u + 40u * (i))
#define PE_HEADERS      0x400u
#define PE_RAW          0x600u

/* Places in .rdata. */
#define PE_IMPORTS       0x000u /* two descriptors and the end */
#define PE_NAMES_0       0x040u /* KeSetEvent, DbgPrint, #7 */
#define PE_SLOTS_0       0x080u
#define PE_SLOTS_1       0x0a0u /* HalMakeBeep; names nowhere else */
#define PE_HINT_KESET    0x0c0u
#define PE_HINT_DBGPRINT 0x0d0u
#define PE_HINT_HAL      0x0e0u
#define PE_MODULE_0      0x0f0u
#define PE_MODULE_1      0x100u
/* first ordinal 5; slots: Alpha, none, unnamed, Beta (forwarded), Gamma and Zeta */
#define PE_EXPORTS        0x140u
#define PE_EXPORT_SLOTS   0x168u
#define PE_EXPORT_NAMES   0x17cu
#define PE_EXPORT_INDICES 0x18cu
#define PE_EXPORT_TEXT    0x194u
#define PE_FORWARDER      0x1c0u
#define PE_EXPORT_BYTES   0x0a0u
#define PE_UNWIND_PLAIN   0x200u /* push rbx; sub rsp, 20h */
#define PE_UNWIND_HANDLER 0x210u /* sub rsp, 28h; handler of both kinds */
#define PE_UNWIND_CHAINED 0x230u /* mov [rsp + 30h], rdi; then PE_UNWIND_PLAIN */
#define PE_UNWIND_FRAME   0x250u /* push rbp; sub rsp, 1000h; lea rbp, [rsp + 80h] */
#define PE_UNWIND_MACHINE 0x270u /* interrupt with an error code; push rax */
#define PE_LOAD_CONFIG    0x300u
#define PE_DEBUG          0x3a0u
#define PE_RSDS           0x3e0u

/* Places in .text: functions of .pdata, in its order; a fifth, with a frame, is in PAGEABCD. */
#define PE_FN_PLAIN   0x10u
#define PE_FN_HANDLER 0x40u
#define PE_FN_CHAINED 0x80u
#define PE_FN_MACHINE 0xa0u
#define PE_FN_FRAME   0x100u /* in PAGEABCD */
#define PE_FUNCTIONS  5u

#define PE_RELOCATIONS 4u

struct pe_options {
    bool flat; /* sections and file aligned to 0x200: not pageable, rva = place in the file */
    uint64_t base;
};

struct pe {
    uint8_t bytes[0x8000];
    size_t size;
    uint64_t base;
    uint32_t rva[PE_SECTIONS], raw[PE_SECTIONS];
};

/* options: NULL for a page-aligned image at 0x140000000. */
void pe_build(struct pe *pe, const struct pe_options *options);

/* Set `width` (1, 2, 4, 8) bytes at a place in the file. */
void pe_put(struct pe *pe, size_t place, unsigned width, uint64_t value);
uint64_t pe_get(const struct pe *pe, size_t place, unsigned width);

#endif
