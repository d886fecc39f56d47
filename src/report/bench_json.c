/* SPDX-License-Identifier: MIT */
/* Results of a benchmark, schema pagable.bench/1: ratio = ours / versus, lower is better. */
#include "report/json.h"

pg_status report_bench_json(FILE *out, const struct bench_result *results, uint32_t count)
{
    struct json_build b = {false};
    json_t *root = json_new_object(&b);
    json_t *array = json_new_array(&b);

    json_put_text(&b, root, "schema", "pagable.bench/1");
    for (uint32_t i = 0; i < count; i++) {
        const struct bench_result *result = &results[i];
        json_t *object = json_new_object(&b);

        json_put_text(&b, object, "name", result->name);
        json_put(&b, object, "value", json_real(result->value));
        json_put_text(&b, object, "unit", result->unit);
        json_put_text(&b, object, "versus", result->versus);
        json_put(&b, object, "versus_value", json_real(result->versus_value));
        json_put(&b, object, "ratio", json_real(result->ratio));
        json_put_text(&b, object, "how", result->how);
        for (uint32_t k = 0; k < BENCH_FIGURES && result->figures[k].name != NULL; k++) {
            json_put(&b, object, result->figures[k].name, json_real(result->figures[k].value));
        }
        json_append_to(&b, array, object);
    }
    json_put(&b, root, "results", array);
    return json_finish(&b, root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
}
