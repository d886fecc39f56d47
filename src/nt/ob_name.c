/* SPDX-License-Identifier: MIT */
/*
 * The name space of objects: full paths, compared without regard to case.
 *
 * Directories and symbolic links are objects like others.  A path is walked component by component;
 * a symbolic link replaces what was walked so far by its target and the walk begins again.  Names
 * are found by a walk over all of them, in the order of naming: there are few.
 */
#include "nt/ex.h"

#include <string.h>

#define REPARSE_MAX 32u
#define UNITS_MAX   32767u

struct ob_name {
    struct ob_object *object;
    struct unicode_string path;
    struct unicode_string target; /* of a symbolic link */
    struct ob_name *next;
};

struct name_state {
    struct ob_name *first, *last;
};
static struct name_state *state;

/* A path being walked; units are in memory of the heap. */
struct walk {
    uint16_t *units;
    size_t count;
    unsigned reparses;
};

static struct unicode_string copy_units(const uint16_t *units, size_t count)
{
    uint16_t *copy = ex_heap_take((count + 1) * sizeof *copy);

    ex_copy(copy, units, count * sizeof *copy);
    return (struct unicode_string){(uint16_t)(count * 2), (uint16_t)(count * 2 + 2), copy};
}

static struct ob_name *find(const uint16_t *units, size_t count)
{
    struct ob_name *name = state->first;

    while (name != NULL &&
           rtl_compare_units(name->path.Buffer, name->path.Length / 2u, units, count, true) != 0) {
        name = name->next;
    }
    return name;
}

static struct ob_name *add(struct ob_object *object, const uint16_t *units, size_t count)
{
    struct ob_name *name = ex_heap_take(sizeof *name);

    name->object = object;
    name->path = copy_units(units, count);
    *(state->last != NULL ? &state->last->next : &state->first) = name;
    state->last = name;
    object->name = name;
    return name;
}

static void forget(struct ob_name *name)
{
    struct ob_name *previous = NULL;

    for (struct ob_name *n = state->first; n != name; n = n->next) {
        previous = n;
    }
    *(previous != NULL ? &previous->next : &state->first) = name->next;
    if (state->last == name) {
        state->last = previous;
    }
    name->object->name = NULL;
    ex_heap_give(name->path.Buffer);
    ex_heap_give(name->target.Buffer);
    ex_heap_give(name);
}

/* ---- walking ---- */

