/* SPDX-License-Identifier: MIT */
/*
 * A driver that does the worst, one thing per control code: the program must outlive it and say
 * what happened.  Left alone it is harmless.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD WildUnload;
static DRIVER_DISPATCH WildOpenClose;
static DRIVER_DISPATCH WildControl;
static DRIVER_DISPATCH WildRead;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

#define WILD_LOOP         0x222000 /* for ever */
#define WILD_EXIT         0x222004 /* ends the process that it runs in */
#define WILD_PRINT        0x222008 /* text, with an escape sequence */
#define WILD_NULL         0x22200c /* writes to address 0 */
#define WILD_RECURSE      0x222010 /* uses up its stack */
#define WILD_KEEP_WAITING 0x222014 /* waits for an event that nobody sets */
#define WILD_CALL_NOWHERE 0x222018 /* calls an address where nothing is */
#define WILD_BUGCHECK     0x22201c /* asks for a bug check */
#define WILD_PRINT_MUCH   0x222020 /* more text than any buffer holds */
#define WILD_PAUSE        0x222024 /* stops the process that it runs in */
#define WILD_KILL         0x222028 /* kills it */

static PDEVICE_OBJECT WildDevice;
static KEVENT WildNever;
static volatile LONG WildCount;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static DECLSPEC_NOINLINE LONG Recurse(LONG Depth)
{
    volatile UCHAR Frame[1024];

    Frame[0] = (UCHAR)Depth;
    return Recurse(Depth + Frame[0]) + Frame[0];
}

/* A system call of the host, as no driver would make one: but a stray jump could. */
static LONG64 HostCall(LONG64 Number, LONG64 First, LONG64 Second)
{
    LONG64 Result;

    __asm__ volatile("syscall"
                     : "=a"(Result)
                     : "a"(Number), "D"(First), "S"(Second)
                     : "rcx", "r11", "memory");
    return Result;
}

#define HOST_PAUSE      34
#define HOST_GETPID     39
#define HOST_KILL       62
#define HOST_EXIT_GROUP 231

static VOID BeWild(ULONG Code)
{
    switch (Code) {
    case WILD_LOOP:
        for (;;) {
            WildCount++;
        }
    case WILD_EXIT:
        HostCall(HOST_EXIT_GROUP, 42, 0);
        break;
    case WILD_PRINT:
        DbgPrint("plain \033[31mred\033[0m text\n");
        break;
    case WILD_NULL:
        *(volatile ULONG *)NULL = 1;
        break;
    case WILD_RECURSE:
        WildCount = Recurse(1);
        break;
    case WILD_KEEP_WAITING:
        KeWaitForSingleObject(&WildNever, Executive, KernelMode, FALSE, NULL);
        break;
    case WILD_CALL_NOWHERE:
        ((VOID(*)(VOID))0x123450000)();
        break;
    case WILD_BUGCHECK:
        KeBugCheckEx(0xDEADDEAD, 1, 2, 3, 4);
    case WILD_PAUSE:
        for (;;) {
            HostCall(HOST_PAUSE, 0, 0);
        }
    case WILD_KILL:
        HostCall(HOST_KILL, HostCall(HOST_GETPID, 0, 0), 9);
        break;
    case WILD_PRINT_MUCH:
        for (LONG i = 0; i < 20000; i++) {
            DbgPrint("line %d: 0123456789012345678901234567890123456789\n", i);
        }
        break;
    }
}

static NTSTATUS WildControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Stack->Parameters.DeviceIoControl.InputBufferLength == 4) {
        BeWild(Stack->Parameters.DeviceIoControl.IoControlCode);
    }
    return Complete(Irp, STATUS_SUCCESS);
}

/* Pended, and forgotten: no cancel routine. */
static NTSTATUS WildRead(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length != 13) {
        return Complete(Irp, STATUS_SUCCESS);
    }
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

static NTSTATUS WildOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return Complete(Irp, STATUS_SUCCESS);
}

static VOID WildUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    IoDeleteDevice(WildDevice);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    RtlInitUnicodeString(&Name, L"\\Device\\Wild");
    Status = IoCreateDevice(DriverObject, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &WildDevice);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeInitializeEvent(&WildNever, NotificationEvent, FALSE);
    DriverObject->DriverUnload = WildUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = WildOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = WildOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = WildRead;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = WildControl;
    return STATUS_SUCCESS;
}
