/* SPDX-License-Identifier: MIT */
/* Zydis' view of an instruction, reduced to what the machine emulates. */
#include "decode/decode.h"

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

static bool is_cr8(const ZydisDecodedOperand *operand)
{
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER && operand->reg.value == ZYDIS_REGISTER_CR8;
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
    if (is_gpr(&operands[0]) && operands[1].type == ZYDIS_OPERAND_TYPE_MEMORY) {
        set_register(out, operands[0].reg.value);
        out->memory_bytes = (uint8_t)(operands[1].size / 8);
        out->sign_extend = instruction->mnemonic == ZYDIS_MNEMONIC_MOVSX ||
                           instruction->mnemonic == ZYDIS_MNEMONIC_MOVSXD;
        return DECODED_LOAD;
    }
    return DECODED_OTHER;
}

static enum decoded_kind classify(const ZydisDecodedInstruction *instruction,
                                  const ZydisDecodedOperand *operands, struct decoded *out)
{
    switch (instruction->mnemonic) {
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
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
        return DECODED_OTHER;
    }
}

static void format(const ZydisDecodedInstruction *instruction, const ZydisDecodedOperand *operands,
                   uint64_t address, char *text, size_t size)
{
    ZydisFormatter formatter;

    if (ZYAN_FAILED(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL)) ||
        ZYAN_FAILED(ZydisFormatterFormatInstruction(&formatter, instruction, operands,
                                                    instruction->operand_count_visible, text, size,
                                                    address, NULL))) {
        const char *name = ZydisMnemonicGetString(instruction->mnemonic);

        strncpy(text, name != NULL ? name : "?", size - 1);
        text[size - 1] = '\0';
    }
}

static bool is_privileged(const ZydisDecodedInstruction *instruction)
{
    switch (instruction->mnemonic) {
    case ZYDIS_MNEMONIC_IN:
    case ZYDIS_MNEMONIC_INSB:
    case ZYDIS_MNEMONIC_INSD:
    case ZYDIS_MNEMONIC_INSW:
    case ZYDIS_MNEMONIC_OUT:
    case ZYDIS_MNEMONIC_OUTSB:
    case ZYDIS_MNEMONIC_OUTSD:
    case ZYDIS_MNEMONIC_OUTSW:
        return true;
    default:
        return (instruction->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0;
    }
}

void decode_instruction(const void *bytes, size_t size, uint64_t address, struct decoded *out)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

    memset(out, 0, sizeof *out);
    if (size > DECODE_LENGTH_MAX) {
        size = DECODE_LENGTH_MAX;
    }
    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, bytes, size, &instruction, operands))) {
        out->kind = DECODED_INVALID;
        return;
    }
    out->length = instruction.length;
    out->kind = classify(&instruction, operands, out);
    out->privileged = is_privileged(&instruction);
    format(&instruction, operands, address, out->text, sizeof out->text);
}
