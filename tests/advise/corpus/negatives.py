# SPDX-License-Identifier: MIT
"""Code that looks wrong and is right, with the mistake that it looks like as its twin."""
import itertools

from .case import WORK, chain, start
from .rules import GIVE, REGISTER, TAKE, locked, role_head, under_lock

PASSIVE_LOCKS = {
    'fast mutex': 'ExAcquireFastMutex(&CorpusMutex);\n%s\nExReleaseFastMutex(&CorpusMutex);' % WORK,
    'guarded mutex': ('KeAcquireGuardedMutex(&CorpusGuarded);\n%s\n'
                      'KeReleaseGuardedMutex(&CorpusGuarded);' % WORK),
    'resource': ('KeEnterCriticalRegion();\nExAcquireResourceExclusiveLite(&CorpusResource, TRUE);\n'
                 '%s\nExReleaseResourceLite(&CorpusResource);\nKeLeaveCriticalRegion();' % WORK),
    'mutex': ('KeWaitForSingleObject(&CorpusKernelMutex, Executive, KernelMode, FALSE, NULL);\n%s\n'
              'KeReleaseMutex(&CorpusKernelMutex, FALSE);' % WORK),
    'interlocked list': ('static LIST_ENTRY Entry;\n'
                         'ExInterlockedInsertHeadList(&CorpusList, &Entry, &CorpusListLock);\n'
                         '@Count += ExInterlockedRemoveHeadList(&CorpusList, &CorpusListLock) != 0;'),
    'remove lock': ('if (NT_SUCCESS(IoAcquireRemoveLock(&CorpusRemoveLock, NULL))) {\n%s\n'
                    'IoReleaseRemoveLock(&CorpusRemoveLock, NULL);\n}' % WORK),
    'rundown': ('if (ExAcquireRundownProtection(&CorpusRundown)) {\n%s\n'
                'ExReleaseRundownProtection(&CorpusRundown);\n}' % WORK),
}


def passive_lock(name, depth):
    """Locks of PAGE code: they leave the IRQL at APC_LEVEL or below."""
    case = start('passive lock', lock=name, depth=depth)
    case.function('VOID @Work(VOID)', PASSIVE_LOCKS[name], 'PAGE')
    case.root('%s();' % chain(case, '@Work', depth, 'PAGE'), 'PAGE')
    return case


GUARDS = {
    'current == PASSIVE': ('KeGetCurrentIrql() == PASSIVE_LEVEL', True),
    'current < DISPATCH': ('KeGetCurrentIrql() < DISPATCH_LEVEL', True),
    'current <= APC': ('KeGetCurrentIrql() <= APC_LEVEL', True),
    'not raised': ('!(KeGetCurrentIrql() >= DISPATCH_LEVEL)', True),
    'current >= DISPATCH': ('KeGetCurrentIrql() >= DISPATCH_LEVEL', False),
    'current == DISPATCH': ('KeGetCurrentIrql() == DISPATCH_LEVEL', False),
    'current != PASSIVE': ('KeGetCurrentIrql() != PASSIVE_LEVEL', False),
}


def guarded(name, what):
    """A routine that a DPC and a request call, and that asks at which IRQL it is."""
    condition, right = GUARDS[name]
    case = start('current irql', guard=name, what=what)
    inside = 'KeWaitForSingleObject(&CorpusEvent, Executive, KernelMode, FALSE, NULL);'
    if what == 'paged code':
        case.function('ULONG @Paged(ULONG Value)', '@Count++;\nreturn Value * 7 + @Count;', 'PAGE')
        inside = '@Count = @Paged(@Count);'
    case.data('static KDPC @Dpc;')
    case.function('VOID @Work(VOID)', 'if (%s) {\n%s\n}\n@Count++;' % (condition, inside))
    case.function(role_head('dpc'), '@Count++;\n@Work();\n@Count++;')
    case.root('@Work();\n' + REGISTER['dpc'])
    if not right:
        if what == 'paged code':
            case.find('pageable-at-raised-irql', '@Paged')
        else:
            case.find('api-irql', '@Work')
    return case.runs_raised('@Work @Routine')


def two_locks(order, depth):
    """Nested locks, given back in either order, then something that needs PASSIVE_LEVEL."""
    case = locked('nested', order=order, depth=depth).data('static KSPIN_LOCK @Second;')
    last, first = 'KeReleaseSpinLock(&@Second, Inner);', GIVE
    body = 'KIRQL Irql, Inner;\n%s\nKeAcquireSpinLock(&@Second, &Inner);\n%s\n%s\n%s' % (
        TAKE, WORK, last, first)
    if order == 'at dpc':
        body = ('KIRQL Irql;\n%s\nKeAcquireSpinLockAtDpcLevel(&@Second);\n%s\n'
                'KeReleaseSpinLockFromDpcLevel(&@Second);\n%s' % (TAKE, WORK, GIVE))
    elif order == 'handed over':
        # The inner lock is given back with the outer's IRQL last: legal and seen in the wild.
        body = ('KIRQL Irql;\n%s\nKeAcquireSpinLockAtDpcLevel(&@Second);\n%s\n'
                'KeReleaseSpinLockFromDpcLevel(&@Lock);\nKeReleaseSpinLock(&@Second, Irql);'
                % (TAKE, WORK))
    case.function('VOID @Work(VOID)', body)
    case.root('%s();\nZwClose(CorpusHandle());' % chain(case, '@Work', depth))
    return case.runs_raised('@Work')


