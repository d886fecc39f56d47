/* SPDX-License-Identifier: MIT */
/* Private to bench/: each measurement fills in results; medians, since a shared machine has
 * outliers. */
#ifndef PAGABLE_BENCH_BENCH_H
#define PAGABLE_BENCH_BENCH_H

#include <stdint.h>

#include "cli/cli.h"

#define BENCH_SAMPLES_MAX 20000u

/* Nanoseconds of the monotonic clock, which all processes share. */
uint64_t bench_now(void);
double bench_median(double *values, uint32_t count); /* sorts */
/* Path of a sample driver; static storage, valid until the next call. */
const char *bench_driver(const char *name);

/* start_linux.c: from nothing to DriverEntry done. */
void bench_start(struct bench_result *result, uint32_t rounds);
/* fault_linux.c: a page comes back in; against the same kernel work, and against one mprotect. */
void bench_fault(struct bench_result results[2], uint32_t rounds);
/* section_linux.c: the section core; `quick`: that it works, not how fast. */
#define SECTION_RESULTS 9u
void bench_section(struct bench_result results[SECTION_RESULTS], bool quick);

/* pager_linux.c: a trimmed section is locked, a section leaves; against the least kernel work. */
#define BENCH_PAGER_RESULTS 3u
void bench_pager(struct bench_result results[BENCH_PAGER_RESULTS], uint32_t rounds);

/* verified_linux.c: a scenario with the default trims against the same with none. */
void bench_verified(struct bench_result *result, const char *name, const char *driver,
                    const char *script, uint32_t rounds);

/* native_linux.c: sections of an ELF program, cold locks and trims. */
#define NATIVE_RESULTS 3u
void bench_native(struct bench_result results[NATIVE_RESULTS], bool quick);

/* advise.c: the whole analysis of large images, against decoding alone. */
#define BENCH_ADVISE_RESULTS 2u
void bench_advise(struct bench_result results[BENCH_ADVISE_RESULTS], bool quick);

#endif
