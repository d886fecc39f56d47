/* SPDX-License-Identifier: MIT */
/* /proc/self/maps, smaps and status, a line at a time. */
#include "native/maps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagable/section.h>

#include "base/host.h"

/* A line of maps is a path and less than 100 characters. */
enum { LINE_MAX_BYTES = 8192 };

struct lines {
    int fd;
    uint64_t offset; /* of the next byte to read from the file */
    size_t used, at;
    char buffer[LINE_MAX_BYTES];
};

/* The next line without its end, or NULL at the end of the file or on an error; a line that is too
 * long comes in pieces, of which none looks like the head of a mapping with a path. */
static char *line_next(struct lines *lines)
{
    for (;;) {
        char *line = &lines->buffer[lines->at];
        char *end = memchr(line, '\n', lines->used - lines->at);
        ssize_t n;

        if (end != NULL) {
            *end = '\0';
            lines->at += (size_t)(end - line) + 1;
            return line;
        }
        memmove(lines->buffer, line, lines->used - lines->at);
        lines->used -= lines->at;
        lines->at = 0;
        if (lines->used == sizeof lines->buffer) {
            lines->used = 0;
        }
        n = host.read_at(lines->fd, &lines->buffer[lines->used], sizeof lines->buffer - lines->used,
                         lines->offset);
        if (n <= 0) {
            return NULL;
        }
        lines->used += (size_t)n;
        lines->offset += (uint64_t)n;
    }
}

/* "start-end perms offset dev inode path": false for other lines. */
static bool head_parse(char *line, struct maps_entry *entry, char **path)
{
    unsigned long long start, end;
    int path_at = 0;

    if (sscanf(line, "%llx-%llx %*s %*s %*s %*s%n", &start, &end, &path_at) != 2 || path_at == 0) {
        return false;
    }
    *entry = (struct maps_entry){.start = start, .end = end};
    *path = line + path_at + strspn(line + path_at, " ");
    return true;
}

/* The kernel writes a line end in a path as \012, and no other escape. */
static void path_copy(char *to, size_t room, const char *from)
{
    size_t used = 0;

    while (*from != '\0' && used + 1 < room) {
        bool escaped = strncmp(from, "\\012", 4) == 0;

        to[used++] = escaped ? '\n' : *from;
        from += escaped ? 4 : 1;
    }
    to[used] = '\0';
}

static pg_status lines_open(struct lines *lines, const char *path)
{
    lines->fd = host.open_read(path);
    lines->offset = 0;
    lines->used = lines->at = 0;
    return lines->fd < 0 ? PG_E_IO : PG_OK;
}

pg_status maps_path(uint64_t address, char *path, size_t room)
{
    struct lines lines;
    struct maps_entry entry;
    char *line, *text;
    pg_status status = lines_open(&lines, "/proc/self/maps");

    if (status != PG_OK) {
        return status;
    }
    status = PG_E_NOT_FOUND;
    while (status != PG_OK && (line = line_next(&lines)) != NULL) {
        if (head_parse(line, &entry, &text) && address >= entry.start && address < entry.end) {
            path_copy(path, room, text);
            status = PG_OK;
        }
    }
    host.close(lines.fd);
    return status;
}

static bool field(const char *line, const char *name, uint64_t *bytes)
{
    size_t length = strlen(name);

    if (strncmp(line, name, length) != 0) {
        return false;
    }
    *bytes = strtoull(line + length, NULL, 10) * 1024;
    return true;
}

pg_status maps_counts(uint64_t address, struct maps_entry *out)
{
    struct lines lines;
    struct maps_entry entry;
    char *line, *text;
    bool inside = false, complete = false;
    pg_status status = lines_open(&lines, "/proc/self/smaps");

    if (status != PG_OK) {
        return status;
    }
    while (!complete && (line = line_next(&lines)) != NULL) {
        if (head_parse(line, &entry, &text)) {
            inside = address >= entry.start && address < entry.end;
            if (inside) {
                *out = entry;
            }
        } else if (inside && !field(line, "KernelPageSize:", &out->page_bytes) &&
                   !field(line, "Rss:", &out->resident)) {
            complete = field(line, "Anonymous:", &out->anonymous);
        }
    }
    host.close(lines.fd);
    return complete ? PG_OK : PG_E_NOT_FOUND;
}

bool maps_is_huge(uint64_t address)
{
    struct maps_entry entry;

    return maps_counts(address, &entry) == PG_OK && entry.page_bytes > PG_PAGE_SIZE;
}

uint64_t maps_locked(void)
{
    struct lines lines;
    uint64_t bytes = 0;
    char *line;

    if (lines_open(&lines, "/proc/self/status") != PG_OK) {
        return 0;
    }
    while ((line = line_next(&lines)) != NULL && !field(line, "VmLck:", &bytes)) {
    }
    host.close(lines.fd);
    return bytes;
}
