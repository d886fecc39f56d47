/* SPDX-License-Identifier: MIT */
/* Private to source/: what the files of the rules share. */
#ifndef PAGABLE_SOURCE_RULES_H
#define PAGABLE_SOURCE_RULES_H

#include "source/source.h"
#include "source/unit.h"

#define LOCKED_MAX 64u

struct check {
    const struct unit *unit;
    const char *file; /* in the builder's memory */
    rule_set rules;
    struct advice_builder *builder;
    struct range locked[LOCKED_MAX]; /* sections that the file locks; those beyond are not known */
    uint32_t locked_count;
};

/* The text of a range, in the builder's memory. */
const char *check_text(struct check *check, struct range range);
/* Report; `f` NULL: at file scope.  `condition`: what the file does not say and it depends on;
 * NULL: nothing, it is definite. */
void check_report(struct check *check, enum rule rule, const struct function *f, uint32_t line,
                  const char *message, const char *condition);

/* rules_pragma.c: linkage, order and names of sections. */
void check_pragmas(struct check *check);

#endif
