/* SPDX-License-Identifier: MIT */
/* Places that the test of the inference asks about: each is a call of a routine of its own. */
#include <ntddk.h>

void Mark1(void);
void Mark2(void);
void Mark3(void);
void Mark4(void);
