/* SPDX-License-Identifier: MIT */
#include "decode/micro_table.h"

#define GROUP_ROW(g, s, f) .kind = MICRO_OTHER, .shape = (s), .flags = (f), .group = (g)

/* The six forms of each of the eight operations below 40h. */
#define ARITHMETIC(base, k)                                                                        \
    [(base)] = {.kind = (k), .shape = SHAPE_E_G, .flags = FLAG_BYTE},                              \
    [(base) + 1] = {.kind = (k), .shape = SHAPE_E_G},                                              \
    [(base) + 2] = {.kind = (k), .shape = SHAPE_G_E, .flags = FLAG_BYTE},                          \
    [(base) + 3] = {.kind = (k), .shape = SHAPE_G_E},                                              \
    [(base) + 4] = {.kind = (k), .shape = SHAPE_A_IMMEDIATE, .flags = FLAG_BYTE},                  \
    [(base) + 5] = {.kind = (k), .shape = SHAPE_A_IMMEDIATE}

const struct opcode opcodes_one_byte[256] = {
    ARITHMETIC(0x00, MICRO_ADD),
    ARITHMETIC(0x08, MICRO_OR),
    ARITHMETIC(0x10, MICRO_OTHER),
    ARITHMETIC(0x18, MICRO_OTHER),
    ARITHMETIC(0x20, MICRO_AND),
    ARITHMETIC(0x28, MICRO_SUBTRACT),
    ARITHMETIC(0x30, MICRO_XOR),
    ARITHMETIC(0x38, MICRO_COMPARE),
    [0x50 ... 0x57] = {.kind = MICRO_PUSH, .shape = SHAPE_R_SECOND, .flags = FLAG_QUAD},
    [0x58 ... 0x5f] = {.kind = MICRO_POP, .shape = SHAPE_R, .flags = FLAG_QUAD},
    [0x63] = {.kind = MICRO_MOVE, .shape = SHAPE_G_E, .flags = FLAG_FROM_32 | FLAG_SIGN},
    [0x68] = {.kind = MICRO_PUSH, .shape = SHAPE_IMMEDIATE_SECOND, .flags = FLAG_QUAD},
    [0x6a] = {.kind = MICRO_PUSH, .shape = SHAPE_I8_SECOND, .flags = FLAG_QUAD},
    [0x6c] = {.kind = MICRO_STRING, .shape = SHAPE_STRING, .flags = FLAG_BYTE},
    [0x6d] = {.kind = MICRO_STRING, .shape = SHAPE_STRING},
    [0x6e] = {.kind = MICRO_STRING, .shape = SHAPE_STRING, .flags = FLAG_BYTE},
    [0x6f] = {.kind = MICRO_STRING, .shape = SHAPE_STRING},
    [0x70 ... 0x7f] = {.kind = MICRO_JUMP_IF, .shape = SHAPE_REL8},
    [0x80] = {GROUP_ROW(GROUP_ARITHMETIC, SHAPE_E_I8, FLAG_BYTE)},
    [0x81] = {GROUP_ROW(GROUP_ARITHMETIC, SHAPE_E_IMMEDIATE, 0)},
    [0x83] = {GROUP_ROW(GROUP_ARITHMETIC, SHAPE_E_I8, 0)},
    [0x84] = {.kind = MICRO_TEST, .shape = SHAPE_E_G, .flags = FLAG_BYTE},
    [0x85] = {.kind = MICRO_TEST, .shape = SHAPE_E_G},
    [0x86] = {.kind = MICRO_EXCHANGE, .shape = SHAPE_E_G, .flags = FLAG_BYTE},
    [0x87] = {.kind = MICRO_EXCHANGE, .shape = SHAPE_E_G},
    [0x88] = {.kind = MICRO_MOVE, .shape = SHAPE_E_G, .flags = FLAG_BYTE},
    [0x89] = {.kind = MICRO_MOVE, .shape = SHAPE_E_G},
    [0x8a] = {.kind = MICRO_MOVE, .shape = SHAPE_G_E, .flags = FLAG_BYTE},
    [0x8b] = {.kind = MICRO_MOVE, .shape = SHAPE_G_E},
    [0x8d] = {.kind = MICRO_LEA, .shape = SHAPE_G_E},
    [0x8f] = {GROUP_ROW(GROUP_POP, SHAPE_E, FLAG_QUAD)},
    [0x90 ... 0x97] = {.kind = MICRO_EXCHANGE, .shape = SHAPE_A_R},
    [0x98] = {.kind = MICRO_MOVE, .shape = SHAPE_WIDEN, .flags = FLAG_SIGN},
    [0x9c] = {.kind = MICRO_PUSH, .shape = SHAPE_NONE, .flags = FLAG_QUAD},
    [0x9d] = {.kind = MICRO_POP, .shape = SHAPE_NONE, .flags = FLAG_QUAD},
    [0xa4] = {.kind = MICRO_STRING, .shape = SHAPE_STRING, .flags = FLAG_BYTE},
    [0xa5] = {.kind = MICRO_STRING, .shape = SHAPE_STRING},
    [0xa6] = {.kind = MICRO_STRING, .shape = SHAPE_STRING, .flags = FLAG_BYTE},
    [0xa7] = {.kind = MICRO_STRING, .shape = SHAPE_STRING},
    [0xa8] = {.kind = MICRO_TEST, .shape = SHAPE_A_IMMEDIATE, .flags = FLAG_BYTE},
    [0xa9] = {.kind = MICRO_TEST, .shape = SHAPE_A_IMMEDIATE},
    [0xaa] = {.kind = MICRO_STRING, .shape = SHAPE_STRING, .flags = FLAG_BYTE},
    [0xab] = {.kind = MICRO_STRING, .shape = SHAPE_STRING},
    [0xac] = {.kind = MICRO_STRING, .shape = SHAPE_STRING, .flags = FLAG_BYTE},
    [0xad] = {.kind = MICRO_STRING, .shape = SHAPE_STRING},
    [0xae] = {.kind = MICRO_STRING, .shape = SHAPE_STRING, .flags = FLAG_BYTE},
    [0xaf] = {.kind = MICRO_STRING, .shape = SHAPE_STRING},
    [0xb0 ... 0xb7] = {.kind = MICRO_MOVE, .shape = SHAPE_R_IMMEDIATE, .flags = FLAG_BYTE},
    [0xb8 ... 0xbf] = {.kind = MICRO_MOVE, .shape = SHAPE_R_IMMEDIATE},
    [0xc0] = {GROUP_ROW(GROUP_SHIFT, SHAPE_E_I8, FLAG_BYTE)},
    [0xc1] = {GROUP_ROW(GROUP_SHIFT, SHAPE_E_I8, 0)},
    [0xc2] = {.kind = MICRO_RETURN, .shape = SHAPE_SKIP_16},
    [0xc3] = {.kind = MICRO_RETURN, .shape = SHAPE_NONE},
    [0xc6] = {GROUP_ROW(GROUP_MOVE, SHAPE_E_I8, FLAG_BYTE)},
    [0xc7] = {GROUP_ROW(GROUP_MOVE, SHAPE_E_IMMEDIATE, 0)},
    [0xc9] = {.kind = MICRO_LEAVE, .shape = SHAPE_NONE, .flags = FLAG_QUAD},
    [0xcc] = {.kind = MICRO_BREAK, .shape = SHAPE_NONE},
    [0xcd] = {.kind = MICRO_OTHER, .shape = SHAPE_INTERRUPT},
    [0xd0] = {GROUP_ROW(GROUP_SHIFT, SHAPE_E_1, FLAG_BYTE)},
    [0xd1] = {GROUP_ROW(GROUP_SHIFT, SHAPE_E_1, 0)},
    [0xd2] = {GROUP_ROW(GROUP_SHIFT, SHAPE_E_CL, FLAG_BYTE)},
    [0xd3] = {GROUP_ROW(GROUP_SHIFT, SHAPE_E_CL, 0)},
    [0xe0 ... 0xe3] = {.kind = MICRO_JUMP_IF, .shape = SHAPE_REL8},
    [0xe8] = {.kind = MICRO_CALL, .shape = SHAPE_REL32},
    [0xe9] = {.kind = MICRO_JUMP, .shape = SHAPE_REL32},
    [0xeb] = {.kind = MICRO_JUMP, .shape = SHAPE_REL8},
    [0xf4] = {.kind = MICRO_STOP, .shape = SHAPE_NONE},
    [0xf6] = {GROUP_ROW(GROUP_UNARY, SHAPE_E, FLAG_BYTE)},
    [0xf7] = {GROUP_ROW(GROUP_UNARY, SHAPE_E, 0)},
    [0xfa] = {.kind = MICRO_CLI, .shape = SHAPE_NONE},
    [0xfb] = {.kind = MICRO_STI, .shape = SHAPE_NONE},
    [0xfe] = {GROUP_ROW(GROUP_STEP, SHAPE_E, FLAG_BYTE)},
    [0xff] = {GROUP_ROW(GROUP_BRANCH, SHAPE_E, 0)},
};

