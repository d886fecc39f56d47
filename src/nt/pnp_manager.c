/* SPDX-License-Identifier: MIT */
/*
 * What is asked of plug and play from outside: each operation runs in a system thread of its own
 * while the caller runs the machine.
 */
#include "nt/pnp_node.h"

#include <strings.h>

/* Virtual time after which a request that has not ended never will: ten minutes. */
#define PATIENCE (600ull * 10000000ull)

/* In the arena: the thread may still be there when the caller is not. */
struct job {
    void (*run)(struct job *job);
    struct module *module;
    struct hardware *hardware;
    char *ids; /* NULL: none */
    uint32_t added, started;
    ntstatus status;
    bool done;
};

static void job_main(void *argument)
{
    struct job *job = argument;

    pnp_enter();
    job->run(job);
    pnp_leave();
    job->done = true;
}

static bool job_done(void *context)
{
    return ((const struct job *)context)->done;
}

/* False when it never ended; *job then is what it was. */
static bool run_job(struct job *job)
{
    struct job *shared = ex_heap_take(sizeof *shared);

    *shared = *job;
    if (ke_thread_new(job_main, shared) == NULL) {
        job->status = STATUS_INSUFFICIENT_RESOURCES;
        ex_heap_give(shared);
        return true;
    }
    machine_run(job_done, shared, machine_time() + PATIENCE);
    if (!shared->done) {
        return false;
    }
    *job = *shared;
    ex_heap_give(shared);
    return true;
}

/* ---- adding ---- */

static bool matches(const char *ids, const char *of)
{
    for (; *of != '\0'; of += strlen(of) + 1) {
        for (const char *id = ids; *id != '\0'; id += strlen(id) + 1) {
            if (strcasecmp(id, of) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void build_and_start(struct job *job, struct pnp_node *node, struct module *module)
{
    node->module = module;
    if (!NT_SUCCESS(pnp_build_stack(node))) {
        return;
    }
    job->added++;
    if (NT_SUCCESS(pnp_start(node))) {
        job->started++;
    } else {
        pnp_remove_now(node);
    }
}

/* Stacks that name the driver as a filter are built anew, with it; false when none does. */
static bool add_as_filter(struct job *job)
{
    bool any = false;

    for (struct hardware *h = hardware_next(NULL); h != NULL; h = hardware_next(h)) {
        struct pnp_node *node = pnp_node_of(h);
        struct module *module;

        if (node == NULL || !pnp_names_filter(node, job->module)) {
            continue;
        }
        any = true;
        module = node->module;
        if (node->state == PNP_STARTED && NT_SUCCESS(pnp_remove_orderly(node))) {
            build_and_start(job, node, module);
        }
    }
    return any;
}

static bool is_free(const struct pnp_node *node)
{
    return node->state == PNP_IDLE && node->pdo->AttachedDevice == NULL;
}

/* The bus finds what is there: each gets its physical device object, in the order of adding. */
static void enumerate(void)
{
    for (struct hardware *h = hardware_next(NULL); h != NULL; h = hardware_next(h)) {
        if (h->present && pnp_node_for(h) == NULL) {
            machine_notice("%s: guest memory is exhausted: it has no device", h->name);
        }
    }
}

static void add(struct job *job)
{
    bool any = false;

    enumerate();
    for (struct hardware *h = hardware_next(NULL); h != NULL; h = hardware_next(h)) {
        struct pnp_node *node = pnp_node_of(h);

        if (node != NULL && h->present && job->ids != NULL && matches(job->ids, h->ids) &&
            is_free(node)) {
            any = true;
            build_and_start(job, node, job->module);
        }
    }
    if (!any && !add_as_filter(job)) {
        struct pnp_node *node = pnp_node_root(job->module, job->ids);

        if (node != NULL) {
            build_and_start(job, node, job->module);
        }
    }
}

static char *copy_ids(const char *ids)
{
    const char *end = ids;

    if (ids == NULL) {
        return NULL;
    }
    while (*end != '\0') {
        end += strlen(end) + 1;
    }
    return memcpy(ex_heap_take((size_t)(end - ids) + 1), ids, (size_t)(end - ids) + 1);
}

bool nt_pnp_add(struct module *module, const char *ids, uint32_t *added, uint32_t *started)
{
    struct job job = {.run = add, .module = module, .ids = copy_ids(ids)};
    bool ended = run_job(&job);

    if (ended) {
        ex_heap_give(job.ids);
    }
    *added = job.added;
    *started = job.started;
    return ended;
}

/* ---- removing ---- */

/* Whether the manager put a driver into a stack: one that attached by itself goes by itself. */
static bool has_driver(const struct pnp_node *node, const struct module *module)
{
    return node->module != NULL &&
           (node->module == module || (nt_pnp_is_wdm(module) && pnp_in_stack(node, module)));
}

bool pnp_uses_driver(const struct module *module)
{
    const struct pnp_node *node = pnp->first;

    while (node != NULL && !has_driver(node, module)) {
        node = node->next;
    }
    return node != NULL;
}

/* The last node made before `limit` (NULL: of all) in whose stack the driver is. */
static struct pnp_node *last_before(const struct pnp_node *limit, const struct module *module)
{
    struct pnp_node *found = NULL;

    for (struct pnp_node *n = pnp->first; n != NULL && n != limit; n = n->next) {
        found = has_driver(n, module) ? n : found;
    }
    return found;
}

static void remove_all(struct job *job)
{
    struct pnp_node *node = NULL;

    while ((node = last_before(node, job->module)) != NULL) {
        ntstatus status = STATUS_SUCCESS;

        if (node->state != PNP_SURPRISED) {
            status = pnp_remove_orderly(node);
        } else if (!pnp_is_open(node)) {
            pnp_remove_now(node); /* the last file was closed just now */
        }
        if (!NT_SUCCESS(status)) {
            machine_notice("%s stays: %s", node->name,
                           pnp_is_open(node) ? "a file on it is open"
                                             : "its driver refused to have it removed");
        }
    }
}

bool nt_pnp_remove(struct module *module)
{
    struct job job = {.run = remove_all, .module = module};

    return run_job(&job);
}

/* ---- what happens to hardware ---- */

static void pull_out(struct job *job)
{
    struct pnp_node *node = pnp_node_of(job->hardware);

    job->hardware->present = false;
    if (node == NULL || node->state == PNP_IDLE || node->state == PNP_GONE) {
        job->status = STATUS_NO_SUCH_DEVICE;
    } else if (node->state != PNP_SURPRISED) {
        pnp_surprise(node);
    }
}

bool nt_pnp_pull_out(struct hardware *hardware, int32_t *status)
{
    struct job job = {.run = pull_out, .hardware = hardware};
    bool ended = run_job(&job);

    *status = ended ? job.status : STATUS_PENDING;
    return ended;
}

static void restart(struct job *job)
{
    struct pnp_node *node = pnp_node_of(job->hardware);

    job->status =
        node == NULL || node->state != PNP_STARTED ? STATUS_NO_SUCH_DEVICE : pnp_restart(node);
}

bool nt_pnp_restart(struct hardware *hardware, int32_t *status)
{
    struct job job = {.run = restart, .hardware = hardware};
    bool ended = run_job(&job);

    *status = ended ? job.status : STATUS_PENDING;
    return ended;
}
