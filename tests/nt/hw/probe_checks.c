/* SPDX-License-Identifier: MIT */
/* What must hold: interrupts, ports, registers. */
#include "hw_probe.h"

static LARGE_INTEGER Milliseconds(LONG Count)
{
    LARGE_INTEGER Time;

    Time.QuadPart = -10000LL * Count;
    return Time;
}

ULONG CheckVector(void)
{
    KIRQL Irql = 0;
    KAFFINITY None = 0;

    CHECK(Vector != 0 && LineIrql > DISPATCH_LEVEL && LineIrql < CLOCK_LEVEL);
    CHECK(Affinity == 1);
    CHECK(HalGetInterruptVector(Isa, 0, TOY_LINE, TOY_LINE, &Irql, &None) == Vector);
    CHECK(HalGetInterruptVector(PCIBus, 0, TOY_LINE, TOY_LINE, &Irql, &None) == Vector);
    CHECK(HalGetInterruptVector(Isa, 0, 24, 24, &Irql, &None) == 0);
    CHECK(HalGetInterruptVector(Isa, 1, TOY_LINE, TOY_LINE, &Irql, &None) == 0);
    CHECK(HalGetInterruptVector(VMEBus, 0, TOY_LINE, TOY_LINE, &Irql, &None) == 0);
    return 0;
}

static NTSTATUS Try(PKSERVICE_ROUTINE Routine, ULONG WhichVector, KIRQL Irql, KIRQL Synchronize,
                    KINTERRUPT_MODE Mode, KAFFINITY Processors)
{
    PKINTERRUPT Interrupt = NULL;
    NTSTATUS Status = IoConnectInterrupt(&Interrupt, Routine, &First, NULL, WhichVector, Irql,
                                         Synchronize, Mode, TRUE, Processors, FALSE);

    if (NT_SUCCESS(Status)) {
        IoDisconnectInterrupt(Interrupt);
    }
    return Status;
}

ULONG CheckConnect(void)
{
    CHECK(Try(Service, Vector, LineIrql, LineIrql, LevelSensitive, 1) == STATUS_SUCCESS);
    CHECK(Try(Service, Vector, LineIrql, HIGH_LEVEL, Latched, 3) == STATUS_SUCCESS);
    CHECK(Try(Service, Vector, LineIrql, LineIrql - 1, LevelSensitive, 1) ==
          STATUS_INVALID_PARAMETER);
    CHECK(Try(Service, Vector, LineIrql - 1, LineIrql, LevelSensitive, 1) ==
          STATUS_INVALID_PARAMETER);
    CHECK(Try(Service, Vector, LineIrql, HIGH_LEVEL + 1, LevelSensitive, 1) ==
          STATUS_INVALID_PARAMETER);
    CHECK(Try(Service, 0x1234, LineIrql, LineIrql, LevelSensitive, 1) == STATUS_INVALID_PARAMETER);
    CHECK(Try(Service, Vector, LineIrql, LineIrql, LevelSensitive, 2) == STATUS_INVALID_PARAMETER);
    CHECK(Try(NULL, Vector, LineIrql, LineIrql, LevelSensitive, 1) == STATUS_INVALID_PARAMETER);
    CHECK(Try(Service, Vector, LineIrql, LineIrql, (KINTERRUPT_MODE)7, 1) ==
          STATUS_INVALID_PARAMETER);
    /* A line that is taken: both must share, and agree on the mode. */
    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    CHECK(Connect(&Second, NULL, LineIrql, TRUE) == STATUS_INVALID_PARAMETER);
    CHECK(Second.Interrupt == NULL);
    IoDisconnectInterrupt(First.Interrupt);
    CHECK(Connect(&First, NULL, LineIrql, TRUE) == STATUS_SUCCESS);
    CHECK(Connect(&Second, NULL, LineIrql, FALSE) == STATUS_INVALID_PARAMETER);
    CHECK(Try(Service, Vector, LineIrql, LineIrql, Latched, 1) == STATUS_INVALID_PARAMETER);
    CHECK(Connect(&Second, NULL, LineIrql, TRUE) == STATUS_SUCCESS);
    IoDisconnectInterrupt(First.Interrupt);
    IoDisconnectInterrupt(Second.Interrupt);
    return 0;
}

