/* SPDX-License-Identifier: MIT */
/* Upper and lower case of UTF-16 units.  Surrogates have none. */
#include "nt/ex.h"

#include "nt/rtl_case_table.h"

static const struct {
    uint16_t first, last;
    uint16_t step;
    int32_t delta;
} ranges[] = {
#define RANGE(first, last, step, delta) {first, last, step, delta},
    RTL_CASE_RANGES(RANGE)
#undef RANGE
};
#define RANGES (sizeof ranges / sizeof *ranges)

uint16_t rtl_upcase(uint16_t character)
{
    if (character < 0x80) {
        return character >= 'a' && character <= 'z' ? (uint16_t)(character - 0x20) : character;
    }
    for (size_t i = 0; i < RANGES && ranges[i].first <= character; i++) {
        if (character <= ranges[i].last && (character - ranges[i].first) % ranges[i].step == 0) {
            return (uint16_t)(character + ranges[i].delta);
        }
    }
    return character;
}

uint16_t rtl_downcase(uint16_t character)
{
    if (character < 0x80) {
        return character >= 'A' && character <= 'Z' ? (uint16_t)(character + 0x20) : character;
    }
    for (size_t i = 0; i < RANGES; i++) {
        int32_t lower = character - ranges[i].delta;

        if (lower >= ranges[i].first && lower <= ranges[i].last &&
            (lower - ranges[i].first) % ranges[i].step == 0) {
            return (uint16_t)lower;
        }
    }
    return character;
}

static uint16_t RtlUpcaseUnicodeChar(uint16_t character)
{
    return rtl_upcase(character);
}

static uint16_t RtlDowncaseUnicodeChar(uint16_t character)
{
    return rtl_downcase(character);
}

static uint8_t RtlUpperChar(uint8_t character)
{
    return rtl_to_ansi(rtl_upcase(rtl_from_ansi(character)));
}

static int32_t upper_ascii(int32_t character)
{
    return character >= 'a' && character <= 'z' ? character - 0x20 : character;
}

static int32_t lower_ascii(int32_t character)
{
    return character >= 'A' && character <= 'Z' ? character + 0x20 : character;
}

NT_CALL1(RtlUpcaseUnicodeChar, uint16_t)
NT_CALL1(RtlDowncaseUnicodeChar, uint16_t)
NT_CALL1(RtlUpperChar, uint8_t)
NT_CRT1(towlower, rtl_downcase, uint16_t)
NT_CRT1(towupper, rtl_upcase, uint16_t)
NT_CRT1(toupper, upper_ascii, int32_t)
NT_CRT1(tolower, lower_ascii, int32_t)
