/* SPDX-License-Identifier: MIT */
/*
 * Private to pnp_*.c: device nodes and what is done to them.
 *
 *            AddDevice          START ok
 *   IDLE ─────────────▶ ADDED ───────────▶ STARTED ◀──START── STOPPED
 *    ▲                    │ START failed      │  └────STOP──────▲
 *    └──────REMOVE────────┴───────────────────┤
 *                                             └─SURPRISE_REMOVAL─▶ SURPRISED ──last file, REMOVE─▶
 *                                                                             GONE or IDLE
 *
 * A node that is GONE has no device object any more: its hardware was pulled out.  One that is
 * SURPRISED with its hardware still there (its driver said that it failed) becomes IDLE.
 *
 * All of this happens in threads of the computer, one operation at a time (pnp_enter, pnp_leave).
 */
#ifndef PAGABLE_NT_PNP_NODE_H
#define PAGABLE_NT_PNP_NODE_H

#include "nt/host_driver.h"
#include "nt/io.h"
#include "nt/pnp.h"
#include "nt/pnp_types.h"

enum pnp_state { PNP_IDLE, PNP_ADDED, PNP_STARTED, PNP_STOPPED, PNP_SURPRISED, PNP_GONE };

#define PNP_ID_MAX   200u /* characters of a device id, as on Windows */
#define PNP_PATH_MAX 320u

struct pnp_node {
    struct hardware *hardware; /* NULL: made up for a driver */
    struct device_object *pdo; /* NULL once it is GONE */
    struct module *module;     /* function driver; NULL: none, or the system's own */
    enum pnp_state state;
    const char *name;              /* for messages */
    const char *ids;               /* hardware ids, the first being the device's id */
    char id[PNP_ID_MAX + 1];       /* "ACPI\\PNP0501" */
    char instance[8];              /* "1" */
    char key[PNP_PATH_MAX];        /* in Enum */
    char driver_key[PNP_PATH_MAX]; /* in Control\Class */
    uint32_t power;                /* PowerDeviceD0 ... */
    struct pnp_node *next;         /* in the order of making */
};

/* ---- pnp_tree.c ---- */

/* What the manager waits for: an answer to a request, or AddDevice. */
struct pnp_now {
    const struct pnp_node *node; /* NULL: nothing */
    const struct irp *irp;       /* NULL: AddDevice */
    uint8_t minor;
    uint64_t routine; /* of AddDevice */
};

/* Everything of plug and play; in the arena. */
struct pnp_interface;

struct pnp_state_all {
    struct host_driver *bus; /* NULL until something needs it */
    struct pnp_node *first, *last;
    struct pnp_interface *interfaces;
    struct pnp_now now;
    uint32_t class_count;       /* drivers' keys */
    bool busy;                  /* an operation is under way ... */
    struct ex_wait_queue queue; /* ... and these wait for its end */
};
extern struct pnp_state_all *pnp;

struct pnp_node *pnp_node_of(const struct hardware *hardware); /* NULL: none was made */
struct pnp_node *pnp_node_for(struct hardware *hardware);      /* NULL: no guest memory */
/* A node for a driver whose hardware is not there. */
struct pnp_node *pnp_node_root(const struct module *module, const char *ids);
/* The node whose physical device object this is; NULL: it is none. */
struct pnp_node *pnp_node_of_pdo(uint64_t device);
/* The node in whose stack a device is. */
struct pnp_node *pnp_node_of_stack(uint64_t device);
bool pnp_is_open(const struct pnp_node *node); /* a file on any device of its stack */
/* Whether a driver has a device in the stack. */
bool pnp_in_stack(const struct pnp_node *node, const struct module *module);

/* ---- pnp_pdo.c: what physical devices answer ---- */
extern const host_dispatch pnp_pdo_table[IRP_MJ_MAXIMUM_FUNCTION + 1];
struct pnp_bus_information pnp_bus(const struct pnp_node *node);

/* ---- pnp_property.c ---- */
_Noreturn void pnp_no_pdo(uint64_t device, const char *what); /* bug check 0xCA */

/* ---- pnp_resources.c: in pool, 0 when the device has none or pool is exhausted ---- */
struct cm_resource_list *pnp_resources(const struct pnp_node *node, bool translated,
                                       uint32_t *bytes);
struct io_resource_requirements *pnp_requirements(const struct pnp_node *node);

/* ---- pnp_send.c ---- */

/* One operation at a time: waits for its turn.  T. */
void pnp_enter(void);
void pnp_leave(void);
/* Send a request to the top of a node's stack and wait.  `parameters` has MinorFunction and
 * Parameters; *information (may be NULL) is what IoStatus holds before and after. */
ntstatus pnp_send(const struct pnp_node *node, const struct io_stack_location *parameters,
                  uint64_t *information);
ntstatus pnp_send_minor(const struct pnp_node *node, uint8_t minor);
/* An operation in a system thread of its own, inside pnp_enter and pnp_leave.  Any IRQL up to
 * DISPATCH_LEVEL. */
void pnp_later(void (*run)(struct pnp_node *node), struct pnp_node *node);

/* ---- pnp_start.c, pnp_remove.c; T, inside pnp_enter and pnp_leave ---- */

ntstatus pnp_build_stack(struct pnp_node *node); /* AddDevice of driver and filters */
ntstatus pnp_start(struct pnp_node *node);       /* an ADDED or STOPPED node */
void pnp_query_state(struct pnp_node *node);     /* acts on what it answers */
void pnp_query_children(struct pnp_node *node);
/* For findings: the driver of a node and the routine that gets its requests. */
const char *pnp_driver_name(const struct pnp_node *node);
uint64_t pnp_routine(const struct pnp_node *node);
/* Whether a node's key names the driver among its filters. */
bool pnp_names_filter(const struct pnp_node *node, struct module *module);
ntstatus pnp_remove_orderly(struct pnp_node *node);
void pnp_remove_now(struct pnp_node *node); /* REMOVE: nothing is asked any more */
void pnp_surprise(struct pnp_node *node);
ntstatus pnp_restart(struct pnp_node *node);

/* ---- pnp_interface.c, pnp_notify.c ---- */

/* A device is going: its interfaces go. */
void pnp_disable_interfaces(struct pnp_node *node);
/* Name of the index-th enabled interface of a class; NULL beyond the last. */
const struct unicode_string *pnp_interface_at(const struct guid *class, uint32_t index);
enum pnp_target { PNP_QUERY_REMOVE, PNP_REMOVE_CANCELLED, PNP_REMOVE_COMPLETE };
/* Tell those who registered for files on this device; a query's first refusal is the answer. */
ntstatus pnp_notify_target(const struct pnp_node *node, enum pnp_target event);
/* An interface came or went: its listeners are called in a thread of their own. */
struct pnp_change {
    struct guid class;
    const struct unicode_string *link;
    bool arrival;
};
void pnp_notify_interface(const struct pnp_change *change);

#endif
