/* SPDX-License-Identifier: MIT */
/*
 * What sections save: pages in memory at most, on average and at least, against the same driver
 * with everything but INIT resident.
 */
#include "report/figure.h"

#include <inttypes.h>

#define BAR 22u
#define ROW 36u

struct bar {
    const char *name, *remark;
    double always, demand, pageable; /* pages */
    double other;                    /* not told apart */
};

static void part(struct figure *figure, const char *shape, const char *fill, double *x,
                 double width)
{
    if (width <= 0) {
        return;
    }
    fprintf(figure->out,
            "<rect class=\"%s\"%s x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%u\"/>\n", shape,
            fill, *x, figure->y, width, BAR);
    *x += width;
}

static void draw_bar(struct figure *figure, const struct bar *bar, double all)
{
    double total = bar->always + bar->demand + bar->pageable + bar->other;
    double unit = all > 0 ? FIGURE_PLOT / all : 0;
    double x = FIGURE_LEFT;
    char note[96];

    figure_left(figure, figure->y + BAR / 2, bar->name, bar->remark);
    fprintf(figure->out, "<rect class=\"empty\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n",
            FIGURE_LEFT, figure->y, FIGURE_PLOT, BAR);
    part(figure, "always", "", &x, bar->always * unit);
    part(figure, "locked", " fill=\"url(#memory-hatch)\"", &x, bar->demand * unit);
    part(figure, "in", "", &x, bar->pageable * unit);
    part(figure, "in", "", &x, bar->other * unit);
    if (total == (double)(uint64_t)total) {
        (void)snprintf(note, sizeof note, "%" PRIu64 " pages", (uint64_t)total);
    } else {
        (void)snprintf(note, sizeof note, "%.1f pages", total);
    }
    figure_right(figure, figure->y + BAR / 2, note);
    figure->y += ROW;
}

/* Pages on average over the time in which there was a driver. */
static double mean(const struct picture *picture, const struct category_sum *sum)
{
    uint64_t from = picture->modules[0].loaded;

    return picture->end > from ? (double)sum->page_time / (double)(picture->end - from)
                               : (double)sum->pages;
}

pg_status figure_memory(FILE *out, const struct picture *picture)
{
    static const struct legend_entry legend[] = {
        {"always", "always resident"},
        {"locked", "resident on demand"},
        {"in", "pageable"},
    };
    const struct figure_words words = {
        .title = "memory against a driver that is resident as a whole",
        .description = "Pages in memory if every section but INIT were resident, and in this run "
                       "at most, on average and at least.  The table below has the numbers.",
    };
    static const struct plot none; /* no axis */
    struct category_sums sums = category_sums(picture);
    double always = (double)sums.of[ALWAYS].pages;
    double all = always + (double)sums.of[ON_DEMAND].pages + (double)sums.of[PAGEABLE].pages;
    double most = picture->most, least = picture->least == UINT32_MAX ? always : picture->least;
    const struct bar bars[] = {
        {"all resident", "no section can leave", always, (double)sums.of[ON_DEMAND].pages,
         (double)sums.of[PAGEABLE].pages, 0},
        {"at most", "at one time", always < most ? always : most, 0, 0,
         most > always ? most - always : 0},
        {"on average", "over virtual time", mean(picture, &sums.of[ALWAYS]),
         mean(picture, &sums.of[ON_DEMAND]), mean(picture, &sums.of[PAGEABLE]), 0},
        {"at least", "at one time", always < least ? always : least, 0, 0,
         least > always ? least - always : 0},
    };
    struct figure figure;

    all = most > all ? most : all; /* INIT is in memory too before it goes */
    if (figure_begin(&figure, &none, "memory") != PG_OK) {
        return PG_E_NO_MEMORY;
    }
    for (size_t i = 0; i < sizeof bars / sizeof *bars; i++) {
        draw_bar(&figure, &bars[i], all);
    }
    figure_legend(&figure, legend, sizeof legend / sizeof *legend);
    return figure_end(&figure, out, &words);
}
