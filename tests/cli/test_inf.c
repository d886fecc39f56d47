/* SPDX-License-Identifier: MIT */
/* What is read of an INF file: the ids of its models, whatever else the file is. */
#include "cli/inf.h"
#include "support/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct inf_ids read_bytes(const void *bytes, size_t size)
{
    struct inf_ids ids;
    char *text = malloc(size + 1);

    ck_assert_ptr_nonnull(text);
    inf_read(bytes, size, text, &ids);
    free(text);
    return ids;
}

/* The ids with commas between them. */
static const char *joined(const struct inf_ids *ids)
{
    static char out[INF_IDS_MAX];
    size_t at = 0;

    out[0] = '\0';
    for (const char *id = ids->list; *id != '\0'; id += strlen(id) + 1) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s", at > 0 ? "," : "", id);
    }
    return out;
}

static const char *read_text(const char *text)
{
    const struct inf_ids ids = read_bytes(text, strlen(text));

    ck_assert((ids.why == NULL) == (ids.count > 0));
    return joined(&ids);
}

#define USUAL "[Manufacturer]\n%M% = Models, NTamd64\n[Models.NTamd64]\n"

static const struct {
    const char *text, *ids;
} files[] = {
    {USUAL "%D% = Install, ACPI\\PNP0501\n", "ACPI\\PNP0501"},
    {USUAL "%D%=I,A,B,C\n%E%=J,D\n", "A,B,C,D"},
    {USUAL "%D%=I,A,a,A\n", "A"},
    {USUAL "%D% = Install\n", ""},
    {USUAL "\"quoted = name, here\" = Install, A ; comment, B\n", "A"},
    {USUAL "%D%=I,\"A\"\n%E%=I,\"B;C\"\n", "A,B;C"},
    {USUAL "%D%=I, \\\n  A, \\\r\n  B\n", "A,B"},
    {USUAL "%D%=I,A \\ ; goes on\n,B\n", "A,B"},
    {USUAL "%D%=I,A B\n", ""}, /* an id has no blanks */
    {USUAL "%D%=I,,A,,\n", "A"},
    {USUAL "D = I, A\r\rE = J, B\r", "A,B"},
    {"[manufacturer]\nx=MODELS,ntAMD64\n[models.NTAMD64]\nx=I,A", "A"},
    {"[ Manufacturer ]\nx=M\n[M ]\nx=I,A", "A"},
    {"[Manufacturer]\nM\n[M]\nx=I,A\n", "A"},
    {"[Manufacturer]\nx=M,NTx86,NTia64\n[M]\nx=I,A\n[M.NTx86]\nx=I,B\n", "A"},
    {"[Manufacturer]\nx=M,NT,NTx86\n[M]\nx=I,A\n[M.NT]\nx=I,B\n", "B"},
    {"[Manufacturer]\nx=M,NT,NTamd64.6.1,NTamd64...0x3\n[M.NT]\nx=I,A\n[M.NTamd64.6.1]\nx=I,B\n"
     "[M.NTamd64...0x3]\nx=I,C\n",
     "B,C"},
    {"[Manufacturer]\nx=M\ny=N\n[M]\nx=I,A\n[N]\nx=I,B\n[M]\nx=I,C\n", "A,C,B"},
    {"[Manufacturer]\nx=%Models%\n[Strings]\nModels=\"Real\"\nId=ACPI\\X\n[Real]\nx=I,%id%,A%%B\n",
     "ACPI\\X,A%B"},
    {"[Manufacturer]\nx=M\n[M]\nx=I,%Missing%,%\n", "%Missing%,%"},
    {"[Manufacturer]\nx=M\n[Strings]\nQ=\"a\"\"b\"\n[M]\nx=I,%Q%\n", "a\"b"},
    {"[Manufacturer]\n[M]\nx=I,A\n", ""},
    {"[Manufacturer", ""},
    {"", ""},
    {"[Models]\nx=I,A\n", ""},
};

START_TEST(ids_of_models)
{
    ck_assert_str_eq(read_text(files[_i].text), files[_i].ids);
}
END_TEST

START_TEST(why_there_is_none)
{
    ck_assert_str_eq(read_bytes("x", 1).why, "it has no [Manufacturer] section");
    ck_assert_str_eq(read_bytes("[Manufacturer]\nx=M\n", 19).why,
                     "no model of it for x64 has a hardware id");
    ck_assert_str_eq(read_bytes(NULL, 0).why, "it has no [Manufacturer] section");
}
END_TEST

/* ---- encodings ---- */

