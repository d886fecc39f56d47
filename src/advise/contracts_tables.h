/* SPDX-License-Identifier: MIT */
/* Private to contracts.c: the tables that tools/make-contracts makes from the lists in data/. */
#ifndef PAGABLE_ADVISE_CONTRACTS_TABLES_H
#define PAGABLE_ADVISE_CONTRACTS_TABLES_H

#include "advise/contracts.h"

/* Ascending by name, as strcmp orders; no name twice. */
extern const struct contract contracts_by_name[];
extern const uint32_t contracts_count;

/* KMDF's function table: index -> place in contracts_by_name. */
extern const uint16_t contracts_of_wdf[];
extern const uint32_t contracts_of_wdf_count;

#endif
