/* SPDX-License-Identifier: MIT */
/*
 * Drivers of the system itself: guest driver and device objects whose dispatch routines are nt's
 * own code.  To a driver that sends them requests they are drivers like any other.
 */
#ifndef PAGABLE_NT_HOST_DRIVER_H
#define PAGABLE_NT_HOST_DRIVER_H

#include "nt/io.h"

struct host_driver;

/* A dispatch routine: on the caller's thread at the caller's IRQL.  Completes the request or marks
 * it pending, and returns, as every dispatch routine does.  NULL in a table: completes with
 * STATUS_INVALID_DEVICE_REQUEST.  Whoever sends a request is not believed: a dispatch routine
 * touches (machine_touch) what the request points to. */
typedef ntstatus (*host_dispatch)(struct device_object *device, struct irp *irp);

/* `name` as "\\Driver\\Disk".  NULL when guest memory is exhausted.  S before drivers, or T. */
struct host_driver *host_driver_new(const char *name,
                                    const host_dispatch dispatch[IRP_MJ_MAXIMUM_FUNCTION + 1]);

/* A device of it; `name` may be NULL.  `context` is the host's, see host_device_context.  NULL when
 * guest memory is exhausted or the name is taken.  DO_DEVICE_INITIALIZING is clear on return. */
struct device_object *host_device_new(struct host_driver *driver, const char *name, uint32_t type,
                                      uint32_t flags, void *context);
void *host_device_context(const struct device_object *device);
/* The context of a device that is already known to be this driver's; NULL of any other device. */
void *host_device_context_of(const struct host_driver *driver, uint64_t device);
void host_device_delete(struct device_object *device);

/* Complete a request; returns `status`.  At any IRQL up to DISPATCH_LEVEL, in any thread (T). */
ntstatus host_complete(struct irp *irp, ntstatus status, uint64_t information);

/* IoMarkIrpPending; what the dispatch routine then returns is STATUS_PENDING. */
ntstatus host_pend(struct irp *irp);

/*
 * Pend a request that can be cancelled.  `cancel` is called up to DISPATCH_LEVEL, without the
 * cancel spin lock, and completes the request.  A request that was cancelled already is completed
 * with STATUS_CANCELLED, which is returned.  Before completing it in another way its owner calls
 * host_pend_end: false means that cancellation came first and the request is gone.
 */
typedef void (*host_cancel)(struct device_object *device, struct irp *irp);
ntstatus host_pend_cancelable(struct irp *irp, host_cancel cancel);
bool host_pend_end(struct irp *irp);

#endif
