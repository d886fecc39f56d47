/* SPDX-License-Identifier: MIT */
/*
 * What every test of the pager begins with: a file of eight pages with known bytes, a pager that
 * serves the process' faults, and host calls that are counted and can be refused.
 */
#ifndef TESTS_PAGER_FIXTURE_H
#define TESTS_PAGER_FIXTURE_H

#include <check.h>
#include <sys/types.h>

#include "support.h"

enum { PAGES = 8 };

extern uint8_t file[PAGES * PG_PAGE_SIZE];
extern int fd;
extern struct pager *pager;
extern struct host_calls saved; /* the real ones */
/* Calls that change what pages allow, take memory away, read, write. */
extern unsigned calls_protect, calls_discard, calls_read, calls_write;
extern uint64_t discarded_at, discarded_bytes;    /* of the last discard that was let through */
extern unsigned refuse_discards, refuse_protects; /* so many of the next ones */

void forget_calls(void);
void setup(void);
void teardown(void);

struct pager_region_desc file_desc(uint64_t base, uint32_t first, uint32_t pages,
                                   unsigned protection);
struct pager_region_desc zero_desc(uint64_t base, uint32_t pages);
struct pager_region *add(const struct pager_region_desc *desc);
struct pager_region *add_file(uint32_t pages, unsigned protection); /* at BASE, as the next */
struct pager_region *add_zero(uint32_t pages);

/* Accesses at BASE + offset that must succeed. */
uint8_t read_at(uint64_t offset);
void write_at(uint64_t offset, uint8_t value);
/* A read that must fail so. */
void read_fails(uint64_t offset, pg_status status, bool paging_file);
int64_t resident(const struct pager_region *region);

/* The first with the one back end, the second with the other. */
unsigned by_backend(unsigned protection, unsigned userfault);

/* Runs one suite with the back end that the arguments name: `add_tests` with the fixture, `more`
 * (may be NULL) adds cases of its own.  The program's exit status. */
int pager_suite(int argc, char **argv, const char *name, void (*add_tests)(TCase *plain),
                void (*more)(Suite *suite));

#endif
