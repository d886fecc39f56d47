/* SPDX-License-Identifier: MIT */
/* The reduction of Zydis' view to what the machine emulates. */
#include "decode/decode.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct decoded decode(const void *bytes, size_t size)
{
    struct decoded out;

    decode_instruction(bytes, size, &out);
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

    char text[DECODE_TEXT_MAX];

    ck_assert_int_eq(d.kind, DECODED_OTHER);
    ck_assert(d.privileged);
    decode_text("\x0f\x20\xd8", 3, 0x1000, text, sizeof text);
    ck_assert_str_eq(text, "mov rax, cr3");
    decode_text("\x0f\x20\xd8", 3, 0x1000, text, 8); /* cut short, or the name alone */
    ck_assert(memchr(text, '\0', 8) != NULL);
    decode_text("\x06", 1, 0x1000, text, sizeof text);
    ck_assert_str_eq(text, "(bad)");
}
END_TEST

START_TEST(loads_know_register_width_and_sign)
{
    struct decoded d = DECODE(0x48, 0x8b, 0x08); /* mov rcx, [rax] */

    ck_assert_int_eq(d.kind, DECODED_MEMORY);
    ck_assert_uint_eq(d.gpr, 1);
    ck_assert_uint_eq(d.gpr_bytes, 8);
    ck_assert_uint_eq(d.memory_bytes, 8);
    d = DECODE(0x44, 0x0f, 0xb6, 0x20); /* movzx r12d, byte [rax] */
    ck_assert_int_eq(d.kind, DECODED_MEMORY);
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
    ck_assert_int_eq(d.kind, DECODED_MEMORY);
    ck_assert_uint_eq(d.length, 10);
}
END_TEST

/* What a table of instructions must decode to; unused members are 0. */
struct memory_case {
    uint8_t bytes[12];
    enum decoded_operation operation;
    uint8_t memory_bytes;
    bool to_memory;
    uint8_t gpr, gpr_bytes;
    bool has_immediate;
    uint64_t immediate;
};

