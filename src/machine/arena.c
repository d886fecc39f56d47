/* SPDX-License-Identifier: MIT */
/*
 * The arena: the state of the computer at fixed addresses, and simulated user memory.
 *
 * State memory is handed out from the bottom up and never returned.  All of it is accessible from
 * the start; the host gives memory to what is touched.
 */
#include "machine/internal.h"

#include <string.h>

static uint64_t align_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) & ~(to - 1);
}

pg_status arena_start(void)
{
    if (host.reserve(ARENA_STATE, ARENA_STATE_BYTES) < 0 ||
        host.protect(ARENA_STATE, ARENA_STATE_BYTES, HOST_READ | HOST_WRITE) < 0 ||
        host.reserve(USER_BASE, USER_END - USER_BASE) < 0) {
        return PG_E_NO_MEMORY;
    }
    M->arena_next = align_up(sizeof *M, 64);
    return PG_OK;
}

void *machine_allocate(size_t bytes)
{
    uint64_t at = M->arena_next;
    uint64_t end = at + align_up(bytes, 16);

    PG_ASSERT(end <= ARENA_STATE_BYTES);
    M->arena_next = end;
    return (void *)(ARENA_STATE + at);
}

/* First run of free pages from `from` on that is long enough, or USER_PAGES. */
static uint32_t find_user_run(uint32_t from, uint32_t pages)
{
    uint32_t run = 0;

    for (uint32_t i = from; i < USER_PAGES; i++) {
        run = M->user_used[i] ? 0 : run + 1;
        if (run == pages) {
            return i + 1 - pages;
        }
    }
    return USER_PAGES;
}

uint64_t machine_user_allocate(size_t bytes)
{
    uint32_t pages;
    uint32_t first;
    uint64_t address;

    if (bytes == 0 || bytes > USER_END - USER_BASE) {
        return 0;
    }
    pages = (uint32_t)(align_up(bytes, PG_PAGE_SIZE) / PG_PAGE_SIZE);
    first = find_user_run(M->user_hint, pages);
    if (first == USER_PAGES) {
        first = find_user_run(0, pages);
    }
    if (first == USER_PAGES) {
        return 0;
    }
    address = USER_BASE + (uint64_t)first * PG_PAGE_SIZE;
    if (host.protect(address, (uint64_t)pages * PG_PAGE_SIZE, HOST_READ | HOST_WRITE) < 0) {
        return 0;
    }
    memset(&M->user_used[first], 1, pages);
    M->user_hint = first + pages;
    return address;
}

void machine_user_release(uint64_t address, size_t bytes)
{
    uint32_t first = (uint32_t)((address - USER_BASE) / PG_PAGE_SIZE);
    uint32_t pages = (uint32_t)(align_up(bytes, PG_PAGE_SIZE) / PG_PAGE_SIZE);

    PG_ASSERT(address >= USER_BASE && address + bytes <= USER_END);
    for (uint32_t i = 0; i < pages; i++) {
        PG_ASSERT(M->user_used[first + i]);
        M->user_used[first + i] = 0;
    }
    PG_ASSERT(host.discard(address, (uint64_t)pages * PG_PAGE_SIZE) == 0);
    if (first < M->user_hint) {
        M->user_hint = first;
    }
}
