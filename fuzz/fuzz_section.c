/* SPDX-License-Identifier: MIT */
/*
 * Operation streams for the section core and for the pager, each against its model: the first byte
 * chooses.  The streams are the tests' own, so a found input can be run there as it is.
 */
#include <stddef.h>
#include <stdint.h>

#include "../tests/pager/stream.h"
#include "../tests/section/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    if (data[0] % 4 != 0) { /* the pager's make system calls and are slower */
        section_stream_run(data + 1, size - 1);
    } else {
        pager_stream_run(data + 1, size - 1);
    }
    return 0;
}
