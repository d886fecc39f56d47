/* SPDX-License-Identifier: MIT */
/*
 * `pagable isolate --check`: the text before and after, compiled, linked, and looked at by the
 * advisor.
 *
 * One source seldom makes a driver.  What it takes from other sources is linked as if it came from
 * the system: an import library is made of every name that the object leaves open.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "advise/advise.h"
#include "base/host.h"
#include "cli/cli.h"
#include "cli/isolate_check.h"

#define LOG_MAX   ((size_t)1 << 20)
#define NOT_THERE 127 /* exit status of scratch_run and of the shell */

static const char nm[] = "llvm-nm" PAGABLE_LLVM_SUFFIX;
static const char dlltool[] = "llvm-dlltool" PAGABLE_LLVM_SUFFIX;
static const char linker[] = "lld-link" PAGABLE_LLVM_SUFFIX;

struct check {
    const struct isolate_check *what;
    struct scratch scratch;
    const char *which; /* "before" or "after": file names begin with it */
};

static void name_of(const struct check *c, const char *extension, char name[64])
{
    (void)snprintf(name, 64, "%s%s", c->which, extension);
}

static int read_scratch(const struct check *c, const char *name, size_t limit, char **text,
                        size_t *bytes)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", c->scratch.path, name);
    return read_file(path, limit, text, bytes);
}

/* The begin of a log, released by the caller; NULL: there is none. */
static char *read_log(const struct check *c, const char *log)
{
    char path[512], *text = host.allocate(LOG_MAX + 1);
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", c->scratch.path, log);
    fd = text != NULL ? host.open_read(path) : -1;
    if (fd < 0 || host.read_at(fd, text, LOG_MAX, 0) <= 0) {
        host.release(text);
        text = NULL;
    }
    if (fd >= 0) {
        host.close(fd);
    }
    return text;
}

/* The first line that a program printed about an error, or else its first line. */
static const char *line_of_error(const char *text)
{
    const char *line = strstr(text, "error:");

    while (line != NULL && line > text && line[-1] != '\n') {
        line--;
    }
    return line != NULL ? line : text;
}

static void complain_of_log(const struct check *c, const char *log, int status, const char *program,
                            const char *what)
{
    static const char hint[] = "give the command that compiles this file with --cc";
    char *text = read_log(c, log);

    if (text != NULL) {
        const char *line = line_of_error(text);

        complain(hint, "%s: --check: %s of the text %s failed: %.*s", c->what->file, what, c->which,
                 (int)strcspn(line, "\n"), line);
    } else if (status == NOT_THERE) {
        complain("--check needs clang and the LLVM tools", "%s: --check: %s: %s", c->what->file,
                 program, strerror(ENOENT));
    } else {
        complain(hint,
                 "%s: --check: %s of the text %s failed: it exited with %d and printed nothing",
                 c->what->file, what, c->which, status);
    }
    host.release(text);
}

static int run(const struct check *c, const char *const *arguments, const char *what)
{
    char log[64];
    int status;

    name_of(c, ".log", log);
    status = scratch_run(&c->scratch, arguments, log);
    if (status < 0) {
        complain(NULL, "%s: --check: %s: %s", c->what->file, arguments[0], strerror(-status));
        return EXIT_OURS;
    }
    if (status > 0) {
        complain_of_log(c, log, status, arguments[0], what);
        return EXIT_INPUT;
    }
    return EXIT_CLEAN;
}

static int compile(const struct check *c)
{
    static const char built_in[] =
        "clang" PAGABLE_LLVM_SUFFIX
        " --target=x86_64-w64-mingw32 -std=gnu11 -O2 -w -fms-extensions "
        "-Xclang -fasync-exceptions -ffreestanding -fasynchronous-unwind-tables "
        "-fno-stack-protector -mno-stack-arg-probe -DALLOC_PRAGMA=1 "
        "'-DFORCEINLINE=static __inline __attribute__((always_inline))' "
        "-D__INTRINSIC_DEFINED_InterlockedBitTestAndSet "
        "-D__INTRINSIC_DEFINED_InterlockedBitTestAndReset "
        "-isystem " PAGABLE_DDK_INCLUDE "/ddk -isystem " PAGABLE_DDK_INCLUDE;
    char script[8192], source[64], object[64];
    const char *arguments[] = {"sh", "-c", script, "sh", c->what->folder, source, object, NULL};

    name_of(c, strrchr(c->what->file, '.') != NULL ? strrchr(c->what->file, '.') : ".c", source);
    name_of(c, ".obj", object);
    if ((size_t)snprintf(script, sizeof script, "%s -I \"$1\" -c \"$2\" -o \"$3\"",
                         c->what->command != NULL ? c->what->command : built_in) >= sizeof script) {
        complain(NULL, "--cc: the command is too long");
        return EXIT_USAGE;
    }
    return run(c, arguments, "compiling");
}

