/* SPDX-License-Identifier: MIT */
/* Counted and terminated strings, case, code pages, memory. */
#include "computer.h"

#include <string.h>

START_TEST(case_pairs)
{
    computer_start();
    for (uint32_t c = 0; c < 0x10000; c++) {
        uint16_t upper = rtl_upcase((uint16_t)c), lower = rtl_downcase((uint16_t)c);

        if (rtl_upcase(upper) != upper || rtl_downcase(lower) != lower ||
            (upper != c && rtl_downcase(upper) != c) || (lower != c && rtl_upcase(lower) != c)) {
            ck_abort_msg("case of U+%04X", c);
        }
    }
    ck_assert_uint_eq(rtl_upcase(0xe4), 0xc4);
    ck_assert_uint_eq(rtl_upcase(0xff), 0x178);
    ck_assert_uint_eq(rtl_upcase(0x3b1), 0x391);
    ck_assert_uint_eq(rtl_upcase(0x44f), 0x42f);
    ck_assert_uint_eq(rtl_upcase(0xdf), 0xdf);
    ck_assert_uint_eq(rtl_upcase(0xd83d), 0xd83d);
}
END_TEST

START_TEST(code_pages)
{
    computer_start();
    for (unsigned c = 0; c < 256; c++) {
        ck_assert_uint_eq(rtl_to_ansi(rtl_from_ansi((uint8_t)c)), c);
        ck_assert_uint_eq(rtl_to_oem(rtl_from_oem((uint8_t)c)), c);
    }
    ck_assert_uint_eq(rtl_from_ansi(0x80), 0x20ac);
    ck_assert_uint_eq(rtl_from_oem(0x80), 0xc7);
    ck_assert_uint_eq(rtl_to_ansi(0x3b1), '?');
}
END_TEST

START_TEST(unicode_strings)
{
    struct unicode_string *s, *t;

    computer_start();
    s = guest_memory(sizeof *s);
    CALL(RtlInitUnicodeString, SLOT(s), SLOT(guest_wide("Hello")));
    ck_assert_uint_eq(s->Length, 10);
    ck_assert_uint_eq(s->MaximumLength, 12);
    CALL(RtlInitUnicodeString, SLOT(s), 0);
    ck_assert_uint_eq(s->Length + s->MaximumLength, 0);
    ck_assert_ptr_null(s->Buffer);

    t = guest_unicode("", 12);
    CALL(RtlCopyUnicodeString, SLOT(t), SLOT(guest_unicode("longer than it", 0)));
    ck_assert_str_eq(ASCII(t), "longer");
    CALL(RtlCopyUnicodeString, SLOT(t), 0);
    ck_assert_uint_eq(t->Length, 0);
    ck_assert_int_eq((ntstatus)CALL(RtlAppendUnicodeToString, SLOT(t), SLOT(guest_wide("ab"))), 0);
    ck_assert_int_eq(
        (ntstatus)CALL(RtlAppendUnicodeStringToString, SLOT(t), SLOT(guest_unicode("cdef", 0))), 0);
    ck_assert_str_eq(ASCII(t), "abcdef");
    ck_assert_int_eq((ntstatus)CALL(RtlAppendUnicodeToString, SLOT(t), SLOT(guest_wide("g"))),
                     STATUS_BUFFER_TOO_SMALL);
    ck_assert_str_eq(ASCII(t), "abcdef");
    ck_assert_int_eq((ntstatus)CALL(RtlAppendUnicodeToString, SLOT(t), 0), 0);
}
END_TEST

