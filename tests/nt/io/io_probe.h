/* SPDX-License-Identifier: MIT */
/*
 * What io_probe.sys is made of: each check is a routine that runs in the requester's thread and
 * prints "NAME ok", or "NAME: line N: EXPRESSION" for the first thing that is not as documented.
 */
#ifndef IO_PROBE_H
#define IO_PROBE_H

#include <ntddk.h>

#define PROBE_TAG 'borP'

extern PDRIVER_OBJECT ProbeDriver;
extern PDEVICE_OBJECT ProbeBottom; /* does what the control code says, see enum probe_order */

/* Function numbers of internal controls to ProbeBottom. */
enum probe_order {
    ProbeSucceed = 0x900, /* completes at once; Information 7 */
    ProbeFail,            /* completes at once with STATUS_UNSUCCESSFUL */
    ProbePendDpc,         /* completes from a DPC; Information 5 */
    ProbePendCancelable,  /* completes only when it is cancelled */
    ProbePendForever,     /* cannot be cancelled; ProbeReleaseForever completes it */
    ProbeForget,          /* returns success without completing */
    ProbeUnmarkedPending, /* returns STATUS_PENDING for a completed packet that it did not mark */
    ProbeMarkedSuccess,   /* marks it pending, completes it and returns success */
};
#define PROBE_ORDER(function)                                                                      \
    CTL_CODE(FILE_DEVICE_UNKNOWN, function, METHOD_BUFFERED, FILE_ANY_ACCESS)

void ProbeReleaseForever(void);
NTSTATUS ProbeComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/* A check ends at the first surprise; false: it was printed. */
#define EXPECT(name, condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            DbgPrint("%s: line %d: %s\n", name, __LINE__, #condition);                             \
            return FALSE;                                                                          \
        }                                                                                          \
    } while (0)

typedef BOOLEAN probe_check(void);
probe_check ProbeBuild, ProbeCompletionOrder, ProbeForward, ProbeAssociated, ProbeCancel,
    ProbeReuse;
probe_check ProbeMdl, ProbeMdlPaged, ProbeMdlPartial, ProbePagesForMdl;
probe_check ProbeWorkItem, ProbeTimer, ProbeDeviceQueue, ProbeStartIo, ProbeRemoveLock, ProbeCsq;
probe_check ProbeNames, ProbeAttach, ProbePointer, ProbeExtension, ProbeShare, ProbePower,
    ProbeStream, ProbeNotify;

/* Mistakes: each brings the computer down. */
typedef void probe_mistake(void);
probe_mistake MistakeCompleteTwice, MistakeNoStack, MistakeUseFreed, MistakeCancelCompleted;
probe_mistake MistakeUnlock, MistakePartial, MistakeUnmap, MistakeMapUnlocked,
    MistakeUnmapElsewhere;
probe_mistake MistakeFreeQueued, MistakeQueueTwice, MistakeDeleteTwice, MistakeDeletedDevice;
probe_mistake MistakeNoCompletionRoutine, MistakeLockFreed, MistakeLockAtDispatch,
    MistakeRemoveLock;
probe_mistake MistakeBadFile, MistakeStartTimer, MistakeWorkItemIrql, MistakeProperty;

#endif
