/* SPDX-License-Identifier: MIT */
/* Checks of memory descriptor lists. */
#include "io_probe.h"

BOOLEAN ProbeMdl(void)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, 3 * PAGE_SIZE, PROBE_TAG);
    PMDL Mdl = IoAllocateMdl(Buffer + 100, 2 * PAGE_SIZE, FALSE, FALSE, NULL), Second;
    PIRP Irp = IoAllocateIrp(1, FALSE);

    EXPECT("mdl", Buffer != NULL && Mdl != NULL && Irp != NULL);
    EXPECT("mdl", MmGetMdlVirtualAddress(Mdl) == Buffer + 100);
    EXPECT("mdl", MmGetMdlByteCount(Mdl) == 2 * PAGE_SIZE);
    EXPECT("mdl", MmGetMdlByteOffset(Mdl) == ((ULONG_PTR)(Buffer + 100) & (PAGE_SIZE - 1)));
    EXPECT("mdl", MmSizeOfMdl(Buffer, 2 * PAGE_SIZE) == sizeof(MDL) + 2 * sizeof(PFN_NUMBER));
    EXPECT("mdl", (SIZE_T)Mdl->Size == sizeof(MDL) + 3 * sizeof(PFN_NUMBER));
    MmBuildMdlForNonPagedPool(Mdl);
    EXPECT("mdl", Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL);
    EXPECT("mdl", MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority) == Buffer + 100);
    EXPECT("mdl", MmGetMdlPfnArray(Mdl)[1] != MmGetMdlPfnArray(Mdl)[0]);
    EXPECT("mdl", MmGetPhysicalAddress(Buffer + 100).QuadPart >> PAGE_SHIFT ==
                      (LONGLONG)MmGetMdlPfnArray(Mdl)[0]);

    /* Chains of a packet. */
    Second = IoAllocateMdl(Buffer, 10, FALSE, FALSE, Irp);
    EXPECT("mdl", Second != NULL && Irp->MdlAddress == Second);
    EXPECT("mdl", IoAllocateMdl(Buffer, 20, TRUE, FALSE, Irp) == Second->Next);
    EXPECT("mdl", Second->Next != NULL && Irp->MdlAddress == Second);
    IoFreeMdl(Second->Next);
    IoFreeMdl(Second);
    IoFreeIrp(Irp);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Buffer, PROBE_TAG);
    return TRUE;
}

/* Paged pool that is locked may be used at DISPATCH_LEVEL, where everything else that is pageable
 * has left: raising the IRQL trims. */
BOOLEAN ProbeMdlPaged(void)
{
    SIZE_T Size = 4 * PAGE_SIZE, i;
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Size, PROBE_TAG), Mapped;
    BOOLEAN Same = TRUE, Neighbour;
    KIRQL Irql;
    PMDL Mdl, Again;

    EXPECT("mdl-paged", Buffer != NULL);
    for (i = 0; i < Size; i++) {
        Buffer[i] = (UCHAR)(i / 7);
    }
    Mdl = IoAllocateMdl(Buffer + PAGE_SIZE + 5, PAGE_SIZE, FALSE, FALSE, NULL);
    Again = IoAllocateMdl(Buffer + PAGE_SIZE, 10, FALSE, FALSE, NULL);
    EXPECT("mdl-paged", Mdl != NULL && Again != NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoModifyAccess);
    MmProbeAndLockPages(Again, KernelMode, IoReadAccess);
    EXPECT("mdl-paged", Mdl->MdlFlags & MDL_PAGES_LOCKED);
    Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    EXPECT("mdl-paged", Mapped != NULL && (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));

    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    for (i = 0; i < PAGE_SIZE; i++) {
        Same = Same && Mapped[i] == (UCHAR)((i + PAGE_SIZE + 5) / 7);
        Mapped[i] = (UCHAR)~Mapped[i];
    }
    Neighbour = MmIsAddressValid(Buffer + 3 * PAGE_SIZE);
    KeLowerIrql(Irql);
    EXPECT("mdl-paged", Same);
    EXPECT("mdl-paged", !Neighbour); /* nobody locked it, so it left */

    /* The same memory, not a copy. */
    for (i = 0; i < PAGE_SIZE; i++) {
        Same = Same && Buffer[i + PAGE_SIZE + 5] == (UCHAR) ~((i + PAGE_SIZE + 5) / 7);
    }
    EXPECT("mdl-paged", Same);
    EXPECT("mdl-paged", Buffer[3 * PAGE_SIZE] == (UCHAR)(3 * PAGE_SIZE / 7));

    /* The page that is locked twice stays until both are undone. */
    MmUnlockPages(Mdl);
    EXPECT("mdl-paged", !(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA)));
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Same = MmIsAddressValid(Buffer + PAGE_SIZE) && !MmIsAddressValid(Buffer + 2 * PAGE_SIZE);
    KeLowerIrql(Irql);
    EXPECT("mdl-paged", Same);
    MmUnlockPages(Again);
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    Same = !MmIsAddressValid(Buffer + PAGE_SIZE);
    KeLowerIrql(Irql);
    EXPECT("mdl-paged", Same);
    IoFreeMdl(Mdl);
    IoFreeMdl(Again);
    ExFreePoolWithTag(Buffer, PROBE_TAG);
    return TRUE;
}

