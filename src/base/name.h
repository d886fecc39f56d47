/* SPDX-License-Identifier: MIT */
/* How much of a driver's file name is kept wherever a module is named, terminator included. */
#ifndef PAGABLE_BASE_NAME_H
#define PAGABLE_BASE_NAME_H

#define MODULE_NAME_BYTES 48

#endif
