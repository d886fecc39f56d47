# SPDX-License-Identifier: MIT
"""Ways to get to DISPATCH_LEVEL and back, in all shapes that code gives to them."""
import itertools

from .case import WORK, chain, start

SPIN, RAISE = 'spin-lock-in-pageable', 'raise-in-pageable'


class Api:
    """saved: type of what remembers the old IRQL.  acquire, release: of {v}, such a variable."""

    def __init__(self, name, rule, data, setup, saved, acquire, release):
        self.name, self.rule, self.saved = name, rule, saved
        self._data, self._setup, self._acquire, self._release = data, setup, acquire, release

    def declare(self, case):
        case.data(self._data)
        if self._setup:
            case.at_start(self._setup)
        return case

    def acquire(self, variable='Saved'):
        return self._acquire.replace('{v}', variable)

    def release(self, variable='Saved'):
        return self._release.replace('{v}', variable)

    def around(self, work=WORK):
        return '%s\n%s\n%s' % (self.acquire(), work, self.release())


LOCK, LOCK_SETUP = 'static KSPIN_LOCK @Lock;', 'KeInitializeSpinLock(&@Lock);'
APIS = [
    Api('KeAcquireSpinLock', SPIN, LOCK, LOCK_SETUP, 'KIRQL',
        'KeAcquireSpinLock(&@Lock, &{v});', 'KeReleaseSpinLock(&@Lock, {v});'),
    Api('KeAcquireSpinLockRaiseToDpc', SPIN, LOCK, LOCK_SETUP, 'KIRQL',
        '{v} = KeAcquireSpinLockRaiseToDpc(&@Lock);', 'KeReleaseSpinLock(&@Lock, {v});'),
    Api('KeAcquireInStackQueuedSpinLock', SPIN, LOCK, LOCK_SETUP, 'KLOCK_QUEUE_HANDLE',
        'KeAcquireInStackQueuedSpinLock(&@Lock, &{v});', 'KeReleaseInStackQueuedSpinLock(&{v});'),
    Api('ExAcquireSpinLockExclusive', SPIN, 'static EX_SPIN_LOCK @Lock;', '', 'KIRQL',
        '{v} = ExAcquireSpinLockExclusive(&@Lock);', 'ExReleaseSpinLockExclusive(&@Lock, {v});'),
    Api('ExAcquireSpinLockShared', SPIN, 'static EX_SPIN_LOCK @Lock;', '', 'KIRQL',
        '{v} = ExAcquireSpinLockShared(&@Lock);', 'ExReleaseSpinLockShared(&@Lock, {v});'),
    Api('IoAcquireCancelSpinLock', SPIN, '', '', 'KIRQL',
        'IoAcquireCancelSpinLock(&{v});', 'IoReleaseCancelSpinLock({v});'),
    Api('KfRaiseIrql', RAISE, '', '', 'KIRQL',
        '{v} = CorpusRaiseIrql(DISPATCH_LEVEL);', 'CorpusLowerIrql({v});'),
    Api('KeRaiseIrqlToDpcLevel', RAISE, '', '', 'KIRQL',
        '{v} = CorpusRaiseToDpcLevel();', 'CorpusLowerIrql({v});'),
    Api('mov cr8', RAISE, '', '', 'KIRQL',
        '{v} = KfRaiseIrql(DISPATCH_LEVEL);', 'KeLowerIrql({v});'),
]


class Pass:
    """Resident or pageable, and what that makes of a lock there."""

    def __init__(self, section):
        self.section = None if section == 'resident' else section
        self.pageable = bool(self.section) and self.section != 'INIT'


def begin(api, shape, section, depth):
    return api.declare(start('lock', api=api.name, shape=shape, section=section, depth=depth))


def finish(case, api, where, function, verdict='definite'):
    if where.pageable:
        case.find(api.rule, function, verdict)
    else:
        case.runs_raised(function if function != '@Root' else '')
    return case


def direct(api, section, depth, body=None, shape='direct'):
    """@Work holds the lock for a while, in its own lines."""
    where = Pass(section)
    case = begin(api, shape, section, depth)
    body = body or '%s Saved;\n%s' % (api.saved, api.around())
    case.function('VOID @Work(VOID)', body, where.section)
    outer = chain(case, '@Work', depth, where.section)
    case.root('%s();' % outer, where.section)
    if section == 'INIT':
        case.route = 'init'
    return finish(case, api, where, '@Work')


