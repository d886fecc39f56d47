/* SPDX-License-Identifier: MIT */
/*
 * A driver with every kind of section that NT pages, locks or throws away.
 *
 *     PAGEAAAA, PAGEBBBB   code that is locked when it is needed; each more than a page long
 *     PAGE                 code that is simply pageable
 *     PAGEDATA, PAGEBSS    data: initialized (with pointers that the loader relocates), and zeroed
 *     INIT                 DriverEntry, the reinitialization routine and a helper: discarded
 * afterwards .text, .data         everything that runs or is touched at DISPATCH_LEVEL
 *
 * One device control code per behaviour lets a program drive it: see sections.h.  Left alone, the
 * driver keeps every rule; some codes break one on purpose, and say so.
 */
#include <ntddk.h>

#include "sections.h"

DRIVER_INITIALIZE DriverEntry;
VOID SectionsReinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count);
static DRIVER_UNLOAD SectionsUnload;
DRIVER_DISPATCH SectionsOpenClose;
static DRIVER_DISPATCH SectionsReadWrite;
static DRIVER_DISPATCH SectionsDeviceControl;

typedef ULONG64 SECTIONS_ROUTINE(ULONG64 Seed);

SECTIONS_ROUTINE AlphaFirst, AlphaSecond, BetaFirst, BetaSecond, PlainFirst, PlainSecond, InitOnly;
static SECTIONS_ROUTINE Resident;

/*
 * The pragma stands after the declaration and before the definition.  A name that starts with PAGE
 * makes a section pageable; routines with the same name form one section and are locked together.
 */
#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, DriverEntry)
#pragma alloc_text(INIT, SectionsReinitialize)
#pragma alloc_text(INIT, InitOnly)
#pragma alloc_text(PAGEAAAA, AlphaFirst)
#pragma alloc_text(PAGEAAAA, AlphaSecond)
#pragma alloc_text(PAGEBBBB, BetaFirst)
#pragma alloc_text(PAGEBBBB, BetaSecond)
#pragma alloc_text(PAGE, PlainFirst)
#pragma alloc_text(PAGE, PlainSecond)
#pragma alloc_text(PAGE, SectionsOpenClose)
#endif

/* Resident: the lock is taken, and what it guards is touched, at DISPATCH_LEVEL. */
static KSPIN_LOCK SectionsLock;
static UNICODE_STRING SectionsLinkName;
static PDEVICE_OBJECT SectionsDevice;
static BOOLEAN SectionsLeaveLocked;
static ULONG SectionsReinitialized;
static ULONG64 SectionsInitResult;

/* One per section that can be locked; see SectionOf. */
static struct section_lock {
    PVOID Handle; /* what the memory manager gave us; NULL before the first lock */
    LONG Held;    /* our locks on it */
} SectionsLocks[SECTIONS_TARGETS];

/*
 * Pageable data.  The second array has a pointer that straddles two pages: the pages around it come
 * in one at a time, and each half must be relocated for itself.
 */
#pragma data_seg("PAGEDATA")
static ULONG64 PagedWords[SECTIONS_DATA_WORDS] = {0x5345435431303031};
#pragma pack(push, 1)
static struct {
    UCHAR Filler[2 * PAGE_SIZE - 4];
    PVOID Straddling;
    UCHAR Gap[4];
    SECTIONS_ROUTINE *Routines[6];
} __attribute__((aligned(PAGE_SIZE))) PagedPointers = {
    {0x53},
    &SectionsLock,
    {0},
    {AlphaFirst, AlphaSecond, BetaFirst, BetaSecond, PlainFirst, PlainSecond},
};
#pragma pack(pop)
static ULONG64 PagedMoreWords[SECTIONS_DATA_WORDS] = {0x5345435432303032};
#pragma data_seg()

/*
 * Zeroed and pageable: a section without a byte in the file.  Microsoft's compiler makes it from
 * `#pragma bss_seg("PAGEBSS")`; clang reads that and leaves a C variable where it was, hence this.
 */
#define TEXT_OF(number)  #number
#define WORDS_OF(number) ".space 8 * " TEXT_OF(number)
extern ULONG64 PagedZeroWords[SECTIONS_BSS_WORDS];
__asm__(".section PAGEBSS,\"bw\"\n"
        ".globl PagedZeroWords\n"
        ".p2align 4\n"
        "PagedZeroWords:\n" WORDS_OF(SECTIONS_BSS_WORDS) "\n"
                                                         ".text\n");

