/* SPDX-License-Identifier: MIT */
/*
 * Instructions on registers of a device, against the processor itself: each runs natively on plain
 * memory and, with the same operands, on a device of plain bytes; registers, flags and bytes must
 * agree.  Then ports, strings, and what is remembered of the places that trap.
 */
#include "machine/hardware.h"

#include "decode/decode.h"

#include "guest.h"
#include "support/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_BYTES 256u
#define PHYSICAL     0xfed00000ull
#define PORT         0x300u

static uint8_t device_bytes[DEVICE_BYTES], plain_bytes[DEVICE_BYTES];
static uint64_t mapped;

static uint64_t read_device(void *context, uint32_t offset, unsigned bytes)
{
    uint64_t value = 0;

    (void)context;
    memcpy(&value, &device_bytes[offset], bytes);
    return value;
}

static void write_device(void *context, uint32_t offset, unsigned bytes, uint64_t value)
{
    (void)context;
    memcpy(&device_bytes[offset], &value, bytes);
}

static void start_with_device(void)
{
    static const struct io_range range = {read_device, write_device, NULL};

    start(1);
    make_module(true);
    ck_assert(machine_memory_claim(PHYSICAL, DEVICE_BYTES, &range));
    mapped = machine_io_map(PHYSICAL, DEVICE_BYTES);
    ck_assert_uint_ne(mapped, 0);
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* ---- one instruction with all its operands ---- */

struct operands {
    uint64_t rax, rcx, rdx, rsi, rdi, flags;
};

#define FLAG_ADJUST    0x010u
#define FLAG_DIRECTION 0x400u
#define FLAGS          0xcd5u /* carry, parity, adjust, zero, sign, direction, overflow */

/* A routine that loads the operands from [rcx], runs the instruction and stores them again. */
static uint64_t wrap(const uint8_t *instruction, size_t length)
{
    static const uint8_t before[] = {0x49, 0x89, 0xca,       /* mov r10, rcx */
                                     0x56, 0x57,             /* push rsi; push rdi */
                                     0x49, 0x8b, 0x02,       /* mov rax, [r10] ... */
                                     0x49, 0x8b, 0x4a, 0x08, /* rcx */
                                     0x49, 0x8b, 0x52, 0x10, /* rdx */
                                     0x49, 0x8b, 0x72, 0x18, /* rsi */
                                     0x49, 0x8b, 0x7a, 0x20, /* rdi */
                                     0x41, 0xff, 0x72, 0x28, /* push qword [r10+28h] */
                                     0x9d};                  /* popfq */
    static const uint8_t after[] = {0x9c,                    /* pushfq */
                                    0x41, 0x8f, 0x42, 0x28,  /* pop qword [r10+28h] */
                                    0xfc,                    /* cld */
                                    0x49, 0x89, 0x02,        /* mov [r10], rax ... */
                                    0x49, 0x89, 0x4a, 0x08, 0x49, 0x89, 0x52, 0x10, 0x49, 0x89,
                                    0x72, 0x18, 0x49, 0x89, 0x7a, 0x20, 0x5f, 0x5e, 0xc3};
    uint8_t routine[sizeof before + DECODE_LENGTH_MAX + sizeof after];

    memcpy(routine, before, sizeof before);
    memcpy(routine + sizeof before, instruction, length);
    memcpy(routine + sizeof before + length, after, sizeof after);
    return emit(routine, sizeof before + length + sizeof after);
}

/* Run it on both; `undefined` are flags that the processor leaves open. */
static void compare(const uint8_t *instruction, size_t length, uint64_t undefined)
{
    uint64_t routine = wrap(instruction, length);

    for (int round = 0; round < 4; round++) { /* decoded first, known later */
        struct operands native = {.rax = random64(), .rcx = random64()}, emulated;
        uint64_t small = round == 3 ? 0x0101010101010101ull : UINT64_MAX;
        uint64_t accesses = M->counters.register_accesses;

        native.flags = 0x202u | (random64() & 0x8d5u);
        native.rcx &= small; /* makes equal operands and zeros likely */
        for (uint32_t i = 0; i < DEVICE_BYTES; i++) {
            plain_bytes[i] = (uint8_t)(random64() & small);
        }
        if (round == 2) {
            memcpy(plain_bytes + 64, &native.rax, sizeof native.rax);
        }
        memcpy(device_bytes, plain_bytes, DEVICE_BYTES);
        emulated = native;
        native.rdx = (uint64_t)&plain_bytes[64];
        emulated.rdx = mapped + 64;
        run_guest(routine, (uint64_t)&native);
        ck_assert_uint_eq(M->counters.register_accesses, accesses);
        run_guest(routine, (uint64_t)&emulated);
        ck_assert_uint_gt(M->counters.register_accesses, accesses);
        ck_assert_msg(native.rax == emulated.rax && native.rcx == emulated.rcx,
                      "registers after %02x %02x %02x %02x", instruction[0], instruction[1],
                      instruction[2], instruction[3]);
        ck_assert_msg(((native.flags ^ emulated.flags) & FLAGS & ~undefined) == 0,
                      "flags after %02x %02x %02x %02x: %llx, should be %llx", instruction[0],
                      instruction[1], instruction[2], instruction[3],
                      (unsigned long long)emulated.flags, (unsigned long long)native.flags);
        ck_assert_msg(memcmp(plain_bytes, device_bytes, DEVICE_BYTES) == 0,
                      "bytes after %02x %02x %02x %02x", instruction[0], instruction[1],
                      instruction[2], instruction[3]);
    }
}

/* An instruction under construction. */
struct text {
    uint8_t bytes[16];
    size_t length;
};

static void put(struct text *text, uint8_t byte)
{
    text->bytes[text->length++] = byte;
}

/* Operand sizes 1, 2, 4, 8: prefix, then the opcode, odd for all but bytes. */
static struct text sized(unsigned size, uint8_t opcode, bool two_bytes)
{
    struct text text = {.length = 0};

    if (size == 2) {
        put(&text, 0x66);
    } else if (size == 8) {
        put(&text, 0x48);
    }
    if (two_bytes) {
        put(&text, 0x0f);
    }
    put(&text, (uint8_t)(opcode | (size > 1)));
    return text;
}

static void with_modrm(struct text text, unsigned reg, uint64_t undefined)
{
    put(&text, (uint8_t)(reg << 3 | 2)); /* [rdx] */
    compare(text.bytes, text.length, undefined);
}

static void code_again(void)
{
    emulate_forget(CODE_BASE, CODE_PAGES * PG_PAGE_SIZE);
    restart_code();
}

START_TEST(register_and_memory)
{
    static const struct {
        uint8_t opcode;
        bool logical, two_bytes;
    } table[] = {
        {0x00, false, false},
        {0x08, true, false},
        {0x20, true, false},
        {0x28, false, false},
        {0x30, true, false},
        {0x38, false, false},
        {0x84, true, false},
        {0x86, false, false},
        {0x88, false, false},
        {0xc0, false, true},
        {0xb0, false, true},
        /* memory is the second operand */
        {0x02, false, false},
        {0x0a, true, false},
        {0x22, true, false},
        {0x2a, false, false},
        {0x32, true, false},
        {0x3a, false, false},
        {0x8a, false, false},
    };
    static const unsigned registers[] = {0, 1, 4, 5}; /* al cl ah ch; rax rcx rsp rbp: not those */

    start_with_device();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        for (unsigned size = 1; size <= 8; size *= 2) {
            for (size_t r = 0; r < (size == 1 ? 4 : 2); r++) {
                with_modrm(sized(size, table[i].opcode, table[i].two_bytes), registers[r],
                           table[i].logical ? FLAG_ADJUST : 0);
            }
            code_again();
        }
    }
}
END_TEST

