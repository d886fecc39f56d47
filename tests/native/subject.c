/* SPDX-License-Identifier: MIT */
/*
 * A program under test by itself: built by test_matrix.py with each compiler, linker and kind of
 * executable, and run.  Its expectations hold for all of them; BY_HAND aligns the sections' starts,
 * and with ALIGNED they have whole pages of their own.  Exits with 0, or says which line went
 * wrong.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagable/pagable.h>

#define EXPECT(e)                                                                                  \
    do {                                                                                           \
        if (!(e)) {                                                                                \
            fprintf(stderr, "subject.c:%d: %s is false; last error: %s\n", __LINE__, #e,           \
                    pagable_error());                                                              \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Two pages of instructions that do nothing. */
#define BULK __asm__ volatile(".fill 8192, 1, 0x90")

#ifdef BY_HAND
PAGABLE_SECTION_CODE(PAGEcode);
PAGABLE_SECTION_CODE(INIT);
PAGABLE_SECTION_DATA(PAGEdata);
PAGABLE_SECTION_DATA(INITdata);
#endif

PAGABLE_CODE("PAGEcode") int paged_routine(int x)
{
    BULK;
    return x * 3;
}

PAGABLE_INIT int init_routine(int x)
{
    BULK;
    return x + 7;
}

PAGABLE_CODE("ordinary_code") int ordinary_routine(int x)
{
    BULK;
    return x - 1;
}

PAGABLE_DATA("PAGEdata") char paged_data[3 * 4096] = "what the file has";
PAGABLE_INIT_DATA char init_data[2 * 4096] = "used once";

static struct pagable_info query(pg_handle handle)
{
    struct pagable_info info;

    EXPECT(pagable_query(handle, &info) == PG_OK);
    EXPECT(!info.estimated);
    return info;
}

/* Bytes that the kernel says this process has locked. */
static unsigned long kernel_locked(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long kilobytes = 0;

    EXPECT(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmLck: %lu", &kilobytes) == 1) {
            break;
        }
    }
    fclose(file);
    return kilobytes * 1024;
}

static void check_code(void)
{
    unsigned long before = kernel_locked();
    struct pagable_trimmed trimmed = {0};
    struct pagable_info info;
    pg_handle handle, same;

    EXPECT(pagable_check_locked((void *)paged_routine) == PG_E_UNDERFLOW);
    EXPECT(pagable_lock_code((void *)paged_routine, &handle) == PG_OK);
    EXPECT(pagable_lock_data((void *)paged_routine, &same) == PG_OK);
    EXPECT(same == handle);
    info = query(handle);
    EXPECT(strcmp(info.name, "PAGEcode") == 0);
    EXPECT(info.kind == PG_PAGEABLE && info.executable && !info.writable);
    EXPECT(info.lock_count == 2 && info.pages >= 2 && info.resident_pages == info.pages);
    EXPECT(kernel_locked() == before + info.pages * 4096ul);
    EXPECT(pagable_unlock(handle) == PG_OK);
    EXPECT(kernel_locked() == before + info.pages * 4096ul);
    EXPECT(pagable_trim(handle, &trimmed) == PG_E_BUSY);
    EXPECT(pagable_check_locked((void *)paged_routine) == PG_OK);
    pagable_assert_locked((void *)paged_routine);
    EXPECT(pagable_unlock(handle) == PG_OK);
    EXPECT(kernel_locked() == before);
    EXPECT(pagable_unlock(handle) == PG_E_UNDERFLOW);
    EXPECT(strstr(pagable_error(), "PAGEcode") != NULL);

    EXPECT(pagable_trim(handle, &trimmed) == PG_OK);
    EXPECT(trimmed.sections == 1 && trimmed.given_back >= 1 && trimmed.kept == 0);
    info = query(handle);
#if defined(ALIGNED) || defined(BY_HAND)
    EXPECT(info.base % 4096 == 0);
#endif
#ifdef ALIGNED
    EXPECT(info.bytes % 4096 == 0);
    EXPECT(info.resident_pages == 0 && trimmed.given_back == info.pages);
#else
    EXPECT(info.resident_pages <= 2);
#endif
    EXPECT(paged_routine(4) == 12);
    EXPECT(query(handle).resident_pages > 0);
    EXPECT(pagable_lock(handle) == PG_OK);
    info = query(handle);
    EXPECT(info.resident_pages == info.pages);
    EXPECT(pagable_unlock(handle) == PG_OK);
}

