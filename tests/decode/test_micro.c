/* SPDX-License-Identifier: MIT */
/*
 * Instructions for analysis: tables of bytes and fields, and random bytes against Zydis' own
 * description of the operands.
 */
#include "decode/decode.h"
#include "decode/micro.h"
#include "support/random.h"
#include "support/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#define RVA 0x1000u

static struct micro_decoder decoder;

static unsigned parse(const char *hex, uint8_t *bytes)
{
    unsigned count = 0;
    int used;

    for (unsigned byte; sscanf(hex, "%2x%n", &byte, &used) == 1; hex += used) {
        bytes[count++] = (uint8_t)byte;
    }
    return count;
}

static struct micro decode_hex(const char *hex)
{
    uint8_t bytes[32];
    unsigned size = parse(hex, bytes);
    struct micro out;

    micro_decoder_init(&decoder);
    ck_assert_uint_eq(micro_decode(&decoder, bytes, size, RVA, &out), out.length);
    return out;
}

/* ---- tables ---- */

START_TEST(kinds)
{
    static const struct {
        const char *hex;
        uint8_t kind, length;
    } table[] = {
        {"90", MICRO_NOTHING, 1},
        {"6690", MICRO_NOTHING, 2},  /* what aligns loops */
        {"4190", MICRO_EXCHANGE, 2}, /* xchg r8, rax */
        {"f390", MICRO_NOTHING, 2},
        {"f30f1efa", MICRO_NOTHING, 4},
        {"0f1f440000", MICRO_NOTHING, 5},
        {"66662e0f1f840000000000", MICRO_NOTHING, 11},
        {"0f18 08", MICRO_NOTHING, 3}, /* prefetcht0 */
        {"cc", MICRO_BREAK, 1},
        {"cd03", MICRO_BREAK, 2},
        {"cd2c", MICRO_BREAK, 2},
        {"cd2d", MICRO_BREAK, 2},
        {"cd29", MICRO_STOP, 2},
        {"0f0b", MICRO_STOP, 2},
        {"f4", MICRO_STOP, 1},
        {"48cf", MICRO_STOP, 2},
        {"cd80", MICRO_SYSTEM, 2},
        {"c3", MICRO_RETURN, 1},
        {"f3c3", MICRO_RETURN, 2},
        {"c21000", MICRO_RETURN, 3},
        {"cb", MICRO_RETURN, 1},
        {"fa", MICRO_CLI, 1},
        {"fb", MICRO_STI, 1},
        {"0f32", MICRO_SYSTEM, 2}, /* rdmsr */
        {"0f20d8", MICRO_SYSTEM, 3},
        {"0f22d8", MICRO_SYSTEM, 3},
        {"440f20c0", MICRO_READ_CR8, 4},
        {"440f22c1", MICRO_WRITE_CR8, 4},
        {"ec", MICRO_SYSTEM, 1},
        {"f3a4", MICRO_STRING, 2},
        {"c9", MICRO_LEAVE, 1},
        {"d9c0", MICRO_OTHER, 2},
        {"06", MICRO_INVALID, 1},
        {"8dc0", MICRO_INVALID, 1},     /* lea eax, eax */
        {"f0 8b 00", MICRO_INVALID, 1}, /* lock mov */
        {"e8 00 00", MICRO_INVALID, 1}, /* cut off */
        {"48", MICRO_INVALID, 1},
        {"6666666666666666666666666666 90", MICRO_NOTHING, 15},
        {"666666666666666666666666666666 90", MICRO_INVALID, 1},
        {"62f17c4828c1", MICRO_OTHER, 6}, /* vmovaps zmm0, zmm1 */
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct micro out = decode_hex(table[i].hex);

        ck_assert_msg(out.kind == table[i].kind && out.length == table[i].length,
                      "%s: kind %u length %u", table[i].hex, out.kind, out.length);
        ck_assert_uint_eq(out.rva, RVA);
    }
}
END_TEST

