/* SPDX-License-Identifier: MIT */
/*
 * What an INF file says about the hardware that a driver is for: the hardware and compatible ids of
 * its models.  Nothing else of it is looked at.
 */
#ifndef PAGABLE_CLI_INF_H
#define PAGABLE_CLI_INF_H

#include <stddef.h>
#include <stdint.h>

#define INF_IDS_MAX 4096u /* bytes of a list */
#define INF_ID_MAX  200u  /* characters of one, as on Windows */

struct inf_ids {
    char list[INF_IDS_MAX]; /* each id terminated, the list with an empty one; without duplicates */
    unsigned count;
    const char *why; /* when there is none: what the file lacks, in words */
};

/* Any bytes at all.  `text` is room of `size` + 1 bytes for the reader. */
void inf_read(const uint8_t *bytes, size_t size, char *text, struct inf_ids *out);

#endif
