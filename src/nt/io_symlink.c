/* SPDX-License-Identifier: MIT */
/* Symbolic links, and named events. */
#include "nt/io.h"

static ntstatus make_link(const struct unicode_string *link, const struct unicode_string *target)
{
    rtl_touch_unicode(link);
    rtl_touch_unicode(target);
    return ob_link(link, target);
}

static ntstatus IoCreateSymbolicLink(const struct unicode_string *link,
                                     const struct unicode_string *target)
{
    return make_link(link, target);
}

static ntstatus IoCreateUnprotectedSymbolicLink(const struct unicode_string *link,
                                                const struct unicode_string *target)
{
    return make_link(link, target);
}

static ntstatus IoDeleteSymbolicLink(const struct unicode_string *link)
{
    rtl_touch_unicode(link);
    return ob_unlink(link);
}

/* The event of this name, made when there is none; signalled when new, as documented. */
static struct kevent *named_event(const struct unicode_string *name, uint32_t type,
                                  uint64_t *handle)
{
    struct ob_attributes attributes = {.attributes = OBJ_OPENIF};
    uint64_t object;
    ntstatus status;

    rtl_touch_unicode(name);
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    *handle = 0;
    attributes.name = *name;
    status = ob_open_or_create(&attributes, OBJECT_EVENT, sizeof(struct kevent), &object);
    if (!NT_SUCCESS(status)) {
        return NULL;
    }
    if (status != STATUS_OBJECT_NAME_EXISTS) {
        ke_event_init(machine_pointer(object), type, true);
    }
    *handle = ob_handle(object);
    ob_dereference(object); /* the handle's reference is left */
    return *handle == 0 ? NULL : machine_pointer(object);
}

static struct kevent *IoCreateNotificationEvent(const struct unicode_string *name, uint64_t *handle)
{
    return named_event(name, NotificationEvent, handle);
}

static struct kevent *IoCreateSynchronizationEvent(const struct unicode_string *name,
                                                   uint64_t *handle)
{
    return named_event(name, SynchronizationEvent, handle);
}

NT_CALL2(IoCreateSymbolicLink, const struct unicode_string *, const struct unicode_string *)
NT_CALL2(IoCreateUnprotectedSymbolicLink, const struct unicode_string *,
         const struct unicode_string *)
NT_CALL1(IoDeleteSymbolicLink, const struct unicode_string *)
NT_CALL2(IoCreateNotificationEvent, const struct unicode_string *, uint64_t *)
NT_CALL2(IoCreateSynchronizationEvent, const struct unicode_string *, uint64_t *)
