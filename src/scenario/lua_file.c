/* SPDX-License-Identifier: MIT */
/* Open files of the simulated program. */
#include <string.h>

#include "scenario/lua_room.h"

#define FILE_CLASS   "file"
#define TRANSFER_MAX (16u << 20)

/* Lives in Lua; `file` is NULL once it is closed. */
struct open_file {
    struct nt_file *file;
};

/* Registry key of the list of all open files, oldest first. */
static const char open_files_key;

static struct nt_file *check_file(lua_State *L)
{
    struct open_file *self = luaL_checkudata(L, 1, FILE_CLASS);

    luaL_argcheck(L, self->file != NULL, 1, "the file is closed");
    return self->file;
}

static uint32_t check_length(lua_State *L, int argument, lua_Integer missing)
{
    lua_Integer length = luaL_optinteger(L, argument, missing);

    luaL_argcheck(L, length >= 0 && length <= (lua_Integer)TRANSFER_MAX, argument,
                  "length must be 0 to 16 MiB");
    return (uint32_t)length;
}

static uint64_t check_offset(lua_State *L, int argument)
{
    lua_Integer offset = luaL_optinteger(L, argument, 0);

    luaL_argcheck(L, offset >= 0, argument, "offset must not be negative");
    return (uint64_t)offset;
}

int lua_open(lua_State *L)
{
    struct nt_request_desc desc = {.kind = NT_CREATE, .device = lua_check_device(L, 1)};
    struct open_file *self;
    struct nt_file *file;
    int32_t status;

    self = lua_newuserdatauv(L, sizeof *self, 0);
    self->file = NULL;
    luaL_setmetatable(L, FILE_CLASS);
    (void)lua_start_request(L, &desc);
    file = lua_finish_create(L, &status);
    lua_pop(L, 1);
    if (file == NULL) {
        lua_pushnil(L);
        lua_push_status(L, status);
        return 2;
    }
    self->file = file;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &open_files_key);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
    lua_push_status(L, status);
    return 2;
}

/* ---- requests on a file ---- */

static struct nt_request_desc read_desc(lua_State *L)
{
    return (struct nt_request_desc){.kind = NT_READ,
                                    .file = check_file(L),
                                    .output_bytes = check_length(L, 2, 512),
                                    .offset = check_offset(L, 3)};
}

static struct nt_request_desc write_desc(lua_State *L)
{
    struct nt_request_desc desc = {.kind = NT_WRITE, .file = check_file(L)};
    size_t bytes;

    desc.input = luaL_checklstring(L, 2, &bytes);
    luaL_argcheck(L, bytes <= TRANSFER_MAX, 2, "length must be 0 to 16 MiB");
    desc.input_bytes = (uint32_t)bytes;
    desc.offset = check_offset(L, 3);
    return desc;
}

static struct nt_request_desc control_desc(lua_State *L, enum nt_request_kind kind)
{
    struct nt_request_desc desc = {.kind = kind, .file = check_file(L)};
    lua_Integer code = luaL_checkinteger(L, 2);
    size_t bytes;

    luaL_argcheck(L, code >= 0 && code <= (lua_Integer)UINT32_MAX, 2,
                  "control code must be 0 to 0xffffffff");
    desc.control_code = (uint32_t)code;
    desc.input = luaL_optlstring(L, 3, "", &bytes);
    luaL_argcheck(L, bytes <= TRANSFER_MAX, 3, "length must be 0 to 16 MiB");
    desc.input_bytes = (uint32_t)bytes;
    desc.output_bytes = check_length(L, 4, 0);
    return desc;
}

static int start(lua_State *L, struct nt_request_desc desc)
{
    (void)lua_start_request(L, &desc);
    return 1;
}

static int perform(lua_State *L, struct nt_request_desc desc)
{
    (void)lua_start_request(L, &desc);
    return lua_finish_request(L);
}

static int file_read(lua_State *L)
{
    return perform(L, read_desc(L));
}

static int file_write(lua_State *L)
{
    return perform(L, write_desc(L));
}

static int file_control(lua_State *L)
{
    return perform(L, control_desc(L, NT_DEVICE_CONTROL));
}

static int file_internal_control(lua_State *L)
{
    return perform(L, control_desc(L, NT_INTERNAL_CONTROL));
}

static int file_flush(lua_State *L)
{
    return perform(L, (struct nt_request_desc){.kind = NT_FLUSH, .file = check_file(L)});
}

static int file_start_read(lua_State *L)
{
    return start(L, read_desc(L));
}

static int file_start_write(lua_State *L)
{
    return start(L, write_desc(L));
}

static int file_start_control(lua_State *L)
{
    return start(L, control_desc(L, NT_DEVICE_CONTROL));
}

/* ---- closing ---- */

static void forget(lua_State *L, const struct open_file *self)
{
    lua_Integer count, kept = 0;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &open_files_key);
    count = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        if (lua_touserdata(L, -1) == self) {
            lua_pop(L, 1);
        } else {
            lua_rawseti(L, -2, ++kept);
        }
    }
    if (kept < count) {
        lua_pushnil(L);
        lua_rawseti(L, -2, count);
    }
    lua_pop(L, 1);
}

/* close(): cleanup and close, as for the last handle of a program; the results of the latter. */
static int file_close(lua_State *L)
{
    struct nt_file *file = check_file(L);
    struct open_file *self = lua_touserdata(L, 1);

    self->file = NULL;
    forget(L, self);
    (void)perform(L, (struct nt_request_desc){.kind = NT_CLEANUP, .file = file});
    return perform(L, (struct nt_request_desc){.kind = NT_CLOSE, .file = file});
}

void lua_close_files(lua_State *L)
{
    for (;;) {
        lua_pushcfunction(L, file_close);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &open_files_key);
        lua_rawgeti(L, -1, 1);
        lua_remove(L, -2);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 2);
            return;
        }
        lua_call(L, 1, 0);
    }
}

void lua_room_files(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read", file_read},
        {"write", file_write},
        {"control", file_control},
        {"internal_control", file_internal_control},
        {"flush", file_flush},
        {"start_read", file_start_read},
        {"start_write", file_start_write},
        {"start_control", file_start_control},
        {"close", file_close},
        {NULL, NULL},
    };

    luaL_newmetatable(L, FILE_CLASS);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, FILE_CLASS);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &open_files_key);
    lua_register(L, "open", lua_open);
}
