/* SPDX-License-Identifier: MIT */
/*
 * Reports and ends: notices, bug checks, and the last words of the computer.  Any
 * context, any stack: nothing here needs a thread or may fault.
 */
#include "machine/internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void machine_notice(const char *format, ...)
{
    char line[400];
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    PG_ASSERT(n >= 0);
    channel_put(M->channel, RECORD_NOTICE, line, (uint32_t)strlen(line));
}

void machine_text(const char *text, uint32_t bytes)
{
    channel_put(M->channel, RECORD_TEXT, text, bytes);
}

/* ---- ends ---- */

bool machine_section_summary(const struct module *module, uint32_t index,
                             struct section_summary *out)
{
    /* An image whose sections share pages is one region, the last. */
    uint32_t region = module->image.pageable ? index : module->image.section_count;
    struct pg_section_info info;
    int64_t resident = 0;

    memset(out, 0, sizeof *out);
    if (index >= pg_image_section_count(module->sections) ||
        pg_section_query(module->sections, index, &info) != PG_OK) {
        return false;
    }
    if (!info.discarded) {
        resident = pager_region_resident_pages(M->pager, module->regions[region]);
    }
    memcpy(out->image, module->name, sizeof out->image);
    memcpy(out->name, info.desc->name, sizeof out->name);
    out->lock_count = info.lock_count;
    out->pages = info.desc->pages;
    out->resident_pages = resident > 0 ? (uint32_t)resident : 0;
    return true;
}

static void put_sections(const struct module *module)
{
    struct section_summary summary;

    for (uint32_t i = 0; machine_section_summary(module, i, &summary); i++) {
        channel_put(M->channel, RECORD_SECTION, &summary, sizeof summary);
    }
}

void machine_mark(const char *label)
{
    struct run_mark mark = {.time = M->time};
    struct section_summary summary;

    (void)snprintf(mark.label, sizeof mark.label, "%s", label);
    trace_flush();
    channel_put(M->channel, RECORD_MARK, &mark, sizeof mark);
    for (struct module *m = module_next(NULL); m != NULL; m = module_next(m)) {
        for (uint32_t i = 0; machine_section_summary(m, i, &summary); i++) {
            channel_put(M->channel, RECORD_MARK_SECTION, &summary, sizeof summary);
        }
    }
}

static void put_modules(void)
{
    for (struct module *m = module_next(NULL); m != NULL; m = module_next(m)) {
        struct module_summary summary = {.base = m->base, .bytes = m->bytes};

        memcpy(summary.name, m->name, sizeof summary.name);
        channel_put(M->channel, RECORD_MODULE, &summary, sizeof summary);
        put_sections(m);
    }
}

struct run_counters machine_count(void)
{
    struct pager_counters pager = pager_counters(M->pager);

    M->counters.page_ins = pager.page_ins;
    M->counters.page_outs = pager.page_outs;
    M->counters.write_backs = pager.write_backs;
    M->counters.evictions = pager.evictions;
    M->counters.virtual_time = M->time;
    return M->counters;
}

static _Noreturn void stop_at(enum run_outcome outcome, const char *reason,
                              const struct code_place *place)
{
    struct run_end end = {.outcome = outcome, .rva = place->rva};
    struct run_counters counters;

    PG_ASSERT(!M->stopping);
    memcpy(end.module, place->module, sizeof end.module);
    M->stopping = true;
    trace_flush();
    put_modules();
    counters = machine_count();
    channel_put(M->channel, RECORD_COUNTERS, &counters, sizeof counters);
    snprintf(end.reason, sizeof end.reason, "%s", reason != NULL ? reason : "");
    channel_put(M->channel, RECORD_END, &end, sizeof end);
    _exit(0);
}

_Noreturn void machine_stop(enum run_outcome outcome, const char *reason)
{
    static const struct code_place nowhere;

    stop_at(outcome, reason, &nowhere);
}

_Noreturn void machine_unsupported(const char *format, ...)
{
    char what[160];
    char reason[240];
    struct code_place place = machine_place(backtrace_blame());
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(reason, sizeof reason, "%s, used at %s+0x%llx, is not supported", what,
             place.module[0] != '\0' ? place.module : "address", (unsigned long long)place.rva);
    stop_at(RUN_UNSUPPORTED, reason, &place);
}

/* Which parameter of a bug check is the instruction to blame; 4: none, ask the call chain. */
static unsigned blame_parameter(uint32_t code)
{
    switch (code) {
    case 0x0A:
    case 0xD1:
    case 0xD3:
        return 3;
    case 0x50:
        return 2;
    case 0x1E:
        return 1;
    case 0xE1:
        return 0;
    default:
        return 4;
    }
}

void machine_blame(int finding)
{
    M->blamed_finding = finding;
}

_Noreturn void machine_bugcheck(uint32_t code, uint64_t p1, uint64_t p2, uint64_t p3, uint64_t p4,
                                const char *words)
{
    struct bugcheck_report report;
    uint64_t parameters[4] = {p1, p2, p3, p4};
    unsigned which = blame_parameter(code);
    uint64_t blame = backtrace_blame();

    memset(&report, 0, sizeof report);
    report.code = code;
    memcpy(report.parameters, parameters, sizeof parameters);
    if (which < 4 && module_at(parameters[which]) != NULL) {
        blame = parameters[which];
    }
    report.place = machine_place(blame);
    snprintf(report.section, sizeof report.section, "%s", machine_section_name(blame));
    report.irql = M->cpu.irql;
    report.time = M->time;
    snprintf(report.message, sizeof report.message, "%s", words != NULL ? words : "");
    report.finding = M->blamed_finding >= 0 ? M->blamed_finding : suspect_of_irql();
    report.frame_count = backtrace_fill(report.frames, FINDING_FRAMES);
    for (uint32_t i = 0; i < report.frame_count && report.place.module[0] == '\0'; i++) {
        report.place = report.frames[i]; /* a jump to nowhere: whoever jumped */
    }
    trace_flush();
    channel_put(M->channel, RECORD_BUGCHECK, &report, sizeof report);
    machine_stop(RUN_BUGCHECK, NULL);
}
