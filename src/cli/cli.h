/* SPDX-License-Identifier: MIT */
/*
 * Private to cli/: the command line, by defining file.  One process reads files and prints; a run's
 * computer lives in a child of it (computer_linux.c, inside.c).
 */
#ifndef PAGABLE_CLI_CLI_H
#define PAGABLE_CLI_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/assert.h"
#include "image/image.h"
#include "machine/machine.h"
#include "report/report.h"
#include "report/stream.h"
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
int cmd_info(int argc, char **argv);    /* cmd_info.c */
int cmd_run(int argc, char **argv);     /* cmd_run.c */
int cmd_explain(int argc, char **argv); /* cmd_explain.c */
int cmd_report(int argc, char **argv);  /* cmd_report.c */
int cmd_advise(int argc, char **argv);  /* cmd_advise.c */
int cmd_isolate(int argc, char **argv); /* cmd_isolate.c */

/* ---- common.c: options for the parsers of commands that have no better use for them ---- */

extern const struct argp_child seed_option[]; /* --seed N */
extern const struct argp_child
    common_options[]; /* --quiet, whose input is a bool or NULL; --seed */

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
    char *hardware_ids;      /* of the .inf beside it, a list as in struct hardware; NULL: none */
    struct symbols *symbols; /* see input_symbols */
    bool symbols_tried;
};

/* Why a file was not taken: one line, without the name of the file. */
struct input_failure {
    char why[256];
    const char *hint; /* static; NULL: none */
};

/* Read and check a driver file without a word.  EXIT_CLEAN, or *failure is filled in and the exit
 * code is returned (there is then nothing to close). */
int input_read(const char *path, struct input *out, struct input_failure *failure);
/* The same for a run, with the .inf beside it.  EXIT_CLEAN, or a complaint was made and the exit
 * code is returned (there is then nothing to close). */
int input_open(const char *path, struct input *out);
void input_close(struct input *input);
/* Names of a driver, read when they are first needed; NULL when there is no memory for them. */
const struct symbols *input_symbols(struct input *input);

/* A whole file as text with a terminator added, at most `limit` bytes; the caller releases it with
 * host.release.  A negative errno on failure, which file_error puts into words. */
int read_file(const char *path, size_t limit, char **text, size_t *bytes);
const char *file_error(int error);
/* The same of a C or C++ source: what is no text is refused.  EXIT_CLEAN, or *failure is filled in
 * and the exit code is returned. */
int source_read(const char *path, char **text, size_t *bytes, struct input_failure *failure);
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
    const char *const *defines; /* globals of the script, "NAME=VALUE" */
    uint32_t define_count;
    struct stream *stream;           /* takes the events; NULL: none are wanted */
    const struct resolver *resolver; /* names for it */
    uint32_t patience; /* seconds in which a living computer says something or uses the processor */
};

/* Run the computer to its end and collect what it reports; text of drivers goes to stderr at once.
 * EXIT_CLEAN (whatever the verdict), or EXIT_OURS when there is nothing to report. */
int computer_run(const struct plan *plan, struct run_report *report);

/* ---- outputs.c: files that a run writes besides its result ---- */

struct outputs {
    const char *trace_path, *report_path; /* NULL: not wanted */
    FILE *trace, *report;
    struct stream *stream; /* NULL: neither is wanted */
};

/* Exit codes, after a complaint.  outputs_close is called in any case, at the end. */
int outputs_open(struct outputs *outputs, const struct stream_header *header);
int outputs_finish(struct outputs *outputs, const struct run_report *report,
                   const struct resolver *resolver);
int outputs_close(struct outputs *outputs, int code); /* `code`, or that of what went wrong */
/* For the terminal; NULL when no report is wanted. */
const struct picture *outputs_picture(const struct outputs *outputs);

/* ---- paths.c: which files a batch is made of, and which of them are this part's ---- */

struct paths;
/*
 * The arguments in their order (the drivers of a folder in the order of their names, whatever is
 * below it), then the lines of `list`, which are files; one at a time, so that a list may be of any
 * length.
 *   separator   what ends a line of `list`
 *   shard       1..shards: only paths whose hash falls into it
 * Borrows what it is given.  NULL: no memory.
 */
struct paths *paths_open(char *const *arguments, uint32_t count, FILE *list, char separator,
                         uint32_t shard, uint32_t shards);
/* False: there are no more; see paths_error.  *path is valid until the next call; *error is 0 or
 * the errno that keeps it from being looked at. */
bool paths_next(struct paths *paths, const char **path, int *error);
int paths_error(const struct paths *paths); /* errno that ended the list too early; 0: none */
void paths_close(struct paths *paths);      /* NULL: nothing */

/* ---- workers_linux.c: a batch in processes of its own ---- */

/* What became of one file. */
struct answer {
    int code;         /* enum exit_code */
    char *why;        /* one line for stderr; NULL: nothing to say, or no memory to say it */
    const char *hint; /* static; NULL: none */
    char *output;     /* NULL: nothing */
    size_t bytes;
};

struct batch {
    struct paths *paths;
    uint32_t workers; /* at least 1 */
    uint32_t budget;  /* seconds of processor time for one file; 0: any */
    void *context;
    /* In a worker: look at a file.  `why` and `output` are from malloc. */
    void (*work)(void *context, const char *path, struct answer *answer);
    /* Here: take an answer, in the order of the paths.  `why` is there whenever `code` is above
     * EXIT_FOUND.  False: stop. */
    bool (*deliver)(void *context, const char *path, const struct answer *answer);
};

/*
 * Look at every path, each worker at one at a time.  A worker that dies is replaced, and its file
 * is answered with EXIT_OURS and how it died; a file that no worker can be started for, with
 * EXIT_OURS and why.  EXIT_CLEAN whatever the answers; EXIT_OURS, after a complaint, when there is
 * no memory to begin.
 */
int batch_run(const struct batch *batch);
/* How many processors this process may use, at least 1. */
uint32_t batch_processors(void);

/* ---- devices.c: plug and play, from inside ---- */

struct module;
/* Give a driver that was just started its devices, and take them away before it is unloaded. */
void start_devices(struct module *module, const struct input *input);
void remove_devices(struct module *module);

/* ---- inside.c: the same from inside ---- */

/* Everything that happens in the computer.  Ends the process. */
_Noreturn void inside_run(const struct plan *plan, struct channel *channel);

#endif
