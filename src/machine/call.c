/* SPDX-License-Identifier: MIT */
/*
 * Crossings between guest and host.
 *
 * The pseudo-image ntoskrnl.exe at ARENA_NT:
 *   +0x000   a PE-less first page: the pointer that stubs jump through, and two routines that the
 *            loader gives to images built with control-flow guard
 *   +0x1000  one 16-byte stub per export, then spare ones for imports that nobody provides
 *   then     data exports, on writable pages
 */
#include "machine/internal.h"

#include <string.h>

#define MS_ABI __attribute__((ms_abi))

_Static_assert(offsetof(struct call_frame, return_address) == 16, "call_x86_64.S");
_Static_assert(offsetof(struct call_frame, stack_pointer) == 24, "call_x86_64.S");
_Static_assert(offsetof(struct call_frame, rbx) == 32, "call_x86_64.S");
_Static_assert(offsetof(struct call_frame, r15) == 88, "call_x86_64.S");
_Static_assert(sizeof(struct call_frame) == 112, "call_x86_64.S");

MS_ABI uint64_t call_dispatch(struct call_frame *frame, uint32_t index, const uint64_t *arguments);

static struct call_frame **chain(void)
{
    return M->cpu.current != NULL ? &M->cpu.current->calls : &M->scheduler_calls;
}

void call_push(struct call_frame *frame)
{
    frame->previous = *chain();
    *chain() = frame;
}

void call_pop(struct call_frame *frame)
{
    PG_ASSERT(*chain() == frame);
    *chain() = frame->previous;
}

struct call_frame *call_innermost(void)
{
    return *chain();
}

struct call_frame *call_outer(const struct call_frame *frame)
{
    const struct thread *thread = M->cpu.current;
    struct call_frame *outer = frame->previous;

    if (outer != NULL && thread != NULL &&
        (outer <= frame || (uint64_t)outer % 8 != 0 ||
         (uint64_t)outer > thread->stack_high - sizeof *outer)) {
        return NULL;
    }
    return outer;
}

const struct call_frame *machine_call_frame(void)
{
    const struct call_frame *frame = *chain();

    while (frame != NULL && frame->kind != CALL_EXPORT) {
        frame = call_outer(frame);
    }
    return frame;
}

uint64_t call_site(const struct call_frame *frame)
{
    const struct call_frame *guest = call_outer(frame);

    if (module_at(frame->return_address) != NULL || guest == NULL || guest->kind != CALL_GUEST) {
        return frame->return_address;
    }
    return guest->stub + 1; /* like a return address, behind what it stands for */
}

uint64_t machine_caller(void)
{
    const struct call_frame *frame = machine_call_frame();

    return frame == NULL ? 0 : call_site(frame);
}

MS_ABI uint64_t call_dispatch(struct call_frame *frame, uint32_t index, const uint64_t *arguments)
{
    uint64_t result;

    frame->kind = CALL_EXPORT;
    frame->stub = MACHINE_STUB(index);
    frame->trap = NULL;
    call_push(frame);
    M->counters.export_calls++;
    M->time++;
    machine_event(EVENT_CALL, frame->stub - ARENA_NT, call_site(frame), 0);
    result = M->exports.dispatch(index, arguments);
    machine_choice_point();
    call_pop(frame);
    return result;
}

#define GUEST_ARGUMENTS_MAX 12u
#define STATUS_BAD_STACK    0xC0000028u

_Static_assert(offsetof(struct machine_state, guest_frame) == 0, "call_x86_64.S");

