/* SPDX-License-Identifier: MIT */
/*
 * Signals as traps.
 *
 * The handler runs on an alternate stack and does one thing: it copies the kernel's signal frame to
 * the interrupted stack (below the 128-byte red zone, after checking that it fits) and returns into
 * trap_enter there.  trap_enter is ordinary code with an ordinary signal mask; it may page, switch
 * fibers or end the computer, and resumes by rt_sigreturn of the copy.  Nothing is ever switched on
 * the alternate stack.
 *
 * The exception is what serve_in_place does: it changes the machine's own state and the registers
 * in the kernel's frame, and resumes at once unless something waits for the processor.
 *
 * When the frame does not fit, the stack has overflowed: trap_enter then runs on an emergency stack
 * and never resumes.
 */
#include "machine/internal.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#define RED_ZONE      128u
#define FPSTATE_ALIGN 64u
/* What the kernel saves of a context: up to and with its own 8-byte signal mask. */
#define KERNEL_CONTEXT_BYTES (offsetof(ucontext_t, uc_sigmask) + 8u)
/* Room that ordinary trap code needs on the interrupted stack. */
#ifdef __SANITIZE_ADDRESS__
#define TRAP_HEADROOM 0x8000u
#else
#define TRAP_HEADROOM 0x3000u
#endif
#define ALTERNATE_STACK 0x10000u

/* Offsets of struct _fpx_sw_bytes in the legacy area, as the kernel documents them. */
#define FPX_MAGIC_OFFSET 464u
#define FPX_SIZE_OFFSET  468u
#define FPX_MAGIC        0x46505853u
#define FPX_LEGACY_BYTES 512u

struct trap_copy {
    ucontext_t *context; /* the copy, ready for rt_sigreturn; NULL after a stack overflow */
    struct trap trap;
};

/* Order of the registers in gregs, by x64 number. */
static const uint8_t greg_of[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                    REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                    REG_R12, REG_R13, REG_R14, REG_R15};

static uint8_t *emergency_stack;

static void read_registers(struct trap *trap, const ucontext_t *uc)
{
    const greg_t *g = uc->uc_mcontext.gregs;

    for (int i = 0; i < 16; i++) {
        trap->gpr[i] = (uint64_t)g[greg_of[i]];
    }
    trap->rip = (uint64_t)g[REG_RIP];
    trap->rflags = (uint64_t)g[REG_EFL];
}

static void write_registers(const struct trap *trap, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;

    for (int i = 0; i < 16; i++) {
        g[greg_of[i]] = (greg_t)trap->gpr[i];
    }
    g[REG_RIP] = (greg_t)trap->rip;
    g[REG_EFL] = (greg_t)trap->rflags;
}

/* Processor exceptions, as the kernel passes them on. */
enum {
    VECTOR_DIVIDE = 0,
    VECTOR_STEP = 1,
    VECTOR_BREAKPOINT = 3,
    VECTOR_INVALID = 6,
    VECTOR_PROTECTION = 13,
    VECTOR_PAGE = 14,
    VECTOR_ALIGNMENT = 17
};
enum { PAGE_ERROR_WRITE = 2, PAGE_ERROR_EXECUTE = 16 };

static enum trap_cause cause_of(const ucontext_t *uc, int signal)
{
    if (signal == SIGXCPU) {
        return TRAP_BUDGET;
    }
    switch (uc->uc_mcontext.gregs[REG_TRAPNO]) {
    case VECTOR_PAGE:
        return TRAP_PAGE;
    case VECTOR_PROTECTION:
        return TRAP_PROTECTION;
    case VECTOR_INVALID:
        return TRAP_INVALID;
    case VECTOR_DIVIDE:
        return TRAP_DIVIDE;
    case VECTOR_BREAKPOINT:
        return TRAP_BREAKPOINT;
    case VECTOR_STEP:
        return TRAP_STEP;
    case VECTOR_ALIGNMENT:
        return TRAP_ALIGNMENT;
    default:
        return TRAP_OTHER;
    }
}

static void describe(struct trap *trap, const ucontext_t *uc, int signal)
{
    uint64_t error = (uint64_t)uc->uc_mcontext.gregs[REG_ERR];

    read_registers(trap, uc);
    trap->signal = signal;
    trap->vector = (uint32_t)uc->uc_mcontext.gregs[REG_TRAPNO];
    trap->cause = cause_of(uc, signal);
    trap->address = trap->cause == TRAP_PAGE ? (uint64_t)uc->uc_mcontext.gregs[REG_CR2] : 0;
    trap->access = (error & PAGE_ERROR_EXECUTE) ? PAGER_EXECUTE
                   : (error & PAGE_ERROR_WRITE) ? PAGER_WRITE
                                                : PAGER_READ;
}

static uint32_t fpstate_bytes(const void *fpstate)
{
    uint32_t magic;
    uint32_t size;

    memcpy(&magic, (const char *)fpstate + FPX_MAGIC_OFFSET, sizeof magic);
    memcpy(&size, (const char *)fpstate + FPX_SIZE_OFFSET, sizeof size);
    return magic == FPX_MAGIC ? size : FPX_LEGACY_BYTES;
}

static bool on_emergency_stack(uint64_t sp)
{
    return sp - (uint64_t)emergency_stack <= EMERGENCY_STACK;
}

