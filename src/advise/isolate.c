/* SPDX-License-Identifier: MIT */
/*
 * The part of a routine that runs raised, from the sites that raise and lower.
 *
 * Forward over the blocks: the classes at which each is entered, when the routine is entered at
 * PASSIVE_LEVEL.  A site says what follows it whatever came before, so only blocks without sites
 * hand on what they were given; sets only grow, and there are four classes.
 */
#include "advise/savings.h"

#include <string.h>

struct walk {
    const struct audit *audit;
    const struct function *body;
    const struct summary *summary;
    uint8_t *in;     /* per block: set of classes */
    uint8_t *queued; /* per block */
    uint32_t *stack;
};

size_t isolate_scratch(const struct program *program)
{
    size_t most = 1;

    for (uint32_t i = 0; i < program->function_count; i++) {
        most = program->functions[i].block_count > most ? program->functions[i].block_count : most;
    }
    return most * (sizeof(uint32_t) + 2);
}

/* The first site of a function at or after an instruction, as an index into its sites. */
static irql_set leave_block(const struct walk *walk, const struct block *block, irql_set set)
{
    const struct infer_site *sites = &walk->audit->infer->sites[walk->summary->first_site];

    for (uint32_t i = infer_first_site(walk->audit->infer, walk->summary, block->first_micro) -
                      walk->summary->first_site;
         i < walk->summary->site_count && sites[i].micro < block->first_micro + block->micro_count;
         i++) {
        if (IRQL_ROW(sites[i].after, IRQL_P) != 0) {
            set = IRQL_ROW(sites[i].after, IRQL_P);
        }
    }
    return set;
}

static void spread(struct walk *walk)
{
    const struct program *program = walk->audit->program;
    uint32_t depth = 1;

    memset(walk->in, 0, walk->body->block_count);
    memset(walk->queued, 0, walk->body->block_count);
    walk->in[0] = IRQL_BIT(IRQL_P);
    walk->stack[0] = 0;
    walk->queued[0] = 1;
    while (depth > 0) {
        uint32_t index = walk->stack[--depth];
        const struct block *block = &program->blocks[walk->body->first_block + index];
        irql_set out = leave_block(walk, block, walk->in[index]);

        walk->queued[index] = 0;
        for (uint32_t i = 0; i < block->successor_count; i++) {
            uint32_t next =
                program->successors[block->first_successor + i] - walk->body->first_block;

            if ((out & ~walk->in[next]) == 0) {
                continue;
            }
            walk->in[next] |= out;
            if (!walk->queued[next]) {
                walk->queued[next] = 1;
                walk->stack[depth++] = next;
            }
        }
    }
}

static void add(struct region *region, const struct program *program, uint32_t micro)
{
    region->bytes += program->micros[micro].length;
    if (region->begin == NO_INDEX ||
        program->micros[micro].rva < program->micros[region->begin].rva) {
        region->begin = micro;
    }
    if (region->end == NO_INDEX || program->micros[micro].rva > program->micros[region->end].rva) {
        region->end = micro;
    }
}

/* The instructions of a block that may run raised, or raise. */
static void measure(const struct walk *walk, uint32_t index, struct region *region)
{
    const struct program *program = walk->audit->program;
    const struct block *block = &program->blocks[walk->body->first_block + index];
    const struct infer_site *sites = &walk->audit->infer->sites[walk->summary->first_site];
    uint32_t site = infer_first_site(walk->audit->infer, walk->summary, block->first_micro) -
                    walk->summary->first_site;
    irql_set set = walk->in[index];

    for (uint32_t i = 0; i < block->micro_count; i++) {
        uint32_t micro = block->first_micro + i;
        irql_set before = set;

        while (site < walk->summary->site_count && sites[site].micro == micro) {
            set = IRQL_ROW(sites[site].after, IRQL_P) != 0 ? IRQL_ROW(sites[site].after, IRQL_P)
                                                           : set;
            site++;
        }
        if (((before | set) & IRQL_RAISED) != 0) {
            add(region, program, micro);
        }
    }
}

bool isolate_region(const struct audit *audit, uint32_t function, void *scratch,
                    struct region *region)
{
    struct walk walk = {
        .audit = audit,
        .body = &audit->program->functions[function],
        .summary = &audit->infer->summaries[function],
        .stack = scratch,
    };

    *region = (struct region){.begin = NO_INDEX, .end = NO_INDEX};
    if (walk.body->block_count == 0 ||
        (IRQL_ROW(walk.summary->returns, IRQL_P) & IRQL_RAISED) != 0 ||
        IRQL_ROW(walk.summary->vague, IRQL_P) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < walk.summary->site_count; i++) {
        if (IRQL_ROW(audit->infer->sites[walk.summary->first_site + i].vague, IRQL_P) != 0) {
            return false;
        }
    }
    walk.in = (uint8_t *)scratch + sizeof(uint32_t) * walk.body->block_count;
    walk.queued = walk.in + walk.body->block_count;
    spread(&walk);
    for (uint32_t i = 0; i < walk.body->block_count; i++) {
        measure(&walk, i, region);
    }
    return region->bytes != 0;
}
