/* SPDX-License-Identifier: MIT */
/* Included before ftdisk's sources: the driver as it would be if its author had forgotten to lock
 * the sections of its kinds. */
#include <ntddk.h>

#undef MmLockPagableCodeSection
#define MmLockPagableCodeSection(Address)    ((PVOID)(Address))
#define MmLockPagableSectionByHandle(Handle) ((void)(Handle))
#define MmUnlockPagableImageSection(Handle)  ((void)(Handle))
