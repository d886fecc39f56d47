/* SPDX-License-Identifier: MIT */
/*
 * Dispatch routines.
 *
 * A volume may carry the paging file, so what serves reads, writes, device controls and power
 * requests is resident from the start, whichever kinds of sets are configured.  Only opening and
 * closing, which programs do at PASSIVE_LEVEL, is in PAGE (and plug and play, usage.c).
 *
 * A packet holds its volume (the remove lock) from here to its completion; a volume whose set was
 * deleted takes no more.
 */
#include "ftdisk.h"

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, FtOpenClose)
#endif

/* FALSE: the packet was for no volume, or one that is gone, and is completed. */
static BOOLEAN HoldVolume(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS *Status)
{
    struct ft_volume *Volume = DeviceObject->DeviceExtension;

    *Status = DeviceObject == FtControlDevice ? STATUS_INVALID_DEVICE_REQUEST
                                              : IoAcquireRemoveLock(&Volume->RemoveLock, Irp);
    if (!NT_SUCCESS(*Status)) {
        FtCompleteIrp(Irp, *Status, 0);
        return FALSE;
    }
    return TRUE;
}

NTSTATUS FtReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status;

    return HoldVolume(DeviceObject, Irp, &Status)
               ? FtStartTransfer(DeviceObject->DeviceExtension, Irp)
               : Status;
}

NTSTATUS FtFlush(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    NTSTATUS Status;

    return HoldVolume(DeviceObject, Irp, &Status) ? FtStartFlush(DeviceObject->DeviceExtension, Irp)
                                                  : Status;
}

/* Resident, though what it calls is not: a request that the paging path sends is none of these. */
NTSTATUS FtDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    struct ft_volume *Volume = DeviceObject->DeviceExtension;
    NTSTATUS Status;

    if (DeviceObject == FtControlDevice) {
        return FtConfigure(Irp);
    }
    if (!HoldVolume(DeviceObject, Irp, &Status)) {
        return Status;
    }
    Status = FtAskVolume(Volume, Irp);
    IoReleaseRemoveLock(&Volume->RemoveLock, Irp);
    return Status;
}

/* A volume has no power state of its own; its disks get their requests from their own stacks.  At
 * DISPATCH_LEVEL when a paging file lies on it. */
NTSTATUS FtPower(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR Minor = IoGetCurrentIrpStackLocation(Irp)->MinorFunction;
    NTSTATUS Status = Irp->IoStatus.Status;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Minor == IRP_MN_SET_POWER || Minor == IRP_MN_QUERY_POWER) {
        Status = STATUS_SUCCESS;
    }
    PoStartNextPowerIrp(Irp);
    return FtCompleteIrp(Irp, Status, 0);
}

NTSTATUS FtOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();
    UNREFERENCED_PARAMETER(DeviceObject);
    return FtCompleteIrp(Irp, STATUS_SUCCESS, 0);
}