START_TEST(flow)
{
    static const struct {
        const char *hex;
        uint8_t kind, condition;
        uint32_t target;
    } table[] = {
        {"e810000000", MICRO_CALL, MICRO_IF_UNKNOWN, 0x1015},
        {"67e810000000", MICRO_CALL, MICRO_IF_UNKNOWN, 0x1016},
        {"e9fbefffff", MICRO_JUMP, MICRO_IF_UNKNOWN, 0},
        {"e9faefffff", MICRO_JUMP, MICRO_IF_UNKNOWN, UINT32_MAX},
        {"e9ffffff7f", MICRO_JUMP, MICRO_IF_UNKNOWN, UINT32_MAX},
        {"ebfe", MICRO_JUMP, MICRO_IF_UNKNOWN, 0x1000},
        {"7405", MICRO_JUMP_IF, MICRO_IF_EQUAL, 0x1007},
        {"0f8700010000", MICRO_JUMP_IF, MICRO_IF_ABOVE, 0x1106},
        {"e3fe", MICRO_JUMP_IF, MICRO_IF_UNKNOWN, 0x1000},
        {"67e3fd", MICRO_JUMP_IF, MICRO_IF_UNKNOWN, 0x1000},
        {"e0fe", MICRO_JUMP_IF, MICRO_IF_UNKNOWN, 0x1000},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct micro out = decode_hex(table[i].hex);

        ck_assert_msg(out.kind == table[i].kind && out.target == table[i].target &&
                          out.condition == table[i].condition,
                      "%s: kind %u to %x if %u", table[i].hex, out.kind, out.target, out.condition);
    }
}
END_TEST

static void expect(const char *hex, const char *expected)
{
    static const char *const names[] = {"-", "r", "m", "i"};
    struct micro m = decode_hex(hex);
    char text[160];
    int at = snprintf(text, sizeof(text), "%u", m.kind);

    at += snprintf(text + at, sizeof(text) - (size_t)at, " %s%u", names[m.first], m.first_bytes);
    if (m.first == MICRO_REGISTER) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, ".%u", m.first_register);
    }
    at += snprintf(text + at, sizeof(text) - (size_t)at, " %s%u", names[m.second], m.second_bytes);
    if (m.second == MICRO_REGISTER) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, ".%u", m.second_register);
    } else if (m.second == MICRO_IMMEDIATE) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, ".%lld", (long long)m.immediate);
    }
    if (m.first == MICRO_MEMORY || m.second == MICRO_MEMORY) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, " [%d %d*%u %d]",
                       m.base == MICRO_NO_REGISTER ? -1 : m.base,
                       m.index == MICRO_NO_REGISTER ? -1 : m.index, m.scale, m.displacement);
    }
    snprintf(text + at, sizeof(text) - (size_t)at, " w%x%s%s%s%s", m.writes,
             m.stores ? " stores" : "", m.high ? " high" : "", m.sign_extend ? " signed" : "",
             m.segment ? " segment" : "");
    ck_assert_msg(strcmp(text + strspn(text, "0123456789"), expected) == 0, "%s:%s not%s", hex,
                  text + strspn(text, "0123456789"), expected);
}

