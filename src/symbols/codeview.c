/* SPDX-License-Identifier: MIT */
/* One module of a PDB: procedures from its symbol records, lines from its C13 subsections. */
#include "symbols/pdb.h"

#include "image/image.h"
#include "symbols/path.h"

#define S_THUNK32        0x1102u
#define S_LPROC32        0x110fu
#define S_GPROC32        0x1110u
#define S_LPROC32_ID     0x1146u
#define S_GPROC32_ID     0x1147u
#define S_LPROC32_DPC    0x1155u
#define S_LPROC32_DPC_ID 0x1156u
#define S_BUILDINFO      0x114cu
#define LF_BUILDINFO     0x1603u

#define DEBUG_S_IGNORE     0x80000000u
#define DEBUG_S_LINES      0xf2u
#define DEBUG_S_FILECHKSMS 0xf4u
#define LINES_HEADER       12u
#define LINES_HAVE_COLUMNS 1u
#define LINE_MASK          0xffffffu
#define FIRST_HIDDEN_LINE  0xf00f00u /* "step over this", and above it "step into this" */

static void add_procedure(struct pdb *pdb, struct bytes record)
{
    uint32_t rva;

    if (pdb_rva(pdb, bytes_u16(record, 34), bytes_u32(record, 30), &rva)) {
        table_add_function(pdb->table, SOURCE_PDB, bytes_string(record, 37), rva,
                           bytes_u32(record, 14));
    }
}

static void add_thunk(struct pdb *pdb, struct bytes record)
{
    uint32_t rva;

    if (pdb_rva(pdb, bytes_u16(record, 18), bytes_u32(record, 14), &rva)) {
        table_add_function(pdb->table, SOURCE_PDB, bytes_string(record, 23), rva,
                           bytes_u16(record, 20));
    }
}

/* The folder that the compiler was started in: the first argument of the build information. */
static struct bytes build_directory(const struct pdb *pdb, struct bytes record)
{
    struct bytes information = pdb_id_record(pdb, bytes_u32(record, 2), LF_BUILDINFO);

    return pdb_id_string(pdb, bytes_u16(information, 0) != 0 ? bytes_u32(information, 2) : 0);
}

static bool read_symbols(struct pdb *pdb, struct bytes symbols, struct bytes *directory)
{
    size_t at = 4; /* behind the signature */

    while (bytes_have(symbols, at, 4)) {
        uint16_t length = bytes_u16(symbols, at);
        struct bytes record = bytes_part(symbols, at + 2, length);

        if (length < 2 || record.size != length) {
            return false;
        }
        switch (bytes_u16(record, 0)) {
        case S_LPROC32:
        case S_GPROC32:
        case S_LPROC32_ID:
        case S_GPROC32_ID:
        case S_LPROC32_DPC:
        case S_LPROC32_DPC_ID:
            add_procedure(pdb, record);
            break;
        case S_THUNK32:
            add_thunk(pdb, record);
            break;
        case S_BUILDINFO:
            *directory = build_directory(pdb, record);
            break;
        default:
            break;
        }
        at += 2 + (size_t)length;
    }
    return at >= symbols.size;
}

struct files {
    struct bytes checksums; /* entries begin with the offset of a name */
    struct bytes directory;
    uint32_t last_entry, last; /* blocks of one file come in runs */
    bool any;
};

static uint32_t file_at(struct pdb *pdb, struct files *files, uint32_t entry)
{
    char shown[PATH_ROOM];
    struct bytes name;
    size_t length;

    if (files->any && files->last_entry == entry) {
        return files->last;
    }
    name = bytes_have(files->checksums, entry, 4)
               ? bytes_string(pdb->names, bytes_u32(files->checksums, entry))
               : bytes_part(files->checksums, SIZE_MAX, 0);
    name = bytes_part(name, 0, PATH_ROOM);
    length = path_show(shown, name, files->directory);
    files->any = true;
    files->last_entry = entry;
    files->last = table_string(pdb->table, shown, length);
    return files->last;
}

/* Rows of 8 bytes: offset, line.  Of several at one offset the last one counts: the code of the
 * others is empty. */
static void add_rows(struct pdb *pdb, struct bytes rows, uint32_t start, uint32_t code_size,
                     uint32_t file)
{
    for (size_t at = 0; bytes_have(rows, at, 8); at += 8) {
        uint32_t offset = bytes_u32(rows, at);
        uint32_t line = bytes_u32(rows, at + 4) & LINE_MASK;

        if (offset < code_size && line != 0 && line < FIRST_HIDDEN_LINE) {
            table_add_line(pdb->table, start + offset, file, line);
        }
    }
}

/* The lines of one run of code, a block per file; false when it is malformed. */
static bool read_lines(struct pdb *pdb, struct bytes data, struct files *files)
{
    uint32_t code_size = bytes_u32(data, 8), start;
    size_t column_size = (bytes_u16(data, 6) & LINES_HAVE_COLUMNS) != 0 ? 4 : 0;
    size_t at = LINES_HEADER;

    if (!bytes_have(data, 0, LINES_HEADER)) {
        return false;
    }
    if (!pdb_rva(pdb, bytes_u16(data, 4), bytes_u32(data, 0), &start)) {
        return true; /* of code that is not in the image */
    }
    while (bytes_have(data, at, 12)) {
        uint32_t count = bytes_u32(data, at + 4);
        uint32_t file = file_at(pdb, files, bytes_u32(data, at));

        at += 12;
        if (!bytes_have(data, at, count * (8 + column_size))) {
            return false;
        }
        add_rows(pdb, bytes_part(data, at, count * (size_t)8), start, code_size, file);
        at += count * (8 + column_size);
    }
    if (code_size <= pdb->image->image_size - start) {
        table_add_line(pdb->table, start + code_size, 0, 0);
    }
    return at >= data.size;
}

/* Call `use` for each subsection of a kind until it is false; false then, or when they do not fit.
 */
static bool each_subsection(struct pdb *pdb, struct bytes all, uint32_t kind, struct files *files,
                            bool (*use)(struct pdb *, struct bytes, struct files *))
{
    size_t at = 0;

    while (bytes_have(all, at, 8)) {
        uint32_t length = bytes_u32(all, at + 4);

        if (!bytes_have(all, at + 8, length)) {
            return false;
        }
        if (bytes_u32(all, at) == kind && (kind & DEBUG_S_IGNORE) == 0 &&
            !use(pdb, bytes_part(all, at + 8, length), files)) {
            return false;
        }
        at += 8 + (((size_t)length + 3) & ~(size_t)3);
    }
    return true;
}

static bool take_checksums(struct pdb *pdb, struct bytes data, struct files *files)
{
    (void)pdb;
    files->checksums = data;
    return true;
}

void codeview_read(struct pdb *pdb, struct bytes stream, uint32_t symbols, uint32_t old_lines,
                   uint32_t lines)
{
    struct bytes information = bytes_part(stream, (size_t)symbols + old_lines, lines);
    struct files files = {{NULL, 0}, {NULL, 0}, 0, 0, false};
    bool sound = read_symbols(pdb, bytes_part(stream, 0, symbols), &files.directory);

    sound &= each_subsection(pdb, information, DEBUG_S_FILECHKSMS, &files, take_checksums);
    sound &= each_subsection(pdb, information, DEBUG_S_LINES, &files, read_lines);
    if (!sound && pdb->broken == NULL) {
        pdb->broken = "a module";
    }
}
