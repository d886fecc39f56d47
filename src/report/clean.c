/* SPDX-License-Identifier: MIT */
/* Strings from files and drivers, made fit for a terminal and for JSON. */
#include <string.h>

#include "report/report.h"

/* Length of the well-formed UTF-8 sequence at `s`, 0 when there is none (RFC 3629). */
static size_t sequence(const unsigned char *s)
{
    uint32_t value;
    size_t length;

    if (s[0] < 0x80) {
        return s[0] >= 0x20 && s[0] != 0x7f ? 1 : 0;
    }
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        length = 2;
        value = s[0] & 0x1fu;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        length = 3;
        value = s[0] & 0x0fu;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        length = 4;
        value = s[0] & 0x07u;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) { /* also ends at the terminator */
            return 0;
        }
        value = value << 6 | (s[i] & 0x3fu);
    }
    if (length == 2 && value < 0xa0) { /* C1 control characters steer terminals too */
        return 0;
    }
    if (length == 3 && (value < 0x800 || (value >= 0xd800 && value <= 0xdfff))) {
        return 0;
    }
    return length == 4 && (value < 0x10000 || value > 0x10ffff) ? 0 : length;
}

const char *report_clean(char *buffer, size_t size, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;

    if (text == NULL) {
        text = "";
    }
    while (*text != '\0') {
        const unsigned char *s = (const unsigned char *)text;
        size_t length = sequence(s);
        size_t needed = length != 0 ? length : 4;

        if (used + needed >= size) {
            break;
        }
        if (length != 0) {
            memcpy(&buffer[used], text, length);
        } else {
            buffer[used] = '\\';
            buffer[used + 1] = 'x';
            buffer[used + 2] = digits[s[0] >> 4];
            buffer[used + 3] = digits[s[0] & 15];
        }
        used += needed;
        text += length != 0 ? length : 1;
    }
    buffer[used] = '\0';
    return buffer;
}

const char *report_base_name(char *buffer, size_t size, const char *module)
{
    char *dot;

    report_clean(buffer, size, module);
    dot = strrchr(buffer, '.');
    if (dot != NULL && dot != buffer) {
        *dot = '\0';
    }
    return buffer;
}

bool report_symbol(char *buffer, size_t size, const struct resolver *resolver,
                   const struct code_place *place, bool returns, struct resolved_place *known)
{
    struct resolved_place found = {0};
    char module[64], function[256];

    if (known != NULL) {
        *known = found;
    }
    if (place->module[0] == '\0') {
        (void)snprintf(buffer, size, "0x%llx", (unsigned long long)place->rva);
        return false;
    }
    report_base_name(module, sizeof module, place->module);
    if (!resolver->place(resolver->context, place, returns, &found)) {
        (void)snprintf(buffer, size, "%s+0x%llx", module, (unsigned long long)place->rva);
        return false;
    }
    (void)snprintf(buffer, size, "%s!%s+0x%x", module, CLEAN(function, found.function),
                   found.offset);
    if (known != NULL) {
        *known = found;
    }
    return true;
}

bool report_same_place(const struct code_place *a, const struct code_place *b)
{
    return a->rva == b->rva && strcmp(a->module, b->module) == 0;
}

bool report_returns(const struct code_place *place, const struct code_place *frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (report_same_place(place, &frames[i])) {
            return i > 0;
        }
    }
    return false;
}

const char *report_irql_name(unsigned irql)
{
    switch (irql) {
    case 0:
        return "PASSIVE_LEVEL";
    case 1:
        return "APC_LEVEL";
    case 2:
        return "DISPATCH_LEVEL";
    case 12:
        return "SYNCH_LEVEL";
    case 13:
        return "CLOCK_LEVEL";
    case 14:
        return "IPI_LEVEL";
    case 15:
        return "HIGH_LEVEL";
    default:
        return irql < 12 ? "device level" : "no level of x64";
    }
}
