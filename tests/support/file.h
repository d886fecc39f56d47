/* SPDX-License-Identifier: MIT */
/* Files that tests take as input. */
#ifndef PAGABLE_TESTS_FILE_H
#define PAGABLE_TESTS_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of a file, to be freed; fails the running test when they cannot be read. */
uint8_t *file_read(const char *path, size_t *size);

#endif
