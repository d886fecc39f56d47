/* SPDX-License-Identifier: MIT */
/* Small routines of the executive: identifiers, time, what the processor can do. */
#include "nt/ex.h"

#include <string.h>

/* A random (version 4) identifier from the seeded stream: new in each call, the same in each run.
 */
static ntstatus ExUuidCreate(struct guid *out)
{
    uint16_t words[8];
    struct guid guid;

    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    for (size_t i = 0; i < 8; i++) {
        words[i] = (uint16_t)machine_choose(CHOICE_SCENARIO, 0x10000);
    }
    memcpy(&guid, words, sizeof guid);
    guid.Data3 = (uint16_t)((guid.Data3 & 0x0fff) | 0x4000);
    guid.Data4[0] = (uint8_t)((guid.Data4[0] & 0x3f) | 0x80);
    *out = guid;
    return STATUS_SUCCESS;
}

/* The computer's time zone is UTC. */
static void copy_time(const int64_t *from, int64_t *to)
{
    int64_t time;

    machine_touch((uint64_t)from, sizeof *from, PAGER_READ);
    machine_touch((uint64_t)to, sizeof *to, PAGER_WRITE);
    time = *from;
    *to = time;
}

static void ExSystemTimeToLocalTime(const int64_t *system, int64_t *local)
{
    copy_time(system, local);
}

static void ExLocalTimeToSystemTime(const int64_t *local, int64_t *system)
{
    copy_time(local, system);
}

/* In units of 100 ns.  Timers are exact here whatever the resolution; what drivers are told of it
 * is what they asked for. */
#define RESOLUTION_COARSE 156250u
#define RESOLUTION_FINE   5000u

struct resolution {
    uint32_t requests; /* that are in force */
    uint32_t current;
};
static struct resolution *resolution;

static struct resolution *resolution_state(void)
{
    if (resolution == NULL) {
        resolution = machine_allocate(sizeof *resolution);
        resolution->current = RESOLUTION_COARSE;
    }
    return resolution;
}

static uint32_t ExSetTimerResolution(uint32_t desired, uint8_t set)
{
    struct resolution *r = resolution_state();

    if (set) {
        uint32_t possible = desired < RESOLUTION_FINE ? RESOLUTION_FINE : desired;

        r->requests++;
        r->current = possible < r->current ? possible : r->current;
    } else if (r->requests > 0 && --r->requests == 0) {
        r->current = RESOLUTION_COARSE;
    }
    return r->current;
}

static void ExQueryTimerResolution(uint32_t *coarsest, uint32_t *finest, uint32_t *current)
{
    machine_touch((uint64_t)coarsest, sizeof *coarsest, PAGER_WRITE);
    machine_touch((uint64_t)finest, sizeof *finest, PAGER_WRITE);
    machine_touch((uint64_t)current, sizeof *current, PAGER_WRITE);
    *coarsest = RESOLUTION_COARSE;
    *finest = RESOLUTION_FINE;
    *current = resolution_state()->current;
}

/* PF_* numbers of what every x64 processor has; the same on every host. */
static uint8_t ExIsProcessorFeaturePresent(uint32_t feature)
{
    enum {
        COMPARE_EXCHANGE_DOUBLE = 2,
        MMX = 3,
        SSE = 6,
        RDTSC = 8,
        PAE = 9,
        SSE2 = 10,
        NX = 12,
        COMPARE_EXCHANGE128 = 14
    };
    static const uint32_t present = 1u << COMPARE_EXCHANGE_DOUBLE | 1u << MMX | 1u << SSE |
                                    1u << RDTSC | 1u << PAE | 1u << SSE2 | 1u << NX |
                                    1u << COMPARE_EXCHANGE128;

    return feature < 32 && (present >> feature & 1u) != 0;
}

/* A workstation of one user: only the suite of terminal services for that user. */
static uint8_t ExVerifySuite(uint32_t suite)
{
    enum { SINGLE_USER_TERMINAL_SERVICES = 8 };

    return suite == SINGLE_USER_TERMINAL_SERVICES;
}

NT_CALL1(ExUuidCreate, struct guid *)
NT_VOID2(ExSystemTimeToLocalTime, const int64_t *, int64_t *)
NT_VOID2(ExLocalTimeToSystemTime, const int64_t *, int64_t *)
NT_CALL2(ExSetTimerResolution, uint32_t, uint8_t)
NT_VOID3(ExQueryTimerResolution, uint32_t *, uint32_t *, uint32_t *)
NT_CALL1(ExIsProcessorFeaturePresent, uint32_t)
NT_CALL1(ExVerifySuite, uint32_t)

/* ---- start of everything in ex_*, ob*, ps, zw_*, mm_* ---- */

pg_status ex_start(void)
{
    pg_status status = ex_pool_start();

    if (status != PG_OK) {
        return status;
    }
    ob_start();
    ps_start();
    ex_callback_start();
    mm_start();
    zw_registry_start();
    dbg_start();
    rtl_start();
    return PG_OK;
}
