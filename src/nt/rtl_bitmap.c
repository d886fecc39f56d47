/* SPDX-License-Identifier: MIT */
/*
 * RTL_BITMAP: bits in the driver's memory, bit 0 the lowest of the first 32-bit word.  A routine
 * that is asked about bits beyond the end answers as if there were none.
 */
#include "nt/ex.h"

#define NOT_FOUND 0xffffffffu

struct rtl_bitmap {
    uint32_t SizeOfBitMap; /* bits */
    uint32_t *Buffer;
};

struct rtl_bitmap_run {
    uint32_t StartingIndex, NumberOfBits;
};

static void touch(const struct rtl_bitmap *map, enum pager_access access)
{
    machine_touch((uint64_t)map, sizeof *map, PAGER_READ);
    machine_touch((uint64_t)map->Buffer, ((size_t)map->SizeOfBitMap + 31) / 32 * 4, access);
}

static bool bit(const struct rtl_bitmap *map, uint32_t index)
{
    return (map->Buffer[index / 32] >> index % 32 & 1u) != 0;
}

static void put(struct rtl_bitmap *map, uint32_t index, bool value)
{
    uint32_t mask = 1u << index % 32;

    if (value) {
        map->Buffer[index / 32] |= mask;
    } else {
        map->Buffer[index / 32] &= ~mask;
    }
}

static bool in_range(const struct rtl_bitmap *map, uint32_t start, uint32_t count)
{
    return start < map->SizeOfBitMap && count <= map->SizeOfBitMap - start;
}

static void put_range(struct rtl_bitmap *map, uint32_t start, uint32_t count, bool value)
{
    touch(map, PAGER_WRITE);
    if (!in_range(map, start, count)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        put(map, start + i, value);
    }
}

static uint8_t are(const struct rtl_bitmap *map, uint32_t start, uint32_t count, bool value)
{
    touch(map, PAGER_READ);
    if (count == 0 || !in_range(map, start, count)) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (bit(map, start + i) != value) {
            return 0;
        }
    }
    return 1;
}

/* First of `count` equal bits in [from, to), or NOT_FOUND. */
static uint32_t search(const struct rtl_bitmap *map, uint32_t from, uint32_t to, uint32_t count,
                       bool value)
{
    uint32_t run = 0;

    for (uint32_t i = from; i < to; i++) {
        run = bit(map, i) == value ? run + 1 : 0;
        if (run == count) {
            return i + 1 - count;
        }
    }
    return NOT_FOUND;
}

/* From the hint on, then from the beginning. */
static uint32_t find(const struct rtl_bitmap *map, uint32_t count, uint32_t hint, bool value)
{
    uint32_t found;

    touch(map, PAGER_READ);
    hint = hint >= map->SizeOfBitMap ? 0 : hint;
    if (count == 0) {
        return hint & ~7u;
    }
    found = search(map, hint, map->SizeOfBitMap, count, value);
    return found == NOT_FOUND && hint > 0 ? search(map, 0, map->SizeOfBitMap, count, value) : found;
}

static uint32_t find_and_put(struct rtl_bitmap *map, uint32_t count, uint32_t hint, bool value)
{
    uint32_t found = find(map, count, hint, value);

    if (found != NOT_FOUND) {
        put_range(map, found, count, !value);
    }
    return found;
}

static uint32_t count_bits(const struct rtl_bitmap *map, bool value)
{
    uint32_t n = 0;

    touch(map, PAGER_READ);
    for (uint32_t i = 0; i < map->SizeOfBitMap; i++) {
        n += bit(map, i) == value;
    }
    return n;
}

/* The next run of clear bits at or after `from`; its length, 0 when there is none. */
static uint32_t next_clear_run(const struct rtl_bitmap *map, uint32_t from, uint32_t *start)
{
    uint32_t end;

    while (from < map->SizeOfBitMap && bit(map, from)) {
        from++;
    }
    for (end = from; end < map->SizeOfBitMap && !bit(map, end);) {
        end++;
    }
    *start = from;
    return end - from;
}

