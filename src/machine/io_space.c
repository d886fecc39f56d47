/* SPDX-License-Identifier: MIT */
/*
 * Ports, physical memory that devices claim, and the mappings through which drivers reach it.
 *
 * An access that lies in one claim is given to it as it is; one that spans several (or none) goes
 * byte by byte.  Where nobody is, reads give ones and writes are lost, as on a bus that nothing
 * answers on.
 *
 * Mappings are runs of pages of ARENA_IO, which stays inaccessible: each load or store there traps.
 * A page that is mapped has the index of its mapping + 1 in `pages`.
 */
#include "machine/hardware.h"
#include "machine/internal.h"

#define PORTS            65536u
#define CLAIMS_MAX       255u
#define MAPPINGS_MAX     1024u
#define IO_PAGES         ((uint32_t)(ARENA_IO_BYTES / PG_PAGE_SIZE))
#define NOTICES_MAX      16u
#define UNITS_PER_ACCESS 10u /* 1 us */

struct claim {
    struct io_range range;
    uint64_t first;
    uint64_t count; /* ports or bytes; 0: free */
};

struct mapping {
    uint64_t physical; /* as asked for; the first page starts below it */
    size_t bytes;
    uint32_t first_page, page_count; /* 0: free */
};

struct io_space {
    uint8_t port_claim[PORTS]; /* index + 1; 0: nobody's */
    struct claim ports[CLAIMS_MAX];
    struct claim memory[CLAIMS_MAX];
    struct mapping mappings[MAPPINGS_MAX];
    uint16_t pages[IO_PAGES];
    uint8_t port_noticed[PORTS / 8];
    uint64_t page_noticed[NOTICES_MAX];
    uint32_t port_notices, page_notices;
};

void io_space_start(void)
{
    M->io = machine_allocate(sizeof *M->io);
}

/* ---- claims ---- */

static struct claim *free_claim(struct claim claims[CLAIMS_MAX])
{
    for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
        if (claims[i].count == 0) {
            return &claims[i];
        }
    }
    return NULL;
}

bool machine_ports_claim(uint16_t first, uint32_t count, const struct io_range *range)
{
    struct claim *claim = free_claim(M->io->ports);

    if (claim == NULL || count == 0 || first + count > PORTS) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (M->io->port_claim[first + i] != 0) {
            return false;
        }
    }
    *claim = (struct claim){*range, first, count};
    for (uint32_t i = 0; i < count; i++) {
        M->io->port_claim[first + i] = (uint8_t)(claim - M->io->ports + 1);
    }
    return true;
}

void machine_ports_release(uint16_t first, uint32_t count)
{
    for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
        struct claim *claim = &M->io->ports[i];

        if (claim->count == count && claim->first == first) {
            claim->count = 0;
            for (uint32_t port = first; port < first + count; port++) {
                M->io->port_claim[port] = 0;
            }
            return;
        }
    }
}

bool machine_memory_claim(uint64_t physical, uint32_t bytes, const struct io_range *range)
{
    struct claim *claim = free_claim(M->io->memory);

    if (claim == NULL || bytes == 0 || physical + bytes < physical) {
        return false;
    }
    for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
        const struct claim *other = &M->io->memory[i];

        if (other->count != 0 && physical < other->first + other->count &&
            other->first < physical + bytes) {
            return false;
        }
    }
    *claim = (struct claim){*range, physical, bytes};
    return true;
}

void machine_memory_release(uint64_t physical, uint32_t bytes)
{
    for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
        struct claim *claim = &M->io->memory[i];

        if (claim->count == bytes && claim->first == physical) {
            claim->count = 0;
            return;
        }
    }
}

/* The claim that holds all of an access, or NULL. */
static const struct claim *port_claim(uint32_t port, unsigned bytes)
{
    uint8_t index = M->io->port_claim[port];
    const struct claim *claim;

    if (index == 0) {
        return NULL;
    }
    claim = &M->io->ports[index - 1u];
    return port + bytes <= claim->first + claim->count ? claim : NULL;
}

