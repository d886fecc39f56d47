/* SPDX-License-Identifier: MIT */
/* A run as JSON, schema pagable.run/1.  Keys are never renamed or removed inside that version. */
#include <inttypes.h>
#include <stdlib.h>

#include "report/marks.h"

static json_t *frames_json(struct json_build *b, const struct resolver *resolver,
                           const struct code_place *frames, uint32_t count)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < count; i++) {
        char symbol[320];

        (void)report_symbol(symbol, sizeof symbol, resolver, &frames[i], i > 0, NULL);
        json_append_to(b, array, json_string(symbol));
    }
    return array;
}

/* module, function, offset, rva, section, file, line of a place; null where nothing is known. */
static void put_place(struct json_build *b, json_t *object, const struct resolver *resolver,
                      const struct code_place *place, bool returns, const char *section)
{
    struct resolved_place known;
    char symbol[320];
    bool named = report_symbol(symbol, sizeof symbol, resolver, place, returns, &known);
    bool in_module = place->module[0] != '\0';

    json_put_text(b, object, "function", named ? known.function : NULL);
    json_put(b, object, "offset", named ? json_integer(known.offset) : json_null());
    json_put_text(b, object, "module", in_module ? place->module : NULL);
    json_put(b, object, "rva", in_module ? json_integer((json_int_t)place->rva) : json_null());
    if (section[0] == '\0' && known.section != NULL) {
        section = known.section;
    }
    json_put_text(b, object, "section", section[0] != '\0' ? section : NULL);
    json_put_text(b, object, "file", known.file);
    json_put(b, object, "line", known.file != NULL ? json_integer(known.line) : json_null());
}

static void put_change(struct json_build *b, json_t *object, const struct resolver *resolver,
                       const struct code_place *place)
{
    char symbol[320];

    (void)report_symbol(symbol, sizeof symbol, resolver, place, true, NULL);
    json_put_text(b, object, "place", symbol);
}

static json_t *irqls_json(struct json_build *b, const struct finding *finding,
                          const struct resolver *resolver)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < finding->irql_count; i++) {
        const struct finding_irql_change *change = &finding->irqls[i];
        json_t *object = json_new_object(b);

        json_put_number(b, object, "time", change->time);
        json_put_number(b, object, "old", change->old_irql);
        json_put_number(b, object, "new", change->new_irql);
        put_change(b, object, resolver, &change->place);
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *locks_json(struct json_build *b, const struct finding *finding,
                          const struct resolver *resolver)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < finding->lock_count; i++) {
        const struct finding_lock_change *change = &finding->locks[i];
        json_t *object = json_new_object(b);

        json_put_number(b, object, "time", change->time);
        json_put_text(b, object, "what", finding_lock_name(change->what));
        json_put_number(b, object, "count", change->count);
        put_change(b, object, resolver, &change->place);
        json_append_to(b, array, object);
    }
    return array;
}

static json_t *finding_json(struct json_build *b, const struct finding *finding,
                            const struct resolver *resolver)
{
    const struct rule_text *text = rule_text(finding->rule);
    json_t *object = json_new_object(b);

    json_put_text(b, object, "rule", text->id);
    json_put_text(b, object, "severity", finding_severity_name(finding->severity));
    put_place(b, object, resolver, &finding->place,
              report_returns(&finding->place, finding->frames, finding->frame_count),
              finding->section);
    json_put_number(b, object, "irql", finding->irql);
    json_put_number(b, object, "time", finding->time);
    json_put_text(b, object, "message",
                  finding->message[0] != '\0' ? finding->message : text->title);
    json_put_text(b, object, "help", text->fix);
    json_put(b, object, "stack", frames_json(b, resolver, finding->frames, finding->frame_count));
    json_put(b, object, "irql_history", irqls_json(b, finding, resolver));
    json_put_text(b, object, "locked_module",
                  finding->locked_module[0] != '\0' ? finding->locked_module : NULL);
    json_put_text(b, object, "locked_section",
                  finding->locked_section[0] != '\0' ? finding->locked_section : NULL);
    json_put(b, object, "lock_history", locks_json(b, finding, resolver));
    return object;
}

