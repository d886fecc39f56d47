/* SPDX-License-Identifier: MIT */
/* Names of routines and data: .symtab, or .dynsym of a stripped file. */
#include "native/native.h"

#include "base/host.h"

static const Elf64_Shdr *symbols_of(const Elf64_Shdr *headers, uint32_t count)
{
    const Elf64_Shdr *found = NULL;

    for (uint32_t i = 0; i < count; i++) {
        if (headers[i].sh_type == SHT_SYMTAB) {
            return &headers[i];
        }
        if (headers[i].sh_type == SHT_DYNSYM) {
            found = &headers[i];
        }
    }
    return found;
}

static bool is_in(const Elf64_Sym *symbol, uint64_t start, uint64_t end, uint64_t texts_bytes)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info);

    return (type == STT_FUNC || type == STT_OBJECT) && symbol->st_shndx != SHN_UNDEF &&
           symbol->st_value >= start && symbol->st_value < end && symbol->st_name < texts_bytes;
}

/* Two passes: how many, then which. */
static pg_status pick(const struct elf_file *file, const Elf64_Sym *symbols, uint64_t count,
                      uint64_t start, uint64_t end, uint64_t texts_bytes, struct elf_names *out)
{
    uint32_t wanted = 0;

    for (uint64_t i = 0; i < count; i++) {
        wanted += is_in(&symbols[i], start, end, texts_bytes);
    }
    if (wanted == 0) {
        return PG_OK;
    }
    out->list = host.allocate(wanted * sizeof *out->list);
    if (out->list == NULL) {
        return native_error(PG_E_NO_MEMORY, "%s: no memory for %u names", file->path, wanted);
    }
    for (uint64_t i = 0; i < count; i++) {
        const Elf64_Sym *s = &symbols[i];

        if (is_in(s, start, end, texts_bytes)) {
            out->list[out->count++] =
                (struct elf_name){.address = s->st_value, .bytes = s->st_size, .text = s->st_name};
        }
    }
    return PG_OK;
}

static pg_status read_from(const struct elf_file *file, const Elf64_Shdr *table,
                           const Elf64_Shdr *texts, uint64_t start, uint64_t end,
                           struct elf_names *out)
{
    char *symbols;
    pg_status status =
        elf_load(file, table->sh_offset, table->sh_size, "the symbol table", &symbols);

    if (status != PG_OK) {
        return status;
    }
    status =
        elf_load(file, texts->sh_offset, texts->sh_size, "the names of the symbols", &out->texts);
    if (status == PG_OK) {
        status = pick(file, (const Elf64_Sym *)(const void *)symbols,
                      table->sh_size / sizeof(Elf64_Sym), start, end, texts->sh_size, out);
        if (status != PG_OK) {
            elf_names_free(out);
        }
    }
    host.release(symbols);
    return status;
}

pg_status elf_names_read(const struct elf_file *file, uint64_t start, uint64_t end,
                         struct elf_names *out)
{
    Elf64_Shdr *headers;
    const Elf64_Shdr *table;
    uint32_t count, unused;
    pg_status status = elf_headers(file, &headers, &count, &unused);

    *out = (struct elf_names){0};
    if (status != PG_OK) {
        return status;
    }
    table = symbols_of(headers, count);
    if (table != NULL && table->sh_link < count) {
        status = read_from(file, table, &headers[table->sh_link], start, end, out);
    }
    host.release(headers);
    return status;
}

void elf_names_free(struct elf_names *names)
{
    host.release(names->list);
    host.release(names->texts);
    *names = (struct elf_names){0};
}
