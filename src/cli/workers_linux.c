/* SPDX-License-Identifier: MIT */
/*
 * A batch in worker processes.
 *
 * A worker is forked when there is work for it, gets one path at a time over a socket, and answers
 * over the same.  It dies with its file: whatever the bytes of a file do to it, the others are not
 * concerned.  Answers wait in a ring until those before them have come, so that the order is that
 * of the paths; a path is only handed out when the ring has room, which bounds the memory.
 *
 * Invariant: slots [head, tail) of the ring hold paths, `done` where the answer has come; a worker
 * with a slot works on it.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

#define WORKERS_MAX  256u
#define RING         256u /* slots */
#define OUTPUT_MAX   ((uint64_t)1 << 32)
#define PATH_BYTES   4096u
#define NO_SLOT      UINT32_MAX
#define HINT_ON_TIME "--budget 0 gives it all the time that it wants"

struct slot {
    char *path;
    struct answer answer;
    bool done;
};

struct worker {
    pid_t pid; /* 0: there is none */
    int socket;
    uint32_t slot; /* NO_SLOT: idle */
};

struct pool {
    const struct batch *batch;
    struct worker workers[WORKERS_MAX];
    uint32_t count; /* of workers, at most */
    struct slot ring[RING];
    uint32_t head, tail; /* free-running; modulo RING they are places */
    bool ended;          /* there are no more paths */
    bool stopped;        /* whoever takes the answers wants no more */
};

/* What goes in front of an answer's text. */
struct answer_head {
    int32_t code;
    uint32_t why_bytes;
    uint64_t hint; /* the same in both processes: static text of one program */
    uint64_t output_bytes;
};

/* ---- both sides ---- */

static bool send_all(int socket, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t n = send(socket, at, size, MSG_NOSIGNAL);

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

static bool receive_all(int socket, void *bytes, size_t size)
{
    char *at = bytes;

    while (size > 0) {
        ssize_t n = recv(socket, at, size, 0);

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

/* ---- a worker ---- */

static void set_budget(uint32_t seconds)
{
    struct itimerval value = {.it_value = {.tv_sec = seconds}};

    (void)setitimer(ITIMER_PROF, &value, NULL); /* SIGPROF ends the process */
}

static bool send_answer(int socket, const struct answer *answer)
{
    struct answer_head head = {
        .code = answer->code,
        .why_bytes = answer->why != NULL ? (uint32_t)strlen(answer->why) : 0,
        .hint = (uintptr_t)answer->hint,
        .output_bytes = answer->output != NULL ? answer->bytes : 0,
    };

    return send_all(socket, &head, sizeof head) && send_all(socket, answer->why, head.why_bytes) &&
           send_all(socket, answer->output, head.output_bytes);
}

static _Noreturn void be_worker(const struct batch *batch, int socket)
{
    char path[PATH_BYTES];
    uint32_t length;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (receive_all(socket, &length, sizeof length) && length < sizeof path &&
           receive_all(socket, path, length)) {
        struct answer answer = {0};
        bool sent;

        path[length] = '\0';
        set_budget(batch->budget);
        batch->work(batch->context, path, &answer);
        set_budget(0);
        sent = send_answer(socket, &answer);
        free(answer.why);
        free(answer.output);
        if (!sent) {
            break;
        }
    }
    _exit(EXIT_CLEAN);
}

/* ---- workers, seen from outside ---- */

/* False with errno set: there can be none now. */
static bool start(struct pool *pool, struct worker *worker)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    (void)fflush(NULL); /* or the child would print it again */
    worker->pid = fork();
    if (worker->pid == 0) {
        /* A worker that held the others' sockets would keep them from ending with this process. */
        for (uint32_t i = 0; i < pool->count; i++) {
            if (pool->workers[i].pid != 0 && &pool->workers[i] != worker) {
                (void)close(pool->workers[i].socket);
            }
        }
        (void)close(ends[0]);
        be_worker(pool->batch, ends[1]);
    }
    if (worker->pid < 0) {
        int error = errno;

        (void)close(ends[0]);
        (void)close(ends[1]);
        worker->pid = 0;
        errno = error;
        return false;
    }
    (void)close(ends[1]);
    worker->socket = ends[0];
    worker->slot = NO_SLOT;
    return true;
}

/* Its end, whichever way; returns the status of waitpid. */
static int end(struct worker *worker)
{
    int status = 0;

    (void)close(worker->socket);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
    }
    worker->pid = 0;
    return status;
}

/* It died over its file: that is the answer. */
static void bury(struct pool *pool, struct worker *worker)
{
    struct slot *slot = &pool->ring[worker->slot % RING];
    int status = end(worker), length;

    slot->answer = (struct answer){.code = EXIT_OURS};
    slot->done = true;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF) {
        slot->answer.hint = HINT_ON_TIME;
        length = asprintf(&slot->answer.why, "given up after %u seconds of processor time",
                          pool->batch->budget);
    } else if (WIFSIGNALED(status)) {
        length = asprintf(&slot->answer.why, "the process that looked at it died of signal %d (%s)",
                          WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        length = asprintf(&slot->answer.why, "the process that looked at it ended with status %d",
                          WEXITSTATUS(status));
    }
    if (length < 0) {
        slot->answer.why = NULL;
    }
}

/* Zero-terminated text of a length; NULL for none. */
static bool receive_text(int socket, uint64_t bytes, char **text)
{
    *text = NULL;
    if (bytes == 0) {
        return true;
    }
    *text = bytes < OUTPUT_MAX ? malloc(bytes + 1) : NULL;
    if (*text == NULL || !receive_all(socket, *text, bytes)) {
        free(*text);
        *text = NULL;
        return false;
    }
    (*text)[bytes] = '\0';
    return true;
}

static void take_answer(struct pool *pool, struct worker *worker)
{
    struct slot *slot = &pool->ring[worker->slot % RING];
    struct answer *answer = &slot->answer;
    struct answer_head head;

    if (!receive_all(worker->socket, &head, sizeof head) ||
        !receive_text(worker->socket, head.why_bytes, &answer->why)) {
        bury(pool, worker);
        return;
    }
    if (!receive_text(worker->socket, head.output_bytes, &answer->output)) {
        free(answer->why);
        bury(pool, worker);
        return;
    }
    answer->code = head.code;
    answer->hint = (const char *)(uintptr_t)head.hint;
    answer->bytes = head.output_bytes;
    slot->done = true;
    worker->slot = NO_SLOT;
}

/* ---- the batch ---- */

static void answer_error(struct slot *slot, int code, int error)
{
    slot->answer.code = code;
    slot->answer.why = error != ENOMEM ? strdup(strerror(error)) : NULL; /* see deliver_one */
    slot->done = true;
}

/* A slot for the next path; NULL: there is none, or no room. */
static struct slot *next_slot(struct pool *pool)
{
    struct slot *slot = &pool->ring[pool->tail % RING];
    const char *path;
    int error;

    if (pool->ended || pool->stopped || pool->tail - pool->head == RING) {
        return NULL;
    }
    if (!paths_next(pool->batch->paths, &path, &error)) {
        pool->ended = true;
        return NULL;
    }
    *slot = (struct slot){.path = strdup(path)};
    pool->tail++;
    if (slot->path == NULL) {
        error = ENOMEM;
    } else if (strlen(path) >= PATH_BYTES) {
        error = ENAMETOOLONG;
    }
    if (error != 0) {
        answer_error(slot, error == ENOMEM ? EXIT_OURS : EXIT_INPUT, error);
    }
    return slot;
}

/* Hand out paths to idle workers. */
static void hand_out(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->count; i++) {
        struct worker *worker = &pool->workers[i];
        struct slot *slot;
        uint32_t length;

        if (worker->pid != 0 && worker->slot != NO_SLOT) {
            continue;
        }
        do {
            slot = next_slot(pool);
        } while (slot != NULL && slot->done);
        if (slot == NULL) {
            return;
        }
        if (worker->pid == 0 && !start(pool, worker)) {
            answer_error(slot, EXIT_OURS, errno);
            continue;
        }
        worker->slot = pool->tail - 1;
        length = (uint32_t)strlen(slot->path);
        if (!send_all(worker->socket, &length, sizeof length) ||
            !send_all(worker->socket, slot->path, length)) {
            bury(pool, worker);
        }
    }
}

