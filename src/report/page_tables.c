/* SPDX-License-Identifier: MIT */
/* Tables: what the figures show, in numbers, for whoever cannot see them or wants to know exactly.
 */
#include "report/page.h"

#include <inttypes.h>
#include <string.h>

#define MARKS_SHOWN 12u

static void begin_table(FILE *out, const char *id, const char *summary, bool open)
{
    fprintf(out,
            "<details data-table=\"%s\"%s><summary>%s</summary>\n"
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>\n",
            id, open ? " open" : "", summary, summary);
}

static void end_table(FILE *out)
{
    fputs("</tbody></table></div></details>\n", out);
}

static void header_cell(FILE *out, const char *text)
{
    fputs("<th scope=\"row\">", out);
    markup_text(out, text);
    fputs("</th>", out);
}

static void text_cell(FILE *out, const char *text)
{
    fputs("<td class=\"text\">", out);
    markup_text(out, text);
    fputs("</td>", out);
}

static void number_cell(FILE *out, uint64_t value)
{
    fprintf(out, "<td>%" PRIu64 "</td>", value);
}

/* ---- categories ---- */

void page_categories(FILE *out, const struct picture *picture)
{
    struct category_sums sums = category_sums(picture);

    begin_table(out, "categories", "What the driver consists of", true);
    fputs("<thead><tr><th scope=\"col\">sections that are</th><th scope=\"col\">sections</th>"
          "<th scope=\"col\">bytes</th><th scope=\"col\">pages</th>"
          "<th scope=\"col\">if everything were resident</th></tr></thead>\n<tbody>\n",
          out);
    for (unsigned i = 0; i < CATEGORY_COUNT; i++) {
        fputs("<tr>", out);
        header_cell(out, category_name((enum category)i));
        number_cell(out, sums.of[i].sections);
        number_cell(out, sums.of[i].bytes);
        number_cell(out, sums.of[i].pages);
        number_cell(out, i == DISCARDED ? 0 : sums.of[i].pages);
        fputs("</tr>\n", out);
    }
    end_table(out);
}

/* ---- sections ---- */

static void section_row(FILE *out, const struct picture *picture,
                        const struct picture_section *section)
{
    uint32_t least = section->least == UINT32_MAX ? section->resident : section->least;

    fputs("<tr>", out);
    header_cell(out, section->name);
    text_cell(out, picture->modules[section->module].name);
    text_cell(out, category_name(category_of(section)));
    number_cell(out, section->bytes);
    number_cell(out, section->pages);
    number_cell(out, least);
    number_cell(out, section->most);
    number_cell(out, section->most_locks);
    number_cell(out, section->locks_by_address);
    number_cell(out, section->locks_by_handle);
    number_cell(out, section->unlocks);
    number_cell(out, section->faults);
    number_cell(out, section->outs);
    fputs("</tr>\n", out);
}

void page_sections(FILE *out, const struct picture *picture)
{
    static const char *const columns[] = {
        "bytes",      "pages",     "least in memory", "most in memory", "most locks",
        "by address", "by handle", "unlocks",         "pages fetched",  "pages taken",
    };

    fputs("<h2>Sections</h2>\n", out);
    begin_table(out, "sections", "Every section in numbers", true);
    fputs("<thead><tr><th scope=\"col\">section</th><th scope=\"col\" class=\"text\">driver</th>"
          "<th scope=\"col\" class=\"text\">is</th>",
          out);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        fprintf(out, "<th scope=\"col\">%s</th>", columns[i]);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (uint32_t i = 0; i < picture->section_count; i++) {
        section_row(out, picture, &picture->sections[i]);
    }
    end_table(out);
    if (picture->sections_told > picture->section_count) {
        fprintf(out, "<p>%" PRIu64 " more sections are left out.</p>\n",
                picture->sections_told - picture->section_count);
    }
}

/* ---- from where they are locked ---- */

static void site_row(FILE *out, const struct picture *picture, const char *section,
                     const struct lock_site *site)
{
    const struct picture_site *named = picture_site_at(picture, site->caller);

    fputs("<tr>", out);
    header_cell(out, section);
    fputs("<td class=\"text\"><code>", out);
    if (named != NULL) {
        markup_text(out, named->text);
    } else {
        fprintf(out, "0x%" PRIx64, site->caller);
    }
    fputs("</code></td><td class=\"text\">", out);
    if (named != NULL && named->file[0] != '\0') {
        markup_text(out, named->file);
        fprintf(out, ":%" PRIu32, named->line);
    }
    fputs("</td>", out);
    number_cell(out, site->by_address);
    number_cell(out, site->by_handle);
    fputs("</tr>\n", out);
}

void page_sites(FILE *out, const struct picture *picture)
{
    begin_table(out, "sites", "From where sections are locked", true);
    fputs("<thead><tr><th scope=\"col\">section</th><th scope=\"col\" class=\"text\">caller</th>"
          "<th scope=\"col\" class=\"text\">line</th><th scope=\"col\">by address</th>"
          "<th scope=\"col\">by handle</th></tr></thead>\n<tbody>\n",
          out);
    for (uint32_t i = 0; i < picture->section_count; i++) {
        for (uint32_t k = 0; k < picture->sections[i].site_count; k++) {
            site_row(out, picture, picture->sections[i].name, &picture->sections[i].sites[k]);
        }
    }
    end_table(out);
}

