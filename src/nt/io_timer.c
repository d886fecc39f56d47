/* SPDX-License-Identifier: MIT */
/* Timers of devices: a routine that is called once a second, at DISPATCH_LEVEL, while it is
 * started. */
#include "nt/io.h"

#define TIMER_TAG IO_TAG('I', 'o', 'T', 'i')
#define SECOND    10000000ull

/* What DEVICE_OBJECT.Timer points to. */
struct io_timer {
    int16_t Type;
    int16_t TimerFlag; /* whether it is started */
    struct list_entry TimerList;
    void *TimerRoutine;
    void *Context;
    struct device_object *DeviceObject;
};

struct io_timer_record {
    struct machine_timer timer;
    uint64_t device; /* 0: the device is gone */
    struct io_timer_record *next_free;
};

uint64_t io_timer_routine(const struct device_object *device)
{
    return machine_would_fault((uint64_t)device->Timer, PAGER_READ)
               ? 0
               : (uint64_t)device->Timer->TimerRoutine;
}

static struct io_timer_record **free_list(void)
{
    return (struct io_timer_record **)&io_state->free_timers;
}

static void run(uint64_t object, const uint64_t argument[2])
{
    const struct device_object *device = machine_pointer(argument[0]);

    (void)object;
    if (io_device_find(argument[0]) != NULL && device->Timer != NULL && device->Timer->TimerFlag) {
        MACHINE_CALL((uint64_t)device->Timer->TimerRoutine, argument[0],
                     (uint64_t)device->Timer->Context);
    }
}

static void expire(struct machine_timer *timer)
{
    struct io_timer_record *record = timer->context;
    uint64_t arguments[2] = {record->device, 0};

    machine_timer_set(timer, timer->due + SECOND);
    machine_dpc_queue((uint64_t)((struct device_object *)machine_pointer(record->device))->Timer,
                      run, arguments, false);
}

static struct io_timer_record *record_new(uint64_t device)
{
    struct io_timer_record *record = *free_list();

    if (record != NULL) {
        *free_list() = record->next_free;
    } else {
        record = machine_allocate(sizeof *record);
    }
    record->device = device;
    record->timer.expire = expire;
    record->timer.context = record;
    return record;
}

void io_timer_forget(struct io_device *device)
{
    struct device_object *object = machine_pointer(device->record.address);

    if (device->timer == NULL) {
        return;
    }
    machine_timer_cancel(&device->timer->timer);
    machine_dpc_remove((uint64_t)object->Timer);
    device->timer->next_free = *free_list();
    *free_list() = device->timer;
    device->timer = NULL;
    ex_pool_free((uint64_t)object->Timer);
    object->Timer = NULL;
}

static ntstatus IoInitializeTimer(struct device_object *device, uint64_t routine, uint64_t context)
{
    struct io_device *record = io_device_checked((uint64_t)device);
    struct io_timer *timer = device->Timer;

    if (timer == NULL) {
        timer = machine_pointer(ex_pool_allocate(POOL_NONPAGED, sizeof *timer, TIMER_TAG));
        if (timer == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        timer->Type = IO_TYPE_TIMER;
        timer->DeviceObject = device;
        nt_list_init(&timer->TimerList);
        device->Timer = timer;
        record->timer = record_new((uint64_t)device);
    }
    timer->TimerRoutine = machine_pointer(routine);
    timer->Context = machine_pointer(context);
    return STATUS_SUCCESS;
}

static struct io_timer *started(struct device_object *device, struct io_device **record)
{
    *record = io_device_checked((uint64_t)device);
    if (device->Timer == NULL) { /* as on Windows, where it is read without a look */
        machine_touch(0, sizeof(struct io_timer), PAGER_WRITE);
    }
    return device->Timer;
}

static void IoStartTimer(struct device_object *device)
{
    struct io_device *record;
    struct io_timer *timer = started(device, &record);

    if (!timer->TimerFlag) {
        timer->TimerFlag = 1;
        machine_timer_set(&record->timer->timer, machine_time() + SECOND);
    }
}

static void IoStopTimer(struct device_object *device)
{
    struct io_device *record;
    struct io_timer *timer = started(device, &record);

    timer->TimerFlag = 0;
    machine_timer_cancel(&record->timer->timer);
}

NT_CALL3(IoInitializeTimer, struct device_object *, uint64_t, uint64_t)
NT_VOID1(IoStartTimer, struct device_object *)
NT_VOID1(IoStopTimer, struct device_object *)
