/* SPDX-License-Identifier: MIT */
/* The fake computer: see fake_computer.h. */
#include "fake_computer.h"
#include "scenario/lua_room.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND        10000000ull
#define FIRST         0x1000u
#define SECOND_DEVICE 0x2000u

char fake_log[65536];
int32_t fake_create_status;
unsigned fake_requests_live, fake_requests_possible = 1000;
bool fake_budget_expired;

static struct module driver = {.name = "fake.sys",
                               .base_name = "fake",
                               .base = 0x200200000000,
                               .bytes = 0x8000,
                               .loaded = true};
static bool second_deleted;
static uint64_t now;
static uint32_t random_state;
static struct fake_end *shared;

struct nt_file {
    uint64_t device;
    bool cleaned, closed;
};

struct nt_request {
    struct nt_request_desc desc;
    uint8_t input[4096];
    bool done, cancelled;
    uint64_t due;
    int32_t status;
    uint64_t information;
    struct nt_file *file;
};

static void note(const char *format, ...)
{
    size_t used = strlen(fake_log);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(&fake_log[used], sizeof fake_log - used, format, arguments);
    va_end(arguments);
}

/* ---- machine/ ---- */

static _Noreturn void leave(enum run_outcome outcome, const char *reason)
{
    shared->outcome = outcome;
    (void)snprintf(shared->reason, sizeof shared->reason, "%s", reason != NULL ? reason : "");
    memcpy(shared->log, fake_log, sizeof shared->log);
    shared->requests_live = fake_requests_live;
    shared->time = now;
    _exit(0);
}

_Noreturn void machine_stop(enum run_outcome outcome, const char *reason)
{
    leave(outcome, reason);
}

int machine_finding(enum rule rule, uint64_t address, const char *format, ...)
{
    va_list arguments;

    ck_assert_int_eq(rule, RULE_IRP_NOT_CANCELLABLE);
    ck_assert_uint_eq(address, 0xabc);
    va_start(arguments, format);
    (void)vsnprintf(shared->finding, sizeof shared->finding, format, arguments);
    va_end(arguments);
    return (int)shared->findings++;
}

void machine_notice(const char *format, ...)
{
    size_t used = strlen(shared->notices);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(&shared->notices[used], sizeof shared->notices - used - 1, format, arguments);
    va_end(arguments);
    strcat(shared->notices, "\n");
}

bool machine_budget_expired(void)
{
    return fake_budget_expired;
}

uint64_t machine_time(void)
{
    return now;
}

uint32_t machine_choose(enum choice kind, uint32_t n)
{
    ck_assert_int_eq(kind, CHOICE_SCENARIO);
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)random_state * n >> 32);
}

uint32_t machine_trim_now(void)
{
    note("trim; ");
    return 3;
}

enum run_state machine_run(bool (*done)(void *), void *context, uint64_t until)
{
    ck_assert(done == NULL && context == NULL);
    now = until;
    return RUN_STATE_TIME;
}

struct run_counters machine_count(void)
{
    return (struct run_counters){.trims = 7, .virtual_time = now};
}

void machine_mark(const char *label)
{
    note("mark %s", label);
}

/* No hardware and no registry here. */
void lua_room_computer(lua_State *L)
{
    (void)L;
}

struct module *module_next(const struct module *after)
{
    return after == NULL ? &driver : NULL;
}

bool machine_section_summary(const struct module *module, uint32_t index,
                             struct section_summary *out)
{
    ck_assert_ptr_eq(module, &driver);
    if (index > 0) {
        return false;
    }
    *out = (struct section_summary){"fake.sys", "PAGE", 2, 4, 3};
    return true;
}

/* ---- nt/ ---- */

bool nt_device_at(struct module *module, uint32_t index, struct nt_device *out)
{
    static const struct nt_device devices[] = {{FIRST, "\\Device\\First", 0x22, 4},
                                               {SECOND_DEVICE, "\\Device\\Second", 0x22, 4}};

    ck_assert_ptr_eq(module, &driver);
    if (index >= 2 || (index == 1 && second_deleted)) {
        return false;
    }
    *out = devices[index];
    return true;
}

bool nt_device_get(uint64_t object, struct nt_device *out)
{
    for (uint32_t i = 0; nt_device_at(&driver, i, out); i++) {
        if (out->object == object) {
            return true;
        }
    }
    return false;
}

uint64_t nt_device_find(const char *name)
{
    struct nt_device device;

    for (uint32_t i = 0; nt_device_at(&driver, i, &device); i++) {
        if (strcmp(device.name, name) == 0) {
            return device.object;
        }
    }
    return 0;
}

