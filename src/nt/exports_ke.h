/* SPDX-License-Identifier: MIT */
/* Exports of the kernel family: IRQL, spin locks, dispatcher objects, DPCs, timers. */
#ifndef PAGABLE_NT_EXPORTS_KE_H
#define PAGABLE_NT_EXPORTS_KE_H

#define NT_EXPORTS_KE(X)                                                                           \
    X(KeAcquireInStackQueuedSpinLock, NTOS, DONE, DISPATCH_LEVEL, 2)                               \
    X(KeAcquireInStackQueuedSpinLockAtDpcLevel, NTOS, DONE, HIGH_LEVEL, 2)                         \
    X(KeAcquireSpinLockAtDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                                      \
    X(KeAcquireSpinLockForDpc, NTOS, DONE, DISPATCH_LEVEL, 1)                                      \
    X(KeAcquireSpinLockRaiseToDpc, NTOS, DONE, DISPATCH_LEVEL, 1)                                  \
    X(KeAreAllApcsDisabled, NTOS, DONE, HIGH_LEVEL, 0)                                             \
    X(KeAreApcsDisabled, NTOS, DONE, HIGH_LEVEL, 0)                                                \
    X(KeBugCheck, NTOS, DONE, HIGH_LEVEL, 1)                                                       \
    X(KeBugCheckEx, NTOS, DONE, HIGH_LEVEL, 5)                                                     \
    X(KeCancelTimer, NTOS, DONE, DISPATCH_LEVEL, 1)                                                \
    X(KeClearEvent, NTOS, DONE, DISPATCH_LEVEL, 1)                                                 \
    X(KeDelayExecutionThread, NTOS, DONE, APC_LEVEL, 3)                                            \
    X(KeEnterCriticalRegion, NTOS, DONE, APC_LEVEL, 0)                                             \
    X(KeEnterGuardedRegion, NTOS, DONE, APC_LEVEL, 0)                                              \
    X(KeFlushQueuedDpcs, NTOS, DONE, PASSIVE_LEVEL, 0)                                             \
    X(KeGetCurrentIrql, NTOS, DONE, HIGH_LEVEL, 0)                                                 \
    X(KeGetCurrentProcessorNumberEx, NTOS, DONE, HIGH_LEVEL, 1)                                    \
    X(KeGetCurrentThread, NTOS, DONE, DISPATCH_LEVEL, 0)                                           \
    X(KeInitializeDpc, NTOS, DONE, HIGH_LEVEL, 3)                                                  \
    X(KeInitializeEvent, NTOS, DONE, HIGH_LEVEL, 3)                                                \
    X(KeInitializeMutex, NTOS, DONE, HIGH_LEVEL, 2)                                                \
    X(KeInitializeSemaphore, NTOS, DONE, HIGH_LEVEL, 3)                                            \
    X(KeInitializeSpinLock, NTOS, DONE, HIGH_LEVEL, 1)                                             \
    X(KeInitializeThreadedDpc, NTOS, DONE, HIGH_LEVEL, 3)                                          \
    X(KeInitializeTimer, NTOS, DONE, DISPATCH_LEVEL, 1)                                            \
    X(KeInitializeTimerEx, NTOS, DONE, DISPATCH_LEVEL, 2)                                          \
    X(KeInsertQueueDpc, NTOS, DONE, HIGH_LEVEL, 3)                                                 \
    X(KeLeaveCriticalRegion, NTOS, DONE, APC_LEVEL, 0)                                             \
    X(KeLeaveGuardedRegion, NTOS, DONE, APC_LEVEL, 0)                                              \
    X(KeLowerIrql, NTOS, DONE, HIGH_LEVEL, 1)                                                      \
    X(KePulseEvent, NTOS, DONE, DISPATCH_LEVEL, 3)                                                 \
    X(KeQueryActiveProcessorCount, NTOS, DONE, DISPATCH_LEVEL, 1)                                  \
    X(KeQueryActiveProcessorCountEx, NTOS, DONE, DISPATCH_LEVEL, 1)                                \
    X(KeQueryActiveProcessors, NTOS, DONE, HIGH_LEVEL, 0)                                          \
    X(KeQueryInterruptTime, NTOS, DONE, HIGH_LEVEL, 0)                                             \
    X(KeQueryMaximumProcessorCount, NTOS, DONE, HIGH_LEVEL, 0)                                     \
    X(KeQueryPerformanceCounter, NTOS, DONE, HIGH_LEVEL, 1)                                        \
    X(KeQueryPriorityThread, NTOS, DONE, DISPATCH_LEVEL, 1)                                        \
    X(KeQuerySystemTime, NTOS, DONE, HIGH_LEVEL, 1)                                                \
    X(KeQuerySystemTimePrecise, NTOS, DONE, HIGH_LEVEL, 1)                                         \
    X(KeQueryTickCount, NTOS, DONE, HIGH_LEVEL, 1)                                                 \
    X(KeQueryTimeIncrement, NTOS, DONE, HIGH_LEVEL, 0)                                             \
    X(KeRaiseIrqlToDpcLevel, NTOS, DONE, DISPATCH_LEVEL, 0)                                        \
    X(KeReadStateEvent, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(KeReadStateMutex, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(KeReadStateSemaphore, NTOS, DONE, DISPATCH_LEVEL, 1)                                         \
    X(KeReadStateTimer, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(KeReleaseInStackQueuedSpinLock, NTOS, DONE, DISPATCH_LEVEL, 1)                               \
    X(KeReleaseInStackQueuedSpinLockFromDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                       \
    X(KeReleaseMutex, NTOS, DONE, DISPATCH_LEVEL, 2)                                               \
    X(KeReleaseSemaphore, NTOS, DONE, DISPATCH_LEVEL, 4)                                           \
    X(KeReleaseSpinLock, NTOS, DONE, DISPATCH_LEVEL, 2)                                            \
    X(KeReleaseSpinLockForDpc, NTOS, DONE, DISPATCH_LEVEL, 2)                                      \
    X(KeReleaseSpinLockFromDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                                    \
    X(KeRemoveQueueDpc, NTOS, DONE, HIGH_LEVEL, 1)                                                 \
    X(KeResetEvent, NTOS, DONE, DISPATCH_LEVEL, 1)                                                 \
    X(KeSetBasePriorityThread, NTOS, DONE, DISPATCH_LEVEL, 2)                                      \
    X(KeSetEvent, NTOS, DONE, DISPATCH_LEVEL, 3)                                                   \
    X(KeSetImportanceDpc, NTOS, DONE, HIGH_LEVEL, 2)                                               \
    X(KeSetPriorityThread, NTOS, DONE, DISPATCH_LEVEL, 2)                                          \
    X(KeSetTargetProcessorDpc, NTOS, DONE, HIGH_LEVEL, 2)                                          \
    X(KeSetTimer, NTOS, DONE, DISPATCH_LEVEL, 3)                                                   \
    X(KeSetTimerEx, NTOS, DONE, DISPATCH_LEVEL, 4)                                                 \
    X(KeStallExecutionProcessor, HAL, DONE, HIGH_LEVEL, 1)                                         \
    X(KeTestSpinLock, NTOS, DONE, HIGH_LEVEL, 1)                                                   \
    X(KeTryToAcquireSpinLockAtDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                                 \
    X(KeWaitForMultipleObjects, NTOS, DONE, DISPATCH_LEVEL, 8)                                     \
    X(KeWaitForMutexObject, NTOS, DONE, DISPATCH_LEVEL, 5)                                         \
    X(KeWaitForSingleObject, NTOS, DONE, DISPATCH_LEVEL, 5)                                        \
    X(KfRaiseIrql, NTOS, DONE, HIGH_LEVEL, 1)

#define NT_DATA_EXPORTS_KE(X)                                                                      \
    X(KeNumberProcessors, 8)                                                                       \
    X(KeTickCount, 16)

#endif
