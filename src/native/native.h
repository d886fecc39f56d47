/* SPDX-License-Identifier: MIT */
/*
 * What the files of native/ share: objects, their sections, and who may touch what.
 *
 * The section core counts; native makes its answers true with mlock.  ELF sections need not begin
 * or end at a page, so two can share one, and the core knows pages only.  Therefore the core gets
 * two images for each object.  The cover has the object's true addresses, and finds the object; the
 * other one has a page for each section, at addresses that no program has (native_key), and counts.
 * Which section an address is in, to the byte, the object's own table says.
 *
 * mlock does not nest either: a page that two sections share stays locked until neither is pinned
 * (pin.c looks at the neighbours).
 *
 * Who holds what:  [L] the list's gate, [O] the object's gate, [C] constant while attached.
 * Services of the core (pin.c) take [O] only; everything that frees an object holds [L].  A thread
 * inside the core for an object that is being detached breaks the contract of native.h.
 */
#ifndef PAGABLE_NATIVE_NATIVE_H
#define PAGABLE_NATIVE_NATIVE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGABLE_NO_LEAVE /* this object is not one that comes and goes */
#include <pagable/native.h>
#include <pagable/section.h>

#include "native/elf.h"
#include "native/gate.h"

#define NATIVE_PATH_BYTES 4096

struct native_section {
    uint64_t start, end; /* [C] bytes, end > start */
    const char *name;    /* [C] in the object's names */
    enum pg_class class; /* [C] */
    bool executable;     /* [C] */
    bool writable;       /* [C] of its segment, relro or not */
    pg_handle handle;    /* [C] */
    bool pinned;         /* [O] its pages are locked into memory */
    bool lingering;      /* [O] not pinned, but the kernel refused to unlock */
    bool unpinned;       /* [O] pinned, but not in this forked child */
    bool discarded;      /* [O] */
    uint32_t untracked;  /* [O] locks that could not be recorded */
};

struct native_object {
    struct native_object *next; /* [L] */
    struct native_gate gate;
    struct pg_image *image, *cover;    /* [C] */
    struct pg_section_desc *described; /* [C] for the core, same order; the last is the cover's */
    struct native_section *sections;   /* [C] ascending by address */
    uint32_t count;                    /* [C] */
    char *names;                       /* [C] */
    char *path;                        /* [C] */
    uint64_t bias;                     /* [C] run-time address minus the file's */
    uint64_t base, end;                /* [C] of all its segments */
    uint64_t phdr; /* [C] address of its program headers: with bias, who it is */
    bool program;  /* [C] the program itself: never unloaded */
    bool entire;   /* [O] pagable_page_entire is in force */
};

/* One object as the dynamic loader knows it. */
struct native_loaded {
    uint64_t bias, base, end, phdr;
    bool program;
    uint32_t phdr_count;
    Elf64_Phdr *phdrs; /* a copy, by host.allocate */
};

/* attach.c */
extern struct native_gate native_list_gate;
extern struct native_object *native_objects; /* [L] */

/* The space of all sections, or NULL before first use. */
struct pg_space *native_space(void);
/* The same, but NULL while locks are recorded; set by track.c and by the first use. */
extern struct pg_space *_Atomic native_fast;
void native_fast_update(void);
static inline struct pg_space *native_fast_space(void)
{
    /* Acquire: the space was filled before it was published. */
    return atomic_load_explicit(&native_fast, memory_order_acquire);
}
/* The same, made at first use; NULL with the error set when that fails. */
struct pg_space *native_start(void);
/* Attach the object at an address unless it is; forgets objects that were unloaded.  Takes [L]. */
pg_status native_attach(uint64_t address);
/* Holding [L]: forgets objects that were unloaded without saying so. */
void native_sweep(void);
/* Holding [L]: the section of a handle, or PG_E_STALE with the error set. */
pg_status native_section_of(pg_handle handle, struct native_object **object, uint32_t *index);
/* The section at an address: takes no lock, so nobody may be detaching its object.
 * PG_E_NO_IMAGE, PG_E_NO_SECTION; no text is set. */
pg_status native_handle_at(uint64_t address, pg_handle *handle);
/* Holding [L]: the attached object at an address, or NULL. */
struct native_object *native_object_at(uint64_t address);

/* loader_linux.c */
/* The object with a segment over an address.  phdrs is allocated by host.  PG_E_NO_IMAGE. */
pg_status native_loaded_at(uint64_t address, struct native_loaded *out);
/* Whether an object is still where it was. */
bool native_is_loaded(const struct native_object *object);
/* How often objects were unloaded since the process began. */
uint64_t native_unload_count(void);

/* object.c */
/* Reads the sections of a loaded object; *out is allocated by host and attached to nothing. */
pg_status native_object_read(const struct native_loaded *loaded, struct native_object **out);
void native_object_free(struct native_object *object);
/* Opens the file of a loaded object and checks that it is the one. */
pg_status native_file_open(const struct native_loaded *loaded, char path[NATIVE_PATH_BYTES],
                           struct elf_file *file);

/* pin.c: the core's services, and what a detach and a forked child need of them. */
extern const struct pg_services native_services;
/* Holding [O].  Locks the pages of a section; PG_E_LIMIT and others with the error set. */
pg_status native_pin(struct native_object *object, uint32_t index);
void native_unpin(struct native_object *object, uint32_t index);

uint64_t native_page_up(uint64_t address);
uint64_t native_page_down(uint64_t address);

/* fault_linux.c: reports of late use.  A range is shown until it is withdrawn. */
pg_status native_late_add(const struct native_object *object, const struct native_section *section,
                          struct elf_names *names); /* takes the names, if it succeeds */
void native_late_remove(uint64_t base, uint64_t end);

/* fork_linux.c: has forks handled from now on.  Holding [L]. */
pg_status native_fork_watch(void);

/* track.c */
void native_track_lock(pg_handle handle, const void *site);
void native_track_unlock(pg_handle handle);
void native_track_forget(pg_handle handle);
bool native_tracking(void);
extern struct native_gate native_track_gate;

/* error.c: sets this thread's text; the macro's value is `status`, for all analysers to see. */
void native_error_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define native_error(status, ...) (native_error_text(__VA_ARGS__), (status))
/* For statuses that the core gives: says them of a section. */
pg_status native_explain(pg_status status, pg_handle handle);
pg_status native_explain_address(pg_status status, const void *address);

/* Where the core's image of an object's sections lies: above all addresses of a program, and in a
 * range of its own as the object has at least a byte for each section. */
static inline uint64_t native_key(const struct native_object *object, uint32_t index)
{
    return (UINT64_C(1) << 60) + (object->base + index) * PG_PAGE_SIZE;
}

#endif
