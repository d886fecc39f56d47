/* SPDX-License-Identifier: MIT */
/*
 * How the plug and play manager works: one operation at a time, each in a system thread at
 * PASSIVE_LEVEL, sending its requests to the top of a stack and waiting for each.
 */
#include "nt/pnp_node.h"

#include <stdio.h>

void pnp_enter(void)
{
    if (pnp->busy) {
        ex_wait(&pnp->queue, 0); /* whoever leaves hands over */
    }
    pnp->busy = true;
}

void pnp_leave(void)
{
    if (!ex_wake(&pnp->queue)) {
        pnp->busy = false;
    }
}

ntstatus pnp_send(const struct pnp_node *node, const struct io_stack_location *parameters,
                  uint64_t *information)
{
    struct device_object *top = io_top_of_stack(node->pdo);
    struct irp *irp = io_irp_new(top->StackSize, IO_IRP_SYSTEM);
    struct io_waiter waiter = {0};
    struct io_stack_location *stack;
    ntstatus status;

    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    irp->IoStatus.Information = information == NULL ? 0 : *information;
    stack = io_stack_next(irp);
    stack->MajorFunction = IRP_MJ_PNP;
    stack->MinorFunction = parameters->MinorFunction;
    stack->Parameters = parameters->Parameters;
    ob_reference((uint64_t)top); /* it may delete itself on the way */
    pnp->now = (struct pnp_now){node, irp, parameters->MinorFunction, 0};
    status = io_send_and_wait(top, irp, &waiter);
    pnp->now = (struct pnp_now){0};
    io_irp_free(irp);
    ob_dereference((uint64_t)top);
    if (information != NULL) {
        *information = waiter.information;
    }
    return status;
}

static const char *minor_name(uint8_t minor)
{
    static const char *const names[] = {[IRP_MN_START_DEVICE] = "START_DEVICE",
                                        [IRP_MN_QUERY_REMOVE_DEVICE] = "QUERY_REMOVE_DEVICE",
                                        [IRP_MN_REMOVE_DEVICE] = "REMOVE_DEVICE",
                                        [IRP_MN_CANCEL_REMOVE_DEVICE] = "CANCEL_REMOVE_DEVICE",
                                        [IRP_MN_STOP_DEVICE] = "STOP_DEVICE",
                                        [IRP_MN_QUERY_STOP_DEVICE] = "QUERY_STOP_DEVICE",
                                        [IRP_MN_CANCEL_STOP_DEVICE] = "CANCEL_STOP_DEVICE",
                                        [IRP_MN_QUERY_DEVICE_RELATIONS] = "QUERY_DEVICE_RELATIONS",
                                        [IRP_MN_QUERY_CAPABILITIES] = "QUERY_CAPABILITIES",
                                        [IRP_MN_FILTER_RESOURCE_REQUIREMENTS] =
                                            "FILTER_RESOURCE_REQUIREMENTS",
                                        [IRP_MN_QUERY_PNP_DEVICE_STATE] = "QUERY_PNP_DEVICE_STATE",
                                        [IRP_MN_SURPRISE_REMOVAL] = "SURPRISE_REMOVAL"};

    PG_ASSERT(minor < sizeof names / sizeof *names && names[minor] != NULL);
    return names[minor];
}

uint64_t nt_pnp_pending(char *what, size_t size)
{
    const struct pnp_now *now = &pnp->now;
    const struct io_irp *record = now->irp == NULL ? NULL : io_irp_find(now->irp);

    if (now->node == NULL) {
        (void)snprintf(what, size, "a plug and play callback");
        return 0;
    }
    if (now->irp == NULL) {
        (void)snprintf(what, size, "AddDevice for %s", now->node->name);
        return now->routine;
    }
    (void)snprintf(what, size, "IRP_MN_%s for %s", minor_name(now->minor), now->node->name);
    return record != NULL && record->holder != 0 ? record->holder : pnp_routine(now->node);
}

ntstatus pnp_send_minor(const struct pnp_node *node, uint8_t minor)
{
    const struct io_stack_location parameters = {.MinorFunction = minor};

    return pnp_send(node, &parameters, NULL);
}

/* ---- operations that drivers ask for ---- */

struct later {
    void (*run)(struct pnp_node *node);
    struct pnp_node *node;
};

static void later_main(void *argument)
{
    struct later later = *(struct later *)argument;

    ex_heap_give(argument);
    pnp_enter();
    later.run(later.node);
    pnp_leave();
}

void pnp_later(void (*run)(struct pnp_node *node), struct pnp_node *node)
{
    struct later *later = ex_heap_take(sizeof *later);

    *later = (struct later){run, node};
    if (ke_thread_new(later_main, later) == NULL) {
        ex_heap_give(later);
        machine_notice("%s: no thread is left for what its driver asked of plug and play",
                       node->name);
    }
}
