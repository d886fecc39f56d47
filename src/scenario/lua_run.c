/* SPDX-License-Identifier: MIT */
/*
 * Running a script: one Lua state, bounded in memory, ended when the run's processor time is over.
 * Lua's errors are longjmps on the scheduler's stack; no frame of a fiber is ever between one and
 * its handler, since every call into the computer returns before an error can be raised.
 */
#include <stdlib.h>
#include <string.h>

#include "scenario/lua_room.h"
#include "scenario/scenario.h"

#define MEMORY_MAX   (256u << 20)
#define HOOK_EVERY   10000 /* instructions of Lua */
#define REASON_BYTES 200

static const char *const *defines;
static uint32_t define_count;

void scenario_define(const char *const *names_and_values, uint32_t count)
{
    defines = names_and_values;
    define_count = count;
}

/* Each NAME=VALUE is a global; a value that reads as a number is one. */
static void set_defines(lua_State *L)
{
    for (uint32_t i = 0; i < define_count; i++) {
        const char *equals = strchr(defines[i], '=');

        lua_pushlstring(L, defines[i], (size_t)(equals - defines[i]));
        if (lua_stringtonumber(L, equals + 1) == 0) {
            lua_pushstring(L, equals + 1);
        }
        lua_setglobal(L, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
}

/* One run of a script; reached through the extra space of its Lua state. */
struct script {
    const char *name, *text;
    size_t bytes;
    size_t memory; /* that Lua uses */
    const struct scenario_drivers *drivers;
    bool started;
};

static struct script *script_of(lua_State *L)
{
    return *(struct script **)lua_getextraspace(L);
}

void lua_need_drivers(lua_State *L)
{
    struct script *script = script_of(L);

    if (!script->started) {
        script->started = true;
        script->drivers->start(script->drivers->context);
    }
}

const struct scenario_drivers *lua_drivers(lua_State *L)
{
    return script_of(L)->drivers;
}

/* start(): now, rather than with the first thing that needs them. */
static int start(lua_State *L)
{
    lua_need_drivers(L);
    return 0;
}

/* Lua's allocator with a limit: a script may not take the machine down. */
static void *allocate(void *context, void *block, size_t old_bytes, size_t bytes)
{
    size_t *used = context;
    size_t before = block != NULL ? old_bytes : 0;
    void *to;

    if (bytes == 0) {
        free(block);
        *used -= before;
        return NULL;
    }
    if (bytes > before && bytes - before > MEMORY_MAX - *used) {
        return NULL;
    }
    to = realloc(block, bytes);
    if (to != NULL) {
        *used = *used - before + bytes;
    }
    return to;
}

/* A script that catches errors would catch this one too: so it is no error of Lua's. */
static void check_budget(lua_State *L, lua_Debug *activation)
{
    char reason[REASON_BYTES];

    if (machine_budget_expired()) {
        lua_getinfo(L, "Sl", activation);
        (void)snprintf(reason, sizeof reason,
                       "%s:%d: the script used up the processor time of the run",
                       activation->short_src, activation->currentline);
        machine_stop(RUN_BAD_SCRIPT, reason);
    }
}

static int add_position(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING) {
        lua_getglobal(L, "tostring");
        lua_insert(L, 1);
        lua_call(L, 1, 1);
    }
    return 1;
}

/* One line of an error message. */
static _Noreturn void bad_script(lua_State *L)
{
    const char *message = lua_tostring(L, -1);
    char reason[REASON_BYTES];

    if (message == NULL) {
        message = "error without a message";
    }
    (void)snprintf(reason, sizeof reason, "%.*s", (int)strcspn(message, "\n"), message);
    machine_stop(RUN_BAD_SCRIPT, reason);
}

static int set_up(lua_State *L)
{
    lua_room_base(L);
    lua_room_requests(L);
    lua_room_files(L);
    lua_room_devices(L);
    lua_room_machine(L);
    lua_room_memory(L);
    lua_room_computer(L);
    lua_register(L, "start", start);
    set_defines(L);
    return 0;
}

static int load_script(lua_State *L)
{
    const struct script *script = lua_touserdata(L, 1);

    lua_pushfstring(L, "@%s", script->name);
    if (luaL_loadbufferx(L, script->text, script->bytes, lua_tostring(L, -1), "t") != LUA_OK) {
        return lua_error(L);
    }
    return 1;
}

static int clean_up(lua_State *L)
{
    lua_need_drivers(L);
    lua_settle_requests(L);
    lua_close_files(L);
    return 0;
}

/* Everything that can raise an error runs protected. */
static void protected_call(lua_State *L, int arguments, int results)
{
    int handler = lua_gettop(L) - arguments;

    lua_pushcfunction(L, add_position);
    lua_insert(L, handler);
    if (lua_pcall(L, arguments, results, handler) != LUA_OK) {
        bad_script(L);
    }
    lua_remove(L, handler);
}

void scenario_run_script(const char *name, const char *text, size_t bytes,
                         const struct scenario_drivers *drivers)
{
    struct script script = {name, text, bytes, 0, drivers, false};
    lua_State *L = lua_newstate(allocate, &script.memory);

    if (L == NULL) {
        machine_stop(RUN_BAD_SCRIPT, "no memory for a script");
    }
    *(struct script **)lua_getextraspace(L) = &script;
    lua_pushcfunction(L, set_up);
    protected_call(L, 0, 0);
    lua_pushcfunction(L, load_script);
    lua_pushlightuserdata(L, &script);
    protected_call(L, 1, 1);
    lua_sethook(L, check_budget, LUA_MASKCOUNT, HOOK_EVERY);
    protected_call(L, 0, 0);
    lua_sethook(L, NULL, 0, 0);
    lua_pushcfunction(L, clean_up);
    protected_call(L, 0, 0);
    lua_close(L);
}
