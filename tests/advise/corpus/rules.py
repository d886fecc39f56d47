# SPDX-License-Identifier: MIT
"""The other rules, one function for each kind of mistake; `wrong` False is its right twin."""
import itertools

from .case import WORK, chain, start, vias

SPIN = 'static KSPIN_LOCK @Lock;'
SPIN_SETUP = 'KeInitializeSpinLock(&@Lock);'
TAKE, GIVE = 'KeAcquireSpinLock(&@Lock, &Irql);', 'KeReleaseSpinLock(&@Lock, Irql);'


def locked(family, **features):
    return start(family, **features).data(SPIN).at_start(SPIN_SETUP)


def under_lock(body):
    return 'KIRQL Irql;\n%s\n%s\n%s' % (TAKE, body, GIVE)


# ---- Wait ----

WAITS = {
    'KeSetEvent': ('KeSetEvent(&@Event, IO_NO_INCREMENT, %s);', 'event'),
    'KePulseEvent': ('KePulseEvent(&@Event, IO_NO_INCREMENT, %s);', 'event'),
    'KeReleaseMutex': ('KeReleaseMutex(&@Mutex, %s);', 'mutex'),
    'KeReleaseSemaphore': ('KeReleaseSemaphore(&@Semaphore, IO_NO_INCREMENT, 1, %s);', 'semaphore'),
}
OBJECTS = {
    'event': ('static KEVENT @Event;', 'KeInitializeEvent(&@Event, NotificationEvent, FALSE);'),
    'mutex': ('static KMUTEX @Mutex;', 'KeInitializeMutex(&@Mutex, 0);'),
    'semaphore': ('static KSEMAPHORE @Semaphore;', 'KeInitializeSemaphore(&@Semaphore, 0, 100);'),
}
WAIT = 'KeWaitForSingleObject(&@Other, Executive, KernelMode, FALSE, NULL);'
MUTEX_WAIT = 'KeWaitForSingleObject(&@Mutex, Executive, KernelMode, FALSE, NULL);\n'


def signal(api, section, wait, followed, depth):
    """A signal with Wait TRUE or FALSE, followed by a wait or not."""
    case = start('wait', api=api, section=section, wait=wait, followed=followed, depth=depth)
    call, kind = WAITS[api]
    data, setup = OBJECTS[kind]
    case.data(data).at_start(setup)
    case.data('static KEVENT @Other;').at_start(
        'KeInitializeEvent(&@Other, NotificationEvent, TRUE);')
    place = None if section == 'resident' else section
    before = MUTEX_WAIT if kind == 'mutex' else ''
    case.function('VOID @Work(VOID)', '%s@Count++;\n%s\n%s' % (
        before, call % ('TRUE' if wait else 'FALSE'), WAIT if followed else WORK), place)
    case.root('%s();' % chain(case, '@Work', depth, place), place)
    if wait and place:
        case.find('wait-true-in-pageable', '@Work')
    elif wait and not followed:
        case.find('wait-true-without-wait', ['@Work', '@Root'] + vias(depth))
    return case


def wait_cases():
    for api, section, wait, followed, depth in itertools.product(
            WAITS, ('PAGE', 'PAGECORP', 'resident'), (True, False), (True, False), range(3)):
        yield lambda a=api, s=section, w=wait, f=followed, d=depth: signal(a, s, w, f, d)


# ---- roles ----

def role_head(kind):
    return {
        'dpc': 'VOID @Routine(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)',
        'timer dpc': 'VOID @Routine(PKDPC Dpc, PVOID Context, PVOID First, PVOID Second)',
        'isr': 'BOOLEAN @Routine(PKINTERRUPT Interrupt, PVOID Context)',
        'synchronize': 'BOOLEAN @Routine(PVOID Context)',
        'timer': 'VOID @Routine(PDEVICE_OBJECT Device, PVOID Context)',
        'cancel': 'VOID @Routine(PDEVICE_OBJECT Device, PIRP Irp)',
        'completion': 'NTSTATUS @Routine(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)',
        'work item': 'VOID @Routine(PDEVICE_OBJECT Device, PVOID Context)',
        'thread': 'VOID @Routine(PVOID Context)',
    }[kind]


