/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct channel *channel;
struct pager_region *code;
uint64_t guest_result;
static uint64_t code_next;

void start(uint64_t seed)
{
    struct machine_options options = {.seed = seed, .trim = TRIM_IRQL, .rules = RULE_SET_ALL};
    const char *what = "";

    ck_assert_int_eq(channel_open(1u << 20, &channel), PG_OK);
    ck_assert_int_eq(machine_start(&options, channel, &what), PG_OK);
}

void make_module(bool pinned)
{
    static const struct pg_section_desc section = {"PAGE", PG_PAGEABLE, CODE_BASE, CODE_PAGES};
    struct module *module = &M->modules[0];
    struct pager_region_desc desc = {.base = CODE_BASE,
                                     .pages = CODE_PAGES,
                                     .protection = HOST_READ | HOST_WRITE | HOST_EXECUTE,
                                     .pinned = pinned,
                                     .backing = {.fd = -1},
                                     .owner = module};

    ck_assert_int_eq(pager_add(M->pager, &desc, &code), PG_OK);
    strcpy(module->name, "test.sys");
    module->base = CODE_BASE;
    module->bytes = CODE_PAGES * PG_PAGE_SIZE;
    module->image.pageable = true;
    module->regions[0] = code;
    ck_assert_int_eq(
        pg_image_add(M->space, CODE_BASE, module->bytes, &section, 1, module, &module->sections),
        PG_OK);
    module->loaded = true;
    M->module_count = 1;
    code_next = CODE_BASE;
}

uint64_t emit(const void *bytes, size_t size)
{
    uint64_t at = code_next;

    ck_assert_uint_le(at + size, CODE_BASE + CODE_PAGES * PG_PAGE_SIZE);
    memcpy((void *)at, bytes, size);
    code_next += (size + 15) & ~15ull;
    return at;
}

void restart_code(void)
{
    code_next = CODE_BASE;
}

static bool all_ended(void *context)
{
    (void)context;
    for (struct thread *t = machine_thread_next(NULL); t != NULL; t = machine_thread_next(t)) {
        if (t->state != THREAD_ENDED) {
            return false;
        }
    }
    return true;
}

void run_all(void)
{
    ck_assert_int_eq(machine_run(all_ended, NULL, UINT64_MAX), RUN_STATE_DONE);
}

static uint64_t guest_routine_address;
static uint64_t guest_argument;

static void run_routine(void *argument)
{
    (void)argument;
    guest_result = MACHINE_CALL(guest_routine_address, guest_argument);
}

uint64_t run_guest(uint64_t routine, uint64_t argument)
{
    struct thread *thread;

    guest_routine_address = routine;
    guest_argument = argument;
    thread = machine_thread_new(run_routine, NULL);
    ck_assert_ptr_nonnull(thread);
    run_all();
    machine_thread_release(thread);
    return guest_result;
}

/* ---- what the computer wrote ---- */

bool find_record(enum record_kind wanted, void *payload, size_t size)
{
    char buffer[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    while (channel_take(channel, &kind, buffer, &bytes, 0) == CHANNEL_RECORD) {
        if (kind == wanted && bytes == size) {
            memcpy(payload, buffer, size);
            return true;
        }
    }
    return false;
}

bool find_notice(char *text, size_t size)
{
    char buffer[CHANNEL_RECORD_MAX];
    enum record_kind kind;
    uint32_t bytes;

    while (channel_take(channel, &kind, buffer, &bytes, 0) == CHANNEL_RECORD) {
        if (kind == RECORD_NOTICE) {
            bytes = bytes < size - 1 ? bytes : (uint32_t)size - 1;
            memcpy(text, buffer, bytes);
            text[bytes] = '\0';
            return true;
        }
    }
    return false;
}

/* The records of the child are in `channel` afterwards. */
static void run_in_child(void (*body)(void))
{
    pid_t child;
    int status;

    ck_assert_int_eq(channel_open(1u << 20, &channel), PG_OK);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct machine_options options = {.seed = 1, .trim = TRIM_IRQL, .rules = RULE_SET_ALL};
        const char *what;

        channel_be_writer(channel);
        if (machine_start(&options, channel, &what) != PG_OK) {
            _exit(50);
        }
        body();
        _exit(51); /* it should not have come back */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child status 0x%x", status);
    channel_be_reader(channel);
}

struct bugcheck_report bugcheck_of(void (*body)(void))
{
    struct bugcheck_report report;

    memset(&report, 0, sizeof report);
    run_in_child(body);
    ck_assert(find_record(RECORD_BUGCHECK, &report, sizeof report));
    channel_close(channel);
    return report;
}

struct run_end end_of(void (*body)(void), struct finding *finding)
{
    struct run_end end;

    memset(&end, 0, sizeof end);
    run_in_child(body);
    if (finding != NULL) {
        ck_assert(find_record(RECORD_FINDING, finding, sizeof *finding));
    }
    ck_assert(find_record(RECORD_END, &end, sizeof end));
    channel_close(channel);
    return end;
}
