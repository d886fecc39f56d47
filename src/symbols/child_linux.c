/* SPDX-License-Identifier: MIT */
#include "symbols/child.h"

#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_MEMORY     (2ull << 30)
#define FIRST_ROOM       (64u << 10)
#define MAX_SILENCE_MSEC 60000 /* against a stopped child; processor time is its real limit */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

bool child_write(int output, const void *data, size_t size)
{
    const char *at = data;

    while (size != 0) {
        ssize_t n = write(output, at, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static void limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
    struct rlimit to = {soft, hard};

    (void)setrlimit(resource, &to);
}

/* Signals of the parent's handlers, a sanitizer's included, end the child silently. */
static void become_harmless(pid_t parent)
{
    static const int deadly[] = {SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,  SIGABRT, SIGTRAP,
                                 SIGSYS,  SIGXCPU, SIGALRM, SIGTERM, SIGINT,  SIGHUP};
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;

    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
        (void)signal(deadly[i], SIG_DFL);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (nowhere >= 0) {
        (void)dup2(nowhere, STDIN_FILENO);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
    }
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_CPU, CHILD_SECONDS, CHILD_SECONDS + 1);
#ifndef SANITIZED /* shadow memory counts as data */
    limit(RLIMIT_DATA, CHILD_MEMORY, CHILD_MEMORY);
#endif
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
}

/* Double the room of the output; false when there is no memory or too much output. */
static bool more_room(struct child_result *result, size_t *room)
{
    size_t bigger = *room == 0 ? FIRST_ROOM : *room * 2;
    uint8_t *memory;

    if (bigger > CHILD_MAX_OUTPUT) {
        (void)snprintf(result->problem, sizeof(result->problem), "gave too much output");
        return false;
    }
    memory = host.allocate(bigger);
    if (memory == NULL) {
        result->no_memory = true;
        return false;
    }
    if (result->output.size != 0) {
        memcpy(memory, result->output.at, result->output.size);
    }
    host.release((void *)(uintptr_t)result->output.at);
    result->output.at = memory;
    *room = bigger;
    return true;
}

/* Read until the child closes its end; false when that is to be waited for no longer. */
static bool read_all(int input, struct child_result *result)
{
    struct pollfd ready = {input, POLLIN, 0};
    size_t room = 0;

    for (;;) {
        ssize_t n;
        int events;

        if (result->output.size == room && !more_room(result, &room)) {
            return false;
        }
        events = poll(&ready, 1, MAX_SILENCE_MSEC);
        if (events < 0 && errno == EINTR) {
            continue;
        }
        if (events <= 0) {
            (void)snprintf(result->problem, sizeof(result->problem), "did not answer");
            return false;
        }
        n = read(input, (void *)(uintptr_t)(result->output.at + result->output.size),
                 room - result->output.size);
        if (n == 0) {
            return true;
        }
        if (n > 0) {
            result->output.size += (size_t)n;
        } else if (errno != EINTR) {
            (void)snprintf(result->problem, sizeof(result->problem), "could not be read from");
            return false;
        }
    }
}

static void reap(pid_t child, bool wait_for_end, struct child_result *result)
{
    int status = 0;
    pid_t ended;

    if (!wait_for_end) {
        (void)kill(child, SIGKILL);
    }
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (ended != child || !wait_for_end || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        return; /* with SIGCHLD ignored nothing is known; the output then speaks for itself */
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        (void)snprintf(result->problem, sizeof(result->problem),
                       "was stopped at its limit of %u s of processor time", CHILD_SECONDS);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(result->problem, sizeof(result->problem), "ended by signal %d",
                       WTERMSIG(status));
    } else {
        (void)snprintf(result->problem, sizeof(result->problem), "ended with status %d",
                       WEXITSTATUS(status));
    }
}

void child_run(child_work *work, void *context, struct child_result *result)
{
    pid_t parent = getpid();
    int ends[2];
    pid_t child;

    memset(result, 0, sizeof(*result));
    if (pipe2(ends, O_CLOEXEC) != 0) {
        (void)snprintf(result->problem, sizeof(result->problem), "could not be started (error %d)",
                       errno);
        return;
    }
    child = fork();
    if (child == 0) {
        int output = fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

        become_harmless(parent);
        work(context, output);
        _exit(0);
    }
    (void)close(ends[1]);
    if (child < 0) {
        (void)snprintf(result->problem, sizeof(result->problem), "could not be started (error %d)",
                       errno);
    } else {
        bool ended = read_all(ends[0], result);

        reap(child, ended, result);
    }
    (void)close(ends[0]);
}
