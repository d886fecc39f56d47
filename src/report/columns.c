/* SPDX-License-Identifier: MIT */
/*
 * Columns: time cut to what can be drawn, and the axis.
 *
 * The axis keeps the order of time and gives up its scale: a day of sleep beside a transfer of
 * microseconds cannot share one.  Between two key moments the width grows with the logarithm of
 * how much happened there; within, each column gets one unit and a little for the logarithm of the
 * time until the next.  All in whole numbers, so that every host draws the same.
 */
#include <string.h>

#include "base/host.h"
#include "report/picture.h"

#define UNIT   256u /* of fixed-point logarithms */
#define TICK   100u /* time below which gaps look alike: 10 us */
#define SECOND 10000000u
#define HALF   (COLUMNS_MAX / 2)
#define KEYS   (COLUMNS_MAX / 4)

/* UNIT * log2(1 + value), by straight lines between powers of two: monotone, which is all it takes.
 */
static uint64_t logarithm(uint64_t value)
{
    unsigned bits;
    uint64_t v = value + 1;

    if (v == 0) {
        return 64 * UNIT;
    }
    bits = 63u - (unsigned)__builtin_clzll(v);
    return bits * UNIT + (bits >= 8 ? v >> (bits - 8) : v << (8 - bits)) - UNIT;
}

static uint64_t column_end(const struct picture *picture, uint32_t i)
{
    return i + 1 < picture->column_count ? picture->columns[i + 1].time
           : picture->end > picture->now ? picture->end
                                         : picture->now;
}

static uint64_t gap_of(const struct picture *picture, uint32_t i)
{
    return column_end(picture, i) - picture->columns[i].time;
}

/* Width of a column among those of its stretch.  From seconds on, a gap is meant to be seen. */
static double share(const struct picture *picture, uint32_t i)
{
    uint64_t gap = gap_of(picture, i);

    return (double)(3 * UNIT + logarithm(gap / TICK) + 6 * logarithm(gap / SECOND));
}

/* Width of the stretch [first, end) between key moments, in any unit: for what happened, and for
 * the longest time in which nothing did.  Moments that lie close together stay so. */
static double stretch(const struct picture *picture, uint32_t first, uint32_t end)
{
    uint64_t time = column_end(picture, end - 1) - picture->columns[first].time;
    uint64_t gap = 0;
    double width, lasted = (double)logarithm(time / TICK) / (16.0 * UNIT);

    for (uint32_t i = first; i < end; i++) {
        gap = gap_of(picture, i) > gap ? gap_of(picture, i) : gap;
    }
    width =
        5.0 * UNIT + 3.0 * (double)logarithm(end - first) + 0.6 * (double)logarithm(gap / SECOND);
    return width * (lasted < 0.08 ? 0.08 : lasted > 1.0 ? 1.0 : lasted);
}

static uint32_t stretch_end(const struct picture *picture, uint32_t first)
{
    uint32_t end = first + 1;

    while (end < picture->column_count && !picture->columns[end].key) {
        end++;
    }
    return end;
}

void columns_place(const struct picture *picture, uint32_t width, double *x)
{
    double total = 0, at = 0;
    uint32_t end;

    for (uint32_t first = 0; first < picture->column_count; first = end) {
        end = stretch_end(picture, first);
        total += stretch(picture, first, end);
    }
    for (uint32_t first = 0; first < picture->column_count; first = end) {
        double shares = 0, part;

        end = stretch_end(picture, first);
        part = stretch(picture, first, end) / total * width;
        for (uint32_t i = first; i < end; i++) {
            shares += share(picture, i);
        }
        for (uint32_t i = first; i < end; i++) {
            x[i] = at;
            at += part * share(picture, i) / shares;
        }
    }
    x[picture->column_count] = width;
}

/* ---- merging ---- */

static void merge_track(struct track *track, uint32_t to, uint32_t from)
{
    track[to].low = track[from].low < track[to].low ? track[from].low : track[to].low;
    track[to].high = track[from].high > track[to].high ? track[from].high : track[to].high;
    track[to].last = track[from].last;
}

static void merge_cell(struct page_cell *to, const struct page_cell *from)
{
    unsigned faults = (unsigned)to->faults + from->faults;

    to->low &= from->low;
    to->high |= from->high;
    to->last = from->last;
    to->faults = (uint8_t)(faults > 255 ? 255 : faults);
}

static void merge_section(struct picture_section *section, uint32_t to, uint32_t from)
{
    merge_track(section->resident_track, to, from);
    merge_track(section->lock_track, to, from);
    section->fault_track[to] += section->fault_track[from];
    for (uint32_t page = 0; section->cells != NULL && page < section->pages; page++) {
        merge_cell(picture_cell(section, to, page), picture_cell(section, from, page));
    }
}

