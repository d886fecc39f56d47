/* SPDX-License-Identifier: MIT */
/* Who answers at ports and physical addresses, and the mappings of registers. */
#include "machine/hardware.h"

#include "guest.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A device of plain bytes. */
struct bytes {
    uint8_t at[64];
    uint32_t last_offset;
    unsigned last_bytes;
};

static uint64_t read_bytes(void *context, uint32_t offset, unsigned bytes)
{
    struct bytes *device = context;
    uint64_t value = UINT64_MAX; /* what lies beyond the width is nobody's business */

    memcpy(&value, &device->at[offset], bytes);
    device->last_offset = offset;
    device->last_bytes = bytes;
    return value;
}

static void write_bytes(void *context, uint32_t offset, unsigned bytes, uint64_t value)
{
    struct bytes *device = context;

    memcpy(&device->at[offset], &value, bytes);
    device->last_offset = offset;
    device->last_bytes = bytes;
}

static struct bytes device, other;
static const struct io_range range = {read_bytes, write_bytes, &device};
static const struct io_range other_range = {read_bytes, write_bytes, &other};

START_TEST(ports_belong_to_one)
{
    start(1);
    ck_assert(machine_ports_claim(0x3f8, 8, &range));
    ck_assert(!machine_ports_claim(0x3ff, 8, &other_range));
    ck_assert(!machine_ports_claim(0x3f1, 8, &other_range));
    ck_assert(!machine_ports_claim(0x3fa, 1, &other_range));
    ck_assert(machine_ports_claim(0x3f0, 8, &other_range));
    ck_assert(machine_ports_claim(0x400, 1, &other_range));
    ck_assert(!machine_ports_claim(0x100, 0, &other_range));
    ck_assert(!machine_ports_claim(0xfff8, 9, &other_range));
    ck_assert(machine_ports_claim(0xfff8, 8, &other_range));
    machine_ports_release(0x3f8, 4); /* not what was claimed: nothing happens */
    ck_assert(!machine_ports_claim(0x3f8, 1, &range));
    machine_ports_release(0x3f8, 8);
    ck_assert(machine_ports_claim(0x3f8, 1, &range));
}
END_TEST

START_TEST(the_table_of_claims_has_an_end)
{
    uint16_t n = 0;

    start(1);
    while (machine_ports_claim(n, 1, &range)) {
        n++;
        ck_assert_uint_lt(n, 1000);
    }
    ck_assert_uint_eq(n, 255);
    ck_assert_uint_eq(io_port_read(254, 1, 0), device.at[0]);
    machine_ports_release(17, 1);
    ck_assert(machine_ports_claim(17, 1, &other_range));
}
END_TEST

START_TEST(an_access_in_one_claim_goes_there_as_it_is)
{
    start(1);
    ck_assert(machine_ports_claim(0x3f8, 8, &range));
    io_port_write(0x3fa, 4, 0xaabbccdd11223344ull, 0);
    ck_assert_uint_eq(device.last_offset, 2);
    ck_assert_uint_eq(device.last_bytes, 4);
    ck_assert_uint_eq(io_port_read(0x3fa, 4, 0), 0x11223344);
    ck_assert_uint_eq(io_port_read(0x3fb, 2, 0), 0x2233);
    ck_assert_uint_eq(io_port_read(0x3fd, 1, 0), 0x11);
    ck_assert_uint_eq(M->counters.port_accesses, 4);
    ck_assert_uint_eq(machine_time(), 40);
}
END_TEST

