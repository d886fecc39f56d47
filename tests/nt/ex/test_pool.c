/* SPDX-License-Identifier: MIT */
/* Pool against a plain model, and every way to free what is not to be freed. */
#include "computer.h"

#include <stdlib.h>
#include <string.h>

#define TAG 0x6c6f6f50u

/* ---- a random stream against a model ---- */

struct model_block {
    uint64_t address;
    size_t bytes;
    enum nt_pool pool;
    uint8_t fill;
};
#define MODEL_BLOCKS 600u

static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(random_state >> 33) % n;
}

static size_t draw_size(void)
{
    static const size_t borders[] = {1,    15,   16,   17,   256,  257, 1360,
                                     1361, 2048, 2049, 4095, 4096, 4097};

    switch (draw(3)) {
    case 0:
        return borders[draw(sizeof borders / sizeof *borders)];
    case 1:
        return 1 + draw(512);
    default:
        return 1 + draw(20000);
    }
}

static void allocate_one(struct model_block *block)
{
    block->bytes = draw_size();
    block->pool = POOL_NONPAGED;
    block->fill = (uint8_t)(1 + draw(255));
    block->address = ex_pool_take(block->pool, block->bytes, TAG, 0);
    ck_assert_uint_ne(block->address, 0);
    ck_assert_uint_eq(block->address % 16, 0);
    if (block->bytes >= PG_PAGE_SIZE) {
        ck_assert_uint_eq(block->address % PG_PAGE_SIZE, 0);
    } else {
        ck_assert_uint_eq(block->address / PG_PAGE_SIZE,
                          (block->address + block->bytes - 1) / PG_PAGE_SIZE);
    }
    memset(machine_pointer(block->address), block->fill, block->bytes);
}

/* What was written is still there: no other block overlapped. */
static void free_one(struct model_block *block)
{
    enum nt_pool pool;
    uint32_t tag;

    ck_assert_uint_eq(ex_pool_block(block->address, &pool, &tag), block->bytes);
    ck_assert_uint_eq(tag, TAG);
    ck_assert_int_eq(pool, block->pool);
    ck_assert(all_bytes(machine_pointer(block->address), block->bytes, block->fill));
    ex_pool_free(block->address);
    block->address = 0;
}

START_TEST(stream_against_model)
{
    struct model_block *blocks = calloc(MODEL_BLOCKS, sizeof *blocks);

    random_state = (uint64_t)_i + 1;
    computer_start();
    for (uint32_t step = 0; step < 6000; step++) {
        struct model_block *block = &blocks[draw(MODEL_BLOCKS)];

        if (block->address == 0) {
            allocate_one(block);
        } else {
            free_one(block);
        }
        if (step % 500 == 0) {
            ck_assert(ex_pool_is_valid());
        }
    }
    for (uint32_t i = 0; i < MODEL_BLOCKS; i++) {
        if (blocks[i].address != 0) {
            free_one(&blocks[i]);
        }
    }
    ck_assert(ex_pool_is_valid());
    free(blocks);
}
END_TEST

START_TEST(live_blocks_are_listed_in_order)
{
    uint64_t first, second, third;
    const struct ex_pool_block *block = NULL;
    unsigned seen = 0;

    computer_start();
    first = ex_pool_take(POOL_PAGED, 40, 0x31677454u, 0);
    second = ex_pool_take(POOL_NONPAGED, 9000, 0x31677454u, 0);
    third = ex_pool_take(POOL_NONPAGED, 40, 0x31677454u, 0);
    ex_pool_free(second);
    while ((block = ex_pool_next(block)) != NULL) {
        if (block->tag == 0x31677454u) {
            ck_assert_uint_eq(block->address, seen == 0 ? first : third);
            seen++;
        }
    }
    ck_assert_uint_eq(seen, 2);
}
END_TEST

/* ---- exhaustion ---- */

START_TEST(exhaustion_is_null_and_ends)
{
    uint64_t blocks[300];
    unsigned count = 0;

    computer_start();
    while (count < 300 && (blocks[count] = ex_pool_take(POOL_PAGED, 1u << 20, TAG, 0)) != 0) {
        count++;
    }
    ck_assert_uint_eq(count, ARENA_PAGED_BYTES >> 20);
    ck_assert_uint_eq(ex_pool_take(POOL_PAGED, 1, TAG, 0), 0);
    ck_assert_uint_eq(ex_pool_take(POOL_PAGED, SIZE_MAX / 2, TAG, 0), 0);
    ck_assert(ex_pool_is_valid());
    ex_pool_free(blocks[17]);
    ck_assert_uint_eq(ex_pool_take(POOL_PAGED, 1u << 20, TAG, 0), blocks[17]);
}
END_TEST

