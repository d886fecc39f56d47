/* SPDX-License-Identifier: MIT */
/*
 * A SARIF 2.1.0 log of one run: the results of many files, as many as readers show.
 *
 * Memory is bounded: when twice as many results are there as a log holds, the less important half
 * is dropped.  What is in a log therefore depends only on the results and their order.
 */
#include "report/sarif.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"

struct line {
    char *text; /* without priority; terminated */
    uint32_t bytes;
    uint32_t order;
    char priority;
};

struct sarif {
    const char *version;
    struct line lines[2 * SARIF_RESULTS_MAX];
    uint32_t count;
    uint32_t taken; /* in all, with those that were dropped */
    struct {
        char *file, *why;
    } errors[SARIF_ERRORS_MAX];
    uint32_t error_count, error_taken;
    bool no_memory;
};

struct sarif *sarif_open(const char *version)
{
    struct sarif *sarif = host.allocate(sizeof *sarif);

    if (sarif != NULL) {
        sarif->version = version;
    }
    return sarif;
}

void sarif_close(struct sarif *sarif)
{
    if (sarif == NULL) {
        return;
    }
    for (uint32_t i = 0; i < sarif->count; i++) {
        host.release(sarif->lines[i].text);
    }
    for (uint32_t i = 0; i < sarif->error_count; i++) {
        host.release(sarif->errors[i].file);
        host.release(sarif->errors[i].why);
    }
    host.release(sarif);
}

static char *copy_text(struct sarif *sarif, const char *text, size_t bytes)
{
    char *copy = host.allocate(bytes + 1);

    if (copy == NULL) {
        sarif->no_memory = true;
        return NULL;
    }
    memcpy(copy, text, bytes);
    return copy;
}

/* ---- results ---- */

static int compare_lines(const void *left, const void *right)
{
    const struct line *a = left, *b = right;

    return a->priority != b->priority ? (a->priority > b->priority) - (a->priority < b->priority)
                                      : (a->order > b->order) - (a->order < b->order);
}

/* Keep what a log holds: by number and by size. */
static void drop_the_rest(struct sarif *sarif)
{
    uint32_t kept = 0;
    uint64_t bytes = 0;

    qsort(sarif->lines, sarif->count, sizeof sarif->lines[0], compare_lines);
    while (kept < sarif->count && kept < SARIF_RESULTS_MAX &&
           bytes + sarif->lines[kept].bytes <= SARIF_BYTES_MAX) {
        bytes += sarif->lines[kept++].bytes;
    }
    for (uint32_t i = kept; i < sarif->count; i++) {
        host.release(sarif->lines[i].text);
    }
    sarif->count = kept;
}

static void take_line(struct sarif *sarif, const char *line, size_t bytes)
{
    char *text = copy_text(sarif, line + 1, bytes - 1);

    if (text == NULL) {
        return;
    }
    sarif->lines[sarif->count++] =
        (struct line){text, (uint32_t)(bytes - 1), sarif->taken++, line[0]};
    if (sarif->count == 2 * SARIF_RESULTS_MAX) {
        drop_the_rest(sarif);
    }
}

void sarif_take(struct sarif *sarif, const char *lines, size_t bytes)
{
    while (bytes > 0) {
        const char *feed = memchr(lines, '\n', bytes);
        size_t length = feed != NULL ? (size_t)(feed - lines) : bytes;

        if (length > 1) {
            take_line(sarif, lines, length);
        }
        length += feed != NULL;
        lines += length;
        bytes -= length;
    }
}

void sarif_take_error(struct sarif *sarif, const char *file, const char *why)
{
    sarif->error_taken++;
    if (sarif->error_count < SARIF_ERRORS_MAX) {
        uint32_t at = sarif->error_count++;

        sarif->errors[at].file = copy_text(sarif, file, strlen(file));
        sarif->errors[at].why = copy_text(sarif, why, strlen(why));
    }
}

/* ---- the log ---- */

static json_t *rule_json(struct json_build *b, const struct rule_text *text)
{
    json_t *object = json_new_object(b), *help = json_new_object(b);
    json_t *configuration = json_new_object(b), *properties = json_new_object(b);
    json_t *tags = json_new_array(b);
    char words[8192];

    json_put_text(b, object, "id", text->id);
    json_put(b, object, "shortDescription", sarif_message(b, text->title));
    json_put(b, object, "fullDescription", sarif_message(b, text->cause));
    (void)snprintf(words, sizeof words, "%s\n\n%s\n\nFix: %s.\n\nWrong:\n\n%s\n\nRight:\n\n%s\n",
                   text->document, text->cause, text->fix, text->wrong, text->right);
    json_put(b, help, "text", json_string(words));
    (void)snprintf(words, sizeof words,
                   "%s\n\n%s\n\n**Fix.** %s.\n\nWrong:\n\n```c\n%s\n```\n\nRight:\n\n```c\n%s\n"
                   "```\n",
                   text->document, text->cause, text->fix, text->wrong, text->right);
    json_put(b, help, "markdown", json_string(words));
    json_put(b, object, "help", help);
    json_put(b, configuration, "level", json_string(finding_severity_name(text->severity)));
    json_put(b, object, "defaultConfiguration", configuration);
    json_append_to(b, tags, json_string("paging"));
    json_append_to(b, tags, json_string("irql"));
    json_put(b, properties, "tags", tags);
    json_put(b, properties, "problem.severity",
             json_string(text->severity == FINDING_NOTE ? "recommendation"
                                                        : finding_severity_name(text->severity)));
    json_put(b, object, "properties", properties);
    return object;
}

