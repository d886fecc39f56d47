/* SPDX-License-Identifier: MIT */
/*
 * How a recorded source path is shown, so that output does not depend on the machine that built:
 *
 *   under the compilation directory   relative to it             /b/drv + /b/drv/src/a.c -> src/a.c
 *   absolute, elsewhere               its last two components    /usr/include/ddk/wdm.h ->
 * ddk/wdm.h relative                          as it is                   src/a.c -> src/a.c
 *
 * Before that '\' becomes '/', and "." and ".." are resolved by name; a ".." that leads out of what
 * is known is dropped.  Paths with a drive letter compare without case.
 */
#ifndef PAGABLE_SYMBOLS_PATH_H
#define PAGABLE_SYMBOLS_PATH_H

#include "symbols/bytes.h"

#define PATH_ROOM 4096u

/* Write the shown form, terminated; returns its length, 0 when nothing is left of the path. */
size_t path_show(char out[PATH_ROOM], struct bytes path, struct bytes directory);

/* folder + "/" + path, or path alone when it is absolute or there is no folder; cut at PATH_ROOM.
 */
size_t path_join(char out[PATH_ROOM], struct bytes folder, struct bytes path);

/* The part after the last '/' or '\'. */
struct bytes path_base(struct bytes path);

#endif
