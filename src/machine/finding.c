/* SPDX-License-Identifier: MIT */
/*
 * Findings: composing and sending them, each mistake once.
 *
 * One mistake can show twice: code that takes a spin lock in an unlocked PAGE section is reported
 * when it does so, and a moment later its page is out.  Whoever reports the first therefore names
 * the memory that is *suspect* on its account; what happens there is then a consequence and no
 * finding of its own.  A suspicion lasts for ever, or as long as the thread stays at raised IRQL.
 *
 * Any context, any stack: nothing here needs a thread or may fault.
 */
#include "machine/internal.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct finding) <= CHANNEL_RECORD_MAX, "a finding is one record");

/* ---- sites: the same rule at the same place is reported once ---- */

static const struct finding_site *known_site(enum rule rule, uint64_t address)
{
    for (uint32_t i = 0; i < M->site_count; i++) {
        if (M->sites[i].rule == rule && M->sites[i].address == address) {
            return &M->sites[i];
        }
    }
    return NULL;
}

static void remember_site(enum rule rule, uint64_t address, int index)
{
    if (M->site_count < FINDING_SITES_MAX) {
        M->sites[M->site_count++] = (struct finding_site){rule, address, index};
    }
}

/* ---- suspects ---- */

static bool covers(const struct suspect *suspect, uint64_t address)
{
    return address - suspect->base < suspect->bytes;
}

void machine_suspect(int finding, uint64_t base, uint64_t bytes)
{
    struct suspect *suspect = &M->suspects[M->suspect_count % SUSPECTS_MAX];

    if (finding < 0 || machine_suspected(base) >= 0) {
        return;
    }
    *suspect = (struct suspect){base, bytes, finding};
    M->suspect_count++;
}

void machine_suspect_raised(int finding, uint64_t base, uint64_t bytes)
{
    if (finding >= 0 && M->cpu.current != NULL) {
        M->cpu.current->suspect = (struct suspect){base, bytes, finding};
    }
}

int machine_suspected(uint64_t address)
{
    const struct thread *thread = M->cpu.current;
    uint32_t count = M->suspect_count < SUSPECTS_MAX ? M->suspect_count : SUSPECTS_MAX;

    if (thread != NULL && covers(&thread->suspect, address)) {
        return thread->suspect.finding;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (covers(&M->suspects[i], address)) {
            return M->suspects[i].finding;
        }
    }
    return -1;
}

void suspect_irql_lowered(void)
{
    if (M->cpu.current != NULL) {
        M->cpu.current->suspect.bytes = 0;
    }
}

int suspect_of_irql(void)
{
    const struct thread *thread = M->cpu.current;

    return thread != NULL && thread->suspect.bytes == UINT64_MAX ? thread->suspect.finding : -1;
}

bool machine_irql_suspected(void)
{
    return suspect_of_irql() >= 0;
}

/* ---- composing ---- */

struct report {
    enum rule rule;
    uint64_t address;       /* the place */
    uint64_t key;           /* what is reported once; its section is the finding's */
    uint64_t subject;       /* its section's locks are told of */
    const uint64_t *others; /* places to tell of instead of the stack; NULL: the stack */
    uint32_t other_count;
};

static void fill_frames(struct finding *finding, const struct report *report)
{
    if (report->others == NULL) {
        finding->frame_count = backtrace_fill(finding->frames, FINDING_FRAMES);
        return;
    }
    finding->frames[finding->frame_count++] = finding->place;
    for (uint32_t i = 1; i < report->other_count && finding->frame_count < FINDING_FRAMES; i++) {
        finding->frames[finding->frame_count++] = machine_place(report->others[i]);
    }
}

static int send(const struct report *report, const char *format, va_list arguments)
{
    struct finding finding;
    const struct finding_site *known = known_site(report->rule, report->key);

    if (known != NULL) {
        return known->index;
    }
    memset(&finding, 0, sizeof finding);
    finding.rule = report->rule;
    finding.severity = rule_text(report->rule)->severity;
    finding.place = machine_place(report->address);
    snprintf(finding.section, sizeof finding.section, "%s", machine_section_name(report->key));
    finding.irql = M->cpu.irql;
    finding.time = M->time;
    fill_frames(&finding, report);
    history_fill(&finding, report->subject);
    vsnprintf(finding.message, sizeof finding.message, format, arguments);
    trace_flush();
    channel_put(M->channel, RECORD_FINDING, &finding, sizeof finding);
    remember_site(report->rule, report->key, (int)M->finding_count);
    return (int)M->finding_count++;
}

int machine_finding(enum rule rule, uint64_t address, const char *format, ...)
{
    struct report report = {.rule = rule, .address = address};
    va_list arguments;
    int index;

    if (!machine_rule_on(rule)) {
        return -1;
    }
    report.address = address != 0 ? address : backtrace_blame();
    report.key = report.subject = report.address;
    va_start(arguments, format);
    index = send(&report, format, arguments);
    va_end(arguments);
    return index;
}

int machine_finding_about(enum rule rule, uint64_t address, uint64_t subject, const char *format,
                          ...)
{
    struct report report = {.rule = rule, .subject = subject};
    va_list arguments;
    int index;

    if (!machine_rule_on(rule)) {
        return -1;
    }
    report.key = report.address = address != 0 ? address : backtrace_blame();
    va_start(arguments, format);
    index = send(&report, format, arguments);
    va_end(arguments);
    return index;
}

int machine_finding_with(enum rule rule, uint64_t address, const uint64_t *others,
                         uint32_t other_count, const char *format, ...)
{
    uint64_t place = other_count > 0 ? others[0] - 1 : address; /* inside of the call */
    struct report report = {rule, place, address, address, others, other_count};
    va_list arguments;
    int index;

    if (!machine_rule_on(rule)) {
        return -1;
    }
    va_start(arguments, format);
    index = send(&report, format, arguments);
    va_end(arguments);
    return index;
}
