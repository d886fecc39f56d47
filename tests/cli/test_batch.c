/* SPDX-License-Identifier: MIT */
/* Batches: what a file does to the process that looks at it is told of this file, and of no other.
 * What a path here is told to do stands in its name. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "support/run.h"

#define BUDGET   1 /* seconds */
#define LARGE    ((size_t)5 << 20)
#define MANY     1000
#define ANSWERS  8   /* that are kept */
#define IN_A_ROW 256 /* answers that may wait for those before them */

static const char given_hint[] = "this is static text";

struct seen {
    char *const *expected;
    uint32_t count, limit; /* limit: answers that are taken; 0: all */
    struct answer answers[ANSWERS];
};

static char *filled(size_t bytes)
{
    char *text = malloc(bytes + 1);

    if (text != NULL) {
        for (size_t i = 0; i < bytes; i++) {
            text[i] = (char)('a' + i % 23);
        }
        text[bytes] = '\0';
    }
    return text;
}

static void work(void *context, const char *path, struct answer *answer)
{
    (void)context;
    if (strcmp(path, "fault") == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* sanitizers have a handler of their own */
        (void)raise(SIGSEGV);
    } else if (strcmp(path, "exit") == 0) {
        _exit(7);
    } else if (strcmp(path, "spin") == 0) {
        for (volatile unsigned n = 0;; n++) {
        }
    } else if (strcmp(path, "slow") == 0) {
        (void)usleep(300000);
    } else if (strcmp(path, "nothing") == 0) {
        answer->output = filled(0);
    } else if (strcmp(path, "large") == 0) {
        answer->output = filled(LARGE);
        answer->bytes = LARGE;
    } else if (strcmp(path, "bad") == 0) {
        answer->code = EXIT_INPUT;
        answer->why = strdup("is bad");
        answer->hint = given_hint;
    } else {
        answer->code = EXIT_FOUND;
        answer->output = strdup(path);
        answer->bytes = strlen(path);
    }
}

static bool deliver(void *context, const char *path, const struct answer *answer)
{
    struct seen *seen = context;

    if (strcmp(path, seen->expected[seen->count]) != 0) {
        ck_abort_msg("%u is %s, not %s", seen->count, path, seen->expected[seen->count]);
    }
    if (seen->count < ANSWERS) {
        struct answer *copy = &seen->answers[seen->count];

        *copy = *answer;
        copy->why = answer->why != NULL ? strdup(answer->why) : NULL;
        copy->output = answer->output != NULL ? malloc(answer->bytes + 1) : NULL;
        if (copy->output != NULL) {
            memcpy(copy->output, answer->output, answer->bytes + 1);
        }
    }
    return ++seen->count != seen->limit;
}

static struct paths *run_batch(char *const *paths, uint32_t count, uint32_t workers,
                               struct seen *seen)
{
    struct batch batch = {.paths = paths_open(paths, count, NULL, '\n', 1, 1),
                          .workers = workers,
                          .budget = BUDGET,
                          .context = seen,
                          .work = work,
                          .deliver = deliver};

    seen->expected = paths;
    ck_assert_ptr_nonnull(batch.paths);
    ck_assert_int_eq(batch_run(&batch), EXIT_CLEAN);
    return batch.paths;
}

static void release(struct seen *seen)
{
    for (uint32_t i = 0; i < ANSWERS; i++) {
        free(seen->answers[i].why);
        free(seen->answers[i].output);
    }
}

static void died(const struct answer *answer, const char *why, const char *hint)
{
    ck_assert_int_eq(answer->code, EXIT_OURS);
    ck_assert_pstr_eq(answer->why, why);
    ck_assert_pstr_eq(answer->hint, hint);
    ck_assert_ptr_null(answer->output);
    ck_assert_uint_eq(answer->bytes, 0);
}

