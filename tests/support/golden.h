/* SPDX-License-Identifier: MIT */
/*
 * Golden files: the expected text of a test, in the source tree.  With PAGABLE_REBASE=1 in the
 * environment the files are rewritten instead of compared; look at the difference before you
 * commit.
 */
#ifndef PAGABLE_TESTS_GOLDEN_H
#define PAGABLE_TESTS_GOLDEN_H

#include <stddef.h>

/* Compare `text` with the file `name` (relative to the source tree), or rewrite it.  Fails the
 * running test when they differ, with the first line that does. */
void golden_check(const char *name, const char *text);

#endif
