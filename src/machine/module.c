/* SPDX-License-Identifier: MIT */
/*
 * The loader: images in memory, registered with the section core and the pager.
 *
 * Each section is a pager region of its own; resident ones are pinned, so that MmPageEntireDriver
 * is only an unpin.  Everything that the loader writes into an image (imports, cookie, guard
 * pointers) goes through pager_patch and so survives paging.
 */
#include "machine/internal.h"

#include <stdio.h>
#include <string.h>

#define IMAGE_ALIGN    0x10000ull
#define DEFAULT_COOKIE 0x00002B992DDFA232ull /* what the linker leaves in __security_cookie */

struct loading {
    struct module *module;
    module_resolve resolve;
    char *what;
    size_t what_size;
    uint32_t *relocations;
};

static pg_status fail(struct loading *load, pg_status status, const char *reason)
{
    snprintf(load->what, load->what_size, "%s: %s", reason, pg_status_text(status));
    return status;
}

static unsigned protection_of(const struct image_section *section)
{
    unsigned p = 0;

    p |= section->readable ? HOST_READ : 0;
    p |= section->writable ? HOST_READ | HOST_WRITE : 0;
    p |= section->executable ? HOST_READ | HOST_EXECUTE : 0;
    return p == 0 ? HOST_READ : p;
}

static struct pager_backing backing(const struct loading *load, uint64_t offset, uint32_t bytes,
                                    uint32_t rva)
{
    const struct module *module = load->module;

    return (struct pager_backing){
        .fd = module->fd,
        .file_offset = offset,
        .file_bytes = bytes,
        .delta = module->base - module->image.preferred_base,
        .relocations = load->relocations,
        .relocation_count = load->relocations == NULL ? 0 : module->image.reloc_count,
        .rva = rva,
    };
}

/*
 * An image whose sections share pages is one region that never leaves memory, and so needs no
 * backing: it is laid out here once.
 */
static void lay_out(const struct loading *load)
{
    const struct module *module = load->module;
    uint64_t delta = module->base - module->image.preferred_base;
    uint64_t word;

    image_copy(&module->image, 0, (void *)module->base, module->image.image_size);
    if (load->relocations == NULL) {
        return;
    }
    for (uint32_t i = 0; i < module->image.reloc_count; i++) {
        void *at = (void *)(module->base + load->relocations[i]);

        memcpy(&word, at, sizeof word);
        word += delta;
        memcpy(at, &word, sizeof word);
    }
}

static pg_status map_whole(struct loading *load)
{
    struct module *module = load->module;
    struct pager_region_desc desc = {
        .base = module->base,
        .pages = module->image.image_size / PG_PAGE_SIZE,
        .protection = HOST_READ | HOST_WRITE | HOST_EXECUTE,
        .pinned = true,
        .backing = {.fd = -1},
        .owner = module,
    };
    struct pager_region **slot = &module->regions[module->image.section_count];
    pg_status status = pager_add(M->pager, &desc, slot);

    if (status != PG_OK) {
        return fail(load, status, "image could not be mapped");
    }
    lay_out(load);
    return PG_OK;
}

static pg_status map_headers(struct loading *load)
{
    struct module *module = load->module;
    uint32_t pages = (module->image.header_size + PG_PAGE_SIZE - 1) / PG_PAGE_SIZE;
    struct pager_region_desc desc = {
        .base = module->base,
        .pages = pages,
        .protection = HOST_READ,
        .pinned = true,
        .backing = backing(load, 0, module->image.header_size, 0),
        .owner = module,
    };
    pg_status status = pager_add(M->pager, &desc, &module->regions[module->image.section_count]);

    return status == PG_OK ? PG_OK : fail(load, status, "headers could not be mapped");
}

static pg_status map_section(struct loading *load, uint32_t index)
{
    struct module *module = load->module;
    const struct image_section *section = &module->image.sections[index];
    uint32_t mapped = section->pages * PG_PAGE_SIZE;
    struct pager_region_desc desc = {
        .base = module->base + section->rva,
        .pages = section->pages,
        .protection = protection_of(section),
        .pinned = section->class != PG_PAGEABLE,
        .backing = backing(load, section->raw_offset,
                           section->raw_size < mapped ? section->raw_size : mapped, section->rva),
        .owner = module,
    };
    pg_status status = pager_add(M->pager, &desc, &module->regions[index]);
    char reason[64];

    if (status != PG_OK) {
        snprintf(reason, sizeof reason, "section %s could not be mapped", section->name);
        return fail(load, status, reason);
    }
    return PG_OK;
}

