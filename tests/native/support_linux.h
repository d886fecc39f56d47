/* SPDX-License-Identifier: MIT */
/* What the tests of native/ share: marked sections in the test programs, the kernel's accounts. */
#ifndef PAGABLE_TESTS_NATIVE_SUPPORT_LINUX_H
#define PAGABLE_TESTS_NATIVE_SUPPORT_LINUX_H

#include <stddef.h>
#include <stdint.h>

#include <pagable/pagable.h>

/* PAGEcode: two pages of code; PAGEconst: constants of three pages, both page-aligned. */
int paged_routine(int x);
extern const char paged_const[3 * 4096];
/* PAGEdata: three pages and a bit, aligned; PAGEtail: 16 bytes behind it, on its last page. */
extern char paged_data[3 * 4096 + 16];
/* INIT and INITdata: two pages each, aligned. */
int init_routine(int x);
extern char init_data[2 * 4096];

/* VmLck of /proc/self/status, in bytes. */
size_t kernel_locked(void);
/* From now on RLIMIT_MEMLOCK binds this process, root or not. */
void limit_locks(size_t bytes);
struct pagable_info query(pg_handle handle);
pg_handle handle_of(const void *address);

#endif