static void complete(struct nt_request *request, int32_t status, uint64_t information)
{
    request->done = true;
    request->status = status;
    request->information = information;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void control(struct nt_request *request)
{
    const struct nt_request_desc *desc = &request->desc;

    note("control 0x%x %u; ", desc->control_code, desc->input_bytes);
    switch (desc->control_code) {
    case FAKE_ECHO:
        complete(request, 0, least(desc->input_bytes, desc->output_bytes));
        break;
    case FAKE_OVERFLOW:
        complete(request, (int32_t)0x80000005, least(desc->input_bytes, desc->output_bytes));
        break;
    case FAKE_LATER:
        request->due = now + SECOND;
        break;
    case FAKE_ON_CANCEL:
    case FAKE_STUCK:
        request->due = UINT64_MAX;
        break;
    case FAKE_DELETE:
        second_deleted = true;
        complete(request, 0, 0);
        break;
    default:
        complete(request, (int32_t)0xC0000010, 0);
        break;
    }
}

static void create(struct nt_request *request)
{
    note("create %llx; ", (unsigned long long)request->desc.device);
    complete(request, fake_create_status, 0);
    if (fake_create_status >= 0) {
        request->file = calloc(1, sizeof *request->file);
        request->file->device = request->desc.device;
    }
}

/* `file` must be open: a closed one is the scenario's mistake. */
static void use(struct nt_request *request)
{
    const struct nt_request_desc *desc = &request->desc;

    ck_assert_ptr_nonnull(desc->file);
    ck_assert(!desc->file->closed);
    switch (desc->kind) {
    case NT_READ:
        note("read %u@%llu; ", desc->output_bytes, (unsigned long long)desc->offset);
        memset(request->input, 'r', sizeof request->input);
        complete(request, 0, least(desc->output_bytes, 8));
        break;
    case NT_WRITE:
        note("write %u@%llu; ", desc->input_bytes, (unsigned long long)desc->offset);
        complete(request, 0, desc->input_bytes);
        break;
    case NT_DEVICE_CONTROL:
    case NT_INTERNAL_CONTROL:
        control(request);
        break;
    case NT_FLUSH:
        note("flush; ");
        complete(request, 0, 0);
        break;
    case NT_CLEANUP:
        note("cleanup; ");
        desc->file->cleaned = true;
        complete(request, 0, 0);
        break;
    case NT_CLOSE:
        ck_assert(desc->file->cleaned);
        note("close; ");
        desc->file->closed = true;
        complete(request, 0, 0);
        break;
    default:
        ck_abort_msg("kind %d needs no file", desc->kind);
    }
}

struct nt_request *nt_request_start(const struct nt_request_desc *desc)
{
    struct nt_request *request;

    if (fake_requests_possible == 0) {
        return NULL;
    }
    fake_requests_possible--;
    fake_requests_live++;
    request = calloc(1, sizeof *request);
    request->desc = *desc;
    ck_assert_uint_le(desc->input_bytes, sizeof request->input);
    if (desc->input_bytes != 0) {
        memcpy(request->input, desc->input, desc->input_bytes);
    }
    switch (desc->kind) {
    case NT_CREATE:
        create(request);
        break;
    case NT_PNP:
    case NT_POWER:
    case NT_SYSTEM_CONTROL:
        note("kind %d minor %u; ", desc->kind, desc->minor);
        complete(request, 0, 0);
        break;
    case NT_SHUTDOWN:
        note("shutdown; ");
        complete(request, 0, 0);
        break;
    default:
        use(request);
        break;
    }
    return request;
}

bool nt_request_done(const struct nt_request *request)
{
    return request->done;
}

int32_t nt_request_status(const struct nt_request *request)
{
    ck_assert(request->done);
    return request->status;
}

uint64_t nt_request_information(const struct nt_request *request)
{
    ck_assert(request->done);
    return request->information;
}

const void *nt_request_output(const struct nt_request *request, uint32_t *bytes)
{
    ck_assert(request->done);
    *bytes = (uint32_t)least(request->information, request->desc.output_bytes);
    return request->input;
}

struct nt_file *nt_request_file(const struct nt_request *request)
{
    ck_assert(request->done && request->status >= 0);
    return request->file;
}

void nt_request_cancel(struct nt_request *request)
{
    ck_assert(!request->done);
    note("cancel; ");
    if (request->desc.control_code == FAKE_ON_CANCEL) {
        complete(request, (int32_t)0xC0000120, 0);
    }
}

uint64_t nt_request_holder(const struct nt_request *request)
{
    ck_assert(!request->done);
    return 0xabc;
}

bool nt_request_wait(struct nt_request *request, uint64_t timeout)
{
    if (request->done) {
        return true;
    }
    if (request->due > now && request->due - now > timeout) {
        now += timeout;
        return false;
    }
    now = request->due > now ? request->due : now;
    complete(request, 0, least(request->desc.input_bytes, request->desc.output_bytes));
    return true;
}

void nt_request_release(struct nt_request *request)
{
    ck_assert_uint_gt(fake_requests_live, 0);
    fake_requests_live--;
    free(request);
}

bool nt_run_in_thread(uint64_t routine, unsigned count, const uint64_t *arguments, uint64_t timeout,
                      uint64_t *result)
{
    ck_assert_uint_eq(timeout, 10 * SECOND);
    *result = routine;
    for (unsigned i = 0; i < count; i++) {
        *result += arguments[i];
    }
    return routine != 0xdead;
}

/* ---- running ---- */

void fake_run(void (*body)(void *context), void *context, struct fake_end *end)
{
    pid_t child;
    int status = -1;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        body(context);
        leave(RUN_DONE, NULL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    *end = *shared;
    (void)munmap(shared, sizeof *shared);
}