/* ---- moments ---- */

/* Sections whose residency or locks change at all. */
static bool moves(const struct picture_section *section)
{
    return category_of(section) != ALWAYS;
}

void page_moments(FILE *out, const struct plot *plot)
{
    const struct picture *picture = plot->picture;
    uint32_t column = 0;
    char text[240];

    begin_table(out, "moments", "What happened, and what was in memory then", false);
    fputs("<thead><tr><th scope=\"col\">time</th><th scope=\"col\" class=\"text\">what</th>", out);
    for (uint32_t i = 0; i < picture->section_count; i++) {
        if (moves(&picture->sections[i])) {
            fputs("<th scope=\"col\">", out);
            markup_text(out, picture->sections[i].name);
            fputs("</th>", out);
        }
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (uint32_t m = 0; m < picture->moment_count; m++) {
        const struct moment *moment = &picture->moments[m];

        while (column + 1 < picture->column_count &&
               picture->columns[column + 1].time <= moment->time) {
            column++;
        }
        fprintf(out, "<tr><td>%s</td>", picture_time(text, sizeof text, moment->time));
        text_cell(out, plot_moment_text(text, sizeof text, picture, moment));
        for (uint32_t i = 0; i < picture->section_count; i++) {
            const struct picture_section *section = &picture->sections[i];
            uint32_t locks;

            if (!moves(section)) {
                continue;
            }
            locks = section->lock_track[column].last;
            fprintf(out, "<td>%" PRIu32, section->resident_track[column].last);
            if (locks > 0) {
                fprintf(out, ", locked %" PRIu32 "\xc3\x97", locks);
            }
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    end_table(out);
    if (picture->moments_left_out > 0) {
        fprintf(out, "<p>%" PRIu64 " later moments are left out of the table.</p>\n",
                picture->moments_left_out);
    }
}

/* ---- states that the scenario asked to be remembered ---- */

static const json_t *section_at(const json_t *mark, const json_t *like)
{
    const json_t *sections = json_object_get(mark, "sections");
    const json_t *section;
    size_t i;

    json_array_foreach(sections, i, section)
    {
        if (strcmp(page_string(section, "image", ""), page_string(like, "image", "")) == 0 &&
            strcmp(page_string(section, "name", ""), page_string(like, "name", "")) == 0) {
            return section;
        }
    }
    return NULL;
}

static void mark_cell(FILE *out, const json_t *section)
{
    json_int_t locks = json_integer_value(json_object_get(section, "lock_count"));

    if (section == NULL) {
        fputs("<td>\xe2\x80\x93</td>", out);
        return;
    }
    fprintf(out, "<td>%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT,
            json_integer_value(json_object_get(section, "resident_pages")),
            json_integer_value(json_object_get(section, "pages")));
    if (locks > 0) {
        fprintf(out, ", locked %" JSON_INTEGER_FORMAT "\xc3\x97", locks);
    }
    fputs("</td>", out);
}

void page_marks(FILE *out, const struct picture *picture)
{
    const json_t *marks = json_object_get(picture->run, "marks");
    const json_t *sections = json_object_get(json_array_get(marks, 0), "sections");
    const json_t *section;
    size_t shown = json_array_size(marks) < MARKS_SHOWN ? json_array_size(marks) : MARKS_SHOWN;
    size_t i;

    if (shown == 0 || json_array_size(sections) == 0) {
        return;
    }
    begin_table(out, "marks", "Pages in memory at the moments that the scenario named", true);
    fputs("<thead><tr><th scope=\"col\">section</th>", out);
    for (size_t m = 0; m < shown; m++) {
        fputs("<th scope=\"col\">", out);
        markup_text(out, page_string(json_array_get(marks, m), "label", ""));
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    json_array_foreach(sections, i, section)
    {
        fputs("<tr>", out);
        header_cell(out, page_string(section, "name", ""));
        for (size_t m = 0; m < shown; m++) {
            mark_cell(out, section_at(json_array_get(marks, m), section));
        }
        fputs("</tr>\n", out);
    }
    end_table(out);
}

/* ---- counters ---- */

void page_counters(FILE *out, const struct picture *picture)
{
    const json_t *counters = json_object_get(picture->run, "counters");
    const json_t *value;
    const char *key;

    if (json_object_size(counters) == 0) {
        return;
    }
    begin_table(out, "counters", "Counters", false);
    fputs("<thead><tr><th scope=\"col\">counter</th><th scope=\"col\">value</th></tr></thead>\n"
          "<tbody>\n",
          out);
    json_object_foreach((json_t *)counters, key, value)
    {
        char words[96];

        (void)snprintf(words, sizeof words, "%s", key);
        for (char *c = words; *c != '\0'; c++) {
            *c = *c == '_' ? ' ' : *c;
        }
        fputs("<tr>", out);
        header_cell(out, words);
        fprintf(out, "<td>%" JSON_INTEGER_FORMAT "</td></tr>\n", json_integer_value(value));
    }
    end_table(out);
}
