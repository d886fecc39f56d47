/* SPDX-License-Identifier: MIT */
/*
 * What a trap leads to.  Ordinary code on the interrupted stack.
 *
 * Whose trap it is follows from the instruction: code of a module (or a jump to nowhere) is the
 * driver's; host code that touched guest memory is the system on the driver's behalf; anything else
 * is a defect of pagable.
 */
#include "machine/internal.h"

/* NTSTATUS codes of processor exceptions. */
#define EXCEPTION_BREAKPOINT          0x80000003u
#define EXCEPTION_SINGLE_STEP         0x80000004u
#define EXCEPTION_ACCESS_VIOLATION    0xC0000005u
#define EXCEPTION_ILLEGAL_INSTRUCTION 0xC000001Du
#define EXCEPTION_INTEGER_DIVIDE      0xC0000094u
#define EXCEPTION_MISALIGNED          0x80000002u
#define EXCEPTION_PRIVILEGED          0xC0000096u
#define EXCEPTION_ASSERTION           0xC0000420u

static const char *words_of(uint32_t status)
{
    switch (status) {
    case EXCEPTION_BREAKPOINT:
        return "the driver ran a break point, and there is no debugger";
    case EXCEPTION_SINGLE_STEP:
        return "the driver set the trap flag, and there is no debugger";
    case EXCEPTION_ACCESS_VIOLATION:
        return "the driver used an address that no memory can have";
    case EXCEPTION_ILLEGAL_INSTRUCTION:
        return "the driver ran something that is no instruction";
    case EXCEPTION_INTEGER_DIVIDE:
        return "the driver divided by zero, or the quotient was too large";
    case EXCEPTION_MISALIGNED:
        return "the driver used an address that is not aligned as its instruction demands";
    case EXCEPTION_PRIVILEGED:
        return "the driver gave a privileged instruction an operand that it does not take";
    case EXCEPTION_ASSERTION:
        return "an assertion of the driver failed, and there is no debugger";
    default:
        return NULL;
    }
}

_Noreturn void trap_exception(struct trap *trap, uint32_t status, uint64_t p3, uint64_t p4)
{
    /* Windows sign-extends the status. */
    machine_bugcheck(0x1E, (uint64_t)(int64_t)(int32_t)status, trap->rip, p3, p4, words_of(status));
}

static bool is_guest_code(const struct trap *trap)
{
    return module_at(trap->rip) != NULL ||
           (trap->rip >= ARENA_NT && trap->rip < ARENA_NT + ARENA_NT_BYTES) ||
           (trap->cause == TRAP_PAGE && trap->access == PAGER_EXECUTE &&
            trap->rip == trap->address);
}

/* Host code runs although a driver's routine should: it was jumped into. */
static void check_for_escape(void)
{
    const struct call_frame *innermost = call_innermost();

    if (innermost != NULL && innermost->kind == CALL_GUEST) {
        machine_bugcheck(
            0x1E, (uint64_t)(int64_t)(int32_t)EXCEPTION_ILLEGAL_INSTRUCTION, innermost->stub, 0, 0,
            "a routine jumped out of the driver's code: a return address or a pointer to "
            "a routine is corrupt");
    }
}

static void guest_trap(struct trap *trap)
{
    switch (trap->cause) {
    case TRAP_PAGE:
        page_fault_from_trap(trap);
        break;
    case TRAP_PROTECTION:
        if (!emulate_instruction(trap)) {
            /* A non-canonical address: Windows reports a read of the highest address. */
            trap_exception(trap, EXCEPTION_ACCESS_VIOLATION, 0, UINT64_MAX);
        }
        break;
    case TRAP_INVALID:
        trap_exception(trap, EXCEPTION_ILLEGAL_INSTRUCTION, 0, 0);
    case TRAP_DIVIDE:
        trap_exception(trap, EXCEPTION_INTEGER_DIVIDE, 0, 0);
    case TRAP_BREAKPOINT:
        trap->rip--;
        if (emulate_is_patched(trap->rip) && emulate_instruction(trap)) {
            break;
        }
        trap_exception(trap, EXCEPTION_BREAKPOINT, 0, 0);
    case TRAP_STEP:
        trap_exception(trap, EXCEPTION_SINGLE_STEP, 0, 0);
    case TRAP_ALIGNMENT:
        trap_exception(trap, EXCEPTION_MISALIGNED, 0, 0);
    case TRAP_OTHER: /* overflow, bounds, stack segment, floating point ... */
        machine_bugcheck(0x7F, trap->vector, 0, 0, 0, "the processor raised an exception");
    case TRAP_CHOICE:
        break;
    case TRAP_BUDGET:
    case TRAP_STACK:
        PG_ASSERT(!"handled before");
    }
}

/* Double fault: what a kernel stack overflow is on Windows. */
static _Noreturn void stack_overflow(void)
{
    machine_bugcheck(0x7F, 8, 0, 0, 0, "the thread used up its kernel stack");
}

void trap_handle(struct trap *trap)
{
    struct call_frame frame = {.kind = CALL_TRAP, .trap = trap};

    M->counters.trapped_instructions += trap->cause != TRAP_CHOICE;
    if (trap->cause == TRAP_STACK) {
        call_push(&frame);
        stack_overflow();
    }
    if (is_guest_code(trap)) {
        call_push(&frame);
        if (trap->cause == TRAP_BUDGET) {
            processor_check_budget();
        } else {
            guest_trap(trap);
        }
        machine_choice_point();
        call_pop(&frame);
        return;
    }
    check_for_escape();
    /* Host code.  It may run into guest memory that is out: the same paging, without a frame, so
     * that the export that it works for is to blame. */
    PG_ASSERT(trap->cause == TRAP_PAGE && machine_is_guest_memory(trap->address, 1));
    page_fault_from_trap(trap);
}
