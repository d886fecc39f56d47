/* SPDX-License-Identifier: MIT */
/*
 * Device stacks.  DEVICE_OBJECT.AttachedDevice points up; which device lies below is known here
 * only.
 */
#include "nt/io.h"

struct device_object *io_top_of_stack(struct device_object *device)
{
    while (device->AttachedDevice != NULL) {
        device = device->AttachedDevice;
        io_device_checked((uint64_t)device);
    }
    return device;
}

/* The device that `source` now lies on; NULL when the top takes nobody: it is being deleted, or its
 * driver has not cleared DO_DEVICE_INITIALIZING. */
static struct device_object *attach(struct device_object *source, struct device_object *target,
                                    struct device_object **early)
{
    struct io_device *record = io_device_checked((uint64_t)source);
    struct device_object *top;

    io_device_checked((uint64_t)target);
    top = io_top_of_stack(target);
    if (io_device_checked((uint64_t)top)->deleted || (top->Flags & DO_DEVICE_INITIALIZING) ||
        top == source) {
        return NULL;
    }
    if (early != NULL) {
        *early = top; /* before requests can come down */
    }
    source->StackSize = (int8_t)(top->StackSize + 1);
    source->AlignmentRequirement = top->AlignmentRequirement;
    source->SectorSize = top->SectorSize;
    record->attached_to = (uint64_t)top;
    top->AttachedDevice = source;
    if (nt_hooks.attached != NULL) {
        nt_hooks.attached(source);
    }
    return top;
}

static struct device_object *IoAttachDeviceToDeviceStack(struct device_object *source,
                                                         struct device_object *target)
{
    return attach(source, target, NULL);
}

static ntstatus IoAttachDeviceToDeviceStackSafe(struct device_object *source,
                                                struct device_object *target,
                                                struct device_object **out)
{
    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    return attach(source, target, out) == NULL ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

static ntstatus IoAttachDeviceByPointer(struct device_object *source, struct device_object *target)
{
    return attach(source, target, NULL) == NULL ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

static ntstatus IoAttachDevice(struct device_object *source, const struct unicode_string *name,
                               struct device_object **out)
{
    struct file_object *file;
    struct device_object *target;
    ntstatus status;

    rtl_touch_unicode(name);
    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    *out = NULL;
    status = io_file_open_by_name(name, KernelMode, &file);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    target = io_file_device(file);
    status = attach(source, target, out) == NULL ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
    io_file_cleanup(file);
    ob_dereference((uint64_t)file);
    return status;
}

static void IoDetachDevice(struct device_object *target)
{
    struct io_device *upper;

    io_device_checked((uint64_t)target);
    upper =
        target->AttachedDevice == NULL ? NULL : io_device_find((uint64_t)target->AttachedDevice);
    if (upper != NULL) {
        upper->attached_to = 0;
    }
    target->AttachedDevice = NULL;
    io_device_release(target);
}

static struct device_object *IoGetAttachedDevice(struct device_object *device)
{
    io_device_checked((uint64_t)device);
    return io_top_of_stack(device);
}

static struct device_object *IoGetAttachedDeviceReference(struct device_object *device)
{
    device = IoGetAttachedDevice(device);
    ob_reference((uint64_t)device);
    return device;
}

static struct device_object *IoGetLowerDeviceObject(struct device_object *device)
{
    uint64_t lower = io_device_checked((uint64_t)device)->attached_to;

    if (lower != 0) {
        ob_reference(lower);
    }
    return machine_pointer(lower);
}

struct device_object *io_bottom_of_stack(struct device_object *device)
{
    struct io_device *record = io_device_checked((uint64_t)device);

    while (record->attached_to != 0 && io_device_find(record->attached_to) != NULL) {
        record = io_device_find(record->attached_to);
    }
    return machine_pointer(record->record.address);
}

static struct device_object *IoGetDeviceAttachmentBaseRef(struct device_object *device)
{
    device = io_bottom_of_stack(device);
    ob_reference((uint64_t)device);
    return device;
}

static ntstatus IoEnumerateDeviceObjectList(const struct driver_object *driver,
                                            struct device_object **list, uint32_t bytes,
                                            uint32_t *count)
{
    uint32_t n = 0, room = bytes / (uint32_t)sizeof *list;

    machine_touch((uint64_t)driver, sizeof *driver, PAGER_READ);
    machine_touch((uint64_t)count, sizeof *count, PAGER_WRITE);
    for (const struct device_object *d = driver->DeviceObject; d != NULL; d = d->NextDevice) {
        n++;
    }
    *count = n;
    if (n > room) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    machine_touch((uint64_t)list, n * sizeof *list, PAGER_WRITE);
    n = 0;
    for (struct device_object *d = driver->DeviceObject; d != NULL; d = d->NextDevice) {
        ob_reference((uint64_t)d);
        list[n++] = d;
    }
    return STATUS_SUCCESS;
}

NT_CALL2(IoAttachDeviceToDeviceStack, struct device_object *, struct device_object *)
NT_CALL3(IoAttachDeviceToDeviceStackSafe, struct device_object *, struct device_object *,
         struct device_object **)
NT_CALL2(IoAttachDeviceByPointer, struct device_object *, struct device_object *)
NT_CALL3(IoAttachDevice, struct device_object *, const struct unicode_string *,
         struct device_object **)
NT_VOID1(IoDetachDevice, struct device_object *)
NT_CALL1(IoGetAttachedDevice, struct device_object *)
NT_CALL1(IoGetAttachedDeviceReference, struct device_object *)
NT_CALL1(IoGetLowerDeviceObject, struct device_object *)
NT_CALL1(IoGetDeviceAttachmentBaseRef, struct device_object *)
NT_CALL4(IoEnumerateDeviceObjectList, const struct driver_object *, struct device_object **,
         uint32_t, uint32_t *)
