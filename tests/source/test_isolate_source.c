/* SPDX-License-Identifier: MIT */
/* The rewrite: what it refuses and why, names, sections, layout; and the diff. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "source/source.h"
#include "support/run.h"

static struct isolation *run(const char *file, const char *text, struct isolate_options options)
{
    struct isolation *out = NULL;

    ck_assert_int_eq(source_isolate(file, text, strlen(text), &options, &out), PG_OK);
    ck_assert_uint_eq(strlen(out->text), out->bytes);
    return out;
}

#define HEAD        "void F(E *e);\n#pragma alloc_text(PAGE, F)\n"
#define BODY(inner) HEAD "void F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n" inner "}\n"
#define TAKE        "    KeAcquireSpinLock(&e->l, &q);\n"
#define GIVE        "    KeReleaseSpinLock(&e->l, q);\n"

/* The text is refused, in this line, for a reason with these words, and stays what it is. */
static void refused_with(const char *file, const char *text, struct isolate_options options,
                         uint32_t line, const char *words)
{
    struct isolation *out = run(file, text, options);

    ck_assert_msg(out->region_count == 0, "moved: %s", out->text);
    ck_assert_msg(out->refusal_count == 1, "%u refusals of\n%s", out->refusal_count, text);
    ck_assert_msg(strstr(out->refusals[0].reason, words) != NULL, "reason: %s",
                  out->refusals[0].reason);
    ck_assert_str_eq(out->refusals[0].function, "F");
    ck_assert_msg(out->refusals[0].line == line, "line %u: %s", out->refusals[0].line,
                  out->refusals[0].reason);
    ck_assert_uint_gt(strlen(out->refusals[0].hint), 0);
    ck_assert_str_eq(out->text, text);
    source_isolation_close(out);
}

static void refused(const char *text, uint32_t line, const char *words)
{
    refused_with("driver.c", text, (struct isolate_options){0}, line, words);
}

/* The same of a text with many of one thing; @ is the number of each. */
static void refused_many(const char *before, const char *each, unsigned count, const char *after,
                         uint32_t line, const char *words)
{
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    ck_assert_ptr_nonnull(out);
    (void)fputs(before, out);
    for (unsigned i = 0; i < count; i++) {
        for (const char *at = each; *at != '\0'; at++) {
            (void)(*at == '@' ? fprintf(out, "%u", i) : fputc(*at, out));
        }
    }
    (void)fputs(after, out);
    ck_assert_int_eq(fclose(out), 0);
    refused(text, line, words);
    free(text);
}

/* The new text has all of these, one after the other; the list ends with NULL. */
static void moved(const char *file, const char *text, struct isolate_options options,
                  const char *const *parts)
{
    struct isolation *out = run(file, text, options);
    const char *at = out->text;

    ck_assert_msg(out->refusal_count == 0, "refused: %s", out->refusals[0].reason);
    for (; *parts != NULL; parts++) {
        const char *found = strstr(at, *parts);

        ck_assert_msg(found != NULL, "no \"%s\" in\n%s", *parts, at);
        at = found + strlen(*parts);
    }
    source_isolation_close(out);
}

#define MOVED(file, text, options, ...)                                                            \
    moved(file, text, options, (const char *const[]){__VA_ARGS__, NULL})
#define OPTIONS(...) ((struct isolate_options){__VA_ARGS__})

START_TEST(lock_that_stays_held)
{
    refused(BODY(TAKE "    if (e->a) {\n        return;\n    }\n" GIVE), 9, "still held");
    refused(BODY(TAKE), 7, "still held");
    refused(BODY("    KeRaiseIrqlToDpcLevel();\n"), 7, "still held");
    refused(BODY(TAKE "    if (e->a) {\n" GIVE "    }\n"), 8, "still held");
    refused(BODY("    for (;;) {\n" TAKE
                 "        if (e->a) {\n            continue;\n        }\n" GIVE "    }\n"),
            7, "still held");
}
END_TEST

