/* SPDX-License-Identifier: MIT */
/*
 * Private to finding/: what each rule says, the source of `pagable explain` and of docs/RULES.md.
 *
 * `document` names where Microsoft's documents state the rule and restates it in our words.
 * Paragraphs are one string without line breaks; fragments of code have them.
 */
#ifndef PAGABLE_FINDING_TEXTS_H
#define PAGABLE_FINDING_TEXTS_H

#include "finding/rules.h"

/* The rules of a run come first; those that only the advisor has begin here. */
#define RUN_RULE_COUNT RULE_COULD_BE_PAGEABLE

extern const struct rule_text run_texts[RUN_RULE_COUNT];
extern const struct rule_text advisor_texts[RULE_COUNT - RUN_RULE_COUNT];

/* Id and severity of each rule under a name of its own, from the table in rules.h. */
#define RULE_HEAD(symbol, text, level)                                                             \
    static const char id_##symbol[] __attribute__((unused)) = text;                                \
    enum { severity_##symbol = FINDING_##level };
RULES(RULE_HEAD)
#undef RULE_HEAD

#define RULE_AT(index, symbol, ...)                                                                \
    [index] = {.id = id_##symbol, .severity = (enum finding_severity)severity_##symbol, __VA_ARGS__}
#define RULE(symbol, ...)         RULE_AT(RULE_##symbol, symbol, __VA_ARGS__)
#define ADVISOR_RULE(symbol, ...) RULE_AT(RULE_##symbol - RUN_RULE_COUNT, symbol, __VA_ARGS__)

#endif