REGISTER = {
    'dpc': 'KeInitializeDpc(&@Dpc, @Routine, NULL);\nKeInsertQueueDpc(&@Dpc, NULL, NULL);',
    'timer dpc': ('KeInitializeTimer(&@Timer);\nKeInitializeDpc(&@Dpc, @Routine, NULL);\n'
                  'KeSetTimer(&@Timer, @Due, &@Dpc);'),
    'isr': ('return IoConnectInterrupt(&@Interrupt, @Routine, NULL, NULL, 5, 5, 5, LevelSensitive, '
            'TRUE, 1, FALSE);'),
    'synchronize': 'KeSynchronizeExecution(CorpusInterrupt, @Routine, NULL);',
    'timer': 'return IoInitializeTimer(Device, @Routine, NULL);',
    'cancel': 'IoSetCancelRoutine(Irp, @Routine);',
    'completion': ('IoCopyCurrentIrpStackLocationToNext(Irp);\n'
                   'IoSetCompletionRoutine(Irp, @Routine, NULL, TRUE, TRUE, TRUE);\n'
                   'return IoCallDriver(CorpusLower, Irp);'),
    'work item': 'IoQueueWorkItem(CorpusWorkItem, @Routine, DelayedWorkQueue, NULL);',
    'thread': ('HANDLE Thread;\nreturn PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL,'
               ' NULL, @Routine, NULL);'),
}
ROLE_BODY = {'cancel': 'IoReleaseCancelSpinLock(Irp->CancelIrql);\n%s', }
ROLE_END = {'isr': 'return TRUE;', 'synchronize': 'return TRUE;',
            'completion': 'return STATUS_CONTINUE_COMPLETION;',
            'thread': 'PsTerminateSystemThread(STATUS_SUCCESS);'}
RAISED_ROLES = ('dpc', 'timer dpc', 'isr', 'synchronize', 'timer', 'cancel', 'completion')


def with_role(family, kind, body, section, **features):
    """@Routine, which @Root hands to the system."""
    case = start(family, role=kind, section=section or 'resident', **features)
    case.data('static KDPC @Dpc; static KTIMER @Timer; static LARGE_INTEGER @Due;\n'
              'static PKINTERRUPT @Interrupt;')
    text = ROLE_BODY.get(kind, '%s') % body
    case.function(role_head(kind), text + '\n' + ROLE_END.get(kind, ''), section)
    case.root(REGISTER[kind])
    if kind in RAISED_ROLES:
        case.runs_raised('@Routine')
    return case


def role_placed(kind, section):
    case = with_role('role', kind, WORK, None if section == 'resident' else section)
    if section != 'resident' and kind in RAISED_ROLES:
        case.find('must-be-resident-role', '@Routine')
    return case


def role_cases():
    for kind, section in itertools.product(REGISTER, ('PAGE', 'PAGECORP', 'resident')):
        yield lambda k=kind, s=section: role_placed(k, s)


# ---- what may be called at which IRQL ----

