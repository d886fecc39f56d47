/* SPDX-License-Identifier: MIT */
/* The checksum of a page: notices damage, is no protection against somebody who wants to cheat. */
#ifndef PAGABLE_PAGER_CHECKSUM_H
#define PAGABLE_PAGER_CHECKSUM_H

#include <stdint.h>

/* `bytes` points to PG_PAGE_SIZE bytes, with any alignment. */
uint64_t checksum_page(const void *bytes);

#endif
