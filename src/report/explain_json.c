/* SPDX-License-Identifier: MIT */
/* Rules in full, schema pagable.explain/1. */
#include "report/json.h"

/* Texts of the table are ours: nothing to clean, and line breaks are part of a fragment. */
static void put(struct json_build *b, json_t *object, const char *key, const char *text)
{
    json_put(b, object, key, json_string(text));
}

static json_t *rule_json(struct json_build *b, const struct rule_text *text)
{
    json_t *object = json_new_object(b);

    put(b, object, "id", text->id);
    put(b, object, "severity", finding_severity_name(text->severity));
    put(b, object, "title", text->title);
    put(b, object, "document", text->document);
    put(b, object, "cause", text->cause);
    put(b, object, "fix", text->fix);
    put(b, object, "wrong", text->wrong);
    put(b, object, "right", text->right);
    return object;
}

pg_status report_rules_json(FILE *out, rule_set rules)
{
    struct json_build b = {false};
    json_t *root = json_new_object(&b);
    json_t *array = json_new_array(&b);

    json_put_text(&b, root, "schema", "pagable.explain/1");
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        if (rules & RULE_BIT(i)) {
            json_append_to(&b, array, rule_json(&b, rule_text((enum rule)i)));
        }
    }
    json_put(&b, root, "rules", array);
    return json_finish(&b, root, out, JSON_INDENT(2));
}
