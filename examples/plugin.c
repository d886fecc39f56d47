/* SPDX-License-Identifier: MIT */
/* A plug-in for plugin_host.c: its work is in a section that the host can lock. */
#include <pagable/pagable.h>

int plugin_work(int x);

PAGABLE_CODE("PAGEwork") int plugin_work(int x)
{
    return x * x;
}
