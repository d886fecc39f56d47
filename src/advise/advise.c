/* SPDX-License-Identifier: MIT */
/* An image from its bytes to the advice, step by step, and what the advice does not cover. */
#include "advise/advise.h"

#include "advise/audit.h"
#include "symbols/symbols.h"

/*
 * Whether a driver's power routine is called at DISPATCH_LEVEL is the driver's own choice
 * (DO_POWER_PAGABLE), and so for transfers: only a driver on the paging path has none.
 */
static void choose_paging_path(struct infer *infer, bool paging_path)
{
    for (uint32_t i = 0; i < infer->program->function_count && !paging_path; i++) {
        struct entry *entry = &infer->entries[i];

        if ((entry->role == ROLE_DISPATCH_POWER || entry->role == ROLE_DISPATCH_TRANSFER) &&
            entry->role_count == 1) {
            entry->possible = (entry->possible & IRQL_PAGEABLE) | entry->certain;
        }
    }
}

/* ---- what is not covered ---- */

static void fill_coverage(const struct audit *audit, struct advice_coverage *coverage)
{
    const struct program *program = audit->program;

    coverage->bytes_executable = program->bytes_executable;
    coverage->bytes_decoded = program->bytes_decoded;
    coverage->jumps_unresolved = program->jumps_unresolved;
    coverage->functions = program->function_count;
    coverage->calls = program->call_count;
    coverage->imports = program->import_count;
    for (uint32_t i = 0; i < program->function_count; i++) {
        coverage->functions_incomplete += program->functions[i].incomplete;
    }
    for (uint32_t i = 0; i < program->call_count; i++) {
        coverage->calls_unresolved += program->calls[i].target == CALL_UNRESOLVED;
    }
    for (uint32_t i = 0; i < program->import_count; i++) {
        coverage->imports_without_contract += program->imports[i].contract == NULL;
    }
}

static void limits_of_code(const struct audit *audit, const struct advice_coverage *coverage)
{
    struct advice_builder *builder = audit->builder;

    if (coverage->bytes_decoded < coverage->bytes_executable) {
        advice_add_limit(
            builder,
            advice_text(builder,
                        "%llu of %llu bytes in executable sections are neither code "
                        "that could be decoded nor padding",
                        (unsigned long long)(coverage->bytes_executable - coverage->bytes_decoded),
                        (unsigned long long)coverage->bytes_executable));
    }
    if (coverage->functions_incomplete != 0) {
        advice_add_limit(builder, advice_text(builder,
                                              "%u of %u routines hold something that could not be "
                                              "decoded or followed (%u jumps without a bound)",
                                              coverage->functions_incomplete, coverage->functions,
                                              coverage->jumps_unresolved));
    }
    if (coverage->calls_unresolved != 0) {
        advice_add_limit(builder, advice_text(builder,
                                              "%u of %u calls go through pointers whose targets "
                                              "are not known; they are taken to keep the IRQL",
                                              coverage->calls_unresolved, coverage->calls));
    }
    if (coverage->imports_without_contract != 0) {
        advice_add_limit(builder,
                         advice_text(builder,
                                     "%u of %u imported routines have no known limit; they are "
                                     "taken to be allowed at any IRQL and to keep it",
                                     coverage->imports_without_contract, coverage->imports));
    }
}

