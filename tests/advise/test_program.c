/* SPDX-License-Identifier: MIT */
/*
 * Functions, blocks and calls: images with code by hand whose answer is known, under the invariants
 * of program.h.
 */
#include "advise/program.h"
#include "check_program.h"
#include "support/run.h"
#include "tiny_image.h"

#include <check.h>

static struct tiny tiny;
static struct image image;
static struct program program;

/* ---- helpers ---- */

static void build(void)
{
    struct image_error error;

    tiny_end(&tiny);
    ck_assert_msg(image_open(tiny.bytes, sizeof(tiny.bytes), &image, &error) == PG_OK, "%s: %s",
                  error.structure, error.reason);
    ck_assert_int_eq(program_build(&image, NULL, &program), PG_OK);
    check_program(&program);
}

static const struct function *function_at(uint32_t rva)
{
    uint32_t index = program_function_at(&program, rva);

    ck_assert_msg(index != NO_INDEX, "no function at %x", rva);
    return &program.functions[index];
}

static const struct block *block_at(uint32_t rva)
{
    for (uint32_t i = 0; i < program.block_count; i++) {
        if (program.blocks[i].rva == rva) {
            return &program.blocks[i];
        }
    }
    ck_abort_msg("no block at %x", rva);
    return NULL;
}

/* The call that an instruction makes. */
static const struct call *call_at(uint32_t rva)
{
    for (uint32_t i = 0; i < program.call_count; i++) {
        if (program.micros[program.calls[i].micro].rva == rva) {
            return &program.calls[i];
        }
    }
    ck_abort_msg("no call at %x", rva);
    return NULL;
}

static void expect_import(uint32_t rva, enum tiny_import import, bool tail)
{
    const struct call *call = call_at(rva);

    ck_assert_uint_eq(call->target, CALL_IMPORT);
    ck_assert_uint_eq(program.imports[call->index].slot_rva, tiny_slot(import));
    ck_assert(call->tail == tail && call->indirect && call->via == MICRO_NO_REGISTER);
}

static void expect_function(uint32_t rva, uint32_t target, bool tail)
{
    const struct call *call = call_at(rva);

    ck_assert_uint_eq(call->target, CALL_FUNCTION);
    ck_assert_uint_eq(program.functions[call->index].rva, target);
    ck_assert_uint_eq(call->tail, tail);
}

static void expect_successors(uint32_t rva, const uint32_t *expected, uint32_t count)
{
    const struct block *block = block_at(rva);

    ck_assert_uint_eq(block->successor_count, count);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(program.blocks[program.successors[block->first_successor + i]].rva,
                          expected[i]);
    }
}

/* ---- where functions come from ---- */

/* Of five routines .pdata knows one: the others have no frame. */
static void put_five(void)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "4883ec28 e800000000 488d0d00000000 ff1500000000 4883c428 c3");
    tiny_relative(&tiny, 0x1005, 0x1040);
    tiny_relative(&tiny, 0x100c, 0x1070);
    tiny_relative(&tiny, 0x1012, tiny_slot(TINY_SET_EVENT));
    tiny_put(&tiny, 0x1040, "b201 ff2500000000"); /* mov dl, 1; jmp KeReleaseMutex */
    tiny_relative(&tiny, 0x1044, tiny_slot(TINY_RELEASE_MUTEX));
    tiny_put(&tiny, 0x1050, "41b001 ff2500000000"); /* mov r8b, 1; jmp KeSetEvent */
    tiny_relative(&tiny, 0x1055, tiny_slot(TINY_SET_EVENT));
    tiny_put(&tiny, 0x1060, "440f22c1 c3"); /* mov cr8, rcx */
    tiny_put(&tiny, 0x1070, "31c0 c3");
    tiny_pointer(&tiny, TINY_DATA, 0x1050);
    tiny_function(&tiny, 0x1000, 0x101b, TINY_UNWIND);
}

