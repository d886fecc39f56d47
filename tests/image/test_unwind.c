/* SPDX-License-Identifier: MIT */
/*
 * The unwinder against the real processor: code in the Windows convention is run one instruction at
 * a time, and at every instruction the registers of its caller, found by unwinding, must be what
 * they were when it was called.  Then what cannot be run like that, on built images.
 */
#include "image/unwind.h"

#include "pe.h"
#include "support/run.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

/* ---- the processor as the oracle ---- */

static const char *const samples[] = {UNWIND_SAMPLES};

static uint8_t sample_bytes[1 << 16];
static struct image sample;
static uint8_t *sample_base;

static struct {
    volatile bool wanted, called;
    struct unwind_registers caller; /* what must be found */
    volatile unsigned steps, leaves, bodies, others;
    volatile uint64_t bad_rva;
    const char *volatile bad; /* why, NULL: all well */
} stepping;

static bool is_kept(unsigned gpr)
{
    return gpr == 3 || (gpr >= UNWIND_RSP && gpr <= 7) || gpr >= 12;
}

static void read_context(const ucontext_t *context, struct unwind_registers *out)
{
    static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};

    for (unsigned i = 0; i < 16; i++) {
        out->gpr[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
    }
    out->rip = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
}

static bool in_sample(uint64_t rip)
{
    return rip - (uint64_t)(uintptr_t)sample_base < sample.image_size;
}

/* Nothing above the caller's frame and nothing below rsp is a unwinder's business. */
static bool read_stack(void *context, uint64_t address, uint64_t *word)
{
    const uint64_t *lowest = context;

    if (address < *lowest || address >= stepping.caller.gpr[UNWIND_RSP] + 32) {
        return false;
    }
    memcpy(word, (const void *)(uintptr_t)address, sizeof(*word));
    return true;
}

static const char *compare_to_caller(struct unwind_registers registers)
{
    uint64_t lowest = registers.gpr[UNWIND_RSP];
    struct unwind_frame frame;

    for (unsigned depth = 0; in_sample(registers.rip); depth++) {
        if (depth == 64) {
            return "the stack has no end";
        }
        if (image_unwind_frame(&sample, (uint64_t)(uintptr_t)sample_base, &registers, read_stack,
                               &lowest, &frame) != UNWIND_OK) {
            return "unwinding failed";
        }
        if (depth == 0) {
            stepping.leaves += frame.leaf;
            stepping.bodies += frame.in_body;
            stepping.others += !frame.leaf && !frame.in_body;
        }
    }
    if (registers.rip != stepping.caller.rip) {
        return "a wrong caller";
    }
    for (unsigned i = 0; i < 16; i++) {
        if (is_kept(i) && registers.gpr[i] != stepping.caller.gpr[i]) {
            return i == UNWIND_RSP ? "a wrong rsp" : "a wrong register";
        }
    }
    return NULL;
}

/* The first instruction: all that the caller had is still where it was. */
static void remember_caller(const struct unwind_registers *registers)
{
    stepping.caller = *registers;
    memcpy(&stepping.caller.rip, (const void *)(uintptr_t)registers->gpr[UNWIND_RSP], 8);
    stepping.caller.gpr[UNWIND_RSP] += 8;
    stepping.called = true;
}

static void on_trap(int signal, siginfo_t *info, void *context_pointer)
{
    ucontext_t *context = context_pointer;
    struct unwind_registers registers;

    (void)signal;
    (void)info;
    if (!stepping.wanted) {
        context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
        return;
    }
    context->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
    read_context(context, &registers);
    if (!in_sample(registers.rip) || stepping.bad != NULL) {
        return;
    }
    if (!stepping.called) {
        remember_caller(&registers);
    }
    stepping.steps++;
    stepping.bad = compare_to_caller(registers);
    stepping.bad_rva = registers.rip - (uint64_t)(uintptr_t)sample_base;
}

