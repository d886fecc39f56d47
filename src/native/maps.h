/* SPDX-License-Identifier: MIT */
/* Private to native/: the kernel's own account of the process's mappings, as text. */
#ifndef PAGABLE_NATIVE_MAPS_H
#define PAGABLE_NATIVE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagable/status.h>

struct maps_entry {
    uint64_t start, end;
    uint64_t resident, anonymous; /* bytes; smaps only, like the next */
    uint64_t page_bytes;          /* more than PG_PAGE_SIZE: of hugetlbfs, not in `resident` */
};

/* The path of what is mapped at an address, "" for nothing with a path.  PG_E_NOT_FOUND, PG_E_IO.
 */
pg_status maps_path(uint64_t address, char *path, size_t room);

/* The mapping at an address, from smaps.  PG_E_NOT_FOUND, PG_E_IO. */
pg_status maps_counts(uint64_t address, struct maps_entry *out);

/* Whether the pages at an address are hugetlbfs's; false when smaps cannot be read. */
bool maps_is_huge(uint64_t address);

/* Bytes that the process has locked, from status; 0 when it cannot be read. */
uint64_t maps_locked(void);

#endif
