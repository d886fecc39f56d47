/* SPDX-License-Identifier: MIT */
/* Advice on one file: read, looked at, printed into memory. */
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "cli/advise.h"
#include "source/source.h"

static void no_memory(struct answer *answer)
{
    answer->code = EXIT_OURS;
    answer->why = strdup(pg_status_text(PG_E_NO_MEMORY));
}

/* ---- looking ---- */

static void refuse(struct answer *answer, int code, const struct input_failure *failure)
{
    answer->code = code;
    answer->why = strdup(failure->why);
    answer->hint = failure->hint;
}

/* NULL: the answer says why. */
static struct advice *look_at_source(const struct advise_plan *plan, const char *path,
                                     struct answer *answer)
{
    struct source_options options = {.rules = plan->options.rules};
    struct advice *advice = NULL;
    struct input_failure failure;
    char *text;
    size_t bytes;
    int code = source_read(path, &text, &bytes, &failure);

    if (code != EXIT_CLEAN) {
        refuse(answer, code, &failure);
        return NULL;
    }
    if (source_advise(path, text, bytes, &options, &advice) != PG_OK) {
        no_memory(answer);
    }
    host.release(text);
    return advice;
}

static struct advice *look_at_image(const struct advise_plan *plan, const char *path,
                                    struct answer *answer)
{
    struct advice *advice = NULL;
    struct input_failure failure;
    struct input input;
    int code = input_read(path, &input, &failure);

    if (code != EXIT_CLEAN) {
        refuse(answer, code, &failure);
        return NULL;
    }
    if (input_symbols(&input) == NULL ||
        advise_image(path, &input.image, input.symbols, &plan->options, &advice) != PG_OK) {
        no_memory(answer);
    }
    input_close(&input);
    return advice;
}

/* ---- printing ---- */

/* The pragmas of a file, with its name where there are several. */
static void print_pragmas(FILE *out, const struct advise_plan *plan, const struct advice *advice)
{
    if (plan->several && advice->alloc_text[0] != '\0') {
        fprintf(out, "// %s\n", advice->file);
    }
    fputs(advice->alloc_text, out);
}

static pg_status print(FILE *out, const struct advise_plan *plan, const struct advice *advice,
                       struct snippets *snippets)
{
    struct advice_style style = {plan->colour, plan->quiet, snippets};

    switch (plan->format) {
    case ADVISE_TEXT:
        report_advice_text(out, advice, &style);
        if (plan->several && !plan->quiet) {
            fputc('\n', out);
        }
        break;
    case ADVISE_JSON:
    case ADVISE_JSONL:
        return report_advice_json(out, advice, plan->format == ADVISE_JSONL);
    case ADVISE_SARIF:
        return report_sarif_results(out, advice, snippets);
    case ADVISE_PRAGMAS:
        print_pragmas(out, plan, advice);
        break;
    }
    return PG_OK;
}

/* Into answer->output. */
static bool print_to_memory(const struct advise_plan *plan, const struct advice *advice,
                            struct snippets *snippets, struct answer *answer)
{
    FILE *out = open_memstream(&answer->output, &answer->bytes);
    pg_status status;

    if (out == NULL) {
        return false;
    }
    status = print(out, plan, advice, snippets);
    if (fclose(out) != 0 || status != PG_OK) {
        free(answer->output);
        answer->output = NULL;
        return false;
    }
    return true;
}

static bool fails(const struct advise_plan *plan, const struct advice *advice)
{
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        if (advice->findings[i].severity != FINDING_NOTE &&
            advice->findings[i].verdict <= plan->fail_on) {
            return true;
        }
    }
    return false;
}

static void join(const struct observed *observed, const char *path, struct advice *advice,
                 struct answer *answer)
{
    uint32_t alone = observed_join(observed, base_name(path), advice);

    if (alone != 0 && asprintf(&answer->why, "the run found %u thing%s that %s seen here", alone,
                               alone == 1 ? "" : "s", alone == 1 ? "is not" : "are not") < 0) {
        answer->why = NULL;
    }
}

void advise_file(const struct advise_plan *plan, const char *path, struct answer *answer)
{
    struct snippets *snippets = snippets_open(plan->here, path);
    struct advice *advice;

    if (snippets == NULL) {
        no_memory(answer);
        return;
    }
    advice = source_language(path) != SOURCE_NONE ? look_at_source(plan, path, answer)
                                                  : look_at_image(plan, path, answer);
    if (advice != NULL) {
        if (plan->observed != NULL) {
            join(plan->observed, path, advice, answer);
        }
        answer->code = fails(plan, advice) ? EXIT_FOUND : EXIT_CLEAN;
        if (!print_to_memory(plan, advice, snippets, answer)) {
            no_memory(answer);
        }
        advice_close(advice);
    }
    snippets_close(snippets);
}
