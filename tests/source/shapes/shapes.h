/* SPDX-License-Identifier: MIT */
/* What the shapes share; see shapes.c. */
#ifndef SHAPES_H
#define SHAPES_H

typedef struct _EXT {
    KSPIN_LOCK Lock;
    LIST_ENTRY Queue;
    ULONG Count, Flags;
} EXT, *PEXT;

NTSTATUS OneOne(PEXT Ext, PULONG Out);
NTSTATUS Early(PEXT Ext);
NTSTATUS GotoOut(PEXT Ext);
ULONG Loops(PEXT Ext);
VOID LoopAround(PEXT Ext);
NTSTATUS SwitchIn(PEXT Ext, ULONG Code);
VOID Nested(PEXT Ext, PEXT Other);
PLIST_ENTRY Result(PEXT Ext);
ULONG TwoResults(PEXT Ext);
ULONG AddressTaken(PEXT Ext, PIO_STATUS_BLOCK Out);
VOID Queued(PEXT Ext);
VOID TwoRegions(PEXT Ext);
VOID Cancel(PIRP Irp);
VOID Raise(PEXT Ext);
VOID Chain(PEXT Ext);
NTSTATUS Seed(PEXT Ext);
NTSTATUS OnlyExits(PEXT Ext);
ULONG MultipleNames(PEXT Ext);
ULONG Unbraced(PEXT Ext);
VOID Macros(PEXT Ext);

#endif
