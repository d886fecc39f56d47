/* SPDX-License-Identifier: MIT */
/*
 * Private to advise/: what the rules and the advice share.
 *
 * A rule looks at sites, accesses or pointers, asks `audit_judge` at which classes they are reached
 * and how surely, and reports with `audit_report`.  One mistake is one finding: what follows from a
 * mistake that another rule has named is left alone.  Three things see to that:
 *   - a pageable routine is looked at as if entered at APC_LEVEL at most, whoever calls it;
 *     its being entered raised is one finding of its own (pageable-at-raised-irql);
 *   - what is done while a pageable routine has raised the IRQL itself is not looked at again;
 *   - calls of one routine in one source line are one finding: the compiler may have copied it.
 */
#ifndef PAGABLE_ADVISE_AUDIT_H
#define PAGABLE_ADVISE_AUDIT_H

#include "advise/advise.h"
#include "advise/infer.h"

/* What is known of a function, beyond the program; a set. */
enum function_fact {
    FACT_PAGEABLE = 1,    /* in a PAGE section of an image that can be paged */
    FACT_INIT = 2,        /* in an INIT section */
    FACT_LATE = 4,        /* something that is called after DriverEntry may lead to it */
    FACT_LATE_SURELY = 8, /* a routine with a role does */
    FACT_WAIT_TRUE = 16,  /* it calls something with Wait TRUE */
    FACT_WAIT_ALONE = 32, /* ... and a finding says that no wait follows */
    FACT_RAISES = 64,     /* it raises the IRQL in pageable code, and a finding says so */
    FACT_AFTERMATH = 128, /* it calls one of the two that returns raised: what follows is no news */
    FACT_PAGING_PATH = 256, /* with --paging-path: a page fault in it may need it to be served */
};

/* Of a section of the image; a set. */
enum section_fact {
    SECTION_LOCKED_HERE = 1,    /* the driver locks it somewhere */
    SECTION_LOCKED_LOCALLY = 2, /* ... and undoes it in the same function, always */
};

/* Whether a section is locked when something is entered; a set. */
enum lock_state { LOCK_FREE = 1, LOCK_HELD = 2 };

struct audit {
    const struct image *image;
    const struct symbols *symbols;
    const struct program *program;
    const struct infer *infer;
    const struct advise_options *options;
    struct advice_builder *builder;
    uint16_t *facts;         /* one set of enum function_fact per function */
    uint8_t *function_locks; /* per function of a section that is locked locally: enum lock_state */
    uint8_t *site_locks;     /* per site that calls such a function */
    const struct contract **contracts; /* per site: see audit_contract */
    uint32_t *majors; /* per function: IRP_MJ numbers that it is the dispatch routine of */
    uint8_t section_facts[IMAGE_MAX_SECTIONS];
    bool locks_unknown;    /* a section lock whose section is not known */
    bool paged_whole;      /* the driver calls MmPageEntireDriver */
    uint32_t lock_excused; /* uses of sections left alone because somebody locks them */
};

/* PG_E_NO_MEMORY.  What is to be released is released by audit_end in either case. */
pg_status audit_begin(struct audit *audit);
void audit_end(struct audit *audit);

/* ---- asking ---- */

static inline bool audit_fact(const struct audit *audit, uint32_t function, unsigned facts)
{
    return (audit->facts[function] & facts) != 0;
}

/* The contract of what a call calls; NULL: a function of the image, unknown, or no call. */
const struct contract *audit_contract_of(const struct audit *audit, uint32_t call);
/* ... of what a site of the inference calls.  Most rules go through all sites for the few that they
 * are about. */
static inline const struct contract *audit_contract(const struct audit *audit,
                                                    const struct infer_site *site)
{
    return audit->contracts[site - audit->infer->sites];
}
/* The function of the image that a site calls; NO_INDEX. */
uint32_t audit_callee(const struct audit *audit, const struct infer_site *site);
/* What is called, for people: "KeWaitForSingleObject", "ReadDone"; or the instruction, "a write to
 * CR8". */
const char *audit_callee_name(const struct audit *audit, const struct infer_site *site);
/* The section that holds an rva; NO_INDEX. */
uint32_t audit_section(const struct audit *audit, uint32_t rva);
/* Whether a section's memory can leave: PAGE by name, in an image that can be paged. */
bool audit_section_pageable(const struct audit *audit, uint32_t section);
/* Whether a function of a section that somebody locks may run raised there after all. */
bool audit_may_be_locked(const struct audit *audit, uint32_t section);

