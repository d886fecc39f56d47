/* SPDX-License-Identifier: MIT */
/*
 * Private to native/: reads ELF files, trusting nothing in them.
 *
 * Every offset and count is checked against the size of the file before it is used, and every
 * allocation is bounded by a limit of ours.  Files are 64-bit, little-endian, x86-64.
 */
#ifndef PAGABLE_NATIVE_ELF_H
#define PAGABLE_NATIVE_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagable/status.h>

struct elf_file {
    int fd;
    uint64_t size;
    Elf64_Ehdr header;
    const char *path; /* for messages; the caller's */
};

/* A section that is part of the loaded object. */
struct elf_section {
    uint64_t address, bytes; /* as in the file: before relocation */
    uint64_t flags;          /* SHF_* */
    const char *name;        /* in the table's names */
};

struct elf_sections {
    struct elf_section *list; /* ascending, no two overlap; by host.allocate, like names */
    uint32_t count;
    char *names;
};

/* A routine or datum of the symbol table. */
struct elf_name {
    uint64_t address, bytes;
    uint32_t text; /* offset in texts */
};

struct elf_names {
    struct elf_name *list; /* by host.allocate, like texts; NULL when count is 0 */
    uint32_t count;
    char *texts;
};

/* Opens and checks the header.  PG_E_IO, PG_E_TRUNCATED, PG_E_FORMAT, PG_E_UNSUPPORTED. */
pg_status elf_open(struct elf_file *file, const char *path);
void elf_close(struct elf_file *file);

/* Exactly `bytes` at `offset`; `what` is for the message.  PG_E_TRUNCATED, PG_E_IO. */
pg_status elf_read(const struct elf_file *file, uint64_t offset, void *to, uint64_t bytes,
                   const char *what);
/* The same into new memory with a zero byte behind it.  PG_E_NO_MEMORY too. */
pg_status elf_load(const struct elf_file *file, uint64_t offset, uint64_t bytes, const char *what,
                   char **out);

/* The section header table, raw, in new memory.  PG_E_UNSUPPORTED when there is none. */
pg_status elf_headers(const struct elf_file *file, Elf64_Shdr **out, uint32_t *count,
                      uint32_t *names_index);

/* Sections that are loaded and not empty, without thread-local zeros (they take no addresses). */
pg_status elf_sections_read(const struct elf_file *file, struct elf_sections *out);
void elf_sections_free(struct elf_sections *sections);

/* Names of routines and data in [start, end) of the file's addresses.  None is not a failure. */
pg_status elf_names_read(const struct elf_file *file, uint64_t start, uint64_t end,
                         struct elf_names *out);
void elf_names_free(struct elf_names *names);

#endif
