/* SPDX-License-Identifier: MIT */
/*
 * The processor: IRQL, what happens when it changes, and the points at which a thread can lose the
 * processor.
 *
 * DPCs run on the stack of whoever lowers the IRQL, before it drops below DISPATCH_LEVEL.  A thread
 * never loses the processor at DISPATCH_LEVEL or above.
 */
#include "machine/internal.h"

/* Offsets in the block that gs points to, as drivers read them. */
enum {
    PCR_SELF = 0x18,
    PCR_PRCB = 0x20,
    PCR_PRCB_AT = 0x180,
    PCR_NUMBER = 0x184,
    PCR_THREAD = 0x188,
    PCR_NUMBER_2 = 0x1a4
};

static void pcr_put64(uint32_t offset, uint64_t value)
{
    *(uint64_t *)(ARENA_PCR + offset) = value;
}

void processor_start(void)
{
    M->cpu.interrupts_enabled = true;
    pcr_put64(PCR_SELF, ARENA_PCR);
    pcr_put64(PCR_PRCB, ARENA_PCR + PCR_PRCB_AT);
    *(uint32_t *)(ARENA_PCR + PCR_NUMBER) = M->cpu.number;
    *(uint32_t *)(ARENA_PCR + PCR_NUMBER_2) = M->cpu.number;
}

void processor_set_thread(uint64_t object)
{
    pcr_put64(PCR_THREAD, object);
}

uint8_t machine_irql(void)
{
    return M->cpu.irql;
}

/* `asked`: by a scenario.  Those of the policy that took nothing are only counted. */
static void note_trim(uint32_t pages, bool asked)
{
    M->counters.trims++;
    M->counters.pages_trimmed += pages;
    if (pages > 0 || asked) {
        machine_event(EVENT_TRIM, pages, asked, 0);
    }
}

static void paging_write_failed(const struct pager_failure *failure)
{
    machine_bugcheck(0x77, (uint64_t)(uint32_t)-failure->status, 0, 0, failure->file_offset,
                     "a modified page could not be written to the paging file");
}

static uint32_t trim_all(bool asked)
{
    struct pager_failure failure = {0};
    uint32_t pages = pager_trim(M->pager, &failure);

    if (failure.status != PG_OK) {
        paging_write_failed(&failure);
    }
    note_trim(pages, asked);
    return pages;
}

uint32_t machine_trim_now(void)
{
    return trim_all(true);
}

void machine_trim_by_policy(void)
{
    struct pager_failure failure = {0};

    switch (M->options.trim) {
    case TRIM_IRQL:
        if (!M->options.strict) {
            (void)trim_all(false);
        }
        break;
    case TRIM_RANDOM:
        note_trim(pager_trim_random(M->pager, &failure), false);
        if (failure.status != PG_OK) {
            paging_write_failed(&failure);
        }
        break;
    case TRIM_NONE:
        break;
    }
    if (M->options.strict) {
        pager_close(M->pager);
    }
}

uint8_t machine_raise_quietly(uint8_t irql)
{
    uint8_t old = M->cpu.irql;

    PG_ASSERT(irql >= old);
    if (irql != old && M->cpu.current != NULL) {
        M->cpu.current->quiet_from[irql] = (uint8_t)(old + 1);
    }
    M->cpu.irql = irql;
    return old;
}

void machine_note_irql(uint8_t old, uint8_t irql)
{
    M->cpu.current->quiet_from[irql] = 0;
    history_irql(old, irql);
}

uint8_t machine_raise(uint8_t irql)
{
    uint8_t old = M->cpu.irql;

    PG_ASSERT(irql >= old);
    M->cpu.irql = irql;
    if (irql != old) {
        M->counters.irql_raises++;
        machine_event(EVENT_IRQL, old, irql, 0);
        history_irql(old, irql);
    }
    if (irql >= DISPATCH_LEVEL && old < DISPATCH_LEVEL) {
        machine_trim_by_policy();
    }
    return old;
}

void processor_set_irql(uint8_t irql)
{
    if (M->cpu.irql == irql) {
        return;
    }
    machine_event(EVENT_IRQL, M->cpu.irql, irql, 0);
    history_irql(M->cpu.irql, irql);
    M->cpu.irql = irql;
    if (irql < DISPATCH_LEVEL) {
        suspect_irql_lowered();
    }
}

void machine_lower(uint8_t irql)
{
    PG_ASSERT(irql <= M->cpu.irql);
    if (irql < DISPATCH_LEVEL && M->cpu.irql >= DISPATCH_LEVEL && M->cpu.dpc_depth == 0) {
        processor_set_irql(DISPATCH_LEVEL);
        interrupt_deliver();
        if (M->cpu.dpc_count > 0) {
            dpc_run_all();
        }
    }
    processor_set_irql(irql);
    machine_choice_point();
}

/* What a clock interrupt does: due timers fire, DPCs run. */
static void clock_interrupt(void)
{
    uint8_t old = machine_raise(DISPATCH_LEVEL);

    clock_expire();
    if (M->cpu.dpc_count > 0) {
        dpc_run_all();
    }
    processor_set_irql(old);
}

bool machine_budget_expired(void)
{
    return M->budget_expired;
}

void processor_check_budget(void)
{
    if (!M->budget_expired || M->stopping) {
        return;
    }
    machine_finding(RULE_BUDGET_EXHAUSTED, backtrace_blame(),
                    "still running after %u seconds of processor time", M->options.budget_seconds);
    machine_stop(RUN_STOPPED, "the budget of processor time is used up");
}

/* One call in this many gives the processor away when others could run. */
#define PREEMPT_ONE_IN 16u

/* Whether a thread can be interrupted for the system's own work, or lose the processor. */
static bool below_dispatch(void)
{
    return M->cpu.irql < DISPATCH_LEVEL && M->cpu.dpc_depth == 0 && M->cpu.interrupts_enabled;
}

bool processor_is_quiet(void)
{
    if (M->budget_expired || clock_hardware_is_due() || interrupt_is_due()) {
        return false;
    }
    return !below_dispatch() ||
           (M->cpu.dpc_count == 0 && !clock_is_due() && M->ready_first == NULL);
}

void machine_choice_point(void)
{
    struct thread *thread = M->cpu.current;

    processor_check_budget();
    clock_expire_hardware();
    interrupt_deliver();
    if (thread == NULL || thread == M->cpu.idle || !below_dispatch()) {
        return;
    }
    if (M->cpu.dpc_count > 0 || clock_is_due()) {
        clock_interrupt();
    }
    if (thread_higher_ready(thread->priority) ||
        (thread_other_ready(thread->priority) &&
         machine_choose(CHOICE_PREEMPT, PREEMPT_ONE_IN) == 0)) {
        machine_thread_yield();
    }
}

/* When something happens next while the processor spins, `end` at the latest.  An NT timer that is
 * overdue waits for a lower IRQL, and so do those behind it. */
static uint64_t next_during_stall(uint64_t end)
{
    if (M->timers.count > 0 && !clock_is_due() && M->timers.at[1]->due < end) {
        end = M->timers.at[1]->due;
    }
    if (M->hardware_timers.count > 0 && M->hardware_timers.at[1]->due < end) {
        end = M->hardware_timers.at[1]->due;
    }
    return end;
}

void machine_stall(uint64_t units)
{
    uint64_t end = M->time + units;

    /* Interrupts take time of their own, perhaps more than is left. */
    while (M->time < end) {
        uint64_t next = next_during_stall(end);

        M->time = next > M->time ? next : M->time;
        machine_choice_point();
    }
}