START_TEST(contiguous_memory_obeys_its_limits)
{
    uint64_t low, address;

    computer_start();
    low = CALL(MmAllocateContiguousMemory, 3 * PG_PAGE_SIZE, 0xffffff);
    ck_assert_uint_ne(low, 0);
    ck_assert_uint_le(CALL(MmGetPhysicalAddress, low) + 3 * PG_PAGE_SIZE - 1, 0xffffff);
    ck_assert_uint_eq(CALL(MmGetVirtualForPhysical, CALL(MmGetPhysicalAddress, low + 5)), low + 5);
    ck_assert_uint_eq(CALL(MmAllocateContiguousMemory, PG_PAGE_SIZE, 0xfff), 0);
    ck_assert_uint_eq(CALL(MmAllocateContiguousMemory, 0, UINT64_MAX), 0);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t physical;

        address = CALL(MmAllocateContiguousMemorySpecifyCache, 3 * PG_PAGE_SIZE, 0x400000, 0x4fffff,
                       0x4000, 0);
        ck_assert_uint_ne(address, 0);
        physical = CALL(MmGetPhysicalAddress, address);
        ck_assert_uint_ge(physical, 0x400000);
        ck_assert_uint_le(physical + 3 * PG_PAGE_SIZE - 1, 0x4fffff);
        ck_assert_uint_eq(physical / 0x4000, (physical + 3 * PG_PAGE_SIZE - 1) / 0x4000);
    }
    CALL(MmFreeContiguousMemory, low);
    ck_assert(ex_pool_is_valid());
}
END_TEST

/* ---- what drivers ask for ---- */

START_TEST(flags_and_counters)
{
    uint64_t address;

    computer_start();
    address = CALL(ExAllocatePool2, 0x40, 100, TAG);
    ck_assert(all_bytes(machine_pointer(address), 100, 0));
    memset((void *)address, 0xaa, 100);
    CALL(ExFreePoolWithTag, address, TAG);
    /* 0x8: cache aligned; sizes that are no multiple of 64 would not be by themselves */
    for (uint32_t bytes = 1; bytes < 3000; bytes += 97) {
        ck_assert_uint_eq(CALL(ExAllocatePool2, 0x48, bytes, TAG) % 64, 0);
        ck_assert_uint_eq(CALL(ExAllocatePoolWithTag, 4, bytes, TAG) % 64, 0);
    }
    ck_assert_uint_eq(CALL(ExAllocatePool2, 0, 100, TAG), 0);
    ck_assert_uint_eq(CALL(ExAllocatePool2, 0x140, 100, TAG), 0);
    ck_assert_uint_eq(CALL(ExAllocatePool2, 0x40, 100, 0), 0);
    ck_assert_uint_eq(CALL(ExAllocatePool2, 0x80000040, 100, TAG), 0);
    ck_assert_uint_ne(CALL(ExAllocatePoolWithTag, 0, 0, TAG), 0);
    machine_counters()->pool_allocations_attempted = 0;
    machine_counters()->pool_allocations_succeeded = 0;
    CALL(ExAllocatePoolWithTag, 0, 1, TAG);
    CALL(ExAllocatePoolWithTag, 1, 1ull << 40, TAG);
    ck_assert_uint_eq(machine_counters()->pool_allocations_attempted, 2);
    ck_assert_uint_eq(machine_counters()->pool_allocations_succeeded, 1);
}
END_TEST

START_TEST(extended_parameters)
{
    uint64_t *parameters;

    computer_start();
    parameters = guest_memory(32);
    parameters[0] = 1; /* priority */
    parameters[2] = 2; /* secure pool, which there is none of */
    ck_assert_uint_ne(CALL(ExAllocatePool3, 0x40, 8, TAG, SLOT(parameters), 1), 0);
    ck_assert_uint_eq(CALL(ExAllocatePool3, 0x40, 8, TAG, SLOT(parameters), 2), 0);
    parameters[2] |= 0x100; /* optional */
    ck_assert_uint_ne(CALL(ExAllocatePool3, 0x40, 8, TAG, SLOT(parameters), 2), 0);
}
END_TEST

START_TEST(paged_pool_is_not_touched)
{
    uint64_t address;

    computer_start();
    address = ex_pool_take(POOL_PAGED, 3 * PG_PAGE_SIZE, TAG, 0);
    ck_assert(!pager_is_resident(machine_pager(), address));
    ex_pool_free(address);
    address = ex_pool_take(POOL_PAGED, 100, TAG, EX_POOL_ZERO);
    ck_assert(pager_is_resident(machine_pager(), address));
    memset(machine_pointer(address), 7, 100);
    machine_trim_now();
    ck_assert(!pager_is_resident(machine_pager(), address));
    ex_pool_free(address); /* needs nothing of the block */
    ck_assert(!pager_is_resident(machine_pager(), address));
}
END_TEST

