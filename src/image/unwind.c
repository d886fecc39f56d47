/* SPDX-License-Identifier: MIT */
/*
 * The unwinder.  Three cases, as the x64 software conventions have them:
 *
 *   leaf      no entry in .pdata: the return address is at rsp
 *   epilogue  the instructions from rip on are one (the conventions fix their form): carry them out
 *   else      undo the operations of the unwind info; in the prologue only those already done; then
 *             those of the infos that it is chained to
 *
 * Everything is done on a copy of the registers.
 */
#include "image/unwind.h"
#include "image/private.h"

#define WORD_BYTES 8u
#define ALL_OF_IT  UINT32_MAX /* as an offset into a prologue: it is done */

struct walk {
    const struct image *image;
    struct unwind_registers registers;
    unwind_read read;
    void *context;
    bool machine_frame;
    bool failed; /* the stack could not be read */
};

static uint64_t stack_word(struct walk *walk, uint64_t address)
{
    uint64_t word = 0;

    if (!walk->failed && !walk->read(walk->context, address, &word)) {
        walk->failed = true;
    }
    return word;
}

static uint64_t pop(struct walk *walk)
{
    uint64_t word = stack_word(walk, walk->registers.gpr[UNWIND_RSP]);

    walk->registers.gpr[UNWIND_RSP] += WORD_BYTES;
    return word;
}

/* ---- epilogues ---- */

/* An epilogue from some instruction of it on. */
struct epilog {
    bool from_frame; /* rsp is set from the frame register, else added to */
    uint64_t add;
    uint8_t pops[16]; /* registers in order */
    uint32_t pop_count;
    uint32_t return_bytes; /* that the return removes besides the address */
};

struct code {
    const uint8_t *bytes;
    uint32_t count, rva;
};

static void skip(struct code *code, uint32_t bytes)
{
    code->bytes += bytes;
    code->count -= bytes;
    code->rva += bytes;
}

static bool starts(const struct code *code, uint8_t a, uint8_t b, uint8_t c, uint32_t length)
{
    return code->count >= length && code->bytes[0] == a && code->bytes[1] == b &&
           code->bytes[2] == c;
}

static uint64_t signed8(uint8_t byte)
{
    return (uint64_t)(int64_t)(int8_t)byte;
}

static uint64_t signed32(const uint8_t *bytes)
{
    return (uint64_t)(int64_t)(int32_t)load32(bytes);
}

/* lea rsp, [frame register + displacement]; r12 as a base needs one byte more. */
static void take_lea(struct code *code, const struct unwind_info *info, struct epilog *epilog)
{
    uint8_t rex = (uint8_t)(0x48u | info->frame_register >> 3);
    uint8_t base = info->frame_register & 7u;
    uint32_t prefix = base == 4 ? 4 : 3;

    if (info->frame_register == 0 || (base == 4 && (code->count < 4 || code->bytes[3] != 0x24))) {
        return;
    }
    if (starts(code, rex, 0x8d, (uint8_t)(0x60u | base), prefix + 1)) {
        epilog->add = signed8(code->bytes[prefix]);
        epilog->from_frame = true;
        skip(code, prefix + 1);
    } else if (starts(code, rex, 0x8d, (uint8_t)(0xa0u | base), prefix + 4)) {
        epilog->add = signed32(code->bytes + prefix);
        epilog->from_frame = true;
        skip(code, prefix + 4);
    }
}

static void take_stack_change(struct code *code, const struct unwind_info *info,
                              struct epilog *epilog)
{
    if (starts(code, 0x48, 0x83, 0xc4, 4)) { /* add rsp, imm8 */
        epilog->add = signed8(code->bytes[3]);
        skip(code, 4);
    } else if (starts(code, 0x48, 0x81, 0xc4, 7)) { /* add rsp, imm32 */
        epilog->add = signed32(code->bytes + 3);
        skip(code, 7);
    } else {
        take_lea(code, info, epilog);
    }
}

static void take_pops(struct code *code, struct epilog *epilog)
{
    while (epilog->pop_count < sizeof(epilog->pops)) {
        uint32_t high = code->count >= 2 && code->bytes[0] == 0x41 ? 1 : 0;
        uint8_t opcode = code->count > high ? code->bytes[high] : 0;

        if ((opcode & 0xf8u) != 0x58 || (opcode == 0x5c && high == 0)) { /* nobody pops rsp */
            return;
        }
        epilog->pops[epilog->pop_count++] = (uint8_t)((opcode & 7u) | high << 3);
        skip(code, high + 1);
    }
}

/* A jump within the function is none out of an epilogue, unless it is to its first instruction: the
 * tail of a recursion. */
