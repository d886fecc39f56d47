/* SPDX-License-Identifier: MIT */
/* The serial ports of the computer: the far end of each wire. */
#include <stdio.h>
#include <string.h>

#include "device/computer.h"
#include "device/uart.h"
#include "machine/hardware.h"
#include "scenario/lua_room.h"

#define UART_CLASS   "uart"
#define RECEIVED_MAX (16u << 20)

static struct uart *check_uart(lua_State *L)
{
    return *(struct uart **)luaL_checkudata(L, 1, UART_CLASS);
}

static void push_uart(lua_State *L, struct uart *uart)
{
    *(struct uart **)lua_newuserdatauv(L, sizeof uart, 0) = uart;
    luaL_setmetatable(L, UART_CLASS);
}

static int queue(lua_State *L, const char *data, size_t bytes, enum uart_damage damage, bool urgent)
{
    if (!uart_send(check_uart(L), (const uint8_t *)data, bytes, damage, urgent)) {
        return luaL_error(L, "more than %d MiB wait to be sent", (int)(UART_QUEUE_MAX >> 20));
    }
    return 0;
}

/* send(data [, urgent]): the far end sends, in its time; urgent: before what waits already */
static int send_data(lua_State *L)
{
    size_t bytes;
    const char *data = luaL_checklstring(L, 2, &bytes);

    return queue(L, data, bytes, UART_GOOD, lua_toboolean(L, 3));
}

/* inject("parity" | "framing" | "break" [, characters]): sends characters with that fault */
static int inject(lua_State *L)
{
    static const char *const words[] = {"parity", "framing", "break", NULL};
    static const enum uart_damage damages[] = {UART_PARITY, UART_FRAMING, UART_BREAK};
    enum uart_damage damage = damages[luaL_checkoption(L, 2, NULL, words)];
    size_t bytes;
    const char *data = luaL_optlstring(L, 3, "\0", &bytes);

    if (lua_isnoneornil(L, 3)) {
        bytes = 1;
    }
    luaL_argcheck(L, damage != UART_BREAK || lua_isnoneornil(L, 3), 3, "a break has no data");
    return queue(L, data, bytes, damage, false);
}

/* received([n]): takes at most n of the characters that arrived */
static int received(lua_State *L)
{
    struct uart *uart = check_uart(L);
    size_t count = uart_available(uart);
    lua_Integer most = luaL_optinteger(L, 2, RECEIVED_MAX);
    luaL_Buffer buffer;

    luaL_argcheck(L, most >= 0, 2, "must not be negative");
    if (most > (lua_Integer)RECEIVED_MAX) {
        most = RECEIVED_MAX;
    }
    if (count > (size_t)most) {
        count = (size_t)most;
    }
    count = uart_take(uart, (uint8_t *)luaL_buffinitsize(L, &buffer, count), count);
    luaL_pushresultsize(&buffer, count);
    return 1;
}

/* waiting(): characters that the far end has not sent yet */
static int waiting(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)uart_waiting(check_uart(L)));
    return 1;
}

/* modem{cts=true, dsr=..., ri=..., dcd=...}: those that are named change */
static int modem(lua_State *L)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } inputs[] = {{"cts", UART_CTS}, {"dsr", UART_DSR}, {"ri", UART_RI}, {"dcd", UART_DCD}};
    struct uart *uart = check_uart(L);
    uint8_t which = 0, active = 0;
    int known = 0, given = 0;

    luaL_checktype(L, 2, LUA_TTABLE);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (lua_getfield(L, 2, inputs[i].name) != LUA_TNIL) {
            known++;
            which |= inputs[i].bit;
            active |= lua_toboolean(L, -1) ? inputs[i].bit : 0;
        }
        lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, 2) != 0; lua_pop(L, 1)) {
        given++;
    }
    luaL_argcheck(L, known == given, 2, "the inputs are cts, dsr, ri, dcd");
    uart_modem(uart, which, active);
    return 0;
}

