/* SPDX-License-Identifier: MIT */
/* What ex_*.c, mm_*.c, ob*.c, ps.c, zw_*.c and rtl_*.c offer to each other and to verify. */
#ifndef PAGABLE_NT_EX_H
#define PAGABLE_NT_EX_H

#include "base/assert.h"
#include "nt/exports_ex.h"
#include "nt/nt.h"

#define EX_DECLARE_CALL(name, module, state, irql, arguments) uint64_t call_##name(const uint64_t *a);
NT_EXPORTS_EX(EX_DECLARE_CALL)
#undef EX_DECLARE_CALL

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
    uint64_t caller;   /* who asked; 0: the system */
    uint64_t sequence; /* 1, 2, ... in the order of allocation */
    void *owner;       /* ob.c: the object that starts here */
    bool contiguous;   /* from MmAllocateContiguousMemory and its like */
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

/* ---- ex_wait.c: threads waiting for something of the system's own, first come, first served ---- */

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

/* ---- ex_work.c: system worker threads ---- */

enum ex_work_queue { EX_WORK_CRITICAL, EX_WORK_DELAYED, EX_WORK_HYPER_CRITICAL, EX_WORK_QUEUES };
struct ex_work {
    void (*run)(struct ex_work *work); /* in a worker thread, PASSIVE_LEVEL; may free `work` */
    void *context;
    struct ex_work *next;
};
void ex_work_queue(enum ex_work_queue queue, struct ex_work *work);

/* ---- ob.c, ob_name.c, ob_handle.c ---- */

struct ob_object {
    uint64_t address;
    enum nt_object_type type;
    uint32_t references, handles;
    void (*on_delete)(uint64_t object);
    struct ob_name *name;
    bool temporary; /* its name goes with its last handle */
};
void ob_start(void);
struct ob_object *ob_find(uint64_t object); /* NULL: no object starts there */
const char *ob_type_name(enum nt_object_type type);
/* Type that a guest POBJECT_TYPE stands for; -1: none. */
int ob_type_of_pointer(uint64_t pointer);
/* The object that `name` begins with, links resolved; *rest gets what follows it (empty or with a
 * leading backslash), in memory to be given back with ob_rest_free.  0: none. */
struct ob_rest {
    struct unicode_string name;
    uint16_t *memory;
};
uint64_t ob_lookup_prefix(const struct unicode_string *name, struct ob_rest *rest);
void ob_rest_free(struct ob_rest *rest);
/* The full name; an empty string when the object has none. */
struct unicode_string ob_name_of(uint64_t object);
/* Target of a symbolic link. */
struct unicode_string ob_link_target(uint64_t object);
/* Walks the named objects in the order of naming: pass 0 first. */
uint64_t ob_named_next(uint64_t after);
/* Copy the driver's OBJECT_ATTRIBUTES; name is in memory of the heap (NULL buffer: no name). */
struct ob_attributes {
    struct unicode_string name;
    uint64_t root; /* object of RootDirectory, 0: none */
    uint32_t attributes;
};
int32_t ob_capture(const struct object_attributes *from, struct ob_attributes *to);
void ob_release(struct ob_attributes *attributes);
/* The object of a handle, pseudo-handles of the current process and thread too, with a reference. */
int32_t ob_from_handle_typed(uint64_t handle, int type, uint64_t *object);
bool ob_handle_next(uint64_t *handle, uint64_t *object); /* *handle 0 first */

/* ---- ps.c ---- */
void ps_start(void);
uint64_t ps_system_process(void);

/* ---- mm_section.c ---- */

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
size_t rtl_touch_string(const char *string);       /* length */
size_t rtl_touch_wide(const uint16_t *string);     /* length in units */
/* Touch a UNICODE_STRING and its characters for reading. */
void rtl_touch_unicode(const struct unicode_string *string);
void rtl_touch_ansi(const struct ansi_string *string);
/* Names of the system's own. */
struct unicode_string rtl_unicode(const char *ascii, uint16_t *buffer, size_t units);
int rtl_compare_units(const uint16_t *a, size_t a_units, const uint16_t *b, size_t b_units,
                      bool fold);

/* rtl_format.c */

struct rtl_sink {
    bool wide; /* units are UTF-16; else bytes */
    bool utf8; /* bytes are UTF-8; else ANSI */
    uint8_t *memory; /* NULL: only count */
    size_t capacity; /* units that fit */
    size_t units;    /* units that the whole text has */
};
/* Format as NT's own printf does.  `arguments` are 8-byte slots, `guest` when in driver memory that
 * must be touched.  Strings are touched. */
void rtl_format(struct rtl_sink *sink, const void *format, const uint64_t *arguments, bool guest);

/* ---- zw_registry.c: the registry, in memory ---- */

struct zw_key;
struct zw_value {
    struct unicode_string name;
    uint32_t type, bytes;
    void *data;
    struct zw_value *next;
};
void zw_registry_start(void);
/* Key by path ("\\Registry\\Machine\\..."), made when it is not there.  NULL: not a registry path. */
struct zw_key *zw_registry_key(const char *path, bool create);
/* Set a value of a key by path, for scenarios and for the loader of drivers. */
bool zw_registry_set(const char *path, const char *value, uint32_t type, const void *data,
                     uint32_t bytes);
#endif
