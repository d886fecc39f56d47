/* SPDX-License-Identifier: MIT */
/*
 * What is in memory, by how many ports are open.
 *
 * The count and the lock on the section change together under one mutex: if the last close could
 * overtake the first open, the code of a port that has just opened would leave.  A spin lock cannot
 * do that, since making a section resident waits for the disk.
 *
 * The mutex is the "unsafe" form of a fast mutex, in a critical region: the caller stays at
 * PASSIVE_LEVEL, so that it may connect and disconnect interrupts while it holds it.
 */
#include "serial.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGESRP0, SerialLockPorts)
#pragma alloc_text(PAGESRP0, SerialUnlockPorts)
#pragma alloc_text(PAGESRP0, SerialHoldCode)
#pragma alloc_text(PAGESRP0, SerialReleaseCode)
#pragma alloc_text(PAGESRP0, SerialHoldCallbacks)
#pragma alloc_text(PAGESRP0, SerialReleaseCallbacks)
#endif

VOID SerialLockPorts(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    KeEnterCriticalRegion();
    ExAcquireFastMutexUnsafe(&Driver->Mutex);
}

VOID SerialUnlockPorts(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    ExReleaseFastMutexUnsafe(&Driver->Mutex);
    KeLeaveCriticalRegion();
}

#ifdef SERIAL_ENTIRE

/* All of the driver is pageable while nobody uses it.  The address is that of a routine in .text,
 * but any other would do. */
VOID SerialHoldCode(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    if (Driver->OpenPorts++ == 0) {
        MmResetDriverPaging(SerialInterrupt);
    }
}

VOID SerialReleaseCode(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    if (--Driver->OpenPorts == 0) {
        MmPageEntireDriver(SerialInterrupt);
    }
}

/* A completion routine may be called at DISPATCH_LEVEL when all ports are closed. */
VOID SerialHoldCallbacks(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    SerialLockPorts(Driver);
    SerialHoldCode(Driver);
    SerialUnlockPorts(Driver);
}

VOID SerialReleaseCallbacks(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    SerialLockPorts(Driver);
    SerialReleaseCode(Driver);
    SerialUnlockPorts(Driver);
}

#else

/*
 * Every open port holds the section once.  The first lock of all finds the section by the address
 * of a routine in it, which means a search through the loaded images; what it gives back names the
 * section for as long as the driver is loaded, whether it is locked or not, and every later lock is
 * made with that.
 */
VOID SerialHoldCode(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    if (Driver->PagingHandle) {
        MmLockPagableSectionByHandle(Driver->PagingHandle);
    } else {
        Driver->PagingHandle = MmLockPagableCodeSection(SerialRead);
    }
    Driver->OpenPorts++;
}

VOID SerialReleaseCode(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    Driver->OpenPorts--;
    MmUnlockPagableImageSection(Driver->PagingHandle);
}

/* What is called back without an open port is resident. */
VOID SerialHoldCallbacks(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    UNREFERENCED_PARAMETER(Driver);
}

VOID SerialReleaseCallbacks(PSERIAL_DRIVER Driver)
{
    PAGED_CODE();

    UNREFERENCED_PARAMETER(Driver);
}

#endif
