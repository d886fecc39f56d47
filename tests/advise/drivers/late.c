/* SPDX-License-Identifier: MIT */
/*
 * A chain of calls through registers, each routine before the one that it calls: whoever follows
 * callees first learns of the last one link by link.  Never run.
 */
#include <ntddk.h>

DRIVER_INITIALIZE DriverEntry;
DRIVER_DISPATCH Read;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#endif

static KSPIN_LOCK Lock;

#define LINK(name, next)                                                                           \
    __attribute__((naked, noinline, used)) static VOID name(VOID)                                  \
    {                                                                                              \
        __asm__("subq $0x28, %rsp\n"                                                               \
                "leaq " #next "(%rip), %rax\n"                                                     \
                "callq *%rax\n"                                                                    \
                "addq $0x28, %rsp\n"                                                               \
                "retq");                                                                           \
    }

LINK(Link1, Link2)
LINK(Link2, Link3)
LINK(Link3, Link4)
LINK(Link4, Link5)
LINK(Link5, Link6)
LINK(Link6, Link7)
LINK(Link7, Raise)

__attribute__((noinline, used)) static VOID Raise(VOID)
{
    KIRQL irql;

    KeRaiseIrql(DISPATCH_LEVEL, &irql);
}

NTSTATUS Read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Link1();
    KeAcquireSpinLockAtDpcLevel(&Lock);
    DeviceObject->Flags++;
    KeReleaseSpinLockFromDpcLevel(&Lock);
    KeLowerIrql(PASSIVE_LEVEL);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_READ] = Read;
    return STATUS_SUCCESS;
}
