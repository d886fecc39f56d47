/* SPDX-License-Identifier: MIT */
/* The ELF reader against files that are wrong: damaged, cut, changed since they were loaded. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "native/elf.h"
#include "support/run.h"
#include "support_linux.h"

/* The file that the reader sees: this program's, changed at will. */
static char *bytes;
static uint64_t size;

static struct host_calls real;

enum { FAKE_FD = 1000000 };

static int fake_open(const char *path)
{
    return strncmp(path, "/proc/self/", 11) == 0 && strcmp(path, "/proc/self/exe") != 0
               ? real.open_read(path)
               : FAKE_FD;
}

static ssize_t fake_read(int fd, void *buffer, size_t wanted, uint64_t offset)
{
    if (fd != FAKE_FD) {
        return real.read_at(fd, buffer, wanted, offset);
    }
    if (offset >= size) {
        return 0;
    }
    if (wanted > size - offset) {
        wanted = size - offset;
    }
    memcpy(buffer, &bytes[offset], wanted);
    return (ssize_t)wanted;
}

static int64_t fake_size(int fd)
{
    return fd == FAKE_FD ? (int64_t)size : real.file_size(fd);
}

static void fake_close(int fd)
{
    if (fd != FAKE_FD) {
        real.close(fd);
    }
}

static void setup(void)
{
    int fd = host.open_read("/proc/self/exe");
    int64_t all = host.file_size(fd);

    ck_assert_int_gt(all, 0);
    size = (uint64_t)all;
    bytes = malloc(size);
    for (uint64_t at = 0; at < size;) {
        ssize_t n = host.read_at(fd, &bytes[at], size - at, at);

        ck_assert_int_gt(n, 0);
        at += (uint64_t)n;
    }
    host.close(fd);
    real = host;
    host.open_read = fake_open;
    host.read_at = fake_read;
    host.file_size = fake_size;
    host.close = fake_close;
}

static void teardown(void)
{
    host = real;
    free(bytes);
}

static Elf64_Ehdr *header(void)
{
    return (Elf64_Ehdr *)(void *)bytes;
}

static Elf64_Shdr *section_header(unsigned i)
{
    return (Elf64_Shdr *)(void *)&bytes[header()->e_shoff] + i;
}

/* The first section that is loaded. */
static Elf64_Shdr *loaded_header(void)
{
    unsigned i = 1;

    while ((section_header(i)->sh_flags & SHF_ALLOC) == 0) {
        i++;
    }
    return section_header(i);
}

static pg_status read_sections(void)
{
    struct elf_file file;
    struct elf_sections sections;
    pg_status status = elf_open(&file, "test");

    if (status != PG_OK) {
        return status;
    }
    status = elf_sections_read(&file, &sections);
    if (status == PG_OK) {
        for (uint32_t i = 0; i < sections.count; i++) {
            /* Reads every byte of every name: a sanitizer would see one too many. */
            ck_assert_uint_lt(strlen(sections.list[i].name), size);
        }
        elf_sections_free(&sections);
    }
    elf_close(&file);
    return status;
}

START_TEST(sound_file)
{
    ck_assert_int_eq(read_sections(), PG_OK);
}
END_TEST

static void refused(pg_status expected, const char *why)
{
    pg_status status = read_sections();

    ck_assert_msg(status == expected && strstr(pagable_error(), why) != NULL, "%s: %s",
                  pg_status_name(status), pagable_error());
}

START_TEST(wrong_headers)
{
    Elf64_Ehdr good = *header();

    header()->e_ident[0] = 'X';
    refused(PG_E_FORMAT, "not an ELF file");
    *header() = good;
    header()->e_ident[EI_CLASS] = ELFCLASS32;
    refused(PG_E_UNSUPPORTED, "not a 64-bit x86 ELF file");
    *header() = good;
    header()->e_machine = EM_AARCH64;
    refused(PG_E_UNSUPPORTED, "not a 64-bit x86 ELF file");
    *header() = good;
    header()->e_phentsize = 8;
    refused(PG_E_FORMAT, "program headers of 8 bytes");
    *header() = good;
    header()->e_shentsize = 8;
    refused(PG_E_FORMAT, "section headers of 8 bytes");
    *header() = good;
    header()->e_shoff = 0;
    refused(PG_E_UNSUPPORTED, "has no section headers");
    *header() = good;
    header()->e_shoff = UINT64_MAX - 8;
    refused(PG_E_TRUNCATED, "the first section header");
    *header() = good;
    header()->e_shstrndx = header()->e_shnum;
    refused(PG_E_FORMAT, "names in number");
    *header() = good;
    header()->e_shnum = 65000;
    refused(PG_E_TRUNCATED, "the section headers: 0x");
    size = 63;
    refused(PG_E_TRUNCATED, "the ELF header: 0x40 bytes at 0x0, but the file ends at 0x3f");
}
END_TEST