static void RtlInitializeBitMap(struct rtl_bitmap *map, uint32_t *buffer, uint32_t bits)
{
    machine_touch((uint64_t)map, sizeof *map, PAGER_WRITE);
    map->SizeOfBitMap = bits;
    map->Buffer = buffer;
}

static void RtlSetAllBits(struct rtl_bitmap *map)
{
    touch(map, PAGER_WRITE);
    for (uint32_t i = 0; i < (map->SizeOfBitMap + 31) / 32; i++) {
        map->Buffer[i] = 0xffffffffu;
    }
}

static void RtlClearAllBits(struct rtl_bitmap *map)
{
    touch(map, PAGER_WRITE);
    for (uint32_t i = 0; i < (map->SizeOfBitMap + 31) / 32; i++) {
        map->Buffer[i] = 0;
    }
}

static void RtlSetBit(struct rtl_bitmap *map, uint32_t index)
{
    put_range(map, index, 1, true);
}

static void RtlClearBit(struct rtl_bitmap *map, uint32_t index)
{
    put_range(map, index, 1, false);
}

static uint8_t RtlTestBit(const struct rtl_bitmap *map, uint32_t index)
{
    return are(map, index, 1, true);
}

static void RtlSetBits(struct rtl_bitmap *map, uint32_t start, uint32_t count)
{
    put_range(map, start, count, true);
}

static void RtlClearBits(struct rtl_bitmap *map, uint32_t start, uint32_t count)
{
    put_range(map, start, count, false);
}

static uint8_t RtlAreBitsSet(const struct rtl_bitmap *map, uint32_t start, uint32_t count)
{
    return are(map, start, count, true);
}

static uint8_t RtlAreBitsClear(const struct rtl_bitmap *map, uint32_t start, uint32_t count)
{
    return are(map, start, count, false);
}

static uint32_t RtlFindClearBits(const struct rtl_bitmap *map, uint32_t count, uint32_t hint)
{
    return find(map, count, hint, false);
}

static uint32_t RtlFindSetBits(const struct rtl_bitmap *map, uint32_t count, uint32_t hint)
{
    return find(map, count, hint, true);
}

static uint32_t RtlFindClearBitsAndSet(struct rtl_bitmap *map, uint32_t count, uint32_t hint)
{
    return find_and_put(map, count, hint, false);
}

static uint32_t RtlFindSetBitsAndClear(struct rtl_bitmap *map, uint32_t count, uint32_t hint)
{
    return find_and_put(map, count, hint, true);
}

static uint32_t RtlNumberOfSetBits(const struct rtl_bitmap *map)
{
    return count_bits(map, true);
}

static uint32_t RtlNumberOfClearBits(const struct rtl_bitmap *map)
{
    return count_bits(map, false);
}

static uint32_t RtlFindNextForwardRunClear(const struct rtl_bitmap *map, uint32_t from,
                                           uint32_t *start)
{
    touch(map, PAGER_READ);
    machine_touch((uint64_t)start, sizeof *start, PAGER_WRITE);
    return next_clear_run(map, from, start);
}

static uint32_t RtlFindFirstRunClear(const struct rtl_bitmap *map, uint32_t *start)
{
    return RtlFindNextForwardRunClear(map, 0, start);
}

static uint32_t RtlFindLongestRunClear(const struct rtl_bitmap *map, uint32_t *start)
{
    uint32_t longest = 0, where = 0, at, length;

    touch(map, PAGER_READ);
    machine_touch((uint64_t)start, sizeof *start, PAGER_WRITE);
    for (uint32_t from = 0; (length = next_clear_run(map, from, &at)) > 0; from = at + length) {
        if (length > longest) {
            longest = length;
            where = at;
        }
    }
    *start = where;
    return longest;
}

/* Keeps the longest of what was seen, in the order of length. */
static uint32_t keep_longest(struct rtl_bitmap_run *runs, uint32_t kept, uint32_t max,
                             struct rtl_bitmap_run run)
{
    uint32_t at = kept;

