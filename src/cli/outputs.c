/* SPDX-License-Identifier: MIT */
/* Files that a run writes besides its result: the trace and the page. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

static int open_one(const char *option, const char *path, FILE **file)
{
    if (path == NULL) {
        return EXIT_CLEAN;
    }
    *file = fopen(path, "we");
    if (*file == NULL) {
        complain(NULL, "%s: %s: %s", option, path, strerror(errno));
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

static int close_one(const char *option, const char *path, FILE **file, int code)
{
    bool failed;

    if (*file == NULL) {
        return code;
    }
    failed = ferror(*file) != 0;
    failed = fclose(*file) != 0 || failed;
    *file = NULL;
    if (failed) {
        complain(NULL, "%s: %s: could not be written", option, path);
        return EXIT_OURS;
    }
    return code;
}

static int no_memory(void)
{
    complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
    return EXIT_OURS;
}

int outputs_open(struct outputs *outputs, const struct stream_header *header)
{
    int code = open_one("--trace", outputs->trace_path, &outputs->trace);

    if (code == EXIT_CLEAN) {
        code = open_one("--report", outputs->report_path, &outputs->report);
    }
    if (code == EXIT_CLEAN && (outputs->trace != NULL || outputs->report != NULL) &&
        stream_open(header, outputs->trace, &outputs->stream) != PG_OK) {
        code = no_memory();
    }
    return code;
}

int outputs_finish(struct outputs *outputs, const struct run_report *report,
                   const struct resolver *resolver)
{
    if (outputs->stream == NULL) {
        return EXIT_CLEAN;
    }
    if (stream_finish(outputs->stream, report, resolver) != PG_OK) {
        return no_memory();
    }
    if (outputs->report != NULL &&
        picture_html(outputs->report, stream_picture(outputs->stream)) == PG_E_NO_MEMORY) {
        return no_memory();
    }
    return EXIT_CLEAN;
}

const struct picture *outputs_picture(const struct outputs *outputs)
{
    return outputs->report != NULL ? stream_picture(outputs->stream) : NULL;
}

int outputs_close(struct outputs *outputs, int code)
{
    stream_close(outputs->stream);
    outputs->stream = NULL;
    code = close_one("--trace", outputs->trace_path, &outputs->trace, code);
    return close_one("--report", outputs->report_path, &outputs->report, code);
}
