/* SPDX-License-Identifier: MIT */
/*
 * Special kernel APCs: work that is done in the context of one thread, at APC_LEVEL.
 *
 * It is done as soon as the thread runs below APC_LEVEL outside a guarded region, which is looked
 * at after every call of an export and in every wait; a thread that waits is woken for it and goes
 * on waiting.  So a thread that waits at APC_LEVEL or in a guarded region for something that an APC
 * is to tell it waits for ever, as on Windows.
 */
#include "nt/io.h"
#include "nt/ke.h"

static void run_in_worker(struct ex_work *work)
{
    struct io_apc *apc = work->context;
    uint8_t old = machine_raise_quietly(APC_LEVEL);

    ex_heap_give(work);
    apc->run(apc);
    machine_lower(old);
}

static bool can_take(const struct ke_thread *thread, uint8_t irql)
{
    return irql < APC_LEVEL && thread->all_apc_disable == 0;
}

/* Next APC of a thread, taken out of the queue; NULL when there is none. */
static struct io_apc *take(uint64_t object)
{
    struct io_apc **link = &io_state->apcs;
    struct io_apc *apc;

    while (*link != NULL && (*link)->thread != object) {
        link = &(*link)->next;
    }
    apc = *link;
    if (apc != NULL) {
        *link = apc->next;
    }
    return apc;
}

bool io_deliver_apcs(void)
{
    struct thread *thread = machine_thread();
    struct io_apc *apc;
    bool any = false;

    if (io_state == NULL || io_state->apcs == NULL || thread == NULL || thread->nt == NULL ||
        machine_in_dpc()) {
        return false;
    }
    while (can_take(thread->nt, machine_irql()) && (apc = take(thread->object)) != NULL) {
        uint8_t old = machine_raise_quietly(APC_LEVEL);

        apc->run(apc);
        machine_lower(old);
        any = true;
    }
    return any;
}

void io_apc_queue(struct io_apc *apc)
{
    struct thread *thread = ke_thread_of(apc->thread);
    const struct ke_thread *ke = thread == NULL ? NULL : thread->nt;
    struct io_apc **end = &io_state->apcs;

    if (thread == NULL || thread->state == THREAD_ENDED) {
        struct ex_work *work = ex_heap_take(sizeof *work);

        *work = (struct ex_work){.run = run_in_worker, .context = apc};
        ex_work_queue(EX_WORK_CRITICAL, work);
        return;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    apc->next = NULL;
    *end = apc;
    if (thread == machine_thread()) {
        io_deliver_apcs();
    } else if (thread->state == THREAD_WAITING && ke->waiting && !ke->woken &&
               can_take(ke, thread->irql)) {
        machine_thread_ready(thread);
    }
}
