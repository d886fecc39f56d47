/* SPDX-License-Identifier: MIT */
/*
 * Copying, filling and comparing memory on behalf of a driver.  Both ranges are touched first, page
 * by page: what is out comes in, or is the bug check that Windows gives.
 */
#include "nt/ex.h"

#include <string.h>

static void *copy(void *to, const void *from, size_t bytes)
{
    machine_touch((uint64_t)from, bytes, PAGER_READ);
    machine_touch((uint64_t)to, bytes, PAGER_WRITE);
    return bytes == 0 ? to : memmove(to, from, bytes);
}

static void *fill(void *to, int32_t value, size_t bytes)
{
    machine_touch((uint64_t)to, bytes, PAGER_WRITE);
    return bytes == 0 ? to : memset(to, value, bytes);
}

static int32_t compare(const void *a, const void *b, size_t bytes)
{
    machine_touch((uint64_t)a, bytes, PAGER_READ);
    machine_touch((uint64_t)b, bytes, PAGER_READ);
    return bytes == 0 ? 0 : memcmp(a, b, bytes);
}

static uint64_t find_byte(const uint8_t *memory, int32_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (i == 0 || (uint64_t)(memory + i) % PG_PAGE_SIZE == 0) {
            machine_touch((uint64_t)(memory + i), 1, PAGER_READ);
        }
        if (memory[i] == (uint8_t)value) {
            return (uint64_t)(memory + i);
        }
    }
    return 0;
}

static void RtlMoveMemory(void *to, const void *from, size_t bytes)
{
    copy(to, from, bytes);
}

static void RtlCopyMemory(void *to, const void *from, size_t bytes)
{
    copy(to, from, bytes);
}

static void RtlCopyMemoryNonTemporal(void *to, const void *from, size_t bytes)
{
    copy(to, from, bytes);
}

static void RtlFillMemory(void *to, size_t bytes, uint8_t value)
{
    fill(to, value, bytes);
}

static void RtlZeroMemory(void *to, size_t bytes)
{
    fill(to, 0, bytes);
}

/* Only a hint to the cache; it never faults. */
static void RtlPrefetchMemoryNonTemporal(uint64_t address, size_t bytes)
{
    (void)address;
    (void)bytes;
}

/* How many bytes are equal from the start. */
static size_t RtlCompareMemory(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    size_t n = 0;

    machine_touch((uint64_t)a, bytes, PAGER_READ);
    machine_touch((uint64_t)b, bytes, PAGER_READ);
    while (n < bytes && a[n] == b[n]) {
        n++;
    }
    return n;
}

static size_t RtlCompareMemoryUlong(const uint8_t *memory, size_t bytes, uint32_t pattern)
{
    size_t n = 0;
    uint32_t word;

    machine_touch((uint64_t)memory, bytes, PAGER_READ);
    for (; n + sizeof word <= bytes; n += sizeof word) {
        memcpy(&word, memory + n, sizeof word);
        if (word != pattern) {
            break;
        }
    }
    return n;
}

NT_CRT3(memcpy, copy, void *, const void *, size_t)
NT_CRT3(memmove, copy, void *, const void *, size_t)
NT_CRT3(memset, fill, void *, int32_t, size_t)
NT_CRT3(memcmp, compare, const void *, const void *, size_t)
NT_CRT3(memchr, find_byte, const uint8_t *, int32_t, size_t)
NT_VOID3(RtlMoveMemory, void *, const void *, size_t)
NT_VOID3(RtlCopyMemory, void *, const void *, size_t)
NT_VOID3(RtlCopyMemoryNonTemporal, void *, const void *, size_t)
NT_VOID3(RtlFillMemory, void *, size_t, uint8_t)
NT_VOID2(RtlZeroMemory, void *, size_t)
NT_VOID2(RtlPrefetchMemoryNonTemporal, uint64_t, size_t)
NT_CALL3(RtlCompareMemory, const uint8_t *, const uint8_t *, size_t)
NT_CALL3(RtlCompareMemoryUlong, const uint8_t *, size_t, uint32_t)
