/* SPDX-License-Identifier: MIT */
/*
 * Private to io_*.c: what the I/O manager keeps of drivers, devices, IRPs and MDLs.
 *
 * The structures that drivers see lie in nonpaged pool; a record here is found by such a
 * structure's address and is never in driver memory.  Records are numbered in the order of their
 * making, and every list is in that order, so that nothing depends on addresses.
 */
#ifndef PAGABLE_NT_IO_H
#define PAGABLE_NT_IO_H

#include "base/assert.h"
#include "nt/ex.h"
#include "nt/exports_io.h"
#include "nt/nt.h"
#include "nt/requests.h"

#include <string.h>

#define IO_DECLARE_CALL(name, module, state, irql, arguments)                                      \
    uint64_t call_##name(const uint64_t *a);
NT_EXPORTS_IO(IO_DECLARE_CALL)
#undef IO_DECLARE_CALL

#define IO_TAG(a, b, c, d)                                                                         \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* memcpy between addresses, either of which may be 0 when there is nothing to copy. */
static inline void io_copy(uint64_t to, uint64_t from, size_t bytes)
{
    if (bytes > 0) {
        memcpy(machine_pointer(to), machine_pointer(from), bytes);
    }
}

/* ---- records by address (io_table.c) ---- */

/* First member of every record. */
struct io_record {
    uint64_t address;
    uint64_t sequence; /* never used again: tells a record from a later one at the same address */
    struct io_record *next, *previous; /* in the order of making */
    struct io_record *chain;           /* of its bucket */
};

struct io_table {
    struct io_record *first, *last;
    struct io_record *buckets[256];
};

/* `record` is memory from ex_heap_take with its address set. */
void io_table_add(struct io_table *table, struct io_record *record);
void *io_table_find(const struct io_table *table, uint64_t address);
/* Takes it out and gives its memory back. */
void io_table_remove(struct io_table *table, struct io_record *record);

/* ---- drivers (io_driver.c) ---- */

struct host_driver;
struct pnp_node;

struct io_driver_extension {
    uint64_t id, address; /* address: what the driver got */
    struct io_driver_extension *next;
};

struct io_driver {
    struct io_record record; /* address: DRIVER_OBJECT */
    struct module *module;   /* NULL once it is unloaded */
    struct io_driver_extension *extensions;
    struct host_driver *host; /* a driver of the system itself (io_host_driver.c); else NULL */
    bool entered, unloading;  /* DriverEntry succeeded; DriverUnload was called */
    struct thread *thread;    /* in which DriverEntry or DriverUnload runs; NULL: neither does */
};

/* A name for people: what is not ASCII as '?'.  (io_request.c) */
void io_ascii(const struct unicode_string *name, char *out, size_t size);
struct io_driver *io_driver_find(uint64_t object);
/* The driver whose image holds an address; NULL when none does. */
struct io_driver *io_driver_at(uint64_t address);
uint64_t io_invalid_request(void); /* guest address of IopInvalidDeviceRequest */

/* io_reinit.c */
void io_run_reinitialization(struct io_driver *driver);
void io_forget_reinitialization(const struct io_driver *driver);

/* io_leftover.c: findings for what a driver left behind when its unload routine had returned */
void io_report_leftovers(const struct io_driver *driver);
/* Where a thread is in an image: its innermost call there, or where it entered; 0: it is not. */
uint64_t io_place_in_image(const struct module *module, const struct thread *thread);

/* ---- devices (io_device.c) ---- */

struct io_timer_record;

struct io_device {
    struct io_record record; /* address: DEVICE_OBJECT */
    struct io_driver *driver;
    uint64_t attached_to; /* the device below; 0: none */
    bool deleted;         /* IoDeleteDevice was called, references are left */
    bool start_io_deferred, start_io_noncancelable;
    bool start_io_running;
    uint32_t start_io_waiting; /* IoStartNextPacket calls while the StartIo routine ran */
    uint32_t start_io_key;
    bool start_io_by_key, start_io_cancelable;
    uint32_t system_power, device_power; /* PoSetPowerState; 0: unspecified */
    bool shutdown_registered, last_chance;
    bool wmi_registered;
    uint64_t shutdown_sequence;
    struct io_timer_record *timer;
    void *host_context;    /* of a host driver's device */
    struct pnp_node *node; /* of a physical device: what plug and play keeps of it */
};

/* What IoCreateDevice and IoDeleteDevice do; `name` may be NULL. */
ntstatus io_device_create(struct driver_object *driver, uint32_t extension,
                          const struct unicode_string *name, uint32_t type,
                          uint32_t characteristics, bool exclusive, struct device_object **out);
