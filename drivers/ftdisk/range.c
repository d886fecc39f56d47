/* SPDX-License-Identifier: MIT */
/*
 * Ranges of a volume that are being changed.
 *
 * Two writes that overlap are done one after the other, in the order of their arrival: an unaligned
 * one reads, changes and writes whole sectors, the copies of a mirror must get them in the same
 * order, and what resynchronisation copies must stand still meanwhile.  A range waits for every
 * earlier one that it overlaps, held or not, so nobody waits for ever.
 *
 * Resident: completion leaves ranges at DISPATCH_LEVEL.
 */
#include "ftdisk.h"

/* With the volume's lock held: no earlier range overlaps this one. */
static BOOLEAN IsFirst(const struct ft_volume *Volume, const struct ft_range *Range)
{
    const LIST_ENTRY *Link = Volume->Ranges.Flink;

    for (; Link != &Range->Link; Link = Link->Flink) {
        const struct ft_range *Earlier = CONTAINING_RECORD(Link, struct ft_range, Link);

        if (Earlier->First < Range->End && Range->First < Earlier->End) {
            return FALSE;
        }
    }
    return TRUE;
}

BOOLEAN FtEnterRange(struct ft_volume *Volume, struct ft_range *Range)
{
    BOOLEAN Held;
    KIRQL Irql;

    KeAcquireSpinLock(&Volume->Lock, &Irql);
    InsertTailList(&Volume->Ranges, &Range->Link);
    Held = IsFirst(Volume, Range);
    Range->Held = Held;
    KeReleaseSpinLock(&Volume->Lock, Irql);
    return Held;
}

/* With the volume's lock held: the first range that waits for nothing any more. */
static struct ft_range *NextToGrant(const struct ft_volume *Volume)
{
    LIST_ENTRY *Link = Volume->Ranges.Flink;

    for (; Link != &Volume->Ranges; Link = Link->Flink) {
        struct ft_range *Range = CONTAINING_RECORD(Link, struct ft_range, Link);

        if (!Range->Held && IsFirst(Volume, Range)) {
            return Range;
        }
    }
    return NULL;
}

/*
 * Whoever is granted a range may be done with it before Granted returns, and leave it.  Only the
 * outermost call grants; one that comes meanwhile, from below or from another processor, leaves its
 * range to be found by the loop.
 */
VOID FtLeaveRange(struct ft_volume *Volume, struct ft_range *Range)
{
    struct ft_range *Next;
    KIRQL Irql;

    KeAcquireSpinLock(&Volume->Lock, &Irql);
    RemoveEntryList(&Range->Link);
    if (Volume->Granting) {
        KeReleaseSpinLock(&Volume->Lock, Irql);
        return;
    }
    Volume->Granting = TRUE;
    while ((Next = NextToGrant(Volume)) != NULL) {
        Next->Held = TRUE;
        KeReleaseSpinLock(&Volume->Lock, Irql);
        Next->Granted(Next);
        KeAcquireSpinLock(&Volume->Lock, &Irql);
    }
    Volume->Granting = FALSE;
    KeReleaseSpinLock(&Volume->Lock, Irql);
}