static json_t *tool_json(struct json_build *b, const struct sarif *sarif)
{
    json_t *tool = json_new_object(b), *driver = json_new_object(b), *rules = json_new_array(b);

    for (unsigned i = 0; i < RULE_COUNT; i++) {
        json_append_to(b, rules, rule_json(b, rule_text((enum rule)i)));
    }
    json_put(b, driver, "name", json_string("pagable"));
    json_put(b, driver, "semanticVersion", json_string(sarif->version));
    json_put(b, driver, "rules", rules);
    json_put(b, tool, "driver", driver);
    return tool;
}

static void add_notification(struct json_build *b, json_t *array, const char *level,
                             const char *text, const char *file)
{
    json_t *object = json_new_object(b);
    char clean[SARIF_TEXT_MAX], uri[SARIF_URI_MAX];

    json_put(b, object, "level", json_string(level));
    json_put(b, object, "message", sarif_message(b, CLEAN(clean, text)));
    if (file != NULL) {
        json_t *location = json_new_object(b), *physical = json_new_object(b);
        json_t *artifact = json_new_object(b), *locations = json_new_array(b);

        json_put(b, artifact, "uri", json_string(sarif_uri(uri, sizeof uri, file)));
        json_put(b, physical, "artifactLocation", artifact);
        json_put(b, location, "physicalLocation", physical);
        json_append_to(b, locations, location);
        json_put(b, object, "locations", locations);
    }
    json_append_to(b, array, object);
}

static json_t *invocation_json(struct json_build *b, const struct sarif *sarif)
{
    json_t *object = json_new_object(b), *notes = json_new_array(b);
    char text[160];

    for (uint32_t i = 0; i < sarif->error_count; i++) {
        add_notification(b, notes, "error", sarif->errors[i].why, sarif->errors[i].file);
    }
    if (sarif->error_taken > sarif->error_count) {
        (void)snprintf(text, sizeof text, "%" PRIu32 " more files could not be looked at",
                       sarif->error_taken - sarif->error_count);
        add_notification(b, notes, "error", text, NULL);
    }
    if (sarif->taken > sarif->count) {
        (void)snprintf(text, sizeof text,
                       "%" PRIu32 " of %" PRIu32 " results, the less important ones, are left out",
                       sarif->taken - sarif->count, sarif->taken);
        add_notification(b, notes, "warning", text, NULL);
    }
    json_put(b, object, "executionSuccessful", json_boolean(sarif->error_taken == 0));
    json_put(b, object, "toolExecutionNotifications", notes);
    return object;
}

/* What could not be written and is not the stream's fault is for want of memory. */
static pg_status dump(json_t *json, FILE *out)
{
    if (json_dumpf(json, out, JSON_COMPACT) == 0) {
        return PG_OK;
    }
    return ferror(out) ? PG_E_IO : PG_E_NO_MEMORY;
}

/* The results are JSON already, and many: they are written as they are. */
static pg_status write_parts(const struct sarif *sarif, json_t *tool, json_t *invocations,
                             FILE *out)
{
    pg_status status;

    fputs("{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
          "\"runs\":[{\"columnKind\":\"utf16CodeUnits\",\"tool\":",
          out);
    status = dump(tool, out);
    if (status != PG_OK) {
        return status;
    }
    fputs(",\n\"invocations\":", out);
    status = dump(invocations, out);
    if (status != PG_OK) {
        return status;
    }
    fputs(",\n\"results\":[", out);
    for (uint32_t i = 0; i < sarif->count; i++) {
        fprintf(out, "%s\n%s", i != 0 ? "," : "", sarif->lines[i].text);
    }
    fputs("\n]}]}\n", out);
    return fflush(out) != 0 || ferror(out) ? PG_E_IO : PG_OK;
}

static pg_status write_log(struct sarif *sarif, FILE *out)
{
    struct json_build b = {false};
    json_t *invocations = json_new_array(&b), *tool = tool_json(&b, sarif);
    pg_status status = PG_E_NO_MEMORY;

    json_append_to(&b, invocations, invocation_json(&b, sarif));
    if (!b.failed) {
        status = write_parts(sarif, tool, invocations, out);
    }
    json_decref(invocations);
    json_decref(tool);
    return status;
}

pg_status sarif_finish(struct sarif *sarif, FILE *out)
{
    if (sarif->no_memory) {
        return PG_E_NO_MEMORY;
    }
    drop_the_rest(sarif);
    return write_log(sarif, out);
}
