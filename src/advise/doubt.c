/* SPDX-License-Identifier: MIT */
/*
 * A helper that may take a lock, and one that may give it back, are called in pairs: both under the
 * same condition, which lies in memory that changes in between for all that is known.  The states
 * do not tell "not taken, not given back" from "taken, not given back".
 *
 * So where a function calls what may give back, and may or may not, while it may be raised or not,
 * its being raised at the higher of the two is vague: in its sites, in what it returns at, and in
 * its callers where it returned so.
 */
#include "advise/infer.h"

#define CALLER_ROUNDS 8u /* callers of callers that are told */

static unsigned highest(irql_set set)
{
    return set == 0 ? 0 : 31u - (unsigned)__builtin_clz(set);
}

static bool is_mixed(irql_set set)
{
    return (set & (set - 1)) != 0;
}

static uint32_t callee_of(const struct infer *infer, const struct infer_site *site)
{
    const struct call *call = site->call != NO_INDEX ? &infer->program->calls[site->call] : NULL;

    return call != NULL && call->target == CALL_FUNCTION ? call->index : NO_INDEX;
}

/* Whether a callee, entered at a class, may return there and may return lower. */
static bool may_give_back(const struct infer *infer, uint32_t callee, unsigned irql)
{
    irql_set row = IRQL_ROW(infer->summaries[callee].returns, irql);

    return (row & IRQL_BIT(irql)) != 0 && (row & (IRQL_BIT(irql) - 1)) != 0;
}

/* The highest of each row that has more than one. */
static irql_relation tops(irql_relation relation)
{
    irql_relation top = 0;

    for (unsigned irql = 0; irql < IRQL_CLASSES; irql++) {
        irql_set row = IRQL_ROW(relation, irql);

        if (is_mixed(row) && highest(row) >= IRQL_D) {
            top |= (irql_relation)(IRQL_BIT(highest(row)) << (4 * irql));
        }
    }
    return top;
}

/* Whether a function calls such a helper in such a state, or one that was found to. */
static bool is_doubtful(const struct infer *infer, uint32_t function)
{
    const struct summary *summary = &infer->summaries[function];

    for (uint32_t i = 0; i < summary->site_count; i++) {
        const struct infer_site *site = &infer->sites[summary->first_site + i];
        uint32_t callee = callee_of(infer, site);

        if (callee == NO_INDEX) {
            continue;
        }
        for (unsigned irql = 0; irql < IRQL_CLASSES; irql++) {
            irql_set row = IRQL_ROW(site->before, irql);

            if (is_mixed(row) && highest(row) >= IRQL_D &&
                may_give_back(infer, callee, highest(row))) {
                return true;
            }
        }
        if ((infer->summaries[callee].vague & tops(infer->summaries[callee].returns)) != 0 &&
            tops(site->after) != 0) {
            return true;
        }
    }
    return false;
}

/* True when something became vague that was not. */
static bool mark(struct infer *infer, uint32_t function)
{
    struct summary *summary = &infer->summaries[function];
    irql_relation before = summary->vague;
    bool changed;

    summary->vague |= tops(summary->returns);
    changed = before != summary->vague;
    for (uint32_t i = 0; i < summary->site_count; i++) {
        struct infer_site *site = &infer->sites[summary->first_site + i];

        before = site->vague;
        site->vague |= tops(site->before);
        changed |= before != site->vague;
    }
    for (uint32_t i = 0; i < summary->access_count; i++) {
        struct infer_access *access = &infer->accesses[summary->first_access + i];

        access->vague |= tops(access->at);
    }
    return changed;
}

void infer_doubt(struct infer *infer)
{
    bool changed = true;

    for (unsigned round = 0; round < CALLER_ROUNDS && changed; round++) {
        changed = false;
        for (uint32_t i = 0; i < infer->program->function_count; i++) {
            if (infer->summaries[i].touches_irql && is_doubtful(infer, i)) {
                changed |= mark(infer, i);
            }
        }
    }
}
