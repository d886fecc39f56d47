/* SPDX-License-Identifier: MIT */
/*
 * Mistake: a work item lies in paged pool. The system links it into its queue at DISPATCH_LEVEL.
 *
 * Fix: nonpaged pool. The routine that does the work may be pageable: it runs at PASSIVE_LEVEL.
 */
#include "gallery.h"

DRIVER_INITIALIZE DriverEntry;
WORKER_THREAD_ROUTINE DoWork;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(PAGE, DoWork)
#endif

#define POOL_TAG 'kwLG'

struct work {
    WORK_QUEUE_ITEM Item;
    PKEVENT Done;
};

VOID DoWork(PVOID Parameter)
{
    struct work *Work = Parameter;

    PAGED_CODE();
    KeSetEvent(Work->Done, IO_NO_INCREMENT, FALSE);
}

static NTSTATUS WorkControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
#ifdef FIXED
    struct work *Work = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Work), POOL_TAG);
#else
    struct work *Work = ExAllocatePoolWithTag(PagedPool, sizeof(*Work), POOL_TAG);
#endif
    KEVENT Done;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (!Work) {
        return GalleryComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Work->Done = &Done;
    ExInitializeWorkItem(&Work->Item, DoWork, Work);
    ExQueueWorkItem(&Work->Item, DelayedWorkQueue); /* finding: work-item-pageable */
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    ExFreePoolWithTag(Work, POOL_TAG);
    return GalleryComplete(Irp, STATUS_SUCCESS, 0);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = WorkControl;
    return GalleryCreate(DriverObject, 0, NULL);
}
