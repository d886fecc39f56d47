/* SPDX-License-Identifier: MIT */
/*
 * Verdict and findings, from the result as it stands in the trace (schema pagable.run/1).  That may
 * come from a file: whatever is missing or of another kind is left out.
 */
#include "report/page.h"

#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX 4u /* of objects inside findings */

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* "module!function+0x4c", file:line, section; what is known of it. */
static void place(FILE *out, const json_t *object)
{
    const char *module = page_string(object, "module", NULL);
    const char *function = page_string(object, "function", NULL);
    const char *file = page_string(object, "file", NULL);
    const char *section = page_string(object, "section", NULL);

    if (module != NULL) {
        const char *dot = strrchr(module, '.');
        char base[160];

        (void)snprintf(base, sizeof base, "%.*s", dot != NULL ? (int)(dot - module) : 150, module);
        fputs("<code>", out);
        markup_text(out, base);
        if (function != NULL) {
            fputs("!", out);
            markup_text(out, function);
            fprintf(out, "+0x%" PRIx64, (uint64_t)number(object, "offset"));
        } else {
            fprintf(out, "+0x%" PRIx64, (uint64_t)number(object, "rva"));
        }
        fputs("</code>", out);
    }
    if (file != NULL) {
        fputs(" at <code>", out);
        markup_text(out, file);
        fprintf(out, ":%" JSON_INTEGER_FORMAT "</code>", number(object, "line"));
    }
    if (section != NULL) {
        fputs(" in section <code>", out);
        markup_text(out, section);
        fputs("</code>", out);
    }
}

/* ---- values whose names say what they are: histories, call chains ---- */

static void words(FILE *out, const char *key)
{
    for (; *key != '\0'; key++) {
        char letter[2] = {*key == '_' ? ' ' : *key, '\0'};

        markup_text(out, letter);
    }
}

static void value(FILE *out, const json_t *json, unsigned depth);

static void members(FILE *out, const json_t *object, unsigned depth)
{
    const json_t *item;
    const char *key;
    const char *between = "";
    char time[48];

    json_object_foreach((json_t *)object, key, item)
    {
        if (json_is_null(item) || depth >= DEPTH_MAX) {
            continue;
        }
        fputs(between, out);
        words(out, key);
        fputc(' ', out);
        if (strcmp(key, "time") == 0 && json_integer_value(item) >= 0) {
            fputs(picture_time(time, sizeof time, (uint64_t)json_integer_value(item)), out);
        } else {
            value(out, item, depth + 1);
        }
        between = ", ";
    }
}

static void list(FILE *out, const json_t *array, unsigned depth)
{
    const json_t *item;
    size_t i;

    fputs("<ol>", out);
    json_array_foreach(array, i, item)
    {
        fputs("<li>", out);
        if (depth < DEPTH_MAX) {
            value(out, item, depth + 1);
        }
        fputs("</li>", out);
    }
    fputs("</ol>", out);
}

static void value(FILE *out, const json_t *json, unsigned depth)
{
    switch (json_typeof(json)) {
    case JSON_STRING:
        markup_text(out, json_string_value(json));
        break;
    case JSON_INTEGER:
        fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        break;
    case JSON_ARRAY:
        list(out, json, depth);
        break;
    case JSON_OBJECT:
        members(out, json, depth);
        break;
    default:
        break;
    }
}

static void row(FILE *out, const char *name)
{
    fputs("<dt>", out);
    words(out, name);
    fputs("</dt><dd>", out);
}

/* Lists that a finding brings along besides its call chain: histories. */
static void lists(FILE *out, const json_t *finding)
{
    const json_t *item;
    const char *key;

    json_object_foreach((json_t *)finding, key, item)
    {
        if (json_array_size(item) > 0 && strcmp(key, "params") != 0) {
            row(out, strcmp(key, "stack") == 0 ? "call chain" : key);
            value(out, item, 0);
            fputs("</dd>\n", out);
        }
    }
}

/* ---- one finding ---- */

static void irql_and_time(FILE *out, const json_t *finding)
{
    char time[48];
    json_int_t when = number(finding, "time"), irql = number(finding, "irql");

    row(out, "IRQL");
    fprintf(out, "%" JSON_INTEGER_FORMAT " (%s)", irql,
            report_irql_name(irql >= 0 && irql < 256 ? (unsigned)irql : 255));
    fprintf(out, " at %s</dd>\n", picture_time(time, sizeof time, when > 0 ? (uint64_t)when : 0));
}

static void finding(FILE *out, const json_t *json, size_t index)
{
    const char *severity = page_string(json, "severity", "error");
    const char *class = strcmp(severity, "note") == 0      ? "note"
                        : strcmp(severity, "warning") == 0 ? "warning"
                                                           : "error";

    fprintf(out, "<article class=\"finding %s\" id=\"finding-%zu\" data-rule=\"", class, index);
    markup_text(out, page_string(json, "rule", ""));
    fprintf(out, "\">\n<h3><span class=\"severity\">%s</span> ", class);
    markup_text(out, page_string(json, "message", ""));
    fputs("</h3>\n<dl>", out);
    row(out, "rule");
    fputs("<code>", out);
    markup_text(out, page_string(json, "rule", ""));
    fputs("</code></dd>\n", out);
    row(out, "where");
    place(out, json);
    fputs("</dd>\n", out);
    irql_and_time(out, json);
    lists(out, json);
    row(out, "what to do");
    markup_text(out, page_string(json, "help", ""));
    fputs("</dd></dl>\n</article>\n", out);
}

