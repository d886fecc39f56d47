/* SPDX-License-Identifier: MIT */
/* Building JSON: the only file besides the *_json.c that knows jansson. */
#include "report/json.h"

#include <inttypes.h>

json_t *json_new_object(struct json_build *b)
{
    json_t *object = json_object();

    b->failed = b->failed || object == NULL;
    return object;
}

json_t *json_new_array(struct json_build *b)
{
    json_t *array = json_array();

    b->failed = b->failed || array == NULL;
    return array;
}

/* The *_new functions of jansson refuse NULL for either argument, and release the value. */
void json_put(struct json_build *b, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) {
        b->failed = true;
    }
}

void json_append_to(struct json_build *b, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) {
        b->failed = true;
    }
}

void json_put_text(struct json_build *b, json_t *object, const char *key, const char *text)
{
    char clean[1024];

    json_put(b, object, key, text != NULL ? json_string(CLEAN(clean, text)) : json_null());
}

/* What does not fit into JSON's integers (as most readers have them) has no business being a
 * number: callers pass sizes, counts and rvas; counters saturate. */
void json_put_number(struct json_build *b, json_t *object, const char *key, uint64_t value)
{
    json_put(b, object, key, json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX));
}

json_t *json_hex(uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "0x%" PRIx64, value);
    return json_string(text);
}

pg_status json_finish(struct json_build *b, json_t *root, FILE *out, size_t flags)
{
    pg_status status = PG_OK;

    if (b->failed || root == NULL) {
        status = PG_E_NO_MEMORY;
    } else if (json_dumpf(root, out, flags) != 0 || fputc('\n', out) == EOF || fflush(out) != 0) {
        status = PG_E_IO;
    }
    json_decref(root);
    return status;
}
