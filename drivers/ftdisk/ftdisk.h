/* SPDX-License-Identifier: MIT */
/*
 * ftdisk: mirror sets, stripe sets and volume sets over several disks.
 *
 * What lies where, and why:
 *
 *     .text     whatever a read or write passes through, whatever the kind of its set: the paging
 * file may lie on a volume, and completion runs at DISPATCH_LEVEL.   dispatch.c request.c range.c
 * member.c PAGEmirr  what only mirrors need       mirror.c resync.c PAGEstrp  what only stripes
 * need       stripe.c PAGEvolm  what only volume sets need   volume.c PAGE      configuration,
 * usage         control.c set.c usage.c INIT      DriverEntry, the registry    entry.c
 *
 * A PAGExxxx section of a kind is locked while at least one set of that kind is configured, and
 * pageable memory otherwise: a computer that has only mirrors never has a page for stripes.  The
 * order is always the same: the section is locked before a set of its kind can be seen, and
 * unlocked when the last one is gone and the last request on it has left.  "Left" is the delicate
 * word.  A routine in the section must not be what says "I was the last", because it is still
 * running when it says so; hence the routines that the I/O manager calls are all resident, call
 * into the section, and give the volume back after that call has returned (FtMemberCompletion,
 * FtReadWrite).
 */
#ifndef FTDISK_H
#define FTDISK_H

#include <ntddk.h>
#include <ntdddisk.h>

#include "ftioctl.h"

#define FT_TAG          0x6b734446u /* "FDsk" */
#define FT_SECTOR       512u
#define FT_REGION_BYTES 65536u
#define FT_NO_MEMBER    MAXULONG

struct ft_volume;
struct ft_request;
struct ft_child;

/* ---- ranges: writes that overlap go one after the other (range.c) ---- */

struct ft_range {
    LIST_ENTRY Link; /* of the volume's list, in the order of arrival */
    ULONG64 First, End;
    BOOLEAN Held;
    VOID (*Granted)(struct ft_range *Range); /* at any IRQL <= DISPATCH_LEVEL; may free the range */
};

/* TRUE: the range is held now; FALSE: Granted is called when it is. */
BOOLEAN FtEnterRange(struct ft_volume *Volume, struct ft_range *Range);
VOID FtLeaveRange(struct ft_volume *Volume, struct ft_range *Range);

/* ---- sets ---- */

struct ft_member {
    ULONG Disk;
    PFILE_OBJECT File; /* keeps the disk's device; NULL: not open */
    PDEVICE_OBJECT Device;
    ULONG64 Offset, Length; /* what part of the disk */
    LONG Errors;
    /* Mirrors only, under the volume's lock. */
    ULONG State;
    RTL_BITMAP Dirty; /* a bit for each region that this member misses */
};

/* The device extension of \Device\FtDiskN. */
struct ft_volume {
    LIST_ENTRY Link; /* of FtVolumes, by number */
    PDEVICE_OBJECT Device;
    const struct ft_kind *Kind;
    ULONG Number;
    ULONG ChunkBytes;
    ULONG64 Bytes;
    ULONG MemberCount;
    struct ft_member Member[FT_MEMBERS_MAX];
    CCHAR StackSize; /* that a packet for any member needs */
    BOOLEAN Linked;  /* \DosDevices\FtDiskN is there */
    LONG Uses[DeviceUsageTypeDumpFile + 1];

    IO_REMOVE_LOCK RemoveLock; /* one acquisition for each request under way */
    KSPIN_LOCK Lock;           /* guards what follows, and what ft_member says */
    LIST_ENTRY Ranges;
    BOOLEAN Granting;
    ULONG NextReader;
    BOOLEAN Resyncing; /* the thread is at work */
    BOOLEAN Stopping;
    PVOID ResyncThread; /* under FtConfigurationLock */
};

/* Where part of a request's data lies: on the volume and in memory. */
struct ft_segment {
    ULONG64 Offset;
    ULONG Length;
    PMDL Mdl;
    ULONG MdlOffset;
};

/*
 * One request to a volume.  What does not begin or end with a sector goes through Edges, two
 * sectors of its own: read from the members before (a write) or copied to the requester after (a
 * read).
 */
struct ft_request {
    struct ft_range Range;
    struct ft_volume *Volume;
    PIRP Irp;
    UCHAR Major;   /* IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS */
    UCHAR Sending; /* the major function of the step under way */
    UCHAR StackFlags;
    BOOLEAN ReadingEdges;
    ULONG64 Offset; /* as asked */
    ULONG Length;
    PUCHAR User; /* the requester's buffer in system space; unaligned requests only */
    struct ft_segment Segment[3];
    ULONG SegmentCount;
    PMDL EdgeMdl;
    struct ft_child *Children, *LastChild; /* made and not yet sent */
    LONG Pending; /* children that are not done, and the one who sends them */
    NTSTATUS Status;
    LONG Members; /* mirrors: who gets this write, a bit each */
    LONG Failed;  /* ... and did not take it */
    NTSTATUS MemberStatus;
    UCHAR Edges[2 * FT_SECTOR]; /* last: not there in an aligned request */
};

