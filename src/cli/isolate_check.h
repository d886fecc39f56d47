/* SPDX-License-Identifier: MIT */
/* Private to cli/: `pagable isolate --check` (isolate_check.c). */
#ifndef PAGABLE_CLI_ISOLATE_CHECK_H
#define PAGABLE_CLI_ISOLATE_CHECK_H

#include "cli/isolate.h"
#include "report/isolate.h"

struct isolate_check {
    const char *file;    /* as given */
    const char *folder;  /* where it lies, absolute: its own headers are there */
    const char *command; /* that compiles; NULL: clang for drivers */
    const char *old_text, *new_text;
    size_t old_bytes, new_bytes;
};

/* Compile both texts, link each and look at the images.  EXIT_CLEAN, or an exit code after a
 * complaint. */
int isolate_check(const struct isolate_check *what, struct isolate_image *before,
                  struct isolate_image *after);

#endif
