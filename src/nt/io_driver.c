/* SPDX-License-Identifier: MIT */
/*
 * Loading and unloading drivers: the driver object, DriverEntry, DriverUnload.
 *
 *   start: DriverEntry --> devices are ready --> reinitialization --> INIT is discarded
 *   stop:  DriverUnload --> what was left behind is reported --> the image goes
 *
 * A driver object lives as long as its image and each of its devices.
 */
#include "nt/io.h"

#include <stdio.h>

#define DRIVER_TAG    IO_TAG('D', 'r', 'i', 'v')
#define NAME_UNITS    128u
#define SERVICES_PATH "\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\"
#define HARDWARE_PATH "\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM"

/* Virtual time after which a routine that has not returned never will: ten minutes. */
#define PATIENCE (600ull * 10000000ull)

struct io_state *io_state;

/* What DriverSection points to: the loader's entry of the image, in the layout of its documented
 * part and what every public symbol file says of the rest that drivers look at. */
struct loader_entry {
    struct list_entry InLoadOrderLinks, InMemoryOrderLinks, InInitializationOrderLinks;
    uint64_t DllBase, EntryPoint;
    uint32_t SizeOfImage;
    struct unicode_string FullDllName, BaseDllName;
    uint32_t Flags;
    uint16_t LoadCount, TlsIndex;
    struct list_entry HashLinks;
};
_Static_assert(offsetof(struct loader_entry, FullDllName) == 0x48, "LDR_DATA_TABLE_ENTRY");
_Static_assert(offsetof(struct loader_entry, Flags) == 0x68, "LDR_DATA_TABLE_ENTRY");

/* One driver object and all that it points to. */
struct driver_block {
    struct driver_object driver;
    struct driver_extension extension;
    struct loader_entry loader;
    struct unicode_string hardware, registry;
    uint16_t name[NAME_UNITS], service[NAME_UNITS], path[NAME_UNITS], file[NAME_UNITS];
    uint16_t hardware_text[NAME_UNITS];
};

struct io_driver *io_driver_find(uint64_t object)
{
    return io_table_find(&io_state->drivers, object);
}

struct io_driver *io_driver_at(uint64_t address)
{
    struct io_record *record = io_state->drivers.first;

    for (; record != NULL; record = record->next) {
        struct io_driver *driver = (struct io_driver *)record;

        if (driver->module != NULL && address >= driver->module->base &&
            address < driver->module->base + driver->module->bytes) {
            return driver;
        }
    }
    return NULL;
}

uint64_t io_invalid_request(void)
{
    return nt_export_address("IopInvalidDeviceRequest");
}

pg_status io_start(void)
{
    io_state = machine_allocate(sizeof *io_state);
    io_cancel_start();
    io_file_start();
    pnp_state_start();
    return PG_OK;
}

/* ---- the driver object ---- */

static void on_delete(uint64_t object)
{
    struct io_driver *driver = io_driver_find(object);
    struct io_driver_extension *next;

    for (struct io_driver_extension *e = driver->extensions; e != NULL; e = next) {
        next = e->next;
        ex_pool_free(e->address);
        ex_heap_give(e);
    }
    io_forget_reinitialization(driver);
    io_table_remove(&io_state->drivers, &driver->record);
}

static struct unicode_string text(uint16_t *units, const char *prefix, const char *name)
{
    char whole[NAME_UNITS];

    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    return rtl_unicode(whole, units, NAME_UNITS);
}