static void load_sample(const char *path)
{
    struct image_error error;
    FILE *file = fopen(path, "rb");
    uint32_t *rvas;
    size_t size;

    ck_assert_msg(file != NULL, "%s cannot be read", path);
    size = fread(sample_bytes, 1, sizeof(sample_bytes), file);
    fclose(file);
    ck_assert_msg(image_open(sample_bytes, size, &sample, &error) == PG_OK, "%s: %s",
                  error.structure, error.reason);
    sample_base = mmap(NULL, sample.image_size, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(sample_base, MAP_FAILED);
    image_copy(&sample, 0, sample_base, sample.image_size);
    ck_assert_uint_ge(sample.reloc_count, 2);
    rvas = calloc(sample.reloc_count, sizeof(*rvas));
    image_relocations(&sample, rvas);
    for (uint32_t i = 0; i < sample.reloc_count; i++) {
        uint64_t word;

        memcpy(&word, sample_base + rvas[i], 8);
        word += (uint64_t)(uintptr_t)sample_base - sample.preferred_base;
        memcpy(sample_base + rvas[i], &word, 8);
    }
    free(rvas);
}

static void call_stepping(uint32_t rva, uint64_t argument)
{
    uint64_t(__attribute__((ms_abi)) * function)(uint64_t);
    void *entry = sample_base + rva;

    memset(&stepping, 0, sizeof(stepping));
    memcpy(&function, &entry, sizeof(function));
    stepping.wanted = true;
    raise(SIGTRAP);
    function(argument);
    stepping.wanted = false;
}

START_TEST(every_instruction)
{
    static const uint64_t arguments[] = {0, 1, 2, 3, 6};
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    unsigned bodies = 0, others = 0, leaves = 0;
    struct image_export export;

    load_sample(samples[_i]);
    action.sa_sigaction = on_trap;
    ck_assert_int_eq(sigaction(SIGTRAP, &action, NULL), 0);
    ck_assert_uint_ge(image_export_count(&sample), 24);
    for (uint32_t i = 0; i < image_export_count(&sample); i++) {
        ck_assert(image_export_at(&sample, i, &export));
        for (unsigned a = 0; a < sizeof(arguments) / sizeof(arguments[0]); a++) {
            call_stepping(export.rva, arguments[a]);
            ck_assert_msg(stepping.bad == NULL, "%s(%u): %s at rva 0x%x", export.name,
                          (unsigned)arguments[a], stepping.bad, (unsigned)stepping.bad_rva);
            ck_assert_msg(stepping.steps > 3, "%s was not run", export.name);
            bodies += stepping.bodies;
            others += stepping.others;
            leaves += stepping.leaves;
        }
    }
    ck_assert_uint_gt(bodies, 1000);
    ck_assert_uint_gt(others, 1000); /* prologues and epilogues */
    ck_assert_uint_gt(leaves, 100);
}
END_TEST

/* ---- built images ---- */

static struct pe pe;
static struct image image;
static uint64_t stack[64];

/* `stack` is at address 0x1000; *context counts down the words that can be read, from -1 for ever.
 */
static bool read_words(void *context, uint64_t address, uint64_t *word)
{
    int *left = context;

    if (address < 0x1000 || address > 0x1000 + sizeof(stack) - 8 || *left == 0) {
        return false;
    }
    *left -= *left > 0;
    memcpy(word, (const uint8_t *)stack + (address - 0x1000), 8);
    return true;
}

static void open_pe(void)
{
    struct image_error error;
    pg_status status = image_open(pe.bytes, pe.size, &image, &error);

    ck_assert_msg(status == PG_OK, "%s: %s", error.structure, error.reason);
}

/* Registers in which everything is different, the stack's words too. */
static struct unwind_registers at(enum pe_section section, uint32_t offset)
{
    struct unwind_registers registers;

    for (unsigned i = 0; i < 16; i++) {
        registers.gpr[i] = 0xaa00 + i;
    }
    registers.gpr[UNWIND_RSP] = 0x1000;
    registers.rip = 0x7f0000000000 + pe.rva[section] + offset;
    for (unsigned i = 0; i < 64; i++) {
        stack[i] = 0xbb00 + i;
    }
    return registers;
}

static enum unwind_result step(struct unwind_registers *registers, int words,
                               struct unwind_frame *frame)
{
    return image_unwind_frame(&image, 0x7f0000000000, registers, read_words, &words, frame);
}

/* Offset in the function, index of the word that is the return address, of the one that is rbx. */
static const struct {
    uint32_t offset, return_word;
    int rbx_word;
    bool in_body;
} plain_cases[] = {
    {0, 0, -1, false},                         /* nothing done */
    {1, 1, 0, false},                          /* rbx pushed */
    {4, 1, 0, false},                          /* within the next instruction */
    {5, 5, 4, true},                           /* the body */
    {0x20, 5, 4, true},   {0x2a, 5, 4, false}, /* add rsp, 20h */
    {0x2e, 1, 0, false},                       /* pop rbx */
    {0x2f, 0, -1, false},                      /* ret */
};

START_TEST(plain_function)
{
    struct unwind_registers registers;
    struct unwind_frame frame;

    pe_build(&pe, NULL);
    open_pe();
    registers = at(PE_TEXT, PE_FN_PLAIN + plain_cases[_i].offset);
    ck_assert_int_eq(step(&registers, -1, &frame), UNWIND_OK);
    ck_assert_uint_eq(registers.rip, 0xbb00 + plain_cases[_i].return_word);
    ck_assert_uint_eq(registers.gpr[UNWIND_RSP], 0x1008 + 8 * plain_cases[_i].return_word);
    ck_assert_uint_eq(registers.gpr[3], plain_cases[_i].rbx_word < 0
                                            ? 0xaa03u
                                            : 0xbb00u + (unsigned)plain_cases[_i].rbx_word);
    ck_assert(!frame.leaf);
    ck_assert_int_eq(frame.in_body, plain_cases[_i].in_body);
    ck_assert_uint_eq(frame.function.begin_rva, pe.rva[PE_TEXT] + PE_FN_PLAIN);
    ck_assert_uint_eq(frame.establisher, 0x1000);
}
END_TEST

START_TEST(leaf_function)
{
    struct unwind_registers registers;
    struct unwind_frame frame;

    pe_build(&pe, NULL);
    open_pe();
    registers = at(PE_TEXT, 0);
    ck_assert_int_eq(step(&registers, -1, &frame), UNWIND_OK);
    ck_assert_uint_eq(registers.rip, 0xbb00);
    ck_assert_uint_eq(registers.gpr[UNWIND_RSP], 0x1008);
    ck_assert(frame.leaf && !frame.in_body);
    registers = at(PE_TEXT, 0);
    ck_assert_int_eq(image_unwind(&image, 0x7f0000000000, &registers, read_words, (int[]){-1}),
                     UNWIND_OK);
    ck_assert_uint_eq(registers.rip, 0xbb00);
}
END_TEST

START_TEST(chained_function)
{
    struct unwind_registers registers;

    pe_build(&pe, NULL);
    open_pe();
    registers = at(PE_TEXT, PE_FN_CHAINED + 6);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_OK);
    ck_assert_uint_eq(registers.gpr[7], 0xbb06); /* rdi, saved at rsp + 30h */
    ck_assert_uint_eq(registers.gpr[3], 0xbb04);
    ck_assert_uint_eq(registers.rip, 0xbb05);
    registers = at(PE_TEXT, PE_FN_CHAINED + 4); /* rdi not saved yet, the parent all done */
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_OK);
    ck_assert_uint_eq(registers.gpr[7], 0xaa07);
    ck_assert_uint_eq(registers.rip, 0xbb05);
}
END_TEST

