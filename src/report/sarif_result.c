/* SPDX-License-Identifier: MIT */
/*
 * Advice on one file as SARIF 2.1.0 results, one a line with its priority in front.
 *
 * A place with a line of source is that line; one without is the image, with the address in words
 * too, because few readers show addresses.  `unknown` is SARIF's kind "open": evaluated, and what
 * is known does not decide it; such a result has no level.
 */
#include <inttypes.h>
#include <string.h>

#include "report/sarif.h"

/* A Windows path from a program database: with a drive, or with backslashes only. */
static bool of_windows(const char *path)
{
    bool drive = ((path[0] | 0x20) >= 'a' && (path[0] | 0x20) <= 'z') && path[1] == ':';

    return drive || (strchr(path, '/') == NULL && strchr(path, '\\') != NULL);
}

const char *sarif_uri(char *buffer, size_t size, const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~/";
    bool windows = of_windows(path);
    size_t used;

    while (strncmp(path, "./", 2) == 0) {
        path += 2 + strspn(path + 2, "/");
    }
    used = (size_t)snprintf(buffer, size, "%s",
                            windows && path[1] == ':' ? "file:///"
                            : path[0] == '/'          ? "file://"
                                                      : "");
    for (; *path != '\0' && used + 4 < size; path++) {
        char c = *path;

        if (windows && c == '\\') {
            c = '/';
        }
        if (strchr(plain, c) != NULL || (windows && c == ':' && used == sizeof "file:///X" - 1)) {
            buffer[used++] = c;
        } else {
            used += (size_t)snprintf(buffer + used, size - used, "%%%02X", (uint8_t)c);
        }
    }
    buffer[used] = '\0';
    return buffer;
}

json_t *sarif_message(struct json_build *b, const char *text)
{
    json_t *object = json_new_object(b);
    size_t length = strlen(text);

    if (length > SARIF_TEXT_MAX) {
        for (length = SARIF_TEXT_MAX; ((uint8_t)text[length] & 0xc0) == 0x80;) {
            length--; /* between characters */
        }
    }
    json_put(b, object, "text", json_stringn(text, length));
    return object;
}

static json_t *artifact_json(struct json_build *b, const struct snippets *snippets,
                             const char *path)
{
    json_t *object = json_new_object(b);
    char uri[SARIF_URI_MAX];

    json_put(b, object, "uri",
             json_string(sarif_uri(uri, sizeof uri, snippets_relative(snippets, path))));
    return object;
}

static json_t *region_json(struct json_build *b, struct snippets *snippets,
                           const struct advice_place *place)
{
    json_t *object = json_new_object(b);
    const char *line = snippets_line(snippets, place->file, place->line);

    json_put_number(b, object, "startLine", place->line);
    if (line != NULL) {
        json_put(b, object, "snippet", sarif_message(b, line));
    }
    return object;
}

/* `what`: NULL for none */
static json_t *location_json(struct json_build *b, const struct advice *advice,
                             struct snippets *snippets, const struct advice_place *place,
                             const char *what)
{
    json_t *object = json_new_object(b), *physical = json_new_object(b);

    json_put(b, physical, "artifactLocation",
             artifact_json(b, snippets, place->file != NULL ? place->file : advice->file));
    if (place->file != NULL && place->line != 0) {
        json_put(b, physical, "region", region_json(b, snippets, place));
    }
    if (place->rva != 0) {
        json_t *address = json_new_object(b);

        json_put_number(b, address, "relativeAddress", place->rva);
        json_put(b, address, "name", json_string(place->section));
        json_put(b, physical, "address", address);
    }
    json_put(b, object, "physicalLocation", physical);
    if (place->function[0] != '\0') {
        json_t *array = json_new_array(b), *function = json_new_object(b);

        json_put(b, function, "name", json_string(place->function));
        json_put(b, function, "kind", json_string("function"));
        json_append_to(b, array, function);
        json_put(b, object, "logicalLocations", array);
    }
    if (what != NULL) {
        json_put(b, object, "message", sarif_message(b, what));
    }
    return object;
}

static json_t *in_array(struct json_build *b, json_t *value)
{
    json_t *array = json_new_array(b);

    json_append_to(b, array, value);
    return array;
}

static json_t *flow_json(struct json_build *b, const struct advice *advice,
                         struct snippets *snippets, const struct advice_finding *finding)
{
    json_t *steps = json_new_array(b), *thread = json_new_object(b), *flow = json_new_object(b);

    for (uint32_t i = 0; i < finding->path_count && i < SARIF_STEPS_MAX; i++) {
        const struct advice_step *step = &finding->path[i];
        json_t *object = json_new_object(b), *state = json_new_object(b);

        json_put(b, object, "location",
                 location_json(b, advice, snippets, &step->place, step->what));
        json_put(b, state, "IRQL", sarif_message(b, report_advice_irql(step->irql, "unknown")));
        json_put(b, object, "state", state);
        json_append_to(b, steps, object);
    }
    json_put(b, thread, "locations", steps);
    json_put(b, flow, "threadFlows", in_array(b, thread));
    return flow;
}

