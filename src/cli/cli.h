/* SPDX-License-Identifier: MIT */
/*
 * Private to cli/: the command line, by defining file.  One process reads files and prints; a run's
 * computer lives in a child of it (computer_linux.c, inside.c).
 */
#ifndef PAGABLE_CLI_CLI_H
#define PAGABLE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/assert.h"
#include "image/image.h"
#include "machine/machine.h"
#include "report/report.h"
#include "symbols/symbols.h"

#define PAGABLE_VERSION "pagable 0.1.0"

enum exit_code {
    EXIT_CLEAN = 0,
    EXIT_FOUND = 1, /* findings of severity error or warning, or a bug check */
    EXIT_USAGE = 2, /* the command line is wrong */
    EXIT_INPUT = 3, /* a file cannot be read or is not supported, or a script is wrong */
    EXIT_OURS = EXIT_OUR_FAULT, /* pagable's or the host's fault */
};

/* Sub-commands: argv[0] is "pagable info"; the result is the exit code. */
int cmd_info(int argc, char **argv); /* cmd_info.c */
int cmd_run(int argc, char **argv);  /* cmd_run.c */

/* ---- complain.c: errors, "pagable: WHAT" and a line "hint: ..." on stderr ---- */

void complain(const char *hint, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *hint_for(pg_status status);
/* Flush standard output; `code`, or EXIT_OURS with a complaint when it could not be written. */
int finish_output(int code);
bool wants_colour(FILE *out);

/* ---- input.c: files ---- */

struct input {
    const char *path;
    const char *name; /* part of path after the last slash */
    uint8_t *bytes;
    size_t size;
    int fd;
    struct image image;
    struct symbols *symbols; /* see input_symbols */
    bool symbols_tried;
};

/* Read and check a driver file.  EXIT_CLEAN, or a complaint was made and the exit code is returned
 * (there is then nothing to close). */
int input_open(const char *path, struct input *out);
void input_close(struct input *input);
/* Names of a driver, read when they are first needed; NULL when there is no memory for them. */
const struct symbols *input_symbols(struct input *input);

/* A whole file as text with a terminator added, at most `limit` bytes; the caller releases it with
 * host.release.  A negative errno on failure. */
int read_file(const char *path, size_t limit, char **text, size_t *bytes);
const char *base_name(const char *path);

/* ---- names.c: places -> names ---- */

struct names {
    struct input *inputs;
    uint32_t count;
};
struct resolver names_resolver(struct names *names);

/* ---- computer_linux.c: the child process of a run, seen from outside ---- */

struct plan {
    struct input *inputs;
    uint32_t count;
    struct machine_options options;
    bool load_only;
    const char *script_name; /* as messages name it; NULL: the default scenario */
    const char *script;
    size_t script_bytes;
    FILE *trace;       /* NULL: none */
    uint32_t patience; /* seconds in which a living computer says something or uses the processor */
};

/* Run the computer to its end and collect what it reports; text of drivers goes to stderr at once.
 * EXIT_CLEAN (whatever the verdict), or EXIT_OURS when there is nothing to report. */
int computer_run(const struct plan *plan, struct run_report *report);

/* ---- inside.c: the same from inside ---- */

/* Everything that happens in the computer.  Ends the process. */
_Noreturn void inside_run(const struct plan *plan, struct channel *channel);

#endif
