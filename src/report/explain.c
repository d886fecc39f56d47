/* SPDX-License-Identifier: MIT */
/* A rule in full, for people: on a terminal and as the page docs/RULES.md. */
#include <string.h>

#include "report/report.h"

#define WIDTH  78u
#define INDENT 2u

static const char *bold(const struct report_style *style)
{
    return style->colour ? "\033[1m" : "";
}

static const char *plain(const struct report_style *style)
{
    return style->colour ? "\033[0m" : "";
}

/* A paragraph, broken between words. */
static void print_wrapped(FILE *out, const char *text, unsigned indent, unsigned width)
{
    unsigned column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column != 0 && column + 1 + word > width) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0) {
            fprintf(out, "%*s", (int)indent, "");
            column = indent;
        } else {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, word, out);
        column += (unsigned)word;
        text += word + strspn(text + word, " ");
    }
    fputc('\n', out);
}

static void print_code(FILE *out, const char *text, unsigned indent)
{
    while (*text != '\0') {
        size_t line = strcspn(text, "\n");

        fprintf(out, "%*s%.*s\n", line == 0 ? 0 : (int)indent, "", (int)line, text);
        text += line + (text[line] == '\n');
    }
}

void report_rule_text(FILE *out, enum rule rule, const struct report_style *style)
{
    const struct rule_text *text = rule_text(rule);
    const struct {
        const char *head, *paragraph;
    } parts[] = {{"Document", text->document}, {"Cause", text->cause}, {"Fix", text->fix}};

    fprintf(out, "%s%s%s (%s)\n", bold(style), text->id, plain(style),
            finding_severity_name(text->severity));
    print_wrapped(out, text->title, INDENT, WIDTH);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        fprintf(out, "\n%s%s%s\n", bold(style), parts[i].head, plain(style));
        print_wrapped(out, parts[i].paragraph, INDENT, WIDTH);
    }
    fprintf(out, "\n%sWrong%s\n", bold(style), plain(style));
    print_code(out, text->wrong, 2 * INDENT);
    fprintf(out, "\n%sRight%s\n", bold(style), plain(style));
    print_code(out, text->right, 2 * INDENT);
}

void report_rule_list(FILE *out)
{
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule_text *text = rule_text((enum rule)i);

        fprintf(out, "%-33s %-8s %s\n", text->id, finding_severity_name(text->severity),
                text->title);
    }
}

/* ---- docs/RULES.md ---- */

static void print_markdown_rule(FILE *out, const struct rule_text *text)
{
    fprintf(out, "\n## %s\n\n", text->id);
    fprintf(out, "*%s: %s.*\n\n", finding_severity_name(text->severity), text->title);
    fputs("**Document.** ", out);
    print_wrapped(out, text->document, 0, 100);
    fputs("\n**Cause.** ", out);
    print_wrapped(out, text->cause, 0, 100);
    fprintf(out, "\n**Fix.** %s.\n\nWrong:\n\n```c\n%s\n```\n\nRight:\n\n```c\n%s\n```\n",
            text->fix, text->wrong, text->right);
}

void report_rules_markdown(FILE *out)
{
    fprintf(out,
            "# Rules\n\n"
            "Everything that `pagable run` and `pagable advise` report, in one table. `pagable "
            "explain ID` prints one\nof these; `--check` of either command chooses among them. Ids "
            "never change. From [%s](#%s)\non they are of `pagable advise` alone. Of those before "
            "it `advise` finds what an image shows without\nbeing run, under the same ids. This "
            "page is made by `pagable explain --markdown`.\n\n"
            "| id | severity | what is wrong |\n|---|---|---|\n",
            rule_text(RULE_COULD_BE_PAGEABLE)->id, rule_text(RULE_COULD_BE_PAGEABLE)->id);
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const struct rule_text *text = rule_text((enum rule)i);

        fprintf(out, "| [%s](#%s) | %s | %s |\n", text->id, text->id,
                finding_severity_name(text->severity), text->title);
    }
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        print_markdown_rule(out, rule_text((enum rule)i));
    }
}
