/* SPDX-License-Identifier: MIT */
/* What a script asks of the computer itself: time, memory, chance, and what it expects. */
#include <math.h>
#include <string.h>

#include "scenario/lua_room.h"

#define SECONDS_MAX 1e9

uint64_t lua_check_seconds(lua_State *L, int argument, uint64_t missing)
{
    lua_Number seconds;

    if (lua_isnoneornil(L, argument)) {
        return missing;
    }
    seconds = luaL_checknumber(L, argument);
    luaL_argcheck(L, seconds >= 0 && seconds <= SECONDS_MAX, argument,
                  "seconds must be between 0 and 1e9");
    return (uint64_t)llround(seconds * (double)SECOND);
}

void lua_push_status(lua_State *L, int32_t status)
{
    lua_pushinteger(L, (lua_Integer)(uint32_t)status);
}

/* expect(condition [, message]): ends the run when the condition is false or nil. */
static int expect(lua_State *L)
{
    char reason[240];
    const char *message;

    luaL_checkany(L, 1);
    if (lua_toboolean(L, 1)) {
        lua_settop(L, 1);
        return 1;
    }
    message = luaL_optstring(L, 2, "expectation not met");
    luaL_where(L, 1);
    (void)snprintf(reason, sizeof reason, "%s%.*s", lua_tostring(L, -1),
                   (int)strcspn(message, "\n"), message);
    machine_stop(RUN_ASSERTION, reason);
}

static int log_line(lua_State *L)
{
    machine_notice("%s", luaL_checkstring(L, 1));
    return 0;
}

/* random(n): one of 1..n from the run's stream of choices */
static int random_number(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);

    luaL_argcheck(L, n >= 1 && n <= (lua_Integer)UINT32_MAX, 1, "must be from 1 to 2^32 - 1");
    lua_pushinteger(L, (lua_Integer)machine_choose(CHOICE_SCENARIO, (uint32_t)n) + 1);
    return 1;
}

static int virtual_time(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)machine_time() / (double)SECOND);
    return 1;
}

static int sleep_seconds(lua_State *L)
{
    uint64_t units = lua_check_seconds(L, 1, 0);

    luaL_checkany(L, 1);
    lua_need_drivers(L);
    (void)machine_run(NULL, NULL, machine_time() + units);
    return 0;
}

static int trim(lua_State *L)
{
    lua_need_drivers(L);
    lua_pushinteger(L, (lua_Integer)machine_trim_now());
    return 1;
}

/* mark(label): what every section is now goes into the report. */
static int mark(lua_State *L)
{
    const char *label = luaL_checkstring(L, 1);

    lua_need_drivers(L);
    machine_mark(label);
    return 0;
}

/* counters(): a table of the run's counters, as they are now. */
static int counters(lua_State *L)
{
    struct run_counters now = machine_count();
    const char *name;
    uint64_t value;

    lua_newtable(L);
    for (unsigned i = 0; run_counter_at(&now, i, &name, &value); i++) {
        lua_pushinteger(L, (lua_Integer)value);
        lua_setfield(L, -2, name);
    }
    return 1;
}

static int ctl_code(lua_State *L)
{
    lua_Integer type = luaL_checkinteger(L, 1), function = luaL_checkinteger(L, 2);
    lua_Integer method = luaL_optinteger(L, 3, 0), access = luaL_optinteger(L, 4, 0);

    luaL_argcheck(L, type >= 0 && type <= 0xffff, 1, "device type must be 0 to 0xffff");
    luaL_argcheck(L, function >= 0 && function <= 0xfff, 2, "function must be 0 to 0xfff");
    luaL_argcheck(L, method >= 0 && method <= 3, 3, "method must be 0 to 3");
    luaL_argcheck(L, access >= 0 && access <= 3, 4, "access must be 0 to 3");
    lua_pushinteger(L, type << 16 | access << 14 | function << 2 | method);
    return 1;
}

static struct module *find_module(lua_State *L, int argument)
{
    const char *name = luaL_checkstring(L, argument);

    lua_need_drivers(L);
    for (struct module *module = module_next(NULL); module != NULL; module = module_next(module)) {
        if (strcmp(module->name, name) == 0 || strcmp(module->base_name, name) == 0) {
            return module;
        }
    }
    (void)luaL_error(L, "there is no driver '%s'", name);
    return NULL;
}

static void set_integer(lua_State *L, const char *key, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, key);
}

/* section(driver, name): a table with what is so now; nil when it has no such section. */
static int section(lua_State *L)
{
    const struct module *module = find_module(L, 1);
    const char *name = luaL_checkstring(L, 2);
    struct section_summary summary;

    for (uint32_t i = 0; machine_section_summary(module, i, &summary); i++) {
        if (strcmp(summary.name, name) != 0) {
            continue;
        }
        lua_createtable(L, 0, 6);
        lua_pushstring(L, summary.image);
        lua_setfield(L, -2, "image");
        lua_pushstring(L, summary.name);
        lua_setfield(L, -2, "name");
        set_integer(L, "address", module->base + module->image.sections[i].rva);
        set_integer(L, "lock_count", summary.lock_count);
        set_integer(L, "pages", summary.pages);
        set_integer(L, "resident_pages", summary.resident_pages);
        return 1;
    }
    lua_pushnil(L);
    return 1;
}

/* call(address, ...): a routine of a driver in a system thread, at most 10 seconds; its result, or
 * nil when it did not return. */
static int call_routine(lua_State *L)
{
    uint64_t arguments[8], result = 0;
    uint64_t routine = (uint64_t)luaL_checkinteger(L, 1);
    int count = lua_gettop(L) - 1;

    luaL_argcheck(L, count <= 8, 10, "at most 8 arguments");
    lua_need_drivers(L);
    for (int i = 0; i < count; i++) {
        arguments[i] = (uint64_t)luaL_checkinteger(L, i + 2);
    }
    if (nt_run_in_thread(routine, (unsigned)count, arguments, 10 * SECOND, &result)) {
        lua_pushinteger(L, (lua_Integer)result);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

void lua_room_machine(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"expect", expect},     {"log", log_line},        {"random", random_number},
        {"time", virtual_time}, {"sleep", sleep_seconds}, {"trim", trim},
        {"section", section},   {"ctl_code", ctl_code},   {"call", call_routine},
        {"mark", mark},         {"counters", counters},
    };

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_register(L, functions[i].name, functions[i].func);
    }
}
