/* SPDX-License-Identifier: MIT */
/*
 * Every function, and the line of every eighth byte of code, against LLVM's tools.
 *
 * llvm-symbolizer prints a frame for each routine that was inlined; the last one is the function
 * whose code it is, at the line of the call, which is what symbols_lookup promises.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "load.h"
#include "support/run.h"
#include "support/scratch.h"

#define LINE_ROOM 4096
#define STRIDE    8u

static const char *const images[] = {
    SAMPLES "/dwarf4.sys",
    SAMPLES "/dwarf5.sys",
    SAMPLES "/pdb.sys",
    SAMPLES "/coff.sys",
    PAGABLE_DRIVERS "/isolate_mixed.sys",
    PAGABLE_DRIVERS "/isolate_split.sys",
    PAGABLE_DRIVERS "/isolate_resident.sys",
    PAGABLE_DRIVERS "/sections.sys",
};
#define IMAGE_COUNT ((int)(sizeof(images) / sizeof(images[0])))

struct frame {
    char function[LINE_ROOM], file[LINE_ROOM];
    uint32_t line;
};

static void chomp(char *text)
{
    text[strcspn(text, "\r\n")] = '\0';
}

/* "path:line:column"; the path may hold colons. */
static void split_place(struct frame *frame)
{
    char *column = strrchr(frame->file, ':');
    char *line;

    ck_assert_ptr_nonnull(column);
    *column = '\0';
    line = strrchr(frame->file, ':');
    ck_assert_ptr_nonnull(line);
    *line = '\0';
    frame->line = (uint32_t)strtoul(line + 1, NULL, 10);
}

/* The last frame of the next answer; false at the end of them. */
static bool next_answer(FILE *in, struct frame *frame)
{
    char text[LINE_ROOM];
    bool any = false;

    while (fgets(text, sizeof(text), in) != NULL) {
        chomp(text);
        if (text[0] == '\0') {
            return true;
        }
        memcpy(frame->function, text, sizeof(text));
        ck_assert_ptr_nonnull(fgets(frame->file, sizeof(frame->file), in));
        chomp(frame->file);
        split_place(frame);
        any = true;
    }
    return any;
}

static FILE *ask(const char *format, const char *path, const char *extra)
{
    char command[2 * LINE_ROOM];
    FILE *in;

    ck_assert_int_lt(snprintf(command, sizeof(command), format, path, extra), sizeof(command));
    in = popen(command, "r");
    ck_assert_ptr_nonnull(in);
    return in;
}

static const char *base_of(const char *path)
{
    const char *base = path;

    for (; *path != '\0'; path++) {
        if (*path == '/' || *path == '\\') {
            base = path + 1;
        }
    }
    return base;
}

/* The oracle prints whole paths, with either separator. */
static bool same_file(const char *ours, const char *theirs)
{
    return ours != NULL && ours[0] != '/' && strcmp(base_of(ours), base_of(theirs)) == 0;
}

/* Two questions for each place: see agrees. */
static uint32_t ask_about(const struct loaded *loaded, FILE *questions)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < symbols_count(loaded->symbols); i++) {
        struct symbol_function f = symbols_at(loaded->symbols, i);

        for (uint32_t at = 0; at == 0 || at + 1 < f.size; at += STRIDE) {
            (void)fprintf(questions, "0x%x\n0x%x\n", f.rva + at, f.rva + at + 1);
            count++;
        }
    }
    return count;
}

/* A name that only .pdata gave is unknown to the oracle, which then names what lies before. */
static bool is_generated(const char *name)
{
    return strncmp(name, "sub_", 4) == 0 || strstr(name, ".cold") != NULL;
}

static bool same_function(const struct loaded *loaded, uint32_t rva, const char *theirs)
{
    struct symbol_function other;
    struct symbol_place place;

    ck_assert(symbols_lookup(loaded->symbols, rva, &place));
    return is_generated(place.function) || strcmp(place.function, theirs) == 0 ||
           (symbols_find(loaded->symbols, theirs, &other) && other.rva + place.offset == rva);
}

static bool same_line(const struct loaded *loaded, uint32_t rva, const struct frame *frame)
{
    struct symbol_place place;

    ck_assert(symbols_lookup(loaded->symbols, rva, &place));
    return frame->line == 0 || (place.line == frame->line && same_file(place.file, frame->file));
}

/*
 * Where a PDB has two rows at one rva the oracle takes the first one for that byte and the second
 * one for the bytes after it, though they are one instruction.  The byte after it decides then.
 */
static void agrees(const struct loaded *loaded, uint32_t rva, const struct frame frames[2])
{
    struct symbol_place at, after;

    ck_assert(symbols_lookup(loaded->symbols, rva, &at));
    ck_assert_msg(same_function(loaded, rva, frames[0].function), "%s: 0x%x is in %s, not %s",
                  loaded->path, rva, frames[0].function, at.function);
    if (!same_line(loaded, rva, &frames[0])) {
        ck_assert_msg(strcmp(symbols_kind(loaded->symbols), "pdb") == 0 &&
                          symbols_lookup(loaded->symbols, rva + 1, &after) &&
                          after.line == at.line && same_line(loaded, rva + 1, &frames[1]),
                      "%s: 0x%x (%s+0x%x) is %s:%u, not %s:%u", loaded->path, rva, at.function,
                      at.offset, frames[0].file, frames[0].line, at.file == NULL ? "?" : at.file,
                      at.line);
    }
}

