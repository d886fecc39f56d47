/* SPDX-License-Identifier: MIT */
/*
 * Plain bytes, for scenarios that check what a driver does with data: memory(bytes) is what a disk
 * ought to hold, noise(seed, bytes) is something to write.
 */
#include <string.h>

#include "scenario/lua_room.h"

#define MEMORY_CLASS     "memory"
#define MEMORY_BYTES_MAX (64u << 20)
#define NOISE_BYTES_MAX  (16u << 20)

struct memory {
    size_t bytes;
    uint8_t at[];
};

static struct memory *check_memory(lua_State *L)
{
    return luaL_checkudata(L, 1, MEMORY_CLASS);
}

/* The offset at argument 2, of a range of `bytes`. */
static size_t check_offset(lua_State *L, const struct memory *self, size_t bytes)
{
    lua_Integer offset = luaL_checkinteger(L, 2);

    luaL_argcheck(L, offset >= 0 && (size_t)offset <= self->bytes, 2,
                  "offset is not in the memory");
    luaL_argcheck(L, bytes <= self->bytes - (size_t)offset, 3, "goes beyond the end of the memory");
    return (size_t)offset;
}

static int memory_write(lua_State *L)
{
    struct memory *self = check_memory(L);
    size_t bytes;
    const char *data = luaL_checklstring(L, 3, &bytes);

    memcpy(self->at + check_offset(L, self, bytes), data, bytes);
    return 0;
}

static int memory_read(lua_State *L)
{
    const struct memory *self = check_memory(L);
    lua_Integer bytes = luaL_checkinteger(L, 3);

    luaL_argcheck(L, bytes >= 0, 3, "length must not be negative");
    lua_pushlstring(L, (const char *)self->at + check_offset(L, self, (size_t)bytes),
                    (size_t)bytes);
    return 1;
}

/* matches(offset, data): true; or false and the offset of the first byte that is another */
static int memory_matches(lua_State *L)
{
    const struct memory *self = check_memory(L);
    size_t bytes, i = 0;
    const char *data = luaL_checklstring(L, 3, &bytes);
    size_t offset = check_offset(L, self, bytes);

    if (memcmp(self->at + offset, data, bytes) == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    while (self->at[offset + i] == (uint8_t)data[i]) {
        i++;
    }
    lua_pushboolean(L, 0);
    lua_pushinteger(L, (lua_Integer)offset + (lua_Integer)i);
    return 2;
}

/* memory(bytes): zeros */
static int memory(lua_State *L)
{
    lua_Integer bytes = luaL_checkinteger(L, 1);
    struct memory *self;

    luaL_argcheck(L, bytes >= 0 && bytes <= (lua_Integer)MEMORY_BYTES_MAX, 1,
                  "size must be 0 to 64 MiB");
    self = lua_newuserdatauv(L, sizeof *self + (size_t)bytes, 0);
    self->bytes = (size_t)bytes;
    memset(self->at, 0, self->bytes);
    luaL_setmetatable(L, MEMORY_CLASS);
    return 1;
}

/* splitmix64, eight bytes a step */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* noise(seed, bytes): the same for the same seed; no two seeds have much in common */
static int noise(lua_State *L)
{
    uint64_t state = (uint64_t)luaL_checkinteger(L, 1);
    lua_Integer bytes = luaL_checkinteger(L, 2);
    luaL_Buffer buffer;
    char *to;

    luaL_argcheck(L, bytes >= 0 && bytes <= (lua_Integer)NOISE_BYTES_MAX, 2,
                  "length must be 0 to 16 MiB");
    to = luaL_buffinitsize(L, &buffer, (size_t)bytes);
    for (size_t i = 0; i < (size_t)bytes; i += sizeof(uint64_t)) {
        uint64_t word = next_word(&state);
        size_t left = (size_t)bytes - i;

        memcpy(to + i, &word, left < sizeof word ? left : sizeof word);
    }
    luaL_pushresultsize(&buffer, (size_t)bytes);
    return 1;
}

void lua_room_memory(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"write", memory_write},
        {"read", memory_read},
        {"matches", memory_matches},
        {NULL, NULL},
    };

    luaL_newmetatable(L, MEMORY_CLASS);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, MEMORY_CLASS);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_register(L, "memory", memory);
    lua_register(L, "noise", noise);
}
