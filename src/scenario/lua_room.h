/* SPDX-License-Identifier: MIT */
/*
 * Private to scenario/: the parts of the Lua interface.
 *
 * Objects that scripts hold (devices, files, requests) are userdata that may outlive what they
 * stand for; every use checks.  Nothing is done to the computer by the garbage collector: the
 * moment of a collection is nobody's business.  What a script leaves open is settled and closed at
 * its end.
 */
#ifndef PAGABLE_SCENARIO_LUA_ROOM_H
#define PAGABLE_SCENARIO_LUA_ROOM_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "nt/nt.h"
#include "nt/requests.h"
#include "scenario/scenario.h"
#include "scenario/settle.h"

/* lua_base.c: the standard library, made harmless and the same in every run. */
void lua_room_base(lua_State *L);
extern const char lua_room_prelude[]; /* lua_prelude.c */

/* lua_machine.c: expect, log, random, sleep, trim, section ... */
void lua_room_machine(lua_State *L);

/* lua_memory.c: memory, noise */
void lua_room_memory(lua_State *L);

/* lua_device.c: driver, device, open */
void lua_room_devices(lua_State *L);
/* Push a device; `module` made it. */
void lua_push_device(lua_State *L, const struct nt_device *device);
/* Object of the device at an argument: a device or a name.  Errors when there is none. */
uint64_t lua_check_device(lua_State *L, int argument);
/* A usage notification for the arguments 2 and 3: kind and whether in the path.  As
 * lua_finish_request. */
int lua_send_usage(lua_State *L, uint64_t device);
/* A class of userdata, with methods; `index` finds fields and, with its upvalue, methods. */
void lua_make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction index);

/* lua_file.c: files */
void lua_room_files(lua_State *L);
/* open(device or name): file, or nil and a status. */
int lua_open(lua_State *L);
/* Close what is still open.  After lua_settle_requests. */
void lua_close_files(lua_State *L);

/* lua_request.c: requests */
void lua_room_requests(lua_State *L);
/* Start a request and push it. */
struct nt_request *lua_start_request(lua_State *L, const struct nt_request_desc *desc);
/* Wait for the request on top of the stack, replace it by its results: data (or count, or true; nil
 * when it failed), status, information. */
int lua_finish_request(lua_State *L);
/* The same for a create: the file that it opened, or NULL; pushes nothing. */
struct nt_file *lua_finish_create(lua_State *L, int32_t *status);
/* Wait for what was started and never waited for, and forget every request. */
void lua_settle_requests(lua_State *L);

/*
 * lua_computer.c: the hardware and the registry.  What may be used before the drivers start, so
 * that a script can set the computer up; everything else begins with lua_need_drivers.
 */
void lua_room_computer(lua_State *L);
void lua_room_hardware(lua_State *L); /* lua_hardware.c */
void lua_room_registry(lua_State *L); /* lua_registry.c */
void lua_room_disks(lua_State *L);    /* lua_disk.c */
void lua_room_printers(lua_State *L); /* lua_printer.c */
void lua_room_uarts(lua_State *L);    /* lua_uart.c */

/* lua_run.c: the drivers are started by the first thing in a script that needs them. */
void lua_need_drivers(lua_State *L);
/* How one of them is unloaded and loaded again. */
const struct scenario_drivers *lua_drivers(lua_State *L);

/* Seconds of virtual time at an argument, in the machine's units; `missing` when there is none. */
uint64_t lua_check_seconds(lua_State *L, int argument, uint64_t missing);
/* An NTSTATUS as scripts see it: 0 to 0xffffffff. */
void lua_push_status(lua_State *L, int32_t status);

#endif