START_TEST(immediate_and_memory)
{
    for (unsigned size = 1; size <= 8; size *= 2) {
        if (size == 1) {
            start_with_device();
        }
        for (unsigned operation = 0; operation < 8; operation++) {
            struct text text = sized(size, size == 1 ? 0x80 : 0x83, false);
            bool logical = operation == 1 || operation == 4 || operation == 6;

            if (operation == 2 || operation == 3) {
                continue; /* adc and sbb are not among them */
            }
            put(&text, (uint8_t)(operation << 3 | 2));
            put(&text, 0x9c); /* sign-extended */
            compare(text.bytes, text.length, logical ? FLAG_ADJUST : 0);
        }
        for (unsigned which = 0; which < 2; which++) { /* mov, test */
            struct text text = sized(size, which == 0 ? 0xc6 : 0xf6, false);

            put(&text, 2);
            for (unsigned i = 0; i < (size == 8 ? 4 : size); i++) {
                put(&text, (uint8_t)(0x81 + i));
            }
            compare(text.bytes, text.length, FLAG_ADJUST);
        }
        code_again();
    }
}
END_TEST

START_TEST(memory_alone)
{
    start_with_device();
    for (unsigned size = 1; size <= 8; size *= 2) {
        with_modrm(sized(size, 0xfe, false), 0, 0); /* inc */
        with_modrm(sized(size, 0xfe, false), 1, 0); /* dec */
        with_modrm(sized(size, 0xf6, false), 2, 0); /* not */
        with_modrm(sized(size, 0xf6, false), 3, 0); /* neg */
    }
}
END_TEST

