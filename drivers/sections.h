/* SPDX-License-Identifier: MIT */
/*
 * What sections.sys does on request: plain numbers, so that a driver, a C program and a script can
 * use one list.
 *
 * Every code is METHOD_BUFFERED.  Input is a row of little-endian 64-bit words, output too; missing
 * input words are 0.  Output is written as far as the buffer has room.
 *
 *     code                     input            output
 *     QUERY                                     SECTIONS_QUERY_WORDS words, see below
 *     LOCK                     target           handle
 *     RELOCK                   target           handle
 *     UNLOCK                   target           locks that the driver still holds on the section
 *     FORGET                                    locks that will be left behind at unload
 *     CALL                     target, seed     result
 *     CALL_AT_DISPATCH         target, seed     result
 *     DATA_FILL                target, pattern
 *     DATA_VERIFY              target, pattern  words that differ from the pattern
 *     DATA_LOCKED_UPDATE       target, pattern  words that differed from the pattern
 *     CHECK_POINTERS                            pointers in PAGEDATA that are wrong
 *     PAGE_ENTIRE                               what MmPageEntireDriver returned
 *     RESET_PAGING
 *     LOCK_HOLDING_SPIN_LOCK   target           handle
 *
 * Mistakes that can be asked for: UNLOCK once more than LOCK (0x1A / 0x1010); LOCK of NOWHERE or
 * POOL (0x1A / 0x1234); LOCK_HOLDING_SPIN_LOCK; LOCK of TEXT; CALL of INIT after initialization;
 * CALL_AT_DISPATCH of a pageable target that is not locked; FORGET with locks held, then unload.
 */
#ifndef SECTIONS_H
#define SECTIONS_H

#define SECTIONS_DEVICE_NAME "Sections" /* \Device\Sections, \DosDevices\Sections */

#define SECTIONS_QUERY                  0x222000 /* what a caller that knows nothing may send */
#define SECTIONS_LOCK                   0x222004
#define SECTIONS_RELOCK                 0x222008
#define SECTIONS_UNLOCK                 0x22200c
#define SECTIONS_FORGET                 0x222010
#define SECTIONS_CALL                   0x222014
#define SECTIONS_CALL_AT_DISPATCH       0x222018
#define SECTIONS_DATA_FILL              0x22201c
#define SECTIONS_DATA_VERIFY            0x222020
#define SECTIONS_DATA_LOCKED_UPDATE     0x222024
#define SECTIONS_CHECK_POINTERS         0x222028
#define SECTIONS_PAGE_ENTIRE            0x22202c
#define SECTIONS_RESET_PAGING           0x222030
#define SECTIONS_LOCK_HOLDING_SPIN_LOCK 0x222034

/* Targets: an address each, and the section that it lies in. */
#define SECTIONS_ALPHA_FIRST  0 /* PAGEAAAA */
#define SECTIONS_ALPHA_SECOND 1
#define SECTIONS_BETA_FIRST   2 /* PAGEBBBB */
#define SECTIONS_BETA_SECOND  3
#define SECTIONS_PLAIN_FIRST  4 /* PAGE */
#define SECTIONS_PLAIN_SECOND 5
#define SECTIONS_DATA         6 /* PAGEDATA */
#define SECTIONS_DATA_SECOND  7
#define SECTIONS_BSS          8  /* PAGEBSS */
#define SECTIONS_TEXT         9  /* .text: resident */
#define SECTIONS_INIT         10 /* INIT: gone after initialization */
#define SECTIONS_POOL         11 /* nonpaged pool: in no image */
#define SECTIONS_NOWHERE      12 /* 0x1000: nothing at all */
#define SECTIONS_TARGETS      13

/*
 * Output of QUERY: for each target its address, then for each target the locks that the driver
 * holds on that target's section, then how often the reinitialization routine ran, then the result
 * of the INIT routine as DriverEntry saw it (seed SECTIONS_INIT_SEED).
 */
#define SECTIONS_QUERY_WORDS (2 * SECTIONS_TARGETS + 2)
#define SECTIONS_INIT_SEED   0x696e6974

/* 64-bit words in each of the two arrays of PAGEDATA, and in PAGEBSS. */
#define SECTIONS_DATA_WORDS 768
#define SECTIONS_BSS_WORDS  1024

#endif
