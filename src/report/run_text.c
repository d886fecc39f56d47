/* SPDX-License-Identifier: MIT */
/*
 * A run for people: every finding with its place, the way there and what to do; the bug check in
 * the form that debuggers print; sections and counters; one SUMMARY line at the end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/marks.h"
#include "report/report.h"
#include "report/stream.h"
#include "report/tint.h"

struct printer {
    FILE *out;
    const struct run_report *report;
    const struct resolver *resolver;
    bool colour;
};

static const char *tint(const struct printer *p, enum tint which)
{
    return tint_code(p->colour, which);
}

/* "12.3456789": seconds of virtual time, exactly. */
static void print_time(FILE *out, uint64_t units)
{
    fprintf(out, "%" PRIu64 ".%07" PRIu64 " s", units / 10000000, units % 10000000);
}

/* Line of a place: symbol, file:line, and where that is in the image. */
static void print_place(const struct printer *p, const struct code_place *place, bool returns,
                        const char *section)
{
    struct resolved_place known;
    char symbol[320], module[160], file[512], name[40];

    (void)report_symbol(symbol, sizeof symbol, p->resolver, place, returns, &known);
    fprintf(p->out, "%s", symbol);
    if (known.file != NULL) {
        fprintf(p->out, "   %s:%" PRIu32, CLEAN(file, known.file), known.line);
    }
    if (place->module[0] != '\0') {
        if (known.section != NULL && known.section[0] != '\0') {
            section = known.section;
        }
        fprintf(p->out, "   (%s%s%s+0x%" PRIx64 ")", CLEAN(name, section),
                section[0] != '\0' ? ", " : "", CLEAN(module, place->module), place->rva);
    }
    fputc('\n', p->out);
}

/* The way to `place`, innermost first; left out when there is nothing but the place itself. */
static void print_frames(const struct printer *p, const struct code_place *place,
                         const struct code_place *frames, uint32_t count)
{
    uint32_t first = count > 0 && report_same_place(place, &frames[0]) ? 1 : 0;

    for (uint32_t i = first; i < count; i++) {
        fprintf(p->out, "  %" PRIu32 ". ", i - first + 1);
        print_place(p, &frames[i], i > 0, "");
    }
}

/* "    0.0000012 s  WHAT  symbol  file:line" */
static void print_change(const struct printer *p, uint64_t time, const char *what,
                         const struct code_place *place)
{
    struct resolved_place known;
    char symbol[320], file[512];

    (void)report_symbol(symbol, sizeof symbol, p->resolver, place, true, &known);
    fputs("    ", p->out);
    print_time(p->out, time);
    fprintf(p->out, "  %-16s  %s", what, symbol);
    if (known.file != NULL) {
        fprintf(p->out, "   %s:%" PRIu32, CLEAN(file, known.file), known.line);
    }
    fputc('\n', p->out);
}

static void print_irqls(const struct printer *p, const struct finding *finding)
{
    if (finding->irql_count == 0) {
        return;
    }
    fputs("  IRQL of the thread, last changes:\n", p->out);
    for (uint32_t i = 0; i < finding->irql_count; i++) {
        const struct finding_irql_change *change = &finding->irqls[i];
        char what[16];

        (void)snprintf(what, sizeof what, "%u -> %u", change->old_irql, change->new_irql);
        print_change(p, change->time, what, &change->place);
    }
}

static void print_locks(const struct printer *p, const struct finding *finding)
{
    char section[40], module[160];

    if (finding->locked_section[0] == '\0') {
        return;
    }
    fprintf(p->out, "  Locks of %s of %s%s\n", CLEAN(section, finding->locked_section),
            CLEAN(module, finding->locked_module),
            finding->lock_count == 0 ? ": never locked"
                                     : ", last changes and the count after each:");
    for (uint32_t i = 0; i < finding->lock_count; i++) {
        const struct finding_lock_change *change = &finding->locks[i];
        char what[40];

        (void)snprintf(what, sizeof what, "%s %" PRIu32, finding_lock_name(change->what),
                       change->count);
        print_change(p, change->time, what, &change->place);
    }
}

static void print_finding(const struct printer *p, const struct finding *finding)
{
    const struct rule_text *text = rule_text(finding->rule);
    char module[160], message[1024];

    fprintf(p->out, "%s%s: %s%s:%s %s [%s]\n", tint(p, BOLD),
            finding->place.module[0] != '\0' ? CLEAN(module, finding->place.module) : "pagable",
            tint(p, tint_of(finding->severity)), finding_severity_name(finding->severity),
            tint(p, PLAIN), text->title, text->id);
    if (finding->place.module[0] != '\0' || finding->place.rva != 0) {
        fputs("  ", p->out);
        print_place(p, &finding->place,
                    report_returns(&finding->place, finding->frames, finding->frame_count),
                    finding->section);
    }
    fprintf(p->out, "  IRQL %u (%s) at ", finding->irql, report_irql_name(finding->irql));
    print_time(p->out, finding->time);
    if (finding->message[0] != '\0') {
        fprintf(p->out, ": %s", CLEAN(message, finding->message));
    }
    fputc('\n', p->out);
    print_frames(p, &finding->place, finding->frames, finding->frame_count);
    print_irqls(p, finding);
    print_locks(p, finding);
    fprintf(p->out, "  help: %s\n", text->fix);
}