static void check_data(void)
{
    struct pagable_info info;
    pg_handle handle;

    EXPECT(pagable_lock_code(paged_data, &handle) == PG_E_ARG);
    EXPECT(strstr(pagable_error(), "holds no code") != NULL);
    EXPECT(pagable_lock_data(paged_data, &handle) == PG_OK);
    info = query(handle);
    EXPECT(strcmp(info.name, "PAGEdata") == 0 && info.writable && !info.executable);
    EXPECT(info.resident_pages == info.pages && info.lock_count == 1);
    EXPECT(strcmp(paged_data, "what the file has") == 0);
    memset(paged_data, 'x', sizeof paged_data);
    EXPECT(pagable_unlock(handle) == PG_OK);
    EXPECT(pagable_trim(handle, NULL) == PG_OK);
    for (size_t i = 0; i < sizeof paged_data; i++) {
        EXPECT(paged_data[i] == 'x');
    }
}

static void check_ordinary(void)
{
    struct pagable_trimmed trimmed = {0};
    uint64_t sections;
    pg_handle handle;

    EXPECT(pagable_lock_code((void *)ordinary_routine, &handle) == PG_OK);
    EXPECT(query(handle).kind == PG_RESIDENT && query(handle).resident_pages >= 2);
    EXPECT(pagable_unlock(handle) == PG_OK);
    EXPECT(pagable_trim_all(&trimmed) == PG_OK);
    EXPECT(query(handle).resident_pages >= 2);
    EXPECT(pagable_page_entire((void *)ordinary_routine) == PG_OK);
    /* What runs next may bring some of it back with its own pages (fault-around): so this looks at
     * what was given back. */
    sections = trimmed.sections;
    trimmed = (struct pagable_trimmed){0};
    EXPECT(pagable_trim_all(&trimmed) == PG_OK);
    EXPECT(trimmed.sections > sections && trimmed.given_back >= 1);
    EXPECT(pagable_reset_paging((void *)ordinary_routine) == PG_OK);
    EXPECT(ordinary_routine(5) == 4);
}

static void check_init(void)
{
    struct pagable_info code, data;
    pg_handle code_handle, data_handle;

    EXPECT(init_routine(1) == 8);
    init_data[4096] = 1;
    EXPECT(pagable_find((void *)init_routine, &code_handle) == PG_OK);
    EXPECT(pagable_find(init_data, &data_handle) == PG_OK);
    EXPECT(query(code_handle).kind == PG_DISCARDABLE);
    EXPECT(query(data_handle).kind == PG_DISCARDABLE);
    EXPECT(pagable_discard_init((void *)init_routine) == PG_OK);
    code = query(code_handle);
    data = query(data_handle);
    EXPECT(code.discarded && data.discarded);
#ifdef ALIGNED
    EXPECT(code.resident_pages == 0 && data.resident_pages == 0);
#else
    EXPECT(code.resident_pages <= 2 && data.resident_pages <= 2);
#endif
    EXPECT(pagable_lock(code_handle) == PG_E_DISCARDED);
    EXPECT(pagable_discard_init((void *)init_routine) == PG_OK);
}

#ifdef PLUGIN
static void check_plugin(void)
{
    for (int round = 0; round < 3; round++) {
        void *plugin = dlopen(PLUGIN, RTLD_NOW);
        int (*work)(int);
        pg_handle handle;

        EXPECT(plugin != NULL);
        work = (int (*)(int))(uintptr_t)dlsym(plugin, "plugin_work");
        EXPECT(work != NULL);
        EXPECT(pagable_lock_code((void *)(uintptr_t)work, &handle) == PG_OK);
        EXPECT(work(20) == 40);
        EXPECT(strcmp(query(handle).name, "PAGEplug") == 0);
        EXPECT(strstr(query(handle).object, "plugin") != NULL);
        EXPECT(dlclose(plugin) == 0); /* while it is locked */
        EXPECT(pagable_unlock(handle) == PG_E_STALE);
        EXPECT(pagable_lock(handle) == PG_E_STALE);
    }
}
#endif

int main(int argc, char **argv)
{
    pg_handle handle = 0;

    EXPECT(pagable_lock_data(&handle, &handle) == PG_E_NO_IMAGE); /* the stack */
    check_code();
    check_data();
    check_ordinary();
    check_init();
#ifdef PLUGIN
    check_plugin();
#endif
    if (argc > 1 && strcmp(argv[1], "late") == 0) {
        return init_routine(argc);
    }
    if (argc > 1 && strcmp(argv[1], "late-data") == 0) {
        return init_data[0];
    }
    (void)argv;
    return 0;
}