START_TEST(unicode_compare)
{
    struct unicode_string *a, *b;

    computer_start();
    a = guest_unicode("Driver", 0);
    b = guest_unicode("dRIVERS", 0);
    ck_assert_int_lt((int32_t)CALL(RtlCompareUnicodeString, SLOT(a), SLOT(b), 0), 0);
    ck_assert_int_lt((int32_t)CALL(RtlCompareUnicodeString, SLOT(a), SLOT(b), 1), 0);
    ck_assert_int_gt((int32_t)CALL(RtlCompareUnicodeString, SLOT(b), SLOT(a), 1), 0);
    ck_assert_uint_eq(CALL(RtlPrefixUnicodeString, SLOT(a), SLOT(b), 1), 1);
    ck_assert_uint_eq(CALL(RtlPrefixUnicodeString, SLOT(a), SLOT(b), 0), 0);
    ck_assert_uint_eq(CALL(RtlPrefixUnicodeString, SLOT(b), SLOT(a), 1), 0);
    b->Length -= 2;
    ck_assert_uint_eq(CALL(RtlEqualUnicodeString, SLOT(a), SLOT(b), 1), 1);
    ck_assert_uint_eq(CALL(RtlEqualUnicodeString, SLOT(a), SLOT(b), 0), 0);
}
END_TEST

START_TEST(conversions)
{
    struct unicode_string *wide;
    struct ansi_string *narrow;

    computer_start();
    wide = guest_memory(sizeof *wide);
    ck_assert_int_eq(
        (ntstatus)CALL(RtlAnsiStringToUnicodeString, SLOT(wide), SLOT(guest_ansi("text", 0)), 1),
        0);
    ck_assert_str_eq(ASCII(wide), "text");
    ck_assert_uint_eq(wide->MaximumLength, 10);
    narrow = guest_memory(sizeof *narrow);
    ck_assert_int_eq((ntstatus)CALL(RtlUnicodeStringToAnsiString, SLOT(narrow), SLOT(wide), 1), 0);
    ck_assert_str_eq(narrow->Buffer, "text");
    CALL(RtlFreeUnicodeString, SLOT(wide));
    CALL(RtlFreeAnsiString, SLOT(narrow));
    ck_assert_ptr_null(wide->Buffer);
    ck_assert_ptr_null(narrow->Buffer);
    CALL(RtlFreeUnicodeString, SLOT(wide)); /* nothing to free is no mistake */
    wide = guest_unicode("", 8);
    ck_assert_int_eq(
        (ntstatus)CALL(RtlAnsiStringToUnicodeString, SLOT(wide), SLOT(guest_ansi("text", 0)), 0),
        STATUS_BUFFER_OVERFLOW);
    narrow = guest_ansi("", 3);
    ck_assert_int_eq((ntstatus)CALL(RtlUnicodeStringToAnsiString, SLOT(narrow),
                                    SLOT(guest_unicode("text", 0)), 0),
                     STATUS_BUFFER_OVERFLOW);
    ck_assert_str_eq(narrow->Buffer, "te");
    ck_assert_uint_eq(CALL(RtlxAnsiStringToUnicodeSize, SLOT(guest_ansi("abc", 0))), 8);
    ck_assert_uint_eq(CALL(RtlxUnicodeStringToAnsiSize, SLOT(guest_unicode("abc", 0))), 4);
    ck_assert_int_eq(
        (ntstatus)CALL(RtlDowncaseUnicodeString, SLOT(wide), SLOT(guest_unicode("ABC", 0)), 0), 0);
    ck_assert_str_eq(ASCII(wide), "abc");
    ck_assert_int_eq(
        (ntstatus)CALL(RtlUpcaseUnicodeString, SLOT(wide), SLOT(guest_unicode("abcde", 0)), 0),
        STATUS_BUFFER_OVERFLOW);
}
END_TEST

START_TEST(buffers)
{
    uint16_t *wide;
    uint8_t *bytes;
    uint32_t *size;

    computer_start();
    wide = guest_memory(16);
    bytes = guest_memory(16);
    size = guest_memory(4);
    ck_assert_int_eq((ntstatus)CALL(RtlMultiByteToUnicodeN, SLOT(wide), 6, SLOT(size),
                                    SLOT(guest_text("abcd")), 4),
                     STATUS_BUFFER_OVERFLOW);
    ck_assert_uint_eq(*size, 6);
    ck_assert_str_eq(ascii_of(wide, 3), "abc");
    ck_assert_int_eq(
        (ntstatus)CALL(RtlUnicodeToMultiByteN, SLOT(bytes), 16, SLOT(size), SLOT(wide), 6), 0);
    ck_assert_uint_eq(*size, 3);
    ck_assert_str_eq((char *)bytes, "abc");
    ck_assert_int_eq((ntstatus)CALL(RtlUpcaseUnicodeToMultiByteN, SLOT(bytes), 2, 0, SLOT(wide), 6),
                     STATUS_BUFFER_OVERFLOW);
    ck_assert_str_eq((char *)bytes, "ABc");
}
END_TEST

