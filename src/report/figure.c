/* SPDX-License-Identifier: MIT */
/* What all figures have: the frame, bands, named moments, the axis, labels, the legend. */
#include "report/figure.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINE_HEIGHT 15u
#define LETTER      6.1 /* width of a letter of a label, about */
#define TICKS_MAX   16u
#define TICK_APART  74u
#define GAP_TIME    10000000u /* 1 s: worth a word when it takes room on the axis */
#define GAP_WIDTH   40.0

pg_status figure_begin(struct figure *figure, const struct plot *plot, const char *id)
{
    *figure = (struct figure){.plot = plot, .id = id, .y = 8};
    figure->out = open_memstream(&figure->text, &figure->bytes);
    return figure->out == NULL ? PG_E_NO_MEMORY : PG_OK;
}

/* ---- behind the drawing ---- */

static bool same_open(const struct plot *plot, const void *context, uint32_t a, uint32_t b)
{
    (void)context;
    return plot_any_open(plot, a) == plot_any_open(plot, b);
}

static void bands(const struct figure *figure, FILE *out)
{
    uint32_t end;

    for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
        end = plot_run(figure->plot, cell, NULL, same_open);
        if (plot_any_open(figure->plot, cell)) {
            fprintf(out, "<rect class=\"band\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n",
                    FIGURE_LEFT + cell, figure->top, end - cell, figure->bottom - figure->top);
        }
    }
}

static void guides(const struct figure *figure, FILE *out)
{
    const struct picture *picture = figure->plot->picture;
    char text[200];

    for (uint32_t i = 0; i < picture->moment_count; i++) {
        const struct moment *moment = &picture->moments[i];
        bool bad = moment->kind == MOMENT_FINDING || moment->kind == MOMENT_BUGCHECK;
        unsigned x = FIGURE_LEFT + plot_cell(figure->plot, moment->time);

        if (moment->kind != MOMENT_NAMED && !bad) {
            continue;
        }
        fprintf(out, "<path class=\"%s\" d=\"M%u.5 %uV%u\"><title>", bad ? "bad" : "guide", x,
                figure->top, figure->bottom);
        markup_text(out, plot_moment_text(text, sizeof text, picture, moment));
        fputs("</title></path>\n", out);
    }
}

/* ---- the frame ---- */

static void heading(FILE *out, const struct picture *picture, const char *title)
{
    const json_t *drivers = json_object_get(picture->header, "drivers");
    const json_t *driver;
    size_t i;

    fputs("<rect class=\"paper\" x=\"-16\" y=\"-44\" width=\"1032\" height=\"100%\" rx=\"6\"/>\n"
          "<text class=\"title\" x=\"0\" y=\"-14\">",
          out);
    json_array_foreach(drivers, i, driver)
    {
        fputs(i > 0 ? ", " : "", out);
        markup_text(out, json_is_string(driver) ? json_string_value(driver) : "");
    }
    fputs(": ", out);
    markup_text(out, title);
    fputs("</text>\n", out);
}

static void frame(const struct figure *figure, FILE *out, const struct figure_words *words)
{
    unsigned height = figure->y + 8;

    if (words->alone) {
        fprintf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure alone\" "
                "viewBox=\"-16 -44 1032 %u\" width=\"1032\" height=\"%u\" ",
                height + 52, height + 52);
    } else {
        fprintf(out, "<svg class=\"figure\" data-figure=\"%s\" viewBox=\"0 0 %u %u\" ", figure->id,
                FIGURE_WIDTH, height);
    }
    fprintf(out,
            "role=\"img\" aria-labelledby=\"%s-title %s-desc\">\n<title id=\"%s-title\">%s</title>"
            "\n<desc id=\"%s-desc\">%s</desc>\n",
            figure->id, figure->id, figure->id, words->title, figure->id, words->description);
    if (words->alone) {
        fprintf(out, "<style>\n%s</style>\n", asset_figure_css);
    }
    fprintf(
        out,
        "<defs><pattern id=\"%s-hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\""
        " patternTransform=\"rotate(45)\"><rect class=\"hatch-ground\" width=\"5\" height=\"5\"/>"
        "<path class=\"hatch-line\" d=\"M1 0V5\"/></pattern></defs>\n",
        figure->id);
    if (words->alone) {
        heading(out, figure->plot->picture, words->title);
    }
}