UNICODE = 'UNICODE_STRING Text = {0, 0, 0};\n'
CALLS = {
    # name: (statements, works at DISPATCH_LEVEL)
    'ZwClose': ('ZwClose(CorpusHandle());', False),
    'RtlAnsiStringToUnicodeString': (
        UNICODE + 'ANSI_STRING Ansi = {0, 0, 0};\n'
        'RtlAnsiStringToUnicodeString(&Text, &Ansi, TRUE);', False),
    'KeWaitForSingleObject, no timeout': (
        'KeWaitForSingleObject(&CorpusEvent, Executive, KernelMode, FALSE, NULL);', False),
    'KeWaitForSingleObject, one second': (
        'LARGE_INTEGER Due = {.QuadPart = -10000000};\n'
        'KeWaitForSingleObject(&CorpusEvent, Executive, KernelMode, FALSE, &Due);', False),
    'KeWaitForSingleObject, zero': (
        'LARGE_INTEGER Due = {.QuadPart = 0};\n'
        'KeWaitForSingleObject(&CorpusEvent, Executive, KernelMode, FALSE, &Due);', True),
    'ExAllocatePoolWithTag, paged': (
        '@Count += ExAllocatePoolWithTag(PagedPool, 64, 1) != NULL;', False),
    'ExAllocatePoolWithTag, nonpaged': (
        '@Count += ExAllocatePoolWithTag(NonPagedPool, 64, 1) != NULL;', True),
    'ExAcquireFastMutex': (
        'ExAcquireFastMutex(&CorpusMutex);\n@Count++;\nExReleaseFastMutex(&CorpusMutex);', False),
    'KeDelayExecutionThread': (
        'LARGE_INTEGER Due = {.QuadPart = -10000};\n'
        'KeDelayExecutionThread(KernelMode, FALSE, &Due);', False),
    'RtlWriteRegistryValue': (
        'RtlWriteRegistryValue(RTL_REGISTRY_SERVICES, L"x", L"y", REG_DWORD, (PVOID)&@Count, 4);',
        False),
    'ExAcquireResourceExclusiveLite': (
        'ExAcquireResourceExclusiveLite(&CorpusResource, TRUE);\n@Count++;\n'
        'ExReleaseResourceLite(&CorpusResource);', False),
    'KeSetEvent, Wait FALSE': ('KeSetEvent(&CorpusEvent, IO_NO_INCREMENT, FALSE);', True),
    'KeInsertQueueDpc': ('KeInsertQueueDpc(&CorpusDpc, NULL, NULL);', True),
    'ExInterlockedInsertTailList': (
        'static LIST_ENTRY Entry;\n'
        'ExInterlockedInsertTailList(&CorpusList, &Entry, &CorpusListLock);', True),
    'RtlCopyMemory': ('static UCHAR From[64], To[64];\nRtlCopyMemory(To, From, @Count & 63);', True),
    'ExFreePool': ('ExFreePool(ExAllocatePoolWithTag(NonPagedPool, @Count, 1));', True),
    'IoQueueWorkItem': (
        'IoQueueWorkItem(CorpusWorkItem, CorpusWorker, DelayedWorkQueue, NULL);', True),
    'DbgPrint': ('DbgPrint("%u", @Count);', True),
}


def call_under_lock(name, depth):
    statements, fine = CALLS[name]
    case = locked('api', api=name, place='lock', depth=depth)
    case.function('VOID @Inner(VOID)', '@Count++;\n' + statements)
    outer = chain(case, '@Inner', depth)
    case.root('KIRQL Irql;\n%s\n%s();\n%s' % (TAKE, outer, GIVE))
    if not fine:
        case.find('api-irql', '@Inner')
    return case.runs_raised(vias(depth) + ['@Inner'])


def call_in_role(name, kind):
    statements, fine = CALLS[name]
    case = with_role('api', kind, statements, None, api=name, place='role')
    if kind in RAISED_ROLES and not fine:
        case.find('api-irql', '@Routine')
    return case


def call_after_lock(name, depth):
    """Everything is allowed again once the lock is released."""
    case = locked('api', api=name, place='after', depth=depth)
    case.function('VOID @Inner(VOID)', under_lock(WORK))
    outer = chain(case, '@Inner', depth)
    case.root('%s();\n%s' % (outer, CALLS[name][0]))
    return case.runs_raised('@Inner')


def call_cases():
    for name, depth in itertools.product(CALLS, range(4)):
        yield lambda n=name, d=depth: call_under_lock(n, d)
        yield lambda n=name, d=depth: call_after_lock(n, d)
    for name, kind in itertools.product(CALLS, ('dpc', 'timer dpc', 'timer', 'thread',
                                                'work item')):
        yield lambda n=name, k=kind: call_in_role(n, k)


# ---- PAGE touched at DISPATCH_LEVEL ----

def paged_call(section, depth, wrong, how):
    """A routine of PAGE is called with a lock held, or just before it is taken."""
    case = locked('paged', what='code', section=section, depth=depth, wrong=wrong, how=how)
    case.function('ULONG @Paged(ULONG Value)', '@Count++;\nreturn Value * 7 + @Count;', section)
    case.function('VOID @Inner(VOID)', '@Count = @Paged(@Count);')
    outer = chain(case, '@Inner', depth)
    if how == 'dpc' and wrong:
        case.data('static KDPC @Dpc;')
        case.function(role_head('dpc'), '@Count++;\n%s();' % outer)
        case.root(REGISTER['dpc'])
    elif wrong:
        case.root(under_lock('%s();' % outer))
    else:
        case.root('%s();\n{\n%s\n}' % (outer, under_lock(WORK)))
    if wrong:
        case.find('pageable-at-raised-irql', '@Paged').runs_raised(vias(depth) + ['@Inner'])
    return case


