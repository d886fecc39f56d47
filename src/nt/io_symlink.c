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
static struct kevent *named_event(const struct unicode_string *name, uint32_t type, uint64_t *handle)
{
    uint64_t object;

    rtl_touch_unicode(name);
    machine_touch((uint64_t)handle, sizeof *handle, PAGER_WRITE);
    object = ob_lookup(name);
    if (object != 0) {
        *handle = ob_type(object) == OBJECT_EVENT ? ob_handle(object) : 0;
        return *handle == 0 ? NULL : machine_pointer(object);
    }
    object = ob_create(OBJECT_EVENT, sizeof(struct kevent), NULL);
    if (object == 0) {
        return NULL;
    }
    ke_event_init(machine_pointer(object), type, true);
    *handle = NT_SUCCESS(ob_name(object, name)) ? ob_handle(object) : 0;
    ob_find(object)->temporary = true;
    ob_dereference(object);
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
