/* SPDX-License-Identifier: MIT */
/*
 * The event stream, from the machine's side: what happened goes to the channel with numbers for
 * modules, sections and devices, which are told of before their first use.
 *
 * Pages that move one after the other in one section, in one direction and at one time, are one
 * event: it waits in `run` until something else happens.
 */
#include "machine/internal.h"

#include <stdio.h>
#include <string.h>

#define NO_SECTION    UINT32_MAX
#define OTHER_DEVICES (TRACE_DEVICES - 1) /* the number of all devices beyond the table */

bool machine_tracing(void)
{
    return M->options.trace != TRACE_OFF;
}

static void put(enum event_kind kind, uint64_t a, uint64_t b, uint64_t c)
{
    struct event event = {.time = M->time, .value = {a, b, c}, .kind = kind, .irql = M->cpu.irql};

    channel_put(M->channel, RECORD_EVENT, &event, sizeof event);
}

void trace_flush(void)
{
    struct trace_run *run = &M->trace.run;
    struct event event;

    if (run->pages == 0) {
        return;
    }
    event = (struct event){.time = run->time,
                           .value = {run->section, run->first, run->pages},
                           .kind = run->kind,
                           .irql = run->irql};
    run->pages = 0;
    channel_put(M->channel, RECORD_EVENT, &event, sizeof event);
}

void machine_event(enum event_kind kind, uint64_t a, uint64_t b, uint64_t c)
{
    if (M->options.trace < event_text(kind)->level) {
        return;
    }
    trace_flush();
    put(kind, a, b, c);
}

/* ---- numbers of sections ---- */

/* Images that are not pageable have one section and one region, that of the whole image. */
static uint32_t section_of_region(const struct pager_region *region)
{
    const struct module *module = pager_region_owner(region);
    uint32_t count;

    if (module == NULL || !module->loaded) {
        return NO_SECTION; /* pool; or the loader at work, whose result trace_loaded tells */
    }
    count = module->image.pageable ? module->image.section_count : 1;
    for (uint32_t i = 0; i < count; i++) {
        if (module_region(module, i) == region) {
            return module->first_section + i;
        }
    }
    return NO_SECTION; /* the headers */
}

void trace_moved(void *context, const struct pager_region *region, uint32_t i, bool in)
{
    struct trace_run *run = &M->trace.run;
    uint32_t section = section_of_region(region);
    enum event_kind kind = !in                ? EVENT_PAGE_OUT
                           : M->trace.keeping ? EVENT_PAGE_KEEP
                                              : EVENT_PAGE_IN;

    (void)context;
    if (section == NO_SECTION) {
        return;
    }
    if (run->pages != 0 && run->section == section && run->kind == kind && run->time == M->time &&
        i == run->first + run->pages) {
        run->pages++;
        return;
    }
    trace_flush();
    *run = (struct trace_run){M->time, kind, M->cpu.irql, section, i, 1};
}

void trace_keeping(bool keeping)
{
    M->trace.keeping = keeping;
}

static void put_section(const struct module *module, uint32_t index)
{
    struct pg_section_info info;
    struct section_layout layout = {.section = module->first_section + index,
                                    .module = module->number};

    PG_ASSERT(pg_section_query(module->sections, index, &info) == PG_OK);
    layout.rva = (uint32_t)(info.desc->base - module->base);
    layout.pages = info.desc->pages;
    layout.bytes = module->image.pageable ? module->image.sections[index].virtual_size
                                          : module->image.image_size;
    layout.class = info.desc->class;
    memcpy(layout.name, info.desc->name, sizeof layout.name);
    channel_put(M->channel, RECORD_SECTION_LAYOUT, &layout, sizeof layout);
}

void trace_loaded(struct module *module)
{
    uint32_t count = pg_image_section_count(module->sections);
    struct module_layout layout = {.time = M->time, .base = module->base, .bytes = module->bytes};

    module->number = M->trace.modules++;
    module->first_section = M->trace.sections;
    M->trace.sections += count;
    if (!machine_tracing()) {
        return;
    }
    layout.module = module->number;
    memcpy(layout.name, module->name, sizeof layout.name);
    channel_put(M->channel, RECORD_MODULE_LAYOUT, &layout, sizeof layout);
    for (uint32_t i = 0; i < count; i++) {
        put_section(module, i);
    }
    trace_keeping(true);
    for (uint32_t i = 0; i < count; i++) {
        const struct pager_region *region = module_region(module, i);
        struct pg_section_info info;

        PG_ASSERT(pg_section_query(module->sections, i, &info) == PG_OK);
        for (uint32_t page = 0; page < info.desc->pages; page++) {
            if (pager_is_resident(M->pager, info.desc->base + (uint64_t)page * PG_PAGE_SIZE)) {
                trace_moved(NULL, region, page, true);
            }
        }
    }
    trace_keeping(false);
    trace_flush();
}

void machine_section_event(enum event_kind kind, pg_handle handle, uint64_t b, uint64_t c)
{
    struct pg_image *image;
    uint32_t section;

    if (machine_tracing() && pg_handle_query(M->space, handle, &image, &section) == PG_OK) {
        const struct module *module = pg_image_owner(image);

        machine_event(kind, module->first_section + section, b, c);
    }
}

void machine_module_event(enum event_kind kind, uint64_t address, uint64_t b)
{
    const struct module *module = module_at(address);

    if (machine_tracing() && module != NULL) {
        machine_event(kind, module->number, b, 0);
    }
}

/* ---- numbers of devices ---- */

/* The last device at an address; a deleted one is there, without its name, until it is closed. */
static uint32_t device_find(uint64_t object)
{
    uint32_t i = M->trace.device_count;

    while (i > 0 && M->trace.devices[i - 1].object != object) {
        i--;
    }
    return i > 0 ? i - 1 : OTHER_DEVICES;
}

static uint32_t device_add(uint64_t object, const char *name, const char *driver)
{
    struct device_layout layout = {.device = M->trace.device_count++};
    bool other = layout.device == OTHER_DEVICES;

    M->trace.devices[layout.device].object = object;
    snprintf(M->trace.devices[layout.device].name, sizeof M->trace.devices->name, "%s", name);
    snprintf(layout.name, sizeof layout.name, "%s", other ? "(other devices)" : name);
    snprintf(layout.driver, sizeof layout.driver, "%s", other ? "" : driver);
    trace_flush();
    channel_put(M->channel, RECORD_DEVICE_LAYOUT, &layout, sizeof layout);
    return layout.device;
}

/* An address is given to another device later: that one has another name, or looks the same to
 * whoever sees a picture. */
static uint32_t device_number(enum event_kind kind, uint64_t object, const char *name,
                              const char *driver)
{
    uint32_t device = device_find(object);

    if (kind == EVENT_OPEN && M->trace.device_count < TRACE_DEVICES &&
        (device == OTHER_DEVICES || strcmp(M->trace.devices[device].name, name) != 0)) {
        return device_add(object, name, driver);
    }
    return device;
}

void machine_device_event(enum event_kind kind, uint64_t object, const char *name,
                          const char *driver)
{
    if (machine_tracing()) {
        machine_event(kind, device_number(kind, object, name, driver), 0, 0);
    }
}
