/* SPDX-License-Identifier: MIT */
/*
 * Requests from outside: each runs in a user thread of its own, which builds the IRP as the I/O
 * manager would for a program, sends it to the top of the device's stack and waits for it.
 *
 * A request lives until it was released and its thread is through with it.  User buffers are memory
 * of the simulated program; they go with the request.
 */
#include "nt/io.h"

#include <string.h>

#define REQUEST_TAG IO_TAG('I', 'o', 'R', 'q')

struct nt_file {
    struct file_object *object; /* one reference */
    uint64_t handle;            /* 0: closed */
};

struct nt_request {
    struct nt_request_desc desc; /* input: in user memory, see below */
    uint64_t input, output;      /* user memory */
    uint64_t thread;             /* guest KTHREAD, referenced */
    uint32_t references;         /* the caller, the thread, one for each cancellation */
    struct io_waiter waiter;
    bool done;
    ntstatus status;
    uint64_t information;
    struct nt_file *file; /* of a create */
};

static void drop(struct nt_request *request)
{
    if (--request->references > 0) {
        return;
    }
    if (request->input != 0) {
        machine_user_release(request->input, request->desc.input_bytes);
    }
    if (request->output != 0) {
        machine_user_release(request->output, request->desc.output_bytes);
    }
    if (request->thread != 0) {
        ob_dereference(request->thread);
    }
    ex_heap_give(request);
}

/* The packet with which the request's thread is busy: the outermost that it waits for. */
static struct io_irp *irp_of(const struct nt_request *request)
{
    for (struct io_irp *record = io_irp_next(NULL); record != NULL; record = io_irp_next(record)) {
        const struct irp *irp = machine_pointer(record->record.address);

        if (record->waiter != NULL && !record->waiter->done &&
            (uint64_t)irp->Tail.Overlay.Thread == request->thread) {
            return record;
        }
    }
    return NULL;
}

/* ---- one request, in its thread ---- */

static struct irp *new_irp(struct nt_request *r, struct device_object *top, uint8_t major,
                           int8_t mode)
{
    struct irp *irp = io_irp_new(top->StackSize, IO_IRP_REQUEST);

    if (irp == NULL) {
        return NULL;
    }
    irp->RequestorMode = mode;
    io_stack_next(irp)->MajorFunction = major;
    io_stack_next(irp)->MinorFunction = r->desc.minor;
    if (r->desc.file != NULL) {
        io_stack_next(irp)->FileObject = r->desc.file->object;
        irp->Tail.Overlay.OriginalFileObject = r->desc.file->object;
    }
    return irp;
}

static void send(struct nt_request *r, struct device_object *top, struct irp *irp)
{
    struct file_object *file = irp->Tail.Overlay.OriginalFileObject;

    if (file != NULL) {
        ob_reference((uint64_t)file);
    }
    r->status = io_send_and_wait(top, irp, &r->waiter);
    r->information = r->waiter.information;
    io_irp_free(irp);
    if (file != NULL) {
        ob_dereference((uint64_t)file);
    }
}

/* Frees what a failed io_build_* left. */
static void abandon(struct nt_request *r, struct irp *irp, ntstatus status)
{
    if (irp->AssociatedIrp.SystemBuffer != NULL) {
        ex_pool_free((uint64_t)irp->AssociatedIrp.SystemBuffer);
    }
    if (irp->MdlAddress != NULL) {
        io_mdl_free(irp->MdlAddress);
    }
    io_irp_free(irp);
    r->status = status;
}

static void transfer(struct nt_request *r, bool write)
{
    struct device_object *top = io_file_device(r->desc.file->object);
    struct irp *irp = new_irp(r, top, write ? IRP_MJ_WRITE : IRP_MJ_READ, UserMode);
    struct io_transfer t = {write ? r->input : r->output,
                            write ? r->desc.input_bytes : r->desc.output_bytes,
                            (int64_t)r->desc.offset, write};
    ntstatus status;

    if (irp == NULL) {
        return;
    }
    irp->Flags = write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    status = io_build_transfer_buffers(irp, UserMode, top, &t);
    if (status != STATUS_SUCCESS) {
        abandon(r, irp, status);
        return;
    }
    send(r, top, irp);
}

static void control(struct nt_request *r, bool internal)
{
    struct device_object *top = io_file_device(r->desc.file->object);
    struct irp *irp =
        new_irp(r, top, internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL,
                internal ? KernelMode : UserMode);
    struct io_control c = {r->desc.control_code, r->input, r->desc.input_bytes, r->output,
                           r->desc.output_bytes};
    ntstatus status;

    if (irp == NULL) {
        return;
    }
    status = io_build_control_buffers(irp, irp->RequestorMode, &c);
    if (status != STATUS_SUCCESS) {
        abandon(r, irp, status);
        return;
    }
    send(r, top, irp);
}

/* What a program opens by name: the nearest device at or below this one that has a name.  Filters
 * have none; the device of the bus, below all, always has. */
