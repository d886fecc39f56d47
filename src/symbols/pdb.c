/* SPDX-License-Identifier: MIT */
#include "symbols/pdb.h"

#include "base/host.h"
#include "image/image.h"

#include <stdio.h>

#define STREAM_INFO     1u
#define STREAM_DBI      3u
#define STREAM_IDS      4u
#define NO_STREAM       0xffffu
#define INFO_HEADER     28u
#define DBI_HEADER      64u
#define DBI_SIGNATURE   0xffffffffu
#define MODULE_HEADER   64u
#define IDS_VERSION     20040203u
#define IDS_HEADER      56u
#define NAMES_SIGNATURE 0xeffeeffeu
#define NAMES_HEADER    12u
#define S_PUB32         0x110eu
#define PUBLIC_CODE     3u /* flags: code, function */
#define LF_STRING_ID    0x1605u

static void release(struct bytes b)
{
    host.release((void *)(uintptr_t)b.at);
}

static void is_broken(struct pdb *pdb, const char *part)
{
    if (pdb->broken == NULL) {
        pdb->broken = part;
    }
}

/* A stream's copy; empty when there is no memory, which the table then knows. */
static struct bytes stream_of(struct pdb *pdb, uint32_t index)
{
    struct bytes stream = {NULL, 0};

    if (index != NO_STREAM && msf_stream(&pdb->msf, index, &stream) != PG_OK) {
        pdb->table->no_memory = true;
    }
    return stream;
}

bool pdb_rva(const struct pdb *pdb, uint16_t segment, uint32_t offset, uint32_t *rva)
{
    const struct image_section *section;

    if (segment == 0 || segment > pdb->image->section_count) {
        return false;
    }
    section = &pdb->image->sections[segment - 1];
    *rva = section->rva + offset;
    return offset < section->virtual_size;
}

/* The number of the stream called "/names", in the hash table behind the info stream's header. */
static uint32_t names_stream(struct bytes info)
{
    struct bytes strings = bytes_part(info, INFO_HEADER + 4, bytes_u32(info, INFO_HEADER));
    size_t at = INFO_HEADER + 4 + strings.size;
    uint32_t count = bytes_u32(info, at);

    at += 8;                                   /* count, capacity */
    at += 4 + 4 * (size_t)bytes_u32(info, at); /* bits of the slots in use */
    at += 4 + 4 * (size_t)bytes_u32(info, at); /* bits of the slots given up */
    for (uint32_t i = 0; i < count && bytes_have(info, at, 8); i++, at += 8) {
        struct bytes name = bytes_string(strings, bytes_u32(info, at));

        if (name.size == 6 && memcmp(name.at, "/names", 6) == 0) {
            return bytes_u32(info, at + 4);
        }
    }
    return NO_STREAM;
}

static void guid_text(char out[40], const uint8_t *guid)
{
    struct bytes g = {guid, 16};

    (void)snprintf(out, 40, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", bytes_u32(g, 0),
                   bytes_u16(g, 4), bytes_u16(g, 6), guid[8], guid[9], guid[10], guid[11], guid[12],
                   guid[13], guid[14], guid[15]);
}

/* GUID and age, which the linker writes into the image and its PDB. */
static pg_status check_identity(struct bytes info, struct bytes dbi, const struct image_pdb *wanted,
                                char *why, size_t why_size)
{
    char has[40], wants[40];

    if (!bytes_have(info, 0, INFO_HEADER)) {
        (void)snprintf(why, why_size, "its information stream is too short");
        return PG_E_FORMAT;
    }
    if (memcmp(info.at + 12, wanted->guid, sizeof(wanted->guid)) != 0) {
        guid_text(has, info.at + 12);
        guid_text(wants, wanted->guid);
        (void)snprintf(why, why_size, "it belongs to another image (its GUID is %s, not %s)", has,
                       wants);
        return PG_E_NOT_FOUND;
    }
    if (!bytes_have(dbi, 0, DBI_HEADER) || bytes_u32(dbi, 0) != DBI_SIGNATURE) {
        (void)snprintf(why, why_size, "its debug information stream is malformed");
        return PG_E_FORMAT;
    }
    if (bytes_u32(dbi, 8) != wanted->age) {
        (void)snprintf(why, why_size,
                       "it belongs to another link of the image (its age is %u, not %u)",
                       bytes_u32(dbi, 8), wanted->age);
        return PG_E_NOT_FOUND;
    }
    return PG_OK;
}

static void open_ids(struct pdb *pdb, struct bytes stream)
{
    uint32_t first = bytes_u32(stream, 8), end = bytes_u32(stream, 12);
    struct bytes records = bytes_part(stream, bytes_u32(stream, 4), bytes_u32(stream, 16));
    size_t at = 0;

    if (!bytes_have(stream, 0, IDS_HEADER) || bytes_u32(stream, 0) != IDS_VERSION || end <= first ||
        end - first > records.size / 4) {
        if (stream.size != 0 && end != first) {
            is_broken(pdb, "the id stream");
        }
        return;
    }
    pdb->id_offsets = host.allocate((size_t)(end - first) * sizeof(uint32_t));
    if (pdb->id_offsets == NULL) {
        pdb->table->no_memory = true;
        return;
    }
    pdb->ids = records;
    pdb->id_first = first;
    while (pdb->id_count < end - first && bytes_have(records, at, 4) &&
           bytes_have(records, at + 2, bytes_u16(records, at))) {
        pdb->id_offsets[pdb->id_count++] = (uint32_t)at;
        at += 2 + (size_t)bytes_u16(records, at);
    }
    if (pdb->id_count != end - first) {
        is_broken(pdb, "the id stream");
    }
}