/* The names of the fields are the ones that people search crash reports for. */
static void print_bugcheck_fields(const struct printer *p)
{
    const struct bugcheck_report *b = &p->report->bugcheck;
    struct resolved_place known;
    char symbol[320], module[160], file[512];

    fprintf(p->out, "\nCURRENT_IRQL:  %u (%s)\n", b->irql, report_irql_name(b->irql));
    (void)report_symbol(symbol, sizeof symbol, p->resolver, &b->place,
                        report_returns(&b->place, b->frames, b->frame_count), &known);
    fprintf(p->out, "\nFAULTING_IP:\n%s", symbol);
    if (known.file != NULL) {
        fprintf(p->out, " [%s @ %" PRIu32 "]", CLEAN(file, known.file), known.line);
    }
    fputs("\n\nSTACK_TEXT:\n", p->out);
    for (uint32_t i = 0; i < b->frame_count; i++) {
        char frame[320];

        (void)report_symbol(frame, sizeof frame, p->resolver, &b->frames[i], i > 0, &known);
        fprintf(p->out, "%02" PRIx32 " %s", i, frame);
        if (known.file != NULL) {
            fprintf(p->out, " [%s @ %" PRIu32 "]", CLEAN(file, known.file), known.line);
        }
        fputc('\n', p->out);
    }
    fprintf(p->out, "\nSYMBOL_NAME:  %s\n", symbol);
    if (b->place.module[0] != '\0') {
        fprintf(p->out, "MODULE_NAME: %s\n",
                report_base_name(module, sizeof module, b->place.module));
        fprintf(p->out, "IMAGE_NAME:  %s\n", CLEAN(module, b->place.module));
    }
}

static void print_bugcheck(const struct printer *p)
{
    static const char stars[] =
        "*******************************************************************************";
    const struct bugcheck_report *b = &p->report->bugcheck;
    const char *name = bugcheck_name(b->code);
    char message[1024];

    fprintf(p->out, "%s\n*%77s*\n*%*s%*s*\n*%77s*\n%s\n\n", stars, "", 50,
            "Bug check of the computer", 27, "", "", stars);
    fprintf(p->out, "%s%s (%" PRIx32 ")%s\n", tint(p, RED), name != NULL ? name : "BUG_CHECK",
            b->code, tint(p, PLAIN));
    if (bugcheck_explanation(b->code)[0] != '\0') {
        fprintf(p->out, "%s\n", bugcheck_explanation(b->code));
    }
    if (b->message[0] != '\0') {
        fprintf(p->out, "Here: %s\n", CLEAN(message, b->message));
    }
    fputs("Arguments:\n", p->out);
    for (unsigned i = 0; i < 4; i++) {
        const char *meaning = bugcheck_meaning(b->code, b->parameters, i);

        fprintf(p->out, "Arg%u: %016" PRIx64 "%s%s\n", i + 1, b->parameters[i],
                meaning[0] != '\0' ? ", " : "", meaning);
    }
    print_bugcheck_fields(p);
}

static void print_sections(const struct printer *p)
{
    const struct run_report *report = p->report;
    char image[160], name[40];

    if (report->section_count == 0) {
        return;
    }
    fprintf(p->out, "\nSections at the end%*slocks    pages resident\n", 16, "");
    for (uint32_t i = 0; i < report->section_count; i++) {
        const struct section_summary *s = &report->sections[i];

        fprintf(p->out, "  %-20s %-10s %7" PRIu32 " %8" PRIu32 " %8" PRIu32 "\n",
                CLEAN(image, s->image), CLEAN(name, s->name), s->lock_count, s->pages,
                s->resident_pages);
    }
}

/* Names that people know from Driver Verifier; the rest is ours and goes by its own name. */
static const char *counter_label(const char *name)
{
    static const struct {
        const char *name, *label;
    } labels[] = {
        {"irql_raises", "RaiseIrqls"},
        {"spin_locks_acquired", "AcquireSpinLocks"},
        {"executions_synchronized", "Synch Executions"},
        {"trims", "Trims"},
        {"pool_allocations_attempted", "Pool Allocations Attempted"},
        {"pool_allocations_succeeded", "Pool Allocations Succeeded"},
    };

    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (strcmp(labels[i].name, name) == 0) {
            return labels[i].label;
        }
    }
    return NULL;
}

