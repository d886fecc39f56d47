/* SPDX-License-Identifier: MIT */
/*
 * Page in: the backing is read, each page checked, relocated and patched.  Where to is the back
 * end's business (memory.h); a run of which anything failed loses its memory again, so that nothing
 * that failed a check is ever seen.
 */
#include "pager/internal.h"

#include <string.h>

#include "pager/checksum.h"

#define READ_PAGES 64u /* at once: what was read is still in the processor's cache when checked */

enum source { SOURCE_ZERO, SOURCE_FILE, SOURCE_SWAP };

pg_status file_read(int fd, void *buffer, size_t bytes, uint64_t offset, size_t *done)
{
    *done = 0;
    while (*done < bytes) {
        ssize_t n = host.read_at(fd, (char *)buffer + *done, bytes - *done, offset + *done);

        if (n <= 0) {
            return n == 0 ? PG_E_TRUNCATED : PG_E_IO;
        }
        *done += (size_t)n;
    }
    return PG_OK;
}

static enum source source_of(const struct pager *pager, const struct pager_region *region,
                             uint32_t i)
{
    if ((page_of(pager, region, i)->flags & PAGE_SWAPPED) != 0) {
        return SOURCE_SWAP;
    }
    return region->backing.fd >= 0 && (uint64_t)i * PG_PAGE_SIZE < region->backing.file_bytes
               ? SOURCE_FILE
               : SOURCE_ZERO;
}

/* Where a page of a source that is a file lies in it. */
static uint64_t offset_of(const struct pager_region *region, uint32_t i, enum source source)
{
    return source == SOURCE_SWAP ? ((uint64_t)region->slot + i) * PG_PAGE_SIZE
                                 : region->backing.file_offset + (uint64_t)i * PG_PAGE_SIZE;
}

static void failure_of_file(struct pager_failure *failure, pg_status status,
                            const struct pager_region *region, uint32_t i, enum source source)
{
    failure_set(failure, status, address_of(region, i));
    if (failure != NULL) {
        failure->file_offset = offset_of(region, i, source);
        failure->paging_file = source == SOURCE_SWAP;
    }
}

/* Compares a page with its checksum, or takes the checksum when it is the first time. */
static pg_status sum_check(const struct pager *pager, const struct pager_region *region, uint32_t i,
                           enum source source, const uint8_t *content,
                           struct pager_failure *failure)
{
    struct page *page = page_of(pager, region, i);
    uint64_t actual = checksum_page(content);
    uint64_t expected = source == SOURCE_SWAP ? page->swap_sum : page->file_sum;

    if (source == SOURCE_FILE && (page->flags & PAGE_SUMMED) == 0) {
        page->file_sum = actual;
        page->flags |= PAGE_SUMMED;
        return PG_OK;
    }
    if (actual != expected) {
        pg_status status = source == SOURCE_SWAP ? PG_E_CORRUPT : PG_E_CHANGED;

        failure_of_file(failure, status, region, i, source);
        if (failure != NULL) {
            failure->expected = expected;
            failure->actual = actual;
        }
        return status;
    }
    return PG_OK;
}

/* Pages [i, i + count) of one source, as they lie there, checked. */
static pg_status read_pages(const struct pager *pager, const struct pager_region *region,
                            uint32_t i, uint32_t count, enum source source, uint8_t *content,
                            struct pager_failure *failure)
{
    int fd = source == SOURCE_SWAP ? pager->swap_fd : region->backing.fd;
    size_t bytes = (size_t)count * PG_PAGE_SIZE, done;
    pg_status status;

    if (source == SOURCE_FILE && region->backing.file_bytes - (uint64_t)i * PG_PAGE_SIZE < bytes) {
        bytes = region->backing.file_bytes - (size_t)i * PG_PAGE_SIZE;
    }
    status = file_read(fd, content, bytes, offset_of(region, i, source), &done);
    if (status != PG_OK) {
        failure_of_file(failure, status, region, i + (uint32_t)(done / PG_PAGE_SIZE), source);
        return status;
    }
    memset(content + bytes, 0, (size_t)count * PG_PAGE_SIZE - bytes);
    for (uint32_t k = 0; status == PG_OK && k < count; k++) {
        status =
            sum_check(pager, region, i + k, source, content + (size_t)k * PG_PAGE_SIZE, failure);
    }
    return status;
}

/*
 * The `bytes` bytes below page i as the image file has them: the low part of a word that ends in
 * page i.  They may belong to the region below, which is then the same image's; without one they
 * are a gap, zeros.  What is in memory is no help: it may be out, or was relocated already.
 */
static pg_status bytes_below(struct pager *pager, const struct pager_region *region, uint32_t i,
                             uint32_t bytes, uint8_t *out, struct pager_failure *failure)
{
    uint32_t below = i - 1;
    pg_status status = PG_OK;

    memset(out, 0, bytes);
    if (i == 0) {
        const struct pager_region *other = pager_region_at(pager, region->base - 1);

        if (other == NULL || other->backing.fd != region->backing.fd ||
            other->backing.relocations != region->backing.relocations ||
            other->backing.rva + (uint64_t)other->pages * PG_PAGE_SIZE != region->backing.rva) {
            return PG_OK;
        }
        region = other;
        below = other->pages - 1;
    }
    if ((uint64_t)below * PG_PAGE_SIZE < region->backing.file_bytes) {
        status = read_pages(pager, region, below, 1, SOURCE_FILE, pager->neighbour, failure);
        if (status == PG_OK) {
            memcpy(out, pager->neighbour + PG_PAGE_SIZE - bytes, bytes);
        }
    }
    return status;
}

