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

#define THREAD_STACK_SLOT  0x40000ull /* 256 KiB: stack with its guard page below */
#define THREAD_SLOTS       ((uint32_t)(ARENA_STACKS_BYTES / THREAD_STACK_SLOT))
#define THREAD_MAX         THREAD_SLOTS
#define DPC_QUEUE_MAX      4096u
#define TIMER_MAX          65536u
#define HARDWARE_TIMER_MAX 1024u
#define FINDING_SITES_MAX  1024u
#define SUSPECTS_MAX       64u
#define MODULE_MAX         64u
#define STUB_SPARE         512u /* stubs for imports that pagable does not have */
#define STUB_CODE_OFFSET   0x1000u
#define EMERGENCY_STACK    0x40000u
#define USER_PAGES         ((uint32_t)((USER_END - USER_BASE) / PG_PAGE_SIZE))

struct dpc {
    uint64_t object;
    void (*run)(uint64_t object, const uint64_t argument[2]);
    uint64_t argument[2];
};

struct timer_heap {
    struct machine_timer **at; /* 1-based */
    uint32_t count;
};

struct interrupts;
struct io_space;
struct emulate_sites;
struct hardware;

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

/* Pages that moved together: one event that was not sent yet.  pages 0: none. */
struct trace_run {
    uint64_t time;
    enum event_kind kind;
    uint32_t irql, section, first, pages;
};

#define TRACE_DEVICES 256u

struct trace_state {
    struct trace_run run;
    bool keeping; /* pages that come in are locked, or resident by their section's class */
    uint32_t modules, sections, device_count;
    struct {
        uint64_t object;
        char name[100];
    } devices[TRACE_DEVICES];
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
    uint64_t sequence;                 /* of timers and of becoming ready */
    struct timer_heap timers;          /* of NT: expire at DISPATCH_LEVEL */
    struct timer_heap hardware_timers; /* of device models: expire whatever the IRQL is */

    uint32_t interrupts_pending; /* lines that are asserted and not masked, by number */
    struct interrupts *interrupts;
    struct io_space *io;
    struct emulate_sites *emulate_sites;
    struct hardware *hardware; /* first of the list */

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
    struct suspect suspects[SUSPECTS_MAX]; /* a ring */
    uint32_t suspect_count;
    uint32_t finding_count;
    struct machine_hooks hooks;
    int blamed_finding; /* -1: none */
    bool stopping;
    volatile bool budget_expired; /* set by a signal handler */
    struct run_counters counters;
    struct trace_state trace;
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
/* Whether that would do nothing now. */
bool processor_is_quiet(void);
/* The IRQL and nothing but it: no trim, no DPCs. */
void processor_set_irql(uint8_t irql);

/* dpc.c */
void dpc_run_all(void);

/* clock.c */
void clock_start(void);
bool clock_next_due(uint64_t *due); /* of any timer */
void clock_expire(void);            /* NT's; at DISPATCH_LEVEL */
bool clock_is_due(void);
void clock_expire_hardware(void); /* at any IRQL, on any stack */
bool clock_hardware_is_due(void);

/* interrupt.c */
void interrupt_start(void);
bool interrupt_is_due(void); /* whether the processor would take one now */
/* Take all that the processor would, then run the DPCs that they left.  Nothing on the scheduler's
 * stack. */
void interrupt_deliver(void);

/* io_space.c: accesses of the instruction at `rip` */
void io_space_start(void);
uint64_t io_port_read(uint16_t port, unsigned bytes, uint64_t rip);
void io_port_write(uint16_t port, unsigned bytes, uint64_t value, uint64_t rip);
bool io_is_mapped(uint64_t address);
uint64_t io_mapped_read(uint64_t address, unsigned bytes, uint64_t rip);
void io_mapped_write(uint64_t address, unsigned bytes, uint64_t value, uint64_t rip);

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
bool emulate_registers(struct trap *trap);   /* false: not an access to mapped registers */
/* In a signal handler: an instruction that is known already and that touches no guest memory. */
bool emulate_in_place(struct trap *trap);
void emulate_start(void);
/* Whether the breakpoint at an address is the machine's own. */
bool emulate_is_patched(uint64_t rip);
void emulate_forget(uint64_t base, uint64_t bytes); /* a module goes */
_Noreturn void trap_exception(struct trap *trap, uint32_t status, uint64_t p3, uint64_t p4);

/* finding.c */
void suspect_irql_lowered(void); /* below DISPATCH_LEVEL */
int suspect_of_irql(void);       /* finding whose consequence the current IRQL is; -1: none */

/* history.c */
void history_irql(uint8_t old, uint8_t new);
void history_fill(struct finding *finding, uint64_t subject);

/* page_fault.c */
void page_fault_from_trap(struct trap *trap);
/* An access that is part of the trapped instruction, which is the driver's. */
void page_fault_by_driver(const struct trap *trap, uint64_t address, enum pager_access access);

/* backtrace.c */
uint32_t backtrace_fill(struct code_place *frames, uint32_t max);
/* Place of the code that is to blame now: a trap's rip or the caller of the innermost export. */
uint64_t backtrace_blame(void);

/* module.c */
extern const struct pg_services module_services;

/* trace.c */
void trace_flush(void);
void trace_keeping(bool keeping);
void trace_loaded(struct module *module); /* gives it its numbers, trace or not */
void trace_moved(void *context, const struct pager_region *region, uint32_t i, bool in);

#endif