START_TEST(operations_on_memory_know_their_operands)
{
    static const struct memory_case cases[] = {
        {{0x89, 0x08}, OPERATION_MOVE, 4, true, 1, 4, false, 0}, /* mov [rax], ecx */
        {{0x88, 0x28}, OPERATION_MOVE, 1, true, 5, 1, false, 0}, /* mov [rax], ch */
        {{0xc6, 0x00, 0x80}, OPERATION_MOVE, 1, true, 0, 0, true, 0xffffffffffffff80ull},
        {{0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff},
         OPERATION_MOVE,
         8,
         true,
         0,
         0,
         true,
         UINT64_MAX},                                                  /* mov qword [rax], -1 */
        {{0x0f, 0xc3, 0x08}, OPERATION_MOVE, 4, true, 1, 4, false, 0}, /* movnti [rax], ecx */
        {{0x83, 0x08, 0x20}, OPERATION_OR, 4, true, 0, 0, true, 0x20}, /* or dword [rax], 20h */
        {{0xf0, 0x83, 0x20, 0xfe}, OPERATION_AND, 4, true, 0, 0, true, 0xfffffffffffffffeull},
        {{0x33, 0x10}, OPERATION_XOR, 4, false, 2, 4, false, 0},            /* xor edx, [rax] */
        {{0x00, 0x08}, OPERATION_ADD, 1, true, 1, 1, false, 0},             /* add [rax], cl */
        {{0x66, 0x2b, 0x08}, OPERATION_SUBTRACT, 2, false, 1, 2, false, 0}, /* sub cx, [rax] */
        {{0x3a, 0x08}, OPERATION_COMPARE, 1, false, 1, 1, false, 0},        /* cmp cl, [rax] */
        {{0xf6, 0x00, 0x40}, OPERATION_TEST, 1, true, 0, 0, true, 0x40},
        {{0x87, 0x08}, OPERATION_EXCHANGE, 4, true, 1, 4, false, 0}, /* xchg [rax], ecx */
        {{0xf0, 0x0f, 0xc1, 0x08}, OPERATION_EXCHANGE_ADD, 4, true, 1, 4, false, 0},
        {{0xf0, 0x0f, 0xb1, 0x08}, OPERATION_COMPARE_EXCHANGE, 4, true, 1, 4, false, 0},
        {{0xff, 0x00}, OPERATION_INCREMENT, 4, true, 0, 0, false, 0},
        {{0xfe, 0x08}, OPERATION_DECREMENT, 1, true, 0, 0, false, 0},
        {{0xf7, 0x10}, OPERATION_NOT, 4, true, 0, 0, false, 0},
        {{0x48, 0xf7, 0x18}, OPERATION_NEGATE, 8, true, 0, 0, false, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct memory_case *c = &cases[i];
        struct decoded d = decode(c->bytes, sizeof c->bytes);

        ck_assert_msg(d.kind == DECODED_MEMORY && d.operation == c->operation, "case %zu", i);
        ck_assert_uint_eq(d.memory_bytes, c->memory_bytes);
        ck_assert_int_eq(d.to_memory, c->to_memory);
        ck_assert_uint_eq(d.gpr_bytes, c->gpr_bytes);
        ck_assert_int_eq(d.has_immediate, c->has_immediate);
        if (c->has_immediate) {
            ck_assert_uint_eq(d.immediate, c->immediate);
        } else if (c->gpr_bytes > 0) {
            ck_assert_uint_eq(d.gpr_high ? d.gpr + 4u : d.gpr, c->gpr);
        }
    }
    /* Neither pushes, jumps nor vectors are among them. */
    ck_assert_int_eq(DECODE(0xff, 0x30).kind, DECODED_OTHER);
    ck_assert_int_eq(DECODE(0xff, 0x20).kind, DECODED_OTHER);
    ck_assert_int_eq(DECODE(0xf3, 0x0f, 0x6f, 0x00).kind, DECODED_OTHER);
    ck_assert_int_eq(DECODE(0x01, 0xc8).kind, DECODED_OTHER); /* add eax, ecx */
}
END_TEST

START_TEST(ports_know_width_and_port)
{
    static const struct {
        uint8_t bytes[3];
        enum decoded_kind kind;
        uint8_t width;
        bool immediate;
    } cases[] = {
        {{0xec}, DECODED_PORT_IN, 1, false},        {{0x66, 0xed}, DECODED_PORT_IN, 2, false},
        {{0xed}, DECODED_PORT_IN, 4, false},        {{0xe4, 0x61}, DECODED_PORT_IN, 1, true},
        {{0xe5, 0x61}, DECODED_PORT_IN, 4, true},   {{0xee}, DECODED_PORT_OUT, 1, false},
        {{0x66, 0xef}, DECODED_PORT_OUT, 2, false}, {{0xef}, DECODED_PORT_OUT, 4, false},
        {{0xe6, 0x80}, DECODED_PORT_OUT, 1, true},  {{0xe7, 0x80}, DECODED_PORT_OUT, 4, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decoded d = decode(cases[i].bytes, sizeof cases[i].bytes);

        ck_assert_int_eq(d.kind, cases[i].kind);
        ck_assert(d.privileged);
        ck_assert_uint_eq(d.gpr, 0);
        ck_assert_uint_eq(d.gpr_bytes, cases[i].width);
        ck_assert_int_eq(d.has_immediate, cases[i].immediate);
        ck_assert(!d.has_immediate || d.immediate == cases[i].bytes[1]);
    }
}
END_TEST

START_TEST(strings_know_their_elements)
{
    static const struct {
        uint8_t bytes[4];
        enum decoded_string string;
        uint8_t width, address;
        bool repeat;
    } cases[] = {
        {{0x6c}, STRING_INS, 1, 8, false},        {{0xf3, 0x66, 0x6d}, STRING_INS, 2, 8, true},
        {{0x67, 0x6d}, STRING_INS, 4, 4, false},  {{0xf3, 0x6e}, STRING_OUTS, 1, 8, true},
        {{0xf3, 0x6f}, STRING_OUTS, 4, 8, true},  {{0xa4}, STRING_MOVS, 1, 8, false},
        {{0xf3, 0xa5}, STRING_MOVS, 4, 8, true},  {{0xf3, 0x48, 0xa5}, STRING_MOVS, 8, 8, true},
        {{0x66, 0xab}, STRING_STOS, 2, 8, false}, {{0x67, 0xf3, 0xaa}, STRING_STOS, 1, 4, true},
        {{0x48, 0xad}, STRING_LODS, 8, 8, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct decoded d = decode(cases[i].bytes, sizeof cases[i].bytes);

        ck_assert_msg(d.kind == DECODED_STRING && d.string == cases[i].string, "case %zu", i);
        ck_assert_uint_eq(d.memory_bytes, cases[i].width);
        ck_assert_uint_eq(d.address_bytes, cases[i].address);
        ck_assert_int_eq(d.repeat, cases[i].repeat);
    }
    ck_assert_int_eq(DECODE(0xf2, 0x0f, 0x10, 0x00).kind, DECODED_OTHER); /* movsd xmm0, [rax] */
    ck_assert_int_eq(DECODE(0xf3, 0xa6).kind, DECODED_OTHER);             /* repe cmpsb */
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
    ck_assert_int_eq(DECODE(0x06).kind, DECODED_INVALID);
    ck_assert_int_eq(DECODE(0x48, 0x8b).kind, DECODED_INVALID); /* cut short */
}
END_TEST

START_TEST(random_bytes_never_crash)
{
    uint32_t state = 12345;
    char text[DECODE_TEXT_MAX];

    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[16];

        for (size_t j = 0; j < sizeof bytes; j++) {
            state = state * 1664525u + 1013904223u;
            bytes[j] = (uint8_t)(state >> 24);
        }
        struct decoded d = decode(bytes, 1 + state % 15);

        ck_assert_uint_le(d.length, 15);
        ck_assert(d.kind == DECODED_INVALID || d.length > 0);
        if (i % 8 != 0) {
            continue; /* the text takes long */
        }
        decode_text(bytes, sizeof bytes, 0x1000, text, sizeof text);
        ck_assert(memchr(text, '\0', sizeof text) != NULL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tests = tcase_create("decode");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_register_reads_and_writes_cr8);
    tcase_add_test(tests, other_control_registers_are_only_privileged);
    tcase_add_test(tests, loads_know_register_width_and_sign);
    tcase_add_test(tests, operations_on_memory_know_their_operands);
    tcase_add_test(tests, ports_know_width_and_port);
    tcase_add_test(tests, strings_know_their_elements);
    tcase_add_test(tests, the_rest);
    tcase_add_test(tests, random_bytes_never_crash);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