/* Fill function_locks and site_locks; part of audit_begin.  PG_E_NO_MEMORY. */
pg_status audit_lock_states(struct audit *audit);
/* What running raised in a section that is entered in these states is. */
enum lock_excuse {
    EXCUSE_NONE,      /* wrong: it is not locked */
    EXCUSE_CONDITION, /* wrong on ways on which it is not locked */
    EXCUSE_LOCKED,    /* right, as far as is known */
};
enum lock_excuse audit_lock_excuse(const struct audit *audit, uint32_t section, unsigned state);
/* Whether a function is in memory that can leave while it runs: pageable, and not one whose section
 * is locked for it. */
bool audit_runs_pageable(const struct audit *audit, uint32_t function);
/* "unless PAGESER is locked then", of a function's section. */
const char *audit_lock_condition(const struct audit *audit, uint32_t function);

/* The routine that gave a value that is memory from pool, in this function; NULL: it is none. */
const char *audit_pool(const struct audit *audit, uint32_t function, const struct value *value,
                       bool *paged);

/* The classes at which a function is entered, for rules. */
struct entered {
    irql_set certain, possible;
    irql_set doubtful; /* of possible: only by what is vague */
    bool unknown;      /* and by somebody unknown */
    bool inferred;     /* its role is a guess */
};
struct entered audit_entered(const struct audit *audit, uint32_t function);

/* Whether being at one of the classes `bad` is wrong at a place, and how surely. */
struct judgement {
    bool wrong;
    enum verdict verdict;
    irql_set at; /* classes of `bad` that arise */
};
struct judgement audit_judge(const struct entered *entered, irql_relation here, irql_relation vague,
                             irql_set bad);

/* Whether paging I/O enters a driver by this function; never without --paging-path. */
bool audit_serves_paging(const struct audit *audit, uint32_t function);

/* Whether every way through a function, from its entry to a return, passes a block that `passes`
 * holds for.  False also when the function has more than WAYS_MAX blocks. */
#define WAYS_MAX 256u
bool audit_on_every_way(const struct audit *audit, uint32_t function,
                        bool (*passes)(const struct audit *audit, const struct block *block,
                                       uint32_t argument),
                        uint32_t argument);

/* Whether the system calls a role when DriverEntry has returned. */
bool audit_role_is_late(enum role role);

const char *audit_class_name(unsigned irql); /* "DISPATCH_LEVEL" */
const char *audit_set_name(irql_set set);    /* of the highest: "above DISPATCH_LEVEL" */
/* "as a DPC", "as the dispatch routine of IRP_MJ_READ"; "" when nothing is known. */
const char *audit_role_words(const struct audit *audit, uint32_t function);

/* ---- telling ---- */

bool audit_wants(const struct audit *audit, enum rule rule);
struct advice_place audit_place(const struct audit *audit, uint32_t rva);
/* Of a section as such; it is in no function. */
struct advice_place audit_section_place(const struct audit *audit, uint32_t section);
/* Place of an instruction of a function. */
struct advice_place audit_micro_place(const struct audit *audit, uint32_t micro);

/* A finding at an instruction.  The witness is a way there at one of the classes `at` (0: none is
 * shown).  message and condition: the builder's; condition may be NULL. */
void audit_report(const struct audit *audit, enum rule rule, enum verdict verdict,
                  uint32_t function, uint32_t micro, irql_set at, const char *message,
                  const char *condition);
/* The same where the witness leads to another instruction than the one at fault. */
void audit_report_way(const struct audit *audit, enum rule rule, enum verdict verdict,
                      uint32_t function, uint32_t micro, uint32_t to, irql_set at,
                      const char *message, const char *condition);
/* A finding at a place, without a witness. */
void audit_report_at(const struct audit *audit, enum rule rule, enum verdict verdict,
                     struct advice_place place, const char *message);

/* A function's first instruction. */
uint32_t audit_first_micro(const struct audit *audit, uint32_t function);

/* ---- rules and advice, in the order in which they are asked ---- */

void rules_irql(struct audit *audit);
pg_status rules_paged_calls(struct audit *audit);
pg_status rules_returns(struct audit *audit);
void rules_roles(struct audit *audit);
void rules_data(struct audit *audit);
pg_status rules_init(struct audit *audit);
void rules_locks(struct audit *audit);
pg_status rules_lock_balance(struct audit *audit);
void rules_image(struct audit *audit);
pg_status advise_savings(struct audit *audit);
pg_status advise_layout(struct audit *audit);

#endif
