/* SPDX-License-Identifier: MIT */
/*
 * IRPs that the system builds for a driver: device controls, reads, writes, flush, shutdown.
 *
 * Synchronous ones belong to the calling thread and are freed by the system when they complete.
 * Buffers are set up as the target device's flags and the control code say; the target is the
 * device that the caller names, not the top of its stack.
 */
#include "nt/io.h"

#define BUFFER_TAG IO_TAG('I', 'o', 'S', 'B')

struct build {
    struct irp *irp;
    struct io_irp *record;
    struct io_stack_location *stack; /* the first driver's */
    int8_t mode;
};

static bool begin(struct build *b, uint8_t major, struct device_object *device,
                  enum io_irp_kind kind)
{
    io_device_checked((uint64_t)device);
    b->irp = io_irp_new(device->StackSize, kind);
    if (b->irp == NULL) {
        return false;
    }
    b->record = io_irp_find(b->irp);
    b->stack = io_stack_next(b->irp);
    b->stack->MajorFunction = major;
    b->mode = KernelMode;
    b->irp->Tail.Overlay.Thread = machine_pointer(ex_current_thread());
    if (kind == IO_IRP_THREADED) {
        b->record->owner = ex_current_thread();
    }
    return true;
}

static void give_up(struct build *b)
{
    if (b->irp->AssociatedIrp.SystemBuffer != NULL) {
        ex_pool_free((uint64_t)b->irp->AssociatedIrp.SystemBuffer);
    }
    if (b->irp->MdlAddress != NULL) {
        io_mdl_free(b->irp->MdlAddress);
    }
    io_irp_free(b->irp);
}

/* A system buffer of `bytes`, whose first `input_bytes` are a copy of `input`. */
static bool add_system_buffer(struct irp *irp, uint64_t input, uint32_t input_bytes, uint32_t bytes)
{
    uint64_t buffer = ex_pool_allocate(POOL_NONPAGED, bytes, BUFFER_TAG);

    if (buffer == 0) {
        return false;
    }
    if (input_bytes > 0) {
        machine_touch(input, input_bytes, PAGER_READ);
        io_copy(buffer, input, input_bytes);
    }
    irp->AssociatedIrp.SystemBuffer = machine_pointer(buffer);
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    return true;
}

static void wants_output(struct build *b, uint64_t output, uint32_t bytes)
{
    b->irp->UserBuffer = machine_pointer(output);
    b->irp->Flags |= IRP_INPUT_OPERATION;
    b->record->user_output = output;
    b->record->output_bytes = bytes;
}