START_TEST(ways_in)
{
    refused(BODY("    if (e->a) {\n        goto out;\n    }\n" TAKE "out:\n" GIVE), 11,
            "reached with the lock");
    refused(BODY("    if (e->a) {\n" TAKE "    }\n    e->b = 1;\n    if (e->a) {\n" GIVE "    }\n"),
            11, "still held");
    refused(BODY("    switch (e->a) {\n    case 1:\n" TAKE "        break;\n    case 2:\n" GIVE
                 "    }\n"),
            10, "the lock is still held");
}
END_TEST

START_TEST(blocks)
{
    refused(BODY("    {\n" TAKE "        e->a = 1;\n    }\n" GIVE), 11, "outside of the block");
    refused(BODY("    if (e->a)\n    " TAKE "    e->b = 1;\n" GIVE), 9, "reached with the lock");
    refused(BODY("    if (KeRaiseIrqlToDpcLevel() == 0) {\n        e->a = 1;\n    }\n    "
                 "KeLowerIrql(0);\n"),
            7, "larger expression");
    refused(BODY("    q = KeAcquireSpinLockRaiseToDpc(&e->l), e->a = 1;\n" GIVE), 7,
            "larger expression");
    refused(BODY(TAKE "    e->a = 1, KeReleaseSpinLock(&e->l, q);\n"), 8, "larger expression");
}
END_TEST

START_TEST(waits_need_a_low_irql_unless_they_are_polls)
{
    static const char *const polls[] = {
        "KeWaitForSingleObject(&e->w, 0, 0, 0, &e->t)", "KeWaitForMutexObject(&e->w, 0, 0, 0, t)",
        "KeWaitForMultipleObjects(1, e->w, 0, 0, 0, 0, &e->t, NULL)",
        "MmProbeAndLockPages(e->m, 0, 0)", "IoStartTimer(e->d)"};

    for (unsigned i = 0; i < sizeof polls / sizeof *polls; i++) {
        char text[512];

        (void)snprintf(text, sizeof text, BODY(TAKE "    %s;\n" GIVE), polls[i]);
        MOVED("driver.c", text, OPTIONS(0), "FLocked", polls[i]);
    }
    refused(BODY(TAKE "    KeWaitForMutexObject(&e->w, 0, 0, 0, NULL);\n" GIVE), 8,
            "may not be called");
    refused(BODY(TAKE "    KeWaitForMultipleObjects(1, e->w, 0, 0, 0, 0, nullptr, NULL);\n" GIVE),
            8, "may not be called");
}
END_TEST

START_TEST(things_that_may_not_be_in_it)
{
    refused(BODY(TAKE "    KeWaitForSingleObject(&e->w, 0, 0, 0, 0);\n" GIVE), 8,
            "may not be called");
    refused(BODY(TAKE "    ZwClose(e->h);\n" GIVE), 8, "may not be called");
    refused(BODY(TAKE "    F(e);\n" GIVE), 8, "is itself in a PAGE section");
    refused(BODY(TAKE "    e->p = _alloca(8);\n" GIVE), 8, "memory would be gone");
    refused(BODY(TAKE "    __try {\n        e->a = 1;\n    } __except (1) {\n    }\n" GIVE), 8,
            "__try");
    refused(BODY(TAKE "    __asm { cli }\n" GIVE), 8, "assembly");
    refused(BODY(TAKE "    FOR_EACH(e) {\n        e->a = 1;\n    }\n" GIVE), 8, "macro that opens");
    refused(BODY(TAKE "#if A\n" GIVE "#else\n    KeLowerIrql(q);\n#endif\n"), 9, "conditional");
    refused(BODY("#if A\n" TAKE "#endif\n    e->a = 1;\n" GIVE), 9, "conditional");
    refused("#define OUT return\n" BODY(TAKE "    if (e->a) OUT;\n" GIVE), 9,
            "OUT in line 9 jumps");
    refused("#define Q q = 1\n" BODY(TAKE "    Q;\n" GIVE), 9, "uses a local");
    refused("#define Q(x) q = (x)\n" BODY(TAKE "    Q(e->a);\n" GIVE), 9, "uses a local");
    refused("#define RET return\n#define OUT(x) if (x) RET\n" BODY(TAKE "    OUT(e->a);\n" GIVE),
            10, "OUT in line 10 jumps");
    refused(BODY(TAKE "    e->a = ({ if (e->b) return; 1; });\n" GIVE), 8, "holds statements");
    refused(BODY(TAKE "    va_start(e->l, e);\n" GIVE), 8, "frame of the routine");
    refused("void G(void) { PAGED_CODE(); }\n" BODY(TAKE "    G();\n" GIVE), 9, "says PAGED_CODE");
    refused(BODY("#define N 1\n" TAKE "    e->a = N;\n" GIVE "#undef N\n"), 11,
            "which line 11 changes");
    refused(BODY("#if A\n" TAKE GIVE "#endif\n"), 8, "compiled under a condition");
}
END_TEST