/* Names that the object leaves open, as a module definition; the routine to enter by. */
static int define_imports(const struct check *c, char entry[256])
{
    static const char imported[] = "__imp_";
    char *names = NULL, definition[64], *save = NULL;
    struct {
        char *text;
        size_t bytes;
    } out = {NULL, 0};
    FILE *stream = open_memstream(&out.text, &out.bytes);
    size_t bytes;
    char log[64];
    int error;

    name_of(c, ".log", log);
    name_of(c, ".def", definition);
    error = stream == NULL ? -ENOMEM : read_scratch(c, log, LOG_MAX, &names, &bytes);
    if (error == 0) {
        fputs("LIBRARY ntoskrnl.exe\nEXPORTS\n", stream);
    }
    for (char *line = error == 0 ? strtok_r(names, "\n", &save) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char name[256], type = '\0';

        if (sscanf(line, "%255s %c", name, &type) != 2) {
            continue;
        }
        if (type == 'T' && (entry[0] == '\0' || strcmp(name, "DriverEntry") == 0)) {
            memcpy(entry, name, sizeof name);
        } else if (type == 'U') {
            bool import = strncmp(name, imported, sizeof imported - 1) == 0;

            fprintf(stream, "%s\n", import ? name + sizeof imported - 1 : name);
        }
    }
    host.release(names);
    if (stream != NULL && fclose(stream) != 0) {
        error = -ENOMEM;
    }
    error = error != 0 ? error : scratch_write(&c->scratch, definition, out.text, out.bytes);
    free(out.text);
    if (error != 0) {
        complain(NULL, "%s: --check: %s", c->what->file, strerror(-error));
        return EXIT_OURS;
    }
    return EXIT_CLEAN;
}

static int link_image(const struct check *c)
{
    char object[64], definition[64], library[64], image[64], out[80], entry[256] = "", start[300];
    const char *names[] = {nm, "-P", "-g", object, NULL};
    const char *import[] = {dlltool, "-m", "i386:x86-64", "-d", definition, "-l", library, NULL};
    const char *link[] = {linker,
                          "/driver",
                          "/subsystem:native",
                          "/machine:x64",
                          "/nodefaultlib",
                          "/debug:dwarf",
                          "/opt:noref",
                          "/opt:noicf",
                          start,
                          out,
                          object,
                          library,
                          NULL};
    int code;

    name_of(c, ".obj", object);
    name_of(c, ".def", definition);
    name_of(c, ".lib", library);
    name_of(c, ".sys", image);
    (void)snprintf(out, sizeof out, "/out:%s", image);
    code = run(c, names, "reading the names");
    code = code == EXIT_CLEAN ? define_imports(c, entry) : code;
    if (code == EXIT_CLEAN && entry[0] == '\0') {
        complain(NULL, "%s: --check: no routine that is not static: nothing to link",
                 c->what->file);
        code = EXIT_INPUT;
    }
    (void)snprintf(start, sizeof start, "/entry:%s", entry);
    code = code == EXIT_CLEAN ? run(c, import, "making an import library") : code;
    return code == EXIT_CLEAN ? run(c, link, "linking") : code;
}

/* What the rewrite is about; other rules see the same before and after. */
static bool is_about_irql(enum rule rule)
{
    return rule == RULE_SPIN_LOCK_IN_PAGEABLE || rule == RULE_RAISE_IN_PAGEABLE ||
           rule == RULE_PAGEABLE_AT_RAISED_IRQL;
}

static void count_bytes(const struct image *image, struct isolate_image *out)
{
    for (uint32_t i = 0; i < image->section_count; i++) {
        const struct image_section *s = &image->sections[i];

        if (!s->executable) {
            continue;
        }
        if (s->class == PG_PAGEABLE) {
            out->pageable_bytes += s->virtual_size;
        } else if (s->class == PG_RESIDENT) {
            out->resident_bytes += s->virtual_size;
        }
    }
}

static int look(const struct check *c, struct isolate_image *out)
{
    struct advise_options options = {.rules = RULE_SET_ALL};
    struct advice *advice = NULL;
    struct input input;
    char image[64], path[512];
    int code;

    name_of(c, ".sys", image);
    (void)snprintf(path, sizeof path, "%s/%s", c->scratch.path, image);
    code = input_open(path, &input);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (input_symbols(&input) == NULL ||
        advise_image(path, &input.image, input.symbols, &options, &advice) != PG_OK) {
        complain(NULL, "%s", pg_status_text(PG_E_NO_MEMORY));
        input_close(&input);
        return EXIT_OURS;
    }
    count_bytes(&input.image, out);
    for (uint32_t i = 0; i < advice->finding_count; i++) {
        out->violations += is_about_irql(advice->findings[i].rule);
    }
    advice_close(advice);
    input_close(&input);
    return EXIT_CLEAN;
}

static int check_one(struct check *c, const char *which, const char *text, size_t bytes,
                     struct isolate_image *out)
{
    char source[64];
    int code, error;

    c->which = which;
    name_of(c, strrchr(c->what->file, '.') != NULL ? strrchr(c->what->file, '.') : ".c", source);
    error = scratch_write(&c->scratch, source, text, bytes);
    if (error != 0) {
        complain(NULL, "%s: --check: %s", c->what->file, strerror(-error));
        return EXIT_OURS;
    }
    code = compile(c);
    code = code == EXIT_CLEAN ? link_image(c) : code;
    return code == EXIT_CLEAN ? look(c, out) : code;
}

int isolate_check(const struct isolate_check *what, struct isolate_image *before,
                  struct isolate_image *after)
{
    struct check c = {.what = what};
    int code = scratch_open(&c.scratch);

    if (code != 0) {
        complain("set TMPDIR to a folder that can be written to", "--check: %s", strerror(-code));
        return EXIT_OURS;
    }
    code = check_one(&c, "before", what->old_text, what->old_bytes, before);
    if (code == EXIT_CLEAN) {
        code = check_one(&c, "after", what->new_text, what->new_bytes, after);
    }
    scratch_close(&c.scratch);
    return code;
}
