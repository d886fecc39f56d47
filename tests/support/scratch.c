/* SPDX-License-Identifier: MIT */
/* Names for scratch files. */
#include "support/scratch.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

void scratch_template(char *path, size_t size, const char *name)
{
    const char *folder = getenv("TMPDIR");
    int n = snprintf(path, size, "%s/%s-XXXXXX",
                     folder != NULL && folder[0] != '\0' ? folder : P_tmpdir, name);

    ck_assert(n > 0 && (size_t)n < size);
}
