/* SPDX-License-Identifier: MIT */
/* The disks of the computer: what is on them, and how they fail. */
#include <string.h>

#include "device/computer.h"
#include "device/disk.h"
#include "nt/disk.h"
#include "scenario/lua_room.h"

#define DISK_CLASS    "disk"
#define TRANSFER_MAX  (16u << 20)
#define OFFSET_AT     2 /* arguments of d:read and d:write */
#define FAIL_RANGE_AT 3 /* first argument behind the word of d:fail */

static struct disk *check_disk(lua_State *L)
{
    return *(struct disk **)luaL_checkudata(L, 1, DISK_CLASS);
}

/* An offset and a length on the disk, at two arguments. */
static uint64_t check_range(lua_State *L, const struct disk *disk, int at, lua_Integer bytes)
{
    lua_Integer offset = luaL_checkinteger(L, at);
    lua_Integer size = (lua_Integer)disk_bytes(disk);

    luaL_argcheck(L, offset >= 0 && offset <= size, at, "offset is not on the disk");
    luaL_argcheck(L, bytes >= 0 && bytes <= size - offset, at + 1,
                  "length goes beyond the end of the disk");
    return (uint64_t)offset;
}

/* read(offset, bytes): what is there, at once and whatever state the disk is in */
static int read_bytes(lua_State *L)
{
    const struct disk *disk = check_disk(L);
    lua_Integer bytes = luaL_checkinteger(L, OFFSET_AT + 1);
    uint64_t offset = check_range(L, disk, OFFSET_AT, bytes);
    luaL_Buffer buffer;

    luaL_argcheck(L, bytes <= (lua_Integer)TRANSFER_MAX, OFFSET_AT + 1,
                  "length must be 0 to 16 MiB");
    disk_peek(disk, offset, luaL_buffinitsize(L, &buffer, (size_t)bytes), (size_t)bytes);
    luaL_pushresultsize(&buffer, (size_t)bytes);
    return 1;
}

static int write_bytes(lua_State *L)
{
    struct disk *disk = check_disk(L);
    size_t bytes;
    const char *data = luaL_checklstring(L, OFFSET_AT + 1, &bytes);
    uint64_t offset = check_range(L, disk, OFFSET_AT, (lua_Integer)bytes);

    disk_poke(disk, offset, data, bytes);
    return 0;
}

/* fail("all" | "reads" | "writes" | "gone"), fail("range", offset, bytes), fail("nth", n) */
static int fail(lua_State *L)
{
    static const char *const words[] = {"all", "reads", "writes", "gone", "range", "nth", NULL};
    static const enum disk_failure failures[] = {DISK_FAILS_ALL, DISK_FAILS_READS,
                                                 DISK_FAILS_WRITES, DISK_GONE, DISK_BAD_RANGE};
    struct disk *disk = check_disk(L);
    int word = luaL_checkoption(L, 2, NULL, words);
    lua_Integer number = 0;
    uint64_t offset = 0;

    if (strcmp(words[word], "nth") == 0) {
        number = luaL_checkinteger(L, FAIL_RANGE_AT);
        luaL_argcheck(L, number >= 1, FAIL_RANGE_AT, "must be 1 or more");
        disk_fail_nth(disk, (uint64_t)number);
        return 0;
    }
    if (strcmp(words[word], "range") == 0) {
        number = luaL_checkinteger(L, FAIL_RANGE_AT + 1);
        offset = check_range(L, disk, FAIL_RANGE_AT, number);
    }
    disk_fail(disk, failures[word], offset, (uint64_t)number);
    return 0;
}

static int restore(lua_State *L)
{
    struct disk *disk = check_disk(L);

    disk_fail(disk, DISK_SOUND, 0, 0);
    disk_fail_nth(disk, 0);
    return 0;
}

static int hang(lua_State *L)
{
    disk_hang(check_disk(L));
    return 0;
}

static int resume(lua_State *L)
{
    disk_resume(check_disk(L));
    return 0;
}

static int size(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)disk_bytes(check_disk(L)));
    return 1;
}

static int counters(lua_State *L)
{
    const struct disk_counters *c = disk_counters(check_disk(L));
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"reads", c->reads},
        {"writes", c->writes},
        {"flushes", c->flushes},
        {"failures", c->failures},
        {"bytes_read", c->bytes_read},
        {"bytes_written", c->bytes_written},
        {"outstanding", c->outstanding},
        {"outstanding_max", c->outstanding_max},
    };

    lua_newtable(L);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lua_pushinteger(L, (lua_Integer)fields[i].value);
        lua_setfield(L, -2, fields[i].name);
    }
    return 1;
}

/* usage(): how many special files are said to lie on it */
static int usage(lua_State *L)
{
    struct nt_disk_usage files = {0};

    (void)nt_disk_usage(disk_hardware(check_disk(L)), &files);
    lua_newtable(L);
    lua_pushinteger(L, files.paging);
    lua_setfield(L, -2, "paging");
    lua_pushinteger(L, files.hibernation);
    lua_setfield(L, -2, "hibernation");
    lua_pushinteger(L, files.dump);
    lua_setfield(L, -2, "dump");
    return 1;
}

/* disk(n): the n-th of the computer, from 1; nil beyond the last */
static int disk(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    struct disk *found = n >= 1 && n <= UINT32_MAX ? computer_disk((unsigned)n - 1) : NULL;

    if (found == NULL) {
        lua_pushnil(L);
        return 1;
    }
    *(struct disk **)lua_newuserdatauv(L, sizeof found, 0) = found;
    luaL_setmetatable(L, DISK_CLASS);
    return 1;
}

void lua_room_disks(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read", read_bytes}, {"write", write_bytes}, {"fail", fail}, {"restore", restore},
        {"hang", hang},       {"resume", resume},     {"size", size}, {"counters", counters},
        {"usage", usage},     {NULL, NULL},
    };

    luaL_newmetatable(L, DISK_CLASS);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, DISK_CLASS);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_register(L, "disk", disk);
}
