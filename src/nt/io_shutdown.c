/* SPDX-License-Identifier: MIT */
/* Who is told of the shutdown: devices that registered, the last one first. */
#include "nt/io.h"

static ntstatus add(struct device_object *device, bool last_chance)
{
    struct io_device *record = io_device_checked((uint64_t)device);

    record->shutdown_registered = true;
    record->last_chance = last_chance;
    record->shutdown_sequence = ++io_state->shutdowns;
    device->Flags |= DO_SHUTDOWN_REGISTERED;
    return STATUS_SUCCESS;
}

uint64_t io_shutdown_device(uint32_t index)
{
    uint64_t below = UINT64_MAX;
    const struct io_device *found = NULL;

    for (uint32_t i = 0; i <= index; i++) {
        found = NULL;
        for (const struct io_device *d = io_device_next(NULL); d != NULL; d = io_device_next(d)) {
            uint64_t key = d->shutdown_sequence | (d->last_chance ? 0 : 1ull << 63);

            if (d->shutdown_registered && key < below &&
                (found == NULL ||
                 key > (found->shutdown_sequence | (found->last_chance ? 0 : 1ull << 63)))) {
                found = d;
            }
        }
        if (found == NULL) {
            return 0;
        }
        below = found->shutdown_sequence | (found->last_chance ? 0 : 1ull << 63);
    }
    return found->record.address;
}

static ntstatus IoRegisterShutdownNotification(struct device_object *device)
{
    return add(device, false);
}

static ntstatus IoRegisterLastChanceShutdownNotification(struct device_object *device)
{
    return add(device, true);
}

static void IoUnregisterShutdownNotification(struct device_object *device)
{
    io_device_checked((uint64_t)device)->shutdown_registered = false;
    device->Flags &= ~DO_SHUTDOWN_REGISTERED;
}

NT_CALL1(IoRegisterShutdownNotification, struct device_object *)
NT_CALL1(IoRegisterLastChanceShutdownNotification, struct device_object *)
NT_VOID1(IoUnregisterShutdownNotification, struct device_object *)
