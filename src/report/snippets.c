/* SPDX-License-Identifier: MIT */
/* Lines of source for reports: one file at a time, from two folders only. */
#include "report/advice.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/host.h"

#define PATH_ROOM  4096u
#define FILE_BYTES (8u << 20)

struct snippets {
    /* Folders without a slash at their end ("" for "/"), and whether they are known: nothing lies
     * below one that is not. */
    char here[PATH_ROOM];   /* absolute */
    char beside[PATH_ROOM]; /* of what was looked at, "." for the current one */
    bool here_known, beside_known;
    char name[PATH_ROOM]; /* of the file that is kept, as places name it */
    char *text;           /* NULL: it cannot be had */
    size_t bytes;
    size_t offset; /* where line `line` of it starts: lines are mostly asked for in order */
    uint32_t line;
    char buffer[512];
};

/* False when it does not fit: it is left alone. */
static bool copy_path(char *to, const char *from, size_t length)
{
    while (length > 1 && from[length - 1] == '/') {
        length--;
    }
    if (length >= PATH_ROOM) {
        return false;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

struct snippets *snippets_open(const char *here, const char *looked_at)
{
    struct snippets *snippets = host.allocate(sizeof *snippets);
    const char *slash = strrchr(looked_at, '/');

    if (snippets == NULL) {
        return NULL;
    }
    snippets->here_known = here[0] == '/' && copy_path(snippets->here, here, strlen(here));
    if (strcmp(snippets->here, "/") == 0) {
        snippets->here[0] = '\0';
    }
    if (slash == NULL) {
        snippets->beside_known = copy_path(snippets->beside, ".", 1);
    } else {
        snippets->beside_known = copy_path(snippets->beside, looked_at,
                                           (size_t)(slash - looked_at) + (slash == looked_at));
    }
    return snippets;
}

void snippets_close(struct snippets *snippets)
{
    if (snippets != NULL) {
        host.release(snippets->text);
        host.release(snippets);
    }
}

/* `path` as seen from `folder`; NULL when it does not lie below. */
static const char *below(const char *folder, const char *path)
{
    size_t length = strlen(folder);

    if (strncmp(path, folder, length) != 0 || path[length] != '/') {
        return NULL;
    }
    return path + length + strspn(path + length, "/");
}

const char *snippets_relative(const struct snippets *snippets, const char *path)
{
    const char *rest = snippets != NULL && snippets->here_known && path[0] == '/'
                           ? below(snippets->here, path)
                           : NULL;

    return rest != NULL && rest[0] != '\0' ? rest : path;
}

/* A way that leads up again may lead out. */
static bool leads_up(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2) {
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Opening anything but a regular file might wait for ever. */
static int open_regular(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? host.open_read(path) : -1;
}

static int open_below(const struct snippets *snippets, const char *file)
{
    const char *folders[] = {snippets->here_known ? snippets->here : NULL,
                             snippets->beside_known ? snippets->beside : NULL};
    int fd = -1;

    if (leads_up(file)) {
        return -1;
    }
    for (unsigned i = 0; i < 2 && fd < 0; i++) {
        char path[2 * PATH_ROOM + 2];

        if (folders[i] == NULL) {
            continue;
        }
        if (file[0] != '/') {
            (void)snprintf(path, sizeof path, "%s/%s", folders[i], file);
            fd = open_regular(path);
        } else if (below(folders[i], file) != NULL) {
            fd = open_regular(file);
        }
    }
    return fd;
}

static void read_all(struct snippets *snippets, int fd)
{
    int64_t size = host.file_size(fd);
    char *text = size > 0 && size <= (int64_t)FILE_BYTES ? host.allocate((size_t)size) : NULL;
    size_t done = 0;

    while (text != NULL && done < (size_t)size) {
        ssize_t n = host.read_at(fd, text + done, (size_t)size - done, done);

        if (n <= 0) {
            host.release(text);
            return;
        }
        done += (size_t)n;
    }
    snippets->text = text;
    snippets->bytes = done;
}

static void keep(struct snippets *snippets, const char *file)
{
    int fd;

    host.release(snippets->text);
    snippets->text = NULL;
    snippets->offset = 0;
    snippets->line = 1;
    (void)copy_path(snippets->name, file, strlen(file));
    fd = open_below(snippets, file);
    if (fd >= 0) {
        read_all(snippets, fd);
        host.close(fd);
    }
}

/* Move to the wanted line; false when the file has fewer. */
static bool seek(struct snippets *snippets, uint32_t line)
{
    if (line < snippets->line) {
        snippets->offset = 0;
        snippets->line = 1;
    }
    while (snippets->line < line) {
        const char *from = snippets->text + snippets->offset;
        const char *feed = memchr(from, '\n', snippets->bytes - snippets->offset);

        if (feed == NULL) {
            return false;
        }
        snippets->offset += (size_t)(feed - from) + 1;
        snippets->line++;
    }
    return snippets->offset < snippets->bytes;
}

const char *snippets_line(struct snippets *snippets, const char *file, uint32_t line)
{
    const char *from, *feed;
    char raw[256];
    size_t used = 0, length;

    if (snippets == NULL || file == NULL || line == 0 || strlen(file) >= PATH_ROOM) {
        return NULL;
    }
    if (strcmp(snippets->name, file) != 0) {
        keep(snippets, file);
    }
    if (snippets->text == NULL || !seek(snippets, line)) {
        return NULL;
    }
    from = snippets->text + snippets->offset;
    feed = memchr(from, '\n', snippets->bytes - snippets->offset);
    length = feed != NULL ? (size_t)(feed - from) : snippets->bytes - snippets->offset;
    length -= length > 0 && from[length - 1] == '\r';
    for (size_t i = 0; i < length && used + 5 < sizeof raw; i++) {
        size_t width = from[i] == '\t' ? 4 - used % 4 : 1;

        memset(raw + used, from[i] == '\t' ? ' ' : from[i], width);
        used += width;
    }
    raw[used] = '\0';
    return CLEAN(snippets->buffer, raw);
}
