/* SPDX-License-Identifier: MIT */
/*
 * Where the DDK's headers put what objects.c and roles.tsv know by number: compiled for Windows, to
 * assembly that nobody assembles; tools/nt-offsets makes the lines that begin with "@@" a header.
 */
#include <ntddk.h>

#include <srb.h>

#define FIELD(ddk, name, field)                                                                    \
    __asm__ volatile("\n@@NT_OFFSET(" #name ", " #field ", %c0, %c1)"                              \
                     :                                                                             \
                     : "i"(offsetof(ddk, field)), "i"(sizeof(((ddk *)0)->field)));
#define SIZE(ddk, name) __asm__ volatile("\n@@NT_SIZE(" #name ", %c0)" : : "i"(sizeof(ddk)));

void layout(void);
void layout(void)
{
    FIELD(DRIVER_OBJECT, driver, DeviceObject)
    FIELD(DRIVER_OBJECT, driver, DriverExtension)
    FIELD(DRIVER_OBJECT, driver, FastIoDispatch)
    FIELD(DRIVER_OBJECT, driver, DriverStartIo)
    FIELD(DRIVER_OBJECT, driver, DriverUnload)
    FIELD(DRIVER_OBJECT, driver, MajorFunction)
    FIELD(DRIVER_EXTENSION, extension, DriverObject)
    FIELD(DRIVER_EXTENSION, extension, AddDevice)
    FIELD(FAST_IO_DISPATCH, fast_io, FastIoCheckIfPossible)
    FIELD(FAST_IO_DISPATCH, fast_io, ReleaseForCcFlush)
    SIZE(FAST_IO_DISPATCH, fast_io)
    FIELD(DEVICE_OBJECT, device, DriverObject)
    FIELD(DEVICE_OBJECT, device, NextDevice)
    FIELD(DEVICE_OBJECT, device, AttachedDevice)
    FIELD(DEVICE_OBJECT, device, CurrentIrp)
    FIELD(DEVICE_OBJECT, device, Dpc)
    FIELD(KDPC, dpc, DeferredRoutine)
    FIELD(IRP, irp, CancelRoutine)
    FIELD(IRP, irp, Tail.Overlay.CurrentStackLocation)
    SIZE(IO_STACK_LOCATION, location)
    FIELD(IO_STACK_LOCATION, location, DeviceObject)
    FIELD(IO_STACK_LOCATION, location, Control)
    FIELD(IO_STACK_LOCATION, location, CompletionRoutine)
    FIELD(WORK_QUEUE_ITEM, work_item, WorkerRoutine)
    FIELD(IO_CONNECT_INTERRUPT_PARAMETERS, connect, FullySpecified.ServiceRoutine)
    FIELD(IO_CONNECT_INTERRUPT_PARAMETERS, connect, LineBased.ServiceRoutine)
    FIELD(IO_CONNECT_INTERRUPT_PARAMETERS, connect, MessageBased.MessageServiceRoutine)
    FIELD(IO_CONNECT_INTERRUPT_PARAMETERS, connect, MessageBased.FallBackServiceRoutine)
    FIELD(OB_CALLBACK_REGISTRATION, ob, OperationRegistration)
    FIELD(OB_OPERATION_REGISTRATION, ob_operation, PreOperation)
    FIELD(OB_OPERATION_REGISTRATION, ob_operation, PostOperation)
    SIZE(OB_OPERATION_REGISTRATION, ob_operation)
    FIELD(RTL_QUERY_REGISTRY_TABLE, query, QueryRoutine)
    SIZE(RTL_QUERY_REGISTRY_TABLE, query)
    FIELD(HW_INITIALIZATION_DATA, port, HwInitialize)
    FIELD(HW_INITIALIZATION_DATA, port, HwStartIo)
    FIELD(HW_INITIALIZATION_DATA, port, HwInterrupt)
    FIELD(HW_INITIALIZATION_DATA, port, HwFindAdapter)
    FIELD(HW_INITIALIZATION_DATA, port, HwResetBus)
}
