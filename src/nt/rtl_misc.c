/* SPDX-License-Identifier: MIT */
/* Version of the system, random numbers, byte order, and what lies at an address. */
#include "nt/ex.h"

#include <string.h>

enum { VERSION_MAJOR = 10, VERSION_MINOR = 0, VERSION_BUILD = 19045, PLATFORM_NT = 2 };
enum { SUITE_SINGLE_USER_TERMINAL = 0x100, PRODUCT_WORKSTATION = 1 };

struct version_info {
    uint32_t Size, Major, Minor, Build, Platform;
    uint16_t ServicePack[128];
    uint16_t ServicePackMajor, ServicePackMinor, SuiteMask;
    uint8_t ProductType, Reserved;
};
#define VERSION_BYTES_SHORT offsetof(struct version_info, ServicePackMajor)

static ntstatus RtlGetVersion(struct version_info *out)
{
    struct version_info info = {.Major = VERSION_MAJOR,
                                .Minor = VERSION_MINOR,
                                .Build = VERSION_BUILD,
                                .Platform = PLATFORM_NT,
                                .SuiteMask = SUITE_SINGLE_USER_TERMINAL,
                                .ProductType = PRODUCT_WORKSTATION};
    size_t bytes;

    machine_touch((uint64_t)out, VERSION_BYTES_SHORT, PAGER_WRITE);
    info.Size = out->Size;
    bytes = out->Size == sizeof info ? sizeof info : VERSION_BYTES_SHORT;
    machine_touch((uint64_t)out, bytes, PAGER_WRITE);
    memcpy(out, &info, bytes);
    return STATUS_SUCCESS;
}

/* ---- RtlVerifyVersionInfo: three bits of condition for each bit of the type mask ---- */

enum {
    VERSION_TYPE_MINOR = 0x1,
    VERSION_TYPE_MAJOR = 0x2,
    VERSION_TYPE_BUILD = 0x4,
    VERSION_TYPE_PLATFORM = 0x8,
    VERSION_TYPE_SP_MINOR = 0x10,
    VERSION_TYPE_SP_MAJOR = 0x20,
    VERSION_TYPE_SUITE = 0x40,
    VERSION_TYPE_PRODUCT = 0x80
};
enum { EQUAL = 1, GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, AND_ALL, OR_ANY };

static unsigned type_index(uint32_t type)
{
    return (unsigned)__builtin_ctz(type);
}

static uint64_t VerSetConditionMask(uint64_t mask, uint32_t types, uint8_t condition)
{
    uint32_t known = types & 0xff;

    if (known != 0) {
        mask |= (uint64_t)(condition & 7) << type_index(known) * 3;
    }
    return mask;
}

static uint32_t condition_of(uint64_t mask, uint32_t type)
{
    return (uint32_t)(mask >> type_index(type) * 3) & 7;
}

static bool holds(uint32_t condition, uint32_t ours, uint32_t wanted)
{
    switch (condition) {
    case EQUAL:
        return ours == wanted;
    case GREATER:
        return ours > wanted;
    case GREATER_EQUAL:
        return ours >= wanted;
    case LESS:
        return ours < wanted;
    case LESS_EQUAL:
        return ours <= wanted;
    default:
        return false;
    }
}

/* Major, minor and service pack are one number: a part decides only when those above are equal. */
static bool version_holds(const struct version_info *wanted, uint32_t types, uint64_t mask)
{
    const struct {
        uint32_t type, ours, wanted;
    } parts[] = {{VERSION_TYPE_MAJOR, VERSION_MAJOR, wanted->Major},
                 {VERSION_TYPE_MINOR, VERSION_MINOR, wanted->Minor},
                 {VERSION_TYPE_SP_MAJOR, 0, wanted->ServicePackMajor},
                 {VERSION_TYPE_SP_MINOR, 0, wanted->ServicePackMinor}};
    uint32_t condition = EQUAL;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!(types & parts[i].type)) {
            continue;
        }
        if (condition == EQUAL) {
            condition = condition_of(mask, parts[i].type);
        }
        if (parts[i].ours != parts[i].wanted) {
            return holds(condition, parts[i].ours, parts[i].wanted);
        }
    }
    return condition != GREATER && condition != LESS;
}

