/* SPDX-License-Identifier: MIT */
/*
 * What is known of the places whose instructions trap.
 *
 * `sites` keeps decoded instructions by address, one for each hash; an entry counts only while the
 * bytes that it was made from are still there.
 *
 * A place that traps again and again by a general protection fault gets a breakpoint for its first
 * byte: the same trap, for half the price.  (The patch is the pager's, so it is there again after
 * every page in.)  `patches` is the truth about those: an open-addressing table by address with the
 * byte that was there.  It is never more than half full, and an entry goes only with its module.
 */
#include "machine/emulate.h"

#include <string.h>

#define SITES          1024u
#define PATCHES        4096u
#define HITS_FOR_PATCH 32u
#define BREAKPOINT     0xccu

struct site {
    uint64_t rip;
    struct decoded decoded;
    uint32_t hits;
    uint8_t bytes[DECODE_LENGTH_MAX]; /* as they lie in memory: with the breakpoint */
    bool patched;
};

struct patch {
    uint64_t rip; /* 0: none */
    uint8_t byte;
};

struct emulate_sites {
    struct site sites[SITES];
    struct patch patches[PATCHES];
    struct patch spare[PATCHES]; /* while the table is made anew */
    uint32_t patch_count;
};

void emulate_start(void)
{
    M->emulate_sites = machine_allocate(sizeof *M->emulate_sites);
}

static struct site *site_of(uint64_t rip)
{
    return &M->emulate_sites->sites[(rip ^ rip >> 10) % SITES];
}

/* The entry of an address, or the free one where it would go. */
static struct patch *patch_of(uint64_t rip)
{
    uint32_t i = (uint32_t)((rip ^ rip >> 12) % PATCHES);

    while (M->emulate_sites->patches[i].rip != 0 && M->emulate_sites->patches[i].rip != rip) {
        i = (i + 1) % PATCHES;
    }
    return &M->emulate_sites->patches[i];
}

bool emulate_is_patched(uint64_t rip)
{
    return patch_of(rip)->rip == rip;
}

/* The processor has just fetched the instruction, so its bytes can be read. */
static bool is_known(const struct site *site, uint64_t rip)
{
    return site->rip == rip && site->decoded.length > 0 &&
           memcmp(site->bytes, machine_pointer(rip), site->decoded.length) == 0;
}

/* The bytes of the instruction at rip, as far as they can be read without a fault. */
static size_t fetch(uint64_t rip, uint8_t bytes[DECODE_LENGTH_MAX])
{
    size_t n = DECODE_LENGTH_MAX;
    uint64_t page_end = (rip | (PG_PAGE_SIZE - 1)) + 1;

    if (rip + n > page_end && machine_would_fault(page_end, PAGER_READ)) {
        n = page_end - rip;
    }
    memcpy(bytes, machine_pointer(rip), n);
    return n;
}

/* The same, as the driver has them. */
static size_t fetch_original(uint64_t rip, uint8_t bytes[DECODE_LENGTH_MAX])
{
    size_t n = fetch(rip, bytes);

    if (emulate_is_patched(rip)) {
        bytes[0] = patch_of(rip)->byte;
    }
    return n;
}

const struct decoded *emulate_known(uint64_t rip)
{
    struct site *site = site_of(rip);

    if (!is_known(site, rip) || (!site->patched && site->hits++ == HITS_FOR_PATCH)) {
        return NULL; /* the second: let emulate_decode's caller patch it */
    }
    return &site->decoded;
}

struct decoded emulate_decode(const struct trap *trap)
{
    struct site *site = site_of(trap->rip);
    uint8_t bytes[DECODE_LENGTH_MAX];

    if (!is_known(site, trap->rip)) {
        size_t n = fetch_original(trap->rip, bytes);

        *site = (struct site){.rip = trap->rip, .patched = emulate_is_patched(trap->rip)};
        fetch(trap->rip, site->bytes);
        decode_instruction(bytes, n, &site->decoded);
    }
    return site->decoded;
}

void emulate_patch(uint64_t rip)
{
    static const uint8_t breakpoint = BREAKPOINT;
    struct site *site = site_of(rip);
    struct patch *patch = patch_of(rip);

    if (site->rip != rip || site->patched || site->hits <= HITS_FOR_PATCH || patch->rip == rip ||
        M->emulate_sites->patch_count == PATCHES / 2) {
        return;
    }
    /* Of a breakpoint the processor fetches one byte only; the others must be on its page. */
    if (rip % PG_PAGE_SIZE + site->decoded.length > PG_PAGE_SIZE) {
        return;
    }
    /* Where the pager cannot, the place goes on trapping as it does. */
    if (pager_patch(M->pager, rip, &breakpoint, sizeof breakpoint) == PG_OK) {
        *patch = (struct patch){rip, site->bytes[0]};
        M->emulate_sites->patch_count++;
        site->bytes[0] = BREAKPOINT;
        site->patched = true;
    }
}

void emulate_forget(uint64_t base, uint64_t bytes)
{
    struct patch *all = M->emulate_sites->spare;

    memcpy(all, M->emulate_sites->patches, sizeof M->emulate_sites->patches);
    memset(M->emulate_sites->patches, 0, sizeof M->emulate_sites->patches);
    M->emulate_sites->patch_count = 0;
    for (uint32_t i = 0; i < PATCHES; i++) {
        if (all[i].rip != 0 && all[i].rip - base >= bytes) {
            *patch_of(all[i].rip) = all[i];
            M->emulate_sites->patch_count++;
        }
    }
    for (uint32_t i = 0; i < SITES; i++) {
        if (M->emulate_sites->sites[i].rip - base < bytes) {
            M->emulate_sites->sites[i].rip = 0;
        }
    }
}

_Noreturn void emulate_unsupported(const struct trap *trap, const char *where)
{
    uint8_t bytes[DECODE_LENGTH_MAX];
    char text[DECODE_TEXT_MAX];
    size_t n = fetch_original(trap->rip, bytes);

    decode_text(bytes, n, trap->rip, text, sizeof text);
    machine_unsupported("the instruction \"%s\"%s", text, where);
}
