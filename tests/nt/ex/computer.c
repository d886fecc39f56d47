/* SPDX-License-Identifier: MIT */
#include "computer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct channel *channel;

void computer_start(void)
{
    struct machine_options options = {.seed = 1, .trim = TRIM_IRQL, .rules = RULE_SET_ALL};
    const char *what = "";

    if (channel == NULL) {
        ck_assert_int_eq(channel_open(1u << 20, &channel), PG_OK);
    }
    ck_assert_int_eq(machine_start(&options, channel, &what), PG_OK);
    ck_assert_int_eq(nt_start(), PG_OK);
}

static void run_body(void *argument)
{
    void (**body)(void) = argument;

    (*body)();
}

static bool ended(void *context)
{
    return ((struct thread *)context)->state == THREAD_ENDED;
}

void computer_thread(void (*body)(void))
{
    struct thread *thread = ke_thread_new(run_body, &body);

    ck_assert_ptr_nonnull(thread);
    ck_assert_int_eq(machine_run(ended, thread, UINT64_MAX), RUN_STATE_DONE);
}

struct bugcheck_report computer_bugcheck(void (*body)(void))
{
    char buffer[CHANNEL_RECORD_MAX];
    struct bugcheck_report report;
    enum record_kind kind = RECORD_END;
    uint32_t bytes = 0;
    bool found = false;
    pid_t child;
    int status;

    ck_assert_int_eq(channel_open(1u << 20, &channel), PG_OK);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        channel_be_writer(channel);
        computer_start();
        computer_thread(body);
        _exit(51); /* it should not have come back */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child status 0x%x", status);
    channel_be_reader(channel);
    while (!found && channel_take(channel, &kind, buffer, &bytes, 0) == CHANNEL_RECORD) {
        found = kind == RECORD_BUGCHECK && bytes == sizeof report;
    }
    ck_assert(found);
    memcpy(&report, buffer, sizeof report);
    channel_close(channel);
    channel = NULL;
    return report;
}

void *guest_memory(size_t bytes)
{
    uint64_t address = ex_pool_allocate(POOL_NONPAGED, bytes, 0x74736554u);

    ck_assert_uint_ne(address, 0);
    return machine_pointer(address);
}

char *guest_text(const char *text)
{
    return strcpy(guest_memory(strlen(text) + 1), text);
}

uint16_t *guest_wide(const char *text)
{
    size_t count = strlen(text) + 1;
    uint16_t *units = guest_memory(count * 2);

    for (size_t i = 0; i < count; i++) {
        units[i] = (uint8_t)text[i];
    }
    return units;
}

struct unicode_string *guest_unicode(const char *text, uint16_t room)
{
    struct unicode_string *string = guest_memory(sizeof *string);
    size_t bytes = strlen(text) * 2;

    string->Length = (uint16_t)bytes;
    string->MaximumLength = room > bytes ? room : (uint16_t)bytes;
    string->Buffer = guest_memory(string->MaximumLength + 2u);
    for (size_t i = 0; i < strlen(text); i++) {
        string->Buffer[i] = (uint8_t)text[i];
    }
    return string;
}

struct ansi_string *guest_ansi(const char *text, uint16_t room)
{
    struct ansi_string *string = guest_memory(sizeof *string);
    size_t bytes = strlen(text);

    string->Length = (uint16_t)bytes;
    string->MaximumLength = room > bytes ? room : (uint16_t)bytes;
    string->Buffer = guest_memory(string->MaximumLength + 1u);
    memcpy(string->Buffer, text, bytes);
    return string;
}

bool all_bytes(const void *memory, size_t bytes, uint8_t value)
{
    const uint8_t *at = memory;

    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != value) {
            return false;
        }
    }
    return true;
}

const char *ascii_of(const uint16_t *units, size_t count)
{
    static char text[512];

    ck_assert_uint_lt(count, sizeof text);
    for (size_t i = 0; i < count; i++) {
        text[i] = units[i] < 0x80 ? (char)units[i] : '?';
    }
    text[count] = '\0';
    return text;
}
