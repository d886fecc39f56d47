/* SPDX-License-Identifier: MIT */
/*
 * File objects: opening a device, and what is sent to it when its file goes.
 *
 *   open: IRP_MJ_CREATE --> last handle closed: IRP_MJ_CLEANUP --> last reference gone:
 * IRP_MJ_CLOSE
 *
 * A file whose create failed sees neither of the other two.
 */
#include "nt/io.h"

#include <string.h>

#define FILE_NAME_TAG IO_TAG('I', 'o', 'N', 'm')

struct device_object *io_file_device(const struct file_object *file)
{
    return io_top_of_stack(file->DeviceObject);
}

/* One request about a file, sent and waited for in the current thread. */
static ntstatus send_simple(struct file_object *file, uint8_t major)
{
    struct device_object *device = io_file_device(file);
    struct irp *irp = io_irp_new(device->StackSize, IO_IRP_SYSTEM);
    struct io_stack_location *stack;
    struct io_waiter waiter = {0};
    ntstatus status;

    if (irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    irp->Flags = IRP_SYNCHRONOUS_API | IRP_CLOSE_OPERATION;
    irp->Tail.Overlay.OriginalFileObject = file;
    stack = io_stack_next(irp);
    stack->MajorFunction = major;
    stack->FileObject = file;
    status = io_send_and_wait(device, irp, &waiter);
    io_irp_free(irp);
    return status;
}

void io_file_cleanup(struct file_object *file)
{
    if ((file->Flags & (FO_FILE_OPEN | FO_CLEANUP_COMPLETE)) != FO_FILE_OPEN) {
        return;
    }
    file->Flags |= FO_CLEANUP_COMPLETE;
    send_simple(file, IRP_MJ_CLEANUP);
}

static void trace_file(enum event_kind kind, const struct file_object *file)
{
    const struct io_device *device = io_device_find((uint64_t)file->DeviceObject);
    struct unicode_string wide;
    char name[100];

    if (!machine_tracing() || device == NULL) {
        return;
    }
    wide = ob_name_of((uint64_t)file->DeviceObject);
    io_ascii(&wide, name, sizeof name);
    machine_device_event(kind, (uint64_t)file->DeviceObject, name,
                         device->driver->module != NULL ? device->driver->module->name : "");
}

static void on_last_handle(uint64_t object)
{
    io_file_cleanup(machine_pointer(object));
}

static void on_delete(uint64_t object)
{
    struct file_object *file = machine_pointer(object);

    if (file->Flags & FO_FILE_OPEN) {
        io_file_cleanup(file);
        file->Flags &= ~FO_FILE_OPEN;
        send_simple(file, IRP_MJ_CLOSE);
        if ((file->Flags & FO_STREAM_FILE) == 0) { /* those were never opened */
            trace_file(EVENT_CLOSE, file);
        }
    }
    if (file->FileName.Buffer != NULL) {
        ex_pool_free((uint64_t)file->FileName.Buffer);
    }
    io_device_close(file->DeviceObject);
}

void io_file_start(void)
{
    ob_on_last_handle[OBJECT_FILE] = on_last_handle;
}

static bool copy_name(struct file_object *file, const struct unicode_string *name)
{
    if (name == NULL || name->Length == 0) {
        return true;
    }
    file->FileName.Buffer =
        machine_pointer(ex_pool_allocate(POOL_PAGED, name->Length, FILE_NAME_TAG));
    if (file->FileName.Buffer == NULL) {
        return false;
    }
    machine_touch((uint64_t)file->FileName.Buffer, name->Length, PAGER_WRITE);
    memcpy(file->FileName.Buffer, name->Buffer, name->Length);
    file->FileName.Length = file->FileName.MaximumLength = name->Length;
    return true;
}

struct file_object *io_file_new(struct device_object *device, const struct unicode_string *name)
{
    struct file_object *file = machine_pointer(ob_create(OBJECT_FILE, sizeof *file, on_delete));

    if (file == NULL) {
        return NULL;
    }
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof *file;
    file->DeviceObject = device;
    file->Vpb = device->Vpb;
    ke_event_init(&file->Lock, SynchronizationEvent, false);
    ke_event_init(&file->Event, NotificationEvent, false);
    nt_list_init(&file->IrpList);
    io_device_open(device);
    if (!copy_name(file, name)) {
        ob_dereference((uint64_t)file);
        return NULL;
    }
    return file;
}

static ntstatus may_open(const struct device_object *device)
{
    const struct io_device *record = io_device_find((uint64_t)device);

    if (record->deleted || record->driver->unloading || (device->Flags & DO_DEVICE_INITIALIZING)) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if ((device->Flags & DO_EXCLUSIVE) && device->ReferenceCount > 0) {
        return STATUS_ACCESS_DENIED;
    }
    return STATUS_SUCCESS;
}

/* Nonpaged, because the driver may look at it wherever it completes the request. */
struct create_context {
    struct io_security_context security;
    uint8_t access_state[0xa0]; /* ACCESS_STATE, which nothing here fills in */
};

static ntstatus send_create(struct file_object *file, const struct io_open *open)
{
    struct device_object *device = io_file_device(file);
    struct create_context *context =
        machine_pointer(ex_pool_allocate(POOL_NONPAGED, sizeof *context, FILE_NAME_TAG));
    struct irp *irp = context == NULL ? NULL : io_irp_new(device->StackSize, open->kind);
    struct io_stack_location *stack;
    ntstatus status = STATUS_INSUFFICIENT_RESOURCES;

    if (irp != NULL) {
        context->security.DesiredAccess = open->access;
        context->security.FullCreateOptions = FILE_NON_DIRECTORY_FILE;
        context->security.AccessState = context->access_state;
        irp->RequestorMode = open->mode;
        irp->Flags = IRP_CREATE_OPERATION | IRP_SYNCHRONOUS_API;
        irp->Tail.Overlay.OriginalFileObject = file;
        stack = io_stack_next(irp);
        stack->MajorFunction = IRP_MJ_CREATE;
        stack->FileObject = file;
        stack->Parameters.Create.SecurityContext = &context->security;
        stack->Parameters.Create.Options = FILE_OPEN << 24 | FILE_NON_DIRECTORY_FILE;
        stack->Parameters.Create.FileAttributes = FILE_ATTRIBUTE_NORMAL;
        stack->Parameters.Create.ShareAccess = FILE_SHARE_READ | FILE_SHARE_WRITE;
        status = io_send_and_wait(device, irp, open->waiter);
        io_irp_free(irp);
    }
    if (context != NULL) {
        ex_pool_free((uint64_t)context);
    }
    return status;
}

ntstatus io_file_open(struct device_object *device, const struct io_open *open,
                      struct file_object **out)
{
    ntstatus status = may_open(device);
    struct file_object *file;

    if (!NT_SUCCESS(status)) {
        return status;
    }
    file = io_file_new(device, open->name);
    if (file == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    file->ReadAccess = (open->access & (FILE_READ_DATA | GENERIC_READ | GENERIC_ALL)) != 0;
    file->WriteAccess = (open->access & (FILE_WRITE_DATA | GENERIC_WRITE | GENERIC_ALL)) != 0;
    status = send_create(file, open);
    file->FinalStatus = status;
    if (!NT_SUCCESS(status)) {
        ob_dereference((uint64_t)file);
        return status;
    }
    file->Flags |= FO_FILE_OPEN;
    trace_file(EVENT_OPEN, file);
    *out = file;
    return status;
}

ntstatus io_file_open_by_name(const struct unicode_string *name, int8_t mode,
                              struct file_object **file)
{
    struct io_waiter waiter = {0};
    struct ob_rest rest;
    uint64_t object;
    ntstatus status = ob_parse(name, false, &object, &rest);
    struct io_open open = {.name = &rest.name,
                           .mode = mode,
                           .access = FILE_READ_ATTRIBUTES,
                           .kind = IO_IRP_SYSTEM,
                           .waiter = &waiter};

    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ob_type(object) == OBJECT_DEVICE ? io_file_open(machine_pointer(object), &open, file)
                                              : STATUS_OBJECT_TYPE_MISMATCH;
    ob_rest_free(&rest);
    return status;
}

/* ---- exports ---- */

/* The handle that the system opens for it is closed again at once: hence the cleanup. */
static ntstatus IoGetDeviceObjectPointer(const struct unicode_string *name, uint32_t access,
                                         struct file_object **file, struct device_object **device)
{
    struct file_object *opened = NULL;
    ntstatus status;

    (void)access;
    rtl_touch_unicode(name);
    machine_touch((uint64_t)file, sizeof *file, PAGER_WRITE);
    machine_touch((uint64_t)device, sizeof *device, PAGER_WRITE);
    status = io_file_open_by_name(name, KernelMode, &opened);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    io_file_cleanup(opened);
    *file = opened;
    *device = io_file_device(opened);
    return status;
}

static struct device_object *IoGetRelatedDeviceObject(const struct file_object *file)
{
    if (ob_type((uint64_t)file) != OBJECT_FILE) {
        machine_bugcheck(0x18, 0, (uint64_t)file, 0, 0,
                         "IoGetRelatedDeviceObject got something that is no file object");
    }
    return io_file_device(file);
}

static struct file_object *IoCreateStreamFileObject(const struct file_object *from,
                                                    struct device_object *device)
{
    struct file_object *file;

    if (from != NULL) {
        machine_touch((uint64_t)from, sizeof *from, PAGER_READ);
        device = from->DeviceObject;
    }
    io_device_checked((uint64_t)device);
    file = io_file_new(device, NULL);
    if (file != NULL) {
        file->Flags |= FO_STREAM_FILE | FO_FILE_OPEN;
        io_file_cleanup(file); /* its one handle is closed at once */
    }
    return file;
}

static struct file_object *IoCreateStreamFileObjectLite(const struct file_object *from,
                                                        struct device_object *device)
{
    struct file_object *file;

    if (from != NULL) {
        machine_touch((uint64_t)from, sizeof *from, PAGER_READ);
        device = from->DeviceObject;
    }
    io_device_checked((uint64_t)device);
    file = io_file_new(device, NULL);
    if (file != NULL) { /* never had a handle: no cleanup */
        file->Flags |= FO_STREAM_FILE | FO_FILE_OPEN | FO_CLEANUP_COMPLETE;
    }
    return file;
}

static uint8_t IoIsOperationSynchronous(const struct irp *irp)
{
    const struct file_object *file;

    io_irp_check(irp);
    file = irp->Tail.Overlay.OriginalFileObject;
    return (file != NULL && (file->Flags & FO_SYNCHRONOUS_IO)) ||
           (irp->Flags & IRP_SYNCHRONOUS_API) != 0;
}

NT_CALL4(IoGetDeviceObjectPointer, const struct unicode_string *, uint32_t, struct file_object **,
         struct device_object **)
NT_CALL1(IoGetRelatedDeviceObject, const struct file_object *)
NT_CALL2(IoCreateStreamFileObject, const struct file_object *, struct device_object *)
NT_CALL2(IoCreateStreamFileObjectLite, const struct file_object *, struct device_object *)
NT_CALL1(IoIsOperationSynchronous, const struct irp *)
