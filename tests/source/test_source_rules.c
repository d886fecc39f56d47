/* SPDX-License-Identifier: MIT */
/* The rules of source: what is said of a fragment, line by line, and what is not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "source/source.h"
#include "support/run.h"

/* "line:id:verdict" of each finding, with blanks between, in the order of the advice. */
static void look(const char *file, const char *text, char *out, size_t size)
{
    struct source_options options = {.rules = RULE_SET_ALL};
    struct advice *advice = NULL;
    size_t at = 0;

    ck_assert_int_eq(source_advise(file, text, strlen(text), &options, &advice), PG_OK);
    out[0] = '\0';
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        const struct advice_finding *f = &advice->findings[i];

        at += (size_t)snprintf(out + at, size - at, "%s%u:%s:%s", i == 0 ? "" : " ", f->place.line,
                               rule_text(f->rule)->id, verdict_name(f->verdict));
        ck_assert_str_eq(f->place.file, file);
    }
    ck_assert_str_eq(advice->kind, "source");
    advice_close(advice);
}

static void expect(const char *file, const char *text, const char *wanted)
{
    char found[2048];

    look(file, text, found, sizeof found);
    ck_assert_msg(strcmp(found, wanted) == 0, "wanted: %s\nfound:  %s\nin:\n%s", wanted, found,
                  text);
}

#define C(text, wanted)   expect("driver.c", text, wanted)
#define CPP(text, wanted) expect("driver.cpp", text, wanted)

START_TEST(paged_code_missing)
{
    C("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n return a;\n}\n",
      "3:paged-code-missing:definite");
    C("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n return a;\n}\n",
      "");
    C("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(a) int a;\n{\n return a;\n}\n",
      "3:paged-code-missing:definite");
    C("int F(int);\n#pragma alloc_text(PAGESER, F)\nint F(int a)\n{\n return a;\n}\n",
      "3:paged-code-missing:unknown");
    C("int F(int);\n#pragma alloc_text(PAGESER, F)\nint F(int a)\n{\n return a;\n}\n"
      "void G(void) { H = MmLockPagableCodeSection(F); }\n",
      "");
    C("#pragma code_seg(\"PAGE\")\nint F(void) { return 1; }\n#pragma code_seg()\n"
      "int G(void) { return 1; }\n",
      "2:paged-code-missing:definite");
    C("#pragma code_seg(push, \"PAGE\")\nint F(void) { return 1; }\n#pragma code_seg(pop)\n"
      "int G(void) { return 1; }\n",
      "2:paged-code-missing:definite");
    C("__declspec(code_seg(\"PAGE\")) int F(void) { return 1; }\n",
      "1:paged-code-missing:definite");
    C("#define PAGED __declspec(code_seg(\"PAGE\"))\nPAGED int F(void) { return 1; }\n",
      "2:paged-code-missing:definite");
    C("int F(int);\n#pragma alloc_text(INIT, F)\nint F(int a)\n{\n return a;\n}\n", "");
    C("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n"
      " ASSERT(KeGetCurrentIrql() <= APC_LEVEL);\n return a;\n}\n",
      "");
}
END_TEST

START_TEST(paged_code_in_resident)
{
    C("int F(int a)\n{\n PAGED_CODE();\n return a;\n}\n", "3:paged-code-in-resident:definite");
    C("static FORCEINLINE int F(int a)\n{\n PAGED_CODE();\n return a;\n}\n", "");
    C("PAGEDX int F(int a)\n{\n PAGED_CODE();\n return a;\n}\n",
      "3:paged-code-in-resident:unknown");
    CPP("int C::F(int a)\n{\n PAGED_CODE();\n return a;\n}\n", "3:paged-code-in-resident:unknown");
    C("int F(int a)\n{\n // PAGED_CODE();\n return a;\n}\n", "");
    C("int F(int a)\n{\n#if 0\n PAGED_CODE();\n#endif\n return a;\n}\n", "");
}
END_TEST

