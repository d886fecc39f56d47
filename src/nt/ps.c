/* SPDX-License-Identifier: MIT */
/*
 * Processes and threads.
 *
 * There is one process, System, and every thread is a thread of it; the simulated program's
 * requests come from threads whose previous mode is user mode.  Nobody creates processes, so that
 * routines registered for that are never called.  Thread and image routines are called for what
 * happens in this computer: system threads, and drivers loaded after the registration.
 */
#include "nt/ex.h"

#include <string.h>

#define SYSTEM_PROCESS_ID 4u
#define NOTIFY_MAX        64u

/* Thread ids do not meet the one process id. */
#define THREAD_ID(thread) ((uint64_t)(thread)->id * 4 + SYSTEM_PROCESS_ID)

/* Major, minor, build: a Windows 10 of x64. */
enum { VERSION_MAJOR = 10, VERSION_MINOR = 0, VERSION_BUILD = 19045 };

enum notify_kind { NOTIFY_PROCESS, NOTIFY_THREAD, NOTIFY_IMAGE, NOTIFY_KINDS };

struct ps_thread {
    uint64_t routine, context; /* of PsCreateSystemThread */
    struct thread *thread;
    uint32_t id;
    bool user;
    struct ps_thread *next;
};

struct ps_state {
    uint64_t system_process;
    struct ps_thread *threads; /* those that something is known of */
    uint64_t notify[NOTIFY_KINDS][NOTIFY_MAX];
    uint32_t notify_count[NOTIFY_KINDS];
};
static struct ps_state *state;

void ps_start(void)
{
    struct eprocess *process;

    state = machine_allocate(sizeof *state);
    state->system_process = ob_create(OBJECT_PROCESS, sizeof *process, NULL);
    PG_ASSERT(state->system_process != 0);
    process = machine_pointer(state->system_process);
    process->Pcb.Header.Type = ProcessObject;
    nt_list_init(&process->Pcb.Header.WaitListHead);
    *(uint64_t *)nt_data("PsInitialSystemProcess") = state->system_process;
}

uint64_t ps_system_process(void)
{
    return state->system_process;
}

/* ---- what is known of a thread ---- */

static struct ps_thread *known(const struct thread *thread)
{
    struct ps_thread *t = state->threads;

    while (t != NULL && (t->thread != thread || t->id != thread->id)) {
        t = t->next;
    }
    return t;
}

/* Records of threads that are gone are used again. */
static struct ps_thread *record_of(struct thread *thread)
{
    struct ps_thread *t = known(thread);

    for (struct ps_thread *old = state->threads; t == NULL && old != NULL; old = old->next) {
        if (old->thread->id != old->id || old->thread->state == THREAD_FREE) {
            t = old;
        }
    }
    if (t == NULL) {
        t = ex_heap_take(sizeof *t);
        t->next = state->threads;
        state->threads = t;
    }
    if (t->thread != thread || t->id != thread->id) {
        struct ps_thread *next = t->next;

        *t = (struct ps_thread){.thread = thread, .id = thread->id, .next = next};
    }
    return t;
}

void ps_set_user_thread(struct thread *thread)
{
    record_of(thread)->user = true;
}

bool ps_is_user_thread(const struct thread *thread)
{
    const struct ps_thread *t = known(thread);

    return t != NULL && t->user;
}

static struct thread *thread_by_id(uint64_t id)
{
    struct thread *thread = machine_thread_next(NULL);

    while (thread != NULL && THREAD_ID(thread) != id) {
        thread = machine_thread_next(thread);
    }
    return thread;
}

/* ---- notification ---- */

static ntstatus notify_add(enum notify_kind kind, uint64_t routine)
{
    for (uint32_t i = 0; i < state->notify_count[kind]; i++) {
        if (state->notify[kind][i] == routine) {
            return STATUS_INVALID_PARAMETER;
        }
    }
    if (state->notify_count[kind] == NOTIFY_MAX) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    state->notify[kind][state->notify_count[kind]++] = routine;
    return STATUS_SUCCESS;
}

static ntstatus notify_remove(enum notify_kind kind, uint64_t routine)
{
    uint64_t *routines = state->notify[kind];

    for (uint32_t i = 0; i < state->notify_count[kind]; i++) {
        if (routines[i] == routine) {
            state->notify_count[kind]--;
            memmove(&routines[i], &routines[i + 1],
                    (state->notify_count[kind] - i) * sizeof *routines);
            return STATUS_SUCCESS;
        }
    }
    return STATUS_PROCEDURE_NOT_FOUND;
}

static void notify_thread(uint64_t id, bool create)
{
    for (uint32_t i = 0; i < state->notify_count[NOTIFY_THREAD]; i++) {
        MACHINE_CALL(state->notify[NOTIFY_THREAD][i], SYSTEM_PROCESS_ID, id, create);
    }
}