/*
 * Work for the pageable routines: a mixing function spelled out round after round, so that a
 * routine is as long as it says and no two rounds have the same bytes.  It calls nothing.
 */
#define MIX(n)                                                                                     \
    do {                                                                                           \
        Seed ^= Seed >> 29;                                                                        \
        Seed *= 0x9e3779b97f4a7c15 + 2 * (n);                                                      \
        Seed = (Seed << 23 | Seed >> 41) + (n);                                                    \
    } while (0)
#define MIX4(n)                                                                                    \
    do {                                                                                           \
        MIX(n);                                                                                    \
        MIX((n) + 1);                                                                              \
        MIX((n) + 2);                                                                              \
        MIX((n) + 3);                                                                              \
    } while (0)
#define MIX16(n)                                                                                   \
    do {                                                                                           \
        MIX4(n);                                                                                   \
        MIX4((n) + 4);                                                                             \
        MIX4((n) + 8);                                                                             \
        MIX4((n) + 12);                                                                            \
    } while (0)
#define MIX64(n)                                                                                   \
    do {                                                                                           \
        MIX16(n);                                                                                  \
        MIX16((n) + 16);                                                                           \
        MIX16((n) + 32);                                                                           \
        MIX16((n) + 48);                                                                           \
    } while (0)

ULONG64 AlphaFirst(ULONG64 Seed)
{
    MIX64(1000);
    MIX64(1100);
    MIX64(1200);
    MIX64(1300);
    return Seed;
}

ULONG64 AlphaSecond(ULONG64 Seed)
{
    MIX64(2000);
    return Seed;
}

ULONG64 BetaFirst(ULONG64 Seed)
{
    MIX64(3000);
    return Seed;
}

ULONG64 BetaSecond(ULONG64 Seed)
{
    MIX64(4000);
    MIX64(4100);
    MIX64(4200);
    return Seed;
}

DECLSPEC_NOINLINE ULONG64 PlainFirst(ULONG64 Seed)
{
    MIX16(5000);
    return Seed;
}

DECLSPEC_NOINLINE ULONG64 PlainSecond(ULONG64 Seed)
{
    MIX16(6000);
    return PlainFirst(Seed);
}

DECLSPEC_NOINLINE ULONG64 InitOnly(ULONG64 Seed)
{
    MIX4(7000);
    return Seed;
}

static ULONG64 Resident(ULONG64 Seed)
{
    MIX4(8000);
    return Seed;
}

/* By number from sections.h.  Kept in .data, since a target is looked up at any IRQL. */
static PVOID SectionsTargets[SECTIONS_TARGETS] = {
    [SECTIONS_ALPHA_FIRST] = AlphaFirst, [SECTIONS_ALPHA_SECOND] = AlphaSecond,
    [SECTIONS_BETA_FIRST] = BetaFirst,   [SECTIONS_BETA_SECOND] = BetaSecond,
    [SECTIONS_PLAIN_FIRST] = PlainFirst, [SECTIONS_PLAIN_SECOND] = PlainSecond,
    [SECTIONS_DATA] = PagedWords,        [SECTIONS_DATA_SECOND] = PagedMoreWords,
    [SECTIONS_BSS] = PagedZeroWords,     [SECTIONS_TEXT] = Resident,
    [SECTIONS_INIT] = InitOnly,          [SECTIONS_POOL] = NULL, /* the device extension */
    [SECTIONS_NOWHERE] = (PVOID)0x1000,
};

/* Two targets of one section share its lock record: the memory manager counts per section as well.
 */
static struct section_lock *SectionOf(ULONG64 Target)
{
    static const UCHAR First[SECTIONS_TARGETS] = {
        [SECTIONS_ALPHA_FIRST] = SECTIONS_ALPHA_FIRST,
        [SECTIONS_ALPHA_SECOND] = SECTIONS_ALPHA_FIRST,
        [SECTIONS_BETA_FIRST] = SECTIONS_BETA_FIRST,
        [SECTIONS_BETA_SECOND] = SECTIONS_BETA_FIRST,
        [SECTIONS_PLAIN_FIRST] = SECTIONS_PLAIN_FIRST,
        [SECTIONS_PLAIN_SECOND] = SECTIONS_PLAIN_FIRST,
        [SECTIONS_DATA] = SECTIONS_DATA,
        [SECTIONS_DATA_SECOND] = SECTIONS_DATA,
        [SECTIONS_BSS] = SECTIONS_BSS,
        [SECTIONS_TEXT] = SECTIONS_TEXT,
        [SECTIONS_INIT] = SECTIONS_INIT,
        [SECTIONS_POOL] = SECTIONS_POOL,
        [SECTIONS_NOWHERE] = SECTIONS_NOWHERE,
    };

