/* SPDX-License-Identifier: MIT */
/*
 * From a loaded object to its sections: which file it is, whether that file is still what was
 * loaded, and what its section table says.
 *
 * A file that differs would give wrong ranges to a trim or a discard, so it is refused: the ELF
 * header, the program headers and every note (the build id is one) must be as in memory.
 */
#include "native/native.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "native/maps.h"

static const void *memory_at(uint64_t address)
{
    return (const void *)(uintptr_t)address;
}

static bool is_mapped(const struct native_loaded *loaded, uint64_t address, uint64_t bytes)
{
    for (uint32_t i = 0; i < loaded->phdr_count; i++) {
        const Elf64_Phdr *p = &loaded->phdrs[i];
        uint64_t start = loaded->bias + p->p_vaddr;

        if (p->p_type == PT_LOAD && (p->p_flags & PF_R) != 0 && address >= start &&
            bytes <= p->p_filesz && address - start <= p->p_filesz - bytes) {
            return true;
        }
    }
    return false;
}

/* Bytes of the file against memory; PG_E_CHANGED when they differ. */
static pg_status same(const struct elf_file *file, uint64_t offset, uint64_t address,
                      uint64_t bytes, const char *what)
{
    char *in_file;
    pg_status status = elf_load(file, offset, bytes, what, &in_file);

    if (status != PG_OK) {
        return status;
    }
    if (memcmp(in_file, memory_at(address), bytes) != 0) {
        status = native_error(PG_E_CHANGED,
                              "%s: %s in the file is not what was loaded: the file was changed or "
                              "replaced since",
                              file->path, what);
    }
    host.release(in_file);
    return status;
}

static pg_status segments_check(const struct native_loaded *loaded, const struct elf_file *file)
{
    pg_status status = PG_OK;

    for (uint32_t i = 0; status == PG_OK && i < loaded->phdr_count; i++) {
        const Elf64_Phdr *p = &loaded->phdrs[i];
        uint64_t address = loaded->bias + p->p_vaddr;

        if (p->p_type == PT_NOTE && is_mapped(loaded, address, p->p_filesz)) {
            status = same(file, p->p_offset, address, p->p_filesz, "a note (build id)");
        } else if (p->p_type == PT_LOAD && p->p_offset == 0 &&
                   is_mapped(loaded, address, sizeof(Elf64_Ehdr))) {
            status = same(file, 0, address, sizeof(Elf64_Ehdr), "the ELF header");
        }
    }
    return status;
}

static pg_status file_check(const struct native_loaded *loaded, const struct elf_file *file)
{
    pg_status status;

    if (file->header.e_phnum != loaded->phdr_count) {
        return native_error(PG_E_CHANGED,
                            "%s: it has %u program headers, but %u were loaded: the file was "
                            "changed or replaced since",
                            file->path, file->header.e_phnum, loaded->phdr_count);
    }
    status = same(file, file->header.e_phoff, loaded->phdr, loaded->phdr_count * sizeof(Elf64_Phdr),
                  "the program headers");
    return status == PG_OK ? segments_check(loaded, file) : status;
}

static pg_status open_checked(const struct native_loaded *loaded, const char *path,
                              struct elf_file *file)
{
    pg_status status = elf_open(file, path);

    if (status == PG_OK) {
        status = file_check(loaded, file);
        if (status != PG_OK) {
            elf_close(file);
        }
    }
    return status;
}

pg_status native_file_open(const struct native_loaded *loaded, char path[NATIVE_PATH_BYTES],
                           struct elf_file *file)
{
    pg_status status = maps_path(loaded->base, path, NATIVE_PATH_BYTES);

    /* The kernel's link holds the program's own file, deleted or not; it is another file when the
     * program was started as an argument of the dynamic loader. */
    if (loaded->program && open_checked(loaded, "/proc/self/exe", file) == PG_OK) {
        if (status != PG_OK || path[0] != '/') {
            (void)snprintf(path, NATIVE_PATH_BYTES, "/proc/self/exe");
        }
        file->path = path;
        return PG_OK;
    }
    if (status != PG_OK || path[0] != '/') {
        return native_error(PG_E_IO,
                            "0x%llx: the file of this object cannot be told from /proc/self/maps",
                            (unsigned long long)loaded->base);
    }
    return open_checked(loaded, path, file);
}

