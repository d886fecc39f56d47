/* SPDX-License-Identifier: MIT */
/* A stream, record by record -> a picture.  Every number is checked before it is used as one. */
#include "report/picture.h"

#include <inttypes.h>
#include <string.h>

#include "base/host.h"

pg_status picture_new(json_t *header, struct picture **out)
{
    struct picture *picture = host.allocate(sizeof *picture);

    if (picture == NULL) {
        json_decref(header);
        return PG_E_NO_MEMORY;
    }
    memset(picture, 0, sizeof *picture);
    picture->header = header;
    picture->sections = host.allocate(PICTURE_SECTIONS_MAX * sizeof *picture->sections);
    picture->devices = host.allocate(DEVICES_MAX * sizeof *picture->devices);
    picture->sites = host.allocate(SITES_MAX * sizeof *picture->sites);
    picture->columns = host.allocate(COLUMNS_MAX * sizeof *picture->columns);
    if (picture->sections == NULL || picture->devices == NULL || picture->sites == NULL ||
        picture->columns == NULL) {
        picture_free(picture);
        return PG_E_NO_MEMORY;
    }
    *out = picture;
    return PG_OK;
}

void picture_free(struct picture *picture)
{
    if (picture == NULL) {
        return;
    }
    for (uint32_t i = 0; picture->sections != NULL && i < picture->section_count; i++) {
        struct picture_section *section = &picture->sections[i];

        host.release(section->in);
        host.release(section->cells);
        host.release(section->resident_track);
        host.release(section->lock_track);
        host.release(section->fault_track);
    }
    for (uint32_t i = 0; picture->devices != NULL && i < picture->device_count; i++) {
        host.release(picture->devices[i].track);
    }
    host.release(picture->sections);
    host.release(picture->devices);
    host.release(picture->sites);
    host.release(picture->columns);
    json_decref(picture->header);
    json_decref(picture->run);
    host.release(picture);
}

static void add_moment(struct picture *picture, enum moment_kind kind, uint64_t number,
                       uint64_t value)
{
    if (picture->moment_count == MOMENTS_MAX) {
        picture->moments_left_out++;
        return;
    }
    picture->moments[picture->moment_count++] = (struct moment){
        .time = picture->now, .kind = kind, .number = (uint32_t)number, .value = value};
}

/* ---- time ---- */

/* What was so until now has lasted: it counts for the least and the most. */
static void let_time_pass(struct picture *picture, uint64_t time)
{
    uint64_t total = 0;

    if (time == picture->now) {
        return;
    }
    for (uint32_t i = 0; i < picture->section_count; i++) {
        struct picture_section *s = &picture->sections[i];

        if (!s->gone) {
            s->least = s->resident < s->least ? s->resident : s->least;
            s->most = s->resident > s->most ? s->resident : s->most;
        }
        s->page_time += s->resident * (time - s->since);
        s->since = time;
        total += s->resident;
    }
    if (picture->counting) {
        picture->least = total < picture->least ? (uint32_t)total : picture->least;
        picture->most = total > picture->most ? (uint32_t)total : picture->most;
    }
    picture->now = time;
}

static const char *check_time(const struct picture *picture, uint64_t time)
{
    return time > TIME_MAX        ? "the time is beyond 2^53"
           : time < picture->now  ? "the time is before that of the line before"
           : picture->run != NULL ? "something comes after the result"
                                  : NULL;
}

/* ---- what numbers stand for ---- */

static const char *add_module(struct picture *picture, const struct module_layout *layout)
{
    struct picture_module *module = &picture->modules[picture->module_count];
    const char *wrong = check_time(picture, layout->time);
    char name[sizeof layout->name + 1] = "";

    if (wrong != NULL) {
        return wrong;
    }
    if (layout->module != picture->module_count || picture->module_count == MODULES_MAX) {
        return "modules are not counted 0, 1, 2, ... up to 63";
    }
    let_time_pass(picture, layout->time);
    memcpy(name, layout->name, sizeof layout->name);
    *module = (struct picture_module){
        .base = layout->base, .bytes = layout->bytes, .loaded = layout->time, .unloaded = TIME_MAX};
    (void)CLEAN(module->name, name);
    picture->module_count++;
    picture->counting = true;
    picture->least = UINT32_MAX;
    picture->most = 0;
    columns_at(picture, layout->time, true);
    add_moment(picture, MOMENT_LOAD, layout->module, 0);
    return NULL;
}

