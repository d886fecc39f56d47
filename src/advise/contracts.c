/* SPDX-License-Identifier: MIT */
/* Looking up contracts.  What they say is in data/, made into tables by tools/make-contracts. */
#include "advise/contracts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "advise/contracts_tables.h"

static int compare_name(const void *name, const void *contract)
{
    return strcmp(name, ((const struct contract *)contract)->name);
}

const struct contract *contract_find(const char *name)
{
    return bsearch(name, contracts_by_name, contracts_count, sizeof contracts_by_name[0],
                   compare_name);
}

const struct contract *contract_wdf(uint32_t index)
{
    if (index >= contracts_of_wdf_count) {
        return NULL;
    }
    return &contracts_by_name[contracts_of_wdf[index]];
}
