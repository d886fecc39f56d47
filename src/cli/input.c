/* SPDX-License-Identifier: MIT */
/* Files from the command line: read whole, checked, closed. */
#include <errno.h>
#include <string.h>

#include "base/host.h"
#include "cli/cli.h"
#include "cli/inf.h"
#include "source/source.h"

#define INF_BYTES_MAX    (256u << 10)
#define SOURCE_BYTES_MAX (16u << 20)
#define DRIVER_BYTES_MAX (256u << 20) /* the largest drivers are some 50 MiB */

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* All of [0, size): fewer bytes than the size promised are an error too. */
static int read_exactly(int fd, char *buffer, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = host.read_at(fd, &buffer[done], size - done, done);

        if (n < 0) {
            return (int)n;
        }
        if (n == 0) {
            return -ENODATA;
        }
        done += (size_t)n;
    }
    return 0;
}

static int read_open_file(int fd, size_t limit, char **text, size_t *bytes)
{
    int64_t size = host.file_size(fd);
    int error;

    if (size < 0) {
        return (int)size;
    }
    if ((uint64_t)size > limit) {
        return -EFBIG;
    }
    *text = host.allocate((size_t)size + 1);
    if (*text == NULL) {
        return -ENOMEM;
    }
    error = read_exactly(fd, *text, (size_t)size);
    if (error != 0) {
        host.release(*text);
        *text = NULL;
        return error;
    }
    *bytes = (size_t)size;
    return 0;
}

int read_file(const char *path, size_t limit, char **text, size_t *bytes)
{
    int fd = host.open_read(path);
    int error;

    if (fd < 0) {
        return fd;
    }
    error = read_open_file(fd, limit, text, bytes);
    host.close(fd);
    return error;
}

const char *file_error(int error)
{
    return error == -ESPIPE ? "is not a regular file" : strerror(-error);
}

static int fail(struct input_failure *failure, int error)
{
    (void)snprintf(failure->why, sizeof failure->why, "%s", file_error(error));
    return error == -ENOMEM ? EXIT_OURS : EXIT_INPUT;
}

int source_read(const char *path, char **text, size_t *bytes, struct input_failure *failure)
{
    int error = read_file(path, SOURCE_BYTES_MAX, text, bytes);
    const char *why;

    failure->hint = NULL;
    if (error != 0) {
        return fail(failure, error);
    }
    why = source_unreadable(*text, *bytes, &failure->hint);
    if (why != NULL) {
        (void)snprintf(failure->why, sizeof failure->why, "%s", why);
        host.release(*text);
        return EXIT_INPUT;
    }
    return EXIT_CLEAN;
}

/* The file's list of hardware ids, to be released; NULL with a word of what is wrong with it. */
static char *ids_of_inf(const char *bytes, size_t size, const char **why)
{
    struct inf_ids *ids = host.allocate(sizeof *ids);
    char *text = host.allocate(size + 1);
    char *list = NULL;

    *why = strerror(ENOMEM);
    if (ids != NULL && text != NULL) {
        inf_read((const uint8_t *)bytes, size, text, ids);
        *why = ids->why;
        if (ids->count > 0) {
            list = host.allocate(sizeof ids->list);
        }
        if (list != NULL) {
            memcpy(list, ids->list, sizeof ids->list);
        }
    }
    host.release(text);
    host.release(ids);
    return list;
}

/* X.inf beside X.sys.  One that cannot be used is told of, and the run goes on without it. */
static void read_inf_beside(struct input *input)
{
    size_t stem = strlen(input->path);
    const char *dot = strrchr(input->name, '.');
    const char *why = NULL;
    char path[4096], *bytes;
    size_t size;
    int error;

    stem -= dot != NULL ? strlen(dot) : 0;
    if (stem + sizeof ".inf" > sizeof path) {
        return;
    }
    memcpy(path, input->path, stem);
    memcpy(path + stem, ".inf", sizeof ".inf");
    error = read_file(path, INF_BYTES_MAX, &bytes, &size);
    if (error == -ENOENT) {
        return;
    }
    if (error == 0) {
        input->hardware_ids = ids_of_inf(bytes, size, &why);
        host.release(bytes);
    } else {
        why = file_error(error);
    }
    if (input->hardware_ids == NULL) {
        complain(NULL, "%s: not used: %s", path, why);
    }
}

int input_read(const char *path, struct input *out, struct input_failure *failure)
{
    struct image_error error;
    int result;

    memset(out, 0, sizeof *out);
    failure->hint = NULL;
    out->path = path;
    out->name = base_name(path);
    out->fd = host.open_read(path);
    if (out->fd < 0) {
        return fail(failure, out->fd);
    }
    result = read_open_file(out->fd, DRIVER_BYTES_MAX, (char **)&out->bytes, &out->size);
    if (result != 0) {
        host.close(out->fd);
        return fail(failure, result);
    }
    if (image_open(out->bytes, out->size, &out->image, &error) != PG_OK) {
        failure->hint = hint_for(error.status);
        (void)snprintf(failure->why, sizeof failure->why, "%s: %s", error.structure, error.reason);
        input_close(out);
        return EXIT_INPUT;
    }
    return EXIT_CLEAN;
}

int input_open(const char *path, struct input *out)
{
    struct input_failure failure;
    int result = input_read(path, out, &failure);

    if (result != EXIT_CLEAN) {
        complain(failure.hint, "%s: %s", path, failure.why);
        return result;
    }
    read_inf_beside(out);
    return EXIT_CLEAN;
}

void input_close(struct input *input)
{
    symbols_close(input->symbols);
    host.release(input->hardware_ids);
    host.release(input->bytes);
    host.close(input->fd);
    memset(input, 0, sizeof *input);
}

const struct symbols *input_symbols(struct input *input)
{
    if (!input->symbols_tried) {
        input->symbols_tried = true;
        if (symbols_open(input->path, &input->image, &input->symbols) != PG_OK) {
            input->symbols = NULL;
        }
    }
    return input->symbols;
}
