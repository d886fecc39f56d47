/* SPDX-License-Identifier: MIT */
/*
 * Included before every source of serial.sys, to build it with one mistake each.
 */
#ifndef PAGABLE_TESTS_SERIAL_MISTAKES_H
#define PAGABLE_TESTS_SERIAL_MISTAKES_H

#include <ntddk.h>

#ifdef FORGET_LOCK /* PAGESER is never locked */
#define MmLockPagableDataSection(Address)    ((PVOID)(Address))
#define MmLockPagableSectionByHandle(Handle) ((void)(Handle))
#define MmUnlockPagableImageSection(Handle)  ((void)(Handle))
#endif
#ifdef FORGET_UNLOCK /* the last close leaves it locked */
#define MmUnlockPagableImageSection(Handle) ((void)(Handle))
#endif
#ifdef FORGET_DISCONNECT /* the driver is paged out with its interrupt connected */
#define IoDisconnectInterrupt(Interrupt) ((void)(Interrupt))
#endif
#ifdef FORGET_RESET /* and the port is opened while all of it is still pageable */
#define MmResetDriverPaging(Address) ((void)(Address))
#endif

#endif