static void unmap(struct module *module)
{
    for (uint32_t i = 0; i <= module->image.section_count; i++) {
        if (module->regions[i] != NULL) {
            pager_remove(M->pager, module->regions[i]);
            module->regions[i] = NULL;
        }
    }
}

static pg_status map_all(struct loading *load)
{
    pg_status status;

    if (!load->module->image.pageable) {
        return map_whole(load);
    }
    status = map_headers(load);
    for (uint32_t i = 0; status == PG_OK && i < load->module->image.section_count; i++) {
        status = map_section(load, i);
    }
    return status;
}

/* A section of the file, or, where sections share pages, the whole image as one resident section.
 */
static struct pg_section_desc describe(const struct module *module, uint32_t index)
{
    const struct image_section *section = &module->image.sections[index];
    struct pg_section_desc desc = {.name = "(image)",
                                   .class = PG_RESIDENT,
                                   .base = module->base,
                                   .pages = module->image.image_size / PG_PAGE_SIZE};

    if (module->image.pageable) {
        memcpy(desc.name, section->name, sizeof desc.name);
        desc.class = section->class;
        desc.base = module->base + section->rva;
        desc.pages = section->pages;
    }
    return desc;
}

static pg_status register_sections(struct loading *load)
{
    struct module *module = load->module;
    uint32_t count = module->image.pageable ? module->image.section_count : 1;
    struct pg_section_desc *descs = machine_allocate(count * sizeof *descs);
    pg_status status;

    for (uint32_t i = 0; i < count; i++) {
        descs[i] = describe(module, i);
    }
    status = pg_image_add(M->space, module->base, module->bytes, descs, count, module,
                          &module->sections);
    return status == PG_OK ? PG_OK : fail(load, status, "sections could not be registered");
}

/* ---- what the loader writes ---- */

static pg_status write_words(struct loading *load, uint32_t rva, const uint64_t *words,
                             uint32_t count)
{
    pg_status status =
        pager_patch(M->pager, load->module->base + rva, words, count * (uint32_t)sizeof *words);
    char reason[64];

    if (status != PG_OK) {
        snprintf(reason, sizeof reason, "rva 0x%x could not be written", rva);
        return fail(load, status, reason);
    }
    return PG_OK;
}

static pg_status write64(struct loading *load, uint32_t rva, uint64_t value)
{
    return write_words(load, rva, &value, 1);
}

static bool same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 32) : *b;

        if (x != y) {
            return false;
        }
    }
    return *a == *b;
}

/* Address of an import in another loaded driver; 0 when that driver is not loaded. */
static uint64_t resolve_in_modules(const struct image_import *import)
{
    for (struct module *m = module_next(NULL); m != NULL; m = module_next(m)) {
        struct image_export export;

        if (!same_name(m->name, import->module)) {
            continue;
        }
        if (import->name != NULL) {
            if (image_export_find(&m->image, import->name, &export) && export.forwarder == NULL) {
                return m->base + export.rva;
            }
            continue;
        }
        for (uint32_t i = 0; i < image_export_count(&m->image); i++) {
            if (image_export_at(&m->image, i, &export) && export.ordinal == import->ordinal &&
                export.forwarder == NULL) {
                return m->base + export.rva;
            }
        }
    }
    return 0;
}

static uint64_t address_of(const struct loading *load, const struct image_import *import)
{
    uint64_t address = resolve_in_modules(import);
    bool found;

    if (address == 0) {
        address = load->resolve(import->module, import->name, import->ordinal, &found);
    }
    return address;
}

/* Slots that lie side by side are written together: import tables are read-only, and each write to
 * one changes its protection twice. */
