/* SPDX-License-Identifier: MIT */
/*
 * What a run saw, joined with advice.  The report of the run is input like any other: every key may
 * be missing or of another kind.
 */
#include "report/advice.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/host.h"
#include "report/json.h"

struct observation {
    enum rule rule;
    const char *module, *function; /* of `document`; NULL: not known */
    int64_t rva;                   /* -1: not known */
};

struct observed {
    json_t *document;
    uint32_t count;
    struct observation items[];
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* False: not of a rule that this version has. */
static bool read_one(const json_t *finding, struct observation *out)
{
    const json_t *rva = json_object_get(finding, "rva");
    const char *rule = text_of(finding, "rule");

    out->module = text_of(finding, "module");
    out->function = text_of(finding, "function");
    out->rva = json_is_integer(rva) ? json_integer_value(rva) : -1;
    return rule != NULL && rule_by_id(rule, &out->rule);
}

pg_status observed_read(const char *text, size_t bytes, char reason[OBSERVED_REASON_BYTES],
                        struct observed **out)
{
    json_error_t error;
    json_t *document = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    const json_t *findings = json_object_get(document, "findings");
    const char *schema = text_of(document, "schema");

    *out = NULL;
    if (document == NULL) {
        (void)snprintf(reason, OBSERVED_REASON_BYTES, "line %d: %.120s", error.line, error.text);
        return json_error_code(&error) == json_error_out_of_memory ? PG_E_NO_MEMORY : PG_E_FORMAT;
    }
    if (schema == NULL || strcmp(schema, "pagable.run/1") != 0 || !json_is_array(findings)) {
        (void)snprintf(reason, OBSERVED_REASON_BYTES,
                       "not a report of `pagable run --json`, schema pagable.run/1");
        json_decref(document);
        return PG_E_FORMAT;
    }
    *out = host.allocate(sizeof **out + json_array_size(findings) * sizeof(*out)->items[0]);
    if (*out == NULL) {
        json_decref(document);
        return PG_E_NO_MEMORY;
    }
    (*out)->document = document;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        (*out)->count += read_one(json_array_get(findings, i), &(*out)->items[(*out)->count]);
    }
    return PG_OK;
}

void observed_close(struct observed *observed)
{
    if (observed != NULL) {
        json_decref(observed->document);
        host.release(observed);
    }
}

static bool same(const struct observation *seen, const struct advice_finding *finding)
{
    const struct advice_place *place = &finding->place;

    return seen->rule == finding->rule && ((place->rva != 0 && seen->rva == place->rva) ||
                                           (seen->function != NULL && place->function[0] != '\0' &&
                                            strcmp(seen->function, place->function) == 0));
}

uint32_t observed_join(const struct observed *observed, const char *module, struct advice *advice)
{
    uint32_t alone = 0;

    for (uint32_t i = 0; i < observed->count; i++) {
        const struct observation *seen = &observed->items[i];
        bool any = false;

        if (seen->module == NULL || strcasecmp(seen->module, module) != 0) {
            continue;
        }
        for (uint32_t k = 0; k < advice->finding_count; k++) {
            if (same(seen, &advice->findings[k])) {
                advice->findings[k].observed = any = true;
            }
        }
        alone += !any;
    }
    return alone;
}
