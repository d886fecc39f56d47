/* SPDX-License-Identifier: MIT */
/*
 * Instructions for analysis, from the tables of micro_table.c.
 *
 * The bytes are taken apart here as far as the tables go: prefixes, opcode, ModRM, SIB,
 * displacement, immediate.  Whatever is rare or whose validity depends on more than that (lock,
 * two kinds of repeat prefixes, an opcode without a row) is asked of Zydis, so the two never differ
 * in the length of an instruction: the tests compare them on random bytes and on real code.
 */
#include "decode/micro_table.h"

#include <string.h>

#define LENGTH_MAX 15u
/* What is read at most: prefixes up to the limit, opcode, ModRM, SIB, displacement, immediate. */
#define READ_MAX (LENGTH_MAX + 2u + 1u + 1u + 4u + 8u)

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

enum prefix {
    PREFIX_NARROW = 1,     /* 66 */
    PREFIX_ADDRESS_32 = 2, /* 67 */
    PREFIX_LOCK = 4,
    PREFIX_REPEAT_NOT = 8, /* f2 */
    PREFIX_REPEAT = 16,    /* f3 */
    PREFIX_SEGMENT = 32,   /* fs, gs */
    PREFIX_IGNORED = 64,   /* the other segments */
    PREFIX_REX = 128,
};
#define PREFIX_REPEATS (PREFIX_REPEAT | PREFIX_REPEAT_NOT)

static const uint8_t prefixes[256] = {
    [0x26] = PREFIX_IGNORED, [0x2e] = PREFIX_IGNORED,      [0x36] = PREFIX_IGNORED,
    [0x3e] = PREFIX_IGNORED, [0x40 ... 0x4f] = PREFIX_REX, [0x64] = PREFIX_SEGMENT,
    [0x65] = PREFIX_SEGMENT, [0x66] = PREFIX_NARROW,       [0x67] = PREFIX_ADDRESS_32,
    [0xf0] = PREFIX_LOCK,    [0xf2] = PREFIX_REPEAT_NOT,   [0xf3] = PREFIX_REPEAT,
};

/* One instruction while it is taken apart. */
struct parts {
    const uint8_t *bytes; /* READ_MAX of them, whatever there really is */
    unsigned at;          /* more than there is: it was cut off */
    uint8_t prefixes;     /* set of enum prefix */
    uint8_t rex;          /* 0: none */
    uint8_t opcode;
    bool two_bytes;
    uint8_t mode, field, low; /* of ModRM */
};

static bool has(const struct parts *parts, unsigned any_prefix)
{
    return (parts->prefixes & any_prefix) != 0;
}

static uint8_t take(struct parts *parts)
{
    return parts->bytes[parts->at++];
}

static int64_t take_signed(struct parts *parts, unsigned bytes)
{
    const uint8_t *from = parts->bytes + parts->at;
    uint32_t low = from[0];

    parts->at += bytes;
    if (bytes == 1) {
        return (int8_t)low;
    }
    low |= (uint32_t)from[1] << 8;
    if (bytes == 2) {
        return (int16_t)low;
    }
    low = from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
    if (bytes == 4) {
        return (int32_t)low;
    }
    return (int64_t)(low | (uint64_t)from[4] << 32 | (uint64_t)from[5] << 40 |
                     (uint64_t)from[6] << 48 | (uint64_t)from[7] << 56);
}

/* A REX prefix counts only directly before the opcode. */
static void take_prefixes(struct parts *parts)
{
    uint8_t byte = take(parts), prefix;

    while ((prefix = prefixes[byte]) != 0 && parts->at <= LENGTH_MAX) {
        parts->prefixes |= prefix;
        parts->rex = prefix == PREFIX_REX ? byte : 0;
        byte = take(parts);
    }
    parts->opcode = byte;
}

static void take_modrm(struct parts *parts)
{
    uint8_t modrm = take(parts);

    parts->mode = modrm >> 6;
    parts->field = modrm >> 3 & 7u;
    parts->low = modrm & 7u;
}

/* ---- operands ---- */

