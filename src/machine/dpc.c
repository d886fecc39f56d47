/* SPDX-License-Identifier: MIT */
/* The processor's queue of deferred procedure calls. */
#include "machine/internal.h"

static struct dpc *at(uint32_t index)
{
    return &M->cpu.dpcs[(M->cpu.dpc_head + index) % DPC_QUEUE_MAX];
}

static uint32_t find(uint64_t object)
{
    uint32_t i = 0;

    while (i < M->cpu.dpc_count && at(i)->object != object) {
        i++;
    }
    return i;
}

bool machine_dpc_is_queued(uint64_t object)
{
    return find(object) < M->cpu.dpc_count;
}

uint64_t machine_dpc_at(uint32_t index)
{
    return index < M->cpu.dpc_count ? at(index)->object : 0;
}

bool machine_dpc_queue(uint64_t object, void (*run)(uint64_t, const uint64_t[2]),
                       const uint64_t argument[2], bool at_head)
{
    struct dpc *dpc;

    if (machine_dpc_is_queued(object)) {
        return false;
    }
    PG_ASSERT(M->cpu.dpc_count < DPC_QUEUE_MAX);
    if (at_head) {
        M->cpu.dpc_head = (M->cpu.dpc_head + DPC_QUEUE_MAX - 1) % DPC_QUEUE_MAX;
        M->cpu.dpc_count++;
        dpc = at(0);
    } else {
        dpc = at(M->cpu.dpc_count++);
    }
    *dpc = (struct dpc){object, run, {argument[0], argument[1]}};
    return true;
}

bool machine_dpc_remove(uint64_t object)
{
    uint32_t i = find(object);

    if (i == M->cpu.dpc_count) {
        return false;
    }
    for (; i + 1 < M->cpu.dpc_count; i++) {
        *at(i) = *at(i + 1);
    }
    M->cpu.dpc_count--;
    return true;
}

bool machine_in_dpc(void)
{
    return M->cpu.dpc_depth > 0;
}

void dpc_run_all(void)
{
    PG_ASSERT(M->cpu.irql == DISPATCH_LEVEL && M->cpu.dpc_depth == 0);
    M->cpu.dpc_depth++;
    while (M->cpu.dpc_count > 0) {
        struct dpc dpc = *at(0);

        M->cpu.dpc_head = (M->cpu.dpc_head + 1) % DPC_QUEUE_MAX;
        M->cpu.dpc_count--;
        M->counters.dpcs++;
        dpc.run(dpc.object, dpc.argument);
        if (M->cpu.irql != DISPATCH_LEVEL) {
            machine_bugcheck(0xC8, ((uint64_t)M->cpu.irql << 16) | ((uint64_t)DISPATCH_LEVEL << 8),
                             0, 0, 0,
                             "a DPC routine returned at another IRQL than it was called at");
        }
    }
    M->cpu.dpc_depth--;
}
