/* SPDX-License-Identifier: MIT */
/* Private to bench/: a large driver made of small ones. */
#ifndef PAGABLE_BENCH_LARGE_IMAGE_H
#define PAGABLE_BENCH_LARGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct large_image {
    uint8_t *bytes; /* of the file; released by the caller with free */
    size_t size;
    size_t text_offset, text_bytes; /* its text section in the file */
};

/*
 * A PE32+ image whose text section holds at least `text_bytes` of code: that of the sample drivers,
 * copied over and over.  Every copy is linked anew, so that its calls reach imports, its jump
 * tables and data are found, and .pdata lists its functions.  Ends the program with a message on
 * failure.
 */
struct large_image large_image_make(size_t text_bytes);

#endif
