/* SPDX-License-Identifier: MIT */
/* Look-up of rules by number, by id, by nearly the id, and sets of them. */
#include "finding/finding.h"

#include <string.h>

#include "base/assert.h"
#include "finding/texts.h"

_Static_assert(RULE_COUNT <= 64, "a rule_set has 64 bits");

const struct rule_text *rule_text(enum rule rule)
{
    PG_ASSERT((unsigned)rule < RULE_COUNT);
    return rule < RUN_RULE_COUNT ? &run_texts[rule] : &advisor_texts[rule - RUN_RULE_COUNT];
}

static bool find(const char *id, size_t length, enum rule *out)
{
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        const char *known = rule_text((enum rule)i)->id;

        if (strlen(known) == length && memcmp(known, id, length) == 0) {
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

/* ---- nearly an id ---- */

#define WORD_MAX 40u

/* Letters to insert, drop or change to make `b` of `a`; WORD_MAX for words that are too long. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t length = strlen(b);

    if (strlen(a) > WORD_MAX || length > WORD_MAX) {
        return WORD_MAX;
    }
    for (unsigned j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            unsigned above = row[j];
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned step = (above < row[j - 1] ? above : row[j - 1]) + 1;

            row[j] = change < step ? change : step;
            diagonal = above;
        }
    }
    return row[length];
}

/* A part of an id ("spin-lock") is nearer than any slip of the fingers. */
static unsigned unlikeness(const char *word, const char *id)
{
    unsigned letters = distance(word, id);

    return word[0] != '\0' && strstr(id, word) != NULL ? 0 : letters;
}

size_t rule_nearest(const char *word, enum rule *out, size_t max)
{
    unsigned limit = (unsigned)strlen(word) / 3 + 1;
    size_t count = 0;

    for (unsigned wanted = 0; wanted <= limit && wanted < WORD_MAX; wanted++) {
        for (unsigned i = 0; i < RULE_COUNT && count < max; i++) {
            if (unlikeness(word, rule_text((enum rule)i)->id) == wanted) {
                out[count++] = (enum rule)i;
            }
        }
    }
    return count;
}

/* ---- names, and sets ---- */

const char *finding_lock_name(enum finding_lock what)
{
    static const char *const names[] = {
        [FINDING_LOCK] = "lock",
        [FINDING_LOCK_BY_HANDLE] = "lock-by-handle",
        [FINDING_UNLOCK] = "unlock",
        [FINDING_PAGE_ENTIRE] = "page-entire",
        [FINDING_RESET_PAGING] = "reset-paging",
    };

    return (unsigned)what < sizeof names / sizeof *names ? names[what] : "unknown";
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

/* The part of a word that is an id: "all" is followed by ids to leave out. */
static bool find_word(const char *word, size_t length, bool leave_out, enum rule *out)
{
    if (!leave_out) {
        return find(word, length, out);
    }
    return length > 0 && word[0] == '-' && find(word + 1, length - 1, out);
}

bool rule_set_parse(const char *text, rule_set *out, const char **bad, int *bad_length)
{
    bool all = strncmp(text, "all", 3) == 0 && (text[3] == '\0' || text[3] == ',');
    rule_set set = all ? RULE_SET_ALL : RULE_SET_ALWAYS;

    if (strcmp(text, "all") == 0 || strcmp(text, "none") == 0) {
        *out = set;
        return true;
    }
    for (const char *word = all ? text + 4 : text;;) {
        size_t length = strcspn(word, ",");
        enum rule rule;

        if (!find_word(word, length, all, &rule)) {
            *bad = word;
            *bad_length = (int)length;
            return false;
        }
        set = all ? set & ~RULE_BIT(rule) : set | RULE_BIT(rule);
        if (word[length] == '\0') {
            *out = set | RULE_SET_ALWAYS;
            return true;
        }
        word += length + 1;
    }
}
