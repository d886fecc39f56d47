/* SPDX-License-Identifier: MIT */
/*
 * The main figure: for each section, how much of it was in memory, when it was locked, and when a
 * page had to be fetched.  Heights are pages, the same in every row; sections that never leave are
 * one row for each driver.
 */
#include "report/figure.h"

#include <inttypes.h>
#include <string.h>

#define ROW_MIN      30u
#define ROW_MAX      88u
#define ROW_GAP      9u
#define SECTIONS_MAX 64u /* drawn; the table has all */

struct scale {
    double page; /* height of one */
};

static double scale_of(const struct picture *picture)
{
    uint32_t most = 1;

    for (uint32_t i = 0; i < picture->section_count; i++) {
        const struct picture_section *section = &picture->sections[i];

        if (category_of(section) != ALWAYS && section->pages > most) {
            most = section->pages;
        }
    }
    return most > 8 ? (double)ROW_MAX / most : 11.0;
}

static unsigned row_height(double page, uint32_t pages)
{
    double height = page * pages + 2;

    return height < ROW_MIN ? ROW_MIN : height > ROW_MAX ? ROW_MAX : (unsigned)height;
}

/* ---- one section ---- */

struct row {
    const struct picture_section *section;
    unsigned base; /* y of no pages */
    double page;
};

static bool same_low(const struct plot *plot, const void *context, uint32_t a, uint32_t b)
{
    const struct picture_section *section = context;

    return plot_track(plot, section->resident_track, a).low ==
           plot_track(plot, section->resident_track, b).low;
}

static bool same_range(const struct plot *plot, const void *context, uint32_t a, uint32_t b)
{
    const struct picture_section *section = context;
    struct track x = plot_track(plot, section->resident_track, a);
    struct track y = plot_track(plot, section->resident_track, b);

    return x.low == y.low && x.high == y.high;
}

static bool same_lock(const struct plot *plot, const void *context, uint32_t a, uint32_t b)
{
    const struct picture_section *section = context;
    struct track x = plot_track(plot, section->lock_track, a);
    struct track y = plot_track(plot, section->lock_track, b);

    return (x.low > 0) == (y.low > 0) && same_low(plot, context, a, b);
}

static void box(const struct figure *figure, const struct row *row, uint32_t cell, uint32_t end,
                double from, double to)
{
    fprintf(figure->out, "M%u %.1fH%uV%.1fH%uZ", FIGURE_LEFT + cell, row->base - from * row->page,
            FIGURE_LEFT + end, row->base - to * row->page, FIGURE_LEFT + cell);
}

/* What was in memory all the time, and above it what came and went. */
static void draw_resident(struct figure *figure, const struct row *row)
{
    const struct track *track = row->section->resident_track;
    uint32_t end;

    fputs("<path class=\"in\" d=\"", figure->out);
    for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
        uint32_t low = plot_track(figure->plot, track, cell).low;

        end = plot_run(figure->plot, cell, row->section, same_low);
        if (low > 0) {
            box(figure, row, cell, end, 0, low);
        }
    }
    fputs("\"/>\n<path class=\"flicker\" d=\"", figure->out);
    for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
        struct track t = plot_track(figure->plot, track, cell);

        end = plot_run(figure->plot, cell, row->section, same_range);
        if (t.high > t.low) {
            box(figure, row, cell, end, t.low, t.high);
        }
    }
    fputs("\"/>\n", figure->out);
}

static void draw_locked(struct figure *figure, const struct row *row)
{
    uint32_t end;

    if (row->section->most_locks == 0) {
        return;
    }
    fprintf(figure->out, "<path class=\"locked\" fill=\"url(#%s-hatch)\" d=\"", figure->id);
    for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
        end = plot_run(figure->plot, cell, row->section, same_lock);
        if (plot_track(figure->plot, row->section->lock_track, cell).low > 0) {
            box(figure, row, cell, end, 0,
                plot_track(figure->plot, row->section->resident_track, cell).low);
        }
    }
    fputs("\"/>\n", figure->out);
}

/* Where pages had to be fetched because they were touched: a mark below the line. */
static void draw_faults(struct figure *figure, const struct row *row)
{
    if (row->section->faults == 0) {
        return;
    }
    fputs("<path class=\"mark-fault\" d=\"", figure->out);
    for (uint32_t cell = 0; cell < figure->plot->width; cell++) {
        if (plot_faults(figure->plot, row->section, cell) > 0) {
            fprintf(figure->out, "M%u %uv5", FIGURE_LEFT + cell, row->base + 1);
        }
    }
    fputs("\"/>\n", figure->out);
}

static void section_note(char *note, size_t size, const struct picture_section *section)
{
    const char *plural = section->pages == 1 ? "" : "s";

    if (section->least == UINT32_MAX || section->least == section->most) {
        (void)snprintf(note, size, "%" PRIu32 " of %" PRIu32 " page%s", section->most,
                       section->pages, plural);
    } else {
        (void)snprintf(note, size, "%" PRIu32 "\xe2\x80\x93%" PRIu32 " of %" PRIu32 " page%s",
                       section->least, section->most, section->pages, plural);
    }
}

