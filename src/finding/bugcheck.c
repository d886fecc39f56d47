/* SPDX-License-Identifier: MIT */
/*
 * Bug checks: names, what they say and what their parameters mean, restated from Microsoft's public
 * bug check reference.  One table by code; a second one for the codes whose first parameter decides
 * what the other three are.
 */
#include <stddef.h>

#include "finding/finding.h"

struct text {
    uint32_t code;
    const char *name;
    const char *explanation;
    const char *meaning[4];
};

/* Ascending by code. */
static const struct text texts[] = {
    {0x01,
     "APC_INDEX_MISMATCH",
     "A thread left a system call with APCs disabled more or less often than when it entered.",
     {"address of the system routine", "APC state index of the thread",
      "combined APC disable count", "0: system call, 1: worker routine"}},
    {0x08, "IRQL_NOT_DISPATCH_LEVEL", "The IRQL had to be DISPATCH_LEVEL and was not.", {0}},
    {0x09, "IRQL_NOT_GREATER_OR_EQUAL", "The IRQL was lower than the routine needs.", {0}},
    {0x0A,
     "IRQL_NOT_LESS_OR_EQUAL",
     "Memory that is not present was used at an IRQL at which no page can be brought in.",
     {"address that was used", "IRQL at that moment",
      "access: bit 0 set for a write, bit 3 set for an instruction fetch, 0 for a read",
      "address of the instruction"}},
    {0x0F,
     "SPIN_LOCK_ALREADY_OWNED",
     "A processor asked for a spin lock that it holds already.",
     {"address of the spin lock", "reserved", "reserved", "reserved"}},
    {0x10,
     "SPIN_LOCK_NOT_OWNED",
     "A spin lock was released that nobody holds.",
     {"address of the spin lock", "reserved", "reserved", "reserved"}},
    {0x18,
     "REFERENCE_BY_POINTER",
     "The reference count of an object does not fit its state: more references given back than "
     "taken.",
     {"type of the object", "address of the object", "reserved", "reserved"}},
    {0x1A,
     "MEMORY_MANAGEMENT",
     "The memory manager was asked for something that cannot be.",
     {"kind of the violation", "depends on the kind", "depends on the kind",
      "depends on the kind"}},
    {0x1E,
     "KMODE_EXCEPTION_NOT_HANDLED",
     "An exception was raised and no handler took it.",
     {"exception code", "address at which it happened", "parameter 0 of the exception",
      "parameter 1 of the exception"}},
    {0x20,
     "KERNEL_APC_PENDING_DURING_EXIT",
     "A thread ended with APCs disabled or pending.",
     {"address of the pending APC", "APC disable count", "IRQL", "reserved"}},
    {0x35,
     "NO_MORE_IRP_STACK_LOCATIONS",
     "A request was sent to one more driver than it has stack locations for.",
     {"address of the IRP", "reserved", "reserved", "reserved"}},
    {0x44,
     "MULTIPLE_IRP_COMPLETE_REQUESTS",
     "A request was completed a second time.",
     {"address of the IRP", "reserved", "reserved", "reserved"}},
    {0x4A,
     "IRQL_GT_ZERO_AT_SYSTEM_SERVICE",
     "A thread returned to user mode above PASSIVE_LEVEL.",
     {"address of the system routine", "IRQL at that moment", "reserved", "reserved"}},
    {0x50,
     "PAGE_FAULT_IN_NONPAGED_AREA",
     "System memory was used that is not there and that no paging can bring: freed, discarded or "
     "never valid.",
     {"address that was used", "access: 0 read, 2 write, 0x10 instruction fetch",
      "address of the instruction, when known",
      "kind of the address: 0 given back, 2 never mapped, 4 not canonical"}},
    {0x76,
     "PROCESS_HAS_LOCKED_PAGES",
     "Pages that were locked for I/O were not unlocked, or unlocked once too often.",
     {"0: the process ended with locked pages, 1: unlock of pages that are not locked",
      "process, or address of the MDL", "count of locked pages", "reserved"}},
    {0x77,
     "KERNEL_STACK_INPAGE_ERROR",
     "A page of a kernel stack could not be read back.",
     {"status of the read", "I/O status", "page file", "offset in the page file"}},
    {0x7A,
     "KERNEL_DATA_INPAGE_ERROR",
     "A page of the system or of a driver could not be read back from its file.",
     {"what was held for the read", "status of the read", "file offset that was read",
      "address that could not be brought in"}},
    {0x7E,
     "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED",
     "A system thread raised an exception and no handler took it.",
     {"exception code", "address at which it happened", "address of the exception record",
      "address of the context record"}},
    {0x7F,
     "UNEXPECTED_KERNEL_MODE_TRAP",
     "The processor raised a trap that the kernel has no use for.",
     {"number of the trap: 0 divide error, 6 invalid opcode, 8 double fault (stack overflow)",
      "depends on the trap", "depends on the trap", "depends on the trap"}},
    {0x8E,
     "KERNEL_MODE_EXCEPTION_NOT_HANDLED",
     "An exception was raised in kernel mode and no handler took it.",
     {"exception code", "address at which it happened", "address of the trap frame", "reserved"}},
    {0xA5,
     "ACPI_BIOS_ERROR",
     "The firmware's tables do not fit the machine.",
     {"kind of the error", "depends on the kind", "depends on the kind", "depends on the kind"}},
    {0xB8,
     "ATTEMPTED_SWITCH_FROM_DPC",
     "A DPC routine waited, attached or yielded.",
     {"thread that was running", "thread to be run", "stack of the first thread", "reserved"}},
    {0xBE,
     "ATTEMPTED_WRITE_TO_READONLY_MEMORY",
     "A driver wrote to memory that is read-only.",
     {"address that was written to", "page table entry", "reserved", "reserved"}},
    {0xC1,
     "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION",
     "A driver wrote outside of its pool block.",
     {"address that was freed or damaged", "reserved", "reserved", "kind of the damage"}},
    {0xC2,
     "BAD_POOL_CALLER",
     "A pool routine was called in a way that cannot be.",
     {"kind of the violation", "depends on the kind", "depends on the kind",
      "depends on the kind"}},
    {0xC4,
     "DRIVER_VERIFIER_DETECTED_VIOLATION",
     "A rule that drivers must keep was broken.",
     {"kind of the violation", "depends on the kind", "depends on the kind",
      "depends on the kind"}},
    {0xC5,
     "DRIVER_CORRUPTED_EXPOOL",
     "The pool was used at an IRQL at which no page can be brought in, after it was damaged.",
     {"address that was used", "IRQL at that moment", "access: 0 read, 1 write",
      "address of the instruction"}},
    {0xC7,
     "TIMER_OR_DPC_INVALID",
     "A timer or DPC lies in memory that was given back.",
     {"what was found: 0 timer, 1 DPC object, 2 DPC routine", "address of the object",
      "start of the memory that was given back", "end of the memory that was given back"}},
    {0xC8,
     "IRQL_UNEXPECTED_VALUE",
     "The IRQL is not the one that it must be at this point.",
     {"(IRQL << 16) | (expected IRQL << 8) | place", "depends on the place", "depends on the place",
      "depends on the place"}},
    {0xC9,
     "DRIVER_VERIFIER_IOMANAGER_VIOLATION",
     "A rule of handling I/O requests was broken.",
     {"kind of the violation", "depends on the kind", "depends on the kind",
      "depends on the kind"}},
    {0xCB,
     "DRIVER_LEFT_LOCKED_PAGES_IN_PROCESS",
     "A driver did not unlock pages that it had locked for I/O.",
     {"address of the tracker", "reserved", "address of the MDL", "count of pages"}},
    {0xCC,
     "PAGE_FAULT_IN_FREED_SPECIAL_POOL",
     "The system used pool memory that was freed.",
     {"address that was used", "access: 0 read, 1 write", "address of the instruction",
      "reserved"}},
    {0xCE,
     "DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS",
     "Code or data of a driver was used after it was unloaded.",
     {"address that was used", "access: 0 read, 1 write, 2 or 8 instruction fetch",
      "address of the instruction, when known", "reserved"}},
    {0xD1,
     "DRIVER_IRQL_NOT_LESS_OR_EQUAL",
     "A driver used memory that was paged out, or that is not valid, at an IRQL at which no page "
     "can be brought in.",
     {"address that was used", "IRQL at that moment",
      "access: 0 read, 1 write, 2 or 8 instruction fetch", "address of the instruction"}},
    {0xD3,
     "DRIVER_PORTION_MUST_BE_NONPAGED",
     "The system used code or data of a driver at an IRQL at which no page can be brought in, and "
     "the driver had made it pageable.",
     {"address that was used", "IRQL at that moment", "access: 0 read, 1 write",
      "address of the instruction"}},
    {0xD4,
     "SYSTEM_SCAN_AT_RAISED_IRQL_CAUGHT_IMPROPER_DRIVER_UNLOAD",
     "Code or data of a driver was used at raised IRQL after it was unloaded.",
     {"address that was used", "IRQL at that moment", "access: 0 read, 1 write",
      "address of the instruction"}},
    {0xD5,
     "DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL",
     "A driver used pool memory that it had freed.",
     {"address that was used", "access: 0 read, 1 write", "address of the instruction",
      "reserved"}},
    {0xD6,
     "DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION",
     "A driver used memory beyond the end of its pool block.",
     {"address that was used", "access: 0 read, 1 write", "address of the instruction",
      "reserved"}},
    {0xE1,
     "WORKER_THREAD_RETURNED_AT_BAD_IRQL",
     "A work item's routine returned at raised IRQL.",
     {"address of the routine", "IRQL at its return", "parameter of the work item",
      "address of the work item"}},
    {0xE2,
     "MANUALLY_INITIATED_CRASH",
     "Somebody asked for a bug check.",
     {"reserved", "reserved", "reserved", "reserved"}},
    {0xFC,
     "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY",
     "A driver ran memory that is not code.",
     {"address that was run", "page table entry", "reserved", "reserved"}},
    {0xFE,
     "BUGCODE_USB_DRIVER",
     "A USB driver found an error that it cannot live with.",
     {"kind of the error", "depends on the kind", "depends on the kind", "depends on the kind"}},
    {0x121,
     "DRIVER_VIOLATION",
     "A driver called a routine at an IRQL that it does not allow.",
     {"1: the IRQL must be exact, 2: the IRQL is above the limit", "IRQL at that moment",
      "IRQL that is required, or the limit", "reserved"}},
    {0x133,
     "DPC_WATCHDOG_VIOLATION",
     "A DPC or interrupt routine ran for too long.",
     {"0: one routine, 1: all of them together", "time that it took", "time that is allowed",
      "reserved"}},
    {0x139,
     "KERNEL_SECURITY_CHECK_FAILURE",
     "A check for damaged memory failed (int 29h): a stack cookie, a list, a guarded call.",
     {"kind: 2 stack cookie, 3 list entry, 5 invalid argument, 10 guarded call",
      "address of the trap frame", "address of the exception record", "reserved"}},
    {0x192,
     "KERNEL_AUTO_BOOST_LOCK_ACQUISITION_WITH_RAISED_IRQL",
     "A lock that may wait was taken at DISPATCH_LEVEL or above.",
     {"thread", "address of the lock", "IRQL at that moment", "reserved"}},
};