START_TEST(paged_code_twice)
{
    C("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n a++;\n"
      " PAGED_CODE();\n return a;\n}\n",
      "7:paged-code-twice:definite");
    C("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n#if A\n PAGED_CODE();\n#else\n"
      " PAGED_CODE();\n#endif\n return a;\n}\n",
      "");
}
END_TEST

START_TEST(linkage)
{
    CPP("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n return "
        "a;\n}\n",
        "2:alloc-text-linkage:definite");
    CPP("extern \"C\" int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n"
        " return a;\n}\n",
        "");
    CPP("EXTERN_C_START\nint F(int);\nEXTERN_C_END\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n "
        "PAGED_CODE();\n return a;\n}\n",
        "");
    CPP("extern \"C\" {\nint F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n "
        "PAGED_CODE();\n"
        " return a;\n}\n}\n",
        "");
    CPP("#include \"driver.h\"\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n"
        " return a;\n}\n",
        "2:alloc-text-linkage:unknown");
    C("#ifdef __cplusplus\nextern \"C\" {\n#endif\nint F(int);\n#ifdef __cplusplus\n}\n#endif\n"
      "#pragma alloc_text(PAGE, F)\nint F(int a) { PAGED_CODE(); return a; }\n",
      "");
    C("static int F(int);\n#pragma alloc_text(PAGE, F)\nstatic int F(int a) { PAGED_CODE(); return "
      "a; }\n",
      "");
    C("#pragma alloc_text(PAGE, F)\n", "1:alloc-text-linkage:definite");
    C("int F(int);\n#pragma alloc_text(PAGE, F)\n", "2:alloc-text-linkage:definite");
    C("#include \"more.h\"\n#pragma alloc_text(PAGE, F)\n", "2:alloc-text-linkage:unknown");
}
END_TEST

START_TEST(order)
{
    C("int F(int a)\n{\n PAGED_CODE();\n return a;\n}\n#pragma alloc_text(PAGE, F)\n",
      "6:alloc-text-order:definite");
    C("#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n return a;\n}\n",
      "1:alloc-text-order:definite");
    C("#include <wdm.h>\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n return "
      "a;\n}\n",
      "2:alloc-text-order:definite");
    C("#include \"driver.h\"\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n"
      " return a;\n}\n",
      "");
    C("DRIVER_UNLOAD F;\n#ifdef ALLOC_PRAGMA\n#pragma alloc_text (PAGE, F)\n#endif\n"
      "_Use_decl_annotations_\nVOID F(_In_ PDRIVER_OBJECT D)\n{\n PAGED_CODE();\n}\n",
      "");
    C("int F(int);\nint G(void)\n{\n#pragma alloc_text(PAGE, F)\n return 1;\n}\n",
      "4:alloc-text-order:definite");
}
END_TEST

START_TEST(section_names)
{
    C("int F(int); int G(int);\n#pragma alloc_text(page, F)\n#pragma alloc_text(Page, G)\n"
      "int F(int a) { return a; }\nint G(int a) { return a; }\n",
      "2:section-name:definite 3:section-name:definite");
    C("int F(int);\n#pragma alloc_text(PAGESETTINGS, F)\nint F(int a) { PAGED_CODE(); return a; "
      "}\n",
      "2:section-name:definite");
    C("#pragma code_seg(\".text$mn_and_more\")\n#pragma data_seg(\"PAGEDATA\")\n#pragma "
      "code_seg()\n",
      "");
    C("#pragma data_seg(\"pagedata\")\n", "1:section-name:definite");
    C("__declspec(code_seg(\"PageX\")) int F(void) { return 1; }\n", "1:section-name:definite");
}
END_TEST