    return &SectionsLocks[First[Target]];
}

static BOOLEAN IsCode(ULONG64 Target)
{
    return Target <= SECTIONS_PLAIN_SECOND || Target == SECTIONS_TEXT || Target == SECTIONS_INIT;
}

/* The words of a data target; 0 for anything else. */
static ULONG DataWords(ULONG64 Target)
{
    switch (Target) {
    case SECTIONS_DATA:
    case SECTIONS_DATA_SECOND:
        return SECTIONS_DATA_WORDS;
    case SECTIONS_BSS:
        return SECTIONS_BSS_WORDS;
    default:
        return 0;
    }
}

static VOID DataFill(ULONG64 Target, ULONG64 Pattern)
{
    volatile ULONG64 *Words = SectionsTargets[Target];

    for (ULONG i = 0; i < DataWords(Target); i++) {
        Words[i] = Pattern + i;
    }
}

static ULONG64 DataVerify(ULONG64 Target, ULONG64 Pattern)
{
    volatile ULONG64 *Words = SectionsTargets[Target];
    ULONG64 Differing = 0;

    for (ULONG i = 0; i < DataWords(Target); i++) {
        Differing += Words[i] != Pattern + i;
    }
    return Differing;
}

/* Pageable data at DISPATCH_LEVEL, done right: locked first (at PASSIVE_LEVEL), unlocked
 * afterwards. */
static ULONG64 DataLockedUpdate(ULONG64 Target, ULONG64 Pattern)
{
    PVOID Handle = MmLockPagableDataSection(SectionsTargets[Target]);
    ULONG64 Differing;
    KIRQL Irql;

    KeAcquireSpinLock(&SectionsLock, &Irql);
    Differing = DataVerify(Target, Pattern);
    DataFill(Target, Pattern + 1);
    KeReleaseSpinLock(&SectionsLock, Irql);
    MmUnlockPagableImageSection(Handle);
    return Differing;
}

/* The loader put the addresses of this very image there; the comparison takes them from the code.
 */
static ULONG64 CheckPointers(VOID)
{
    SECTIONS_ROUTINE *const Expected[] = {AlphaFirst, AlphaSecond, BetaFirst,
                                          BetaSecond, PlainFirst,  PlainSecond};
    ULONG64 Wrong = *(PVOID volatile *)&PagedPointers.Straddling != &SectionsLock;

    for (ULONG i = 0; i < RTL_NUMBER_OF(Expected); i++) {
        Wrong += *(SECTIONS_ROUTINE *volatile *)&PagedPointers.Routines[i] != Expected[i];
    }
    return Wrong;
}

static ULONG64 Lock(ULONG64 Target)
{
    struct section_lock *Section = SectionOf(Target);
    PVOID Address = SectionsTargets[Target];

    /* For code and data alike: the first is a macro that stands for the second. */
    Section->Handle =
        IsCode(Target) ? MmLockPagableCodeSection(Address) : MmLockPagableDataSection(Address);
    Section->Held++;
    return (ULONG_PTR)Section->Handle;
}

static ULONG64 Relock(ULONG64 Target)
{
    struct section_lock *Section = SectionOf(Target);

    MmLockPagableSectionByHandle(Section->Handle);
    Section->Held++;
    return (ULONG_PTR)Section->Handle;
}

/* A mistake when nothing is held: no check here, so that it can be made. */
static ULONG64 Unlock(ULONG64 Target)
{
    struct section_lock *Section = SectionOf(Target);

    MmUnlockPagableImageSection(Section->Handle);
    Section->Held--;
    return (ULONG64)Section->Held;
}

/* A mistake: the lock routines may wait for the disk, so they are for IRQL <= APC_LEVEL. */
static ULONG64 LockHoldingSpinLock(ULONG64 Target)
{
    ULONG64 Handle;
    KIRQL Irql;

    KeAcquireSpinLock(&SectionsLock, &Irql);
    Handle = Lock(Target);
    KeReleaseSpinLock(&SectionsLock, Irql);
    return Handle;
}

