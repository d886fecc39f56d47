/* SPDX-License-Identifier: MIT */
/*
 * nt/: what drivers import.  One file per family (ke*.c, io*.c, ex*.c, mm*.c, ob.c, ps.c, rtl*.c,
 * zw.c, hal.c, dbg.c); each ends with the thunks of its exports.
 *
 * Rules of this room:
 *  - An export is a row in exports.h and a function with NT's name taking typed arguments, guest
 *    pointers as pointers to the structures of types.h.
 *  - Driver memory is touched (machine_touch) before anything changes; nt's own state lives in the
 *    arena (machine_allocate), never in driver memory, and is found by the object's address.
 *  - No malloc.  No guest memory is handed to a system call.
 *  - A driver's mistake is a bug check or a finding, never an assertion.
 */
#ifndef PAGABLE_NT_NT_H
#define PAGABLE_NT_NT_H

#include "machine/machine.h"
#include "nt/types.h"

enum export_state { EXPORT_DONE, EXPORT_STUB };

/* One row of the export table. */
struct nt_export {
    const char *name;
    const char *module; /* "ntoskrnl.exe" or "hal.dll": where drivers usually import it from */
    enum export_state state;
    uint8_t irql_max;
    uint8_t argument_count; /* 255: variadic */
    uint64_t (*call)(const uint64_t *a);
    uint64_t data; /* address of a data export; call is NULL */
};

uint32_t nt_export_count(void);
const struct nt_export *nt_export_at(uint32_t index);
/* Row with this name; NULL when pagable does not provide it.  Usable without a machine. */
const struct nt_export *nt_export_find(const char *name);
/* Address that an import of this name gets; 0 when not provided.  Needs a machine. */
uint64_t nt_export_address(const char *name);
/* Whether imports from a module of this name are nt's ("ntoskrnl.exe", "hal.dll" ...). */
bool nt_is_system_module(const char *module);
/* module_resolve for module_load: nt's exports; anything else gets a stub that names itself. */
uint64_t nt_resolve_import(const char *module, const char *name, uint16_t ordinal, bool *found);
/* Name of the export whose stub lies at this rva of the pseudo-image; NULL when none. */
const char *nt_export_name_at(uint64_t rva, uint32_t *offset);

/* Make nt: exports, data exports, system objects.  After machine_start, before any driver.  S. */
pg_status nt_start(void);

/* An interrupt that a driver connected (io_interrupt.c). */
struct nt_interrupt {
    uint64_t object;           /* KINTERRUPT */
    uint64_t routine, context; /* the service routine and its argument */
    uint32_t line, vector;
    uint8_t irql;             /* of the line */
    uint8_t synchronize_irql; /* at which the routine runs */
    bool active;              /* IoReportInterruptInactive makes it inactive */
};
/* The index-th connected interrupt whose service routine lies in the module; false beyond the last.
 */
bool nt_interrupt_of(const struct module *module, uint32_t index, struct nt_interrupt *out);

struct device_object;
struct irp;

/* Called by nt where something happens that rules are about.  May be NULL. */
struct nt_hooks {
    /* An export is called. */
    void (*before_call)(const struct nt_export *export, const uint64_t *arguments);
    void (*at_unload)(struct module *module);
    /* A dispatch routine is called, and has returned (`irp` may be gone then). */
    void (*dispatch_begins)(struct device_object *device, struct irp *irp, uint64_t routine);
    void (*dispatch_ended)(struct device_object *device, struct irp *irp);
    /* The drivers' part of a request is over. */
    void (*completed)(struct irp *irp);
    /* `device` was attached to a stack. */
    void (*attached)(struct device_object *device);
    /* A section was locked; its lock count went to 0; a driver is paged as a whole. */
    void (*section_locked)(pg_handle handle);
    void (*section_released)(pg_handle handle);
    void (*driver_paged)(uint64_t address);
    void (*interrupt_connected)(const struct nt_interrupt *interrupt);
};
extern struct nt_hooks nt_hooks;

/*
 * Thunks: call_NAME(a) calls NAME with its arguments cast to their types; upper bits that the
 * Microsoft convention leaves undefined are dropped by the cast.
 */
