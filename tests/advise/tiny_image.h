/* SPDX-License-Identifier: MIT */
/*
 * Images with code written by hand: one page each of .text (1000h), .rdata (2000h), .data (3000h),
 * .pdata (4000h) and .reloc (5000h).  The routines of TINY_IMPORTS are imported; what is put
 * anywhere must not meet the import tables from TINY_TABLES on.
 */
#ifndef TESTS_ADVISE_TINY_IMAGE_H
#define TESTS_ADVISE_TINY_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define TINY_BASE    0x140000000u
#define TINY_TEXT    0x1000u
#define TINY_RDATA   0x2000u
#define TINY_DATA    0x3000u
#define TINY_UNWIND  0x2700u /* push rbx; its info is plain */
#define TINY_CHAINED 0x2710u /* chained to the entry at TINY_PARENT */
#define TINY_PARENT  0x2714u
#define TINY_CONFIG  0x2750u
#define TINY_TABLES  0x2700u
#define TINY_FILE    0x5400u

enum tiny_import {
    TINY_SET_EVENT,
    TINY_RELEASE_MUTEX,
    TINY_BUG_CHECK,
    TINY_WDF_BIND,
    TINY_IMPORTS
};

struct tiny {
    uint8_t bytes[TINY_FILE];
    uint32_t pdata, relocations; /* how many */
};

void tiny_begin(struct tiny *tiny);
/* Bytes as hexadecimal digits, spaces between them as one likes. */
void tiny_put(struct tiny *tiny, uint32_t rva, const char *hex);
void tiny_put32(struct tiny *tiny, uint32_t rva, uint32_t value);
/* The 32-bit displacement at an rva, relative to what follows it. */
void tiny_relative(struct tiny *tiny, uint32_t rva, uint32_t target_rva);
uint32_t tiny_slot(enum tiny_import import);
/* An address of the image, with its relocation. */
void tiny_pointer(struct tiny *tiny, uint32_t rva, uint32_t target_rva);
/* An entry of .pdata; in ascending order. */
void tiny_function(struct tiny *tiny, uint32_t begin_rva, uint32_t end_rva, uint32_t unwind_rva);
/* Load configuration: guard pointers and the table of routines at an rva. */
void tiny_guard(struct tiny *tiny, uint32_t check_rva, uint32_t dispatch_rva, uint32_t table_rva,
                uint32_t count);
/* Writes what begins counted; the image is then complete. */
void tiny_end(struct tiny *tiny);

#endif