def early_return(api, section, depth):
    """Two ways out, each with its release."""
    return direct(api, section, depth, '%s Saved;\n%s\nif (@Flag) {\n%s\nreturn;\n}\n%s\n%s' % (
        api.saved, api.acquire(), api.release(), WORK, api.release()), 'early return')


def conditional(api, section, depth):
    """Acquire and release hang on the same local."""
    return direct(api, section, depth, (
        '%s Saved;\nBOOLEAN Locked = FALSE;\nif (@Flag) {\n%s\nLocked = TRUE;\n}\n%s\n'
        'if (Locked) {\n%s\n}\n@Count++;') % (api.saved, api.acquire(), WORK, api.release()),
        'conditional')


def loop(api, section, depth):
    return direct(api, section, depth, (
        '%s Saved;\nfor (ULONG i = 0; i < @Flag; i++) {\n%s\n}') % (api.saved, api.around()), 'loop')


def jump_table(api, section, depth):
    """One branch of many holds the lock."""
    branches = '\n'.join('case %d: @Count += %d; @Flag = @Count ^ %d; break;' % (i, i * i + 3, i)
                         for i in range(7))
    return direct(api, section, depth, (
        '%s Saved;\nswitch (@Flag) {\n%s\ncase 7:\n%s\nbreak;\ndefault: break;\n}') % (
            api.saved, branches, api.around()), 'jump table')


def forced_inline(api, section, depth):
    """The lock is in an inline routine: the image has it where that was called."""
    where = Pass(section)
    case = begin(api, 'forced inline', section, depth)
    case.function('VOID @Locked(VOID)', '%s Saved;\n%s' % (api.saved, api.around()),
                  kind='FORCEINLINE')
    case.function('VOID @Work(VOID)', '@Locked();\n@Count++;', where.section)
    case.root('%s();' % chain(case, '@Work', depth, where.section), where.section)
    if section == 'INIT':
        case.route = 'init'
    return finish(case, api, where, '@Work')


def maybe_inline(api, section, depth):
    """A static routine with one caller: only the image shows whether it is still one."""
    case = direct(api, section, depth, '@Locked();\n@Count++;', 'left to the compiler')
    case.function('VOID @Locked(VOID)', '%s Saved;\n%s' % (api.saved, api.around()), kind='static')
    inlined = case.expected
    case.expected, case.raised = [], ['@Locked']
    case.unless_inlined = ('@Locked', inlined)
    return case


def isolated(api, section, depth):
    """The remedy: whoever holds the lock is resident, who calls it may be pageable."""
    where = Pass(section)
    case = begin(api, 'isolated', section, depth)
    case.function('VOID @Work(VOID)', '%s Saved;\n%s' % (api.saved, api.around()))
    case.root('%s();\n@Count++;' % chain(case, '@Work', depth, None), where.section)
    if section == 'INIT':
        case.route = 'init'
    return case.runs_raised('@Work')


def pair(api, section, depth, place):
    """Two resident routines, one that takes the lock and one that gives it back; what is in between
    is the caller's, so is the mistake.  `place`: where the saved IRQL is kept meanwhile."""
    where = Pass(section)
    case = begin(api, 'pair, saved in ' + place, section, depth)
    kept, extra, take, give = PLACES[place]
    case.data(kept.replace('{t}', api.saved))
    case.function('VOID @Take(%s)' % (extra or 'VOID').replace('{t}', api.saved),
                  api.acquire(take))
    case.function('VOID @Give(%s)' % (extra or 'VOID').replace('{t}', api.saved),
                  api.release(give))
    argument, local = '', ''
    if place == 'structure':
        argument = '&@Object'
    elif place == 'caller':
        argument, local = '&Saved', '%s Saved;\n' % api.saved
    case.function('VOID @Work(VOID)', '%s@Take(%s);\n%s\n@Give(%s);' % (
        local, argument, WORK, argument), where.section)
    case.root('%s();\n%s' % (chain(case, '@Work', depth, where.section), AFTERWARDS),
              where.section)
    if section == 'INIT':
        case.route = 'init'
    return finish(case, api, where, '@Work')


