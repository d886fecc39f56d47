/* SPDX-License-Identifier: MIT */
/*
 * Sections: counted, named residency.
 *
 * A *space* holds images; an image holds sections; a section is a run of pages that is locked into
 * memory while its lock count is above zero.  The counts follow NT: per section, not per address or
 * caller; a handle stays valid, whatever the count, while its image is loaded.
 *
 * The core is freestanding: it calls nothing but the table of services that the space was made
 * with. Threads: any function may be called from any thread unless it says otherwise.
 */
#ifndef PAGABLE_SECTION_H
#define PAGABLE_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagable/status.h>
#include <pagable/types.h>

#define PG_PAGE_SIZE 4096u

/* Most locks that one section can hold at a time; one more is PG_E_OVERFLOW. */
#define PG_LOCK_COUNT_MAX (1u << 22)

struct pg_space;
struct pg_image;

struct pg_section_desc {
    char name[9];        /* as in the file, terminated */
    enum pg_class class; /* by pg_class_of_name */
    uint64_t base;       /* address of its first byte; a multiple of PG_PAGE_SIZE */
    uint32_t pages;      /* at least 1 */
};

/*
 * Services of the host.  `image` and `section` name the section by the index given to pg_image_add.
 *   page_in   makes every page of the section resident and keeps it so until allow_out; PG_OK or a
 *             failure that has changed nothing.  Called by the thread that takes the count from
 *             0 to 1; may wait.
 *   allow_out the section may leave memory again (count went 1 -> 0, or the image became pageable).
 *   discard   gives the section's memory back for ever.
 *   relax     called while a thread waits for another one's page_in to end; must let it run.  NULL:
 *             wait by looking again and again.
 * The services may not call the core for the section that they are called for.
 */
struct pg_services {
    void *context;
    pg_status (*page_in)(void *context, struct pg_image *image, uint32_t section);
    void (*allow_out)(void *context, struct pg_image *image, uint32_t section);
    void (*discard)(void *context, struct pg_image *image, uint32_t section);
    void (*relax)(void *context);
};

struct pg_section_info {
    const struct pg_section_desc *desc;
    pg_handle handle;
    uint32_t lock_count;
    bool pageable_now; /* may leave memory at this moment: class, count, paging of its image */
    bool discarded;
};

/* Class of a section with this name; at most 8 bytes are read and no terminator is needed for 8. */
enum pg_class pg_class_of_name(const char *name);

/*
 * Bytes of caller memory for a space of at most `images` images with `sections` sections in all.
 */
size_t pg_space_bytes(uint32_t images, uint32_t sections);

/*
 * Make a space in caller memory.
 *   memory, bytes  16-byte aligned, at least pg_space_bytes(images, sections); kept until the
 *                  space is no longer used (there is nothing to close)
 * PG_E_ARG when the memory is too small or misaligned, a limit is 0 or above 2^28, or a service
 * other than relax is missing.  One thread.
 */
pg_status pg_space_init(void *memory, size_t bytes, uint32_t images, uint32_t sections,
                        const struct pg_services *services, struct pg_space **out);

/*
 * Add an image: [base, base + bytes), with `count` sections in ascending order.  The descriptions
 * are kept by reference until pg_image_remove; `owner` is the host's own pointer.
 * An image takes a run of adjacent slots: PG_E_LIMIT also when none is long enough.
 * PG_E_ARG (also for an image of 64 GiB or more), PG_E_OVERLAP (with another image or between
 * sections), PG_E_LIMIT (space is full).
 */
pg_status pg_image_add(struct pg_space *space, uint64_t base, uint64_t bytes,
                       const struct pg_section_desc *sections, uint32_t count, void *owner,
                       struct pg_image **out);

/*
 * Remove an image.  Its handles become stale.  Returns how many lock references were left.
 * Nobody may be inside a call with one of its sections.
 */
uint32_t pg_image_remove(struct pg_image *image);

/* The image that holds an address, or NULL.  Takes no lock. */
struct pg_image *pg_image_find(struct pg_space *space, uint64_t address);
void *pg_image_owner(const struct pg_image *image);
uint32_t pg_image_section_count(const struct pg_image *image);

/* Index of the section that holds an address, or -1. */
int64_t pg_section_find(const struct pg_image *image, uint64_t address);

/*
 * Lock the section that holds an address and return its handle (MmLockPagableDataSection).  All of
 * it is resident on return.  Works on resident and INIT sections too: tracked, no effect on paging.
 * PG_E_NO_IMAGE, PG_E_NO_SECTION, PG_E_DISCARDED, PG_E_OVERFLOW, or what page_in returned; the
 * count is then as before.
 */
pg_status pg_lock_address(struct pg_space *space, uint64_t address, pg_handle *out);

/* Lock by handle (MmLockPagableSectionByHandle).  As above, and PG_E_STALE. */
pg_status pg_lock_handle(struct pg_space *space, pg_handle handle);

/* Unlock (MmUnlockPagableImageSection).  PG_E_UNDERFLOW at count zero, PG_E_STALE. */
pg_status pg_unlock(struct pg_space *space, pg_handle handle);

/*
 * For a host whose threads vanish, as all but one do in a forked child: end what they were inside
 * of.  A section that one of them was bringing in or letting out is out, with no lock; what a
 * locker had added to its count before it could stay is gone.  No service is called.
 * Returns whether the section is in or was discarded: then it is as it was, its locks held.  No
 * other thread may be active, and none may have vanished from anything but a lock or an unlock.
 */
bool pg_section_settle(struct pg_image *image, uint32_t section);

/*
 * Make every section of the image at `address` pageable (MmPageEntireDriver); locked ones stay
 * resident until their last unlock, discarded ones stay discarded.  *image_base gets the image's
 * first byte.  PG_E_NO_IMAGE.
 */
pg_status pg_page_entire(struct pg_space *space, uint64_t address, uint64_t *image_base);

/*
 * Return the image's sections to their own classes (MmResetDriverPaging): resident ones come in and
 * stay.  A failure to bring one in leaves the image paged as before.  PG_E_NO_IMAGE.
 */
pg_status pg_reset_paging(struct pg_space *space, uint64_t address);

/* Give the image's INIT sections back, locked or not (a lock has no effect on them); what is locked
 * is still to be unlocked.  A second call does nothing. */
void pg_discard_init(struct pg_image *image);

/* What is known of one section.  PG_E_ARG when the index is out of range; PG_E_STALE. */
pg_status pg_section_query(const struct pg_image *image, uint32_t section,
                           struct pg_section_info *out);
pg_status pg_handle_query(struct pg_space *space, pg_handle handle, struct pg_image **image,
                          uint32_t *section);

/* Walks the whole space and tells whether every invariant holds.  No other thread may be active. */
bool pg_space_is_valid(const struct pg_space *space);

#endif