#define VECTOR(s, none, with_66, with_f3, with_f2)                                                 \
    {                                                                                              \
        .kind = MICRO_OTHER, .shape = (s), .flags = FLAG_PREFIXES, .width = {                      \
            none,                                                                                  \
            with_66,                                                                               \
            with_f3,                                                                               \
            with_f2                                                                                \
        }                                                                                          \
    }

const struct opcode opcodes_two_bytes[256] = {
    [0x0b] = {.kind = MICRO_STOP, .shape = SHAPE_NONE},
    [0x10] = VECTOR(SHAPE_VECTOR_G_E, 16, 16, 4, 8),
    [0x11] = VECTOR(SHAPE_VECTOR_E_G, 16, 16, 4, 8),
    [0x1f] = {.kind = MICRO_NOTHING, .shape = SHAPE_E},
    [0x20] = {.kind = MICRO_SYSTEM, .shape = SHAPE_CONTROL_READ},
    [0x22] = {.kind = MICRO_SYSTEM, .shape = SHAPE_CONTROL_WRITE},
    [0x28] = VECTOR(SHAPE_VECTOR_G_E, 16, 16, 0, 0),
    [0x29] = VECTOR(SHAPE_VECTOR_E_G, 16, 16, 0, 0),
    [0x40 ... 0x4f] = {.kind = MICRO_MOVE_IF, .shape = SHAPE_G_E},
    [0x57] = VECTOR(SHAPE_VECTOR_G_E, 16, 16, 0, 0),
    [0x6f] = VECTOR(SHAPE_VECTOR_G_E, 0, 16, 16, 0),
    [0x7f] = VECTOR(SHAPE_VECTOR_E_G, 0, 16, 16, 0),
    [0x80 ... 0x8f] = {.kind = MICRO_JUMP_IF, .shape = SHAPE_REL32},
    [0x90 ... 0x9f] = {.kind = MICRO_SET_IF, .shape = SHAPE_E, .flags = FLAG_BYTE},
    [0xa3] = {.kind = MICRO_BIT_TEST, .shape = SHAPE_E_G},
    [0xaf] = {.kind = MICRO_OTHER, .shape = SHAPE_G_E},
    [0xb6] = {.kind = MICRO_MOVE, .shape = SHAPE_G_E, .flags = FLAG_FROM_8},
    [0xb7] = {.kind = MICRO_MOVE, .shape = SHAPE_G_E, .flags = FLAG_FROM_16},
    [0xba] = {GROUP_ROW(GROUP_BITS, SHAPE_E_I8, 0)},
    [0xbe] = {.kind = MICRO_MOVE, .shape = SHAPE_G_E, .flags = FLAG_FROM_8 | FLAG_SIGN},
    [0xbf] = {.kind = MICRO_MOVE, .shape = SHAPE_G_E, .flags = FLAG_FROM_16 | FLAG_SIGN},
    [0xef] = VECTOR(SHAPE_VECTOR_G_E, 0, 16, 0, 0),
};

