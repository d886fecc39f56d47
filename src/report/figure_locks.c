/* SPDX-License-Identifier: MIT */
/* The lock counts of sections, as staircases, and from where they were locked. */
#include "report/figure.h"

#include <inttypes.h>
#include <string.h>

#define STEP_MAX 14u
#define ROW_MIN  38u
#define ROW_MAX  84u
#define ROW_GAP  12u
#define ROWS_MAX 32u

bool figure_locks_any(const struct picture *picture)
{
    for (uint32_t i = 0; i < picture->section_count; i++) {
        if (picture->sections[i].most_locks > 0) {
            return true;
        }
    }
    return false;
}

static bool same_count(const struct plot *plot, const void *context, uint32_t a, uint32_t b)
{
    const struct track *track = context;
    struct track x = plot_track(plot, track, a), y = plot_track(plot, track, b);

    return x.low == y.low && x.high == y.high && x.last == y.last;
}

/* The staircase: a vertical line where the count moved within a cell. */
static void staircase(struct figure *figure, const struct picture_section *section, unsigned base,
                      double step)
{
    const struct track *track = section->lock_track;
    double y = base;
    uint32_t end;

    fprintf(figure->out, "<path class=\"stairs\" d=\"M%u %u", FIGURE_LEFT, base);
    for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
        struct track t = plot_track(figure->plot, track, cell);
        double high = base - t.high * step, low = base - t.low * step;
        double last = base - t.last * step;

        end = plot_run(figure->plot, cell, track, same_count);
        fprintf(figure->out, "H%u", FIGURE_LEFT + cell);
        if (t.high != t.low) { /* all the way: the count was there and there */
            fprintf(figure->out, "V%.1fV%.1f", high, low);
        }
        if (last != y || t.high != t.low) {
            fprintf(figure->out, "V%.1f", last);
        }
        y = last;
    }
    fprintf(figure->out, "H%uV%u\"/>\n", FIGURE_RIGHT, base);
}

/* The number at the first cell of each height, where there is room. */
static void numbers(struct figure *figure, const struct picture_section *section, unsigned base,
                    double step)
{
    const struct track *track = section->lock_track;
    uint32_t end;
    bool first = true;

    for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
        struct track t = plot_track(figure->plot, track, cell);

        end = plot_run(figure->plot, cell, track, same_count);
        if (t.last > 0 && t.high == t.low && end - cell >= 14) {
            fprintf(figure->out, "<text class=\"count\" x=\"%u\" y=\"%.1f\">%" PRIu32 "%s</text>\n",
                    FIGURE_LEFT + cell + 4, base - t.last * step - 3, t.last,
                    !first || end - cell < 48 ? ""
                    : t.last == 1             ? " lock"
                                              : " locks");
            first = false;
        }
    }
}

static void row(struct figure *figure, const struct picture_section *section)
{
    double step = (double)(ROW_MAX - 16) / section->most_locks;
    unsigned height, base;
    char note[96], remark[96];

    step = step > STEP_MAX ? STEP_MAX : step;
    height = 16 + (unsigned)(step * section->most_locks);
    height = height < ROW_MIN ? ROW_MIN : height;
    base = figure->y + height;
    fputs("<g class=\"row lock\" data-section=\"", figure->out);
    markup_text(figure->out, section->name);
    fputs("\">\n", figure->out);
    (void)snprintf(remark, sizeof remark, "at most %" PRIu32, section->most_locks);
    figure_left(figure, figure->y + height / 2, section->name, remark);
    fprintf(figure->out, "<path class=\"base\" d=\"M%u %u.5H%u\"/>\n", FIGURE_LEFT, base,
            FIGURE_RIGHT);
    staircase(figure, section, base, step);
    numbers(figure, section, base, step);
    (void)snprintf(note, sizeof note, "%" PRIu64 " by address", section->locks_by_address);
    figure_right(figure, figure->y + height / 2 - 8, note);
    (void)snprintf(note, sizeof note, "%" PRIu64 " by handle", section->locks_by_handle);
    figure_right(figure, figure->y + height / 2 + 7, note);
    fputs("</g>\n", figure->out);
    figure->y += height + ROW_GAP;
}

pg_status figure_locks(FILE *out, const struct plot *plot)
{
    const struct figure_words words = {
        .title = "lock counts",
        .description = "For each section that was ever locked, how often it was locked at a time. "
                       "The table of sections has the same in numbers.",
    };
    struct figure figure;
    uint32_t rows = 0;

    if (figure_begin(&figure, plot, "locks") != PG_OK) {
        return PG_E_NO_MEMORY;
    }
    figure.top = figure.y;
    for (uint32_t i = 0; i < plot->picture->section_count && rows < ROWS_MAX; i++) {
        if (plot->picture->sections[i].most_locks > 0) {
            row(&figure, &plot->picture->sections[i]);
            rows++;
        }
    }
    figure.bottom = figure.y;
    figure_axis(&figure);
    return figure_end(&figure, out, &words);
}