def paged_data(kind, wrong, depth):
    """A table in a pageable data section."""
    const = kind == 'const'
    case = locked('paged', what=kind, wrong=wrong, depth=depth)
    case.data('#pragma %s_seg("PAGE%s")' % (kind, 'CONS' if const else 'DATA'))
    case.data('%sULONG @Table[8] = {9, 8, 7, 6, 5, 4, 3, 2};' % (
        'extern const volatile ULONG @Table[8];\nconst volatile ' if const
        else 'static volatile '))
    case.data('#pragma %s_seg()' % kind)
    case.function('VOID @Inner(VOID)', '@Count += @Table[@Count & 7];')
    outer = chain(case, '@Inner', depth)
    if wrong:
        case.root(under_lock('%s();' % outer))
        case.find('pageable-at-raised-irql', '@Inner').runs_raised(vias(depth) + ['@Inner'])
    else:
        case.root('%s();\n{\n%s\n}' % (outer, under_lock(WORK)))
    return case


def paged_cases():
    for section, depth, wrong, how in itertools.product(
            ('PAGE', 'PAGECORP'), range(4), (True, False), ('lock', 'dpc')):
        yield lambda s=section, d=depth, w=wrong, h=how: paged_call(s, d, w, h)
    for kind, wrong, depth in itertools.product(('data', 'const'), (True, False), range(3)):
        yield lambda k=kind, w=wrong, d=depth: paged_data(k, w, d)


# ---- INIT ----

def init_call(depth, how):
    """INIT is gone when DriverEntry has returned."""
    case = start('init', how=how, depth=depth)
    late = how in ('late', 'stored')
    case.function('VOID @Once(VOID)', '@Count += 5;', 'INIT')
    if how in ('late', 'entry'):
        outer = chain(case, '@Once', depth, None if late else 'INIT')
        case.root('%s();' % outer, None if late else 'INIT')
        case.route = 'any' if late else 'init'
    else:
        case.data('static VOID (*@Pointer)(VOID);')
        case.at_start('@Pointer = @Once;\n@Pointer();')
        case.function('VOID @Caller(VOID)', '@Count++;\n%s' % ('@Pointer();' if late else WORK))
        case.root('%s();' % chain(case, '@Caller', depth))
    if late:
        # The run names the routine that is gone; the image also shows who calls it.
        case.find('init-called-late', ['@Once', '@Root', '@Caller', '@Via1'])
    return case


def init_cases():
    for depth, how in itertools.product(range(4), ('late', 'entry', 'stored')):
        yield lambda d=depth, h=how: init_call(d, h)


# ---- section locks ----

SECTION_LOCKS = {
    'fine': ('', 'PVOID Section = MmLockPagableCodeSection(@Paged);\n@Paged();\n'
             'MmUnlockPagableImageSection(Section);', None),
    'at raised': ('', under_lock('@Section = MmLockPagableCodeSection(@Paged);') + (
        '\nMmUnlockPagableImageSection(@Section);'), 'lock-at-raised-irql'),
    'unlock at raised': ('', '@Section = MmLockPagableCodeSection(@Paged);\n{\n' + under_lock(
        'MmUnlockPagableImageSection(@Section);') + '\n}', 'lock-at-raised-irql'),
    'underflow': ('', 'PVOID Section = MmLockPagableCodeSection(@Paged);\n'
                  'MmUnlockPagableImageSection(Section);\n@Count++;\n'
                  'MmUnlockPagableImageSection(Section);', 'unlock-underflow'),
    'leak': ('', 'PVOID Section = MmLockPagableCodeSection(@Paged);\n'
             'if (@Flag) {\nreturn STATUS_UNSUCCESSFUL;\n}\n'
             'MmUnlockPagableImageSection(Section);', 'lock-leak'),
    'nonpaged': ('', 'PVOID Section = MmLockPagableCodeSection(@Resident);\n@Resident();\n'
                 'MmUnlockPagableImageSection(Section);', 'lock-nonpaged'),
    'by handle': ('', '@Section = MmLockPagableCodeSection(@Paged);\n'
                  'MmUnlockPagableImageSection(@Section);\n'
                  'MmLockPagableSectionByHandle(@Section);\n@Paged();\n'
                  'MmUnlockPagableImageSection(@Section);', None),
}


