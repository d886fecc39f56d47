/* SPDX-License-Identifier: MIT */
/*
 * The one user of libdwarf.
 *
 * Nobody vouches for libdwarf on hostile input; so all of it runs in a child, where nothing is
 * cleaned up: the child ends.  What it sends back is checked like a file.  The fork costs less than
 * reading the DWARF of a small driver does.  libdwarf gets the sections from the image's checked
 * description, through its object-access interface; its own PE reader is not used.
 */
#include "symbols/dwarf.h"

#include "base/host.h"
#include "image/image.h"
#include "symbols/child.h"
#include "symbols/coff.h"
#include "symbols/path.h"
#include "symbols/wire.h"

#include <libdwarf/dwarf.h>
#include <libdwarf/libdwarf.h>

#include <stdio.h>

#define MAX_DEPTH 64u
#define MAX_FILES 65536u

struct reader {
    const struct image *image;
    struct table *table;
    Dwarf_Debug debug;
    char *note; /* WIRE_NOTE_ROOM; the first thing that went wrong */

    /* Of the unit that is being read. */
    Dwarf_Die unit;
    Dwarf_Half version;
    struct bytes directory; /* of the compilation */
    uint64_t base;          /* what its range lists are relative to */
    Dwarf_Line_Context context;
    Dwarf_Unsigned line_version; /* the line table has one of its own */
    uint32_t *files;             /* pool offset + 1 of each file that was asked for */
    uint64_t file_limit;
};

struct range {
    uint32_t rva, end;
};

/* What to do with one range of a DIE; `index` counts them. */
typedef void range_sink(struct reader *reader, void *context, struct range range, uint32_t index);

static char section_names[IMAGE_MAX_SECTIONS][64];

static int section_info(void *object, Dwarf_Half index, Dwarf_Obj_Access_Section *out, int *error)
{
    const struct image *image = object;
    struct bytes name;

    (void)error;
    memset(out, 0, sizeof(*out));
    out->name = "";
    if (index == 0) { /* reserved, as in ELF */
        return DW_DLV_OK;
    }
    if (index > image->section_count) {
        return DW_DLV_NO_ENTRY;
    }
    name = coff_section_name(image, index - 1u);
    (void)snprintf(section_names[index - 1], sizeof(section_names[0]), "%.*s",
                   name.size < 63 ? (int)name.size : 63, (const char *)name.at);
    out->name = section_names[index - 1];
    out->size = image->sections[index - 1].raw_size;
    if (out->size > image->sections[index - 1].virtual_size) {
        out->size = image->sections[index - 1].virtual_size;
    }
    return DW_DLV_OK;
}

static Dwarf_Endianness byte_order(void *object)
{
    (void)object;
    return DW_OBJECT_LSB;
}

static Dwarf_Small length_size(void *object)
{
    (void)object;
    return 4;
}

static Dwarf_Small pointer_size(void *object)
{
    (void)object;
    return 8;
}

static Dwarf_Unsigned section_count(void *object)
{
    return ((const struct image *)object)->section_count + 1;
}

static int load_section(void *object, Dwarf_Half index, Dwarf_Small **out, int *error)
{
    const struct image *image = object;

    (void)error;
    if (index == 0 || index > image->section_count || image->sections[index - 1].raw_size == 0) {
        return DW_DLV_NO_ENTRY;
    }
    *out = (Dwarf_Small *)(uintptr_t)(image->bytes + image->sections[index - 1].raw_offset);
    return DW_DLV_OK;
}

/* Remember the first error; true when `status` is one. */
static bool failed(struct reader *reader, int status, Dwarf_Error error)
{
    if (status == DW_DLV_ERROR && reader->note[0] == '\0') {
        (void)snprintf(reader->note, WIRE_NOTE_ROOM, "DWARF is malformed: %s", dwarf_errmsg(error));
    }
    return status == DW_DLV_ERROR;
}

static bool to_rva(const struct reader *reader, uint64_t address, uint32_t *rva)
{
    uint64_t offset = address - reader->image->preferred_base;

    *rva = (uint32_t)offset;
    return address >= reader->image->preferred_base && offset <= reader->image->image_size;
}

static struct bytes text_of(Dwarf_Die die, Dwarf_Half attribute)
{
    struct bytes text = {NULL, 0};
    Dwarf_Error error;
    char *s = NULL;

