/* SPDX-License-Identifier: MIT */
/* Drivers of the system itself: requests, files, attachment, cancellation, and rubbish. */
#include "../ex/computer.h"
#include "nt/host_driver.h"
#include "support/run.h"

#include <stdlib.h>

/* A device that counts what reaches it and completes reads later. */
struct echo {
    uint32_t creates, cleanups, closes, reads, cancels;
    uint8_t completed_at; /* IRQL of the completion from the timer */
    struct irp *waiting;
    struct machine_timer timer;
};

static struct echo *echo_of(const struct device_object *device)
{
    return host_device_context(device);
}

static ntstatus on_create(struct device_object *device, struct irp *irp)
{
    echo_of(device)->creates++;
    return host_complete(irp, STATUS_SUCCESS, 0);
}

static ntstatus on_cleanup(struct device_object *device, struct irp *irp)
{
    echo_of(device)->cleanups++;
    return host_complete(irp, STATUS_SUCCESS, 0);
}

static ntstatus on_close(struct device_object *device, struct irp *irp)
{
    echo_of(device)->closes++;
    return host_complete(irp, STATUS_SUCCESS, 0);
}

static void on_expiry(struct machine_timer *timer)
{
    struct echo *echo = timer->context;

    echo->completed_at = machine_irql();
    if (host_pend_end(echo->waiting)) {
        host_complete(echo->waiting, STATUS_SUCCESS, 42);
    }
}

static void on_cancel(struct device_object *device, struct irp *irp)
{
    struct echo *echo = echo_of(device);

    ck_assert_ptr_eq(irp, echo->waiting);
    echo->cancels++;
    host_complete(irp, STATUS_CANCELLED, 0);
}

static ntstatus on_read(struct device_object *device, struct irp *irp)
{
    struct echo *echo = echo_of(device);

    echo->reads++;
    echo->waiting = irp;
    echo->timer = (struct machine_timer){.expire = on_expiry, .context = echo};
    machine_timer_set(&echo->timer, machine_time() + 1000);
    return host_pend_cancelable(irp, on_cancel);
}

static ntstatus on_flush(struct device_object *device, struct irp *irp)
{
    (void)device;
    return host_complete(irp, STATUS_IO_DEVICE_ERROR, 7);
}

static const host_dispatch echo_table[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
    [IRP_MJ_CREATE] = on_create, [IRP_MJ_CLEANUP] = on_cleanup,     [IRP_MJ_CLOSE] = on_close,
    [IRP_MJ_READ] = on_read,     [IRP_MJ_FLUSH_BUFFERS] = on_flush,
};

static struct echo *echo;
static struct device_object *device;
static struct host_driver *driver;

static void make_echo(void)
{
    echo = machine_allocate(sizeof *echo);
    driver = host_driver_new("\\Driver\\Echo", echo_table);
    ck_assert_ptr_nonnull(driver);
    device = host_device_new(driver, "\\Device\\Echo0", FILE_DEVICE_UNKNOWN, DO_DIRECT_IO, echo);
    ck_assert_ptr_nonnull(device);
}

/* One request to the top of the stack, waited for. */
static ntstatus request(struct device_object *top, uint8_t major, uint64_t *information)
{
    struct irp *irp = io_irp_new(top->StackSize, IO_IRP_SYSTEM);
    struct io_waiter waiter = {0};
    ntstatus status;

    io_stack_next(irp)->MajorFunction = major;
    status = io_send_and_wait(top, irp, &waiter);
    *information = waiter.information;
    io_irp_free(irp);
    return status;
}

