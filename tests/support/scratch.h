/* SPDX-License-Identifier: MIT */
/* Where tests put files. */
#ifndef PAGABLE_TESTS_SCRATCH_H
#define PAGABLE_TESTS_SCRATCH_H

#include <stddef.h>

/* Template for mkstemp and mkdtemp in $TMPDIR, or where the system has such files.  Fails the
 * running test when `path`, of `size` bytes, is too short. */
void scratch_template(char *path, size_t size, const char *name);

#endif
