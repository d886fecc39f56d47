/* SPDX-License-Identifier: MIT */
/*
 * What a run or a look at a file found -> text for people, JSON for programs.
 *
 * Everything printed comes from the structures below and from the resolver (names, lines), never
 * from the clock, the environment or an address of the host: equal input gives equal bytes.
 * Strings may hold anything (they come from files and drivers): what a terminal or JSON could not
 * take is written as \xNN.
 */
#ifndef PAGABLE_REPORT_REPORT_H
#define PAGABLE_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <pagable/status.h>

#include "event/channel.h"
#include "event/event.h"
#include "finding/finding.h"

/* ---- names and lines ---- */

/* Strings live as long as the resolver. */
struct resolved_place {
    const char *function; /* never NULL when resolved */
    uint32_t offset;      /* from the function's first byte */
    const char *file;     /* NULL: unknown */
    uint32_t line;        /* 0: unknown */
    const char *section;  /* of the place, "" when unknown */
};

struct resolver {
    void *context;
    /* False when nothing is known about the place.  `returns`: the place is a return address, so
     * the line wanted is that of the instruction before it. */
    bool (*place)(void *context, const struct code_place *place, bool returns,
                  struct resolved_place *out);
};

/* ---- a run ---- */

enum run_result {
    RESULT_CLEAN,
    RESULT_FINDINGS,   /* at least one error or warning */
    RESULT_BUGCHECK,   /* the driver brought the computer down */
    RESULT_INCOMPLETE, /* ended by something that is not the driver's: no verdict */
};

struct mark_section {
    uint32_t mark; /* index of it */
    struct section_summary section;
};

struct run_report {
    uint64_t seed;
    const char *const *drivers; /* names as given, the caller's */
    uint32_t driver_count;
    struct finding *findings;
    uint32_t finding_count, finding_room;
    uint32_t findings_dropped; /* beyond the limit of the report */
    struct section_summary *sections;
    uint32_t section_count, section_room;
    struct run_mark *marks;
    struct mark_section *mark_sections; /* in the order of marks */
    uint32_t mark_count, mark_section_count;
    struct bugcheck_report bugcheck;
    struct run_counters counters;
    struct run_end end;
    bool has_bugcheck, has_counters, has_end;
};

/*
 * Take one record of the channel into the report: findings, bug check, sections, counters, end.
 * Other kinds are left to the caller.  Contents are not trusted: strings are terminated, counts and
 * enumerations limited.  PG_E_FORMAT: not of its kind's size; PG_E_NO_MEMORY.
 */
pg_status report_collect(struct run_report *report, enum record_kind kind, const void *payload,
                         uint32_t bytes);
/* A finding of the caller's own.  PG_E_NO_MEMORY. */
pg_status report_add_finding(struct run_report *report, const struct finding *finding);
void report_release(struct run_report *report); /* what was collected */

enum run_result report_result(const struct run_report *report);
const char *report_result_name(enum run_result result);

struct picture;

struct report_style {
    bool colour;
    bool quiet;                    /* the last line only */
    const struct picture *picture; /* of the run, shown too; NULL: none was gathered */
};

void report_run_text(FILE *out, const struct run_report *report, const struct resolver *resolver,
                     const struct report_style *style);
/* Schema pagable.run/1.  PG_E_NO_MEMORY, PG_E_IO. */
pg_status report_run_json(FILE *out, const struct run_report *report,
                          const struct resolver *resolver);

/* ---- a look at a file ---- */

enum info_class { INFO_RESIDENT, INFO_PAGEABLE, INFO_DISCARDABLE, INFO_CLASS_COUNT };
enum info_import_state { INFO_DONE, INFO_STUB, INFO_MISSING, INFO_IMPORT_STATE_COUNT };

struct info_function {
    const char *name;
    uint32_t rva, size; /* size 0: unknown */
};

struct info_section {
    const char *name;
    enum info_class class;
    uint32_t rva, virtual_size, raw_size, pages, flags;
    const char *note; /* where flags and name disagree about paging; NULL: they do not */
    const struct info_function *functions;
    uint32_t function_count;
};

struct info_import {
    const char *module;
    const char *name; /* NULL: by ordinal */
    uint16_t ordinal;
    enum info_import_state state;
};

struct info_report {
    const char *file; /* base name */
    uint64_t preferred_base;
    uint32_t image_size, entry_rva; /* entry 0: none */
    const char *entry;              /* name of the entry routine, NULL: unknown */
    bool pageable;                  /* false: alignment below a page */
    bool relocations_stripped;
    uint32_t relocations;
    const char *symbols;      /* where names come from: "dwarf", "pdb", ... */
    const char *symbols_note; /* why something better was not used; NULL: nothing to say */
    const struct info_section *sections;
    uint32_t section_count;
    const struct info_import *imports;
    uint32_t import_count;
};

void report_info_text(FILE *out, const struct info_report *report,
                      const struct report_style *style);
/* Schema pagable.info/1.  PG_E_NO_MEMORY, PG_E_IO. */
pg_status report_info_json(FILE *out, const struct info_report *report);

/* ---- a benchmark ---- */

struct bench_figure {
    const char *name; /* NULL: none */
    double value;
};

#define BENCH_FIGURES 6u

struct bench_result {
    const char *name;
    double value;
    const char *unit;
    const char *versus;  /* what it is measured against */
    double versus_value; /* in the same unit */
    double ratio;        /* value / versus_value; the median of pairs where they were measured so */
    const char *how;     /* it was measured; NULL: nothing to say */
    struct bench_figure figures[BENCH_FIGURES]; /* what else is worth knowing */
};

/* Schema pagable.bench/1.  PG_E_NO_MEMORY, PG_E_IO. */
pg_status report_bench_json(FILE *out, const struct bench_result *results, uint32_t count);

/* ---- the rules themselves ---- */

/* One in full; all with one line each; the page docs/RULES.md. */
void report_rule_text(FILE *out, enum rule rule, const struct report_style *style);
void report_rule_list(FILE *out);
void report_rules_markdown(FILE *out);
/* Schema pagable.explain/1, in the order of the table.  PG_E_NO_MEMORY, PG_E_IO. */
pg_status report_rules_json(FILE *out, rule_set rules);

/* ---- shared inside report/ ---- */

/* `text` with what is not printable written as \xNN, cut to fit; returns `buffer`. */
const char *report_clean(char *buffer, size_t size, const char *text);
#define CLEAN(buffer, text) report_clean((buffer), sizeof(buffer), (text))

/* "isolate_mixed!IsolateMount+0x4c", "isolate_mixed+0x104c" or "0x2002deadbeef"; `module` without
 * its extension.  *known (may be NULL) gets the resolver's answer when there was one. */
bool report_symbol(char *buffer, size_t size, const struct resolver *resolver,
                   const struct code_place *place, bool returns, struct resolved_place *known);
/* Whether the place of a finding is a return address: it was found on the way up, not at its end.
 */
bool report_returns(const struct code_place *place, const struct code_place *frames,
                    uint32_t count);
bool report_same_place(const struct code_place *a, const struct code_place *b);
/* "PASSIVE_LEVEL", ..., "device level" */
const char *report_irql_name(unsigned irql);
/* "serial" of "serial.sys"; returns `buffer`. */
const char *report_base_name(char *buffer, size_t size, const char *module);
const char *report_info_class_name(enum info_class class);
const char *report_info_state_name(enum info_import_state state);

#endif