START_TEST(several_names_in_one_pragma)
{
    C("int F(int); int G(int); int H(int);\n#pragma alloc_text(\"PAGE\", F, \\\n  G, H)\n"
      "int F(int a) { PAGED_CODE(); return a; }\nint G(int a) { return a; }\n"
      "int H(int a) { return a; }\n",
      "5:paged-code-missing:definite 6:paged-code-missing:definite");
}
END_TEST

START_TEST(calls_that_one_sees)
{
    C("int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a)\n{\n PAGED_CODE();\n"
      " KeAcquireSpinLock(&Lock, &Irql);\n KeReleaseSpinLock(&Lock, Irql);\n"
      " KeSetEvent(&E, 0, TRUE);\n KeSetEvent(&E, 0, FALSE);\n KeRaiseIrql(APC_LEVEL, &Irql);\n"
      " KeRaiseIrql(DISPATCH_LEVEL, &Irql);\n return a;\n}\n",
      "6:spin-lock-in-pageable:possible 11:raise-in-pageable:possible "
      "8:wait-true-in-pageable:possible");
}
END_TEST

/* What one meets: none of it is a definition of its own, or confuses the next one. */
START_TEST(oddities)
{
    C("typedef struct _A { int (*F)(int); } A;\nA Table[] = { { F }, { G } };\n"
      "DEFINE_GUID(X, 1, 2);\nMACRO(Y)\nint Z(int a)\n{\n PAGED_CODE();\n return a;\n}\n",
      "7:paged-code-in-resident:definite");
    C("#if A\nint F(int a) {\n#else\nint F(int a, int b) {\n#endif\n PAGED_CODE();\n return a;\n}\n"
      "int G(void) {\n PAGED_CODE(); }\n",
      "6:paged-code-in-resident:definite 10:paged-code-in-resident:definite");
    C("}}}) ( ] int F(int a) { PAGED_CODE();\n", "1:paged-code-in-resident:definite");
    C("", "");
    C("#pragma alloc_text(\n#pragma alloc_text\n#pragma code_seg(\n#\n#if\n#else\n#endif\n#endif\n",
      "");
}
END_TEST

START_TEST(only_the_rules_that_were_asked_for)
{
    struct source_options options = {.rules = RULE_BIT(RULE_SECTION_NAME)};
    const char *text = "int F(int a) { PAGED_CODE(); return a; }\n";
    struct advice *advice;

    ck_assert_int_eq(source_advise("x.c", text, strlen(text), &options, &advice), PG_OK);
    ck_assert_uint_eq(advice->finding_count, 0);
    advice_close(advice);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const char *text = "int F(int);\n#pragma alloc_text(PAGE, F)\nint F(int a) { return a; }\n";
    struct source_options options = {.rules = RULE_SET_ALL};
    unsigned failures = 0;
    bool hit = true;

    for (unsigned n = 1; hit; n++) {
        struct advice *advice = NULL;
        pg_status status;

        host_fail_nth(n);
        status = source_advise("x.c", text, strlen(text), &options, &advice);
        hit = host_fail_hit() != 0;
        host_fail_nth(0);
        ck_assert_int_eq(status, hit ? PG_E_NO_MEMORY : PG_OK);
        ck_assert(hit ? advice == NULL : advice->finding_count == 1);
        advice_close(advice);
        failures += hit;
    }
    ck_assert_uint_ge(failures, 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source rules");
    TCase *tests = tcase_create("rules");

    tcase_add_test(tests, paged_code_missing);
    tcase_add_test(tests, paged_code_in_resident);
    tcase_add_test(tests, paged_code_twice);
    tcase_add_test(tests, linkage);
    tcase_add_test(tests, order);
    tcase_add_test(tests, section_names);
    tcase_add_test(tests, several_names_in_one_pragma);
    tcase_add_test(tests, calls_that_one_sees);
    tcase_add_test(tests, oddities);
    tcase_add_test(tests, only_the_rules_that_were_asked_for);
    tcase_add_test(tests, every_allocation_may_fail);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