    if (dwarf_die_text(die, attribute, &s, &error) == DW_DLV_OK && s != NULL) {
        text.at = (const uint8_t *)s;
        text.size = strlen(s);
    }
    return text;
}

static bool number_of(Dwarf_Die die, Dwarf_Half which, uint64_t *out)
{
    Dwarf_Attribute attribute;
    Dwarf_Unsigned value;
    Dwarf_Signed small;
    Dwarf_Error error;

    if (dwarf_attr(die, which, &attribute, &error) != DW_DLV_OK) {
        return false;
    }
    if (dwarf_formudata(attribute, &value, &error) == DW_DLV_OK) {
        *out = value;
        return true;
    }
    if (dwarf_formsdata(attribute, &small, &error) == DW_DLV_OK && small >= 0) {
        *out = (uint64_t)small;
        return true;
    }
    return false;
}

/* The DIE that an attribute refers to. */
static bool referred(const struct reader *reader, Dwarf_Die die, Dwarf_Half which, Dwarf_Die *out)
{
    Dwarf_Attribute attribute;
    Dwarf_Error error;
    Dwarf_Off offset;

    return dwarf_attr(die, which, &attribute, &error) == DW_DLV_OK &&
           dwarf_global_formref(attribute, &offset, &error) == DW_DLV_OK &&
           dwarf_offdie_b(reader->debug, offset, 1, out, &error) == DW_DLV_OK;
}

/* Its own name, that of what it is an instance of, or the linker's. */
static struct bytes name_of(const struct reader *reader, Dwarf_Die die)
{
    struct bytes linkage = {NULL, 0};

    for (unsigned i = 0; i < 8; i++) {
        struct bytes name = text_of(die, DW_AT_name);

        if (name.size != 0) {
            return name;
        }
        if (linkage.size == 0) {
            linkage = text_of(die, DW_AT_linkage_name);
        }
        if (!referred(reader, die, DW_AT_abstract_origin, &die) &&
            !referred(reader, die, DW_AT_specification, &die)) {
            break;
        }
    }
    return linkage;
}

static void sink_addresses(struct reader *reader, uint64_t low, uint64_t high, range_sink *sink,
                           void *context, uint32_t index)
{
    struct range range;

    if (low < high && to_rva(reader, low, &range.rva) && to_rva(reader, high, &range.end)) {
        sink(reader, context, range, index);
    }
}

/* A list of .debug_ranges: DWARF 3 and 4. */
static void each_old_range(struct reader *reader, Dwarf_Die die, uint64_t offset, range_sink *sink,
                           void *context)
{
    Dwarf_Ranges *ranges = NULL;
    Dwarf_Signed count = 0;
    Dwarf_Unsigned size;
    Dwarf_Error error;
    uint64_t base = reader->base;
    uint32_t index = 0;
    int status = dwarf_get_ranges_a(reader->debug, offset, die, &ranges, &count, &size, &error);

    if (status != DW_DLV_OK) {
        (void)failed(reader, status, error);
        return;
    }
    for (Dwarf_Signed i = 0; i < count; i++) {
        if (ranges[i].dwr_type == DW_RANGES_ADDRESS_SELECTION) {
            base = ranges[i].dwr_addr2;
        } else if (ranges[i].dwr_type == DW_RANGES_ENTRY) {
            sink_addresses(reader, base + ranges[i].dwr_addr1, base + ranges[i].dwr_addr2, sink,
                           context, index++);
        }
    }
    dwarf_ranges_dealloc(reader->debug, ranges, count);
}