static const struct claim *memory_claim(uint64_t physical, unsigned bytes)
{
    for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
        const struct claim *claim = &M->io->memory[i];

        if (claim->count != 0 && physical >= claim->first &&
            physical + bytes <= claim->first + claim->count) {
            return claim;
        }
    }
    return NULL;
}

/* ---- where nobody is ---- */

static void notice_port(uint32_t port, const char *verb, uint64_t rip)
{
    uint8_t bit = (uint8_t)(1u << port % 8);

    if ((M->io->port_noticed[port / 8] & bit) != 0 || M->io->port_notices == NOTICES_MAX) {
        return;
    }
    M->io->port_noticed[port / 8] |= bit;
    M->io->port_notices++;
    machine_notice("port 0x%x was %s by %s, and no hardware is there%s", port, verb,
                   machine_place(rip).module,
                   M->io->port_notices == NOTICES_MAX ? "; no more ports are reported" : "");
}

static void notice_page(uint64_t physical, const char *verb, uint64_t rip)
{
    uint64_t page = physical & ~(uint64_t)(PG_PAGE_SIZE - 1);

    for (uint32_t i = 0; i < M->io->page_notices; i++) {
        if (M->io->page_noticed[i] == page) {
            return;
        }
    }
    if (M->io->page_notices == NOTICES_MAX) {
        return;
    }
    M->io->page_noticed[M->io->page_notices++] = page;
    machine_notice("physical memory at 0x%llx was %s by %s, and no hardware is there%s",
                   (unsigned long long)physical, verb, machine_place(rip).module,
                   M->io->page_notices == NOTICES_MAX ? "; no more pages are reported" : "");
}

/* ---- accesses ---- */

static uint64_t low_bytes(uint64_t value, unsigned bytes)
{
    return bytes == 8 ? value : value & ((1ull << 8 * bytes) - 1);
}

static uint64_t claim_read(const struct claim *claim, uint64_t at, unsigned bytes)
{
    return low_bytes(claim->range.read(claim->range.context, (uint32_t)(at - claim->first), bytes),
                     bytes);
}

static void claim_write(const struct claim *claim, uint64_t at, unsigned bytes, uint64_t value)
{
    claim->range.write(claim->range.context, (uint32_t)(at - claim->first), bytes,
                       low_bytes(value, bytes));
}

uint64_t io_port_read(uint16_t port, unsigned bytes, uint64_t rip)
{
    const struct claim *claim = port_claim(port, bytes);
    uint64_t value = 0;

    M->counters.port_accesses++;
    M->time += UNITS_PER_ACCESS;
    if (claim != NULL) {
        return claim_read(claim, port, bytes);
    }
    for (unsigned i = 0; i < bytes; i++) {
        uint16_t at = (uint16_t)(port + i);
        uint64_t byte = 0xff;

        claim = port_claim(at, 1);
        if (claim != NULL) {
            byte = claim_read(claim, at, 1);
        } else {
            notice_port(at, "read", rip);
        }
        value |= byte << 8 * i;
    }
    return value;
}

void io_port_write(uint16_t port, unsigned bytes, uint64_t value, uint64_t rip)
{
    const struct claim *claim = port_claim(port, bytes);

    M->counters.port_accesses++;
    M->time += UNITS_PER_ACCESS;
    if (claim != NULL) {
        claim_write(claim, port, bytes, value);
        return;
    }
    for (unsigned i = 0; i < bytes; i++) {
        uint16_t at = (uint16_t)(port + i);

        claim = port_claim(at, 1);
        if (claim != NULL) {
            claim_write(claim, at, 1, value >> 8 * i);
        } else {
            notice_port(at, "written", rip);
        }
    }
}

static uint64_t memory_read(uint64_t physical, unsigned bytes, uint64_t rip)
{
    const struct claim *claim = memory_claim(physical, bytes);
    uint64_t value = 0;

    if (claim != NULL) {
        return claim_read(claim, physical, bytes);
    }
    for (unsigned i = 0; i < bytes; i++) {
        uint64_t byte = 0xff;

        claim = memory_claim(physical + i, 1);
        if (claim != NULL) {
            byte = claim_read(claim, physical + i, 1);
        } else {
            notice_page(physical + i, "read", rip);
        }
        value |= byte << 8 * i;
    }
    return value;
}

