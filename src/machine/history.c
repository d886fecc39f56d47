/* SPDX-License-Identifier: MIT */
/*
 * What a finding tells of the time before it: the last changes of the thread's IRQL, and the last
 * locks and unlocks of a section.  Rings of raw addresses; names are looked up by whoever prints.
 *
 * The system raises the IRQL for its own short work (a wait, a signal) quietly: such a pair of
 * changes is no history of the driver's.
 */
#include "machine/internal.h"

#include <string.h>

void history_irql(uint8_t old, uint8_t new)
{
    struct thread *thread = M->cpu.current;

    if (thread == NULL) {
        return;
    }
    thread->irql_read = 0;
    if (new < old && thread->quiet_from[old] == new + 1) {
        thread->quiet_from[old] = 0;
    } else {
        thread->irqls[thread->irql_changes++ % FINDING_IRQLS] =
            (struct irql_change){M->time, backtrace_blame(), old, new};
    }
}

/* ---- locks ---- */

static void note(struct module *module, uint32_t section, enum finding_lock what, uint32_t count)
{
    struct lock_history *history;

    if (module->locks == NULL) {
        module->locks = machine_allocate(IMAGE_MAX_SECTIONS * sizeof *module->locks);
    }
    history = &module->locks[section];
    history->at[history->changes++ % FINDING_LOCKS] =
        (struct lock_change){M->time, backtrace_blame(), what, count};
}

void machine_note_lock(pg_handle handle, enum finding_lock what, uint32_t count)
{
    struct pg_image *image;
    uint32_t section;

    if (pg_handle_query(M->space, handle, &image, &section) == PG_OK) {
        note(pg_image_owner(image), section, what, count);
    }
}

void machine_note_paging(uint64_t address, enum finding_lock what)
{
    struct module *module = module_at(address);
    struct pg_section_info info;

    for (uint32_t i = 0; module != NULL && pg_section_query(module->sections, i, &info) == PG_OK;
         i++) {
        note(module, i, what, info.lock_count);
    }
}

/* ---- into a finding, oldest first ---- */

static void fill_irqls(struct finding *finding, const struct thread *thread)
{
    uint32_t count = thread->irql_changes < FINDING_IRQLS ? thread->irql_changes : FINDING_IRQLS;

    for (uint32_t i = 0; i < count; i++) {
        const struct irql_change *change =
            &thread->irqls[(thread->irql_changes - count + i) % FINDING_IRQLS];

        finding->irqls[i] = (struct finding_irql_change){.time = change->time,
                                                         .old_irql = change->old_irql,
                                                         .new_irql = change->new_irql,
                                                         .place = machine_place(change->address)};
    }
    finding->irql_count = count;
}

static void fill_locks(struct finding *finding, const struct module *module, uint32_t section)
{
    const struct lock_history *history = module->locks == NULL ? NULL : &module->locks[section];
    uint32_t changes = history == NULL ? 0 : history->changes;
    uint32_t count = changes < FINDING_LOCKS ? changes : FINDING_LOCKS;

    for (uint32_t i = 0; i < count; i++) {
        const struct lock_change *change = &history->at[(changes - count + i) % FINDING_LOCKS];

        finding->locks[i] = (struct finding_lock_change){.time = change->time,
                                                         .what = change->what,
                                                         .count = change->count,
                                                         .place = machine_place(change->address)};
    }
    finding->lock_count = count;
}

void history_fill(struct finding *finding, uint64_t subject)
{
    const struct module *module = module_at(subject);
    struct pg_section_info info;
    int64_t section = module == NULL ? -1 : pg_section_find(module->sections, subject);

    if (M->cpu.current != NULL) {
        fill_irqls(finding, M->cpu.current);
    }
    if (section < 0 || pg_section_query(module->sections, (uint32_t)section, &info) != PG_OK ||
        (info.desc->class == PG_RESIDENT && !info.pageable_now && module->locks == NULL)) {
        return; /* nothing to lock */
    }
    memcpy(finding->locked_module, module->name, sizeof finding->locked_module);
    memcpy(finding->locked_section, info.desc->name, sizeof finding->locked_section);
    fill_locks(finding, module, (uint32_t)section);
}