static void print_counters(const struct printer *p)
{
    const char *name;
    uint64_t value;

    if (!p->report->has_counters) {
        return;
    }
    fputs("\nCounters\n", p->out);
    for (unsigned i = 0; run_counter_at(&p->report->counters, i, &name, &value); i++) {
        char words[64];
        const char *label = counter_label(name);

        if (label == NULL) {
            (void)snprintf(words, sizeof words, "%s", name);
            for (char *c = words; *c != '\0'; c++) {
                *c = *c == '_' ? ' ' : *c;
            }
            label = words;
        }
        fprintf(p->out, "  %-28s ", label);
        if (strcmp(name, "virtual_time") == 0) {
            print_time(p->out, value);
            fputc('\n', p->out);
        } else {
            fprintf(p->out, "%" PRIu64 "\n", value);
        }
    }
}

/* "file:line in module!function", or what is known of it. */
static void print_summary_place(const struct printer *p, const struct code_place *place,
                                const struct code_place *frames, uint32_t count)
{
    struct resolved_place known;
    char symbol[320], file[512], module[160], function[256];

    if (place->module[0] == '\0' && place->rva == 0) {
        return;
    }
    if (!report_symbol(symbol, sizeof symbol, p->resolver, place,
                       report_returns(place, frames, count), &known)) {
        fprintf(p->out, " in %s", symbol);
        return;
    }
    if (known.file != NULL) {
        fprintf(p->out, " %s:%" PRIu32, CLEAN(file, known.file), known.line);
    }
    fprintf(p->out, " in %s!%s", report_base_name(module, sizeof module, place->module),
            CLEAN(function, known.function));
}

/* The finding that matters most: the first of the highest severity; NULL when there is none. */
static const struct finding *worst(const struct run_report *report)
{
    const struct finding *found = NULL;

    for (uint32_t i = 0; i < report->finding_count; i++) {
        if (found == NULL || report->findings[i].severity > found->severity) {
            found = &report->findings[i];
        }
    }
    return found;
}

static const struct finding *finding_of_bugcheck(const struct run_report *report)
{
    int32_t index = report->bugcheck.finding;

    return index >= 0 && (uint32_t)index < report->finding_count ? &report->findings[index] : NULL;
}

static void print_summary(const struct printer *p)
{
    const struct run_report *report = p->report;
    const struct finding *finding = worst(report);
    char name[160];

    fputs("SUMMARY: pagable: ", p->out);
    switch (report_result(report)) {
    case RESULT_BUGCHECK:
        finding = finding_of_bugcheck(report);
        fprintf(p->out, "%s%sbug check 0x%" PRIX32,
                finding != NULL ? rule_text(finding->rule)->id : "", finding != NULL ? ": " : "",
                report->bugcheck.code);
        if (finding != NULL) {
            print_summary_place(p, &finding->place, finding->frames, finding->frame_count);
        } else {
            print_summary_place(p, &report->bugcheck.place, report->bugcheck.frames,
                                report->bugcheck.frame_count);
        }
        break;
    case RESULT_FINDINGS:
        fputs(rule_text(finding->rule)->id, p->out);
        print_summary_place(p, &finding->place, finding->frames, finding->frame_count);
        if (report->finding_count + report->findings_dropped > 1) {
            fprintf(p->out, " (%" PRIu32 " findings in all)",
                    report->finding_count + report->findings_dropped);
        }
        break;
    case RESULT_CLEAN:
        fputs("clean:", p->out);
        for (uint32_t i = 0; i < report->driver_count; i++) {
            fprintf(p->out, " %s", CLEAN(name, report->drivers[i]));
        }
        break;
    case RESULT_INCOMPLETE:
        fputs("the run ended early: no verdict", p->out);
        break;
    }
    fputc('\n', p->out);
}

void report_run_text(FILE *out, const struct run_report *report, const struct resolver *resolver,
                     const struct report_style *style)
{
    struct printer p = {out, report, resolver, style->colour};
    char name[160];

    if (style->quiet) {
        print_summary(&p);
        return;
    }
    fputs("pagable run:", out);
    for (uint32_t i = 0; i < report->driver_count; i++) {
        fprintf(out, " %s", CLEAN(name, report->drivers[i]));
    }
    fprintf(out, ", seed %" PRIu64 "\n\n", report->seed);
    for (uint32_t i = 0; i < report->finding_count; i++) {
        print_finding(&p, &report->findings[i]);
        fputc('\n', out);
    }
    if (report->findings_dropped != 0) {
        fprintf(out, "%" PRIu32 " more findings are not shown\n\n", report->findings_dropped);
    }
    if (report->finding_count != 0) {
        fprintf(out, "More about a finding: pagable explain %s\n\n",
                rule_text(worst(report)->rule)->id);
    }
    if (report->has_bugcheck) {
        print_bugcheck(&p);
    } else {
        fprintf(out, "result: %s\n", report_result_name(report_result(report)));
    }
    marks_text(out, report);
    print_sections(&p);
    if (style->picture != NULL) {
        (void)picture_text(out, style->picture); /* without memory, the rest still counts */
    }
    print_counters(&p);
    fputc('\n', out);
    print_summary(&p);
}
