/* SPDX-License-Identifier: MIT */
/* Ends the process after a failed assertion; writes with no stdio so that any stack will do. */
#include "base/assert.h"

#include <string.h>
#include <unistd.h>

static void put(const char *text)
{
    ssize_t n = write(STDERR_FILENO, text, strlen(text));

    (void)n; /* nothing is left to do about a closed stderr */
}

_Noreturn void assert_failed(const char *expression, const char *file, int line,
                             const char *function)
{
    char digits[12];
    int i = (int)sizeof digits - 1;

    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + line % 10);
        line /= 10;
    } while (line > 0 && i > 0);
    put("pagable: internal error: ");
    put(expression);
    put(" is false at ");
    put(file);
    put(":");
    put(&digits[i]);
    put(" in ");
    put(function);
    put("\npagable: this is a defect of pagable, not of the driver\n");
    _exit(EXIT_OUR_FAULT);
}
