/* SPDX-License-Identifier: MIT */
/* The hardware of the computer as plug and play sees it, and interrupts without a cause. */
#include <string.h>

#include "machine/hardware.h"
#include "nt/pnp.h"
#include "scenario/lua_room.h"

#define HARDWARE_CLASS "hardware"

static struct hardware *check_hardware(lua_State *L)
{
    return *(struct hardware **)luaL_checkudata(L, 1, HARDWARE_CLASS);
}

/* hardware(name): nil when the computer has none of that name */
static int hardware(lua_State *L)
{
    struct hardware *found = hardware_find(luaL_checkstring(L, 1));

    if (found == NULL) {
        lua_pushnil(L);
        return 1;
    }
    *(struct hardware **)lua_newuserdatauv(L, sizeof found, 0) = found;
    luaL_setmetatable(L, HARDWARE_CLASS);
    return 1;
}

/* h:device(): the top of its device stack; nil when no driver has it */
static int top_device(lua_State *L)
{
    const struct hardware *self = check_hardware(L);
    struct nt_device device;

    lua_need_drivers(L);
    if (nt_device_get(nt_pnp_device(self), &device)) {
        lua_push_device(L, &device);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

/* True, or nil; and a status.  One that never ends: nil and STATUS_PENDING. */
static int push_outcome(lua_State *L, int32_t status)
{
    if (status >= 0 && status != STATUS_PENDING) {
        lua_pushboolean(L, 1);
    } else {
        lua_pushnil(L);
    }
    lua_push_status(L, status);
    return 2;
}

/* h:pull_out(): its driver, if it has one, is told afterwards */
static int pull_out(lua_State *L)
{
    struct hardware *self = check_hardware(L);
    int32_t status;

    (void)nt_pnp_pull_out(self, &status);
    return push_outcome(L, status);
}

/* h:restart(): stopped and started again with the same resources */
static int restart(lua_State *L)
{
    struct hardware *self = check_hardware(L);
    int32_t status;

    lua_need_drivers(L);
    (void)nt_pnp_restart(self, &status);
    return push_outcome(L, status);
}

/* h:usage(kind, in_path): to the top of its stack */
static int usage(lua_State *L)
{
    const struct hardware *self = check_hardware(L);
    uint64_t device;

    lua_need_drivers(L);
    device = nt_pnp_device(self);
    if (device == 0) {
        return push_outcome(L, STATUS_NO_SUCH_DEVICE);
    }
    return lua_send_usage(L, device);
}

static void push_ids(lua_State *L, const char *ids)
{
    lua_Integer i = 0;

    lua_newtable(L);
    for (; *ids != '\0'; ids += strlen(ids) + 1) {
        lua_pushstring(L, ids);
        lua_rawseti(L, -2, ++i);
    }
}

/* Fields are methods without parentheses: name, ids, present. */
static int hardware_index(lua_State *L)
{
    const struct hardware *self = check_hardware(L);
    const char *key = luaL_checkstring(L, 2);

    if (strcmp(key, "name") == 0) {
        lua_pushstring(L, self->name);
    } else if (strcmp(key, "ids") == 0) {
        push_ids(L, self->ids);
    } else if (strcmp(key, "present") == 0) {
        lua_pushboolean(L, self->present);
    } else {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

/* spurious(line): one interrupt that no device asked for */
static int spurious(lua_State *L)
{
    lua_Integer line = luaL_checkinteger(L, 1);

    luaL_argcheck(L, line >= 0 && line < (lua_Integer)INTERRUPT_LINES, 1,
                  "the computer has lines 0 to 23");
    lua_need_drivers(L);
    interrupt_spurious((uint32_t)line);
    return 0;
}

void lua_room_hardware(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"device", top_device}, {"pull_out", pull_out}, {"restart", restart},
        {"usage", usage},       {NULL, NULL},
    };

    lua_make_class(L, HARDWARE_CLASS, methods, hardware_index);
    lua_register(L, "hardware", hardware);
    lua_register(L, "spurious", spurious);
}
