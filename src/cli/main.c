/* SPDX-License-Identifier: MIT */
/* The program `pagable`: picks the sub-command. */
#include <argp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/*
 * In a sanitizer build, found defects end with the exit code for our defects, and the sanitizer
 * leaves SIGSEGV and the alternate stack to the computer, which pages by them.
 */
#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__asan_default_options(void)
{
    return "exitcode=4:handle_segv=0:allow_user_segv_handler=1:use_sigaltstack=0";
}

const char *__ubsan_default_options(void)
{
    return "exitcode=4";
}
#endif

static const struct command {
    const char *name, *summary;
    char *title; /* argv[0] of the sub-command: what its messages begin with */
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "run drivers with their PAGE sections really paged, and check every rule",
     (char[]){"pagable run"}, cmd_run},
    {"report", "draw a trace again: as a page, a figure or text", (char[]){"pagable report"},
     cmd_report},
    {"advise", "look at drivers without running them: what may not be pageable, and what could be",
     (char[]){"pagable advise"}, cmd_advise},
    {"isolate", "move what holds a spin lock out of pageable routines of a C source",
     (char[]){"pagable isolate"}, cmd_isolate},
    {"info", "show sections, functions and imports of a driver", (char[]){"pagable info"},
     cmd_info},
    {"explain", "tell about a rule: where it is documented, why, what to do",
     (char[]){"pagable explain"}, cmd_explain},
};

#define COMMAND_COUNT (sizeof commands / sizeof *commands)

static void print_help(FILE *out)
{
    fputs("Usage: pagable COMMAND [OPTION...] FILE...\n"
          "Run unmodified x64 Windows drivers with their PAGE sections really paged,\n"
          "and tell what of them may be pageable.\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\n"
          "  -?, --help     print this help; `pagable COMMAND --help` tells about a command\n"
          "  -V, --version  print the version\n\n"
          "Exit status: 0 clean, 1 findings or a bug check, 2 wrong usage, 3 input that cannot be\n"
          "read or is not supported, 4 a defect of pagable or of the host.\n",
          out);
}

static int wrong_usage(const char *what, const char *word)
{
    fprintf(stderr, "pagable: %s%s%s\nTry `pagable --help' for more information.\n", what,
            word != NULL ? " " : "", word != NULL ? word : "");
    return EXIT_USAGE;
}

/* A standard stream that was closed would be given to the next file that is opened.  What is put in
 * its place fails as the closed one would. */
static void fill_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    fill_standard_streams();
    argp_err_exit_status = EXIT_USAGE;
    argp_program_version = PAGABLE_VERSION;
    if (word == NULL) {
        return wrong_usage("no command given", NULL);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        print_help(stdout);
        return finish_output(EXIT_CLEAN);
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        puts(PAGABLE_VERSION);
        return finish_output(EXIT_CLEAN);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(word, commands[i].name) == 0) {
            argv[1] = commands[i].title;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return wrong_usage(word[0] == '-' ? "unknown option" : "unknown command", word);
}
