/* SPDX-License-Identifier: MIT */
/*
 * Broken images, through the sub-commands: every byte of the headers flipped in turn, and the file
 * cut at every 64th byte.  `info` and `run --load-only` must end by themselves with one of their
 * exit codes, 4 (a defect of pagable) not among them.
 *
 * The sub-commands run in forked children of this process: thousands of runs in seconds.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/host.h"
#include "cli/cli.h"
#include "support/run.h"

#define SECONDS_PER_RUN 20
#define HEADER_BYTES    1024u
#define HOST_CALLS      150u /* more than either command makes on a sample */

static const char *const samples[] = {"isolate_mixed.sys", "isolate_resident.sys", "sections.sys"};

static char *sample_bytes;
static size_t sample_size;
static char path[64]; /* of the broken file, which has no name of its own */
static int broken = -1;
static unsigned fail_at; /* which host call of the command fails; 0: none */

static void load_sample(const char *name)
{
    char sample[1024];

    (void)snprintf(sample, sizeof sample, "%s/%s", PAGABLE_DRIVERS, name);
    ck_assert_msg(read_file(sample, 64u << 20, &sample_bytes, &sample_size) == 0, "%s", sample);
    broken = memfd_create("broken", 0);
    ck_assert_int_ge(broken, 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", broken);
}

static void write_broken(size_t size)
{
    ck_assert_int_eq(ftruncate(broken, 0), 0);
    ck_assert_int_eq(pwrite(broken, sample_bytes, size, 0), (ssize_t)size);
}

static _Noreturn void be_command(int (*command)(int, char **), char **argv)
{
    int nowhere = open("/dev/null", O_WRONLY);
    int argc = 0;

    while (argv[argc] != NULL) {
        argc++;
    }
    (void)dup2(nowhere, STDOUT_FILENO);
    (void)dup2(nowhere, STDERR_FILENO);
    (void)alarm(SECONDS_PER_RUN);
    host_fail_nth(fail_at);
    _exit(command(argc, argv));
}

/* The exit code, after checking that there is one and that it is not "a defect of pagable". */
static int run(int (*command)(int, char **), char **argv, const char *what, size_t where)
{
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        be_command(command, argv);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "%s: %s %zu: killed by signal %d", argv[0], what, where,
                  WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) == EXIT_CLEAN || WEXITSTATUS(status) == EXIT_INPUT ||
                      WEXITSTATUS(status) == EXIT_FOUND ||
                      (fail_at != 0 && WEXITSTATUS(status) == EXIT_OURS),
                  "%s: %s %zu: exit code %d", argv[0], what, where, WEXITSTATUS(status));
    return WEXITSTATUS(status);
}

static int info(const char *what, size_t where)
{
    char *argv[] = {(char[]){"pagable info"}, path, NULL};

    return run(cmd_info, argv, what, where);
}

static int load_only(const char *what, size_t where)
{
    char *argv[] = {(char[]){"pagable run"}, (char[]){"--load-only"}, path, NULL};

    return run(cmd_run, argv, what, where);
}

START_TEST(a_whole_sample_is_fine)
{
    load_sample(samples[_i]);
    write_broken(sample_size);
    ck_assert_int_eq(info("whole", 0), EXIT_CLEAN);
    ck_assert_int_eq(load_only("whole", 0), EXIT_CLEAN);
}
END_TEST

/* All bits of a byte, and its lowest: the first makes values absurd, the second nearly right. */
START_TEST(every_header_byte_flipped)
{
    static const uint8_t masks[] = {0xff, 0x01};
    unsigned refused = 0;

    load_sample(samples[0]);
    for (size_t i = 0; i < HEADER_BYTES && i < sample_size; i++) {
        for (size_t j = 0; j < sizeof masks; j++) {
            sample_bytes[i] = (char)(sample_bytes[i] ^ masks[j]);
            write_broken(sample_size);
            refused += info("flipped byte", i) == EXIT_INPUT;
            (void)load_only("flipped byte", i);
            sample_bytes[i] = (char)(sample_bytes[i] ^ masks[j]);
        }
    }
    ck_assert_uint_gt(refused, 100); /* the flips did get through */
}
END_TEST

START_TEST(cut_at_every_64th_byte)
{
    load_sample(samples[_i]);
    for (size_t size = 0; size < sample_size; size += 64) {
        write_broken(size);
        (void)info("cut at", size);
        (void)load_only("cut at", size);
    }
}
END_TEST

/* No memory, no file, no process ...: an exit code and a line, and when nothing failed the result.
 */
START_TEST(every_host_call_failing_once)
{
    unsigned failures = 0;

    load_sample(samples[1]);
    write_broken(sample_size);
    for (fail_at = 1; fail_at <= HOST_CALLS; fail_at++) {
        failures += info("host call", fail_at) != EXIT_CLEAN;
        failures += load_only("host call", fail_at) != EXIT_CLEAN;
    }
    ck_assert_uint_gt(failures, 10);
    fail_at = 100 * HOST_CALLS;
    ck_assert_int_eq(info("host call", fail_at), EXIT_CLEAN);
    ck_assert_int_eq(load_only("host call", fail_at), EXIT_CLEAN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("broken");
    TCase *test = tcase_create("images");

    tcase_set_timeout(test, 800);
    tcase_add_loop_test(test, a_whole_sample_is_fine, 0, 3);
    tcase_add_test(test, every_header_byte_flipped);
    tcase_add_test(test, every_host_call_failing_once);
    tcase_add_loop_test(test, cut_at_every_64th_byte, 1, 3);
    suite_add_tcase(suite, test);
    return run_suite(suite);
}