/* Service routine, DPC, waiting thread. */
ULONG CheckInterrupt(void)
{
    LARGE_INTEGER Long = Milliseconds(1000);

    CHECK(Connect(&First, NULL, LineIrql + 1, FALSE) == STATUS_SUCCESS);
    First.Requests = TRUE;
    DpcSeen.Count = DpcSeen.NestedAt = 0;
    KeClearEvent(&DpcSeen.Ran);
    Out(&First, TOY_FIRE, 20); /* 2 ms */
    CHECK(KeWaitForSingleObject(&DpcSeen.Ran, Executive, KernelMode, FALSE, &Long) ==
          STATUS_SUCCESS);
    CHECK(First.Called == 1 && First.Served == 1);
    CHECK(First.Irql == LineIrql + 1 && First.Passed == First.Interrupt);
    CHECK(DpcSeen.Count == 1 && DpcSeen.Irql == DISPATCH_LEVEL && DpcSeen.Context == &First);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    IoDisconnectInterrupt(First.Interrupt);
    Out(&First, TOY_FIRE, 0);
    CHECK(First.Called == 1); /* nobody listens any more */
    Out(&First, TOY_STATUS, 0);
    return 0;
}

ULONG CheckShared(void)
{
    CHECK(Connect(&First, NULL, LineIrql, TRUE) == STATUS_SUCCESS);
    CHECK(Connect(&Second, NULL, LineIrql, TRUE) == STATUS_SUCCESS);
    Out(&Second, TOY_FIRE, 0);
    CHECK(First.Called == 1 && First.Served == 0);
    CHECK(Second.Called == 1 && Second.Served == 1);
    Out(&First, TOY_FIRE, 0);
    CHECK(First.Called == 2 && First.Served == 1);
    CHECK(Second.Called == 1);
    IoDisconnectInterrupt(First.Interrupt);
    Out(&Second, TOY_FIRE, 0);
    CHECK(First.Called == 2 && Second.Served == 2);
    IoDisconnectInterrupt(Second.Interrupt);
    return 0;
}

ULONG CheckNested(void)
{
    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    First.Requests = TRUE;
    DpcSeen.Count = 0;
    DpcSeen.NestedAt = 1;
    Out(&First, TOY_FIRE, 0);
    CHECK(DpcSeen.Count == 1 && DpcSeen.NestedAt == 2 && First.Served == 2);
    /* Above the line's IRQL it waits; the DPC waits for a still lower one. */
    {
        KIRQL Old;

        First.Requests = TRUE;
        KeRaiseIrql(LineIrql, &Old);
        Out(&First, TOY_FIRE, 0);
        CHECK(First.Served == 2);
        KeLowerIrql(DISPATCH_LEVEL);
        CHECK(First.Served == 3 && DpcSeen.Count == 1);
        KeLowerIrql(Old);
        CHECK(DpcSeen.Count == 2);
    }
    IoDisconnectInterrupt(First.Interrupt);
    DpcSeen.NestedAt = 0;
    return 0;
}

BOOLEAN NTAPI Synchronized(PVOID Context)
{
    struct inside *Inside = Context;

    Inside->Irql = KeGetCurrentIrql();
    Out(&First, TOY_FIRE, 0);
    KeStallExecutionProcessor(50);
    Inside->Served = First.Served;
    return Inside->Answer;
}

ULONG CheckSynchronize(void)
{
    struct inside Inside = {0, 0, TRUE};

    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    CHECK(KeSynchronizeExecution(First.Interrupt, Synchronized, &Inside) == TRUE);
    CHECK(Inside.Irql == LineIrql && Inside.Served == 0); /* the service routine was kept out */
    CHECK(First.Served == 1);                             /* until now */
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
    Inside.Answer = FALSE;
    CHECK(KeSynchronizeExecution(First.Interrupt, Synchronized, &Inside) == FALSE);
    CHECK(First.Served == 2);
    IoDisconnectInterrupt(First.Interrupt);
    return 0;
}

ULONG CheckSpinLock(void)
{
    KIRQL Irql;

    KeInitializeSpinLock(&OwnLock);
    CHECK(Connect(&First, &OwnLock, LineIrql + 1, FALSE) == STATUS_SUCCESS);
    Irql = KeAcquireInterruptSpinLock(First.Interrupt);
    CHECK(Irql == PASSIVE_LEVEL && KeGetCurrentIrql() == LineIrql + 1);
    CHECK(OwnLock != 0);
    Out(&First, TOY_FIRE, 0);
    KeStallExecutionProcessor(50);
    CHECK(First.Served == 0);
    KeReleaseInterruptSpinLock(First.Interrupt, Irql);
    CHECK(First.Served == 1 && KeGetCurrentIrql() == PASSIVE_LEVEL && OwnLock == 0);
    IoDisconnectInterrupt(First.Interrupt);
    return 0;
}