START_TEST(five_functions)
{
    put_five();
    build();
    ck_assert_uint_eq(program.function_count, 5);
    ck_assert_uint_eq(function_at(0x1000)->sources, FROM_PDATA);
    ck_assert_uint_eq(function_at(0x1040)->sources, FROM_CALL);
    ck_assert_uint_eq(function_at(0x1050)->sources, FROM_POINTER);
    ck_assert_uint_eq(function_at(0x1060)->sources, FROM_GAP);
    ck_assert_uint_eq(function_at(0x1070)->sources, FROM_POINTER);
    ck_assert(!function_at(0x1040)->address_taken && function_at(0x1050)->address_taken);
    ck_assert(function_at(0x1070)->address_taken);
    ck_assert_uint_eq(function_at(0x1040)->caller_count, 1);
    expect_function(0x1004, 0x1040, false);
    expect_import(0x1010, TINY_SET_EVENT, false);
    expect_import(0x1042, TINY_RELEASE_MUTEX, true);
    expect_import(0x1053, TINY_SET_EVENT, true);
    ck_assert(block_at(0x1000)->returns && !block_at(0x1040)->returns);
    ck_assert_str_eq(function_at(0x1060)->name, "sub_1060");
    ck_assert_uint_eq(program.bytes_executable, 0x1b + 8 + 9 + 5 + 3);
    ck_assert_uint_eq(program.bytes_decoded, program.bytes_executable);
    ck_assert_uint_eq(program_function_holding(&program, 0x1044),
                      program_function_at(&program, 0x1040));
    ck_assert_uint_eq(program_function_holding(&program, 0x104f), NO_INDEX);
    program_release(&program);
}
END_TEST

START_TEST(pointers_and_slots)
{
    uint32_t target;

    put_five();
    tiny_pointer(&tiny, TINY_DATA + 0x13, TINY_RDATA + 5); /* not aligned, not in order */
    tiny_pointer(&tiny, TINY_DATA + 8, 0x1000);
    build();
    ck_assert(program_pointer_at(&program, TINY_DATA, &target) && target == 0x1050);
    ck_assert(program_pointer_at(&program, TINY_DATA + 8, &target) && target == 0x1000);
    ck_assert(program_pointer_at(&program, TINY_DATA + 0x13, &target) && target == 0x2005);
    ck_assert(!program_pointer_at(&program, TINY_DATA + 4, &target));
    ck_assert(function_at(0x1000)->address_taken);
    for (uint32_t i = 0; i < TINY_IMPORTS; i++) {
        ck_assert_uint_ne(program_import_at(&program, tiny_slot(i)), NO_INDEX);
    }
    ck_assert_uint_eq(program_import_at(&program, tiny_slot(0) + 4), NO_INDEX);
    ck_assert_uint_eq(program_import_at(&program, 0), NO_INDEX);
    program_release(&program);
}
END_TEST

START_TEST(chained_parts)
{
    static const uint32_t both[] = {0x1007, 0x1100};

    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "53 0f8400000000 5b c3"); /* push rbx; je part; pop; ret */
    tiny_relative(&tiny, 0x1003, 0x1100);
    tiny_put(&tiny, 0x1100, "90 e900000000"); /* back */
    tiny_relative(&tiny, 0x1102, 0x1007);
    tiny_function(&tiny, 0x1000, 0x1009, TINY_UNWIND);
    tiny_function(&tiny, 0x1100, 0x1106, TINY_CHAINED);
    tiny_put32(&tiny, TINY_PARENT, 0x1000);
    tiny_put32(&tiny, TINY_PARENT + 4, 0x1009);
    tiny_put32(&tiny, TINY_PARENT + 8, TINY_UNWIND);
    build();
    ck_assert_uint_eq(program.function_count, 1);
    ck_assert_uint_eq(program.functions[0].bytes, 9 + 6);
    ck_assert_uint_eq(program.call_count, 0);
    ck_assert_uint_eq(program.range_count, 1);
    expect_successors(0x1000, both, 2);
    expect_successors(0x1100, both, 1);
    ck_assert_uint_eq(program_function_holding(&program, 0x1105), 0);
    program_release(&program);
}
END_TEST