/* ff: inc, dec, call, far call, jmp, far jump, push */
static struct opcode branch_member(struct opcode row, unsigned member)
{
    static const uint8_t kinds[8] = {
        MICRO_INCREMENT,     MICRO_DECREMENT,
        MICRO_CALL_INDIRECT, 0,
        MICRO_JUMP_INDIRECT, 0,
        MICRO_PUSH,          0,
    };

    row.kind = kinds[member];
    if (kinds[member] == 0) {
        row.shape = SHAPE_ELSEWHERE;
    } else if (member >= 2) {
        row.shape = SHAPE_E_SECOND;
        row.flags = FLAG_QUAD;
    }
    return row;
}

/* test, test, not, neg; mul and its like write rdx:rax */
static struct opcode unary_member(struct opcode row, unsigned member)
{
    if (member <= 1) {
        row.kind = MICRO_TEST;
        row.shape = SHAPE_E_IMMEDIATE;
    } else if (member <= 3) {
        row.kind = member == 2 ? MICRO_NOT : MICRO_NEGATE;
    } else {
        row.shape = SHAPE_ELSEWHERE;
    }
    return row;
}

struct opcode opcode_of_group(const struct opcode *row, unsigned member)
{
    static const uint8_t arithmetic[8] = {MICRO_ADD, MICRO_OR,       MICRO_OTHER, MICRO_OTHER,
                                          MICRO_AND, MICRO_SUBTRACT, MICRO_XOR,   MICRO_COMPARE};
    static const uint8_t shift[8] = {
        MICRO_OTHER,      MICRO_OTHER,       MICRO_OTHER,      MICRO_OTHER,
        MICRO_SHIFT_LEFT, MICRO_SHIFT_RIGHT, MICRO_SHIFT_LEFT, MICRO_SHIFT_RIGHT_SIGNED};
    struct opcode out = *row;

    switch ((enum opcode_group)row->group) {
    case GROUP_NONE:
        break;
    case GROUP_ARITHMETIC:
        out.kind = arithmetic[member];
        break;
    case GROUP_SHIFT:
        out.kind = shift[member];
        break;
    case GROUP_UNARY:
        return unary_member(out, member);
    case GROUP_STEP:
        out.kind = member == 0 ? MICRO_INCREMENT : MICRO_DECREMENT;
        out.shape = member <= 1 ? SHAPE_E : SHAPE_ELSEWHERE;
        break;
    case GROUP_BRANCH:
        return branch_member(out, member);
    case GROUP_POP:
        out.kind = MICRO_POP;
        out.shape = member == 0 ? SHAPE_E : SHAPE_ELSEWHERE;
        break;
    case GROUP_MOVE:
        out.kind = MICRO_MOVE;
        out.shape = member == 0 ? row->shape : SHAPE_ELSEWHERE;
        break;
    case GROUP_BITS: /* bts, btr and btc also write */
        out.kind = member == 4 ? MICRO_BIT_TEST : MICRO_OTHER;
        out.shape = member >= 4 ? row->shape : SHAPE_ELSEWHERE;
        break;
    }
    return out;
}
