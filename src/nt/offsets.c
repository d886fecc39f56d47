/* SPDX-License-Identifier: MIT */
/*
 * The layout check: structures of types.h, interrupt_types.h and pnp_types.h against what a
 * compiler for Windows makes of the DDK's headers. Nothing of it runs; a difference stops the
 * build.
 */
#include "nt/interrupt_types.h"
#include "nt/offsets.list.h"
#include "nt/pnp_types.h"
#include "nt/types.h"

#define NT_SIZE(host, bytes)                                                                       \
    _Static_assert(sizeof(struct host) == (bytes), "size of struct " #host " differs from NT's");
#define NT_OFFSET(host, field, offset, bytes)                                                      \
    _Static_assert(offsetof(struct host, field) == (offset) &&                                     \
                       sizeof(((struct host *)NULL)->field) == (bytes),                            \
                   #host "." #field " differs from NT's");
#include "nt_offsets.h"

/* Every line of the list is in the generated header, which says how many it has. */
#define ONE_SIZE(ddk, host)         +1
#define ONE_FIELD(ddk, host, field) +1
_Static_assert(0 NT_LAYOUT_ALIGNED(ONE_SIZE) NT_LAYOUT_KE(ONE_SIZE, ONE_FIELD)
                       NT_LAYOUT_EX(ONE_SIZE, ONE_FIELD) NT_LAYOUT_OBJECTS(ONE_SIZE, ONE_FIELD)
                           NT_LAYOUT_IRP(ONE_SIZE, ONE_FIELD) NT_LAYOUT_PNP(ONE_SIZE, ONE_FIELD)
                               NT_LAYOUT_INTERRUPT(ONE_SIZE, ONE_FIELD) == NT_LAYOUT_ENTRIES,
               "the generated header is not complete");