static void take_memory(struct parts *parts, struct micro *out)
{
    unsigned displacement = parts->mode == 1 ? 1 : parts->mode == 2 ? 4 : 0;

    if (parts->low == MICRO_RSP) {
        uint8_t sib = take(parts);
        unsigned index = (sib >> 3 & 7u) | ((parts->rex & REX_X) != 0 ? 8u : 0);

        if (index != MICRO_RSP) {
            out->index = (uint8_t)index;
            out->scale = (uint8_t)(1u << (sib >> 6));
        }
        if ((sib & 7u) == MICRO_RBP && parts->mode == 0) {
            displacement = 4;
        } else {
            out->base = (uint8_t)((sib & 7u) | ((parts->rex & REX_B) != 0 ? 8u : 0));
        }
    } else if (parts->low == MICRO_RBP && parts->mode == 0) {
        displacement = 4;
        out->base = MICRO_RIP;
    } else {
        out->base = (uint8_t)(parts->low | ((parts->rex & REX_B) != 0 ? 8u : 0));
    }
    out->displacement = displacement != 0 ? (int32_t)take_signed(parts, displacement) : 0;
    out->segment = has(parts, PREFIX_SEGMENT | PREFIX_ADDRESS_32);
}

static void set_register(const struct parts *parts, bool first, unsigned number, unsigned bytes,
                         struct micro *out)
{
    if (bytes == 1 && parts->rex == 0 && number >= 4 && number < 8) {
        number -= 4;
        out->high = true;
    }
    if (first) {
        out->first = MICRO_REGISTER;
        out->first_register = (uint8_t)number;
        out->first_bytes = (uint8_t)bytes;
    } else {
        out->second = MICRO_REGISTER;
        out->second_register = (uint8_t)number;
        out->second_bytes = (uint8_t)bytes;
    }
}

static void set_e(struct parts *parts, bool first, unsigned bytes, struct micro *out)
{
    if (parts->mode == 3) {
        set_register(parts, first, parts->low | ((parts->rex & REX_B) != 0 ? 8u : 0), bytes, out);
        return;
    }
    take_memory(parts, out);
    if (first) {
        out->first = MICRO_MEMORY;
        out->first_bytes = (uint8_t)bytes;
    } else {
        out->second = MICRO_MEMORY;
        out->second_bytes = (uint8_t)bytes;
    }
}

static void set_g(const struct parts *parts, bool first, unsigned bytes, struct micro *out)
{
    set_register(parts, first, parts->field | ((parts->rex & REX_R) != 0 ? 8u : 0), bytes, out);
}

static void set_immediate(struct micro *out, int64_t value, unsigned bytes)
{
    out->second = MICRO_IMMEDIATE;
    out->second_bytes = (uint8_t)bytes;
    out->immediate = value;
}

static void set_target(struct parts *parts, unsigned bytes, struct micro *out)
{
    int64_t target = take_signed(parts, bytes);

    target += (int64_t)out->rva + parts->at;
    out->target = target >= 0 && target < INT32_MAX ? (uint32_t)target : UINT32_MAX;
    out->condition = MICRO_IF_UNKNOWN;
    if (out->kind == MICRO_JUMP_IF && (parts->two_bytes || parts->opcode < 0xe0)) {
        out->condition = parts->opcode & 15u;
    }
}

static unsigned operand_bytes(const struct parts *parts, uint8_t flags)
{
    if ((flags & FLAG_BYTE) != 0) {
        return 1;
    }
    if ((parts->rex & REX_W) != 0) {
        return 8;
    }
    if (has(parts, PREFIX_NARROW)) {
        return 2;
    }
    return (flags & FLAG_QUAD) != 0 ? 8 : 4;
}

static unsigned source_bytes(uint8_t flags, unsigned otherwise)
{
    if ((flags & FLAG_FROM_8) != 0) {
        return 1;
    }
    if ((flags & FLAG_FROM_16) != 0) {
        return 2;
    }
    return (flags & FLAG_FROM_32) != 0 ? 4 : otherwise;
}

/* ---- odd shapes ---- */

static void set_interrupt(struct parts *parts, struct micro *out)
{
    uint8_t vector = take(parts);

    out->kind = vector == 0x29                      ? MICRO_STOP
                : vector == 3 || vector / 2 == 0x16 ? MICRO_BREAK /* 2c: assertion, 2d: debugger */
                                                    : MICRO_SYSTEM;
}

static void set_string(const struct parts *parts, unsigned bytes, struct micro *out)
{
    enum { RAX = 1 << 0, RCX = 1 << 1, RSI = 1 << 6, RDI = 1 << 7 };
    bool port = parts->opcode < 0x70;

    if (port && bytes == 8) {
        bytes = 4;
    }
    switch (parts->opcode & 0xfeu) {
    case 0x6c:
    case 0xaa:
        out->writes = RDI;
        out->stores = true;
        break;
    case 0xa4:
        out->writes = RSI | RDI;
        out->stores = true;
        break;
    case 0xa6:
        out->writes = RSI | RDI;
        break;
    case 0x6e:
        out->writes = RSI;
        break;
    case 0xac:
        out->writes = RSI | RAX;
        break;
    default: /* scas */
        out->writes = RDI;
        break;
    }
    if (has(parts, PREFIX_REPEATS)) {
        out->writes |= RCX;
    }
    out->base = out->stores || (parts->opcode & 0xfeu) == 0xae ? 7 : 6;
    out->segment = has(parts, PREFIX_ADDRESS_32) || (has(parts, PREFIX_SEGMENT) && out->base == 6);
    out->first_bytes = (uint8_t)bytes;
}