static ULONG64 Forget(VOID)
{
    ULONG64 Held = 0;

    SectionsLeaveLocked = TRUE;
    for (ULONG i = 0; i < SECTIONS_TARGETS; i++) {
        Held += SectionsLocks[i].Held > 0 ? (ULONG64)SectionsLocks[i].Held : 0;
    }
    return Held;
}

static ULONG64 Call(ULONG64 Target, ULONG64 Seed)
{
    SECTIONS_ROUTINE *Routine = (SECTIONS_ROUTINE *)SectionsTargets[Target];

    return Routine(Seed);
}

/* Right for a resident routine and for a pageable one that is locked; a mistake for any other. */
static ULONG64 CallAtDispatch(ULONG64 Target, ULONG64 Seed)
{
    ULONG64 Result;
    KIRQL Irql;

    KeAcquireSpinLock(&SectionsLock, &Irql);
    Result = Call(Target, Seed);
    KeReleaseSpinLock(&SectionsLock, Irql);
    return Result;
}

static ULONG Query(ULONG64 *Out, ULONG Room)
{
    ULONG64 All[SECTIONS_QUERY_WORDS];
    ULONG Words = Room < SECTIONS_QUERY_WORDS ? Room : SECTIONS_QUERY_WORDS;

    for (ULONG i = 0; i < SECTIONS_TARGETS; i++) {
        All[i] = (ULONG_PTR)SectionsTargets[i];
        All[SECTIONS_TARGETS + i] = (ULONG64)SectionOf(i)->Held;
    }
    All[2 * SECTIONS_TARGETS] = SectionsReinitialized;
    All[2 * SECTIONS_TARGETS + 1] = SectionsInitResult;
    RtlCopyMemory(Out, All, Words * sizeof(*All));
    return Words;
}

/* Codes whose target must be of one kind.  The others take any. */
static BOOLEAN TargetFits(ULONG Code, ULONG64 Target)
{
    switch (Code) {
    case SECTIONS_CALL:
    case SECTIONS_CALL_AT_DISPATCH:
        return IsCode(Target);
    case SECTIONS_DATA_FILL:
    case SECTIONS_DATA_VERIFY:
    case SECTIONS_DATA_LOCKED_UPDATE:
        return DataWords(Target) != 0;
    default:
        return TRUE;
    }
}