START_TEST(variables)
{
    refused(BODY(TAKE "    int a = e->a;\n" GIVE "    Use(a);\n"), 8, "a is declared between");
    refused(BODY(TAKE "    if (e->a) {\n        int a = 1;\n    " GIVE
                      "        Use(a);\n    } else {\n" GIVE "    }\n"),
            9, "a is declared between");
    refused(BODY("    static int n;\n" TAKE "    n++;\n" GIVE), 9, "n is a static local");
    refused(BODY("    struct { int x; } s = {0};\n" TAKE "    e->a = s.x;\n" GIVE), 9,
            "the routine itself");
    refused(BODY("    char b[] = {1, 2};\n" TAKE "    e->a = sizeof(b);\n" GIVE), 9,
            "array whose size");
    refused(BODY("    int n = e->a;\n    char b[n];\n    Fill(b);\n" TAKE "    b[0] = 1;\n" GIVE),
            11, "type or size that the routine itself");
    refused(BODY("    typedef int T;\n    T n = e->a;\n" TAKE "    e->a = n;\n" GIVE), 10,
            "type or size that the routine itself");
    refused(BODY("    struct s { int a; };\n    struct s n = {1};\n" TAKE "    e->a = n.a;\n" GIVE),
            10, "type or size that the routine itself");
    refused(BODY("    enum { ONE = 1, TWO };\n" TAKE "    e->a = TWO;\n" GIVE), 7, "a type that");
    refused(
        BODY("#if A\n    int n = 1;\n#else\n    long n = 2;\n#endif\n" TAKE "    e->a = n;\n" GIVE),
        13, "under a condition");
    refused(BODY(TAKE "    int n = 1;\n    e->p = &n;\n" GIVE), 8, "its address is kept");
    refused(BODY(TAKE GIVE "    Use(q);\n"), 8, "saved IRQL");
    refused(
        BODY("    DECLARE_CONST_UNICODE_STRING(name, L\"x\");\n" TAKE "    e->p = &name;\n" GIVE),
        9, "macro declares");
}
END_TEST