START_TEST(moves_that_extend_and_locked_forms)
{
    static const uint8_t table[][6] = {
        {3, 0x0f, 0xb6, 0x02},
        {3, 0x0f, 0xb7, 0x0a}, /* movzx */
        {4, 0x66, 0x0f, 0xb6, 0x0a},
        {4, 0x48, 0x0f, 0xb7, 0x02},
        {3, 0x0f, 0xbe, 0x02},
        {3, 0x0f, 0xbf, 0x0a}, /* movsx */
        {4, 0x48, 0x0f, 0xbe, 0x0a},
        {4, 0x66, 0x0f, 0xbe, 0x02},
        {3, 0x48, 0x63, 0x02}, /* movsxd */
        {3, 0x0f, 0xc3, 0x0a},
        {4, 0x48, 0x0f, 0xc3, 0x0a}, /* movnti */
        {3, 0xf0, 0x01, 0x0a},
        {4, 0xf0, 0x48, 0xff, 0x02}, /* lock add, lock inc */
        {4, 0xf0, 0x0f, 0xc1, 0x0a},
        {4, 0xf0, 0x0f, 0xb1, 0x0a}, /* lock xadd, cmpxchg */
        {2, 0x87, 0x0a},
        {3, 0x8a, 0x62, 0x03}, /* xchg; mov ah, [rdx+3] */
    };

    start_with_device();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        compare(&table[i][1], table[i][0], 0);
    }
}
END_TEST

/* ---- strings ---- */