pg_status figure_end(struct figure *figure, FILE *out, const struct figure_words *words)
{
    bool failed = fclose(figure->out) != 0;

    if (!failed) {
        frame(figure, out, words);
        if (figure->top != 0) {
            bands(figure, out);
            guides(figure, out);
        }
        fputs(figure->text, out);
        fputs("</svg>\n", out);
    }
    free(figure->text);
    return failed ? PG_E_NO_MEMORY : ferror(out) ? PG_E_IO : PG_OK;
}

/* ---- labels ---- */

/* Whether a moment has a label, and what it says.  A bug check stands for the finding before it. */
static bool has_label(const struct picture *picture, uint32_t i, char *text, size_t size)
{
    const struct moment *moment = &picture->moments[i];
    bool leads_on = i + 1 < picture->moment_count && moment[1].kind == MOMENT_BUGCHECK;

    if (moment->kind != MOMENT_NAMED && moment->kind != MOMENT_BUGCHECK &&
        (moment->kind != MOMENT_FINDING || leads_on)) {
        return false;
    }
    (void)plot_moment_text(text, size, picture, moment);
    return true;
}

void figure_named(struct figure *figure)
{
    const struct picture *picture = figure->plot->picture;
    double used[2] = {0, 0};
    unsigned lines = 0;
    char text[200];

    for (uint32_t i = 0; i < picture->moment_count; i++) {
        double x, width;
        unsigned line;

        if (!has_label(picture, i, text, sizeof text)) {
            continue;
        }
        width = (double)strlen(text) * LETTER + 10;
        x = FIGURE_LEFT + plot_cell(figure->plot, picture->moments[i].time);
        line = x - 4 >= used[0] ? 0 : 1;
        if (x - 4 < used[line] || x + width > FIGURE_WIDTH) {
            continue; /* its line has a tooltip */
        }
        used[line] = x + width;
        lines = line + 1 > lines ? line + 1 : lines;
        fprintf(figure->out, "<text class=\"named%s\" x=\"%.0f\" y=\"%u\">",
                picture->moments[i].kind == MOMENT_NAMED ? "" : " bad-name", x - 1,
                figure->y + 11 + (1 - line) * LINE_HEIGHT);
        markup_text(figure->out, text);
        fputs("</text>\n", figure->out);
    }
    if (lines > 0) {
        figure->y += 2 * LINE_HEIGHT + 4;
    }
}

void figure_left(struct figure *figure, unsigned middle, const char *name, const char *remark)
{
    unsigned y = remark[0] != '\0' ? middle - 2 : middle + 4;

    fprintf(figure->out, "<text class=\"name\" x=\"%u\" y=\"%u\">", FIGURE_LEFT - 10, y);
    markup_text(figure->out, name);
    fputs("</text>\n", figure->out);
    if (remark[0] != '\0') {
        fprintf(figure->out, "<text class=\"remark\" x=\"%u\" y=\"%u\">", FIGURE_LEFT - 10,
                middle + 11);
        markup_text(figure->out, remark);
        fputs("</text>\n", figure->out);
    }
}

void figure_right(struct figure *figure, unsigned middle, const char *note)
{
    fprintf(figure->out, "<text class=\"note\" x=\"%u\" y=\"%u\">", FIGURE_RIGHT + 10, middle + 4);
    markup_text(figure->out, note);
    fputs("</text>\n", figure->out);
}

/* ---- the axis ---- */

struct tick {
    uint32_t x;
    uint64_t time;
};

/* Where there is room for it. */
static void add_tick(struct tick *ticks, uint32_t *count, uint32_t x, uint64_t time)
{
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t apart = ticks[i].x > x ? ticks[i].x - x : x - ticks[i].x;

        /* The texts of the first two, the ends of the axis, lie to one side of them. */
        if (apart < (i < 2 ? TICK_APART * 3 / 2 : TICK_APART)) {
            return;
        }
    }
    if (*count < TICKS_MAX) {
        ticks[(*count)++] = (struct tick){x, time};
    }
}

static uint32_t choose_ticks(const struct plot *plot, struct tick *ticks)
{
    const struct picture *picture = plot->picture;
    uint32_t count = 0;

    add_tick(ticks, &count, 0, picture->columns[0].time);
    add_tick(ticks, &count, plot->width, picture->end);
    for (uint32_t i = 0; i < picture->moment_count; i++) {
        if (picture->moments[i].kind == MOMENT_NAMED) {
            add_tick(ticks, &count, plot_cell(plot, picture->moments[i].time),
                     picture->moments[i].time);
        }
    }
    for (uint32_t i = 0; i < picture->column_count; i++) {
        if (picture->columns[i].key) {
            add_tick(ticks, &count, (uint32_t)plot->x[i], picture->columns[i].time);
        }
    }
    return count;
}