static void move_section(struct picture_section *section, uint32_t to, uint32_t from)
{
    section->resident_track[to] = section->resident_track[from];
    section->lock_track[to] = section->lock_track[from];
    section->fault_track[to] = section->fault_track[from];
    if (section->cells != NULL) {
        memcpy(picture_cell(section, to, 0), picture_cell(section, from, 0),
               section->pages * sizeof *section->cells);
    }
}

static void merge(struct picture *picture, uint32_t to, uint32_t from)
{
    struct column *a = &picture->columns[to];
    const struct column *b = &picture->columns[from];

    a->events += b->events;
    a->trims += b->trims;
    a->trimmed += b->trimmed;
    a->asked += b->asked;
    a->interrupts += b->interrupts;
    for (uint32_t i = 0; i < picture->section_count; i++) {
        merge_section(&picture->sections[i], to, from);
    }
    for (uint32_t i = 0; i < picture->device_count; i++) {
        merge_track(picture->devices[i].track, to, from);
    }
}

static void move(struct picture *picture, uint32_t to, uint32_t from)
{
    if (to == from) {
        return;
    }
    picture->columns[to] = picture->columns[from];
    for (uint32_t i = 0; i < picture->section_count; i++) {
        move_section(&picture->sections[i], to, from);
    }
    for (uint32_t i = 0; i < picture->device_count; i++) {
        picture->devices[i].track[to] = picture->devices[i].track[from];
    }
}

/* So many moments to keep apart that they are none any more: every second one is given up. */
static void limit_keys(struct picture *picture)
{
    uint32_t keys = 0;

    for (uint32_t i = 0; i < picture->column_count; i++) {
        keys += picture->columns[i].key;
    }
    for (; keys > KEYS; keys = (keys + 1) / 2) {
        bool keep = true;

        for (uint32_t i = 0; i < picture->column_count; i++) {
            if (picture->columns[i].key) {
                picture->columns[i].key = keep;
                keep = !keep;
            }
        }
    }
}

/* Merges columns that begin in the same of HALF places, but never across a key moment: at most HALF
 * + KEYS are left. */
static void compact(struct picture *picture)
{
    double x[COLUMNS_MAX + 1];
    uint32_t count = 0;
    uint32_t place = 0;

    limit_keys(picture);
    columns_place(picture, HALF, x);
    for (uint32_t i = 0; i < picture->column_count; i++) {
        if (count > 0 && !picture->columns[i].key && (uint32_t)x[i] == place) {
            merge(picture, count - 1, i);
            continue;
        }
        place = (uint32_t)x[i];
        move(picture, count++, i);
    }
    picture->column_count = count;
}

/* ---- beginning a column ---- */

static struct track still(uint32_t value)
{
    return (struct track){value, value, value};
}

static void begin_section(struct picture_section *section, uint32_t column)
{
    section->resident_track[column] = still(section->resident);
    section->lock_track[column] = still(section->locks);
    section->fault_track[column] = 0;
    for (uint32_t page = 0; section->cells != NULL && page < section->pages; page++) {
        uint8_t in = section->in[page];

        *picture_cell(section, column, page) = (struct page_cell){in, in, in, 0};
    }
}

struct column *columns_at(struct picture *picture, uint64_t time, bool key)
{
    struct column *column;
    uint32_t i = picture->column_count;

    if (i > 0 && picture->columns[i - 1].time == time) {
        picture->columns[i - 1].key |= key;
        return &picture->columns[i - 1];
    }
    if (i == COLUMNS_MAX) {
        compact(picture);
        i = picture->column_count;
    }
    column = &picture->columns[i];
    *column = (struct column){.time = time, .key = key};
    picture->column_count++;
    for (uint32_t s = 0; s < picture->section_count; s++) {
        begin_section(&picture->sections[s], i);
    }
    for (uint32_t d = 0; d < picture->device_count; d++) {
        picture->devices[d].track[i] = still(picture->devices[d].open);
    }
    return column;
}

bool columns_add_section(struct picture *picture, struct picture_section *section)
{
    section->resident_track = host.allocate(COLUMNS_MAX * sizeof(struct track));
    section->lock_track = host.allocate(COLUMNS_MAX * sizeof(struct track));
    section->fault_track = host.allocate(COLUMNS_MAX * sizeof(uint32_t));
    if (section->pages <= MAPPED_PAGES_MAX - picture->mapped_pages) {
        section->in = host.allocate(section->pages * sizeof *section->in);
        section->cells =
            host.allocate((size_t)section->pages * COLUMNS_MAX * sizeof *section->cells);
        if (section->in == NULL || section->cells == NULL) {
            return false;
        }
        picture->mapped_pages += section->pages;
    }
    if (section->resident_track == NULL || section->lock_track == NULL ||
        section->fault_track == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < picture->column_count; i++) {
        begin_section(section, i);
    }
    return true;
}

bool columns_add_device(struct picture *picture, struct picture_device *device)
{
    device->track = host.allocate(COLUMNS_MAX * sizeof(struct track));
    if (device->track == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < picture->column_count; i++) {
        device->track[i] = still(0);
    }
    return true;
}
