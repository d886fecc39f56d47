/* SPDX-License-Identifier: MIT */
/*
 * Marks that put routines and data into named sections of an ELF program.
 *
 *   PAGABLE_CODE("PAGEmirr") int mirror_read(struct mirror *m) { ... }
 *   PAGABLE_DATA("PAGEdata") static int table[4096] = { ... };
 *   PAGABLE_INIT int parse_options(int argc, char **argv) { ... }
 *   PAGABLE_INIT_DATA static char option_names[] = "...";
 *
 * The name decides what may happen to a section:
 *   "PAGE..."          pageable: may be trimmed while its lock count is 0
 *   "INIT", "INITdata" given back for ever by pagable_discard_init
 *   any other          left to the kernel; it can be locked all the same
 *
 * One name is for one kind of thing: compilers refuse to mix code, variables and constants in a
 * section.  A marked routine is never inlined: in its caller it would be outside of the section.
 * What a routine refers to is not marked with it: string literals and jump tables stay in .rodata.
 *
 * Nothing here needs the library.
 */
#ifndef PAGABLE_MARK_H
#define PAGABLE_MARK_H

#if defined(__clang__)
#define PAGABLE_CODE(name) __attribute__((section(name), noinline))
#else
/* A clone of a routine is made for one caller, like an inlined copy. */
#define PAGABLE_CODE(name) __attribute__((section(name), noinline, noclone))
#endif
#define PAGABLE_DATA(name) __attribute__((section(name)))
#define PAGABLE_INIT       PAGABLE_CODE("INIT")
#define PAGABLE_INIT_DATA  PAGABLE_DATA("INITdata")

/*
 * Page-align the start of a section; once in a program or shared object, in any C file, before the
 * first use of the section there.  The name is given without quotes:
 * PAGABLE_SECTION_CODE(PAGEmirr). A section that is not aligned works too, but shares pages with
 * its neighbours: a lock holds them as well, a trim leaves them.  pagable_sections() of the CMake
 * package does this and pads the end.
 */
#define PAGABLE_SECTION_CODE(name)                                                                 \
    __asm__(".pushsection " #name ",\"ax\",@progbits\n\t.p2align 12\n\t.popsection")
#define PAGABLE_SECTION_DATA(name)                                                                 \
    __asm__(".pushsection " #name ",\"aw\",@progbits\n\t.p2align 12\n\t.popsection")
#define PAGABLE_SECTION_CONST(name)                                                                \
    __asm__(".pushsection " #name ",\"a\",@progbits\n\t.p2align 12\n\t.popsection")

#endif
