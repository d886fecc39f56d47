/* SPDX-License-Identifier: MIT */
/*
 * Exports of the I/O family: devices, IRPs, MDLs, work items, device queues.
 *
 * The last rows, Iop..., are routines of the system's own whose addresses drivers get to see in
 * dispatch tables, cancel routines and stack locations; nobody imports them.
 */
#ifndef PAGABLE_NT_EXPORTS_IO_H
#define PAGABLE_NT_EXPORTS_IO_H

#define NT_EXPORTS_IO(X)                                                                           \
    X(IoAcquireCancelSpinLock, NTOS, DONE, DISPATCH_LEVEL, 1)                                      \
    X(IoAcquireRemoveLockEx, NTOS, DONE, DISPATCH_LEVEL, 5)                                        \
    X(IoAcquireVpbSpinLock, NTOS, DONE, DISPATCH_LEVEL, 1)                                         \
    X(IoAllocateDriverObjectExtension, NTOS, DONE, DISPATCH_LEVEL, 4)                              \
    X(IoAllocateErrorLogEntry, NTOS, DONE, DISPATCH_LEVEL, 2)                                      \
    X(IoAllocateIrp, NTOS, DONE, DISPATCH_LEVEL, 2)                                                \
    X(IoAllocateIrpEx, NTOS, DONE, DISPATCH_LEVEL, 3)                                              \
    X(IoAllocateMdl, NTOS, DONE, DISPATCH_LEVEL, 5)                                                \
    X(IoAllocateWorkItem, NTOS, DONE, DISPATCH_LEVEL, 1)                                           \
    X(IoAttachDevice, NTOS, DONE, PASSIVE_LEVEL, 3)                                                \
    X(IoAttachDeviceByPointer, NTOS, DONE, DISPATCH_LEVEL, 2)                                      \
    X(IoAttachDeviceToDeviceStack, NTOS, DONE, DISPATCH_LEVEL, 2)                                  \
    X(IoAttachDeviceToDeviceStackSafe, NTOS, DONE, DISPATCH_LEVEL, 3)                              \
    X(IoBuildAsynchronousFsdRequest, NTOS, DONE, APC_LEVEL, 6)                                     \
    X(IoBuildDeviceIoControlRequest, NTOS, DONE, APC_LEVEL, 9)                                     \
    X(IoBuildPartialMdl, NTOS, DONE, DISPATCH_LEVEL, 4)                                            \
    X(IoBuildSynchronousFsdRequest, NTOS, DONE, APC_LEVEL, 7)                                      \
    X(IoCallDriver, NTOS, DONE, DISPATCH_LEVEL, 2)                                                 \
    X(IoCancelIrp, NTOS, DONE, DISPATCH_LEVEL, 1)                                                  \
    X(IoCheckShareAccess, NTOS, DONE, PASSIVE_LEVEL, 5)                                            \
    X(IoCompleteRequest, NTOS, DONE, DISPATCH_LEVEL, 2)                                            \
    X(IoCreateDevice, NTOS, DONE, APC_LEVEL, 7)                                                    \
    X(IoCreateNotificationEvent, NTOS, DONE, PASSIVE_LEVEL, 2)                                     \
    X(IoCreateStreamFileObject, NTOS, DONE, DISPATCH_LEVEL, 2)                                     \
    X(IoCreateStreamFileObjectLite, NTOS, DONE, APC_LEVEL, 2)                                      \
    X(IoCreateSymbolicLink, NTOS, DONE, PASSIVE_LEVEL, 2)                                          \
    X(IoCreateSynchronizationEvent, NTOS, DONE, PASSIVE_LEVEL, 2)                                  \
    X(IoCreateUnprotectedSymbolicLink, NTOS, DONE, PASSIVE_LEVEL, 2)                               \
    X(IoCsqInitialize, NTOS, DONE, HIGH_LEVEL, 7)                                                  \
    X(IoCsqInitializeEx, NTOS, DONE, HIGH_LEVEL, 7)                                                \
    X(IoCsqInsertIrp, NTOS, DONE, DISPATCH_LEVEL, 3)                                               \
    X(IoCsqInsertIrpEx, NTOS, DONE, DISPATCH_LEVEL, 4)                                             \
    X(IoCsqRemoveIrp, NTOS, DONE, DISPATCH_LEVEL, 2)                                               \
    X(IoCsqRemoveNextIrp, NTOS, DONE, DISPATCH_LEVEL, 2)                                           \
    X(IoDeleteDevice, NTOS, DONE, APC_LEVEL, 1)                                                    \
    X(IoDeleteSymbolicLink, NTOS, DONE, PASSIVE_LEVEL, 1)                                          \
    X(IoDetachDevice, NTOS, DONE, PASSIVE_LEVEL, 1)                                                \
    X(IoEnumerateDeviceObjectList, NTOS, DONE, DISPATCH_LEVEL, 4)                                  \
    X(IoForwardIrpSynchronously, NTOS, DONE, APC_LEVEL, 2)                                         \
    X(IoFreeErrorLogEntry, NTOS, DONE, DISPATCH_LEVEL, 1)                                          \
    X(IoFreeIrp, NTOS, DONE, DISPATCH_LEVEL, 1)                                                    \
    X(IoFreeMdl, NTOS, DONE, DISPATCH_LEVEL, 1)                                                    \
    X(IoFreeWorkItem, NTOS, DONE, DISPATCH_LEVEL, 1)                                               \
    X(IoGetAttachedDevice, NTOS, DONE, DISPATCH_LEVEL, 1)                                          \
    X(IoGetAttachedDeviceReference, NTOS, DONE, DISPATCH_LEVEL, 1)                                 \
    X(IoGetConfigurationInformation, NTOS, DONE, PASSIVE_LEVEL, 0)                                 \
    X(IoGetCurrentProcess, NTOS, DONE, HIGH_LEVEL, 0)                                              \
    X(IoGetDeviceAttachmentBaseRef, NTOS, DONE, DISPATCH_LEVEL, 1)                                 \
    X(IoGetDeviceInterfaces, NTOS, DONE, PASSIVE_LEVEL, 4)                                         \
    X(IoGetDeviceObjectPointer, NTOS, DONE, PASSIVE_LEVEL, 4)                                      \
    X(IoGetDeviceProperty, NTOS, DONE, PASSIVE_LEVEL, 5)                                           \
    X(IoGetDeviceToVerify, NTOS, DONE, DISPATCH_LEVEL, 1)                                          \
    X(IoGetDriverObjectExtension, NTOS, DONE, DISPATCH_LEVEL, 2)                                   \
    X(IoGetFileObjectGenericMapping, NTOS, DONE, PASSIVE_LEVEL, 0)                                 \
    X(IoGetInitialStack, NTOS, DONE, APC_LEVEL, 0)                                                 \
    X(IoGetLowerDeviceObject, NTOS, DONE, DISPATCH_LEVEL, 1)                                       \
    X(IoGetPagingIoPriority, NTOS, DONE, HIGH_LEVEL, 1)                                            \
    X(IoGetRelatedDeviceObject, NTOS, DONE, DISPATCH_LEVEL, 1)                                     \
    X(IoGetRequestorProcess, NTOS, DONE, DISPATCH_LEVEL, 1)                                        \
    X(IoGetStackLimits, NTOS, DONE, HIGH_LEVEL, 2)                                                 \
    X(IoGetTopLevelIrp, NTOS, DONE, DISPATCH_LEVEL, 0)                                             \
    X(IoInitializeIrp, NTOS, DONE, DISPATCH_LEVEL, 3)                                              \
    X(IoInitializeRemoveLockEx, NTOS, DONE, PASSIVE_LEVEL, 5)                                      \
    X(IoInitializeTimer, NTOS, DONE, PASSIVE_LEVEL, 3)                                             \
    X(IoInitializeWorkItem, NTOS, DONE, HIGH_LEVEL, 2)                                             \
    X(IoInvalidateDeviceRelations, NTOS, DONE, DISPATCH_LEVEL, 2)                                  \
    X(IoInvalidateDeviceState, NTOS, DONE, DISPATCH_LEVEL, 1)                                      \
    X(IoIs32bitProcess, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(IoIsOperationSynchronous, NTOS, DONE, HIGH_LEVEL, 1)                                         \
    X(IoIsSystemThread, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(IoIsWdmVersionAvailable, NTOS, DONE, PASSIVE_LEVEL, 2)                                       \
    X(IoMakeAssociatedIrp, NTOS, DONE, DISPATCH_LEVEL, 2)                                          \
    X(IoOpenDeviceRegistryKey, NTOS, DONE, PASSIVE_LEVEL, 4)                                       \
    X(IoQueueWorkItem, NTOS, DONE, DISPATCH_LEVEL, 4)                                              \
    X(IoQueueWorkItemEx, NTOS, DONE, DISPATCH_LEVEL, 4)                                            \
    X(IoRegisterBootDriverReinitialization, NTOS, DONE, PASSIVE_LEVEL, 3)                          \
    X(IoRegisterDeviceInterface, NTOS, DONE, PASSIVE_LEVEL, 4)                                     \
    X(IoRegisterDriverReinitialization, NTOS, DONE, PASSIVE_LEVEL, 3)                              \
    X(IoRegisterLastChanceShutdownNotification, NTOS, DONE, PASSIVE_LEVEL, 1)                      \
    X(IoRegisterPlugPlayNotification, NTOS, DONE, PASSIVE_LEVEL, 7)                                \
    X(IoRegisterShutdownNotification, NTOS, DONE, PASSIVE_LEVEL, 1)                                \
    X(IoReleaseCancelSpinLock, NTOS, DONE, DISPATCH_LEVEL, 1)                                      \
    X(IoReleaseRemoveLockAndWaitEx, NTOS, DONE, PASSIVE_LEVEL, 3)                                  \
    X(IoReleaseRemoveLockEx, NTOS, DONE, DISPATCH_LEVEL, 3)                                        \
    X(IoReleaseVpbSpinLock, NTOS, DONE, DISPATCH_LEVEL, 1)                                         \
    X(IoRemoveShareAccess, NTOS, DONE, PASSIVE_LEVEL, 2)                                           \
    X(IoRequestDeviceEject, NTOS, DONE, DISPATCH_LEVEL, 1)                                         \
    X(IoReuseIrp, NTOS, DONE, DISPATCH_LEVEL, 2)                                                   \
    X(IoSetCompletionRoutineEx, NTOS, DONE, DISPATCH_LEVEL, 7)                                     \
    X(IoSetDeviceInterfaceState, NTOS, DONE, PASSIVE_LEVEL, 2)                                     \
    X(IoSetDeviceToVerify, NTOS, DONE, DISPATCH_LEVEL, 2)                                          \
    X(IoSetHardErrorOrVerifyDevice, NTOS, DONE, DISPATCH_LEVEL, 2)                                 \
    X(IoSetShareAccess, NTOS, DONE, PASSIVE_LEVEL, 4)                                              \
    X(IoSetStartIoAttributes, NTOS, DONE, HIGH_LEVEL, 3)                                           \
    X(IoSetThreadHardErrorMode, NTOS, DONE, DISPATCH_LEVEL, 1)                                     \
    X(IoSetTopLevelIrp, NTOS, DONE, DISPATCH_LEVEL, 1)                                             \
    X(IoSizeofWorkItem, NTOS, DONE, HIGH_LEVEL, 0)                                                 \
    X(IoStartNextPacket, NTOS, DONE, DISPATCH_LEVEL, 2)                                            \
    X(IoStartNextPacketByKey, NTOS, DONE, DISPATCH_LEVEL, 3)                                       \
    X(IoStartPacket, NTOS, DONE, DISPATCH_LEVEL, 4)                                                \
    X(IoStartTimer, NTOS, DONE, DISPATCH_LEVEL, 1)                                                 \
    X(IoStopTimer, NTOS, DONE, DISPATCH_LEVEL, 1)                                                  \
    X(IoThreadToProcess, NTOS, DONE, DISPATCH_LEVEL, 1)                                            \
    X(IoTryQueueWorkItem, NTOS, DONE, DISPATCH_LEVEL, 4)                                           \
    X(IoUninitializeWorkItem, NTOS, DONE, HIGH_LEVEL, 1)                                           \
    X(IoUnregisterPlugPlayNotification, NTOS, DONE, PASSIVE_LEVEL, 1)                              \
    X(IoUnregisterPlugPlayNotificationEx, NTOS, DONE, PASSIVE_LEVEL, 1)                            \
    X(IoUnregisterShutdownNotification, NTOS, DONE, PASSIVE_LEVEL, 1)                              \
    X(IoUpdateShareAccess, NTOS, DONE, PASSIVE_LEVEL, 2)                                           \
    X(IoWriteErrorLogEntry, NTOS, DONE, DISPATCH_LEVEL, 1)                                         \
    X(IofCallDriver, NTOS, DONE, DISPATCH_LEVEL, 2)                                                \
    X(IofCompleteRequest, NTOS, DONE, DISPATCH_LEVEL, 2)                                           \
    X(KeInitializeDeviceQueue, NTOS, DONE, DISPATCH_LEVEL, 1)                                      \
    X(KeInsertByKeyDeviceQueue, NTOS, DONE, DISPATCH_LEVEL, 3)                                     \
    X(KeInsertDeviceQueue, NTOS, DONE, DISPATCH_LEVEL, 2)                                          \
    X(KeRemoveByKeyDeviceQueue, NTOS, DONE, DISPATCH_LEVEL, 2)                                     \
    X(KeRemoveByKeyDeviceQueueIfBusy, NTOS, DONE, DISPATCH_LEVEL, 2)                               \
    X(KeRemoveDeviceQueue, NTOS, DONE, DISPATCH_LEVEL, 1)                                          \
    X(KeRemoveEntryDeviceQueue, NTOS, DONE, DISPATCH_LEVEL, 2)                                     \
    X(MmAllocatePagesForMdl, NTOS, DONE, APC_LEVEL, 4)                                             \
    X(MmAllocatePagesForMdlEx, NTOS, DONE, APC_LEVEL, 6)                                           \
    X(MmBuildMdlForNonPagedPool, NTOS, DONE, DISPATCH_LEVEL, 1)                                    \
    X(MmFreePagesFromMdl, NTOS, DONE, APC_LEVEL, 1)                                                \
    X(MmMapLockedPages, NTOS, DONE, DISPATCH_LEVEL, 2)                                             \
    X(MmMapLockedPagesSpecifyCache, NTOS, DONE, DISPATCH_LEVEL, 6)                                 \
    X(MmProbeAndLockPages, NTOS, DONE, DISPATCH_LEVEL, 3)                                          \
    X(MmSizeOfMdl, NTOS, DONE, HIGH_LEVEL, 2)                                                      \
    X(MmUnlockPages, NTOS, DONE, DISPATCH_LEVEL, 1)                                                \
    X(MmUnmapLockedPages, NTOS, DONE, DISPATCH_LEVEL, 2)                                           \
    X(PoCallDriver, NTOS, DONE, DISPATCH_LEVEL, 2)                                                 \
    X(PoRequestPowerIrp, NTOS, DONE, DISPATCH_LEVEL, 6)                                            \
    X(PoSetPowerState, NTOS, DONE, DISPATCH_LEVEL, 3)                                              \
    X(PoStartNextPowerIrp, NTOS, DONE, DISPATCH_LEVEL, 1)                                          \
    X(IopCsqCancelRoutine, NTOS, DONE, HIGH_LEVEL, 2)                                              \
    X(IopForwardCompletion, NTOS, DONE, HIGH_LEVEL, 3)                                             \
    X(IopInvalidDeviceRequest, NTOS, DONE, HIGH_LEVEL, 2)                                          \
    X(IopPowerCompletion, NTOS, DONE, HIGH_LEVEL, 3)

#define NT_DATA_EXPORTS_IO(X)

#endif