START_TEST(c_strings)
{
    char *s;
    uint16_t *w;

    computer_start();
    s = guest_text("Abc,def,ghi");
    w = guest_wide("Abc,def,ghi");
    ck_assert_uint_eq(CALL(strlen, SLOT(s)), 11);
    ck_assert_uint_eq(CALL(wcslen, SLOT(w)), 11);
    ck_assert_int_eq((int)CALL(strcmp, SLOT(s), SLOT(guest_text("abc"))), -1);
    ck_assert_int_eq((int)CALL(_strnicmp, SLOT(s), SLOT(guest_text("aBCx")), 3), 0);
    ck_assert_int_eq((int)CALL(_strnicmp, SLOT(s), SLOT(guest_text("aBCx")), 4), -1);
    ck_assert_int_eq((int)CALL(_stricmp, SLOT(guest_text("X")), SLOT(guest_text("x"))), 0);
    ck_assert_int_eq((int)CALL(_wcsicmp, SLOT(w), SLOT(guest_wide("ABC,DEF,GHI"))), 0);
    ck_assert_int_eq((int)CALL(wcsncmp, SLOT(w), SLOT(guest_wide("Abd")), 2), 0);
    ck_assert_int_eq((int)CALL(strncmp, SLOT(s), SLOT(guest_text("")), 0), 0);
    ck_assert_uint_eq(CALL(strchr, SLOT(s), ','), SLOT(s + 3));
    ck_assert_uint_eq(CALL(strrchr, SLOT(s), ','), SLOT(s + 7));
    ck_assert_uint_eq(CALL(strchr, SLOT(s), 0), SLOT(s + 11));
    ck_assert_uint_eq(CALL(strchr, SLOT(s), 'z'), 0);
    ck_assert_uint_eq(CALL(wcschr, SLOT(w), ','), SLOT(w + 3));
    ck_assert_uint_eq(CALL(wcsrchr, SLOT(w), ','), SLOT(w + 7));
    ck_assert_uint_eq(CALL(strstr, SLOT(s), SLOT(guest_text("def"))), SLOT(s + 4));
    ck_assert_uint_eq(CALL(strstr, SLOT(s), SLOT(guest_text("dex"))), 0);
    ck_assert_uint_eq(CALL(strstr, SLOT(s), SLOT(guest_text(""))), SLOT(s));
    ck_assert_uint_eq(CALL(wcsstr, SLOT(w), SLOT(guest_wide("ghi"))), SLOT(w + 8));
    ck_assert_uint_eq(CALL(strspn, SLOT(s), SLOT(guest_text("Acb"))), 3);
    ck_assert_uint_eq(CALL(strcspn, SLOT(s), SLOT(guest_text(",;"))), 3);
    ck_assert_uint_eq(CALL(memchr, SLOT(s), 'd', 4), 0);
    ck_assert_uint_eq(CALL(memchr, SLOT(s), 'd', 5), SLOT(s + 4));
}
END_TEST

