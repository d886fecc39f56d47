/* SPDX-License-Identifier: MIT */
/* All that an ordinary program needs: marks for named sections, and what can be done with them. */
#ifndef PAGABLE_PAGABLE_H
#define PAGABLE_PAGABLE_H

#include <pagable/mark.h>
#include <pagable/native.h>
#include <pagable/status.h>

#endif