BOOLEAN ProbeMdlPartial(void)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, 4 * PAGE_SIZE, PROBE_TAG);
    PMDL Source = IoAllocateMdl(Buffer, 4 * PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL Target = IoAllocateMdl(Buffer, 2 * PAGE_SIZE, FALSE, FALSE, NULL);

    EXPECT("mdl-partial", Buffer && Source && Target);
    MmBuildMdlForNonPagedPool(Source);
    IoBuildPartialMdl(Source, Target, Buffer + PAGE_SIZE + 8, PAGE_SIZE);
    EXPECT("mdl-partial", MmGetMdlByteCount(Target) == PAGE_SIZE);
    EXPECT("mdl-partial", MmGetMdlVirtualAddress(Target) == Buffer + PAGE_SIZE + 8);
    EXPECT("mdl-partial", Target->MdlFlags & MDL_PARTIAL);
    EXPECT("mdl-partial", MmGetMdlPfnArray(Target)[0] == MmGetMdlPfnArray(Source)[1]);
    EXPECT("mdl-partial",
           MmGetSystemAddressForMdlSafe(Target, NormalPagePriority) == Buffer + PAGE_SIZE + 8);
    IoFreeMdl(Target);

    /* Of a locked and mapped one; 0 bytes: to its end. */
    Target = IoAllocateMdl(Buffer, 2 * PAGE_SIZE, FALSE, FALSE, NULL);
    IoFreeMdl(Source);
    Source = IoAllocateMdl(Buffer, 4 * PAGE_SIZE, FALSE, FALSE, NULL);
    EXPECT("mdl-partial", Source && Target);
    MmProbeAndLockPages(Source, KernelMode, IoWriteAccess);
    IoBuildPartialMdl(Source, Target, Buffer + 3 * PAGE_SIZE, 0);
    EXPECT("mdl-partial", MmGetMdlByteCount(Target) == PAGE_SIZE);
    EXPECT("mdl-partial", !(Target->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    EXPECT("mdl-partial",
           MmGetSystemAddressForMdlSafe(Target, NormalPagePriority) == Buffer + 3 * PAGE_SIZE);
    MmUnlockPages(Source);
    IoFreeMdl(Target);
    IoFreeMdl(Source);
    ExFreePoolWithTag(Buffer, PROBE_TAG);
    return TRUE;
}

BOOLEAN ProbePagesForMdl(void)
{
    PHYSICAL_ADDRESS Low, High, Skip;
    PUCHAR Address;
    PMDL Mdl;

    Low.QuadPart = 0;
    Skip.QuadPart = 0;
    High.QuadPart = 0xffffffff;
    Mdl = MmAllocatePagesForMdl(Low, High, Skip, 3 * PAGE_SIZE - 1);
    EXPECT("pages-for-mdl", Mdl != NULL && MmGetMdlByteCount(Mdl) == 3 * PAGE_SIZE);
    EXPECT("pages-for-mdl", MmGetMdlPfnArray(Mdl)[2] <= 0xfffff);
    Address =
        MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    EXPECT("pages-for-mdl", Address != NULL && Address[0] == 0 && Address[3 * PAGE_SIZE - 1] == 0);
    Address[3 * PAGE_SIZE - 1] = 1;
    MmUnmapLockedPages(Address, Mdl);
    EXPECT("pages-for-mdl", !(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
    High.QuadPart = 0; /* nothing lies there */
    EXPECT("pages-for-mdl", MmAllocatePagesForMdl(Low, High, Skip, PAGE_SIZE) == NULL);
    return TRUE;
}

/* ---- mistakes ---- */

static UCHAR Static[16];

void MistakeUnlock(void)
{
    PMDL Mdl = IoAllocateMdl(Static, sizeof(Static), FALSE, FALSE, NULL);

    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    MmUnlockPages(Mdl);
    MmUnlockPages(Mdl);
}

void MistakePartial(void)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(NonPagedPool, 4 * PAGE_SIZE, PROBE_TAG);
    PMDL Source = IoAllocateMdl(Buffer, 4 * PAGE_SIZE, FALSE, FALSE, NULL);
    PMDL Target = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);

    MmBuildMdlForNonPagedPool(Source);
    IoBuildPartialMdl(Source, Target, Buffer, 2 * PAGE_SIZE);
}

void MistakeUnmap(void)
{
    PMDL Mdl = IoAllocateMdl(Static, sizeof(Static), FALSE, FALSE, NULL);

    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    MmUnmapLockedPages(Static, Mdl);
}

void MistakeUnmapElsewhere(void)
{
    PMDL Mdl = IoAllocateMdl(Static, sizeof(Static), FALSE, FALSE, NULL);
    PUCHAR Mapped;

    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    Mapped = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority);
    MmUnmapLockedPages(Mapped + 1, Mdl);
}

void MistakeMapUnlocked(void)
{
    PMDL Mdl = IoAllocateMdl(Static, sizeof(Static), FALSE, FALSE, NULL);

    MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
}

/* Addresses at which nothing is: an exception that nobody takes. */
void MistakeLockFreed(void)
{
    PMDL Mdl = IoAllocateMdl((PVOID)0x7fff0000, 16, FALSE, FALSE, NULL);

    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
}

/* Paged pool that is out cannot come in for a lock at DISPATCH_LEVEL. */
void MistakeLockAtDispatch(void)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, PROBE_TAG);
    PMDL Mdl = IoAllocateMdl(Buffer, 16, FALSE, FALSE, NULL);
    KIRQL Irql;

    Buffer[0] = 1;
    KeRaiseIrql(DISPATCH_LEVEL, &Irql);
    MmProbeAndLockPages(Mdl, KernelMode, IoReadAccess);
    KeLowerIrql(Irql);
}