/* Whether trap code fits on the interrupted stack when it starts at `at`.  The scheduler's stack is
 * the host's and has room. */
static bool fits(uint64_t sp, uint64_t at)
{
    const struct thread *thread = M->cpu.current;

    if (on_emergency_stack(sp)) {
        return at >= (uint64_t)emergency_stack + TRAP_HEADROOM;
    }
    return thread == NULL || (sp >= thread->stack_low && sp <= thread->stack_high &&
                              at >= thread->stack_low + TRAP_HEADROOM);
}

/*
 * Resume: rt_sigreturn finds the context at the stack pointer.  No frame of ours may be alive that
 * a sanitizer keeps marks for, hence the attribute.
 */
__attribute__((no_sanitize("address", "undefined"))) static _Noreturn void
resume(ucontext_t *context)
{
    __asm__ volatile("movq %0, %%rsp\n\t"
                     "movl $15, %%eax\n\t" /* rt_sigreturn */
                     "syscall"
                     :
                     : "r"(context)
                     : "memory");
    __builtin_unreachable();
}

static void trap_ordinary(struct trap_copy *copy)
{
    trap_handle(&copy->trap);
    PG_ASSERT(copy->context != NULL);
    write_registers(&copy->trap, copy->context);
}

__attribute__((no_sanitize("address", "undefined"))) static void trap_enter(struct trap_copy *copy)
{
    trap_ordinary(copy);
    resume(copy->context);
}

/* Copy what the kernel saved to the interrupted stack; returns where trap_copy goes, or 0. */
static struct trap_copy *copy_frame(const ucontext_t *uc)
{
    uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
    uint32_t fp_bytes = fpstate_bytes(uc->uc_mcontext.fpregs);
    uint64_t fp = (sp - RED_ZONE - fp_bytes) & ~(uint64_t)(FPSTATE_ALIGN - 1);
    uint64_t context = (fp - sizeof(ucontext_t)) & ~15ull;
    uint64_t copy = (context - sizeof(struct trap_copy)) & ~15ull;
    ucontext_t *to = (ucontext_t *)context;

    if (!fits(sp, copy)) {
        return NULL;
    }
    memcpy((void *)fp, uc->uc_mcontext.fpregs, fp_bytes);
    memcpy(to, uc, KERNEL_CONTEXT_BYTES);
    to->uc_mcontext.fpregs = (fpregset_t)fp;
    ((struct trap_copy *)copy)->context = to;
    return (struct trap_copy *)copy;
}

/* An access to a device that needs neither the interrupted stack nor guest memory. */
static bool serve_in_place(ucontext_t *uc, int signal)
{
    struct trap trap;

    if (signal != SIGSEGV && signal != SIGTRAP) {
        return false;
    }
    describe(&trap, uc, signal);
    if (!emulate_in_place(&trap)) {
        return false;
    }
    M->counters.trapped_instructions++;
    clock_expire_hardware();
    write_registers(&trap, uc);
    return true;
}

__attribute__((no_sanitize("address", "undefined"))) static void
on_signal(int signal, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    struct trap_copy *copy;
    bool served = serve_in_place(uc, signal);

    (void)info;
    if (served && processor_is_quiet()) {
        return;
    }
    if (signal == SIGXCPU) {
        M->budget_expired = true;
        if (module_at((uint64_t)uc->uc_mcontext.gregs[REG_RIP]) == NULL) {
            return; /* the host's own code looks at the flag soon */
        }
    }
    copy = copy_frame(uc);
    if (copy == NULL && served) {
        return; /* what waits goes on waiting for a place with more stack */
    }
    if (copy == NULL) {
        if (on_emergency_stack((uint64_t)uc->uc_mcontext.gregs[REG_RSP])) {
            _exit(
                EXIT_OUR_FAULT); /* the report of an overflow overflowed: nothing is left to try */
        }
        copy = (struct trap_copy *)((uint64_t)(emergency_stack + EMERGENCY_STACK - sizeof *copy) &
                                    ~15ull);
        copy->context = NULL;
    }
    describe(&copy->trap, uc, signal);
    if (served) {
        copy->trap.cause = TRAP_CHOICE;
    }
    if (copy->context == NULL) {
        copy->trap.address = copy->trap.gpr[4];
        copy->trap.cause = TRAP_STACK;
    }
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)trap_enter;
    uc->uc_mcontext.gregs[REG_RSP] = (greg_t)((uint64_t)copy - 8); /* as after a call */
    uc->uc_mcontext.gregs[REG_RDI] = (greg_t)copy;
    uc->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)0x500; /* direction and trap flags off */
}

static pg_status install(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGXCPU};
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], &action, NULL) != 0) {
            return PG_E_UNSUPPORTED;
        }
    }
    return PG_OK;
}

static void *map_stack(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

pg_status trap_start(void)
{
    stack_t stack = {.ss_sp = map_stack(ALTERNATE_STACK), .ss_size = ALTERNATE_STACK};

    emergency_stack = map_stack(EMERGENCY_STACK);
    if (stack.ss_sp == NULL || emergency_stack == NULL) {
        return PG_E_NO_MEMORY;
    }
    if (sigaltstack(&stack, NULL) != 0) {
        return PG_E_UNSUPPORTED;
    }
    return install();
}