/* push rbp; sub rsp, 1000h; lea rbp, [rsp + 80h]: rbp counts only once it is set. */
START_TEST(frame_register)
{
    struct unwind_registers registers;
    struct unwind_frame frame;

    pe_build(&pe, NULL);
    open_pe();
    registers = at(PE_PAGE, PE_FN_FRAME + 0x20);
    registers.gpr[5] = 0x1010 - 0x1000 + 0x80;
    registers.gpr[UNWIND_RSP] = 0xdead0000; /* moved, nobody knows where */
    ck_assert_int_eq(step(&registers, -1, &frame), UNWIND_OK);
    ck_assert_uint_eq(frame.establisher, 0x10);
    ck_assert_uint_eq(registers.gpr[5], 0xbb02);
    ck_assert_uint_eq(registers.rip, 0xbb03);
    ck_assert_uint_eq(registers.gpr[UNWIND_RSP], 0x1020);
    registers = at(PE_PAGE, PE_FN_FRAME + 8);
    registers.gpr[UNWIND_RSP] = 0x1010 - 0x1000;
    ck_assert_int_eq(step(&registers, -1, &frame), UNWIND_OK);
    ck_assert_uint_eq(registers.gpr[5], 0xbb02);
    ck_assert_uint_eq(registers.rip, 0xbb03);
    ck_assert(!frame.in_body);
}
END_TEST

START_TEST(machine_frame)
{
    struct unwind_registers registers;

    pe_build(&pe, NULL);
    open_pe();
    registers = at(PE_TEXT, PE_FN_MACHINE + 8);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_MACHINE_FRAME);
    ck_assert_uint_eq(registers.gpr[0], 0xbb00); /* rax, error code, rip, cs, rflags, rsp */
    ck_assert_uint_eq(registers.rip, 0xbb02);
    ck_assert_uint_eq(registers.gpr[UNWIND_RSP], 0xbb05);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_UNWIND_MACHINE + 7, 1, 0x0a); /* without an error code */
    open_pe();
    registers = at(PE_TEXT, PE_FN_MACHINE + 8);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_MACHINE_FRAME);
    ck_assert_uint_eq(registers.rip, 0xbb01);
    ck_assert_uint_eq(registers.gpr[UNWIND_RSP], 0xbb04);
}
END_TEST

