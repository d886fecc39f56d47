/* SPDX-License-Identifier: MIT */
/* Zydis' view of an instruction, reduced to what the machine emulates. */
#include "decode/decode.h"

#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

static void set_register(struct decoded *out, ZydisRegister reg)
{
    out->gpr = (uint8_t)ZydisRegisterGetId(reg);
    out->gpr_bytes = (uint8_t)(ZydisRegisterGetWidth(ZYDIS_MACHINE_MODE_LONG_64, reg) / 8);
    out->gpr_high = reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
    if (out->gpr_bytes == 1) {
        /* ids of the byte registers count al cl dl bl ah ch dh bh spl bpl sil dil r8b ... */
        if (out->gpr_high) {
            out->gpr = (uint8_t)(reg - ZYDIS_REGISTER_AH);
        } else {
            ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

            out->gpr = (uint8_t)ZydisRegisterGetId(wide);
        }
    }
}

static bool is_gpr(const ZydisDecodedOperand *operand)
{
    ZydisRegisterClass class;

    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER) {
        return false;
    }
    class = ZydisRegisterGetClass(operand->reg.value);
    return class == ZYDIS_REGCLASS_GPR8 || class == ZYDIS_REGCLASS_GPR16 ||
           class == ZYDIS_REGCLASS_GPR32 || class == ZYDIS_REGCLASS_GPR64;
}

static bool is_memory(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY;
}

static bool is_cr8(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->reg.value == ZYDIS_REGISTER_CR8;
}

/* ---- an operation on memory ---- */

static bool find_operation(ZydisMnemonic mnemonic, enum decoded_operation *operation)
{
    static const struct {
        ZydisMnemonic mnemonic;
        enum decoded_operation operation;
    } table[] = {
        {ZYDIS_MNEMONIC_MOV, OPERATION_MOVE},
        {ZYDIS_MNEMONIC_MOVZX, OPERATION_MOVE},
        {ZYDIS_MNEMONIC_MOVSX, OPERATION_MOVE},
        {ZYDIS_MNEMONIC_MOVSXD, OPERATION_MOVE},
        {ZYDIS_MNEMONIC_MOVNTI, OPERATION_MOVE},
        {ZYDIS_MNEMONIC_ADD, OPERATION_ADD},
        {ZYDIS_MNEMONIC_SUB, OPERATION_SUBTRACT},
        {ZYDIS_MNEMONIC_AND, OPERATION_AND},
        {ZYDIS_MNEMONIC_OR, OPERATION_OR},
        {ZYDIS_MNEMONIC_XOR, OPERATION_XOR},
        {ZYDIS_MNEMONIC_CMP, OPERATION_COMPARE},
        {ZYDIS_MNEMONIC_TEST, OPERATION_TEST},
        {ZYDIS_MNEMONIC_XCHG, OPERATION_EXCHANGE},
        {ZYDIS_MNEMONIC_XADD, OPERATION_EXCHANGE_ADD},
        {ZYDIS_MNEMONIC_CMPXCHG, OPERATION_COMPARE_EXCHANGE},
        {ZYDIS_MNEMONIC_INC, OPERATION_INCREMENT},
        {ZYDIS_MNEMONIC_DEC, OPERATION_DECREMENT},
        {ZYDIS_MNEMONIC_NOT, OPERATION_NOT},
        {ZYDIS_MNEMONIC_NEG, OPERATION_NEGATE},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].mnemonic == mnemonic) {
            *operation = table[i].operation;
            return true;
        }
    }
    return false;
}

/* The operand that is not in memory. */
static bool set_other(const ZydisDecodedOperand *operand, struct decoded *out)
{
    if (is_gpr(operand)) {
        set_register(out, operand->reg.value);
        return true;
    }
    if (operand->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        out->has_immediate = true;
        out->immediate = operand->imm.value.u;
        return true;
    }
    return false;
}