/* One end or both on the device; the same on plain memory. */
static void compare_string(const uint8_t *instruction, size_t length, uint64_t count, bool down)
{
    uint64_t routine = wrap(instruction, length);

    for (int ends = 1; ends < 4; ends++) { /* bit 0: source on the device, bit 1: target */
        static uint8_t source[DEVICE_BYTES], target[DEVICE_BYTES];
        struct operands native = {.rax = 0x1122334455667788ull, .rcx = count}, emulated;
        uint64_t shift = down ? 64 : 0;

        native.flags = 0x202u | (down ? FLAG_DIRECTION : 0);
        for (uint32_t i = 0; i < DEVICE_BYTES; i++) {
            plain_bytes[i] = source[i] = device_bytes[i] = (uint8_t)random64();
            target[i] = (uint8_t)~device_bytes[i];
        }
        /* Within one array the source is its first half, the target the second. */
        emulated = native;
        native.rsi = (uint64_t)&plain_bytes[shift];
        native.rdi = (uint64_t)&plain_bytes[128 + shift];
        emulated.rsi = (ends & 1) ? mapped + shift : (uint64_t)&source[shift];
        emulated.rdi = (ends & 2) ? mapped + 128 + shift : (uint64_t)&target[128 + shift];
        native.rdx = emulated.rdx = 0;
        run_guest(routine, (uint64_t)&native);
        run_guest(routine, (uint64_t)&emulated);
        ck_assert_uint_eq(emulated.rax, native.rax);
        ck_assert_uint_eq(emulated.rcx, native.rcx);
        ck_assert_uint_eq(emulated.rsi - ((ends & 1) ? mapped : (uint64_t)source),
                          native.rsi - (uint64_t)plain_bytes);
        ck_assert_uint_eq(emulated.rdi - ((ends & 2) ? mapped : (uint64_t)target),
                          native.rdi - (uint64_t)plain_bytes);
        if (native.rdi != (uint64_t)&plain_bytes[128 + shift]) { /* it has a target */
            const uint8_t *wrote = (ends & 2) ? device_bytes : target;

            for (uint32_t i = 128; i < DEVICE_BYTES; i++) {
                bool changed = plain_bytes[i] != source[i];

                ck_assert(!changed || wrote[i] == plain_bytes[i]);
            }
        }
    }
}

START_TEST(strings_are_those_of_the_processor)
{
    static const uint8_t opcodes[] = {0xa4, 0xaa, 0xac}; /* movs, stos, lods */

    start_with_device();
    for (size_t i = 0; i < sizeof opcodes; i++) {
        for (unsigned size = 1; size <= 8; size *= 2) {
            struct text once = sized(size, opcodes[i], false);
            struct text repeated = {{0xf3}, 1};

            memcpy(&repeated.bytes[1], once.bytes, once.length);
            repeated.length += once.length;
            compare_string(once.bytes, once.length, 77, false);
            compare_string(once.bytes, once.length, 77, true);
            compare_string(repeated.bytes, repeated.length, 7, false);
            compare_string(repeated.bytes, repeated.length, 7, true);
            compare_string(repeated.bytes, repeated.length, 0, false);
        }
        code_again();
    }
}
END_TEST

/* ---- ports ---- */

static char log_text[400];
static uint8_t next_byte;
static struct interrupt_pin pin;
static uint8_t assert_at; /* the byte after which the pin is asserted; 0: never */

static uint64_t read_port(void *context, uint32_t offset, unsigned bytes)
{
    size_t n = strlen(log_text);

    (void)context;
    snprintf(log_text + n, sizeof log_text - n, "r%u.%u ", offset, bytes);
    next_byte++;
    if (assert_at != 0 && next_byte == assert_at) {
        interrupt_pin_set(&pin, true);
    }
    return 0xfffffff0fff0f000ull + next_byte;
}

static void write_port(void *context, uint32_t offset, unsigned bytes, uint64_t value)
{
    size_t n = strlen(log_text);

    (void)context;
    snprintf(log_text + n, sizeof log_text - n, "w%u.%u=%llx ", offset, bytes,
             (unsigned long long)value);
}

static const struct io_range port_range = {read_port, write_port, NULL};

static void start_with_ports(bool pinned)
{
    start(1);
    make_module(pinned);
    ck_assert(machine_ports_claim(PORT, 16, &port_range));
    ck_assert(machine_ports_claim(0x40, 4, &port_range));
}

