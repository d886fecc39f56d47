/* SPDX-License-Identifier: MIT */
/*
 * pagemap: 8 bytes a page.  Its descriptor is kept, as opening it costs as much as reading it; but
 * programs close descriptors they do not know and get the numbers again for files of their own, so
 * that each use looks whether it still is the same file.
 */
#include "native/residency.h"

#include "base/host.h"
#include "native/maps.h"
#include "native/native.h"

#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_FILE    (UINT64_C(1) << 61) /* of a file, or anonymous and shared */

enum { CHUNK_PAGES = 512 };

static int pagemap_fd = -1;          /* [L] like the next */
static uint64_t pagemap_identity[2]; /* of the file that was opened */

static bool is_still_open(void)
{
    uint64_t now[2];

    return pagemap_fd >= 0 && host.file_identity(pagemap_fd, now) == 0 &&
           now[0] == pagemap_identity[0] && now[1] == pagemap_identity[1];
}

static bool pagemap_open(void)
{
    if (is_still_open()) {
        return true;
    }
    pagemap_fd = host.open_read("/proc/self/pagemap");
    if (pagemap_fd < 0) {
        return false;
    }
    if (host.file_identity(pagemap_fd, pagemap_identity) != 0) {
        host.close(pagemap_fd);
        pagemap_fd = -1;
    }
    return pagemap_fd >= 0;
}

void residency_forked(void)
{
    if (is_still_open()) {
        host.close(pagemap_fd);
    }
    pagemap_fd = -1;
}

static enum residency_state state_of(uint64_t entry)
{
    if ((entry & ENTRY_PRESENT) == 0) {
        return RESIDENCY_OUT;
    }
    return (entry & ENTRY_FILE) != 0 ? RESIDENCY_FILE : RESIDENCY_PRIVATE;
}

static pg_status runs_of(const uint64_t *entries, uint64_t pages, uint64_t address,
                         residency_run *run, void *context)
{
    pg_status status = PG_OK;
    uint64_t first = 0;

    while (status == PG_OK && first < pages) {
        enum residency_state state = state_of(entries[first]);
        uint64_t end = first + 1;

        while (end < pages && state_of(entries[end]) == state) {
            end++;
        }
        status = run(context, address + first * PG_PAGE_SIZE, end - first, state);
        first = end;
    }
    return status;
}

static pg_status walk_smaps(uint64_t address, uint64_t pages, residency_run *run, void *context)
{
    uint64_t end = address + pages * PG_PAGE_SIZE;
    pg_status status = PG_OK;

    while (status == PG_OK && address < end) {
        struct maps_entry entry;
        uint64_t stop;
        enum residency_state state = RESIDENCY_OUT;

        if (maps_counts(address, &entry) != PG_OK) {
            return native_error(PG_E_UNSUPPORTED,
                                "neither /proc/self/pagemap nor /proc/self/smaps can be read");
        }
        stop = entry.end < end ? entry.end : end;
        if (entry.anonymous != 0 || entry.page_bytes > PG_PAGE_SIZE) {
            state = RESIDENCY_PRIVATE;
        } else if (entry.resident != 0) {
            state = RESIDENCY_FILE;
        }
        status = run(context, address, (stop - address) / PG_PAGE_SIZE, state);
        address = stop;
    }
    return status;
}

pg_status residency_walk(uint64_t address, uint64_t pages, residency_run *run, void *context,
                         bool *estimated)
{
    uint64_t entries[CHUNK_PAGES];
    pg_status status = PG_OK;

    *estimated = !pagemap_open();
    while (status == PG_OK && pages > 0 && !*estimated) {
        uint64_t count = pages < CHUNK_PAGES ? pages : CHUNK_PAGES;
        size_t bytes = (size_t)count * sizeof entries[0];

        if (host.read_at(pagemap_fd, entries, bytes, address / PG_PAGE_SIZE * sizeof entries[0]) !=
            (ssize_t)bytes) {
            *estimated = true;
            break;
        }
        status = runs_of(entries, count, address, run, context);
        address += count * PG_PAGE_SIZE;
        pages -= count;
    }
    if (*estimated) {
        status = walk_smaps(address, pages, run, context);
    }
    return status;
}
