/* SPDX-License-Identifier: MIT */
/*
 * The event stream of a run, outside of the computer: written as JSON lines (schema
 * pagable.trace/1, docs/trace.md), read again, and gathered into a picture from which a page, a
 * figure or a text is drawn.  A picture is the same whether it was gathered while the run went on
 * or read from the lines that were written then.
 *
 * Nothing in a stream is trusted, wherever it comes from.
 */
#ifndef PAGABLE_REPORT_STREAM_H
#define PAGABLE_REPORT_STREAM_H

#include "report/report.h"

struct picture;

/* ---- while the run goes on ---- */

/* What the first line says.  Strings are the caller's and only needed during stream_open. */
struct stream_header {
    const char *version; /* "pagable 0.1.0" */
    uint64_t seed;
    const char *trim;     /* as on the command line: "irql", "none", "random" */
    uint32_t frames;      /* 0: no limit */
    const char *scenario; /* file name; NULL: the default */
    bool everything;      /* TRACE_ALL */
    const char *const *drivers;
    uint32_t driver_count;
};

struct stream;

/* `lines`: where JSON lines go, NULL: nowhere.  PG_E_NO_MEMORY. */
pg_status stream_open(const struct stream_header *header, FILE *lines, struct stream **out);
/* A record of the channel, in order.  Kinds that are no part of the stream, and records that make
 * no sense, are passed over.  Names of places are looked up in `resolver`. */
void stream_take(struct stream *stream, const struct resolver *resolver, enum record_kind kind,
                 const void *payload, uint32_t bytes);
/* The run is over: the last line.  Write errors are left in `lines` for whoever closes it.
 * PG_E_NO_MEMORY, also when it ran out earlier. */
pg_status stream_finish(struct stream *stream, const struct run_report *report,
                        const struct resolver *resolver);
/* Owned by the stream; complete after stream_finish. */
const struct picture *stream_picture(const struct stream *stream);
void stream_close(struct stream *stream); /* NULL: nothing */

/* ---- afterwards ---- */

struct stream_error {
    uint64_t line; /* 0: the file as a whole */
    char reason[160];
};

/* Read lines into a picture, with bounded memory.  PG_E_FORMAT (*error says what and where),
 * PG_E_IO, PG_E_NO_MEMORY. */
pg_status picture_read(FILE *in, struct picture **out, struct stream_error *error);
void picture_free(struct picture *picture); /* NULL: nothing */

/* PG_E_NO_MEMORY, PG_E_IO. */
pg_status picture_html(FILE *out, const struct picture *picture);   /* one page */
pg_status picture_figure(FILE *out, const struct picture *picture); /* its main figure, as SVG */
pg_status picture_text(FILE *out, const struct picture *picture);

#endif