START_TEST(guard)
{
    tiny_begin(&tiny);
    /* call check; call [dispatch]; jmp [dispatch] */
    tiny_put(&tiny, 0x1000, "ff1500000000 ff1500000000 48ff2500000000");
    tiny_relative(&tiny, 0x1002, TINY_DATA);
    tiny_relative(&tiny, 0x1008, TINY_DATA + 8);
    tiny_relative(&tiny, 0x100f, TINY_DATA + 8);
    tiny_function(&tiny, 0x1000, 0x1013, TINY_UNWIND);
    tiny_put(&tiny, 0x1040, "31c0 c3");
    tiny_put32(&tiny, 0x2100, 0x1040);
    tiny_guard(&tiny, TINY_DATA, TINY_DATA + 8, 0x2100, 1);
    build();
    ck_assert_uint_eq(function_at(0x1040)->sources, FROM_GUARD);
    ck_assert(function_at(0x1040)->address_taken);
    ck_assert_uint_eq(program.call_count, 2);
    ck_assert(call_at(0x1006)->via == 0 && !call_at(0x1006)->tail);
    ck_assert(call_at(0x100c)->via == 0 && call_at(0x100c)->tail);
    ck_assert_uint_eq(call_at(0x100c)->target, CALL_UNRESOLVED);
    program_release(&program);
}
END_TEST

START_TEST(retpoline)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "e800000000 e900000000"); /* call r; jmp r */
    tiny_relative(&tiny, 0x1001, 0x1040);
    tiny_relative(&tiny, 0x1006, 0x1040);
    /* r: call 0x1050; pause; lfence; jmp to the pause.  0x1050: mov [rsp], r11; ret */
    tiny_put(&tiny, 0x1040, "e80b000000 f390 0faee8 ebf9 0f1f4000 4c891c24 c3");
    tiny_put(&tiny, 0x1080, "e8cbffffff e808000000 c3"); /* call 0x1050; call 0x1092 */
    tiny_put(&tiny, 0x1092, "ffe0");
    tiny_function(&tiny, 0x1000, 0x100a, TINY_UNWIND);
    tiny_function(&tiny, 0x1080, 0x108b, TINY_UNWIND);
    build();
    ck_assert_uint_eq(call_at(0x1000)->target, CALL_UNRESOLVED);
    ck_assert(call_at(0x1000)->via == 11 && call_at(0x1000)->indirect && !call_at(0x1000)->tail);
    ck_assert_uint_eq(call_at(0x1005)->target, CALL_UNRESOLVED);
    ck_assert(call_at(0x1005)->via == 11 && call_at(0x1005)->tail);
    ck_assert_uint_eq(call_at(0x1040)->target, CALL_FUNCTION);
    ck_assert_uint_eq(call_at(0x1085)->target, CALL_UNRESOLVED);
    ck_assert(call_at(0x1085)->via == 0);
    program_release(&program);
}
END_TEST

START_TEST(framework_table)
{
    static const char name[] = "KmdfLibrary";

    put_five();
    for (uint32_t i = 0; i < sizeof(name); i++) {
        tiny_put32(&tiny, 0x2100 + 2 * i, (uint8_t)name[i]);
    }
    tiny_put32(&tiny, TINY_DATA + 0x40, 0x30);
    tiny_pointer(&tiny, TINY_DATA + 0x48, 0x2100);
    tiny_put32(&tiny, TINY_DATA + 0x50, 1);
    tiny_put32(&tiny, TINY_DATA + 0x54, 15);
    tiny_put32(&tiny, TINY_DATA + 0x5c, 444);
    tiny_pointer(&tiny, TINY_DATA + 0x60, TINY_DATA + 0x100);
    build();
    ck_assert_uint_eq(program.wdf_table_rva, TINY_DATA + 0x100);
    program_release(&program);
    tiny_put32(&tiny, TINY_DATA + 0x40, 0x28); /* another structure */
    build();
    ck_assert_uint_eq(program.wdf_table_rva, 0);
    program_release(&program);
}
END_TEST

