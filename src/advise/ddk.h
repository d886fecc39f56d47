/* SPDX-License-Identifier: MIT */
/* Private to advise/: structures of the I/O system, as they are in memory on x64. */
#ifndef PAGABLE_ADVISE_DDK_H
#define PAGABLE_ADVISE_DDK_H

enum {
    /* DRIVER_OBJECT */
    DRIVER_DEVICE = 0x08,
    DRIVER_EXTENSION = 0x30,
    DRIVER_FAST_IO = 0x50,
    DRIVER_START_IO = 0x60,
    DRIVER_UNLOAD = 0x68,
    DRIVER_MAJOR_FUNCTION = 0x70,
    MAJOR_FUNCTIONS = 28,
    DRIVER_BYTES = DRIVER_MAJOR_FUNCTION + 8 * MAJOR_FUNCTIONS,
    /* DRIVER_EXTENSION */
    EXTENSION_DRIVER = 0x00,
    EXTENSION_ADD_DEVICE = 0x08,
    /* FAST_IO_DISPATCH */
    FAST_IO_FIRST = 0x08,
    FAST_IO_BYTES = 0xe0,
    /* DEVICE_OBJECT */
    DEVICE_DRIVER = 0x08,
    DEVICE_NEXT = 0x10,
    DEVICE_ATTACHED = 0x18,
    DEVICE_CURRENT_IRP = 0x20,
    DEVICE_DPC_ROUTINE = 0xe0, /* Dpc.DeferredRoutine */
    /* IRP */
    IRP_CANCEL_ROUTINE = 0x68,
    IRP_STACK_LOCATION = 0xb8, /* Tail.Overlay.CurrentStackLocation */
    /* IO_STACK_LOCATION */
    LOCATION_CONTROL = 0x03,
    LOCATION_DEVICE = 0x28,
    LOCATION_COMPLETION = 0x38,
    LOCATION_BYTES = 0x48,
};

/* Major functions. */
enum {
    IRP_MJ_CREATE = 0,
    IRP_MJ_CLOSE = 2,
    IRP_MJ_READ = 3,
    IRP_MJ_WRITE = 4,
    IRP_MJ_DEVICE_CONTROL = 14,
    IRP_MJ_INTERNAL_DEVICE_CONTROL = 15,
    IRP_MJ_CLEANUP = 18,
    IRP_MJ_POWER = 22,
};

#endif