static enum decoded_kind classify_memory(const ZydisDecodedInstruction *instruction,
                                         const ZydisDecodedOperand *operands, struct decoded *out)
{
    unsigned count = instruction->operand_count_visible;
    unsigned memory;

    if (!find_operation(instruction->mnemonic, &out->operation)) {
        return DECODED_OTHER;
    }
    for (memory = 0; memory < count && !is_memory(&operands[memory]); memory++) {
    }
    if (memory == count) {
        return DECODED_OTHER;
    }
    if (count == 2 ? !set_other(&operands[1 - memory], out) : count != 1) {
        return DECODED_OTHER;
    }
    out->to_memory = memory == 0;
    out->memory_bytes = (uint8_t)(operands[memory].size / 8);
    out->sign_extend = instruction->mnemonic == ZYDIS_MNEMONIC_MOVSX ||
                       instruction->mnemonic == ZYDIS_MNEMONIC_MOVSXD;
    return DECODED_MEMORY;
}

static enum decoded_kind classify_move(const ZydisDecodedInstruction *instruction,
                                       const ZydisDecodedOperand *operands, struct decoded *out)
{
    if (is_cr8(&operands[0]) && is_gpr(&operands[1])) {
        set_register(out, operands[1].reg.value);
        return DECODED_WRITE_CR8;
    }
    if (is_cr8(&operands[1]) && is_gpr(&operands[0])) {
        set_register(out, operands[0].reg.value);
        return DECODED_READ_CR8;
    }
    return classify_memory(instruction, operands, out);
}

/* ---- ports and strings ---- */

static enum decoded_kind classify_port(const ZydisDecodedOperand *accumulator,
                                       const ZydisDecodedOperand *port, enum decoded_kind kind,
                                       struct decoded *out)
{
    set_register(out, accumulator->reg.value);
    if (port->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
        out->has_immediate = true;
        out->immediate = (uint8_t)port->imm.value.u;
    }
    return kind;
}