static bool leaves_function(const struct image *image, const struct image_function *function,
                            uint32_t target)
{
    struct image_function mine = image_function_primary(image, function), other;

    if (target >= function->begin_rva && target < function->end_rva) {
        return target == mine.begin_rva;
    }
    if (!image_function_find(image, target, &other)) {
        return true;
    }
    other = image_function_primary(image, &other);
    return other.begin_rva != mine.begin_rva || target == mine.begin_rva;
}

/* jmp [rip + x], or any other indirect jump that has REX.W: compilers mark tail calls so, since a
 * jump by a table must not look like one. */
static bool is_indirect_tail_call(const struct code *code)
{
    uint32_t at = code->count > 0 && (code->bytes[0] & 0xf8u) == 0x48 ? 1 : 0;

    if (code->count < at + 2 || code->bytes[at] != 0xff) {
        return false;
    }
    if (code->bytes[at + 1] == 0x25) {
        return code->count >= at + 6;
    }
    return at == 1 && (code->bytes[at + 1] & 0x38u) == 0x20;
}

static bool is_return(const struct code *code, struct epilog *epilog)
{
    const uint8_t *b = code->bytes;

    if (code->count >= 3 && b[0] == 0xc2) {
        epilog->return_bytes = load16(b + 1);
        return true;
    }
    if (code->count >= 2 && (b[0] == 0xf3 || b[0] == 0xf2) && b[1] == 0xc3) {
        return true; /* rep ret, bnd ret */
    }
    return code->count >= 1 && b[0] == 0xc3;
}

/* Whether the code is what an epilogue ends with: a return, or a jump out of the function. */
static bool is_end(const struct image *image, const struct image_function *function,
                   const struct code *code, struct epilog *epilog)
{
    const uint8_t *b = code->bytes;

    if (is_return(code, epilog) || is_indirect_tail_call(code)) {
        return true;
    }
    if (code->count >= 2 && b[0] == 0xeb) {
        return leaves_function(image, function, code->rva + 2 + (uint32_t)signed8(b[1]));
    }
    if (code->count >= 5 && b[0] == 0xe9) {
        return leaves_function(image, function, code->rva + 5 + load32(b + 1));
    }
    return false;
}

/* Whether the code from rva on is the rest of an epilogue, and which. */
static bool read_epilog(const struct image *image, const struct image_function *function,
                        const struct unwind_info *info, uint32_t rva, struct epilog *epilog)
{
    struct code code = {.count = function->end_rva - rva, .rva = rva};

    *epilog = (struct epilog){.add = 0};
    code.bytes = image_at(image, rva, code.count);
    if (code.bytes == NULL) {
        return false;
    }
    take_stack_change(&code, info, epilog);
    take_pops(&code, epilog);
    return is_end(image, function, &code, epilog);
}

static void run_epilog(struct walk *walk, const struct unwind_info *info,
                       const struct epilog *epilog)
{
    uint64_t *gpr = walk->registers.gpr;

    gpr[UNWIND_RSP] = gpr[epilog->from_frame ? info->frame_register : UNWIND_RSP] + epilog->add;
    for (uint32_t i = 0; i < epilog->pop_count; i++) {
        gpr[epilog->pops[i]] = pop(walk);
    }
    walk->registers.rip = pop(walk);
    gpr[UNWIND_RSP] += epilog->return_bytes;
}

/* ---- unwind infos ---- */

static enum unwind_operation operation_at(const struct unwind_info *info, uint32_t index)
{
    return (enum unwind_operation)(info->codes[index * 2 + 1] & 15u);
}

/* Whether the frame register is set up once `done` bytes of the prologue have run. */
static bool has_frame_register(const struct unwind_info *info, uint32_t done)
{
    if (info->frame_register == 0) {
        return false;
    }
    if (done == ALL_OF_IT || (info->flags & UNWIND_CHAINED) != 0) {
        return true;
    }
    for (uint32_t i = 0, words; i < info->code_count; i += words) {
        words = image_unwind_words(info, i);
        if (words == 0) {
            return false;
        }
        if (operation_at(info, i) == UWOP_SET_FPREG) {
            return info->codes[i * 2] <= done;
        }
    }
    return false;
}

/* What the offsets of saved registers count from. */
static uint64_t frame_base(const struct walk *walk, const struct unwind_info *info, uint32_t done)
{
    if (has_frame_register(info, done)) {
        return walk->registers.gpr[info->frame_register] - info->frame_offset;
    }
    return walk->registers.gpr[UNWIND_RSP];
}

/* The machine pushed, from the top: error code (not always), rip, cs, rflags, rsp, ss. */
static void pop_machine_frame(struct walk *walk, bool error_code)
{
    uint64_t at = walk->registers.gpr[UNWIND_RSP] + (error_code ? WORD_BYTES : 0);

    walk->registers.rip = stack_word(walk, at);
    walk->registers.gpr[UNWIND_RSP] = stack_word(walk, at + 3 * WORD_BYTES);
    walk->machine_frame = true;
}