/* A list of .debug_rnglists: DWARF 5. */
static void each_new_range(struct reader *reader, Dwarf_Attribute attribute, range_sink *sink,
                           void *context)
{
    Dwarf_Rnglists_Head head;
    Dwarf_Unsigned count = 0, value = 0, offset;
    Dwarf_Error error;
    Dwarf_Half form = 0;
    uint32_t index = 0;
    int status = dwarf_whatform(attribute, &form, &error);

    if (status == DW_DLV_OK && form == DW_FORM_rnglistx) {
        status = dwarf_formudata(attribute, &value, &error);
    } else if (status == DW_DLV_OK) {
        status = dwarf_global_formref(attribute, &value, &error);
    }
    if (status == DW_DLV_OK) {
        status =
            dwarf_rnglists_get_rle_head(attribute, form, value, &head, &count, &offset, &error);
    }
    if (status != DW_DLV_OK) {
        (void)failed(reader, status, error);
        return;
    }
    for (Dwarf_Unsigned i = 0; i < count; i++) {
        Dwarf_Unsigned raw_low, raw_high, low, high;
        Dwarf_Bool unknown = 0;
        unsigned length, code;

        if (dwarf_get_rnglists_entry_fields_a(head, i, &length, &code, &raw_low, &raw_high,
                                              &unknown, &low, &high, &error) == DW_DLV_OK &&
            !unknown && code != DW_RLE_end_of_list && code != DW_RLE_base_address &&
            code != DW_RLE_base_addressx) {
            sink_addresses(reader, low, high, sink, context, index++);
        }
    }
    dwarf_dealloc_rnglists_head(head);
}

/* Every range of code of a DIE. */
static void each_range(struct reader *reader, Dwarf_Die die, range_sink *sink, void *context)
{
    Dwarf_Attribute attribute;
    Dwarf_Addr low = 0, high = 0;
    Dwarf_Half form;
    enum Dwarf_Form_Class class;
    Dwarf_Error error;
    uint64_t offset;

    if (dwarf_attr(die, DW_AT_ranges, &attribute, &error) == DW_DLV_OK) {
        if (reader->version >= 5) {
            each_new_range(reader, attribute, sink, context);
        } else if (number_of(die, DW_AT_ranges, &offset) ||
                   dwarf_global_formref(attribute, (Dwarf_Off *)&offset, &error) == DW_DLV_OK) {
            each_old_range(reader, die, offset, sink, context);
        }
        return;
    }
    if (dwarf_lowpc(die, &low, &error) == DW_DLV_OK &&
        dwarf_highpc_b(die, &high, &form, &class, &error) == DW_DLV_OK) {
        high += class == DW_FORM_CLASS_CONSTANT ? low : 0;
        sink_addresses(reader, low, high, sink, context, 0);
    }
}

/* The shown name of a file of the unit's line table, or 0. */
static uint32_t file_at(struct reader *reader, uint64_t index)
{
    char joined[PATH_ROOM], shown[PATH_ROOM];
    struct bytes name = {NULL, 0}, folder = {NULL, 0};
    const char *text = NULL;
    Dwarf_Unsigned where = 0, time, length;
    Dwarf_Form_Data16 *md5;
    Dwarf_Error error;

    if (index >= reader->file_limit) {
        return 0;
    }
    if (reader->files[index] != 0) {
        return reader->files[index] - 1;
    }
    if (dwarf_srclines_files_data_b(reader->context, (Dwarf_Signed)index, &text, &where, &time,
                                    &length, &md5, &error) != DW_DLV_OK ||
        text == NULL) {
        return 0;
    }
    name.at = (const uint8_t *)text;
    name.size = strlen(text);
    if ((where != 0 || reader->line_version >= 5) &&
        dwarf_srclines_include_dir_data(reader->context, (Dwarf_Signed)where, &text, &error) ==
            DW_DLV_OK &&
        text != NULL) {
        folder.at = (const uint8_t *)text;
        folder.size = strlen(text);
    }
    name.size = path_join(joined, folder, name);
    name.at = (const uint8_t *)joined;
    name.size = path_join(shown, reader->directory, name);
    name.at = (const uint8_t *)shown;
    length = path_show(joined, name, reader->directory);
    reader->files[index] = table_string(reader->table, joined, length) + 1;
    return reader->files[index] - 1;
}

/* This libdwarf takes a row that begins an epilogue for the end of a sequence. */
static bool ends_sequence(Dwarf_Line row)
{
    Dwarf_Bool ends = 0, prologue, epilogue = 0;
    Dwarf_Unsigned isa, discriminator;
    Dwarf_Error error;

    return dwarf_lineendsequence(row, &ends, &error) == DW_DLV_OK && ends &&
           dwarf_prologue_end_etc(row, &prologue, &epilogue, &isa, &discriminator, &error) ==
               DW_DLV_OK &&
           !epilogue;
}

