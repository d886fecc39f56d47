/* SPDX-License-Identifier: MIT */
/*
 * registry(path, name [, value]): what a driver reads from the registry.  A script sets values
 * before the drivers start.
 */
#include <string.h>

#include "nt/ex.h"
#include "scenario/lua_room.h"

#define PATH_BYTES 512u
#define SERVICES   "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

/* A path that does not begin with a backslash is one below the services: "serial\\Parameters". */
static const char *check_path(lua_State *L, char path[PATH_BYTES])
{
    const char *given = luaL_checkstring(L, 1);
    int needed = snprintf(path, PATH_BYTES, "%s%s", given[0] == '\\' ? "" : SERVICES, given);

    luaL_argcheck(L, needed > 0 && (size_t)needed < PATH_BYTES, 1, "the path is too long");
    return path;
}

/* Appends a UTF-8 string as UTF-16 with its terminator. */
static void add_wide(lua_State *L, luaL_Buffer *to, int index)
{
    size_t bytes;
    const char *text = lua_tolstring(L, index, &bytes);

    for (size_t i = 0; i < bytes;) {
        const uint8_t *at = (const uint8_t *)text + i;
        unsigned length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
        uint32_t point = length == 1 ? at[0] : at[0] & (0x7fu >> length);
        uint16_t units[2];
        size_t count = 1;

        for (unsigned k = 1; k < length; k++) {
            if (i + k >= bytes || (at[k] & 0xc0) != 0x80) {
                (void)luaL_error(L, "the string is not UTF-8");
            }
            point = point << 6 | (at[k] & 0x3fu);
        }
        units[0] = (uint16_t)point;
        if (point >= 0x10000) {
            units[0] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
            units[1] = (uint16_t)(0xdc00 + (point & 0x3ff));
            count = 2;
        }
        luaL_addlstring(to, (const char *)units, count * sizeof *units);
        i += length;
    }
    luaL_addlstring(to, "\0", 2);
}

static void set(lua_State *L, const char *path, uint32_t type, const void *data, size_t bytes)
{
    if (!zw_registry_set(path, luaL_checkstring(L, 2), type, data, (uint32_t)bytes)) {
        (void)luaL_error(L, "'%s' is no path of the registry", path);
    }
}

static void set_number(lua_State *L, const char *path)
{
    int64_t value = luaL_checkinteger(L, 3);
    bool small = value >= INT32_MIN && value <= (int64_t)UINT32_MAX;

    set(L, path, small ? REG_DWORD : REG_QWORD, &value, small ? 4 : 8);
}

static void set_text(lua_State *L, const char *path)
{
    luaL_Buffer wide;

    if (strcmp(luaL_optstring(L, 4, "string"), "binary") == 0) {
        size_t bytes;
        const char *data = lua_tolstring(L, 3, &bytes);

        set(L, path, REG_BINARY, data, bytes);
        return;
    }
    luaL_buffinit(L, &wide);
    add_wide(L, &wide, 3);
    luaL_pushresult(&wide);
    set(L, path, REG_SZ, lua_tostring(L, -1), lua_rawlen(L, -1));
}

static void set_list(lua_State *L, const char *path)
{
    lua_Integer count = luaL_len(L, 3);

    lua_settop(L, 3);
    lua_pushliteral(L, "");
    for (lua_Integer i = 1; i <= count; i++) {
        luaL_Buffer wide;

        luaL_argcheck(L, lua_rawgeti(L, 3, i) == LUA_TSTRING, 3, "a list of strings is needed");
        luaL_buffinit(L, &wide);
        add_wide(L, &wide, 5);
        luaL_pushresult(&wide);
        lua_remove(L, 5);
        lua_concat(L, 2);
    }
    lua_pushlstring(L, "\0", 2);
    lua_concat(L, 2);
    set(L, path, REG_MULTI_SZ, lua_tostring(L, 4), lua_rawlen(L, 4));
}

static void push_narrow(lua_State *L, const void *data, size_t bytes)
{
    luaL_Buffer text;
    const uint8_t *units = data;

    luaL_buffinit(L, &text);
    for (size_t i = 0; i + 1 < bytes; i += 2) {
        uint32_t point = units[i] | (uint32_t)units[i + 1] << 8;

        if (point == 0) {
            break;
        }
        if (point >= 0xd800 && point < 0xdc00 && i + 3 < bytes) {
            uint32_t low = units[i + 2] | (uint32_t)units[i + 3] << 8;

            point = 0x10000 + ((point & 0x3ff) << 10 | (low & 0x3ff));
            i += 2;
        }
        lua_pushfstring(L, "%U", (long)point);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
}

/* The value as a script would have set it; a list as a table. */
static void push_value(lua_State *L, const struct zw_value *value)
{
    const char *data = value->data;
    uint64_t number = 0;

    switch (value->type) {
    case REG_DWORD:
    case REG_QWORD:
        memcpy(&number, data, value->bytes < 8 ? value->bytes : 8);
        lua_pushinteger(L, (lua_Integer)number);
        break;
    case REG_SZ:
    case REG_EXPAND_SZ:
        push_narrow(L, data, value->bytes);
        break;
    case REG_MULTI_SZ:
        lua_newtable(L);
        for (size_t at = 0, n = 1; at + 1 < value->bytes; n++) {
            size_t end = at;

            while (end + 1 < value->bytes && (data[end] != 0 || data[end + 1] != 0)) {
                end += 2;
            }
            if (end == at) {
                break;
            }
            push_narrow(L, data + at, end - at);
            lua_rawseti(L, -2, (lua_Integer)n);
            at = end + 2;
        }
        break;
    default:
        lua_pushlstring(L, data, value->bytes);
    }
}

static int read_value(lua_State *L, const char *path)
{
    const struct zw_key *key = zw_registry_key(path, false);
    const struct zw_value *value = NULL;
    struct unicode_string name = {0};

    luaL_checkstring(L, 2);
    if (key != NULL) {
        luaL_Buffer wide;

        luaL_buffinit(L, &wide);
        add_wide(L, &wide, 2);
        luaL_pushresult(&wide);
        name.Buffer = (uint16_t *)lua_tostring(L, -1);
        name.Length = (uint16_t)(lua_rawlen(L, -1) - 2);
        value = zw_value_find(key, &name);
    }
    if (value == NULL) {
        lua_pushnil(L);
    } else {
        push_value(L, value);
    }
    return 1;
}

static int registry(lua_State *L)
{
    char buffer[PATH_BYTES];
    const char *path = check_path(L, buffer);

    if (lua_isnone(L, 3)) {
        return read_value(L, path);
    }
    switch (lua_type(L, 3)) {
    case LUA_TNUMBER:
        set_number(L, path);
        break;
    case LUA_TSTRING:
        set_text(L, path);
        break;
    case LUA_TTABLE:
        set_list(L, path);
        break;
    default:
        return luaL_argerror(L, 3, "a string, an integer or a list of strings is needed");
    }
    return 0;
}

void lua_room_registry(lua_State *L)
{
    lua_register(L, "registry", registry);
}
