/* SPDX-License-Identifier: MIT */
/*
 * What is done to drivers from outside: load, requests, unload.  All of it is called on the
 * scheduler's stack; each action posts work to a thread of the computer and runs the machine.
 */
#ifndef PAGABLE_NT_REQUESTS_H
#define PAGABLE_NT_REQUESTS_H

#include "machine/machine.h"

/* Call the driver's DriverEntry, then (when it succeeded) its reinitialization routines, then
 * discard its INIT sections.  *status is DriverEntry's.  Returns false when the driver never
 * returned. */
bool nt_driver_start(struct module *module, int32_t *status);

/* Call DriverUnload when there is one, then check what was left behind and unload the image.
 *   NT_UNLOADED, NT_NO_UNLOAD (it has no unload routine: stays), NT_UNLOAD_HUNG */
enum nt_unload { NT_UNLOADED, NT_NO_UNLOAD, NT_UNLOAD_HUNG };
enum nt_unload nt_driver_stop(struct module *module);

/* Where in its image a driver is whose DriverEntry or unload routine has not returned; 0: not
 * known. */
uint64_t nt_driver_stuck_at(const struct module *module);

/* Devices of a driver in the order of their creation; false beyond the last. */
struct nt_device {
    uint64_t object; /* guest DEVICE_OBJECT */
    char name[64];   /* "\\Device\\Foo", "" when unnamed */
    uint32_t type, flags;
};
bool nt_device_at(struct module *module, uint32_t index, struct nt_device *out);
/* The device object at an address; false when there is none, or it is deleted. */
bool nt_device_get(uint64_t object, struct nt_device *out);
/* Device (top of its stack) with this name or symbolic link; 0 when there is none. */
uint64_t nt_device_find(const char *name);

/* An open file of the simulated program. */
struct nt_file;

/* One request.  The IRP goes down the device's stack as the I/O manager would send it from a user
 * thread (buffered or direct I/O by the device's flags, METHOD_* by the control code). */
enum nt_request_kind {
    NT_CREATE,
    NT_CLEANUP,
    NT_CLOSE,
    NT_READ,
    NT_WRITE,
    NT_DEVICE_CONTROL,
    NT_INTERNAL_CONTROL,
    NT_FLUSH,
    NT_SHUTDOWN,
    NT_SYSTEM_CONTROL,
    NT_PNP,
    NT_POWER
};

struct nt_request_desc {
    enum nt_request_kind kind;
    uint8_t minor;        /* PNP, POWER, SYSTEM_CONTROL */
    uint64_t device;      /* create, pnp, power, shutdown: a DEVICE_OBJECT */
    struct nt_file *file; /* others */
    const void *input;    /* write data, control input */
    uint32_t input_bytes;
    uint32_t output_bytes; /* read length, control output size */
    uint32_t control_code;
    uint64_t offset; /* read, write */
};

struct nt_request;

/* Start a request in a new user thread; NULL when the computer has no threads or memory left. */
struct nt_request *nt_request_start(const struct nt_request_desc *desc);
bool nt_request_done(const struct nt_request *request);
/* Valid when done. */
int32_t nt_request_status(const struct nt_request *request);
uint64_t nt_request_information(const struct nt_request *request);
/* Output bytes (read data, control output), as many as `information` says and fit. */
const void *nt_request_output(const struct nt_request *request, uint32_t *bytes);
/* The file that a successful NT_CREATE opened. */
struct nt_file *nt_request_file(const struct nt_request *request);
/* Ask the driver to cancel (IoCancelIrp, from a system thread).  The answer is seen in done. */
void nt_request_cancel(struct nt_request *request);
/* The device and driver routine that hold a pending request, for a finding: address of the dispatch
 * routine that returned STATUS_PENDING; 0 when unknown. */
uint64_t nt_request_holder(const struct nt_request *request);
/* Run the machine until the request is done or `timeout` units of virtual time passed; true: done.
 */
bool nt_request_wait(struct nt_request *request, uint64_t timeout);
/* Forget a finished request, or abandon a pending one (its memory stays until it completes). */
void nt_request_release(struct nt_request *request);

/* Call any routine of guest code in a fresh system thread and wait at most `timeout`; false: it did
 * not return. */
bool nt_run_in_thread(uint64_t routine, unsigned count, const uint64_t *arguments, uint64_t timeout,
                      uint64_t *result);

#endif
