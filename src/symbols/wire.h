/* SPDX-License-Identifier: MIT */
/* A table on its way from the child that read DWARF.  The child may have been overrun by what it
 * read: the receiver checks everything again. */
#ifndef PAGABLE_SYMBOLS_WIRE_H
#define PAGABLE_SYMBOLS_WIRE_H

#include "symbols/table.h"

#define WIRE_NOTE_ROOM 128u

/* Send the functions, lines and inlined ranges of a table; false when the other side is gone. */
bool wire_send(const struct table *table, const char note[WIRE_NOTE_ROOM],
               bool (*put)(void *context, const void *data, size_t size), void *context);

/* Add what was sent to a table; false, and nothing added, when it is not complete or not sound. */
bool wire_receive(struct bytes message, struct table *table, char note[WIRE_NOTE_ROOM]);

#endif
