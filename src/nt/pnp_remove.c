/* SPDX-License-Identifier: MIT */
/*
 * Stopping and removing devices.
 *
 *   orderly:  QUERY_REMOVE, then REMOVE; refused, or with files open: CANCEL_REMOVE
 *   surprise: SURPRISE_REMOVAL at once, REMOVE when the last file is closed
 *   restart:  QUERY_STOP, STOP, START; refused: CANCEL_STOP; a start that fails then: as a surprise
 */
#include "nt/pnp_node.h"

#define STATUS_DEVICE_BUSY NT_STATUS(0x80000011)

/* A driver that deleted its device and did not detach it left an address behind; one that did
 * neither is told of when it unloads. */
static void detach_rest(struct pnp_node *node)
{
    struct io_device *left = io_device_find((uint64_t)node->pdo->AttachedDevice);

    if (node->pdo->AttachedDevice != NULL && (left == NULL || left->deleted)) {
        machine_finding(RULE_UNLOAD_LEFT_BEHIND, pnp_routine(node),
                        "%s deleted its device for %s and left it attached", pnp_driver_name(node),
                        node->name);
    }
    if (left != NULL) {
        left->attached_to = 0;
    }
    node->pdo->AttachedDevice = NULL;
}

void pnp_remove_now(struct pnp_node *node)
{
    bool gone = node->hardware != NULL && !node->hardware->present;

    pnp_disable_interfaces(node);
    (void)pnp_send_minor(node, IRP_MN_REMOVE_DEVICE);
    detach_rest(node);
    if (node->state != PNP_SURPRISED) {
        (void)pnp_notify_target(node, PNP_REMOVE_COMPLETE);
    }
    node->module = NULL;
    node->state = gone ? PNP_GONE : PNP_IDLE;
    if (gone) {
        host_device_delete(node->pdo);
        node->pdo = NULL;
    }
}

ntstatus pnp_remove_orderly(struct pnp_node *node)
{
    ntstatus status = pnp_notify_target(node, PNP_QUERY_REMOVE);

    if (NT_SUCCESS(status)) {
        status = pnp_send_minor(node, IRP_MN_QUERY_REMOVE_DEVICE);
        if (NT_SUCCESS(status) && pnp_is_open(node)) {
            status = STATUS_DEVICE_BUSY;
        }
        if (!NT_SUCCESS(status)) {
            (void)pnp_send_minor(node, IRP_MN_CANCEL_REMOVE_DEVICE);
        }
    }
    if (!NT_SUCCESS(status)) {
        (void)pnp_notify_target(node, PNP_REMOVE_CANCELLED);
        return status;
    }
    pnp_remove_now(node);
    return STATUS_SUCCESS;
}

/* ---- surprise ---- */

static void finish_surprise(struct pnp_node *node)
{
    if (node->state == PNP_SURPRISED && !pnp_is_open(node)) {
        pnp_remove_now(node);
    }
}

void pnp_surprise(struct pnp_node *node)
{
    (void)pnp_send_minor(node, IRP_MN_SURPRISE_REMOVAL);
    node->state = PNP_SURPRISED;
    pnp_disable_interfaces(node);
    (void)pnp_notify_target(node, PNP_REMOVE_COMPLETE);
    finish_surprise(node);
}

void pnp_file_closed(uint64_t device)
{
    struct pnp_node *node = pnp_node_of_stack(device);

    if (node != NULL && node->state == PNP_SURPRISED && !pnp_is_open(node)) {
        pnp_later(finish_surprise, node);
    }
}

/* ---- restart ---- */

ntstatus pnp_restart(struct pnp_node *node)
{
    ntstatus status = pnp_send_minor(node, IRP_MN_QUERY_STOP_DEVICE);

    if (!NT_SUCCESS(status)) {
        (void)pnp_send_minor(node, IRP_MN_CANCEL_STOP_DEVICE);
        return status;
    }
    (void)pnp_send_minor(node, IRP_MN_STOP_DEVICE);
    node->state = PNP_STOPPED;
    status = pnp_start(node);
    if (!NT_SUCCESS(status)) {
        pnp_surprise(node);
    }
    return status;
}
