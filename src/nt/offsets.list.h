/* SPDX-License-Identifier: MIT */
/*
 * The layout check: which structures of types.h are compared with which of the DDK, and their
 * fields.
 *
 *   S(DDK's structure, ours)           the sizes are equal
 *   F(DDK's structure, ours, field)    offset and size of the field are equal
 *   A(DDK's structure, ours)           the sizes are equal once rounded up to 16: Microsoft's
 * headers declare these with MEMORY_ALLOCATION_ALIGNMENT, MinGW's do not
 *
 * offsets/guest.c reads this list with the DDK's headers, offsets.c with ours.
 */
#define NT_LAYOUT_ALIGNED(A)                                                                       \
    A(_DEVICE_OBJECT, device_object)                                                               \
    A(_IRP, irp)

#define NT_LAYOUT_KE(S, F)                                                                         \
    S(_LIST_ENTRY, list_entry)                                                                     \
    F(_LIST_ENTRY, list_entry, Flink)                                                              \
    F(_LIST_ENTRY, list_entry, Blink)                                                              \
    S(_SINGLE_LIST_ENTRY, single_list_entry)                                                       \
    S(_SLIST_ENTRY, slist_entry)                                                                   \
    F(_SLIST_ENTRY, slist_entry, Next)                                                             \
    S(_UNICODE_STRING, unicode_string)                                                             \
    F(_UNICODE_STRING, unicode_string, Length)                                                     \
    F(_UNICODE_STRING, unicode_string, MaximumLength)                                              \
    F(_UNICODE_STRING, unicode_string, Buffer)                                                     \
    S(_STRING, ansi_string)                                                                        \
    F(_STRING, ansi_string, Length)                                                                \
    F(_STRING, ansi_string, MaximumLength)                                                         \
    F(_STRING, ansi_string, Buffer)                                                                \
    S(_GUID, guid)                                                                                 \
    F(_GUID, guid, Data4)                                                                          \
    S(_OBJECT_ATTRIBUTES, object_attributes)                                                       \
    F(_OBJECT_ATTRIBUTES, object_attributes, Length)                                               \
    F(_OBJECT_ATTRIBUTES, object_attributes, RootDirectory)                                        \
    F(_OBJECT_ATTRIBUTES, object_attributes, ObjectName)                                           \
    F(_OBJECT_ATTRIBUTES, object_attributes, Attributes)                                           \
    F(_OBJECT_ATTRIBUTES, object_attributes, SecurityDescriptor)                                   \
    F(_OBJECT_ATTRIBUTES, object_attributes, SecurityQualityOfService)                             \
    S(_CLIENT_ID, client_id)                                                                       \
    S(_DISPATCHER_HEADER, dispatcher_header)                                                       \
    F(_DISPATCHER_HEADER, dispatcher_header, Type)                                                 \
    F(_DISPATCHER_HEADER, dispatcher_header, Abandoned)                                            \
    F(_DISPATCHER_HEADER, dispatcher_header, Signalling)                                           \
    F(_DISPATCHER_HEADER, dispatcher_header, Size)                                                 \
    F(_DISPATCHER_HEADER, dispatcher_header, DpcActive)                                            \
    F(_DISPATCHER_HEADER, dispatcher_header, Lock)                                                 \
    F(_DISPATCHER_HEADER, dispatcher_header, SignalState)                                          \
    F(_DISPATCHER_HEADER, dispatcher_header, WaitListHead)                                         \
    S(_KEVENT, kevent)                                                                             \
    S(_KSEMAPHORE, ksemaphore)                                                                     \
    F(_KSEMAPHORE, ksemaphore, Limit)                                                              \
    S(_KMUTANT, kmutant)                                                                           \
    F(_KMUTANT, kmutant, MutantListEntry)                                                          \
    F(_KMUTANT, kmutant, OwnerThread)                                                              \
    F(_KMUTANT, kmutant, Abandoned)                                                                \
    F(_KMUTANT, kmutant, ApcDisable)                                                               \
    S(_KTIMER, ktimer)                                                                             \
    F(_KTIMER, ktimer, DueTime)                                                                    \
    F(_KTIMER, ktimer, TimerListEntry)                                                             \
    F(_KTIMER, ktimer, Dpc)                                                                        \
    F(_KTIMER, ktimer, Processor)                                                                  \
    F(_KTIMER, ktimer, Period)                                                                     \
    S(_KDPC, kdpc)                                                                                 \
    F(_KDPC, kdpc, Type)                                                                           \
    F(_KDPC, kdpc, Importance)                                                                     \
    F(_KDPC, kdpc, Number)                                                                         \
    F(_KDPC, kdpc, DpcListEntry)                                                                   \
    F(_KDPC, kdpc, DeferredRoutine)                                                                \
    F(_KDPC, kdpc, DeferredContext)                                                                \
    F(_KDPC, kdpc, SystemArgument1)                                                                \
    F(_KDPC, kdpc, SystemArgument2)                                                                \
    F(_KDPC, kdpc, DpcData)                                                                        \
    S(_KAPC, kapc)                                                                                 \
    F(_KAPC, kapc, Type)                                                                           \
    F(_KAPC, kapc, Size)                                                                           \
    F(_KAPC, kapc, Thread)                                                                         \
    F(_KAPC, kapc, ApcListEntry)                                                                   \
    F(_KAPC, kapc, KernelRoutine)                                                                  \
    F(_KAPC, kapc, RundownRoutine)                                                                 \
    F(_KAPC, kapc, NormalRoutine)                                                                  \
    F(_KAPC, kapc, NormalContext)                                                                  \
    F(_KAPC, kapc, SystemArgument1)                                                                \
    F(_KAPC, kapc, SystemArgument2)                                                                \
    F(_KAPC, kapc, ApcStateIndex)                                                                  \
    F(_KAPC, kapc, ApcMode)                                                                        \
    F(_KAPC, kapc, Inserted)                                                                       \
    S(_KSPIN_LOCK_QUEUE, kspin_lock_queue)                                                         \
    F(_KSPIN_LOCK_QUEUE, kspin_lock_queue, Next)                                                   \
    F(_KSPIN_LOCK_QUEUE, kspin_lock_queue, Lock)                                                   \
    S(_KLOCK_QUEUE_HANDLE, klock_queue_handle)                                                     \
    F(_KLOCK_QUEUE_HANDLE, klock_queue_handle, LockQueue)                                          \
    F(_KLOCK_QUEUE_HANDLE, klock_queue_handle, OldIrql)                                            \
    S(_KGUARDED_MUTEX, kguarded_mutex)                                                             \
    F(_KGUARDED_MUTEX, kguarded_mutex, Count)                                                      \
    F(_KGUARDED_MUTEX, kguarded_mutex, Owner)                                                      \
    F(_KGUARDED_MUTEX, kguarded_mutex, Contention)                                                 \
    F(_KGUARDED_MUTEX, kguarded_mutex, Gate)                                                       \
    F(_KGUARDED_MUTEX, kguarded_mutex, CombinedApcDisable)                                         \
    S(_KDEVICE_QUEUE_ENTRY, kdevice_queue_entry)                                                   \
    F(_KDEVICE_QUEUE_ENTRY, kdevice_queue_entry, DeviceListEntry)                                  \
    F(_KDEVICE_QUEUE_ENTRY, kdevice_queue_entry, SortKey)                                          \
    F(_KDEVICE_QUEUE_ENTRY, kdevice_queue_entry, Inserted)                                         \
    S(_KDEVICE_QUEUE, kdevice_queue)                                                               \
    F(_KDEVICE_QUEUE, kdevice_queue, Type)                                                         \
    F(_KDEVICE_QUEUE, kdevice_queue, Size)                                                         \
    F(_KDEVICE_QUEUE, kdevice_queue, DeviceListHead)                                               \
    F(_KDEVICE_QUEUE, kdevice_queue, Lock)                                                         \
    F(_KDEVICE_QUEUE, kdevice_queue, Busy)

