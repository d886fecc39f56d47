/* SPDX-License-Identifier: MIT */
/*
 * Stack of the current thread across the crossings between guest and host.
 *
 * The chain of call frames says where guest code was entered and left; between two crossings the
 * guest's own frames are found by its unwind data.  Host frames are never shown: an export appears
 * as its stub.
 */
#include "machine/internal.h"

#include "image/unwind.h"

#include <string.h>

struct walk {
    struct code_place *frames;
    uint32_t count, max;
};

static void add(struct walk *walk, uint64_t address)
{
    if (walk->count < walk->max) {
        walk->frames[walk->count++] = machine_place(address);
    }
}

/* A word of the current stack; anything else is not read, since it may fault. */
static bool read_stack(void *context, uint64_t address, uint64_t *word)
{
    const struct thread *thread = M->cpu.current;

    (void)context;
    if (thread == NULL || address < thread->stack_low || address > thread->stack_high - 8 ||
        address % 8 != 0) {
        return false;
    }
    memcpy(word, (const void *)address, sizeof *word);
    return true;
}

static void registers_of_trap(struct unwind_registers *to, const struct trap *trap)
{
    memset(to, 0, sizeof *to);
    to->rip = trap->rip;
    memcpy(to->gpr, trap->gpr, sizeof to->gpr);
}

static void registers_of_export(struct unwind_registers *to, const struct call_frame *frame)
{
    memset(to, 0, sizeof *to);
    to->rip = frame->return_address;
    to->gpr[4] = frame->stack_pointer;
    to->gpr[3] = frame->rbx;
    to->gpr[5] = frame->rbp;
    to->gpr[6] = frame->rsi;
    to->gpr[7] = frame->rdi;
    to->gpr[12] = frame->r12;
    to->gpr[13] = frame->r13;
    to->gpr[14] = frame->r14;
    to->gpr[15] = frame->r15;
}

/* A jump to a place without code (a discarded section counts as one, its unwind data is there):
 * the return address on the stack is the caller. */
static bool step_out_of_nowhere(struct unwind_registers *registers)
{
    uint64_t caller;

    if (!read_stack(NULL, registers->gpr[4], &caller) || module_at(caller) == NULL) {
        return false;
    }
    registers->rip = caller;
    registers->gpr[4] += 8;
    return true;
}

static void walk_guest(struct walk *walk, struct unwind_registers *registers)
{
    const struct module *module = module_at(registers->rip);

    if (module == NULL) {
        add(walk, registers->rip);
        if (!step_out_of_nowhere(registers)) {
            return;
        }
    }
    while ((module = module_at(registers->rip)) != NULL && walk->count < walk->max) {
        enum unwind_result result;

        add(walk, registers->rip);
        result = image_unwind(&module->image, module->base, registers, read_stack, NULL);
        if (result != UNWIND_OK && result != UNWIND_MACHINE_FRAME) {
            return;
        }
    }
}

uint32_t backtrace_fill(struct code_place *frames, uint32_t max)
{
    struct walk walk = {frames, 0, max};
    struct unwind_registers registers;

    for (const struct call_frame *f = call_innermost(); f != NULL; f = call_outer(f)) {
        switch (f->kind) {
        case CALL_TRAP:
            registers_of_trap(&registers, f->trap);
            walk_guest(&walk, &registers);
            break;
        case CALL_EXPORT:
            add(&walk, f->stub);
            if (call_site(f) != f->return_address) {
                add(&walk, call_site(f));
                break;
            }
            registers_of_export(&registers, f);
            walk_guest(&walk, &registers);
            break;
        default: /* CALL_GUEST: its frames were walked from the crossing inside it */
            break;
        }
    }
    return walk.count;
}

uint64_t backtrace_blame(void)
{
    for (const struct call_frame *f = call_innermost(); f != NULL; f = call_outer(f)) {
        if (f->kind == CALL_TRAP) {
            return f->trap->rip;
        }
        if (f->kind == CALL_EXPORT) {
            return call_site(f);
        }
    }
    return 0;
}