static void requests_body(void)
{
    uint64_t information = 0;

    make_echo();
    ck_assert_uint_eq(device->Flags, DO_DIRECT_IO | DO_DEVICE_HAS_NAME);
    ck_assert_ptr_eq(host_device_context(device), echo);
    ck_assert_ptr_eq(host_device_context_of(driver, SLOT(device)), echo);
    ck_assert_ptr_null(host_device_context_of(driver, SLOT(device) + 16));
    ck_assert_int_eq(request(device, IRP_MJ_FLUSH_BUFFERS, &information), STATUS_IO_DEVICE_ERROR);
    ck_assert_uint_eq(information, 7);
    ck_assert_int_eq(request(device, IRP_MJ_WRITE, &information), STATUS_INVALID_DEVICE_REQUEST);
    ck_assert_int_eq(request(device, 0x7f, &information), STATUS_INVALID_DEVICE_REQUEST);
    ck_assert_int_eq(request(device, IRP_MJ_READ, &information), STATUS_SUCCESS);
    ck_assert_uint_eq(information, 42);
    ck_assert_uint_eq(echo->completed_at, DISPATCH_LEVEL);
    ck_assert_uint_eq(echo->cancels, 0);
}

START_TEST(requests_are_dispatched)
{
    computer_start();
    computer_thread(requests_body);
}
END_TEST

/* ---- by name, with references ---- */

static void names_body(void)
{
    uint64_t *file = guest_memory(sizeof *file), *found = guest_memory(sizeof *found);

    make_echo();
    ck_assert_ptr_null(host_device_new(driver, "\\Device\\Echo0", FILE_DEVICE_UNKNOWN, 0, echo));
    ck_assert_int_eq(
        ob_link(guest_unicode("\\DosDevices\\Z", 0), guest_unicode("\\Device\\Echo0", 0)),
        STATUS_SUCCESS);
    ck_assert_int_eq((ntstatus)CALL(IoGetDeviceObjectPointer,
                                    SLOT(guest_unicode("\\DosDevices\\Z", 0)), FILE_READ_DATA,
                                    SLOT(file), SLOT(found)),
                     STATUS_SUCCESS);
    ck_assert_uint_eq(*found, SLOT(device));
    ck_assert_int_eq(device->ReferenceCount, 1);
    ck_assert_uint_eq(echo->creates, 1);
    ck_assert_uint_eq(echo->cleanups, 1);
    ck_assert_uint_eq(echo->closes, 0);
    host_device_delete(device); /* stays as long as the file does */
    ck_assert_int_eq(ob_type(SLOT(device)), OBJECT_DEVICE);
    ck_assert_int_eq((ntstatus)CALL(IoGetDeviceObjectPointer,
                                    SLOT(guest_unicode("\\DosDevices\\Z", 0)), FILE_READ_DATA,
                                    SLOT(file), SLOT(found)),
                     STATUS_OBJECT_NAME_NOT_FOUND);
    ob_dereference(*file);
    ck_assert_uint_eq(echo->closes, 1);
    ck_assert_int_eq(ob_type(SLOT(device)), -1);
    ck_assert(ex_pool_is_valid());
}

START_TEST(found_by_name_and_link)
{
    computer_start();
    computer_thread(names_body);
}
END_TEST

/* ---- a stack of two ---- */

static struct device_object *below;

static ntstatus forward(struct device_object *upper, struct irp *irp)
{
    (void)upper;
    ck_assert_uint_eq(CALL(IoForwardIrpSynchronously, SLOT(below), SLOT(irp)) & 0xff, 1);
    return host_complete(irp, irp->IoStatus.Status, irp->IoStatus.Information + 1);
}

static void stack_body(void)
{
    const host_dispatch table[IRP_MJ_MAXIMUM_FUNCTION + 1] = {[IRP_MJ_READ] = forward};
    struct host_driver *filter = host_driver_new("\\Driver\\Filter", table);
    struct device_object *top = host_device_new(filter, NULL, FILE_DEVICE_UNKNOWN, 0, NULL);
    uint64_t information;

    make_echo();
    below = machine_pointer(CALL(IoAttachDeviceToDeviceStack, SLOT(top), SLOT(device)));
    ck_assert_ptr_eq(below, device);
    ck_assert_int_eq(top->StackSize, 2);
    ck_assert_int_eq(request(top, IRP_MJ_READ, &information), STATUS_SUCCESS);
    ck_assert_uint_eq(information, 43);
    CALL(IoDetachDevice, SLOT(device));
    host_device_delete(top);
    ck_assert_int_eq(ob_type(SLOT(top)), -1);
}

START_TEST(stacks_and_completion_routines)
{
    computer_start();
    computer_thread(stack_body);
}
END_TEST