static const char *add_section(struct picture *picture, const struct section_layout *layout)
{
    struct picture_section *section = &picture->sections[picture->section_count];
    char name[sizeof layout->name + 1] = "";

    if (picture->run != NULL || layout->section != picture->sections_told ||
        layout->module + 1 != picture->module_count) {
        return "sections are not counted 0, 1, 2, ... below their module";
    }
    if (layout->class > PG_DISCARDABLE || layout->pages == 0 || layout->pages > 1u << 20) {
        return "a section's class or number of pages makes no sense";
    }
    picture->sections_told++;
    if (picture->section_count == PICTURE_SECTIONS_MAX) {
        return NULL;
    }
    memset(section, 0, sizeof *section);
    memcpy(name, layout->name, sizeof layout->name);
    (void)CLEAN(section->name, name);
    section->module = layout->module;
    section->rva = layout->rva;
    section->bytes = layout->bytes;
    section->pages = layout->pages;
    section->class = layout->class;
    section->least = UINT32_MAX;
    section->since = picture->now;
    picture->section_count++; /* also when half made: picture_free takes what is there */
    if (!columns_add_section(picture, section)) {
        picture->out_of_memory = true;
    }
    return NULL;
}

static const char *add_device(struct picture *picture, const struct device_layout *layout)
{
    struct picture_device *device = &picture->devices[picture->device_count];
    char name[sizeof layout->name + 1] = "", driver[sizeof layout->driver + 1] = "";

    if (picture->run != NULL || layout->device != picture->device_count ||
        picture->device_count == DEVICES_MAX) {
        return "devices are not counted 0, 1, 2, ... up to 255";
    }
    memset(device, 0, sizeof *device);
    memcpy(name, layout->name, sizeof layout->name);
    memcpy(driver, layout->driver, sizeof layout->driver);
    (void)CLEAN(device->name, name);
    (void)CLEAN(device->driver, driver);
    picture->device_count++;
    if (!columns_add_device(picture, device)) {
        picture->out_of_memory = true;
    }
    return NULL;
}

const char *picture_layout(struct picture *picture, enum record_kind kind, const void *payload)
{
    if (picture->out_of_memory) {
        return NULL;
    }
    switch (kind) {
    case RECORD_MODULE_LAYOUT:
        return add_module(picture, payload);
    case RECORD_SECTION_LAYOUT:
        return add_section(picture, payload);
    case RECORD_DEVICE_LAYOUT:
        return add_device(picture, payload);
    default:
        return "no layout";
    }
}

const struct picture_site *picture_site_at(const struct picture *picture, uint64_t caller)
{
    for (uint32_t i = 0; i < picture->site_count; i++) {
        if (picture->sites[i].caller == caller) {
            return &picture->sites[i];
        }
    }
    return NULL;
}

const char *picture_site(struct picture *picture, const struct picture_site *site)
{
    if (picture->run != NULL || picture_site_at(picture, site->caller) != NULL) {
        return "a place is told of twice";
    }
    if (picture->site_count < SITES_MAX) {
        picture->sites[picture->site_count++] = *site;
    }
    return NULL;
}

/* ---- pages ---- */

static uint32_t column_index(const struct picture *picture)
{
    return picture->column_count - 1;
}

static void set_resident(const struct picture *picture, struct picture_section *section,
                         uint32_t resident)
{
    section->resident = resident;
    section->resident_track[column_index(picture)] = (struct track){resident, resident, resident};
}