/* A part of a request that goes to one member, in a packet of our own. */
struct ft_child {
    struct ft_child *Next;
    struct ft_request *Request;
    PIRP Irp;
    PMDL Mdl;
    ULONG Member;
    ULONG64 Offset; /* on the member */
    ULONG Length;
    LONG Tried; /* mirrors: members that could not read it, a bit each */
};

/* ---- kinds of sets: mirror.c, stripe.c, volume.c ---- */

struct ft_kind {
    PVOID SectionAddress; /* of any routine in the kind's section */
    ULONG MembersMin;
    /* Sets the volume's size and makes what the kind keeps, which Destroy (NULL: nothing) takes
     * back, also after a Create that failed.  PASSIVE_LEVEL. */
    NTSTATUS (*Create)(struct ft_volume *Volume);
    VOID (*Destroy)(struct ft_volume *Volume);
    /* The rest runs up to DISPATCH_LEVEL.  Begin and Finish may be NULL. */
    VOID (*Begin)(struct ft_request *Request);
    NTSTATUS (*Split)(struct ft_request *Request, const struct ft_segment *Segment);
    /* A member is done with a child.  TRUE: send it again, it was given another member. */
    BOOLEAN (*Done)(struct ft_child *Child, NTSTATUS Status);
    /* A write or flush is through with all members: the verdict. */
    VOID (*Finish)(struct ft_request *Request);
};

extern const struct ft_kind FtMirrorKind, FtStripeKind, FtVolumeSetKind;

/* ---- request.c ---- */

NTSTATUS FtStartTransfer(struct ft_volume *Volume, PIRP Irp);
NTSTATUS FtStartFlush(struct ft_volume *Volume, PIRP Irp);
/* For Split: a part of a segment for a member. */
NTSTATUS FtAddChild(struct ft_request *Request, ULONG Member, ULONG64 MemberOffset,
                    const struct ft_segment *Segment, ULONG SegmentOffset, ULONG Length);
/* For Done: the first error of any member is the request's. */
VOID FtNoteError(struct ft_child *Child, NTSTATUS Status);
NTSTATUS FtCompleteIrp(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/* ---- member.c ---- */

/* Send a packet whose next stack location is filled in, and wait for it; it stays the caller's.  At
 * IRQL <= APC_LEVEL. */
NTSTATUS FtSendAndWait(PDEVICE_OBJECT Device, PIRP Irp);
NTSTATUS FtTransferAndWait(struct ft_volume *Volume, ULONG Member, UCHAR Major, ULONG64 Offset,
                           PMDL Mdl, ULONG Length);

/* ---- set.c: at PASSIVE_LEVEL, FtConfigurationLock held ---- */

extern KMUTEX FtConfigurationLock;
extern LIST_ENTRY FtVolumes;
extern PDRIVER_OBJECT FtDriverObject;
extern PDEVICE_OBJECT FtControlDevice;

VOID FtLockConfiguration(VOID);
VOID FtUnlockConfiguration(VOID);
NTSTATUS FtCreateSet(const struct ft_create *Create, ULONG *Number);
VOID FtDeleteSet(struct ft_volume *Volume);
struct ft_volume *FtFindSet(ULONG Number);

/* ---- control.c, usage.c ---- */

NTSTATUS FtConfigure(PIRP Irp);
NTSTATUS FtAskVolume(struct ft_volume *Volume, PIRP Irp);
/* Whether a special file lies on it. */
BOOLEAN FtIsInUse(const struct ft_volume *Volume);

/* ---- mirror.c, resync.c ---- */

VOID FtMirrorQuery(struct ft_volume *Volume, struct ft_set_status *Status);
ULONG FtMirrorChooseReader(struct ft_volume *Volume, LONG Tried);
/* Makes all members like the first, in the background. */
VOID FtMirrorCopyFirst(struct ft_volume *Volume);
/* Brings a stale member up to date in the background. */
NTSTATUS FtMirrorResync(struct ft_volume *Volume, ULONG Member);
/* Ends the thread that does so, and waits for its end. */
VOID FtMirrorStopResync(struct ft_volume *Volume);

/* ---- dispatch.c ---- */

DRIVER_DISPATCH FtOpenClose, FtReadWrite, FtFlush, FtDeviceControl, FtPnp, FtPower;

#endif