static json_t *bugcheck_json(struct json_build *b, const struct run_report *report,
                             const struct resolver *resolver)
{
    const struct bugcheck_report *bugcheck = &report->bugcheck;
    json_t *object = json_new_object(b);
    json_t *params = json_new_array(b);
    char code[16];

    (void)snprintf(code, sizeof code, "0x%" PRIX32, bugcheck->code);
    json_put_text(b, object, "code", code);
    json_put_text(b, object, "name", bugcheck_name(bugcheck->code));
    for (unsigned i = 0; i < 4; i++) {
        json_append_to(b, params, json_hex(bugcheck->parameters[i]));
    }
    json_put(b, object, "params", params);
    put_place(b, object, resolver, &bugcheck->place,
              report_returns(&bugcheck->place, bugcheck->frames, bugcheck->frame_count),
              bugcheck->section);
    json_put_number(b, object, "irql", bugcheck->irql);
    json_put_number(b, object, "time", bugcheck->time);
    json_put_text(b, object, "message", bugcheck->message);
    json_put(b, object, "finding",
             bugcheck->finding >= 0 ? json_integer(bugcheck->finding) : json_null());
    json_put(b, object, "stack", frames_json(b, resolver, bugcheck->frames, bugcheck->frame_count));
    return object;
}

json_t *section_json(struct json_build *b, const struct section_summary *section)
{
    json_t *object = json_new_object(b);

    json_put_text(b, object, "image", section->image);
    json_put_text(b, object, "name", section->name);
    json_put_number(b, object, "lock_count", section->lock_count);
    json_put_number(b, object, "pages", section->pages);
    json_put_number(b, object, "resident_pages", section->resident_pages);
    return object;
}

static json_t *sections_json(struct json_build *b, const struct run_report *report)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < report->section_count; i++) {
        json_append_to(b, array, section_json(b, &report->sections[i]));
    }
    return array;
}

static json_t *counters_json(struct json_build *b, const struct run_counters *counters)
{
    json_t *object = json_new_object(b);
    const char *name;
    uint64_t value;

    for (unsigned i = 0; run_counter_at(counters, i, &name, &value); i++) {
        json_put_number(b, object, name, value);
    }
    return object;
}

static const char *outcome_name(const struct run_report *report)
{
    static const char *const names[] = {
        [RUN_DONE] = "done",
        [RUN_BUGCHECK] = "bugcheck",
        [RUN_UNSUPPORTED] = "unsupported",
        [RUN_BAD_SCRIPT] = "bad-script",
        [RUN_ASSERTION] = "assertion",
        [RUN_STOPPED] = "stopped",
    };

    return report->has_end ? names[report->end.outcome] : "died";
}

json_t *report_run_object(struct json_build *build, const struct run_report *report,
                          const struct resolver *resolver)
{
    json_t *root = json_new_object(build);
    json_t *drivers = json_new_array(build);
    json_t *findings = json_new_array(build);
    char name[512];

    json_put_text(build, root, "schema", "pagable.run/1");
    for (uint32_t i = 0; i < report->driver_count; i++) {
        json_append_to(build, drivers, json_string(CLEAN(name, report->drivers[i])));
    }
    json_put(build, root, "drivers", drivers);
    json_put_number(build, root, "seed", report->seed);
    json_put_text(build, root, "result", report_result_name(report_result(report)));
    json_put(build, root, "bugcheck",
             report->has_bugcheck ? bugcheck_json(build, report, resolver) : json_null());
    for (uint32_t i = 0; i < report->finding_count; i++) {
        json_append_to(build, findings, finding_json(build, &report->findings[i], resolver));
    }
    json_put(build, root, "findings", findings);
    json_put_number(build, root, "findings_dropped", report->findings_dropped);
    json_put(build, root, "counters", counters_json(build, &report->counters));
    json_put(build, root, "sections", sections_json(build, report));
    json_put(build, root, "marks", marks_json(build, report));
    json_put_text(build, root, "ended", outcome_name(report));
    json_put_text(build, root, "reason", report->end.reason[0] != '\0' ? report->end.reason : NULL);
    return root;
}

pg_status report_run_json(FILE *out, const struct run_report *report,
                          const struct resolver *resolver)
{
    struct json_build b = {false};

    return json_finish(&b, report_run_object(&b, report, resolver), out, JSON_INDENT(2));
}
