# SPDX-License-Identifier: MIT
"""Builds the corpus, asks the advisor, and scores it."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))

from advisor import advise  # noqa: E402
from toolchain import VARIANTS, functions_of, parallel  # noqa: E402

from . import driver, mutate  # noqa: E402
from .score import Score  # noqa: E402

QUIET = ('-w',) # what a case does with its arguments is nobody's business
OPTIONS = ('--small',) # savings of single routines too


def build_generated(toolchain, seed, count, variants):
    """[(image, cases)]: `count` cases (None: all), each driver for each of the variants."""
    jobs = []
    for number, one in enumerate(driver.drivers(seed, count)):
        source = os.path.join(toolchain.work, 'corpus-%d-%03d.c' % (seed, number))
        with open(source, 'w', encoding='utf-8') as file:
            file.write(one.source())
        jobs += [(source, one.cases, variant) for variant in variants]

    def build(job):
        source, cases, variant = job
        image = os.path.join(toolchain.work, ''.join(variant),
                             os.path.basename(source).replace('.c', '.sys'))
        toolchain.driver(image, source, variant, QUIET)
        routines = functions_of(image, toolchain.tools)
        return image, [case.truth(lambda name: name not in routines) for case in cases]

    return parallel(build, jobs)


def build_mutations(toolchain, source, seed, count, variants):
    """([(image, its clean image, truth)] of `count` mutations (None: all) for each variant, truth
    None where the compiler has undone it; [clean images])."""
    samples = mutate.samples(source)
    made = [m for sample in samples for m in mutate.mutations(sample)]
    if count is not None:
        made = sorted(random.Random(seed).sample(made, min(count, len(made))),
                      key=lambda m: m.name())
        samples = [s for s in samples if any(m.sample is s for m in made)]
    objects = {}

    def compile_clean(job):
        sample, variant = job
        folder = os.path.join(toolchain.work, ''.join(variant), sample.name)
        objects[sample.name, variant] = {
            path: toolchain.compile(path, os.path.join(folder, os.path.basename(path) + '.obj'),
                                    variant, [*QUIET, *sample.flags]) for path in sample.sources}
        return toolchain.link(folder + '.sys', list(objects[sample.name, variant].values()))

    def compile_mutated(job):
        mutation, variant = job
        stem = os.path.join(toolchain.work, ''.join(variant), mutation.name())
        copy = stem + '.c'
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        with open(copy, 'w', encoding='utf-8') as file:
            file.write(mutation.text)
        sample = mutation.sample
        parts = dict(objects[sample.name, variant])
        parts[mutation.source] = toolchain.compile(
            copy, stem + '.obj', variant,
            [*QUIET, *sample.flags, '-I' + os.path.dirname(mutation.source)])
        image = toolchain.link(stem + '.sys', list(parts.values()))
        before = os.path.join(toolchain.work, ''.join(variant), sample.name + '.sys')
        return image, before, mutation.truth(functions_of(image, toolchain.tools))

    clean = parallel(compile_clean, [(s, v) for s in samples for v in variants])
    mutated = parallel(compile_mutated, [(m, v) for m in made for v in variants])
    return mutated, clean


def _new(report, before):
    """The report without what was found before the mistake was made: neither its answer nor false
    because of it."""
    known = {(finding['rule'], finding['function']) for finding in before['violations']}
    return {**report, 'violations': [finding for finding in report['violations']
                                     if (finding['rule'], finding['function']) not in known]}


def measure(program, toolchain, source, seed, count, mutation_count, variants=tuple(VARIANTS)):
    """(Score of the generated cases, Score of the mutations and what they were made from)."""
    toolchain.prepare(variants)
    generated = build_generated(toolchain, seed, count, variants)
    mutated, clean = build_mutations(toolchain, source, seed, mutation_count, variants)
    images = [job[0] for job in generated + mutated] + clean
    reports = advise(program, images, OPTIONS)
    first, second = Score(), Score()
    for image, truths in generated:
        first.add_image(_short(toolchain, image), truths, reports[image])
    silent = {'case': '', 'family': 'clean', 'features': {}, 'raised': [], 'expected': []}
    for image in clean:
        second.add_image(_short(toolchain, image), [silent], reports[image])
    for image, before, truth in mutated:
        if truth is None:
            second.undone += 1
            continue
        second.add_image(_short(toolchain, image), [truth], _new(reports[image], reports[before]))
    return first, second


def _short(toolchain, image):
    return os.path.relpath(image, toolchain.work)
