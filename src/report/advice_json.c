/* SPDX-License-Identifier: MIT */
/* Advice as JSON, schema pagable.advise/1.  Keys are never renamed or removed inside that version.
 */
#include "report/advice.h"

#include <inttypes.h>

#include "report/json.h"

/* Text of advice is printable UTF-8 already, and of any length. */
static json_t *text_json(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

/* function, section, rva, file, line; null where nothing is known. */
static void put_place(struct json_build *b, json_t *object, const struct advice_place *place)
{
    json_put(b, object, "function",
             place->function[0] != '\0' ? text_json(place->function) : json_null());
    json_put(b, object, "section",
             place->section[0] != '\0' ? text_json(place->section) : json_null());
    json_put(b, object, "rva", place->rva != 0 ? json_integer(place->rva) : json_null());
    json_put(b, object, "file", text_json(place->file));
    json_put(b, object, "line", place->line != 0 ? json_integer(place->line) : json_null());
}

static json_t *path_json(struct json_build *b, const struct advice_finding *finding)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < finding->path_count; i++) {
        const struct advice_step *step = &finding->path[i];
        json_t *object = json_new_object(b);

        put_place(b, object, &step->place);
        json_put(b, object, "irql",
                 step->irql != ADVICE_IRQL_UNKNOWN ? json_integer(step->irql) : json_null());
        json_put(b, object, "what", text_json(step->what));
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *finding_json(struct json_build *b, const struct advice_finding *finding)
{
    json_t *object = json_new_object(b);
    char fingerprint[24];

    (void)snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, finding->fingerprint);
    json_put_text(b, object, "rule", rule_text(finding->rule)->id);
    json_put_text(b, object, "severity", finding_severity_name(finding->severity));
    json_put_text(b, object, "verdict", verdict_name(finding->verdict));
    put_place(b, object, &finding->place);
    json_put(b, object, "message", text_json(finding->message));
    json_put(b, object, "condition", text_json(finding->condition));
    json_put(b, object, "observed", json_boolean(finding->observed));
    json_put_text(b, object, "fingerprint", fingerprint);
    json_put(b, object, "path", path_json(b, finding));
    return object;
}

static json_t *region_json(struct json_build *b, const struct advice_saving *saving)
{
    json_t *object = json_new_object(b), *begin = json_new_object(b), *end = json_new_object(b);

    put_place(b, begin, &saving->region_begin);
    put_place(b, end, &saving->region_end);
    json_put(b, object, "begin", begin);
    json_put(b, object, "end", end);
    json_put_number(b, object, "bytes", saving->region_bytes);
    return object;
}

static json_t *saving_json(struct json_build *b, const struct advice_saving *saving)
{
    json_t *object = json_new_object(b);

    json_put_text(b, object, "rule", report_saving_kind_name(saving->kind));
    put_place(b, object, &saving->place);
    json_put_number(b, object, "bytes", saving->bytes);
    json_put_number(b, object, "pages", saving->pages);
    json_put_text(b, object, "class", report_advice_class_name(saving->class));
    json_put(b, object, "evidence", text_json(saving->evidence));
    json_put(b, object, "target", text_json(saving->target));
    json_put(b, object, "set",
             saving->set != ADVICE_NO_SET ? json_integer(saving->set) : json_null());
    json_put(b, object, "region",
             saving->kind == SAVING_ISOLATE ? region_json(b, saving) : json_null());
    return object;
}

static json_t *set_json(struct json_build *b, const struct advice_set *set)
{
    json_t *object = json_new_object(b);

    json_put(b, object, "from", text_json(set->from));
    json_put(b, object, "target", text_json(set->target));
    json_put_number(b, object, "bytes", set->bytes);
    json_put_number(b, object, "pages", set->pages);
    json_put_number(b, object, "routines", set->routines);
    return object;
}

static json_t *coverage_json(struct json_build *b, const struct advice_coverage *coverage)
{
    json_t *object = json_new_object(b);

    json_put_number(b, object, "bytes_executable", coverage->bytes_executable);
    json_put_number(b, object, "bytes_decoded", coverage->bytes_decoded);
    json_put_number(b, object, "functions", coverage->functions);
    json_put_number(b, object, "functions_incomplete", coverage->functions_incomplete);
    json_put_number(b, object, "calls", coverage->calls);
    json_put_number(b, object, "calls_unresolved", coverage->calls_unresolved);
    json_put_number(b, object, "imports", coverage->imports);
    json_put_number(b, object, "imports_without_contract", coverage->imports_without_contract);
    json_put_number(b, object, "jumps_unresolved", coverage->jumps_unresolved);
    return object;
}

static json_t *document_json(struct json_build *b, const char *file)
{
    json_t *root = json_new_object(b);

    json_put_text(b, root, "schema", "pagable.advise/1");
    json_put(b, root, "file", text_json(file));
    return root;
}

static size_t flags_of(bool compact)
{
    return compact ? JSON_COMPACT : JSON_INDENT(2);
}

pg_status report_advice_json(FILE *out, const struct advice *advice, bool compact)
{
    struct json_build b = {false};
    json_t *root = document_json(&b, advice->file);
    json_t *findings = json_new_array(&b), *savings = json_new_array(&b);
    json_t *sets = json_new_array(&b), *limits = json_new_array(&b);

    for (uint32_t i = 0; i < advice->finding_count; i++) {
        json_append_to(&b, findings, finding_json(&b, &advice->findings[i]));
    }
    for (uint32_t i = 0; i < advice->saving_count; i++) {
        json_append_to(&b, savings, saving_json(&b, &advice->savings[i]));
    }
    for (uint32_t i = 0; i < advice->set_count; i++) {
        json_append_to(&b, sets, set_json(&b, &advice->sets[i]));
    }
    for (uint32_t i = 0; i < advice->limit_count; i++) {
        json_append_to(&b, limits, text_json(advice->limits[i]));
    }
    json_put(&b, root, "kind", text_json(advice->kind));
    json_put(&b, root, "error", json_null());
    json_put(&b, root, "symbols",
             advice->symbols[0] != '\0' ? text_json(advice->symbols) : json_null());
    json_put(&b, root, "symbols_note", text_json(advice->symbols_note));
    json_put(&b, root, "findings", findings);
    json_put(&b, root, "savings", savings);
    json_put(&b, root, "sets", sets);
    json_put(&b, root, "coverage", coverage_json(&b, &advice->coverage));
    json_put(&b, root, "limits", limits);
    json_put(&b, root, "alloc_text", text_json(advice->alloc_text));
    return json_finish(&b, root, out, flags_of(compact));
}

pg_status report_advice_error_json(FILE *out, const char *file, const char *why, bool compact)
{
    struct json_build b = {false};
    char clean[4096];
    json_t *root = document_json(&b, CLEAN(clean, file));

    json_put_text(&b, root, "error", why);
    json_put(&b, root, "findings", json_new_array(&b));
    json_put(&b, root, "savings", json_new_array(&b));
    json_put(&b, root, "coverage", json_null());
    return json_finish(&b, root, out, flags_of(compact));
}
