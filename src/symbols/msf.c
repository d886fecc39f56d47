/* SPDX-License-Identifier: MIT */
#include "symbols/msf.h"

#include "base/host.h"

#define HEADER_SIZE    56u
#define NIL            0xffffffffu
#define MIN_BLOCK_SIZE 512u
#define MAX_BLOCK_SIZE 65536u

static const char magic[32] = "Microsoft C/C++ MSF 7.00\r\n\x1a"
                              "DS\0\0";

static uint32_t blocks_for(const struct msf *msf, uint32_t size)
{
    return size / msf->block_size + (size % msf->block_size != 0);
}

static uint32_t stream_size(const struct msf *msf, uint32_t index)
{
    uint32_t size = bytes_u32(msf->directory, 4 + 4 * (size_t)index);

    return size == NIL ? 0 : size;
}

/* Copy `size` bytes out of the blocks whose numbers are listed; both were checked. */
static pg_status gather(const struct msf *msf, struct bytes numbers, uint32_t size,
                        struct bytes *out)
{
    uint8_t *copy = host.allocate(size);

    if (copy == NULL) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t done = 0, i = 0; done < size; i++) {
        uint64_t at = (uint64_t)bytes_u32(numbers, 4 * (size_t)i) * msf->block_size;
        uint32_t part = size - done < msf->block_size ? size - done : msf->block_size;

        memcpy(copy + done, msf->file.at + at, part);
        done += part;
    }
    out->at = copy;
    out->size = size;
    return PG_OK;
}

static bool numbers_in_file(const struct msf *msf, struct bytes numbers)
{
    for (size_t i = 0; i < numbers.size / 4; i++) {
        if (bytes_u32(numbers, 4 * i) >= msf->block_count) {
            return false;
        }
    }
    return true;
}

/* The sizes and the block numbers of every stream. */
static pg_status check_directory(struct msf *msf)
{
    size_t sizes_end = 4 + 4 * (size_t)msf->stream_count;
    uint64_t blocks = 0;

    if (!bytes_have(msf->directory, 0, sizes_end)) {
        return PG_E_FORMAT;
    }
    msf->first_blocks = host.allocate(sizes_end);
    if (msf->first_blocks == NULL) {
        return PG_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < msf->stream_count; i++) {
        msf->first_blocks[i] = (uint32_t)blocks;
        blocks += blocks_for(msf, stream_size(msf, i));
        if (blocks > msf->block_count) {
            return PG_E_FORMAT;
        }
    }
    if (!bytes_have(msf->directory, sizes_end, blocks * 4) ||
        !numbers_in_file(msf, bytes_part(msf->directory, sizes_end, blocks * 4))) {
        return PG_E_FORMAT;
    }
    return PG_OK;
}

static pg_status read_directory(struct msf *msf)
{
    uint32_t size = bytes_u32(msf->file, 44);
    uint32_t map_block = bytes_u32(msf->file, 52);
    uint32_t blocks = blocks_for(msf, size);
    struct bytes numbers;
    pg_status status;

    if (size < 4 || blocks > msf->block_count || map_block >= msf->block_count) {
        return PG_E_FORMAT;
    }
    numbers = bytes_part(msf->file, (size_t)map_block * msf->block_size, 4 * (size_t)blocks);
    if (numbers.size != 4 * (size_t)blocks || !numbers_in_file(msf, numbers)) {
        return PG_E_FORMAT;
    }
    status = gather(msf, numbers, size, &msf->directory);
    if (status != PG_OK) {
        return status;
    }
    msf->stream_count = bytes_u32(msf->directory, 0);
    return check_directory(msf);
}

pg_status msf_open(struct bytes file, struct msf *out)
{
    pg_status status;

    memset(out, 0, sizeof(*out));
    if (!bytes_have(file, 0, HEADER_SIZE) || memcmp(file.at, magic, sizeof(magic)) != 0) {
        return PG_E_UNSUPPORTED;
    }
    out->file = file;
    out->block_size = bytes_u32(file, 32);
    out->block_count = bytes_u32(file, 40);
    if (out->block_size < MIN_BLOCK_SIZE || out->block_size > MAX_BLOCK_SIZE ||
        (out->block_size & (out->block_size - 1)) != 0) {
        return PG_E_FORMAT;
    }
    if ((uint64_t)out->block_count * out->block_size > file.size) {
        return PG_E_TRUNCATED;
    }
    status = read_directory(out);
    if (status != PG_OK) {
        msf_close(out);
    }
    return status;
}

void msf_close(struct msf *msf)
{
    host.release(msf->first_blocks);
    host.release((void *)(uintptr_t)msf->directory.at);
    memset(msf, 0, sizeof(*msf));
}

pg_status msf_stream(const struct msf *msf, uint32_t index, struct bytes *out)
{
    size_t numbers = 4 + 4 * (size_t)msf->stream_count;
    uint32_t size = index < msf->stream_count ? stream_size(msf, index) : 0;

    out->at = NULL;
    out->size = 0;
    if (size == 0) {
        return PG_OK;
    }
    numbers += 4 * (size_t)msf->first_blocks[index];
    return gather(msf, bytes_part(msf->directory, numbers, SIZE_MAX), size, out);
}