/* What a macro of the file, or of a header, does to variables and to the way through. */
START_TEST(macros)
{
    refused(BODY(TAKE "    RETURN_IF(e->a);\n" GIVE), 8, "RETURN_IF in line 8 jumps");
    refused("#define LOCK(e) KeAcquireSpinLock(&(e)->l, &q)\n" BODY("    LOCK(e);\n" GIVE), 8,
            "the macro LOCK in line 8 acquires");
    refused("#define LOCK KeAcquireSpinLock\n" BODY("    LOCK(&e->l, &q);\n" GIVE), 8,
            "the macro LOCK");
    refused(
        "void L(E *e, KIRQL *q) { KeAcquireSpinLock(&e->l, q); }\n" BODY("    L(e, &q);\n" GIVE), 8,
        "L, called in line 8, returns with a lock held");
    MOVED("driver.c", BODY("    int n = 1;\n" TAKE "    SetFlag(n, 2);\n" GIVE "    Use(n);\n"),
          OPTIONS(0), "    n = FLocked(e, n);\n");
    MOVED("driver.c", BODY("    int n = 1;\n" TAKE "    SET_IT(n);\n" GIVE "    Use(n);\n"),
          OPTIONS(0), "    n = FLocked(e, n);\n");
    MOVED("driver.c", BODY("    int n = 1;\n" TAKE "    ASSERT(n);\n" GIVE "    Use(n);\n"),
          OPTIONS(0), "    FLocked(e, n);\n");
    MOVED("driver.c",
          "#define SET(x, y) ((x) = (y))\n" BODY("    int n = 1;\n" TAKE "    SET(n, e->a);\n" GIVE
                                                 "    Use(n);\n"),
          OPTIONS(0), "    n = FLocked(e, n);\n");
    MOVED("driver.c",
          "#define USE() Use(n)\n" BODY("    int n = 1;\n    Use(n);\n" TAKE "    n = e->a;\n" GIVE
                                        "    USE();\n"),
          OPTIONS(0), "    n = FLocked(e);\n");
    for (unsigned i = 0; i < 2; i++) {
        MOVED("driver.c",
              i == 0 ? "#define OUT goto out\n" BODY(
                           "    int n;\n" TAKE "    n = e->a;\n" GIVE
                           "    if (e->b) OUT;\n    n = 0;\nout:\n    Use(n);\n")
                     : BODY("    int n;\n" TAKE "    n = e->a;\n" GIVE
                            "    OUT_IF(e->b, out);\n    n = 0;\nout:\n    Use(n);\n"),
              OPTIONS(0), "    n = FLocked(e);\n");
    }
    MOVED("driver.c",
          BODY("    int n;\n" TAKE "    n = e->a;\n" GIVE
               "    FOR_EACH(e) {\n        n = 2;\n    }\n    Use(n);\n"),
          OPTIONS(0), "    n = FLocked(e);\n");
    MOVED("driver.c",
          "#define ENTER\n" BODY("    int n;\n    ENTER\n    n = 1;\n" TAKE "    e->a = n;\n" GIVE),
          OPTIONS(0), "FLocked(E *e, int n);");
}
END_TEST

/* Which variable a name is, and what some compiler leaves out. */
START_TEST(values)
{
    MOVED("driver.c",
          BODY("    int n = 1;\n" TAKE "    n = e->a;\n" GIVE
               "#if A\n    n = 2;\n#endif\n    Use(n);\n"),
          OPTIONS(0), "    n = FLocked(e);\n");
    MOVED("driver.c",
          BODY("    int n = 1;\n" TAKE "#if A\n    n = 2;\n#endif\n    e->a = n;\n" GIVE),
          OPTIONS(0), "    FLocked(e, n);\n");
    MOVED("driver.c",
          BODY("    int n = 1;\n" TAKE GIVE "#if A\n    return;\n#endif\n" TAKE
               "    e->a = n;\n" GIVE),
          OPTIONS(0), "    FLocked(e);\n", "    FLocked2(e, n);\n");
    MOVED("driver.c",
          BODY("    int n = 1;\n" TAKE
               "    {\n        int n = 3;\n        e->a = n;\n    }\n    e->b = n;\n" GIVE),
          OPTIONS(0), "    FLocked(e, n);\n");
    MOVED("driver.c",
          BODY("    int out = 0;\n" TAKE
               "    if (e->a) {\n        goto out;\n    }\n    out = 1;\n    e->b++;\nout:\n" GIVE
               "    Use(&out);\n"),
          OPTIONS(0), "    *out = 1;\n", "\nout:\n");
    MOVED("driver.c",
          BODY("    char b[8];\n    Fill(b);\n" TAKE "    e->a = sizeof(b) + b[1];\n" GIVE),
          OPTIONS(0), "FLocked(E *e, char (*b)[8]);", "FLocked(e, &b);", "sizeof(*b) + (*b)[1];");
    MOVED("driver.c",
          BODY("    void (NTAPI *f)(int) = G;\n    int (*a)[4] = &e->t;\n    DECLSPEC_ALIGN(16) "
               "char b[4];\n    Fill(b);\n" TAKE "    f((*a)[1]);\n    b[1] = 2;\n" GIVE),
          OPTIONS(0), "FLocked(E *e, void (NTAPI *f)(int), int (*a)[4], char b[4]);");
    MOVED("driver.c",
          BODY("    WDFSPINLOCK l = e->w;\n    WdfSpinLockAcquire(l);\n    e->a++;\n    "
               "WdfSpinLockRelease(l);\n"),
          OPTIONS(0), "    FLocked(e, l);\n");
    MOVED("driver.c",
          BODY("    (VOID)KeAcquireSpinLock((PKSPIN_LOCK)(&e->l), (&(q)));\n    e->a++;\n    "
               "KeReleaseSpinLock(&e->l, (q));\n"),
          OPTIONS(0), "    FLocked(e);\n");
}
END_TEST

