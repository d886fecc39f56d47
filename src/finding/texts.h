/* SPDX-License-Identifier: MIT */
/* Private to finding/: the texts of the rules, indexed by enum rule (texts.c). */
#ifndef PAGABLE_FINDING_TEXTS_H
#define PAGABLE_FINDING_TEXTS_H

#include "finding/rules.h"

extern const struct rule_text rule_texts[RULE_COUNT];

#endif
