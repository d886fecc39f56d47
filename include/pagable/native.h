/* SPDX-License-Identifier: MIT */
/*
 * Sections of the running program and of its shared objects: counted locks, trim, discard.
 *
 * A lock makes every page of a section resident and keeps it so.  Locks are counted per section,
 * whoever takes them; the kernel is entered only when a count leaves 0 or returns to it.  The rules
 * are those of NT's pageable driver code (MmLockPagableCodeSection and its relatives in Microsoft's
 * "Making Drivers Pageable"), applied to ELF.
 *
 * Objects are found when an address in them is first used: there is nothing to initialize.  A lock
 * works on whole pages, rounded outward; trim and discard on whole pages inside the section.
 *
 * Threads: any function may be called from any thread at any time, with one exception: nobody may
 * use sections of an object while that object is being detached or unloaded.  No function may be
 * called from a signal handler, but for pagable_lock and pagable_unlock on a section that is locked
 * before and after.
 *
 * Every function returns PG_OK or a status; after a failure pagable_error() tells what and why, and
 * nothing has changed unless the function says otherwise.  Statuses that any function can return:
 * PG_E_NO_MEMORY, PG_E_IO.  Those that look an address up can also return:
 *   PG_E_NO_IMAGE     the address is in no loaded object (heap, stack, code made at run time)
 *   PG_E_NO_SECTION   it is in an object, but in no section
 *   PG_E_CHANGED      the object's file is not what was loaded: deleted, replaced, edited
 *   PG_E_UNSUPPORTED  the file has no section headers (sstrip), or is for another machine
 *   PG_E_TRUNCATED, PG_E_FORMAT, PG_E_OVERLAP   the file is damaged
 *   PG_E_LIMIT        more objects or sections than pagable_limits allows
 * and those that take a handle PG_E_STALE, when its object was unloaded.
 */
#ifndef PAGABLE_NATIVE_H
#define PAGABLE_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagable/status.h>
#include <pagable/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The address alone is of interest, not what is there: uninitialized memory will do. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define PAGABLE_UNREAD(n) __attribute__((access(none, n)))
#else
#define PAGABLE_UNREAD(n)
#endif

/* Bytes of a section's name that are kept, terminator included. */
#define PAGABLE_NAME_BYTES 64

struct pagable_info {
    char name[PAGABLE_NAME_BYTES]; /* longer names are cut */
    const char *object;            /* path of the file; valid until the object is detached */
    enum pg_class kind;            /* by name; PG_RESIDENT is what is left to the kernel */
    pg_handle handle;
    uint64_t base;            /* address of its first byte */
    uint64_t bytes;           /* of the section itself */
    uint32_t pages;           /* that it touches: what a lock holds */
    uint32_t resident_pages;  /* of those, in the page tables of this process now */
    uint32_t lock_count;      /* locks not yet undone */
    uint32_t untracked_locks; /* taken with tracking on, but not recorded for want of memory */
    bool estimated;           /* resident_pages is an upper bound: only smaps could be read */
    bool executable, writable;
    bool discarded;
    bool unpinned; /* counted as locked, but this forked child could not lock it again */
};

/* What a trim did, in pages. */
struct pagable_trimmed {
    uint64_t sections;   /* looked at: neither locked nor discarded */
    uint64_t locked;     /* sections passed over because they are locked */
    uint64_t given_back; /* resident before, not after */
    uint64_t kept;       /* still resident: modified and not written out (always so without swap) */
};

/* One who holds a section. */
struct pagable_holder {
    const void *site; /* return address of the call that locked */
    uint64_t thread;  /* its kernel thread id */
    uint32_t count;   /* locks by this thread from this site */
};

/*
 * Lock the section that holds a routine, and return its handle.
 *   routine   any address in the section
 *   out       set on PG_OK only; valid until the object is detached, whatever the count
 * PG_E_ARG when the section is not executable (often a pointer's own address was passed).
 * PG_E_LIMIT: RLIMIT_MEMLOCK; pagable_error() says the limit and the need in bytes.
 * PG_E_DISCARDED, PG_E_OVERFLOW.  After MmLockPagableCodeSection.
 */
pg_status pagable_lock_code(const void *routine, pg_handle *out) PAGABLE_UNREAD(1);

/* The same for any section, code or data.  After MmLockPagableDataSection. */
pg_status pagable_lock_data(const void *address, pg_handle *out) PAGABLE_UNREAD(1);

/*
 * Lock by handle: one atomic operation when the section is locked already.  When it is not, returns
 * only after all of it is resident, also if another thread is bringing it in.
 * PG_E_LIMIT, PG_E_DISCARDED, PG_E_OVERFLOW, PG_E_STALE.  After MmLockPagableSectionByHandle.
 */
