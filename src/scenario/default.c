/* SPDX-License-Identifier: MIT */
/*
 * The default scenario: every device that a driver made is opened, read from, written to, asked
 * something and closed, one request after the other, devices in the order of their creation.
 */
#include "scenario/scenario.h"

#include <string.h>

#include "nt/types.h"
#include "scenario/settle.h"

#define DEVICES_MAX    256u
#define TRANSFER_BYTES 512u
/* FILE_DEVICE_UNKNOWN, function 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS: the first code that a
 * driver's author would choose. */
#define CONTROL_CODE 0x222000u

/* Send one request and wait for it.  The status, or STATUS_PENDING when it never ended. */
static int32_t perform(const struct nt_request_desc *desc, struct nt_file **file)
{
    struct nt_request *request = nt_request_start(desc);
    int32_t status = STATUS_PENDING;

    if (request == NULL) {
        machine_notice("no thread or memory is left for a %s request",
                       request_kind_name(desc->kind));
        return status;
    }
    if (request_settle(request, desc->kind)) {
        status = nt_request_status(request);
        if (file != NULL && status >= 0) {
            *file = nt_request_file(request);
        }
    }
    nt_request_release(request);
    return status;
}

static void use_file(struct nt_file *file)
{
    static uint8_t bytes[TRANSFER_BYTES];
    const struct nt_request_desc requests[] = {
        {.kind = NT_READ, .file = file, .output_bytes = TRANSFER_BYTES},
        {.kind = NT_WRITE, .file = file, .input = bytes, .input_bytes = TRANSFER_BYTES},
        {.kind = NT_DEVICE_CONTROL,
         .file = file,
         .input = bytes,
         .input_bytes = TRANSFER_BYTES,
         .output_bytes = TRANSFER_BYTES,
         .control_code = CONTROL_CODE},
        {.kind = NT_CLEANUP, .file = file},
        {.kind = NT_CLOSE, .file = file},
    };

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        (void)perform(&requests[i], NULL); /* a refusal is the driver's good right */
    }
}

static bool is_there(struct module *module, uint64_t object)
{
    struct nt_device device;

    for (uint32_t i = 0; nt_device_at(module, i, &device); i++) {
        if (device.object == object) {
            return true;
        }
    }
    return false;
}

static void use_driver(struct module *module)
{
    uint64_t objects[DEVICES_MAX];
    struct nt_device device;
    uint32_t count = 0;

    while (count < DEVICES_MAX && nt_device_at(module, count, &device)) {
        objects[count++] = device.object;
    }
    if (count == 0) { /* a silent success would promise too much */
        machine_notice("%s made no device: only its start and its unloading are checked",
                       module->name);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct nt_file *file = NULL;
        struct nt_request_desc create = {.kind = NT_CREATE, .device = objects[i]};

        if (is_there(module, objects[i]) && perform(&create, &file) >= 0 && file != NULL) {
            use_file(file);
        }
    }
}

void scenario_run_default(void)
{
    for (struct module *module = module_next(NULL); module != NULL; module = module_next(module)) {
        use_driver(module);
    }
}
