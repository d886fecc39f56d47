/* SPDX-License-Identifier: MIT */
/* Start of the computer. */
#include "machine/internal.h"

#define PAGER_REGIONS     1024u
#define PAGER_PAGES       (64u * 1024u + (uint32_t)(ARENA_PAGED_BYTES / PG_PAGE_SIZE))
#define PAGER_PATCH_BYTES (1u << 20)
#define SPACE_SECTIONS    (MODULE_MAX * IMAGE_MAX_SECTIONS)

static uint32_t pager_choose(void *context, uint32_t n)
{
    (void)context;
    return machine_choose(CHOICE_TRIM, n);
}

static pg_status start_paging(void)
{
    struct pager_limits limits = {PAGER_REGIONS, PAGER_PAGES, PAGER_PATCH_BYTES};
    struct pager_hooks hooks = {.choose = pager_choose,
                                .moved = machine_tracing() ? trace_moved : NULL};
    size_t pager_size = pager_bytes(&limits);
    size_t space_size = pg_space_bytes(MODULE_MAX, SPACE_SECTIONS);
    pg_status status =
        pager_init(machine_allocate(pager_size), pager_size, &limits, &hooks, &M->pager);

    if (status == PG_OK) {
        if (M->options.pager != MACHINE_PAGER_PROTECT) {
            (void)pager_set_backend(M->pager, PAGER_USERFAULT); /* refused: by protection */
        }
        pager_set_frames(M->pager, M->options.frames);
        status = pg_space_init(machine_allocate(space_size), space_size, MODULE_MAX, SPACE_SECTIONS,
                               &module_services, &M->space);
    }
    return status;
}

static pg_status reserve_rest(void)
{
    static const struct {
        uint64_t base, bytes;
        unsigned protection;
    } ranges[] = {
        {ARENA_NT, ARENA_NT_BYTES, HOST_NONE},
        {ARENA_PCR, ARENA_PCR_BYTES, HOST_READ | HOST_WRITE},
        {ARENA_IO, ARENA_IO_BYTES, HOST_NONE},
        {ARENA_NONPAGED, ARENA_NONPAGED_BYTES, HOST_READ | HOST_WRITE},
        {ARENA_STACKS, ARENA_STACKS_BYTES, HOST_NONE},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (host.reserve(ranges[i].base, ranges[i].bytes) < 0 ||
            (ranges[i].protection != HOST_NONE &&
             host.protect(ranges[i].base, ranges[i].bytes, ranges[i].protection) < 0)) {
            return PG_E_NO_MEMORY;
        }
    }
    return PG_OK;
}

pg_status machine_start(const struct machine_options *options, struct channel *channel,
                        const char **what)
{
    pg_status status = processor_forbid_huge_pages();

    *what = "page size";
    if (status == PG_OK) {
        *what = "address range of the arena";
        status = arena_start();
    }
    if (status == PG_OK) {
        status = reserve_rest();
    }
    if (status != PG_OK) {
        return status;
    }
    M->options = *options;
    M->channel = channel;
    M->image_next = ARENA_IMAGES;
    M->blamed_finding = -1;
    clock_start();
    interrupt_start();
    io_space_start();
    emulate_start();
    choice_start(options->seed);
    *what = "pager";
    status = start_paging();
    if (status == PG_OK) {
        *what = "signal handlers";
        status = trap_start();
    }
    if (status == PG_OK) {
        *what = "gs base";
        status = processor_set_gs(ARENA_PCR);
    }
    if (status == PG_OK) {
        *what = "stack of the idle thread";
        processor_start();
        status = thread_start();
    }
    return status;
}

struct run_counters *machine_counters(void)
{
    return &M->counters;
}

const struct machine_options *machine_options(void)
{
    return &M->options;
}

struct pg_space *machine_sections(void)
{
    return M->space;
}

struct pager *machine_pager(void)
{
    return M->pager;
}

void machine_set_hooks(const struct machine_hooks *hooks)
{
    M->hooks = *hooks;
}

bool machine_rule_on(enum rule rule)
{
    return (M->options.rules & RULE_BIT(rule)) != 0;
}
