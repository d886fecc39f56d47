/* SPDX-License-Identifier: MIT */
/* Numbers and identifiers as text, and back. */
#include "nt/ex.h"

#include <string.h>

#define DIGITS_MAX 65u
#define GUID_UNITS 38u         /* {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx} */
#define GUID_TAG   0x64697547u /* "Guid" */

static bool base_is_valid(uint32_t base)
{
    return base == 0 || base == 2 || base == 8 || base == 10 || base == 16;
}

/* Digits of a number into the end of `text`; how many. */
static size_t digits_of(uint64_t value, uint32_t base, char text[DIGITS_MAX])
{
    size_t n = 0;

    do {
        text[DIGITS_MAX - ++n] = "0123456789ABCDEF"[value % base];
        value /= base;
    } while (value != 0);
    return n;
}

static ntstatus to_string(uint64_t value, uint32_t base, struct unicode_string *string)
{
    char text[DIGITS_MAX];
    size_t n, room;

    if (!base_is_valid(base)) {
        return STATUS_INVALID_PARAMETER;
    }
    n = digits_of(value, base == 0 ? 10 : base, text);
    machine_touch((uint64_t)string, sizeof *string, PAGER_WRITE);
    if (n * 2 > string->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    room = (n + 1) * 2 <= string->MaximumLength ? n + 1 : n;
    machine_touch((uint64_t)string->Buffer, room * 2, PAGER_WRITE);
    for (size_t i = 0; i < room; i++) {
        uint16_t unit = i < n ? (uint8_t)text[DIGITS_MAX - n + i] : 0;

        memcpy(string->Buffer + i, &unit, sizeof unit);
    }
    string->Length = (uint16_t)(n * 2);
    return STATUS_SUCCESS;
}

static ntstatus RtlIntegerToUnicodeString(uint32_t value, uint32_t base,
                                          struct unicode_string *string)
{
    return to_string(value, base, string);
}

static ntstatus RtlInt64ToUnicodeString(uint64_t value, uint32_t base,
                                        struct unicode_string *string)
{
    return to_string(value, base, string);
}

/* Value of a digit, 255 for anything else. */
static uint32_t digit_of(uint32_t character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    if (character >= 'A' && character <= 'F') {
        return character - 'A' + 10;
    }
    return 255;
}

/* The i-th character of a string, 0 beyond its end. */
struct text {
    const void *at;
    size_t count;
    bool wide;
};

static uint32_t character_at(const struct text *text, size_t index)
{
    uint16_t unit;

    if (index >= text->count) {
        return 0;
    }
    if (!text->wide) {
        return ((const uint8_t *)text->at)[index];
    }
    memcpy(&unit, (const uint16_t *)text->at + index, sizeof unit);
    return unit;
}

/* The base that the text itself names: 0x, 0o, 0b, or 10; *index goes behind it. */
static uint32_t base_of_prefix(const struct text *text, size_t *index)
{
    uint32_t base = 10;

    if (character_at(text, *index) != '0') {
        return base;
    }
    switch (character_at(text, *index + 1)) {
    case 'x':
        base = 16;
        break;
    case 'o':
        base = 8;
        break;
    case 'b':
        base = 2;
        break;
    default:
        return base;
    }
    *index += 2;
    return base;
}

/* Blanks, a sign, a prefix when no base is given, digits; stops at the first other character. */
static uint32_t parse(const struct text *text, uint32_t base)
{
    size_t index = 0;
    bool negative = false;
    uint32_t value = 0;

    while (index < text->count && character_at(text, index) <= ' ') {
        index++;
    }
    if (character_at(text, index) == '-' || character_at(text, index) == '+') {
        negative = character_at(text, index++) == '-';
    }
    if (base == 0) {
        base = base_of_prefix(text, &index);
    }
    while (digit_of(character_at(text, index)) < base) {
        value = value * base + digit_of(character_at(text, index++));
    }
    return negative ? 0 - value : value;
}

static ntstatus RtlUnicodeStringToInteger(const struct unicode_string *string, uint32_t base,
                                          uint32_t *value)
{
    struct text text;

    if (!base_is_valid(base)) {
        return STATUS_INVALID_PARAMETER;
    }
    rtl_touch_unicode(string);
    machine_touch((uint64_t)value, sizeof *value, PAGER_WRITE);
    text = (struct text){string->Buffer, string->Length / 2u, true};
    *value = parse(&text, base);
    return STATUS_SUCCESS;
}

static ntstatus RtlCharToInteger(const char *string, uint32_t base, uint32_t *value)
{
    struct text text = {string, rtl_touch_string(string), false};

    if (!base_is_valid(base)) {
        return STATUS_INVALID_PARAMETER;
    }
    machine_touch((uint64_t)value, sizeof *value, PAGER_WRITE);
    *value = parse(&text, base);
    return STATUS_SUCCESS;
}

static int32_t number_of(const char *string)
{
    struct text text = {string, rtl_touch_string(string), false};

    return (int32_t)parse(&text, 10);
}

NT_CALL3(RtlIntegerToUnicodeString, uint32_t, uint32_t, struct unicode_string *)
NT_CALL3(RtlInt64ToUnicodeString, uint64_t, uint32_t, struct unicode_string *)
NT_CALL3(RtlUnicodeStringToInteger, const struct unicode_string *, uint32_t, uint32_t *)
NT_CALL3(RtlCharToInteger, const char *, uint32_t, uint32_t *)
NT_CRT1(atoi, number_of, const char *)

/* ---- GUIDs ---- */

/* Bytes of a GUID in the order of the text: the first three members are little-endian numbers. */
static const uint8_t guid_order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static bool dash_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static ntstatus RtlStringFromGUID(const struct guid *guid, struct unicode_string *string)
{
    uint8_t bytes[sizeof *guid];
    uint16_t text[GUID_UNITS + 1];
    size_t n = 0;
    uint64_t buffer;

    machine_touch((uint64_t)guid, sizeof *guid, PAGER_READ);
    memcpy(bytes, guid, sizeof bytes);
    text[n++] = '{';
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (dash_before(i)) {
            text[n++] = '-';
        }
        text[n++] = (uint8_t) "0123456789ABCDEF"[bytes[guid_order[i]] >> 4];
        text[n++] = (uint8_t) "0123456789ABCDEF"[bytes[guid_order[i]] & 15];
    }
    text[n++] = '}';
    text[n] = 0;
    PG_ASSERT(n == GUID_UNITS);
    machine_touch((uint64_t)string, sizeof *string, PAGER_WRITE);
    buffer = ex_pool_take(POOL_PAGED, sizeof text, GUID_TAG, 0);
    if (buffer == 0) {
        return STATUS_NO_MEMORY;
    }
    machine_touch(buffer, sizeof text, PAGER_WRITE);
    memcpy(machine_pointer(buffer), text, sizeof text);
    *string = (struct unicode_string){GUID_UNITS * 2, sizeof text, machine_pointer(buffer)};
    return STATUS_SUCCESS;
}