START_TEST(ports_move_the_accumulator)
{
    static const struct {
        uint8_t bytes[4], length;
        const char *log;
        uint64_t rax;
    } cases[] = {
        {{0xec}, 1, "r2.1 ", 0x1111111111111101ull},
        {{0x66, 0xed}, 2, "r2.2 ", 0x111111111111f001ull},
        {{0xed}, 1, "r2.4 ", 0xfff0f001ull},
        {{0xe4, 0x43}, 2, "r3.1 ", 0x1111111111111101ull},
        {{0xe5, 0x40}, 2, "r0.4 ", 0xfff0f001ull},
        {{0xee}, 1, "w2.1=11 ", 0x1111111111111111ull},
        {{0x66, 0xef}, 2, "w2.2=1111 ", 0x1111111111111111ull},
        {{0xef}, 1, "w2.4=11111111 ", 0x1111111111111111ull},
        {{0xe6, 0x41}, 2, "w1.1=11 ", 0x1111111111111111ull},
    };

    start_with_ports(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t routine = wrap(cases[i].bytes, cases[i].length);

        for (int round = 0; round < 100; round++) { /* at first decoded, then known, then patched */
            struct operands operands = {
                .rax = 0x1111111111111111ull, .rdx = 0xffff0000u | (PORT + 2), .flags = 0xad7};

            log_text[0] = '\0';
            next_byte = 0;
            run_guest(routine, (uint64_t)&operands);
            ck_assert_str_eq(log_text, cases[i].log);
            ck_assert_uint_eq(operands.rax, cases[i].rax);
            ck_assert_uint_eq(operands.flags & FLAGS, 0xad7 & FLAGS);
        }
    }
    ck_assert_uint_eq(M->counters.port_accesses, 900);
}
END_TEST

START_TEST(strings_of_ports)
{
    static const struct {
        uint8_t bytes[4], length;
        uint64_t count, flags;
        const char *log;
        int64_t moved;
        uint64_t memory; /* the 8 bytes from the first element on, or up to it */
    } cases[] = {
        {{0x6c}, 1, 9, 0x202, "r0.1 ", 1, 0x1716151413121101ull},
        {{0xf3, 0x6c}, 2, 3, 0x202, "r0.1 r0.1 r0.1 ", 3, 0x1716151413030201ull},
        {{0xf3, 0x66, 0x6d}, 3, 2, 0x202, "r0.2 r0.2 ", 4, 0x17161514f002f001ull},
        {{0xf3, 0x6d}, 2, 1, 0x202, "r0.4 ", 4, 0x17161514fff0f001ull},
        {{0xf3, 0x6c}, 2, 0, 0x202, "", 0, 0x1716151413121110ull},
        {{0xf3, 0x6e}, 2, 2, 0x202, "w0.1=10 w0.1=11 ", 2, 0x1716151413121110ull},
        {{0xf3, 0x66, 0x6f}, 3, 2, 0x202, "w0.2=1110 w0.2=1312 ", 4, 0x1716151413121110ull},
        {{0x6f}, 1, 5, 0x602, "w0.4=13121110 ", -4, 0x1716151413121110ull},
    };

    start_with_ports(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t routine = wrap(cases[i].bytes, cases[i].length);

        for (int round = 0; round < 50; round++) {
            uint64_t memory[3] = {0, 0x1716151413121110ull, 0};
            bool repeat = cases[i].bytes[0] == 0xf3;
            bool out = strchr(cases[i].log, 'w') != NULL;
            struct operands operands = {.rcx = cases[i].count,
                                        .rdx = PORT,
                                        .rsi = (uint64_t)&memory[1],
                                        .rdi = (uint64_t)&memory[1],
                                        .flags = cases[i].flags};

            log_text[0] = '\0';
            next_byte = 0;
            run_guest(routine, (uint64_t)&operands);
            ck_assert_str_eq(log_text, cases[i].log);
            ck_assert_uint_eq(operands.rcx, repeat ? 0 : cases[i].count);
            ck_assert_int_eq((int64_t)((out ? operands.rsi : operands.rdi) - (uint64_t)&memory[1]),
                             cases[i].moved);
            ck_assert_uint_eq(out ? operands.rdi : operands.rsi, (uint64_t)&memory[1]);
            ck_assert_uint_eq(memory[1], cases[i].memory);
            ck_assert(memory[0] == 0 && memory[2] == 0);
        }
    }
}
END_TEST

static uint32_t served_after;

static bool serve(struct interrupt_service *service)
{
    (void)service;
    served_after = next_byte;
    interrupt_pin_set(&pin, false);
    return true;
}

