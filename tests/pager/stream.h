/* SPDX-License-Identifier: MIT */
/* Bytes -> operations on a pager with real memory, each compared with a plain model. */
#ifndef TESTS_PAGER_STREAM_H
#define TESTS_PAGER_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Runs the operations that the bytes mean; aborts with a message at the first disagreement. */
void pager_stream_run(const uint8_t *bytes, size_t count);

#endif