static void set_boolean(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

/* signals(): what the chip puts out, and its speed and format as "8N1" */
static int signals(lua_State *L)
{
    static const char *const stops[] = {"1", "1.5", "2"};
    struct uart_signals s = uart_signals(check_uart(L));
    char format[16];

    (void)snprintf(format, sizeof format, "%u%c%s", s.data_bits, s.parity, stops[s.half_stops - 2]);
    lua_newtable(L);
    set_boolean(L, "dtr", s.dtr);
    set_boolean(L, "rts", s.rts);
    set_boolean(L, "out1", s.out1);
    set_boolean(L, "out2", s.out2);
    set_boolean(L, "break", s.brk);
    set_boolean(L, "loop", s.loop);
    set_integer(L, "divisor", s.divisor);
    set_integer(L, "baud", s.divisor != 0 ? (115200u + s.divisor / 2u) / s.divisor : 0);
    lua_pushstring(L, format);
    lua_setfield(L, -2, "format");
    return 1;
}

static int counters(lua_State *L)
{
    struct uart_counters c = uart_counters(check_uart(L));

    lua_newtable(L);
    set_integer(L, "sent", c.sent);
    set_integer(L, "received", c.received);
    set_integer(L, "overruns", c.overruns);
    set_integer(L, "breaks", c.breaks);
    set_integer(L, "discarded", c.discarded);
    set_integer(L, "interrupts", c.interrupts);
    return 1;
}

/* flow("none" | "rts" | "dtr" | "xon"): what makes the far end stop sending */
static int flow(lua_State *L)
{
    static const char *const words[] = {"none", "rts", "dtr", "xon", NULL};
    static const enum uart_flow flows[] = {UART_FLOW_NONE, UART_FLOW_RTS, UART_FLOW_DTR,
                                           UART_FLOW_XON};

    uart_flow(check_uart(L), flows[luaL_checkoption(L, 2, NULL, words)]);
    return 0;
}

static int echo(lua_State *L)
{
    luaL_checkany(L, 2);
    uart_echo(check_uart(L), lua_toboolean(L, 2));
    return 0;
}

static int reset(lua_State *L)
{
    uart_reset(check_uart(L));
    return 0;
}

/* u.name, and methods */
static int uart_index(lua_State *L)
{
    const struct uart *uart = check_uart(L);

    if (strcmp(luaL_checkstring(L, 2), "name") == 0) {
        lua_pushstring(L, uart_hardware(uart)->name);
    } else {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

/* uart(n): the n-th of the computer, from 1; nil beyond the last */
static int uart_of(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    struct uart *found = n >= 1 && n <= UINT32_MAX ? computer_uart((unsigned)n - 1) : NULL;

    if (found == NULL) {
        lua_pushnil(L);
    } else {
        push_uart(L, found);
    }
    return 1;
}

/* add_uart(name, "port" | "memory", address, line): one more, for drivers that start later */
static int add_uart(lua_State *L)
{
    static const char *const kinds[] = {"port", "memory", NULL};
    size_t bytes;
    const char *given = luaL_checklstring(L, 1, &bytes);
    bool in_memory = luaL_checkoption(L, 2, NULL, kinds) == 1;
    lua_Integer address = luaL_checkinteger(L, 3), line = luaL_checkinteger(L, 4);
    lua_Integer last = in_memory ? (lua_Integer)1 << 40 : 0x10000;
    struct uart *made;
    char *kept;

    luaL_argcheck(L, bytes > 0 && hardware_find(given) == NULL, 1,
                  "the computer has hardware of that name");
    luaL_argcheck(L, address >= 0 && address <= last - UART_REGISTERS, 3, "no such address");
    luaL_argcheck(L, line >= 0 && line < (lua_Integer)INTERRUPT_LINES, 4, "no such line");
    kept = machine_allocate(bytes + 1);
    memcpy(kept, given, bytes);
    made = in_memory ? uart_new_memory(kept, (uint64_t)address, (uint32_t)line)
                     : uart_new(kept, (uint16_t)address, (uint32_t)line);
    luaL_argcheck(L, made != NULL, 3, "other hardware is there");
    push_uart(L, made);
    return 1;
}

void lua_room_uarts(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"send", send_data}, {"inject", inject},   {"received", received}, {"waiting", waiting},
        {"modem", modem},    {"signals", signals}, {"counters", counters}, {"flow", flow},
        {"echo", echo},      {"reset", reset},     {NULL, NULL},
    };

    lua_make_class(L, UART_CLASS, methods, uart_index);
    lua_register(L, "uart", uart_of);
    lua_register(L, "add_uart", add_uart);
}
