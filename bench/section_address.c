/* SPDX-License-Identifier: MIT */
/*
 * Lock by address: random addresses over all sections, each result feeding the next.  Measured
 * against lock by handle in the same order, and against what it costs to walk the list of modules,
 * as the documents warn that systems do.  Only locking is timed; the unlocks that keep the counts
 * low come after it.
 */
#include "section.h"

#include <stdlib.h>
#include <string.h>

/* ---- a list of modules, in load order, with what a walk looks at and the usual rest ---- */

struct listed {
    struct listed *next;
    uint64_t base, bytes;
    struct {
        uint64_t base, bytes;
        pg_handle handle;
    } sections[SECTIONS_EACH];
};

static struct listed *modules_make(const struct section_field *field)
{
    uint32_t count = field->sections / SECTIONS_EACH;
    struct listed *modules = calloc(count, sizeof *modules);

    for (uint32_t i = 0; modules != NULL && i < count; i++) {
        struct listed *m = &modules[i];

        m->next = i + 1 < count ? m + 1 : NULL;
        m->base = field_image_base(i);
        m->bytes = 0x100000;
        for (uint32_t k = 0; k < SECTIONS_EACH; k++) {
            m->sections[k].base = field_address(i * SECTIONS_EACH + k, 0);
            m->sections[k].bytes = SECTION_PAGES * PG_PAGE_SIZE;
            m->sections[k].handle = field->handles[i * SECTIONS_EACH + k];
        }
    }
    return modules;
}

static pg_handle modules_find(const struct listed *m, uint64_t address)
{
    while (m != NULL && address - m->base >= m->bytes) {
        m = m->next;
    }
    for (uint32_t i = 0; m != NULL && i < SECTIONS_EACH; i++) {
        if (address - m->sections[i].base < m->sections[i].bytes) {
            return m->sections[i].handle;
        }
    }
    return 0;
}

/* ---- the three ways ---- */

static double unlock_all(struct section_field *field, uint32_t count, uint64_t begun)
{
    double ns = (double)(bench_now() - begun);

    for (uint32_t i = 0; i < count; i++) {
        if (pg_unlock(field->space, field->taken[i]) != PG_OK) {
            exit(EXIT_OURS);
        }
    }
    return ns;
}

static double by_address(struct section_field *field, uint32_t count)
{
    uint64_t begun = bench_now(), last = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t section = field_next(field, last);

        if (pg_lock_address(field->space, field_address(section, field->random),
                            &field->taken[i]) != PG_OK) {
            exit(EXIT_OURS);
        }
        last = field->taken[i];
    }
    return unlock_all(field, count, begun);
}

static double by_handle(struct section_field *field, uint32_t count)
{
    uint64_t begun = bench_now(), last = 0;

    for (uint32_t i = 0; i < count; i++) {
        field->taken[i] = field->handles[field_next(field, last)];
        if (pg_lock_handle(field->space, field->taken[i]) != PG_OK) {
            exit(EXIT_OURS);
        }
        last = field->taken[i];
    }
    return unlock_all(field, count, begun);
}

static double by_walk(struct section_field *field, uint32_t count)
{
    uint64_t begun = bench_now(), last = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t section = field_next(field, last);

        field->taken[i] = modules_find(field->extra, field_address(section, field->random));
        if (pg_lock_handle(field->space, field->taken[i]) != PG_OK) {
            exit(EXIT_OURS);
        }
        last = field->taken[i];
    }
    return unlock_all(field, count, begun);
}

void bench_section_address(struct bench_result results[5], bool quick)
{
    static const struct {
        const char *name;
        uint32_t images;
        section_way *versus;
        const char *against;
    } rows[5] = {
        {"lock_by_address_10", 10, by_handle, "lock by handle, same order"},
        {"lock_by_address_100k", 10000, by_handle, "lock by handle, same order"},
        {"lock_by_address_walk_100", 100, by_walk, "walk of the module list"},
        {"lock_by_address_walk_1000", 1000, by_walk, "walk of the module list"},
        {"lock_by_address_walk_10000", 10000, by_walk, "walk of the module list"},
    };

    for (uint32_t i = 0; i < 5; i++) {
        struct section_field *field = field_make(rows[i].images);
        uint32_t count = rows[i].versus == by_walk ? 200 : LOCKS_AT_ONCE;

        results[i] = (struct bench_result){
            .name = rows[i].name,
            .versus = rows[i].against,
            .how = "random addresses over all sections, 10 an image, each result feeding the next"};
        field->extra = modules_make(field);
        if (field->extra == NULL) {
            exit(EXIT_OURS);
        }
        section_compare(&results[i], field, by_address, rows[i].versus, count, quick ? 2 : 101);
        free(field->extra);
        field_free(field);
    }
}
