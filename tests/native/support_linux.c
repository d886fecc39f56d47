/* SPDX-License-Identifier: MIT */
/* Sections under test, and the kernel's accounts. */
#include "support_linux.h"

#include <check.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

PAGABLE_SECTION_CODE(PAGEcode);
PAGABLE_SECTION_CONST(PAGEconst);
PAGABLE_SECTION_DATA(PAGEdata);
PAGABLE_SECTION_CODE(INIT);
PAGABLE_SECTION_DATA(INITdata);

PAGABLE_CODE("PAGEcode") int paged_routine(int x)
{
    __asm__ volatile(".fill 8192, 1, 0x90");
    return x * 3;
}

PAGABLE_CODE("INIT") int init_routine(int x)
{
    __asm__ volatile(".fill 8192, 1, 0x90");
    return x + 7;
}

PAGABLE_DATA("PAGEconst") const char paged_const[3 * 4096] = "constant";
PAGABLE_DATA("PAGEdata") char paged_data[3 * 4096 + 16] = "data";
PAGABLE_DATA("INITdata") char init_data[2 * 4096] = "once";

size_t kernel_locked(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long kilobytes = 0;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "VmLck: %lu", &kilobytes) != 1) {
    }
    ck_assert_int_eq(fclose(file), 0);
    return kilobytes * 1024;
}

void limit_locks(size_t bytes)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
    data[0].effective &= ~(1u << CAP_IPC_LOCK);
    ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

struct pagable_info query(pg_handle handle)
{
    struct pagable_info info;

    ck_assert_msg(pagable_query(handle, &info) == PG_OK, "%s", pagable_error());
    return info;
}

pg_handle handle_of(const void *address)
{
    pg_handle handle;

    ck_assert_msg(pagable_find(address, &handle) == PG_OK, "%s", pagable_error());
    return handle;
}