/* ---- mistakes ---- */

static void free_twice(void)
{
    uint64_t address = ex_pool_take(POOL_NONPAGED, 64, TAG, 0);

    CALL(ExFreePoolWithTag, address, TAG);
    CALL(ExFreePoolWithTag, address, TAG);
}

static void free_inside(void)
{
    CALL(ExFreePool, ex_pool_take(POOL_NONPAGED, 640, TAG, 0) + 16);
}

static void free_null(void)
{
    CALL(ExFreePool, 0);
}

static void free_user(void)
{
    CALL(ExFreePool, machine_user_allocate(4096));
}

static void free_stack(void)
{
    uint64_t local;

    CALL(ExFreePool, SLOT(&local));
}

static void free_paged_nowhere(void)
{
    CALL(ExFreePool, ARENA_PAGED + ARENA_PAGED_BYTES - 64);
}

static void free_object(void)
{
    CALL(ExFreePool, ob_create(OBJECT_EVENT, 24, NULL));
}

static void free_protected(void)
{
    CALL(ExFreePoolWithTag, ex_pool_take(POOL_NONPAGED, 8, TAG | 0x80000000u, 0), TAG);
}

static void free_contiguous_wrongly(void)
{
    CALL(MmFreeContiguousMemory, ex_pool_take(POOL_NONPAGED, 4096, TAG, 0));
}

static void raise_on_failure(void)
{
    CALL(ExAllocatePoolWithQuotaTag, 0, 1ull << 40, TAG);
}

START_TEST(bad_frees_are_bug_checks)
{
    static const struct {
        void (*body)(void);
        uint32_t code;
        uint64_t p1;
    } cases[] = {{free_twice, 0xC2, 0x07},
                 {free_inside, 0xC2, 0x99},
                 {free_null, 0xC2, 0x46},
                 {free_user, 0xC2, 0x40},
                 {free_stack, 0xC2, 0x42},
                 {free_paged_nowhere, 0xC2, 0x50},
                 {free_object, 0xC2, 0x99},
                 {free_protected, 0xC2, 0x0A},
                 {free_contiguous_wrongly, 0xC2, 0x60},
                 {raise_on_failure, 0x1E, 0xffffffffC000009Aull}};
    struct bugcheck_report report;

    ck_assert_int_lt(_i, (int)(sizeof cases / sizeof *cases));
    report = computer_bugcheck(cases[_i].body);
    ck_assert_uint_eq(report.code, cases[_i].code);
    ck_assert_uint_eq(report.parameters[0], cases[_i].p1);
    ck_assert_uint_gt(strlen(report.message), 10);
}
END_TEST

START_TEST(tag_that_differs_is_no_crash)
{
    computer_start();
    /* What Windows does: only protected pool insists on its tag. */
    CALL(ExFreePoolWithTag, ex_pool_take(POOL_NONPAGED, 8, TAG, 0), TAG + 1);
    CALL(ExFreePoolWithTag, ex_pool_take(POOL_NONPAGED, 8, TAG | 0x80000000u, 0),
         TAG | 0x80000000u);
    ck_assert(ex_pool_is_valid());
}
END_TEST

/* ---- the system's own heap ---- */

START_TEST(heap_gives_back_zeroes)
{
    computer_start();
    for (size_t bytes = 0; bytes < 5000; bytes += 61) {
        uint8_t *memory = ex_heap_take(bytes);

        ck_assert_uint_eq((uint64_t)memory % 16, 0);
        ck_assert(all_bytes(memory, bytes, 0));
        memset(memory, 0xff, bytes);
        ex_heap_give(memory);
        ck_assert_ptr_eq(ex_heap_take(bytes), memory);
    }
    ex_heap_give(NULL);
}
END_TEST

Suite *suite_pool(void)
{
    Suite *suite = suite_create("pool");
    TCase *plain = tcase_create("plain");

    tcase_set_timeout(plain, 120);
    tcase_add_loop_test(plain, stream_against_model, 0, 8);
    tcase_add_test(plain, live_blocks_are_listed_in_order);
    tcase_add_test(plain, exhaustion_is_null_and_ends);
    tcase_add_test(plain, contiguous_memory_obeys_its_limits);
    tcase_add_test(plain, flags_and_counters);
    tcase_add_test(plain, extended_parameters);
    tcase_add_test(plain, paged_pool_is_not_touched);
    tcase_add_loop_test(plain, bad_frees_are_bug_checks, 0, 10);
    tcase_add_test(plain, tag_that_differs_is_no_crash);
    tcase_add_test(plain, heap_gives_back_zeroes);
    suite_add_tcase(suite, plain);
    return suite;
}
