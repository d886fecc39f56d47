# SPDX-License-Identifier: MIT
"""A case: some routines of a driver, and what is true of them because of how they were written.

In the C of a case `@` stands for a prefix of the case's own, so that any number of cases fit in one
driver and a finding's routine says which case it belongs to.
"""


class Expected:
    """A mistake that the case has.

    rules      ids, the first one as the documents have it; a second one where both say the same
    functions  routines that may be named: where the mistake is
    verdict    'definite': no path that gets there is right.  'possible': some is.  'any': it depends
               on what is called a path
    """

    def __init__(self, rules, functions, verdict):
        self.rules, self.functions, self.verdict = rules, functions, verdict


class Case:
    def __init__(self, family, **features):
        self.family, self.features = family, features
        self.prefix = None
        self.route = 'any'  # how the system comes to call @Root: see driver.py; None: it does not
        self.declarations, self.definitions, self.setup = [], [], []
        self.expected = []
        self.raised = []  # routines that run at DISPATCH_LEVEL or above: never to be made pageable
        self.unless_inlined = None  # (routine, [Expected]): true instead when it was inlined

    def data(self, text):
        self.declarations.append(text)
        return self

    def function(self, head, body, section=None, kind='DECLSPEC_NOINLINE'):
        """A routine; `kind` goes before its definition.  Sections need external linkage."""
        name = head[:head.index('(')].split()[-1].lstrip('*')
        before = kind + ' ' if kind in ('static', 'FORCEINLINE') else ''
        self.declarations.append('%s%s;' % (before, head))
        if section:
            self.declarations.append('#pragma alloc_text(%s, %s)' % (section, name))
        self.definitions.append('%s %s\n{\n%s\n}\n' % (kind, head, indent(body)))
        return self

    def root(self, body, section=None):
        """The routine that the system calls at PASSIVE_LEVEL."""
        return self.function('NTSTATUS @Root(PDEVICE_OBJECT Device, PIRP Irp)',
                             body + '\nreturn STATUS_SUCCESS;', section)

    def at_start(self, statement):
        self.setup.append(statement)
        return self

    def find(self, rules, functions, verdict='definite'):
        self.expected.append(Expected(words(rules), words(functions), verdict))
        return self

    def runs_raised(self, functions):
        self.raised += words(functions)
        return self

    def named(self, number):
        """Give it its prefix."""
        self.prefix = 'C%04d_' % number
        return self

    def text(self, text):
        return text.replace('@', self.prefix)

    def truth(self, inlined=lambda routine: False):
        """What the image has, as a dictionary; inlined(routine) tells of this very image."""
        expected = self.expected
        if self.unless_inlined and inlined(self.text(self.unless_inlined[0])):
            expected = self.unless_inlined[1]
        return {
            'case': self.prefix, 'family': self.family, 'features': self.features,
            'raised': [self.text(name) for name in self.raised],
            'expected': [{'rules': e.rules, 'verdict': e.verdict,
                          'functions': [self.text(name) for name in e.functions]}
                         for e in expected]}


def words(names):
    return names.split() if isinstance(names, str) else list(names)


def indent(body):
    return '\n'.join('    ' + line for line in body.strip('\n').split('\n'))


WORK = '@Count = @Count * 3 + 1;'


def start(family, **features):
    """A case with a counter that no compiler can do without."""
    return Case(family, **features).data('static volatile ULONG @Count, @Flag;')


def chain(case, name, depth, section=None):
    """Routines @Via1 .. around `name`, which takes nothing and returns nothing; the outermost."""
    for level in range(1, depth + 1):
        outer = '@Via%d' % level
        case.function('VOID %s(VOID)' % outer, '@Count++;\n%s();\n@Count++;' % name, section)
        name = outer
    return name


def vias(depth):
    """The routines that chain() makes."""
    return ['@Via%d' % level for level in range(1, depth + 1)]
