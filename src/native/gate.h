/* SPDX-License-Identifier: MIT */
/* Private to native/: a mutex.  Order: the list's, then one object's, then track's. */
#ifndef PAGABLE_NATIVE_GATE_H
#define PAGABLE_NATIVE_GATE_H

struct native_gate {
    _Alignas(16) unsigned char opaque[64];
};

void native_gate_init(struct native_gate *gate);
void native_gate_enter(struct native_gate *gate);
void native_gate_leave(struct native_gate *gate);

/* Let another thread run. */
void native_yield(void);
/* The kernel's id of this thread. */
unsigned long native_thread(void);

#endif