void io_device_delete(struct device_object *device);
/* Lets a deleted device go that nothing holds any more. */
void io_device_release(struct device_object *device);

struct io_device *io_device_find(uint64_t object);
/* The record, or bug check 0x18: an export got something that is no device. */
struct io_device *io_device_checked(uint64_t object);
/* io_attach.c */
struct device_object *io_top_of_stack(struct device_object *device);
struct device_object *io_bottom_of_stack(struct device_object *device);
/* Devices in the order of their making; NULL first. */
struct io_device *io_device_next(const struct io_device *after);
/* Files and the like hold a device; the last one lets a deleted device go. */
void io_device_open(struct device_object *device);
void io_device_close(struct device_object *device);

/* io_timer.c */
void io_timer_forget(struct io_device *device);
uint64_t io_timer_routine(const struct device_object *device); /* 0: it has none */

/* ---- IRPs (io_irp.c) ---- */

enum io_irp_kind {
    IO_IRP_DRIVER,     /* allocated by a driver, which frees it */
    IO_IRP_THREADED,   /* of IoBuildSynchronous*: belongs to a thread, freed when it completes */
    IO_IRP_ASYNC,      /* of IoBuildAsynchronousFsdRequest: freed by the driver */
    IO_IRP_ASSOCIATED, /* of IoMakeAssociatedIrp */
    IO_IRP_REQUEST,    /* of a request from outside; see io_request.c */
    IO_IRP_SYSTEM      /* of an open, close ... that the system does for a driver */
};

/* Something of the system's own that waits for an IRP. */
struct io_waiter {
    bool done;            /* the drivers' part of the completion is over ... */
    bool completed;       /* ... and the packet was marked pending, so that the waiter was woken */
    uint64_t information; /* IoStatus.Information */
    struct ex_wait_queue queue;
};

struct io_irp {
    struct io_record record; /* address: IRP */
    enum io_irp_kind kind;
    uint16_t bytes;
    uint64_t caller;          /* who allocated it */
    uint64_t holder;          /* dispatch routine that returned STATUS_PENDING last */
    uint64_t owner;           /* KTHREAD that a threaded IRP belongs to */
    uint64_t user_output;     /* buffer that gets the data of a buffered request ... */
    uint32_t output_bytes;    /* ... and its size */
    struct io_waiter *waiter; /* REQUEST, SYSTEM */
    bool completing;          /* between the last stack location and its end */
};

struct irp *io_irp_new(int8_t stack_size, enum io_irp_kind kind);
void io_irp_free(struct irp *irp);
struct io_irp *io_irp_find(const struct irp *irp);
struct io_irp *io_irp_next(const struct io_irp *after);
void io_irp_init(struct irp *irp, uint16_t bytes, int8_t stack_size);
/* Stop with 0x44 unless it is an IRP. */
void io_irp_check(const struct irp *irp);

static inline struct io_stack_location *io_stack_current(const struct irp *irp)
{
    return irp->Tail.Overlay.CurrentStackLocation;
}

static inline struct io_stack_location *io_stack_next(const struct irp *irp)
{
    return irp->Tail.Overlay.CurrentStackLocation - 1;
}

/* io_call.c */
ntstatus io_call_driver(struct device_object *device, struct irp *irp);

/* io_complete.c */
void io_complete_request(struct irp *irp);
/* Copy data back, free buffers and MDLs of an IRP whose stack is done.  In the requester's thread.
 */
void io_finish_buffers(struct irp *irp);

/* io_build.c: buffers of a packet whose first location is filled in but for them.  A failure leaves
 * what it made to the caller: SystemBuffer and MdlAddress. */
struct io_control {
    uint32_t code;
    uint64_t input;
    uint32_t input_bytes;
    uint64_t output;
    uint32_t output_bytes;
};
ntstatus io_build_control_buffers(struct irp *irp, int8_t mode, const struct io_control *control);
struct io_transfer {
    uint64_t buffer;
    uint32_t bytes;
    int64_t offset;
    bool write;
};
ntstatus io_build_transfer_buffers(struct irp *irp, int8_t mode, const struct device_object *device,
                                   const struct io_transfer *transfer);

/* io_wait.c: the system sends an IRP and waits; returns its final status.  The IRP is not freed. */
ntstatus io_send_and_wait(struct device_object *device, struct irp *irp, struct io_waiter *waiter);

/* io_cancel.c */
uint8_t io_cancel_lock(void);
void io_cancel_unlock(uint8_t irql);
bool io_cancel_irp(struct irp *irp);
void io_cancel_start(void);

/* ---- files (io_file.c) ---- */

