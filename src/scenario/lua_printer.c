/* SPDX-License-Identifier: MIT */
/* The printer at the parallel port: what it printed, and what somebody does to it. */
#include <string.h>

#include "device/computer.h"
#include "device/parallel.h"
#include "device/printer.h"
#include "scenario/lua_room.h"

#define PRINTER_CLASS "printer"

static struct printer *check_printer(lua_State *L)
{
    return *(struct printer **)luaL_checkudata(L, 1, PRINTER_CLASS);
}

/* output(): what was printed since the last time */
static int output(lua_State *L)
{
    struct printer *printer = check_printer(L);
    luaL_Buffer buffer;
    size_t bytes;

    luaL_buffinit(L, &buffer);
    do {
        bytes = printer_take(printer, luaL_prepbuffer(&buffer), LUAL_BUFFERSIZE);
        luaL_addsize(&buffer, bytes);
    } while (bytes == LUAL_BUFFERSIZE);
    luaL_pushresult(&buffer);
    return 1;
}

/* A switch: true when nothing is said. */
static bool check_switch(lua_State *L)
{
    if (lua_isnoneornil(L, 2)) {
        return true;
    }
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    return lua_toboolean(L, 2);
}

static int offline(lua_State *L)
{
    printer_set_offline(check_printer(L), check_switch(L));
    return 0;
}

static int paper(lua_State *L)
{
    printer_set_paper(check_printer(L), check_switch(L));
    return 0;
}

static int fault(lua_State *L)
{
    printer_set_fault(check_printer(L), check_switch(L));
    return 0;
}

static int power(lua_State *L)
{
    printer_set_power(check_printer(L), check_switch(L));
    return 0;
}

static int plug(lua_State *L)
{
    printer_set_plugged(check_printer(L), true);
    return 0;
}

static int unplug(lua_State *L)
{
    printer_set_plugged(check_printer(L), false);
    return 0;
}

static int ack(lua_State *L)
{
    printer_set_ack(check_printer(L), check_switch(L));
    return 0;
}

static int ieee1284(lua_State *L)
{
    printer_set_ieee1284(check_printer(L), check_switch(L));
    return 0;
}

static uint32_t check_count(lua_State *L, uint32_t max)
{
    lua_Integer n = luaL_checkinteger(L, 2);

    if (n < 1 || n > (lua_Integer)max) {
        (void)luaL_argerror(L, 2, lua_pushfstring(L, "must be 1 to %d", (int)max));
    }
    return (uint32_t)n;
}

static int rate(lua_State *L)
{
    struct printer *printer = check_printer(L);

    printer_set_rate(printer, check_count(L, PRINTER_RATE_MAX));
    return 0;
}

static int buffer_size(lua_State *L)
{
    struct printer *printer = check_printer(L);

    printer_set_buffer(printer, check_count(L, PRINTER_BUFFER_MAX));
    return 0;
}

static int counters(lua_State *L)
{
    struct printer *printer = check_printer(L);
    const struct printer_counters *c = printer_counters(printer);
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"taken", c->taken},
        {"printed", c->printed},
        {"discarded", c->discarded},
        {"buffered", printer_buffered(printer)},
        {"acks", c->acks},
        {"inits", c->inits},
        {"negotiations", c->negotiations},
        {"overruns", c->overruns},
        {"unselected", c->unselected},
        {"short_strobes", c->short_strobes},
        {"short_inits", c->short_inits},
        {"short_setups", c->short_setups},
        {"short_holds", c->short_holds},
    };

    lua_newtable(L);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(L, (lua_Integer)fields[i].value);
        lua_setfield(L, -2, fields[i].name);
    }
    return 1;
}

static int push_printer(lua_State *L, struct printer *printer)
{
    *(struct printer **)lua_newuserdatauv(L, sizeof printer, 0) = printer;
    luaL_setmetatable(L, PRINTER_CLASS);
    return 1;
}

/* printer(n): the n-th of the computer, from 1; nil beyond the last */
static int printer_of(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    struct printer *found = n >= 1 && n <= UINT32_MAX ? computer_printer((unsigned)n - 1) : NULL;

    if (found == NULL) {
        lua_pushnil(L);
        return 1;
    }
    return push_printer(L, found);
}

/* add_printer(name, port, line): one more, at a parallel port of its own */
static int add_printer(lua_State *L)
{
    const char *given = luaL_checkstring(L, 1);
    lua_Integer port = luaL_checkinteger(L, 2), line = luaL_checkinteger(L, 3);
    struct printer *made;

    luaL_argcheck(L, *given != '\0' && strlen(given) < PARALLEL_NAME, 1, "must have 1 to 31 bytes");
    luaL_argcheck(L, hardware_find(given) == NULL, 1, "the computer has hardware of that name");
    luaL_argcheck(L, port >= 0 && port <= 0x10000 - (lua_Integer)PARALLEL_PORTS, 2, "no such port");
    luaL_argcheck(L, line >= 0 && line < (lua_Integer)INTERRUPT_LINES, 3,
                  "the computer has lines 0 to 23");
    made = printer_new(given, (uint16_t)port, (uint32_t)line);
    luaL_argcheck(L, made != NULL, 2, "other hardware is there");
    return push_printer(L, made);
}

/* p.name, and methods */
static int printer_index(lua_State *L)
{
    struct printer *printer = check_printer(L);

    if (strcmp(luaL_checkstring(L, 2), "name") == 0) {
        lua_pushstring(L, printer_hardware(printer)->name);
    } else {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

void lua_room_printers(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"output", output}, {"offline", offline},    {"paper", paper},       {"fault", fault},
        {"power", power},   {"plug", plug},          {"unplug", unplug},     {"ack", ack},
        {"rate", rate},     {"buffer", buffer_size}, {"ieee1284", ieee1284}, {"counters", counters},
        {NULL, NULL},
    };

    lua_make_class(L, PRINTER_CLASS, methods, printer_index);
    lua_register(L, "printer", printer_of);
    lua_register(L, "add_printer", add_printer);
}