START_TEST(stack_unreadable)
{
    static const uint32_t offsets[] = {0, PE_FN_PLAIN + 5, PE_FN_PLAIN + 0x2a, PE_FN_CHAINED + 6,
                                       PE_FN_MACHINE + 8};

    pe_build(&pe, NULL);
    open_pe();
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        for (int words = 0;; words++) {
            struct unwind_registers registers = at(PE_TEXT, offsets[i]), before = registers;
            enum unwind_result result = step(&registers, words, NULL);

            if (result != UNWIND_NO_STACK) {
                ck_assert(result == UNWIND_OK || result == UNWIND_MACHINE_FRAME);
                ck_assert_int_gt(words, 0);
                break;
            }
            ck_assert_mem_eq(&registers, &before, sizeof(before));
        }
    }
}
END_TEST

START_TEST(elsewhere)
{
    struct unwind_registers registers, before;

    pe_build(&pe, NULL);
    open_pe();
    registers = before = at(PE_TEXT, 0x00300000);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_NOT_HERE);
    registers.rip = before.rip = 0x7f0000000000 - 1;
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_NOT_HERE);
    registers.rip = before.rip = 0x7f0100001000 + PE_FN_PLAIN;
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_NOT_HERE);
    ck_assert_mem_eq(&registers, &before, sizeof(before));
}
END_TEST

START_TEST(chained_to_nonsense)
{
    /* An operation that is unknown, in an info that only a chain leads to. */
    struct unwind_registers registers, before;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_RDATA] + PE_UNWIND_CHAINED + 16, 4, pe.rva[PE_RDATA] + 0x2c0);
    pe_put(&pe, pe.raw[PE_RDATA] + 0x2c0, 8, 0x0fff000000010001);
    open_pe();
    registers = before = at(PE_TEXT, PE_FN_CHAINED + 6);
    pe_put(&pe, pe.raw[PE_RDATA] + 0x2c5, 1, 0x0f);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_BAD_INFO);
    ck_assert_mem_eq(&registers, &before, sizeof(before));
}
END_TEST

START_TEST(version_2)
{
    /* The same function as version 2 describes it: the epilogue's place comes first. */
    static const uint8_t info[] = {0x02, 5, 4, 0, 6, 0x16, 0, 0x06, 5, 0x32, 1, 0x30};
    struct unwind_registers registers;

    pe_build(&pe, NULL);
    memcpy(pe.bytes + pe.raw[PE_RDATA] + 0x2c0, info, sizeof(info));
    pe_put(&pe, pe.raw[PE_PDATA] + 8, 4, pe.rva[PE_RDATA] + 0x2c0);
    open_pe();
    registers = at(PE_TEXT, PE_FN_PLAIN + 9);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_OK);
    ck_assert_uint_eq(registers.rip, 0xbb05);
    ck_assert_uint_eq(registers.gpr[3], 0xbb04);
    registers = at(PE_TEXT, PE_FN_PLAIN + 0x2e);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_OK);
    ck_assert_uint_eq(registers.rip, 0xbb01);
}
END_TEST

START_TEST(by_other_entry)
{
    struct unwind_registers registers;

    pe_build(&pe, NULL);
    pe_put(&pe, pe.raw[PE_PDATA] + 12 + 8, 4, pe.rva[PE_PDATA] + 1);
    open_pe();
    registers = at(PE_TEXT, PE_FN_HANDLER + 0x10);
    ck_assert_int_eq(step(&registers, -1, NULL), UNWIND_OK);
    ck_assert_uint_eq(registers.rip, 0xbb05);
    ck_assert_uint_eq(registers.gpr[3], 0xbb04);
}
END_TEST

/*
 * Code at an instruction of the body of PE_FN_PLAIN (rsp at word 0, return address at 5), and the
 * word at which it returns when it is taken for the rest of an epilogue, 5 when it is not.
 */
