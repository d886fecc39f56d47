/* SPDX-License-Identifier: MIT */
/* What a batch answers when there is no memory: each file is told of, and none is lost. */
#include "cli/cli.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static unsigned copies_left; /* strdup calls until one fails; 0: none does */

/* In place of the library's. */
char *strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = copies_left != 0 && --copies_left == 0 ? NULL : malloc(bytes);

    return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

struct taken {
    unsigned count, clean;
    char refused[64];
};

static void look(void *context, const char *path, struct answer *answer)
{
    (void)context;
    answer->code = strcmp(path, "speechless") == 0 ? EXIT_INPUT : EXIT_CLEAN;
}

static bool take(void *context, const char *path, const struct answer *answer)
{
    struct taken *taken = context;

    taken->count++;
    taken->clean += answer->code == EXIT_CLEAN;
    if (answer->code != EXIT_CLEAN) {
        ck_assert_int_eq(answer->code, EXIT_OURS);
        ck_assert_ptr_nonnull(answer->why);
        (void)snprintf(taken->refused, sizeof taken->refused, "%s: %s", path, answer->why);
    }
    return true;
}

static struct taken run(char *const *names, uint32_t count, unsigned failing)
{
    struct taken taken = {0};
    struct batch batch = {.paths = paths_open(names, count, NULL, '\n', 1, 1),
                          .workers = 1,
                          .context = &taken,
                          .work = look,
                          .deliver = take};

    ck_assert_ptr_nonnull(batch.paths);
    copies_left = failing;
    ck_assert_int_eq(batch_run(&batch), EXIT_CLEAN);
    copies_left = 0;
    paths_close(batch.paths);
    return taken;
}

START_TEST(a_name_that_cannot_be_kept_is_told)
{
    char *names[] = {"one", "two", "three"};
    struct taken taken = run(names, 3, 2);

    ck_assert_uint_eq(taken.count, 3);
    ck_assert_uint_eq(taken.clean, 2);
    ck_assert_str_eq(taken.refused, "a file: out of memory");
}
END_TEST

START_TEST(a_reason_that_cannot_be_kept_is_told)
{
    char *names[] = {"one", "speechless", "three"};
    struct taken taken = run(names, 3, 0);

    ck_assert_uint_eq(taken.count, 3);
    ck_assert_uint_eq(taken.clean, 2);
    ck_assert_str_eq(taken.refused, "speechless: out of memory");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch without memory");
    TCase *tests = tcase_create("no memory");

    tcase_add_test(tests, a_name_that_cannot_be_kept_is_told);
    tcase_add_test(tests, a_reason_that_cannot_be_kept_is_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