/* IMAGE_INFO as drivers see it: 0x100 in Properties is SystemModeImage. */
struct image_info {
    uint32_t Properties;
    void *ImageBase;
    uint32_t ImageSelector;
    uint64_t ImageSize;
    uint32_t ImageSectionNumber;
};

void ps_notify_image(const struct module *module)
{
    uint64_t stack_name = 0;
    struct unicode_string *name;
    struct image_info *info;

    if (state->notify_count[NOTIFY_IMAGE] == 0) {
        return;
    }
    stack_name = ex_pool_allocate(POOL_NONPAGED, 256, 0x6d497350u /* "PsIm" */);
    if (stack_name == 0) {
        return;
    }
    name = machine_pointer(stack_name);
    info = (struct image_info *)(name + 1);
    *info = (struct image_info){.Properties = 0x100,
                                .ImageBase = machine_pointer(module->base),
                                .ImageSize = module->bytes};
    *name = rtl_unicode(module->name, (uint16_t *)(info + 1), 80);
    for (uint32_t i = 0; i < state->notify_count[NOTIFY_IMAGE]; i++) {
        MACHINE_CALL(state->notify[NOTIFY_IMAGE][i], (uint64_t)name, 0, (uint64_t)info);
    }
    ex_pool_free(stack_name);
}

static ntstatus PsSetCreateProcessNotifyRoutine(uint64_t routine, uint8_t remove)
{
    return remove ? notify_remove(NOTIFY_PROCESS, routine) : notify_add(NOTIFY_PROCESS, routine);
}

static ntstatus PsSetCreateProcessNotifyRoutineEx(uint64_t routine, uint8_t remove)
{
    return PsSetCreateProcessNotifyRoutine(routine, remove);
}

static ntstatus PsSetCreateThreadNotifyRoutine(uint64_t routine)
{
    return notify_add(NOTIFY_THREAD, routine);
}

static ntstatus PsRemoveCreateThreadNotifyRoutine(uint64_t routine)
{
    return notify_remove(NOTIFY_THREAD, routine);
}

static ntstatus PsSetLoadImageNotifyRoutine(uint64_t routine)
{
    return notify_add(NOTIFY_IMAGE, routine);
}

static ntstatus PsRemoveLoadImageNotifyRoutine(uint64_t routine)
{
    return notify_remove(NOTIFY_IMAGE, routine);
}

NT_CALL2(PsSetCreateProcessNotifyRoutine, uint64_t, uint8_t)
NT_CALL2(PsSetCreateProcessNotifyRoutineEx, uint64_t, uint8_t)
NT_CALL1(PsSetCreateThreadNotifyRoutine, uint64_t)
NT_CALL1(PsRemoveCreateThreadNotifyRoutine, uint64_t)
NT_CALL1(PsSetLoadImageNotifyRoutine, uint64_t)
NT_CALL1(PsRemoveLoadImageNotifyRoutine, uint64_t)

/* ---- system threads ---- */

static void end_thread(int32_t status)
{
    if (machine_irql() != PASSIVE_LEVEL || ke_normal_apcs_disabled()) {
        machine_bugcheck(0x20, 0, ke_normal_apcs_disabled(), machine_irql(), 0,
                         "a thread ended at raised IRQL, or inside a critical region");
    }
    notify_thread(THREAD_ID(machine_thread()), false);
    ke_thread_exit(status);
}

static void system_thread_main(void *argument)
{
    const struct ps_thread *self = record_of(machine_thread());

    (void)argument;
    if (self->routine != 0) {
        MACHINE_CALL(self->routine, self->context);
        end_thread(STATUS_SUCCESS);
    }
}

static ntstatus start_thread(uint64_t routine, uint64_t context, uint64_t *handle,
                             struct client_id *client)
{
    struct thread *thread = ke_thread_new(system_thread_main, NULL);
    struct ps_thread *record;
    uint64_t open;

