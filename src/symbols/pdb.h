/* SPDX-License-Identifier: MIT */
/*
 * Symbols and lines of a PDB.
 *
 *   pdb_find.c   looks for the file that an image names
 *   pdb.c        identity, module list, public symbols, the string and id streams
 *   codeview.c   one module: its procedures and line tables
 *   msf.c        the container
 *
 * Every offset, count and size is checked where it is used; a broken part is left out and told of,
 * the rest is used.  Work is linear in the size of the file: a stream is read as a module once.
 */
#ifndef PAGABLE_SYMBOLS_PDB_H
#define PAGABLE_SYMBOLS_PDB_H

#include "symbols/msf.h"
#include "symbols/table.h"

struct image;
struct image_pdb;

/* What the parts of a PDB need of one another while it is read. */
struct pdb {
    struct msf msf;
    const struct image *image;
    struct table *table;
    struct bytes names;   /* the string table's strings */
    struct bytes ids;     /* the records of the id stream */
    uint32_t *id_offsets; /* of each record in `ids` */
    uint32_t id_first, id_count;
    const char *broken; /* the first part that was; NULL: none */
};

/*
 * Add what a PDB knows about an image to the table.
 *   why       gets a line that says what was wrong; untouched when nothing was
 * PG_E_NOT_FOUND when it belongs to another image, PG_E_UNSUPPORTED when it is no PDB, PG_E_FORMAT,
 * PG_E_TRUNCATED: nothing was added.  PG_E_NO_MEMORY.
 */
pg_status pdb_read(struct bytes file, const struct image_pdb *wanted, const struct image *image,
                   struct table *table, char *why, size_t why_size);

/* Look for the PDB of an image and add what it knows; see symbols_open for where.  `note` gets a
 * line about a PDB that was there but was not used, or not fully.  Running out of memory is in the
 * table. */
void pdb_find(const char *sys_path, const struct image *image, struct table *table, char *note,
              size_t note_size);

/* One module's stream.  Its first `symbols` bytes are symbols, then come `old_lines` bytes without
 * use and `lines` bytes of line information. */
void codeview_read(struct pdb *pdb, struct bytes stream, uint32_t symbols, uint32_t old_lines,
                   uint32_t lines);

/* The string with this id, or empty. */
struct bytes pdb_id_string(const struct pdb *pdb, uint32_t id);

/* The data of the id record with this leaf kind, or empty. */
struct bytes pdb_id_record(const struct pdb *pdb, uint32_t id, uint16_t leaf);

/* rva of a segment:offset; false when there is no such section. */
bool pdb_rva(const struct pdb *pdb, uint16_t segment, uint32_t offset, uint32_t *rva);

#endif
