/* SPDX-License-Identifier: MIT */
/*
 * Text on huge pages: of tmpfs, of a file that the kernel collapsed, of hugetlbfs.  Whatever is
 * behind it, residency is told right, a trim gives back what it says, and nothing is lost.  What
 * this machine does not do is skipped, and said.
 */
#include <check.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support_linux.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { PAGE = 4096, HUGE_BYTES = 2 << 20, CODE_PAGES = 1027, NEXT_PAGES = 3 };

static const volatile unsigned char *code, *next;

static void skip(const char *test, const char *why)
{
    printf("skipped: %s: %s\n", test, why);
    (void)fflush(stdout);
}

static void load(const char *path)
{
    void *object = dlopen(path, RTLD_NOW);
    const unsigned char *const *places = object != NULL ? dlsym(object, "huge_places") : NULL;

    ck_assert_msg(places != NULL, "%s", dlerror());
    code = places[0];
    next = places[1];
    ck_assert_uint_eq((uintptr_t)code % HUGE_BYTES, 0);
}

static void touch(void)
{
    for (size_t i = 0; i < CODE_PAGES; i++) {
        ck_assert_uint_eq(code[i * PAGE], 0x90);
    }
    for (size_t i = 0; i < NEXT_PAGES; i++) {
        ck_assert_uint_eq(next[i * PAGE], 0x91);
    }
}

/* A field of smaps of the mapping that begins at or before the code, in KiB. */
static unsigned long smaps(const char *field)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long start, end, value = 0;
    bool inside = false;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
            inside = (uintptr_t)code >= start && (uintptr_t)code < end;
        } else if (inside && strncmp(line, field, strlen(field)) == 0) {
            value = strtoul(line + strlen(field) + 1, NULL, 10);
        }
    }
    ck_assert_int_eq(fclose(file), 0);
    return value;
}

/* Of that mapping, by whatever file system, in KiB. */
static unsigned long mapped_huge(void)
{
    return smaps("FilePmdMapped") + smaps("ShmemPmdMapped");
}

static uint32_t resident(const volatile void *place)
{
    return query(handle_of((const void *)place)).resident_pages;
}

static struct pagable_trimmed trim(const volatile void *place)
{
    struct pagable_trimmed done = {0};

    ck_assert_msg(pagable_trim(handle_of((const void *)place), &done) == PG_OK, "%s",
                  pagable_error());
    return done;
}

/* The page cache's huge pages: everything works to the page. */
static void check_page_cache(void)
{
    unsigned long before = mapped_huge();
    struct pagable_trimmed done;
    pg_handle handle, behind;

    ck_assert_uint_eq(resident(code), CODE_PAGES);
    done = trim(code);
    ck_assert_uint_eq(done.given_back, CODE_PAGES);
    ck_assert_uint_eq(done.kept, 0);
    ck_assert_uint_eq(resident(code), 0);
    ck_assert_uint_lt(mapped_huge(), before); /* .text may have others */

    touch();
    ck_assert_int_eq(pagable_lock_code((const void *)next, &behind), PG_OK);
    ck_assert_uint_eq(trim(code).given_back, CODE_PAGES);
    ck_assert_uint_eq(resident(next), NEXT_PAGES);
    ck_assert_uint_eq(kernel_locked(), NEXT_PAGES * PAGE);
    ck_assert_int_eq(pagable_lock_code((const void *)code, &handle), PG_OK);
    ck_assert_uint_eq(resident(code), CODE_PAGES);
    ck_assert_int_eq(pagable_trim(handle, NULL), PG_E_BUSY);
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
    ck_assert_int_eq(pagable_unlock(behind), PG_OK);
    ck_assert_uint_eq(kernel_locked(), 0);
}

/* A breakpoint in the middle of a huge page. */
static void check_modified(void)
{
    unsigned char *page = (unsigned char *)(uintptr_t)code + 700 * PAGE;
    struct pagable_trimmed done;

    ck_assert_int_eq(mprotect(page, PAGE, PROT_READ | PROT_WRITE), 0);
    page[1] = 0xcc;
    ck_assert_int_eq(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
    touch();
    done = trim(code);
    ck_assert_uint_eq(done.given_back, CODE_PAGES - 1);
    ck_assert_uint_eq(done.kept, 1);
    ck_assert_uint_eq(resident(code), 1);
    ck_assert_uint_eq(page[1], 0xcc);
}

static bool copy(const char *from, const char *to)
{
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
    struct stat st;
    bool good = in >= 0 && out >= 0 && fstat(in, &st) == 0;
    char *bytes = good ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, in, 0) : MAP_FAILED;

    good = bytes != MAP_FAILED && write(out, bytes, (size_t)st.st_size) == st.st_size;
    (void)close(in);
    (void)close(out);
    return good;
}

/* In a mount namespace of this test's own: it ends with the process. */
static const char *mount_tmpfs(char *folder, size_t size)
{
    scratch_template(folder, size, "pagable-huge");
    if (unshare(CLONE_NEWNS) != 0) {
        return "no mount namespace (needs root)";
    }
    if (mkdtemp(folder) == NULL) {
        return "no folder for scratch files";
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", folder, "tmpfs", 0, "huge=always,size=64m") != 0) {
        (void)rmdir(folder);
        return "no tmpfs with huge=always can be mounted";
    }
    return NULL;
}

