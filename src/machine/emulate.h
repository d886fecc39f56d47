/* SPDX-License-Identifier: MIT */
/*
 * Private to emulate*.c: instructions that trapped, done by hand.
 *
 * An instruction is done as the processor does it: registers, flags and rip are changed only when
 * nothing can go wrong any more.  The functions here return whether it was done (rip is behind it);
 * a string instruction may be half done, as the processor interrupts it, with rip still on it.
 */
#ifndef PAGABLE_MACHINE_EMULATE_H
#define PAGABLE_MACHINE_EMULATE_H

#include "decode/decode.h"
#include "machine/internal.h"

/* What answers for a memory operand that is no memory. */
struct operand_space {
    uint64_t (*read)(uint64_t address, unsigned bytes, uint64_t rip);
    void (*write)(uint64_t address, unsigned bytes, uint64_t value, uint64_t rip); /* NULL: none */
};

/* ---- emulate_memory.c ---- */

/* False: it would write, and the space cannot be written. */
bool emulate_memory(struct trap *trap, const struct decoded *decoded, uint64_t address,
                    const struct operand_space *space);
/* The register operand's value, and setting it as the processor does for its width. */
uint64_t emulate_get_register(const struct trap *trap, const struct decoded *decoded);
void emulate_set_register(struct trap *trap, const struct decoded *decoded, uint64_t value);

/* ---- emulate_string.c ---- */

void emulate_string(struct trap *trap, const struct decoded *decoded);

/* ---- emulate_site.c ---- */

/* The instruction at rip. */
struct decoded emulate_decode(const struct trap *trap);
/* The same when it is known already, else NULL; for a signal handler. */
const struct decoded *emulate_known(uint64_t rip);
/* Make an instruction that trapped often trap faster.  It was decoded last. */
void emulate_patch(uint64_t rip);
_Noreturn void emulate_unsupported(const struct trap *trap, const char *where);

#endif
