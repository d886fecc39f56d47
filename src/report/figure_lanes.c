/* SPDX-License-Identifier: MIT */
/* What is done to the drivers, above their sections: files, interrupts, memory pressure. */
#include "report/figure.h"

#include <inttypes.h>
#include <string.h>

#define DEVICES_SHOWN 6u
#define BAR_HEIGHT    14u
#define LANE_HEIGHT   20u
#define NAME_ROOM     56u /* a bar that is wider gets its name inside */

/* ---- open files ---- */

static bool same_files(const struct plot *plot, const void *context, uint32_t a, uint32_t b)
{
    const struct picture_device *device = context;

    return (plot_track(plot, device->track, a).high > 0) ==
           (plot_track(plot, device->track, b).high > 0);
}

static void device_lane(struct figure *figure, const struct picture_device *device)
{
    char note[64];
    uint32_t end;

    figure_left(figure, figure->y + LANE_HEIGHT / 2, plot_device_name(device), "");
    for (uint32_t cell = 0; cell < figure->plot->width; cell = end) {
        end = plot_run(figure->plot, cell, device, same_files);
        if (plot_track(figure->plot, device->track, cell).high == 0) {
            continue;
        }
        fprintf(figure->out,
                "<rect class=\"open\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"3\">"
                "<title>",
                FIGURE_LEFT + cell, figure->y + 3, end - cell, BAR_HEIGHT);
        markup_text(figure->out, device->name);
        fputs(" is open</title></rect>\n", figure->out);
        if (end - cell > NAME_ROOM) {
            fprintf(figure->out, "<text class=\"open-name\" x=\"%u\" y=\"%u\">open</text>\n",
                    FIGURE_LEFT + cell + 7, figure->y + 14);
        }
    }
    (void)snprintf(note, sizeof note, "opened %" PRIu64 "\xc3\x97", device->opened);
    figure_right(figure, figure->y + LANE_HEIGHT / 2, note);
    figure->y += LANE_HEIGHT;
}

static void device_lanes(struct figure *figure)
{
    const struct picture *picture = figure->plot->picture;
    uint32_t shown = 0, hidden = 0;
    char words[64];

    for (uint32_t i = 0; i < picture->device_count; i++) {
        if (picture->devices[i].opened == 0 || !picture_device_shown(&picture->devices[i])) {
            continue;
        }
        if (shown == DEVICES_SHOWN) {
            hidden++;
            continue;
        }
        shown++;
        device_lane(figure, &picture->devices[i]);
    }
    if (hidden > 0) {
        (void)snprintf(words, sizeof words, "and %" PRIu32 " more", hidden);
        figure_left(figure, figure->y + 8, words, "");
        figure->y += 16;
    }
}

/* ---- counts per cell, as bars ---- */

static unsigned bits(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

static void interrupt_lane(struct figure *figure)
{
    uint64_t total = 0, most = 0;
    char note[64];

    for (uint32_t cell = 0; cell < figure->plot->width; cell++) {
        uint64_t count = plot_counts(figure->plot, cell).interrupts;

        total += count;
        most = count > most ? count : most;
    }
    if (total == 0) {
        return;
    }
    figure_left(figure, figure->y + LANE_HEIGHT / 2, "interrupts", "");
    fputs("<path class=\"interrupts\" d=\"", figure->out);
    for (uint32_t cell = 0; cell < figure->plot->width; cell++) {
        uint64_t count = plot_counts(figure->plot, cell).interrupts;

        if (count > 0) { /* the logarithm: one interrupt shall be seen beside thousands */
            unsigned height = 4 + (BAR_HEIGHT - 4) * bits(count) / bits(most);

            fprintf(figure->out, "M%u %uv-%u", FIGURE_LEFT + cell, figure->y + 17, height);
        }
    }
    fputs("\"/>\n", figure->out);
    (void)snprintf(note, sizeof note, "%" PRIu64 " in all", total);
    figure_right(figure, figure->y + LANE_HEIGHT / 2, note);
    figure->y += LANE_HEIGHT;
}

static void pressure_lane(struct figure *figure)
{
    uint64_t trims = 0;
    char note[64];

    figure_left(figure, figure->y + LANE_HEIGHT / 2, "pages taken away", "");
    fputs("<path class=\"trims\" d=\"", figure->out);
    for (uint32_t cell = 0; cell < figure->plot->width; cell++) {
        struct column counts = plot_counts(figure->plot, cell);

        trims += counts.trims;
        if (counts.trims > counts.asked) {
            fprintf(figure->out, "M%u %uv6", FIGURE_LEFT + cell, figure->y + 7);
        }
    }
    fputs("\"/>\n<path class=\"pressure\" d=\"", figure->out);
    for (uint32_t cell = 0; cell < figure->plot->width; cell++) {
        if (plot_counts(figure->plot, cell).asked > 0) {
            fprintf(figure->out, "M%u %ul-5 -9h10z", FIGURE_LEFT + cell, figure->y + 15);
        }
    }
    fputs("\"/>\n", figure->out);
    (void)snprintf(note, sizeof note, "%" PRIu64 "\xc3\x97", trims);
    figure_right(figure, figure->y + LANE_HEIGHT / 2, note);
    figure->y += LANE_HEIGHT;
}

void figure_lanes(struct figure *figure)
{
    device_lanes(figure);
    interrupt_lane(figure);
    pressure_lane(figure);
    figure->y += 4;
}