static size_t encode(const char *text, int little, uint8_t *out)
{
    size_t count = 0;

    out[count++] = little ? 0xff : 0xfe;
    out[count++] = little ? 0xfe : 0xff;
    for (; *text != '\0'; text++) {
        out[count++] = little ? (uint8_t)*text : 0;
        out[count++] = little ? 0 : (uint8_t)*text;
    }
    return count;
}

START_TEST(encodings)
{
    static const char utf8[] = "\xef\xbb\xbf[Manufacturer]\nx=M\n[M]\n\xc3\xa4=I,A,\xc3\xa4\n";
    uint8_t wide[512];
    struct inf_ids ids = read_bytes(utf8, sizeof utf8 - 1);

    ck_assert_str_eq(joined(&ids), "A,??"); /* two bytes; no device has such an id */
    for (int little = 0; little < 2; little++) {
        size_t size = encode(files[0].text, little, wide);

        ids = read_bytes(wide, size);
        ck_assert_str_eq(joined(&ids), "ACPI\\PNP0501");
        ids = read_bytes(wide, size + 1); /* half a character at the end */
        ck_assert_str_eq(joined(&ids), "ACPI\\PNP0501");
    }
}
END_TEST

/* ---- limits ---- */

START_TEST(long_ids_are_no_ids)
{
    char text[1024];
    char id[INF_ID_MAX + 2];

    memset(id, 'A', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    (void)snprintf(text, sizeof text, "%sx=I,%s,B\n", USUAL, id);
    ck_assert_str_eq(read_text(text), "B");
    id[sizeof id - 2] = '\0';
    (void)snprintf(text, sizeof text, "%sx=I,%s,B\n", USUAL, id);
    ck_assert_uint_eq(strlen(read_text(text)), INF_ID_MAX + 2);
}
END_TEST

START_TEST(more_than_fits)
{
    size_t size = 1u << 18, at;
    char *text = malloc(size);
    struct inf_ids ids;
    unsigned count = 0;

    ck_assert_ptr_nonnull(text);
    at = (size_t)snprintf(text, size, "%s", USUAL);
    while (at + 64 < size) {
        at += (size_t)snprintf(text + at, size - at, "%%D%%=I,%%X%u%%,ID%u\n", count, count);
        count++;
    }
    ids = read_bytes(text, at);
    ck_assert_uint_gt(ids.count, 100);
    ck_assert_uint_lt(ids.count, count);
    ck_assert_uint_eq((uint8_t)ids.list[INF_IDS_MAX - 1], 0);
    free(text);
}
END_TEST

/* ---- any bytes ---- */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Every id is printable, fits, and the list ends where it says. */
static void check(const struct inf_ids *ids)
{
    unsigned count = 0;

    for (const char *id = ids->list; *id != '\0'; id += strlen(id) + 1) {
        ck_assert_uint_le(strlen(id), INF_ID_MAX);
        ck_assert_ptr_null(strpbrk(id, " \t,\r\n"));
        ck_assert(id < ids->list + INF_IDS_MAX);
        count++;
    }
    ck_assert_uint_eq(count, ids->count);
    ck_assert((ids->why == NULL) == (count > 0));
}

START_TEST(random_bytes)
{
    static const char *const pieces[] = {"[Manufacturer]",
                                         "[M.NTamd64]",
                                         "[Strings]",
                                         "\n",
                                         "\r\n",
                                         "x=M,NTamd64\n",
                                         "x=I,A,B\n",
                                         "%",
                                         "\"",
                                         "\\",
                                         "\\\n",
                                         ";",
                                         ",",
                                         "=",
                                         "[",
                                         "]",
                                         "NTamd64",
                                         "M = b",
                                         " ",
                                         "\xff\xfe",
                                         "%M%"};
    uint32_t state = (uint32_t)_i * 2654435761u + 1;
    uint8_t bytes[2048];
    struct inf_ids ids;

    for (unsigned round = 0; round < 200; round++) {
        size_t size = 0;

        while (size + 32 < sizeof bytes && next_random(&state) % 100 != 0) {
            const char *piece = pieces[next_random(&state) % (sizeof pieces / sizeof *pieces)];

            if (next_random(&state) % 4 == 0) {
                bytes[size++] = (uint8_t)next_random(&state);
            } else {
                memcpy(&bytes[size], piece, strlen(piece));
                size += strlen(piece);
            }
        }
        ids = read_bytes(bytes, size);
        check(&ids);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inf");
    TCase *tests = tcase_create("inf");

    tcase_add_loop_test(tests, ids_of_models, 0, sizeof files / sizeof *files);
    tcase_add_test(tests, why_there_is_none);
    tcase_add_test(tests, encodings);
    tcase_add_test(tests, long_ids_are_no_ids);
    tcase_add_test(tests, more_than_fits);
    tcase_add_loop_test(tests, random_bytes, 0, 20);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
