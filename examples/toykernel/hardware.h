/* SPDX-License-Identifier: MIT */
/*
 * The toy's machine.  A real kernel has page tables, a disk and a console; here the host's system
 * calls play these parts, and nothing but hardware.c knows it.
 */
#ifndef TOYKERNEL_HARDWARE_H
#define TOYKERNEL_HARDWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HW_WRITE = 1, HW_EXECUTE = 2 };

/* Addresses without memory behind them; 0 when there are none left.  Multiples of 4096. */
uint64_t hw_reserve(uint64_t bytes);
/* Memory for a range, readable and as `access` says; or none, and any touch faults.  Memory comes
 * zeroed, and giving it back is final.  hw_map keeps what is mapped already. */
bool hw_map(uint64_t address, uint64_t bytes, unsigned access);
bool hw_unmap(uint64_t address, uint64_t bytes);
/* How many pages of a range have memory: the machine's answer, not this kernel's books. */
uint32_t hw_present(uint64_t address, uint64_t bytes);

/* The "disk": a file's bytes, for good; NULL when it cannot be read. */
const void *hw_disk(const char *name, size_t *bytes);

void hw_print(const char *text);
void hw_pause(void); /* lets another processor go on */
_Noreturn void hw_halt(int code);

/* The kernel; what the machine starts. */
int kernel_main(int argc, char **argv);

#endif
