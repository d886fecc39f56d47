/* SPDX-License-Identifier: MIT */
/*
 * The export table at work: finding a row, giving an import its address, and dispatching a call.
 *
 * An import that no row provides gets a spare stub which remembers the name; calling it names the
 * routine and the caller and stops the run.
 */
#include "nt/nt.h"

#include "base/assert.h"
#include "nt/exports.h"

#include <stdio.h>
#include <string.h>

#define NTOS "ntoskrnl.exe"
#define HAL  "hal.dll"

#define DECLARE_CALL(name, module, state, irql, arguments) uint64_t call_##name(const uint64_t *a);
NT_EXPORTS(DECLARE_CALL)
#undef DECLARE_CALL

static const struct nt_export routines[] = {
#define EXPORT_ROW(name, module, state, irql, arguments)                                           \
    {#name, module, EXPORT_##state, irql, arguments, call_##name, 0},
    NT_EXPORTS(EXPORT_ROW)
#undef EXPORT_ROW
};

#define DATA_ROW(name, bytes) {#name, NTOS, EXPORT_DONE, HIGH_LEVEL, 0, NULL, bytes},
/* `data` holds the size until nt_start has placed the datum. */
static struct nt_export data[] = {NT_DATA_EXPORTS(DATA_ROW)};
#undef DATA_ROW

#define ROUTINE_COUNT ((uint32_t)(sizeof routines / sizeof *routines))
#define DATA_COUNT    ((uint32_t)(sizeof data / sizeof *data))
#define MISSING_MAX   512u

static struct {
    char name[64];
} * missing;
static uint32_t missing_count;

struct nt_hooks nt_hooks;

uint32_t nt_export_count(void)
{
    return ROUTINE_COUNT + DATA_COUNT;
}

const struct nt_export *nt_export_at(uint32_t index)
{
    PG_ASSERT(index < ROUTINE_COUNT + DATA_COUNT);
    return index < ROUTINE_COUNT ? &routines[index] : &data[index - ROUTINE_COUNT];
}

/* ---- finding a row by name: open addressing, filled on first use ---- */

#define BUCKETS 2048u
_Static_assert(ROUTINE_COUNT + DATA_COUNT < BUCKETS / 2, "the table of names is too full");

static uint16_t buckets[BUCKETS]; /* row + 1; 0: empty */

static uint32_t hash(const char *name)
{
    uint32_t h = 2166136261u; /* FNV-1a */

    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 16777619u;
    }
    return h;
}

static void fill_buckets(void)
{
    for (uint32_t i = 0; i < ROUTINE_COUNT + DATA_COUNT; i++) {
        uint32_t b = hash(nt_export_at(i)->name) % BUCKETS;

        while (buckets[b] != 0) {
            b = (b + 1) % BUCKETS;
        }
        buckets[b] = (uint16_t)(i + 1);
    }
}

const struct nt_export *nt_export_find(const char *name)
{
    static bool filled;

    if (!filled) {
        fill_buckets();
        filled = true;
    }
    for (uint32_t b = hash(name) % BUCKETS; buckets[b] != 0; b = (b + 1) % BUCKETS) {
        const struct nt_export *export = nt_export_at(buckets[b] - 1u);

        if (strcmp(export->name, name) == 0) {
            return export;
        }
    }
    return NULL;
}

uint64_t nt_export_address(const char *name)
{
    const struct nt_export *export = nt_export_find(name);

    if (export == NULL) {
        return 0;
    }
    return export->call != NULL ? MACHINE_STUB((uint64_t)(export - routines)) : export->data;
}

void *nt_data(const char *name)
{
    uint64_t address = nt_export_address(name);

    PG_ASSERT(address != 0);
    return machine_pointer(address);
}

static const char *stub_name(uint32_t index)
{
    if (index < ROUTINE_COUNT) {
        return routines[index].name;
    }
    return index - ROUTINE_COUNT < missing_count ? missing[index - ROUTINE_COUNT].name : NULL;
}

const char *nt_export_name_at(uint64_t rva, uint32_t *offset)
{
    uint64_t first = MACHINE_STUB(0) - ARENA_NT;

    if (rva < first || (rva - first) / 16 >= ROUTINE_COUNT) {
        return NULL;
    }
    *offset = (uint32_t)((rva - first) % 16);
    return routines[(rva - first) / 16].name;
}

static uint64_t dispatch(uint32_t index, const uint64_t *arguments)
{
    const struct nt_export *export;
    uint64_t result;

    if (index >= ROUTINE_COUNT) {
        machine_unsupported("the import %s", stub_name(index));
    }
    export = &routines[index];
    io_deliver_apcs(); /* the driver may have lowered the IRQL by itself */
    if (nt_hooks.before_call != NULL) {
        nt_hooks.before_call(export, arguments);
    }
    result = export->call(arguments);
    io_deliver_apcs();
    return result;
}

static uint64_t missing_stub(const char *module, const char *name, uint16_t ordinal)
{
    char text[64];

    if (name != NULL) {
        snprintf(text, sizeof text, "%.20s!%.40s", module, name);
    } else {
        snprintf(text, sizeof text, "%.20s!#%u", module, ordinal);
    }
    for (uint32_t i = 0; i < missing_count; i++) {
        if (strcmp(missing[i].name, text) == 0) {
            return MACHINE_STUB(ROUTINE_COUNT + i);
        }
    }
    /* Beyond the spare stubs, imports share the last one: its name still says what is missing. */
    if (missing_count < MISSING_MAX) {
        memcpy(missing[missing_count++].name, text, sizeof text);
    }
    return MACHINE_STUB(ROUTINE_COUNT + missing_count - 1);
}

bool nt_is_system_module(const char *module)
{
    static const char *const names[] = {"ntoskrnl.exe", "hal.dll", "ntkrnlmp.exe", "ntkrnlpa.exe",
                                        "ntoskrnl.lib"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(module, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

uint64_t nt_resolve_import(const char *module, const char *name, uint16_t ordinal, bool *found)
{
    uint64_t address = name != NULL && nt_is_system_module(module) ? nt_export_address(name) : 0;

    *found = address != 0;
    return *found ? address : missing_stub(module, name, ordinal);
}

pg_status nt_start(void)
{
    struct machine_exports exports = {ROUTINE_COUNT, dispatch, stub_name};
    pg_status status;

    missing = machine_allocate(MISSING_MAX * sizeof *missing);
    machine_set_exports(&exports);
    for (uint32_t i = 0; i < DATA_COUNT; i++) {
        data[i].data = machine_export_data(data[i].data);
    }
    status = ex_start();
    if (status == PG_OK) {
        status = ke_start();
    }
    return status == PG_OK ? io_start() : status;
}
