/* SPDX-License-Identifier: MIT */
/* Private to report/: the parts of a page. */
#ifndef PAGABLE_REPORT_PAGE_H
#define PAGABLE_REPORT_PAGE_H

#include "report/figure.h"

/* page_result.c: verdict, numbers in short, findings, bug check. */
void page_result(FILE *out, const struct picture *picture);
/* page_tables.c: everything that figures show, in numbers. */
void page_categories(FILE *out, const struct picture *picture);
void page_sections(FILE *out, const struct picture *picture);
void page_sites(FILE *out, const struct picture *picture);
void page_moments(FILE *out, const struct plot *plot);
void page_marks(FILE *out, const struct picture *picture);
void page_counters(FILE *out, const struct picture *picture);
/* page_data.c: what the script shows under the pointer. */
void page_data(FILE *out, const struct plot *plot);

/* A string of a JSON object as text; `missing` when there is none. */
const char *page_string(const json_t *object, const char *key, const char *missing);

#endif