static struct device_object *named_device(struct device_object *device)
{
    for (const struct io_device *d = io_device_find((uint64_t)device); d != NULL;
         d = io_device_find(d->attached_to)) {
        struct device_object *candidate = machine_pointer(d->record.address);

        if (candidate->Flags & DO_DEVICE_HAS_NAME) {
            return candidate;
        }
    }
    return device;
}

static void create(struct nt_request *r)
{
    struct device_object *device = named_device(machine_pointer(r->desc.device));
    struct io_open open = {.mode = UserMode,
                           .access = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES,
                           .kind = IO_IRP_REQUEST,
                           .waiter = &r->waiter};
    struct file_object *file = NULL;

    r->status = io_file_open(device, &open, &file);
    r->information = r->waiter.information;
    if (!NT_SUCCESS(r->status)) {
        return;
    }
    r->file = ex_heap_take(sizeof *r->file);
    r->file->object = file;
    r->file->handle = ob_handle((uint64_t)file);
    file->Flags |= FO_HANDLE_CREATED;
    if (r->file->handle == 0) {
        ob_dereference((uint64_t)file);
        ex_heap_give(r->file);
        r->file = NULL;
        r->status = STATUS_INSUFFICIENT_RESOURCES;
    }
}

static void cleanup(struct nt_request *r)
{
    uint64_t handle = r->desc.file->handle;

    r->desc.file->handle = 0;
    r->status = handle != 0 && ob_close(handle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

/* IRP_MJ_CLOSE comes when the last reference goes: now, or when the last pending request is done.
 */
static void close_file(struct nt_request *r)
{
    struct nt_file *file = r->desc.file;

    if (file->handle != 0) {
        cleanup(r);
    }
    ob_dereference((uint64_t)file->object);
    ex_heap_give(file);
    r->desc.file = NULL;
    r->status = STATUS_SUCCESS;
}

static void simple(struct nt_request *r, struct device_object *top, uint8_t major, int8_t mode)
{
    struct irp *irp = new_irp(r, top, major, mode);

    if (irp != NULL) {
        irp->Flags = IRP_SYNCHRONOUS_API;
        send(r, top, irp);
    }
}

static void shutdown(struct nt_request *r)
{
    uint64_t device;

    if (r->desc.device != 0) {
        simple(r, io_top_of_stack(machine_pointer(r->desc.device)), IRP_MJ_SHUTDOWN, KernelMode);
        return;
    }
    r->status = STATUS_SUCCESS;
    for (uint32_t i = 0; (device = io_shutdown_device(i)) != 0; i++) {
        r->waiter = (struct io_waiter){0};
        simple(r, io_top_of_stack(machine_pointer(device)), IRP_MJ_SHUTDOWN, KernelMode);
    }
}

static void run(struct nt_request *r)
{
    r->status = STATUS_INSUFFICIENT_RESOURCES;
    if (r->desc.device != 0 && io_device_find(r->desc.device) == NULL) {
        r->status = STATUS_NO_SUCH_DEVICE; /* deleted since the request was made */
        return;
    }
    switch (r->desc.kind) {
    case NT_CREATE:
        create(r);
        break;
    case NT_CLEANUP:
        cleanup(r);
        break;
    case NT_CLOSE:
        close_file(r);
        break;
    case NT_READ:
        transfer(r, false);
        break;
    case NT_WRITE:
        transfer(r, true);
        break;
    case NT_DEVICE_CONTROL:
        control(r, false);
        break;
    case NT_INTERNAL_CONTROL:
        control(r, true);
        break;
    case NT_FLUSH:
        simple(r, io_file_device(r->desc.file->object), IRP_MJ_FLUSH_BUFFERS, UserMode);
        break;
    case NT_SHUTDOWN:
        shutdown(r);
        break;
    case NT_SYSTEM_CONTROL:
    case NT_PNP:
    case NT_POWER:
        io_pnp_request(&r->desc, r->input, r->output, &r->waiter, &r->status, &r->information);
        break;
    }
}

static void request_main(void *argument)
{
    struct nt_request *request = argument;

    run(request);
    if (machine_irql() != PASSIVE_LEVEL) {
        machine_bugcheck(0x4A, 0, machine_irql(), 0, 0,
                         "a thread would have returned to user mode at raised IRQL");
    }
    request->done = true;
    drop(request);
}

/* ---- from outside ---- */

static bool needs_file(enum nt_request_kind kind)
{
    return kind != NT_CREATE && kind != NT_SHUTDOWN && kind != NT_PNP && kind != NT_POWER &&
           kind != NT_SYSTEM_CONTROL;
}

static bool get_buffers(struct nt_request *r)
{
    if (r->desc.input_bytes > 0) {
        r->input = machine_user_allocate(r->desc.input_bytes);
        if (r->input == 0) {
            return false;
        }
        memcpy(machine_pointer(r->input), r->desc.input, r->desc.input_bytes);
    }
    if (r->desc.output_bytes > 0) {
        r->output = machine_user_allocate(r->desc.output_bytes);
    }
    return r->desc.output_bytes == 0 || r->output != 0;
}

struct nt_request *nt_request_start(const struct nt_request_desc *desc)
{
    struct nt_request *request = ex_heap_take(sizeof *request);
    struct thread *thread;

    PG_ASSERT(!needs_file(desc->kind) || desc->file != NULL);
    request->desc = *desc;
    request->references = 1;
    if (!needs_file(desc->kind)) {
        request->desc.file = NULL;
    }
    thread = get_buffers(request) ? ke_thread_new(request_main, request) : NULL;
    if (thread == NULL) {
        drop(request);
        return NULL;
    }
    request->references++;
    request->thread = ke_thread_object(thread);
    ob_reference(request->thread);
    ps_set_user_thread(thread);
    return request;
}

bool nt_request_done(const struct nt_request *request)
{
    return request->done;
}

int32_t nt_request_status(const struct nt_request *request)
{
    return request->done ? request->status : STATUS_PENDING;
}

uint64_t nt_request_information(const struct nt_request *request)
{
    return request->information;
}

const void *nt_request_output(const struct nt_request *request, uint32_t *bytes)
{
    bool any = request->done && request->output != 0 && !NT_ERROR(request->status);
    uint64_t written = request->information;

    if (written > request->desc.output_bytes) {
        written = request->desc.output_bytes;
    }
    *bytes = any ? (uint32_t)written : 0;
    return machine_pointer(request->output);
}

struct nt_file *nt_request_file(const struct nt_request *request)
{
    return request->file;
}

static void cancel_main(void *argument)
{
    struct nt_request *request = argument;
    const struct io_irp *irp = irp_of(request);

    if (irp != NULL) {
        io_cancel_irp(machine_pointer(irp->record.address));
    }
    drop(request);
}

void nt_request_cancel(struct nt_request *request)
{
    if (request->done) {
        return;
    }
    if (ke_thread_new(cancel_main, request) == NULL) {
        machine_notice("no thread is left to cancel a request");
        return;
    }
    request->references++;
}

uint64_t nt_request_holder(const struct nt_request *request)
{
    const struct io_irp *irp = irp_of(request);

    return irp == NULL ? 0 : irp->holder;
}

static bool is_done(void *context)
{
    return ((const struct nt_request *)context)->done;
}

static uint64_t until(uint64_t timeout)
{
    uint64_t now = machine_time();

    return timeout > UINT64_MAX - 1 - now ? UINT64_MAX : now + timeout;
}

bool nt_request_wait(struct nt_request *request, uint64_t timeout)
{
    machine_run(is_done, request, until(timeout));
    return request->done;
}

void nt_request_release(struct nt_request *request)
{
    drop(request);
}

/* ---- any routine ---- */

struct call {
    uint64_t routine, arguments[12], result;
    unsigned count;
    bool done;
};

static void call_main(void *argument)
{
    struct call *call = argument;

    call->result = machine_call(call->routine, call->count, call->arguments);
    call->done = true;
}

static bool call_done(void *context)
{
    return ((const struct call *)context)->done;
}

bool nt_run_in_thread(uint64_t routine, unsigned count, const uint64_t *arguments, uint64_t timeout,
                      uint64_t *result)
{
    struct call *call = ex_heap_take(sizeof *call);

    PG_ASSERT(count <= sizeof call->arguments / sizeof *call->arguments);
    call->routine = routine;
    call->count = count;
    io_copy((uint64_t)call->arguments, (uint64_t)arguments, count * sizeof *arguments);
    if (ke_thread_new(call_main, call) == NULL) {
        ex_heap_give(call);
        return false;
    }
    machine_run(call_done, call, until(timeout));
    if (!call->done) {
        return false; /* the thread still has it */
    }
    *result = call->result;
    ex_heap_give(call);
    return true;
}

/* ---- devices, as a scenario sees them ---- */

void io_ascii(const struct unicode_string *name, char *out, size_t size)
{
    size_t n = 0;

    for (; n < name->Length / 2u && n + 1 < size; n++) {
        out[n] = name->Buffer[n] < 0x7f ? (char)name->Buffer[n] : '?';
    }
    out[n] = '\0';
}

bool nt_device_get(uint64_t object, struct nt_device *out)
{
    const struct io_device *record = io_device_find(object);
    const struct device_object *device = machine_pointer(object);
    struct unicode_string name;

    if (record == NULL || record->deleted) {
        return false;
    }
    name = ob_name_of(object);
    *out = (struct nt_device){.object = object, .type = device->DeviceType, .flags = device->Flags};
    io_ascii(&name, out->name, sizeof out->name);
    return true;
}

bool nt_device_at(struct module *module, uint32_t index, struct nt_device *out)
{
    const struct io_driver *driver = module->nt;

    for (const struct io_device *d = io_device_next(NULL); d != NULL && driver != NULL;
         d = io_device_next(d)) {
        if (d->driver == driver && !d->deleted && index-- == 0) {
            return nt_device_get(d->record.address, out);
        }
    }
    return false;
}

uint64_t nt_device_find(const char *name)
{
    uint16_t units[256];
    struct unicode_string wide = rtl_unicode(name, units, sizeof units / sizeof *units);
    uint64_t object = ob_lookup(&wide);

    return object == 0 || io_device_find(object) == NULL
               ? 0
               : (uint64_t)io_top_of_stack(machine_pointer(object));
}