START_TEST(shapes)
{
    MOVED("driver.c",
          BODY("    switch (e->a) {\n    case 1:\n" TAKE "    e->b++;\n" GIVE
               "        break;\n    default:\n        break;\n    }\n"),
          OPTIONS(0), "    case 1:\n    FLocked(e);\n        break;\n");
    MOVED("driver.c", BODY("    T t;\n" TAKE "    t = (T){1, 2};\n    e->t = t;\n" GIVE),
          OPTIONS(0), "    t = (T){1, 2};\n");
    MOVED("driver.c",
          "static int F(E *e, unsigned n)\n\t__acquires(x) __releases(x)\n{\n    KIRQL q;\n    "
          "PAGED_CODE();\n" TAKE "    e->a = n;\n" GIVE "    return 0;\n}\n",
          OPTIONS(0), "    FLocked(e, n);\n    return 0;\n");
    refused("#pragma alloc_text(PAGE, F)\n#if A\nvoid F(E *e)\n#else\nint F(E *e)\n#endif\n{\n    "
            "KIRQL q;\n" TAKE GIVE "}\n",
            9, "about its head");
}
END_TEST

START_TEST(locks_that_cross)
{
    refused(BODY("    KIRQL r;\n" TAKE "    KeAcquireSpinLock(&e->m, &r);\n" GIVE
                 "    KeReleaseSpinLock(&e->m, r);\n"),
            9, "second lock");
}
END_TEST

START_TEST(routines_that_are_not_meant)
{
    refused("void F(E *e);\n#pragma alloc_text(INIT, F)\nvoid F(E *e)\n{\n    KIRQL q;\n    "
            "PAGED_CODE();\n" TAKE GIVE "}\n",
            7, "INIT");
    refused(BODY("    KeAcquireSpinLockAtDpcLevel(&e->m);\n" TAKE GIVE), 7,
            "runs at DISPATCH_LEVEL");
    refused(BODY(TAKE GIVE "    if (\n"), 9, "the routine has");
    refused_with("driver.cpp",
                 "void C::F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n" TAKE GIVE "}\n",
                 OPTIONS(0), 5, "a member of a class");
    refused_with("driver.c",
                 "void F(E *e);\n#pragma alloc_text(LOCKED, F)\nvoid F(E *e)\n{\n    KIRQL "
                 "q;\n" TAKE GIVE "}\n",
                 OPTIONS(.function = "F"), 6, "in a section that is not pageable");
    refused_with("driver.c", "static __inline void F(E *e)\n{\n    KIRQL q;\n" TAKE GIVE "}\n",
                 OPTIONS(.function = "F"), 4, "it is inline");
}
END_TEST