/* Pages of a section whose pages are known one by one.  Returns how many moved. */
static uint32_t move_pages(const struct picture *picture, struct picture_section *section,
                           const struct event *event, bool in)
{
    uint32_t moved = 0;

    for (uint64_t i = event->value[1]; i < event->value[1] + event->value[2]; i++) {
        struct page_cell *cell = picture_cell(section, column_index(picture), (uint32_t)i);

        moved += section->in[i] != in;
        section->in[i] = in;
        cell->low = cell->high = cell->last = in;
        cell->faults += event->kind == EVENT_PAGE_IN && cell->faults < 255;
    }
    return moved;
}

static void take_pages(struct picture *picture, const struct event *event)
{
    struct picture_section *section = &picture->sections[event->value[0]];
    uint32_t pages = (uint32_t)event->value[2];
    bool in = event->kind != EVENT_PAGE_OUT;
    uint32_t resident = section->resident;

    columns_at(picture, event->time, false)->events++;
    if (section->in != NULL) {
        pages = move_pages(picture, section, event, in);
    }
    if (in) {
        resident = pages > section->pages - resident ? section->pages : resident + pages;
    } else {
        resident = pages > resident ? 0 : resident - pages;
    }
    set_resident(picture, section, resident);
    if (event->kind == EVENT_PAGE_IN) {
        section->faults += event->value[2];
        section->fault_track[column_index(picture)] += (uint32_t)event->value[2];
    } else if (in) {
        section->kept += event->value[2];
    } else {
        section->outs += event->value[2];
    }
}

static void leave(struct picture *picture, struct picture_section *section)
{
    struct event all = {.time = picture->now,
                        .value = {(uint64_t)(section - picture->sections), 0, section->pages},
                        .kind = EVENT_PAGE_OUT};

    if (section->in != NULL) {
        (void)move_pages(picture, section, &all, false);
    }
    set_resident(picture, section, 0);
}

/* ---- locks ---- */

static void count_site(struct picture_section *section, const struct event *event)
{
    struct lock_site *site = section->sites;
    struct lock_site *end = &section->sites[section->site_count];

    while (site < end && site->caller != event->value[2]) {
        site++;
    }
    if (site == end) {
        if (section->site_count == SECTION_SITES_MAX) {
            return;
        }
        section->site_count++;
        *site = (struct lock_site){.caller = event->value[2]};
    }
    site->by_address += event->kind == EVENT_LOCK;
    site->by_handle += event->kind == EVENT_LOCK_HANDLE;
}

static void take_lock(struct picture *picture, const struct event *event)
{
    struct picture_section *section = &picture->sections[event->value[0]];
    bool unlock = event->kind == EVENT_UNLOCK;
    uint32_t count = (uint32_t)event->value[1];
    bool turns = unlock ? count == 0 : section->locks == 0;

    columns_at(picture, event->time, turns)->events++;
    section->locks = count;
    section->lock_track[column_index(picture)] = (struct track){count, count, count};
    section->most_locks = count > section->most_locks ? count : section->most_locks;
    section->locks_by_address += event->kind == EVENT_LOCK;
    section->locks_by_handle += event->kind == EVENT_LOCK_HANDLE;
    section->unlocks += unlock;
    if (!unlock) {
        count_site(section, event);
    }
    if (turns) {
        add_moment(picture, unlock ? MOMENT_UNLOCKED : MOMENT_LOCKED, event->value[0], count);
    }
}

/* ---- the rest ---- */

static void discard(struct picture *picture, const struct event *event)
{
    struct picture_section *section = &picture->sections[event->value[0]];

    columns_at(picture, event->time, true)->events++;
    section->discarded = true;
    leave(picture, section);
    add_moment(picture, MOMENT_DISCARD, event->value[0], section->pages);
}

