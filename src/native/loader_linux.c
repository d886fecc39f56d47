/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic loader knows of loaded objects; works in static programs too.
 *
 * dl_iterate_phdr takes the loader's lock for its list.  The loader runs destructors, which may
 * call us and take the list's gate, without holding that lock: so calling it with the gate held
 * cannot deadlock.
 */
#include "native/native.h"

#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/host.h"

struct search {
    uint64_t address;
    struct native_loaded *out;
    pg_status status;
};

static void extent(const struct dl_phdr_info *info, uint64_t *base, uint64_t *end)
{
    *base = UINT64_MAX;
    *end = 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const Elf64_Phdr *p = &info->dlpi_phdr[i];

        if (p->p_type == PT_LOAD) {
            uint64_t start = info->dlpi_addr + p->p_vaddr;

            *base = start < *base ? start : *base;
            *end = start + p->p_memsz > *end ? start + p->p_memsz : *end;
        }
    }
}

/* The kernel's own object in the process: there is no file. */
static bool is_vdso(uint64_t base)
{
    return base == getauxval(AT_SYSINFO_EHDR);
}

static int look(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    struct native_loaded *out = search->out;
    uint64_t base, end;

    (void)size;
    extent(info, &base, &end);
    if (search->address < base || search->address >= end || is_vdso(base)) {
        return 0;
    }
    *out = (struct native_loaded){.bias = info->dlpi_addr,
                                  .base = base,
                                  .end = end,
                                  .phdr = (uintptr_t)info->dlpi_phdr,
                                  .program = (uintptr_t)info->dlpi_phdr == getauxval(AT_PHDR),
                                  .phdr_count = info->dlpi_phnum};
    out->phdrs = host.allocate(info->dlpi_phnum * sizeof *out->phdrs);
    if (out->phdrs == NULL) {
        search->status = PG_E_NO_MEMORY;
        return 1;
    }
    memcpy(out->phdrs, info->dlpi_phdr, info->dlpi_phnum * sizeof *out->phdrs);
    search->status = PG_OK;
    return 1;
}

pg_status native_loaded_at(uint64_t address, struct native_loaded *out)
{
    struct search search = {.address = address, .out = out, .status = PG_E_NO_IMAGE};

    (void)dl_iterate_phdr(look, &search);
    if (search.status == PG_E_NO_IMAGE) {
        return native_error(PG_E_NO_IMAGE, "0x%llx lies in no loaded program or shared object",
                            (unsigned long long)address);
    }
    if (search.status == PG_E_NO_MEMORY) {
        return native_error(PG_E_NO_MEMORY, "no memory for program headers");
    }
    return search.status;
}

static int look_again(struct dl_phdr_info *info, size_t size, void *context)
{
    const struct native_object *object = context;

    (void)size;
    return info->dlpi_addr == object->bias && (uintptr_t)info->dlpi_phdr == object->phdr;
}

bool native_is_loaded(const struct native_object *object)
{
    return object->program || dl_iterate_phdr(look_again, (void *)(uintptr_t)object) != 0;
}

static int read_count(struct dl_phdr_info *info, size_t size, void *context)
{
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs) {
        *(uint64_t *)context = info->dlpi_subs;
    }
    return 1;
}

uint64_t native_unload_count(void)
{
    uint64_t count = 0;

    (void)dl_iterate_phdr(read_count, &count);
    return count;
}
