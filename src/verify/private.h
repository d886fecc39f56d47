/* SPDX-License-Identifier: MIT */
/*
 * Private to verify/: one file per rule (or a few that are one idea).
 *
 * What is to be looked at when an export is called lies in one row per export, filled at the start,
 * so that a call costs the same however many rules there are.
 */
#ifndef PAGABLE_VERIFY_PRIVATE_H
#define PAGABLE_VERIFY_PRIVATE_H

#include "base/assert.h"
#include "nt/nt.h"

/* A check at the call of an export. */
typedef void (*call_check)(const struct nt_export *export, const uint64_t *arguments);

struct row {
    uint8_t condition; /* api_irql.c: 1 + its index; 0: the table's limit counts, whatever the
                          arguments */
    uint8_t lowest;    /* IRQL */
    uint8_t objects;   /* bit i: argument i is a synchronization object */
    call_check check;  /* may be NULL */
};

/* The row of an export.  verify.c */
struct row *verify_row(const struct nt_export *export);
/* The same by name; asserts that there is one. */
struct row *verify_row_named(const char *name);
void verify_add_check(const char *name, call_check check);

/* where.c: the section that holds an address, when it may leave memory now: pageable by its name or
 * with its whole driver, and not locked.  False for anything else. */
bool where_pageable(uint64_t address, struct pg_section_info *info);
/* The same for data: paged pool counts. */
bool where_pageable_data(uint64_t address);
/* "paged pool", or "section PAGEDATA of x.sys" */
void where_describe(uint64_t address, char *text, size_t size);
/* First byte and length of the function that holds an address, else one byte. */
void where_function(uint64_t address, uint64_t *base, uint64_t *bytes);
/* A copy of guest memory; false when reading it could fault. */
bool where_peek(uint64_t address, void *to, size_t bytes);

/* api_irql.c */
void api_irql_start(void);
void api_irql_check(const struct nt_export *export, const struct row *row,
                    const uint64_t *arguments);
const char *api_irql_level_name(unsigned irql);

/* wait_true.c */
void wait_true_start(void);
/* Whether this call is the wait that a call with Wait TRUE owed: it may be made at DISPATCH_LEVEL.
 */
bool wait_true_pays(const struct nt_export *export);
/* The thread leaves the driver's routine: true when it still owed a wait, which was reported. */
bool wait_true_left(void);

/* objects.c */
void objects_start(void);
void objects_check(const struct nt_export *export, const struct row *row,
                   const uint64_t *arguments);

void raise_start(void);       /* raise.c */
void roles_start(void);       /* roles.c */
void requests_start(void);    /* requests.c */
void paged_code_start(void);  /* paged_code.c */
void page_entire_start(void); /* page_entire.c */

/* raise.c: the machine's hook */
void raise_inline(uint64_t place, uint8_t irql);
/* left_raised.c: the machine's hook */
void left_raised_returned(uint64_t routine, uint8_t irql_before);
/* paged_code.c: the machine's hook */
void paged_code_asserts(uint64_t place);
/* roles.c: a routine that must be resident is handed to the system; `what` it is */
void roles_check(uint64_t routine, const char *what);

/* paging_path.c */
void paging_path_start(void);
void paging_path_dispatched(const struct device_object *device, const struct irp *irp);
void paging_path_completed(const struct irp *irp);
void paging_path_attached(const struct device_object *device);
/* A section may be out that was locked. */
void paging_path_changed(void);

/* outstanding.c */
void outstanding_start(void);
void outstanding_locked(pg_handle handle);
void outstanding_released(pg_handle handle); /* the lock count went to 0 */
void outstanding_returned(const struct irp *irp);

/* What thread->verify is: the requests that a thread is dispatching, innermost first. */
struct dispatch {
    struct device_object *device;
    struct irp *irp;
    struct dispatch *outer;
};

#endif
