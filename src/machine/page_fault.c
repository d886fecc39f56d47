/* SPDX-License-Identifier: MIT */
/*
 * Page faults: served at APC_LEVEL and below, a bug check above.
 *
 * Which bug check (decisions of ours where Windows' documents leave room are in CAVEATS.md):
 *
 *   pageable memory that is out, IRQL >= DISPATCH_LEVEL
 *       instruction in a driver                                          0xD1
 *       system routine, target in a driver's image                       0xD3
 *       system routine, other target                                     0xA
 *   INIT after it was discarded           0x50, P4 = 0; at DISPATCH_LEVEL and above 0xD1 (0xD3)
 *   no memory there       system address  0x50; at DISPATCH_LEVEL and above 0xD1 / 0xA
 *                         user address    0x1E with an access violation; the same above
 *   page could not be read                0x7A; wrong checksum in the paging file 0x1A / 0x3F
 *   protection: write to read-only 0xBE, execute of data 0xFC
 */
#include "machine/internal.h"

#include <stdio.h>

struct fault {
    uint64_t address;
    enum pager_access access;
    uint64_t ip;    /* instruction, or the stub of the export that the system works in */
    bool by_driver; /* the instruction belongs to a driver */
};

static const char *verb(enum pager_access access)
{
    switch (access) {
    case PAGER_EXECUTE:
        return "run";
    case PAGER_WRITE:
        return "written";
    case PAGER_READ:
        break;
    }
    return "read";
}

/* P3 of 0xA, 0xD1, 0x1E: bit 0 write, bit 3 execute.  0xD3 knows only bit 0. */
static uint64_t access_bits(enum pager_access access)
{
    return access == PAGER_WRITE ? 1 : access == PAGER_EXECUTE ? 8 : 0;
}

/* P2 of 0x50. */
static uint64_t access_bits_50(enum pager_access access)
{
    return access == PAGER_WRITE ? 2 : access == PAGER_EXECUTE ? 0x10 : 0;
}

static void describe_target(const struct fault *fault, char *text, size_t size)
{
    const struct module *module = module_at(fault->address);
    const char *section = machine_section_name(fault->address);

    if (module != NULL) {
        snprintf(text, size, "section %s of %s", section[0] != '\0' ? section : "(headers)",
                 module->name);
    } else if (fault->address >= ARENA_PAGED && fault->address < ARENA_PAGED + ARENA_PAGED_BYTES) {
        snprintf(text, size, "paged pool");
    } else {
        snprintf(text, size, "memory at 0x%llx", (unsigned long long)fault->address);
    }
}

static _Noreturn void raised_irql(const struct fault *fault, const char *why)
{
    char target[80];
    char words[200];
    bool in_module = module_at(fault->address) != NULL;
    uint32_t code = fault->by_driver ? 0xD1 : in_module ? 0xD3 : 0x0A;
    uint64_t bits = access_bits(fault->access);

    describe_target(fault, target, sizeof target);
    snprintf(words, sizeof words, "%s, %s, was %s at IRQL %u", target, why, verb(fault->access),
             machine_irql());
    machine_bugcheck(code, fault->address, machine_irql(), code == 0xD3 ? bits & 1 : bits,
                     fault->ip, words);
}

/* Whose code a finding names: the driver's, also when the system faulted on its behalf. */
static uint64_t culprit(const struct fault *fault)
{
    return fault->by_driver ? fault->ip : machine_caller();
}

static _Noreturn void pageable_out(const struct fault *fault)
{
    char target[80];

    int finding = machine_suspected(fault->address);

    describe_target(fault, target, sizeof target);
    if (finding < 0) {
        finding =
            machine_finding_about(RULE_PAGEABLE_AT_RAISED_IRQL, culprit(fault), fault->address,
                                  "%s was %s at IRQL %u while it was paged out", target,
                                  verb(fault->access), machine_irql());
    }
    machine_blame(finding);
    raised_irql(fault, "which is pageable and was paged out");
}

static _Noreturn void discarded(const struct fault *fault)
{
    char target[80];
    char words[200];

    int finding = machine_suspected(fault->address);

    describe_target(fault, target, sizeof target);
    if (finding < 0) {
        finding = machine_finding_about(RULE_INIT_CALLED_LATE, culprit(fault), fault->address,
                                        "%s was %s after it had been discarded", target,
                                        verb(fault->access));
    }
    machine_blame(finding);
    if (machine_irql() >= DISPATCH_LEVEL) {
        raised_irql(fault, "which was discarded after initialization");
    }
    snprintf(words, sizeof words, "%s, which was discarded after initialization, was %s", target,
             verb(fault->access));
    machine_bugcheck(0x50, fault->address, access_bits_50(fault->access), fault->ip, 0, words);
}