# What only works at PASSIVE_LEVEL: silent when the IRQL is back.
AFTERWARDS = 'ZwClose(CorpusHandle());'
PLACES = {
    # place: (data, parameter, where it is saved, where it is restored from)
    'global': ('static {t} @Saved;', '', '@Saved', '@Saved'),
    'structure': ('struct @Object { ULONG Before; {t} Saved; };\nstatic struct @Object @Object;',
                  'struct @Object *Object', 'Object->Saved', 'Object->Saved'),
    'caller': ('', '{t} *Saved', '(*Saved)', '(*Saved)'),
}


def table(api, section, depth):
    """The pair, called through constant tables of routines."""
    where = Pass(section)
    case = begin(api, 'const table', section, depth)
    case.data('static %s @Saved;' % api.saved)
    case.function('VOID @Take(VOID)', api.acquire('@Saved'))
    case.function('VOID @Give(VOID)', api.release('@Saved'))
    case.data('struct @Ops { ULONG Version; VOID (*Take)(VOID); VOID (*Give)(VOID); };\n'
              'extern const struct @Ops @Ops;')
    case.definitions.append('const struct @Ops @Ops = {1, @Take, @Give};\n')
    case.function('VOID @Work(VOID)', '@Ops.Take();\n%s\n@Ops.Give();' % WORK, where.section)
    case.root('%s();' % chain(case, '@Work', depth, where.section), where.section)
    if section == 'INIT':
        case.route = 'init'
    return finish(case, api, where, '@Work')


def tail(api, section, depth):
    """The last thing that @Work does is a jump to whoever gives the lock back."""
    where = Pass(section)
    case = begin(api, 'tail call', section, depth)
    case.data('static %s @Saved;' % api.saved)
    case.function('VOID @Give(VOID)', WORK + '\n' + api.release('@Saved'))
    case.function('VOID @Work(VOID)', '%s\n%s\n@Give();' % (api.acquire('@Saved'), WORK),
                  where.section)
    case.root('%s();' % chain(case, '@Work', depth, where.section), where.section)
    if section == 'INIT':
        case.route = 'init'
    return finish(case, api, where, '@Work')


def result(api, section, depth):
    """@Take says whether it holds the lock."""
    where = Pass(section)
    case = begin(api, 'result says', section, depth)
    case.data('static %s @Saved;' % api.saved)
    case.function('BOOLEAN @Take(VOID)', 'if (!@Flag) {\nreturn FALSE;\n}\n%s\nreturn TRUE;'
                  % api.acquire('@Saved'))
    case.function('VOID @Give(VOID)', api.release('@Saved'))
    case.function('VOID @Work(VOID)', 'if (@Take()) {\n%s\n@Give();\n}\n@Count++;' % WORK,
                  where.section)
    case.root('%s();\n%s' % (chain(case, '@Work', depth, where.section), AFTERWARDS),
              where.section)
    if section == 'INIT':
        case.route = 'init'
    # The call returns raised or not: on some paths it is no mistake.
    return finish(case, api, where, '@Work', 'any')


def on_demand(api, section, depth, wrong):
    """The section is locked before the lock is taken in it; `wrong`: not always."""
    case = start('lock on demand', api=api.name, shape='wrong' if wrong else 'locked before',
                 section='PAGExxxx', depth=depth)
    section = 'PAGE' + section
    api.declare(case)
    case.function('VOID @Work(VOID)', '%s Saved;\n%s' % (api.saved, api.around()), section)
    outer = chain(case, '@Work', depth)
    guard = 'if (@Flag) {\n%s();\n}\n' % outer if wrong else ''
    case.root('PVOID Section;\n%sSection = MmLockPagableCodeSection(@Work);\n%s();\n'
              'MmUnlockPagableImageSection(Section);' % (guard, outer))
    if wrong:
        case.find(api.rule, '@Work', 'possible')
    return case.runs_raised('@Work')


def cases():
    """All of this family, each a function that makes it."""
    shapes = [direct, early_return, conditional, loop, jump_table, forced_inline, maybe_inline,
              isolated, table, tail, result]
    shapes += [lambda a, s, d, p=p: pair(a, s, d, p) for p in PLACES]
    for api, shape, section, depth in itertools.product(
            APIS, shapes, ('PAGE', 'PAGECORP', 'resident', 'INIT'), range(4)):
        yield lambda a=api, f=shape, s=section, d=depth: f(a, s, d)


def on_demand_cases():
    for api, depth, wrong in itertools.product(APIS, range(3), (False, True)):
        yield lambda a=api, d=depth, w=wrong: on_demand(a, 'L%03d' % (
            APIS.index(a) * 6 + d * 2 + w), d, w)