static pg_status bind_imports(struct loading *load)
{
    uint64_t words[64];
    uint32_t count = 0;
    uint32_t rva = 0;
    struct image_import_cursor cursor = {0};
    struct image_import import;
    pg_status status = PG_OK;

    while (status == PG_OK && image_next_import(&load->module->image, &cursor, &import)) {
        if (count == sizeof words / sizeof *words ||
            (count > 0 && import.slot_rva != rva + count * sizeof *words)) {
            status = write_words(load, rva, words, count);
            count = 0;
        }
        if (count == 0) {
            rva = import.slot_rva;
        }
        words[count++] = address_of(load, &import);
    }
    return status == PG_OK && count > 0 ? write_words(load, rva, words, count) : status;
}

static pg_status set_cookie(struct loading *load)
{
    const struct image *image = &load->module->image;
    uint64_t cookie = 0;

    if (image->security_cookie_rva == 0) {
        return PG_OK;
    }
    image_copy(image, image->security_cookie_rva, &cookie, sizeof cookie);
    if (cookie != DEFAULT_COOKIE) {
        return PG_OK;
    }
    cookie = (choice_secret() ^ load->module->base) & 0x0000ffffffffffffull;
    return write64(load, image->security_cookie_rva,
                   cookie == DEFAULT_COOKIE ? cookie + 1 : cookie);
}

static pg_status set_guard_pointers(struct loading *load)
{
    const struct image *image = &load->module->image;
    pg_status status = PG_OK;

    if (image->guard_check_pointer_rva != 0) {
        status = write64(load, image->guard_check_pointer_rva, call_guard_check());
    }
    if (status == PG_OK && image->guard_dispatch_pointer_rva != 0) {
        status = write64(load, image->guard_dispatch_pointer_rva, call_guard_dispatch());
    }
    return status;
}

/* ---- loading ---- */

static pg_status choose_base(struct loading *load)
{
    struct module *module = load->module;
    uint64_t span = (module->bytes + IMAGE_ALIGN - 1) & ~(IMAGE_ALIGN - 1);

    if (module->image.relocations_stripped) {
        module->base = module->image.preferred_base;
        return PG_OK;
    }
    if (M->image_next + span > ARENA_IMAGES + ARENA_IMAGES_BYTES) {
        return fail(load, PG_E_LIMIT, "no room for the image");
    }
    module->base = M->image_next;
    M->image_next += span + IMAGE_ALIGN; /* a gap, so that overruns hit nothing */
    return PG_OK;
}