/* ---- cancellation ---- */

static void cancel_later(struct machine_timer *timer)
{
    (void)timer;
    ck_assert(io_cancel_irp(echo->waiting));
    ck_assert(!host_pend_end(echo->waiting));
    ck_assert(machine_timer_cancel(&echo->timer));
}

static void cancel_body(void)
{
    static struct machine_timer canceller;
    struct irp *irp;
    struct io_waiter waiter = {0};
    uint64_t information;

    make_echo();
    canceller = (struct machine_timer){.expire = cancel_later};
    machine_timer_set(&canceller, machine_time() + 500);
    ck_assert_int_eq(request(device, IRP_MJ_READ, &information), STATUS_CANCELLED);
    ck_assert_uint_eq(echo->cancels, 1);
    irp = io_irp_new(1, IO_IRP_SYSTEM); /* cancelled before it was sent */
    io_stack_next(irp)->MajorFunction = IRP_MJ_READ;
    irp->Cancel = 1;
    ck_assert_int_eq(io_send_and_wait(device, irp, &waiter), STATUS_CANCELLED);
    machine_timer_cancel(&echo->timer);
    ck_assert_uint_eq(echo->cancels, 1);
    io_irp_free(irp);
}

START_TEST(pending_requests_are_cancelled)
{
    computer_start();
    computer_thread(cancel_body);
}
END_TEST

/* ---- rubbish ---- */

#define DISPATCH_ENTRY nt_export_address("IopHostDispatch")
#define CANCEL_ENTRY   nt_export_address("IopHostCancel")

static void no_device(void)
{
    MACHINE_CALL(DISPATCH_ENTRY, SLOT(guest_memory(512)), SLOT(io_irp_new(1, IO_IRP_SYSTEM)));
}

static void no_packet(void)
{
    make_echo();
    MACHINE_CALL(DISPATCH_ENTRY, SLOT(device), SLOT(guest_memory(512)));
}

static void no_location(void)
{
    make_echo();
    MACHINE_CALL(DISPATCH_ENTRY, SLOT(device), SLOT(io_irp_new(1, IO_IRP_SYSTEM)));
}

static void location_elsewhere(void)
{
    struct irp *irp = io_irp_new(2, IO_IRP_SYSTEM);

    make_echo();
    irp->CurrentLocation = 2;
    irp->Tail.Overlay.CurrentStackLocation = guest_memory(sizeof(struct io_stack_location));
    MACHINE_CALL(DISPATCH_ENTRY, SLOT(device), SLOT(irp));
}

static void bad_memory(void)
{
    make_echo();
    MACHINE_CALL(DISPATCH_ENTRY, SLOT(device), 0x1234000);
}

static void nothing_to_cancel(void)
{
    make_echo();
    MACHINE_CALL(CANCEL_ENTRY, SLOT(device), SLOT(io_irp_new(1, IO_IRP_SYSTEM)));
}

static void deleted_device(void)
{
    struct irp *irp = io_irp_new(1, IO_IRP_SYSTEM);

    make_echo();
    host_device_delete(device);
    CALL(IofCallDriver, SLOT(device), SLOT(irp));
}

static const struct {
    void (*body)(void);
    uint32_t code;
} rubbish[] = {{no_device, 0x18},          {no_packet, 0x44},  {no_location, 0x44},
               {location_elsewhere, 0x44}, {bad_memory, 0x1E}, {nothing_to_cancel, 0x48},
               {deleted_device, 0x18}};

START_TEST(rubbish_is_a_bug_check)
{
    ck_assert_uint_eq(computer_bugcheck(rubbish[_i].body).code, rubbish[_i].code);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host drivers");
    TCase *tests = tcase_create("host drivers");

    tcase_add_test(tests, requests_are_dispatched);
    tcase_add_test(tests, found_by_name_and_link);
    tcase_add_test(tests, stacks_and_completion_routines);
    tcase_add_test(tests, pending_requests_are_cancelled);
    tcase_add_loop_test(tests, rubbish_is_a_bug_check, 0, sizeof rubbish / sizeof *rubbish);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
