/* SPDX-License-Identifier: MIT */
/* What the pager's tests share: an image file with known bytes, and accesses that really fault. */
#ifndef TESTS_PAGER_SUPPORT_H
#define TESTS_PAGER_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pager/internal.h"

#define BASE UINT64_C(0x200000000000)
#define PAGE PG_PAGE_SIZE

/* An unnamed file; the test's own, closed by it. */
int support_file(const void *bytes, size_t count);
/* Bytes that differ from page to page and seed to seed. */
void support_noise(void *bytes, size_t count, uint64_t seed);

/* The back end of every pager that is made from now on; PAGER_PROTECTION at first. */
extern enum pager_backend support_backend;
/* For main: sets it from the program's arguments ("protection", "userfaultfd"; none: as it is).
 * False when the system does not allow it: then there is nothing to test. */
#define SUPPORT_SKIPPED 77 /* then main's answer */
bool support_choose_backend(int argc, char **argv);

/* A pager in memory of its own; support_fini ends both. */
struct pager *support_pager(uint32_t regions, uint32_t pages, uint32_t patch_bytes,
                            const struct pager_hooks *hooks);
void support_fini(struct pager *pager);

/*
 * Faults of the process are served by `pager` until NULL is given.  The accesses below return true
 * when they were made; else support_outcome and support_failure say what pager_fault answered.
 */
void support_serve(struct pager *pager);
bool support_read(uint64_t address, uint8_t *value);
bool support_write(uint64_t address, uint8_t value);
bool support_call(uint64_t address, int *value); /* int f(void) lies there */
extern enum pager_outcome support_outcome;
extern struct pager_failure support_failure;
extern unsigned support_faults;
extern int support_signal; /* of the last fault */

/* Kilobytes of a range that /proc/self/smaps calls Rss: the kernel's account, read another way. */
long support_smaps_rss(uint64_t address, uint64_t bytes);

#endif