/* How a device is opened. */
struct io_open {
    const struct unicode_string *name; /* the part behind the device's; NULL: none */
    int8_t mode;                       /* KernelMode, UserMode */
    uint32_t access;
    enum io_irp_kind kind;
    struct io_waiter *waiter;
};
/* Open a device; on success *file has a reference. */
ntstatus io_file_open(struct device_object *device, const struct io_open *open,
                      struct file_object **file);
ntstatus io_file_open_by_name(const struct unicode_string *name, int8_t mode,
                              struct file_object **file);
void io_file_start(void);
struct file_object *io_file_new(struct device_object *device, const struct unicode_string *name);
/* The last handle is gone: send IRP_MJ_CLEANUP, once. */
void io_file_cleanup(struct file_object *file);
struct device_object *io_file_device(const struct file_object *file); /* top of its stack */

/* ---- device queues (io_devqueue.c); key NULL: in order of arrival ---- */
bool io_queue_insert(struct kdevice_queue *queue, struct kdevice_queue_entry *entry,
                     const uint32_t *key);
struct kdevice_queue_entry *io_queue_remove(struct kdevice_queue *queue, const uint32_t *key);

/* ---- MDLs (io_mdl.c, io_mdl_lock.c) ---- */

struct mdl *io_mdl_new(uint64_t address, uint32_t bytes);
void io_mdl_free(struct mdl *mdl);
uint64_t io_mdl_address(const struct mdl *mdl);
uint64_t io_mdl_pages(const struct mdl *mdl);
void io_mdl_check(const struct mdl *mdl); /* touches it, frame numbers included */
void io_mdl_fill_frames(struct mdl *mdl);
void io_mdl_unmap(struct mdl *mdl);
/* STATUS_SUCCESS, or why the pages cannot be locked. */
ntstatus io_mdl_lock(struct mdl *mdl, int8_t mode, uint32_t operation);
void io_mdl_unlock(struct mdl *mdl);
void io_mdl_release_pages(uint64_t first, uint64_t bytes);
/* MDLs that code of an image locked and nobody unlocked. */
uint32_t io_mdl_locked_by(uint64_t base, uint64_t bytes, uint64_t *caller);

/* io_workitem.c: routine of the i-th queued work item; false beyond the last. */
bool io_work_item_at(uint32_t index, uint64_t *routine);

/* pnp_notify.c: plug and play notifications that a driver registered. */
uint32_t io_notifications_of(const struct io_driver *driver);

/* ---- special kernel APCs (io_apc.c; io_deliver_apcs in nt.h) ---- */

/* Work in the context of a thread, at APC_LEVEL, as soon as the thread can take it.  A thread that
 * is gone gets it done by a worker. */
struct io_apc {
    uint64_t thread;                 /* guest KTHREAD */
    void (*run)(struct io_apc *apc); /* may free it */
    struct io_apc *next;
};
void io_apc_queue(struct io_apc *apc);

/* ---- per thread (io_thread.c) ---- */
struct io_thread {
    struct io_record record; /* address: KTHREAD */
    uint64_t top_level_irp, device_to_verify;
    bool hard_errors_off;
};

/* io_pnp.c: a plug and play, power or WMI request from outside, in the current thread. */
void io_pnp_request(const struct nt_request_desc *desc, uint64_t input, uint64_t output,
                    struct io_waiter *waiter, ntstatus *status, uint64_t *information);

/* Give back what IRP_MN_QUERY_DEVICE_RELATIONS answered, references included; how many there were.
 */
uint32_t io_free_relations(uint64_t relations);

/* pnp_tree.c, pnp_manager.c, pnp_remove.c */
void pnp_state_start(void);
/* Whether a driver is in the stack of a device that is there. */
bool pnp_uses_driver(const struct module *module);
/* A file on a device was closed: its removal may have waited for that.  Any context. */
void pnp_file_closed(uint64_t device);

/* io_shutdown.c: the i-th device to be told of a shutdown; 0 beyond the last. */
uint64_t io_shutdown_device(uint32_t index);

/* Everything of the I/O manager; in the arena. */
struct power_request;
struct host_pending;

struct io_state {
    struct io_table drivers, devices, irps, mdls, threads, work_items, log_entries, notifications;
    struct io_table interrupts; /* io_interrupt.c */
    uint64_t sequence;
    kspin_lock *cancel_lock, *vpb_lock; /* in nonpaged pool */
    struct io_apc *apcs;
    struct power_request *power_requests; /* io_power.c */
    struct host_pending *host_pending;    /* io_host_driver.c */
    void *reinits;                        /* io_reinit.c */
    void *free_timers;                    /* io_timer.c */
    uint32_t auto_names;
    uint64_t configuration; /* CONFIGURATION_INFORMATION */
    uint64_t generic_mapping;
    uint64_t shutdowns;
};
extern struct io_state *io_state;

#endif
