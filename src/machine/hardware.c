/* SPDX-License-Identifier: MIT */
/* The list of the hardware that is there, in the order of adding. */
#include "machine/hardware.h"
#include "machine/internal.h"

#include <string.h>

void hardware_add(struct hardware *hardware)
{
    struct hardware **end = &M->hardware;

    PG_ASSERT(hardware_find(hardware->name) == NULL);
    PG_ASSERT(hardware->resource_count <= HARDWARE_RESOURCES);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    hardware->next = NULL;
    *end = hardware;
}

struct hardware *hardware_next(const struct hardware *after)
{
    return after == NULL ? M->hardware : after->next;
}

struct hardware *hardware_find(const char *name)
{
    struct hardware *hardware = M->hardware;

    while (hardware != NULL && strcmp(hardware->name, name) != 0) {
        hardware = hardware->next;
    }
    return hardware;
}
