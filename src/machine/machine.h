/* SPDX-License-Identifier: MIT */
/*
 * The machine: one simulated x64 computer in one host thread.
 *
 * NT threads are fibers with stacks of their own; the scheduler, and everything that is done *to* a
 * driver from outside, runs on the host thread's stack ("the scheduler's stack").  All state lies
 * in one arena at a fixed address; there is one machine per process, reached through `machine`.
 *
 * Contexts in which the functions below may be called:
 *   S  the scheduler's stack (no thread is current)
 *   T  a thread's fiber (machine.h users in nt/, on behalf of a driver)
 *   ST both
 */
#ifndef PAGABLE_MACHINE_MACHINE_H
#define PAGABLE_MACHINE_MACHINE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/channel.h"
#include "event/event.h"
#include "finding/finding.h"
#include "image/image.h"
#include "pager/pager.h"

#include <pagable/section.h>

/* IRQLs of x64. */
enum {
    PASSIVE_LEVEL = 0,
    APC_LEVEL = 1,
    DISPATCH_LEVEL = 2,
    SYNCH_LEVEL = 12,
    CLOCK_LEVEL = 13,
    IPI_LEVEL = 14,
    HIGH_LEVEL = 15
};

/* Map of the arena (all addresses fixed, so that a run does not depend on the host's layout). */
#define ARENA_BASE           0x200000000000ull
#define ARENA_STATE          (ARENA_BASE + 0x000000000ull) /* the machine's and nt's own state */
#define ARENA_STATE_BYTES    0x040000000ull
#define ARENA_NT             (ARENA_BASE + 0x040000000ull) /* the pseudo-image ntoskrnl.exe */
#define ARENA_NT_BYTES       0x000100000ull
#define ARENA_PCR            (ARENA_BASE + 0x050000000ull) /* what gs points to */
#define ARENA_PCR_BYTES      0x000010000ull
#define ARENA_IO             (ARENA_BASE + 0x060000000ull) /* mapped registers: never accessible */
#define ARENA_IO_BYTES       0x004000000ull
#define ARENA_NONPAGED       (ARENA_BASE + 0x100000000ull)
#define ARENA_NONPAGED_BYTES 0x010000000ull /* 256 MiB */
#define ARENA_PAGED          (ARENA_BASE + 0x140000000ull)
#define ARENA_PAGED_BYTES    0x004000000ull /* 64 MiB */
#define ARENA_STACKS         (ARENA_BASE + 0x180000000ull)
#define ARENA_STACKS_BYTES   0x020000000ull
#define ARENA_IMAGES         (ARENA_BASE + 0x200000000ull)
#define ARENA_IMAGES_BYTES   0x100000000ull
#define ARENA_END            (ARENA_BASE + 0x300000000ull)

/* Simulated user buffers: page-aligned blocks between these. */
#define USER_BASE    0x10000000ull
#define USER_END     0x70000000ull
#define USER_HIGHEST (USER_END - 1)

enum trim_policy { TRIM_IRQL, TRIM_NONE, TRIM_RANDOM };

/* The pager's back end; what is observed is the same with each. */
enum machine_pager {
    MACHINE_PAGER_AUTO, /* the fastest that the system allows */
    MACHINE_PAGER_PROTECT,
    MACHINE_PAGER_USERFAULT, /* when the system allows it, else protection */
};

struct machine_options {
    uint64_t seed;
    enum trim_policy trim;
    enum machine_pager pager;
    uint32_t frames;         /* limit on resident pageable pages; 0: none */
    rule_set rules;          /* rules that give findings */
    bool strict;             /* resident pageable memory at DISPATCH_LEVEL is a finding, too */
    uint32_t budget_seconds; /* of processor time; 0: none */
    enum trace_level trace;  /* which RECORD_EVENTs are sent */
};

/* ---- start and end (machine.c, stop.c) ---- */

/* Make the computer; in the child process, once.  A failure is the host's (no memory, address range
 * taken): *what names it. */
pg_status machine_start(const struct machine_options *options, struct channel *channel,
                        const char **what);

/* End the computer: counters, sections and RECORD_END go to the channel, then the process exits.
 * Any context, also from deep inside a driver.  `reason` may be NULL. */
_Noreturn void machine_stop(enum run_outcome outcome, const char *reason);

