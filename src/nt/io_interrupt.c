/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of drivers: connecting service routines to the machine's lines, and synchronizing with
 * them.
 *
 * A KINTERRUPT is opaque to drivers: a header, and the spin lock of those that bring none.  A
 * service routine runs at its synchronize IRQL with that lock held, on the stack of whoever was
 * interrupted.
 *
 * Parameters of IoConnectInterrupt that do not fit are STATUS_INVALID_PARAMETER, as documented:
 * also a line that is taken by somebody who does not share it.
 */
#include "nt/io_interrupt.h"

#include "nt/ke.h"
#include "nt/pnp.h"

#define INTERRUPT_TAG  IO_TAG('I', 'o', 'I', 'n')
#define INTERRUPT_TYPE 22 /* InterruptObject */

struct kinterrupt {
    int16_t Type;
    int16_t Size;
    uint8_t Opaque[0xf0];
    kspin_lock ActualLock;
};

static struct io_interrupt *next_interrupt(const struct io_interrupt *after)
{
    return (struct io_interrupt *)(after == NULL ? io_state->interrupts.first : after->record.next);
}

static struct io_interrupt *checked(uint64_t object)
{
    struct io_interrupt *interrupt = io_table_find(&io_state->interrupts, object);

    if (interrupt == NULL) {
        machine_bugcheck(0x18, 0, object, 0, 0,
                         "an interrupt object was used that is disconnected or never was one");
    }
    return interrupt;
}

/* ---- the service routine ---- */

static bool serve(struct interrupt_service *service)
{
    struct io_interrupt *interrupt = service->context;
    kspin_lock *lock = interrupt->lock;
    bool claimed;

    ke_take_spin_lock(lock);
    claimed = (uint8_t)MACHINE_CALL(interrupt->routine, interrupt->record.address,
                                    interrupt->context) != 0;
    ke_give_spin_lock(lock);
    return claimed;
}

/* ---- connecting ---- */

/* What all ways of connecting come down to. */
struct connection {
    void **object;
    uint64_t routine, context;
    kspin_lock *lock;
    uint32_t vector, mode;
    uint8_t irql, synchronize_irql;
    bool share;
    uint64_t processors;
};

/* Whether those who have the line already would share it. */
static bool is_free(uint32_t line, const struct connection *connection)
{
    for (const struct io_interrupt *i = next_interrupt(NULL); i != NULL; i = next_interrupt(i)) {
        if (i->service.line == line &&
            (!i->share || !connection->share || i->mode != connection->mode)) {
            return false;
        }
    }
    return true;
}

static bool is_possible(const struct connection *connection, uint32_t *line)
{
    return connection->routine != 0 && connection->mode <= Latched &&
           (connection->processors & 1) != 0 && interrupt_vector_line(connection->vector, line) &&
           connection->irql == interrupt_line_irql(*line) &&
           connection->synchronize_irql >= connection->irql &&
           connection->synchronize_irql <= HIGH_LEVEL && is_free(*line, connection);
}

static void tell(const struct io_interrupt *interrupt, struct nt_interrupt *out)
{
    *out = (struct nt_interrupt){.object = interrupt->record.address,
                                 .routine = interrupt->routine,
                                 .context = interrupt->context,
                                 .line = interrupt->service.line,
                                 .vector = interrupt_line_vector(interrupt->service.line),
                                 .irql = interrupt_line_irql(interrupt->service.line),
                                 .synchronize_irql = interrupt->service.irql,
                                 .active = !interrupt->service.inactive};
}

