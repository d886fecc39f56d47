/* SPDX-License-Identifier: MIT */
/* A run as JSON, schema pagable.run/1.  Keys are never renamed or removed inside that version. */
#include <inttypes.h>
#include <stdlib.h>

#include "report/json.h"

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

static json_t *sections_json(struct json_build *b, const struct run_report *report)
{
    json_t *array = json_new_array(b);

    for (uint32_t i = 0; i < report->section_count; i++) {
        const struct section_summary *section = &report->sections[i];
        json_t *object = json_new_object(b);

        json_put_text(b, object, "image", section->image);
        json_put_text(b, object, "name", section->name);
        json_put_number(b, object, "lock_count", section->lock_count);
        json_put_number(b, object, "pages", section->pages);
        json_put_number(b, object, "resident_pages", section->resident_pages);
        json_append_to(b, array, object);
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

pg_status report_run_json(FILE *out, const struct run_report *report,
                          const struct resolver *resolver)
{
    struct json_build b = {false};
    json_t *root = json_new_object(&b);
    json_t *drivers = json_new_array(&b);
    json_t *findings = json_new_array(&b);
    char name[512];

    json_put_text(&b, root, "schema", "pagable.run/1");
    for (uint32_t i = 0; i < report->driver_count; i++) {
        json_append_to(&b, drivers, json_string(CLEAN(name, report->drivers[i])));
    }
    json_put(&b, root, "drivers", drivers);
    json_put_number(&b, root, "seed", report->seed);
    json_put_text(&b, root, "result", report_result_name(report_result(report)));
    json_put(&b, root, "bugcheck",
             report->has_bugcheck ? bugcheck_json(&b, report, resolver) : json_null());
    for (uint32_t i = 0; i < report->finding_count; i++) {
        json_append_to(&b, findings, finding_json(&b, &report->findings[i], resolver));
    }
    json_put(&b, root, "findings", findings);
    json_put_number(&b, root, "findings_dropped", report->findings_dropped);
    json_put(&b, root, "counters", counters_json(&b, &report->counters));
    json_put(&b, root, "sections", sections_json(&b, report));
    json_put_text(&b, root, "ended", outcome_name(report));
    json_put_text(&b, root, "reason", report->end.reason[0] != '\0' ? report->end.reason : NULL);
    return json_finish(&b, root, out, JSON_INDENT(2));
}

pg_status report_event_json(FILE *out, const struct event *event)
{
    const struct event_text *text = event_text(event->kind);
    struct json_build b = {false};
    json_t *root;

    if (text == NULL) {
        return PG_E_FORMAT;
    }
    root = json_new_object(&b);
    json_put_number(&b, root, "time", event->time);
    json_put_text(&b, root, "event", text->name);
    json_put_number(&b, root, "irql", event->irql);
    for (unsigned i = 0; i < 3; i++) {
        if (text->values[i] != NULL) {
            /* Small ones are counts and indexes, the others addresses and handles. */
            json_put(&b, root, text->values[i],
                     event->value[i] < 0x100000000u ? json_integer((json_int_t)event->value[i])
                                                    : json_hex(event->value[i]));
        }
    }
    return json_finish(&b, root, out, JSON_COMPACT);
}
