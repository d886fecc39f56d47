/* SPDX-License-Identifier: MIT */
/* Private to cli/: what `pagable isolate` asks of the system (isolate_linux.c). */
#ifndef PAGABLE_CLI_ISOLATE_H
#define PAGABLE_CLI_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>

/* Replace a file by a text, or not at all: written beside it, then renamed.  0 or a negative errno.
 */
int replace_file(const char *path, const char *text, size_t bytes);

/* A folder of one's own for a check; removed with what is in it by scratch_close. */
struct scratch {
    char path[256];
};
int scratch_open(struct scratch *scratch); /* 0 or a negative errno */
void scratch_close(struct scratch *scratch);
/* Write a file of this name into it.  0 or a negative errno. */
int scratch_write(const struct scratch *scratch, const char *name, const char *text, size_t bytes);

/* Run a program with what it prints in NAME.log in the scratch folder, which is its current one.
 * Its exit status (127 and an empty log: it is not there), or a negative errno (killed:
 * -ECANCELED). */
int scratch_run(const struct scratch *scratch, const char *const *arguments, const char *log);

#endif
