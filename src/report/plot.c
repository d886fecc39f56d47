/* SPDX-License-Identifier: MIT */
/* Columns of a picture -> the cells of an axis; and words for what is drawn. */
#include "report/plot.h"

#include <inttypes.h>
#include <string.h>

void plot_make(struct plot *plot, const struct picture *picture, uint32_t width)
{
    uint32_t column = 0;

    plot->picture = picture;
    plot->width = width;
    columns_place(picture, width, plot->x);
    for (uint32_t cell = 0; cell < width; cell++) {
        uint32_t first = column;

        while (column < picture->column_count && plot->x[column] < cell + 1.0) {
            column++;
        }
        plot->begins[cell] = column > first;
        plot->first[cell] = column > first ? first : column - 1;
        plot->end[cell] = column;
    }
}

struct track plot_track(const struct plot *plot, const struct track *track, uint32_t cell)
{
    struct track sum = track[plot->first[cell]];

    for (uint32_t i = plot->first[cell] + 1; i < plot->end[cell]; i++) {
        sum.low = track[i].low < sum.low ? track[i].low : sum.low;
        sum.high = track[i].high > sum.high ? track[i].high : sum.high;
        sum.last = track[i].last;
    }
    return sum;
}

uint64_t plot_faults(const struct plot *plot, const struct picture_section *section, uint32_t cell)
{
    const struct picture *picture = plot->picture;
    uint64_t faults = 0;

    if (!plot->begins[cell]) {
        return 0;
    }
    if (section == NULL) {
        for (uint32_t i = 0; i < picture->section_count; i++) {
            faults += plot_faults(plot, &picture->sections[i], cell);
        }
        return faults;
    }
    for (uint32_t i = plot->first[cell]; i < plot->end[cell]; i++) {
        faults += section->fault_track[i];
    }
    return faults;
}

struct page_cell plot_page(const struct plot *plot, const struct picture_section *section,
                           uint32_t page, uint32_t cell)
{
    struct page_cell sum = *picture_cell(section, plot->first[cell], page);

    for (uint32_t i = plot->first[cell] + 1; i < plot->end[cell]; i++) {
        const struct page_cell *next = picture_cell(section, i, page);
        unsigned faults = (unsigned)sum.faults + next->faults;

        sum.low &= next->low;
        sum.high |= next->high;
        sum.last = next->last;
        sum.faults = (uint8_t)(faults > 255 ? 255 : faults);
    }
    if (!plot->begins[cell]) {
        sum.faults = 0; /* they were where the column began */
    }
    return sum;
}

struct column plot_counts(const struct plot *plot, uint32_t cell)
{
    struct column sum = {.time = plot->picture->columns[plot->first[cell]].time};

    for (uint32_t i = plot->first[cell]; plot->begins[cell] && i < plot->end[cell]; i++) {
        const struct column *column = &plot->picture->columns[i];

        sum.events += column->events;
        sum.trims += column->trims;
        sum.trimmed += column->trimmed;
        sum.asked += column->asked;
        sum.interrupts += column->interrupts;
        sum.key |= column->key;
    }
    return sum;
}

uint32_t plot_cell(const struct plot *plot, uint64_t time)
{
    uint32_t column = plot->picture->column_count - 1;
    uint32_t cell;

    while (column > 0 && plot->picture->columns[column].time > time) {
        column--;
    }
    cell = (uint32_t)plot->x[column];
    return cell < plot->width ? cell : plot->width - 1;
}

bool plot_any_open(const struct plot *plot, uint32_t cell)
{
    for (uint32_t i = 0; i < plot->picture->device_count; i++) {
        const struct picture_device *device = &plot->picture->devices[i];

        if (picture_device_shown(device) && plot_track(plot, device->track, cell).high > 0) {
            return true;
        }
    }
    return false;
}

uint32_t plot_run(const struct plot *plot, uint32_t cell, const void *context,
                  bool (*same)(const struct plot *plot, const void *context, uint32_t a,
                               uint32_t b))
{
    uint32_t end = cell + 1;

    while (end < plot->width && same(plot, context, cell, end)) {
        end++;
    }
    return end;
}

/* ---- categories ---- */

enum category category_of(const struct picture_section *section)
{
    if (section->class == PG_DISCARDABLE) {
        return DISCARDED;
    }
    if (section->class == PG_RESIDENT) {
        return section->entire ? ON_DEMAND : ALWAYS;
    }
    return section->most_locks > 0 ? ON_DEMAND : PAGEABLE;
}

const char *category_name(enum category category)
{
    static const char *const names[CATEGORY_COUNT] = {
        [ALWAYS] = "always resident",
        [ON_DEMAND] = "resident on demand",
        [PAGEABLE] = "pageable",
        [DISCARDED] = "discarded after start",
    };

    return names[category];
}

struct category_sums category_sums(const struct picture *picture)
{
    struct category_sums sums = {0};

    for (uint32_t i = 0; i < picture->section_count; i++) {
        const struct picture_section *section = &picture->sections[i];
        struct category_sum *sum = &sums.of[category_of(section)];

        sum->sections++;
        sum->bytes += section->bytes;
        sum->pages += section->pages;
        sum->page_time += section->page_time;
    }
    return sums;
}

/* ---- words ---- */

const char *plot_device_name(const struct picture_device *device)
{
    const char *slash = strrchr(device->name, '\\');

    return device->name[0] == '\0'             ? "(no name)"
           : slash != NULL && slash[1] != '\0' ? slash + 1
                                               : device->name;
}

static const char *section_name(const struct picture *picture, uint32_t number)
{
    return picture->sections[number].name;
}

const char *plot_moment_text(char *buffer, size_t size, const struct picture *picture,
                             const struct moment *moment)
{
    uint32_t n = moment->number;

    switch (moment->kind) {
    case MOMENT_LOAD:
        (void)snprintf(buffer, size, "%s is loaded", picture->modules[n].name);
        break;
    case MOMENT_UNLOAD:
        (void)snprintf(buffer, size, "%s is unloaded", picture->modules[n].name);
        break;
    case MOMENT_ENTIRE:
        (void)snprintf(buffer, size, "%s becomes pageable as a whole", picture->modules[n].name);
        break;
    case MOMENT_RESET:
        (void)snprintf(buffer, size, "%s returns to its sections' own paging",
                       picture->modules[n].name);
        break;
    case MOMENT_DISCARD:
        (void)snprintf(buffer, size, "%s is discarded", section_name(picture, n));
        break;
    case MOMENT_LOCKED:
        (void)snprintf(buffer, size, "%s is locked", section_name(picture, n));
        break;
    case MOMENT_UNLOCKED:
        (void)snprintf(buffer, size, "%s is unlocked", section_name(picture, n));
        break;
    case MOMENT_OPEN:
        (void)snprintf(buffer, size, "open %s", plot_device_name(&picture->devices[n]));
        break;
    case MOMENT_CLOSE:
        (void)snprintf(buffer, size, "close %s", plot_device_name(&picture->devices[n]));
        break;
    case MOMENT_TRIM:
        (void)snprintf(buffer, size, "memory pressure: %" PRIu64 " page%s left", moment->value,
                       moment->value == 1 ? "" : "s");
        break;
    case MOMENT_FINDING:
        (void)snprintf(buffer, size, "finding %" PRIu32, n + 1);
        break;
    case MOMENT_BUGCHECK:
        (void)snprintf(buffer, size, "bug check 0x%" PRIX64, moment->value);
        break;
    case MOMENT_NAMED:
        (void)snprintf(buffer, size, "%s", moment->label);
        break;
    }
    return buffer;
}
