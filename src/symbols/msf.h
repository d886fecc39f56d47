/* SPDX-License-Identifier: MIT */
/*
 * The container of a PDB: a file cut into blocks, and numbered streams made of them (MSF 7.00).
 *
 * msf_open checks the whole directory, so that afterwards every stream's blocks are in the file,
 * and all streams together are no larger than the file, however often it is told to repeat a block.
 */
#ifndef PAGABLE_SYMBOLS_MSF_H
#define PAGABLE_SYMBOLS_MSF_H

#include <pagable/status.h>

#include "symbols/bytes.h"

struct msf {
    struct bytes file;
    uint32_t block_size, block_count;
    uint32_t stream_count;
    struct bytes directory; /* memory of `host`: count, sizes, then block numbers */
    uint32_t *first_blocks; /* memory of `host`: per stream, index of its first block number */
};

/* PG_E_UNSUPPORTED: not an MSF 7.00 file.  PG_E_FORMAT, PG_E_TRUNCATED, PG_E_NO_MEMORY.  The bytes
 * of the file must stay; close after success only. */
pg_status msf_open(struct bytes file, struct msf *out);
void msf_close(struct msf *msf);

/* A copy of a stream, in memory of `host` that the caller releases; a stream that does not exist is
 * empty.  PG_E_NO_MEMORY. */
pg_status msf_stream(const struct msf *msf, uint32_t index, struct bytes *out);

#endif