#define NT_LAYOUT_EX(S, F)                                                                         \
    S(_FAST_MUTEX, fast_mutex)                                                                     \
    F(_FAST_MUTEX, fast_mutex, Count)                                                              \
    F(_FAST_MUTEX, fast_mutex, Owner)                                                              \
    F(_FAST_MUTEX, fast_mutex, Contention)                                                         \
    F(_FAST_MUTEX, fast_mutex, Event)                                                              \
    F(_FAST_MUTEX, fast_mutex, OldIrql)                                                            \
    S(_OWNER_ENTRY, owner_entry)                                                                   \
    F(_OWNER_ENTRY, owner_entry, OwnerThread)                                                      \
    F(_OWNER_ENTRY, owner_entry, TableSize)                                                        \
    S(_ERESOURCE, eresource)                                                                       \
    F(_ERESOURCE, eresource, SystemResourcesList)                                                  \
    F(_ERESOURCE, eresource, OwnerTable)                                                           \
    F(_ERESOURCE, eresource, ActiveCount)                                                          \
    F(_ERESOURCE, eresource, Flag)                                                                 \
    F(_ERESOURCE, eresource, SharedWaiters)                                                        \
    F(_ERESOURCE, eresource, ExclusiveWaiters)                                                     \
    F(_ERESOURCE, eresource, OwnerEntry)                                                           \
    F(_ERESOURCE, eresource, ActiveEntries)                                                        \
    F(_ERESOURCE, eresource, ContentionCount)                                                      \
    F(_ERESOURCE, eresource, NumberOfSharedWaiters)                                                \
    F(_ERESOURCE, eresource, NumberOfExclusiveWaiters)                                             \
    F(_ERESOURCE, eresource, Reserved2)                                                            \
    F(_ERESOURCE, eresource, Address)                                                              \
    F(_ERESOURCE, eresource, SpinLock)                                                             \
    S(_WORK_QUEUE_ITEM, work_queue_item)                                                           \
    F(_WORK_QUEUE_ITEM, work_queue_item, List)                                                     \
    F(_WORK_QUEUE_ITEM, work_queue_item, WorkerRoutine)                                            \
    F(_WORK_QUEUE_ITEM, work_queue_item, Parameter)                                                \
    S(_EX_RUNDOWN_REF, ex_rundown_ref)                                                             \
    S(_GENERAL_LOOKASIDE, general_lookaside)                                                       \
    F(_GENERAL_LOOKASIDE, general_lookaside, ListHead)                                             \
    F(_GENERAL_LOOKASIDE, general_lookaside, Depth)                                                \
    F(_GENERAL_LOOKASIDE, general_lookaside, MaximumDepth)                                         \
    F(_GENERAL_LOOKASIDE, general_lookaside, TotalAllocates)                                       \
    F(_GENERAL_LOOKASIDE, general_lookaside, AllocateMisses)                                       \
    F(_GENERAL_LOOKASIDE, general_lookaside, TotalFrees)                                           \
    F(_GENERAL_LOOKASIDE, general_lookaside, FreeMisses)                                           \
    F(_GENERAL_LOOKASIDE, general_lookaside, Type)                                                 \
    F(_GENERAL_LOOKASIDE, general_lookaside, Tag)                                                  \
    F(_GENERAL_LOOKASIDE, general_lookaside, Size)                                                 \
    F(_GENERAL_LOOKASIDE, general_lookaside, Allocate)                                             \
    F(_GENERAL_LOOKASIDE, general_lookaside, Free)                                                 \
    F(_GENERAL_LOOKASIDE, general_lookaside, ListEntry)                                            \
    F(_GENERAL_LOOKASIDE, general_lookaside, LastTotalAllocates)                                   \
    F(_GENERAL_LOOKASIDE, general_lookaside, LastAllocateMisses)                                   \
    F(_GENERAL_LOOKASIDE, general_lookaside, Future)                                               \
    S(_PAGED_LOOKASIDE_LIST, paged_lookaside_list)                                                 \
    S(_NPAGED_LOOKASIDE_LIST, npaged_lookaside_list)                                               \
    S(_MDL, mdl)                                                                                   \
    F(_MDL, mdl, Next)                                                                             \
    F(_MDL, mdl, Size)                                                                             \
    F(_MDL, mdl, MdlFlags)                                                                         \
    F(_MDL, mdl, Process)                                                                          \
    F(_MDL, mdl, MappedSystemVa)                                                                   \
    F(_MDL, mdl, StartVa)                                                                          \
    F(_MDL, mdl, ByteCount)                                                                        \
    F(_MDL, mdl, ByteOffset)