struct bytes pdb_id_record(const struct pdb *pdb, uint32_t id, uint16_t leaf)
{
    struct bytes none = {NULL, 0};
    uint32_t at;

    if (id < pdb->id_first || id - pdb->id_first >= pdb->id_count) {
        return none;
    }
    at = pdb->id_offsets[id - pdb->id_first];
    if (bytes_u16(pdb->ids, at) < 2 || bytes_u16(pdb->ids, at + 2) != leaf) {
        return none;
    }
    return bytes_part(pdb->ids, at + 4, bytes_u16(pdb->ids, at) - 2u);
}

struct bytes pdb_id_string(const struct pdb *pdb, uint32_t id)
{
    return bytes_string(pdb_id_record(pdb, id, LF_STRING_ID), 4);
}

static void read_publics(struct pdb *pdb, struct bytes records)
{
    size_t at = 0;

    while (bytes_have(records, at, 4)) {
        uint16_t length = bytes_u16(records, at);
        struct bytes r = bytes_part(records, at + 2, length);
        uint32_t rva;

        if (length < 2 || r.size != length) {
            break;
        }
        if (bytes_u16(r, 0) == S_PUB32 && (bytes_u32(r, 2) & PUBLIC_CODE) != 0 &&
            pdb_rva(pdb, bytes_u16(r, 10), bytes_u32(r, 6), &rva) && bytes_have(r, 12, 1)) {
            table_add_function(pdb->table, SOURCE_PDB_PUBLIC, bytes_string(r, 12), rva, 0);
        }
        at += 2 + (size_t)length;
    }
    if (at != records.size) {
        is_broken(pdb, "the public symbols");
    }
}

/* Read the stream of one module, unless another module was read from it. */
static void read_module(struct pdb *pdb, struct bytes header, uint8_t *seen)
{
    uint16_t index = bytes_u16(header, 34);
    uint32_t symbols = bytes_u32(header, 36), old = bytes_u32(header, 40);
    uint32_t lines = bytes_u32(header, 44);
    struct bytes stream;

    if (index == NO_STREAM) {
        return;
    }
    if (index >= pdb->msf.stream_count || (seen[index / 8] & 1u << index % 8) != 0) {
        is_broken(pdb, "the module list");
        return;
    }
    seen[index / 8] |= (uint8_t)(1u << index % 8);
    stream = stream_of(pdb, index);
    if ((uint64_t)symbols + old + lines > stream.size) {
        is_broken(pdb, "a module");
    } else {
        codeview_read(pdb, stream, symbols, old, lines);
    }
    release(stream);
}

static void read_modules(struct pdb *pdb, struct bytes list)
{
    uint8_t seen[(NO_STREAM + 1) / 8] = {0};
    size_t at = 0;

    while (bytes_have(list, at, MODULE_HEADER)) {
        struct bytes header = bytes_part(list, at, MODULE_HEADER);

        at += MODULE_HEADER;
        at += bytes_string(list, at).size + 1; /* its name */
        at += bytes_string(list, at).size + 1; /* and that of its object file */
        at = (at + 3) & ~(size_t)3;
        if (at > list.size) {
            is_broken(pdb, "the module list");
        }
        read_module(pdb, header, seen);
    }
}

static void read_all(struct pdb *pdb, struct bytes info, struct bytes dbi)
{
    struct bytes names = stream_of(pdb, names_stream(info));
    struct bytes ids = stream_of(pdb, STREAM_IDS);
    struct bytes publics = stream_of(pdb, bytes_u16(dbi, 20));

    if (bytes_u32(names, 0) == NAMES_SIGNATURE) {
        pdb->names = bytes_part(names, NAMES_HEADER, bytes_u32(names, 8));
    }
    open_ids(pdb, ids);
    read_modules(pdb, bytes_part(dbi, DBI_HEADER, bytes_u32(dbi, 24)));
    read_publics(pdb, publics);
    table_order_lines(pdb->table);
    release(names);
    release(ids);
    release(publics);
    host.release(pdb->id_offsets);
}

pg_status pdb_read(struct bytes file, const struct image_pdb *wanted, const struct image *image,
                   struct table *table, char *why, size_t why_size)
{
    struct pdb pdb = {.image = image, .table = table};
    struct bytes info, dbi;
    pg_status status = msf_open(file, &pdb.msf);

    if (status == PG_E_NO_MEMORY) {
        table->no_memory = true;
        return status;
    }
    if (status != PG_OK) {
        (void)snprintf(why, why_size,
                       status == PG_E_UNSUPPORTED ? "it is not a PDB"
                                                  : "its directory is malformed");
        return status;
    }
    info = stream_of(&pdb, STREAM_INFO);
    dbi = stream_of(&pdb, STREAM_DBI);
    status = table->no_memory ? PG_E_NO_MEMORY : check_identity(info, dbi, wanted, why, why_size);
    if (status == PG_OK) {
        read_all(&pdb, info, dbi);
        if (pdb.broken != NULL) {
            (void)snprintf(why, why_size, "%s could not be read fully", pdb.broken);
        }
    }
    release(info);
    release(dbi);
    msf_close(&pdb.msf);
    return status;
}