/* A length of time to the nearest unit; returns `buffer`. */
static const char *about(char *buffer, size_t size, uint64_t time)
{
    uint64_t seconds = (time + GAP_TIME / 2) / GAP_TIME;

    if (seconds < 120) {
        (void)snprintf(buffer, size, "%" PRIu64 " s", seconds);
    } else if (seconds < 7200) {
        (void)snprintf(buffer, size, "%" PRIu64 " min", (seconds + 30) / 60);
    } else {
        (void)snprintf(buffer, size, "%" PRIu64 " h", (seconds + 1800) / 3600);
    }
    return buffer;
}

/* Time in which nothing happened, where it is drawn wide: a word, since the axis is not to scale.
 */
static void gaps(struct figure *figure, unsigned y)
{
    const struct plot *plot = figure->plot;
    const struct picture *picture = plot->picture;
    char text[48];

    for (uint32_t i = 0; i < picture->column_count; i++) {
        uint64_t from = picture->columns[i].time;
        uint64_t to = i + 1 < picture->column_count ? picture->columns[i + 1].time : picture->end;
        double width = plot->x[i + 1] - plot->x[i];

        if (to - from < GAP_TIME || width < GAP_WIDTH) {
            continue;
        }
        fprintf(figure->out,
                "<text class=\"gap\" x=\"%.1f\" y=\"%u\">%s idle</text>\n"
                "<path class=\"cut\" d=\"M%.1f %um-5 4l4 -8m3 8l4 -8\"/>\n",
                FIGURE_LEFT + plot->x[i] + width / 2, y + 30, about(text, sizeof text, to - from),
                FIGURE_LEFT + plot->x[i] + width / 2, y);
    }
}

void figure_axis(struct figure *figure)
{
    struct tick ticks[TICKS_MAX];
    uint32_t count = choose_ticks(figure->plot, ticks);
    unsigned y = figure->y + 4;
    char text[48];

    fprintf(figure->out, "<path class=\"axis\" d=\"M%u %u.5H%u\"/>\n", FIGURE_LEFT, y,
            FIGURE_RIGHT);
    for (uint32_t i = 0; i < count; i++) {
        const char *anchor = ticks[i].x == 0                     ? "start"
                             : ticks[i].x == figure->plot->width ? "end"
                                                                 : "middle";

        fprintf(figure->out,
                "<path class=\"axis\" d=\"M%u.5 %uv5\"/>"
                "<text class=\"tick\" x=\"%u\" y=\"%u\" text-anchor=\"%s\">%s</text>\n",
                FIGURE_LEFT + ticks[i].x, y, FIGURE_LEFT + ticks[i].x, y + 17, anchor,
                picture_time(text, sizeof text, ticks[i].time));
    }
    gaps(figure, y);
    fprintf(figure->out,
            "<text class=\"remark\" x=\"%u\" y=\"%u\">virtual time</text>"
            "<text class=\"remark\" x=\"%u\" y=\"%u\">not to scale</text>\n",
            FIGURE_LEFT - 10, y + 6, FIGURE_LEFT - 10, y + 19);
    figure->y = y + 36;
}

/* ---- the legend ---- */

static void swatch(const struct figure *figure, const char *shape, double x, unsigned y)
{
    fprintf(figure->out, "<rect class=\"%s\" x=\"%.0f\" y=\"%u\" width=\"14\" height=\"12\"", shape,
            x, y);
    if (strcmp(shape, "locked") == 0) {
        fprintf(figure->out, " fill=\"url(#%s-hatch)\"", figure->id);
    }
    fputs("/>", figure->out);
}

void figure_legend(struct figure *figure, const struct legend_entry *entries, uint32_t count)
{
    double x = FIGURE_LEFT;
    unsigned y = figure->y + 6;

    for (uint32_t i = 0; i < count; i++) {
        double width = (double)strlen(entries[i].words) * LETTER + 34;

        if (x + width > FIGURE_WIDTH) {
            x = FIGURE_LEFT;
            y += 20;
        }
        swatch(figure, entries[i].shape, x, y);
        fprintf(figure->out, "<text class=\"legend\" x=\"%.0f\" y=\"%u\">%s</text>\n", x + 20,
                y + 10, entries[i].words);
        x += width;
    }
    figure->y = y + 18;
}
