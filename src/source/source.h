/* SPDX-License-Identifier: MIT */
/*
 * Source of drivers, read without its headers and without expanding macros.
 *
 * Whatever the bytes are there is an answer; what cannot be told from one file is a verdict less
 * than definite, or a refusal with its reason.  No global state; any thread.
 */
#ifndef PAGABLE_SOURCE_SOURCE_H
#define PAGABLE_SOURCE_SOURCE_H

#include <pagable/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finding/advice.h"

enum source_language { SOURCE_NONE, SOURCE_C, SOURCE_CPLUSPLUS };

/* What the extension of a file says that it is. */
enum source_language source_language(const char *file);

/*
 * What these bytes are that cannot be read here, or NULL: UTF-16, with its mark or without; no text
 * at all.  *hint tells what to do.  Static storage.
 */
const char *source_unreadable(const char *text, size_t bytes, const char **hint);

struct source_options {
    rule_set rules; /* which to look for */
};

/*
 * The rules that source shows: PAGED_CODE missing, in resident code, twice; alloc_text that names
 * another linkage or stands in the wrong place; section names; locks and raises that a pageable
 * routine does itself.  `file` is the name that the advice carries, and its extension says whether
 * this is C++.  *out (kind "source") is released by advice_close; it is NULL on failure:
 * PG_E_NO_MEMORY, PG_E_LIMIT (more than 2 GiB).
 */
pg_status source_advise(const char *file, const char *text, size_t bytes,
                        const struct source_options *options, struct advice **out);

/* A word of the languages, which is no name for a routine. */
bool source_is_keyword(const char *word);

struct isolate_options {
    const char *function; /* only this one; NULL: every routine that is or says it is pageable */
    uint32_t line;        /* only the region with this line; 0: all */
    const char *section;  /* for routines that are in none yet; NULL: "PAGE" */
    const char *name;     /* of the new routine, of the second NAME2 and so on; NULL: made up */
};

/* A region that was moved. */
struct isolated {
    const char *function, *routine; /* where it was; the new one */
    uint32_t line_begin, line_end;  /* in the original, inclusive */
    uint32_t parameters, exits;     /* exits: ways out that the caller tells apart, 1: none */
    const char *result;             /* local that the new routine returns; "": none */
};

/* A region that was left where it is. */
struct refusal {
    const char *function;
    uint32_t line;
    const char *reason, *hint; /* one sentence, one advice */
};

struct isolation {
    const char *text; /* the new text; the original when nothing was moved */
    size_t bytes;
    const struct isolated *regions;
    uint32_t region_count;
    const struct refusal *refusals;
    uint32_t refusal_count;
    uint32_t candidates; /* routines that hold a lock themselves, chosen or not */
    bool name_taken;     /* the name of the options is in the file: nothing was moved */
};

/*
 * Move what holds a spin lock (or a raised IRQL) out of pageable routines into resident ones.
 * Bytes outside of what moves stay as they are.  PG_OK also when everything was refused;
 * *out is released by source_isolation_close and NULL on failure: PG_E_NO_MEMORY, PG_E_LIMIT.
 */
pg_status source_isolate(const char *file, const char *text, size_t bytes,
                         const struct isolate_options *options, struct isolation **out);
void source_isolation_close(struct isolation *isolation); /* NULL is fine */

/*
 * Unified diff of two texts with three lines of context, as `diff -u` prints it, under the names
 * a/FILE and b/FILE; "" when they are equal.  Released with host.release; NULL: no memory.
 */
char *source_diff(const char *file, const char *old_text, size_t old_bytes, const char *new_text,
                  size_t new_bytes);

#endif