static void fill(struct driver_block *block, const struct module *module)
{
    struct driver_object *driver = &block->driver;

    driver->Type = IO_TYPE_DRIVER;
    driver->Size = sizeof *driver;
    driver->Flags = DRVO_LEGACY_DRIVER;
    driver->DriverStart = machine_pointer(module->base);
    driver->DriverSize = (uint32_t)module->bytes;
    driver->DriverSection = &block->loader;
    driver->DriverExtension = &block->extension;
    driver->DriverName = text(block->name, "\\Driver\\", module->base_name);
    block->hardware = text(block->hardware_text, HARDWARE_PATH, "");
    driver->HardwareDatabase = &block->hardware;
    driver->DriverInit = machine_pointer(module->base + module->image.entry_rva);
    for (size_t i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        driver->MajorFunction[i] = machine_pointer(io_invalid_request());
    }
    block->extension.DriverObject = driver;
    block->extension.ServiceKeyName = text(block->service, "", module->base_name);
    block->registry = text(block->path, SERVICES_PATH, module->base_name);
    zw_registry_service(module->base_name, module->name);
    nt_list_init(&block->loader.InLoadOrderLinks);
    nt_list_init(&block->loader.InMemoryOrderLinks);
    nt_list_init(&block->loader.InInitializationOrderLinks);
    nt_list_init(&block->loader.HashLinks);
    block->loader.DllBase = module->base;
    block->loader.EntryPoint = module->base + module->image.entry_rva;
    block->loader.SizeOfImage = (uint32_t)module->bytes;
    block->loader.FullDllName =
        text(block->file, "\\SystemRoot\\System32\\drivers\\", module->name);
    block->loader.BaseDllName = block->loader.FullDllName;
    block->loader.BaseDllName.Buffer += sizeof "\\SystemRoot\\System32\\drivers\\" - 1;
    block->loader.BaseDllName.Length -= 2 * (sizeof "\\SystemRoot\\System32\\drivers\\" - 1);
    block->loader.BaseDllName.MaximumLength = block->loader.BaseDllName.Length;
    block->loader.LoadCount = 1;
}

static struct io_driver *driver_new(struct module *module)
{
    struct driver_block *block =
        machine_pointer(ob_create(OBJECT_DRIVER, sizeof *block, on_delete));
    struct io_driver *driver;

    if (block == NULL) {
        return NULL;
    }
    fill(block, module);
    driver = ex_heap_take(sizeof *driver);
    driver->record.address = (uint64_t)block;
    driver->module = module;
    io_table_add(&io_state->drivers, &driver->record);
    module->nt = driver;
    /* Two images of one name: the second has none, as nobody can find it by that name anyway. */
    (void)ob_name((uint64_t)block, &block->driver.DriverName);
    return driver;
}

/* ---- DriverEntry ---- */

struct start {
    struct io_driver *driver;
    ntstatus status;
    bool done;
};

static void devices_are_ready(const struct driver_object *driver)
{
    for (struct device_object *d = driver->DeviceObject; d != NULL; d = d->NextDevice) {
        d->Flags &= ~DO_DEVICE_INITIALIZING;
    }
}

static void fill_empty_entries(struct driver_object *driver)
{
    for (size_t i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
        if (driver->MajorFunction[i] == NULL) {
            driver->MajorFunction[i] = machine_pointer(io_invalid_request());
        }
    }
}

static void start_main(void *argument)
{
    struct start *start = argument;
    struct driver_block *block = machine_pointer(start->driver->record.address);
    struct driver_object *driver = &block->driver;

    ps_notify_image(start->driver->module);
    start->status = (ntstatus)MACHINE_CALL((uint64_t)driver->DriverInit, (uint64_t)driver,
                                           (uint64_t)&block->registry);
    fill_empty_entries(driver);
    if (NT_SUCCESS(start->status)) {
        devices_are_ready(driver);
        driver->Flags |= DRVO_INITIALIZED;
        driver->Flags &= block->extension.AddDevice != NULL ? ~DRVO_LEGACY_DRIVER : ~0u;
        start->driver->entered = true;
        io_run_reinitialization(start->driver);
    } else {
        io_forget_reinitialization(start->driver);
    }
    module_discard_init(start->driver->module);
    start->done = true;
}

static bool start_done(void *context)
{
    return ((struct start *)context)->done;
}

bool nt_driver_start(struct module *module, int32_t *status)
{
    /* In the arena: the thread may still be there when this function is not. */
    struct start *start = ex_heap_take(sizeof *start);
    bool done;

    start->driver = driver_new(module);
    if (start->driver != NULL) {
        start->driver->thread = ke_thread_new(start_main, start);
    }
    if (start->driver == NULL || start->driver->thread == NULL) {
        *status = STATUS_INSUFFICIENT_RESOURCES;
        ex_heap_give(start);
        return true;
    }
    machine_run(start_done, start, machine_time() + PATIENCE);
    done = start->done;
    *status = done ? start->status : STATUS_PENDING;
    if (done) {
        start->driver->thread = NULL;
        ex_heap_give(start);
    }
    return done;
}

/* ---- DriverUnload ---- */

struct stop {
    struct io_driver *driver;
    bool done;
};