/* Code behind a release stays where it is, and has to end in one way. */
START_TEST(ways_out)
{
    refused_many(HEAD "void F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n" TAKE,
                 "    if (e->a == @) {\n    " GIVE "        Use(@);\n        return;\n    }\n", 65,
                 GIVE "}\n", 330, "too many ways out");
    refused(
        BODY(TAKE "    do {\n        e->a = 1;\n    " GIVE "        e->b = 1;\n    } while (0);\n"),
        11, "left in more ways than one");
    refused(BODY("    for (;;) {\n" TAKE "        if (e->d) {\n" GIVE
                 "            e->b = 3;\n            break;\n        }\n        switch (e->a) {\n"
                 "        case 1:\n" GIVE "            e->b = 1;\n            break;\n"
                 "        default:\n" GIVE "            break;\n        }\n    }\n"),
            8, "left in more ways than one");
    refused(BODY(TAKE "    if (e->a) {\n    " GIVE
                      "again:\n        e->b = 1;\n        return;\n    }\n" GIVE
                      "    if (e->c) {\n        goto again;\n    }\n"),
            16, "the goto in line 16 crosses the border");
    refused(BODY(TAKE "    switch (e->a) {\nagain:\n        e->b = 1;\n        return;\n    case "
                      "1:\n        e->c = 1;\n        break;\n    }\n" GIVE
                      "    if (e->c) {\n        goto again;\n    }\n"),
            18, "the goto in line 18 leads into the region");
}
END_TEST

/* Where conditional compilation and conditions of the routine cut through. */
START_TEST(halves)
{
    refused(BODY("    if (e->a)\n    " TAKE "    else\n        return;\n    e->b = 1;\n" GIVE), 8,
            "depends on a condition or stands behind a label");
    refused(BODY(TAKE "    typedef int T;\n    T t = e->a;\n    e->b = t;\n" GIVE), 8,
            "the region declares a type");
    refused(BODY(TAKE "    if (e->a) {\n    " GIVE
                      "#if A\n        e->b = 1;\n#endif\n    } else {\n    " GIVE "    }\n"),
            11, "code behind a release is compiled under a condition");
    refused(BODY(TAKE "    KeReleaseSpinLock(&e->l, q)\n#if A\n    ;\n#endif\n"), 10,
            "conditional compilation ends inside");
}
END_TEST

START_TEST(pointers_to_routines)
{
    refused(BODY("    void (*f)(int) = G;\n" TAKE "    e->p = &f;\n" GIVE), 9,
            "is a pointer to a routine whose address is taken");
    refused(BODY("    void (*f)(int) = G;\n" TAKE "    f = H;\n" GIVE "    f(1);\n"), 9,
            "is written with the lock held");
    refused(BODY("    volatile T (*f)(int) = G;\n" TAKE "    f = H;\n" GIVE "    f(1);\n"), 9,
            "is written with the lock held");
}
END_TEST

/* What the way through a routine cannot be told of. */
START_TEST(ways_that_are_not_known)
{
    refused("#define STOP break\n" BODY("    for (;;) {\n        STOP;\n    }\n" TAKE GIVE), 9,
            "a macro with a break or continue");
    refused(BODY(TAKE GIVE "    goto nowhere;\n"), 9, "a goto whose label is not in the routine");
    refused_many(
        "#define A x x x x x x x x x x x x x x x x\n#define B A A A A A A A A A A A A A A A A\n"
        "#define C B B B B\n" HEAD "void F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n" TAKE GIVE,
        "    C;\n", 1100, "out:\n    e->a = 1;\n}\n", 151, "macros that are too long");
    refused_many(HEAD "void F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n" TAKE GIVE,
                 "    int n@ = @;\n", 1024, "}\n", 3, "more local variables");
    refused_many(HEAD "void F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n",
                 TAKE GIVE "    e->a = @ + @;\n", 33, "}\n", 3, "locks in more places");
}
END_TEST

