/* SPDX-License-Identifier: MIT */
/*
 * The plug and play manager, seen from outside the computer: which driver gets which hardware.
 *
 * A piece of hardware (machine/hardware.h) has a device node: the physical device object, which the
 * system's own bus driver made, and the stack of devices that drivers put on it.
 */
#ifndef PAGABLE_NT_PNP_H
#define PAGABLE_NT_PNP_H

#include "machine/hardware.h"
#include "nt/requests.h"

/*
 * Give a started driver that has an AddDevice routine its devices: each hardware that is present,
 * has no driver yet and one of whose ids is among `ids` (a list as in struct hardware; NULL: none);
 * when that is none, one root-enumerated device without resources.  For each: a physical device
 * object, AddDevice, then the requests of a start, in the order in which Windows sends them.
 *
 * A driver that a device's key in the registry names among its LowerFilters or UpperFilters gets
 * those devices instead, below or above their driver; one whose driver came first is removed and
 * added again.
 *
 * *added counts devices whose AddDevice succeeded, *started those that also started; a failure is a
 * finding.  Returns false when the driver never returned.  S.
 */
bool nt_pnp_add(struct module *module, const char *ids, uint32_t *added, uint32_t *started);

/* Whether a driver that was started has an AddDevice routine. */
bool nt_pnp_is_wdm(const struct module *module);

/* Remove the devices in whose stacks the driver is, in the opposite order, orderly: query-remove,
 * remove.  A device whose query is refused, or that has open files, stays, and so does its driver.
 * False when a request never ended.  S. */
bool nt_pnp_remove(struct module *module);

/* The hardware is pulled out: surprise-removal to its stack; remove once the last file on it is
 * closed.  *status: STATUS_NO_SUCH_DEVICE when no driver has it.  False when a request never ended.
 * S. */
bool nt_pnp_pull_out(struct hardware *hardware, int32_t *status);

/* Query-stop, stop, start again with the same resources (a rebalance).  *status of the query when
 * the driver refused, of the start when it failed then.  False when a request never ended.  S. */
bool nt_pnp_restart(struct hardware *hardware, int32_t *status);

/* What an operation that never ended waits for, in words, and the routine that has it (0: unknown).
 */
uint64_t nt_pnp_pending(char *what, size_t size);

/* Top of the device stack of a piece of hardware (0: none). */
uint64_t nt_pnp_device(const struct hardware *hardware);

/* The hardware below a device: in whose stack it is.  NULL: none. */
struct hardware *nt_pnp_hardware(uint64_t device);

/* The physical device object of a piece of hardware, made when it is first asked for; 0 when guest
 * memory is exhausted or the hardware is gone.  Hardware on whose device something of the system's
 * own is attached counts as having a driver.  S or T. */
uint64_t nt_pnp_physical_device(struct hardware *hardware);

#endif
