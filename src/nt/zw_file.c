/* SPDX-License-Identifier: MIT */
/*
 * Zw routines for files.  There is no file system: a path leads to a device or to nothing, and a
 * file is an open device.
 *
 * Requests are sent in kernel mode and always waited for, also on files that were not opened for
 * synchronous use: the event and the status block then say so before the call returns, which NT
 * allows.  Routines that are called back at completion are refused.
 */
#include "nt/io.h"

#define FILE_SYNCHRONOUS_ALERT 0x10u
#define USE_FILE_POSITION      (-2ll) /* FILE_USE_FILE_POINTER_POSITION as one number */

/* One call that works on an open file. */
struct file_call {
    uint64_t handle, event, routine;
    struct io_status_block *iosb;
    struct file_object *file;
    uint64_t event_object;
};

/* ---- open ---- */

static ntstatus open_device(const struct ob_attributes *attributes, uint32_t access,
                            struct file_object **file)
{
    struct io_waiter waiter = {0};
    struct ob_rest rest;
    uint64_t object;
    ntstatus status;
    struct io_open open = {
        .mode = KernelMode, .access = access, .kind = IO_IRP_SYSTEM, .waiter = &waiter};

    if (attributes->root != 0 || attributes->name.Buffer == NULL) {
        /* A name relative to an open file needs a file system. */
        return attributes->root != 0 ? STATUS_NOT_SUPPORTED : STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    status = ob_parse(&attributes->name, false, &object, &rest);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    open.name = &rest.name;
    status = ob_type(object) == OBJECT_DEVICE ? io_file_open(machine_pointer(object), &open, file)
                                              : STATUS_OBJECT_TYPE_MISMATCH;
    ob_rest_free(&rest);
    return status;
}

static ntstatus create_file(uint64_t *handle, uint32_t access,
                            const struct object_attributes *guest, struct io_status_block *iosb,
                            uint32_t options)
{
    struct ob_attributes attributes;
    struct file_object *file = NULL;
    uint64_t open = 0;
    ntstatus status;

    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    machine_touch((uint64_t)iosb, sizeof *iosb, PAGER_WRITE);
    status = ob_capture(guest, &attributes);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    status = open_device(&attributes, access, &file);
    ob_release(&attributes);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    PG_ASSERT(file != NULL);
    if (options & (FILE_SYNCHRONOUS_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) {
        file->Flags |= FO_SYNCHRONOUS_IO;
    }
    open = ob_handle((uint64_t)file);
    file->Flags |= FO_HANDLE_CREATED;
    ob_dereference((uint64_t)file);
    if (open == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *handle = open;
    iosb->Status = status;
    iosb->Information = FILE_OPENED;
    return status;
}

static ntstatus ZwCreateFile(uint64_t *handle, uint32_t access,
                             const struct object_attributes *guest, struct io_status_block *iosb,
                             const int64_t *size, uint32_t attributes, uint32_t share,
                             uint32_t disposition, uint32_t options, uint64_t ea, uint32_t ea_bytes)
{
    (void)size; /* a device has no size, attributes or extended attributes to be made with */
    (void)attributes;
    (void)share;
    (void)disposition;
    (void)ea;
    (void)ea_bytes;
    return create_file(handle, access, guest, iosb, options);
}

static ntstatus ZwOpenFile(uint64_t *handle, uint32_t access, const struct object_attributes *guest,
                           struct io_status_block *iosb, uint32_t share, uint32_t options)
{
    (void)share;
    return create_file(handle, access, guest, iosb, options);
}

/* ---- requests ---- */

static void end_call(struct file_call *call)
{
    if (call->file != NULL) {
        ob_dereference((uint64_t)call->file);
    }
    if (call->event_object != 0) {
        ob_dereference(call->event_object);
    }
}

static ntstatus begin_call(struct file_call *call)
{
    uint64_t object;
    ntstatus status;

    machine_touch((uint64_t)call->iosb, sizeof *call->iosb, PAGER_WRITE);
    if (call->routine != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    status = ob_from_handle_typed(call->handle, OBJECT_FILE, &object);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    call->file = machine_pointer(object);
    if (call->event != 0) {
        status = ob_from_handle_typed(call->event, OBJECT_EVENT, &call->event_object);
        if (status != STATUS_SUCCESS) {
            end_call(call);
            return status;
        }
        ((struct kevent *)machine_pointer(call->event_object))->Header.SignalState = 0;
    }
    return STATUS_SUCCESS;
}

static struct irp *new_irp(const struct file_call *call, struct device_object *top, uint8_t major)
{
    struct irp *irp = io_irp_new(top->StackSize, IO_IRP_SYSTEM);

    if (irp != NULL) {
        irp->RequestorMode = KernelMode;
        irp->Tail.Overlay.OriginalFileObject = call->file;
        io_stack_next(irp)->MajorFunction = major;
        io_stack_next(irp)->FileObject = call->file;
    }
    return irp;
}

/* Frees what a failed io_build_* left. */
static void abandon(struct irp *irp)
{
    if (irp->AssociatedIrp.SystemBuffer != NULL) {
        ex_pool_free((uint64_t)irp->AssociatedIrp.SystemBuffer);
    }
    if (irp->MdlAddress != NULL) {
        io_mdl_free(irp->MdlAddress);
    }
    io_irp_free(irp);
}

/* A request that fails at once leaves status block and events alone. */
static ntstatus send(struct file_call *call, struct device_object *top, struct irp *irp)
{
    struct io_waiter waiter = {0};
    ntstatus status;

    call->file->Event.Header.SignalState = 0;
    status = io_send_and_wait(top, irp, &waiter);
    io_irp_free(irp);
    if (NT_ERROR(status) && !waiter.completed) {
        return status;
    }
    call->iosb->Status = status;
    call->iosb->Information = waiter.information;
    if (call->event_object != 0) {
        ex_set_event(machine_pointer(call->event_object));
    } else {
        ex_set_event(&call->file->Event);
    }
    return status;
}

static ntstatus transfer(struct file_call *call, const struct io_transfer *what)
{
    struct device_object *top = io_file_device(call->file);
    struct irp *irp = new_irp(call, top, what->write ? IRP_MJ_WRITE : IRP_MJ_READ);
    ntstatus status;

    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    irp->Flags = what->write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
    status = io_build_transfer_buffers(irp, KernelMode, top, what);
    if (status != STATUS_SUCCESS) {
        abandon(irp);
        return status;
    }
    status = send(call, top, irp);
    if (NT_SUCCESS(status) && (call->file->Flags & FO_SYNCHRONOUS_IO)) {
        call->file->CurrentByteOffset = what->offset + (int64_t)call->iosb->Information;
    }
    return status;
}

static ntstatus read_or_write(struct file_call *call, uint64_t buffer, uint32_t bytes,
                              const int64_t *offset, bool write)
{
    struct io_transfer what = {buffer, bytes, 0, write};
    bool synchronous;
    ntstatus status = begin_call(call);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    synchronous = (call->file->Flags & FO_SYNCHRONOUS_IO) != 0;
    if (offset != NULL) {
        machine_touch((uint64_t)offset, sizeof *offset, PAGER_READ);
        what.offset = *offset;
    }
    if (offset == NULL || what.offset == USE_FILE_POSITION) {
        what.offset = call->file->CurrentByteOffset;
        status = synchronous ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    }
    if (status == STATUS_SUCCESS) {
        status = transfer(call, &what);
    }
    end_call(call);
    return status;
}

static ntstatus ZwReadFile(uint64_t handle, uint64_t event, uint64_t routine, uint64_t context,
                           struct io_status_block *iosb, uint64_t buffer, uint32_t bytes,
                           const int64_t *offset, uint64_t key)
{
    struct file_call call = {handle, event, routine, iosb, NULL, 0};

    (void)context;
    (void)key;
    return read_or_write(&call, buffer, bytes, offset, false);
}

static ntstatus ZwWriteFile(uint64_t handle, uint64_t event, uint64_t routine, uint64_t context,
                            struct io_status_block *iosb, uint64_t buffer, uint32_t bytes,
                            const int64_t *offset, uint64_t key)
{
    struct file_call call = {handle, event, routine, iosb, NULL, 0};

    (void)context;
    (void)key;
    return read_or_write(&call, buffer, bytes, offset, true);
}

static ntstatus control(struct file_call *call, const struct io_control *what)
{
    ntstatus status = begin_call(call);
    struct device_object *top;
    struct irp *irp;

    if (status != STATUS_SUCCESS) {
        return status;
    }
    top = io_file_device(call->file);
    irp = new_irp(call, top, IRP_MJ_DEVICE_CONTROL);
    status = irp == NULL ? STATUS_INSUFFICIENT_RESOURCES
                         : io_build_control_buffers(irp, KernelMode, what);
    if (status == STATUS_SUCCESS) {
        status = send(call, top, irp);
    } else if (irp != NULL) {
        abandon(irp);
    }
    end_call(call);
    return status;
}

uint64_t call_ZwDeviceIoControlFile(const uint64_t *a)
{
    struct file_call call = {a[0], a[1], a[2], machine_pointer(a[4]), NULL, 0};
    struct io_control what = {(uint32_t)a[5], a[6], (uint32_t)a[7], a[8], (uint32_t)a[9]};

    return (uint64_t)control(&call, &what);
}

static ntstatus ZwFlushBuffersFile(uint64_t handle, struct io_status_block *iosb)
{
    struct file_call call = {.handle = handle, .iosb = iosb};
    struct device_object *top;
    struct irp *irp;
    ntstatus status = begin_call(&call);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    top = io_file_device(call.file);
    irp = new_irp(&call, top, IRP_MJ_FLUSH_BUFFERS);
    status = irp == NULL ? STATUS_INSUFFICIENT_RESOURCES : send(&call, top, irp);
    end_call(&call);
    return status;
}

NT_CALL11(ZwCreateFile, uint64_t *, uint32_t, const struct object_attributes *,
          struct io_status_block *, const int64_t *, uint32_t, uint32_t, uint32_t, uint32_t,
          uint64_t, uint32_t)
NT_CALL6(ZwOpenFile, uint64_t *, uint32_t, const struct object_attributes *,
         struct io_status_block *, uint32_t, uint32_t)
NT_CALL9(ZwReadFile, uint64_t, uint64_t, uint64_t, uint64_t, struct io_status_block *, uint64_t,
         uint32_t, const int64_t *, uint64_t)
NT_CALL9(ZwWriteFile, uint64_t, uint64_t, uint64_t, uint64_t, struct io_status_block *, uint64_t,
         uint32_t, const int64_t *, uint64_t)
NT_CALL2(ZwFlushBuffersFile, uint64_t, struct io_status_block *)