#define NT_LAYOUT_OBJECTS(S, F)                                                                    \
    S(_IO_STATUS_BLOCK, io_status_block)                                                           \
    F(_IO_STATUS_BLOCK, io_status_block, Status)                                                   \
    F(_IO_STATUS_BLOCK, io_status_block, Information)                                              \
    S(_VPB, vpb)                                                                                   \
    F(_VPB, vpb, Flags)                                                                            \
    F(_VPB, vpb, DeviceObject)                                                                     \
    F(_VPB, vpb, RealDevice)                                                                       \
    F(_VPB, vpb, SerialNumber)                                                                     \
    F(_VPB, vpb, ReferenceCount)                                                                   \
    F(_VPB, vpb, VolumeLabel)                                                                      \
    S(_WAIT_CONTEXT_BLOCK, wait_context_block)                                                     \
    F(_WAIT_CONTEXT_BLOCK, wait_context_block, WaitQueueEntry)                                     \
    F(_WAIT_CONTEXT_BLOCK, wait_context_block, DeviceRoutine)                                      \
    F(_WAIT_CONTEXT_BLOCK, wait_context_block, DeviceContext)                                      \
    F(_WAIT_CONTEXT_BLOCK, wait_context_block, NumberOfMapRegisters)                               \
    F(_WAIT_CONTEXT_BLOCK, wait_context_block, DeviceObject)                                       \
    F(_WAIT_CONTEXT_BLOCK, wait_context_block, CurrentIrp)                                         \
    F(_WAIT_CONTEXT_BLOCK, wait_context_block, BufferChainingDpc)                                  \
    F(_DEVICE_OBJECT, device_object, Type)                                                         \
    F(_DEVICE_OBJECT, device_object, Size)                                                         \
    F(_DEVICE_OBJECT, device_object, ReferenceCount)                                               \
    F(_DEVICE_OBJECT, device_object, DriverObject)                                                 \
    F(_DEVICE_OBJECT, device_object, NextDevice)                                                   \
    F(_DEVICE_OBJECT, device_object, AttachedDevice)                                               \
    F(_DEVICE_OBJECT, device_object, CurrentIrp)                                                   \
    F(_DEVICE_OBJECT, device_object, Timer)                                                        \
    F(_DEVICE_OBJECT, device_object, Flags)                                                        \
    F(_DEVICE_OBJECT, device_object, Characteristics)                                              \
    F(_DEVICE_OBJECT, device_object, Vpb)                                                          \
    F(_DEVICE_OBJECT, device_object, DeviceExtension)                                              \
    F(_DEVICE_OBJECT, device_object, DeviceType)                                                   \
    F(_DEVICE_OBJECT, device_object, StackSize)                                                    \
    F(_DEVICE_OBJECT, device_object, Queue)                                                        \
    F(_DEVICE_OBJECT, device_object, AlignmentRequirement)                                         \
    F(_DEVICE_OBJECT, device_object, DeviceQueue)                                                  \
    F(_DEVICE_OBJECT, device_object, Dpc)                                                          \
    F(_DEVICE_OBJECT, device_object, ActiveThreadCount)                                            \
    F(_DEVICE_OBJECT, device_object, SecurityDescriptor)                                           \
    F(_DEVICE_OBJECT, device_object, DeviceLock)                                                   \
    F(_DEVICE_OBJECT, device_object, SectorSize)                                                   \
    F(_DEVICE_OBJECT, device_object, DeviceObjectExtension)                                        \
    F(_DEVICE_OBJECT, device_object, Reserved)                                                     \
    F(_DEVOBJ_EXTENSION, devobj_extension, Type)                                                   \
    F(_DEVOBJ_EXTENSION, devobj_extension, Size)                                                   \
    F(_DEVOBJ_EXTENSION, devobj_extension, DeviceObject)                                           \
    S(_DRIVER_EXTENSION, driver_extension)                                                         \
    F(_DRIVER_EXTENSION, driver_extension, DriverObject)                                           \
    F(_DRIVER_EXTENSION, driver_extension, AddDevice)                                              \
    F(_DRIVER_EXTENSION, driver_extension, Count)                                                  \
    F(_DRIVER_EXTENSION, driver_extension, ServiceKeyName)                                         \
    S(_DRIVER_OBJECT, driver_object)                                                               \
    F(_DRIVER_OBJECT, driver_object, Type)                                                         \
    F(_DRIVER_OBJECT, driver_object, Size)                                                         \
    F(_DRIVER_OBJECT, driver_object, DeviceObject)                                                 \
    F(_DRIVER_OBJECT, driver_object, Flags)                                                        \
    F(_DRIVER_OBJECT, driver_object, DriverStart)                                                  \
    F(_DRIVER_OBJECT, driver_object, DriverSize)                                                   \
    F(_DRIVER_OBJECT, driver_object, DriverSection)                                                \
    F(_DRIVER_OBJECT, driver_object, DriverExtension)                                              \
    F(_DRIVER_OBJECT, driver_object, DriverName)                                                   \
    F(_DRIVER_OBJECT, driver_object, HardwareDatabase)                                             \
    F(_DRIVER_OBJECT, driver_object, FastIoDispatch)                                               \
    F(_DRIVER_OBJECT, driver_object, DriverInit)                                                   \
    F(_DRIVER_OBJECT, driver_object, DriverStartIo)                                                \
    F(_DRIVER_OBJECT, driver_object, DriverUnload)                                                 \
    F(_DRIVER_OBJECT, driver_object, MajorFunction)                                                \
    F(_FAST_IO_DISPATCH, fast_io_dispatch, SizeOfFastIoDispatch)                                   \
    F(_FAST_IO_DISPATCH, fast_io_dispatch, FastIoCheckIfPossible)                                  \
    F(_FAST_IO_DISPATCH, fast_io_dispatch, FastIoDeviceControl)                                    \
    F(_FAST_IO_DISPATCH, fast_io_dispatch, FastIoDetachDevice)                                     \
    S(_FILE_OBJECT, file_object)                                                                   \
    F(_FILE_OBJECT, file_object, Type)                                                             \
    F(_FILE_OBJECT, file_object, Size)                                                             \
    F(_FILE_OBJECT, file_object, DeviceObject)                                                     \
    F(_FILE_OBJECT, file_object, Vpb)                                                              \
    F(_FILE_OBJECT, file_object, FsContext)                                                        \
    F(_FILE_OBJECT, file_object, FsContext2)                                                       \
    F(_FILE_OBJECT, file_object, SectionObjectPointer)                                             \
    F(_FILE_OBJECT, file_object, PrivateCacheMap)                                                  \
    F(_FILE_OBJECT, file_object, FinalStatus)                                                      \
    F(_FILE_OBJECT, file_object, RelatedFileObject)                                                \
    F(_FILE_OBJECT, file_object, LockOperation)                                                    \
    F(_FILE_OBJECT, file_object, DeletePending)                                                    \
    F(_FILE_OBJECT, file_object, ReadAccess)                                                       \
    F(_FILE_OBJECT, file_object, WriteAccess)                                                      \
    F(_FILE_OBJECT, file_object, DeleteAccess)                                                     \
    F(_FILE_OBJECT, file_object, SharedRead)                                                       \
    F(_FILE_OBJECT, file_object, SharedWrite)                                                      \
    F(_FILE_OBJECT, file_object, SharedDelete)                                                     \
    F(_FILE_OBJECT, file_object, Flags)                                                            \
    F(_FILE_OBJECT, file_object, FileName)                                                         \
    F(_FILE_OBJECT, file_object, CurrentByteOffset)                                                \
    F(_FILE_OBJECT, file_object, Waiters)                                                          \
    F(_FILE_OBJECT, file_object, Busy)                                                             \
    F(_FILE_OBJECT, file_object, LastLock)                                                         \
    F(_FILE_OBJECT, file_object, Lock)                                                             \
    F(_FILE_OBJECT, file_object, Event)                                                            \
    F(_FILE_OBJECT, file_object, CompletionContext)                                                \
    F(_FILE_OBJECT, file_object, IrpListLock)                                                      \
    F(_FILE_OBJECT, file_object, IrpList)                                                          \
    F(_FILE_OBJECT, file_object, FileObjectExtension)                                              \
    S(_IO_COMPLETION_CONTEXT, io_completion_context)                                               \
    S(_SHARE_ACCESS, share_access)                                                                 \
    F(_SHARE_ACCESS, share_access, SharedDelete)                                                   \
    S(_IO_ERROR_LOG_PACKET, io_error_log_packet)                                                   \
    F(_IO_ERROR_LOG_PACKET, io_error_log_packet, DumpDataSize)                                     \
    F(_IO_ERROR_LOG_PACKET, io_error_log_packet, ErrorCode)                                        \
    F(_IO_ERROR_LOG_PACKET, io_error_log_packet, UniqueErrorValue)                                 \
    F(_IO_ERROR_LOG_PACKET, io_error_log_packet, FinalStatus)                                      \
    F(_IO_ERROR_LOG_PACKET, io_error_log_packet, DeviceOffset)                                     \
    F(_IO_ERROR_LOG_PACKET, io_error_log_packet, DumpData)                                         \
    S(_DEVICE_CAPABILITIES, device_capabilities)                                                   \
    F(_DEVICE_CAPABILITIES, device_capabilities, Size)                                             \
    F(_DEVICE_CAPABILITIES, device_capabilities, Version)                                          \
    F(_DEVICE_CAPABILITIES, device_capabilities, Address)                                          \
    F(_DEVICE_CAPABILITIES, device_capabilities, UINumber)                                         \
    F(_DEVICE_CAPABILITIES, device_capabilities, DeviceState)                                      \
    F(_DEVICE_CAPABILITIES, device_capabilities, SystemWake)                                       \
    F(_DEVICE_CAPABILITIES, device_capabilities, D3Latency)                                        \
    S(_DEVICE_RELATIONS, device_relations)                                                         \
    F(_DEVICE_RELATIONS, device_relations, Objects)                                                \
    S(_IO_SECURITY_CONTEXT, io_security_context)                                                   \
    F(_IO_SECURITY_CONTEXT, io_security_context, DesiredAccess)                                    \
    F(_IO_SECURITY_CONTEXT, io_security_context, FullCreateOptions)

