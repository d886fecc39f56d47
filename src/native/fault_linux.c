/* SPDX-License-Identifier: MIT */
/*
 * Late use of discarded sections: a SIGSEGV handler that says what was used, then goes on to the
 * handler that was there before.
 *
 * The handler reads a list that only grows: a range is published last and withdrawn by its end
 * (0), and ranges that were withdrawn are used again.  All that it calls is safe in signal
 * handlers.
 */
#include "native/native.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/host.h"

struct late_range {
    struct late_range *next; /* constant once published */
    uint64_t start;
    _Atomic uint64_t end; /* 0: withdrawn */
    uint64_t bias, object_base, object_end;
    const char *section, *path; /* the object's: it withdraws the range before it frees them */
    struct elf_names names;
};

static struct late_range *_Atomic ranges;
static struct sigaction previous; /* constant once the handler is there */
static bool installed;            /* [L] */

struct message {
    size_t used;
    char text[1024];
};

static void put(struct message *message, const char *text)
{
    while (*text != '\0' && message->used < sizeof message->text) {
        message->text[message->used++] = *text++;
    }
}

static void put_hex(struct message *message, uint64_t value)
{
    char digits[19] = "0x";
    unsigned length = 1;

    while (length < 16 && value >> (4 * length) != 0) {
        length++;
    }
    for (unsigned i = 0; i < length; i++) {
        digits[2 + i] = "0123456789abcdef"[(value >> (4 * (length - 1 - i))) & 15];
    }
    digits[2 + length] = '\0';
    put(message, digits);
}

static const struct elf_name *name_at(const struct late_range *range, uint64_t address)
{
    for (uint32_t i = 0; i < range->names.count; i++) {
        const struct elf_name *name = &range->names.list[i];

        if (address >= name->address && address - name->address < name->bytes) {
            return name;
        }
    }
    return NULL;
}

static void put_name(struct message *message, const struct late_range *range, uint64_t address)
{
    const struct elf_name *name = name_at(range, address - range->bias);

    if (name != NULL) {
        put(message, &range->names.texts[name->text]);
        address -= range->bias + name->address;
        if (address != 0) {
            put(message, "+");
            put_hex(message, address);
        }
    } else {
        put(message, "offset ");
        put_hex(message, address - range->start);
        put(message, " (no symbol)");
    }
}

static void put_place(struct message *message, const struct late_range *range, uint64_t address)
{
    put_hex(message, address);
    if (address >= range->object_base && address < range->object_end) {
        put(message, " (");
        put(message, range->path);
        put(message, "+");
        put_hex(message, address - range->bias);
        put(message, ")");
    }
}

static void report(const struct late_range *range, uint64_t address, const ucontext_t *context)
{
    uint64_t instruction = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
    bool called = address == instruction;
    struct message message = {0};
    ssize_t n;

    put(&message, "pagable: ");
    put_name(&message, range, address);
    put(&message, " in ");
    put(&message, range->section);
    put(&message, " of ");
    put(&message, range->path);
    put(&message, called ? " was called after" : " was used after");
    put(&message, " the section was discarded, ");
    if (called) { /* nothing was pushed yet but the return address */
        put(&message, "to return to ");
        instruction = *(const uint64_t *)(uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    } else {
        put(&message, "by the instruction at ");
    }
    put_place(&message, range, instruction);
    put(&message, "\n");
    n = write(STDERR_FILENO, message.text, message.used);
    (void)n; /* nothing is left to do about a closed stderr */
}

static void go_on(int number, siginfo_t *info, void *context)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};

    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else if (info->si_code > 0) {
        /* A fault happens again on return; the kernel does not let a process ignore it. */
        (void)sigaction(number, &standard, NULL);
    } else if (previous.sa_handler == SIG_DFL) {
        (void)sigaction(number, &standard, NULL);
        (void)raise(number); /* pending until this handler returns */
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    uint64_t address = (uintptr_t)info->si_addr;
    struct late_range *range = atomic_load_explicit(&ranges, memory_order_acquire);

    while (range != NULL && info->si_code > 0) {
        /* Acquire: what the range says was written before its end. */
        uint64_t end = atomic_load_explicit(&range->end, memory_order_acquire);

        if (end != 0 && address >= range->start && address < end) {
            report(range, address, context);
            break;
        }
        range = range->next;
    }
    go_on(number, info, context);
}

static pg_status install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    if (installed) {
        return PG_OK;
    }
    (void)sigemptyset(&action.sa_mask);
    if (host.signal_action(SIGSEGV, NULL, &previous) != 0 ||
        host.signal_action(SIGSEGV, &action, NULL) != 0) {
        return native_error(PG_E_IO, "no handler for SIGSEGV can be installed");
    }
    installed = true;
    return PG_OK;
}

static struct late_range *range_new(void)
{
    struct late_range *range = atomic_load_explicit(&ranges, memory_order_relaxed);

    while (range != NULL && atomic_load_explicit(&range->end, memory_order_relaxed) != 0) {
        range = range->next;
    }
    if (range == NULL) {
        range = host.allocate(sizeof *range);
        if (range == NULL) {
            return NULL;
        }
        range->next = atomic_load_explicit(&ranges, memory_order_relaxed);
        atomic_store_explicit(&ranges, range, memory_order_release);
    }
    return range;
}

pg_status native_late_add(const struct native_object *object, const struct native_section *section,
                          struct elf_names *names)
{
    struct late_range *range;
    pg_status status = install();

    if (status != PG_OK) {
        return status;
    }
    range = range_new();
    if (range == NULL) {
        return native_error(PG_E_NO_MEMORY, "no memory to remember what is discarded");
    }
    range->start = section->start;
    range->bias = object->bias;
    range->object_base = object->base;
    range->object_end = object->end;
    range->section = section->name;
    range->path = object->path;
    range->names = *names;
    atomic_store_explicit(&range->end, section->end, memory_order_release);
    return PG_OK;
}

void native_late_remove(uint64_t base, uint64_t end)
{
    struct late_range *range = atomic_load_explicit(&ranges, memory_order_relaxed);

    for (; range != NULL; range = range->next) {
        uint64_t range_end = atomic_load_explicit(&range->end, memory_order_relaxed);

        if (range_end != 0 && range->start >= base && range_end <= end) {
            atomic_store_explicit(&range->end, 0, memory_order_release);
            elf_names_free(&range->names);
        }
    }
}
