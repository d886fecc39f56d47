/* SPDX-License-Identifier: MIT */
/*
 * The export table: every routine and datum that drivers can import.
 *
 *   X(name, module, state, highest IRQL, argument count)     routines; 255 arguments: variadic
 *   X(name, bytes)                                            data
 *
 * One list per family; the loader, `pagable info`, the import library of the sample drivers and the
 * IRQL check all read this table.  Highest IRQLs are facts of Microsoft's DDI reference
 * (CC-BY-4.0).
 */
#ifndef PAGABLE_NT_EXPORTS_H
#define PAGABLE_NT_EXPORTS_H

#include "nt/exports_ke.h"
#include "nt/exports_io.h"
#include "nt/exports_ex.h"

#define NT_EXPORTS(X)      NT_EXPORTS_KE(X) NT_EXPORTS_IO(X) NT_EXPORTS_EX(X)
#define NT_DATA_EXPORTS(X) NT_DATA_EXPORTS_KE(X) NT_DATA_EXPORTS_IO(X) NT_DATA_EXPORTS_EX(X)

#endif