#define NT_LAYOUT_IRP(S, F)                                                                        \
    S(_IO_STACK_LOCATION, io_stack_location)                                                       \
    F(_IO_STACK_LOCATION, io_stack_location, MajorFunction)                                        \
    F(_IO_STACK_LOCATION, io_stack_location, MinorFunction)                                        \
    F(_IO_STACK_LOCATION, io_stack_location, Flags)                                                \
    F(_IO_STACK_LOCATION, io_stack_location, Control)                                              \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters)                                           \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Create.SecurityContext)                    \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Create.Options)                            \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Create.FileAttributes)                     \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Create.ShareAccess)                        \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Create.EaLength)                           \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Read.Length)                               \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Read.Key)                                  \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Read.Flags)                                \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Read.ByteOffset)                           \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Write.Length)                              \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Write.ByteOffset)                          \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryFile.Length)                          \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryFile.FileInformationClass)            \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.DeviceIoControl.OutputBufferLength)        \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.DeviceIoControl.InputBufferLength)         \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.DeviceIoControl.IoControlCode)             \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.DeviceIoControl.Type3InputBuffer)          \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.FileSystemControl.OutputBufferLength)      \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.FileSystemControl.InputBufferLength)       \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.FileSystemControl.FsControlCode)           \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.FileSystemControl.Type3InputBuffer)        \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.MountVolume.DeviceObject)                  \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Scsi.Srb)                                  \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryDeviceRelations.Type)                 \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryInterface.InterfaceType)              \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryInterface.Size)                       \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryInterface.Version)                    \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryInterface.Interface)                  \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.DeviceCapabilities.Capabilities)           \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryId.IdType)                            \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.QueryDeviceText.LocaleId)                  \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.UsageNotification.InPath)                  \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.UsageNotification.Type)                    \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.WaitWake.PowerState)                       \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Power.SystemContext)                       \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Power.Type)                                \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Power.State)                               \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Power.ShutdownType)                        \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.StartDevice.AllocatedResources)            \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.WMI.ProviderId)                            \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.WMI.Buffer)                                \
    F(_IO_STACK_LOCATION, io_stack_location, Parameters.Others.Argument4)                          \
    F(_IO_STACK_LOCATION, io_stack_location, DeviceObject)                                         \
    F(_IO_STACK_LOCATION, io_stack_location, FileObject)                                           \
    F(_IO_STACK_LOCATION, io_stack_location, CompletionRoutine)                                    \
    F(_IO_STACK_LOCATION, io_stack_location, Context)                                              \
    F(_IRP, irp, Type)                                                                             \
    F(_IRP, irp, Size)                                                                             \
    F(_IRP, irp, MdlAddress)                                                                       \
    F(_IRP, irp, Flags)                                                                            \
    F(_IRP, irp, AssociatedIrp.MasterIrp)                                                          \
    F(_IRP, irp, AssociatedIrp.IrpCount)                                                           \
    F(_IRP, irp, AssociatedIrp.SystemBuffer)                                                       \
    F(_IRP, irp, ThreadListEntry)                                                                  \
    F(_IRP, irp, IoStatus)                                                                         \
    F(_IRP, irp, RequestorMode)                                                                    \
    F(_IRP, irp, PendingReturned)                                                                  \
    F(_IRP, irp, StackCount)                                                                       \
    F(_IRP, irp, CurrentLocation)                                                                  \
    F(_IRP, irp, Cancel)                                                                           \
    F(_IRP, irp, CancelIrql)                                                                       \
    F(_IRP, irp, ApcEnvironment)                                                                   \
    F(_IRP, irp, AllocationFlags)                                                                  \
    F(_IRP, irp, UserIosb)                                                                         \
    F(_IRP, irp, UserEvent)                                                                        \
    F(_IRP, irp, Overlay.AsynchronousParameters.UserApcRoutine)                                    \
    F(_IRP, irp, Overlay.AsynchronousParameters.UserApcContext)                                    \
    F(_IRP, irp, Overlay.AllocationSize)                                                           \
    F(_IRP, irp, CancelRoutine)                                                                    \
    F(_IRP, irp, UserBuffer)                                                                       \
    F(_IRP, irp, Tail)                                                                             \
    F(_IRP, irp, Tail.Overlay.DeviceQueueEntry)                                                    \
    F(_IRP, irp, Tail.Overlay.DriverContext)                                                       \
    F(_IRP, irp, Tail.Overlay.Thread)                                                              \
    F(_IRP, irp, Tail.Overlay.AuxiliaryBuffer)                                                     \
    F(_IRP, irp, Tail.Overlay.ListEntry)                                                           \
    F(_IRP, irp, Tail.Overlay.CurrentStackLocation)                                                \
    F(_IRP, irp, Tail.Overlay.OriginalFileObject)                                                  \
    F(_IRP, irp, Tail.Apc)                                                                         \
    F(_IRP, irp, Tail.CompletionKey)                                                               \
    S(_IO_REMOVE_LOCK_COMMON_BLOCK, io_remove_lock_common_block)                                   \
    F(_IO_REMOVE_LOCK_COMMON_BLOCK, io_remove_lock_common_block, Removed)                          \
    F(_IO_REMOVE_LOCK_COMMON_BLOCK, io_remove_lock_common_block, IoCount)                          \
    F(_IO_REMOVE_LOCK_COMMON_BLOCK, io_remove_lock_common_block, RemoveEvent)                      \
    S(_IO_REMOVE_LOCK, io_remove_lock)                                                             \
    S(_IO_REMOVE_LOCK_DBG_BLOCK, io_remove_lock_dbg_block)                                         \
    F(_IO_REMOVE_LOCK_DBG_BLOCK, io_remove_lock_dbg_block, LockList)                               \
    F(_IO_REMOVE_LOCK_DBG_BLOCK, io_remove_lock_dbg_block, Blocks)                                 \
    S(_IO_CSQ, io_csq)                                                                             \
    F(_IO_CSQ, io_csq, Type)                                                                       \
    F(_IO_CSQ, io_csq, CsqInsertIrp)                                                               \
    F(_IO_CSQ, io_csq, CsqRemoveIrp)                                                               \
    F(_IO_CSQ, io_csq, CsqPeekNextIrp)                                                             \
    F(_IO_CSQ, io_csq, CsqAcquireLock)                                                             \
    F(_IO_CSQ, io_csq, CsqReleaseLock)                                                             \
    F(_IO_CSQ, io_csq, CsqCompleteCanceledIrp)                                                     \
    F(_IO_CSQ, io_csq, ReservePointer)                                                             \
    S(_IO_CSQ_IRP_CONTEXT, io_csq_irp_context)                                                     \
    F(_IO_CSQ_IRP_CONTEXT, io_csq_irp_context, Type)                                               \
    F(_IO_CSQ_IRP_CONTEXT, io_csq_irp_context, Irp)                                                \
    F(_IO_CSQ_IRP_CONTEXT, io_csq_irp_context, Csq)

