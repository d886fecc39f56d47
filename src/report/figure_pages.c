/* SPDX-License-Identifier: MIT */
/*
 * The heat map: each page of the sections that can leave, when it was in memory and how often it
 * had to be fetched because it was touched.
 */
#include "report/figure.h"

#include <inttypes.h>
#include <string.h>

#define PAGES_MAX 240u /* drawn */
#define ROW_TALL  11u
#define ROW_SMALL 5u
#define MANY      48u /* pages from which on rows are small */

static bool drawn(const struct picture_section *section)
{
    return section->cells != NULL && category_of(section) != ALWAYS;
}

bool figure_pages_any(const struct picture *picture)
{
    for (uint32_t i = 0; i < picture->section_count; i++) {
        if (drawn(&picture->sections[i])) {
            return true;
        }
    }
    return false;
}

struct page_row {
    const struct picture_section *section;
    uint32_t page;
};

/* 0: out, 1: in for a part of the cell, 2: in, 3: in and locked */
static unsigned state(const struct plot *plot, const struct page_row *row, uint32_t cell)
{
    struct page_cell c = plot_page(plot, row->section, row->page, cell);

    if (c.low == 0) {
        return c.high == 0 ? 0 : 1;
    }
    return plot_track(plot, row->section->lock_track, cell).low > 0 ? 3 : 2;
}

/* 0: none, then by powers of about eight */
static unsigned heat(const struct plot *plot, const struct page_row *row, uint32_t cell)
{
    unsigned faults = plot_page(plot, row->section, row->page, cell).faults;

    return faults == 0 ? 0 : faults < 4 ? 1 : faults < 32 ? 2 : 3;
}

static bool same_state(const struct plot *plot, const void *context, uint32_t a, uint32_t b)
{
    return state(plot, context, a) == state(plot, context, b);
}

static void page_row(struct figure *figure, const struct page_row *row, unsigned height)
{
    static const char *const shapes[] = {NULL, "flicker", "in", "locked"};
    static const char *const heats[] = {NULL, "heat1", "heat2", "heat3"};
    uint32_t end;

    for (unsigned s = 1; s < 4; s++) {
        fprintf(figure->out, "<path class=\"%s\"%s d=\"", shapes[s],
                s == 3 ? " fill=\"url(#pages-hatch)\"" : "");
        for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
            end = plot_run(figure->plot, cell, row, same_state);
            if (state(figure->plot, row, cell) == s) {
                fprintf(figure->out, "M%u %uh%uv%uh-%uz", FIGURE_LEFT + cell, figure->y, end - cell,
                        height - 1, end - cell);
            }
        }
        fputs("\"/>", figure->out);
    }
    for (unsigned h = 1; h < 4; h++) {
        fprintf(figure->out, "<path class=\"%s\" d=\"", heats[h]);
        for (uint32_t cell = 0; cell < figure->plot->width; cell++) {
            if (heat(figure->plot, row, cell) == h) {
                fprintf(figure->out, "M%u %uh3v%uh-3z", FIGURE_LEFT + cell, figure->y, height - 1);
            }
        }
        fputs("\"/>", figure->out);
    }
    fputc('\n', figure->out);
    figure->y += height;
}

static void section_rows(struct figure *figure, const struct picture_section *section,
                         unsigned height, uint32_t *room)
{
    unsigned top = figure->y;
    char words[96];
    uint32_t pages = section->pages < *room ? section->pages : *room;

    fputs("<g class=\"row heat\" data-section=\"", figure->out);
    markup_text(figure->out, section->name);
    fputs("\">\n", figure->out);
    fprintf(figure->out, "<rect class=\"empty\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n",
            FIGURE_LEFT, top, figure->plot->width, pages * height - 1);
    for (uint32_t page = 0; page < pages; page++) {
        struct page_row row = {section, page};

        page_row(figure, &row, height);
    }
    *room -= pages;
    (void)snprintf(words, sizeof words, "%" PRIu32 " page%s", section->pages,
                   section->pages == 1 ? "" : "s");
    figure_left(figure, (top + figure->y) / 2, section->name, pages * height > 22 ? words : "");
    (void)snprintf(words, sizeof words, "%" PRIu64 " fetched", section->faults);
    figure_right(figure, (top + figure->y) / 2, words);
    fputs("</g>\n", figure->out);
    figure->y += 8;
}

pg_status figure_pages(FILE *out, const struct plot *plot)
{
    static const struct legend_entry legend[] = {
        {"in", "in memory"},
        {"locked", "in memory and locked"},
        {"flicker", "comes and goes"},
        {"heat1", "fetched once or some times"},
        {"heat2", "often"},
        {"heat3", "32 times and more"},
    };
    const struct figure_words words = {
        .title = "pages",
        .description = "One line for each page of the sections that can leave memory: when it was "
                       "there, and where it was fetched because it was touched.",
    };
    const struct picture *picture = plot->picture;
    struct figure figure;
    uint32_t pages = 0, room = PAGES_MAX;

    if (figure_begin(&figure, plot, "pages") != PG_OK) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < picture->section_count; i++) {
        pages += drawn(&picture->sections[i]) ? picture->sections[i].pages : 0;
    }
    figure.top = figure.y;
    for (uint32_t i = 0; i < picture->section_count && room > 0; i++) {
        if (drawn(&picture->sections[i])) {
            section_rows(&figure, &picture->sections[i], pages > MANY ? ROW_SMALL : ROW_TALL,
                         &room);
        }
    }
    figure.bottom = figure.y;
    figure_axis(&figure);
    figure_legend(&figure, legend, sizeof legend / sizeof *legend);
    return figure_end(&figure, out, &words);
}
