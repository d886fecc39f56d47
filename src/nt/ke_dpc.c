/* SPDX-License-Identifier: MIT */
/* Deferred procedure calls of drivers. */
#include "nt/ke.h"

#include <string.h>

#define DPC_TYPE          19 /* DpcObject */
#define DPC_TYPE_THREADED 24 /* ThreadedDpcObject */
#define IMPORTANCE_MEDIUM 1
#define IMPORTANCE_HIGH   2

static void init(struct kdpc *dpc, uint64_t routine, uint64_t context, uint8_t type)
{
    machine_touch((uint64_t)dpc, sizeof *dpc, PAGER_WRITE);
    memset(dpc, 0, sizeof *dpc);
    dpc->Type = type;
    dpc->Importance = IMPORTANCE_MEDIUM;
    dpc->DeferredRoutine = machine_pointer(routine);
    dpc->DeferredContext = machine_pointer(context);
}

static void KeInitializeDpc(struct kdpc *dpc, uint64_t routine, uint64_t context)
{
    init(dpc, routine, context, DPC_TYPE);
}

static void KeInitializeThreadedDpc(struct kdpc *dpc, uint64_t routine, uint64_t context)
{
    init(dpc, routine, context, DPC_TYPE_THREADED);
}

static void run(uint64_t object, const uint64_t argument[2])
{
    const struct kdpc *dpc = machine_pointer(object);

    machine_touch(object, sizeof *dpc, PAGER_WRITE);
    MACHINE_CALL((uint64_t)dpc->DeferredRoutine, object, (uint64_t)dpc->DeferredContext,
                 argument[0], argument[1]);
}

bool ke_queue_dpc(struct kdpc *dpc, uint64_t argument1, uint64_t argument2)
{
    uint64_t arguments[2] = {argument1, argument2};

    machine_touch((uint64_t)dpc, sizeof *dpc, PAGER_WRITE);
    return machine_dpc_queue((uint64_t)dpc, run, arguments, dpc->Importance == IMPORTANCE_HIGH);
}

static uint8_t KeInsertQueueDpc(struct kdpc *dpc, uint64_t argument1, uint64_t argument2)
{
    return ke_queue_dpc(dpc, argument1, argument2);
}

static uint8_t KeRemoveQueueDpc(struct kdpc *dpc)
{
    return machine_dpc_remove((uint64_t)dpc);
}

static void KeSetImportanceDpc(struct kdpc *dpc, uint32_t importance)
{
    machine_touch((uint64_t)dpc, sizeof *dpc, PAGER_WRITE);
    dpc->Importance = (uint8_t)importance;
}

static void KeSetTargetProcessorDpc(struct kdpc *dpc, int8_t number)
{
    machine_touch((uint64_t)dpc, sizeof *dpc, PAGER_WRITE);
    dpc->Number = (uint16_t)(number + 0x500); /* as Windows marks a chosen processor */
}

/* Every DPC that was queued before has run when this returns. */
static void KeFlushQueuedDpcs(void)
{
    uint8_t irql = machine_irql();

    if (irql < DISPATCH_LEVEL) {
        machine_raise_quietly(DISPATCH_LEVEL);
        machine_lower(irql);
    }
}

NT_VOID3(KeInitializeDpc, struct kdpc *, uint64_t, uint64_t)
NT_VOID3(KeInitializeThreadedDpc, struct kdpc *, uint64_t, uint64_t)
NT_CALL3(KeInsertQueueDpc, struct kdpc *, uint64_t, uint64_t)
NT_CALL1(KeRemoveQueueDpc, struct kdpc *)
NT_VOID2(KeSetImportanceDpc, struct kdpc *, uint32_t)
NT_VOID2(KeSetTargetProcessorDpc, struct kdpc *, int8_t)
NT_VOID0(KeFlushQueuedDpcs)
