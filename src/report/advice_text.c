/* SPDX-License-Identifier: MIT */
/*
 * Advice for people: every violation with its place, its condition and the way there; what could be
 * pageable as a table; what is not covered; one SUMMARY line at the end.
 */
#include <inttypes.h>
#include <string.h>

#include "report/advice.h"
#include "report/tint.h"

struct printer {
    FILE *out;
    const struct advice *advice;
    const struct advice_style *style;
};

static const char *tint(const struct printer *p, enum tint which)
{
    return tint_code(p->style->colour, which);
}

const char *report_advice_irql(uint8_t irql, const char *unknown)
{
    return irql == ADVICE_IRQL_UNKNOWN ? unknown
           : irql == ADVICE_IRQL_ABOVE ? "above DISPATCH_LEVEL"
                                       : report_irql_name(irql);
}

const char *report_advice_class_name(enum advice_class class)
{
    static const char *const names[] = {
        [ADVICE_PROVEN] = "proven",
        [ADVICE_EVIDENCE] = "evidence",
        [ADVICE_ASSUMED] = "assumed",
    };

    return names[class];
}

const char *report_saving_kind_name(enum advice_saving_kind kind)
{
    return rule_text(kind == SAVING_MOVE ? RULE_COULD_BE_PAGEABLE : RULE_ISOLATE)->id;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* "12,345"; the caller gives the room. */
static const char *grouped(char buffer[32], uint64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    char *to = buffer;

    for (int i = 0; i < length; i++) {
        if (i != 0 && (length - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return buffer;
}

/* ---- places ---- */

/* "Function (PAGE, 0x1040)", or "PAGEDATA at 0x5010"; what is not known is left out. */
static void print_where(const struct printer *p, const struct advice_place *place)
{
    const char *comma = "";

    if (place->function[0] == '\0' && place->section[0] != '\0') {
        fprintf(p->out, "%s at 0x%" PRIx32, place->section, place->rva);
        return;
    }
    fputs(place->function[0] != '\0' ? place->function : "(no function)", p->out);
    if (place->section[0] == '\0' && place->rva == 0) {
        return;
    }
    fputs(" (", p->out);
    if (place->section[0] != '\0') {
        fputs(place->section, p->out);
        comma = ", ";
    }
    if (place->rva != 0) {
        fprintf(p->out, "%s0x%" PRIx32, comma, place->rva);
    }
    fputc(')', p->out);
}

static void print_line(const struct printer *p, const struct advice_place *place)
{
    if (place->file != NULL) {
        fputs(snippets_relative(p->style->snippets, place->file), p->out);
        if (place->line != 0) {
            fprintf(p->out, ":%" PRIu32, place->line);
        }
    }
}

static void print_source(const struct printer *p, const struct advice_place *place)
{
    const char *line = snippets_line(p->style->snippets, place->file, place->line);

    if (line != NULL) {
        fprintf(p->out, "  %6" PRIu32 " | %s\n", place->line, line);
    }
}

/* ---- violations ---- */

static void print_path(const struct printer *p, const struct advice_finding *finding)
{
    for (uint32_t i = 0; i < finding->path_count; i++) {
        const struct advice_step *step = &finding->path[i];

        fprintf(p->out, "  %2" PRIu32 ". ", i + 1);
        print_where(p, &step->place);
        if (step->place.file != NULL) {
            fputs("  ", p->out);
            print_line(p, &step->place);
        }
        fprintf(p->out, "\n      %s [%s]\n", step->what,
                report_advice_irql(step->irql, "IRQL not known"));
    }
}

/* "FILE:LINE: " where that is known, else that of the image. */
static void print_head(const struct printer *p, const struct advice_finding *finding)
{
    fputs(tint(p, BOLD), p->out);
    if (finding->place.file != NULL) {
        print_line(p, &finding->place);
    } else {
        fputs(p->advice->file, p->out);
    }
    fprintf(p->out, ": %s%s%s: %s: %s [%s]\n", tint(p, tint_of(finding->severity)),
            finding_severity_name(finding->severity), tint(p, PLAIN),
            verdict_name(finding->verdict), rule_text(finding->rule)->title,
            rule_text(finding->rule)->id);
}

static void print_finding(const struct printer *p, const struct advice_finding *finding)
{
    print_head(p, finding);
    fputs("  in ", p->out);
    print_where(p, &finding->place);
    fprintf(p->out, ": %s\n", finding->message);
    print_source(p, &finding->place);
    if (finding->condition != NULL) {
        fprintf(p->out, "  condition: %s\n", finding->condition);
    }
    if (finding->observed) {
        fputs("  observed: the run that was joined saw it too\n", p->out);
    }
    print_path(p, finding);
    fprintf(p->out, "  help: %s\n\n", rule_text(finding->rule)->fix);
}

/* ---- savings ---- */

static void print_saving(const struct printer *p, const struct advice_saving *saving)
{
    char bytes[32], set[24] = "-";

    if (saving->set != ADVICE_NO_SET) {
        (void)snprintf(set, sizeof set, "%" PRIu32, saving->set + 1);
    }
    fprintf(p->out, "%9s  %5" PRIu32 "  %-8s  %4s  ", grouped(bytes, saving->bytes), saving->pages,
            report_advice_class_name(saving->class), set);
    print_where(p, &saving->place);
    fprintf(p->out, " -> %s\n", saving->target);
    if (saving->place.file != NULL) {
        fprintf(p->out, "%35s", "");
        print_line(p, &saving->place);
        fputc('\n', p->out);
    }
    fprintf(p->out, "%35s%s\n", "", saving->evidence);
}

/* What stays resident of a routine that could be divided. */
static void print_region(const struct printer *p, const struct advice_saving *saving)
{
    const struct advice_place *begin = &saving->region_begin, *end = &saving->region_end;
    char bytes[32];

    fprintf(p->out, "%35sstays resident: %s bytes, 0x%" PRIx32 " to 0x%" PRIx32, "",
            grouped(bytes, saving->region_bytes), begin->rva, end->rva);
    if (begin->line != 0 && end->line != 0) {
        fputs(", ", p->out);
        print_line(p, begin);
        if (end->line != begin->line) {
            fprintf(p->out, " to %" PRIu32, end->line);
        }
    }
    fputc('\n', p->out);
}

static void print_savings(const struct printer *p, enum advice_saving_kind kind, const char *title)
{
    bool any = false;

    for (uint32_t i = 0; i < p->advice->saving_count; i++) {
        const struct advice_saving *saving = &p->advice->savings[i];

        if (saving->kind != kind) {
            continue;
        }
        if (!any) {
            fprintf(p->out, "%s%s%s [%s]\n    bytes  pages  class      set  routine\n",
                    tint(p, BOLD), title, tint(p, PLAIN), report_saving_kind_name(kind));
            any = true;
        }
        print_saving(p, saving);
        if (kind == SAVING_ISOLATE) {
            print_region(p, saving);
        }
    }
    if (any) {
        fputc('\n', p->out);
    }
}

static void print_sets(const struct printer *p)
{
    char bytes[32];

    if (p->advice->set_count == 0) {
        return;
    }
    fprintf(p->out, "%sSets: routines to move together%s\n", tint(p, BOLD), tint(p, PLAIN));
    for (uint32_t i = 0; i < p->advice->set_count; i++) {
        const struct advice_set *set = &p->advice->sets[i];

        fprintf(p->out,
                "  %" PRIu32 ": %s -> %s: %" PRIu32 " routine%s, %s bytes, %" PRIu32 " page%s\n",
                i + 1, set->from, set->target, set->routines, plural(set->routines),
                grouped(bytes, set->bytes), set->pages, plural(set->pages));
    }
    fputc('\n', p->out);
}

/* ---- what is not covered ---- */

static void print_coverage(const struct printer *p)
{
    const struct advice_coverage *c = &p->advice->coverage;
    char decoded[32], executable[32];

    if (strcmp(p->advice->kind, "image") == 0) {
        fprintf(p->out,
                "Coverage: %s of %s bytes of code decoded; %" PRIu32 " function%s, %" PRIu32
                " incomplete;\n  %" PRIu32 " call%s, %" PRIu32 " unresolved; %" PRIu32
                " jump table%s without a bound;\n  %" PRIu32 " import%s, %" PRIu32
                " without a contract\n",
                grouped(decoded, c->bytes_decoded), grouped(executable, c->bytes_executable),
                c->functions, plural(c->functions), c->functions_incomplete, c->calls,
                plural(c->calls), c->calls_unresolved, c->jumps_unresolved,
                plural(c->jumps_unresolved), c->imports, plural(c->imports),
                c->imports_without_contract);
    }
    if (p->advice->symbols[0] != '\0') {
        fprintf(p->out, "Names: %s%s%s\n", p->advice->symbols,
                p->advice->symbols_note != NULL ? "; " : "",
                p->advice->symbols_note != NULL ? p->advice->symbols_note : "");
    }
    if (p->advice->limit_count != 0) {
        fputs("Not known:\n", p->out);
    }
    for (uint32_t i = 0; i < p->advice->limit_count; i++) {
        fprintf(p->out, "  - %s\n", p->advice->limits[i]);
    }
    fputc('\n', p->out);
}

/* Violations by verdict; notes are advice and do not count. */
static void print_summary(const struct printer *p)
{
    uint32_t counts[VERDICT_COUNT] = {0}, notes = 0, pages = 0;
    uint64_t bytes = 0;
    char text[32];

    for (uint32_t i = 0; i < p->advice->finding_count; i++) {
        const struct advice_finding *finding = &p->advice->findings[i];

        counts[finding->verdict] += finding->severity != FINDING_NOTE;
        notes += finding->severity == FINDING_NOTE;
    }
    for (uint32_t i = 0; i < p->advice->saving_count; i++) {
        bytes += p->advice->savings[i].bytes;
        pages += p->advice->savings[i].set == ADVICE_NO_SET ? p->advice->savings[i].pages : 0;
    }
    for (uint32_t i = 0; i < p->advice->set_count; i++) {
        pages += p->advice->sets[i].pages;
    }
    fprintf(p->out, "SUMMARY: pagable: %s: ", p->advice->file);
    if (counts[0] + counts[1] + counts[2] == 0) {
        fputs("no violation", p->out);
    } else {
        fprintf(p->out, "%" PRIu32 " definite, %" PRIu32 " possible, %" PRIu32 " unknown",
                counts[VERDICT_DEFINITE], counts[VERDICT_POSSIBLE], counts[VERDICT_UNKNOWN]);
    }
    if (p->advice->saving_count != 0) {
        fprintf(p->out, "; %s bytes, %" PRIu32 " page%s could be pageable", grouped(text, bytes),
                pages, plural(pages));
    }
    if (notes != 0) {
        fprintf(p->out, "; %" PRIu32 " note%s", notes, plural(notes));
    }
    fputc('\n', p->out);
}

void report_advice_text(FILE *out, const struct advice *advice, const struct advice_style *style)
{
    struct printer p = {out, advice, style};

    if (!style->quiet) {
        fprintf(out, "pagable advise: %s\n\n", advice->file);
        for (uint32_t i = 0; i < advice->finding_count; i++) {
            print_finding(&p, &advice->findings[i]);
        }
        print_savings(&p, SAVING_MOVE, "Could be pageable");
        print_savings(&p, SAVING_ISOLATE, "Resident only because of a raised region");
        print_sets(&p);
        print_coverage(&p);
    }
    print_summary(&p);
}
