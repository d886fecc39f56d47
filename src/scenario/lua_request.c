/* SPDX-License-Identifier: MIT */
/* Requests under way: started, waited for, cancelled, and their results. */
#include "base/assert.h"
#include "scenario/lua_room.h"

#define REQUEST "request"

/* Lives in Lua and in the list below; `request` is NULL once the script has ended. */
struct started {
    struct nt_request *request;
    enum nt_request_kind kind;
    bool given_up; /* pending for ever: nobody waits for it again */
};

/* Registry key of the list of all requests, oldest first. */
static const char requests_key;

struct nt_request *lua_start_request(lua_State *L, const struct nt_request_desc *desc)
{
    struct started *self = lua_newuserdatauv(L, sizeof *self, 0);

    *self = (struct started){.kind = desc->kind};
    luaL_setmetatable(L, REQUEST);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &requests_key);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
    self->request = nt_request_start(desc);
    if (self->request == NULL) {
        (void)luaL_error(L, "no thread or memory is left for a %s request",
                         request_kind_name(desc->kind));
    }
    return self->request;
}

static struct started *check_request(lua_State *L)
{
    struct started *self = luaL_checkudata(L, 1, REQUEST);

    luaL_argcheck(L, self->request != NULL, 1, "the request was released, or never started");
    return self;
}

static void push_result(lua_State *L, const struct started *self)
{
    uint32_t bytes = 0;
    const void *output;

    if (NT_ERROR(nt_request_status(self->request))) { /* a warning may come with data */
        lua_pushnil(L);
        return;
    }
    switch (self->kind) {
    case NT_READ:
    case NT_DEVICE_CONTROL:
    case NT_INTERNAL_CONTROL:
        output = nt_request_output(self->request, &bytes);
        lua_pushlstring(L, bytes != 0 ? output : "", bytes);
        break;
    case NT_WRITE:
        lua_pushinteger(L, (lua_Integer)nt_request_information(self->request));
        break;
    default:
        lua_pushboolean(L, 1);
        break;
    }
}

static int push_results(lua_State *L, const struct started *self)
{
    if (!nt_request_done(self->request)) {
        lua_pushnil(L);
        lua_push_status(L, STATUS_PENDING);
        return 2;
    }
    push_result(L, self);
    lua_push_status(L, nt_request_status(self->request));
    lua_pushinteger(L, (lua_Integer)nt_request_information(self->request));
    return 3;
}

static void settle(struct started *self)
{
    if (!nt_request_done(self->request) && !self->given_up) {
        self->given_up = !request_settle(self->request, self->kind);
    }
}

/* The request goes.  Its place in the list stays until everything behind it has gone as well. */
static void forget(lua_State *L, struct started *self)
{
    lua_Integer last;
    const struct started *newest;

    nt_request_release(self->request);
    self->request = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &requests_key);
    for (last = (lua_Integer)lua_rawlen(L, -1); last > 0; last--) {
        lua_rawgeti(L, -1, last);
        newest = lua_touserdata(L, -1);
        lua_pop(L, 1);
        if (newest->request != NULL) {
            break;
        }
        lua_pushnil(L);
        lua_rawseti(L, -2, last);
    }
    lua_pop(L, 1);
}

int lua_finish_request(lua_State *L)
{
    struct started *self = luaL_checkudata(L, -1, REQUEST);
    int results;

    settle(self);
    results = push_results(L, self);
    if (nt_request_done(self->request)) {
        forget(L, self);
    }
    return results;
}

struct nt_file *lua_finish_create(lua_State *L, int32_t *status)
{
    struct started *self = luaL_checkudata(L, -1, REQUEST);
    struct nt_file *file = NULL;

    settle(self);
    *status = STATUS_PENDING;
    if (nt_request_done(self->request)) {
        *status = nt_request_status(self->request);
        file = *status >= 0 ? nt_request_file(self->request) : NULL;
        forget(L, self);
    }
    return file;
}

/* ---- methods ---- */

/* wait([seconds]): whether it is done by then; 10 seconds when not said */
static int request_wait(lua_State *L)
{
    struct started *self = check_request(L);
    uint64_t units = lua_check_seconds(L, 2, 10 * SECOND);

    lua_pushboolean(L, nt_request_wait(self->request, units));
    return 1;
}

static int request_done(lua_State *L)
{
    lua_pushboolean(L, nt_request_done(check_request(L)->request));
    return 1;
}

/* result(): waits as a plain read or control does, and returns the same */
static int request_result(lua_State *L)
{
    struct started *self = check_request(L);

    settle(self);
    return push_results(L, self);
}

/* status(): nil while it is pending */
static int request_status(lua_State *L)
{
    const struct started *self = check_request(L);

    if (nt_request_done(self->request)) {
        lua_push_status(L, nt_request_status(self->request));
    } else {
        lua_pushnil(L);
    }
    return 1;
}

/* release(): no more is wanted of a finished request; returns what result() does */
static int request_release(lua_State *L)
{
    struct started *self = check_request(L);
    int results;

    settle(self);
    results = push_results(L, self);
    if (nt_request_done(self->request)) {
        forget(L, self);
    }
    return results;
}

static int request_cancel(lua_State *L)
{
    struct started *self = check_request(L);

    if (!nt_request_done(self->request)) {
        nt_request_cancel(self->request);
    }
    return 0;
}

void lua_settle_requests(lua_State *L)
{
    lua_Integer count;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &requests_key);
    count = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= count; i++) {
        struct started *self;

        lua_rawgeti(L, -1, i);
        self = lua_touserdata(L, -1);
        if (self->request != NULL) {
            settle(self);
            nt_request_release(self->request);
            self->request = NULL;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &requests_key);
}

void lua_room_requests(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"wait", request_wait},
        {"done", request_done},
        {"result", request_result},
        {"status", request_status},
        {"cancel", request_cancel},
        {"release", request_release},
        {NULL, NULL},
    };

    luaL_newmetatable(L, REQUEST);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, REQUEST);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &requests_key);
}