static const struct {
    uint8_t code[8];
    uint32_t bytes, return_word;
} ends[] = {
    {{0xc3}, 1, 0},
    {{0xc2, 0x10, 0x00}, 3, 0},
    {{0xf3, 0xc3}, 2, 0},
    {{0xf2, 0xc3}, 2, 0},
    {{0x48, 0x83, 0xc4, 0x08, 0xc3}, 5, 1},
    {{0x48, 0x81, 0xc4, 0x10, 0, 0, 0, 0xc3}, 8, 2},
    {{0x58, 0x41, 0x5f, 0xc3}, 4, 2},
    {{0x5c, 0xc3}, 2, 5},       /* pop rsp */
    {{0x41, 0x5c, 0xc3}, 3, 1}, /* pop r12 */
    {{0xeb, 0x7f}, 2, 0},       /* to another function */
    {{0xeb, 0x08}, 2, 5},       /* within this one */
    {{0xe9, 0, 0, 0x10, 0}, 5, 0},
    {{0xe9, 0x08, 0, 0, 0}, 5, 5},
    {{0xff, 0x25, 0, 0, 0, 0}, 6, 0},
    {{0x48, 0xff, 0x25, 0, 0, 0, 0}, 7, 0},
    {{0x48, 0xff, 0xe0}, 3, 0},
    {{0x49, 0xff, 0xe3}, 3, 0},
    {{0xff, 0xe0}, 2, 5},                   /* a jump by a table */
    {{0x48, 0xff, 0xd0}, 3, 5},             /* a call */
    {{0x48, 0x8d, 0x65, 0x00, 0xc3}, 5, 5}, /* no frame register: no epilogue */
    {{0x48, 0x83, 0xc4}, 3, 5},             /* not ended by a return */
    {{0x48, 0x83, 0xec, 0x08, 0xc3}, 5, 5}, /* sub rsp */
};

START_TEST(epilogue_forms)
{
    struct unwind_registers registers;
    struct unwind_frame frame;

    pe_build(&pe, NULL);
    memset(pe.bytes + pe.raw[PE_TEXT] + PE_FN_PLAIN + 5, 0xcc, PE_FN_HANDLER - PE_FN_PLAIN - 5);
    memcpy(pe.bytes + pe.raw[PE_TEXT] + PE_FN_PLAIN + 0x10, ends[_i].code, ends[_i].bytes);
    open_pe();
    registers = at(PE_TEXT, PE_FN_PLAIN + 0x10);
    ck_assert_int_eq(step(&registers, -1, &frame), UNWIND_OK);
    ck_assert_uint_eq(registers.rip, 0xbb00 + ends[_i].return_word);
    ck_assert_int_eq(frame.in_body, ends[_i].return_word == 5);
    ck_assert_uint_eq(registers.gpr[UNWIND_RSP],
                      0x1008 + 8 * ends[_i].return_word + (ends[_i].code[0] == 0xc2 ? 0x10 : 0));
}
END_TEST

/* The same code at the end of the function, one byte short: nothing beyond it is read. */
START_TEST(epilogue_cut_off)
{
    struct unwind_registers registers;
    struct unwind_frame frame;
    uint32_t offset = PE_FN_HANDLER - (ends[_i].bytes - 1);

    pe_build(&pe, NULL);
    memset(pe.bytes + pe.raw[PE_TEXT] + PE_FN_PLAIN + 5, 0xcc, PE_FN_HANDLER - PE_FN_PLAIN - 5);
    memcpy(pe.bytes + pe.raw[PE_TEXT] + offset, ends[_i].code, ends[_i].bytes);
    open_pe();
    registers = at(PE_TEXT, offset);
    if (ends[_i].bytes > 1) {
        ck_assert_int_eq(step(&registers, -1, &frame), UNWIND_OK);
        ck_assert(frame.in_body);
        ck_assert_uint_eq(registers.rip, 0xbb05);
    }
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
    Suite *suite = suite_create("unwind");
    TCase *tests = tcase_create("unwind");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_instruction, 0, COUNT(samples));
    tcase_add_loop_test(tests, plain_function, 0, COUNT(plain_cases));
    tcase_add_test(tests, leaf_function);
    tcase_add_test(tests, chained_function);
    tcase_add_test(tests, frame_register);
    tcase_add_test(tests, machine_frame);
    tcase_add_test(tests, stack_unreadable);
    tcase_add_test(tests, elsewhere);
    tcase_add_test(tests, chained_to_nonsense);
    tcase_add_test(tests, version_2);
    tcase_add_test(tests, by_other_entry);
    tcase_add_loop_test(tests, epilogue_forms, 0, COUNT(ends));
    tcase_add_loop_test(tests, epilogue_cut_off, 0, COUNT(ends));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
