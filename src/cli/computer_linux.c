/* SPDX-License-Identifier: MIT */
/*
 * The child process that is the computer, seen from its parent: made with limits, listened to until
 * it ends, and its end explained.  Nothing that a driver does there can hurt the parent: the ring
 * is checked, the child is bounded in time, and its death is a result like any other.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define RING_BYTES (4u << 20)
#define POLL_MS    1000
#define FILE_BYTES (1ull << 30) /* the paging file cannot come near this */
#define CPU_GRACE  4u           /* seconds for the computer to end itself when its time is over */

struct watch {
    const struct plan *plan;
    struct run_report *report;
    struct channel *channel;
    pid_t child;
    uint32_t silent;        /* polls without a record and without using the processor */
    uint64_t cpu_ns;        /* of the child at the last poll */
    const char *killed_for; /* NULL: not killed by us */
    bool out_of_memory;
};

/* ---- the child, before it is a computer ---- */

static void limit(int which, uint64_t soft, uint64_t hard)
{
    struct rlimit now, wanted = {.rlim_cur = soft, .rlim_max = hard};

    if (getrlimit(which, &now) == 0 && now.rlim_max < wanted.rlim_max) {
        wanted.rlim_max = now.rlim_max;
        wanted.rlim_cur = now.rlim_max < soft ? now.rlim_max : soft;
    }
    (void)setrlimit(which, &wanted); /* a belt: the computer has braces of its own */
}

static _Noreturn void be_computer(const struct plan *plan, struct channel *channel, pid_t parent)
{
    uint32_t budget = plan->options.budget_seconds;

    channel_be_writer(channel);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) { /* it went before it could be told */
        _exit(EXIT_OURS);
    }
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, FILE_BYTES, FILE_BYTES);
    if (budget != 0) {
        limit(RLIMIT_CPU, budget, budget + CPU_GRACE); /* SIGXCPU is the computer's to handle */
    }
    inside_run(plan, channel);
}

/* ---- the parent ---- */

/* Text of a driver: as it is, but for what would steer a terminal. */
static void print_text(const char *text, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || c == '\r') {
            (void)fputc(c, stderr);
        } else if (c != 0) {
            fprintf(stderr, "\\x%02x", c);
        }
    }
    (void)fflush(stderr);
}

static void print_notice(const char *text, uint32_t bytes)
{
    fputs("pagable: ", stderr);
    print_text(text, bytes);
    fputc('\n', stderr);
}

static void take_record(struct watch *watch, enum record_kind kind, const char *payload,
                        uint32_t bytes)
{
    if (watch->plan->stream != NULL) {
        stream_take(watch->plan->stream, watch->plan->resolver, kind, payload, bytes);
    }
    switch (kind) {
    case RECORD_TEXT:
        print_text(payload, bytes);
        break;
    case RECORD_NOTICE:
        print_notice(payload, bytes);
        break;
    default:
        if (report_collect(watch->report, kind, payload, bytes) == PG_E_NO_MEMORY) {
            watch->out_of_memory = true;
        }
        break;
    }
}

static uint64_t cpu_time_of(pid_t child)
{
    clockid_t clock;
    struct timespec t;

    if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &t) != 0) {
        return 0;
    }
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nothing came for a while.  A computer that works uses the processor; one that does neither is
 * stuck, and would be for ever. */
static void check_silence(struct watch *watch)
{
    uint64_t cpu_ns = cpu_time_of(watch->child);

    if (cpu_ns != watch->cpu_ns) {
        watch->cpu_ns = cpu_ns;
        watch->silent = 0;
        return;
    }
    if (++watch->silent == watch->plan->patience) {
        watch->killed_for = "stood still and had to be ended";
        (void)kill(watch->child, SIGKILL);
    }
}

static void listen(struct watch *watch)
{
    static char payload[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    for (;;) {
        switch (channel_take(watch->channel, &kind, payload, &bytes, POLL_MS)) {
        case CHANNEL_RECORD:
            watch->silent = 0;
            take_record(watch, kind, payload, bytes);
            break;
        case CHANNEL_EMPTY:
            check_silence(watch);
            break;
        case CHANNEL_BROKEN:
            watch->killed_for = "overwrote the memory through which it reports";
            (void)kill(watch->child, SIGKILL);
            return;
        case CHANNEL_ENDED:
            return;
        }
    }
}

static int add_finding(struct watch *watch, enum rule rule, const char *message)
{
    struct finding finding = {.rule = rule, .severity = rule_text(rule)->severity};

    (void)snprintf(finding.message, sizeof finding.message, "%s", message);
    return report_add_finding(watch->report, &finding) == PG_OK ? EXIT_CLEAN : EXIT_OURS;
}

/* The child is gone without a last word: what it was that ended it. */
static int explain_death(struct watch *watch, int status, const struct rusage *usage)
{
    uint32_t budget = watch->plan->options.budget_seconds;
    char message[160];

    if (watch->killed_for != NULL) {
        (void)snprintf(message, sizeof message, "the computer %s", watch->killed_for);
    } else if (WIFSIGNALED(status) && budget != 0 &&
               usage->ru_utime.tv_sec + usage->ru_stime.tv_sec >= (time_t)budget) {
        return add_finding(watch, RULE_BUDGET_EXHAUSTED,
                           "the computer did not end when its processor time was over");
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(message, sizeof message, "the computer was killed by signal %d (%s)",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        (void)snprintf(message, sizeof message, "the computer ended with status %d in the middle",
                       WEXITSTATUS(status));
    }
    return add_finding(watch, RULE_COMPUTER_DIED, message);
}

static int conclude(struct watch *watch)
{
    struct rusage usage = {0};
    int status = 0;

    while (wait4(watch->child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    if (watch->out_of_memory) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        return EXIT_OURS;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OURS) {
        return EXIT_OURS; /* it said why on stderr */
    }
    if (!watch->report->has_end) {
        return explain_death(watch, status, &usage);
    }
    if (watch->report->end.outcome == RUN_ASSERTION) {
        return add_finding(watch, RULE_EXPECTATION_FAILED, watch->report->end.reason);
    }
    return EXIT_CLEAN;
}

int computer_run(const struct plan *plan, struct run_report *report)
{
    struct watch watch = {.plan = plan, .report = report};
    pid_t parent = getpid();
    pg_status status = channel_open(RING_BYTES, &watch.channel);
    int code;

    if (status != PG_OK) {
        complain(NULL, "channel to the computer: %s", pg_status_text(status));
        return EXIT_OURS;
    }
    (void)fflush(NULL); /* or the child would print it again */
    watch.child = fork();
    if (watch.child == 0) {
        be_computer(plan, watch.channel, parent);
    }
    if (watch.child < 0) {
        complain(NULL, "process for the computer: %s", strerror(errno));
        channel_close(watch.channel);
        return EXIT_OURS;
    }
    channel_be_reader(watch.channel);
    listen(&watch);
    code = conclude(&watch);
    channel_close(watch.channel);
    return code;
}
