/* SPDX-License-Identifier: MIT */
/* What goes wrong on the way, told on stderr; and whether a terminal wants colour. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

void complain(const char *hint, const char *format, ...)
{
    char line[8192], clean[16384]; /* room for the longest path and a reason */
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "pagable: %s\n", report_clean(clean, sizeof clean, line));
    if (hint != NULL) {
        fprintf(stderr, "hint: %s\n", hint);
    }
}

const char *hint_for(pg_status status)
{
    switch (status) {
    case PG_E_TRUNCATED:
        return "the file seems to be cut short; copy or build it again";
    case PG_E_FORMAT:
    case PG_E_OVERLAP:
        return "the file is damaged, or it is not a driver";
    case PG_E_UNSUPPORTED:
        return "pagable takes drivers for x64 Windows: PE32+ images, usually *.sys";
    case PG_E_CHANGED:
        return "the file changed while it was used; run again";
    case PG_E_IO:
        return "the file could be opened but not read; see the file system";
    default:
        return NULL;
    }
}

int finish_output(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        complain(NULL, "standard output: %s", strerror(errno));
        return EXIT_OURS;
    }
    return code;
}

/* Value of a variable; "" when there is none. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

/* NO_COLOR wins, then CLICOLOR_FORCE, then whether somebody is looking. */
bool wants_colour(FILE *out)
{
    const char *force = variable("CLICOLOR_FORCE");

    if (variable("NO_COLOR")[0] != '\0') {
        return false;
    }
    if (force[0] != '\0' && strcmp(force, "0") != 0) {
        return true;
    }
    return isatty(fileno(out)) == 1;
}
