/* SPDX-License-Identifier: MIT */
/* The sandbox: which parts of Lua's library a scenario has.  No files, no programs, no clock. */
#include <string.h>

#include "base/assert.h"
#include "scenario/lua_room.h"

/* load, for text only: bytecode could do anything to this process. */
static int safe_load(lua_State *L)
{
    size_t bytes;
    const char *text = luaL_checklstring(L, 1, &bytes);
    const char *name = luaL_optstring(L, 2, text);

    if (luaL_loadbufferx(L, text, bytes, name, "t") != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (!lua_isnone(L, 4)) {
        lua_pushvalue(L, 4);
        lua_setupvalue(L, -2, 1); /* _ENV is the only upvalue of a chunk */
    }
    return 1;
}

static void remove_names(lua_State *L, const char *table, const char *const *names)
{
    lua_getglobal(L, table);
    for (; *names != NULL; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
    lua_pop(L, 1);
}

void lua_room_base(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},       {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table}, {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},
    };
    static const char *const base[] = {"dofile",  "loadfile", "collectgarbage",
                                       "require", "warn",     NULL};
    static const char *const string[] = {"dump", NULL};
    static const char *const math[] = {"random", "randomseed", NULL};

    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    lua_register(L, "load", safe_load);
    remove_names(L, LUA_GNAME, base);
    remove_names(L, LUA_STRLIBNAME, string);
    remove_names(L, LUA_MATHLIBNAME, math);
    if (luaL_loadbufferx(L, lua_room_prelude, strlen(lua_room_prelude), "=prelude", "t") !=
        LUA_OK) {
        PG_ASSERT(!"the prelude is valid Lua");
    }
    lua_call(L, 0, 0);
}