#define NT_ARG(t, i) ((t)a[i])
#define NT_CALL0(r, n)                                                                             \
    uint64_t call_##n(const uint64_t *a)                                                           \
    {                                                                                              \
        (void)a;                                                                                   \
        return (uint64_t)n();                                                                      \
    }
#define NT_CALL_BODY(n, ...)                                                                       \
    uint64_t call_##n(const uint64_t *a)                                                           \
    {                                                                                              \
        return (uint64_t)n(__VA_ARGS__);                                                           \
    }
#define NT_VOID_BODY(n, ...)                                                                       \
    uint64_t call_##n(const uint64_t *a)                                                           \
    {                                                                                              \
        n(__VA_ARGS__);                                                                            \
        return 0;                                                                                  \
    }
#define NT_CALL1(n, t0)         NT_CALL_BODY(n, NT_ARG(t0, 0))
#define NT_CALL2(n, t0, t1)     NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1))
#define NT_CALL3(n, t0, t1, t2) NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2))
#define NT_CALL4(n, t0, t1, t2, t3)                                                                \
    NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3))
#define NT_CALL5(n, t0, t1, t2, t3, t4)                                                            \
    NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4))
#define NT_CALL6(n, t0, t1, t2, t3, t4, t5)                                                        \
    NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4),     \
                 NT_ARG(t5, 5))
#define NT_CALL7(n, t0, t1, t2, t3, t4, t5, t6)                                                    \
    NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4),     \
                 NT_ARG(t5, 5), NT_ARG(t6, 6))
#define NT_CALL8(n, t0, t1, t2, t3, t4, t5, t6, t7)                                                \
    NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4),     \
                 NT_ARG(t5, 5), NT_ARG(t6, 6), NT_ARG(t7, 7))
#define NT_CALL9(n, t0, t1, t2, t3, t4, t5, t6, t7, t8)                                            \
    NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4),     \
                 NT_ARG(t5, 5), NT_ARG(t6, 6), NT_ARG(t7, 7), NT_ARG(t8, 8))
#define NT_CALL11(n, t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10)                                  \
    NT_CALL_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4),     \
                 NT_ARG(t5, 5), NT_ARG(t6, 6), NT_ARG(t7, 7), NT_ARG(t8, 8), NT_ARG(t9, 9),        \
                 NT_ARG(t10, 10))
#define NT_VOID0(n)                                                                                \
    uint64_t call_##n(const uint64_t *a)                                                           \
    {                                                                                              \
        (void)a;                                                                                   \
        n();                                                                                       \
        return 0;                                                                                  \
    }
#define NT_VOID1(n, t0)         NT_VOID_BODY(n, NT_ARG(t0, 0))
#define NT_VOID2(n, t0, t1)     NT_VOID_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1))
#define NT_VOID3(n, t0, t1, t2) NT_VOID_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2))
#define NT_VOID4(n, t0, t1, t2, t3)                                                                \
    NT_VOID_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3))
#define NT_VOID5(n, t0, t1, t2, t3, t4)                                                            \
    NT_VOID_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4))
#define NT_VOID6(n, t0, t1, t2, t3, t4, t5)                                                        \
    NT_VOID_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4),     \
                 NT_ARG(t5, 5))

/* ---- shared inside nt/, by defining file ---- */

/* What nt_start calls, in this order: each family makes its system objects and sets its data
 * exports (nt_data gives their addresses). */
pg_status ex_start(void); /* ex_pool.c: pool, objects, worker threads, registry */
pg_status ke_start(void); /* ke_thread.c */
pg_status io_start(void); /* io_driver.c */
/* Memory of a data export, by name; asserts that the table has it. */
void *nt_data(const char *name);

/* ke_dispatcher.c: dispatcher objects, waits */
/* Whether an object is signalled, and signalling it; object is a guest DISPATCHER_HEADER address.
 */
void ke_signal(
    uint64_t object); /* wakes waiters as its type says; SignalState is set by the caller */
/* Wait on the scheduler's behalf is not possible; from a thread: */
int32_t ke_wait_for_object(uint64_t object, const int64_t *timeout);
/* Initialize an event in guest memory. */
void ke_event_init(struct kevent *event, uint32_t type, bool signalled);
/* Timer i of the set timers (order of setting), and its DPC's routine (0: none); false beyond the
 * last. */