static void set_names(struct module *module, const char *name)
{
    char *dot;

    snprintf(module->name, sizeof module->name, "%.*s", MODULE_NAME_BYTES - 1, name);
    snprintf(module->base_name, sizeof module->base_name, "%.*s", MODULE_NAME_BYTES - 1, name);
    dot = strrchr(module->base_name, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
}

static void sift_down(uint32_t *values, uint32_t root, uint32_t count)
{
    uint32_t value = values[root];
    uint32_t child;

    while ((child = 2 * root + 1) < count) {
        child += child + 1 < count && values[child + 1] > values[child];
        if (values[child] <= value) {
            break;
        }
        values[root] = values[child];
        root = child;
    }
    values[root] = value;
}

/* Linkers write relocations in ascending order, but need not: a heap sort, as the C library's
 * allocates. */
static void sort(uint32_t *values, uint32_t count)
{
    uint32_t sorted = 1;

    while (sorted < count && values[sorted - 1] <= values[sorted]) {
        sorted++;
    }
    if (sorted >= count) {
        return;
    }
    for (uint32_t i = count / 2; i-- > 0;) {
        sift_down(values, i, count);
    }
    for (uint32_t end = count; end-- > 1;) {
        uint32_t last = values[end];

        values[end] = values[0];
        values[0] = last;
        sift_down(values, 0, end);
    }
}

static pg_status load_steps(struct loading *load)
{
    struct module *module = load->module;
    pg_status status = choose_base(load);

    if (status == PG_OK && module->image.reloc_count > 0) {
        load->relocations = machine_allocate(module->image.reloc_count * sizeof *load->relocations);
        image_relocations(&module->image, load->relocations);
        sort(load->relocations, module->image.reloc_count);
    }
    if (status == PG_OK) {
        status = map_all(load);
    }
    if (status == PG_OK) {
        status = bind_imports(load);
    }
    if (status == PG_OK) {
        status = set_cookie(load);
    }
    if (status == PG_OK) {
        status = set_guard_pointers(load);
    }
    if (status == PG_OK) {
        status = register_sections(load);
    }
    return status;
}

pg_status module_load(const char *name, const struct image *image, int fd, module_resolve resolve,
                      struct module **out, char *what, size_t what_size)
{
    struct loading load = {.resolve = resolve, .what = what, .what_size = what_size};
    struct module *module;
    pg_status status;

    if (M->module_count == MODULE_MAX) {
        return fail(&load, PG_E_LIMIT, "too many images");
    }
    module = &M->modules[M->module_count];
    memset(module, 0, sizeof *module);
    module->image = *image;
    module->bytes = image->image_size;
    module->fd = fd;
    set_names(module, name);
    load.module = module;
    status = load_steps(&load);
    if (status != PG_OK) {
        unmap(module);
        return status;
    }
    module->loaded = true;
    M->module_count++;
    trace_loaded(module);
    *out = module;
    return PG_OK;
}

void module_unload(struct module *module)
{
    PG_ASSERT(module->loaded);
    machine_event(EVENT_UNLOAD, module->number, 0, 0);
    pg_image_remove(module->sections);
    unmap(module);
    emulate_forget(module->base, module->bytes);
    module->loaded = false;
}

void module_discard_init(struct module *module)
{
    pg_discard_init(module->sections);
}

/* ---- lookup ---- */

struct module *module_next(const struct module *after)
{
    struct module *module = after == NULL ? M->modules : (struct module *)after + 1;

    while (module < &M->modules[M->module_count] && !module->loaded) {
        module++;
    }
    return module < &M->modules[M->module_count] ? module : NULL;
}

struct module *module_at(uint64_t address)
{
    for (uint32_t i = 0; i < M->module_count; i++) {
        struct module *module = &M->modules[i];

        if (module->loaded && address - module->base < module->bytes) {
            return module;
        }
    }
    return NULL;
}

struct code_place machine_place(uint64_t address)
{
    struct code_place place = {.rva = address};
    const struct module *module = module_at(address);

    if (module != NULL) {
        memcpy(place.module, module->name, sizeof place.module);
        place.rva = address - module->base;
    } else if (address >= ARENA_NT && address < ARENA_NT + ARENA_NT_BYTES) {
        snprintf(place.module, sizeof place.module, "ntoskrnl.exe");
        place.rva = address - ARENA_NT;
    }
    return place;
}

const char *machine_section_name(uint64_t address)
{
    const struct module *module = module_at(address);
    const struct image_section *section;

    if (module == NULL) {
        return "";
    }
    section = image_section_at(&module->image, (uint32_t)(address - module->base));
    return section == NULL ? "" : section->name;
}

/* ---- services of the section core ---- */

struct pager_region *module_region(const struct module *module, uint32_t section)
{
    return module->regions[module->image.pageable ? section : module->image.section_count];
}

static struct pager_region *region_of(struct pg_image *image, uint32_t section)
{
    return module_region(pg_image_owner(image), section);
}

static pg_status service_page_in(void *context, struct pg_image *image, uint32_t section)
{
    pg_status status;

    (void)context;
    trace_keeping(true);
    status = pager_pin(M->pager, region_of(image, section), &M->page_in_failure);
    trace_keeping(false);
    return status;
}

static void service_allow_out(void *context, struct pg_image *image, uint32_t section)
{
    const struct module *module = pg_image_owner(image);

    (void)context;
    if (module->image.pageable) {
        pager_unpin(M->pager, region_of(image, section));
    }
}

static void service_discard(void *context, struct pg_image *image, uint32_t section)
{
    const struct module *module = pg_image_owner(image);

    (void)context;
    machine_event(EVENT_DISCARD, module->first_section + section, 0, 0);
    pager_discard(M->pager, region_of(image, section));
}

const struct pg_services module_services = {
    .page_in = service_page_in,
    .allow_out = service_allow_out,
    .discard = service_discard,
};
