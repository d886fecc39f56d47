/* SPDX-License-Identifier: MIT */
/* Where the PDB of an image may be, without asking a network. */
#include "symbols/pdb.h"

#include "base/host.h"
#include "image/image.h"
#include "symbols/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_PDB  (1u << 30)
#define MAX_NAME 255u

struct search {
    const struct image *image;
    struct table *table;
    struct image_pdb record;
    struct bytes name; /* of the PDB, as the image has it, without folders */
    char *note;
    size_t note_size;
    bool found;
};

/* Only the first thing that went wrong is told. */
static void tell(struct search *search, const char *path, const char *what)
{
    if (search->note[0] == '\0') {
        (void)snprintf(search->note, search->note_size, "%s: %s", path, what);
    }
}

static bool read_fully(int fd, uint8_t *to, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = host.read_at(fd, to + done, size - done, done);

        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* The whole file; at is NULL when it could not be had. */
static struct bytes load(struct search *search, const char *path)
{
    struct bytes file = {NULL, 0};
    int fd = host.open_read(path);
    int64_t size;
    uint8_t *memory;

    if (fd < 0) {
        if (fd != -ENOENT && fd != -ENOTDIR) {
            tell(search, path, "it cannot be opened");
        }
        return file;
    }
    size = host.file_size(fd);
    if (size <= 0 || size > MAX_PDB) {
        tell(search, path, size > 0 ? "it is larger than 1 GiB" : "it cannot be read");
    } else if ((memory = host.allocate((size_t)size)) == NULL) {
        search->table->no_memory = true;
    } else if (!read_fully(fd, memory, (size_t)size)) {
        tell(search, path, "it cannot be read");
        host.release(memory);
    } else {
        file.at = memory;
        file.size = (size_t)size;
    }
    host.close(fd);
    return file;
}

static void try_file(struct search *search, const char *path)
{
    char why[160] = "";
    struct bytes file;

    if (search->found || search->table->no_memory) {
        return;
    }
    file = load(search, path);
    if (file.at == NULL) {
        return;
    }
    search->found =
        pdb_read(file, &search->record, search->image, search->table, why, sizeof(why)) == PG_OK;
    if (search->found) {
        search->note[0] = '\0'; /* the others were not needed */
    }
    if (why[0] != '\0') {
        tell(search, path, why);
    }
    host.release((void *)(uintptr_t)file.at);
}

/* folder/name, and folder/name/IDENTITY/name as a symbol store has it. */
static void try_folder(struct search *search, struct bytes folder, bool store)
{
    struct bytes g = {search->record.guid, 16};
    char path[PATH_ROOM];
    char identity[48];
    int length = snprintf(identity, sizeof(identity), "%08X%04X%04X", bytes_u32(g, 0),
                          bytes_u16(g, 4), bytes_u16(g, 6));

    for (size_t i = 8; i < 16; i++) {
        length += snprintf(identity + length, sizeof(identity) - (size_t)length, "%02X", g.at[i]);
    }
    (void)snprintf(identity + length, sizeof(identity) - (size_t)length, "%X", search->record.age);
    if (folder.size == 0 ||
        folder.size + 2 * search->name.size + sizeof(identity) + 4 > PATH_ROOM) {
        return;
    }
    (void)snprintf(path, sizeof(path), "%.*s/%.*s", (int)folder.size, (const char *)folder.at,
                   (int)search->name.size, (const char *)search->name.at);
    try_file(search, path);
    if (store) {
        (void)snprintf(path, sizeof(path), "%.*s/%.*s/%s/%.*s", (int)folder.size,
                       (const char *)folder.at, (int)search->name.size,
                       (const char *)search->name.at, identity, (int)search->name.size,
                       (const char *)search->name.at);
        try_file(search, path);
    }
}

/* In the image's folder: under the name in the image, then under the image's own. */
static void try_beside(struct search *search, const char *sys_path)
{
    struct bytes whole = {(const uint8_t *)sys_path, strlen(sys_path)};
    const char *slash = strrchr(sys_path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - sys_path) + 1;
    const char *dot = strrchr(sys_path + folder, '.');
    size_t stem = dot == NULL ? whole.size : (size_t)(dot - sys_path);
    char path[PATH_ROOM];

    if (whole.size + MAX_NAME + 8 > PATH_ROOM) {
        return;
    }
    (void)snprintf(path, sizeof(path), "%.*s%.*s", (int)folder, sys_path, (int)search->name.size,
                   (const char *)search->name.at);
    if (search->name.size != 0) {
        try_file(search, path);
    }
    (void)snprintf(path, sizeof(path), "%.*s.pdb", (int)stem, sys_path);
    if (search->name.size != stem - folder + 4 ||
        memcmp(path + folder, search->name.at, search->name.size) != 0) {
        try_file(search, path);
    }
}

static bool is_word(struct bytes part, const char *word)
{
    return part.size == strlen(word) && memcmp(part.at, word, part.size) == 0;
}

/* "folder", "srv*folder*https://...", "cache*folder", several of them with ';' between. */
static void try_symbol_path(struct search *search, const char *symbol_path)
{
    const char *at = symbol_path;

    while (*at != '\0') {
        size_t length = strcspn(at, ";*");
        struct bytes part = {(const uint8_t *)at, length};
        bool remote =
            length >= 2 && (memcmp(at, "\\\\", 2) == 0 || memmem(at, length, "://", 3) != NULL);

        if (!remote && !is_word(part, "srv") && !is_word(part, "symsrv") &&
            !is_word(part, "symsrv.dll") && !is_word(part, "cache")) {
            try_folder(search, part, true);
        }
        at += length + (at[length] != '\0');
    }
}

void pdb_find(const char *sys_path, const struct image *image, struct table *table, char *note,
              size_t note_size)
{
    struct search search = {.image = image, .table = table, .note = note, .note_size = note_size};
    const char *symbol_path = getenv("_NT_SYMBOL_PATH");

    if (!image_pdb_reference(image, &search.record)) {
        return;
    }
    search.name.at = (const uint8_t *)search.record.path;
    search.name.size = strlen(search.record.path);
    search.name = path_base(search.name);
    if (search.name.size > MAX_NAME || is_word(search.name, ".") || is_word(search.name, "..")) {
        search.name.size = 0;
    }
    if (sys_path != NULL) {
        try_beside(&search, sys_path);
    }
    if (symbol_path != NULL && search.name.size != 0) {
        try_symbol_path(&search, symbol_path);
    }
}
