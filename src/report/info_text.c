/* SPDX-License-Identifier: MIT */
/* What is in a driver file, for people. */
#include <inttypes.h>
#include <string.h>

#include "report/report.h"

const char *report_info_class_name(enum info_class class)
{
    static const char *const names[INFO_CLASS_COUNT] = {
        [INFO_RESIDENT] = "resident",
        [INFO_PAGEABLE] = "pageable",
        [INFO_DISCARDABLE] = "discardable",
    };

    return names[class];
}

const char *report_info_state_name(enum info_import_state state)
{
    static const char *const names[INFO_IMPORT_STATE_COUNT] = {
        [INFO_DONE] = "done",
        [INFO_STUB] = "stub",
        [INFO_MISSING] = "missing",
    };

    return names[state];
}

static void print_head(FILE *out, const struct info_report *report)
{
    char file[512], entry[512], note[512];

    fprintf(out, "%s: x64 driver, preferred base 0x%" PRIx64 ", 0x%" PRIx32 " bytes in memory\n",
            CLEAN(file, report->file), report->preferred_base, report->image_size);
    if (report->entry_rva != 0) {
        fprintf(out, "entry: %s%s0x%" PRIx32 "\n", CLEAN(entry, report->entry),
                report->entry != NULL ? " at " : "", report->entry_rva);
    } else {
        fputs("entry: none\n", out);
    }
    fprintf(out, "relocations: ");
    if (report->relocations_stripped) {
        fputs("stripped\n", out);
    } else {
        fprintf(out, "%" PRIu32 "\n", report->relocations);
    }
    fprintf(out, "symbols: %s\n", report->symbols);
    if (report->symbols_note != NULL) {
        fprintf(out, "note: %s\n", CLEAN(note, report->symbols_note));
    }
    if (!report->pageable) {
        fputs(
            "note: sections are aligned to less than a page: nothing of this image can be paged\n",
            out);
    }
}

static void print_sections(FILE *out, const struct info_report *report)
{
    char name[40];

    fprintf(out, "\n%-10s %-12s %10s %10s %6s %10s %10s\n", "section", "class", "rva", "bytes",
            "pages", "in file", "functions");
    for (uint32_t i = 0; i < report->section_count; i++) {
        const struct info_section *s = &report->sections[i];

        fprintf(out,
                "%-10s %-12s %#10" PRIx32 " %10" PRIu32 " %6" PRIu32 " %10" PRIu32 " %10" PRIu32
                "\n",
                CLEAN(name, s->name), report_info_class_name(s->class), s->rva, s->virtual_size,
                s->pages, s->raw_size, s->function_count);
    }
}

static void print_notes(FILE *out, const struct info_report *report)
{
    char name[40], note[512];

    for (uint32_t i = 0; i < report->section_count; i++) {
        if (report->sections[i].note != NULL) {
            fprintf(out, "note: section %s: %s\n", CLEAN(name, report->sections[i].name),
                    CLEAN(note, report->sections[i].note));
        }
    }
}

static void print_totals(FILE *out, const struct info_report *report)
{
    fputs("\ntotals\n", out);
    for (unsigned class = 0; class < INFO_CLASS_COUNT; class ++) {
        uint64_t bytes = 0, pages = 0;

        for (uint32_t i = 0; i < report->section_count; i++) {
            if ((unsigned)report->sections[i].class == class) {
                bytes += report->sections[i].virtual_size;
                pages += report->sections[i].pages;
            }
        }
        fprintf(out, "  %-12s %10" PRIu64 " bytes %6" PRIu64 " pages\n",
                report_info_class_name((enum info_class) class), bytes, pages);
    }
}

static void print_functions(FILE *out, const struct info_report *report)
{
    char name[512], section[40];

    for (uint32_t i = 0; i < report->section_count; i++) {
        const struct info_section *s = &report->sections[i];

        if (s->function_count == 0) {
            continue;
        }
        fprintf(out, "\nfunctions of %s (%s)\n", CLEAN(section, s->name),
                report_info_class_name(s->class));
        for (uint32_t j = 0; j < s->function_count; j++) {
            fprintf(out, "  %#10" PRIx32 " ", s->functions[j].rva);
            if (s->functions[j].size != 0) {
                fprintf(out, "%8" PRIu32, s->functions[j].size);
            } else {
                fprintf(out, "%8s", "?");
            }
            fprintf(out, "  %s\n", CLEAN(name, s->functions[j].name));
        }
    }
}

static void print_imports(FILE *out, const struct info_report *report)
{
    uint32_t count[INFO_IMPORT_STATE_COUNT] = {0};
    char module[160], name[512];

    fputs("\nimports\n", out);
    for (uint32_t i = 0; i < report->import_count; i++) {
        const struct info_import *import = &report->imports[i];

        count[import->state]++;
        fprintf(out, "  %-8s %s!", report_info_state_name(import->state),
                CLEAN(module, import->module));
        if (import->name != NULL) {
            fprintf(out, "%s\n", CLEAN(name, import->name));
        } else {
            fprintf(out, "#%u\n", import->ordinal);
        }
    }
    fprintf(out, "  %" PRIu32 " imports: %" PRIu32 " done, %" PRIu32 " stub, %" PRIu32 " missing\n",
            report->import_count, count[INFO_DONE], count[INFO_STUB], count[INFO_MISSING]);
}

void report_info_text(FILE *out, const struct info_report *report, const struct report_style *style)
{
    print_head(out, report);
    print_sections(out, report);
    print_notes(out, report);
    print_totals(out, report);
    if (!style->quiet) {
        print_functions(out, report);
        print_imports(out, report);
    }
}
