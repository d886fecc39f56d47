/* SPDX-License-Identifier: MIT */
/*
 * Private to machine/: the state of the computer, and functions by defining file.
 */
#ifndef PAGABLE_MACHINE_INTERNAL_H
#define PAGABLE_MACHINE_INTERNAL_H

#include "base/assert.h"
#include "base/host.h"
#include "machine/machine.h"
#include "machine/trap.h"

#define THREAD_STACK_SLOT 0x40000ull /* 256 KiB: stack with its guard page below */
#define THREAD_SLOTS      ((uint32_t)(ARENA_STACKS_BYTES / THREAD_STACK_SLOT))
#define THREAD_MAX        THREAD_SLOTS
#define DPC_QUEUE_MAX     4096u
#define TIMER_MAX         65536u
#define FINDING_SITES_MAX 1024u
#define MODULE_MAX        64u
#define STUB_SPARE        512u /* stubs for imports that pagable does not have */
#define STUB_CODE_OFFSET  0x1000u
#define EMERGENCY_STACK   0x40000u
#define USER_PAGES        ((uint32_t)((USER_END - USER_BASE) / PG_PAGE_SIZE))

struct dpc {
    uint64_t object;
    void (*run)(uint64_t object, const uint64_t argument[2]);
    uint64_t argument[2];
};

/* One virtual processor. */
struct processor {
    uint8_t irql;
    bool interrupts_enabled;
    uint32_t number;
    uint32_t dpc_depth; /* > 0 while DPCs run on the current fiber */
    uint32_t dpc_head, dpc_count;
    struct dpc dpcs[DPC_QUEUE_MAX]; /* ring */
    struct thread *current;         /* NULL: the scheduler */
    struct thread *idle;            /* runs DPCs when no thread does */
};

struct finding_site {
    enum rule rule;
    uint64_t address;
    int index;
};

/* Everything; lies at ARENA_STATE. */
struct machine_state {
    /* The CALL_GUEST in progress on this stack.  First, since call_guest finds it by address: after
     * a driver's routine returned, no register can be trusted. */
    struct call_frame *guest_frame;
    struct machine_options options;
    struct channel *channel;
    uint64_t arena_next; /* next free byte of the state arena */

    uint64_t random[4];
    uint64_t time;
    uint64_t sequence;             /* of timers and of becoming ready */
    struct machine_timer **timers; /* heap, 1-based */
    uint32_t timer_count;

    struct processor cpu;
    uint64_t scheduler_stack_pointer;
    void *scheduler_sanitizer;
    const void *scheduler_stack_low;
    size_t scheduler_stack_bytes;
    struct thread *threads;                  /* all, by id */
    struct thread *ready_first, *ready_last; /* in the order in which they became ready */
    struct thread *thread_pool;
    uint32_t thread_slots_used;
    uint32_t thread_next_id;
    uint64_t slots_free[THREAD_SLOTS];
    uint32_t slots_free_count;
    struct call_frame
        *scheduler_calls; /* crossings on the scheduler's stack: none, but for traps */

    struct machine_exports exports;
    uint32_t stub_count;
    uint64_t export_data_next;

    struct pager *pager;
    struct pg_space *space;
    struct pager_failure page_in_failure; /* of the last failed pin */
    struct module modules[MODULE_MAX];
    uint32_t module_count;
    uint64_t image_next;

    uint8_t user_used[USER_PAGES];
    uint32_t user_hint;

    struct finding_site sites[FINDING_SITES_MAX];
    uint32_t site_count;
    uint32_t finding_count;
    int blamed_finding; /* -1: none */
    bool stopping;
    volatile bool budget_expired; /* set by a signal handler */
    struct run_counters counters;
};

#define M ((struct machine_state *)ARENA_STATE)

/* arena.c */
pg_status arena_start(void);

/* choice.c */
void choice_start(uint64_t seed);
uint64_t choice_secret(void); /* a seeded value outside the logged stream (security cookies) */

/* processor.c */
void processor_start(void);
void processor_check_budget(void);
void processor_set_thread(uint64_t object); /* what gs:[0x188] says */
/* A place where the scheduler may take the processor away from a thread. */
void machine_choice_point(void);

/* dpc.c */
void dpc_run_all(void);

/* clock.c */
bool clock_next_due(uint64_t *due);
void clock_expire(void); /* at DISPATCH_LEVEL */
bool clock_is_due(void);

/* thread.c, switch_x86_64.S */
pg_status thread_start(void);
bool thread_other_ready(int32_t at_least);
bool thread_higher_ready(int32_t than);
void thread_switch(uint64_t *save, uint64_t to);

/* call.c, call_x86_64.S */
void call_push(struct call_frame *frame);
void call_pop(struct call_frame *frame);
/* Calls a guest routine with 12 arguments.  *damage gets a nonzero value when it came back with
 * another stack pointer or destroyed a register that it had to keep. */
uint64_t call_guest(uint64_t routine, const uint64_t *arguments, struct call_frame *frame,
                    uint64_t *damage);
void call_entry(void);              /* where stubs jump to */
uint64_t call_guard_check(void);    /* guest routine: returns */
uint64_t call_guard_dispatch(void); /* guest routine: jumps to rax */
struct call_frame *call_innermost(void);
/* The crossing outside of a frame; NULL also when a driver overwrote the chain, which lies on its
 * stack. */
struct call_frame *call_outer(const struct call_frame *frame);
/* Where in the guest an export was called from.  A routine that the host called may end with a jump
 * to an export, which then returns to the host: the call's place is that routine's first byte. */
uint64_t call_site(const struct call_frame *frame);

/* processor_linux.c */
pg_status processor_set_gs(uint64_t base); /* drivers find processor and thread through gs */
pg_status processor_forbid_huge_pages(void);

/* trap_linux.c */
pg_status trap_start(void);

/* trap.c, emulate.c */
bool emulate_instruction(struct trap *trap);
#define SHARED_PAGE       0xFFFFF78000000000ull
#define SHARED_PAGE_BYTES 4096u
bool emulate_shared_page(struct trap *trap); /* false: not a read of that page */
_Noreturn void trap_exception(struct trap *trap, uint32_t status, uint64_t p3, uint64_t p4);

/* page_fault.c */
void page_fault_from_trap(struct trap *trap);

/* backtrace.c */
uint32_t backtrace_fill(struct code_place *frames, uint32_t max);
/* Place of the code that is to blame now: a trap's rip or the caller of the innermost export. */
uint64_t backtrace_blame(void);

/* module.c */
extern const struct pg_services module_services;

#endif