pg_status pagable_lock(pg_handle handle);

/*
 * Undo one lock.  PG_E_UNDERFLOW when there is none, PG_E_STALE.
 * After MmUnlockPagableImageSection.
 */
pg_status pagable_unlock(pg_handle handle);

/* The handle of the section that holds an address, with no lock taken. */
pg_status pagable_find(const void *address, pg_handle *out) PAGABLE_UNREAD(1);

/*
 * Let trims take every section of the object at an address, not only those named PAGE.  INIT
 * sections are not affected.  After MmPageEntireDriver.
 */
pg_status pagable_page_entire(const void *address) PAGABLE_UNREAD(1);

/* Undo pagable_page_entire.  After MmResetDriverPaging. */
pg_status pagable_reset_paging(const void *address) PAGABLE_UNREAD(1);

/*
 * Give the INIT sections of the object at an address back, for ever: their whole pages lose their
 * memory and any access.  A call into them or use of their data afterwards is reported on standard
 * error with the name of the routine or datum, by a SIGSEGV handler that then goes on to whatever
 * handler was there before (by default the process ends).  A second call does nothing.
 */
pg_status pagable_discard_init(const void *address) PAGABLE_UNREAD(1);

/*
 * Give the pages of one section back.  Nothing is ever lost: pages of code that were modified (a
 * debugger's breakpoint) stay, pages of data leave only if the kernel can write them to swap.
 *   done   what was done, added to what is there; may be NULL
 * PG_E_BUSY when the section is locked; PG_E_DISCARDED, PG_E_STALE.
 * PG_E_UNSUPPORTED when neither pagemap nor smaps can be read.
 */
pg_status pagable_trim(pg_handle handle, struct pagable_trimmed *done);

/*
 * The same for every section that is pageable and not locked, of all attached objects.  Goes on
 * after a failure and returns the first one.
 */
pg_status pagable_trim_all(struct pagable_trimmed *done);

/* What is known of a section.  A discarded section is described too. */
pg_status pagable_query(pg_handle handle, struct pagable_info *out);

/*
 * Call `visit` for each section of the object at an address, in order of address, until it returns
 * false.  `visit` may not attach or detach.
 */
pg_status pagable_each(const void *address,
                       bool (*visit)(const struct pagable_info *info, void *context),
                       void *context);

/*
 * Record who takes locks (on), or do not (off, the initial state; forgets what was recorded).
 * Recorded are those who lock while it is on; an unlock takes the latest record of its own thread,
 * or else the latest of all.
 */
void pagable_track(bool on);

/*
 * Who holds a section.
 *   holders, room   array for at most `room` of them; may be NULL if room is 0
 *   count           how many there are, which may be more than room
 */
pg_status pagable_holders(pg_handle handle, struct pagable_holder *holders, size_t room,
                          size_t *count);

/* PG_OK when the section at an address is locked here and now; PG_E_UNDERFLOW when not. */
pg_status pagable_check_locked(const void *address) PAGABLE_UNREAD(1);

/* End the process (abort) with a message that names the place unless pagable_check_locked. */
#define pagable_assert_locked(address) pagable_assert_locked_at((address), __FILE__, __LINE__)
void pagable_assert_locked_at(const void *address, const char *file, int line);

/* Read the sections of the object at an address now, not at their first use. */
pg_status pagable_attach(const void *address) PAGABLE_UNREAD(1);

/*
 * Forget the object at an address; its handles become stale, locks that are left are undone.
 *   left   how many those were; may be NULL
 * PG_E_NO_IMAGE when it is not attached.
 */
pg_status pagable_detach(const void *address, uint32_t *left) PAGABLE_UNREAD(1);

/*
 * How many objects and sections there can be at a time (256 and 4096 if never called).
 * PG_E_ARG when either is 0 or above 2^20, PG_E_BUSY after the first use of any other function.
 */
pg_status pagable_limits(uint32_t objects, uint32_t sections);

/*
 * What the last failure of this thread was: one line, without a line end; "" when there was none.
 * The text is the library's and holds until the next failure of this thread.
 */
const char *pagable_error(void);

/*
 * Detach the object at an address, if it is attached and not the program: for its destructor.  Of a
 * program that ends the sections stay as they are.
 */
void pagable_leaving(const void *address);

#ifndef PAGABLE_NO_LEAVE
/*
 * Each shared object that includes this header says goodbye when it is unloaded.  One copy is kept
 * for an object, whatever the number of its source files.
 */
__attribute__((weak, visibility("hidden"), destructor)) void pagable_leave_(void);
__attribute__((weak, visibility("hidden"), destructor)) void pagable_leave_(void)
{
    pagable_leaving((const void *)(uintptr_t)pagable_leave_);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