START_TEST(symbolizer_agrees)
{
    static struct frame frames[2];
    char questions_path[256];
    struct loaded loaded;
    uint32_t asked, answered = 0, lines = 0;
    FILE *questions, *answers;
    char question[64], second[64];
    int fd;

    scratch_template(questions_path, sizeof questions_path, "pagable-questions");
    fd = mkstemp(questions_path);

    load(&loaded, images[_i]);
    check_sound(&loaded.image, loaded.symbols);
    questions = fdopen(fd, "w+");
    ck_assert_ptr_nonnull(questions);
    asked = ask_about(&loaded, questions);
    rewind(questions);
    answers = ask(SYMBOLIZER " --relative-address --no-demangle --functions=linkage "
                             "--no-debuginfod --obj=%s < %s",
                  loaded.path, questions_path);
    while (fgets(question, sizeof(question), questions) != NULL &&
           fgets(second, sizeof(second), questions) != NULL && next_answer(answers, &frames[0]) &&
           next_answer(answers, &frames[1])) {
        agrees(&loaded, (uint32_t)strtoul(question, NULL, 16), frames);
        lines += frames[0].line != 0;
        answered++;
    }
    ck_assert_int_eq(pclose(answers), 0);
    (void)fclose(questions);
    (void)unlink(questions_path);
    ck_assert_uint_gt(asked, 0);
    ck_assert_uint_eq(asked, answered);
    if (strcmp(symbols_kind(loaded.symbols), "coff") != 0) {
        ck_assert_uint_gt(lines, asked / 2);
    }
    unload(&loaded);
}
END_TEST

/* True when the function that begins at rva has this name, as its first or a second one. */
static bool begins_as(const struct loaded *loaded, uint32_t rva, const char *name)
{
    struct symbol_place place;
    struct symbol_function function;

    return symbols_lookup(loaded->symbols, rva, &place) && place.offset == 0 &&
           (strcmp(place.function, name) == 0 ||
            (symbols_find(loaded->symbols, name, &function) && function.rva == rva));
}

/* Nothing that llvm-nm lists as code is missing.  (Of an image with a PDB it lists nothing.) */
START_TEST(nm_lists_nothing_that_is_not_found)
{
    struct loaded loaded;
    char line[LINE_ROOM];
    uint32_t count = 0;
    FILE *in;

    load(&loaded, images[_i]);
    in = ask(NM " %s 2>%s", loaded.path, "/dev/null");
    while (fgets(line, sizeof(line), in) != NULL) {
        char type, name[LINE_ROOM];
        unsigned long long address;

        if (sscanf(line, "%llx %c %4095s", &address, &type, name) == 3 &&
            (type == 'T' || type == 't')) {
            uint32_t rva = (uint32_t)(address - loaded.image.preferred_base);

            ck_assert_msg(begins_as(&loaded, rva, name), "%s: %s at 0x%x", loaded.path, name, rva);
            count++;
        }
    }
    (void)pclose(in);
    if (strcmp(symbols_kind(loaded.symbols), "pdb") != 0) {
        ck_assert_uint_gt(count, 5);
    }
    unload(&loaded);
}
END_TEST

/* "S_GPROC32 [size = 52] `name`" and below it "addr = 0001:0048, code size = 28" (decimal). */
static bool next_procedure(FILE *in, char name[LINE_ROOM], uint32_t *segment, uint32_t *offset,
                           uint32_t *size)
{
    char line[LINE_ROOM];
    bool in_procedure = false;

    while (fgets(line, sizeof(line), in) != NULL) {
        char *at = strstr(line, "addr = ");

        if (strstr(line, "PROC32 [size") != NULL) {
            char *from = strchr(line, '`'), *to = strrchr(line, '`');

            ck_assert(from != NULL && to > from);
            *to = '\0';
            (void)snprintf(name, LINE_ROOM, "%s", from + 1);
            in_procedure = true;
        } else if (in_procedure && at != NULL &&
                   sscanf(at, "addr = %u:%u, code size = %u", segment, offset, size) == 3) {
            return true;
        }
    }
    return false;
}

START_TEST(pdbutil_lists_nothing_that_is_not_found)
{
    struct loaded loaded;
    char pdb[LINE_ROOM], name[LINE_ROOM];
    uint32_t segment, offset, size, count = 0;
    FILE *in;

    load(&loaded, images[_i]);
    if (strcmp(symbols_kind(loaded.symbols), "pdb") == 0) {
        (void)snprintf(pdb, sizeof(pdb), "%.*s.pdb", (int)strlen(loaded.path) - 4, loaded.path);
        in = ask(PDBUTIL " dump -symbols %s 2>%s", pdb, "/dev/null");
        while (next_procedure(in, name, &segment, &offset, &size)) {
            uint32_t rva = loaded.image.sections[segment - 1].rva + offset;
            struct symbol_place place;

            ck_assert_msg(begins_as(&loaded, rva, name), "%s: %s at 0x%x", loaded.path, name, rva);
            ck_assert(symbols_lookup(loaded.symbols, rva + size - 1, &place));
            ck_assert_uint_eq(place.offset, size - 1);
            count++;
        }
        (void)pclose(in);
        ck_assert_uint_gt(count, 5);
    }
    unload(&loaded);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("symbols against LLVM");
    TCase *oracle = tcase_create("oracle");

    tcase_set_timeout(oracle, 120);
    tcase_add_loop_test(oracle, symbolizer_agrees, 0, IMAGE_COUNT);
    tcase_add_loop_test(oracle, nm_lists_nothing_that_is_not_found, 0, IMAGE_COUNT);
    tcase_add_loop_test(oracle, pdbutil_lists_nothing_that_is_not_found, 0, IMAGE_COUNT);
    suite_add_tcase(suite, oracle);
    return run_suite(suite);
}
