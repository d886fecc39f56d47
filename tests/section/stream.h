/* SPDX-License-Identifier: MIT */
/* Bytes -> operations on the section core, each compared with a plain model. */
#ifndef TESTS_SECTION_STREAM_H
#define TESTS_SECTION_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Runs the operations that the bytes mean; aborts with a message at the first disagreement. */
void section_stream_run(const uint8_t *bytes, size_t count);

#endif