/*
 * Adds the delta to every relocated word that touches the page.  Of a word that ends in the page
 * above, the part here does not depend on the part there (carries go upwards only); of a word that
 * begins in the page below, the bytes below are read from the file for their carry.
 */
static pg_status relocate(struct pager *pager, const struct pager_region *region, uint32_t i,
                          uint8_t *content, struct pager_failure *failure)
{
    const uint32_t *at = region->backing.relocations;
    int64_t start = (int64_t)region->backing.rva + (int64_t)i * PG_PAGE_SIZE;
    uint32_t low = region->relocation_first, left = region->relocation_end - low;

    while (left > 0) { /* the first one that reaches into the page */
        uint32_t half = left / 2;

        if ((int64_t)at[low + half] + 8 <= start) {
            low += half + 1;
            left -= half + 1;
        } else {
            left = half;
        }
    }
    for (; low < region->relocation_end && at[low] < start + PG_PAGE_SIZE; low++) {
        int64_t offset = (int64_t)at[low] - start;
        uint32_t skip = offset < 0 ? (uint32_t)-offset : 0;
        uint32_t end = offset + 8 > PG_PAGE_SIZE ? (uint32_t)(PG_PAGE_SIZE - offset) : 8;
        uint8_t bytes[8] = {0};
        uint64_t word;

        if (skip != 0) {
            pg_status status = bytes_below(pager, region, i, skip, bytes, failure);

            if (status != PG_OK) {
                return status;
            }
        }
        memcpy(bytes + skip, content + offset + skip, end - skip);
        memcpy(&word, bytes, sizeof word);
        word += region->backing.delta;
        memcpy(bytes, &word, sizeof word);
        memcpy(content + offset + skip, bytes + skip, end - skip);
    }
    return PG_OK;
}

/* What the loader made of a page of the image: relocated, then patched. */
static pg_status as_loaded(struct pager *pager, const struct pager_region *region, uint32_t i,
                           uint8_t *content, struct pager_failure *failure)
{
    pg_status status = PG_OK;

    if (region->relocation_first != region->relocation_end) {
        status = relocate(pager, region, i, content, failure);
    }
    patches_apply(pager, page_of(pager, region, i), content);
    return status;
}

bool fill_reads(const struct pager *pager, const struct pager_region *region, uint32_t i)
{
    return source_of(pager, region, i) != SOURCE_ZERO;
}

pg_status fill_fetch(struct pager *pager, const struct pager_region *region, uint32_t i,
                     uint32_t count, uint8_t *content, struct pager_failure *failure)
{
    pg_status status = PG_OK;
    uint32_t done = 0;

    while (status == PG_OK && done < count) {
        enum source source = source_of(pager, region, i + done);
        uint8_t *at = content + (size_t)done * PG_PAGE_SIZE;
        uint32_t run = 1;

        while (run < READ_PAGES && done + run < count &&
               source_of(pager, region, i + done + run) == source) {
            run++;
        }
        if (source != SOURCE_ZERO) {
            status = read_pages(pager, region, i + done, run, source, at, failure);
        }
        /* What is in the paging file was relocated and patched before it went there. */
        for (uint32_t k = 0; status == PG_OK && source != SOURCE_SWAP && k < run; k++) {
            status = as_loaded(pager, region, i + done + k, at + (size_t)k * PG_PAGE_SIZE, failure);
        }
        done += run;
    }
    return status;
}

pg_status fill_take_sums(struct pager *pager, struct pager_region *region,
                         struct pager_failure *failure)
{
    pg_status status = PG_OK;
    uint32_t in_file = 0;

    if (region->backing.fd >= 0) {
        in_file = (region->backing.file_bytes + PG_PAGE_SIZE - 1) / PG_PAGE_SIZE;
    }
    for (uint32_t i = 0; status == PG_OK && i < in_file; i += BOUNCE_PAGES) {
        uint32_t count = in_file - i < BOUNCE_PAGES ? in_file - i : BOUNCE_PAGES;

        status = read_pages(pager, region, i, count, SOURCE_FILE, pager->bounce, failure);
    }
    return status;
}

/* Takes the memory of a run back that was to come in and did not. */
static void unfill(struct pager *pager, struct pager_region *region, uint32_t i, uint32_t count)
{
    if (pager->memory->drop(pager, region, i, count) == 0 ||
        pager->memory->drop(pager, region, i, count) == 0) {
        return;
    }
    (void)host.protect(address_of(region, i), (uint64_t)count * PG_PAGE_SIZE, HOST_NONE);
    for (uint32_t k = i; k < i + count; k++) {
        page_of(pager, region, k)->flags |= PAGE_SOILED;
    }
}

pg_status fill_run(struct pager *pager, struct pager_region *region, uint32_t i, uint32_t count,
                   bool writable, struct pager_failure *failure)
{
    unsigned flags = writable && (region->protection & HOST_WRITE) != 0 ? PAGE_DIRTY : 0;
    pg_status status = pager->memory->fill(pager, region, i, count, writable, failure);

    if (status != PG_OK) {
        unfill(pager, region, i, count);
        return status;
    }
    for (uint32_t k = i; k < i + count; k++) {
        page_came_in(pager, region, k, flags);
    }
    return PG_OK;
}