static _Noreturn void no_memory(const struct fault *fault)
{
    char words[160];

    if (machine_irql() >= DISPATCH_LEVEL) {
        snprintf(words, sizeof words, "address 0x%llx, where no memory is, was %s at IRQL %u",
                 (unsigned long long)fault->address, verb(fault->access), machine_irql());
        machine_bugcheck(fault->by_driver ? 0xD1 : 0x0A, fault->address, machine_irql(),
                         access_bits(fault->access), fault->ip, words);
    }
    snprintf(words, sizeof words, "address 0x%llx, where no memory is, was %s",
             (unsigned long long)fault->address, verb(fault->access));
    if (fault->address <= USER_HIGHEST) {
        machine_bugcheck(0x1E, (uint64_t)(int64_t)(int32_t)0xC0000005u, fault->ip,
                         access_bits(fault->access), fault->address, words);
    }
    machine_bugcheck(0x50, fault->address, access_bits_50(fault->access), fault->ip, 2, words);
}

static _Noreturn void denied(const struct fault *fault)
{
    char target[80];
    char words[160];

    describe_target(fault, target, sizeof target);
    snprintf(words, sizeof words, "%s was %s, which its protection forbids", target,
             verb(fault->access));
    if (fault->access == PAGER_READ) {
        no_memory(fault);
    }
    machine_bugcheck(fault->access == PAGER_WRITE ? 0xBE : 0xFC, fault->address, 0, fault->ip, 0,
                     words);
}

#define STATUS_IN_PAGE_ERROR 0xC0000006u
#define STATUS_END_OF_FILE   0xC0000011u
#define STATUS_FILE_INVALID  0xC0000098u

_Noreturn void machine_page_in_failed(const struct pager_failure *failure)
{
    char words[200];
    uint32_t status = failure->status == PG_E_TRUNCATED ? STATUS_END_OF_FILE
                      : failure->status == PG_E_CHANGED ? STATUS_FILE_INVALID
                                                        : STATUS_IN_PAGE_ERROR;

    snprintf(words, sizeof words, "the page at 0x%llx could not be read from the %s: %s",
             (unsigned long long)failure->address,
             failure->paging_file ? "paging file" : "image file", pg_status_text(failure->status));
    if (failure->status == PG_E_CORRUPT) {
        machine_bugcheck(0x1A, 0x3F, failure->file_offset, failure->actual, failure->expected,
                         words);
    }
    machine_bugcheck(0x7A, 1, (uint64_t)(int64_t)(int32_t)status, 0, failure->address, words);
}

_Noreturn void machine_section_page_in_failed(void)
{
    machine_page_in_failed(&M->page_in_failure);
}

/* Let others run while the page "comes in". */
static void maybe_yield(void)
{
    struct thread *thread = M->cpu.current;

    if (thread != NULL && thread != M->cpu.idle && M->cpu.dpc_depth == 0 &&
        machine_irql() < APC_LEVEL && thread_other_ready(thread->priority) &&
        machine_choose(CHOICE_FAULT, 4) == 0) {
        machine_thread_yield();
    }
}

static void serve(const struct fault *fault)
{
    struct pager_failure failure;

    switch (pager_fault(M->pager, fault->address, fault->access, &failure)) {
    case PAGER_SERVED:
        break;
    case PAGER_NOT_MINE:
        no_memory(fault);
    case PAGER_DENIED:
        denied(fault);
    case PAGER_DISCARDED:
        discarded(fault);
    case PAGER_FAILED:
        machine_page_in_failed(&failure);
    }
}

/* What the thread does in that section until it lowers its IRQL is the same mistake. */
static void suspect_section(int finding, uint64_t address)
{
    const struct module *module = module_at(address);
    int64_t section = module == NULL ? -1 : pg_section_find(module->sections, address);
    struct pg_section_info info;

    if (section >= 0 && pg_section_query(module->sections, (uint32_t)section, &info) == PG_OK) {
        machine_suspect_raised(finding, info.desc->base, (uint64_t)info.desc->pages * PG_PAGE_SIZE);
    }
}

/* What is in memory but free to leave was used where it must not be: luck, and a finding. */
static void check_strictly(const struct fault *fault)
{
    char target[80];

    if (!pager_may_leave(M->pager, fault->address) || machine_suspected(fault->address) >= 0) {
        return;
    }
    describe_target(fault, target, sizeof target);
    suspect_section(
        machine_finding_about(RULE_PAGEABLE_AT_RAISED_IRQL, culprit(fault), fault->address,
                              "%s was %s at IRQL %u: it was in memory, but nothing holds it there",
                              target, verb(fault->access), machine_irql()),
        fault->address);
}

static void resolve(const struct fault *fault)
{
    struct pager_region *region = pager_region_at(M->pager, fault->address);

    if (region != NULL && pager_region_discarded(region)) {
        discarded(fault);
    }
    if (region != NULL && machine_irql() >= DISPATCH_LEVEL &&
        !pager_is_resident(M->pager, fault->address)) {
        pageable_out(fault);
    }
    if (M->options.strict && region != NULL && machine_irql() >= DISPATCH_LEVEL) {
        check_strictly(fault);
    }
    serve(fault);
}