/* TRUE if the code is known; then *Result is its only output word. */
static BOOLEAN Perform(ULONG Code, ULONG64 Target, ULONG64 Value, ULONG64 *Result)
{
    *Result = 0;
    switch (Code) {
    case SECTIONS_LOCK:
        *Result = Lock(Target);
        return TRUE;
    case SECTIONS_RELOCK:
        *Result = Relock(Target);
        return TRUE;
    case SECTIONS_UNLOCK:
        *Result = Unlock(Target);
        return TRUE;
    case SECTIONS_FORGET:
        *Result = Forget();
        return TRUE;
    case SECTIONS_CALL:
        *Result = Call(Target, Value);
        return TRUE;
    case SECTIONS_CALL_AT_DISPATCH:
        *Result = CallAtDispatch(Target, Value);
        return TRUE;
    case SECTIONS_DATA_FILL:
        DataFill(Target, Value);
        return TRUE;
    case SECTIONS_DATA_VERIFY:
        *Result = DataVerify(Target, Value);
        return TRUE;
    case SECTIONS_DATA_LOCKED_UPDATE:
        *Result = DataLockedUpdate(Target, Value);
        return TRUE;
    case SECTIONS_CHECK_POINTERS:
        *Result = CheckPointers();
        return TRUE;
    case SECTIONS_PAGE_ENTIRE:
        *Result = (ULONG_PTR)MmPageEntireDriver(SectionsTargets[SECTIONS_TEXT]);
        return TRUE;
    case SECTIONS_RESET_PAGING:
        MmResetDriverPaging(SectionsTargets[SECTIONS_TEXT]);
        return TRUE;
    case SECTIONS_LOCK_HOLDING_SPIN_LOCK:
        *Result = LockHoldingSpinLock(Target);
        return TRUE;
    default:
        return FALSE;
    }
}

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS SectionsDeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Code = Stack->Parameters.DeviceIoControl.IoControlCode;
    ULONG In = Stack->Parameters.DeviceIoControl.InputBufferLength / sizeof(ULONG64);
    ULONG Out = Stack->Parameters.DeviceIoControl.OutputBufferLength / sizeof(ULONG64);
    ULONG64 *Buffer = Irp->AssociatedIrp.SystemBuffer; /* shared by input and output */
    ULONG64 Target = In > 0 ? Buffer[0] : 0;
    ULONG64 Value = In > 1 ? Buffer[1] : 0;
    ULONG64 Result;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Code == SECTIONS_QUERY) {
        return Complete(Irp, STATUS_SUCCESS, Out ? Query(Buffer, Out) * sizeof(ULONG64) : 0);
    }
    if (Target >= SECTIONS_TARGETS || !TargetFits(Code, Target)) {
        return Complete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (!Perform(Code, Target, Value, &Result)) {
        return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (Out) {
        Buffer[0] = Result;
    }
    return Complete(Irp, STATUS_SUCCESS, Out ? sizeof(Result) : 0);
}

/* A file system may call these in odd places, but programs open and close at PASSIVE_LEVEL:
 * pageable. */
NTSTATUS SectionsOpenClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PAGED_CODE();

    UNREFERENCED_PARAMETER(DeviceObject);
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* Reads and writes go to the first array of PAGEDATA, from its start. */
static NTSTATUS SectionsReadWrite(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    BOOLEAN Writing = Stack->MajorFunction == IRP_MJ_WRITE;
    ULONG Length = Writing ? Stack->Parameters.Write.Length : Stack->Parameters.Read.Length;
    PVOID Buffer = Irp->AssociatedIrp.SystemBuffer;

    UNREFERENCED_PARAMETER(DeviceObject);
    if (Length > sizeof(PagedWords)) {
        Length = sizeof(PagedWords);
    }
    if (Length && Writing) {
        RtlCopyMemory(PagedWords, Buffer, Length);
    } else if (Length) {
        RtlCopyMemory(Buffer, PagedWords, Length);
    }
    return Complete(Irp, STATUS_SUCCESS, Length);
}

/* A lock that is still held here would keep its memory for as long as the system runs. */
static VOID SectionsUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
    for (ULONG i = 0; i < SECTIONS_TARGETS && !SectionsLeaveLocked; i++) {
        while (SectionsLocks[i].Held > 0) {
            Unlock(i);
        }
    }
    IoDeleteSymbolicLink(&SectionsLinkName);
    IoDeleteDevice(SectionsDevice);
}

/*
 * Called after DriverEntry returned, while INIT is still there.  Asks once to be called again, so
 * that INIT has to outlive the first call.
 */
VOID SectionsReinitialize(PDRIVER_OBJECT DriverObject, PVOID Context, ULONG Count)
{
    SectionsReinitialized = Count;
    if (Count == 1) {
        IoRegisterDriverReinitialization(DriverObject, SectionsReinitialize, Context);
    }
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING Name;
    NTSTATUS Status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&SectionsLock);
    RtlInitUnicodeString(&Name, L"\\Device\\Sections");
    RtlInitUnicodeString(&SectionsLinkName, L"\\DosDevices\\Sections");
    Status = IoCreateDevice(DriverObject, sizeof(ULONG64), &Name, FILE_DEVICE_UNKNOWN,
                            FILE_DEVICE_SECURE_OPEN, FALSE, &SectionsDevice);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = IoCreateSymbolicLink(&SectionsLinkName, &Name);
    if (!NT_SUCCESS(Status)) {
        IoDeleteDevice(SectionsDevice);
        return Status;
    }
    SectionsDevice->Flags |= DO_BUFFERED_IO;
    SectionsTargets[SECTIONS_POOL] = SectionsDevice->DeviceExtension;
    SectionsInitResult = Call(SECTIONS_INIT, SECTIONS_INIT_SEED);

    DriverObject->DriverUnload = SectionsUnload;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = SectionsOpenClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = SectionsOpenClose;
    DriverObject->MajorFunction[IRP_MJ_READ] = SectionsReadWrite;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = SectionsReadWrite;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = SectionsDeviceControl;
    IoRegisterDriverReinitialization(DriverObject, SectionsReinitialize, NULL);
    return STATUS_SUCCESS;
}