/* Backslash first, no empty component, no odd length. */
static ntstatus check_syntax(const struct unicode_string *name)
{
    size_t count = name->Length / 2u;

    if (name->Length % 2 != 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (count == 0 || name->Buffer[0] != '\\') {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    for (size_t i = 1; i < count; i++) {
        if (name->Buffer[i] == '\\' && name->Buffer[i - 1] == '\\') {
            return STATUS_OBJECT_NAME_INVALID;
        }
    }
    return STATUS_SUCCESS;
}

/* target + what follows the link. */
static bool reparse(struct walk *walk, const struct unicode_string *target, size_t end)
{
    size_t head = target->Length / 2u;
    size_t tail = walk->count - end;
    uint16_t *units;

    if (++walk->reparses > REPARSE_MAX || head + tail > UNITS_MAX) {
        return false;
    }
    units = ex_heap_take((head + tail + 1) * sizeof *units);
    ex_copy(units, target->Buffer, head * sizeof *units);
    ex_copy(units + head, walk->units + end, tail * sizeof *units);
    ex_heap_give(walk->units);
    walk->units = units;
    walk->count = head + tail;
    return true;
}

static size_t next_end(const struct walk *walk, size_t from)
{
    size_t end = from + 1;

    while (end < walk->count && walk->units[end] != '\\') {
        end++;
    }
    return end;
}

/* Walks to the first thing that is no directory and no link, or to the end of the path.  *end is
 * where the path of *object ends.  With `parent` the last component is left alone. */
static ntstatus walk_path(struct walk *walk, bool open_link, bool parent, struct ob_object **object,
                          size_t *end)
{
    size_t at = 0;

    *object = NULL;
    *end = 0;
    while (at < walk->count) {
        size_t next = next_end(walk, at);
        bool last = next == walk->count;
        struct ob_name *name;

        if (parent && last) {
            break;
        }
        name = find(walk->units, next);
        if (name == NULL) {
            return last ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
        }
        if (name->object->type == OBJECT_SYMBOLIC_LINK && !(last && open_link)) {
            if (!reparse(walk, &name->target, next)) {
                return STATUS_OBJECT_NAME_INVALID;
            }
            at = 0;
            *object = NULL;
            *end = 0;
            continue;
        }
        *object = name->object;
        *end = next;
        if (name->object->type != OBJECT_DIRECTORY) {
            break;
        }
        at = next;
    }
    return STATUS_SUCCESS;
}

static struct walk walk_of(const struct unicode_string *name)
{
    struct unicode_string copy = copy_units(name->Buffer, name->Length / 2u);

    return (struct walk){copy.Buffer, name->Length / 2u, 0};
}

ntstatus ob_parse(const struct unicode_string *name, bool open_link, uint64_t *object,
                  struct ob_rest *rest)
{
    ntstatus status = check_syntax(name);
    struct ob_object *found;
    struct walk walk;
    size_t end;

    *object = 0;
    if (rest != NULL) {
        *rest = (struct ob_rest){0};
    }
    if (status != STATUS_SUCCESS) {
        return status;
    }
    walk = walk_of(name);
    status = walk_path(&walk, open_link, false, &found, &end);
    if (status == STATUS_SUCCESS && found == NULL) {
        found = state->first->object; /* a link to nothing: the root */
    }
    if (status == STATUS_SUCCESS && rest == NULL && end != walk.count) {
        status = STATUS_OBJECT_NAME_NOT_FOUND;
    }
    if (status != STATUS_SUCCESS || rest == NULL) {
        ex_heap_give(walk.units);
    } else {
        uint16_t left = (uint16_t)((walk.count - end) * 2);

        rest->memory = walk.units;
        rest->name = (struct unicode_string){left, left, walk.units + end};
    }
    if (status == STATUS_SUCCESS) {
        *object = found->address;
    }
    return status;
}

void ob_rest_free(struct ob_rest *rest)
{
    ex_heap_give(rest->memory);
    *rest = (struct ob_rest){0};
}

uint64_t ob_lookup(const struct unicode_string *name)
{
    uint64_t object;

    return ob_parse(name, false, &object, NULL) == STATUS_SUCCESS ? object : 0;
}

/* ---- naming ---- */

static ntstatus name_walked(struct ob_object *object, struct walk *walk)
{
    struct ob_object *parent;
    size_t end;
    ntstatus status = walk_path(walk, true, true, &parent, &end);

    if (status != STATUS_SUCCESS) {
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    if (parent != NULL &&
        (parent->type != OBJECT_DIRECTORY || next_end(walk, end) != walk->count)) {
        return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    if (walk->count < 2 || walk->units[walk->count - 1] == '\\') {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (find(walk->units, walk->count) != NULL) {
        return STATUS_OBJECT_NAME_COLLISION;
    }
    add(object, walk->units, walk->count);
    return STATUS_SUCCESS;
}

ntstatus ob_name(uint64_t address, const struct unicode_string *path)
{
    struct ob_object *object = ob_find(address);
    ntstatus status = check_syntax(path);
    struct walk walk;

    PG_ASSERT(object != NULL && object->name == NULL);
    if (status != STATUS_SUCCESS) {
        return status;
    }
    walk = walk_of(path);
    status = name_walked(object, &walk);
    ex_heap_give(walk.units);
    return status;
}

void ob_unname(uint64_t address)
{
    struct ob_object *object = ob_find(address);

    PG_ASSERT(object != NULL);
    if (object->name != NULL) {
        forget(object->name);
    }
}

struct unicode_string ob_name_of(uint64_t address)
{
    const struct ob_object *object = ob_find(address);

    return object == NULL || object->name == NULL ? (struct unicode_string){0, 0, NULL}
                                                  : object->name->path;
}

uint64_t ob_named_next(uint64_t after)
{
    const struct ob_object *object = after == 0 ? NULL : ob_find(after);
    const struct ob_name *name = state->first;

    if (object != NULL) {
        PG_ASSERT(object->name != NULL);
        name = object->name->next;
    }
    return name == NULL ? 0 : name->object->address;
}

/* ---- symbolic links ---- */

ntstatus ob_link(const struct unicode_string *link, const struct unicode_string *target)
{
    uint64_t object = ob_create(OBJECT_SYMBOLIC_LINK, 16, NULL);
    ntstatus status;

    if (object == 0) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    status = ob_name(object, link);
    if (status != STATUS_SUCCESS) {
        ob_dereference(object);
        return status;
    }
    ob_find(object)->name->target = copy_units(target->Buffer, target->Length / 2u);
    return STATUS_SUCCESS;
}

ntstatus ob_unlink(const struct unicode_string *link)
{
    uint64_t object;
    ntstatus status = ob_parse(link, true, &object, NULL);

    if (status != STATUS_SUCCESS) {
        return status;
    }
    if (ob_type(object) != OBJECT_SYMBOLIC_LINK) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ob_unname(object);
    ob_dereference(object);
    return STATUS_SUCCESS;
}

struct unicode_string ob_link_target(uint64_t address)
{
    const struct ob_object *object = ob_find(address);

    return object == NULL || object->name == NULL ? (struct unicode_string){0, 0, NULL}
                                                  : object->name->target;
}

/* ---- start ---- */

static void make_directory(const char *path)
{
    uint16_t buffer[64];
    struct unicode_string name = rtl_unicode(path, buffer, 64);
    struct ob_object *object = ob_find(ob_create(OBJECT_DIRECTORY, 16, NULL));

    PG_ASSERT(object != NULL);
    add(object, name.Buffer, name.Length / 2u);
}

static void make_link(const char *path, const char *to)
{
    uint16_t buffer[64], target_buffer[64];
    struct unicode_string name = rtl_unicode(path, buffer, 64);
    struct unicode_string target = rtl_unicode(to, target_buffer, 64);

    PG_ASSERT(ob_link(&name, &target) == STATUS_SUCCESS);
}

void ob_name_start(void)
{
    static const char *const directories[] = {"\\",
                                              "\\Device",
                                              "\\??",
                                              "\\Driver",
                                              "\\FileSystem",
                                              "\\Callback",
                                              "\\ObjectTypes",
                                              "\\KernelObjects",
                                              "\\BaseNamedObjects",
                                              "\\Windows",
                                              "\\Security"};

    state = machine_allocate(sizeof *state);
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        make_directory(directories[i]);
    }
    make_link("\\DosDevices", "\\??");
    make_link("\\GLOBAL??", "\\??");
    make_link("\\??\\Global", "\\??");
    make_link("\\??\\GLOBALROOT", "");
}
