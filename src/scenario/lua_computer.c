/* SPDX-License-Identifier: MIT */
/*
 * What scripts find of the computer's outside: its hardware and its registry.  A file of its own,
 * so that a test can put another computer in its place.
 */
#include "scenario/lua_room.h"

void lua_room_computer(lua_State *L)
{
    lua_room_registry(L);
    lua_room_hardware(L);
    lua_room_disks(L);
    lua_room_printers(L);
    lua_room_uarts(L);
}