/* mov from or to a control register: only cr8 has a kind.  The mode of ModRM does not count. */
static void set_control(const struct parts *parts, bool reads, struct micro *out)
{
    unsigned general = parts->low | ((parts->rex & REX_B) != 0 ? 8u : 0);
    bool cr8 = parts->field == 0 && (parts->rex & REX_R) != 0;

    set_register(parts, reads, general, 8, out);
    if (cr8) {
        out->kind = reads ? MICRO_READ_CR8 : MICRO_WRITE_CR8;
    }
}

/* Index into the widths of a vector's row. */
static unsigned vector_prefix(const struct parts *parts)
{
    return has(parts, PREFIX_NARROW)       ? 1
           : has(parts, PREFIX_REPEAT)     ? 2
           : has(parts, PREFIX_REPEAT_NOT) ? 3
                                           : 0;
}

static void set_vector(struct parts *parts, const struct opcode *row, struct micro *out)
{
    if (parts->mode != 3) {
        set_e(parts, row->shape == SHAPE_VECTOR_E_G, row->width[vector_prefix(parts)], out);
    }
}

/* ---- the shapes ---- */

static void set_immediate_shape(struct parts *parts, const struct opcode *row, unsigned bytes,
                                struct micro *out)
{
    unsigned taken = bytes == 8 ? 4 : bytes;

    switch ((enum shape)row->shape) {
    case SHAPE_E_I8:
        set_e(parts, true, bytes, out);
        set_immediate(out, take_signed(parts, 1), bytes);
        break;
    case SHAPE_E_IMMEDIATE:
        set_e(parts, true, bytes, out);
        set_immediate(out, take_signed(parts, taken), bytes);
        break;
    case SHAPE_A_IMMEDIATE:
        set_register(parts, true, 0, bytes, out);
        set_immediate(out, take_signed(parts, taken), bytes);
        break;
    case SHAPE_R_IMMEDIATE:
        set_register(parts, true, (parts->opcode & 7u) | ((parts->rex & REX_B) != 0 ? 8u : 0),
                     bytes, out);
        set_immediate(out, take_signed(parts, bytes), bytes);
        break;
    case SHAPE_I8_SECOND:
        set_immediate(out, take_signed(parts, 1), bytes);
        break;
    case SHAPE_IMMEDIATE_SECOND:
        set_immediate(out, take_signed(parts, taken), bytes);
        break;
    case SHAPE_E_1:
        set_e(parts, true, bytes, out);
        set_immediate(out, 1, bytes);
        break;
    default: /* SHAPE_SKIP_16 */
        (void)take_signed(parts, 2);
        break;
    }
}

static void set_register_shape(struct parts *parts, const struct opcode *row, unsigned bytes,
                               struct micro *out)
{
    unsigned named = (parts->opcode & 7u) | ((parts->rex & REX_B) != 0 ? 8u : 0);

    switch ((enum shape)row->shape) {
    case SHAPE_R:
    case SHAPE_R_SECOND:
        set_register(parts, row->shape == SHAPE_R, named, bytes, out);
        break;
    case SHAPE_A_R:
        if (named == 0) {
            out->kind = MICRO_NOTHING; /* xchg eax, eax, which is nop */
            break;
        }
        set_register(parts, true, 0, bytes, out);
        set_register(parts, false, named, bytes, out);
        break;
    case SHAPE_WIDEN:
        set_register(parts, true, 0, bytes, out);
        out->second = MICRO_REGISTER;
        out->second_bytes = (uint8_t)(bytes / 2);
        break;
    default:
        break;
    }
}