static bool suite_holds(uint32_t condition, uint16_t wanted)
{
    uint16_t common = wanted & SUITE_SINGLE_USER_TERMINAL;

    return condition == AND_ALL ? common == wanted : common != 0 || wanted == 0;
}

static ntstatus RtlVerifyVersionInfo(const struct version_info *wanted, uint32_t types,
                                     uint64_t mask)
{
    enum {
        NUMBERS =
            VERSION_TYPE_MAJOR | VERSION_TYPE_MINOR | VERSION_TYPE_SP_MAJOR | VERSION_TYPE_SP_MINOR
    };
    bool ok = true;

    machine_touch((uint64_t)wanted, sizeof *wanted, PAGER_READ);
    if (types == 0 || mask == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (types & NUMBERS) {
        ok = version_holds(wanted, types, mask);
    }
    if (types & VERSION_TYPE_BUILD) {
        ok = ok && holds(condition_of(mask, VERSION_TYPE_BUILD), VERSION_BUILD, wanted->Build);
    }
    if (types & VERSION_TYPE_PLATFORM) {
        ok = ok && holds(condition_of(mask, VERSION_TYPE_PLATFORM), PLATFORM_NT, wanted->Platform);
    }
    if (types & VERSION_TYPE_PRODUCT) {
        ok = ok && holds(condition_of(mask, VERSION_TYPE_PRODUCT), PRODUCT_WORKSTATION,
                         wanted->ProductType);
    }
    if (types & VERSION_TYPE_SUITE) {
        ok = ok && suite_holds(condition_of(mask, VERSION_TYPE_SUITE), wanted->SuiteMask);
    }
    return ok ? STATUS_SUCCESS : STATUS_REVISION_MISMATCH;
}

/* NTDDI_VERSION numbers: this system and everything before it. */
static uint8_t RtlIsNtDdiVersionAvailable(uint32_t version)
{
    return version <= 0x0A00000Cu && (version & 0xffu) == (version & 0xffffu);
}

/* ---- random numbers: the generator that the documents give, state in the caller's seed ---- */

static uint32_t next_random(uint32_t *seed)
{
    machine_touch((uint64_t)seed, sizeof *seed, PAGER_WRITE);
    *seed = (uint32_t)(((uint64_t)*seed * 0x7fffffedu + 0x7fffffc3u) % 0x7fffffffu);
    return *seed;
}

static uint32_t RtlRandom(uint32_t *seed)
{
    return next_random(seed);
}

static uint32_t RtlRandomEx(uint32_t *seed)
{
    return next_random(seed);
}

/* ---- byte order ---- */

static uint16_t RtlUshortByteSwap(uint16_t value)
{
    return __builtin_bswap16(value);
}

static uint32_t RtlUlongByteSwap(uint32_t value)
{
    return __builtin_bswap32(value);
}

static uint64_t RtlUlonglongByteSwap(uint64_t value)
{
    return __builtin_bswap64(value);
}

/* ---- images ---- */

static uint64_t RtlPcToFileHeader(uint64_t address, uint64_t *base)
{
    const struct module *module = module_at(address);

    machine_touch((uint64_t)base, sizeof *base, PAGER_WRITE);
    *base = module == NULL ? 0 : module->base;
    return *base;
}

NT_CALL1(RtlGetVersion, struct version_info *)
NT_CALL3(VerSetConditionMask, uint64_t, uint32_t, uint8_t)
NT_CALL3(RtlVerifyVersionInfo, const struct version_info *, uint32_t, uint64_t)
NT_CALL1(RtlIsNtDdiVersionAvailable, uint32_t)
NT_CALL1(RtlRandom, uint32_t *)
NT_CALL1(RtlRandomEx, uint32_t *)
NT_CALL1(RtlUshortByteSwap, uint16_t)
NT_CALL1(RtlUlongByteSwap, uint32_t)
NT_CALL1(RtlUlonglongByteSwap, uint64_t)
NT_CALL2(RtlPcToFileHeader, uint64_t, uint64_t *)
