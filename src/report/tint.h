/* SPDX-License-Identifier: MIT */
/* Private to report/: colours of text for people. */
#ifndef PAGABLE_REPORT_TINT_H
#define PAGABLE_REPORT_TINT_H

#include <stdbool.h>

#include "finding/finding.h"

enum tint { PLAIN, BOLD, RED, YELLOW, CYAN };

/* What switches a terminal to it; "" without colours. */
const char *tint_code(bool colour, enum tint which);
enum tint tint_of(enum finding_severity severity);

#endif
