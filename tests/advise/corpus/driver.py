# SPDX-License-Identifier: MIT
"""Drivers made of cases: which cases a seed gives, and the C around them.

Routes by which the system comes to a case's @Root, always at PASSIVE_LEVEL:

    slot    it is a dispatch routine, in a slot of its own
    switch  a dispatch routine chooses it
    work    a work item
    thread  a thread
    init    DriverEntry, once
    any     one of the first four
"""
import itertools
import random

from . import locks, negatives, rules

# Major functions that are only called at PASSIVE_LEVEL, but for the two that have routines here.
SLOTS = ['CLOSE', 'QUERY_INFORMATION', 'SET_INFORMATION', 'QUERY_EA', 'SET_EA',
         'QUERY_VOLUME_INFORMATION', 'SET_VOLUME_INFORMATION', 'DIRECTORY_CONTROL',
         'FILE_SYSTEM_CONTROL', 'SHUTDOWN', 'LOCK_CONTROL', 'CREATE_MAILSLOT', 'QUERY_SECURITY',
         'SET_SECURITY', 'SYSTEM_CONTROL', 'DEVICE_CHANGE', 'QUERY_QUOTA', 'SET_QUOTA']
CASES_PER_DRIVER = 60

FAMILIES = {
    'lock': (locks.cases, 12),  # how many of 40 cases, about
    'lock on demand': (locks.on_demand_cases, 2),
    'wait': (rules.wait_cases, 4),
    'role': (rules.role_cases, 3),
    'api': (rules.call_cases, 6),
    'paged': (rules.paged_cases, 3),
    'init': (rules.init_cases, 2),
    'section lock': (rules.section_lock_cases, 1),
    'left': (rules.left_cases, 1),
    'sync': (rules.sync_cases, 2),
    'negatives': (negatives.cases, 4),
}


def _one_of_each(makers):
    """The first maker of each family, taken out of `makers`: some have several families."""
    first = {}
    for name, rows in makers.items():
        for make in rows:
            first.setdefault(make().family, make)
        makers[name] = [make for make in rows if make not in first.values()]
    return list(first.values())


def choose(seed, count):
    """`count` cases (None: every one there is), in an order of the seed's: one of each family, and
    the rest in its share."""
    rng = random.Random(seed)
    makers = {}
    for name, (generate, _) in FAMILIES.items():
        makers[name] = list(generate())
        rng.shuffle(makers[name])
    if count is None:
        order = list(itertools.chain.from_iterable(makers.values()))
    else:
        order = _one_of_each(makers)[:count]
        share = list(itertools.chain.from_iterable([name] * n for name, (_, n) in FAMILIES.items()))
        rng.shuffle(share)
        for name in itertools.cycle(share):
            if len(order) == count or not any(makers.values()):
                break
            if makers[name]:
                order.append(makers[name].pop())
    rng.shuffle(order)
    return [make().named(number) for number, make in enumerate(order)]


HEAD = r'''
#include <ntddk.h>

typedef volatile LONG EX_SPIN_LOCK;
NTKERNELAPI KIRQL ExAcquireSpinLockExclusive(EX_SPIN_LOCK *Lock);
NTKERNELAPI VOID ExReleaseSpinLockExclusive(EX_SPIN_LOCK *Lock, KIRQL Irql);
NTKERNELAPI KIRQL ExAcquireSpinLockShared(EX_SPIN_LOCK *Lock);
NTKERNELAPI VOID ExReleaseSpinLockShared(EX_SPIN_LOCK *Lock, KIRQL Irql);
/* The headers have these inline, as mov cr8; since Windows 10 they are imports. */
__declspec(dllimport) KIRQL CorpusRaiseIrql(KIRQL New) __asm__("KfRaiseIrql");
__declspec(dllimport) KIRQL CorpusRaiseToDpcLevel(VOID) __asm__("KeRaiseIrqlToDpcLevel");
__declspec(dllimport) VOID CorpusLowerIrql(KIRQL Old) __asm__("KeLowerIrql");

/* What several cases use; all of it is resident. */
static volatile ULONG CorpusWhich;
static volatile HANDLE CorpusHandleValue;
static KEVENT CorpusEvent;
static FAST_MUTEX CorpusMutex;
static KGUARDED_MUTEX CorpusGuarded;
static KMUTEX CorpusKernelMutex;
static ERESOURCE CorpusResource;
static IO_REMOVE_LOCK CorpusRemoveLock;
static EX_RUNDOWN_REF CorpusRundown;
static KDPC CorpusDpc;
static LARGE_INTEGER CorpusDue;
static LIST_ENTRY CorpusList;
static KSPIN_LOCK CorpusListLock;
static PIO_WORKITEM CorpusWorkItem;
static PDEVICE_OBJECT CorpusLower;
static PKINTERRUPT CorpusInterrupt;

static DECLSPEC_NOINLINE HANDLE CorpusHandle(VOID)
{
    return CorpusHandleValue;
}

static VOID CorpusWorker(PDEVICE_OBJECT Device, PVOID Context)
{
    CorpusWhich++;
}

static VOID CorpusDpcRoutine(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)
{
    CorpusWhich++;
}
'''