#define NT_LAYOUT_PNP(S, F)                                                                        \
    S(_CM_PARTIAL_RESOURCE_DESCRIPTOR, cm_partial_resource)                                        \
    F(_CM_PARTIAL_RESOURCE_DESCRIPTOR, cm_partial_resource, Flags)                                 \
    F(_CM_PARTIAL_RESOURCE_DESCRIPTOR, cm_partial_resource, u.Generic.Start)                       \
    F(_CM_PARTIAL_RESOURCE_DESCRIPTOR, cm_partial_resource, u.Generic.Length)                      \
    F(_CM_PARTIAL_RESOURCE_DESCRIPTOR, cm_partial_resource, u.Interrupt.Vector)                    \
    F(_CM_PARTIAL_RESOURCE_DESCRIPTOR, cm_partial_resource, u.Interrupt.Affinity)                  \
    S(_CM_RESOURCE_LIST, cm_resource_list)                                                         \
    S(_CM_FULL_RESOURCE_DESCRIPTOR, cm_full_resource)                                              \
    F(_CM_FULL_RESOURCE_DESCRIPTOR, cm_full_resource, PartialResourceList)                         \
    S(_IO_RESOURCE_DESCRIPTOR, io_resource)                                                        \
    F(_IO_RESOURCE_DESCRIPTOR, io_resource, u.Generic.MaximumAddress)                              \
    F(_IO_RESOURCE_DESCRIPTOR, io_resource, u.Interrupt.MaximumVector)                             \
    S(_IO_RESOURCE_REQUIREMENTS_LIST, io_resource_requirements)                                    \
    F(_IO_RESOURCE_REQUIREMENTS_LIST, io_resource_requirements, AlternativeLists)                  \
    F(_IO_RESOURCE_REQUIREMENTS_LIST, io_resource_requirements, List)                              \
    S(_PNP_BUS_INFORMATION, pnp_bus_information)                                                   \
    S(_PLUGPLAY_NOTIFICATION_HEADER, pnp_notification_header)                                      \
    S(_DEVICE_INTERFACE_CHANGE_NOTIFICATION, device_interface_change)                              \
    F(_DEVICE_INTERFACE_CHANGE_NOTIFICATION, device_interface_change, SymbolicLinkName)            \
    S(_TARGET_DEVICE_REMOVAL_NOTIFICATION, target_device_removal)                                  \
    F(_TARGET_DEVICE_REMOVAL_NOTIFICATION, target_device_removal, FileObject)                      \
    F(_TARGET_DEVICE_CUSTOM_NOTIFICATION, target_device_custom, NameBufferOffset)                  \
    F(_TARGET_DEVICE_CUSTOM_NOTIFICATION, target_device_custom, CustomDataBuffer)

#define NT_LAYOUT_INTERRUPT(S, F)                                                                  \
    S(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters)                                      \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.InterruptObject)      \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.SpinLock)             \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.SynchronizeIrql)      \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.ShareVector)          \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.Vector)               \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.Irql)                 \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.InterruptMode)        \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.ProcessorEnableMask)  \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, FullySpecified.Group)                \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, LineBased.ServiceContext)            \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, LineBased.SynchronizeIrql)           \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, MessageBased.ConnectionContext)      \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, MessageBased.MessageServiceRoutine)  \
    F(_IO_CONNECT_INTERRUPT_PARAMETERS, interrupt_parameters, MessageBased.FallBackServiceRoutine) \
    S(_IO_DISCONNECT_INTERRUPT_PARAMETERS, interrupt_connection)                                   \
    F(_IO_DISCONNECT_INTERRUPT_PARAMETERS, interrupt_connection, ConnectionContext)