static void section_row(struct figure *figure, const struct picture_section *section, double page)
{
    unsigned height = row_height(page, section->pages);
    struct row row = {section, figure->y + height, page};
    unsigned middle = figure->y + height / 2;
    char note[96];

    if (page * section->pages > height) {
        row.page = (double)height / section->pages;
    }
    fprintf(figure->out, "<g class=\"row %s\" data-section=\"",
            category_of(section) == DISCARDED ? "discarded" : "section");
    markup_text(figure->out, section->name);
    fputs("\">\n", figure->out);
    figure_left(figure, middle, section->name, category_name(category_of(section)));
    fprintf(figure->out, "<path class=\"full\" d=\"M%u %.1fH%u\"/>\n", FIGURE_LEFT,
            row.base - section->pages * row.page, FIGURE_RIGHT);
    draw_resident(figure, &row);
    draw_locked(figure, &row);
    fprintf(figure->out, "<path class=\"base\" d=\"M%u %u.5H%u\"/>\n", FIGURE_LEFT, row.base,
            FIGURE_RIGHT);
    draw_faults(figure, &row);
    section_note(note, sizeof note, section);
    figure_right(figure, middle, note);
    fputs("</g>\n", figure->out);
    figure->y += height + ROW_GAP;
}

/* ---- the sections of a driver that never leave ---- */

static void always_row(struct figure *figure, uint32_t module)
{
    const struct picture *picture = figure->plot->picture;
    uint32_t pages = 0, from, to;
    char names[64] = "", note[64];
    size_t used = 0;

    for (uint32_t i = 0; i < picture->section_count; i++) {
        const struct picture_section *section = &picture->sections[i];
        size_t length = strlen(section->name);

        if (section->module != module || category_of(section) != ALWAYS) {
            continue;
        }
        pages += section->pages;
        if (used + length + 2 < 24) {
            memcpy(&names[used], section->name, length);
            used += length;
            names[used++] = ' ';
            names[used] = '\0';
        } else if (used < sizeof names - 4) {
            memcpy(&names[used], "\xe2\x80\xa6", 4);
            used = sizeof names;
        }
    }
    if (pages == 0) {
        return;
    }
    from = plot_cell(figure->plot, picture->modules[module].loaded);
    to = picture->modules[module].unloaded == TIME_MAX
             ? figure->plot->width
             : plot_cell(figure->plot, picture->modules[module].unloaded);
    figure_left(figure, figure->y + 11, names, category_name(ALWAYS));
    fprintf(figure->out, "<rect class=\"always\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"14\"/>\n",
            FIGURE_LEFT + from, figure->y + 6, to - from);
    (void)snprintf(note, sizeof note, "%" PRIu32 " page%s", pages, pages == 1 ? "" : "s");
    figure_right(figure, figure->y + 12, note);
    figure->y += 20 + ROW_GAP;
}

/* ---- the whole ---- */

/* Sections that tell a story first. */
static const enum category order[] = {ON_DEMAND, PAGEABLE, DISCARDED};

static void driver_rows(struct figure *figure, uint32_t module, double page, uint32_t *room)
{
    const struct picture *picture = figure->plot->picture;

    if (picture->module_count > 1) {
        fprintf(figure->out, "<text class=\"driver\" x=\"%u\" y=\"%u\">", FIGURE_LEFT,
                figure->y + 11);
        markup_text(figure->out, picture->modules[module].name);
        fputs("</text>\n", figure->out);
        figure->y += 18;
    }
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        for (uint32_t i = 0; i<picture->section_count && * room> 0; i++) {
            const struct picture_section *section = &picture->sections[i];

            if (section->module == module && category_of(section) == order[k]) {
                section_row(figure, section, page);
                --*room;
            }
        }
    }
    always_row(figure, module);
}

pg_status figure_timeline(FILE *out, const struct plot *plot, bool alone)
{
    static const struct legend_entry legend[] = {
        {"band-key", "file open"},
        {"in", "in memory"},
        {"locked", "locked"},
        {"flicker", "comes and goes"},
        {"always", "always resident"},
        {"mark-fault", "fetched when touched"},
        {"pressure-key", "memory pressure"},
    };
    const struct figure_words words = {
        .title = "when each section was in memory",
        .description = "One row for each section; the height of the filled part is the number of "
                       "its pages in memory, hatched while it is locked.  Bands behind the rows "
                       "show when a file was open.  The tables below have the same in numbers.",
        .alone = alone,
    };
    struct figure figure;
    uint32_t room = SECTIONS_MAX;
    double page = scale_of(plot->picture);

    if (figure_begin(&figure, plot, "timeline") != PG_OK) {
        return PG_E_NO_MEMORY;
    }
    figure_named(&figure);
    figure.top = figure.y;
    figure_lanes(&figure);
    for (uint32_t module = 0; module < plot->picture->module_count; module++) {
        driver_rows(&figure, module, page, &room);
    }
    figure.bottom = figure.y;
    figure_axis(&figure);
    figure_legend(&figure, legend, sizeof legend / sizeof *legend);
    return figure_end(&figure, out, &words);
}