static void read_rows(struct reader *reader)
{
    Dwarf_Line *lines = NULL;
    Dwarf_Signed count = 0;
    Dwarf_Error error;
    int status = dwarf_srclines_from_linecontext(reader->context, &lines, &count, &error);

    if (status != DW_DLV_OK) {
        (void)failed(reader, status, error);
        return;
    }
    for (Dwarf_Signed i = 0; i < count; i++) {
        Dwarf_Addr address;
        Dwarf_Unsigned line = 0, file = 0;
        uint32_t rva;

        if (dwarf_lineaddr(lines[i], &address, &error) != DW_DLV_OK ||
            dwarf_lineno(lines[i], &line, &error) != DW_DLV_OK ||
            dwarf_line_srcfileno(lines[i], &file, &error) != DW_DLV_OK ||
            !to_rva(reader, address, &rva)) {
            continue;
        }
        if (ends_sequence(lines[i])) {
            table_add_line(reader->table, rva, 0, 0);
        } else if (line != 0 && line <= UINT32_MAX) { /* 0: made by the compiler */
            table_add_line(reader->table, rva, file_at(reader, file), (uint32_t)line);
        }
    }
}

static void open_lines(struct reader *reader)
{
    Dwarf_Signed first, count, limit = 0;
    Dwarf_Small tables;
    Dwarf_Error error;
    int status =
        dwarf_srclines_b(reader->unit, &reader->line_version, &tables, &reader->context, &error);

    reader->file_limit = 0;
    if (status != DW_DLV_OK) {
        (void)failed(reader, status, error);
        return;
    }
    if (dwarf_srclines_files_indexes(reader->context, &first, &count, &limit, &error) ==
            DW_DLV_OK &&
        limit > 0) {
        reader->file_limit = (uint64_t)limit < MAX_FILES ? (uint64_t)limit : MAX_FILES;
        reader->files = host.allocate(reader->file_limit * sizeof(uint32_t));
        if (reader->files == NULL) {
            reader->table->no_memory = true;
            reader->file_limit = 0;
        }
    }
    read_rows(reader);
}

static void close_lines(struct reader *reader)
{
    host.release(reader->files);
    reader->files = NULL;
    if (reader->context != NULL) {
        dwarf_srclines_dealloc_b(reader->context);
        reader->context = NULL;
    }
}

/* The first range holds the entry, and has the name; the others were moved away as cold. */
static void add_function(struct reader *reader, void *context, struct range range, uint32_t index)
{
    const struct bytes *name = context;
    char cold[TABLE_MAX_STRING + 1];
    struct bytes shown = *name;

    if (index != 0 && name->size != 0) {
        int length =
            snprintf(cold, sizeof(cold), "%.*s.cold",
                     name->size < TABLE_MAX_STRING ? (int)name->size : (int)TABLE_MAX_STRING,
                     (const char *)name->at);

        shown.at = (const uint8_t *)cold;
        shown.size = (size_t)length < sizeof(cold) ? (size_t)length : sizeof(cold) - 1;
    }
    table_add_function(reader->table, SOURCE_DWARF, shown, range.rva, range.end - range.rva);
}

struct call {
    uint64_t file, line;
};

static void add_inlined(struct reader *reader, void *context, struct range range, uint32_t index)
{
    const struct call *call = context;

    (void)index;
    table_add_inline(reader->table, range.rva, range.end, file_at(reader, call->file),
                     call->line <= UINT32_MAX ? (uint32_t)call->line : 0);
}

/* True when the children of this DIE are to be looked at. */
static bool read_die(struct reader *reader, Dwarf_Die die)
{
    struct call call = {0, 0};
    struct bytes name;
    Dwarf_Half tag = 0;
    Dwarf_Error error;

    if (dwarf_tag(die, &tag, &error) != DW_DLV_OK) {
        return false;
    }
    switch (tag) {
    case DW_TAG_subprogram:
        name = name_of(reader, die);
        each_range(reader, die, add_function, &name);
        return true;
    case DW_TAG_inlined_subroutine: /* what was inlined into it in turn lies inside its ranges */
        (void)number_of(die, DW_AT_call_file, &call.file);
        (void)number_of(die, DW_AT_call_line, &call.line);
        each_range(reader, die, add_inlined, &call);
        return false;
    case DW_TAG_compile_unit:
    case DW_TAG_partial_unit:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
        return true;
    default:
        return false;
    }
}

