/* SPDX-License-Identifier: MIT */
/* What ex_*.c, mm_*.c, ob*.c, ps.c, zw_*.c and rtl_*.c offer to each other and to verify. */
#ifndef PAGABLE_NT_EX_H
#define PAGABLE_NT_EX_H

#include "base/assert.h"
#include "nt/exports_ex.h"
#include "nt/nt.h"

#include <string.h>

#define EX_DECLARE_CALL(name, module, state, irql, arguments)                                      \
    uint64_t call_##name(const uint64_t *a);
NT_EXPORTS_EX(EX_DECLARE_CALL)
#undef EX_DECLARE_CALL
#define NT_VOID7(n, t0, t1, t2, t3, t4, t5, t6)                                                    \
    NT_VOID_BODY(n, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2), NT_ARG(t3, 3), NT_ARG(t4, 4),     \
                 NT_ARG(t5, 5), NT_ARG(t6, 6))
/* Routines with a name of C's own library: `f` does it. */
#define NT_CRT_BODY(n, f, ...)                                                                     \
    uint64_t call_##n(const uint64_t *a)                                                           \
    {                                                                                              \
        return (uint64_t)f(__VA_ARGS__);                                                           \
    }
#define NT_CRT1(n, f, t0)         NT_CRT_BODY(n, f, NT_ARG(t0, 0))
#define NT_CRT2(n, f, t0, t1)     NT_CRT_BODY(n, f, NT_ARG(t0, 0), NT_ARG(t1, 1))
#define NT_CRT3(n, f, t0, t1, t2) NT_CRT_BODY(n, f, NT_ARG(t0, 0), NT_ARG(t1, 1), NT_ARG(t2, 2))
uint64_t call_KeEnterCriticalRegion(const uint64_t *a); /* ke_irql.c */
uint64_t call_KeLeaveCriticalRegion(const uint64_t *a);
uint64_t call_KeEnterGuardedRegion(const uint64_t *a);
uint64_t call_KeLeaveGuardedRegion(const uint64_t *a);

/* Copy; memory may overlap, and may be NULL when there is nothing to copy. */
static inline void ex_copy(void *to, const void *from, size_t bytes)
{
    if (bytes > 0) {
        memmove(to, from, bytes);
    }
}

/* Status values beyond those of types.h. */
#define STATUS_WAIT_1                   NT_STATUS(0x00000001)
#define STATUS_DATATYPE_MISALIGNMENT    NT_STATUS(0x80000002)
#define STATUS_BREAKPOINT               NT_STATUS(0x80000003)
#define STATUS_CONFLICTING_ADDRESSES    NT_STATUS(0xC0000018)
#define STATUS_HANDLE_NOT_CLOSABLE      NT_STATUS(0xC0000235)
#define STATUS_INVALID_PARAMETER_MIX    NT_STATUS(0xC0000030)
#define STATUS_INVALID_PARAMETER_5      NT_STATUS(0xC00000F3)
#define STATUS_INVALID_PARAMETER_6      NT_STATUS(0xC00000F4)
#define STATUS_DEBUGGER_INACTIVE        NT_STATUS(0xC0000354)
#define STATUS_MEMORY_NOT_ALLOCATED     NT_STATUS(0xC00000A0)
#define STATUS_UNABLE_TO_FREE_VM        NT_STATUS(0xC000001A)
#define STATUS_CANNOT_DELETE            NT_STATUS(0xC0000121)
#define STATUS_CHILD_MUST_BE_VOLATILE   NT_STATUS(0xC0000181)
#define STATUS_RESOURCE_NOT_OWNED       NT_STATUS(0xC0000264)
#define STATUS_REVISION_MISMATCH        NT_STATUS(0xC0000059)
#define STATUS_NAME_TOO_LONG            NT_STATUS(0xC0000106)
#define STATUS_NO_UNICODE_TRANSLATION   NT_STATUS(0xC0000717)
#define STATUS_SOME_UNMAPPED_CHARACTERS NT_STATUS(0x00000107)