static enum decoded_kind classify_string(const ZydisDecodedInstruction *instruction,
                                         enum decoded_string string, unsigned bytes,
                                         struct decoded *out)
{
    out->string = string;
    out->memory_bytes = (uint8_t)bytes;
    /* The processor takes either prefix for "rep" where the result is not compared. */
    out->repeat = (instruction->attributes &
                   (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0;
    out->address_bytes = instruction->address_width / 8;
    return DECODED_STRING;
}

static enum decoded_kind classify_io(const ZydisDecodedInstruction *instruction,
                                     const ZydisDecodedOperand *operands, struct decoded *out)
{
    switch (instruction->mnemonic) {
    case ZYDIS_MNEMONIC_IN:
        return classify_port(&operands[0], &operands[1], DECODED_PORT_IN, out);
    case ZYDIS_MNEMONIC_OUT:
        return classify_port(&operands[1], &operands[0], DECODED_PORT_OUT, out);
    case ZYDIS_MNEMONIC_INSB:
        return classify_string(instruction, STRING_INS, 1, out);
    case ZYDIS_MNEMONIC_INSW:
        return classify_string(instruction, STRING_INS, 2, out);
    case ZYDIS_MNEMONIC_INSD:
        return classify_string(instruction, STRING_INS, 4, out);
    case ZYDIS_MNEMONIC_OUTSB:
        return classify_string(instruction, STRING_OUTS, 1, out);
    case ZYDIS_MNEMONIC_OUTSW:
        return classify_string(instruction, STRING_OUTS, 2, out);
    case ZYDIS_MNEMONIC_OUTSD:
        return classify_string(instruction, STRING_OUTS, 4, out);
    default:
        return DECODED_OTHER;
    }
}

static enum decoded_kind classify_copy(const ZydisDecodedInstruction *instruction,
                                       const ZydisDecodedOperand *operands, struct decoded *out)
{
    /* movsd is also a move of a floating-point register, with another first operand. */
    switch (instruction->mnemonic) {
    case ZYDIS_MNEMONIC_MOVSB:
    case ZYDIS_MNEMONIC_MOVSW:
    case ZYDIS_MNEMONIC_MOVSD:
    case ZYDIS_MNEMONIC_MOVSQ:
        if (!is_memory(&operands[0]) || !is_memory(&operands[1])) {
            return DECODED_OTHER;
        }
        return classify_string(instruction, STRING_MOVS, operands[0].size / 8u, out);
    case ZYDIS_MNEMONIC_STOSB:
    case ZYDIS_MNEMONIC_STOSW:
    case ZYDIS_MNEMONIC_STOSD:
    case ZYDIS_MNEMONIC_STOSQ:
        return classify_string(instruction, STRING_STOS, operands[0].size / 8u, out);
    case ZYDIS_MNEMONIC_LODSB:
    case ZYDIS_MNEMONIC_LODSW:
    case ZYDIS_MNEMONIC_LODSD:
    case ZYDIS_MNEMONIC_LODSQ:
        return classify_string(instruction, STRING_LODS, operands[1].size / 8u, out);
    default:
        return DECODED_OTHER;
    }
}

static enum decoded_kind classify(const ZydisDecodedInstruction *instruction,
                                  const ZydisDecodedOperand *operands, struct decoded *out)
{
    enum decoded_kind kind;

    switch (instruction->mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
        return classify_move(instruction, operands, out);
    case ZYDIS_MNEMONIC_CLI:
        return DECODED_CLI;
    case ZYDIS_MNEMONIC_STI:
        return DECODED_STI;
    case ZYDIS_MNEMONIC_RDTSC:
        return DECODED_READ_TSC;
    case ZYDIS_MNEMONIC_RDTSCP:
        out->has_processor = true;
        return DECODED_READ_TSC;
    case ZYDIS_MNEMONIC_INT:
        out->immediate = (uint8_t)operands[0].imm.value.u;
        return DECODED_INTERRUPT;
    case ZYDIS_MNEMONIC_INT3:
        out->immediate = 3;
        return DECODED_INTERRUPT;
    case ZYDIS_MNEMONIC_WBINVD:
    case ZYDIS_MNEMONIC_INVLPG:
        return DECODED_FLUSH;
    default:
        kind = classify_io(instruction, operands, out);
        if (kind == DECODED_OTHER) {
            kind = classify_copy(instruction, operands, out);
        }
        return kind != DECODED_OTHER ? kind : classify_memory(instruction, operands, out);
    }
}

/* ---- the two exports ---- */

static bool decode(const void *bytes, size_t size, ZydisDecodedInstruction *instruction,
                   ZydisDecodedOperand *operands)
{
    ZydisDecoder decoder;

    return ZYAN_SUCCESS(
               ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes,
                                               size > DECODE_LENGTH_MAX ? DECODE_LENGTH_MAX : size,
                                               instruction, operands));
}

void decode_instruction(const void *bytes, size_t size, struct decoded *out)
{
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    memset(out, 0, sizeof *out);
    if (!decode(bytes, size, &instruction, operands)) {
        out->kind = DECODED_INVALID;
        return;
    }
    out->length = instruction.length;
    out->kind = classify(&instruction, operands, out);
    out->privileged = (instruction.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0 ||
                      classify_io(&instruction, operands, &(struct decoded){0}) != DECODED_OTHER;
}

void decode_text(const void *bytes, size_t size, uint64_t address, char *text, size_t text_size)
{
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisFormatter formatter;
    const char *name;

    if (!decode(bytes, size, &instruction, operands)) {
        snprintf(text, text_size, "(bad)");
        return;
    }
    if (ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) &&
        ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
                                                     instruction.operand_count_visible, text,
                                                     text_size, address, NULL))) {
        return;
    }
    name = ZydisMnemonicGetString(instruction.mnemonic);
    snprintf(text, text_size, "%s", name != NULL ? name : "?");
}
