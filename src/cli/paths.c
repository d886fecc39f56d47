/* SPDX-License-Identifier: MIT */
/*
 * The files of a batch, one at a time: arguments, folders, a list.  A part of a batch (--shard) is
 * told by the hash of the path, so that each process finds its part without knowing the others, and
 * a file stays in its part when others come and go.
 */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/host.h"
#include "cli/cli.h"

struct paths {
    char *const *arguments;
    uint32_t count, next;
    FILE *list;
    char separator;
    int list_error; /* errno */
    uint32_t shard, shards;
    FTS *folder; /* being walked; NULL: none */
    char *line;  /* of getdelim */
    size_t room;
};

struct paths *paths_open(char *const *arguments, uint32_t count, FILE *list, char separator,
                         uint32_t shard, uint32_t shards)
{
    struct paths *paths = host.allocate(sizeof *paths);

    if (paths != NULL) {
        paths->arguments = arguments;
        paths->count = count;
        paths->list = list;
        paths->separator = separator;
        paths->shard = shard;
        paths->shards = shards;
    }
    return paths;
}

void paths_close(struct paths *paths)
{
    if (paths == NULL) {
        return;
    }
    if (paths->folder != NULL) {
        (void)fts_close(paths->folder);
    }
    free(paths->line);
    host.release(paths);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_driver(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL && strcasecmp(dot, ".sys") == 0;
}

int paths_error(const struct paths *paths)
{
    return paths->list_error;
}

/* The next file of the folder; false at its end. */
static bool next_in_folder(struct paths *paths, const char **path, int *error)
{
    FTSENT *entry;

    while ((entry = fts_read(paths->folder)) != NULL) {
        *path = entry->fts_path;
        *error = 0;
        switch (entry->fts_info) {
        case FTS_DNR: /* a folder that cannot be read */
        case FTS_ERR:
        case FTS_NS:
            *error = entry->fts_errno;
            return true;
        case FTS_F:
        case FTS_SL: /* to wherever: it is opened like any other file */
            if (is_driver(entry->fts_name)) {
                return true;
            }
            break;
        default:
            break;
        }
    }
    *error = errno; /* 0 at the end of the folder */
    *path = paths->arguments[paths->next - 1];
    (void)fts_close(paths->folder);
    paths->folder = NULL;
    return *error != 0;
}

/* The next line of the list; false when there is none. */
static bool next_line(struct paths *paths, const char **name)
{
    ssize_t length;

    if (paths->list == NULL) {
        return false;
    }
    while ((length = getdelim(&paths->line, &paths->room, paths->separator, paths->list)) > 0) {
        if (paths->line[length - 1] == paths->separator) {
            paths->line[length - 1] = '\0';
        }
        if (paths->line[0] != '\0') {
            *name = paths->line;
            return true;
        }
    }
    if (!feof(paths->list) || ferror(paths->list)) {
        paths->list_error = errno;
    }
    return false;
}

/* Arguments that are folders are walked.  Lines of a list are files: a part of a batch reads all of
 * the list, and asking the file system about every line would take longer than its own files. */
static bool next_of_all(struct paths *paths, const char **path, int *error)
{
    struct stat st;

    for (;;) {
        if (paths->folder != NULL && next_in_folder(paths, path, error)) {
            return true;
        }
        *error = 0;
        if (paths->next == paths->count) {
            return next_line(paths, path);
        }
        *path = paths->arguments[paths->next++];
        if (stat(*path, &st) != 0 || !S_ISDIR(st.st_mode)) {
            return true;
        }
        paths->folder = fts_open((char *[]){(char *)*path, NULL},
                                 FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
        if (paths->folder == NULL) {
            *error = errno;
            return true;
        }
    }
}

/* FNV-1a, its high bits folded in: the remainder looks at the low ones. */
static uint32_t hash_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *path != '\0'; path++) {
        hash = (hash ^ (uint8_t)*path) * 0x100000001b3u;
    }
    return (uint32_t)(hash ^ hash >> 32);
}

bool paths_next(struct paths *paths, const char **path, int *error)
{
    while (next_of_all(paths, path, error)) {
        if (hash_of(*path) % paths->shards == paths->shard - 1) {
            return true;
        }
    }
    return false;
}