static bool parse_guid(const struct text *text, uint8_t bytes[16])
{
    size_t at = 1;

    if (character_at(text, 0) != '{' || character_at(text, GUID_UNITS - 1) != '}') {
        return false;
    }
    for (size_t i = 0; i < 16; i++) {
        uint32_t high, low;

        if (dash_before(i) && character_at(text, at++) != '-') {
            return false;
        }
        high = digit_of(character_at(text, at++));
        low = digit_of(character_at(text, at++));
        if (high > 15 || low > 15) {
            return false;
        }
        bytes[guid_order[i]] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static ntstatus RtlGUIDFromString(const struct unicode_string *string, struct guid *guid)
{
    uint8_t bytes[16];
    struct text text;

    rtl_touch_unicode(string);
    machine_touch((uint64_t)guid, sizeof *guid, PAGER_WRITE);
    text = (struct text){string->Buffer, string->Length / 2u, true};
    if (!parse_guid(&text, bytes)) {
        return STATUS_INVALID_PARAMETER;
    }
    memcpy(guid, bytes, sizeof *guid);
    return STATUS_SUCCESS;
}

NT_CALL2(RtlStringFromGUID, const struct guid *, struct unicode_string *)
NT_CALL2(RtlGUIDFromString, const struct unicode_string *, struct guid *)
