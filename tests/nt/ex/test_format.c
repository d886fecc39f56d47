/* SPDX-License-Identifier: MIT */
/* NT's printf.  Expected texts: Microsoft's documented conversions. */
#include "computer.h"

#include <stdio.h>
#include <string.h>

static char text[2048];

/* Into bytes of ANSI, through the measuring pass too. */
static const char *narrow(const char *format, const uint64_t *arguments)
{
    struct rtl_sink count = {0};
    struct rtl_sink sink = {.memory = (uint8_t *)text, .capacity = sizeof text - 1};
    const char *guest = guest_text(format);

    rtl_format(&count, false, guest, arguments, false);
    rtl_format(&sink, false, guest, arguments, false);
    ck_assert_uint_eq(count.units, sink.units);
    ck_assert_uint_lt(sink.units, sizeof text);
    text[sink.units] = '\0';
    return text;
}
#define FORMAT(format, ...) narrow(format, (const uint64_t[]){__VA_ARGS__})

START_TEST(integers_as_c_has_them)
{
    static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-0", "+0", "#0", "-#"};
    static const char *const sizes[] = {"", "8", "20", ".0", ".3", "8.3", "3.8", "20.12"};
    static const int values[] = {0, 1, -1, 7, -12345, 2147483647, -2147483647 - 1};
    char format[32], expected[128];

    computer_start();
    for (size_t f = 0; f < sizeof flags / sizeof *flags; f++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t c = 0; c < 5; c++) {
                for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                    char conversion = "duoxX"[c];

                    snprintf(format, sizeof format, "%%%s%s%c", flags[f], sizes[s], conversion);
                    /* The host's C library agrees where C says what happens; # with o is a prefix
                     * of its own for Microsoft, and not compared. */
                    if (strchr(format, '#') != NULL && conversion == 'o') {
                        continue;
                    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                    snprintf(expected, sizeof expected, format, values[v]);
#pragma GCC diagnostic pop
                    ck_assert_msg(strcmp(FORMAT(format, (uint32_t)values[v]), expected) == 0,
                                  "%s of %d: [%s], expected [%s]", format, values[v], text,
                                  expected);
                }
            }
        }
    }
}
END_TEST

START_TEST(lengths)
{
    computer_start();
    ck_assert_str_eq(FORMAT("%ld %lu", 0xffffffffull, 0x1ffffffffull), "-1 4294967295");
    ck_assert_str_eq(FORMAT("%lld %I64d %Id", UINT64_MAX, UINT64_MAX, UINT64_MAX), "-1 -1 -1");
    ck_assert_str_eq(FORMAT("%llx %I64x %I64X %Ix", 0x123456789abull, 0x123456789abull,
                            0x123456789abull, 0x123456789abull),
                     "123456789ab 123456789ab 123456789AB 123456789ab");
    ck_assert_str_eq(FORMAT("%I32d %I32u", 0x1fffffffeull, 0x1fffffffeull), "-2 4294967294");
    ck_assert_str_eq(FORMAT("%hd %hu %hhd", 0x1ffff, 0x1ffff, 0x1ff), "-1 65535 -1");
    ck_assert_str_eq(FORMAT("%zu %zx", 1ull << 40, 1ull << 40), "1099511627776 10000000000");
    ck_assert_str_eq(FORMAT("%p", 0xfffff80012ab34cdull), "FFFFF80012AB34CD");
    ck_assert_str_eq(FORMAT("%p", 0), "0000000000000000");
    ck_assert_str_eq(FORMAT("[%20p][%-20p]", 1, 1), "[    0000000000000001][0000000000000001    ]");
    ck_assert_str_eq(FORMAT("%I64d", 0x8000000000000000ull), "-9223372036854775808");
}
END_TEST

START_TEST(strings)
{
    computer_start();
    ck_assert_str_eq(FORMAT("<%s>", SLOT(guest_text("abc"))), "<abc>");
    ck_assert_str_eq(FORMAT("<%5s><%-5s><%.2s>", SLOT(guest_text("abc")), SLOT(guest_text("abc")),
                            SLOT(guest_text("abc"))),
                     "<  abc><abc  ><ab>");
    ck_assert_str_eq(FORMAT("<%*s><%.*s><%*s>", 4, SLOT(guest_text("a")), 1,
                            SLOT(guest_text("xyz")), (uint32_t)-3, SLOT(guest_text("b"))),
                     "<   a><x><b  >");
    ck_assert_str_eq(FORMAT("<%S><%ls><%ws><%hs><%.2S>", SLOT(guest_wide("wide")),
                            SLOT(guest_wide("l")), SLOT(guest_wide("w")), SLOT(guest_text("h")),
                            SLOT(guest_wide("cut"))),
                     "<wide><l><w><h><cu>");
    ck_assert_str_eq(FORMAT("<%s><%S><%.3s><%8s>", 0, 0, 0, 0), "<(null)><(null)><(nu><  (null)>");
    ck_assert_str_eq(FORMAT("<%wZ><%Z><%.3wZ><%10wZ>", SLOT(guest_unicode("unicode", 0)),
                            SLOT(guest_ansi("ansi", 0)), SLOT(guest_unicode("unicode", 0)),
                            SLOT(guest_unicode("unicode", 0))),
                     "<unicode><ansi><uni><   unicode>");
    ck_assert_str_eq(FORMAT("<%wZ><%Z>", 0, SLOT(guest_memory(16))), "<(null)><(null)>");
    ck_assert_str_eq(FORMAT("%c%C%lc%3c", 'a', 'b', 'c', 'd'), "abc  d");
    ck_assert_str_eq(FORMAT("100%% %d%%", 7), "100% 7%");
}
END_TEST

