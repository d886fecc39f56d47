/* SPDX-License-Identifier: MIT */
/* Colours of text for people. */
#include "report/tint.h"

const char *tint_code(bool colour, enum tint which)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[1;31m", "\033[1;33m",
                                        "\033[36m"};

    return colour ? codes[which] : "";
}

enum tint tint_of(enum finding_severity severity)
{
    return severity == FINDING_ERROR ? RED : severity == FINDING_WARNING ? YELLOW : CYAN;
}
