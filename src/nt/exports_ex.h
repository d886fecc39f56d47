/* SPDX-License-Identifier: MIT */
/*
 * Exports of the executive and its neighbours: pool, executive synchronization, memory management,
 * objects, processes, run-time library, registry, debugger text, hardware abstraction.
 */
#ifndef PAGABLE_NT_EXPORTS_EX_H
#define PAGABLE_NT_EXPORTS_EX_H

#define NT_EXPORTS_EX(X)                                                                           \
    X(DbgBreakPoint, NTOS, DONE, HIGH_LEVEL, 0)                                                    \
    X(DbgBreakPointWithStatus, NTOS, DONE, HIGH_LEVEL, 1)                                          \
    X(DbgPrint, NTOS, DONE, SYNCH_LEVEL, 255)                                                      \
    X(DbgPrintEx, NTOS, DONE, SYNCH_LEVEL, 255)                                                    \
    X(DbgPrintReturnControlC, NTOS, DONE, SYNCH_LEVEL, 255)                                        \
    X(DbgQueryDebugFilterState, NTOS, DONE, HIGH_LEVEL, 2)                                         \
    X(ExAcquireFastMutex, NTOS, DONE, APC_LEVEL, 1)                                                \
    X(ExAcquireFastMutexUnsafe, NTOS, DONE, APC_LEVEL, 1)                                          \
    X(ExAcquireResourceExclusiveLite, NTOS, DONE, APC_LEVEL, 2)                                    \
    X(ExAcquireResourceSharedLite, NTOS, DONE, APC_LEVEL, 2)                                       \
    X(ExAcquireRundownProtection, NTOS, DONE, DISPATCH_LEVEL, 1)                                   \
    X(ExAcquireRundownProtectionCacheAware, NTOS, DONE, DISPATCH_LEVEL, 1)                         \
    X(ExAcquireRundownProtectionCacheAwareEx, NTOS, DONE, DISPATCH_LEVEL, 2)                       \
    X(ExAcquireRundownProtectionEx, NTOS, DONE, DISPATCH_LEVEL, 2)                                 \
    X(ExAcquireSharedStarveExclusive, NTOS, DONE, APC_LEVEL, 2)                                    \
    X(ExAcquireSharedWaitForExclusive, NTOS, DONE, APC_LEVEL, 2)                                   \
    X(ExAcquireSpinLockExclusive, NTOS, DONE, DISPATCH_LEVEL, 1)                                   \
    X(ExAcquireSpinLockExclusiveAtDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                             \
    X(ExAcquireSpinLockShared, NTOS, DONE, DISPATCH_LEVEL, 1)                                      \
    X(ExAcquireSpinLockSharedAtDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                                \
    X(ExAllocateCacheAwareRundownProtection, NTOS, DONE, APC_LEVEL, 2)                             \
    X(ExAllocatePool, NTOS, DONE, DISPATCH_LEVEL, 2)                                               \
    X(ExAllocatePool2, NTOS, DONE, DISPATCH_LEVEL, 3)                                              \
    X(ExAllocatePool3, NTOS, DONE, DISPATCH_LEVEL, 5)                                              \
    X(ExAllocatePoolPriorityUninitialized, NTOS, DONE, DISPATCH_LEVEL, 4)                          \
    X(ExAllocatePoolPriorityZero, NTOS, DONE, DISPATCH_LEVEL, 4)                                   \
    X(ExAllocatePoolQuotaUninitialized, NTOS, DONE, DISPATCH_LEVEL, 3)                             \
    X(ExAllocatePoolQuotaZero, NTOS, DONE, DISPATCH_LEVEL, 3)                                      \
    X(ExAllocatePoolUninitialized, NTOS, DONE, DISPATCH_LEVEL, 3)                                  \
    X(ExAllocatePoolWithQuota, NTOS, DONE, DISPATCH_LEVEL, 2)                                      \
    X(ExAllocatePoolWithQuotaTag, NTOS, DONE, DISPATCH_LEVEL, 3)                                   \
    X(ExAllocatePoolWithTag, NTOS, DONE, DISPATCH_LEVEL, 3)                                        \
    X(ExAllocatePoolWithTagPriority, NTOS, DONE, DISPATCH_LEVEL, 4)                                \
    X(ExAllocatePoolZero, NTOS, DONE, DISPATCH_LEVEL, 3)                                           \
    X(ExConvertExclusiveToSharedLite, NTOS, DONE, APC_LEVEL, 1)                                    \
    X(ExCreateCallback, NTOS, DONE, APC_LEVEL, 4)                                                  \
    X(ExDeleteLookasideListEx, NTOS, DONE, DISPATCH_LEVEL, 1)                                      \
    X(ExDeleteNPagedLookasideList, NTOS, DONE, DISPATCH_LEVEL, 1)                                  \
    X(ExDeletePagedLookasideList, NTOS, DONE, APC_LEVEL, 1)                                        \
    X(ExDeleteResourceLite, NTOS, DONE, APC_LEVEL, 1)                                              \
    X(ExEnterCriticalRegionAndAcquireResourceExclusive, NTOS, DONE, APC_LEVEL, 1)                  \
    X(ExEnterCriticalRegionAndAcquireResourceShared, NTOS, DONE, APC_LEVEL, 1)                     \
    X(ExFlushLookasideListEx, NTOS, DONE, DISPATCH_LEVEL, 1)                                       \
    X(ExFreeCacheAwareRundownProtection, NTOS, DONE, APC_LEVEL, 1)                                 \
    X(ExFreePool, NTOS, DONE, DISPATCH_LEVEL, 1)                                                   \
    X(ExFreePoolWithTag, NTOS, DONE, DISPATCH_LEVEL, 2)                                            \
    X(ExGetExclusiveWaiterCount, NTOS, DONE, DISPATCH_LEVEL, 1)                                    \
    X(ExGetPreviousMode, NTOS, DONE, DISPATCH_LEVEL, 0)                                            \
    X(ExGetSharedWaiterCount, NTOS, DONE, DISPATCH_LEVEL, 1)                                       \
    X(ExInitializeLookasideListEx, NTOS, DONE, DISPATCH_LEVEL, 8)                                  \
    X(ExInitializeNPagedLookasideList, NTOS, DONE, DISPATCH_LEVEL, 7)                              \
    X(ExInitializePagedLookasideList, NTOS, DONE, APC_LEVEL, 7)                                    \
    X(ExInitializeResourceLite, NTOS, DONE, DISPATCH_LEVEL, 1)                                     \
    X(ExInitializeRundownProtection, NTOS, DONE, APC_LEVEL, 1)                                     \
    X(ExInitializeRundownProtectionCacheAware, NTOS, DONE, APC_LEVEL, 2)                           \
    X(ExInterlockedAddLargeInteger, NTOS, DONE, HIGH_LEVEL, 3)                                     \
    X(ExInterlockedAddUlong, NTOS, DONE, HIGH_LEVEL, 3)                                            \
    X(ExInterlockedInsertHeadList, NTOS, DONE, HIGH_LEVEL, 3)                                      \
    X(ExInterlockedInsertTailList, NTOS, DONE, HIGH_LEVEL, 3)                                      \
    X(ExInterlockedPopEntryList, NTOS, DONE, HIGH_LEVEL, 2)                                        \
    X(ExInterlockedPushEntryList, NTOS, DONE, HIGH_LEVEL, 3)                                       \
    X(ExInterlockedRemoveHeadList, NTOS, DONE, HIGH_LEVEL, 2)                                      \
    X(ExIsProcessorFeaturePresent, NTOS, DONE, PASSIVE_LEVEL, 1)                                   \
    X(ExIsResourceAcquiredExclusiveLite, NTOS, DONE, DISPATCH_LEVEL, 1)                            \
    X(ExIsResourceAcquiredSharedLite, NTOS, DONE, DISPATCH_LEVEL, 1)                               \
    X(ExLocalTimeToSystemTime, NTOS, DONE, HIGH_LEVEL, 2)                                          \
    X(ExNotifyCallback, NTOS, DONE, DISPATCH_LEVEL, 3)                                             \
    X(ExQueryDepthSList, NTOS, DONE, DISPATCH_LEVEL, 1)                                            \
    X(ExQueryTimerResolution, NTOS, DONE, HIGH_LEVEL, 3)                                           \
    X(ExQueueWorkItem, NTOS, DONE, DISPATCH_LEVEL, 2)                                              \
    X(ExRaiseAccessViolation, NTOS, DONE, PASSIVE_LEVEL, 0)                                        \
    X(ExRaiseDatatypeMisalignment, NTOS, DONE, PASSIVE_LEVEL, 0)                                   \
    X(ExRaiseStatus, NTOS, DONE, APC_LEVEL, 1)                                                     \
    X(ExReInitializeRundownProtection, NTOS, DONE, APC_LEVEL, 1)                                   \
    X(ExReInitializeRundownProtectionCacheAware, NTOS, DONE, APC_LEVEL, 1)                         \
    X(ExRegisterCallback, NTOS, DONE, APC_LEVEL, 3)                                                \
    X(ExReinitializeResourceLite, NTOS, DONE, DISPATCH_LEVEL, 1)                                   \
    X(ExReleaseFastMutex, NTOS, DONE, APC_LEVEL, 1)                                                \
    X(ExReleaseFastMutexUnsafe, NTOS, DONE, APC_LEVEL, 1)                                          \
    X(ExReleaseResourceAndLeaveCriticalRegion, NTOS, DONE, APC_LEVEL, 1)                           \
    X(ExReleaseResourceForThreadLite, NTOS, DONE, DISPATCH_LEVEL, 2)                               \
    X(ExReleaseResourceLite, NTOS, DONE, DISPATCH_LEVEL, 1)                                        \
    X(ExReleaseRundownProtection, NTOS, DONE, DISPATCH_LEVEL, 1)                                   \
    X(ExReleaseRundownProtectionCacheAware, NTOS, DONE, DISPATCH_LEVEL, 1)                         \
    X(ExReleaseRundownProtectionCacheAwareEx, NTOS, DONE, DISPATCH_LEVEL, 2)                       \
    X(ExReleaseRundownProtectionEx, NTOS, DONE, DISPATCH_LEVEL, 2)                                 \
    X(ExReleaseSpinLockExclusive, NTOS, DONE, DISPATCH_LEVEL, 2)                                   \
    X(ExReleaseSpinLockExclusiveFromDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                           \
    X(ExReleaseSpinLockShared, NTOS, DONE, DISPATCH_LEVEL, 2)                                      \
    X(ExReleaseSpinLockSharedFromDpcLevel, NTOS, DONE, HIGH_LEVEL, 1)                              \
    X(ExRundownCompleted, NTOS, DONE, APC_LEVEL, 1)                                                \
    X(ExRundownCompletedCacheAware, NTOS, DONE, APC_LEVEL, 1)                                      \
    X(ExSetResourceOwnerPointer, NTOS, DONE, DISPATCH_LEVEL, 2)                                    \
    X(ExSetTimerResolution, NTOS, DONE, APC_LEVEL, 2)                                              \
    X(ExSizeOfRundownProtectionCacheAware, NTOS, DONE, APC_LEVEL, 0)                               \
    X(ExSystemTimeToLocalTime, NTOS, DONE, HIGH_LEVEL, 2)                                          \
    X(ExTryConvertSharedSpinLockExclusive, NTOS, DONE, DISPATCH_LEVEL, 1)                          \
    X(ExTryToAcquireFastMutex, NTOS, DONE, APC_LEVEL, 1)                                           \
    X(ExUnregisterCallback, NTOS, DONE, APC_LEVEL, 1)                                              \
    X(ExUuidCreate, NTOS, DONE, PASSIVE_LEVEL, 1)                                                  \
    X(ExVerifySuite, NTOS, DONE, APC_LEVEL, 1)                                                     \
    X(ExWaitForRundownProtectionRelease, NTOS, DONE, APC_LEVEL, 1)                                 \
    X(ExWaitForRundownProtectionReleaseCacheAware, NTOS, DONE, APC_LEVEL, 1)                       \
    X(ExpInterlockedFlushSList, NTOS, DONE, HIGH_LEVEL, 1)                                         \
    X(ExpInterlockedPopEntrySList, NTOS, DONE, HIGH_LEVEL, 1)                                      \
    X(ExpInterlockedPushEntrySList, NTOS, DONE, HIGH_LEVEL, 2)                                     \
    X(HalGetBusData, HAL, DONE, PASSIVE_LEVEL, 5)                                                  \
    X(HalGetBusDataByOffset, HAL, DONE, PASSIVE_LEVEL, 6)                                          \
    X(HalGetInterruptVector, HAL, DONE, PASSIVE_LEVEL, 6)                                          \
    X(HalMakeBeep, HAL, DONE, HIGH_LEVEL, 1)                                                       \
    X(HalSetBusDataByOffset, HAL, DONE, PASSIVE_LEVEL, 6)                                          \
    X(HalTranslateBusAddress, HAL, DONE, PASSIVE_LEVEL, 5)                                         \
    X(InitializeSListHead, NTOS, DONE, HIGH_LEVEL, 1)                                              \
    X(KdDisableDebugger, NTOS, DONE, HIGH_LEVEL, 0)                                                \
    X(KdEnableDebugger, NTOS, DONE, HIGH_LEVEL, 0)                                                 \
    X(KdRefreshDebuggerNotPresent, NTOS, DONE, HIGH_LEVEL, 0)                                      \
    X(KeAcquireGuardedMutex, NTOS, DONE, APC_LEVEL, 1)                                             \
    X(KeAcquireGuardedMutexUnsafe, NTOS, DONE, APC_LEVEL, 1)                                       \
    X(KeInitializeGuardedMutex, NTOS, DONE, APC_LEVEL, 1)                                          \
    X(KeReleaseGuardedMutex, NTOS, DONE, APC_LEVEL, 1)                                             \
    X(KeReleaseGuardedMutexUnsafe, NTOS, DONE, APC_LEVEL, 1)                                       \
    X(KeTryToAcquireGuardedMutex, NTOS, DONE, APC_LEVEL, 1)                                        \
    X(MmAllocateContiguousMemory, NTOS, DONE, DISPATCH_LEVEL, 2)                                   \
    X(MmAllocateContiguousMemorySpecifyCache, NTOS, DONE, DISPATCH_LEVEL, 5)                       \
    X(MmAllocateContiguousMemorySpecifyCacheNode, NTOS, DONE, DISPATCH_LEVEL, 6)                   \
    X(MmAllocateNonCachedMemory, NTOS, DONE, APC_LEVEL, 1)                                         \
    X(MmFreeContiguousMemory, NTOS, DONE, DISPATCH_LEVEL, 1)                                       \
    X(MmFreeContiguousMemorySpecifyCache, NTOS, DONE, DISPATCH_LEVEL, 3)                           \
    X(MmFreeNonCachedMemory, NTOS, DONE, APC_LEVEL, 2)                                             \
    X(MmGetPhysicalAddress, NTOS, DONE, HIGH_LEVEL, 1)                                             \
    X(MmGetSystemRoutineAddress, NTOS, DONE, PASSIVE_LEVEL, 1)                                     \
    X(MmGetVirtualForPhysical, NTOS, DONE, HIGH_LEVEL, 1)                                          \
    X(MmIsAddressValid, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(MmIsDriverVerifying, NTOS, DONE, APC_LEVEL, 1)                                               \
    X(MmIsDriverVerifyingByAddress, NTOS, DONE, HIGH_LEVEL, 1)                                     \
    X(MmIsThisAnNtAsSystem, NTOS, DONE, HIGH_LEVEL, 0)                                             \
    X(MmLockPagableCodeSection, NTOS, DONE, APC_LEVEL, 1)                                          \
    X(MmLockPagableDataSection, NTOS, DONE, APC_LEVEL, 1)                                          \
    X(MmLockPagableSectionByHandle, NTOS, DONE, APC_LEVEL, 1)                                      \
    X(MmPageEntireDriver, NTOS, DONE, APC_LEVEL, 1)                                                \
    X(MmQuerySystemSize, NTOS, DONE, APC_LEVEL, 0)                                                 \
    X(MmResetDriverPaging, NTOS, DONE, APC_LEVEL, 1)                                               \
    X(MmUnlockPagableImageSection, NTOS, DONE, APC_LEVEL, 1)                                       \
    X(NtClose, NTOS, DONE, PASSIVE_LEVEL, 1)                                                       \
    X(ObCloseHandle, NTOS, DONE, PASSIVE_LEVEL, 2)                                                 \
    X(ObDereferenceObject, NTOS, DONE, DISPATCH_LEVEL, 1)                                          \
    X(ObDereferenceObjectDeferDelete, NTOS, DONE, DISPATCH_LEVEL, 1)                               \
    X(ObDereferenceObjectDeferDeleteWithTag, NTOS, DONE, DISPATCH_LEVEL, 2)                        \
    X(ObGetObjectType, NTOS, DONE, DISPATCH_LEVEL, 1)                                              \
    X(ObMakeTemporaryObject, NTOS, DONE, PASSIVE_LEVEL, 1)                                         \
    X(ObOpenObjectByName, NTOS, DONE, APC_LEVEL, 7)                                                \
    X(ObOpenObjectByPointer, NTOS, DONE, APC_LEVEL, 7)                                             \
    X(ObQueryNameString, NTOS, DONE, APC_LEVEL, 4)                                                 \
    X(ObReferenceObject, NTOS, DONE, DISPATCH_LEVEL, 1)                                            \
    X(ObReferenceObjectByHandle, NTOS, DONE, PASSIVE_LEVEL, 6)                                     \
    X(ObReferenceObjectByHandleWithTag, NTOS, DONE, PASSIVE_LEVEL, 7)                              \
    X(ObReferenceObjectByName, NTOS, DONE, PASSIVE_LEVEL, 8)                                       \
    X(ObReferenceObjectByPointer, NTOS, DONE, DISPATCH_LEVEL, 4)                                   \
    X(ObReferenceObjectByPointerWithTag, NTOS, DONE, DISPATCH_LEVEL, 5)                            \
    X(ObfDereferenceObject, NTOS, DONE, DISPATCH_LEVEL, 1)                                         \
    X(ObfDereferenceObjectWithTag, NTOS, DONE, DISPATCH_LEVEL, 2)                                  \
    X(ObfReferenceObject, NTOS, DONE, DISPATCH_LEVEL, 1)                                           \
    X(ObfReferenceObjectWithTag, NTOS, DONE, DISPATCH_LEVEL, 2)                                    \
    X(ProbeForRead, NTOS, DONE, APC_LEVEL, 3)                                                      \
    X(ProbeForWrite, NTOS, DONE, APC_LEVEL, 3)                                                     \
    X(PsCreateSystemThread, NTOS, DONE, PASSIVE_LEVEL, 7)                                          \
    X(PsGetCurrentProcess, NTOS, DONE, DISPATCH_LEVEL, 0)                                          \
    X(PsGetCurrentProcessId, NTOS, DONE, HIGH_LEVEL, 0)                                            \
    X(PsGetCurrentThread, NTOS, DONE, HIGH_LEVEL, 0)                                               \
    X(PsGetCurrentThreadId, NTOS, DONE, HIGH_LEVEL, 0)                                             \
    X(PsGetProcessId, NTOS, DONE, HIGH_LEVEL, 1)                                                   \
    X(PsGetThreadId, NTOS, DONE, DISPATCH_LEVEL, 1)                                                \
    X(PsGetThreadProcess, NTOS, DONE, HIGH_LEVEL, 1)                                               \
    X(PsGetThreadProcessId, NTOS, DONE, HIGH_LEVEL, 1)                                             \
    X(PsGetVersion, NTOS, DONE, HIGH_LEVEL, 4)                                                     \
    X(PsIsSystemThread, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(PsIsThreadTerminating, NTOS, DONE, DISPATCH_LEVEL, 1)                                        \
    X(PsLookupProcessByProcessId, NTOS, DONE, APC_LEVEL, 2)                                        \
    X(PsLookupThreadByThreadId, NTOS, DONE, APC_LEVEL, 2)                                          \
    X(PsRemoveCreateThreadNotifyRoutine, NTOS, DONE, APC_LEVEL, 1)                                 \
    X(PsRemoveLoadImageNotifyRoutine, NTOS, DONE, APC_LEVEL, 1)                                    \
    X(PsSetCreateProcessNotifyRoutine, NTOS, DONE, PASSIVE_LEVEL, 2)                               \
    X(PsSetCreateProcessNotifyRoutineEx, NTOS, DONE, PASSIVE_LEVEL, 2)                             \
    X(PsSetCreateThreadNotifyRoutine, NTOS, DONE, PASSIVE_LEVEL, 1)                                \
    X(PsSetLoadImageNotifyRoutine, NTOS, DONE, PASSIVE_LEVEL, 1)                                   \
    X(PsTerminateSystemThread, NTOS, DONE, PASSIVE_LEVEL, 1)                                       \
    X(RtlAnsiCharToUnicodeChar, NTOS, DONE, APC_LEVEL, 1)                                          \
    X(RtlAnsiStringToUnicodeString, NTOS, DONE, PASSIVE_LEVEL, 3)                                  \
    X(RtlAppendUnicodeStringToString, NTOS, DONE, HIGH_LEVEL, 2)                                   \
    X(RtlAppendUnicodeToString, NTOS, DONE, HIGH_LEVEL, 2)                                         \
    X(RtlAreBitsClear, NTOS, DONE, HIGH_LEVEL, 3)                                                  \
    X(RtlAreBitsSet, NTOS, DONE, HIGH_LEVEL, 3)                                                    \
    X(RtlAssert, NTOS, DONE, HIGH_LEVEL, 4)                                                        \
    X(RtlCharToInteger, NTOS, DONE, PASSIVE_LEVEL, 3)                                              \
    X(RtlCheckRegistryKey, NTOS, DONE, PASSIVE_LEVEL, 2)                                           \
    X(RtlClearAllBits, NTOS, DONE, HIGH_LEVEL, 1)                                                  \
    X(RtlClearBit, NTOS, DONE, HIGH_LEVEL, 2)                                                      \
    X(RtlClearBits, NTOS, DONE, HIGH_LEVEL, 3)                                                     \
    X(RtlCompareMemory, NTOS, DONE, HIGH_LEVEL, 3)                                                 \
    X(RtlCompareMemoryUlong, NTOS, DONE, HIGH_LEVEL, 3)                                            \
    X(RtlCompareString, NTOS, DONE, PASSIVE_LEVEL, 3)                                              \
    X(RtlCompareUnicodeString, NTOS, DONE, PASSIVE_LEVEL, 3)                                       \
    X(RtlCopyMemory, NTOS, DONE, HIGH_LEVEL, 3)                                                    \
    X(RtlCopyMemoryNonTemporal, NTOS, DONE, HIGH_LEVEL, 3)                                         \
    X(RtlCopyString, NTOS, DONE, HIGH_LEVEL, 2)                                                    \
    X(RtlCopyUnicodeString, NTOS, DONE, HIGH_LEVEL, 2)                                             \
    X(RtlCreateRegistryKey, NTOS, DONE, PASSIVE_LEVEL, 2)                                          \
    X(RtlCreateUnicodeString, NTOS, DONE, PASSIVE_LEVEL, 2)                                        \
    X(RtlDeleteRegistryValue, NTOS, DONE, PASSIVE_LEVEL, 3)                                        \
    X(RtlDowncaseUnicodeChar, NTOS, DONE, PASSIVE_LEVEL, 1)                                        \
    X(RtlDowncaseUnicodeString, NTOS, DONE, APC_LEVEL, 3)                                          \
    X(RtlEqualString, NTOS, DONE, PASSIVE_LEVEL, 3)                                                \
    X(RtlEqualUnicodeString, NTOS, DONE, PASSIVE_LEVEL, 3)                                         \
    X(RtlFillMemory, NTOS, DONE, HIGH_LEVEL, 3)                                                    \
    X(RtlFindClearBits, NTOS, DONE, HIGH_LEVEL, 3)                                                 \
    X(RtlFindClearBitsAndSet, NTOS, DONE, HIGH_LEVEL, 3)                                           \
    X(RtlFindClearRuns, NTOS, DONE, HIGH_LEVEL, 4)                                                 \
    X(RtlFindFirstRunClear, NTOS, DONE, HIGH_LEVEL, 2)                                             \
    X(RtlFindLeastSignificantBit, NTOS, DONE, HIGH_LEVEL, 1)                                       \
    X(RtlFindLongestRunClear, NTOS, DONE, HIGH_LEVEL, 2)                                           \
    X(RtlFindMostSignificantBit, NTOS, DONE, HIGH_LEVEL, 1)                                        \
    X(RtlFindNextForwardRunClear, NTOS, DONE, HIGH_LEVEL, 3)                                       \
    X(RtlFindSetBits, NTOS, DONE, HIGH_LEVEL, 3)                                                   \
    X(RtlFindSetBitsAndClear, NTOS, DONE, HIGH_LEVEL, 3)                                           \
    X(RtlFreeAnsiString, NTOS, DONE, APC_LEVEL, 1)                                                 \
    X(RtlFreeOemString, NTOS, DONE, APC_LEVEL, 1)                                                  \
    X(RtlFreeUnicodeString, NTOS, DONE, APC_LEVEL, 1)                                              \
    X(RtlGUIDFromString, NTOS, DONE, PASSIVE_LEVEL, 2)                                             \
    X(RtlGetVersion, NTOS, DONE, PASSIVE_LEVEL, 1)                                                 \
    X(RtlHashUnicodeString, NTOS, DONE, APC_LEVEL, 4)                                              \
    X(RtlInitAnsiString, NTOS, DONE, HIGH_LEVEL, 2)                                                \
    X(RtlInitAnsiStringEx, NTOS, DONE, HIGH_LEVEL, 2)                                              \
    X(RtlInitString, NTOS, DONE, HIGH_LEVEL, 2)                                                    \
    X(RtlInitUnicodeString, NTOS, DONE, HIGH_LEVEL, 2)                                             \
    X(RtlInitUnicodeStringEx, NTOS, DONE, HIGH_LEVEL, 2)                                           \
    X(RtlInitializeBitMap, NTOS, DONE, HIGH_LEVEL, 3)                                              \
    X(RtlInt64ToUnicodeString, NTOS, DONE, PASSIVE_LEVEL, 3)                                       \
    X(RtlIntegerToUnicodeString, NTOS, DONE, PASSIVE_LEVEL, 3)                                     \
    X(RtlIsNtDdiVersionAvailable, NTOS, DONE, HIGH_LEVEL, 1)                                       \
    X(RtlMoveMemory, NTOS, DONE, HIGH_LEVEL, 3)                                                    \
    X(RtlMultiByteToUnicodeN, NTOS, DONE, APC_LEVEL, 5)                                            \
    X(RtlMultiByteToUnicodeSize, NTOS, DONE, APC_LEVEL, 3)                                         \
    X(RtlNumberOfClearBits, NTOS, DONE, HIGH_LEVEL, 1)                                             \
    X(RtlNumberOfSetBits, NTOS, DONE, HIGH_LEVEL, 1)                                               \
    X(RtlNumberOfSetBitsUlongPtr, NTOS, DONE, HIGH_LEVEL, 1)                                       \
    X(RtlOemStringToUnicodeString, NTOS, DONE, APC_LEVEL, 3)                                       \
    X(RtlOemToUnicodeN, NTOS, DONE, APC_LEVEL, 5)                                                  \
    X(RtlPcToFileHeader, NTOS, DONE, HIGH_LEVEL, 2)                                                \
    X(RtlPrefetchMemoryNonTemporal, NTOS, DONE, HIGH_LEVEL, 2)                                     \
    X(RtlPrefixUnicodeString, NTOS, DONE, PASSIVE_LEVEL, 3)                                        \
    X(RtlQueryRegistryValues, NTOS, DONE, PASSIVE_LEVEL, 5)                                        \
    X(RtlRaiseStatus, NTOS, DONE, HIGH_LEVEL, 1)                                                   \
    X(RtlRandom, NTOS, DONE, APC_LEVEL, 1)                                                         \
    X(RtlRandomEx, NTOS, DONE, APC_LEVEL, 1)                                                       \
    X(RtlSecondsSince1970ToTime, NTOS, DONE, APC_LEVEL, 2)                                         \
    X(RtlSecondsSince1980ToTime, NTOS, DONE, APC_LEVEL, 2)                                         \
    X(RtlSetAllBits, NTOS, DONE, HIGH_LEVEL, 1)                                                    \
    X(RtlSetBit, NTOS, DONE, HIGH_LEVEL, 2)                                                        \
    X(RtlSetBits, NTOS, DONE, HIGH_LEVEL, 3)                                                       \
    X(RtlStringFromGUID, NTOS, DONE, PASSIVE_LEVEL, 2)                                             \
    X(RtlTestBit, NTOS, DONE, HIGH_LEVEL, 2)                                                       \
    X(RtlTimeFieldsToTime, NTOS, DONE, HIGH_LEVEL, 2)                                              \
    X(RtlTimeToSecondsSince1970, NTOS, DONE, APC_LEVEL, 2)                                         \
    X(RtlTimeToSecondsSince1980, NTOS, DONE, APC_LEVEL, 2)                                         \
    X(RtlTimeToTimeFields, NTOS, DONE, HIGH_LEVEL, 2)                                              \
    X(RtlUlongByteSwap, NTOS, DONE, HIGH_LEVEL, 1)                                                 \
    X(RtlUlonglongByteSwap, NTOS, DONE, HIGH_LEVEL, 1)                                             \
    X(RtlUnicodeStringToAnsiString, NTOS, DONE, PASSIVE_LEVEL, 3)                                  \
    X(RtlUnicodeStringToInteger, NTOS, DONE, PASSIVE_LEVEL, 3)                                     \
    X(RtlUnicodeStringToOemString, NTOS, DONE, APC_LEVEL, 3)                                       \
    X(RtlUnicodeToMultiByteN, NTOS, DONE, APC_LEVEL, 5)                                            \
    X(RtlUnicodeToMultiByteSize, NTOS, DONE, APC_LEVEL, 3)                                         \
    X(RtlUnicodeToOemN, NTOS, DONE, APC_LEVEL, 5)                                                  \
    X(RtlUpcaseUnicodeChar, NTOS, DONE, APC_LEVEL, 1)                                              \
    X(RtlUpcaseUnicodeString, NTOS, DONE, APC_LEVEL, 3)                                            \
    X(RtlUpcaseUnicodeToMultiByteN, NTOS, DONE, APC_LEVEL, 5)                                      \
    X(RtlUpperChar, NTOS, DONE, APC_LEVEL, 1)                                                      \
    X(RtlUpperString, NTOS, DONE, APC_LEVEL, 2)                                                    \
    X(RtlUshortByteSwap, NTOS, DONE, HIGH_LEVEL, 1)                                                \
    X(RtlVerifyVersionInfo, NTOS, DONE, PASSIVE_LEVEL, 3)                                          \
    X(RtlWriteRegistryValue, NTOS, DONE, PASSIVE_LEVEL, 6)                                         \
    X(RtlZeroMemory, NTOS, DONE, HIGH_LEVEL, 2)                                                    \
    X(RtlxAnsiStringToUnicodeSize, NTOS, DONE, PASSIVE_LEVEL, 1)                                   \
    X(RtlxOemStringToUnicodeSize, NTOS, DONE, APC_LEVEL, 1)                                        \
    X(RtlxUnicodeStringToAnsiSize, NTOS, DONE, PASSIVE_LEVEL, 1)                                   \
    X(RtlxUnicodeStringToOemSize, NTOS, DONE, APC_LEVEL, 1)                                        \
    X(VerSetConditionMask, NTOS, DONE, HIGH_LEVEL, 3)                                              \
    X(ZwAllocateVirtualMemory, NTOS, DONE, PASSIVE_LEVEL, 6)                                       \
    X(ZwClearEvent, NTOS, DONE, PASSIVE_LEVEL, 1)                                                  \
    X(ZwClose, NTOS, DONE, PASSIVE_LEVEL, 1)                                                       \
    X(ZwCreateDirectoryObject, NTOS, DONE, PASSIVE_LEVEL, 3)                                       \
    X(ZwCreateEvent, NTOS, DONE, PASSIVE_LEVEL, 5)                                                 \
    X(ZwCreateFile, NTOS, DONE, PASSIVE_LEVEL, 11)                                                 \
    X(ZwCreateKey, NTOS, DONE, PASSIVE_LEVEL, 7)                                                   \
    X(ZwCreateSymbolicLinkObject, NTOS, DONE, PASSIVE_LEVEL, 4)                                    \
    X(ZwDeleteKey, NTOS, DONE, PASSIVE_LEVEL, 1)                                                   \
    X(ZwDeleteValueKey, NTOS, DONE, PASSIVE_LEVEL, 2)                                              \
    X(ZwDeviceIoControlFile, NTOS, DONE, PASSIVE_LEVEL, 10)                                        \
    X(ZwEnumerateKey, NTOS, DONE, PASSIVE_LEVEL, 6)                                                \
    X(ZwEnumerateValueKey, NTOS, DONE, PASSIVE_LEVEL, 6)                                           \
    X(ZwFlushBuffersFile, NTOS, DONE, PASSIVE_LEVEL, 2)                                            \
    X(ZwFlushKey, NTOS, DONE, PASSIVE_LEVEL, 1)                                                    \
    X(ZwFreeVirtualMemory, NTOS, DONE, PASSIVE_LEVEL, 4)                                           \
    X(ZwMakeTemporaryObject, NTOS, DONE, PASSIVE_LEVEL, 1)                                         \
    X(ZwOpenDirectoryObject, NTOS, DONE, PASSIVE_LEVEL, 3)                                         \
    X(ZwOpenEvent, NTOS, DONE, PASSIVE_LEVEL, 3)                                                   \
    X(ZwOpenFile, NTOS, DONE, PASSIVE_LEVEL, 6)                                                    \
    X(ZwOpenKey, NTOS, DONE, PASSIVE_LEVEL, 3)                                                     \
    X(ZwOpenKeyEx, NTOS, DONE, PASSIVE_LEVEL, 4)                                                   \
    X(ZwOpenSymbolicLinkObject, NTOS, DONE, PASSIVE_LEVEL, 3)                                      \
    X(ZwQueryKey, NTOS, DONE, PASSIVE_LEVEL, 5)                                                    \
    X(ZwQuerySymbolicLinkObject, NTOS, DONE, PASSIVE_LEVEL, 3)                                     \
    X(ZwQueryValueKey, NTOS, DONE, PASSIVE_LEVEL, 6)                                               \
    X(ZwReadFile, NTOS, DONE, PASSIVE_LEVEL, 9)                                                    \
    X(ZwResetEvent, NTOS, DONE, PASSIVE_LEVEL, 2)                                                  \
    X(ZwSetEvent, NTOS, DONE, PASSIVE_LEVEL, 2)                                                    \
    X(ZwSetValueKey, NTOS, DONE, PASSIVE_LEVEL, 6)                                                 \
    X(ZwWaitForSingleObject, NTOS, DONE, PASSIVE_LEVEL, 3)                                         \
    X(ZwWriteFile, NTOS, DONE, PASSIVE_LEVEL, 9)                                                   \
    X(_snprintf, NTOS, DONE, HIGH_LEVEL, 255)                                                      \
    X(_snwprintf, NTOS, DONE, HIGH_LEVEL, 255)                                                     \
    X(_stricmp, NTOS, DONE, HIGH_LEVEL, 2)                                                         \
    X(_strlwr, NTOS, DONE, HIGH_LEVEL, 1)                                                          \
    X(_strnicmp, NTOS, DONE, HIGH_LEVEL, 3)                                                        \
    X(_strupr, NTOS, DONE, HIGH_LEVEL, 1)                                                          \
    X(_vsnprintf, NTOS, DONE, HIGH_LEVEL, 4)                                                       \
    X(_vsnwprintf, NTOS, DONE, HIGH_LEVEL, 4)                                                      \
    X(_wcsicmp, NTOS, DONE, HIGH_LEVEL, 2)                                                         \
    X(_wcslwr, NTOS, DONE, HIGH_LEVEL, 1)                                                          \
    X(_wcsnicmp, NTOS, DONE, HIGH_LEVEL, 3)                                                        \
    X(_wcsupr, NTOS, DONE, HIGH_LEVEL, 1)                                                          \
    X(atoi, NTOS, DONE, HIGH_LEVEL, 1)                                                             \
    X(memchr, NTOS, DONE, HIGH_LEVEL, 3)                                                           \
    X(memcmp, NTOS, DONE, HIGH_LEVEL, 3)                                                           \
    X(memcpy, NTOS, DONE, HIGH_LEVEL, 3)                                                           \
    X(memmove, NTOS, DONE, HIGH_LEVEL, 3)                                                          \
    X(memset, NTOS, DONE, HIGH_LEVEL, 3)                                                           \
    X(sprintf, NTOS, DONE, HIGH_LEVEL, 255)                                                        \
    X(strcat, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(strchr, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(strcmp, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(strcpy, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(strcspn, NTOS, DONE, HIGH_LEVEL, 2)                                                          \
    X(strlen, NTOS, DONE, HIGH_LEVEL, 1)                                                           \
    X(strncat, NTOS, DONE, HIGH_LEVEL, 3)                                                          \
    X(strncmp, NTOS, DONE, HIGH_LEVEL, 3)                                                          \
    X(strncpy, NTOS, DONE, HIGH_LEVEL, 3)                                                          \
    X(strrchr, NTOS, DONE, HIGH_LEVEL, 2)                                                          \
    X(strspn, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(strstr, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(swprintf, NTOS, DONE, HIGH_LEVEL, 255)                                                       \
    X(tolower, NTOS, DONE, HIGH_LEVEL, 1)                                                          \
    X(toupper, NTOS, DONE, HIGH_LEVEL, 1)                                                          \
    X(towlower, NTOS, DONE, HIGH_LEVEL, 1)                                                         \
    X(towupper, NTOS, DONE, HIGH_LEVEL, 1)                                                         \
    X(vDbgPrintEx, NTOS, DONE, SYNCH_LEVEL, 4)                                                     \
    X(vDbgPrintExWithPrefix, NTOS, DONE, SYNCH_LEVEL, 5)                                           \
    X(vsprintf, NTOS, DONE, HIGH_LEVEL, 3)                                                         \
    X(wcscat, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(wcschr, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(wcscmp, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(wcscpy, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(wcslen, NTOS, DONE, HIGH_LEVEL, 1)                                                           \
    X(wcsncat, NTOS, DONE, HIGH_LEVEL, 3)                                                          \
    X(wcsncmp, NTOS, DONE, HIGH_LEVEL, 3)                                                          \
    X(wcsncpy, NTOS, DONE, HIGH_LEVEL, 3)                                                          \
    X(wcsrchr, NTOS, DONE, HIGH_LEVEL, 2)                                                          \
    X(wcsspn, NTOS, DONE, HIGH_LEVEL, 2)                                                           \
    X(wcsstr, NTOS, DONE, HIGH_LEVEL, 2)

#define NT_DATA_EXPORTS_EX(X)                                                                      \
    X(CmKeyObjectType, 8)                                                                          \
    X(ExDesktopObjectType, 8)                                                                      \
    X(ExEventObjectType, 8)                                                                        \
    X(ExSemaphoreObjectType, 8)                                                                    \
    X(ExWindowStationObjectType, 8)                                                                \
    X(InitSafeBootMode, 4)                                                                         \
    X(IoAdapterObjectType, 8)                                                                      \
    X(IoDeviceObjectType, 8)                                                                       \
    X(IoDriverObjectType, 8)                                                                       \
    X(IoFileObjectType, 8)                                                                         \
    X(KdComPortInUse, 8)                                                                           \
    X(KdDebuggerEnabled, 1)                                                                        \
    X(KdDebuggerNotPresent, 1)                                                                     \
    X(KiBugCheckData, 40)                                                                          \
    X(LpcPortObjectType, 8)                                                                        \
    X(Mm64BitPhysicalAddress, 1)                                                                   \
    X(MmHighestUserAddress, 8)                                                                     \
    X(MmSectionObjectType, 8)                                                                      \
    X(MmSystemRangeStart, 8)                                                                       \
    X(MmUserProbeAddress, 8)                                                                       \
    X(NlsMbCodePageTag, 1)                                                                         \
    X(NlsMbOemCodePageTag, 1)                                                                      \
    X(NlsOemLeadByteInfo, 8)                                                                       \
    X(PsInitialSystemProcess, 8)                                                                   \
    X(PsJobType, 8)                                                                                \
    X(PsProcessType, 8)                                                                            \
    X(PsThreadType, 8)                                                                             \
    X(SeTokenObjectType, 8)                                                                        \
    X(TmTransactionObjectType, 8)

#endif
