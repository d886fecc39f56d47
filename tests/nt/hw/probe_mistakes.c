/* SPDX-License-Identifier: MIT */
/* What drivers get wrong with interrupts. */
#include "hw_probe.h"

ULONG DisconnectTwice(void)
{
    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    IoDisconnectInterrupt(First.Interrupt);
    IoDisconnectInterrupt(First.Interrupt);
    return 0;
}

ULONG SynchronizeTooHigh(void)
{
    struct inside Inside = {0, 0, TRUE};
    KIRQL Irql;

    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    KeRaiseIrql(LineIrql + 1, &Irql);
    KeSynchronizeExecution(First.Interrupt, Synchronized, &Inside);
    return 0;
}

/* The service routine's lock is taken at DISPATCH_LEVEL, and the interrupt comes. */
ULONG Deadlock(void)
{
    KIRQL Irql;

    KeInitializeSpinLock(&OwnLock);
    CHECK(Connect(&First, &OwnLock, LineIrql, FALSE) == STATUS_SUCCESS);
    KeAcquireSpinLock(&OwnLock, &Irql);
    Out(&First, TOY_FIRE, 0);
    KeReleaseSpinLock(&OwnLock, Irql);
    return 0;
}

ULONG ReturnsHigh(void)
{
    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    First.ReturnsHigh = TRUE;
    Out(&First, TOY_FIRE, 0);
    return 0;
}

ULONG UnmapOther(void)
{
    PHYSICAL_ADDRESS Physical = {.QuadPart = TOY_REGISTERS};
    PUCHAR Base = MmMapIoSpace(Physical, TOY_BYTES, MmNonCached);

    MmUnmapIoSpace(Base, TOY_BYTES - 1);
    return 0;
}

ULONG Storm(void)
{
    CHECK(Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS);
    First.KeepsLine = TRUE;
    Out(&First, TOY_FIRE, 0);
    return 0;
}

ULONG Leave(void)
{
    return Connect(&First, NULL, LineIrql, FALSE) == STATUS_SUCCESS ? 0 : __LINE__;
}

/* A service routine's lock in paged pool, which the next trim takes out. */
ULONG PagedLock(void)
{
    PKSPIN_LOCK Lock = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, 'woyT');
    KIRQL Irql;

    KeInitializeSpinLock(Lock);
    CHECK(Connect(&First, Lock, LineIrql, FALSE) == STATUS_SUCCESS);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Out(&First, TOY_FIRE, 0);
    KeLowerIrql(Irql);
    return 0;
}
