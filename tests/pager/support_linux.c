/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum pager_outcome support_outcome;
struct pager_failure support_failure;
unsigned support_faults;
int support_signal;
enum pager_backend support_backend = PAGER_PROTECTION;

static struct pager *serving;
static sigjmp_buf refused;
static volatile sig_atomic_t accessing;
static struct sigaction before, before_bus;

static _Noreturn void give_up(const char *what)
{
    perror(what);
    abort();
}

int support_file(const void *bytes, size_t count)
{
    int fd = host.open_scratch();

    if (fd < 0 || (size_t)pwrite(fd, bytes, count, 0) != count) {
        give_up("test file");
    }
    return fd;
}

void support_noise(void *bytes, size_t count, uint64_t seed)
{
    uint8_t *out = bytes;
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

    for (size_t i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out[i] = (uint8_t)(x >> 24);
    }
}

bool support_choose_backend(int argc, char **argv)
{
    int fd;

    if (argc < 2 || strcmp(argv[1], memory_userfault.name) != 0) {
        return true;
    }
    fd = host.missing_open();
    if (fd < 0) {
        return false;
    }
    host.close(fd);
    support_backend = PAGER_USERFAULT;
    return true;
}

struct pager *support_pager(uint32_t regions, uint32_t pages, uint32_t patch_bytes,
                            const struct pager_hooks *hooks)
{
    struct pager_limits limits = {regions, pages, patch_bytes};
    size_t bytes = (pager_bytes(&limits) + 15) & ~(size_t)15;
    void *memory = aligned_alloc(16, bytes);
    struct pager *pager = NULL;

    if (memory == NULL) {
        give_up("memory");
    }
    memset(memory, 0x5a, bytes); /* the pager must not rely on zeroed memory */
    if (pager_init(memory, bytes, &limits, hooks, &pager) != PG_OK) {
        give_up("pager_init");
    }
    if (pager_set_backend(pager, support_backend) != PG_OK) {
        give_up("back end");
    }
    return pager;
}

void support_fini(struct pager *pager)
{
    pager_fini(pager);
    free(pager);
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    const ucontext_t *machine = context;
    unsigned long error = (unsigned long)machine->uc_mcontext.gregs[REG_ERR];
    enum pager_access access = PAGER_READ;

    if ((error & 2) != 0) {
        access = PAGER_WRITE;
    } else if ((error & 16) != 0) {
        access = PAGER_EXECUTE;
    }
    if (!accessing || serving == NULL) { /* not an access of the test: a defect */
        signal(signal_number, SIG_DFL);
        return;
    }
    support_faults++;
    support_signal = signal_number;
    support_outcome = pager_fault(serving, (uint64_t)info->si_addr, access, &support_failure);
    if (support_outcome != PAGER_SERVED) {
        siglongjmp(refused, 1);
    }
}

void support_serve(struct pager *pager)
{
    if (pager != NULL && serving == NULL) {
        /* Not blocked inside: it is left by a jump, with no system call to restore the mask. */
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

        if (sigaction(SIGSEGV, &action, &before) != 0 ||
            sigaction(SIGBUS, &action, &before_bus) != 0) {
            give_up("sigaction");
        }
    } else if (pager == NULL && serving != NULL) {
        sigaction(SIGSEGV, &before, NULL);
        sigaction(SIGBUS, &before_bus, NULL);
    }
    serving = pager;
}

bool support_read(uint64_t address, uint8_t *value)
{
    volatile const uint8_t *at = (volatile const uint8_t *)address;

    if (sigsetjmp(refused, 0) != 0) {
        accessing = 0;
        return false;
    }
    accessing = 1;
    *value = *at;
    accessing = 0;
    return true;
}

bool support_write(uint64_t address, uint8_t value)
{
    volatile uint8_t *at = (volatile uint8_t *)address;

    if (sigsetjmp(refused, 0) != 0) {
        accessing = 0;
        return false;
    }
    accessing = 1;
    *at = value;
    accessing = 0;
    return true;
}

bool support_call(uint64_t address, int *value)
{
    int (*volatile routine)(void) = (int (*)(void))address;

    if (sigsetjmp(refused, 0) != 0) {
        accessing = 0;
        return false;
    }
    accessing = 1;
    *value = routine();
    accessing = 0;
    return true;
}

long support_smaps_rss(uint64_t address, uint64_t bytes)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    long sum = 0;
    bool inside = false;

    if (smaps == NULL) {
        give_up("smaps");
    }
    while (fgets(line, sizeof line, smaps) != NULL) {
        unsigned long low, high;
        long kilobytes;

        if (sscanf(line, "%lx-%lx ", &low, &high) == 2) {
            inside = low >= address && high <= address + bytes;
        } else if (inside && sscanf(line, "Rss: %ld kB", &kilobytes) == 1) {
            sum += kilobytes;
        }
    }
    fclose(smaps);
    return sum;
}
