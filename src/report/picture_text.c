/* SPDX-License-Identifier: MIT */
/* The picture for a terminal: one line for each section, time from left to right. */
#include "report/plot.h"

#include <inttypes.h>
#include <string.h>

#include "base/host.h"

#define WIDE 60u /* cells of the axis */

static void open_line(FILE *out, const struct plot *plot, const struct picture_device *device)
{
    fprintf(out, "  %-24.24s ", plot_device_name(device));
    for (uint32_t cell = 0; cell < plot->width; cell++) {
        fputc(plot_track(plot, device->track, cell).high > 0 ? '-' : ' ', out);
    }
    fprintf(out, "  opened %" PRIu64 "\xc3\x97\n", device->opened);
}

static char letter(const struct plot *plot, const struct picture_section *section, uint32_t cell)
{
    struct track pages = plot_track(plot, section->resident_track, cell);

    if (plot_track(plot, section->lock_track, cell).low > 0) {
        return '#';
    }
    if (pages.high == 0) {
        return '.';
    }
    return pages.low == section->pages ? '=' : pages.low == pages.high ? '+' : '~';
}

static void section_line(FILE *out, const struct plot *plot, const struct picture_section *section)
{
    uint32_t least = section->least == UINT32_MAX ? section->resident : section->least;

    fprintf(out, "  %-24s ", section->name);
    for (uint32_t cell = 0; cell < plot->width; cell++) {
        fputc(letter(plot, section, cell), out);
    }
    fprintf(out, "  %" PRIu32 "-%" PRIu32 " of %" PRIu32 " pages", least, section->most,
            section->pages);
    if (section->most_locks > 0) {
        fprintf(out, ", locked %" PRIu64 " by address, %" PRIu64 " by handle",
                section->locks_by_address, section->locks_by_handle);
    }
    fputc('\n', out);
}

static void driver_lines(FILE *out, const struct plot *plot, uint32_t module)
{
    const struct picture *picture = plot->picture;
    uint32_t pages = 0;

    fprintf(out, "\n  %s\n", picture->modules[module].name);
    for (uint32_t i = 0; i < picture->section_count; i++) {
        const struct picture_section *section = &picture->sections[i];

        if (section->module != module) {
            continue;
        }
        if (category_of(section) == ALWAYS) {
            pages += section->pages;
        } else {
            section_line(out, plot, section);
        }
    }
    fprintf(out, "  (the others: %" PRIu32 " pages, always resident)\n", pages);
}

static void draw(FILE *out, const struct plot *plot)
{
    const struct picture *picture = plot->picture;
    struct category_sums sums = category_sums(picture);
    uint64_t all = sums.of[ALWAYS].pages + sums.of[ON_DEMAND].pages + sums.of[PAGEABLE].pages;
    char time[48];

    fprintf(out, "\nSections in virtual time (not to scale), to %s\n",
            picture_time(time, sizeof time, picture->end));
    fputs("  # locked   = in memory   + partly   ~ comes and goes   . out   - open\n\n", out);
    for (uint32_t i = 0; i < picture->device_count; i++) {
        if (picture->devices[i].opened > 0 && picture_device_shown(&picture->devices[i])) {
            open_line(out, plot, &picture->devices[i]);
        }
    }
    for (uint32_t module = 0; module < picture->module_count; module++) {
        driver_lines(out, plot, module);
    }
    if (picture->module_count > 0 && picture->least != UINT32_MAX) {
        fprintf(out,
                "\n  In memory: at least %" PRIu32 ", at most %" PRIu32 " pages; with everything "
                "resident %" PRIu64 ".\n",
                picture->least, picture->most, all);
    }
}

pg_status picture_text(FILE *out, const struct picture *picture)
{
    struct plot *plot = host.allocate(sizeof *plot);

    if (plot == NULL) {
        return PG_E_NO_MEMORY;
    }
    plot_make(plot, picture, WIDE);
    draw(out, plot);
    host.release(plot);
    return ferror(out) ? PG_E_IO : PG_OK;
}
