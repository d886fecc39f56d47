/* SPDX-License-Identifier: MIT */
/*
 * Routines handed to KMDF, as its headers make drivers do it: through entries of the table that
 * WdfVersionBind fills in, in structures on the stack.  The declarations are our own, as far as
 * these calls need them; the entry point is the stub that the framework's library adds.
 */
#include <ntddk.h>

#define NOINLINE __attribute__((noinline))

typedef NTSTATUS (*WDFFUNC)();

static WDFFUNC *WdfFunctions;
static PVOID WdfDriverGlobals;

static struct {
    ULONG Size;
    PCWSTR Component;
    ULONG Major, Minor, Build, FuncCount;
    WDFFUNC **FuncTable;
    PVOID Module;
} BindInfo = {0x30, L"KmdfLibrary", 1, 15, 0, 444, &WdfFunctions, NULL};

__declspec(dllimport) NTSTATUS
    WdfVersionBind(PDRIVER_OBJECT Driver, PUNICODE_STRING Path, PVOID Info, PVOID *Globals);

enum {
    DeviceInitSetPnpPowerEventCallbacks = 55,
    DeviceCreate = 75,
    DpcCreate = 111,
    DriverCreate = 116,
    InterruptCreate = 141,
    IoQueueCreate = 152,
    RequestSetCompletionRoutine = 260,
    TimerCreate = 318,
};

#define CALL(entry, ...) WdfFunctions[entry](WdfDriverGlobals, __VA_ARGS__)

static VOID Touch(PVOID Any)
{
    *(volatile char *)Any = 0;
}

static VOID RequestDone(PVOID Request, PVOID Target, PVOID Parameters, PVOID Context)
{
    Touch(Request);
    Touch(Target);
    Touch(Parameters);
    Touch(Context);
}

static VOID IoRead(PVOID Queue, PVOID Request, SIZE_T Length)
{
    CALL(RequestSetCompletionRoutine, Request, RequestDone, Queue);
    Touch((char *)Queue + Length);
}

static NTSTATUS D0Entry(PVOID Device, ULONG Previous)
{
    Touch(Device);
    return Previous;
}

static BOOLEAN InterruptIsr(PVOID Interrupt, ULONG Message)
{
    Touch((char *)Interrupt + Message);
    return TRUE;
}

static VOID InterruptDpc(PVOID Interrupt, PVOID Device)
{
    Touch(Interrupt);
    Touch(Device);
}

static VOID TimerFunc(PVOID Timer)
{
    Touch(Timer);
}

static VOID DpcFunc(PVOID Dpc)
{
    Touch((char *)Dpc + 1);
}

static VOID DeviceCleanup(PVOID Device)
{
    Touch((char *)Device + 2);
}

static NOINLINE NTSTATUS CreateQueue(PVOID Device)
{
    struct {
        ULONG Size, DispatchType, PowerManaged;
        BOOLEAN AllowZeroLength, Default;
        PVOID EvtIoDefault, EvtIoRead, Rest[7];
    } Config;
    PVOID Queue;

    RtlZeroMemory(&Config, sizeof(Config));
    Config.Size = sizeof(Config);
    Config.EvtIoRead = (PVOID)IoRead;
    return CALL(IoQueueCreate, Device, &Config, NULL, &Queue);
}

static NOINLINE NTSTATUS CreateInterrupt(PVOID Device)
{
    struct {
        ULONG Size;
        PVOID Lock;
        ULONG ShareVector;
        BOOLEAN FloatingSave, Serialize;
        PVOID Isr, Dpc, Rest[8];
    } Config;
    PVOID Interrupt;

    RtlZeroMemory(&Config, sizeof(Config));
    Config.Size = sizeof(Config);
    Config.Isr = (PVOID)InterruptIsr;
    Config.Dpc = (PVOID)InterruptDpc;
    return CALL(InterruptCreate, Device, &Config, NULL, &Interrupt);
}

static NOINLINE NTSTATUS CreateTimers(PVOID Device)
{
    struct {
        ULONG Size;
        PVOID Func;
        ULONG Period;
        BOOLEAN Serialize;
    } Timer, Dpc;
    PVOID Handle;

    RtlZeroMemory(&Timer, sizeof(Timer));
    Timer.Size = sizeof(Timer);
    Timer.Func = (PVOID)TimerFunc;
    RtlZeroMemory(&Dpc, sizeof(Dpc));
    Dpc.Size = sizeof(Dpc);
    Dpc.Func = (PVOID)DpcFunc;
    CALL(DpcCreate, &Dpc, Device, &Handle);
    return CALL(TimerCreate, &Timer, Device, &Handle);
}

static NTSTATUS DeviceAdd(PVOID Driver, PVOID *Init)
{
    struct {
        ULONG Size;
        PVOID D0Entry, Rest[16];
    } Power;
    struct {
        ULONG Size;
        PVOID Cleanup, Destroy;
        ULONG ExecutionLevel, Scope;
        PVOID Rest[3];
    } Attributes;
    PVOID Device;
    NTSTATUS Status;

    Touch(Driver);
    RtlZeroMemory(&Power, sizeof(Power));
    Power.Size = sizeof(Power);
    Power.D0Entry = (PVOID)D0Entry;
    CALL(DeviceInitSetPnpPowerEventCallbacks, Init, &Power);
    RtlZeroMemory(&Attributes, sizeof(Attributes));
    Attributes.Size = sizeof(Attributes);
    Attributes.Cleanup = (PVOID)DeviceCleanup;
    Status = CALL(DeviceCreate, &Init, &Attributes, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CreateInterrupt(Device);
    CreateTimers(Device);
    return CreateQueue(Device);
}

NOINLINE NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    struct {
        ULONG Size;
        PVOID DeviceAdd, Unload;
        ULONG Flags, Tag;
    } Config;

    RtlZeroMemory(&Config, sizeof(Config));
    Config.Size = sizeof(Config);
    Config.DeviceAdd = (PVOID)DeviceAdd;
    return CALL(DriverCreate, Driver, RegistryPath, NULL, &Config, NULL);
}

NTSTATUS FxDriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    NTSTATUS Status = WdfVersionBind(Driver, RegistryPath, &BindInfo, &WdfDriverGlobals);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return DriverEntry(Driver, RegistryPath);
}