START_TEST(wrong_sections)
{
    Elf64_Shdr *first = loaded_header();
    Elf64_Shdr good = *first;

    first->sh_name = 0x7fffffff;
    refused(PG_E_FORMAT, "name at 0x7fffffff");
    *first = good;
    first->sh_size = UINT64_MAX;
    refused(PG_E_FORMAT, "0xffffffffffffffff bytes");
    *first = good;
    first->sh_size = 0x10000000;
    refused(PG_E_OVERLAP, "overlap");
    *first = good;
    section_header(header()->e_shstrndx)->sh_size = UINT64_MAX;
    refused(PG_E_FORMAT, "the table of section names has 0xffffffffffffffff bytes");
    section_header(header()->e_shstrndx)->sh_size = size;
    refused(PG_E_TRUNCATED, "the table of section names: 0x");
}
END_TEST

/* More sections than 16 bits count: the number is in the first header. */
START_TEST(extended_numbers)
{
    section_header(0)->sh_size = header()->e_shnum;
    section_header(0)->sh_link = header()->e_shstrndx;
    header()->e_shnum = 0;
    header()->e_shstrndx = SHN_XINDEX;
    ck_assert_int_eq(read_sections(), PG_OK);
    section_header(0)->sh_size = UINT64_C(1) << 40;
    refused(PG_E_FORMAT, "1099511627776 section headers");
}
END_TEST

START_TEST(cut_anywhere)
{
    uint64_t all = size;

    for (uint64_t step = 0; step < 400; step++) {
        size = all * step / 400;
        ck_assert_int_ne(read_sections(), PG_OK);
    }
    size = all;
    ck_assert_int_eq(read_sections(), PG_OK);
}
END_TEST

/* Random bytes in the headers and tables: any status will do, a crash will not. */
START_TEST(random_damage)
{
    uint64_t state = 88172645463325252u + (uint64_t)_i;
    Elf64_Ehdr good = *header();
    uint64_t table = good.e_shoff, table_bytes = (uint64_t)good.e_shnum * sizeof(Elf64_Shdr);
    char *kept = malloc(size);

    memcpy(kept, bytes, size);
    for (unsigned round = 0; round < 2000; round++) {
        struct elf_file file;
        struct elf_names names;

        for (unsigned i = 0; i < 1 + round % 4; i++) {
            uint64_t at;

            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            at = state % (64 + table_bytes);
            bytes[at < 64 ? at : table + at - 64] = (char)(state >> 40);
        }
        (void)read_sections();
        if (elf_open(&file, "test") == PG_OK) {
            if (elf_names_read(&file, 0, UINT64_MAX, &names) == PG_OK) {
                elf_names_free(&names);
            }
            elf_close(&file);
        }
        memcpy(bytes, kept, 64);
        memcpy(&bytes[table], &kept[table], table_bytes);
    }
    free(kept);
}
END_TEST

START_TEST(names_are_found)
{
    struct elf_file file;
    struct elf_names names;
    bool found = false;

    ck_assert_int_eq(elf_open(&file, "test"), PG_OK);
    ck_assert_int_eq(elf_names_read(&file, 0, UINT64_MAX, &names), PG_OK);
    for (uint32_t i = 0; i < names.count; i++) {
        found = found || strcmp(&names.texts[names.list[i].text], "init_routine") == 0;
    }
    ck_assert(found);
    elf_names_free(&names);
    elf_close(&file);
}
END_TEST

static void attach_refused(const char *why)
{
    ck_assert_int_eq(pagable_attach(paged_data), PG_E_CHANGED);
    ck_assert_msg(strstr(pagable_error(), why) != NULL, "%s", pagable_error());
}

static Elf64_Phdr *program_header(unsigned type)
{
    Elf64_Phdr *p = (Elf64_Phdr *)(void *)&bytes[header()->e_phoff];

    while (p->p_type != type) {
        p++;
    }
    return p;
}

START_TEST(changed_since_it_was_loaded)
{
    Elf64_Phdr *note = program_header(PT_NOTE), *load = program_header(PT_LOAD);

    load->p_memsz++;
    attach_refused("the program headers in the file is not what was loaded");
    load->p_memsz--;
    header()->e_entry++;
    attach_refused("the ELF header in the file");
    header()->e_entry--;
    header()->e_phnum++;
    attach_refused("program headers, but");
    header()->e_phnum--;
    bytes[note->p_offset + note->p_filesz - 1] ^= 1;
    attach_refused("a note (build id) in the file");
    bytes[note->p_offset + note->p_filesz - 1] ^= 1;
    ck_assert_int_eq(pagable_attach(paged_data), PG_OK);
}
END_TEST

START_TEST(section_outside_of_all_segments)
{
    loaded_header()->sh_addr = UINT64_C(1) << 45;
    ck_assert_int_eq(pagable_attach(paged_data), PG_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(pagable_error(), "lies in no segment"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("elf");
    TCase *tests = tcase_create("elf");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, sound_file);
    tcase_add_test(tests, wrong_headers);
    tcase_add_test(tests, wrong_sections);
    tcase_add_test(tests, extended_numbers);
    tcase_add_test(tests, cut_anywhere);
    tcase_add_loop_test(tests, random_damage, 0, 8);
    tcase_add_test(tests, names_are_found);
    tcase_add_test(tests, changed_since_it_was_loaded);
    tcase_add_test(tests, section_outside_of_all_segments);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