def section_lock(how, number):
    data, body, rule = SECTION_LOCKS[how]
    case = locked('section lock', how=how).data('static PVOID @Section;' + data)
    case.function('VOID @Paged(VOID)', WORK, 'PAGES%03d' % number)
    case.function('VOID @Resident(VOID)', WORK)
    case.root(body)
    if rule:
        case.find(rule, '@Root', 'possible' if how == 'leak' else 'definite')
    return case


def section_lock_cases():
    for number, how in enumerate(SECTION_LOCKS):
        yield lambda h=how, n=number: section_lock(h, n)


# ---- the IRQL at the end ----

LEFT = {
    'always': ('%s\n%s' % (TAKE, WORK), 'definite'),
    'one way out': ('%s\nif (@Flag) {\nreturn STATUS_UNSUCCESSFUL;\n}\n%s' % (TAKE, GIVE),
                    'possible'),
    'conditional release': ('%s\n%s\nif (@Flag) {\n%s\n}' % (TAKE, WORK, GIVE), 'possible'),
    'wrong branch': ('if (@Flag) {\n%s\n@Count++;\n} else {\n%s\n%s\n}' % (TAKE, TAKE, GIVE),
                     'possible'),
    'never': ('%s\n%s\n%s' % (TAKE, WORK, GIVE), None),
}


def left_raised(how):
    body, verdict = LEFT[how]
    case = locked('irql left', how=how)
    case.root('KIRQL Irql = 0;\n' + body)
    case.route = 'slot'
    if verdict:
        case.find('irql-left-raised', '@Root', verdict)
    return case.runs_raised('@Root')


def left_cases():
    for how in LEFT:
        yield lambda h=how: left_raised(h)


# ---- objects of the kernel in pageable memory ----

SYNC = {
    'event': ('KEVENT', 'KeInitializeEvent(%s, NotificationEvent, FALSE);\n'
              'KeSetEvent(%s, IO_NO_INCREMENT, FALSE);'),
    'mutex': ('KMUTEX', 'KeInitializeMutex(%s, 0);\n'
              'KeWaitForSingleObject(%s, Executive, KernelMode, FALSE, NULL);'),
    'semaphore': ('KSEMAPHORE', 'KeInitializeSemaphore(%s, 0, 5);\n'
                  'KeReleaseSemaphore(%s, IO_NO_INCREMENT, 1, FALSE);'),
    'timer': ('KTIMER', 'KeInitializeTimer(%s);\nKeSetTimer(%s, CorpusDue, NULL);'),
    'dpc': ('KDPC', 'KeInitializeDpc(%s, CorpusDpcRoutine, NULL);\n'
            'KeInsertQueueDpc(%s, NULL, NULL);'),
}


def sync_object(kind, where):
    kernel_type, use = SYNC[kind]
    case = start('sync object', object=kind, where=where)
    if where == 'PAGE data':
        case.data('#pragma data_seg("PAGEDATA")\nstatic %s @Object = {0};\n#pragma data_seg()'
                  % kernel_type)
    else:
        case.data('static %s @Object = {0};' % kernel_type)
    if where.endswith('pool'):
        pool = 'PagedPool' if where == 'paged pool' else 'NonPagedPool'
        body = ('%s *Object = ExAllocatePoolWithTag(%s, sizeof(*Object), 1);\n'
                'if (!Object) {\nreturn STATUS_UNSUCCESSFUL;\n}\n' % (kernel_type, pool))
        case.root(body + use.replace('%s', 'Object'))
    else:
        case.root(use.replace('%s', '&@Object'))
    if where in ('PAGE data', 'paged pool'):
        case.find('sync-object-pageable', '@Root')
    return case


def sync_cases():
    for kind, where in itertools.product(SYNC, ('PAGE data', 'paged pool', 'data',
                                                'nonpaged pool')):
        yield lambda k=kind, w=where: sync_object(k, w)