static void bugcheck(FILE *out, const json_t *json)
{
    const json_t *params = json_object_get(json, "params");
    const json_t *because = json_object_get(json, "finding");
    const json_t *param;
    size_t i;

    if (!json_is_object(json)) {
        return;
    }
    fputs("<article class=\"finding error\" id=\"bugcheck\">\n<h3><span class=\"severity\">bug "
          "check</span> ",
          out);
    markup_text(out, page_string(json, "code", ""));
    fputc(' ', out);
    markup_text(out, page_string(json, "name", ""));
    fputs("</h3>\n<p>", out);
    markup_text(out, page_string(json, "message", ""));
    fputs("</p>\n<dl>", out);
    row(out, "parameters");
    json_array_foreach(params, i, param)
    {
        fputs("<code>", out);
        markup_text(out, json_is_string(param) ? json_string_value(param) : "");
        fputs("</code> ", out);
    }
    fputs("</dd>\n", out);
    if (json_is_integer(because)) {
        row(out, "because of");
        fprintf(out,
                "<a href=\"#finding-%" JSON_INTEGER_FORMAT "\">finding %" JSON_INTEGER_FORMAT
                "</a></dd>\n",
                json_integer_value(because), json_integer_value(because) + 1);
    }
    row(out, "where");
    place(out, json);
    fputs("</dd>\n", out);
    irql_and_time(out, json);
    lists(out, json);
    fputs("</dl>\n</article>\n", out);
}

/* ---- the verdict ---- */

static void verdict(FILE *out, const json_t *run)
{
    const char *result = page_string(run, "result", "incomplete");
    size_t findings = json_array_size(json_object_get(run, "findings"));
    const char *reason = page_string(run, "reason", NULL);

    if (strcmp(result, "clean") == 0) {
        fputs("<div class=\"verdict clean\" data-result=\"clean\"><strong>\xe2\x9c\x93 Clean"
              "</strong><span>No rule about IRQL or paging was broken.</span></div>\n",
              out);
        return;
    }
    if (strcmp(result, "bugcheck") == 0) {
        fputs("<div class=\"verdict bad\" data-result=\"bugcheck\"><strong>\xe2\x9c\x97 Bug check"
              "</strong><span>The driver brought the computer down. ",
              out);
    } else if (strcmp(result, "findings") == 0) {
        fputs("<div class=\"verdict bad\" data-result=\"findings\"><strong>\xe2\x9c\x97 Findings"
              "</strong><span>",
              out);
    } else {
        fputs("<div class=\"verdict\" data-result=\"incomplete\"><strong>? No verdict</strong>"
              "<span>The run ended early. ",
              out);
    }
    if (findings > 0) {
        fprintf(out, "%zu finding%s. ", findings, findings == 1 ? "" : "s");
    }
    if (reason != NULL) {
        markup_text(out, reason);
    }
    fputs("</span></div>\n", out);
}

static void tile(FILE *out, const char *name, uint64_t pages, const char *more)
{
    fprintf(out, "<div><dt>%s</dt><dd>%" PRIu64 " <small>page%s%s</small></dd></div>\n", name,
            pages, pages == 1 ? "" : "s", more);
}

static void tiles(FILE *out, const struct picture *picture)
{
    struct category_sums sums = category_sums(picture);
    uint64_t all = sums.of[ALWAYS].pages + sums.of[ON_DEMAND].pages + sums.of[PAGEABLE].pages;

    if (picture->module_count == 0) {
        return;
    }
    fputs("<dl class=\"tiles\">\n", out);
    tile(out, "with everything resident", all, "");
    tile(out, "in memory at least", picture->least == UINT32_MAX ? all : picture->least, "");
    tile(out, "can leave memory", sums.of[ON_DEMAND].pages + sums.of[PAGEABLE].pages, "");
    tile(out, "discarded after start", sums.of[DISCARDED].pages, "");
    fputs("</dl>\n", out);
}

void page_result(FILE *out, const struct picture *picture)
{
    const json_t *run = picture->run;
    const json_t *findings = json_object_get(run, "findings");
    const json_t *item;
    json_int_t dropped = number(run, "findings_dropped");
    size_t i;

    verdict(out, run);
    bugcheck(out, json_object_get(run, "bugcheck"));
    json_array_foreach(findings, i, item)
    {
        finding(out, item, i);
    }
    if (dropped > 0) {
        fprintf(out, "<p>%" JSON_INTEGER_FORMAT " more findings are not shown.</p>\n", dropped);
    }
    tiles(out, picture);
}
