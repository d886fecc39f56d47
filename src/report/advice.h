/* SPDX-License-Identifier: MIT */
/*
 * Advice, printed: for people, as JSON (schema pagable.advise/1), as SARIF 2.1.0; and marked with
 * what a run saw.
 */
#ifndef PAGABLE_REPORT_ADVICE_H
#define PAGABLE_REPORT_ADVICE_H

#include "finding/advice.h"
#include "report/report.h"

/* ---- snippets.c: the lines of source that places name ---- */

/*
 * A place's file comes from the debug information of an image, which is not trusted: only regular
 * files below the folder `here` or the folder of the file that was looked at are read.  One file is
 * kept at a time.
 */
struct snippets;
/* `here`: the current folder, "" when it has no name, `looked_at`: a path; both copied.  A folder
 * without a name, or with one that is too long, is skipped.  NULL: no memory. */
struct snippets *snippets_open(const char *here, const char *looked_at);
void snippets_close(struct snippets *snippets); /* NULL: nothing */
/* The line without its end, tabs as blanks, cut to fit; NULL when it cannot be had.  Valid until
 * the next call.  Any argument may be NULL or 0. */
const char *snippets_line(struct snippets *snippets, const char *file, uint32_t line);
/* `path` without the current folder in front, where it lies below that. */
const char *snippets_relative(const struct snippets *snippets, const char *path);

/* ---- advice_text.c ---- */

struct advice_style {
    bool colour;
    bool quiet;                /* the last line only */
    struct snippets *snippets; /* NULL: no lines of source */
};

void report_advice_text(FILE *out, const struct advice *advice, const struct advice_style *style);
/* Names of advice_class and advice_saving_kind, as all formats have them. */
/* Of a step; `unknown` when it is not known. */
const char *report_advice_irql(uint8_t irql, const char *unknown);
const char *report_advice_class_name(enum advice_class class);
const char *report_saving_kind_name(enum advice_saving_kind kind);

/* ---- advice_json.c ---- */

/* One document with a line feed at its end; `compact`: in one line.  PG_E_NO_MEMORY, PG_E_IO. */
pg_status report_advice_json(FILE *out, const struct advice *advice, bool compact);
/* The document in place of advice that there is not. */
pg_status report_advice_error_json(FILE *out, const char *file, const char *why, bool compact);

/* ---- sarif_result.c, sarif.c ---- */

/*
 * Files are looked at one by one, by whichever process, but a log has one list of results, of which
 * readers show a part: GitHub the first 5,000.  So a file's results are lines of JSON, each with
 * its priority as a digit in front, which a log takes in the order of the files.
 */
pg_status report_sarif_results(FILE *out, const struct advice *advice, struct snippets *snippets);

struct sarif;
struct sarif *sarif_open(const char *version); /* "0.1.0"; NULL: no memory */
void sarif_take(struct sarif *sarif, const char *lines, size_t bytes);
void sarif_take_error(struct sarif *sarif, const char *file, const char *why);
/* Write the log.  PG_E_NO_MEMORY, also when it ran out before; PG_E_IO. */
pg_status sarif_finish(struct sarif *sarif, FILE *out);
void sarif_close(struct sarif *sarif); /* NULL: nothing */

/* ---- advice_join.c: what a run saw ---- */

struct observed;
#define OBSERVED_REASON_BYTES 160
/* Read a report of schema pagable.run/1; text of `bytes` bytes, no terminator needed.  PG_E_FORMAT
 * with the reason in `reason`, PG_E_NO_MEMORY. */
pg_status observed_read(const char *text, size_t bytes, char reason[OBSERVED_REASON_BYTES],
                        struct observed **out);
void observed_close(struct observed *observed); /* NULL: nothing */
/* Mark the findings of the same rule, in the same function or at the same rva of the module with
 * this name.  How many of the run's findings of this module have no counterpart. */
uint32_t observed_join(const struct observed *observed, const char *module, struct advice *advice);

#endif
