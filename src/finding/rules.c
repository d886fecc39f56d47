/* SPDX-License-Identifier: MIT */
/* Texts of the rules and look-up by id: everything comes from the table in rules.h. */
#include "finding/rules.h"

#include <stddef.h>
#include <string.h>

#include "base/assert.h"

_Static_assert(RULE_COUNT <= 64, "a rule_set has 64 bits");

static const struct rule_text texts[RULE_COUNT] = {
#define RULE_ROW(symbol, id, severity, title, fix)                                                 \
    [RULE_##symbol] = {id, title, fix, FINDING_##severity},
    RULES(RULE_ROW)
#undef RULE_ROW
};

const struct rule_text *rule_text(enum rule rule)
{
    PG_ASSERT((unsigned)rule < RULE_COUNT);
    return &texts[rule];
}

static bool find(const char *id, size_t length, enum rule *out)
{
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        if (strlen(texts[i].id) == length && memcmp(texts[i].id, id, length) == 0) {
            *out = (enum rule)i;
            return true;
        }
    }
    return false;
}

bool rule_by_id(const char *id, enum rule *out)
{
    return find(id, strlen(id), out);
}

const char *finding_severity_name(enum finding_severity severity)
{
    switch (severity) {
    case FINDING_NOTE:
        return "note";
    case FINDING_WARNING:
        return "warning";
    case FINDING_ERROR:
        return "error";
    }
    return "unknown";
}

bool rule_set_parse(const char *text, rule_set *out, const char **bad, int *bad_length)
{
    rule_set set = RULE_SET_ALWAYS;

    if (strcmp(text, "all") == 0) {
        *out = RULE_SET_ALL;
        return true;
    }
    if (strcmp(text, "none") == 0) {
        *out = set;
        return true;
    }
    for (;;) {
        size_t length = strcspn(text, ",");
        enum rule rule;

        if (!find(text, length, &rule)) {
            *bad = text;
            *bad_length = (int)length;
            return false;
        }
        set |= RULE_BIT(rule);
        if (text[length] == '\0') {
            *out = set;
            return true;
        }
        text += length + 1;
    }
}