START_TEST(operand_fields)
{
    expect("8bc1", " r4.0 r4.1 w1");
    expect("488bc1", " r8.0 r8.1 w1");
    expect("4589c8", " r4.8 r4.9 w100");
    expect("b201", " r1.2 i1.1 w4");
    expect("41b001", " r1.8 i1.1 w100");
    expect("b401", " r1.0 i1.1 w1 high");
    expect("40b401", " r1.4 i1.1 w10");
    expect("8a20", " r1.0 m1 [0 -1*0 0] w1 high");
    expect("48b8ffffffffffffff7f", " r8.0 i8.9223372036854775807 w1");
    expect("48c7c0ffffffff", " r8.0 i8.-1 w1");
    expect("66b80180", " r2.0 i2.-32767 w1");
    expect("48897c2430", " m8 r8.7 [4 -1*0 48] w0 stores");
    expect("488b4cc208", " r8.1 m8 [2 0*8 8] w2");
    expect("4a8b0ce5 00010000", " r8.1 m8 [-1 12*8 256] w2");
    expect("488b0500010000", " r8.0 m8 [16 -1*0 4359] w1");
    expect("488d0d00010000", " r8.1 m8 [16 -1*0 4359] w2");
    expect("66c7050001000005 00", " m2 i2.5 [16 -1*0 4361] w0 stores");
    expect("65488b042588010000", " r8.0 m8 [-1 -1*0 392] w1 segment");
    expect("678b01", " r4.0 m4 [1 -1*0 0] w1 segment");
    expect("0fb6c9", " r4.1 r1.1 w2");
    expect("0fb6cd", " r4.1 r1.1 w2 high");
    expect("480fbe01", " r8.0 m1 [1 -1*0 0] w1 signed");
    expect("4863d1", " r8.2 r4.1 w4 signed");
    expect("4898", " r8.0 r4.0 w1 signed");
    expect("80f902", " r1.1 i1.2 w0");
    expect("f6c1fe", " r1.1 i1.-2 w0");
    expect("4883ec28", " r8.4 i8.40 w10");
    expect("488701", " m8 r8.0 [1 -1*0 0] w1 stores");
    expect("f0830101", " m4 i4.1 [1 -1*0 0] w0 stores");
    expect("f00fb111", " m4 -0 [1 -1*0 0] w1 stores");
    expect("0f94c0", " r1.0 -0 w1");
    expect("0f44c1", " r4.0 r4.1 w1");
    expect("57", " -0 r8.7 w10");
    expect("ff7108", " -0 m8 [1 -1*0 8] w10");
    expect("6aff", " -0 i8.-1 w10");
    expect("415f", " r8.15 -0 w8010");
    expect("8f01", " m8 -0 [1 -1*0 0] w10 stores");
    expect("9c", " -0 -0 w10");
    expect("c9", " -0 -0 w30");
    expect("ff1500010000", " -0 m8 [16 -1*0 4358] w0");
    expect("48ff2500010000", " -0 m8 [16 -1*0 4359] w0");
    expect("ffe1", " -0 r8.1 w0");
    expect("d3e0", " r4.0 r1.1 w1");
    expect("c1f802", " r4.0 i4.2 w1");
    expect("f7d8", " r4.0 -0 w1");
    expect("48f7e1", " -0 -0 w5"); /* mul */
    expect("99", " -0 -0 w4");     /* cdq */
    expect("480fafc1", " r8.0 r8.1 w1");
    expect("440f20c1", " r8.1 -0 w2");
    expect("440f22c1", " -0 r8.1 w0");
    expect("0f11442420", " m16 -0 [4 -1*0 32] w0 stores");
    expect("0f1001", " -0 m16 [1 -1*0 0] w0");
    expect("0f57c0", " -0 -0 w0");
    expect("66480f7ec0", " -0 -0 w1"); /* movq rax, xmm0 */
    expect("0fa2", " -0 -0 wf");       /* cpuid */
    expect("c5fe7f01", " m32 -0 [1 -1*0 0] w0 stores");
}
END_TEST

START_TEST(strings)
{
    struct micro stos = decode_hex("f348ab"), movs = decode_hex("a4"), scas = decode_hex("f2ae");

    ck_assert_uint_eq(stos.writes, 1u << 7 | 1u << 1);
    ck_assert(stos.stores && stos.base == 7 && stos.first_bytes == 8);
    ck_assert_uint_eq(movs.writes, 1u << 7 | 1u << 6);
    ck_assert(movs.stores && movs.base == 7 && movs.first_bytes == 1);
    ck_assert_uint_eq(scas.writes, 1u << 7 | 1u << 1);
    ck_assert(!scas.stores);
}
END_TEST

