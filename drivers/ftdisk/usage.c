/* SPDX-License-Identifier: MIT */
/*
 * Plug and play requests of volumes; the one that matters says that a special file (the paging
 * file, the hibernation file, a crash dump) is about to lie on the volume, or does so no longer.
 *
 * A volume lies on all its members, so all of them are told, and those that were told already are
 * told the opposite when one refuses.  What serves reads and writes is resident or locked while the
 * set is configured; what is left to do here is DO_POWER_PAGABLE.  While the flag is set power
 * requests come at PASSIVE_LEVEL and may be served by pageable code.  Below a paging file that
 * cannot be: the flag is cleared on the way up, when all members have agreed.  When the last file
 * goes it is set on the way down, before the members hear of it, and cleared again if one of them
 * refuses.
 *
 * In PAGE: these come at PASSIVE_LEVEL.
 */
#include "ftdisk.h"

static NTSTATUS TellMember(const struct ft_member *Member, DEVICE_USAGE_NOTIFICATION_TYPE Type,
                           BOOLEAN InPath);
static NTSTATUS TellMembers(struct ft_volume *Volume, DEVICE_USAGE_NOTIFICATION_TYPE Type,
                            BOOLEAN InPath);
static NTSTATUS ChangeUse(struct ft_volume *Volume, DEVICE_USAGE_NOTIFICATION_TYPE Type,
                          BOOLEAN InPath);
static LONG AllUses(const struct ft_volume *Volume);

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, FtPnp)
#pragma alloc_text(PAGE, FtIsInUse)
#pragma alloc_text(PAGE, AllUses)
#pragma alloc_text(PAGE, TellMember)
#pragma alloc_text(PAGE, TellMembers)
#pragma alloc_text(PAGE, ChangeUse)
#endif

static LONG AllUses(const struct ft_volume *Volume)
{
    LONG Uses = 0;

    PAGED_CODE();
    for (ULONG i = 0; i < RTL_NUMBER_OF(Volume->Uses); i++) {
        Uses += Volume->Uses[i];
    }
    return Uses;
}

BOOLEAN FtIsInUse(const struct ft_volume *Volume)
{
    PAGED_CODE();
    return AllUses(Volume) != 0;
}

static NTSTATUS TellMember(const struct ft_member *Member, DEVICE_USAGE_NOTIFICATION_TYPE Type,
                           BOOLEAN InPath)
{
    PIRP Irp = IoAllocateIrp(Member->Device->StackSize, FALSE);
    PIO_STACK_LOCATION Stack;
    NTSTATUS Status;

    PAGED_CODE();
    if (Irp == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
    Stack = IoGetNextIrpStackLocation(Irp);
    Stack->MajorFunction = IRP_MJ_PNP;
    Stack->MinorFunction = IRP_MN_DEVICE_USAGE_NOTIFICATION;
    Stack->Parameters.UsageNotification.InPath = InPath;
    Stack->Parameters.UsageNotification.Type = Type;
    Status = FtSendAndWait(Member->Device, Irp);
    IoFreeIrp(Irp);
    return Status;
}

/* All or none. */
static NTSTATUS TellMembers(struct ft_volume *Volume, DEVICE_USAGE_NOTIFICATION_TYPE Type,
                            BOOLEAN InPath)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Told = 0;

    PAGED_CODE();
    while (Told < Volume->MemberCount && NT_SUCCESS(Status)) {
        Status = TellMember(&Volume->Member[Told], Type, InPath);
        Told += NT_SUCCESS(Status) ? 1 : 0;
    }
    while (!NT_SUCCESS(Status) && Told > 0) {
        (void)TellMember(&Volume->Member[--Told], Type, !InPath);
    }
    return Status;
}

static NTSTATUS ChangeUse(struct ft_volume *Volume, DEVICE_USAGE_NOTIFICATION_TYPE Type,
                          BOOLEAN InPath)
{
    BOOLEAN Last = !InPath && AllUses(Volume) == 1;
    NTSTATUS Status;

    PAGED_CODE();
    if (!InPath && Volume->Uses[Type] == 0) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    if (Last) {
        Volume->Device->Flags |= DO_POWER_PAGABLE;
    }
    Status = TellMembers(Volume, Type, InPath);
    if (!NT_SUCCESS(Status)) {
        if (Last) {
            Volume->Device->Flags &= ~DO_POWER_PAGABLE;
        }
        return Status;
    }
    Volume->Uses[Type] += InPath ? 1 : -1;
    if (InPath) {
        Volume->Device->Flags &= ~DO_POWER_PAGABLE;
    }
    return STATUS_SUCCESS;
}

/* Volumes are found by this driver and not by the plug and play manager, which asks little of them.
 */
NTSTATUS FtPnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    DEVICE_USAGE_NOTIFICATION_TYPE Type = Stack->Parameters.UsageNotification.Type;
    struct ft_volume *Volume = DeviceObject->DeviceExtension;
    NTSTATUS Status = Irp->IoStatus.Status; /* as it came, when the request says nothing to us */

    PAGED_CODE();
    if (DeviceObject == FtControlDevice) {
        return FtCompleteIrp(Irp, Status, Irp->IoStatus.Information);
    }
    FtLockConfiguration();
    if (FtFindSet(Volume->Number) != Volume) {
        Status = STATUS_DELETE_PENDING;
    } else if (Stack->MinorFunction == IRP_MN_DEVICE_USAGE_NOTIFICATION) {
        Status = Type < DeviceUsageTypePaging || Type > DeviceUsageTypeDumpFile
                     ? STATUS_INVALID_PARAMETER
                     : ChangeUse(Volume, Type, Stack->Parameters.UsageNotification.InPath);
    } else if (Stack->MinorFunction == IRP_MN_QUERY_REMOVE_DEVICE ||
               Stack->MinorFunction == IRP_MN_QUERY_STOP_DEVICE) {
        Status = AllUses(Volume) != 0 ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
    }
    FtUnlockConfiguration();
    return FtCompleteIrp(Irp, Status, Irp->IoStatus.Information);
}