ULONG CheckStrings(void)
{
    PUCHAR Data = (PUCHAR)(ULONG_PTR)(TOY_PORT + TOY_DATA);
    PULONG Sum = (PULONG)(ULONG_PTR)(TOY_PORT + TOY_SUM);
    UCHAR Buffer[64];
    UCHAR Start;
    ULONG Total = 0;

    Start = READ_PORT_UCHAR(Data);
    READ_PORT_BUFFER_UCHAR(Data, Buffer, sizeof Buffer);
    for (ULONG I = 0; I < sizeof Buffer; I++) {
        CHECK(Buffer[I] == (UCHAR)(Start + 1 + I));
        Total += Buffer[I];
    }
    WRITE_PORT_ULONG(Sum, 0);
    WRITE_PORT_BUFFER_UCHAR(Data, Buffer, sizeof Buffer);
    CHECK(READ_PORT_ULONG(Sum) == Total);
    CHECK(READ_PORT_USHORT((PUSHORT)Sum) == (USHORT)Total);
    WRITE_PORT_ULONG(Sum, 0x12345678);
    CHECK(READ_PORT_ULONG(Sum) == 0x12345678);
    CHECK(READ_PORT_UCHAR((PUCHAR)0x1234) == 0xff); /* nobody there */
    WRITE_PORT_USHORT((PUSHORT)0x1234, 1);
    return 0;
}

ULONG CheckRegisters(void)
{
    PHYSICAL_ADDRESS Physical = {.QuadPart = TOY_REGISTERS};
    PUCHAR Base = MmMapIoSpace(Physical, TOY_BYTES, MmNonCached);
    PULONG Scratch = (PULONG)(Base + TOY_SCRATCH);
    ULONG Values[4] = {1, 2, 3, 0xfffffff0}, Copy[4] = {0};

    CHECK(Base != NULL && ((ULONG_PTR)Base & (PAGE_SIZE - 1)) == (TOY_REGISTERS & (PAGE_SIZE - 1)));
    CHECK(READ_REGISTER_ULONG((PULONG)(Base + TOY_ID)) == TOY_ID_IS);
    CHECK(READ_REGISTER_UCHAR(Base + TOY_ID + 1) == (UCHAR)(TOY_ID_IS >> 8));
    WRITE_REGISTER_BUFFER_ULONG(Scratch, Values, 4);
    __movsd(Copy, Scratch, 4); /* what READ_REGISTER_BUFFER_ULONG is, but for these headers' one */
    CHECK(RtlCompareMemory(Values, Copy, sizeof Values) == sizeof Values);
    *(volatile ULONG *)&Scratch[3] += 0x20;
    CHECK(*(volatile ULONG *)&Scratch[3] == 0x10);
    *(volatile UCHAR *)&Scratch[0] |= 0x80;
    CHECK(*(volatile USHORT *)&Scratch[0] == 0x81);
    CHECK(InterlockedExchange((volatile LONG *)&Scratch[1], 77) == 2);
    CHECK(InterlockedCompareExchange((volatile LONG *)&Scratch[1], 5, 77) == 77);
    CHECK(InterlockedIncrement((volatile LONG *)&Scratch[1]) == 6);
    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    WRITE_REGISTER_ULONG((PULONG)(Base + TOY_CONTROL), 1);
    CHECK(First.Served == 1); /* a store can interrupt at once, too */
    IoDisconnectInterrupt(First.Interrupt);
    MmUnmapIoSpace(Base, TOY_BYTES);
    return 0;
}

ULONG CheckInactive(void)
{
    struct report_state State = {1, NULL};

    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    State.ConnectionContext = First.Interrupt;
    IoReportInterruptInactive(&State);
    Out(&First, TOY_FIRE, 0);
    CHECK(First.Called == 0);
    IoReportInterruptActive(&State);
    CHECK(First.Served == 1);
    IoDisconnectInterrupt(First.Interrupt);
    return 0;
}

ULONG CheckExtended(void)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_FULLY_SPECIFIED};
    IO_DISCONNECT_INTERRUPT_PARAMETERS Disconnect = {.Version = CONNECT_FULLY_SPECIFIED};

    First.Interrupt = NULL;
    First.Called = First.Served = 0;
    Parameters.FullySpecified.PhysicalDeviceObject = ProbePhysical;
    Parameters.FullySpecified.InterruptObject = &First.Interrupt;
    Parameters.FullySpecified.ServiceRoutine = Service;
    Parameters.FullySpecified.ServiceContext = &First;
    Parameters.FullySpecified.SynchronizeIrql = LineIrql;
    Parameters.FullySpecified.Vector = Vector;
    Parameters.FullySpecified.Irql = LineIrql;
    Parameters.FullySpecified.InterruptMode = LevelSensitive;
    Parameters.FullySpecified.ProcessorEnableMask = Affinity;
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_SUCCESS);
    Out(&First, TOY_FIRE, 0);
    CHECK(First.Served == 1 && First.Passed == First.Interrupt);
    Disconnect.ConnectionContext.InterruptObject = First.Interrupt;
    IoDisconnectInterruptEx(&Disconnect);
    Parameters.Version = CONNECT_FULLY_SPECIFIED_GROUP;
    Parameters.FullySpecified.Group = 1;
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_INVALID_PARAMETER);
    Parameters.FullySpecified.Group = 0;
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_SUCCESS);
    Disconnect.ConnectionContext.InterruptObject = First.Interrupt;
    IoDisconnectInterruptEx(&Disconnect);
    Parameters.Version = 99;
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_NOT_SUPPORTED);
    CHECK(Parameters.Version == CONNECT_CURRENT_VERSION);
    return 0;
}

