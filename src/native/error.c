/* SPDX-License-Identifier: MIT */
/* The text of a thread's last failure. */
#include <stdio.h>

#include "native/native.h"

static _Thread_local char text[1024];

const char *pagable_error(void)
{
    return text;
}

void native_error_text(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
}

/* The other statuses come from services of ours, which have set the text. */
static bool is_of_core(pg_status status)
{
    return status == PG_E_STALE || status == PG_E_UNDERFLOW || status == PG_E_OVERFLOW ||
           status == PG_E_DISCARDED || status == PG_E_NO_IMAGE || status == PG_E_NO_SECTION;
}

pg_status native_explain(pg_status status, pg_handle handle)
{
    struct native_object *object;
    uint32_t index;

    if (!is_of_core(status)) {
        return status;
    }
    native_gate_enter(&native_list_gate);
    if (native_section_of(handle, &object, &index) == PG_OK) {
        (void)native_error(status, "%s of %s: %s", object->sections[index].name, object->path,
                           pg_status_text(status));
    }
    native_gate_leave(&native_list_gate);
    return status;
}

pg_status native_explain_address(pg_status status, const void *address)
{
    if (!is_of_core(status)) {
        return status;
    }
    return native_error(status, "%p: %s", address, pg_status_text(status));
}
