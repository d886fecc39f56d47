/* SPDX-License-Identifier: MIT */
/* Any bytes as the file of a loaded object: its sections and names are read, or refused. */
#include <string.h>

#include "base/host.h"
#include "native/elf.h"

static const uint8_t *bytes;
static size_t size;

static int open_bytes(const char *path)
{
    (void)path;
    return 0;
}

static ssize_t read_bytes(int fd, void *buffer, size_t wanted, uint64_t offset)
{
    (void)fd;
    if (offset >= size) {
        return 0;
    }
    if (wanted > size - offset) {
        wanted = size - offset;
    }
    memcpy(buffer, &bytes[offset], wanted);
    return (ssize_t)wanted;
}

static int64_t size_of_bytes(int fd)
{
    (void)fd;
    return (int64_t)size;
}

static void close_nothing(int fd)
{
    (void)fd;
}

static volatile size_t sink; /* so that reading is not left out */

/* Reads every byte of every name: a sanitizer sees one too many. */
static size_t walk(const struct elf_file *file)
{
    struct elf_sections sections;
    struct elf_names names;
    size_t length = 0;

    if (elf_sections_read(file, &sections) == PG_OK) {
        for (uint32_t i = 0; i < sections.count; i++) {
            length += strlen(sections.list[i].name);
        }
        elf_sections_free(&sections);
    }
    if (elf_names_read(file, 0, UINT64_MAX, &names) == PG_OK) {
        for (uint32_t i = 0; i < names.count; i++) {
            length += strlen(&names.texts[names.list[i].text]);
        }
        elf_names_free(&names);
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_size)
{
    struct elf_file file;

    bytes = data;
    size = data_size;
    host.open_read = open_bytes;
    host.read_at = read_bytes;
    host.file_size = size_of_bytes;
    host.close = close_nothing;
    if (elf_open(&file, "input") == PG_OK) {
        sink = walk(&file);
        elf_close(&file);
    }
    return 0;
}