/* What all results have. */
static json_t *result_json(struct json_build *b, const struct advice *advice,
                           const struct snippets *snippets, enum rule rule)
{
    json_t *object = json_new_object(b);

    json_put_text(b, object, "ruleId", rule_text(rule)->id);
    json_put_number(b, object, "ruleIndex", rule);
    json_put(b, object, "analysisTarget", artifact_json(b, snippets, advice->file));
    return object;
}

/* Severity first, then how sure it is. */
static unsigned priority_of(const struct advice_finding *finding)
{
    return finding->severity == FINDING_NOTE ? 7u
           : finding->verdict == VERDICT_UNKNOWN
               ? 6u
               : (finding->severity == FINDING_ERROR ? 0u : 2u) + (unsigned)finding->verdict;
}

static json_t *fingerprints_json(struct json_build *b, uint64_t fingerprint)
{
    json_t *object = json_new_object(b);
    char text[32];

    (void)snprintf(text, sizeof text, "%016" PRIx64, fingerprint);
    json_put_text(b, object, "pagable/v1", text);
    (void)snprintf(text, sizeof text, "%016" PRIx64 ":1", fingerprint);
    json_put_text(b, object, "primaryLocationLineHash", text); /* the one that GitHub compares */
    return object;
}

static json_t *finding_json(struct json_build *b, const struct advice *advice,
                            struct snippets *snippets, const struct advice_finding *finding)
{
    static const double ranks[] = {
        [VERDICT_DEFINITE] = 95, [VERDICT_POSSIBLE] = 60, [VERDICT_UNKNOWN] = 20};
    json_t *object = result_json(b, advice, snippets, finding->rule);
    json_t *properties = json_new_object(b);
    bool open = finding->verdict == VERDICT_UNKNOWN;
    char text[2 * SARIF_TEXT_MAX];

    (void)snprintf(text, sizeof text, "%s%s%s%s (%s)", finding->message,
                   finding->condition != NULL ? "; condition: " : "",
                   finding->condition != NULL ? finding->condition : "",
                   finding->observed ? "; a run saw it too" : "", verdict_name(finding->verdict));
    json_put(b, object, "kind", json_string(open ? "open" : "fail"));
    json_put(b, object, "level",
             json_string(open ? "none" : finding_severity_name(finding->severity)));
    json_put(b, object, "rank", json_real(ranks[finding->verdict]));
    json_put(b, object, "message", sarif_message(b, text));
    json_put(b, object, "locations",
             in_array(b, location_json(b, advice, snippets, &finding->place, NULL)));
    if (finding->path_count != 0) {
        json_put(b, object, "codeFlows", in_array(b, flow_json(b, advice, snippets, finding)));
    }
    json_put(b, object, "partialFingerprints", fingerprints_json(b, finding->fingerprint));
    json_put_text(b, properties, "verdict", verdict_name(finding->verdict));
    json_put(b, properties, "condition",
             finding->condition != NULL ? json_string(finding->condition) : json_null());
    json_put(b, properties, "observed", json_boolean(finding->observed));
    json_put(b, object, "properties", properties);
    return object;
}

static json_t *saving_json(struct json_build *b, const struct advice *advice,
                           struct snippets *snippets, const struct advice_saving *saving)
{
    bool move = saving->kind == SAVING_MOVE;
    json_t *object = result_json(b, advice, snippets, move ? RULE_COULD_BE_PAGEABLE : RULE_ISOLATE);
    json_t *properties = json_new_object(b);
    char text[2 * SARIF_TEXT_MAX];

    (void)snprintf(text, sizeof text,
                   "%s could move to %s%s: %" PRIu32 " bytes, %" PRIu32 " pages; %s",
                   saving->place.function, saving->target, move ? "" : " but for its raised region",
                   saving->bytes, saving->pages, saving->evidence);
    json_put(b, object, "kind", json_string("fail")); /* the only kind that may have a level */
    json_put(b, object, "level", json_string("note"));
    json_put(b, object, "rank", json_real(saving->class == ADVICE_PROVEN ? 10 : 5));
    json_put(b, object, "message", sarif_message(b, text));
    json_put(b, object, "locations",
             in_array(b, location_json(b, advice, snippets,
                                       move ? &saving->place : &saving->region_begin, NULL)));
    json_put_text(b, properties, "class", report_advice_class_name(saving->class));
    json_put_number(b, properties, "bytes", saving->bytes);
    json_put_number(b, properties, "pages", saving->pages);
    json_put(b, object, "properties", properties);
    return object;
}

/* With its line feed; the result is consumed. */
static pg_status put_line(FILE *out, struct json_build *b, unsigned priority, json_t *result)
{
    (void)fputc('0' + (int)priority, out); /* an error stays in `out`, where the flush finds it */
    return json_finish(b, result, out, JSON_COMPACT);
}

pg_status report_sarif_results(FILE *out, const struct advice *advice, struct snippets *snippets)
{
    pg_status status = PG_OK;

    for (uint32_t i = 0; i < advice->finding_count && status == PG_OK; i++) {
        struct json_build b = {false};

        status = put_line(out, &b, priority_of(&advice->findings[i]),
                          finding_json(&b, advice, snippets, &advice->findings[i]));
    }
    for (uint32_t i = 0; i < advice->saving_count && status == PG_OK; i++) {
        struct json_build b = {false};

        status = put_line(out, &b, 8, saving_json(&b, advice, snippets, &advice->savings[i]));
    }
    return status;
}