/* ---- against Zydis ---- */

/* General registers that it writes, as Zydis lists its operands. */
static unsigned written(const ZydisDecodedInstruction *instruction,
                        const ZydisDecodedOperand *operands)
{
    unsigned out = 0;

    for (unsigned i = 0; i < instruction->operand_count; i++) {
        ZydisRegister whole;

        if (operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
            (operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) == 0) {
            continue;
        }
        whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, operands[i].reg.value);
        if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15) {
            out |= 1u << (whole - ZYDIS_REGISTER_RAX);
        }
    }
    return out;
}

static uint8_t number(ZydisRegister name)
{
    return name == ZYDIS_REGISTER_NONE ? MICRO_NO_REGISTER
           : name == ZYDIS_REGISTER_RIP
               ? MICRO_RIP
               : (uint8_t)(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name) -
                           ZYDIS_REGISTER_RAX);
}

/* What differs, NULL: nothing. */
static const char *memory_difference(const ZydisDecodedInstruction *instruction,
                                     const ZydisDecodedOperand *operand, const struct micro *micro)
{
    bool stores = (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
    int32_t displacement = (int32_t)operand->mem.disp.value;

    if (micro->first != MICRO_MEMORY && micro->second != MICRO_MEMORY) {
        return "no memory operand";
    }
    if (micro->stores != stores) {
        return "stores";
    }
    if (micro->segment) {
        return NULL;
    }
    if (micro->base != number(operand->mem.base) || micro->index != number(operand->mem.index)) {
        return "base or index";
    }
    if (micro->base == MICRO_RIP) {
        displacement += (int32_t)(RVA + instruction->length);
    }
    if (micro->displacement != displacement) {
        return "displacement";
    }
    /* fxsave and xsave store more than a byte can say. */
    return (micro->first == MICRO_MEMORY ? micro->first_bytes : micro->second_bytes) ==
                   (operand->size / 8 < 255 ? operand->size / 8 : 255)
               ? NULL
               : "width";
}

static const char *target_difference(const ZydisDecodedInstruction *instruction,
                                     const ZydisDecodedOperand *operand, const struct micro *micro)
{
    ZyanU64 target = 0;

    if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(instruction, operand, RVA, &target))) {
        return "no target";
    }
    return micro->target == (target < INT32_MAX ? (uint32_t)target : UINT32_MAX) ? NULL : "target";
}

/* Zydis lists neither what string instructions step nor what a call does to the stack here. */
static bool writes_are_listed(const ZydisDecodedInstruction *instruction, const struct micro *micro)
{
    return micro->kind != MICRO_STRING && micro->kind != MICRO_CALL_INDIRECT &&
           micro->kind != MICRO_RETURN && micro->kind != MICRO_SYSTEM &&
           instruction->meta.category != ZYDIS_CATEGORY_INTERRUPT;
}

