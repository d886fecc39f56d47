/* SPDX-License-Identifier: MIT */
/* What `pagable isolate` did, schema pagable.isolate/1. */
#include "report/isolate.h"

#include <string.h>

#include "report/json.h"

static json_t *moved_json(struct json_build *b, const struct isolate_report *report)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < report->moved_count; i++) {
        const struct isolate_moved *row = &report->moved[i];
        json_t *object = json_new_object(b);

        json_put_text(b, object, "function", row->function);
        json_put_text(b, object, "routine", row->routine);
        json_put_number(b, object, "line_begin", row->line_begin);
        json_put_number(b, object, "line_end", row->line_end);
        json_put_number(b, object, "parameters", row->parameters);
        json_put_number(b, object, "exits", row->exits);
        json_put_text(b, object, "result", row->result[0] != '\0' ? row->result : NULL);
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *refused_json(struct json_build *b, const struct isolate_report *report)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < report->refused_count; i++) {
        const struct isolate_refused *row = &report->refused[i];
        json_t *object = json_new_object(b);

        json_put_text(b, object, "function", row->function);
        json_put_number(b, object, "line", row->line);
        json_put_text(b, object, "reason", row->reason);
        json_put_text(b, object, "hint", row->hint);
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *image_json(struct json_build *b, const struct isolate_image *image)
{
    json_t *object = json_new_object(b);

    json_put_number(b, object, "pageable_bytes", image->pageable_bytes);
    json_put_number(b, object, "resident_bytes", image->resident_bytes);
    json_put_number(b, object, "violations", image->violations);
    return object;
}

static json_t *check_json(struct json_build *b, const struct isolate_report *report)
{
    json_t *object;

    if (!report->checked) {
        return json_null();
    }
    object = json_new_object(b);
    json_put(b, object, "before", image_json(b, &report->before));
    json_put(b, object, "after", image_json(b, &report->after));
    return object;
}

pg_status report_isolate_json(FILE *out, const struct isolate_report *report)
{
    struct json_build build = {false};
    json_t *root = json_new_object(&build);

    json_put_text(&build, root, "schema", "pagable.isolate/1");
    json_put_text(&build, root, "file", report->file);
    json_put(&build, root, "regions", moved_json(&build, report));
    json_put(&build, root, "refusals", refused_json(&build, report));
    json_put(&build, root, "applied", json_boolean(report->applied));
    json_put(&build, root, "check", check_json(&build, report));
    json_put(&build, root, "diff", json_stringn_nocheck(report->diff, strlen(report->diff)));
    return json_finish(&build, root, out, JSON_INDENT(2));
}