/* Registers of a device answer to a driver's own loads and stores only. */
static void refuse_registers(uint64_t address)
{
    if (io_is_mapped(address)) {
        machine_unsupported("a system routine that works on the registers of a device, at 0x%llx",
                            (unsigned long long)address);
    }
}

void page_fault_by_driver(const struct trap *trap, uint64_t address, enum pager_access access)
{
    struct fault fault = {address, access, trap->rip, true};

    resolve(&fault);
}

void page_fault_from_trap(struct trap *trap)
{
    const struct call_frame *call = machine_call_frame();
    const struct call_frame *innermost = call_innermost();
    bool by_driver = innermost != NULL && innermost->kind == CALL_TRAP && innermost->trap == trap;
    struct fault fault = {trap->address, trap->access,
                          by_driver || call == NULL ? trap->rip : call->stub, by_driver};

    if (by_driver && (emulate_shared_page(trap) || emulate_registers(trap))) {
        return;
    }
    if (!by_driver) {
        refuse_registers(trap->address);
    }
    resolve(&fault);
    if (by_driver) {
        maybe_yield();
    }
}

/* ---- the system touching memory on behalf of a driver ---- */

static bool nonpaged_memory(uint64_t page)
{
    if (page >= ARENA_NONPAGED && page < ARENA_NONPAGED + ARENA_NONPAGED_BYTES) {
        return true;
    }
    if (page >= ARENA_STACKS && page < ARENA_STACKS + ARENA_STACKS_BYTES) {
        uint64_t slot = (page - ARENA_STACKS) / THREAD_STACK_SLOT;

        return slot < M->thread_slots_used && (page - ARENA_STACKS) % THREAD_STACK_SLOT != 0;
    }
    if (page >= USER_BASE && page < USER_END) {
        return M->user_used[(page - USER_BASE) / PG_PAGE_SIZE] != 0;
    }
    return (page >= ARENA_NT && page < ARENA_NT + ARENA_NT_BYTES) ||
           (page >= ARENA_PCR && page < ARENA_PCR + ARENA_PCR_BYTES);
}

static bool protection_allows(unsigned protection, enum pager_access access)
{
    return access == PAGER_WRITE     ? (protection & HOST_WRITE) != 0
           : access == PAGER_EXECUTE ? (protection & HOST_EXECUTE) != 0
                                     : (protection & HOST_READ) != 0;
}

static void touch_page(uint64_t address, enum pager_access access)
{
    const struct call_frame *call = machine_call_frame();
    struct fault fault = {address, access, call != NULL ? call->stub : 0, false};
    struct pager_region *region;

    if (nonpaged_memory(address & ~(uint64_t)(PG_PAGE_SIZE - 1))) {
        return;
    }
    refuse_registers(address);
    region = pager_region_at(M->pager, address);
    if (region == NULL) {
        no_memory(&fault);
    }
    if (!pager_region_discarded(region) &&
        !protection_allows(pager_region_protection(region), access)) {
        denied(&fault);
    }
    resolve(&fault);
}

void machine_touch(uint64_t address, size_t bytes, enum pager_access access)
{
    uint64_t last;

    if (bytes == 0) {
        return;
    }
    last = address + bytes - 1;
    if (last < address) {
        last = UINT64_MAX;
    }
    touch_page(address, access);
    for (uint64_t page = (address | (PG_PAGE_SIZE - 1)) + 1; page <= last && page != 0;
         page += PG_PAGE_SIZE) {
        touch_page(page, access);
    }
}

bool machine_would_fault(uint64_t address, enum pager_access access)
{
    struct pager_region *region;

    if (nonpaged_memory(address & ~(uint64_t)(PG_PAGE_SIZE - 1))) {
        return false;
    }
    region = pager_region_at(M->pager, address);
    return region == NULL || pager_region_discarded(region) ||
           !pager_is_resident(M->pager, address) ||
           !protection_allows(pager_region_protection(region), access);
}

bool machine_is_guest_memory(uint64_t address, size_t bytes)
{
    uint64_t last = address + (bytes == 0 ? 0 : bytes - 1);

    if (last < address) {
        return false;
    }
    for (uint64_t page = address & ~(uint64_t)(PG_PAGE_SIZE - 1); page <= last;
         page += PG_PAGE_SIZE) {
        if (!nonpaged_memory(page) && !io_is_mapped(page) &&
            pager_region_at(M->pager, page) == NULL) {
            return false;
        }
    }
    return true;
}

size_t machine_copy_string(uint64_t address, char *buffer, size_t size)
{
    size_t n = 0;

    PG_ASSERT(size > 0);
    while (n + 1 < size) {
        if (n == 0 || (address + n) % PG_PAGE_SIZE == 0) {
            machine_touch(address + n, 1, PAGER_READ);
        }
        buffer[n] = *(const char *)(address + n);
        if (buffer[n] == '\0') {
            return n;
        }
        n++;
    }
    buffer[n] = '\0';
    return n;
}