/* ---- ex_heap.c: memory of the system's own that comes and goes, in the arena ---- */

/* Zeroed, 16-byte aligned; asserts when the arena is exhausted. */
void *ex_heap_take(size_t bytes);
void ex_heap_give(void *memory); /* NULL: nothing */
char *ex_heap_string(const char *text);

/* ---- ex_pool.c ---- */

enum {
    EX_POOL_CACHE_ALIGNED = 1, /* at a multiple of 64 */
    EX_POOL_WHOLE_PAGES = 2,   /* at a page of its own */
    EX_POOL_ZERO = 4
};

/* One live block of pool. */
struct ex_pool_block {
    uint64_t address;
    size_t bytes; /* as asked for */
    uint32_t tag;
    enum nt_pool pool;
    uint64_t caller;                       /* who asked; 0: the system */
    uint64_t sequence;                     /* 1, 2, ... in the order of allocation */
    void *owner;                           /* ob.c: the object that starts here */
    bool contiguous;                       /* from MmAllocateContiguousMemory and its like */
    struct ex_pool_block *next, *previous; /* live blocks in the order of allocation */
};

/* Physical constraints of contiguous memory, in bytes; boundary 0: none. */
struct ex_pool_range {
    uint64_t lowest, highest, boundary;
};

pg_status ex_pool_start(void);
/* 0 when exhausted.  Paged memory is not touched unless EX_POOL_ZERO. */
uint64_t ex_pool_take(enum nt_pool pool, size_t bytes, uint32_t tag, unsigned how);
uint64_t ex_pool_take_range(size_t bytes, uint32_t tag, const struct ex_pool_range *range);
/* The live block that starts at (or, for _around, holds) an address; NULL when none does. */
struct ex_pool_block *ex_pool_find(uint64_t address);
struct ex_pool_block *ex_pool_around(uint64_t address);
/* The first live block (NULL), or the next one. */
const struct ex_pool_block *ex_pool_next(const struct ex_pool_block *after);
/* Free on behalf of a driver: a bad address is bug check 0xC2.  tag 0: any. */
void ex_pool_free_checked(uint64_t address, uint32_t tag);
/* Walks everything and tells whether every invariant holds. */
bool ex_pool_is_valid(void);

/* ---- ex_raise.c: exceptions, for which there is no handler yet ---- */

_Noreturn void ex_raise(uint32_t status, uint64_t p3, uint64_t p4, const char *words);

/* ---- ex_wait.c: threads waiting for something of the system's own, first come, first served ----
 */

struct ex_waiter {
    struct thread *thread;
    uint64_t mode; /* the waiter's own */
    bool woken;
    struct ex_waiter *next;
};
struct ex_wait_queue {
    struct ex_waiter *first, *last;
    uint32_t count;
};
/* The current thread waits until it is woken; at DISPATCH_LEVEL or in a DPC: bug check 0xB8. */
void ex_wait(struct ex_wait_queue *queue, uint64_t mode);
/* The first waiter runs again; false when there is none. */
bool ex_wake(struct ex_wait_queue *queue);
/* Guest KTHREAD of the current thread. */
uint64_t ex_current_thread(void);
/* KeSetEvent(event, 0, FALSE) on an event in touched memory. */
void ex_set_event(struct kevent *event);

/* ---- ex_work.c: system worker threads ---- */

enum ex_work_queue { EX_WORK_CRITICAL, EX_WORK_DELAYED, EX_WORK_HYPER_CRITICAL, EX_WORK_QUEUES };
struct ex_work {
    void (*run)(struct ex_work *work); /* in a worker thread, PASSIVE_LEVEL; may free `work` */
    void *context;
    struct ex_work *next;
};
void ex_work_queue(enum ex_work_queue queue, struct ex_work *work);

/* ---- start, by defining file ---- */
void ex_callback_start(void);
void mm_start(void);  /* mm_memory.c */
void dbg_start(void); /* dbg.c */
void rtl_start(void); /* rtl_codepage.c */