    if (thread == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    record = record_of(thread);
    open = ob_handle(ke_thread_object(thread));
    if (open == 0) {
        return STATUS_INSUFFICIENT_RESOURCES; /* the thread has no routine and ends at once */
    }
    record->routine = routine;
    record->context = context;
    notify_thread(THREAD_ID(thread), true);
    *handle = open;
    if (client != NULL) {
        client->UniqueProcess = machine_pointer(SYSTEM_PROCESS_ID);
        client->UniqueThread = machine_pointer(THREAD_ID(thread));
    }
    return STATUS_SUCCESS;
}

static ntstatus PsCreateSystemThread(uint64_t *handle, uint32_t access,
                                     const struct object_attributes *attributes, uint64_t process,
                                     struct client_id *client, uint64_t routine, uint64_t context)
{
    (void)access;
    (void)attributes; /* threads have no names */
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    if (client != NULL) {
        machine_touch((uint64_t)client, sizeof *client, PAGER_WRITE);
    }
    if (process != 0 && ob_type(ob_from_handle(process)) != OBJECT_PROCESS) {
        return STATUS_INVALID_HANDLE;
    }
    return start_thread(routine, context, handle, client);
}

static ntstatus PsTerminateSystemThread(int32_t status)
{
    if (ps_is_user_thread(machine_thread())) {
        return STATUS_INVALID_PARAMETER;
    }
    end_thread(status);
    return STATUS_SUCCESS;
}

NT_CALL7(PsCreateSystemThread, uint64_t *, uint32_t, const struct object_attributes *, uint64_t,
         struct client_id *, uint64_t, uint64_t)
NT_CALL1(PsTerminateSystemThread, int32_t)

/* ---- who is who ---- */

static uint64_t PsGetCurrentProcess(void)
{
    return state->system_process;
}

static uint64_t PsGetCurrentProcessId(void)
{
    return SYSTEM_PROCESS_ID;
}

static uint64_t PsGetCurrentThread(void)
{
    return ex_current_thread();
}

static uint64_t PsGetCurrentThreadId(void)
{
    return THREAD_ID(machine_thread());
}

static uint64_t PsGetProcessId(uint64_t process)
{
    return process == state->system_process ? SYSTEM_PROCESS_ID : 0;
}

static uint64_t PsGetThreadId(uint64_t object)
{
    const struct thread *thread = ke_thread_of(object);

    return thread == NULL ? 0 : THREAD_ID(thread);
}

static uint64_t PsGetThreadProcessId(uint64_t object)
{
    return ke_thread_of(object) == NULL ? 0 : SYSTEM_PROCESS_ID;
}

static uint64_t PsGetThreadProcess(uint64_t object)
{
    return ke_thread_of(object) == NULL ? 0 : state->system_process;
}

static uint8_t PsIsSystemThread(uint64_t object)
{
    const struct thread *thread = ke_thread_of(object);

    return thread != NULL && !ps_is_user_thread(thread);
}

static uint8_t PsIsThreadTerminating(uint64_t object)
{
    const struct thread *thread = ke_thread_of(object);

    return thread == NULL || thread->state == THREAD_ENDED;
}

static ntstatus PsLookupProcessByProcessId(uint64_t id, uint64_t *process)
{
    machine_touch((uint64_t)process, sizeof *process, PAGER_WRITE);
    if (id != SYSTEM_PROCESS_ID) {
        return STATUS_INVALID_PARAMETER;
    }
    ob_reference(state->system_process);
    *process = state->system_process;
    return STATUS_SUCCESS;
}

static ntstatus PsLookupThreadByThreadId(uint64_t id, uint64_t *object)
{
    struct thread *thread = thread_by_id(id);

    machine_touch((uint64_t)object, sizeof *object, PAGER_WRITE);
    if (thread == NULL || thread->state == THREAD_ENDED) {
        return STATUS_INVALID_PARAMETER;
    }
    *object = ke_thread_object(thread);
    ob_reference(*object);
    return STATUS_SUCCESS;
}

static uint8_t ExGetPreviousMode(void)
{
    return ps_is_user_thread(machine_thread()) ? UserMode : KernelMode;
}

static uint8_t PsGetVersion(uint32_t *major, uint32_t *minor, uint32_t *build,
                            struct unicode_string *service_pack)
{
    uint32_t *const out[] = {major, minor, build};
    static const uint32_t values[] = {VERSION_MAJOR, VERSION_MINOR, VERSION_BUILD};

    for (size_t i = 0; i < 3; i++) {
        if (out[i] != NULL) {
            machine_touch((uint64_t)out[i], sizeof *out[i], PAGER_WRITE);
            *out[i] = values[i];
        }
    }
    if (service_pack != NULL) {
        machine_touch((uint64_t)service_pack, sizeof *service_pack, PAGER_WRITE);
        *service_pack = (struct unicode_string){0, 0, NULL};
    }
    return 0; /* a free build */
}

NT_CALL0(uint64_t, PsGetCurrentProcess)
NT_CALL0(uint64_t, PsGetCurrentProcessId)
NT_CALL0(uint64_t, PsGetCurrentThread)
NT_CALL0(uint64_t, PsGetCurrentThreadId)
NT_CALL1(PsGetProcessId, uint64_t)
NT_CALL1(PsGetThreadId, uint64_t)
NT_CALL1(PsGetThreadProcessId, uint64_t)
NT_CALL1(PsGetThreadProcess, uint64_t)
NT_CALL1(PsIsSystemThread, uint64_t)
NT_CALL1(PsIsThreadTerminating, uint64_t)
NT_CALL2(PsLookupProcessByProcessId, uint64_t, uint64_t *)
NT_CALL2(PsLookupThreadByThreadId, uint64_t, uint64_t *)
NT_CALL0(uint8_t, ExGetPreviousMode)
NT_CALL4(PsGetVersion, uint32_t *, uint32_t *, uint32_t *, struct unicode_string *)