/* ---- flow ---- */

START_TEST(ends_of_flow)
{
    tiny_begin(&tiny);
    /* KeBugCheckEx does not return; int 29h does not go on; int3 alone does */
    tiny_put(&tiny, 0x1000, "ff1500000000 cccccc");
    tiny_relative(&tiny, 0x1002, tiny_slot(TINY_BUG_CHECK));
    tiny_put(&tiny, 0x1020, "b903000000 cd29");
    tiny_put(&tiny, 0x1040, "cc 31c0 c3");
    tiny_function(&tiny, 0x1000, 0x1006, TINY_UNWIND);
    tiny_function(&tiny, 0x1020, 0x1027, TINY_UNWIND);
    tiny_function(&tiny, 0x1040, 0x1044, TINY_UNWIND);
    build();
    ck_assert_uint_eq(program.function_count, 3);
    ck_assert_uint_eq(function_at(0x1000)->bytes, 6);
    ck_assert_uint_eq(function_at(0x1020)->bytes, 7);
    ck_assert(!block_at(0x1000)->returns && !block_at(0x1020)->returns);
    ck_assert(block_at(0x1040)->returns && block_at(0x1040)->bytes == 4);
    ck_assert(!function_at(0x1000)->incomplete && !function_at(0x1020)->incomplete);
    program_release(&program);
}
END_TEST

START_TEST(tail_calls)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "85c9 0f8500000000 e900000000"); /* jne g; jmp h */
    tiny_relative(&tiny, 0x1004, 0x1040);
    tiny_relative(&tiny, 0x1009, 0x1080);
    tiny_put(&tiny, 0x1040, "ffc1 90 488b4110 48ffe0"); /* jmp rax */
    tiny_put(&tiny, 0x1080, "31c0 75f9 c3");            /* jumps to 107d, before itself */
    tiny_put(&tiny, 0x107d, "909090");                  /* runs on into 1080 */
    tiny_function(&tiny, 0x1000, 0x100d, TINY_UNWIND);
    tiny_function(&tiny, 0x1040, 0x104a, TINY_UNWIND);
    tiny_function(&tiny, 0x1080, 0x1085, TINY_UNWIND);
    build();
    expect_function(0x1002, 0x1040, true);
    expect_function(0x1008, 0x1080, true);
    expect_successors(0x1000, (uint32_t[]){0x1008}, 1);
    ck_assert(call_at(0x1047)->tail && call_at(0x1047)->indirect);
    ck_assert_uint_eq(call_at(0x1047)->target, CALL_UNRESOLVED);
    ck_assert(!block_at(0x1040)->unresolved);
    ck_assert_uint_eq(program.jumps_unresolved, 0);
    expect_function(0x1082, 0x107d, true);
    expect_function(0x107f, 0x1080, true); /* the nop */
    program_release(&program);
}
END_TEST

/* A jump to the middle of another routine makes a routine of it. */
START_TEST(shared_code)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "31c0 ffc0 c3");
    tiny_put(&tiny, 0x1020, "ffc1 eb00");
    tiny_relative(&tiny, 0x1024, 0x1002);
    tiny_put(&tiny, 0x1022, "0f84");
    tiny_put(&tiny, 0x1028, "c3");
    tiny_function(&tiny, 0x1000, 0x1005, TINY_UNWIND);
    tiny_function(&tiny, 0x1020, 0x1029, TINY_UNWIND);
    build();
    ck_assert_uint_eq(program.function_count, 3);
    ck_assert_uint_eq(function_at(0x1002)->sources, FROM_CALL);
    ck_assert_uint_eq(function_at(0x1002)->caller_count, 2);
    expect_function(0x1000, 0x1002, true);
    expect_function(0x1022, 0x1002, true);
    program_release(&program);
}
END_TEST