static ntstatus add_mdl(struct build *b, uint64_t buffer, uint32_t bytes, uint32_t operation)
{
    struct mdl *mdl = io_mdl_new(buffer, bytes);
    ntstatus status;

    if (mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    b->irp->MdlAddress = mdl;
    status = io_mdl_lock(mdl, b->mode, operation);
    return status;
}

ntstatus io_build_control_buffers(struct irp *irp, int8_t mode, const struct io_control *c)
{
    struct build b = {irp, io_irp_find(irp), io_stack_next(irp), mode};
    uint32_t method = METHOD_OF(c->code);
    uint32_t system_bytes = c->input_bytes;

    b.stack->Parameters.DeviceIoControl.OutputBufferLength = c->output_bytes;
    b.stack->Parameters.DeviceIoControl.InputBufferLength = c->input_bytes;
    b.stack->Parameters.DeviceIoControl.IoControlCode = c->code;
    if (method == METHOD_NEITHER) {
        b.stack->Parameters.DeviceIoControl.Type3InputBuffer = machine_pointer(c->input);
        irp->UserBuffer = machine_pointer(c->output);
        return STATUS_SUCCESS;
    }
    if (method == METHOD_BUFFERED && c->output_bytes > system_bytes) {
        system_bytes = c->output_bytes;
    }
    if (system_bytes > 0 && !add_system_buffer(irp, c->input, c->input_bytes, system_bytes)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (method == METHOD_BUFFERED) {
        if (c->output != 0) {
            wants_output(&b, c->output, c->output_bytes);
        }
        return STATUS_SUCCESS;
    }
    return c->output == 0 || c->output_bytes == 0
               ? STATUS_SUCCESS
               : add_mdl(&b, c->output, c->output_bytes,
                         method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
}

ntstatus io_build_transfer_buffers(struct irp *irp, int8_t mode, const struct device_object *device,
                                   const struct io_transfer *t)
{
    struct build b = {irp, io_irp_find(irp), io_stack_next(irp), mode};

    b.stack->Parameters.Read.Length = t->bytes;
    b.stack->Parameters.Read.ByteOffset = t->offset;
    if (device->Flags & DO_BUFFERED_IO) {
        if (t->bytes > 0 && !add_system_buffer(irp, t->buffer, t->write ? t->bytes : 0, t->bytes)) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        if (!t->write) {
            wants_output(&b, t->buffer, t->bytes);
        }
        return STATUS_SUCCESS;
    }
    if (device->Flags & DO_DIRECT_IO) {
        return t->bytes == 0
                   ? STATUS_SUCCESS
                   : add_mdl(&b, t->buffer, t->bytes, t->write ? IoReadAccess : IoWriteAccess);
    }
    irp->UserBuffer = machine_pointer(t->buffer);
    return STATUS_SUCCESS;
}

/* Pages that cannot be locked raise an exception in the caller, as MmProbeAndLockPages does. */
static struct irp *finished(struct build *b, ntstatus status)
{
    if (status == STATUS_SUCCESS) {
        return b->irp;
    }
    give_up(b);
    if (status != STATUS_INSUFFICIENT_RESOURCES) {
        ex_raise((uint32_t)status, 0, 0, "the buffer of a request cannot be locked");
    }
    return NULL;
}

/* ---- exports ---- */

/* NOLINTNEXTLINE(readability-function-size): NT's own parameters */
static struct irp *IoBuildDeviceIoControlRequest(uint32_t code, struct device_object *device,
                                                 uint64_t input, uint32_t input_bytes,
                                                 uint64_t output, uint32_t output_bytes,
                                                 uint8_t internal, struct kevent *event,
                                                 struct io_status_block *iosb)
{
    struct io_control control = {code, input, input_bytes, output, output_bytes};
    struct build b;

    if (!begin(&b, internal ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL, device,
               IO_IRP_THREADED)) {
        return NULL;
    }
    b.irp->UserIosb = iosb;
    b.irp->UserEvent = event;
    return finished(&b, io_build_control_buffers(b.irp, KernelMode, &control));
}

static struct irp *build_fsd(uint32_t major, struct device_object *device, uint64_t buffer,
                             uint32_t bytes, const int64_t *offset, enum io_irp_kind kind,
                             struct io_status_block *iosb)
{
    bool transfer = major == IRP_MJ_READ || major == IRP_MJ_WRITE;
    struct io_transfer t = {buffer, bytes, 0, major == IRP_MJ_WRITE};
    struct build b;

    if (transfer && offset != NULL) {
        machine_touch((uint64_t)offset, sizeof *offset, PAGER_READ);
        t.offset = *offset;
    }
    if (!begin(&b, (uint8_t)major, device, kind)) {
        return NULL;
    }
    b.irp->UserIosb = iosb;
    return finished(&b, transfer ? io_build_transfer_buffers(b.irp, KernelMode, device, &t)
                                 : STATUS_SUCCESS);
}

static struct irp *IoBuildSynchronousFsdRequest(uint32_t major, struct device_object *device,
                                                uint64_t buffer, uint32_t bytes,
                                                const int64_t *offset, struct kevent *event,
                                                struct io_status_block *iosb)
{
    struct irp *irp = build_fsd(major, device, buffer, bytes, offset, IO_IRP_THREADED, iosb);

    if (irp != NULL) {
        irp->UserEvent = event;
    }
    return irp;
}

static struct irp *IoBuildAsynchronousFsdRequest(uint32_t major, struct device_object *device,
                                                 uint64_t buffer, uint32_t bytes,
                                                 const int64_t *offset,
                                                 struct io_status_block *iosb)
{
    return build_fsd(major, device, buffer, bytes, offset, IO_IRP_ASYNC, iosb);
}

NT_CALL9(IoBuildDeviceIoControlRequest, uint32_t, struct device_object *, uint64_t, uint32_t,
         uint64_t, uint32_t, uint8_t, struct kevent *, struct io_status_block *)
NT_CALL7(IoBuildSynchronousFsdRequest, uint32_t, struct device_object *, uint64_t, uint32_t,
         const int64_t *, struct kevent *, struct io_status_block *)
NT_CALL6(IoBuildAsynchronousFsdRequest, uint32_t, struct device_object *, uint64_t, uint32_t,
         const int64_t *, struct io_status_block *)