START_TEST(an_access_across_claims_goes_byte_by_byte)
{
    char text[200];

    start(1);
    ck_assert(machine_ports_claim(0x100, 2, &range));
    ck_assert(machine_ports_claim(0x103, 1, &other_range));
    device.at[0] = 0x11;
    device.at[1] = 0x22;
    other.at[0] = 0x44;
    ck_assert_uint_eq(io_port_read(0x100, 4, 0), 0x44ff2211);
    ck_assert_uint_eq(device.last_bytes, 1);
    io_port_write(0x101, 4, 0xddccbbaa, 0);
    ck_assert_uint_eq(device.at[1], 0xaa);
    ck_assert_uint_eq(other.at[0], 0xcc);
    ck_assert_uint_eq(io_port_read(0xffff, 4, 0), 0xffffffff);
    channel_be_reader(channel);
    ck_assert(find_notice(text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "port 0x102 was read"));
    ck_assert(find_notice(text, sizeof text)); /* each port once, whether read or written */
    ck_assert_ptr_nonnull(strstr(text, "port 0x104 was written"));
}
END_TEST

START_TEST(notices_of_ports_have_an_end)
{
    char text[200];
    int count = 0;

    start(1);
    for (uint32_t port = 0; port < 65536; port++) {
        ck_assert_uint_eq(io_port_read((uint16_t)port, 1, 0), 0xff);
    }
    channel_be_reader(channel);
    while (find_notice(text, sizeof text)) {
        count++;
    }
    ck_assert_int_eq(count, 16);
    ck_assert_ptr_nonnull(strstr(text, "no more ports are reported"));
}
END_TEST

START_TEST(memory_belongs_to_one)
{
    start(1);
    ck_assert(machine_memory_claim(0xfed00000, 64, &range));
    ck_assert(!machine_memory_claim(0xfed0003f, 1, &other_range));
    ck_assert(!machine_memory_claim(0xfecfffff, 2, &other_range));
    ck_assert(machine_memory_claim(0xfed00040, 64, &other_range));
    ck_assert(!machine_memory_claim(0, 0, &other_range));
    ck_assert(!machine_memory_claim(UINT64_MAX - 10, 64, &other_range));
    machine_memory_release(0xfed00000, 64);
    ck_assert(machine_memory_claim(0xfed0003f, 1, &range));
}
END_TEST

START_TEST(mappings_lead_to_physical_memory)
{
    uint64_t at, again;
    char text[200];

    start(1);
    ck_assert(machine_memory_claim(0xfed00ff8, 16, &range)); /* spans two pages */
    at = machine_io_map(0xfed00ff8, 16);
    again = machine_io_map(0xfed00ffc, 4);
    ck_assert_uint_eq(at % PG_PAGE_SIZE, 0xff8);
    ck_assert_uint_eq(again % PG_PAGE_SIZE, 0xffc);
    ck_assert(io_is_mapped(at) && io_is_mapped(at + 15) && io_is_mapped(again));
    ck_assert_uint_ne(at / PG_PAGE_SIZE, again / PG_PAGE_SIZE);
    io_mapped_write(at + 4, 8, 0x8877665544332211ull, 0);
    ck_assert_uint_eq(io_mapped_read(again, 4, 0), 0x44332211);
    ck_assert_uint_eq(io_mapped_read(at + 8, 4, 0), 0x88776655);
    /* Where nobody is, on the same pages. */
    ck_assert_uint_eq(io_mapped_read(at - 2, 4, 0), 0x0000ffff);
    io_mapped_write(at - 0x100, 4, 1, 0);
    channel_be_reader(channel);
    ck_assert(find_notice(text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "physical memory at 0xfed00ff6 was read"));
    ck_assert(!find_notice(text, sizeof text)); /* once a page */
    ck_assert(!machine_io_unmap(at, 15));
    ck_assert(!machine_io_unmap(at + 8, 16));
    ck_assert(!machine_io_unmap(0x1234, 16));
    ck_assert(machine_io_unmap(at, 16));
    ck_assert(!machine_io_unmap(at, 16));
    ck_assert(!io_is_mapped(at));
    ck_assert(io_is_mapped(again));
    ck_assert_uint_eq(M->counters.register_accesses, 5);
}
END_TEST