static void limits_of_callers(const struct audit *audit)
{
    struct advice_builder *builder = audit->builder;
    uint32_t unknown = 0, transfers = 0;

    for (uint32_t i = 0; i < audit->program->function_count; i++) {
        const struct entry *entry = &audit->infer->entries[i];

        unknown += entry->unknown && !audit_fact(audit, i, FACT_PAGEABLE) &&
                   audit->program->functions[i].address_taken;
        transfers += entry->role == ROLE_DISPATCH_TRANSFER || entry->role == ROLE_DISPATCH_POWER;
    }
    if (unknown != 0) {
        advice_add_limit(builder, advice_text(builder,
                                              "resident routines that somebody unknown may call, "
                                              "at any IRQL: %u",
                                              unknown));
    }
    if (transfers != 0 && !audit->options->paging_path) {
        advice_add_limit(builder, "read, write, device control and power routines are taken to be "
                                  "called below DISPATCH_LEVEL: a driver that serves paging I/O "
                                  "is one for --paging-path");
    }
    if (audit->lock_excused != 0) {
        advice_add_limit(builder, advice_text(builder,
                                              "%u uses of sections that the driver locks are right "
                                              "only while they are locked, which was not checked",
                                              audit->lock_excused));
    }
    if (audit->paged_whole) {
        advice_add_limit(builder, "the driver makes all of itself pageable at times "
                                  "(MmPageEntireDriver): what is resident then is less than its "
                                  "sections say");
    }
    if (advice_draft(builder)->saving_count != 0) {
        advice_add_limit(builder,
                         "a routine that is offered as pageable, and that the compiler also "
                         "copied into its callers, is judged by the calls that are left");
    }
    advice_add_limit(builder, "the ways of exceptions, and where data goes that is reached through "
                              "pointers, are not followed");
}

/* ---- all together ---- */

static pg_status ask_rules(struct audit *audit)
{
    pg_status status;

    rules_image(audit);
    rules_irql(audit);
    rules_roles(audit);
    rules_data(audit);
    rules_locks(audit);
    status = rules_paged_calls(audit);
    if (status == PG_OK) {
        status = rules_returns(audit);
    }
    if (status == PG_OK) {
        status = rules_init(audit);
    }
    if (status == PG_OK) {
        status = rules_lock_balance(audit);
    }
    if (status == PG_OK) {
        status = advise_savings(audit);
    }
    if (status == PG_OK) {
        status = advise_layout(audit);
    }
    return status;
}

static pg_status fill(struct audit *audit)
{
    struct advice *draft = advice_draft(audit->builder);
    pg_status status = audit_begin(audit);

    if (status == PG_OK) {
        status = ask_rules(audit);
    }
    if (status == PG_OK) {
        const char *note = audit->symbols != NULL ? symbols_note(audit->symbols) : NULL;

        draft->symbols = audit->symbols != NULL
                             ? advice_text(audit->builder, "%s", symbols_kind(audit->symbols))
                             : "none";
        draft->symbols_note = note != NULL ? advice_text(audit->builder, "%s", note) : NULL;
        fill_coverage(audit, &draft->coverage);
        limits_of_code(audit, &draft->coverage);
        limits_of_callers(audit);
    }
    audit_end(audit);
    return status;
}

pg_status advise_image(const char *file, const struct image *image, const struct symbols *symbols,
                       const struct advise_options *options, struct advice **out)
{
    struct program program = {0};
    struct infer infer = {0};
    struct audit audit = {
        .image = image,
        .symbols = symbols,
        .program = &program,
        .infer = &infer,
        .options = options,
        .builder = advice_begin(file, "image"),
    };
    pg_status status;

    *out = NULL;
    if (audit.builder == NULL) {
        return PG_E_NO_MEMORY;
    }
    status = program_build(image, symbols, &program);
    if (status == PG_OK) {
        status = infer_run(&program, &infer);
        if (status == PG_OK) {
            status = infer_roles(&infer);
        }
        if (status == PG_OK) {
            choose_paging_path(&infer, options->paging_path);
            infer_doubt(&infer);
            status = infer_enter(&infer);
        }
        if (status == PG_OK) {
            status = fill(&audit);
        }
        infer_release(&infer);
        program_release(&program);
    }
    if (status != PG_OK) {
        advice_abandon(audit.builder);
        return status;
    }
    *out = advice_finish(audit.builder);
    return *out != NULL ? PG_OK : PG_E_NO_MEMORY;
}
