/* SPDX-License-Identifier: MIT */
/*
 * The text of an error.  A formatter of its own, since the room calls nothing of a C library but
 * the memory functions; text that does not fit is cut off.
 */
#include "image/private.h"

#include <stdarg.h>

struct sink {
    char *at, *last; /* *last is kept for the terminator */
};

static void put(struct sink *sink, char c)
{
    if (sink->at < sink->last) {
        *sink->at++ = c;
    }
}

static void put_number(struct sink *sink, uint64_t value, unsigned base)
{
    char digits[20];
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) {
        put(sink, digits[--count]);
    }
}

/* Prints what the letter at *format stands for and returns the place after it. */
static const char *put_argument(struct sink *sink, const char *format, va_list *arguments)
{
    if (*format == 's') {
        for (const char *s = va_arg(*arguments, const char *); *s != '\0'; s++) {
            put(sink, *s);
        }
        return format + 1;
    }
    if (*format == 'l') {
        put_number(sink, va_arg(*arguments, unsigned long), 16);
        return format + 2;
    }
    put_number(sink, va_arg(*arguments, unsigned), *format == 'x' ? 16 : 10);
    return format + 1;
}

pg_status image_fail(struct image_error *error, pg_status status, uint64_t offset,
                     const char *format, ...)
{
    struct sink structure = {error->structure, error->structure + sizeof(error->structure) - 1};
    struct sink reason = {error->reason, error->reason + sizeof(error->reason) - 1};
    struct sink *sink = &structure;
    va_list arguments;

    error->status = status;
    error->offset = offset;
    va_start(arguments, format);
    while (*format != '\0') {
        if (sink == &structure && format[0] == ':' && format[1] == ' ') {
            sink = &reason;
            format += 2;
        } else if (*format == '%') {
            format = put_argument(sink, format + 1, &arguments);
        } else {
            put(sink, *format++);
        }
    }
    va_end(arguments);
    *structure.at = '\0';
    *reason.at = '\0';
    return status;
}