START_TEST(mappings_run_out_and_come_back)
{
    uint64_t at[2000];
    uint32_t count = 0;

    start(1);
    ck_assert_uint_eq(machine_io_map(0, 0), 0);
    ck_assert_uint_eq(machine_io_map(0, ARENA_IO_BYTES + 1), 0);
    ck_assert_uint_eq(machine_io_map(UINT64_MAX - 1, 4096), 0);
    at[0] = machine_io_map(0x1000, ARENA_IO_BYTES);
    ck_assert_uint_eq(at[0], ARENA_IO);
    ck_assert_uint_eq(machine_io_map(0x1000, 1), 0);
    ck_assert(machine_io_unmap(at[0], ARENA_IO_BYTES));
    while ((at[count] = machine_io_map(0x1000 * count, 1)) != 0) {
        count++;
        ck_assert_uint_lt(count, 2000);
    }
    ck_assert_uint_ge(count, 1000);
    ck_assert(machine_io_unmap(at[500], 1));
    ck_assert_uint_eq(machine_io_map(0xfed00000, 4096), at[500]);
}
END_TEST

/* ---- the system on registers; a driver behind them ---- */

static uint64_t mapped;

static void touch_registers(void *argument)
{
    (void)argument;
    machine_touch(mapped, 4, PAGER_READ);
}

static void system_touches(void)
{
    mapped = machine_io_map(0xfed00000, 4096);
    machine_thread_new(touch_registers, NULL);
    run_all();
}

START_TEST(system_routines_do_not_work_on_registers)
{
    struct run_end end = end_of(system_touches, NULL);

    ck_assert_int_eq(end.outcome, RUN_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(end.reason, "a system routine that works on the registers"));
}
END_TEST

static void use_after_unmap(void)
{
    make_module(true);
    mapped = machine_io_map(0xfed00000, 4096);
    ck_assert(machine_io_unmap(mapped, 4096));
    run_guest(EMIT(0x8b, 0x01, 0xc3), mapped); /* mov eax, [rcx]; ret */
}

static void run_registers(void)
{
    make_module(true);
    mapped = machine_io_map(0xfed00000, 4096);
    run_guest(EMIT(0xff, 0xe1), mapped); /* jmp rcx */
}

START_TEST(what_is_not_mapped_is_no_memory)
{
    struct bugcheck_report report = bugcheck_of(use_after_unmap);

    ck_assert_uint_eq(report.code, 0x50);
    ck_assert_uint_eq(report.parameters[0], ARENA_IO);
    report = bugcheck_of(run_registers);
    ck_assert_uint_eq(report.code, 0x50);
    ck_assert_uint_eq(report.parameters[1], 0x10); /* run */
}
END_TEST

static void vector_load(void)
{
    make_module(true);
    mapped = machine_io_map(0xfed00000, 4096);
    run_guest(EMIT(0xf3, 0x0f, 0x6f, 0x01, 0xc3), mapped); /* movdqu xmm0, [rcx]; ret */
}

START_TEST(an_instruction_that_is_not_emulated_is_named)
{
    struct run_end end = end_of(vector_load, NULL);

    ck_assert_int_eq(end.outcome, RUN_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(end.reason, "\"movdqu xmm0, [rcx]\""));
    ck_assert_ptr_nonnull(strstr(end.reason, "registers of a device"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_space");
    TCase *tests = tcase_create("io_space");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, ports_belong_to_one);
    tcase_add_test(tests, the_table_of_claims_has_an_end);
    tcase_add_test(tests, an_access_in_one_claim_goes_there_as_it_is);
    tcase_add_test(tests, an_access_across_claims_goes_byte_by_byte);
    tcase_add_test(tests, notices_of_ports_have_an_end);
    tcase_add_test(tests, memory_belongs_to_one);
    tcase_add_test(tests, mappings_lead_to_physical_memory);
    tcase_add_test(tests, mappings_run_out_and_come_back);
    tcase_add_test(tests, system_routines_do_not_work_on_registers);
    tcase_add_test(tests, what_is_not_mapped_is_no_memory);
    tcase_add_test(tests, an_instruction_that_is_not_emulated_is_named);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