START_TEST(on_tmpfs)
{
    char folder[128], path[160];
    const char *why_not = mount_tmpfs(folder, sizeof folder);

    if (why_not != NULL) {
        skip("on_tmpfs", why_not);
        return;
    }
    (void)snprintf(path, sizeof path, "%s/huge.so", folder);
    ck_assert(copy(HUGE, path));
    load(path);
    (void)handle_of((const void *)code); /* its file is read now or never */
    ck_assert_int_eq(umount2(folder, MNT_DETACH), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    touch();
    if (mapped_huge() == 0) {
        skip("on_tmpfs", "the kernel made no huge pages");
        return;
    }
    check_page_cache();
    touch();
    check_modified();
}
END_TEST

/* What khugepaged does in the background, by request. */
START_TEST(collapsed)
{
    load(HUGE);
    touch();
    if (madvise((void *)(uintptr_t)code, 2 * HUGE_BYTES, MADV_COLLAPSE) != 0 ||
        mapped_huge() == 0) {
        skip("collapsed", "the kernel does not collapse this file system's files");
        return;
    }
    check_page_cache();
    touch();
    check_modified();
}
END_TEST

/* Moves both sections to hugetlbfs.  NULL, or why not. */
static const char *move_to_hugetlb(int flags)
{
    /* A private mapping sets as many aside for copies. */
    static const char *const no_pages = "no six free huge pages (sysctl vm.nr_hugepages=6)";
    size_t bytes = 3 * (size_t)HUGE_BYTES;
    int fd = memfd_create("huge-text", MFD_HUGETLB);
    char *there;

    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0) {
        return "no hugetlbfs";
    }
    there = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (there == MAP_FAILED) {
        (void)close(fd);
        return no_pages;
    }
    memcpy(there, (const void *)code, CODE_PAGES * PAGE);
    memcpy(there + (next - code), (const void *)next, NEXT_PAGES * PAGE);
    ck_assert_int_eq(munmap(there, bytes), 0);
    there = mmap((void *)(uintptr_t)code, bytes, PROT_READ | PROT_EXEC, flags | MAP_FIXED, fd, 0);
    (void)close(fd);
    return there != MAP_FAILED ? NULL : no_pages;
}

/* Whole huge pages leave; the last pages of the section, in a huge page of which it is not all,
 * stay, and so do pages of a section that begins inside one. */
START_TEST(in_hugetlbfs)
{
    struct pagable_trimmed done;
    const char *why_not;
    pg_handle handle;

    load(HUGE);
    (void)handle_of((const void *)code);
    why_not = move_to_hugetlb(_i == 0 ? MAP_SHARED : MAP_PRIVATE);
    if (why_not != NULL) {
        skip("in_hugetlbfs", why_not);
        return;
    }
    touch();
    ck_assert_uint_eq(resident(code), CODE_PAGES);
    ck_assert_uint_eq(resident(next), NEXT_PAGES);
    done = trim(code);
    ck_assert_uint_eq(done.given_back, CODE_PAGES - 3);
    ck_assert_uint_eq(done.kept, 3);
    ck_assert_uint_eq(resident(code), 3);
    done = trim(next);
    ck_assert_uint_eq(done.given_back, 0);
    ck_assert_uint_eq(done.kept, NEXT_PAGES);
    ck_assert_uint_eq(resident(next), NEXT_PAGES);
    ck_assert_int_eq(pagable_lock_code((const void *)code, &handle), PG_OK);
    ck_assert_uint_eq(resident(code), CODE_PAGES);
    ck_assert_int_eq(pagable_unlock(handle), PG_OK);
    touch();
}
END_TEST

static int (*real_open)(const char *path);

static int no_pagemap(const char *path)
{
    return strcmp(path, "/proc/self/pagemap") == 0 ? -13 : real_open(path);
}

/* smaps does not count these pages: so all of them may be in, and none is dropped. */
START_TEST(in_hugetlbfs_without_pagemap)
{
    struct pagable_trimmed done;
    const char *why_not;

    load(HUGE);
    (void)handle_of((const void *)code);
    why_not = move_to_hugetlb(MAP_SHARED);
    if (why_not != NULL) {
        skip("in_hugetlbfs_without_pagemap", why_not);
        return;
    }
    touch();
    real_open = host.open_read;
    host.open_read = no_pagemap;
    ck_assert_uint_eq(resident(code), CODE_PAGES);
    done = trim(code);
    ck_assert_uint_eq(done.given_back, 0);
    ck_assert_uint_eq(done.kept, CODE_PAGES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("huge");
    TCase *tests = tcase_create("huge");

    tcase_add_test(tests, on_tmpfs);
    tcase_add_test(tests, collapsed);
    tcase_add_loop_test(tests, in_hugetlbfs, 0, 2);
    tcase_add_test(tests, in_hugetlbfs_without_pagemap);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