/* What an instruction of no effect has none on: registers, memory, the flags, the flow. */
static const char *nothing_difference(const ZydisDecodedInstruction *instruction,
                                      const ZydisDecodedOperand *operands,
                                      const struct micro *micro)
{
    if (micro->writes != 0 || micro->stores) {
        return "it has an effect";
    }
    if (instruction->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) {
        return "it is a branch";
    }
    for (unsigned i = 0; i < instruction->operand_count; i++) {
        if ((operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) {
            return "it writes";
        }
    }
    return NULL;
}

static bool stops(const ZydisDecodedInstruction *instruction)
{
    static const ZydisMnemonic stop[] = {
        ZYDIS_MNEMONIC_UD0,   ZYDIS_MNEMONIC_UD1,    ZYDIS_MNEMONIC_UD2,
        ZYDIS_MNEMONIC_HLT,   ZYDIS_MNEMONIC_IRET,   ZYDIS_MNEMONIC_IRETD,
        ZYDIS_MNEMONIC_IRETQ, ZYDIS_MNEMONIC_SYSRET, ZYDIS_MNEMONIC_SYSEXIT,
    };

    for (size_t i = 0; i < sizeof(stop) / sizeof(*stop); i++) {
        if (instruction->mnemonic == stop[i]) {
            return true;
        }
    }
    return instruction->mnemonic == ZYDIS_MNEMONIC_INT && instruction->raw.imm[0].value.u == 0x29;
}

static const char *difference(const uint8_t *bytes, size_t size)
{
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoder zydis;
    struct micro micro;

    micro_decode(&decoder, bytes, size, RVA, &micro);
    ZydisDecoderInit(&zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zydis, bytes, size, &instruction, operands))) {
        return micro.kind == MICRO_INVALID && micro.length == 1 ? NULL : "it is no instruction";
    }
    if (micro.kind == MICRO_INVALID || micro.length != instruction.length) {
        return "length";
    }
    if (micro.kind == MICRO_NOTHING) {
        return nothing_difference(&instruction, operands, &micro);
    }
    if (micro.kind == MICRO_STOP) {
        return stops(&instruction) ? NULL : "it goes on";
    }
    if (micro.kind == MICRO_CALL || micro.kind == MICRO_JUMP || micro.kind == MICRO_JUMP_IF) {
        return target_difference(&instruction, operands, &micro);
    }
    if (writes_are_listed(&instruction, &micro) &&
        micro.writes != written(&instruction, operands)) {
        return "registers written";
    }
    for (unsigned i = 0; i < instruction.operand_count_visible; i++) {
        if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY && micro.kind != MICRO_STRING &&
            operands[i].mem.type == ZYDIS_MEMOP_TYPE_MEM &&
            instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_FAR) {
            return memory_difference(&instruction, &operands[i], &micro);
        }
    }
    return NULL;
}

static void describe(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        sprintf(out + 2 * i, "%02x", bytes[i]);
    }
}

static void check_bytes(const uint8_t *bytes, size_t size)
{
    const char *what = difference(bytes, size);
    struct decoded decoded;
    struct micro micro;
    char hex[64];

    micro_decode(&decoder, bytes, size, RVA, &micro);
    decode_instruction(bytes, size, &decoded);
    if (what == NULL && ((decoded.kind == DECODED_READ_CR8) != (micro.kind == MICRO_READ_CR8) ||
                         (decoded.kind == DECODED_WRITE_CR8) != (micro.kind == MICRO_WRITE_CR8) ||
                         (decoded.kind == DECODED_CLI) != (micro.kind == MICRO_CLI) ||
                         (decoded.kind != DECODED_INVALID && decoded.length != micro.length))) {
        what = "decode_instruction";
    }
    if (what != NULL) {
        describe(bytes, size, hex);
        ck_abort_msg("%s: %s", hex, what);
    }
}

START_TEST(random_bytes)
{
    uint64_t state = (uint64_t)_i;
    uint8_t bytes[20];

    micro_decoder_init(&decoder);
    for (unsigned round = 1; round < 400000; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)random_next(&state);
        }
        /* Often an opcode of the tables: behind a REX prefix, behind 0f. */
        if (round % 4 == 1) {
            bytes[0] = 0x40 | (bytes[0] & 15u);
        } else if (round % 4 == 2) {
            bytes[0] = 0x0f;
        }
        check_bytes(bytes, round % 16 == 0 ? round / 16 % 15 + 1 : sizeof(bytes));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("micro");
    TCase *tables = tcase_create("tables"), *random = tcase_create("random");

    tcase_add_test(tables, kinds);
    tcase_add_test(tables, flow);
    tcase_add_test(tables, operand_fields);
    tcase_add_test(tables, strings);
    suite_add_tcase(suite, tables);
    tcase_set_timeout(random, 120);
    tcase_add_loop_test(random, random_bytes, 0, 4);
    suite_add_tcase(suite, random);
    return run_suite(suite);
}