/* ---- ob.c, ob_name.c, ob_handle.c ---- */

struct ob_attributes {
    struct unicode_string name; /* a full path, unless `root` is no directory */
    uint64_t root;              /* object of RootDirectory; 0: none, or a directory */
    uint32_t attributes;
};

struct ob_name;
struct ob_object {
    uint64_t address;
    enum nt_object_type type;
    uint32_t references, handles; /* a handle is a reference too */
    void (*on_delete)(uint64_t object);
    struct ob_name *name;
    bool temporary;      /* its name goes with its last handle */
    struct ex_work work; /* deletion that waits for PASSIVE_LEVEL */
};
void ob_start(void);
void ob_name_start(void);
void ob_handle_start(void);
struct ob_object *ob_find(uint64_t object); /* NULL: no object starts there */
const char *ob_type_name(enum nt_object_type type);
/* Type that a guest POBJECT_TYPE stands for; -1: none that has objects. */
int ob_type_of_pointer(uint64_t pointer);
/* Called when the last handle to an object of a type is closed; the object is still referenced. */
extern void (*ob_on_last_handle[OBJECT_TYPE_COUNT])(uint64_t object);

/* The object that `name` begins with, links resolved; *rest (may be NULL: there must be none) gets
 * what follows it: empty, or with a leading backslash.  A status of NT's. */
struct ob_rest {
    struct unicode_string name;
    void *memory;
};
ntstatus ob_parse(const struct unicode_string *name, bool open_link, uint64_t *object,
                  struct ob_rest *rest);
void ob_rest_free(struct ob_rest *rest);
/* The full name; an empty string when the object has none. */
struct unicode_string ob_name_of(uint64_t object);
struct unicode_string ob_link_target(uint64_t object);
/* Walks the named objects in the order of naming: pass 0 first; 0 after the last. */
uint64_t ob_named_next(uint64_t after);
/* Find by name, or make and name: what ZwCreateXxx does.  *object gets a reference. */
ntstatus ob_open_or_create(const struct ob_attributes *attributes, enum nt_object_type type,
                           size_t bytes, uint64_t *object);
/* Copy the driver's OBJECT_ATTRIBUTES; name is in memory of the heap (NULL buffer: no name). */
int32_t ob_capture(const struct object_attributes *from, struct ob_attributes *to);
void ob_release(struct ob_attributes *attributes);
/* The object of a handle, pseudo-handles of the current process and thread too, with a reference.
 */
int32_t ob_from_handle_typed(uint64_t handle, int type, uint64_t *object);
bool ob_handle_next(uint64_t *handle, uint64_t *object); /* *handle 0 first */

/* ---- ps.c ---- */
void ps_start(void);
uint64_t ps_system_process(void);
/* Requests of the simulated program come from user threads; every other thread is the system's. */
void ps_set_user_thread(struct thread *thread);
bool ps_is_user_thread(const struct thread *thread);
/* Tell drivers that asked for it of an image that was just loaded.  T. */
void ps_notify_image(const struct module *module);

/* ---- mm_section.c ---- */
void mm_section_start(void);

/* Callers that locked the section since its count last was zero; how many there are. */
uint32_t mm_lock_sites(pg_handle handle, uint64_t *sites, uint32_t max);

/* ---- mm_memory.c: physical addresses are made up, the same in every run, and reversible ---- */
uint64_t mm_physical(uint64_t address); /* 0: none */
uint64_t mm_virtual(uint64_t physical); /* 0: none */

/* ---- rtl ---- */

/* rtl_case.c, rtl_codepage.c */
uint16_t rtl_downcase(uint16_t character);
uint16_t rtl_from_ansi(uint8_t character);
uint8_t rtl_to_ansi(uint16_t character); /* '?' when it has none */
uint16_t rtl_from_oem(uint8_t character);
uint8_t rtl_to_oem(uint16_t character);
/* UTF-16 to UTF-8, unpaired surrogates as U+FFFD; bytes written (at most 4 per unit).  *used gets
 * the units consumed: 1 or 2. */
