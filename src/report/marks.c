/* SPDX-License-Identifier: MIT */
/*
 * The states that a scenario asked to be remembered (its `mark`): resident pages and lock count of
 * each section, side by side.
 */
#include <inttypes.h>
#include <string.h>

#include "base/host.h"
#include "report/json.h"
#include "report/marks.h"

#define MARKS_MAX  256u
#define ROWS_MAX   8192u
#define NAME_WIDE  26u
#define CELL_WIDE  10u
#define TABLE_WIDE 74u /* of the cells */

pg_status marks_add(struct run_report *report, const void *payload)
{
    struct run_mark *marks = report->marks;

    if (report->mark_count == MARKS_MAX) {
        return PG_OK;
    }
    if (marks == NULL) {
        marks = report->marks = host.allocate(MARKS_MAX * sizeof *marks);
        if (marks == NULL) {
            return PG_E_NO_MEMORY;
        }
    }
    memcpy(&marks[report->mark_count], payload, sizeof *marks);
    marks[report->mark_count].label[sizeof marks->label - 1] = '\0';
    report->mark_count++;
    return PG_OK;
}

pg_status marks_add_section(struct run_report *report, const void *payload)
{
    struct mark_section *row;

    if (report->mark_count == 0 || report->mark_section_count == ROWS_MAX) {
        return PG_OK;
    }
    if (report->mark_sections == NULL) {
        report->mark_sections = host.allocate(ROWS_MAX * sizeof *report->mark_sections);
        if (report->mark_sections == NULL) {
            return PG_E_NO_MEMORY;
        }
    }
    row = &report->mark_sections[report->mark_section_count++];
    row->mark = report->mark_count - 1;
    memcpy(&row->section, payload, sizeof row->section);
    row->section.image[sizeof row->section.image - 1] = '\0';
    row->section.name[sizeof row->section.name - 1] = '\0';
    return PG_OK;
}

void marks_release(struct run_report *report)
{
    host.release(report->marks);
    host.release(report->mark_sections);
    report->marks = NULL;
    report->mark_sections = NULL;
    report->mark_count = report->mark_section_count = 0;
}

static bool same(const struct section_summary *a, const struct section_summary *b)
{
    return strcmp(a->image, b->image) == 0 && strcmp(a->name, b->name) == 0;
}

/* What a section was at a mark; NULL when its driver was not loaded then. */
static const struct section_summary *at_mark(const struct run_report *report, uint32_t mark,
                                             const struct section_summary *section)
{
    for (uint32_t i = 0; i < report->mark_section_count; i++) {
        if (report->mark_sections[i].mark == mark &&
            same(&report->mark_sections[i].section, section)) {
            return &report->mark_sections[i].section;
        }
    }
    return NULL;
}

static bool is_first_mention(const struct run_report *report, uint32_t row)
{
    for (uint32_t i = 0; i < row; i++) {
        if (same(&report->mark_sections[i].section, &report->mark_sections[row].section)) {
            return false;
        }
    }
    return true;
}

/* Whether paging never had to do with a section: these share one line. */
static bool is_plain(const struct run_report *report, const struct section_summary *section)
{
    for (uint32_t mark = 0; mark < report->mark_count; mark++) {
        const struct section_summary *s = at_mark(report, mark, section);

        if (s != NULL && (s->lock_count != 0 || s->resident_pages != s->pages)) {
            return false;
        }
    }
    return true;
}

struct columns {
    uint32_t first, end; /* marks beside each other */
};

static int width_of(const struct run_report *report, uint32_t mark)
{
    char label[160];
    size_t wide = strlen(CLEAN(label, report->marks[mark].label));

    return wide > CELL_WIDE ? (int)wide : (int)CELL_WIDE;
}

static void print_cell(FILE *out, const struct run_report *report, struct columns columns,
                       uint32_t mark, const char *cell)
{
    if (mark + 1 < columns.end) {
        fprintf(out, "  %-*s", width_of(report, mark), cell);
    } else {
        fprintf(out, "  %s\n", cell);
    }
}

static void print_section(FILE *out, const struct run_report *report, struct columns columns,
                          const struct section_summary *section)
{
    char image[160], name[64], both[240];

    (void)snprintf(both, sizeof both, "%s %s", CLEAN(image, section->image),
                   CLEAN(name, section->name));
    fprintf(out, "  %-*s", (int)NAME_WIDE, both);
    for (uint32_t mark = columns.first; mark < columns.end; mark++) {
        const struct section_summary *s = at_mark(report, mark, section);
        char cell[64] = "-";

        if (s != NULL && s->lock_count != 0) {
            (void)snprintf(cell, sizeof cell, "%" PRIu32 "/%" PRIu32 " lock %" PRIu32,
                           s->resident_pages, s->pages, s->lock_count);
        } else if (s != NULL) {
            (void)snprintf(cell, sizeof cell, "%" PRIu32 "/%" PRIu32, s->resident_pages, s->pages);
        }
        print_cell(out, report, columns, mark, cell);
    }
}

/* The sections that are always resident, together. */
static void print_plain(FILE *out, const struct run_report *report, struct columns columns)
{
    fprintf(out, "  %-*s", (int)NAME_WIDE, "always resident");
    for (uint32_t mark = columns.first; mark < columns.end; mark++) {
        uint32_t pages = 0;
        char cell[64];

        for (uint32_t i = 0; i < report->mark_section_count; i++) {
            const struct mark_section *row = &report->mark_sections[i];

            if (row->mark == mark && is_plain(report, &row->section)) {
                pages += row->section.pages;
            }
        }
        (void)snprintf(cell, sizeof cell, "%" PRIu32 "/%" PRIu32, pages, pages);
        print_cell(out, report, columns, mark, cell);
    }
}

static struct columns columns_from(const struct run_report *report, uint32_t first)
{
    struct columns columns = {first, first};
    int wide = 0;

    while (columns.end < report->mark_count) {
        wide += width_of(report, columns.end) + 2;
        if (wide > (int)TABLE_WIDE && columns.end > first) {
            break;
        }
        columns.end++;
    }
    return columns;
}

void marks_text(FILE *out, const struct run_report *report)
{
    char label[160];

    for (uint32_t first = 0; first < report->mark_count;) {
        struct columns columns = columns_from(report, first);

        fprintf(out, "\n%-*s", (int)NAME_WIDE + 2, "Resident pages and locks");
        for (uint32_t mark = first; mark < columns.end; mark++) {
            print_cell(out, report, columns, mark, CLEAN(label, report->marks[mark].label));
        }
        print_plain(out, report, columns);
        for (uint32_t row = 0; row < report->mark_section_count; row++) {
            const struct section_summary *section = &report->mark_sections[row].section;

            if (is_first_mention(report, row) && !is_plain(report, section)) {
                print_section(out, report, columns, section);
            }
        }
        first = columns.end;
    }
}

json_t *marks_json(struct json_build *b, const struct run_report *report)
{
    json_t *array = json_new_array(b);

    for (uint32_t mark = 0; mark < report->mark_count; mark++) {
        json_t *object = json_new_object(b), *sections = json_new_array(b);

        json_put_text(b, object, "label", report->marks[mark].label);
        json_put_number(b, object, "time", report->marks[mark].time);
        for (uint32_t i = 0; i < report->mark_section_count; i++) {
            if (report->mark_sections[i].mark == mark) {
                json_append_to(b, sections, section_json(b, &report->mark_sections[i].section));
            }
        }
        json_put(b, object, "sections", sections);
        json_append_to(b, array, object);
    }
    return array;
}
