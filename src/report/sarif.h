/* SPDX-License-Identifier: MIT */
/* Private to report/: SARIF, with the limits of its readers. */
#ifndef PAGABLE_REPORT_SARIF_H
#define PAGABLE_REPORT_SARIF_H

#include "report/advice.h"
#include "report/json.h"

/* GitHub shows 5,000 results of a run and 1,000 steps of a path, takes texts of rules of up to
 * 1,024 characters, and a log of at most 10 MB compressed. */
#define SARIF_RESULTS_MAX 5000u
#define SARIF_STEPS_MAX   1000u
#define SARIF_TEXT_MAX    1024u
#define SARIF_BYTES_MAX   (64u << 20) /* of results; they compress at least tenfold */
#define SARIF_ERRORS_MAX  1000u
#define SARIF_URI_MAX     4096u

/* A path as a URI reference; returns `buffer`. */
const char *sarif_uri(char *buffer, size_t size, const char *path);
/* {"text": ...}, cut to SARIF_TEXT_MAX bytes between characters */
json_t *sarif_message(struct json_build *b, const char *text);

#endif