SHARED_SETUP = '''
    KeInitializeEvent(&CorpusEvent, NotificationEvent, TRUE);
    ExInitializeFastMutex(&CorpusMutex);
    KeInitializeGuardedMutex(&CorpusGuarded);
    KeInitializeMutex(&CorpusKernelMutex, 0);
    ExInitializeResourceLite(&CorpusResource);
    IoInitializeRemoveLock(&CorpusRemoveLock, 1, 0, 0);
    ExInitializeRundownProtection(&CorpusRundown);
    KeInitializeDpc(&CorpusDpc, CorpusDpcRoutine, NULL);
    InitializeListHead(&CorpusList);
    KeInitializeSpinLock(&CorpusListLock);
    Status = IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    CorpusWorkItem = IoAllocateWorkItem(Device);
    CorpusLower = Device;
'''


class Driver:
    """One source file with some cases."""

    def __init__(self, cases, rng):
        self.cases = cases
        slots = list(SLOTS)
        wanted = [case for case in cases if case.route == 'slot']
        self.routes = {case: ('slot', slots.pop()) for case in wanted}
        for case in cases:
            if case in self.routes:
                continue
            route = case.route
            if route == 'any':
                route = rng.choice(('switch', 'work', 'thread') + (('slot', 'slot') if slots else ()))
            self.routes[case] = (route, slots.pop() if route == 'slot' else None)

    def _of(self, route):
        return [case for case in self.cases if self.routes[case][0] == route]

    def source(self):
        parts = [HEAD]
        for case in self.cases:
            parts.append('/* %s%s: %s */\n' % (case.prefix[:-1], case.family and ' ' + case.family,
                                               case.features))
            parts.append(case.text('\n'.join(case.declarations) + '\n\n'))
            parts.append(case.text('\n'.join(case.definitions) + '\n'))
        parts += [self._adapters(), self._dispatch(), self._entry()]
        return '\n'.join(parts)

    def _adapters(self):
        text = [case.text('static VOID @Job(PDEVICE_OBJECT Device, PVOID Context)\n'
                          '{\n    @Root(Device, Context);\n}\n') for case in self._of('work')]
        text += [case.text('static VOID @Job(PVOID Context)\n'
                           '{\n    @Root(NULL, Context);\n    PsTerminateSystemThread(0);\n}\n')
                 for case in self._of('thread')]
        return '\n'.join(text)

    def _dispatch(self):
        chosen = '\n'.join(case.text('    case %d:\n        return @Root(Device, Irp);' % number)
                           for number, case in enumerate(self._of('switch')))
        queued = '\n'.join(case.text('    IoQueueWorkItem(CorpusWorkItem, @Job, DelayedWorkQueue, '
                                     'Irp);') for case in self._of('work'))
        begun = '\n'.join(case.text('    PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL,'
                                    ' NULL, @Job, Irp);') for case in self._of('thread'))
        return '''
static NTSTATUS CorpusCreate(PDEVICE_OBJECT Device, PIRP Irp)
{
    switch (CorpusWhich) {
%s
    default:
        return STATUS_SUCCESS;
    }
}

static NTSTATUS CorpusCleanup(PDEVICE_OBJECT Device, PIRP Irp)
{
    HANDLE Thread;

%s
%s
    return STATUS_SUCCESS;
}
''' % (chosen, queued, begun)

    def _entry(self):
        setup = '\n'.join('    ' + case.text(line).replace('\n', '\n    ')
                          for case in self.cases for line in case.setup)
        once = '\n'.join(case.text('    @Root(Device, NULL);') for case in self._of('init'))
        slots = '\n'.join(case.text('    DriverObject->MajorFunction[IRP_MJ_%s] = @Root;'
                                    % self.routes[case][1]) for case in self._of('slot'))
        return '''
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
#pragma alloc_text(INIT, DriverEntry)
NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDEVICE_OBJECT Device;
    NTSTATUS Status;
%s
%s
%s
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CorpusCreate;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = CorpusCleanup;
%s
    return STATUS_SUCCESS;
}
''' % (SHARED_SETUP, setup, once, slots)


def drivers(seed, count):
    """The drivers of a seed, in order.  A case that needs a slot finds one."""
    rng = random.Random(seed + 1)
    cases = choose(seed, count)
    groups = [cases[i:i + CASES_PER_DRIVER] for i in range(0, len(cases), CASES_PER_DRIVER)]
    return [Driver(group, rng) for group in groups]
