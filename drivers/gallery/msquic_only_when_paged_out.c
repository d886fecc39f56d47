/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a timer's DPC calls a routine of PAGE. It was called a moment ago at PASSIVE_LEVEL, so
 * its page is nearly always there and years of tests pass; with --trim none this one passes too.
 *
 * Fix: the routine leaves PAGE.
 *
 * Seen: msquic #4631
 *
 * Then: bug check 0xD1
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
ULONG64 NextTimeout(ULONG64 Timeout);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#ifndef FIXED
#pragma alloc_text(PAGE, NextTimeout)
#endif
#endif

static struct connection {
    KTIMER Timer;
    KDPC Dpc;
    KEVENT Lost;
    ULONG64 Timeout; /* 100 ns units; doubled until the other side is given up */
} Connection;

#define TIMEOUT_FIRST 10000
#define TIMEOUT_LAST  320000

DECLSPEC_NOINLINE ULONG64 NextTimeout(ULONG64 Timeout)
{
    return Timeout < TIMEOUT_LAST ? 2 * Timeout : 0; /* finding: pageable-at-raised-irql */
}

static VOID Set(struct connection *C, ULONG64 Timeout)
{
    LARGE_INTEGER Due = {.QuadPart = -(LONG64)Timeout};

    C->Timeout = Timeout;
    KeSetTimer(&C->Timer, Due, &C->Dpc);
}

static VOID Retransmit(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    struct connection *C = Context;
    ULONG64 Next = NextTimeout(C->Timeout);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (Next) {
        Set(C, Next);
    } else {
        KeSetEvent(&C->Lost, IO_NO_INCREMENT, FALSE);
    }
}

/* Connects to somebody who never answers. */
static NTSTATUS ConnectControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    KeClearEvent(&Connection.Lost);
    Set(&Connection, NextTimeout(TIMEOUT_FIRST));
    KeWaitForSingleObject(&Connection.Lost, Executive, KernelMode, FALSE, NULL);
    return GalleryComplete(Irp, STATUS_CONNECTION_REFUSED, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeTimer(&Connection.Timer);
    KeInitializeDpc(&Connection.Dpc, Retransmit, &Connection);
    KeInitializeEvent(&Connection.Lost, NotificationEvent, FALSE);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = ConnectControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
