/* SPDX-License-Identifier: MIT */
/* Drivers and devices.  A device is known by its address; each use checks that it is still there.
 */
#include <string.h>

#include "scenario/lua_room.h"

#define DEVICE "device"

static bool is_there(uint64_t object)
{
    struct nt_device device;

    return nt_device_get(object, &device);
}

void lua_push_device(lua_State *L, const struct nt_device *device)
{
    struct nt_device *to = lua_newuserdatauv(L, sizeof *to, 0);

    *to = *device;
    luaL_setmetatable(L, DEVICE);
}

uint64_t lua_check_device(lua_State *L, int argument)
{
    uint64_t object;

    lua_need_drivers(L);
    if (lua_type(L, argument) == LUA_TSTRING) {
        object = nt_device_find(lua_tostring(L, argument));
        if (object == 0) {
            (void)luaL_error(L, "there is no device '%s'", lua_tostring(L, argument));
        }
        return object;
    }
    object = ((struct nt_device *)luaL_checkudata(L, argument, DEVICE))->object;
    luaL_argcheck(L, is_there(object), argument, "the device was deleted");
    return object;
}

/* device(name): by name or symbolic link; the top of its stack. */
static int device(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct nt_device found;

    lua_need_drivers(L);
    if (nt_device_get(nt_device_find(name), &found)) {
        lua_push_device(L, &found);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

/* ---- methods ---- */

static int send(lua_State *L, struct nt_request_desc desc)
{
    desc.device = lua_check_device(L, 1);
    (void)lua_start_request(L, &desc);
    return lua_finish_request(L);
}

static uint8_t check_minor(lua_State *L)
{
    lua_Integer minor = luaL_checkinteger(L, 2);

    luaL_argcheck(L, minor >= 0 && minor <= 0xff, 2, "minor function must be 0 to 0xff");
    return (uint8_t)minor;
}

/* pnp(minor [, parameters]): up to 32 bytes for the union Parameters of the stack location */
static int device_pnp(lua_State *L)
{
    struct nt_request_desc desc = {.kind = NT_PNP, .minor = check_minor(L)};
    size_t bytes;

    desc.input = luaL_optlstring(L, 3, "", &bytes);
    luaL_argcheck(L, bytes <= 4 * sizeof(uint64_t), 3, "parameters have at most 32 bytes");
    desc.input_bytes = (uint32_t)bytes;
    return send(L, desc);
}

/* Parameters.Power, as pointers. */
enum { POWER_CONTEXT, POWER_TYPE, POWER_STATE, POWER_ACTION, POWER_PARAMETERS };

static int send_power(lua_State *L, uint8_t minor, uint64_t type, uint64_t state, uint64_t action)
{
    const uint64_t parameters[POWER_PARAMETERS] = {
        [POWER_TYPE] = type, [POWER_STATE] = state, [POWER_ACTION] = action};

    return send(L, (struct nt_request_desc){.kind = NT_POWER,
                                            .minor = minor,
                                            .input = parameters,
                                            .input_bytes = sizeof parameters});
}

/* "D0" to "D3": the device goes there.  "S0" to "S5": the whole computer does; but for S0 and S5
 * the device is asked first. */
static int power_to(lua_State *L, const char *state)
{
    static const uint8_t actions[] = {0, 2, 2, 2, 3, 6}; /* none, sleep, hibernate, off */
    bool device = state[0] == 'D';
    unsigned n = (unsigned)(uint8_t)state[1] - '0';

    luaL_argcheck(L, (device || state[0] == 'S') && n <= (device ? 3u : 5u) && state[2] == '\0', 2,
                  "power is a minor function, \"D0\" to \"D3\", or \"S0\" to \"S5\"");
    if (device) {
        return send_power(L, IRP_MN_SET_POWER, DevicePowerState, PowerDeviceD0 + n, 0);
    }
    if (n > 0 && n < 5) {
        int results =
            send_power(L, IRP_MN_QUERY_POWER, SystemPowerState, PowerSystemWorking + n, actions[n]);

        if (lua_isnil(L, -results)) {
            return results;
        }
        lua_pop(L, results);
    }
    return send_power(L, IRP_MN_SET_POWER, SystemPowerState, PowerSystemWorking + n, actions[n]);
}

/* power(minor) or power(state) */
static int device_power(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING) {
        return power_to(L, lua_tostring(L, 2));
    }
    return send(L, (struct nt_request_desc){.kind = NT_POWER, .minor = check_minor(L)});
}

int lua_send_usage(lua_State *L, uint64_t device)
{
    static const char *const kinds[] = {"paging", "hibernation", "dump", NULL};
    uint64_t parameters[2] = {0, (uint64_t)luaL_checkoption(L, 2, NULL, kinds) + 1};
    struct nt_request_desc desc = {.kind = NT_PNP,
                                   .minor = IRP_MN_DEVICE_USAGE_NOTIFICATION,
                                   .device = device,
                                   .input = parameters,
                                   .input_bytes = sizeof parameters};

    luaL_checktype(L, 3, LUA_TBOOLEAN);
    parameters[0] = (uint64_t)lua_toboolean(L, 3);
    (void)lua_start_request(L, &desc);
    return lua_finish_request(L);
}

/* usage(kind, in_path): a paging, hibernation or dump file comes to the device, or leaves it */
static int device_usage(lua_State *L)
{
    return lua_send_usage(L, lua_check_device(L, 1));
}

static int device_system_control(lua_State *L)
{
    return send(L, (struct nt_request_desc){.kind = NT_SYSTEM_CONTROL, .minor = check_minor(L)});
}

static int device_shutdown(lua_State *L)
{
    return send(L, (struct nt_request_desc){.kind = NT_SHUTDOWN});
}

static int device_exists(lua_State *L)
{
    const struct nt_device *self = luaL_checkudata(L, 1, DEVICE);

    lua_pushboolean(L, is_there(self->object));
    return 1;
}

/* Fields are methods without parentheses: name, type, flags, address. */
static int device_index(lua_State *L)
{
    const struct nt_device *self = luaL_checkudata(L, 1, DEVICE);
    const char *key = luaL_checkstring(L, 2);

    if (strcmp(key, "name") == 0) {
        lua_pushstring(L, self->name);
    } else if (strcmp(key, "type") == 0) {
        lua_pushinteger(L, self->type);
    } else if (strcmp(key, "flags") == 0) {
        lua_pushinteger(L, self->flags);
    } else if (strcmp(key, "address") == 0) {
        lua_pushinteger(L, (lua_Integer)self->object);
    } else {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

/* ---- drivers ---- */

static struct module *module_of(lua_State *L)
{
    struct module **self = luaL_checkudata(L, 1, "driver");

    luaL_argcheck(L, (*self)->loaded, 1, "the driver is not loaded");
    return *self;
}

static int driver_devices(lua_State *L)
{
    struct module *module = module_of(L);
    struct nt_device found;

    lua_newtable(L);
    for (uint32_t i = 0; nt_device_at(module, i, &found); i++) {
        lua_push_device(L, &found);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* d:unload(): true when it went. */
static int driver_unload(lua_State *L)
{
    const struct scenario_drivers *drivers = lua_drivers(L);

    lua_pushboolean(L, drivers->unload(drivers->context, module_of(L)));
    return 1;
}

/* d:load(): once more, after it was unloaded; true when it started. */
static int driver_load(lua_State *L)
{
    const struct scenario_drivers *drivers = lua_drivers(L);
    struct module **self = luaL_checkudata(L, 1, "driver");
    struct module *again;

    for (struct module *m = module_next(NULL); m != NULL; m = module_next(m)) {
        luaL_argcheck(L, strcmp(m->name, (*self)->name) != 0, 1, "the driver is loaded");
    }
    again = drivers->load(drivers->context, *self);
    if (again != NULL) {
        *self = again;
    }
    lua_pushboolean(L, again != NULL);
    return 1;
}

static int driver_index(lua_State *L)
{
    const struct module *module = *(struct module **)luaL_checkudata(L, 1, "driver");
    const char *key = luaL_checkstring(L, 2);

    if (strcmp(key, "name") == 0) {
        lua_pushstring(L, module->name);
    } else if (strcmp(key, "address") == 0) {
        lua_pushinteger(L, (lua_Integer)module_of(L)->base);
    } else if (strcmp(key, "bytes") == 0) {
        lua_pushinteger(L, (lua_Integer)module_of(L)->bytes);
    } else {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

/* driver(number or name): nil when there is none. */
static int driver(lua_State *L)
{
    bool by_number = lua_type(L, 1) == LUA_TNUMBER;
    lua_Integer number = by_number ? luaL_checkinteger(L, 1) : 0;
    const char *name = by_number ? "" : luaL_checkstring(L, 1);
    lua_Integer i = 0;

    lua_need_drivers(L);
    for (struct module *module = module_next(NULL); module != NULL; module = module_next(module)) {
        i++;
        if (i == number || strcmp(module->name, name) == 0 ||
            strcmp(module->base_name, name) == 0) {
            *(struct module **)lua_newuserdatauv(L, sizeof module, 0) = module;
            luaL_setmetatable(L, "driver");
            return 1;
        }
    }
    lua_pushnil(L);
    return 1;
}

void lua_make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction index)
{
    luaL_newmetatable(L, name);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushcclosure(L, index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void lua_room_devices(lua_State *L)
{
    static const luaL_Reg device_methods[] = {
        {"open", lua_open},
        {"pnp", device_pnp},
        {"power", device_power},
        {"usage", device_usage},
        {"system_control", device_system_control},
        {"shutdown", device_shutdown},
        {"exists", device_exists},
        {NULL, NULL},
    };
    static const luaL_Reg driver_methods[] = {
        {"devices", driver_devices},
        {"unload", driver_unload},
        {"load", driver_load},
        {NULL, NULL},
    };

    lua_make_class(L, DEVICE, device_methods, device_index);
    lua_make_class(L, "driver", driver_methods, driver_index);
    lua_register(L, "device", device);
    lua_register(L, "driver", driver);
}