START_TEST(c_strings_that_write)
{
    char *s;
    uint16_t *w;

    computer_start();
    s = guest_memory(32);
    w = guest_memory(64);
    ck_assert_uint_eq(CALL(strcpy, SLOT(s), SLOT(guest_text("one"))), SLOT(s));
    CALL(strcat, SLOT(s), SLOT(guest_text("two")));
    CALL(strncat, SLOT(s), SLOT(guest_text("three")), 2);
    ck_assert_str_eq(s, "onetwoth");
    memset(s, '#', 31);
    CALL(strncpy, SLOT(s), SLOT(guest_text("ab")), 5);
    ck_assert_int_eq(memcmp(s, "ab\0\0\0#", 6), 0);
    CALL(strncpy, SLOT(s), SLOT(guest_text("abcdef")), 3);
    ck_assert_int_eq(memcmp(s, "abc\0\0#", 6), 0);
    CALL(wcscpy, SLOT(w), SLOT(guest_wide("Wide")));
    CALL(wcscat, SLOT(w), SLOT(guest_wide("R")));
    CALL(wcsncat, SLOT(w), SLOT(guest_wide("xyz")), 1);
    ck_assert_str_eq(ascii_of(w, 6), "WideRx");
    CALL(_wcsupr, SLOT(w));
    ck_assert_str_eq(ascii_of(w, 6), "WIDERX");
    CALL(_strlwr, SLOT(strcpy(s, "MiXed")));
    ck_assert_str_eq(s, "mixed");
}
END_TEST

START_TEST(memory)
{
    uint8_t *m;

    computer_start();
    m = guest_memory(64);
    CALL(memset, SLOT(m), 0x1ab, 8);
    ck_assert_uint_eq(m[7], 0xab);
    ck_assert_uint_eq(m[8], 0);
    memcpy(m, "0123456789", 10);
    CALL(RtlMoveMemory, SLOT(m + 2), SLOT(m), 8);
    ck_assert_int_eq(memcmp(m, "0101234567", 10), 0);
    ck_assert_uint_eq(CALL(RtlCompareMemory, SLOT(m), SLOT(guest_text("0102")), 4), 3);
    ck_assert_int_lt((int)CALL(memcmp, SLOT(m), SLOT(guest_text("0102")), 4), 0);
    CALL(RtlFillMemory, SLOT(m), 12, 0x11);
    ck_assert_uint_eq(CALL(RtlCompareMemoryUlong, SLOT(m), 16, 0x11111111), 12);
    CALL(RtlZeroMemory, SLOT(m), 4);
    ck_assert_uint_eq(CALL(RtlCompareMemoryUlong, SLOT(m), 16, 0), 4);
    CALL(memcpy, 0, 0, 0); /* nothing is nothing, wherever */
    ck_assert_uint_eq(CALL(RtlCompareMemory, 0, 0, 0), 0);
}
END_TEST

/* ---- faults on the driver's behalf ---- */

static void read_null(void)
{
    CALL(strlen, 0);
}

static void copy_paged_at_dispatch(void)
{
    uint64_t paged = ex_pool_take(POOL_PAGED, 100, 0x74736554u, EX_POOL_ZERO);

    machine_raise(DISPATCH_LEVEL);
    CALL(memcpy, SLOT(guest_memory(100)), paged, 100);
}

static void write_beyond_pool(void)
{
    CALL(memset, ARENA_NONPAGED + ARENA_NONPAGED_BYTES - 8, 0, 16);
}

START_TEST(faults_are_bug_checks)
{
    static const struct {
        void (*body)(void);
        uint32_t code;
    } cases[] = {{read_null, 0x1E}, {copy_paged_at_dispatch, 0x0A}, {write_beyond_pool, 0x50}};

    ck_assert_uint_eq(computer_bugcheck(cases[_i].body).code, cases[_i].code);
}
END_TEST

Suite *suite_string(void)
{
    Suite *suite = suite_create("string");
    TCase *plain = tcase_create("plain");

    tcase_add_test(plain, case_pairs);
    tcase_add_test(plain, code_pages);
    tcase_add_test(plain, unicode_strings);
    tcase_add_test(plain, unicode_compare);
    tcase_add_test(plain, conversions);
    tcase_add_test(plain, buffers);
    tcase_add_test(plain, c_strings);
    tcase_add_test(plain, c_strings_that_write);
    tcase_add_test(plain, memory);
    tcase_add_loop_test(plain, faults_are_bug_checks, 0, 3);
    suite_add_tcase(suite, plain);
    return suite;
}
