/* SPDX-License-Identifier: MIT */
/* Private to report/: building JSON with one check for memory at the end. */
#ifndef PAGABLE_REPORT_JSON_H
#define PAGABLE_REPORT_JSON_H

#include <jansson.h>

#include "report/report.h"

/* An object or array under construction.  `failed` is set by the first thing that did not fit into
 * memory; nothing needs to be checked before the end. */
struct json_build {
    bool failed;
};

json_t *json_new_object(struct json_build *b);
json_t *json_new_array(struct json_build *b);
/* `value` is consumed; NULL sets failed. */
void json_put(struct json_build *b, json_t *object, const char *key, json_t *value);
void json_append_to(struct json_build *b, json_t *array, json_t *value);
/* A cleaned string; null for NULL. */
void json_put_text(struct json_build *b, json_t *object, const char *key, const char *text);
void json_put_number(struct json_build *b, json_t *object, const char *key, uint64_t value);
/* "0x200200001040" */
json_t *json_hex(uint64_t value);

/* A run, schema pagable.run/1.  (run_json.c) */
json_t *report_run_object(struct json_build *build, const struct run_report *report,
                          const struct resolver *resolver);

/* Print with a newline and release; PG_E_NO_MEMORY when `b` failed, PG_E_IO. */
pg_status json_finish(struct json_build *b, json_t *root, FILE *out, size_t flags);

#endif