START_TEST(a_repeated_instruction_is_interrupted_between_elements)
{
    static struct interrupt_service service = {.line = 4, .irql = 10, .service = serve};
    static const uint8_t rep_insb[] = {0xf3, 0x6c};
    uint8_t memory[64];
    struct operands operands = {
        .rcx = sizeof memory, .rdx = PORT, .rdi = (uint64_t)memory, .flags = 0x202};

    start_with_ports(true);
    interrupt_pin_attach(&pin, 4);
    interrupt_connect(&service);
    assert_at = 23;
    run_guest(wrap(rep_insb, sizeof rep_insb), (uint64_t)&operands);
    ck_assert_uint_eq(served_after, 23);
    ck_assert_uint_eq(next_byte, 64);
    ck_assert_uint_eq(operands.rcx, 0);
    for (uint32_t i = 0; i < sizeof memory; i++) {
        ck_assert_uint_eq(memory[i], i + 1);
    }
}
END_TEST

/* ---- strings and paging ---- */

#define BUFFER (CODE_BASE + 2 * PG_PAGE_SIZE - 8)

static struct operands into_buffer = {.rcx = 16, .rdx = PORT, .rdi = BUFFER, .flags = 0x202};

START_TEST(a_string_brings_its_memory_in)
{
    static const uint8_t rep_insb[] = {0xf3, 0x6c};
    uint64_t routine;

    start_with_ports(false);
    routine = wrap(rep_insb, sizeof rep_insb);
    machine_trim_now();
    run_guest(routine, (uint64_t)&into_buffer);
    for (uint64_t i = 0; i < 16; i++) {
        ck_assert_uint_eq(*(uint8_t *)(BUFFER + i), i + 1);
    }
    ck_assert_int_eq(pager_region_resident_pages(M->pager, code), 3);
}
END_TEST

static uint64_t dispatch_routine;

static void at_dispatch(void *argument)
{
    (void)argument;
    machine_touch(dispatch_routine, 1, PAGER_READ);
    machine_raise_quietly(DISPATCH_LEVEL);
    MACHINE_CALL(dispatch_routine, (uint64_t)&into_buffer);
}

static void paged_out_at_dispatch(void)
{
    static const uint8_t rep_insb[] = {0xf3, 0x6c};

    make_module(false);
    ck_assert(machine_ports_claim(PORT, 16, &port_range));
    dispatch_routine = wrap(rep_insb, sizeof rep_insb);
    machine_trim_now();
    machine_thread_new(at_dispatch, NULL);
    run_all();
}

START_TEST(a_string_at_dispatch_level_is_the_drivers_own_access)
{
    struct bugcheck_report report = bugcheck_of(paged_out_at_dispatch);

    ck_assert_uint_eq(report.code, 0xD1);
    ck_assert_uint_eq(report.parameters[0], BUFFER);
    ck_assert_uint_eq(report.parameters[1], DISPATCH_LEVEL);
    ck_assert_uint_eq(report.parameters[2], 1); /* a write */
    ck_assert_str_eq(report.place.module, "test.sys");
}
END_TEST

/* ---- places that trap often ---- */

/* mov edx, PORT; again: in al, dx; dec ecx; jnz again; movzx eax, al; ret */
static const uint8_t poll_loop[] = {0xba, 0x00, 0x03, 0x00, 0x00, 0xec, 0xff,
                                    0xc9, 0x75, 0xfb, 0x0f, 0xb6, 0xc0, 0xc3};
#define POLL_IN 5u

START_TEST(a_place_that_traps_often_becomes_a_breakpoint)
{
    uint64_t routine;

    start_with_ports(false);
    routine = emit(poll_loop, sizeof poll_loop);
    ck_assert_uint_eq(run_guest(routine, 20), 20);
    ck_assert(!emulate_is_patched(routine + POLL_IN));
    ck_assert_uint_eq(run_guest(routine, 200), 220);
    ck_assert(emulate_is_patched(routine + POLL_IN));
    ck_assert_uint_eq(*(uint8_t *)(routine + POLL_IN), 0xcc);
    log_text[0] = '\0';
    machine_trim_now();
    ck_assert_uint_eq(run_guest(routine, 10), 230);
    ck_assert_uint_eq(*(uint8_t *)(routine + POLL_IN), 0xcc); /* also after it came in again */
    ck_assert_uint_eq(M->counters.port_accesses, 230);
    ck_assert_uint_eq(M->counters.trapped_instructions - pager_counters(M->pager).faults_served,
                      230);
    /* When the module goes, so does the knowledge. */
    emulate_forget(CODE_BASE, CODE_PAGES * PG_PAGE_SIZE);
    ck_assert(!emulate_is_patched(routine + POLL_IN));
}
END_TEST

