/* SPDX-License-Identifier: MIT */
/* What the files of ex_probe.sys share. */
#ifndef EX_PROBE_H
#define EX_PROBE_H

#include <ntifs.h>
#include <ntddk.h>
#include <stdarg.h>

#define PROBE_TAG 'borP'

/* One line of the test's output. */
#define Say(...) DbgPrint("probe: " __VA_ARGS__)

typedef VOID probe_routine(VOID);

probe_routine ProbeImage; /* ex_probe.c */
probe_routine ProbeFile;  /* probe_library.c */

extern PDRIVER_OBJECT ProbeDriver;
extern UNICODE_STRING ProbeRegistryPath;

/* Runs a routine in a system thread and waits for its end. */
VOID ProbeInThread(PKSTART_ROUTINE Routine, PVOID Context);
/* A started thread, referenced. */
PKTHREAD ProbeStart(PKSTART_ROUTINE Routine, PVOID Context);
VOID ProbeJoin(PKTHREAD Thread);
VOID ProbeSleep(ULONG Milliseconds);

probe_routine ProbePrint, ProbePool, ProbeRegistry, ProbeQuery, ProbeNames,
    ProbeVersions; /* probe_library.c */
probe_routine ProbeFastMutex, ProbeGuardedMutex, ProbeResource, ProbeStarve, ProbeRundown,
    ProbeWork, ProbeCallback, ProbeLookaside, ProbeThreads, ProbeSpin,
    ProbeEvents;                          /* probe_sync.c */
probe_routine ProbeSections, ProbeEntire; /* probe_section.c */

/* probe_mistake.c, probe_section.c */
probe_routine MistakeReleaseUnowned, MistakeConvertUnowned, MistakeWorkItemIrql, MistakeQueueTwice,
    MistakeThreadIrql, MistakeThreadRegion, MistakeBreak, MistakeAssert, MistakeRaise,
    MistakeProbeRead, MistakeProbeAlign, MistakeReaderLock, MistakeReleaseReader, MistakeWaitInDpc,
    MistakeUnregister, MistakeOwnerPointer;
probe_routine MistakeLockNothing, MistakeLockStack, MistakeUnderflow, MistakeBadHandle,
    MistakeUnlockBadHandle, MistakeEntireNothing, MistakeResetNothing, MistakeLockNonpaged,
    MistakeLockAtDispatch, MistakeLockDiscarded;

#endif
