/* SPDX-License-Identifier: MIT */
/*
 * The C library's strings, as the kernel exports them.  One set of algorithms over strings of bytes
 * and of 16-bit units; a character is touched when its page is first reached, and nothing beyond
 * the terminator is.
 */
#include "nt/ex.h"

#include <string.h>

/* A string that is read or written from its start to its end. */
struct cursor {
    uint64_t at;
    bool wide;
    uint64_t touched; /* page of the last touch, with its low bit set */
    enum pager_access access;
};

static struct cursor reading(const void *string, bool wide)
{
    return (struct cursor){(uint64_t)string, wide, 0, PAGER_READ};
}

static struct cursor writing(void *string, bool wide)
{
    return (struct cursor){(uint64_t)string, wide, 0, PAGER_WRITE};
}

static void reach(struct cursor *cursor)
{
    uint64_t last = cursor->at + (cursor->wide ? 1 : 0);
    uint64_t page = (last & ~(uint64_t)(PG_PAGE_SIZE - 1)) | 1;

    if (page != cursor->touched) {
        machine_touch(cursor->at, last - cursor->at + 1, cursor->access);
        cursor->touched = page;
    }
}

static uint32_t peek(struct cursor *cursor)
{
    uint16_t unit;

    reach(cursor);
    if (!cursor->wide) {
        return *(const uint8_t *)cursor->at;
    }
    memcpy(&unit, machine_pointer(cursor->at), sizeof unit);
    return unit;
}

static void advance(struct cursor *cursor)
{
    cursor->at += cursor->wide ? 2 : 1;
}

static uint32_t next(struct cursor *cursor)
{
    uint32_t character = peek(cursor);

    advance(cursor);
    return character;
}

static void put(struct cursor *cursor, uint32_t character)
{
    uint16_t unit = (uint16_t)character;

    reach(cursor);
    if (cursor->wide) {
        memcpy(machine_pointer(cursor->at), &unit, sizeof unit);
    } else {
        *(uint8_t *)cursor->at = (uint8_t)character;
    }
    advance(cursor);
}

static uint32_t lower(uint32_t character, bool wide)
{
    if (wide) {
        return rtl_downcase((uint16_t)character);
    }
    return character >= 'A' && character <= 'Z' ? character + 0x20 : character;
}

/* ---- algorithms ---- */

static size_t length(const void *string, bool wide)
{
    return wide ? rtl_touch_wide(string) : rtl_touch_string(string);
}

static int32_t compare(const void *a, const void *b, size_t limit, bool wide, bool fold)
{
    struct cursor left = reading(a, wide), right = reading(b, wide);

    for (size_t i = 0; i < limit; i++) {
        uint32_t x = next(&left), y = next(&right);

        if (fold) {
            x = lower(x, wide);
            y = lower(y, wide);
        }
        if (x != y) {
            return x < y ? -1 : 1;
        }
        if (x == 0) {
            break;
        }
    }
    return 0;
}

static void *copy(void *to, const void *from, bool wide)
{
    struct cursor in = reading(from, wide), out = writing(to, wide);
    uint32_t character;

    do {
        character = next(&in);
        put(&out, character);
    } while (character != 0);
    return to;
}

/* strncpy: always `limit` characters, zeroes behind the end of the source. */
static void *copy_n(void *to, const void *from, size_t limit, bool wide)
{
    struct cursor in = reading(from, wide), out = writing(to, wide);
    uint32_t character = 1;

    for (size_t i = 0; i < limit; i++) {
        if (character != 0) {
            character = next(&in);
        }
        put(&out, character);
    }
    return to;
}

/* strncat: at most `limit` characters and a terminator. */
static void *append(void *to, const void *from, size_t limit, bool wide)
{
    struct cursor in = reading(from, wide);
    struct cursor out = writing((uint8_t *)to + length(to, wide) * (wide ? 2 : 1), wide);
    uint32_t character;

    for (size_t i = 0; i < limit && (character = next(&in)) != 0; i++) {
        put(&out, character);
    }
    put(&out, 0);
    return to;
}

static uint64_t find(const void *string, uint32_t wanted, bool wide, bool last)
{
    struct cursor in = reading(string, wide);
    uint64_t found = 0;

    for (;;) {
        uint64_t at = in.at;
        uint32_t character = next(&in);

        if (character == wanted) {
            found = at;
            if (!last) {
                break;
            }
        }
        if (character == 0) {
            break;
        }
    }
    return found;
}

