/* SPDX-License-Identifier: MIT */
/* The ELF header and the section table. */
#include "native/native.h"

#include <stdlib.h>
#include <string.h>

#include "base/host.h"

/* Bounds of ours: a program may be large, its tables are not. */
#define HEADERS_MAX 65536u
#define TABLE_MAX   (UINT64_C(256) << 20)

pg_status elf_read(const struct elf_file *file, uint64_t offset, void *to, uint64_t bytes,
                   const char *what)
{
    char *at = to;

    if (offset > file->size || bytes > file->size - offset) {
        return native_error(PG_E_TRUNCATED,
                            "%s: %s: 0x%llx bytes at 0x%llx, but the file ends at 0x%llx",
                            file->path, what, (unsigned long long)bytes, (unsigned long long)offset,
                            (unsigned long long)file->size);
    }
    while (bytes > 0) {
        ssize_t n = host.read_at(file->fd, at, bytes, offset);

        if (n <= 0) {
            return native_error(PG_E_IO, "%s: cannot read %s: %s", file->path, what,
                                n < 0 ? strerror((int)-n) : "the file became shorter");
        }
        at += n;
        offset += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return PG_OK;
}

pg_status elf_load(const struct elf_file *file, uint64_t offset, uint64_t bytes, const char *what,
                   char **out)
{
    char *memory;
    pg_status status;

    if (bytes > TABLE_MAX) {
        return native_error(PG_E_FORMAT, "%s: %s has 0x%llx bytes", file->path, what,
                            (unsigned long long)bytes);
    }
    memory = host.allocate(bytes + 1);
    if (memory == NULL) {
        return native_error(PG_E_NO_MEMORY, "%s: no memory for %s", file->path, what);
    }
    status = elf_read(file, offset, memory, bytes, what);
    if (status != PG_OK) {
        host.release(memory);
        return status;
    }
    *out = memory;
    return PG_OK;
}

static pg_status header_check(const struct elf_file *file)
{
    const Elf64_Ehdr *h = &file->header;

    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0) {
        return native_error(PG_E_FORMAT, "%s: not an ELF file", file->path);
    }
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
        h->e_machine != EM_X86_64) {
        return native_error(PG_E_UNSUPPORTED, "%s: not a 64-bit x86 ELF file", file->path);
    }
    if (h->e_phentsize != sizeof(Elf64_Phdr)) {
        return native_error(PG_E_FORMAT, "%s: program headers of %u bytes", file->path,
                            h->e_phentsize);
    }
    return PG_OK;
}

pg_status elf_open(struct elf_file *file, const char *path)
{
    pg_status status;
    int64_t size;

    *file = (struct elf_file){.path = path};
    file->fd = host.open_read(path);
    if (file->fd < 0) {
        return native_error(PG_E_IO, "%s: cannot open: %s", path, strerror(-file->fd));
    }
    size = host.file_size(file->fd);
    if (size < 0) {
        status = native_error(PG_E_IO, "%s: cannot tell its size: %s", path, strerror((int)-size));
    } else {
        file->size = (uint64_t)size;
        status = elf_read(file, 0, &file->header, sizeof file->header, "the ELF header");
    }
    if (status == PG_OK) {
        status = header_check(file);
    }
    if (status != PG_OK) {
        elf_close(file);
    }
    return status;
}

void elf_close(struct elf_file *file)
{
    host.close(file->fd);
}