static void memory_write(uint64_t physical, unsigned bytes, uint64_t value, uint64_t rip)
{
    const struct claim *claim = memory_claim(physical, bytes);

    if (claim != NULL) {
        claim_write(claim, physical, bytes, value);
        return;
    }
    for (unsigned i = 0; i < bytes; i++) {
        claim = memory_claim(physical + i, 1);
        if (claim != NULL) {
            claim_write(claim, physical + i, 1, value >> 8 * i);
        } else {
            notice_page(physical + i, "written", rip);
        }
    }
}

/* ---- mappings ---- */

static uint32_t find_pages(uint32_t count)
{
    uint32_t run = 0;

    for (uint32_t i = 0; i < IO_PAGES; i++) {
        run = M->io->pages[i] != 0 ? 0 : run + 1;
        if (run == count) {
            return i + 1 - count;
        }
    }
    return IO_PAGES;
}

static uint32_t free_mapping(void)
{
    uint32_t i = 0;

    while (i < MAPPINGS_MAX && M->io->mappings[i].page_count != 0) {
        i++;
    }
    return i;
}

uint64_t machine_io_map(uint64_t physical, size_t bytes)
{
    uint64_t within = physical % PG_PAGE_SIZE;
    uint32_t index = free_mapping();
    uint32_t pages;
    uint32_t first;

    if (bytes == 0 || bytes > ARENA_IO_BYTES || physical + bytes < physical ||
        index == MAPPINGS_MAX) {
        return 0;
    }
    pages = (uint32_t)((within + bytes + PG_PAGE_SIZE - 1) / PG_PAGE_SIZE);
    first = find_pages(pages);
    if (first == IO_PAGES) {
        return 0;
    }
    M->io->mappings[index] = (struct mapping){physical, bytes, first, pages};
    for (uint32_t i = 0; i < pages; i++) {
        M->io->pages[first + i] = (uint16_t)(index + 1);
    }
    return ARENA_IO + (uint64_t)first * PG_PAGE_SIZE + within;
}

/* The mapping of an address, or NULL. */
static struct mapping *mapping_at(uint64_t address)
{
    uint16_t index;

    if (address < ARENA_IO || address >= ARENA_IO + ARENA_IO_BYTES) {
        return NULL;
    }
    index = M->io->pages[(address - ARENA_IO) / PG_PAGE_SIZE];
    return index == 0 ? NULL : &M->io->mappings[index - 1u];
}

static uint64_t mapping_address(const struct mapping *mapping)
{
    return ARENA_IO + (uint64_t)mapping->first_page * PG_PAGE_SIZE +
           mapping->physical % PG_PAGE_SIZE;
}

bool machine_io_unmap(uint64_t address, size_t bytes)
{
    struct mapping *mapping = mapping_at(address);

    if (mapping == NULL || mapping_address(mapping) != address || mapping->bytes != bytes) {
        return false;
    }
    for (uint32_t i = 0; i < mapping->page_count; i++) {
        M->io->pages[mapping->first_page + i] = 0;
    }
    mapping->page_count = 0;
    return true;
}

bool io_is_mapped(uint64_t address)
{
    return mapping_at(address) != NULL;
}

static uint64_t physical_of(uint64_t address)
{
    const struct mapping *mapping = mapping_at(address);

    PG_ASSERT(mapping != NULL);
    return mapping->physical + (address - mapping_address(mapping));
}

uint64_t io_mapped_read(uint64_t address, unsigned bytes, uint64_t rip)
{
    M->counters.register_accesses++;
    M->time += UNITS_PER_ACCESS;
    return memory_read(physical_of(address), bytes, rip);
}

void io_mapped_write(uint64_t address, unsigned bytes, uint64_t value, uint64_t rip)
{
    M->counters.register_accesses++;
    M->time += UNITS_PER_ACCESS;
    memory_write(physical_of(address), bytes, value, rip);
}
