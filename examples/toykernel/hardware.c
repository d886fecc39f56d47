/* SPDX-License-Identifier: MIT */
/* The machine, by x64 Linux system calls (numbers and structures of its ABI), and the first
 * instruction.  No library is linked. */
#include "hardware.h"

enum {
    SYS_READ = 0,
    SYS_WRITE = 1,
    SYS_OPEN = 2,
    SYS_LSEEK = 8,
    SYS_MMAP = 9,
    SYS_MPROTECT = 10,
    SYS_SCHED_YIELD = 24,
    SYS_MINCORE = 27,
    SYS_EXIT = 60,
    PROT_READ_BIT = 1,
    PROT_WRITE_BIT = 2,
    PROT_EXEC_BIT = 4,
    MAP_PRIVATE_BIT = 2,
    MAP_FIXED_BIT = 0x10,
    MAP_ANONYMOUS_BIT = 0x20,
    MAP_NORESERVE_BIT = 0x4000,
    SEEK_TO_END = 2,
    PAGE = 4096,
};

__asm__(".globl _start\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov (%rsp), %edi\n"
        "    lea 8(%rsp), %rsi\n"
        "    and $-16, %rsp\n"
        "    call kernel_main\n"
        "    mov %eax, %edi\n"
        "    call hw_halt\n");

static int64_t call(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = 0;
    int64_t result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static int64_t map_nothing(uint64_t address, uint64_t bytes, uint64_t flags)
{
    return call(SYS_MMAP, address, bytes, 0,
                MAP_PRIVATE_BIT | MAP_ANONYMOUS_BIT | MAP_NORESERVE_BIT | flags, UINT64_MAX);
}

uint64_t hw_reserve(uint64_t bytes)
{
    int64_t address = map_nothing(0, bytes, 0);

    return address < 0 ? 0 : (uint64_t)address;
}

bool hw_map(uint64_t address, uint64_t bytes, unsigned access)
{
    uint64_t protection = PROT_READ_BIT;

    protection |= (access & HW_WRITE) != 0 ? PROT_WRITE_BIT : 0;
    protection |= (access & HW_EXECUTE) != 0 ? PROT_EXEC_BIT : 0;
    return call(SYS_MPROTECT, address, bytes, protection, 0, 0) == 0;
}

bool hw_unmap(uint64_t address, uint64_t bytes)
{
    return map_nothing(address, bytes, MAP_FIXED_BIT) == (int64_t)address;
}

uint32_t hw_present(uint64_t address, uint64_t bytes)
{
    uint32_t present = 0;

    for (uint64_t at = 0; at < bytes; at += PAGE) {
        unsigned char there = 0;

        (void)call(SYS_MINCORE, address + at, PAGE, (uint64_t)(uintptr_t)&there, 0, 0);
        present += there & 1;
    }
    return present;
}

const void *hw_disk(const char *name, size_t *bytes)
{
    int64_t file = call(SYS_OPEN, (uint64_t)(uintptr_t)name, 0, 0, 0, 0), size, address;

    if (file < 0) {
        return NULL;
    }
    size = call(SYS_LSEEK, (uint64_t)file, 0, SEEK_TO_END, 0, 0);
    if (size <= 0) {
        return NULL;
    }
    address = call(SYS_MMAP, 0, (uint64_t)size, PROT_READ_BIT, MAP_PRIVATE_BIT, (uint64_t)file);
    *bytes = (size_t)size;
    return address < 0 ? NULL : (const void *)(uintptr_t)address;
}

void hw_print(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    (void)call(SYS_WRITE, 1, (uint64_t)(uintptr_t)text, length, 0, 0);
}

void hw_pause(void)
{
    (void)call(SYS_SCHED_YIELD, 0, 0, 0, 0, 0);
}

void hw_halt(int code)
{
    for (;;) {
        (void)call(SYS_EXIT, (uint64_t)code, 0, 0, 0, 0);
    }
}