static bool deliver_one(const struct batch *batch, const struct slot *slot)
{
    static char out_of_memory[] = "out of memory";
    struct answer answer = slot->answer;

    if (answer.code > EXIT_FOUND && answer.why == NULL) {
        answer.code = EXIT_OURS;
        answer.why = out_of_memory;
    }
    return batch->deliver(batch->context, slot->path != NULL ? slot->path : "a file", &answer);
}

static void deliver(struct pool *pool)
{
    while (pool->head != pool->tail && pool->ring[pool->head % RING].done) {
        struct slot *slot = &pool->ring[pool->head % RING];

        pool->stopped = pool->stopped || !deliver_one(pool->batch, slot);
        free(slot->path);
        free(slot->answer.why);
        free(slot->answer.output);
        pool->head++;
    }
}

/* Wait for answers; false when nobody works. */
static bool listen_to_all(struct pool *pool)
{
    struct pollfd polled[WORKERS_MAX];
    struct worker *whose[WORKERS_MAX];
    nfds_t count = 0;

    for (uint32_t i = 0; i < pool->count; i++) {
        struct worker *worker = &pool->workers[i];

        if (worker->pid != 0 && worker->slot != NO_SLOT) {
            whose[count] = worker;
            polled[count++] = (struct pollfd){.fd = worker->socket, .events = POLLIN};
        }
    }
    if (count == 0) {
        return false;
    }
    if (poll(polled, count, -1) < 0) {
        return true; /* interrupted: once more */
    }
    for (nfds_t i = 0; i < count; i++) {
        if (polled[i].revents != 0) {
            take_answer(pool, whose[i]);
        }
    }
    return true;
}

uint32_t batch_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

int batch_run(const struct batch *batch)
{
    struct pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    pool->batch = batch;
    pool->count = batch->workers < WORKERS_MAX ? batch->workers : WORKERS_MAX;
    do {
        hand_out(pool);
        deliver(pool);
    } while (listen_to_all(pool) || (!pool->ended && !pool->stopped));
    deliver(pool);
    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->workers[i].pid != 0) {
            (void)end(&pool->workers[i]);
        }
    }
    free(pool);
    return EXIT_CLEAN;
}
