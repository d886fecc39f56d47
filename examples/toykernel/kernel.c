/* SPDX-License-Identifier: MIT */
/*
 * A kernel that pages the sections of its drivers, on top of pagable's section core and PE reader.
 *
 *     toykernel DRIVER.sys
 *
 * It loads the driver, shows what pageable sections cost while nobody needs them, locks each of
 * them, and gives INIT back.  The service table at `services` is all that the core asks of it.
 */
#include "image/image.h"

#include "hardware.h"

enum { DRIVERS_MAX = 4, SECTIONS_MAX = 128, RELOCATIONS_MAX = 16384 };

/* A loaded driver: the core keeps our pointer, and hands it back with pg_image_owner. */
struct driver {
    struct image pe;
    uint64_t base;
    struct pg_section_desc sections[IMAGE_MAX_SECTIONS];
    uint32_t relocations[RELOCATIONS_MAX];
};

static struct driver driver;
static _Alignas(128) char space_memory[1 << 16];

/* ---- printing ---- */

static void print_number(uint64_t value, unsigned base)
{
    char text[24], *at = &text[23];

    *at = '\0';
    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    hw_print(at);
}

static _Noreturn void panic(const char *why, uint64_t number)
{
    hw_print("toykernel: ");
    hw_print(why);
    hw_print(" (");
    print_number(number, 10);
    hw_print(")\n");
    hw_halt(1);
}

/* ---- the services ---- */

static uint64_t bytes_of(const struct pg_section_desc *section)
{
    return (uint64_t)section->pages * PG_PAGE_SIZE;
}

static void relocate(const struct driver *d, uint32_t begin, uint64_t bytes)
{
    uint64_t delta = d->base - d->pe.preferred_base;

    for (uint32_t i = 0; i < d->pe.reloc_count; i++) {
        uint32_t rva = d->relocations[i];

        if (rva >= begin && rva - begin < bytes) {
            uint64_t word;

            __builtin_memcpy(&word, (void *)(uintptr_t)(d->base + rva), sizeof word);
            word += delta;
            __builtin_memcpy((void *)(uintptr_t)(d->base + rva), &word, sizeof word);
        }
    }
}

/* Runs in the thread that takes the first lock; the others wait in `pause`.  What is read here is
 * the file as it is: a kernel that lets drivers write to pageable data keeps that in a page file.
 */
static pg_status page_in(void *context, struct pg_image *image, uint32_t section)
{
    struct driver *d = pg_image_owner(image);
    const struct pg_section_desc *s = &d->sections[section];
    const struct image_section *pe = &d->pe.sections[section];
    unsigned access = (pe->writable ? HW_WRITE : 0) | (pe->executable ? HW_EXECUTE : 0);

    (void)context;
    if (!hw_map(s->base, bytes_of(s), HW_WRITE)) {
        return PG_E_NO_MEMORY;
    }
    image_copy(&d->pe, pe->rva, (void *)(uintptr_t)s->base, (uint32_t)bytes_of(s));
    relocate(d, pe->rva, bytes_of(s));
    return hw_map(s->base, bytes_of(s), access) ? PG_OK : PG_E_IO;
}

/* A real kernel would only note that the pages may go, and take them when it needs memory. */
static void allow_out(void *context, struct pg_image *image, uint32_t section)
{
    struct driver *d = pg_image_owner(image);

    (void)context;
    if (!hw_unmap(d->sections[section].base, bytes_of(&d->sections[section]))) {
        panic("pages do not leave", section);
    }
}

static void pause(void *context)
{
    (void)context;
    hw_pause();
}

static const struct pg_services services = {
    .page_in = page_in, .allow_out = allow_out, .discard = allow_out, .relax = pause};

/* ---- the kernel ---- */

static struct pg_image *load(struct pg_space *space, const char *name)
{
    struct driver *d = &driver;
    struct image_error error;
    struct pg_image *image;
    size_t bytes;
    const void *file = hw_disk(name, &bytes);
    pg_status status;

    if (file == NULL) {
        panic("the driver cannot be read", 0);
    }
    if (image_open(file, bytes, &d->pe, &error) != PG_OK) {
        hw_print("toykernel: ");
        hw_print(error.structure);
        hw_print(": ");
        panic(error.reason, error.offset);
    }
    if (!d->pe.pageable || d->pe.reloc_count > RELOCATIONS_MAX) {
        panic("not a driver for this kernel", d->pe.reloc_count);
    }
    d->base = hw_reserve(d->pe.image_size);
    if (d->base == 0) {
        panic("no addresses", d->pe.image_size);
    }
    image_relocations(&d->pe, d->relocations);
    for (uint32_t i = 0; i < d->pe.section_count; i++) {
        const struct image_section *pe = &d->pe.sections[i];

        d->sections[i] = (struct pg_section_desc){
            .class = pe->class, .base = d->base + pe->rva, .pages = pe->pages};
        __builtin_memcpy(d->sections[i].name, pe->name, sizeof pe->name);
    }
    status =
        pg_image_add(space, d->base, d->pe.image_size, d->sections, d->pe.section_count, d, &image);
    if (status != PG_OK) {
        panic("the driver is refused", (uint64_t) - (int64_t)status);
    }
    /* What is not pageable comes in for good; the core does not ask for it. */
    for (uint32_t i = 0; i < d->pe.section_count; i++) {
        if (d->sections[i].class != PG_PAGEABLE && page_in(NULL, image, i) != PG_OK) {
            panic("no memory for section", i);
        }
    }
    return image;
}

static void show(const char *when)
{
    hw_print(when);
    for (uint32_t i = 0; i < driver.pe.section_count; i++) {
        const struct pg_section_desc *s = &driver.sections[i];

        hw_print(i == 0 ? ": " : ", ");
        hw_print(s->name);
        hw_print(" ");
        print_number(hw_present(s->base, bytes_of(s)), 10);
        hw_print("/");
        print_number(s->pages, 10);
    }
    hw_print("\n");
}

int kernel_main(int argc, char **argv)
{
    pg_handle handles[IMAGE_MAX_SECTIONS] = {0};
    struct pg_space *space;
    struct pg_image *image;
    uint32_t locked = 0;

    if (argc != 2) {
        panic("usage: toykernel DRIVER.sys", (uint64_t)argc);
    }
    if (pg_space_init(space_memory, sizeof space_memory, DRIVERS_MAX, SECTIONS_MAX, &services,
                      &space) != PG_OK) {
        panic("no space", pg_space_bytes(DRIVERS_MAX, SECTIONS_MAX));
    }
    image = load(space, argv[1]);
    show("loaded");
    pg_discard_init(image);
    show("initialized");
    for (uint32_t i = 0; i < driver.pe.section_count; i++) {
        const struct pg_section_desc *s = &driver.sections[i];

        if (s->class == PG_PAGEABLE && pg_lock_address(space, s->base, &handles[i]) == PG_OK &&
            pg_lock_handle(space, handles[i]) == PG_OK) {
            locked++;
        }
    }
    show("locked twice");
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < driver.pe.section_count; i++) {
            if (handles[i] != 0 && pg_unlock(space, handles[i]) != PG_OK) {
                panic("an unlock fails for section", i);
            }
        }
        show(round == 0 ? "unlocked once" : "unlocked");
    }
    if (!pg_space_is_valid(space) || pg_image_remove(image) != 0) {
        panic("the books are wrong", locked);
    }
    return 0;
}
