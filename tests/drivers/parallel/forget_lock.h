/* SPDX-License-Identifier: MIT */
/*
 * parallel.sys with the mistake that its section is there to avoid: built from the same sources,
 * with this in front of each, it never locks PAGEPARW.
 */
#include <ntddk.h>

#undef MmLockPagableCodeSection
#define MmLockPagableCodeSection(Address)    (Address)
#define MmLockPagableSectionByHandle(Handle) ((void)(Handle))
#define MmUnlockPagableImageSection(Handle)  ((void)(Handle))
