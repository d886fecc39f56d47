/* SPDX-License-Identifier: MIT */
/*
 * Rules that are checked from outside of the routines concerned: at every call of an export, at
 * every request, when an image was loaded, and when a driver has unloaded.  What a routine itself
 * must notice to work (a lock of an address in no driver, a page that is out at raised IRQL) is
 * reported where it happens.
 *
 * Runs in the computer's process; all state is the machine's.
 */
#ifndef PAGABLE_VERIFY_VERIFY_H
#define PAGABLE_VERIFY_VERIFY_H

#include "nt/nt.h"

/* After nt_start, before any driver is loaded: sets the hooks of nt and of the machine, but for the
 * two that the functions below are for. */
void verify_start(void);

/* nt_hooks.before_call: what is wrong with the call of an export. */
void verify_before_call(const struct nt_export *export, const uint64_t *arguments);

/* After module_load: section-flags-disagree, image-not-pageable. */
void verify_loaded(const struct module *module);

/* nt_hooks.at_unload: lock-leak.  The image is still there. */
void verify_at_unload(struct module *module);

#endif
