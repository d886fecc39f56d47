/* SPDX-License-Identifier: MIT */
/*
 * Private to report/: the picture of a run.
 *
 * Time is cut into *columns*.  A column begins at an event and ends where the next begins; for each
 * section it has the least, the most and the last number of resident pages and of locks.  There is
 * one column per moment until there are COLUMNS_MAX; then neighbours that would be drawn in the
 * same place are merged.  So memory does not grow with the run, and nothing that happened is lost
 * from the minima and maxima.
 *
 * Limits: what goes beyond them is counted (`left_out`), not drawn.
 */
#ifndef PAGABLE_REPORT_PICTURE_H
#define PAGABLE_REPORT_PICTURE_H

#include <pagable/section.h>

#include "report/json.h"
#include "report/stream.h"

#define COLUMNS_MAX          2048u
#define MODULES_MAX          64u
#define PICTURE_SECTIONS_MAX 256u
#define MAPPED_PAGES_MAX     2048u /* pages of which each one's residency is kept, of all sections */
#define DEVICES_MAX          256u
#define MOMENTS_MAX          256u
#define SITES_MAX            1024u
#define SECTION_SITES_MAX    16u
#define TIME_MAX             (UINT64_C(1) << 53)

struct column {
    uint64_t time;
    uint64_t events, trims, trimmed, asked, interrupts;
    bool key; /* begins at a moment that a reader looks for: kept apart from its neighbours */
};

/* A number that changes in time. */
struct track {
    uint32_t low, high, last;
};

struct page_cell {
    uint8_t low, high, last; /* in memory: always, at some time, at the end of the column */
    uint8_t faults;          /* saturates */
};

struct lock_site {
    uint64_t caller;
    uint64_t by_address, by_handle;
};

struct picture_module {
    char name[64];                          /* clean */
    uint64_t base, bytes, loaded, unloaded; /* times; TIME_MAX: never */
};

struct picture_section {
    char name[40]; /* clean */
    uint32_t module, rva, bytes, pages, class;
    uint32_t resident, locks;
    bool discarded, gone, entire; /* entire: its image was pageable as a whole for a while */
    bool *in;                     /* per page; NULL: not kept */
    uint64_t locks_by_address, locks_by_handle, unlocks, faults, kept, outs;
    uint32_t most_locks, least, most; /* of resident pages, while loaded */
    uint64_t page_time, since;        /* sum of pages * time, up to `since` */
    struct lock_site sites[SECTION_SITES_MAX];
    uint32_t site_count;
    struct track *resident_track, *lock_track; /* per column */
    struct page_cell *cells;                   /* see picture_cell; NULL: not kept */
    uint32_t *fault_track;                     /* pages that came in by a fault, per column */
};

struct picture_device {
    char name[128], driver[64]; /* clean */
    uint32_t open;
    uint64_t opened;
    struct track *track;
};

/* A place from which sections are locked, with its name. */
struct picture_site {
    uint64_t caller;
    char text[320]; /* "serial!SerialOpen+0x4c" */
    char file[256]; /* "" when unknown */
    uint32_t line;
};

enum moment_kind {
    MOMENT_LOAD,
    MOMENT_DISCARD,
    MOMENT_OPEN,
    MOMENT_CLOSE,
    MOMENT_LOCKED,   /* lock count 0 -> 1 */
    MOMENT_UNLOCKED, /* 1 -> 0 */
    MOMENT_TRIM,     /* asked for by the scenario */
    MOMENT_ENTIRE,
    MOMENT_RESET,
    MOMENT_FINDING,
    MOMENT_BUGCHECK,
    MOMENT_UNLOAD,
    MOMENT_NAMED, /* by the scenario */
};

struct moment {
    uint64_t time;
    enum moment_kind kind;
    uint32_t number; /* of the module, section, device, or finding */
    uint64_t value;  /* pages of a trim, code of a bug check */
    char label[64];  /* of a named one, clean */
};

struct picture {
    json_t *header; /* first line */
    json_t *run;    /* the result, schema pagable.run/1; NULL until the end */
    struct picture_module modules[MODULES_MAX];
    uint32_t module_count;
    struct picture_section *sections; /* PICTURE_SECTIONS_MAX of room */
    uint32_t section_count;
    uint64_t sections_told; /* also those beyond the limit */
    struct picture_device *devices;
    uint32_t device_count;
    struct picture_site *sites;
    uint32_t site_count;
    struct moment moments[MOMENTS_MAX];
    uint32_t moment_count;
    uint64_t moments_left_out;
    struct column *columns;
    uint32_t column_count;
    uint32_t mapped_pages;
    uint64_t now, end; /* of the last event; of the run */
    uint64_t events;
    uint32_t least, most; /* resident pages of all drivers since the last one was loaded */
    bool counting;        /* `least` holds: the last driver is loaded, none was unloaded */
    bool out_of_memory;
};

/* ---- picture.c ---- */

/* `header` is the first line, checked; one reference is taken over.  PG_E_NO_MEMORY. */
pg_status picture_new(json_t *header, struct picture **out);
/* NULL when all is well, else what is wrong with the record; the picture is then as before. */
const char *picture_layout(struct picture *picture, enum record_kind kind, const void *payload);
const char *picture_event(struct picture *picture, const struct event *event);
const char *picture_site(struct picture *picture, const struct picture_site *site);
const char *picture_finding(struct picture *picture, uint64_t time, uint64_t index);
const char *picture_bugcheck(struct picture *picture, uint64_t time, uint64_t code);
const char *picture_named(struct picture *picture, const struct run_mark *mark);
/* The result; one reference is taken over.  Completes the picture. */
const char *picture_end(struct picture *picture, json_t *run);
const struct picture_site *picture_site_at(const struct picture *picture, uint64_t caller);

static inline struct page_cell *picture_cell(const struct picture_section *section, uint32_t column,
                                             uint32_t page)
{
    return &section->cells[(size_t)column * section->pages + page];
}

/* Devices of the drivers that the run is about; others (disks below them) are the system's. */
static inline bool picture_device_shown(const struct picture_device *device)
{
    return device->driver[0] != '\0';
}

/* ---- columns.c ---- */

/* The column of this moment, a new one when the last is of an earlier one. */
struct column *columns_at(struct picture *picture, uint64_t time, bool key);
/* Where columns begin on an axis from 0 to `width`, column_count + 1 of them. */
void columns_place(const struct picture *picture, uint32_t width, double *x);
/* A new section or device: its tracks begin as they are now. */
bool columns_add_section(struct picture *picture, struct picture_section *section);
bool columns_add_device(struct picture *picture, struct picture_device *device);

/* "1.250 ms", "12.5 s", "6:15:00"; returns `buffer`. */
const char *picture_time(char *buffer, size_t size, uint64_t time);

#endif