static void take_module(struct picture *picture, const struct event *event)
{
    uint32_t module = (uint32_t)event->value[0];
    enum moment_kind moment = event->kind == EVENT_PAGE_ENTIRE    ? MOMENT_ENTIRE
                              : event->kind == EVENT_RESET_PAGING ? MOMENT_RESET
                                                                  : MOMENT_UNLOAD;

    columns_at(picture, event->time, true)->events++;
    for (uint32_t i = 0; i < picture->section_count; i++) {
        struct picture_section *section = &picture->sections[i];

        if (section->module != module) {
            continue;
        }
        section->entire |= moment == MOMENT_ENTIRE;
        if (moment == MOMENT_UNLOAD) {
            leave(picture, section);
            section->gone = true;
            section->locks = 0;
            section->lock_track[column_index(picture)] = (struct track){0, 0, 0};
        }
    }
    if (moment == MOMENT_UNLOAD) {
        picture->modules[module].unloaded = event->time;
        picture->counting = false;
    }
    add_moment(picture, moment, module, 0);
}

static void take_file(struct picture *picture, const struct event *event)
{
    struct picture_device *device = &picture->devices[event->value[0]];
    bool open = event->kind == EVENT_OPEN;

    columns_at(picture, event->time, picture_device_shown(device))->events++;
    device->opened += open;
    if (open && device->open < UINT32_MAX) {
        device->open++;
    } else if (!open && device->open > 0) {
        device->open--;
    }
    device->track[column_index(picture)] = (struct track){device->open, device->open, device->open};
    if (picture_device_shown(device)) {
        add_moment(picture, open ? MOMENT_OPEN : MOMENT_CLOSE, event->value[0], device->open);
    }
}

static void take_trim(struct picture *picture, const struct event *event)
{
    bool asked = event->value[1] != 0;
    struct column *column = columns_at(picture, event->time, asked);

    column->events++;
    column->trims++;
    column->trimmed += event->value[0];
    column->asked += asked;
    if (asked) {
        add_moment(picture, MOMENT_TRIM, 0, event->value[0]);
    }
}

static bool is_lock(const struct event *event)
{
    return event->kind == EVENT_LOCK || event->kind == EVENT_LOCK_HANDLE ||
           event->kind == EVENT_UNLOCK;
}

static bool is_pages(const struct event *event)
{
    return event->kind == EVENT_PAGE_IN || event->kind == EVENT_PAGE_KEEP ||
           event->kind == EVENT_PAGE_OUT;
}

/* The other values of an event about a section that is drawn. */
static const char *check_section(const struct picture_section *section, const struct event *event)
{
    if (is_pages(event) &&
        (event->value[1] >= section->pages || event->value[2] > section->pages - event->value[1])) {
        return "there are no such pages in the section";
    }
    return is_lock(event) && event->value[1] > PG_LOCK_COUNT_MAX
               ? "a section cannot be locked so often"
               : NULL;
}

/* Whether the number that an event begins with is known.  *drawn: and not beyond what is drawn. */
static const char *check_number(const struct picture *picture, const struct event *event,
                                bool *drawn)
{
    const char *what = event_text(event->kind)->values[0];

    *drawn = true;
    if (strcmp(what, "section") == 0) {
        *drawn = event->value[0] < picture->section_count;
        return event->value[0] >= picture->sections_told ? "there is no such section"
               : *drawn ? check_section(&picture->sections[event->value[0]], event)
                        : NULL;
    }
    if (strcmp(what, "module") == 0) {
        return event->value[0] < picture->module_count ? NULL : "there is no such module";
    }
    if (strcmp(what, "device") == 0) {
        return event->value[0] < picture->device_count ? NULL : "there is no such device";
    }
    return NULL;
}

static void take_event(struct picture *picture, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_PAGE_IN:
    case EVENT_PAGE_KEEP:
    case EVENT_PAGE_OUT:
        take_pages(picture, event);
        break;
    case EVENT_LOCK:
    case EVENT_LOCK_HANDLE:
    case EVENT_UNLOCK:
        take_lock(picture, event);
        break;
    case EVENT_TRIM:
        take_trim(picture, event);
        break;
    case EVENT_DISCARD:
        discard(picture, event);
        break;
    case EVENT_PAGE_ENTIRE:
    case EVENT_RESET_PAGING:
    case EVENT_UNLOAD:
        take_module(picture, event);
        break;
    case EVENT_OPEN:
    case EVENT_CLOSE:
        take_file(picture, event);
        break;
    case EVENT_INTERRUPT:
        columns_at(picture, event->time, false)->interrupts++;
        break;
    case EVENT_CHOICE:
    case EVENT_IRQL:
    case EVENT_THREAD_SWITCH:
    case EVENT_CALL:
    case EVENT_KIND_COUNT:
        break;
    }
}