static void stop_main(void *argument)
{
    struct stop *stop = argument;
    struct driver_object *driver = machine_pointer(stop->driver->record.address);

    MACHINE_CALL((uint64_t)driver->DriverUnload, (uint64_t)driver);
    stop->done = true;
}

static bool stop_done(void *context)
{
    return ((struct stop *)context)->done;
}

/* A device that is open, or that another driver's device lies on, keeps its driver loaded. */
static bool in_use(const struct driver_object *driver)
{
    for (const struct device_object *d = driver->DeviceObject; d != NULL; d = d->NextDevice) {
        if (d->ReferenceCount > 0 ||
            (d->AttachedDevice != NULL && d->AttachedDevice->DriverObject != driver)) {
            return true;
        }
    }
    return false;
}

static bool call_unload(struct io_driver *driver)
{
    struct stop *stop = ex_heap_take(sizeof *stop);
    bool done;

    stop->driver = driver;
    driver->thread = ke_thread_new(stop_main, stop);
    if (driver->thread == NULL) {
        ex_heap_give(stop);
        return false;
    }
    machine_run(stop_done, stop, machine_time() + PATIENCE);
    done = stop->done;
    if (done) {
        driver->thread = NULL;
        ex_heap_give(stop);
    }
    return done;
}

enum nt_unload nt_driver_stop(struct module *module)
{
    struct io_driver *driver = io_driver_at(module->base);
    struct driver_object *object;

    if (driver == NULL) { /* it was never started */
        module_unload(module);
        return NT_UNLOADED;
    }
    object = machine_pointer(driver->record.address);
    if (driver->entered &&
        (object->DriverUnload == NULL || in_use(object) || pnp_uses_driver(module))) {
        return NT_NO_UNLOAD;
    }
    driver->unloading = true;
    object->Flags |= DRVO_UNLOAD_INVOKED;
    if (driver->entered && !call_unload(driver)) {
        return NT_UNLOAD_HUNG;
    }
    io_report_leftovers(driver);
    if (nt_hooks.at_unload != NULL) {
        nt_hooks.at_unload(module);
    }
    io_forget_reinitialization(driver);
    driver->module = NULL;
    module->nt = NULL;
    ob_unname((uint64_t)object);
    ob_dereference((uint64_t)object);
    module_unload(module);
    return NT_UNLOADED;
}

uint64_t nt_driver_stuck_at(const struct module *module)
{
    const struct io_driver *driver = io_driver_at(module->base);

    return driver == NULL || driver->thread == NULL ? 0 : io_place_in_image(module, driver->thread);
}

/* ---- exports ---- */

static struct io_driver *checked(const struct driver_object *object)
{
    struct io_driver *driver = io_driver_find((uint64_t)object);

    if (driver == NULL) {
        machine_bugcheck(0x18, 0, (uint64_t)object, 0, 0,
                         "something was given for a driver object that is none");
    }
    return driver;
}

static struct io_driver_extension *extension_of(const struct io_driver *driver, uint64_t id)
{
    struct io_driver_extension *e = driver->extensions;

    while (e != NULL && e->id != id) {
        e = e->next;
    }
    return e;
}

static ntstatus IoAllocateDriverObjectExtension(struct driver_object *object, uint64_t id,
                                                uint32_t bytes, uint64_t *out)
{
    struct io_driver *driver = checked(object);
    struct io_driver_extension *e;
    uint64_t memory;

    machine_touch((uint64_t)out, sizeof *out, PAGER_WRITE);
    *out = 0;
    if (extension_of(driver, id) != NULL) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    memory = ex_pool_allocate(POOL_NONPAGED, bytes, DRIVER_TAG);
    if (memory == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    e = ex_heap_take(sizeof *e);
    *e = (struct io_driver_extension){id, memory, driver->extensions};
    driver->extensions = e;
    *out = memory;
    return STATUS_SUCCESS;
}

static uint64_t IoGetDriverObjectExtension(struct driver_object *object, uint64_t id)
{
    const struct io_driver_extension *e = extension_of(checked(object), id);

    return e == NULL ? 0 : e->address;
}

NT_CALL4(IoAllocateDriverObjectExtension, struct driver_object *, uint64_t, uint32_t, uint64_t *)
NT_CALL2(IoGetDriverObjectExtension, struct driver_object *, uint64_t)
