/* SPDX-License-Identifier: MIT */
/*
 * sprintf and its relatives.  The text is measured first, so that the buffer is touched as a whole
 * before anything is written to it.
 */
#include "nt/ex.h"

#include <string.h>

struct call {
    uint64_t buffer;
    size_t count; /* units that fit; SIZE_MAX: as many as there are */
    const void *format;
    const uint64_t *arguments;
    bool guest; /* the arguments are a va_list of the driver */
    bool wide;
};

static void terminate(const struct call *call, size_t at)
{
    static const uint16_t zero;

    memcpy(machine_pointer(call->buffer + at * (call->wide ? 2 : 1)), &zero, call->wide ? 2 : 1);
}

/*
 * Characters written, without the terminator; -1 when there were more than fit.  A text that just
 * fits gets no terminator: that is what the underscore in _snprintf warns of.
 */
static int32_t print(const struct call *call)
{
    struct rtl_sink sink = {.wide = call->wide};
    size_t units, room;

    rtl_format(&sink, call->wide, call->format, call->arguments, call->guest);
    units = sink.units;
    if (call->buffer == 0 && call->count == 0) {
        return (int32_t)units;
    }
    room = units < call->count ? units + 1 : call->count;
    machine_touch(call->buffer, room * (call->wide ? 2 : 1), PAGER_WRITE);
    sink = (struct rtl_sink){
        .wide = call->wide, .memory = machine_pointer(call->buffer), .capacity = call->count};
    rtl_format(&sink, call->wide, call->format, call->arguments, call->guest);
    if (units < call->count) {
        terminate(call, units);
    }
    return units > call->count ? -1 : (int32_t)units;
}

/* (buffer, format, ...) and (buffer, format, va_list) */
static uint64_t print_all(const uint64_t *a, bool list, bool wide)
{
    struct call call = {a[0], SIZE_MAX, machine_pointer(a[1]), list ? machine_pointer(a[2]) : a + 2,
                        list, wide};

    return (uint64_t)print(&call);
}

/* (buffer, count, format, ...) and (buffer, count, format, va_list) */
static uint64_t print_some(const uint64_t *a, bool list, bool wide)
{
    struct call call = {a[0], a[1], machine_pointer(a[2]), list ? machine_pointer(a[3]) : a + 3,
                        list, wide};

    return (uint64_t)print(&call);
}

#define PRINTF(name, how, list, wide)                                                              \
    uint64_t call_##name(const uint64_t *a)                                                        \
    {                                                                                              \
        return how(a, list, wide);                                                                 \
    }

PRINTF(sprintf, print_all, false, false)
PRINTF(swprintf, print_all, false, true)
PRINTF(vsprintf, print_all, true, false)
PRINTF(_snprintf, print_some, false, false)
PRINTF(_snwprintf, print_some, false, true)
PRINTF(_vsnprintf, print_some, true, false)
PRINTF(_vsnwprintf, print_some, true, true)