const char *picture_event(struct picture *picture, const struct event *event)
{
    const char *wrong;
    bool drawn;

    if (picture->out_of_memory) {
        return NULL;
    }
    if (event->kind >= EVENT_KIND_COUNT) {
        return "there is no such event";
    }
    wrong = check_time(picture, event->time);
    if (wrong == NULL) {
        wrong = check_number(picture, event, &drawn);
    }
    if (wrong != NULL) {
        return wrong;
    }
    let_time_pass(picture, event->time);
    picture->events++;
    if (drawn) {
        take_event(picture, event);
    }
    return NULL;
}

static const char *take_moment(struct picture *picture, uint64_t time, enum moment_kind kind,
                               uint64_t number, uint64_t value)
{
    const char *wrong = check_time(picture, time);

    if (wrong == NULL && !picture->out_of_memory) {
        let_time_pass(picture, time);
        columns_at(picture, time, true)->events++;
        add_moment(picture, kind, number, value);
    }
    return wrong;
}

const char *picture_finding(struct picture *picture, uint64_t time, uint64_t index)
{
    return index > UINT32_MAX - 1 ? "a finding cannot have that number"
                                  : take_moment(picture, time, MOMENT_FINDING, index, 0);
}

const char *picture_bugcheck(struct picture *picture, uint64_t time, uint64_t code)
{
    return take_moment(picture, time, MOMENT_BUGCHECK, 0, code);
}

const char *picture_named(struct picture *picture, const struct run_mark *mark)
{
    const char *wrong = take_moment(picture, mark->time, MOMENT_NAMED, 0, 0);
    char label[sizeof mark->label + 1] = "";

    if (wrong == NULL && picture->moments_left_out == 0 && picture->moment_count > 0) {
        memcpy(label, mark->label, sizeof mark->label);
        (void)CLEAN(picture->moments[picture->moment_count - 1].label, label);
    }
    return wrong;
}

const char *picture_end(struct picture *picture, json_t *run)
{
    const json_t *counters = json_object_get(run, "counters");
    json_int_t time = json_integer_value(json_object_get(counters, "virtual_time"));

    if (picture->run != NULL) {
        json_decref(run);
        return "something comes after the result";
    }
    picture->end = time > 0 && (uint64_t)time <= TIME_MAX ? (uint64_t)time : 0;
    picture->end = picture->end < picture->now ? picture->now : picture->end;
    let_time_pass(picture, picture->end);
    if (picture->column_count == 0) { /* nothing ever happened: still a time to draw */
        columns_at(picture, picture->end, true);
    }
    picture->run = run;
    return NULL;
}

const char *picture_time(char *buffer, size_t size, uint64_t time)
{
    uint64_t seconds = time / 10000000;

    if (time == 0) {
        (void)snprintf(buffer, size, "0");
    } else if (time < 10000) {
        (void)snprintf(buffer, size, "%" PRIu64 ".%" PRIu64 " \xc2\xb5s", time / 10, time % 10);
    } else if (time < 10000000) {
        (void)snprintf(buffer, size, "%" PRIu64 ".%03" PRIu64 " ms", time / 10000,
                       time / 10 % 1000);
    } else if (seconds < 120) {
        (void)snprintf(buffer, size, "%" PRIu64 ".%03" PRIu64 " s", seconds, time / 10000 % 1000);
    } else {
        (void)snprintf(buffer, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600,
                       seconds / 60 % 60, seconds % 60);
    }
    return buffer;
}