START_TEST(what_the_kernel_does_not_have)
{
    computer_start();
    ck_assert_str_eq(FORMAT("%f|%d", 0, 5), "%f|5");
    ck_assert_str_eq(FORMAT("%5.2e|%d", 0, 5), "%5.2e|5");
    ck_assert_str_eq(FORMAT("%n|%d", 5), "%n|5");
    ck_assert_str_eq(FORMAT("%y|%d", 5), "%y|5");
    ck_assert_str_eq(FORMAT("end %", 5), "end %");
    ck_assert_str_eq(FORMAT("end %l", 5), "end %l");
    ck_assert_str_eq(FORMAT("", 5), "");
}
END_TEST

START_TEST(precision_stops_reading)
{
    char *edge;

    computer_start();
    /* Three characters and no terminator at the end of the last page of pool. */
    edge = machine_pointer(ARENA_NONPAGED + ARENA_NONPAGED_BYTES - 3);
    memcpy(edge, "end", 3);
    ck_assert_str_eq(FORMAT("<%.3s>", SLOT(edge)), "<end>");
}
END_TEST

START_TEST(characters_beyond_ascii)
{
    struct rtl_sink sink = {.utf8 = true, .memory = (uint8_t *)text, .capacity = sizeof text};
    uint16_t *wide;
    uint64_t arguments[3];

    computer_start();
    wide = guest_memory(16);
    /* a-umlaut, euro, a pair (U+1F600), half a pair */
    memcpy(wide, (const uint16_t[]){0xe4, 0x20ac, 0xd83d, 0xde00, 0xd83d, 0}, 12);
    arguments[0] = SLOT(wide);
    arguments[1] = SLOT(guest_text("\xe4\x80"));
    rtl_format(&sink, false, guest_text("%S %s"), arguments, false);
    text[sink.units] = '\0';
    ck_assert_str_eq(text, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd \xc3\xa4\xe2\x82\xac");
    ck_assert_str_eq(FORMAT("%S %s", SLOT(wide), arguments[1]), "\xe4\x80??? \xe4\x80");
}
END_TEST

/* ---- the exports ---- */

START_TEST(counted_buffers)
{
    char *buffer;

    computer_start();
    buffer = guest_memory(16);
    memset(buffer, '#', 15);
    ck_assert_int_eq(
        (int)CALL(_snprintf, SLOT(buffer), 5, SLOT(guest_text("%s")), SLOT(guest_text("abc"))), 3);
    ck_assert_str_eq(buffer, "abc");
    ck_assert_int_eq(buffer[4], '#');
    memset(buffer, '#', 15);
    ck_assert_int_eq(
        (int)CALL(_snprintf, SLOT(buffer), 3, SLOT(guest_text("%s")), SLOT(guest_text("abc"))), 3);
    ck_assert_str_eq(buffer, "abc############"); /* just fits: no terminator */
    memset(buffer, '#', 15);
    ck_assert_int_eq(
        (int)CALL(_snprintf, SLOT(buffer), 2, SLOT(guest_text("%s")), SLOT(guest_text("abc"))), -1);
    ck_assert_str_eq(buffer, "ab#############");
    ck_assert_int_eq((int)CALL(_snprintf, 0, 0, SLOT(guest_text("%d")), 12345), 5);
    ck_assert_int_eq((int)CALL(sprintf, SLOT(buffer), SLOT(guest_text("<%u>")), 42), 4);
    ck_assert_str_eq(buffer, "<42>");
}
END_TEST

START_TEST(wide_and_lists)
{
    uint16_t *buffer;
    uint64_t *list;

    computer_start();
    buffer = guest_memory(64);
    ck_assert_int_eq((int)CALL(swprintf, SLOT(buffer), SLOT(guest_wide("%s %S %d")),
                               SLOT(guest_wide("wide")), SLOT(guest_text("narrow")), 5),
                     13);
    ck_assert_str_eq(ascii_of(buffer, 14), "wide narrow 5");
    list = guest_memory(24);
    list[0] = SLOT(guest_wide("list"));
    list[1] = 9;
    ck_assert_int_eq((int)CALL(_vsnwprintf, SLOT(buffer), 5, SLOT(guest_wide("%ws%d")), SLOT(list)),
                     5);
    ck_assert_str_eq(ascii_of(buffer, 5), "list9");
    ck_assert_uint_eq(buffer[5], 'n'); /* untouched */
    ck_assert_int_eq((int)CALL(_vsnprintf, SLOT(buffer), 64, SLOT(guest_text("%ws%d")), SLOT(list)),
                     5);
    ck_assert_str_eq((char *)buffer, "list9");
}
END_TEST

Suite *suite_format(void)
{
    Suite *suite = suite_create("format");
    TCase *plain = tcase_create("plain");

    tcase_set_timeout(plain, 60);
    tcase_add_test(plain, integers_as_c_has_them);
    tcase_add_test(plain, lengths);
    tcase_add_test(plain, strings);
    tcase_add_test(plain, what_the_kernel_does_not_have);
    tcase_add_test(plain, precision_stops_reading);
    tcase_add_test(plain, characters_beyond_ascii);
    tcase_add_test(plain, counted_buffers);
    tcase_add_test(plain, wide_and_lists);
    suite_add_tcase(suite, plain);
    return suite;
}