START_TEST(nothing_to_do)
{
    const char *text = "void F(E *e)\n{\n    KIRQL q;\n" TAKE GIVE "}\n";
    struct isolation *out = run("driver.c", text, (struct isolate_options){0});

    ck_assert_uint_eq(out->region_count + out->refusal_count, 0);
    ck_assert_uint_eq(out->candidates, 1);
    ck_assert_str_eq(out->text, text);
    source_isolation_close(out);
    out = run("driver.c", "", (struct isolate_options){0});
    ck_assert_uint_eq(out->candidates, 0);
    ck_assert_str_eq(out->text, "");
    source_isolation_close(out);
}
END_TEST

START_TEST(a_resident_routine_becomes_pageable)
{
    const char *text =
        "// About F.\nstatic void F(E *e)\n{\n    KIRQL q;\n\n    e->a = 1;\n" TAKE GIVE "}\n";

    MOVED("driver.c", text, OPTIONS(.function = "F"),
          "static void F(E *e);\nstatic DECLSPEC_NOINLINE VOID "
          "FLocked(E *e);\n\n#ifdef ALLOC_PRAGMA\n#pragma alloc_text(PAGE, F)\n#endif\n\n// About "
          "F.\n"
          "static void F(E *e)\n{\n",
          "    PAGED_CODE();\n\n    e->a = 1;\n    FLocked(e);\n}\n\n/*",
          "FLocked(E *e)\n{\n    KIRQL q;\n\n" TAKE GIVE "}\n");
    MOVED("driver.c", text, OPTIONS(.function = "F", .section = "PAGEX", .name = "Count"),
          "alloc_text(PAGEX, F)", "    Count(e);\n");
    MOVED("driver.cpp", text, OPTIONS(.function = "F"),
          "#pragma code_seg(push)\n#pragma code_seg(\"PAGE\")\n", "\n#pragma code_seg(pop)\n");
    MOVED("driver.c",
          "int FLocked;\nvoid G(E *e)\n{\n    KIRQL q;\n" TAKE GIVE "}\n" BODY(TAKE GIVE),
          OPTIONS(0), "void G(E *e)\n{\n    KIRQL q;\n" TAKE, "    FLocked2(e);\n");
}
END_TEST

/* Where PAGED_CODE goes there begins what is replaced, too. */
START_TEST(no_indentation)
{
    MOVED("driver.c",
          "void F(E *e)\n{\nKIRQL q;\nKeAcquireSpinLock(&e->l, "
          "&q);\ne->a++;\nKeReleaseSpinLock(&e->l, "
          "q);\n}\n",
          OPTIONS(.function = "F"), "{\nPAGED_CODE();\n\nFLocked(e);\n}\n");
}
END_TEST

START_TEST(code_seg_stays_outside)
{
    MOVED("driver.c",
          "#pragma code_seg(\"PAGE\")\nvoid F(E *e)\n{\n    KIRQL q;\n    PAGED_CODE();\n" TAKE GIVE
          "}\nint x;\n",
          OPTIONS(0), "    FLocked(e);\n}\n\n#pragma code_seg(push)\n#pragma code_seg()\n\n/*",
          GIVE "}\n\n#pragma code_seg(pop)\nint x;\n");
}
END_TEST

START_TEST(one_region_by_its_line)
{
    const char *text = BODY(TAKE GIVE "    e->b = 1;\n" TAKE "    e->a++;\n" GIVE);

    MOVED("driver.c", text, OPTIONS(.line = 11),
          "    KIRQL q;\n    PAGED_CODE();\n" TAKE GIVE "    e->b = 1;\n    FLocked(e);\n}\n");
}
END_TEST

