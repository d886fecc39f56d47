/* SPDX-License-Identifier: MIT */
/*
 * Instructions that the tables do not know, by Zydis: what they write matters, not what they are.
 *
 * A memory operand that Zydis lists is the one of the micro; of several (rare: push [mem] has one
 * that the reader knows anyway) the first that is not hidden.
 */
#include "decode/micro_table.h"

#include <string.h>

#include <Zydis/Zydis.h>

_Static_assert(sizeof(ZydisDecoder) <= sizeof(((struct micro_decoder *)0)->opaque),
               "a decoder fits");

void micro_decoder_init(struct micro_decoder *decoder)
{
    ZydisDecoder zydis;

    /* Fails for modes that do not exist only. */
    (void)ZydisDecoderInit(&zydis, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    memcpy(decoder->opaque, &zydis, sizeof(zydis));
}

unsigned micro_length(const struct micro_decoder *decoder, const uint8_t *bytes, size_t size)
{
    ZydisDecodedInstruction instruction;
    ZydisDecoder zydis;

    memcpy(&zydis, decoder->opaque, sizeof(zydis));
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&zydis, NULL, bytes, size, &instruction))
               ? instruction.length
               : 0;
}

/* Number of the general register that holds it, MICRO_NO_REGISTER: none does. */
static uint8_t register_number(ZydisRegister name)
{
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, name);

    if (name == ZYDIS_REGISTER_RIP) {
        return MICRO_RIP;
    }
    return whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15
               ? (uint8_t)(whole - ZYDIS_REGISTER_RAX)
               : MICRO_NO_REGISTER;
}

static void set_memory(const ZydisDecodedInstruction *instruction,
                       const ZydisDecodedOperand *operand, struct micro *out)
{
    const ZydisDecodedOperandMem *memory = &operand->mem;
    unsigned bytes = operand->size / 8u;

    out->base = register_number(memory->base);
    out->index = register_number(memory->index);
    out->scale = memory->scale;
    out->displacement = (int32_t)memory->disp.value;
    if (out->base == MICRO_RIP) {
        out->displacement += (int32_t)(out->rva + instruction->length);
    }
    /* A vector of addresses (gather) or an address of 32 bits is no address that could be known;
     * neither is one of 64 bits that is written out. */
    out->segment = memory->segment == ZYDIS_REGISTER_FS || memory->segment == ZYDIS_REGISTER_GS ||
                   instruction->address_width != 64 || memory->type == ZYDIS_MEMOP_TYPE_VSIB ||
                   memory->disp.value != (int32_t)memory->disp.value;
    if ((operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) {
        out->stores = true;
        out->first = MICRO_MEMORY;
        out->first_bytes = (uint8_t)(bytes > 255 ? 255 : bytes);
    } else {
        out->second = MICRO_MEMORY;
        out->second_bytes = (uint8_t)(bytes > 255 ? 255 : bytes);
    }
}

static uint8_t kind_of(const ZydisDecodedInstruction *instruction)
{
    switch (instruction->mnemonic) {
    case ZYDIS_MNEMONIC_ENDBR64:
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_LFENCE:
    case ZYDIS_MNEMONIC_MFENCE:
    case ZYDIS_MNEMONIC_SFENCE:
        return MICRO_NOTHING;
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_SYSRET:
    case ZYDIS_MNEMONIC_SYSEXIT:
        return MICRO_STOP;
    case ZYDIS_MNEMONIC_INT1:
        return MICRO_BREAK;
    case ZYDIS_MNEMONIC_RET:
        return MICRO_RETURN;
    case ZYDIS_MNEMONIC_CALL: /* far */
        return MICRO_CALL_INDIRECT;
    case ZYDIS_MNEMONIC_JMP:
        return MICRO_JUMP_INDIRECT;
    default:
        break;
    }
    if (instruction->meta.category == ZYDIS_CATEGORY_NOP ||
        instruction->meta.category == ZYDIS_CATEGORY_WIDENOP ||
        instruction->meta.category == ZYDIS_CATEGORY_PREFETCH) {
        return MICRO_NOTHING;
    }
    if ((instruction->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0 ||
        instruction->meta.category == ZYDIS_CATEGORY_IO ||
        instruction->meta.category == ZYDIS_CATEGORY_SYSCALL) {
        return MICRO_SYSTEM;
    }
    return MICRO_OTHER;
}

static void set_operand(const ZydisDecodedInstruction *instruction,
                        const ZydisDecodedOperand *operand, bool *have_memory, struct micro *out)
{
    uint8_t number;

    if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
        (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) {
        number = register_number(operand->reg.value);
        if (number < MICRO_RIP) {
            out->writes |= (uint16_t)(1u << number);
        }
    }
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && !*have_memory &&
        operand->mem.type != ZYDIS_MEMOP_TYPE_AGEN) {
        *have_memory = true;
        set_memory(instruction, operand, out);
    }
}

unsigned micro_decode_elsewhere(const struct micro_decoder *decoder, const uint8_t *bytes,
                                size_t size, uint32_t rva, struct micro *out)
{
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoder zydis;
    bool have_memory = false;

    memcpy(&zydis, decoder->opaque, sizeof(zydis));
    memset(out, 0, sizeof(*out));
    out->rva = rva;
    out->base = out->index = MICRO_NO_REGISTER;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zydis, bytes, size, &instruction, operands))) {
        out->kind = MICRO_INVALID;
        out->length = 1;
        return 1;
    }
    out->length = instruction.length;
    out->kind = kind_of(&instruction);
    for (unsigned i = 0; i < instruction.operand_count && out->kind != MICRO_NOTHING; i++) {
        set_operand(&instruction, &operands[i], &have_memory, out);
    }
    if (out->kind == MICRO_JUMP_INDIRECT || out->kind == MICRO_CALL_INDIRECT) {
        out->second = MICRO_NONE; /* a far pointer is nothing that could be followed */
        out->writes = 0;
    }
    return out->length;
}
