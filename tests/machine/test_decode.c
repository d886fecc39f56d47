/* SPDX-License-Identifier: MIT */
/* The reduction of Zydis' view to what the machine emulates. */
#include "decode/decode.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct decoded decode(const void *bytes, size_t size)
{
    struct decoded out;

    decode_instruction(bytes, size, 0x1000, &out);
    return out;
}

#define DECODE(...) decode((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

START_TEST(every_register_reads_and_writes_cr8)
{
    for (unsigned r = 0; r < 16; r++) {
        uint8_t rex = (uint8_t)(0x44 | (r >= 8 ? 1 : 0));
        uint8_t modrm = (uint8_t)(0xc0 | (r & 7));
        struct decoded d = DECODE(rex, 0x0f, 0x20, modrm);

        ck_assert_int_eq(d.kind, DECODED_READ_CR8);
        ck_assert_uint_eq(d.gpr, r);
        ck_assert_uint_eq(d.length, 4);
        d = DECODE(rex, 0x0f, 0x22, modrm);
        ck_assert_int_eq(d.kind, DECODED_WRITE_CR8);
        ck_assert_uint_eq(d.gpr, r);
    }
}
END_TEST

START_TEST(other_control_registers_are_only_privileged)
{
    struct decoded d = DECODE(0x0f, 0x20, 0xd8); /* mov rax, cr3 */

    ck_assert_int_eq(d.kind, DECODED_OTHER);
    ck_assert(d.privileged);
    ck_assert_str_eq(d.text, "mov rax, cr3");
}
END_TEST

START_TEST(loads_know_register_width_and_sign)
{
    struct decoded d = DECODE(0x48, 0x8b, 0x08); /* mov rcx, [rax] */

    ck_assert_int_eq(d.kind, DECODED_LOAD);
    ck_assert_uint_eq(d.gpr, 1);
    ck_assert_uint_eq(d.gpr_bytes, 8);
    ck_assert_uint_eq(d.memory_bytes, 8);
    d = DECODE(0x44, 0x0f, 0xb6, 0x20); /* movzx r12d, byte [rax] */
    ck_assert_int_eq(d.kind, DECODED_LOAD);
    ck_assert_uint_eq(d.gpr, 12);
    ck_assert_uint_eq(d.gpr_bytes, 4);
    ck_assert_uint_eq(d.memory_bytes, 1);
    ck_assert(!d.sign_extend);
    d = DECODE(0x48, 0x63, 0x30); /* movsxd rsi, dword [rax] */
    ck_assert(d.sign_extend);
    ck_assert_uint_eq(d.gpr, 6);
    d = DECODE(0x8a, 0x20); /* mov ah, [rax] */
    ck_assert(d.gpr_high);
    ck_assert_uint_eq(d.gpr, 0);
    d = DECODE(0x40, 0x8a, 0x30); /* mov sil, [rax] */
    ck_assert(!d.gpr_high);
    ck_assert_uint_eq(d.gpr, 6);
    d = DECODE(0x48, 0xa1, 0x14, 0, 0, 0, 0x80, 0xf7, 0xff, 0xff); /* mov rax, [0xfffff780...14] */
    ck_assert_int_eq(d.kind, DECODED_LOAD);
    ck_assert_uint_eq(d.length, 10);
}
END_TEST

START_TEST(the_rest)
{
    ck_assert_int_eq(DECODE(0xfa).kind, DECODED_CLI);
    ck_assert_int_eq(DECODE(0xfb).kind, DECODED_STI);
    ck_assert_int_eq(DECODE(0x0f, 0x31).kind, DECODED_READ_TSC);
    ck_assert(DECODE(0x0f, 0x01, 0xf9).has_processor);
    ck_assert_int_eq(DECODE(0xcd, 0x29).immediate, 0x29);
    ck_assert_int_eq(DECODE(0xcc).immediate, 3);
    ck_assert_int_eq(DECODE(0x0f, 0x09).kind, DECODED_FLUSH);
    ck_assert(DECODE(0xec).privileged); /* in al, dx */
    ck_assert(!DECODE(0x48, 0x89, 0x08).privileged);
    ck_assert_int_eq(DECODE(0x48, 0x89, 0x08).kind, DECODED_OTHER); /* a store */
    ck_assert_int_eq(DECODE(0x06).kind, DECODED_INVALID);
    ck_assert_int_eq(DECODE(0x48, 0x8b).kind, DECODED_INVALID); /* cut short */
}
END_TEST

START_TEST(random_bytes_never_crash)
{
    uint32_t state = 12345;

    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[16];

        for (size_t j = 0; j < sizeof bytes; j++) {
            state = state * 1664525u + 1013904223u;
            bytes[j] = (uint8_t)(state >> 24);
        }
        struct decoded d = decode(bytes, 1 + state % 15);

        ck_assert_uint_le(d.length, 15);
        ck_assert(memchr(d.text, '\0', sizeof d.text) != NULL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tests = tcase_create("decode");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tests, every_register_reads_and_writes_cr8);
    tcase_add_test(tests, other_control_registers_are_only_privileged);
    tcase_add_test(tests, loads_know_register_width_and_sign);
    tcase_add_test(tests, the_rest);
    tcase_add_test(tests, random_bytes_never_crash);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