static void walk(struct reader *reader, Dwarf_Die parent, unsigned depth)
{
    Dwarf_Die die = NULL;
    Dwarf_Error error;
    int status = dwarf_child(parent, &die, &error);

    while (status == DW_DLV_OK) {
        Dwarf_Die next = NULL;

        if (read_die(reader, die) && depth < MAX_DEPTH) {
            walk(reader, die, depth + 1);
        }
        status = dwarf_siblingof_b(reader->debug, die, 1, &next, &error);
        dwarf_dealloc(reader->debug, die, DW_DLA_DIE);
        die = next;
    }
    (void)failed(reader, status, error);
}

static void read_unit(struct reader *reader)
{
    Dwarf_Addr low = 0;
    Dwarf_Error error;

    reader->directory = text_of(reader->unit, DW_AT_comp_dir);
    reader->base = dwarf_lowpc(reader->unit, &low, &error) == DW_DLV_OK ? low : 0;
    open_lines(reader);
    walk(reader, reader->unit, 0);
    close_lines(reader);
}

static void read_units(struct reader *reader)
{
    for (;;) {
        Dwarf_Unsigned length, type_offset, next;
        Dwarf_Off abbreviations;
        Dwarf_Half address_size, offset_size, extension, type;
        Dwarf_Sig8 signature;
        Dwarf_Error error;
        int status = dwarf_next_cu_header_d(reader->debug, 1, &length, &reader->version,
                                            &abbreviations, &address_size, &offset_size, &extension,
                                            &signature, &type_offset, &next, &type, &error);

        if (status != DW_DLV_OK) {
            (void)failed(reader, status, error);
            return;
        }
        status = dwarf_siblingof_b(reader->debug, NULL, 1, &reader->unit, &error);
        if (status == DW_DLV_OK) {
            read_unit(reader);
        }
        (void)failed(reader, status, error);
    }
}

static bool put(void *context, const void *data, size_t size)
{
    return child_write(*(const int *)context, data, size);
}

static void work(void *context, int output)
{
    static const Dwarf_Obj_Access_Methods methods = {
        .get_section_info = section_info,
        .get_byte_order = byte_order,
        .get_length_size = length_size,
        .get_pointer_size = pointer_size,
        .get_section_count = section_count,
        .load_section = load_section,
    };
    Dwarf_Obj_Access_Interface access = {context, &methods};
    char note[WIRE_NOTE_ROOM] = "";
    struct table table;
    struct reader reader = {.image = context, .table = &table, .note = note};
    Dwarf_Error error;
    int status;

    table_init(&table, context);
    (void)dwarf_set_de_alloc_flag(0); /* nothing is to be freed at the end: the process ends */
    status = dwarf_object_init_b(&access, NULL, NULL, DW_GROUPNUMBER_ANY, &reader.debug, &error);
    if (status == DW_DLV_OK) {
        read_units(&reader);
    }
    (void)failed(&reader, status, error);
    (void)wire_send(&table, note, put, &output);
}

static bool has_dwarf(const struct image *image)
{
    static const char wanted[] = ".debug_info";

    for (uint32_t i = 0; i < image->section_count; i++) {
        struct bytes name = coff_section_name(image, i);

        if (name.size == sizeof(wanted) - 1 && memcmp(name.at, wanted, name.size) == 0) {
            return true;
        }
    }
    return false;
}

void read_dwarf(const struct image *image, struct table *table, char *note, size_t note_size)
{
    struct child_result result;
    char told[WIRE_NOTE_ROOM] = "";

    note[0] = '\0';
    if (!has_dwarf(image)) {
        return;
    }
    child_run(work, (void *)(uintptr_t)image, &result);
    if (result.no_memory) {
        table->no_memory = true;
    } else if (result.problem[0] != '\0') {
        (void)snprintf(note, note_size, "DWARF is not used: its reader %s", result.problem);
    } else if (!wire_receive(result.output, table, told)) {
        (void)snprintf(note, note_size, "DWARF is not used: its reader gave no sound answer");
    } else {
        (void)snprintf(note, note_size, "%s", told);
    }
    host.release((void *)(uintptr_t)result.output.at);
    table_order_lines(table);
}
