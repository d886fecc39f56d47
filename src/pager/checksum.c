/* SPDX-License-Identifier: MIT */
/*
 * The page's 512 words go to eight lanes in turn.  A step of a lane is
 *
 *     lane = rotate(lane ^ word, 23) * K
 *
 * with K odd: for a given word a bijection of the lane, for a given lane a bijection of the word.
 * The lanes are then folded into one by the same step.  So two pages that differ in one aligned
 * 8-byte word only never have the same checksum, and neither have pages that differ in one lane by
 * any one word; for other differences it is 1 in 2^64.  Eight independent lanes hide the latency of
 * the multiplication: about 0.1 us a page.
 */
#include "pager/checksum.h"

#include <string.h>

#include <pagable/section.h>

enum { LANES = 8, WORDS = PG_PAGE_SIZE / 8 };

static uint64_t step(uint64_t lane, uint64_t word)
{
    uint64_t mixed = lane ^ word;

    return ((mixed << 23) | (mixed >> 41)) * UINT64_C(0x9fb21c651e98df25);
}

uint64_t checksum_page(const void *bytes)
{
    const char *at = bytes;
    uint64_t lanes[LANES] = {
        UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0),
        UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377), UINT64_C(0xbe5466cf34e90c6c),
        UINT64_C(0xc0ac29b7c97c50dd), UINT64_C(0x3f84d5b5b5470917), /* digits of pi */
    };
    uint64_t sum = PG_PAGE_SIZE;

    for (unsigned i = 0; i < WORDS; i += LANES) {
        for (unsigned lane = 0; lane < LANES; lane++, at += 8) {
            uint64_t word;

            memcpy(&word, at, sizeof word);
            lanes[lane] = step(lanes[lane], word);
        }
    }
    for (unsigned lane = 0; lane < LANES; lane++) {
        sum = step(sum, lanes[lane]);
    }
    return sum ^ (sum >> 32);
}