static void undo(struct walk *walk, const struct unwind_info *info, uint32_t index, uint64_t base)
{
    const uint8_t *code = info->codes + index * 2;
    uint64_t *gpr = walk->registers.gpr;
    uint8_t argument = code[1] >> 4;

    switch (operation_at(info, index)) {
    case UWOP_PUSH_NONVOL:
        gpr[argument] = pop(walk);
        break;
    case UWOP_ALLOC_LARGE:
        gpr[UNWIND_RSP] += argument == 0 ? load16(code + 2) * (uint64_t)8 : load32(code + 2);
        break;
    case UWOP_ALLOC_SMALL:
        gpr[UNWIND_RSP] += argument * 8u + 8u;
        break;
    case UWOP_SET_FPREG:
        gpr[UNWIND_RSP] = gpr[info->frame_register] - info->frame_offset;
        break;
    case UWOP_SAVE_NONVOL:
        gpr[argument] = stack_word(walk, base + load16(code + 2) * (uint64_t)8);
        break;
    case UWOP_SAVE_NONVOL_FAR:
        gpr[argument] = stack_word(walk, base + load32(code + 2));
        break;
    case UWOP_PUSH_MACHFRAME:
        pop_machine_frame(walk, argument == 1);
        break;
    case UWOP_EPILOG:
    case UWOP_SAVE_XMM128:
    case UWOP_SAVE_XMM128_FAR:
        break;
    }
}

/* Undo what `done` bytes of a prologue did.  False when the info holds what it must not. */
static bool undo_prologue(struct walk *walk, const struct unwind_info *info, uint32_t done)
{
    uint64_t base = frame_base(walk, info, done);

    for (uint32_t i = 0, words; i < info->code_count; i += words) {
        words = image_unwind_words(info, i);
        if (words == 0) {
            return false;
        }
        if (info->codes[i * 2] <= done) {
            undo(walk, info, i, base);
        }
    }
    return true;
}

/* Undo a frame by its info and those that it is chained to. */
static bool undo_frame(struct walk *walk, struct unwind_info info, uint32_t done)
{
    for (uint32_t i = 0; i <= IMAGE_MAX_CHAIN; i++) {
        if (!undo_prologue(walk, &info, done)) {
            return false;
        }
        if ((info.flags & UNWIND_CHAINED) == 0) {
            if (!walk->machine_frame) {
                walk->registers.rip = pop(walk);
            }
            return true;
        }
        done = ALL_OF_IT;
        if (image_unwind_info(walk->image, image_unwind_parent(walk->image, &info).unwind_rva,
                              &info) != NULL) {
            return false;
        }
    }
    return false;
}

static bool step(struct walk *walk, uint32_t rva, struct unwind_frame *frame)
{
    struct unwind_info info;
    struct epilog epilog;
    uint32_t done;

    if (!image_function_find(walk->image, rva, &frame->function)) {
        frame->leaf = true;
        frame->establisher = walk->registers.gpr[UNWIND_RSP];
        walk->registers.rip = pop(walk);
        return true;
    }
    if (image_unwind_info(walk->image, frame->function.unwind_rva, &info) != NULL) {
        return false;
    }
    done = rva - frame->function.begin_rva;
    if (done >= info.prolog_size) {
        done = ALL_OF_IT;
    }
    frame->establisher = frame_base(walk, &info, done);
    if (done == ALL_OF_IT && read_epilog(walk->image, &frame->function, &info, rva, &epilog)) {
        run_epilog(walk, &info, &epilog);
        return true;
    }
    frame->in_body = done == ALL_OF_IT;
    return undo_frame(walk, info, done);
}

enum unwind_result image_unwind_frame(const struct image *image, uint64_t image_base,
                                      struct unwind_registers *registers, unwind_read read,
                                      void *context, struct unwind_frame *frame)
{
    struct walk walk = {.image = image, .registers = *registers, .read = read, .context = context};
    uint64_t rva = registers->rip - image_base;
    struct unwind_frame left = {.leaf = false};

    if (rva >= image->image_size) {
        return UNWIND_NOT_HERE;
    }
    if (!step(&walk, (uint32_t)rva, &left)) {
        return UNWIND_BAD_INFO;
    }
    if (walk.failed) {
        return UNWIND_NO_STACK;
    }
    *registers = walk.registers;
    if (frame != NULL) {
        *frame = left;
    }
    return walk.machine_frame ? UNWIND_MACHINE_FRAME : UNWIND_OK;
}

enum unwind_result image_unwind(const struct image *image, uint64_t image_base,
                                struct unwind_registers *registers, unwind_read read, void *context)
{
    return image_unwind_frame(image, image_base, registers, read, context, NULL);
}
