/* SPDX-License-Identifier: MIT */
/* Questions about memory and the system, and the probes of user buffers. */
#include "nt/ex.h"

#include <stdio.h>

static uint8_t MmIsAddressValid(uint64_t address)
{
    return !machine_would_fault(address, PAGER_READ);
}

/* Exports of the system only, by exact name; a routine that pagable does not have does not exist.
 */
static uint64_t MmGetSystemRoutineAddress(const struct unicode_string *name)
{
    char ascii[96];
    const struct nt_export *export;
    size_t count;

    rtl_touch_unicode(name);
    count = name->Length / 2u;
    if (count >= sizeof ascii) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (name->Buffer[i] == 0 || name->Buffer[i] > 0x7e) {
            return 0;
        }
        ascii[i] = (char)name->Buffer[i];
    }
    ascii[count] = '\0';
    export = nt_export_find(ascii);
    return export == NULL || export->state != EXPORT_DONE ? 0 : nt_export_address(ascii);
}

static uint8_t verifying(void)
{
    return machine_options()->rules != RULE_SET_NONE;
}

static uint32_t MmIsDriverVerifying(uint64_t driver)
{
    return ob_type(driver) == OBJECT_DRIVER && verifying();
}

static uint32_t MmIsDriverVerifyingByAddress(uint64_t address)
{
    return module_at(address) != NULL && verifying();
}

static uint32_t MmQuerySystemSize(void)
{
    enum { LARGE_SYSTEM = 2 };

    return LARGE_SYSTEM;
}

static uint8_t MmIsThisAnNtAsSystem(void)
{
    return 0; /* a workstation */
}

static _Noreturn void bad_probe(uint64_t address, bool write, const char *words)
{
    ex_raise((uint32_t)STATUS_ACCESS_VIOLATION, write, address, words);
}

static void check_user(uint64_t address, size_t bytes, uint32_t alignment, bool write)
{
    if (address & (alignment - 1)) {
        ex_raise((uint32_t)STATUS_DATATYPE_MISALIGNMENT, 0, address,
                 "a user buffer was probed that is not aligned as asked for");
    }
    if (address + bytes < address || address + bytes > USER_END) {
        bad_probe(address, write,
                  "a buffer was probed that does not end below the highest user "
                  "address");
    }
}

/* Only the range is checked, as on Windows: reading it may still fault. */
static void ProbeForRead(uint64_t address, size_t bytes, uint32_t alignment)
{
    if (bytes != 0) {
        check_user(address, bytes, alignment, false);
    }
}

/* Every page is written. */
static void ProbeForWrite(uint64_t address, size_t bytes, uint32_t alignment)
{
    if (bytes == 0) {
        return;
    }
    check_user(address, bytes, alignment, true);
    machine_touch(address, bytes, PAGER_WRITE);
}

NT_CALL1(MmIsAddressValid, uint64_t)
NT_CALL1(MmGetSystemRoutineAddress, const struct unicode_string *)
NT_CALL1(MmIsDriverVerifying, uint64_t)
NT_CALL1(MmIsDriverVerifyingByAddress, uint64_t)
NT_CALL0(uint32_t, MmQuerySystemSize)
NT_CALL0(uint8_t, MmIsThisAnNtAsSystem)
NT_VOID3(ProbeForRead, uint64_t, size_t, uint32_t)
NT_VOID3(ProbeForWrite, uint64_t, size_t, uint32_t)