START_TEST(data_in_code)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "31c0 c3");
    tiny_put(&tiny, 0x1010, "0102030405 060708"); /* ends in no instruction */
    tiny_put(&tiny, 0x1020, "ffc0 c3");
    tiny_put(&tiny, 0x1030, "0f1f4000 c3"); /* nops are padding until a routine begins */
    tiny_function(&tiny, 0x1000, 0x1003, TINY_UNWIND);
    build();
    ck_assert_uint_eq(program_function_holding(&program, 0x1012), NO_INDEX);
    ck_assert_uint_eq(function_at(0x1020)->sources, FROM_GAP);
    ck_assert_uint_eq(program.bytes_executable - program.bytes_decoded, 0x10);
    program_release(&program);
}
END_TEST

/* ---- jump tables: four cases at 1040, 1043, 1046, 1049, else 1050 ---- */

#define TABLE 0x2100u

enum entries { RVAS, RELATIVE, ADDRESSES };

static void put_cases(enum entries entries)
{
    tiny_put(&tiny, 0x1040, "ffc0c3 ffc1c3 ffc2c3 ffc3c3");
    tiny_put(&tiny, 0x1050, "c3");
    tiny_function(&tiny, 0x1000, 0x1051, TINY_UNWIND);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t target = 0x1040 + 3 * i;

        if (entries == ADDRESSES) {
            tiny_pointer(&tiny, TABLE + 8 * i, target);
        } else {
            tiny_put32(&tiny, TABLE + 4 * i, entries == RVAS ? target : target - TABLE);
        }
    }
}

static void expect_cases(uint32_t jump_block)
{
    static const uint32_t cases[] = {0x1040, 0x1043, 0x1046, 0x1049};

    build();
    ck_assert_uint_eq(program.function_count, 1);
    ck_assert_uint_eq(program.call_count, 0);
    ck_assert_uint_eq(program.jumps_unresolved, 0);
    ck_assert(!program.functions[0].incomplete);
    expect_successors(jump_block, cases, 4);
    program_release(&program);
}

START_TEST(table_of_rvas)
{
    tiny_begin(&tiny); /* cmp; ja; movsxd; lea rdx, image; mov ecx, [rdx+rax*4+table]; add; jmp */
    tiny_put(&tiny, 0x1000, "83f903 774b 4863c1 488d1500000000 8b8c8200000000 4803ca ffe1");
    tiny_relative(&tiny, 0x100b, 0);
    tiny_put32(&tiny, 0x1012, TABLE);
    put_cases(RVAS);
    expect_cases(0x1005);
}
END_TEST

START_TEST(table_of_bytes)
{
    tiny_begin(&tiny); /* movzx eax, byte [rdx+rax+2200h] in between */
    tiny_put(&tiny, 0x1000,
             "83f905 774b 488d1500000000 89c8 0fb6840200220000 8b8c8200000000 4803ca "
             "ffe1");
    tiny_relative(&tiny, 0x1008, 0);
    tiny_put32(&tiny, 0x1019, TABLE);
    tiny_put(&tiny, 0x2200, "000102030303");
    put_cases(RVAS);
    expect_cases(0x1005);
}
END_TEST

START_TEST(table_of_distances)
{
    tiny_begin(&tiny); /* mov eax, ecx; lea rcx, table; movsxd rax, [rcx+rax*4]; add; jmp */
    tiny_put(&tiny, 0x1000, "83f903 774b 89c8 488d0d00000000 48630481 4801c8 ffe0");
    tiny_relative(&tiny, 0x100a, TABLE);
    put_cases(RELATIVE);
    expect_cases(0x1005);
}
END_TEST

START_TEST(table_of_addresses)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "83f904 734b 89c8 488d0d00000000 ff24c1"); /* jae */
    tiny_relative(&tiny, 0x100a, TABLE);
    put_cases(ADDRESSES);
    expect_cases(0x1005);
}
END_TEST

