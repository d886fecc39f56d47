/* SPDX-License-Identifier: MIT */
/*
 * What each rule of a run says; texts_advisor.c has the others.
 *
 * `document` names where Microsoft's documents state the rule and restates it in our words.
 * Paragraphs are one string without line breaks; fragments of code have them.
 */
#include "finding/texts.h"

const struct rule_text run_texts[RUN_RULE_COUNT] = {
    /* ---- pageable code and data at raised IRQL ---- */

    RULE(PAGEABLE_AT_RAISED_IRQL, .title = "pageable code or data used at DISPATCH_LEVEL or above",
         .document = "MmLockPagableCodeSection: a driver locks a section because its routines must "
                     "be resident when they run at DISPATCH_LEVEL or above. A page fault there "
                     "cannot be served.",
         .cause = "The section's lock count was 0 and its page was out of memory when it was run, "
                  "read or written at raised IRQL. On a customer's machine the page is usually "
                  "there, so the same mistake shows only under memory pressure; pagable takes "
                  "unlocked pages away at every raise, so it shows at once. With --strict a page "
                  "that happens to be resident counts too.",
         .fix = "lock the section first (MmLockPagableCodeSection), or move the routine or datum "
                "out of it",
         .wrong = "#pragma alloc_text(PAGE, CountBytes)\n"
                  "KeAcquireSpinLock(&Extension->Lock, &Irql);\n"
                  "CountBytes(Extension);                  /* may be out */\n"
                  "KeReleaseSpinLock(&Extension->Lock, Irql);",
         .right = "/* CountBytes is in .text: no alloc_text for it */\n"
                  "KeAcquireSpinLock(&Extension->Lock, &Irql);\n"
                  "CountBytes(Extension);\n"
                  "KeReleaseSpinLock(&Extension->Lock, Irql);"),

    RULE(SPIN_LOCK_IN_PAGEABLE, .title = "spin lock acquired by code in an unlocked PAGE section",
         .document = "Isolating Pageable Code: a routine that uses a spin lock cannot be paged; "
                     "move what needs the lock into a routine of its own that is resident.",
         .cause = "Acquiring a spin lock raises the IRQL to DISPATCH_LEVEL, and the caller goes on "
                  "in its PAGE section, which nothing holds in memory. Often the acquire was "
                  "inlined there from a small helper, or added later to a routine that was "
                  "pageable for good reason; PAGED_CODE at its entry notices neither.",
         .fix = "move the lines that hold the lock into a routine outside of the section, or lock "
                "the section around the call",
         .wrong = "#pragma alloc_text(PAGE, Unmount)\n"
                  "VOID Unmount(PDEVICE Device)\n"
                  "{\n"
                  "    KeAcquireSpinLock(&DatabaseLock, &Irql);\n"
                  "    Device->References--;\n"
                  "    KeReleaseSpinLock(&DatabaseLock, Irql);\n"
                  "}",
         .right = "/* in .text, and kept out of line */\n"
                  "DECLSPEC_NOINLINE VOID DropReference(PDEVICE Device)\n"
                  "{\n"
                  "    KeAcquireSpinLock(&DatabaseLock, &Irql);\n"
                  "    Device->References--;\n"
                  "    KeReleaseSpinLock(&DatabaseLock, Irql);\n"
                  "}\n"
                  "\n"
                  "#pragma alloc_text(PAGE, Unmount)\n"
                  "VOID Unmount(PDEVICE Device) { DropReference(Device); }"),

    RULE(RAISE_IN_PAGEABLE, .title = "IRQL raised by code in an unlocked PAGE section",
         .document = "Isolating Pageable Code gives spin locks as the example; whatever raises the "
                     "IRQL to DISPATCH_LEVEL does the same to the code that follows.",
         .cause = "KeRaiseIrql, KfRaiseIrql, KeRaiseIrqlToDpcLevel or an inlined write to CR8 "
                  "returned into a PAGE section that nothing holds in memory. The next "
                  "instruction may be out.",
         .fix = "raise the IRQL in a routine outside of the section, or lock the section first",
         .wrong = "#pragma alloc_text(PAGE, Sample)\n"
                  "KeRaiseIrql(DISPATCH_LEVEL, &Irql);     /* in Sample */\n"
                  "ReadCounters(Extension);\n"
                  "KeLowerIrql(Irql);",
         .right = "/* ReadCountersRaised is in .text and raises the IRQL itself */\n"
                  "#pragma alloc_text(PAGE, Sample)\n"
                  "ReadCountersRaised(Extension);"),

    RULE(WAIT_TRUE_IN_PAGEABLE, .title = "Wait parameter TRUE in code of an unlocked PAGE section",
         .document = "Isolating Pageable Code: driver code must not be marked as pageable if it "
                     "calls KeReleaseMutex, KeReleaseSemaphore or the like with Wait set to TRUE: "
                     "the call returns at DISPATCH_LEVEL.",
         .cause = "With Wait TRUE the dispatcher stays locked until the wait that must follow, and "
                  "the IRQL stays at DISPATCH_LEVEL. The code between the two calls is in a PAGE "
                  "section that nothing holds in memory.",
         .fix = "pass FALSE, or move the two calls into a routine outside of the section",
         .wrong = "#pragma alloc_text(PAGE, HandOver)\n"
                  "KeReleaseMutex(&Extension->Mutex, TRUE);    /* in HandOver */\n"
                  "KeWaitForSingleObject(&Extension->Done, Executive, KernelMode, FALSE, NULL);",
         .right = "#pragma alloc_text(PAGE, HandOver)\n"
                  "KeReleaseMutex(&Extension->Mutex, FALSE);\n"
                  "KeWaitForSingleObject(&Extension->Done, Executive, KernelMode, FALSE, NULL);"),

    RULE(WAIT_TRUE_WITHOUT_WAIT, .title = "Wait parameter TRUE, but no wait followed",
         .document = "KeSetEvent, KePulseEvent, KeReleaseMutex, KeReleaseSemaphore: with Wait TRUE "
                     "the call must be followed at once by a call of a KeWaitXxx routine.",
         .cause = "The dispatcher is left locked at DISPATCH_LEVEL for the wait to take over. "
                  "Another call, or a return to the system, runs at an IRQL that nobody asked "
                  "for.",
         .fix = "pass FALSE unless the very next call is KeWaitForSingleObject, "
                "KeWaitForMultipleObjects or KeWaitForMutexObject",
         .wrong = "KeSetEvent(&Extension->Event, IO_NO_INCREMENT, TRUE);\n"
                  "return STATUS_SUCCESS;",
         .right = "KeSetEvent(&Extension->Event, IO_NO_INCREMENT, FALSE);\n"
                  "return STATUS_SUCCESS;"),

    RULE(MUST_BE_RESIDENT_ROLE, .title = "routine that must be resident is in PAGE or INIT",
         .document =
             "MmLockPagableCodeSection: never make an ISR pageable, nor a DPC routine whose "
             "queueing the driver cannot control, nor whatever runs at DISPATCH_LEVEL or "
             "above in an arbitrary thread or after a random external event.",
         .cause = "An interrupt service routine, DPC, completion routine, cancel routine, StartIo "
                  "or timer routine was handed to the system while it lay in an unlocked PAGE "
                  "section, or in INIT. The system calls it at raised IRQL at a moment of its own "
                  "choice. A section that is locked when the routine is handed over is accepted, "
                  "but never for an ISR in INIT.",
         .fix = "move the routine out of the section, or lock the section before the routine is "
                "registered or queued",
         .wrong = "#pragma alloc_text(PAGE, TimeoutDpc)\n"
                  "KeInitializeDpc(&Extension->Dpc, TimeoutDpc, Extension);\n"
                  "KeSetTimer(&Extension->Timer, DueTime, &Extension->Dpc);",
         .right = "/* no alloc_text: TimeoutDpc stays in .text */\n"
                  "KeInitializeDpc(&Extension->Dpc, TimeoutDpc, Extension);\n"
                  "KeSetTimer(&Extension->Timer, DueTime, &Extension->Dpc);"),

    RULE(PAGING_PATH_PAGEABLE, .title = "pageable dispatch routine on the way to a paging file",
         .document = "MmLockPagableCodeSection: DispatchRead and DispatchWrite of the driver of a "
                     "disk that may hold the paging file, and of all drivers above it, must be "
                     "resident. IRP_MN_DEVICE_USAGE_NOTIFICATION asks for the same of the "
                     "device-control and power routines, and for DO_POWER_PAGABLE to be clear.",
         .cause = "A device agreed to hold a paging file, and a routine that the memory manager "
                  "needs for bringing pages in could itself be out, or its power requests come "
                  "at an IRQL at which they may wait for pages. The first page fault on the way "
                  "never ends.",
         .fix = "lock those routines (MmLockPagableCodeSection) and clear DO_POWER_PAGABLE before "
                "the notification succeeds, or fail it",
         .wrong = "#pragma alloc_text(PAGE, FilterRead)\n"
                  "case IRP_MN_DEVICE_USAGE_NOTIFICATION:\n"
                  "    return PassDown(Device, Irp);",
         .right = "case IRP_MN_DEVICE_USAGE_NOTIFICATION:\n"
                  "    if (Stack->Parameters.UsageNotification.InPath) {\n"
                  "        Extension->Paging = MmLockPagableCodeSection(FilterRead);\n"
                  "        Device->Flags &= ~DO_POWER_PAGABLE;\n"
                  "    }\n"
                  "    return PassDown(Device, Irp);"),

    RULE(SYNC_OBJECT_PAGEABLE, .title = "synchronization object in pageable memory",
         .document = "The pages of KeInitializeEvent, KeInitializeSpinLock, KeInitializeDpc, "
                     "ExInitializeResourceLite and their like: the caller provides resident "
                     "storage.",
         .cause = "The system reads and writes events, mutexes, semaphores, timers, DPCs, spin "
                  "locks, remove locks, resources and lookaside headers at DISPATCH_LEVEL, from "
                  "any thread. This one lies in paged pool or in a pageable section of a driver, "
                  "so it may be out at that moment.",
         .fix = "put the object into the device extension or nonpaged pool, or into a section that "
                "is not pageable",
         .wrong = "Context = ExAllocatePoolWithTag(PagedPool, sizeof *Context, TAG);\n"
                  "KeInitializeEvent(&Context->Done, NotificationEvent, FALSE);",
         .right = "Context = ExAllocatePoolWithTag(NonPagedPool, sizeof *Context, TAG);\n"
                  "KeInitializeEvent(&Context->Done, NotificationEvent, FALSE);"),

    RULE(
        WORK_ITEM_PAGEABLE, .title = "work item queued in pageable memory",
        .document = "ExInitializeWorkItem, ExQueueWorkItem, IoInitializeWorkItem: the item lies in "
                    "resident storage. The routine runs at PASSIVE_LEVEL and may be pageable.",
        .cause = "The system links the item into a list at DISPATCH_LEVEL and takes it out there. "
                 "The item lies in paged pool or in a pageable section of a driver.",
        .fix = "allocate the item from nonpaged pool, or with IoAllocateWorkItem; only its routine "
               "may be pageable",
        .wrong = "Item = ExAllocatePoolWithTag(PagedPool, sizeof *Item, TAG);\n"
                 "ExInitializeWorkItem(Item, Worker, Context);\n"
                 "ExQueueWorkItem(Item, DelayedWorkQueue);",
        .right = "Item = IoAllocateWorkItem(DeviceObject);\n"
                 "IoQueueWorkItem(Item, Worker, DelayedWorkQueue, Context);"),

    RULE(INIT_CALLED_LATE, .title = "INIT section used after initialization",
         .document = "MmLockPagableCodeSection: routines of the INIT section are discarded as soon "
                     "as the driver returns from DriverEntry, or from its Reinitialize routine if "
                     "it has one.",
         .cause = "Nothing is there any more; the memory may belong to somebody else. Usually the "
                  "address was kept in a dispatch table, a callback or a pointer that outlives "
                  "DriverEntry.",
         .fix = "move the routine or datum out of INIT, or drop the pointer to it before "
                "DriverEntry returns",
         .wrong = "#pragma alloc_text(INIT, ReadSettings)\n"
                  "Extension->Reload = ReadSettings;       /* called again by an IOCTL */",
         .right = "#pragma alloc_text(PAGE, ReadSettings)\n"
                  "Extension->Reload = ReadSettings;"),

    /* ---- locking ---- */

    RULE(LOCK_AT_RAISED_IRQL, .title = "section locked or unlocked above APC_LEVEL",
         .document = "MmLockPagableCodeSection: IRQL <= APC_LEVEL. The same holds for locking by "
                     "handle, unlocking, MmPageEntireDriver and MmResetDriverPaging.",
         .cause = "Locking may have to read the section from disk and wait for it, which cannot be "
                  "done at DISPATCH_LEVEL. It works as long as the section happens to be in "
                  "memory.",
         .fix = "call the Mm section routines at IRQL <= APC_LEVEL, before taking a spin lock",
         .wrong = "KeAcquireSpinLock(&Extension->Lock, &Irql);\n"
                  "MmLockPagableSectionByHandle(Extension->Section);",
         .right = "MmLockPagableSectionByHandle(Extension->Section);\n"
                  "KeAcquireSpinLock(&Extension->Lock, &Irql);"),

    RULE(UNLOCK_UNDERFLOW, .title = "section unlocked more often than locked",
         .document = "MmLockPagableCodeSection: lock calls increment an internal count, "
                     "MmUnlockPagableImageSection decrements it. Bug check 0x1A with 0x1010 is for "
                     "a section that is not locked.",
         .cause = "The count was 0 already. An error path unlocks what it did not lock, or two "
                  "paths unlock for the same open.",
         .fix = "pair each lock with exactly one unlock",
         .wrong = "MmUnlockPagableImageSection(Section);   /* in DispatchCleanup */\n"
                  "MmUnlockPagableImageSection(Section);   /* and in DispatchClose */",
         .right = "if (InterlockedDecrement(&Extension->Opens) == 0)\n"
                  "    MmUnlockPagableImageSection(Section);   /* in DispatchClose only */"),

    RULE(LOCK_UNKNOWN_ADDRESS, .title = "lock of an address that lies in no driver",
         .document = "MmLockPagableCodeSection: the address is that of a routine (a variable for "
                     "MmLockPagableDataSection) in a section of the driver. Bug check 0x1A with "
                     "0x1234 is for a section that does not exist.",
         .cause = "The address of allocated memory or of a stack variable, or a wrong cast, was "
                  "given where the name of a routine belongs.",
         .fix = "pass the address of a routine or variable of a loaded driver",
         .wrong = "Section = MmLockPagableDataSection(Extension);     /* pool */",
         .right =
             "Section = MmLockPagableDataSection(&BaudTable);    /* PAGEDATA of the driver */"),

    RULE(LOCK_NONPAGED, .title = "lock of a section that is not pageable",
         .document = "MmLockPagableCodeSection: each routine of a pageable section is marked with "
                     "alloc_text(PAGExxxx, routine), where PAGE is in capitals.",
         .cause = "The routine is in .text or in a section whose name does not begin with PAGE "
                  "(\"Page\", \"page\"). The lock counts, but nothing was ever going to leave "
                  "memory: either the lock is not needed or the alloc_text is missing.",
         .fix = "name the section PAGExxxx, or drop the lock: it has no effect",
         .wrong = "#pragma alloc_text(Page, PortRead)\n"
                  "Section = MmLockPagableCodeSection(PortRead);",
         .right = "#pragma alloc_text(PAGEPORT, PortRead)\n"
                  "Section = MmLockPagableCodeSection(PortRead);"),

    RULE(LOCK_LEAK, .title = "section still locked when its driver unloaded",
         .document = "MmLockPagableCodeSection: each lock has its reciprocal "
                     "MmUnlockPagableImageSection; a section can be paged out only while its count "
                     "is zero.",
         .cause =
             "Some path locks and never unlocks. While the driver runs, this keeps the section "
             "in memory for ever; at unload it is a leak.",
         .fix = "unlock every handle before the unload routine returns",
         .wrong = "Section = MmLockPagableCodeSection(PortRead);\n"
                  "if (!NT_SUCCESS(Status))\n"
                  "    return Status;                      /* still locked */",
         .right = "Section = MmLockPagableCodeSection(PortRead);\n"
                  "if (!NT_SUCCESS(Status)) {\n"
                  "    MmUnlockPagableImageSection(Section);\n"
                  "    return Status;\n"
                  "}"),

    RULE(UNLOCK_WITH_REQUESTS, .title = "section unlocked while requests that need it are pending",
         .document = "MmLockPagableCodeSection: routines become available for paging out when they "
                     "have completed the processing of I/O requests and no additional requests for "
                     "the driver's devices are currently expected.",
         .cause = "The lock count went to 0 while a request that was accepted under that lock, or "
                  "whose completion, cancel or dispatch routine lies in the section, had not been "
                  "completed. It will be finished by code that may be out.",
         .fix = "complete, cancel or wait for the outstanding requests first, then unlock",
         .wrong = "/* DispatchClose of the last handle, a read is still queued */\n"
                  "MmUnlockPagableImageSection(Extension->Section);",
         .right = "/* DispatchCleanup has cancelled what was queued */\n"
                  "IoReleaseRemoveLockAndWait(&Extension->RemoveLock, Irp);\n"
                  "MmUnlockPagableImageSection(Extension->Section);"),

    RULE(HANDLE_AFTER_UNLOAD, .title = "section handle used after its driver was unloaded",
         .document = "MmLockPagableCodeSection: the opaque handle identifies a section of a loaded "
                     "driver. It means nothing once the image is gone.",
         .cause =
             "A driver kept a handle to a section of another driver, and that one was unloaded "
             "in the meantime. Bug check 0x1A follows.",
         .fix = "hold a reference that keeps the other driver loaded, or drop its handles when it "
                "unloads",
         .wrong = "Section = Port->Section;                /* of another driver */\n"
                  "MmLockPagableSectionByHandle(Section);  /* after its unload */",
         .right = "ObReferenceObject(PortDevice);          /* until the section is unlocked */\n"
                  "MmLockPagableSectionByHandle(Port->Section);"),

    RULE(PAGE_ENTIRE_WITH_INTERRUPT,
         .title = "whole driver made pageable with an interrupt connected",
         .document = "MmPageEntireDriver: it makes every section pageable, whatever it was marked; "
                     "a driver that has an interrupt service routine disconnects it first, since "
                     "an interrupt, even a spurious one, may come at any time.",
         .cause = "The interrupt service routine is part of the image and may now be paged out, "
                  "while the interrupt is still connected.",
         .fix = "call IoDisconnectInterrupt before MmPageEntireDriver, and MmResetDriverPaging "
                "before the interrupt is connected again",
         .wrong = "MmPageEntireDriver(DriverEntry);\n"
                  "IoDisconnectInterrupt(Extension->Interrupt);",
         .right = "IoDisconnectInterrupt(Extension->Interrupt);\n"
                  "MmPageEntireDriver(DriverEntry);"),

    /* ---- images ---- */

    RULE(SECTION_FLAGS_DISAGREE,
         .title = "section flags and section name say different things about paging",
         .document = "MmLockPagableCodeSection: the name PAGExxxx makes a section pageable, INIT "
                     "makes it discardable.",
         .cause = "The section's flags (not paged, discardable) were set by hand or by another "
                  "linker and contradict its name. Windows and pagable go by the name.",
         .fix = "the name decides; make the flags agree",
         .wrong = "link /section:PAGESER,ER!P ...          # not paged, yet named PAGE",
         .right = "link ...                                # flags follow from the name"),

    RULE(IMAGE_NOT_PAGEABLE,
         .title = "section alignment below a page: nothing of the image can be paged",
         .document = "PE format: sections that are aligned to less than a page share pages, and so "
                     "cannot have protections or residency of their own.",
         .cause = "The image was linked with a section alignment below 4096. Every PAGE section of "
                  "it stays in memory, and no rule about paging can show.",
         .fix = "link with the default section alignment of 4096",
         .wrong = "link /driver /align:32 ...", .right = "link /driver ..."),

    /* ---- IRQL ---- */

    RULE(PAGED_CODE_FAILED, .title = "PAGED_CODE failed: routine entered above APC_LEVEL",
         .document = "PAGED_CODE: in checked builds it asserts that the IRQL is at most APC_LEVEL, "
                     "at the point where it stands.",
         .cause = "A routine that says of itself that it is pageable was called at DISPATCH_LEVEL "
                  "or above. The caller is at fault, or the routine must not be pageable.",
         .fix = "call it at IRQL <= APC_LEVEL, for example from a work item, or make it resident",
         .wrong = "KeAcquireSpinLock(&Extension->Lock, &Irql);\n"
                  "UpdateSettings(Extension);              /* begins with PAGED_CODE() */",
         .right = "UpdateSettings(Extension);\n"
                  "KeAcquireSpinLock(&Extension->Lock, &Irql);"),

    RULE(API_IRQL, .title = "routine called at an IRQL that it does not allow",
         .document =
             "The page of every routine states the IRQL at which it may be called; for waits "
             "and Wait TRUE it depends on the arguments.",
         .cause = "Above its limit a routine may wait or touch pageable memory; below it (routines "
                  "\"at DPC level\") it relies on a protection against being switched away from "
                  "that is not there.",
         .fix = "call it at the documented IRQL",
         .wrong = "KeAcquireSpinLockAtDpcLevel(&Extension->Lock);      /* at PASSIVE_LEVEL */",
         .right = "KeAcquireSpinLock(&Extension->Lock, &Irql);         /* raises the IRQL */"),

    RULE(IRQL_LEFT_RAISED, .title = "routine returned at another IRQL than it was called at",
         .document = "The IRQL at which a driver's routine is called is the one at which it must "
                     "return; Windows stops with 0xC4 (verified drivers), 0xC8, 0xE1 or 0x4A.",
         .cause = "A spin lock was not released, or an IRQL not lowered, on some path out of the "
                  "routine; or the wrong saved IRQL was given back.",
         .fix = "release the lock or lower the IRQL on every path before the routine returns",
         .wrong = "KeAcquireSpinLock(&Extension->Lock, &Irql);\n"
                  "if (Extension->Removed)\n"
                  "    return STATUS_DELETE_PENDING;       /* lock still held */",
         .right = "KeAcquireSpinLock(&Extension->Lock, &Irql);\n"
                  "Removed = Extension->Removed;\n"
                  "KeReleaseSpinLock(&Extension->Lock, Irql);\n"
                  "if (Removed)\n"
                  "    return STATUS_DELETE_PENDING;"),

    /* ---- requests and what is left behind ---- */

    RULE(IRP_NOT_CANCELLABLE,
         .title = "pending request that is neither completed nor can be cancelled",
         .document =
             "Cancelling IRPs: a driver that may hold a request for an indefinite time sets a "
             "cancel routine.",
         .cause = "The request was cancelled, because its thread wanted to end, and it never came "
                  "back. The program that made it cannot exit.",
         .fix = "set a cancel routine (IoSetCancelRoutine) before the request is left pending",
         .wrong = "IoMarkIrpPending(Irp);\n"
                  "InsertTailList(&Extension->Reads, &Irp->Tail.Overlay.ListEntry);\n"
                  "return STATUS_PENDING;",
         .right = "IoCsqInsertIrp(&Extension->Csq, Irp, NULL);    /* has a cancel routine */\n"
                  "return STATUS_PENDING;"),

    RULE(UNLOAD_LEFT_BEHIND,
         .title = "driver unloaded while a timer, DPC, thread or device of it was still there",
         .document =
             "Writing an Unload routine: it gives back everything that the driver set up, and "
             "no routine of it may run afterwards.",
         .cause = "The image is gone and the system will still call into it, or a device still has "
                  "a driver that is not there.",
         .fix =
             "cancel timers, flush DPCs, end threads and delete devices before the unload routine "
             "returns",
         .wrong = "VOID Unload(PDRIVER_OBJECT Driver)\n"
                  "{\n"
                  "    IoDeleteDevice(Driver->DeviceObject);    /* its timer is still set */\n"
                  "}",
         .right = "VOID Unload(PDRIVER_OBJECT Driver)\n"
                  "{\n"
                  "    KeCancelTimer(&Timer);\n"
                  "    KeFlushQueuedDpcs();\n"
                  "    IoDeleteDevice(Driver->DeviceObject);\n"
                  "}"),

    /* ---- ends of a run ---- */

    RULE(DRIVER_ENTRY_FAILED, .title = "DriverEntry failed: nothing beyond it was checked",
         .document = "DriverEntry: a status that is no success makes the system unload the driver.",
         .cause = "The driver did not find what it looks for (a registry value, a device, another "
                  "driver), or a routine that it called failed. This is about how far the run got, "
                  "not necessarily a mistake.",
         .fix = "give the driver what it looks for, or read the status",
         .wrong = "pagable run filter.sys                  # the driver below is not there",
         .right = "pagable run disk.sys filter.sys"),

    RULE(DEVICE_START_FAILED, .title = "a device was not started: nothing beyond it was checked",
         .document = "AddDevice and IRP_MN_START_DEVICE: a status that is no success makes the "
                     "system take the device away from the driver again.",
         .cause =
             "AddDevice returned an error, or IRP_MN_START_DEVICE was completed with one, "
             "often because the device has other resources than the driver looks for. A driver "
             "without an .inf beside it, or whose hardware the computer does not have, gets "
             "one device without any resources. This is about how far the run got, not "
             "necessarily a mistake.",
         .fix = "put the driver's .inf beside it, so that it gets its hardware, or read the status",
         .wrong = "pagable run serial.sys                  # no serial.inf there",
         .right = "pagable run serial.sys                  # serial.inf names ACPI\\PNP0501"),

    RULE(THREAD_HANG, .title = "a thread waits for ever",
         .document = "KeWaitForSingleObject: without a timeout it returns when the object is "
                     "signalled, and not before.",
         .cause =
             "Nothing is left in the computer that could signal the object: no thread that can "
             "run, no timer, no device.",
         .fix = "signal the object, or wait with a timeout",
         .wrong = "KeWaitForSingleObject(&Extension->Stopped, Executive, KernelMode, FALSE, NULL);",
         .right = "Timeout.QuadPart = -10 * 1000 * 1000;      /* a second */\n"
                  "KeWaitForSingleObject(&Extension->Stopped, Executive, KernelMode, FALSE, "
                  "&Timeout);"),

    RULE(BUDGET_EXHAUSTED, .title = "the run used up its processor time",
         .document = "A limit of pagable, not of Windows: see --budget.",
         .cause = "Code of the driver, or of the scenario, ran without end.",
         .fix = "look for a loop without end at the place named, or raise --budget",
         .wrong = "while (!(READ_PORT_UCHAR(Status) & READY))\n"
                  "    ;",
         .right = "for (Tries = 0; Tries < 1000 && !(READ_PORT_UCHAR(Status) & READY); Tries++)\n"
                  "    KeStallExecutionProcessor(10);"),

    RULE(EXPECTATION_FAILED, .title = "the scenario expected something else",
         .document = "docs/scenarios.md: what a scenario may expect of a driver.",
         .cause = "The driver answered a request, or left the computer, differently from what the "
                  "scenario says.",
         .fix = "read the line of the scenario that is named",
         .wrong = "expect(f:read(4) == \"ping\")      -- it is \"pong\"",
         .right = "expect(f:read(4) == \"pong\")"),

    RULE(COMPUTER_DIED, .title = "the driver destroyed the computer that it ran on",
         .document =
             "A driver runs in the address space of the system: a wild write hits anything.",
         .cause = "The process in which the driver ran ended without saying why: memory of the "
                  "computer itself was overwritten, or code was run that is none.",
         .fix = "look for wild writes and calls after the last thing reported; run with --trace to "
                "see it",
         .wrong = "RtlFillMemory(Buffer, Length * 8, 0);   /* Length is in bytes already */",
         .right = "RtlFillMemory(Buffer, Length, 0);"),
};
