/* SPDX-License-Identifier: MIT */
/* Private to cli/: `pagable advise`, between its options (cmd_advise.c) and one file of it. */
#ifndef PAGABLE_CLI_ADVISE_H
#define PAGABLE_CLI_ADVISE_H

#include "advise/advise.h"
#include "cli/cli.h"
#include "report/advice.h"

enum advise_format {
    ADVISE_TEXT,
    ADVISE_JSON,  /* indented */
    ADVISE_JSONL, /* one line per file */
    ADVISE_SARIF,
    ADVISE_PRAGMAS, /* --emit alloc-text */
};

/* Constant while files are looked at. */
struct advise_plan {
    struct advise_options options;
    enum advise_format format;
    enum verdict fail_on; /* the least sure verdict that counts for the exit code */
    bool quiet, colour;
    bool several;                    /* files: each output says whose it is */
    const struct observed *observed; /* NULL: no run to join */
    char here[4096];                 /* the current folder; "" when it has no name */
};

/* advise_file.c: look at one file, in a worker of a batch.  The output is what the format has for
 * one file: for SARIF, the lines that sarif_take wants. */
void advise_file(const struct advise_plan *plan, const char *path, struct answer *answer);

#endif