START_TEST(table_with_mask)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "83e103 6690 89c8 488d0d00000000 48630481 4801c8 ffe0");
    tiny_relative(&tiny, 0x100a, TABLE);
    put_cases(RELATIVE);
    expect_cases(0x1000);
}
END_TEST

START_TEST(table_without_optimization)
{
    tiny_begin(&tiny); /* mov [rsp+8], ecx; sub ecx, 3; ja; mov eax, [rsp+8]; ... */
    tiny_put(&tiny, 0x1000, "894c2408 83e903 7747 8b442408 488d0d00000000 48630481 4801c8 ffe0");
    tiny_relative(&tiny, 0x1010, TABLE);
    put_cases(RELATIVE);
    expect_cases(0x1009);
}
END_TEST

START_TEST(table_loaded_before_a_branch)
{
    tiny_begin(&tiny); /* lea r8, table; test; je +2; ffc2; cmp; ja; ... */
    tiny_put(&tiny, 0x1000,
             "4c8d0500000000 85d2 7402 ffc2 83f903 773e 4963c8 89c8 49630480 4c01c0 "
             "ffe0");
    tiny_relative(&tiny, 0x1003, TABLE);
    tiny_put(&tiny, 0x1012, "666690"); /* instead of movsxd */
    put_cases(RELATIVE);
    expect_cases(0x1012);
}
END_TEST

START_TEST(table_unbounded)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "83f903 6690 89c8 488d0d00000000 48630481 4801c8 ffe0");
    tiny_relative(&tiny, 0x100a, TABLE);
    put_cases(RELATIVE);
    build();
    ck_assert_uint_eq(program.jumps_unresolved, 1);
    ck_assert(block_at(0x1000)->unresolved && program.functions[0].incomplete);
    ck_assert_uint_eq(program.call_count, 0);
    /* The cases are in the range of .pdata, so they are decoded all the same. */
    ck_assert_uint_eq(program.function_count, 1);
    ck_assert_uint_eq(program.bytes_decoded, program.bytes_executable);
    program_release(&program);
}
END_TEST

START_TEST(table_with_wrong_entry)
{
    tiny_begin(&tiny);
    tiny_put(&tiny, 0x1000, "83f903 774b 89c8 488d0d00000000 48630481 4801c8 ffe0");
    tiny_relative(&tiny, 0x100a, TABLE);
    put_cases(RELATIVE);
    tiny_put32(&tiny, TABLE + 8, 0x7fffffff);
    build();
    ck_assert_uint_eq(program.jumps_unresolved, 1);
    program_release(&program);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("program");
    TCase *starts = tcase_create("starts"), *flow = tcase_create("flow");
    TCase *tables = tcase_create("tables");

    tcase_add_test(starts, five_functions);
    tcase_add_test(starts, pointers_and_slots);
    tcase_add_test(starts, chained_parts);
    tcase_add_test(starts, guard);
    tcase_add_test(starts, retpoline);
    tcase_add_test(starts, framework_table);
    suite_add_tcase(suite, starts);
    tcase_add_test(flow, ends_of_flow);
    tcase_add_test(flow, tail_calls);
    tcase_add_test(flow, shared_code);
    tcase_add_test(flow, data_in_code);
    suite_add_tcase(suite, flow);
    tcase_add_test(tables, table_of_rvas);
    tcase_add_test(tables, table_of_bytes);
    tcase_add_test(tables, table_of_distances);
    tcase_add_test(tables, table_of_addresses);
    tcase_add_test(tables, table_with_mask);
    tcase_add_test(tables, table_without_optimization);
    tcase_add_test(tables, table_loaded_before_a_branch);
    tcase_add_test(tables, table_unbounded);
    tcase_add_test(tables, table_with_wrong_entry);
    suite_add_tcase(suite, tables);
    return run_suite(suite);
}
