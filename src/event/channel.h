/* SPDX-License-Identifier: MIT */
/*
 * The channel: a ring of records in memory shared by the computer's process (writer) and the one
 * that prints (reader).  A record that was put is readable even when the writer dies right after.
 * Payloads are plain data.  One writer thread, one reader thread.
 */
#ifndef PAGABLE_EVENT_CHANNEL_H
#define PAGABLE_EVENT_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagable/status.h>

enum record_kind {
    RECORD_TEXT,          /* DbgPrint: bytes of text, no terminator */
    RECORD_NOTICE,        /* a line for stderr from pagable itself */
    RECORD_FINDING,       /* struct finding */
    RECORD_BUGCHECK,      /* struct bugcheck_report */
    RECORD_EVENT,         /* struct event, for --trace and --report */
    RECORD_SECTION,       /* struct section_summary */
    RECORD_MODULE,        /* struct module_summary */
    RECORD_COUNTERS,      /* struct run_counters */
    RECORD_MODULE_LAYOUT, /* struct module_layout, section_layout, device_layout: with events */
    RECORD_SECTION_LAYOUT,
    RECORD_DEVICE_LAYOUT,
    RECORD_MARK,         /* struct run_mark, then what each section was at that time */
    RECORD_MARK_SECTION, /* struct section_summary */
    RECORD_END,          /* struct run_end: the computer ended in good order */
    RECORD_KIND_COUNT
};

struct channel;

#define CHANNEL_RECORD_MAX 4096u /* bytes of one payload */

/* Before the fork, by the reader.  `bytes` of ring, a power of two. */
pg_status channel_open(size_t bytes, struct channel **out);
void channel_close(struct channel *channel);
/* After the fork, each side once: closes the other side's end of the wake-up pipe. */
void channel_be_writer(struct channel *channel);
void channel_be_reader(struct channel *channel);

/* Writer.  Waits while the ring is full; text longer than CHANNEL_RECORD_MAX is split by the
 * caller. */
void channel_put(struct channel *channel, enum record_kind kind, const void *payload,
                 uint32_t bytes);

/*
 * Reader: next record into `payload` (CHANNEL_RECORD_MAX bytes).  Waits at most `timeout_ms`.
 *   CHANNEL_RECORD   *kind and *bytes are set
 *   CHANNEL_EMPTY    nothing came in time
 *   CHANNEL_ENDED    the writer is gone and everything was read
 * The reader trusts nothing in the ring: a damaged one is CHANNEL_BROKEN.
 */
enum channel_state { CHANNEL_RECORD, CHANNEL_EMPTY, CHANNEL_ENDED, CHANNEL_BROKEN };
enum channel_state channel_take(struct channel *channel, enum record_kind *kind, void *payload,
                                uint32_t *bytes, int timeout_ms);

#endif
