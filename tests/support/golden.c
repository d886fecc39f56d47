/* SPDX-License-Identifier: MIT */
/* Comparing with and rewriting golden files. */
#include "support/golden.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t used = 0, room = 1 << 16;
    char *text = malloc(room);

    ck_assert_ptr_nonnull(text);
    if (file == NULL) {
        text[0] = '\0';
        return text;
    }
    for (;;) {
        size_t n = fread(&text[used], 1, room - used - 1, file);

        used += n;
        if (n == 0) {
            break;
        }
        if (used == room - 1) {
            room *= 2;
            text = realloc(text, room);
            ck_assert_ptr_nonnull(text);
        }
    }
    text[used] = '\0';
    (void)fclose(file);
    return text;
}

static void rewrite(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

void golden_check(const char *name, const char *text)
{
    char path[1024];
    char *expected;
    const char *a, *b = text;
    unsigned line = 1;

    (void)snprintf(path, sizeof path, "%s/%s", PAGABLE_SOURCE, name);
    if (getenv("PAGABLE_REBASE") != NULL) {
        rewrite(path, text);
        return;
    }
    expected = read_all(path);
    a = expected;
    for (; *a != '\0' && *a == *b; a++, b++) {
        line += *a == '\n';
    }
    if (*a != *b) {
        while (a > expected && a[-1] != '\n') {
            a--;
            b--;
        }
        ck_abort_msg("%s:%u: expected\n%.*s\ngot\n%.*s", name, line, (int)strcspn(a, "\n"), a,
                     (int)strcspn(b, "\n"), b);
    }
    free(expected);
}