    while (at > 0 && runs[at - 1].NumberOfBits < run.NumberOfBits) {
        if (at < max) {
            runs[at] = runs[at - 1];
        }
        at--;
    }
    if (at < max) {
        runs[at] = run;
        return kept < max ? kept + 1 : kept;
    }
    return kept;
}

static uint32_t RtlFindClearRuns(const struct rtl_bitmap *map, struct rtl_bitmap_run *runs,
                                 uint32_t max, uint8_t longest)
{
    uint32_t count = 0, at, length;

    touch(map, PAGER_READ);
    machine_touch((uint64_t)runs, (size_t)max * sizeof *runs, PAGER_WRITE);
    for (uint32_t from = 0; (length = next_clear_run(map, from, &at)) > 0; from = at + length) {
        struct rtl_bitmap_run run = {at, length};

        if (longest) {
            count = keep_longest(runs, count, max, run);
        } else if (count < max) {
            runs[count++] = run;
        } else {
            break;
        }
    }
    return count;
}

/* Bits of one number: index of the highest or lowest, -1 for 0. */
static int8_t RtlFindMostSignificantBit(uint64_t value)
{
    return value == 0 ? -1 : (int8_t)(63 - __builtin_clzll(value));
}

static int8_t RtlFindLeastSignificantBit(uint64_t value)
{
    return value == 0 ? -1 : (int8_t)__builtin_ctzll(value);
}

static uint32_t RtlNumberOfSetBitsUlongPtr(uint64_t value)
{
    return (uint32_t)__builtin_popcountll(value);
}

NT_VOID3(RtlInitializeBitMap, struct rtl_bitmap *, uint32_t *, uint32_t)
NT_VOID1(RtlSetAllBits, struct rtl_bitmap *)
NT_VOID1(RtlClearAllBits, struct rtl_bitmap *)
NT_VOID2(RtlSetBit, struct rtl_bitmap *, uint32_t)
NT_VOID2(RtlClearBit, struct rtl_bitmap *, uint32_t)
NT_CALL2(RtlTestBit, const struct rtl_bitmap *, uint32_t)
NT_VOID3(RtlSetBits, struct rtl_bitmap *, uint32_t, uint32_t)
NT_VOID3(RtlClearBits, struct rtl_bitmap *, uint32_t, uint32_t)
NT_CALL3(RtlAreBitsSet, const struct rtl_bitmap *, uint32_t, uint32_t)
NT_CALL3(RtlAreBitsClear, const struct rtl_bitmap *, uint32_t, uint32_t)
NT_CALL3(RtlFindClearBits, const struct rtl_bitmap *, uint32_t, uint32_t)
NT_CALL3(RtlFindSetBits, const struct rtl_bitmap *, uint32_t, uint32_t)
NT_CALL3(RtlFindClearBitsAndSet, struct rtl_bitmap *, uint32_t, uint32_t)
NT_CALL3(RtlFindSetBitsAndClear, struct rtl_bitmap *, uint32_t, uint32_t)
NT_CALL1(RtlNumberOfSetBits, const struct rtl_bitmap *)
NT_CALL1(RtlNumberOfClearBits, const struct rtl_bitmap *)
NT_CALL3(RtlFindNextForwardRunClear, const struct rtl_bitmap *, uint32_t, uint32_t *)
NT_CALL2(RtlFindFirstRunClear, const struct rtl_bitmap *, uint32_t *)
NT_CALL2(RtlFindLongestRunClear, const struct rtl_bitmap *, uint32_t *)
NT_CALL4(RtlFindClearRuns, const struct rtl_bitmap *, struct rtl_bitmap_run *, uint32_t, uint8_t)
NT_CALL1(RtlFindMostSignificantBit, uint64_t)
NT_CALL1(RtlFindLeastSignificantBit, uint64_t)
NT_CALL1(RtlNumberOfSetBitsUlongPtr, uint64_t)
