/* SPDX-License-Identifier: MIT */
/*
 * Names and places: rva -> function, offset, file and line.
 *
 * Sources, best first: DWARF in the image, a PDB, COFF symbols, exports, .pdata.  The first one
 * that knows a range of code names it; the others fill the gaps, so that an image without any
 * symbols still has its functions ("sub_1a40").  Functions never overlap.
 *
 * A file and line belong to the function that is named with them: where the compiler inlined
 * another routine, the line is that of the call.  Instructions without a line of their own have
 * that of the instructions before them.
 *
 * Missing, foreign or broken symbols are never a failure; symbols_note says what was not used.
 * After symbols_open the image is no longer needed, everything is constant, and any thread may ask.
 */
#ifndef PAGABLE_SYMBOLS_SYMBOLS_H
#define PAGABLE_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include <pagable/status.h>

struct image;
struct symbols;

struct symbol_function {
    const char *name; /* never NULL nor empty; printable UTF-8, as all text from here */
    uint32_t rva;
    uint32_t size; /* bytes; 0: not known */
};

struct symbol_place {
    const char *function;
    uint32_t offset;  /* from the start of the function */
    const char *file; /* NULL: no line information */
    uint32_t line;    /* 0 exactly when file is NULL */
};

/*
 * Read what is known about an image.
 *   sys_path  where the image came from: the PDB is looked for in the same folder (under the name
 *             that the image records, then under the image's own), and then in the local folders
 *             and stores of the environment's _NT_SYMBOL_PATH; NULL: only in the latter
 *   *out      released by symbols_close; NULL on failure
 * PG_E_NO_MEMORY only.  Forks and waits for a child when the image holds DWARF.
 */
pg_status symbols_open(const char *sys_path, const struct image *image, struct symbols **out);
void symbols_close(struct symbols *symbols); /* NULL is fine */

/* The best source that gave anything: "dwarf", "pdb", "coff", "exports", ".pdata" or "none". */
const char *symbols_kind(const struct symbols *symbols);

/* Why a source that exists was not used or not used fully, one line; NULL: nothing to tell. */
const char *symbols_note(const struct symbols *symbols);

/* The function whose code holds an rva, and the line there.  For a return address, ask for the byte
 * before it.  False when no function is known there. */
bool symbols_lookup(const struct symbols *symbols, uint32_t rva, struct symbol_place *out);

/* All functions in ascending order of rva, index < symbols_count. */
uint32_t symbols_count(const struct symbols *symbols);
struct symbol_function symbols_at(const struct symbols *symbols, uint32_t index);

/* The function with this name, second names of one function included; of several (static ones) the
 * one with the lowest rva. */
bool symbols_find(const struct symbols *symbols, const char *name, struct symbol_function *out);

#endif
