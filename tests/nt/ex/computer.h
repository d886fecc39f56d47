/* SPDX-License-Identifier: MIT */
/* A computer in the test's own process, and calls into its exports as a driver would make them. */
#ifndef PAGABLE_TESTS_NT_EX_COMPUTER_H
#define PAGABLE_TESTS_NT_EX_COMPUTER_H

#include "nt/ex.h"

#include <check.h>

void computer_start(void);

/* Run `body` in a thread of a computer in another process; it is expected to stop the computer. */
struct bugcheck_report computer_bugcheck(void (*body)(void));
/* The same for a body that comes back; fails the test when the computer stops before. */
void computer_thread(void (*body)(void));

/* Guest memory: nonpaged pool, zeroed. */
void *guest_memory(size_t bytes);
char *guest_text(const char *text);
uint16_t *guest_wide(const char *text);
struct unicode_string *guest_unicode(const char *text, uint16_t room);
struct ansi_string *guest_ansi(const char *text, uint16_t room);
/* Whether every byte has the value: one assertion instead of one per byte. */
bool all_bytes(const void *memory, size_t bytes, uint8_t value);
/* ASCII of a wide string, in static memory. */
const char *ascii_of(const uint16_t *units, size_t count);
#define ASCII(string) ascii_of((string)->Buffer, (string)->Length / 2u)

/* call_NAME with arguments cast to slots. */
#define CALL(name, ...) call_##name((const uint64_t[]){__VA_ARGS__})
#define SLOT(value)     ((uint64_t)(value))

Suite *suite_pool(void);
Suite *suite_object(void);
Suite *suite_string(void);
Suite *suite_format(void);
Suite *suite_numbers(void);
Suite *suite_registry(void);

#endif
