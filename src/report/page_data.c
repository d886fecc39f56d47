/* SPDX-License-Identifier: MIT */
/* What the script shows under the pointer: the state at each cell of the axis where it changes. */
#include "report/page.h"

#include <inttypes.h>

#define SECTIONS_MAX 24u

/* A string of JSON that is also safe inside a script element. */
static void json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f) {
            fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
    fputc('"', out);
}

static bool shown(const struct picture *picture, uint32_t i)
{
    uint32_t before = 0;

    if (category_of(&picture->sections[i]) == ALWAYS) {
        return false;
    }
    for (uint32_t k = 0; k < i; k++) {
        before += category_of(&picture->sections[k]) != ALWAYS;
    }
    return before < SECTIONS_MAX;
}

static void cell_data(FILE *out, const struct plot *plot, uint32_t cell)
{
    const struct picture *picture = plot->picture;
    const char *between = "";
    char time[48];

    fprintf(out, "[%" PRIu32 ",", cell);
    json_text(out, picture_time(time, sizeof time, picture->columns[plot->first[cell]].time));
    for (uint32_t i = 0; i < picture->section_count; i++) {
        if (shown(picture, i)) {
            struct track pages = plot_track(plot, picture->sections[i].resident_track, cell);

            fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32, pages.low, pages.high,
                    plot_track(plot, picture->sections[i].lock_track, cell).last);
        }
    }
    fputs(",[", out);
    for (uint32_t i = 0; i < picture->device_count; i++) {
        if (picture_device_shown(&picture->devices[i]) &&
            plot_track(plot, picture->devices[i].track, cell).high > 0) {
            fprintf(out, "%s%" PRIu32, between, i);
            between = ",";
        }
    }
    fputs("]]", out);
}

void page_data(FILE *out, const struct plot *plot)
{
    const struct picture *picture = plot->picture;
    const char *between = "";

    fprintf(out,
            "<script type=\"application/json\" id=\"data\">\n{\"left\":%u,\"width\":%u,\"all\":%u,"
            "\"sections\":[",
            FIGURE_LEFT, FIGURE_PLOT, FIGURE_WIDTH);
    for (uint32_t i = 0; i < picture->section_count; i++) {
        if (shown(picture, i)) {
            fputs(between, out);
            json_text(out, picture->sections[i].name);
            between = ",";
        }
    }
    fputs("],\"devices\":[", out);
    for (uint32_t i = 0; i < picture->device_count; i++) {
        fputs(i > 0 ? "," : "", out);
        json_text(out, plot_device_name(&picture->devices[i]));
    }
    fputs("],\"cells\":[\n", out);
    between = "";
    for (uint32_t cell = 0; cell < plot->width; cell++) {
        if (plot->begins[cell] || cell == 0) {
            fputs(between, out);
            cell_data(out, plot, cell);
            between = ",\n";
        }
    }
    fputs("]}\n</script>\n", out);
}