uint64_t machine_call_changing_irql(uint64_t routine, unsigned count, const uint64_t *arguments)
{
    struct call_frame frame = {.kind = CALL_GUEST, .stub = routine};
    struct call_frame *outer = M->guest_frame;
    uint64_t a[GUEST_ARGUMENTS_MAX] = {0};
    uint64_t damage = 0;
    uint64_t result;

    PG_ASSERT(count <= GUEST_ARGUMENTS_MAX && M->cpu.current != NULL);
    memcpy(a, arguments, count * sizeof *a);
    call_push(&frame);
    M->guest_frame = &frame;
    /* A routine ignores the arguments that it does not take; they cost a few stores. */
    result = call_guest(routine, a, &frame, &damage);
    M->guest_frame = outer;
    if (damage != 0) {
        machine_bugcheck(
            0x1E, (uint64_t)(int64_t)(int32_t)STATUS_BAD_STACK, routine, 0, 0,
            "a routine returned with another stack pointer, or without a register that it "
            "had to keep");
    }
    call_pop(&frame);
    return result;
}

uint64_t machine_call(uint64_t routine, unsigned count, const uint64_t *arguments)
{
    uint8_t irql = M->cpu.irql;
    uint64_t result = machine_call_changing_irql(routine, count, arguments);

    if (M->cpu.irql != irql && M->hooks.returned != NULL) {
        M->hooks.returned(routine, irql);
    }
    return result;
}

/* ---- the pseudo-image ---- */

#define ENTRY_POINTER_OFFSET  0x800u
#define GUARD_CHECK_OFFSET    0x900u
#define GUARD_DISPATCH_OFFSET 0x910u

uint64_t call_guard_check(void)
{
    return ARENA_NT + GUARD_CHECK_OFFSET;
}

uint64_t call_guard_dispatch(void)
{
    return ARENA_NT + GUARD_DISPATCH_OFFSET;
}

static void write_stub(uint32_t index)
{
    uint8_t *at = (uint8_t *)MACHINE_STUB(index);
    int32_t displacement = (int32_t)(ARENA_NT + ENTRY_POINTER_OFFSET - (MACHINE_STUB(index) + 11));

    at[0] = 0xb8; /* mov eax, index */
    memcpy(&at[1], &index, sizeof index);
    at[5] = 0xff; /* jmp [rip + displacement] */
    at[6] = 0x25;
    memcpy(&at[7], &displacement, sizeof displacement);
    memset(&at[11], 0xcc, 5);
}

void machine_set_exports(const struct machine_exports *exports)
{
    static const uint8_t guard_check[] = {0xc3};          /* ret */
    static const uint8_t guard_dispatch[] = {0xff, 0xe0}; /* jmp rax */
    void (*entry)(void) = call_entry;
    uint64_t code_end;

    M->exports = *exports;
    M->stub_count = exports->count + STUB_SPARE;
    code_end = (MACHINE_STUB(M->stub_count) + PG_PAGE_SIZE - 1) & ~(uint64_t)(PG_PAGE_SIZE - 1);
    PG_ASSERT(code_end < ARENA_NT + ARENA_NT_BYTES / 2);
    PG_ASSERT(host.protect(ARENA_NT, ARENA_NT_BYTES, HOST_READ | HOST_WRITE) == 0);
    memset((void *)ARENA_NT, 0xcc, PG_PAGE_SIZE);
    memcpy((void *)(ARENA_NT + ENTRY_POINTER_OFFSET), &entry, sizeof entry);
    memcpy((void *)(ARENA_NT + GUARD_CHECK_OFFSET), guard_check, sizeof guard_check);
    memcpy((void *)(ARENA_NT + GUARD_DISPATCH_OFFSET), guard_dispatch, sizeof guard_dispatch);
    for (uint32_t i = 0; i < M->stub_count; i++) {
        write_stub(i);
    }
    PG_ASSERT(host.protect(ARENA_NT, code_end - ARENA_NT, HOST_READ | HOST_EXECUTE) == 0);
    M->export_data_next = code_end;
}

uint64_t machine_export_data(size_t bytes)
{
    uint64_t at = M->export_data_next;

    M->export_data_next += (bytes + 15) & ~(size_t)15;
    PG_ASSERT(M->export_data_next <= ARENA_NT + ARENA_NT_BYTES);
    return at;
}
