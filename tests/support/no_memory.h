/* SPDX-License-Identifier: MIT */
/* What is done without memory: each request fails once. */
#ifndef PAGABLE_TESTS_NO_MEMORY_H
#define PAGABLE_TESTS_NO_MEMORY_H

#include <pagable/status.h>

/*
 * Call `attempt` with its first request failing, its second and so on, until none is left to fail.
 * It answers PG_E_NO_MEMORY when a request failed and PG_OK else, or the running test fails; so it
 * does after less than `at_least` failures.  What an attempt leaves behind it checks and releases.
 */
void no_memory_anywhere(pg_status (*attempt)(void *context), void *context, unsigned at_least);

#endif