/* The bug check of the simulated computer: reports code, parameters, place and stack, and stops.
 * `words` says in words what happened (NULL: composed from the code).  ST. */
_Noreturn void machine_bugcheck(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4,
                                const char *words);

/* Something that pagable does not have: names it and its caller; exit code 3 for the user.  ST. */
_Noreturn void machine_unsupported(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Report a finding at a place in guest code (0: the innermost caller of an export).  Fills module,
 * section, IRQL, stack; the same rule at the same place is reported once.  Returns the finding's
 * index, or -1 when the rule is off.  ST. */
int machine_finding(enum rule rule, uint64_t address, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same about `address`, at the places that have to do with it (return addresses of calls made
 * earlier; without any, at the address itself) instead of the stack of the moment. */
int machine_finding_with(enum rule rule, uint64_t address, const uint64_t *others,
                         uint32_t other_count, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same about a section that is not the place's own: the one that holds `subject`. */
int machine_finding_about(enum rule rule, uint64_t address, uint64_t subject, const char *format,
                          ...) __attribute__((format(printf, 4, 5)));
bool machine_rule_on(enum rule rule);

/*
 * Suspects (finding.c): what goes wrong in [base, base + bytes) from now on is a consequence of the
 * finding (-1: of none, nothing happens).  _raised: in the current thread only, and until its IRQL
 * falls below DISPATCH_LEVEL; UINT64_MAX bytes: the IRQL itself is the consequence.
 */
void machine_suspect(int finding, uint64_t base, uint64_t bytes);
void machine_suspect_raised(int finding, uint64_t base, uint64_t bytes);
int machine_suspected(uint64_t address); /* the finding, -1: none */
bool machine_irql_suspected(void);

/* What only the machine sees of a driver's doings, told to whoever checks rules.  May be NULL. */
struct machine_hooks {
    /* An inlined write to CR8 is about to raise the IRQL from below to DISPATCH_LEVEL or above. */
    void (*raises)(uint64_t place, uint8_t irql);
    /* A routine that the system called returned at another IRQL than it was called at. */
    void (*returned)(uint64_t routine, uint8_t irql_before);
    /* An assertion of the driver failed (int 2c); the exception comes next. */
    void (*asserts)(uint64_t place);
};
void machine_set_hooks(const struct machine_hooks *hooks);

/* What the next findings about a section tell of its locks (history.c). */
void machine_note_lock(pg_handle handle, enum finding_lock what, uint32_t count);
void machine_note_paging(uint64_t address, enum finding_lock what); /* all sections of an image */
/* The IRQL that was raised quietly stays so after all. */
void machine_note_irql(uint8_t old, uint8_t irql);
/* The bug check that follows is the consequence of this finding (-1: of none). */
void machine_blame(int finding);

/* A line for the user on stderr; text without newline. */
void machine_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a driver prints, as it stands; at most CHANNEL_RECORD_MAX bytes. */
void machine_text(const char *text, uint32_t bytes);

/* Trace: nothing happens unless options.trace asks for that kind.  (trace.c)
 *   machine_section_event  value a is the section of a handle
 *   machine_module_event   value a is the module at an address
 *   machine_device_event   value a is a device, by its guest object */
void machine_event(enum event_kind kind, uint64_t a, uint64_t b, uint64_t c);
void machine_section_event(enum event_kind kind, pg_handle handle, uint64_t b, uint64_t c);
void machine_module_event(enum event_kind kind, uint64_t address, uint64_t b);
void machine_device_event(enum event_kind kind, uint64_t object, const char *name,
                          const char *driver);
bool machine_tracing(void);

/* Whether the budget of processor time is used up: for code that runs long without the machine. */
bool machine_budget_expired(void);

/* To count in ... */
struct run_counters *machine_counters(void);
/* ... and all of them as they are now. */
struct run_counters machine_count(void);

/* Remember what every section is now, under a name (at most 31 bytes are kept), for the report. */
void machine_mark(const char *label);

struct module;
/* State of a module's section now, residency as the kernel sees it; false beyond the last. */
bool machine_section_summary(const struct module *module, uint32_t index,
                             struct section_summary *out);
const struct machine_options *machine_options(void);

/* ---- the arena (arena.c) ---- */

/* Zeroed memory for state that drivers must not see; never freed; asserts when exhausted.  16-byte
 * aligned.  Keep free lists of your own. */
void *machine_allocate(size_t bytes);

/* Simulated user memory: `bytes` rounded up to pages, zeroed, read-write; 0 when exhausted. */
uint64_t machine_user_allocate(size_t bytes);
void machine_user_release(uint64_t address, size_t bytes);

/* ---- choices (choice.c) ---- */

enum choice {
    CHOICE_THREAD,   /* which ready thread runs next */
    CHOICE_PREEMPT,  /* whether a running thread gives way at a call */
    CHOICE_FAULT,    /* whether others run while a page comes in */
    CHOICE_TRIM,     /* what a random trim takes */
    CHOICE_SCENARIO, /* a scenario's own random number */
    CHOICE_KIND_COUNT
};

/* One of 0..n-1 from the seeded stream; n >= 1 (n == 1 draws nothing).  Logged.  ST. */
uint32_t machine_choose(enum choice kind, uint32_t n);

/* ---- IRQL (processor.c) ---- */

uint8_t machine_irql(void);
/* Set a higher or equal IRQL; returns the old one.  Trims by policy when it reaches DISPATCH_LEVEL
 * from below.  No checks: callers check. */
uint8_t machine_raise(uint8_t irql);
/* The system's own raise, which is no occasion to trim. */
uint8_t machine_raise_quietly(uint8_t irql);
/* Set a lower or equal IRQL; runs queued DPCs (and lets others run) on the way down.  T. */
void machine_lower(uint8_t irql);
/* Trim as options.trim says for a raise to DISPATCH_LEVEL (spin lock taken at DISPATCH_LEVEL etc.).
 */
void machine_trim_by_policy(void);
/* Trim everything pageable and unlocked, whatever the policy (a scenario's memory pressure). */
uint32_t machine_trim_now(void);

/* ---- DPCs (dpc.c): run at DISPATCH_LEVEL, in order, before the processor drops below it ---- */

/* Queue work; `object` is its identity (a guest KDPC's address).  False when already queued. */
bool machine_dpc_queue(uint64_t object, void (*run)(uint64_t object, const uint64_t argument[2]),
                       const uint64_t argument[2], bool at_head);
bool machine_dpc_remove(uint64_t object);
bool machine_dpc_is_queued(uint64_t object);
/* Whether the current fiber is inside a DPC. */
bool machine_in_dpc(void);
/* The i-th queued object, or 0 beyond the end (checks at unload). */
uint64_t machine_dpc_at(uint32_t index);

/* ---- virtual time (clock.c), in units of 100 ns since the computer started ---- */

struct machine_timer {
    uint64_t due;
    uint64_t sequence;
    uint32_t heap_index; /* 0: not set */
    void (*expire)(
        struct machine_timer *timer); /* on the idle thread or at a call, DISPATCH_LEVEL */
    void *context;
    /* A device model's: expires at any IRQL and in any context (see hardware.h).  Not to be changed
     * while the timer is set. */
    bool hardware;
};

uint64_t machine_time(void);
/* System time (since 1601) at machine_time() == 0: the same in every run. */
#define MACHINE_BOOT_SYSTEM_TIME 133800000000000000ull
/* Let virtual time pass while code runs (a query); expires timers only at the next choice point. */
void machine_time_pass(uint64_t units);
/* The processor spins for that long: hardware goes on, its interrupts are taken.  T */
void machine_stall(uint64_t units);
/* `timer` is zeroed memory of the caller's, at a stable address. */
void machine_timer_set(struct machine_timer *timer, uint64_t due);
bool machine_timer_cancel(struct machine_timer *timer);

/* ---- threads (thread.c) ---- */

enum thread_state { THREAD_FREE, THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_ENDED };

struct call_frame;

/* Memory in which a finding shows again; bytes 0: none. */
struct suspect {
    uint64_t base, bytes;
    int finding;
};

struct irql_change {
    uint64_t time, address;
    uint8_t old_irql, new_irql;
};

struct thread {
    uint32_t id; /* 1, 2, ...; never reused */
    enum thread_state state;
    uint8_t irql;     /* of the thread while it does not run */
    int32_t priority; /* higher runs first; 8 is normal */
    uint64_t stack_low, stack_high;
    uint64_t stack_pointer;         /* saved while it does not run */
    struct thread *ready_next;      /* in the order in which they became ready */
    struct call_frame *guest_frame; /* of the machine's state while the thread does not run */
    struct call_frame *calls;       /* innermost export call or guest call */
    uint64_t object;                /* nt's guest object (KTHREAD); gs:[0x188] while it runs */
    void *nt;                       /* nt's own state of the thread */
    void (*entry)(void *argument);
    void *argument;
    bool system; /* not counted when asking whether anything is left to do */
    uint32_t dpc_depth;
    struct suspect suspect;
    uint8_t quiet_from[16]; /* [n]: 1 + the IRQL from which it was raised to n quietly; 0: not so */
    uint32_t irql_changes;  /* how many there were; the last ones are in `irqls`, a ring */
    struct irql_change irqls[FINDING_IRQLS];
    uint64_t irql_read; /* where the driver last asked for its IRQL; 0: nowhere */
    void *verify;       /* verify's own: the requests that the thread is dispatching */
    struct thread *next;
    void *sanitizer;
};

/* A new ready thread whose fiber runs entry(argument) at PASSIVE_LEVEL; NULL when stacks are
 * exhausted.  The thread ends when entry returns or calls machine_thread_end.  ST. */
struct thread *machine_thread_new(void (*entry)(void *argument), void *argument);
_Noreturn void machine_thread_end(void); /* T */
struct thread *
machine_idle_thread(void);           /* runs DPCs when no thread does; not among the live ones */
struct thread *machine_thread(void); /* current, or NULL on the scheduler's stack */
/* The current thread stops until machine_thread_ready is called on it.  IRQL must be < DISPATCH.  T
 */
void machine_thread_wait(void);
void machine_thread_ready(struct thread *thread); /* ST */
void machine_thread_yield(void);                  /* T, IRQL < DISPATCH_LEVEL */
/* Iterate live threads in order of id: pass NULL first. */
struct thread *machine_thread_next(const struct thread *after);
/* Call when a thread that ended may be reused; done by nt when its object goes. */
void machine_thread_release(struct thread *thread);

/*
 * Run the computer until `done(context)` is true, or nothing can happen any more, or virtual time
 * passes `until` (UINT64_MAX: no limit).  Virtual time jumps to the next timer when nobody runs,
 * and to `until` when nothing else is left.  S.
 */
enum run_state { RUN_STATE_DONE, RUN_STATE_TIME, RUN_STATE_IDLE };
enum run_state machine_run(bool (*done)(void *context), void *context, uint64_t until);

/* ---- calls between guest and host (call.c, call_x86_64.S) ---- */

struct trap;

enum call_kind {
    CALL_EXPORT, /* guest code called an export: the registers below are the caller's */
    CALL_GUEST,  /* the host called guest code */
    CALL_TRAP,   /* guest code was interrupted: `trap` has its registers */
};

/* One crossing between guest and host; a thread's crossings form a chain, innermost first. */
struct call_frame {
    struct call_frame *previous;
    uint64_t stub;           /* CALL_EXPORT: the export's entry stub; CALL_GUEST: the routine */
    uint64_t return_address; /* CALL_EXPORT: in the guest, but see call_site */
    uint64_t stack_pointer;  /* CALL_EXPORT: guest rsp after the return */
    uint64_t rbx, rbp, rsi, rdi, r12, r13, r14, r15;
    struct trap *trap;
    uint64_t kind; /* enum call_kind */
};

/* Call guest code (Microsoft x64 convention) with integer arguments.  T. */
uint64_t machine_call(uint64_t routine, unsigned count, const uint64_t *arguments);
/* The same for a routine that has to come back at another IRQL. */
uint64_t machine_call_changing_irql(uint64_t routine, unsigned count, const uint64_t *arguments);
#define MACHINE_CALL(routine, ...)                                                                 \
    machine_call((routine), sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),                  \
                 (const uint64_t[]){__VA_ARGS__})
#define MACHINE_CALL_CHANGING_IRQL(routine, ...)                                                   \
    machine_call_changing_irql((routine), sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),    \
                               (const uint64_t[]){__VA_ARGS__})

/* Innermost export call of the current thread, NULL when none. */
const struct call_frame *machine_call_frame(void);
/* Return address of the innermost export call: the caller to blame; 0 when none. */
uint64_t machine_caller(void);

/*
 * What nt registers before anything runs: how many exports there are, and what to do when the guest
 * calls one.  The machine writes the stubs: stub i lies at ARENA_NT + 0x1000 + 16 * i.
 * dispatch gets the arguments as one array: the four registers, then the stack.
 */
#define MACHINE_STUB(index) (ARENA_NT + 0x1000ull + 16ull * (index))
struct machine_exports {
    uint32_t count;
    uint64_t (*dispatch)(uint32_t index, const uint64_t *arguments);
    /* rva of a stub -> name, for messages; NULL when none. */
    const char *(*name)(uint32_t index);
};
void machine_set_exports(const struct machine_exports *exports);
/* Data exports: zeroed guest memory inside the pseudo-image, 16-byte aligned.  S, before guest code
 * runs. */
uint64_t machine_export_data(size_t bytes);

/* ---- guest memory (guest.c) ---- */

/*
 * Make [address, address + bytes) accessible for the system on behalf of the driver, or stop with
 * the bug check that Windows gives (0xD3, 0xA, 0x50).  To be called by every export for every
 * driver memory it is about to use, before anything is half-changed.  T (S for memory that cannot
 * fault).
 */
void machine_touch(uint64_t address, size_t bytes, enum pager_access access);
/* The same question without consequences: would an access fault now? */
bool machine_would_fault(uint64_t address, enum pager_access access);
/* Whether the address lies in memory that a driver may use at all. */
bool machine_is_guest_memory(uint64_t address, size_t bytes);
/* A guest string into host memory: at most `size` - 1 characters, terminated; touched on the way.
 */
size_t machine_copy_string(uint64_t address, char *buffer, size_t size);

static inline void *machine_pointer(uint64_t address)
{
    return (void *)address;
}

/* ---- modules (module.c) ---- */

struct lock_change {
    uint64_t time, address;
    enum finding_lock what;
    uint32_t count;
};

/* The last locks of a section, a ring. */
struct lock_history {
    uint32_t changes; /* how many there were */
    struct lock_change at[FINDING_LOCKS];
};

struct module {
    char name[MODULE_NAME_BYTES];      /* "serial.sys" */
    char base_name[MODULE_NAME_BYTES]; /* "serial": what a debugger prints */
    uint64_t base;
    uint64_t bytes;
    struct image image;
    int fd;
    struct pg_image *sections;
    struct pager_region *regions[IMAGE_MAX_SECTIONS + 1]; /* [i]: section i; [count]: headers */
    void *nt;                                             /* nt's own: the driver object's state */
    struct lock_history *locks;     /* [i]: of section i; NULL: nothing was ever locked */
    uint32_t number, first_section; /* in the event stream */
    bool loaded;
};

/* How nt resolves an import: the address to write into the slot; never 0 (a missing export gets a
 * stub that names itself).  `ordinal` counts when name is NULL. */
typedef uint64_t (*module_resolve)(const char *module, const char *name, uint16_t ordinal,
                                   bool *found);

/* Map an image: relocated, imports resolved (loaded modules first, then `resolve`), cookie and
 * guard pointers set; sections registered with section core and pager.  bytes/fd stay the caller's
 * and must stay.  On failure *what says why.  S. */
pg_status module_load(const char *name, const struct image *image, int fd, module_resolve resolve,
                      struct module **out, char *what, size_t what_size);
void module_unload(struct module *module);
struct module *module_at(uint64_t address); /* loaded modules and NULL for the pseudo-image */
struct module *module_next(const struct module *after);
/* Module name and rva of an address (pseudo-image included). */
struct code_place machine_place(uint64_t address);
/* Section name of an address in a module, "" when none. */
const char *machine_section_name(uint64_t address);
void module_discard_init(struct module *module);
/* The pager region of the i-th section of the module as pg_section_query counts them. */
struct pager_region *module_region(const struct module *module, uint32_t section);

/* The bug check of a page that could not be read. */
_Noreturn void machine_page_in_failed(const struct pager_failure *failure);
/* The same for a section that pg_lock_*, or pg_reset_paging, could not bring in. */
_Noreturn void machine_section_page_in_failed(void);

struct pg_space *machine_sections(void);
struct pager *machine_pager(void);

#endif