/* With one worker, each that dies has to be replaced before there is a next answer. */
START_TEST(a_death_is_the_answer_of_its_file_alone)
{
    char *paths[ANSWERS] = {"first", "fault", "exit", "spin", "bad", "large", "nothing", "last"};
    struct seen seen = {0};

    paths_close(run_batch(paths, ANSWERS, _i == 0 ? 1 : 3, &seen));
    ck_assert_uint_eq(seen.count, ANSWERS);
    died(&seen.answers[1], "the process that looked at it died of signal 11 (Segmentation fault)",
         NULL);
    died(&seen.answers[2], "the process that looked at it ended with status 7", NULL);
    died(&seen.answers[3], "given up after 1 seconds of processor time",
         "--budget 0 gives it all the time that it wants");
    for (unsigned i = 0; i < ANSWERS; i += ANSWERS - 1) {
        ck_assert_int_eq(seen.answers[i].code, EXIT_FOUND);
        ck_assert_ptr_null(seen.answers[i].why);
        ck_assert_str_eq(seen.answers[i].output, paths[i]);
    }
    release(&seen);
}
END_TEST

START_TEST(answers_arrive_as_they_were_given)
{
    char *paths[] = {"bad", "large", "nothing"}, *large = filled(LARGE);
    struct seen seen = {0};

    paths_close(run_batch(paths, 3, 1, &seen));
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_int_eq(seen.answers[0].code, EXIT_INPUT);
    ck_assert_str_eq(seen.answers[0].why, "is bad");
    ck_assert_ptr_eq(seen.answers[0].hint, given_hint);
    ck_assert_ptr_null(seen.answers[0].output);
    ck_assert_int_eq(seen.answers[1].code, EXIT_CLEAN);
    ck_assert_uint_eq(seen.answers[1].bytes, LARGE);
    ck_assert_ptr_nonnull(large);
    ck_assert(memcmp(seen.answers[1].output, large, LARGE + 1) == 0);
    ck_assert_int_eq(seen.answers[2].code, EXIT_CLEAN);
    ck_assert_ptr_null(seen.answers[2].why);
    ck_assert_ptr_null(seen.answers[2].output);
    ck_assert_uint_eq(seen.answers[2].bytes, 0);
    free(large);
    release(&seen);
}
END_TEST

/* Paths of their own numbers; the text of all. */
static char **numbers(char **text)
{
    char **paths = calloc(MANY, sizeof *paths);

    *text = malloc(MANY * 8);
    ck_assert(paths != NULL && *text != NULL);
    for (unsigned i = 0; i < MANY; i++) {
        paths[i] = *text + i * 8;
        (void)snprintf(paths[i], 8, "%u", i);
    }
    return paths;
}

/* More are done meanwhile than may wait. */
START_TEST(the_order_is_that_of_the_paths)
{
    char *text, **paths = numbers(&text);
    struct seen seen = {0};

    paths[0] = "slow";
    paths_close(run_batch(paths, MANY, 4, &seen));
    ck_assert_uint_eq(seen.count, MANY);
    release(&seen);
    free(paths);
    free(text);
}
END_TEST

START_TEST(who_takes_no_more_ends_the_batch)
{
    char *text, **paths = numbers(&text);
    struct seen seen = {.limit = 3};
    struct paths *rest = run_batch(paths, MANY, 2, &seen);
    const char *path;
    uint32_t left = 0;
    int error;

    ck_assert_uint_eq(seen.count, 3);
    while (paths_next(rest, &path, &error)) {
        left++;
    }
    ck_assert_uint_ge(left, MANY - 3 - IN_A_ROW);
    paths_close(rest);
    release(&seen);
    free(paths);
    free(text);
}
END_TEST

START_TEST(no_worker_is_told_of_each_file)
{
    char *paths[] = {"1", "2", "3"};
    struct seen seen = {0};
    struct rlimit before, none;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    paths_close(run_batch(paths, 3, 2, &seen));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_eq(seen.count, 3);
    for (unsigned i = 0; i < 3; i++) {
        died(&seen.answers[i], strerror(EMFILE), NULL);
    }
    release(&seen);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *test = tcase_create("workers");

    tcase_set_timeout(test, 60);
    tcase_add_loop_test(test, a_death_is_the_answer_of_its_file_alone, 0, 2);
    tcase_add_test(test, answers_arrive_as_they_were_given);
    tcase_add_test(test, the_order_is_that_of_the_paths);
    tcase_add_test(test, who_takes_no_more_ends_the_batch);
    tcase_add_test(test, no_worker_is_told_of_each_file);
    suite_add_tcase(suite, test);
    return run_suite(suite);
}
