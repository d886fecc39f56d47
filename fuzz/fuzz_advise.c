/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a driver: looked at by the advisor, and printed in every form.  DWARF is hidden from
 * it: that is read in a process of its own, and a fork for each input costs all speed.
 */
#include <stdlib.h>

#include "advise/advise.h"
#include "base/assert.h"
#include "image/image.h"
#include "report/advice.h"
#include "symbols/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct advice *advice)
{
    struct advice_style style = {true, false, NULL};
    FILE *out = fopen("/dev/null", "w");

    PG_ASSERT(out != NULL);
    report_advice_text(out, advice, &style);
    PG_ASSERT(report_advice_json(out, advice, true) == PG_OK);
    PG_ASSERT(report_sarif_results(out, advice, NULL) == PG_OK);
    (void)fclose(out);
}

/* What holds for advice on any image. */
static void check(const struct advice *advice, const struct image *image)
{
    PG_ASSERT(advice->coverage.bytes_decoded <= advice->coverage.bytes_executable);
    PG_ASSERT(advice->coverage.calls_unresolved <= advice->coverage.calls);
    PG_ASSERT(advice->coverage.functions_incomplete <= advice->coverage.functions);
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        PG_ASSERT(advice->findings[i].place.rva < image->image_size);
    }
    for (uint32_t i = 0; i < advice->saving_count; i++) {
        PG_ASSERT(advice->savings[i].bytes <= image->image_size);
        PG_ASSERT(advice->savings[i].pages <= image->image_size / 4096);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct advise_options options = {.rules = RULE_SET_ALL, .small = true, .paging_path = true};
    struct symbols *symbols;
    struct image_error error;
    struct advice *advice;
    struct image image;

    if (image_open(data, size, &image, &error) != PG_OK) {
        return 0;
    }
    image.symbol_table_offset = 0; /* its sections have long names, which lie there */
    if (symbols_open(NULL, &image, &symbols) != PG_OK) {
        return 0;
    }
    if (advise_image("fuzz.sys", &image, symbols, &options, &advice) == PG_OK) {
        check(advice, &image);
        print(advice);
        advice_close(advice);
    }
    symbols_close(symbols);
    return 0;
}
