/* SPDX-License-Identifier: MIT */
/*
 * Private to report/: figures, as SVG.
 *
 * A figure is drawn into memory from top to bottom; when its height is known, it is written with
 * what lies behind: bands where a file is open, lines at the moments that the scenario named.
 * Colours are classes of figure.css, so that one drawing serves both themes.  Left of the plot
 * stand names, right of it what became of them.
 */
#ifndef PAGABLE_REPORT_FIGURE_H
#define PAGABLE_REPORT_FIGURE_H

#include "report/plot.h"

#define FIGURE_WIDTH 1000u
#define FIGURE_LEFT  172u
#define FIGURE_PLOT  700u
#define FIGURE_RIGHT (FIGURE_LEFT + FIGURE_PLOT)

struct figure {
    FILE *out; /* the drawing so far */
    char *text;
    size_t bytes;
    const struct plot *plot;
    const char *id;       /* of its hatching, too */
    unsigned y;           /* where the next thing goes */
    unsigned top, bottom; /* of the bands; top 0: there are none */
};

struct figure_words {
    const char *title, *description;
    bool alone; /* a file of its own, with colours and heading */
};

/* PG_E_NO_MEMORY. */
pg_status figure_begin(struct figure *figure, const struct plot *plot, const char *id);
/* Writes the figure and releases the drawing.  PG_E_NO_MEMORY, PG_E_IO. */
pg_status figure_end(struct figure *figure, FILE *out, const struct figure_words *words);

/* Labels of moments that the scenario named, in at most two lines; moves y. */
void figure_named(struct figure *figure);
/* The axis of time below the plot; moves y. */
void figure_axis(struct figure *figure);
/* Name and remark left of a row, and a note right of it. */
void figure_left(struct figure *figure, unsigned middle, const char *name, const char *remark);
void figure_right(struct figure *figure, unsigned middle, const char *note);

struct legend_entry {
    const char *shape; /* class of its swatch; "locked" is hatched */
    const char *words;
};
void figure_legend(struct figure *figure, const struct legend_entry *entries, uint32_t count);

/* figure_lanes.c: files, interrupts and pressure, above the sections. */
void figure_lanes(struct figure *figure);

/* The figures.  PG_E_NO_MEMORY, PG_E_IO; true when there is something to draw. */
pg_status figure_timeline(FILE *out, const struct plot *plot, bool alone); /* figure_timeline.c */
pg_status figure_locks(FILE *out, const struct plot *plot);                /* figure_locks.c */
pg_status figure_pages(FILE *out, const struct plot *plot);                /* figure_pages.c */
pg_status figure_memory(FILE *out, const struct picture *picture);         /* figure_memory.c */
bool figure_locks_any(const struct picture *picture);
bool figure_pages_any(const struct picture *picture);

/* Text with what HTML and XML could take for markup written as references.  (markup.c) */
void markup_text(FILE *out, const char *text);

/* Bytes of files beside the sources (assets.S), terminated. */
extern const char asset_page_css[], asset_figure_css[], asset_page_js[];

#endif