bool ke_timer_at(uint32_t index, uint64_t *timer, uint64_t *routine);
/* End the current thread: its object is signalled. */
_Noreturn void ke_thread_exit(int32_t status);
/* Thread with this guest KTHREAD, NULL when it ended and is gone. */
struct thread *ke_thread_of(uint64_t object);
/* APC state of the current thread. */
bool ke_normal_apcs_disabled(void);
/* Spin locks in driver memory, as KeAcquireSpinLockRaiseToDpc and KeReleaseSpinLock (ke_irql.c). */
uint8_t ke_acquire_spin_lock(uint64_t *lock);
void ke_release_spin_lock(uint64_t *lock, uint8_t irql);
/* The lock without the IRQL, for who is at the right one already. */
void ke_take_spin_lock(uint64_t *lock);
void ke_give_spin_lock(uint64_t *lock);
/* Virtual time at which an NT timeout (negative: relative, else absolute system time) is over. */
uint64_t ke_due_time(int64_t timeout);
/* A thread with a guest KTHREAD object; runs `routine(context)` of the guest, or host code. */
struct thread *ke_thread_new(void (*entry)(void *argument), void *argument);
/* The guest KTHREAD of a thread. */
uint64_t ke_thread_object(struct thread *thread);

/* ex_pool.c: pool */
enum nt_pool { POOL_NONPAGED, POOL_PAGED };
uint64_t ex_pool_allocate(enum nt_pool pool, size_t bytes, uint32_t tag); /* 0: exhausted; zeroed */
void ex_pool_free(uint64_t address);
/* Size of the live block that starts at an address; 0 when none does. */
size_t ex_pool_block(uint64_t address, enum nt_pool *pool, uint32_t *tag);

/* ob.c: objects: reference counts, handles, names */
/* A guest object of `bytes` in nonpaged pool with a reference count of 1 and a type. */
enum nt_object_type {
    OBJECT_DEVICE,
    OBJECT_DRIVER,
    OBJECT_FILE,
    OBJECT_THREAD,
    OBJECT_EVENT,
    OBJECT_SEMAPHORE,
    OBJECT_MUTANT,
    OBJECT_TIMER,
    OBJECT_SYMBOLIC_LINK,
    OBJECT_KEY,
    OBJECT_PROCESS,
    OBJECT_CALLBACK,
    OBJECT_DIRECTORY,
    OBJECT_SECTION,
    OBJECT_TYPE_COUNT
};
uint64_t ob_create(enum nt_object_type type, size_t bytes, void (*on_delete)(uint64_t object));
void ob_reference(uint64_t object);
void ob_dereference(uint64_t object); /* at 0: on_delete, then the memory goes */
int ob_type(uint64_t object);         /* enum nt_object_type, -1: no object starts there */
/* Names, case-insensitive, full path with backslashes ("\\Device\\Foo").  Symbolic links resolved.
 */
int32_t ob_name(uint64_t object,
                const struct unicode_string *name); /* STATUS_OBJECT_NAME_COLLISION */
void ob_unname(uint64_t object);
uint64_t ob_lookup(const struct unicode_string *name); /* resolves links; 0: none */
int32_t ob_link(const struct unicode_string *link, const struct unicode_string *target);
int32_t ob_unlink(const struct unicode_string *link);
/* Handles: small multiples of 4. */
uint64_t ob_handle(uint64_t object); /* takes a reference; 0: exhausted */
uint64_t ob_from_handle(uint64_t handle);
bool ob_close(uint64_t handle);

/* rtl_string.c */
int rtl_compare_unicode(const struct unicode_string *a, const struct unicode_string *b, bool fold);
uint16_t rtl_upcase(uint16_t character);

/* dbg.c */
void dbg_print(const char *text, size_t bytes); /* host text, to the channel */

/* io_apc.c: special kernel APCs of the current thread, if it can take them now; whether any ran.
 * Called after every export and in every wait. */
bool io_deliver_apcs(void);

/* io_driver.c, io_request.c: what a scenario does to drivers; see nt/requests.h */

#endif