size_t rtl_utf8(const uint16_t *units, size_t count, size_t *used, char out[4]);

/* rtl_string.c: guest strings, touched on the way */
size_t rtl_touch_string(const char *string);   /* length */
size_t rtl_touch_wide(const uint16_t *string); /* length in units */
/* Touch a UNICODE_STRING and its characters for reading. */
void rtl_touch_unicode(const struct unicode_string *string);
void rtl_touch_ansi(const struct ansi_string *string);
/* Names of the system's own. */
struct unicode_string rtl_unicode(const char *ascii, uint16_t *buffer, size_t units);
int rtl_compare_units(const uint16_t *a, size_t a_units, const uint16_t *b, size_t b_units,
                      bool fold);

/* rtl_format.c */

struct rtl_sink {
    bool wide;       /* units are UTF-16; else bytes */
    bool utf8;       /* bytes are UTF-8; else ANSI */
    uint8_t *memory; /* NULL: only count */
    size_t capacity; /* units that fit */
    size_t units;    /* units that the whole text has */
};
/* Format as NT's own printf does.  `wide`: the format is UTF-16.  `arguments` are slots of 8 bytes,
 * `guest` when they are in driver memory that must be touched.  Strings are touched. */
void rtl_format(struct rtl_sink *sink, bool wide, const void *format, const uint64_t *arguments,
                bool guest);

/* ---- zw_registry.c: the registry, in memory; zw_key.c: handles to its keys ---- */

enum { REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ = 7, REG_QWORD = 11 };

struct zw_value {
    struct unicode_string name;
    uint32_t type, bytes;
    void *data;
    struct zw_value *next;
};

struct zw_key {
    struct unicode_string name, class;
    struct zw_key *parent, *children, *next; /* in the order of creation */
    struct zw_key *link;                     /* what a walk finds in its place */
    struct zw_value *values;
    uint64_t last_write; /* system time */
    uint32_t open;       /* objects that stand for it */
    bool deleted, is_volatile;
};

void zw_registry_start(void);
/* Key by path ("\\Registry\\Machine\\..."), made with all above it when `create`.  NULL: not there,
 * or no path of the registry. */
struct zw_key *zw_registry_key(const char *path, bool create);
/* Set a value of a key by path, for scenarios and for whoever loads drivers. */
bool zw_registry_set(const char *path, const char *value, uint32_t type, const void *data,
                     uint32_t bytes);
/* The key that a driver's RegistryPath names, with what the service control manager writes. */
void zw_registry_service(const char *service, const char *file);
/* Key below `root` (NULL: the whole registry) by path; with `create` the last component is made
 * when only it is missing.  A status of NT's. */
ntstatus zw_key_walk(struct zw_key *root, const struct unicode_string *path, bool create,
                     struct zw_key **key, bool *created);
struct zw_value *zw_value_find(const struct zw_key *key, const struct unicode_string *name);
void zw_value_set(struct zw_key *key, const struct unicode_string *name, uint32_t type,
                  const void *data, uint32_t bytes);
bool zw_value_delete(struct zw_key *key, const struct unicode_string *name);
/* Takes the key out of the tree; its memory goes with its last object. */
void zw_key_delete(struct zw_key *key);
void zw_key_release(struct zw_key *key);
/* The full path, in memory of the heap. */
struct unicode_string zw_key_path(const struct zw_key *key);

/* A handle for a key: 0 when there is no memory. */
uint64_t zw_key_handle(struct zw_key *key);
/* The key of an open handle. */
ntstatus zw_key_of_handle(uint64_t handle, struct zw_key **key);

/* Touches and copies the driver's string; to be given back with ex_heap_give(copy.Buffer). */
struct unicode_string zw_copy_string(const struct unicode_string *string);
struct unicode_string zw_capture_string(const struct unicode_string *string);

#endif
