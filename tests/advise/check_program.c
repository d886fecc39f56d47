/* SPDX-License-Identifier: MIT */
#include "check_program.h"

#include "advise/program.h"

#include <check.h>

static void check_blocks(const struct program *p, uint32_t f)
{
    const struct function *function = &p->functions[f];
    uint32_t bytes = 0;

    ck_assert_uint_ge(function->block_count, 1);
    ck_assert_uint_eq(p->blocks[function->first_block].rva, function->rva);
    for (uint32_t i = 0; i < function->block_count; i++) {
        const struct block *block = &p->blocks[function->first_block + i];
        uint32_t at = block->rva;

        ck_assert_uint_eq(block->function, f);
        ck_assert(i < 2 || block[-1].rva < block->rva);
        ck_assert_uint_ge(block->micro_count, 1);
        for (uint32_t m = 0; m < block->micro_count; m++) {
            const struct micro *micro = &p->micros[block->first_micro + m];

            ck_assert_uint_eq(micro->rva, at);
            ck_assert_uint_ne(micro->kind, MICRO_INVALID);
            at += micro->length;
        }
        ck_assert_uint_eq(at, block->rva + block->bytes);
        ck_assert_uint_eq(program_function_holding(p, block->rva), f);
        ck_assert_uint_eq(program_function_holding(p, at - 1), f);
        ck_assert_uint_le(block->first_successor + block->successor_count, p->successor_count);
        for (uint32_t s = 0; s < block->successor_count; s++) {
            uint32_t to = p->successors[block->first_successor + s];

            ck_assert_uint_lt(to, p->block_count);
            ck_assert_uint_eq(p->blocks[to].function, f);
        }
        bytes += block->bytes;
    }
    ck_assert_uint_eq(bytes, function->bytes);
}

static void check_calls(const struct program *p, uint32_t f)
{
    const struct function *function = &p->functions[f];

    for (uint32_t i = 0; i < function->call_count; i++) {
        const struct call *call = &p->calls[function->first_call + i];
        const struct block *block = &p->blocks[call->block];

        ck_assert_uint_eq(block->function, f);
        ck_assert(call->micro - block->first_micro < block->micro_count);
        ck_assert(i == 0 || call[-1].block <= call->block);
        if (call->target == CALL_FUNCTION) {
            ck_assert_uint_lt(call->index, p->function_count);
        } else if (call->target == CALL_IMPORT) {
            ck_assert_uint_lt(call->index, p->import_count);
        } else {
            ck_assert_uint_eq(call->target, CALL_UNRESOLVED);
        }
    }
    for (uint32_t i = 0; i < function->caller_count; i++) {
        const struct call *call = &p->calls[p->callers[function->first_caller + i]];

        ck_assert(call->target == CALL_FUNCTION && call->index == f);
    }
}

void check_program(const struct program *p)
{
    uint32_t blocks = 0, calls = 0;

    ck_assert(p->bytes_decoded <= p->bytes_executable);
    for (uint32_t f = 0; f < p->function_count; f++) {
        const struct function *function = &p->functions[f];

        ck_assert(f == 0 || function[-1].rva < function->rva);
        ck_assert_uint_eq(function->first_block, blocks);
        ck_assert_uint_eq(function->first_call, calls);
        ck_assert_ptr_nonnull(function->name);
        ck_assert_uint_ne(function->sources, 0);
        ck_assert(program_section(p, function)->executable);
        ck_assert_uint_eq(program_function_at(p, function->rva), f);
        check_blocks(p, f);
        check_calls(p, f);
        blocks += function->block_count;
        calls += function->call_count;
    }
    ck_assert_uint_eq(blocks, p->block_count);
    ck_assert_uint_eq(calls, p->call_count);
    for (uint32_t i = 1; i < p->micro_count; i++) {
        ck_assert_uint_lt(p->micros[i - 1].rva, p->micros[i].rva);
    }
    for (uint32_t i = 1; i < p->range_count; i++) {
        ck_assert_uint_le(p->ranges[i - 1].end_rva, p->ranges[i].rva);
    }
}
