/* SPDX-License-Identifier: MIT */
/* Any bytes as a trace: refused with a line and a reason, or drawn. */
#include <stdint.h>
#include <stdlib.h>

#include "report/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void draw(pg_status (*how)(FILE *out, const struct picture *picture),
                 const struct picture *picture)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    if (out != NULL) {
        (void)how(out, picture);
        (void)fclose(out);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct picture *picture = NULL;
    struct stream_error error;
    FILE *in = size > 0 ? fmemopen((void *)data, size, "r") : NULL;

    if (in == NULL) {
        return 0;
    }
    if (picture_read(in, &picture, &error) == PG_OK) {
        draw(picture_html, picture);
        draw(picture_figure, picture);
        draw(picture_text, picture);
        picture_free(picture);
    }
    (void)fclose(in);
    return 0;
}
