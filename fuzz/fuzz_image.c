/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an image: opened, and if that works, walked by every accessor.
 */
#include "../tests/image/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk_bytes_of_file(data, size);
    return 0;
}
