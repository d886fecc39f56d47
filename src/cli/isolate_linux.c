/* SPDX-License-Identifier: MIT */
/* Files and programs for `pagable isolate`: replacing a source, a scratch folder, a compiler. */
#include "cli/isolate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <stdint.h>
#include <unistd.h>

#define PATH_BYTES 4200u

static int write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, text, bytes);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        text += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The temporary file lies in the folder of the real one (not of a link to it), so that the rename
 * stays in one file system; it gets the permissions of what it replaces. */
int replace_file(const char *path, const char *text, size_t bytes)
{
    char temporary[PATH_BYTES], *real = realpath(path, NULL);
    struct stat st;
    int fd, error = 0;

    if (real == NULL || stat(real, &st) != 0) {
        error = -errno;
        free(real);
        return error;
    }
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", real) >= sizeof temporary) {
        free(real);
        return -ENAMETOOLONG;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        error = -errno;
        free(real);
        return error;
    }
    error = write_all(fd, text, bytes);
    if (error == 0 && (fchmod(fd, st.st_mode & 07777) != 0 || fsync(fd) != 0)) {
        error = -errno;
    }
    close(fd);
    if (error == 0 && rename(temporary, real) != 0) {
        error = -errno;
    }
    if (error != 0) {
        (void)unlink(temporary);
    }
    free(real);
    return error;
}

int scratch_open(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");

    if ((size_t)snprintf(scratch->path, sizeof scratch->path, "%s/pagable-isolate-XXXXXX",
                         base != NULL && base[0] == '/' ? base : "/tmp") >= sizeof scratch->path) {
        return -ENAMETOOLONG;
    }
    return mkdtemp(scratch->path) != NULL ? 0 : -errno;
}

static void join(char path[PATH_BYTES], const struct scratch *scratch, const char *name)
{
    (void)snprintf(path, PATH_BYTES, "%s/%s", scratch->path, name);
}

void scratch_close(struct scratch *scratch)
{
    DIR *folder = opendir(scratch->path);
    struct dirent *entry;
    char path[PATH_BYTES];

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        join(path, scratch, entry->d_name);
        (void)unlink(path); /* "." and ".." are no files */
    }
    if (folder != NULL) {
        closedir(folder);
    }
    (void)rmdir(scratch->path);
}

int scratch_write(const struct scratch *scratch, const char *name, const char *text, size_t bytes)
{
    char path[PATH_BYTES];
    int fd, error;

    join(path, scratch, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    error = write_all(fd, text, bytes);
    close(fd);
    return error;
}

/* In the child. */
static _Noreturn void start(const struct scratch *scratch, const char *const *arguments,
                            const char *log)
{
    int nothing = open("/dev/null", O_RDONLY), out = -1;

    if (chdir(scratch->path) == 0) {
        out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    }
    if (nothing >= 0 && out >= 0 && dup2(nothing, 0) >= 0 && dup2(out, 1) >= 0 &&
        dup2(out, 2) >= 0) {
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    }
    _exit(127);
}

int scratch_run(const struct scratch *scratch, const char *const *arguments, const char *log)
{
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        start(scratch, arguments, log);
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    if (!WIFEXITED(status)) {
        return -ECANCELED;
    }
    return WEXITSTATUS(status);
}