static KMESSAGE_SERVICE_ROUTINE Message;
static BOOLEAN NTAPI Message(PKINTERRUPT Interrupt, PVOID Context, ULONG Id)
{
    UNREFERENCED_PARAMETER(Id);
    return Service(Interrupt, Context);
}

/* The line comes from the device's resources; messages fall back to it. */
ULONG CheckLineBased(void)
{
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters = {.Version = CONNECT_LINE_BASED};
    IO_DISCONNECT_INTERRUPT_PARAMETERS Disconnect = {.Version = CONNECT_LINE_BASED};

    CHECK(ProbePhysical != NULL);
    First.Called = First.Served = 0;
    Parameters.LineBased.PhysicalDeviceObject = ProbePhysical;
    Parameters.LineBased.InterruptObject = &First.Interrupt;
    Parameters.LineBased.ServiceRoutine = Service;
    Parameters.LineBased.ServiceContext = &First;
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_SUCCESS);
    Out(&First, TOY_FIRE, 0);
    CHECK(First.Served == 1 && First.Irql == LineIrql);
    Disconnect.ConnectionContext.InterruptObject = First.Interrupt;
    IoDisconnectInterruptEx(&Disconnect);
    Parameters.LineBased.PhysicalDeviceObject = ProbeDevice; /* has no hardware */
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_NOT_FOUND);

    RtlZeroMemory(&Parameters, sizeof Parameters);
    Parameters.Version = CONNECT_MESSAGE_BASED;
    Parameters.MessageBased.PhysicalDeviceObject = ProbePhysical;
    Parameters.MessageBased.ConnectionContext.InterruptObject = &First.Interrupt;
    Parameters.MessageBased.MessageServiceRoutine = Message;
    Parameters.MessageBased.ServiceContext = &First;
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_NOT_FOUND);
    Parameters.MessageBased.FallBackServiceRoutine = Service;
    CHECK(IoConnectInterruptEx(&Parameters) == STATUS_SUCCESS);
    CHECK(Parameters.Version == CONNECT_LINE_BASED);
    Out(&First, TOY_FIRE, 0);
    CHECK(First.Served == 2);
    Disconnect.ConnectionContext.InterruptObject = First.Interrupt;
    IoDisconnectInterruptEx(&Disconnect);
    return 0;
}

/* Without an interrupt: the driver looks until the device wants something. */
ULONG CheckPoll(void)
{
    LARGE_INTEGER Before, After;
    ULONG Tries = 0;
    KIRQL Irql;

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Out(&First, TOY_FIRE, 5); /* 500 us */
    while (!(In(&First, TOY_STATUS) & 1) && Tries < 1000) {
        KeStallExecutionProcessor(10);
        Tries++;
    }
    CHECK(Tries > 10 && Tries < 60);
    Out(&First, TOY_STATUS, 0);
    KeLowerIrql(Irql);
    KeQuerySystemTime(&Before);
    KeStallExecutionProcessor(25);
    KeQuerySystemTime(&After);
    CHECK(After.QuadPart - Before.QuadPart >= 250);
    return 0;
}

ULONG CheckBus(void)
{
    PHYSICAL_ADDRESS Address = {.QuadPart = TOY_PORT}, Translated = {.QuadPart = 0};
    ULONG Space = 1;
    UCHAR Configuration[64];

    RtlFillMemory(Configuration, sizeof Configuration, 0x55);
    CHECK(HalTranslateBusAddress(Isa, 0, Address, &Space, &Translated));
    CHECK(Space == 1 && Translated.QuadPart == TOY_PORT);
    CHECK(!HalTranslateBusAddress(MicroChannel, 0, Address, &Space, &Translated));
    CHECK(HalGetBusData(PCIConfiguration, 0, 3, Configuration, sizeof Configuration) == 2);
    CHECK(Configuration[0] == 0xff && Configuration[1] == 0xff && Configuration[2] == 0x55);
    CHECK(HalGetBusData(PCIConfiguration, 1, 3, Configuration, sizeof Configuration) == 0);
    CHECK(HalGetBusDataByOffset(PCIConfiguration, 0, 3, Configuration, 8, 4) == 2);
    CHECK(HalGetBusDataByOffset(PCIConfiguration, 0, 3, Configuration, 8, 1) == 0);
    CHECK(HalSetBusDataByOffset(PCIConfiguration, 0, 3, Configuration, 4, 2) == 0);
    return 0;
}
