/* SPDX-License-Identifier: MIT */
/*
 * For loops that check something many thousand times: each ck_assert first writes to the runner
 * where it stands, which takes longer than most checks do.
 */
#ifndef PAGABLE_TESTS_ALWAYS_H
#define PAGABLE_TESTS_ALWAYS_H

#include <check.h>

/* Fails the running test, naming the condition, unless it holds. */
#define ALWAYS(condition) ((condition) ? (void)0 : ck_abort_msg("not so: %s", #condition))

#endif
