/* SPDX-License-Identifier: MIT */
/* Private to report/: a picture laid on an axis of `width` cells, which all its figures share. */
#ifndef PAGABLE_REPORT_PLOT_H
#define PAGABLE_REPORT_PLOT_H

#include "report/picture.h"

#define PLOT_WIDTH_MAX 1000u

struct plot {
    const struct picture *picture;
    uint32_t width;
    double x[COLUMNS_MAX + 1];      /* where columns begin */
    uint32_t first[PLOT_WIDTH_MAX]; /* columns [first, end) that begin in a cell, or the one that */
    uint32_t end[PLOT_WIDTH_MAX];   /* goes on there */
    bool begins[PLOT_WIDTH_MAX];    /* the former */
};

/* `width` <= PLOT_WIDTH_MAX. */
void plot_make(struct plot *plot, const struct picture *picture, uint32_t width);
/* A track over the columns of a cell. */
struct track plot_track(const struct plot *plot, const struct track *track, uint32_t cell);
/* Pages that came in by a fault in a cell; of all sections for NULL. */
uint64_t plot_faults(const struct plot *plot, const struct picture_section *section, uint32_t cell);
struct page_cell plot_page(const struct plot *plot, const struct picture_section *section,
                           uint32_t page, uint32_t cell);
/* Counts of the columns that begin in a cell. */
struct column plot_counts(const struct plot *plot, uint32_t cell);
/* The cell of a moment. */
uint32_t plot_cell(const struct plot *plot, uint64_t time);
bool plot_any_open(const struct plot *plot, uint32_t cell);
/* End of the run of cells from `cell` in which `same` says that nothing changes. */
uint32_t plot_run(const struct plot *plot, uint32_t cell, const void *context,
                  bool (*same)(const struct plot *plot, const void *context, uint32_t a,
                               uint32_t b));

/* ---- what a section is to its driver ---- */

enum category { ALWAYS, ON_DEMAND, PAGEABLE, DISCARDED, CATEGORY_COUNT };
enum category category_of(const struct picture_section *section);
const char *category_name(enum category category);

struct category_sum {
    uint64_t sections, bytes, pages, page_time;
};
struct category_sums {
    struct category_sum of[CATEGORY_COUNT];
};
struct category_sums category_sums(const struct picture *picture);

/* Base name of a device: "Serial0" of "\Device\Serial0". */
const char *plot_device_name(const struct picture_device *device);
/* What happened at a moment, in words; returns `buffer`. */
const char *plot_moment_text(char *buffer, size_t size, const struct picture *picture,
                             const struct moment *moment);

#endif