/* The first header stands in when a count or index does not fit into the ELF header's 16 bits. */
static pg_status header_counts(const struct elf_file *file, uint64_t *count, uint64_t *names)
{
    const Elf64_Ehdr *h = &file->header;
    Elf64_Shdr first = {0};
    pg_status status;

    if (h->e_shoff == 0) {
        return native_error(PG_E_UNSUPPORTED,
                            "%s: it has no section headers (e_shoff is 0, as sstrip leaves it), "
                            "so its sections cannot be found; strip(1) keeps them",
                            file->path);
    }
    if (h->e_shentsize != sizeof(Elf64_Shdr)) {
        return native_error(PG_E_FORMAT, "%s: section headers of %u bytes", file->path,
                            h->e_shentsize);
    }
    status = elf_read(file, h->e_shoff, &first, sizeof first, "the first section header");
    if (status != PG_OK) {
        return status;
    }
    *count = h->e_shnum != 0 ? h->e_shnum : first.sh_size;
    *names = h->e_shstrndx != SHN_XINDEX ? h->e_shstrndx : first.sh_link;
    if (*count == 0 || *count > HEADERS_MAX || *names >= *count) {
        return native_error(PG_E_FORMAT, "%s: %llu section headers, names in number %llu",
                            file->path, (unsigned long long)*count, (unsigned long long)*names);
    }
    return PG_OK;
}

pg_status elf_headers(const struct elf_file *file, Elf64_Shdr **out, uint32_t *count,
                      uint32_t *names_index)
{
    uint64_t headers = 0, names = 0;
    char *table = NULL;
    pg_status status = header_counts(file, &headers, &names);

    if (status == PG_OK) {
        status = elf_load(file, file->header.e_shoff, headers * sizeof(Elf64_Shdr),
                          "the section headers", &table);
    }
    if (status == PG_OK) {
        *out = (Elf64_Shdr *)(void *)table;
        *count = (uint32_t)headers;
        *names_index = (uint32_t)names;
    }
    return status;
}

static bool is_wanted(const Elf64_Shdr *header)
{
    return (header->sh_flags & SHF_ALLOC) != 0 && header->sh_size != 0 &&
           header->sh_type != SHT_NULL &&
           !((header->sh_flags & SHF_TLS) != 0 && header->sh_type == SHT_NOBITS);
}

static int by_address(const void *a, const void *b)
{
    uint64_t x = ((const struct elf_section *)a)->address;
    uint64_t y = ((const struct elf_section *)b)->address;

    return (x > y) - (x < y);
}

static pg_status collect(const struct elf_file *file, const Elf64_Shdr *headers, uint32_t count,
                         uint64_t names_bytes, struct elf_sections *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const Elf64_Shdr *h = &headers[i];

        if (!is_wanted(h)) {
            continue;
        }
        if (h->sh_name >= names_bytes || h->sh_size > UINT64_MAX - h->sh_addr) {
            return native_error(PG_E_FORMAT, "%s: section header %u: name at 0x%x, 0x%llx bytes",
                                file->path, i, h->sh_name, (unsigned long long)h->sh_size);
        }
        out->list[out->count++] = (struct elf_section){.address = h->sh_addr,
                                                       .bytes = h->sh_size,
                                                       .flags = h->sh_flags,
                                                       .name = &out->names[h->sh_name]};
    }
    qsort(out->list, out->count, sizeof *out->list, by_address);
    for (uint32_t i = 1; i < out->count; i++) {
        const struct elf_section *a = &out->list[i - 1];

        if (out->list[i].address - a->address < a->bytes) {
            return native_error(PG_E_OVERLAP, "%s: sections %s and %s overlap", file->path, a->name,
                                out->list[i].name);
        }
    }
    return PG_OK;
}

pg_status elf_sections_read(const struct elf_file *file, struct elf_sections *out)
{
    Elf64_Shdr *headers;
    uint32_t count, names;
    pg_status status = elf_headers(file, &headers, &count, &names);

    if (status != PG_OK) {
        return status;
    }
    *out = (struct elf_sections){0};
    status = elf_load(file, headers[names].sh_offset, headers[names].sh_size,
                      "the table of section names", &out->names);
    if (status == PG_OK) {
        out->list = host.allocate(count * sizeof *out->list);
        status = out->list == NULL ? native_error(PG_E_NO_MEMORY, "%s: no memory for %u sections",
                                                  file->path, count)
                                   : collect(file, headers, count, headers[names].sh_size, out);
        if (status != PG_OK) {
            elf_sections_free(out);
        }
    }
    host.release(headers);
    return status;
}

void elf_sections_free(struct elf_sections *sections)
{
    host.release(sections->list);
    host.release(sections->names);
}