/* An old compiler wants prototypes of old routines, too. */
START_TEST(old_style)
{
    MOVED("driver.c",
          "int F(e, n) E *e; int n;\n{\n    KIRQL q;\n" TAKE "    e->a = n;\n" GIVE
          "    return n;\n}\n",
          OPTIONS(.function = "F"), "int F();\n", "FLocked(E *e, int n);",
          "    FLocked(e, n);\n    return n;\n}");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const char *text = BODY(TAKE "    if (e->a) {\n    " GIVE "        return;\n    }\n" GIVE);
    struct isolate_options options = {0};
    unsigned failures = 0;
    bool hit = true;

    for (unsigned n = 1; hit; n++) {
        struct isolation *out = NULL;
        pg_status status;

        host_fail_nth(n);
        status = source_isolate("x.c", text, strlen(text), &options, &out);
        hit = host_fail_hit() != 0;
        host_fail_nth(0);
        ck_assert_int_eq(status, hit ? PG_E_NO_MEMORY : PG_OK);
        ck_assert(hit ? out == NULL : out->region_count == 1);
        source_isolation_close(out);
        failures += hit;
    }
    ck_assert_uint_ge(failures, 10);
    failures = 0;
    hit = true;
    for (unsigned n = 1; hit; n++) {
        char *diff;

        host_fail_nth(n);
        diff = source_diff("x", "a\nb\n", 4, "a\nc\n", 4);
        hit = host_fail_hit() != 0;
        host_fail_nth(0);
        ck_assert(hit == (diff == NULL));
        host.release(diff);
        failures += hit;
    }
    ck_assert_uint_ge(failures, 2);
}
END_TEST

static void diff_is(const char *a, const char *b, const char *wanted)
{
    char *diff = source_diff("f.c", a, strlen(a), b, strlen(b));

    ck_assert_ptr_nonnull(diff);
    ck_assert_str_eq(diff, wanted);
    host.release(diff);
}

START_TEST(diffs)
{
    diff_is("a\n", "a\n", "");
    diff_is("", "", "");
    diff_is("", "a\n", "--- a/f.c\n+++ b/f.c\n@@ -0,0 +1 @@\n+a\n");
    diff_is("a\n", "", "--- a/f.c\n+++ b/f.c\n@@ -1 +0,0 @@\n-a\n");
    diff_is("a", "b",
            "--- a/f.c\n+++ b/f.c\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
            "\\ No newline at end of file\n");
    diff_is("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n5\n6\n7\n8\n9\n",
            "--- a/f.c\n+++ b/f.c\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n");
    diff_is("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
            "--- a/f.c\n+++ b/f.c\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    diff_is("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
            "--- a/f.c\n+++ b/f.c\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n "
            "7\n-b\n+B\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("isolate source");
    TCase *tests = tcase_create("isolate");

    tcase_add_test(tests, lock_that_stays_held);
    tcase_add_test(tests, ways_in);
    tcase_add_test(tests, blocks);
    tcase_add_test(tests, waits_need_a_low_irql_unless_they_are_polls);
    tcase_add_test(tests, things_that_may_not_be_in_it);
    tcase_add_test(tests, variables);
    tcase_add_test(tests, macros);
    tcase_add_test(tests, values);
    tcase_add_test(tests, shapes);
    tcase_add_test(tests, locks_that_cross);
    tcase_add_test(tests, routines_that_are_not_meant);
    tcase_add_test(tests, ways_out);
    tcase_add_test(tests, halves);
    tcase_add_test(tests, pointers_to_routines);
    tcase_add_test(tests, ways_that_are_not_known);
    tcase_add_test(tests, nothing_to_do);
    tcase_add_test(tests, a_resident_routine_becomes_pageable);
    tcase_add_test(tests, no_indentation);
    tcase_add_test(tests, code_seg_stays_outside);
    tcase_add_test(tests, one_region_by_its_line);
    tcase_add_test(tests, old_style);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, diffs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
