/* SPDX-License-Identifier: MIT */
/* The rows of the exports, and the hooks through which everything is seen. */
#include "verify/verify.h"

#include "verify/private.h"

static struct row *rows;
static uint32_t row_count;

struct row *verify_row(const struct nt_export *export)
{
    /* Routines are the first rows of nt's table, and one array; only they are called. */
    size_t index = (size_t)(export - nt_export_at(0));

    PG_ASSERT(index < row_count);
    return &rows[index];
}

struct row *verify_row_named(const char *name)
{
    const struct nt_export *export = nt_export_find(name);

    PG_ASSERT(export != NULL && export->call != NULL);
    return verify_row(export);
}

void verify_add_check(const char *name, call_check check)
{
    struct row *row = verify_row_named(name);

    PG_ASSERT(row->check == NULL);
    row->check = check;
}

/* What the driver found the IRQL to be is no longer what it decides by; see paged_code.c. */
static void forget_irql_read(void)
{
    struct thread *thread = machine_thread();

    if (thread != NULL) {
        thread->irql_read = 0;
    }
}

void verify_before_call(const struct nt_export *export, const uint64_t *arguments)
{
    const struct row *row = verify_row(export);

    forget_irql_read();
    if (!wait_true_pays(export)) {
        api_irql_check(export, row, arguments);
    }
    if (row->objects != 0) {
        objects_check(export, row, arguments);
    }
    if (row->check != NULL) {
        row->check(export, arguments);
    }
}

void verify_start(void)
{
    static const struct machine_hooks hooks = {
        .raises = raise_inline,
        .returned = left_raised_returned,
        .asserts = paged_code_asserts,
    };

    row_count = nt_export_count();
    rows = machine_allocate(row_count * sizeof *rows);
    machine_set_hooks(&hooks);
    api_irql_start();
    wait_true_start();
    objects_start();
    raise_start();
    roles_start();
    requests_start();
    paged_code_start();
    page_entire_start();
}