static void set_operands(struct parts *parts, const struct opcode *row, struct micro *out)
{
    bool branch = out->kind == MICRO_CALL_INDIRECT || out->kind == MICRO_JUMP_INDIRECT;
    unsigned bytes = branch ? 8 : operand_bytes(parts, row->flags); /* whatever 66 says */

    switch ((enum shape)row->shape) {
    case SHAPE_E_G:
    case SHAPE_E_CL:
        set_e(parts, true, bytes, out);
        if (row->shape == SHAPE_E_G) {
            set_g(parts, false, bytes, out);
        } else {
            out->second = MICRO_REGISTER;
            out->second_register = 1;
            out->second_bytes = 1;
        }
        break;
    case SHAPE_G_E:
        set_e(parts, false, source_bytes(row->flags, bytes), out);
        set_g(parts, true, bytes, out);
        break;
    case SHAPE_E:
    case SHAPE_E_SECOND:
        set_e(parts, row->shape == SHAPE_E, bytes, out);
        break;
    case SHAPE_REL8:
    case SHAPE_REL32:
        set_target(parts, row->shape == SHAPE_REL8 ? 1 : 4, out);
        break;
    case SHAPE_INTERRUPT:
        set_interrupt(parts, out);
        break;
    case SHAPE_STRING:
        set_string(parts, bytes, out);
        break;
    case SHAPE_CONTROL_READ:
    case SHAPE_CONTROL_WRITE:
        set_control(parts, row->shape == SHAPE_CONTROL_READ, out);
        break;
    case SHAPE_VECTOR_G_E:
    case SHAPE_VECTOR_E_G:
        set_vector(parts, row, out);
        break;
    case SHAPE_R:
    case SHAPE_R_SECOND:
    case SHAPE_A_R:
    case SHAPE_WIDEN:
        set_register_shape(parts, row, bytes, out);
        break;
    case SHAPE_NONE:
    case SHAPE_ELSEWHERE:
        break;
    default:
        set_immediate_shape(parts, row, bytes, out);
        break;
    }
}

/* ---- what an instruction reads and writes ---- */

static void set_effects(struct micro *out)
{
    enum { FIRST_WRITTEN = 1, SECOND_WRITTEN = 2, STACK = 4, FRAME = 8 };
    static const uint8_t effects[MICRO_KIND_COUNT] = {
        [MICRO_OTHER] = FIRST_WRITTEN,
        [MICRO_MOVE] = FIRST_WRITTEN,
        [MICRO_LEA] = FIRST_WRITTEN,
        [MICRO_ADD... MICRO_NOT] = FIRST_WRITTEN,
        [MICRO_EXCHANGE] = FIRST_WRITTEN | SECOND_WRITTEN,
        [MICRO_SET_IF] = FIRST_WRITTEN,
        [MICRO_MOVE_IF] = FIRST_WRITTEN,
        [MICRO_PUSH] = STACK,
        [MICRO_POP] = FIRST_WRITTEN | STACK,
        [MICRO_LEAVE] = STACK | FRAME,
        [MICRO_READ_CR8] = FIRST_WRITTEN,
        [MICRO_SYSTEM] = FIRST_WRITTEN,
    };
    uint8_t effect = effects[out->kind];

    if (out->first == MICRO_REGISTER && (effect & FIRST_WRITTEN) != 0) {
        out->writes |= (uint16_t)(1u << out->first_register);
    }
    if (out->second == MICRO_REGISTER && (effect & SECOND_WRITTEN) != 0) {
        out->writes |= (uint16_t)(1u << out->second_register);
    }
    if ((effect & STACK) != 0) {
        out->writes |= 1u << MICRO_RSP;
    }
    if ((effect & FRAME) != 0) {
        out->writes |= 1u << MICRO_RBP;
    }
    if (out->first == MICRO_MEMORY) {
        out->stores = (effect & FIRST_WRITTEN) != 0;
    }
}

/* Vector moves only overwrite memory, and their registers are no general ones. */
static void set_vector_effects(struct micro *out)
{
    out->stores = out->first == MICRO_MEMORY;
}

static void finish(struct parts *parts, const struct opcode *row, struct micro *out)
{
    out->length = (uint8_t)parts->at;
    if (out->base == MICRO_RIP) {
        out->displacement = (int32_t)((uint32_t)out->displacement + out->rva + parts->at);
    }
    if (out->kind == MICRO_MOVE) {
        out->sign_extend = (row->flags & FLAG_SIGN) != 0;
    } else if (out->kind == MICRO_SET_IF || out->kind == MICRO_MOVE_IF) {
        out->condition = parts->opcode & 15u;
    } else if (out->kind == MICRO_LEA && has(parts, PREFIX_ADDRESS_32)) {
        out->kind = MICRO_OTHER;
        out->second = MICRO_NONE;
    }
    if ((row->flags & FLAG_PREFIXES) != 0) {
        set_vector_effects(out);
    } else {
        set_effects(out);
    }
}

