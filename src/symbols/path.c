/* SPDX-License-Identifier: MIT */
#include "symbols/path.h"

#define MAX_COMPONENTS 128u

struct split {
    bool absolute, drive;
    uint32_t count;
    struct bytes components[MAX_COMPONENTS];
};

static bool is_separator(uint8_t c)
{
    return c == '/' || c == '\\';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_drive(struct bytes path)
{
    return path.size >= 3 && is_letter(path.at[0]) && path.at[1] == ':' && is_separator(path.at[2]);
}

static bool is_absolute(struct bytes path)
{
    return has_drive(path) || (path.size != 0 && is_separator(path.at[0]));
}

static void add_component(struct split *split, struct bytes c)
{
    if (c.size == 0 || (c.size == 1 && c.at[0] == '.')) {
        return;
    }
    if (c.size == 2 && c.at[0] == '.' && c.at[1] == '.') {
        split->count -= split->count != 0;
        return;
    }
    if (split->count == MAX_COMPONENTS) { /* the end of a path says more than its beginning */
        memmove(split->components, split->components + 1,
                (MAX_COMPONENTS - 1) * sizeof(split->components[0]));
        split->count--;
    }
    split->components[split->count++] = c;
}

/* The drive is a component of its own, so that equal folders of two drives differ. */
static void split_path(struct bytes path, struct split *split)
{
    size_t begin = 0;

    split->count = 0;
    split->absolute = is_absolute(path);
    split->drive = has_drive(path);
    for (size_t i = 0; i <= path.size; i++) {
        if (i == path.size || is_separator(path.at[i])) {
            add_component(split, bytes_part(path, begin, i - begin));
            begin = i + 1;
        }
    }
}

static uint8_t folded(uint8_t c, bool fold)
{
    return fold && c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool equal(struct bytes a, struct bytes b, bool fold)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (folded(a.at[i], fold) != folded(b.at[i], fold)) {
            return false;
        }
    }
    return true;
}

static bool lies_under(const struct split *path, const struct split *directory)
{
    if (!path->absolute || !directory->absolute || directory->count == 0 ||
        path->count <= directory->count) {
        return false;
    }
    for (uint32_t i = 0; i < directory->count; i++) {
        if (!equal(path->components[i], directory->components[i], path->drive)) {
            return false;
        }
    }
    return true;
}

size_t path_show(char out[PATH_ROOM], struct bytes path, struct bytes directory)
{
    struct split full, base;
    uint32_t first = 0;
    size_t used = 0;

    split_path(path, &full);
    split_path(directory, &base);
    if (lies_under(&full, &base)) {
        first = base.count;
    } else if (full.absolute) {
        first = full.count > 2 ? full.count - 2 : 0;
        first += full.drive && first == 0 && full.count > 1; /* never the drive */
    }
    for (uint32_t i = first; i < full.count; i++) {
        struct bytes c = full.components[i];

        if (used + c.size + 2 > PATH_ROOM) {
            break;
        }
        if (i != first) {
            out[used++] = '/';
        }
        memcpy(out + used, c.at, c.size);
        used += c.size;
    }
    out[used] = '\0';
    return used;
}

size_t path_join(char out[PATH_ROOM], struct bytes folder, struct bytes path)
{
    size_t used = 0;

    if (folder.size != 0 && !is_absolute(path)) {
        used = folder.size < PATH_ROOM - 2 ? folder.size : PATH_ROOM - 2;
        memcpy(out, folder.at, used);
        out[used++] = '/';
    }
    if (path.size > PATH_ROOM - 1 - used) {
        path.size = PATH_ROOM - 1 - used;
    }
    if (path.size != 0) {
        memcpy(out + used, path.at, path.size);
    }
    used += path.size;
    out[used] = '\0';
    return used;
}

struct bytes path_base(struct bytes path)
{
    size_t begin = path.size;

    while (begin != 0 && !is_separator(path.at[begin - 1])) {
        begin--;
    }
    return bytes_part(path, begin, path.size - begin);
}