START_TEST(more_places_than_are_remembered)
{
    uint64_t first;
    uint32_t count = 0;

    start_with_ports(true);
    first = emit(poll_loop, sizeof poll_loop);
    for (uint64_t at = first; at + 32 < CODE_BASE + CODE_PAGES * PG_PAGE_SIZE; at += 16) {
        memcpy((void *)at, poll_loop, sizeof poll_loop);
    }
    for (int round = 0; round < 3; round++) {
        for (uint64_t at = first; at + 32 < CODE_BASE + CODE_PAGES * PG_PAGE_SIZE; at += 16) {
            uint8_t before = next_byte;

            log_text[0] = '\0';
            ck_assert_uint_eq(run_guest(at, 40), (uint8_t)(before + 40));
            count++;
        }
    }
    ck_assert_uint_gt(count, 3000);
}
END_TEST

START_TEST(a_place_on_two_pages_stays_as_it_is)
{
    /* again: mov rax, cr8; dec ecx; jnz again; ret */
    static const uint8_t loop[] = {0x44, 0x0f, 0x20, 0xc0, 0xff, 0xc9, 0x75, 0xf8, 0xc3};
    uint64_t at = CODE_BASE + PG_PAGE_SIZE - 2;

    start_with_ports(true);
    memcpy((void *)at, loop, sizeof loop);
    ck_assert_uint_eq(run_guest(at, 200), PASSIVE_LEVEL);
    ck_assert(!emulate_is_patched(at));
    ck_assert_uint_eq(M->counters.trapped_instructions, 200);
    memcpy((void *)(at + 64), loop, sizeof loop);
    run_guest(at + 64, 200);
    ck_assert(emulate_is_patched(at + 64));
    ck_assert_uint_eq(M->counters.trapped_instructions, 400);
}
END_TEST

/* The same place holds another instruction: what was known of it is not used. */
START_TEST(changed_code_is_decoded_again)
{
    uint64_t routine;

    start_with_ports(true);
    routine = EMIT(0xba, 0x00, 0x03, 0x00, 0x00, 0xec, 0xc3); /* mov edx, PORT; in al, dx; ret */
    run_guest(routine, 0);
    run_guest(routine, 0);
    *(uint8_t *)(routine + 5) = 0xee; /* out dx, al */
    run_guest(routine, 0);
    ck_assert_str_eq(log_text, "r0.1 r0.1 w0.1=0 ");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emulate");
    TCase *tests = tcase_create("emulate");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, register_and_memory);
    tcase_add_test(tests, immediate_and_memory);
    tcase_add_test(tests, memory_alone);
    tcase_add_test(tests, moves_that_extend_and_locked_forms);
    tcase_add_test(tests, strings_are_those_of_the_processor);
    tcase_add_test(tests, ports_move_the_accumulator);
    tcase_add_test(tests, strings_of_ports);
    tcase_add_test(tests, a_repeated_instruction_is_interrupted_between_elements);
    tcase_add_test(tests, a_string_brings_its_memory_in);
    tcase_add_test(tests, a_string_at_dispatch_level_is_the_drivers_own_access);
    tcase_add_test(tests, a_place_that_traps_often_becomes_a_breakpoint);
    tcase_add_test(tests, more_places_than_are_remembered);
    tcase_add_test(tests, a_place_on_two_pages_stays_as_it_is);
    tcase_add_test(tests, changed_code_is_decoded_again);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