static bool starts_with(const void *string, const void *prefix, bool wide)
{
    struct cursor a = reading(string, wide), b = reading(prefix, wide);

    for (;;) {
        uint32_t wanted = next(&b);

        if (wanted == 0) {
            return true;
        }
        if (next(&a) != wanted) {
            return false;
        }
    }
}

static uint64_t find_string(const void *string, const void *part, bool wide)
{
    for (struct cursor in = reading(string, wide);; advance(&in)) {
        if (starts_with(machine_pointer(in.at), part, wide)) {
            return in.at;
        }
        if (peek(&in) == 0) {
            return 0;
        }
    }
}

/* strspn and strcspn: how far all (or no) characters are of the set. */
static size_t span(const void *string, const void *set, bool wide, bool of_set)
{
    struct cursor in = reading(string, wide);
    size_t n = 0;
    uint32_t character;

    while ((character = next(&in)) != 0 && (find(set, character, wide, false) != 0) == of_set) {
        n++;
    }
    return n;
}

/* strupr, strlwr, in place. */
static void *map_case(void *string, bool wide, bool upper)
{
    struct cursor in = reading(string, wide), out = writing(string, wide);
    uint32_t character;

    while ((character = next(&in)) != 0) {
        if (wide) {
            put(&out, upper ? rtl_upcase((uint16_t)character) : rtl_downcase((uint16_t)character));
        } else if (upper) {
            put(&out, character >= 'a' && character <= 'z' ? character - 0x20 : character);
        } else {
            put(&out, lower(character, false));
        }
    }
    return string;
}

#define WITH(function, ...) function(__VA_ARGS__)
#define P(i)                ((void *)a[i])
#define ROUTINE(name, ...)                                                                         \
    uint64_t call_##name(const uint64_t *a)                                                        \
    {                                                                                              \
        return (uint64_t)WITH(__VA_ARGS__);                                                        \
    }

ROUTINE(strlen, length, P(0), false)
ROUTINE(wcslen, length, P(0), true)
ROUTINE(strcmp, compare, P(0), P(1), SIZE_MAX, false, false)
ROUTINE(wcscmp, compare, P(0), P(1), SIZE_MAX, true, false)
ROUTINE(strncmp, compare, P(0), P(1), a[2], false, false)
ROUTINE(wcsncmp, compare, P(0), P(1), a[2], true, false)
ROUTINE(_stricmp, compare, P(0), P(1), SIZE_MAX, false, true)
ROUTINE(_wcsicmp, compare, P(0), P(1), SIZE_MAX, true, true)
ROUTINE(_strnicmp, compare, P(0), P(1), a[2], false, true)
ROUTINE(_wcsnicmp, compare, P(0), P(1), a[2], true, true)
ROUTINE(strcpy, copy, P(0), P(1), false)
ROUTINE(wcscpy, copy, P(0), P(1), true)
ROUTINE(strncpy, copy_n, P(0), P(1), a[2], false)
ROUTINE(wcsncpy, copy_n, P(0), P(1), a[2], true)
ROUTINE(strcat, append, P(0), P(1), SIZE_MAX, false)
ROUTINE(wcscat, append, P(0), P(1), SIZE_MAX, true)
ROUTINE(strncat, append, P(0), P(1), a[2], false)
ROUTINE(wcsncat, append, P(0), P(1), a[2], true)
ROUTINE(strchr, find, P(0), (uint8_t)a[1], false, false)
ROUTINE(wcschr, find, P(0), (uint16_t)a[1], true, false)
ROUTINE(strrchr, find, P(0), (uint8_t)a[1], false, true)
ROUTINE(wcsrchr, find, P(0), (uint16_t)a[1], true, true)
ROUTINE(strstr, find_string, P(0), P(1), false)
ROUTINE(wcsstr, find_string, P(0), P(1), true)
ROUTINE(strspn, span, P(0), P(1), false, true)
ROUTINE(wcsspn, span, P(0), P(1), true, true)
ROUTINE(strcspn, span, P(0), P(1), false, false)
ROUTINE(_strupr, map_case, P(0), false, true)
ROUTINE(_strlwr, map_case, P(0), false, false)
ROUTINE(_wcsupr, map_case, P(0), true, true)
ROUTINE(_wcslwr, map_case, P(0), true, false)