def released_for_a_while(wrong):
    """Loop that drops the lock for what cannot be done under it."""
    case = locked('dropped', wrong=wrong)
    middle = 'ZwClose(CorpusHandle());'
    if not wrong:
        middle = '%s\n%s\n%s' % (GIVE, middle, TAKE)
    case.root('KIRQL Irql;\n%s\nwhile (@Flag) {\n@Count++;\n%s\n}\n%s' % (TAKE, middle, GIVE))
    if wrong:
        case.find('api-irql', '@Root')
    return case.runs_raised('@Root')


def at_dpc(section, wrong):
    """The at-DPC-level forms do not raise: right in a DPC, wrong at PASSIVE_LEVEL."""
    body = ('KeAcquireSpinLockAtDpcLevel(&@Lock);\n%s\nKeReleaseSpinLockFromDpcLevel(&@Lock);'
            % WORK)
    case = locked('at dpc level', section=section, wrong=wrong).data('static KDPC @Dpc;')
    if wrong:
        case.root(body, None if section == 'resident' else section)
        # One call breaks both rules in PAGE, and its release would break the second again.
        case.find('api-irql spin-lock-in-pageable', '@Root')
    else:
        case.function(role_head('dpc'), body)
        case.root(REGISTER['dpc']).runs_raised('@Routine')
    return case


def correlated(depth):
    """The flag that says whether the lock is held goes through a helper as its argument."""
    case = locked('correlated', depth=depth).data('static KIRQL @Saved;')
    case.function('VOID @Take(BOOLEAN Really)',
                  'if (Really) {\nKeAcquireSpinLock(&@Lock, &@Saved);\n}')
    case.function('VOID @Give(BOOLEAN Really)',
                  'if (Really) {\nKeReleaseSpinLock(&@Lock, @Saved);\n}')
    case.function('VOID @Work(VOID)', '@Take(TRUE);\n%s\n@Give(TRUE);' % WORK)
    case.root('%s();\nZwClose(CorpusHandle());' % chain(case, '@Work', depth))
    return case.runs_raised('@Work @Take @Give')


def not_really(depth):
    """The same with FALSE from PAGE: no lock is ever taken there."""
    case = locked('correlated', really=False, depth=depth).data('static KIRQL @Saved;')
    case.function('VOID @Take(BOOLEAN Really)',
                  'if (Really) {\nKeAcquireSpinLock(&@Lock, &@Saved);\n}')
    case.function('VOID @Give(BOOLEAN Really)',
                  'if (Really) {\nKeReleaseSpinLock(&@Lock, @Saved);\n}')
    case.function('VOID @Work(VOID)', '@Take(FALSE);\n%s\n@Give(FALSE);' % WORK, 'PAGE')
    case.function('VOID @Busy(VOID)', '@Take(TRUE);\n%s\n@Give(TRUE);' % WORK)
    case.root('%s();\n@Busy();' % chain(case, '@Work', depth, 'PAGE'), 'PAGE')
    return case.runs_raised('@Busy')


def resident_from_resident(depth):
    case = locked('resident', depth=depth)
    case.function('VOID @Work(VOID)', WORK)
    case.root(under_lock('%s();' % chain(case, '@Work', depth)))
    return case.runs_raised('@Work @Root')


def recursion(wrong):
    """A routine that calls itself, with a lock held at each step but not across it."""
    case = locked('recursion', wrong=wrong)
    again = 'if (Depth) {\n@Walk(Depth - 1);\n}'
    lock = '{\n%s\n}' % under_lock(WORK)
    case.function('VOID @Walk(ULONG Depth)', again + '\n' + lock + '\n@Count++;',
                  'PAGE' if wrong else None)
    case.root('@Walk(@Count & 7);\nZwClose(CorpusHandle());')
    if wrong:
        case.find('spin-lock-in-pageable', '@Walk')
    return case.runs_raised('@Walk')


def cases():
    for name, depth in itertools.product(PASSIVE_LOCKS, range(3)):
        yield lambda n=name, d=depth: passive_lock(n, d)
    for name, what in itertools.product(GUARDS, ('wait', 'paged code')):
        yield lambda n=name, w=what: guarded(n, w)
    for order, depth in itertools.product(('nested', 'at dpc', 'handed over'), range(3)):
        yield lambda o=order, d=depth: two_locks(o, d)
    for wrong in (False, True):
        yield lambda w=wrong: released_for_a_while(w)
        yield lambda w=wrong: recursion(w)
        for section in ('PAGE', 'resident'):
            yield lambda s=section, w=wrong: at_dpc(s, w)
    for depth in range(3):
        yield lambda d=depth: correlated(d)
        yield lambda d=depth: not_really(d)
        yield lambda d=depth: resident_from_resident(d)