static enum pg_class class_of(const char *name)
{
    return strcmp(name, "INITdata") == 0 ? PG_DISCARDABLE : pg_class_of_name(name);
}

/* The segment that a section is in, or NULL: then it is not in memory as the table says. */
static const Elf64_Phdr *segment_of(const struct native_loaded *loaded,
                                    const struct elf_section *section)
{
    for (uint32_t i = 0; i < loaded->phdr_count; i++) {
        const Elf64_Phdr *p = &loaded->phdrs[i];

        if (p->p_type == PT_LOAD && section->address >= p->p_vaddr &&
            section->bytes <= p->p_memsz &&
            section->address - p->p_vaddr <= p->p_memsz - section->bytes) {
            return p;
        }
    }
    return NULL;
}

static pg_status fill(struct native_object *object, const struct native_loaded *loaded,
                      const struct elf_sections *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct elf_section *from = &table->list[i];
        const Elf64_Phdr *segment = segment_of(loaded, from);
        struct native_section *to = &object->sections[object->count];
        struct pg_section_desc *described = &object->described[object->count];

        if (segment == NULL) {
            return native_error(PG_E_FORMAT, "%s: section %s lies in no segment", object->path,
                                from->name);
        }
        to->start = loaded->bias + from->address;
        to->end = to->start + from->bytes;
        to->name = from->name;
        to->class = class_of(from->name);
        to->executable = (segment->p_flags & PF_X) != 0;
        to->writable = (segment->p_flags & PF_W) != 0;
        described->base = native_key(object, object->count);
        described->pages = 1;
        /* To the core a resident section has nothing to lock; here it has, see native.h. */
        described->class = to->class == PG_DISCARDABLE ? PG_DISCARDABLE : PG_PAGEABLE;
        (void)snprintf(described->name, sizeof described->name, "%.8s", from->name);
        object->count++;
    }
    object->described[object->count] =
        (struct pg_section_desc){.class = PG_RESIDENT, .base = object->base, .pages = 1};
    return PG_OK;
}

static struct native_object *object_new(const struct native_loaded *loaded, const char *path,
                                        uint32_t sections)
{
    struct native_object *object = host.allocate(sizeof *object);

    if (object == NULL) {
        return NULL;
    }
    native_gate_init(&object->gate);
    object->bias = loaded->bias;
    object->base = native_page_down(loaded->base);
    object->end = loaded->end;
    object->phdr = loaded->phdr;
    object->program = loaded->program;
    object->path = host.allocate(strlen(path) + 1);
    object->sections = host.allocate((sections + 1) * sizeof *object->sections);
    object->described = host.allocate((sections + 1) * sizeof *object->described);
    if (object->path == NULL || object->sections == NULL || object->described == NULL) {
        native_object_free(object);
        return NULL;
    }
    memcpy(object->path, path, strlen(path) + 1);
    return object;
}

void native_object_free(struct native_object *object)
{
    host.release(object->path);
    host.release(object->sections);
    host.release(object->described);
    host.release(object->names);
    host.release(object);
}

static pg_status build(const struct native_loaded *loaded, const char *path,
                       struct elf_sections *table, struct native_object **out)
{
    struct native_object *object = object_new(loaded, path, table->count);
    pg_status status;

    if (object == NULL) {
        return native_error(PG_E_NO_MEMORY, "%s: no memory for %u sections", path, table->count);
    }
    status = fill(object, loaded, table);
    if (status != PG_OK) {
        native_object_free(object);
        return status;
    }
    object->names = table->names; /* the sections' names point there */
    table->names = NULL;
    *out = object;
    return PG_OK;
}

pg_status native_object_read(const struct native_loaded *loaded, struct native_object **out)
{
    char path[NATIVE_PATH_BYTES];
    struct elf_file file;
    struct elf_sections table;
    pg_status status = native_file_open(loaded, path, &file);

    if (status != PG_OK) {
        return status;
    }
    status = elf_sections_read(&file, &table);
    if (status == PG_OK) {
        status = build(loaded, path, &table, out);
        elf_sections_free(&table);
    }
    elf_close(&file);
    return status;
}