/* What the first parameter's value says, and what the others are then.  Ascending by code. */
struct by_first {
    uint32_t code;
    uint64_t first;
    const char *meaning[4];
};

static const struct by_first kinds[] = {
    {0x1A,
     0x3F,
     {"0x3F: a page from the paging file does not have the checksum that it was written with",
      "offset in the paging file", "checksum of what was read", "checksum that was expected"}},
    {0x1A,
     0x1010,
     {"0x1010: unlock of a pageable section that is not locked", "handle that was passed",
      "first address of the section", "lock count"}},
    {0x1A,
     0x1234,
     {"0x1234: lock of a pageable section that does not exist", "address or handle that was passed",
      "first address of the section, or 0", "lock count, or 0"}},
    {0x1A,
     0x1236,
     {"0x1236: unlock of an MDL that has a page which is not locked", "address of the MDL",
      "address of the page number", "page number"}},
    {0x76,
     0,
     {"0: the process ended with locked pages", "process", "count of locked pages", "reserved"}},
    {0x76,
     1,
     {"1: unlock of pages that are not locked", "address of the MDL", "count of locked pages",
      "reserved"}},
    {0xC2, 0x00, {"0: request for no bytes", "IRQL at that moment", "type of the pool", "bytes"}},
    {0xC2,
     0x07,
     {"7: the block was freed already", "reserved", "header of the block, or tag",
      "address that was passed"}},
    {0xC2,
     0x08,
     {"8: allocation at an IRQL that the pool does not allow", "IRQL at that moment",
      "type of the pool", "bytes"}},
    {0xC2,
     0x09,
     {"9: free at an IRQL that the pool does not allow", "IRQL at that moment", "type of the pool",
      "address that was passed"}},
    {0xC2,
     0x0A,
     {"0xA: free with another tag than the block was allocated with", "address that was passed",
      "tag of the block", "tag that was passed"}},
    {0xC2,
     0x40,
     {"0x40: free of an address that is no system memory", "address that was passed",
      "start of system memory", "reserved"}},
    {0xC2,
     0x41,
     {"0x41: free of a nonpaged address that no block has", "address that was passed",
      "page number", "highest page number"}},
    {0xC2,
     0x46,
     {"0x46: free of an address that is no pool memory", "address that was passed", "reserved",
      "reserved"}},
    {0xC2,
     0x50,
     {"0x50: free of a paged address that no block has", "address that was passed",
      "offset in the pool, in pages", "bytes of the paged pool"}},
    {0xC2,
     0x99,
     {"0x99: free of an address that is no block", "address that was passed", "reserved",
      "reserved"}},
    {0xC4,
     0x20019,
     {"0x20019: a routine of the memory manager was called above APC_LEVEL", "text of the rule",
      "reserved", "reserved"}},
    {0xC7, 0, {"0: timer object", "address of the timer", "start of the memory", "end of it"}},
    {0xC7, 1, {"1: DPC object", "address of the DPC", "start of the memory", "end of it"}},
    {0xC7, 2, {"2: DPC routine", "address of the routine", "start of the memory", "end of it"}},
    {0x139,
     2,
     {"2: a stack buffer was overrun (its cookie changed)", "address of the trap frame",
      "address of the exception record", "reserved"}},
    {0x139,
     3,
     {"3: a list entry is damaged (removed twice?)", "address of the trap frame",
      "address of the exception record", "reserved"}},
};

static const struct text *find(uint32_t code)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].code == code) {
            return &texts[i];
        }
    }
    return NULL;
}

const char *bugcheck_name(uint32_t code)
{
    const struct text *text = find(code);

    return text != NULL ? text->name : NULL;
}

const char *bugcheck_explanation(uint32_t code)
{
    const struct text *text = find(code);

    return text != NULL ? text->explanation : "";
}

const char *bugcheck_parameter_meaning(uint32_t code, unsigned parameter)
{
    const struct text *text = find(code);

    if (text == NULL || parameter > 3 || text->meaning[parameter] == NULL) {
        return "";
    }
    return text->meaning[parameter];
}

const char *bugcheck_meaning(uint32_t code, const uint64_t parameters[4], unsigned parameter)
{
    if (parameter > 3) {
        return "";
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].code == code && kinds[i].first == parameters[0]) {
            return kinds[i].meaning[parameter];
        }
    }
    return bugcheck_parameter_meaning(code, parameter);
}