/* Whether the row holds for these prefixes and this ModRM; see `applies` for the simple ones. */
static bool applies_after_all(const struct parts *parts, const struct opcode *row)
{
    if ((parts->prefixes & PREFIX_REPEATS) == PREFIX_REPEATS) {
        return row->kind == MICRO_STRING;
    }
    if ((row->flags & FLAG_PREFIXES) != 0) {
        /* not two of them */
        return !(has(parts, PREFIX_NARROW) && has(parts, PREFIX_REPEATS)) &&
               row->width[vector_prefix(parts)] != 0;
    }
    if (parts->two_bytes && has(parts, PREFIX_REPEATS)) {
        return row->kind == MICRO_JUMP_IF;
    }
    if (row->kind == MICRO_LEA) {
        return parts->mode != 3;
    }
    if (row->kind == MICRO_EXCHANGE && row->shape == SHAPE_A_R) {
        return !has(parts, PREFIX_REPEAT) && !(has(parts, PREFIX_NARROW) && parts->opcode == 0x90 &&
                                               (parts->rex & REX_B) != 0); /* pause */
    }
    if (row->shape == SHAPE_CONTROL_READ || row->shape == SHAPE_CONTROL_WRITE) {
        /* Others than cr0, cr2, cr3, cr4 and cr8 do not exist. */
        unsigned number = parts->field | ((parts->rex & REX_R) != 0 ? 8u : 0);

        return number <= 8 && number != 1 && (number <= 4 || number == 8);
    }
    return true;
}

static bool applies(const struct parts *parts, const struct opcode *row)
{
    if (row->shape == SHAPE_ELSEWHERE) {
        return false;
    }
    if (!has(parts, PREFIX_REPEATS) && (row->flags & FLAG_PREFIXES) == 0 &&
        row->kind <= MICRO_NOT && row->kind != MICRO_LEA && row->kind != MICRO_OTHER) {
        return true;
    }
    return applies_after_all(parts, row);
}

static bool has_modrm(const struct opcode *row)
{
    enum {
        SHAPES = 1 << SHAPE_E_G | 1 << SHAPE_G_E | 1 << SHAPE_E | 1 << SHAPE_E_SECOND |
                 1 << SHAPE_E_I8 | 1 << SHAPE_E_IMMEDIATE | 1 << SHAPE_E_1 | 1 << SHAPE_E_CL |
                 1 << SHAPE_CONTROL_READ | 1 << SHAPE_CONTROL_WRITE | 1 << SHAPE_VECTOR_G_E |
                 1 << SHAPE_VECTOR_E_G
    };

    return (SHAPES >> row->shape & 1) != 0;
}

/* From bytes of which READ_MAX can be read.  False: that is not for the tables. */
static bool take_apart(const struct micro_decoder *decoder, const uint8_t *bytes, unsigned size,
                       struct micro *out)
{
    struct parts parts = {.bytes = bytes};
    const struct opcode *row;
    struct opcode member;

    take_prefixes(&parts);
    parts.two_bytes = parts.opcode == 0x0f;
    if (parts.two_bytes) {
        parts.opcode = take(&parts);
    }
    row = parts.two_bytes ? &opcodes_two_bytes[parts.opcode] : &opcodes_one_byte[parts.opcode];
    if (has_modrm(row)) {
        take_modrm(&parts);
        if (row->group != GROUP_NONE) {
            member = opcode_of_group(row, parts.field);
            row = &member;
        }
    }
    if (!applies(&parts, row)) {
        return false;
    }
    out->kind = row->kind;
    set_operands(&parts, row, out);
    if (parts.at > size ||
        (has(&parts, PREFIX_LOCK) && micro_length(decoder, bytes, size) != parts.at)) {
        return false;
    }
    finish(&parts, row, out);
    return true;
}

unsigned micro_decode(const struct micro_decoder *decoder, const uint8_t *bytes, size_t size,
                      uint32_t rva, struct micro *out)
{
    unsigned used = size > LENGTH_MAX ? LENGTH_MAX : (unsigned)size;
    uint8_t padded[READ_MAX];

    *out = (struct micro){.rva = rva, .base = MICRO_NO_REGISTER, .index = MICRO_NO_REGISTER};
    if (size < READ_MAX) {
        memset(padded, 0, sizeof(padded));
        memcpy(padded, bytes, used);
        bytes = padded;
    }
    if (!take_apart(decoder, bytes, used, out)) {
        return micro_decode_elsewhere(decoder, bytes, used, rva, out);
    }
    return out->length;
}