static ntstatus connect(const struct connection *connection)
{
    struct io_interrupt *interrupt;
    struct kinterrupt *object;
    struct nt_interrupt told;
    uint32_t line;

    machine_touch((uint64_t)connection->object, sizeof *connection->object, PAGER_WRITE);
    if (!is_possible(connection, &line)) {
        return STATUS_INVALID_PARAMETER;
    }
    object = machine_pointer(ex_pool_allocate(POOL_NONPAGED, sizeof *object, INTERRUPT_TAG));
    if (object == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    object->Type = INTERRUPT_TYPE;
    object->Size = sizeof *object;
    interrupt = ex_heap_take(sizeof *interrupt);
    interrupt->record.address = (uint64_t)object;
    interrupt->routine = connection->routine;
    interrupt->context = connection->context;
    interrupt->lock = connection->lock != NULL ? connection->lock : &object->ActualLock;
    interrupt->mode = connection->mode;
    interrupt->share = connection->share;
    interrupt->service.line = line;
    interrupt->service.irql = connection->synchronize_irql;
    interrupt->service.service = serve;
    interrupt->service.context = interrupt;
    interrupt->service.routine = connection->routine;
    io_table_add(&io_state->interrupts, &interrupt->record);
    *connection->object = object; /* the first interrupt may come before this returns */
    interrupt_connect(&interrupt->service);
    if (nt_hooks.interrupt_connected != NULL) {
        tell(interrupt, &told);
        nt_hooks.interrupt_connected(&told);
    }
    return STATUS_SUCCESS;
}

static ntstatus IoConnectInterrupt(void **object, uint64_t routine, uint64_t context,
                                   kspin_lock *lock, uint32_t vector, uint8_t irql,
                                   uint8_t synchronize_irql, uint32_t mode, uint8_t share,
                                   uint64_t processors, uint8_t floating_save)
{
    struct connection connection = {.object = object,
                                    .routine = routine,
                                    .context = context,
                                    .lock = lock,
                                    .vector = vector,
                                    .mode = mode,
                                    .irql = irql,
                                    .synchronize_irql = synchronize_irql,
                                    .share = share != 0,
                                    .processors = processors};

    (void)floating_save; /* no meaning on x64 */
    return connect(&connection);
}

static ntstatus connect_fully(const struct interrupt_fully_specified *p, bool group)
{
    struct connection connection = {.object = p->InterruptObject,
                                    .routine = (uint64_t)p->ServiceRoutine,
                                    .context = (uint64_t)p->ServiceContext,
                                    .lock = p->SpinLock,
                                    .vector = p->Vector,
                                    .mode = p->InterruptMode,
                                    .irql = p->Irql,
                                    .synchronize_irql = p->SynchronizeIrql,
                                    .share = p->ShareVector != 0,
                                    .processors = p->ProcessorEnableMask};

    /* Group is there from Windows 7 on, in parameters of that version only; there is one group. */
    if (group && p->Group != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    return connect(&connection);
}

/* The line that the plug and play manager gave the device; it may be shared. */
static ntstatus connect_line(const struct interrupt_line_based *p)
{
    const struct hardware *hardware = nt_pnp_hardware((uint64_t)p->PhysicalDeviceObject);
    struct connection connection = {.object = p->InterruptObject,
                                    .routine = (uint64_t)p->ServiceRoutine,
                                    .context = (uint64_t)p->ServiceContext,
                                    .lock = p->SpinLock,
                                    .share = true,
                                    .processors = 1};

    if (hardware == NULL) {
        return STATUS_NOT_FOUND;
    }
    for (uint32_t i = 0; i < hardware->resource_count; i++) {
        const struct hardware_resource *resource = &hardware->resources[i];
        uint32_t line = (uint32_t)resource->start;

        if (resource->kind == RESOURCE_INTERRUPT) {
            connection.vector = interrupt_line_vector(line);
            connection.irql = interrupt_line_irql(line);
            connection.synchronize_irql =
                p->SynchronizeIrql != 0 ? p->SynchronizeIrql : connection.irql;
            return connect(&connection);
        }
    }
    return STATUS_NOT_FOUND;
}

/* No device here sends messages: the fallback routine gets the line, and the driver is told. */
static ntstatus connect_message(struct interrupt_parameters *parameters)
{
    const struct interrupt_message_based *p = &parameters->MessageBased;
    struct interrupt_line_based line = {.PhysicalDeviceObject = p->PhysicalDeviceObject,
                                        .InterruptObject = p->ConnectionContext,
                                        .ServiceRoutine = p->FallBackServiceRoutine,
                                        .ServiceContext = p->ServiceContext,
                                        .SpinLock = p->SpinLock,
                                        .SynchronizeIrql = p->SynchronizeIrql};
    ntstatus status;

    if (p->FallBackServiceRoutine == NULL) {
        return STATUS_NOT_FOUND;
    }
    status = connect_line(&line);
    if (status == STATUS_SUCCESS) {
        parameters->Version = CONNECT_LINE_BASED;
    }
    return status;
}

static ntstatus IoConnectInterruptEx(struct interrupt_parameters *parameters)
{
    machine_touch((uint64_t)parameters, sizeof parameters->Version, PAGER_WRITE);
    switch (parameters->Version) {
    case CONNECT_FULLY_SPECIFIED:
    case CONNECT_FULLY_SPECIFIED_GROUP:
        machine_touch((uint64_t)&parameters->FullySpecified,
                      offsetof(struct interrupt_fully_specified, Group) + sizeof(uint16_t),
                      PAGER_READ);
        return connect_fully(&parameters->FullySpecified,
                             parameters->Version == CONNECT_FULLY_SPECIFIED_GROUP);
    case CONNECT_LINE_BASED:
        machine_touch((uint64_t)&parameters->LineBased, sizeof parameters->LineBased, PAGER_READ);
        return connect_line(&parameters->LineBased);
    case CONNECT_MESSAGE_BASED:
        machine_touch((uint64_t)&parameters->MessageBased, sizeof parameters->MessageBased,
                      PAGER_READ);
        return connect_message(parameters);
    default:
        parameters->Version = CONNECT_CURRENT_VERSION;
        return STATUS_NOT_SUPPORTED;
    }
}

/* ---- disconnecting ---- */

static void disconnect(struct io_interrupt *interrupt)
{
    uint64_t object = interrupt->record.address;

    interrupt_disconnect(&interrupt->service);
    io_table_remove(&io_state->interrupts, &interrupt->record);
    ex_pool_free(object);
}

static void IoDisconnectInterrupt(uint64_t object)
{
    disconnect(checked(object));
}

static uint64_t object_of(const struct interrupt_connection *connection)
{
    machine_touch((uint64_t)connection, sizeof *connection, PAGER_READ);
    return (uint64_t)connection->ConnectionContext;
}

static void IoDisconnectInterruptEx(const struct interrupt_connection *connection)
{
    IoDisconnectInterrupt(object_of(connection));
}

static void IoReportInterruptActive(const struct interrupt_connection *connection)
{
    interrupt_set_active(&checked(object_of(connection))->service, true);
}

static void IoReportInterruptInactive(const struct interrupt_connection *connection)
{
    interrupt_set_active(&checked(object_of(connection))->service, false);
}

NT_CALL11(IoConnectInterrupt, void **, uint64_t, uint64_t, kspin_lock *, uint32_t, uint8_t, uint8_t,
          uint32_t, uint8_t, uint64_t, uint8_t)
NT_CALL1(IoConnectInterruptEx, struct interrupt_parameters *)
NT_VOID1(IoDisconnectInterrupt, uint64_t)
NT_VOID1(IoDisconnectInterruptEx, const struct interrupt_connection *)
NT_VOID1(IoReportInterruptActive, const struct interrupt_connection *)
NT_VOID1(IoReportInterruptInactive, const struct interrupt_connection *)

/* ---- of a module ---- */

static bool belongs(const struct io_interrupt *interrupt, const struct module *module)
{
    return interrupt->routine >= module->base && interrupt->routine < module->base + module->bytes;
}

bool nt_interrupt_of(const struct module *module, uint32_t index, struct nt_interrupt *out)
{
    for (const struct io_interrupt *i = next_interrupt(NULL); i != NULL; i = next_interrupt(i)) {
        if (belongs(i, module) && index-- == 0) {
            tell(i, out);
            return true;
        }
    }
    return false;
}

uint32_t io_interrupts_abandon(const struct module *module, uint64_t *routine)
{
    struct io_interrupt *next;
    uint32_t count = 0;

    for (struct io_interrupt *i = next_interrupt(NULL); i != NULL; i = next) {
        next = next_interrupt(i);
        if (belongs(i, module)) {
            *routine = i->routine;
            count++;
            disconnect(i);
        }
    }
    return count;
}

/* ---- synchronizing with the service routine ---- */

static uint8_t raise_and_take(const struct io_interrupt *interrupt)
{
    uint8_t old = machine_irql();
    uint8_t irql = interrupt->service.irql;

    if (old > irql) {
        machine_bugcheck(0x09, old, irql, 0, machine_caller(),
                         "synchronizing with an interrupt from above its synchronize IRQL");
    }
    machine_raise(irql);
    if (old >= DISPATCH_LEVEL) {
        machine_trim_by_policy();
    }
    ke_take_spin_lock(interrupt->lock);
    return old;
}

static uint8_t KeSynchronizeExecution(uint64_t object, uint64_t routine, uint64_t context)
{
    const struct io_interrupt *interrupt = checked(object);
    kspin_lock *lock = interrupt->lock;
    uint8_t old = raise_and_take(interrupt);
    uint8_t irql = machine_irql();
    uint8_t result;

    machine_counters()->executions_synchronized++;
    result = (uint8_t)MACHINE_CALL(routine, context);
    if (machine_irql() != irql) {
        machine_bugcheck(0xC8, (uint64_t)machine_irql() << 16 | (uint64_t)irql << 8 | 3, routine, 0,
                         0,
                         "a routine of KeSynchronizeExecution returned at another IRQL than it was "
                         "called at");
    }
    ke_give_spin_lock(lock);
    machine_lower(old);
    return result;
}

static uint8_t KeAcquireInterruptSpinLock(uint64_t object)
{
    uint8_t old = raise_and_take(checked(object));

    machine_counters()->spin_locks_acquired++;
    return old;
}

static void KeReleaseInterruptSpinLock(uint64_t object, uint8_t irql)
{
    ke_release_spin_lock(checked(object)->lock, irql);
}

NT_CALL3(KeSynchronizeExecution, uint64_t, uint64_t, uint64_t)
NT_CALL1(KeAcquireInterruptSpinLock, uint64_t)
NT_VOID2(KeReleaseInterruptSpinLock, uint64_t, uint8_t)
